//! The policy's own patterns: regular expressions with a checksum and with words that have to stand near.
//!
//! One automaton of what every match has to begin with says which patterns can match at all, so that fifty patterns
//! read clean text once and not fifty times. Those that begin with anything are asked together first, in one set.

use std::cell::OnceCell;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use regex::{Regex, RegexSet};
use regex_syntax::hir::literal::{ExtractKind, Extractor};

use super::checksums;
use super::dictionary::{is_bounded, spellings};
use super::table::{Confidence, Hit};
use crate::config::{Checksum, CustomPattern};

/// Shorter beginnings stand everywhere.
const SHORTEST_BEGINNING: usize = 2;
/// Fewer patterns are faster one by one.
const SMALLEST_SET: usize = 4;

#[derive(Default)]
pub(super) struct OwnPatterns {
    patterns: Vec<Own>,
    /// What matches begin with.
    beginnings: Option<AhoCorasick>,
    /// By the automaton's pattern: the index in `patterns`.
    begun: Vec<usize>,
    /// Patterns whose matches begin with anything.
    others: Vec<usize>,
    /// Those, asked together.
    set: Option<RegexSet>,
}

struct Own {
    rule: usize,
    regex: Regex,
    confidence: Confidence,
    checksum: Option<Checksum>,
    /// Words that have to stand near, and how near, in characters.
    context: Option<(AhoCorasick, usize)>,
}

impl OwnPatterns {
    /// Each with the index of its rule.
    pub fn new<'c>(customs: impl Iterator<Item = (usize, &'c CustomPattern)>) -> Self {
        let mut own = Self::default();
        let mut beginnings = Vec::new();
        for (rule, custom) in customs {
            let index = own.patterns.len();
            match beginnings_of(custom.pattern.as_str()) {
                Some(literals) => literals.into_iter().for_each(|literal| {
                    beginnings.push(literal);
                    own.begun.push(index);
                }),
                None => own.others.push(index),
            }
            own.patterns.push(Own {
                rule,
                regex: custom.pattern.clone(),
                confidence: Confidence::from_percent(custom.confidence),
                checksum: custom.checksum,
                context: words(&custom.context).map(|words| (words, custom.within)),
            });
        }
        if !beginnings.is_empty() {
            own.beginnings = AhoCorasick::builder().build(&beginnings).ok();
        }
        if own.others.len() >= SMALLEST_SET {
            let sources = own.others.iter().filter_map(|index| own.patterns.get(*index));
            own.set = RegexSet::new(sources.map(|pattern| pattern.regex.as_str())).ok();
        }
        own
    }

    pub fn scan(&self, text: &str, mut found: impl FnMut(usize, Hit)) {
        if self.patterns.is_empty() {
            return;
        }
        let awake = self.awake(text);
        for (pattern, _) in self.patterns.iter().zip(awake).filter(|(_, awake)| *awake) {
            let places = OnceCell::new();
            for matched in pattern.regex.find_iter(text).filter(|matched| !matched.is_empty()) {
                if pattern.agrees(matched.as_str()) && pattern.is_announced(text, &matched.range(), &places) {
                    found(pattern.rule, Hit { range: matched.range(), confidence: pattern.confidence });
                }
            }
        }
    }

    /// Which patterns may match.
    fn awake(&self, text: &str) -> Vec<bool> {
        // Without the automaton nothing is ruled out.
        let mut awake = vec![self.beginnings.is_none(); self.patterns.len()];
        let mut wake =
            |index: usize| awake.get_mut(index).is_some_and(|awake| !std::mem::replace(awake, true));
        match &self.set {
            Some(set) => {
                set.matches(text).into_iter().filter_map(|at| self.others.get(at)).for_each(|index| {
                    wake(*index);
                })
            }
            None => self.others.iter().for_each(|index| {
                wake(*index);
            }),
        }
        let mut asleep = self.patterns.len() - self.others.len();
        let begun = self.beginnings.iter().flat_map(|beginnings| beginnings.find_overlapping_iter(text));
        for beginning in begun {
            if self.begun.get(beginning.pattern().as_usize()).is_some_and(|index| wake(*index)) {
                asleep -= 1;
            }
            if asleep == 0 {
                break;
            }
        }
        awake
    }
}

