//! The policy's dictionaries: thousands of terms, found in one reading of the text for each way of reading case.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::table::{Confidence, Hit};

/// Letters that are not ASCII for which all spellings are known: three give eight.
const MOST_MIXED: usize = 3;

/// The terms of all dictionaries of one way of reading case.
#[derive(Default)]
pub(super) struct Terms {
    spellings: Vec<String>,
    entries: Vec<Entry>,
}

/// What a spelling stands for.
#[derive(Clone, Copy)]
struct Entry {
    rule: usize,
    confidence: Confidence,
    whole_words: bool,
}

impl Terms {
    pub fn add(&mut self, rule: usize, term: &str, dictionary: &crate::config::Dictionary) {
        let confidence = Confidence::from_percent(dictionary.confidence);
        let entry = Entry { rule, confidence, whole_words: dictionary.whole_words };
        let all = if dictionary.case_sensitive { vec![term.to_owned()] } else { spellings(term) };
        for spelling in all.into_iter().filter(|spelling| !spelling.is_empty()) {
            self.spellings.push(spelling);
            self.entries.push(entry);
        }
    }

    pub fn build(self, case_sensitive: bool) -> Option<Dictionary> {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(!case_sensitive)
            .match_kind(MatchKind::Standard)
            .build(&self.spellings)
            .ok()?;
        (!self.entries.is_empty()).then_some(Dictionary { automaton, entries: self.entries })
    }
}

pub(super) struct Dictionary {
    automaton: AhoCorasick,
    /// By the automaton's pattern.
    entries: Vec<Entry>,
}

impl Dictionary {
    pub fn scan(&self, text: &str, mut found: impl FnMut(usize, Hit)) {
        for term in self.automaton.find_overlapping_iter(text) {
            let Some(entry) = self.entries.get(term.pattern().as_usize()) else { continue };
            if !entry.whole_words && text.is_char_boundary(term.start()) || is_bounded(text, term.range()) {
                found(entry.rule, Hit { range: term.range(), confidence: entry.confidence });
            }
        }
    }

    pub fn bytes(&self) -> usize {
        self.automaton.memory_usage() + self.entries.len() * size_of::<Entry>()
    }
}

/// How a term may be spelt, besides the two cases of ASCII letters, which the automaton knows.
pub(super) fn spellings(term: &str) -> Vec<String> {
    let mut all = vec![term.to_owned()];
    if term.is_ascii() {
        return all;
    }
    all.extend([term.to_lowercase(), term.to_uppercase(), capitalised(term)]);
    let cased = |c: char| !c.is_ascii() && (c.is_lowercase() || c.is_uppercase());
    if term.chars().filter(|c| cased(*c)).count() <= MOST_MIXED {
        let mut mixed = vec![String::new()];
        for c in term.chars() {
            if cased(c) {
                let (lower, upper) = (c.to_lowercase().to_string(), c.to_uppercase().to_string());
                mixed = mixed
                    .iter()
                    .flat_map(|begun| [format!("{begun}{lower}"), format!("{begun}{upper}")])
                    .collect();
            } else {
                mixed.iter_mut().for_each(|begun| begun.push(c));
            }
        }
        all.append(&mut mixed);
    }
    all.sort();
    all.dedup();
    all
}

/// Each word with a capital, the rest small.
fn capitalised(term: &str) -> String {
    let mut out = String::with_capacity(term.len());
    let mut inside = false;
    for c in term.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphanumeric();
    }
    out
}

/// Whether a term begins and ends where words do. Scripts that write without spaces have no such places.
pub(in crate::policy::redaction) fn is_bounded(text: &str, range: Range<usize>) -> bool {
    let joins = |c: Option<char>| c.is_some_and(|c| c == '_' || c.is_alphanumeric() && c < '\u{2E80}');
    let Some(term) = text.get(range.clone()) else { return false };
    let before = text.get(..range.start).and_then(|before| before.chars().next_back());
    let after = text.get(range.end..).and_then(|after| after.chars().next());
    let inside = |edge: Option<char>, next: Option<char>| joins(edge) && joins(next);
    !inside(term.chars().next(), before) && !inside(term.chars().next_back(), after)
}
