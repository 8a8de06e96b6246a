//! What is wrong with a document: every fault at once, each with its place and, where it is cheap, its repair.
//!
//! ```text
//! chains.premium.targets[0]: unknown provider "opnai"; expected one of anthropic, openai (did you mean "openai"?)
//! ```
//!
//! Nothing here knows what a policy means. What may be shown of a value is decided by who writes the message.

use std::fmt;

/// A document with more faults than this is not shown in full: they end up in Envoy's log.
const MOST_SHOWN: usize = 100;
/// More of a value than this does not help to find it.
const LONGEST_SHOWN: usize = 60;

/// One fault and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// `budgets[0].window`; empty for the document as a whole.
    pub path: String,
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// All faults of one document; printed one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors(pub Vec<Error>);

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().take(MOST_SHOWN).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        match self.0.len().saturating_sub(MOST_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Errors {}

/// The path of a map's value. A key that could be mistaken for a path is put in quotes.
pub(super) fn under_key(path: &str, key: &str) -> String {
    let plain =
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '@'));
    match (plain, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[{}]", quoted(key)),
    }
}

/// The path of a list's element.
pub(super) fn under_index(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// A value as it is shown: in quotes, on one line, not too long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// `; expected one of a, b, c (did you mean "b"?)`
pub(super) fn expectation<'a>(found: &str, allowed: impl IntoIterator<Item = &'a str>) -> String {
    let allowed: Vec<&str> = allowed.into_iter().collect();
    let list = match allowed.as_slice() {
        [] => return String::new(),
        [only] => format!("; expected {only}"),
        _ => format!("; expected one of {}", allowed.join(", ")),
    };
    match nearest(found, &allowed) {
        Some(near) => format!("{list} (did you mean {}?)", quoted(near)),
        None => list,
    }
}

/// The allowed word that `found` was probably meant to be.
pub(super) fn nearest<'a>(found: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let found = found.to_lowercase();
    let near = allowed
        .iter()
        .map(|word| (distance(&found, &word.to_lowercase()), *word))
        .min_by_key(|(far, _)| *far);
    near.filter(|(far, word)| *far <= (word.len().max(found.len()) / 3).max(1) && *far < word.len())
        .map(|(_, word)| word)
}

/// Edits (insert, remove, replace, swap two neighbours) from one word to the other; long words are not compared.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    if from.len().max(to.len()) > LONGEST_SHOWN {
        return usize::MAX;
    }
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut best =
                (at(&last, j) + usize::from(a != b)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && from.get(i - 1) == Some(b) && to.get(j - 1) == Some(a);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    at(&last, to.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_is_recognised_and_a_different_word_is_not() {
        let words = ["anthropic", "gemini", "openai"];
        assert_eq!(nearest("opnai", &words), Some("openai"));
        assert_eq!(nearest("opneai", &words), Some("openai"));
        assert_eq!(nearest("OpenAI", &words), Some("openai"));
        assert_eq!(nearest("mistral", &words), None);
        assert_eq!(nearest("", &words), None);
        assert_eq!(nearest("x", &["a"]), None);
        assert_eq!(nearest(&"o".repeat(10_000), &words), None);
    }

    #[test]
    fn a_key_with_a_dot_stays_readable_in_a_path() {
        assert_eq!(under_key("models", "gpt-5.4"), "models[\"gpt-5.4\"]");
        assert_eq!(under_key("", "version"), "version");
        assert_eq!(under_key(&under_index("budgets", 0), "at"), "budgets[0].at");
    }
}
