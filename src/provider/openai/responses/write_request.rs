//! The neutral conversation as Responses.
//!
//! Refused by name, as this API has no place for them: `n`, `seed`, the penalties, `top_k`, `stop`, audio. Nothing is
//! to be kept (`store: false`), so what the model thought comes back encrypted. Thinking of another provider is left
//! out, and a failed tool's result is marked in its text.

use crate::chat::{Dialect, Format, Media, Message, Part, Request, Role, Tool, ToolChoice, Unsupported};
use crate::provider::build::{Object, list};
use crate::provider::fields::{raw, unsupported, uri};
use crate::wire::json::quote;

pub(super) fn request(request: &Request) -> Result<Vec<u8>, Unsupported> {
    refuse(request)?;
    let mut input = Vec::new();
    for (index, message) in request.messages.iter().enumerate() {
        items(message, index, &mut input)?;
    }
    let tools = request.tools.iter().map(tool).collect::<Result<Vec<_>, _>>()?;
    let has_tools = !tools.is_empty();
    let text = |text: &Option<String>| text.as_deref().map(quote);
    let effort = text(&request.reasoning_effort)
        .or(request.thinking_budget.map(|tokens| quote(super::super::write_request::effort(tokens))));
    let reasoning = effort.is_some() || request.shows_thinking == Some(true);
    let summary = request.shows_thinking.filter(|shows| *shows).map(|_| "\"auto\"");
    let mut include = Vec::new();
    if reasoning {
        include.push(quote("reasoning.encrypted_content"));
    }
    if request.logprobs.is_some() {
        include.push(quote("message.output_text.logprobs"));
    }
    let format = request.format.as_ref().map(format).transpose()?;
    let choice = request.tool_choice.as_ref().map(choice).filter(|_| has_tools);
    let parallel = request.parallel_tool_calls.filter(|_| has_tools).map(|parallel| parallel.to_string());
    let count = |count: Option<u64>| count.map(|count| count.to_string());
    let body = Object::new()
        .text("model", &request.model)
        .raw("input", &list(&input))
        .maybe("max_output_tokens", count(request.max_output).as_deref())
        .maybe("temperature", request.temperature.as_deref())
        .maybe("top_p", request.top_p.as_deref())
        .maybe("top_logprobs", count(request.logprobs.filter(|top| *top > 0)).as_deref())
        .maybe("include", Some(list(&include)).filter(|_| !include.is_empty()).as_deref())
        .maybe("tools", Some(list(&tools)).filter(|_| has_tools).as_deref())
        .maybe("tool_choice", choice.as_deref())
        .maybe("parallel_tool_calls", parallel.as_deref())
        .maybe("text", format.map(|format| Object::new().raw("format", &format).end()).as_deref())
        .maybe(
            "reasoning",
            Some(Object::new().maybe("effort", effort.as_deref()).maybe("summary", summary).end())
                .filter(|_| reasoning)
                .as_deref(),
        )
        .maybe("user", text(&request.user).as_deref())
        .maybe("prompt_cache_key", text(&request.cache_key).as_deref())
        .raw("store", "false")
        .maybe("stream", request.stream.then_some("true"));
    Ok(body.end().into_bytes())
}

fn refuse(request: &Request) -> Result<(), Unsupported> {
    if let Some(field) = request.unsupported.first() {
        return Err(unsupported(field.as_str()));
    }
    let refused = [
        ("n", request.n.is_some()),
        ("seed", request.seed.is_some()),
        ("presence_penalty", request.presence_penalty.is_some()),
        ("frequency_penalty", request.frequency_penalty.is_some()),
        ("top_k", request.top_k.is_some()),
        ("stop", !request.stop.is_empty()),
    ];
    match refused.into_iter().find(|(_, refused)| *refused) {
        Some((field, _)) => Err(unsupported(field)),
        None => Ok(()),
    }
}

