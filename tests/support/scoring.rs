//! How well findings agree with what a person marked: per type strictly, over all in characters that were missed, and in
//! characters that were marked where nothing is.

use std::collections::BTreeMap;

use tollgate::policy::redaction::Detector;

/// Start and end in code points, type as data sets write it: upper case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    pub kind: String,
}

/// Types that are neither asked for nor counted against a finding.
const OPTIONAL: [&str; 2] = ["USERNAME", "URL"];
/// Numbers of identity pass for each other: which office gave one is often not to be told.
const IDENTITY: [&str; 6] =
    ["NATIONAL_ID", "PASSPORT", "DRIVER_LICENSE", "MEDICAL_ID", "BANK_ACCOUNT", "TAX_ID"];

pub fn find(detector: &Detector, text: &str) -> Vec<Span> {
    let points = |at: usize| text[..at].chars().count();
    let span = |start, end, kind: &str| Span { start, end, kind: kind.to_uppercase() };
    detector
        .find(text)
        .into_iter()
        .map(|f| span(points(f.range.start), points(f.range.end), detector.type_name(f.kind)))
        .collect()
}

#[derive(Default)]
pub struct Scores {
    pub by_kind: BTreeMap<String, Score>,
    /// Of marked values: characters that are no space, and those of them that no finding covers.
    pub chars: usize,
    pub leaked: usize,
    /// Of marked values: those with a character left.
    pub leaking: usize,
    /// In texts without a mark: characters, and those that a finding covers.
    pub clean: usize,
    pub false_chars: usize,
}

#[derive(Default, Clone, Copy)]
pub struct Score {
    pub expected: usize,
    pub found: usize,
    pub right: usize,
}

impl Score {
    pub fn recall(&self) -> f64 {
        self.right as f64 / self.expected.max(1) as f64
    }

    pub fn precision(&self) -> f64 {
        self.right as f64 / self.found.max(1) as f64
    }

    pub fn f1(&self) -> f64 {
        2.0 * self.right as f64 / (self.expected + self.found).max(1) as f64
    }
}

impl Scores {
    /// Takes a text's marks and findings in; what was missed or too much, one line each.
    pub fn take(&mut self, text: &str, expected: &[Span], found: &[Span]) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        let value = |span: &Span| chars[span.start..span.end].iter().collect::<String>();
        let asked: Vec<&Span> =
            expected.iter().filter(|span| !OPTIONAL.contains(&span.kind.as_str())).collect();
        let mut wrong = Vec::new();
        for span in &asked {
            let score = self.by_kind.entry(span.kind.clone()).or_default();
            score.expected += 1;
            let right = found.iter().any(|finding| agree(span, finding));
            score.right += usize::from(right);
            let left = (span.start..span.end)
                .filter(|at| !chars[*at].is_whitespace())
                .filter(|at| !found.iter().any(|finding| (finding.start..finding.end).contains(at)))
                .count();
            self.chars += chars[span.start..span.end].iter().filter(|c| !c.is_whitespace()).count();
            self.leaked += left;
            self.leaking += usize::from(left > 0);
            if !right {
                wrong.push(format!("missed {} {:?} ({left} left)", span.kind, value(span)));
            }
        }
        for finding in found {
            let right = asked.iter().find(|span| agree(span, finding));
            let overlaps = |span: &&Span| span.start < finding.end && finding.start < span.end;
            let optional = expected.iter().filter(overlaps).any(|span| !asked.contains(&span));
            let not_asked = OPTIONAL.contains(&finding.kind.as_str()) || optional;
            if asked.is_empty() {
                self.false_chars += finding.end - finding.start;
            }
            if right.is_none() && not_asked && !asked.is_empty() {
                continue;
            }
            let kind = right.map_or(&finding.kind, |span| &span.kind);
            self.by_kind.entry(kind.clone()).or_default().found += 1;
            if right.is_none() {
                wrong.push(format!("too much {} {:?}", finding.kind, value(finding)));
            }
        }
        if asked.is_empty() {
            self.clean += chars.len();
        }
        wrong
    }

    pub fn all(&self) -> Score {
        self.by_kind.values().fold(Score::default(), |all, score| Score {
            expected: all.expected + score.expected,
            found: all.found + score.found,
            right: all.right + score.right,
        })
    }

    /// Share of the marked values' characters that stayed.
    pub fn leak(&self) -> f64 {
        self.leaked as f64 / self.chars.max(1) as f64
    }

    pub fn false_per_10k(&self) -> f64 {
        1e4 * self.false_chars as f64 / self.clean.max(1) as f64
    }

    pub fn print(&self) {
        let row = |name: &str, score: &Score| {
            let (precision, recall, f1) = (score.precision(), score.recall(), score.f1());
            println!(
                "{name:15} n {:5}  precision {precision:.3}  recall {recall:.3}  F1 {f1:.3}",
                score.expected
            );
        };
        self.by_kind.iter().for_each(|(kind, score)| row(kind, score));
        let all = self.all();
        row("all", &all);
        let entities = self.leaking as f64 / all.expected.max(1) as f64;
        println!("leak: {:.2} % of characters, {:.2} % of values", 100.0 * self.leak(), 100.0 * entities);
        println!(
            "where nothing is: {:.2} false characters per 10,000 ({} characters)",
            self.false_per_10k(),
            self.clean
        );
    }
}

/// The same characters, and a type that passes for the other.
fn agree(expected: &Span, found: &Span) -> bool {
    let identity = |kind: &str| IDENTITY.contains(&kind);
    let kind = expected.kind == found.kind || identity(&expected.kind) && identity(&found.kind);
    kind && expected.start == found.start && expected.end == found.end
}
