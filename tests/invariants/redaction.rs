//! What is taken out comes back, and does not leave.

use std::rc::Rc;

use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate::config::PlaceholderStyle;
use tollgate::policy::redaction::{Fragment, Keys, Landing, Released, Restorer, StreamRestorer, Vault};

use crate::draw::{Spelling, cuts, free, request, texts_of};
use crate::support::{Answer, Gateway, Outcome, Request};
use crate::{ANTHROPIC_PATH, OPENAI_PATH, check, policy};

/// Values of every type that is found by default, and of the policy's own.
const VALUES: &[&str] = &[
    "anna.keller@example.org",
    "bob+x@mail.example.co.uk",
    "4111 1111 1111 1111",
    "5500-0000-0000-0004",
    "DE89 3704 0044 0532 0130 00",
    "GB82WEST12345698765432",
    "+1 415 555 0123",
    "+49 (0)6174 396317",
    "078-05-1120",
    "192.168.17.42",
    "2001:db8:85a3::8a2e:370:7334",
    "00:1b:44:11:3a:b7",
    concat!("AKIA", "IOSFODNN7EXAMPLE"),
    concat!("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"),
    "EMP-123456",
    "Project \"Kes\\trel\"",
    "Blaumeise",
];

/// Numbers that are found where a number stands.
const NUMBERS: [u64; 3] = [4_111_111_111_111_111, 5_500_000_000_000_004, 7];

const DATA: &str = r#""data": {
    "custom": [
        {"name": "employee_id", "pattern": "EMP-\\d{6}", "action": "redact"},
        {"name": "code", "pattern": "Project \"[^\"]+\"", "action": "redact"}
    ],
    "dictionaries": [{"name": "bird", "terms": ["Blaumeise"], "action": "redact"}]"#;

fn gateway(more: &str) -> Gateway {
    Gateway::new(&policy(&format!("{DATA}{more}}}")))
}

/// What stands around a value, as long as it need not be found.
const AROUND: &[&str] = &[
    "",
    " ",
    "mail ",
    "\n",
    "\"",
    "(",
    "邮箱是",
    "<",
    "&lt;",
    "\\",
    "\\n",
    "<EMAIL_1>",
    "EMAIL_2",
    "<EMAIL_",
    "1>",
    ">",
    "\u{1}",
    "😀",
    "{\"a\":\"",
    "phone ",
    "ip ",
    "\\u003cEMAIL_3\\u003e",
    "&lt;EMAIL_1&gt;",
    "-",
    "4",
    "é",
    "%40",
    "_EMAIL_1_",
    "< email 1 >",
    "<email_1>",
    "[EMAIL 2]",
    "EMAIL\\_1",
    "\\<EMAIL_2\\>",
    "&#60;EMAIL_1&#62;",
    "&amp;lt;email_2&amp;gt;",
    "＜EMAIL_1＞",
    "%3CEMAIL_1%3E",
    "IBAN_1",
    "PHONE_1s",
    "CREDIT_CARD_1",
    "SECRET_1's",
    "s",
    "_",
    "\\>",
    "\\\\",
];

fn wild() -> impl Strategy<Value = String> + Clone {
    let around = || prop::sample::select(AROUND);
    let value = prop::sample::select(VALUES);
    prop::collection::vec((around(), value, around()), 1..3).prop_map(|parts| {
        parts.iter().map(|(before, value, after)| format!("{before}{value}{after}")).collect::<String>()
    })
}

/// A value where it cannot be missed.
fn plain() -> impl Strategy<Value = String> + Clone {
    let before = prop::sample::select(&["see ", "use: ", "it is ", "(", "\n"][..]);
    let after = prop::sample::select(&["", " now", ", ok", "\n", ")"][..]);
    (before, prop::sample::select(VALUES), after)
        .prop_map(|(before, value, after)| format!("{before}{value}{after}"))
}

type Draw = (bool, Vec<String>, Value, Vec<u8>, Vec<u32>, u8, Value);

