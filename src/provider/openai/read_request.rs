//! Chat completions into the neutral conversation.
//!
//! A field goes one of four ways:
//!
//! - it has its place in [`Request`];
//! - it says what would be so without it (`n: 1`, `logprobs: false`, `service_tier: "auto"`), and means nothing;
//! - it has no effect on the answer: caching (`prompt_cache_*` but the key), `store: false` and with it `metadata`,
//!   `image_url.detail`, remarks on earlier answers (`annotations`);
//! - it goes to [`Request::unsupported`], by its path. So does every field that is not known.

use super::signatures;
use crate::chat::{Format, Malformed, Media, Message, Part, Request, Role, Tool, ToolCall, ToolChoice};
use crate::provider::fields::{
    array, boolean, cache_hint, count, is_default, malformed, media, number, object, string, text_of,
};
use crate::wire::json::{Document, Edits, Kind, Node, quote};

/// `model` is the one that the call's path names, or the body's.
pub(super) fn request(root: Node<'_>, model: &str) -> Result<Request, Malformed> {
    object(root, "")?;
    let mut request = Request::default();
    let stored = root.get("store").and_then(|node| node.as_bool()) == Some(true);
    for (key, value) in root.members().filter(|(_, value)| !value.is_null()) {
        let name = key.as_str().unwrap_or_default();
        let field = name.as_ref();
        match field {
            "model" => request.model = string(value, field)?,
            "messages" => messages(value, &mut request)?,
            "stream" => request.stream = boolean(value, field)?,
            "stream_options" => stream_options(value, &mut request)?,
            "max_tokens" if request.max_output.is_none() => request.max_output = Some(count(value, field)?),
            "max_tokens" => {}
            "max_completion_tokens" => request.max_output = Some(count(value, field)?),
            "temperature" if is_default(value, 1.0) => {}
            "temperature" => request.temperature = Some(number(value, field)?),
            "top_p" if is_default(value, 1.0) => {}
            "top_p" => request.top_p = Some(number(value, field)?),
            "top_k" => request.top_k = Some(number(value, field)?),
            "seed" => request.seed = Some(number(value, field)?),
            "presence_penalty" if is_default(value, 0.0) => {}
            "presence_penalty" => request.presence_penalty = Some(number(value, field)?),
            "frequency_penalty" if is_default(value, 0.0) => {}
            "frequency_penalty" => request.frequency_penalty = Some(number(value, field)?),
            "n" => request.n = Some(count(value, field)?).filter(|n| *n != 1),
            "stop" => stop(value, &mut request)?,
            "tools" => tools(value, &mut request)?,
            "tool_choice" => tool_choice(value, &mut request)?,
            "parallel_tool_calls" => request.parallel_tool_calls = Some(boolean(value, field)?),
            "response_format" => response_format(value, &mut request)?,
            "reasoning_effort" => request.reasoning_effort = Some(string(value, field)?),
            "user" => request.user = Some(string(value, field)?),
            "safety_identifier" => {
                let name = string(value, field)?;
                request.user.get_or_insert(name);
            }
            "store" | "logprobs" if value.as_bool() == Some(false) => {}
            "logprobs" => {
                boolean(value, field)?;
                request.logprobs.get_or_insert(0);
            }
            "metadata" if !stored => {}
            "top_logprobs" if is_default(value, 0.0) => {}
            "top_logprobs" => request.logprobs = Some(count(value, field)?),
            "logit_bias" if value.kind() == Kind::Object && value.is_empty() => {}
            "service_tier" if value.is("auto") || value.is("default") => {}
            "verbosity" if value.is("medium") => {}
            "modalities" if value.items().all(|modality| modality.is("text")) => {}
            "cache_control" => request.cache = cache_hint(value),
            "prompt_cache_key" => request.cache_key = Some(string(value, field)?),
            "prompt_cache_retention" | "prompt_cache_options" => {}
            unknown => request.unsupported.push(unknown.to_owned()),
        }
    }
    if !model.is_empty() {
        model.clone_into(&mut request.model);
    }
    if request.model.is_empty() {
        return Err(malformed("model", "a string"));
    }
    Ok(request)
}

fn stream_options(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    object(node, "stream_options")?;
    for (key, value) in node.members().filter(|(_, value)| !value.is_null()) {
        match key.as_str().unwrap_or_default().as_ref() {
            "include_usage" => request.stream_usage = boolean(value, "stream_options.include_usage")?,
            "include_obfuscation" => {}
            unknown => request.unsupported.push(format!("stream_options.{unknown}")),
        }
    }
    Ok(())
}

