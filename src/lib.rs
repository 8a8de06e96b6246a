//! Tollgate: a policy layer for LLM traffic that runs inside Envoy.

#[cfg(target_arch = "wasm32")]
mod adapter;
pub mod catalog;
pub mod chat;
pub mod config;
pub mod engine;
pub mod policy;
pub mod provider;
pub mod store;
pub mod wire;
