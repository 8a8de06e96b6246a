//! Golden translations, both ways. `BLESS=1` writes the expected files anew: read them before they are committed.

use std::path::Path;

use serde_json::{Value, json};
use tollgate::chat::visit::visit;
use tollgate::provider::{Api, Operation, codec};
use tollgate::wire::json::Document;

use crate::{beside, deltas, files, fixtures, write_stream};

/// An API's name in the names of folders.
fn name(api: Api) -> &'static str {
    match api {
        Api::AnthropicMessages => "anthropic",
        Api::GeminiGenerate => "gemini",
        Api::MistralChat => "mistral",
        Api::OpenAiChat => "openai",
        Api::OpenAiCompletions => "completions",
        Api::GeminiEmbed | Api::GeminiEmbedBatch | Api::OpenAiEmbeddings => "embeddings",
        Api::OpenAiResponses => "responses",
        Api::AnthropicCountTokens | Api::GeminiCountTokens | Api::OpenAiInputTokens => "none",
    }
}

/// Every two APIs between which a call may be translated, with the folder of their requests.
fn ways() -> impl Iterator<Item = (String, Api, Api)> {
    let pairs = Api::ALL.into_iter().flat_map(|from| Api::ALL.into_iter().map(move |to| (from, to)));
    pairs
        .filter(|(from, to)| from != to && from.operation() == to.operation())
        .filter(|(from, _)| from.operation() == Operation::Chat)
        // Nothing is made a legacy completion.
        .filter(|(from, to)| ![*from, *to].contains(&Api::OpenAiCompletions))
        .map(|(from, to)| (format!("{}-to-{}", name(from), name(to)), from, to))
}

/// Vendors' samples, and the API that they are of.
const VENDORS: [(&str, Api); 6] = [
    ("openai", Api::OpenAiChat),
    ("openai_responses", Api::OpenAiResponses),
    ("deepseek", Api::OpenAiChat),
    ("anthropic", Api::AnthropicMessages),
    ("gemini", Api::GeminiGenerate),
    ("mistral", Api::MistralChat),
];

/// The samples of each vendor with every way that their API may go.
fn samples() -> impl Iterator<Item = (&'static str, String, Api, Api)> {
    VENDORS.into_iter().flat_map(|(vendor, api)| {
        ways().filter(move |(_, from, _)| *from == api).map(move |(way, from, to)| (vendor, way, from, to))
    })
}

#[expect(clippy::disallowed_methods, reason = "the switch for whoever writes the tests")]
fn golden(path: &Path, actual: &[u8]) {
    if std::env::var("BLESS").is_ok() {
        std::fs::write(path, actual).unwrap();
    }
    let expected = std::fs::read(path).unwrap_or_default();
    let (actual, expected) = (String::from_utf8_lossy(actual), String::from_utf8_lossy(&expected));
    assert_eq!(actual, expected, "{}", path.display());
}

fn out_file(way: &str, vendor: &str, path: &Path, ending: &str) -> std::path::PathBuf {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    fixtures().join(format!("translate/{way}/{vendor}_{name}.{ending}"))
}

#[test]
fn requests_are_translated_or_refused_by_field() {
    for (folder, from, to) in ways() {
        for path in files(&format!("translate/{folder}"), ".request.json") {
            let body = std::fs::read(&path).unwrap();
            let document = Document::parse(&body).unwrap();
            let request = codec(from).read_request(&crate::outline(from), document.root()).unwrap();
            let mut out = match codec(to).write_request(&request, 4096) {
                Ok(body) => {
                    let again = Document::parse(&body).unwrap();
                    codec(to).outline(crate::path(to), None, again.root()).unwrap();
                    body
                }
                Err(refused) => format!("refused: {}", refused.field).into_bytes(),
            };
            let name = path.to_string_lossy().contains("refused_");
            assert_eq!(name, out.starts_with(b"refused: "), "{}", path.display());
            out.push(b'\n');
            golden(&beside(&path, ".expected"), &out);
        }
    }
}

