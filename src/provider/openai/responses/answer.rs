//! Whole answers of Responses, read and written.

use super::super::logprobs;
use super::items::{Item, Said, call, thinking};
use crate::chat::{Choice, Logprob, Malformed, Part, Response, StopReason, Usage};
use crate::provider::build::{Object, list};
use crate::provider::fields::{array, count_of, malformed, text_of};
use crate::wire::json::{Kind, Node};

// ---- reading

pub(super) fn read(root: Node<'_>) -> Result<Response, Malformed> {
    let output = root.get("output").ok_or_else(|| malformed("output", "an array"))?;
    array(output, "output")?;
    let mut parts = Vec::new();
    let mut likely = Vec::new();
    for item in output.items() {
        match text_of(item, "type").as_deref() {
            Some("message") => message(item, &mut parts, &mut likely),
            Some("reasoning") => parts.push(thinking(item)),
            Some("function_call") => {
                if let Some(call) = call(item, &mut parts) {
                    parts.push(Part::ToolCall(call));
                }
            }
            // The provider's own tools: only for those who asked for them in this API.
            _ => {}
        }
    }
    let calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    Ok(Response {
        id: text_of(root, "id").unwrap_or_default(),
        model: text_of(root, "model").unwrap_or_default(),
        choices: vec![Choice { parts, stop: stop(root, calls), stop_sequence: None, logprobs: likely }],
        usage: usage(root),
        ..Response::default()
    })
}

fn message(item: Node<'_>, parts: &mut Vec<Part>, likely: &mut Vec<Logprob>) {
    for part in item.get("content").into_iter().flat_map(|content| content.items()) {
        if let Some(text) = text_of(part, "text") {
            parts.push(Part::Text(text));
        } else if let Some(text) = text_of(part, "refusal") {
            parts.push(Part::Refusal(text));
        }
        likely.extend(logprobs::read(part.get("logprobs")));
    }
}

fn reason(root: Node<'_>) -> Option<String> {
    root.path(&["incomplete_details", "reason"])?.as_str().map(|reason| reason.into_owned())
}

pub(super) fn is_filtered(root: Node<'_>) -> bool {
    reason(root).as_deref() == Some("content_filter")
}

pub(super) fn stop(root: Node<'_>, calls: bool) -> StopReason {
    let incomplete = root.get("status").is_some_and(|status| status.is("incomplete"));
    match (incomplete, calls) {
        (true, _) if is_filtered(root) => StopReason::ContentFilter,
        (true, _) => StopReason::Length,
        (false, true) => StopReason::ToolCalls,
        (false, false) => StopReason::Stop,
    }
}

pub(super) fn usage(root: Node<'_>) -> Option<Usage> {
    let usage = root.get("usage").filter(|usage| usage.kind() == Kind::Object)?;
    Some(Usage {
        input: count_of(usage, &["input_tokens"]),
        cached_input: count_of(usage, &["input_tokens_details", "cached_tokens"]),
        cache_write: count_of(usage, &["input_tokens_details", "cache_write_tokens"]),
        output: count_of(usage, &["output_tokens"]),
        reasoning: count_of(usage, &["output_tokens_details", "reasoning_tokens"]),
    })
}

// ---- writing

pub(super) fn write(response: &Response, created: u64) -> Vec<u8> {
    // There is one: the API has no way to ask for more.
    let choice = response.choices.first();
    let items = choice.map(of_choice).unwrap_or_default();
    let stop = choice.map_or(StopReason::Stop, |choice| choice.stop);
    let status = item_status(stop);
    let output: Vec<String> = items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let last = index + 1 == items.len();
            item.whole(&item.id(&response.id, index), if last { status } else { "completed" })
        })
        .collect();
    let state = Reply { id: &response.id, model: &response.model, created, stop: Some(stop) };
    state.write(&list(&output), response.usage).into_bytes()
}

