//! A number of unknown shape behind a word that announces one: where it begins and ends, and whether it is one.

use std::ops::Range;

use super::super::numbers::Run;
use super::super::phone::is_date as is_date_at;
use super::super::table::Named;

/// Longest number, in bytes, with its separators.
const LONGEST: usize = 34;

/// The number that the group of digits belongs to, from `start` on.
pub(super) fn token(run: &Run, group: usize, start: usize, named: &Named) -> Option<Range<usize>> {
    let text = run.text().as_bytes();
    let first = run.group(group);
    // Letters before a space are a word.
    if text.get(start..first.start)?.contains(&b' ') {
        return None;
    }
    let mut end = first.end + alnum(text, first.end);
    let mut index = group;
    loop {
        while index < run.count() && run.group(index).end <= end {
            index += 1;
        }
        let Some(next) = next(text, start, end, run, index) else { break };
        end = next;
        if end - start > LONGEST {
            return None;
        }
    }
    let value = text.get(start..end)?;
    let count = |is: fn(&u8) -> bool| value.iter().filter(|byte| is(byte)).count();
    let digits = count(u8::is_ascii_digit);
    let small = count(u8::is_ascii_lowercase);
    let len = digits + count(u8::is_ascii_alphabetic);
    let plausible = digits >= named.digits
        && (named.len.0..=named.len.1).contains(&len)
        && !value.starts_with(b"0x")
        && !value.starts_with(b"0.")
        // Hashes, names of things.
        && (small == 0 || digits > 2 * small)
        && value.iter().any(|byte| (b'1'..=b'9').contains(byte));
    (plausible && !is_date(value) && !is_amount(text, start..end) && ends(text, end)).then_some(start..end)
}

fn alnum(text: &[u8], at: usize) -> usize {
    text.get(at..)
        .unwrap_or_default()
        .iter()
        .take(LONGEST)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count()
}

/// Where the next group of the same number ends.
fn next(text: &[u8], start: usize, end: usize, run: &Run, index: usize) -> Option<usize> {
    let separator = *text.get(end)?;
    let len = alnum(text, end + 1);
    let group = text.get(end + 1..end + 1 + len).filter(|group| !group.is_empty())?;
    let digits = group.iter().all(u8::is_ascii_digit);
    let capitals = group.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let last = text.get(start..end)?.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let follows = match separator {
        b'-' => digits || (capitals && len <= 4) || (len <= 12 && group.iter().any(u8::is_ascii_digit)),
        b'.' | b'/' => digits,
        b' ' => {
            let date = run.group(index).start == end + 1 && is_date_at(run, index);
            let rest = text.get(end + 1 + len..).unwrap_or_default();
            // A day, a count of something.
            let counts = len < 3 && matches!(rest, [b' ', letter, ..] if letter.is_ascii_alphabetic());
            let grouped = text.get(start..end)?.iter().filter(|byte| **byte == b' ').count() > 1;
            digits && last <= 4 && (2..=if grouped { 10 } else { 6 }).contains(&len) && !counts && !date
        }
        _ => false,
    };
    follows.then_some(end + 1 + len)
}

/// A date, or a date and a time.
fn is_date(value: &[u8]) -> bool {
    let mut groups = value.split(|byte| !byte.is_ascii_digit()).map(|group| {
        (
            group.len(),
            group
                .iter()
                .take(8)
                .fold(0u32, |number, digit| number * 10 + u32::from(digit.wrapping_sub(b'0'))),
        )
    });
    let day = |group: (usize, u32)| group.0 <= 2 && (1..=31).contains(&group.1);
    let year = |group: (usize, u32)| group.0 == 4 && (1900..=2100).contains(&group.1);
    match (groups.next(), groups.next(), groups.next(), groups.next()) {
        (Some(one), Some(two), Some(three), None) => {
            (year(one) && day(two) && day(three))
                || (day(one) && day(two) && (year(three) || three.0 == 2 && one.0 <= 2))
        }
        (Some(one), Some(two), Some(three), Some(_)) => year(one) && day(two) && three.0 <= 2,
        (Some(one), Some(two), None, None) => year(one) && year(two),
        _ => false,
    }
}

/// Money and measures: `1234567.89`, `$1234567`, `12345678 EUR`, `1234567 ms`.
fn is_amount(text: &[u8], range: Range<usize>) -> bool {
    let value = text.get(range.clone()).unwrap_or_default();
    let decimals = matches!(value, [.., b'.', _, _] | [.., b'.', _])
        && value.iter().filter(|byte| **byte == b'.').count() == 1;
    let rest = text.get(range.end..).unwrap_or_default();
    let units: [&[u8]; 14] = [
        b" EUR",
        b" USD",
        b" GBP",
        b" CHF",
        b" PLN",
        b" euro",
        b" dollar",
        b" ms",
        b" bytes",
        b" users",
        b" times",
        " €".as_bytes(),
        "€".as_bytes(),
        b" years",
    ];
    decimals
        || units.iter().any(|unit| rest.starts_with(unit))
        || matches!(rest, [b',', digit, ..] if digit.is_ascii_digit() && value.len() < 4)
}

/// Whether a number may end here.
pub(super) fn ends(text: &[u8], at: usize) -> bool {
    match text.get(at..).unwrap_or_default() {
        [b'-' | b'.' | b'/', byte, ..] => !is_word(*byte),
        [byte, ..] => !is_word(*byte) && !matches!(byte, b'%' | b'@'),
        [] => true,
    }
}

/// Whether a number may begin here: not inside a word, a path, a sum of money, a larger number.
pub(super) fn begins(text: &[u8], at: usize) -> bool {
    match text.get(..at).unwrap_or_default() {
        [.., b'\\', b'n' | b't' | b'r'] => true,
        [.., byte, b'-' | b'.' | b'/' | b'+'] => !is_word(*byte),
        [.., byte] => !is_word(*byte) && !matches!(byte, b'#' | b'$' | b'+' | b'@'),
        [] => true,
    }
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
