//! What attempts say of their targets, and which targets are therefore asked last.

use std::rc::Rc;

use crate::chat::ErrorClass;
use crate::config::{Credential, Health, Target};
use crate::engine::admit::fingerprint;
use crate::engine::attempt::Attempt;
use crate::engine::credentials::callers_key;
use crate::engine::exchange::Exchange;
use crate::engine::plan::Plan;
use crate::engine::{Host, Policy};
use crate::policy::health::{self, Standing};
use crate::policy::recovery::{self, Rest};

impl Exchange {
    /// Targets that are likely to fail go behind the others, the one that is soonest well again first. None is left
    /// out: where all others have failed, it is still better than nothing.
    pub(super) fn order_by_health(&mut self, plan: &mut Plan, host: Host<'_>) {
        let policy = Rc::clone(&self.policy);
        let Some(rules) = policy.config.health.filter(|_| self.policy.enforces()) else { return };
        if plan.targets.len() < 2 {
            return;
        }
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for target in std::mem::take(&mut plan.targets) {
            // Only the first to be asked is sure to be tried.
            let standing = self.standing(&rules, &target, good.is_empty(), host);
            match standing {
                Standing::Good => good.push(target),
                Standing::Probing => {
                    self.tally.healthy.insert(key_of(&target), false);
                    good.push(target);
                }
                Standing::Bad(until) => {
                    self.tally.healthy.insert(key_of(&target), false);
                    bad.push((until, target));
                }
            }
        }
        bad.sort_by_key(|(until, _)| *until);
        good.extend(bad.into_iter().map(|(_, target)| target));
        plan.targets = good;
    }

    fn standing(&self, rules: &Health, target: &Target, first: bool, host: Host<'_>) -> Standing {
        let policy = &self.policy;
        let Some(provider) = policy.config.providers.get(target.provider) else { return Standing::Good };
        let ids = || {
            let credential = self.credential(target);
            [id(policy, &credential, ""), id(policy, &credential, &self.bounded_model(&target.model))]
        };
        let rests = health::resting(&health::rests_key(&provider.name), &ids, host.now_ms, host.store);
        if let Some(until) = rests {
            return Standing::Bad(until);
        }
        let key = health::circuit_key(&provider.name, &self.bounded_model(&target.model));
        health::look(&key, rules, first, host.now_ms, host.store)
    }

    /// Whose key it is that a target is asked with: the provider's own, or that of one caller.
    fn credential(&self, target: &Target) -> Vec<u8> {
        let provider = self.policy.config.providers.get(target.provider);
        let passes = provider.filter(|provider| provider.credential == Credential::Passthrough);
        let key = passes.and_then(|provider| callers_key(&self.policy, &self.head, provider));
        key.map(|(_, key)| key.into_bytes()).unwrap_or_default()
    }
}

/// In memory that other policies of the process may read: an HMAC, of which nothing can be told.
fn id(policy: &Policy, credential: &[u8], model: &str) -> u64 {
    let text = [credential, b"\0", model.as_bytes()].concat();
    let digits = fingerprint(&policy.key, &text).unwrap_or_default();
    digits.get(4..).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

fn key_of(target: &Target) -> (usize, String) {
    (target.provider, target.model.clone())
}

impl Attempt {
    pub(super) fn tell_as_logged(&mut self, host: Host<'_>) {
        let mut class = None;
        self.log(|log| class = log.class);
        self.tell(class, None, host);
    }

    /// Tells what the attempt came to, once. `None`: a good answer.
    pub(super) fn tell(&mut self, class: Option<ErrorClass>, retry_after: Option<u64>, host: Host<'_>) {
        let mut first = false;
        self.log(|log| first = !std::mem::replace(&mut log.told, true));
        if !first {
            return;
        }
        let mut exchange = self.exchange.borrow_mut();
        let policy = Rc::clone(&exchange.policy);
        let Some(rules) = policy.config.health else { return };
        // What nobody reads says nothing.
        let Some(planned) = exchange.planned().filter(|planned| planned.outline.is_some()) else { return };
        let attempt = planned.attempts.get(self.index);
        let Some(target) = attempt.and_then(|attempt| planned.target(attempt.target)).cloned() else {
            return;
        };
        let Some(provider) = policy.config.providers.get(target.provider) else { return };
        let model = exchange.bounded_model(&target.model);
        let credential = exchange.credential(&target);
        let mut standing = Standing::Good;
        if class.is_none_or(recovery::is_the_providers_fault) {
            let key = health::circuit_key(&provider.name, &model);
            let noted = health::note(&key, class.is_none(), &rules, host.now_ms, host.store);
            standing = noted.unwrap_or(standing);
        }
        let rest = class.and_then(|class| recovery::rest(&policy.config.recovery, class, retry_after));
        if let Some(rest) = rest {
            let (model, time) = match rest {
                Rest::Credential(time) => ("", time),
                Rest::Target(time) => (model.as_str(), time),
            };
            let until = host.now_ms.saturating_add(time);
            let id = id(&policy, &credential, model);
            let key = health::rests_key(&provider.name);
            if health::rest(&key, id, until, host.now_ms, host.store).is_ok() {
                standing = Standing::Bad(until);
            }
        }
        exchange.tally.healthy.insert(key_of(&target), standing == Standing::Good);
    }
}
