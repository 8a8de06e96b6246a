//! `providers` and `models`: whom a request may go to, and what their models cost.

use std::collections::BTreeMap;

use crate::config::check::headers;
use crate::config::error::{nearest, quoted, under_key};
use crate::config::node::{Choice, Fields, Node, Report, name};
use crate::config::source::Tree;
use crate::config::units;
use crate::config::{Credential, Dialect, Model, Provider, RetentionLevel, Secret};

const DIALECTS: [Choice<Dialect>; 9] = [
    ("anthropic", Some(Dialect::Anthropic)),
    ("azure_openai", Some(Dialect::AzureOpenAi)),
    ("deepseek", Some(Dialect::DeepSeek)),
    ("gemini", Some(Dialect::Gemini)),
    ("mistral", Some(Dialect::Mistral)),
    ("openai", Some(Dialect::OpenAi)),
    ("openai_compatible", Some(Dialect::OpenAiCompatible)),
    ("openrouter", Some(Dialect::OpenRouter)),
    ("qwen", Some(Dialect::Qwen)),
];

pub(super) const RETENTION_LEVELS: [Choice<RetentionLevel>; 3] = [
    ("none", Some(RetentionLevel::None)),
    ("opt_out", Some(RetentionLevel::OptOut)),
    ("zero", Some(RetentionLevel::Zero)),
];

pub(super) const NOT_SHOWN: &str = "a key is not written in the policy, and what was found is not shown";
const GIVE_IT: &str = "it must be given to the VM (vm_config.environment_variables)";

const PROVIDER_KEYS: [&str; 10] = [
    "dialect",
    "cluster",
    "host",
    "path_prefix",
    "api_version",
    "credential",
    "retention",
    "opt_out",
    "region",
    "batch",
];

/// In the order of their names. `None` when one of them could not be made.
pub(super) fn providers(node: &Node, report: &mut Report) -> Option<Vec<Provider>> {
    let entries = node.entries(report);
    if entries.is_empty() && matches!(node.tree, Tree::Map(_)) {
        report.error(&node.path, "is empty; name at least one, like \"openai: {dialect: openai}\"");
    }
    let read: Vec<Option<Provider>> =
        entries.iter().map(|(name, node)| provider(name, node, report)).collect();
    read.into_iter().collect()
}

fn provider(key: &str, node: &Node, report: &mut Report) -> Option<Provider> {
    name(key, &node.path, report);
    let fields = node.fields(&PROVIDER_KEYS, report);
    fields.refuse_unbuilt(&["batch"], report);
    let built: Vec<&str> =
        DIALECTS.iter().filter(|(_, value)| value.is_some()).map(|(word, _)| *word).collect();
    let dialect = fields
        .require("dialect", &format!("expected one of {}", built.join(", ")), report)
        .and_then(|node| node.choice("dialect", &DIALECTS, report));
    let cluster = match fields.get("cluster") {
        Some(node) => node.word(report).map(str::to_owned),
        None => Some(key.to_owned()),
    };
    let host = fields.get("host").and_then(|node| host(&node, report));
    let path_prefix =
        fields.get("path_prefix").and_then(|node| path_prefix(&node, report)).unwrap_or_default();
    let api_version = fields.get("api_version").and_then(|node| api_version(&node, dialect, report));
    let names_deployment = path_prefix.contains(DEPLOYMENTS);
    if dialect == Some(Dialect::AzureOpenAi) && names_deployment && fields.get("api_version").is_none() {
        report.error(&node.path, "path_prefix names a deployment, so api_version is required");
    }
    let credential = match fields.get("credential") {
        Some(node) => credential(&node, report),
        None => Some((Credential::Passthrough, false)),
    };
    let retention = match fields.get("retention") {
        Some(node) => node.choice("retention", &RETENTION_LEVELS, report),
        None => Some(RetentionLevel::None),
    };
    if dialect == Some(Dialect::DeepSeek) && retention.is_some_and(|level| level > RetentionLevel::None) {
        let path = under_key(&node.path, "retention");
        report.warn(&path, "deepseek is not known to offer zero retention or an opt-out by any contract");
    }
    let opt_out = fields.get("opt_out").map(|node| node.fields(&["headers", "body"], report));
    let part = |key| opt_out.as_ref().and_then(|fields: &Fields| fields.get(key));
    let opt_out_headers = part("headers").map(|node| headers::settings(&node, report)).unwrap_or_default();
    let mut opt_out_body = Vec::new();
    if let Some(node) = part("body") {
        body_fields("", &node, &mut opt_out_body, report);
    }
    let region = fields.get("region").and_then(|node| node.word(report)).map(str::to_owned);
    let (credential, any_key) = credential?;
    Some(Provider {
        name: key.to_owned(),
        dialect: dialect?,
        cluster: cluster?,
        host,
        path_prefix,
        api_version,
        credential,
        any_key,
        retention: retention?,
        opt_out_headers,
        opt_out_body,
        region,
    })
}

