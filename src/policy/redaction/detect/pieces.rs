//! A payment card in pieces: cut up by cells, lines, quotes, tags and emphasis.

use super::checksums::luhn;
use super::numbers::{Run, issued};
use super::table::{Confidence, Hit};

/// A payment card in pieces: one to a cell, a line or a string, in emphasis, digit by digit. Where a consistent
/// separator is missing, the groups have to be those of a card and stand alone.
pub(super) fn card_in_pieces(run: &Run, first: usize, context: Option<usize>) -> Option<Hit> {
    let (start, size) = (run.group(first).start, run.len(first));
    if !matches!(size, 1 | 2 | 4 | 8) || !run.starts_cleanly(start) {
        return None;
    }
    let near = context.is_some_and(|context| start.saturating_sub(context) <= 48);
    let in_row = row_len(run.before(start).iter().rev().copied()) == size;
    if in_row && !near {
        return None;
    }
    let mut shape = Vec::with_capacity(16);
    let mut digits = Vec::with_capacity(20);
    let mut end = start;
    let mut at = start;
    let mut between = None;
    let mut same = true;
    while digits.len() < 16 {
        let group = run.after(at).iter().take(17).take_while(|byte| byte.is_ascii_digit()).count();
        if group == 0 {
            break;
        }
        digits.extend(run.after(at).iter().take(group).map(|byte| byte - b'0'));
        if let Some(mark) = run.text().as_bytes().get(end..at).and_then(mark) {
            same &= *between.get_or_insert(mark) == mark;
        }
        shape.push(group);
        end = at + group;
        at = end + gap_len(run.after(end));
    }
    let even = |size: usize| shape.iter().all(|len| *len == size);
    let (one, two) = (even(1), even(2));
    let printed = matches!(shape.as_slice(), [4, 4, 4, 4] | [4, 6, 5] | [8, 8])
        || (one && matches!(shape.len(), 15 | 16))
        || (two && shape.len() == 8);
    let alone = row_len(run.after(end).iter().copied()) != size || near;
    let found = printed && same && alone && run.ends_cleanly(end) && issued(&digits, false) && luhn(&digits);
    found.then_some(Hit { range: start..end, confidence: Confidence::SHAPED })
}

/// The punctuation in a gap that has to be the same in all gaps: two telephone numbers are no card.
fn mark(gap: &[u8]) -> Option<u8> {
    gap.iter().copied().find(|byte| matches!(byte, b',' | b'-' | b'.' | b':' | b';' | b'_'))
}

/// Whether another piece of a number follows a short one that ends here.
pub(super) fn goes_on(text: &[u8], end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    let gap = gap_len(rest);
    rest.get(gap).is_some_and(u8::is_ascii_digit)
}

/// Length of the group of digits that comes next in a row, behind a gap.
fn row_len(mut bytes: impl Iterator<Item = u8>) -> usize {
    let mut gap = 0;
    let mut digits = 0;
    for byte in bytes.by_ref().take(24) {
        match byte {
            b'0'..=b'9' if gap > 0 => digits += 1,
            byte if digits == 0 && gap < 4 && !byte.is_ascii_alphanumeric() && byte.is_ascii() => gap += 1,
            _ => break,
        }
    }
    digits
}

/// Length of what may stand between two pieces of one number: punctuation, a line break with the mark of a quoted
/// line, a tag of HTML. No digits, no words.
fn gap_len(rest: &[u8]) -> usize {
    const LONGEST: usize = 16;
    let mut len = 0;
    while let Some(byte) = rest.get(len).filter(|_| len < LONGEST) {
        len += match byte {
            b'<' => {
                let tag = rest.get(len + 1..).unwrap_or_default().iter().take(8);
                let name =
                    tag.take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b' ')).count();
                if rest.get(len + 1 + name) == Some(&b'>') { name + 2 } else { 1 }
            }
            byte if byte.is_ascii() && !byte.is_ascii_alphanumeric() => 1,
            _ => break,
        };
    }
    len
}
