//! Reads every text of a request: what is in it, and the edits that take it out.
//!
//! Two passes. The first visits all texts, counts tokens and collects what the detector finds. The second issues
//! placeholders in the order of the conversation (tools and system first, then the messages, then the rest), so that
//! a history that is sent again with more turns behind it redacts to the same bytes, and a provider's prompt cache
//! keeps hitting.

mod adjacent;
mod document;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::catalog::tokens::Estimator;
use crate::chat::visit::{Place, Spot, SpotKind, visit};
use crate::config::Action;
use crate::policy::redaction::{Confidence, Detector, Finding, Known, TypeId, Vault};
use crate::provider::{Codec, Operation};
use crate::wire::json::{Document, Edits, Node, Text, escape_into, quote};

use adjacent::Chain;

/// What the visit saw.
#[derive(Default)]
pub struct Inspection {
    hits: Vec<Hit>,
    /// Findings by type, reported ones included.
    pub found: BTreeMap<String, u64>,
    /// Types that were found and may not leave.
    pub blocked: Vec<String>,
    /// Something that had to be redacted stands in content that must not be edited.
    pub in_signed_content: bool,
    /// Images, audio, documents.
    pub media: u64,
    /// Estimated tokens of the prompt.
    pub tokens: u64,
    /// What the prompt says, where answers are looked through for what it does not.
    pub known: Option<Known>,
    /// The prompt's text in lower case, where a rule needs its words.
    pub words: String,
}

/// One place that is written anew.
struct Hit {
    order: (u8, usize),
    source: Range<usize>,
    what: What,
}

enum What {
    /// A value that a placeholder takes the place of.
    Value { kind: TypeId, value: String, form: Form },
    /// A text that was sent in base64, with values in it.
    Document { document: document::Text, values: Vec<(Range<usize>, TypeId)> },
}

/// How a placeholder is written where it lands.
#[derive(Clone, Copy)]
enum Form {
    /// Inside a string.
    Bare,
    /// In place of a number: as a string.
    String,
    /// In place of a number inside JSON source that is itself a string.
    EscapedString,
}

/// Bytes of JSON structure per token, roughly: braces, keys and quotes are tokens too.
const STRUCTURE_BYTES_PER_TOKEN: usize = 8;

pub fn inspect(
    document: &Document<'_>,
    codec: &dyn Codec,
    detector: &Detector,
    vault: &mut Vault,
    keep_words: bool,
) -> Inspection {
    let mut reading = Reading {
        detector,
        vault,
        keep_words,
        joins: codec.api().operation() != Operation::Embeddings,
        chains: Default::default(),
        estimator: Estimator::default(),
        text_bytes: 0,
        seen: Inspection { known: detector.reads_answers().then(Known::default), ..Inspection::default() },
    };
    let place = |path: &[&str], parent: Node<'_>| codec.request_place(path, parent);
    visit(document.root(), &place, &mut |spot| reading.spot(&spot));
    reading.end();
    let structure = document.text().len().saturating_sub(reading.text_bytes);
    let mut seen = reading.seen;
    seen.tokens = reading.estimator.tokens() + (structure / STRUCTURE_BYTES_PER_TOKEN) as u64;
    seen
}

struct Reading<'r> {
    detector: &'r Detector,
    vault: &'r mut Vault,
    keep_words: bool,
    /// Texts that stand side by side are one text to the model; inputs of vectors are not.
    joins: bool,
    /// The protocol's texts, and all others: something unknown between two parts does not keep them apart.
    chains: [Chain; 2],
    estimator: Estimator,
    text_bytes: usize,
    seen: Inspection,
}

