//! What no policy touches leaves byte-identical, both ways.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::draw::{Spelling, cuts, free, one_of, request};
use crate::streams::{Script, Usage, script};
use crate::support::{Answer, Gateway, Request};
use crate::{ANTHROPIC_PATH, OPENAI_PATH, check, policy};

const CLEAN: &[&str] = &[
    "hello",
    "a < b",
    "<EMAIL_1>",
    "é 😀",
    "tab\tand \"quotes\" \\ and /",
    "",
    "x",
    "1.0",
    "line\nbreak",
    "</p>",
];

fn clean() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(one_of(CLEAN), 1..8)
}

/// Numbers as nobody would write them again.
fn odd_numbers(body: &str) -> String {
    body.replace("\"n\":7", "\"n\":7.000e+00").replace("\"n\":8", "\"n\":-0.0E0")
}

fn never() -> String {
    policy(r#""retention": {"opt_out": "never"}"#)
}

fn answer(anthropic: bool, text: &str, free: &Value) -> Value {
    if anthropic {
        return json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5",
            "content": [{"type": "text", "text": text},
                {"type": "tool_use", "id": "toolu_1", "name": "send", "input": {"free": free, "n": 7}}],
            "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1},
            "x_unknown": free});
    }
    json!({"id": "x", "object": "chat.completion", "created": 1, "model": "gpt-4.1", "choices": [{"index": 0,
        "message": {"role": "assistant", "content": text, "x_unknown": free, "n": 7}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
}

#[test]
fn a_call_without_findings_passes_byte_identical() {
    let gateway = Gateway::new(&never());
    let inputs = (
        any::<bool>(),
        clean(),
        free(one_of(CLEAN)),
        prop::collection::vec(any::<u8>(), 0..32),
        prop::collection::vec(any::<u32>(), 0..6),
    );
    check(150, &inputs, |(anthropic, texts, free, spelling, numbers)| {
        let body = request(anthropic, &texts, &free, &[7, 8], "{\"a\": 1}");
        let body = odd_numbers(&Spelling::new(&spelling).write(&body));
        let said = odd_numbers(&Spelling::new(&spelling).write(&answer(anthropic, &texts[0], &free)));
        let path = if anthropic { ANTHROPIC_PATH } else { OPENAI_PATH };
        let given = Answer::json(200, said.clone()).cut(&cuts(&numbers, said.len()));
        let outcome = gateway.afresh().call(Request::post(path, body.clone()), &[given]);
        prop_assert_eq!(outcome.status, 200, "{}", outcome.text());
        prop_assert_eq!(String::from_utf8_lossy(&outcome.sent[0].body), body);
        prop_assert_eq!(outcome.text(), said);
        Ok(())
    });
}

/// An answer without placeholders stays as it is, even where there would be something to restore.
#[test]
fn an_answer_that_names_no_placeholder_passes_byte_identical_whatever_is_vaulted() {
    let gateway = Gateway::new(&never());
    let inputs = (any::<bool>(), script(), any::<bool>(), prop::collection::vec(any::<u32>(), 0..20));
    check(150, &inputs, |(anthropic, script, vaulted, numbers)| {
        let mut script = if anthropic { script.in_blocks() } else { script.apart() };
        for channel in &mut script.texts {
            channel.text = channel.text.replace("_1", "_7").replace("_2", "_8");
        }
        let prompt = if vaulted { "write to anna.keller@example.org" } else { "hello" };
        let (path, body, said) = stream_call(anthropic, prompt, &script);
        let given = Answer::stream(said.clone()).cut(&cuts(&numbers, said.len()));
        let outcome = gateway.afresh().call(Request::post(path, body.clone()), &[given]);
        prop_assert_eq!(outcome.text(), String::from_utf8_lossy(&said));
        if !vaulted {
            prop_assert_eq!(String::from_utf8_lossy(&outcome.sent[0].body), body);
        }
        Ok(())
    });
}

fn stream_call(anthropic: bool, prompt: &str, script: &Script) -> (&'static str, String, Vec<u8>) {
    let messages = json!([{"role": "user", "content": prompt}]);
    if anthropic {
        let body = json!({"model": "claude-sonnet-5", "max_tokens": 9, "stream": true, "messages": messages});
        return (ANTHROPIC_PATH, body.to_string(), script.anthropic());
    }
    let body = json!({"model": "gpt-4.1", "stream": true, "messages": messages,
        "stream_options": {"include_usage": true}});
    (OPENAI_PATH, body.to_string(), script.openai())
}

/// Usage that nobody asked for is all that is missing.
#[test]
fn hiding_usage_changes_nothing_else() {
    let gateway = Gateway::new(&never());
    check(60, &script(), |mut script| {
        script.frame.multi_line = false;
        let (path, body, said) = stream_call(false, "hello", &script);
        let body = body.replace(",\"stream_options\":{\"include_usage\":true}", "");
        let body = body.replace("\"stream_options\":{\"include_usage\":true},", "");
        prop_assert!(!body.contains("stream_options"), "{}", body);
        let outcome = gateway.afresh().call(Request::post(path, body), &[Answer::stream(said)]);
        script.usage = Usage::None;
        let without = crate::streams::events(&script.openai());
        prop_assert_eq!(crate::streams::events(&outcome.body), without);
        Ok(())
    });
}
