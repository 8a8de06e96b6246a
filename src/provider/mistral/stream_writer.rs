//! A stream of Mistral's from neutral steps.
//!
//! Its SDK reads a call only where it comes whole, and usage in the chunk that ends the last answer: calls are kept until
//! their answer stops, and ends until the stream does.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{call, counts, seal, thinking};
use super::error;
use crate::chat::{Delta, Logprob, StopReason, ToolCall, Usage};
use crate::provider::StreamWriter;
use crate::provider::build::{Object, list};
use crate::provider::openai::{event, finish, likely};
use crate::wire::json::quote;

#[derive(Default)]
pub(super) struct Writer {
    created: u64,
    id: String,
    model: String,
    /// Answers whose role was told.
    begun: BTreeSet<u32>,
    /// What an answer thought since its last signature.
    thought: BTreeMap<u32, String>,
    /// By answer, and as they are counted there.
    calls: BTreeMap<u32, BTreeMap<u32, ToolCall>>,
    /// Of the text that comes next.
    logprobs: BTreeMap<u32, Vec<Logprob>>,
    stops: Vec<(u32, StopReason)>,
    usage: Option<Usage>,
}

impl Writer {
    pub(super) fn new(created: u64) -> Self {
        Self { created, ..Self::default() }
    }

    /// The first chunk of an answer says whose turn it is.
    fn begin(&mut self, choice: u32, out: &mut Vec<u8>) {
        if self.begun.insert(choice) {
            let role = Object::new().text("role", "assistant").text("content", "");
            self.chunk(&[step(choice, role, None, &[])], None, out);
        }
    }

    fn tell(&mut self, choice: u32, delta: Object, out: &mut Vec<u8>) {
        self.begin(choice, out);
        self.chunk(&[step(choice, delta, None, &[])], None, out);
    }

    fn part(&mut self, choice: u32, part: Object, out: &mut Vec<u8>) {
        self.tell(choice, Object::new().raw("content", &list(&[part.end()])), out);
    }

    /// What goes with its tokens' likelihoods: a text, or the end.
    fn speak(
        &mut self,
        choice: u32,
        text: &str,
        stop: Option<StopReason>,
        usage: Option<Usage>,
        out: &mut Vec<u8>,
    ) {
        self.begin(choice, out);
        let logprobs = self.logprobs.remove(&choice).unwrap_or_default();
        let delta = Object::new().text("content", text);
        self.chunk(&[step(choice, delta, stop, &logprobs)], usage, out);
    }

    fn chunk(&self, choices: &[String], usage: Option<Usage>, out: &mut Vec<u8>) {
        let chunk = Object::new()
            .text("id", &self.id)
            .text("object", "chat.completion.chunk")
            .number("created", self.created)
            .text("model", &self.model)
            .raw("choices", &list(choices))
            .maybe("usage", usage.map(counts).as_deref());
        event(chunk.end().as_bytes(), out);
    }

    /// The calls of an answer that has stopped.
    fn tell_calls(&mut self, choice: u32, out: &mut Vec<u8>) {
        let calls = self.calls.remove(&choice).unwrap_or_default();
        for (index, own) in calls.values().enumerate() {
            self.tell(choice, Object::new().raw("tool_calls", &list(&[call(index, own)])), out);
        }
    }
}

fn step(choice: u32, delta: Object, stop: Option<StopReason>, logprobs: &[Logprob]) -> String {
    let stop = stop.map_or_else(|| "null".to_owned(), |reason| quote(finish(reason)));
    Object::new()
        .number("index", choice.into())
        .raw("delta", &delta.end())
        .raw("finish_reason", &stop)
        .maybe("logprobs", likely(logprobs).as_deref().map(|logprobs| logprobs.get()))
        .end()
}

impl StreamWriter for Writer {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
                self.begin(0, out);
            }
            Delta::Text { choice, text } | Delta::Refusal { choice, text } => {
                self.speak(*choice, text, None, None, out);
            }
            Delta::Thinking { choice, text } => {
                self.thought.entry(*choice).or_default().push_str(text);
                self.part(*choice, thinking(text, None), out);
            }
            Delta::Signature { choice, signature } => {
                let text = self.thought.remove(choice).unwrap_or_default();
                self.part(*choice, seal(signature, &text), out);
            }
            Delta::ToolStart { choice, call, id, name, signature } => {
                let own = ToolCall {
                    id: id.clone(),
                    name: name.clone(),
                    arguments: String::new(),
                    signature: signature.clone(),
                };
                self.calls.entry(*choice).or_default().insert(*call, own);
            }
            Delta::ToolArguments { choice, call, json } => {
                let calls = self.calls.entry(*choice).or_default();
                if let Some(call) = calls.get_mut(call) {
                    call.arguments.push_str(json);
                }
            }
            Delta::Stop { choice, reason, .. } => {
                self.tell_calls(*choice, out);
                self.stops.push((*choice, *reason));
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
        while let Some(choice) = self.calls.keys().next().copied() {
            self.tell_calls(choice, out);
        }
        let mut usage = self.usage.take();
        let stops = std::mem::take(&mut self.stops);
        for (number, (choice, reason)) in stops.iter().enumerate() {
            let usage = if number + 1 == stops.len() { usage.take() } else { None };
            self.speak(*choice, "", Some(*reason), usage, out);
        }
        // A stream that only its marker ended.
        if usage.is_some() {
            self.chunk(&[], usage, out);
        }
        event(b"[DONE]", out);
    }
}
