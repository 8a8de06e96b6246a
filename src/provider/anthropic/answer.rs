//! Whole messages, read and written.

use serde::Serialize;
use serde_json::value::RawValue;

use super::signatures::{data, of_data, push_call};
use crate::chat::{Choice, Dialect, Malformed, Part, Response, StopReason, ToolCall, Usage};
use crate::provider::fields::{arguments, array, count_of, json, malformed, raw, sealed, text_of, unsigned};
use crate::wire::json::{Kind, Node, quote};

// ---- reading

pub(super) fn read(root: Node<'_>) -> Result<Response, Malformed> {
    let content = root.get("content").ok_or_else(|| malformed("content", "an array"))?;
    array(content, "content")?;
    let mut parts = Vec::new();
    for part in content.items().filter_map(part) {
        match part {
            Part::ToolCall(call) => push_call(&mut parts, call),
            part => parts.push(part),
        }
    }
    parts.extend(explanation(root).map(Part::Refusal));
    let reason = text_of(root, "stop_reason").unwrap_or_default();
    let choice = Choice {
        parts,
        stop: stop(&reason),
        stop_sequence: text_of(root, "stop_sequence"),
        logprobs: Vec::new(),
    };
    Ok(Response {
        id: text_of(root, "id").unwrap_or_default(),
        model: text_of(root, "model").unwrap_or_default(),
        choices: vec![choice],
        usage: usage(root.get("usage"), Usage::default()),
        ..Response::default()
    })
}

/// Blocks of the provider's own tools come only to those who asked for them in this API.
fn part(block: Node<'_>) -> Option<Part> {
    Some(match text_of(block, "type")?.as_str() {
        "text" => Part::Text(text_of(block, "text")?),
        "thinking" => {
            let signature = text_of(block, "signature").map(|value| unsigned(value, Dialect::Anthropic));
            Part::Thinking { text: text_of(block, "thinking")?, signature }
        }
        "redacted_thinking" => {
            Part::Thinking { text: String::new(), signature: Some(of_data(text_of(block, "data")?)) }
        }
        "tool_use" => Part::ToolCall(ToolCall {
            id: text_of(block, "id")?,
            name: text_of(block, "name")?,
            arguments: block.get("input").map_or_else(|| "{}".to_owned(), |input| input.raw().to_owned()),
            signature: None,
        }),
        _ => return None,
    })
}

fn explanation(root: Node<'_>) -> Option<String> {
    root.get("stop_reason").filter(|reason| reason.is("refusal"))?;
    root.path(&["stop_details", "explanation"])?.as_str().map(|text| text.into_owned())
}

pub(super) fn stop(reason: &str) -> StopReason {
    match reason {
        "stop_sequence" => StopReason::StopSequence,
        "max_tokens" | "model_context_window_exceeded" | "pause_turn" => StopReason::Length,
        "tool_use" => StopReason::ToolCalls,
        "refusal" => StopReason::ContentFilter,
        _ => StopReason::Stop,
    }
}

/// `so_far` is what an earlier event of a stream said. This provider counts cached tokens beside the input.
pub(super) fn usage(node: Option<Node<'_>>, so_far: Usage) -> Option<Usage> {
    let node = node.filter(|node| node.kind() == Kind::Object)?;
    let given =
        |path: &[&str]| node.path(path).filter(|count| !count.is_null()).map(|_| count_of(node, path));
    let cached_input = given(&["cache_read_input_tokens"]).unwrap_or(so_far.cached_input);
    let cache_write = given(&["cache_creation_input_tokens"]).unwrap_or(so_far.cache_write);
    let fresh = given(&["input_tokens"])
        .unwrap_or(so_far.input.saturating_sub(so_far.cached_input).saturating_sub(so_far.cache_write));
    Some(Usage {
        input: fresh.saturating_add(cached_input).saturating_add(cache_write),
        cached_input,
        cache_write,
        output: given(&["output_tokens"]).unwrap_or(so_far.output),
        reasoning: given(&["output_tokens_details", "thinking_tokens"]).unwrap_or(so_far.reasoning),
    })
}

// ---- writing

#[derive(Serialize)]
struct Body<'r> {
    id: &'r str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'r str,
    content: Vec<Block<'r>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'r str>,
    usage: Counts,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'r> {
    Text { text: &'r str },
    Thinking { thinking: &'r str, signature: String },
    RedactedThinking { data: String },
    ToolUse { id: &'r str, name: &'r str, input: Box<RawValue> },
}

#[derive(Serialize)]
pub(super) struct Counts {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<Details>,
}

#[derive(Serialize)]
struct Details {
    thinking_tokens: u64,
}

impl From<Usage> for Counts {
    fn from(usage: Usage) -> Self {
        let known = usage.cached_input.saturating_add(usage.cache_write);
        Self {
            input_tokens: usage.input.saturating_sub(known),
            cache_creation_input_tokens: usage.cache_write,
            cache_read_input_tokens: usage.cached_input,
            output_tokens: usage.output,
            output_tokens_details: (usage.reasoning > 0)
                .then_some(Details { thinking_tokens: usage.reasoning }),
        }
    }
}

pub(super) fn write(response: &Response) -> Vec<u8> {
    // There is one: a request for more is refused.
    let choice = response.choices.first();
    json(&Body {
        id: &response.id,
        kind: "message",
        role: "assistant",
        model: &response.model,
        content: choice.into_iter().flat_map(|choice| &choice.parts).flat_map(blocks).collect(),
        stop_reason: choice.map_or("end_turn", |choice| finish(choice.stop)),
        stop_sequence: choice.and_then(|choice| choice.stop_sequence.as_deref()),
        usage: response.usage.unwrap_or_default().into(),
    })
}

/// A call's signature stands before it.
fn blocks(part: &Part) -> impl Iterator<Item = Block<'_>> {
    let signature = match part {
        Part::ToolCall(call) => call.signature.as_ref(),
        _ => None,
    };
    signature.map(|it| Block::RedactedThinking { data: data(it) }).into_iter().chain(block(part))
}

fn block(part: &Part) -> Option<Block<'_>> {
    Some(match part {
        Part::Text(text) | Part::Refusal(text) if text.is_empty() => return None,
        Part::Text(text) | Part::Refusal(text) => Block::Text { text },
        Part::Thinking { text, signature: Some(signature) } if text.is_empty() => {
            Block::RedactedThinking { data: data(signature) }
        }
        Part::Thinking { text, signature } => {
            let signature = signature.as_ref().map(|it| sealed(it, text, Dialect::Anthropic));
            Block::Thinking { thinking: text, signature: signature.unwrap_or_default() }
        }
        Part::ToolCall(call) => Block::ToolUse { id: &call.id, name: &call.name, input: input(call)? },
        // No model answers with these.
        Part::Image(_)
        | Part::Audio(_)
        | Part::Document { .. }
        | Part::ToolResult { .. }
        | Part::CacheHint(_) => return None,
    })
}

/// Arguments that a model left broken are handed on in an object, as Anthropic advises for this case.
fn input(call: &ToolCall) -> Option<Box<RawValue>> {
    arguments(call).or_else(|| raw(&format!(r#"{{"INVALID_JSON":{}}}"#, quote(&call.arguments))))
}

pub(super) fn finish(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Stop => "end_turn",
        StopReason::StopSequence => "stop_sequence",
        StopReason::Length => "max_tokens",
        StopReason::ToolCalls => "tool_use",
        StopReason::ContentFilter => "refusal",
    }
}
