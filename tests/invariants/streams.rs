//! Random streams of both APIs, and what their texts come to.

use proptest::prelude::*;
use serde_json::{Value, json};

/// A stream before it is cut up by the network.
#[derive(Debug, Clone)]
pub struct Script {
    /// What each channel says as a whole.
    pub texts: Vec<Channel>,
    /// Which channel says the next few characters, and how many.
    pub pieces: Vec<(u8, u8)>,
    pub frame: Frame,
    pub usage: Usage,
    pub done: bool,
}

#[derive(Debug, Clone)]
pub struct Channel {
    pub choice: u8,
    pub kind: Kind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Arguments,
    Reasoning,
}

/// How events are written down.
#[derive(Debug, Clone)]
pub struct Frame {
    pub ending: &'static str,
    pub mark: bool,
    pub spaced: bool,
    pub multi_line: bool,
    pub comments: bool,
    /// `<` as an escape of the outer JSON.
    pub escaped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    None,
    Own,
    InLast,
    Nulls,
}

/// What the prompt of every script holds, and the placeholders that stand for it.
pub const VALUES: [(&str, &str); 3] = [
    ("EMAIL_1", "anna.keller@example.org"),
    ("EMAIL_2", "bob@example.org"),
    ("CODE_1", "Project \"Kes\\trel\""),
];
pub const PROMPT: &str = "anna.keller@example.org and bob@example.org of Project \"Kes\\trel\"";
pub const CODE: &str =
    r#""data": {"custom": [{"name": "code", "pattern": "Project \"[^\"]+\"", "action": "redact"}]}"#;

const TEXT: &[&str] = &[
    "<EMAIL_1>",
    "<EMAIL_2>",
    "<CODE_1>",
    "&lt;EMAIL_1&gt;",
    "<EMAIL_12>",
    "<EMAIL_",
    "<",
    "&lt",
    "a < b && c",
    "é",
    "😀",
    "\"",
    "\\",
    "\n",
    "plain words ",
    "<email_1>",
    "\\u003cEMAIL_1\\u003e",
    ">",
    "1>",
    "EMAIL_1",
    "[DONE]",
];
const SOURCE: &[&str] = &[
    "<EMAIL_1>",
    "<CODE_1>",
    "\\u003cEMAIL_1\\u003e",
    "\\u003CEMAIL_2\\u003E",
    "\\\\",
    "\\\\u003cEMAIL_1>",
    "\\n",
    "\\\"",
    "plain ",
    "<EMAIL_",
    "\\u003c",
    "<",
    "&lt;CODE_1&gt;",
    "é",
    "{\"q\":",
    "}",
    "😀",
    "\\u003cEMAIL",
];

pub fn script() -> impl Strategy<Value = Script> {
    let channel = (0u8..2, prop::sample::select(&[Kind::Text, Kind::Arguments, Kind::Reasoning][..]))
        .prop_flat_map(|(choice, kind)| {
            let tokens = if kind == Kind::Arguments { SOURCE } else { TEXT };
            prop::collection::vec(prop::sample::select(tokens), 1..8).prop_map(move |tokens| Channel {
                choice,
                kind,
                text: tokens.concat(),
            })
        });
    let frame = (
        prop::sample::select(&["\n", "\r\n", "\r"][..]),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(ending, mark, spaced, multi_line, comments, escaped)| Frame {
            ending,
            mark,
            spaced,
            multi_line,
            comments,
            escaped,
        });
    (
        prop::collection::vec(channel, 1..5),
        prop::collection::vec((0u8..5, 1u8..9), 0..30),
        frame,
        prop::sample::select(&[Usage::None, Usage::Own, Usage::InLast, Usage::Nulls][..]),
        any::<bool>(),
    )
        .prop_map(|(texts, pieces, frame, usage, done)| Script { texts, pieces, frame, usage, done })
}

