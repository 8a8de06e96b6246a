//! An answer that came as a whole.

use std::rc::Rc;

use super::Carriage;
use crate::chat::visit::{Place, Spot, SpotKind, visit};
use crate::chat::{Malformed, Part, Response, Vector};
use crate::policy::redaction::{AnswerFindings, AnswerRules, AnswerTally, Hand, Landing, Restorer, Vault};
use crate::provider::Codec;
use crate::wire::json::{Document, Edits, Kind, Node, quote};

/// A whole answer as the caller gets it.
#[derive(Debug, Default)]
pub struct Carried {
    /// `None`: the body goes on as it is.
    pub body: Option<Vec<u8>>,
    pub found: AnswerFindings,
}

/// A whole answer, carried over. Where something was found that may not leave, the body is not for the caller.
pub fn carry_whole(carriage: &Carriage, document: &Document<'_>) -> Result<Carried, Malformed> {
    let restorer = Restorer::new(Rc::clone(&carriage.vault));
    let rules = carriage.rules.as_deref();
    let mut tally = AnswerTally::default();
    if carriage.in_place() {
        let mut edits = Edits::new();
        carry_document(document, carriage.from, &restorer, rules, &mut tally, &mut edits);
        if tally.findings.redacted() > 0 {
            hide_logprobs(document.root(), &mut edits);
        }
        let body = (!edits.is_empty()).then(|| edits.apply(document.text()));
        return Ok(Carried { body, found: tally.findings });
    }
    let mut response = carriage.from.read_response(document.root())?;
    if let Some(rules) = rules {
        guard_response(&mut response, rules, &mut tally);
    }
    restore_response(&mut response, &restorer);
    if response.model.is_empty() {
        response.model.clone_from(&carriage.outline.model);
    }
    for vector in &mut response.vectors {
        let wanted = if carriage.outline.vectors_in_base64 {
            vector.to_base64().map(Vector::Base64)
        } else {
            vector.to_numbers().map(Vector::Numbers)
        };
        *vector = wanted.ok_or(Malformed { field: String::new(), expected: "vectors" })?;
    }
    Ok(Carried { body: Some(carriage.to.write_response(&response, carriage.created)), found: tally.findings })
}

/// What an answer that goes on untouched says that its prompt did not.
pub fn watch_whole(carriage: &Carriage, document: &Document<'_>) -> AnswerFindings {
    let mut tally = AnswerTally::default();
    if carriage.rules.is_some() {
        let nothing = Restorer::new(Rc::clone(&carriage.vault));
        let rules = carriage.rules.as_deref();
        carry_document(document, carriage.from, &nothing, rules, &mut tally, &mut Edits::new());
    }
    tally.findings
}

/// Looks through every string of a document, and restores it.
fn carry_document(
    document: &Document<'_>,
    codec: &dyn Codec,
    restorer: &Restorer,
    rules: Option<&AnswerRules>,
    tally: &mut AnswerTally,
    edits: &mut Edits,
) {
    if rules.is_none() && restorer.is_idle() {
        return;
    }
    let place = |path: &[&str], parent: Node<'_>| codec.response_place(path, parent);
    visit(document.root(), &place, &mut |spot| {
        carry_spot(
            &spot,
            restorer,
            &mut |text, landing, hand| rules?.guard(text, landing, hand, tally),
            edits,
        );
    });
}

/// What takes a text's place for what it says, if anything does.
pub(super) type Guard<'g> = dyn FnMut(&str, Landing, Hand) -> Option<String> + 'g;

pub(super) fn carry_spot(spot: &Spot<'_>, restorer: &Restorer, guard: &mut Guard<'_>, edits: &mut Edits) {
    if spot.place == Place::Opaque && spot.kind == SpotKind::Text {
        // Thinking that is signed. What has no spaces is a signature.
        let text = spot.node.as_str().filter(|text| text.contains(' '));
        text.map(|text| guard(&text, Landing::Text, Hand::Tied));
    }
    if is_fixed(spot.place) {
        return;
    }
    if spot.kind == SpotKind::Number {
        if let Some(guarded) = guard(spot.node.raw(), Landing::Text, Hand::Free) {
            edits.replace(spot.node.span(), quote(&guarded));
        }
        return;
    }
    let Some(text) = spot.node.as_str() else { return };
    let landing = landing(spot.place == Place::Json);
    let guarded = guard(&text, landing, Hand::Free);
    let restored = restorer.restore(guarded.as_deref().unwrap_or(&text), landing);
    if let Some(text) = restored.or(guarded) {
        edits.replace(spot.node.span(), quote(&text));
    }
}

