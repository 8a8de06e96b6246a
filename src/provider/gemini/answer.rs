//! Whole answers, read and written.

use super::names::{at, get, is_true, text};
use super::{FAILURES, signature};
use crate::chat::{
    Choice, ErrorClass, Logprob, Malformed, Part, ProviderError, Response, StopReason, ToolCall, Usage,
};
use crate::provider::build::{Object, list};
use crate::provider::failure::{Fault, stopped};
use crate::provider::fields::{arguments, array, count_of, malformed};
use crate::wire::json::{Kind, Node, quote};

// ---- reading

pub(super) fn read(root: Node<'_>) -> Result<Response, Malformed> {
    let candidates = get(root, "candidates").ok_or_else(|| malformed("candidates", "an array"))?;
    array(candidates, "candidates")?;
    let id = text(root, "responseId").unwrap_or_default();
    Ok(Response {
        choices: candidates.items().map(|candidate| choice(candidate, &id)).collect(),
        id,
        model: text(root, "modelVersion").unwrap_or_default(),
        usage: usage(root),
        ..Response::default()
    })
}

fn choice(node: Node<'_>, response: &str) -> Choice {
    let mut parts = Vec::new();
    let mut calls = 0;
    for part in parts_of(node) {
        let signature = signature_of(part).map(signature::read);
        if let Some(call) = get(part, "functionCall") {
            parts.push(Part::ToolCall(ToolCall {
                id: call_id(call, response, calls),
                name: text(call, "name").unwrap_or_default(),
                arguments: get(call, "args").map_or_else(|| "{}".to_owned(), |args| args.raw().to_owned()),
                signature,
            }));
            calls += 1;
            continue;
        }
        match (text(part, "text"), signature) {
            (Some(text), signature) if is_true(part, "thought") => {
                parts.push(Part::Thinking { text, signature })
            }
            // A signature of what is said belongs to what led to it, and not to the summary that is shown of it.
            (text, Some(signature)) => {
                parts.push(Part::Thinking { text: String::new(), signature: Some(signature) });
                parts.extend(text.filter(|text| !text.is_empty()).map(Part::Text));
            }
            (Some(text), None) => parts.push(Part::Text(text)),
            (None, None) => parts.extend(left_out(part).map(Part::Text)),
        }
    }
    let stop = match finish(node).as_deref() {
        None => StopReason::Stop,
        Some(reason) => stop(reason, calls > 0),
    };
    Choice { parts, stop, stop_sequence: None, logprobs: logprobs(node) }
}

pub(super) fn parts_of<'d>(candidate: Node<'d>) -> impl Iterator<Item = Node<'d>> {
    at(candidate, &["content", "parts"]).into_iter().flat_map(|parts| parts.items())
}

pub(super) fn signature_of(part: Node<'_>) -> Option<String> {
    text(part, "thoughtSignature").filter(|signature| !signature.is_empty())
}

/// A name for a call whose provider gave it none: no other answer of the conversation has the same.
pub(super) fn call_id(call: Node<'_>, response: &str, index: u32) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text(call, "id").filter(|id| !id.is_empty()).unwrap_or_else(|| {
        let response: String = response.chars().filter(plain).take(40).collect();
        format!("call_{response}_{index}")
    })
}

/// Media that a model makes have no place in the answers of other APIs: said rather than lost in silence.
pub(super) fn left_out(part: Node<'_>) -> Option<String> {
    let media = get(part, "inlineData").or_else(|| get(part, "fileData"))?;
    let kind = text(media, "mimeType").unwrap_or_default();
    Some(format!("[The model answered with {kind} here, for which this API has no place.]"))
}

