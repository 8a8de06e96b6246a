//! Ways around redaction, each a short story in `tests/scenarios/bypass`: a text in a place of a request, and values
//! in it that must not leave in any form. A provider that repeats all that it was sent gives the caller its own texts.
//!
//! ```json
//! {"about": "full-width digits", "place": "openai.user", "text": "card ４１１１…", "secret": ["4111…"]}
//! ```
//!
//! `places.json` has the places. A story may give a whole request instead (`api`, `request`). It ends `redacted`, or,
//! where nothing can be put in the value's place, `blocked`. `echo: false` is for what the provider is sent encoded:
//! what a model says of it has no placeholder in it that could be found. A `·` is left out, so that no scanner of
//! repositories takes a story for a leak.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::reading::{bare_readings, joined, shows};
use crate::support::{Answer, Gateway, Outcome, Request};

const POLICY: &str = r#"{"version": 1, "providers": {
    "openai": {"dialect": "openai", "cluster": "openai"},
    "anthropic": {"dialect": "anthropic", "cluster": "anthropic"},
    "gemini": {"dialect": "gemini", "cluster": "gemini"}}}"#;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/bypass")
}

fn read(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).expect("a file");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// An API, and a body.
struct Call {
    api: String,
    body: Vec<u8>,
}

struct Places(BTreeMap<String, Value>);

impl Places {
    fn read() -> Self {
        let places = read(&folder().join("places.json"));
        Self(serde_json::from_value(places["places"].clone()).expect("places"))
    }

    fn call(&self, name: &str, text: &str) -> Call {
        let place = self.0.get(name).unwrap_or_else(|| panic!("no such place: {name}"));
        let body = fill(&place["request"], text).to_string().into_bytes();
        Call { api: place["api"].as_str().expect("an API").to_owned(), body }
    }
}

/// `$TEXT` is the text, `$JSON` the text as the inside of a JSON string, in a string that is JSON source.
fn fill(value: &Value, text: &str) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (fill_text(name, text), fill(value, text))).collect()
        }
        Value::Array(items) => items.iter().map(|item| fill(item, text)).collect(),
        Value::String(inside) => Value::String(fill_text(inside, text)),
        other => other.clone(),
    }
}

fn fill_text(inside: &str, text: &str) -> String {
    let quoted = Value::from(text).to_string();
    inside.replace("$JSON", &quoted[1..quoted.len() - 1]).replace("$TEXT", text)
}

fn path(api: &str) -> &'static str {
    match api {
        "openai" => "/v1/chat/completions",
        "responses" => "/v1/responses",
        "completions" => "/v1/completions",
        "embeddings" => "/v1/embeddings",
        "anthropic" => "/v1/messages",
        "gemini" => "/v1beta/models/gemini-2.5-flash:generateContent",
        other => panic!("no such API: {other}"),
    }
}

fn request(call: &Call) -> Request {
    let request = Request::post(path(&call.api), call.body.clone());
    match call.api.as_str() {
        "anthropic" => request.without("authorization").header("x-api-key", "sk-ant-caller"),
        "gemini" => request.without("authorization").header("x-goog-api-key", "AIza-caller"),
        _ => request,
    }
}

/// An answer of one text.
fn says(api: &str, text: &str) -> Option<Answer> {
    let body = match api {
        "openai" => json!({"id": "x", "object": "chat.completion", "created": 1, "model": "gpt-4.1",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}),
        "completions" => json!({"id": "x", "object": "text_completion", "created": 1, "model": "gpt-4.1",
            "choices": [{"index": 0, "text": text, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}),
        "responses" => json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
            "model": "gpt-4.1", "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": text, "annotations": []}]}],
            "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}),
        "anthropic" => {
            json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5",
            "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 1, "output_tokens": 1}})
        }
        "gemini" => json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]},
            "finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
            "modelVersion": "gemini-2.5-flash"}),
        _ => return None,
    };
    Some(Answer::json(200, body.to_string()))
}

fn said(api: &str, outcome: &Outcome) -> String {
    let pointer = match api {
        "openai" => "/choices/0/message/content",
        "completions" => "/choices/0/text",
        "responses" => "/output/0/content/0/text",
        "anthropic" => "/content/0/text",
        _ => "/candidates/0/content/parts/0/text",
    };
    let body = outcome.json();
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text in {body}")).to_owned()
}

