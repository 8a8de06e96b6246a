//! OpenRouter: many vendors behind OpenAI's chat completions.
//!
//! Facts: the types of openrouter-python 1.3, OpenRouter's documentation and recordings, as of 2026-11-24.

use super::failure::{Rule, Test, rule};
use super::fields::REDACTED;
use super::openai::{
    bearer, foreign_credentials, in_openais_words, needs_storage, path, soft_failure, unless_dropped,
    with_query, without_foreign_thinking,
};
use super::{Api, OptOut, Outline, Vendor};
use crate::chat::{Caching, Dialect, ErrorClass, ProviderError, Unsupported};
use crate::wire::json::{Edits, Node, quote};

/// `openrouter.ai`
pub struct OpenRouter;

// ---- address

const HOST: &str = "openrouter.ai";
const BASE: &str = "/api";

// ---- credentials

fn owns_key(key: &str) -> bool {
    key.starts_with("sk-or-")
}

// ---- differences

/// Fields of OpenRouter's own.
const OWN: [&str; 21] = [
    "cache_control",
    "debug",
    "deferred_tools",
    "image_config",
    "min_p",
    "models",
    "plugins",
    "preset",
    "provider",
    "reasoning",
    "repetition_penalty",
    "route",
    "session_id",
    "stop_server_tools_when",
    "top_a",
    "top_k",
    "trace",
    "transforms",
    "usage",
    "messages[].reasoning",
    "messages[].reasoning_details",
];

/// What the names of models begin with elsewhere, and whose they are here.
const OWNERS: [(&str, &str); 16] = [
    ("chatgpt", "openai"),
    ("claude", "anthropic"),
    ("codestral", "mistralai"),
    ("command", "cohere"),
    ("deepseek", "deepseek"),
    ("devstral", "mistralai"),
    ("gemini", "google"),
    ("gemma", "google"),
    ("gpt", "openai"),
    ("grok", "x-ai"),
    ("llama", "meta-llama"),
    ("magistral", "mistralai"),
    ("ministral", "mistralai"),
    ("mistral", "mistralai"),
    ("pixtral", "mistralai"),
    ("qwen", "qwen"),
];

/// A model's name begins with its vendor's here. A reasoning model of OpenAI's is `o` and a number.
fn full_name(model: &str) -> Option<String> {
    if model.contains('/') {
        return None;
    }
    let is_o = model.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let owner = OWNERS.iter().find(|(prefix, _)| model.starts_with(prefix)).map(|(_, owner)| *owner);
    owner.or(is_o.then_some("openai")).map(|owner| format!("{owner}/{model}"))
}

fn rename(root: Node<'_>, model: &str, edits: &mut Edits) {
    if let Some(name) = full_name(model) {
        edits.set(root, "model", &quote(&name));
    }
}

fn adapt(root: Node<'_>, model: &str, drop: &[String], edits: &mut Edits) -> Result<(), Unsupported> {
    rename(root, model, edits);
    in_openais_words(root, &OWN, &mut unless_dropped(drop), edits)?;
    for message in root.get("messages").into_iter().flat_map(|messages| messages.items()) {
        // Its own name for what a model thought.
        if let Some(thought) = message.get("reasoning_content")
            && message.get("reasoning").is_none()
        {
            edits.set(message, "reasoning", thought.raw());
        }
        // What a vendor encrypted whole has a mark between others only.
        for detail in message.get("reasoning_details").into_iter().flat_map(|details| details.items()) {
            let data = detail.get("data").and_then(|data| data.as_str());
            if let Some(data) = data.as_ref().and_then(|data| data.strip_prefix(REDACTED)) {
                edits.set(detail, "data", &quote(data));
            }
        }
    }
    Ok(())
}

// ---- retention

/// Both are filters on whom OpenRouter hands the request to. Where nobody is left it answers 404, and the next target
/// is asked. Its own log of prompts is off unless the account turned it on.
const OPT_OUTS: &[OptOut] = &[
    OptOut::Set { field: "provider.zdr", value: "true" },
    OptOut::Set { field: "provider.data_collection", value: "\"deny\"" },
];

// ---- failures

