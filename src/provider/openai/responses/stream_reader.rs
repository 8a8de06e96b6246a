//! Streams of Responses, event by event.
//!
//! Every text comes again and again: in its deltas, when it is done, when its part and its item are done, and with the
//! whole answer at the end. The deltas are read; of the rest what they did not say.

use std::collections::BTreeMap;

use super::super::logprobs;
use super::answer::{stop, usage};
use crate::chat::{Delta, Malformed, Part};
use crate::provider::failure::{Fault, Rule};
use crate::provider::fields::{malformed, object, text_of};
use crate::provider::{Channel, StreamReader, StreamText};
use crate::wire::json::{Document, Kind, Node};

pub(super) struct Reader {
    /// The rules for failures of the vendor that answers.
    own: &'static [Rule],
    ended: bool,
    failed: bool,
    /// By the index of their items.
    calls: BTreeMap<u64, Call>,
    next_number: u64,
}

struct Call {
    number: u32,
    has_arguments: bool,
}

/// Far beyond any API: what is kept of a stream has to end somewhere.
const MOST_CALLS: usize = 1_024;

impl StreamReader for Reader {
    fn read(&mut self, _name: Option<&str>, data: &[u8]) -> Result<Vec<Delta>, Malformed> {
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            // Some servers send it; none means anything by it.
            return Ok(Vec::new());
        }
        let document = Document::parse_lenient(data).map_err(|_| malformed("", "JSON"))?;
        let root = document.root();
        object(root, "")?;
        let mut out = Vec::new();
        if let Some(number) = root.get("sequence_number").and_then(|number| number.as_u64()) {
            self.next_number = number.saturating_add(1);
        }
        // The event's name is repeated in its data, and not all servers send it outside of them.
        match text_of(root, "type").as_deref() {
            Some("response.created") => {
                let text = |key| {
                    root.path(&["response", key]).and_then(|node| node.as_str()).map(|it| it.into_owned())
                };
                out.push(Delta::Start {
                    id: text("id").unwrap_or_default(),
                    model: text("model").unwrap_or_default(),
                });
            }
            Some("response.output_item.added") => self.item(root, &mut out)?,
            Some("response.output_item.done") => {
                self.item(root, &mut out)?;
                signature(root, &mut out);
            }
            Some("response.output_text.delta") => {
                let logprobs = logprobs::read(root.get("logprobs"));
                if !logprobs.is_empty() {
                    out.push(Delta::Logprobs { choice: 0, logprobs });
                }
                out.extend(delta(root).map(|text| Delta::Text { choice: 0, text }));
            }
            Some("response.refusal.delta") => {
                out.extend(delta(root).map(|text| Delta::Refusal { choice: 0, text }));
            }
            Some("response.reasoning_summary_text.delta" | "response.reasoning_text.delta") => {
                out.extend(delta(root).map(|text| Delta::Thinking { choice: 0, text }));
            }
            Some("response.reasoning_summary_part.added") if index(root, "summary_index") > 0 => {
                out.push(Delta::Thinking { choice: 0, text: "\n\n".to_owned() });
            }
            Some("response.function_call_arguments.delta") => self.arguments(root, delta(root), &mut out),
            Some("response.function_call_arguments.done") => {
                self.missing(index(root, "output_index"), root, &mut out);
            }
            Some("response.completed" | "response.incomplete") => self.end(root, &mut out),
            Some("response.failed" | "response.cancelled" | "error") => {
                self.failed = true;
                let fault = Fault::read(root.get("response").unwrap_or(root)).unwrap_or_default();
                out.push(Delta::Error(fault.classify(self.own)));
            }
            None if root.get("error").is_some_and(|error| !error.is_null()) => {
                self.failed = true;
                out.push(Delta::Error(Fault::read(root).unwrap_or_default().classify(self.own)));
            }
            // What the provider's own tools do, and whatever a later version of the API adds.
            _ => {}
        }
        Ok(out)
    }

    fn is_complete(&self) -> bool {
        self.ended && !self.failed
    }

    fn next_number(&self) -> u64 {
        self.next_number
    }
}

impl Reader {
    pub(super) fn new(own: &'static [Rule]) -> Self {
        Self { own, ended: false, failed: false, calls: BTreeMap::new(), next_number: 0 }
    }

