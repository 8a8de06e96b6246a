//! Messages into the neutral conversation.
//!
//! A field goes one of four ways:
//!
//! - it has its place in [`Request`];
//! - it says what would be so without it (`temperature: 1`, `speed: "standard"`);
//! - it has no effect on the answer: the price tier, citations of earlier answers;
//! - it goes to [`Request::unsupported`], by its path. So does every field and every kind of block that is not known,
//!   such as the provider's own tools.

use super::signatures::{of_data, push_call};
use crate::chat::{
    Dialect, Format, Malformed, Media, Message, Part, Request, Role, Tool, ToolCall, ToolChoice,
};
use crate::provider::fields::{
    array, boolean, cache_hint, count, is_default, malformed, number, object, string, text_of, unsigned,
};
use crate::wire::json::{Kind, Node};

pub(super) fn request(root: Node<'_>) -> Result<Request, Malformed> {
    object(root, "")?;
    let mut request = Request { stream_usage: true, ..Request::default() };
    let mut turns = Vec::new();
    for (key, value) in root.members().filter(|(_, value)| !value.is_null()) {
        let name = key.as_str().unwrap_or_default();
        let field = name.as_ref();
        match field {
            "model" => request.model = string(value, field)?,
            "system" => {
                let mut parts = Vec::new();
                content(value, field, &mut parts, &mut request.unsupported)?;
                turns.insert(0, Message { role: Role::System, parts });
            }
            "messages" => messages(value, &mut turns, &mut request.unsupported)?,
            "max_tokens" => request.max_output = Some(count(value, field)?),
            "stream" => request.stream = boolean(value, field)?,
            "temperature" if is_default(value, 1.0) => {}
            "temperature" => request.temperature = Some(number(value, field)?),
            "top_p" if is_default(value, 1.0) => {}
            "top_p" => request.top_p = Some(number(value, field)?),
            "top_k" => request.top_k = Some(number(value, field)?),
            "stop_sequences" => {
                array(value, field)?;
                for item in value.items() {
                    request.stop.push(string(item, "stop_sequences[]")?);
                }
            }
            "tools" => tools(value, &mut request)?,
            "tool_choice" => tool_choice(value, &mut request)?,
            "thinking" => thinking(value, &mut request),
            "output_config" => output_config(value, &mut request)?,
            "output_format" => format(value, field, &mut request)?,
            "metadata" => {
                for (key, value) in value.members().filter(|(_, value)| !value.is_null()) {
                    match key.as_str().unwrap_or_default().as_ref() {
                        "user_id" => request.user = Some(string(value, "metadata.user_id")?),
                        unknown => request.unsupported.push(format!("metadata.{unknown}")),
                    }
                }
            }
            "cache_control" => request.cache = cache_hint(value),
            "service_tier" if value.is("auto") || value.is("standard_only") => {}
            "speed" if value.is("standard") => {}
            "inference_geo" if value.is("global") => {}
            unknown => request.unsupported.push(unknown.to_owned()),
        }
    }
    if request.model.is_empty() {
        return Err(malformed("model", "a string"));
    }
    request.messages = turns;
    Ok(request)
}

fn thinking(node: Node<'_>, request: &mut Request) {
    request.shows_thinking = match text_of(node, "display").as_deref() {
        Some("summarized") => Some(true),
        Some("omitted") => Some(false),
        _ => None,
    };
    match text_of(node, "type").as_deref() {
        Some("enabled") => request.thinking_budget = node.get("budget_tokens").and_then(|it| it.as_u64()),
        // How much is said by `output_config.effort`, or not at all.
        Some("adaptive") => {}
        // Elsewhere a model may think unless it is told not to.
        Some("disabled") => request.reasoning_effort = Some("none".to_owned()),
        _ => request.unsupported.push("thinking.type".to_owned()),
    }
}

