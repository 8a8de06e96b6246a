//! Keys, tokens and passwords: by the shapes that their issuers publish, or by the name that they are given.

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

/// `password = value`, `"password": "value"`, `PASSWORD=value`, `the password is value`.
pub(super) fn password(sight: &Sight) -> Option<Hit> {
    let given = Given::read(sight)?;
    let value = sight.text.get(given.range.clone())?;
    let classes = Classes::of(value);
    let plausible = match given.how {
        How::Quoted => value.len() >= 4 && (classes.count() > 1 || value.len() >= 6),
        How::Environment => value.len() >= 4 && !value.contains("::"),
        How::Assigned => value.len() >= 4 && (classes.symbol || classes.digit) && !reads_as_code(value),
        How::Said => value.len() >= 6 && (classes.symbol || classes.digit) && classes.count() > 1,
        How::Follows => value.len() >= 6 && classes.count() > 2,
    };
    (plausible && !stands_in(value)).then_some(Hit { range: given.range, confidence: Confidence::LIKELY })
}

/// `api_key = value` and the like: names that are also used for what is not secret, so the value has to look drawn.
pub(super) fn telling_name(sight: &Sight) -> Option<Hit> {
    let given = Given::read(sight)?;
    let value = sight.text.get(given.range.clone())?;
    let long_enough = match given.how {
        How::Quoted | How::Environment => value.len() >= 12,
        // Names of types are long, too, but have one number in them at most.
        How::Assigned => value.len() >= 16 && numbers_in(value) > 1,
        How::Said => value.len() >= 20,
        How::Follows => false,
    };
    let path = value.contains("::")
        || value.contains("://")
        || value.starts_with(['/', '.'])
        || value.starts_with("arn:");
    let plausible = long_enough && !path && looks_drawn(value.as_bytes(), 8) && !stands_in(value);
    plausible.then_some(Hit { range: given.range, confidence: Confidence::LIKELY })
}

/// A value that a name is given.
struct Given {
    range: Range<usize>,
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Quoted,
    /// `NAME=value`, in upper case and without spaces; or a parameter of a connection string.
    Environment,
    Assigned,
    /// `password is value`
    Said,
    /// `password value`
    Follows,
}

impl Given {
    /// Reads on from the name. The work is bounded by the longest value.
    fn read(sight: &Sight) -> Option<Self> {
        let name_end = sight.anchor.end;
        let tail = sight.run(name_end, 24, base64url);
        if tail > 20 || !continues_name(sight.text.get(name_end..name_end + tail)?) {
            return None;
        }
        let mut at = name_end + tail;
        let key_quote = sight.run(at, 3, |byte| matches!(byte, b'\\' | b'"' | b'\'' | b'`' | b'*' | b']'));
        at += key_quote;
        let name_to = at;
        let space = sight.run(at, 4, |byte| byte == b' ' || byte == b'\t');
        at += space;
        let mut how = match sight.after(at) {
            [b'=', b'=', ..] | [b':', b':', ..] => return None,
            [b'=', b'>', ..] | [b':', b'=', ..] => {
                at += 2;
                How::Assigned
            }
            [b'=', ..] => {
                at += 1;
                if at == name_to + 1 && key_quote == 0 && environment(sight) {
                    How::Environment
                } else {
                    How::Assigned
                }
            }
            [b':', ..] => {
                at += 1;
                How::Assigned
            }
            _ if key_quote > 0 && !sight.before(name_to).ends_with(b"*") => return None,
            [b'i', b's', b' ', ..] => {
                at += 3;
                How::Said
            }
            _ if space > 0 => How::Follows,
            _ => return None,
        };
        at += sight.run(at, 4, |byte| matches!(byte, b' ' | b'\t' | b'*'));
        // b"…", r"…"
        if matches!(sight.after(at), [b'b' | b'r' | b'f' | b'u', b'"' | b'\'', ..]) {
            at += 1;
        }
        let escaped = usize::from(matches!(sight.after(at), [b'\\', b'"' | b'\'', ..]));
        let quote =
            sight.after(at + escaped).first().copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
        let len = match quote {
            Some(quote) => {
                how = How::Quoted;
                at += escaped + 1;
                let inside = |byte: u8| byte != quote && byte != b'\n' && !(escaped > 0 && byte == b'\\');
                let len = sight.run(at, MAX_VALUE, inside);
                if !matches!(sight.after(at + len).first(), Some(byte) if *byte == quote || *byte == b'\\') {
                    return None;
                }
                len
            }
            None => {
                let inside = |byte: u8| {
                    !byte.is_ascii_whitespace()
                        && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b';' | b',' | b'|')
                };
                let len = sight.run(at, MAX_VALUE, inside);
                unquoted_len(sight.text.get(at..at + len)?)
            }
        };
        let value = sight.text.get(at..at + len)?;
        let call = how != How::Quoted && matches!(sight.after(at + len).first(), Some(b'(' | b'['));
        (len < MAX_VALUE && !call && !value.contains([' ', '\t']))
            .then_some(Self { range: at..at + len, how })
    }
}

