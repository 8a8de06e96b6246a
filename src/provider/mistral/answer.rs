//! Whole answers, written. What they are made of is that of streams too.

use crate::chat::{Choice, Dialect, Part, Response, Signature, ToolCall, Usage};
use crate::provider::build::{Object, list};
use crate::provider::fields::{json, sealed};
use crate::provider::openai::{Counts, finish, likely, write_call};
use crate::wire::json::quote;

pub(super) fn write(response: &Response, created: u64) -> Vec<u8> {
    let choices: Vec<String> = response.choices.iter().enumerate().map(choice).collect();
    let answer = Object::new()
        .text("id", &response.id)
        .text("object", "chat.completion")
        .number("created", created)
        .text("model", &response.model)
        .raw("choices", &list(&choices))
        .maybe("usage", response.usage.map(counts).as_deref());
    answer.end().into_bytes()
}

fn choice((index, choice): (usize, &Choice)) -> String {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut calls = Vec::new();
    for part in &choice.parts {
        match part {
            // A model that declines does so in its text.
            Part::Text(own) | Part::Refusal(own) => text.push_str(own),
            Part::Thinking { text: thought, signature } => {
                if !text.is_empty() {
                    parts.push(said(&std::mem::take(&mut text)));
                }
                let thought = thinking(thought, signature.as_ref().map(|own| sealed(own, thought, OWN)));
                parts.push(thought.raw("closed", "true").end());
            }
            Part::ToolCall(own) => calls.push(call(calls.len(), own)),
            // No model answers with these.
            Part::Image(_)
            | Part::Audio(_)
            | Part::Document { .. }
            | Part::ToolResult { .. }
            | Part::CacheHint(_) => {}
        }
    }
    let content = if parts.is_empty() {
        quote(&text)
    } else {
        if !text.is_empty() {
            parts.push(said(&text));
        }
        list(&parts)
    };
    let calls = (!calls.is_empty()).then(|| list(&calls));
    let message = Object::new()
        .text("role", "assistant")
        .raw("content", &content)
        .maybe("tool_calls", calls.as_deref());
    Object::new()
        .number("index", index as u64)
        .raw("message", &message.end())
        .maybe("logprobs", likely(&choice.logprobs).as_deref().map(|logprobs| logprobs.get()))
        .text("finish_reason", finish(choice.stop))
        .end()
}

/// What no other vendor's signature is for.
pub(super) const OWN: Dialect = Dialect::Mistral;

fn said(text: &str) -> String {
    Object::new().text("type", "text").text("text", text).end()
}

/// A part of the content. A signature goes with the thoughts before it, too.
pub(super) fn thinking(text: &str, signature: Option<String>) -> Object {
    let texts = if text.is_empty() { "[]".to_owned() } else { list(&[said(text)]) };
    let signature = signature.map(|signature| quote(&signature));
    Object::new().text("type", "thinking").raw("thinking", &texts).maybe("signature", signature.as_deref())
}

pub(super) fn call(index: usize, call: &ToolCall) -> String {
    let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
    let function = Object::new().text("name", &call.name).text("arguments", arguments).end();
    Object::new()
        .text("id", &call.id)
        .text("type", "function")
        .raw("function", &function)
        .number("index", index as u64)
        .maybe("extra_content", write_call(call.signature.as_ref()).as_deref().map(|signed| signed.get()))
        .end()
}

/// Mistral has no name for what of it was thought; who has, finds it.
pub(super) fn counts(usage: Usage) -> String {
    String::from_utf8(json(&Counts::from(usage))).unwrap_or_default()
}

/// For a signature whose text was told before it.
pub(super) fn seal(signature: &Signature, text: &str) -> Object {
    thinking("", Some(sealed(signature, text, OWN)))
}
