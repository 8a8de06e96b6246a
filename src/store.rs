//! Shared memory of the workers: read a value with its version, write it if nobody else did.
//!
//! Two workers that count in the same place must not lose each other's counts, and neither may wait for a lock:
//! Envoy's threads share nothing but key–value data with a version (compare and swap). [`Store`] is that, and
//! [`update`] is the only loop over it. What the values mean is the caller's affair. Keys never expire: whoever
//! makes them bounds their number.
//!
//! ```
//! use tollgate::store::{MemoryStore, Update, update};
//!
//! let store = MemoryStore::default();
//! let seen = update(&store, "visits", |old| {
//!     let n = old.and_then(|bytes| bytes.first().copied()).unwrap_or(0) + 1;
//!     Update::Write(vec![n], n)
//! });
//! assert_eq!(seen, Ok(1));
//! ```

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Shared data with compare and swap.
pub trait Store {
    /// The value under `key`; `None` where nobody has written it.
    fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError>;

    /// Writes if the version is still `expected`; with `None`, only if the key is absent.
    /// (A host whose own "no version" means "whatever is there" must be asked differently: two workers that meet a
    /// cold key would both write, and one count would be lost.)
    fn put(&self, key: &str, value: &[u8], expected: Option<u32>) -> Result<(), PutError>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    pub value: Vec<u8>,
    /// Handed back to [`Store::put`]; differs after every write.
    pub version: u32,
}

/// Why shared data could not be used. None of them says that nothing was written before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// The host refused or is not there.
    Failed,
    /// Every one of [`MAX_ATTEMPTS`] writes lost its race.
    Contended,
    /// The value under the key is not one that this version of the module writes.
    Unreadable,
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Failed => "the store failed",
            Self::Contended => "the store is contended: too many writes lost their race",
            Self::Unreadable => "the store holds a value of another format",
        })
    }
}

impl std::error::Error for StoreError {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutError {
    /// Somebody else wrote in between: read again.
    Mismatch,
    Failed,
}

/// What [`update`] does with the value it showed.
#[derive(Debug)]
pub enum Update<T> {
    Keep(T),
    Write(Vec<u8>, T),
}

/// Rounds before [`update`] gives up. In each lost round another worker got through, so this is only met by a
/// store that is broken; it bounds what one request can cost its worker to about a millisecond.
pub const MAX_ATTEMPTS: u32 = 1_000;

/// Shows the value under `key` to `decide` and writes what it answers, again and again until no other worker
/// wrote in between. `decide` may run several times; what it did last is what holds.
pub fn update<T>(
    store: &dyn Store,
    key: &str,
    mut decide: impl FnMut(Option<&[u8]>) -> Update<T>,
) -> Result<T, StoreError> {
    for _ in 0..MAX_ATTEMPTS {
        let old = store.get(key)?;
        match decide(old.as_ref().map(|old| old.value.as_slice())) {
            Update::Keep(result) => return Ok(result),
            Update::Write(value, result) => match store.put(key, &value, old.map(|old| old.version)) {
                Ok(()) => return Ok(result),
                Err(PutError::Mismatch) => {}
                Err(PutError::Failed) => return Err(StoreError::Failed),
            },
        }
    }
    Err(StoreError::Contended)
}

/// A store in this process, for tests and the command-line tool. It can be told to fail and to lose races.
#[derive(Default)]
pub struct MemoryStore {
    values: Mutex<BTreeMap<String, Versioned>>,
    faults: Mutex<Faults>,
}

/// Runs between a reader's get and its put, like another worker.
type Rival = Box<dyn FnMut(&MemoryStore, &str) + Send>;

#[derive(Default)]
struct Faults {
    before_put: Option<Rival>,
    lost_races: u32,
    operations_left: Option<u64>,
}

impl MemoryStore {
    /// Calls `rival` before every put, with the key that is about to be written. Its own puts do not call it again.
    pub fn before_put(&self, rival: impl FnMut(&Self, &str) + Send + 'static) {
        lock(&self.faults).before_put = Some(Box::new(rival));
    }

