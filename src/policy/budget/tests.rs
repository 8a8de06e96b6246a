//! The promise of the module as properties: many workers, races at the worst moment, a store that fails.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::config::{ScopePart, Threshold, Window};
use crate::store::MemoryStore;

// 2026-11-24T10:50:17.250Z
const NOW: u64 = 1_795_517_417_250;
const MINUTE: u64 = 60_000;

fn tokens(tokens: u64) -> Amount {
    Amount { tokens, micro_usd: tokens * 7 }
}

fn budget(name: &str, per: &[ScopePart], limit: BudgetLimit, at: &[(u32, OverThreshold)]) -> Budget {
    let at = at.iter().map(|(percent, then)| Threshold { percent: *percent, then: then.clone() }).collect();
    Budget { name: name.to_owned(), per: per.to_vec(), limit, window: Window::Minute, at }
}

fn capped(limit: u64) -> Budget {
    budget("hard", &[ScopePart::Caller], BudgetLimit::Tokens(limit), &[(100, OverThreshold::Reject)])
}

fn downgrade(chain: &str) -> OverThreshold {
    OverThreshold::Downgrade(chain.to_owned())
}

fn caller(caller: &str) -> Scope<'_> {
    Scope { caller, model: "gpt-4.1", provider: "openai", route: "r", header: &|_| None }
}

fn look(budgets: &[Budget], now_ms: u64, store: &MemoryStore) -> Vec<State> {
    peek(budgets, &caller("a"), &Amount::ZERO, now_ms, store).unwrap().states
}

/// Used and reserved of the only budget.
fn figures(budget: &Budget, now_ms: u64, store: &MemoryStore) -> (u64, u64) {
    let states = look(std::slice::from_ref(budget), now_ms, store);
    (states[0].used, states[0].reserved)
}

