//! Restores an answer that arrives in pieces.
//!
//! An *item* is whatever the stream is made of: an SSE event, a delta. An item carries *fragments*, each a piece of
//! one *channel*: the text of choice 0, the arguments of tool call 2. A placeholder may be cut anywhere, and items of
//! other channels may lie between its parts:
//!
//! ```text
//! item 1  text "Write to <EM"      held: "<EM" may become <EMAIL_1>
//! item 2  tool "{\"q\":"           held, because items leave in order
//! item 3  text "AIL_1>."           decided: 1 leaves with "Write to ana@example.com", 2 unchanged, 3 with "."
//! ```
//!
//! An item is held only while the end of one of its fragments could still become an *issued* placeholder, or while an
//! item before it is. The value goes where the placeholder began. Where nothing is restored the caller is told so
//! (`None`), and sends the bytes that it received.
//!
//! The alternative, to wait for a closing bracket, delays every `<` of a code listing to its end of line or further,
//! and a bound on that wait cuts placeholders. What can become a placeholder is known, and short.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::mem;
use std::ops::Range;
use std::rc::Rc;

use super::restorer::{Landing, Next, Restorer};

/// Items held before everything is released as it is.
pub const MAX_HELD: usize = 256;
/// Bytes of text held before everything is released as it is.
pub const MAX_HELD_BYTES: usize = 64 * 1024;

/// A piece of the text that `channel` names.
#[derive(Debug, Clone)]
pub struct Fragment<C> {
    pub channel: C,
    pub text: String,
    pub landing: Landing,
}

/// An item that may go on.
#[derive(Debug, PartialEq)]
pub struct Released<T> {
    pub item: T,
    /// One per fragment of the item, in order: the text to send instead, or `None` where it is unchanged.
    pub texts: Vec<Option<String>>,
}

/// Holds back as little as the vault allows; everything else passes through in order.
pub struct StreamRestorer<T, C> {
    restorer: Rc<Restorer>,
    queue: VecDeque<Held<T>>,
    /// Number of the queue's first item, counted from the stream's beginning.
    first: usize,
    tails: HashMap<C, Tail>,
    held_bytes: usize,
}

impl<T, C: Clone + Eq + Hash> StreamRestorer<T, C> {
    pub fn new(restorer: impl Into<Rc<Restorer>>) -> Self {
        Self {
            restorer: restorer.into(),
            queue: VecDeque::new(),
            first: 0,
            tails: HashMap::new(),
            held_bytes: 0,
        }
    }

    /// Takes the stream's next item and gives back what may go on, in order.
    pub fn push(&mut self, item: T, fragments: Vec<Fragment<C>>) -> Vec<Released<T>> {
        if self.restorer.is_idle() {
            return vec![Released { item, texts: fragments.iter().map(|_| None).collect() }];
        }
        let number = self.first + self.queue.len();
        let texts = Vec::with_capacity(fragments.len());
        self.queue.push_back(Held { item, texts, undecided: 0 });
        for fragment in fragments {
            self.read(number, fragment);
        }
        if self.queue.len() > MAX_HELD || self.held_bytes > MAX_HELD_BYTES {
            return self.flush();
        }
        self.release()
    }

    /// Nothing follows: what is still held leaves, with beginnings of placeholders as the text that they are.
    pub fn flush(&mut self) -> Vec<Released<T>> {
        for (_, tail) in mem::take(&mut self.tails) {
            self.decide(&tail);
        }
        self.release()
    }

    /// How many items are held.
    pub fn held(&self) -> usize {
        self.queue.len()
    }

    /// Reads one fragment on from what its channel left open.
    fn read(&mut self, number: usize, fragment: Fragment<C>) {
        let Fragment { channel, text, landing } = fragment;
        let index = self.add_text(number, &text);
        let mut open = match self.tails.entry(channel.clone()) {
            Entry::Occupied(tail) => tail.remove(),
            Entry::Vacant(_) => Tail::new(landing),
        };
        self.decide(&open);
        if open.landing != landing {
            open = Tail::new(landing);
        }
        open.pieces.push(Piece { number, index, range: 0..text.len() });
        if open.text.is_empty() {
            open.text = text;
        } else {
            open.text.push_str(&text);
        }

        let restorer = Rc::clone(&self.restorer);
        let mut at = 0;
        let rest = loop {
            match restorer.next(&open.text, at, landing) {
                None => break open.text.len(),
                Some(Next::Unfinished { start }) => break start,
                Some(Next::Placeholder { start, end, value }) => {
                    self.replace(&open, start..end, &value);
                    at = end;
                }
            }
        };
        let open = open.from(rest);
        if !open.text.is_empty() {
            self.hold(&open);
            self.tails.insert(channel, open);
        }
    }

