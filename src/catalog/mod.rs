//! What is known of models: prices, context windows, what they take, and how they count tokens.
//!
//! The figures are data with a source and a date (`models.csv`), because they change every month and the code does
//! not. They are read at the first question and can be corrected by the policy. An unknown price is unknown, never
//! zero: [`cost`] then answers `None`, and whoever asks decides what that means.
//!
//! ```
//! use tollgate::catalog::{Catalog, Usage, cost};
//!
//! let catalog = Catalog::default();
//! let entry = catalog.lookup("gpt-4.1-2025-04-14").unwrap();
//! let usage = Usage { input: 1_000, cached: 600, cache_write: 0, output: 100 };
//! assert_eq!(cost(entry, &usage).unwrap().0, 1_900); // 400 × $2 + 600 × $0.50 + 100 × $8, per million
//! ```
//!
//! It refuses to know requests, providers' wire formats, and the time.

mod price;
mod table;
pub mod tokens;

pub use price::{MicroUsd, Prices, Usage, cost, worst_cost};

use std::collections::BTreeMap;

use crate::config::{Dialect, Model};
use tokens::Tokenizer;

/// The models that come with the module, under those of one policy.
#[derive(Debug, Default)]
pub struct Catalog {
    policy: BTreeMap<String, Entry>,
}

/// Everything that is known of one model. Prices in micro-dollars per million tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub model: String,
    /// `None` for a model that only the policy knows.
    pub owner: Option<Dialect>,
    pub tokenizer: Tokenizer,
    pub input: Option<u64>,
    /// Read from a prompt cache. `None`: like `input`.
    pub cached_input: Option<u64>,
    /// Written to a prompt cache. `None`: like `input`.
    pub cache_write: Option<u64>,
    pub output: Option<u64>,
    /// What replaces the prices above for long prompts, ascending.
    pub tiers: Vec<Tier>,
    /// Prompt and answer together.
    pub context: Option<u64>,
    /// The longest answer, where it has a bound of its own.
    pub max_output: Option<u64>,
    /// An OpenAI reasoning model: refuses `max_tokens` and wants `max_completion_tokens`.
    pub reasoning: bool,
    /// Takes `temperature`, `top_p` and the like. False only where that is known.
    pub sampling: bool,
    /// Known to take tools.
    pub tools: bool,
    /// Known to take images.
    pub vision: bool,
    /// Known to take a schema for its answer.
    pub schema: bool,
    pub embedding: bool,
    pub confidence: Confidence,
}

/// The prices of a request whose prompt has more than `above` tokens: of all its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    pub above: u64,
    pub prices: Prices,
}

/// How sure the figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// Two sources agree.
    High,
    /// One source.
    Medium,
    /// Two sources disagree.
    Conflict,
    /// The policy says so.
    Policy,
}

impl Catalog {
    /// With what the policy sets over it. A price that the policy gives holds for prompts of every length.
    pub fn with(models: &BTreeMap<String, Model>) -> Self {
        let builtin = Self::default();
        let corrected = |(name, model): (&String, &Model)| {
            let known = builtin.lookup(name).cloned();
            let entry = Entry { model: name.clone(), ..known.unwrap_or_else(|| Entry::unknown(name)) };
            (name.clone(), entry.corrected(model))
        };
        Self { policy: models.iter().map(corrected).collect() }
    }

    /// By its name; else by the name without `models/` before it or a date, version number or `-latest` behind
    /// it; else by the name with `-latest`.
    pub fn lookup(&self, model: &str) -> Option<&Entry> {
        let exact = |name: &str| self.policy.get(name).or_else(|| table::builtin().get(name));
        if let Some(entry) = exact(model) {
            return Some(entry);
        }
        let name = model.strip_prefix("models/").unwrap_or(model);
        let undated = undated(name);
        exact(name)
            .or_else(|| exact(undated))
            .or_else(|| exact(undated.strip_suffix("-latest")?))
            .or_else(|| exact(&format!("{name}-latest")))
    }

    /// Whose model it is, by the table or by what its name begins with.
    pub fn owner(&self, model: &str) -> Option<Dialect> {
        self.lookup(model).and_then(|entry| entry.owner).or_else(|| owner_by_prefix(model))
    }

