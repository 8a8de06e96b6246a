//! What Anthropic's API carries for others, and what its models of different ages take.

use serde_json::{Value, json};
use tollgate::chat::{Choice, Delta, Dialect, Part, Response, Signature, StopReason, ToolCall};
use tollgate::provider::{Api, Outline, Traits, codec, vendor};
use tollgate::wire::json::{Document, Edits};

use crate::{deltas, write_stream};

const API: Api = Api::AnthropicMessages;

fn foreign() -> Signature {
    Signature::new(Dialect::Gemini, "EqAD/+=")
}

fn answer() -> Response {
    let call = |id: &str, signature| ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        arguments: "{}".to_owned(),
        signature,
    };
    let parts = vec![
        Part::Thinking { text: "Hm.".to_owned(), signature: None },
        Part::ToolCall(call("a", Some(foreign()))),
        Part::ToolCall(call("b", None)),
    ];
    let choice = Choice { parts, stop: StopReason::ToolCalls, stop_sequence: None, logprobs: Vec::new() };
    Response { id: "r".to_owned(), model: "m".to_owned(), choices: vec![choice], ..Response::default() }
}

/// The parts of a turn that a caller sends again.
fn sent_again(content: &Value) -> Vec<Part> {
    let text =
        json!({"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": content}]});
    let text = text.to_string();
    let document = Document::parse(text.as_bytes()).unwrap();
    let mut request = codec(API).read_request(&Outline::default(), document.root()).unwrap();
    assert_eq!(request.unsupported, [""; 0]);
    request.messages.remove(0).parts
}

#[test]
fn a_call_keeps_another_vendors_signature_through_a_callers_loop() {
    let written = codec(API).write_response(&answer(), 0);
    let written: Value = serde_json::from_slice(&written).unwrap();
    let kinds: Vec<&str> =
        written["content"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["thinking", "redacted_thinking", "tool_use", "tool_use"]);
    assert_eq!(sent_again(&written["content"]), answer().choices[0].parts);
    // And as an answer, by one gateway behind another.
    let text = written.to_string();
    let document = Document::parse(text.as_bytes()).unwrap();
    let read = codec(API).read_response(document.root()).unwrap();
    let signatures: Vec<_> = read.choices[0].parts.iter().filter_map(signature_of).collect();
    assert_eq!(signatures, [foreign()]);
}

fn signature_of(part: &Part) -> Option<Signature> {
    match part {
        Part::ToolCall(call) => call.signature.clone(),
        _ => None,
    }
}

#[test]
fn so_it_does_in_a_stream_however_calls_are_interleaved() {
    let start = |call: u32, signature| Delta::ToolStart {
        choice: 0,
        call,
        id: format!("c{call}"),
        name: "f".to_owned(),
        signature,
    };
    let arguments = |call: u32| Delta::ToolArguments { choice: 0, call, json: "{}".to_owned() };
    let stop = Delta::Stop { choice: 0, reason: StopReason::ToolCalls, sequence: None };
    let steps = [
        Delta::Start { id: "r".to_owned(), model: "m".to_owned() },
        start(0, Some(foreign())),
        start(1, Some(foreign())),
        arguments(0),
        arguments(1),
        stop,
    ];
    let (read, whole) = deltas(API, &write_stream(API, &steps, true));
    assert!(whole);
    let starts: Vec<&Delta> = read.iter().filter(|step| matches!(step, Delta::ToolStart { .. })).collect();
    assert_eq!(starts, [&steps[1], &steps[2]]);
    assert!(!read.iter().any(|step| matches!(step, Delta::Signature { .. })));
    // A signature of a text that is not shown is told by itself.
    let steps = [Delta::Signature { choice: 0, signature: foreign() }, start(0, None), arguments(0)];
    let (read, _) = deltas(API, &write_stream(API, &steps, true));
    assert!(read.contains(&Delta::ToolStart {
        choice: 0,
        call: 0,
        id: "c0".to_owned(),
        name: "f".to_owned(),
        signature: Some(foreign())
    }));
    let steps = [
        Delta::Signature { choice: 0, signature: foreign() },
        Delta::Text { choice: 0, text: "A".to_owned() },
    ];
    let (read, _) = deltas(API, &write_stream(API, &steps, true));
    assert!(read.contains(&steps[0]));
}

#[test]
fn what_is_encrypted_whole_comes_back_as_it_was() {
    let content = json!([{"type": "redacted_thinking", "data": "Em+/="}, {"type": "text", "text": "A"}]);
    let parts = sent_again(&content);
    let request = |parts: Vec<Part>| {
        let turn = |role, parts| tollgate::chat::Message { role, parts };
        let asked = turn(tollgate::chat::Role::User, vec![Part::Text("Go".to_owned())]);
        tollgate::chat::Request {
            model: "claude-sonnet-4-5".to_owned(),
            messages: vec![asked, turn(tollgate::chat::Role::Assistant, parts)],
            ..Default::default()
        }
    };
    let written = codec(API).write_request(&request(parts.clone()), 9).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["messages"][1]["content"], content);
    // Over a caller of another API.
    let there = codec(Api::OpenAiChat).write_request(&request(parts.clone()), 9).unwrap();
    let document = Document::parse(&there).unwrap();
    let back = codec(Api::OpenAiChat).read_request(&Outline::default(), document.root()).unwrap();
    assert_eq!(back.messages[1].parts, parts);
    let stream = b"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"Em+/=\"}}\n\n";
    let (read, _) = deltas(API, stream);
    let Some(Part::Thinking { signature: Some(signature), .. }) = parts.first() else { panic!("{parts:?}") };
    assert_eq!(read, [Delta::Signature { choice: 0, signature: signature.clone() }]);
    // Behind OpenRouter it is a vendor's own again.
    let edits =
        adapted(Dialect::OpenRouter, Api::OpenAiChat, "a/b", &serde_json::from_slice(&there).unwrap(), &[]);
    assert_eq!(edits.unwrap()["messages"][1]["reasoning_details"][0]["data"], "Em+/=");
}

