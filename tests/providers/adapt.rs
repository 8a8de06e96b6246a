//! A request that was written for one vendor of chat completions, edited in place for another.

use serde_json::{Value, json};
use tollgate::chat::{Dialect, Part};
use tollgate::provider::{Api, Outline, Site, Traits, codec, vendor};
use tollgate::wire::json::{Document, Edits};

/// What is sent, or the field that is refused.
fn adapt_for(dialect: Dialect, model: &str, body: &Value, drop: &[&str]) -> Result<Value, String> {
    let drop: Vec<String> = drop.iter().map(|name| (*name).to_owned()).collect();
    let text = body.to_string();
    let document = Document::parse(text.as_bytes()).unwrap();
    let mut edits = Edits::new();
    let vendor = vendor(dialect).unwrap();
    let api = vendor.apis()[0];
    let adapted = vendor.adapt(api, document.root(), model, &drop, &mut edits);
    adapted.map_err(|refused| refused.field)?;
    Ok(serde_json::from_slice(&edits.apply(text.as_bytes())).unwrap())
}

fn adapt(dialect: Dialect, body: &Value) -> Result<Value, String> {
    adapt_for(dialect, "m", body, &[])
}

/// As the OpenAI SDK writes it, with fields that only OpenAI has and that change nothing.
fn openais() -> Value {
    json!({
        "model": "m", "max_completion_tokens": 5, "seed": 7, "store": false, "user": "u", "stream": true,
        "stream_options": {"include_usage": true}, "service_tier": "default", "logit_bias": {},
        "messages": [
            {"role": "developer", "content": "D"},
            {"role": "user", "content": [{"type": "text", "text": "A"}]},
            {"role": "assistant", "content": null, "refusal": null, "tool_calls": [
                {"id": "call_abcdefghijk", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call_abcdefghijk", "content": "42"}
        ]
    })
}

/// As the mistralai SDK writes it.
fn mistrals() -> Value {
    json!({
        "model": "m", "max_tokens": 5, "random_seed": 7, "safe_prompt": false, "prompt_mode": null,
        "tool_choice": "any", "stream": false,
        "messages": [
            {"role": "user", "content": [
                {"type": "image_url", "image_url": "https://x.test/a.png"},
                {"type": "document_url", "document_url": "data:application/pdf;base64,QQ==", "document_name": "a.pdf"}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": true},
                {"type": "text", "text": "B"}], "prefix": false, "tool_calls": [
                {"id": "D681PevKs", "type": "function", "index": 0,
                    "function": {"name": "f", "arguments": {"a": 1}}}]},
            {"role": "tool", "tool_call_id": "D681PevKs", "name": "f", "content": "42"}
        ]
    })
}

#[test]
fn mistral_is_sent_nothing_that_it_does_not_know() {
    let sent = adapt(Dialect::Mistral, &openais()).unwrap();
    let id = sent["messages"][2]["tool_calls"][0]["id"].as_str().unwrap().to_owned();
    assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    assert_eq!(
        sent,
        json!({
            "model": "m", "max_tokens": 5, "random_seed": 7, "stream": true,
            "messages": [
                {"role": "system", "content": "D"},
                {"role": "user", "content": [{"type": "text", "text": "A"}]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": id, "content": "42"}
            ]
        })
    );
    assert_eq!(adapt(Dialect::Mistral, &mistrals()), Ok(mistrals()));
    let with = |field: &str, value: Value| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "A"}]});
        body[field] = value;
        body
    };
    for (field, value) in [
        ("logit_bias", json!({"1": 2})),
        ("verbosity", json!("low")),
        ("web_search_options", json!({"search_context_size": "low"})),
        ("anything", json!(1)),
        ("audio", json!({"voice": "a"})),
    ] {
        assert_eq!(adapt(Dialect::Mistral, &with(field, value.clone())), Err(field.to_owned()));
        let plain = json!({"model": "m", "messages": [{"role": "user", "content": "A"}]});
        assert_eq!(adapt_for(Dialect::Mistral, "m", &with(field, value), &[field]), Ok(plain));
    }
}

