use proptest::prelude::*;

use super::*;
use crate::store::MemoryStore;

const RULES: Health = Health { window: 30_000, failures: 50, at_least: 4, open: 10_000 };
const START: u64 = 1_000_000;
const KEY: &str = "health/openai/gpt-5.4";

fn tell(store: &MemoryStore, good: bool, now: u64) -> Standing {
    note(KEY, good, &RULES, now, store).unwrap()
}

fn seen(store: &MemoryStore, now: u64) -> Standing {
    look(KEY, &RULES, false, now, store)
}

/// Opened by four failures at [`START`].
fn opened() -> MemoryStore {
    let store = MemoryStore::default();
    for _ in 0..3 {
        assert_eq!(tell(&store, false, START), Standing::Good);
    }
    assert_eq!(tell(&store, false, START), Standing::Bad(START + 10_000));
    store
}

#[test]
fn a_target_that_nobody_has_asked_is_good() {
    assert_eq!(seen(&MemoryStore::default(), START), Standing::Good);
}

#[test]
fn it_opens_at_its_share_of_failures_and_not_before() {
    let store = MemoryStore::default();
    for _ in 0..5 {
        tell(&store, true, START);
    }
    for _ in 0..4 {
        assert_eq!(tell(&store, false, START), Standing::Good, "less than half");
    }
    assert_eq!(tell(&store, false, START), Standing::Bad(START + 10_000), "half of ten");
}

#[test]
fn failures_of_the_window_before_are_forgotten() {
    let store = MemoryStore::default();
    for _ in 0..3 {
        tell(&store, false, START);
    }
    assert_eq!(tell(&store, false, START + 30_000), Standing::Good);
    let store = MemoryStore::default();
    for _ in 0..3 {
        tell(&store, false, START);
    }
    assert_eq!(tell(&store, false, START + 29_999), Standing::Bad(START + 39_999), "still within it");
}

#[test]
fn after_a_time_one_request_tries_and_closes_it() {
    let store = opened();
    assert_eq!(seen(&store, START + 9_999), Standing::Bad(START + 10_000));
    let now = START + 10_000;
    assert_eq!(seen(&store, now), Standing::Probing);
    assert_eq!(look(KEY, &RULES, true, now, &store), Standing::Probing, "the first may");
    assert!(matches!(look(KEY, &RULES, true, now, &store), Standing::Bad(_)), "the second may not");
    assert_eq!(tell(&store, true, now + 1), Standing::Good);
    assert_eq!(tell(&store, false, now + 2), Standing::Good, "it begins anew");
}

#[test]
fn a_try_that_fails_opens_it_again_and_one_that_is_lost_is_repeated() {
    let store = opened();
    let now = START + 10_000;
    assert_eq!(look(KEY, &RULES, true, now, &store), Standing::Probing);
    assert_eq!(tell(&store, false, now), Standing::Bad(now + 10_000));
    let now = now + 10_000;
    assert_eq!(look(KEY, &RULES, true, now, &store), Standing::Probing);
    assert!(matches!(look(KEY, &RULES, true, now + 9_999, &store), Standing::Bad(_)));
    assert_eq!(look(KEY, &RULES, true, now + 10_000, &store), Standing::Probing);
}

#[test]
fn what_comes_late_while_it_is_open_changes_nothing() {
    let store = opened();
    for good in [true, false] {
        assert_eq!(tell(&store, good, START + 5_000), Standing::Bad(START + 10_000));
    }
}

#[test]
fn a_clock_that_was_wrong_does_not_close_the_door_for_ever() {
    let store = MemoryStore::default();
    for _ in 0..4 {
        tell(&store, false, START + 1_000_000_000);
    }
    assert_eq!(seen(&store, START), Standing::Good);
    for _ in 0..3 {
        tell(&store, false, START);
    }
    assert_eq!(tell(&store, false, START), Standing::Bad(START + 10_000));
}

#[test]
fn a_value_of_another_format_is_no_value() {
    let store = MemoryStore::default();
    store.put(KEY, b"something else", None).unwrap();
    assert_eq!(seen(&store, START), Standing::Good);
    assert_eq!(tell(&store, true, START), Standing::Good);
}