    /// The next `races` puts report a mismatch and write nothing.
    pub fn lose_races(&self, races: u32) {
        lock(&self.faults).lost_races = races;
    }

    /// Everything fails after `operations` more gets and puts, until [`Self::recover`].
    pub fn fail_after(&self, operations: u64) {
        lock(&self.faults).operations_left = Some(operations);
    }

    pub fn recover(&self) {
        lock(&self.faults).operations_left = None;
    }

    /// Keys in order.
    pub fn keys(&self) -> Vec<String> {
        lock(&self.values).keys().cloned().collect()
    }

    fn works(&self) -> bool {
        match &mut lock(&self.faults).operations_left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    fn loses_race(&self) -> bool {
        let mut faults = lock(&self.faults);
        let loses = faults.lost_races > 0;
        faults.lost_races = faults.lost_races.saturating_sub(1);
        loses
    }

    fn run_rival(&self, key: &str) {
        let Some(mut rival) = lock(&self.faults).before_put.take() else { return };
        rival(self, key);
        lock(&self.faults).before_put.get_or_insert(rival);
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        if !self.works() {
            return Err(StoreError::Failed);
        }
        Ok(lock(&self.values).get(key).cloned())
    }

    fn put(&self, key: &str, value: &[u8], expected: Option<u32>) -> Result<(), PutError> {
        if !self.works() {
            return Err(PutError::Failed);
        }
        self.run_rival(key);
        if self.loses_race() {
            return Err(PutError::Mismatch);
        }
        let mut values = lock(&self.values);
        let current = values.get(key).map(|held| held.version);
        if current != expected {
            return Err(PutError::Mismatch);
        }
        let version = current.map_or(1, |version| version.wrapping_add(1));
        values.insert(key.to_owned(), Versioned { value: value.to_vec(), version });
        Ok(())
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryStore({} keys)", lock(&self.values).len())
    }
}

/// A panic of another test thread does not make the data unusable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(store: &dyn Store) -> Result<u8, StoreError> {
        update(store, "n", |old| {
            let n = old.map_or(0, |bytes| bytes[0]) + 1;
            Update::Write(vec![n], n)
        })
    }

    #[test]
    fn a_write_that_came_in_between_is_counted_too() {
        let store = MemoryStore::default();
        let mut rivals = 3;
        store.before_put(move |store, _| {
            if rivals > 0 {
                rivals -= 1;
                count(store).unwrap();
            }
        });
        assert_eq!(count(&store), Ok(4));
    }

    #[test]
    fn two_workers_that_both_find_a_cold_key_both_count() {
        let store = MemoryStore::default();
        assert_eq!(store.put("n", &[1], None), Ok(()));
        assert_eq!(store.put("n", &[1], None), Err(PutError::Mismatch));
        assert_eq!(count(&store), Ok(2));
    }

    #[test]
    fn a_race_that_is_lost_for_ever_ends() {
        let store = MemoryStore::default();
        store.lose_races(u32::MAX);
        assert_eq!(count(&store), Err(StoreError::Contended));
        store.lose_races(MAX_ATTEMPTS - 1);
        assert_eq!(count(&store), Ok(1));
    }

    #[test]
    fn a_failing_store_is_an_error_on_reading_and_on_writing() {
        let store = MemoryStore::default();
        store.fail_after(0);
        assert_eq!(count(&store), Err(StoreError::Failed));
        store.fail_after(1);
        assert_eq!(count(&store), Err(StoreError::Failed));
        store.recover();
        assert_eq!(count(&store), Ok(1));
    }

    #[test]
    fn what_is_kept_is_not_written() {
        let store = MemoryStore::default();
        assert_eq!(update(&store, "n", |old| Update::Keep(old.is_none())), Ok(true));
        assert_eq!(store.get("n"), Ok(None));
    }
}