impl Reading<'_> {
    fn spot(&mut self, spot: &Spot<'_>) {
        match (spot.place, spot.kind) {
            (Place::Credential, _) => {}
            (Place::Skip, _) => self.identifier(spot),
            (Place::Media, _) => self.media(spot),
            (Place::Opaque, _) => self.signed(spot),
            (_, SpotKind::Number) => self.number(spot),
            (Place::Json, _) => self.nested(spot),
            (Place::Text | Place::Free | Place::Schema, _) => {
                if let Some(text) = spot.node.text() {
                    self.text(spot, &text, &|range| text.source(range), Form::Bare);
                }
            }
        }
    }

    /// The bytes of an image are not readable. A text is, however it is sent, and so is a link and whatever else was
    /// put here.
    fn media(&mut self, spot: &Spot<'_>) {
        let Some(text) = spot.node.text() else {
            self.seen.media += 1;
            return;
        };
        match document::read(text.as_str()) {
            document::Media::Text(document) => {
                self.text_bytes += spot.node.raw().len();
                self.document(spot, &text, document);
            }
            document::Media::Bytes => {
                self.seen.media += 1;
                self.text_bytes += spot.node.raw().len();
            }
            document::Media::Other => {
                self.seen.media += 1;
                self.text(spot, &text, &|range| text.source(range), Form::Bare);
            }
        }
    }

    /// A document that was sent in base64. Where something in it is taken out, it is encoded anew.
    fn document(&mut self, spot: &Spot<'_>, text: &Text<'_>, document: document::Text) {
        self.feed(&document.text);
        let mut values = Vec::new();
        for finding in self.detector.find(&document.text) {
            self.count(&finding, finding.action);
            self.remember_value(document.text.get(finding.range.clone()).unwrap_or_default());
            if finding.action == Action::Redact {
                values.push((finding.range, finding.kind));
            }
        }
        if !values.is_empty() {
            let source = text.source(0..text.as_str().len());
            let order = (spot.group, source.start);
            self.seen.hits.push(Hit { order, source, what: What::Document { document, values } });
        }
    }

    /// A string that holds JSON source: its strings are read one by one, so that an escape in one of them neither
    /// hides a value nor is cut by an edit. Source that is not JSON is read as text.
    fn nested(&mut self, spot: &Spot<'_>) {
        let Some(outer) = spot.node.text() else { return };
        let Ok(inner) = Document::parse_lenient(outer.as_str().as_bytes()) else {
            self.text(spot, &outer, &|range| outer.source(range), Form::Bare);
            return;
        };
        self.text_bytes += spot.node.raw().len();
        // It may come back as it was written.
        self.vault.reserve(outer.as_str());
        visit(inner.root(), &|_, _| Place::Free, &mut |mut leaf| {
            leaf.group = spot.group;
            self.leaf(&leaf, &outer);
        });
    }

    fn leaf(&mut self, leaf: &Spot<'_>, outer: &Text<'_>) {
        match leaf.kind {
            SpotKind::Number => {
                let span = leaf.node.span();
                let whole = whole_number(leaf.node.raw());
                let text = whole.as_deref().unwrap_or(leaf.node.raw());
                self.look(leaf, text, &|_| outer.source(span.clone()), Form::EscapedString);
            }
            SpotKind::Text | SpotKind::Key => {
                if let Some(text) = leaf.node.text() {
                    self.look(leaf, text.as_str(), &|range| outer.source(text.source(range)), Form::Bare);
                }
            }
        }
    }

    fn text(
        &mut self,
        spot: &Spot<'_>,
        text: &Text<'_>,
        source: &dyn Fn(Range<usize>) -> Range<usize>,
        form: Form,
    ) {
        self.text_bytes += spot.node.raw().len();
        self.look(spot, text.as_str(), source, form);
    }

    fn number(&mut self, spot: &Spot<'_>) {
        let span = spot.node.span();
        let whole = whole_number(spot.node.raw());
        self.look(spot, whole.as_deref().unwrap_or(spot.node.raw()), &|_| span.clone(), Form::String);
    }

    /// A name of the protocol's or of the caller's, or a number, that has to stay as it is: with a value in it, it does
    /// not leave. What looks like any name is one, unless what it holds is beyond doubt.
    fn identifier(&mut self, spot: &Spot<'_>) {
        let text = match spot.kind {
            SpotKind::Number => spot.node.raw().into(),
            _ => spot.node.as_str().unwrap_or_default(),
        };
        if text.len() < SHORTEST {
            return;
        }
        self.remember(&text);
        let plain = spot.kind != SpotKind::Number && is_plain_identifier(&text);
        for finding in self.detector.find_in_identifier(&text) {
            if !plain || finding.confidence >= Confidence::CHECKED {
                self.count(&finding, as_strict(finding.action));
            }
        }
    }

    /// Content that the provider has signed or encrypted: read, never edited.
    fn signed(&mut self, spot: &Spot<'_>) {
        let Some(text) = spot.node.text() else { return };
        self.text_bytes += spot.node.raw().len();
        self.estimator.feed(text.as_str());
        self.remember(text.as_str());
        for finding in self.detector.find(text.as_str()) {
            self.count(&finding, finding.action);
            self.seen.in_signed_content |= finding.action >= Action::Redact;
        }
    }

    fn feed(&mut self, text: &str) {
        self.estimator.feed(text);
        self.vault.reserve(text);
        self.remember(text);
        if self.keep_words {
            self.seen.words.push_str(&text.to_lowercase());
            self.seen.words.push('\n');
        }
    }

    fn look(
        &mut self,
        spot: &Spot<'_>,
        text: &str,
        source: &dyn Fn(Range<usize>) -> Range<usize>,
        form: Form,
    ) {
        self.feed(text);
        let sealed = self.vault.sealed_in(text);
        for finding in self.find(spot, text) {
            let found = &finding.range;
            if sealed.iter().any(|seal| seal.start <= found.start && found.end <= seal.end) {
                continue;
            }
            self.count(&finding, finding.action);
            self.remember_value(text.get(finding.range.clone()).unwrap_or_default());
            if finding.action != Action::Redact {
                continue;
            }
            // A number goes as a whole: half of one is no JSON.
            let value = match form {
                Form::Bare => text.get(finding.range.clone()).unwrap_or_default(),
                Form::String | Form::EscapedString => spot.node.raw(),
            };
            let source = source(finding.range.clone());
            if self.seen.hits.last().is_some_and(|last| last.source == source) {
                continue;
            }
            self.hit((spot.group, source.start), source, finding.kind, value, form);
        }
        if self.joins && spot.kind == SpotKind::Text {
            let chain = usize::from(spot.place != Place::Text);
            if self.chains.get(chain).is_some_and(|chain| !chain.continues(spot.group, text)) {
                self.end_chain(chain);
            }
            if let Some(chain) = self.chains.get_mut(chain) {
                chain.add(spot.group, text, source);
            }
        }
    }

    fn hit(&mut self, order: (u8, usize), source: Range<usize>, kind: TypeId, value: &str, form: Form) {
        self.seen.hits.push(Hit { order, source, what: What::Value { kind, value: value.to_owned(), form } });
    }

    /// What a text holds. A member of free JSON is also read behind its key: `"ssn": "078051120"`.
    fn find(&self, spot: &Spot<'_>, text: &str) -> Vec<Finding> {
        let mut findings = self.detector.find(text);
        let free = matches!(spot.place, Place::Free | Place::Schema) && spot.kind != SpotKind::Key;
        let key = spot.key.filter(|_| free && !text.is_empty() && text.len() <= LONGEST_NAMED);
        let Some(key) = key.and_then(|key| key.as_str()).filter(|key| key.len() <= LONGEST_NAMED) else {
            return findings;
        };
        let quote = if spot.kind == SpotKind::Number { "" } else { "\"" };
        let start = key.len() + 4 + quote.len();
        for mut finding in self.detector.find(&format!("\"{key}\": {quote}{text}{quote}")) {
            let end = finding.range.end.min(start + text.len());
            if end <= start {
                continue;
            }
            finding.range = finding.range.start.saturating_sub(start)..end - start;
            let range = finding.range.clone();
            let apart = |other: &Finding| other.range.end <= range.start || range.end <= other.range.start;
            let inside = |other: &Finding| range.start <= other.range.start && other.range.end <= range.end;
            if findings.iter().all(|other| apart(other) || inside(other)) {
                let strictest = findings.iter().filter(|other| !apart(other)).map(|other| other.action).max();
                finding.action = finding.action.max(strictest.unwrap_or(finding.action));
                let covered =
                    findings.iter().filter(|other| !apart(other)).flat_map(|other| other.covers.clone());
                finding.covers.extend(covered);
                findings.retain(apart);
                findings.push(finding);
            }
        }
        findings.sort_by_key(|finding| finding.range.start);
        findings
    }

    fn end(&mut self) {
        for chain in 0..self.chains.len() {
            self.end_chain(chain);
        }
    }

    /// Looks for values that begin in one text and end in the next. Each piece is a value of its own, so that every
    /// text gets back what was in it.
    fn end_chain(&mut self, index: usize) {
        let Some(chain) = self.chains.get_mut(index) else { return };
        let chain = std::mem::take(chain);
        // Free JSON has lists of short texts: a value over several of them has to be beyond doubt.
        let surest = if index == 0 { Confidence::SHAPED } else { Confidence::CHECKED };
        for split in chain.split_values(self.detector, surest) {
            self.count_type(split.kind, split.action);
            if split.action == Action::Redact {
                for (source, value) in split.pieces {
                    self.hit((chain.group(), source.start), source, split.kind, &value, Form::Bare);
                }
            }
        }
    }

    fn remember(&mut self, text: &str) {
        if let Some(known) = &mut self.seen.known {
            known.add_text(text);
        }
    }

    fn remember_value(&mut self, value: &str) {
        if let Some(known) = &mut self.seen.known {
            known.add_value(value);
        }
    }

    fn count(&mut self, finding: &Finding, action: Action) {
        self.count_type(finding.kind, action);
        finding.covers.iter().for_each(|kind| self.count_type(*kind, Action::Report));
    }

    fn count_type(&mut self, kind: TypeId, action: Action) {
        let name = self.detector.type_name(kind);
        *self.seen.found.entry(name.to_owned()).or_default() += 1;
        if action == Action::Block && !self.seen.blocked.iter().any(|blocked| blocked == name) {
            self.seen.blocked.push(name.to_owned());
        }
    }
}

