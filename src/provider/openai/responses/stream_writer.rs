//! A stream of Responses from neutral steps.
//!
//! Items may lie side by side here, each with its index. So a call stays open until the answer stops, however its
//! pieces are interleaved with those of others; text and thinking are closed when something else begins. What was told
//! piece by piece is told again as a whole, which is why the whole answer is kept. (The engine bounds it.)

use super::super::error;
use super::super::logprobs;
use super::answer::{Reply, item_status};
use super::items::{Item, Said, summary};
use crate::chat::{Delta, Logprob, StopReason, Usage};
use crate::provider::build::{Object, list};
use crate::provider::{ApiError, StreamWriter};
use crate::wire::json::quote;
use crate::wire::sse::write_event;

pub(super) struct Writer {
    created: u64,
    /// Of the next event.
    number: u64,
    begun: bool,
    id: String,
    model: String,
    items: Vec<Told>,
    /// Of the text that comes next.
    logprobs: Vec<Logprob>,
    stop: Option<StopReason>,
    usage: Option<Usage>,
}

/// An item that was begun.
struct Told {
    item: Item,
    id: String,
    /// As it was closed; `None` while it is open.
    whole: Option<String>,
    /// Of the neutral steps.
    call: u32,
}

impl StreamWriter for Writer {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
                self.begin(out);
            }
            Delta::Text { choice: 0, text } => self.say(false, text, out),
            Delta::Refusal { choice: 0, text } => self.say(true, text, out),
            Delta::Thinking { choice: 0, text } => self.think(text, out),
            Delta::Signature { choice: 0, signature } => {
                let at = self.thinking(out);
                if let Some(Told { item: Item::Thinking { signature: own, .. }, .. }) = self.items.get_mut(at)
                {
                    *own = Some(signature.clone());
                }
            }
            Delta::ToolStart { choice: 0, call, id, name, signature } => {
                if signature.is_some() {
                    self.open(Item::Thinking { text: String::new(), signature: signature.clone() }, 0, out);
                }
                let arguments = String::new();
                self.open(Item::Call { id: id.clone(), name: name.clone(), arguments }, *call, out);
            }
            Delta::ToolArguments { choice: 0, call, json } => self.arguments(*call, json, out),
            Delta::Logprobs { choice: 0, logprobs } => self.logprobs.extend_from_slice(logprobs),
            Delta::Stop { choice: 0, reason, .. } => self.stop = Some(*reason),
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Error(failure) => {
                out.extend(error_event(&failure.into(), self.number));
                self.number += 1;
            }
            // `finish` writes the end. There is one answer: the API has no way to ask for more.
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
        self.begin(out);
        let stop = self.stop.unwrap_or(StopReason::Stop);
        self.stop = Some(stop);
        // Told after the text: they stand with it where it is told as a whole.
        let rest = std::mem::take(&mut self.logprobs);
        let spoken =
            self.items.iter_mut().rev().filter(|told| told.whole.is_none()).find_map(|told| match &mut told
                .item
            {
                Item::Message(said) => said.last_mut(),
                _ => None,
            });
        if let Some(said) = spoken {
            said.logprobs.extend(rest);
        }
        let last = self.items.len().saturating_sub(1);
        for at in 0..self.items.len() {
            self.close(at, if at == last { item_status(stop) } else { "completed" }, out);
        }
        let kind = match item_status(stop) {
            "incomplete" => "response.incomplete",
            _ => "response.completed",
        };
        self.state(kind, out);
    }

    fn next_number(&self) -> u64 {
        self.number
    }
}

impl Writer {
    pub(super) fn new(created: u64) -> Self {
        Self {
            created,
            number: 0,
            begun: false,
            id: String::new(),
            model: String::new(),
            items: Vec::new(),
            logprobs: Vec::new(),
            stop: None,
            usage: None,
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            self.state("response.created", out);
            self.state("response.in_progress", out);
        }
    }

