//! `tollgate check POLICY…`: every fault of every policy, one a line, with the file and the path.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::ExitCode;

use tollgate::config::{self, Config};
use tollgate::engine::Policy;

#[derive(clap::Args)]
pub struct Arguments {
    /// Policies, or Envoy or Istio files that hold them; "-" is standard input.
    #[arg(required = true, value_name = "POLICY")]
    files: Vec<String>,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    let mut sound = true;
    for file in &arguments.files {
        let lines = match read(file) {
            Ok(text) => check(file, &text),
            Err(error) => Err(format!("{file}: {error}\n")),
        };
        sound &= lines.is_ok();
        let (Ok(lines) | Err(lines)) = lines;
        if std::io::stdout().write_all(lines.as_bytes()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(file: &str) -> std::io::Result<String> {
    if file != "-" {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

/// The lines to print; `Err` where one of them is an error.
fn check(file: &str, text: &str) -> Result<String, String> {
    let mut lines = String::new();
    let survey = config::find(text);
    let mut sound = survey.errors.is_empty();
    for error in &survey.errors {
        lines.push_str(&format!("{file}: {error}\n"));
    }
    for found in &survey.policies {
        let place = if found.place.is_empty() { file.to_owned() } else { format!("{file}: {}", found.place) };
        // The variables are those of the VM, not of this shell: they are listed, and taken to be there.
        let variables = RefCell::new(BTreeSet::new());
        let env = |name: &str| {
            variables.borrow_mut().insert(name.to_owned());
            Some("a value of the VM's environment".to_owned())
        };
        match found.load(&env) {
            Ok(policy) => {
                let policy = Policy::new(policy, b"tollgate check");
                let idle = policy.idle_access();
                let policy = policy.config;
                for warning in policy.warnings.iter().chain(&idle) {
                    lines.push_str(&format!("{place}: warning: {warning}\n"));
                }
                lines.push_str(&format!(
                    "{place}: ok: {}\n",
                    summary(&policy, found.times, &variables.borrow())
                ));
            }
            Err(errors) => {
                sound = false;
                for error in errors.0 {
                    lines.push_str(&format!("{place}: {error}\n"));
                }
            }
        }
    }
    if sound { Ok(lines) } else { Err(lines) }
}

fn summary(policy: &Config, times: usize, variables: &BTreeSet<String>) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let mut text = format!(
        "policy {}: {}, {}, {}, {}",
        policy.hash,
        count(policy.providers.len(), "provider"),
        count(policy.chains.len(), "chain"),
        count(policy.routes.len(), "route"),
        count(policy.budgets.len(), "budget"),
    );
    if times > 1 {
        text.push_str(&format!("; in {times} places"));
    }
    if !variables.is_empty() {
        let names: Vec<&str> = variables.iter().map(String::as_str).collect();
        text.push_str(&format!("; needs {} in vm_config.environment_variables", names.join(", ")));
    }
    text
}
