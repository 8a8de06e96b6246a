//! Room that is kept for one request in every budget, from before it is sent until its cost is known.

use super::ledger::Ledger;
use super::scopes::Place;
use super::windows::Span;
use super::{Amount, Scope, State, cap};
use crate::config::{Budget, BudgetLimit, Window};
use crate::store::{Store, StoreError, Update, update};

/// Keeps room for a request that may cost `ask`: in all budgets, or in none.
///
/// The cap is checked in the same compare-and-swap that takes the room, so of any number of requests that come at
/// once exactly those that fit get in. With several budgets, a request can be refused by room that another one
/// takes for the moment it needs to find the next budget full. If the store fails half-way and the undo fails too,
/// what was taken stays taken until the window ends: either makes a budget tighter for a while, never looser.
pub fn reserve(
    budgets: &[Budget],
    scope: &Scope<'_>,
    ask: &Amount,
    now_ms: u64,
    store: &dyn Store,
) -> Result<Reservation, ReserveError> {
    take_all(budgets, scope, ask, now_ms, store, Caps::Enforced)
}

/// Like [`reserve`], but refuses nothing: for a policy that only observes.
pub fn observe(
    budgets: &[Budget],
    scope: &Scope<'_>,
    ask: &Amount,
    now_ms: u64,
    store: &dyn Store,
) -> Result<Reservation, StoreError> {
    take_all(budgets, scope, ask, now_ms, store, Caps::Ignored).map_err(|error| match error {
        ReserveError::Store(error) => error,
        ReserveError::Over { .. } => StoreError::Failed, // cannot be: caps are ignored
    })
}

/// Counts a use that nothing was reserved for, such as an attempt that failed after it had begun to answer.
pub fn charge(
    budgets: &[Budget],
    scope: &Scope<'_>,
    actual: &Amount,
    now_ms: u64,
    store: &dyn Store,
) -> Result<Vec<State>, StoreError> {
    observe(budgets, scope, &Amount::ZERO, now_ms, store)?.settle(actual, now_ms, store)
}

/// Must be settled, whatever becomes of the request; dropped, its room is lost until the window ends.
#[derive(Debug)]
#[must_use = "a reservation that is not settled takes up room until its window ends"]
pub struct Reservation {
    holds: Vec<Hold>,
    caps: Caps,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveError {
    Over {
        /// Name of the first budget, in the policy's order, that has no room.
        budget: String,
        retry_after_seconds: u64,
    },
    Store(StoreError),
}

impl std::fmt::Display for ReserveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Over { budget, retry_after_seconds } => {
                write!(f, "budget {budget:?} has no room left; it resets in {retry_after_seconds} s")
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReserveError {}

impl From<StoreError> for ReserveError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Reservation {
    /// Replaces what is kept by what the request may cost at another target: more, less, or in other scopes.
    ///
    /// On an error the reservation is as it was before and still to be settled. If a window has ended since, the
    /// whole `ask` is taken in the new one and the request counts there. Only growth is measured against the cap.
    pub fn adjust(
        &mut self,
        budgets: &[Budget],
        scope: &Scope<'_>,
        ask: &Amount,
        now_ms: u64,
        store: &dyn Store,
    ) -> Result<(), ReserveError> {
        let mut former: Vec<Hold> = std::mem::take(&mut self.holds);
        let mut changed: Vec<(Hold, Option<Hold>)> = Vec::with_capacity(budgets.len());
        for budget in budgets {
            match Self::readjust(&mut former, budget, scope, ask, now_ms, store, self.caps) {
                Ok(pair) => changed.push(pair),
                Err(error) => {
                    let put_back = changed.into_iter().filter_map(|(new, old)| new.put_back(old, store));
                    former.extend(put_back);
                    self.holds = former;
                    return Err(error);
                }
            }
        }
        self.holds = changed.into_iter().map(|(new, _)| new).collect();
        // Scopes that the request has left, such as those of the model that failed.
        settle_all(former, &Amount::ZERO, now_ms, store)?;
        Ok(())
    }

    /// Gives back what was kept and counts what was used, in every budget, even where one fails; then reports the
    /// first failure. For a request that used nothing, `actual` is [`Amount::ZERO`].
    ///
    /// A budget whose window has ended meanwhile is left alone, and its state is the new window's.
    pub fn settle(self, actual: &Amount, now_ms: u64, store: &dyn Store) -> Result<Vec<State>, StoreError> {
        settle_all(self.holds, actual, now_ms, store)
    }

    /// What is kept, the same in every budget. `None` where the policy has no budget.
    pub fn amount(&self) -> Option<Amount> {
        self.holds.first().map(|hold| hold.amount)
    }