fn stop(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    if node.kind() == Kind::Array {
        for item in node.items() {
            request.stop.push(string(item, "stop[]")?);
        }
    } else {
        request.stop.push(string(node, "stop")?);
    }
    Ok(())
}

// ---- turns

fn messages(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    array(node, "messages")?;
    for (index, message) in node.items().enumerate() {
        let path = format!("messages[{index}]");
        object(message, &path)?;
        let role = match text_of(message, "role").as_deref() {
            Some("system") => Role::System,
            Some("developer") => Role::Developer,
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("tool") => Role::Tool,
            Some(_) => {
                request.unsupported.push(format!("{path}.role"));
                continue;
            }
            None => return Err(malformed(format!("{path}.role"), "a string")),
        };
        let parts = turn(message, role, &path, &mut request.unsupported)?;
        request.messages.push(Message { role, parts });
    }
    Ok(())
}

fn turn(
    message: Node<'_>,
    role: Role,
    path: &str,
    unsupported: &mut Vec<String>,
) -> Result<Vec<Part>, Malformed> {
    let mut parts = Vec::new();
    let mut calls = Vec::new();
    let mut answers = None;
    for (key, value) in message.members().filter(|(_, value)| !value.is_null()) {
        let name = key.as_str().unwrap_or_default();
        let field = format!("{path}.{name}");
        match name.as_ref() {
            "role" => {}
            "content" => content(value, &field, &mut parts, unsupported)?,
            "refusal" => parts.push(Part::Refusal(string(value, &field)?)),
            "reasoning_content" | "reasoning" => drop(string(value, &field)?),
            "tool_calls" => tool_calls(value, &field, &mut calls, unsupported)?,
            "tool_call_id" => answers = Some(string(value, &field)?),
            "reasoning_details" => array(value, &field)?,
            "annotations" => {}
            // The call that it answers says it.
            "name" if role == Role::Tool => {}
            "prefix" if value.as_bool() == Some(false) => {}
            _ => unsupported.push(field),
        }
    }
    if role == Role::Tool {
        let id = answers.ok_or_else(|| malformed(format!("{path}.tool_call_id"), "a string"))?;
        return Ok(Part::tool_result(id, parts, false).collect());
    }
    let mut all = signatures::thinking(message);
    all.append(&mut parts);
    all.extend(calls.into_iter().map(Part::ToolCall));
    Ok(all)
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
        for (key, value) in part.members() {
            match key.as_str().unwrap_or_default().as_ref() {
                "type" | "cache_control" | "prompt_cache_breakpoint" => {}
                "signature" | "closed" if kind == "thinking" => {}
                own if own == kind => {}
                unknown if !value.is_null() => unsupported.push(format!("{path}.{unknown}")),
                _ => {}
            }
        }
        let field = format!("{path}.{kind}");
        let Some(value) = part.get(&kind) else { return Err(malformed(field, "what the type says")) };
        match kind.as_str() {
            "text" => parts.push(Part::Text(string(value, &field)?)),
            "refusal" => parts.push(Part::Refusal(string(value, &field)?)),
            "thinking" => signatures::thought(part, parts),
            "image_url" => {
                unknown(value, &["url", "detail"], &field, unsupported);
                let url = value.get("url").unwrap_or(value);
                parts.push(Part::Image(media(&string(url, &format!("{field}.url"))?)));
            }
            "file" if value.get("file_data").is_some_and(|data| !data.is_null()) => {
                unknown(value, &["file_data", "filename"], &field, unsupported);
                let data = text_of(value, "file_data").unwrap_or_default();
                parts.push(Part::Document { media: media(&data), name: text_of(value, "filename") });
            }
            "file" => unsupported.push(format!("{field}.file_id")),
            "input_audio" => {
                let member = |key: &str| {
                    text_of(value, key).ok_or_else(|| malformed(format!("{field}.{key}"), "a string"))
                };
                unknown(value, &["data", "format"], &field, unsupported);
                let media_type = format!("audio/{}", member("format")?);
                parts.push(Part::Audio(Media::Base64 { media_type, data: member("data")? }));
            }
            _ => unsupported.push(field),
        }
        parts.extend(part.get("cache_control").and_then(cache_hint).map(Part::CacheHint));
    }
    Ok(())
}

fn tool_calls(
    node: Node<'_>,
    path: &str,
    calls: &mut Vec<ToolCall>,
    unsupported: &mut Vec<String>,
) -> Result<(), Malformed> {
    array(node, path)?;
    for (index, call) in node.items().enumerate() {
        let path = format!("{path}[{index}]");
        object(call, &path)?;
        let Some(function) = call.get("function") else {
            unsupported.push(format!("{path}.{}", text_of(call, "type").unwrap_or_default()));
            continue;
        };
        let member = |node: Node<'_>, key: &str| {
            text_of(node, key).ok_or_else(|| malformed(format!("{path}.{key}"), "a string"))
        };
        calls.push(ToolCall {
            id: member(call, "id")?,
            name: member(function, "name")?,
            arguments: member(function, "arguments")?,
            signature: signatures::of_call(call),
        });
    }
    Ok(())
}

