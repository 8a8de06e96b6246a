//! DeepSeek: OpenAI's chat completions and Responses with differences.
//!
//! Facts: DeepSeek's documentation and recordings, as of 2026-11-24.

use super::failure::{Rule, Test, rule};
use super::openai::{
    self, bearer, foreign_credentials, in_openais_words, remove_or_refuse, says_nothing, soft_failure,
    unless_dropped, with_query, without_foreign_thinking,
};
use super::{Api, OptOut, Outline, Vendor};
use crate::chat::{Dialect, ErrorClass, ProviderError, Unsupported, is_named};
use crate::wire::json::{Edits, Node};

/// `api.deepseek.com`
pub struct DeepSeek;

// ---- address

const HOST: &str = "api.deepseek.com";

/// Without the version that OpenAI's begin with.
fn path(api: Api) -> &'static str {
    let path = openai::path(api);
    path.strip_prefix("/v1").unwrap_or(path)
}

// ---- credentials
// A bearer token, as OpenAI's.

// ---- differences

/// Fields of OpenAI's that DeepSeek does not know and that do not change the answer.
const WITHOUT_EFFECT: [&str; 2] = ["store", "service_tier"];

/// Fields of DeepSeek's own. What its model thought has to come back to it within a loop of tool calls.
const OWN: [&str; 4] = ["thinking", "user_id", "messages[].prefix", "messages[].reasoning_content"];

/// The one model that sees.
const SEES: &str = "deepseek-v4-flash-vision";

