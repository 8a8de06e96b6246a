//! Mistral: chat completions that differ from OpenAI's on the wire, and strict: a field that it does not know is an error.
//!
//! Facts: the types of mistralai 3.7, Mistral's documentation and recordings, as of 2026-11-24.

mod answer;
mod codec;
mod error;
mod stream_writer;

use super::failure::{Rule, Test, rule};
use super::fields::text_of;
use super::openai::{
    Part, Refuse, bearer, each_part, needs_storage, path, says_nothing, soft_failure, unless_dropped,
    with_query,
};
use super::{Api, OptOut, Outline, Vendor};
use crate::chat::{Caching, Dialect, ErrorClass, ProviderError, Unsupported};
use crate::wire::http::Headers;
use crate::wire::json::{Edits, Kind, Node, quote};

pub use codec::MistralChat;

/// `api.mistral.ai`
pub struct Mistral;

// ---- address

/// Inference in one place: `api.eu.mistral.ai`, `api.us.mistral.ai`.
const HOST: &str = "api.mistral.ai";
const HOSTS: &str = ".mistral.ai";

/// Mistral's SDKs, whatever they are written in.
const SDKS: &str = "mistral-client-";

/// Whether whoever calls speaks as Mistral's own callers do.
fn is_callers(headers: &Headers) -> bool {
    let text = |name| headers.get_str(name).unwrap_or_default().to_ascii_lowercase();
    let authority = text(":authority");
    let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
    host.ends_with(HOSTS) || text("user-agent").starts_with(SDKS)
}

// ---- credentials
// A bearer token, as OpenAI's. It has no shape of its own.

// ---- differences

/// All that a request may have. The rest is known by another name, has no effect, or has no place.
const KNOWN: [&str; 29] = [
    "frequency_penalty",
    "guardrails",
    "logprobs",
    "max_tokens",
    "messages",
    "metadata",
    "min_tokens",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_logprobs",
    "prompt_mode",
    "random_seed",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "safe_prompt",
    "stop",
    "stream",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "top_prompt_logprobs",
];

/// Fields of others that do not change the answer. Usage comes in every stream.
const WITHOUT_EFFECT: [&str; 12] = [
    "cache_control",
    "debug",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "session_id",
    "store",
    "stream_options",
    "trace",
    "usage",
    "user",
    "user_id",
];

fn adapt(root: Node<'_>, refuse: Refuse<'_>, edits: &mut Edits) -> Result<(), Unsupported> {
    for (key, value) in root.members() {
        let name = key.as_str().unwrap_or_default();
        let rename = |to: &str, edits: &mut Edits| {
            edits.remove(root, &name);
            if !value.is_null() {
                edits.set(root, to, value.raw());
            }
        };
        match name.as_ref() {
            // None of its models thinks that can be told not to, but those that are told to.
            "reasoning_effort" if value.is("none") => edits.remove(root, &name),
            known if KNOWN.contains(&known) => {}
            "max_completion_tokens" => rename("max_tokens", edits),
            "seed" => rename("random_seed", edits),
            "service_tier" if value.is("auto") || value.is("standard_only") => {}
            other => {
                let usual = matches!(other, "service_tier" if value.is("default"))
                    || matches!(other, "verbosity" if value.is("medium"))
                    || matches!(other, "modalities" if value.items().all(|it| it.is("text")));
                if !usual && !WITHOUT_EFFECT.contains(&other) && !says_nothing(other, value) {
                    refuse(other.to_owned())?;
                }
                edits.remove(root, other);
            }
        }
    }
    let messages = root.get("messages");
    let last = messages.map_or(0, |messages| messages.len()).saturating_sub(1);
    for (index, message) in messages.into_iter().flat_map(|messages| messages.items()).enumerate() {
        turn(message, index, index == last, refuse, edits)?;
    }
    let Some(tools) = root.get("tools") else { return Ok(()) };
    let mut kept = Vec::with_capacity(tools.len());
    for (index, tool) in tools.items().enumerate() {
        match tool.get("custom") {
            Some(_) => refuse(format!("tools[{index}].custom"))?,
            None => kept.push(tool.raw()),
        }
    }
    if kept.len() < tools.len() {
        edits.replace(tools.span(), format!("[{}]", kept.join(",")));
    }
    Ok(())
}

fn turn(
    message: Node<'_>,
    index: usize,
    last: bool,
    refuse: Refuse<'_>,
    edits: &mut Edits,
) -> Result<(), Unsupported> {
    let role = message.get("role").and_then(|role| role.as_str()).unwrap_or_default();
    let content = message.get("content");
    for (key, value) in message.members() {
        let name = key.as_str().unwrap_or_default();
        match name.as_ref() {
            "role" if role == "developer" => edits.set(message, "role", "\"system\""),
            "role" | "content" | "tool_calls" | "prefix" => {}
            "tool_call_id" => remap(value, edits),
            "name" if role == "tool" => {}
            // Its words are the assistant's.
            "refusal" if content.is_none_or(|content| content.is_null()) && !value.is_null() => {
                edits.remove(message, "refusal");
                edits.set(message, "content", value.raw());
            }
            // What another model thought, and remarks on its answer.
            "reasoning" | "reasoning_content" | "reasoning_details" | "annotations" | "refusal" => {
                edits.remove(message, &name);
            }
            other => {
                if !says_nothing(other, value) {
                    refuse(format!("messages[{index}].{other}"))?;
                }
                edits.remove(message, other);
            }
        }
    }
    let calls = message.get("tool_calls").filter(|calls| !calls.is_empty());
    for (number, call) in calls.into_iter().flat_map(|calls| calls.items()).enumerate() {
        if call.get("function").is_none() {
            // A call without its function would be another conversation: nothing to let go of.
            return Err(Unsupported { field: format!("messages[{index}].tool_calls[{number}].custom") });
        }
        if let Some(id) = call.get("id") {
            remap(id, edits);
        }
        // What another vendor signed.
        if call.get("extra_content").is_some() {
            edits.remove(call, "extra_content");
        }
    }
    // An answer that is begun has to say so.
    if last && role == "assistant" && calls.is_none() && message.get("prefix").is_none() {
        edits.set(message, "prefix", "true");
    }
    each_part(message, index, &mut |item, path| part(item, path, refuse), edits)
}

