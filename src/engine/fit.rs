//! Whether a prompt fits a model's window, and what is taken out of a conversation that does not.
//!
//! Before sending, a target is only passed over for what is certain: a bound *below* the prompt's tokens. Every
//! tokenizer in use cuts a text into words first, and no token spans two of them; a quarter is left for those that
//! are not known to. And the longest tokens there are have 128 bytes. The answer's room is not counted in: providers
//! differ in whether they count it. What is not certain is the provider's to refuse.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::catalog::tokens::Estimator;
use crate::chat::visit::{Place, SpotKind, visit};
use crate::config::{ErrorClass, Target, Then};
use crate::engine::exchange::Exchange;
use crate::engine::failure::Failure;
use crate::engine::plan::{LeftOut, Plan};
use crate::engine::targets::Asked;
use crate::policy::recovery;
use crate::provider::{Codec, Outline, Turn, TurnKind};
use crate::wire::json::{Document, Edits, Node};

/// Of words, for tokenizers that nobody knows.
const SURE_PERCENT: u64 = 75;
const LONGEST_TOKEN: u64 = 128;
/// Bytes of JSON around a turn's texts per token, roughly.
const STRUCTURE_BYTES_PER_TOKEN: u64 = 8;

/// What is taken out of a conversation.
pub(super) struct Cut {
    /// Of the document's text.
    range: Vec<Range<usize>>,
    pub turns: u64,
    /// Estimated tokens of the prompt that is left.
    pub tokens: u64,
}

impl Cut {
    pub fn make(&self, edits: &mut Edits) {
        for range in &self.range {
            edits.replace(range.clone(), "");
        }
    }
}

impl Exchange {
    /// `None`: not known.
    pub(super) fn window(&self, target: &Target) -> Option<u64> {
        self.policy.catalog.lookup(&target.model)?.context
    }

    /// Leaves out targets whose window the prompt is certain not to fit. Where that is all of them, the conversation
    /// is cut if the policy says so.
    pub(super) fn fit(&mut self, plan: &mut Plan, asked: &Asked<'_>) -> Result<Option<Cut>, Failure> {
        if self.policy.enforces() {
            return self.filter_by_size(plan, asked);
        }
        let mut seen = plan.clone();
        let sized = self.filter_by_size(&mut seen, asked).map(drop);
        self.unless(sized)?;
        Ok(None)
    }

    fn filter_by_size(&self, plan: &mut Plan, asked: &Asked<'_>) -> Result<Option<Cut>, Failure> {
        let &Asked { outline, document, tokens: prompt_tokens, .. } = asked;
        // A token has at least one byte.
        let bytes = document.text().len() as u64;
        if !plan.targets.iter().any(|target| self.window(target).is_some_and(|window| window < bytes)) {
            return Ok(None);
        }
        let least = least_tokens(document, self.codec());
        let too_small = |target: &Target| self.window(target).filter(|window| *window < least);
        if plan.targets.iter().all(|target| too_small(target).is_some()) {
            let largest = plan.targets.iter().filter_map(|target| self.window(target)).max().unwrap_or(0);
            let cut = match recovery::rule(&self.policy.config.recovery, ErrorClass::ContextLength) {
                Some(crate::config::Rule { then: Then::Truncate { system, last }, .. }) => {
                    let fits = |target: &Target, tokens| self.fits(target, outline, tokens);
                    let largest = plan.targets.iter().max_by_key(|target| self.window(target));
                    largest.and_then(|target| {
                        cut(document, self.codec(), *system, *last, prompt_tokens, &|tokens| {
                            fits(target, tokens)
                        })
                    })
                }
                _ => None,
            };
            let cut = cut.ok_or(Failure::TooLong { window: largest })?;
            plan.leave_out(|target| {
                let window = self.window(target)?;
                (!self.fits(target, outline, cut.tokens)).then(|| too_small_text(window))
            });
            return Ok(Some(cut));
        }
        plan.leave_out(|target| too_small(target).map(too_small_text));
        Ok(None)
    }

