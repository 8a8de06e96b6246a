//! Names and values of HTTP headers, as far as a policy may match or set them.

use crate::config::Pattern;
use crate::config::error::quoted;
use crate::config::node::{Node, Report};
use crate::config::source::Tree;

/// Set by the HTTP machinery itself; a policy that wrote them would break the request.
const FRAMING: [&str; 5] = ["connection", "content-length", "host", "te", "transfer-encoding"];

/// In lower case.
pub(super) fn name(text: &str, path: &str, report: &mut Report) -> Option<String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || !text.bytes().all(token) {
        report.error(path, format!("{} is not a header's name", quoted(text)));
        return None;
    }
    Some(text.to_ascii_lowercase())
}

/// Headers to match, all of them: `{x-priority: batch, x-team: "labs-*"}`.
pub(super) fn matches(node: &Node, report: &mut Report) -> Vec<(String, Pattern)> {
    let mut all = Vec::new();
    for (key, value) in node.entries(report) {
        let header = name(key, &value.path, report);
        if let (Some(header), Some(text)) = (header, value.text(report)) {
            all.push((header, Pattern(text.to_owned())));
        }
    }
    all
}

/// One header to match: `{x-task: legal}`.
pub(super) fn one_match(node: &Node, report: &mut Report) -> Option<(String, Pattern)> {
    if let Tree::Map(map) = node.tree
        && map.len() != 1
    {
        report.error(&node.path, format!("expected one header, found {}", map.len()));
        return None;
    }
    matches(node, report).pop()
}

/// Headers to set on a request. Their values are not shown: they may be keys.
pub(super) fn settings(node: &Node, report: &mut Report) -> Vec<(String, String)> {
    if !matches!(node.tree, Tree::Map(_)) {
        report.error(&node.path, "expected a map of headers; what was found is not shown");
        return Vec::new();
    }
    let mut all = Vec::new();
    for (key, value) in node.entries(report) {
        let Some(header) = name(key, &value.path, report) else { continue };
        if FRAMING.contains(&header.as_str()) {
            report.error(&value.path, "cannot be set by a policy");
            continue;
        }
        let Some(text) = value.text(report) else { continue };
        match sendable(text) {
            true => all.push((header, text.to_owned())),
            false => report.error(&value.path, "holds a character that no header may hold"),
        }
    }
    all
}

/// Whether a text may be a header's value: no line break, no NUL, ASCII only.
pub(super) fn sendable(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
}