fn part(part: Node<'_>, path: &str, refuse: Refuse<'_>) -> Result<Part, Unsupported> {
    let instead = |text: String| Ok(Part::Instead(Some(text)));
    let kind = text_of(part, "type").unwrap_or_default();
    let field = match (kind.as_str(), part.get(&kind)) {
        ("refusal", Some(said)) => return instead(format!(r#"{{"type":"text","text":{}}}"#, said.raw())),
        ("input_audio", Some(audio)) if audio.kind() == Kind::Object => match audio.get("data") {
            Some(data) => {
                return instead(format!(r#"{{"type":"input_audio","input_audio":{}}}"#, data.raw()));
            }
            None => "input_audio",
        },
        ("file", Some(file)) if file.kind() == Kind::Object => match text_of(file, "file_data") {
            Some(data) => {
                let name =
                    text_of(file, "filename").map(|name| format!(",\"document_name\":{}", quote(&name)));
                let name = name.unwrap_or_default();
                return instead(format!(
                    r#"{{"type":"document_url","document_url":{}{name}}}"#,
                    quote(&data)
                ));
            }
            None => "file.file_id",
        },
        ("text", Some(said)) if part.len() > 2 => {
            return instead(format!(r#"{{"type":"text","text":{}}}"#, said.raw()));
        }
        ("video_url", _) => "video_url",
        _ => return Ok(Part::AsItIs),
    };
    refuse(format!("{path}.{field}"))?;
    Ok(Part::Instead(None))
}

/// A call's name has nine letters or digits here. Another's is turned into such a one, always the same, so that calls
/// and results still belong together.
fn remap(id: Node<'_>, edits: &mut Edits) {
    const LETTERS: [u8; 62] = *b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some(text) = id.as_str() else { return };
    if text.len() == 9 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return;
    }
    // FNV-1a.
    let mut hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut name = String::with_capacity(11);
    name.push('"');
    for _ in 0..9 {
        let at = usize::try_from(hash % 62).unwrap_or_default();
        name.push(char::from(LETTERS.get(at).copied().unwrap_or(b'0')));
        hash /= 62;
    }
    name.push('"');
    edits.replace(id.span(), name);
}

// ---- retention

/// None exists for chat: `store` there is an error. Zero retention is a matter of contract, on paid plans.
const OPT_OUTS: &[OptOut] = &[];

// ---- failures

const FAILURES: &[Rule] = &[
    rule(
        Test::Message("too large for model with"),
        ErrorClass::ContextLength,
        "the prompt does not fit the model",
    ),
    rule(Test::Type("service_tier_capacity_exceeded"), ErrorClass::Overloaded, "the model has no capacity"),
    rule(
        Test::Message("Service tier capacity exceeded"),
        ErrorClass::Overloaded,
        "the model has no capacity",
    ),
    rule(
        Test::Message("monthly usage limit"),
        ErrorClass::QuotaExhausted,
        "the workspace's monthly limit is reached",
    ),
    rule(Test::Type("rate_limited"), ErrorClass::RateLimited, "requests or tokens are used up"),
    rule(Test::Type("invalid_model"), ErrorClass::NotFound, "the model does not exist"),
    rule(Test::Type("internal_server_error"), ErrorClass::ServerError, "the provider failed"),
    rule(Test::Type("service_unavailable"), ErrorClass::Overloaded, "the provider has no capacity"),
    rule(Test::Stop("model_length"), ErrorClass::ContextLength, "the answer did not fit the model"),
    rule(Test::Stop("error"), ErrorClass::ServerError, "the provider failed while answering"),
];

impl Vendor for Mistral {
    fn dialect(&self) -> Dialect {
        Dialect::Mistral
    }

    fn name(&self) -> &'static str {
        "mistral_ai"
    }

    fn apis(&self) -> &'static [Api] {
        &[Api::MistralChat, Api::OpenAiEmbeddings]
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
        _model: &str,
        drop: &[String],
        edits: &mut Edits,
    ) -> Result<(), Unsupported> {
        if api == Api::MistralChat {
            return adapt(root, &mut unless_dropped(drop), edits);
        }
        if let Some(length) = root.get("dimensions") {
            edits.remove(root, "dimensions");
            edits.set(root, "output_dimension", length.raw());
        }
        if root.get("user").is_some() {
            edits.remove(root, "user");
        }
        Ok(())
    }

    fn asks_stream_usage(&self) -> bool {
        false
    }

    fn caching(&self) -> Caching {
        Caching::Key
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
