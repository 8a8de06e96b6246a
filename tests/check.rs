//! `tollgate check`, as an operator runs it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

fn check(name: &str, text: &str) -> (String, bool) {
    static FOLDERS: AtomicUsize = AtomicUsize::new(0);
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("tollgate-check-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    std::fs::write(folder.join(name), text).expect("a temporary file");
    let mut tool = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    let output = tool.args(["check", name]).current_dir(&folder).output().expect("the tool");
    let _ = std::fs::remove_dir_all(&folder);
    (String::from_utf8(output.stdout).expect("text"), output.status.success())
}

#[test]
fn a_sound_policy_is_summed_up() {
    let text = "version: 1\nproviders: {a: {dialect: openai, credential: {env: A_KEY}}}\ndata: {find: {person: block}}\n";
    let (said, sound) = check("policy.yaml", text);
    assert!(sound);
    let lines: Vec<&str> = said.lines().collect();
    let (before, after) = lines[0].split_once(": 1 provider, ").expect("a summary");
    assert!(before.starts_with("policy.yaml: ok: policy "));
    assert_eq!(after, "0 chains, 0 routes, 0 budgets; needs A_KEY in vm_config.environment_variables");
}

#[test]
fn more_than_a_provider_offers_is_not_believed() {
    let text = "version: 1\nproviders: {a: {dialect: deepseek, retention: zero}, b: {dialect: mistral, retention: zero}}\n";
    let (said, sound) = check("policy.yaml", text);
    let warnings: Vec<&str> = said.lines().filter(|line| line.contains("warning")).collect();
    assert!(sound && warnings.len() == 1, "{said}");
    assert!(warnings[0].contains("providers.a.retention: deepseek is not known to offer"), "{said}");
}

#[test]
fn every_error_has_the_file_and_the_path() {
    let (said, sound) = check("policy.yaml", "version: 1\nproviders: {a: {dialect: opnai}}\nmod: x\n");
    assert!(!sound);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("policy.yaml: mod: unknown key; expected one of "));
    assert!(lines[1].starts_with("policy.yaml: providers.a.dialect: unknown dialect \"opnai\"; "));
}

#[test]
fn access_that_stands_for_nothing_is_warned_of() {
    let policy = |more: &str| {
        format!(
            "version: 1
providers: {{openai: {{dialect: openai}}, claude: {{dialect: anthropic, credential: {{passthrough: any}}}}}}
chains: {{economy: {{targets: [openai/gpt-5.4-nano]}}}}
routes: [{{name: r, when: {{model: [smart, \"house-*\"]}}, use: economy}}]
models: {{local: {{provider: openai}}}}
access: [{more}]
"
        )
    };
    let all = "{models: [economy, smart, house-7, \"house-*\", \"h*\", local, gpt-9, \"gpt-5.4-*\", claude-x, \"openai/gpt-5.4*\", \"*\"]}";
    let (said, sound) = check("policy.yaml", &policy(all));
    assert!(sound && !said.contains("warning: access"), "{said}");
    let (said, sound) =
        check("policy.yaml", &policy("{models: [economy, ecomony, \"gemini-*\"]}, {caller: \"team-*\"}"));
    assert!(sound, "a warning is no error: {said}");
    for line in [
        "warning: access[0].models: \"ecomony\" is no model, alias or chain of this policy",
        "warning: access[0].models: \"gemini-*\" is no model, alias or chain of this policy",
        "warning: access[1].caller: \"team-*\" is nobody: callers.identify names no source, so every caller is \"unknown\"",
    ] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    assert_eq!(said.matches("warning: access").count(), 3, "{said}");
}

#[test]
fn a_policy_inside_an_envoy_file_is_checked_once() {
    let envoy = "
!ignore tollgate: {policy: &policy {'@type': type.googleapis.com/google.protobuf.Struct, value: {version: 1, providers: {a: {dialect: x}}}}}
static_resources:
  listeners: [{configuration: *policy}]
  clusters: [{configuration: *policy}]
";
    let (said, sound) = check("envoy.yaml", envoy);
    assert!(!sound);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.starts_with("envoy.yaml: tollgate.policy.value: providers.a.dialect: unknown dialect"),
        "{said}"
    );
}

#[test]
fn a_file_without_a_policy_and_no_file_at_all_are_errors() {
    let (said, sound) = check("envoy.yaml", "static_resources: {}\n");
    assert!(!sound && said.starts_with("envoy.yaml: no policy found"), "{said}");
    let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(["check", "/nowhere.yaml"])
        .output()
        .expect("the tool");
    assert_eq!(output.status.code(), Some(1));
}
