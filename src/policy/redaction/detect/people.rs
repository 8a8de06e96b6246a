//! The two detectors that are a statistical model, beside those that know what they look for.
//!
//! What a pattern has found is not a name: "BIC DEUTDEFF" looks like one to a model. So the model's findings yield to
//! those of patterns, and keep what is left of them where that can stand alone. Where a form or a table says what is a
//! name, it also says where the name ends; there the model adds nothing.

use std::ops::Range;

use super::anchors::Candidate;
use super::model::{Model, Span, What};
use super::table::{Confidence, Hit, Wake, detectors};

pub(super) struct People {
    model: Model<'static>,
    /// Places in the table.
    person: usize,
    address: usize,
    /// By detector: whether it finds people or addresses too.
    same: Vec<bool>,
}

impl People {
    pub fn new() -> Option<Self> {
        let place =
            |what| detectors().position(|spec| matches!(spec.wake, Wake::Model(wakes) if wakes == what));
        Some(Self {
            model: Model::built_in()?,
            person: place(What::Person)?,
            address: place(What::Address)?,
            same: detectors().map(|spec| matches!(spec.kind, "person" | "address")).collect(),
        })
    }

    /// Adds to `candidates`, which holds what patterns found. What a column says of its cells stands, and nothing goes
    /// over their edges.
    pub fn scan(
        &self,
        text: &str,
        cells: &[Range<usize>],
        counts: &dyn Fn(&Candidate) -> bool,
        candidates: &mut Vec<Candidate>,
    ) {
        let mut spans = self.model.find(text);
        spans.retain(|span| {
            let next = cells.partition_point(|cell| cell.end <= span.range.start);
            cells.get(next).is_none_or(|cell| cell.start >= span.range.end)
        });
        if spans.is_empty() {
            return;
        }
        let same = |rule: usize| self.same.get(rule).copied().unwrap_or(false);
        let others = candidates.iter().filter(|it| counts(it));
        let mut others: Vec<_> = others.map(|it| (it.hit.range.clone(), same(it.rule))).collect();
        others.sort_by_key(|(range, _)| (range.start, range.end));
        for span in spans {
            let Some(range) = left(text, &span, &others) else { continue };
            let rule = match span.what {
                What::Person => self.person,
                What::Address => self.address,
            };
            let confidence = Confidence::from_percent((span.chance * 99.0) as u8);
            candidates.push(Candidate { rule, hit: Hit { range, confidence } });
        }
    }
}

/// Ranges before a span's end that are looked at.
const NEAR: usize = 16;

/// What patterns leave of a span.
fn left(text: &str, span: &Span, others: &[(Range<usize>, bool)]) -> Option<Range<usize>> {
    let before = others.partition_point(|(other, _)| other.start < span.range.end);
    let near = others.get(before.saturating_sub(NEAR)..before)?;
    let mut range = span.range.clone();
    for (other, same) in near.iter().filter(|(other, _)| other.end > span.range.start) {
        if *same {
            return None;
        }
        // The post code of an address may look like something else; a number with its name is no address.
        if span.what == What::Address && other.len() * 3 < span.range.len() {
            continue;
        }
        if other.start <= range.start {
            range.start = other.end;
        } else {
            range.end = range.end.min(other.start);
        }
    }
    if range == span.range {
        return Some(range);
    }
    let aside = |c: char| !c.is_alphanumeric();
    let rest = text.get(range.clone())?;
    let start = range.end - rest.trim_start_matches(aside).len();
    let rest = rest.trim_matches(aside);
    let stands = match span.what {
        What::Person => rest.contains(' '),
        What::Address => {
            rest.contains(|c: char| c.is_ascii_digit())
                && rest.chars().filter(|c| c.is_alphabetic()).count() > 3
        }
    };
    stands.then(|| start..start + rest.len())
}
