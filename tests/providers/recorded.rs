//! Recorded traffic of providers whose APIs are built, read and translated there and back. The recordings lie
//! outside of the project, in the folder that `TOLLGATE_RECORDINGS` names.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tollgate::chat::visit::visit;
use tollgate::chat::{Delta, Dialect, ErrorClass, Response};
use tollgate::provider::{Api, Codec, Hidden, Outline, codec, vendor};
use tollgate::wire::http::Headers;
use tollgate::wire::json::{Document, Edits};

use crate::{deltas, events, write_stream};

fn recordings() -> Option<PathBuf> {
    std::env::var_os("TOLLGATE_RECORDINGS").map(PathBuf::from)
}

fn api(case: &Value) -> Option<Api> {
    match (case["provider"].as_str()?, case["endpoint"].as_str()?) {
        ("anthropic", "messages") => Some(Api::AnthropicMessages),
        ("openai" | "deepseek" | "mistral" | "openrouter" | "qwen" | "azure_openai", "chat") => {
            Some(Api::OpenAiChat)
        }
        _ => None,
    }
}

fn other(api: Api) -> Api {
    if api == Api::OpenAiChat { Api::AnthropicMessages } else { Api::OpenAiChat }
}

#[derive(Default, Debug)]
struct Counts {
    requests: usize,
    translated_requests: usize,
    refused_requests: usize,
    answers: usize,
    streams: usize,
    errors: usize,
}

#[test]
fn recorded_traffic_is_read_and_translated_there_and_back() {
    let Some(folder) = recordings() else {
        println!("skipped: TOLLGATE_RECORDINGS is not set");
        return;
    };
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    let mut counts = Counts::default();
    for line in manifest.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let Some(api) = api(&case) else { continue };
        let id = case["id"].as_str().unwrap();
        let read = |key: &str| {
            let file = case[key].as_str().map(|file| folder.join(file));
            file.filter(|file| Path::new(file).exists()).map(|file| std::fs::read(file).unwrap())
        };
        if let Some(body) = read("request_file").filter(|body| !body.is_empty()) {
            request(api, &body, id, &mut counts);
        }
        let Some(body) = read("response_file") else { continue };
        match case["kind"].as_str().unwrap() {
            "json" => answer(api, &body, id, &mut counts),
            "sse" => stream(api, &body, case["sse_complete"].as_bool(), id, &mut counts),
            _ => failure(&case, &body, &mut counts),
        }
    }
    println!("replayed: {counts:?}");
    assert!(counts.answers > 0 && counts.streams > 0, "no recordings in {}", folder.display());
}

fn request(api: Api, body: &[u8], id: &str, counts: &mut Counts) {
    let Ok(document) = Document::parse(body) else { panic!("{id}: the request is not JSON") };
    let own = codec(api);
    let root = document.root();
    counts.requests += 1;
    own.outline("", None, root).unwrap_or_else(|error| panic!("{id}: {error:?}"));
    let mut spots = 0;
    visit(root, &|path, parent| own.request_place(path, parent), &mut |_| spots += 1);
    // Some calls were recorded for their error: they say nothing.
    assert!(spots > 0 || id.contains("/error-"), "{id}: no text");
    let request =
        own.read_request(&Outline::default(), root).unwrap_or_else(|error| panic!("{id}: {error:?}"));
    match codec(other(api)).write_request(&request, 4096) {
        Ok(there) => {
            counts.translated_requests += 1;
            let there = Document::parse(&there).unwrap();
            codec(other(api)).outline("", None, there.root()).unwrap();
            let again = codec(other(api)).read_request(&Outline::default(), there.root()).unwrap();
            assert_eq!(again.unsupported, Vec::<String>::new(), "{id}");
            own.write_request(&again, 4096).unwrap_or_else(|error| panic!("{id}: {error:?}"));
        }
        Err(refused) => {
            println!("{id}: {} is refused", refused.field);
            counts.refused_requests += 1;
        }
    }
}

