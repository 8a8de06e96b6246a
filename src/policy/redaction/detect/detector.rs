//! One pass over a text, and what it found.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::rc::Rc;
use std::sync::LazyLock;

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Input, MatchKind};

use super::allow::AllowList;
use super::dictionary::{Dictionary, Terms};
use super::encoded;
use super::fields::{self, Fields};
use super::fold::fold;
use super::identity;
use super::model::{Model, What};
use super::numbers::Run;
use super::own::OwnPatterns;
use super::phone;
use super::pieces::goes_on;
use super::secrets::key;
use super::table::{Confidence, Hit, Sight, Spec, Wake, detectors};
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
    rules: Vec<Rule>,
    /// Where the policy's own begin.
    first_own: usize,
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
    fn candidates(&self, text: &str, side: Side, depth: usize) -> Vec<Candidate> {
        let folded = fold(text);
        let mut candidates = Vec::new();
        if let Some(anchors) = &self.anchors {
            anchors.scan(folded.text(), &mut candidates);
        }
        if let Some(people) = &self.people {
            people.scan(folded.text(), &mut candidates);
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
            if let Some(rule) = self.rules.iter().position(|rule| Rc::ptr_eq(&rule.name, &first.rule)) {
                candidates.push(Candidate { rule, hit: Hit { range, confidence: first.confidence } });
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
    fn resolve(&self, text: &str, mut candidates: Vec<Candidate>, side: Side) -> Vec<Finding> {
        let action = |candidate: &Candidate| {
            self.rules.get(candidate.rule).map_or(Action::Redact, |rule| rule.action(side))
        };
        candidates.retain(|candidate| {
            self.rules.get(candidate.rule).is_some_and(|rule| candidate.hit.confidence >= rule.least)
        });
        candidates.sort_by_cached_key(|candidate| {
            let Hit { range, confidence } = &candidate.hit;
            (usize::MAX - range.len(), std::cmp::Reverse((*confidence, action(candidate))), range.start)
        });
        let mut settled: BTreeMap<usize, Finding> = BTreeMap::new();
        for candidate in &candidates {
            let Some(rule) = self.rules.get(candidate.rule) else { continue };
            let range = candidate.hit.range.clone();
            let allowed = rule.action(side) == Action::Allow || self.lets_through(text, &range, rule.kind);
            let action = if allowed { Action::Allow } else { rule.action(side) };
            let told = candidate.rule >= self.first_own && !allowed;
            let mut free = true;
            let overlapping =
                settled.range_mut(..range.end).rev().take_while(|(_, other)| other.range.end > range.start);
            let mut displaced = Vec::new();
            for (start, other) in overlapping {
                if other.action == Action::Allow && told {
                    displaced.push(*start);
                } else {
                    free = false;
                    if other.action != Action::Allow {
                        other.action = other.action.max(action);
                    }
                }
            }
            if free {
                for start in displaced {
                    settled.remove(&start);
                }
                settled.insert(
                    range.start,
                    Finding {
                        range,
                        kind: rule.kind,
                        action,
                        confidence: candidate.hit.confidence,
                        rule: Rc::clone(&rule.name),
                    },
                );
            }
        }
        settled.into_values().filter(|finding| finding.action != Action::Allow).collect()
    }
}

struct Rule {
    name: Rc<str>,
    kind: TypeId,
    /// In requests and in answers.
    actions: [Action; 2],
    /// With less confidence it has found nothing.
    least: Confidence,
}

impl Rule {
    fn action(&self, side: Side) -> Action {
        let [request, answer] = self.actions;
        match side {
            Side::Request => request,
            Side::Answer => answer,
        }
    }
}

struct Candidate {
    rule: usize,
    hit: Hit,
}

/// The same for every policy, and not small.
static ANCHORS: LazyLock<Option<Anchors>> = LazyLock::new(Anchors::new);
static PEOPLE: LazyLock<Option<People>> = LazyLock::new(People::new);

/// The detectors that are a statistical model, with their places in the table.
struct People {
    model: Model<'static>,
    person: usize,
    address: usize,
}

impl People {
    fn new() -> Option<Self> {
        let place =
            |what| detectors().position(|spec| matches!(spec.wake, Wake::Model(wakes) if wakes == what));
        Some(Self { model: Model::built_in()?, person: place(What::Person)?, address: place(What::Address)? })
    }

    fn scan(&self, text: &str, candidates: &mut Vec<Candidate>) {
        candidates.extend(self.model.find(text).into_iter().map(|span| Candidate {
            rule: match span.what {
                What::Person => self.person,
                What::Address => self.address,
            },
            hit: Hit { range: span.range, confidence: Confidence::from_percent((span.chance * 99.0) as u8) },
        }));
    }
}

/// The table of detectors as one automaton.
struct Anchors {
    automaton: DFA,
    specs: Vec<&'static Spec>,
    /// By the automaton's pattern: what its literal does.
    wakes: Vec<Vec<Woken>>,
    numbers: Vec<Number>,
    identity: identity::Numbers,
    fields: Fields,
}

/// What a literal does; the index is a detector's.
#[derive(Clone, Copy)]
enum Woken {
    Scanner(usize),
    Context(usize),
    Numbers,
    Fields,
}

struct Number {
    rule: usize,
    scan: fn(&Run, usize, Option<usize>) -> Option<Hit>,
}

impl Anchors {
    fn new() -> Option<Self> {
        let mut literals: Vec<String> = Vec::new();
        let mut wakes: Vec<Vec<Woken>> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut numbers = Vec::new();
        let mut add = |literal: &str, woken: Woken| {
            let literal = literal.to_ascii_lowercase();
            let index = *known.entry(literal.clone()).or_insert_with(|| {
                literals.push(literal);
                wakes.push(Vec::new());
                wakes.len() - 1
            });
            if let Some(wakes) = wakes.get_mut(index) {
                wakes.push(woken);
            }
        };
        for digit in '0'..='9' {
            add(digit.encode_utf8(&mut [0; 4]), Woken::Numbers);
        }
        for (rule, spec) in detectors().enumerate() {
            match &spec.wake {
                Wake::At(literals, _) | Wake::Key(literals, _) => {
                    literals.iter().for_each(|literal| add(literal, Woken::Scanner(rule)));
                }
                Wake::Number(scan) => numbers.push(Number { rule, scan: *scan }),
                // Their words are read near numbers only.
                Wake::Written(_) | Wake::Named(_) => continue,
                Wake::Model(_) | Wake::Field(_) => {}
            }
            spec.context.iter().for_each(|word| add(word, Woken::Context(rule)));
        }
        fields::STEMS.iter().for_each(|stem| add(stem, Woken::Fields));
        // A longer literal is found in place of the stem in it.
        for (literal, wakes) in literals.iter().zip(&mut wakes) {
            let stem = fields::STEMS.iter().any(|stem| literal.len() > stem.len() && literal.contains(stem));
            wakes.extend(stem.then_some(Woken::Fields));
        }
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&literals);
        let specs: Vec<_> = detectors().collect();
        let identity = identity::Numbers::new(&specs)?;
        let fields = Fields::new(&specs);
        Some(Self { automaton: automaton.ok()?, specs, wakes, numbers, identity, fields })
    }

    fn scan(&self, text: &str, candidates: &mut Vec<Candidate>) {
        // By detector: where the word ends that announced it last.
        let mut contexts: Vec<Option<usize>> = vec![None; self.specs.len()];
        let mut identities = self.identity.state();
        let mut fields = fields::State::default();
        let first = candidates.len();
        let mut at = 0;
        while let Ok(Some(found)) = self.automaton.try_find(&Input::new(text).range(at..)) {
            let anchor = found.range();
            at = anchor.start + 1;
            for woken in self.wakes.get(found.pattern().as_usize()).map_or(&[][..], Vec::as_slice) {
                match *woken {
                    Woken::Numbers => {
                        at =
                            self.scan_numbers(text, anchor.start, &mut contexts, &mut identities, candidates);
                    }
                    Woken::Fields => self.fields.read(text, anchor.clone(), &mut fields),
                    Woken::Context(rule) => {
                        if is_word(text, &anchor)
                            && let Some(context) = contexts.get_mut(rule)
                        {
                            *context = Some(anchor.end);
                            at = anchor.end;
                        }
                    }
                    Woken::Scanner(rule) => {
                        at = at.max(anchor.end);
                        let Some(spec) = self.specs.get(rule) else { continue };
                        let Some(hit) = look(spec, text, anchor.clone()) else { continue };
                        if hit.confidence == Confidence::CHECKED {
                            at = at.max(hit.range.end);
                        }
                        self.announce(spec.kind, hit.range.end, &mut contexts);
                        candidates.push(Candidate { rule, hit });
                    }
                }
            }
        }
        let others = candidates.iter().skip(first).map(|it| (it.rule, it.hit.range.start));
        let found = self.fields.finish(fields, others);
        candidates.extend(found.into_iter().map(|(rule, hit)| Candidate { rule, hit }));
    }

    /// Shows a run of digits to every detector of numbers, from each of its groups; answers where to read on.
    fn scan_numbers(
        &self,
        text: &str,
        start: usize,
        contexts: &mut [Option<usize>],
        identities: &mut identity::State,
        candidates: &mut Vec<Candidate>,
    ) -> usize {
        if let Some(end) = small_number(text.as_bytes(), start) {
            return end;
        }
        let run = Run::read(text, start);
        let (groups, next) = run.extent();
        self.identity.scan(&run, identities, |rule, hit| candidates.push(Candidate { rule, hit }));
        for Number { rule, scan } in &self.numbers {
            let mut beyond = 0;
            for group in 0..groups {
                if run.group(group).start < beyond {
                    continue;
                }
                let context = contexts.get(*rule).copied().flatten();
                if let Some(hit) = scan(&run, group, context) {
                    beyond = hit.range.end;
                    // A word announces one value, and others that follow at once.
                    if let Some(context) = contexts.get_mut(*rule) {
                        *context = Some(announced_by(beyond));
                    }
                    candidates.push(Candidate { rule: *rule, hit });
                }
            }
        }
        next
    }

    /// A finding announces those that like to follow it, if they follow at once.
    fn announce(&self, kind: &str, end: usize, contexts: &mut [Option<usize>]) {
        for (spec, context) in self.specs.iter().zip(contexts) {
            if spec.follows == Some(kind) {
                *context = Some(announced_by(end));
            }
        }
    }
}

/// Most numbers in prose are short and stand alone: too few digits for anything, and nothing around them to make more
/// of them. Where such a number ends.
fn small_number(text: &[u8], start: usize) -> Option<usize> {
    let digits = text.get(start..)?.iter().take(FEWEST).take_while(|byte| byte.is_ascii_digit()).count();
    let end = start + digits;
    let joined = match (text.get(end), text.get(end + 1)) {
        (Some(b' '), Some(next)) => next.is_ascii_digit() || b"(-/*`~".contains(next),
        (Some(b')' | b'*' | b'`' | b'~'), _) => true,
        (Some(b'-' | b'.' | b'/' | b'('), Some(next)) => !next.is_ascii_whitespace(),
        (Some(byte), _) => byte.is_ascii_alphanumeric(),
        (None, _) => false,
    };
    let joined = joined || matches!(digits, 1 | 2 | 4) && goes_on(text, end);
    let lonely =
        digits < FEWEST && !joined && !text.get(..start)?.last().is_some_and(u8::is_ascii_alphabetic);
    lonely.then_some(end)
}

/// Digits of the shortest number that is looked for alone.
const FEWEST: usize = 5;

/// What a detector that is not of numbers makes of an anchor.
fn look(spec: &Spec, text: &str, anchor: Range<usize>) -> Option<Hit> {
    let sight = Sight { text, anchor };
    match &spec.wake {
        Wake::At(_, scan) => scan(&sight),
        Wake::Key(prefixes, tail) => {
            let prefix = text.get(sight.anchor.clone())?;
            prefixes.contains(&prefix).then(|| key(&sight, tail))?
        }
        Wake::Number(_) | Wake::Written(_) | Wake::Named(_) | Wake::Model(_) | Wake::Field(_) => None,
    }
}

/// Where a word would end that announces as much as a finding that ends at `end`.
fn announced_by(end: usize) -> usize {
    end.saturating_sub(phone::WINDOW - FOLLOWS_WITHIN)
}

/// Bytes between a finding and one that it announces: a comma, an "or".
const FOLLOWS_WITHIN: usize = 6;

/// Whether a literal stands as a word: `tel.`, `tel_no`, `telNo`, not `hotel` or `telling`.
fn is_word(text: &str, range: &Range<usize>) -> bool {
    let before = text.as_bytes().get(..range.start).and_then(<[u8]>::last);
    let after = text.as_bytes().get(range.end);
    !before.is_some_and(u8::is_ascii_alphanumeric) && !after.is_some_and(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
#[path = "detector_tests.rs"]
mod tests;
