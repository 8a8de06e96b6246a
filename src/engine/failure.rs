//! Every way in which a request is refused, and what the caller is told: one table.
//!
//! A message says what to do and never quotes the request.

use crate::engine::effect::Reply;
use crate::provider::{ApiError, Codec};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    EndpointBlocked,
    UnknownCaller,
    ContentType,
    ContentEncoding,
    BodyTooLarge {
        limit: usize,
    },
    EmptyBody,
    NotJson {
        why: String,
    },
    NotTheApi {
        field: String,
        expected: &'static str,
    },
    /// Data of these types may not leave.
    Blocked {
        types: Vec<String>,
    },
    /// Something was found where an edit would break the provider's signature.
    SignedContent,
    MediaBlocked,
    NeedsStorage {
        field: &'static str,
    },
    ModelNotAllowed,
    ModelUnknown,
    /// No target gives what the data's class asks for.
    NoTargetForData {
        class: String,
    },
    /// No target has a place for the field.
    CannotCarry {
        field: String,
    },
    /// The prompt fits no target's window. `window` is the largest.
    TooLong {
        window: u64,
    },
    OverBudget {
        budget: String,
        retry_after: u64,
    },
    /// A budget is in dollars, and no target has a price.
    Unpriced,
    /// The ledger cannot be read or written: a budget that cannot be checked does not admit.
    LedgerUnavailable,
    /// No provider could be asked.
    NoTargetLeft,
    TimedOut,
    /// Envoy answered by itself.
    Proxy {
        status: u16,
    },
    /// The attempt's exchange is not known here: nobody inspected the request.
    NotInspected,
    /// The provider's answer cannot be understood.
    BrokenAnswer,
    /// It says something of these types that the prompt did not, and that may not reach the caller.
    AnswerBlocked {
        types: Vec<String>,
    },
}

/// How one failure looks from outside.
struct Row {
    status: u16,
    code: &'static str,
    /// `x-tollgate-decision`, and `reason` in metrics.
    decision: &'static str,
    /// Whether an SDK's own retry could help.
    retry: bool,
}

impl Failure {
    fn row(&self) -> Row {
        let row = |status, code, decision, retry| Row { status, code, decision, retry };
        match self {
            Self::EndpointBlocked => row(403, "endpoint_blocked", "blocked", false),
            Self::UnknownCaller => row(401, "unknown_caller", "rejected", false),
            Self::ContentType => row(415, "unsupported_content_type", "uninspectable", false),
            Self::ContentEncoding => row(415, "unsupported_content_encoding", "uninspectable", false),
            Self::BodyTooLarge { .. } => row(413, "request_too_large", "too_large", false),
            Self::EmptyBody => row(400, "empty_body", "uninspectable", false),
            Self::NotJson { .. } => row(400, "invalid_json", "uninspectable", false),
            Self::NotTheApi { .. } => row(400, "invalid_request", "uninspectable", false),
            Self::Blocked { .. } => row(400, "blocked", "blocked", false),
            Self::SignedContent => row(400, "blocked", "blocked", false),
            Self::MediaBlocked => row(400, "blocked", "blocked", false),
            Self::NeedsStorage { .. } => row(400, "needs_storage", "blocked", false),
            Self::ModelNotAllowed => row(403, "model_not_allowed", "rejected", false),
            Self::ModelUnknown => row(404, "model_not_found", "rejected", false),
            Self::NoTargetForData { .. } => row(403, "no_target_for_data", "blocked", false),
            Self::CannotCarry { .. } => row(422, "unsupported_field", "rejected", false),
            Self::TooLong { .. } => row(400, "context_length_exceeded", "rejected", false),
            Self::OverBudget { .. } => row(429, "insufficient_quota", "over_budget", false),
            Self::Unpriced => row(403, "model_not_priced", "rejected", false),
            Self::LedgerUnavailable => row(503, "budget_unavailable", "over_budget", true),
            Self::NoTargetLeft => row(503, "no_target_left", "failed", true),
            Self::TimedOut => row(504, "timeout", "failed", true),
            Self::Proxy { status } => row(*status, "proxy_error", "failed", *status >= 500),
            Self::NotInspected => row(403, "not_inspected", "blocked", false),
            Self::BrokenAnswer => row(502, "broken_response", "failed", true),
            Self::AnswerBlocked { .. } => row(400, "answer_blocked", "blocked", false),
        }
    }

