//! Names of people and postal addresses: what no pattern finds, a small statistical model does.
//!
//! ```text
//! text ─ token ─▶ words, with what the lexicon knows of them ─ gate ─▶ segments worth a look
//!      ─ features ─▶ hashes ─ weights ─▶ scores ─ chain ─▶ labels ─ spans ─▶ names and addresses
//! ```
//!
//! A linear-chain conditional random field. Lexicon and weights are one file, [`BUILT_IN`], trained by
//! `tests/model/train.rs` with the code of this module, so that training and use see the same. A feature that
//! training never met weighs nothing: the table keeps sixteen bits of each feature's hash to tell.

mod chain;
mod features;
mod gate;
mod letters;
mod lexicon;
mod spans;
mod table;
mod token;

use std::ops::Range;

#[doc(hidden)]
pub use super::fold::fold;
pub use chain::{
    ADDRESS, Chain, LABELS, OUTSIDE, PERSON, STEP, Sums, Transitions, Weights, may_follow, neutral,
};
pub use features::features;
pub use lexicon::{Class, Lexicon};
pub use spans::{Span, What};
pub use token::{Kind, Token, Tokens, hash};

/// The trained model.
pub const BUILT_IN: &[u8] = include_bytes!("weights.bin");

/// Changes with whatever the weights depend on: words, gate, features, layout.
const MAGIC: [u8; 4] = *b"TGN2";

// Weights of other code would find nothing, and nobody would be told.
const _: () =
    assert!(matches!(BUILT_IN.first_chunk(), Some(b"TGN2")), "weights.bin is not of this code: make model");

/// Tokens that are read at a time.
const CHUNK: usize = 1024;
/// Tokens that a segment's features look back on.
const BEHIND: usize = 8;
/// Tokens that may still change what is known of those before them.
const AHEAD: usize = 16;

#[derive(Clone, Copy)]
pub struct Model<'a> {
    pub lexicon: Lexicon<'a>,
    pub weights: Weights<'a>,
    pub transitions: Transitions,
}

impl<'a> Model<'a> {
    pub fn built_in() -> Option<Model<'static>> {
        Model::parse(BUILT_IN)
    }

    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&MAGIC)?;
        let mut word = || -> Option<[u8; 4]> {
            let (word, after) = rest.split_first_chunk()?;
            rest = after;
            Some(*word)
        };
        let lexicon = u32::from_le_bytes(word()?) as usize;
        let mut transitions = neutral();
        for weight in transitions.iter_mut().flatten() {
            *weight = f32::from_le_bytes(word()?);
        }
        let (lexicon, rest) = rest.split_at_checked(lexicon)?;
        Some(Self { lexicon: Lexicon::new(lexicon), weights: Weights::new(rest), transitions })
    }

    pub fn encode(lexicon: &[u8], weights: &[u8], transitions: &Transitions) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((lexicon.len() as u32).to_le_bytes());
        bytes.extend(transitions.iter().flatten().flat_map(|weight| weight.to_le_bytes()));
        bytes.extend(lexicon);
        bytes.extend(weights);
        bytes
    }

    /// The names and addresses in a text, in order and without overlap.
    pub fn find(&self, text: &str) -> Vec<Span> {
        let mut chain = Chain::default();
        let mut spans = spans::Collector::default();
        segments(
            text,
            self.lexicon,
            |_| {},
            |tokens, segment| {
                chain.clear();
                for at in segment.clone() {
                    let mut sums = Sums::default();
                    features(tokens, text.as_bytes(), at, &mut |feature| {
                        self.weights.add(feature, &mut sums)
                    });
                    chain.push(sums);
                }
                let segment = tokens.get(segment).unwrap_or_default();
                if chain.decode(&self.transitions) {
                    chain.sum(&self.transitions);
                    spans.add(segment, &chain.labels, chain.marginals());
                } else {
                    spans.pass(segment);
                }
            },
        );
        spans.finish(text)
    }
}

/// Reads a text and shows each segment that is worth a look, with the tokens around it. `prepare` sees new tokens first.
pub fn segments(
    text: &str,
    lexicon: Lexicon,
    mut prepare: impl FnMut(&mut [Token]),
    mut look: impl FnMut(&[Token], Range<usize>),
) {
    let mut reader = Tokens::new(text, lexicon);
    let mut tokens = Vec::with_capacity(CHUNK.min(text.len() + 1));
    let mut from = 0;
    loop {
        let known = tokens.len();
        let more = reader.fill(&mut tokens, CHUNK);
        prepare(tokens.get_mut(known..).unwrap_or_default());
        let settled = if more { tokens.len() - AHEAD } else { tokens.len() };
        while let Some(segment) = gate::segment(&tokens, text.as_bytes(), from) {
            if more && segment.end >= settled {
                from = from.max(segment.start.min(settled));
                break;
            }
            from = segment.end;
            look(&tokens, segment);
        }
        if !more {
            return;
        }
        if gate::segment(&tokens, text.as_bytes(), from).is_none() {
            from = from.max(settled);
        }
        let kept = from.saturating_sub(BEHIND);
        tokens.drain(..kept);
        from -= kept;
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
