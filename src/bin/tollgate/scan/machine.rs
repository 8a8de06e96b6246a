//! Findings as JSON.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};
use tollgate::policy::redaction::{Confidence, Detector, Fate};

use super::{Places, open, type_of};

#[derive(Deserialize)]
struct Line {
    id: serde_json::Value,
    text: String,
}

#[derive(Serialize)]
struct Spans {
    id: serde_json::Value,
    spans: Vec<Span>,
}

#[derive(Serialize)]
struct Span {
    start: usize,
    end: usize,
    r#type: String,
    score: f64,
}

pub fn scan_lines(file: &str, detector: &Detector, out: &mut impl Write) -> Result<usize, String> {
    let mut found = 0;
    for (number, line) in open(file)?.lines().enumerate() {
        let fault = |error: String| format!("{file}:{}: {error}", number + 1);
        let line = line.map_err(|error| fault(error.to_string()))?;
        if line.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&line).map_err(|error| fault(error.to_string()))?;
        let spans = spans(&line.text, detector);
        found += spans.len();
        let written =
            serde_json::to_string(&Spans { id: line.id, spans }).map_err(|error| fault(error.to_string()))?;
        writeln!(out, "{written}").map_err(|error| error.to_string())?;
    }
    Ok(found)
}

fn spans(text: &str, detector: &Detector) -> Vec<Span> {
    let mut places = Places::new(text);
    let findings = detector.find(text);
    let spans = findings.iter().map(|finding| Span {
        start: places.to(finding.range.start),
        end: places.to(finding.range.end),
        r#type: type_of(detector, finding),
        score: score(finding.confidence),
    });
    spans.collect()
}

fn score(confidence: Confidence) -> f64 {
    f64::from(confidence.percent()) / 100.0
}

/// One finding. With `fate` also what is none, and why.
#[derive(Serialize)]
struct Found<'f> {
    file: &'f str,
    line: usize,
    column: usize,
    /// In code points, from the file's beginning.
    start: usize,
    end: usize,
    r#type: String,
    rule: &'f str,
    confidence: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fate: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_to: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<&'f str>,
    value: &'f str,
}

pub fn list(
    name: &str,
    text: &str,
    detector: &Detector,
    explain: bool,
    out: &mut impl Write,
) -> std::io::Result<usize> {
    let mut places = Places::new(text);
    let mut found = 0;
    for it in detector.explain(text) {
        let (action, fate, lost_to) = match &it.fate {
            Fate::Found(action) => (Some(action.name()), "found", None),
            Fate::TypeAllowed => (None, "type_allowed", None),
            Fate::ValueAllowed => (None, "value_allowed", None),
            Fate::Uncertain { .. } => (None, "uncertain", None),
            Fate::Lost { to, .. } => (None, "lost", Some(&**to)),
        };
        found += usize::from(action.is_some());
        if action.is_none() && !explain {
            continue;
        }
        let value = text.get(it.range.clone()).unwrap_or_default();
        let start = places.to(it.range.start);
        let line = Found {
            file: name,
            line: places.line,
            column: places.column(),
            start,
            end: start + value.chars().count(),
            r#type: it.type_name.to_uppercase(),
            rule: &it.rule,
            confidence: it.confidence.percent(),
            action,
            fate: explain.then_some(fate),
            lost_to,
            word: it.word.clone().filter(|_| explain).and_then(|word| text.get(word)),
            value,
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(found)
}
