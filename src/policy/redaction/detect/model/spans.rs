//! From labels to spans of text.

use std::ops::Range;

use super::chain::{ADDRESS, OUTSIDE, PERSON, Scores};
use super::lexicon::Class;
use super::token::{Kind, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Person,
    Address,
}

/// A finding of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    pub range: Range<usize>,
    pub what: What,
    /// Of the least likely of its tokens.
    pub chance: f32,
}

/// Below this the model is not believed.
const LEAST: f32 = 0.5;
/// Nor below this where a single word in small letters would be a name: in code most words are of that kind.
const LEAST_SMALL: f32 = 0.75;
/// Nor below this where a number and a word would be an address: "in 4000 Sätzen" is not "4000 Linz".
const LEAST_SHORT: f32 = 0.95;

/// Names as sure as this are looked for in the rest of the text.
const SURE: f32 = 0.85;
/// Most words that are remembered for that.
const REMEMBERED: usize = 2048;

#[derive(Default)]
pub struct Collector {
    spans: Vec<Span>,
    /// Parts of names that were found for sure.
    parts: Vec<u32>,
    /// Words that might be names and were not found to be.
    passed: Vec<Token>,
}

impl Collector {
    /// Takes what the labels say of a segment.
    pub fn add(&mut self, tokens: &[Token], labels: &[usize], chances: impl Iterator<Item = Scores>) {
        let mut open: Option<(What, Vec<(Token, f32)>)> = None;
        for ((token, label), chances) in tokens.iter().zip(labels).zip(chances) {
            let what = match *label {
                OUTSIDE => None,
                label if label < ADDRESS => Some(What::Person),
                _ => Some(What::Address),
            };
            let begins = *label == PERSON || *label == ADDRESS;
            if open.as_ref().is_some_and(|(known, _)| begins || Some(*known) != what) {
                self.close(open.take());
            }
            match what {
                None => self.remember(token),
                Some(what) => {
                    let first = if what == What::Person { PERSON } else { ADDRESS };
                    let chance = chances.iter().skip(first).take(2).sum();
                    open.get_or_insert_with(|| (what, Vec::new())).1.push((*token, chance));
                }
            }
        }
        self.close(open);
    }

    /// A segment without findings.
    pub fn pass(&mut self, tokens: &[Token]) {
        tokens.iter().for_each(|token| self.remember(token));
    }

    fn close(&mut self, open: Option<(What, Vec<(Token, f32)>)>) {
        let Some((what, tokens)) = open else { return };
        let chance = tokens.iter().map(|(_, chance)| *chance).fold(1.0, f32::min);
        let edge = |(token, _): &&(Token, f32)| {
            token.kind.is_line()
                || token.kind == Kind::Mark && token.hash != u32::from(b'.') && token.hash != u32::from(b')')
        };
        let inner = tokens.iter().position(|token| !edge(&token)).unwrap_or(0);
        // "…, 10115 Berlin as agreed": an address ends in no common word.
        let common = |(token, _): &&(Token, f32)| {
            what == What::Address && token.kind == Kind::Lower && token.class == Class::Common
        };
        let trailing = tokens.iter().rev().take_while(|it| edge(it) || common(it)).count();
        let tokens = tokens.get(inner..tokens.len() - trailing.min(tokens.len() - inner)).unwrap_or_default();
        let (Some((first, _)), Some((last, _))) = (tokens.first(), tokens.last()) else { return };
        let least = match (what, tokens) {
            (What::Person, [(only, _)]) if only.kind == Kind::Lower => LEAST_SMALL,
            (What::Address, [_] | [_, _]) => LEAST_SHORT,
            _ => LEAST,
        };
        // Initials alone are abbreviations.
        let bare = what == What::Person
            && tokens
                .iter()
                .all(|(token, _)| matches!(token.kind, Kind::Initial | Kind::Letter | Kind::Mark));
        if chance < least || bare {
            tokens.iter().for_each(|(token, _)| self.remember(token));
            return;
        }
        if what == What::Person && chance >= SURE && self.parts.len() < REMEMBERED {
            self.parts
                .extend(tokens.iter().map(|(token, _)| token).filter(|t| is_telling(t)).map(|t| t.hash));
        }
        self.spans.push(Span { range: first.start as usize..last.end as usize, what, chance });
    }

    /// Street and city that only marks and white space part are one address.
    fn join(&mut self, text: &str) {
        self.spans.dedup_by(|next, last| {
            let between = text.get(last.range.end..next.range.start).unwrap_or("?");
            let parted = |c: char| c.is_whitespace() || ",;.|/-\\nr".contains(c);
            let same = last.what == What::Address && next.what == What::Address;
            let joined = same && between.len() <= 6 && between.chars().all(parted);
            if joined {
                last.range.end = next.range.end;
                last.chance = last.chance.min(next.chance);
            }
            joined
        });
    }

    fn remember(&mut self, token: &Token) {
        if self.passed.len() < REMEMBERED && is_telling(token) {
            self.passed.push(*token);
        }
    }

    pub fn finish(mut self, text: &str) -> Vec<Span> {
        self.join(text);
        self.parts.sort_unstable();
        let mut again: Option<Span> = None;
        for token in &self.passed {
            if self.parts.binary_search(&token.hash).is_err() {
                continue;
            }
            let range = token.start as usize..token.end as usize;
            match &mut again {
                Some(span) if span.range.end + 1 == range.start => span.range.end = range.end,
                _ => {
                    self.spans.extend(again.take());
                    again = Some(Span { range, what: What::Person, chance: LEAST });
                }
            }
        }
        self.spans.extend(again);
        self.spans.sort_by_key(|span| span.range.start);
        self.spans
    }
}

/// Whether a word that is part of a name means that name wherever it stands.
fn is_telling(token: &Token) -> bool {
    let kind = matches!(token.kind, Kind::Capital | Kind::Upper | Kind::Mixed | Kind::Katakana);
    let class =
        matches!(token.class, Class::None | Class::First | Class::Last | Class::Name | Class::TopFirst);
    kind && class && token.end - token.start >= 4
}