#[test]
fn turns_get_mistrals_shape() {
    let turn = |message: Value| {
        let sent = adapt(Dialect::Mistral, &json!({"messages": [message, {"role": "user", "content": "Z"}]}));
        sent.map(|sent| sent["messages"][0].clone())
    };
    assert_eq!(
        turn(json!({"role": "assistant", "content": null, "refusal": "No.", "annotations": []})),
        Ok(json!({"role": "assistant", "content": "No."}))
    );
    let file = json!({"role": "user", "content": [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}},
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
        {"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}}]});
    assert_eq!(
        turn(file),
        Ok(json!({"role": "user", "content": [
            {"type": "document_url", "document_url": "data:application/pdf;base64,QQ==", "document_name": "a.pdf"},
            {"type": "input_audio", "input_audio": "QQ=="},
            {"type": "text", "text": "A"}]}))
    );
    assert_eq!(
        turn(json!({"role": "user", "content": "A", "name": "n"})),
        Err("messages[0].name".to_owned())
    );
    let file = json!({"role": "user", "content": [{"type": "file", "file": {"file_id": "f-1"}}]});
    assert_eq!(turn(file), Err("messages[0].content[0].file.file_id".to_owned()));
    let begun =
        json!({"messages": [{"role": "user", "content": "A"}, {"role": "assistant", "content": "{"}]});
    let sent = adapt(Dialect::Mistral, &begun).unwrap();
    assert_eq!(sent["messages"][1], json!({"role": "assistant", "content": "{", "prefix": true}));
}

#[test]
fn what_mistrals_sdk_writes_is_said_in_the_words_of_others() {
    for dialect in [Dialect::OpenAi, Dialect::AzureOpenAi, Dialect::OpenRouter] {
        assert_eq!(
            adapt(dialect, &mistrals()),
            Ok(json!({
                "model": "m", "max_tokens": 5, "seed": 7, "tool_choice": "required", "stream": false,
                "messages": [
                    {"role": "user", "content": [
                        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
                        {"type": "file", "file":
                            {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}}]},
                    {"role": "assistant", "content": [{"type": "text", "text": "B"}], "tool_calls": [
                        {"id": "D681PevKs", "type": "function",
                            "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
                    {"role": "tool", "tool_call_id": "D681PevKs", "name": "f", "content": "42"}
                ]
            })),
            "{dialect:?}"
        );
    }
    let with = |field: &str, value: Value| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "A"}]});
        body[field] = value;
        body
    };
    let page =
        json!([{"role": "user", "content": [{"type": "document_url", "document_url": "https://x.test/a"}]}]);
    let begun = json!([{"role": "assistant", "content": "{", "prefix": true}]);
    for (field, value, name) in [
        ("safe_prompt", json!(true), "safe_prompt"),
        ("prompt_mode", json!("reasoning"), "prompt_mode"),
        ("guardrails", json!([{"block_on_error": true}]), "guardrails"),
        ("messages", page, "messages[0].content[0].document_url"),
        ("messages", begun, "messages[0].prefix"),
    ] {
        assert_eq!(adapt(Dialect::OpenAi, &with(field, value.clone())), Err(name.to_owned()));
        assert!(adapt_for(Dialect::OpenAi, "m", &with(field, value.clone()), &[name]).is_ok());
        // And by a caller's codec, for a provider of another API.
        let text = with(field, value).to_string();
        let document = Document::parse(text.as_bytes()).unwrap();
        let read = codec(Api::OpenAiChat).read_request(&Outline::default(), document.root()).unwrap();
        assert_eq!(read.unsupported, [name]);
    }
}

#[test]
fn what_mistrals_sdk_writes_is_read_for_other_apis() {
    let text = format!(" {} ", mistrals());
    let document = Document::parse(text.as_bytes()).unwrap();
    let request = codec(Api::MistralChat).read_request(&Outline::default(), document.root()).unwrap();
    assert_eq!(request.unsupported, [""; 0]);
    let thought = Part::Thinking { text: "hm".to_owned(), signature: None };
    assert_eq!(request.messages[1].parts[0], thought);
    let written = codec(Api::AnthropicMessages).write_request(&request, 64);
    // A seed has no place there; all the rest has one.
    assert_eq!(written.unwrap_err().field, "seed");
    let request = tollgate::chat::Request { seed: None, ..request };
    let written = codec(Api::AnthropicMessages).write_request(&request, 64).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["messages"][0]["content"][0]["source"]["url"], "https://x.test/a.png");
    assert_eq!(written["messages"][0]["content"][1]["source"]["data"], "QQ==");
    assert_eq!(written["messages"][1]["content"][1]["input"], json!({"a": 1}));
}

