//! `tollgate scan [FILE…]`: what the policy's detectors find in text.

use std::io::{BufRead, Read, Write};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use tollgate::config::{self, Action};
use tollgate::policy::redaction::{Detector, Finding, Keys, Vault};

#[derive(clap::Args)]
pub struct Arguments {
    /// A policy whose detection is used; the default detection without one.
    #[arg(short = 'c', long, value_name = "POLICY")]
    config: Option<String>,
    /// One `{"id","text"}` per line in, one `{"id","spans":[{"start","end","type"}]}` per line out. Offsets count
    /// Unicode code points.
    #[arg(long)]
    jsonl: bool,
    /// Print the text with placeholders in place of what is redacted.
    #[arg(long, conflicts_with = "jsonl")]
    redact: bool,
    /// Files to read; standard input without any.
    files: Vec<String>,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    match scan(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("tollgate scan: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn scan(arguments: &Arguments) -> Result<(), String> {
    let config = super::policy::load(arguments.config.as_deref())?;
    let detector = Detector::new(&config.data);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let from_stdin = ["-".to_owned()];
    let files = if arguments.files.is_empty() { &from_stdin[..] } else { &arguments.files };
    for file in files {
        if arguments.jsonl {
            scan_lines(file, &detector, &mut out)?;
            continue;
        }
        let text = read(file)?;
        let written = if arguments.redact {
            redact(&text, &detector, &config, &mut out)
        } else {
            list(file, &text, &detector, &mut out)
        };
        written.map_err(|error| error.to_string())?;
    }
    out.flush().map_err(|error| error.to_string())
}

fn open(file: &str) -> Result<Box<dyn BufRead>, String> {
    if file == "-" {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let opened = std::fs::File::open(file).map_err(|error| format!("{file}: {error}"))?;
    Ok(Box::new(std::io::BufReader::new(opened)))
}

fn read(file: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    open(file)?.read_to_end(&mut bytes).map_err(|error| format!("{file}: {error}"))?;
    String::from_utf8(bytes)
        .map_err(|error| format!("{file}: not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
}

/// One line per finding, as compilers write theirs.
fn list(file: &str, text: &str, detector: &Detector, out: &mut impl Write) -> std::io::Result<()> {
    let name = if file == "-" { "<stdin>" } else { file };
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for finding in detector.find(text) {
        let before = text.get(..finding.range.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let value = text.get(finding.range.clone()).unwrap_or_default();
        let kind = type_of(detector, &finding);
        let (action, rule) = (action_name(finding.action), &finding.rule);
        writeln!(out, "{name}:{line}:{column}: {kind} ({rule}, {action}): {}", value.escape_debug())?;
        *counts.entry(kind).or_default() += 1;
    }
    let total: usize = counts.values().sum();
    let parts: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let detail = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    writeln!(out, "{name}: {total} found{detail}")
}

fn redact(
    text: &str,
    detector: &Detector,
    config: &config::Config,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let key = config.data.keys.first().map_or(&b"tollgate scan"[..], |key| key.0.as_bytes());
    let mut vault = Vault::new(config.data.placeholder, &Keys::new([key]));
    vault.reserve(text);
    let mut rest = 0;
    for finding in detector.find(text).into_iter().filter(|finding| finding.action >= Action::Redact) {
        let value = text.get(finding.range.clone()).unwrap_or_default();
        let placeholder = vault.placeholder(detector.type_name(finding.kind), value);
        out.write_all(text.get(rest..finding.range.start).unwrap_or_default().as_bytes())?;
        out.write_all(placeholder.as_bytes())?;
        rest = finding.range.end;
    }
    out.write_all(text.get(rest..).unwrap_or_default().as_bytes())
}

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
}

fn scan_lines(file: &str, detector: &Detector, out: &mut impl Write) -> Result<(), String> {
    for (number, line) in open(file)?.lines().enumerate() {
        let fault = |error: String| format!("{file}:{}: {error}", number + 1);
        let line = line.map_err(|error| fault(error.to_string()))?;
        if line.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&line).map_err(|error| fault(error.to_string()))?;
        let spans = spans(&line.text, detector);
        let found =
            serde_json::to_string(&Spans { id: line.id, spans }).map_err(|error| fault(error.to_string()))?;
        writeln!(out, "{found}").map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// In code points, counted once over the text.
fn spans(text: &str, detector: &Detector) -> Vec<Span> {
    let (mut byte, mut point) = (0, 0);
    let mut to_point = |at: usize| {
        point += text.get(byte..at).map_or(0, |between| between.chars().count());
        byte = at;
        point
    };
    let findings = detector.find(text);
    findings
        .iter()
        .map(|finding| Span {
            start: to_point(finding.range.start),
            end: to_point(finding.range.end),
            r#type: type_of(detector, finding),
        })
        .collect()
}

fn type_of(detector: &Detector, finding: &Finding) -> String {
    detector.type_name(finding.kind).to_uppercase()
}

fn action_name(action: Action) -> &'static str {
    match action {
        Action::Allow => "allow",
        Action::Report => "report",
        Action::Redact => "redact",
        Action::Block => "block",
    }
}
