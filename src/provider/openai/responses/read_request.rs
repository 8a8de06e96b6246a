//! Responses into the neutral conversation.
//!
//! A field goes one of four ways:
//!
//! - it has its place in [`Request`];
//! - it says what would be so without it (`truncation: "disabled"`, `service_tier: "auto"`), and means nothing;
//! - it has no effect on the answer: caching (`prompt_cache_*`), what is kept (`store` unless it is asked for, and with
//!   it `metadata`), what else an answer is to tell (`include`), how often the provider's own tools may be called,
//!   `detail`, remarks on earlier answers (`annotations`, `phase`, `status`, ids);
//! - it goes to [`Request::unsupported`], by its path. So does every field that is not known, everything that the
//!   provider keeps, and its own tools with what they did.
//!
//! An assistant's turn is a run of items here: they become one message.

use super::super::read_request::schema_format;
use super::items;
use crate::chat::{Format, Malformed, Message, Part, Request, Role, Tool, ToolChoice};
use crate::provider::fields::{
    array, boolean, count, is_default, malformed, media, number, object, string, text_of,
};
use crate::wire::json::{Kind, Node};

const LOGPROBS: &str = "message.output_text.logprobs";

pub(super) fn request(root: Node<'_>) -> Result<Request, Malformed> {
    object(root, "")?;
    let mut request = Request { stream_usage: true, ..Request::default() };
    let stored = root.get("store").and_then(|node| node.as_bool()) == Some(true);
    for (key, value) in root.members().filter(|(_, value)| !value.is_null()) {
        let name = key.as_str().unwrap_or_default();
        let field = name.as_ref();
        match field {
            "model" => request.model = string(value, field)?,
            "input" => input(value, &mut request)?,
            "instructions" => {
                let parts = vec![Part::Text(string(value, field)?)];
                request.messages.insert(0, Message { role: Role::System, parts });
            }
            "stream" => request.stream = boolean(value, field)?,
            "max_output_tokens" => request.max_output = Some(count(value, field)?),
            "temperature" | "top_p" if is_default(value, 1.0) => {}
            "temperature" => request.temperature = Some(number(value, field)?),
            "top_p" => request.top_p = Some(number(value, field)?),
            "top_logprobs" if is_default(value, 0.0) => {}
            "top_logprobs" => request.logprobs = Some(count(value, field)?),
            "include" => include(value, &mut request)?,
            "tools" => tools(value, &mut request)?,
            "tool_choice" => tool_choice(value, &mut request),
            "parallel_tool_calls" => request.parallel_tool_calls = Some(boolean(value, field)?),
            "text" => text(value, &mut request)?,
            "reasoning" => reasoning(value, &mut request)?,
            "user" => request.user = Some(string(value, field)?),
            "safety_identifier" => {
                let name = string(value, field)?;
                request.user.get_or_insert(name);
            }
            "store" | "background" if value.as_bool() == Some(false) => {}
            "metadata" if !stored => {}
            "truncation" if value.is("disabled") => {}
            "service_tier" if value.is("auto") || value.is("default") => {}
            "prompt_cache_key" => request.cache_key = Some(string(value, field)?),
            "prompt_cache_retention" | "prompt_cache_options" => {}
            "stream_options" | "max_tool_calls" => {}
            unknown => request.unsupported.push(unknown.to_owned()),
        }
    }
    if request.model.is_empty() {
        return Err(malformed("model", "a string"));
    }
    Ok(request)
}

fn include(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    array(node, "include")?;
    if node.items().any(|item| item.is(LOGPROBS)) {
        request.logprobs.get_or_insert(0);
    }
    Ok(())
}

fn text(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    object(node, "text")?;
    for (key, value) in node.members().filter(|(_, value)| !value.is_null()) {
        match key.as_str().unwrap_or_default().as_ref() {
            "format" => format(value, request)?,
            "verbosity" if value.is("medium") => {}
            unknown => request.unsupported.push(format!("text.{unknown}")),
        }
    }
    Ok(())
}

fn format(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    let path = "text.format";
    object(node, path)?;
    match text_of(node, "type").as_deref() {
        Some("text") => {}
        Some("json_object") => request.format = Some(Format::JsonObject),
        Some("json_schema") => {
            request.format = Some(schema_format(node, path, &mut request.unsupported)?);
        }
        _ => request.unsupported.push(format!("{path}.type")),
    }
    Ok(())
}