/// Where nothing can be put in a value's place, redacting means blocking.
fn as_strict(action: Action) -> Action {
    if action == Action::Redact { Action::Block } else { action }
}

/// Shorter names and numbers hold nothing. In bytes.
const SHORTEST: usize = 7;
/// Longer texts have their own context. In bytes.
const LONGEST_NAMED: usize = 256;

/// A whole number that is written as a fraction or by a power of ten, in digits: 4.111111111111111e15.
fn whole_number(raw: &str) -> Option<String> {
    let number: f64 = raw.contains(['.', 'e', 'E']).then(|| raw.parse().ok()).flatten()?;
    let whole = number.fract() == 0.0 && (1e6..9e18).contains(&number);
    whole.then(|| format!("{number:.0}"))
}

/// What almost all names are: one word of letters, digits and a little between them. Drawn ones look like any number, so
/// what is found in them has to be beyond doubt.
fn is_plain_identifier(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b':');
    text.len() <= 128 && text.bytes().all(plain)
}

impl Inspection {
    /// How many values of each type are to be replaced.
    pub fn redacted_types(&self, detector: &Detector) -> BTreeMap<String, u64> {
        let mut types = BTreeMap::new();
        let mut count = |kind: TypeId| *types.entry(detector.type_name(kind).to_owned()).or_default() += 1;
        for hit in &self.hits {
            match &hit.what {
                What::Value { kind, .. } => count(*kind),
                What::Document { values, .. } => values.iter().for_each(|(_, kind)| count(*kind)),
            }
        }
        types
    }