fn adapt(root: Node<'_>, model: &str, drop: &[String], edits: &mut Edits) -> Result<(), Unsupported> {
    in_openais_words(root, &OWN, &mut unless_dropped(drop), edits)?;
    if let Some(bound) = root.get("max_completion_tokens") {
        if !bound.is_null() {
            edits.set(root, "max_tokens", bound.raw());
        }
        edits.remove(root, "max_completion_tokens");
    }
    for field in WITHOUT_EFFECT {
        if root.get(field).is_some() {
            edits.remove(root, field);
        }
    }
    // It thinks unless it is told not to, in a field of its own.
    if root.get("reasoning_effort").is_some_and(|effort| effort.is("none")) {
        edits.remove(root, "reasoning_effort");
        edits.set(root, "thinking", r#"{"type":"disabled"}"#);
    }
    // Calls come in parallel here, whatever is asked for.
    if root.get("parallel_tool_calls").is_some_and(|parallel| parallel.as_bool() == Some(true)) {
        edits.remove(root, "parallel_tool_calls");
    } else {
        remove_or_refuse(root, "parallel_tool_calls", drop, edits)?;
    }
    // It writes JSON, and holds to no schema.
    let format = root.get("response_format").and_then(|format| format.get("type"));
    if format.is_some_and(|kind| kind.is("json_schema")) {
        remove_or_refuse(root, "response_format", drop, edits)?;
    }
    let sees = model.starts_with(SEES);
    for (index, message) in root.get("messages").into_iter().flat_map(|node| node.items()).enumerate() {
        if message.get("role").is_some_and(|role| role.is("developer")) {
            edits.set(message, "role", "\"system\"");
        }
        adapt_parts(message.get("content"), &format!("messages[{index}].content"), sees, drop, edits)?;
    }
    Ok(())
}

/// What Responses build on elsewhere: nothing is kept here.
const KEPT: [&str; 4] = ["background", "conversation", "previous_response_id", "prompt"];

fn adapt_responses(
    root: Node<'_>,
    model: &str,
    drop: &[String],
    edits: &mut Edits,
) -> Result<(), Unsupported> {
    foreign_credentials(root, &[], &mut unless_dropped(drop), edits)?;
    // It has none of OpenAI's hosted tools.
    for (index, tool) in root.get("tools").into_iter().flat_map(|tools| tools.items()).enumerate() {
        if tool.get("type").is_none_or(|kind| !kind.is("function")) {
            return Err(Unsupported { field: format!("tools[{index}].type") });
        }
    }
    without_foreign_thinking(root, edits);
    for field in KEPT {
        if root.get(field).is_some_and(|value| !says_nothing(field, value)) {
            remove_or_refuse(root, field, drop, edits)?;
        }
    }
    if let Some(text) = root.get("text")
        && text.path(&["format", "type"]).is_some_and(|kind| kind.is("json_schema"))
    {
        let field = "text.format";
        if !drop.iter().any(|name| is_named(name, field)) {
            return Err(Unsupported { field: field.to_owned() });
        }
        edits.remove(text, "format");
    }
    let sees = model.starts_with(SEES);
    for (index, item) in root.get("input").into_iter().flat_map(|node| node.items()).enumerate() {
        for field in ["content", "output"] {
            adapt_parts(item.get(field), &format!("input[{index}].{field}"), sees, drop, edits)?;
        }
    }
    Ok(())
}

/// DeepSeek reads text only, but for one model that sees.
fn adapt_parts(
    content: Option<Node<'_>>,
    path: &str,
    sees: bool,
    drop: &[String],
    edits: &mut Edits,
) -> Result<(), Unsupported> {
    const TEXTS: [&str; 5] = ["text", "refusal", "input_text", "output_text", "reasoning_text"];
    const IMAGES: [&str; 2] = ["image_url", "input_image"];
    let Some(content) = content else { return Ok(()) };
    let mut kept: Vec<&str> = Vec::new();
    let mut dropped = false;
    for (number, part) in content.items().enumerate() {
        let kind = part.get("type").and_then(|kind| kind.as_str()).unwrap_or_default();
        if TEXTS.contains(&&*kind) || sees && IMAGES.contains(&&*kind) {
            kept.push(part.raw());
            continue;
        }
        if kind == "thinking" {
            // Another vendor's.
            dropped = true;
            continue;
        }
        let field = format!("{path}[{number}].{kind}");
        if !drop.iter().any(|name| is_named(name, &field)) {
            return Err(Unsupported { field });
        }
        dropped = true;
    }
    if dropped {
        edits.replace(content.span(), format!("[{}]", kept.join(",")));
    }
    Ok(())
}

// ---- retention

/// None exists: no switch against retention or training is offered, and the privacy policy allows training.
const OPT_OUTS: &[OptOut] = &[];

// ---- failures

const FAILURES: &[Rule] = &[
    rule(Test::Message("Insufficient Balance"), ErrorClass::QuotaExhausted, "the account is empty"),
    rule(
        Test::Message("maximum context length is"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(Test::Message("Content Exists Risk"), ErrorClass::ContentFilter, "the prompt was rejected"),
    rule(Test::Message("Model Not Exist"), ErrorClass::NotFound, "the model does not exist"),
    rule(Test::Message("Authentication Fails"), ErrorClass::Auth, "the key is not valid"),
    rule(
        Test::Message("Too many concurrent requests"),
        ErrorClass::RateLimited,
        "too many requests at the same time",
    ),
    rule(Test::Message("Service is too busy"), ErrorClass::Overloaded, "the provider has no capacity"),
    rule(
        Test::Stop("insufficient_system_resource"),
        ErrorClass::Overloaded,
        "the provider ran out of resources",
    ),
    rule(
        Test::Stop("content_filter"),
        ErrorClass::ContentFilter,
        "the provider's content filter stopped the answer",
    ),
];

impl Vendor for DeepSeek {
    fn dialect(&self) -> Dialect {
        Dialect::DeepSeek
    }

    fn name(&self) -> &'static str {
        "deepseek"
    }

    fn apis(&self) -> &'static [Api] {
        &[Api::OpenAiChat, Api::OpenAiResponses]
    }

    fn host(&self) -> Option<&'static str> {
        Some(HOST)
    }

    fn path(&self, api: Api, _request: &Outline, query: Option<&str>) -> String {
        with_query(path(api), query)
    }

    fn authenticate(&self, key: &str) -> (&'static str, String) {
        bearer(key)
    }

    fn adapt(
        &self,
        api: Api,
        root: Node<'_>,
        model: &str,
        drop: &[String],
        edits: &mut Edits,
    ) -> Result<(), Unsupported> {
        match api {
            Api::OpenAiResponses => adapt_responses(root, model, drop, edits),
            _ => adapt(root, model, drop, edits),
        }
    }

    fn opt_outs(&self, _api: Api) -> &'static [OptOut] {
        OPT_OUTS
    }

    fn needs_storage(&self, _root: Node<'_>) -> Option<&'static str> {
        None
    }

    fn failures(&self) -> &'static [Rule] {
        FAILURES
    }

    fn soft_failure(&self, _api: Api, root: Node<'_>) -> Option<ProviderError> {
        soft_failure(root, FAILURES)
    }
}
