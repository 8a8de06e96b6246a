//! Stories: one file in `tests/scenarios` each, told as configuration, calls, what providers answer, and what has to
//! come of it. Every answer of a provider is told again at every single cut point: nothing may change. The short ones
//! in `tests/scenarios/bypass` are told by `bypass`.

#![allow(clippy::panic, clippy::expect_used, clippy::indexing_slicing)]

#[path = "stories/bypass.rs"]
mod bypass;
#[path = "stories/reading.rs"]
mod reading;
mod support;

use serde_json::Value;
use support::{Answer, Ends, Gateway, Outcome, Request};

#[test]
fn every_story_ends_as_it_is_told() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("scenarios").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    assert!(files.len() >= 10, "stories are missing");
    #[allow(clippy::disallowed_methods, reason = "a developer asks for one story")]
    let only = std::env::var("STORY").ok();
    let mut told = 0;
    for file in files {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("a story");
        let story: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        told += tell(&name, &story);
    }
    println!("{told} tellings");
}

/// Once whole, and then with every answer cut at every point.
fn tell(name: &str, story: &Value) -> usize {
    let gateway = gateway_of(story);
    let whole = outcomes(&gateway, story, None);
    for (call, outcome) in calls(story).zip(&whole) {
        check(name, call, outcome);
    }
    let mut told = 1;
    let longest = calls(story).flat_map(upstream).map(|answer| body_of(&answer).len()).max().unwrap_or(0);
    for cut in 1..longest {
        for (call, (cut_up, whole)) in
            calls(story).zip(outcomes(&gateway, story, Some(cut)).iter().zip(&whole))
        {
            assert_eq!(cut_up.text(), whole.text(), "{name}: cut at {cut}: {}", call["about"]);
            assert_eq!(cut_up.status, whole.status, "{name}: cut at {cut}");
            assert_eq!(cut_up.record, whole.record, "{name}: cut at {cut}");
        }
        told += 1;
    }
    told
}

fn calls(story: &Value) -> impl Iterator<Item = &Value> {
    story["calls"].as_array().expect("calls").iter()
}

fn upstream(call: &Value) -> Vec<Value> {
    call["upstream"].as_array().cloned().unwrap_or_default()
}

fn gateway_of(story: &Value) -> Gateway {
    let env = |name: &str| story["env"][name].as_str().map(str::to_owned);
    let mut gateway = Gateway::with_env(&story["policy"].to_string(), &env);
    gateway.redirects = story["redirects"] != false;
    if story["direct"] == true { gateway.direct() } else { gateway }
}

fn outcomes(gateway: &Gateway, story: &Value, cut: Option<usize>) -> Vec<Outcome> {
    let mut gateway = gateway.afresh();
    calls(story)
        .map(|call| {
            let answers: Vec<Answer> = upstream(call).iter().map(|answer| answer_of(answer, cut)).collect();
            gateway.now_ms += call["after_ms"].as_u64().unwrap_or(0);
            gateway.call(request_of(call), &answers)
        })
        .collect()
}

/// A text is itself, an array of texts is a stream's events, anything else is JSON.
fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        Value::Array(events) if events.iter().all(Value::is_string) => events
            .iter()
            .map(|event| format!("{}\n\n", event.as_str().unwrap_or_default()))
            .collect::<String>()
            .into_bytes(),
        json => json.to_string().into_bytes(),
    }
}

fn body_of(answer: &Value) -> Vec<u8> {
    bytes_of(&answer["body"])
}

fn request_of(call: &Value) -> Request {
    let path = call["path"].as_str().unwrap_or("/v1/chat/completions");
    let mut request = Request::post(path, bytes_of(&call["request"]));
    for (name, value) in call["headers"].as_object().into_iter().flatten() {
        request = match value.as_str() {
            Some(value) => request.header(name, value),
            None => request.without(name),
        };
    }
    request
}

