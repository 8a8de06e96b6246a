//! What models the policy offers to a caller: the list that its SDK asks for, answered here and by no provider.

use std::collections::BTreeSet;

use crate::config::{Chain, Pattern, Route, Target};
use crate::engine::Policy;
use crate::engine::effect::{Reply, Step};
use crate::engine::exchange::{Exchange, Phase};
use crate::engine::failure::Failure;
use crate::policy::routing;
use crate::provider;
use crate::provider::listing::Card;

impl Exchange {
    /// The answer to a caller that asks for models. In observe mode it is its provider's to give.
    pub(super) fn list_models(&mut self) -> Result<Step, Failure> {
        let Some(listing) = self.head.listing.clone().filter(|_| self.policy.enforces()) else {
            return Ok(self.pass_by());
        };
        let body = match &listing.model {
            None => listing.all(&self.offers()),
            // A caller may ask for what no list names, if the table knows it.
            Some(name) => {
                let known = |name: &str| self.policy.catalog.lookup(name).is_some();
                let card = self.card(name).filter(|_| self.named().contains(name.as_str()) || known(name));
                listing.one(&card.ok_or(Failure::ModelUnknown)?)
            }
        };
        self.phase = Phase::Answered;
        self.tally.status = Some(200);
        self.tally.ended = true;
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(self.own_headers());
        Ok(Step::reply(Reply { status: 200, headers, body }))
    }

    fn offers(&self) -> Vec<Card> {
        let named = self.named();
        if !named.is_empty() {
            return named.iter().filter_map(|name| self.card(name)).collect();
        }
        // A policy that names no model offers what its providers are known to have.
        self.policy.catalog.entries().filter_map(|entry| self.card(&entry.model)).collect()
    }

    /// Every model that the policy names.
    fn named(&self) -> BTreeSet<&str> {
        names(&self.policy).collect()
    }

    /// `None`: the model cannot be asked for, or not by this caller.
    fn card(&self, name: &str) -> Option<Card> {
        let config = &self.policy.config;
        let may_ask = |chain: Option<&str>| routing::may_use(&config.access, &self.head.caller, name, chain);
        // Tasks, headers and lengths are of a request: any may come with this name.
        let may_take = |route: &&Route| {
            let of = |patterns: &[Pattern], text: &str| patterns.iter().any(|pattern| pattern.matches(text));
            (route.when.callers.is_empty() || of(&route.when.callers, &self.head.caller))
                && of(&route.when.models, name)
                && may_ask(Some(&route.chain))
        };
        let routed = config.routes.iter().filter(may_take);
        let mut chosen = routed.filter_map(|route| Some((route, config.chains.get(&route.chain)?)));
        let natural = || {
            let provider = self.natural_provider(name)?;
            may_ask(None).then(|| vec![Target { provider, model: name.to_owned() }])
        };
        let targets = chosen
            .find_map(|chosen| {
                let reached = |target: &&Target| self.may_reach(name, Some(chosen), target);
                let targets: Vec<Target> = chosen.1.targets.iter().filter(reached).cloned().collect();
                (!targets.is_empty()).then_some(targets)
            })
            .or_else(natural)?;
        let catalog = &self.policy.catalog;
        // Of a name that only the policy knows, what every one of its targets can do.
        let own = catalog.lookup(name);
        let entries: Vec<_> = match own {
            Some(entry) => vec![entry],
            None => targets.iter().filter_map(|target| catalog.lookup(&target.model)).collect(),
        };
        let by_table = catalog.owner(name).and_then(provider::vendor).map(|vendor| vendor.name());
        let by_policy = config.models.get(name).and_then(|model| config.providers.get(model.provider?));
        let owner = by_table.or(by_policy.map(|provider| provider.name.as_str())).unwrap_or("tollgate");
        let all =
            |has: fn(&crate::catalog::Entry) -> bool| !entries.is_empty() && entries.iter().all(|it| has(it));
        Some(Card {
            name: name.to_owned(),
            owner: owner.to_owned(),
            context: entries.iter().filter_map(|entry| entry.context).min(),
            max_output: entries.iter().filter_map(|entry| entry.max_output).min(),
            tools: all(|entry| entry.tools),
            vision: all(|entry| entry.vision),
            embedding: all(|entry| entry.embedding),
        })
    }

