//! The items that an answer is made of, as a caller gets them and sends them back.
//!
//! What other providers sign has its place in `encrypted_content`, with the name of the provider before it and the
//! text that it signs behind it: the summary is for people, and may be edited on its way. A signature of a call has
//! no place of its own; it becomes a reasoning item without a text in front of the call.

use super::super::logprobs;
use crate::chat::{Dialect, Logprob, Part, Signature, ToolCall};
use crate::provider::build::{Object, list};
use crate::provider::fields::{is_foreign, sealed, text_of, unsigned};
use crate::wire::json::Node;

pub(super) enum Item {
    Thinking { text: String, signature: Option<Signature> },
    Message(Vec<Said>),
    Call { id: String, name: String, arguments: String },
}

/// One part of a message.
#[derive(Default)]
pub(super) struct Said {
    pub refusal: bool,
    pub text: String,
    pub logprobs: Vec<Logprob>,
}

/// What begins the ids of reasoning that OpenAI does not know.
const FOREIGN_THINKING: &str = "rs_tollgate_";
/// OpenAI takes ids of 64 bytes at most.
const LONGEST_ID: usize = 40;

impl Item {
    /// The same for the same answer, whole or streamed.
    pub(super) fn id(&self, answer: &str, index: usize) -> String {
        let prefix = match self {
            Self::Thinking { .. } => FOREIGN_THINKING,
            Self::Message(_) => "msg_",
            Self::Call { .. } => "fc_",
        };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let plain =
            answer.bytes().take(LONGEST_ID).map(|byte| if allowed(byte) { char::from(byte) } else { '-' });
        format!("{prefix}{}_{index}", plain.collect::<String>())
    }

    /// Without what it is made of, as it is before its first piece.
    pub(super) fn begun(&self, id: &str) -> String {
        let item = Object::new().text("id", id);
        match self {
            Self::Thinking { .. } => item.text("type", "reasoning").raw("summary", "[]"),
            Self::Message(_) => {
                item.members(r#""type":"message","status":"in_progress","content":[],"role":"assistant""#)
            }
            Self::Call { id: call, name, .. } => item
                .members(r#""type":"function_call","status":"in_progress","arguments":"""#)
                .text("call_id", call)
                .text("name", name),
        }
        .end()
    }

    pub(super) fn whole(&self, id: &str, status: &str) -> String {
        let item = Object::new().text("id", id);
        match self {
            Self::Thinking { text, signature } => {
                let summary: Vec<String> = Some(text)
                    .filter(|text| !text.is_empty())
                    .map(|text| summary(text))
                    .into_iter()
                    .collect();
                let item = item.text("type", "reasoning").raw("summary", &list(&summary));
                match signature {
                    Some(signature) => {
                        item.text("encrypted_content", &sealed(signature, text, Dialect::OpenAi))
                    }
                    None => item,
                }
            }
            Self::Message(said) => item
                .text("type", "message")
                .text("status", status)
                .raw("content", &list(&said.iter().map(Said::whole).collect::<Vec<_>>()))
                .text("role", "assistant"),
            Self::Call { id: call, name, arguments } => item
                .text("type", "function_call")
                .text("status", status)
                .text("arguments", arguments)
                .text("call_id", call)
                .text("name", name),
        }
        .end()
    }
}

impl Said {
    pub(super) fn begun(refusal: bool) -> String {
        Self { refusal, ..Self::default() }.whole()
    }

    pub(super) fn whole(&self) -> String {
        if self.refusal {
            return Object::new().text("type", "refusal").text("refusal", &self.text).end();
        }
        let part = Object::new().members(r#""type":"output_text","annotations":[]"#);
        part.raw("logprobs", &logprobs::write(&self.logprobs)).text("text", &self.text).end()
    }
}

pub(super) fn summary(text: &str) -> String {
    Object::new().text("type", "summary_text").text("text", text).end()
}

// ---- sent back

/// Reasoning as an answer or a request has it. Where both stand, the text is what the model thought and not the summary.
pub(super) fn thinking(item: Node<'_>) -> Part {
    let texts = |key: &str| -> Vec<String> {
        item.get(key)
            .into_iter()
            .flat_map(|list| list.items())
            .filter_map(|part| text_of(part, "text"))
            .collect()
    };
    let mut text = texts("content").join("\n\n");
    if text.is_empty() {
        text = texts("summary").join("\n\n");
    }
    let value = text_of(item, "encrypted_content").filter(|value| !value.is_empty());
    Part::Thinking { text, signature: value.map(|value| unsigned(value, Dialect::OpenAi)) }
}

/// A call, with the signature that stood in front of it.
pub(super) fn call(item: Node<'_>, before: &mut Vec<Part>) -> Option<ToolCall> {
    let id = text_of(item, "call_id").filter(|id| !id.is_empty()).or_else(|| text_of(item, "id"))?;
    let arguments = text_of(item, "arguments").unwrap_or_default();
    let of_a_call = |part: &mut Part| match part {
        Part::Thinking { text, signature: Some(signature) } => {
            text.is_empty() && signature.by == Dialect::Gemini
        }
        _ => false,
    };
    let signature = match before.pop_if(of_a_call) {
        Some(Part::Thinking { signature, .. }) => signature,
        _ => None,
    };
    Some(ToolCall { id, name: text_of(item, "name")?, arguments, signature })
}

/// Whether an item of a request is reasoning of which OpenAI can make nothing.
pub(super) fn is_foreign_thinking(item: Node<'_>) -> bool {
    if item.get("type").is_none_or(|kind| !kind.is("reasoning")) {
        return false;
    }
    match text_of(item, "encrypted_content").filter(|value| !value.is_empty()) {
        Some(value) => is_foreign(&value),
        None => text_of(item, "id").is_some_and(|id| id.starts_with(FOREIGN_THINKING)),
    }
}
