//! FINISH: the answer's head as the caller sees it, then settle → record → measure.
//!
//! [`Exchange::finish`] runs exactly once for every exchange, on success, on failure and when the caller goes away
//! alike: whatever was reserved is settled here.

use crate::chat::Usage;
use crate::config::{Mode, Target};
use crate::engine::Host;
use crate::engine::effect::{Effect, Flow, Metric, MetricKind, Reply, Step};
use crate::engine::exchange::{AttemptLog, Exchange, Phase, Planned};
use crate::engine::failure::Failure;
use crate::engine::record::{AttemptRecord, LeftOutRecord, Record};
use crate::engine::reserve::budget_record;
use crate::policy::budget::Amount;
use crate::policy::redaction::AnswerFindings;

/// Longer names are no models'.
const MAX_MODEL: usize = 200;

impl Exchange {
    /// The head of what goes to the caller: a provider's answer, or one that Envoy made itself. `signal`: it carries
    /// `x-tollgate-retry`.
    pub fn answer_head(&mut self, status: u16, signal: bool, end_of_stream: bool) -> Step {
        self.tally.status = Some(status);
        match &self.phase {
            Phase::Answering(_) => Step::go_on(self.head_effects()),
            Phase::Passing(..) => self.give_up_on_pass(end_of_stream),
            Phase::Planned(_) if signal => self.give_up_on_retry(status),
            Phase::Planned(_) | Phase::Body if self.policy.enforces() => {
                self.replace_proxys_answer(status, end_of_stream)
            }
            Phase::Planned(_) | Phase::Body | Phase::Refused(_) | Phase::Answered | Phase::Done => {
                Step::default()
            }
        }
    }

    fn head_effects(&self) -> Vec<Effect> {
        let mut effects = vec![Effect::RemoveResponseHeader("x-tollgate-retry".into())];
        effects.extend(
            self.own_headers().into_iter().map(|(name, value)| Effect::SetResponseHeader(name.into(), value)),
        );
        let outline = self.planned().and_then(|planned| planned.outline.as_ref());
        let streamed = outline.is_some_and(|outline| outline.stream);
        if let Some(cost) = self.cost_so_far().filter(|_| !streamed) {
            let cost = format!("{}.{:06}", cost / 1_000_000, cost % 1_000_000);
            effects.push(Effect::SetResponseHeader("x-tollgate-cost-usd".into(), cost));
        }
        effects
    }

    /// A signal whose retry never came: the caller gets the attempt's error, with the provider's own status.
    fn give_up_on_retry(&mut self, signal: u16) -> Step {
        let Some(last) = self.planned_mut().and_then(|planned| planned.attempts.last_mut()) else {
            return Step::default();
        };
        last.delivered = true;
        let by_class = last.class.map_or(signal, crate::provider::failure::status_of);
        let own = last.status.filter(|status| *status >= 300).unwrap_or(by_class);
        let retry_after = last.retry_after.clone();
        self.tally.status = Some(own);
        self.tally.ended = true;
        let mut effects = self.head_effects();
        effects.push(Effect::SetResponseHeader(":status".into(), own.to_string()));
        effects.extend(retry_after.map(|value| Effect::SetResponseHeader("retry-after".into(), value)));
        Step::go_on(effects)
    }

    /// Envoy's own answers are plain text: the caller's SDK gets an error in its dialect.
    fn replace_proxys_answer(&mut self, status: u16, end_of_stream: bool) -> Step {
        let failure = match status {
            // A provider's cluster without the upstream role: nobody judged this answer.
            ..300 => Failure::BrokenAnswer,
            413 => Failure::BodyTooLarge { limit: self.policy.config.limits.body },
            503 => Failure::NoTargetLeft,
            504 => Failure::TimedOut,
            status => Failure::Proxy { status },
        };
        let mut reply = failure.reply(self.codec());
        reply.headers.extend(self.own_headers());
        self.tally.would_fail = Some(failure);
        self.tally.status = Some(reply.status);
        if end_of_stream {
            return Step::reply(reply);
        }
        let Reply { status, headers, body } = reply;
        let mut effects: Vec<Effect> =
            headers.into_iter().map(|(name, value)| Effect::SetResponseHeader(name.into(), value)).collect();
        effects.push(Effect::SetResponseHeader(":status".into(), status.to_string()));
        effects.push(Effect::SetResponseHeader("content-length".into(), body.len().to_string()));
        self.replacement = Some(body);
        Step { flow: Flow::Pause, effects }
    }

