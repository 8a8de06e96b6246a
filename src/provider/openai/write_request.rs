//! The neutral conversation as chat completions.
//!
//! What other dialects have and this one has not: an image or document in a tool's result and a document by its
//! address are refused; a failed tool's result is marked in its text; the provider's own thinking goes into
//! `reasoning_content`, which the vendors that want it back read, and its signature into `reasoning_details`.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::signatures;
use crate::chat::{Format, Media, Message, Part, Request, Role, Tool, ToolCall, ToolChoice, Unsupported};
use crate::provider::fields::{cache_control, json, raw, raw_number, unsupported, uri};

#[derive(Serialize)]
struct Body<'r> {
    model: &'r str,
    messages: Vec<Turn<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'r [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolItem<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'r str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    logprobs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize, Default)]
struct Turn<'r> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'r str>,
    content: Option<Content<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'r>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'r> {
    Text(String),
    Parts(Vec<Item<'r>>),
}

#[derive(Serialize, Default)]
struct Item<'r> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'r, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_audio: Option<Audio<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<File<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Box<RawValue>>,
}

fn text_item<'r>(text: impl Into<Cow<'r, str>>) -> Item<'r> {
    Item { kind: "text", text: Some(text.into()), ..Item::default() }
}

#[derive(Serialize)]
struct Address {
    url: String,
}

#[derive(Serialize)]
struct Audio<'r> {
    data: &'r str,
    format: &'static str,
}

#[derive(Serialize)]
struct File<'r> {
    filename: &'r str,
    file_data: String,
}

#[derive(Serialize)]
pub(super) struct Call<'r> {
    id: &'r str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Called<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Called<'r> {
    name: &'r str,
    arguments: &'r str,
}

impl<'r> From<&'r ToolCall> for Call<'r> {
    fn from(call: &'r ToolCall) -> Self {
        let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
        let extra_content = signatures::write_call(call.signature.as_ref());
        Self {
            id: &call.id,
            kind: "function",
            function: Called { name: &call.name, arguments },
            extra_content,
        }
    }
}

#[derive(Serialize)]
struct ToolItem<'r> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Function<'r> {
    name: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'r> {
    Word(&'static str),
    Tool {
        #[serde(rename = "type")]
        kind: &'static str,
        function: Named<'r>,
    },
}

#[derive(Serialize)]
struct Named<'r> {
    name: &'r str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'r> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'r> },
}

#[derive(Serialize)]
struct JsonSchema<'r> {
    name: &'r str,
    schema: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

pub(super) fn request(request: &Request) -> Result<Vec<u8>, Unsupported> {
    if let Some(field) = request.unsupported.first() {
        return Err(unsupported(field.as_str()));
    }
    let mut messages = Vec::new();
    for (index, message) in request.messages.iter().enumerate() {
        turns(message, index, &mut messages)?;
    }
    Ok(json(&Body {
        model: &request.model,
        messages,
        max_completion_tokens: request.max_output,
        temperature: raw_number(&request.temperature),
        top_p: raw_number(&request.top_p),
        top_k: raw_number(&request.top_k),
        seed: raw_number(&request.seed),
        presence_penalty: raw_number(&request.presence_penalty),
        frequency_penalty: raw_number(&request.frequency_penalty),
        n: request.n,
        stop: &request.stop,
        tools: request.tools.iter().map(tool).collect(),
        tool_choice: request.tool_choice.as_ref().map(choice),
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| !request.tools.is_empty()),
        response_format: request.format.as_ref().map(format).transpose()?,
        reasoning_effort: request.reasoning_effort.as_deref().or(request.thinking_budget.map(effort)),
        logprobs: request.logprobs.is_some(),
        top_logprobs: request.logprobs.filter(|top| *top > 0),
        user: request.user.as_deref(),
        prompt_cache_key: request.cache_key.as_deref(),
        cache_control: request.cache.as_deref().and_then(cache_control),
        stream: request.stream,
        stream_options: (request.stream && request.stream_usage)
            .then_some(StreamOptions { include_usage: true }),
    }))
}

/// A number of tokens to think for, as the word that comes nearest.
pub(super) fn effort(tokens: u64) -> &'static str {
    match tokens {
        0..=2047 => "low",
        2048..=8191 => "medium",
        _ => "high",
    }
}

