//! One request with its attempts, as an enum of phases.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::catalog::tokens::Estimator;
use crate::chat::{ErrorClass, Usage};
use crate::config::Target;
use crate::engine::again::Pass;
use crate::engine::failure::Failure;
use crate::engine::plan::Plan;
use crate::engine::record::BudgetRecord;
use crate::engine::{Host, Policy};
use crate::policy::budget::Reservation;
use crate::policy::redaction::{AnswerFindings, Known, Vault};
use crate::provider::listing::Listing;
use crate::provider::{self, Api, Codec, Outline};
use crate::wire::http::Headers;

/// Who does the attempts' work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// Upstream roles in the provider clusters.
    Upstream,
    /// Nobody: the listener speaks to the provider itself.
    Direct,
}

pub struct Exchange {
    pub(super) policy: Rc<Policy>,
    pub(super) attachment: Attachment,
    /// In records and in `x-tollgate-request-id`.
    pub(super) id: String,
    /// What an attempt shows to be let in.
    pub(super) token: String,
    pub(super) started_ms: u64,
    pub(super) head: Head,
    pub(super) tally: Tally,
    pub(super) phase: Phase,
    /// In place of an answer that Envoy made itself.
    pub(super) replacement: Option<Vec<u8>>,
}

/// What the request's head says.
pub(super) struct Head {
    pub method: String,
    pub path: String,
    pub authority: String,
    pub api: Option<Api>,
    /// It asks for models.
    pub listing: Option<Listing>,
    pub caller: String,
    /// As the caller sent them.
    pub headers: Headers,
}

/// Where an exchange stands. A later phase holds what the earlier ones decided.
pub(super) enum Phase {
    /// Waiting for the whole body.
    Body,
    /// Decided, and on its way through its targets.
    Planned(Planned),
    /// Given back to Envoy, which runs the listener again: the request is to be planned anew.
    Passing(Planned, Pass),
    /// An attempt's answer is reaching the caller.
    Answering(Planned),
    Refused(Failure),
    /// By the listener itself, without any provider.
    Answered,
    /// Recorded.
    Done,
}

/// What was decided.
pub(super) struct Planned {
    pub plan: Plan,
    /// `None`: nobody read the body, by the policy's own word.
    pub outline: Option<Outline>,
    pub vault: Rc<Vault>,
    /// What the prompt says, where the answer is looked through for what it does not.
    pub known: Option<Rc<Known>>,
    pub reservation: Option<Reservation>,
    /// Nothing is charged for it.
    pub free: bool,
    /// The target whose price and scopes it was made for.
    pub reserved_for: usize,
    /// What was reserved for one attempt.
    pub prompt_tokens: u64,
    pub attempts: Vec<AttemptLog>,
    /// How many of them were made before the request was planned anew.
    pub before: usize,
    /// How often it was.
    pub passes: u32,
}

/// One target that was asked.
pub(super) struct AttemptLog {
    pub target: usize,
    pub started_ms: u64,
    pub ended_ms: Option<u64>,
    /// The provider's own.
    pub status: Option<u16>,
    pub class: Option<ErrorClass>,
    pub opt_out: Vec<String>,
    pub dropped: Vec<String>,
    /// What it came to was told to the target's health.
    pub told: bool,
    /// The provider's own word, in case its failure is the caller's after all.
    pub retry_after: Option<String>,
    /// Its answer went on to the caller, or is on its way there.
    pub delivered: bool,
    pub usage: Option<Usage>,
    /// The answer came to its own end, so that its usage is final.
    pub stopped: bool,
    /// Counts what came, for answers whose provider reports no usage.
    pub received: Estimator,
    /// The model that the provider says it used.
    pub model: Option<String>,
    /// What its answer says that the prompt did not.
    pub found: AnswerFindings,
}

/// What the record needs, gathered on the way.
#[derive(Default)]
pub(super) struct Tally {
    pub found: BTreeMap<String, u64>,
    pub redactions: u64,
    /// The same by type.
    pub redacted: BTreeMap<String, u64>,
    pub media: u64,
    /// Turns that were taken out because the prompt did not fit.
    pub truncated: u64,
    /// Targets, by provider and model, and whether they are asked in their turn.
    pub healthy: BTreeMap<(usize, String), bool>,
    pub classes: Vec<String>,
    pub budgets: Vec<BudgetRecord>,
    /// The cheaper chain that a budget's threshold sent the request to.
    pub downgraded_to: Option<String>,
    /// In observe mode: what would have been the end of it.
    pub would_fail: Option<Failure>,
    pub first_token_ms: Option<u64>,
    /// While an answer streams: when something useful came last.
    pub silent_since: Option<u64>,
    pub status: Option<u16>,
    pub uninspected: bool,
    /// The answer's end was seen.
    pub ended: bool,
}

impl Exchange {
    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn awaits_body(&self) -> bool {
        matches!(self.phase, Phase::Body | Phase::Passing(..))
    }

    /// The provider that the listener speaks to itself.
    pub fn direct_provider(&self) -> Option<String> {
        if self.attachment != Attachment::Direct {
            return None;
        }
        let target = self.planned()?.plan.targets.first()?;
        self.policy.config.providers.get(target.provider).map(|provider| provider.name.clone())
    }

    pub fn policy(&self) -> &Rc<Policy> {
        &self.policy
    }

    pub(super) fn planned(&self) -> Option<&Planned> {
        match &self.phase {
            Phase::Planned(planned) | Phase::Passing(planned, _) | Phase::Answering(planned) => Some(planned),
            Phase::Body | Phase::Refused(_) | Phase::Answered | Phase::Done => None,
        }
    }

