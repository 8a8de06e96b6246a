//! Reads every text of a request: what is in it, and the edits that take it out.
//!
//! Two passes. The first visits all texts, counts tokens and collects what the detector finds. The second issues
//! placeholders in the order of the conversation (tools and system first, then the messages, then the rest), so that
//! a history that is sent again with more turns behind it redacts to the same bytes, and a provider's prompt cache
//! keeps hitting.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::catalog::tokens::Estimator;
use crate::chat::visit::{Place, Spot, SpotKind, visit};
use crate::config::Action;
use crate::policy::redaction::{Detector, TypeId, Vault};
use crate::provider::Codec;
use crate::wire::json::{Document, Edits, Node, Text, escape_into, quote};

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
    /// The prompt's text in lower case, where a rule needs its words.
    pub words: String,
}

/// One value that a placeholder takes the place of.
struct Hit {
    order: (u8, usize),
    source: Range<usize>,
    kind: TypeId,
    value: String,
    form: Form,
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
        estimator: Estimator::default(),
        text_bytes: 0,
        seen: Inspection::default(),
    };
    let place = |path: &[&str], parent: Node<'_>| codec.request_place(path, parent);
    visit(document.root(), &place, &mut |spot| reading.spot(&spot));
    let structure = document.text().len().saturating_sub(reading.text_bytes);
    let mut seen = reading.seen;
    seen.tokens = reading.estimator.tokens() + (structure / STRUCTURE_BYTES_PER_TOKEN) as u64;
    seen
}

struct Reading<'r> {
    detector: &'r Detector,
    vault: &'r mut Vault,
    keep_words: bool,
    estimator: Estimator,
    text_bytes: usize,
    seen: Inspection,
}

impl Reading<'_> {
    fn spot(&mut self, spot: &Spot<'_>) {
        match (spot.place, spot.kind) {
            (Place::Credential, _) => {}
            (Place::Skip, _) => self.identifier(spot),
            (Place::Media, _) => {
                self.seen.media += 1;
                // The bytes of an image are not readable. A link is, and so is whatever else was put here.
                match spot.node.text() {
                    Some(text) if !is_base64(text.as_str()) => {
                        self.text(spot, &text, &|range| text.source(range), Form::Bare);
                    }
                    _ => self.text_bytes += spot.node.raw().len(),
                }
            }
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

    /// A string that holds JSON source: its strings are read one by one, so that an escape in one of them neither
    /// hides a value nor is cut by an edit. Source that is not JSON is read as text.
    fn nested(&mut self, spot: &Spot<'_>) {
        let Some(outer) = spot.node.text() else { return };
        let Ok(inner) = Document::parse_lenient(outer.as_str().as_bytes()) else {
            self.text(spot, &outer, &|range| outer.source(range), Form::Bare);
            return;
        };
        self.text_bytes += spot.node.raw().len();
        visit(inner.root(), &|_, _| Place::Free, &mut |leaf| match leaf.kind {
            SpotKind::Number => {
                let span = leaf.node.span();
                self.look(spot, leaf.node.raw(), &|_| outer.source(span.clone()), Form::EscapedString);
            }
            SpotKind::Text | SpotKind::Key => {
                if let Some(text) = leaf.node.text() {
                    self.look(spot, text.as_str(), &|range| outer.source(text.source(range)), Form::Bare);
                }
            }
        });
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
        self.look(spot, spot.node.raw(), &|_| span.clone(), Form::String);
    }

    /// A name of the protocol's or of the caller's that has to stay as it is: with a value in it, it does not leave.
    fn identifier(&mut self, spot: &Spot<'_>) {
        let Some(text) = spot.node.as_str() else { return };
        if is_plain_identifier(&text) {
            return;
        }
        for finding in self.detector.find(&text) {
            self.count(finding.kind, as_strict(finding.action));
        }
    }

    /// Content that the provider has signed or encrypted: read, never edited.
    fn signed(&mut self, spot: &Spot<'_>) {
        let Some(text) = spot.node.text() else { return };
        self.text_bytes += spot.node.raw().len();
        self.estimator.feed(text.as_str());
        for finding in self.detector.find(text.as_str()) {
            self.count(finding.kind, finding.action);
            self.seen.in_signed_content |= finding.action >= Action::Redact;
        }
    }

    fn look(
        &mut self,
        spot: &Spot<'_>,
        text: &str,
        source: &dyn Fn(Range<usize>) -> Range<usize>,
        form: Form,
    ) {
        self.estimator.feed(text);
        self.vault.reserve(text);
        if self.keep_words {
            self.seen.words.push_str(&text.to_lowercase());
            self.seen.words.push('\n');
        }
        for finding in self.detector.find(text) {
            self.count(finding.kind, finding.action);
            if finding.action != Action::Redact {
                continue;
            }
            // A number goes as a whole: half of one is no JSON.
            let value = match form {
                Form::Bare => text.get(finding.range.clone()).unwrap_or_default(),
                Form::String | Form::EscapedString => text,
            };
            let source = source(finding.range.clone());
            if self.seen.hits.last().is_some_and(|last| last.source == source) {
                continue;
            }
            self.seen.hits.push(Hit {
                order: (spot.group, source.start),
                source,
                kind: finding.kind,
                value: value.to_owned(),
                form,
            });
        }
    }

    fn count(&mut self, kind: TypeId, action: Action) {
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

/// What almost all names are, and nothing is to be found in.
fn is_plain_identifier(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b':');
    text.len() <= 40 && text.bytes().all(plain) && text.bytes().filter(u8::is_ascii_digit).count() < 9
}

/// Whether a text is data in base64, as media are sent: bare, or behind `data:…;base64,`.
fn is_base64(text: &str) -> bool {
    let of_alphabet =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
    let data = match text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((media_type, data)) if media_type.len() <= 100 && !media_type.contains('@') => data,
        Some(_) => return false,
        None if text.len() < 64 => return false,
        None => text,
    };
    data.bytes().all(of_alphabet)
}

impl Inspection {
    /// How many values of each type are to be replaced.
    pub fn redacted_types(&self, detector: &Detector) -> BTreeMap<String, u64> {
        let mut types = BTreeMap::new();
        for hit in &self.hits {
            *types.entry(detector.type_name(hit.kind).to_owned()).or_default() += 1;
        }
        types
    }

    /// How many values are to be replaced.
    pub fn redactions(&self) -> u64 {
        self.hits.len() as u64
    }

    /// Puts a placeholder in every value's place.
    pub fn redact(&mut self, detector: &Detector, vault: &mut Vault, edits: &mut Edits) {
        self.hits.sort_by_key(|hit| hit.order);
        for hit in self.hits.drain(..) {
            let placeholder = vault.placeholder(detector.type_name(hit.kind), &hit.value);
            let written = match hit.form {
                Form::Bare => placeholder.to_string(),
                Form::String => quote(&placeholder),
                Form::EscapedString => {
                    let mut escaped = String::new();
                    escape_into(&quote(&placeholder), &mut escaped);
                    escaped
                }
            };
            edits.replace(hit.source, written);
        }
    }
}
