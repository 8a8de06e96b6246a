//! ATTEMPT PATH, top to bottom: encode → opt out → (send) → judge → decode → meter → restore → re-encode.
//!
//! One attempt speaks to one provider. Until there is something that the caller can use, its answer is held: a
//! failure before that is turned into a signal that makes Envoy ask the next target. The signal is a status and
//! `x-tollgate-retry`; it never reaches the caller, whose error is the last attempt's, with its own status.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use crate::catalog::tokens::Estimator;
use crate::chat::{ErrorClass, ProviderError};
use crate::config::{Budget, BudgetLimit, ScopePart, Target};
use crate::engine::answer::{Carriage, Progress, StreamAnswer, carry_whole};
use crate::engine::effect::{Effect, Flow, Step};
use crate::engine::exchange::{AttemptLog, Exchange, Phase, Planned};
use crate::engine::failed::Original;
use crate::engine::failure::Failure;
use crate::engine::outgoing::{self, Outgoing};
use crate::engine::reserve::amount;
use crate::engine::{Host, Policy};
use crate::policy::budget::ReserveError;
use crate::provider::{self, Api, ApiError, Vendor};
use crate::wire::http::{self, Headers};
use crate::wire::json::Document;

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
        let passthrough = planned.plan.passthrough == Some(target.provider);
        let read = policy.enforces().then(|| planned.outline.clone()).flatten();
        planned.attempts.push(AttemptLog {
            target: index,
            started_ms: host.now_ms,
            ended_ms: None,
            status: None,
            class: None,
            opt_out: Vec::new(),
            dropped: Vec::new(),
            retry_after: None,
            delivered: false,
            usage: None,
            stopped: false,
            received: Estimator::default(),
            model: None,
        });
        let log = planned.attempts.len() - 1;
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
            outgoing.head(&guard.head, read.as_ref(), headers)
        } else {
            outgoing::strip(headers)
        };
        guard.move_reservation(index, &target, host)?;
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

    pub fn response_head(
        &mut self,
        status: u16,
        headers: Headers,
        end_of_stream: bool,
        host: Host<'_>,
    ) -> Step {
        // Only we may say what ours say.
        let foreign: Vec<Effect> = headers
            .iter()
            .filter(|(name, _)| name.starts_with("x-tollgate-") || *name == "set-cookie")
            .map(|(name, _)| Effect::RemoveResponseHeader(name.to_owned().into()))
            .collect();
        let mut step = self.judge_head(status, headers, end_of_stream, host);
        step.effects.splice(0..0, foreign);
        step
    }

    fn judge_head(&mut self, status: u16, headers: Headers, end_of_stream: bool, host: Host<'_>) -> Step {
        self.log(|log| log.status = Some(status));
        self.bodyless = end_of_stream;
        let carriage = match self.carriage(host) {
            Some(carriage) => carriage,
            None => {
                self.phase = AttemptPhase::Passing;
                self.deliver();
                return Step::default();
            }
        };
        let readable = http::content_encoding(&headers).is_empty();
        let media_type = headers.get("content-type").map(http::media_type).unwrap_or_default();
        let streamed = media_type == "text/event-stream";
        if !self.exchange.borrow().policy.enforces() {
            self.phase = AttemptPhase::Watching(match (readable && status < 300, streamed) {
                (true, true) => Watch::Stream(Box::new(StreamAnswer::new(carriage))),
                (true, false) => Watch::Whole(Vec::new()),
                (false, _) => Watch::Nothing,
            });
            if status >= 400 {
                let class = self.vendor.classify(status, &headers, None).class;
                self.log(|log| log.class = Some(class));
            }
            self.deliver();
            return Step::default();
        }
        if !readable && !end_of_stream {
            self.phase = AttemptPhase::Unreadable;
            return Step::pause();
        }
        if status < 300 && streamed && !end_of_stream {
            self.phase = AttemptPhase::Judging {
                stream: Box::new(StreamAnswer::new(carriage)),
                held: Vec::new(),
                received: 0,
            };
            return Step::pause();
        }
        self.phase = AttemptPhase::Collecting { status, headers, body: Vec::new() };
        if end_of_stream { self.judge_whole(host) } else { Step::pause() }
    }

    /// The next piece of the answer's body: what came since the last call.
    pub fn response_body(&mut self, piece: &[u8], end_of_stream: bool, host: Host<'_>) -> Step {
        let limits = self.exchange.borrow().policy.config.limits;
        match &mut self.phase {
            AttemptPhase::Collecting { body, .. } => {
                if body.len() + piece.len() > limits.body {
                    return self.fail(broken("it is too long"), Original::default(), host);
                }
                body.extend_from_slice(piece);
                if end_of_stream { self.judge_whole(host) } else { Step::pause() }
            }
            AttemptPhase::Unreadable if end_of_stream => {
                self.fail(broken("it is compressed"), Original::default(), host)
            }
            AttemptPhase::Unreadable => Step::pause(),
            // The bound falls where it falls, however the body is cut.
            AttemptPhase::Judging { received, .. } if *received + piece.len() > limits.first_event => {
                let (within, beyond) = piece.split_at(limits.first_event.saturating_sub(*received));
                let mut step = self.response_body(within, false, host);
                if matches!(self.phase, AttemptPhase::Streaming(_)) {
                    let more = self.response_body(beyond, end_of_stream, host);
                    step.add_to_body(more);
                }
                step
            }
            AttemptPhase::Judging { stream, held, received } => {
                let mut progress = stream.push(piece);
                *received += piece.len();
                if end_of_stream && progress.error.is_none() {
                    merge(&mut progress, stream.end());
                }
                held.append(&mut progress.output);
                let enough = *received >= limits.first_event;
                self.meter(&progress, host);
                if let Some(error) = progress.error.as_ref().filter(|_| progress.useful) {
                    let class = error.class;
                    self.log(|log| log.class = Some(class));
                }
                match progress.error {
                    Some(error) if !progress.useful => self.fail(error, Original::default(), host),
                    _ if progress.useful || enough || end_of_stream => self.release(end_of_stream, host),
                    _ => Step::pause(),
                }
            }
            AttemptPhase::Streaming(stream) => {
                let mut progress = stream.push(piece);
                if end_of_stream {
                    merge(&mut progress, stream.end());
                }
                self.meter(&progress, host);
                if let Some(error) = &progress.error {
                    let class = error.class;
                    self.log(|log| log.class = Some(class));
                }
                if end_of_stream {
                    self.phase = AttemptPhase::Settled;
                    self.ended(host);
                }
                Step::go_on(vec![Effect::SetResponseBody(progress.output)])
            }
            AttemptPhase::Watching(watch) => {
                let mut progress = Progress::default();
                match watch {
                    Watch::Stream(stream) => progress = stream.push(piece),
                    Watch::Whole(body) if body.len() + piece.len() <= limits.body => {
                        body.extend_from_slice(piece)
                    }
                    Watch::Whole(_) => *watch = Watch::Nothing,
                    Watch::Nothing => {}
                }
                progress.stopped |= end_of_stream;
                if let (Watch::Whole(body), true) = (&watch, end_of_stream) {
                    let codec = provider::codec(self.api);
                    progress.usage = Document::parse_lenient(body)
                        .ok()
                        .and_then(|document| codec.read_usage(document.root()));
                }
                self.meter(&progress, host);
                if end_of_stream {
                    self.ended(host);
                }
                Step::default()
            }
            AttemptPhase::Passing => {
                if end_of_stream {
                    self.ended(host);
                }
                Step::default()
            }
            AttemptPhase::Settled | AttemptPhase::Request | AttemptPhase::Sent => {
                Step::go_on(vec![Effect::SetResponseBody(Vec::new())])
            }
        }
    }

    /// Trailers came: the body has ended, and what is held can still be changed.
    pub fn response_trailers(&mut self, host: Host<'_>) -> Step {
        match self.phase {
            AttemptPhase::Collecting { .. } | AttemptPhase::Unreadable | AttemptPhase::Judging { .. } => {
                self.response_body(&[], true, host)
            }
            AttemptPhase::Streaming(_) => {
                // Nothing can be added any more. A stream that is not whole lacks its terminal marker.
                self.response_body(&[], true, host);
                Step::default()
            }
            AttemptPhase::Watching(_) | AttemptPhase::Passing => self.response_body(&[], true, host),
            _ => Step::default(),
        }
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
        self.phase = AttemptPhase::Settled;
    }

    /// Everything of an answer that does not stream, or of a failure, is here.
    fn judge_whole(&mut self, host: Host<'_>) -> Step {
        let phase = std::mem::replace(&mut self.phase, AttemptPhase::Settled);
        let AttemptPhase::Collecting { status, headers, body } = phase else { return Step::default() };
        let document = Document::parse_lenient(&body).ok();
        if status >= 300 {
            let error = self.vendor.classify(status, &headers, document.as_ref());
            return self.fail(error, Original { status: Some(status), headers, body }, host);
        }
        let Some(document) = document else {
            return self.fail(broken("it is not JSON"), Original::of(headers), host);
        };
        if let Some(error) = self.vendor.soft_failure(self.api, document.root()) {
            return self.fail(error, Original::of(headers), host);
        }
        let codec = provider::codec(self.api);
        if !codec.is_answer(document.root()) {
            return self.fail(broken("it is not what the dialect says"), Original::of(headers), host);
        }
        let usage = codec.read_usage(document.root());
        let model = codec.answer_model(document.root());
        let Some(carriage) = self.carriage(host) else { return Step::default() };
        let received = body.len();
        let carried = match carry_whole(&carriage, &document) {
            Ok(carried) => carried,
            Err(_) => {
                return self.fail(broken("it is not what the dialect says"), Original::of(headers), host);
            }
        };
        self.log(|log| {
            log.usage = usage;
            log.stopped = true;
            log.model = model;
            if usage.is_none() {
                log.received.feed(std::str::from_utf8(&body).unwrap_or_default());
            }
        });
        let _ = received;
        self.deliver();
        self.ended(host);
        let mut effects = Vec::new();
        if let Some(body) = carried {
            effects.push(Effect::SetResponseHeader("content-length".into(), body.len().to_string()));
            effects.push(Effect::SetResponseHeader("content-type".into(), "application/json".into()));
            effects.push(Effect::SetResponseBody(body));
        }
        Step::go_on(effects)
    }

    /// Something useful came: the head goes, with what was held.
    fn release(&mut self, end_of_stream: bool, host: Host<'_>) -> Step {
        let phase = std::mem::replace(&mut self.phase, AttemptPhase::Settled);
        let AttemptPhase::Judging { stream, held, .. } = phase else { return Step::default() };
        if !end_of_stream {
            self.phase = AttemptPhase::Streaming(stream);
        }
        self.deliver();
        if end_of_stream {
            self.ended(host);
        }
        Step::go_on(vec![
            Effect::RemoveResponseHeader("content-length".into()),
            Effect::SetResponseHeader("content-type".into(), "text/event-stream; charset=utf-8".into()),
            Effect::SetResponseBody(held),
        ])
    }

    fn meter(&mut self, progress: &Progress, host: Host<'_>) {
        self.log(|log| {
            if let Some(usage) = progress.usage {
                log.usage = Some(usage);
            }
            log.stopped |= progress.stopped;
            if let Some(model) = &progress.model {
                log.model = Some(model.clone());
            }
            progress.text.iter().for_each(|text| log.received.feed(text));
        });
        if progress.useful {
            let mut exchange = self.exchange.borrow_mut();
            let after = host.now_ms.saturating_sub(exchange.started_ms);
            exchange.tally.first_token_ms.get_or_insert(after);
        }
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
        self.exchange.borrow_mut().tally.ended = true;
    }

    /// `None`: nobody read the request, and nobody reads the answer.
    fn carriage(&self, host: Host<'_>) -> Option<Carriage> {
        let exchange = self.exchange.borrow();
        let planned = exchange.planned()?;
        let outline = planned.outline.as_ref()?;
        Some(Carriage {
            from: provider::codec(self.api),
            to: exchange.codec(),
            vault: exchange.vault_to_restore(),
            hide_usage: exchange.policy.enforces()
                && outline.stream
                && !outline.stream_usage
                && self.vendor.asks_stream_usage(),
            outline: outline.clone(),
            created: host.now_ms / 1000,
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

fn broken(why: &str) -> ProviderError {
    ProviderError {
        class: ErrorClass::BrokenResponse,
        message: format!("The provider's answer cannot be used: {why}."),
        code: None,
    }
}

fn merge(progress: &mut Progress, more: Progress) {
    progress.output.extend(more.output);
    progress.useful |= more.useful;
    progress.error = progress.error.take().or(more.error);
    progress.usage = more.usage.or(progress.usage);
    progress.model = more.model.or(progress.model.take());
    progress.text.extend(more.text);
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

impl Exchange {
    /// The attempt goes to another target than the first: what is reserved follows it, to its price and its scopes.
    fn move_reservation(&mut self, index: usize, target: &Target, host: Host<'_>) -> Result<(), Failure> {
        let policy = Rc::clone(&self.policy);
        let budgets = &policy.config.budgets;
        let by_target = |part: &ScopePart| matches!(part, ScopePart::Model | ScopePart::Provider);
        let moves = |budget: &Budget| {
            matches!(budget.limit, BudgetLimit::MicroUsd(_)) || budget.per.iter().any(by_target)
        };
        let Some(planned) = self.planned_mut() else { return Ok(()) };
        if planned.reserved_for == index || !budgets.iter().any(moves) {
            return Ok(());
        }
        let Some(outline) = planned.outline.clone() else { return Ok(()) };
        let ask = amount(&policy, target, &outline, planned.prompt_tokens);
        let Some(mut reservation) = planned.reservation.take() else { return Ok(()) };
        let adjusted = {
            let header = |name: &str| self.header(name);
            let Some(plan) = self.planned().map(|planned| &planned.plan) else { return Ok(()) };
            let scope = self.scope(target, plan, &header);
            reservation.adjust(budgets, &scope, &ask, host.now_ms, host.store)
        };
        if let Some(planned) = self.planned_mut() {
            planned.reservation = Some(reservation);
            if adjusted.is_ok() {
                planned.reserved_for = index;
            }
        }
        adjusted.map_err(|error| match error {
            ReserveError::Over { budget, retry_after_seconds } => {
                Failure::OverBudget { budget, retry_after: retry_after_seconds }
            }
            ReserveError::Store(_) => Failure::LedgerUnavailable,
        })
    }
}
