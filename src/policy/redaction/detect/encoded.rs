//! Text inside base64 and hexadecimal digits.
//!
//! ```text
//! "data": "bWFpbCBhbmFAZXhhbXBsZS5jb20="     holds  mail ana@example.com
//! ```
//!
//! A run of the alphabet of at least [`SHORTEST`] characters covers a place that is a multiple of it, so only those
//! places are looked at; most words are over before. The first bytes of what a run decodes to say whether it is text.
//! Compressed and encrypted data is none, and media is none after a few bytes. What a text inside holds is for the
//! detectors to say; it may hold encoded text again.

use std::ops::Range;

/// In bytes: `ana@example.com` takes twenty.
const SHORTEST: usize = 16;
/// What is decoded to see whether it is text.
const PROBE: usize = 16;
/// Where a run may begin anew: behind so many of its separators.
const STARTS: usize = 8;
/// A line of encoded mail or of a key is at least so long.
const LINE: usize = 60;

/// Calls `found` with each run that holds text, and the text.
pub(super) fn texts(text: &str, found: &mut dyn FnMut(Range<usize>, &str)) {
    let bytes = text.as_bytes();
    let mut done = 0;
    let mut at = SHORTEST - 1;
    while let Some(byte) = bytes.get(at) {
        if value(*byte).is_none() {
            at += SHORTEST;
            continue;
        }
        let run = run(bytes, done, at);
        at = run.end + SHORTEST;
        done = run.end;
        if run.len() >= SHORTEST
            && let Some((range, inside)) = decode(bytes, run)
        {
            done = done.max(range.end);
            at = at.max(range.end);
            found(range, &inside);
        }
    }
}

/// What a text decodes to that as a whole is base64 (RFC 4648, either alphabet), if that is text.
pub(super) fn whole(text: &[u8]) -> Option<String> {
    let end = text.iter().rposition(|byte| *byte != b'=')? + 1;
    let encoded = text.get(..end)?;
    readable(&encoded.iter().map_while(|byte| value(*byte)).collect::<Vec<u8>>(), 6)
        .filter(|_| encoded.iter().all(|byte| value(*byte).is_some()))
        .map(|(text, _)| text)
}

fn run(bytes: &[u8], from: usize, at: usize) -> Range<usize> {
    let inside = |byte: &&u8| value(**byte).is_some();
    let before = bytes.get(from..at).unwrap_or_default().iter().rev().take_while(inside).count();
    let after = bytes.get(at..).unwrap_or_default().iter().take_while(inside).count();
    at - before..at + after
}

/// The text that a run holds, and where it is written. A run may begin in a word before the encoded text.
fn decode(bytes: &[u8], run: Range<usize>) -> Option<(Range<usize>, String)> {
    let separators = bytes.get(run.clone())?.iter().enumerate();
    let behind =
        separators.filter(|(_, byte)| matches!(byte, b'/' | b'-' | b'_' | b'+')).map(|(at, _)| at + 1);
    for start in std::iter::once(0).chain(behind).take(STARTS).map(|start| run.start + start) {
        let encoded = bytes.get(start..run.end)?;
        if encoded.len() < SHORTEST {
            break;
        }
        let prefix = if encoded.starts_with(b"0x") { 2 } else { 0 };
        let hexadecimal = encoded.iter().skip(prefix).take_while(|byte| byte.is_ascii_hexdigit()).count();
        for (start, len, bits) in [(start + prefix, hexadecimal, 4), (start, encoded.len(), 6)] {
            let digit = |byte: &u8| if bits == 4 { hex(*byte) } else { value(*byte) };
            let probe =
                bytes.get(start..start + PROBE.min(len))?.iter().filter_map(digit).collect::<Vec<u8>>();
            if len < SHORTEST || readable(&probe, bits).is_none_or(|(_, used)| used + 1 < PROBE) {
                continue;
            }
            let range = start..start + len;
            let lines = if bits == 6 { lines(bytes, range) } else { vec![range] };
            let digits: Vec<u8> =
                lines.iter().filter_map(|line| bytes.get(line.clone())).flatten().filter_map(digit).collect();
            let (inside, used) = readable(&digits, bits)?;
            let all = used + 4 > digits.len();
            let mut end = if all { lines.last()?.end } else { nth(&lines, used) };
            if all && bits == 6 {
                end += bytes.get(end..)?.iter().take(2).take_while(|byte| **byte == b'=').count();
            }
            return Some((start..end, inside));
        }
    }
    None
}