fn output_config(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    object(node, "output_config")?;
    for (key, value) in node.members().filter(|(_, value)| !value.is_null()) {
        match key.as_str().unwrap_or_default().as_ref() {
            "effort" => {
                let effort = string(value, "output_config.effort")?;
                // Beside thinking that is turned off it is about the answer's length, which has no place elsewhere.
                request.reasoning_effort.get_or_insert(effort);
            }
            "format" => format(value, "output_config.format", request)?,
            unknown => request.unsupported.push(format!("output_config.{unknown}")),
        }
    }
    Ok(())
}

fn format(node: Node<'_>, path: &str, request: &mut Request) -> Result<(), Malformed> {
    match (text_of(node, "type").as_deref(), node.get("schema")) {
        (Some("json_schema"), Some(schema)) if schema.kind() == Kind::Object => {
            request.format = Some(Format::JsonSchema {
                name: "answer".to_owned(),
                schema: schema.raw().to_owned(),
                strict: Some(true),
            });
            Ok(())
        }
        (Some("json_schema"), _) => Err(malformed(format!("{path}.schema"), "an object")),
        _ => {
            request.unsupported.push(format!("{path}.type"));
            Ok(())
        }
    }
}

// ---- turns

fn messages(
    node: Node<'_>,
    turns: &mut Vec<Message>,
    unsupported: &mut Vec<String>,
) -> Result<(), Malformed> {
    array(node, "messages")?;
    for (index, message) in node.items().enumerate() {
        let path = format!("messages[{index}]");
        object(message, &path)?;
        let role = match text_of(message, "role").as_deref() {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("system") => Role::System,
            _ => return Err(malformed(format!("{path}.role"), "user, assistant or system")),
        };
        let mut parts = Vec::new();
        for (key, value) in message.members() {
            match key.as_str().unwrap_or_default().as_ref() {
                "role" => {}
                "content" => content(value, &format!("{path}.content"), &mut parts, unsupported)?,
                unknown => unsupported.push(format!("{path}.{unknown}")),
            }
        }
        turns.push(Message { role, parts });
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
        return Err(malformed(path, "a string or an array of blocks"));
    }
    for (index, block) in node.items().enumerate() {
        let path = format!("{path}[{index}]");
        object(block, &path)?;
        let kind = text_of(block, "type").ok_or_else(|| malformed(format!("{path}.type"), "a string"))?;
        let member = |key: &str| {
            block.get(key).ok_or_else(|| malformed(format!("{path}.{key}"), "what the type says"))
        };
        let known: &[&str] = match kind.as_str() {
            "text" => {
                let text = string(member("text")?, &format!("{path}.text"))?;
                parts.push(Part::Text(text));
                &["text", "citations"]
            }
            "image" => {
                match source(member("source")?) {
                    Some(Source::Media(media)) => parts.push(Part::Image(media)),
                    _ => unsupported.push(format!("{path}.source")),
                }
                &["source", "transformations"]
            }
            "document" => {
                match source(member("source")?) {
                    Some(Source::Media(media)) => {
                        parts.push(Part::Document { media, name: text_of(block, "title") });
                    }
                    Some(Source::Text(text)) if text_of(block, "title").is_none() => {
                        parts.push(Part::Text(text))
                    }
                    _ => unsupported.push(format!("{path}.source")),
                }
                let cites =
                    block.path(&["citations", "enabled"]).is_some_and(|it| it.as_bool() == Some(true));
                if cites { &["source", "title"] } else { &["source", "title", "citations"] }
            }
            "tool_use" => {
                let input = member("input")?;
                object(input, &format!("{path}.input"))?;
                let call = ToolCall {
                    id: string(member("id")?, &format!("{path}.id"))?,
                    name: string(member("name")?, &format!("{path}.name"))?,
                    arguments: input.raw().to_owned(),
                    signature: None,
                };
                push_call(parts, call);
                &["id", "name", "input", "caller"]
            }
            "tool_result" => {
                let mut inner = Vec::new();
                if let Some(given) = block.get("content").filter(|given| !given.is_null()) {
                    content(given, &format!("{path}.content"), &mut inner, unsupported)?;
                }
                let id = string(member("tool_use_id")?, &format!("{path}.tool_use_id"))?;
                let is_error = block.get("is_error").and_then(|it| it.as_bool()).unwrap_or(false);
                parts.extend(Part::tool_result(id, inner, is_error));
                &["tool_use_id", "content", "is_error"]
            }
            "thinking" => {
                let text = string(member("thinking")?, &format!("{path}.thinking"))?;
                let signature = text_of(block, "signature").filter(|signature| !signature.is_empty());
                let signature = signature.map(|value| unsigned(value, Dialect::Anthropic));
                parts.push(Part::Thinking { text, signature });
                &["thinking", "signature"]
            }
            "redacted_thinking" => {
                let data = string(member("data")?, &format!("{path}.data"))?;
                parts.push(Part::Thinking { text: String::new(), signature: Some(of_data(data)) });
                &["data"]
            }
            other => {
                unsupported.push(format!("{path}.{other}"));
                continue;
            }
        };
        for (key, _) in block.members().filter(|(_, value)| !value.is_null()) {
            let key = key.as_str().unwrap_or_default();
            if !["type", "cache_control"].contains(&key.as_ref()) && !known.contains(&key.as_ref()) {
                unsupported.push(format!("{path}.{key}"));
            }
        }
        parts.extend(block.get("cache_control").and_then(cache_hint).map(Part::CacheHint));
    }
    Ok(())
}

