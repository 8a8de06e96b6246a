//! Gemini: generated content, from Google's AI Studio and from Vertex AI.
//!
//! Facts: the types of google-genai 3.4, recordings and Google's documentation, as of 2026-11-24.

mod answer;
mod codec;
pub mod embed;
mod error;
mod names;
mod place;
mod read_request;
mod read_turns;
mod schema;
mod signature;
mod stream_reader;
mod stream_writer;
mod write_request;
mod write_turns;

use super::count::Count;
use super::failure::{Rule, Test, rule};
use super::{Api, OptOut, Outline, Site, Traits, Vendor, with_query};
use crate::chat::{Dialect, ErrorClass, ProviderError, Unsupported};
use crate::wire::json::{Edits, Node, quote};

pub use codec::GeminiGenerate;

/// `…:countTokens`
fn is_count(path: &str) -> bool {
    names::call(path).is_some_and(|call| call.verb.eq_ignore_ascii_case("countTokens"))
}

/// `generativelanguage.googleapis.com`, and Vertex AI where the policy names its host or its path.
pub struct Gemini;

/// How many tokens a request would take.
pub(super) const COUNT: Count =
    Count { api: Api::GeminiCountTokens, of: Api::GeminiGenerate, is_path: is_count, answer: "totalTokens" };

// ---- address

const HOST: &str = "generativelanguage.googleapis.com";
const BASE: &str = "/v1beta";

/// Model and verb, and the query that asks for events.
fn call(api: Api, request: &Outline, query: Option<&str>) -> String {
    let verb = match (api, request.stream) {
        (Api::GeminiCountTokens, _) => "countTokens",
        (Api::GeminiEmbed, _) => "embedContent",
        (Api::GeminiEmbedBatch, _) => "batchEmbedContents",
        (_, true) => "streamGenerateContent",
        (_, false) => "generateContent",
    };
    let path = format!("/{}:{verb}", names::resource(&request.model));
    if !request.stream || request.as_array || codec::asks_for_events(query) {
        return with_query(&path, query);
    }
    match query.filter(|query| !query.is_empty()) {
        Some(query) => format!("{path}?{query}&alt=sse"),
        None => format!("{path}?alt=sse"),
    }
}

/// Vertex AI names a project, a location and a publisher before the model: the policy does, or else the caller.
fn address(site: &Site<'_>, api: Api, request: &Outline, query: Option<&str>) -> String {
    let call = call(api, request, query);
    if names::is_publishers(site.prefix) {
        return format!("{}{call}", site.prefix);
    }
    let own = site.callers.and_then(names::base);
    let own = own.filter(|base| is_vertex(site) || !names::is_publishers(base));
    format!("{}{}{call}", site.prefix, own.unwrap_or(BASE))
}

fn is_vertex(site: &Site<'_>) -> bool {
    names::is_publishers(site.prefix) || site.host.is_some_and(|host| host.contains("aiplatform"))
}

// ---- credentials

/// What begins so is an OAuth token, which Vertex AI takes; anything else is a key.
const OAUTH: &str = "ya29.";

fn authenticate(key: &str) -> (&'static str, String) {
    if key.starts_with(OAUTH) {
        return ("authorization", format!("Bearer {key}"));
    }
    ("x-goog-api-key", key.to_owned())
}

// ---- differences

/// Newer models choose their own sampling.
const SAMPLING: [(&str, &str); 3] = [
    ("temperature", "generationConfig.temperature"),
    ("topP", "generationConfig.topP"),
    ("topK", "generationConfig.topK"),
];

