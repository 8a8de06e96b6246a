//! A stream of generated content from neutral steps, as server-sent events or as one JSON array.
//!
//! A call is told whole, and the reason for stopping with the final usage, which other providers send after it: both wait
//! for the end.

use std::collections::BTreeMap;

use super::answer::{candidate, finish_reason, function_call, message, thought, with_logprobs};
use super::{error, signature};
use crate::chat::{Delta, StopReason, ToolCall, Usage};
use crate::provider::StreamWriter;
use crate::provider::build::Object;
use crate::wire::json::quote;

#[derive(Default)]
pub(super) struct Writer {
    as_array: bool,
    begun: bool,
    id: String,
    model: String,
    usage: Option<Usage>,
    calls: BTreeMap<(u32, u32), ToolCall>,
    stops: BTreeMap<u32, StopReason>,
}

impl Writer {
    pub(super) fn new(as_array: bool) -> Self {
        Self { as_array, ..Self::default() }
    }

    fn part(&mut self, choice: u32, part: String, out: &mut Vec<u8>) {
        let candidate = candidate(u64::from(choice), &[part]).end();
        self.message(&[candidate], out);
    }

    fn message(&mut self, candidates: &[String], out: &mut Vec<u8>) {
        let message = message(candidates, self.usage, &self.model, &self.id);
        let (before, after) = match (self.as_array, self.begun) {
            (false, _) => ("data: ", "\r\n\r\n"),
            (true, false) => ("[", ""),
            (true, true) => (",\r\n", ""),
        };
        self.begun = true;
        for text in [before, &message, after] {
            out.extend_from_slice(text.as_bytes());
        }
    }
}

impl StreamWriter for Writer {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
            }
            Delta::Text { text, .. } | Delta::Refusal { text, .. } | Delta::Thinking { text, .. }
                if text.is_empty() => {}
            Delta::Text { choice, text } | Delta::Refusal { choice, text } => {
                self.part(*choice, Object::new().text("text", text).end(), out);
            }
            Delta::Thinking { choice, text } => self.part(*choice, thought(text, None), out),
            Delta::Signature { choice, signature } => {
                let signature = quote(&signature::write(signature));
                self.part(*choice, thought("", Some(&signature)), out);
            }
            Delta::ToolStart { choice, call, id, name, signature } => {
                let own = ToolCall {
                    id: id.clone(),
                    name: name.clone(),
                    arguments: String::new(),
                    signature: signature.clone(),
                };
                self.calls.insert((*choice, *call), own);
            }
            Delta::ToolArguments { choice, call, json } => {
                if let Some(call) = self.calls.get_mut(&(*choice, *call)) {
                    call.arguments.push_str(json);
                }
            }
            Delta::Logprobs { choice, logprobs } => {
                let candidate = with_logprobs(candidate(u64::from(*choice), &[]), logprobs).end();
                self.message(&[candidate], out);
            }
            Delta::Stop { choice, reason, sequence: _ } => {
                self.stops.insert(*choice, *reason);
            }
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Error(failure) => out.extend(error::in_stream(&failure.into())),
            // `finish` writes the end.
            Delta::End => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let calls = std::mem::take(&mut self.calls);
        let mut stops = std::mem::take(&mut self.stops);
        if stops.is_empty() {
            stops.insert(0, StopReason::Stop);
        }
        let candidates: Vec<String> = stops
            .into_iter()
            .map(|(choice, reason)| {
                let own = calls.iter().filter(|((of, _), _)| *of == choice);
                let parts: Vec<String> = own.map(|(_, call)| function_call(call)).collect();
                candidate(u64::from(choice), &parts).text("finishReason", finish_reason(reason)).end()
            })
            .collect();
        self.message(&candidates, out);
        if self.as_array {
            out.extend_from_slice(b"\r\n]");
        }
    }
}