    /// Whether a prompt of so many estimated tokens fits with the room for its answer, as far as can be told.
    pub(super) fn fits(&self, target: &Target, outline: &Outline, tokens: u64) -> bool {
        let Some(entry) = self.policy.catalog.lookup(&target.model) else { return true };
        let Some(window) = entry.context else { return true };
        // An answer that fills the window by itself was not meant so, and where nobody said how long it may be, a
        // quarter is much.
        let wanted = match outline.max_output {
            Some(wanted) => wanted.min(window / 2),
            None => self.policy.config.output_reserve.min(window / 4),
        };
        let output = entry.max_output.map_or(wanted, |most| wanted.min(most));
        entry.tokenizer.upper(tokens).saturating_add(output) <= window
    }

    /// The same conversation for a target that has refused it as too long.
    pub(super) fn shorten(
        &self,
        target: &Target,
        asked: &Asked<'_>,
        system: bool,
        last: usize,
    ) -> Option<Cut> {
        let tokens = asked.tokens;
        // By our estimate it may have fitted before: then the estimate is off by more than that.
        let shorter = |left: u64| left <= tokens - tokens / 4;
        let fits = |left| shorter(left) && self.fits(target, asked.outline, left);
        cut(asked.document, self.codec(), system, last, tokens, &fits)
    }
}

fn too_small_text(window: u64) -> String {
    format!("its window of {window} tokens is too small")
}

impl Plan {
    /// Takes out the targets for which `reason` has one.
    pub(super) fn leave_out(&mut self, reason: impl Fn(&Target) -> Option<String>) {
        let mut left = std::mem::take(&mut self.targets);
        left.retain(|target| {
            let Some(reason) = reason(target) else { return true };
            self.left_out.push(LeftOut { target: target.clone(), reason });
            false
        });
        self.targets = left;
    }
}

/// The prompt has at least so many tokens, whatever the tokenizer.
fn least_tokens(document: &Document<'_>, codec: &dyn Codec) -> u64 {
    let (mut words, mut bytes) = (0_u64, 0_u64);
    let place = |path: &[&str], parent: Node<'_>| codec.request_place(path, parent);
    visit(document.root(), &place, &mut |spot| {
        // What the model does not read is not counted.
        let read = matches!(spot.place, Place::Text | Place::Json) && spot.kind == SpotKind::Text;
        let read = read && spot.group != crate::chat::visit::REST;
        let Some(text) = spot.node.as_str().filter(|_| read) else { return };
        words += words_of(text.as_bytes());
        bytes += text.len() as u64;
    });
    (words.saturating_mul(SURE_PERCENT) / 100).max(bytes / LONGEST_TOKEN)
}

/// Runs of letters and digits.
fn words_of(text: &[u8]) -> u64 {
    let mut inside = false;
    let starts = text.iter().filter(|byte| {
        let before = std::mem::replace(&mut inside, byte.is_ascii_alphanumeric());
        inside && !before
    });
    starts.count() as u64
}