fn reasoning(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    object(node, "reasoning")?;
    for (key, value) in node.members().filter(|(_, value)| !value.is_null()) {
        match key.as_str().unwrap_or_default().as_ref() {
            "effort" => request.reasoning_effort = Some(string(value, "reasoning.effort")?),
            "summary" | "generate_summary" => request.shows_thinking = Some(true),
            "context" if value.is("auto") || value.is("all_turns") => {}
            "mode" if value.is("standard") => {}
            unknown => request.unsupported.push(format!("reasoning.{unknown}")),
        }
    }
    Ok(())
}

// ---- items

fn input(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    if let Some(text) = node.as_str() {
        request.messages.push(Message { role: Role::User, parts: vec![Part::Text(text.into_owned())] });
        return Ok(());
    }
    array(node, "input")?;
    for (index, item) in node.items().enumerate() {
        let path = format!("input[{index}]");
        object(item, &path)?;
        match text_of(item, "type").as_deref() {
            Some("message") | None => message(item, &path, request)?,
            Some("reasoning") => {
                assistant(request, |turn| turn.push(items::thinking(item)));
            }
            Some("function_call") => {
                let text = |key: &str| {
                    text_of(item, key)
                        .map(|_| ())
                        .ok_or_else(|| malformed(format!("{path}.{key}"), "a string"))
                };
                text("call_id").and(text("name")).and(text("arguments"))?;
                refuse(item, &["namespace", "async"], &path, &mut request.unsupported);
                assistant(request, |turn| {
                    let call = items::call(item, turn);
                    turn.extend(call.map(Part::ToolCall));
                });
            }
            Some("function_call_output") => {
                let id = text_of(item, "call_id")
                    .ok_or_else(|| malformed(format!("{path}.call_id"), "a string"))?;
                let mut parts = Vec::new();
                let field = format!("{path}.output");
                let output = item
                    .get("output")
                    .ok_or_else(|| malformed(field.as_str(), "a string or an array of parts"))?;
                content(output, &field, &mut parts, &mut request.unsupported)?;
                let parts = vec![Part::ToolResult { id, parts, is_error: false }];
                request.messages.push(Message { role: Role::Tool, parts });
            }
            Some(other) => request.unsupported.push(format!("{path}.{other}")),
        }
    }
    Ok(())
}

/// Adds to the assistant's turn that goes on, or to a new one.
fn assistant(request: &mut Request, add: impl FnOnce(&mut Vec<Part>)) {
    if let Some(last) = request.messages.last_mut().filter(|last| last.role == Role::Assistant) {
        return add(&mut last.parts);
    }
    let mut parts = Vec::new();
    add(&mut parts);
    request.messages.push(Message { role: Role::Assistant, parts });
}

/// Members that mean something which has no place.
fn refuse(node: Node<'_>, fields: &[&str], path: &str, unsupported: &mut Vec<String>) {
    let means_nothing = |value: Node<'_>| value.is_null() || value.as_bool() == Some(false);
    let given = fields.iter().filter(|field| node.get(field).is_some_and(|value| !means_nothing(value)));
    unsupported.extend(given.map(|field| format!("{path}.{field}")));
}

fn message(item: Node<'_>, path: &str, request: &mut Request) -> Result<(), Malformed> {
    let role = match text_of(item, "role").as_deref() {
        Some("system") => Role::System,
        Some("developer") => Role::Developer,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some(_) => {
            request.unsupported.push(format!("{path}.role"));
            return Ok(());
        }
        None => return Err(malformed(format!("{path}.role"), "a string")),
    };
    for (key, _) in item.members().filter(|(_, value)| !value.is_null()) {
        match key.as_str().unwrap_or_default().as_ref() {
            "type" | "id" | "role" | "content" | "status" | "phase" => {}
            unknown => request.unsupported.push(format!("{path}.{unknown}")),
        }
    }
    let field = format!("{path}.content");
    let node =
        item.get("content").ok_or_else(|| malformed(field.as_str(), "a string or an array of parts"))?;
    let mut parts = Vec::new();
    content(node, &field, &mut parts, &mut request.unsupported)?;
    if role == Role::Assistant {
        assistant(request, |turn| turn.extend(parts));
    } else {
        request.messages.push(Message { role, parts });
    }
    Ok(())
}

