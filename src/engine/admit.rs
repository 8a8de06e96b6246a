//! The first look at a request: who asks, whether it can be read, and what of its head stays here.

use std::rc::Rc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::CallerSource;
use crate::engine::effect::{Effect, Flow, Step};
use crate::engine::exchange::{Attachment, Exchange, Head, Phase, Planned, Tally};
use crate::engine::failure::Failure;
use crate::engine::plan::Plan;
use crate::engine::targets::provider_plan;
use crate::engine::{Host, Policy};
use crate::policy::redaction::Vault;
use crate::policy::routing;
use crate::provider::{self, listing};
use crate::wire::http::{self, Headers};

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
pub(super) const OWN_PREFIX: &str = "x-tollgate-";

/// Headers that tell a provider who and where the caller is.
pub(super) const PERSONAL_HEADERS: [&str; 12] = [
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
pub(super) fn is_known_header(name: &str) -> bool {
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
        let api = provider::recognise(&method, http::split_path(&path).0, &head.headers);
        let listing = listing::recognise(&method, &path, &head.headers);
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
                listing,
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
    pub(super) fn admit(&mut self, known: bool, end_of_stream: bool) -> Result<Step, Failure> {
        let policy = Rc::clone(&self.policy);
        let config = &policy.config;
        if !known && config.callers.reject_unknown {
            self.unless(Err(Failure::UnknownCaller))?;
        }
        if self.head.listing.is_some() {
            return self.list_models();
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
        Ok(Step { flow: Flow::Pause, effects: self.strip(&self.head.headers) })
    }

    pub(super) fn check_encoding(&self) -> Result<(), Failure> {
        if !http::content_encoding(&self.head.headers).is_empty() {
            return Err(Failure::ContentEncoding);
        }
        let Some(content_type) = self.head.headers.get("content-type") else { return Ok(()) };
        let media_type = http::media_type(content_type);
        let is_json = media_type == "application/json" || media_type.ends_with("+json");
        if is_json && http::is_utf8(content_type) { Ok(()) } else { Err(Failure::ContentType) }
    }

    pub(super) fn check_length(&self) -> Result<(), Failure> {
        let limit = self.policy.config.limits.body;
        let length =
            self.head.headers.get_str("content-length").and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length > limit) {
            Err(Failure::BodyTooLarge { limit })
        } else {
            Ok(())
        }
    }

    /// Passed on unread, by the policy's own word.
    pub(super) fn pass_uninspected(&mut self) -> Result<Step, Failure> {
        let config = &self.policy.config;
        let path = http::split_path(&self.head.path).0;
        // A known endpoint in another spelling is not another endpoint, and servers resolve more than we want to
        // guess: what is passed on unread has to be written plainly.
        let disguised = !http::is_plain_path(path)
            || provider::recognise("POST", &path.to_ascii_lowercase(), &self.head.headers).is_some()
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
        let mut step = Step::go_on(if matches!(self.phase, Phase::Body) {
            self.strip(&self.head.headers)
        } else {
            Vec::new()
        });
        self.tally.uninspected = true;
        let mut sent = self.send(self.unread(plan), None);
        step.effects.append(&mut sent.effects);
        Ok(step)
    }

    pub(super) fn unread(&self, plan: Plan) -> Planned {
        Planned {
            plan,
            outline: None,
            vault: Rc::new(Vault::nothing()),
            known: None,
            reservation: None,
            free: self.is_free(),
            reserved_for: 0,
            prompt_tokens: 0,
            attempts: Vec::new(),
            before: 0,
            passes: 0,
        }
    }

    /// Headers that no request may bring along or take with it: ours, those that say who and where the caller is,
    /// those that only the policy reads, and any other in which something is found that may not leave.
    pub(super) fn strip(&self, headers: &Headers) -> Vec<Effect> {
        let stays = |name: &str, value: &[u8]| {
            !name.starts_with(OWN_PREFIX)
                && (!self.policy.enforces()
                    || !PERSONAL_HEADERS.contains(&name)
                        && !self.policy.config.reads_header(name)
                        && (is_known_header(name) || !self.has_findings(value)))
        };
        let gone = headers.iter().filter(|(name, value)| !stays(name, value));
        gone.map(|(name, _)| Effect::RemoveRequestHeader(name.to_owned().into())).collect()
    }

    pub(super) fn has_findings(&self, value: &[u8]) -> bool {
        let found = self.policy.detector.find_in_identifier(&String::from_utf8_lossy(value));
        found.iter().any(|finding| finding.action >= crate::config::Action::Redact)
    }
}

pub(super) fn identify(policy: &Policy, head: &RequestHead<'_>) -> Option<String> {
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

pub(super) const MAX_CALLER: usize = 200;

/// A name for a key that says nothing about it.
pub(super) fn fingerprint(secret: &[u8], key: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(b"caller\0");
    mac.update(key);
    Some(format!("key-{}", hex(mac.finalize().into_bytes().get(..8)?)))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
