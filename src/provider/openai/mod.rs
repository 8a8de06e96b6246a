//! OpenAI, and what vendors of its APIs share.
//!
//! Facts: the types of openai-python 3.54, recordings and OpenAI's documentation, as of 2026-11-24.

mod answer;
mod codec;
mod completions;
mod embeddings;
mod error;
mod logprobs;
mod others;
mod place;
mod read_request;
mod responses;
mod signatures;
mod stream_reader;
mod stream_writer;
mod write_request;

use super::count::Count;
use super::failure::{Fault, Rule, Test, rule, stopped};
use super::fields::{malformed, text_of};
use super::{Api, OptOut, Outline, Traits, Vendor, ends_in, take_out};
use crate::chat::{Caching, Dialect, ErrorClass, Malformed, ProviderError, Unsupported, is_named};
use crate::wire::http;
use crate::wire::json::{Edits, Node};

pub(super) use answer::{Counts, finish, likely};
pub use codec::OpenAiChat;
pub use completions::OpenAiCompletions;
pub use embeddings::OpenAiEmbeddings;
pub(super) use others::{
    Part, Refuse, each_part, foreign_credentials, in_openais_words, says_nothing, unless_dropped,
};
pub use responses::OpenAiResponses;
pub(super) use responses::without_foreign_thinking;
pub(super) use signatures::write_call;
pub(super) use stream_writer::event;

/// `api.openai.com`
pub struct OpenAi;

/// How many tokens a request would take.
pub(super) const COUNT: Count = Count {
    api: Api::OpenAiInputTokens,
    of: Api::OpenAiResponses,
    is_path: |path| ends_in(path, "/responses/input_tokens"),
    answer: "input_tokens",
};

// ---- address

const HOST: &str = "api.openai.com";

pub(super) fn path(api: Api) -> &'static str {
    match api {
        Api::OpenAiCompletions => "/v1/completions",
        Api::OpenAiEmbeddings => "/v1/embeddings",
        Api::OpenAiInputTokens => "/v1/responses/input_tokens",
        Api::OpenAiResponses => "/v1/responses",
        _ => "/v1/chat/completions",
    }
}

/// The deployment that a path names, as SDKs write it for Azure. It is the model that is asked for, whatever the body
/// says.
pub(super) fn deployment(path: &str) -> Option<&str> {
    let name = path.split_once("/openai/deployments/")?.1.split(['/', '?']).next()?;
    (!name.is_empty()).then_some(name)
}

/// The model that a call asks for.
fn model(path: &str, root: Node<'_>) -> Result<String, Malformed> {
    let in_body = || text_of(root, "model").ok_or_else(|| malformed("model", "a string"));
    deployment(path).map_or_else(in_body, |name| Ok(name.to_owned()))
}

/// Behind the caller's path its query, without the version that only Azure has.
pub(super) fn with_query(path: &str, query: Option<&str>) -> String {
    http::remove_query_params(&super::with_query(path, query), &["api-version"]).into_owned()
}

// ---- credentials

pub(super) fn bearer(key: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {key}"))
}

// ---- differences

const MOST_STOPS: usize = 4;

/// `own` are fields of a vendor with the same rules: Azure's.
pub(super) fn adapt(
    api: Api,
    root: Node<'_>,
    own: &[&str],
    drop: &[String],
    edits: &mut Edits,
) -> Result<(), Unsupported> {
    if api == Api::OpenAiResponses {
        without_foreign_thinking(root, edits);
    }
    if api != Api::OpenAiChat {
        return Ok(());
    }
    in_openais_words(root, own, &mut unless_dropped(drop), edits)?;
    if root.get("stop").is_some_and(|stop| stop.len() > MOST_STOPS) {
        remove_or_refuse(root, "stop", drop, edits)?;
    }
    Ok(())
}

