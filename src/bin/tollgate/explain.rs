//! `tollgate explain -c POLICY < request.json`: what would happen to a request, without sending it.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::rc::Rc;

use tollgate::config::{BudgetLimit, Config};
use tollgate::engine::explain::{Explanation, explain};
use tollgate::engine::{Host, Policy};
use tollgate::policy::budget::{self, Amount, Scope};
use tollgate::store::MemoryStore;
use tollgate::wire::http::Headers;

#[derive(clap::Args)]
pub struct Arguments {
    /// The policy, or an Envoy or Istio file that holds it.
    #[arg(short = 'c', long, value_name = "POLICY")]
    config: String,
    /// The request's path.
    #[arg(short, long, default_value = "/v1/chat/completions")]
    path: String,
    /// A header of the request.
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<String>,
    /// What a budget has used already, in its own unit (tokens, or US dollars).
    #[arg(long, value_name = "BUDGET=AMOUNT")]
    used: Vec<String>,
    /// For machines.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    let mut body = Vec::new();
    let explained = std::io::stdin()
        .read_to_end(&mut body)
        .map_err(|error| error.to_string())
        .and_then(|_| run_on(arguments, &body));
    match explained {
        Ok(text) if std::io::stdout().write_all(text.as_bytes()).is_ok() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("tollgate explain: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run_on(arguments: &Arguments, body: &[u8]) -> Result<String, String> {
    let config = super::policy::load(Some(&arguments.config))?;
    let mut headers: Headers = [
        (":method", "POST"),
        (":path", arguments.path.as_str()),
        (":authority", "localhost"),
        ("content-type", "application/json"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .collect();
    for header in &arguments.headers {
        let (name, value) =
            header.split_once('=').ok_or_else(|| format!("--header {header}: write it NAME=VALUE"))?;
        headers.set(&name.to_lowercase(), value);
    }
    let store = MemoryStore::default();
    let host = Host { now_ms: now_ms(), store: &store };
    let policy = Rc::new(Policy::new(config, b"tollgate explain"));
    if !arguments.used.is_empty() {
        let first = explain(&policy, headers.clone(), body, Host { store: &MemoryStore::default(), ..host });
        for used in &arguments.used {
            use_up(&policy.config, used, &first, &headers, host)?;
        }
    }
    let explanation = explain(&policy, headers, body, host);
    if arguments.json {
        return serde_json::to_string_pretty(&explanation)
            .map(|text| text + "\n")
            .map_err(|error| error.to_string());
    }
    Ok(tell(&explanation, policy.enforces()))
}

/// Charges a budget, in the scope that the request falls in.
fn use_up(
    config: &Config,
    used: &str,
    first: &Explanation,
    headers: &Headers,
    host: Host<'_>,
) -> Result<(), String> {
    let (name, amount) =
        used.split_once('=').ok_or_else(|| format!("--used {used}: write it BUDGET=AMOUNT"))?;
    let position = config.budgets.iter().position(|budget| budget.name == name);
    let budgets = position.and_then(|at| config.budgets.get(at..=at)).ok_or_else(|| {
        let names: Vec<&str> = config.budgets.iter().map(|budget| budget.name.as_str()).collect();
        format!("--used {used}: no such budget; the policy has: {}", names.join(", "))
    })?;
    let number: f64 = amount.parse().map_err(|_| format!("--used {used}: \"{amount}\" is not a number"))?;
    let whole = |number: f64| number.max(0.0).round() as u64;
    let amount = match budgets.first().map(|budget| budget.limit) {
        Some(BudgetLimit::MicroUsd(_)) => Amount { tokens: 0, micro_usd: whole(number * 1e6) },
        _ => Amount { tokens: whole(number), micro_usd: 0 },
    };
    let target = first.targets.first();
    let header = |name: &str| headers.get_str(name).map(str::to_owned);
    let scope = Scope {
        caller: &first.caller,
        model: target.map_or("", |target| &target.model),
        provider: target.map_or("", |target| &target.provider),
        route: first.route.as_deref().unwrap_or_default(),
        header: &header,
    };
    budget::charge(budgets, &scope, &amount, host.now_ms, host.store)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn now_ms() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "the tool is whoever asks for the time")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn tell(explanation: &Explanation, enforces: bool) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| text.push_str(&format!("{name:<12}{value}\n"));
    line("decision", format!("{}{}", explanation.decision, if enforces { "" } else { " (observed only)" }));
    line("caller", explanation.caller.clone());
    let found: Vec<String> =
        explanation.findings.iter().map(|(kind, count)| format!("{kind} ×{count}")).collect();
    line("found", if found.is_empty() { "nothing".into() } else { found.join(", ") });
    if !explanation.classes.is_empty() {
        line("classes", explanation.classes.join(", "));
    }
    if explanation.media > 0 {
        line("media", format!("{} that cannot be read", explanation.media));
    }
    line("prompt", format!("about {} tokens", explanation.prompt_tokens));
    let route = explanation.route.as_deref().unwrap_or("none matches");
    let chain = explanation.chain.as_ref().map(|chain| format!(" → chain {chain}")).unwrap_or_default();
    line("route", format!("{route}{chain}"));
    if let Some(chain) = &explanation.downgraded_to {
        line("downgraded", format!("to {chain}, by its budget"));
    }
    for budget in &explanation.budgets {
        let left = budget.limit.saturating_sub(budget.used);
        line(
            "budget",
            format!(
                "{}: {} % used, {left} left, resets in {} s",
                budget.name, budget.percent, budget.resets_in_s
            ),
        );
    }
    for omission in &explanation.left_out {
        line("left out", format!("{}/{}: {}", omission.provider, omission.model, omission.reason));
    }
    if let Some(refusal) = &explanation.refusal {
        line("answer", format!("{} {}", refusal.status, refusal.body));
    }
    for (number, target) in explanation.targets.iter().enumerate() {
        line("", String::new());
        line(
            &format!("target {}", number + 1),
            format!("{}/{} (cluster {})", target.provider, target.model, target.cluster),
        );
        line("  why", target.reason.clone());
        line("  url", format!("{}{}", target.authority, target.path));
        line("  key", target.credential.clone().unwrap_or_else(|| "none from here".into()));
        let opt_out =
            if target.opt_out.is_empty() { "nothing to set".into() } else { target.opt_out.join(", ") };
        line("  opt-out", opt_out);
        line("  body", target.body.clone());
    }
    text
}