/// Every text of a body: values, keys, numbers; a text that is itself JSON is opened where the API says so.
fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                out.push(name.clone());
                let source = value.as_str().filter(|_| name == "arguments");
                match source.and_then(|source| serde_json::from_str(source).ok()) {
                    Some(inner) => texts(&inner, out),
                    None => texts(value, out),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::String(text) => out.push(text.clone()),
        Value::Number(number) => out.push(number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Without what was set for the provider.
fn texts_of(body: &[u8]) -> Vec<String> {
    let mut body: Value = serde_json::from_slice(body).expect("JSON");
    body.as_object_mut().expect("an object").remove("store");
    let mut all = Vec::new();
    texts(&body, &mut all);
    all.sort();
    all
}

/// What can be read in a body and in all else that left.
fn readings(body: &[u8], rest: &str) -> Vec<String> {
    let mut all = bare_readings(&String::from_utf8_lossy(body));
    if let Ok(value) = serde_json::from_slice(body) {
        let all_but_names =
            |name: &str| !matches!(name, "type" | "role" | "model" | "mimeType" | "media_type");
        for told in [all_but_names, |name: &str| name == "text"] {
            let mut together = String::new();
            joined(&value, told, &mut together);
            all.extend(bare_readings(&together));
        }
    }
    all.extend(bare_readings(rest));
    all
}

/// What is wrong with how a story ends.
fn fault(gateway: &Gateway, call: &Call, secrets: &[&str], blocked: bool, echo: bool) -> Option<String> {
    let asked = readings(&call.body, "");
    for secret in secrets {
        if !shows(&asked, secret) {
            return Some(format!("{secret:?} does not stand in the request"));
        }
    }
    let outcome = gateway.afresh().call(request(call), &[Answer::json(200, "{}")]);
    if blocked {
        let code = outcome.text();
        return (!outcome.sent.is_empty() || outcome.status != 400 && outcome.status != 403)
            .then(|| format!("not blocked: {} {code}", outcome.status));
    }
    let [sent] = &outcome.sent[..] else {
        return Some(format!("not sent: {} {}", outcome.status, outcome.text()));
    };
    let left = readings(&sent.body, &outcome.everything_that_left());
    for secret in secrets {
        if shows(&left, secret) {
            return Some(format!("{secret:?} left: {}", String::from_utf8_lossy(&sent.body)));
        }
    }
    if !echo {
        return None;
    }
    let answer = says(&call.api, &texts_of(&sent.body).join("\u{2}"))?;
    let length = answer.body.len();
    // In pieces: that cuts change nothing is told elsewhere, at every place.
    let cuts = [length / 3, length / 2, length - length / 4];
    let outcome = gateway.afresh().call(request(call), &[answer.cut(&cuts)]);
    let mut back: Vec<String> = said(&call.api, &outcome).split('\u{2}').map(str::to_owned).collect();
    back.sort();
    let expected = texts_of(&call.body);
    if back != expected {
        let lost: Vec<_> = expected.iter().filter(|text| !back.contains(text)).collect();
        let got: Vec<_> = back.iter().filter(|text| !expected.contains(text)).collect();
        return Some(format!("not given back: {lost:?}, but {got:?}"));
    }
    None
}

#[test]
fn no_way_around_redaction_is_open() {
    let gateway = Gateway::new(POLICY);
    let places = Places::read();
    let mut faults = Vec::new();
    let mut known = HashSet::new();
    let mut files: Vec<_> =
        std::fs::read_dir(folder()).expect("stories").map(|it| it.expect("a file").path()).collect();
    files.sort();
    for file in files.iter().filter(|file| !file.ends_with("places.json")) {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        for story in read(file)["stories"].as_array().expect("stories") {
            let about = format!("{name}: {}", story["about"].as_str().expect("what it is about"));
            let call = match story["text"].as_str() {
                Some(text) => {
                    places.call(story["place"].as_str().unwrap_or("openai.user"), &text.replace('·', ""))
                }
                None => {
                    let body =
                        story["request"].as_str().map_or_else(|| story["request"].to_string(), str::to_owned);
                    let api = story["api"].as_str().expect("an API").to_owned();
                    Call { api, body: body.replace('·', "").into_bytes() }
                }
            };
            let secrets: Vec<&str> =
                story["secret"].as_array().expect("secrets").iter().filter_map(Value::as_str).collect();
            assert!(!secrets.is_empty(), "{about}: nothing to keep back");
            assert!(known.insert(call.body.clone()), "{about}: told twice");
            let blocked = match story["ends"].as_str() {
                None => false,
                Some("blocked") => true,
                Some(other) => panic!("{about}: no such end: {other}"),
            };
            if let Some(fault) = fault(&gateway, &call, &secrets, blocked, story["echo"] != false) {
                faults.push(format!("{about}: {fault}"));
            }
        }
    }
    assert!(known.len() >= 300, "stories are missing: {}", known.len());
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), known.len(), faults.join("\n"));
}

/// Values that are found wherever they stand.
const ANYWHERE: [(&str, &str); 4] = [
    ("write to anna.keller@example.org today", "anna.keller@example.org"),
    ("pay DE89 3704 0044 0532 0130 00 now", "DE89370400440532013000"),
    ("４１１１-１１１１-１１１１-１１１１", "4111111111111111"),
    ("\"q\": \"anna.keller\\u0040example.org\"", "anna.keller@example.org"),
];

#[test]
fn no_place_of_any_api_is_open() {
    let gateway = Gateway::new(POLICY);
    let places = Places::read();
    let mut faults = Vec::new();
    for (name, place) in &places.0 {
        for (text, secret) in ANYWHERE {
            let blocked = place["ends"] == "blocked";
            if let Some(fault) =
                fault(&gateway, &places.call(name, text), &[secret], blocked, place["echo"] != false)
            {
                faults.push(format!("{name}: {text}: {fault}"));
            }
        }
    }
    assert!(places.0.len() >= 60, "places are missing");
    assert!(faults.is_empty(), "{}:\n{}", faults.len(), faults.join("\n"));
}
