//! Scores the built-in detectors on labelled texts that are not part of this repository.
//!
//! `TOLLGATE_PII=DIR cargo test --test pii -- --nocapture`, where `DIR` holds `dev_prompts.jsonl` and
//! `dev_negatives.jsonl`: a line each `{"id","text","spans":[{"start","end","type"}]}`, offsets in code points. Without
//! the variable the test says that it was skipped. Predictions are left beside the build for other scorers.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[path = "support/scoring.rs"]
mod scoring;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use scoring::{Scores, Span};
use serde_json::{Value, json};
use tollgate::config::Data;
use tollgate::policy::redaction::Detector;

/// Type, least strict recall, least strict precision.
const FLOORS: &[(&str, f64, f64)] = &[
    ("EMAIL", 0.99, 0.99),
    ("CREDIT_CARD", 0.99, 0.99),
    ("IBAN", 0.99, 0.99),
    ("IP_ADDRESS", 0.99, 0.99),
    ("MAC_ADDRESS", 0.99, 0.99),
    ("BANK_ACCOUNT", 0.98, 0.98),
    ("NATIONAL_ID", 0.97, 0.98),
    ("PASSPORT", 0.98, 0.98),
    ("DRIVER_LICENSE", 0.98, 0.98),
    ("MEDICAL_ID", 0.98, 0.98),
    ("PHONE", 0.90, 0.90),
    ("SECRET", 0.97, 0.97),
];

/// Characters found per ten thousand where nothing is to be found.
const MOST_FALSE: f64 = 3.0;

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may ask where its data is, and the time")]
fn the_development_set_is_found_and_little_else() {
    let Ok(dir) = std::env::var("TOLLGATE_PII") else {
        println!("skipped: TOLLGATE_PII is not set");
        return;
    };
    let detector = Detector::new(&Data::default());
    let mut scores = Scores::default();
    let mut predictions = String::new();
    // In texts of some length, as prompts have.
    let mut clean = vec![String::new()];
    for name in ["dev_prompts.jsonl", "dev_negatives.jsonl"] {
        let lines = std::fs::read_to_string(Path::new(&dir).join(name)).expect("the data set can be read");
        for line in lines.lines() {
            let case: Value = serde_json::from_str(line).expect("each line is JSON");
            let text = case["text"].as_str().expect("each case has a text");
            let expected = spans(&case["spans"]);
            let found = scoring::find(&detector, text);
            for wrong in scores.take(text, &expected, &found) {
                println!("{}: {wrong}", case["source"].as_str().unwrap_or_default());
            }
            if expected.is_empty() {
                match clean.last_mut() {
                    Some(last) if last.len() < 8192 => last.push_str(text),
                    _ => clean.push(text.to_owned()),
                }
            }
            let spans: Vec<Value> = found
                .iter()
                .map(|span| json!({"start": span.start, "end": span.end, "type": span.kind}))
                .collect();
            writeln!(predictions, "{}", json!({"id": case["id"], "spans": spans}))
                .expect("a string takes it");
        }
    }
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pii_predictions.jsonl");
    std::fs::write(&out, predictions).expect("the predictions can be written");
    println!("predictions: {}", out.display());
    scores.print();

    let started = Instant::now();
    let count: usize =
        (0..32).map(|_| clean.iter().map(|text| detector.find(text).len()).sum::<usize>()).sum();
    let bytes = 32 * clean.iter().map(String::len).sum::<usize>();
    println!(
        "clean text: {:.0} MB/s ({count} findings)",
        bytes as f64 / 1e6 / started.elapsed().as_secs_f64()
    );

    for (kind, recall, precision) in FLOORS {
        let score = &scores.by_kind[*kind];
        assert!(score.recall() >= *recall, "{kind}: recall {}", score.recall());
        assert!(score.precision() >= *precision, "{kind}: precision {}", score.precision());
    }
    assert!(scores.false_per_10k() <= MOST_FALSE);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may ask for the time")]
fn no_text_takes_more_than_linear_time() {
    let detector = Detector::new(&Data::default());
    let units = [
        "1",
        "@",
        "a.",
        "-",
        "<",
        ":",
        "=",
        "1 ",
        "1-",
        "1.",
        "00 ",
        "+1",
        "(1)",
        "a@",
        "a@a.",
        "a.a@",
        "é@",
        "://",
        "://a:",
        "://a:b@",
        "2001:",
        "fe80::",
        "ab-",
        "1a-",
        "eyJ",
        "eyJaaaaaaaa.",
        ".eyJaaaaaaaa",
        "sk-",
        "sk-a1B2c3D4e5 ",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n",
        "password",
        "password=",
        "password='",
        "password = x1!",
        "token=",
        "bearer ",
        "bearer a1B2c3D4e5F6g7 ",
        "DE89",
        "DE89 ",
        "4111 ",
        "4111 1111 1111 1111 ",
        "tel ",
        "tel 1 ",
        "phone_number",
        "name",
        "name,",
        "name,mail,phone\n",
        "name,phone\na,\"",
        "name\t1\n",
        "name: A",
        "first_name=\"",
        "(name,dob) values (",
        "| name ",
        "born ",
        "born on the ",
        "日生",
        "1 May 1990, mrn ",
        "user=",
        "/home/ab/",
        "curl -u ",
        "password for the ",
        "password, it is Ab1!xy ",
        ":5432:a:b:",
        "://a?&sig=a1B2c3D4e5F6g7H8",
        "pin 1234",
        "mnemonic eat ",
        "abc8Q~",
        "ssn ",
        "ssn 1",
        "national id 123456 ",
        "account 315845779 ",
        "passport K31182362, ",
        "K31182362 ",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa ",
        "123456789 is my ",
        "aB1",
        "身份证",
        "１",
        "\u{200b}1",
        "　",
        "é",
        "name:",
        "name: ",
        "\"name\":\"Anna Weiss\",",
        "name,dob\n",
        "Anna,Weiss,1990-01-01\n",
        "id ",
        "id 12345 ",
        "account 12345678 ",
        "passport 123456789 ",
        "born ",
        "14.03.1968 ",
        "14 March 1968 ",
        "bWFpbCBhbmFAZXhhbXBsZS5jb20= ",
        "QUFB",
        "6161",
        "&#",
        "&#64;",
        "%4",
        "%40",
        "=40",
        "\\u00",
        "\\u0040",
        "王",
        "王芳，",
        "姓名：王芳\n",
        "Anna Weiss, ",
        "а@",
        "аb",
    ];
    for unit in units {
        // A debug build is thirty times slower.
        let size = if cfg!(debug_assertions) { 1 << 17 } else { 1 << 20 };
        let text = unit.repeat(size / unit.len());
        let started = Instant::now();
        let count = detector.find(&text).len();
        let seconds = started.elapsed().as_secs_f64();
        println!("{unit:30?} {:7.1} MB/s {count} findings", text.len() as f64 / 1e6 / seconds);
        // Quadratic work would take minutes; a debug build on a busy machine takes seconds.
        assert!(seconds < 20.0, "{unit:?}: {seconds} s");
    }
}

fn spans(spans: &Value) -> Vec<Span> {
    let number = |value: &Value| usize::try_from(value.as_u64().expect("an offset")).expect("it fits");
    let spans = spans.as_array().expect("each case has spans").iter();
    let kind = |span: &Value| span["type"].as_str().expect("a type").to_owned();
    spans
        .map(|span| Span { start: number(&span["start"]), end: number(&span["end"]), kind: kind(span) })
        .collect()
}