    pub(super) fn planned_mut(&mut self) -> Option<&mut Planned> {
        match &mut self.phase {
            Phase::Planned(planned) | Phase::Passing(planned, _) | Phase::Answering(planned) => Some(planned),
            Phase::Body | Phase::Refused(_) | Phase::Answered | Phase::Done => None,
        }
    }

    /// What the answer that the caller got says that its prompt did not.
    pub(super) fn answer_findings(&self) -> Option<&AnswerFindings> {
        self.planned()?.delivered().map(|attempt| &attempt.found)
    }

    /// Whether an answer that streams has been silent for longer than the policy allows.
    pub fn is_silent(&self, now_ms: u64) -> bool {
        let longest = self.planned().map_or(u64::MAX, |planned| planned.plan.timeouts.between_tokens);
        self.tally.silent_since.is_some_and(|since| now_ms.saturating_sub(since) > longest)
    }

    /// Nothing came for too long, and nothing can be said any more: the caller's stream is about to be reset.
    pub fn cut_off(&mut self, host: Host<'_>) {
        self.tally.silent_since = None;
        if let Some(attempt) = self.planned_mut().and_then(|planned| planned.attempts.last_mut()) {
            attempt.class.get_or_insert(ErrorClass::Timeout);
            attempt.ended_ms.get_or_insert(host.now_ms);
        }
    }

    /// How the caller is spoken to. A caller whose API is not known is spoken to in the most common dialect.
    pub(super) fn codec(&self) -> &'static dyn Codec {
        let listed = self.head.listing.as_ref().map(|listing| listing.dialect());
        provider::codec(self.head.api.or(listed).unwrap_or(Api::OpenAiChat))
    }

    /// Counting tokens costs none.
    pub(super) fn is_free(&self) -> bool {
        self.head.api.is_some_and(|api| api.operation() == provider::Operation::CountTokens)
    }

    /// As in `gen_ai.operation.name`.
    pub(super) fn operation(&self) -> &'static str {
        match self.head.api {
            Some(api) => api.operation_name(),
            None if self.head.listing.is_some() => "list_models",
            None => "chat",
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.head.headers.get_str(name).map(str::to_owned)
    }

    /// The last word on the request, for the caller's header and the record.
    pub(super) fn decision(&self) -> &'static str {
        let failure = match &self.phase {
            Phase::Refused(failure) => Some(failure),
            _ => self.tally.would_fail.as_ref(),
        };
        match failure {
            Some(failure) => failure.decision(),
            None if self.tally.uninspected => "uninspected",
            None if self.tally.downgraded_to.is_some() => "downgraded",
            None if self.tally.redactions > 0 => "redacted",
            None if self.answer_findings().is_some_and(|found| found.redacted() > 0) => "redacted",
            None => "allowed",
        }
    }
}

impl Planned {
    pub fn target(&self, index: usize) -> Option<&Target> {
        self.plan.targets.get(index)
    }

    /// The target that an attempt at `provider` is for: the first of that provider's that was not asked yet, or,
    /// when Envoy asks one again, the last.
    pub fn next_target(&self, provider: usize) -> Option<usize> {
        let of_provider =
            |index: &usize| self.target(*index).is_some_and(|target| target.provider == provider);
        let asked = |index: &usize| self.attempts.iter().any(|attempt| attempt.target == *index);
        let mut all = (self.plan.first..self.plan.targets.len()).filter(of_provider);
        all.clone().find(|index| !asked(index)).or_else(|| all.next_back())
    }

    /// Those who are left to be asked after the attempt at hand, in order. Where Envoy asked one more than once, it
    /// asks the last ones no more.
    pub fn left(&self) -> Vec<&Target> {
        let all = self.plan.targets.iter().enumerate().skip(self.plan.first);
        let attempts = self.attempts.len().saturating_sub(self.before);
        let count = self.plan.targets.len().saturating_sub(self.plan.first).saturating_sub(attempts);
        let asked = |index: usize| self.attempts.iter().any(|attempt| attempt.target == index);
        all.filter(|(index, _)| !asked(*index)).map(|(_, target)| target).take(count).collect()
    }

    /// The usage of one attempt: the provider's count, else an estimate of what was sent and received. `None`: it
    /// cost nothing, because nothing was sent or the provider refused.
    pub fn usage_of(&self, attempt: &AttemptLog) -> Option<Usage> {
        // Vectors take no tokens, however long they are.
        let takes_none = self.outline.as_ref().filter(|_| !self.free)?.max_output == Some(0);
        let received = if takes_none { 0 } else { attempt.received.tokens() };
        if let Some(usage) = attempt.usage {
            // What is told at a stream's start is not what it came to.
            let output = if attempt.stopped { usage.output } else { usage.output.max(received) };
            return Some(Usage { output, ..usage });
        }
        let running = attempt.ended_ms.is_none();
        // A failure inside a 200 is one. What a filter stops was worked on.
        let answered = attempt.status.is_some_and(|status| status < 300)
            && attempt.class.is_none_or(|class| class == ErrorClass::ContentFilter);
        let worked = running || answered || received > 0 || attempt.class == Some(ErrorClass::Timeout);
        worked.then(|| Usage { input: self.prompt_tokens, output: received, ..Usage::default() })
    }

    pub fn delivered(&self) -> Option<&AttemptLog> {
        self.attempts.iter().rev().find(|attempt| attempt.delivered)
    }
}
