//! Chunking never changes the result, and the result is what was said with every value in its place.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use tollgate::wire::http::Headers;

use crate::draw::cuts;
use crate::streams::{CODE, Kind, PROMPT, Script, read_anthropic, read_openai, restored, script};
use crate::support::{Answer, Ends, Gateway, Outcome, Request};
use crate::{ANTHROPIC_PATH, OPENAI_PATH, check, policy};

fn ask(path: &str, model: &str, usage: bool) -> Request {
    let body = if path == OPENAI_PATH {
        json!({"model": model, "stream": true, "n": 2, "stream_options": {"include_usage": usage},
            "messages": [{"role": "user", "content": PROMPT}]})
    } else {
        json!({"model": model, "stream": true, "max_tokens": 50, "messages": [{"role": "user", "content": PROMPT}]})
    };
    Request::post(path, body.to_string())
}

fn ask_one(path: &str, model: &str, usage: bool) -> Request {
    let mut request = ask(path, model, usage);
    let mut body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    body.as_object_mut().expect("an object").remove("n");
    request.body = body.to_string().into_bytes();
    request.header("content-length", &body.to_string().len().to_string())
}

type Chunks = (Vec<Vec<u32>>, u8);

fn chunks() -> impl Strategy<Value = Chunks> {
    (prop::collection::vec(prop::collection::vec(any::<u32>(), 1..40), 3), 0u8..3)
}

/// Where a stream's last event is only known to be over with the body, trailers come too late to add anything.
fn is_seen_to_end(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let stops = text.contains("message_stop") || text.trim_end().ends_with("data: [DONE]");
    text.ends_with('\n') && (stops || text.trim_end().ends_with("data:[DONE]"))
}

/// The answer whole, after it was found to come out the same in every cut.
fn any_cut(
    gateway: &Gateway,
    request: impl Fn() -> Request,
    body: &[u8],
    chunks: &Chunks,
) -> Result<Outcome, TestCaseError> {
    let ends = match chunks.1 {
        0 => Ends::Clean,
        1 if is_seen_to_end(body) => Ends::Trailers,
        _ => Ends::EmptyPiece,
    };
    let answer = || Answer::stream(body).ends(ends);
    let whole = gateway.afresh().call(request(), &[answer()]);
    let mut all: Vec<Vec<usize>> = chunks.0.iter().map(|numbers| cuts(numbers, body.len())).collect();
    all.push((1..body.len()).collect());
    for cut in all {
        let told =
            if cut.len() + 1 < body.len() { format!("cut at {cut:?}") } else { "cut everywhere".to_owned() };
        let cut_up = gateway.afresh().call(request(), &[answer().cut(&cut)]);
        prop_assert_eq!(cut_up.text(), whole.text(), "{}", told);
        prop_assert_eq!(&cut_up.record, &whole.record, "{}", told);
        let heads = [&cut_up, &whole].map(|outcome| (outcome.status, readable(&outcome.headers)));
        prop_assert_eq!(&heads[0], &heads[1], "{}", told);
    }
    prop_assert_eq!(whole.status, 200, "{}", whole.text());
    prop_assert!(!whole.text().contains("\"error\""), "{}", whole.text());
    Ok(whole)
}

fn readable(headers: &Headers) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
        .collect()
}

fn expected(script: &Script) -> BTreeMap<String, String> {
    let mut expected = BTreeMap::<String, String>::new();
    // Channels of one choice share its text; what they say is interleaved, so each is compared only if it is alone.
    for (index, channel) in script.texts.iter().enumerate() {
        let key = match channel.kind {
            Kind::Text => format!("text {}", channel.choice),
            Kind::Reasoning => format!("reasoning {}", channel.choice),
            Kind::Arguments => format!("call {} {index}", channel.choice),
        };
        expected.entry(key).or_default().push_str(&restored(&channel.text, channel.kind));
    }
    expected
}