fn adapted(dialect: Dialect, api: Api, model: &str, body: &Value, drop: &[String]) -> Result<Value, String> {
    let text = body.to_string();
    let document = Document::parse(text.as_bytes()).unwrap();
    let mut edits = Edits::new();
    let adapted = vendor(dialect).unwrap().adapt(api, document.root(), model, drop, &mut edits);
    adapted.map_err(|refused| refused.field)?;
    Ok(serde_json::from_slice(&edits.apply(text.as_bytes())).unwrap())
}

fn for_model(model: &str, body: &Value) -> Result<Value, String> {
    adapted(Dialect::Anthropic, API, model, body, &[])
}

#[test]
fn what_others_thought_does_not_reach_anthropic() {
    let block = |kind: &str, member: &str, value: &str| json!({"type": kind, "thinking": "t", member: value});
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "A"},
        {"role": "assistant", "content": [
            block("thinking", "signature", ""),
            block("thinking", "signature", "tollgate:gcp.gemini:x"),
            block("thinking", "signature", "OWN=="),
            {"type": "redacted_thinking", "data": "tollgate:gcp.gemini:x"},
            {"type": "redacted_thinking", "data": "OWN=="},
            {"type": "tool_use", "id": "a", "name": "f", "input": {}}]}]});
    let sent = for_model("m", &body).unwrap();
    assert_eq!(
        sent["messages"][1]["content"],
        json!([
            block("thinking", "signature", "OWN=="),
            {"type": "redacted_thinking", "data": "OWN=="},
            {"type": "tool_use", "id": "a", "name": "f", "input": {}}])
    );
}

#[test]
fn thinking_is_asked_for_as_the_models_age_wants_it() {
    let with = |extra: Value| {
        let mut body =
            json!({"model": "other", "max_tokens": 20000, "messages": [{"role": "user", "content": "A"}]});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let said = |model: &str, extra: Value| {
        let sent = for_model(model, &with(extra)).unwrap();
        (sent["thinking"].clone(), sent["output_config"].clone())
    };
    let (old, new, always) = ("claude-sonnet-4-5", "claude-sonnet-5", "claude-opus-5-5");
    let adaptive = json!({"type": "adaptive"});
    assert_eq!(
        said(old, json!({"thinking": adaptive, "output_config": {"effort": "high"}})),
        (json!({"type": "enabled", "budget_tokens": 10000}), json!({}))
    );
    assert_eq!(said(old, json!({"thinking": adaptive})).0, json!({"type": "enabled", "budget_tokens": 4096}));
    assert_eq!(said(old, json!({"thinking": adaptive, "max_tokens": 1000})).0, Value::Null);
    let enabled = json!({"type": "enabled", "budget_tokens": 3000});
    assert_eq!(said(new, json!({"thinking": enabled})), (adaptive.clone(), json!({"effort": "medium"})));
    assert_eq!(
        said(new, json!({"thinking": enabled, "output_config": {"effort": "low"}})),
        (adaptive.clone(), json!({"effort": "low"}))
    );
    assert_eq!(said(old, json!({"thinking": enabled})).0, enabled);
    assert_eq!(said(new, json!({"thinking": {"type": "disabled"}})).0, json!({"type": "disabled"}));
    assert_eq!(said(always, json!({"thinking": {"type": "disabled"}})).0, Value::Null);
    // A caller that asks for this very model knows it.
    let own = json!({"model": new, "thinking": enabled, "messages": [{"role": "assistant", "content": "{"}]});
    assert_eq!(for_model(new, &own), Ok(own.clone()));
    let forced = with(json!({"tool_choice": {"type": "any"}}));
    assert_eq!(for_model(always, &forced), Err("tool_choice".to_owned()));
    assert_eq!(for_model(new, &forced), Ok(forced.clone()));
    let dropped = adapted(Dialect::Anthropic, API, always, &forced, &["tool_choice".to_owned()]).unwrap();
    assert_eq!(dropped.get("tool_choice"), None);
    let begun =
        with(json!({"messages": [{"role": "user", "content": "A"}, {"role": "assistant", "content": "{"}]}));
    assert_eq!(for_model(new, &begun), Err("messages[1]".to_owned()));
    assert!(for_model(old, &begun).is_ok());
}

#[test]
fn sampling_goes_where_a_model_takes_none_and_is_told() {
    let lost = |sampling: bool, body: Value| {
        let text = body.to_string();
        let document = Document::parse(text.as_bytes()).unwrap();
        let traits = Traits { reasoning: false, sampling };
        vendor(Dialect::Anthropic).unwrap().fit(API, document.root(), traits, &mut Edits::new())
    };
    let all = json!({"temperature": 0.5, "top_p": 0.9, "top_k": 5});
    assert_eq!(lost(false, all.clone()), ["temperature", "top_p", "top_k"]);
    assert_eq!(lost(true, all), ["top_p"]);
    assert_eq!(lost(true, json!({"top_p": 0.9})), [""; 0]);
    let thinks = json!({"temperature": 0.5, "thinking": {"type": "enabled", "budget_tokens": 2000}});
    assert_eq!(lost(true, thinks), ["temperature"]);
    assert_eq!(lost(true, json!({"temperature": 0.5, "thinking": {"type": "disabled"}})), [""; 0]);
}
