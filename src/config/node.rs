//! One value of the document together with its path: read as text, number, list and so on, or reported.
//!
//! A reader returns `None` after it has reported, so that checking goes on and finds the other faults; nothing is
//! made of a document with a fault. A key without a value (`callers:`) is as good as absent.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::error::{Error, expectation, quoted, under_index, under_key};
use super::source::Tree;
use super::units::{self, Fault};

/// What was found so far, and the environment in which it was.
pub(super) struct Report<'a> {
    pub errors: Vec<Error>,
    pub warnings: Vec<String>,
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

impl Report<'_> {
    pub fn error(&mut self, path: &str, message: impl Into<String>) {
        self.errors.push(Error { path: path.to_owned(), message: message.into() });
    }

    pub fn warn(&mut self, path: &str, message: &str) {
        self.warnings.push(format!("{path}: {message}"));
    }
}

/// One word of a closed set, and its value; `None`: known, but not built in this version.
pub(super) type Choice<T> = (&'static str, Option<T>);

pub(super) const YES_NO: [Choice<bool>; 2] = [("true", Some(true)), ("false", Some(false))];

#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub tree: &'a Tree,
    pub path: String,
}

impl<'a> Node<'a> {
    /// Text, or a number as it is written: a name may be `2024`.
    pub fn text(&self, report: &mut Report) -> Option<&'a str> {
        match self.tree {
            Tree::Text(text) | Tree::Number(text) => Some(text),
            Tree::Bool(value) => {
                report.error(
                    &self.path,
                    format!("expected text, found {value}; text that looks like a yes or no needs quotes"),
                );
                None
            }
            _ => self.wrong_shape("text", report),
        }
    }

    /// Text that is not empty.
    pub fn word(&self, report: &mut Report) -> Option<&'a str> {
        let text = self.text(report)?;
        if text.trim().is_empty() {
            report.error(&self.path, "is empty");
            return None;
        }
        Some(text)
    }

    /// What may be a label of a metric and a part of a path: providers, chains, routes, budgets.
    pub fn name(&self, report: &mut Report) -> Option<&'a str> {
        let text = self.word(report)?;
        name(text, &self.path, report).then_some(text)
    }

    pub fn flag(&self, report: &mut Report) -> Option<bool> {
        match self.tree {
            Tree::Bool(value) => Some(*value),
            _ => self.choice("value", &YES_NO, report),
        }
    }

    pub fn integer(&self, bounds: RangeInclusive<u64>, report: &mut Report) -> Option<u64> {
        let value = self.amount("a whole number", |text| units::decimal(text, 0), report)?;
        self.within(value, &bounds, |bound| bound.to_string(), report)
    }

    /// Micro-dollars.
    pub fn usd(&self, report: &mut Report) -> Option<u64> {
        let read = |text: &str| units::decimal(text, 6);
        self.amount("an amount in US dollars, to the micro-dollar", read, report)
    }

    /// Milliseconds, more than none.
    pub fn duration(&self, report: &mut Report) -> Option<u64> {
        let value = self.amount("a duration", units::duration, report)?;
        if value == 0 || value > 7 * 86_400_000 {
            report.error(&self.path, format!("{} is out of bounds; expected 1ms to 7d", self.shown()));
            return None;
        }
        Some(value)
    }

    /// Bytes.
    pub fn size(&self, bounds: RangeInclusive<u64>, report: &mut Report) -> Option<usize> {
        let value = self.amount("a size", units::size, report)?;
        let value = self.within(value, &bounds, size_text, report)?;
        usize::try_from(value).ok()
    }

    /// `80` or `80%`.
    pub fn percent(&self, bounds: RangeInclusive<u64>, report: &mut Report) -> Option<u32> {
        let read = |text: &str| units::decimal(text.strip_suffix('%').unwrap_or(text), 0);
        let value = self.amount("a whole number of percent", read, report)?;
        let value = self.within(value, &bounds, |bound| bound.to_string(), report)?;
        u32::try_from(value).ok()
    }

    fn amount(
        &self,
        what: &str,
        read: impl Fn(&str) -> Result<u64, Fault>,
        report: &mut Report,
    ) -> Option<u64> {
        let (Tree::Number(text) | Tree::Text(text)) = self.tree else {
            return self.wrong_shape(what, report);
        };
        match read(text) {
            Ok(value) => Some(value),
            Err(fault @ (Fault::NotADuration | Fault::DurationWithoutUnit | Fault::NotASize)) => {
                report.error(&self.path, format!("{} {fault}", self.shown()));
                None
            }
            Err(fault) => {
                report.error(&self.path, format!("{} {fault}; expected {what}", self.shown()));
                None
            }
        }
    }

    fn within(
        &self,
        value: u64,
        bounds: &RangeInclusive<u64>,
        show: impl Fn(u64) -> String,
        report: &mut Report,
    ) -> Option<u64> {
        if bounds.contains(&value) {
            return Some(value);
        }
        let (least, most) = (show(*bounds.start()), show(*bounds.end()));
        report.error(&self.path, format!("{} is out of bounds; expected {least} to {most}", self.shown()));
        None
    }

    pub fn choice<T: Copy>(&self, what: &str, words: &[Choice<T>], report: &mut Report) -> Option<T> {
        let text = match self.tree {
            Tree::Text(text) | Tree::Number(text) => text.as_str(),
            Tree::Bool(true) => "true",
            Tree::Bool(false) => "false",
            _ => {
                let words: Vec<&str> =
                    words.iter().filter(|(_, value)| value.is_some()).map(|(word, _)| *word).collect();
                return self.wrong_shape(&format!("one of {}", words.join(", ")), report);
            }
        };
        let built = words.iter().filter(|(_, value)| value.is_some()).map(|(word, _)| *word);
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, Some(value))) => return Some(*value),
            Some((_, None)) => {
                let expected = expectation("", built);
                report.error(
                    &self.path,
                    format!("{what} {} is not supported by this version{expected}", quoted(text)),
                );
            }
            None => report
                .error(&self.path, format!("unknown {what} {}{}", quoted(text), expectation(text, built))),
        }
        None
    }

    /// A name defined elsewhere in the document.
    pub fn reference<S: AsRef<str>>(
        &self,
        what: &str,
        defined: &[S],
        report: &mut Report,
    ) -> Option<&'a str> {
        let text = self.word(report)?;
        if defined.iter().any(|name| name.as_ref() == text) {
            return Some(text);
        }
        unknown(what, text, defined, &self.path, report);
        None
    }

    pub fn list(&self, report: &mut Report) -> Vec<Node<'a>> {
        match self.tree {
            Tree::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, tree)| Node { tree, path: under_index(&self.path, index) })
                .collect(),
            _ => self.wrong_shape("a list", report).unwrap_or_default(),
        }
    }

    /// A list of at least one, or a single value without the brackets.
    pub fn one_or_more(&self, report: &mut Report) -> Vec<Node<'a>> {
        match self.tree {
            Tree::List(items) if items.is_empty() => {
                report.error(&self.path, "is empty: nothing could ever match");
                Vec::new()
            }
            Tree::List(_) => self.list(report),
            _ => vec![self.clone()],
        }
    }

    /// A map whose keys are the document's own names.
    pub fn entries(&self, report: &mut Report) -> Vec<(&'a str, Node<'a>)> {
        match self.tree {
            Tree::Map(map) => map
                .iter()
                .map(|(key, tree)| (key.as_str(), Node { tree, path: under_key(&self.path, key) }))
                .collect(),
            _ => self.wrong_shape("a map", report).unwrap_or_default(),
        }
    }

    /// A map whose keys are given; any other is an error.
    pub fn fields(&self, known: &[&'static str], report: &mut Report) -> Fields<'a> {
        let map = match self.tree {
            Tree::Map(map) => Some(map),
            _ => {
                let shape = format!("a map with {}", known.join(", "));
                self.wrong_shape(&shape, report)
            }
        };
        for key in map.into_iter().flat_map(BTreeMap::keys).filter(|key| !known.contains(&key.as_str())) {
            let expected = expectation(key, known.iter().copied());
            report.error(&under_key(&self.path, key), format!("unknown key{expected}"));
        }
        Fields { map, path: self.path.clone() }
    }

    pub fn wrong_shape<T>(&self, expected: &str, report: &mut Report) -> Option<T> {
        report.error(&self.path, format!("expected {expected}, found {}", self.shown()));
        None
    }

    /// The value, as far as it is a short one.
    pub fn shown(&self) -> String {
        match self.tree {
            Tree::Null => "nothing".to_owned(),
            Tree::Bool(value) => value.to_string(),
            Tree::Number(text) => text.chars().take(60).collect(),
            Tree::Text(text) => quoted(text),
            Tree::List(_) => "a list".to_owned(),
            Tree::Map(_) => "a map".to_owned(),
        }
    }
}

/// A map with known keys.
pub(super) struct Fields<'a> {
    map: Option<&'a BTreeMap<String, Tree>>,
    pub path: String,
}

