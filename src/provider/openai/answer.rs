//! Whole answers of chat completions, read and written.

use serde::Serialize;
use serde_json::value::RawValue;

use super::write_request::Call;
use super::{logprobs, signatures};
use crate::chat::{Choice, Logprob, Malformed, Part, Response, StopReason, ToolCall, Usage};
use crate::provider::build::Object;
use crate::provider::fields::{array, count_of, json, malformed, raw, text_of};
use crate::wire::json::{Kind, Node};

// ---- reading

pub(super) fn read(root: Node<'_>) -> Result<Response, Malformed> {
    let choices = root.get("choices").ok_or_else(|| malformed("choices", "an array"))?;
    array(choices, "choices")?;
    Ok(Response {
        id: text_of(root, "id").unwrap_or_default(),
        model: text_of(root, "model").unwrap_or_default(),
        choices: choices.items().map(choice).collect(),
        usage: usage(root),
        ..Response::default()
    })
}

fn choice(node: Node<'_>) -> Choice {
    let mut parts = Vec::new();
    if let Some(message) = node.get("message") {
        parts.append(&mut signatures::thinking(message));
        if let Some(content) = message.get("content") {
            each_text(content, &mut |thinking, text| {
                let text = text.as_str().unwrap_or_default().into_owned();
                parts.push(if thinking {
                    Part::Thinking { text, signature: None }
                } else {
                    Part::Text(text)
                });
            });
        }
        if let Some(text) = text_of(message, "refusal") {
            parts.push(Part::Refusal(text));
        }
        for (index, call) in message.get("tool_calls").into_iter().flat_map(|calls| calls.items()).enumerate()
        {
            let Some(function) = call.get("function") else { continue };
            parts.push(Part::ToolCall(ToolCall {
                id: text_of(call, "id").filter(|id| !id.is_empty()).unwrap_or_else(|| call_id(index)),
                name: text_of(function, "name").unwrap_or_default(),
                arguments: text_of(function, "arguments").unwrap_or_default(),
                signature: signatures::of_call(call),
            }));
        }
    }
    let reason = text_of(node, "finish_reason").unwrap_or_default();
    let logprobs = logprobs::read(node.path(&["logprobs", "content"]));
    let calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    Choice { parts, stop: stop(&reason, calls), stop_sequence: None, logprobs }
}

/// Calls `f` for each text of a message's content, with whether it is thinking. Content is a string, or parts;
/// Mistral's thinking is a part that has parts.
pub(super) fn each_text<'d>(content: Node<'d>, f: &mut dyn FnMut(bool, Node<'d>)) {
    if content.kind() == Kind::String {
        f(false, content);
    }
    for part in content.items() {
        if let Some(text) = part.get("text") {
            f(false, text);
        }
        for thought in part.get("thinking").into_iter().flat_map(|thinking| thinking.items()) {
            if let Some(text) = thought.get("text") {
                f(true, text);
            }
        }
    }
}

/// A name for a call whose provider gave it none.
pub(super) fn call_id(index: usize) -> String {
    format!("call_{index}")
}

/// Where a tool is forced, the reason is a plain stop, in spite of the calls.
pub(super) fn stop(reason: &str, calls: bool) -> StopReason {
    match reason {
        "stop" if calls => StopReason::ToolCalls,
        "length" | "model_length" => StopReason::Length,
        "tool_calls" | "function_call" => StopReason::ToolCalls,
        "content_filter" => StopReason::ContentFilter,
        _ => StopReason::Stop,
    }
}

/// DeepSeek and Mistral count cached tokens in fields of their own, besides or instead of OpenAI's.
pub(super) fn usage(root: Node<'_>) -> Option<Usage> {
    let usage = root.get("usage").filter(|usage| usage.kind() == Kind::Object)?;
    let cached = [
        count_of(usage, &["prompt_tokens_details", "cached_tokens"]),
        count_of(usage, &["prompt_cache_hit_tokens"]),
        count_of(usage, &["num_cached_tokens"]),
    ];
    Some(Usage {
        input: count_of(usage, &["prompt_tokens"]),
        cached_input: cached.into_iter().max().unwrap_or(0),
        cache_write: count_of(usage, &["prompt_tokens_details", "cache_write_tokens"]),
        output: count_of(usage, &["completion_tokens"]),
        reasoning: count_of(usage, &["completion_tokens_details", "reasoning_tokens"]),
    })
}

// ---- writing

#[derive(Serialize)]
struct Completion<'r> {
    id: &'r str,
    object: &'static str,
    created: u64,
    model: &'r str,
    choices: Vec<Answer<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Counts>,
}

#[derive(Serialize)]
struct Answer<'r> {
    index: usize,
    message: Spoken<'r>,
    logprobs: Option<Box<RawValue>>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Spoken<'r> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'r>>,
}

#[derive(Serialize)]
pub(in crate::provider) struct Counts {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl From<Usage> for Counts {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.input,
            completion_tokens: usage.output,
            total_tokens: usage.input.saturating_add(usage.output),
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.cached_input,
                cache_write_tokens: usage.cache_write,
            },
            completion_tokens_details: CompletionDetails { reasoning_tokens: usage.reasoning },
        }
    }
}

pub(super) fn write(response: &Response, created: u64) -> Vec<u8> {
    json(&Completion {
        id: &response.id,
        object: "chat.completion",
        created,
        model: &response.model,
        choices: response.choices.iter().enumerate().map(answer).collect(),
        usage: response.usage.map(Counts::from),
    })
}

fn answer((index, choice): (usize, &Choice)) -> Answer<'_> {
    let mut message = Spoken {
        role: "assistant",
        content: None,
        refusal: None,
        reasoning_content: None,
        reasoning_details: Vec::new(),
        tool_calls: Vec::new(),
    };
    for part in &choice.parts {
        match part {
            Part::Text(text) => message.content.get_or_insert_default().push_str(text),
            Part::Refusal(text) => message.refusal.get_or_insert_default().push_str(text),
            Part::Thinking { text, signature } => {
                if !text.is_empty() {
                    message.reasoning_content.get_or_insert_default().push_str(text);
                }
                let index = message.reasoning_details.len();
                let detail = signature.as_ref().and_then(|own| signatures::write(text, own, index));
                message.reasoning_details.extend(detail);
            }
            Part::ToolCall(call) => message.tool_calls.push(call.into()),
            // No model answers with these.
            Part::Image(_)
            | Part::Audio(_)
            | Part::Document { .. }
            | Part::ToolResult { .. }
            | Part::CacheHint(_) => {}
        }
    }
    Answer { index, message, logprobs: likely(&choice.logprobs), finish_reason: finish(choice.stop) }
}

pub(in crate::provider) fn likely(logprobs: &[Logprob]) -> Option<Box<RawValue>> {
    if logprobs.is_empty() {
        return None;
    }
    raw(&Object::new().raw("content", &logprobs::write(logprobs)).raw("refusal", "null").end())
}

pub(in crate::provider) fn finish(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Stop | StopReason::StopSequence => "stop",
        StopReason::Length => "length",
        StopReason::ToolCalls => "tool_calls",
        StopReason::ContentFilter => "content_filter",
    }
}
