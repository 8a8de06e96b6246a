//! What is particular to OpenAI's two APIs.

use tollgate::chat::{Delta, Dialect, ErrorClass, Logprob, Part, Request, Signature};
use tollgate::provider::{Api, ApiError, Outline, VENDORS, codec, vendor};
use tollgate::wire::json::{Document, Edits};

use crate::{deltas, events, write_stream};

fn stream(chunks: &[&str]) -> Vec<u8> {
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect::<String>().into_bytes()
}

fn chat(chunks: &[&str]) -> (Vec<Delta>, bool) {
    deltas(Api::OpenAiChat, &stream(chunks))
}

fn delta(delta: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#)
}

const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

fn calls(steps: &[Delta]) -> Vec<(String, String, String)> {
    let mut calls: Vec<(String, String, String)> = Vec::new();
    for step in steps {
        match step {
            Delta::ToolStart { id, name, .. } => calls.push((id.clone(), name.clone(), String::new())),
            Delta::ToolArguments { call, json, .. } => {
                calls[usize::try_from(*call).unwrap()].2.push_str(json);
            }
            _ => {}
        }
    }
    calls
}

fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.to_owned(), name.to_owned(), arguments.to_owned())
}

#[test]
fn calls_are_told_apart_however_they_are_counted() {
    let of = |pieces: &[&str]| {
        let chunks: Vec<String> =
            pieces.iter().map(|piece| delta(&format!(r#"{{"tool_calls":[{piece}]}}"#))).collect();
        calls(&chat(&chunks.iter().map(String::as_str).collect::<Vec<_>>()).0)
    };
    let two = [call("a", "f", "{}"), call("b", "g", "[]")];
    // By index, as OpenAI does.
    assert_eq!(
        of(&[
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#,
            r#"{"index":1,"id":"b","function":{"name":"g","arguments":"["}}"#,
            r#"{"index":0,"function":{"arguments":"}"}}"#,
            r#"{"index":1,"function":{"arguments":"]"}}"#,
        ]),
        two
    );
    // All of them 0, or not at all: by id.
    for index in [r#""index":0,"#, "", r#""index":null,"#] {
        assert_eq!(
            of(&[
                &format!(r#"{{{index}"id":"a","function":{{"name":"f","arguments":"{{}}"}}}}"#),
                &format!(r#"{{{index}"id":"b","function":{{"name":"g","arguments":"[]"}}}}"#),
            ]),
            two,
            "{index}"
        );
    }
    // Neither index nor id: by name.
    assert_eq!(
        of(&[
            r#"{"function":{"name":"f","arguments":"{"}}"#,
            r#"{"function":{"arguments":"}"}}"#,
            r#"{"function":{"name":"g","arguments":"[]"}}"#,
        ]),
        [call("call_0", "f", "{}"), call("call_1", "g", "[]")]
    );
}

#[test]
fn chunks_that_say_nothing_mean_nothing() {
    let (steps, whole) = chat(&[
        r#"{"id":"","choices":[],"model":"","prompt_filter_results":[]}"#,
        r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant"}}]}"#,
        r#"{"choices":[{"index":0,"delta":null}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":null,"tool_calls":null,"refusal":null,"reasoning_details":null}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":[]},"finish_reason":null,"logprobs":null}]}"#,
        STOP,
    ]);
    assert!(whole, "a reason for stopping is an end, without a marker");
    assert!(matches!(&steps[..], [Delta::Start { id, .. }, Delta::Stop { .. }] if id == "c"), "{steps:?}");
}

#[test]
fn an_answer_that_failed_says_so_wherever_it_does() {
    for chunk in [
        r#"{"error":{"message":"m","code":502}}"#,
        r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}],"error":{"message":"m","code":502}}"#,
        r#"{"choices":[{"index":0,"delta":{},"error":{"message":"m","code":502}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}"#,
    ] {
        let (steps, whole) = chat(&[chunk, "[DONE]"]);
        let class = steps.iter().find_map(|step| match step {
            Delta::Error(error) => Some(error.class),
            _ => None,
        });
        assert_eq!((class, whole), (Some(ErrorClass::ServerError), false), "{chunk}");
    }
    let soft = |body: &str| {
        let document = Document::parse_lenient(body.as_bytes()).unwrap();
        let openai = vendor(Dialect::OpenAi).unwrap();
        openai.soft_failure(Api::OpenAiResponses, document.root()).map(|error| error.class)
    };
    let choice = r#"{"choices":[{"message":{"content":"a"},"error":{"code":429,"message":"m"}}]}"#;
    assert_eq!(soft(choice), Some(ErrorClass::RateLimited));
    let of = |rest: &str| format!(r#"{{"object":"response","output":[],{rest}}}"#);
    assert_eq!(soft(&of(r#""status":"completed","error":null"#)), None);
    assert_eq!(soft(&of(r#""status":"queued""#)), None);
    assert_eq!(
        soft(&of(r#""status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}"#)),
        None
    );
    assert_eq!(
        soft(&of(r#""status":"incomplete","incomplete_details":{"reason":"content_filter"}"#)),
        Some(ErrorClass::ContentFilter)
    );
    assert_eq!(soft(&of(r#""status":"failed""#)), Some(ErrorClass::ServerError));
    assert_eq!(soft(&of(r#""status":"cancelled""#)), Some(ErrorClass::ServerError));
    assert_eq!(
        soft(&of(r#""status":"failed","error":{"code":"rate_limit_exceeded","message":"m"}"#)),
        Some(ErrorClass::RateLimited)
    );
}

fn likely(token: &str, logprob: &str, top: Vec<Logprob>) -> Logprob {
    Logprob { token: token.to_owned(), logprob: logprob.to_owned(), top }
}

#[test]
fn log_probabilities_stand_with_their_text_in_both_apis() {
    let of_hi = vec![likely("Hi", "-0.10", vec![likely("Hey", "-2.5e1", Vec::new())])];
    let steps = [
        Delta::Start { id: "c".to_owned(), model: "m".to_owned() },
        Delta::Logprobs { choice: 0, logprobs: of_hi.clone() },
        Delta::Text { choice: 0, text: "Hi".to_owned() },
        Delta::Logprobs { choice: 0, logprobs: vec![likely("\u{fffd}", "-1", Vec::new())] },
        Delta::Stop { choice: 0, reason: tollgate::chat::StopReason::Stop, sequence: None },
    ];
    for api in [Api::OpenAiChat, Api::OpenAiResponses] {
        let written = write_stream(api, &steps, false);
        let text = String::from_utf8_lossy(&written).into_owned();
        assert!(text.contains(r#""logprob":-0.10,"bytes":[72,105]"#), "{text}");
        let (again, whole) = deltas(api, &written);
        assert!(whole);
        let first = again.iter().find(|step| matches!(step, Delta::Logprobs { .. }));
        assert_eq!(first, Some(&steps[1]), "{api:?}");
        // What comes after the text is told at the end.
        assert!(text.contains('\u{fffd}'), "{text}");
    }
    let whole = r#"{"choices":[{"message":{"content":"Hi"},"logprobs":{"content":[{"token":"Hi","logprob":-0.10,
        "bytes":[72,105],"top_logprobs":[{"token":"Hey","logprob":-2.5e1,"bytes":null}]}],"refusal":null}}]}"#;
    let document = Document::parse(whole.as_bytes()).unwrap();
    let response = codec(Api::OpenAiChat).read_response(document.root()).unwrap();
    assert_eq!(response.choices[0].logprobs, of_hi);
    for api in [Api::OpenAiChat, Api::OpenAiResponses] {
        let written = codec(api).write_response(&response, 1);
        let document = Document::parse(&written).unwrap();
        assert_eq!(codec(api).read_response(document.root()).unwrap().choices[0].logprobs, of_hi, "{api:?}");
    }
}

fn read(api: Api, body: &str) -> Request {
    let document = Document::parse(body.as_bytes()).unwrap();
    codec(api).read_request(&Outline::default(), document.root()).unwrap()
}

#[test]
fn a_signature_of_a_call_finds_its_way_back_in_every_api() {
    let Some(gemini) = VENDORS.iter().find(|vendor| vendor.dialect() == Dialect::Gemini) else {
        // Nobody signs calls in this build.
        return;
    };
    let signature = Some(Signature::new(gemini.dialect(), "R0VN"));
    let steps = [
        Delta::Start { id: "c".to_owned(), model: "m".to_owned() },
        Delta::ToolStart {
            choice: 0,
            call: 0,
            id: "a".into(),
            name: "f".into(),
            signature: signature.clone(),
        },
        Delta::ToolArguments { choice: 0, call: 0, json: "{}".to_owned() },
        Delta::Stop { choice: 0, reason: tollgate::chat::StopReason::ToolCalls, sequence: None },
    ];
    let chat = String::from_utf8(write_stream(Api::OpenAiChat, &steps, false)).unwrap();
    let field = r#""extra_content":{"google":{"thought_signature":"R0VN"}}"#;
    assert!(chat.contains(field), "{chat}");
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"assistant","tool_calls":[{{"id":"a","type":"function",
        "function":{{"name":"f","arguments":"{{}}"}},{field}}}]}}]}}"#
    );
    let of_call = |request: &Request| match &request.messages[0].parts[..] {
        [Part::ToolCall(call)] => call.signature.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(of_call(&read(Api::OpenAiChat, &body)), signature);

    let responses = write_stream(Api::OpenAiResponses, &steps, false);
    let items: Vec<String> = events(&responses)
        .into_iter()
        .filter(|(name, _)| name.as_deref() == Some("response.output_item.done"))
        .map(|(_, data)| Document::parse(&data).unwrap().root().get("item").unwrap().raw().to_owned())
        .collect();
    let body = format!(r#"{{"model":"m","input":[{}]}}"#, items.join(","));
    assert_eq!(of_call(&read(Api::OpenAiResponses, &body)), signature);
}

#[test]
fn audio_is_carried_in_the_two_formats_that_there_are() {
    let of = |format: &str| {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"input_audio",
            "input_audio":{{"data":"UklG","format":"{format}"}}}}]}}]}}"#
        );
        let written = codec(Api::OpenAiChat).write_request(&read(Api::OpenAiChat, &body), 1);
        written.map(|body| String::from_utf8(body).unwrap()).map_err(|refused| refused.field)
    };
    for format in ["wav", "mp3"] {
        assert!(of(format).unwrap().contains(&format!(r#"{{"data":"UklG","format":"{format}"}}"#)));
    }
    assert_eq!(of("ogg"), Err("messages[0].content[0].input_audio".to_owned()));
}

#[test]
fn several_answers_lie_side_by_side() {
    let text = |choice, text: &str| Delta::Text { choice, text: text.to_owned() };
    let stop = |choice| Delta::Stop { choice, reason: tollgate::chat::StopReason::Length, sequence: None };
    let start = Delta::Start { id: "c".to_owned(), model: "m".to_owned() };
    let steps = [start, text(0, "a"), text(1, "b"), text(0, "c"), stop(1), text(0, "d"), stop(0)];
    let (again, whole) = deltas(Api::OpenAiChat, &write_stream(Api::OpenAiChat, &steps, false));
    assert!(whole);
    assert_eq!(again, [&steps[..], &[Delta::End]].concat());
    assert_eq!(read(Api::OpenAiChat, r#"{"model":"m","n":2,"messages":[]}"#).n, Some(2));
}

#[test]
fn errors_of_responses_are_those_of_chat_and_events_are_numbered() {
    let error = ApiError { status: 429, code: "rate_limited", message: "m", param: Some("input") };
    let (chat, responses) = (codec(Api::OpenAiChat), codec(Api::OpenAiResponses));
    assert_eq!(responses.error_body(&error), chat.error_body(&error));
    let event = String::from_utf8(responses.numbered_stream_error(&error, 7)).unwrap();
    assert_eq!(
        event,
        "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"m\",\"param\":\"input\",\
         \"sequence_number\":7}\n\n"
    );
    let mut reader = responses.stream_reader(&[]);
    reader.read(None, br#"{"type":"response.created","sequence_number":41,"response":{}}"#).unwrap();
    assert_eq!(reader.next_number(), 42);
}

#[test]
fn what_is_signed_elsewhere_is_not_sent_to_who_cannot_read_it() {
    let adapted = |dialect, api, body: &str| {
        let document = Document::parse(body.as_bytes()).unwrap();
        let mut edits = Edits::new();
        vendor(dialect).unwrap().adapt(api, document.root(), "m", &[], &mut edits).unwrap();
        String::from_utf8(edits.apply(body.as_bytes())).unwrap()
    };
    let chat = r#"{"model":"m","messages":[{"role":"assistant","reasoning_details":[],"tool_calls":[{"id":"a","extra_content":{}}]}]}"#;
    let bare = r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"a"}]}]}"#;
    assert_eq!(adapted(Dialect::OpenAi, Api::OpenAiChat, chat), bare);
    assert_eq!(adapted(Dialect::DeepSeek, Api::OpenAiChat, chat), bare);
    let messages =
        |blocks: &str| format!(r#"{{"model":"m","messages":[{{"role":"assistant","content":[{blocks}]}}]}}"#);
    let of = |blocks: &str| adapted(Dialect::Anthropic, Api::AnthropicMessages, &messages(blocks));
    let text = r#"{"type":"text","text":"a"}"#;
    let thinking =
        |signature: &str| format!(r#"{{"type":"thinking","thinking":"t","signature":"{signature}"}}"#);
    let own = format!("{}, {text}", thinking("SIG"));
    assert_eq!(of(&own), messages(&own));
    assert_eq!(of(&format!("{},{text}", thinking(""))), messages(text));
    assert_eq!(of(&format!("{},{text}", thinking("tollgate:openai:x\\ny"))), messages(text));
    let sealed = r#"{"type":"thinking","thinking":"raw","signature":"S"}"#;
    assert_eq!(
        of(&format!("{},{text}", thinking("tollgate:anthropic:S\\nraw"))),
        messages(&format!("{sealed},{text}"))
    );
}
