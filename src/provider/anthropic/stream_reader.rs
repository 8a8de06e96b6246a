//! Streams of messages, event by event.

use super::answer::{stop, usage};
use super::signatures::of_data;
use crate::chat::{Delta, Dialect, Malformed, Signature, Usage};
use crate::provider::failure::{Fault, stopped};
use crate::provider::fields::{malformed, object, text_of, unsigned};
use crate::provider::{Channel, StreamReader, StreamText};
use crate::wire::json::{Document, Kind, Node};

#[derive(Default)]
pub(super) struct Reader {
    /// `message_start` tells the prompt, `message_delta` the answer.
    usage: Usage,
    /// The tools called so far; the provider counts all blocks.
    calls: u32,
    open: Option<Open>,
    /// Another vendor's, of the call that may follow.
    signature: Option<Signature>,
    /// Something of the answer came.
    told: bool,
    stopped: bool,
    failed: bool,
}

/// A call of a tool that is being told.
struct Open {
    index: u64,
    call: u32,
    has_arguments: bool,
}

impl StreamReader for Reader {
    fn read(&mut self, _name: Option<&str>, data: &[u8]) -> Result<Vec<Delta>, Malformed> {
        let document = Document::parse_lenient(data.trim_ascii()).map_err(|_| malformed("", "JSON"))?;
        let root = document.root();
        object(root, "")?;
        let mut out = Vec::new();
        let kind = root.get("type").and_then(|kind| kind.as_str());
        match kind.as_deref() {
            Some("message_start") => self.start(root, &mut out),
            Some("content_block_start") => self.block(root, &mut out),
            Some("content_block_delta") => self.delta(root, &mut out),
            Some("content_block_stop") => self.close(&mut out),
            Some("message_delta") => self.stop(root, &mut out),
            Some("message_stop") => {
                self.stopped = true;
                out.push(Delta::End);
            }
            Some("error") => {
                self.failed = true;
                out.push(Delta::Error(Fault::read(root).unwrap_or_default().classify(super::FAILURES)));
            }
            // `ping`, and whatever a later version of the API adds.
            _ => {}
        }
        self.told |= out.iter().any(Delta::is_useful);
        Ok(out)
    }

    fn is_complete(&self) -> bool {
        self.stopped && !self.failed
    }
}

impl Reader {
    fn start(&mut self, root: Node<'_>, out: &mut Vec<Delta>) {
        let Some(message) = root.get("message") else { return };
        let text = |key| text_of(message, key).unwrap_or_default();
        out.push(Delta::Start { id: text("id"), model: text("model") });
        self.count(message.get("usage"), out);
    }

    fn count(&mut self, node: Option<Node<'_>>, out: &mut Vec<Delta>) {
        if let Some(usage) = usage(node, self.usage) {
            self.usage = usage;
            out.push(Delta::Usage(usage));
        }
    }

    fn block(&mut self, root: Node<'_>, out: &mut Vec<Delta>) {
        self.close(out);
        let Some(block) = root.get("content_block") else { return };
        let mut signed_before = self.signature.take();
        if !block.get("type").is_some_and(|kind| kind.is("tool_use")) {
            out.extend(signed_before.take().map(|signature| Delta::Signature { choice: 0, signature }));
        }
        match text_of(block, "type").as_deref() {
            Some("text") => push_text(text_of(block, "text"), out, |text| Delta::Text { choice: 0, text }),
            Some("thinking") => {
                push_text(text_of(block, "thinking"), out, |text| Delta::Thinking { choice: 0, text });
            }
            Some("redacted_thinking") => {
                let signature = of_data(text_of(block, "data").unwrap_or_default());
                match signature.by {
                    Dialect::Anthropic => out.push(Delta::Signature { choice: 0, signature }),
                    _ => self.signature = Some(signature),
                }
            }
            Some("tool_use") => {
                let call = self.calls;
                self.calls = self.calls.saturating_add(1);
                let text = |key| text_of(block, key).unwrap_or_default();
                out.push(Delta::ToolStart {
                    choice: 0,
                    call,
                    id: text("id"),
                    name: text("name"),
                    signature: signed_before,
                });
                let input =
                    block.get("input").filter(|input| input.kind() == Kind::Object && !input.is_empty());
                if let Some(input) = input {
                    out.push(Delta::ToolArguments { choice: 0, call, json: input.raw().to_owned() });
                }
                self.open = Some(Open { index: index_of(root), call, has_arguments: input.is_some() });
            }
            // The provider's own tools: only for those who asked for them in this API.
            _ => {}
        }
    }

