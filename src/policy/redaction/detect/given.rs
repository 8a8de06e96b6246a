//! The value that a name is given, in code, configuration and prose.

use std::ops::Range;

use super::secrets::base64url;
use super::table::Sight;

/// A value that a name is given.
pub(super) struct Given {
    pub range: Range<usize>,
    pub how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Quoted,
    /// `NAME=value`, in upper case and without spaces; or a parameter of a connection string.
    Environment,
    Assigned,
    /// `password is value`
    Said,
    /// `password value`
    Follows,
    /// `--password value`
    Option,
}

impl Given {
    /// Reads on from the name. The work is bounded by the longest value.
    pub fn read(sight: &Sight) -> Option<Self> {
        let name_end = sight.anchor.end;
        let tail = sight.run(name_end, 24, base64url);
        if tail > 20 || !continues_name(sight.text.get(name_end..name_end + tail)?) {
            return None;
        }
        let mut at = name_end + tail;
        let key_quote = sight.run(at, 3, |byte| matches!(byte, b'\\' | b'"' | b'\'' | b'`' | b'*' | b']'));
        at += key_quote;
        let name_to = at;
        let space = sight.run(at, 4, |byte| matches!(byte, b' ' | b'\t'));
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
            _ if opening(sight, at) > 0 => How::Said,
            _ => match said(sight, at) {
                Some(value) if space > 0 || value.start > at || !sight.after(at).is_ascii() => {
                    at = value.end;
                    How::Said
                }
                _ if space > 0 && sight.before(sight.anchor.start).ends_with(b"-") => How::Option,
                _ if space > 0 => How::Follows,
                _ => return None,
            },
        };
        at += sight.run(at, 4, |byte| matches!(byte, b' ' | b'\t' | b'*'));
        at += opening(sight, at);
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
        let spaced = how != How::Quoted && value.contains([' ', '\t']);
        let call = how != How::Quoted && matches!(sight.after(at + len).first(), Some(b'(' | b'['));
        (len < MAX_VALUE && !call && !spaced).then_some(Self { range: at..at + len, how })
    }
}

/// Length of a quotation mark of another script.
fn opening(sight: &Sight, at: usize) -> usize {
    let marks = ["「", "『", "《", "“", "«", "„"];
    marks.iter().find(|mark| sight.after(at).starts_with(mark.as_bytes())).map_or(0, |mark| mark.len())
}

/// What says that a value follows.
const SAID: [&str; 36] = [
    "is set to ",
    "is now ",
    "was changed to ",
    "changed to ",
    "set to ",
    "reset to ",
    "is ",
    "is: ",
    "was ",
    "will be ",
    "lautet ",
    "lautet: ",
    "ist ",
    "ist: ",
    "est ",
    "est : ",
    "es ",
    "es: ",
    "è ",
    "é ",
    "era ",
    "jest ",
    "to: ",
    "wordt ",
    "je ",
    "är ",
    "er ",
    "是：",
    "是:",
    "是",
    "为",
    "は",
    "を",
    "が",
    "to ",
    "は ",
];

/// Words that begin to say what a password is for.
const FOR: &str = "for of to on at in from für vom zum zu im auf der pour du de des à sur para del do da al para per di van \
    voor op k ke na w dla till";

/// Where a word or two say that the value follows, perhaps behind what it is for: `for the wifi is `, `für das WLAN: `.
fn said(sight: &Sight, at: usize) -> Option<Range<usize>> {
    let verb = |at: usize| SAID.iter().find(|verb| sight.after(at).starts_with(verb.as_bytes()));
    if let Some(verb) = verb(at) {
        return Some(at..at + verb.len());
    }
    let inside =
        |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b' ' | b'-' | b'\'' | b'_');
    let reach = sight.run(at, 48, inside);
    let clause = sight.text.get(at..at + reach)?;
    let (first, _) = clause.split_once(' ')?;
    FOR.split_whitespace().find(|word| word.eq_ignore_ascii_case(first))?;
    if sight.after(at + reach).starts_with(b": ") {
        return Some(at + reach..at + reach + 2);
    }
    clause.match_indices(' ').take(7).map(|(space, _)| at + space + 1).find_map(|at| {
        let verb = verb(at).filter(|verb| verb.len() > 2)?;
        Some(at..at + verb.len())
    })
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
    !["s", "in", "out"].contains(&tail.as_str()) && !other.iter().any(|other| tail.contains(other))
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
    let value = value.split(['。', '、', '」', '』', '》', '“', '”', '»']).next().unwrap_or_default();
    let value = ["です", "だ", "哦", "吧"].iter().find_map(|end| value.strip_suffix(end)).unwrap_or(value);
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
