//! Qwen: Alibaba Cloud's Model Studio (DashScope), in its mode that is compatible with OpenAI's chat completions.
//!
//! Facts: Alibaba Cloud's documentation and recordings, as of 2026-11-24.

use super::failure::{Rule, Test, rule};
use super::openai::{
    bearer, in_openais_words, needs_storage, path, remove_or_refuse, soft_failure, unless_dropped, with_query,
};
use super::{Api, OptOut, Outline, Vendor};
use crate::chat::{Dialect, ErrorClass, ProviderError, Unsupported};
use crate::wire::json::{Edits, Node};

/// `dashscope.aliyuncs.com`
pub struct Qwen;

// ---- address

/// Beijing. A key is good for one region only: others are `dashscope-intl`, `dashscope-us` and
/// `cn-hongkong.dashscope` before `.aliyuncs.com`, and hosts of workspaces.
const HOST: &str = "dashscope.aliyuncs.com";
const BASE: &str = "/compatible-mode";

// ---- credentials
// A bearer token, as OpenAI's. Its shape is that of others' keys.

// ---- differences

/// Fields of Qwen's own.
const OWN: [&str; 11] = [
    "enable_search",
    "enable_thinking",
    "incremental_output",
    "repetition_penalty",
    "search_options",
    "thinking_budget",
    "top_k",
    "translation_options",
    "vl_high_resolution_images",
    "messages[].prefix",
    "messages[].reasoning_content",
];

/// Fields of OpenAI's that Qwen does not know and that do not change the answer.
const WITHOUT_EFFECT: [&str; 6] =
    ["store", "metadata", "service_tier", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"];

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
    if root.get("logit_bias").is_some_and(|bias| bias.is_empty()) {
        edits.remove(root, "logit_bias");
    } else {
        remove_or_refuse(root, "logit_bias", drop, edits)?;
    }
    for message in root.get("messages").into_iter().flat_map(|messages| messages.items()) {
        if message.get("role").is_some_and(|role| role.is("developer")) {
            edits.set(message, "role", "\"system\"");
        }
    }
    think(root, model, drop, edits)
}

/// Thinking is on or off here, and for many models it is on only in a stream.
fn think(root: Node<'_>, model: &str, drop: &[String], edits: &mut Edits) -> Result<(), Unsupported> {
    if root.get("enable_thinking").is_some() {
        return Ok(());
    }
    let streams = root.get("stream").and_then(|stream| stream.as_bool()) == Some(true);
    match root.get("reasoning_effort").filter(|effort| !effort.is_null()) {
        Some(effort) if effort.is("none") || effort.is("minimal") => {
            edits.remove(root, "reasoning_effort");
            edits.set(root, "enable_thinking", "false");
        }
        Some(_) if streams => {
            edits.remove(root, "reasoning_effort");
            edits.set(root, "enable_thinking", "true");
        }
        _ => remove_or_refuse(root, "reasoning_effort", drop, edits)?,
    }
    // These think unless they are told not to, and refuse to do so in an answer that does not stream.
    if !streams && thinks_by_itself(model) {
        edits.set(root, "enable_thinking", "false");
    }
    Ok(())
}

/// The open models of the third generation that can do both: `qwen3-32b`, and not `qwen3-max` or `…-instruct-2507`.
fn thinks_by_itself(model: &str) -> bool {
    let size = model.strip_prefix("qwen3-");
    let of_a_size = size.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    of_a_size && !model.contains("instruct") && !model.contains("thinking")
}

// ---- retention

/// None exists per request. `X-DashScope-DataInspection` is no such thing: it sends the text to one more service.
/// Where data stays is the host's region.
const OPT_OUTS: &[OptOut] = &[];

// ---- failures

/// `insufficient_quota` is a limit of tokens per minute here, not a lack of money. The first of two codes is that of
/// the compatible mode, the second that of the native API.
const FAILURES: &[Rule] = &[
    rule(Test::Code("Arrearage"), ErrorClass::QuotaExhausted, "the account is in arrears"),
    rule(
        Test::Code("AllocationQuota.FreeTierOnly"),
        ErrorClass::QuotaExhausted,
        "the free tier is used up, and the account allows nothing else",
    ),
    rule(Test::Code("insufficient_quota"), ErrorClass::RateLimited, "the tokens per minute are used up"),
    rule(
        Test::Code("Throttling.AllocationQuota"),
        ErrorClass::RateLimited,
        "the tokens per minute are used up",
    ),
    rule(Test::Code("limit_requests"), ErrorClass::RateLimited, "the requests per minute are used up"),
    rule(Test::Code("Throttling.RateQuota"), ErrorClass::RateLimited, "the requests per minute are used up"),
    rule(Test::Code("limit_burst_rate"), ErrorClass::RateLimited, "the rate rose too fast"),
    rule(Test::Code("Throttling.BurstRate"), ErrorClass::RateLimited, "the rate rose too fast"),
    rule(
        Test::Message("Range of input length should be"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(
        Test::Code("data_inspection_failed"),
        ErrorClass::ContentFilter,
        "the prompt or the answer was found inappropriate",
    ),
    rule(
        Test::Code("DataInspectionFailed"),
        ErrorClass::ContentFilter,
        "the prompt or the answer was found inappropriate",
    ),
    rule(Test::Code("invalid_api_key"), ErrorClass::Auth, "the key is not valid, or it is another region's"),
    rule(Test::Code("InvalidApiKey"), ErrorClass::Auth, "the key is not valid, or it is another region's"),
    rule(Test::Code("access_denied"), ErrorClass::Auth, "the key may not do this"),
    rule(Test::Code("AccessDenied"), ErrorClass::Auth, "the key may not do this"),
    rule(
        Test::Code("model_not_found"),
        ErrorClass::NotFound,
        "the model does not exist, or not for this key",
    ),
    rule(Test::Code("ModelNotFound"), ErrorClass::NotFound, "the model does not exist"),
    rule(Test::Code("RequestTimeOut"), ErrorClass::Timeout, "the model took more than 300 seconds"),
    rule(Test::Code("ModelServingError"), ErrorClass::Overloaded, "the provider has no capacity"),
    rule(Test::Code("internal_error"), ErrorClass::ServerError, "the provider failed"),
    rule(Test::Code("InternalError"), ErrorClass::ServerError, "the provider failed"),
];

impl Vendor for Qwen {
    fn dialect(&self) -> Dialect {
        Dialect::Qwen
    }

    fn name(&self) -> &'static str {
        "qwen"
    }

    fn apis(&self) -> &'static [Api] {
        &[Api::OpenAiChat, Api::OpenAiEmbeddings]
    }

    fn host(&self) -> Option<&'static str> {
        Some(HOST)
    }

    fn header_prefixes(&self) -> &'static [&'static str] {
        &["x-dashscope-"]
    }

    fn path(&self, api: Api, _request: &Outline, query: Option<&str>) -> String {
        with_query(&format!("{BASE}{}", path(api)), query)
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
        if api == Api::OpenAiChat {
            return adapt(root, model, drop, edits);
        }
        // Vectors come as numbers only, which whoever asks for base64 reads too.
        for field in ["user", "encoding_format"] {
            if root.get(field).is_some() {
                edits.remove(root, field);
            }
        }
        Ok(())
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
