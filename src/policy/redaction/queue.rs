//! Items of a stream that wait, in order, until all texts in them are decided.

use std::collections::VecDeque;
use std::ops::Range;

/// An item that may go on.
#[derive(Debug, PartialEq)]
pub struct Released<T> {
    pub item: T,
    /// One per fragment of the item, in order: the text to send instead, or `None` where it is unchanged.
    pub texts: Vec<Option<String>>,
}

/// Items are named by their number, counted from the stream's beginning.
pub(super) struct Queue<T> {
    items: VecDeque<Held<T>>,
    /// Number of the first item.
    first: usize,
    bytes: usize,
}

struct Held<T> {
    item: T,
    texts: Vec<Edited>,
    /// How many open pieces lie in this item.
    undecided: usize,
}

struct Edited {
    text: String,
    /// Of the text's bytes.
    edits: Vec<(Range<usize>, String)>,
}

/// A part of a text that lies in one item.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub number: usize,
    /// Which of the item's texts.
    pub index: usize,
    pub range: Range<usize>,
}

impl<T> Queue<T> {
    pub fn new() -> Self {
        Self { items: VecDeque::new(), first: 0, bytes: 0 }
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Bytes of text that are held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Answers the item's number.
    pub fn push(&mut self, item: T) -> usize {
        self.items.push_back(Held { item, texts: Vec::new(), undecided: 0 });
        self.first + self.items.len() - 1
    }

    /// Remembers a text until its item leaves. The piece is open: it has to be decided.
    pub fn add_text(&mut self, number: usize, text: &str) -> Piece {
        self.bytes += text.len();
        let mut index = 0;
        if let Some(held) = self.held_mut(number) {
            held.texts.push(Edited { text: text.to_owned(), edits: Vec::new() });
            held.undecided += 1;
            index = held.texts.len() - 1;
        }
        Piece { number, index, range: 0..text.len() }
    }

    pub fn decide(&mut self, piece: &Piece) {
        if let Some(held) = self.held_mut(piece.number) {
            held.undecided = held.undecided.saturating_sub(1);
        }
    }

    /// Puts `with` in the place of bytes of one text.
    pub fn edit(&mut self, piece: &Piece, range: Range<usize>, with: &str) {
        if let Some(text) = self.held_mut(piece.number).and_then(|held| held.texts.get_mut(piece.index)) {
            text.edits.push((range, with.to_owned()));
        }
    }

    pub fn release(&mut self) -> Vec<Released<T>> {
        let mut released = Vec::new();
        while self.items.front().is_some_and(|held| held.undecided == 0) {
            let Some(held) = self.items.pop_front() else { break };
            self.first += 1;
            self.bytes -= held.texts.iter().map(|edited| edited.text.len()).sum::<usize>();
            let texts = held.texts.into_iter().map(Edited::finish).collect();
            released.push(Released { item: held.item, texts });
        }
        released
    }

    fn held_mut(&mut self, number: usize) -> Option<&mut Held<T>> {
        self.items.get_mut(number.checked_sub(self.first)?)
    }
}

impl Edited {
    fn finish(mut self) -> Option<String> {
        if self.edits.is_empty() {
            return None;
        }
        self.edits.sort_by_key(|(range, _)| range.start);
        let mut finished = String::with_capacity(self.text.len());
        let mut copied = 0;
        for (range, value) in self.edits {
            finished.push_str(self.text.get(copied..range.start).unwrap_or_default());
            finished.push_str(&value);
            copied = range.end.max(copied);
        }
        finished.push_str(self.text.get(copied..).unwrap_or_default());
        Some(finished)
    }
}