impl<'a> Fields<'a> {
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        let tree = self.map?.get(key).filter(|tree| **tree != Tree::Null)?;
        Some(Node { tree, path: under_key(&self.path, key) })
    }

    pub fn require(&self, key: &str, hint: &str, report: &mut Report) -> Option<Node<'a>> {
        let node = self.get(key);
        if node.is_none() && self.map.is_some() {
            report.error(&under_key(&self.path, key), format!("missing; {hint}"));
        }
        node
    }

    /// Part of the document's contract, but not built: refused, so that nobody relies on it.
    pub fn refuse_unbuilt(&self, keys: &[&str], report: &mut Report) {
        for node in keys.iter().filter_map(|key| self.get(key)) {
            report.error(&node.path, "not supported by this version");
        }
    }

    /// Whether there is a map at all; if not, that has been reported.
    pub fn is_map(&self) -> bool {
        self.map.is_some()
    }
}

pub(super) fn unknown<S: AsRef<str>>(what: &str, text: &str, defined: &[S], path: &str, report: &mut Report) {
    let expected = match defined {
        [] => format!("; the policy defines no {what}"),
        _ => expectation(text, defined.iter().map(AsRef::as_ref)),
    };
    report.error(path, format!("unknown {what} {}{expected}", quoted(text)));
}

/// Whether `text` may be a name; if not, that is reported.
pub(super) fn name(text: &str, path: &str, report: &mut Report) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let good = !text.is_empty() && text.len() <= 64 && text.chars().all(fits);
    if !good {
        let allowed = "letters, digits, \"_\", \"-\" and \".\", at most 64 of them";
        report.error(path, format!("{} cannot be a name; a name has {allowed}", quoted(text)));
    }
    good
}

fn size_text(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => bytes.to_string(),
    }
}
