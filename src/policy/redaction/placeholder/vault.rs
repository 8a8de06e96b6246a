//! What was taken out of a conversation, and the placeholder that stands for it.
//!
//! ```text
//! ana@example.com  ─ placeholder("email", …) ─▶  <EMAIL_1>
//! ```
//!
//! A placeholder stands for one value of one type: the same value gets the same placeholder again, so that a resent
//! history redacts to the same bytes and the provider's prompt cache keeps hitting. Numbers are given in the order
//! of first use; what the text itself already calls `<EMAIL_1>` is passed over, see [`Vault::reserve`].
//!
//! The vault never prints what it holds. It does not know where values are found, nor how they are put back.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::rc::Rc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::PlaceholderStyle;

/// The values of one conversation, by the placeholder that stands for each.
pub struct Vault {
    style: PlaceholderStyle,
    key: Rc<[u8]>,
    /// Type, then value, to the placeholder with its brackets.
    issued: HashMap<Rc<str>, HashMap<Rc<str>, Rc<str>>>,
    /// Name (the placeholder without its brackets) to value. Ordered, so that a prefix can be looked up.
    values: BTreeMap<Rc<str>, Rc<str>>,
    /// Names that the conversation uses for itself.
    taken: HashSet<Box<str>>,
    /// The number given last, by label.
    last: HashMap<String, usize>,
}

impl Vault {
    /// `key` makes keyed placeholders the same wherever it is the same; numbered ones do not use it.
    pub fn new(style: PlaceholderStyle, key: &[u8]) -> Self {
        Self {
            style,
            key: key.into(),
            issued: HashMap::new(),
            values: BTreeMap::new(),
            taken: HashSet::new(),
            last: HashMap::new(),
        }
    }

    /// Passes over the names in `text` that look like placeholders: a number that the conversation already uses is
    /// never issued. Every text of a conversation is to be reserved before its first placeholder is issued.
    ///
    /// A keyed name needs no reservation: nobody can write one for another value without the key.
    pub fn reserve(&mut self, text: &str) {
        if self.style == PlaceholderStyle::Keyed {
            return;
        }
        for name in numbered_names(text) {
            if !self.taken.contains(name.as_ref()) {
                self.taken.insert(name.into());
            }
        }
    }

    /// The placeholder for a value, brackets included. `type_name` is snake case: `employee_id` → `<EMPLOYEE_ID_1>`.
    pub fn placeholder(&mut self, type_name: &str, value: &str) -> Rc<str> {
        if let Some(placeholder) = self.issued.get(type_name).and_then(|of_type| of_type.get(value)) {
            return Rc::clone(placeholder);
        }
        let name = match self.style {
            PlaceholderStyle::Numbered => self.next_numbered(type_name),
            PlaceholderStyle::Keyed => self.keyed(type_name, value),
        };
        let value: Rc<str> = value.into();
        let placeholder: Rc<str> = format!("<{name}>").into();
        self.values.insert(name.into(), Rc::clone(&value));
        self.issued.entry(type_name.into()).or_default().insert(value, Rc::clone(&placeholder));
        placeholder
    }

    /// How many placeholders were issued.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Values held, by type name.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.issued.iter().map(|(type_name, of_type)| (type_name.to_string(), of_type.len())).collect()
    }

    /// What a name stands for, if it was issued.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(AsRef::as_ref)
    }

    /// Whether an issued name begins with `prefix`, or is it.
    pub(super) fn issued_with_prefix(&self, prefix: &str) -> bool {
        let from = (std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded);
        self.values.range::<str, _>(from).next().is_some_and(|(name, _)| name.starts_with(prefix))
    }

    fn next_numbered(&mut self, type_name: &str) -> String {
        let label = label(type_name);
        let last = self.last.entry(label.clone()).or_default();
        loop {
            *last = last.saturating_add(1);
            let name = format!("{label}_{last}");
            if !self.taken.contains(name.as_str()) {
                return name;
            }
        }
    }

    /// The name is a function of key, type and value. Two values that meet in one name do not happen at 64 bits; if
    /// they did, the second would get another name, for a wrong value must never be restored.
    fn keyed(&self, type_name: &str, value: &str) -> String {
        let label = label(type_name);
        let mut round: u8 = 0;
        loop {
            let name = format!("{label}_{}", self.digest(type_name, value, round));
            if round == u8::MAX || !self.values.contains_key(name.as_str()) {
                return name;
            }
            round += 1;
        }
    }

    /// Thirteen characters of HMAC-SHA-256(key, type NUL value): a letter of 22, then twelve of 32, 64.4 bits.
    fn digest(&self, type_name: &str, value: &str, round: u8) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            // HMAC takes keys of every length.
            return String::new();
        };
        mac.update(type_name.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        if round > 0 {
            mac.update(&[0, round]);
        }
        let digest = mac.finalize().into_bytes();
        let mut bits = digest.iter().take(16).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        let mut text = String::with_capacity(13);
        text.extend(letter_of(LETTERS, bits % 22));
        bits /= 22;
        for _ in 0..12 {
            text.extend(letter_of(ALPHABET, bits % 32));
            bits /= 32;
        }
        text
    }
}