#[test]
fn two_hundred_requests_of_a_hundred_against_ten_thousand_admit_exactly_a_hundred() {
    let (store, budgets) = (MemoryStore::default(), [capped(10_000)]);
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..200 {
        match reserve(&budgets, &caller("a"), &tokens(100), NOW, &store) {
            Ok(reservation) => open.push(reservation),
            Err(ReserveError::Over { budget, retry_after_seconds }) => {
                assert_eq!((budget.as_str(), retry_after_seconds), ("hard", 43));
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((open.len(), refused), (100, 100));
    for reservation in open {
        reservation.settle(&tokens(40), NOW, &store).unwrap();
    }
    assert_eq!(figures(&budgets[0], NOW, &store), (4_000, 0));
}

#[test]
fn threads_that_reserve_at_once_never_pass_the_cap_and_lose_nothing() {
    let store = MemoryStore::default();
    let budgets = [capped(10_000), capped_for_all(9_000)];
    let admitted: Vec<u64> = std::thread::scope(|threads| {
        let worker = || {
            let mut admitted = 0;
            for round in 0..50 {
                let Ok(reservation) = reserve(&budgets, &caller("a"), &tokens(100), NOW, &store) else {
                    continue;
                };
                assert!(
                    look(&budgets, NOW, &store)
                        .iter()
                        .all(|state| state.used + state.reserved <= state.limit)
                );
                let actual = if round % 3 == 0 { 0 } else { 100 }; // every third is aborted
                admitted += actual;
                reservation.settle(&tokens(actual), NOW, &store).unwrap();
            }
            admitted
        };
        let workers: Vec<_> = (0..8).map(|_| threads.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    for state in look(&budgets, NOW, &store) {
        assert_eq!((state.used, state.reserved), (admitted.iter().sum(), 0), "{}", state.budget);
        assert!(state.used <= state.limit);
    }
}

fn capped_for_all(limit: u64) -> Budget {
    budget("all", &[], BudgetLimit::Tokens(limit), &[(100, OverThreshold::Reject)])
}

#[derive(Debug, Clone)]
enum Move {
    Reserve(u64),
    Adjust {
        which: usize,
        ask: u64,
    },
    /// Uses this percentage of what was reserved; over 100 is a provider that gave more than it was asked for.
    Settle {
        which: usize,
        percent: u64,
    },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let step = prop_oneof![
        3 => (0u64..400).prop_map(Move::Reserve),
        1 => (any::<usize>(), 0u64..400).prop_map(|(which, ask)| Move::Adjust { which, ask }),
        2 => (any::<usize>(), 0u64..150).prop_map(|(which, percent)| Move::Settle { which, percent }),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Rivals reserve and settle between every read and write of the others; `used` of both is one figure.
    #[test]
    fn interleaved_reserve_and_settle_lose_nothing_and_never_pass_the_limit(
        moves in moves(),
        rivals in prop::collection::vec(0u64..60, 0..200),
    ) {
        let store = MemoryStore::default();
        let budgets = [capped(5_000), capped_for_all(4_000)];
        let rivals_used = Arc::new(Mutex::new(0));
        let (rivals_budgets, their_used) = ([capped(5_000), capped_for_all(4_000)], Arc::clone(&rivals_used));
        let mut rivals = rivals.into_iter();
        store.before_put(move |store, _| {
            let Some(ask) = rivals.next() else { return };
            let taken = reserve(&rivals_budgets, &caller("a"), &tokens(ask), NOW, store);
            if let Ok(reservation) = taken {
                let actual = ask / 2;
                reservation.settle(&tokens(actual), NOW, store).unwrap();
                *their_used.lock().unwrap() += actual;
            }
        });

        let mut open: Vec<Reservation> = Vec::new();
        let (mut used, mut beyond_reserved) = (0, 0);
        for step in moves {
            match step {
                Move::Reserve(ask) => open.extend(reserve(&budgets, &caller("a"), &tokens(ask), NOW, &store)),
                Move::Adjust { which, ask } if !open.is_empty() => {
                    let which = which % open.len();
                    let before = open[which].amount();
                    let adjusted = open[which].adjust(&budgets, &caller("a"), &tokens(ask), NOW, &store);
                    let expected = if adjusted.is_ok() { Some(tokens(ask)) } else { before };
                    prop_assert_eq!(open[which].amount(), expected);
                }
                Move::Settle { which, percent } if !open.is_empty() => {
                    let reservation = open.swap_remove(which % open.len());
                    let reserved = reservation.amount().unwrap().tokens;
                    let actual = reserved * percent / 100;
                    used += actual;
                    beyond_reserved += actual.saturating_sub(reserved);
                    reservation.settle(&tokens(actual), NOW, &store).unwrap();
                }
                Move::Adjust { .. } | Move::Settle { .. } => {}
            }
            let reserved: u64 = open.iter().filter_map(Reservation::amount).map(|amount| amount.tokens).sum();
            let used = used + *rivals_used.lock().unwrap();
            for state in look(&budgets, NOW, &store) {
                prop_assert_eq!((state.used, state.reserved), (used, reserved));
                prop_assert!(used + reserved <= state.limit + beyond_reserved);
            }
        }
    }

    /// Wherever the store fails, nothing panics, and once it works again a budget is tighter at most, never looser.
    #[test]
    fn a_failing_store_never_frees_room(fails_after in 0u64..40, asks in prop::collection::vec(1u64..300, 1..20)) {
        let store = MemoryStore::default();
        let budgets = [capped(1_000), capped_for_all(1_000)];
        store.fail_after(fails_after);
        let (mut open, mut used) = (Vec::new(), 0);
        for (n, ask) in asks.into_iter().enumerate() {
            match reserve(&budgets, &caller("a"), &tokens(ask), NOW, &store) {
                Ok(reservation) if n % 2 == 0 => {
                    if reservation.settle(&tokens(ask), NOW, &store).is_ok() {
                        used += ask;
                    }
                }
                Ok(reservation) => open.push((ask, reservation)),
                Err(_) => {}
            }
        }
        store.recover();
        let reserved: u64 = open.iter().map(|(ask, _)| ask).sum();
        for state in look(&budgets, NOW, &store) {
            prop_assert!(state.used >= used && state.used + state.reserved >= used + reserved);
            prop_assert!(state.used + state.reserved <= state.limit);
        }
    }
}

#[test]
fn all_budgets_or_none() {
    let store = MemoryStore::default();
    let budgets = [capped(1_000), capped_for_all(100)];
    let refused = reserve(&budgets, &caller("a"), &tokens(101), NOW, &store).unwrap_err();
    assert_eq!(refused, ReserveError::Over { budget: "all".to_owned(), retry_after_seconds: 43 });
    assert!(look(&budgets, NOW, &store).iter().all(|state| (state.used, state.reserved) == (0, 0)));
}

#[test]
fn an_aborted_request_gives_back_what_it_did_not_use() {
    let (store, budgets) = (MemoryStore::default(), [capped(100)]);
    let reservation = reserve(&budgets, &caller("a"), &tokens(100), NOW, &store).unwrap();
    let states = reservation.settle(&Amount::ZERO, NOW, &store).unwrap();
    assert_eq!((states[0].used, states[0].reserved, states[0].remaining()), (0, 0, 100));
}

#[test]
fn a_use_beyond_the_reservation_is_counted_whole_and_closes_the_budget() {
    let (store, budgets) = (MemoryStore::default(), [capped(100)]);
    let reservation = reserve(&budgets, &caller("a"), &tokens(60), NOW, &store).unwrap();
    let states = reservation.settle(&tokens(250), NOW, &store).unwrap();
    assert_eq!((states[0].used, states[0].percent, states[0].remaining()), (250, 250, 0));
    assert!(reserve(&budgets, &caller("a"), &tokens(1), NOW, &store).is_err());
}

#[test]
fn a_request_that_outlives_its_window_leaves_the_next_one_alone() {
    let (store, budgets) = (MemoryStore::default(), [capped(100)]);
    let old = reserve(&budgets, &caller("a"), &tokens(80), NOW, &store).unwrap();
    let later = NOW + MINUTE;
    assert_eq!(figures(&budgets[0], later, &store), (0, 0));
    let new = reserve(&budgets, &caller("a"), &tokens(90), later, &store).unwrap();
    let states = old.settle(&tokens(500), later, &store).unwrap();
    assert_eq!((states[0].used, states[0].reserved), (0, 90));
    new.settle(&tokens(10), later, &store).unwrap();
    assert_eq!(figures(&budgets[0], later, &store), (10, 0));
}

#[test]
fn a_request_that_comes_late_does_not_turn_the_window_back() {
    let (store, budgets) = (MemoryStore::default(), [capped(100)]);
    let boundary = NOW - NOW % MINUTE;
    let quick = reserve(&budgets, &caller("a"), &tokens(60), boundary, &store).unwrap();
    let late = reserve(&budgets, &caller("a"), &tokens(60), boundary - 1, &store);
    assert!(late.is_err());
    quick.settle(&tokens(60), boundary, &store).unwrap();
    assert_eq!(figures(&budgets[0], boundary, &store), (60, 0));
}

#[test]
fn a_fail_over_to_a_dearer_target_takes_the_difference_or_nothing() {
    let (store, budgets) = (MemoryStore::default(), [capped(100), capped_for_all(90)]);
    let mut reservation = reserve(&budgets, &caller("a"), &tokens(50), NOW, &store).unwrap();
    reservation.adjust(&budgets, &caller("a"), &tokens(80), NOW, &store).unwrap();
    assert_eq!(figures(&budgets[0], NOW, &store), (0, 80));
    let refused = reservation.adjust(&budgets, &caller("a"), &tokens(95), NOW, &store).unwrap_err();
    assert_eq!(refused, ReserveError::Over { budget: "all".to_owned(), retry_after_seconds: 43 });
    assert!(look(&budgets, NOW, &store).iter().all(|state| state.reserved == 80));
    reservation.settle(&tokens(70), NOW, &store).unwrap();
    assert!(look(&budgets, NOW, &store).iter().all(|state| (state.used, state.reserved) == (70, 0)));
}

#[test]
fn a_fail_over_to_another_model_moves_to_its_budget() {
    let per_model =
        budget("model", &[ScopePart::Model], BudgetLimit::Tokens(100), &[(100, OverThreshold::Reject)]);
    let (store, budgets) = (MemoryStore::default(), [capped(100), per_model]);
    let cheap = Scope { model: "mini", ..caller("a") };
    let mut reservation = reserve(&budgets, &caller("a"), &tokens(90), NOW, &store).unwrap();
    reservation.adjust(&budgets, &cheap, &tokens(60), NOW, &store).unwrap();
    let reserved = |scope: &Scope<'_>| -> Vec<u64> {
        let states = peek(&budgets, scope, &Amount::ZERO, NOW, &store).unwrap().states;
        states.iter().map(|state| state.reserved).collect()
    };
    assert_eq!((reserved(&caller("a")), reserved(&cheap)), (vec![60, 0], vec![60, 60]));
    reservation.settle(&tokens(1), NOW, &store).unwrap();
    assert_eq!((reserved(&caller("a")), reserved(&cheap)), (vec![0, 0], vec![0, 0]));
}

#[test]
fn an_attempt_sent_after_the_window_ended_counts_in_the_new_one() {
    let (store, budgets) = (MemoryStore::default(), [capped(100)]);
    let mut reservation = reserve(&budgets, &caller("a"), &tokens(50), NOW, &store).unwrap();
    let later = NOW + MINUTE;
    reservation.adjust(&budgets, &caller("a"), &tokens(40), later, &store).unwrap();
    assert_eq!(figures(&budgets[0], later, &store), (0, 40));
    reservation.settle(&tokens(30), later, &store).unwrap();
    assert_eq!(figures(&budgets[0], later, &store), (30, 0));
}

#[test]
fn thresholds_steer_before_the_request_and_cap_with_it() {
    let store = MemoryStore::default();
    let at = [(50, downgrade("economy")), (80, downgrade("lenient")), (100, OverThreshold::Reject)];
    let budgets = [budget("team", &[], BudgetLimit::Tokens(1_000), &at)];
    let decide = |used: u64, ask: u64| {
        let states = look(&budgets, NOW, &store);
        charge(&budgets, &caller("a"), &tokens(used - states[0].used), NOW, &store).unwrap();
        peek(&budgets, &caller("a"), &tokens(ask), NOW, &store).unwrap().decision
    };
    let reject = Decision::Reject { budget: "team".to_owned(), retry_after_seconds: 43 };
    assert_eq!(decide(499, 400), Decision::Within);
    // Does not fit as it is; a cheaper one may.
    assert_eq!(decide(499, 502), Decision::Downgrade("lenient".to_owned()));
    assert_eq!(decide(500, 1), Decision::Downgrade("economy".to_owned()));
    assert_eq!(decide(800, 1), Decision::Downgrade("lenient".to_owned()));
    assert_eq!(decide(999, 2), Decision::Downgrade("lenient".to_owned()));
    assert_eq!(decide(1_000, 1), reject);
}

#[test]
fn the_most_severe_of_several_budgets_counts() {
    let store = MemoryStore::default();
    let unit = BudgetLimit::Tokens(1_000);
    let day = |budget: Budget| Budget { window: Window::Day, ..budget };
    let budgets = [
        budget("soft", &[], unit, &[(10, OverThreshold::Report)]),
        budget("first", &[], unit, &[(50, downgrade("a"))]),
        budget("second", &[], unit, &[(60, downgrade("b"))]),
        budget("minute", &[], unit, &[(90, OverThreshold::Reject)]),
        day(budget("day", &[], unit, &[(90, OverThreshold::Reject)])),
    ];
    let decide =
        |ask: u64| peek(&budgets, &caller("a"), &tokens(ask), NOW, &store).map(|verdict| verdict.decision);
    assert_eq!(decide(900), Ok(Decision::Within));
    charge(&budgets, &caller("a"), &tokens(600), NOW, &store).unwrap();
    assert_eq!(decide(300), Ok(Decision::Downgrade("b".to_owned())));
    let retry_after_seconds = 13 * 3600 + 9 * 60 + 43;
    assert_eq!(decide(301), Ok(Decision::Reject { budget: "day".to_owned(), retry_after_seconds }));
}

#[test]
fn a_budget_in_dollars_does_not_look_at_tokens() {
    let store = MemoryStore::default();
    let budgets = [budget("usd", &[], BudgetLimit::MicroUsd(50), &[(100, OverThreshold::Reject)])];
    let free = Amount { tokens: 1_000_000, micro_usd: 50 };
    let reservation = reserve(&budgets, &caller("a"), &free, NOW, &store).unwrap();
    let states = reservation.settle(&Amount { tokens: 9, micro_usd: 10 }, NOW, &store).unwrap();
    assert_eq!((states[0].used, states[0].unit, states[0].percent), (10, Unit::MicroUsd, 20));
}

#[test]
fn observing_reserves_and_refuses_nothing() {
    let (store, budgets) = (MemoryStore::default(), [capped(100)]);
    let reservation = observe(&budgets, &caller("a"), &tokens(150), NOW, &store).unwrap();
    assert_eq!(figures(&budgets[0], NOW, &store), (0, 150));
    reservation.settle(&tokens(120), NOW, &store).unwrap();
    assert_eq!(figures(&budgets[0], NOW, &store), (120, 0));
}

#[test]
fn a_policy_without_budgets_never_asks_the_store() {
    let store = MemoryStore::default();
    store.fail_after(0);
    let verdict = peek(&[], &caller("a"), &tokens(1), NOW, &store).unwrap();
    assert_eq!(verdict, Verdict { decision: Decision::Within, states: vec![] });
    let reservation = reserve(&[], &caller("a"), &tokens(1), NOW, &store).unwrap();
    assert_eq!(reservation.settle(&tokens(1), NOW, &store), Ok(vec![]));
}

#[test]
fn figures_at_the_end_of_their_range_neither_wrap_nor_panic() {
    let (store, budgets) = (MemoryStore::default(), [capped(u64::MAX)]);
    let most = Amount { tokens: u64::MAX, micro_usd: u64::MAX };
    let first = reserve(&budgets, &caller("a"), &most, NOW, &store).unwrap();
    let verdict = peek(&budgets, &caller("a"), &most, NOW, &store).unwrap();
    assert_eq!(verdict.states[0].percent, 100);
    let states = first.settle(&most, NOW, &store).unwrap();
    assert_eq!((states[0].used, states[0].reserved), (u64::MAX, 0));
}
