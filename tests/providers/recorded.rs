//! Recorded traffic of providers whose APIs are built, read and translated there and back. The recordings lie
//! outside of the project, in the folder that `TOLLGATE_RECORDINGS` names.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tollgate::chat::visit::{Place, visit};
use tollgate::chat::{Delta, Dialect, ErrorClass, Part, Request, Response, Role, Usage};
use tollgate::provider::{Api, Codec, Hidden, Operation, codec, vendor};
use tollgate::wire::http::Headers;
use tollgate::wire::json::{Document, Edits};

use crate::{deltas, events, write_stream};

fn recordings() -> Option<PathBuf> {
    std::env::var_os("TOLLGATE_RECORDINGS").map(PathBuf::from)
}

fn api(case: &Value) -> Option<Api> {
    match (case["provider"].as_str()?, case["endpoint"].as_str()?) {
        ("anthropic", "messages") => Some(Api::AnthropicMessages),
        ("anthropic", "count_tokens") => Some(Api::AnthropicCountTokens),
        ("gemini" | "vertex_gemini", "countTokens") => Some(Api::GeminiCountTokens),
        ("gemini" | "vertex_gemini", "generateContent" | "streamGenerateContent") => {
            Some(Api::GeminiGenerate)
        }
        ("gemini", "chat") => Some(Api::OpenAiChat),
        ("mistral", "chat") => Some(Api::MistralChat),
        ("openai" | "deepseek" | "openrouter" | "qwen" | "azure_openai", "chat") => Some(Api::OpenAiChat),
        ("openai" | "deepseek" | "openrouter" | "azure_openai", "responses") => Some(Api::OpenAiResponses),
        _ => None,
    }
}

/// Where it is translated to, and back again.
fn others(api: Api) -> impl Iterator<Item = Api> {
    let chats = |api: Api| api.operation() == Operation::Chat && api != Api::OpenAiCompletions;
    Api::ALL.into_iter().filter(move |other| *other != api && chats(api) && chats(*other))
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
            request(api, case["path"].as_str().unwrap(), &body, id, &mut counts);
        }
        let Some(body) = read("response_file") else { continue };
        match case["kind"].as_str().unwrap() {
            "json" if api.operation() == Operation::CountTokens => count(api, &body, id, &mut counts),
            "json" => answer(api, &body, id, &mut counts),
            "sse" => stream(api, &body, case["sse_complete"].as_bool(), id, &mut counts),
            _ => failure(&case, &body, &mut counts),
        }
    }
    println!("replayed: {counts:?}");
    assert!(counts.answers > 0 && counts.streams > 0, "no recordings in {}", folder.display());
}

/// A number, in which nothing is to be found or put back.
fn count(api: Api, body: &[u8], id: &str, counts: &mut Counts) {
    counts.answers += 1;
    let document = Document::parse_lenient(body).unwrap();
    assert!(codec(api).is_answer(document.root()), "{id}");
    let mut spots = 0;
    visit(document.root(), &|path, parent| codec(api).response_place(path, parent), &mut |spot| {
        spots += usize::from(spot.place != Place::Skip);
    });
    assert_eq!(spots, 0, "{id}");
}

