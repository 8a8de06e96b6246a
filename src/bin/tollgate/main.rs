//! The operator's tool: what a policy means, without an Envoy. The same core as the filter, one file a subcommand.

mod check;

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
}

fn main() -> ExitCode {
    match Tool::parse().command {
        Command::Check(arguments) => check::run(&arguments),
    }
}
