//! Errors as OpenAI's SDKs expect them: the class of the exception follows the status, the rest is for its reader.

use serde::Serialize;

use super::stream_writer::event;
use crate::provider::ApiError;
use crate::provider::fields::json;

#[derive(Serialize)]
struct Body<'e> {
    error: Inner<'e>,
}

#[derive(Serialize)]
struct Inner<'e> {
    message: &'e str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'e str>,
    code: &'e str,
}

pub(super) fn body(error: &ApiError<'_>) -> Vec<u8> {
    let code = own_code(error.code);
    let kind = match (code, error.status) {
        ("insufficient_quota", _) => "insufficient_quota",
        (_, 429) => "rate_limit_error",
        (_, 503 | 529) => "service_unavailable_error",
        (_, 500..) => "server_error",
        _ => "invalid_request_error",
    };
    json(&Body { error: Inner { message: error.message, kind, param: error.param, code } })
}

/// The classes of failures by the names that OpenAI's callers test for.
pub(super) fn own_code(code: &str) -> &str {
    match code {
        "quota_exhausted" => "insufficient_quota",
        "rate_limited" => "rate_limit_exceeded",
        "context_length" => "context_length_exceeded",
        "auth" => "invalid_api_key",
        "not_found" => "model_not_found",
        "overloaded" => "server_is_overloaded",
        code => code,
    }
}

pub(super) fn in_stream(error: &ApiError<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    event(&body(error), &mut out);
    out
}
