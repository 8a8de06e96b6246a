//! What stands where a request has media: an image, a link, or a text that was encoded for the way.
//!
//! The declared type is not asked: it is the caller's word, and a text is a text whatever it is called. Media is told
//! by its first bytes and passed over at the speed of a table look-up; base64 that holds text is decoded and read.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

pub(super) enum Media {
    /// Encoded bytes that are no text.
    Bytes,
    Text(Text),
    /// Neither: a link, or what does not belong here.
    Other,
}

/// A text in base64.
pub(super) struct Text {
    pub text: String,
    /// `data:text/csv;base64,`, as it was written.
    prefix: String,
    url_safe: bool,
    padded: bool,
    charset: Charset,
}

/// How the text's characters are bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8,
    /// A byte each, as Latin alphabets had before: what else they may mean, they come back as they were.
    Latin,
    /// With a mark of the byte order in front, which is part of the text.
    Utf16Little,
    Utf16Big,
}

/// In bytes: shorter data is read as it stands.
const SHORTEST: usize = 24;
/// Data without a prefix that is no longer than this may be a name or a key as well. In bytes.
const LONGEST_NAME: usize = 256;
/// How much is decoded to see whether it is text. A multiple of four.
const PROBE: usize = 128;

/// `text` is the inside of a string.
pub(super) fn read(text: &str) -> Media {
    let (prefix, data) = match text.find(";base64,").filter(|_| text.starts_with("data:")) {
        Some(at) if at <= 100 && !text.get(..at).unwrap_or_default().contains('@') => text.split_at(at + 8),
        Some(_) => return Media::Other,
        None if text.len() < SHORTEST => return Media::Other,
        None => ("", text),
    };
    // Mail and old tools break lines.
    let broken =
        data.bytes().take(100).chain(data.bytes().rev().take(4)).any(|byte| byte.is_ascii_whitespace());
    let joined: Cow<str> =
        if broken { data.split_ascii_whitespace().collect::<String>().into() } else { data.into() };
    let data = joined.as_ref();
    if !is_base64(data.as_bytes()) {
        return Media::Other;
    }
    let bytes = if prefix.is_empty() && data.len() <= LONGEST_NAME { Media::Other } else { Media::Bytes };
    let url_safe = data.contains(['-', '_']);
    let decoder = engine(if url_safe { &URL_SAFE } else { &STANDARD }, false);
    let probe = data.get(..PROBE.min(data.len() / 4 * 4)).unwrap_or_default();
    if decoder.decode(probe).map_or(true, |bytes| !may_be_text(&bytes)) {
        return bytes;
    }
    match decoder.decode(data).ok().and_then(text_of) {
        Some((text, charset)) => {
            let padded = data.len().is_multiple_of(4);
            Media::Text(Text { text, prefix: prefix.to_owned(), url_safe, padded, charset })
        }
        None => bytes,
    }
}

fn may_be_text(bytes: &[u8]) -> bool {
    is_text(bytes) || matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
}

fn text_of(bytes: Vec<u8>) -> Option<(String, Charset)> {
    let units = |from: fn([u8; 2]) -> u16| {
        let pairs = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(from);
        let text: Option<String> = char::decode_utf16(pairs).collect::<Result<_, _>>().ok();
        text.filter(|text| bytes.len().is_multiple_of(2) && is_text(text.as_bytes()))
    };
    match bytes.as_slice() {
        [0xFF, 0xFE, ..] => units(u16::from_le_bytes).map(|text| (text, Charset::Utf16Little)),
        [0xFE, 0xFF, ..] => units(u16::from_be_bytes).map(|text| (text, Charset::Utf16Big)),
        _ if !is_text(&bytes) => None,
        _ => match String::from_utf8(bytes) {
            Ok(text) => Some((text, Charset::Utf8)),
            Err(error) => Some((error.as_bytes().iter().copied().map(char::from).collect(), Charset::Latin)),
        },
    }
}