    /// All models, those of the policy in place of those that they correct, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        let kept = |entry: &&Entry| !self.policy.contains_key(&entry.model);
        let mut entries: Vec<&Entry> =
            table::builtin().values().filter(kept).chain(self.policy.values()).collect();
        entries.sort_by(|a, b| a.model.cmp(&b.model));
        entries.into_iter()
    }

    /// When the figures were right, as YYYY-MM-DD.
    pub fn as_of() -> &'static str {
        table::notes("as_of").next().unwrap_or_default()
    }

    /// Where the figures are from.
    pub fn sources() -> impl Iterator<Item = &'static str> {
        table::notes("source")
    }
}

impl Entry {
    fn unknown(model: &str) -> Self {
        let owner = owner_by_prefix(model);
        let tokenizer = match owner {
            Some(Dialect::Anthropic) => Tokenizer::ClaudeNew,
            Some(Dialect::Gemini) => Tokenizer::Gemma,
            Some(Dialect::DeepSeek) => Tokenizer::DeepSeek,
            Some(Dialect::Qwen) => Tokenizer::Qwen,
            Some(Dialect::Mistral) => Tokenizer::Tekken,
            _ => Tokenizer::O200k,
        };
        Self {
            model: model.to_owned(),
            owner,
            tokenizer,
            input: None,
            cached_input: None,
            cache_write: None,
            output: None,
            tiers: Vec::new(),
            context: None,
            max_output: None,
            reasoning: false,
            sampling: true,
            tools: false,
            vision: false,
            schema: false,
            embedding: false,
            confidence: Confidence::Policy,
        }
    }

    fn corrected(mut self, by: &Model) -> Self {
        let prices = [by.input, by.cached_input, by.output];
        let [input, cached_input, output] = prices;
        self.input = input.or(self.input);
        self.cached_input = cached_input.or(self.cached_input);
        self.output = output.or(self.output);
        for Tier { prices, .. } in &mut self.tiers {
            prices.input = input.or(prices.input);
            prices.cached_input = cached_input.or(prices.cached_input);
            prices.output = output.or(prices.output);
        }
        self.context = by.context.or(self.context);
        self.max_output = by.max_output.or(self.max_output);
        if prices.iter().any(Option::is_some) {
            self.confidence = Confidence::Policy;
        }
        self
    }
}

/// Without a date (`-2025-04-14`, `-20250929`, `@20250929`) or a three-digit version (`-001`) at the end. Shorter
/// numbers stay: they name models of their own (`mistral-small-2506`, `gpt-4-0613`), often at another price.
fn undated(name: &str) -> &str {
    let patterns: [&[u8]; 4] = [b"-0000-00-00", b"-00000000", b"@00000000", b"-000"];
    let ends_like = |pattern: &[u8]| {
        let (head, tail) = name.split_at_checked(name.len().checked_sub(pattern.len())?)?;
        let like =
            |(byte, like): (u8, &u8)| if *like == b'0' { byte.is_ascii_digit() } else { byte == *like };
        tail.bytes().zip(pattern).all(like).then_some(head)
    };
    patterns.into_iter().find_map(ends_like).unwrap_or(name)
}

/// What a name begins with, where the table does not have it.
const PREFIXES: [(&str, Dialect); 18] = [
    ("gpt-", Dialect::OpenAi),
    ("chatgpt", Dialect::OpenAi),
    ("ft:", Dialect::OpenAi),
    ("o1", Dialect::OpenAi),
    ("o3", Dialect::OpenAi),
    ("o4", Dialect::OpenAi),
    ("text-embedding-", Dialect::OpenAi),
    ("claude", Dialect::Anthropic),
    ("gemini", Dialect::Gemini),
    ("models/gemini", Dialect::Gemini),
    ("deepseek", Dialect::DeepSeek),
    ("qwen", Dialect::Qwen),
    ("qwq", Dialect::Qwen),
    ("mistral", Dialect::Mistral),
    ("open-mi", Dialect::Mistral),
    ("codestral", Dialect::Mistral),
    ("ministral", Dialect::Mistral),
    ("magistral", Dialect::Mistral),
];

