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

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::mem;
use std::ops::Range;
use std::rc::Rc;

use super::super::queue::{Piece, Queue, Released};
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

/// Holds back as little as the vault allows; everything else passes through in order.
pub struct StreamRestorer<T, C> {
    restorer: Rc<Restorer>,
    queue: Queue<T>,
    tails: HashMap<C, Tail>,
}

impl<T, C: Clone + Eq + Hash> StreamRestorer<T, C> {
    pub fn new(restorer: impl Into<Rc<Restorer>>) -> Self {
        Self { restorer: restorer.into(), queue: Queue::new(), tails: HashMap::new() }
    }

    /// Takes the stream's next item and gives back what may go on, in order.
    pub fn push(&mut self, item: T, fragments: Vec<Fragment<C>>) -> Vec<Released<T>> {
        if self.restorer.is_idle() {
            return vec![Released { item, texts: fragments.iter().map(|_| None).collect() }];
        }
        let number = self.queue.push(item);
        for fragment in fragments {
            self.read(number, fragment);
        }
        if self.queue.len() > MAX_HELD || self.queue.bytes() > MAX_HELD_BYTES {
            return self.flush();
        }
        self.queue.release()
    }

    /// Nothing follows: what is still held leaves, with beginnings of placeholders as the text that they are.
    pub fn flush(&mut self) -> Vec<Released<T>> {
        for (_, tail) in mem::take(&mut self.tails) {
            self.decide(&tail);
        }
        self.queue.release()
    }

    /// How many items are held.
    pub fn held(&self) -> usize {
        self.queue.len()
    }

    /// Reads one fragment on from what its channel left open.
    fn read(&mut self, number: usize, fragment: Fragment<C>) {
        let Fragment { channel, text, landing } = fragment;
        let piece = self.queue.add_text(number, &text);
        let mut open = match self.tails.entry(channel.clone()) {
            Entry::Occupied(tail) => tail.remove(),
            Entry::Vacant(_) => Tail::new(landing),
        };
        if open.landing != landing {
            self.decide(&open);
            open = Tail::new(landing);
        }
        open.pieces.push(piece);
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
        let open = open.from(rest, &mut self.queue);
        if !open.text.is_empty() {
            self.tails.insert(channel, open);
        }
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
                self.queue.edit(piece, in_fragment, mem::take(&mut value));
            }
            begin = end;
        }
    }

    fn decide(&mut self, tail: &Tail) {
        tail.pieces.iter().for_each(|piece| self.queue.decide(piece));
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
    fn from<T>(mut self, start: usize, queue: &mut Queue<T>) -> Self {
        let mut begin = 0;
        self.pieces.retain_mut(|piece| {
            let end = begin + piece.range.len();
            piece.range.start += start.saturating_sub(begin).min(piece.range.len());
            begin = end;
            if piece.range.is_empty() {
                queue.decide(piece);
            }
            !piece.range.is_empty()
        });
        self.text.drain(..start);
        self
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
