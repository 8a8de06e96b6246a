//! The escapes of JSON strings, both ways.

use std::fmt::Write;

/// Appends `text` as the inside of a JSON string. Only what must be escaped is; other alphabets stay readable.
pub fn escape_into(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((plain, special)) = rest.split_at_checked(plain_length(rest.as_bytes())) {
        out.push_str(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some(control) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            None => return,
        }
        rest = characters.as_str();
    }
}

/// `text` as a JSON string, quotes included.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    escape_into(text, &mut out);
    out.push('"');
    out
}

/// The text of a string that was checked by the parser.
pub(super) fn decode(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escape)) = next_escape(rest) {
        out.push_str(plain);
        out.push(escape.character);
        rest = escape.rest;
    }
    out.push_str(rest);
    out
}

/// One escape and what follows it.
pub(super) struct Escape<'t> {
    pub(super) character: char,
    /// How many bytes it was written in.
    pub(super) length: usize,
    pub(super) rest: &'t str,
}

/// Splits at the first escape: what stands before it, and the escape.
pub(super) fn next_escape(inner: &str) -> Option<(&str, Escape<'_>)> {
    let at = memchr::memchr(b'\\', inner.as_bytes())?;
    let (plain, from) = inner.split_at(at);
    let (character, length) = match from.as_bytes().get(1)? {
        b'b' => ('\u{8}', 2),
        b'f' => ('\u{c}', 2),
        b'n' => ('\n', 2),
        b'r' => ('\r', 2),
        b't' => ('\t', 2),
        b'u' => unicode(from),
        other => (char::from(*other), 2),
    };
    Some((plain, Escape { character, length, rest: from.get(length..).unwrap_or_default() }))
}

/// A `\uXXXX`, or two of them that form a surrogate pair. Half a pair is not a character.
fn unicode(from: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = from.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u32::from_str_radix(digits, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        (Some(code), _) => (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
        (None, _) => (char::REPLACEMENT_CHARACTER, 6),
    }
}

/// How many bytes come before the next quote, backslash or control character. Eight bytes at a time: most of a body
/// is the text of its strings.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    // The high bit of each byte that is zero; a byte after such a one may be marked wrongly, so only the first counts.
    let zero = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let mut length = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quote = zero(word ^ (LOW * b'"' as u64));
        let backslash = zero(word ^ (LOW * b'\\' as u64));
        let control = word.wrapping_sub(LOW * 0x20) & !word & HIGH;
        let found = quote | backslash | control;
        if found != 0 {
            return length + found.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}
