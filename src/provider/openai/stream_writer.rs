//! A stream of chat completions from neutral steps.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Counts, finish, likely};
use super::{error, signatures};
use crate::chat::{Delta, Logprob, Usage};
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
    /// What an answer thought so far: told again with its signature.
    thought: BTreeMap<u32, Thought>,
    /// Of the text that comes next.
    logprobs: BTreeMap<u32, Vec<Logprob>>,
    usage: Option<Usage>,
}

#[derive(Default)]
struct Thought {
    text: String,
    signed: usize,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<Box<RawValue>>,
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
    reasoning_details: Option<[Box<RawValue>; 1]>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Box<RawValue>>,
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
            thought: BTreeMap::new(),
            logprobs: BTreeMap::new(),
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
        // They stand with the text that they are of; what is left goes with the end.
        let spoken = delta.content.is_some() || finish_reason.is_some();
        let logprobs = self.logprobs.get_mut(&choice).filter(|_| spoken).map(std::mem::take);
        let logprobs = likely(&logprobs.unwrap_or_default());
        self.chunk(vec![Step { index: choice, delta, logprobs, finish_reason }], None, out);
    }

    /// The first chunk of an answer says whose turn it is.
    fn begin(&mut self, choice: u32, out: &mut Vec<u8>) {
        if self.begun.insert(choice) {
            let delta = Piece { role: Some("assistant"), content: Some(""), ..Piece::default() };
            let step = Step { index: choice, delta, logprobs: None, finish_reason: None };
            self.chunk(vec![step], None, out);
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

pub(in crate::provider) fn event(data: &[u8], out: &mut Vec<u8>) {
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
                self.thought.entry(*choice).or_default().text.push_str(text);
                self.step(*choice, Piece { reasoning_content: Some(text), ..Piece::default() }, None, out);
            }
            Delta::Signature { choice, signature } => {
                let thought = self.thought.entry(*choice).or_default();
                let text = std::mem::take(&mut thought.text);
                let detail = signatures::write(&text, signature, thought.signed);
                thought.signed += 1;
                let reasoning_details = detail.map(|detail| [detail]);
                self.step(*choice, Piece { reasoning_details, ..Piece::default() }, None, out);
            }
            Delta::ToolStart { choice, call, id, name, signature } => {
                let function = CalledPiece { name: Some(name), arguments: "" };
                let extra_content = signatures::write_call(signature.as_ref());
                let call =
                    CallPiece { index: *call, id: Some(id), kind: Some("function"), function, extra_content };
                self.step(*choice, Piece { tool_calls: Some([call]), ..Piece::default() }, None, out);
            }
            Delta::ToolArguments { choice, call, json } => {
                let function = CalledPiece { name: None, arguments: json };
                let call = CallPiece { index: *call, id: None, kind: None, function, extra_content: None };
                self.step(*choice, Piece { tool_calls: Some([call]), ..Piece::default() }, None, out);
            }
            Delta::Stop { choice, reason, .. } => {
                self.step(*choice, Piece::default(), Some(finish(*reason)), out);
            }
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Error(failure) => out.extend(error::in_stream(&failure.into())),
            Delta::Logprobs { choice, logprobs } => {
                self.logprobs.entry(*choice).or_default().extend_from_slice(logprobs);
            }
            // `finish` writes it.
            Delta::End => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let (true, Some(usage)) = (self.wants_usage, self.usage) {
            self.chunk(Vec::new(), Some(usage), out);
        }
        event(b"[DONE]", out);
    }
}