fn fit(root: Node<'_>, model: Traits, edits: &mut Edits) -> Vec<&'static str> {
    let config = names::get(root, "generationConfig").filter(|_| !model.sampling);
    let mut gone = Vec::new();
    for (key, _) in config.into_iter().flat_map(|config| config.members()) {
        let name = key.as_str().unwrap_or_default();
        let own = SAMPLING.iter().find(|(own, _)| names::camel(&name) == *own);
        if let (Some((_, field)), Some(config)) = (own, config) {
            edits.remove(config, &name);
            gone.push(*field);
        }
    }
    gone
}

/// What another vendor signed, and callers send back as they got it, Google would refuse, and nobody else may read.
fn without_foreign_signatures(root: Node<'_>, edits: &mut Edits) {
    let parts = root.get("contents").into_iter().flat_map(|contents| contents.items());
    for part in parts.filter_map(|turn| turn.get("parts")).flat_map(|parts| parts.items()) {
        for field in ["thoughtSignature", "thought_signature"] {
            let Some(value) = part.get(field).and_then(|value| value.as_str()) else { continue };
            if signature::read(value.into_owned()).by == Dialect::Gemini {
                continue;
            }
            if part.get("functionCall").or_else(|| part.get("function_call")).is_some() {
                edits.set(part, field, &quote(write_turns::NOT_SIGNED));
            } else {
                edits.remove(part, field);
            }
        }
    }
}

// ---- retention

/// Projects made since 2026-10-26 keep requests in AI Studio's logs unless told not to. Vertex AI does not know the field.
/// The log against abuse is a matter of the contract.
const OPT_OUTS: &[OptOut] = &[OptOut::Set { field: "store", value: "false" }];

/// Content that Google keeps, and puts before the prompt where nobody sees it.
fn needs_storage(root: Node<'_>) -> Option<&'static str> {
    names::get(root, "cachedContent").map(|_| "cachedContent")
}

// ---- failures

const FAILURES: &[Rule] = &[
    rule(Test::Detail("PerDay"), ErrorClass::QuotaExhausted, "the day's quota is used up"),
    rule(Test::Detail("PerMinute"), ErrorClass::RateLimited, "requests or tokens per minute are used up"),
    rule(
        Test::Message("exceeded your current quota"),
        ErrorClass::QuotaExhausted,
        "the account's quota is used up",
    ),
    rule(Test::Message("credits are depleted"), ErrorClass::QuotaExhausted, "no prepaid credits remain"),
    rule(
        Test::Message("exceeds the maximum number of tokens"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(Test::Detail("API_KEY_INVALID"), ErrorClass::Auth, "the key is not valid"),
    rule(Test::Detail("API_KEY_SERVICE_BLOCKED"), ErrorClass::Auth, "the key may not use this service"),
    rule(
        Test::Detail("ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ErrorClass::Auth,
        "the key is of a kind not taken here",
    ),
    rule(Test::Type("UNAUTHENTICATED"), ErrorClass::Auth, "the key is not valid"),
    rule(Test::Type("PERMISSION_DENIED"), ErrorClass::Auth, "the key is missing, or may not use this"),
    rule(
        Test::Message("location is not supported"),
        ErrorClass::Auth,
        "the provider does not serve the country that the call comes from",
    ),
    rule(
        Test::Type("FAILED_PRECONDITION"),
        ErrorClass::Auth,
        "the project may not use this: no billing, or not in this country",
    ),
    rule(Test::Type("NOT_FOUND"), ErrorClass::NotFound, "the model does not exist, or not for this version"),
    rule(
        Test::Type("RESOURCE_EXHAUSTED"),
        ErrorClass::RateLimited,
        "a limit is reached, and nobody says which",
    ),
    rule(Test::Type("UNAVAILABLE"), ErrorClass::Overloaded, "the provider has no capacity"),
    rule(Test::Type("DEADLINE_EXCEEDED"), ErrorClass::Timeout, "the provider took too long"),
    rule(Test::Type("CANCELLED"), ErrorClass::Timeout, "the call was cancelled on its way"),
    rule(Test::Type("INTERNAL"), ErrorClass::ServerError, "the provider failed"),
    rule(Test::Stop("SAFETY"), ErrorClass::ContentFilter, "the answer was stopped as unsafe"),
    rule(Test::Stop("RECITATION"), ErrorClass::ContentFilter, "the answer repeats a source too closely"),
    rule(Test::Stop("LANGUAGE"), ErrorClass::ContentFilter, "the answer's language is not supported"),
    rule(Test::Stop("BLOCKLIST"), ErrorClass::ContentFilter, "a forbidden word was found"),
    rule(Test::Stop("PROHIBITED_CONTENT"), ErrorClass::ContentFilter, "prohibited content was found"),
    rule(Test::Stop("SPII"), ErrorClass::ContentFilter, "sensitive personal data were found"),
    rule(Test::Stop("MODEL_ARMOR"), ErrorClass::ContentFilter, "Model Armor stopped prompt or answer"),
    rule(Test::Stop("JAILBREAK"), ErrorClass::ContentFilter, "the prompt was taken for a jailbreak"),
    rule(Test::Stop("OTHER"), ErrorClass::ContentFilter, "stopped, and nobody says why"),
    rule(Test::Stop("IMAGE_SAFETY"), ErrorClass::ContentFilter, "an image was stopped as unsafe"),
    rule(Test::Stop("IMAGE_PROHIBITED_CONTENT"), ErrorClass::ContentFilter, "an image was prohibited"),
    rule(Test::Stop("IMAGE_RECITATION"), ErrorClass::ContentFilter, "an image repeats a source too closely"),
    rule(Test::Stop("IMAGE_OTHER"), ErrorClass::ContentFilter, "an image was stopped, and nobody says why"),
    rule(Test::Stop("NO_IMAGE"), ErrorClass::ServerError, "the model made no image"),
    rule(Test::Stop("MALFORMED_FUNCTION_CALL"), ErrorClass::ServerError, "the model's call was not usable"),
    rule(Test::Stop("MALFORMED_RESPONSE"), ErrorClass::ServerError, "the model's answer was not usable"),
    rule(Test::Stop("UNEXPECTED_TOOL_CALL"), ErrorClass::ServerError, "the model called what it may not"),
    rule(Test::Stop("TOO_MANY_TOOL_CALLS"), ErrorClass::ServerError, "the model called again and again"),
    rule(Test::Stop("MISSING_THOUGHT_SIGNATURE"), ErrorClass::ServerError, "a call lost its signature"),
];

impl Vendor for Gemini {
    fn dialect(&self) -> Dialect {
        Dialect::Gemini
    }

    fn name(&self) -> &'static str {
        "gcp.gemini"
    }

    fn apis(&self) -> &'static [Api] {
        &[Api::GeminiGenerate, Api::GeminiCountTokens, Api::GeminiEmbedBatch, Api::GeminiEmbed]
    }

    fn host(&self) -> Option<&'static str> {
        Some(HOST)
    }

    fn header_prefixes(&self) -> &'static [&'static str] {
        &["x-goog-"]
    }

    fn path(&self, api: Api, request: &Outline, query: Option<&str>) -> String {
        address(&Site::default(), api, request, query)
    }

    fn behind(&self, site: &Site<'_>, api: Api, request: &Outline, query: Option<&str>) -> String {
        address(site, api, request, query)
    }

    fn authenticate(&self, key: &str) -> (&'static str, String) {
        authenticate(key)
    }

    fn adapt(
        &self,
        _api: Api,
        root: Node<'_>,
        _model: &str,
        _drop: &[String],
        edits: &mut Edits,
    ) -> Result<(), Unsupported> {
        without_foreign_signatures(root, edits);
        Ok(())
    }

    fn is_particular(&self) -> bool {
        false
    }

    fn owns_key(&self, key: &str) -> bool {
        ["AIza", "AQ.", OAUTH].iter().any(|prefix| key.starts_with(prefix))
    }

    fn fit(&self, _api: Api, root: Node<'_>, model: Traits, edits: &mut Edits) -> Vec<&'static str> {
        fit(root, model, edits)
    }

    fn opt_outs(&self, api: Api) -> &'static [OptOut] {
        // Counting keeps nothing.
        if api == Api::GeminiGenerate { OPT_OUTS } else { &[] }
    }

    fn takes_opt_outs(&self, site: &Site<'_>) -> bool {
        !is_vertex(site)
    }

    fn needs_storage(&self, root: Node<'_>) -> Option<&'static str> {
        needs_storage(root)
    }

    fn failures(&self) -> &'static [Rule] {
        FAILURES
    }

    fn soft_failure(&self, api: Api, root: Node<'_>) -> Option<ProviderError> {
        if api == Api::GeminiGenerate {
            return answer::soft_failure(root);
        }
        super::failure::Fault::read(root).map(|fault| fault.classify(FAILURES))
    }
}
