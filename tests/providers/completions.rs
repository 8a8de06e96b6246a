//! Legacy completions: read in place, and carried to a conversation and back.

use serde_json::{Value, json};
use tollgate::chat::{Choice, Delta, Part, Response, Role, StopReason, Usage};
use tollgate::provider::{Api, Hidden, Outline, codec};
use tollgate::wire::json::{Document, Edits};

use crate::{deltas, write_stream};

const CODEC: Api = Api::OpenAiCompletions;

fn outline(body: &str) -> Result<Outline, String> {
    let document = Document::parse(body.as_bytes()).unwrap();
    codec(CODEC).outline("/v1/completions", None, document.root()).map_err(|fault| fault.field)
}

/// As chat completions, or the field that has no place there.
fn as_chat(body: &str) -> Result<Value, String> {
    let document = Document::parse(body.as_bytes()).unwrap();
    let request =
        codec(CODEC).read_request(&outline(body).unwrap(), document.root()).map_err(|fault| fault.field)?;
    let written = codec(Api::OpenAiChat).write_request(&request, 9).map_err(|fault| fault.field)?;
    Ok(serde_json::from_slice(&written).unwrap())
}

#[test]
fn a_prompt_becomes_the_one_turn_of_a_conversation() {
    let turn = json!([{"role": "user", "content": "Once"}]);
    for prompt in [r#""Once""#, r#"["Once"]"#] {
        let body = format!(
            r#"{{"model":"m","prompt":{prompt},"max_tokens":5,"temperature":0.50,"stop":["x"],"n":2,"user":"u",
                "echo":false,"best_of":1,"suffix":"","logit_bias":{{}},"logprobs":null}}"#
        );
        let chat = as_chat(&body).unwrap();
        assert_eq!(chat["messages"], turn);
        let kept = ["temperature", "stop", "n", "user"].map(|field| chat[field].to_string());
        assert_eq!(kept, ["0.5", r#"["x"]"#, "2", r#""u""#]);
    }
    let document = Document::parse(br#"{"model":"m","prompt":"a"}"#).unwrap();
    let request = codec(CODEC).read_request(&Outline::default(), document.root()).unwrap();
    assert_eq!(request.messages[0].role, Role::User);
}

#[test]
fn what_has_no_place_in_a_conversation_is_refused_by_name() {
    for (more, field) in [
        (r#""prompt":"a","suffix":"b""#, "suffix"),
        (r#""prompt":"a","echo":true"#, "echo"),
        (r#""prompt":"a","best_of":3"#, "best_of"),
        (r#""prompt":"a","logprobs":2"#, "logprobs"),
        (r#""prompt":"a","logit_bias":{"50256":-100}"#, "logit_bias"),
        (r#""prompt":["a","b"]"#, "prompt"),
        (r#""prompt":[]"#, "prompt"),
        (r#""max_tokens":3"#, "prompt"),
    ] {
        let body = format!(r#"{{"model":"m",{more}}}"#);
        assert_eq!(as_chat(&body), Err(field.to_owned()), "{body}");
    }
    let chat = tollgate::chat::Request { model: "m".to_owned(), ..Default::default() };
    assert!(codec(CODEC).write_request(&chat, 9).is_err(), "a conversation is no prompt");
}

#[test]
fn tokens_cannot_be_inspected_and_every_answer_is_counted() {
    for tokens in ["[1,2]", "[[1],[2]]", "5", r#"["a",[1]]"#] {
        assert_eq!(outline(&format!(r#"{{"model":"m","prompt":{tokens}}}"#)), Err("prompt".to_owned()));
    }
    let answers = |more: &str| outline(&format!(r#"{{"model":"m",{more}}}"#)).unwrap().answers;
    assert_eq!(answers(r#""prompt":"a""#), 1);
    assert_eq!(answers(r#""prompt":["a","b","c"],"n":2"#), 6);
    assert_eq!(answers(r#""prompt":"a","n":2,"best_of":5"#), 5);
    assert_eq!(outline(r#"{"model":"m","prompt":"","max_tokens":-1}"#).unwrap().max_output, None);
}

#[test]
fn an_answer_of_a_conversation_is_a_text() {
    let choice = Choice {
        parts: vec![Part::Thinking { text: "hm".into(), signature: None }, Part::Text("a \"b\"".into())],
        stop: StopReason::Length,
        stop_sequence: None,
        logprobs: Vec::new(),
    };
    let usage = Usage { input: 3, output: 4, ..Usage::default() };
    let response = Response {
        id: "i".into(),
        model: "m".into(),
        choices: vec![choice],
        usage: Some(usage),
        ..Response::default()
    };
    let written = codec(CODEC).write_response(&response, 17);
    let read: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(read["object"], "text_completion");
    assert_eq!(
        read["choices"],
        json!([{"text": "a \"b\"", "index": 0, "logprobs": null, "finish_reason": "length"}])
    );
    let document = Document::parse(&written).unwrap();
    assert!(codec(CODEC).is_answer(document.root()));
    assert_eq!(codec(CODEC).read_usage(document.root()), Some(usage));
}

#[test]
fn a_stream_is_written_as_it_is_read() {
    let steps = [
        Delta::Start { id: "i".into(), model: "m".into() },
        Delta::Text { choice: 0, text: "a\n".into() },
        Delta::Text { choice: 1, text: "b".into() },
        Delta::Stop { choice: 0, reason: StopReason::Stop, sequence: None },
        Delta::Stop { choice: 1, reason: StopReason::Length, sequence: None },
        Delta::Usage(Usage { input: 1, output: 2, ..Usage::default() }),
    ];
    let (read, whole) = deltas(CODEC, &write_stream(CODEC, &steps, true));
    assert!(whole);
    assert_eq!(read.strip_suffix(&[Delta::End]).unwrap(), steps);
    let without = String::from_utf8(write_stream(CODEC, &steps, false)).unwrap();
    assert!(!without.contains("usage") && without.ends_with("data: [DONE]\n\n"), "{without}");
}

#[test]
fn texts_of_a_stream_have_channels_and_usage_is_hidden() {
    let body = r#"{"choices":[{"index":1,"text":"a"},{"text":null}],"usage":{"x":1}}"#;
    let document = Document::parse(body.as_bytes()).unwrap();
    let texts = codec(CODEC).stream_texts(document.root());
    let channels: Vec<_> = texts.iter().map(|text| (text.channel.choice, text.channel.field)).collect();
    assert_eq!(channels, [(1, "text")]);
    assert_eq!(codec(CODEC).hide_stream_usage(document.root(), &mut Edits::new()), Hidden::Part);
}
