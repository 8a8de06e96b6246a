//! An answer that came as a whole.

use std::rc::Rc;

use super::Carriage;
use crate::chat::visit::{Place, SpotKind, visit};
use crate::chat::{Malformed, Part, Response, Vector};
use crate::policy::redaction::{Landing, Restorer, Vault};
use crate::provider::Codec;
use crate::wire::json::{Document, Edits, Node, quote};

/// A whole answer, carried over. `None`: the body goes on as it is.
pub fn carry_whole(carriage: &Carriage, document: &Document<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    let restorer = Restorer::new(Rc::clone(&carriage.vault));
    if carriage.in_place() {
        let mut edits = Edits::new();
        restore_document(document, carriage.from, &restorer, &mut edits);
        return Ok((!edits.is_empty()).then(|| edits.apply(document.text())));
    }
    let mut response = carriage.from.read_response(document.root())?;
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
    Ok(Some(carriage.to.write_response(&response, carriage.created)))
}

/// Restores every string of a document.
fn restore_document(document: &Document<'_>, codec: &dyn Codec, restorer: &Restorer, edits: &mut Edits) {
    if !may_hold_placeholder(document.text()) {
        return;
    }
    let place = |path: &[&str], parent: Node<'_>| codec.response_place(path, parent);
    visit(document.root(), &place, &mut |spot| {
        if spot.kind == SpotKind::Number || is_fixed(spot.place) {
            return;
        }
        restore_node(spot.node, spot.place == Place::Json, restorer, edits);
    });
}

/// Where nothing is put back: it is not text, or the provider has signed it.
pub(super) fn is_fixed(place: Place) -> bool {
    matches!(place, Place::Opaque | Place::Media | Place::Skip | Place::Credential)
}

pub(super) fn restore_node(node: Node<'_>, json: bool, restorer: &Restorer, edits: &mut Edits) {
    let Some(text) = node.as_str() else { return };
    if let Some(restored) = restorer.restore(&text, landing(json)) {
        edits.replace(node.span(), quote(&restored));
    }
}

pub(super) fn landing(json: bool) -> Landing {
    if json { Landing::Json } else { Landing::Text }
}

/// Every spelling of a placeholder begins with one of `<`, `\u003c` and `&lt;`.
pub(super) fn may_hold_placeholder(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, b'<' | b'\\' | b'&'))
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
                    signature.covers = as_signed(text);
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

/// A text that was signed, where restoring may change it.
pub(super) fn as_signed(text: &str) -> Option<String> {
    may_hold_placeholder(text.as_bytes()).then(|| text.to_owned())
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
        if spot.kind != SpotKind::Number {
            restore_node(spot.node, false, &restorer, &mut edits);
        }
    });
    (!edits.is_empty()).then(|| edits.apply(body))
}
