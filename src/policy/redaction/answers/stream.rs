//! Looks through an answer that arrives in pieces, and holds back what is not decided yet.
//!
//! A detector reads what stands around a value, so what it says of a text may change with every piece that follows.
//! To say the same however a text is cut, each channel is divided by what it says and by nothing else:
//!
//! ```text
//! … context …│ block │ ahead │
//!             ▲ decided       ▲ what is here is needed to decide the block
//! ```
//!
//! A block ends where a word begins. What begins in it is decided once [`AHEAD`] bytes more are there, up to the
//! beginning of a word. Where a value reaches to the end of what is there, it may go on, and twice as much is waited
//! for, up to [`MOST_AHEAD`]. So a value of up to `AHEAD` bytes, or of up to `MOST_AHEAD` bytes whose beginning
//! already tells what it is (a private key), never leaves in part. Text is held for less than two hundred bytes,
//! text without spaces for up to a thousand, and a value for as long as it grows.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::mem;
use std::ops::Range;
use std::rc::Rc;

use super::super::placeholder::{Fragment, Landing};
use super::super::queue::{Piece, Queue, Released};
use super::json::JsonState;
use super::{AnswerFindings, AnswerRules, AnswerTally, Hand, News};
use crate::config::Action;

/// Bytes of a block, at least.
const BLOCK: usize = 64;
/// Bytes behind a block, at least, that its decision is made on.
const AHEAD: usize = 96;
/// Bytes behind a block, at most, for a value that goes on and on.
const MOST_AHEAD: usize = 8 * 1024;
/// Bytes before a block that its decision is made on.
const CONTEXT: usize = 128;
/// How far the beginning of a word is looked for.
const LONGEST_WORD: usize = 448;

/// Items held before everything is decided as if it ended there.
pub const MAX_GUARDED: usize = 4096;
/// Bytes of text held before everything is decided as if it ended there.
pub const MAX_GUARDED_BYTES: usize = 1 << 20;

pub struct StreamGuard<T, C> {
    rules: Rc<AnswerRules>,
    queue: Queue<T>,
    channels: HashMap<C, Reading>,
    tally: AnswerTally,
    /// Something may not leave: nothing does any more.
    shut: bool,
}

impl<T, C: Clone + Eq + Hash> StreamGuard<T, C> {
    pub fn new(rules: Rc<AnswerRules>) -> Self {
        Self {
            rules,
            queue: Queue::new(),
            channels: HashMap::new(),
            tally: AnswerTally::default(),
            shut: false,
        }
    }

    /// Takes the stream's next item and gives back what may go on, in order.
    pub fn push(&mut self, item: T, fragments: Vec<(Fragment<C>, Hand)>) -> Vec<Released<T>> {
        if self.shut {
            return Vec::new();
        }
        let number = self.queue.push(item);
        for (fragment, hand) in fragments {
            let Fragment { channel, text, landing } = fragment;
            let piece = self.queue.add_text(number, &text);
            let mut reading = self.channels.remove(&channel).unwrap_or_else(|| Reading::new(landing, hand));
            reading.text.push_str(&text);
            if piece.range.is_empty() {
                self.queue.decide(&piece);
            } else {
                reading.pieces.push_back(piece);
            }
            self.read_on(&mut reading, false);
            self.channels.insert(channel, reading);
        }
        if self.queue.len() > MAX_GUARDED || self.queue.bytes() > MAX_GUARDED_BYTES {
            return self.flush();
        }
        self.queue.release()
    }

    /// Nothing follows in these channels: what they hold is decided.
    pub fn end(&mut self, is_over: impl Fn(&C) -> bool) -> Vec<Released<T>> {
        if self.shut {
            return Vec::new();
        }
        let over: Vec<C> = self.channels.keys().filter(|channel| is_over(channel)).cloned().collect();
        for channel in over {
            if let Some(mut reading) = self.channels.remove(&channel) {
                self.read_on(&mut reading, true);
                self.channels.insert(channel, reading);
            }
        }
        self.queue.release()
    }

    /// Nothing follows anywhere.
    pub fn flush(&mut self) -> Vec<Released<T>> {
        self.end(|_| true)
    }

    /// A text that does not continue over items.
    pub fn whole(&mut self, text: &str, landing: Landing, hand: Hand) -> Option<String> {
        let edited = self.rules.guard(text, landing, hand, &mut self.tally);
        self.shut |= !self.rules.observe && !self.tally.findings.blocked.is_empty();
        edited
    }

    /// What was found since this was asked last.
    pub fn take_findings(&mut self) -> AnswerFindings {
        mem::take(&mut self.tally.findings)
    }

    /// Whether a value was found that may not leave. What is still held never leaves.
    pub fn is_shut(&self) -> bool {
        self.shut
    }

    pub fn rules(&self) -> &AnswerRules {
        &self.rules
    }

