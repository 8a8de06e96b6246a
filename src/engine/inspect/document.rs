//! What stands where a request has media: an image, a link, or a text that was encoded for the way.
//!
//! The declared type is not asked: it is the caller's word, and a text is a text whatever it is called. Media is told
//! by its first bytes and passed over at the speed of a table look-up; base64 that holds text is decoded and read.

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
}

/// In bytes: shorter data is read as it stands.
const SHORTEST: usize = 24;
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
    if !is_base64(data.as_bytes()) {
        return Media::Other;
    }
    let url_safe = data.contains(['-', '_']);
    let decoder = engine(if url_safe { &URL_SAFE } else { &STANDARD }, false);
    let probe = data.get(..PROBE.min(data.len() / 4 * 4)).unwrap_or_default();
    let readable = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => is_text(text),
        // The probe may end within a character.
        Err(error) => error.error_len().is_none() && is_text(&String::from_utf8_lossy(bytes)),
    };
    if decoder.decode(probe).map_or(true, |bytes| !readable(&bytes)) {
        return Media::Bytes;
    }
    match decoder.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) if is_text(&text) => {
            let padded = data.len().is_multiple_of(4);
            Media::Text(Text { text, prefix: prefix.to_owned(), url_safe, padded })
        }
        _ => Media::Bytes,
    }
}

impl Text {
    /// Another text in the same form.
    pub fn encode(&self, text: &str) -> String {
        let alphabet = if self.url_safe { &URL_SAFE } else { &STANDARD };
        format!("{}{}", self.prefix, engine(alphabet, self.padded).encode(text))
    }
}

fn engine(alphabet: &Alphabet, padded: bool) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true)
        .with_encode_padding(padded);
    GeneralPurpose::new(alphabet, config)
}

/// Text as people and programs write it has no control characters but those of lines and pages.
fn is_text(text: &str) -> bool {
    !text.is_empty()
        && !text
            .bytes()
            .any(|byte| byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t' | 0xc) || byte == 0x7f)
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
    fn media_is_passed_over_and_a_link_is_not() {
        let image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk";
        assert!(matches!(read(image), Media::Bytes));
        assert!(matches!(read(&format!("data:image/png;base64,{image}")), Media::Bytes));
        for other in
            ["https://example.com/a.png?for=ana@example.com", "file-1", "data:a@b.example;base64,AAAA", ""]
        {
            assert!(matches!(read(other), Media::Other), "{other}");
        }
    }
}
