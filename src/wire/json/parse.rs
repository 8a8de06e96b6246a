//! From bytes to slots, in one pass and without recursion.
//!
//! The stack of a WebAssembly module is small and its overflow kills the whole worker, so nesting is a list of open
//! containers with a bound, not a call within a call.

use std::borrow::Cow;
use std::fmt;

use super::escape::plain_length;
use super::{Document, Kind, Node, Slot};

/// How deep arrays and objects may be nested.
pub const MAX_DEPTH: usize = 128;

/// How many values a document may have, keys counted too. A slot is larger than the shortest value, so without a
/// bound a small body of `[[],[],…` could claim many times its size.
pub const MAX_VALUES: usize = 1 << 20;

/// Why a text is not JSON, or not JSON that is safe to read. Says where, never what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The byte offset.
    pub at: usize,
    pub kind: SyntaxErrorKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    ByteOrderMark,
    ControlCharacter,
    DuplicateKey,
    ExpectedColon,
    ExpectedCommaOrEnd,
    ExpectedKey,
    ExpectedValue,
    InvalidEscape,
    InvalidNumber,
    InvalidUtf8,
    TooDeep,
    TooLong,
    TooManyValues,
    TrailingText,
    UnexpectedEnd,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            SyntaxErrorKind::ByteOrderMark => "byte order mark before the value",
            SyntaxErrorKind::ControlCharacter => "control character in a string",
            SyntaxErrorKind::DuplicateKey => "the same key twice in one object",
            SyntaxErrorKind::ExpectedColon => "expected a colon after the key",
            SyntaxErrorKind::ExpectedCommaOrEnd => "expected a comma or the closing bracket",
            SyntaxErrorKind::ExpectedKey => "expected a key in double quotes",
            SyntaxErrorKind::ExpectedValue => "expected a value",
            SyntaxErrorKind::InvalidEscape => "invalid escape in a string",
            SyntaxErrorKind::InvalidNumber => "invalid number",
            SyntaxErrorKind::InvalidUtf8 => "invalid UTF-8",
            SyntaxErrorKind::TooDeep => "nested too deep",
            SyntaxErrorKind::TooLong => "too long",
            SyntaxErrorKind::TooManyValues => "too many values",
            SyntaxErrorKind::TrailingText => "text after the value",
            SyntaxErrorKind::UnexpectedEnd => "the text ends inside the value",
        };
        write!(f, "invalid JSON: {what} at byte {}", self.at)
    }
}

impl std::error::Error for SyntaxError {}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Duplicates {
    Refused,
    LastCounts,
}

