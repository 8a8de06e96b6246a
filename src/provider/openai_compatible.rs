//! Servers of one's own and gateways that speak OpenAI's APIs: vLLM, Ollama, llama.cpp. They are taken at their word.
//!
//! Facts: what these servers answer, as of 2026-11-24.

use super::failure::{Rule, Test, rule};
use super::openai::{
    bearer, foreign_credentials, needs_storage, path, soft_failure, unless_dropped, with_query,
};
use super::{Api, OptOut, Outline, Vendor};
use crate::chat::{Dialect, ErrorClass, ProviderError, Unsupported};
use crate::wire::json::{Edits, Node};

/// Any server of the same API.
pub struct OpenAiCompatible;

// ---- address
// The policy's; paths as OpenAI's.

// ---- credentials
// A bearer token, as OpenAI's.

// ---- differences
// What such a server knows is not known, so that all goes but credentials for others.

// ---- retention

/// Nothing is known of what such a server keeps.
const OPT_OUTS: &[OptOut] = &[];

// ---- failures

const FAILURES: &[Rule] = &[
    rule(
        Test::Message("longer than the maximum model length"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(
        Test::Message("exceeds the available context size"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(Test::Message("Input is too long"), ErrorClass::ContextLength, "the prompt does not fit the model"),
    rule(Test::Stop("error"), ErrorClass::ServerError, "the provider failed while answering"),
];

impl Vendor for OpenAiCompatible {
    fn dialect(&self) -> Dialect {
        Dialect::OpenAiCompatible
    }

    fn name(&self) -> &'static str {
        "openai_compatible"
    }

    fn apis(&self) -> &'static [Api] {
        &[Api::OpenAiChat, Api::OpenAiCompletions, Api::OpenAiEmbeddings]
    }

    fn host(&self) -> Option<&'static str> {
        None
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
        _api: Api,
        root: Node<'_>,
        _model: &str,
        drop: &[String],
        edits: &mut Edits,
    ) -> Result<(), Unsupported> {
        foreign_credentials(root, &[], &mut unless_dropped(drop), edits)
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
