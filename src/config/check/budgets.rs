//! `budgets` and `budget_store`: how much may be used, by whom, and what happens then.

use crate::config::check::headers;
use crate::config::check::routing::Chains;
use crate::config::error::{expectation, quoted};
use crate::config::node::{Choice, Node, Report};
use crate::config::source::Tree;
use crate::config::{Budget, BudgetLimit, OverThreshold, ScopePart, Threshold, Window};

const WINDOWS: [Choice<Window>; 5] = [
    ("minute", Some(Window::Minute)),
    ("hour", Some(Window::Hour)),
    ("day", Some(Window::Day)),
    ("week", Some(Window::Week)),
    ("month", Some(Window::Month)),
];
const STORES: [Choice<()>; 2] = [("local", Some(())), ("rls", None)];
const SCOPES: [&str; 5] = ["caller", "model", "provider", "route", "header:<name>"];

pub(super) fn budgets(
    node: Option<Node>,
    store: Option<Node>,
    chains: &mut Chains,
    report: &mut Report,
) -> Vec<Budget> {
    match store {
        Some(Node { tree: Tree::Map(_), path }) => {
            report.error(&path, "only \"local\" is supported by this version")
        }
        Some(node) => {
            node.choice("budget store", &STORES, report);
        }
        None => {}
    }
    let mut all: Vec<Budget> = Vec::new();
    for node in node.map(|node| node.list(report)).unwrap_or_default() {
        let Some(budget) = budget(&node, chains, report) else { continue };
        if all.iter().any(|other| other.name == budget.name) {
            report.error(
                &format!("{}.name", node.path),
                format!("{} is the name of an earlier budget too", quoted(&budget.name)),
            );
        }
        if matches!(budget.window, Window::Day | Window::Week | Window::Month) {
            let message = "the local store is the memory of one Envoy: \
                 it forgets at a restart and counts for itself, which matters for windows over an hour";
            report.warn(&format!("{}.window", node.path), message);
        }
        all.push(budget);
    }
    all
}

fn budget(node: &Node, chains: &mut Chains, report: &mut Report) -> Option<Budget> {
    let fields = node.fields(&["name", "per", "limit", "window", "at"], report);
    let name = fields.require("name", "it is what records and metrics call the budget", report);
    let name = name.and_then(|node| node.name(report));
    let per = fields.get("per").map(|node| scope(&node, report)).unwrap_or_default();
    let limit = fields.require("limit", "write it like {usd: 50} or {tokens: 2000000}", report);
    let limit = limit.and_then(|node| self::limit(&node, report));
    let window = fields.require("window", "expected one of minute, hour, day, week, month", report);
    let window = window.and_then(|node| node.choice("window", &WINDOWS, report));
    let at = match fields.get("at") {
        Some(node) => thresholds(&node, chains, report),
        None => vec![Threshold { percent: 100, then: OverThreshold::Reject }],
    };
    Some(Budget { name: name?.to_owned(), per, limit: limit?, window: window?, at })
}

fn scope(node: &Node, report: &mut Report) -> Vec<ScopePart> {
    let items = match node.tree {
        Tree::List(_) => node.list(report),
        _ => vec![node.clone()],
    };
    let mut all = Vec::new();
    for item in items {
        let Some(text) = item.word(report) else { continue };
        let part = match (text, text.strip_prefix("header:")) {
            ("caller", _) => Some(ScopePart::Caller),
            ("model", _) => Some(ScopePart::Model),
            ("provider", _) => Some(ScopePart::Provider),
            ("route", _) => Some(ScopePart::Route),
            (_, Some(header)) => headers::name(header, &item.path, report).map(ScopePart::Header),
            _ => {
                report.error(
                    &item.path,
                    format!("unknown scope {}{}", quoted(text), expectation(text, SCOPES)),
                );
                None
            }
        };
        if part.as_ref().is_some_and(|part| all.contains(part)) {
            report.error(&item.path, format!("{} stands here twice", quoted(text)));
        }
        all.extend(part);
    }
    all
}

fn limit(node: &Node, report: &mut Report) -> Option<BudgetLimit> {
    let fields = node.fields(&["usd", "tokens"], report);
    let limit = match (fields.get("usd"), fields.get("tokens")) {
        (Some(usd), None) => BudgetLimit::MicroUsd(usd.usd(report)?),
        (None, Some(tokens)) => BudgetLimit::Tokens(tokens.integer(0..=u64::MAX, report)?),
        _ => {
            if fields.is_map() {
                report.error(&node.path, "expected exactly one of usd, tokens");
            }
            return None;
        }
    };
    if matches!(limit, BudgetLimit::MicroUsd(0) | BudgetLimit::Tokens(0)) {
        report.error(&node.path, "is nothing: every request would be over it");
    }
    Some(limit)
}

fn thresholds(node: &Node, chains: &mut Chains, report: &mut Report) -> Vec<Threshold> {
    let mut all: Vec<Threshold> = Vec::new();
    for node in node.one_or_more(report) {
        let fields = node.fields(&["percent", "downgrade", "reject", "report"], report);
        let written = fields.require("percent", "of the limit, like 80", report);
        let percent = written.as_ref().and_then(|node| node.percent(1..=1000, report));
        if let (Some(node), Some(percent), Some(before)) = (&written, percent, all.last())
            && percent <= before.percent
        {
            report.error(
                &node.path,
                format!(
                    "{percent} is not above {}, the one before; list thresholds in ascending order",
                    before.percent
                ),
            );
        }
        let then = match (fields.get("downgrade"), fields.get("reject"), fields.get("report")) {
            (Some(chain), None, None) => chains.named(&chain, report).map(OverThreshold::Downgrade),
            (None, Some(node), None) => only_true(&node, OverThreshold::Reject, report),
            (None, None, Some(node)) => only_true(&node, OverThreshold::Report, report),
            _ => {
                if fields.is_map() {
                    report.error(
                        &node.path,
                        "expected exactly one of downgrade, reject, report beside percent",
                    );
                }
                None
            }
        };
        if let (Some(percent), Some(then)) = (percent, then) {
            all.push(Threshold { percent, then });
        }
    }
    all
}

fn only_true(node: &Node, then: OverThreshold, report: &mut Report) -> Option<OverThreshold> {
    if node.flag(report)? {
        return Some(then);
    }
    report.error(&node.path, "can only be true; leave the threshold out instead");
    None
}