fn request(api: Api, path: &str, body: &[u8], id: &str, counts: &mut Counts) {
    let Ok(document) = Document::parse(body) else { panic!("{id}: the request is not JSON") };
    let own = codec(api);
    let root = document.root();
    counts.requests += 1;
    let outline = own.outline(path, None, root).unwrap_or_else(|error| panic!("{id}: {error:?}"));
    let mut spots = 0;
    visit(root, &|path, parent| own.request_place(path, parent), &mut |_| spots += 1);
    // Some calls were recorded for their error: they say nothing.
    assert!(spots > 0 || id.contains("/error-"), "{id}: no text");
    for other in others(api).map(codec) {
        let request = own.read_request(&outline, root).unwrap_or_else(|error| panic!("{id}: {error:?}"));
        match other.write_request(&request, 4096) {
            Ok(there) => {
                counts.translated_requests += 1;
                let there = Document::parse(&there).unwrap();
                let outline = other.outline(crate::path(other.api()), None, there.root()).unwrap();
                let again = other.read_request(&outline, there.root()).unwrap();
                // What lies at an address is not always said by its name.
                let unnamed = |field: &String| !field.ends_with(".fileData");
                let mut unsupported = again.unsupported.iter().filter(|field| unnamed(field));
                assert_eq!(unsupported.next(), None, "{id}");
                if !again.unsupported.is_empty() {
                    continue;
                }
                let back = own.write_request(&again, 4096);
                // Where a prompt says nothing, the other API may drop what this one needs.
                let lost = says_nothing(&again) || api == Api::OpenAiResponses && has_audio(&again);
                assert!(back.is_ok_and(|back| !back.is_empty()) || lost, "{id}");
            }
            Err(refused) => {
                println!("{id}: {} is refused by {:?}", refused.field, other.api());
                counts.refused_requests += 1;
            }
        }
    }
}

fn says_nothing(request: &Request) -> bool {
    let mut turns = request.messages.iter().filter(|turn| turn.role != Role::System);
    turns.all(|turn| turn.parts.iter().all(|part| matches!(part, Part::Text(text) if text.is_empty())))
}

/// A file that is audio, which one API has as such and another has no place for.
fn has_audio(request: &Request) -> bool {
    fn any(parts: &[Part]) -> bool {
        parts.iter().any(|part| match part {
            Part::Audio(_) => true,
            Part::ToolResult { parts, .. } => any(parts),
            _ => false,
        })
    }
    request.messages.iter().any(|message| any(&message.parts))
}

fn failure(case: &Value, body: &[u8], counts: &mut Counts) {
    counts.errors += 1;
    let id = case["id"].as_str().unwrap();
    let status = u16::try_from(case["status"].as_u64().unwrap()).unwrap();
    let dialect = match id.split('/').next().unwrap() {
        "anthropic" => Dialect::Anthropic,
        "gemini" | "vertex_gemini" => Dialect::Gemini,
        _ => Dialect::OpenAiCompatible,
    };
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
    let json: Value = serde_json::from_slice(body).unwrap();
    if json["status"] == "queued" {
        // It is made in the background: nothing is in it yet.
        return assert!(response.usage.is_none() && json["background"] == true, "{id}");
    }
    assert!(response.usage.is_some(), "{id}: no usage");
    for other in others(api).map(codec) {
        let there = read(other, &other.write_response(&response, 1));
        let back = read(codec(api), &codec(api).write_response(&there, 1));
        assert_eq!(essence(&back), essence(&response), "{id}");
        // Not all of them count what was written to a cache.
        let usage = |response: &Response| response.usage.map(|usage| Usage { cache_write: 0, ..usage });
        assert_eq!(usage(&back), usage(&response), "{id}");
        let stops = [&response, &back].map(|it| it.choices.first().map(|choice| choice.stop));
        // Only one of them says which of a caller's sequences it was.
        assert!(stops[0] == stops[1] || response.choices[0].stop_sequence.is_some(), "{id}: {stops:?}");
    }
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
    let usage = |steps: &[Delta]| {
        steps.iter().rev().find_map(|step| match step {
            // Only one of them counts what was written to a cache.
            Delta::Usage(usage) => Some(Usage { cache_write: 0, ..*usage }),
            _ => None,
        })
    };
    for other in others(api) {
        let there = write_stream(other, &steps, true);
        let (there, there_whole) = deltas(other, &there);
        let (back, back_whole) = deltas(api, &write_stream(api, &there, true));
        assert!(there_whole && back_whole, "{id}");
        if !refused {
            assert_eq!(told(&back), told(&steps), "{id}");
        }
        assert_eq!(usage(&back).unwrap_or_default(), usage(&steps).unwrap_or_default(), "{id}");
    }
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
