//! `chains`, `tasks` and `routes`: where a request may go, and what decides it.

use std::collections::BTreeMap;

use crate::config::check::{callers, headers, serving};
use crate::config::error::{expectation, quoted, under_key};
use crate::config::node::{Choice, Node, Report, name, unknown};
use crate::config::source::Tree;
use crate::config::{Chain, Credential, Order, Provider, Route, Target, Task, Timeouts, When};

const ORDERS: [Choice<Order>; 3] =
    [("listed", Some(Order::Listed)), ("cost", Some(Order::Cost)), ("latency", None)];

/// The chains of a policy, and those that routes and budgets make by naming a single target.
pub(super) struct Chains {
    providers: Vec<String>,
    /// As written, sound or not.
    names: Vec<String>,
    chains: BTreeMap<String, Chain>,
}

impl Chains {
    pub fn read(node: Option<Node>, providers: Vec<String>, timeouts: Timeouts, report: &mut Report) -> Self {
        let entries = node.map(|node| node.entries(report)).unwrap_or_default();
        let names = entries.iter().map(|(name, _)| (*name).to_owned()).collect();
        let mut chains = Self { providers, names, chains: BTreeMap::new() };
        for (key, node) in entries {
            let Some(chain) = chains.chain(key, &node, timeouts, report) else { continue };
            chains.chains.insert(key.to_owned(), chain);
        }
        chains
    }

    fn chain(&self, key: &str, node: &Node, timeouts: Timeouts, report: &mut Report) -> Option<Chain> {
        name(key, &node.path, report);
        let fields = node.fields(&["targets", "order", "cluster", "timeouts"], report);
        let targets = fields.require("targets", "list them like [openai/gpt-5.4]", report);
        let targets = targets.map(|node| node.one_or_more(report)).unwrap_or_default();
        let targets: Vec<Target> = targets.iter().filter_map(|node| self.target(node, report)).collect();
        let order = match fields.get("order") {
            Some(node) => node.choice("order", &ORDERS, report),
            None => Some(Order::Listed),
        };
        let cluster = match fields.get("cluster") {
            Some(node) => node.word(report).map(str::to_owned),
            None => Some(key.to_owned()),
        };
        let timeouts = fields.get("timeouts").map(|node| serving::timeouts(Some(node), timeouts, report));
        Some(Chain { name: key.to_owned(), targets, order: order?, cluster: cluster?, timeouts })
    }

    /// `provider/model`; the model may have slashes of its own.
    fn target(&self, node: &Node, report: &mut Report) -> Option<Target> {
        let text = node.word(report)?;
        let Some((provider, model)) = text.split_once('/').filter(|(_, model)| !model.is_empty()) else {
            report.error(
                &node.path,
                format!("{} is not a target; write it like \"openai/gpt-5.4\"", quoted(text)),
            );
            return None;
        };
        let Some(index) = self.providers.iter().position(|known| known == provider) else {
            unknown("provider", provider, &self.providers, &node.path, report);
            return None;
        };
        Some(Target { provider: index, model: model.to_owned() })
    }

    /// The name of the chain that `use` or `downgrade` means. A target stands for the chain of it alone.
    pub fn named(&mut self, node: &Node, report: &mut Report) -> Option<String> {
        if matches!(node.tree, Tree::Map(_)) {
            let fields = node.fields(&["cheapest"], report);
            fields.refuse_unbuilt(&["cheapest"], report);
            return None;
        }
        let text = node.word(report)?;
        if self.names.iter().any(|name| name == text) || self.chains.contains_key(text) {
            return Some(text.to_owned());
        }
        if !text.contains('/') {
            let expected = match self.names.as_slice() {
                [] => "; the policy defines no chain, name a target like \"openai/gpt-5.4\"".to_owned(),
                names => expectation(text, names.iter().map(String::as_str)),
            };
            report.error(&node.path, format!("unknown chain {}{expected}", quoted(text)));
            return None;
        }
        let target = self.target(node, report)?;
        let chain = Chain {
            name: text.to_owned(),
            targets: vec![target],
            order: Order::Listed,
            cluster: String::new(),
            timeouts: None,
        };
        self.chains.insert(text.to_owned(), chain);
        Some(text.to_owned())
    }