#[test]
fn a_store_that_fails_holds_nobody_up() {
    let store = opened();
    store.fail_after(0);
    assert_eq!(look(KEY, &RULES, true, START, &store), Standing::Good);
    assert!(note(KEY, true, &RULES, START, &store).is_err());
    assert_eq!(resting("rests/openai", &|| [1, 2], START, &store), None);
}

#[test]
fn what_rests_rests_for_its_credential_alone_and_until_it_is_over() {
    let store = MemoryStore::default();
    let key = rests_key("openai");
    rest(&key, 7, START + 500, START, &store).unwrap();
    rest(&key, 7, START + 100, START, &store).unwrap();
    assert_eq!(resting(&key, &|| [7, 8], START, &store), Some(START + 500));
    assert_eq!(resting(&key, &|| [8, 9], START, &store), None);
    assert_eq!(resting(&key, &|| [7, 8], START + 500, &store), None);
    let ids = || -> [u64; 2] { panic!("nobody rests there") };
    assert_eq!(resting(&rests_key("anthropic"), &ids, START, &store), None);
}

#[test]
fn the_table_of_rests_has_a_bound() {
    let store = MemoryStore::default();
    for id in 0..1_000 {
        rest("rests/openai", id, START + 1_000 + id, START, &store).unwrap();
    }
    let held = store.get("rests/openai").unwrap().unwrap().value.len();
    assert_eq!(held, MOST_RESTS * 16);
    assert_eq!(resting("rests/openai", &|| [999, 999], START, &store), Some(START + 1_999));
    assert_eq!(resting("rests/openai", &|| [0, 0], START, &store), None, "the first to end went first");
}

/// What a worker does.
#[derive(Debug, Clone, Copy)]
enum Move {
    Tell(bool),
    Look,
    Wait(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => any::<bool>().prop_map(Move::Tell),
        2 => Just(Move::Look),
        1 => (1_u64..20_000).prop_map(Move::Wait),
    ];
    proptest::collection::vec(one, 0..80)
}

proptest! {
    /// However workers interleave: a race that is lost is repeated, so the outcome is that of some order of the same
    /// moves; an open circuit ends; and of those who look at it then, one may try.
    #[test]
    fn interleaved_workers_lose_nothing(moves in moves(), races in 0_u32..5) {
        let (store, alone) = (MemoryStore::default(), MemoryStore::default());
        let mut now = START;
        for step in moves {
            match step {
                Move::Tell(good) => {
                    store.lose_races(races);
                    let raced = note(KEY, good, &RULES, now, &store).unwrap();
                    prop_assert_eq!(raced, note(KEY, good, &RULES, now, &alone).unwrap());
                }
                Move::Look => {
                    store.lose_races(races);
                    let raced = look(KEY, &RULES, true, now, &store);
                    prop_assert_eq!(raced, look(KEY, &RULES, true, now, &alone));
                    if let Standing::Bad(until) = raced {
                        prop_assert!(until > now && until <= now + RULES.open);
                    }
                    if raced == Standing::Probing {
                        prop_assert!(matches!(look(KEY, &RULES, true, now, &store), Standing::Bad(_)));
                    }
                }
                Move::Wait(time) => now += time,
            }
        }
        let later = now + 2 * RULES.open;
        prop_assert!(!matches!(seen(&store, later), Standing::Bad(_)), "no door is closed for ever");
    }

    /// Two workers' failures are both counted, whoever writes first.
    #[test]
    fn a_rivals_count_is_not_lost(own in 1_usize..4, rivals in 1_usize..4) {
        let store = MemoryStore::default();
        let mut left = rivals;
        store.before_put(move |store, key| {
            if left > 0 {
                left -= 1;
                note(key, false, &RULES, START, store).unwrap();
            }
        });
        let mut standing = Standing::Good;
        for _ in 0..own {
            standing = tell(&store, false, START);
        }
        let counted = own + rivals;
        prop_assert_eq!(matches!(standing, Standing::Bad(_)), counted >= 4);
    }
}
