//! RUNBOOK.md is the table of failures in the code, for the operator.

use std::fmt::Write as _;

use tollgate::chat::{Dialect, ErrorClass};
use tollgate::provider::VENDORS;
use tollgate::provider::failure::{Rule, STATUSES, TYPES, Test};

/// What Tollgate does by default, and what the operator does.
fn of(class: ErrorClass) -> [&'static str; 2] {
    match class {
        ErrorClass::RateLimited => [
            "asks the next target at once; passes this one over for as long as the provider asks",
            "nothing for a while of it; else raise the limit at the provider, or route less there",
        ],
        ErrorClass::QuotaExhausted => [
            "asks the next target; passes the provider over for this credential only",
            "top up the account, or raise its limit on spending",
        ],
        ErrorClass::Overloaded => {
            ["asks the next target at once", "nothing; if it lasts, put another provider first in the chain"]
        }
        ErrorClass::ServerError => {
            ["asks the next target at once", "nothing; if it lasts, look at the provider's status page"]
        }
        ErrorClass::Timeout => [
            "asks the next target at once",
            "nothing; if it lasts, compare `timeouts` with how long such answers take",
        ],
        ErrorClass::BrokenResponse => [
            "asks the next target at once",
            "look at what stands between Envoy and the provider, and at the cluster's address",
        ],
        ErrorClass::ContextLength => [
            "asks a target with a larger window",
            "put a model with a larger window into the chain, or let `recovery` truncate",
        ],
        ErrorClass::ContentFilter => {
            ["asks the next target", "nothing; a chain of its own for these is `recovery.content_filter`"]
        }
        ErrorClass::Auth => [
            "asks the next target; passes the provider over for this credential only",
            "put in a valid key, or one that may do this; compare `host` with the key's region",
        ],
        ErrorClass::NotFound => [
            "asks the next target",
            "correct the model's name in the chain, or ask the provider for access to it",
        ],
        ErrorClass::TooLarge => {
            ["hands the error to the caller", "lower `limits.body` to what the provider takes"]
        }
        ErrorClass::InvalidRequest => {
            ["hands the error to the caller", "nothing; the caller's request is at fault"]
        }
    }
}

fn line(out: &mut String, sign: &str, meaning: &str, class: ErrorClass) {
    let [does, to_do] = of(class);
    writeln!(out, "| {sign} | {meaning} | `{}` | {does} | {to_do} |", class.name()).expect("a text");
}

fn sign(rule: &Rule) -> String {
    match rule.test {
        Test::Code(code) => format!("code `{code}`"),
        Test::Type(kind) => format!("type `{kind}`"),
        Test::Detail(code) => format!("inner code `{code}`"),
        Test::Member(path) => format!("`{path}` is there"),
        Test::Message(part) => format!("message has \"{part}\""),
        Test::Stop(reason) => format!("stops for `{reason}`, in a 200"),
    }
}

/// As policies write it.
fn name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic => "anthropic",
        Dialect::AzureOpenAi => "azure_openai",
        Dialect::DeepSeek => "deepseek",
        Dialect::Gemini => "gemini",
        Dialect::Mistral => "mistral",
        Dialect::OpenAi => "openai",
        Dialect::OpenAiCompatible => "openai_compatible",
        Dialect::OpenRouter => "openrouter",
        Dialect::Qwen => "qwen",
    }
}

const HEAD: &str =
    "| said by | meaning | class | what Tollgate does | what you do |\n|---|---|---|---|---|\n";

fn runbook() -> String {
    let mut out = String::from(INTRODUCTION);
    out.push_str("## Classes\n\n| class | what Tollgate does | what you do |\n|---|---|---|\n");
    for class in ErrorClass::ALL {
        let [does, to_do] = of(class);
        writeln!(out, "| `{}` | {does} | {to_do} |", class.name()).expect("a text");
    }
    for vendor in VENDORS {
        write!(out, "\n## {}\n\n{HEAD}", name(vendor.dialect())).expect("a text");
        vendor.failures().iter().for_each(|rule| line(&mut out, &sign(rule), rule.meaning, rule.class));
    }
    write!(out, "\n## Any provider\n\n{HEAD}").expect("a text");
    for (statuses, class, meaning) in STATUSES {
        let statuses: Vec<String> = statuses.iter().map(|status| format!("`{status}`")).collect();
        line(&mut out, &format!("status {}", statuses.join(", ")), meaning, *class);
    }
    line(&mut out, "any other status below 500", "the request is at fault", ErrorClass::InvalidRequest);
    line(&mut out, "any other status from 500 on", "the provider failed", ErrorClass::ServerError);
    for (types, class, meaning) in TYPES {
        let types: Vec<String> = types.iter().map(|name| format!("`{name}`")).collect();
        let said = format!("type {}, where there is no status", types.join(", "));
        line(&mut out, &said, meaning, *class);
    }
    let broken = "no answer, one that is not of its API, or a stream without its end";
    line(&mut out, "nothing that can be read", broken, ErrorClass::BrokenResponse);
    out
}

const INTRODUCTION: &str = "<!-- Generated from the code: make tables -->
# Runbook: providers' failures

What each provider says when it fails, what that means, what Tollgate does about it by default, and what is left for
you. The class stands in the record (`tollgate.attempts`), in `tollgate_attempt_errors_total` and under
[recovery](POLICY.md#recovery), where what is done can be changed.

A failure is held against the rows of the provider that answered, from top to bottom; then against what a reseller
quotes of the vendor behind it; then against the rows of all other providers, as compatible servers hand on each
other's errors; and at last against its status. Messages are compared in part, without regard to case. \"Inner code\" is a
finer one beside the code: `error.details.error_code`, `error.innererror.code`, or one in `error.metadata`. Of an answer
with status 200 a safety stop, and a window that is full, are failures only while nothing of the answer has come.

";

#[test]
fn the_runbook_is_the_table_of_failures() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/RUNBOOK.md");
    let wanted = runbook();
    #[allow(clippy::disallowed_methods, reason = "make tables asks for it")]
    if std::env::var_os("TOLLGATE_WRITE_RUNBOOK").is_some() {
        std::fs::write(path, &wanted).expect("RUNBOOK.md");
    }
    let there = std::fs::read_to_string(path).expect("RUNBOOK.md");
    assert!(there == wanted, "RUNBOOK.md is not what the code says: run make tables");
    // A table's cell ends at a bar.
    assert!(
        wanted
            .lines()
            .filter(|line| line.starts_with("| "))
            .all(|line| [4, 6].contains(&line.matches('|').count()))
    );
}
