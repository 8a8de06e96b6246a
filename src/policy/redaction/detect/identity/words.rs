//! The words that stand near numbers and say what they are.
//!
//! Words are looked for only where a number is: digits are rare in prose, so the many words of ten languages cost it
//! nothing. Each stretch of text is read once at most, whatever the number of numbers in it.
//!
//! A text is made plain for this, letter by letter: lower case, without accents, everything that is no letter a single
//! space, `nationalId` two words. So `national id` in the table stands for `National-ID`, `national_id` and `nationalId`.

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

/// How far before a number a word may stand, in bytes.
pub(super) const BEFORE: usize = 80;
/// How far behind it.
pub(super) const BEHIND: usize = 64;

/// The words, and what they speak of.
pub(super) struct Lexicon {
    automaton: NFA,
    start: Option<StateID>,
    /// By pattern: what the caller gave with the word.
    meanings: Vec<Vec<u16>>,
    /// By pattern: what stands between initials, `a/c`, and nothing else may; empty for other words.
    initials: Vec<Vec<u8>>,
    beginnings: Beginnings,
}

/// The three letters that each part of a word begins with, a bit for each: most words of a text begin with others, and
/// the automaton does not have to read them.
struct Beginnings(Vec<u32>);

/// Letters of a beginning.
const BEGINNING: usize = 3;

impl Beginnings {
    fn new<'p>(patterns: impl Iterator<Item = &'p Vec<u8>>) -> Self {
        let mut all = Self(vec![0; 1 << (5 * (BEGINNING - 1))]);
        for pattern in patterns {
            let mut parts = pattern.split(|byte| *byte == b' ');
            parts.clone().filter_map(|part| part.first_chunk()).for_each(|letters| all.add(letters));
            // Endings may follow a short word: `idno`.
            let any = b'a'..=b'z';
            match parts.next_back().unwrap_or_default() {
                [one, two] => any.for_each(|three| all.add(&[*one, *two, three])),
                [one] => {
                    any.clone().for_each(|two| any.clone().for_each(|three| all.add(&[*one, two, three])))
                }
                _ => {}
            }
        }
        all
    }

    fn add(&mut self, letters: &[u8; BEGINNING]) {
        if let Some((word, bit)) = Self::place(letters)
            && let Some(word) = self.0.get_mut(word)
        {
            *word |= bit;
        }
    }

    /// Whether nothing that is looked for begins with these letters.
    fn rules_out(&self, letters: &[u8; BEGINNING]) -> bool {
        Self::place(letters).is_some_and(|(word, bit)| self.0.get(word).is_some_and(|known| known & bit == 0))
    }

    /// Where letters have their bit. `None`: not all of them are ASCII letters of one word.
    fn place(letters: &[u8; BEGINNING]) -> Option<(usize, u32)> {
        let [one, two, three] = *letters;
        let hump = |a: u8, b: u8| a.is_ascii_lowercase() && b.is_ascii_uppercase();
        if !letters.iter().all(u8::is_ascii_alphabetic) || hump(one, two) || hump(two, three) {
            return None;
        }
        let code = |byte: u8| usize::from(byte & 31);
        Some((code(one) << 5 | code(two), 1 << code(three)))
    }
}

impl Lexicon {
    pub fn new<'w>(words: impl Iterator<Item = (&'w str, u16)>) -> Option<Self> {
        let mut patterns: BTreeMap<Vec<u8>, (Vec<u16>, Vec<u8>)> = BTreeMap::new();
        for (word, meaning) in words {
            let plain = plain(word);
            let single = plain.len() > 2 && plain.chunks(2).all(|pair| pair.starts_with(b" "));
            let (meanings, marks) = patterns.entry(plain).or_default();
            meanings.push(meaning);
            marks.extend(word.as_bytes().get(1).filter(|_| single));
        }
        let automaton = NFA::builder().match_kind(MatchKind::Standard).build(patterns.keys()).ok()?;
        let beginnings = Beginnings::new(patterns.keys());
        let (meanings, initials) = patterns.into_values().unzip();
        let start = automaton.start_state(Anchored::No).ok();
        Some(Self { automaton, start, meanings, initials, beginnings })
    }

    pub fn count(&self) -> usize {
        self.meanings.len()
    }

    pub fn meanings(&self, word: usize) -> &[u16] {
        self.meanings.get(word).map_or(&[], Vec::as_slice)
    }
}

