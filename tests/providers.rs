//! What `provider` and the one visitor promise: against hand-written samples of each vendor with their expected
//! readings, golden translations, and recorded traffic.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop where it stands"
)]

use std::path::{Path, PathBuf};

use serde_json::Value;
use tollgate::chat::Delta;
use tollgate::provider::{Api, Outline, codec};
use tollgate::wire::sse::Decoder;

#[path = "providers/adapt.rs"]
mod adapt;
#[path = "providers/anthropic.rs"]
mod anthropic;
#[path = "providers/completions.rs"]
mod completions;
#[path = "providers/embeddings.rs"]
mod embeddings;
#[path = "providers/failures.rs"]
mod failures;
#[path = "providers/in_place.rs"]
mod in_place;
#[path = "providers/openai.rs"]
mod openai;
#[path = "providers/places.rs"]
mod places;
#[path = "providers/readings.rs"]
mod readings;
#[path = "providers/recorded.rs"]
mod recorded;
#[path = "providers/translate.rs"]
mod translate;

/// A call's path, where the API says something by it.
fn path(api: Api) -> &'static str {
    match api {
        Api::GeminiGenerate => "/v1beta/models/gemini-3.5-flash:generateContent",
        Api::GeminiEmbed => "/v1beta/models/gemini-3.5-flash:embedContent",
        Api::GeminiEmbedBatch => "/v1beta/models/gemini-3.5-flash:batchEmbedContents",
        Api::GeminiCountTokens => "/v1beta/models/gemini-3.5-flash:countTokens",
        _ => "",
    }
}

/// What such a path says.
fn outline(api: Api) -> Outline {
    let model = if path(api).is_empty() { "" } else { "gemini-3.5-flash" };
    Outline { model: model.to_owned(), ..Outline::default() }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Files below `folder` of the fixtures whose names end so, in order.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(fixtures().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no {ending} in {folder}");
    found
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The data of each event.
fn events(stream: &[u8]) -> Vec<(Option<String>, Vec<u8>)> {
    let mut decoder = Decoder::new(1 << 20);
    decoder.push(stream).unwrap();
    let mut events = Vec::new();
    while let Some(event) = decoder.next_event().or_else(|| decoder.finish()) {
        if let Some(data) = event.data() {
            events.push((event.name().map(str::to_owned), data.to_vec()));
        }
    }
    events
}

/// Reads a stream; says whether it was whole.
fn deltas(api: Api, stream: &[u8]) -> (Vec<Delta>, bool) {
    let mut reader = codec(api).stream_reader(&[]);
    let mut deltas = Vec::new();
    for (name, data) in events(stream) {
        // An event that was cut off is the end of a broken stream.
        let Ok(steps) = reader.read(name.as_deref(), &data) else { return (deltas, false) };
        deltas.extend(steps);
    }
    (deltas, reader.is_complete())
}

fn write_stream(api: Api, deltas: &[Delta], usage: bool) -> Vec<u8> {
    let mut writer =
        codec(api).stream_writer(1_700_000_000, &Outline { stream_usage: usage, ..Outline::default() });
    let mut out = Vec::new();
    for delta in deltas {
        writer.write(delta, &mut out);
    }
    if !deltas.iter().any(|delta| matches!(delta, Delta::Error(_))) {
        writer.finish(&mut out);
    }
    out
}
