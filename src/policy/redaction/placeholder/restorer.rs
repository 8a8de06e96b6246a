//! Puts values back where an answer names them.
//!
//! ```text
//! "Write to <EMAIL_1>."  ─ restore ─▶  "Write to ana@example.com."
//! ```
//!
//! Only what was issued is restored, or what is sealed under the policy's keys, and only as a whole: `EMAIL_1` is not
//! found inside `EMAIL_12`. A restored value is not read again, so a value that looks like a placeholder stays what it
//! is. How a model may have written one is for [`spelling`](super::spelling) to know.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;
use std::rc::Rc;

use super::spelling::{Cursor, Form, Landing, Next, next};
use super::vault::Vault;

/// Reads a vault, never changes it: attempts of one exchange may share it.
#[derive(Debug, Clone)]
pub struct Restorer {
    vault: Rc<Vault>,
}

impl Restorer {
    pub fn new(vault: Rc<Vault>) -> Self {
        Self { vault }
    }

    /// The text with its values, or `None` where there is nothing to restore.
    pub fn restore(&self, text: &str, landing: Landing) -> Option<String> {
        let mut restored = String::new();
        let mut copied = 0;
        let mut cursor = Cursor::default();
        while let Some(Next::Found { range, value, form }) = self.next(text, &mut cursor, landing, true) {
            restored.push_str(text.get(copied..range.start)?);
            restored.push_str(&written(&value, form, landing));
            copied = range.end;
        }
        if copied == 0 {
            return None;
        }
        restored.push_str(text.get(copied..)?);
        Some(restored)
    }

    /// Where placeholders stand that would be restored, in order.
    pub fn places(&self, text: &str, landing: Landing) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        let mut cursor = Cursor::default();
        while let Some(Next::Found { range, .. }) = self.next(text, &mut cursor, landing, true) {
            places.push(range);
        }
        places
    }

    /// Whether there is nothing that could ever be restored.
    pub fn is_idle(&self) -> bool {
        self.vault.restores_nothing()
    }

    /// The first placeholder behind the cursor, or that the text ends in what may become one.
    pub(super) fn next(
        &self,
        text: &str,
        cursor: &mut Cursor,
        landing: Landing,
        ended: bool,
    ) -> Option<Next> {
        if self.is_idle() {
            return None;
        }
        next(&*self.vault, text.as_bytes(), cursor, landing, ended)
    }
}

/// The value as it has to stand in a placeholder's place.
pub(super) fn written(value: &str, form: Form, landing: Landing) -> Cow<'_, str> {
    match (form, landing) {
        (Form::Url, _) => escape_url(value),
        (Form::Landing, Landing::Json) => escape_json(value),
        (Form::Landing, Landing::Text) => Cow::Borrowed(value),
    }
}

/// Everything but what stands for itself anywhere in an URL (RFC 3986, section 2.3).
fn escape_url(value: &str) -> Cow<'_, str> {
    let mut escaped = String::with_capacity(value.len() + 8);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    Cow::Owned(escaped)
}

