//! Changes to a document, spliced into its bytes.
//!
//! All changes are stated against the document as it was, so that whoever makes them need not know of each other.
//! Commas are the trouble: which of them goes with a removed member depends on what else is removed and added. So
//! changes to an object's members are collected for each object, and become splices only when they are applied.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::{Kind, Node, quote};

/// Changes to one document.
///
/// A change inside a value that is itself replaced or removed is dropped; of two changes to exactly the same value
/// the later one holds. Only an object that is already in the document can be changed: `set` and `remove` on any
/// other value do nothing.
#[derive(Default)]
pub struct Edits {
    splices: Vec<Splice>,
    /// By the offset of the object's opening bracket.
    objects: BTreeMap<usize, Object>,
    made: usize,
}

/// Put `with` in the place of `range`.
struct Splice {
    range: Range<usize>,
    with: Vec<u8>,
    made: usize,
}

struct Object {
    span: Range<usize>,
    members: Vec<Member>,
    added: Vec<(String, String)>,
}

struct Member {
    key: String,
    /// Key and value.
    span: Range<usize>,
    value: Range<usize>,
    fate: Fate,
}

enum Fate {
    Kept,
    Set { value: String, made: usize },
    Removed,
}

impl Edits {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn is_empty(&self) -> bool {
        self.made == 0
    }

    /// Puts `with` in the place of these bytes. The caller answers for the result being JSON.
    pub fn replace(&mut self, range: Range<usize>, with: impl Into<Vec<u8>>) {
        let made = self.next();
        self.splices.push(Splice { range, with: with.into(), made });
    }

    /// Gives the object's member this value, written as JSON; adds it at the end if there is none. A key that stands
    /// there more than once is there once afterwards.
    pub fn set(&mut self, object: Node<'_>, key: &str, raw_json_value: &str) {
        let made = self.next();
        let Some(object) = self.object(object) else { return };
        let mut named = object.members.iter_mut().rev().filter(|member| member.key == key);
        if let Some(last) = named.next() {
            last.fate = Fate::Set { value: raw_json_value.to_owned(), made };
            named.for_each(|earlier| earlier.fate = Fate::Removed);
        } else if let Some((_, value)) = object.added.iter_mut().find(|(name, _)| name == key) {
            raw_json_value.clone_into(value);
        } else {
            object.added.push((key.to_owned(), raw_json_value.to_owned()));
        }
    }

    /// Takes the member out, with its comma and the white space that belongs to it.
    pub fn remove(&mut self, object: Node<'_>, key: &str) {
        if object.get(key).is_none() && !self.objects.contains_key(&object.span().start) {
            return;
        }
        let _ = self.next();
        let Some(object) = self.object(object) else { return };
        object.added.retain(|(name, _)| name != key);
        for member in object.members.iter_mut().filter(|member| member.key == key) {
            member.fate = Fate::Removed;
        }
    }

    /// The document's bytes with all changes made; `original` is the text the document was read from.
    pub fn apply(&self, original: &[u8]) -> Vec<u8> {
        let mut splices: Vec<(&Range<usize>, &[u8], usize)> = Vec::new();
        let of_objects: Vec<Splice> = self.objects.values().flat_map(Object::splices).collect();
        for splice in self.splices.iter().chain(&of_objects) {
            splices.push((&splice.range, &splice.with, splice.made));
        }
        // Insertions come before what replaces the bytes after them, in the order they were made; the longest and
        // then latest replacement comes first, and covers the others.
        splices.sort_by_key(|(range, _, made)| {
            let order = if range.is_empty() { *made } else { usize::MAX - *made };
            (range.start, !range.is_empty(), usize::MAX - range.end, order)
        });

        let added: usize = splices.iter().map(|(_, with, _)| with.len()).sum();
        let mut out = Vec::with_capacity(original.len() + added);
        let mut copied = 0;
        for (range, with, _) in splices {
            if range.start < copied || range.end < range.start || range.end > original.len() {
                continue;
            }
            out.extend_from_slice(original.get(copied..range.start).unwrap_or_default());
            out.extend_from_slice(with);
            copied = range.end;
        }
        out.extend_from_slice(original.get(copied..).unwrap_or_default());
        out
    }

    fn next(&mut self) -> usize {
        self.made += 1;
        self.made
    }

    fn object(&mut self, node: Node<'_>) -> Option<&mut Object> {
        if node.kind() != Kind::Object {
            return None;
        }
        Some(self.objects.entry(node.span().start).or_insert_with(|| Object::new(node)))
    }
}

impl Object {
    fn new(node: Node<'_>) -> Self {
        let member = |(key, value): (Node<'_>, Node<'_>)| Member {
            key: key.as_str().unwrap_or_default().into_owned(),
            span: key.span().start..value.span().end,
            value: value.span(),
            fate: Fate::Kept,
        };
        Object { span: node.span(), members: node.members().map(member).collect(), added: Vec::new() }
    }

    fn splices(&self) -> Vec<Splice> {
        let mut splices = Vec::new();
        let mut splice = |range: Range<usize>, with: String, made: usize| {
            splices.push(Splice { range, with: with.into_bytes(), made });
        };
        let inside = self.span.start + 1..self.span.end - 1;
        let added: Vec<String> =
            self.added.iter().map(|(key, value)| format!("{}:{value}", quote(key))).collect();
        let added = added.join(",");

        let (Some(first), Some(last)) = (self.members.first(), self.members.last()) else {
            splice(inside.start..inside.start, added, 0);
            return splices;
        };
        let Some(first_left) = self.members.iter().find(|member| !member.is_removed()) else {
            let all = if added.is_empty() { inside } else { first.span.start..last.span.end };
            splice(all, added, 0);
            return splices;
        };

        // The first member that is left keeps the white space before the first one; every later one that goes takes
        // the comma and the white space before it along.
        splice(first.span.start..first_left.span.start, String::new(), 0);
        let mut end = first_left.span.start;
        for member in self.members.iter().skip_while(|member| member.span.start < first_left.span.start) {
            match &member.fate {
                Fate::Kept => {}
                Fate::Set { value, made } => splice(member.value.clone(), value.clone(), *made),
                Fate::Removed => splice(end..member.span.end, String::new(), 0),
            }
            end = member.span.end;
        }
        if !added.is_empty() {
            splice(end..end, format!(",{added}"), 0);
        }
        splices
    }
}

impl Member {
    fn is_removed(&self) -> bool {
        matches!(self.fate, Fate::Removed)
    }
}

impl fmt::Debug for Edits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Edits({})", self.made)
    }
}

#[cfg(test)]
mod tests;
