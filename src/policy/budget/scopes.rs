//! Where the ledger of one budget and one scope is kept.
//!
//! The key is `budget/<name>/<kind>=<value>/…`, such as `budget/team-day/caller=alice`. The parts come from
//! requests, so they are escaped (two scopes never share a key, whatever is in a header), hashed when long, and
//! counted: keys live as long as Envoy, and a caller that makes up names must not fill its memory. Newcomers
//! beyond [`MAX_SCOPES`] share one overflow ledger: they are still limited, together, and their state says so.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::Scope;
use crate::config::{Budget, ScopePart};
use crate::store::{PutError, Store, StoreError, Update, update};

/// Ledgers that one budget may have, the overflow not counted: about 2 MB of Envoy's memory.
pub const MAX_SCOPES: u32 = 10_000;

/// Longer values are hashed: 128 bits of SHA-256.
const LONGEST_VALUE: usize = 128;

/// The key of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) key: String,
    /// Shared by all scopes that came after the bound was reached.
    pub(super) overflow: bool,
}

impl Place {
    /// Where `scope` is counted or would be, and what is there. Writes nothing.
    pub(super) fn look_up(
        store: &dyn Store,
        budget: &Budget,
        scope: &Scope<'_>,
    ) -> Result<(Self, Option<Vec<u8>>), StoreError> {
        let own = Self::own(budget, scope);
        if let Some(found) = store.get(&own.key)? {
            return Ok((own, Some(found.value)));
        }
        let taken = match store.get(&counter(budget))? {
            Some(count) => decode_count(&count.value)?,
            None => 0,
        };
        if taken < MAX_SCOPES {
            return Ok((own, None));
        }
        let overflow = Self::overflow(budget);
        let found = store.get(&overflow.key)?.map(|found| found.value);
        Ok((overflow, found))
    }

    /// Where `scope` is counted from now on: a newcomer gets `opening` as its value, or the overflow.
    pub(super) fn take_up(
        store: &dyn Store,
        budget: &Budget,
        scope: &Scope<'_>,
        opening: &[u8],
    ) -> Result<Self, StoreError> {
        let own = Self::own(budget, scope);
        if store.get(&own.key)?.is_some() {
            return Ok(own);
        }
        let counter = counter(budget);
        if !count_one_more(store, &counter)? {
            return Ok(Self::overflow(budget));
        }
        match store.put(&own.key, opening, None) {
            Ok(()) => Ok(own),
            Err(refused) => {
                // Another worker made the same ledger, or nobody did: either way it was not this count.
                count_one_less(store, &counter)?;
                if refused == PutError::Mismatch { Ok(own) } else { Err(StoreError::Failed) }
            }
        }
    }

    fn own(budget: &Budget, scope: &Scope<'_>) -> Self {
        let mut key = String::from("budget/");
        push_escaped(&mut key, &budget.name);
        for part in &budget.per {
            key.push('/');
            match part {
                ScopePart::Caller => push_part(&mut key, "caller", Some(scope.caller)),
                ScopePart::Model => push_part(&mut key, "model", Some(scope.model)),
                ScopePart::Provider => push_part(&mut key, "provider", Some(scope.provider)),
                ScopePart::Route => push_part(&mut key, "route", Some(scope.route)),
                ScopePart::Header(name) => {
                    key.push_str("header:");
                    push_part(&mut key, name, (scope.header)(name).as_deref());
                }
            }
        }
        if budget.per.is_empty() {
            key.push_str("/all");
        }
        Self { key, overflow: false }
    }

    fn overflow(budget: &Budget) -> Self {
        let mut key = String::from("budget/");
        push_escaped(&mut key, &budget.name);
        key.push_str("/~overflow");
        Self { key, overflow: true }
    }
}

fn push_part(key: &mut String, kind: &str, value: Option<&str>) {
    push_escaped(key, kind);
    key.push('=');
    match value {
        Some(value) => push_escaped(key, value),
        None => key.push('!'),
    }
}

/// Appends `value` in letters, digits and `-_.:@`, the rest as `%XX`; a long one as `~` and a hash. `/`, `=`, `!`
/// and `~` are therefore never part of a value.
fn push_escaped(key: &mut String, value: &str) {
    if value.len() > LONGEST_VALUE {
        key.push('~');
        for byte in Sha256::digest(value.as_bytes()).iter().take(16) {
            push_hex(key, *byte);
        }
        return;
    }
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.:@".contains(&byte) {
            key.push(char::from(byte));
        } else {
            key.push('%');
            push_hex(key, byte);
        }
    }
}

fn push_hex(key: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(key, "{byte:02x}");
}

fn counter(budget: &Budget) -> String {
    let mut key = String::from("budget-scopes/");
    push_escaped(&mut key, &budget.name);
    key
}

