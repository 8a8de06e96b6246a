//! REQUEST PATH, top to bottom: admit → decode → inspect → classify → plan → reserve → send.
//!
//! The steps that are long have files of their own: [`admit`](super::admit), [`inspect`](super::inspect), `targets`
//! and `reserve`.
//!
//! Everything that can refuse comes before anything that changes the world: an early refusal needs no undo. In
//! observe mode each refusal is only noted, and the request goes on as it came.

use std::rc::Rc;

use crate::config::{OptOut, PlaceholderStyle};
use crate::engine::Host;
use crate::engine::credentials::without_credentials;
use crate::engine::effect::{Effect, Step};
use crate::engine::exchange::{Attachment, Exchange, Phase, Planned};
use crate::engine::failure::Failure;
use crate::engine::inspect::{Inspection, inspect};
use crate::engine::targets::{Asked, provider_plan};
use crate::policy::classify;
use crate::policy::redaction::Vault;
use crate::provider::{self, Api, Outline};
use crate::wire::http;
use crate::wire::json::{Document, Edits};

/// Always the same, so that a provider's cache of the prompt holds. It names no placeholder that is ever issued.
const HINT: &str = "Names in angle brackets such as <NAME_0> are placeholders that stand for real values. \
    Wherever you mean such a value, write its placeholder exactly as it is given, with the brackets. \
    Do not translate, shorten, renumber, explain or invent placeholders.";
/// About how many tokens that is.
const HINT_TOKENS: u64 = 55;

impl Exchange {
    /// More of the body is held than before: `total` bytes by now.
    pub fn body_grew(&mut self, total: usize) -> Step {
        let limit = self.policy.config.limits.body;
        match self.phase {
            Phase::Body if total > limit => self.refuse(Failure::BodyTooLarge { limit }),
            Phase::Body | Phase::Passing(..) => Step::pause(),
            _ => Step::default(),
        }
    }

    /// The whole body is here.
    pub fn body(&mut self, body: &[u8], host: Host<'_>) -> Step {
        match self.phase {
            Phase::Body => {}
            Phase::Passing(..) => return self.plan_again(body, host),
            _ => return Step::default(),
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
        let mut vault = Vault::new(self.placeholder_style(&document), &policy.keys);
        let mut seen = inspect(&document, codec, &policy.detector, &mut vault, policy.tasks.reads_words());
        self.tally.found = std::mem::take(&mut seen.found);
        self.tally.media = seen.media;
        self.tally.redactions = seen.redactions();
        self.tally.redacted = seen.redacted_types(&policy.detector);
        let hints = config.data.hint && seen.redactions() > 0;
        if hints {
            seen.tokens += HINT_TOKENS;
        }
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
        let asked = Asked { outline: &outline, document: &document, classes: &classes, tokens: seen.tokens };
        self.narrow(&mut plan, &asked)?;
        let mut cut = self.fit(&mut plan, &asked)?;
        self.line_up(&mut plan, host);

        // reserve: all that refuses is above this line
        let reservation = self.reserve(&mut plan, &asked, &mut cut, host)?;

        // send
        let mut edits = Edits::new();
        seen.redact(&policy.detector, &mut vault, &mut edits);
        if hints {
            codec.instruct(document.root(), HINT, &mut edits);
        }
        if let Some(cut) = &cut {
            cut.make(&mut edits);
            self.tally.truncated = cut.turns;
        }
        Ok(self.send(
            Planned {
                plan,
                outline: Some(outline),
                vault: Rc::new(vault),
                known: seen.known.take().map(Rc::new),
                reservation,
                free: self.is_free(),
                reserved_for: 0,
                prompt_tokens: cut.map_or(seen.tokens, |cut| cut.tokens),
                attempts: Vec::new(),
                before: 0,
                passes: 0,
            },
            (!edits.is_empty()).then(|| edits.apply(body)),
        ))
    }

    fn decode<'b>(&self, body: &'b [u8]) -> Result<(Document<'b>, Outline), Failure> {
        if body.is_empty() {
            return Err(Failure::EmptyBody);
        }
        let (path, query) = http::split_path(&self.head.path);
        let document = Document::parse(body).map_err(|error| Failure::NotJson { why: error.to_string() })?;
        let outline = self
            .codec()
            .outline(path, query, document.root())
            .map_err(|fault| Failure::NotTheApi { field: fault.field, expected: fault.expected })?;
        Ok((document, outline))
    }

    /// A request for state that a provider keeps breaks when the opt-out is set: better said than silently changed.
    fn check_storage(&self, document: &Document<'_>) -> Result<(), Failure> {
        if !self.policy.config.retention.reject_needs_storage {
            return Ok(());
        }
        self.needs_storage(document).map_or(Ok(()), |field| Err(Failure::NeedsStorage { field }))
    }

    /// The field by which a request relies on what a provider keeps.
    fn needs_storage(&self, document: &Document<'_>) -> Option<&'static str> {
        let api = self.head.api?;
        let vendors = provider::VENDORS.iter().filter(|vendor| vendor.apis().contains(&api));
        vendors.filter_map(|vendor| vendor.needs_storage(document.root())).next()
    }

    /// Numbers are counted in each request anew. Where a provider keeps a conversation, one of an earlier turn could
    /// stand for another value: there, and where a conversation begins that may be kept, names are made by the key.
    fn placeholder_style(&self, document: &Document<'_>) -> PlaceholderStyle {
        let config = &self.policy.config;
        let style = config.data.placeholder;
        if style != PlaceholderStyle::Numbered || config.retention.reject_needs_storage {
            return style;
        }
        let begins =
            self.head.api == Some(Api::OpenAiResponses) && config.retention.opt_out != OptOut::Always;
        if begins || self.needs_storage(document).is_some() { PlaceholderStyle::Keyed } else { style }
    }

    fn check_findings(&self, seen: &Inspection, outline: &Outline) -> Result<(), Failure> {
        let data = &self.policy.config.data;
        // A credential in the query is dealt with as one.
        let path = without_credentials(&self.head.path);
        let query = http::split_path(&path).1.map(http::query_text).unwrap_or_default();
        // Neither the model's name nor the query is a place for a placeholder.
        let found =
            [outline.model.as_str(), &query].map(|text| self.policy.detector.find_in_identifier(text));
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

    /// A refusal ends the request, or, in observe mode, is noted.
    pub(super) fn unless(&mut self, checked: Result<(), Failure>) -> Result<(), Failure> {
        match checked {
            Err(failure) if !self.policy.enforces() => {
                self.tally.would_fail.get_or_insert(failure);
                Ok(())
            }
            checked => checked,
        }
    }

    /// The request leaves the listener. `body` is the redacted one, where something was redacted.
    pub(super) fn send(&mut self, planned: Planned, body: Option<Vec<u8>>) -> Step {
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
        self.pass_by()
    }

    /// Nothing is read or changed: the request goes where it was going.
    pub(super) fn pass_by(&mut self) -> Step {
        // Where it was not going to any of ours, it is not sent there: Envoy's own route decides.
        let provider = self.natural_provider("").or_else(|| self.namesake());
        let plan = provider_plan(&self.policy.config, provider, "");
        let strip = self.strip(&self.head.headers);
        let mut step = self.send(self.unread(plan), None);
        step.effects.splice(0..0, strip);
        step
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
                self.plan.current().len().saturating_sub(1).to_string(),
            ),
        ]
    }
}
