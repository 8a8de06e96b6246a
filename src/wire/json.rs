//! JSON that is read in place and edited in place.
//!
//! A body that is parsed into a tree and written again comes out different: numbers re-formatted, keys re-ordered,
//! white space gone. That breaks prompt caches at the providers and clients that compare bytes. So a [`Document`]
//! is only a flat list of spans over the original text; [`Node`]s point into it, and [`Edits`] are spliced into the
//! original bytes, which leaves everything else as it was.
//!
//! ```
//! use tollgate::wire::json::{Document, Edits};
//!
//! let body = br#"{"model": "small", "temperature": 0.70}"#;
//! let document = Document::parse(body).unwrap();
//! assert!(document.root().get("model").unwrap().is("small"));
//!
//! let mut edits = Edits::new();
//! edits.set(document.root(), "model", r#""large""#);
//! assert_eq!(edits.apply(body), br#"{"model": "large", "temperature": 0.70}"#);
//! ```
//!
//! The parser is strict (RFC 8259) because what one parser accepts and the next one reads differently is a way
//! around a policy: an object with the same key twice is refused, unless the text comes from a provider.

mod edit;
mod escape;
mod parse;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

pub use edit::Edits;
pub use escape::{escape_into, quote};
pub use parse::{MAX_DEPTH, MAX_VALUES, SyntaxError, SyntaxErrorKind};
pub use text::Text;

/// A text that is known to be one JSON value, with the span of every value in it.
pub struct Document<'a> {
    text: &'a str,
    slots: Vec<Slot>,
}

/// One value, or one key of an object. The children of an array or object follow it directly.
#[derive(Clone, Copy)]
struct Slot {
    start: u32,
    end: u32,
    /// The index of the first slot that is not inside this value.
    next: u32,
    kind: Kind,
    /// A string that holds at least one escape, so that its text is not its source.
    escaped: bool,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl<'a> Document<'a> {
    /// Reads `text` as one JSON value, white space around it allowed. Two equal keys in one object are refused:
    /// whoever reads the body next might take the other one.
    pub fn parse(text: &'a [u8]) -> Result<Self, SyntaxError> {
        parse::document(text, parse::Duplicates::Refused)
    }

    /// Reads `text` like [`Document::parse`], except that the last of several equal keys counts. For answers of
    /// providers, which have no interest in being misread.
    pub fn parse_lenient(text: &'a [u8]) -> Result<Self, SyntaxError> {
        parse::document(text, parse::Duplicates::LastCounts)
    }

    pub fn root(&self) -> Node<'_> {
        Node { document: self, index: 0 }
    }

    /// The bytes the document was read from.
    pub fn text(&self) -> &'a [u8] {
        self.text.as_bytes()
    }
}

/// A value in a [`Document`]. Cheap to copy; asking it for something it is not gives `None` or nothing.
#[derive(Clone, Copy)]
pub struct Node<'d> {
    document: &'d Document<'d>,
    index: u32,
}

impl<'d> Node<'d> {
    pub fn kind(&self) -> Kind {
        self.slot().kind
    }

    /// Where the whole value stands in the document's text; a string with its quotes.
    pub fn span(&self) -> Range<usize> {
        let slot = self.slot();
        slot.start as usize..slot.end as usize
    }

