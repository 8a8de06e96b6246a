//! What a provider's failure means.
//!
//! Providers say the same thing in different words, and different things with the same status: a 429 is a rate
//! limit or an empty account, a 400 a caller's mistake or a prompt that is too long. Every vendor file has its
//! [`Rule`]s, which together are one table: a failure is held against the vendor's own rules first, then against
//! those of all vendors (compatible servers and resellers hand on each other's errors), then against the status.
//!
//! The message may quote the prompt. It goes to the caller in a [`ProviderError`] and is printed nowhere.

mod retry;

use std::borrow::Cow;

use super::VENDORS;
use crate::chat::{ErrorClass, ProviderError};
use crate::wire::http::Headers;
use crate::wire::json::{Document, Node};

/// One line of the table of failures.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub test: Test,
    pub class: ErrorClass,
    /// For the operator.
    pub meaning: &'static str,
}

/// What is looked at. Codes and types are compared whole, messages by a part, without regard to case.
#[derive(Debug, Clone, Copy)]
pub enum Test {
    Code(&'static str),
    Type(&'static str),
    /// `error.details.error_code`
    Detail(&'static str),
    Message(&'static str),
}

/// For the tables of vendors.
pub(super) const fn rule(test: Test, class: ErrorClass, meaning: &'static str) -> Rule {
    Rule { test, class, meaning }
}

/// What a failure says of itself.
#[derive(Default)]
pub struct Fault<'d> {
    pub status: Option<u16>,
    pub code: Option<Cow<'d, str>>,
    pub kind: Option<Cow<'d, str>>,
    pub detail: Option<Cow<'d, str>>,
    pub message: Option<Cow<'d, str>>,
    /// The object that the error is in.
    pub node: Option<Node<'d>>,
}

/// A failure in a status of 300 or more. `own` are the rules of the vendor that answered; `body` is `None` where it is
/// not JSON.
pub fn classify(own: &[Rule], status: u16, headers: &Headers, body: Option<&Document<'_>>) -> ProviderError {
    let fault = body.and_then(|body| Fault::read(body.root())).unwrap_or_default();
    let in_error = fault.node.and_then(|error| retry::in_error(error, Some(headers)));
    let fault = Fault { status: Some(status), ..fault };
    let retry_after_ms = retry::in_headers(headers).or(in_error);
    ProviderError { retry_after_ms, ..fault.classify(own) }
}

impl<'d> Fault<'d> {
    /// Reads a body or an event; `None` if there is no error in it. Arrays of one, `{"error": {…}}`,
    /// `{"error": "…"}` and the error's members at the top are all in use.
    pub fn read(root: Node<'d>) -> Option<Self> {
        let root = root.items().next().unwrap_or(root);
        match root.get("error").filter(|error| !error.is_null()) {
            Some(error) if error.as_str().is_some() => {
                Some(Self { message: error.as_str(), ..Self::default() })
            }
            Some(error) => Some(Self::members(error)),
            None if root.get("message").is_some() || root.get("code").is_some() => Some(Self::members(root)),
            None => None,
        }
    }

    fn members(error: Node<'d>) -> Self {
        let text = |key| error.get(key).and_then(|node| node.as_str());
        let code = error.get("code");
        Self {
            // A reseller's code is the status that it was given.
            status: code.and_then(|code| code.as_u64()).and_then(|code| u16::try_from(code).ok()),
            code: code.and_then(|code| code.as_str()),
            kind: text("type"),
            detail: error.path(&["details", "error_code"]).and_then(|node| node.as_str()),
            message: text("message"),
            node: Some(error),
        }
    }

    fn passes(&self, test: Test) -> bool {
        let is = |text: &Option<Cow<'_, str>>, wanted: &str| text.as_deref() == Some(wanted);
        match test {
            Test::Code(wanted) => is(&self.code, wanted),
            Test::Type(wanted) => is(&self.kind, wanted),
            Test::Detail(wanted) => is(&self.detail, wanted),
            Test::Message(part) => {
                self.message.as_deref().is_some_and(|message| contains_ignoring_case(message, part))
            }
        }
    }

    /// `own` are the rules of the vendor that answered, where it is known.
    pub fn classify(&self, own: &[Rule]) -> ProviderError {
        let others = || VENDORS.iter().flat_map(|vendor| vendor.failures());
        let by_rule = own.iter().chain(others()).find(|rule| self.passes(rule.test)).map(|rule| rule.class);
        let class = by_rule
            .or_else(|| self.status.map(by_status))
            .or_else(|| self.kind.as_deref().and_then(by_type))
            .or_else(|| self.code.as_deref().and_then(by_type))
            .unwrap_or(ErrorClass::ServerError);
        let message = match (&self.message, self.status) {
            (Some(message), _) if !message.is_empty() => message.clone().into_owned(),
            (_, Some(status)) => format!("the provider answered with status {status}"),
            (_, None) => "the provider gave up".to_owned(),
        };
        let code = self.detail.as_deref().or(self.code.as_deref()).or(self.kind.as_deref());
        ProviderError {
            class,
            message,
            code: code.map(str::to_owned),
            retry_after_ms: self.node.and_then(|error| retry::in_error(error, None)),
        }
    }
}

/// Where neither a code nor a message says more.
pub fn by_status(status: u16) -> ErrorClass {
    match status {
        401 | 403 => ErrorClass::Auth,
        402 => ErrorClass::QuotaExhausted,
        404 => ErrorClass::NotFound,
        408 | 499 | 504 | 520 | 522 | 524 => ErrorClass::Timeout,
        413 => ErrorClass::TooLarge,
        429 => ErrorClass::RateLimited,
        503 | 529 => ErrorClass::Overloaded,
        400..=499 => ErrorClass::InvalidRequest,
        _ => ErrorClass::ServerError,
    }
}

/// The status that tells a caller of such a failure, where the provider's own is not known.
pub fn status_of(class: ErrorClass) -> u16 {
    match class {
        ErrorClass::RateLimited | ErrorClass::QuotaExhausted => 429,
        ErrorClass::Overloaded => 503,
        ErrorClass::ServerError => 500,
        ErrorClass::Timeout => 504,
        ErrorClass::BrokenResponse => 502,
        ErrorClass::ContextLength | ErrorClass::ContentFilter | ErrorClass::InvalidRequest => 400,
        ErrorClass::Auth => 401,
        ErrorClass::NotFound => 404,
        ErrorClass::TooLarge => 413,
    }
}

/// Inside a stream there is no status, only the name of a type.
fn by_type(name: &str) -> Option<ErrorClass> {
    Some(match name {
        "invalid_request_error" | "invalid_request" => ErrorClass::InvalidRequest,
        "authentication_error" | "permission_error" | "invalid_api_key" => ErrorClass::Auth,
        "not_found_error" => ErrorClass::NotFound,
        "rate_limit_error" | "rate_limit_exceeded" | "requests" | "tokens" => ErrorClass::RateLimited,
        "overloaded_error" | "service_unavailable_error" => ErrorClass::Overloaded,
        "timeout_error" => ErrorClass::Timeout,
        "request_too_large" => ErrorClass::TooLarge,
        "billing_error" => ErrorClass::QuotaExhausted,
        _ => return None,
    })
}

fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}
