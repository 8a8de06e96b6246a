//! ATTEMPT PATH, top to bottom: encode → opt out → (send) → judge → decode → meter → guard → restore → re-encode.
//!
//! One attempt speaks to one provider. Until there is something that the caller can use, its answer is held: a
//! failure before that is turned into a signal that makes Envoy ask the next target. The signal is a status and
//! `x-tollgate-retry`; it never reaches the caller, whose error is the last attempt's, with its own status.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use crate::catalog::tokens::Estimator;
use crate::chat::{ErrorClass, ProviderError};
use crate::config::Target;
use crate::engine::answer::{Carriage, StreamAnswer};
use crate::engine::effect::{Effect, Flow, Step};
use crate::engine::exchange::{AttemptLog, Exchange, Phase, Planned};
use crate::engine::failure::Failure;
use crate::engine::outgoing::{self, Outgoing};
use crate::engine::{Host, Policy};
use crate::policy::redaction::AnswerFindings;
use crate::provider::{self, Api, ApiError, Vendor};
use crate::wire::http::Headers;

/// How much earlier than it says a time-out may come.
const EARLY_MS: u64 = 20;

/// What the upstream role knows of where it stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'p> {
    /// From the endpoint's metadata.
    pub provider: Option<&'p str>,
    pub cluster: Option<&'p str>,
}

pub struct Attempt {
    pub(super) exchange: Rc<RefCell<Exchange>>,
    /// Index into the exchange's log.
    pub(super) index: usize,
    pub(super) vendor: &'static dyn Vendor,
    /// In which the provider is spoken to.
    pub(super) api: Api,
    /// The answer had no body: what we say needs one of our own.
    pub(super) bodyless: bool,
    pub(super) phase: AttemptPhase,
}

pub(super) enum AttemptPhase {
    /// The request's body is awaited.
    Request,
    /// The request is on its way; nothing came back.
    Sent,
    /// The whole body is needed to judge it.
    Collecting {
        status: u16,
        headers: Headers,
        body: Vec<u8>,
    },
    /// A body that cannot be read. It is waited for, so that an error can take its place.
    Unreadable,
    /// A stream that has not said anything useful yet. `held` is what the caller gets if it does.
    Judging {
        stream: Box<StreamAnswer>,
        held: Vec<u8>,
        received: usize,
    },
    Streaming(Box<StreamAnswer>),
    /// Read for its usage only: the bytes are not touched.
    Watching(Watch),
    /// Decided. Whatever else comes is not for the caller.
    Settled,
    Passing,
}

pub(super) enum Watch {
    Stream(Box<StreamAnswer>),
    Whole(Vec<u8>),
    Nothing,
}