#[test]
fn deepseek_keeps_nothing_that_responses_could_build_on() {
    let adapted = |body: &Value, drop: &[&str]| {
        let drop: Vec<String> = drop.iter().map(|name| (*name).to_owned()).collect();
        let text = body.to_string();
        let document = Document::parse(text.as_bytes()).unwrap();
        let mut edits = Edits::new();
        let vendor = vendor(Dialect::DeepSeek).unwrap();
        let adapted = vendor.adapt(Api::OpenAiResponses, document.root(), "m", &drop, &mut edits);
        adapted.map_err(|refused| refused.field)?;
        Ok::<Value, String>(serde_json::from_slice(&edits.apply(text.as_bytes())).unwrap())
    };
    for (field, value) in [
        ("previous_response_id", json!("resp_0")),
        ("conversation", json!({"id": "conv_0"})),
        ("prompt", json!({"id": "pmpt_0"})),
        ("background", json!(true)),
    ] {
        let body = json!({"model": "m", "input": "A", field: value});
        assert_eq!(adapted(&body, &[]), Err(field.to_owned()));
        assert_eq!(adapted(&body, &[field]), Ok(json!({"model": "m", "input": "A"})));
    }
    let said_nothing = json!({"model": "m", "input": "A", "background": false, "conversation": null});
    assert_eq!(adapted(&said_nothing, &[]), Ok(said_nothing));
    let seen = json!({"type": "input_image", "image_url": "https://x.test/a.png"});
    let result =
        |parts: Value| json!({"input": [{"type": "function_call_output", "call_id": "c", "output": parts}]});
    let field = "input[0].output[0].input_image";
    assert_eq!(adapted(&result(json!([seen])), &[]), Err(field.to_owned()));
    assert_eq!(adapted(&result(json!([seen])), &["input[].output[].input_image"]), Ok(result(json!([]))));
}

#[test]
fn qwen_is_told_whether_to_think() {
    let sent = adapt(Dialect::Qwen, &openais()).unwrap();
    assert_eq!(sent["max_tokens"], 5);
    assert_eq!(sent["messages"][0]["role"], "system");
    for field in ["max_completion_tokens", "store", "service_tier", "logit_bias", "enable_thinking"] {
        assert_eq!(sent.get(field), None, "{field}");
    }
    let think = |model: &str, body: Value| {
        adapt_for(Dialect::Qwen, model, &body, &[]).map(|sent| sent["enable_thinking"].clone())
    };
    let messages = json!([]);
    assert_eq!(
        think("qwen-plus", json!({"messages": messages, "reasoning_effort": "none"})),
        Ok(json!(false))
    );
    let streamed = json!({"messages": messages, "reasoning_effort": "high", "stream": true});
    assert_eq!(think("qwen-plus", streamed), Ok(json!(true)));
    let whole = json!({"messages": messages, "reasoning_effort": "high"});
    assert_eq!(think("qwen-plus", whole), Err("reasoning_effort".to_owned()));
    assert_eq!(think("qwen3-32b", json!({"messages": messages})), Ok(json!(false)));
    assert_eq!(think("qwen3-32b", json!({"messages": messages, "stream": true})), Ok(Value::Null));
    assert_eq!(think("qwen3-max", json!({"messages": messages})), Ok(Value::Null));
    let own = json!({"messages": messages, "enable_thinking": true, "thinking_budget": 9, "top_k": 3});
    assert_eq!(adapt(Dialect::Qwen, &own), Ok(own));
}

#[test]
fn who_thinks_unless_told_not_to_is_told() {
    let body = json!({"model": "m", "reasoning_effort": "none", "messages": []});
    let told = |dialect| adapt(dialect, &body);
    let none = json!({"model": "m", "messages": []});
    let disabled = json!({"model": "m", "thinking": {"type": "disabled"}, "messages": []});
    assert_eq!(told(Dialect::DeepSeek), Ok(disabled));
    assert_eq!(told(Dialect::Mistral), Ok(none.clone()));
    assert_eq!(told(Dialect::OpenAi), Ok(body.clone()));
    // Of OpenAI's models those that do not know the word hear nothing.
    for (reasoning, sampling, hears) in [(true, true, true), (true, false, false), (false, true, false)] {
        let fitted = |api, body: &Value| {
            let text = body.to_string();
            let document = Document::parse(text.as_bytes()).unwrap();
            let mut edits = Edits::new();
            let model = Traits { reasoning, sampling };
            vendor(Dialect::OpenAi).unwrap().fit(api, document.root(), model, &mut edits);
            serde_json::from_slice::<Value>(&edits.apply(text.as_bytes())).unwrap()
        };
        assert_eq!(fitted(Api::OpenAiChat, &body), if hears { body.clone() } else { none.clone() });
        let responses = json!({"reasoning": {"effort": "none", "summary": "auto"}});
        let without = json!({"reasoning": {"summary": "auto"}});
        assert_eq!(fitted(Api::OpenAiResponses, &responses), if hears { responses.clone() } else { without });
        let high = json!({"reasoning_effort": "high"});
        assert_eq!(fitted(Api::OpenAiChat, &high), high);
    }
}