    /// The value as it was written.
    pub fn raw(&self) -> &'d str {
        self.document.text.get(self.span()).unwrap_or_default()
    }

    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    pub fn as_bool(&self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == "true")
    }

    /// The number, if it is written as an integer (not `1.0`, not `1e3`) and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.number()?.parse().ok()
    }

    /// The number, if it is written as an integer (not `1.0`, not `1e3`) and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.number()?.parse().ok()
    }

    /// The nearest number a float can hold; `None` for one beyond its range.
    pub fn as_f64(&self) -> Option<f64> {
        self.number()?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The string's text, unescaped. Half a surrogate pair reads as U+FFFD.
    pub fn as_str(&self) -> Option<Cow<'d, str>> {
        let inner = self.inner()?;
        Some(if self.slot().escaped { Cow::Owned(escape::decode(inner)) } else { Cow::Borrowed(inner) })
    }

    /// Whether this is a string with exactly this text.
    pub fn is(&self, text: &str) -> bool {
        match self.inner() {
            Some(inner) if self.slot().escaped => escape::decode(inner) == text,
            Some(inner) => inner == text,
            None => false,
        }
    }

    /// The string's text together with the way back from a piece of it to the bytes it was written as.
    pub fn text(&self) -> Option<Text<'d>> {
        Some(Text::new(self.inner()?, self.span().start + 1, self.slot().escaped))
    }

    /// The value of a member of this object; the last one if there are several.
    pub fn get(&self, key: &str) -> Option<Node<'d>> {
        self.members().filter(|(name, _)| name.is(key)).last().map(|(_, value)| value)
    }

    /// The value at the end of a path of member names.
    pub fn path(&self, keys: &[&str]) -> Option<Node<'d>> {
        keys.iter().try_fold(*self, |node, key| node.get(key))
    }

    /// The elements of an array, in order; nothing for any other value.
    pub fn items(&self) -> Items<'d> {
        Items(self.children(Kind::Array))
    }

    /// The members of an object, key and value, in order; nothing for any other value.
    pub fn members(&self) -> Members<'d> {
        Members(self.children(Kind::Object))
    }

    /// The number of elements of an array or members of an object; 0 for any other value.
    pub fn len(&self) -> usize {
        match self.kind() {
            Kind::Array => self.items().count(),
            Kind::Object => self.members().count(),
            _ => 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.slot().next == self.index + 1
    }

    fn slot(&self) -> Slot {
        // Every index comes from the parser, and a document has at least one value.
        const NOTHING: Slot = Slot { start: 0, end: 0, next: 0, kind: Kind::Null, escaped: false };
        self.document.slots.get(self.index as usize).copied().unwrap_or(NOTHING)
    }

    fn number(&self) -> Option<&'d str> {
        (self.kind() == Kind::Number).then(|| self.raw())
    }

    /// What stands between a string's quotes.
    fn inner(&self) -> Option<&'d str> {
        if self.kind() != Kind::String {
            return None;
        }
        let span = self.span();
        self.document.text.get(span.start + 1..span.end.saturating_sub(1))
    }

    fn children(&self, kind: Kind) -> Children<'d> {
        let end = if self.kind() == kind { self.slot().next } else { 0 };
        Children { document: self.document, next: self.index + 1, end }
    }
}

/// The elements of an array.
#[derive(Clone)]
pub struct Items<'d>(Children<'d>);

impl<'d> Iterator for Items<'d> {
    type Item = Node<'d>;

    fn next(&mut self) -> Option<Node<'d>> {
        self.0.next()
    }
}

/// The members of an object, as key and value.
#[derive(Clone)]
pub struct Members<'d>(Children<'d>);

impl<'d> Iterator for Members<'d> {
    type Item = (Node<'d>, Node<'d>);

    fn next(&mut self) -> Option<(Node<'d>, Node<'d>)> {
        Some((self.0.next()?, self.0.next()?))
    }
}

#[derive(Clone)]
struct Children<'d> {
    document: &'d Document<'d>,
    next: u32,
    end: u32,
}

impl<'d> Iterator for Children<'d> {
    type Item = Node<'d>;

    fn next(&mut self) -> Option<Node<'d>> {
        if self.next >= self.end {
            return None;
        }
        let node = Node { document: self.document, index: self.next };
        self.next = node.slot().next;
        Some(node)
    }
}

// Bodies hold what must not reach a log, so these print places and counts, never text.

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes, {} values)", self.text.len(), self.slots.len())
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}", self.kind(), self.span())
    }
}

#[cfg(test)]
mod tests;
