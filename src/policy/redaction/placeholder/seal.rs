//! Placeholders that carry their value, encrypted.
//!
//! ```text
//! ana@example.com  ─ seal ─▶  EMAIL_S7K2M…        S: this form; 7: which key; then base 32 of AES-SIV's output
//! ```
//!
//! AES-SIV (RFC 5297) is authenticated and deterministic: the same value of the same type under the same key is the
//! same placeholder on every replica, and nobody without the key can make one or change one. The type is associated
//! data, so that a sealed password does not open as a name. Keys for it are derived from the policy's by HKDF
//! (RFC 5869), apart from all else that the policy's key is used for.
//!
//! What a value's length is, and which values are equal, can be seen.

use std::rc::Rc;

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use hkdf::Hkdf;
use sha2::Sha256;

/// The policy's keys, ready for use. The first makes placeholders; all of them open sealed ones.
pub struct Keys {
    first: Box<[u8]>,
    sealing: Vec<SealingKey>,
}

struct SealingKey {
    /// A hint which key to try, of 32: two keys may have the same.
    id: u8,
    key: [u8; 64],
}

/// Longer values are not sealed: no model copies a page of letters without a fault.
pub(super) const MAX_SEALED: usize = 128;
/// The synthetic initialisation vector, which is what is authenticated by.
const TAG: usize = 16;
/// Of a policy's own types; those of the module are shorter.
const MAX_LABEL: usize = 40;
/// Behind the label: `S`, the key's id, and the value with its tag in base 32.
const MAX_SEAL: usize = 2 + ((TAG + MAX_SEALED) * 8).div_ceil(5);

/// Crockford's base 32: no I, L, O, U, so that no two look alike and case does not matter.
pub(super) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Keys {
    /// Without keys nothing is sealed or opened.
    pub fn new<'k>(keys: impl IntoIterator<Item = &'k [u8]>) -> Rc<Self> {
        let mut keys = keys.into_iter().peekable();
        let first = keys.peek().copied().unwrap_or_default().into();
        Rc::new(Self { first, sealing: keys.filter_map(SealingKey::derive).collect() })
    }

    pub(super) fn first(&self) -> &[u8] {
        &self.first
    }

    /// What stands behind the label. `None`: the value is too long to be sealed.
    pub(super) fn seal(&self, label: &str, value: &str) -> Option<String> {
        if value.len() > MAX_SEALED || label.len() > MAX_LABEL {
            return None;
        }
        let key = self.sealing.first()?;
        let sealed = key.cipher()?.encrypt([label.as_bytes()], value.as_bytes()).ok()?;
        let mut seal = String::with_capacity(MAX_SEAL);
        seal.push('S');
        seal.extend(character(key.id));
        encode(&sealed, &mut seal);
        Some(seal)
    }

    /// The value that a whole name carries, if it was sealed under one of the keys.
    pub(super) fn open(&self, name: &str) -> Option<String> {
        let (label, id, text) = parts(name)?;
        let ours = self.sealing.iter().filter(|key| character(key.id) == Some(id));
        let sealed = decode(text).filter(|sealed| sealed.len() > TAG)?;
        ours.filter_map(|key| key.cipher()?.decrypt([label.as_bytes()], &sealed).ok())
            .find_map(|value| String::from_utf8(value).ok())
    }

    /// Whether the name of something sealed under one of the keys may begin so.
    pub(super) fn may_begin(&self, prefix: &str) -> bool {
        if prefix.len() <= MAX_LABEL {
            return true;
        }
        let Some((label, seal)) = prefix.rsplit_once('_') else { return false };
        let mut seal = seal.bytes();
        label.len() <= MAX_LABEL
            && seal.len() <= MAX_SEAL
            && seal.next().is_none_or(|form| form == b'S')
            && seal
                .next()
                .is_none_or(|id| self.sealing.iter().any(|key| character(key.id) == Some(id.into())))
            && seal.all(|byte| ALPHABET.contains(&byte))
    }
}

impl SealingKey {
    fn derive(key: &[u8]) -> Option<Self> {
        let derived = Hkdf::<Sha256>::new(Some(b"tollgate"), key);
        let mut own = Self { id: 0, key: [0; 64] };
        let mut id = [0; 1];
        derived.expand(b"sealed placeholder, AES-256-SIV", &mut own.key).ok()?;
        derived.expand(b"sealed placeholder, key id", &mut id).ok()?;
        own.id = id.first()? & 31;
        Some(own)
    }