fn draw(text: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = Draw> {
    (
        any::<bool>(),
        prop::collection::vec(text.clone(), 1..12),
        free(text.clone()),
        prop::collection::vec(any::<u8>(), 0..32),
        prop::collection::vec(any::<u32>(), 0..12),
        0u8..4,
        free(text),
    )
}

fn request_of(draw: &Draw, stream: bool) -> Value {
    let (anthropic, texts, free, spelling, _, _, arguments) = draw;
    let arguments = Spelling::new(spelling).write(&json!({"free": arguments, "n": NUMBERS[0]}));
    let mut body = request(*anthropic, texts, free, &NUMBERS, &arguments);
    if stream {
        body["stream"] = true.into();
    }
    body
}

fn post(draw: &Draw, body: &Value) -> Request {
    let path = if draw.0 { ANTHROPIC_PATH } else { OPENAI_PATH };
    Request::post(path, Spelling::new(&draw.3).write(body))
}

/// The provider's answer: all texts that it was sent, as one text, as arguments of a tool, or as a stream of either.
fn echo(anthropic: bool, texts: &[String], form: u8, sizes: &[u32]) -> Answer {
    let as_text = Value::from(texts).to_string();
    if form < 2 {
        let as_input = json!({"all": texts});
        let body = match (anthropic, form) {
            (false, 0) => json!({"content": texts.join("\u{2}")}),
            (false, _) => json!({"content": null, "tool_calls": [{"id": "call_9", "type": "function",
                "function": {"name": "echo", "arguments": as_text}}]}),
            (true, 0) => json!([{"type": "text", "text": texts.join("\u{2}")}]),
            (true, _) => json!([{"type": "tool_use", "id": "toolu_9", "name": "echo", "input": as_input}]),
        };
        return Answer::json(200, whole(anthropic, &body).to_string());
    }
    let said = if form == 2 { texts.join("\u{2}") } else { as_text };
    let mut rest: Vec<char> = said.chars().collect();
    let mut sizes = sizes.iter().map(|size| 1 + *size as usize % 40).cycle();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(7).min(rest.len());
        pieces.push(rest.drain(..size).collect::<String>());
    }
    Answer::stream(streamed(anthropic, form == 3, &pieces))
}

fn whole(anthropic: bool, body: &Value) -> Value {
    if anthropic {
        return json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5",
            "content": body, "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 1, "output_tokens": 1}});
    }
    json!({"id": "x", "object": "chat.completion", "created": 1, "model": "gpt-4.1",
        "choices": [{"index": 0, "message": body, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
}

fn streamed(anthropic: bool, arguments: bool, pieces: &[String]) -> String {
    let mut out = String::new();
    let mut event = |event: &Value| out.push_str(&format!("data: {event}\n\n"));
    if anthropic {
        event(
            &json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant",
            "model": "claude-sonnet-5", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}}),
        );
        let block = if arguments {
            json!({"type": "tool_use", "id": "toolu_9", "name": "echo", "input": {}})
        } else {
            json!({"type": "text", "text": ""})
        };
        event(&json!({"type": "content_block_start", "index": 0, "content_block": block}));
        for piece in pieces {
            let delta = if arguments {
                json!({"type": "input_json_delta", "partial_json": piece})
            } else {
                json!({"type": "text_delta", "text": piece})
            };
            event(&json!({"type": "content_block_delta", "index": 0, "delta": delta}));
        }
        event(&json!({"type": "content_block_stop", "index": 0}));
        event(
            &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 6}}),
        );
        event(&json!({"type": "message_stop"}));
        return out;
    }
    let chunk = |delta: Value, reason: Value| {
        json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4.1",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
    };
    for (index, piece) in pieces.iter().enumerate() {
        let delta = match (arguments, index) {
            (false, _) => json!({"content": piece}),
            (true, 0) => json!({"tool_calls": [{"index": 0, "id": "call_9", "type": "function",
                "function": {"name": "echo", "arguments": piece}}]}),
            (true, _) => json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}),
        };
        event(&chunk(delta, Value::Null));
    }
    event(&chunk(json!({}), "stop".into()));
    out.push_str("data: [DONE]\n\n");
    out
}

