//! What a call costs: exact, rounded up once.
//!
//! A price in micro-dollars per million tokens *is* a price in pico-dollars per token, so a call is a sum of whole
//! products and nothing is lost before the end.

use super::Entry;

/// A millionth of a US dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct MicroUsd(pub u64);

/// Tokens of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// The whole prompt, the next two included.
    pub input: u64,
    pub cached: u64,
    pub cache_write: u64,
    /// The whole answer, reasoning included.
    pub output: u64,
}

/// In micro-dollars per million tokens; `None` as in [`Entry`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prices {
    pub input: Option<u64>,
    pub cached_input: Option<u64>,
    pub cache_write: Option<u64>,
    pub output: Option<u64>,
}

/// `None` where a price that the usage needs is unknown.
///
/// Only `input` and `output` can be: cached tokens without a price of their own cost what input costs, which is
/// never too little.
pub fn cost(entry: &Entry, usage: &Usage) -> Option<MicroUsd> {
    let Prices { input, cached_input, cache_write, output } = entry.prices(usage.input);
    let plain = usage.input.saturating_sub(usage.cached).saturating_sub(usage.cache_write);
    sum([
        (plain, input),
        (usage.cached, cached_input.or(input)),
        (usage.cache_write, cache_write.or(input)),
        (usage.output, output),
    ])
}

/// The most that a call of so many tokens can cost, whatever the provider's cache does. What to reserve.
pub fn worst_cost(entry: &Entry, input: u64, output: u64) -> Option<MicroUsd> {
    let prices = entry.prices(input);
    // An unknown price of input stays unknown.
    let dearest = prices.input.map(|plain| plain.max(prices.cache_write.unwrap_or(plain)));
    sum([(input, dearest), (output, prices.output)])
}

fn sum<const N: usize>(parts: [(u64, Option<u64>); N]) -> Option<MicroUsd> {
    let mut pico_usd: u128 = 0;
    for (tokens, price) in parts {
        if tokens > 0 {
            pico_usd = pico_usd.saturating_add(u128::from(tokens) * u128::from(price?));
        }
    }
    Some(MicroUsd(u64::try_from(pico_usd.div_ceil(1_000_000)).unwrap_or(u64::MAX)))
}

impl Entry {
    /// For a prompt of so many tokens.
    pub fn prices(&self, prompt_tokens: u64) -> Prices {
        let tier = self.tiers.iter().rev().find(|tier| prompt_tokens > tier.above);
        tier.map_or(
            Prices {
                input: self.input,
                cached_input: self.cached_input,
                cache_write: self.cache_write,
                output: self.output,
            },
            |tier| tier.prices,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn price(model: &str, input: u64, cached: u64, cache_write: u64, output: u64) -> Option<u64> {
        let catalog = Catalog::default();
        let usage = Usage { input, cached, cache_write, output };
        cost(catalog.lookup(model).unwrap(), &usage).map(|cost| cost.0)
    }

    #[test]
    fn costs_are_those_of_a_hand_computed_table() {
        // 400 × 2 + 600 × 0.5 + 100 × 8
        assert_eq!(price("gpt-4.1", 1_000, 600, 0, 100), Some(1_900));
        // 1,000 × 3 + 6,000 × 0.3 + 3,000 × 3.75 + 500 × 15
        assert_eq!(price("claude-sonnet-4-5", 10_000, 6_000, 3_000, 500), Some(23_550));
        // 1,234 × 0.3 + 567 × 2.5 = 370.2 + 1,417.5
        assert_eq!(price("gemini-2.5-flash", 1_234, 0, 0, 567), Some(1_788));
        // 1 × 0.05 + 1 × 0.4
        assert_eq!(price("gpt-5-nano", 1, 0, 0, 1), Some(1));
        assert_eq!(price("gpt-5-nano", 0, 0, 0, 0), Some(0));
        // 7 × 0.3 + 93 × 0.006 + 11 × 1.2 = 2.1 + 0.558 + 13.2
        assert_eq!(price("deepseek-v4-flash", 100, 93, 0, 11), Some(16));
    }

    #[test]
    fn a_long_prompt_is_dearer_as_a_whole() {
        // 200,000 × 4 + 100,000 × 0.4 + 10,000 × 15
        assert_eq!(price("gpt-6-sol", 300_000, 100_000, 0, 10_000), Some(990_000));
        assert_eq!(price("gpt-6-sol", 272_000, 0, 0, 0), Some(544_000));
        assert_eq!(price("gpt-6-sol", 272_001, 0, 0, 0), Some(1_088_004));
        assert_eq!(price("qwen3-max", 128_001, 0, 0, 0), Some(384_003));
        assert_eq!(price("qwen3-max", 128_000, 0, 0, 0), Some(307_200));
    }

    #[test]
    fn cached_tokens_without_a_price_of_their_own_cost_like_any() {
        assert_eq!(price("qwen-max", 1_000, 1_000, 0, 0), Some(1_600));
        assert_eq!(price("gpt-5.5", 1_000, 0, 1_000, 0), Some(5_000));
    }

    #[test]
    fn an_unknown_price_is_not_free() {
        assert_eq!(price("mistral-embed", 1_000, 0, 0, 0), Some(100));
        assert_eq!(price("mistral-embed", 1_000, 0, 0, 1), None);
        let entry = Entry::unknown("x");
        assert_eq!(worst_cost(&entry, 1, 0), None);
        assert_eq!(cost(&entry, &Usage { cached: 1, ..Usage::default() }), None);
    }

    #[test]
    fn the_worst_case_is_never_below_the_cost() {
        for entry in Catalog::default().entries().filter(|entry| !entry.embedding) {
            for input in [0, 1, 999, 100_001, 272_001, 1_000_000] {
                let worst = worst_cost(entry, input, 77).unwrap();
                for (cached, cache_write) in [(0, 0), (input, 0), (0, input), (input / 3, input / 2)] {
                    let usage = Usage { input, cached, cache_write, output: 77 };
                    assert!(cost(entry, &usage).unwrap() <= worst, "{} {usage:?}", entry.model);
                }
            }
        }
    }

    #[test]
    fn figures_at_the_end_of_their_range_do_not_overflow() {
        let catalog = Catalog::default();
        let entry = catalog.lookup("gpt-6-astra").unwrap();
        assert_eq!(worst_cost(entry, u64::MAX, u64::MAX), Some(MicroUsd(u64::MAX)));
        assert_eq!(price("gpt-4.1", 1, 5, 5, 0), Some(13)); // 5 × 0.5 + 5 × 2: parts that exceed their whole
    }
}