    pub fn finish(mut self, providers: &[Provider], report: &mut Report) -> BTreeMap<String, Chain> {
        for chain in self.chains.values_mut() {
            let at = |target: &Target| providers.get(target.provider);
            if chain.cluster.is_empty() {
                let only = chain.targets.first().and_then(at);
                chain.cluster = only.map(|provider| provider.cluster.clone()).unwrap_or_default();
            }
            let passing = |provider: &&Provider| provider.credential == Credential::Passthrough;
            let mut passing: Vec<&str> = chain
                .targets
                .iter()
                .filter_map(at)
                .filter(passing)
                .map(|provider| provider.name.as_str())
                .collect();
            passing.sort_unstable();
            passing.dedup();
            if passing.len() > 1 {
                report.warn(
                    &under_key("chains", &chain.name),
                    &format!(
                        "{} have credential passthrough, but a caller's key goes only to the provider \
                         that it is for: the others answer nobody; give them envoy or {{env: NAME}}",
                        passing.join(", ")
                    ),
                );
            }
        }
        self.chains
    }
}

pub(super) fn tasks(node: Option<Node>, report: &mut Report) -> Vec<Task> {
    let mut all = Vec::new();
    for (key, node) in node.map(|node| node.entries(report)).unwrap_or_default() {
        name(key, &node.path, report);
        let fields = node.fields(&["header", "words", "at_least"], report);
        let header = fields.get("header").and_then(|node| headers::one_match(&node, report));
        let words = fields.get("words").map(|node| node.one_or_more(report)).unwrap_or_default();
        let words: Vec<String> =
            words.iter().filter_map(|node| node.word(report)).map(str::to_owned).collect();
        if fields.is_map() && fields.get("header").is_none() && fields.get("words").is_none() {
            report.error(&node.path, "expected header, words or both: nothing recognises this task");
        }
        let at_least = fields.get("at_least").and_then(|node| {
            let most = words.len().max(1);
            node.integer(1..=most as u64, report)
        });
        let at_least = at_least.and_then(|value| usize::try_from(value).ok()).unwrap_or(1);
        all.push(Task { name: key.to_owned(), header, words, at_least });
    }
    all
}

pub(super) fn routes(
    node: Option<Node>,
    tasks: &[String],
    chains: &mut Chains,
    report: &mut Report,
) -> Vec<Route> {
    let mut all: Vec<Route> = Vec::new();
    let entries = node.map(|node| node.list(report)).unwrap_or_default();
    let last = entries.len().saturating_sub(1);
    for (index, entry) in entries.iter().enumerate() {
        let fields = entry.fields(&["name", "when", "use"], report);
        let named = fields.require("name", "it is what records and metrics call the route", report);
        let name = named.as_ref().and_then(|node| node.name(report));
        if let (Some(node), Some(name)) = (&named, name)
            && all.iter().any(|route| route.name == name)
        {
            report.error(&node.path, format!("{} is the name of an earlier route too", quoted(name)));
        }
        let when = fields.get("when").map(|node| when(&node, tasks, report)).unwrap_or_default();
        if fields.is_map() && is_always(&fields.get("when")) && index < last {
            report.warn(&entry.path, "matches every request, so no later route is ever used");
        }
        let chain = fields.require("use", "name a chain, or a target like \"openai/gpt-5.4\"", report);
        let chain = chain.and_then(|node| chains.named(&node, report));
        if let (Some(name), Some(chain)) = (name, chain) {
            all.push(Route { name: name.to_owned(), when, chain });
        }
    }
    all
}

fn is_always(when: &Option<Node>) -> bool {
    when.as_ref().is_none_or(|node| matches!(node.tree, Tree::Map(map) if map.is_empty()))
}

fn when(node: &Node, tasks: &[String], report: &mut Report) -> When {
    let fields = node.fields(&["model", "task", "caller", "header", "prompt_tokens"], report);
    let models = fields.get("model").map(|node| callers::model_patterns(&node, report)).unwrap_or_default();
    let named = fields.get("task").map(|node| node.one_or_more(report)).unwrap_or_default();
    let tasks =
        named.iter().filter_map(|node| node.reference("task", tasks, report)).map(str::to_owned).collect();
    let callers = fields.get("caller").map(|node| callers::patterns(&node, report)).unwrap_or_default();
    let headers = fields.get("header").map(|node| headers::matches(&node, report)).unwrap_or_default();
    let (mut prompt_tokens_min, mut prompt_tokens_max) = (None, None);
    if let Some(node) = fields.get("prompt_tokens") {
        let bounds = node.fields(&["min", "max"], report);
        let mut bound = |key| bounds.get(key).and_then(|node| node.integer(0..=1_000_000_000, report));
        (prompt_tokens_min, prompt_tokens_max) = (bound("min"), bound("max"));
        if let (Some(min), Some(max)) = (prompt_tokens_min, prompt_tokens_max)
            && min > max
        {
            report.error(&node.path, format!("min {min} is above max {max}: nothing matches"));
        }
    }
    When { models, tasks, callers, headers, prompt_tokens_min, prompt_tokens_max }
}