// ---- tools and format

fn tools(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    array(node, "tools")?;
    for (index, tool) in node.items().enumerate() {
        let path = format!("tools[{index}]");
        object(tool, &path)?;
        let Some(function) =
            tool.get("function").filter(|_| tool.get("type").is_none_or(|it| it.is("function")))
        else {
            request.unsupported.push(format!("{path}.{}", text_of(tool, "type").unwrap_or_default()));
            continue;
        };
        unknown(tool, &["type", "function", "cache_control"], &path, &mut request.unsupported);
        let cache = tool.get("cache_control").and_then(cache_hint);
        let mut own = Tool { cache, ..Tool::default() };
        for (key, value) in function.members().filter(|(_, value)| !value.is_null()) {
            let name = key.as_str().unwrap_or_default();
            let field = format!("{path}.function.{name}");
            match name.as_ref() {
                "name" => own.name = string(value, &field)?,
                "description" => own.description = Some(string(value, &field)?),
                "parameters" => {
                    object(value, &field)?;
                    own.schema = Some(value.raw().to_owned());
                }
                "strict" => own.strict = Some(boolean(value, &field)?),
                _ => request.unsupported.push(field),
            }
        }
        if own.name.is_empty() {
            return Err(malformed(format!("{path}.function.name"), "a string"));
        }
        request.tools.push(own);
    }
    Ok(())
}

/// Members that say something and that nobody reads.
fn unknown(node: Node<'_>, known: &[&str], path: &str, unsupported: &mut Vec<String>) {
    for (key, value) in node.members().filter(|(_, value)| !value.is_null()) {
        let name = key.as_str().unwrap_or_default();
        if !known.contains(&name.as_ref()) && value.as_bool() != Some(false) {
            unsupported.push(format!("{path}.{name}"));
        }
    }
}

fn tool_choice(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    let forced = node.path(&["function", "name"]).and_then(|name| name.as_str());
    request.tool_choice = match (node.as_str().as_deref(), forced) {
        (Some("auto"), _) => Some(ToolChoice::Auto),
        (Some("none"), _) => Some(ToolChoice::None),
        (Some("required" | "any"), _) => Some(ToolChoice::Required),
        (None, Some(name)) => Some(ToolChoice::Tool(name.into_owned())),
        _ => {
            let kind = text_of(node, "type").map_or_else(String::new, |kind| format!(".{kind}"));
            request.unsupported.push(format!("tool_choice{kind}"));
            None
        }
    };
    Ok(())
}

fn response_format(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    object(node, "response_format")?;
    match text_of(node, "type").as_deref() {
        Some("text") => {}
        Some("json_object") => request.format = Some(Format::JsonObject),
        Some("json_schema") => {
            let path = "response_format.json_schema";
            let given = node.get("json_schema").ok_or_else(|| malformed(path, "an object"))?;
            request.format = Some(schema_format(given, path, &mut request.unsupported)?);
        }
        _ => request.unsupported.push("response_format.type".to_owned()),
    }
    Ok(())
}

/// A schema with its name, as both of OpenAI's APIs write it.
pub(super) fn schema_format(
    node: Node<'_>,
    path: &str,
    unsupported: &mut Vec<String>,
) -> Result<Format, Malformed> {
    let schema = node.get("schema").filter(|schema| schema.kind() == Kind::Object);
    let schema = schema.ok_or_else(|| malformed(format!("{path}.schema"), "an object"))?;
    let name = text_of(node, "name").ok_or_else(|| malformed(format!("{path}.name"), "a string"))?;
    let mut text = schema.raw().to_owned();
    // The description moves into the schema, where every dialect has a place for it.
    match text_of(node, "description") {
        Some(_) if schema.get("description").is_some() => unsupported.push(format!("{path}.description")),
        Some(description) => text = described(&text, &description),
        None => {}
    }
    let strict = node.get("strict").and_then(|strict| strict.as_bool());
    Ok(Format::JsonSchema { name, schema: text, strict })
}

fn described(schema: &str, description: &str) -> String {
    let mut edits = Edits::new();
    let Ok(document) = Document::parse_lenient(schema.as_bytes()) else { return schema.to_owned() };
    edits.set(document.root(), "description", &quote(description));
    String::from_utf8_lossy(&edits.apply(schema.as_bytes())).into_owned()
}