fn failure(case: &Value, body: &[u8], counts: &mut Counts) {
    counts.errors += 1;
    let id = case["id"].as_str().unwrap();
    let status = u16::try_from(case["status"].as_u64().unwrap()).unwrap();
    let dialect = if id.starts_with("anthropic") { Dialect::Anthropic } else { Dialect::OpenAiCompatible };
    let document = Document::parse_lenient(body).ok();
    let class = vendor(dialect).unwrap().classify(status, &Headers::new(), document.as_ref()).class;
    let allowed: &[ErrorClass] = match status {
        401 => &[ErrorClass::Auth],
        404 => &[ErrorClass::NotFound],
        _ => &[ErrorClass::InvalidRequest, ErrorClass::QuotaExhausted, ErrorClass::NotFound],
    };
    assert!(allowed.contains(&class), "{id}: {class:?}");
}

/// What survives a way there and back: all text and all calls.
fn essence(response: &Response) -> (String, Vec<(String, Value)>) {
    let mut text = String::new();
    let mut calls = Vec::new();
    for part in response.choices.iter().take(1).flat_map(|choice| &choice.parts) {
        match part {
            tollgate::chat::Part::Text(own) | tollgate::chat::Part::Refusal(own) => text.push_str(own),
            tollgate::chat::Part::ToolCall(call) => {
                let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
                let arguments = serde_json::from_str(arguments).unwrap();
                calls.push((format!("{} {}", call.id, call.name), arguments));
            }
            _ => {}
        }
    }
    (text, calls)
}

fn answer(api: Api, body: &[u8], id: &str, counts: &mut Counts) {
    counts.answers += 1;
    let read = |codec: &dyn Codec, body: &[u8]| {
        let document = Document::parse_lenient(body.trim_ascii()).unwrap();
        codec.read_response(document.root()).unwrap_or_else(|error| panic!("{id}: {error:?}"))
    };
    let response = read(codec(api), body);
    assert!(response.usage.is_some(), "{id}: no usage");
    let there = read(codec(other(api)), &codec(other(api)).write_response(&response, 1));
    let back = read(codec(api), &codec(api).write_response(&there, 1));
    assert_eq!(essence(&back), essence(&response), "{id}");
    assert_eq!(back.usage, response.usage, "{id}");
    let stops = [&response, &back].map(|it| it.choices.first().map(|choice| choice.stop));
    // Only one of the two says which of a caller's sequences it was.
    assert!(stops[0] == stops[1] || response.choices[0].stop_sequence.is_some(), "{id}: {stops:?}");
}

fn told(deltas: &[Delta]) -> (String, String) {
    let mut text = String::new();
    let mut calls: Vec<String> = Vec::new();
    for delta in deltas {
        match delta {
            Delta::Text { choice: 0, text: own } => text.push_str(own),
            Delta::ToolStart { choice: 0, id, name, .. } => calls.push(format!("{id} {name} ")),
            Delta::ToolArguments { choice: 0, call, json } => {
                calls[usize::try_from(*call).unwrap()].push_str(json)
            }
            _ => {}
        }
    }
    (text, calls.join("\n"))
}

fn stream(api: Api, body: &[u8], complete: Option<bool>, id: &str, counts: &mut Counts) {
    counts.streams += 1;
    let (steps, whole) = deltas(api, body);
    assert_eq!(Some(whole), complete, "{id}");
    let refused = steps.iter().any(|step| matches!(step, Delta::Refusal { .. }));
    let there = write_stream(other(api), &steps, true);
    let (there, there_whole) = deltas(other(api), &there);
    let (back, back_whole) = deltas(api, &write_stream(api, &there, true));
    assert!(there_whole && back_whole, "{id}");
    if !refused {
        assert_eq!(told(&back), told(&steps), "{id}");
    }
    let usage = |steps: &[Delta]| {
        steps.iter().rev().find_map(|step| match step {
            Delta::Usage(usage) => Some(*usage),
            _ => None,
        })
    };
    assert_eq!(usage(&back).unwrap_or_default(), usage(&steps).unwrap_or_default(), "{id}");
    for (_, data) in events(body) {
        let Ok(document) = Document::parse_lenient(&data) else { continue };
        let root = document.root();
        for text in codec(api).stream_texts(root) {
            assert!(text.node.as_str().is_some(), "{id}");
        }
        let mut edits = Edits::new();
        if codec(api).hide_stream_usage(root, &mut edits) == Hidden::Nothing {
            assert_eq!(edits.apply(&data), data, "{id}");
        }
        visit(root, &|path, parent| codec(api).response_place(path, parent), &mut |_| {});
    }
}