pub(super) fn document(bytes: &[u8], duplicates: Duplicates) -> Result<Document<'_>, SyntaxError> {
    if u32::try_from(bytes.len()).is_err() {
        return Err(SyntaxError { at: 0, kind: SyntaxErrorKind::TooLong });
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(SyntaxError { at: 0, kind: SyntaxErrorKind::ByteOrderMark });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| SyntaxError { at: error.valid_up_to(), kind: SyntaxErrorKind::InvalidUtf8 })?;
    let slots = Vec::with_capacity((bytes.len() / 32).min(MAX_VALUES));
    let mut parser =
        Parser { text: bytes, at: 0, document: Document { text, slots }, open: Vec::new(), duplicates };
    parser.run()?;
    Ok(parser.document)
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    document: Document<'a>,
    /// The containers the parser is inside of: their kinds and slots.
    open: Vec<(Kind, usize)>,
    duplicates: Duplicates,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), SyntaxError> {
        loop {
            if self.value()? == Entered::Yes {
                continue;
            }
            if self.after_value()? == Next::End {
                return Ok(());
            }
        }
    }

    /// Reads a whole value, or the opening of a container up to its first value.
    fn value(&mut self) -> Result<Entered, SyntaxError> {
        let start = self.at_token();
        match self.peek() {
            Some(b'{') => return self.enter(Kind::Object, b'}'),
            Some(b'[') => return self.enter(Kind::Array, b']'),
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                self.push(Kind::Number, start, false)?;
            }
            Some(b't') => self.word(b"true", Kind::Bool)?,
            Some(b'f') => self.word(b"false", Kind::Bool)?,
            Some(b'n') => self.word(b"null", Kind::Null)?,
            _ => return Err(self.unexpected(SyntaxErrorKind::ExpectedValue)),
        }
        Ok(Entered::No)
    }

    fn enter(&mut self, kind: Kind, closing: u8) -> Result<Entered, SyntaxError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.error(SyntaxErrorKind::TooDeep));
        }
        self.open.push((kind, self.document.slots.len()));
        self.at += 1;
        self.push(kind, self.at - 1, false)?;
        self.at_token();
        if self.peek() == Some(closing) {
            return Ok(Entered::No);
        }
        if kind == Kind::Object {
            self.key()?;
        }
        Ok(Entered::Yes)
    }

    /// Closes what ends here and goes on to the next value, if there is one.
    fn after_value(&mut self) -> Result<Next, SyntaxError> {
        loop {
            self.at_token();
            match (self.open.last().copied(), self.peek()) {
                (None, None) => return Ok(Next::End),
                (None, Some(_)) => return Err(self.error(SyntaxErrorKind::TrailingText)),
                (Some((Kind::Object, _)), Some(b',')) => {
                    self.at += 1;
                    self.at_token();
                    self.key()?;
                    return Ok(Next::Value);
                }
                (Some(_), Some(b',')) => {
                    self.at += 1;
                    return Ok(Next::Value);
                }
                (Some((Kind::Object, index)), Some(b'}')) => {
                    self.close(index);
                    self.refuse_duplicates(index)?;
                }
                (Some((Kind::Array, index)), Some(b']')) => self.close(index),
                _ => return Err(self.unexpected(SyntaxErrorKind::ExpectedCommaOrEnd)),
            }
        }
    }

    fn close(&mut self, index: usize) {
        self.at += 1;
        self.open.pop();
        let next = self.document.slots.len() as u32;
        if let Some(slot) = self.document.slots.get_mut(index) {
            slot.end = self.at as u32;
            slot.next = next;
        }
    }

    fn key(&mut self) -> Result<(), SyntaxError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected(SyntaxErrorKind::ExpectedKey));
        }
        self.string()?;
        self.at_token();
        if self.peek() != Some(b':') {
            return Err(self.unexpected(SyntaxErrorKind::ExpectedColon));
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at += plain_length(self.text.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return self.push(Kind::String, start, escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.error(SyntaxErrorKind::ControlCharacter)),
                None => return Err(self.error(SyntaxErrorKind::UnexpectedEnd)),
            }
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        let length = match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => match self.text.get(self.at + 2..self.at + 6) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => 6,
                _ => return Err(self.error(SyntaxErrorKind::InvalidEscape)),
            },
            _ => return Err(self.error(SyntaxErrorKind::InvalidEscape)),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<(), SyntaxError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected(SyntaxErrorKind::InvalidNumber)) } else { Ok(()) }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<(), SyntaxError> {
        let start = self.at;
        if !self.text.get(start..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.error(SyntaxErrorKind::ExpectedValue));
        }
        self.at += word.len();
        self.push(kind, start, false)
    }

    /// Records the value that reaches from `start` to here.
    fn push(&mut self, kind: Kind, start: usize, escaped: bool) -> Result<(), SyntaxError> {
        let index = self.document.slots.len();
        if index >= MAX_VALUES {
            return Err(SyntaxError { at: start, kind: SyntaxErrorKind::TooManyValues });
        }
        let slot = Slot { start: start as u32, end: self.at as u32, next: index as u32 + 1, kind, escaped };
        self.document.slots.push(slot);
        Ok(())
    }

    /// Keys are compared as they decode (`"a"` is `"\u0061"`). Few keys are compared with each other; many are
    /// sorted, so that an object of nothing but keys does not cost the square of its size.
    fn refuse_duplicates(&self, object: usize) -> Result<(), SyntaxError> {
        const FEW: usize = 8;
        if self.duplicates == Duplicates::LastCounts {
            return Ok(());
        }
        let object = Node { document: &self.document, index: object as u32 };
        let keys = || object.members().map(|(key, _)| key);
        let twice = if object.members().nth(FEW).is_none() {
            keys()
                .enumerate()
                .find(|(n, key)| keys().take(*n).any(|other| same_text(key, &other)))
                .map(|(_, key)| key)
        } else {
            let mut sorted: Vec<(Cow<'_, str>, usize)> =
                keys().filter_map(|key| Some((key.as_str()?, key.span().start))).collect();
            sorted.sort_unstable();
            let at = sorted.windows(2).find_map(|pair| match pair {
                [first, second] if first.0 == second.0 => Some(second.1),
                _ => None,
            });
            keys().find(|key| Some(key.span().start) == at)
        };
        match twice {
            Some(key) => Err(SyntaxError { at: key.span().start, kind: SyntaxErrorKind::DuplicateKey }),
            None => Ok(()),
        }
    }

    /// Skips white space and says where the next token starts.
    fn at_token(&mut self) -> usize {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        self.at
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn unexpected(&self, kind: SyntaxErrorKind) -> SyntaxError {
        self.error(if self.peek().is_none() { SyntaxErrorKind::UnexpectedEnd } else { kind })
    }

    fn error(&self, kind: SyntaxErrorKind) -> SyntaxError {
        SyntaxError { at: self.at, kind }
    }
}

#[derive(PartialEq, Eq)]
enum Entered {
    Yes,
    No,
}

#[derive(PartialEq, Eq)]
enum Next {
    Value,
    End,
}

fn same_text(one: &Node<'_>, other: &Node<'_>) -> bool {
    match (one.slot().escaped, other.slot().escaped) {
        (false, false) => one.raw() == other.raw(),
        _ => one.as_str() == other.as_str(),
    }
}
