//! The rules: each module decides one thing from values that it is given. Siblings never import each other, and
//! none of them knows a wire format, a provider, a clock or a log; the engine is where they meet.

pub mod budget;
pub mod classify;
pub mod health;
pub mod recovery;
pub mod redaction;
pub mod retention;
pub mod routing;
