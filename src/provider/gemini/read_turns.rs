//! Turns into the neutral conversation.
//!
//! Google knows the call that a result belongs to by an id, or, in older clients, by the function's name alone. Elsewhere
//! it takes an id: calls without one get one, and results without one belong to the first call of that name that has no
//! result. Clients send a streamed answer as they got it, piece by piece: turns of the model that follow each other are
//! one, and so are its texts.

use std::collections::BTreeMap;

use super::names::{each, get, is_true, media_type, members, text};
use super::signature;
use crate::chat::{Malformed, Media, Message, Part, Request, Role, ToolCall};
use crate::provider::fields::{malformed, object, string};
use crate::wire::json::{Kind, Node};

/// Calls that have no result yet, by the function's name.
type Open = BTreeMap<String, Vec<String>>;

pub(super) fn system(node: Node<'_>, field: &str, request: &mut Request) -> Result<(), Malformed> {
    let mut parts = Vec::new();
    if let Some(text) = node.as_str() {
        parts.push(Part::Text(text.into_owned()));
    } else {
        object(node, field)?;
        turn(node, field, &mut parts, &mut Reading::new(&mut request.unsupported))?;
    }
    request.messages.insert(0, Message { role: Role::System, parts });
    Ok(())
}

pub(super) fn contents(node: Node<'_>, field: &str, request: &mut Request) -> Result<(), Malformed> {
    if !matches!(node.kind(), Kind::Array | Kind::Object) {
        return Err(malformed(field, "an array"));
    }
    let mut reading = Reading::new(&mut request.unsupported);
    for (index, content) in each(node).into_iter().enumerate() {
        let path = format!("{field}[{index}]");
        object(content, &path)?;
        let role = match text(content, "role").as_deref() {
            None | Some("user" | "function" | "tool") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => {
                reading.unsupported.push(format!("{path}.role"));
                continue;
            }
        };
        let mut parts = Vec::new();
        turn(content, &path, &mut parts, &mut reading)?;
        match request.messages.last_mut().filter(|last| last.role == role && role == Role::Assistant) {
            Some(last) => parts.into_iter().for_each(|part| join(&mut last.parts, part)),
            None => {
                let mut joined = Vec::new();
                if role == Role::Assistant {
                    parts.into_iter().for_each(|part| join(&mut joined, part));
                } else {
                    joined = parts;
                }
                request.messages.push(Message { role, parts: joined });
            }
        }
    }
    Ok(())
}

/// Adds a part of the model's, whose texts and thoughts go on over parts. A signature ends a thought.
fn join(parts: &mut Vec<Part>, part: Part) {
    match (parts.last_mut(), part) {
        (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
        (
            Some(Part::Thinking { text: before, signature: before_signed @ None }),
            Part::Thinking { text, signature },
        ) => {
            before.push_str(&text);
            *before_signed = signature;
        }
        (_, Part::Text(text)) if text.is_empty() => {}
        (_, part) => parts.push(part),
    }
}

struct Reading<'r> {
    unsupported: &'r mut Vec<String>,
    open: Open,
    /// Calls so far.
    calls: usize,
}

impl<'r> Reading<'r> {
    fn new(unsupported: &'r mut Vec<String>) -> Self {
        Self { unsupported, open: Open::new(), calls: 0 }
    }
}

fn turn(
    content: Node<'_>,
    path: &str,
    parts: &mut Vec<Part>,
    reading: &mut Reading<'_>,
) -> Result<(), Malformed> {
    for (name, camel, value) in members(content) {
        match camel.as_ref() {
            "role" => {}
            "parts" => {
                for (index, node) in each(value).into_iter().enumerate() {
                    let path = format!("{path}.{name}[{index}]");
                    if let Some(text) = node.as_str() {
                        parts.push(Part::Text(text.into_owned()));
                    } else {
                        object(node, &path)?;
                        part(node, &path, parts, reading)?;
                    }
                }
            }
            _ => reading.unsupported.push(format!("{path}.{name}")),
        }
    }
    Ok(())
}

