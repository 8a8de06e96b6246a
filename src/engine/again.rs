//! A request is planned anew after an attempt: for another chain, for larger windows, or with less of the
//! conversation.
//!
//! Envoy's plan cannot be changed while it is walked. So the upstream role answers with a redirect, which the route's
//! `internal_redirect_policy` takes for itself: Envoy runs the listener's filters again, on the body as the listener
//! left it. The new context takes the same exchange over, by its token: placeholders, reservation, attempts and
//! record go on. Where the route has no such policy, or Envoy does not follow, the caller gets the attempt's error.
//!
//! Envoy ends the old context before it begins the new one; in between the exchange is in [`Phase::Passing`], and
//! only then it can be taken over.

use std::rc::Rc;

use crate::chat::ErrorClass;
use crate::config::Target;
use crate::engine::Host;
use crate::engine::admit::OWN_PREFIX;
use crate::engine::attempt::{Attempt, AttemptPhase};
use crate::engine::effect::{Effect, Flow, Reply, Step};
use crate::engine::exchange::{Exchange, Phase, Planned};
use crate::engine::plan::Plan;
use crate::engine::targets::{Asked, NOT_FOR_THIS_CALLER, chain_plan};
use crate::policy::recovery;
use crate::wire::http::Headers;
use crate::wire::json::{Document, Edits};

/// How often one request is planned anew; `max_internal_redirects` of the shipped routes.
pub(super) const MOST_PASSES: u32 = 2;

/// By which a redirected request finds its exchange.
pub const TOKEN: &str = "x-tollgate-exchange";
/// The class of the failure that a redirect is for.
pub const REASON: &str = "x-tollgate-reason";

pub(super) struct Pass {
    way: recovery::Pass,
    /// The attempt's error, should nothing come of it.
    error: Reply,
}

impl Attempt {
    /// Has Envoy run the listener again. `error` is what the caller gets otherwise.
    pub(super) fn ask_for_a_pass(&mut self, class: ErrorClass, way: recovery::Pass, error: Reply) -> Step {
        self.phase = AttemptPhase::Settled;
        let mut exchange = self.exchange.borrow_mut();
        let location = exchange.location();
        let mut effects = vec![
            Effect::SetResponseHeader(":status".into(), "302".into()),
            Effect::SetResponseHeader("location".into(), location),
            Effect::SetResponseHeader(TOKEN.into(), exchange.token.clone()),
            Effect::SetResponseHeader(REASON.into(), class.name().into()),
            Effect::RemoveResponseHeader("retry-after".into()),
            Effect::RemoveResponseHeader("retry-after-ms".into()),
        ];
        if !self.bodyless {
            effects.extend(super::failed::replace_body(error.body.clone()));
        }
        exchange.phase = match std::mem::replace(&mut exchange.phase, Phase::Done) {
            Phase::Planned(planned) => Phase::Passing(planned, Pass { way, error }),
            other => other,
        };
        Step::go_on(effects)
    }
}

impl Exchange {
    /// Whether Envoy has been asked to run the listener again.
    pub fn is_passing(&self) -> bool {
        matches!(self.phase, Phase::Passing(..))
    }

    /// Where the caller's request went to, so that Envoy's routes match as they did.
    fn location(&self) -> String {
        let header = |name: &str| self.head.headers.get_str(name).unwrap_or_default();
        let scheme = [header("x-forwarded-proto"), header(":scheme")];
        let scheme = scheme.into_iter().find(|scheme| !scheme.is_empty()).unwrap_or("http");
        let authority = if self.head.authority.is_empty() { "tollgate" } else { &self.head.authority };
        format!("{scheme}://{authority}{}", self.head.path)
    }

    /// The listener runs again. `headers` are the request's as the last attempt left them.
    pub fn resume(&mut self, headers: &Headers) -> Step {
        let mut effects = self.strip(headers);
        // Says where the last attempt went.
        effects.push(Effect::RemoveRequestHeader("x-envoy-original-url".into()));
        effects.push(Effect::SetRequestHeader(":path".into(), self.head.path.clone()));
        effects.push(Effect::SetRequestHeader(":authority".into(), self.head.authority.clone()));
        Step { flow: Flow::Pause, effects }
    }

    /// The body is here again, as the listener left it.
    pub(super) fn plan_again(&mut self, body: &[u8], host: Host<'_>) -> Step {
        let Phase::Passing(mut planned, pass) = std::mem::replace(&mut self.phase, Phase::Done) else {
            return Step::default();
        };
        match self.other_plan(&mut planned, &pass.way, body, host) {
            Some(edits) => self.send(planned, (!edits.is_empty()).then(|| edits.apply(body))),
            None => self.give_back(planned, pass.error),
        }
    }

    /// Nothing came of it: the caller gets the last attempt's error.
    fn give_back(&mut self, mut planned: Planned, error: Reply) -> Step {
        if let Some(last) = planned.attempts.last_mut() {
            last.delivered = true;
        }
        self.phase = Phase::Answering(planned);
        self.tally.status = Some(error.status);
        self.tally.ended = true;
        let mut error = error;
        error.headers.retain(|(name, _)| !name.starts_with(OWN_PREFIX));
        error.headers.extend(self.own_headers());
        Step::reply(error)
    }

