//! One pass over a text, and what it found.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::LazyLock;

use super::allow::AllowList;
use super::anchors::{Anchors, Candidate};
use super::dictionary::{Dictionary, Terms};
use super::encoded;
use super::fold::fold;
use super::own::OwnPatterns;
use super::people::People;
use super::table::{Confidence, Hit, detectors};
use crate::config::{Action, DATA_TYPES, Data};

/// A type of sensitive value, in the detector that found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub(super) u16);

/// Part of a text that the policy wants to be told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Bytes of the text that was searched.
    pub range: Range<usize>,
    pub kind: TypeId,
    /// Never `Allow`.
    pub action: Action,
    pub confidence: Confidence,
    /// The rule that found it: a built-in detector, a custom pattern, a dictionary.
    pub rule: Rc<str>,
    /// Types of the policy's own that were found in it too: what they put data into holds.
    pub covers: Vec<TypeId>,
}

/// How often a text may be encoded: base64 of base64.
const MAX_ENCODINGS: usize = 3;

/// Whose text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Request,
    Answer,
}

/// Finds what a policy's `data` section asks for.
///
/// The built-in detectors share one reading of the text. Custom patterns and dictionaries read it once more each, and
/// a custom pattern that can match again for itself. They are matched against the folded text and, where folding
/// changes something, against the text as it is: `\d` finds full-width digits too. `\w`, `\d`, `\b` and case follow
/// Unicode.
pub struct Detector {
    /// By [`TypeId`]: the built-in types, then the policy's own.
    types: Vec<Rc<str>>,
    /// The built-in detectors, in the order of their table; then the policy's own.
    pub(super) rules: Vec<Rule>,
    /// Where the policy's own begin.
    pub(super) first_own: usize,
    anchors: Option<&'static Anchors>,
    people: Option<&'static People>,
    patterns: OwnPatterns,
    /// Terms that are found in any case, and those in their own.
    dictionaries: [Option<Dictionary>; 2],
    allowed: AllowList,
    email: Option<TypeId>,
}

impl Detector {
    pub fn new(data: &Data) -> Self {
        let mut detector = Self {
            types: DATA_TYPES.iter().map(|name| (*name).into()).collect(),
            rules: Vec::new(),
            first_own: 0,
            anchors: ANCHORS.as_ref(),
            people: PEOPLE.as_ref(),
            patterns: OwnPatterns::default(),
            dictionaries: [None, None],
            allowed: AllowList::default(),
            email: None,
        };
        for spec in detectors() {
            let action = data.find.get(spec.kind).copied().unwrap_or(Action::Redact);
            detector.add_rule(spec.name, spec.kind, action, data);
        }
        detector.first_own = detector.rules.len();
        let looked_for =
            |name: &str, action| action != Action::Allow || data.answers.of(name) != Action::Allow;
        let mut patterns = Vec::new();
        for custom in data.custom.iter().filter(|custom| looked_for(&custom.name, custom.action)) {
            patterns.push((detector.add_rule(&custom.name, &custom.name, custom.action, data), custom));
        }
        detector.patterns = OwnPatterns::new(patterns.into_iter());
        let mut terms = [Terms::default(), Terms::default()];
        for dictionary in data.dictionaries.iter().filter(|own| looked_for(&own.name, own.action)) {
            let rule = detector.add_rule(&dictionary.name, &dictionary.name, dictionary.action, data);
            let [any_case, own_case] = &mut terms;
            let terms = if dictionary.case_sensitive { own_case } else { any_case };
            dictionary.terms.iter().for_each(|term| terms.add(rule, term, dictionary));
        }
        let [any_case, own_case] = terms;
        detector.dictionaries = [any_case.build(false), own_case.build(true)];
        detector.email = detector.type_id("email");
        detector.allowed = AllowList::new(&data.allow, |name| detector.type_id(name));
        detector
    }

