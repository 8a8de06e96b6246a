//! Tollgate: a policy layer for LLM traffic that runs inside Envoy.

pub mod chat;
pub mod config;
pub mod wire;