/// What the caller reads in the end: every issued placeholder's value in its place, written as it must be there.
pub fn restored(text: &str, kind: Kind) -> String {
    let mut out = String::new();
    let mut rest = text;
    'next: while !rest.is_empty() {
        if kind == Kind::Arguments && rest.starts_with("\\\\") {
            out.push_str("\\\\");
            rest = &rest[2..];
            continue;
        }
        for (name, value) in VALUES {
            let escaped = serde_json::to_string(value).expect("a text");
            let value = if kind == Kind::Arguments { &escaped[1..escaped.len() - 1] } else { value };
            let mut spellings = vec![format!("<{name}>"), format!("&lt;{name}&gt;")];
            if kind == Kind::Arguments {
                for (open, close) in [("c", "e"), ("C", "E"), ("c", "E"), ("C", "e")] {
                    spellings.push(format!("\\u003{open}{name}\\u003{close}"));
                }
            }
            if let Some(spelling) = spellings.iter().find(|spelling| rest.starts_with(spelling.as_str())) {
                out.push_str(value);
                rest = &rest[spelling.len()..];
                continue 'next;
            }
        }
        let c = rest.chars().next().expect("a character");
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

impl Script {
    /// One answer, no reasoning in between, and blocks one after the other: what Anthropic's API can say.
    pub fn in_blocks(mut self) -> Self {
        for channel in &mut self.texts {
            channel.choice = 0;
        }
        self.texts.retain(|channel| channel.kind != Kind::Reasoning);
        if self.texts.is_empty() {
            self.texts.push(Channel { choice: 0, kind: Kind::Text, text: "<EMAIL_1>".to_owned() });
        }
        self
    }

    pub fn single_choice(mut self) -> Self {
        for channel in &mut self.texts {
            channel.choice = 0;
        }
        self
    }

    /// Without channels that would write into the same text.
    pub fn apart(mut self) -> Self {
        let mut seen = Vec::new();
        self.texts.retain(|channel| {
            let key = (channel.choice, channel.kind);
            let kept = channel.kind == Kind::Arguments || !seen.contains(&key);
            seen.push(key);
            kept
        });
        self
    }

    /// The texts' pieces in the order in which they are said.
    fn said(&self, interleaved: bool) -> Vec<(usize, String)> {
        let mut rests: Vec<Vec<char>> =
            self.texts.iter().map(|channel| channel.text.chars().collect()).collect();
        let mut said = Vec::new();
        let mut take = |channel: usize, count: usize| {
            let count = count.min(rests[channel].len());
            let piece: String = rests[channel].drain(..count).collect();
            if !piece.is_empty() {
                said.push((channel, piece));
            }
            count > 0
        };
        if interleaved {
            for (channel, count) in &self.pieces {
                take(usize::from(*channel) % self.texts.len(), usize::from(*count));
            }
            for channel in 0..self.texts.len() {
                take(channel, usize::MAX);
            }
        } else {
            let mut sizes = self.pieces.iter().map(|(_, count)| usize::from(*count)).cycle();
            for channel in 0..self.texts.len() {
                while take(channel, sizes.next().unwrap_or(usize::MAX)) {}
            }
        }
        said
    }

    pub fn openai(&self) -> Vec<u8> {
        let chunk = |choices: Value| {
            let mut chunk = json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4.1",
                "choices": choices});
            if self.usage == Usage::Nulls {
                chunk["usage"] = Value::Null;
            }
            chunk
        };
        let delta =
            |choice: u8, delta: Value| json!([{"index": choice, "delta": delta, "finish_reason": null}]);
        let mut choices: Vec<u8> = self.texts.iter().map(|channel| channel.choice).collect();
        choices.sort_unstable();
        choices.dedup();
        let mut events = Vec::new();
        for choice in &choices {
            events.push(chunk(delta(*choice, json!({"role": "assistant", "content": ""}))));
        }
        let mut begun = vec![false; self.texts.len()];
        for (index, piece) in self.said(true) {
            let channel = &self.texts[index];
            let said = match channel.kind {
                Kind::Text => json!({"content": piece}),
                Kind::Reasoning => json!({"reasoning_content": piece}),
                Kind::Arguments => {
                    let call = if std::mem::replace(&mut begun[index], true) {
                        json!({"index": index, "function": {"arguments": piece}})
                    } else {
                        json!({"index": index, "id": format!("call_{index}"), "type": "function",
                            "function": {"name": "send", "arguments": piece}})
                    };
                    json!({"tool_calls": [call]})
                }
            };
            events.push(chunk(delta(channel.choice, said)));
        }
        let usage = json!({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13});
        for (index, choice) in choices.iter().enumerate() {
            let mut last = chunk(json!([{"index": choice, "delta": {}, "finish_reason": "stop"}]));
            if self.usage == Usage::InLast && index + 1 == choices.len() {
                last["usage"] = usage.clone();
            }
            events.push(last);
        }
        if matches!(self.usage, Usage::Own | Usage::Nulls) {
            let mut own = chunk(json!([]));
            own["usage"] = usage;
            events.push(own);
        }
        let mut out = self.frame.write(events.iter().map(|event| (None, event.clone())));
        if self.done {
            self.frame.event(None, "[DONE]", &mut out);
        }
        out
    }

    pub fn anthropic(&self) -> Vec<u8> {
        let mut events = vec![json!({"type": "message_start", "message": {"id": "msg_1", "type": "message",
            "role": "assistant", "model": "claude-sonnet-5", "content": [], "stop_reason": null,
            "stop_sequence": null, "usage": {"input_tokens": 10, "output_tokens": 1}}})];
        let mut open = None;
        for (index, piece) in self.said(false) {
            let arguments = self.texts[index].kind == Kind::Arguments;
            if open != Some(index) {
                if let Some(open) = open {
                    events.push(json!({"type": "content_block_stop", "index": open}));
                }
                open = Some(index);
                let block = if arguments {
                    json!({"type": "tool_use", "id": format!("toolu_{index}"), "name": "send", "input": {}})
                } else {
                    json!({"type": "text", "text": ""})
                };
                events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
                events.push(json!({"type": "ping"}));
            }
            let delta = if arguments {
                json!({"type": "input_json_delta", "partial_json": piece})
            } else {
                json!({"type": "text_delta", "text": piece})
            };
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        if let Some(open) = open {
            events.push(json!({"type": "content_block_stop", "index": open}));
        }
        events.push(
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 6}}),
        );
        events.push(json!({"type": "message_stop"}));
        let name = |event: &Value| event["type"].as_str().map(str::to_owned);
        self.frame.write(events.iter().map(|event| (name(event), event.clone())))
    }
}