    /// The answer as far as it is closed.
    fn state(&mut self, kind: &str, out: &mut Vec<u8>) {
        let output: Vec<String> = self.items.iter().filter_map(|told| told.whole.clone()).collect();
        let reply = Reply { id: &self.id, model: &self.model, created: self.created, stop: self.stop };
        let response = reply.write(&list(&output), self.usage.filter(|_| self.stop.is_some()));
        self.event(kind, &Object::new().raw("response", &response), out);
    }

    fn event(&mut self, kind: &str, members: &Object, out: &mut Vec<u8>) {
        let event = Object::new().text("type", kind).number("sequence_number", self.number);
        write_event(Some(kind), &event.and(members).end(), out);
        self.number += 1;
    }

    /// An event about one item.
    fn about(&mut self, kind: &str, at: usize, members: &[(&str, &str)], out: &mut Vec<u8>) {
        let id = self.items.get(at).map_or("", |told| &told.id);
        let mut event = Object::new().text("item_id", id).number("output_index", at as u64);
        for (key, json) in members {
            event = event.raw(key, json);
        }
        self.event(kind, &event, out);
    }

    // ---- items

    /// Closes text and thinking before it.
    fn open(&mut self, item: Item, call: u32, out: &mut Vec<u8>) -> usize {
        self.begin(out);
        for at in 0..self.items.len() {
            if !matches!(self.items.get(at), Some(Told { item: Item::Call { .. }, .. })) {
                self.close(at, "completed", out);
            }
        }
        let at = self.items.len();
        let id = item.id(&self.id, at);
        let begun = item.begun(&id);
        self.items.push(Told { item, id, whole: None, call });
        let event = Object::new().number("output_index", at as u64).raw("item", &begun);
        self.event("response.output_item.added", &event, out);
        at
    }

    fn close(&mut self, at: usize, status: &str, out: &mut Vec<u8>) {
        let Some(told) = self.items.get(at).filter(|told| told.whole.is_none()) else { return };
        let missing = match &told.item {
            Item::Call { arguments, .. } if arguments.is_empty() => Some(told.call),
            _ => None,
        };
        if let Some(call) = missing {
            self.arguments(call, "{}", out);
        }
        let Some(Told { item, id, .. }) = self.items.get(at) else { return };
        let whole = item.whole(id, status);
        match item {
            Item::Message(_) => self.close_part(at, out),
            Item::Thinking { text, .. } if text.is_empty() => {}
            Item::Thinking { text, .. } => {
                let (part, text) = (summary(text), quote(text));
                let done = [("summary_index", "0"), ("text", text.as_str())];
                self.about("response.reasoning_summary_text.done", at, &done, out);
                let done = [("summary_index", "0"), ("part", part.as_str())];
                self.about("response.reasoning_summary_part.done", at, &done, out);
            }
            Item::Call { arguments, name, .. } => {
                let (name, arguments) = (quote(name), quote(arguments));
                let done = [("name", name.as_str()), ("arguments", arguments.as_str())];
                self.about("response.function_call_arguments.done", at, &done, out);
            }
        }
        let event = Object::new().number("output_index", at as u64).raw("item", &whole);
        self.event("response.output_item.done", &event, out);
        if let Some(told) = self.items.get_mut(at) {
            told.whole = Some(whole);
        }
    }

    /// The last item, if it is open.
    fn last(&self) -> Option<(usize, &Item)> {
        let at = self.items.len().checked_sub(1)?;
        self.items.get(at).filter(|told| told.whole.is_none()).map(|told| (at, &told.item))
    }

    // ---- text

    fn say(&mut self, refusal: bool, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        let at = match self.last() {
            Some((at, Item::Message(_))) => at,
            _ => self.open(Item::Message(Vec::new()), 0, out),
        };
        self.open_part(at, refusal, out);
        let logprobs = if refusal { Vec::new() } else { std::mem::take(&mut self.logprobs) };
        let told = logprobs::write(&logprobs);
        let Some(Told { item: Item::Message(parts), .. }) = self.items.get_mut(at) else { return };
        let number = parts.len().saturating_sub(1).to_string();
        if let Some(said) = parts.last_mut() {
            said.text.push_str(text);
            said.logprobs.extend(logprobs);
        }
        let text = quote(text);
        let members = [("content_index", number.as_str()), ("delta", &text), ("logprobs", &told)];
        if refusal {
            self.about("response.refusal.delta", at, members.get(..2).unwrap_or_default(), out);
        } else {
            self.about("response.output_text.delta", at, &members, out);
        }
    }

