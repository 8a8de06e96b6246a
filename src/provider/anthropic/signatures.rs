//! What is signed and has no block of its own here travels as a `redacted_thinking` block, which callers hand back as it
//! is: another vendor's signature of a call (before its `tool_use`), and one without a text.

use crate::chat::{Dialect, Part, Signature, ToolCall};
use crate::provider::fields::{REDACTED, signed, unsigned};

/// The block's `data`.
pub(super) fn data(signature: &Signature) -> String {
    let text = signed(signature, Dialect::Anthropic);
    text.strip_prefix(REDACTED).map(str::to_owned).unwrap_or(text)
}

/// The other way round.
pub(super) fn of_data(data: String) -> Signature {
    let signature = unsigned(data, Dialect::Anthropic);
    match signature.by {
        Dialect::Anthropic => Signature { value: format!("{REDACTED}{}", signature.value), ..signature },
        _ => signature,
    }
}

/// What this vendor encrypted whole; `None` for a signature of a text.
pub(super) fn redacted(signature: &Signature) -> Option<&str> {
    signature.value.strip_prefix(REDACTED)
}

/// A call, with the signature that stands before it.
pub(super) fn push_call(parts: &mut Vec<Part>, mut call: ToolCall) {
    let stands_before = |part: &mut Part| match part {
        Part::Thinking { text, signature } if text.is_empty() => {
            signature.take_if(|signature| signature.by != Dialect::Anthropic)
        }
        _ => None,
    };
    if let Some(signature) = parts.last_mut().and_then(stands_before) {
        parts.pop();
        call.signature = Some(signature);
    }
    parts.push(Part::ToolCall(call));
}
