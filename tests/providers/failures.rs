//! Each vendor's failures mean what they mean.

use tollgate::chat::{Dialect, ErrorClass};
use tollgate::provider::{Api, ApiError, Operation, codec, vendor};
use tollgate::wire::http::Headers;
use tollgate::wire::json::Document;

use crate::{files, json};

/// The finer classes of the samples in those of the policy.
fn class(name: &str) -> ErrorClass {
    match name {
        "rate_limit_requests" | "rate_limit_tokens" | "rate_limit_burst" => ErrorClass::RateLimited,
        "model_not_found" => ErrorClass::NotFound,
        "permission" => ErrorClass::Auth,
        "payload_too_large" => ErrorClass::TooLarge,
        name => *ErrorClass::ALL.iter().find(|class| class.name() == name).unwrap(),
    }
}

#[test]
fn every_sample_of_a_failure_has_its_class() {
    for (folder, dialect) in
        [("openai", Dialect::OpenAi), ("anthropic", Dialect::Anthropic), ("deepseek", Dialect::DeepSeek)]
    {
        for path in files(&format!("{folder}/errors"), ".meta.json") {
            let meta = json(&path);
            let body = std::fs::read(path.to_string_lossy().replace(".meta.", ".body.")).unwrap();
            let status = u16::try_from(meta["status"].as_u64().unwrap()).unwrap();
            let document = Document::parse_lenient(&body).ok();
            // Compatible servers hand on the same errors: the table knows them without the vendor, too.
            for dialect in [dialect, Dialect::OpenAiCompatible] {
                let error = vendor(dialect).unwrap().classify(status, &Headers::new(), document.as_ref());
                assert_eq!(error.class, class(meta["class"].as_str().unwrap()), "{}", path.display());
                assert!(!error.message.is_empty());
            }
        }
    }
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