/// In bytes. Longer values are not passwords, and reading them again and again has a price.
const MAX_VALUE: usize = 512;

/// Whether a word goes on being a name: `password_prod`, not `password_file`.
fn continues_name(tail: &str) -> bool {
    let tail = tail.to_ascii_lowercase();
    let other = [
        "file", "path", "url", "uri", "polic", "len", "field", "label", "prompt", "type", "count", "limit",
        "expir", "ttl", "max", "min", "reset", "manager", "provider", "header", "endpoint", "less", "ize",
        "param", "arn", "usage", "hint",
    ];
    tail != "s" && !other.iter().any(|other| tail.contains(other))
}

/// Where an unquoted value ends: before the next parameter, before the punctuation of a sentence.
fn unquoted_len(value: &str) -> usize {
    let mut len = value.len();
    for (at, _) in value.match_indices('&') {
        let next = value.get(at + 1..).unwrap_or_default();
        let name = next.bytes().take(32).take_while(|byte| base64url(*byte)).count();
        if name > 0 && next.as_bytes().get(name) == Some(&b'=') {
            len = at;
            break;
        }
    }
    let value = value.get(..len).unwrap_or_default();
    let value = value.split(['。', '、', '」', '』', '》']).next().unwrap_or_default();
    let value = value.strip_suffix(['.', ':']).unwrap_or(value);
    let unopened = |open: char, close: char| value.ends_with(close) && !value.contains(open);
    if unopened('(', ')') || unopened('{', '}') || unopened('[', ']') { value.len() - 1 } else { value.len() }
}

/// Whether the name is written as in an environment, a URL's query or a connection string.
fn environment(sight: &Sight) -> bool {
    let name = sight.text.get(sight.anchor.clone()).unwrap_or_default();
    let parameter = matches!(sight.before(sight.anchor.start), [.., b'&' | b'?' | b';']);
    parameter || name.bytes().all(|byte| !byte.is_ascii_lowercase())
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
fn reads_as_code(value: &str) -> bool {
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
fn numbers_in(value: &str) -> usize {
    value.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()).count()
}

struct Classes {
    lower: bool,
    upper: bool,
    digit: bool,
    symbol: bool,
}

impl Classes {
    fn of(value: &str) -> Self {
        let any = |is: fn(u8) -> bool| value.bytes().any(is);
        Self {
            lower: any(|byte| byte.is_ascii_lowercase() || byte >= 0x80),
            upper: any(|byte| byte.is_ascii_uppercase()),
            digit: any(|byte| byte.is_ascii_digit()),
            symbol: any(|byte| b"!@#$%^&*?+=~".contains(&byte)),
        }
    }

    fn count(&self) -> usize {
        [self.lower, self.upper, self.digit, self.symbol].into_iter().filter(|class| *class).count()
    }
}

/// Whether a stretch of letters and digits of some length mixes them as chance does and words do not.
fn looks_drawn(value: &[u8], shortest: usize) -> bool {
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