#[test]
fn answers_are_translated() {
    for (vendor, way, from, to) in samples() {
        for path in files(vendor, ".json") {
            if path.to_string_lossy().matches(".json").count() > 1 {
                continue;
            }
            let body = std::fs::read(&path).unwrap();
            let document = Document::parse_lenient(body.trim_ascii()).unwrap();
            let response = codec(from).read_response(document.root()).unwrap();
            let mut out = codec(to).write_response(&response, 1_700_000_000);
            let again = Document::parse(&out).unwrap();
            assert_eq!(
                codec(to).read_usage(again.root()),
                Some(response.usage.unwrap_or_default())
                    .filter(|_| to == Api::AnthropicMessages || response.usage.is_some())
            );
            out.push(b'\n');
            golden(&out_file(&way, vendor, &path, "answer.expected"), &out);
        }
    }
}

#[test]
fn streams_are_translated() {
    for (vendor, way, from, to) in samples() {
        for path in files(&format!("{vendor}/stream"), ".sse") {
            let (steps, whole) = deltas(from, &std::fs::read(&path).unwrap());
            let out = write_stream(to, &steps, true);
            assert_eq!(deltas(to, &out).1, whole, "{} stays whole or broken", path.display());
            golden(&out_file(&way, vendor, &path, "stream.expected"), &out);
        }
    }
}

/// Each value below `root` in turn replaced by one of another kind.
fn misshapen(root: &Value) -> Vec<Value> {
    fn places(value: &Value, path: &str, out: &mut Vec<String>) {
        out.push(path.to_owned());
        match value {
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                places(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }),
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| places(item, &format!("{path}/{index}"), out));
            }
            _ => {}
        }
    }
    let mut paths = Vec::new();
    places(root, "", &mut paths);
    let others =
        [json!(null), json!(-1.5), json!(""), json!([]), json!({}), json!([[]]), json!({"type": "text"})];
    let mut out = Vec::new();
    for path in paths {
        for other in &others {
            let mut copy = root.clone();
            *copy.pointer_mut(&path).unwrap() = other.clone();
            out.push(copy);
        }
    }
    out
}

#[test]
fn requests_of_any_shape_are_read_or_refused_and_what_is_written_is_whole() {
    for (folder, from, to) in ways() {
        for path in files(&format!("translate/{folder}"), ".request.json") {
            for shape in misshapen(&crate::json(&path)) {
                let body = serde_json::to_vec(&shape).unwrap();
                let document = Document::parse(&body).unwrap();
                let root = document.root();
                visit(root, &|path, parent| codec(from).request_place(path, parent), &mut |_| {});
                let _ = codec(from).outline(crate::path(from), None, root);
                let Ok(request) = codec(from).read_request(&crate::outline(from), root) else { continue };
                let Ok(out) = codec(to).write_request(&request, 4096) else { continue };
                let again = Document::parse(&out).unwrap();
                codec(to).read_request(&crate::outline(to), again.root()).unwrap();
            }
        }
    }
}

#[test]
fn answers_of_any_shape_are_read_or_refused() {
    for (vendor, _, from, to) in samples() {
        for path in files(vendor, ".json") {
            if path.to_string_lossy().matches(".json").count() > 1 {
                continue;
            }
            for shape in misshapen(&crate::json(&path)) {
                let body = serde_json::to_vec(&shape).unwrap();
                let document = Document::parse(&body).unwrap();
                let _ = codec(from).read_usage(document.root());
                let Ok(response) = codec(from).read_response(document.root()) else { continue };
                Document::parse(&codec(to).write_response(&response, 1)).unwrap();
            }
        }
        for path in files(&format!("{vendor}/stream"), ".sse") {
            for (_, data) in crate::events(&std::fs::read(&path).unwrap()) {
                let Ok(event) = serde_json::from_slice::<Value>(&data) else { continue };
                for shape in misshapen(&event) {
                    let mut reader = codec(from).stream_reader(&[]);
                    let steps = reader.read(None, &serde_json::to_vec(&shape).unwrap());
                    let _ = write_stream(to, &steps.unwrap_or_default(), true);
                }
            }
        }
    }
}
