//! Labelled texts, a line of JSON each.

use std::ops::Range;

use serde_json::Value;
use tollgate::policy::redaction::model::What;

pub struct Text {
    pub id: String,
    pub text: String,
    pub language: String,
    pub template: String,
    /// Bytes.
    pub spans: Vec<(Range<usize>, Option<What>)>,
}

pub fn read(files: &[&str]) -> Vec<Text> {
    let mut texts = Vec::new();
    for file in files {
        let lines = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
        texts.extend(lines.lines().map(parse));
    }
    texts
}

fn parse(line: &str) -> Text {
    let value: Value = serde_json::from_str(line).expect("a line of JSON");
    let word = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let text = word("text");
    let mut starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    starts.push(text.len());
    let spans = value["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let spans = spans.iter().map(|span| {
        let at = |key: &str| starts[span[key].as_u64().expect("an offset") as usize];
        let what = match span["type"].as_str() {
            Some("PERSON") => Some(What::Person),
            Some("ADDRESS") => Some(What::Address),
            _ => None,
        };
        (at("start")..at("end"), what)
    });
    let spans = spans.collect();
    let template = match value["template"].as_str() {
        Some(template) => template.to_owned(),
        None => word("source"),
    };
    Text { id: word("id"), language: word("lang"), template, spans, text }
}
