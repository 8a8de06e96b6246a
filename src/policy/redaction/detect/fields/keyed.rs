//! Values behind a key or a label.

use std::ops::Range;

use super::Given;

/// Longest value.
const MAX_VALUE: usize = 160;

/// What stands behind a name, if something says that it is its value.
pub(super) fn value(text: &str, name: &Range<usize>) -> Option<(Given, Range<usize>)> {
    let bytes = text.as_bytes();
    let at_most = |from: usize, most: usize, is: fn(u8) -> bool| {
        bytes.get(from..).unwrap_or_default().iter().take(most).take_while(|byte| is(**byte)).count()
    };
    let blank = |byte: u8| matches!(byte, b' ' | b'\t');
    let mut at = name.end;
    let closing = at_most(at, 3, |byte| matches!(byte, b'"' | b'\'' | b'`' | b'*' | b']' | b')'));
    at += closing;
    at += at_most(at, 3, blank);
    let rest = bytes.get(at..)?;
    let mut given = match rest {
        [b':', b':' | b'/', ..] | [b'=', b'=', ..] => return None,
        [b'>', ..] if bytes.get(..name.start)?.last() == Some(&b'<') => {
            let len = at_most(at + 1, MAX_VALUE, |byte| byte != b'<' && byte != b'\n');
            let closed = bytes.get(at + 1 + len..)?.starts_with(b"</");
            return closed.then_some((Given::Quoted, at + 1..at + 1 + len));
        }
        [b'|', b' ', ..] if bytes.get(..name.start)?.ends_with(b"| ") => Given::Labelled,
        [b'=', b'>', ..] | [b':', b'=', ..] => {
            at += 1;
            Given::Assigned
        }
        [b'=', ..] => Given::Assigned,
        [b':', ..] => Given::Labelled,
        _ => return None,
    };
    at += 1;
    at += at_most(at, 8, |byte| matches!(byte, b' ' | b'\t' | b'*' | b'_'));
    if let Some(quote) = bytes.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`')) {
        let len = bytes
            .get(at + 1..)?
            .iter()
            .take(MAX_VALUE)
            .take_while(|byte| **byte != quote && **byte != b'\n')
            .count();
        given = Given::Quoted;
        return (bytes.get(at + 1 + len) == Some(&quote)).then_some((given, at + 1..at + 1 + len));
    }
    let mut len = 0;
    let rest = text.get(at..)?;
    for c in rest.chars() {
        let after = rest.get(len + c.len_utf8()..).unwrap_or_default();
        let stops = match c {
            '\n' | '\r' | '\t' | ';' | '|' | '"' | '<' | '>' | '{' | '}' | '(' | '[' | '。' | '，' | '、'
            | '；' | '）' => true,
            ' ' => after.starts_with([' ', '#']) || after.starts_with("- ") || after.starts_with("and "),
            '.' | '!' | '?' => {
                after.is_empty() || after.starts_with([' ', '\n', '"']) && !abbreviated(rest.get(..len)?)
            }
            ',' => next_label(after) || rest.get(..len)?.ends_with(|c| c > '\u{2e80}'),
            _ => false,
        };
        if stops {
            break;
        }
        len += c.len_utf8();
        if len > MAX_VALUE {
            return None;
        }
    }
    let value = rest.get(..len)?;
    Some((given, at..at + value.trim_end().len()))
}

/// Whether a full stop behind this is part of the last word: `Dr.`, `J.`, `St.`
fn abbreviated(before: &str) -> bool {
    let word = before.rsplit([' ', ',', '.']).next().unwrap_or_default();
    (1..=3).contains(&word.chars().count()) && word.starts_with(char::is_uppercase)
}

/// Whether the next field begins: `, Phone: 555`.
fn next_label(after: &str) -> bool {
    let mut label =
        after.chars().skip(1).take(24).skip_while(|c| c.is_alphabetic() || matches!(c, '_' | ' ' | '-'));
    after.starts_with(' ') && matches!(label.next(), Some(':' | '='))
}
