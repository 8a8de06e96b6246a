//! What is written in digits: cards, accounts, telephone numbers, identity numbers, addresses of IPv4.
//!
//! Digits in prose come as *runs*: groups of digits with a little punctuation between them. A run is read once, and
//! every detector of this kind looks at it from each of its groups:
//!
//! ```text
//! "card 4111 1111 1111 1111, due"     a run of four groups; from the first of them it is a card
//! ```

use std::ops::Range;

use super::checksums::{iban_len, iban_mod_97, luhn};
use super::table::{Confidence, Hit};

/// Groups of one run. A longer row of numbers is read as several runs that overlap by [`OVERLAP`] groups: the work per
/// byte is bounded, and nothing hides behind a long row.
const MAX_GROUPS: usize = 64;
/// More groups than any number that is looked for has.
const OVERLAP: usize = 20;

/// Groups of digits with separators between them.
pub(super) struct Run<'t> {
    text: &'t str,
    groups: &'t [Range<usize>],
}

impl<'t> Run<'t> {
    /// Reads the run whose first digit is at `start`. Its groups are kept in `groups`, in place of those before.
    pub fn read(text: &'t str, start: usize, groups: &'t mut Vec<Range<usize>>) -> Self {
        let bytes = text.as_bytes();
        groups.clear();
        let mut at = start;
        while groups.len() < MAX_GROUPS {
            let rest = bytes.get(at..).unwrap_or_default();
            let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            groups.push(at..at + len);
            at += len;
            let gap = separator_len(rest.get(len..).unwrap_or_default());
            if gap == 0 {
                break;
            }
            at += gap;
        }
        Self { text, groups }
    }

    /// How many groups to look from, and where to read on.
    pub fn extent(&self) -> (usize, usize) {
        let full = self.groups.len() == MAX_GROUPS;
        let looked = if full { MAX_GROUPS - OVERLAP } else { self.groups.len() };
        let next = if full { self.groups.get(looked).map(|group| group.start) } else { None };
        (looked, next.unwrap_or_else(|| self.groups.last().map_or(0, |group| group.end)))
    }

    pub fn text(&self) -> &'t str {
        self.text
    }

    /// How many groups the run has.
    pub fn count(&self) -> usize {
        self.groups.len()
    }

    pub fn group(&self, index: usize) -> Range<usize> {
        self.groups.get(index).cloned().unwrap_or_default()
    }

    pub fn len(&self, index: usize) -> usize {
        self.group(index).len()
    }

    /// What stands between a group and the one before it, without emphasis and line breaks.
    pub fn separator(&self, index: usize) -> &'t str {
        let before = index.checked_sub(1).map_or(0, |before| self.group(before).end);
        let bytes = self.text.as_bytes();
        let (mut start, mut end) = (before, self.group(index).start);
        while start < end && bytes.get(start).is_some_and(|byte| DECORATION.contains(byte)) {
            start += 1;
        }
        while start < end && bytes.get(end - 1).is_some_and(|byte| DECORATION.contains(byte)) {
            end -= 1;
        }
        self.text.get(start..end).unwrap_or_default()
    }

    /// The digits of some groups as numbers, as many of the groups as there are; at most forty digits.
    pub fn digits(&self, range: Range<usize>) -> Digits {
        let groups = self.groups.iter().take(range.end).skip(range.start);
        let text = groups.filter_map(|group| self.text.as_bytes().get(group.clone()));
        let mut digits = Digits { digits: [0; MAX_DIGITS], len: 0 };
        for (slot, byte) in digits.digits.iter_mut().zip(text.flatten()) {
            *slot = byte - b'0';
            digits.len += 1;
        }
        digits
    }

    /// The digit that a group begins with.
    pub fn digit(&self, index: usize) -> Option<u8> {
        self.text.as_bytes().get(self.group(index)).and_then(<[u8]>::first).map(|byte| byte - b'0')
    }

    /// The value of a short group.
    pub fn number(&self, index: usize) -> u32 {
        let digits = self.text.as_bytes().get(self.group(index)).unwrap_or_default();
        if digits.len() > 9 {
            u32::MAX
        } else {
            digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
        }
    }

    pub fn before(&self, at: usize) -> &'t [u8] {
        self.text.as_bytes().get(..at).unwrap_or_default()
    }

    pub fn after(&self, at: usize) -> &'t [u8] {
        self.text.as_bytes().get(at..).unwrap_or_default()
    }

    /// Whether the number may begin here: not inside a word, a hash, an order number, a fraction.
    pub fn starts_cleanly(&self, at: usize) -> bool {
        match self.before(at) {
            [.., byte, b'-' | b'.' | b'/'] => !is_word(*byte),
            [.., byte] => !is_word(*byte) && !matches!(byte, b'#' | b'$'),
            [] => true,
        }
    }

    pub fn ends_cleanly(&self, at: usize) -> bool {
        match self.after(at) {
            // Tables write whole numbers as fractions: 4111111111111111.0
            [b'.', b'0', rest @ ..] => {
                !rest.strip_prefix(b"0").unwrap_or(rest).first().is_some_and(|byte| is_word(*byte))
            }
            [b'-' | b'.', byte, ..] => !is_word(*byte),
            [byte, ..] => !is_word(*byte) && !matches!(byte, b'%' | b'@'),
            [] => true,
        }
    }
}

