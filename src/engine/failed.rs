//! An attempt that failed before the caller saw anything of it: the next target, or the caller's error.

use std::rc::Rc;

use memchr::memmem;

use crate::chat::{ErrorClass, ProviderError};
use crate::config::Credential;
use crate::engine::Host;
use crate::engine::again::MOST_PASSES;
use crate::engine::answer::{restore_error, restore_text};
use crate::engine::attempt::{Attempt, AttemptPhase, api_error};
use crate::engine::effect::{Effect, Reply, Step};
use crate::engine::exchange::{Attachment, Exchange};
use crate::policy::recovery;
use crate::policy::redaction::{AnswerRules, Restorer, Vault};
use crate::provider::{ApiError, failure};
use crate::wire::http::{self, Headers};
use crate::wire::json::Document;

/// What the provider said.
#[derive(Default)]
pub(super) struct Original {
    /// `None`: its status did not tell of the failure.
    pub status: Option<u16>,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Original {
    pub fn of(headers: Headers) -> Self {
        Self { headers, ..Self::default() }
    }

    fn is_json(&self) -> bool {
        let label = self.headers.get("content-type").map(http::media_type);
        label.is_some_and(|media| media.ends_with("json")) && Document::parse_lenient(&self.body).is_ok()
    }

    /// What of its head the caller gets with an error of ours: all that does not speak of the body or of the hop.
    fn own_headers(&self) -> Vec<(String, String)> {
        const DROPPED: [&str; 10] = [
            "location",
            "content-length",
            "content-type",
            "content-encoding",
            "transfer-encoding",
            "connection",
            "server",
            "date",
            "set-cookie",
            "trailer",
        ];
        let kept = self.headers.iter().filter(|(name, _)| {
            !name.starts_with(':')
                && !name.starts_with("x-tollgate-")
                && !name.starts_with("x-envoy-")
                && !DROPPED.contains(name)
        });
        let text = |value: &[u8]| std::str::from_utf8(value).ok().map(str::to_owned);
        let kept = kept.filter_map(|(name, value)| Some((name.to_owned(), text(value)?)));
        kept.chain([("content-type".to_owned(), "application/json".to_owned())]).collect()
    }

    fn retry_after(&self) -> Option<String> {
        self.headers.get_str("retry-after").map(str::to_owned)
    }
}

impl Attempt {
    pub(super) fn fail(&mut self, error: ProviderError, original: Original, host: Host<'_>) -> Step {
        self.phase = AttemptPhase::Settled;
        let class = error.class;
        self.log(|log| {
            log.class = Some(class);
            log.ended_ms = Some(host.now_ms);
            log.retry_after = original.retry_after();
        });
        self.tell(Some(class), error.retry_after_ms, host);
        // A provider that sends the caller elsewhere would get it there with its prompt and its key.
        let status = original.status.filter(|status| *status >= 400);
        let status = status.unwrap_or_else(|| failure::status_of(class));
        let body = self.without_key(self.error_body(&error, &original, status));
        match self.what_follows(class) {
            recovery::Step::Next => return self.signal(class, status, body),
            recovery::Step::Pass(way) => {
                let headers = original.own_headers();
                return self.ask_for_a_pass(class, way, Reply { status, headers, body });
            }
            recovery::Step::Fail => {}
        }
        self.deliver();
        self.ended(host);
        let direct = self.exchange.borrow().attachment == Attachment::Direct;
        let would_be_retried = !direct && (status == 429 || status >= 500);
        if !would_be_retried && !self.bodyless {
            let mut effects = vec![Effect::SetResponseHeader(":status".into(), status.to_string())];
            effects.push(Effect::RemoveResponseHeader("location".into()));
            effects.extend(replace_body(body));
            return Step::go_on(effects);
        }
        // Envoy retries by the status. An answer of the role's own is final, whatever its status.
        let mut headers = original.own_headers();
        if direct {
            headers.extend(self.exchange.borrow().own_headers());
        }
        Step::reply(Reply { status, headers, body })
    }

