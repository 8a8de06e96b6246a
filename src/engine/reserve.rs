//! What a request may use, taken from every budget that applies, or from none.

use std::rc::Rc;

use crate::catalog::{tokens, worst_cost};
use crate::config::{Budget, BudgetLimit, ScopePart, Target};
use crate::engine::exchange::Exchange;
use crate::engine::failure::Failure;
use crate::engine::fit::Cut;
use crate::engine::plan::Plan;
use crate::engine::record::BudgetRecord;
use crate::engine::targets::{Asked, chain_plan};
use crate::engine::{Host, Policy};
use crate::policy::budget::{self, Amount, Decision, Reservation, ReserveError, Scope, State};
use crate::provider::Outline;

impl Exchange {
    /// Looks at all budgets, goes to a cheaper chain where a threshold says so, and takes what the request may use
    /// from every budget that applies, or from none.
    pub(super) fn reserve(
        &mut self,
        plan: &mut Plan,
        asked: &Asked<'_>,
        cut: &mut Option<Cut>,
        host: Host<'_>,
    ) -> Result<Option<Reservation>, Failure> {
        let policy = Rc::clone(&self.policy);
        let config = &policy.config;
        if config.budgets.is_empty() || self.is_free() {
            return Ok(None);
        }
        let priced = self.filter_by_price(plan, asked.outline);
        self.unless(priced)?;
        let unavailable = |_| Failure::LedgerUnavailable;
        let mut visited: Vec<String> = plan.chain.iter().cloned().collect();
        loop {
            let Some(target) = plan.targets.first().cloned() else { return Err(Failure::NoTargetLeft) };
            let tokens = cut.as_ref().map_or(asked.tokens, |cut| cut.tokens);
            let ask = amount(&policy, &target, asked.outline, tokens);
            let header = |name: &str| self.header(name);
            let scope = self.scope(&target, plan, &header);
            let verdict =
                budget::peek(&config.budgets, &scope, &ask, host.now_ms, host.store).map_err(unavailable)?;
            self.tally.budgets = verdict.states.iter().map(budget_record).collect();
            if !policy.enforces() {
                match verdict.decision {
                    Decision::Within => {}
                    Decision::Downgrade(chain) => self.tally.downgraded_to = Some(chain),
                    Decision::Reject { budget, retry_after_seconds } => {
                        let failure = Failure::OverBudget { budget, retry_after: retry_after_seconds };
                        self.tally.would_fail.get_or_insert(failure);
                    }
                }
                let header = |name: &str| self.header(name);
                let scope = self.scope(&target, plan, &header);
                // What a budget cannot count, it does not hold up here.
                return Ok(budget::observe(&config.budgets, &scope, &ask, host.now_ms, host.store).ok());
            }
            match verdict.decision {
                Decision::Within => {}
                Decision::Downgrade(chain) if !visited.contains(&chain) => {
                    let route = plan.route.take();
                    *plan = chain_plan(&policy, &chain).ok_or(Failure::NoTargetLeft)?;
                    plan.route = route;
                    self.filter_by_price(plan, asked.outline)?;
                    self.narrow(plan, asked)?;
                    *cut = self.fit(plan, asked)?;
                    self.line_up(plan, host);
                    self.tally.downgraded_to = Some(chain.clone());
                    visited.push(chain);
                    continue;
                }
                // Already on the cheapest chain that the policy names.
                Decision::Downgrade(_) => {}
                Decision::Reject { budget, retry_after_seconds } => {
                    return Err(Failure::OverBudget { budget, retry_after: retry_after_seconds });
                }
            }
            let header = |name: &str| self.header(name);
            let scope = self.scope(&target, plan, &header);
            return match budget::reserve(&config.budgets, &scope, &ask, host.now_ms, host.store) {
                Ok(reservation) => Ok(Some(reservation)),
                Err(ReserveError::Over { budget, retry_after_seconds }) => {
                    Err(Failure::OverBudget { budget, retry_after: retry_after_seconds })
                }
                Err(ReserveError::Store(_)) => Err(Failure::LedgerUnavailable),
            };
        }
    }

    pub(super) fn scope<'s>(
        &'s self,
        target: &'s Target,
        plan: &'s Plan,
        header: &'s dyn Fn(&str) -> Option<String>,
    ) -> Scope<'s> {
        Scope {
            caller: &self.head.caller,
            model: &target.model,
            provider: self.policy.config.providers.get(target.provider).map_or("", |provider| &provider.name),
            route: plan.route.as_deref().unwrap_or_default(),
            header,
        }
    }
}

/// What a request may use at one target: its prompt with the estimate's margin, and the most that the answer may
/// take. A model without a price costs nothing here, which `tollgate check` warns of.
pub(super) fn amount(policy: &Policy, target: &Target, outline: &Outline, prompt_tokens: u64) -> Amount {
    let entry = policy.catalog.lookup(&target.model);
    let input =
        entry.map_or_else(|| tokens::upper(prompt_tokens), |entry| entry.tokenizer.upper(prompt_tokens));
    let wanted = outline.max_output.unwrap_or(policy.config.output_reserve);
    let output = entry.and_then(|entry| entry.max_output).map_or(wanted, |most| wanted.min(most));
    let output = output.saturating_mul(outline.answers.max(1));
    let worst = entry.and_then(|entry| worst_cost(entry, input, output));
    Amount { tokens: input.saturating_add(output), micro_usd: worst.map_or(0, |cost| cost.0) }
}

pub(super) fn budget_record(state: &State) -> BudgetRecord {
    BudgetRecord {
        name: state.budget.clone(),
        percent: state.percent,
        used: state.used.saturating_add(state.reserved),
        limit: state.limit,
        resets_in_s: state.resets_in_s,
    }
}

impl Exchange {
    /// The attempt goes to another target than the first: what is reserved follows it, to its price and its scopes.
    pub(super) fn move_reservation(
        &mut self,
        index: usize,
        target: &Target,
        host: Host<'_>,
    ) -> Result<(), Failure> {
        let policy = Rc::clone(&self.policy);
        let budgets = &policy.config.budgets;
        let by_target = |part: &ScopePart| matches!(part, ScopePart::Model | ScopePart::Provider);
        let moves = |budget: &Budget| {
            matches!(budget.limit, BudgetLimit::MicroUsd(_)) || budget.per.iter().any(by_target)
        };
        let Some(planned) = self.planned_mut() else { return Ok(()) };
        if planned.reserved_for == index || !budgets.iter().any(moves) {
            return Ok(());
        }
        let Some(outline) = planned.outline.clone() else { return Ok(()) };
        let ask = amount(&policy, target, &outline, planned.prompt_tokens);
        let Some(mut reservation) = planned.reservation.take() else { return Ok(()) };
        let adjusted = {
            let header = |name: &str| self.header(name);
            let Some(plan) = self.planned().map(|planned| &planned.plan) else { return Ok(()) };
            let scope = self.scope(target, plan, &header);
            reservation.adjust(budgets, &scope, &ask, host.now_ms, host.store)
        };
        if let Some(planned) = self.planned_mut() {
            planned.reservation = Some(reservation);
            if adjusted.is_ok() {
                planned.reserved_for = index;
            }
        }
        adjusted.map_err(|error| match error {
            ReserveError::Over { budget, retry_after_seconds } => {
                Failure::OverBudget { budget, retry_after: retry_after_seconds }
            }
            ReserveError::Store(_) => Failure::LedgerUnavailable,
        })
    }
}
