//! What a model finds, against what it should.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use tollgate::policy::redaction::model::{Model, What, fold};

use crate::corpus::Text;

#[derive(Default)]
struct Score {
    wanted: usize,
    found: usize,
    right: usize,
    /// Characters, without white space, that no finding covers.
    leaked: usize,
    chars: usize,
}

impl Score {
    fn show(&self) -> String {
        let precision = self.right as f64 / self.found.max(1) as f64;
        let recall = self.right as f64 / self.wanted.max(1) as f64;
        let f1 = 2.0 * precision * recall / (precision + recall).max(1e-9);
        let leak = 100.0 * self.leaked as f64 / self.chars.max(1) as f64;
        format!("n {:6}  P {precision:.3}  R {recall:.3}  F1 {f1:.3}  leak {leak:.1}%", self.wanted)
    }
}

pub fn report(bytes: &[u8], texts: &[Text], predict: Option<&Path>) {
    // Of which language mistakes are listed; "negative": those in texts without values.
    let show = std::env::var("SHOW").ok();
    let model = Model::parse(bytes).expect("the model is whole");
    let mut scores: BTreeMap<(String, String), Score> = BTreeMap::new();
    let (mut false_chars, mut clean_chars) = (0, 0);
    let mut predictions = String::new();
    let mut shown = 0;
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for text in texts {
        let folded = fold(&text.text);
        let found: Vec<_> = model
            .find(folded.text())
            .into_iter()
            .map(|s| (folded.unfold(s.range), s.what, s.chance))
            .collect();
        let mut line = Vec::new();
        for (range, what, chance) in &found {
            let at = |byte: usize| text.text[..byte].chars().count();
            line.push(
                json!({"start": at(range.start), "end": at(range.end), "type": name(*what), "score": chance}),
            );
        }
        writeln!(predictions, "{}", json!({"id": text.id, "spans": line})).unwrap();
        if text.spans.is_empty() {
            clean_chars += text.text.chars().count();
            let part = kinds
                .entry(if text.template.is_empty() || text.template.starts_with("real") {
                    "real"
                } else {
                    "templates"
                })
                .or_insert((0, 0));
            part.1 += text.text.chars().count();
            for (range, what, chance) in &found {
                false_chars += text.text[range.clone()].chars().count();
                part.0 += text.text[range.clone()].chars().count();
                if show.as_deref() == Some("negative") {
                    println!(
                        "{} {:?} {what:?} {chance:.2} in {:?}",
                        text.language,
                        &text.text[range.clone()],
                        &text.text[around(&text.text, range)]
                    );
                }
            }
        }
        for what in [What::Person, What::Address] {
            for key in [text.language.as_str(), "all"] {
                let score = scores.entry((name(what).to_owned(), key.to_owned())).or_default();
                for (range, _) in text.spans.iter().filter(|(_, kind)| *kind == Some(what)) {
                    score.wanted += 1;
                    for (at, c) in text.text[range.clone()].char_indices().filter(|(_, c)| !c.is_whitespace())
                    {
                        let at = range.start + at;
                        score.chars += 1;
                        let _ = c;
                        score.leaked += usize::from(!found.iter().any(|(range, _, _)| range.contains(&at)));
                    }
                    if !found.iter().any(|(r, w, _)| r == range && *w == what)
                        && key == "all"
                        && show.as_deref() == Some(&text.language)
                        && shown < 120
                    {
                        shown += 1;
                        println!(
                            "missed {what:?} {:?} in {:?}; found {:?}",
                            &text.text[range.clone()],
                            &text.text[around(&text.text, range)],
                            found
                                .iter()
                                .map(|(r, w, c)| format!("{w:?} {} {c:.2}", &text.text[r.clone()]))
                                .collect::<Vec<_>>()
                        );
                    }
                }
                for (range, _, _) in found.iter().filter(|(_, kind, _)| *kind == what) {
                    // A value that another detector finds is not this one's mistake.
                    let other = text.spans.iter().any(|(span, kind)| {
                        kind.is_none() && span.start < range.end && range.start < span.end
                    });
                    score.found += usize::from(!other);
                    let right = text.spans.iter().any(|(span, kind)| span == range && *kind == Some(what));
                    score.right += usize::from(right);
                    if !right
                        && !other
                        && key == "all"
                        && show.as_deref() == Some(&text.language)
                        && !text
                            .spans
                            .iter()
                            .any(|(span, _)| span.start < range.end && range.start < span.end)
                        && shown < 120
                    {
                        shown += 1;
                        println!(
                            "false {what:?} {:?} in {:?}",
                            &text.text[range.clone()],
                            &text.text[around(&text.text, range)]
                        );
                    }
                }
            }
        }
    }
    for ((what, language), score) in &scores {
        println!("{what:8} {language:4} {}", score.show());
    }
    println!(
        "false characters of 10,000 where nothing is: {:.2} ({clean_chars})",
        1e4 * false_chars as f64 / clean_chars.max(1) as f64
    );
    for (kind, (wrong, all)) in kinds {
        println!("  {kind}: {:.2} false char of 10,000 ({all})", 1e4 * wrong as f64 / all as f64);
    }
    if let Some(path) = predict {
        std::fs::write(path, predictions).expect("the predictions can be written");
    }
}

pub fn around(text: &str, range: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let (mut start, mut end) = (range.start.saturating_sub(40), (range.end + 30).min(text.len()));
    while !text.is_char_boundary(start) {
        start += 1;
    }
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    start..end
}

fn name(what: What) -> &'static str {
    match what {
        What::Person => "PERSON",
        What::Address => "ADDRESS",
    }
}

/// Nanoseconds a byte, for each file of text.
pub fn speed(bytes: &[u8], files: &[&str]) {
    let model = Model::parse(bytes).expect("the model is whole");
    for file in files {
        let text = std::fs::read_to_string(file).expect("a text");
        let mut best = f64::MAX;
        let mut count = 0;
        for _ in 0..8 {
            let started = Instant::now();
            count = model.find(&text).len();
            best = best.min(started.elapsed().as_secs_f64());
        }
        println!(
            "{file}: {:.2} ns/byte, {:.0} MB/s, {count} findings in {} bytes",
            best * 1e9 / text.len() as f64,
            text.len() as f64 / 1e6 / best,
            text.len()
        );
    }
}
