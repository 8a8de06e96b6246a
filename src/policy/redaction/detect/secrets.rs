//! Keys and tokens by the shapes that their issuers publish, and what drawn characters look like.

use std::ops::Range;

use super::encoded;
use super::table::{Confidence, Hit, Sight};

/// What may follow a key's prefix.
pub(super) struct Tail {
    pub chars: fn(u8) -> bool,
    pub len: Range<usize>,
}

pub(super) fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(super) fn base64url(byte: u8) -> bool {
    word(byte) || byte == b'-'
}

fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn token(byte: u8) -> bool {
    base64url(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=')
}

/// A key by its prefix: the prefix in its own case, at the beginning of a word, with a tail that looks drawn.
pub(super) fn key(sight: &Sight, tail: &Tail) -> Option<Hit> {
    let Range { start, end } = sight.anchor;
    if sight.before(start).last().is_some_and(|byte| base64url(*byte)) && !sight.behind_escape() {
        return None;
    }
    let len = sight.run(end, tail.len.end, tail.chars);
    let drawn = tail.len.contains(&len) && looks_drawn(sight.after(end).get(..len)?, 6);
    drawn.then_some(Hit { range: start..end + len, confidence: Confidence::CHECKED })
}

/// A key that is known by a mark inside it: what stands before the mark and behind it.
pub(super) fn anywhere(sight: &Sight) -> Option<Hit> {
    let Range { start, end } = sight.anchor;
    let mark = sight.text.get(start..end)?;
    let hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    let digit = |byte: u8| byte.is_ascii_digit();
    let path = |byte: u8| base64url(byte) || byte == b'/';
    type Stretch = (fn(u8) -> bool, Range<usize>);
    // What may stand before, how much of it; the same for what follows; what of the mark belongs to the key.
    let (before, behind, skip): (Stretch, Stretch, usize) = match mark {
        ":AA" => ((digit, 8..11), (base64url, 32..34), 0),
        "Q~" => ((token, 4..5), (token, 31..35), 0),
        ".atlasv1." => ((word, 14..15), (base64url, 60..71), 0),
        "/services/T" => ((path, 0..200), (path, 36..60), mark.len() - 1),
        "/api/webhooks/" => ((path, 0..200), (path, 76..100), mark.len()),
        "-us1" | "-us2" => ((hex, 32..33), (digit, 0..2), 0),
        _ => return None,
    };
    let count =
        sight.before(start).iter().rev().take(before.1.end).take_while(|byte| (before.0)(**byte)).count();
    let len = sight.run(end, behind.1.end, behind.0);
    let from = if skip > 0 { start + skip } else { start - count };
    let drawn = looks_drawn(sight.text.as_bytes().get(from..end + len)?, 6);
    (before.1.contains(&count) && behind.1.contains(&len) && drawn)
        .then_some(Hit { range: from..end + len, confidence: Confidence::CHECKED })
}

/// A JSON Web Token (RFC 7519): three segments, the first of which begins as `{"`.
pub(super) fn jwt(sight: &Sight) -> Option<Hit> {
    let start = sight.anchor.start;
    if sight.before(start).last().is_some_and(|byte| base64url(*byte)) && !sight.behind_escape() {
        return None;
    }
    let mut end = start + sight.run(start, 4096, base64url);
    for shortest in [8, 2] {
        if sight.after(end).first() != Some(&b'.') {
            return None;
        }
        let len = sight.run(end + 1, 16 * 1024, base64url);
        if len < shortest {
            return None;
        }
        end += 1 + len;
    }
    (end - start > 24).then_some(Hit { range: start..end, confidence: Confidence::CHECKED })
}

/// A private key in PEM (RFC 7468), to its end line, or as far as it looks like one.
pub(super) fn pem(sight: &Sight) -> Option<Hit> {
    let start = sight.anchor.start;
    let label = sight.run(sight.anchor.end, 40, |byte| byte.is_ascii_uppercase() || byte == b' ');
    let begin = sight.anchor.end + label;
    let private = sight.text.get(sight.anchor.end..begin)?.trim_end().ends_with("PRIVATE KEY")
        || sight.after(begin).starts_with(b" BLOCK");
    if !private || !sight.after(begin).starts_with(b"-----") {
        return None;
    }
    // Line breaks may be escaped; encryption headers have colons and commas.
    let body = |byte: u8| base64(byte) || byte.is_ascii_whitespace() || matches!(byte, b'\\' | b':' | b',');
    let mut end = begin + 5;
    end += sight.run(end, 32 * 1024, body);
    while sight.after(end).starts_with(b"-") && !sight.after(end).starts_with(b"-----") {
        end += 1 + sight.run(end + 1, 256, body);
    }
    if sight.after(end).starts_with(b"-----END") {
        end += 8 + sight.run(end + 8, 40, |byte| byte.is_ascii_uppercase() || byte == b' ');
        end += sight.run(end, 5, |byte| byte == b'-');
    } else {
        end = start + sight.text.get(start..end)?.trim_end().len();
    }
    (end > begin + 16).then_some(Hit { range: start..end, confidence: Confidence::CHECKED })
}

/// What follows `Bearer` or, in an authorization header, `Basic` (RFC 6750, RFC 7617).
pub(super) fn bearer(sight: &Sight) -> Option<Hit> {
    let start = sight.anchor.end;
    if !sight.starts_word() {
        return None;
    }
    let len = sight.run(start, 4096, token);
    let given = sight.text.get(start..start + len)?.trim_end_matches('.');
    let name = sight.text.get(sight.anchor.clone())?.to_ascii_lowercase();
    let pair = || encoded::whole(given.as_bytes()).is_some_and(|pair| pair.contains(':'));
    let found = match name.strip_suffix("basic ") {
        Some(_) if given.len() >= 8 && pair() => true,
        Some("") => false,
        _ => given.len() >= 12 && looks_drawn(given.as_bytes(), 6),
    };
    found.then_some(Hit { range: start..start + given.len(), confidence: Confidence::SHAPED })
}

/// What stands where a secret will be: variables, templates, descriptions.
pub(super) fn stands_in(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let words = [
        "password",
        "passwd",
        "secret",
        "token",
        "string",
        "none",
        "null",
        "true",
        "false",
        "example",
        "placeholder",
        "changeme",
        "redacted",
        "required",
        "optional",
        "undefined",
        "your_",
        "your-",
        "<",
        "xxxx",
        "****",
        "....",
        "${",
        "{{",
        "$(",
        "os.environ",
        "process.env",
        "getenv",
        "%s",
        "%(",
    ];
    let variable = value.strip_prefix('$').is_some_and(|name| name.bytes().all(word))
        || value.starts_with(['{', '[', '(', '<']);
    let mut seen: Vec<char> = value.chars().take(64).collect();
    seen.sort_unstable();
    seen.dedup();
    variable
        || seen.len() < 3
        || words.iter().any(|word| lower.starts_with(word))
        || lower == "str"
        || lower == "bytes"
}

/// Paths, calls and fields: `self.password1`, `request.form`.
pub(super) fn reads_as_code(value: &str) -> bool {
    let identifier = |part: &str| {
        part.bytes().all(word) && !part.is_empty() && !part.starts_with(|c: char| c.is_ascii_digit())
    };
    let dotted = value.split('.').count() > 1 && value.split('.').all(identifier);
    let constant = value.contains('_') && value.bytes().all(|byte| word(byte) && !byte.is_ascii_lowercase());
    let integer =
        ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"].iter().any(|suffix| value.ends_with(suffix));
    if constant || integer || value.starts_with(['&', '*']) {
        return true;
    }
    value.contains(['(', '[']) && value.ends_with([')', ']', '('])
        || value.contains("::")
        || value.contains("->")
        || dotted
}

/// How many runs of digits the value has.
pub(super) fn numbers_in(value: &str) -> usize {
    value.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()).count()
}

