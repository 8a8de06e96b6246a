//! Which tokens are worth the model's look.
//!
//! Most words of most texts cannot be part of a name or an address: they are common words in lower case, identifiers,
//! marks. The gate reads kinds and classes only. What it leaves out is outside, and breaks the chain of labels, so the
//! work goes with the number of words that might be something.

use std::ops::Range;

use super::lexicon::Class;
use super::token::{GLUED, Kind, Token};

/// Tokens from a promising one within which others are looked at too.
const REACH: usize = 6;
/// As many behind it: addresses go on with numbers and abbreviations.
const REACH_ON: usize = 10;
/// Most tokens in one segment.
pub const LONGEST: usize = 192;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Promise {
    Never,
    /// If something near it is promising.
    Maybe,
    Yes,
}

/// The next run of tokens that the model has to look at, from `from` on.
pub fn segment(tokens: &[Token], text: &[u8], from: usize) -> Option<Range<usize>> {
    let promise = |at: usize| promise(tokens, text, at);
    let rest = tokens.get(from..)?.iter().zip(from..);
    let (_, first) =
        rest.filter(|(token, _)| may_promise(token)).find(|(_, at)| promise(*at) == Promise::Yes)?;
    let mut start = first;
    while start > from && first - start < REACH && promise(start - 1) != Promise::Never {
        start -= 1;
    }
    let (mut end, mut last) = (first + 1, first);
    while end < tokens.len() && end - last <= REACH_ON && end - start < LONGEST {
        match promise(end) {
            Promise::Never => break,
            Promise::Maybe => {}
            Promise::Yes => last = end,
        }
        end += 1;
    }
    Some(start..end)
}

/// Whether it is at all worth asking; most words of prose are not.
#[inline]
fn may_promise(token: &Token) -> bool {
    const KINDS: u32 = 1 << Kind::Lower as u32
        | 1 << Kind::Capital as u32
        | 1 << Kind::Upper as u32
        | 1 << Kind::Mixed as u32
        | 1 << Kind::Caseless as u32
        | 1 << Kind::Katakana as u32
        | 1 << Kind::Han as u32;
    const CLASSES: u32 = 1 << Class::Common as u32 | 1 << Class::Cue as u32 | 1 << Class::Particle as u32;
    KINDS >> token.kind as u32 & 1 == 1 && (CLASSES >> token.class as u32 & 1 == 0 || token.kind == Kind::Han)
}

fn promise(tokens: &[Token], text: &[u8], at: usize) -> Promise {
    let Some(token) = tokens.get(at) else { return Promise::Never };
    if token.flags & GLUED != 0 {
        return Promise::Never;
    }
    let class = token.class;
    match token.kind {
        Kind::Lower => match class {
            Class::Common => Promise::Never,
            Class::Street | Class::First | Class::Last | Class::Name | Class::TopFirst => Promise::Yes,
            Class::None
                if is_called(tokens, at) || stands_alone(tokens, at) || is_street(tokens, text, at) =>
            {
                Promise::Yes
            }
            Class::CommonFirst | Class::CommonLast if is_called(tokens, at) => Promise::Yes,
            Class::Cue => Promise::Never,
            _ => Promise::Maybe,
        },
        Kind::Capital => match class {
            Class::Common | Class::Cue | Class::Particle | Class::Place | Class::Other => Promise::Maybe,
            _ => Promise::Yes,
        },
        Kind::Upper | Kind::Mixed => {
            let named = class.is_name() || matches!(class, Class::Street | Class::City);
            let unknown = class == Class::None
                && match token.kind {
                    Kind::Upper => token.end - token.start > 3,
                    _ => is_prefixed(text, token),
                };
            if named || unknown || class == Class::None && is_called(tokens, at) {
                Promise::Yes
            } else {
                Promise::Maybe
            }
        }
        Kind::Caseless | Kind::Katakana => Promise::Yes,
        Kind::Han => {
            let named = |class: Class| class.is_name() || matches!(class, Class::Street | Class::Unit);
            let first =
                at.checked_sub(1).and_then(|at| tokens.get(at)).is_none_or(|back| !back.kind.is_word());
            if named(class) || named(token.pair) || first || is_called(tokens, at) {
                Promise::Yes
            } else {
                Promise::Maybe
            }
        }
        Kind::Hiragana if class == Class::Common => Promise::Never,
        Kind::Hiragana | Kind::Initial | Kind::Letter | Kind::Line => Promise::Maybe,
        Kind::Digits if token.hash <= 7 => Promise::Maybe,
        Kind::Code if token.end - token.start <= 8 => Promise::Maybe,
        Kind::Mark => {
            // The last is the ordinal sign of floors and of "nº".
            const INSIDE: &[u8] = b".,-/#'()&;";
            let inside = token.hash < 0x100 && INSIDE.contains(&(token.hash as u8));
            if inside || token.hash == 0x1BA || token.hash == 0x1B0 { Promise::Maybe } else { Promise::Never }
        }
        Kind::Edge | Kind::Camel | Kind::Blank | Kind::Digits | Kind::Code => Promise::Never,
    }
}

/// Whether a word just before announces a name.
fn is_called(tokens: &[Token], at: usize) -> bool {
    let cue = |token: &&Token| token.kind.is_word();
    let before = tokens.get(at.saturating_sub(4)..at).unwrap_or_default();
    before.iter().rev().find(cue).is_some_and(|token| token.class == Class::Cue)
}

/// Whether a mark or a line's beginning stands before it, as before a value in data.
fn stands_alone(tokens: &[Token], at: usize) -> bool {
    at.checked_sub(1).and_then(|at| tokens.get(at)).is_none_or(|back| match back.kind {
        Kind::Mark => back.hash < 0x100 && b"\"'>=:([,;|/".contains(&(back.hash as u8)),
        kind => kind.is_line(),
    })
}

/// Capitals inside, as in names: "McDonald", "DeShawn".
fn is_prefixed(text: &[u8], token: &Token) -> bool {
    let word = text.get(token.start as usize..token.end as usize).unwrap_or_default();
    [&b"Mc"[..], b"Mac", b"De", b"Di", b"Du", b"La", b"Le", b"Van", b"Von", b"Fitz", b"O'"].iter().any(
        |prefix| {
            word.strip_prefix(*prefix).is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_uppercase))
        },
    )
}

/// Whether it ends as street names do and a number follows: "ringstraße 5".
fn is_street(tokens: &[Token], text: &[u8], at: usize) -> bool {
    const ENDS: &[&str] =
        &["strasse", "straße", "str", "gasse", "weg", "platz", "allee", "straat", "laan", "plein", "gracht"];
    let number = |ahead: usize| {
        tokens.get(at + ahead).is_some_and(|token| matches!(token.kind, Kind::Digits | Kind::Code))
    };
    (number(1) || number(2))
        && tokens.get(at).and_then(|token| text.get(token.start as usize..token.end as usize)).is_some_and(
            |word| ENDS.iter().any(|end| word.len() > end.len() + 2 && word.ends_with(end.as_bytes())),
        )
}
