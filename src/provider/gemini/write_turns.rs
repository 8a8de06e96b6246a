//! The neutral conversation's turns as Google's contents.
//!
//! System prompts stand apart; turns of the same role are merged. A result names its function, which is looked up by the
//! call's id. A thought goes with this provider's own signature or not at all, and the signature stands on what it led to:
//! the next text or call. Gemini 3 refuses a turn whose first call has none; for calls that another model made Google
//! documents a word to put there.

use std::collections::BTreeMap;

use super::names::{generation, media_type};
use super::signature;
use crate::chat::{Dialect, Media, Part, Request, Role, Signature, Unsupported};
use crate::provider::build::{Object, list};
use crate::provider::fields::{arguments, unsupported};
use crate::wire::json::{Document, Kind, quote};

/// "This call was not made by the model that reads it."
pub(super) const NOT_SIGNED: &str = "skip_thought_signature_validator";

/// Since Gemini 3, calls are signed, and results may hold media.
const SIGNS: (u32, u32) = (3, 0);

pub(super) fn system(request: &Request) -> Option<String> {
    let turns = request.messages.iter().filter(|it| matches!(it.role, Role::System | Role::Developer));
    let texts = turns.flat_map(|turn| &turn.parts).filter_map(|part| match part {
        Part::Text(text) if !text.is_empty() => Some(Object::new().text("text", text).end()),
        _ => None,
    });
    let parts: Vec<String> = texts.collect();
    (!parts.is_empty()).then(|| Object::new().raw("parts", &list(&parts)).end())
}

struct Content {
    role: &'static str,
    /// Results come first in their turn.
    results: Vec<String>,
    parts: Vec<String>,
    calls: bool,
}

pub(super) fn contents(request: &Request) -> Result<String, Unsupported> {
    let signs = generation(&request.model) >= SIGNS;
    let mut functions: BTreeMap<&str, &str> = BTreeMap::new();
    let mut contents: Vec<Content> = Vec::new();
    for (index, message) in request.messages.iter().enumerate() {
        let role = match message.role {
            Role::System | Role::Developer => continue,
            Role::User | Role::Tool => "user",
            Role::Assistant => "model",
        };
        if contents.last().is_none_or(|last| last.role != role) {
            contents.push(Content { role, results: Vec::new(), parts: Vec::new(), calls: false });
        }
        let Some(content) = contents.last_mut() else { continue };
        let mut calls = 0;
        let mut signed: Option<&Signature> = None;
        for (number, part) in message.parts.iter().enumerate() {
            let at = |what: &str| unsupported(format!("messages[{index}].content[{number}]{what}"));
            match part {
                Part::CacheHint(_) => {}
                Part::Text(text) | Part::Refusal(text) if text.is_empty() => {}
                Part::Text(text) | Part::Refusal(text) => {
                    content.parts.push(with(Object::new().text("text", text), signed.take()));
                }
                Part::Thinking { text, signature } => {
                    let own = signature.as_ref().filter(|it| it.by == Dialect::Gemini);
                    signed = own.or(signed);
                    if own.is_some() && !text.is_empty() {
                        content.parts.push(Object::new().text("text", text).raw("thought", "true").end());
                    }
                }
                Part::ToolCall(call) => {
                    let arguments = arguments(call).ok_or_else(|| {
                        unsupported(format!("messages[{index}].tool_calls[{calls}].function.arguments"))
                    })?;
                    calls += 1;
                    functions.insert(&call.id, &call.name);
                    let own = call.signature.as_ref().filter(|it| it.by == Dialect::Gemini).or(signed.take());
                    let call = Object::new()
                        .text("id", &call.id)
                        .text("name", &call.name)
                        .raw("args", arguments.get())
                        .end();
                    let mut part = Object::new().raw("functionCall", &call);
                    let first = !std::mem::replace(&mut content.calls, true);
                    if first && own.is_none() && signs {
                        part = part.text("thoughtSignature", NOT_SIGNED);
                    }
                    content.parts.push(with(part, own));
                }
                Part::ToolResult { id, parts, is_error } => {
                    let name = functions
                        .get(id.as_str())
                        .ok_or_else(|| unsupported(format!("messages[{index}].tool_call_id")))?;
                    let media = result_media(parts).filter(|media| media.is_empty() || signs);
                    let media = media.ok_or_else(|| at(".tool_result.content"))?;
                    let mut result = Object::new()
                        .text("id", id)
                        .text("name", name)
                        .raw("response", &response(parts, *is_error));
                    if !media.is_empty() {
                        result = result.raw("parts", &list(&media));
                    }
                    content.results.push(Object::new().raw("functionResponse", &result.end()).end());
                }
                Part::Image(media) | Part::Audio(media) | Part::Document { media, .. } => {
                    content.parts.push(data(media));
                }
            }
        }
        if signed.is_some() {
            content.parts.push(with(Object::new().text("text", ""), signed));
        }
    }
    let turns: Vec<String> = contents.into_iter().filter_map(turn).collect();
    if turns.is_empty() { Err(unsupported("messages")) } else { Ok(list(&turns)) }
}

fn turn(content: Content) -> Option<String> {
    let mut parts = content.results;
    parts.extend(content.parts);
    let whole = || Object::new().text("role", content.role).raw("parts", &list(&parts)).end();
    (!parts.is_empty()).then(whole)
}

fn with(part: Object, signature: Option<&Signature>) -> String {
    part.maybe("thoughtSignature", signature.map(|it| quote(&signature::write(it))).as_deref()).end()
}

fn data(media: &Media) -> String {
    match media {
        Media::Base64 { media_type, data } => {
            let inline = Object::new().text("mimeType", media_type).text("data", data).end();
            Object::new().raw("inlineData", &inline).end()
        }
        Media::Url(uri) => {
            let file = Object::new().maybe("mimeType", media_type(uri).map(quote).as_deref());
            Object::new().raw("fileData", &file.text("fileUri", uri).end()).end()
        }
    }
}

/// What stands beside the text of a result. `None` for what is neither.
fn result_media(parts: &[Part]) -> Option<Vec<String>> {
    let others = parts.iter().filter(|part| !matches!(part, Part::Text(_)));
    others
        .map(|part| match part {
            Part::Image(media) | Part::Document { media, .. } => Some(data(media)),
            _ => None,
        })
        .collect()
}

/// An object stays what it is; anything else is wrapped, as Google's own clients do.
fn response(parts: &[Part], is_error: bool) -> String {
    let mut said = String::new();
    for part in parts {
        if let Part::Text(text) = part {
            said.push_str(text);
        }
    }
    let document = Document::parse_lenient(said.as_bytes()).ok();
    if document.is_some_and(|document| document.root().kind() == Kind::Object) && !is_error {
        return said;
    }
    Object::new().text(if is_error { "error" } else { "result" }, &said).end()
}