    /// Remembers a fragment's text until its item leaves; answers which of the item's fragments it is.
    fn add_text(&mut self, number: usize, text: &str) -> usize {
        self.held_bytes += text.len();
        let Some(held) = self.held_mut(number) else { return 0 };
        held.texts.push(Edited { text: text.to_owned(), edits: Vec::new() });
        held.texts.len() - 1
    }

    /// Writes `value` where the placeholder began, and nothing where it went on.
    fn replace(&mut self, open: &Tail, range: Range<usize>, value: &str) {
        let mut value = value;
        let mut begin = 0;
        for piece in &open.pieces {
            let end = begin + piece.range.len();
            let (from, to) = (range.start.max(begin), range.end.min(end));
            if from < to {
                let in_fragment = piece.range.start + (from - begin)..piece.range.start + (to - begin);
                if let Some(text) =
                    self.held_mut(piece.number).and_then(|held| held.texts.get_mut(piece.index))
                {
                    text.edits.push((in_fragment, value.to_owned()));
                }
                value = "";
            }
            begin = end;
        }
    }

    fn hold(&mut self, tail: &Tail) {
        for piece in &tail.pieces {
            if let Some(held) = self.held_mut(piece.number) {
                held.undecided += 1;
            }
        }
    }

    fn decide(&mut self, tail: &Tail) {
        for piece in &tail.pieces {
            if let Some(held) = self.held_mut(piece.number) {
                held.undecided = held.undecided.saturating_sub(1);
            }
        }
    }

    fn release(&mut self) -> Vec<Released<T>> {
        let mut released = Vec::new();
        while self.queue.front().is_some_and(|held| held.undecided == 0) {
            let Some(held) = self.queue.pop_front() else { break };
            self.first += 1;
            self.held_bytes -= held.texts.iter().map(|edited| edited.text.len()).sum::<usize>();
            let texts = held.texts.into_iter().map(Edited::finish).collect();
            released.push(Released { item: held.item, texts });
        }
        released
    }

    fn held_mut(&mut self, number: usize) -> Option<&mut Held<T>> {
        self.queue.get_mut(number.checked_sub(self.first)?)
    }
}

struct Held<T> {
    item: T,
    texts: Vec<Edited>,
    /// How many pieces of open tails lie in this item.
    undecided: usize,
}

struct Edited {
    text: String,
    /// In order, not overlapping.
    edits: Vec<(Range<usize>, String)>,
}

impl Edited {
    fn finish(self) -> Option<String> {
        if self.edits.is_empty() {
            return None;
        }
        let mut finished = String::with_capacity(self.text.len());
        let mut copied = 0;
        for (range, value) in self.edits {
            finished.push_str(self.text.get(copied..range.start).unwrap_or_default());
            finished.push_str(&value);
            copied = range.end;
        }
        finished.push_str(self.text.get(copied..).unwrap_or_default());
        Some(finished)
    }
}

/// The end of a channel's text that may become a placeholder, and the fragments that it lies in.
struct Tail {
    landing: Landing,
    text: String,
    /// In order; their lengths add up to the text's.
    pieces: Vec<Piece>,
}

impl Tail {
    fn new(landing: Landing) -> Self {
        Self { landing, text: String::new(), pieces: Vec::new() }
    }

    /// What remains from byte `start` on.
    fn from(mut self, start: usize) -> Self {
        let mut begin = 0;
        self.pieces.retain_mut(|piece| {
            let end = begin + piece.range.len();
            piece.range.start += start.saturating_sub(begin).min(piece.range.len());
            begin = end;
            !piece.range.is_empty()
        });
        self.text.drain(..start);
        self
    }
}

struct Piece {
    /// The item, counted from the stream's beginning.
    number: usize,
    /// Which of its fragments.
    index: usize,
    range: Range<usize>,
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
