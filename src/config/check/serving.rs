//! `endpoints`, `limits`, `retention`, `timeouts`, `drop`: how a request is carried.

use crate::config::error::quoted;
use crate::config::node::{Choice, Node, Report};
use crate::config::{Endpoints, Limits, OptOut, Pattern, Retention, Timeouts};

pub(super) const TIMEOUTS: Timeouts =
    Timeouts { total: 600_000, first_token: 30_000, between_tokens: 30_000, answer: 300_000 };
const LIMITS: Limits = Limits { body: 32 << 20, first_event: 64 << 10 };
/// A WebAssembly module has 4 GiB in all, for every request on its thread.
const LARGEST_BODY: u64 = 256 << 20;
const LARGEST_EVENT: u64 = 16 << 20;

const BLOCK_OR_ALLOW: [Choice<bool>; 2] = [("block", Some(false)), ("allow", Some(true))];
const REJECT_OR_ALLOW: [Choice<bool>; 2] = [("reject", Some(true)), ("allow", Some(false))];
const OPT_OUTS: [Choice<OptOut>; 3] =
    [("always", Some(OptOut::Always)), ("if_unset", Some(OptOut::IfUnset)), ("never", Some(OptOut::Never))];

pub(super) fn endpoints(node: Option<Node>, report: &mut Report) -> Endpoints {
    let Some(node) = node else { return Endpoints::default() };
    let fields = node.fields(&["allow", "other"], report);
    let mut allow = Vec::new();
    for node in fields.get("allow").map(|node| node.list(report)).unwrap_or_default() {
        let Some(text) = node.word(report) else { continue };
        if !text.starts_with('/') {
            report
                .error(&node.path, format!("{} is not a path; write it like \"/v1/audio/*\"", quoted(text)));
            continue;
        }
        allow.push(Pattern(text.to_owned()));
    }
    let other = fields.get("other").and_then(|node| node.choice("answer", &BLOCK_OR_ALLOW, report));
    Endpoints { allow, allow_other: other.unwrap_or(false) }
}

pub(super) fn limits(node: Option<Node>, report: &mut Report) -> Limits {
    let Some(node) = node else { return LIMITS };
    let fields = node.fields(&["body", "first_event"], report);
    let body = fields.get("body").and_then(|node| node.size(1024..=LARGEST_BODY, report));
    let first_event = fields.get("first_event").and_then(|node| node.size(1024..=LARGEST_EVENT, report));
    Limits { body: body.unwrap_or(LIMITS.body), first_event: first_event.unwrap_or(LIMITS.first_event) }
}

pub(super) fn retention(node: Option<Node>, report: &mut Report) -> Retention {
    let fields = node.map(|node| node.fields(&["opt_out", "needs_storage"], report));
    let get = |key| fields.as_ref().and_then(|fields| fields.get(key));
    let opt_out = get("opt_out").and_then(|node| node.choice("opt_out", &OPT_OUTS, report));
    let needs_storage = get("needs_storage").and_then(|node| node.choice("answer", &REJECT_OR_ALLOW, report));
    Retention {
        opt_out: opt_out.unwrap_or(OptOut::Always),
        reject_needs_storage: needs_storage.unwrap_or(true),
    }
}

/// What is not written is taken from `base`.
pub(super) fn timeouts(node: Option<Node>, base: Timeouts, report: &mut Report) -> Timeouts {
    let Some(node) = node else { return base };
    let fields = node.fields(&["total", "first_token", "between_tokens", "answer"], report);
    let mut get =
        |key, otherwise| fields.get(key).and_then(|node| node.duration(report)).unwrap_or(otherwise);
    let timeouts = Timeouts {
        total: get("total", base.total),
        first_token: get("first_token", base.first_token),
        between_tokens: get("between_tokens", base.between_tokens),
        answer: get("answer", base.answer),
    };
    if timeouts.first_token > timeouts.total || timeouts.answer > timeouts.total {
        report.warn(&node.path, "total is shorter than first_token or answer, so it ends them early");
    }
    timeouts
}

pub(super) fn drop(node: Option<Node>, report: &mut Report) -> Vec<String> {
    let items = node.map(|node| node.list(report)).unwrap_or_default();
    items.iter().filter_map(|item| item.word(report)).map(str::to_owned).collect()
}
