//! The table of detectors as one automaton, and what its literals wake.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Input, MatchKind};

use super::fields::{self, Fields, Found};
use super::identity;
use super::numbers::Run;
use super::phone;
use super::pieces::goes_on;
use super::secrets::key;
use super::table::{Confidence, Hit, Sight, Spec, Wake, detectors};

/// What a rule takes for something; the rule is a detector's place in the table, or one of the policy's own.
pub(super) struct Candidate {
    pub rule: usize,
    pub hit: Hit,
}

/// The table of detectors as one automaton.
pub(super) struct Anchors {
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
    /// The index is among the detectors of numbers: no other asks for words before it.
    Context(usize),
    Numbers,
    Fields,
}

struct Number {
    rule: usize,
    scan: fn(&Run, usize, Option<usize>) -> Option<Hit>,
    /// A type whose findings announce this one.
    follows: Option<&'static str>,
}

/// What is known while one text is read.
struct State<'a> {
    /// By detector of numbers: where the word ends that announced it last.
    contexts: Vec<Option<usize>>,
    identities: identity::State<'a>,
    fields: fields::State,
    /// Room for the groups of a run.
    groups: Vec<Range<usize>>,
}

impl Anchors {
    pub fn new() -> Option<Self> {
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
                Wake::Number(scan) => {
                    let context = Woken::Context(numbers.len());
                    spec.context.iter().for_each(|word| add(word, context));
                    numbers.push(Number { rule, scan: *scan, follows: spec.follows });
                }
                // Their words are read near numbers only.
                Wake::Written(_) | Wake::Named(_) | Wake::Model(_) | Wake::Field(_) => {}
            }
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

    /// Answers the cells of tables that hold something, in order.
    pub fn scan(&self, text: &str, candidates: &mut Vec<Candidate>) -> Vec<Range<usize>> {
        let mut state = State {
            contexts: vec![None; self.numbers.len()],
            identities: self.identity.state(),
            fields: fields::State::default(),
            groups: Vec::new(),
        };
        let first = candidates.len();
        let mut at = 0;
        while let Ok(Some(found)) = self.automaton.try_find(&Input::new(text).range(at..)) {
            let anchor = found.range();
            at = anchor.start + 1;
            for woken in self.wakes.get(found.pattern().as_usize()).map_or(&[][..], Vec::as_slice) {
                match *woken {
                    Woken::Numbers => at = self.scan_numbers(text, anchor.start, &mut state, candidates),
                    Woken::Fields => self.fields.read(text, anchor.clone(), &mut state.fields),
                    Woken::Context(number) => {
                        if is_word(text, &anchor)
                            && let Some(context) = state.contexts.get_mut(number)
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
                        self.announce(spec.kind, hit.range.end, &mut state.contexts);
                        candidates.push(Candidate { rule, hit });
                    }
                }
            }
        }
        let others = candidates.iter().skip(first).map(|it| (it.rule, it.hit.range.start));
        let Found { hits, cells } = self.fields.finish(state.fields, others);
        candidates.extend(hits.into_iter().map(|(rule, hit)| Candidate { rule, hit }));
        cells
    }

    /// Shows a run of digits to every detector of numbers, from each of its groups; answers where to read on.
    fn scan_numbers(
        &self,
        text: &str,
        start: usize,
        state: &mut State,
        candidates: &mut Vec<Candidate>,
    ) -> usize {
        if let Some(end) = small_number(text.as_bytes(), start) {
            return end;
        }
        let State { contexts, identities, groups, .. } = state;
        let run = Run::read(text, start, groups);
        let (groups, next) = run.extent();
        self.identity.scan(&run, identities, |rule, hit| candidates.push(Candidate { rule, hit }));
        for (Number { rule, scan, .. }, context) in self.numbers.iter().zip(contexts) {
            let mut beyond = 0;
            for group in 0..groups {
                if run.group(group).start < beyond {
                    continue;
                }
                if let Some(hit) = scan(&run, group, *context) {
                    beyond = hit.range.end;
                    // A word announces one value, and others that follow at once.
                    *context = Some(announced_by(beyond));
                    candidates.push(Candidate { rule: *rule, hit });
                }
            }
        }
        next
    }

    /// A finding announces those that like to follow it, if they follow at once.
    fn announce(&self, kind: &str, end: usize, contexts: &mut [Option<usize>]) {
        for (number, context) in self.numbers.iter().zip(contexts) {
            if number.follows == Some(kind) {
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
