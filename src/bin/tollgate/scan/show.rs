//! Findings as a person reads them, one line each, as compilers write theirs.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;

use clap::builder::styling::{AnsiColor, Style};
use tollgate::config::{Action, Data};
use tollgate::policy::redaction::{Confidence, Detector, Explanation, Fate};

use super::Places;

const PLACE: Style = AnsiColor::Cyan.on_default();
const KIND: Style = AnsiColor::Green.on_default().bold();
const QUIET: Style = Style::new().dimmed();
/// Characters of the line that are shown on each side.
const AROUND: usize = 60;

pub fn list(
    name: &str,
    text: &str,
    detector: &Detector,
    data: &Data,
    explain: bool,
    out: &mut impl Write,
) -> std::io::Result<usize> {
    let mut counts = BTreeMap::<String, usize>::new();
    let mut places = Places::new(text);
    let all = detector.explain(text);
    let mut lost = BTreeMap::<usize, Vec<&Explanation>>::new();
    for it in &all {
        if let Fate::Lost { range, .. } = &it.fate {
            lost.entry(range.start).or_default().push(it);
        }
    }
    for it in &all {
        let kind = it.type_name.to_uppercase();
        let what = match it.fate {
            Fate::Found(action) => action.name(),
            // It is told of with who won.
            Fate::Lost { .. } => continue,
            _ if !explain => continue,
            _ => "nothing is done",
        };
        places.to(it.range.start);
        write!(out, "{PLACE}{name}:{}:{}:{PLACE:#} ", places.line, places.column())?;
        let (percent, rule) = (it.confidence.percent(), &it.rule);
        writeln!(out, "{KIND}{kind}{KIND:#} {QUIET}({rule}, {percent} %, {what}){QUIET:#}")?;
        let style = match it.fate {
            Fate::Found(action) => highlight(action),
            _ => QUIET,
        };
        writeln!(out, "    {}", shown(text, &it.range, places.start, style))?;
        if explain {
            let lost = lost.get(&it.range.start).map_or(&[][..], Vec::as_slice);
            for reason in reasons(it, text, lost, data) {
                writeln!(out, "    {QUIET}{reason}{QUIET:#}")?;
            }
        }
        if matches!(it.fate, Fate::Found(_)) {
            *counts.entry(kind).or_default() += 1;
        }
    }
    let total: usize = counts.values().sum();
    let parts: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let detail = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    writeln!(out, "{name}: {total} found{detail}")?;
    Ok(total)
}

fn highlight(action: Action) -> Style {
    let color = match action {
        Action::Block => AnsiColor::Red,
        Action::Redact => AnsiColor::Yellow,
        Action::Report | Action::Allow => AnsiColor::Blue,
    };
    color.on_default().bold()
}

/// The line with the value in it, as much of it as is near. What a terminal would take for a command is escaped.
fn shown(text: &str, range: &Range<usize>, line: usize, style: Style) -> String {
    let before = text.get(line..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let after = after.split('\n').next().unwrap_or_default();
    let from = before.char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    let to = after.char_indices().nth(AROUND).map_or(after.len(), |(at, _)| at);
    let plain = |part: &str| {
        let is_plain = |c: char| matches!(c, '"' | '\'' | '\\');
        let plain = |c: char| if is_plain(c) { c.to_string() } else { c.escape_debug().to_string() };
        part.chars().map(plain).collect::<String>()
    };
    let cut = |cut: bool| if cut { "…" } else { "" };
    format!(
        "{}{}{style}{}{style:#}{}{}",
        cut(from > 0),
        plain(before.get(from..).unwrap_or_default()),
        plain(text.get(range.clone()).unwrap_or_default()),
        plain(after.get(..to).unwrap_or_default()),
        cut(to < after.len()),
    )
}

/// Why something was found, or was not.
fn reasons(it: &Explanation, text: &str, lost: &[&Explanation], data: &Data) -> Vec<String> {
    let mut reasons = vec![format!("- {}", agreed(it, data))];
    if let Some(word) = it.word.clone().and_then(|word| text.get(word)) {
        reasons.push(format!("- \"{}\" stands before it", word.escape_debug()));
    }
    match &it.fate {
        Fate::Found(_) => {
            for other in lost {
                let percent = other.confidence.percent();
                let value = text.get(other.range.clone()).unwrap_or_default().escape_debug();
                let kind = other.type_name.to_uppercase();
                reasons.push(format!("- rather than {kind} ({}, {percent} %): {value}", other.rule));
            }
        }
        Fate::TypeAllowed => reasons.push(format!("- data.find allows {}", it.type_name)),
        Fate::ValueAllowed => {
            reasons.push("- data.allow lets the value through, or one that it is a part of".to_owned());
        }
        Fate::Uncertain { least } => {
            reasons.push(format!("- {} has to be certain to {} %", it.type_name, least.percent()));
        }
        Fate::Lost { .. } => {}
    }
    reasons
}

/// What speaks for it.
fn agreed(it: &Explanation, data: &Data) -> String {
    if let Some(custom) = data.custom.iter().find(|custom| custom.name == *it.rule) {
        let checksum = custom.checksum.map_or("", |_| ", its checksum agrees");
        let near = if custom.context.is_empty() { "" } else { ", one of its words stands near" };
        return format!("matches the policy's pattern {}{checksum}{near}", custom.pattern);
    }
    if data.dictionaries.iter().any(|dictionary| dictionary.name == *it.rule) {
        return "is a term of the policy's dictionary".to_owned();
    }
    let why = if matches!(&*it.type_name, "person" | "address") {
        "the model reads it so, from the words and what stands around them"
    } else if it.confidence >= Confidence::CHECKED {
        "a checksum, a reserved prefix or a full grammar agrees"
    } else if it.confidence >= Confidence::SHAPED {
        "is written as such things are"
    } else {
        "a word or what is around it announces it"
    };
    why.to_owned()
}
