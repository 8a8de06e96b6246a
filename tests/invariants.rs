//! What must hold whatever comes: the invariants of the design as properties, over random requests and answers.
//!
//! Every property reads one policy once and drives the whole engine. A failure prints the smallest input that
//! proptest finds.

#![allow(clippy::panic, clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

mod support;

#[path = "invariants/bounds.rs"]
mod bounds;
#[path = "invariants/budgets.rs"]
mod budgets;
#[path = "invariants/chunking.rs"]
mod chunking;
#[path = "invariants/draw.rs"]
mod draw;
#[path = "invariants/observe.rs"]
mod observe;
#[path = "invariants/panics.rs"]
mod panics;
#[path = "invariants/redaction.rs"]
mod redaction;
#[path = "invariants/streams.rs"]
mod streams;
#[path = "invariants/untouched.rs"]
mod untouched;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Runs `test` on `cases` inputs and panics with the smallest one that fails.
fn check<S: Strategy>(cases: u32, inputs: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>)
where
    S::Value: std::fmt::Debug,
{
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(inputs, test) {
        panic!("{error}");
    }
}

/// Two providers of each API.
const PROVIDERS: &str = r#"
    "openai": {"dialect": "openai", "cluster": "openai"},
    "anthropic": {"dialect": "anthropic", "cluster": "anthropic", "credential": "envoy"},
    "deepseek": {"dialect": "deepseek", "cluster": "deepseek", "credential": "envoy"},
    "house": {"dialect": "openai_compatible", "cluster": "house", "credential": "envoy"}"#;

/// `smart` goes to OpenAI's API and `claude` to Anthropic's, whoever asks.
const CHAINS: &str = r#"
    "chains": {"smart": {"targets": ["openai/gpt-4.1"]}, "claude": {"targets": ["anthropic/claude-sonnet-5"]}},
    "routes": [
        {"name": "smart", "when": {"model": ["smart"]}, "use": "smart"},
        {"name": "claude", "when": {"model": ["claude"]}, "use": "claude"}
    ]"#;

/// A policy of these providers and chains, with more members.
fn policy(more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(", {more}") };
    format!("{{\"version\": 1, \"providers\": {{{PROVIDERS}}}, {CHAINS}{more}}}")
}

const OPENAI_PATH: &str = "/v1/chat/completions";
const ANTHROPIC_PATH: &str = "/v1/messages";