    pub fn status(&self) -> u16 {
        self.row().status
    }

    pub fn code(&self) -> &'static str {
        self.row().code
    }

    pub fn decision(&self) -> &'static str {
        self.row().decision
    }

    /// The field at fault, as the caller wrote it.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::NotTheApi { field, .. } | Self::CannotCarry { field } => Some(field),
            Self::NeedsStorage { field } => Some(field),
            _ => None,
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::EndpointBlocked => "This endpoint is not inspected by the gateway and its policy does not let it pass.".into(),
            Self::UnknownCaller => "The gateway could not tell who is calling, and its policy rejects unknown callers.".into(),
            Self::ContentType => "The request body must be JSON (content-type: application/json).".into(),
            Self::ContentEncoding => "The request body is compressed and cannot be inspected: send it without content-encoding.".into(),
            Self::BodyTooLarge { limit } => format!("The request body is larger than the {limit} bytes that the policy allows."),
            Self::EmptyBody => "The request has no body.".into(),
            Self::NotJson { why } => format!("The request body cannot be inspected: {why}."),
            Self::NotTheApi { field, expected } if field.is_empty() => format!("The request body must be {expected}."),
            Self::NotTheApi { field, expected } => format!("`{field}` must be {expected}."),
            Self::Blocked { types } => {
                format!("The request holds data that the policy does not let out: {}.", types.join(", "))
            }
            Self::SignedContent => {
                "Data that must be redacted was found in content that the provider has signed and that cannot be edited.".into()
            }
            Self::MediaBlocked => "The request holds media, which cannot be inspected and which the policy blocks.".into(),
            Self::NeedsStorage { field } => {
                format!("`{field}` works only with state that the provider keeps, which the policy does not allow.")
            }
            Self::ModelNotAllowed => "The policy does not allow this caller to use this model.".into(),
            Self::ModelUnknown => "No provider of the policy serves this model.".into(),
            Self::NoTargetForData { class } => {
                format!("No provider is allowed to receive data of class `{class}`.")
            }
            Self::CannotCarry { field } => format!("No target has a place for `{field}`."),
            Self::TooLong { window } => {
                format!("The prompt is too long: the largest window of the models that may have it is {window} tokens.")
            }
            Self::OverBudget { budget, .. } => format!("The budget `{budget}` is used up for this window."),
            Self::Unpriced => "The model has no price in the policy, and a budget is in dollars.".into(),
            Self::LedgerUnavailable => "The budget cannot be checked right now.".into(),
            Self::NoTargetLeft => "No provider could be reached.".into(),
            Self::TimedOut => "No provider answered in time.".into(),
            Self::Proxy { .. } => "The proxy could not forward the request.".into(),
            Self::NotInspected => "The request was not inspected by the gateway's listener and may not leave.".into(),
            Self::BrokenAnswer => "The provider's answer could not be understood.".into(),
            Self::AnswerBlocked { types } => {
                format!("The answer holds data that the policy does not let through: {}.", types.join(", "))
            }
        }
    }

    /// For a caller whose dialect is not known.
    pub fn reply_to_anybody(&self) -> Reply {
        self.reply(crate::provider::codec(crate::provider::Api::OpenAiChat))
    }

    /// The whole answer, in the caller's dialect.
    pub fn reply(&self, codec: &dyn Codec) -> Reply {
        let row = self.row();
        let message = self.message();
        let error = ApiError { status: row.status, code: row.code, message: &message, param: self.param() };
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if !row.retry {
            headers.push(("x-should-retry".to_owned(), "false".to_owned()));
        }
        if let Self::OverBudget { retry_after, .. } = self {
            headers.push(("retry-after".to_owned(), retry_after.to_string()));
        }
        Reply { status: row.status, headers, body: codec.error_body(&error) }
    }
}
