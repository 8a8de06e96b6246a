//! Numbers that people and their accounts are known by: identity cards, passports, taxes, health, banks.
//!
//! A number is sensitive because of what it is, and most of these are digits like any other. Three things tell them,
//! in falling order of weight:
//!
//! ```text
//! alone    shape and check digits that chance gives to less than one in a thousand   756.9217.0769.85
//! near     shape and check digits, and a word within some bytes                      the PESEL of Anna N. (44051401359)
//! behind   the word right before it, whatever the digits                             national_id: "262 374 645"
//! ```
//!
//! A run of digits is looked up by its length and the letters before it: few of the many shapes are tried on any one.
//! Words are read only where such a run is. Words for other things, such as orders and barcodes, keep it away.

pub(super) mod america;
pub(super) mod asia;
pub(super) mod europe;
mod gap;
pub(super) mod institutions;
mod shape;
mod token;
mod words;

use super::numbers::Run;
use super::table::{Confidence, Hit, Named, OTHER_NUMBERS, Spec, Wake, Written};
use shape::{fit, opening};
use token::{begins, ends, is_word, token};
use words::{Lexicon, Reader, Word};

/// All rules of the table that are of numbers with a shape or a word.
pub(super) struct Numbers {
    shapes: Vec<Shape>,
    /// By letters before the first digit and the digits that follow: indices of shapes.
    openings: Vec<Vec<u16>>,
    /// Those of them that need no word.
    alone: Vec<Vec<u16>>,
    rules: Vec<Rule>,
    lexicon: Lexicon,
    /// By word: the rules that it speaks of.
    spoken: Vec<Mask>,
}

/// Rules as a set, a bit for each.
type Mask = u128;

