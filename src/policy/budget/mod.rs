//! Budgets that hold while many requests are in flight.
//!
//! A budget that is charged after the answer does not hold: a hundred requests that start together all find room.
//! So a request *reserves* the most that it may cost before it is sent, in every budget at once, and *settles* the
//! true figure when it is over, however it ended. [`peek`] says beforehand what the budgets think of it, which is
//! when a cheaper chain can still be chosen; [`reserve`] is what the limit is enforced by.
//!
//! ```
//! use tollgate::config::{Budget, BudgetLimit, OverThreshold, ScopePart, Threshold, Window};
//! use tollgate::policy::budget::{Amount, Scope, reserve};
//! use tollgate::store::MemoryStore;
//!
//! let budgets = [Budget {
//!     name: "team-day".to_owned(),
//!     per: vec![ScopePart::Caller],
//!     limit: BudgetLimit::Tokens(1_000),
//!     window: Window::Day,
//!     at: vec![Threshold { percent: 100, then: OverThreshold::Reject }],
//! }];
//! let scope = Scope { caller: "alice", model: "gpt-4.1", provider: "openai", route: "bulk", header: &|_| None };
//! let (store, now) = (MemoryStore::default(), 1_795_517_417_250);
//!
//! let most = Amount { tokens: 900, micro_usd: 0 };
//! let reservation = reserve(&budgets, &scope, &most, now, &store).unwrap();
//! assert!(reserve(&budgets, &scope, &most, now, &store).is_err());
//!
//! let states = reservation.settle(&Amount { tokens: 120, micro_usd: 0 }, now + 2_000, &store).unwrap();
//! assert_eq!((states[0].used, states[0].reserved), (120, 0));
//! ```
//!
//! **What is promised.** No use is lost and a limit is passed by no more than what requests in flight used beyond
//! what they had reserved. **In which window a request counts:** the one in which it last reserved. If the window
//! ends while it runs, nothing of it is given back to or charged against the next one.
//!
//! It refuses to know what a token costs, how many there are, what time it is, and where ledgers are kept. Every
//! budget applies to every request; one that is kept per header counts the requests without it together.

mod ledger;
mod reservation;
mod scopes;
#[cfg(test)]
mod tests;
pub mod windows;

pub use reservation::{Reservation, ReserveError, charge, observe, reserve};
pub use scopes::MAX_SCOPES;

use crate::config::{Budget, BudgetLimit, OverThreshold};
use crate::store::{Store, StoreError};
use ledger::Ledger;
use scopes::Place;
use windows::Span;

/// Whose request it is and where it goes: what budgets are kept by.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub caller: &'a str,
    pub model: &'a str,
    pub provider: &'a str,
    pub route: &'a str,
    /// A request header's value by its lower-case name.
    pub header: &'a dyn Fn(&str) -> Option<String>,
}

/// What a request may cost, or has cost. Both units, because budgets are in either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    pub tokens: u64,
    pub micro_usd: u64,
}

impl Amount {
    pub const ZERO: Self = Self { tokens: 0, micro_usd: 0 };

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            micro_usd: self.micro_usd.saturating_add(other.micro_usd),
        }
    }

    /// Never below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_sub(other.tokens),
            micro_usd: self.micro_usd.saturating_sub(other.micro_usd),
        }
    }

    /// In the unit that `limit` is in.
    fn measured_as(self, limit: BudgetLimit) -> u64 {
        match limit {
            BudgetLimit::Tokens(_) => self.tokens,
            BudgetLimit::MicroUsd(_) => self.micro_usd,
        }
    }
}

/// What all budgets together say of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub decision: Decision,
    /// One for each budget, in the policy's order, without the request itself.
    pub states: Vec<State>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Within,
    /// Name of a chain.
    Downgrade(String),
    Reject {
        /// Name of a budget.
        budget: String,
        retry_after_seconds: u64,
    },
}

/// One budget as it stands for one scope, in tokens or micro-dollars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Name of the budget.
    pub budget: String,
    pub used: u64,
    pub reserved: u64,
    pub limit: u64,
    pub unit: Unit,
    /// Used and reserved of the limit, rounded down; over 100 if more was used than reserved.
    pub percent: u64,
    pub resets_in_s: u64,
    /// The figures are those of all scopes together that came after [`MAX_SCOPES`] others.
    pub overflow: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Tokens,
    MicroUsd,
}

