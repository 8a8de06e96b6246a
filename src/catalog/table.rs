//! `models.csv`, read once. A line that cannot be read is left out; a test says that there is none.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::tokens::Tokenizer;
use super::{Confidence, Entry, Prices, Tier};
use crate::config::Dialect;

static CSV: &str = include_str!("models.csv");

static BUILTIN: LazyLock<BTreeMap<String, Entry>> = LazyLock::new(|| {
    let entries = rows().filter_map(entry);
    entries.map(|entry| (entry.model.clone(), entry)).collect()
});

pub(super) fn builtin() -> &'static BTreeMap<String, Entry> {
    &BUILTIN
}

/// The lines `# key: value` at the head of the file.
pub(super) fn notes(key: &'static str) -> impl Iterator<Item = &'static str> {
    CSV.lines().filter_map(move |line| line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(": "))
}

fn rows() -> impl Iterator<Item = &'static str> {
    CSV.lines().filter(|line| !line.starts_with('#')).skip(1)
}

fn entry(row: &str) -> Option<Entry> {
    let fields: Vec<&str> = row.split(',').collect();
    let [
        owner,
        model,
        tokenizer,
        input,
        cached,
        cache_write,
        output,
        context,
        max_output,
        flags,
        tiers,
        sure,
    ] = fields.as_slice()
    else {
        return None;
    };
    let mut entry = Entry::unknown(model);
    entry.owner = Some(dialect(owner)?);
    entry.tokenizer = Tokenizer::ALL.into_iter().find(|known| known.name() == *tokenizer)?;
    entry.input = price(input)?;
    entry.cached_input = price(cached)?;
    entry.cache_write = price(cache_write)?;
    entry.output = price(output)?;
    entry.context = number(context)?;
    entry.max_output = number(max_output)?;
    for flag in flags.split_whitespace() {
        match flag {
            "reasoning" => entry.reasoning = true,
            "no_sampling" => entry.sampling = false,
            "tools" => entry.tools = true,
            "vision" => entry.vision = true,
            "schema" => entry.schema = true,
            "embedding" => entry.embedding = true,
            _ => return None,
        }
    }
    entry.tiers = tiers.split_whitespace().map(tier).collect::<Option<_>>()?;
    entry.confidence = match *sure {
        "high" => Confidence::High,
        "medium" => Confidence::Medium,
        "conflict" => Confidence::Conflict,
        _ => return None,
    };
    Some(entry)
}

fn tier(text: &str) -> Option<Tier> {
    let fields: Vec<&str> = text.split(':').collect();
    let [above, input, cached, cache_write, output] = fields.as_slice() else { return None };
    let prices = Prices {
        input: price(input)?,
        cached_input: price(cached)?,
        cache_write: price(cache_write)?,
        output: price(output)?,
    };
    Some(Tier { above: above.parse().ok()?, prices })
}

fn dialect(name: &str) -> Option<Dialect> {
    Some(match name {
        "openai" => Dialect::OpenAi,
        "azure_openai" => Dialect::AzureOpenAi,
        "anthropic" => Dialect::Anthropic,
        "gemini" => Dialect::Gemini,
        "deepseek" => Dialect::DeepSeek,
        "qwen" => Dialect::Qwen,
        "mistral" => Dialect::Mistral,
        "openrouter" => Dialect::OpenRouter,
        _ => return None,
    })
}

/// Dollars with up to six decimals as micro-dollars; empty as unknown.
fn price(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = whole.parse().ok()?;
    let micro: u64 = if decimals.len() > 6 { return None } else { format!("{decimals:0<6}").parse().ok()? };
    whole.checked_mul(1_000_000)?.checked_add(micro).map(Some)
}

fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_can_be_read_and_no_model_is_there_twice() {
        for row in rows() {
            assert!(entry(row).is_some(), "{row}");
        }
        assert_eq!(rows().count(), builtin().len());
        assert!(builtin().len() > 90);
    }

    #[test]
    fn the_table_says_when_and_where_from() {
        assert_eq!(notes("as_of").collect::<Vec<_>>().len(), 1);
        assert!(notes("source").count() >= 6);
    }

    #[test]
    fn figures_are_plausible() {
        for entry in builtin().values() {
            let model = &entry.model;
            let Some(input) = entry.input else { panic!("{model} has no price") };
            assert!(entry.output.is_some() || entry.embedding, "{model}");
            assert!((10_000..=20_000_000).contains(&input), "{model}");
            assert!(entry.cached_input.is_none_or(|cached| cached < input), "{model}");
            assert!(entry.cache_write.is_none_or(|write| write > input), "{model}");
            if let (Some(context), Some(max_output)) = (entry.context, entry.max_output) {
                assert!(max_output < context, "{model}");
            }
            let mut below = 0;
            for tier in &entry.tiers {
                assert!(tier.above > below && tier.prices.input > entry.input, "{model}");
                assert!(tier.prices.output >= entry.output, "{model}");
                assert_eq!(tier.prices.cache_write.is_some(), entry.cache_write.is_some(), "{model}");
                below = tier.above;
            }
        }
    }

    #[test]
    fn prices_are_read_to_the_micro_dollar() {
        let read = [price("2.5"), price("0.006"), price("10"), price(""), price("0.083334")];
        assert_eq!(
            read.map(Option::unwrap),
            [Some(2_500_000), Some(6_000), Some(10_000_000), None, Some(83_334)]
        );
        assert_eq!([price("x"), price("1.2345678"), price("-1"), price("1.-2")], [None; 4]);
    }
}
