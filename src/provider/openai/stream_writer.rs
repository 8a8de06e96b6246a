//! A stream of chat completions from neutral steps.

use std::collections::BTreeSet;

use serde::Serialize;

use super::answer::{Counts, finish};
use super::error;
use crate::chat::{Delta, Usage};
use crate::provider::StreamWriter;
use crate::provider::fields::json;

pub(super) struct Writer {
    created: u64,
    /// The caller wants usage.
    wants_usage: bool,
    id: String,
    model: String,
    /// Answers whose role was told.
    begun: BTreeSet<u32>,
    usage: Option<Usage>,
}

#[derive(Serialize)]
struct Chunk<'w> {
    id: &'w str,
    object: &'static str,
    created: u64,
    model: &'w str,
    choices: Vec<Step<'w>>,
    /// `null` on all chunks but the last, where usage is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Counts>>,
}

#[derive(Serialize)]
struct Step<'w> {
    index: u32,
    delta: Piece<'w>,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize, Default)]
struct Piece<'w> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallPiece<'w>; 1]>,
}

#[derive(Serialize)]
struct CallPiece<'w> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'w str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: CalledPiece<'w>,
}

#[derive(Serialize)]
struct CalledPiece<'w> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'w str>,
    arguments: &'w str,
}

impl Writer {
    pub(super) fn new(created: u64, wants_usage: bool) -> Self {
        Self {
            created,
            wants_usage,
            id: String::new(),
            model: String::new(),
            begun: BTreeSet::new(),
            usage: None,
        }
    }

    fn step(
        &mut self,
        choice: u32,
        delta: Piece<'_>,
        finish_reason: Option<&'static str>,
        out: &mut Vec<u8>,
    ) {
        self.begin(choice, out);
        self.chunk(vec![Step { index: choice, delta, finish_reason }], None, out);
    }

    /// The first chunk of an answer says whose turn it is.
    fn begin(&mut self, choice: u32, out: &mut Vec<u8>) {
        if self.begun.insert(choice) {
            let delta = Piece { role: Some("assistant"), content: Some(""), ..Piece::default() };
            self.chunk(vec![Step { index: choice, delta, finish_reason: None }], None, out);
        }
    }

    fn chunk(&self, choices: Vec<Step<'_>>, usage: Option<Usage>, out: &mut Vec<u8>) {
        event(
            &json(&Chunk {
                id: &self.id,
                object: "chat.completion.chunk",
                created: self.created,
                model: &self.model,
                choices,
                usage: self.wants_usage.then(|| usage.map(Counts::from)),
            }),
            out,
        );
    }
}

pub(super) fn event(data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

impl StreamWriter for Writer {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
                self.begin(0, out);
            }
            Delta::Text { choice, text } => {
                self.step(*choice, Piece { content: Some(text), ..Piece::default() }, None, out);
            }
            Delta::Refusal { choice, text } => {
                self.step(*choice, Piece { refusal: Some(text), ..Piece::default() }, None, out);
            }
            Delta::Thinking { choice, text } => {
                self.step(*choice, Piece { reasoning_content: Some(text), ..Piece::default() }, None, out);
            }
            Delta::ToolStart { choice, call, id, name, signature: _ } => {
                let function = CalledPiece { name: Some(name), arguments: "" };
                let call = CallPiece { index: *call, id: Some(id), kind: Some("function"), function };
                self.step(*choice, Piece { tool_calls: Some([call]), ..Piece::default() }, None, out);
            }
            Delta::ToolArguments { choice, call, json } => {
                let function = CalledPiece { name: None, arguments: json };
                let call = CallPiece { index: *call, id: None, kind: None, function };
                self.step(*choice, Piece { tool_calls: Some([call]), ..Piece::default() }, None, out);
            }
            Delta::Stop { choice, reason, .. } => {
                self.step(*choice, Piece::default(), Some(finish(*reason)), out);
            }
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Error(failure) => out.extend(error::in_stream(&failure.into())),
            // This dialect has no field for the one, and `finish` writes the other.
            Delta::Signature { .. } | Delta::Logprobs { .. } | Delta::End => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let (true, Some(usage)) = (self.wants_usage, self.usage) {
            self.chunk(Vec::new(), Some(usage), out);
        }
        event(b"[DONE]", out);
    }
}
