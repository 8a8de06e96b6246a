//! Recorded calls of everything that is no conversation: embeddings, legacy completions and counts of tokens go through
//! the whole engine untouched; what nobody reads (files, native APIs, stored conversations) passes as it is.
//!
//! The recordings are not part of this repository: `TOLLGATE_RECORDINGS` names their folder, and without it these
//! tests say that they were skipped.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use serde_json::{Value, json};
use support::{Answer, Gateway, Outcome, Request};

struct Recording {
    entry: Value,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Recording {
    fn text(&self, name: &str) -> &str {
        self.entry[name].as_str().unwrap_or_default()
    }

    fn id(&self) -> &str {
        self.text("id")
    }

    fn status(&self) -> u16 {
        u16::try_from(self.entry["status"].as_u64().expect("a status")).expect("a status")
    }

    fn is_stream(&self) -> bool {
        self.text("kind") == "sse"
    }

    /// The call as it was made.
    fn call(&self) -> Request {
        let path = format!("{}{}", self.text("path"), self.text("query"));
        let media = self.entry["request_headers"]["content-type"].as_str().unwrap_or("application/json");
        Request::post(&path, self.request.clone())
            .header(":method", &self.text("method").to_uppercase())
            .header(":authority", self.text("host"))
            .header("content-type", media)
    }

    fn answer(&self) -> Answer {
        let answer = if self.is_stream() {
            Answer::stream(self.response.clone())
        } else {
            Answer::json(self.status(), self.response.clone())
        };
        Answer { status: self.status(), ..answer }
    }

    /// A policy with this recording's provider alone.
    fn gateway(&self, more: &Value) -> Gateway {
        let dialect = match self.text("provider") {
            "vertex_gemini" => "gemini",
            provider => provider,
        };
        let provider = json!({"dialect": dialect, "credential": "envoy", "host": self.text("host")});
        let mut policy = json!({"version": 1, "providers": {"own": provider}});
        for (key, value) in more.as_object().into_iter().flatten() {
            policy[key] = value.clone();
        }
        Gateway::new(&policy.to_string())
    }
}

/// Those of these endpoints, or of all others.
fn recordings(endpoints: &[&str], others: bool) -> Option<Vec<Recording>> {
    let Some(folder) = std::env::var_os("TOLLGATE_RECORDINGS").map(PathBuf::from) else {
        println!("skipped: TOLLGATE_RECORDINGS is not set");
        return None;
    };
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).expect("a manifest");
    let read = |entry: &Value, name: &str| {
        let file = entry[name].as_str().map(|file| folder.join(file));
        file.filter(|file| file.exists()).map(|file| std::fs::read(file).expect("a recording"))
    };
    let entries = manifest.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let chosen = entries
        .filter(|entry| endpoints.contains(&entry["endpoint"].as_str().expect("an endpoint")) != others);
    let all: Vec<Recording> = chosen
        .map(|entry| Recording {
            request: read(&entry, "request_file").unwrap_or_default(),
            response: read(&entry, "response_file").expect("a response"),
            entry,
        })
        .collect();
    assert!(all.len() > 20, "recordings are missing");
    Some(all)
}

const READ: [&str; 4] = ["embeddings", "completions_legacy", "count_tokens", "countTokens"];

#[test]
fn what_is_read_passes_untouched() {
    let Some(recordings) = recordings(&READ, false) else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for recording in recordings.iter().filter(|recording| !recording.request.is_empty()) {
        let id = recording.id();
        let gateway = recording.gateway(&json!({}));
        let outcome = gateway.afresh().call(recording.call(), &[recording.answer()]);
        let asked: Value = serde_json::from_slice(&recording.request).expect("JSON");
        let texts = asked.get("input").or(asked.get("prompt"));
        if texts.is_some_and(|texts| texts[0].is_number()) {
            assert_eq!(outcome.status, 400, "{id}: {}", outcome.text());
            assert!(outcome.sent.is_empty() && outcome.text().contains("cannot be inspected"), "{id}");
            *counts.entry("refused: tokens".to_owned()).or_default() += 1;
            continue;
        }
        assert_eq!(outcome.status, recording.status(), "{id}: {}", outcome.text());
        assert!(outcome.body == recording.response, "{id}:\n{}", outcome.text());
        let record = outcome.record();
        assert_eq!(record["tollgate.uninspected"], Value::Null, "{id}");
        let [sent] = &outcome.sent[..] else { panic!("{id}: sent {} times", outcome.sent.len()) };
        // Mistral and Qwen are told the same in their own words; a deployment of Azure's stood in the path.
        let own_words = ["azure_openai", "mistral", "qwen"].contains(&recording.text("provider"));
        let streams = asked["stream"] == true && asked["stream_options"].is_null();
        if record["tollgate.redactions"] == 0 && !own_words && !streams {
            assert!(sent.body == recording.request, "{id}: {}", String::from_utf8_lossy(&sent.body));
        }
        told_usage(recording, &record);
        let cuts = if recording.is_stream() { any_cut(recording, &gateway, &outcome) } else { 0 };
        *counts.entry("cuts".to_owned()).or_default() += cuts;
        let name = format!("{} {}", recording.text("endpoint"), recording.text("kind"));
        *counts.entry(name).or_default() += 1;
    }
    println!("{counts:?}");
}

