//! Random JSON documents, and random spellings of them.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Draws from `items`.
pub fn one_of(items: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(items).prop_map(str::to_owned)
}

/// Offsets at which a body of `length` bytes is cut, from numbers that know nothing of it.
pub fn cuts(numbers: &[u32], length: usize) -> Vec<usize> {
    if length == 0 {
        return Vec::new();
    }
    let mut cuts: Vec<usize> = numbers.iter().map(|number| *number as usize % length).collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Decides, number by number and round and round, how a document is spelt.
pub struct Spelling<'n> {
    numbers: &'n [u8],
    at: usize,
}

impl<'n> Spelling<'n> {
    pub fn new(numbers: &'n [u8]) -> Self {
        Self { numbers, at: 0 }
    }

    fn next(&mut self, of: u8) -> u8 {
        if self.numbers.is_empty() {
            return 0;
        }
        self.at += 1;
        self.numbers[(self.at * 7) % self.numbers.len()].wrapping_add(self.at as u8) % of
    }

    /// Writes JSON with random white space, and random characters as escapes.
    pub fn write(&mut self, value: &Value) -> String {
        let mut out = String::new();
        self.value(value, &mut out);
        out
    }

    fn space(&mut self, out: &mut String) {
        out.push_str(["", "", "", "", " ", "\n", "\t", "\r\n  "][usize::from(self.next(8))]);
    }

    fn value(&mut self, value: &Value, out: &mut String) {
        match value {
            Value::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.space(out);
                    self.string(name, out);
                    self.space(out);
                    out.push(':');
                    self.space(out);
                    self.value(value, out);
                }
                self.space(out);
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (index, value) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.space(out);
                    self.value(value, out);
                }
                self.space(out);
                out.push(']');
            }
            Value::String(text) => self.string(text, out),
            other => out.push_str(&other.to_string()),
        }
    }

    fn string(&mut self, text: &str, out: &mut String) {
        out.push('"');
        let escapes = self.next(3) == 0;
        for c in text.chars() {
            if escapes && self.next(4) == 0 {
                let upper = self.next(2) == 0;
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
                }
            } else {
                let written = serde_json::to_string(&c).expect("a character");
                out.push_str(&written[1..written.len() - 1]);
            }
        }
        out.push('"');
    }
}

/// JSON of any shape with these texts in it, as keys and as values.
pub fn free(text: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text.clone().prop_map(Value::String),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => (-1000i64..1000).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((text.clone(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A request with texts in every kind of place. `texts` are taken in order, round and round.
pub fn request(anthropic: bool, texts: &[String], free: &Value, numbers: &[u64], arguments: &str) -> Value {
    let text = |index: usize| Value::String(texts[index % texts.len()].clone());
    let number = |index: usize| Value::from(numbers[index % numbers.len()]);
    if anthropic {
        return json!({
            "model": "claude-sonnet-5",
            "max_tokens": 100,
            "system": [{"type": "text", "text": text(0), "cache_control": {"type": "ephemeral"}}],
            "tools": [{"name": "send", "description": text(1),
                "input_schema": {"type": "object", "properties": {"to": {"type": "string", "default": text(2)}}}}],
            "messages": [
                {"role": "user", "content": text(3)},
                {"role": "assistant", "content": [
                    {"type": "text", "text": text(4)},
                    {"type": "tool_use", "id": "toolu_1", "name": "send", "input": {"free": free, "n": number(0)}}
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1",
                        "content": [{"type": "text", "text": text(5)}]},
                    {"type": "document", "title": text(6),
                        "source": {"type": "text", "media_type": "text/plain", "data": text(7)}},
                    {"type": "text", "text": text(8)}
                ]}
            ],
            "stop_sequences": [text(9)],
            "metadata": {"user_id": text(10), "free": free, "n": number(1)},
            "x_unknown": free
        });
    }
    json!({
        "model": "gpt-4.1",
        "tools": [{"type": "function", "function": {"name": "send", "description": text(0),
            "parameters": {"type": "object", "properties": {"to": {"type": "string", "enum": [text(1)]}}}}}],
        "messages": [
            {"role": "system", "content": text(2)},
            {"role": "user", "name": text(3), "content": [
                {"type": "text", "text": text(4)},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": arguments}}
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": text(5)},
            {"role": "user", "content": text(6)}
        ],
        "metadata": {"key": text(7), "free": free, "n": number(0)},
        "user": text(8),
        "prediction": {"type": "content", "content": text(9)},
        "x_unknown": {"deep": [free, number(1)]}
    })
}

/// Every text of a document, keys and numbers too, sorted. A text that is itself JSON is opened.
pub fn texts_of(value: &Value) -> Vec<String> {
    let mut texts = Vec::new();
    collect(value, &mut texts);
    texts.sort();
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                texts.push(name.clone());
                match value {
                    Value::String(source) if name == "arguments" => match serde_json::from_str(source) {
                        Ok(inner) => collect(&inner, texts),
                        Err(_) => texts.push(source.clone()),
                    },
                    value => collect(value, texts),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::String(text) => texts.push(text.clone()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}