/// Reasoning models know the bound by its newer name only, and refuse sampling parameters. Those that refuse them
/// always are those that cannot be told not to think.
pub(super) fn fit(api: Api, root: Node<'_>, model: Traits, edits: &mut Edits) -> Vec<&'static str> {
    let (holder, field) = match api {
        Api::OpenAiChat => (Some(root), "reasoning_effort"),
        Api::OpenAiResponses => (root.get("reasoning"), "effort"),
        _ => return Vec::new(),
    };
    let stays = model.reasoning && model.sampling;
    if let Some(holder) = holder.filter(|it| !stays && it.get(field).is_some_and(|effort| effort.is("none")))
    {
        edits.remove(holder, field);
    }
    if api == Api::OpenAiResponses {
        return if model.sampling { Vec::new() } else { take_out(root, &["temperature", "top_p"], edits) };
    }
    if let Some(bound) = root.get("max_tokens").filter(|_| model.reasoning) {
        if root.get("max_completion_tokens").is_none() {
            edits.set(root, "max_completion_tokens", bound.raw());
        }
        edits.remove(root, "max_tokens");
    }
    if model.sampling {
        return Vec::new();
    }
    take_out(root, &["temperature", "top_p", "presence_penalty", "frequency_penalty"], edits)
}

/// For fields that change the answer: out if the policy lets them go, else a refusal by name.
pub(super) fn remove_or_refuse(
    root: Node<'_>,
    field: &str,
    drop: &[String],
    edits: &mut Edits,
) -> Result<(), Unsupported> {
    match root.get(field) {
        None => Ok(()),
        Some(value) if value.is_null() || drop.iter().any(|name| is_named(name, field)) => {
            edits.remove(root, field);
            Ok(())
        }
        Some(_) => Err(Unsupported { field: field.to_owned() }),
    }
}

// ---- retention

/// `store: false` keeps the completion out of storage; it does not touch the abuse log (up to 30 days), which only a
/// contract does. `prompt_cache_retention: "24h"` would keep tensors of the prompt on disk.
const OPT_OUTS: &[OptOut] = &[
    OptOut::Set { field: "store", value: "false" },
    OptOut::Drop { field: "prompt_cache_retention", value: "\"24h\"" },
    OptOut::Drop { field: "prompt_cache_options.ttl", value: "\"12h\"" },
];

/// State that the provider keeps, and the request builds on.
pub(super) fn needs_storage(root: Node<'_>) -> Option<&'static str> {
    let given = |field: &str| root.get(field).is_some_and(|node| !node.is_null());
    if let Some(field) = responses::needs_storage(root) {
        return Some(field);
    }
    if given("previous_response_id") {
        Some("previous_response_id")
    } else if given("conversation") {
        Some("conversation")
    } else if root.get("background").and_then(|node| node.as_bool()) == Some(true) {
        Some("background")
    } else {
        None
    }
}

// ---- failures

const FAILURES: &[Rule] = &[
    rule(Test::Code("insufficient_quota"), ErrorClass::QuotaExhausted, "the account's quota is used up"),
    rule(Test::Code("credit_balance_exhausted"), ErrorClass::QuotaExhausted, "no prepaid credits remain"),
    rule(
        Test::Code("organization_spend_limit_exceeded"),
        ErrorClass::QuotaExhausted,
        "the organization's spend limit is reached",
    ),
    rule(
        Test::Code("organization_usage_limit_exceeded"),
        ErrorClass::QuotaExhausted,
        "the organization's usage limit is reached",
    ),
    rule(
        Test::Code("project_spend_limit_exceeded"),
        ErrorClass::QuotaExhausted,
        "the project's spend limit is reached",
    ),
    rule(Test::Type("insufficient_quota"), ErrorClass::QuotaExhausted, "the account's quota is used up"),
    rule(
        Test::Code("context_length_exceeded"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(
        Test::Message("maximum context length is"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(
        Test::Message("exceeds the context window"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(Test::Code("invalid_prompt"), ErrorClass::ContentFilter, "the prompt was flagged"),
    rule(
        Test::Code("content_policy_violation"),
        ErrorClass::ContentFilter,
        "the prompt was rejected by the safety system",
    ),
    rule(Test::Code("content_filter"), ErrorClass::ContentFilter, "the content filter was triggered"),
    rule(Test::Code("cyber_policy"), ErrorClass::ContentFilter, "the prompt was flagged"),
    rule(Test::Code("bio_policy"), ErrorClass::ContentFilter, "the prompt was flagged"),
    rule(Test::Code("misalignment_policy_violation"), ErrorClass::ContentFilter, "the prompt was flagged"),
    rule(Test::Message("violating our usage policy"), ErrorClass::ContentFilter, "the prompt was flagged"),
    rule(
        Test::Message("result of our safety system"),
        ErrorClass::ContentFilter,
        "the prompt was rejected by the safety system",
    ),
    rule(Test::Code("invalid_api_key"), ErrorClass::Auth, "the key is not valid"),
    rule(
        Test::Code("model_not_found"),
        ErrorClass::NotFound,
        "the model does not exist, or not for this key",
    ),
    rule(
        Test::Message("Request too large for"),
        ErrorClass::RateLimited,
        "this request alone is over the tokens per minute",
    ),
    rule(Test::Code("slow_down"), ErrorClass::RateLimited, "the rate rose too fast"),
    rule(
        Test::Code("rate_limit_exceeded"),
        ErrorClass::RateLimited,
        "requests or tokens per minute are used up",
    ),
    rule(Test::Code("server_is_overloaded"), ErrorClass::Overloaded, "the provider has no capacity"),
    rule(Test::Type("service_unavailable_error"), ErrorClass::Overloaded, "the provider has no capacity"),
    rule(Test::Type("server_error"), ErrorClass::ServerError, "the provider failed"),
    rule(
        Test::Stop("content_filter"),
        ErrorClass::ContentFilter,
        "the provider's content filter stopped the answer",
    ),
];

/// A stop by the content filter is a failure of the attempt: another provider may answer. A model that declines in
/// its own words (`message.refusal`) has answered.
pub(super) fn soft_failure(root: Node<'_>, own: &[Rule]) -> Option<ProviderError> {
    if responses::is_answer(root) {
        return responses::soft_failure(root, own);
    }
    let failed = root.get("error").is_some_and(|error| !error.is_null());
    let Some(choices) = root.get("choices").filter(|choices| !failed && !choices.is_empty()) else {
        return Fault::read(root).map(|fault| fault.classify(own));
    };
    choices.items().find_map(|choice| match choice.get("error").filter(|error| !error.is_null()) {
        Some(_) => Fault::read(choice).map(|fault| fault.classify(own)),
        None => stopped(own, &choice.get("finish_reason")?.as_str()?, false),
    })
}

impl Vendor for OpenAi {
    fn dialect(&self) -> Dialect {
        Dialect::OpenAi
    }

    fn name(&self) -> &'static str {
        "openai"
    }

    fn apis(&self) -> &'static [Api] {
        &[
            Api::OpenAiChat,
            Api::OpenAiCompletions,
            Api::OpenAiEmbeddings,
            Api::OpenAiInputTokens,
            Api::OpenAiResponses,
        ]
    }

    fn host(&self) -> Option<&'static str> {
        Some(HOST)
    }

    fn header_prefixes(&self) -> &'static [&'static str] {
        &["openai-"]
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
        _model: &str,
        drop: &[String],
        edits: &mut Edits,
    ) -> Result<(), Unsupported> {
        adapt(api, root, &[], drop, edits)
    }

    fn owns_key(&self, key: &str) -> bool {
        ["sk-proj-", "sk-svcacct-", "sk-admin-"].iter().any(|prefix| key.starts_with(prefix))
    }

    fn fit(&self, api: Api, root: Node<'_>, model: Traits, edits: &mut Edits) -> Vec<&'static str> {
        fit(api, root, model, edits)
    }

    fn caching(&self) -> Caching {
        Caching::Key
    }

    /// Nothing is kept of the other APIs' calls but the abuse log, and they refuse a field that they do not know.
    fn opt_outs(&self, api: Api) -> &'static [OptOut] {
        if matches!(api, Api::OpenAiChat | Api::OpenAiResponses) { OPT_OUTS } else { &[] }
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