#[test]
fn openais_stream_in_place_is_the_same_in_any_cut_and_restored() {
    let gateway = Gateway::new(&policy(CODE));
    check(60, &(script(), chunks(), any::<bool>()), |(script, chunks, usage)| {
        let script = script.apart();
        let outcome = any_cut(&gateway, || ask(OPENAI_PATH, "gpt-4.1", usage), &script.openai(), &chunks)?;
        prop_assert_eq!(read_openai(&outcome.body), expected(&script));
        Ok(())
    });
}

#[test]
fn anthropics_stream_in_place_is_the_same_in_any_cut_and_restored() {
    let gateway = Gateway::new(&policy(CODE));
    check(60, &(script(), chunks()), |(script, chunks)| {
        let script = script.in_blocks();
        let request = || ask(ANTHROPIC_PATH, "claude-sonnet-5", true);
        let outcome = any_cut(&gateway, request, &script.anthropic(), &chunks)?;
        let expected: Vec<String> =
            script.texts.iter().map(|channel| restored(&channel.text, channel.kind)).collect();
        prop_assert_eq!(read_anthropic(&outcome.body), expected);
        Ok(())
    });
}

#[test]
fn openais_stream_for_anthropics_caller_is_the_same_in_any_cut_and_restored() {
    let gateway = Gateway::new(&policy(CODE));
    check(60, &(script(), chunks()), |(script, chunks)| {
        let script = script.single_choice().apart();
        let request = || ask(ANTHROPIC_PATH, "smart", true);
        let outcome = any_cut(&gateway, request, &script.openai(), &chunks)?;
        let last = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        prop_assert!(outcome.text().ends_with(last), "{}", outcome.text());
        // Blocks may be told in pieces: what is said of each kind is compared as a whole.
        let said = read_anthropic(&outcome.body).concat();
        for channel in script.texts.iter().filter(|channel| channel.kind == Kind::Arguments) {
            let text = restored(&channel.text, channel.kind);
            prop_assert!(said.contains(&text), "{} in {}", text, said);
        }
        let length: usize = expected(&script).values().map(String::len).sum();
        let reasoning = script.texts.iter().any(|channel| channel.kind == Kind::Reasoning);
        prop_assert!(reasoning || said.len() == length, "{} of {length}: {said}", said.len());
        Ok(())
    });
}

/// A part of a word that no script has.
const JOINT: &str = "zzz";

#[test]
fn anthropics_stream_for_openais_caller_is_the_same_in_any_cut_and_restored() {
    let gateway = Gateway::new(&policy(CODE));
    check(60, &(script(), chunks(), any::<bool>()), |(script, chunks, usage)| {
        let script = script.in_blocks();
        let outcome =
            any_cut(&gateway, || ask_one(OPENAI_PATH, "claude", usage), &script.anthropic(), &chunks)?;
        prop_assert!(outcome.text().ends_with("data: [DONE]\n\n"), "{}", outcome.text());
        prop_assert_eq!(outcome.text().contains("\"usage\":{"), usage);
        let mut expected = BTreeMap::<String, String>::new();
        let mut calls = 0;
        let (mut text, mut open) = (String::new(), String::new());
        for channel in &script.texts {
            if channel.kind == Kind::Arguments {
                expected.insert(format!("call 0 {calls}"), restored(&channel.text, channel.kind));
                calls += 1;
                // A word that stands before a call has ended, and nothing begins right behind it; a bracket may still
                // be closed there.
                let before = open.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
                if before.len() < open.len() && !before.ends_with('<') && !before.ends_with("&lt;") {
                    text.push_str(&restored(&open, Kind::Text));
                    open = JOINT.to_owned();
                }
            } else {
                open.push_str(&channel.text);
            }
        }
        // Blocks of text run into one another there, and may make up a placeholder together.
        text.push_str(&restored(&open, Kind::Text));
        expected.insert("text 0".to_owned(), text.replace(JOINT, ""));
        expected.retain(|_, text| !text.is_empty());
        prop_assert_eq!(read_openai(&outcome.body), expected);
        Ok(())
    });
}