/// False where there is no room.
fn count_one_more(store: &dyn Store, counter: &str) -> Result<bool, StoreError> {
    update(store, counter, |old| match old.map_or(Ok(0), decode_count) {
        Err(unreadable) => Update::Keep(Err(unreadable)),
        Ok(count) if count >= MAX_SCOPES => Update::Keep(Ok(false)),
        Ok(count) => Update::Write((count + 1).to_le_bytes().to_vec(), Ok(true)),
    })?
}

fn count_one_less(store: &dyn Store, counter: &str) -> Result<(), StoreError> {
    update(store, counter, |old| match old.map_or(Ok(0), decode_count) {
        Err(unreadable) => Update::Keep(Err(unreadable)),
        Ok(count) => Update::Write(count.saturating_sub(1).to_le_bytes().to_vec(), Ok(())),
    })?
}

fn decode_count(bytes: &[u8]) -> Result<u32, StoreError> {
    bytes.try_into().map(u32::from_le_bytes).map_err(|_| StoreError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BudgetLimit, Window};
    use crate::store::MemoryStore;
    use proptest::prelude::*;

    fn budget(per: &[ScopePart]) -> Budget {
        let limit = BudgetLimit::Tokens(1);
        Budget { name: "team/day".to_owned(), per: per.to_vec(), limit, window: Window::Day, at: Vec::new() }
    }

    fn scope(caller: &str, check: impl FnOnce(&Scope<'_>)) {
        let header = |name: &str| (name == "x-team").then(|| "red & blue".to_owned());
        check(&Scope { caller, model: "gpt-4.1", provider: "openai", route: "", header: &header });
    }

    fn key(per: &[ScopePart], caller: &str) -> String {
        let mut key = String::new();
        scope(caller, |scope| key = Place::own(&budget(per), scope).key);
        key
    }

    #[test]
    fn a_key_says_what_it_counts() {
        use ScopePart::{Caller, Header, Model, Provider, Route};
        let header = |name: &str| Header(name.to_owned());
        assert_eq!(key(&[], "a"), "budget/team%2fday/all");
        assert_eq!(
            key(&[Caller, Model], "spiffe://a/b"),
            "budget/team%2fday/caller=spiffe:%2f%2fa%2fb/model=gpt-4.1"
        );
        assert_eq!(
            key(&[Provider, Route, header("x-team"), header("x-none")], "a"),
            "budget/team%2fday/provider=openai/route=/header:x-team=red%20%26%20blue/header:x-none=!"
        );
        assert!(key(&[Caller], &"é".repeat(100)).len() < 80);
    }

    proptest! {
        #[test]
        fn different_callers_have_different_keys(a in "\\PC{0,200}", b in "[/=!~%a-c]{0,6}", c in "[/=!~%a-c]{0,6}") {
            prop_assume!(a != b && b != c);
            let key = |caller: &str| key(&[ScopePart::Caller, ScopePart::Route], caller);
            prop_assert_ne!(key(&a), key(&b));
            prop_assert_ne!(key(&b), key(&c));
        }
    }

    #[test]
    fn newcomers_beyond_the_bound_share_the_overflow() {
        let (store, budget) = (MemoryStore::default(), budget(&[ScopePart::Caller]));
        let take = |name: &str| {
            let mut place = None;
            scope(name, |scope| place = Some(Place::take_up(&store, &budget, scope, b"new").unwrap()));
            place.unwrap()
        };
        let look = |name: &str| {
            let mut place = None;
            scope(name, |scope| place = Some(Place::look_up(&store, &budget, scope).unwrap().0));
            place.unwrap()
        };
        for n in 0..MAX_SCOPES {
            assert!(!take(&n.to_string()).overflow);
        }
        assert!(take("late").overflow && take("later").overflow);
        assert_eq!(take("late"), look("later"));
        assert!(!take("17").overflow && !look("17").overflow);
    }

    #[test]
    fn two_workers_that_meet_the_same_newcomer_count_it_once() {
        let (store, budget) = (MemoryStore::default(), budget(&[ScopePart::Caller]));
        let rivals_budget = self::budget(&[ScopePart::Caller]);
        let mut met = false;
        store.before_put(move |store, key| {
            if key.ends_with("caller=alice") && !met {
                met = true;
                scope("alice", |scope| {
                    Place::take_up(store, &rivals_budget, scope, b"rival").unwrap();
                });
            }
        });
        scope("alice", |scope| assert!(!Place::take_up(&store, &budget, scope, b"late").unwrap().overflow));
        let count = store.get(&counter(&budget)).unwrap().unwrap();
        assert_eq!(decode_count(&count.value), Ok(1));
        let kept = store.get("budget/team%2fday/caller=alice").unwrap().unwrap();
        assert_eq!(kept.value, b"rival");
    }
}