/// A word as the text is read; scripts that write without spaces have no beginnings of words.
fn plain(word: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(word.len() + 1);
    if !word.chars().next().is_some_and(is_unspaced) {
        bytes.push(b' ');
    }
    let mut buffer = [0; 4];
    for c in word.chars() {
        match letter(c) {
            Letter::Is(c) => bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
            Letter::Gap if bytes.last() != Some(&b' ') => bytes.push(b' '),
            Letter::Gap | Letter::Nothing => {}
        }
    }
    while bytes.last() == Some(&b' ') {
        bytes.pop();
    }
    bytes
}

/// A word found in the text.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub index: usize,
    pub range: Range<usize>,
}

/// The words read so far, near the last number.
pub(super) struct Reader<'l> {
    lexicon: &'l Lexicon,
    state: Option<StateID>,
    /// Read up to here.
    at: usize,
    /// The last letter was small; a capital begins a word.
    small: bool,
    spaced: bool,
    /// Where the plain text's last bytes came from.
    origins: [usize; ORIGINS],
    written: usize,
    pub words: Vec<Word>,
}

/// More than the longest word has bytes.
const ORIGINS: usize = 64;

impl<'l> Reader<'l> {
    pub fn new(lexicon: &'l Lexicon) -> Self {
        Self {
            lexicon,
            state: None,
            at: 0,
            small: false,
            spaced: false,
            origins: [0; ORIGINS],
            written: 0,
            words: Vec::new(),
        }
    }

    /// Reads the words around a number.
    pub fn read(&mut self, text: &str, number: Range<usize>) {
        let mut from = number.start.saturating_sub(BEFORE);
        while !text.is_char_boundary(from) {
            from -= 1;
        }
        if self.state.is_none() || self.at < from {
            self.state = self.lexicon.start;
            self.at = from;
            self.spaced = false;
            self.small = false;
            self.words.clear();
            let inside = text.get(..from).and_then(|text| text.chars().next_back());
            if !inside.is_some_and(char::is_alphanumeric) {
                self.step(text, b' ', from);
            }
        } else if self.words.len() > 32 {
            self.words.retain(|word| word.range.end + BEFORE > number.start);
        }
        let to = (number.end + BEHIND).min(text.len());
        while self.at < to {
            let at = self.at;
            if self.spaced && self.skip(text.as_bytes()) {
                continue;
            }
            match text.as_bytes().get(at) {
                Some(byte) if byte.is_ascii() => {
                    self.at += 1;
                    self.ascii(text, *byte, at);
                }
                Some(_) => {
                    let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
                    self.at += c.len_utf8();
                    self.other(text, c, at);
                }
                None => break,
            }
        }
    }

    /// Leaves out the letters of a word that cannot be part of any that is looked for.
    fn skip(&mut self, text: &[u8]) -> bool {
        let rest = text.get(self.at..).unwrap_or_default();
        if !rest.first_chunk().is_some_and(|letters| self.lexicon.beginnings.rules_out(letters)) {
            return false;
        }
        for byte in rest {
            if !byte.is_ascii_alphabetic() || self.small && byte.is_ascii_uppercase() {
                break;
            }
            self.small = byte.is_ascii_lowercase();
            self.at += 1;
        }
        self.spaced = false;
        self.state = self.lexicon.start;
        true
    }

