//! What a prompt said, for whoever asks whether an answer says anything else.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use super::super::detect::is_bounded;

/// Bytes that are searched for the values of one answer. Values that come after are taken for new.
const MOST_SEARCHED: usize = 256 << 20;

/// The texts of a prompt, and the values that were found in them.
#[derive(Default)]
pub struct Known {
    /// Values as [`compact`] writes them, so that another way to group a number's digits is no news.
    values: HashSet<String>,
    /// All texts, small letters, one space for whatever is neither letter nor digit.
    text: String,
    asked: RefCell<HashMap<String, bool>>,
    searched: Cell<usize>,
}

impl Known {
    pub fn add_text(&mut self, text: &str) {
        self.text.reserve(text.len() + 1);
        spaced(text, &mut self.text);
        self.text.push('\n');
    }

    pub fn add_value(&mut self, value: &str) {
        self.values.insert(compact(value));
    }

    /// Whether the prompt said it. Nothing but punctuation is always known.
    pub fn has(&self, value: &str) -> bool {
        let compact = compact(value);
        if compact.is_empty() || self.values.contains(&compact) {
            return true;
        }
        let mut wanted = String::with_capacity(value.len());
        spaced(value, &mut wanted);
        let wanted = wanted.trim_matches(' ');
        if let Some(known) = self.asked.borrow().get(wanted) {
            return *known;
        }
        let searched = self.searched.get().saturating_add(self.text.len());
        self.searched.set(searched);
        let places = memchr::memmem::find_iter(self.text.as_bytes(), wanted);
        let known = searched <= MOST_SEARCHED
            && places.take(MOST_PLACES).any(|at| is_bounded(&self.text, at..at + wanted.len()));
        self.asked.borrow_mut().insert(wanted.to_owned(), known);
        known
    }
}

/// How often a value may stand inside of words before it is taken for new.
const MOST_PLACES: usize = 10_000;

/// Letters and digits alone, the letters small.
pub(super) fn compact(value: &str) -> String {
    value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn spaced(text: &str, out: &mut String) {
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.ends_with([' ', '\n']) {
            out.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let mut known = Known::default();
        known.add_text("Planning with Ann at Hauptstraße 5; call 555-0123.");
        known.add_text("東京の田中さん");
        known.add_value("+1 (415) 555-0199");
        known
    }

    #[test]
    fn what_the_prompt_said_is_known_however_it_is_punctuated() {
        for value in
            ["Ann", "ANN", "hauptstraße 5", "555 0123", "14155550199", "+1 415 555 0199", "田中", "...", ""]
        {
            assert!(known().has(value), "{value}");
        }
    }

    #[test]
    fn a_part_of_a_word_and_what_spans_two_texts_is_new() {
        for value in ["Lan", "Plan", "Hauptstraße 55", "0123 東京", "5550123", "415 555"] {
            assert!(!known().has(value), "{value}");
        }
        assert!(!Known::default().has("Ann"));
    }
}