impl Attempt {
    /// A new attempt, when Envoy has chosen where it goes.
    pub fn open(
        exchange: Rc<RefCell<Exchange>>,
        place: Place<'_>,
        headers: &Headers,
        host: Host<'_>,
    ) -> Result<(Self, Step), Failure> {
        let mut guard = exchange.borrow_mut();
        let policy = Rc::clone(&guard.policy);
        let callers = guard.head.api;
        let keys_provider = guard.keys_provider();
        let Some(planned) = guard.planned_mut() else { return Err(Failure::NotInspected) };
        if !policy.enforces() && planned.plan.targets.is_empty() {
            // Envoy's own route decided, and observing refuses nothing.
            let provider = provider_at(&policy, place).next().unwrap_or(0);
            planned.plan.targets.push(Target { provider, model: String::new() });
        }
        let index = locate(&policy, planned, place).ok_or(Failure::NoTargetLeft)?;
        let target = planned.target(index).cloned().ok_or(Failure::NoTargetLeft)?;
        let provider = policy.config.providers.get(target.provider).ok_or(Failure::NoTargetLeft)?;
        let vendor = provider::vendor(provider.dialect).ok_or(Failure::NoTargetLeft)?;
        // What nobody read is in nobody's dialect.
        let api = callers.map_or(vendor.apis().first().copied(), |api| vendor.api_for(api));
        let api = api.ok_or(Failure::NoTargetLeft)?;
        let passthrough = keys_provider == Some(target.provider);
        let read = policy.enforces().then(|| planned.outline.clone()).flatten();
        let outgoing = Outgoing {
            policy: &policy,
            vendor,
            provider,
            target: &target,
            api,
            caller: guard.codec(),
            passthrough,
        };
        let effects = if policy.enforces() {
            let mut effects = outgoing.head(&guard.head, read.as_ref(), headers);
            effects.extend(outgoing::strip_proxys(headers, guard.attachment));
            effects
        } else {
            outgoing::strip(headers)
        };
        // An attempt that no budget has room for is none.
        guard.move_reservation(index, &target, host)?;
        let Some(planned) = guard.planned_mut() else { return Err(Failure::NotInspected) };
        planned.attempts.push(AttemptLog {
            target: index,
            started_ms: host.now_ms,
            ended_ms: None,
            status: None,
            class: None,
            told: false,
            opt_out: Vec::new(),
            dropped: Vec::new(),
            retry_after: None,
            delivered: false,
            usage: None,
            stopped: false,
            received: Estimator::default(),
            model: None,
            found: AnswerFindings::default(),
        });
        let log = planned.attempts.len() - 1;
        drop(guard);
        let phase = if read.is_some() { AttemptPhase::Request } else { AttemptPhase::Sent };
        let attempt = Self { exchange, index: log, vendor, api, bodyless: false, phase };
        let step = match read {
            Some(_) => Step { flow: Flow::Pause, effects },
            None => Step::go_on(effects),
        };
        Ok((attempt, step))
    }

    pub fn awaits_request(&self) -> bool {
        matches!(self.phase, AttemptPhase::Request)
    }

    /// The request cannot be made: said to the caller at once.
    pub fn refuse(&mut self, failure: Failure) -> Step {
        self.phase = AttemptPhase::Settled;
        // Nothing was sent, so that it says nothing of the target.
        self.log(|log| log.told = true);
        self.exchange.borrow_mut().refuse_attempt(failure)
    }

    /// The whole request body, as the listener left it.
    pub fn request_body(&mut self, body: &[u8]) -> Result<Step, Failure> {
        self.phase = AttemptPhase::Sent;
        let mut guard = self.exchange.borrow_mut();
        let policy = Rc::clone(&guard.policy);
        let codec = guard.codec();
        let Some(planned) = guard.planned_mut() else { return Err(Failure::NotInspected) };
        let Some(outline) = planned.outline.clone().filter(|_| policy.enforces()) else {
            return Ok(Step::default());
        };
        let target = planned
            .attempts
            .get(self.index)
            .and_then(|log| planned.target(log.target))
            .cloned()
            .ok_or(Failure::NoTargetLeft)?;
        let provider = policy.config.providers.get(target.provider).ok_or(Failure::NoTargetLeft)?;
        let outgoing = Outgoing {
            policy: &policy,
            vendor: self.vendor,
            provider,
            target: &target,
            api: self.api,
            caller: codec,
            passthrough: false,
        };
        let written = outgoing.body(&outline, body)?;
        if let Some(log) = planned.attempts.get_mut(self.index) {
            log.opt_out = written.opt_out;
            log.dropped = written.dropped;
        }
        let length = written.body.len().to_string();
        let mut effects = vec![Effect::SetRequestHeader("content-length".into(), length)];
        if let Cow::Owned(body) = written.body {
            effects.push(Effect::SetRequestBody(body));
        }
        Ok(Step::go_on(effects))
    }

