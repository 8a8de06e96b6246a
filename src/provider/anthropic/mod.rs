//! Anthropic's messages.
//!
//! Facts: the types of anthropic-python 2.12, recordings and Anthropic's documentation, as of 2026-11-24.

mod adapt;
mod answer;
mod blocks;
mod codec;
mod error;
mod models;
mod place;
mod read_request;
mod signatures;
mod stream_reader;
mod stream_writer;
mod write_request;

use super::count::Count;
use super::failure::{Fault, Rule, Test, rule, stopped};
use super::{Api, OptOut, Outline, Traits, Vendor, ends_in, take_out, with_query};
use crate::chat::{Caching, Dialect, ErrorClass, ProviderError, Unsupported};
use crate::wire::json::{Edits, Node};

pub use codec::AnthropicMessages;

/// `api.anthropic.com`
pub struct Anthropic;

/// How many tokens a request would take.
pub(super) const COUNT: Count = Count {
    api: Api::AnthropicCountTokens,
    of: Api::AnthropicMessages,
    is_path: |path| ends_in(path, "/v1/messages/count_tokens"),
    answer: "input_tokens",
};

// ---- address

const HOST: &str = "api.anthropic.com";
const PATH: &str = "/v1/messages";
const COUNT_PATH: &str = "/v1/messages/count_tokens";

/// Required on every call. This version still takes `temperature`, `top_p` and `top_k`; from `2026-10-21` on they
/// are refused.
const HEADERS: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];

// ---- credentials

fn authenticate(key: &str) -> (&'static str, String) {
    ("x-api-key", key.to_owned())
}

// ---- differences
// This vendor is the API's own. What others wrote into it, or for another model: adapt.rs, models.rs.

/// Newer models take no sampling parameters, older ones none while they think, and only one of two.
fn fit(root: Node<'_>, model: Traits, edits: &mut Edits) -> Vec<&'static str> {
    let thinks = root.path(&["thinking", "type"]).is_some_and(|kind| !kind.is("disabled"));
    if !model.sampling || thinks {
        take_out(root, &["temperature", "top_p", "top_k"], edits)
    } else if root.get("temperature").is_some() {
        take_out(root, &["top_p"], edits)
    } else {
        Vec::new()
    }
}

// ---- retention

/// None per request: retention is a matter of the contract, and no header or field asks for less.
const OPT_OUTS: &[OptOut] = &[];

// ---- failures

const FAILURES: &[Rule] = &[
    rule(
        Test::Detail("enforced_spend_limit_reached"),
        ErrorClass::QuotaExhausted,
        "the tier's spend limit is reached",
    ),
    rule(
        Test::Detail("contract_spend_limit_reached"),
        ErrorClass::QuotaExhausted,
        "the contract's spend limit is reached",
    ),
    rule(
        Test::Message("You have reached your API usage limits"),
        ErrorClass::QuotaExhausted,
        "the organization's usage limit is reached",
    ),
    rule(
        Test::Message("You have reached your specified API usage limits"),
        ErrorClass::QuotaExhausted,
        "the limit that the account set itself is reached",
    ),
    rule(
        Test::Message("specified workspace API usage limits"),
        ErrorClass::QuotaExhausted,
        "the workspace's own limit is reached",
    ),
    rule(
        Test::Message("workspace API usage limits"),
        ErrorClass::QuotaExhausted,
        "the workspace's limit is reached",
    ),
    rule(Test::Message("credit balance is too low"), ErrorClass::QuotaExhausted, "the account is empty"),
    rule(Test::Type("billing_error"), ErrorClass::QuotaExhausted, "billing or payment has a problem"),
    rule(Test::Detail("ramp_limit_exceeded"), ErrorClass::RateLimited, "the rate rose too fast"),
    rule(Test::Message("prompt is too long"), ErrorClass::ContextLength, "the prompt does not fit the model"),
    rule(
        Test::Message("exceed context limit"),
        ErrorClass::ContextLength,
        "prompt and max_tokens do not fit the model",
    ),
    rule(Test::Message("content filtering policy"), ErrorClass::ContentFilter, "the answer was blocked"),
    rule(Test::Type("authentication_error"), ErrorClass::Auth, "the key is not valid"),
    rule(Test::Type("permission_error"), ErrorClass::Auth, "the key may not use this"),
    rule(Test::Type("not_found_error"), ErrorClass::NotFound, "the model does not exist"),
    rule(Test::Type("request_too_large"), ErrorClass::TooLarge, "the body is over 32 MB"),
    rule(
        Test::Type("rate_limit_error"),
        ErrorClass::RateLimited,
        "requests or tokens per minute are used up",
    ),
    rule(Test::Type("overloaded_error"), ErrorClass::Overloaded, "the provider has no capacity"),
    rule(Test::Type("timeout_error"), ErrorClass::Timeout, "the provider took too long"),
    rule(Test::Type("api_error"), ErrorClass::ServerError, "the provider failed"),
    rule(Test::Stop("refusal"), ErrorClass::ContentFilter, "the provider refused to answer"),
    rule(
        Test::Stop("model_context_window_exceeded"),
        ErrorClass::ContextLength,
        "the answer did not fit the model",
    ),
];

/// A refusal is the provider's safety stop, not the model's words; another provider may answer.
fn soft_failure(root: Node<'_>) -> Option<ProviderError> {
    if root.get("type").is_some_and(|kind| kind.is("error")) {
        return Fault::read(root).map(|fault| fault.classify(FAILURES));
    }
    stopped(FAILURES, &root.get("stop_reason")?.as_str()?, false)
}

impl Vendor for Anthropic {
    fn dialect(&self) -> Dialect {
        Dialect::Anthropic
    }

    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn apis(&self) -> &'static [Api] {
        &[Api::AnthropicMessages, Api::AnthropicCountTokens]
    }

    fn host(&self) -> Option<&'static str> {
        Some(HOST)
    }

    fn header_prefixes(&self) -> &'static [&'static str] {
        &["anthropic-"]
    }

    fn path(&self, api: Api, _request: &Outline, query: Option<&str>) -> String {
        with_query(if api == Api::AnthropicCountTokens { COUNT_PATH } else { PATH }, query)
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        HEADERS
    }

    fn authenticate(&self, key: &str) -> (&'static str, String) {
        authenticate(key)
    }

    fn adapt(
        &self,
        _api: Api,
        root: Node<'_>,
        model: &str,
        drop: &[String],
        edits: &mut Edits,
    ) -> Result<(), Unsupported> {
        adapt::adapt(root, model, drop, edits)
    }

    /// What was translated was written for its model.
    fn is_particular(&self) -> bool {
        false
    }

    fn owns_key(&self, key: &str) -> bool {
        key.starts_with("sk-ant-")
    }

    fn fit(&self, _api: Api, root: Node<'_>, model: Traits, edits: &mut Edits) -> Vec<&'static str> {
        fit(root, model, edits)
    }

    fn caching(&self) -> Caching {
        Caching::Hints
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
        soft_failure(root)
    }
}
