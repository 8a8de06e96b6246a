//! A stream of messages from neutral steps.
//!
//! Here blocks come one after the other, each opened and closed; elsewhere the pieces of several tool calls may be
//! interleaved. So the first call is told as it comes, and what begins while it is open waits until the answer
//! stops. The prompt's tokens are often known only at the end: `message_delta` corrects what `message_start` said.

use serde::Serialize;

use super::answer::{Counts, finish};
use super::error;
use super::signatures::data;
use crate::chat::{Delta, Dialect, Signature, StopReason, Usage};
use crate::provider::StreamWriter;
use crate::provider::fields::{json, sealed};

#[derive(Default)]
pub(super) struct Writer {
    started: bool,
    id: String,
    model: String,
    usage: Usage,
    next_index: u32,
    open: Option<Kind>,
    /// What the open block of thinking says.
    thought: String,
    waiting: Vec<Waiting>,
    stop: Option<(StopReason, Option<String>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    Tool { call: u32 },
}

enum Waiting {
    Text(String),
    Tool { call: u32, id: String, name: String, json: String, signature: Option<Signature> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event<'w> {
    MessageStart { message: Message<'w> },
    ContentBlockStart { index: u32, content_block: Block<'w> },
    ContentBlockDelta { index: u32, delta: Piece<'w> },
    ContentBlockStop { index: u32 },
    MessageDelta { delta: Stop<'w>, usage: Counts },
    MessageStop,
}

#[derive(Serialize)]
struct Message<'w> {
    id: &'w str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'w str,
    content: [(); 0],
    stop_reason: Option<()>,
    stop_sequence: Option<()>,
    usage: Counts,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'w> {
    Text { text: &'static str },
    Thinking { thinking: &'static str, signature: &'static str },
    RedactedThinking { data: &'w str },
    ToolUse { id: &'w str, name: &'w str, input: Empty },
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Piece<'w> {
    #[serde(rename = "text_delta")]
    Text { text: &'w str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'w str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'w str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'w str },
}

#[derive(Serialize)]
struct Stop<'w> {
    stop_reason: &'static str,
    stop_sequence: Option<&'w str>,
}

impl StreamWriter for Writer {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
                self.start(out);
            }
            Delta::Text { choice: 0, text } | Delta::Refusal { choice: 0, text } => self.text(text, out),
            Delta::Thinking { choice: 0, text } if !self.in_tool() => {
                self.piece(Kind::Thinking, Piece::Thinking { thinking: text }, out);
                self.thought.push_str(text);
            }
            Delta::Signature { choice: 0, signature } if self.open == Some(Kind::Thinking) => {
                let text = std::mem::take(&mut self.thought);
                let signature = &sealed(signature, &text, Dialect::Anthropic);
                self.piece(Kind::Thinking, Piece::Signature { signature }, out);
            }
            Delta::Signature { choice: 0, signature } if !self.in_tool() => self.redacted(signature, out),
            Delta::ToolStart { choice: 0, call, id, name, signature } => {
                if self.in_tool() {
                    let (id, name, signature) = (id.clone(), name.clone(), signature.clone());
                    self.waiting.push(Waiting::Tool {
                        call: *call,
                        id,
                        name,
                        json: String::new(),
                        signature,
                    });
                } else {
                    self.tool(*call, id, name, signature.as_ref(), out);
                }
            }
            Delta::ToolArguments { choice: 0, call, json } => self.arguments(*call, json, out),
            Delta::Stop { choice: 0, reason, sequence } => {
                self.settle(out);
                self.stop = Some((*reason, sequence.clone()));
            }
            Delta::Usage(usage) => self.usage = *usage,
            Delta::Error(failure) => out.extend(error::in_stream(&failure.into())),
            // `finish` writes the end. There is one answer: a request for more is refused. Thinking after a call
            // has no place.
            Delta::End
            | Delta::Text { .. }
            | Delta::Refusal { .. }
            | Delta::Thinking { .. }
            | Delta::Signature { .. }
            | Delta::Logprobs { .. }
            | Delta::ToolStart { .. }
            | Delta::ToolArguments { .. }
            | Delta::Stop { .. } => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        self.settle(out);
        let (reason, sequence) = self.stop.take().unwrap_or((StopReason::Stop, None));
        let delta = Stop { stop_reason: finish(reason), stop_sequence: sequence.as_deref() };
        event("message_delta", &Event::MessageDelta { delta, usage: self.usage.into() }, out);
        event("message_stop", &Event::MessageStop, out);
    }
}

impl Writer {
    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let message = Message {
            id: &self.id,
            kind: "message",
            role: "assistant",
            model: &self.model,
            content: [],
            stop_reason: None,
            stop_sequence: None,
            usage: self.usage.into(),
        };
        event("message_start", &Event::MessageStart { message }, out);
    }

    fn in_tool(&self) -> bool {
        matches!(self.open, Some(Kind::Tool { .. }))
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        if self.in_tool() {
            match self.waiting.last_mut() {
                Some(Waiting::Text(before)) => before.push_str(text),
                _ => self.waiting.push(Waiting::Text(text.to_owned())),
            }
            return;
        }
        self.piece(Kind::Text, Piece::Text { text }, out);
    }

    /// What has no block of its own.
    fn redacted(&mut self, signature: &Signature, out: &mut Vec<u8>) {
        let data = &data(signature);
        self.open(Kind::Thinking, Block::RedactedThinking { data }, out);
        self.close(out);
    }

    /// A call's signature stands before it.
    fn tool(&mut self, call: u32, id: &str, name: &str, signature: Option<&Signature>, out: &mut Vec<u8>) {
        if let Some(signature) = signature {
            self.redacted(signature, out);
        }
        self.open(Kind::Tool { call }, Block::ToolUse { id, name, input: Empty {} }, out);
    }

    fn arguments(&mut self, call: u32, json: &str, out: &mut Vec<u8>) {
        if self.open == Some(Kind::Tool { call }) {
            self.piece(Kind::Tool { call }, Piece::InputJson { partial_json: json }, out);
            return;
        }
        for waiting in &mut self.waiting {
            match waiting {
                Waiting::Tool { call: own, json: before, .. } if *own == call => before.push_str(json),
                _ => {}
            }
        }
    }

    /// Goes on in the open block, or opens one of this kind.
    fn piece(&mut self, kind: Kind, delta: Piece<'_>, out: &mut Vec<u8>) {
        if self.open != Some(kind) {
            let block = match kind {
                Kind::Thinking => Block::Thinking { thinking: "", signature: "" },
                Kind::Text | Kind::Tool { .. } => Block::Text { text: "" },
            };
            self.open(kind, block, out);
        }
        let index = self.next_index.saturating_sub(1);
        event("content_block_delta", &Event::ContentBlockDelta { index, delta }, out);
    }

    fn open(&mut self, kind: Kind, block: Block<'_>, out: &mut Vec<u8>) {
        self.start(out);
        self.close(out);
        self.thought.clear();
        let index = self.next_index;
        self.next_index = self.next_index.saturating_add(1);
        self.open = Some(kind);
        event("content_block_start", &Event::ContentBlockStart { index, content_block: block }, out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            let index = self.next_index.saturating_sub(1);
            event("content_block_stop", &Event::ContentBlockStop { index }, out);
        }
    }

    /// Closes what is open, and tells what waited.
    fn settle(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting {
                Waiting::Text(text) => self.piece(Kind::Text, Piece::Text { text: &text }, out),
                Waiting::Tool { call, id, name, json, signature } => {
                    self.tool(call, &id, &name, signature.as_ref(), out);
                    self.piece(Kind::Tool { call }, Piece::InputJson { partial_json: &json }, out);
                }
            }
        }
        self.close(out);
    }
}

fn event(name: &str, event: &Event<'_>, out: &mut Vec<u8>) {
    write_event(name, &json(event), out);
}

pub(super) fn write_event(name: &str, data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}