impl Frame {
    fn write(&self, events: impl Iterator<Item = (Option<String>, Value)>) -> Vec<u8> {
        let mut out = if self.mark { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        for (index, (name, event)) in events.enumerate() {
            if self.comments && index % 3 == 1 {
                out.extend(format!(": keep-alive{0}{0}", self.ending).into_bytes());
            }
            let text = if self.multi_line {
                serde_json::to_string_pretty(&event).expect("JSON")
            } else {
                event.to_string()
            };
            self.event(
                name.as_deref(),
                &if self.escaped { text.replace('<', "\\u003c") } else { text },
                &mut out,
            );
        }
        out
    }

    fn event(&self, name: Option<&str>, data: &str, out: &mut Vec<u8>) {
        let mut text = String::new();
        if let Some(name) = name {
            text.push_str(&format!("event: {name}{}", self.ending));
        }
        for line in data.lines() {
            text.push_str(if self.spaced { "data: " } else { "data:" });
            // Without the space, one that belongs to the data would be taken for it.
            text.push_str(if self.spaced { line } else { line.trim_start() });
            text.push_str(self.ending);
        }
        text.push_str(self.ending);
        out.extend(text.into_bytes());
    }
}

/// The JSON of each event, whatever the line endings; markers are left out.
pub fn events(body: &[u8]) -> Vec<Value> {
    let text = String::from_utf8(body.to_vec()).expect("UTF-8");
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let data = |event: &str| {
        let lines: Vec<&str> = event.lines().filter_map(|line| line.strip_prefix("data:")).collect();
        lines.join("\n")
    };
    let events =
        text.split("\n\n").map(data).filter(|data| !data.trim().is_empty() && data.trim() != "[DONE]");
    events.map(|data| serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {data}"))).collect()
}

/// What an OpenAI caller has read at the end: text of all choices, and arguments by call.
pub fn read_openai(body: &[u8]) -> std::collections::BTreeMap<String, String> {
    let mut read = std::collections::BTreeMap::<String, String>::new();
    for event in events(body) {
        for choice in event["choices"].as_array().into_iter().flatten() {
            let index = &choice["index"];
            let delta = &choice["delta"];
            for (key, field) in [("text", "content"), ("reasoning", "reasoning_content")] {
                if let Some(text) = delta[field].as_str() {
                    read.entry(format!("{key} {index}")).or_default().push_str(text);
                }
            }
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let text = call["function"]["arguments"].as_str().unwrap_or_default();
                read.entry(format!("call {index} {}", call["index"])).or_default().push_str(text);
            }
        }
    }
    read.retain(|_, text| !text.is_empty());
    read
}

/// What an Anthropic caller has read at the end, by block.
pub fn read_anthropic(body: &[u8]) -> Vec<String> {
    let mut read = Vec::<String>::new();
    for event in events(body) {
        match event["type"].as_str() {
            Some("content_block_start") => {
                assert_eq!(event["index"].as_u64(), Some(read.len() as u64), "blocks are counted");
                read.push(event["content_block"]["text"].as_str().unwrap_or_default().to_owned());
            }
            Some("content_block_delta") => {
                let delta = &event["delta"];
                let text =
                    delta["text"].as_str().or(delta["partial_json"].as_str()).or(delta["thinking"].as_str());
                let index = event["index"].as_u64().expect("an index") as usize;
                read[index].push_str(text.unwrap_or_default());
            }
            _ => {}
        }
    }
    read.retain(|text| !text.is_empty());
    read
}