    pub(super) fn what_follows(&self, class: ErrorClass) -> recovery::Step {
        let exchange = self.exchange.borrow();
        let Some(planned) = exchange.planned().filter(|_| exchange.attachment == Attachment::Upstream) else {
            return recovery::Step::Fail;
        };
        let failed = planned.attempts.get(self.index).and_then(|attempt| planned.target(attempt.target));
        let left: Vec<Option<u64>> =
            planned.left().into_iter().map(|target| exchange.window(target)).collect();
        let situation = recovery::Situation {
            window: failed.and_then(|target| exchange.window(target)),
            left: &left,
            may_pass: planned.outline.is_some() && planned.passes < MOST_PASSES,
        };
        recovery::decide(&exchange.policy.config.recovery, class, &situation)
    }

    /// Makes Envoy ask the next target. The body is the caller's error, should Envoy not do it.
    fn signal(&self, class: ErrorClass, status: u16, body: Vec<u8>) -> Step {
        let signal = if recovery::is_the_providers_fault(class) { status.max(500) } else { 429 };
        let mut effects = vec![
            Effect::SetResponseHeader(":status".into(), signal.to_string()),
            Effect::SetResponseHeader("x-tollgate-retry".into(), class.name().into()),
            // It speaks of this provider, and the next one is asked at once.
            Effect::RemoveResponseHeader("retry-after".into()),
            Effect::RemoveResponseHeader("retry-after-ms".into()),
        ];
        if !self.bodyless {
            effects.extend(replace_body(body));
        }
        Step::go_on(effects)
    }

    /// What is the operator's stays here: a key that an error quotes.
    fn without_key(&self, body: Vec<u8>) -> Vec<u8> {
        match self.key(&self.exchange.borrow()) {
            Some(key) if memmem::find(&body, key.as_bytes()).is_some() => {
                String::from_utf8_lossy(&body).replace(&*key, "***").into_bytes()
            }
            _ => body,
        }
    }

    /// The operator's key for this provider.
    pub(super) fn key(&self, exchange: &Exchange) -> Option<Rc<str>> {
        let planned = exchange.planned()?;
        let target = planned.target(planned.attempts.get(self.index)?.target)?;
        match &exchange.policy.config.providers.get(target.provider)?.credential {
            Credential::Key(key) => Some(Rc::clone(&key.0)),
            Credential::Passthrough | Credential::Envoy => None,
        }
    }

    /// The provider's own error where the caller speaks its dialect, else the same in the caller's.
    fn error_body(&self, error: &ProviderError, original: &Original, status: u16) -> Vec<u8> {
        let exchange = self.exchange.borrow();
        let codec = exchange.codec();
        let vault = exchange.vault_to_restore();
        if codec.api() == self.api && original.is_json() && original.status.is_some() {
            return restore_error(&vault, &original.body).unwrap_or_else(|| original.body.clone());
        }
        let message = restore_text(&vault, &error.message);
        codec.error_body(&ApiError { status, message: &message, ..api_error(error) })
    }
}

pub(super) fn replace_body(body: Vec<u8>) -> [Effect; 4] {
    [
        Effect::RemoveResponseHeader("content-encoding".into()),
        Effect::SetResponseHeader("content-type".into(), "application/json".into()),
        Effect::SetResponseHeader("content-length".into(), body.len().to_string()),
        Effect::SetResponseBody(body),
    ]
}

impl Exchange {
    /// `None`: answers are not looked through.
    pub(super) fn answer_rules(&self) -> Option<Rc<AnswerRules>> {
        let planned = self.planned()?;
        Some(Rc::new(AnswerRules {
            detector: Rc::clone(&self.policy.detector),
            known: Rc::clone(planned.known.as_ref()?),
            restorer: Restorer::new(Rc::clone(&planned.vault)),
            refuse_signed: self.policy.config.data.signed_thinking_refuse,
            observe: !self.policy.enforces(),
        }))
    }

    /// Empty where the policy restores nothing, or nothing was taken out.
    pub(super) fn vault_to_restore(&self) -> Rc<Vault> {
        match self.planned().filter(|_| self.policy.config.data.restore) {
            Some(planned) => Rc::clone(&planned.vault),
            None => Rc::new(Vault::nothing()),
        }
    }
}