const MAX_DIGITS: usize = 40;

/// Digits as numbers.
pub(super) struct Digits {
    digits: [u8; MAX_DIGITS],
    len: usize,
}

impl std::ops::Deref for Digits {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// What stands beside a separator and does not count: emphasis of Markdown, a line that goes on behind a hyphen.
const DECORATION: &[u8] = b"*`~\n\r";

/// Length of the separator that `rest` begins with, if digits follow it.
fn separator_len(rest: &[u8]) -> usize {
    let part = |byte: &&u8| {
        matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'*' | b'`' | b'~' | b'\n' | b'\r')
    };
    let len = rest.iter().take(6).take_while(part).count();
    let (gap, after) = rest.split_at(len);
    if !after.first().is_some_and(u8::is_ascii_digit) {
        return 0;
    }
    let known = matches!(
        gap,
        b" " | b"-"
            | b"."
            | b"/"
            | b"("
            | b")"
            | b") "
            | b")-"
            | b")."
            | b")/"
            | b" ("
            | b"-("
            | b".("
            | b" - "
            | b" / "
            | b") - "
            | b"** "
            | b" **"
            | b"**-"
            | b"-**"
            | b"**."
            | b".**"
            | b"` `"
            | b"` "
            | b" `"
            | b"** **"
            | b"**-**"
            | b"*-*"
            | b"~~ "
            | b" ~~"
            | b"-\n"
            | b"-\r\n"
            | b"\n-"
    );
    if known { len } else { 0 }
}

/// A payment card: issuer range, length, grouping as printed, Luhn.
pub(super) fn card(run: &Run, first: usize, context: Option<usize>) -> Option<Hit> {
    let start = run.group(first).start;
    if !(4..=19).contains(&run.len(first)) || !run.starts_cleanly(start) {
        return None;
    }
    let separator = run.separator(first + 1);
    let lens: [usize; 5] = std::array::from_fn(|offset| run.len(first + offset));
    let mut found = None;
    for last in first..(first + 5).min(run.groups.len()) {
        if last > first && (!matches!(separator, " " | "-" | ".") || run.separator(last) != separator) {
            break;
        }
        let count = last + 1 - first;
        let Some(shape) = lens.get(..count) else { break };
        let len: usize = shape.iter().sum();
        if len > 19 {
            break;
        }
        let end = run.group(last).end;
        if len < 13 || !printed_as_card(shape) || !run.ends_cleanly(end) {
            continue;
        }
        let digits = run.digits(first..last + 1);
        let near = context.is_some_and(|context| start.saturating_sub(context) <= 48);
        // Undivided and longer than usual cards: 64-bit numbers look like that.
        if len > 16 && first == last && !near {
            continue;
        }
        if issued(&digits, near) && luhn(&digits) {
            found = Some(Hit { range: start..end, confidence: Confidence::CHECKED });
        }
    }
    found
}

fn printed_as_card(shape: &[usize]) -> bool {
    matches!(
        shape,
        [13..=19] | [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4] | [4, 4, 4, 4, 1..=3] | [4, 4, 4, 1..=3] | [8, 8]
    )
}

/// Issuer identification ranges and their lengths. Thirteen digits are what a barcode has, and Maestro's ranges are
/// wide: those need a word nearby.
pub(super) fn issued(digits: &[u8], near: bool) -> bool {
    let prefix =
        |len: usize| digits.iter().take(len).fold(0u32, |number, digit| number * 10 + u32::from(*digit));
    let maestro = matches!(prefix(4), 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763);
    match (prefix(4), digits.len()) {
        (4000..=4999, 16 | 19) | (5100..=5599 | 2221..=2720, 16) | (3400..=3499 | 3700..=3799, 15) => true,
        (6011 | 6440..=6599 | 6200..=6299 | 3528..=3589, 16..=19)
        | (3000..=3059 | 3600..=3699 | 3800..=3999, 14..=19) => true,
        (2200..=2204 | 9792, 16) => true,
        (4000..=4999, 13) => near,
        _ => maestro && (near || digits.len() == 16),
    }
}