fn part(
    node: Node<'_>,
    path: &str,
    parts: &mut Vec<Part>,
    reading: &mut Reading<'_>,
) -> Result<(), Malformed> {
    let signature = text(node, "thoughtSignature").filter(|text| !text.is_empty()).map(signature::read);
    let thought = is_true(node, "thought");
    let before = parts.len();
    for (name, camel, value) in members(node) {
        let field = format!("{path}.{name}");
        match camel.as_ref() {
            "thought" | "thoughtSignature" | "mediaResolution" | "partMetadata" => {}
            "text" if thought => {
                let text = string(value, &field)?;
                parts.push(Part::Thinking { text, signature: signature.clone() });
            }
            "text" => {
                if let Some(signature) = signature.clone() {
                    parts.push(Part::Thinking { text: String::new(), signature: Some(signature) });
                }
                parts.push(Part::Text(string(value, &field)?));
            }
            "inlineData" => match inline(value) {
                Some(part) => parts.push(part),
                None => reading.unsupported.push(field),
            },
            "fileData" => match file(value) {
                Some(part) => parts.push(part),
                None => reading.unsupported.push(field),
            },
            "functionCall" => {
                object(value, &field)?;
                let name =
                    text(value, "name").ok_or_else(|| malformed(format!("{field}.name"), "a string"))?;
                let id = text(value, "id").filter(|id| !id.is_empty());
                let id = id.unwrap_or_else(|| format!("call_{}", reading.calls));
                reading.calls += 1;
                reading.open.entry(name.clone()).or_default().push(id.clone());
                let arguments =
                    get(value, "args").map_or_else(|| "{}".to_owned(), |args| args.raw().to_owned());
                parts.push(Part::ToolCall(ToolCall { id, name, arguments, signature: signature.clone() }));
            }
            "functionResponse" => {
                object(value, &field)?;
                parts.push(result(value, &field, reading)?);
            }
            _ => reading.unsupported.push(field),
        }
    }
    if parts.len() == before && signature.is_some() {
        parts.push(Part::Thinking { text: String::new(), signature });
    }
    Ok(())
}

/// Google's clients wrap what is no object: `{"result": …}`, `{"output": …}`, and for a failure `{"error": …}`.
fn result(node: Node<'_>, path: &str, reading: &mut Reading<'_>) -> Result<Part, Malformed> {
    let name = text(node, "name").ok_or_else(|| malformed(format!("{path}.name"), "a string"))?;
    let waiting = reading.open.entry(name).or_default();
    let id = match text(node, "id").filter(|id| !id.is_empty()) {
        Some(id) => {
            waiting.retain(|open| *open != id);
            id
        }
        None if waiting.is_empty() => {
            return Err(malformed(format!("{path}.id"), "an id, or the name of a call before"));
        }
        None => waiting.remove(0),
    };
    let mut parts = Vec::new();
    let mut is_error = false;
    for (name, camel, value) in members(node) {
        match camel.as_ref() {
            "id" | "name" => {}
            "willContinue" if value.as_bool() == Some(false) => {}
            "response" => {
                let only = value.members().next().filter(|_| value.len() == 1);
                let wrapped =
                    only.filter(|(key, _)| ["result", "output", "error"].iter().any(|name| key.is(name)));
                is_error = wrapped.is_some_and(|(key, _)| key.is("error"));
                let said = wrapped.map_or(value, |(_, inner)| inner);
                parts.push(Part::Text(
                    said.as_str().map_or_else(|| said.raw().to_owned(), |text| text.into_owned()),
                ));
            }
            "parts" => {
                for (index, part) in each(value).into_iter().enumerate() {
                    let read = get(part, "inlineData")
                        .and_then(inline)
                        .or_else(|| get(part, "fileData").and_then(file));
                    match read {
                        Some(part) => parts.push(part),
                        None => reading.unsupported.push(format!("{path}.{name}[{index}]")),
                    }
                }
            }
            _ => reading.unsupported.push(format!("{path}.{name}")),
        }
    }
    Ok(Part::ToolResult { id, parts, is_error })
}

fn inline(node: Node<'_>) -> Option<Part> {
    let media_type = text(node, "mimeType")?;
    let data = text(node, "data")?;
    part_of(media_type.clone(), Media::Base64 { media_type, data }, text(node, "displayName"))
}

/// Files that only Google has are nobody else's.
fn file(node: Node<'_>) -> Option<Part> {
    let uri = text(node, "fileUri")?;
    let googles = uri.starts_with("https://generativelanguage.googleapis.com/");
    if googles || !uri.starts_with("https://") && !uri.starts_with("http://") {
        return None;
    }
    let named = || media_type(&uri).unwrap_or_default().to_owned();
    let media_type = text(node, "mimeType").unwrap_or_else(named);
    part_of(media_type, Media::Url(uri), text(node, "displayName"))
}

fn part_of(media_type: String, media: Media, name: Option<String>) -> Option<Part> {
    Some(match media_type.split('/').next()? {
        "image" => Part::Image(media),
        "audio" => Part::Audio(media),
        _ if media_type == "application/pdf" || media_type.starts_with("text/") => {
            Part::Document { media, name }
        }
        _ => return None,
    })
}