/// What the caller has read, whatever the form it came in.
fn read(anthropic: bool, form: u8, outcome: &Outcome) -> Vec<String> {
    let split = |text: &str| text.split('\u{2}').map(str::to_owned).collect::<Vec<_>>();
    let parse = |text: &str| {
        serde_json::from_str::<Vec<String>>(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let mut texts = match (anthropic, form) {
        (false, 0) => split(outcome.json()["choices"][0]["message"]["content"].as_str().expect("a text")),
        (false, 1) => {
            let call = &outcome.json()["choices"][0]["message"]["tool_calls"][0];
            parse(call["function"]["arguments"].as_str().expect("a text"))
        }
        (true, 0) => split(outcome.json()["content"][0]["text"].as_str().expect("a text")),
        (true, 1) => {
            serde_json::from_value(outcome.json()["content"][0]["input"]["all"].clone()).expect("texts")
        }
        (_, _) => {
            let read = if anthropic {
                crate::streams::read_anthropic(&outcome.body).concat()
            } else {
                crate::streams::read_openai(&outcome.body).into_values().collect()
            };
            if form == 2 { split(&read) } else { parse(&read) }
        }
    };
    texts.sort();
    texts
}

/// Without what was set for the provider.
fn as_the_caller_wrote(sent: &[u8]) -> Value {
    let mut body: Value = serde_json::from_slice(sent).expect("JSON");
    for own in ["store", "stream_options"] {
        body.as_object_mut().expect("an object").remove(own);
    }
    body
}

fn comes_back(gateway: &Gateway, draw: &Draw) -> Result<(), TestCaseError> {
    let form = draw.5;
    let body = request_of(draw, form >= 2);
    let sent = gateway.afresh().call(post(draw, &body), &[Answer::json(200, "{}")]);
    prop_assert_eq!(sent.sent.len(), 1, "{}", sent.text());
    let texts = texts_of(&as_the_caller_wrote(&sent.sent[0].body));
    let answer = echo(draw.0, &texts, form, &draw.4);
    let length = answer.body.len();
    let outcome = gateway.afresh().call(post(draw, &body), &[answer.cut(&cuts(&draw.4, length))]);
    prop_assert_eq!(outcome.status, 200, "{}", outcome.text());
    prop_assert_eq!(read(draw.0, form, &outcome), texts_of(&body));
    Ok(())
}

#[test]
fn a_provider_that_repeats_everything_gives_the_caller_its_own_texts() {
    let gateway = gateway("");
    check(250, &draw(wild()), |draw| comes_back(&gateway, &draw));
}

#[test]
fn so_with_keyed_placeholders() {
    let gateway = gateway(r#", "placeholder": "keyed""#);
    check(60, &draw(wild()), |draw| comes_back(&gateway, &draw));
}

#[test]
fn so_with_sealed_placeholders() {
    let env = |_: &str| Some("a key that is long enough to be one".to_owned());
    let sealed = policy(&format!(r#"{DATA}, "placeholder": "sealed", "key": {{"env": "KEY"}}}}"#));
    let gateway = Gateway::with_env(&sealed, &env);
    check(60, &draw(wild()), |draw| comes_back(&gateway, &draw));
}

/// A text, redacted and restored by the vault and the restorer alone, whole and cut up, as text and as JSON source.
fn there_and_back(
    style: PlaceholderStyle,
    values: &[(bool, String)],
    cuts: &[usize],
) -> Result<(), TestCaseError> {
    let keys = Keys::new([&b"a key of the policy's"[..], b"the one before"]);
    let mut vault = Vault::new(style, &keys);
    let whole: String = values.iter().map(|(_, text)| text.as_str()).collect();
    let source = serde_json::to_string(&whole).expect("a text");
    vault.reserve(&whole);
    let mut redacted = String::new();
    for (is_value, text) in values {
        redacted.push_str(if *is_value { &text[..0] } else { text });
        if *is_value && !text.is_empty() {
            redacted.push_str(&vault.placeholder(if text.len() % 2 == 0 { "email" } else { "phone" }, text));
        }
    }
    let restorer = Rc::new(Restorer::new(Rc::new(vault)));
    let back = |text: &str, landing| restorer.restore(text, landing).unwrap_or_else(|| text.to_owned());
    prop_assert_eq!(&back(&redacted, Landing::Text), &whole, "{}", redacted);
    let redacted_source = serde_json::to_string(&redacted).expect("a text");
    prop_assert_eq!(&back(&redacted_source, Landing::Json), &source, "{}", redacted_source);

    for (redacted, whole, landing) in
        [(&redacted, &whole, Landing::Text), (&redacted_source, &source, Landing::Json)]
    {
        let mut stream = StreamRestorer::new(Rc::clone(&restorer));
        let mut said = String::new();
        let mut take = |released: Vec<Released<String>>| {
            said.extend(released.into_iter().map(|one| one.texts[0].clone().unwrap_or(one.item)));
        };
        let mut rest: Vec<char> = redacted.chars().collect();
        for cut in cuts.iter().cycle() {
            let text: String = rest.drain(..rest.len().min(*cut)).collect();
            take(stream.push(text.clone(), vec![Fragment { channel: 0, text, landing }]));
            if rest.is_empty() {
                break;
            }
        }
        take(stream.flush());
        prop_assert_eq!(&said, whole, "{}", redacted);
    }
    Ok(())
}

/// What a placeholder may be made of, in every spelling, and what stands between.
fn like_a_placeholder() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "<",
        ">",
        "\\<",
        "\\>",
        "&lt;",
        "&gt;",
        "&#60;",
        "&#62;",
        "&#x3c;",
        "&#x3E;",
        "&amp;lt;",
        "&amp;gt;",
        "%3C",
        "%3e",
        "＜",
        "＞",
        "[",
        "]",
        "\\u003c",
        "\\u003E",
        "(",
        ")",
        "*",
        "`",
        "EMAIL",
        "email",
        "Phone",
        "PHONE",
        "ＥＭＡＩＬ",
        "_",
        "\\_",
        "\\\\_",
        " ",
        "  ",
        "1",
        "2",
        "12",
        "01",
        "１",
        "s",
        "'s",
        "x",
        "X",
        "\\",
        "\n",
        "\"",
        "é",
        "日",
        "&",
        "%",
        "<EMAIL_1>",
        "EMAIL_1",
        "PHONE_2",
        "[EMAIL 1]",
        "<phone 1>",
    ];
    prop::sample::select(PARTS).prop_map(str::to_owned)
}

#[test]
fn nothing_is_confused_by_what_looks_like_a_placeholder() {
    let value = prop_oneof![
        4 => prop::sample::select(VALUES).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9_<>\\\\ ]{1,12}",
        1 => Just("\u{1F600}<EMAIL_1>".repeat(60)),
    ];
    let part = prop_oneof![
        5 => like_a_placeholder().prop_map(|text| (false, text)),
        1 => value.prop_map(|value| (true, value)),
    ];
    let text = prop::collection::vec(part, 1..24);
    const STYLES: [PlaceholderStyle; 3] =
        [PlaceholderStyle::Numbered, PlaceholderStyle::Keyed, PlaceholderStyle::Sealed];
    let draw = (prop::sample::select(&STYLES[..]), text, prop::collection::vec(1usize..9, 1..8));
    check(4000, &draw, |(style, values, cuts)| there_and_back(style, &values, &cuts));
}

/// Everything that left, undone of escapes, in lower case; and once more without separators.
fn left(outcome: &Outcome) -> (String, String) {
    let mut all = outcome.everything_that_left();
    for sent in &outcome.sent {
        for (name, value) in sent.headers.iter() {
            all.push_str(&format!("\n{name}: {}", String::from_utf8_lossy(value)));
        }
        all.push('\n');
        all.push_str(&unescaped(&unescaped(&String::from_utf8_lossy(&sent.body))));
    }
    for (name, value) in outcome.headers.iter() {
        all.push_str(&format!("\n{name}: {}", String::from_utf8_lossy(value)));
    }
    all.push('\n');
    all.push_str(&unescaped(&outcome.record));
    let all = all.to_lowercase();
    let bare = bare(&all);
    (all, bare)
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '+' | ':' | '_')).collect()
}