    /// Goes on in the message's last part if it is of this kind.
    fn open_part(&mut self, at: usize, refusal: bool, out: &mut Vec<u8>) {
        let Some(Told { item: Item::Message(parts), .. }) = self.items.get(at) else { return };
        if parts.last().is_some_and(|last| last.refusal == refusal) {
            return;
        }
        let number = parts.len().to_string();
        self.close_part(at, out);
        if let Some(Told { item: Item::Message(parts), .. }) = self.items.get_mut(at) {
            parts.push(Said { refusal, ..Said::default() });
        }
        let part = Said::begun(refusal);
        let added = [("content_index", number.as_str()), ("part", part.as_str())];
        self.about("response.content_part.added", at, &added, out);
    }

    fn close_part(&mut self, at: usize, out: &mut Vec<u8>) {
        let Some(Told { item: Item::Message(parts), .. }) = self.items.get(at) else { return };
        let Some(said) = parts.last() else { return };
        let number = parts.len().saturating_sub(1).to_string();
        let (whole, text, likely) = (said.whole(), quote(&said.text), logprobs::write(&said.logprobs));
        if said.refusal {
            let done = [("content_index", number.as_str()), ("refusal", &text)];
            self.about("response.refusal.done", at, &done, out);
        } else {
            let done = [("content_index", number.as_str()), ("text", &text), ("logprobs", &likely)];
            self.about("response.output_text.done", at, &done, out);
        }
        let done = [("content_index", number.as_str()), ("part", &whole)];
        self.about("response.content_part.done", at, &done, out);
    }

    // ---- thinking

    /// The reasoning that goes on; what is signed does not.
    fn thinking(&mut self, out: &mut Vec<u8>) -> usize {
        match self.last() {
            Some((at, Item::Thinking { signature: None, .. })) => at,
            _ => self.open(Item::Thinking { text: String::new(), signature: None }, 0, out),
        }
    }

    fn think(&mut self, piece: &str, out: &mut Vec<u8>) {
        if piece.is_empty() {
            return;
        }
        let at = self.thinking(out);
        let Some(Told { item: Item::Thinking { text, .. }, .. }) = self.items.get_mut(at) else { return };
        let first = text.is_empty();
        text.push_str(piece);
        if first {
            let part = summary("");
            let added = [("summary_index", "0"), ("part", part.as_str())];
            self.about("response.reasoning_summary_part.added", at, &added, out);
        }
        let delta = [("summary_index", "0"), ("delta", &quote(piece))];
        self.about("response.reasoning_summary_text.delta", at, &delta, out);
    }

    // ---- calls

    fn arguments(&mut self, call: u32, json: &str, out: &mut Vec<u8>) {
        let of = |told: &Told| told.call == call && matches!(told.item, Item::Call { .. });
        let Some(at) = self.items.iter().position(of) else { return };
        if let Some(Told { item: Item::Call { arguments, .. }, .. }) = self.items.get_mut(at) {
            arguments.push_str(json);
        }
        self.about("response.function_call_arguments.delta", at, &[("delta", &quote(json))], out);
    }
}

/// Here an error is an event of its own, with its members at the top.
pub(super) fn error_event(error: &ApiError<'_>, number: u64) -> Vec<u8> {
    let param = error.param.map(quote);
    let event = Object::new()
        .text("type", "error")
        .text("code", error::own_code(error.code))
        .text("message", error.message)
        .raw("param", param.as_deref().unwrap_or("null"))
        .number("sequence_number", number);
    let mut out = Vec::new();
    write_event(Some("error"), &event.end(), &mut out);
    out
}
