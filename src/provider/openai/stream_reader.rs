//! Streams of chat completions, chunk by chunk.
//!
//! Seen in the wild, and all read: a first chunk without an answer (Azure), usage in the last chunk with an answer
//! (DeepSeek, Mistral) or in one of its own (OpenAI), the id of a call repeated on each piece (Qwen), content in
//! parts (Mistral), a chunk that holds an error among its answers (OpenRouter).

use std::collections::BTreeMap;

use super::answer::{call_id, each_text, stop, usage};
use super::{logprobs, signatures};
use crate::chat::{Delta, Malformed};
use crate::provider::failure::{Fault, Rule, stopped};
use crate::provider::fields::{malformed, object, text_of};
use crate::provider::{Channel, Hidden, StreamReader, StreamText};
use crate::wire::json::{Document, Edits, Kind, Node};

pub(super) struct Reader {
    /// The rules for failures of the vendor that answers.
    own: &'static [Rule],
    started: bool,
    /// The provider's end marker came.
    ended: bool,
    failed: bool,
    /// Something of an answer came.
    told: bool,
    choices: BTreeMap<u32, Progress>,
}

#[derive(Default)]
struct Progress {
    stopped: bool,
    calls: Vec<Call>,
}

struct Call {
    /// As the provider counts.
    index: u64,
    id: String,
}

impl StreamReader for Reader {
    fn read(&mut self, _name: Option<&str>, data: &[u8]) -> Result<Vec<Delta>, Malformed> {
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            self.ended = true;
            return Ok(vec![Delta::End]);
        }
        let document = Document::parse_lenient(data).map_err(|_| malformed("", "JSON"))?;
        let mut out = Vec::new();
        self.chunk(document.root(), &mut out)?;
        Ok(out)
    }

    fn is_complete(&self) -> bool {
        let stopped = !self.choices.is_empty() && self.choices.values().all(|choice| choice.stopped);
        !self.failed && (self.ended && self.told || stopped)
    }
}

/// Far beyond any API: what is kept of a stream has to end somewhere.
const MOST_CHOICES: usize = 128;
const MOST_CALLS: usize = 1_024;

impl Reader {
    pub(super) fn new(own: &'static [Rule]) -> Self {
        Self { own, started: false, ended: false, failed: false, told: false, choices: BTreeMap::new() }
    }

    fn chunk(&mut self, root: Node<'_>, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        object(root, "")?;
        let choices = root.get("choices").filter(|choices| choices.kind() == Kind::Array);
        let failed = choices.is_none() || root.get("error").is_some_and(|error| !error.is_null());
        if failed && let Some(fault) = Fault::read(root) {
            self.failed = true;
            out.push(Delta::Error(fault.classify(self.own)));
            return Ok(());
        }
        if !self.started && choices.is_some_and(|choices| !choices.is_empty()) {
            self.started = true;
            let text = |key| text_of(root, key).unwrap_or_default();
            out.push(Delta::Start { id: text("id"), model: text("model") });
        }
        for choice in choices.into_iter().flat_map(|choices| choices.items()) {
            self.choice(choice, out)?;
            self.told |= out.iter().any(Delta::is_useful);
        }
        if let Some(usage) = usage(root) {
            out.push(Delta::Usage(usage));
        }
        Ok(())
    }

    fn choice(&mut self, node: Node<'_>, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        let choice = index_of(node);
        if self.choices.len() >= MOST_CHOICES && !self.choices.contains_key(&choice) {
            return Err(malformed("choices", "no more answers than anybody asks for"));
        }
        if node.get("error").is_some_and(|error| !error.is_null())
            && let Some(fault) = Fault::read(node)
        {
            self.failed = true;
            out.push(Delta::Error(fault.classify(self.own)));
            return Ok(());
        }
        let progress = self.choices.entry(choice).or_default();
        let logprobs = logprobs::read(node.path(&["logprobs", "content"]));
        if !logprobs.is_empty() {
            out.push(Delta::Logprobs { choice, logprobs });
        }
        // Legacy completions have their text here.
        if let Some(text) = text_of(node, "text").filter(|text| !text.is_empty()) {
            out.push(Delta::Text { choice, text });
        }
        if let Some(delta) = node.get("delta") {
            thinking(choice, delta, out);
            if let Some(content) = delta.get("content") {
                each_text(content, &mut |thinking, text| {
                    let text = text.as_str().unwrap_or_default().into_owned();
                    match (text.is_empty(), thinking) {
                        (true, _) => {}
                        (false, true) => out.push(Delta::Thinking { choice, text }),
                        (false, false) => out.push(Delta::Text { choice, text }),
                    }
                });
            }
            if let Some(text) = text_of(delta, "refusal").filter(|text| !text.is_empty()) {
                out.push(Delta::Refusal { choice, text });
            }
            for call in delta.get("tool_calls").into_iter().flat_map(|calls| calls.items()) {
                progress.call(choice, call, call.get("function"), out)?;
            }
            if let Some(call) = delta.get("function_call").filter(|call| call.kind() == Kind::Object) {
                progress.call(choice, call, Some(call), out)?;
            }
        }
        if let Some(reason) = text_of(node, "finish_reason").filter(|reason| !reason.is_empty()) {
            let told = self.told || out.iter().any(Delta::is_useful);
            match stopped(self.own, &reason, told) {
                Some(error) => {
                    self.failed = true;
                    out.push(Delta::Error(error));
                }
                // Some say it again.
                None if progress.stopped => {}
                None => {
                    progress.stopped = true;
                    let reason = stop(&reason, !progress.calls.is_empty());
                    out.push(Delta::Stop { choice, reason, sequence: None });
                }
            }
        }
        Ok(())
    }
}

