//! Whether a target is worth asking: what its last answers say, and what rests.
//!
//! A circuit for each target. It is *closed* while answers come; *open* for a time after too large a part of them
//! were failures of the provider's; then one request at a time tries it, and by how that goes it closes or opens
//! again. What rests is kept beside it, for each provider: a target that asked to be left alone, or a credential
//! that does not work.
//!
//! Both live in the store, so that all workers know what one of them met. The number of keys is that of the policy's
//! targets and providers; a table of rests has a bound of its own.

use crate::config::Health;
use crate::store::{Store, StoreError, Update, update};

/// What is known of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Good,
    /// One request may try it.
    Probing,
    /// To be passed over until then, in Unix milliseconds.
    Bad(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counts {
    good: u32,
    bad: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Circuit {
    /// Start of the half window that is counted in now.
    start: u64,
    now: Counts,
    before: Counts,
    /// 0: closed.
    open_until: u64,
    /// Until then the one request that tries it has time.
    probe_until: u64,
}

const FORMAT: u8 = 1;
const LENGTH: usize = 1 + 5 * 8;

impl Circuit {
    fn read(bytes: Option<&[u8]>) -> Self {
        let Some((&FORMAT, numbers)) = bytes.and_then(<[u8]>::split_first) else { return Self::default() };
        let (numbers, []) = numbers.as_chunks::<8>() else { return Self::default() };
        let [start, now, before, open_until, probe_until] = numbers else { return Self::default() };
        let number = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        let counts = |[a, b, c, d, e, f, g, h]: &[u8; 8]| Counts {
            good: u32::from_le_bytes([*a, *b, *c, *d]),
            bad: u32::from_le_bytes([*e, *f, *g, *h]),
        };
        Self {
            start: number(start),
            now: counts(now),
            before: counts(before),
            open_until: number(open_until),
            probe_until: number(probe_until),
        }
    }

    fn write(&self) -> Vec<u8> {
        let counts = |counts: Counts| u64::from(counts.good) | u64::from(counts.bad) << 32;
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(FORMAT);
        for number in [self.start, counts(self.now), counts(self.before), self.open_until, self.probe_until] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    fn standing(&self, rules: &Health, now: u64) -> Standing {
        match self.open_until.checked_sub(now) {
            _ if self.open_until == 0 => Standing::Good,
            // Further ahead than it is ever set: by a clock that was wrong.
            Some(left) if left > rules.open => Standing::Good,
            Some(left) if left > 0 => Standing::Bad(self.open_until),
            _ => Standing::Probing,
        }
    }

    /// Whether this request is the one that tries it.
    fn claim(&mut self, rules: &Health, now: u64) -> bool {
        let taken = self.probe_until > now && self.probe_until - now <= rules.open;
        if self.standing(rules, now) != Standing::Probing || taken {
            return false;
        }
        self.probe_until = now.saturating_add(rules.open);
        true
    }

    fn note(&mut self, good: bool, rules: &Health, now: u64) {
        match self.standing(rules, now) {
            // Of a request that began before it opened.
            Standing::Bad(_) => return,
            Standing::Probing if good => *self = Self { start: now, ..Self::default() },
            Standing::Probing => return self.open(rules, now),
            Standing::Good => self.open_until = 0,
        }
        self.turn(rules, now);
        let count = if good { &mut self.now.good } else { &mut self.now.bad };
        *count = count.saturating_add(1);
        let bad = u64::from(self.now.bad) + u64::from(self.before.bad);
        let all = bad + u64::from(self.now.good) + u64::from(self.before.good);
        if !good && all >= u64::from(rules.at_least) && bad * 100 >= all * u64::from(rules.failures) {
            self.open(rules, now);
        }
    }

    fn open(&mut self, rules: &Health, now: u64) {
        *self = Self { start: now, open_until: now.saturating_add(rules.open), ..Self::default() };
    }

    /// The window moves on by halves.
    fn turn(&mut self, rules: &Health, now: u64) {
        let half = (rules.window / 2).max(1);
        let passed = now.saturating_sub(self.start) / half;
        // A start ahead of the clock by more than that is a clock's fault.
        if passed >= 2 || self.start.saturating_sub(now) > rules.window {
            *self = Self { start: now, now: Counts::default(), before: Counts::default(), ..*self };
        } else if passed == 1 {
            *self = Self { start: self.start + half, now: Counts::default(), before: self.now, ..*self };
        }
    }
}

/// The key of a target's circuit. `model` comes from a bounded set.
pub fn circuit_key(provider: &str, model: &str) -> String {
    format!("health/{provider}/{model}")
}

/// Looks at a target. With `claim`, the request is the one that tries it, if it is time for that.
pub fn look(key: &str, rules: &Health, claim: bool, now: u64, store: &dyn Store) -> Standing {
    let found = store.get(key).ok().flatten();
    let standing = Circuit::read(found.as_ref().map(|found| found.value.as_slice())).standing(rules, now);
    if standing != Standing::Probing || !claim {
        return standing;
    }
    let claimed = update(store, key, |old| {
        let mut circuit = Circuit::read(old);
        match circuit.claim(rules, now) {
            true => Update::Write(circuit.write(), true),
            false => Update::Keep(false),
        }
    });
    // A store that fails holds nobody up.
    if claimed.unwrap_or(true) { standing } else { Standing::Bad(now.saturating_add(rules.open)) }
}

/// An attempt is over. Answers how the target stands now.
pub fn note(
    key: &str,
    good: bool,
    rules: &Health,
    now: u64,
    store: &dyn Store,
) -> Result<Standing, StoreError> {
    update(store, key, |old| {
        let mut circuit = Circuit::read(old);
        circuit.note(good, rules, now);
        Update::Write(circuit.write(), circuit.standing(rules, now))
    })
}

/// How many rests one provider's table holds: beyond that the one that ends first is forgotten.
const MOST_RESTS: usize = 64;

pub fn rests_key(provider: &str) -> String {
    format!("rests/{provider}")
}

/// Until when one of `ids` rests. They are asked for only where anything rests at all.
pub fn resting(key: &str, ids: &dyn Fn() -> [u64; 2], now: u64, store: &dyn Store) -> Option<u64> {
    let found = store.get(key).ok().flatten()?;
    let rests = read_rests(&found.value, now);
    if rests.is_empty() {
        return None;
    }
    let ids = ids();
    rests.iter().filter(|(id, _)| ids.contains(id)).map(|(_, until)| *until).max()
}

pub fn rest(key: &str, id: u64, until: u64, now: u64, store: &dyn Store) -> Result<(), StoreError> {
    update(store, key, |old| {
        let mut rests = read_rests(old.unwrap_or_default(), now);
        match rests.iter_mut().find(|(known, _)| *known == id) {
            Some((_, known)) => *known = until.max(*known),
            None => rests.push((id, until)),
        }
        rests.sort_by_key(|(_, until)| std::cmp::Reverse(*until));
        rests.truncate(MOST_RESTS);
        let bytes = rests.iter().flat_map(|(id, until)| [id.to_le_bytes(), until.to_le_bytes()]);
        Update::Write(bytes.flatten().collect(), ())
    })
}

/// Those that are not over.
fn read_rests(bytes: &[u8], now: u64) -> Vec<(u64, u64)> {
    let (pairs, _) = bytes.as_chunks::<16>();
    let pairs = pairs.iter().map(|pair| {
        let pair = u128::from_le_bytes(*pair);
        // The lower half is the identifier.
        (pair as u64, (pair >> 64) as u64)
    });
    pairs.filter(|(_, until)| *until > now).collect()
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