/// `api.openai.com` or `llm.internal:8443`.
fn host(node: &Node, report: &mut Report) -> Option<String> {
    let text = node.word(report)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if !text.chars().all(fits) {
        report.error(&node.path, format!("{} is not a host; write it like \"api.openai.com\"", quoted(text)));
        return None;
    }
    Some(text.to_ascii_lowercase())
}

fn path_prefix(node: &Node, report: &mut Report) -> Option<String> {
    let text = node.text(report)?;
    let sound = text.is_empty() || text.starts_with('/');
    if !sound || !text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#')) {
        report.error(&node.path, format!("{} is not a path; write it like \"/v1/proxy\"", quoted(text)));
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

const DEPLOYMENTS: &str = "/openai/deployments/";

/// `2024-10-21`, `2025-04-01-preview`.
fn api_version(node: &Node, dialect: Option<Dialect>, report: &mut Report) -> Option<String> {
    let text = node.word(report)?;
    let like = |(byte, like): (u8, &u8)| if *like == b'0' { byte.is_ascii_digit() } else { byte == *like };
    let date = text.strip_suffix("-preview").unwrap_or(text);
    if date.len() != 10 || !date.bytes().zip(b"0000-00-00").all(like) {
        report.error(&node.path, format!("{} is not a version; write it like \"2024-10-21\"", quoted(text)));
        return None;
    }
    if dialect.is_some_and(|dialect| dialect != Dialect::AzureOpenAi) {
        report.error(&node.path, "only azure_openai has versions of this kind");
    }
    Some(text.to_owned())
}

/// What is wrong here is said without showing what was found: it may be a key.
fn credential(node: &Node, report: &mut Report) -> Option<(Credential, bool)> {
    match node.tree {
        Tree::Text(text) if text == "passthrough" => Some((Credential::Passthrough, false)),
        Tree::Text(text) if text == "envoy" => Some((Credential::Envoy, false)),
        Tree::Map(map) if map.contains_key("passthrough") => {
            let is_any = map.get("passthrough").and_then(Tree::as_text) == Some("any");
            if map.len() > 1 || !is_any {
                report.error(&node.path, "expected {passthrough: any}, and nothing beside it");
                return None;
            }
            Some((Credential::Passthrough, true))
        }
        Tree::Map(_) => {
            let key = secret(node, &[], report)?;
            if !headers::sendable(&key.0) {
                report.error(
                    &node.path,
                    "the variable holds a character that no header may hold (a line break at its end?)",
                );
                return None;
            }
            Some((Credential::Key(key), false))
        }
        other => {
            let near = other.as_text().and_then(|text| nearest(text, &["passthrough", "envoy"]));
            let hint = near.map(|near| format!(" (did you mean {}?)", quoted(near))).unwrap_or_default();
            report.error(
                &node.path,
                format!(
                    "expected passthrough, {{passthrough: any}}, envoy or {{env: NAME}}{hint}; {NOT_SHOWN}"
                ),
            );
            None
        }
    }
}

/// `{env: NAME}`, looked up. Neither the value nor anything that may be one is shown.
pub(super) fn secret(node: &Node, also: &[&str], report: &mut Report) -> Option<Secret> {
    let Tree::Map(map) = node.tree else {
        report.error(&node.path, format!("expected {{env: NAME}}; {NOT_SHOWN}"));
        return None;
    };
    if map.keys().any(|key| key != "env" && !also.contains(&key.as_str())) {
        let known: Vec<&str> = std::iter::once("env").chain(also.iter().copied()).collect();
        report.error(&node.path, format!("unknown key beside {}, not shown", known.join(" and ")));
    }
    let path = under_key(&node.path, "env");
    let Some(variable) = map.get("env").and_then(Tree::as_text).filter(|text| is_variable(text)) else {
        report.error(
            &path,
            format!("expected a variable's name in capitals, like OPENAI_API_KEY; {NOT_SHOWN}"),
        );
        return None;
    };
    match (report.env)(variable) {
        Some(value) if !value.trim().is_empty() => Some(Secret(value.into())),
        Some(_) => {
            report.error(&path, format!("the environment variable {variable} is empty"));
            None
        }
        None => {
            report.error(&path, format!("the environment variable {variable} is not set; {GIVE_IT}"));
            None
        }
    }
}

/// Capitals only: what people name variables, and what keys do not look like.
fn is_variable(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.len() <= 64 && text.chars().all(fits) && text.starts_with(|c: char| !c.is_ascii_digit())
}

/// Nested maps become dotted paths; every other value its JSON text.
fn body_fields(prefix: &str, node: &Node, out: &mut Vec<(String, String)>, report: &mut Report) {
    for (key, value) in node.entries(report) {
        if key.is_empty() || key.split('.').any(str::is_empty) {
            report.error(&value.path, "is not the path of a field");
            continue;
        }
        let path = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
        match value.tree {
            Tree::Map(map) if !map.is_empty() => body_fields(&path, &value, out, report),
            tree => out.push((path, json(tree).to_string())),
        }
    }
}

fn json(tree: &Tree) -> serde_json::Value {
    use serde_json::Value;
    match tree {
        Tree::Null => Value::Null,
        Tree::Bool(value) => Value::Bool(*value),
        Tree::Text(text) => Value::String(text.clone()),
        Tree::Number(text) => {
            let read = |text: &str| serde_json::from_str(text).ok();
            read(text)
                .or_else(|| read(&units::canonical_number(text)?))
                .unwrap_or_else(|| Value::String(text.clone()))
        }
        Tree::List(items) => Value::Array(items.iter().map(json).collect()),
        Tree::Map(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), json(value))).collect()),
    }
}

