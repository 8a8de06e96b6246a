//! The documents say what the code does: their policies load, and what they name is there.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

#[path = "docs/runbook.rs"]
mod runbook;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use tollgate::config;

/// For examples that show a section only.
const PROVIDERS: &str = "providers: {openai: {dialect: openai}, anthropic: {dialect: anthropic}}\n";
const CHAINS: &str =
    "chains: {premium: {targets: [openai/gpt-5.4]}, economy: {targets: [openai/gpt-5.4-nano]}}\n";

#[test]
fn every_policy_in_the_documents_loads() {
    let mut whole = 0;
    for (file, block) in [blocks("README.md", "yaml"), blocks("POLICY.md", "yaml")].concat() {
        let has = |key: &str| block.lines().any(|line| line.starts_with(key));
        if file == "README.md" && !has("version:") {
            continue;
        }
        let mut policy = block.clone();
        if has("version:") {
            whole += 1;
        } else {
            policy.push_str("version: 1\n");
            policy.push_str(if has("providers:") { "" } else { PROVIDERS });
            policy.push_str(if has("chains:") { "" } else { CHAINS });
        }
        let env = |_: &str| Some("a value of the environment".to_owned());
        if let Err(errors) = config::load(policy.as_bytes(), &env) {
            panic!("{file}:\n{errors}\n\n{policy}");
        }
    }
    assert!(whole >= 3, "the examples are gone");
}

/// What README shows of Envoy's configuration stands, line by line, in the files that are tested.
#[test]
fn pieces_of_envoys_configuration_are_those_of_the_shipped_files() {
    let shipped = ["envoy.yaml", "envoy-chains.yaml"].map(|file| text(&format!("envoy/{file}"))).concat();
    let plain = |line: &str| line.split(" #").next().unwrap_or_default().trim().to_owned();
    let lines: BTreeSet<String> = shipped.lines().map(plain).collect();
    for (_, block) in blocks("README.md", "yaml") {
        if block.starts_with("version:") {
            continue;
        }
        for line in block.lines().map(plain) {
            assert!(lines.contains(&line), "README.md shows {line:?}, and no shipped file has it");
        }
    }
}

#[test]
fn every_command_and_flag_that_is_shown_exists() {
    let command = Regex::new(r"(?:\$ |`|    )tollgate ([a-z]+)([^`\n]*)").expect("a pattern");
    let flag = Regex::new(r"(?:^|\s)(--?[a-z]+)").expect("a pattern");
    let mut shown = BTreeSet::new();
    for file in ["README.md", "POLICY.md", "SECURITY.md", "ARCHITECTURE.md"] {
        for found in command.captures_iter(&text(file)) {
            let mut tool = Command::new(env!("CARGO_BIN_EXE_tollgate"));
            let output = tool.args([&found[1], "--help"]).output().expect("the tool");
            assert!(output.status.success(), "{file}: no command tollgate {}", &found[1]);
            let help = String::from_utf8(output.stdout).expect("text");
            for flag in flag.captures_iter(&found[2]) {
                assert!(help.contains(&flag[1]), "{file}: tollgate {} has no {}", &found[1], &flag[1]);
            }
            shown.insert(found[1].to_owned());
        }
    }
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    assert_eq!(shown, ["check", "explain", "models", "scan"]);
    let makefile = text("Makefile");
    let target = Regex::new(r"(?m)(?:`|^)make ([a-z0-9-]+)").expect("a pattern");
    for found in target.captures_iter(&text("README.md")) {
        assert!(makefile.contains(&format!("\n{}:", &found[1])), "no make {}", &found[1]);
    }
}

#[test]
fn the_table_of_refusals_is_the_codes() {
    let row = Regex::new(r#"row\((\d+|\*status), "(\w+)", "(\w+)","#).expect("a pattern");
    let from_code: BTreeSet<String> = row
        .captures_iter(&text("src/engine/failure.rs"))
        .map(|found| {
            format!("| {} | `{}` | `{}` |", found[1].replace("*status", "any"), &found[2], &found[3])
        })
        .collect();
    let line = Regex::new(r"(?m)^\| (\d{3}|any) \| `\w+` \| `\w+` \|").expect("a pattern");
    let readme = text("README.md");
    let told: BTreeSet<String> = line.find_iter(&readme).map(|found| found.as_str().to_owned()).collect();
    assert_eq!(told, from_code);
}

#[test]
fn metrics_records_and_headers_are_those_of_the_code() {
    let readme = text("README.md");
    let names = |pattern: &str, text: &str| -> BTreeSet<String> {
        let pattern = Regex::new(pattern).expect("a pattern");
        pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
    };
    let finish = text("src/engine/finish.rs");
    assert_eq!(names(r"(?m)^\| `(tollgate_\w+)`", &readme), names(r#""(tollgate_\w+)""#, &finish));
    let record = text("src/engine/record.rs");
    let fields = r#"[`"]((?:gen_ai|tollgate|error)\.[a-z_.]+)[`"]"#;
    let told: BTreeSet<String> =
        names(fields, &readme).into_iter().filter(|name| !name.ends_with(".wasm")).collect();
    assert_eq!(told, names(r#"rename = "([^"]+)""#, &record));
    let source = ["headers.rs", "finish.rs"].map(|file| text(&format!("src/engine/{file}"))).concat();
    for header in names(r"(?m)^\| `x-tollgate-([a-z-]+)`", &readme) {
        let set = source.contains(&format!("header(\"{header}\""))
            || source.contains(&format!("x-tollgate-{header}"));
        assert!(set, "no header x-tollgate-{header}");
    }
}

#[test]
fn every_section_of_a_policy_is_explained() {
    let check = text("src/config/check.rs");
    let sections =
        check.split("const SECTIONS").nth(1).and_then(|rest| rest.split("];").next()).expect("the list");
    let policy = text("POLICY.md");
    let all: Vec<&str> = sections.split('"').skip(1).step_by(2).collect();
    assert!(all.len() > 20, "{all:?}");
    for section in all {
        assert!(
            policy.contains(&format!("`{section}`")) || policy.contains(&format!("\n## {section}\n")),
            "{section}"
        );
    }
    for name in config::DATA_TYPES {
        assert!(policy.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let link = Regex::new(r"\]\(([A-Za-z][A-Za-z0-9_./-]*)\)").expect("a pattern");
    for file in ["README.md", "POLICY.md", "SECURITY.md", "ARCHITECTURE.md", "CHANGELOG.md", "RUNBOOK.md"] {
        for found in link.captures_iter(&text(file)) {
            assert!(root().join(&found[1]).exists(), "{file} links to {}", &found[1]);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The fenced blocks of one language, each with its file's name.
fn blocks(file: &'static str, language: &str) -> Vec<(&'static str, String)> {
    let fence = format!("```{language}\n");
    let text = text(file);
    text.split(fence.as_str())
        .skip(1)
        .map(|rest| (file, rest.split("```").next().unwrap_or_default().to_owned()))
        .collect()
}