    fn cipher(&self) -> Option<Aes256Siv> {
        Aes256Siv::new_from_slice(&self.key).ok()
    }
}

/// Label, key id and the rest of a name that has the form of a sealed one.
fn parts(name: &str) -> Option<(&str, char, &str)> {
    let (label, seal) = name.rsplit_once('_')?;
    let mut rest = seal.strip_prefix('S')?.chars();
    let id = rest.next()?;
    (!label.is_empty() && label.len() <= MAX_LABEL && seal.len() <= MAX_SEAL).then_some((
        label,
        id,
        rest.as_str(),
    ))
}

fn character(digit: u8) -> Option<char> {
    ALPHABET.get(usize::from(digit)).copied().map(char::from)
}

fn encode(bytes: &[u8], out: &mut String) {
    let (mut bits, mut held) = (0u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            out.extend(character((bits >> held & 31) as u8));
        }
    }
    if held > 0 {
        out.extend(character((bits << (5 - held) & 31) as u8));
    }
}

/// `None` for what [`encode`] does not write: so a sealed value has one name.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut held) = (0u32, 0);
    for character in text.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == character)?;
        bits = bits << 5 | digit as u32;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    (held < 5 && bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Rc<Keys> {
        Keys::new(keys.iter().map(|key| key.as_bytes()))
    }

    fn name(keys: &Keys, label: &str, value: &str) -> String {
        format!("{label}_{}", keys.seal(label, value).expect("short enough"))
    }

    #[test]
    fn what_was_sealed_opens_under_the_same_key_and_type_only() {
        let one = keys(&["one"]);
        for value in ["a", "ana@example.com", "日本 \"\\\n\u{0}", &"x".repeat(MAX_SEALED)] {
            let sealed = name(&one, "EMAIL", value);
            assert_eq!(sealed, name(&keys(&["one"]), "EMAIL", value), "deterministic");
            assert!(sealed.len() <= super::super::spelling::MAX_NAME);
            assert_eq!(keys(&["one"]).open(&sealed).as_deref(), Some(value));
            assert_eq!(keys(&["two"]).open(&sealed), None);
            assert_eq!(one.open(&sealed.replace("EMAIL", "PHONE")), None, "the type is authenticated");
        }
        assert_eq!(one.seal("EMAIL", &"x".repeat(MAX_SEALED + 1)), None);
    }

    #[test]
    fn nothing_that_was_changed_opens() {
        let one = keys(&["one"]);
        let sealed = name(&one, "EMAIL", "ana@example.com");
        for at in "EMAIL_".len()..sealed.len() {
            for other in ALPHABET.iter().copied().map(char::from) {
                let changed = format!("{}{other}{}", &sealed[..at], &sealed[at + 1..]);
                assert!(changed == sealed || one.open(&changed).is_none(), "{changed}");
            }
            assert_eq!(one.open(&sealed[..at]), None);
        }
        assert_eq!(one.open(&format!("{sealed}0")), None);
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let old = keys(&["old"]);
        let both = keys(&["new", "old"]);
        let before = name(&old, "EMAIL", "ana@example.com");
        assert_eq!(both.open(&before).as_deref(), Some("ana@example.com"));
        let after = name(&both, "EMAIL", "ana@example.com");
        assert_ne!(after, before);
        assert_eq!(keys(&["new"]).open(&after).as_deref(), Some("ana@example.com"));
        assert_eq!(old.open(&after), None);
    }

    #[test]
    fn every_beginning_of_a_sealed_name_may_become_one() {
        let one = keys(&["one"]);
        let sealed = name(&one, &"LABEL_OF_FORTY_CHARACTERS_AND_NOT_ONE_MORE"[..40], &"é".repeat(64));
        for end in 1..=sealed.len() {
            assert!(one.may_begin(&sealed[..end]), "{}", &sealed[..end]);
        }
        assert!(!one.may_begin(&format!("{sealed}0")));
        assert!(!one.may_begin(&"A".repeat(42)));
    }
}