    fn read_on(&mut self, reading: &mut Reading, ended: bool) {
        while !self.shut && reading.decided < reading.text.len() {
            let Some(block) = boundary(&reading.text, reading.decided + BLOCK, ended) else { break };
            let Some(until) = boundary(&reading.text, block + reading.ahead, ended) else { break };
            let from = context(&reading.text, reading.decided);
            let Some(window) = reading.text.get(from..until) else { break };
            let news: Vec<News> = self
                .rules
                .look(window, reading.landing, reading.hand)
                .into_iter()
                .map(|new| new.moved(from))
                .filter(|new| new.range.start < block && new.range.end > reading.decided)
                .collect();
            let at_end = ended && until == reading.text.len();
            let grows = |new: &News| {
                let behind = reading.text.get(new.range.end..until).unwrap_or_default();
                !behind.chars().any(char::is_alphanumeric)
            };
            if !at_end && reading.ahead < MOST_AHEAD && news.iter().any(grows) {
                reading.ahead *= 2;
                continue;
            }
            reading.ahead = AHEAD;
            let mut decided = block;
            let mut written = reading.decided;
            for mut new in news {
                new.cut_before(reading.decided);
                written = self.note(&new, reading, until, written);
                if new.action == Action::Block && !self.rules.observe {
                    self.shut = true;
                    decided = new.range.start.min(decided);
                    break;
                }
                decided = decided.max(new.range.end).max(written);
            }
            reading.decide(decided, &mut self.queue);
        }
    }

    /// Counts it, and writes in its place, in the text up to `until`. `written` ends what was written before.
    fn note(&mut self, new: &News, reading: &Reading, until: usize, written: usize) -> usize {
        let text = reading.text.get(..until).unwrap_or_default();
        self.tally.note(&self.rules.detector, new, text.get(new.range.clone()).unwrap_or_default());
        if new.action != Action::Redact || self.rules.observe {
            return written;
        }
        let before = text.get(reading.decided..new.range.start).unwrap_or_default();
        let state = match reading.landing {
            Landing::Json => reading.json.over(before),
            Landing::Text => JsonState::default(),
        };
        let queue = &mut self.queue;
        self.rules.edit(text, new, reading.landing, (state, written), &mut |range, with| {
            reading.write(range, &with, queue);
        })
    }
}

impl News {
    fn moved(mut self, by: usize) -> Self {
        for range in self.parts.iter_mut().chain([&mut self.range]) {
            *range = range.start + by..range.end + by;
        }
        self
    }

    /// What comes before has left.
    fn cut_before(&mut self, at: usize) {
        self.range.start = self.range.start.max(at);
        self.parts.iter_mut().for_each(|part| part.start = part.start.max(at));
        self.parts.retain(|part| part.start < part.end);
    }
}

/// One channel.
struct Reading {
    landing: Landing,
    hand: Hand,
    /// What was decided last, and what is not decided.
    text: String,
    decided: usize,
    /// How much behind the next block is waited for.
    ahead: usize,
    /// At what is decided.
    json: JsonState,
    /// Where the text that is not decided lies, in order.
    pieces: VecDeque<Piece>,
}

impl Reading {
    fn new(landing: Landing, hand: Hand) -> Self {
        Self {
            landing,
            hand,
            text: String::new(),
            decided: 0,
            ahead: AHEAD,
            json: JsonState::default(),
            pieces: VecDeque::new(),
        }
    }

    /// Writes where the range begins, and takes the rest of it out.
    fn write<T>(&self, range: Range<usize>, with: &str, queue: &mut Queue<T>) {
        let mut with = with;
        let mut begin = self.decided;
        for piece in &self.pieces {
            let end = begin + piece.range.len();
            let (from, to) = (range.start.max(begin), range.end.min(end));
            if from < to {
                let inside = piece.range.start + (from - begin)..piece.range.start + (to - begin);
                queue.edit(piece, inside, mem::take(&mut with));
            }
            begin = end;
        }
    }

    fn decide<T>(&mut self, to: usize, queue: &mut Queue<T>) {
        if self.landing == Landing::Json {
            self.json = self.json.over(self.text.get(self.decided..to).unwrap_or_default());
        }
        let mut left = to - self.decided;
        while let Some(piece) = self.pieces.front_mut().filter(|_| left > 0) {
            let taken = left.min(piece.range.len());
            piece.range.start += taken;
            left -= taken;
            if piece.range.is_empty() {
                queue.decide(piece);
                self.pieces.pop_front();
            }
        }
        self.decided = to;
        // Not for every block anew.
        if self.decided > 8 * CONTEXT {
            let mut gone = self.decided - 2 * CONTEXT;
            while !self.text.is_char_boundary(gone) {
                gone -= 1;
            }
            self.text.drain(..gone);
            self.decided -= gone;
        }
    }
}

/// Where the first word begins at or behind `from`, or where the text is divided because none does. `None`: what is
/// there does not tell.
fn boundary(text: &str, from: usize, ended: bool) -> Option<usize> {
    let end = || ended.then_some(text.len());
    let mut at = from;
    while !text.is_char_boundary(at) {
        at += 1;
        if at >= text.len() {
            return end();
        }
    }
    let mut behind_break = text.get(..at)?.chars().next_back().is_some_and(is_break);
    let rest = text.get(at..)?;
    for (offset, c) in rest.char_indices() {
        if behind_break && !is_break(c) || offset >= LONGEST_WORD {
            return Some(at + offset);
        }
        behind_break = is_break(c);
    }
    end()
}

/// White space, and what ends a clause in scripts that write without it.
fn is_break(c: char) -> bool {
    c.is_whitespace() || matches!(c, '、' | '。' | '，' | '！' | '？' | '；' | '：')
}

/// Where the text begins that a decision from `decided` on is made on.
fn context(text: &str, decided: usize) -> usize {
    let mut at = decided.saturating_sub(CONTEXT);
    while !text.is_char_boundary(at) {
        at += 1;
    }
    if at == 0 {
        return 0;
    }
    let mut behind_break = text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(is_break);
    for (offset, c) in text.get(at..decided).unwrap_or_default().char_indices() {
        if behind_break && !is_break(c) {
            return at + offset;
        }
        behind_break = is_break(c);
    }
    decided
}
