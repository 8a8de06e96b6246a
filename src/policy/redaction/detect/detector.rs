//! One pass over a text, and what it found.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{AhoCorasick, Input, MatchKind};
use regex::Regex;

use super::fold::fold;
use super::numbers::Run;
use super::phone;
use super::secrets::key;
use super::table::{Confidence, Hit, Sight, Spec, Wake, detectors};
use crate::config::{Action, Allowed, DATA_TYPES, Data};

/// A type of sensitive value, in the detector that found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(u16);

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

/// Finds what a policy's `data` section asks for.
///
/// The built-in detectors share one reading of the text. Each custom pattern reads it once more, and all dictionaries
/// together once. A custom pattern is matched against the folded text and, where folding changes something, against
/// the text as it is: `\d` finds full-width digits too. `\w`, `\d`, `\b` and case follow Unicode.
pub struct Detector {
    /// By [`TypeId`]: the built-in types, then the policy's own.
    types: Vec<Rc<str>>,
    /// The built-in detectors, in the order of their table; then the policy's own.
    rules: Vec<Rule>,
    anchors: Option<Anchors>,
    custom: Vec<(usize, Regex)>,
    dictionary: Option<Dictionary>,
    allowed: AllowList,
}

impl Detector {
    pub fn new(data: &Data) -> Self {
        let mut detector = Self {
            types: DATA_TYPES.iter().map(|name| (*name).into()).collect(),
            rules: Vec::new(),
            anchors: Anchors::new(),
            custom: Vec::new(),
            dictionary: None,
            allowed: AllowList::new(&data.allow),
        };
        for spec in detectors() {
            let action = data.find.get(spec.kind).copied().unwrap_or(Action::Redact);
            detector.add_rule(spec.name, spec.kind, action);
        }
        for custom in data.custom.iter().filter(|custom| custom.action != Action::Allow) {
            let rule = detector.add_rule(&custom.name, &custom.name, custom.action);
            detector.custom.push((rule, custom.pattern.clone()));
        }
        let mut terms = Vec::new();
        for dictionary in data.dictionaries.iter().filter(|dictionary| dictionary.action != Action::Allow) {
            let rule = detector.add_rule(&dictionary.name, &dictionary.name, dictionary.action);
            terms.extend(dictionary.terms.iter().map(|term| (rule, term.as_str())));
        }
        detector.dictionary = Dictionary::new(&terms);
        detector
    }

