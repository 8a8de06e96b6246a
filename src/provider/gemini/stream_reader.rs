//! Streams of generated content, piece by piece.
//!
//! Each piece is a whole message with what is new in it. A call of a function comes whole, usage comes with every piece,
//! and nothing marks the end but a reason for stopping.

use std::collections::BTreeMap;

use super::answer::{blocked, call_id, finish, left_out, logprobs, parts_of, signature_of, stop, usage};
use super::names::{get, is_true, text};
use super::{FAILURES, signature};
use crate::chat::{Delta, Malformed};
use crate::provider::failure::{Fault, stopped};
use crate::provider::fields::{malformed, object};
use crate::provider::{Channel, StreamReader, StreamText};
use crate::wire::json::{Document, Kind, Node};

#[derive(Default)]
pub(super) struct Reader {
    started: bool,
    failed: bool,
    /// Something that the caller can use came.
    told: bool,
    response: String,
    choices: BTreeMap<u32, Progress>,
}

#[derive(Default)]
struct Progress {
    calls: u32,
    stopped: bool,
}

/// Far beyond any API: what is kept of a stream has to end somewhere.
const MOST_CHOICES: usize = 128;

impl StreamReader for Reader {
    fn read(&mut self, _name: Option<&str>, data: &[u8]) -> Result<Vec<Delta>, Malformed> {
        let document = Document::parse_lenient(data.trim_ascii()).map_err(|_| malformed("", "JSON"))?;
        let root = document.root();
        object(root, "")?;
        let mut out = Vec::new();
        let candidates = get(root, "candidates").filter(|candidates| !candidates.is_empty());
        let failure = match candidates {
            Some(_) => None,
            None => blocked(root).or_else(|| Fault::read(root).map(|fault| fault.classify(FAILURES))),
        };
        if let Some(failure) = failure {
            self.failed = true;
            out.push(Delta::Error(failure));
            return Ok(out);
        }
        if !self.started && candidates.is_some() {
            self.started = true;
            self.response = text(root, "responseId").unwrap_or_default();
            let model = text(root, "modelVersion").unwrap_or_default();
            out.push(Delta::Start { id: self.response.clone(), model });
        }
        for candidate in candidates.into_iter().flat_map(|candidates| candidates.items()) {
            self.candidate(candidate, &mut out)?;
        }
        out.extend(usage(root).map(Delta::Usage));
        Ok(out)
    }

    fn is_complete(&self) -> bool {
        !self.failed && !self.choices.is_empty() && self.choices.values().all(|choice| choice.stopped)
    }
}

impl Reader {
    fn candidate(&mut self, node: Node<'_>, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        let choice = index_of(node);
        if self.choices.len() >= MOST_CHOICES && !self.choices.contains_key(&choice) {
            return Err(malformed("candidates", "no more answers than anybody asks for"));
        }
        let progress = self.choices.entry(choice).or_default();
        let before = out.len();
        for part in parts_of(node) {
            let signature = signature_of(part).map(signature::read);
            if let Some(call) = get(part, "functionCall") {
                let number = progress.calls;
                progress.calls = progress.calls.saturating_add(1);
                out.push(Delta::ToolStart {
                    choice,
                    call: number,
                    id: call_id(call, &self.response, number),
                    name: text(call, "name").unwrap_or_default(),
                    signature,
                });
                let json = get(call, "args").map_or_else(|| "{}".to_owned(), |args| args.raw().to_owned());
                out.push(Delta::ToolArguments { choice, call: number, json });
                continue;
            }
            let said = text(part, "text").or_else(|| left_out(part)).filter(|text| !text.is_empty());
            out.extend(said.map(|text| match is_true(part, "thought") {
                true => Delta::Thinking { choice, text },
                false => Delta::Text { choice, text },
            }));
            out.extend(signature.map(|signature| Delta::Signature { choice, signature }));
        }
        let logprobs = logprobs(node);
        if !logprobs.is_empty() {
            out.push(Delta::Logprobs { choice, logprobs });
        }
        self.told |= out.iter().skip(before).any(Delta::is_useful);
        let Some(reason) = finish(node).filter(|_| !progress.stopped) else { return Ok(()) };
        let stop = stop(&reason, progress.calls > 0);
        match stopped(FAILURES, &reason, self.told) {
            Some(failure) => {
                self.failed = true;
                out.push(Delta::Error(failure));
            }
            None => {
                progress.stopped = true;
                out.push(Delta::Stop { choice, reason: stop, sequence: None });
            }
        }
        Ok(())
    }
}

fn index_of(candidate: Node<'_>) -> u32 {
    let index = get(candidate, "index").and_then(|index| index.as_u64());
    index.and_then(|index| u32::try_from(index).ok()).unwrap_or(0)
}

// ---- in place

pub(super) fn texts(root: Node<'_>) -> Vec<StreamText<'_>> {
    let mut found = Vec::new();
    for candidate in get(root, "candidates").into_iter().flat_map(|candidates| candidates.items()) {
        let choice = index_of(candidate);
        let mut add = |field, node| found.push((Channel { choice, field, part: 0 }, node));
        for part in parts_of(candidate) {
            let field = if is_true(part, "thought") { "thought" } else { "text" };
            get(part, "text").into_iter().for_each(|node| add(field, node));
            let pieces = get(part, "functionCall").and_then(|call| get(call, "partialArgs"));
            for piece in pieces.into_iter().flat_map(|pieces| pieces.items()) {
                get(piece, "stringValue").into_iter().for_each(|node| add("args", node));
            }
        }
    }
    found.retain(|(_, node)| node.kind() == Kind::String);
    found.into_iter().map(|(channel, node)| StreamText { channel, node, json: false }).collect()
}