/// Where nothing is put back: it is not text, or the provider has signed it.
fn is_fixed(place: Place) -> bool {
    matches!(place, Place::Opaque | Place::Media | Place::Skip | Place::Credential)
}

/// Takes out how likely each token was, as the tokens are the text.
pub(super) fn hide_logprobs(node: Node<'_>, edits: &mut Edits) {
    const WITHIN: [&str; 7] = ["choices", "candidates", "output", "content", "response", "item", "part"];
    node.items().for_each(|item| hide_logprobs(item, edits));
    for (key, value) in node.members() {
        match key.as_str().as_deref() {
            Some("logprobs" | "logprobsResult") if value.kind() == Kind::Array => {
                edits.replace(value.span(), "[]");
            }
            Some("logprobs" | "logprobsResult") => edits.replace(value.span(), "null"),
            Some(key) if WITHIN.contains(&key) => hide_logprobs(value, edits),
            _ => {}
        }
    }
}

pub(super) fn landing(json: bool) -> Landing {
    if json { Landing::Json } else { Landing::Text }
}

fn guard_response(response: &mut Response, rules: &AnswerRules, tally: &mut AnswerTally) {
    let mut guard = |text: &mut String, landing, hand| {
        if let Some(guarded) = rules.guard(text, landing, hand, tally) {
            *text = guarded;
        }
    };
    for part in response.choices.iter_mut().flat_map(|choice| &mut choice.parts) {
        match part {
            Part::Text(text) | Part::Refusal(text) => guard(text, Landing::Text, Hand::Free),
            Part::Thinking { text, signature } => {
                let hand = if signature.is_some() { Hand::Tied } else { Hand::Free };
                guard(text, Landing::Text, hand);
            }
            Part::ToolCall(call) => guard(&mut call.arguments, Landing::Json, Hand::Free),
            Part::Image(_)
            | Part::Audio(_)
            | Part::Document { .. }
            | Part::ToolResult { .. }
            | Part::CacheHint(_) => {}
        }
    }
    if tally.findings.redacted() > 0 {
        response.choices.iter_mut().for_each(|choice| choice.logprobs.clear());
    }
}

fn restore_response(response: &mut Response, restorer: &Restorer) {
    let restore = |text: &mut String, landing| {
        if let Some(restored) = restorer.restore(text, landing) {
            *text = restored;
        }
    };
    for part in response.choices.iter_mut().flat_map(|choice| &mut choice.parts) {
        match part {
            Part::Text(text) | Part::Refusal(text) => restore(text, Landing::Text),
            Part::Thinking { text, signature } => {
                if let Some(signature) = signature {
                    signature.covers = as_signed(text, restorer);
                }
                restore(text, Landing::Text);
            }
            Part::ToolCall(call) => restore(&mut call.arguments, Landing::Json),
            Part::Image(_)
            | Part::Audio(_)
            | Part::Document { .. }
            | Part::ToolResult { .. }
            | Part::CacheHint(_) => {}
        }
    }
}

/// A text that was signed, where restoring changes it.
pub(super) fn as_signed(text: &str, restorer: &Restorer) -> Option<String> {
    restorer.restore(text, Landing::Text).is_some().then(|| text.to_owned())
}

/// What an error message quotes is the caller's own.
pub fn restore_text(vault: &Rc<Vault>, text: &str) -> String {
    Restorer::new(Rc::clone(vault)).restore(text, Landing::Text).unwrap_or_else(|| text.to_owned())
}

/// A provider's error, which may quote the prompt. What is not JSON stays as it is.
pub fn restore_error(vault: &Rc<Vault>, body: &[u8]) -> Option<Vec<u8>> {
    let document = Document::parse_lenient(body).ok()?;
    let restorer = Restorer::new(Rc::clone(vault));
    let mut edits = Edits::new();
    visit(document.root(), &|_, _| Place::Free, &mut |spot| {
        carry_spot(&spot, &restorer, &mut |_, _, _| None, &mut edits);
    });
    (!edits.is_empty()).then(|| edits.apply(body))
}