    /// What the text holds, in order and without overlap. Of findings that overlap the longest stays, then the most
    /// certain, then the one with the strictest action; it takes on the strictest action of those that it displaces.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let folded = fold(text);
        let mut candidates = Vec::new();
        if let Some(anchors) = &self.anchors {
            anchors.scan(&folded.text, &mut candidates);
        }
        self.find_own(&folded.text, &mut candidates);
        if folded.is_changed() {
            for candidate in &mut candidates {
                candidate.hit.range = folded.unfold(candidate.hit.range.clone());
            }
            self.find_own(text, &mut candidates);
        }
        self.resolve(text, candidates)
    }

    /// Snake case: `email`, `employee_id`.
    pub fn type_name(&self, kind: TypeId) -> &str {
        self.types.get(usize::from(kind.0)).map_or("", |name| name)
    }

    fn add_rule(&mut self, name: &str, type_name: &str, action: Action) -> usize {
        let index = self.types.iter().position(|known| &**known == type_name).unwrap_or_else(|| {
            self.types.push(type_name.into());
            self.types.len() - 1
        });
        let kind = TypeId(u16::try_from(index).unwrap_or(u16::MAX));
        self.rules.push(Rule { name: name.into(), kind, action });
        self.rules.len() - 1
    }

    /// What the policy's own patterns and terms find.
    fn find_own(&self, text: &str, candidates: &mut Vec<Candidate>) {
        let mut add = |rule, range: Range<usize>| {
            if !range.is_empty() {
                candidates.push(Candidate { rule, hit: Hit { range, confidence: Confidence::TOLD } });
            }
        };
        for (rule, pattern) in &self.custom {
            for found in pattern.find_iter(text) {
                add(*rule, found.range());
            }
        }
        if let Some(dictionary) = &self.dictionary {
            dictionary.scan(text, add);
        }
    }

    /// Settles overlaps. What the policy allows takes part, so that its digits are not taken for something else, and
    /// is left out at the end; it never displaces what the policy itself told to find.
    fn resolve(&self, text: &str, mut candidates: Vec<Candidate>) -> Vec<Finding> {
        let action =
            |candidate: &Candidate| self.rules.get(candidate.rule).map_or(Action::Redact, |rule| rule.action);
        candidates.sort_by_cached_key(|candidate| {
            let Hit { range, confidence } = &candidate.hit;
            (usize::MAX - range.len(), std::cmp::Reverse((*confidence, action(candidate))), range.start)
        });
        let mut settled: BTreeMap<usize, Finding> = BTreeMap::new();
        for candidate in &candidates {
            let Some(rule) = self.rules.get(candidate.rule) else { continue };
            let range = candidate.hit.range.clone();
            let allowed = rule.action == Action::Allow
                || text.get(range.clone()).is_none_or(|value| self.allowed.has(value));
            let action = if allowed { Action::Allow } else { rule.action };
            let told = candidate.hit.confidence == Confidence::TOLD && !allowed;
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
    action: Action,
}

struct Candidate {
    rule: usize,
    hit: Hit,
}

/// The table of detectors as one automaton.
struct Anchors {
    automaton: DFA,
    specs: Vec<&'static Spec>,
    /// By the automaton's pattern: what its literal does.
    wakes: Vec<Vec<Woken>>,
    numbers: Vec<Number>,
}

/// What a literal does; the index is a detector's.
#[derive(Clone, Copy)]
enum Woken {
    Scanner(usize),
    Context(usize),
    Numbers,
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
            }
            spec.context.iter().for_each(|word| add(word, Woken::Context(rule)));
        }
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&literals);
        Some(Self { automaton: automaton.ok()?, specs: detectors().collect(), wakes, numbers })
    }

    fn scan(&self, text: &str, candidates: &mut Vec<Candidate>) {
        // By detector: where the word ends that announced it last.
        let mut contexts: Vec<Option<usize>> = vec![None; self.specs.len()];
        let mut at = 0;
        while let Ok(Some(found)) = self.automaton.try_find(&Input::new(text).range(at..)) {
            let anchor = found.range();
            at = anchor.start + 1;
            for woken in self.wakes.get(found.pattern().as_usize()).map_or(&[][..], Vec::as_slice) {
                match *woken {
                    Woken::Numbers => at = self.scan_numbers(text, anchor.start, &mut contexts, candidates),
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
    }

    /// Shows a run of digits to every detector of numbers, from each of its groups; answers where to read on.
    fn scan_numbers(
        &self,
        text: &str,
        start: usize,
        contexts: &mut [Option<usize>],
        candidates: &mut Vec<Candidate>,
    ) -> usize {
        if let Some(end) = small_number(text.as_bytes(), start) {
            return end;
        }
        let run = Run::read(text, start);
        let (groups, next) = run.extent();
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
    let digits = text.get(start..)?.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
    let end = start + digits;
    let joined = match (text.get(end), text.get(end + 1)) {
        (Some(b' '), Some(next)) => next.is_ascii_digit() || b"(-/".contains(next),
        (Some(b')'), _) => true,
        (Some(b'-' | b'.' | b'/' | b'('), Some(next)) => !next.is_ascii_whitespace(),
        (Some(byte), _) => byte.is_ascii_alphanumeric(),
        (None, _) => false,
    };
    let lonely = digits < 7 && !joined && !text.get(..start)?.last().is_some_and(u8::is_ascii_alphabetic);
    lonely.then_some(end)
}

/// What a detector that is not of numbers makes of an anchor.
fn look(spec: &Spec, text: &str, anchor: Range<usize>) -> Option<Hit> {
    let sight = Sight { text, anchor };
    match &spec.wake {
        Wake::At(_, scan) => scan(&sight),
        Wake::Key(prefixes, tail) => {
            let prefix = text.get(sight.anchor.clone())?;
            prefixes.contains(&prefix).then(|| key(&sight, tail))?
        }
        Wake::Number(_) => None,
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

/// The terms of all dictionaries as one automaton.
struct Dictionary {
    automaton: AhoCorasick,
    /// By the automaton's pattern.
    rules: Vec<usize>,
}

impl Dictionary {
    fn new(terms: &[(usize, &str)]) -> Option<Self> {
        let mut rules = Vec::new();
        let mut spellings = Vec::new();
        for (rule, term) in terms.iter().filter(|(_, term)| !term.is_empty()) {
            let mut add = |spelling: String| {
                rules.push(*rule);
                spellings.push(spelling);
            };
            add((*term).to_owned());
            if !term.is_ascii() {
                // The automaton knows the two cases of ASCII only.
                add(term.to_lowercase());
                add(term.to_uppercase());
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&spellings)
            .ok()?;
        (!rules.is_empty()).then_some(Self { automaton, rules })
    }

    fn scan(&self, text: &str, mut found: impl FnMut(usize, Range<usize>)) {
        for term in self.automaton.find_overlapping_iter(text) {
            if is_bounded(text, term.range())
                && let Some(rule) = self.rules.get(term.pattern().as_usize())
            {
                found(*rule, term.range());
            }
        }
    }
}

/// Whether a term begins and ends where words do. Scripts that write without spaces have no such places.
fn is_bounded(text: &str, range: Range<usize>) -> bool {
    let joins = |c: Option<char>| c.is_some_and(|c| c == '_' || c.is_alphanumeric() && c < '\u{2E80}');
    let term = text.get(range.clone()).unwrap_or_default();
    let before = text.get(..range.start).and_then(|before| before.chars().next_back());
    let after = text.get(range.end..).and_then(|after| after.chars().next());
    let inside = |edge: Option<char>, next: Option<char>| joins(edge) && joins(next);
    !inside(term.chars().next(), before) && !inside(term.chars().next_back(), after)
}

/// Values that the policy lets through.
struct AllowList {
    /// Lower case.
    exact: HashSet<String>,
    patterns: Vec<Regex>,
}

impl AllowList {
    fn new(allowed: &[Allowed]) -> Self {
        let mut list = Self { exact: HashSet::new(), patterns: Vec::new() };
        for allowed in allowed {
            match allowed {
                Allowed::Exact(value) => {
                    list.exact.insert(value.to_lowercase());
                }
                // The value as a whole: of alternatives, the regex would take the first that fits its beginning.
                Allowed::Pattern(pattern) => list.patterns.extend(
                    Regex::new(&format!(r"\A(?:{})\z", pattern.as_str()))
                        .or_else(|_| Regex::new(&format!("\\A(?:{}\n)\\z", pattern.as_str()))),
                ),
            }
        }
        list
    }

    fn has(&self, value: &str) -> bool {
        let exact = !self.exact.is_empty() && self.exact.contains(&value.to_lowercase());
        exact || self.patterns.iter().any(|pattern| pattern.is_match(value))
    }
}

#[cfg(test)]
#[path = "detector_tests.rs"]
mod tests;
