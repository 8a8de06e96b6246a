//! `recovery` and `health`: what follows a failure, and when a target is passed over.

use std::collections::BTreeMap;

use crate::config::check::routing::Chains;
use crate::config::error::quoted;
use crate::config::node::{Choice, Fields, Node, Report};
use crate::config::source::Tree;
use crate::config::{ErrorClass, Health, Recovery, Rule, Then};

const ANSWERS: [Choice<fn() -> Then>; 3] =
    [("next", Some(|| Then::Next)), ("larger", Some(|| Then::Larger)), ("fail", Some(|| Then::Fail))];
/// How long a provider is left alone with a key that does not work.
const REST: u64 = 600_000;
const HEALTH: Health = Health { window: 30_000, failures: 50, at_least: 5, open: 10_000 };

pub(super) fn recovery(node: Option<Node>, chains: &mut Chains, report: &mut Report) -> Recovery {
    let mut rules: BTreeMap<ErrorClass, Rule> =
        ErrorClass::ALL.into_iter().map(|class| (class, by_default(class))).collect();
    let Some(node) = node else { return Recovery { rules } };
    let fields = node.fields(&ErrorClass::ALL.map(ErrorClass::name), report);
    for class in ErrorClass::ALL {
        let Some(node) = fields.get(class.name()) else { continue };
        let fields = node.fields(&["then", "rest", "chain", "truncate"], report);
        let given: Vec<&str> =
            ["then", "chain", "truncate"].into_iter().filter(|key| fields.get(key).is_some()).collect();
        if given.len() > 1 {
            report.error(&node.path, format!("has {}: one of them decides", given.join(" and ")));
            continue;
        }
        let otherwise = by_default(class);
        let then = answer(class, &fields, chains, report).unwrap_or(otherwise.then);
        let rest = match fields.get("rest") {
            Some(node) => node.duration(report),
            None => otherwise.rest,
        };
        rules.insert(class, Rule { then, rest });
    }
    Recovery { rules }
}

fn answer(class: ErrorClass, fields: &Fields<'_>, chains: &mut Chains, report: &mut Report) -> Option<Then> {
    if let Some(node) = fields.get("chain") {
        if class == ErrorClass::Timeout {
            report
                .warn(&node.path, "Envoy's own time-outs go to the next target: no answer is judged by then");
        }
        return chains.named(&node, report).map(Then::Chain);
    }
    if let Some(node) = fields.get("truncate") {
        only_for_length(class, &node.path, "truncate", report)?;
        return truncate(&node, report);
    }
    let node = fields.get("then")?;
    let then = node.choice("answer", &ANSWERS, report)?();
    if then == Then::Larger {
        only_for_length(class, &node.path, "larger", report)?;
    }
    Some(then)
}

fn only_for_length(class: ErrorClass, path: &str, what: &str, report: &mut Report) -> Option<()> {
    if class == ErrorClass::ContextLength {
        return Some(());
    }
    report.error(path, format!("{} is an answer to context_length only", quoted(what)));
    None
}

/// `{keep: [system, last: 4]}`.
fn truncate(node: &Node, report: &mut Report) -> Option<Then> {
    let fields = node.fields(&["keep"], report);
    let keep = fields.require("keep", "write it like [system, last: 4]", report)?;
    let (mut system, mut last) = (false, None);
    for item in keep.one_or_more(report) {
        match item.tree {
            Tree::Text(text) if text == "system" => system = true,
            Tree::Map(_) => {
                let fields = item.fields(&["last"], report);
                last = fields.get("last").and_then(|node| node.integer(1..=10_000, report));
            }
            _ => {
                report.error(&item.path, format!("expected system or last: N, found {}", item.shown()));
            }
        }
    }
    if last.is_none() {
        report.error(&keep.path, "names no last: N, the turns at the end that are always kept");
    }
    Some(Then::Truncate { system, last: usize::try_from(last?).ok()? })
}

/// The next target may do better, except where the request itself is at fault.
fn by_default(class: ErrorClass) -> Rule {
    match class {
        ErrorClass::TooLarge | ErrorClass::InvalidRequest => Rule { then: Then::Fail, rest: None },
        ErrorClass::ContextLength => Rule { then: Then::Larger, rest: None },
        ErrorClass::QuotaExhausted | ErrorClass::Auth => Rule { then: Then::Next, rest: Some(REST) },
        _ => Rule { then: Then::Next, rest: None },
    }
}

/// `off`, or when a target is passed over.
pub(super) fn health(node: Option<Node>, report: &mut Report) -> Option<Health> {
    let Some(node) = node else { return Some(HEALTH) };
    match node.tree {
        Tree::Bool(false) => return None,
        Tree::Text(text) if text == "off" => return None,
        _ => {}
    }
    let fields = node.fields(&["window", "failures", "at_least", "open"], report);
    let mut time =
        |key, otherwise| fields.get(key).and_then(|node| node.duration(report)).unwrap_or(otherwise);
    let (window, open) = (time("window", HEALTH.window), time("open", HEALTH.open));
    let failures = fields.get("failures").and_then(|node| node.percent(1..=100, report));
    let at_least = fields.get("at_least").and_then(|node| node.integer(1..=1_000_000, report));
    Some(Health {
        window,
        failures: failures.unwrap_or(HEALTH.failures),
        at_least: at_least.and_then(|count| u32::try_from(count).ok()).unwrap_or(HEALTH.at_least),
        open,
    })
}
