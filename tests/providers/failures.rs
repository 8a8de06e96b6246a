//! Each vendor's failures mean what they mean.

use tollgate::chat::{Delta, Dialect, ErrorClass};
use tollgate::provider::failure::{self, Fault, Test};
use tollgate::provider::{Api, ApiError, Operation, VENDORS, codec, vendor};
use tollgate::wire::http::Headers;
use tollgate::wire::json::Document;

use crate::{files, json};

/// The finer classes of the samples in those of the policy.
fn class(name: &str) -> ErrorClass {
    match name {
        "rate_limit_requests" | "rate_limit_tokens" | "rate_limit_burst" => ErrorClass::RateLimited,
        "model_not_found" => ErrorClass::NotFound,
        "permission" => ErrorClass::Auth,
        "cancelled" => ErrorClass::Timeout,
        "payload_too_large" => ErrorClass::TooLarge,
        name => *ErrorClass::ALL.iter().find(|class| class.name() == name).unwrap(),
    }
}

const FOLDERS: [(&str, Dialect); 8] = [
    ("anthropic", Dialect::Anthropic),
    ("azure_openai", Dialect::AzureOpenAi),
    ("deepseek", Dialect::DeepSeek),
    ("gemini", Dialect::Gemini),
    ("mistral", Dialect::Mistral),
    ("openai", Dialect::OpenAi),
    ("openrouter", Dialect::OpenRouter),
    ("qwen", Dialect::Qwen),
];

#[test]
fn every_sample_of_a_failure_has_its_class() {
    for (folder, own) in FOLDERS {
        for path in files(&format!("{folder}/errors"), ".meta.json") {
            let meta = json(&path);
            let body = std::fs::read(path.to_string_lossy().replace(".meta.", ".body.")).unwrap();
            let status = u16::try_from(meta["status"].as_u64().unwrap()).unwrap();
            let document = Document::parse_lenient(&body).ok();
            let mut headers = Headers::new();
            for (name, value) in meta["headers"].as_object().unwrap() {
                headers.set(name, value.as_str().unwrap());
            }
            // Compatible servers hand on the same errors: the table knows them without the vendor, too.
            for dialect in [own, Dialect::OpenAiCompatible] {
                let error = vendor(dialect).unwrap().classify(status, &headers, document.as_ref());
                let mut expected = class(meta["class"].as_str().unwrap());
                // Qwen alone says so of a limit of tokens per minute.
                if dialect != own && path.ends_with("compat_rate_limit_tokens.meta.json") {
                    expected = ErrorClass::QuotaExhausted;
                }
                assert_eq!(error.class, expected, "{} {dialect:?}", path.display());
                assert!(!error.message.is_empty());
                let millis = headers.get_str("retry-after-ms").map(|text| text.parse().unwrap());
                let seconds = headers.get_str("retry-after").map(|text| text.parse::<u64>().unwrap() * 1000);
                if let Some(told) = millis.or(seconds) {
                    assert_eq!(error.retry_after_ms, Some(told), "{}", path.display());
                }
            }
        }
    }
}