    /// Envoy is done with this attempt, whatever came of it.
    pub fn close(&mut self, host: Host<'_>) {
        let silent = matches!(
            self.phase,
            AttemptPhase::Request
                | AttemptPhase::Sent
                | AttemptPhase::Collecting { .. }
                | AttemptPhase::Judging { .. }
        );
        let broken_off = matches!(self.phase, AttemptPhase::Streaming(_));
        let timeouts = self.exchange.borrow().planned().map(|planned| planned.per_try_ms());
        let half = match &self.phase {
            AttemptPhase::Collecting { body, .. } => String::from_utf8_lossy(body).into_owned(),
            _ => String::new(),
        };
        self.log(|log| {
            log.received.feed(&half);
            if silent && log.class.is_none() {
                // Envoy's timer may be a little ahead of the clock.
                let took = host.now_ms.saturating_sub(log.started_ms) + EARLY_MS;
                let class = if timeouts.is_some_and(|limit| took >= limit) {
                    ErrorClass::Timeout
                } else {
                    ErrorClass::ServerError
                };
                log.class = Some(class);
            }
            // After the caller has gone the exchange is over, and this changes nothing.
            if broken_off {
                log.class.get_or_insert(ErrorClass::BrokenResponse);
            }
            log.ended_ms.get_or_insert(host.now_ms);
        });
        self.tell_as_logged(host);
        self.exchange.borrow_mut().tally.silent_since = None;
        self.phase = AttemptPhase::Settled;
    }

    pub(super) fn log(&mut self, change: impl FnOnce(&mut AttemptLog)) {
        let mut exchange = self.exchange.borrow_mut();
        if let Some(log) = exchange.planned_mut().and_then(|planned| planned.attempts.get_mut(self.index)) {
            change(log);
        }
    }

    /// From here on the caller sees this attempt's answer.
    pub(super) fn deliver(&mut self) {
        self.log(|log| log.delivered = true);
        let mut exchange = self.exchange.borrow_mut();
        exchange.phase = match std::mem::replace(&mut exchange.phase, Phase::Done) {
            Phase::Planned(planned) => Phase::Answering(planned),
            other => other,
        };
    }

    pub(super) fn ended(&mut self, host: Host<'_>) {
        self.log(|log| {
            log.ended_ms.get_or_insert(host.now_ms);
        });
        self.tell_as_logged(host);
        let mut exchange = self.exchange.borrow_mut();
        exchange.tally.ended = true;
        exchange.tally.silent_since = None;
    }

    /// `None`: nobody read the request, and nobody reads the answer.
    pub(super) fn carriage(&self, host: Host<'_>) -> Option<Carriage> {
        let exchange = self.exchange.borrow();
        let planned = exchange.planned()?;
        let outline = planned.outline.as_ref()?;
        Some(Carriage {
            from: provider::codec(self.api),
            to: exchange.codec(),
            failures: self.vendor.failures(),
            vault: exchange.vault_to_restore(),
            rules: exchange.answer_rules(),
            hide_usage: exchange.policy.enforces()
                && outline.stream
                && !outline.stream_usage
                && self.vendor.asks_stream_usage(),
            outline: outline.clone(),
            created: host.now_ms / 1000,
            key: self.key(&exchange),
        })
    }
}

/// The providers that are reached through the attempt's cluster.
fn provider_at<'p>(policy: &'p Policy, place: Place<'p>) -> impl Iterator<Item = usize> + 'p {
    let providers = policy.config.providers.iter().enumerate();
    let there = move |provider: &crate::config::Provider| Some(provider.cluster.as_str()) == place.cluster;
    providers.filter(move |(_, provider)| there(provider)).map(|(index, _)| index)
}

/// The target that the attempt is for, by the provider that Envoy chose.
fn locate(policy: &Policy, planned: &Planned, place: Place<'_>) -> Option<usize> {
    let providers = &policy.config.providers;
    let named = |name: &str| providers.iter().position(|provider| provider.name == name);
    if let Some(provider) = place.provider.and_then(named) {
        return planned.next_target(provider);
    }
    let of_cluster = provider_at(policy, place);
    // Providers may share a cluster: the one that the plan would ask next.
    of_cluster
        .filter_map(|provider| planned.next_target(provider))
        .min_by_key(|index| (planned.attempts.iter().any(|attempt| attempt.target == *index), *index))
}

/// A provider's error as its caller will read it.
pub fn api_error(error: &ProviderError) -> ApiError<'_> {
    ApiError {
        status: provider::failure::status_of(error.class),
        code: error.code.as_deref().unwrap_or(error.class.name()),
        message: &error.message,
        param: None,
    }
}