impl Own {
    fn agrees(&self, value: &str) -> bool {
        let Some(checksum) = self.checksum else { return true };
        let digits: Vec<u8> = value.chars().filter_map(|c| c.to_digit(10)).map(ascii_digit).collect();
        let enough = digits.len() > 1;
        match checksum {
            Checksum::Luhn => enough && checksums::luhn_text(&digits),
            Checksum::Verhoeff => enough && checksums::verhoeff(&digits),
            Checksum::Iso7064Mod11_10 => enough && checksums::mod_11_10(&digits),
            Checksum::Iso7064Mod11_2 => enough && checksums::mod_11_2(&with_x(digits, value)),
            Checksum::Mod11 => enough && weighted_mod_11(&with_x(digits, value)),
            Checksum::Mod97 => mod_97(value) == Some(1),
        }
    }

    /// Whether a word that it needs stands near. `places` are those of all such words, looked for once.
    fn is_announced(&self, text: &str, value: &Range<usize>, places: &OnceCell<Vec<Range<usize>>>) -> bool {
        let Some((words, within)) = &self.context else { return true };
        let places = places.get_or_init(|| {
            let all = words.find_overlapping_iter(text).map(|word| word.range());
            let mut places: Vec<_> = all.filter(|place| is_bounded(text, place.clone())).collect();
            places.sort_by_key(|place| place.start);
            places
        });
        let before = text.get(..value.start).unwrap_or_default().char_indices().rev();
        let from = before.take(*within).last().map_or(value.start, |(at, _)| at);
        let after = text.get(value.end..).unwrap_or_default().char_indices();
        let to = value.end + after.take(*within).last().map_or(0, |(at, c)| at + c.len_utf8());
        let first = places.partition_point(|place| place.start < from);
        // Words of the context may lie within each other: the shortest of those that begin first may fit alone.
        let near = places.get(first..).unwrap_or_default().iter().take_while(|place| place.start < to);
        near.take(MOST_NEAR).any(|place| place.end <= to)
    }
}

/// Words that begin near a value and are looked at: all but the last ones end near it too.
const MOST_NEAR: usize = 256;

/// What every match begins with. `None`: anything, or too little.
fn beginnings_of(pattern: &str) -> Option<Vec<Vec<u8>>> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_total(64);
    let mut beginnings = extractor.extract(&hir);
    beginnings.dedup();
    let literals = beginnings.literals()?;
    let long = literals.iter().all(|literal| literal.len() >= SHORTEST_BEGINNING);
    (long && !literals.is_empty())
        .then(|| literals.iter().map(|literal| literal.as_bytes().to_vec()).collect())
}

fn words(context: &[String]) -> Option<AhoCorasick> {
    let all: Vec<String> = context.iter().flat_map(|word| spellings(word)).collect();
    let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&all).ok()?;
    (!all.is_empty()).then_some(automaton)
}

/// ISO 7064, mod 97: letters count from ten, all else is left out.
fn mod_97(value: &str) -> Option<u32> {
    let mut seen = false;
    let rest = value.bytes().filter(u8::is_ascii_alphanumeric).fold(0, |rest, byte| {
        seen = true;
        match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            byte => (rest * 100 + u32::from(byte.to_ascii_uppercase() - b'A') + 10) % 97,
        }
    });
    seen.then_some(rest)
}

fn ascii_digit(digit: u32) -> u8 {
    b'0' + u8::try_from(digit).unwrap_or(0)
}

/// With the `X` that stands for ten where the value ends in one.
fn with_x(mut digits: Vec<u8>, value: &str) -> Vec<u8> {
    if value.trim_end().ends_with(['X', 'x']) {
        digits.push(b'X');
    }
    digits
}

fn weighted_mod_11(text: &[u8]) -> bool {
    let value = |byte: u8| if byte == b'X' { 10 } else { checksums::place_value(byte) };
    let weighted = text.iter().rev().zip((1..=10).cycle()).map(|(byte, weight)| value(*byte) * weight);
    weighted.sum::<u32>().is_multiple_of(11)
}

#[cfg(test)]
#[path = "own_tests.rs"]
mod tests;
