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
    "EMAIL_2's",
    "CODE_1s",
    " ",
    "**",
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

/// How long a placeholder in brackets is that `rest` begins with, and what it stands for.
fn bracketed(rest: &str, kind: Kind) -> Option<(usize, &'static str)> {
    let mut pairs = vec![("<", ">"), ("&lt;", "&gt;"), ("\\<", "\\>")];
    if kind == Kind::Arguments {
        pairs.extend([("\\u003c", "\\u003e"), ("\\\\<", "\\\\>")]);
    }
    VALUES.iter().find_map(|(name, value)| {
        let mut spellings = pairs.iter().map(|(open, close)| format!("{open}{name}{close}"));
        let spelling = spellings.find(|spelling| {
            rest.get(..spelling.len()).is_some_and(|text| text.eq_ignore_ascii_case(spelling))
        })?;
        Some((spelling.len(), *value))
    })
}

/// The same for a name alone, as far as scripts have it.
fn bare(rest: &str, kind: Kind) -> Option<(usize, &'static str)> {
    VALUES.iter().find_map(|(name, value)| {
        let behind = rest.strip_prefix(name)?;
        let behind = behind.strip_prefix('s').unwrap_or(behind);
        let escapes = behind.bytes().take(2).take_while(|byte| *byte == b'\\').count();
        let within = escapes == 0 && behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let joined = behind[escapes..].starts_with('<') && bracketed(&behind[escapes..], kind).is_some();
        (!within && !joined).then_some((name.len(), *value))
    })
}

/// What the caller reads in the end: every issued placeholder's value in its place, written as it must be there.
pub fn restored(text: &str, kind: Kind) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut word = false;
    while let Some(c) = rest.chars().next() {
        if let Some((len, value)) = bracketed(rest, kind).or_else(|| bare(rest, kind).filter(|_| !word)) {
            let escaped = serde_json::to_string(value).expect("a text");
            out.push_str(if kind == Kind::Arguments { &escaped[1..escaped.len() - 1] } else { value });
            rest = &rest[len..];
            word = true;
            continue;
        }
        let len = match rest.as_bytes() {
            [b'\\', b'u', ..] if kind == Kind::Arguments => rest.len().min(6),
            [b'\\', b'\\' | b'n' | b'"', ..] if kind == Kind::Arguments => 2,
            _ => c.len_utf8(),
        };
        out.push_str(&rest[..len]);
        rest = &rest[len..];
        word = c.is_ascii_alphanumeric() || c == '_';
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
            let mut count = count.min(rests[channel].len());
            // An answer says one thing after the other, and breaks none off in mid-word, nor where a bracket makes
            // a word and a placeholder one.
            let at = |index: usize| rests[channel].get(index).copied().unwrap_or(' ');
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let joins = |c: char| matches!(c, '<' | '>' | '\\');
            let goes_on = |count: usize| {
                let (before, last) = (at(count.saturating_sub(2)), at(count.saturating_sub(1)));
                let within = word(last) || count > 1 && joins(last) && word(before);
                count > 0 && within && (word(at(count)) || joins(at(count)))
            };
            while interleaved && goes_on(count) {
                count += 1;
            }
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
