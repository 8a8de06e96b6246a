//! Answers and streams are read as the samples say.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tollgate::chat::{Delta, Dialect, Part, StopReason, Usage};
use tollgate::provider::{Api, codec, vendor};
use tollgate::wire::json::Document;

use crate::{beside, deltas, files, json as read_json};

#[derive(Default, Debug)]
struct Reading {
    text: BTreeMap<u32, String>,
    refusal: String,
    thinking: String,
    calls: Vec<(String, String, String)>,
    stop: Option<StopReason>,
    usage: Option<Usage>,
    error: Option<&'static str>,
}

fn of_stream(deltas: &[Delta]) -> Reading {
    let mut reading = Reading::default();
    for delta in deltas {
        match delta {
            Delta::Text { choice, text } => reading.text.entry(*choice).or_default().push_str(text),
            Delta::Refusal { text, .. } => reading.refusal.push_str(text),
            Delta::Thinking { text, .. } => reading.thinking.push_str(text),
            Delta::ToolStart { id, name, .. } => {
                reading.calls.push((id.clone(), name.clone(), String::new()));
            }
            Delta::ToolArguments { call, json, .. } => {
                reading.calls[usize::try_from(*call).unwrap()].2.push_str(json);
            }
            Delta::Stop { reason, .. } => reading.stop = Some(*reason),
            Delta::Usage(usage) => reading.usage = Some(*usage),
            Delta::Error(error) => reading.error = Some(error.class.name()),
            Delta::Start { .. } | Delta::Signature { .. } | Delta::Logprobs { .. } | Delta::End => {}
        }
    }
    reading
}

fn of_answer(api: Api, body: &[u8]) -> Reading {
    let document = Document::parse_lenient(body.trim_ascii()).unwrap();
    let response = codec(api).read_response(document.root()).unwrap();
    let mut reading = Reading { usage: response.usage, ..Reading::default() };
    assert_eq!(codec(api).read_usage(document.root()), response.usage);
    for choice in &response.choices {
        reading.stop = Some(choice.stop);
        for part in &choice.parts {
            match part {
                Part::Text(text) => reading.text.entry(0).or_default().push_str(text),
                Part::Refusal(text) => reading.refusal.push_str(text),
                Part::Thinking { text, .. } => reading.thinking.push_str(text),
                Part::ToolCall(call) => {
                    reading.calls.push((call.id.clone(), call.name.clone(), call.arguments.clone()));
                }
                other => panic!("{other:?}"),
            }
        }
    }
    reading
}

fn compare(reading: &Reading, expected: &Value, name: &str) {
    let text = |key: &str| expected[key].as_str();
    let own = reading.text.get(&0).cloned().unwrap_or_default();
    if let Some(text) = text("text") {
        assert_eq!(own, text, "{name}");
    }
    if let Some(texts) = expected["texts"].as_array() {
        assert_eq!(json!(reading.text.values().collect::<Vec<_>>()), json!(texts), "{name}");
    }
    if let Some(text) = text("refusal") {
        assert_eq!(reading.refusal, text, "{name}");
    }
    if let Some(text) = text("thinking").or(text("reasoning")) {
        assert_eq!(reading.thinking, text, "{name}");
    }
    if let Some(calls) = expected["tool_calls"].as_array() {
        let own: Vec<Value> = reading
            .calls
            .iter()
            .map(|(id, name, args)| {
                json!({"id": id, "name": name, "args": serde_json::from_str::<Value>(args).unwrap()})
            })
            .collect();
        assert!(own.iter().all(|call| call["id"] != ""), "{name}");
        assert_eq!(&own, calls, "{name}");
    }
    if let Some(finish) = text("finish") {
        let stop = match finish {
            "stop" | "end_turn" => StopReason::Stop,
            "tool_calls" | "tool_use" => StopReason::ToolCalls,
            "content_filter" | "refusal" | "SAFETY" => StopReason::ContentFilter,
            "MAX_TOKENS" => StopReason::Length,
            // This API has one word for both.
            "STOP" if reading.calls.is_empty() => StopReason::Stop,
            "STOP" => StopReason::ToolCalls,
            other => panic!("{other}"),
        };
        assert_eq!(reading.stop, Some(stop), "{name}");
    }
    assert_eq!(reading.error, text("error_class").filter(|class| *class != "truncated"), "{name}");
    let usage = reading.usage.unwrap_or_default();
    for (key, own) in [
        ("input_tokens", usage.input),
        ("prompt_total", usage.input),
        ("output_tokens", usage.output),
        ("output_tokens_billed", usage.output),
        ("cached", usage.cached_input),
        ("cache_read", usage.cached_input),
    ] {
        if let Some(count) = expected[key].as_u64() {
            assert_eq!(own, count, "{name} {key}");
        }
    }
    if let Some(count) = expected["reasoning"].as_u64() {
        assert_eq!(usage.reasoning, count, "{name}");
    }
    if expected.get("usage").is_some_and(Value::is_null) {
        assert!(reading.usage.is_none(), "{name}");
    }
}

const FOLDERS: [(&str, Api); 9] = [
    ("anthropic", Api::AnthropicMessages),
    ("azure_openai", Api::OpenAiChat),
    ("deepseek", Api::OpenAiChat),
    ("gemini", Api::GeminiGenerate),
    ("mistral", Api::MistralChat),
    ("openai", Api::OpenAiChat),
    ("openai_responses", Api::OpenAiResponses),
    ("openrouter", Api::OpenAiChat),
    ("qwen", Api::OpenAiChat),
];

#[test]
fn whole_answers_read_as_expected() {
    for (folder, api) in FOLDERS {
        for expected in files(folder, ".json.expected.json") {
            let path = expected.to_string_lossy().replace(".expected.json", "");
            let body = std::fs::read(&path).unwrap();
            let expected = read_json(&expected);
            // A failure in a 200 is nothing to read.
            if let Some(class) = expected["error_class"].as_str() {
                let document = Document::parse_lenient(&body).unwrap();
                let failure =
                    vendor(Dialect::OpenRouter).unwrap().soft_failure(api, document.root()).unwrap();
                assert_eq!(failure.class.name(), class, "{path}");
                continue;
            }
            compare(&of_answer(api, &body), &expected, &path);
        }
    }
}

#[test]
fn streams_read_as_expected_and_only_whole_ones_are_complete() {
    for (folder, api) in FOLDERS.into_iter().chain([("_generic", Api::OpenAiChat)]) {
        let folder = if folder == "_generic" { folder.to_owned() } else { format!("{folder}/stream") };
        for path in files(&folder, ".sse") {
            let (deltas, complete) = deltas(api, &std::fs::read(&path).unwrap());
            let expected = read_json(&beside(&path, ".expected.json"));
            let name = path.display().to_string();
            compare(&of_stream(&deltas), &expected, &name);
            let whole = expected["error_class"].is_null();
            if !name.contains("multi_data_lines") {
                assert_eq!(complete, whole, "{name}");
            }
        }
    }
}

#[test]
fn a_failure_before_the_first_useful_step_is_told_apart() {
    let first_useful = |stream: &str| {
        let (deltas, _) = deltas(Api::AnthropicMessages, stream.as_bytes());
        deltas.iter().position(Delta::is_useful)
    };
    assert_eq!(
        first_useful(
            "data: {\"type\":\"message_start\",\"message\":{\"id\":\"a\"}}\n\ndata: {\"type\":\"ping\"}\n\n"
        ),
        None
    );
}
