//! Text as people write it, made plain for the detectors.
//!
//! Full-width digits, non-breaking hyphens, zero-width characters, letters of another alphabet that look the same, and
//! the escapes of JSON, HTML, URLs and mail hide a value from a pattern and not from a reader. [`fold`] writes a copy in
//! which they are what they stand for, and remembers where every byte came from, so that a finding in the copy is a
//! range of the original:
//!
//! ```text
//! original   ana\u0040ｅxample&#46;com
//! copy       ana@example.com
//! ```
//!
//! What an escape stands for may be part of the next one (`%2540`, `&amp;#64;`, JSON inside JSON), so a copy is folded
//! again, [`MAX_LAYERS`] times at most. Text with nothing to fold, which is most text, is not copied.

mod escapes;
mod letters;

use std::ops::Range;

use letters::Context;

/// How often an escape may be escaped. Each layer reads what the one before it wrote.
const MAX_LAYERS: usize = 4;

/// The plain text, and the way back.
pub struct Folded<'t> {
    original: &'t str,
    /// Each is a copy of the one before it, the first of the original.
    layers: Vec<Layer>,
}

struct Layer {
    text: String,
    /// Ascending: from this byte of the copy on, what was copied continues at that byte.
    joints: Vec<Joint>,
    /// Something was decoded: what came out may be an escape again.
    decoded: bool,
    /// What was decoded could be meant as it stood: `=40` is an `@` in a mail and a width in HTML.
    ambiguous: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Joint {
    copy: u32,
    original: u32,
}

pub fn fold(original: &str) -> Folded<'_> {
    let mut folded = Folded { original, layers: Vec::new() };
    while folded.layers.len() < MAX_LAYERS && folded.layers.last().is_none_or(|layer| layer.decoded) {
        match Layer::of(folded.text()) {
            Some(layer) => folded.layers.push(layer),
            None => break,
        }
    }
    folded
}

impl Folded<'_> {
    pub fn text(&self) -> &str {
        self.layers.last().map_or(self.original, |layer| &layer.text)
    }

    /// Whether the copy differs from the original.
    pub fn is_changed(&self) -> bool {
        !self.layers.is_empty()
    }

    /// Whether the original may hold what the copy does not.
    pub fn is_ambiguous(&self) -> bool {
        self.layers.iter().any(|layer| layer.ambiguous)
    }

    /// The original's bytes that a range of the copy stands for.
    pub fn unfold(&self, range: Range<usize>) -> Range<usize> {
        self.layers.iter().rev().fold(range, |range, layer| layer.unfold(range))
    }
}

/// What a piece of the original stands for.
enum Plain {
    Is(char),
    Nothing,
}

impl Layer {
    /// `None`: there is nothing to fold.
    fn of(original: &str) -> Option<Self> {
        let mut layer = Self { text: String::new(), joints: Vec::new(), decoded: false, ambiguous: false };
        let mut context = Context::default();
        let mut mail = None;
        let bytes = original.as_bytes();
        let (mut copied, mut next) = (0, 0);
        // Places are kept in 32 bits. No text is as long: a body has a limit.
        if u32::try_from(original.len()).is_err() {
            return None;
        }
        while let Some(at) = unusual(bytes, next) {
            let Some(rest) = original.get(at..) else { break };
            let escape = match bytes.get(at)? {
                b'\\' => escapes::backslash(rest),
                b'&' => escapes::entity(rest),
                b'%' => escapes::percent(original, at).inspect(|_| layer.ambiguous = true),
                b'=' => escapes::mail(original, at, &mut mail).inspect(|_| layer.ambiguous = true),
                _ => None,
            };
            let (plain, length) = match escape {
                Some((plain, length)) => {
                    layer.decoded = true;
                    let plain = match plain {
                        Plain::Is(c) => context.plain(c, original, at, length).unwrap_or(Plain::Is(c)),
                        Plain::Nothing => Plain::Nothing,
                    };
                    (Some(plain), length)
                }
                None => {
                    let Some(c) = rest.chars().next() else { break };
                    let length = c.len_utf8();
                    (if c.is_ascii() { None } else { context.plain(c, original, at, length) }, length)
                }
            };
            next = at + length;
            let Some(plain) = plain else { continue };
            layer.text.push_str(original.get(copied..at).unwrap_or_default());
            layer.joint(at);
            if let Plain::Is(c) = plain {
                layer.text.push(c);
            }
            layer.joint(next);
            copied = next;
        }
        if layer.joints.is_empty() {
            return None;
        }
        layer.text.push_str(original.get(copied..).unwrap_or_default());
        Some(layer)
    }

    fn joint(&mut self, original: usize) {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let joint = Joint { copy: place(self.text.len()), original: place(original) };
        if self.joints.last() != Some(&joint) {
            self.joints.push(joint);
        }
    }

    fn unfold(&self, range: Range<usize>) -> Range<usize> {
        let text = self.text.get(range.clone()).unwrap_or_default();
        let Some(last) = text.chars().next_back().map(|last| range.end - last.len_utf8()) else {
            let at = self.origin(range.start);
            return at..at;
        };
        // Where the last character was one of the original's, it ends as long after its beginning as here; where it
        // stands for a piece of the original, the next joint tells where that ends.
        let next = self.joints.get(self.joints.partition_point(|joint| joint.copy as usize <= last));
        let end = match next {
            Some(joint) if joint.copy as usize <= range.end => joint.original as usize,
            _ => self.origin(last) + (range.end - last),
        };
        self.origin(range.start)..end
    }

    fn origin(&self, at: usize) -> usize {
        let after = self.joints.partition_point(|joint| joint.copy as usize <= at);
        let joint = after.checked_sub(1).and_then(|index| self.joints.get(index));
        joint.map_or(at, |joint| joint.original as usize + (at - joint.copy as usize))
    }
}

/// The first byte at or after `from` that is not ASCII or may begin an escape. Eight bytes at a time.
fn unusual(text: &[u8], from: usize) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    // The high bit of each byte that is zero; a byte after such a one may be marked wrongly, so only the first counts.
    let zero = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let is = |word: u64, byte: u8| zero(word ^ (LOW * u64::from(byte)));
    let rest = text.get(from..)?;
    let (words, tail) = rest.as_chunks::<8>();
    let mut at = from;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = is(word, b'\\') | is(word, b'&') | is(word, b'%') | is(word, b'=') | (word & HIGH);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let unusual = |byte: &u8| !byte.is_ascii() || matches!(byte, b'\\' | b'&' | b'%' | b'=');
    tail.iter().position(unusual).map(|place| at + place)
}

#[cfg(test)]
mod tests;
