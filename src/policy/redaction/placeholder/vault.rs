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
//! A sealed placeholder carries its value itself, so that the vault also knows those that it did not issue.
//!
//! The vault never prints what it holds. It does not know where values are found, nor how they are put back.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::{Bound, Range};
use std::rc::Rc;
use std::{fmt, mem};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::seal::{ALPHABET, Keys};
use super::spelling::{Cursor, Landing, Names, Next, next};
use crate::config::PlaceholderStyle;

/// The values of one conversation, by the placeholder that stands for each.
pub struct Vault {
    style: PlaceholderStyle,
    keys: Rc<Keys>,
    /// Type, then value, to the placeholder with its brackets.
    issued: HashMap<Rc<str>, HashMap<Rc<str>, Rc<str>>>,
    /// Name (the placeholder without its brackets) to value. Ordered, so that a prefix can be looked up.
    values: BTreeMap<Rc<str>, Rc<str>>,
    /// Names that the conversation uses for itself.
    taken: HashSet<Box<str>>,
    /// The number given last, by label.
    last: HashMap<String, usize>,
    /// The letters that issued names begin with.
    letters: u32,
}

impl Vault {
    pub fn new(style: PlaceholderStyle, keys: &Rc<Keys>) -> Self {
        Self {
            style,
            keys: Rc::clone(keys),
            issued: HashMap::new(),
            values: BTreeMap::new(),
            taken: HashSet::new(),
            last: HashMap::new(),
            letters: 0,
        }
    }

    /// One that knows no placeholder and never will: nothing is restored from it.
    pub fn nothing() -> Self {
        Self::new(PlaceholderStyle::Numbered, &Keys::new([]))
    }

    /// Passes over the names in `text` that look like placeholders, in any spelling that would be restored: a number
    /// that the conversation already uses is never issued. Every text of a conversation is to be reserved before its
    /// first placeholder is issued.
    ///
    /// Other names need no reservation: nobody can write one for another value without the key.
    pub fn reserve(&mut self, text: &str) {
        if self.style != PlaceholderStyle::Numbered {
            return;
        }
        let numbered = Numbered(RefCell::new(mem::take(&mut self.taken)));
        let read = |landing| {
            // It knows no value, so that reading ends with the text.
            next(&numbered, text.as_bytes(), &mut Cursor::default(), landing, true);
        };
        read(Landing::Text);
        if text.contains('\\') {
            // The text may come back where it is read as JSON source.
            read(Landing::Json);
        }
        self.taken = numbered.0.into_inner();
    }

    /// Where sealed placeholders stand in a text that goes to the provider. They are not looked into: what a detector
    /// takes for a secret in one is the seal.
    pub fn sealed_in(&self, text: &str) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        if self.style != PlaceholderStyle::Sealed {
            return all;
        }
        let mut cursor = Cursor::default();
        while let Some(Next::Found { range, .. }) =
            next(self, text.as_bytes(), &mut cursor, Landing::Text, true)
        {
            all.push(range);
        }
        all
    }

    /// The placeholder for a value, brackets included. `type_name` is snake case: `employee_id` → `<EMPLOYEE_ID_1>`.
    pub fn placeholder(&mut self, type_name: &str, value: &str) -> Rc<str> {
        if let Some(placeholder) = self.issued.get(type_name).and_then(|of_type| of_type.get(value)) {
            return Rc::clone(placeholder);
        }
        let name = match self.style {
            PlaceholderStyle::Numbered => self.next_numbered(type_name),
            PlaceholderStyle::Keyed => self.keyed(type_name, value),
            PlaceholderStyle::Sealed => self.sealed(type_name, value),
        };
        self.letters |= name.bytes().next().map_or(0, letter_bit);
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

    /// Whether there is nothing that could ever be restored.
    pub fn restores_nothing(&self) -> bool {
        self.values.is_empty() && self.style != PlaceholderStyle::Sealed
    }

    /// Values held, by type name.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.issued.iter().map(|(type_name, of_type)| (type_name.to_string(), of_type.len())).collect()
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

    /// The name is the value, encrypted. One that is too long for that gets a keyed name, and is restored where the
    /// request holds it.
    fn sealed(&self, type_name: &str, value: &str) -> String {
        let label = label(type_name);
        match self.keys.seal(&label, value) {
            Some(seal) => format!("{label}_{seal}"),
            None => self.keyed(type_name, value),
        }
    }

    /// Thirteen characters of HMAC-SHA-256(key, type NUL value): a letter of 22, then twelve of 32, 64.4 bits.
    fn digest(&self, type_name: &str, value: &str, round: u8) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.keys.first()) else {
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
        text.extend(letter_of(ALPHABET.get(10..).unwrap_or_default(), bits % 22));
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

impl Names for Vault {
    fn value(&self, name: &str) -> Option<Rc<str>> {
        if let Some(value) = self.values.get(name) {
            return Some(Rc::clone(value));
        }
        let sealed = self.style == PlaceholderStyle::Sealed;
        sealed.then(|| self.keys.open(name)).flatten().map(Rc::from)
    }

    fn begins(&self, prefix: &str) -> bool {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        self.values.range::<str, _>(from).next().is_some_and(|(name, _)| name.starts_with(prefix))
            || self.style == PlaceholderStyle::Sealed && self.keys.may_begin(prefix)
    }

    fn letters(&self) -> u32 {
        if self.style == PlaceholderStyle::Sealed { u32::MAX } else { self.letters }
    }
}

/// Collects the names that a counted placeholder may have.
struct Numbered(RefCell<HashSet<Box<str>>>);

impl Names for Numbered {
    fn value(&self, name: &str) -> Option<Rc<str>> {
        let number = name.rsplit_once('_').map_or("", |(_, number)| number);
        if (1..=9).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()) {
            let mut taken = self.0.borrow_mut();
            if !taken.contains(name) {
                taken.insert(name.into());
            }
        }
        None
    }

    fn begins(&self, _prefix: &str) -> bool {
        false
    }

    fn letters(&self) -> u32 {
        u32::MAX
    }
}

fn letter_bit(letter: u8) -> u32 {
    1u32.checked_shl(u32::from(letter.wrapping_sub(b'A'))).unwrap_or(0)
}

fn letter_of(alphabet: &[u8], index: u128) -> Option<char> {
    alphabet.get(usize::try_from(index).ok()?).copied().map(char::from)
}

/// `employee_id` → `EMPLOYEE_ID`; whatever a placeholder cannot hold becomes an underscore.
fn label(type_name: &str) -> String {
    let upper =
        type_name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    upper.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered() -> Vault {
        Vault::new(PlaceholderStyle::Numbered, &Keys::new([]))
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
        let one = Keys::new([&b"one"[..]]);
        let mut vault = Vault::new(PlaceholderStyle::Keyed, &one);
        let placeholder = vault.placeholder("email", "ana@example.com");
        assert!(placeholder.starts_with("<EMAIL_") && placeholder.len() == "<EMAIL_K7Q2M4X9B3TZA>".len());
        assert!(placeholder.as_bytes()[7].is_ascii_uppercase());

        let mut again = Vault::new(PlaceholderStyle::Keyed, &one);
        again.placeholder("email", "somebody@example.com");
        again.reserve(&placeholder);
        assert_eq!(again.placeholder("email", "ana@example.com"), placeholder);

        let mut other = Vault::new(PlaceholderStyle::Keyed, &Keys::new([&b"two"[..], b"one"]));
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