    fn delta(&mut self, root: Node<'_>, out: &mut Vec<Delta>) {
        let Some(delta) = root.get("delta") else { return };
        match text_of(delta, "type").as_deref() {
            Some("text_delta") => {
                push_text(text_of(delta, "text"), out, |text| Delta::Text { choice: 0, text })
            }
            Some("thinking_delta") => {
                push_text(text_of(delta, "thinking"), out, |text| Delta::Thinking { choice: 0, text });
            }
            Some("signature_delta") => push_text(text_of(delta, "signature"), out, |signature| {
                Delta::Signature { choice: 0, signature: unsigned(signature, Dialect::Anthropic) }
            }),
            Some("input_json_delta") => {
                let json = text_of(delta, "partial_json").filter(|json| !json.is_empty());
                let open = self.open.as_mut().filter(|open| open.index == index_of(root));
                if let (Some(open), Some(json)) = (open, json) {
                    open.has_arguments = true;
                    out.push(Delta::ToolArguments { choice: 0, call: open.call, json });
                }
            }
            _ => {}
        }
    }

    /// A tool without arguments is told none, where others expect an empty object.
    fn close(&mut self, out: &mut Vec<Delta>) {
        if let Some(Open { call, has_arguments: false, .. }) = self.open.take() {
            out.push(Delta::ToolArguments { choice: 0, call, json: "{}".to_owned() });
        }
    }

    fn stop(&mut self, root: Node<'_>, out: &mut Vec<Delta>) {
        self.count(root.get("usage"), out);
        out.extend(self.signature.take().map(|signature| Delta::Signature { choice: 0, signature }));
        let Some(delta) = root.get("delta") else { return };
        if let Some(reason) = text_of(delta, "stop_reason") {
            if let Some(error) = stopped(super::FAILURES, &reason, self.told) {
                self.failed = true;
                return out.push(Delta::Error(error));
            }
            self.stopped = true;
            out.push(Delta::Stop {
                choice: 0,
                reason: stop(&reason),
                sequence: text_of(delta, "stop_sequence"),
            });
        }
    }
}

fn push_text(text: Option<String>, out: &mut Vec<Delta>, delta: impl FnOnce(String) -> Delta) {
    out.extend(text.filter(|text| !text.is_empty()).map(delta));
}

fn index_of(root: Node<'_>) -> u64 {
    root.get("index").and_then(|index| index.as_u64()).unwrap_or(0)
}

// ---- in place

/// Thinking is not among them: it is signed.
pub(super) fn texts(root: Node<'_>) -> Vec<StreamText<'_>> {
    let part = u32::try_from(index_of(root)).unwrap_or(u32::MAX);
    let text = |field, path: &[&str], json| {
        let node = root.path(path).filter(|node| node.kind() == Kind::String)?;
        Some(StreamText { channel: Channel { choice: 0, field, part }, node, json })
    };
    let kind = root.get("type").and_then(|kind| kind.as_str());
    match kind.as_deref() {
        Some("content_block_start") => text("text", &["content_block", "text"], false).into_iter().collect(),
        Some("content_block_delta") => {
            let of = |kind: &str| root.path(&["delta", "type"]).is_some_and(|node| node.is(kind));
            if of("text_delta") {
                text("text", &["delta", "text"], false).into_iter().collect()
            } else if of("input_json_delta") {
                text("partial_json", &["delta", "partial_json"], true).into_iter().collect()
            } else {
                Vec::new()
            }
        }
        _ => Vec::new(),
    }
}
