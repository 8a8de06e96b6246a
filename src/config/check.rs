//! From what was written to what is meant: reads the tree once, top to bottom, and reports every fault.
//!
//! One file for each group of sections. A section reads itself with its defaults; names that one section takes from
//! another (providers, chains, tasks) are collected first, so that a fault in a provider is not reported again at
//! each target that names it. What the document's contract knows but this version does not do is refused by name.

mod budgets;
mod callers;
mod data;
mod detection;
mod headers;
mod providers;
mod recovery;
mod routing;
mod serving;

use sha2::{Digest, Sha256};

use super::node::{Choice, Node, Report};
use super::source::Tree;
use super::{Config, Mode, RecordContent};

const SECTIONS: [&str; 23] = [
    "version",
    "mode",
    "callers",
    "access",
    "providers",
    "models",
    "chains",
    "routes",
    "tasks",
    "data",
    "endpoints",
    "limits",
    "retention",
    "budgets",
    "output_reserve",
    "budget_store",
    "timeouts",
    "recovery",
    "health",
    "drop",
    "experiments",
    "evaluation",
    "record",
];
const NOT_BUILT: [&str; 2] = ["experiments", "evaluation"];

const MODES: [Choice<Mode>; 2] = [("enforce", Some(Mode::Enforce)), ("observe", Some(Mode::Observe))];
const RECORD_CONTENTS: [Choice<RecordContent>; 2] =
    [("never", Some(RecordContent::Never)), ("redacted", None)];

/// `None` when a section could not be made; the report says why. With errors in the report the result means nothing.
pub(super) fn check(tree: &Tree, report: &mut Report) -> Option<Config> {
    let root = Node { tree, path: String::new() };
    if !matches!(tree, Tree::Map(_)) {
        report.error(
            "",
            format!("expected a policy, a map with version and providers, found {}", root.shown()),
        );
        return None;
    }
    let root = root.fields(&SECTIONS, report);
    root.refuse_unbuilt(&NOT_BUILT, report);

    if let Some(version) = root.require("version", "write \"version: 1\"", report)
        && version.integer(0..=u64::MAX, report).is_some_and(|version| version != 1)
    {
        report.error("version", format!("{} is not supported; this version reads 1", version.shown()));
    }
    let mode = match root.get("mode") {
        Some(node) => node.choice("mode", &MODES, report),
        None => Some(Mode::Enforce),
    };
    let callers = callers::callers(root.get("callers"), report);
    let access = callers::access(root.get("access"), report);

    let hint = "name at least one, like \"openai: {dialect: openai}\"";
    let written = root.require("providers", hint, report);
    let provider_names = names(&root.get("providers"));
    let providers = written.and_then(|node| providers::providers(&node, report));
    let models = providers::models(root.get("models"), &provider_names, report);

    let timeouts = serving::timeouts(root.get("timeouts"), serving::TIMEOUTS, report);
    let tasks = routing::tasks(root.get("tasks"), report);
    let task_names = names(&root.get("tasks"));
    let mut chains = routing::Chains::read(root.get("chains"), provider_names, timeouts, report);
    let routes = routing::routes(root.get("routes"), &task_names, &mut chains, report);
    let data = data::data(root.get("data"), report);
    let budgets = budgets::budgets(root.get("budgets"), root.get("budget_store"), &mut chains, report);

    let endpoints = serving::endpoints(root.get("endpoints"), report);
    let limits = serving::limits(root.get("limits"), report);
    let retention = serving::retention(root.get("retention"), report);
    let output_reserve = match root.get("output_reserve") {
        Some(node) => node.integer(1..=10_000_000, report),
        None => Some(4096),
    };
    let recovery = recovery::recovery(root.get("recovery"), &mut chains, report);
    let health = recovery::health(root.get("health"), report);
    let drop = serving::drop(root.get("drop"), report);
    let record = root.get("record").map(|node| node.fields(&["content"], report));
    let record_content = match record.and_then(|record| record.get("content")) {
        Some(node) => node.choice("content", &RECORD_CONTENTS, report),
        None => Some(RecordContent::Never),
    };

    let (providers, data) = (providers?, data?);
    let chains = chains.finish(&providers, report);
    data::warn_of_unreachable_classes(&data.classes, &providers, report);
    Some(Config {
        hash: hash(tree),
        mode: mode?,
        callers,
        access,
        providers,
        models,
        chains,
        routes,
        tasks,
        data,
        endpoints,
        limits,
        retention,
        budgets,
        output_reserve: output_reserve?,
        timeouts,
        recovery,
        health,
        drop,
        record_content: record_content?,
        warnings: Vec::new(),
    })
}

/// The keys of a section that is a map of names, whether or not their values are sound.
fn names(section: &Option<Node>) -> Vec<String> {
    match section.as_ref().map(|node| node.tree) {
        Some(Tree::Map(map)) => map.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

fn hash(tree: &Tree) -> String {
    Sha256::digest(tree.canonical()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