/// Calls, results and thinking are items of their own here. Results and thinking come first, and calls last.
fn items(message: &Message, index: usize, out: &mut Vec<String>) -> Result<(), Unsupported> {
    let role = match message.role {
        Role::System => "system",
        Role::Developer => "developer",
        Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    };
    let mut said = Vec::new();
    let mut calls = Vec::new();
    for (number, part) in message.parts.iter().enumerate() {
        let path = format!("messages[{index}].content[{number}]");
        match part {
            Part::ToolCall(call) => {
                let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
                let call = Object::new()
                    .text("type", "function_call")
                    .text("call_id", &call.id)
                    .text("name", &call.name);
                calls.push(call.text("arguments", arguments).end());
            }
            Part::ToolResult { id, parts, is_error } => {
                let result = Object::new().text("type", "function_call_output").text("call_id", id);
                out.push(result.raw("output", &output(parts, *is_error, &path)?).end());
            }
            Part::Thinking { text, signature: Some(signature) } if signature.by == Dialect::OpenAi => {
                let summary: Vec<String> = Some(text)
                    .filter(|text| !text.is_empty())
                    .map(|text| super::items::summary(text))
                    .into_iter()
                    .collect();
                let id = format!("rs_{index}_{number}");
                let thought =
                    Object::new().text("type", "reasoning").text("id", &id).raw("summary", &list(&summary));
                out.push(thought.text("encrypted_content", &signature.value).end());
            }
            Part::Thinking { .. } | Part::CacheHint(_) => {}
            Part::Text(text) if role == "assistant" => {
                said.push(Object::new().text("type", "output_text").text("text", text).end());
            }
            part => said.push(content(part, &path)?),
        }
    }
    if !said.is_empty() {
        out.push(Object::new().text("type", "message").text("role", role).raw("content", &list(&said)).end());
    }
    out.append(&mut calls);
    Ok(())
}

fn content(part: &Part, path: &str) -> Result<String, Unsupported> {
    Ok(match part {
        Part::Text(text) => Object::new().text("type", "input_text").text("text", text),
        Part::Refusal(text) => Object::new().text("type", "refusal").text("refusal", text),
        Part::Image(media) => {
            Object::new().text("type", "input_image").text("image_url", &uri(media)).text("detail", "auto")
        }
        Part::Document { media: Media::Url(url), .. } => {
            Object::new().text("type", "input_file").text("file_url", url)
        }
        Part::Document { media, name } => {
            let filename = name.as_deref().unwrap_or("document.pdf");
            Object::new().text("type", "input_file").text("filename", filename).text("file_data", &uri(media))
        }
        Part::Audio(_) => return Err(unsupported(format!("{path}.input_audio"))),
        Part::ToolCall(_) | Part::ToolResult { .. } | Part::Thinking { .. } | Part::CacheHint(_) => {
            return Err(unsupported(path));
        }
    }
    .end())
}

/// A text where it is nothing else.
fn output(parts: &[Part], is_error: bool, path: &str) -> Result<String, Unsupported> {
    let error = if is_error { "Error: " } else { "" };
    let texts: Option<Vec<&str>> = parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if let Some(texts) = texts {
        return Ok(quote(&format!("{error}{}", texts.concat())));
    }
    let mut written = parts.iter().map(|part| content(part, path)).collect::<Result<Vec<_>, _>>()?;
    if is_error {
        written.insert(0, content(&Part::Text(error.to_owned()), path)?);
    }
    Ok(list(&written))
}

fn tool(tool: &Tool) -> Result<String, Unsupported> {
    let schema = tool.schema.as_deref().unwrap_or(r#"{"type":"object","properties":{}}"#);
    raw(schema).ok_or_else(|| unsupported("tools[].function.parameters"))?;
    Ok(Object::new()
        .text("type", "function")
        .text("name", &tool.name)
        .maybe("description", tool.description.as_deref().map(quote).as_deref())
        .raw("parameters", schema)
        // Here it is so unless it is said otherwise, and elsewhere it is not.
        .raw("strict", if tool.strict == Some(true) { "true" } else { "false" })
        .end())
}

fn choice(choice: &ToolChoice) -> String {
    match choice {
        ToolChoice::Auto => quote("auto"),
        ToolChoice::None => quote("none"),
        ToolChoice::Required => quote("required"),
        ToolChoice::Tool(name) => Object::new().text("type", "function").text("name", name).end(),
    }
}

fn format(format: &Format) -> Result<String, Unsupported> {
    Ok(match format {
        Format::JsonObject => Object::new().text("type", "json_object").end(),
        Format::JsonSchema { name, schema, strict } => {
            raw(schema).ok_or_else(|| unsupported("response_format.json_schema.schema"))?;
            let strict = strict.map(|strict| strict.to_string());
            let format = Object::new().text("type", "json_schema").text("name", name).raw("schema", schema);
            format.maybe("strict", strict.as_deref()).end()
        }
    })
}
