//! The table of detectors: what wakes each, what it is sure of, the words that announce it, and texts to prove it by.
//!
//! One automaton reads the text once and knows every literal of this table. A literal wakes a scanner, which looks
//! around the place within a bound and decides; a digit wakes all scanners of numbers; a context word is remembered
//! with its place. So clean text costs one table look-up per byte, however many detectors there are, and no detector
//! reads the text a second time. Patterns that run one after the other would read it once per detector.
//!
//! To add a detector, add an entry: [`super::Detector`] needs no change, and the tests take up its examples.

mod accounts;
mod asia;
mod birth;
mod contact;
mod documents;
mod europe;
mod fields;
mod health;
mod identity;
mod keys;
mod logins;
mod money;
mod network;
mod other;
mod people;
mod secrets;
mod tax;

use std::ops::Range;

use super::fields::Field;
use super::model::What;
use super::numbers::Run;
use super::secrets::{Tail, word};
pub(super) use other::OTHER_NUMBERS;

/// One way to find one type.
#[cfg_attr(not(test), expect(dead_code, reason = "languages and examples are there for readers and tests"))]
pub(super) struct Spec {
    /// The rule that a finding names.
    pub name: &'static str,
    /// One of [`crate::config::DATA_TYPES`].
    pub kind: &'static str,
    /// Where the texts that it is for come from; empty: any language.
    pub languages: &'static [&'static str],
    pub wake: Wake,
    /// Words that announce a value, lower case. Each scanner knows how near they have to be.
    pub context: &'static [&'static str],
    /// A type whose findings announce this one too, if it follows at once.
    pub follows: Option<&'static str>,
    /// Texts with what is found in brackets: `⟦…⟧`. A `·` is left out before use, so that no scanner of repositories
    /// takes an example for a leak.
    pub examples: &'static [&'static str],
    /// Texts in which this rule finds nothing.
    pub counter_examples: &'static [&'static str],
}

pub(super) enum Wake {
    /// Any of these literals, in any ASCII case.
    At(&'static [&'static str], fn(&Sight) -> Option<Hit>),
    /// Any of these prefixes, in its own case, and what may follow it.
    Key(&'static [&'static str], Tail),
    /// Each group of a run of digits.
    Number(fn(&Run, usize, Option<usize>) -> Option<Hit>),
    /// Under or behind the names of a field; [`super::fields::STEMS`] wake all of them.
    Field(Field),
    /// Nothing: the model reads the text by itself.
    Model(What),
    /// Numbers of some shapes. The words are read near numbers only: plain letters without case and accents.
    Written(Written),
    /// Any number right behind one of the words. They are words of all rules of its type, too.
    Named(Named),
}

/// A number by its shape; [`super::identity`] says how shapes are spelled.
pub(super) struct Written {
    /// Found without a word, if the check agrees; letters are capitals.
    pub alone: &'static [&'static str],
    /// Found if the check agrees and a word of the rule, or of its type, is near.
    pub near: &'static [&'static str],
    /// Found right behind a word of the rule.
    pub behind: &'static [&'static str],
    /// Structure and check digits of the value, without separators and in upper case.
    pub check: fn(&[u8]) -> bool,
    /// How far before the number a word is near, in bytes.
    pub within: usize,
    /// Right behind a word of the rule no check has to agree: digits in test data and slips of the pen.
    pub trusted: bool,
}

/// A number by its word alone.
pub(super) struct Named {
    /// The least digits that it has.
    pub digits: usize,
    /// The fewest and the most letters and digits.
    pub len: (usize, usize),
}

impl Written {
    /// Found near a word, if the check agrees, and right behind it in any case.
    const fn near(shapes: &'static [&'static str], check: fn(&[u8]) -> bool) -> Self {
        Self { alone: &[], near: shapes, behind: &[], check, within: 64, trusted: true }
    }

    /// Without a word, too.
    const fn or_alone(mut self, shapes: &'static [&'static str]) -> Self {
        self.alone = shapes;
        self
    }

    /// Right behind a word of the rule, too.
    const fn or_behind(mut self, shapes: &'static [&'static str]) -> Self {
        self.behind = shapes;
        self
    }

    /// For words that mean something else as well: the check always has to agree.
    const fn strictly(mut self) -> Self {
        self.trusted = false;
        self
    }
}

