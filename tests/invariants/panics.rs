//! Nothing panics, whatever comes; and whatever comes of it, there is a record.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::draw::cuts;
use crate::support::{Answer, Ends, Gateway, Outcome, Request};
use crate::{ANTHROPIC_PATH, OPENAI_PATH, check, policy};

const EVERYTHING: &str = r#"
    "data": {"custom": [{"name": "code", "pattern": "x+y", "action": "redact"}],
        "classes": [{"name": "c", "found": ["code"], "retention": "none"}]},
    "tasks": {"legal": {"words": ["contract", "liability"], "at_least": 2}},
    "budgets": [{"name": "day", "per": ["caller", "header:x-y"], "limit": {"tokens": 100000000}, "window": "day",
        "at": [{"percent": 100, "reject": true}]}],
    "drop": ["n", "top_k", "logprobs"]"#;

fn gateways() -> [Gateway; 3] {
    let open = format!("{EVERYTHING}, \"endpoints\": {{\"other\": \"allow\"}}");
    let allow =
        open.replace("\"data\": {", "\"data\": {\"uninspectable\": \"allow\", \"placeholder\": \"keyed\", ");
    [
        Gateway::new(&policy(EVERYTHING)),
        Gateway::new(&policy(&allow)),
        Gateway::new(&policy(&format!("\"mode\": \"observe\", {EVERYTHING}"))).direct(),
    ]
}

fn has_a_record(outcome: &Outcome) -> Result<(), TestCaseError> {
    prop_assert!(outcome.record()["tollgate.request_id"].is_string());
    prop_assert!(outcome.status >= 100, "no status");
    Ok(())
}

fn ends() -> impl Strategy<Value = Ends> {
    prop::sample::select(&[Ends::Clean, Ends::EmptyPiece, Ends::Trailers, Ends::Reset, Ends::Never][..])
}

/// Bytes that look a little like what is expected, and bytes that do not.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(
        &[
            "{",
            "}",
            "[",
            "]",
            "\"",
            ":",
            ",",
            "\\u",
            "\\ud83d",
            "\\",
            "data:",
            "data: ",
            "\n",
            "\r",
            "\n\n",
            "event:",
            "<EMAIL_1>",
            "<",
            "null",
            "1e999",
            "-",
            "0",
            "choices",
            "delta",
            "content",
            "messages",
            "model",
            "a@example.org",
            "\u{0}",
            "\u{feff}",
            "[DONE]",
            "data: {\"choices\":[{\"delta\":",
            "{\"error\":",
            "type",
        ][..],
    );
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat().into_bytes()),
    ]
}

#[test]
fn arbitrary_bytes_everywhere() {
    let gateways = gateways();
    let path = prop_oneof![
        Just(OPENAI_PATH.to_owned()),
        Just(ANTHROPIC_PATH.to_owned()),
        "\\PC{0,30}",
        "/v1/[a-z/?&=%]{0,20}",
    ];
    let header = ("[a-z-]{1,12}", prop::collection::vec(any::<u8>(), 0..20));
    let inputs = (
        0usize..3,
        path,
        bytes(),
        (bytes(), any::<bool>(), 100u16..600, ends()),
        prop::collection::vec(any::<u32>(), 0..8),
        prop::collection::vec(header, 0..4),
    );
    check(1500, &inputs, |(which, path, body, (said, stream, status, ends), numbers, headers)| {
        let mut request = Request::post(&path, body);
        request.cuts = numbers.iter().map(|number| *number as usize % 64).collect();
        for (name, value) in headers {
            request = request.header(&name, &String::from_utf8_lossy(&value));
        }
        has_a_record(&gateways[which].afresh().call(request, &[answer(stream, status, said, ends, &numbers)]))
    });
}

fn answer(stream: bool, status: u16, body: Vec<u8>, ends: Ends, numbers: &[u32]) -> Answer {
    let cuts = cuts(numbers, body.len());
    let answer = if stream { Answer::stream(body) } else { Answer::json(200, body) };
    Answer { status, ..answer }.cut(&cuts).ends(ends)
}

#[test]
fn arbitrary_bytes_answer_a_good_request() {
    let gateways = gateways();
    let inputs = (
        0usize..3,
        any::<[bool; 3]>(),
        prop::sample::select(&[200u16, 200, 200, 204, 302, 400, 429, 500][..]),
        bytes(),
        ends(),
        prop::collection::vec(any::<u32>(), 0..8),
    );
    check(1500, &inputs, |(which, [anthropic, other, stream], status, said, ends, numbers)| {
        let request = good_request(anthropic, other && which != 2, stream);
        let answer = answer(stream, status, said, ends, &numbers);
        has_a_record(&gateways[which].afresh().call(request, &[answer]))
    });
}

fn model(anthropic: bool, other: bool) -> &'static str {
    match (anthropic, other) {
        (false, false) => "gpt-4.1",
        (true, false) => "claude-sonnet-5",
        (false, true) => "claude",
        (true, true) => "smart",
    }
}

fn good_request(anthropic: bool, other: bool, stream: bool) -> Request {
    let body = json!({"model": model(anthropic, other), "max_tokens": 9, "stream": stream,
        "messages": [{"role": "user", "content": "to a@example.org"}]});
    Request::post(if anthropic { ANTHROPIC_PATH } else { OPENAI_PATH }, body.to_string())
}