const FAILURES: &[Rule] = &[
    rule(
        Test::Detail("openrouter_in_flight_budget"),
        ErrorClass::QuotaExhausted,
        "the credits are spoken for by calls under way; they come back when those end",
    ),
    rule(Test::Detail("payment_required"), ErrorClass::QuotaExhausted, "the credits are used up"),
    rule(
        Test::Message("requires more credits"),
        ErrorClass::QuotaExhausted,
        "the credits do not suffice for this request",
    ),
    rule(
        Test::Detail("context_length_exceeded"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(
        Test::Detail("token_limit_exceeded"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(
        Test::Message("Token limit reached"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(Test::Member("metadata.reasons"), ErrorClass::ContentFilter, "the prompt was flagged by moderation"),
    rule(
        Test::Detail("content_policy_violation"),
        ErrorClass::ContentFilter,
        "the prompt was rejected by the vendor behind",
    ),
    rule(Test::Detail("refusal"), ErrorClass::ContentFilter, "the vendor behind refused to answer"),
    rule(
        Test::Message("No endpoints found matching your data policy"),
        ErrorClass::NotFound,
        "no vendor of this model keeps nothing, as the opt-out asks",
    ),
    rule(
        Test::Message("No endpoints found"),
        ErrorClass::NotFound,
        "no vendor behind takes such a request for this model",
    ),
    rule(Test::Message("not a valid model ID"), ErrorClass::NotFound, "the model does not exist"),
    rule(Test::Detail("authentication"), ErrorClass::Auth, "the key is not valid"),
    rule(Test::Message("No auth credentials found"), ErrorClass::Auth, "there is no key"),
    rule(Test::Detail("permission_denied"), ErrorClass::Auth, "the key may not do this"),
    rule(Test::Detail("payload_too_large"), ErrorClass::TooLarge, "the body is too large"),
    rule(Test::Detail("rate_limit_exceeded"), ErrorClass::RateLimited, "too many requests"),
    rule(Test::Detail("provider_overloaded"), ErrorClass::Overloaded, "the vendor behind has no capacity"),
    rule(Test::Detail("provider_unavailable"), ErrorClass::ServerError, "the vendor behind failed"),
    rule(Test::Detail("timeout"), ErrorClass::Timeout, "the vendor behind took too long"),
    rule(Test::Detail("server"), ErrorClass::ServerError, "OpenRouter failed"),
    rule(
        Test::Stop("content_filter"),
        ErrorClass::ContentFilter,
        "the content filter of the vendor behind stopped the answer",
    ),
    rule(Test::Stop("error"), ErrorClass::ServerError, "the vendor behind failed while answering"),
];

impl Vendor for OpenRouter {
    fn dialect(&self) -> Dialect {
        Dialect::OpenRouter
    }

    fn name(&self) -> &'static str {
        "openrouter"
    }

    fn apis(&self) -> &'static [Api] {
        &[Api::OpenAiChat, Api::OpenAiResponses, Api::OpenAiCompletions, Api::OpenAiEmbeddings]
    }

    fn host(&self) -> Option<&'static str> {
        Some(HOST)
    }

    /// Which application calls, for its rankings.
    fn header_prefixes(&self) -> &'static [&'static str] {
        &["http-referer", "x-title", "x-openrouter-"]
    }

    fn path(&self, api: Api, _request: &Outline, query: Option<&str>) -> String {
        with_query(&format!("{BASE}{}", path(api)), query)
    }

    fn authenticate(&self, key: &str) -> (&'static str, String) {
        bearer(key)
    }

    fn owns_key(&self, key: &str) -> bool {
        owns_key(key)
    }

    fn adapt(
        &self,
        api: Api,
        root: Node<'_>,
        model: &str,
        drop: &[String],
        edits: &mut Edits,
    ) -> Result<(), Unsupported> {
        if api == Api::OpenAiResponses {
            foreign_credentials(root, &[], &mut unless_dropped(drop), edits)?;
            without_foreign_thinking(root, edits);
            rename(root, model, edits);
            return Ok(());
        }
        adapt(root, model, drop, edits)
    }

    fn caching(&self) -> Caching {
        Caching::Hints
    }

    fn opt_outs(&self, _api: Api) -> &'static [OptOut] {
        OPT_OUTS
    }

    fn needs_storage(&self, root: Node<'_>) -> Option<&'static str> {
        needs_storage(root)
    }

    fn failures(&self) -> &'static [Rule] {
        FAILURES
    }

    fn soft_failure(&self, _api: Api, root: Node<'_>) -> Option<ProviderError> {
        soft_failure(root, FAILURES)
    }
}