    /// The new hold for one budget, and the one that it replaces in the same ledger.
    fn readjust(
        former: &mut Vec<Hold>,
        budget: &Budget,
        scope: &Scope<'_>,
        ask: &Amount,
        now_ms: u64,
        store: &dyn Store,
        caps: Caps,
    ) -> Result<(Hold, Option<Hold>), ReserveError> {
        let fresh = Hold::nothing(budget, scope, now_ms, store)?;
        let Some(at) = former.iter().position(|hold| hold.place == fresh.place) else {
            return Ok((fresh.resized(ask, now_ms, store, caps)?, None));
        };
        let old = former.get(at).cloned().unwrap_or(fresh);
        let new = old.clone().resized(ask, now_ms, store, caps)?;
        former.remove(at);
        Ok((new, Some(old)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caps {
    Enforced,
    Ignored,
}

/// Room in one ledger, and what must be known of the budget to give it back: the policy may be gone by then.
#[derive(Debug, Clone)]
struct Hold {
    budget: String,
    limit: BudgetLimit,
    window: Window,
    cap: Option<u64>,
    place: Place,
    /// Start of the window that the amount is kept in; `None` while it is kept in none.
    start: Option<u64>,
    amount: Amount,
}

impl Hold {
    /// Makes sure that the ledger exists, and keeps nothing in it yet.
    fn nothing(
        budget: &Budget,
        scope: &Scope<'_>,
        now_ms: u64,
        store: &dyn Store,
    ) -> Result<Self, StoreError> {
        let opening = Ledger::opened(Span::at(budget.window, now_ms).start).encode();
        Ok(Self {
            budget: budget.name.clone(),
            limit: budget.limit,
            window: budget.window,
            cap: cap(budget),
            place: Place::take_up(store, budget, scope, &opening)?,
            start: None,
            amount: Amount::ZERO,
        })
    }

    /// Keeps `ask` instead of what is kept, in the window of `now_ms`.
    fn resized(
        mut self,
        ask: &Amount,
        now_ms: u64,
        store: &dyn Store,
        caps: Caps,
    ) -> Result<Self, ReserveError> {
        let span = Span::at(self.window, now_ms);
        let taken = self.update(store, span.start, |ledger| {
            *ledger = ledger.at(span);
            let moved = self.start != Some(ledger.start);
            let kept = if moved { Amount::ZERO } else { self.amount };
            ledger.reserved = ledger.reserved.minus(kept).plus(*ask);
            let grows = moved || ask.measured_as(self.limit) > kept.measured_as(self.limit);
            let full = self.cap.is_some_and(|cap| ledger.spoken_for().measured_as(self.limit) > cap);
            if caps == Caps::Enforced && grows && full { None } else { Some(ledger.start) }
        })?;
        let Some(start) = taken else {
            let retry_after_seconds = span.resets_in_s(now_ms);
            return Err(ReserveError::Over { budget: self.budget, retry_after_seconds });
        };
        self.start = Some(start);
        self.amount = *ask;
        Ok(self)
    }

    /// Undoes a change: `self` is in the ledger, `old` was. Returns what is in the ledger now.
    fn put_back(self, old: Option<Self>, store: &dyn Store) -> Option<Self> {
        let undone = self.update(store, self.start.unwrap_or_default(), |ledger| {
            if self.start == Some(ledger.start) {
                ledger.reserved = ledger.reserved.minus(self.amount);
            }
            if let Some(old) = &old
                && old.start == Some(ledger.start)
            {
                ledger.reserved = ledger.reserved.plus(old.amount);
            }
            Some(())
        });
        match undone {
            Ok(_) => old,
            // Still kept: whoever settles gives it back.
            Err(_) => Some(self),
        }
    }

    fn settled(self, actual: &Amount, now_ms: u64, store: &dyn Store) -> Result<State, StoreError> {
        let span = Span::at(self.window, now_ms);
        let mut seen = Ledger::opened(span.start);
        self.update(store, self.start.unwrap_or(span.start), |ledger| {
            let counts_here = self.start == Some(ledger.start);
            if counts_here {
                ledger.reserved = ledger.reserved.minus(self.amount);
                ledger.used = ledger.used.plus(*actual);
            }
            seen = ledger.at(span);
            counts_here.then_some(())
        })?;
        Ok(State::of(&self.budget, self.limit, &seen, span.resets_in_s(now_ms), &self.place))
    }

    /// Compare-and-swap on the ledger; one that is not there (a store that was restarted, the overflow's first)
    /// begins at `start`. Nothing is written where `change` answers `None`.
    fn update<T>(
        &self,
        store: &dyn Store,
        start: u64,
        mut change: impl FnMut(&mut Ledger) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        update(store, &self.place.key, |old| {
            let mut ledger = match old.map_or(Ok(Ledger::opened(start)), Ledger::decode) {
                Ok(ledger) => ledger,
                Err(unreadable) => return Update::Keep(Err(unreadable)),
            };
            match change(&mut ledger) {
                Some(result) => Update::Write(ledger.encode(), Ok(Some(result))),
                None => Update::Keep(Ok(None)),
            }
        })?
    }
}

fn take_all(
    budgets: &[Budget],
    scope: &Scope<'_>,
    ask: &Amount,
    now_ms: u64,
    store: &dyn Store,
    caps: Caps,
) -> Result<Reservation, ReserveError> {
    let mut reservation = Reservation { holds: Vec::new(), caps };
    match reservation.adjust(budgets, scope, ask, now_ms, store) {
        Ok(()) => Ok(reservation),
        Err(error) => Err(error),
    }
}

fn settle_all(
    holds: Vec<Hold>,
    actual: &Amount,
    now_ms: u64,
    store: &dyn Store,
) -> Result<Vec<State>, StoreError> {
    let mut states = Vec::with_capacity(holds.len());
    let mut failure = Ok(());
    for hold in holds {
        match hold.settled(actual, now_ms, store) {
            Ok(state) => states.push(state),
            Err(error) => failure = failure.and(Err(error)),
        }
    }
    failure.map(|()| states)
}
