//! `callers` and `access`: who is asking, and who may use what.

use crate::config::check::headers;
use crate::config::error::quoted;
use crate::config::node::{Choice, Node, Report};
use crate::config::source::Tree;
use crate::config::{Access, CallerSource, Callers, Pattern};

const UNKNOWN: [Choice<bool>; 2] = [("allow", Some(false)), ("reject", Some(true))];

pub(super) fn callers(node: Option<Node>, report: &mut Report) -> Callers {
    let Some(node) = node else { return Callers::default() };
    let fields = node.fields(&["identify", "unknown"], report);
    let sources = fields.get("identify").map(|node| node.list(report)).unwrap_or_default();
    let identify: Vec<CallerSource> =
        sources.iter().filter_map(|source| caller_source(source, report)).collect();
    let unknown = fields.get("unknown");
    let reject_unknown =
        unknown.as_ref().and_then(|node| node.choice("answer", &UNKNOWN, report)).unwrap_or(false);
    if let (true, true, Some(unknown)) = (reject_unknown, sources.is_empty(), unknown) {
        report.error(&unknown.path, "everybody is unknown, because callers.identify names no source");
    }
    Callers { identify, reject_unknown }
}

/// A caller's name is in records and metrics: none of these may be one.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key"];

fn caller_source(node: &Node, report: &mut Report) -> Option<CallerSource> {
    let fields = node.fields(&["property", "header", "credential"], report);
    let sources = [fields.get("property"), fields.get("header"), fields.get("credential")];
    match sources {
        [Some(property), None, None] => property_path(&property, report).map(CallerSource::Property),
        [None, Some(header), None] => {
            let name = headers::name(header.word(report)?, &header.path, report)?;
            if SECRET_HEADERS.contains(&name.as_str()) {
                report.error(&header.path, format!("{name} holds a credential, which would be in every record; write {{credential: {name}}}"));
                return None;
            }
            Some(CallerSource::Header(name))
        }
        [None, None, Some(header)] => {
            headers::name(header.word(report)?, &header.path, report).map(CallerSource::Credential)
        }
        _ => {
            if fields.is_map() {
                report.error(&node.path, "expected exactly one of property, header, credential");
            }
            None
        }
    }
}

/// Dotted, or a list where an element has a dot of its own (`[filter_state, wasm.team]`).
fn property_path(node: &Node, report: &mut Report) -> Option<Vec<String>> {
    if matches!(node.tree, Tree::List(_)) {
        let parts = node.one_or_more(report);
        return parts.iter().map(|part| part.word(report).map(str::to_owned)).collect();
    }
    let parts: Vec<String> = node.word(report)?.split('.').map(str::to_owned).collect();
    if parts.iter().any(String::is_empty) {
        report.error(
            &node.path,
            format!("{} is not an Envoy attribute like \"connection.mtls\"", node.shown()),
        );
        return None;
    }
    Some(parts)
}

pub(super) fn access(node: Option<Node>, report: &mut Report) -> Vec<Access> {
    let mut all = Vec::new();
    for entry in node.map(|node| node.list(report)).unwrap_or_default() {
        let fields = entry.fields(&["caller", "models"], report);
        if fields.is_map() && fields.get("caller").is_none() && fields.get("models").is_none() {
            report.error(&entry.path, "expected caller, models or both");
        }
        let everything = || vec![Pattern("*".to_owned())];
        let callers = fields.get("caller").map(|node| patterns(&node, report)).unwrap_or_else(everything);
        let models =
            fields.get("models").map(|node| model_patterns(&node, report)).unwrap_or_else(everything);
        all.push(Access { callers, models });
    }
    all
}

/// Text with `*` anywhere.
pub(super) fn patterns(node: &Node, report: &mut Report) -> Vec<Pattern> {
    let items = node.one_or_more(report);
    items.iter().filter_map(|item| item.word(report)).map(|text| Pattern(text.to_owned())).collect()
}

/// Exact, or with `*` at the end.
pub(super) fn model_patterns(node: &Node, report: &mut Report) -> Vec<Pattern> {
    let mut all = Vec::new();
    for item in node.one_or_more(report) {
        let Some(text) = item.word(report) else { continue };
        if text.strip_suffix('*').unwrap_or(text).contains('*') {
            report.error(
                &item.path,
                format!(
                    "{} has a \"*\" before its end; a model pattern is exact or ends in \"*\"",
                    quoted(text)
                ),
            );
            continue;
        }
        all.push(Pattern(text.to_owned()));
    }
    all
}
