//! A string's text, with the way back to the bytes it was written as.
//!
//! Detectors read text; edits need bytes. Between the two stand the escapes: `"Gr\u00fc\u00dfe"` is seven bytes of
//! text and seventeen of source. Replacing only the piece that was found keeps the rest of the string as it was
//! written, escapes included.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::escape;

/// The decoded text of one string.
pub struct Text<'d> {
    decoded: Cow<'d, str>,
    /// The string as it was written, without its quotes, and where that starts in the document.
    inner: &'d str,
    start: usize,
    /// Every escape is in one of these, in order; there are none for a string without.
    groups: Vec<Group>,
}

/// Escapes that stand close together, from the first one's start to the last one's end, in the text and in the
/// document. Between two groups both run in step. One entry for each escape would make the map of a string that is
/// nothing but escapes many times as large as the string.
struct Group {
    decoded: Range<usize>,
    source: Range<usize>,
}

/// How many bytes of text a group spans at most, and so how much has to be read again to find a place in it.
const GROUP: usize = 64;

impl<'d> Text<'d> {
    pub(super) fn new(inner: &'d str, start: usize, escaped: bool) -> Self {
        if !escaped {
            return Text { decoded: Cow::Borrowed(inner), inner, start, groups: Vec::new() };
        }
        let mut decoded = String::with_capacity(inner.len());
        let mut groups: Vec<Group> = Vec::new();
        let mut source = start;
        let mut rest = inner;
        while let Some((plain, escape)) = escape::next_escape(rest) {
            decoded.push_str(plain);
            source += plain.len();
            let here = Group {
                decoded: decoded.len()..decoded.len() + escape.character.len_utf8(),
                source: source..source + escape.length,
            };
            decoded.push(escape.character);
            source = here.source.end;
            rest = escape.rest;
            match groups.last_mut() {
                Some(group) if here.decoded.end - group.decoded.start <= GROUP => {
                    group.decoded.end = here.decoded.end;
                    group.source.end = here.source.end;
                }
                _ => groups.push(here),
            }
        }
        decoded.push_str(rest);
        Text { decoded: Cow::Owned(decoded), inner, start, groups }
    }

    pub fn as_str(&self) -> &str {
        &self.decoded
    }

    /// Where in the document the bytes of this piece of the text stand (in the string, inside its quotes). A piece
    /// that cuts an escaped character takes in the whole escape; one beyond the end stops there.
    pub fn source(&self, decoded: Range<usize>) -> Range<usize> {
        let end = decoded.end.min(self.decoded.len());
        let start = if decoded.start < self.decoded.len() {
            self.source_of_byte(decoded.start).start
        } else {
            self.start + self.inner.len()
        };
        match end.checked_sub(1) {
            Some(last) if decoded.start < end => start..self.source_of_byte(last).end,
            _ => start..start,
        }
    }

    /// What the byte at this place of the text was written as: itself, or the escape it is part of.
    fn source_of_byte(&self, at: usize) -> Range<usize> {
        let byte = |source: usize| source..source + 1;
        let after = self.groups.partition_point(|group| group.decoded.start <= at);
        let Some(group) = after.checked_sub(1).and_then(|group| self.groups.get(group)) else {
            return byte(self.start + at);
        };
        if at >= group.decoded.end {
            return byte(group.source.end + (at - group.decoded.end));
        }
        let (mut decoded, mut source) = (group.decoded.start, group.source.start);
        let mut rest = self.inner.get(source - self.start..).unwrap_or_default();
        while let Some((plain, escape)) = escape::next_escape(rest) {
            if at < decoded + plain.len() {
                break;
            }
            decoded += plain.len() + escape.character.len_utf8();
            source += plain.len() + escape.length;
            if at < decoded {
                return source - escape.length..source;
            }
            rest = escape.rest;
        }
        byte(source + (at - decoded))
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.decoded.len())
    }
}