impl State {
    pub fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used).saturating_sub(self.reserved)
    }

    fn of(name: &str, limit: BudgetLimit, ledger: &Ledger, resets_in_s: u64, place: &Place) -> Self {
        let spoken_for = ledger.spoken_for().measured_as(limit);
        let (limit_value, unit) = match limit {
            BudgetLimit::Tokens(tokens) => (tokens, Unit::Tokens),
            BudgetLimit::MicroUsd(micro_usd) => (micro_usd, Unit::MicroUsd),
        };
        let percent = u128::from(spoken_for) * 100 / u128::from(limit_value.max(1));
        Self {
            budget: name.to_owned(),
            used: ledger.used.measured_as(limit),
            reserved: ledger.reserved.measured_as(limit),
            limit: limit_value,
            unit,
            percent: u64::try_from(percent).unwrap_or(u64::MAX),
            resets_in_s,
            overflow: place.overflow,
        }
    }
}

/// What the budgets say of a request that may cost `ask`. Writes nothing and promises nothing: [`reserve`] decides.
///
/// A reject threshold at percent P is reached when what is used, reserved *and asked for* passes P % of the limit:
/// a hard cap. A downgrade threshold is reached when what is used and reserved *before* the request is at P % or
/// over: it steers, and a single large request should not be steered by its own size. One exception makes a cap
/// fall back rather than stop: where only the ask passes the cap, not what is spoken for already, and the same budget names
/// a chain to downgrade to, the decision is that chain, whose ask may still fit.
///
/// Of several, the most severe counts: a rejection before any downgrade (of rejections the one that lasts longest),
/// then the downgrade of the highest percentage, the first in the policy where those are equal. A request that
/// was already downgraded may be told the same chain again; it then goes on to [`reserve`].
pub fn peek(
    budgets: &[Budget],
    scope: &Scope<'_>,
    ask: &Amount,
    now_ms: u64,
    store: &dyn Store,
) -> Result<Verdict, StoreError> {
    let mut states = Vec::with_capacity(budgets.len());
    let mut rejection: Option<(&str, u64)> = None;
    let mut downgrade: Option<(&str, u32)> = None;
    for budget in budgets {
        let (place, found) = Place::look_up(store, budget, scope)?;
        let span = Span::at(budget.window, now_ms);
        let ledger = found.map_or(Ok(Ledger::opened(span.start)), |bytes| Ledger::decode(&bytes))?.at(span);
        let resets_in_s = span.resets_in_s(now_ms);
        match judge(budget, &ledger, ask) {
            Judgement::Within => {}
            Judgement::Downgrade { chain, percent } => {
                if downgrade.is_none_or(|(_, highest)| percent > highest) {
                    downgrade = Some((chain, percent));
                }
            }
            Judgement::Reject => {
                if rejection.is_none_or(|(_, longest)| resets_in_s > longest) {
                    rejection = Some((&budget.name, resets_in_s));
                }
            }
        }
        states.push(State::of(&budget.name, budget.limit, &ledger, resets_in_s, &place));
    }
    let decision = match (rejection, downgrade) {
        (Some((budget, retry_after_seconds)), _) => {
            Decision::Reject { budget: budget.to_owned(), retry_after_seconds }
        }
        (None, Some((chain, _))) => Decision::Downgrade(chain.to_owned()),
        (None, None) => Decision::Within,
    };
    Ok(Verdict { decision, states })
}

enum Judgement<'a> {
    Within,
    Downgrade { chain: &'a str, percent: u32 },
    Reject,
}

fn judge<'a>(budget: &'a Budget, ledger: &Ledger, ask: &Amount) -> Judgement<'a> {
    let before = ledger.spoken_for().measured_as(budget.limit);
    let after = ledger.spoken_for().plus(*ask).measured_as(budget.limit);
    let cap = cap(budget);
    let over_cap = cap.is_some_and(|cap| after > cap);
    let spent = cap.is_some_and(|cap| before >= cap);
    let mut judgement = Judgement::Within;
    for threshold in &budget.at {
        if let OverThreshold::Downgrade(chain) = &threshold.then
            && (over_cap || before >= bound(budget.limit, threshold.percent))
        {
            judgement = Judgement::Downgrade { chain, percent: threshold.percent };
        }
    }
    match judgement {
        Judgement::Downgrade { .. } if !spent => judgement,
        _ if over_cap => Judgement::Reject,
        _ => judgement,
    }
}

/// The amount that may not be passed: the lowest reject threshold of the budget, if it has one.
fn cap(budget: &Budget) -> Option<u64> {
    let rejects = budget.at.iter().filter(|threshold| threshold.then == OverThreshold::Reject);
    rejects.map(|threshold| bound(budget.limit, threshold.percent)).min()
}

fn bound(limit: BudgetLimit, percent: u32) -> u64 {
    let (BudgetLimit::Tokens(limit) | BudgetLimit::MicroUsd(limit)) = limit;
    u64::try_from(u128::from(limit) * u128::from(percent) / 100).unwrap_or(u64::MAX)
}
