//! Adds to what a request's system says: behind its last text, so that all before it keeps its bytes, and a provider's
//! cache of the prompt holds up to there.

use crate::wire::json::{Edits, Kind, Node, quote};

/// `said` is a text, or a list of parts, to which `part` is added. `false`: it is neither.
pub(super) fn append(said: Node<'_>, text: &str, part: &str, edits: &mut Edits) -> bool {
    let end = said.span().end;
    match said.kind() {
        Kind::String => {
            let more = quote(&format!("\n\n{text}"));
            edits.replace(end - 1..end - 1, more.trim_matches('"'));
            true
        }
        Kind::Array => {
            match said.items().last() {
                Some(last) => edits.replace(last.span().end..last.span().end, format!(",{part}")),
                None => edits.replace(end - 1..end - 1, part),
            }
            true
        }
        _ => false,
    }
}

/// The same for a field of an object, which is set where it says nothing.
pub(super) fn append_to(object: Node<'_>, field: &str, text: &str, part: &str, edits: &mut Edits) {
    match object.get(field).filter(|said| !said.is_null()) {
        Some(said) => {
            append(said, text, part, edits);
        }
        None => edits.set(object, field, &quote(text)),
    }
}

/// A part of a content, as OpenAI and Anthropic write it.
pub(super) fn text_part(text: &str) -> String {
    format!(r#"{{"type":"text","text":{}}}"#, quote(text))
}