/// By name or, where a client asks for it, by number.
pub(super) fn finish(candidate: Node<'_>) -> Option<String> {
    let reason = get(candidate, "finishReason")?;
    match (reason.as_str(), reason.as_u64()) {
        (Some(name), _) => Some(name.into_owned()).filter(|name| name != "FINISH_REASON_UNSPECIFIED"),
        (None, Some(0) | None) => None,
        (None, Some(1)) => Some("STOP".to_owned()),
        (None, Some(2)) => Some("MAX_TOKENS".to_owned()),
        // Which of them differs by host; all mean that the answer was not given.
        (None, Some(_)) => Some("SAFETY".to_owned()),
    }
}

pub(super) fn stop(reason: &str, called: bool) -> StopReason {
    match reason {
        "MAX_TOKENS" | "CONTINUATION" => StopReason::Length,
        reason if is_filter(reason) => StopReason::ContentFilter,
        _ if called => StopReason::ToolCalls,
        _ => StopReason::Stop,
    }
}

/// Google's safety stops.
fn is_filter(reason: &str) -> bool {
    stopped(FAILURES, reason, false).is_some_and(|failure| failure.class == ErrorClass::ContentFilter)
}

/// An answer that is a failure: an error, a prompt that was blocked, or nothing but answers that were stopped.
pub(super) fn soft_failure(root: Node<'_>) -> Option<ProviderError> {
    let root = root.items().next().unwrap_or(root);
    let candidates = get(root, "candidates").filter(|candidates| !candidates.is_empty());
    let Some(candidates) = candidates else {
        return match blocked(root) {
            Some(blocked) => Some(blocked),
            None => Fault::read(root).map(|fault| fault.classify(FAILURES)),
        };
    };
    let failures: Vec<ProviderError> =
        candidates.items().filter_map(|candidate| stopped(FAILURES, &finish(candidate)?, false)).collect();
    (failures.len() == candidates.len()).then(|| failures.into_iter().next()).flatten()
}

pub(super) fn blocked(root: Node<'_>) -> Option<ProviderError> {
    let feedback = get(root, "promptFeedback")?;
    let reason = text(feedback, "blockReason").filter(|reason| reason != "BLOCKED_REASON_UNSPECIFIED")?;
    let message = text(feedback, "blockReasonMessage").filter(|message| !message.is_empty());
    let message = message.unwrap_or_else(|| format!("the provider blocked the prompt ({reason})"));
    Some(ProviderError { code: Some(reason), ..ProviderError::new(ErrorClass::ContentFilter, message) })
}

/// This provider counts thoughts beside the answer, and what its tools read beside the prompt.
pub(super) fn usage(root: Node<'_>) -> Option<Usage> {
    let usage = get(root, "usageMetadata").filter(|usage| usage.kind() == Kind::Object)?;
    let count = |name: &str| get(usage, name).map_or(0, |count| count_of_one(count));
    let reasoning = count("thoughtsTokenCount");
    Some(Usage {
        input: count("promptTokenCount").saturating_add(count("toolUsePromptTokenCount")),
        cached_input: count("cachedContentTokenCount"),
        cache_write: 0,
        output: count("candidatesTokenCount").saturating_add(reasoning),
        reasoning,
    })
}

fn count_of_one(node: Node<'_>) -> u64 {
    count_of(node, &[])
}

pub(super) fn logprobs(candidate: Node<'_>) -> Vec<Logprob> {
    let Some(result) = get(candidate, "logprobsResult") else { return Vec::new() };
    let list = |name| get(result, name).into_iter().flat_map(|list| list.items());
    let one = |node: Node<'_>, top: Vec<Logprob>| {
        let logprob = get(node, "logProbability").map_or_else(|| "0".to_owned(), |it| it.raw().to_owned());
        Logprob { token: text(node, "token").unwrap_or_default(), logprob, top }
    };
    let mut tops = list("topCandidates");
    let chosen = list("chosenCandidates").map(|chosen| {
        let top = tops.next().and_then(|top| get(top, "candidates"));
        one(chosen, top.into_iter().flat_map(|top| top.items()).map(|it| one(it, Vec::new())).collect())
    });
    chosen.collect()
}

// ---- writing

