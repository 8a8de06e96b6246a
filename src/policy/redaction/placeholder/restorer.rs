//! Puts values back where an answer names them.
//!
//! ```text
//! "Write to <EMAIL_1>."  ─ restore ─▶  "Write to ana@example.com."
//! ```
//!
//! Only what was issued is restored, and only as a whole: `<EMAIL_1>` is not found inside `<EMAIL_12>`. A restored
//! value is not read again, so a value that looks like a placeholder stays what it is. Models escape: `&lt;EMAIL_1&gt;`
//! stands for `<EMAIL_1>` everywhere, `\u003cEMAIL_1\u003e` where the text is JSON source.
//!
//! [`Restorer::look`] is the one place that knows what a placeholder may look like; whole texts and streams both ask
//! it, which is why cutting a text never changes what comes out.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use super::vault::{Vault, is_name_byte};

/// Where a restored value lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Landing {
    /// Plain text: the value as it is.
    Text,
    /// Text that is itself JSON source, such as the arguments of a tool call: the value as the inside of a string.
    Json,
}

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
        let mut at = 0;
        while let Some(found) = self.next(text, at, landing) {
            at = match found {
                Next::Placeholder { start, end, value } => {
                    restored.push_str(text.get(copied..start)?);
                    restored.push_str(&value);
                    copied = end;
                    end
                }
                // The text ends here: it stays what it is.
                Next::Unfinished { start } => start + 1,
            };
        }
        if copied == 0 {
            return None;
        }
        restored.push_str(text.get(copied..)?);
        Some(restored)
    }

    /// Where placeholders stand that were issued, in order.
    pub fn places(&self, text: &str, landing: Landing) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        let mut at = 0;
        while let Some(found) = self.next(text, at, landing) {
            at = match found {
                Next::Placeholder { start, end, .. } => {
                    places.push(start..end);
                    end
                }
                Next::Unfinished { start } => start + 1,
            };
        }
        places
    }

    /// Whether there is nothing that could ever be restored.
    pub(super) fn is_idle(&self) -> bool {
        self.vault.is_empty()
    }

    /// The first placeholder at or after `from`, or where the text ends in what may become one.
    pub(super) fn next<'v>(&'v self, text: &str, from: usize, landing: Landing) -> Option<Next<'v>> {
        if self.is_idle() {
            return None;
        }
        let bytes = text.as_bytes();
        let mut at = from;
        loop {
            let rest = bytes.get(at..)?;
            let start = at
                + match landing {
                    Landing::Text => memchr::memchr2(b'<', b'&', rest)?,
                    Landing::Json => memchr::memchr3(b'<', b'&', b'\\', rest)?,
                };
            match self.look(bytes.get(start..)?, landing) {
                Look::Placeholder { len, value } => {
                    let value = match landing {
                        Landing::Text => Cow::Borrowed(value),
                        Landing::Json => escape_json(value),
                    };
                    return Some(Next::Placeholder { start, end: start + len, value });
                }
                Look::Unfinished => return Some(Next::Unfinished { start }),
                Look::Nothing { skip } => at = start + skip,
            }
        }
    }

    /// What stands at the beginning of `rest`.
    fn look(&self, rest: &[u8], landing: Landing) -> Look<'_> {
        if rest.starts_with(br"\\") {
            // An escaped backslash: what follows it is text, not an escape.
            return Look::Nothing { skip: 2 };
        }
        for Spelling { open, close, only } in SPELLINGS {
            if only.is_some_and(|only| only != landing) {
                continue;
            }
            let Some(inside) = rest.strip_prefix(*open) else {
                if open.starts_with(rest) {
                    return Look::Unfinished;
                }
                continue;
            };
            let len = inside.iter().take_while(|byte| is_name_byte(**byte)).count();
            let (name, after) = inside.split_at(len);
            // Name bytes are ASCII.
            let name = std::str::from_utf8(name).unwrap_or_default();
            if after.is_empty() && self.vault.issued_with_prefix(name) {
                return Look::Unfinished;
            }
            let Some(value) = self.vault.value(name) else { continue };
            for close in *close {
                if after.starts_with(close) {
                    return Look::Placeholder { len: open.len() + len + close.len(), value };
                }
                if close.starts_with(after) {
                    return Look::Unfinished;
                }
            }
        }
        Look::Nothing { skip: 1 }
    }
}

/// Where reading on has to stop.
pub(super) enum Next<'v> {
    /// `value` is ready to land.
    Placeholder { start: usize, end: usize, value: Cow<'v, str> },
    /// From `start` to its end the text is the beginning of an issued placeholder.
    Unfinished { start: usize },
}

enum Look<'v> {
    Placeholder { len: usize, value: &'v str },
    Unfinished,
    Nothing { skip: usize },
}

/// How the brackets may be written.
struct Spelling {
    open: &'static [u8],
    close: &'static [&'static [u8]],
    only: Option<Landing>,
}

const SPELLINGS: &[Spelling] = &[
    Spelling { open: b"<", close: &[b">"], only: None },
    Spelling { open: b"&lt;", close: &[b"&gt;"], only: None },
    Spelling { open: br"\u003c", close: &[br"\u003e", br"\u003E"], only: Some(Landing::Json) },
    Spelling { open: br"\u003C", close: &[br"\u003e", br"\u003E"], only: Some(Landing::Json) },
];

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
            c if u32::from(c) < 0x20 => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PlaceholderStyle;

    fn restorer() -> Restorer {
        let mut vault = Vault::new(PlaceholderStyle::Numbered, b"");
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

    #[test]
    fn what_was_not_issued_stays() {
        for untouched in [
            "",
            "<EMAIL_12>",
            "<EMAIL_01>",
            "<EMAIL_1",
            "<email_1>",
            "EMAIL_1",
            "< EMAIL_1>",
            "<b>",
            "a & b",
            "&lt;EMAIL_1>",
        ] {
            assert_eq!(text(untouched), None, "{untouched}");
        }
        assert_eq!(text("<EMAIL_11>").as_deref(), Some("11@example.com"));
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
        let vault = Vault::new(PlaceholderStyle::Numbered, b"");
        assert_eq!(Restorer::new(Rc::new(vault)).restore("<EMAIL_1>", Landing::Text), None);
    }
}