#[test]
fn every_rule_is_reached_by_its_own_words() {
    for vendor in VENDORS {
        for rule in vendor.failures() {
            let body = match rule.test {
                Test::Code(code) => format!(r#"{{"error":{{"code":"{code}"}}}}"#),
                Test::Type(kind) => format!(r#"{{"error":{{"type":"{kind}"}}}}"#),
                Test::Detail(code) => format!(r#"{{"error":{{"details":{{"error_code":"{code}"}}}}}}"#),
                Test::Message(part) => format!(r#"{{"error":{{"message":"… {part} …"}}}}"#),
                Test::Member(path) => {
                    let (outer, inner) = path.split_once('.').unwrap();
                    format!(r#"{{"error":{{"{outer}":{{"{inner}":[]}}}}}}"#)
                }
                Test::Stop(reason) => {
                    let found = failure::stopped(vendor.failures(), reason, false).unwrap();
                    assert_eq!(found.class, rule.class, "{reason}");
                    continue;
                }
            };
            let document = Document::parse(body.as_bytes()).unwrap();
            let class = Fault::read(document.root()).unwrap().classify(vendor.failures()).class;
            assert_eq!(class, rule.class, "{}: {:?}", vendor.name(), rule.test);
            assert!(rule.meaning.len() > 5 && !rule.meaning.ends_with('.'), "{}", rule.meaning);
        }
    }
}

/// Seen in public, and in no sample.
#[test]
fn other_shapes_and_words_are_understood() {
    let classify = |dialect, status, body: &str| {
        let document = Document::parse_lenient(body.as_bytes()).ok();
        vendor(dialect).unwrap().classify(status, &Headers::new(), document.as_ref())
    };
    let of = |dialect, status, body: &str| classify(dialect, status, body).class;
    let anthropic = |kind: &str, message: &str| {
        format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#)
    };
    for message in [
        "You have reached your specified API usage limits. You will regain access on 2026-08-01 at 00:00 UTC.",
        "You have reached your specified workspace API usage limits.",
        "You have reached your API usage limits: your organization has crossed its monthly API usage threshold",
    ] {
        let body = anthropic("invalid_request_error", message);
        assert_eq!(of(Dialect::Anthropic, 400, &body), ErrorClass::QuotaExhausted, "{message}");
        let body = anthropic("rate_limit_error", message);
        assert_eq!(of(Dialect::Anthropic, 429, &body), ErrorClass::QuotaExhausted, "{message}");
    }
    let openai =
        |code: &str, message: &str| format!(r#"{{"error":{{"code":{code},"message":"{message}"}}}}"#);
    let capacity =
        openai("\"server_is_overloaded\"", "Selected model is at capacity. Please try a different model.");
    assert_eq!(of(Dialect::OpenAi, 503, &capacity), ErrorClass::Overloaded);
    let window = openai("null", "Your input exceeds the context window of this model.");
    assert_eq!(of(Dialect::OpenAi, 400, &window), ErrorClass::ContextLength);
    // What a reseller quotes, as JSON in a string or in words; its own empty account is not its caller's.
    let quoted = |raw: &str| {
        format!(
            r#"{{"error":{{"code":400,"message":"Provider returned error","metadata":{{"provider_name":"X","raw":{}}}}}}}"#,
            serde_json::to_string(raw).unwrap()
        )
    };
    let long = quoted(r#"{"error":{"code":"context_length_exceeded","message":"too long"}}"#);
    assert_eq!(of(Dialect::OpenRouter, 400, &long), ErrorClass::ContextLength);
    let long = quoted("Input is too long for requested model.");
    assert_eq!(of(Dialect::OpenRouter, 400, &long), ErrorClass::ContextLength);
    let empty = quoted(r#"{"error":{"code":"insufficient_quota","message":"You exceeded your quota"}}"#);
    assert_eq!(of(Dialect::OpenRouter, 429, &empty), ErrorClass::RateLimited);
    let in_flight = r#"{"error":{"code":402,"message":"This request would exceed your available credits given your current in-flight requests.","metadata":{"reason":"in_flight_budget_exhausted","limit_source":"openrouter_in_flight_budget"}}}"#;
    assert_eq!(of(Dialect::OpenRouter, 402, in_flight), ErrorClass::QuotaExhausted);
    // Lists of one, messages that are objects, and details of checks against a schema.
    let list = format!("[{window}]");
    assert_eq!(of(Dialect::OpenAiCompatible, 400, &list), ErrorClass::ContextLength);
    let strict = classify(
        Dialect::OpenAiCompatible,
        422,
        r#"{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]}"#,
    );
    assert_eq!(
        (strict.class, &*strict.message),
        (ErrorClass::InvalidRequest, "seed: Extra inputs are not permitted")
    );
    let strict = classify(
        Dialect::Mistral,
        422,
        r#"{"object":"error","message":{"detail":[{"loc":["body","seed"],"msg":"Extra inputs are not permitted"}]}}"#,
    );
    assert_eq!(&*strict.message, "seed: Extra inputs are not permitted");
    // A status as the code, where there is no other: in a stream, or inside a 200.
    let document = Document::parse(br#"{"error":{"code":"429","message":"slow"}}"#).unwrap();
    assert_eq!(Fault::read(document.root()).unwrap().classify(&[]).class, ErrorClass::RateLimited);
}

#[test]
fn an_answer_that_is_cut_short_is_one_and_an_empty_one_is_a_failure() {
    let chunk = |text: &str, reason: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":\"{reason}\"}}]}}\n\n"
        )
    };
    let class = |stream: &str| {
        let (deltas, complete) = crate::deltas(Api::OpenAiChat, stream.as_bytes());
        let error = deltas.iter().find_map(|delta| match delta {
            Delta::Error(error) => Some(error.class),
            _ => None,
        });
        assert_eq!(complete, error.is_none());
        error
    };
    assert_eq!(class(&chunk("", "content_filter")), Some(ErrorClass::ContentFilter));
    assert_eq!(class(&chunk("So ", "content_filter")), None);
    assert_eq!(class(&chunk("", "model_length")), Some(ErrorClass::ContextLength));
    assert_eq!(class(&chunk("So ", "error")), Some(ErrorClass::ServerError));
    assert_eq!(class(&chunk("So ", "insufficient_system_resource")), Some(ErrorClass::Overloaded));
    let refused = |text: &str| {
        let text = format!(
            "data: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"text\",\"text\":\"{text}\"}}}}\n\n"
        );
        let stop = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\"}}\n\n";
        let (deltas, _) = crate::deltas(Api::AnthropicMessages, format!("{text}{stop}").as_bytes());
        deltas
            .iter()
            .any(|delta| matches!(delta, Delta::Error(error) if error.class == ErrorClass::ContentFilter))
    };
    assert!(refused("") && !refused("So "));
}

#[test]
fn what_is_no_json_goes_by_its_status() {
    let classify = |status| vendor(Dialect::OpenAi).unwrap().classify(status, &Headers::new(), None).class;
    assert_eq!(classify(502), ErrorClass::ServerError);
    assert_eq!(classify(504), ErrorClass::Timeout);
    assert_eq!(classify(529), ErrorClass::Overloaded);
    assert_eq!(classify(418), ErrorClass::InvalidRequest);
}

#[test]
fn failures_inside_good_answers_are_seen() {
    let soft = |dialect, body: &str| {
        let document = Document::parse_lenient(body.as_bytes()).unwrap();
        vendor(dialect)
            .unwrap()
            .soft_failure(vendor(dialect).unwrap().apis()[0], document.root())
            .map(|error| error.class)
    };
    let finish = |reason: &str| format!(r#"{{"choices":[{{"finish_reason":"{reason}","message":{{}}}}]}}"#);
    assert_eq!(soft(Dialect::OpenAi, &finish("content_filter")), Some(ErrorClass::ContentFilter));
    assert_eq!(
        soft(Dialect::DeepSeek, &finish("insufficient_system_resource")),
        Some(ErrorClass::Overloaded)
    );
    assert_eq!(soft(Dialect::OpenAi, &finish("stop")), None);
    let reseller = r#"{"error":{"message":"Provider returned error","code":502}}"#;
    assert_eq!(soft(Dialect::OpenAiCompatible, reseller), Some(ErrorClass::ServerError));
    let stop = |reason: &str| format!(r#"{{"type":"message","content":[],"stop_reason":"{reason}"}}"#);
    assert_eq!(soft(Dialect::Anthropic, &stop("refusal")), Some(ErrorClass::ContentFilter));
    assert_eq!(
        soft(Dialect::Anthropic, &stop("model_context_window_exceeded")),
        Some(ErrorClass::ContextLength)
    );
    assert_eq!(soft(Dialect::Anthropic, &stop("end_turn")), None);
    for path in files("gemini/blocked", ".json") {
        let body = std::fs::read_to_string(&path).unwrap();
        assert_eq!(soft(Dialect::Gemini, &body), Some(ErrorClass::ContentFilter), "{}", path.display());
    }
    let gemini = |reasons: &[&str]| {
        let candidates: Vec<serde_json::Value> =
            reasons.iter().map(|reason| serde_json::json!({"content": {}, "finishReason": reason})).collect();
        soft(Dialect::Gemini, &serde_json::json!({"candidates": candidates}).to_string())
    };
    for reason in ["SAFETY", "RECITATION", "IMAGE_PROHIBITED_CONTENT", "MODEL_ARMOR"] {
        assert_eq!(gemini(&[reason]), Some(ErrorClass::ContentFilter), "{reason}");
    }
    for reason in ["MALFORMED_FUNCTION_CALL", "MISSING_THOUGHT_SIGNATURE", "TOO_MANY_TOOL_CALLS"] {
        assert_eq!(gemini(&[reason]), Some(ErrorClass::ServerError), "{reason}");
    }
    for reasons in [&["STOP"][..], &["MAX_TOKENS"], &["SAFETY", "STOP"], &["FINISH_REASON_UNSPECIFIED"]] {
        assert_eq!(gemini(reasons), None, "{reasons:?}");
    }
    assert_eq!(
        soft(Dialect::Gemini, "{\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}"),
        Some(ErrorClass::Overloaded)
    );
}

#[test]
fn errors_of_ours_are_escaped_and_named_in_both_dialects() {
    let error =
        ApiError { status: 429, code: "insufficient_quota", message: "over \"it\"\n", param: Some("n") };
    let openai: serde_json::Value =
        serde_json::from_slice(&codec(Api::OpenAiChat).error_body(&error)).unwrap();
    assert_eq!(openai["error"]["message"], "over \"it\"\n");
    assert_eq!(openai["error"]["type"], "insufficient_quota");
    assert_eq!(openai["error"]["param"], "n");
    let anthropic: serde_json::Value =
        serde_json::from_slice(&codec(Api::AnthropicMessages).error_body(&error)).unwrap();
    assert_eq!(anthropic["type"], "error");
    assert_eq!(anthropic["error"]["type"], "rate_limit_error");
    for api in Api::ALL.into_iter().filter(|api| api.operation() == Operation::Chat) {
        let stream = codec(api).stream_error(&error);
        let (deltas, complete) = crate::deltas(api, &stream);
        assert!(matches!(&deltas[..], [tollgate::chat::Delta::Error(_)]) && !complete, "{api:?}");
    }
}