impl Text {
    /// Another text in the same form.
    pub fn encode(&self, text: &str) -> String {
        let alphabet = if self.url_safe { &URL_SAFE } else { &STANDARD };
        let units = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect();
        let bytes: Vec<u8> = match self.charset {
            Charset::Utf8 => text.as_bytes().to_vec(),
            // All that is new are placeholders, which are ASCII.
            Charset::Latin => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
            Charset::Utf16Little => units(u16::to_le_bytes),
            Charset::Utf16Big => units(u16::to_be_bytes),
        };
        format!("{}{}", self.prefix, engine(alphabet, self.padded).encode(bytes))
    }
}

fn engine(alphabet: &Alphabet, padded: bool) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true)
        .with_encode_padding(padded);
    GeneralPurpose::new(alphabet, config)
}

/// Text as people and programs write it has hardly a control character but those of lines and pages, and no zero.
fn is_text(bytes: &[u8]) -> bool {
    let control = |byte: u8| byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t' | 0xc) || byte == 0x7f;
    let controls = bytes.iter().filter(|byte| control(**byte)).count();
    !bytes.is_empty() && !bytes.contains(&0) && controls * 64 <= bytes.len()
}

/// Whether all bytes are of an alphabet of base64.
fn is_base64(data: &[u8]) -> bool {
    const OTHER: [bool; 256] = {
        let mut other = [true; 256];
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=";
        let mut at = 0;
        while at < letters.len() {
            #[allow(clippy::indexing_slicing, reason = "checked by the compiler: a constant")]
            {
                other[letters[at] as usize] = false;
            }
            at += 1;
        }
        other
    };
    let other = |byte: &u8| OTHER.get(usize::from(*byte)).copied().unwrap_or(true);
    // A block at a time without a branch in it.
    data.chunks(64).all(|block| !block.iter().fold(false, |any, byte| any | other(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> String {
        base64::engine::general_purpose::STANDARD.encode(text)
    }

    #[test]
    fn a_text_is_read_whatever_it_is_called_and_written_again_in_its_form() {
        let csv = "name,mail\nAna,ana@example.com\nÜlkü,x";
        for prefix in ["", "data:text/csv;base64,", "data:application/octet-stream;charset=x;base64,"] {
            let data = format!("{prefix}{}", encoded(csv));
            let Media::Text(text) = read(&data) else { panic!("no text: {prefix}") };
            assert_eq!((text.text.as_str(), text.encode(csv)), (csv, data));
        }
        let bare = encoded("a text without padding").trim_end_matches('=').to_owned();
        let Media::Text(text) = read(&bare) else { panic!("no text") };
        assert_eq!(text.encode("a text without padding"), bare);
    }

    #[test]
    fn a_text_of_another_charset_or_with_broken_lines_is_read_too() {
        let mut latin = b"name,mail\nJ\xFCrgen,ana@example.com\n".repeat(4);
        latin.push(0x1b);
        let mut wide = vec![0xFF, 0xFE];
        wide.extend("name,mail\nJ\u{fc}rgen,ana@example.com".encode_utf16().flat_map(u16::to_le_bytes));
        for bytes in [latin, wide] {
            let data = base64::engine::general_purpose::STANDARD.encode(bytes);
            let lines: Vec<&str> =
                data.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
            for written in [data.clone(), lines.join("\n")] {
                let Media::Text(text) = read(&written) else { panic!("no text: {written}") };
                assert!(text.text.contains("J\u{fc}rgen,ana@example.com"));
                assert_eq!(text.encode(&text.text), data);
            }
        }
    }

    #[test]
    fn media_is_passed_over_and_a_link_is_not() {
        let image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk";
        assert!(matches!(read(&image.repeat(5)), Media::Bytes));
        assert!(matches!(read(image), Media::Other), "as long as a key is");
        assert!(matches!(read(&format!("data:image/png;base64,{image}")), Media::Bytes));
        for other in
            ["https://example.com/a.png?for=ana@example.com", "file-1", "data:a@b.example;base64,AAAA", ""]
        {
            assert!(matches!(read(other), Media::Other), "{other}");
        }
    }
}
