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
use super::restorer::{Restorer, written};
use super::spelling::{Cursor, Landing, Next};

/// Items held before everything is released as it is: more than the longest sealed placeholder has characters.
pub const MAX_HELD: usize = 512;
/// Bytes of text held before everything is released as it is.
pub const MAX_HELD_BYTES: usize = 64 * 1024;

/// Channels that are remembered between two texts. Of others it is not known whether a text goes on in mid-word.
const MAX_CHANNELS: usize = 1024;

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
            // What follows is not known: everything leaves as the text that it is.
            for (_, tail) in mem::take(&mut self.tails) {
                self.decide(&tail);
            }
        }
        self.queue.release()
    }

    /// Nothing is likely to follow in these channels: a name without brackets that stands at their ends is taken for
    /// whole. A bracket waits on: it shows that something has to come.
    pub fn end(&mut self, ended: impl Fn(&C) -> bool) {
        if self.queue.len() == 0 {
            return;
        }
        let bare = |tail: &Tail| tail.text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
        let (over, open): (HashMap<C, Tail>, _) =
            mem::take(&mut self.tails).into_iter().partition(|(channel, tail)| bare(tail) && ended(channel));
        self.tails = open;
        for (channel, tail) in over {
            let cursor = self.restore(&tail, true);
            self.decide(&tail);
            self.remember(channel, Tail { word: cursor.word, ..Tail::new(tail.landing) });
        }
    }

    /// Nothing follows at all: what is still held leaves.
    pub fn flush(&mut self) -> Vec<Released<T>> {
        for (_, tail) in mem::take(&mut self.tails) {
            self.restore(&tail, true);
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
            self.restore(&open, true);
            self.decide(&open);
            open = Tail::new(landing);
        }
        open.pieces.push(piece);
        if open.text.is_empty() {
            open.text = text;
        } else {
            open.text.push_str(&text);
        }
        let cursor = self.restore(&open, false);
        let open = open.from(cursor, &mut self.queue);
        self.remember(channel, open);
    }

    /// Puts values where the tail's text names them, and says how far that is decided.
    fn restore(&mut self, tail: &Tail, ended: bool) -> Cursor {
        let restorer = Rc::clone(&self.restorer);
        let mut cursor = Cursor { at: 0, word: tail.word };
        while let Some(Next::Found { range, value, form }) =
            restorer.next(&tail.text, &mut cursor, tail.landing, ended)
        {
            self.replace(tail, range, &written(&value, form, tail.landing));
        }
        cursor
    }

    /// Keeps what the next text of a channel has to be read with.
    fn remember(&mut self, channel: C, tail: Tail) {
        if !tail.text.is_empty() || tail.word && self.tails.len() < MAX_CHANNELS {
            self.tails.insert(channel, tail);
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
    /// What stands before it belongs to a word.
    word: bool,
    text: String,
    /// In order; their lengths add up to the text's.
    pieces: Vec<Piece>,
}

impl Tail {
    fn new(landing: Landing) -> Self {
        Self { landing, word: false, text: String::new(), pieces: Vec::new() }
    }

    /// What remains from there on.
    fn from<T>(mut self, cursor: Cursor, queue: &mut Queue<T>) -> Self {
        let start = cursor.at.min(self.text.len());
        self.word = cursor.word;
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