/// JSON escapes undone wherever they stand.
fn unescaped(text: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        let Some(escape) = rest.chars().next() else { break };
        let digits = rest.get(1..5).and_then(|digits| u16::from_str_radix(digits, 16).ok());
        match (escape, digits) {
            ('u', Some(unit)) => {
                units.push(unit);
                rest = &rest[5..];
            }
            _ => {
                rest = &rest[escape.len_utf8()..];
                let undone = match escape {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                };
                units.extend(undone.encode_utf16(&mut [0; 2]).iter());
            }
        }
    }
    String::from_utf16_lossy(&units)
}

#[test]
fn no_value_leaves_whatever_comes_of_the_call() {
    let gateway = gateway("");
    check(250, &draw(plain()), |draw| {
        let anthropic = draw.0;
        let body = request_of(&draw, draw.5 >= 2);
        let named = vec!["<EMAIL_1> <CREDIT_CARD_1> <SECRET_1> <PHONE_1> <IBAN_1>".to_owned()];
        let failed = json!({"type": "error", "error": {"type": "invalid_request_error", "code": null,
            "message": "bad <EMAIL_1> <CREDIT_CARD_1>", "param": "<SECRET_1>"}});
        let answers = [
            echo(anthropic, &named, draw.5, &draw.4),
            Answer::json(400, failed.to_string()),
            Answer::json(200, "<EMAIL_1>"),
            Answer::stream(format!("data: {failed}\n\n")),
            Answer::dead(),
        ];
        for answer in answers {
            let outcome = gateway.afresh().call(post(&draw, &body), &[answer]);
            prop_assert_eq!(outcome.sent.len(), 1, "{}", outcome.text());
            let (all, without_separators) = left(&outcome);
            for value in VALUES {
                let value = value.to_lowercase();
                prop_assert!(!all.contains(&value), "{value} left: {all}");
                prop_assert!(!without_separators.contains(&bare(&value)), "{value} left in pieces: {all}");
            }
            for number in NUMBERS.iter().filter(|number| **number > 7) {
                prop_assert!(!without_separators.contains(&number.to_string()), "{number} left: {all}");
            }
        }
        Ok(())
    });
}