pub(super) struct Classes {
    pub lower: bool,
    pub upper: bool,
    pub digit: bool,
    pub symbol: bool,
}

impl Classes {
    pub fn of(value: &str) -> Self {
        let any = |is: fn(u8) -> bool| value.bytes().any(is);
        Self {
            lower: any(|byte| byte.is_ascii_lowercase() || byte >= 0x80),
            upper: any(|byte| byte.is_ascii_uppercase()),
            digit: any(|byte| byte.is_ascii_digit()),
            symbol: any(|byte| b"!@#$%^&*?+=~".contains(&byte)),
        }
    }

    pub fn count(&self) -> usize {
        [self.lower, self.upper, self.digit, self.symbol].into_iter().filter(|class| *class).count()
    }
}

/// Whether a stretch of letters and digits of some length mixes them as chance does and words do not.
pub(super) fn looks_drawn(value: &[u8], shortest: usize) -> bool {
    let mut seen = [false; 256];
    let distinct = value
        .iter()
        .filter(|byte| !seen.get_mut(usize::from(**byte)).is_none_or(|seen| std::mem::replace(seen, true)))
        .count();
    let stretches = value.split(|byte| !byte.is_ascii_alphanumeric());
    distinct >= 8
        && stretches.filter(|stretch| stretch.len() >= shortest).any(|stretch| {
            let digit = stretch.iter().any(u8::is_ascii_digit);
            let upper = stretch.iter().any(u8::is_ascii_uppercase);
            let lower = stretch.iter().any(u8::is_ascii_lowercase);
            (digit && (upper || lower)) || (upper && lower && stretch.len() >= 16)
        })
}
