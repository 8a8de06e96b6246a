//! What a stream is made of: pieces that wait for the ones behind them, and what each of them says.

use super::stream::Progress;
use super::whole::landing;
use crate::chat::Delta;
use crate::policy::redaction::{Fragment, Hand, Released};
use crate::provider::{Channel, StreamText, StreamWriter};
use crate::wire::json::{Edits, quote};
use crate::wire::sse;

pub(super) fn note(delta: &Delta, progress: &mut Progress) {
    progress.useful |= delta.is_useful();
    progress.stopped |= matches!(delta, Delta::Stop { .. } | Delta::End);
    match delta {
        Delta::Start { model, .. } if !model.is_empty() => progress.model = Some(model.clone()),
        Delta::Text { text, .. } | Delta::Refusal { text, .. } | Delta::Thinking { text, .. } => {
            progress.text.push(text.clone());
        }
        Delta::ToolArguments { json, .. } => progress.text.push(json.clone()),
        Delta::Usage(usage) => progress.usage = Some(*usage),
        Delta::Error(error) => progress.error = Some(error.clone()),
        Delta::Start { .. }
        | Delta::Signature { .. }
        | Delta::Logprobs { .. }
        | Delta::ToolStart { .. }
        | Delta::Stop { .. }
        | Delta::End => {}
    }
}

/// What a writer may have to keep of it.
pub(super) fn size_of(delta: &Delta) -> usize {
    match delta {
        Delta::Text { text, .. } | Delta::Refusal { text, .. } | Delta::Thinking { text, .. } => text.len(),
        Delta::ToolArguments { json, .. } => json.len(),
        Delta::ToolStart { id, name, .. } => id.len() + name.len(),
        Delta::Signature { signature, .. } => signature.value.len(),
        Delta::Logprobs { logprobs, .. } => logprobs.iter().map(|one| LOGPROB * (1 + one.top.len())).sum(),
        Delta::Start { .. } | Delta::Stop { .. } | Delta::Usage(_) | Delta::End | Delta::Error(_) => 0,
    }
}

/// Bytes that a token's likelihood takes, about.
const LOGPROB: usize = 64;

/// One event that waits until it is known whether its end is the beginning of a placeholder.
pub(super) struct HeldEvent {
    pub event: sse::Event,
    pub edits: Edits,
    /// Where the texts stand in the event's data, in the order of the fragments.
    pub spots: Vec<std::ops::Range<usize>>,
}

impl HeldEvent {
    pub fn untouched(event: &sse::Event) -> Self {
        Self { event: event.clone(), edits: Edits::new(), spots: Vec::new() }
    }

    pub fn write(mut self, texts: &[Option<String>], out: &mut Vec<u8>) {
        for (span, text) in self.spots.iter().zip(texts) {
            if let Some(text) = text {
                self.edits.replace(span.clone(), quote(text));
            }
        }
        match self.event.data() {
            Some(data) if !self.edits.is_empty() => out.extend(self.event.with_data(&self.edits.apply(data))),
            _ => out.extend_from_slice(self.event.raw()),
        }
    }
}

pub(super) fn fragment(text: &StreamText<'_>) -> (Fragment<Channel>, Hand) {
    let fragment = Fragment {
        channel: text.channel,
        text: text.node.as_str().unwrap_or_default().into_owned(),
        landing: landing(text.json),
    };
    (fragment, Hand::Free)
}

pub(super) fn delta_fragment(delta: &Delta) -> Option<Fragment<Channel>> {
    let (choice, field, part, text, json) = match delta {
        Delta::Text { choice, text } => (*choice, "text", 0, text, false),
        Delta::Refusal { choice, text } => (*choice, "refusal", 0, text, false),
        Delta::Thinking { choice, text } => (*choice, "thinking", 0, text, false),
        Delta::ToolArguments { choice, call, json } => (*choice, "arguments", *call, json, true),
        _ => return None,
    };
    Some(Fragment { channel: Channel { choice, field, part }, text: text.clone(), landing: landing(json) })
}

pub(super) fn write_delta(held: Released<Delta>, writer: &mut dyn StreamWriter, out: &mut Vec<u8>) {
    let mut delta = held.item;
    if let Some(Some(restored)) = held.texts.into_iter().next() {
        match &mut delta {
            Delta::Text { text, .. } | Delta::Refusal { text, .. } | Delta::Thinking { text, .. } => {
                *text = restored
            }
            Delta::ToolArguments { json, .. } => *json = restored,
            _ => {}
        }
    }
    writer.write(&delta, out);
}
