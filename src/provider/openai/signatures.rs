//! What providers sign, in chat completions. OpenAI's own API has no field for it; three are in use elsewhere, and a
//! caller that sends back what it got closes the loop:
//!
//! - thinking in a message's `reasoning_details`, as OpenRouter writes it, with the text that was signed;
//! - thinking in parts of the content, as Mistral writes it;
//! - calls in `extra_content.google.thought_signature`, as Google's own endpoint of this API writes it.

use serde_json::value::RawValue;

use crate::chat::{Dialect, Part, Signature};
use crate::provider::build::Object;
use crate::provider::fields::{raw, signed, text_of, unsigned};
use crate::wire::json::Node;

/// Whose signature it is, as OpenRouter names it.
const FORMATS: [(&str, Dialect); 3] = [
    ("anthropic-claude-v1", Dialect::Anthropic),
    ("google-gemini-v1", Dialect::Gemini),
    ("openai-responses-v1", Dialect::OpenAi),
];

/// Whether the text of such a detail is covered by a signature, which may come later.
pub(super) fn is_signed(detail: Node<'_>) -> bool {
    detail.get("signature").is_some_and(|it| !it.is_null() && !it.is("")) || by(detail) == Dialect::Anthropic
}

fn by(detail: Node<'_>) -> Dialect {
    let format = text_of(detail, "format").unwrap_or_default();
    FORMATS.iter().find(|(name, _)| *name == format).map_or(Dialect::OpenRouter, |(_, dialect)| *dialect)
}

/// The details of a message, or of a piece of one.
pub(super) fn details<'d>(message: Node<'d>) -> impl Iterator<Item = Node<'d>> {
    message.get("reasoning_details").into_iter().flat_map(|details| details.items())
}

/// A detail's text and its signature, each as far as it is there.
pub(super) fn detail(node: Node<'_>) -> (Option<String>, Option<Signature>) {
    let given = |key: &str| text_of(node, key).filter(|text| !text.is_empty());
    let signature = given("signature").or_else(|| given("data"));
    (given("text").or_else(|| given("summary")), signature.map(|value| unsigned(value, by(node))))
}

/// What a message says it was thinking. A signature without a text belongs to the text before it.
pub(super) fn thinking(message: Node<'_>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (text, signature) in details(message).map(detail) {
        match (text, parts.last_mut()) {
            (None, Some(Part::Thinking { signature: own @ None, .. })) => *own = signature,
            (None, _) if signature.is_none() => {}
            (text, _) => parts.push(Part::Thinking { text: text.unwrap_or_default(), signature }),
        }
    }
    if parts.is_empty() {
        let text = text_of(message, "reasoning_content").or_else(|| text_of(message, "reasoning"));
        let text = text.filter(|text| !text.is_empty());
        parts.extend(text.map(|text| Part::Thinking { text, signature: None }));
    }
    parts
}

/// A part of a message's content that Mistral's models thought. A signature goes with the texts since the one before.
pub(super) fn thought(part: Node<'_>, parts: &mut Vec<Part>) {
    let texts = part.get("thinking").into_iter().flat_map(|texts| texts.items());
    let said: String = texts.filter_map(|it| text_of(it, "text")).collect();
    let signed = text_of(part, "signature").map(|value| unsigned(value, Dialect::Mistral));
    match parts.last_mut() {
        Some(Part::Thinking { text, signature: signature @ None }) => {
            text.push_str(&said);
            *signature = signed;
        }
        _ => parts.push(Part::Thinking { text: said, signature: signed }),
    }
}

pub(super) fn of_call(call: Node<'_>) -> Option<Signature> {
    let value = call.path(&["extra_content", "google", "thought_signature"])?.as_str()?;
    Some(unsigned(value.into_owned(), Dialect::Gemini))
}

/// The detail that stands for signed thinking. Where nothing was shown of it, it is sealed as a whole.
pub(super) fn write(text: &str, signature: &Signature, index: usize) -> Option<Box<RawValue>> {
    let known = FORMATS.iter().find(|(_, dialect)| *dialect == signature.by);
    // The text that is signed stands beside it.
    let bare = Signature::new(signature.by, signature.value.as_str());
    let value = signed(&bare, known.map_or(Dialect::OpenRouter, |(_, dialect)| *dialect));
    let text = signature.signs(text);
    let detail = if text.is_empty() {
        Object::new().text("type", "reasoning.encrypted").text("data", &value)
    } else {
        Object::new().text("type", "reasoning.text").text("text", text).text("signature", &value)
    };
    let format = known.map_or("unknown", |(name, _)| *name);
    raw(&detail.text("format", format).number("index", index as u64).end())
}

pub(in crate::provider) fn write_call(signature: Option<&Signature>) -> Option<Box<RawValue>> {
    let signature = signed(signature?, Dialect::Gemini);
    let google = Object::new().text("thought_signature", &signature).end();
    raw(&Object::new().raw("google", &google).end())
}