    fn ascii(&mut self, text: &str, byte: u8, at: usize) {
        if byte.is_ascii_alphabetic() {
            if byte.is_ascii_uppercase() && self.small {
                self.step(text, b' ', at);
            }
            self.small = byte.is_ascii_lowercase();
            self.spaced = false;
            self.step(text, byte.to_ascii_lowercase(), at);
        } else if byte.is_ascii_digit() {
            // No letter, and no gap: `a1c` is not two words.
            self.small = false;
            self.spaced = false;
            self.step(text, b'0', at);
        } else {
            self.gap(text, at);
        }
    }

    fn other(&mut self, text: &str, c: char, at: usize) {
        match letter(c) {
            Letter::Is(plain) => {
                self.small = c.is_lowercase();
                self.spaced = false;
                let mut buffer = [0; 4];
                for byte in plain.encode_utf8(&mut buffer).bytes() {
                    self.step(text, byte, at);
                }
            }
            Letter::Gap => self.gap(text, at),
            Letter::Nothing => {}
        }
    }

    fn gap(&mut self, text: &str, at: usize) {
        self.small = false;
        if !self.spaced {
            self.spaced = true;
            self.step(text, b' ', at);
        }
    }

    fn step(&mut self, text: &str, byte: u8, at: usize) {
        let Some(state) = self.state else { return };
        if let Some(origin) = self.origins.get_mut(self.written % ORIGINS) {
            *origin = at;
        }
        self.written += 1;
        let automaton = &self.lexicon.automaton;
        let state = automaton.next_state(Anchored::No, state, byte);
        self.state = Some(state);
        if !automaton.is_match(state) {
            return;
        }
        // The first is the longest.
        let pattern = automaton.match_pattern(state, 0);
        let len = automaton.pattern_len(pattern).min(self.written).min(ORIGINS);
        let origin = |back: usize| self.origins.get((self.written - back) % ORIGINS).copied().unwrap_or(at);
        let mut start = origin(len);
        // A word's own space is not part of it.
        if text.as_bytes().get(start).is_some_and(|byte| !byte.is_ascii_alphabetic() && byte.is_ascii()) {
            start = origin(len.saturating_sub(1).max(1));
        }
        let marks = self.lexicon.initials.get(pattern.as_usize()).map_or(&[][..], Vec::as_slice);
        let after = self.at.max(at + 1);
        let end = if marks.is_empty() {
            word_end(text, after)
        } else {
            let mark = text.as_bytes().get(start + 1).is_some_and(|mark| marks.contains(mark));
            let chars = text.get(start..after).map_or(len, |word| word.chars().count());
            let whole = !text.get(after..).is_some_and(|rest| rest.starts_with(char::is_alphabetic));
            (mark && whole && chars < len).then_some(after)
        };
        let Some(end) = end else { return };
        while self.words.last().is_some_and(|word| word.range.start >= start) {
            self.words.pop();
        }
        // Of words that share letters the first: "tax id", not "id number" in "tax id number".
        if self.words.last().is_some_and(|word| word.range.end > start) {
            return;
        }
        self.words.push(Word { index: pattern.as_usize(), range: start..end });
    }
}

/// Where a word ends whose last letter ends at `at`; endings such as `-nummer` belong to it. `None` inside a word.
fn word_end(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let Some(next) = rest.chars().next() else { return Some(at) };
    let last = text.get(..at)?.chars().next_back()?;
    if is_unspaced(last) || is_unspaced(next) || !next.is_alphabetic() {
        return Some(at);
    }
    if last.is_lowercase() && next.is_uppercase() {
        return Some(at);
    }
    let tail = rest.chars().take_while(|c| c.is_alphabetic() && !is_unspaced(*c)).take(12);
    let len = tail.map(char::len_utf8).sum::<usize>();
    let tail = rest.get(..len)?;
    ENDINGS.iter().any(|ending| tail.eq_ignore_ascii_case(ending)).then_some(at + len)
}

/// What may be written to a word without a space.
const ENDINGS: &[&str] = &[
    "s", "es", "n", "en", "no", "nr", "num", "id", "code", "number", "numbers", "nummer", "nummern",
    "nummers", "numero", "numer", "u", "ze", "em", "ie",
];

