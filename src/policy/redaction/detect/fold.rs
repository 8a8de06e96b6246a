//! Text as people write it, made plain for the detectors.
//!
//! Full-width digits, non-breaking hyphens and spaces, zero-width characters and curly quotes hide a value from a
//! pattern and not from a reader. [`fold`] writes a copy in which they are ASCII, and remembers where every byte came
//! from, so that a finding in the copy is a range of the original. Text with nothing to fold, which is most text, is
//! not copied.

use std::borrow::Cow;
use std::ops::Range;

/// The plain text, and the way back.
pub(super) struct Folded<'t> {
    original: &'t str,
    pub text: Cow<'t, str>,
    /// Ascending: from this byte of the copy on, the original continues at that byte.
    joints: Vec<(usize, usize)>,
}

pub(super) fn fold(original: &str) -> Folded<'_> {
    let mut folded = Folded { original, text: Cow::Borrowed(original), joints: Vec::new() };
    let escaped = memchr::memchr(b'\\', original.as_bytes()).is_some();
    if original.is_ascii() && !escaped {
        return folded;
    }
    let mut text = String::new();
    let mut copied = 0;
    let mut next = 0;
    while let Some(at) = unusual(original.as_bytes(), next, escaped) {
        let Some(rest) = original.get(at..) else { break };
        let Some(c) = rest.chars().next() else { break };
        let (plain, length) = match c {
            '\\' => (unescape(rest).map(Plain::Is), if unescape(rest).is_some() { 6 } else { 1 }),
            c => (plain(c), c.len_utf8()),
        };
        next = at + length;
        let Some(plain) = plain else { continue };
        text.push_str(original.get(copied..at).unwrap_or_default());
        if let Plain::Is(ascii) = plain {
            folded.joints.push((text.len(), at));
            text.push(ascii);
        }
        copied = next;
        folded.joints.push((text.len(), copied));
    }
    if copied > 0 {
        text.push_str(original.get(copied..).unwrap_or_default());
        folded.text = Cow::Owned(text);
    }
    folded
}

/// The first byte at or after `from` that is not ASCII, or a backslash where there are any.
fn unusual(text: &[u8], mut from: usize, escaped: bool) -> Option<usize> {
    const BLOCK: usize = 64;
    let is_usual = |block: &[u8]| block.is_ascii() && !(escaped && block.contains(&b'\\'));
    while text.get(from..from + BLOCK).is_some_and(is_usual) {
        from += BLOCK;
    }
    let unusual = |byte: &u8| !byte.is_ascii() || (escaped && *byte == b'\\');
    text.get(from..)?.iter().position(unusual).map(|at| from + at)
}

/// An ASCII character that JSON source, or JavaScript, writes as `\u0040`: text is often source of that kind.
fn unescape(text: &str) -> Option<char> {
    let digits =
        text.strip_prefix("\\u")?.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    (c.is_ascii_graphic() || c == ' ').then_some(c)
}

impl Folded<'_> {
    /// Whether the copy differs from the original.
    pub fn is_changed(&self) -> bool {
        matches!(self.text, Cow::Owned(_))
    }

    /// The original's bytes that a range of the copy stands for.
    pub fn unfold(&self, range: Range<usize>) -> Range<usize> {
        if self.joints.is_empty() || range.is_empty() {
            return range;
        }
        let last =
            self.text.get(range.clone()).and_then(|text| text.chars().next_back()).map_or(1, char::len_utf8);
        let last = self.origin(range.end - last);
        let rest = self.original.get(last..).unwrap_or_default();
        let end = match rest.chars().next() {
            Some('\\') if unescape(rest).is_some() => 6,
            first => first.map_or(0, char::len_utf8),
        };
        self.origin(range.start)..last + end
    }

    fn origin(&self, at: usize) -> usize {
        let after = self.joints.partition_point(|(folded, _)| *folded <= at);
        let joint = after.checked_sub(1).and_then(|index| self.joints.get(index));
        joint.map_or(at, |(folded, original)| original + (at - folded))
    }
}

enum Plain {
    Is(char),
    Nothing,
}

/// What a character stands for, where that is not itself.
fn plain(c: char) -> Option<Plain> {
    if c.is_ascii() {
        return None;
    }
    let code = u32::from(c);
    let digit = |from: u32| char::from_digit((code - from) % 10, 10).map(Plain::Is);
    match code {
        0x00A0 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => Some(Plain::Is(' ')),
        // Soft hyphen; zero-width characters, direction marks, joiners and byte order marks.
        0x00AD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2064 | 0x2066..=0x2069 | 0xFE0F | 0xFEFF => {
            Some(Plain::Nothing)
        }
        0x2010..=0x2015 | 0x2212 | 0xFE58 | 0xFE63 => Some(Plain::Is('-')),
        0x2018 | 0x2019 => Some(Plain::Is('\'')),
        0x201C..=0x201E => Some(Plain::Is('"')),
        0x2024 | 0xFE52 => Some(Plain::Is('.')),
        0xFE6B => Some(Plain::Is('@')),
        0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0).map(Plain::Is),
        // Arabic-Indic, extended Arabic-Indic, Devanagari, mathematical digits.
        0x0660..=0x0669 => digit(0x0660),
        0x06F0..=0x06F9 => digit(0x06F0),
        0x0966..=0x096F => digit(0x0966),
        0x1D7CE..=0x1D7FF => digit(0x1D7CE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_with_nothing_to_fold_is_not_copied() {
        for text in ["", "plain", "Zürich, 東京。"] {
            assert!(matches!(fold(text).text, Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn an_escape_in_source_is_the_character_that_it_stands_for() {
        let original = r#"{"q":"ana\u0040example.com","w":"C:\uXYZ\n"}"#;
        let folded = fold(original);
        assert_eq!(folded.text, r#"{"q":"ana@example.com","w":"C:\uXYZ\n"}"#);
        let at = folded.text.find("ana").unwrap();
        assert_eq!(&original[folded.unfold(at..at + 15)], r"ana\u0040example.com");
        assert_eq!(&original[folded.unfold(at..at + 4)], r"ana\u0040");
    }

    #[test]
    fn every_range_of_the_copy_has_its_range_in_the_original() {
        let original = "\u{feff}№ ４１１１\u{a0}1\u{200b}1“é”\u{2011}x";
        let folded = fold(original);
        assert_eq!(folded.text, "№ 4111 11\"é\"-x");
        for (part, expected) in [
            ("4111", "４１１１"),
            ("11\"", "1\u{200b}1“"),
            ("é", "é"),
            ("-x", "\u{2011}x"),
            (" 1", "\u{a0}1"),
        ] {
            let start = folded.text.rfind(part).unwrap();
            assert_eq!(&original[folded.unfold(start..start + part.len())], expected);
        }
    }
}