fn owner_by_prefix(model: &str) -> Option<Dialect> {
    PREFIXES.iter().find(|(prefix, _)| model.starts_with(prefix)).map(|(_, owner)| *owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(model: &str) -> Option<String> {
        Catalog::default().lookup(model).map(|entry| entry.model.clone())
    }

    #[test]
    fn dated_and_versioned_names_find_their_model() {
        let expected = [
            ("gpt-4.1", "gpt-4.1"),
            ("gpt-4.1-2025-04-14", "gpt-4.1"),
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
            ("claude-opus-4-5@20251101", "claude-opus-4-5"),
            ("claude-haiku-4-5-latest", "claude-haiku-4-5"),
            ("models/gemini-2.5-flash", "gemini-2.5-flash"),
            ("models/gemini-2.5-flash-001", "gemini-2.5-flash"),
            ("mistral-large", "mistral-large-latest"),
            ("qwen-plus-latest", "qwen-plus-latest"),
            ("anthropic/claude-sonnet-5", "anthropic/claude-sonnet-5"),
            ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"), // dearer than gpt-4o
        ];
        for (asked, model) in expected {
            assert_eq!(found(asked).as_deref(), Some(model), "{asked}");
        }
    }

    #[test]
    fn a_name_that_only_looks_alike_is_unknown() {
        for asked in
            ["", "-latest", "gpt-4", "gpt-4.1-turbo", "mistral-small-2506", "claude-sonnet-4-5-2025", "é001"]
        {
            assert_eq!(found(asked), None, "{asked}");
        }
    }

    #[test]
    fn every_model_has_an_owner_by_table_or_by_prefix() {
        let catalog = Catalog::default();
        let owner = |model: &str| catalog.owner(model);
        assert_eq!(owner("o3"), Some(Dialect::OpenAi));
        assert_eq!(owner("o1-preview"), Some(Dialect::OpenAi));
        assert_eq!(owner("gpt-7-unheard-of"), Some(Dialect::OpenAi));
        assert_eq!(owner("claude-next"), Some(Dialect::Anthropic));
        assert_eq!(owner("models/gemini-9-pro"), Some(Dialect::Gemini));
        assert_eq!(owner("deepseek-v9"), Some(Dialect::DeepSeek));
        assert_eq!(owner("qwq-32b"), Some(Dialect::Qwen));
        assert_eq!(owner("magistral-small-2507"), Some(Dialect::Mistral));
        assert_eq!(owner("devstral-medium-latest"), Some(Dialect::Mistral));
        assert_eq!(owner("anthropic/claude-sonnet-5"), Some(Dialect::OpenRouter));
        assert_eq!(owner("house-llama"), None);
    }

    #[test]
    fn the_table_and_the_prefixes_agree() {
        for entry in Catalog::default().entries() {
            if let Some(by_prefix) = owner_by_prefix(&entry.model)
                && !entry.model.contains('/')
            {
                assert_eq!(entry.owner, Some(by_prefix), "{}", entry.model);
            }
        }
    }

    #[test]
    fn a_policy_corrects_a_model_and_adds_one() {
        let models = BTreeMap::from([
            ("gpt-5.4".to_owned(), Model { input: Some(1), context: Some(9), ..Model::default() }),
            ("house-llama".to_owned(), Model { input: Some(0), output: Some(0), ..Model::default() }),
        ]);
        let catalog = Catalog::with(&models);
        let corrected = catalog.lookup("gpt-5.4-2026-03-05").unwrap();
        assert_eq!((corrected.input, corrected.output), (Some(1), Some(15_000_000)));
        assert_eq!((corrected.context, corrected.max_output), (Some(9), Some(128_000)));
        assert_eq!(
            (corrected.tiers[0].prices.input, corrected.tiers[0].prices.output),
            (Some(1), Some(22_500_000))
        );
        let usage = Usage { input: 5_000, cached: 4_000, cache_write: 0, output: 100 };
        assert_eq!(cost(catalog.lookup("house-llama").unwrap(), &usage), Some(MicroUsd(0)));
        assert_eq!(catalog.entries().filter(|entry| entry.model == "gpt-5.4").count(), 1);
    }

    #[test]
    fn reasoning_models_say_what_they_refuse() {
        let catalog = Catalog::default();
        let flags = |model: &str| catalog.lookup(model).map(|entry| (entry.reasoning, entry.sampling));
        assert_eq!(flags("gpt-4.1"), Some((false, true)));
        assert_eq!(flags("o3"), Some((true, false)));
        assert_eq!(flags("gpt-6-sol"), Some((true, true)));
        assert_eq!(flags("claude-opus-5"), Some((false, false)));
    }
}
