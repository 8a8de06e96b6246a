//! Edits inside JSON source that leave it JSON.

use std::mem;
use std::ops::Range;

/// How far a reader of JSON source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum JsonState {
    #[default]
    Outside,
    String,
    /// Behind a backslash.
    Escape,
    /// So many digits of an escape are still to come.
    Hex(u8),
}

impl JsonState {
    pub fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Outside, b'"') => Self::String,
            (Self::Outside, _) => Self::Outside,
            (Self::String, b'"') => Self::Outside,
            (Self::String, b'\\') => Self::Escape,
            (Self::Escape, b'u') => Self::Hex(4),
            (Self::Hex(left @ 2..), _) => Self::Hex(left - 1),
            (Self::String | Self::Escape | Self::Hex(_), _) => Self::String,
        }
    }

    pub fn over(self, text: &str) -> Self {
        text.bytes().fold(self, Self::next)
    }
}

/// Takes a part out. `state` is the reader's at its beginning. Inside of strings the mark takes its place once;
/// whatever stands outside of them becomes a string as a whole, as half a number is no JSON. Quotes, brackets and
/// escapes that it cuts stay. Nothing is written before what `from` says is written
/// already.
pub(super) fn edit(
    text: &str,
    part: Range<usize>,
    from: (JsonState, &mut usize),
    mark: &mut Option<String>,
    write: &mut dyn FnMut(Range<usize>, String),
) {
    let bytes = text.as_bytes();
    let (mut state, floor) = from;
    let mut at = part.start.max(*floor);
    state = state.over(text.get(part.start..at).unwrap_or_default());
    while at < part.end {
        let start = at;
        match state {
            JsonState::Escape | JsonState::Hex(_) => {
                state = bytes.get(at).map_or(state, |byte| state.next(*byte));
                at += 1;
            }
            JsonState::String => {
                // Up to the string's end, and never into an escape that goes on behind the part.
                let mut whole = start;
                while let Some(byte) = bytes.get(at).filter(|_| at < part.end) {
                    let next = state.next(*byte);
                    if next == JsonState::Outside {
                        break;
                    }
                    state = next;
                    at += 1;
                    if state == JsonState::String {
                        whole = at;
                    }
                }
                if whole > start {
                    *floor = whole;
                    write(start..whole, mem::take(mark).unwrap_or_default());
                }
                if at < part.end {
                    state = JsonState::Outside;
                    at += 1;
                }
            }
            JsonState::Outside => {
                let byte = bytes.get(at).copied().unwrap_or(b' ');
                if is_structure(byte) {
                    state = state.next(byte);
                    at += 1;
                    continue;
                }
                let before = bytes.get(..at).unwrap_or_default().iter().rev();
                let from = (at - before.take_while(|byte| !is_structure(**byte)).count()).max(*floor);
                let after = bytes.get(at..).unwrap_or_default().iter();
                let to = at + after.take_while(|byte| !is_structure(**byte)).count();
                if !matches!(text.get(from..to), Some("true" | "false" | "null")) {
                    *floor = to;
                    write(from..to, format!("\"{}\"", mem::take(mark).unwrap_or_default()));
                }
                at = to;
            }
        }
    }
}

fn is_structure(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"{}[]:,\"".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, value: &str) -> String {
        let start = text.find(value).unwrap();
        let state = JsonState::default().over(&text[..start]);
        let mut out = text.to_owned();
        let mut edits = Vec::new();
        edit(
            text,
            start..start + value.len(),
            (state, &mut 0),
            &mut Some("[X]".to_owned()),
            &mut |range, with| {
                edits.push((range, with));
            },
        );
        for (range, with) in edits.into_iter().rev() {
            out.replace_range(range, &with);
        }
        serde_json::from_str::<serde_json::Value>(&out).unwrap_or_else(|error| panic!("{out}: {error}"));
        out
    }

    #[test]
    fn what_is_left_is_json_whatever_is_taken_out() {
        for (text, value, expected) in [
            (r#"{"to":"ana@example.com"}"#, "ana@example.com", r#"{"to":"[X]"}"#),
            (r#"{"n":4111111111111111}"#, "4111111111111111", r#"{"n":"[X]"}"#),
            (r#"{"n":-41.5e1,"m":true}"#, "1.5", r#"{"n":"[X]","m":true}"#),
            (r#"["a\u0040b.c"]"#, r"a\u0040b", r#"["[X].c"]"#),
            (r#"["a\u0040b.c"]"#, r"040b", r#"["a\u0040[X].c"]"#),
            (r#"["ab\\cd"]"#, r"ab\", r#"["[X]\\cd"]"#),
            (r#"["ab\"cd"]"#, r#"b\"c"#, r#"["a[X]d"]"#),
            (r#"["ab\"cd"]"#, r#""cd"#, r#"["ab\"[X]"]"#),
            (r#"{"a":"b","c":"d"}"#, r#"b","c":"d"#, r#"{"a":"[X]","":""}"#),
            (r#"{"a":"b","c":12}"#, r#"b","c":1"#, r#"{"a":"[X]","":""}"#),
            (r#"[null,"a"]"#, r#"null,"a"#, r#"[null,"[X]"]"#),
        ] {
            assert_eq!(edited(text, value), expected, "{value} of {text}");
        }
    }
}
