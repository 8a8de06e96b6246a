//! Azure OpenAI: OpenAI's models in a resource of one's own, under the names of their deployments.
//!
//! Facts: Microsoft's documentation and recordings, as of 2026-11-24.

use super::failure::{Rule, Test, rule};
use super::openai::{adapt, bearer, fit, needs_storage, path, soft_failure};
use super::{Api, OptOut, Outline, Site, Traits, Vendor, with_query};
use crate::chat::{Caching, Dialect, ErrorClass, ProviderError, Unsupported};
use crate::wire::http::percent_encode;
use crate::wire::json::{Edits, Node};

/// `{resource}.openai.azure.com`
pub struct AzureOpenAi;

// ---- address

/// The API without dated versions. The model, which is the deployment's name here, stands in the body.
const CURRENT: &str = "/openai";
/// With a dated version in the query the deployment stands in the path.
const DEPLOYMENTS: &str = "/openai/deployments/";

/// What the call's path ends with, without the `/v1` that only the current API has.
fn ending(api: Api) -> &'static str {
    let path = path(api);
    path.strip_prefix("/v1").unwrap_or(path)
}

/// Responses name their model in the body in every version.
fn has_deployments(api: Api) -> bool {
    api != Api::OpenAiResponses
}

fn is_dated(query: Option<&str>) -> bool {
    let pairs = query.unwrap_or_default().split('&');
    let mut versions = pairs.filter_map(|pair| pair.strip_prefix("api-version="));
    versions.any(|version| version.starts_with(|first: char| first.is_ascii_digit()))
}

// ---- credentials

/// A key of the resource, or a token of Entra ID.
fn authenticate(key: &str) -> (&'static str, String) {
    let is_token = key.starts_with("eyJ") && key.matches('.').count() == 2;
    if is_token { bearer(key) } else { ("api-key", key.to_owned()) }
}

/// Keys of the newer kind carry a mark that Azure gives all of its services.
fn owns_key(key: &str) -> bool {
    key.len() == 84 && key.contains("JQQJ99") && key.contains("ACOG")
}

// ---- differences

/// One's own data, searched by the service. Its keys are for Azure alone.
const OWN: [&str; 1] = ["data_sources"];

// ---- retention

/// `store: false` keeps the answer out of storage. The abuse log (up to 30 days) is a matter of contract: approval
/// for modified monitoring. Where the data stays is the resource's region and the kind of its deployment.
const OPT_OUTS: &[OptOut] = &[OptOut::Set { field: "store", value: "false" }];

// ---- failures

const FAILURES: &[Rule] = &[
    rule(
        Test::Message("experiencing high demand"),
        ErrorClass::Overloaded,
        "the deployment's region has no capacity",
    ),
    rule(
        Test::Detail("ResponsibleAIPolicyViolation"),
        ErrorClass::ContentFilter,
        "the prompt triggered the deployment's content filter",
    ),
    rule(
        Test::Code("content_filter"),
        ErrorClass::ContentFilter,
        "the prompt triggered the deployment's content filter",
    ),
    rule(
        Test::Code("context_length_exceeded"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(
        Test::Message("token rate limit"),
        ErrorClass::RateLimited,
        "the deployment's tokens per minute are used up",
    ),
    rule(
        Test::Message("call rate limit"),
        ErrorClass::RateLimited,
        "the deployment's requests per minute are used up",
    ),
    rule(Test::Code("RateLimitReached"), ErrorClass::RateLimited, "the deployment's limit is reached"),
    rule(Test::Code("DeploymentNotFound"), ErrorClass::NotFound, "the resource has no such deployment"),
    rule(
        Test::Message("invalid subscription key"),
        ErrorClass::Auth,
        "the key is not valid, or the host is another resource's",
    ),
    rule(Test::Type("server_error"), ErrorClass::ServerError, "the provider failed"),
    rule(
        Test::Stop("content_filter"),
        ErrorClass::ContentFilter,
        "the deployment's content filter stopped the answer",
    ),
];

impl Vendor for AzureOpenAi {
    fn dialect(&self) -> Dialect {
        Dialect::AzureOpenAi
    }

    fn name(&self) -> &'static str {
        "azure.ai.openai"
    }

    fn apis(&self) -> &'static [Api] {
        &[Api::OpenAiChat, Api::OpenAiCompletions, Api::OpenAiEmbeddings, Api::OpenAiResponses]
    }

    fn host(&self) -> Option<&'static str> {
        None
    }

    fn header_prefixes(&self) -> &'static [&'static str] {
        &["x-ms-"]
    }

    fn path(&self, api: Api, request: &Outline, query: Option<&str>) -> String {
        let path = match is_dated(query) {
            true if has_deployments(api) => {
                format!("{DEPLOYMENTS}{}{}", percent_encode(&request.model), ending(api))
            }
            true => format!("{CURRENT}{}", ending(api)),
            false => format!("{CURRENT}{}", path(api)),
        };
        with_query(&path, query)
    }

    /// A prefix may name the deployment.
    fn behind(&self, site: &Site<'_>, api: Api, request: &Outline, query: Option<&str>) -> String {
        let prefix = site.prefix;
        match prefix.split_once(DEPLOYMENTS) {
            Some(_) if has_deployments(api) => with_query(&format!("{prefix}{}", ending(api)), query),
            Some((before, _)) => format!("{before}{}", self.path(api, request, query)),
            None => format!("{prefix}{}", self.path(api, request, query)),
        }
    }

    fn authenticate(&self, key: &str) -> (&'static str, String) {
        authenticate(key)
    }

    fn owns_key(&self, key: &str) -> bool {
        owns_key(key)
    }

    fn adapt(
        &self,
        api: Api,
        root: Node<'_>,
        _model: &str,
        drop: &[String],
        edits: &mut Edits,
    ) -> Result<(), Unsupported> {
        adapt(api, root, &OWN, drop, edits)
    }

    fn fit(&self, api: Api, root: Node<'_>, model: Traits, edits: &mut Edits) -> Vec<&'static str> {
        fit(api, root, model, edits)
    }

    fn caching(&self) -> Caching {
        Caching::Key
    }

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