/// A run with the lines that continue it, as mail breaks them.
fn lines(bytes: &[u8], first: Range<usize>) -> Vec<Range<usize>> {
    let mut lines = vec![first];
    while let Some(last) = lines.last().filter(|last| last.len() >= LINE && last.len().is_multiple_of(4)) {
        let start = match bytes.get(last.end..).unwrap_or_default() {
            [b'\n', ..] => last.end + 1,
            [b'\r', b'\n', ..] => last.end + 2,
            _ => break,
        };
        let next = run(bytes, start, start);
        if next.is_empty() || next.len() > last.len() {
            break;
        }
        lines.push(next);
    }
    lines
}

/// The place behind the first `count` characters of some lines.
fn nth(lines: &[Range<usize>], mut count: usize) -> usize {
    for line in lines {
        if count <= line.len() {
            return line.start + count;
        }
        count -= line.len();
    }
    lines.last().map_or(0, |line| line.end)
}

/// The text at the beginning of what digits of so many bits stand for, and how many of them stand for it. Text in
/// UTF-16 is read where it is ASCII.
fn readable(digits: &[u8], bits: u32) -> Option<(String, usize)> {
    let mut decoded = Vec::with_capacity(digits.len() * bits as usize / 8 + 1);
    let (mut held, mut have) = (0u32, 0);
    for digit in digits {
        held = held << bits | u32::from(*digit);
        have += bits;
        if have >= 8 {
            have -= 8;
            decoded.push((held >> have) as u8);
            held &= (1 << have) - 1;
        }
    }
    let wide = decoded.len() >= 4 && decoded.iter().skip(1).step_by(2).all(|byte| *byte == 0);
    if wide {
        decoded = decoded.into_iter().step_by(2).collect();
    }
    let text = match std::str::from_utf8(&decoded) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(decoded.get(..error.valid_up_to())?).ok()?,
    };
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let text = text.get(..text.find(|c| !is_text(c)).unwrap_or(text.len()))?;
    let used = (text.len() << usize::from(wide)) * 8;
    (!text.is_empty()).then(|| (text.to_owned(), used.div_ceil(bits as usize)))
}

/// What a character of base64 stands for, in either alphabet.
#[inline]
fn value(byte: u8) -> Option<u8> {
    VALUES.get(usize::from(byte)).copied().filter(|value| *value < 64)
}

const VALUES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut byte = 0;
    #[expect(clippy::indexing_slicing, reason = "the compiler does it")]
    while byte < 256 {
        values[byte] = match byte as u8 {
            byte @ b'A'..=b'Z' => byte - b'A',
            byte @ b'a'..=b'z' => byte - b'a' + 26,
            byte @ b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => u8::MAX,
        };
        byte += 1;
    }
    values
};

const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(text: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        texts(text, &mut |range, inside| all.push((text[range].to_owned(), inside.to_owned())));
        all
    }

    #[test]
    fn text_in_base64_and_in_hexadecimal_digits_is_found_with_its_place() {
        let email = "bWFpbCBhbmFAZXhhbXBsZS5jb20=";
        for (before, after) in [("", ""), ("data=", "&x"), ("prefix/of/", "\n"), ("see: token-", ", and on")]
        {
            let text = format!("{before}{email}{after}");
            assert_eq!(inside(&text), [(email.to_owned(), "mail ana@example.com".to_owned())], "{text}");
        }
        let hex = "616e61406578616d706c652e636f6d";
        assert_eq!(inside(&format!("0x{hex} is it")), [(hex.to_owned(), "ana@example.com".to_owned())]);
        let wide = "YQBuAGEAQABlAHgAYQBtAHAAbABlAC4AYwBvAG0A";
        assert_eq!(inside(wide), [(wide.to_owned(), "ana@example.com".to_owned())]);
    }

    #[test]
    fn lines_of_one_text_are_read_together() {
        let first = "VGhpcyBpcyBhIG1haWwgdGhhdCBpcyBlbmNvZGVkIGFuZCBicm9rZW4gaW50byBsaW5lcywgYW5h";
        let text = format!("{first}\r\nQGV4YW1wbGUuY29t\r\n\r\nBye");
        let [(range, inside)] = &inside(&text)[..] else { panic!("one text") };
        assert!(inside.ends_with("lines, ana@example.com") && range.ends_with("Y29t"), "{inside}");
    }

    #[test]
    fn words_hashes_and_media_are_no_text() {
        for text in [
            "internationalization getElementsByTagNameNS well-known-service-account-name",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 4111111111111111",
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
            "123e4567-e89b-12d3-a456-426614174000",
            "/usr/local/share/applications/mimeinfo/cache/of/things",
        ] {
            assert_eq!(inside(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_base64_as_a_whole_is_decoded_as_a_whole() {
        assert_eq!(whole(b"dXNlcjpwYXNz").as_deref(), Some("user:pass"));
        assert_eq!(whole(b"dXNlcjpwYXNzMQ==").as_deref(), Some("user:pass1"));
        assert_eq!(whole(b"not base64!"), None);
    }
}
