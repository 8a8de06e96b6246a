//! Numbers of persons and accounts in invented texts of ten languages, and numbers of other things.
//!
//! `tests/fixtures/numbers/found.txt` has what is found in brackets, `not_found.txt` texts in which there is nothing.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use tollgate::config::Data;
use tollgate::policy::redaction::Detector;

const TYPES: [&str; 7] =
    ["national_id", "passport", "driver_license", "medical_id", "tax_id", "bank_account", "crypto"];

/// What is found as a number of a person or an account, whichever.
fn found(detector: &Detector, text: &str) -> Vec<String> {
    let findings = detector.find(text).into_iter();
    let numbers = findings.filter(|finding| TYPES.contains(&detector.type_name(finding.kind)));
    numbers.map(|finding| text[finding.range].to_owned()).collect()
}

fn lines(name: &str) -> Vec<String> {
    let path = format!("{}/tests/fixtures/numbers/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the fixture can be read");
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.replace("\\n", "\n")).collect()
}

#[test]
fn numbers_of_persons_and_accounts_are_found_whole_and_nothing_beside_them() {
    let detector = Detector::new(&Data::default());
    let mut wrong = Vec::new();
    for line in lines("found.txt") {
        let expected: Vec<&str> = line.split('⟦').skip(1).filter_map(|rest| rest.split('⟧').next()).collect();
        let found = found(&detector, &line.replace(['⟦', '⟧'], ""));
        if found != expected {
            wrong.push(format!("{line}\n    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn numbers_of_other_things_are_left_alone() {
    let detector = Detector::new(&Data::default());
    let wrong: Vec<String> = lines("not_found.txt")
        .into_iter()
        .filter_map(|line| {
            let found = found(&detector, &line);
            (!found.is_empty()).then(|| format!("{line}\n    {found:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}