    fn item(&mut self, root: Node<'_>, out: &mut Vec<Delta>) -> Result<(), Malformed> {
        let Some(item) =
            root.get("item").filter(|item| item.get("type").is_some_and(|kind| kind.is("function_call")))
        else {
            return Ok(());
        };
        let at = index(root, "output_index");
        if !self.calls.contains_key(&at) {
            if self.calls.len() >= MOST_CALLS {
                return Err(malformed("output", "no more calls than anybody makes"));
            }
            let number = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
            self.calls.insert(at, Call { number, has_arguments: false });
            let id = text_of(item, "call_id").filter(|id| !id.is_empty()).or_else(|| text_of(item, "id"));
            out.push(Delta::ToolStart {
                choice: 0,
                call: number,
                id: id.unwrap_or_else(|| super::super::answer::call_id(self.calls.len() - 1)),
                name: text_of(item, "name").unwrap_or_default(),
                signature: None,
            });
        }
        if root.get("type").is_some_and(|kind| kind.is("response.output_item.done")) {
            self.missing(at, item, out);
        }
        Ok(())
    }

    fn arguments(&mut self, root: Node<'_>, json: Option<String>, out: &mut Vec<Delta>) {
        let call = self.calls.get_mut(&index(root, "output_index"));
        if let (Some(call), Some(json)) = (call, json) {
            call.has_arguments = true;
            out.push(Delta::ToolArguments { choice: 0, call: call.number, json });
        }
    }

    /// Arguments that no delta told.
    fn missing(&mut self, at: u64, node: Node<'_>, out: &mut Vec<Delta>) {
        let Some(call) = self.calls.get_mut(&at).filter(|call| !call.has_arguments) else { return };
        if let Some(json) = text_of(node, "arguments").filter(|json| !json.is_empty()) {
            call.has_arguments = true;
            out.push(Delta::ToolArguments { choice: 0, call: call.number, json });
        }
    }

    fn end(&mut self, root: Node<'_>, out: &mut Vec<Delta>) {
        let Some(response) = root.get("response") else { return };
        self.ended = true;
        out.extend(usage(response).map(Delta::Usage));
        let reason = stop(response, !self.calls.is_empty());
        out.push(Delta::Stop { choice: 0, reason, sequence: None });
        out.push(Delta::End);
    }
}

fn index(root: Node<'_>, key: &str) -> u64 {
    root.get(key).and_then(|index| index.as_u64()).unwrap_or(0)
}

fn delta(root: Node<'_>) -> Option<String> {
    text_of(root, "delta").filter(|text| !text.is_empty())
}

/// What was encrypted is whole when its item is.
fn signature(root: Node<'_>, out: &mut Vec<Delta>) {
    let reasoning = root.get("item").filter(|item| item.get("type").is_some_and(|kind| kind.is("reasoning")));
    if let Some(Part::Thinking { signature: Some(signature), .. }) = reasoning.map(super::items::thinking) {
        out.push(Delta::Signature { choice: 0, signature });
    }
}

// ---- in place

/// By the event's type: the field that its deltas continue, and whether that is JSON source.
fn field(kind: &str) -> Option<(&'static str, bool)> {
    Some(match kind.strip_prefix("response.")?.strip_suffix(".delta")? {
        "output_text" => ("text", false),
        "refusal" => ("refusal", false),
        "reasoning_text" => ("reasoning_text", false),
        "reasoning_summary_text" => ("summary", false),
        "function_call_arguments" | "mcp_call_arguments" => ("arguments", true),
        "custom_tool_call_input" => ("input", false),
        "code_interpreter_call_code" => ("code", false),
        "audio.transcript" => ("transcript", false),
        "audio" => return None,
        _ => ("delta", false),
    })
}

pub(super) fn texts(root: Node<'_>) -> Vec<StreamText<'_>> {
    let kind = root.get("type").and_then(|kind| kind.as_str()).unwrap_or_default();
    let (Some((field, json)), Some(delta)) = (field(&kind), root.get("delta")) else { return Vec::new() };
    let small = |key| u32::try_from(index(root, key)).unwrap_or(u32::MAX);
    let part = small("content_index").max(small("summary_index")).max(small("command_index"));
    let choice = small("output_index");
    let text = |field, node| StreamText { channel: Channel { choice, field, part }, node, json };
    if delta.kind() == Kind::String {
        return vec![text(field, delta)];
    }
    // What a shell wrote comes in two channels at once.
    let of =
        |field| delta.get(field).filter(|node| node.kind() == Kind::String).map(|node| text(field, node));
    ["stdout", "stderr"].into_iter().filter_map(of).collect()
}
