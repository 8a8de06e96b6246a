//! REQUEST PATH, top to bottom: admit → decode → inspect → classify → plan → reserve → send.
//!
//! Everything that can refuse comes before anything that changes the world: an early refusal needs no undo. In
//! observe mode each refusal is only noted, and the request goes on as it came.

use std::rc::Rc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::catalog::{tokens, worst_cost};
use crate::chat::{Malformed, Request};
use crate::config::{BudgetLimit, CallerSource, Config, Target};
use crate::engine::effect::{Effect, Flow, Step};
use crate::engine::exchange::{Attachment, Exchange, Head, Phase, Planned, Tally};
use crate::engine::failure::Failure;
use crate::engine::inspect::{Inspection, inspect};
use crate::engine::outgoing;
use crate::engine::plan::{LeftOut, Plan};
use crate::engine::record::BudgetRecord;
use crate::engine::{Host, Policy};
use crate::policy::budget::{self, Amount, Decision, Reservation, ReserveError, Scope, State};
use crate::policy::redaction::Vault;
use crate::policy::{classify, retention, routing};
use crate::provider::{self, Outline};
use crate::wire::http::{self, Headers};
use crate::wire::json::{Document, Edits};

/// The head of a request, as Envoy shows it to the listener.
pub struct RequestHead<'h> {
    /// Pseudo-headers included.
    pub headers: Headers,
    pub end_of_stream: bool,
    pub attachment: Attachment,
    /// An Envoy attribute, by its path.
    pub property: &'h dyn Fn(&[String]) -> Option<String>,
    /// Random bytes: the exchange's identifier and its token are made of them.
    pub seed: [u8; 32],
}

/// Headers of ours, on requests. Callers that send one have it removed.
const OWN_PREFIX: &str = "x-tollgate-";

/// Headers that tell a provider who and where the caller is.
const PERSONAL_HEADERS: [&str; 12] = [
    "cookie",
    "proxy-authorization",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-client-cert",
    "x-real-ip",
    "x-envoy-external-address",
    "true-client-ip",
    "referer",
    "origin",
    "from",
];

/// Headers whose values need no reading: the protocol's, Envoy's, and credentials, which are dealt with as such.
fn is_known_header(name: &str) -> bool {
    const KNOWN: [&str; 10] = [
        "content-type",
        "content-length",
        "accept",
        "accept-encoding",
        "accept-language",
        "user-agent",
        "host",
        "traceparent",
        "x-request-id",
        "transfer-encoding",
    ];
    name.starts_with(':')
        || name.starts_with("x-envoy-")
        || name.starts_with("x-stainless-")
        || KNOWN.contains(&name)
        || provider::CREDENTIAL_HEADERS.contains(&name)
}

impl Exchange {
    /// A new request. Its body is awaited unless the step says otherwise.
    pub fn open(policy: Rc<Policy>, head: RequestHead<'_>, host: Host<'_>) -> (Self, Step) {
        let text = |name: &str| head.headers.get_str(name).unwrap_or_default().to_owned();
        let (id, token) = head.seed.split_at(16);
        let method = text(":method");
        let path = text(":path");
        let api = provider::recognise(&method, http::split_path(&path).0);
        let caller = identify(&policy, &head);
        let mut exchange = Self {
            attachment: head.attachment,
            id: hex(id),
            token: hex(token),
            started_ms: host.now_ms,
            head: Head {
                method,
                path,
                authority: text(":authority"),
                api,
                caller: caller.clone().unwrap_or_else(|| "unknown".to_owned()),
                headers: head.headers,
            },
            tally: Tally::default(),
            phase: Phase::Body,
            replacement: None,
            policy,
        };
        let step = match exchange.admit(caller.is_some(), head.end_of_stream) {
            Ok(step) => step,
            Err(failure) => exchange.refuse(failure),
        };
        (exchange, step)
    }

