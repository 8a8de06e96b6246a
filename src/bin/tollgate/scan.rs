//! `tollgate scan [FILE…]`: what the policy's detectors find in text, for people and for machines.

mod machine;
mod show;

use std::io::{BufRead, Read, Write};
use std::process::ExitCode;

use tollgate::config::{self, Action};
use tollgate::policy::redaction::{Detector, Finding, Keys, Vault};

/// Something was found, and `--fail` asks to be told.
const FOUND: u8 = 1;
const FAULT: u8 = 2;

/// Show what the policy's detectors find in text.
///
/// The exit status is 0 whatever is found, 1 with --fail if anything was, 2 on an error.
#[derive(clap::Args)]
pub struct Arguments {
    /// A policy whose detection is used; the default detection without one.
    #[arg(short = 'c', long, value_name = "POLICY")]
    config: Option<String>,
    /// One `{"id","text"}` per line in, one `{"id","spans":[{"start","end","type","score"}]}` per line out. Offsets
    /// count Unicode code points; the score is the confidence, from 0 to 1.
    #[arg(long)]
    jsonl: bool,
    /// One JSON object per finding, with its place, type, rule, confidence and action.
    #[arg(long, conflicts_with = "jsonl")]
    json: bool,
    /// Print the text with placeholders in place of what is redacted.
    #[arg(long, conflicts_with_all = ["jsonl", "json"])]
    redact: bool,
    /// Say why: the rule, the word that announces it, what agrees, what it won over, and what is left alone.
    #[arg(long, conflicts_with_all = ["jsonl", "redact"])]
    explain: bool,
    /// Exit with status 1 if anything was found.
    #[arg(long)]
    fail: bool,
    /// When to use colours; NO_COLOR is heeded.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// Files to read; standard input without any.
    files: Vec<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

pub fn run(arguments: &Arguments) -> ExitCode {
    match scan(arguments) {
        Ok(found) if found > 0 && arguments.fail => ExitCode::from(FOUND),
        Ok(_) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("tollgate scan: {fault}");
            ExitCode::from(FAULT)
        }
    }
}

/// Answers how much was found.
fn scan(arguments: &Arguments) -> Result<usize, String> {
    let config = super::policy::load(arguments.config.as_deref())?;
    let detector = Detector::new(&config.data);
    let out = anstream::AutoStream::new(std::io::stdout(), arguments.color.into());
    let mut out = std::io::BufWriter::new(out);
    let from_stdin = ["-".to_owned()];
    let files = if arguments.files.is_empty() { &from_stdin[..] } else { &arguments.files };
    let mut found = 0;
    for file in files {
        if arguments.jsonl {
            found += machine::scan_lines(file, &detector, &mut out)?;
            continue;
        }
        let text = read(file)?;
        let name = if file == "-" { "<stdin>" } else { file };
        let written = if arguments.redact {
            redact(&text, &detector, &config, &mut out)
        } else if arguments.json {
            machine::list(name, &text, &detector, arguments.explain, &mut out)
        } else {
            show::list(name, &text, &detector, &config.data, arguments.explain, &mut out)
        };
        match written {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(found),
            written => found += written.map_err(|error| error.to_string())?,
        }
    }
    match out.flush() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(found),
    }
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

fn redact(
    text: &str,
    detector: &Detector,
    config: &config::Config,
    out: &mut impl Write,
) -> std::io::Result<usize> {
    let key = config.data.keys.first().map_or(&b"tollgate scan"[..], |key| key.0.as_bytes());
    let mut vault = Vault::new(config.data.placeholder, &Keys::new([key]));
    vault.reserve(text);
    let mut rest = 0;
    let findings = detector.find(text);
    for finding in findings.iter().filter(|finding| finding.action >= Action::Redact) {
        let value = text.get(finding.range.clone()).unwrap_or_default();
        let placeholder = vault.placeholder(detector.type_name(finding.kind), value);
        out.write_all(text.get(rest..finding.range.start).unwrap_or_default().as_bytes())?;
        out.write_all(placeholder.as_bytes())?;
        rest = finding.range.end;
    }
    out.write_all(text.get(rest..).unwrap_or_default().as_bytes())?;
    Ok(findings.len())
}

fn type_of(detector: &Detector, finding: &Finding) -> String {
    detector.type_name(finding.kind).to_uppercase()
}

/// Where findings stand, counted on from one to the next.
struct Places<'t> {
    text: &'t str,
    at: usize,
    /// In code points, from the beginning.
    point: usize,
    /// From 1.
    line: usize,
    /// Where the line begins.
    start: usize,
}

impl<'t> Places<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0, point: 0, line: 1, start: 0 }
    }

    /// Goes to a byte that is not before the last one; answers its code point.
    fn to(&mut self, at: usize) -> usize {
        let between = self.text.get(self.at..at).unwrap_or_default();
        self.point += between.chars().count();
        self.line += between.matches('\n').count();
        if let Some(last) = between.rfind('\n') {
            self.start = self.at + last + 1;
        }
        self.at = at;
        self.point
    }

    /// Of the place at hand, in characters, from 1.
    fn column(&self) -> usize {
        self.text.get(self.start..self.at).map_or(0, |before| before.chars().count()) + 1
    }
}