pub(super) fn write(response: &Response) -> Vec<u8> {
    let candidates: Vec<String> = response
        .choices
        .iter()
        .enumerate()
        .map(|(index, choice)| {
            let parts: Vec<String> = choice.parts.iter().filter_map(part).collect();
            let candidate = candidate(index as u64, &parts).text("finishReason", finish_reason(choice.stop));
            with_logprobs(candidate, &choice.logprobs).end()
        })
        .collect();
    message(&candidates, response.usage, &response.model, &response.id).into_bytes()
}

/// An answer, or a piece of one.
pub(super) fn message(candidates: &[String], usage: Option<Usage>, model: &str, id: &str) -> String {
    Object::new()
        .raw("candidates", &list(candidates))
        .maybe("usageMetadata", usage.map(counts).as_deref())
        .text("modelVersion", model)
        .text("responseId", id)
        .end()
}

pub(super) fn candidate(index: u64, parts: &[String]) -> Object {
    let content = Object::new().maybe("parts", (!parts.is_empty()).then(|| list(parts)).as_deref());
    Object::new().raw("content", &content.text("role", "model").end()).number("index", index)
}

fn part(part: &Part) -> Option<String> {
    Some(match part {
        Part::Text(text) | Part::Refusal(text) if text.is_empty() => return None,
        Part::Text(text) | Part::Refusal(text) => Object::new().text("text", text).end(),
        Part::Thinking { text, signature } => {
            let signature = signature.as_ref().map(|it| quote(&signature::write(it)));
            thought(text, signature.as_deref())
        }
        Part::ToolCall(call) => function_call(call),
        // No model of another API answers with these.
        Part::Image(_)
        | Part::Audio(_)
        | Part::Document { .. }
        | Part::ToolResult { .. }
        | Part::CacheHint(_) => return None,
    })
}

pub(super) fn thought(text: &str, signature: Option<&str>) -> String {
    Object::new().text("text", text).raw("thought", "true").maybe("thoughtSignature", signature).end()
}

pub(super) fn function_call(call: &ToolCall) -> String {
    // Arguments that a model left broken are handed on in an object.
    let broken = || Object::new().text("INVALID_JSON", &call.arguments).end();
    let args = arguments(call).map_or_else(broken, |json| json.get().to_owned());
    let signature = call.signature.as_ref().map(|it| quote(&signature::write(it)));
    let function = Object::new().text("id", &call.id).text("name", &call.name).raw("args", &args).end();
    Object::new().raw("functionCall", &function).maybe("thoughtSignature", signature.as_deref()).end()
}

pub(super) fn finish_reason(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Stop | StopReason::StopSequence | StopReason::ToolCalls => "STOP",
        StopReason::Length => "MAX_TOKENS",
        StopReason::ContentFilter => "SAFETY",
    }
}

fn counts(usage: Usage) -> String {
    let given = |count: u64| (count > 0).then(|| count.to_string());
    Object::new()
        .number("promptTokenCount", usage.input)
        .number("candidatesTokenCount", usage.output.saturating_sub(usage.reasoning))
        .number("totalTokenCount", usage.input.saturating_add(usage.output))
        .maybe("cachedContentTokenCount", given(usage.cached_input).as_deref())
        .maybe("thoughtsTokenCount", given(usage.reasoning).as_deref())
        .end()
}

pub(super) fn with_logprobs(candidate: Object, logprobs: &[Logprob]) -> Object {
    if logprobs.is_empty() {
        return candidate;
    }
    let one = |it: &Logprob| Object::new().text("token", &it.token).raw("logProbability", &it.logprob).end();
    let chosen: Vec<String> = logprobs.iter().map(one).collect();
    let tops: Vec<String> = logprobs
        .iter()
        .map(|it| {
            let top: Vec<String> = it.top.iter().map(one).collect();
            Object::new().raw("candidates", &list(&top)).end()
        })
        .collect();
    let result = Object::new().raw("chosenCandidates", &list(&chosen)).raw("topCandidates", &list(&tops));
    candidate.raw("logprobsResult", &result.end())
}