fn of_choice(choice: &Choice) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for part in &choice.parts {
        match part {
            Part::Text(text) => say(&mut items, false, text),
            Part::Refusal(text) => say(&mut items, true, text),
            Part::Thinking { text, signature } => {
                items.push(Item::Thinking { text: text.clone(), signature: signature.clone() });
            }
            Part::ToolCall(call) => {
                if let Some(signature) = &call.signature {
                    items.push(Item::Thinking { text: String::new(), signature: Some(signature.clone()) });
                }
                let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments }.to_owned();
                items.push(Item::Call { id: call.id.clone(), name: call.name.clone(), arguments });
            }
            // No model answers with these.
            Part::Image(_)
            | Part::Audio(_)
            | Part::Document { .. }
            | Part::ToolResult { .. }
            | Part::CacheHint(_) => {}
        }
    }
    let spoken = items.iter_mut().find_map(|item| match item {
        Item::Message(said) => said.iter_mut().find(|said| !said.refusal),
        _ => None,
    });
    if let Some(said) = spoken {
        said.logprobs.clone_from(&choice.logprobs);
    }
    items
}

/// Goes on in the last message, where nothing came between.
fn say(items: &mut Vec<Item>, refusal: bool, text: &str) {
    if text.is_empty() {
        return;
    }
    if !matches!(items.last(), Some(Item::Message(_))) {
        items.push(Item::Message(Vec::new()));
    }
    let Some(Item::Message(parts)) = items.last_mut() else { return };
    match parts.last_mut() {
        Some(last) if last.refusal == refusal => last.text.push_str(text),
        _ => parts.push(Said { refusal, text: text.to_owned(), logprobs: Vec::new() }),
    }
}

/// Of the item in which an answer stopped.
pub(super) fn item_status(stop: StopReason) -> &'static str {
    match stop {
        StopReason::Length | StopReason::ContentFilter => "incomplete",
        StopReason::Stop | StopReason::StopSequence | StopReason::ToolCalls => "completed",
    }
}

/// What an answer says of itself around its items.
pub(super) struct Reply<'r> {
    pub id: &'r str,
    pub model: &'r str,
    pub created: u64,
    /// `None` while it goes on.
    pub stop: Option<StopReason>,
}

/// Members that say what was asked for. SDKs require some of them, and what the request said is not known here.
const ASKED: &str = concat!(
    r#""instructions":null,"max_output_tokens":null,"metadata":{},"parallel_tool_calls":true,"#,
    r#""previous_response_id":null,"reasoning":{"effort":null,"summary":null},"store":false,"temperature":null,"#,
    r#""text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":null,"truncation":"disabled""#
);

impl Reply<'_> {
    pub(super) fn status(&self) -> &'static str {
        self.stop.map_or("in_progress", item_status)
    }

    pub(super) fn write(&self, output: &str, usage: Option<Usage>) -> String {
        let incomplete = match self.stop {
            Some(StopReason::Length) => r#"{"reason":"max_output_tokens"}"#,
            Some(StopReason::ContentFilter) => r#"{"reason":"content_filter"}"#,
            _ => "null",
        };
        let usage = usage.map(counts);
        Object::new()
            .text("id", self.id)
            .text("object", "response")
            .number("created_at", self.created)
            .text("status", self.status())
            .raw("error", "null")
            .raw("incomplete_details", incomplete)
            .text("model", self.model)
            .raw("output", output)
            .members(ASKED)
            .raw("usage", usage.as_deref().unwrap_or("null"))
            .end()
    }
}

fn counts(usage: Usage) -> String {
    let cached = Object::new().number("cached_tokens", usage.cached_input);
    let reasoning = Object::new().number("reasoning_tokens", usage.reasoning);
    Object::new()
        .number("input_tokens", usage.input)
        .raw("input_tokens_details", &cached.number("cache_write_tokens", usage.cache_write).end())
        .number("output_tokens", usage.output)
        .raw("output_tokens_details", &reasoning.end())
        .number("total_tokens", usage.input.saturating_add(usage.output))
        .end()
}
