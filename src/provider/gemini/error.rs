//! Errors as Google's SDKs expect them.

use crate::provider::ApiError;
use crate::provider::build::Object;

/// Our own code is the reason, for which Google's errors have a place among their details.
pub(super) fn body(error: &ApiError<'_>) -> Vec<u8> {
    let status = match error.status {
        401 => "UNAUTHENTICATED",
        402 | 429 => "RESOURCE_EXHAUSTED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        502 | 503 | 529 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    };
    let mut info = Object::new()
        .text("@type", "type.googleapis.com/google.rpc.ErrorInfo")
        .text("reason", error.code)
        .text("domain", "tollgate");
    if let Some(field) = error.param {
        info = info.raw("metadata", &Object::new().text("field", field).end());
    }
    let error = Object::new()
        .number("code", u64::from(error.status))
        .text("message", error.message)
        .text("status", status)
        .raw("details", &format!("[{}]", info.end()));
    Object::new().raw("error", &error.end()).end().into_bytes()
}

pub(super) fn in_stream(error: &ApiError<'_>) -> Vec<u8> {
    let mut out = b"data: ".to_vec();
    out.extend(body(error));
    out.extend_from_slice(b"\r\n\r\n");
    out
}
