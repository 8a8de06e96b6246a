//! Edits within one dialect leave everything else as it was.

use tollgate::chat::{Dialect, Request, is_named};
use tollgate::provider::{Api, Hidden, OptOut, Outline, Site, StreamText, Traits, VENDORS, codec, vendor};
use tollgate::wire::http::Headers;
use tollgate::wire::json::{Document, Edits, Node};

/// By a head that says nothing else.
fn recognise(method: &str, path: &str) -> Option<Api> {
    tollgate::provider::recognise(method, path, &Headers::new())
}

fn edited(body: &str, edit: impl FnOnce(Node<'_>, &mut Edits)) -> String {
    let document = Document::parse(body.as_bytes()).unwrap();
    let mut edits = Edits::new();
    edit(document.root(), &mut edits);
    String::from_utf8(edits.apply(body.as_bytes())).unwrap()
}

#[test]
fn calls_are_recognised_by_whole_segments_and_method() {
    for path in [
        "/v1/chat/completions",
        "/chat/completions",
        "/openai/v1/chat/completions?x=1",
        "/v1/chat/completions/",
    ] {
        assert_eq!(recognise("POST", path), Some(Api::OpenAiChat), "{path}");
    }
    for path in ["/v1/responses", "/responses", "/openai/v1/responses?x=1"] {
        assert_eq!(recognise("POST", path), Some(Api::OpenAiResponses), "{path}");
    }
    assert_eq!(recognise("POST", "/anthropic/v1/messages"), Some(Api::AnthropicMessages));
    assert_eq!(recognise("POST", "/v1/messages/count_tokens?beta=true"), Some(Api::AnthropicCountTokens));
    assert_eq!(recognise("POST", "/v1/responses/input_tokens"), Some(Api::OpenAiInputTokens));
    let vertex = "/v1/projects/p/locations/eu/publishers/google/models/gemini-2.5-pro";
    for (path, api) in [
        ("/v1beta/models/gemini-2.5-pro:generateContent".to_owned(), Api::GeminiGenerate),
        ("/google/v1/models/m:streamGenerateContent?alt=sse".to_owned(), Api::GeminiGenerate),
        ("/v1beta/tunedModels/m:GENERATEcontent".to_owned(), Api::GeminiGenerate),
        ("/v1beta/models/m:countTokens".to_owned(), Api::GeminiCountTokens),
        (format!("{vertex}:generateContent"), Api::GeminiGenerate),
        (format!("{vertex}:countTokens"), Api::GeminiCountTokens),
        ("/v1beta/openai/chat/completions".to_owned(), Api::OpenAiChat),
    ] {
        assert_eq!(recognise("POST", &path), Some(api), "{path}");
    }
    for path in [
        "/v1beta/models/m",
        "/v1beta/models/m:predict",
        "/v1beta/files/m:generateContent",
        "/m:generateContent",
    ] {
        assert_eq!(recognise("POST", path), None, "{path}");
    }
    for path in
        ["/v1/completions", "/completions", "/openai/v1/completions/", "/openai/deployments/d/completions"]
    {
        assert_eq!(recognise("POST", path), Some(Api::OpenAiCompletions), "{path}");
    }
    for path in ["/v1/embeddings", "/openai/deployments/d/embeddings?api-version=1"] {
        assert_eq!(recognise("POST", path), Some(Api::OpenAiEmbeddings), "{path}");
    }
    for path in [
        "/v1/fim/completions",
        "/v1/agents/completions",
        "/v1/embeddings/x",
        "/v1/xchat/completions",
        "/v1/chat/completions/abc",
        "/v1/messages/count_tokens/x",
        "/v1/threads/messages",
        "/v1/responses/resp_1/cancel",
        "/v1/responses/compact",
    ] {
        assert_eq!(recognise("POST", path), None, "{path}");
    }
    assert_eq!(recognise("GET", "/v1/chat/completions"), None);
}

#[test]
fn mistrals_callers_are_known_by_their_sdk_or_by_the_host_that_they_call() {
    let api = |name: &str, value: &str, path: &str| {
        let mut headers = Headers::new();
        headers.set(name, value);
        tollgate::provider::recognise("POST", path, &headers)
    };
    let chat = "/v1/chat/completions";
    for (name, value) in [
        ("user-agent", "mistral-client-python/3.7.0"),
        ("user-agent", "mistral-client-typescript/1.10.0"),
        (":authority", "api.mistral.ai"),
        (":authority", "API.EU.mistral.ai:443"),
    ] {
        assert_eq!(api(name, value, chat), Some(Api::MistralChat), "{value}");
        assert_eq!(api(name, value, "/v1/embeddings"), Some(Api::OpenAiEmbeddings), "{value}");
        assert_eq!(api(name, value, "/v1/fim/completions"), None, "{value}");
    }
    for (name, value) in [
        ("user-agent", "OpenAI/Python 3.54.0"),
        ("user-agent", "my mistral-client-python/1"),
        (":authority", "api.mistral.ai.example.org"),
        (":authority", "notmistral.ai"),
        ("x-user-agent", "mistral-client-python/3.7.0"),
    ] {
        assert_eq!(api(name, value, chat), Some(Api::OpenAiChat), "{value}");
    }
}

#[test]
fn usage_is_asked_for_whatever_stood_there() {
    let ask = |body: &str| edited(body, |root, edits| codec(Api::OpenAiChat).ask_stream_usage(root, edits));
    assert_eq!(ask(r#"{"a":1.0}"#), r#"{"a":1.0,"stream_options":{"include_usage":true}}"#);
    assert_eq!(ask(r#"{"stream_options":null}"#), r#"{"stream_options":{"include_usage":true}}"#);
    assert_eq!(ask(r#"{"stream_options":{}}"#), r#"{"stream_options":{"include_usage":true}}"#);
    assert_eq!(
        ask(r#"{"stream_options":{"include_usage":false,"x":1}}"#),
        r#"{"stream_options":{"include_usage":true,"x":1}}"#
    );
    let asked = r#"{"stream_options": {"include_usage": true}}"#;
    assert_eq!(ask(asked), asked);
}

#[test]
fn usage_that_was_not_asked_for_is_hidden() {
    let hide = |body: &str| {
        let mut hidden = Hidden::Nothing;
        let out = edited(body, |root, edits| hidden = codec(Api::OpenAiChat).hide_stream_usage(root, edits));
        (hidden, out)
    };
    let chunk = r#"{"choices":[{"index":0}]}"#;
    assert_eq!(hide(chunk), (Hidden::Nothing, chunk.to_owned()));
    assert_eq!(hide(r#"{"choices":[{"index":0}],"usage":null}"#), (Hidden::Part, chunk.to_owned()));
    assert_eq!(hide(r#"{"choices":[{"index":0}],"usage":{"x":1}}"#).0, Hidden::Part);
    assert_eq!(hide(r#"{"choices":[],"usage":{"x":1}}"#).0, Hidden::Whole);
    assert_eq!(hide(r#"{"choices":[],"usage":null}"#).0, Hidden::Part);
}

#[test]
fn texts_that_go_on_over_events_have_channels() {
    let body = r#"{"choices":[{"index":1,"delta":{"content":"a","refusal":null,"reasoning_content":"r",
        "tool_calls":[{"index":2,"function":{"arguments":"{"}}]}}]}"#;
    let document = Document::parse(body.as_bytes()).unwrap();
    let found: Vec<_> = codec(Api::OpenAiChat)
        .stream_texts(document.root())
        .iter()
        .map(|text| (text.channel.choice, text.channel.field, text.channel.part, text.json))
        .collect();
    assert_eq!(
        found,
        [(1, "content", 0, false), (1, "reasoning_content", 0, false), (1, "arguments", 2, true)]
    );
    let texts = |body: &str| {
        let document = Document::parse(body.as_bytes()).unwrap();
        let texts = codec(Api::AnthropicMessages).stream_texts(document.root());
        texts.iter().map(|text| (text.channel.field, text.channel.part, text.json)).collect::<Vec<_>>()
    };
    let delta = |delta: &str| format!(r#"{{"type":"content_block_delta","index":3,"delta":{delta}}}"#);
    assert_eq!(texts(&delta(r#"{"type":"text_delta","text":"a"}"#)), [("text", 3, false)]);
    assert_eq!(
        texts(&delta(r#"{"type":"input_json_delta","partial_json":"{"}"#)),
        [("partial_json", 3, true)]
    );
    assert!(texts(&delta(r#"{"type":"thinking_delta","thinking":"a"}"#)).is_empty());
    let texts = |body: &str| {
        let document = Document::parse(body.as_bytes()).unwrap();
        let texts = codec(Api::OpenAiResponses).stream_texts(document.root());
        let place =
            |text: &StreamText<'_>| (text.channel.choice, text.channel.field, text.channel.part, text.json);
        texts.iter().map(place).collect::<Vec<_>>()
    };
    let delta = |kind: &str, delta: &str| {
        format!(r#"{{"type":"response.{kind}.delta","output_index":2,"content_index":1,"delta":{delta}}}"#)
    };
    assert_eq!(texts(&delta("output_text", r#""a""#)), [(2, "text", 1, false)]);
    assert_eq!(texts(&delta("function_call_arguments", r#""{""#)), [(2, "arguments", 1, true)]);
    assert_eq!(texts(&delta("reasoning_text", r#""a""#)), [(2, "reasoning_text", 1, false)]);
    assert_eq!(texts(&delta("of_a_later_version", r#""a""#)), [(2, "delta", 1, false)]);
    let shell = r#"{"stdout":"a","stderr":"b"}"#;
    let both = [(2, "stdout", 1, false), (2, "stderr", 1, false)];
    assert_eq!(texts(&delta("shell_call_output_content", shell)), both);
    assert!(texts(&delta("audio", r#""UklG""#)).is_empty());
    assert!(texts(r#"{"type":"response.output_text.done","text":"a"}"#).is_empty());
    let body = r#"{"candidates":[{"index":2,"content":{"parts":[{"text":"a"},{"text":"b","thought":true},
        {"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.q","stringValue":"c"}]}}]}}]}"#;
    let document = Document::parse(body.as_bytes()).unwrap();
    let texts = codec(Api::GeminiGenerate).stream_texts(document.root());
    let found: Vec<_> =
        texts.iter().map(|text| (text.channel.choice, text.channel.field, text.json)).collect();
    assert_eq!(found, [(2, "text", false), (2, "thought", false), (2, "args", false)]);
}

#[test]
fn deepseek_gets_its_own_names_and_nothing_is_lost_in_silence() {
    let deepseek = vendor(Dialect::DeepSeek).unwrap();
    let adapt = |body: &str, drop: &[&str]| {
        let drop: Vec<String> = drop.iter().map(|name| (*name).to_owned()).collect();
        let document = Document::parse(body.as_bytes()).unwrap();
        let mut edits = Edits::new();
        deepseek
            .adapt(Api::OpenAiChat, document.root(), "", &drop, &mut edits)
            .map(|()| String::from_utf8(edits.apply(body.as_bytes())).unwrap())
            .map_err(|refused| refused.field)
    };
    assert_eq!(
        adapt(
            r#"{"model":"m","store":false,"max_completion_tokens":5,"messages":[{"role":"developer","content":"D"}]}"#,
            &[]
        ),
        Ok(r#"{"model":"m","messages":[{"role":"system","content":"D"}],"max_tokens":5}"#.to_owned())
    );
    let image = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]}]}"#;
    assert_eq!(adapt(image, &[]), Err("messages[0].content[1].image_url".to_owned()));
    assert_eq!(
        adapt(image, &["messages[].content[].image_url"]),
        Ok(r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}"#.to_owned())
    );
    assert_eq!(adapt(r#"{"parallel_tool_calls":false}"#, &[]), Err("parallel_tool_calls".to_owned()));
    let plain = r#"{"model": "m",  "messages": [], "max_tokens": 1.0e1}"#;
    assert_eq!(adapt(plain, &[]), Ok(plain.to_owned()));
}

#[test]
fn storage_is_opted_out_of_and_its_needs_are_seen() {
    let openai = vendor(Dialect::OpenAi).unwrap();
    for api in [Api::OpenAiChat, Api::OpenAiResponses] {
        assert!(openai.opt_outs(api).contains(&OptOut::Set { field: "store", value: "false" }));
    }
    for (body, need) in [
        (r#"{"previous_response_id":"r"}"#, Some("previous_response_id")),
        (r#"{"conversation":{"id":"c"}}"#, Some("conversation")),
        (r#"{"background":true}"#, Some("background")),
        (r#"{"prompt":{"id":"p"}}"#, Some("prompt")),
        (r#"{"input":[{"type":"item_reference","id":"m"}]}"#, Some("input[].item_reference")),
        (r#"{"background":false,"conversation":null}"#, None),
        (r#"{"prompt":"a text","input":"another"}"#, None),
    ] {
        let document = Document::parse(body.as_bytes()).unwrap();
        assert_eq!(openai.needs_storage(document.root()), need);
    }
}

#[test]
fn gemini_names_the_model_in_the_path_and_keeps_the_callers_way_to_it() {
    let gemini = vendor(Dialect::Gemini).unwrap();
    let outline = |stream, as_array| Outline {
        model: "gemini-2.5-pro".to_owned(),
        stream,
        as_array,
        ..Outline::default()
    };
    let to = |site: Site<'_>, stream, as_array, query| {
        gemini.behind(&site, Api::GeminiGenerate, &outline(stream, as_array), query)
    };
    let vertex = "/v1/projects/p/locations/eu/publishers/google";
    let callers = format!("{vertex}/models/m:generateContent");
    let nowhere = Site::default();
    assert_eq!(to(nowhere, false, false, None), "/v1beta/models/gemini-2.5-pro:generateContent");
    assert_eq!(to(nowhere, true, false, None), "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse");
    assert_eq!(to(nowhere, true, true, None), "/v1beta/models/gemini-2.5-pro:streamGenerateContent");
    assert_eq!(
        to(nowhere, true, false, Some("$alt=sse")),
        "/v1beta/models/gemini-2.5-pro:streamGenerateContent?$alt=sse"
    );
    let version = Site { callers: Some("/gateway/v1/models/m:generateContent"), ..nowhere };
    assert_eq!(to(version, false, false, None), "/v1/models/gemini-2.5-pro:generateContent");
    // Where the policy says that it is Vertex AI, the caller's project counts, and elsewhere it means nothing.
    let own = Site { callers: Some(&callers), ..nowhere };
    assert_eq!(to(own, false, false, None), "/v1beta/models/gemini-2.5-pro:generateContent");
    let own = Site { host: Some("eu-aiplatform.googleapis.com"), ..own };
    assert_eq!(to(own, false, false, None), format!("{vertex}/models/gemini-2.5-pro:generateContent"));
    let policys = Site { prefix: "/v1/projects/q/locations/us/publishers/google", ..own };
    assert_eq!(
        to(policys, false, false, None),
        "/v1/projects/q/locations/us/publishers/google/models/gemini-2.5-pro:generateContent"
    );
    assert!(
        gemini.takes_opt_outs(&nowhere) && !gemini.takes_opt_outs(&own) && !gemini.takes_opt_outs(&policys)
    );
}

#[test]
fn googles_keys_are_known_by_their_shape_and_tokens_are_no_keys() {
    let gemini = vendor(Dialect::Gemini).unwrap();
    for own in ["AIzaSyB1c2D3e4F5", "AQ.Ab8RN6x", "ya29.a0Af"] {
        assert!(gemini.owns_key(own), "{own}");
    }
    assert!(!gemini.owns_key("sk-proj-x"));
    assert_eq!(gemini.authenticate("AIzaX"), ("x-goog-api-key", "AIzaX".to_owned()));
    assert_eq!(gemini.authenticate("ya29.x"), ("authorization", "Bearer ya29.x".to_owned()));
}

#[test]
fn a_model_that_chooses_its_own_sampling_is_not_told_any() {
    let gemini = vendor(Dialect::Gemini).unwrap();
    let traits = |sampling| Traits { reasoning: false, sampling };
    let body = r#"{"generation_config":{"temperature":0.5,"top_p":0.9,"seed":7},"contents":[]}"#;
    let mut gone = Vec::new();
    let fit = |root: Node<'_>, sampling, edits: &mut Edits| {
        gemini.fit(Api::GeminiGenerate, root, traits(sampling), edits)
    };
    let out = edited(body, |root, edits| gone = fit(root, false, edits));
    assert_eq!(out, r#"{"generation_config":{"seed":7},"contents":[]}"#);
    assert_eq!(gone, ["generationConfig.temperature", "generationConfig.topP"]);
    assert_eq!(edited(body, |root, edits| gone = fit(root, true, edits)), body);
    assert!(gone.is_empty());
}

#[test]
fn a_body_that_names_the_model_once_more_follows_the_path() {
    let set = |api, body: &str| edited(body, |root, edits| codec(api).set_model(root, "gemini-x", edits));
    assert_eq!(set(Api::GeminiGenerate, r#"{"contents":[]}"#), r#"{"contents":[]}"#);
    assert_eq!(set(Api::GeminiGenerate, r#"{"model":"models/m"}"#), r#"{"model":"models/gemini-x"}"#);
    assert_eq!(
        set(Api::GeminiCountTokens, r#"{"generateContentRequest":{"model":"models/m","contents":[]}}"#),
        r#"{"generateContentRequest":{"model":"models/gemini-x","contents":[]}}"#
    );
    assert_eq!(set(Api::AnthropicCountTokens, r#"{"model":"m"}"#), r#"{"model":"gemini-x"}"#);
}

#[test]
fn the_table_of_vendors_is_whole() {
    for own in VENDORS {
        let same =
            VENDORS.iter().filter(|other| other.dialect() == own.dialect() || other.name() == own.name());
        assert_eq!(same.count(), 1, "{} stands once", own.name());
        for api in own.apis() {
            assert_eq!(codec(*api).api(), *api);
            let outline = Outline { model: "m".to_owned(), ..Outline::default() };
            let mut headers = Headers::new();
            headers.set(":authority", own.host().unwrap_or_default());
            let path = own.path(*api, &outline, None);
            assert_eq!(tollgate::provider::recognise("POST", &path, &headers), Some(*api));
        }
        assert!(own.authenticate("k").1.ends_with('k'));
    }
}

#[test]
fn what_a_policy_drops_is_let_go_by_name() {
    assert!(is_named("messages[].name", "messages[3].name"));
    assert!(is_named("messages[].content[].input_audio", "messages[0].content[12].input_audio"));
    assert!(!is_named("messages[].name", "messages[3].refusal"));
    assert!(!is_named("n", "name"));
    let mut request = Request {
        seed: Some("7".to_owned()),
        unsupported: vec!["messages[1].name".to_owned(), "logit_bias".to_owned()],
        ..Request::default()
    };
    let gone = ["messages[].name", "seed", "n"].map(|field| request.let_go(field));
    assert_eq!(gone, [true, true, false]);
    assert_eq!(request.unsupported, ["logit_bias"]);
}

#[test]
fn a_refused_field_has_the_name_that_its_caller_knows() {
    for (api, field, name) in [
        (Api::OpenAiChat, "messages[2].content[0].input_audio", "messages[2].content[0].input_audio"),
        (Api::OpenAiResponses, "messages[2].content[0].input_audio", "input[].content[].input_audio"),
        (Api::OpenAiResponses, "response_format.json_schema.schema", "text.format.json_schema.schema"),
        (Api::GeminiGenerate, "messages[2].content[0].input_audio", "contents[].parts[].input_audio"),
        (Api::GeminiGenerate, "n", "generationConfig.candidateCount"),
        (Api::GeminiGenerate, "name", "name"),
        (Api::AnthropicMessages, "stop", "stop_sequences"),
    ] {
        assert_eq!(codec(api).callers_field(field), name, "{api:?}");
    }
}

#[test]
fn a_credential_for_one_vendors_other_service_goes_to_no_other_vendor() {
    let sources = r#"{"data_sources":[{"parameters":{"authentication":{"key":"azure-search"}}}]}"#;
    let tool = r#"{"tools":[{"type":"connector","authorization":{"type":"api_key","value":"k"}}]}"#;
    let adapted = |dialect: Dialect, body: &str| {
        let document = Document::parse(body.as_bytes()).unwrap();
        let mut edits = Edits::new();
        let done = vendor(dialect).unwrap().adapt(Api::OpenAiChat, document.root(), "m", &[], &mut edits);
        done.map(|()| String::from_utf8(edits.apply(body.as_bytes())).unwrap()).map_err(|it| it.field)
    };
    for own in VENDORS.iter().filter(|vendor| vendor.apis().contains(&Api::OpenAiChat)) {
        let is_azure = own.dialect() == Dialect::AzureOpenAi;
        let there = adapted(own.dialect(), sources);
        assert_eq!(there, if is_azure { Ok(sources.to_owned()) } else { Err("data_sources".to_owned()) });
        assert_eq!(adapted(own.dialect(), tool), Err("tools[0].authorization".to_owned()), "{}", own.name());
    }
}

#[test]
fn google_gets_no_signature_of_anybody_elses() {
    let own = "CiQB";
    let foreign =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "tollgate:anthropic:c2ln");
    let body = format!(
        r#"{{"contents":[{{"parts":[{{"text":"a","thoughtSignature":"{own}"}},{{"text":"b","thought_signature":"{foreign}"}},
        {{"functionCall":{{"name":"f"}},"thoughtSignature":"{foreign}"}}]}}]}}"#
    );
    let adapted = edited(&body, |root, edits| {
        vendor(Dialect::Gemini).unwrap().adapt(Api::GeminiGenerate, root, "m", &[], edits).unwrap();
    });
    assert!(adapted.contains(own) && !adapted.contains(&foreign), "{adapted}");
    assert!(adapted.contains(r#""thoughtSignature":"skip_thought_signature_validator""#), "{adapted}");
}