    /// What the head alone decides.
    fn admit(&mut self, known: bool, end_of_stream: bool) -> Result<Step, Failure> {
        let policy = Rc::clone(&self.policy);
        let config = &policy.config;
        if !known && config.callers.reject_unknown {
            self.unless(Err(Failure::UnknownCaller))?;
        }
        if self.head.api.is_none() {
            return self.pass_uninspected();
        }
        match self.check_encoding().and_then(|()| self.check_length()) {
            // What is JSON in spite of its label is read as such.
            Err(Failure::ContentType) if !config.data.block_uninspectable => {}
            Err(failure @ Failure::ContentEncoding) if !config.data.block_uninspectable => {
                drop(failure);
                return self.pass_uninspected();
            }
            checked => checked?,
        }
        if end_of_stream {
            return Err(Failure::EmptyBody);
        }
        Ok(Step { flow: Flow::Pause, effects: self.strip() })
    }

    fn check_encoding(&self) -> Result<(), Failure> {
        if !http::content_encoding(&self.head.headers).is_empty() {
            return Err(Failure::ContentEncoding);
        }
        let Some(content_type) = self.head.headers.get("content-type") else { return Ok(()) };
        let media_type = http::media_type(content_type);
        let is_json = media_type == "application/json" || media_type.ends_with("+json");
        if is_json && http::is_utf8(content_type) { Ok(()) } else { Err(Failure::ContentType) }
    }

