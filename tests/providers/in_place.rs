//! Edits within one dialect leave everything else as it was.

use tollgate::chat::{Dialect, Request, is_named};
use tollgate::provider::{Api, Hidden, OptOut, Outline, VENDORS, codec, recognise, vendor};
use tollgate::wire::json::{Document, Edits, Node};

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
    assert_eq!(recognise("POST", "/anthropic/v1/messages"), Some(Api::AnthropicMessages));
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
        "/v1/messages/count_tokens",
        "/v1/threads/messages",
    ] {
        assert_eq!(recognise("POST", path), None, "{path}");
    }
    assert_eq!(recognise("GET", "/v1/chat/completions"), None);
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
    assert!(openai.opt_outs(Api::OpenAiChat).contains(&OptOut::Set { field: "store", value: "false" }));
    for (body, need) in [
        (r#"{"previous_response_id":"r"}"#, Some("previous_response_id")),
        (r#"{"conversation":{"id":"c"}}"#, Some("conversation")),
        (r#"{"background":true}"#, Some("background")),
        (r#"{"background":false,"conversation":null}"#, None),
    ] {
        let document = Document::parse(body.as_bytes()).unwrap();
        assert_eq!(openai.needs_storage(document.root()), need);
    }
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
            assert_eq!(recognise("POST", &own.path(*api, &outline, None)), Some(*api));
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
    let gone = request.let_go(&["messages[].name".to_owned(), "seed".to_owned(), "n".to_owned()]);
    assert_eq!(gone, ["messages[1].name", "seed"]);
    assert_eq!(request.unsupported, ["logit_bias"]);
}
