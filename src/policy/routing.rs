//! Which chain of targets a request goes to.
//!
//! Rules first, in the order of the policy; a request that none matches goes where it was going anyway: to the
//! provider that it is addressed to, else to the owner of its model, else to the only one there is.

use crate::config::{Access, Chain, Config, Dialect, Order, Pattern, Route, Target, Task};

/// What rules may ask about a request.
pub struct Ask<'a> {
    pub model: &'a str,
    pub caller: &'a str,
    pub prompt_tokens: u64,
    pub tasks: &'a [String],
    pub header: &'a dyn Fn(&str) -> Option<String>,
}

/// The first rule that matches.
pub fn route<'c>(config: &'c Config, ask: &Ask<'_>) -> Option<(&'c Route, &'c Chain)> {
    let route = config.routes.iter().find(|route| holds(route, ask))?;
    Some((route, config.chains.get(&route.chain)?))
}

fn holds(route: &Route, ask: &Ask<'_>) -> bool {
    let when = &route.when;
    (when.models.is_empty() || any(&when.models, ask.model))
        && (when.callers.is_empty() || any(&when.callers, ask.caller))
        && (when.tasks.is_empty() || when.tasks.iter().any(|task| ask.tasks.contains(task)))
        && when.prompt_tokens_min.is_none_or(|min| ask.prompt_tokens >= min)
        && when.prompt_tokens_max.is_none_or(|max| ask.prompt_tokens <= max)
        && when
            .headers
            .iter()
            .all(|(name, pattern)| (ask.header)(name).is_some_and(|value| pattern.matches(&value)))
}

fn any(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

/// The provider of a request that no rule matches. `authority` is the host that it is addressed to, `owner` the
/// kind of provider that makes the model.
pub fn natural_provider(
    config: &Config,
    authority: &str,
    default_host: &dyn Fn(Dialect) -> Option<&'static str>,
    model: &str,
    owner: Option<Dialect>,
) -> Option<usize> {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let addressed = config.providers.iter().position(|provider| {
        provider
            .host
            .as_deref()
            .or_else(|| default_host(provider.dialect))
            .is_some_and(|own| own.eq_ignore_ascii_case(host))
    });
    let named = || config.models.get(model).and_then(|model| model.provider);
    let owned =
        || owner.and_then(|owner| config.providers.iter().position(|provider| provider.dialect == owner));
    let only = || (config.providers.len() == 1).then_some(0);
    addressed.or_else(named).or_else(owned).or_else(only)
}

/// A chain's targets in the order in which they are asked. `price` is any number that grows with the cost.
pub fn ordered(chain: &Chain, price: &dyn Fn(&Target) -> Option<u64>) -> Vec<Target> {
    let mut targets = chain.targets.clone();
    if chain.order == Order::Cost {
        // Stable: targets of one price, and those without a price behind them, stay as listed.
        targets.sort_by_key(|target| price(target).unwrap_or(u64::MAX));
    }
    targets
}

/// Whether `caller` may use `model`, asked for directly or through `chain`.
pub fn may_use(access: &[Access], caller: &str, model: &str, chain: Option<&str>) -> bool {
    access.is_empty()
        || access.iter().any(|entry| {
            any(&entry.callers, caller)
                && (any(&entry.models, model) || chain.is_some_and(|chain| any(&entry.models, chain)))
        })
}

/// How a request came to a target.
pub struct Asked<'a> {
    pub caller: &'a str,
    pub model: &'a str,
    /// The rule's chain.
    pub chain: Option<&'a str>,
    /// The rule asks for the model by this very name, which so stands for the chain.
    pub is_alias: bool,
}

/// Whether the caller may be answered by this target: it may use the chain, the alias that stands for it, or the
/// model that would answer, bare or as `provider/model`.
pub fn may_reach(access: &[Access], asked: &Asked<'_>, provider: &str, model: &str) -> bool {
    access.is_empty()
        || access.iter().filter(|entry| any(&entry.callers, asked.caller)).any(|entry| {
            let may_use = |name: &str| any(&entry.models, name);
            asked.chain.is_some_and(may_use)
                || asked.is_alias && may_use(asked.model)
                || may_use(model)
                || may_use(&format!("{provider}/{model}"))
        })
}

/// Recognises tasks by a header, or by words of the prompt.
#[derive(Debug)]
pub struct TaskMatcher {
    tasks: Vec<(Task, Vec<String>)>,
}

impl TaskMatcher {
    pub fn new(tasks: Vec<Task>) -> Self {
        let lower = |task: &Task| task.words.iter().map(|word| word.to_lowercase()).collect();
        Self {
            tasks: tasks
                .into_iter()
                .map(|task| (lower(&task), task))
                .map(|(words, task)| (task, words))
                .collect(),
        }
    }

    /// Whether any task needs the prompt's words.
    pub fn reads_words(&self) -> bool {
        self.tasks.iter().any(|(_, words)| !words.is_empty())
    }

    /// The names of the tasks that apply. `prompt` is in lower case.
    pub fn recognise(&self, prompt: &str, header: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
        let words: std::collections::HashSet<&str> =
            prompt.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let contains = |term: &str| {
            if term.chars().all(char::is_alphanumeric) { words.contains(term) } else { prompt.contains(term) }
        };
        self.tasks
            .iter()
            .filter(|(task, terms)| {
                task.header
                    .as_ref()
                    .is_some_and(|(name, pattern)| header(name).is_some_and(|value| pattern.matches(&value)))
                    || (!terms.is_empty()
                        && terms.iter().filter(|term| contains(term)).count() >= task.at_least.max(1))
            })
            .map(|(task, _)| task.name.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_reached_by_its_chain_its_alias_or_its_own_name() {
        let list = |models: &[&str]| {
            let pattern = |text: &&str| Pattern((*text).to_owned());
            vec![Access {
                callers: vec![Pattern("a".to_owned())],
                models: models.iter().map(pattern).collect(),
            }]
        };
        let asked = |caller, is_alias| Asked { caller, model: "smart", chain: Some("premium"), is_alias };
        let reach =
            |models: &[&str], is_alias| may_reach(&list(models), &asked("a", is_alias), "openai", "gpt-5.4");
        assert!(may_reach(&[], &asked("b", false), "openai", "gpt-5.4"), "no list, no limit");
        assert!(!may_reach(&list(&["*"]), &asked("b", true), "openai", "gpt-5.4"), "another caller's list");
        for listed in ["premium", "gpt-5.4", "gpt-*", "openai/gpt-5.4", "openai/*"] {
            assert!(reach(&[listed], false), "{listed}");
        }
        assert!(
            reach(&["smart"], true) && !reach(&["smart"], false),
            "an alias stands for its chain, a model does not"
        );
        assert!(!reach(&["economy", "azure/*", "gpt-5.4-mini"], true));
    }
}
