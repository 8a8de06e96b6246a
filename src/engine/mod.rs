//! The only place where policies meet.
//!
//! Three paths, each read top to bottom in a file of its own: [`request`] decides, [`attempt`] speaks to one
//! provider, [`finish`] settles and records. An [`Exchange`] is one request with its attempts.
//!
//! The engine is a value: it takes bytes, the time, random bytes and a store, and returns what to do (see
//! [`effect`]). It knows no Envoy, no clock and no environment, so a test drives it as the adapter does.

pub mod admit;
pub mod again;
pub mod answer;
pub mod attempt;
mod credentials;
pub mod effect;
pub mod exchange;
pub mod explain;
mod failed;
pub mod failure;
pub mod finish;
mod fit;
mod headers;
mod health;
pub mod inspect;
mod judge;
mod models;
mod outgoing;
pub mod plan;
pub mod record;
pub mod request;
mod reserve;
mod targets;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::catalog::{Catalog, cost};
use crate::chat::Usage;
use crate::config::{Config, Errors};
use crate::policy::redaction::{Detector, Keys};
use crate::policy::routing::TaskMatcher;
use crate::store::Store;

pub use attempt::Attempt;
pub use exchange::Exchange;

/// A policy that is ready to run. Exchanges share the one that they started with.
pub struct Policy {
    pub config: Config,
    pub detector: Rc<Detector>,
    pub tasks: TaskMatcher,
    pub catalog: Catalog,
    /// Written once for each order of providers.
    plan_headers: RefCell<HashMap<Vec<usize>, Rc<str>>>,
    /// Headers that are written whole for each attempt, besides those with a vendor's prefix.
    managed_headers: HashSet<String>,
    /// Names callers by their credentials.
    pub key: Vec<u8>,
    /// Make and open placeholders.
    pub keys: Rc<Keys>,
}

impl Policy {
    /// `document` is what the operator wrote, in any of the forms that [`crate::config::load`] reads. `process_key` is used
    /// where the policy has no key: random, and the same for all workers of a process.
    pub fn load(
        document: &[u8],
        env: &dyn Fn(&str) -> Option<String>,
        process_key: &[u8],
    ) -> Result<Self, Errors> {
        Ok(Self::new(crate::config::load(document, env)?, process_key))
    }

    pub fn new(config: Config, process_key: &[u8]) -> Self {
        let detector = Rc::new(Detector::new(&config.data));
        let tasks = TaskMatcher::new(config.tasks.clone());
        let key = config.data.keys.first().map_or(process_key, |key| key.0.as_bytes()).to_vec();
        let previous = config.data.keys.iter().skip(1).map(|key| key.0.as_bytes());
        let keys = Keys::new([key.as_slice()].into_iter().chain(previous));
        let catalog = Catalog::with(&config.models);
        let managed_headers = outgoing::managed_headers(&config);
        Self {
            config,
            detector,
            tasks,
            catalog,
            plan_headers: RefCell::default(),
            managed_headers,
            key,
            keys,
        }
    }

    /// In micro-dollars. `None`: the model's price is not known.
    pub fn cost(&self, model: &str, usage: &Usage) -> Option<u64> {
        let entry = self.catalog.lookup(model)?;
        let usage = crate::catalog::Usage {
            input: usage.input,
            cached: usage.cached_input,
            cache_write: usage.cache_write,
            output: usage.output,
        };
        cost(entry, &usage).map(|cost| cost.0)
    }

    pub fn enforces(&self) -> bool {
        self.config.mode == crate::config::Mode::Enforce
    }
}

/// What the engine is lent for one call.
#[derive(Clone, Copy)]
pub struct Host<'h> {
    /// Unix time in milliseconds.
    pub now_ms: u64,
    pub store: &'h dyn Store,
}
