//! Errors as Mistral writes them. Its SDKs raise by the status; in a stream, whatever is no chunk is an exception.

use crate::provider::ApiError;
use crate::provider::build::Object;
use crate::provider::openai::event;
use crate::wire::json::quote;

pub(super) fn body(error: &ApiError<'_>) -> Vec<u8> {
    let kind = match error.status {
        404 => "invalid_model",
        429 => "rate_limited",
        503 | 529 => "service_unavailable",
        500.. => "internal_server_error",
        _ => "invalid_request_error",
    };
    let body = Object::new()
        .text("object", "error")
        .text("message", error.message)
        .text("type", kind)
        .raw("param", &error.param.map_or_else(|| "null".to_owned(), quote))
        .text("code", error.code)
        .number("raw_status_code", error.status.into());
    body.end().into_bytes()
}

pub(super) fn in_stream(error: &ApiError<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    event(&body(error), &mut out);
    out
}