#[test]
fn openrouter_knows_models_by_their_vendors() {
    let named = |model: &str| {
        let sent = adapt_for(Dialect::OpenRouter, model, &json!({"model": model, "messages": []}), &[]);
        sent.unwrap()["model"].as_str().unwrap().to_owned()
    };
    for (model, name) in [
        ("gpt-5.4", "openai/gpt-5.4"),
        ("o4-mini", "openai/o4-mini"),
        ("claude-sonnet-5", "anthropic/claude-sonnet-5"),
        ("gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("mistral-large-latest", "mistralai/mistral-large-latest"),
        ("qwen/qwen3-max", "qwen/qwen3-max"),
        ("omni", "omni"),
    ] {
        assert_eq!(named(model), name);
    }
    let own = json!({"model": "a/b", "messages": [], "models": ["a/c"], "provider": {"order": ["x"]},
        "plugins": [{"id": "web"}], "reasoning": {"max_tokens": 9}, "transforms": ["middle-out"]});
    assert_eq!(adapt_for(Dialect::OpenRouter, "a/b", &own, &[]), Ok(own.clone()));
    for field in ["models", "provider", "plugins", "reasoning", "transforms"] {
        let mut one = json!({"model": "m", "messages": []});
        one[field] = own[field].clone();
        assert_eq!(adapt(Dialect::OpenAi, &one), Err(field.to_owned()));
    }
    let effort =
        json!({"model": "m", "messages": [], "reasoning": {"effort": "low"}, "usage": {"include": true}});
    assert_eq!(
        adapt(Dialect::OpenAi, &effort),
        Ok(json!({"model": "m", "messages": [], "reasoning_effort": "low"}))
    );
    let thought = json!({"model": "a/b", "messages": [{"role": "assistant", "content": "A", "reasoning_content": "R"}]});
    assert_eq!(
        adapt_for(Dialect::OpenRouter, "a/b", &thought, &[]).unwrap()["messages"][0],
        json!({"role": "assistant", "content": "A", "reasoning": "R"})
    );
}

#[test]
fn azures_own_data_stays_with_azure() {
    let body = json!({"model": "m", "messages": [], "data_sources": [{"parameters": {"authentication": {"key": "k"}}}]});
    assert_eq!(adapt(Dialect::AzureOpenAi, &body), Ok(body.clone()));
    for dialect in [Dialect::OpenAi, Dialect::DeepSeek, Dialect::Mistral, Dialect::OpenRouter, Dialect::Qwen]
    {
        assert_eq!(adapt(dialect, &body), Err("data_sources".to_owned()), "{dialect:?}");
    }
    // Whoever is taken at its word gets what was written.
    assert_eq!(adapt(Dialect::OpenAiCompatible, &mistrals()), Ok(mistrals()));
}

#[test]
fn the_path_says_which_of_azures_apis_is_meant() {
    let azure = vendor(Dialect::AzureOpenAi).unwrap();
    let of = |query| {
        let outline = Outline { model: "my gpt".into(), ..Outline::default() };
        azure.path(Api::OpenAiChat, &outline, query)
    };
    let responses = |query| azure.path(Api::OpenAiResponses, &Outline::default(), query);
    assert_eq!(responses(None), "/openai/v1/responses");
    assert_eq!(
        responses(Some("api-version=2025-04-01-preview")),
        "/openai/responses?api-version=2025-04-01-preview"
    );
    assert_eq!(of(None), "/openai/v1/chat/completions");
    assert_eq!(of(Some("api-version=preview")), "/openai/v1/chat/completions?api-version=preview");
    assert_eq!(
        of(Some("api-version=2024-10-21")),
        "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
    );
    let at = |prefix| Site { prefix, ..Site::default() };
    let outline = Outline::default();
    assert_eq!(
        azure.behind(
            &at("/x/openai/deployments/d"),
            Api::OpenAiChat,
            &outline,
            Some("api-version=2024-10-21")
        ),
        "/x/openai/deployments/d/chat/completions?api-version=2024-10-21"
    );
    assert_eq!(azure.behind(&at("/x"), Api::OpenAiChat, &outline, None), "/x/openai/v1/chat/completions");
    for (dialect, path) in [
        (Dialect::OpenAi, "/v1/chat/completions?a=1"),
        (Dialect::Mistral, "/v1/chat/completions?a=1"),
        (Dialect::Qwen, "/compatible-mode/v1/chat/completions?a=1"),
        (Dialect::OpenRouter, "/api/v1/chat/completions?a=1"),
        (Dialect::DeepSeek, "/chat/completions?a=1"),
    ] {
        let query = Some("a=1&api-version=2024-10-21");
        assert_eq!(vendor(dialect).unwrap().path(Api::OpenAiChat, &outline, query), path);
    }
    assert_eq!(azure.authenticate("k").0, "api-key");
    assert_eq!(azure.authenticate("eyJh.eyJi.c").1, "Bearer eyJh.eyJi.c");
    let outline = |path: &str| {
        let document = Document::parse(br#"{"model":"ignored","messages":[]}"#).unwrap();
        codec(Api::OpenAiChat).outline(path, None, document.root()).unwrap().model
    };
    assert_eq!(outline("/openai/deployments/gpt-4o/chat/completions"), "gpt-4o");
    assert_eq!(outline("/v1/chat/completions"), "ignored");
}