/// Scripts without spaces between words: Chinese, Japanese, Korean, Thai.
pub(super) fn is_unspaced(c: char) -> bool {
    c >= '\u{2E80}' || ('\u{E00}'..'\u{E80}').contains(&c) || ('\u{1100}'..'\u{1200}').contains(&c)
}

pub(super) enum Letter {
    Is(char),
    Gap,
    Nothing,
}

/// A letter in lower case and without its accent.
pub(super) fn letter(c: char) -> Letter {
    const LATIN_1: &[u8; 64] = b"aaaaaaaceeeeiiiidnooooo ouuuuypsaaaaaaaceeeeiiiidnooooo ouuuuypy";
    const EXTENDED_A: &[u8; 128] = b"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll\
lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
    let code = u32::from(c);
    let base = |table: &[u8], from: u32| {
        let index = usize::try_from(code - from).unwrap_or(usize::MAX);
        table.get(index).map_or(c, |byte| char::from(*byte))
    };
    match code {
        0..=0x7F if c.is_ascii_alphabetic() => Letter::Is(c.to_ascii_lowercase()),
        0..=0x7F => Letter::Gap,
        0xAA => Letter::Is('a'),
        0xBA => Letter::Is('o'),
        0xD7 | 0xF7 => Letter::Gap,
        0xC0..=0xFF => Letter::Is(base(LATIN_1, 0xC0)),
        0x100..=0x17F => Letter::Is(base(EXTENDED_A, 0x100)),
        0x300..=0x36F => Letter::Nothing,
        _ if c.is_alphabetic() => Letter::Is(c.to_lowercase().next().unwrap_or(c)),
        // Vowel signs of Thai and the like.
        0xE00..=0xE7F => Letter::Is(c),
        _ => Letter::Gap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let table =
            ["national id", "id", "numéro de sécu", "passport", "身份证", "инн", "dowód", "reisepass", "a/c"];
        let lexicon = Lexicon::new(table.into_iter().map(|word| (word, 0))).unwrap();
        let mut reader = Reader::new(&lexicon);
        reader.read(text, text.len()..text.len());
        reader.words.iter().map(|word| &text[word.range.clone()]).collect()
    }

    #[test]
    fn a_word_is_found_however_it_is_written() {
        for (text, found) in [
            ("National ID: 1", "National ID"),
            ("national_id", "national_id"),
            ("the nationalId", "nationalId"),
            ("NATIONAL-ID", "NATIONAL-ID"),
            ("NUMÉRO  DE\u{a0}SECU", "NUMÉRO  DE\u{a0}SECU"),
            ("his passports", "passports"),
            ("passportNo", "passport"),
            ("Reisepassnummer", "Reisepassnummer"),
            ("A/C 1", "A/C"),
            ("的身份证号", "身份证"),
            ("ИНН 1", "ИНН"),
            ("Dowo\u{301}d", "Dowo\u{301}d"),
            ("a_id_", "id"),
        ] {
            assert_eq!(words(text), [found], "{text}");
        }
        for text in [
            "nationalities",
            "passporting",
            "длинный",
            "valid",
            "idle",
            "a1c",
            "a of c",
            "a, c",
            "internationalId2ness",
        ] {
            assert!(words(text).iter().all(|word| *word == "Id"), "{text}: {:?}", words(text));
        }
    }

    #[test]
    fn a_text_is_read_once() {
        let lexicon = Lexicon::new([("id", 0)].into_iter()).unwrap();
        let mut reader = Reader::new(&lexicon);
        let text = "id 1 ".repeat(100);
        for at in 0..100 {
            let start = at * 5 + 3;
            reader.read(&text, start..start + 1);
            let before: Vec<_> = reader.words.iter().filter(|word| word.range.end < start).collect();
            assert_eq!(before.last().map(|word| word.range.start), Some(at * 5));
            assert!(reader.words.len() < 64);
        }
    }
}