impl Progress {
    fn call(
        &mut self,
        choice: u32,
        node: Node<'_>,
        function: Option<Node<'_>>,
        out: &mut Vec<Delta>,
    ) -> Result<(), Malformed> {
        if self.calls.len() >= MOST_CALLS {
            return Err(malformed("tool_calls", "no more calls than anybody makes"));
        }
        let index = node.get("index").and_then(|index| index.as_u64()).unwrap_or(0);
        let id = text_of(node, "id").filter(|id| !id.is_empty());
        let name = function.and_then(|function| text_of(function, "name")).filter(|name| !name.is_empty());
        let counted = node.get("index").is_some_and(|index| !index.is_null());
        let known = self.calls.iter().rposition(|call| call.index == index);
        // Some vendors count every call as 0, or do not count: a name with another id, or with none, begins a new one.
        let known = known.filter(|at| {
            let same = |call: &Call| id.as_ref().map_or(counted, |id| *id == call.id);
            name.is_none() || self.calls.get(*at).is_some_and(same)
        });
        let call = match known {
            Some(at) => at,
            None => {
                let at = self.calls.len();
                let id = id.unwrap_or_else(|| call_id(at));
                self.calls.push(Call { index, id: id.clone() });
                let call = number(at);
                let name = name.unwrap_or_default();
                out.push(Delta::ToolStart { choice, call, id, name, signature: signatures::of_call(node) });
                at
            }
        };
        let arguments = function.and_then(|function| text_of(function, "arguments"));
        if let Some(json) = arguments.filter(|json| !json.is_empty()) {
            out.push(Delta::ToolArguments { choice, call: number(call), json });
        }
        Ok(())
    }
}

/// The text comes in one field or another, or in both; its signature in the details only.
fn thinking(choice: u32, delta: Node<'_>, out: &mut Vec<Delta>) {
    let given = |key: &str| text_of(delta, key).filter(|text| !text.is_empty());
    let told = given("reasoning_content").or_else(|| given("reasoning"));
    let tells = told.is_some();
    out.extend(told.map(|text| Delta::Thinking { choice, text }));
    for (text, signature) in signatures::details(delta).map(signatures::detail) {
        out.extend(text.filter(|_| !tells).map(|text| Delta::Thinking { choice, text }));
        out.extend(signature.map(|signature| Delta::Signature { choice, signature }));
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

pub(super) fn index_of(node: Node<'_>) -> u32 {
    node.get("index")
        .and_then(|index| index.as_u64())
        .and_then(|index| u32::try_from(index).ok())
        .unwrap_or(0)
}

// ---- in place

pub(super) fn texts(root: Node<'_>) -> Vec<StreamText<'_>> {
    let mut found = Vec::new();
    for choice in root.get("choices").into_iter().flat_map(|choices| choices.items()) {
        let Some(delta) = choice.get("delta") else { continue };
        let index = index_of(choice);
        let mut add = |field, part, node, json| {
            found.push(StreamText { channel: Channel { choice: index, field, part }, node, json });
        };
        if let Some(content) = delta.get("content") {
            each_text(content, &mut |thinking, node| {
                add(if thinking { "reasoning" } else { "content" }, 0, node, false);
            });
        }
        for (key, field) in
            [("refusal", "refusal"), ("reasoning_content", "reasoning_content"), ("reasoning", "reasoning")]
        {
            if let Some(node) = delta.get(key).filter(|node| node.kind() == Kind::String) {
                add(field, 0, node, false);
            }
        }
        for detail in signatures::details(delta).filter(|detail| !signatures::is_signed(*detail)) {
            for key in ["text", "summary"] {
                if let Some(node) = detail.get(key).filter(|node| node.kind() == Kind::String) {
                    add("reasoning_details", index_of(detail), node, false);
                }
            }
        }
        for call in delta.get("tool_calls").into_iter().flat_map(|calls| calls.items()) {
            let part = index_of(call);
            if let Some(node) =
                call.path(&["function", "arguments"]).filter(|node| node.kind() == Kind::String)
            {
                add("arguments", part, node, true);
            }
            if let Some(node) = call.path(&["custom", "input"]).filter(|node| node.kind() == Kind::String) {
                add("input", part, node, false);
            }
        }
        if let Some(node) =
            delta.path(&["function_call", "arguments"]).filter(|node| node.kind() == Kind::String)
        {
            add("function_call", 0, node, true);
        }
    }
    found
}

pub(super) fn hide_usage(root: Node<'_>, edits: &mut Edits) -> Hidden {
    let Some(usage) = root.get("usage") else { return Hidden::Nothing };
    let empty = root.get("choices").is_none_or(|choices| choices.is_empty());
    if empty && !usage.is_null() {
        return Hidden::Whole;
    }
    edits.remove(root, "usage");
    Hidden::Part
}
