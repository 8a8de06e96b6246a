//! What a model's answer says that its prompt did not: found, and told of, replaced or refused.
//!
//! ```text
//! "Ask bob@example.org, not <EMAIL_1>."  ─ look ─▶  bob@example.org is new, <EMAIL_1> is the caller's own
//!                                        ─ redact ─▶ "Ask [EMAIL], not <EMAIL_1>."
//! ```
//!
//! It comes before restoring, on the text as the provider wrote it. A value that stood in the prompt is none of its
//! business, whatever became of it there. What takes a value's place is a mark and no placeholder: nothing is kept,
//! and nothing comes back.

mod json;
mod known;
mod stream;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::rc::Rc;

use self::json::JsonState;
use self::known::compact;
use super::detect::{Detector, Finding, Side, TypeId};
use super::placeholder::{Landing, Restorer};
use crate::config::Action;

pub use known::Known;
pub use stream::{MAX_GUARDED, MAX_GUARDED_BYTES, StreamGuard};

/// What holds for the answers to one request.
pub struct AnswerRules {
    pub detector: Rc<Detector>,
    /// What its prompt said.
    pub known: Rc<Known>,
    /// Knows the placeholders that were issued: the values behind them are the prompt's.
    pub restorer: Restorer,
    /// What may not be edited is refused where it holds something to redact.
    pub refuse_signed: bool,
    /// Nothing is changed, and all is told of as if it were.
    pub observe: bool,
}

/// Whether a text may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    Free,
    /// The provider has signed it.
    Tied,
}

/// What was found in an answer, by type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerFindings {
    /// How many different values, and what was done about them.
    pub counts: BTreeMap<(String, Action), u64>,
    pub blocked: BTreeSet<String>,
}

impl AnswerFindings {
    pub fn add(&mut self, more: Self) {
        for (key, count) in more.counts {
            *self.counts.entry(key).or_default() += count;
        }
        self.blocked.extend(more.blocked);
    }

    pub fn redacted(&self) -> u64 {
        self.counts.iter().filter(|((_, action), _)| *action == Action::Redact).map(|(_, count)| count).sum()
    }

    pub fn by_type(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for ((name, _), count) in &self.counts {
            *all.entry(name.clone()).or_default() += count;
        }
        all
    }
}

/// Gathers what is found in one answer. A value counts once, as streams say things twice.
#[derive(Debug, Default)]
pub struct AnswerTally {
    pub findings: AnswerFindings,
    /// Type and value.
    seen: HashSet<(TypeId, String)>,
}

impl AnswerTally {
    fn note(&mut self, detector: &Detector, new: &News, value: &str) {
        let name = detector.type_name(new.kind);
        if new.action == Action::Block {
            self.findings.blocked.insert(name.to_owned());
        }
        if self.seen.insert((new.kind, compact(value))) {
            *self.findings.counts.entry((name.to_owned(), new.action)).or_default() += 1;
        }
    }
}

/// A value in an answer that did not come from the prompt.
#[derive(Debug, Clone)]
struct News {
    /// From its first part's beginning to its last part's end.
    range: Range<usize>,
    /// What of it is new: not a placeholder, not the prompt's.
    parts: Vec<Range<usize>>,
    kind: TypeId,
    action: Action,
}

impl AnswerRules {
    /// A whole text. `None`: it stays as it is.
    pub fn guard(&self, text: &str, landing: Landing, hand: Hand, tally: &mut AnswerTally) -> Option<String> {
        let news = self.look(text, landing, hand);
        let mut edits = Vec::new();
        let mut json = Walked::default();
        for new in &news {
            tally.note(&self.detector, new, text.get(new.range.clone()).unwrap_or_default());
            if new.action == Action::Redact && !self.observe {
                let state = json.at(text, new.range.start, landing);
                let floor = edits.last().map_or(0, |(range, _): &(Range<usize>, String)| range.end);
                let _ = self
                    .edit(text, new, landing, (state, floor), &mut |range, with| edits.push((range, with)));
            }
        }
        if edits.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for (range, with) in edits {
            out.push_str(text.get(copied..range.start).unwrap_or_default());
            out.push_str(&with);
            copied = copied.max(range.end);
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Some(out)
    }

    /// Whether a value may be hidden, so that what tells of it elsewhere has to go too.
    pub fn hides(&self) -> bool {
        !self.observe && self.detector.hides_in_answers()
    }

    /// What is new in a text, in order and without overlap.
    fn look(&self, text: &str, landing: Landing, hand: Hand) -> Vec<News> {
        let findings = self.detector.find_in(text, Side::Answer);
        if findings.is_empty() {
            return Vec::new();
        }
        let placeholders = self.restorer.places(text, landing);
        let news = |finding: Finding| {
            let mut parts = without(finding.range, &placeholders);
            parts.retain(|part| text.get(part.clone()).is_some_and(|value| !self.known.has(value)));
            let range = parts.first()?.start..parts.last()?.end;
            Some(News { range, parts, kind: finding.kind, action: self.action(finding.action, hand) })
        };
        findings.into_iter().filter_map(news).collect()
    }

    fn action(&self, action: Action, hand: Hand) -> Action {
        match (action, hand) {
            (Action::Redact, Hand::Tied) if self.refuse_signed => Action::Block,
            (Action::Redact, Hand::Tied) => Action::Report,
            (action, _) => action,
        }
    }

    /// What is written where; answers where that ends. `from`: how far the JSON is where the value begins, and what
    /// is written already.
    fn edit(
        &self,
        text: &str,
        new: &News,
        landing: Landing,
        from: (JsonState, usize),
        write: &mut dyn FnMut(Range<usize>, String),
    ) -> usize {
        let (mut state, mut floor) = from;
        let mut mark = Some(format!("[{}]", self.detector.type_name(new.kind).to_uppercase()));
        let mut at = new.range.start;
        for part in &new.parts {
            if landing == Landing::Text {
                floor = part.end;
                write(part.clone(), mark.take().unwrap_or_default());
                continue;
            }
            state = state.over(text.get(at..part.start).unwrap_or_default());
            at = part.start;
            json::edit(text, part.clone(), (state, &mut floor), &mut mark, write);
        }
        floor
    }
}

/// How far JSON source was walked.
#[derive(Default)]
struct Walked {
    at: usize,
    state: JsonState,
}

impl Walked {
    fn at(&mut self, text: &str, to: usize, landing: Landing) -> JsonState {
        if landing == Landing::Json {
            self.state = self.state.over(text.get(self.at..to).unwrap_or_default());
            self.at = to;
        }
        self.state
    }
}

/// What of a range lies in none of the others, which are in order.
fn without(range: Range<usize>, others: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = range.start;
    for other in others.iter().filter(|other| other.end > range.start && other.start < range.end) {
        if other.start > start {
            parts.push(start..other.start);
        }
        start = start.max(other.end);
    }
    if start < range.end {
        parts.push(start..range.end);
    }
    parts
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
