//! How a number is written, as a short text.
//!
//! ```text
//! d  a digit        _  one of space - . / or nothing     any other character: itself, a letter in either case
//! a  a letter       +  up to twelve more digits
//! x  either
//! ```
//!
//! `aa_dd_dd_dd_a` fits `QQ 12 34 56 C` and `QQ123456C`.

/// Longest value without its separators.
const LONGEST: usize = 32;

/// A value without its separators, its letters in upper case.
#[derive(Clone, Copy)]
pub(super) struct Value {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Value {
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.len)? = byte.to_ascii_uppercase();
        self.len += 1;
        Some(())
    }
}

/// Where text of this shape that begins at `start` ends, and what it says. `capitals`: small letters do not fit.
pub(super) fn fit(shape: &str, text: &[u8], start: usize, capitals: bool) -> Option<(usize, Value)> {
    let mut value = Value { bytes: [0; LONGEST], len: 0 };
    let mut at = start;
    for class in shape.bytes() {
        if at > start && is_separator(class) {
            at += text.get(at..)?.iter().take(2).take_while(|byte| **byte == b'*').count();
        }
        let byte = text.get(at).copied();
        let letter =
            |byte: &u8| if capitals { byte.is_ascii_uppercase() } else { byte.is_ascii_alphabetic() };
        match class {
            b'_' => at += usize::from(byte.is_some_and(is_separator)),
            b'+' => {
                let more = text.get(at..)?.iter().take(12).take_while(|byte| byte.is_ascii_digit());
                for digit in more {
                    value.push(*digit)?;
                    at += 1;
                }
            }
            b'd' => {
                value.push(byte.filter(u8::is_ascii_digit)?)?;
                at += 1;
            }
            b'a' => {
                value.push(byte.filter(letter)?)?;
                at += 1;
            }
            b'x' => {
                value.push(byte.filter(|byte| byte.is_ascii_digit() || letter(byte))?)?;
                at += 1;
            }
            class => {
                let byte =
                    byte.filter(|byte| class == if capitals { *byte } else { byte.to_ascii_uppercase() })?;
                at += 1;
                if byte.is_ascii_alphanumeric() {
                    value.push(byte)?;
                } else {
                    at += decoration(text.get(at..)?);
                }
            }
        }
    }
    Some((at, value))
}

/// Length of what may stand behind a separator and means nothing: emphasis, the end of a line.
fn decoration(text: &[u8]) -> usize {
    text.iter().take(2).take_while(|byte| matches!(byte, b'*' | b'\r' | b'\n')).count()
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/')
}

/// What a shape begins with, as a place in a table: letters, then the first digits.
pub(super) struct Opening {
    /// `None`: letters and digits may stand anywhere in it.
    pub letters: Option<usize>,
    /// By bit: how many digits may stand together first.
    pub digits: u32,
}

pub(super) fn opening(shape: &str) -> Opening {
    let mut letters = Some(0);
    let mut count = 0;
    let mut digits = 0;
    for class in shape.bytes() {
        match class {
            b'd' | b'0'..=b'9' => count += 1,
            b'_' if count > 0 => digits |= 1 << count,
            b'_' => {}
            b'+' => digits |= (count..=count + 12).fold(0, |bits, count| bits | 1 << count),
            b'x' if count == 0 => {
                letters = None;
                digits = u32::MAX;
                break;
            }
            // A letter in its place ends the digits; another digit goes on.
            b'x' => {
                digits |= 1 << count;
                count += 1;
            }
            b'a' | b'A'..=b'Z' if count == 0 => letters = letters.map(|letters| letters + 1),
            _ if count == 0 => {}
            _ => {
                digits |= 1 << count;
                return Opening { letters, digits };
            }
        }
    }
    Opening { letters, digits: digits | 1 << count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_fits_what_is_written_so_and_gives_its_letters_and_digits() {
        for (shape, text, end, value) in [
            ("aa_dd_dd_dd_a", "QQ 12 34 56 C.", 13, "QQ123456C"),
            ("aa_dd_dd_dd_a", "qq123456c", 9, "QQ123456C"),
            ("MRN-ddddd+", "MRN-1234567,", 11, "MRN1234567"),
            ("dd-xx", "12-A3", 5, "12A3"),
        ] {
            let (at, found) = fit(shape, text.as_bytes(), 0, false).unwrap();
            assert_eq!((at, found.as_slice()), (end, value.as_bytes()), "{shape}");
        }
        for (shape, text) in [("dd-dd", "12 34"), ("a", "1"), ("d", "a"), ("ddd", "12"), ("x", "é")] {
            assert!(fit(shape, text.as_bytes(), 0, false).is_none(), "{shape} {text}");
        }
        assert!(fit("aad", b"aA1", 0, true).is_none());
        assert!(fit("+++", &[b'1'; 40], 0, true).is_none());
    }

    #[test]
    fn a_shape_is_looked_up_by_what_it_begins_with() {
        for (shape, letters, digits) in [
            ("ddd_dd", Some(0), 0b10_1000),
            ("aa_dd_d", Some(2), 0b1100),
            ("ATUdd", Some(3), 0b100),
            ("dd-dd", Some(0), 0b100),
            ("ddx", Some(0), 0b1100),
            ("da", Some(0), 0b10),
        ] {
            let opening = opening(shape);
            assert_eq!((opening.letters, opening.digits), (letters, digits), "{shape}");
        }
        assert_eq!(opening("xxd").letters, None);
    }
}