struct Shape {
    text: &'static str,
    /// Index into `rules`.
    rule: u16,
    tier: Tier,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tier {
    Alone,
    Near,
    Behind,
}

struct Rule {
    /// In the table of detectors.
    spec: usize,
    kind: &'static str,
    form: Form,
}

enum Form {
    Written(&'static Written),
    Named(&'static Named),
}

/// What a word means that is for other things than people.
const OTHER: u16 = u16::MAX;
const MOST_LETTERS: usize = 8;
const MOST_DIGITS: usize = 20;
/// Longer groups of digits are no number of anybody.
const LONGEST_GROUP: usize = 28;
/// Fewer letters and digits are not looked at.
const SHORTEST: usize = 5;

/// What is known while one text is read.
pub(super) struct State<'n> {
    reader: Reader<'n>,
    /// The word that spoke of the last number, and where that number ended.
    last: Option<(Word, usize)>,
}

impl Numbers {
    pub fn new(specs: &[&'static Spec]) -> Option<Self> {
        let mut rules = Vec::new();
        let mut shapes = Vec::new();
        let mut words: Vec<(&'static str, u16)> = OTHER_NUMBERS.iter().map(|word| (*word, OTHER)).collect();
        let mut openings = vec![Vec::new(); (MOST_LETTERS + 1) * (MOST_DIGITS + 1)];
        let mut alone = openings.clone();
        for (spec, detector) in specs.iter().enumerate() {
            let form = match &detector.wake {
                Wake::Written(written) => Form::Written(written),
                Wake::Named(named) => Form::Named(named),
                _ => continue,
            };
            let rule = u16::try_from(rules.len()).ok()?;
            words.extend(detector.context.iter().map(|word| (*word, rule)));
            if let Form::Written(written) = &form {
                for (tier, texts) in
                    [(Tier::Alone, written.alone), (Tier::Near, written.near), (Tier::Behind, written.behind)]
                {
                    for text in texts {
                        let index = u16::try_from(shapes.len()).ok()?;
                        shapes.push(Shape { text, rule, tier });
                        let opening = opening(text);
                        for (place, (shapes, alone)) in openings.iter_mut().zip(&mut alone).enumerate() {
                            let (letters, digits) = (place / (MOST_DIGITS + 1), place % (MOST_DIGITS + 1));
                            let fits = opening.letters.is_none_or(|expected| expected == letters);
                            if fits && opening.digits & 1 << digits != 0 {
                                shapes.push(index);
                                alone.extend((tier == Tier::Alone).then_some(index));
                            }
                        }
                    }
                }
            }
            rules.push(Rule { spec, kind: detector.kind, form });
        }
        let lexicon = Lexicon::new(words.into_iter())?;
        let spoken = (0..lexicon.count()).map(|word| spoken(&rules, lexicon.meanings(word)));
        let spoken = spoken.collect::<Option<_>>()?;
        Some(Self { shapes, openings, alone, rules, spoken, lexicon })
    }

    pub fn state(&self) -> State<'_> {
        State { reader: Reader::new(&self.lexicon), last: None }
    }

    /// What a run of digits holds: the detector and what it found.
    pub fn scan(&self, run: &Run, state: &mut State, mut found: impl FnMut(usize, Hit)) {
        let (groups, _) = run.extent();
        let mut beyond = 0;
        for group in 0..groups {
            if run.group(group).start < beyond || run.len(group) > LONGEST_GROUP {
                continue;
            }
            if let Some((rule, hit)) = self.look(run, group, state) {
                beyond = hit.range.end;
                found(rule, hit);
            }
        }
    }

    fn look(&self, run: &Run, group: usize, state: &mut State) -> Option<(usize, Hit)> {
        let text = run.text();
        let bytes = text.as_bytes();
        let first = run.group(group);
        let mut starts = starts(bytes, first.start)?;
        if size(run, group, starts) < SHORTEST {
            return None;
        }
        state.reader.read(text, first.clone());
        // The word itself may be attached: `cpf12345678909`; not as a part of an identifier: `4b69-aba2-…`.
        let mut words = state.reader.words.iter().rev();
        if words.any(|word| word.range.end == first.start && begins(bytes, word.range.start)) {
            starts[2] = Some(Start { at: first.start, letters: 0 });
        }
        let behind = state.reader.words.iter().rev().take_while(|word| word.range.start >= first.end);
        let behind = behind.fold(0, |all, word| all | self.spoken(word));
        let mut best: Option<(Grade, usize, Hit)> = None;
        let mut announcing = None;
        for start in starts.into_iter().flatten() {
            let said = self.said(text, start.at, state);
            if said.other {
                continue;
            }
            let place = start.letters * (MOST_DIGITS + 1) + first.len();
            // With no word on either side only those count that need none.
            let mentioned = said.mentioned | behind;
            let openings = if mentioned == 0 { &self.alone } else { &self.openings };
            let known = (first.len() <= MOST_DIGITS).then(|| openings.get(place)).flatten();
            let known = known.filter(|_| said.announcing.is_some() || begins(bytes, start.at));
            let shapes = known.map_or(&[][..], Vec::as_slice).iter().filter_map(|index| {
                let shape = self.shapes.get(usize::from(*index))?;
                (shape.tier == Tier::Alone || mentioned & bit(shape.rule) != 0).then_some(shape)
            });
            let fitting = shapes.filter_map(|shape| self.shape(shape, text, start.at, &said, state));
            let any = self.any(run, group, start.at, &said);
            for (grade, spec, hit) in fitting.chain(any) {
                let rank = (grade, hit.range.len());
                if best.as_ref().is_none_or(|(grade, _, best)| rank > (*grade, best.range.len())) {
                    announcing.clone_from(&said.announcing);
                    best = Some((grade, spec, hit));
                }
            }
        }
        let (_, spec, hit) = best?;
        if let Some(word) = announcing {
            state.last = Some((word, hit.range.end));
        }
        Some((spec, hit))
    }

    /// Any number behind a word that announces one.
    fn any(&self, run: &Run, group: usize, start: usize, said: &Said) -> Option<(Grade, usize, Hit)> {
        let (spec, named) = self.named(said.announcing.as_ref()?)?;
        let range = token(run, group, start, named)?;
        Some((Grade::Named, spec, Hit { range, confidence: NAMED }))
    }

    /// One shape at one place.
    fn shape(
        &self,
        shape: &Shape,
        text: &str,
        start: usize,
        said: &Said,
        state: &State,
    ) -> Option<(Grade, usize, Hit)> {
        let rule = self.rules.get(usize::from(shape.rule))?;
        let Form::Written(written) = rule.form else { return None };
        let bytes = text.as_bytes();
        let own = said.announcing.as_ref().is_some_and(|word| self.meanings(word).contains(&shape.rule));
        let before = |word: &Word| {
            start.saturating_sub(word.range.end) <= written.within && self.spoken(word) & bit(shape.rule) != 0
        };
        let near = match &said.announcing {
            Some(word) => before(word),
            None => said.heads.iter().flatten().any(before),
        };
        if shape.tier == Tier::Behind && !own {
            return None;
        }
        let (end, value) = fit(shape.text, bytes, start, shape.tier == Tier::Alone && !near)?;
        let value = value.as_slice();
        if !ends(bytes, end) || value.iter().all(|byte| *byte == b'0') {
            return None;
        }
        let checked = (written.check)(value);
        let near =
            near || shape.tier == Tier::Near && checked && self.explained(text, end, shape.rule, state);
        let (grade, confidence) = match (shape.tier, checked) {
            (_, true) if near || own => (Grade::Checked, Confidence::CHECKED),
            (Tier::Alone, true) => (Grade::Checked, Confidence::SHAPED),
            _ if own && written.trusted => (Grade::Shaped, ANNOUNCED),
            _ => return None,
        };
        Some((grade, rule.spec, Hit { range: start..end, confidence }))
    }

    /// The words before a number.
    fn said(&self, text: &str, start: usize, state: &State) -> Said {
        let mut said = Said::default();
        let mut words = state.reader.words.iter().rev().skip_while(|word| word.range.end > start);
        let Some(word) = words.next() else { return said };
        let from = word.range.end;
        let gap = text.get(from..start).unwrap_or_default();
        let direct = gap::joins(gap) && (!gap.contains('\n') || gap.contains(':') || begins_line(text, word));
        if self.is_other(word) {
            said.other = direct;
            return said;
        }
        let mut heads = said.heads.iter_mut();
        if let Some(head) = heads.next() {
            *head = Some(word.clone());
        }
        if let (Some(head), Some(word)) = (heads.next(), words.next())
            && !self.is_other(word)
        {
            *head = Some(word.clone());
        }
        if direct {
            said.announcing = Some(word.clone());
        } else if let Some((word, end)) = &state.last
            && *end >= from
            && text.get(*end..start).is_some_and(gap::continues)
        {
            said.announcing = Some(word.clone());
        }
        let words = said.heads.iter().chain([&said.announcing]).flatten();
        said.mentioned = words.fold(0, |all, word| all | self.spoken(word));
        said
    }

    /// Whether a word right behind a number says that it is of this rule: "… is my passport number".
    fn explained(&self, text: &str, end: usize, rule: u16, state: &State) -> bool {
        let Some(word) = state.reader.words.iter().find(|word| word.range.start >= end) else { return false };
        let own_value = text
            .get(word.range.end..)
            .is_some_and(|rest| rest.trim_start_matches([' ', '"', '*']).starts_with([':', '=', '：']));
        self.spoken(word) & bit(rule) != 0
            && !own_value
            && text.get(end..word.range.start).is_some_and(gap::explains)
    }

    fn meanings(&self, word: &Word) -> &[u16] {
        self.lexicon.meanings(word.index)
    }

    fn is_other(&self, word: &Word) -> bool {
        self.meanings(word).contains(&OTHER)
    }

    fn spoken(&self, word: &Word) -> Mask {
        self.spoken.get(word.index).copied().unwrap_or_default()
    }

    /// What any number right behind a word is.
    fn named(&self, word: &Word) -> Option<(usize, &'static Named)> {
        let named = |kind: &str| {
            self.rules.iter().find_map(|rule| match rule.form {
                Form::Named(named) if rule.kind == kind => Some((rule.spec, named)),
                _ => None,
            })
        };
        self.meanings(word).iter().find_map(|meaning| {
            let rule = self.rules.get(usize::from(*meaning))?;
            match rule.form {
                Form::Named(named) => Some((rule.spec, named)),
                Form::Written(written) if written.trusted => named(rule.kind),
                Form::Written(_) => None,
            }
        })
    }
}

fn bit(rule: u16) -> Mask {
    Mask::from(1u8).checked_shl(u32::from(rule)).unwrap_or_default()
}

/// The rules that a word speaks of: its own, and all of a kind where it means all numbers of that kind.
fn spoken(rules: &[Rule], meanings: &[u16]) -> Option<Mask> {
    let mut all = 0;
    for (index, rule) in (0..).zip(rules) {
        let general = |meaning: &Rule| matches!(meaning.form, Form::Named(_)) && meaning.kind == rule.kind;
        let speaks = meanings
            .iter()
            .any(|meaning| *meaning == index || rules.get(usize::from(*meaning)).is_some_and(general));
        all |= if speaks { Mask::from(1u8).checked_shl(u32::from(index))? } else { 0 };
    }
    Some(all)
}

/// Whether a word is the first of its line, as labels are; not the end of a sentence in several lines.
fn begins_line(text: &str, word: &Word) -> bool {
    let before = text.get(..word.range.start).unwrap_or_default();
    before.chars().rev().take(4).find(|c| c.is_alphanumeric() || *c == '\n').is_none_or(|c| c == '\n')
}

/// How well a finding fits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Named,
    Shaped,
    Checked,
}

/// Any number behind a word.
const NAMED: Confidence = Confidence::from_percent(70);
/// The shape that the word promises, with check digits that do not agree.
const ANNOUNCED: Confidence = Confidence::from_percent(85);

/// What the words before a number say.
#[derive(Default)]
struct Said {
    /// The nearest two.
    heads: [Option<Word>; 2],
    /// The word that the number follows at once.
    announcing: Option<Word>,
    /// What those words speak of.
    mentioned: Mask,
    /// The number is announced as something else.
    other: bool,
}

/// A place where a number may begin.
#[derive(Clone, Copy)]
struct Start {
    at: usize,
    /// Letters before the first digit.
    letters: usize,
}

/// Where a number may begin whose first digit is at `digit`: with the letters before it, and with those before a
/// separator. `None` inside a longer word or number.
fn starts(text: &[u8], digit: usize) -> Option<[Option<Start>; 3]> {
    let letters = |end: usize| {
        let before = text.get(..end).unwrap_or_default();
        before.iter().rev().take(MOST_LETTERS + 1).take_while(|byte| byte.is_ascii_alphabetic()).count()
    };
    let mut attached = letters(digit);
    if attached > 0 && matches!(text.get(..digit - attached), Some([.., b'\\'])) {
        attached -= 1;
    }
    let at = digit - attached;
    let inside = text.get(..at).and_then(<[u8]>::last).is_some_and(|byte| is_word(*byte) && *byte != b'_');
    if attached > MOST_LETTERS || inside {
        return None;
    }
    let apart =
        if attached == 0 && matches!(text.get(..at), Some([.., b' ' | b'-'])) { letters(at - 1) } else { 0 };
    let apart = (1..=5).contains(&apart).then(|| Start { at: at - 1 - apart, letters: apart });
    Some([Some(Start { at, letters: attached }), apart, None])
}

/// Letters and digits that could belong to a number, as far as that matters.
fn size(run: &Run, group: usize, starts: [Option<Start>; 3]) -> usize {
    let letters = starts.iter().flatten().map(|start| start.letters).sum::<usize>();
    let digits: usize = (group..group + 4).map(|group| run.len(group)).sum();
    let after = run.after(run.group(group).end).iter().take(8);
    let attached = after.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    letters + digits + attached
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