fn answer_of(answer: &Value, cut: Option<usize>) -> Answer {
    if answer == "dead" {
        return Answer::dead();
    }
    let body = body_of(answer);
    let mut given = if answer["body"].is_array() { Answer::stream(body) } else { Answer::json(200, body) };
    given.status = answer["status"].as_u64().map_or(200, |status| status as u16);
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        given = given.header(name, value.as_str().expect("a header"));
    }
    given.cuts = cut.into_iter().collect();
    given.ends = match answer["ends"].as_str() {
        None | Some("clean") => Ends::Clean,
        Some("empty piece") => Ends::EmptyPiece,
        Some("trailers") => Ends::Trailers,
        Some("reset") => Ends::Reset,
        Some(other) => panic!("no such end: {other}"),
    };
    given
}

fn check(name: &str, call: &Value, outcome: &Outcome) {
    let story = format!("{name}: {}", call["about"].as_str().unwrap_or_default());
    let expected = &call["answer"];
    if let Some(status) = expected["status"].as_u64() {
        assert_eq!(u64::from(outcome.status), status, "{story}: {}", outcome.text());
    }
    if !expected["body"].is_null() {
        same_body(&format!("{story}: the answer"), &expected["body"], &outcome.body);
    }
    for part in expected["contains"].as_array().into_iter().flatten() {
        let part = part.as_str().expect("a text");
        assert!(outcome.text().contains(part), "{story}: no {part:?} in {}", outcome.text());
    }
    for part in expected["lacks"].as_array().into_iter().flatten() {
        let part = part.as_str().expect("a text");
        assert!(!outcome.text().contains(part), "{story}: {part:?} in {}", outcome.text());
    }
    for (header, value) in expected["headers"].as_object().into_iter().flatten() {
        assert_eq!(outcome.headers.get_str(header), value.as_str(), "{story}: {header}");
    }
    let sent = call["sent"].as_array().cloned().unwrap_or_default();
    assert_eq!(outcome.sent.len(), sent.len(), "{story}: requests sent");
    for (number, (expected, sent)) in sent.iter().zip(&outcome.sent).enumerate() {
        let story = format!("{story}: request {number}");
        assert_eq!(sent.provider, expected["cluster"].as_str().expect("a cluster"), "{story}");
        if !expected["body"].is_null() {
            same_body(&story, &expected["body"], &sent.body);
        }
        for (header, value) in expected["headers"].as_object().into_iter().flatten() {
            assert_eq!(sent.headers.get_str(header), value.as_str(), "{story}: {header}");
        }
        let length = sent.headers.get_str("content-length").and_then(|length| length.parse().ok());
        assert_eq!(length, Some(sent.body.len()), "{story}: content-length");
        assert!(sent.headers.iter().all(|(name, _)| name != "x-tollgate-exchange"), "{story}");
    }
    subset(&format!("{story}: the record"), &call["record"], &outcome.record());
    for (metric, value) in call["metrics"].as_object().into_iter().flatten() {
        assert_eq!(outcome.metric(metric), value.as_u64(), "{story}: {metric} in {:?}", outcome.metrics);
    }
    let left = outcome.everything_that_left();
    for value in call["secret"].as_array().into_iter().flatten() {
        let value = value.as_str().expect("a text");
        assert!(!left.contains(value), "{story}: {value} left: {left}");
    }
}

/// Texts and streams are compared byte by byte, JSON by its meaning.
fn same_body(story: &str, expected: &Value, found: &[u8]) {
    let text = String::from_utf8_lossy(found);
    if expected.is_string() || expected.is_array() {
        assert_eq!(text, String::from_utf8_lossy(&bytes_of(expected)), "{story}");
    } else {
        let found: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{story}: {error}: {text}"));
        assert_eq!(&found, expected, "{story}");
    }
}

/// Every member that is expected is there; others may be.
fn subset(story: &str, expected: &Value, found: &Value) {
    match expected {
        Value::Null => {}
        Value::Object(members) => {
            for (name, value) in members {
                let there = found.get(name).unwrap_or(&Value::Null);
                if value.is_null() {
                    assert!(there.is_null(), "{story}: {name} is {there}");
                }
                subset(&format!("{story}.{name}"), value, there);
            }
        }
        Value::Array(items) => {
            assert_eq!(Some(items.len()), found.as_array().map(Vec::len), "{story}: {found}");
            for (index, item) in items.iter().enumerate() {
                subset(&format!("{story}[{index}]"), item, &found[index]);
            }
        }
        value => assert_eq!(found, value, "{story}"),
    }
}