    /// Whether this caller may be answered by `target` when it asks for `model`, which the rule sends there.
    pub(super) fn may_reach(&self, model: &str, chosen: Option<(&Route, &Chain)>, target: &Target) -> bool {
        let config = &self.policy.config;
        let asked = routing::Asked {
            caller: &self.head.caller,
            model,
            chain: chosen.map(|(_, chain)| chain.name.as_str()),
            is_alias: chosen.is_some_and(|(route, _)| route.when.models.iter().any(|known| known.0 == model)),
        };
        let provider = config.providers.get(target.provider).map_or("", |provider| &provider.name);
        routing::may_reach(&config.access, &asked, provider, &target.model)
    }
}

/// Aliases, which are the exact names that routes ask for, the models of targets, and those with prices of their own.
fn names(policy: &Policy) -> impl Iterator<Item = &str> {
    let config = &policy.config;
    let asked = config.routes.iter().flat_map(|route| &route.when.models).map(|pattern| pattern.0.as_str());
    let targets = config.chains.values().flat_map(|chain| &chain.targets).map(|target| target.model.as_str());
    let aliases = asked.filter(|name| !name.contains('*'));
    aliases.chain(targets).chain(config.models.keys().map(String::as_str))
}

impl Policy {
    /// Patterns of `access` that stand for nothing that could be asked for, each with its path.
    pub fn idle_access(&self) -> Vec<String> {
        let config = &self.config;
        let chains = || config.chains.keys().map(String::as_str);
        let routed = || config.routes.iter().flat_map(|route| &route.when.models);
        let targets = || config.chains.values().flat_map(|chain| &chain.targets);
        let with_provider = |target: &Target| {
            let provider = config.providers.get(target.provider);
            format!("{}/{}", provider.map_or("", |provider| &provider.name), target.model)
        };
        let served = |name: &str| {
            let owner = self.catalog.owner(name);
            config.providers.len() == 1
                || config.providers.iter().any(|provider| Some(provider.dialect) == owner)
        };
        let means_something = |pattern: &Pattern| {
            let stem = pattern.0.strip_suffix('*').unwrap_or(&pattern.0);
            let open = stem.len() < pattern.0.len();
            let overlaps = |other: &Pattern| {
                let beginning = other.0.strip_suffix('*').unwrap_or(&other.0);
                beginning.len() < other.0.len()
                    && (stem.starts_with(beginning) || open && beginning.starts_with(stem))
            };
            chains().chain(names(self)).any(|name| pattern.matches(name))
                || routed().any(overlaps)
                || targets().any(|target| pattern.matches(&with_provider(target)))
                || served(stem)
                || self.catalog.entries().any(|entry| pattern.matches(&entry.model) && served(&entry.model))
        };
        let mut warnings = Vec::new();
        for (index, entry) in config.access.iter().enumerate() {
            let idle = entry.models.iter().filter(|pattern| !means_something(pattern));
            warnings.extend(idle.map(|pattern| {
                format!("access[{index}].models: {:?} is no model, alias or chain of this policy", pattern.0)
            }));
            let nobody =
                |pattern: &&Pattern| config.callers.identify.is_empty() && !pattern.matches("unknown");
            warnings.extend(entry.callers.iter().filter(nobody).map(|pattern| {
                format!(
                    "access[{index}].caller: {:?} is nobody: callers.identify names no source, so every caller is \"unknown\"",
                    pattern.0
                )
            }));
        }
        warnings
    }
}