    fn check_length(&self) -> Result<(), Failure> {
        let limit = self.policy.config.limits.body;
        let length =
            self.head.headers.get_str("content-length").and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length > limit) {
            Err(Failure::BodyTooLarge { limit })
        } else {
            Ok(())
        }
    }

    /// More of the body is held than before: `total` bytes by now.
    pub fn body_grew(&mut self, total: usize) -> Step {
        let limit = self.policy.config.limits.body;
        match self.phase {
            Phase::Body if total > limit => self.refuse(Failure::BodyTooLarge { limit }),
            Phase::Body => Step::pause(),
            _ => Step::default(),
        }
    }

    /// The whole body is here.
    pub fn body(&mut self, body: &[u8], host: Host<'_>) -> Step {
        if !matches!(self.phase, Phase::Body) {
            return Step::default();
        }
        if body.len() > self.policy.config.limits.body {
            return self.body_grew(body.len());
        }
        match self.decide(body, host) {
            Ok(step) => step,
            Err(failure) => self.refuse(failure),
        }
    }

    fn decide(&mut self, body: &[u8], host: Host<'_>) -> Result<Step, Failure> {
        let policy = Rc::clone(&self.policy);
        let config = &policy.config;
        let codec = self.codec();

        // decode
        let (document, outline) = match self.decode(body) {
            Ok(read) => read,
            Err(_) if !config.data.block_uninspectable && !body.is_empty() => return self.pass_uninspected(),
            Err(failure) => return Err(failure),
        };
        let storage = self.check_storage(&document);
        self.unless(storage)?;

        // inspect
        let mut vault = Vault::new(config.data.placeholder, &policy.key);
        let mut seen = inspect(&document, codec, &policy.detector, &mut vault, policy.tasks.reads_words());
        self.tally.found = std::mem::take(&mut seen.found);
        self.tally.media = seen.media;
        self.tally.redactions = seen.redactions();
        self.tally.redacted = seen.redacted_types(&policy.detector);
        let findings = self.check_findings(&seen, &outline);
        self.unless(findings)?;

        // classify
        let classes = {
            let header = |name: &str| self.header(name);
            classify::classes(&config.data.classes, &self.tally.found, &header)
        };
        self.tally.classes = classes.iter().map(|class| class.name.clone()).collect();
        let tasks = policy.tasks.recognise(&seen.words, &|name| self.header(name));

        // plan
        let mut plan = self.plan(&outline, seen.tokens, &tasks)?;
        let classed = self.filter_by_class(&mut plan, &classes);
        self.unless(classed)?;
        let carried = self.filter_by_dialect(&mut plan, &document);
        self.unless(carried)?;

        plan.settle_cluster(config);

        // reserve: all that refuses is above this line
        let reservation = self.reserve(&mut plan, &outline, seen.tokens, &document, &classes, host)?;

        // send
        let mut edits = Edits::new();
        seen.redact(&policy.detector, &mut vault, &mut edits);
        Ok(self.send(
            Planned {
                plan,
                outline: Some(outline),
                vault: Rc::new(vault),
                reservation,
                reserved_for: 0,
                prompt_tokens: seen.tokens,
                attempts: Vec::new(),
            },
            (!edits.is_empty()).then(|| edits.apply(body)),
        ))
    }

    fn decode<'b>(&self, body: &'b [u8]) -> Result<(Document<'b>, Outline), Failure> {
        if body.is_empty() {
            return Err(Failure::EmptyBody);
        }
        let document = Document::parse(body).map_err(|error| Failure::NotJson { why: error.to_string() })?;
        let outline = self
            .codec()
            .outline(document.root())
            .map_err(|fault| Failure::NotTheApi { field: fault.field, expected: fault.expected })?;
        Ok((document, outline))
    }

    /// A request for state that a provider keeps breaks when the opt-out is set: better said than silently changed.
    fn check_storage(&self, document: &Document<'_>) -> Result<(), Failure> {
        let config = &self.policy.config;
        if !config.retention.reject_needs_storage {
            return Ok(());
        }
        let vendors = provider::VENDORS.iter().filter(|vendor| Some(vendor.api()) == self.head.api);
        let field = vendors.filter_map(|vendor| vendor.needs_storage(document.root())).next();
        field.map_or(Ok(()), |field| Err(Failure::NeedsStorage { field }))
    }

    fn check_findings(&self, seen: &Inspection, outline: &Outline) -> Result<(), Failure> {
        let data = &self.policy.config.data;
        // A credential in the query is dealt with as one.
        let path = http::remove_query_param(&self.head.path, "key");
        let query = http::split_path(&path).1.map(http::query_text).unwrap_or_default();
        // Neither the model's name nor the query is a place for a placeholder.
        let found = [outline.model.as_str(), &query].map(|text| self.policy.detector.find(text));
        let fixed = found.iter().flatten().filter(|finding| finding.action >= crate::config::Action::Redact);
        let mut types = seen.blocked.clone();
        types.extend(fixed.map(|finding| self.policy.detector.type_name(finding.kind).to_owned()));
        types.sort();
        types.dedup();
        if !types.is_empty() {
            return Err(Failure::Blocked { types });
        }
        if seen.in_signed_content && data.signed_thinking_refuse {
            return Err(Failure::SignedContent);
        }
        if seen.media > 0 && data.media == crate::config::MediaAction::Block {
            return Err(Failure::MediaBlocked);
        }
        Ok(())
    }

    fn plan(&mut self, outline: &Outline, prompt_tokens: u64, tasks: &[String]) -> Result<Plan, Failure> {
        let policy = Rc::clone(&self.policy);
        let config = &policy.config;
        let header = |name: &str| self.header(name);
        let ask = routing::Ask {
            model: &outline.model,
            caller: &self.head.caller,
            prompt_tokens,
            tasks,
            header: &header,
        };
        let chosen = routing::route(config, &ask);
        let chain = chosen.map(|(_, chain)| chain.name.as_str());
        if !routing::may_use(&config.access, &self.head.caller, &outline.model, chain) {
            let refused = Err(Failure::ModelNotAllowed);
            self.unless(refused)?;
        }
        // In observe mode a request goes where it was going.
        match chosen.filter(|_| self.policy.enforces()) {
            Some((route, chain)) => {
                let mut plan = chain_plan(&policy, &chain.name).ok_or(Failure::ModelUnknown)?;
                plan.route = Some(route.name.clone());
                Ok(plan)
            }
            None => {
                let provider = self.natural_provider(&outline.model).ok_or(Failure::ModelUnknown)?;
                Ok(provider_plan(config, Some(provider), &outline.model))
            }
        }
    }

    fn natural_provider(&self, model: &str) -> Option<usize> {
        let default_host = |dialect| provider::vendor(dialect).and_then(|vendor| vendor.host());
        routing::natural_provider(
            &self.policy.config,
            &self.head.authority,
            &default_host,
            model,
            self.policy.catalog.owner(model),
        )
    }

    /// A refusal ends the request, or, in observe mode, is noted.
    fn unless(&mut self, checked: Result<(), Failure>) -> Result<(), Failure> {
        match checked {
            Err(failure) if !self.policy.enforces() => {
                self.tally.would_fail.get_or_insert(failure);
                Ok(())
            }
            checked => checked,
        }
    }

    /// The provider whose API the request is written in.
    fn namesake(&self) -> Option<usize> {
        let dialect = self.head.api?.namesake();
        self.policy.config.providers.iter().position(|provider| provider.dialect == dialect)
    }

    /// Data of some classes goes only to providers whose contract is good enough, even after redaction.
    fn filter_by_class(&self, plan: &mut Plan, classes: &[&crate::config::DataClass]) -> Result<(), Failure> {
        let config = &self.policy.config;
        let refuses = |target: &Target| {
            let provider = config.providers.get(target.provider)?;
            classes.iter().find(|class| !retention::may_receive(provider, class))
        };
        let class = plan.targets.iter().find_map(&refuses).map(|class| class.name.clone());
        let left: Vec<Target> =
            plan.targets.iter().filter(|target| refuses(target).is_none()).cloned().collect();
        plan.left_out.extend(plan.targets.iter().filter_map(|target| {
            let reason = format!("may not receive data of class {}", refuses(target)?.name);
            Some(LeftOut { target: target.clone(), reason })
        }));
        match class {
            Some(class) if left.is_empty() => return Err(Failure::NoTargetForData { class }),
            _ if self.policy.enforces() => plan.targets = left,
            _ => {}
        }
        Ok(())
    }

    /// Targets that have no place for a field of the request are left out now: an attempt's own refusal would reach
    /// the caller and could not fail over.
    fn filter_by_dialect(&self, plan: &mut Plan, document: &Document<'_>) -> Result<(), Failure> {
        let mut first = None;
        // Read once for all targets of other dialects.
        let mut neutral = None;
        let mut left = plan.targets.clone();
        left.retain(|target| {
            let carried = self.carries(target, document, &mut neutral);
            let Err(field) = carried else { return true };
            let reason = format!("has no place for {field}");
            plan.left_out.push(LeftOut { target: target.clone(), reason });
            first.get_or_insert(field);
            false
        });
        match first {
            Some(field) if left.is_empty() => return Err(Failure::CannotCarry { field }),
            _ if self.policy.enforces() => plan.targets = left,
            _ => {}
        }
        Ok(())
    }

    /// A budget in dollars cannot hold what has no price: such targets are left out, never silently free.
    fn filter_by_price(&self, plan: &mut Plan) -> Result<(), Failure> {
        let budgets = &self.policy.config.budgets;
        if !budgets.iter().any(|budget| matches!(budget.limit, BudgetLimit::MicroUsd(_))) {
            return Ok(());
        }
        let sample = crate::chat::Usage { input: 1, output: 1, ..Default::default() };
        let (priced, free): (Vec<Target>, Vec<Target>) = plan
            .targets
            .iter()
            .cloned()
            .partition(|target| self.policy.cost(&target.model, &sample).is_some());
        if priced.is_empty() {
            return Err(Failure::Unpriced);
        }
        if self.policy.enforces() {
            let reason = "has no price, and a budget is in dollars";
            plan.left_out
                .extend(free.into_iter().map(|target| LeftOut { target, reason: reason.to_owned() }));
            plan.targets = priced;
        }
        Ok(())
    }

    /// `Err`: the field that the target has no place for.
    fn carries(
        &self,
        target: &Target,
        document: &Document<'_>,
        neutral: &mut Option<Result<Request, Malformed>>,
    ) -> Result<(), String> {
        let no_place = || "model".to_owned();
        let provider = self.policy.config.providers.get(target.provider).ok_or_else(no_place)?;
        let vendor = provider::vendor(provider.dialect).ok_or_else(no_place)?;
        if Some(vendor.api()) == self.head.api {
            let drop = &self.policy.config.drop;
            return vendor.adapt(document.root(), drop, &mut Edits::new()).map_err(|fault| fault.field);
        }
        if self.attachment == Attachment::Direct {
            return Err(no_place());
        }
        let read = || {
            let request = self.codec().read_request(document.root());
            request.map(|request| outgoing::let_go(&self.policy, self.codec(), request).0)
        };
        match neutral.get_or_insert_with(read) {
            Err(fault) => Err(fault.field.clone()),
            Ok(request) => {
                let codec = provider::codec(vendor.api());
                let written = codec.write_request(request, self.policy.config.output_reserve);
                let written = written.map_err(|fault| fault.field)?;
                if !vendor.is_particular() {
                    return Ok(());
                }
                let document = Document::parse_lenient(&written).map_err(|_| no_place())?;
                let drop = &self.policy.config.drop;
                vendor.adapt(document.root(), drop, &mut Edits::new()).map_err(|fault| fault.field)
            }
        }
    }

    /// Looks at all budgets, goes to a cheaper chain where a threshold says so, and takes what the request may use
    /// from every budget that applies, or from none.
    fn reserve(
        &mut self,
        plan: &mut Plan,
        outline: &Outline,
        prompt_tokens: u64,
        document: &Document<'_>,
        classes: &[&crate::config::DataClass],
        host: Host<'_>,
    ) -> Result<Option<Reservation>, Failure> {
        let policy = Rc::clone(&self.policy);
        let config = &policy.config;
        if config.budgets.is_empty() {
            return Ok(None);
        }
        let priced = self.filter_by_price(plan);
        self.unless(priced)?;
        let unavailable = |_| Failure::LedgerUnavailable;
        let mut visited: Vec<String> = plan.chain.iter().cloned().collect();
        loop {
            let Some(target) = plan.targets.first().cloned() else { return Err(Failure::NoTargetLeft) };
            let ask = amount(&policy, &target, outline, prompt_tokens);
            let header = |name: &str| self.header(name);
            let scope = self.scope(&target, plan, &header);
            let verdict =
                budget::peek(&config.budgets, &scope, &ask, host.now_ms, host.store).map_err(unavailable)?;
            self.tally.budgets = verdict.states.iter().map(budget_record).collect();
            if !policy.enforces() {
                match verdict.decision {
                    Decision::Within => {}
                    Decision::Downgrade(chain) => self.tally.downgraded_to = Some(chain),
                    Decision::Reject { budget, retry_after_seconds } => {
                        let failure = Failure::OverBudget { budget, retry_after: retry_after_seconds };
                        self.tally.would_fail.get_or_insert(failure);
                    }
                }
                let header = |name: &str| self.header(name);
                let scope = self.scope(&target, plan, &header);
                // What a budget cannot count, it does not hold up here.
                return Ok(budget::observe(&config.budgets, &scope, &ask, host.now_ms, host.store).ok());
            }
            match verdict.decision {
                Decision::Within => {}
                Decision::Downgrade(chain) if !visited.contains(&chain) => {
                    let route = plan.route.take();
                    *plan = chain_plan(&policy, &chain).ok_or(Failure::NoTargetLeft)?;
                    plan.route = route;
                    self.filter_by_price(plan)?;
                    self.filter_by_class(plan, classes)?;
                    self.filter_by_dialect(plan, document)?;
                    plan.settle_cluster(config);
                    self.tally.downgraded_to = Some(chain.clone());
                    visited.push(chain);
                    continue;
                }
                // Already on the cheapest chain that the policy names.
                Decision::Downgrade(_) => {}
                Decision::Reject { budget, retry_after_seconds } => {
                    return Err(Failure::OverBudget { budget, retry_after: retry_after_seconds });
                }
            }
            let header = |name: &str| self.header(name);
            let scope = self.scope(&target, plan, &header);
            return match budget::reserve(&config.budgets, &scope, &ask, host.now_ms, host.store) {
                Ok(reservation) => Ok(Some(reservation)),
                Err(ReserveError::Over { budget, retry_after_seconds }) => {
                    Err(Failure::OverBudget { budget, retry_after: retry_after_seconds })
                }
                Err(ReserveError::Store(_)) => Err(Failure::LedgerUnavailable),
            };
        }
    }

    pub(super) fn scope<'s>(
        &'s self,
        target: &'s Target,
        plan: &'s Plan,
        header: &'s dyn Fn(&str) -> Option<String>,
    ) -> Scope<'s> {
        Scope {
            caller: &self.head.caller,
            model: &target.model,
            provider: self.policy.config.providers.get(target.provider).map_or("", |provider| &provider.name),
            route: plan.route.as_deref().unwrap_or_default(),
            header,
        }
    }

    /// The request leaves the listener. `body` is the redacted one, where something was redacted.
    fn send(&mut self, planned: Planned, body: Option<Vec<u8>>) -> Step {
        let mut effects = Vec::new();
        let enforces = self.policy.enforces();
        if let Some(body) = body.filter(|_| enforces) {
            effects.push(Effect::SetRequestHeader("content-length".into(), body.len().to_string()));
            effects.push(Effect::SetRequestBody(body));
        }
        if enforces {
            // An answer that comes compressed cannot be read.
            effects.push(Effect::RemoveRequestHeader("accept-encoding".into()));
            effects.extend(planned.timeout_headers());
        } else {
            // Nor does anybody else change what happens: the provider's failure is the caller's to see.
            effects.push(Effect::SetRequestHeader("x-envoy-max-retries".into(), "0".into()));
        }
        if self.attachment == Attachment::Upstream {
            effects.push(Effect::ShareToken(self.token.clone()));
            effects.push(Effect::SetRequestHeader(
                "x-tollgate-plan".into(),
                planned.plan.to_header(&self.policy).to_string(),
            ));
            effects.push(Effect::SetRequestHeader("x-tollgate-cluster".into(), planned.plan.cluster.clone()));
        }
        self.phase = Phase::Planned(planned);
        Step::go_on(effects)
    }

    /// Passed on unread, by the policy's own word.
    fn pass_uninspected(&mut self) -> Result<Step, Failure> {
        let config = &self.policy.config;
        let path = http::split_path(&self.head.path).0;
        // A known endpoint in another spelling is not another endpoint, and servers resolve more than we want to
        // guess: what is passed on unread has to be written plainly.
        let disguised = !http::is_plain_path(path)
            || provider::recognise("POST", &path.to_ascii_lowercase()).is_some()
                && self.head.api.is_none()
                && self.head.method == "POST";
        let allowed = self.head.api.is_some()
            || !disguised
                && (config.endpoints.allow_other
                    || config.endpoints.allow.iter().any(|pattern| pattern.matches(path)));
        if !allowed {
            return Err(Failure::EndpointBlocked);
        }
        // Nobody reads which model it asks for: whoever may not use all of them may not send it.
        if !routing::may_use(&config.access, &self.head.caller, "*", None) {
            return Err(Failure::ModelNotAllowed);
        }
        let provider = self.natural_provider("").ok_or(Failure::EndpointBlocked)?;
        let plan = provider_plan(config, Some(provider), "");
        let mut step = Step::go_on(if matches!(self.phase, Phase::Body) { self.strip() } else { Vec::new() });
        self.tally.uninspected = true;
        let mut sent = self.send(self.unread(plan), None);
        step.effects.append(&mut sent.effects);
        Ok(step)
    }

    fn unread(&self, plan: Plan) -> Planned {
        Planned {
            plan,
            outline: None,
            vault: Rc::new(Vault::new(self.policy.config.data.placeholder, &self.policy.key)),
            reservation: None,
            reserved_for: 0,
            prompt_tokens: 0,
            attempts: Vec::new(),
        }
    }

    /// Headers that no request may bring along or take with it: ours, those that say who and where the caller is,
    /// those that only the policy reads, and any other in which something is found that may not leave.
    fn strip(&self) -> Vec<Effect> {
        let stays = |name: &str, value: &[u8]| {
            !name.starts_with(OWN_PREFIX)
                && (!self.policy.enforces()
                    || !PERSONAL_HEADERS.contains(&name)
                        && !self.policy.config.reads_header(name)
                        && (is_known_header(name) || !self.has_findings(value)))
        };
        let gone = self.head.headers.iter().filter(|(name, value)| !stays(name, value));
        gone.map(|(name, _)| Effect::RemoveRequestHeader(name.to_owned().into())).collect()
    }

    fn has_findings(&self, value: &[u8]) -> bool {
        let found = self.policy.detector.find(&String::from_utf8_lossy(value));
        found.iter().any(|finding| finding.action >= crate::config::Action::Redact)
    }

    /// The end of it, or, in observe mode, a note.
    pub fn refuse(&mut self, failure: Failure) -> Step {
        if self.policy.enforces() {
            let mut reply = failure.reply(self.codec());
            self.tally.status = Some(reply.status);
            self.tally.ended = true;
            self.phase = Phase::Refused(failure);
            reply.headers.extend(self.own_headers());
            return Step::reply(reply);
        }
        self.tally.would_fail = Some(failure);
        // Where it was not going to any of ours, it is not sent there: Envoy's own route decides.
        let provider = self.natural_provider("").or_else(|| self.namesake());
        let plan = provider_plan(&self.policy.config, provider, "");
        let strip = self.strip();
        let mut step = self.send(self.unread(plan), None);
        step.effects.splice(0..0, strip);
        step
    }

    /// `x-tollgate-*` headers of an answer.
    pub(super) fn own_headers(&self) -> Vec<(String, String)> {
        // What a caller or a policy wrote may hold anything; a header may not.
        let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        let header = |name: &str, value: String| {
            (format!("{OWN_PREFIX}{name}"), value.chars().take(MAX_CALLER).map(plain).collect::<String>())
        };
        let mut headers = vec![
            header("request-id", self.id.clone()),
            header("decision", self.decision().to_owned()),
            header("redactions", self.tally.redactions.to_string()),
        ];
        if let Some(planned) = self.planned() {
            headers.push(header("attempts", planned.attempts.len().to_string()));
            if let Some(route) = &planned.plan.route {
                headers.push(header("route", route.clone()));
            }
            let answered = planned.delivered().and_then(|attempt| planned.target(attempt.target));
            if let Some(target) = answered {
                if let Some(provider) = self.policy.config.providers.get(target.provider) {
                    headers.push(header("provider", provider.name.clone()));
                }
                headers.push(header("model", target.model.clone()));
            }
        }
        if let Some(remaining) = self.own_budget_remaining() {
            headers.push(header("budget-remaining", remaining));
        }
        headers
    }

    /// The least that is left in the budgets that are this caller's alone: `NAME=LEFT`.
    fn own_budget_remaining(&self) -> Option<String> {
        let config = &self.policy.config;
        let own = |name: &str| {
            let budget = config.budgets.iter().find(|budget| budget.name == name);
            budget.is_some_and(|budget| budget.per.contains(&crate::config::ScopePart::Caller))
        };
        let left = self.tally.budgets.iter().filter(|state| own(&state.name)).map(|state| {
            let left = state.limit.saturating_sub(state.used);
            let budget = config.budgets.iter().find(|budget| budget.name == state.name);
            match budget.map(|budget| budget.limit) {
                Some(BudgetLimit::MicroUsd(_)) => {
                    format!("{}={}.{:06}", state.name, left / 1_000_000, left % 1_000_000)
                }
                _ => format!("{}={left}", state.name),
            }
        });
        let all: Vec<String> = left.collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

impl Planned {
    pub(super) fn per_try_ms(&self) -> u64 {
        let streamed = self.outline.as_ref().is_some_and(|outline| outline.stream);
        if streamed { self.plan.timeouts.first_token } else { self.plan.timeouts.answer }
    }

    /// Time-outs as Envoy takes them per request. The upstream role holds an answer's head until there is something
    /// useful, so that the time-out per try is the one for the first token where the answer is streamed.
    fn timeout_headers(&self) -> Vec<Effect> {
        let timeouts = &self.plan.timeouts;
        let per_try = self.per_try_ms();
        vec![
            Effect::SetRequestHeader("x-envoy-upstream-rq-per-try-timeout-ms".into(), per_try.to_string()),
            Effect::SetRequestHeader("x-envoy-upstream-rq-timeout-ms".into(), timeouts.total.to_string()),
            Effect::SetRequestHeader(
                "x-envoy-max-retries".into(),
                self.plan.targets.len().saturating_sub(1).to_string(),
            ),
        ]
    }
}

/// What a request may use at one target: its prompt with the estimate's margin, and the most that the answer may
/// take. A model without a price costs nothing here, which `tollgate check` warns of.
pub(super) fn amount(policy: &Policy, target: &Target, outline: &Outline, prompt_tokens: u64) -> Amount {
    let entry = policy.catalog.lookup(&target.model);
    let input =
        entry.map_or_else(|| tokens::upper(prompt_tokens), |entry| entry.tokenizer.upper(prompt_tokens));
    let wanted = outline.max_output.unwrap_or(policy.config.output_reserve);
    let output = entry.and_then(|entry| entry.max_output).map_or(wanted, |most| wanted.min(most));
    let output = output.saturating_mul(outline.answers.max(1));
    let worst = entry.and_then(|entry| worst_cost(entry, input, output));
    Amount { tokens: input.saturating_add(output), micro_usd: worst.map_or(0, |cost| cost.0) }
}

pub(super) fn budget_record(state: &State) -> BudgetRecord {
    BudgetRecord {
        name: state.budget.clone(),
        percent: state.percent,
        used: state.used.saturating_add(state.reserved),
        limit: state.limit,
        resets_in_s: state.resets_in_s,
    }
}

fn chain_plan(policy: &Policy, name: &str) -> Option<Plan> {
    let config = &policy.config;
    let chain = config.chains.get(name)?;
    // Three tokens in for one out: what conversations come to.
    let sample = crate::chat::Usage { input: 3_000, output: 1_000, ..Default::default() };
    let price = |target: &Target| policy.cost(&target.model, &sample);
    let targets = routing::ordered(chain, &price);
    Some(Plan {
        route: None,
        chain: Some(chain.name.clone()),
        cluster: chain.cluster.clone(),
        passthrough: first_passthrough(config, &targets),
        targets,
        left_out: Vec::new(),
        timeouts: chain.timeouts.unwrap_or(config.timeouts),
    })
}

/// `None`: nobody of the policy's. The plan is empty, and Envoy has no target from us.
fn provider_plan(config: &Config, provider: Option<usize>, model: &str) -> Plan {
    let targets: Vec<Target> =
        provider.map(|provider| Target { provider, model: model.to_owned() }).into_iter().collect();
    let cluster = provider.and_then(|provider| config.providers.get(provider));
    Plan {
        route: None,
        chain: None,
        cluster: cluster.map(|provider| provider.cluster.clone()).unwrap_or_default(),
        passthrough: first_passthrough(config, &targets),
        targets,
        left_out: Vec::new(),
        timeouts: config.timeouts,
    }
}

/// The provider that the caller's own key goes to: one per plan, so that no provider sees another's key.
fn first_passthrough(config: &Config, targets: &[Target]) -> Option<usize> {
    let takes_it = |target: &&Target| {
        let provider = config.providers.get(target.provider);
        provider.is_some_and(|provider| provider.credential == crate::config::Credential::Passthrough)
    };
    targets.iter().find(takes_it).map(|target| target.provider)
}

fn identify(policy: &Policy, head: &RequestHead<'_>) -> Option<String> {
    let named = policy.config.callers.identify.iter().find_map(|source| match source {
        CallerSource::Property(path) => (head.property)(path).filter(|value| !value.trim().is_empty()),
        CallerSource::Header(name) => {
            head.headers.get_str(name).filter(|value| !value.trim().is_empty()).map(str::to_owned)
        }
        CallerSource::Credential(name) => {
            head.headers.get(name).and_then(|key| fingerprint(&policy.key, key))
        }
    });
    named.map(|name| name.trim().chars().take(MAX_CALLER).collect::<String>()).filter(|name| !name.is_empty())
}

const MAX_CALLER: usize = 200;

/// A name for a key that says nothing about it.
fn fingerprint(secret: &[u8], key: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(b"caller\0");
    mac.update(key);
    Some(format!("key-{}", hex(mac.finalize().into_bytes().get(..8)?)))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
