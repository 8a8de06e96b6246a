//! Values that are split over texts that stand side by side.
//!
//! ```text
//! [{"type": "text", "text": "my card is 4111 1111"}, {"type": "text", "text": " 1111 1111"}]
//! ```
//!
//! A model reads the parts of a turn as one text, so they are also looked at as one: the ends of two neighbours, where
//! both could belong to a value. Short texts are joined as a whole, so that a value may lie in many of them; each byte
//! is joined once.

use std::ops::Range;

use crate::config::Action;
use crate::policy::redaction::{Confidence, Detector, TypeId};

/// How much of a long text is joined to the one before it, and to the one after it, in bytes.
const WINDOW: usize = 256;
/// How near to a text's end there has to be a sign of a value.
const NEAR: usize = 64;

/// Texts that follow each other.
#[derive(Default)]
pub(super) struct Chain {
    group: u8,
    text: String,
    pieces: Vec<Piece>,
}

struct Piece {
    /// In the chain's text.
    range: Range<usize>,
    /// Where the characters of the piece stand in the document, one entry for each stretch that runs in step.
    sources: Vec<(usize, Range<usize>)>,
}

/// A value that lies in more than one text.
pub(super) struct Split {
    pub kind: TypeId,
    pub action: Action,
    /// Where each piece stands, and what it says.
    pub pieces: Vec<(Range<usize>, String)>,
}

impl Chain {
    pub fn group(&self) -> u8 {
        self.group
    }

    /// Whether a value may begin in the last text and go on in this one.
    pub fn continues(&self, group: u8, text: &str) -> bool {
        !self.pieces.is_empty() && self.group == group && may_join(&self.text, text)
    }

    /// `source` tells where a piece of the text stands in the document.
    pub fn add(&mut self, group: u8, text: &str, source: &dyn Fn(Range<usize>) -> Range<usize>) {
        self.group = group;
        if text.len() <= 2 * WINDOW {
            self.piece(text, 0, source);
            return;
        }
        // A long text ends the values before it and begins new ones; nothing joins its two ends.
        self.piece(text.get(..text.floor_char_boundary(WINDOW)).unwrap_or_default(), 0, source);
        self.text.push_str(APART);
        let tail = text.ceil_char_boundary(text.len() - WINDOW);
        self.piece(text.get(tail..).unwrap_or_default(), tail, source);
    }

    fn piece(&mut self, text: &str, offset: usize, source: &dyn Fn(Range<usize>) -> Range<usize>) {
        let start = self.text.len();
        let whole = source(offset..offset + text.len());
        let mut sources: Vec<(usize, Range<usize>)> = Vec::new();
        if whole.len() == text.len() {
            sources.push((start, whole));
        } else {
            for (at, c) in text.char_indices() {
                sources.push((start + at, source(offset + at..offset + at + c.len_utf8())));
            }
        }
        self.text.push_str(text);
        self.pieces.push(Piece { range: start..self.text.len(), sources });
    }

    /// The values that lie in more than one text, read without anything between the texts and with a space. What is
    /// less sure than `surest` is none.
    pub fn split_values(&self, detector: &Detector, surest: Confidence) -> Vec<Split> {
        let mut splits: Vec<Split> = Vec::new();
        if self.pieces.len() < 2 {
            return splits;
        }
        for between in ["", " "] {
            let (joined, starts) = self.joined(between);
            for finding in detector.find(&joined) {
                if finding.confidence < surest {
                    continue;
                }
                let parts = self.pieces.iter().zip(&starts).filter_map(|(piece, start)| {
                    let from = finding.range.start.max(*start);
                    let to = finding.range.end.min(start + piece.range.len());
                    (from < to).then(|| piece.part(&self.text, from - start..to - start))
                });
                let pieces: Vec<(Range<usize>, String)> = parts.collect();
                let known = |piece: &(Range<usize>, String)| {
                    let overlaps = |other: &(Range<usize>, String)| {
                        other.0.start < piece.0.end && piece.0.start < other.0.end
                    };
                    splits.iter().any(|split| split.pieces.iter().any(overlaps))
                };
                // A value that is whole in one text does not go on in the next: `ana@example.com` and `sent`.
                let whole = |(_, value): &(Range<usize>, String)| {
                    detector.find(value).iter().any(|alone| alone.kind == finding.kind)
                };
                if pieces.len() > 1 && !pieces.iter().all(known) && !pieces.iter().any(whole) {
                    splits.push(Split { kind: finding.kind, action: finding.action, pieces });
                }
            }
        }
        splits
    }

    fn joined(&self, between: &str) -> (String, Vec<usize>) {
        let mut joined = String::with_capacity(self.text.len() + self.pieces.len() * between.len());
        let mut starts = Vec::with_capacity(self.pieces.len());
        let mut copied = 0;
        for piece in &self.pieces {
            joined.push_str(self.text.get(copied..piece.range.start).unwrap_or_default());
            if !starts.is_empty() {
                joined.push_str(between);
            }
            starts.push(joined.len());
            joined.push_str(self.text.get(piece.range.clone()).unwrap_or_default());
            copied = piece.range.end;
        }
        (joined, starts)
    }
}

impl Piece {
    /// Where a part of this piece stands in the document, and what it says.
    fn part(&self, text: &str, part: Range<usize>) -> (Range<usize>, String) {
        let (start, end) = (self.range.start + part.start, self.range.start + part.end);
        let value = text.get(start..end).unwrap_or_default().to_owned();
        let find = |at: usize| {
            let after = self.sources.partition_point(|(from, _)| *from <= at);
            after.checked_sub(1).and_then(|index| self.sources.get(index)).cloned()
        };
        let source = match (&self.sources[..], find(start), find(end - 1)) {
            ([(from, whole)], ..) => whole.start + (start - from)..whole.start + (end - from),
            (_, Some((_, first)), Some((_, last))) => first.start..last.end,
            _ => 0..0,
        };
        (source, value)
    }
}

/// What stands between the two ends of a long text: no value has it in it.
const APART: &str = "\n\u{1}\n";

/// Whether the end of one text and the beginning of the next could be one value: digits on both sides, an `@`, or
/// letters and digits that touch.
fn may_join(left: &str, right: &str) -> bool {
    let left = left.get(left.ceil_char_boundary(left.len().saturating_sub(NEAR))..).unwrap_or_default();
    let right = right.get(..right.floor_char_boundary(NEAR)).unwrap_or_default();
    let digit = |c: char| c.is_numeric();
    let at = |c: char| matches!(c, '@' | '＠');
    let last = left.rsplit(char::is_whitespace).find(|word| !word.is_empty()).unwrap_or_default();
    let first = right.split_whitespace().next().unwrap_or_default();
    let token = last.len() + first.len() >= 16 && (last.contains(digit) || first.contains(digit));
    (left.contains(digit) && right.contains(digit)) || last.contains(at) || first.contains(at) || token
}