const MODEL_KEYS: [&str; 6] = [
    "provider",
    "input_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "output_usd_per_mtok",
    "context",
    "max_output",
];

pub(super) fn models(
    node: Option<Node>,
    providers: &[String],
    report: &mut Report,
) -> BTreeMap<String, Model> {
    let mut all = BTreeMap::new();
    for (name, node) in node.map(|node| node.entries(report)).unwrap_or_default() {
        if name.is_empty() || name.contains('*') {
            report.error(&node.path, "a model is named exactly here");
        }
        let fields = node.fields(&MODEL_KEYS, report);
        let provider = fields.get("provider").and_then(|node| node.reference("provider", providers, report));
        let mut usd = |key| fields.get(key).and_then(|node| node.usd(report));
        let (input, cached_input, output) =
            (usd("input_usd_per_mtok"), usd("cached_input_usd_per_mtok"), usd("output_usd_per_mtok"));
        let mut tokens = |key| fields.get(key).and_then(|node| node.integer(1..=1_000_000_000, report));
        let model = Model {
            provider: provider.and_then(|provider| providers.iter().position(|known| known == provider)),
            input,
            cached_input,
            output,
            context: tokens("context"),
            max_output: tokens("max_output"),
        };
        all.insert(name.to_owned(), model);
    }
    all
}