    /// What is to be done about in a request.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        self.find_in(text, Side::Request)
    }

    /// What an identifier holds: of a model, a tool, a header. Those are named as people and places are ("claude",
    /// "jordan"), so names are not looked for.
    pub fn find_in_identifier(&self, text: &str) -> Vec<Finding> {
        let name = |finding: &Finding| matches!(self.type_name(finding.kind), "person" | "address");
        self.find(text).into_iter().filter(|finding| !name(finding)).collect()
    }

    /// What the text holds, in order and without overlap. Of findings that overlap the longest stays, then the most
    /// certain, then the one with the strictest action; it takes on the strictest action of those that it displaces.
    pub fn find_in(&self, text: &str, side: Side) -> Vec<Finding> {
        self.find_within(text, side, 0)
    }

    /// `depth` is how many encodings the text was taken out of.
    fn find_within(&self, text: &str, side: Side, depth: usize) -> Vec<Finding> {
        let candidates = self.candidates(text, side, depth);
        self.resolve(text, candidates, side)
    }

    /// All that any rule takes for something, in the text as it is written.
    pub(super) fn candidates(&self, text: &str, side: Side, depth: usize) -> Vec<Candidate> {
        let folded = fold(text);
        let mut candidates = Vec::new();
        let anchors = self.anchors.as_ref();
        let cells = anchors.map(|anchors| anchors.scan(folded.text(), &mut candidates)).unwrap_or_default();
        if let Some(people) = &self.people {
            // What the policy lets through, or is not sure enough of, takes nothing from a name.
            let counts = |it: &Candidate| {
                self.rules.get(it.rule).is_some_and(|rule| {
                    rule.action(side) != Action::Allow
                        && it.hit.confidence >= rule.least
                        && !self.lets_through(folded.text(), &it.hit.range, rule.kind)
                })
            };
            people.scan(folded.text(), &cells, &counts, &mut candidates);
        }
        self.find_own(folded.text(), side, &mut candidates);
        if depth < MAX_ENCODINGS {
            self.find_encoded(folded.text(), side, depth, &mut candidates);
        }
        if folded.is_changed() {
            for candidate in &mut candidates {
                candidate.hit.range = folded.unfold(candidate.hit.range.clone());
            }
            self.find_own(text, side, &mut candidates);
        }
        if folded.is_ambiguous()
            && let Some(anchors) = &self.anchors
        {
            anchors.scan(text, &mut candidates);
        }
        candidates
    }

    /// A text that is encoded in this one is taken out as a whole, as what the strictest finding in it is.
    fn find_encoded(&self, text: &str, side: Side, depth: usize, candidates: &mut Vec<Candidate>) {
        encoded::texts(text, &mut |range, inside| {
            let findings = self.find_within(inside, side, depth + 1);
            let Some(first) = findings.iter().rev().max_by_key(|it| (it.action, it.confidence)) else {
                return;
            };
            for finding in &findings {
                let rule = self.rules.iter().position(|rule| Rc::ptr_eq(&rule.name, &finding.rule));
                let own = finding
                    .covers
                    .iter()
                    .filter_map(|kind| self.rules.iter().position(|it| it.kind == *kind));
                let told =
                    own.chain(rule.filter(|rule| *rule >= self.first_own || std::ptr::eq(finding, first)));
                let hit = || Hit { range: range.clone(), confidence: finding.confidence };
                candidates.extend(told.map(|rule| Candidate { rule, hit: hit() }));
            }
        });
    }

    /// Snake case: `email`, `employee_id`.
    pub fn type_name(&self, kind: TypeId) -> &str {
        self.types.get(usize::from(kind.0)).map_or("", |name| name)
    }

    /// Whether anything is looked for in answers.
    pub fn reads_answers(&self) -> bool {
        self.rules.iter().any(|rule| rule.action(Side::Answer) != Action::Allow)
    }

    /// Whether anything in answers is not to be seen.
    pub fn hides_in_answers(&self) -> bool {
        self.rules.iter().any(|rule| rule.action(Side::Answer) >= Action::Redact)
    }

    /// Bytes that the policy's dictionaries take.
    pub fn dictionary_bytes(&self) -> usize {
        self.dictionaries.iter().flatten().map(Dictionary::bytes).sum()
    }

    fn type_id(&self, name: &str) -> Option<TypeId> {
        let index = self.types.iter().position(|known| &**known == name)?;
        u16::try_from(index).ok().map(TypeId)
    }

    fn add_rule(&mut self, name: &str, type_name: &str, action: Action, data: &Data) -> usize {
        let kind = self.type_id(type_name).unwrap_or_else(|| {
            self.types.push(type_name.into());
            TypeId(u16::try_from(self.types.len() - 1).unwrap_or(u16::MAX))
        });
        self.rules.push(Rule {
            name: name.into(),
            kind,
            actions: [action, data.answers.of(type_name)],
            least: Confidence::from_percent(data.min_confidence.of(type_name)),
        });
        self.rules.len() - 1
    }

    /// What the policy's own patterns and terms find.
    fn find_own(&self, text: &str, side: Side, candidates: &mut Vec<Candidate>) {
        let mut add = |rule: usize, hit: Hit| {
            let looked_for = self.rules.get(rule).is_some_and(|rule| rule.action(side) != Action::Allow);
            if looked_for && !hit.range.is_empty() {
                candidates.push(Candidate { rule, hit });
            }
        };
        self.patterns.scan(text, &mut add);
        for dictionary in self.dictionaries.iter().flatten() {
            dictionary.scan(text, &mut add);
        }
    }

    fn lets_through(&self, text: &str, range: &Range<usize>, kind: TypeId) -> bool {
        let is_email = Some(kind) == self.email;
        text.get(range.clone()).is_none_or(|value| self.allowed.has(value, kind, is_email))
    }

    /// Settles overlaps. What the policy allows takes part, so that its digits are not taken for something else, and
    /// is left out at the end; it never displaces what the policy itself told to find.
    ///
    /// Most candidates overlap no other: only those that do are weighed against each other.
    fn resolve(&self, text: &str, mut candidates: Vec<Candidate>, side: Side) -> Vec<Finding> {
        candidates.retain(|Candidate { rule, hit }| {
            !hit.range.is_empty() && self.rules.get(*rule).is_some_and(|rule| hit.confidence >= rule.least)
        });
        candidates.sort_by_key(|candidate| candidate.hit.range.start);
        let mut findings = Vec::with_capacity(candidates.len());
        let mut rest = candidates.as_mut_slice();
        while let Some(first) = rest.first() {
            let mut end = first.hit.range.end;
            let overlapping = rest.iter().skip(1).take_while(|next| {
                let overlaps = next.hit.range.start < end;
                end = end.max(next.hit.range.end);
                overlaps
            });
            let count = 1 + overlapping.count();
            let Some((group, others)) = std::mem::take(&mut rest).split_at_mut_checked(count) else { break };
            match group {
                [one] => findings.extend(self.judge(text, one, side)),
                _ => findings.extend(self.settle(text, group, side)),
            }
            rest = others;
        }
        findings.retain(|finding| finding.action != Action::Allow);
        findings
    }

    /// A candidate as a finding, which the policy may allow.
    fn judge(&self, text: &str, candidate: &Candidate, side: Side) -> Option<Finding> {
        let rule = self.rules.get(candidate.rule)?;
        let Hit { range, confidence } = candidate.hit.clone();
        let allowed = rule.action(side) == Action::Allow || self.lets_through(text, &range, rule.kind);
        let action = if allowed { Action::Allow } else { rule.action(side) };
        let rule_name = Rc::clone(&rule.name);
        Some(Finding { range, kind: rule.kind, action, confidence, rule: rule_name, covers: Vec::new() })
    }

    /// What stays of candidates that overlap.
    fn settle(
        &self,
        text: &str,
        candidates: &mut [Candidate],
        side: Side,
    ) -> impl Iterator<Item = Finding> + use<> {
        let action = |candidate: &Candidate| {
            self.rules.get(candidate.rule).map_or(Action::Redact, |rule| rule.action(side))
        };
        candidates.sort_by_key(|candidate| {
            let Hit { range, confidence } = &candidate.hit;
            (Reverse((range.len(), *confidence, action(candidate))), range.start)
        });
        let mut settled: BTreeMap<usize, Finding> = BTreeMap::new();
        for candidate in candidates.iter() {
            let Some(finding) = self.judge(text, candidate, side) else { continue };
            let (range, action) = (finding.range.clone(), finding.action);
            let told = candidate.rule >= self.first_own && action != Action::Allow;
            let mut free = true;
            let overlapping =
                settled.range_mut(..range.end).rev().take_while(|(_, other)| other.range.end > range.start);
            let mut displaced = Vec::new();
            let mut beyond = None;
            for (start, other) in overlapping {
                if other.action == Action::Allow && told {
                    displaced.push(*start);
                } else {
                    free = false;
                    let own = usize::from(other.kind.0) >= DATA_TYPES.len();
                    if other.action != Action::Allow {
                        other.action = other.action.max(action);
                    }
                    if told && other.kind != finding.kind && !other.covers.contains(&finding.kind) {
                        other.covers.push(finding.kind);
                    }
                    if (told || own && action != Action::Allow)
                        && (range.start < other.range.start || other.range.end < range.end)
                    {
                        beyond = Some(*start);
                    }
                }
            }
            // What the policy told to find takes along what reaches out of it, and goes as a whole itself.
            if let Some(mut other) = beyond.and_then(|start| settled.remove(&start)) {
                let before = settled.range(..range.start).next_back().map_or(0, |(_, it)| it.range.end);
                let after = settled.range(other.range.end.max(range.start)..).next();
                let after = after.map_or(text.len(), |(start, _)| *start);
                other.range.start = other.range.start.min(range.start.max(before));
                other.range.end = other.range.end.max(range.end.min(after));
                settled.insert(other.range.start, other);
            }
            if free {
                for start in displaced {
                    settled.remove(&start);
                }
                settled.insert(range.start, finding);
            }
        }
        settled.into_values()
    }
}

pub(super) struct Rule {
    pub name: Rc<str>,
    pub kind: TypeId,
    /// In requests and in answers.
    actions: [Action; 2],
    /// With less confidence it has found nothing.
    pub least: Confidence,
}

impl Rule {
    pub fn action(&self, side: Side) -> Action {
        let [request, answer] = self.actions;
        match side {
            Side::Request => request,
            Side::Answer => answer,
        }
    }
}

/// The same for every policy, and not small.
static ANCHORS: LazyLock<Option<Anchors>> = LazyLock::new(Anchors::new);
static PEOPLE: LazyLock<Option<People>> = LazyLock::new(People::new);

#[cfg(test)]
#[path = "detector_tests.rs"]
mod tests;