/// The provider's own count stands in the record.
fn told_usage(recording: &Recording, record: &Value) {
    let Ok(answer) = serde_json::from_slice::<Value>(&recording.response) else { return };
    let counted = &answer["usage"]["prompt_tokens"];
    let counted = if counted.is_null() { &answer["usageMetadata"]["promptTokenCount"] } else { counted };
    if counted.is_u64() {
        assert_eq!(&record["gen_ai.usage.input_tokens"], counted, "{}", recording.id());
        assert_eq!(record["tollgate.usage_estimated"], false, "{}", recording.id());
    }
    if recording.text("endpoint") == "embeddings" && recording.status() == 200 {
        assert_eq!(record["gen_ai.usage.output_tokens"], 0, "{}", recording.id());
        assert_eq!(record["gen_ai.operation.name"], "embeddings", "{}", recording.id());
    }
}

fn any_cut(recording: &Recording, gateway: &Gateway, whole: &Outcome) -> usize {
    for at in 1..recording.response.len() {
        let outcome = gateway.afresh().call(recording.call(), &[recording.answer().cut(&[at])]);
        assert!(outcome.body == whole.body, "{}: cut at {at}", recording.id());
        assert_eq!(outcome.record, whole.record, "{}: cut at {at}", recording.id());
    }
    recording.response.len()
}

/// A vector, as numbers of 32 bits.
fn floats(vector: &Value) -> Vec<f32> {
    match vector {
        Value::String(text) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
            bytes.chunks(4).map(|float| f32::from_le_bytes(float.try_into().expect("four bytes"))).collect()
        }
        #[allow(clippy::cast_possible_truncation, reason = "the form has 32 bits")]
        numbers => {
            let numbers = numbers.as_array().expect("numbers");
            numbers.iter().map(|number| number.as_f64().expect("a number") as f32).collect()
        }
    }
}

/// The vectors of an answer of either API.
fn vectors(answer: &Value) -> Vec<Vec<f32>> {
    let items = answer["data"].as_array().or(answer["embeddings"].as_array()).expect("vectors");
    items
        .iter()
        .map(|item| floats(if item["values"].is_array() { &item["values"] } else { &item["embedding"] }))
        .collect()
}

#[test]
fn vectors_come_whole_to_callers_of_the_other_api() {
    let Some(recordings) = recordings(&READ[..2], false) else { return };
    let mut translated = 0;
    for recording in recordings.iter().filter(|it| it.text("endpoint") == "embeddings" && it.status() == 200)
    {
        let id = recording.id();
        let recorded = vectors(&serde_json::from_slice(&recording.response).expect("JSON"));
        let route = json!([{"name": "all", "use": "own/model"}]);
        let gateway = recording.gateway(&json!({"routes": route}));
        let calls = if recording.text("provider") == "gemini" {
            ["float", "base64"].map(|form| {
                let texts = vec!["a"; recorded.len()];
                let body = json!({"model": "any", "input": texts, "encoding_format": form});
                Request::post("/v1/embeddings", body.to_string())
            })
        } else {
            let content = json!({"content": {"parts": [{"text": "a"}]}});
            let batch = json!({"requests": vec![content; recorded.len()]}).to_string();
            ["/v1beta/models/any:batchEmbedContents", "/v1/models/any:batchEmbedContents"]
                .map(|path| Request::post(path, batch.clone()))
        };
        for call in calls {
            let outcome = gateway.afresh().call(call, &[recording.answer()]);
            assert_eq!(outcome.status, 200, "{id}: {}", outcome.text());
            let received = vectors(&outcome.json());
            assert!(received == recorded, "{id}: vectors differ");
            translated += 1;
        }
    }
    println!("{translated} answers with vectors translated");
}

/// What other tests of recorded traffic read, or Tollgate answers by itself.
const READ_ELSEWHERE: [&str; 9] = [
    "chat",
    "messages",
    "responses",
    "generateContent",
    "streamGenerateContent",
    "embeddings",
    "completions_legacy",
    "count_tokens",
    "countTokens",
];

#[test]
fn what_nobody_reads_passes_as_it_is_and_only_if_the_policy_says_so() {
    let Some(recordings) = recordings(&READ_ELSEWHERE, true) else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for recording in &recordings {
        let id = recording.id();
        let name = format!("{} {}", recording.text("provider"), recording.text("endpoint"));
        if recording.text("endpoint") == "models" {
            let outcome = recording.gateway(&json!({})).call(recording.call(), &[]);
            assert!(outcome.sent.is_empty() && outcome.json()["data"].is_array(), "{id}");
            *counts.entry(format!("{name}, answered here")).or_default() += 1;
            continue;
        }
        let blocked = recording.gateway(&json!({})).call(recording.call(), &[recording.answer()]);
        assert_eq!((blocked.status, blocked.sent.len()), (403, 0), "{id}");
        let mut gateway = recording.gateway(&json!({"endpoints": {"other": "allow"}}));
        let outcome = gateway.call(recording.call(), &[recording.answer()]);
        assert_eq!(outcome.status, recording.status(), "{id}: {}", outcome.text());
        assert!(outcome.body == recording.response, "{id}: the answer");
        assert!(outcome.sent[0].body == recording.request, "{id}: the request");
        let path = format!("{}{}", recording.text("path"), recording.text("query"));
        assert_eq!(outcome.sent[0].headers.get_str(":path"), Some(path.as_str()), "{id}");
        assert_eq!(outcome.record()["tollgate.uninspected"], true, "{id}");
        *counts.entry(name).or_default() += 1;
    }
    println!("passed through untouched: {counts:?}");
}
