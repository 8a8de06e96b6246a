//! What models of different ages take, by their names.

/// Models before 4.6: they think for a number of tokens, and go on with an answer that is begun for them.
pub(super) fn thinks_by_budget(model: &str) -> bool {
    model.contains("-4-5") || !takes_schema(model)
}

/// Models since 4.5: an answer can be held to a schema.
pub(super) fn takes_schema(model: &str) -> bool {
    const BEFORE: [&str; 6] = ["-4-0", "-4-1", "-4-2", "-4@", "claude-3", "claude-2"];
    !BEFORE.iter().any(|part| model.contains(part)) && !model.ends_with("-4")
}

/// Whether an answer may be begun for the model.
pub(super) fn continues(model: &str) -> bool {
    thinks_by_budget(model)
}

/// Models whose thinking cannot be turned off. A tool cannot be forced on them.
pub(super) fn always_thinks(model: &str) -> bool {
    const ALWAYS: [&str; 4] = ["opus-5-5", "sonnet-5-5", "fable", "mythos"];
    ALWAYS.iter().any(|part| model.contains(part))
}

/// The least that the API takes.
const LEAST_BUDGET: u64 = 1024;

/// At most half of what the answer may take, since thinking counts towards it. `None`: that is less than the least.
pub(super) fn bounded(budget: u64, max_tokens: u64) -> Option<u64> {
    Some(budget.min(max_tokens / 2)).filter(|budget| *budget >= LEAST_BUDGET)
}

pub(super) fn effort_to_budget(effort: &str, max_tokens: u64) -> Option<u64> {
    let budget = match effort {
        "minimal" | "low" => LEAST_BUDGET,
        "medium" => 4096,
        _ => 16384,
    };
    bounded(budget, max_tokens)
}

/// The word that comes nearest.
pub(super) fn effort_of(budget: u64) -> &'static str {
    match budget {
        0..=2047 => "low",
        2048..=8191 => "medium",
        _ => "high",
    }
}