/// Takes out the oldest turns until what is left fits. Kept are the system's turns where `system` says so, and the
/// last `last`; a call of a tool goes or stays with its results. What is left begins with a user's turn. `None`:
/// it cannot be made to fit.
fn cut(
    document: &Document<'_>,
    codec: &dyn Codec,
    system: bool,
    last: usize,
    tokens: u64,
    fits: &dyn Fn(u64) -> bool,
) -> Option<Cut> {
    let turns = codec.turns(document.root());
    let sizes = sizes(document, codec, &turns);
    let units = units(&turns);
    let kept_from = turns.len().checked_sub(last)?;
    let kept = |unit: &Range<usize>| {
        let systems =
            || turns.get(unit.clone()).into_iter().flatten().all(|turn| turn.kind == TurnKind::System);
        unit.end > kept_from || system && systems()
    };
    let size = |unit: &Range<usize>| sizes.get(unit.clone()).into_iter().flatten().sum::<u64>();
    let is_users =
        |unit: &Range<usize>| turns.get(unit.start).is_some_and(|turn| turn.kind == TurnKind::User);
    let is_systems =
        |unit: &Range<usize>| turns.get(unit.start).is_some_and(|turn| turn.kind == TurnKind::System);
    let mut gone: Vec<Range<usize>> = Vec::new();
    let mut left = tokens;
    let mut rest = units.iter().peekable();
    while let Some(unit) = rest.next() {
        if kept(unit) {
            continue;
        }
        left = left.saturating_sub(size(unit));
        gone.push(unit.clone());
        let next = rest.clone().find(|unit| !is_systems(unit));
        if fits(left) && next.is_none_or(|next| is_users(next) || kept(next)) {
            break;
        }
    }
    // Where the model would have the first word, the last question that was taken out is put back.
    let gone_to = gone.last()?.end;
    let first = units.iter().find(|unit| unit.start >= gone_to && !is_systems(unit));
    if first.is_some_and(|first| !is_users(first)) {
        let question = gone.iter().rposition(is_users)?;
        left = left.saturating_add(size(&gone.remove(question)));
    }
    let removed: u64 = gone.iter().map(|unit| unit.len() as u64).sum();
    if !fits(left) || removed == 0 {
        return None;
    }
    let start = |turn: usize| turns.get(turn).map(|turn| turn.node.span().start);
    let range = gone.iter().map(|unit| Some(start(unit.start)?..start(unit.end)?)).collect::<Option<_>>()?;
    Some(Cut { range, turns: removed, tokens: left })
}

/// Turns that go or stay together.
fn units(turns: &[Turn<'_>]) -> Vec<Range<usize>> {
    let mut units: Vec<Range<usize>> = Vec::new();
    let mut before = None;
    for (index, turn) in turns.iter().enumerate() {
        let belongs = match turn.kind {
            TurnKind::Results => matches!(before, Some(TurnKind::Calls | TurnKind::Results)),
            TurnKind::Calls => before == Some(TurnKind::Calls),
            TurnKind::System | TurnKind::User | TurnKind::Assistant => false,
        };
        match units.last_mut().filter(|_| belongs) {
            Some(unit) => unit.end = index + 1,
            None => units.push(index..index + 1),
        }
        before = Some(turn.kind);
    }
    units
}

/// Estimated tokens of each turn.
fn sizes(document: &Document<'_>, codec: &dyn Codec, turns: &[Turn<'_>]) -> Vec<u64> {
    let starts: BTreeMap<usize, usize> =
        turns.iter().enumerate().map(|(index, turn)| (turn.node.span().start, index)).collect();
    let mut sizes = vec![0_u64; turns.len()];
    let mut bytes = vec![0_u64; turns.len()];
    let place = |path: &[&str], parent: Node<'_>| codec.request_place(path, parent);
    visit(document.root(), &place, &mut |spot| {
        let span = spot.node.span();
        let Some((_, index)) = starts.range(..=span.start).next_back() else { return };
        let within = turns.get(*index).is_some_and(|turn| span.end <= turn.node.span().end);
        let (Some(size), Some(bytes), true) = (sizes.get_mut(*index), bytes.get_mut(*index), within) else {
            return;
        };
        *bytes += span.len() as u64;
        if !matches!(spot.place, Place::Media | Place::Skip)
            && let Some(text) = spot.node.as_str()
        {
            let mut estimator = Estimator::default();
            estimator.feed(&text);
            *size += estimator.tokens();
        }
    });
    for ((size, bytes), turn) in sizes.iter_mut().zip(&bytes).zip(turns) {
        let structure = (turn.node.span().len() as u64).saturating_sub(*bytes);
        *size += structure / STRUCTURE_BYTES_PER_TOKEN;
    }
    sizes
}