fn content(
    node: Node<'_>,
    path: &str,
    parts: &mut Vec<Part>,
    unsupported: &mut Vec<String>,
) -> Result<(), Malformed> {
    if let Some(text) = node.as_str() {
        parts.push(Part::Text(text.into_owned()));
        return Ok(());
    }
    if node.kind() != Kind::Array {
        return Err(malformed(path, "a string or an array of parts"));
    }
    for (index, part) in node.items().enumerate() {
        let path = format!("{path}[{index}]");
        object(part, &path)?;
        let kind = text_of(part, "type").ok_or_else(|| malformed(format!("{path}.type"), "a string"))?;
        let own: &[&str] = match kind.as_str() {
            "input_text" | "output_text" => &["text", "annotations", "logprobs"],
            "refusal" => &["refusal"],
            "input_image" => &["image_url", "detail"],
            "input_file" => &["file_data", "file_url", "filename", "detail"],
            other => {
                unsupported.push(format!("{path}.{other}"));
                continue;
            }
        };
        for (key, _) in part.members().filter(|(_, value)| !value.is_null()) {
            let name = key.as_str().unwrap_or_default();
            if !own.contains(&name.as_ref()) && !matches!(name.as_ref(), "type" | "prompt_cache_breakpoint") {
                unsupported.push(format!("{path}.{name}"));
            }
        }
        let member = |key: &str| part.get(key).filter(|value| !value.is_null());
        let required = |key: &str| {
            let field = format!("{path}.{key}");
            member(key)
                .ok_or_else(|| malformed(field.as_str(), "a string"))
                .and_then(|value| string(value, &field))
        };
        match kind.as_str() {
            "refusal" => parts.push(Part::Refusal(required("refusal")?)),
            // Named above: what the provider keeps has no place anywhere else.
            "input_image" | "input_file" if member("file_id").is_some() => {}
            "input_image" => parts.push(Part::Image(media(&required("image_url")?))),
            "input_file" => {
                let key = if member("file_url").is_some() { "file_url" } else { "file_data" };
                parts.push(Part::Document { media: media(&required(key)?), name: text_of(part, "filename") });
            }
            _ => parts.push(Part::Text(required("text")?)),
        }
    }
    Ok(())
}

// ---- tools

fn tools(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    array(node, "tools")?;
    for (index, tool) in node.items().enumerate() {
        let path = format!("tools[{index}]");
        object(tool, &path)?;
        let kind = text_of(tool, "type").unwrap_or_default();
        if kind != "function" {
            request.unsupported.push(format!("{path}.{kind}"));
            continue;
        }
        let mut own = Tool::default();
        for (key, value) in tool.members().filter(|(_, value)| !value.is_null()) {
            let name = key.as_str().unwrap_or_default();
            let field = format!("{path}.{name}");
            match name.as_ref() {
                "type" => {}
                "name" => own.name = string(value, &field)?,
                "description" => own.description = Some(string(value, &field)?),
                "parameters" => {
                    object(value, &field)?;
                    own.schema = Some(value.raw().to_owned());
                }
                "strict" => own.strict = Some(boolean(value, &field)?),
                "defer_loading" | "async" if value.as_bool() == Some(false) => {}
                _ => request.unsupported.push(field),
            }
        }
        if own.name.is_empty() {
            return Err(malformed(format!("{path}.name"), "a string"));
        }
        request.tools.push(own);
    }
    Ok(())
}

fn tool_choice(node: Node<'_>, request: &mut Request) {
    let kind = text_of(node, "type");
    let forced = text_of(node, "name").filter(|_| kind.as_deref() == Some("function"));
    request.tool_choice = match (node.as_str().as_deref(), forced) {
        (Some("auto"), _) => Some(ToolChoice::Auto),
        (Some("none"), _) => Some(ToolChoice::None),
        (Some("required"), _) => Some(ToolChoice::Required),
        (None, Some(name)) => Some(ToolChoice::Tool(name)),
        _ => {
            let kind = kind.map_or_else(String::new, |kind| format!(".{kind}"));
            request.unsupported.push(format!("tool_choice{kind}"));
            None
        }
    };
}
