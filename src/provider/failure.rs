//! What a provider's failure means.
//!
//! Providers say the same thing in different words, and different things with the same status: a 429 is a rate
//! limit or an empty account, a 400 a caller's mistake or a prompt that is too long. Every vendor file has its
//! [`Rule`]s, which together are one table: a failure is held against the vendor's own rules first, then against
//! what a reseller quotes, then against the rules of all vendors (compatible servers hand on each other's errors),
//! then against the status ([`STATUSES`]), and at last against the type's name ([`TYPES`]). RUNBOOK.md is this table.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    Code(&'static str),
    Type(&'static str),
    /// A finer code beside the code, in one of [`DETAILS`]; of Google's details a reason, or a part of a quota's name.
    Detail(&'static str),
    /// A member of the error that is there, by its dotted path.
    Member(&'static str),
    Message(&'static str),
    /// Why an answer with status 200 stopped.
    Stop(&'static str),
}

/// For the tables of vendors.
pub(super) const fn rule(test: Test, class: ErrorClass, meaning: &'static str) -> Rule {
    Rule { test, class, meaning }
}

/// Where the finer codes stand: Anthropic's, Azure's in both of its spellings, OpenRouter's.
const DETAILS: [&[&str]; 6] = [
    &["details", "error_code"],
    &["innererror", "code"],
    &["inner_error", "code"],
    &["metadata", "limit_source"],
    &["metadata", "reason"],
    &["metadata", "error_type"],
];

/// A line of the table for what comes from any provider, or from what stands before it.
pub type Line<K> = (K, ErrorClass, &'static str);

/// Where neither a code nor a message says more.
pub const STATUSES: &[Line<&[u16]>] = &[
    (&[401], ErrorClass::Auth, "the key is not valid"),
    (&[403], ErrorClass::Auth, "the key may not do this"),
    (&[402], ErrorClass::QuotaExhausted, "the account is empty, or a limit on spending is reached"),
    (&[404], ErrorClass::NotFound, "the model does not exist there"),
    (
        &[408, 504, 520, 522, 524],
        ErrorClass::Timeout,
        "the provider took too long, or its edge did not reach it",
    ),
    (&[499], ErrorClass::Timeout, "the call was cancelled on its way"),
    (&[413], ErrorClass::TooLarge, "the body is too large"),
    (&[429], ErrorClass::RateLimited, "too many requests or tokens"),
    (&[503, 529], ErrorClass::Overloaded, "the provider has no capacity"),
];

/// Inside a stream there is no status, only the name of a type.
pub const TYPES: &[Line<&[&str]>] = &[
    (&["invalid_request_error", "invalid_request"], ErrorClass::InvalidRequest, "the request is at fault"),
    (&["requests", "tokens"], ErrorClass::RateLimited, "too many requests or tokens"),
];

/// What a failure says of itself.
#[derive(Default)]
pub struct Fault<'d> {
    pub status: Option<u16>,
    pub code: Option<Cow<'d, str>>,
    pub kind: Option<Cow<'d, str>>,
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

/// A reason for stopping that means a failure. Of an answer that was `told` in part a safety stop or the window's end
/// is no failure any more: its caller has what there is, and is told why there is no more.
pub fn stopped(own: &[Rule], reason: &str, told: bool) -> Option<ProviderError> {
    let is_it = |rule: &&Rule| matches!(rule.test, Test::Stop(its) if its == reason);
    let rule = own.iter().find(is_it).or_else(|| everyones().find(is_it))?;
    if told && matches!(rule.class, ErrorClass::ContentFilter | ErrorClass::ContextLength) {
        return None;
    }
    let code = Some(reason.to_owned());
    Some(ProviderError { code, ..ProviderError::new(rule.class, rule.meaning) })
}

/// Types last: they say the least.
fn everyones() -> impl Iterator<Item = &'static Rule> {
    let all = |types: bool| {
        let rules = VENDORS.iter().flat_map(|vendor| vendor.failures());
        rules.filter(move |rule| matches!(rule.test, Test::Type(_)) == types)
    };
    all(false).chain(all(true))
}

impl<'d> Fault<'d> {
    /// Reads a body or an event; `None` if there is no error in it. Arrays of one, `{"error": {…}}`,
    /// `{"error": "…"}`, `{"detail": …}` and the error's members at the top are all in use.
    pub fn read(root: Node<'d>) -> Option<Self> {
        let root = root.items().next().unwrap_or(root);
        match root.get("error").filter(|error| !error.is_null()) {
            Some(error) if error.as_str().is_some() => {
                Some(Self { message: error.as_str(), ..Self::default() })
            }
            Some(error) => Some(Self::members(error)),
            None if ["message", "code", "detail"].iter().any(|key| root.get(key).is_some()) => {
                Some(Self::members(root))
            }
            None => None,
        }
    }

    fn members(error: Node<'d>) -> Self {
        let text = |key| error.get(key).and_then(|node| node.as_str());
        let code = error.get("code");
        let name = code.and_then(|code| code.as_str());
        // Some say the status again as the code; a reseller's is the one that it was given.
        let status = code.and_then(|code| code.as_u64()).or_else(|| name.as_ref()?.parse().ok());
        Self {
            status: status.and_then(|it| u16::try_from(it).ok()).filter(|it| (300..600).contains(it)),
            code: name,
            kind: text("type").or_else(|| text("status")),
            message: error.get("message").or_else(|| error.get("detail")).and_then(message),
            node: Some(error),
        }
    }

    fn passes(&self, test: Test) -> bool {
        let is = |text: &Option<Cow<'_, str>>, wanted: &str| text.as_deref() == Some(wanted);
        let at = |path: &[&str]| self.node.and_then(|node| node.path(path));
        match test {
            Test::Code(wanted) => is(&self.code, wanted),
            Test::Type(wanted) => is(&self.kind, wanted),
            Test::Detail(wanted) => {
                DETAILS.iter().any(|path| at(path).is_some_and(|it| it.is(wanted)))
                    || self.node.is_some_and(|it| details(it, wanted))
            }
            Test::Member(path) => {
                let path: Vec<&str> = path.split('.').collect();
                at(&path).is_some_and(|it| !it.is_null())
            }
            Test::Message(part) => {
                self.message.as_deref().is_some_and(|message| contains_ignoring_case(message, part))
            }
            Test::Stop(_) => false,
        }
    }

    fn by_rule<'r>(&self, mut rules: impl Iterator<Item = &'r Rule>) -> Option<ErrorClass> {
        rules.find(|rule| self.passes(rule.test)).map(|rule| rule.class)
    }

    /// What a reseller was told, as it hands it on: an error as JSON in a string, or words. An account that is empty
    /// there, or a key that is not valid, is the reseller's own and says nothing about its caller's.
    fn quoted(&self) -> Option<ErrorClass> {
        let raw = self.node?.path(&["metadata", "raw"])?.as_str()?;
        let document = Document::parse_lenient(raw.as_bytes()).ok();
        let inner = document.as_ref().and_then(|document| Fault::read(document.root()));
        let inner =
            inner.unwrap_or_else(|| Fault { message: Some(Cow::Borrowed(&*raw)), ..Fault::default() });
        inner.by_rule(everyones()).filter(|class| {
            !matches!(class, ErrorClass::QuotaExhausted | ErrorClass::Auth | ErrorClass::InvalidRequest)
        })
    }

    /// `own` are the rules of the vendor that answered, where it is known.
    pub fn classify(&self, own: &[Rule]) -> ProviderError {
        let class = self
            .by_rule(own.iter())
            .or_else(|| self.quoted())
            .or_else(|| self.by_rule(everyones()))
            .or_else(|| self.status.map(by_status))
            .or_else(|| self.kind.as_deref().and_then(by_type))
            .or_else(|| self.code.as_deref().and_then(by_type))
            .unwrap_or(ErrorClass::ServerError);
        let message = match (&self.message, self.status) {
            (Some(message), _) if !message.is_empty() => message.clone().into_owned(),
            (_, Some(status)) => format!("the provider answered with status {status}"),
            (_, None) => "the provider gave up".to_owned(),
        };
        let detail = self.node.and_then(|node| node.path(&["details", "error_code"])?.as_str());
        let code = detail.as_deref().or(self.code.as_deref()).or(self.kind.as_deref());
        ProviderError {
            class,
            message,
            code: code.map(str::to_owned),
            retry_after_ms: self.node.and_then(|error| retry::in_error(error, None)),
        }
    }
}

/// `details` as Google has them: `{"reason": …}`, and violations of quotas with their names.
fn details(error: Node<'_>, wanted: &str) -> bool {
    let mut details = error.get("details").into_iter().flat_map(|details| details.items());
    details.any(|detail| {
        let mut violations = detail.get("violations").into_iter().flat_map(|violations| violations.items());
        let names = |quota: Node<'_>| quota.as_str().is_some_and(|quota| quota.contains(wanted));
        detail.get("reason").is_some_and(|reason| reason.is(wanted))
            || violations.any(|violation| violation.get("quotaId").is_some_and(names))
    })
}

/// A text, or what servers that check the body against a schema say: `[{"loc": [...], "msg": "..."}]`, at times in
/// `{"detail": …}`.
fn message(node: Node<'_>) -> Option<Cow<'_, str>> {
    let node = node.get("detail").unwrap_or(node);
    if let Some(text) = node.as_str() {
        return Some(text);
    }
    let first = node.items().next()?;
    let said = first.get("msg")?.as_str()?;
    let field: Vec<Cow<'_, str>> =
        first.get("loc")?.items().filter_map(|step| step.as_str()).filter(|step| step != "body").collect();
    Some(Cow::Owned(format!("{}: {said}", field.join("."))))
}

pub fn by_status(status: u16) -> ErrorClass {
    let line = STATUSES.iter().find(|(statuses, ..)| statuses.contains(&status));
    match line {
        Some((_, class, _)) => *class,
        None if (400..500).contains(&status) => ErrorClass::InvalidRequest,
        None => ErrorClass::ServerError,
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

fn by_type(name: &str) -> Option<ErrorClass> {
    TYPES.iter().find(|(names, ..)| names.contains(&name)).map(|(_, class, _)| *class)
}

fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}