/// The value as the inside of a JSON string (RFC 8259, section 7).
fn escape_json(value: &str) -> Cow<'_, str> {
    if !value.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\') {
        return Cow::Borrowed(value);
    }
    let mut escaped = String::with_capacity(value.len() + 8);
    for c in value.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            c if u32::from(c) < 0x20 => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::super::seal::Keys;
    use super::*;
    use crate::config::PlaceholderStyle;

    fn restorer() -> Restorer {
        let mut vault = Vault::new(PlaceholderStyle::Numbered, &Keys::new([]));
        vault.placeholder("email", "ana@example.com");
        for n in 2..12 {
            vault.placeholder("email", &format!("{n}@example.com"));
        }
        vault.placeholder("secret", "a\"b\\c\nd<EMAIL_1>");
        Restorer::new(Rc::new(vault))
    }

    fn text(text: &str) -> Option<String> {
        restorer().restore(text, Landing::Text)
    }

    fn json(text: &str) -> Option<String> {
        restorer().restore(text, Landing::Json)
    }

    #[test]
    fn an_issued_placeholder_is_restored_wherever_it_stands() {
        assert_eq!(text("<EMAIL_1>").as_deref(), Some("ana@example.com"));
        assert_eq!(
            text("to <EMAIL_1>, cc &lt;EMAIL_2&gt;.").as_deref(),
            Some("to ana@example.com, cc 2@example.com.")
        );
        assert_eq!(text("<<EMAIL_1>><EMA<EMAIL_1>").as_deref(), Some("<ana@example.com><EMAana@example.com"));
    }

    /// Texts, and what comes of them; `ana` stands for the value of EMAIL_1.
    const SPELLINGS: &[(&str, &str)] = &[
        // Angle brackets go with the name.
        ("<email_1>", "ana"),
        ("<Email_1>s", "anas"),
        ("< EMAIL_1 >", "ana"),
        ("<EMAIL 1>", "ana"),
        ("<email 1   >", "ana"),
        (r"<EMAIL\_1>", "ana"),
        (r"\<EMAIL\_1\>", "ana"),
        (r"\<EMAIL_1\>", "ana"),
        ("&lt;EMAIL_1&gt;", "ana"),
        ("&LT;email_1&GT;", "ana"),
        ("&#60;EMAIL_1&#62;", "ana"),
        ("&#x3C;EMAIL_1&#x3e;", "ana"),
        ("&amp;lt;EMAIL_1&amp;gt;", "ana"),
        ("＜EMAIL_1＞", "ana"),
        ("<ＥＭＡＩＬ＿１>", "ana"),
        ("＜ｅｍａｉｌ＿１＞", "ana"),
        ("<<EMAIL_1>>", "<ana>"),
        ("<a <EMAIL_1> b>", "<a ana b>"),
        // Everything else stays as it was written.
        ("**<EMAIL_1>**", "**ana**"),
        ("`EMAIL_1`", "`ana`"),
        ("*EMAIL_1*", "*ana*"),
        ("_EMAIL_1_", "_ana_"),
        ("__EMAIL_1__,", "__ana__,"),
        ("EMAIL_1's", "ana's"),
        ("EMAIL_1s.", "anas."),
        ("EMAIL_1", "ana"),
        ("x EMAIL_1, y", "x ana, y"),
        (r"EMAIL\_1", "ana"),
        ("[EMAIL_1](mailto:EMAIL_1)", "[ana](mailto:ana)"),
        ("[EMAIL 1]", "[ana]"),
        ("(EMAIL_1) {EMAIL_1} «EMAIL_1»", "(ana) {ana} «ana»"),
        ("{{EMAIL_1}}", "{{ana}}"),
        ("<b>EMAIL_1</b>", "<b>ana</b>"),
        ("<EMAIL_1", "<ana"),
        ("&lt;EMAIL_1>", "&lt;ana>"),
        ("邮箱EMAIL_1。", "邮箱ana。"),
        ("-EMAIL_1-2", "-ana-2"),
        ("<&EMAIL_1", "<&ana"),
        (r"\EMAIL_1\n", r"\ana\n"),
    ];

    #[test]
    fn a_placeholder_is_known_in_every_spelling_that_models_use() {
        for (written, wanted) in SPELLINGS {
            let wanted = wanted.replace("ana", "ana@example.com");
            assert_eq!(text(written).as_deref(), Some(wanted.as_str()), "{written}");
        }
    }

    #[test]
    fn what_was_not_issued_stays() {
        for untouched in [
            "",
            "<EMAIL_12>",
            "<EMAIL_01>",
            "EMAIL_12",
            "EMAIL_1x",
            "EMAIL_1_",
            "EMAIL_1_2",
            r"EMAIL\_1\_2",
            "_EMAIL_1",
            "__EMAIL_1_",
            "xEMAIL_1",
            "1EMAIL_1",
            "MY_EMAIL_1",
            "email_1",
            "Email_1",
            "EMAIL 1",
            "email 1",
            "(EMAIL 1)",
            "[email 1]",
            "[email_1]",
            "[EMAIL 1",
            "<EMAIL  1>",
            "<EMAIL\n1>",
            "<    EMAIL 1>",
            "<EMAIL1>",
            "<EMAIL-1>",
            "< 1>",
            "<>",
            "<b>",
            "a & b",
            "100%",
            "％",
            r"\",
            "EMAIL",
            "EMAIL_",
        ] {
            assert_eq!(text(untouched), None, "{untouched}");
        }
        assert_eq!(text("<EMAIL_11>").as_deref(), Some("11@example.com"));
        assert_eq!(text("EMAIL_11").as_deref(), Some("11@example.com"));
    }

    #[test]
    fn a_backslash_is_a_part_of_a_bracket_only_if_both_have_one() {
        assert_eq!(text(r"C:\<EMAIL_1>\x").as_deref(), Some(r"C:\ana@example.com\x"));
        assert_eq!(text(r"\<EMAIL_1>\>").as_deref(), Some(r"\ana@example.com\>"));
        assert_eq!(json(r#""\\<EMAIL_1>\\""#).as_deref(), Some(r#""\\ana@example.com\\""#));
        assert_eq!(json(r#""\\<EMAIL\\_1\\>""#).as_deref(), Some(r#""ana@example.com""#));
        assert_eq!(json(r"no JSON: \<EMAIL_1>").as_deref(), Some(r"no JSON: \ana@example.com"));
    }

    #[test]
    fn a_word_that_the_caller_wrote_beside_a_value_is_no_name() {
        assert_eq!(text("<EMAIL_2>EMAIL_1").as_deref(), Some("2@example.comEMAIL_1"));
        assert_eq!(text("EMAIL_1<EMAIL_2>").as_deref(), Some("EMAIL_12@example.com"));
        assert_eq!(text("EMAIL_1s<EMAIL_2>").as_deref(), Some("EMAIL_1s2@example.com"));
    }

    #[test]
    fn escapes_of_json_source_are_no_part_of_a_word() {
        assert_eq!(json(r#""to\nEMAIL_1\n""#).as_deref(), Some(r#""to\nana@example.com\n""#));
        assert_eq!(json(r#""\u00e9EMAIL_1""#).as_deref(), Some(r#""\u00e9ana@example.com""#));
        assert_eq!(json(r#""\u0041EMAIL_1""#), None);
    }

    #[test]
    fn a_value_that_lands_in_an_url_is_escaped() {
        assert_eq!(text("?q=%3CEMAIL_1%3e&x").as_deref(), Some("?q=ana%40example.com&x"));
        assert_eq!(json(r#""?q=%3csecret_1%3E""#).as_deref(), Some(r#""?q=a%22b%5Cc%0Ad%3CEMAIL_1%3E""#));
    }

    #[test]
    fn a_value_that_lands_in_json_is_escaped_and_not_read_again() {
        assert_eq!(text("<SECRET_1>").as_deref(), Some("a\"b\\c\nd<EMAIL_1>"));
        assert_eq!(json(r#"{"k":"<SECRET_1>"}"#).as_deref(), Some(r#"{"k":"a\"b\\c\nd<EMAIL_1>"}"#));
    }

    #[test]
    fn json_escapes_stand_for_brackets_in_json_only() {
        assert_eq!(json(r#"{"to":"\u003cEMAIL_1\u003E"}"#).as_deref(), Some(r#"{"to":"ana@example.com"}"#));
        assert_eq!(json(r#"{"to":"\u003CEMAIL_1\u003e"}"#).as_deref(), Some(r#"{"to":"ana@example.com"}"#));
        assert_eq!(text(r"\u003cEMAIL_1\u003e"), None);
        assert_eq!(json(r"\\u003cEMAIL_1\u003e"), None, "an escaped backslash, then text");
    }

    #[test]
    fn an_empty_vault_restores_nothing() {
        let vault = Vault::new(PlaceholderStyle::Numbered, &Keys::new([]));
        assert_eq!(Restorer::new(Rc::new(vault)).restore("<EMAIL_1>", Landing::Text), None);
    }
}