    /// How many values are to be replaced.
    pub fn redactions(&self) -> u64 {
        let count = |hit: &Hit| match &hit.what {
            What::Value { .. } => 1,
            What::Document { values, .. } => values.len() as u64,
        };
        self.hits.iter().map(count).sum()
    }

    /// Puts a placeholder in every value's place.
    pub fn redact(&mut self, detector: &Detector, vault: &mut Vault, edits: &mut Edits) {
        self.hits.sort_by_key(|hit| hit.order);
        for hit in self.hits.drain(..) {
            let mut placeholder =
                |kind: TypeId, value: &str| vault.placeholder(detector.type_name(kind), value);
            let written = match &hit.what {
                What::Value { kind, value, form } => {
                    let placeholder = placeholder(*kind, value);
                    match form {
                        Form::Bare => placeholder.to_string(),
                        Form::String => quote(&placeholder),
                        Form::EscapedString => {
                            let mut escaped = String::new();
                            escape_into(&quote(&placeholder), &mut escaped);
                            escaped
                        }
                    }
                }
                What::Document { document, values } => {
                    let mut redacted = String::with_capacity(document.text.len());
                    let mut copied = 0;
                    for (range, kind) in values {
                        let value = document.text.get(range.clone()).unwrap_or_default();
                        redacted.push_str(document.text.get(copied..range.start).unwrap_or_default());
                        redacted.push_str(&placeholder(*kind, value));
                        copied = range.end;
                    }
                    redacted.push_str(document.text.get(copied..).unwrap_or_default());
                    document.encode(&redacted)
                }
            };
            edits.replace(hit.source, written);
        }
    }
}