/// Counts only: a value never reaches a log.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// Crockford's base 32 (no I, L, O, U), its letters and all of it.
const LETTERS: &str = "ABCDEFGHJKMNPQRSTVWXYZ";
const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn letter_of(alphabet: &str, index: u128) -> Option<char> {
    alphabet.as_bytes().get(usize::try_from(index).ok()?).copied().map(char::from)
}

/// `employee_id` → `EMPLOYEE_ID`; whatever a placeholder cannot hold becomes an underscore.
fn label(type_name: &str) -> String {
    let upper =
        type_name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    upper.collect()
}

/// Whether a byte may stand in a placeholder's name.
pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Words such as `EMAIL_1`, in upper case, with or without brackets, however those are spelled or cased: what a
/// reader could later take for one of ours. Each word is looked at once: only its end can be a number.
fn numbered_names(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'_', bytes).filter_map(move |underscore| {
        let (before, after) = (bytes.get(..underscore)?, bytes.get(underscore + 1..)?);
        let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
        let ends = after.get(digits).is_none_or(|b| !is_word_byte(*b));
        if digits == 0 || digits > 9 || !ends {
            return None;
        }
        let mut label = before.iter().rev().take_while(|b| is_word_byte(**b)).count();
        if before.get(..underscore - label).is_some_and(|before| before.ends_with(b"\\")) && label > 5 {
            // JSON source: the word stands behind an escaped bracket, `\u003c`.
            label -= 5;
        }
        if label == 0 {
            return None;
        }
        let word = text.get(underscore - label..underscore + 1 + digits)?;
        let lower = word.bytes().any(|b| b.is_ascii_lowercase());
        Some(if lower { word.to_ascii_uppercase().into() } else { word.into() })
    })
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered() -> Vault {
        Vault::new(PlaceholderStyle::Numbered, b"")
    }

    #[test]
    fn the_same_value_of_the_same_type_gets_the_same_placeholder() {
        let mut vault = numbered();
        assert_eq!(&*vault.placeholder("email", "ana@example.com"), "<EMAIL_1>");
        assert_eq!(&*vault.placeholder("email", "ben@example.com"), "<EMAIL_2>");
        assert_eq!(&*vault.placeholder("employee_id", "EMP-1"), "<EMPLOYEE_ID_1>");
        assert_eq!(&*vault.placeholder("email", "ana@example.com"), "<EMAIL_1>");
        assert_eq!(&*vault.placeholder("username", "ana@example.com"), "<USERNAME_1>");
        assert_eq!(vault.len(), 4);
        assert_eq!(vault.counts().get("email"), Some(&2));
    }

    #[test]
    fn a_number_that_the_text_already_uses_is_passed_over() {
        let mut vault = numbered();
        vault.reserve("keep <EMAIL_1>, &lt;EMAIL_2&gt;, \\u003cEMAIL_3\\u003e and <email_4> as they are; EMAIL_X is free");
        assert_eq!(&*vault.placeholder("email", "ana@example.com"), "<EMAIL_5>");
    }

    #[test]
    fn two_types_with_one_label_never_share_a_placeholder() {
        let mut vault = numbered();
        let first = vault.placeholder("badge-no", "1");
        assert_ne!(first, vault.placeholder("badge_no", "2"));
    }

    #[test]
    fn a_keyed_placeholder_depends_on_key_type_and_value_only() {
        let mut vault = Vault::new(PlaceholderStyle::Keyed, b"one");
        let placeholder = vault.placeholder("email", "ana@example.com");
        assert!(placeholder.starts_with("<EMAIL_") && placeholder.len() == "<EMAIL_K7Q2M4X9B3TZA>".len());
        assert!(placeholder.as_bytes()[7].is_ascii_uppercase());

        let mut again = Vault::new(PlaceholderStyle::Keyed, b"one");
        again.placeholder("email", "somebody@example.com");
        again.reserve(&placeholder);
        assert_eq!(again.placeholder("email", "ana@example.com"), placeholder);

        let mut other = Vault::new(PlaceholderStyle::Keyed, b"two");
        assert_ne!(other.placeholder("email", "ana@example.com"), placeholder);
        assert_ne!(other.placeholder("email", "Ana@example.com"), placeholder);
    }

    #[test]
    fn printing_a_vault_shows_counts_and_no_value() {
        let mut vault = numbered();
        vault.placeholder("email", "ana@example.com");
        let printed = format!("{vault:?}");
        assert!(printed.contains("\"email\": 1") && !printed.contains("ana"));
    }
}
