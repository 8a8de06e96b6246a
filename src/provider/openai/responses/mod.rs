//! OpenAI's Responses: the API in which a conversation is a list of items.
//!
//! Facts: the types of openai-python 3.54, recordings and OpenAI's documentation, as of 2026-11-24.

mod answer;
mod codec;
mod items;
mod place;
mod read_request;
mod stream_reader;
mod stream_writer;
mod write_request;

pub use codec::OpenAiResponses;

use super::Rule;
use crate::chat::{ErrorClass, ProviderError};
use crate::provider::failure::Fault;
use crate::provider::fields::text_of;
use crate::wire::json::{Edits, Kind, Node};

/// Whether this is an answer of this API, of any status.
pub(super) fn is_answer(root: Node<'_>) -> bool {
    root.get("output").is_some_and(|output| output.kind() == Kind::Array)
        || root.get("object").is_some_and(|object| object.is("response"))
}

/// An answer may be a failure: it says so in its status, whatever the status of the call. A stop by the content
/// filter is one too, as another provider may answer.
pub(super) fn soft_failure(root: Node<'_>, own: &[Rule]) -> Option<ProviderError> {
    let given = root.get("error").filter(|error| !error.is_null());
    let (class, message, code) = match text_of(root, "status").as_deref() {
        Some("failed") | None if given.is_some() => {
            return Fault::read(root).map(|fault| fault.classify(own));
        }
        Some("failed") => (ErrorClass::ServerError, "the provider failed while answering", "failed"),
        Some("cancelled") => (ErrorClass::ServerError, "the provider gave up on the answer", "cancelled"),
        Some("incomplete") if answer::is_filtered(root) => {
            (ErrorClass::ContentFilter, "the provider's content filter stopped the answer", "content_filter")
        }
        _ => return None,
    };
    Some(ProviderError { code: Some(code.to_owned()), ..ProviderError::new(class, message) })
}

/// Takes out what another provider thought, and callers send back as they got it: OpenAI reads its own only, and
/// looks up what it did not encrypt.
pub(in crate::provider) fn without_foreign_thinking(root: Node<'_>, edits: &mut Edits) {
    let Some(input) = root.get("input").filter(|input| input.kind() == Kind::Array) else { return };
    let kept: Vec<&str> =
        input.items().filter(|item| !items::is_foreign_thinking(*item)).map(|item| item.raw()).collect();
    if kept.len() < input.len() {
        edits.replace(input.span(), format!("[{}]", kept.join(",")));
    }
}

/// The field by which a request asks for what the provider keeps: items by their ids, and prompts.
pub(super) fn needs_storage(root: Node<'_>) -> Option<&'static str> {
    let refers = |item: Node<'_>| item.get("type").is_some_and(|kind| kind.is("item_reference"));
    if root.path(&["prompt", "id"]).is_some() {
        Some("prompt")
    } else if root.get("input").is_some_and(|input| input.items().any(refers)) {
        Some("input[].item_reference")
    } else {
        None
    }
}
