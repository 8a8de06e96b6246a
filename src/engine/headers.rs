//! What the caller is told in the headers of an answer.

use crate::config::BudgetLimit;
use crate::engine::admit::{MAX_CALLER, OWN_PREFIX};
use crate::engine::exchange::Exchange;
use crate::policy::redaction::AnswerFindings;

impl Exchange {
    /// `x-tollgate-*` headers of an answer.
    pub(super) fn own_headers(&self) -> Vec<(String, String)> {
        // What a caller or a policy wrote may hold anything; a header may not.
        let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        let header = |name: &str, value: String| {
            (format!("{OWN_PREFIX}{name}"), value.chars().take(MAX_CALLER).map(plain).collect::<String>())
        };
        let mut headers = vec![
            header("request-id", self.id.clone()),
            header("decision", self.decision().to_owned()),
            header("redactions", self.tally.redactions.to_string()),
        ];
        if self.tally.truncated > 0 {
            headers.push(header("truncated", self.tally.truncated.to_string()));
        }
        let found = self.answer_findings();
        if found.is_some_and(|found| found.redacted() > 0) {
            let redacted = found.map_or(0, AnswerFindings::redacted);
            headers.push(header("answer-redactions", redacted.to_string()));
        }
        if let Some(planned) = self.planned() {
            headers.push(header("attempts", planned.attempts.len().to_string()));
            if let Some(route) = &planned.plan.route {
                headers.push(header("route", route.clone()));
            }
            let answered = planned.delivered().and_then(|attempt| planned.target(attempt.target));
            if let Some(target) = answered {
                if let Some(provider) = self.policy.config.providers.get(target.provider) {
                    headers.push(header("provider", provider.name.clone()));
                }
                headers.push(header("model", target.model.clone()));
            }
        }
        if let Some(remaining) = self.own_budget_remaining() {
            headers.push(header("budget-remaining", remaining));
        }
        headers
    }

    /// The least that is left in the budgets that are this caller's alone: `NAME=LEFT`.
    pub(super) fn own_budget_remaining(&self) -> Option<String> {
        let config = &self.policy.config;
        let own = |name: &str| {
            let budget = config.budgets.iter().find(|budget| budget.name == name);
            budget.is_some_and(|budget| budget.per.contains(&crate::config::ScopePart::Caller))
        };
        let left = self.tally.budgets.iter().filter(|state| own(&state.name)).map(|state| {
            let left = state.limit.saturating_sub(state.used);
            let budget = config.budgets.iter().find(|budget| budget.name == state.name);
            match budget.map(|budget| budget.limit) {
                Some(BudgetLimit::MicroUsd(_)) => {
                    format!("{}={}.{:06}", state.name, left / 1_000_000, left % 1_000_000)
                }
                _ => format!("{}={left}", state.name),
            }
        });
        let all: Vec<String> = left.collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}