/// Changes the value at some place to something else.
fn swap(value: &mut Value, mut at: usize, with: &Value) {
    fn count(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(members) => members.values().map(count).sum(),
            _ => 0,
        }
    }
    fn walk(value: &mut Value, at: &mut usize, with: &Value) -> bool {
        if *at == 0 {
            *value = with.clone();
            return true;
        }
        *at -= 1;
        match value {
            Value::Array(items) => items.iter_mut().any(|item| walk(item, at, with)),
            Value::Object(members) => members.values_mut().any(|item| walk(item, at, with)),
            _ => false,
        }
    }
    at %= count(value);
    walk(value, &mut at, with);
}

fn misfit() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!(-1)),
        Just(json!(u64::MAX)),
        Just(json!(1.5e300)),
        Just(json!("")),
        Just(json!("a@example.org <EMAIL_1>")),
        Just(json!([])),
        Just(json!([null])),
        Just(json!({})),
        Just(json!([{"type": "text", "text": "a@example.org"}])),
        Just(json!({"type": 1, "index": "x", "text": {}, "function": [], "delta": 3})),
        Just(json!([[[["deep"]]]])),
    ]
}

fn swaps() -> impl Strategy<Value = Vec<(usize, Value)>> {
    prop::collection::vec((0usize..400, misfit()), 1..4)
}

#[test]
fn requests_of_a_wrong_shape() {
    let gateways = gateways();
    let texts = ["to a@example.org", "xxy", "contract liability"].map(str::to_owned);
    let inputs = (0usize..3, any::<[bool; 3]>(), swaps());
    check(1200, &inputs, |(which, [anthropic, other, stream], swaps)| {
        let arguments = "{\"to\": \"a@example.org\"}";
        let mut body = crate::draw::request(
            anthropic,
            &texts,
            &json!({"k": ["v"]}),
            &[4_111_111_111_111_111],
            arguments,
        );
        body["model"] = model(anthropic, other && which != 2).into();
        body["stream"] = stream.into();
        body["stop"] = json!(["a", "b"]);
        body["temperature"] = json!(0.5);
        body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {}}});
        body["tool_choice"] = json!({"type": "function", "function": {"name": "send"}});
        for (at, with) in swaps {
            swap(&mut body, at, &with);
        }
        let request = Request::post(if anthropic { ANTHROPIC_PATH } else { OPENAI_PATH }, body.to_string());
        has_a_record(&gateways[which].afresh().call(request, &[Answer::json(500, "{}")]))
    });
}

fn answers() -> [Value; 2] {
    let openai = json!({"id": "x", "object": "chat.completion", "created": 1, "model": "gpt-4.1", "choices": [
        {"index": 0, "finish_reason": "tool_calls", "logprobs": null, "message": {"role": "assistant",
            "content": "to <EMAIL_1>", "refusal": null, "reasoning_content": "hm <EMAIL_1>", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\":\"<EMAIL_1>\"}"}}]}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 1}}});
    let anthropic = json!({"id": "m", "type": "message", "role": "assistant", "model": "claude-sonnet-5", "content": [
            {"type": "thinking", "thinking": "<EMAIL_1>", "signature": "s"}, {"type": "text", "text": "to <EMAIL_1>",
            "citations": [{"type": "char_location", "cited_text": "<EMAIL_1>"}]},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "<EMAIL_1>"}}],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3}});
    [openai, anthropic]
}

#[test]
fn answers_of_a_wrong_shape() {
    let gateways = gateways();
    let inputs = (0usize..3, any::<[bool; 3]>(), swaps(), ends());
    check(1200, &inputs, |(which, [anthropic, other, stream], swaps, ends)| {
        let other = other && which != 2;
        let [openai, anthropics] = answers();
        let mut said = if anthropic == other { openai } else { anthropics };
        for (at, with) in swaps {
            swap(&mut said, at, &with);
        }
        let answer = Answer::json(200, said.to_string()).ends(ends);
        has_a_record(&gateways[which].afresh().call(good_request(anthropic, other, stream), &[answer]))
    });
}

fn events(anthropic: bool) -> Vec<Value> {
    if anthropic {
        return vec![
            json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant",
                "model": "claude-sonnet-5", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "<EMAIL"}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "_1>"}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "content_block_start", "index": 1,
                "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}}}),
            json!({"type": "content_block_delta", "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": "{\"a\":\"<EMAIL_1>\"}"}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 6}}),
            json!({"type": "message_stop"}),
        ];
    }
    let chunk = |delta: Value| {
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4.1",
        "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
    };
    let mut last = chunk(json!({}));
    last["choices"][0]["finish_reason"] = "stop".into();
    last["usage"] = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
    vec![
        chunk(json!({"role": "assistant", "content": ""})),
        chunk(json!({"content": "<EMAIL"})),
        chunk(json!({"content": "_1>", "reasoning_content": "<EMAIL_1>", "refusal": null})),
        chunk(json!({"tool_calls": [{"index": 0, "id": "c", "type": "function",
            "function": {"name": "f", "arguments": "{\"a\":\"<EM"}}]})),
        chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": "AIL_1>\"}"}}]})),
        last,
    ]
}

#[test]
fn streams_of_a_wrong_shape() {
    let gateways = gateways();
    let swaps = prop::collection::vec((0usize..20, 0usize..40, misfit()), 1..4);
    let inputs = (0usize..3, any::<[bool; 2]>(), swaps, ends(), prop::collection::vec(any::<u32>(), 0..8));
    check(1200, &inputs, |(which, [anthropic, other], swaps, ends, numbers)| {
        let other = other && which != 2;
        let mut events = events(anthropic != other);
        for (event, at, with) in swaps {
            let event = event % events.len();
            swap(&mut events[event], at, &with);
        }
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let answer = Answer::stream(body.clone()).cut(&cuts(&numbers, body.len())).ends(ends);
        has_a_record(&gateways[which].afresh().call(good_request(anthropic, other, true), &[answer]))
    });
}