enum Source {
    Media(Media),
    Text(String),
}

/// `None` for files that only this provider has, and for sources made of blocks.
fn source(node: Node<'_>) -> Option<Source> {
    Some(match text_of(node, "type")?.as_str() {
        "base64" => Source::Media(Media::Base64 {
            media_type: text_of(node, "media_type")?,
            data: text_of(node, "data")?,
        }),
        "url" => Source::Media(Media::Url(text_of(node, "url")?)),
        "text" => Source::Text(text_of(node, "data")?),
        _ => return None,
    })
}

// ---- tools

fn tools(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    array(node, "tools")?;
    for (index, tool) in node.items().enumerate() {
        let path = format!("tools[{index}]");
        object(tool, &path)?;
        if tool.get("type").is_some_and(|kind| !kind.is_null() && !kind.is("custom")) {
            request.unsupported.push(format!("{path}.type"));
            continue;
        }
        let mut own = Tool::default();
        for (key, value) in tool.members().filter(|(_, value)| !value.is_null()) {
            let name = key.as_str().unwrap_or_default();
            let field = format!("{path}.{name}");
            match name.as_ref() {
                "name" => own.name = string(value, &field)?,
                "description" => own.description = Some(string(value, &field)?),
                "input_schema" => {
                    object(value, &field)?;
                    own.schema = Some(value.raw().to_owned());
                }
                "strict" => own.strict = Some(boolean(value, &field)?),
                "cache_control" => own.cache = cache_hint(value),
                "type" | "eager_input_streaming" => {}
                "defer_loading" if value.as_bool() == Some(false) => {}
                "allowed_callers" if value.items().all(|caller| caller.is("direct")) => {}
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

fn tool_choice(node: Node<'_>, request: &mut Request) -> Result<(), Malformed> {
    request.tool_choice = match text_of(node, "type").as_deref() {
        Some("auto") => Some(ToolChoice::Auto),
        Some("any") => Some(ToolChoice::Required),
        Some("none") => Some(ToolChoice::None),
        Some("tool") => {
            let name = text_of(node, "name").ok_or_else(|| malformed("tool_choice.name", "a string"))?;
            Some(ToolChoice::Tool(name))
        }
        _ => {
            request.unsupported.push("tool_choice.type".to_owned());
            None
        }
    };
    if let Some(alone) = node.get("disable_parallel_tool_use").and_then(|alone| alone.as_bool()) {
        request.parallel_tool_calls = Some(!alone);
    }
    Ok(())
}
