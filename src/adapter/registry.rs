//! What the contexts of one VM share.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use crate::adapter::host::{self, SharedData};
use crate::config;
use crate::engine::effect::Metric;
use crate::engine::exchange::Attachment;
use crate::engine::{Exchange, Host, Policy};
use crate::store::Store as _;

type Known = (Weak<RefCell<Exchange>>, u32);

thread_local! {
    /// Policies in use: the listener's and every cluster's configuration are the same document, so one is enough.
    static POLICIES: RefCell<Vec<Weak<Policy>>> = const { RefCell::new(Vec::new()) };
    /// With the listener's context.
    static EXCHANGES: RefCell<HashMap<String, Known>> = RefCell::new(HashMap::new());
    /// Between the context that ends with a redirect and the one that begins with it.
    static HANDED_OVER: RefCell<HashMap<String, Rc<RefCell<Exchange>>>> = RefCell::new(HashMap::new());
    static METRICS: RefCell<HashMap<&'static str, HashMap<String, u32>>> = RefCell::new(HashMap::new());
}

/// Bounds what a hostile caller can make Envoy's statistics grow to, for each kind of measurement.
const MAX_SERIES: usize = 1_000;

pub fn policy(document: &[u8]) -> Result<Rc<Policy>, String> {
    #[allow(clippy::disallowed_methods, reason = "the VM's environment is what the operator gave to this VM")]
    let env = |name: &str| std::env::var(name).ok();
    let config = config::load(document, &env).map_err(|errors| errors.to_string())?;
    // Envoy writes the same document in another order each time: the hash is of what it says.
    let known = POLICIES.with_borrow_mut(|policies| {
        policies.retain(|policy| policy.strong_count() > 0);
        policies.iter().filter_map(Weak::upgrade).find(|policy| policy.config.hash == config.hash)
    });
    if let Some(policy) = known {
        return Ok(policy);
    }
    let key = process_key().ok_or("the host gives no random bytes")?;
    let policy = Rc::new(Policy::new(config, &key));
    policy.config.warnings.iter().for_each(|warning| host::log_warning(&format!("tollgate: {warning}")));
    POLICIES.with_borrow_mut(|policies| policies.push(Rc::downgrade(&policy)));
    Ok(policy)
}

/// A key for policies that have none: random, and the same in all workers.
fn process_key() -> Option<Vec<u8>> {
    const KEY: &str = "process-key";
    if let Err(error) = SharedData.put(KEY, &random::<32>()?, None) {
        // Somebody was first, which is what the next line reads.
        let _ = error;
    }
    SharedData.get(KEY).ok().flatten().map(|found| found.value)
}

/// `None`: the host gives no random bytes, and nothing that relies on them can go on.
pub fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).is_ok().then_some(bytes)
}

const UPSTREAM_ROLE: &str = "upstream-role";

/// The upstream role is configured somewhere in this process: listeners leave the attempts to it. Kept in shared
/// data, because after a crash of a VM the listener's root comes back first.
pub fn note_upstream_role() {
    if let Err(error) = SharedData.put(UPSTREAM_ROLE, b"1", None) {
        // Known already.
        let _ = error;
    }
}

pub fn attachment() -> Attachment {
    match SharedData.get(UPSTREAM_ROLE) {
        Ok(None) => Attachment::Direct,
        _ => Attachment::Upstream,
    }
}

pub fn lend() -> Host<'static> {
    Host { now_ms: host::now_ms(), store: &SharedData }
}

pub fn enter(exchange: &Rc<RefCell<Exchange>>, context: u32) {
    let token = exchange.borrow().token().to_owned();
    EXCHANGES.with_borrow_mut(|exchanges| exchanges.insert(token, (Rc::downgrade(exchange), context)));
}

pub fn find(token: &str) -> Option<Rc<RefCell<Exchange>>> {
    EXCHANGES.with_borrow(|exchanges| exchanges.get(token)?.0.upgrade())
}

pub fn leave(token: &str) {
    EXCHANGES.with_borrow_mut(|exchanges| exchanges.remove(token));
}

/// The contexts whose answers have been silent for too long.
pub fn cut_off_silent() -> Vec<u32> {
    let host = lend();
    let silent = |(exchange, context): &Known| {
        let exchange = exchange.upgrade()?;
        let mut exchange =
            exchange.try_borrow_mut().ok().filter(|exchange| exchange.is_silent(host.now_ms))?;
        exchange.cut_off(host);
        Some(*context)
    };
    EXCHANGES.with_borrow(|exchanges| exchanges.values().filter_map(silent).collect())
}

/// Kept for the context that Envoy begins next. Whatever is still here from before was begun by none, and is settled.
pub fn hand_over(exchange: Rc<RefCell<Exchange>>) {
    let token = exchange.borrow().token().to_owned();
    let left = HANDED_OVER.with_borrow_mut(|all| {
        let left = std::mem::take(all);
        all.insert(token, exchange);
        left
    });
    for exchange in left.into_values() {
        exchange.borrow_mut().finish(lend());
    }
}

/// `None`: no such exchange waits, whatever a caller's header says.
pub fn take_over(token: &str) -> Option<Rc<RefCell<Exchange>>> {
    HANDED_OVER.with_borrow_mut(|all| all.remove(token))
}

/// `None`: there are too many series of its kind already, and this one is not counted.
pub fn metric(metric: &Metric) -> Option<u32> {
    METRICS.with_borrow_mut(|metrics| {
        let series: &mut HashMap<String, u32> = metrics.entry(metric.name).or_default();
        let name = metric.full_name();
        if let Some(id) = series.get(&name) {
            return Some(*id);
        }
        if series.len() >= MAX_SERIES {
            return None;
        }
        let id = host::define_metric(metric.kind, &name)?;
        series.insert(name, id);
        Some(id)
    })
}