    /// Envoy did not follow the redirect: it comes to the caller's side, and the error takes its place.
    pub(super) fn give_up_on_pass(&mut self, end_of_stream: bool) -> Step {
        let Phase::Passing(planned, pass) = std::mem::replace(&mut self.phase, Phase::Done) else {
            return Step::default();
        };
        let mut step = self.give_back(planned, pass.error);
        if end_of_stream {
            return step;
        }
        let Flow::Reply(error) = std::mem::take(&mut step.flow) else { return step };
        let mut effects: Vec<Effect> = ["location", TOKEN, REASON]
            .into_iter()
            .map(|name| Effect::RemoveResponseHeader(name.into()))
            .collect();
        effects.push(Effect::SetResponseHeader(":status".into(), error.status.to_string()));
        let headers = error.headers.into_iter();
        effects.extend(headers.map(|(name, value)| Effect::SetResponseHeader(name.into(), value)));
        Step::go_on(effects)
    }

    /// Puts another plan in the place of the one so far, and answers what of the body changes with it. `None`: there is
    /// no other.
    fn other_plan(
        &mut self,
        planned: &mut Planned,
        way: &recovery::Pass,
        body: &[u8],
        host: Host<'_>,
    ) -> Option<Edits> {
        let outline = planned.outline.clone()?;
        let document = Document::parse_lenient(body).ok()?;
        let mut edits = Edits::new();
        let mut plan = self.targets_of(planned, way)?;
        let policy = Rc::clone(&self.policy);
        let found = &self.tally.classes;
        let classes: Vec<_> =
            policy.config.data.classes.iter().filter(|class| found.contains(&class.name)).collect();
        let asked = Asked {
            outline: &outline,
            document: &document,
            classes: &classes,
            tokens: planned.prompt_tokens,
        };
        let mut cut = None;
        if let recovery::Pass::Truncate { system, last } = way {
            let first = plan.targets.first()?;
            cut = Some(self.shorten(first, &asked, *system, *last)?);
        }
        let narrowed = self.filter_by_price(&mut plan, &outline);
        let narrowed = narrowed.and_then(|()| self.narrow(&mut plan, &asked)).and_then(|()| match &cut {
            Some(_) => Ok(None),
            None => self.fit(&mut plan, &asked),
        });
        let fitted = narrowed.ok()?;
        if plan.targets.is_empty() {
            return None;
        }
        if let Some(cut) = cut.or(fitted) {
            cut.make(&mut edits);
            self.tally.truncated += cut.turns;
            planned.prompt_tokens = cut.tokens;
        }
        // The targets were just asked, or stand in the order in which they were left.
        match way {
            recovery::Pass::Chain(_) => self.line_up(&mut plan, host),
            recovery::Pass::Larger(_) | recovery::Pass::Truncate { .. } => {}
        }
        let elapsed = host.now_ms.saturating_sub(self.started_ms);
        plan.timeouts.total = plan.timeouts.total.saturating_sub(elapsed).max(1);
        planned.take_over(plan);
        Some(edits)
    }

    /// Whom the new plan could ask.
    fn targets_of(&self, planned: &Planned, way: &recovery::Pass) -> Option<Plan> {
        let failed = planned.attempts.last().and_then(|attempt| planned.target(attempt.target));
        let left = planned.left().into_iter().cloned();
        let targets: Vec<Target> = match way {
            recovery::Pass::Larger(than) => {
                left.filter(|target| recovery::may_be_larger(self.window(target), *than)).collect()
            }
            recovery::Pass::Truncate { .. } => failed.into_iter().cloned().chain(left).collect(),
            recovery::Pass::Chain(name) => {
                let mut plan = chain_plan(&self.policy, name)?;
                let asked = |target: &Target| {
                    planned.attempts.iter().any(|attempt| planned.target(attempt.target) == Some(target))
                };
                plan.leave_out(|target| asked(target).then(|| "was asked before".to_owned()));
                let config = &self.policy.config;
                let route =
                    config.routes.iter().find(|route| Some(&route.name) == planned.plan.route.as_ref());
                let chosen = route.zip(config.chains.get(name));
                let model = planned.outline.as_ref().map_or("", |outline| &outline.model);
                let may = |target: &Target| self.may_reach(model, chosen, target);
                plan.leave_out(|target| (!may(target)).then(|| NOT_FOR_THIS_CALLER.to_owned()));
                return Some(Plan { route: planned.plan.route.clone(), ..plan });
            }
        };
        let mut plan = Plan { targets, first: 0, left_out: Vec::new(), ..planned.plan.clone() };
        // Where Envoy fixes the order, the chain begins anew, which is right for the same targets only.
        if let Some(first) = plan.targets.first()
            && let Some(provider) = self.policy.config.providers.get(first.provider)
        {
            plan.cluster.clone_from(&provider.cluster);
        }
        Some(plan)
    }
}

impl Planned {
    /// Goes on with another plan. Its targets stand behind those of the plan so far, to which the attempts refer.
    fn take_over(&mut self, plan: Plan) {
        let mut targets = std::mem::take(&mut self.plan.targets);
        let mut left_out = std::mem::take(&mut self.plan.left_out);
        let first = targets.len();
        targets.extend(plan.targets);
        left_out.extend(plan.left_out);
        self.plan = Plan { targets, first, left_out, ..plan };
        self.before = self.attempts.len();
        self.passes += 1;
    }
}