/// An IBAN: two letters before the run's group begin it; letters and a little punctuation may follow.
pub(super) fn iban(run: &Run, first: usize, _: Option<usize>) -> Option<Hit> {
    let group = run.group(first);
    let before = run.before(group.start);
    let gap = before.iter().rev().take(2).take_while(|byte| matches!(byte, b' ' | b'-' | b'*')).count();
    let [before @ .., one, two] = before.get(..before.len() - gap)? else { return None };
    let country = [one.to_ascii_uppercase(), two.to_ascii_uppercase()];
    if before.last().is_some_and(|byte| is_word(*byte)) || group.len() < 2 || !two.is_ascii_alphabetic() {
        return None;
    }
    let len = iban_len(country)?;
    let start = group.start - gap - 2;
    let mut iban = Vec::with_capacity(len);
    let mut end = start;
    let mut at = start;
    while iban.len() < len {
        match run.after(at).first() {
            Some(byte) if byte.is_ascii_alphanumeric() => iban.push(*byte),
            Some(
                b' ' | b'-' | b'.' | b'\n' | b'\r' | b'>' | b'*' | b'`' | b'"' | b',' | b'_' | b'/' | b'|',
            ) if iban.len() >= 2 && at - end < 6 => {
                at += 1;
                continue;
            }
            _ => break,
        }
        at += 1;
        end = at;
    }
    let whole = iban.len() == len && !run.after(end).first().is_some_and(|byte| is_word(*byte));
    (whole && iban_mod_97(&iban)).then_some(Hit { range: start..end, confidence: Confidence::CHECKED })
}

/// Dotted quad. Addresses that name nobody (this host, a mask) and version numbers are left alone.
pub(super) fn ipv4(run: &Run, first: usize, context: Option<usize>) -> Option<Hit> {
    let dotted = (first + 1..first + 4).all(|index| run.separator(index) == ".");
    let (start, end) = (run.group(first).start, run.group(first + 3).end);
    if !dotted || end == 0 || !run.starts_cleanly(start) || !run.ends_cleanly(end) {
        return None;
    }
    let mut octets = [0u32; 4];
    for (octet, index) in octets.iter_mut().zip(first..) {
        *octet = run.number(index);
        let digits = 1 + usize::from(*octet > 9) + usize::from(*octet > 99);
        if digits != run.len(index) {
            return None;
        }
    }
    let nobody = matches!(octets, [0 | 127 | 255, ..]) || octets.iter().any(|octet| *octet > 255);
    let near = context.is_some_and(|context| start.saturating_sub(context) <= 16);
    // Object identifiers and versions of four parts, unless something says address.
    let small = octets.iter().all(|octet| *octet < 32) || matches!(octets, [1 | 2, ..]);
    let version = is_version(run.before(start)) || (small && !near);
    (!nobody && !version).then_some(Hit { range: start..end, confidence: Confidence::CHECKED })
}

/// Whether the words before a number say that it is a version.
fn is_version(before: &[u8]) -> bool {
    let tail = before.get(before.len().saturating_sub(16)..).unwrap_or_default().to_ascii_lowercase();
    let tail = tail.trim_ascii_end();
    let words: [&[u8]; 14] = [
        b"version",
        b"versions",
        b" v",
        b"ver",
        b"ver.",
        b"release",
        b"rev",
        b"bump to",
        b"update to",
        b"upgrade to",
        b"version:",
        b"version=",
        b"build",
        b"firmware",
    ];
    words.iter().any(|word| tail.ends_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_where_a_sentence_or_a_line_does() {
        let groups = |text: &str| Run::read(text, 0, &mut Vec::new()).groups.len();
        assert_eq!(groups("12 34-56.78 (90) 1"), 6);
        assert_eq!(groups("12. 34"), 1);
        assert_eq!(groups("12\n34"), 1);
        assert_eq!(groups("12, 34"), 1);
    }

    #[test]
    fn a_long_row_is_read_in_runs_that_overlap() {
        let row = "1 ".repeat(200);
        let mut groups = Vec::new();
        let run = Run::read(&row, 0, &mut groups);
        assert_eq!(run.extent(), (MAX_GROUPS - OVERLAP, 2 * (MAX_GROUPS - OVERLAP)));
    }
}
