//! `tollgate scan`, as a person and as a script call it.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const TEXT: &str = "Nothing here.\nÜber anna.keller@example.org, card 4111 1111 1111 1111\n";

/// Status, and what was written to standard output.
fn scan(arguments: &[&str], text: &str) -> (Option<i32>, String) {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    tool.arg("scan").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = tool.spawn().expect("the tool");
    // The tool may end before it has read everything.
    let _ = child.stdin.take().expect("a pipe").write_all(text.as_bytes());
    let output = child.wait_with_output().expect("an end");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_person_sees_the_place_the_line_and_the_reasons() {
    let (status, out) = scan(&[], TEXT);
    assert_eq!(status, Some(0));
    assert!(out.starts_with("<stdin>:2:6: EMAIL (email, 95 %, redact)\n    Über anna.keller@"), "{out}");
    assert!(out.ends_with("<stdin>: 2 found: 1 CREDIT_CARD, 1 EMAIL\n"), "{out}");
    assert!(!out.contains('\u{1b}'), "no colours where there is no terminal");
    let (_, colours) = scan(&["--color", "always"], TEXT);
    assert!(colours.contains("\u{1b}[1m\u{1b}[33manna.keller@example.org\u{1b}[0m"), "{colours:?}");
    let (_, why) = scan(&["--explain"], TEXT);
    assert!(why.contains("- a checksum") && why.contains("- \"card\" stands before it"), "{why}");
}

#[test]
fn a_script_is_told_by_the_status() {
    assert_eq!(scan(&["--fail"], TEXT).0, Some(1));
    assert_eq!(scan(&["--fail", "--jsonl"], "{\"id\":1,\"text\":\"a@example.com\"}\n").0, Some(1));
    assert_eq!(scan(&["--fail"], "nothing\n").0, Some(0));
    assert_eq!(scan(&["no such file"], "").0, Some(2));
    assert_eq!(scan(&["--jsonl"], "not JSON\n").0, Some(2));
}

#[test]
fn a_machine_gets_places_in_code_points_and_a_score() {
    let (_, out) = scan(&["--jsonl"], "{\"id\":\"a\",\"text\":\"é b@example.com\"}\n\n");
    let spans = json!([{"start": 2, "end": 15, "type": "EMAIL", "score": 0.95}]);
    assert_eq!(lines(&out), [json!({"id": "a", "spans": spans})]);

    let (_, out) = scan(&["--json"], TEXT);
    let found = lines(&out);
    assert_eq!(found.len(), 2, "{out}");
    assert_eq!(
        found[0],
        json!({"file": "<stdin>", "line": 2, "column": 6, "start": 19, "end": 42, "type": "EMAIL", "rule": "email",
            "confidence": 95, "action": "redact", "value": "anna.keller@example.org"})
    );
    let (_, out) = scan(&["--json", "--explain"], TEXT);
    assert!(lines(&out).iter().any(|it| it["word"] == "card" && it["fate"] == "found"), "{out}");
}

#[test]
fn what_is_redacted_is_replaced() {
    let (status, out) = scan(&["--redact"], TEXT);
    assert_eq!((status, out.as_str()), (Some(0), "Nothing here.\nÜber <EMAIL_1>, card <CREDIT_CARD_1>\n"));
}