/// A detector of numbers by shape.
const fn number(
    (name, kind): (&'static str, &'static str),
    languages: &'static [&'static str],
    written: Written,
    context: &'static [&'static str],
    examples: &'static [&'static str],
    counter_examples: &'static [&'static str],
) -> Spec {
    Spec {
        name,
        kind,
        languages,
        wake: Wake::Written(written),
        context,
        follows: None,
        examples,
        counter_examples,
    }
}

/// A finding in the making.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub range: Range<usize>,
    pub confidence: Confidence,
}

/// How likely it is that a finding is what it is said to be, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Confidence(u8);

impl Confidence {
    /// Announced by a word.
    pub const LIKELY: Self = Self(60);
    /// Written as such things are.
    pub const SHAPED: Self = Self(80);
    /// A checksum, a reserved prefix or a full grammar agrees.
    pub const CHECKED: Self = Self(95);
    /// The policy says so.
    pub const TOLD: Self = Self(100);

    /// More than 100 is 100.
    pub const fn from_percent(percent: u8) -> Self {
        Self(if percent > 100 { 100 } else { percent })
    }

    pub const fn percent(self) -> u8 {
        self.0
    }
}

/// A place in a text, with what a scanner may look at.
pub(super) struct Sight<'t> {
    pub text: &'t str,
    /// The literal that woke the scanner.
    pub anchor: Range<usize>,
}

impl<'t> Sight<'t> {
    pub fn before(&self, at: usize) -> &'t [u8] {
        self.text.as_bytes().get(..at).unwrap_or_default()
    }

    pub fn after(&self, at: usize) -> &'t [u8] {
        self.text.as_bytes().get(at..).unwrap_or_default()
    }

    pub fn chars_before(&self, at: usize) -> impl Iterator<Item = char> + use<'t> {
        self.text.get(..at).unwrap_or_default().chars().rev()
    }

    pub fn chars_after(&self, at: usize) -> impl Iterator<Item = char> + use<'t> {
        self.text.get(at..).unwrap_or_default().chars()
    }

    /// Length of the run of bytes from `at` on that `is` holds for, up to `longest`, ending between characters.
    pub fn run(&self, at: usize, longest: usize, is: impl Fn(u8) -> bool) -> usize {
        let mut len = self.after(at).iter().take(longest).take_while(|byte| is(**byte)).count();
        while !self.text.is_char_boundary(at + len) {
            len -= 1;
        }
        len
    }

    /// Whether the anchor begins a word.
    pub fn starts_word(&self) -> bool {
        !self.before(self.anchor.start).last().is_some_and(|byte| word(*byte)) || self.behind_escape()
    }

    /// Whether the byte before the anchor belongs to an escape of a line break or tab: `\nAKIA…`.
    pub fn behind_escape(&self) -> bool {
        matches!(self.before(self.anchor.start), [.., b'\\', b'n' | b'r' | b't'])
    }
}

/// All detectors; of two that say the same of a text, the earlier one is named.
pub(super) fn detectors() -> impl Iterator<Item = &'static Spec> {
    [
        people::DETECTORS,
        contact::DETECTORS,
        birth::DETECTORS,
        fields::DETECTORS,
        money::DETECTORS,
        accounts::DETECTORS,
        identity::DETECTORS,
        europe::DETECTORS,
        asia::DETECTORS,
        documents::DETECTORS,
        health::DETECTORS,
        tax::DETECTORS,
        network::DETECTORS,
        logins::DETECTORS,
        keys::DETECTORS,
        secrets::DETECTORS,
    ]
    .into_iter()
    .flatten()
}
