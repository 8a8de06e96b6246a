//! The operator's tool: what a policy means, without an Envoy. The same core as the filter, one file a subcommand.

mod check;
mod explain;
mod models;
mod policy;
mod scan;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A policy layer for LLM traffic.
#[derive(Parser)]
#[command(version)]
struct Tool {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Validate policies: files of their own, or those inside an Envoy or Istio YAML.
    Check(check::Arguments),
    /// Show what the policy's detectors find in text.
    Scan(scan::Arguments),
    /// Show what would happen to a request read from standard input, without sending it.
    Explain(explain::Arguments),
    /// Print the price and window table.
    Models(models::Arguments),
}

fn main() -> ExitCode {
    match Tool::parse().command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Models(arguments) => models::run(&arguments),
    }
}
