//! Texts written by hand, with names, places and manners that nothing in the detectors or the model's templates was taken
//! from: what is found in them says more than what is found in texts that detection was built on.
//!
//! `tests/model/heldout/*.txt`, divided by lines of `%%`; a value stands as `⟦TYPE|value⟧`. A `·` is dropped: it stands
//! in the prefixes of invented keys, so that scanners of repositories do not take them for leaks.
//! Titles and words of kinship stand outside of a name; an address is one span with its lines, post code and town; a town,
//! an age or a number of an order alone is no value. Handles are marked but neither asked for nor counted.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

#[path = "support/scoring.rs"]
mod scoring;

use scoring::{Scores, Span};
use tollgate::config::Data;
use tollgate::policy::redaction::Detector;

/// Least strict F1 over all types, most of the values' characters that may stay, most false characters in 10,000.
const FLOORS: (f64, f64, f64) = (0.79, 0.13, 210.0);

/// A text without its marks, and the spans that they name.
fn unmark(marked: &str) -> (String, Vec<Span>) {
    let marked = marked.replace('·', "");
    let mut text = String::new();
    let mut spans = Vec::new();
    let mut rest = marked.as_str();
    while let Some((before, mark)) = rest.split_once('⟦') {
        text.push_str(before);
        let (mark, after) = mark.split_once('⟧').expect("a mark has an end");
        let (kind, value) = mark.split_once('|').expect("a mark has a type");
        let start = text.chars().count();
        text.push_str(value);
        spans.push(Span { start, end: text.chars().count(), kind: kind.to_owned() });
        rest = after;
    }
    text.push_str(rest);
    (text, spans)
}

#[test]
fn texts_that_nothing_was_built_on_are_read_well() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/heldout");
    let detector = Detector::new(&Data::default());
    let mut scores = Scores::default();
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|f| f.expect("a file").path()).collect();
    files.sort();
    for file in files {
        let all = std::fs::read_to_string(&file).expect("a text");
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        for (index, marked) in all.trim_end().split("\n%%\n").enumerate() {
            let (text, expected) = unmark(marked);
            let found = scoring::find(&detector, &text);
            for wrong in scores.take(&text, &expected, &found) {
                println!("{name} {}: {wrong}", index + 1);
            }
        }
    }
    scores.print();
    let (f1, leak, false_chars) = FLOORS;
    assert!(scores.all().expected > 150 && scores.clean > 4000);
    assert!(scores.all().f1() >= f1, "F1 {:.3}", scores.all().f1());
    assert!(scores.leak() <= leak, "leak {:.3}", scores.leak());
    assert!(scores.false_per_10k() <= false_chars, "{:.2} false characters", scores.false_per_10k());
}