/// The results of tools are turns of their own here.
fn turns<'r>(message: &'r Message, index: usize, out: &mut Vec<Turn<'r>>) -> Result<(), Unsupported> {
    let role = match message.role {
        Role::System => "system",
        Role::Developer => "developer",
        Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    };
    let mut turn = Turn { role, ..Turn::default() };
    let mut items = Vec::new();
    for (number, part) in message.parts.iter().enumerate() {
        let at = |what: &str| unsupported(format!("messages[{index}].content[{number}].{what}"));
        match part {
            Part::Text(text) => items.push(text_item(text)),
            Part::Image(media) => {
                let image_url = Some(Address { url: uri(media) });
                items.push(Item { kind: "image_url", image_url, ..Item::default() });
            }
            Part::Audio(media) => {
                let input_audio = Some(audio(media).ok_or_else(|| at("input_audio"))?);
                items.push(Item { kind: "input_audio", input_audio, ..Item::default() });
            }
            Part::Document { media: Media::Url(_), .. } => return Err(at("source.url")),
            Part::Document { media, name } => {
                let filename = name.as_deref().unwrap_or("document.pdf");
                let file = Some(File { filename, file_data: uri(media) });
                items.push(Item { kind: "file", file, ..Item::default() });
            }
            Part::ToolCall(call) => turn.tool_calls.push(call.into()),
            Part::ToolResult { id, parts, is_error } => {
                out.push(Turn {
                    role: "tool",
                    tool_call_id: Some(id),
                    content: Some(Content::Text(
                        result(parts, *is_error).ok_or_else(|| at("tool_result.content"))?,
                    )),
                    ..Turn::default()
                });
            }
            Part::CacheHint(ttl) => {
                let before = number.checked_sub(1).and_then(|before| message.parts.get(before));
                match before {
                    Some(Part::ToolResult { .. }) => cache_result(out.last_mut(), ttl),
                    // No place is there for one.
                    Some(Part::ToolCall(_) | Part::Thinking { .. } | Part::Refusal(_)) => {}
                    _ => {
                        if let Some(item) = items.last_mut() {
                            item.cache_control = cache_control(ttl);
                        }
                    }
                }
            }
            Part::Refusal(text) => turn.refusal = Some(text),
            Part::Thinking { text, signature } => {
                if !text.is_empty() {
                    turn.reasoning_content.get_or_insert_default().push_str(text);
                }
                let index = turn.reasoning_details.len();
                let detail = signature.as_ref().and_then(|own| signatures::write(text, own, index));
                turn.reasoning_details.extend(detail);
            }
        }
    }
    turn.content = match items.as_slice() {
        [] => None,
        [Item { text: Some(text), cache_control: None, .. }] => Some(Content::Text((**text).to_owned())),
        _ => Some(Content::Parts(items)),
    };
    if turn.content.is_some() || turn.refusal.is_some() || !turn.tool_calls.is_empty() {
        out.push(turn);
    }
    Ok(())
}

/// The hint stands on a part, so that the text becomes one.
fn cache_result(turn: Option<&mut Turn<'_>>, ttl: &str) {
    let Some(Turn { content: Some(content), .. }) = turn else { return };
    if let Content::Text(text) = content {
        let item = Item { cache_control: cache_control(ttl), ..text_item(std::mem::take(text)) };
        *content = Content::Parts(vec![item]);
    }
}

/// The two kinds that the API knows.
fn audio(media: &Media) -> Option<Audio<'_>> {
    let Media::Base64 { media_type, data } = media else { return None };
    let format = match media_type.as_str() {
        "audio/wav" | "audio/x-wav" => "wav",
        "audio/mp3" | "audio/mpeg" => "mp3",
        _ => return None,
    };
    Some(Audio { data, format })
}

/// `None` if there is more than text in it.
fn result(parts: &[Part], is_error: bool) -> Option<String> {
    let mut text = String::from(if is_error { "Error: " } else { "" });
    for part in parts {
        let Part::Text(piece) = part else { return None };
        text.push_str(piece);
    }
    Some(text)
}

fn tool(tool: &Tool) -> ToolItem<'_> {
    ToolItem {
        kind: "function",
        function: Function {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters: tool.schema.as_deref().and_then(raw),
            strict: tool.strict,
        },
        cache_control: tool.cache.as_deref().and_then(cache_control),
    }
}

fn choice(choice: &ToolChoice) -> Choice<'_> {
    match choice {
        ToolChoice::Auto => Choice::Word("auto"),
        ToolChoice::None => Choice::Word("none"),
        ToolChoice::Required => Choice::Word("required"),
        ToolChoice::Tool(name) => Choice::Tool { kind: "function", function: Named { name } },
    }
}

fn format(format: &Format) -> Result<ResponseFormat<'_>, Unsupported> {
    Ok(match format {
        Format::JsonObject => ResponseFormat::JsonObject,
        Format::JsonSchema { name, schema, strict } => {
            let schema = raw(schema).ok_or_else(|| unsupported("response_format.json_schema.schema"))?;
            ResponseFormat::JsonSchema { json_schema: JsonSchema { name, schema, strict: *strict } }
        }
    })
}
