//! Errors as Anthropic's SDKs expect them.

use serde::Serialize;

use super::stream_writer::write_event;
use crate::provider::ApiError;
use crate::provider::fields::json;

#[derive(Serialize)]
struct Body<'e> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: Inner<'e>,
    request_id: Option<()>,
}

#[derive(Serialize)]
struct Inner<'e> {
    details: Details<'e>,
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'e str,
}

/// The API has no field for a code or for the field at fault; its details are open.
#[derive(Serialize)]
struct Details<'e> {
    error_code: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'e str>,
}

pub(super) fn body(error: &ApiError<'_>) -> Vec<u8> {
    let kind = match error.status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    let details = Details { error_code: error.code, param: error.param };
    json(&Body { kind: "error", error: Inner { details, kind, message: error.message }, request_id: None })
}

pub(super) fn in_stream(error: &ApiError<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write_event("error", &body(error), &mut out);
    out
}
