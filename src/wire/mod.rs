//! The formats on the wire, as bytes: JSON edited in place, event streams, heads of HTTP messages.
//!
//! Everything here works on the bytes that came in and gives back the same bytes except where it was told to
//! change something. It knows no vendor, no policy, no clock and no host; it only knows the grammars.

pub mod array;
pub mod http;
pub mod json;
pub mod sse;