    pub fn replaces_answer(&self) -> bool {
        self.replacement.is_some()
    }

    /// The body of an answer that Envoy made itself.
    pub fn answer_body(&mut self, end_of_stream: bool) -> Step {
        match self.replacement.take_if(|_| end_of_stream) {
            Some(body) => Step::go_on(vec![Effect::SetResponseBody(body)]),
            None => Step::pause(),
        }
    }

    /// An attempt could not be made. Its reply goes to the caller as it is.
    pub fn refuse_attempt(&mut self, failure: Failure) -> Step {
        let reply = failure.reply(self.codec());
        self.tally.would_fail = Some(failure);
        self.tally.ended = true;
        self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Planned(planned) => Phase::Answering(planned),
            other => other,
        };
        Step::reply(reply)
    }

    /// The exchange is over.
    pub fn finish(&mut self, host: Host<'_>) -> Vec<Effect> {
        if matches!(self.phase, Phase::Done) {
            return Vec::new();
        }
        let usage = self.usage();
        self.settle(host);
        let cost = self.cost_so_far();
        let mut effects = vec![Effect::Record(self.record(usage.as_ref(), cost, host))];
        effects.extend(self.metrics(usage.as_ref(), cost, host).into_iter().map(Effect::Metric));
        self.phase = Phase::Done;
        effects
    }

    /// What the record tells of: the attempt that the caller got, else the last one that cost anything.
    fn told(&self) -> Option<&AttemptLog> {
        let planned = self.planned()?;
        let costs = |attempt: &&AttemptLog| planned.usage_of(attempt).is_some();
        planned.delivered().or_else(|| planned.attempts.iter().rev().find(costs))
    }

    fn usage(&self) -> Option<Usage> {
        self.planned()?.usage_of(self.told()?)
    }

    /// What all attempts used together: one that was given up in mid-answer was paid for too.
    fn used(&self) -> Amount {
        let Some(planned) = self.planned() else { return Amount::ZERO };
        let used = planned.attempts.iter().filter_map(|attempt| {
            let usage = planned.usage_of(attempt)?;
            let model = planned.target(attempt.target).map_or("", |target| &target.model);
            Some(Amount {
                tokens: usage.input.saturating_add(usage.output),
                micro_usd: self.policy.cost(model, &usage).unwrap_or(0),
            })
        });
        used.fold(Amount::ZERO, Amount::plus)
    }

    fn usage_is_estimated(&self) -> bool {
        self.told().is_some_and(|told| (told.usage.is_none() || !told.stopped) && self.usage().is_some())
    }

    fn answered_target(&self) -> Option<&Target> {
        self.planned()?.target(self.told()?.target)
    }

    /// `None`: the model's price is not known.
    fn cost_so_far(&self) -> Option<u64> {
        let usage = self.usage()?;
        let target = self.answered_target()?;
        self.policy.cost(&target.model, &usage)
    }

    fn settle(&mut self, host: Host<'_>) {
        let actual = self.used();
        let reservation = self.planned_mut().and_then(|planned| planned.reservation.take());
        if let Some(reservation) = reservation
            && let Ok(states) = reservation.settle(&actual, host.now_ms, host.store)
        {
            self.tally.budgets = states.iter().map(budget_record).collect();
        }
    }

    fn record(&self, usage: Option<&Usage>, cost: Option<u64>, host: Host<'_>) -> String {
        let config = &self.policy.config;
        let planned = self.planned();
        let target = self.answered_target();
        let provider = target.and_then(|target| config.providers.get(target.provider));
        let answered = planned.and_then(Planned::delivered);
        let attempts: Vec<AttemptRecord> = planned
            .map(|planned| {
                planned.attempts.iter().map(|log| self.attempt_record(planned, log, host)).collect()
            })
            .unwrap_or_default();
        let left_out: Vec<LeftOutRecord> = planned
            .iter()
            .flat_map(|planned| &planned.plan.left_out)
            .map(|left_out| LeftOutRecord {
                provider: config
                    .providers
                    .get(left_out.target.provider)
                    .map_or("", |provider| &provider.name),
                model: self.shown(&left_out.target.model),
                reason: &left_out.reason,
            })
            .collect();
        let outline = planned.and_then(|planned| planned.outline.as_ref());
        let failure = match &self.phase {
            Phase::Refused(failure) => Some(failure.code()),
            _ => self.tally.would_fail.as_ref().map(Failure::code),
        };
        let class = answered.and_then(|answered| answered.class).map(crate::chat::ErrorClass::name);
        Record {
            operation: self.operation(),
            request_model: outline.map(|outline| self.shown(&outline.model)),
            response_model: answered
                .and_then(|answered| answered.model.as_deref())
                .or(target.map(|target| target.model.as_str()))
                .map(|model| self.shown(model)),
            provider: provider.map(|provider| provider.name.as_str()),
            input_tokens: None,
            output_tokens: None,
            cached_tokens: None,
            cache_write_tokens: None,
            reasoning_tokens: None,
            error: failure.or(class),
            request_id: &self.id,
            policy: &config.hash,
            mode: match config.mode {
                Mode::Enforce => "enforce",
                Mode::Observe => "observe",
            },
            caller: &self.head.caller,
            route: planned.and_then(|planned| planned.plan.route.as_deref()),
            chain: planned.and_then(|planned| planned.plan.chain.as_deref()),
            stream: outline.is_some_and(|outline| outline.stream),
            decision: self.decision(),
            status: self.tally.status,
            attempts: &attempts,
            findings: &self.tally.found,
            redactions: self.tally.redactions,
            answer_findings: self.answer_findings().map(AnswerFindings::by_type).unwrap_or_default(),
            answer_redactions: self.answer_findings().map_or(0, AnswerFindings::redacted),
            media: self.tally.media,
            truncated: self.tally.truncated,
            left_out: &left_out,
            classes: &self.tally.classes,
            budgets: &self.tally.budgets,
            usage_estimated: self.usage_is_estimated(),
            cost_microusd: cost,
            time_to_first_token_ms: self.tally.first_token_ms,
            duration_ms: host.now_ms.saturating_sub(self.started_ms),
            uninspected: self.tally.uninspected,
            aborted: answered.is_some_and(|answered| answered.class.is_none()) && !self.tally.ended,
        }
        .with_usage(usage)
        .to_line()
    }

    fn attempt_record(&self, planned: &Planned, log: &AttemptLog, host: Host<'_>) -> AttemptRecord {
        let target = planned.target(log.target);
        let provider = target.and_then(|target| self.policy.config.providers.get(target.provider));
        AttemptRecord {
            provider: provider.map(|provider| provider.name.clone()).unwrap_or_default(),
            model: target.map(|target| self.shown(&target.model).to_owned()).unwrap_or_default(),
            status: log.status,
            class: log.class.map(crate::chat::ErrorClass::name),
            duration_ms: log.ended_ms.unwrap_or(host.now_ms).saturating_sub(log.started_ms),
            opt_out: log.opt_out.clone(),
            dropped: log.dropped.clone(),
        }
    }

    /// A model's name as a record may hold it: where the caller chose it, it can be anything.
    fn shown<'m>(&self, model: &'m str) -> &'m str {
        let plain = model.len() <= MAX_MODEL && self.policy.detector.find_in_identifier(model).is_empty();
        if plain { model } else { "other" }
    }

    fn metrics(&self, usage: Option<&Usage>, cost: Option<u64>, host: Host<'_>) -> Vec<Metric> {
        let config = &self.policy.config;
        let name_of = |target: &Target| {
            let provider = config.providers.get(target.provider);
            (
                provider.map(|provider| provider.name.clone()).unwrap_or_default(),
                self.bounded_model(&target.model),
            )
        };
        let (provider, model) = self.answered_target().map(name_of).unwrap_or_default();
        let labels = || {
            let both = [("provider", provider.clone()), ("model", model.clone())];
            both.into_iter().filter(|(_, value)| !value.is_empty()).collect::<Vec<_>>()
        };
        let mut metrics = vec![
            counter("tollgate_requests_total", labels(), 1),
            histogram("tollgate_request_duration_ms", labels(), host.now_ms.saturating_sub(self.started_ms)),
        ];
        if let Some(first) = self.tally.first_token_ms {
            metrics.push(histogram("tollgate_time_to_first_token_ms", labels(), first));
        }
        if let Some(usage) = usage {
            for (kind, tokens) in [("input", usage.input), ("output", usage.output)] {
                let labels = labels().into_iter().chain([("type", kind.to_owned())]).collect();
                metrics.push(counter("tollgate_tokens_total", labels, tokens));
            }
        }
        metrics.push(counter("tollgate_cost_microusd_total", labels(), cost.unwrap_or(0)));
        if self.policy.enforces()
            && matches!(self.phase, Phase::Planned(_) | Phase::Passing(..) | Phase::Answering(_))
        {
            for (name, count) in &self.tally.redacted {
                metrics.push(counter("tollgate_redactions_total", vec![("type", name.clone())], *count));
            }
        }
        if let Some(found) = self.answer_findings() {
            for ((name, action), count) in &found.counts {
                let labels = vec![("type", name.clone()), ("reason", action.name().to_owned())];
                metrics.push(counter("tollgate_answer_findings_total", labels, *count));
            }
            if !found.blocked.is_empty() && self.policy.enforces() {
                let reason = Failure::AnswerBlocked { types: Vec::new() }.code().to_owned();
                metrics.push(counter("tollgate_blocked_total", vec![("reason", reason)], 1));
            }
        }
        if let Phase::Refused(failure) = &self.phase {
            metrics.push(counter("tollgate_blocked_total", vec![("reason", failure.code().to_owned())], 1));
        }
        if let Some(chain) = &self.tally.downgraded_to {
            metrics.push(counter("tollgate_downgrades_total", vec![("reason", chain.clone())], 1));
        }
        let attempts = self.planned().map(|planned| planned.attempts.as_slice()).unwrap_or_default();
        for (index, log) in attempts.iter().enumerate() {
            let Some(class) = log.class else { continue };
            let (provider, _) = self
                .planned()
                .and_then(|planned| planned.target(log.target))
                .map(name_of)
                .unwrap_or_default();
            let labels = vec![("provider", provider), ("class", class.name().to_owned())];
            if index + 1 < attempts.len() {
                metrics.push(counter("tollgate_failovers_total", labels.clone(), 1));
            }
            metrics.push(counter("tollgate_attempt_errors_total", labels, 1));
        }
        for ((provider, model), healthy) in &self.tally.healthy {
            let provider = config.providers.get(*provider).map(|provider| provider.name.clone());
            let labels =
                vec![("provider", provider.unwrap_or_default()), ("model", self.bounded_model(model))];
            let value = u64::from(*healthy);
            metrics.push(Metric { name: "tollgate_target_health", kind: MetricKind::Gauge, labels, value });
        }
        for state in &self.tally.budgets {
            metrics.push(Metric {
                name: "tollgate_budget_used_percent",
                kind: MetricKind::Gauge,
                labels: self.budget_labels(&state.name),
                value: state.percent,
            });
        }
        metrics.retain(|metric| metric.value > 0 || metric.kind != MetricKind::Counter);
        metrics
    }

    /// A budget that each caller has alone is told by caller.
    fn budget_labels(&self, name: &str) -> Vec<(&'static str, String)> {
        let budget = self.policy.config.budgets.iter().find(|budget| budget.name == name);
        let own = budget.is_some_and(|budget| budget.per.contains(&crate::config::ScopePart::Caller));
        let caller = own.then(|| ("caller", self.head.caller.clone()));
        [("budget", name.to_owned())].into_iter().chain(caller).collect()
    }

    /// A label has as many values as the policy and the catalogue have models, and one for all others.
    pub(super) fn bounded_model(&self, model: &str) -> String {
        let config = &self.policy.config;
        let named = config.models.contains_key(model)
            || config.chains.values().flat_map(|chain| &chain.targets).any(|target| target.model == model);
        if named {
            return model.to_owned();
        }
        // Under the catalogue's name: a caller can write a dated name in any number of ways.
        self.policy.catalog.lookup(model).map_or_else(|| "other".to_owned(), |entry| entry.model.clone())
    }
}

fn counter(name: &'static str, labels: Vec<(&'static str, String)>, value: u64) -> Metric {
    Metric { name, kind: MetricKind::Counter, labels, value }
}

fn histogram(name: &'static str, labels: Vec<(&'static str, String)>, value: u64) -> Metric {
    Metric { name, kind: MetricKind::Histogram, labels, value }
}
