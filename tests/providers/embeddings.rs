//! Embeddings: what is read, and what becomes of them in another form.

use serde_json::{Value, json};
use tollgate::chat::Vector;
use tollgate::provider::{Api, Outline, codec};
use tollgate::wire::json::Document;

use crate::{beside, files, json as read_json};

const CODEC: Api = Api::OpenAiEmbeddings;

fn outline(body: &str) -> Result<Outline, String> {
    let document = Document::parse(body.as_bytes()).unwrap();
    codec(CODEC).outline("/v1/embeddings", None, document.root()).map_err(|fault| fault.field)
}

#[test]
fn a_call_says_its_model_and_form_and_takes_no_tokens_for_its_answer() {
    let read = outline(r#"{"model":"m","input":["a","b"],"encoding_format":"base64"}"#).unwrap();
    assert_eq!((read.model.as_str(), read.max_output, read.stream), ("m", Some(0), false));
    assert!(read.vectors_in_base64);
    assert!(!outline(r#"{"model":"m","input":"a","encoding_format":"float"}"#).unwrap().vectors_in_base64);
    for tokens in ["[1,2]", "[[1,2],[3]]", "7", "null", r#"["a",1]"#] {
        let body = format!(r#"{{"model":"m","input":{tokens}}}"#);
        assert_eq!(outline(&body), Err("input".to_owned()), "{tokens} cannot be inspected");
    }
    assert_eq!(outline(r#"{"input":"a"}"#), Err("model".to_owned()));
}

#[test]
fn a_request_goes_through_the_neutral_form_and_back() {
    let body = r#"{"model":"m","input":"a \"b\"","dimensions":2.56e2,"user":"u","encoding_format":"base64"}"#;
    let document = Document::parse(body.as_bytes()).unwrap();
    let request = codec(CODEC).read_request(&outline(body).unwrap(), document.root()).unwrap();
    let written: Value = serde_json::from_slice(&codec(CODEC).write_request(&request, 9).unwrap()).unwrap();
    assert_eq!(written, json!({"model": "m", "input": ["a \"b\""], "dimensions": 256.0, "user": "u"}));
    assert!(request.clone().let_go("dimensions"));
    for (body, field) in [
        (r#"{"model":"m","input":"a","truncate":true}"#, "truncate"),
        (r#"{"model":"m","input":"a","encoding_format":"int8"}"#, "encoding_format"),
    ] {
        let document = Document::parse(body.as_bytes()).unwrap();
        let request = codec(CODEC).read_request(&outline(body).unwrap(), document.root()).unwrap();
        assert_eq!(codec(CODEC).write_request(&request, 9).unwrap_err().field, field);
    }
    let turn = tollgate::chat::Request { model: "m".to_owned(), ..Default::default() };
    assert!(codec(CODEC).write_request(&turn, 9).is_err(), "a conversation is nothing to embed");
}

#[test]
fn answers_read_as_the_samples_say_and_are_written_with_the_numbers_as_spelt() {
    for path in files("embeddings", ".json") {
        if path.to_string_lossy().matches(".json").count() > 1 {
            continue;
        }
        let body = std::fs::read(&path).unwrap();
        let expected = read_json(&beside(&path, ".expected.json"));
        let document = Document::parse(&body).unwrap();
        assert!(codec(CODEC).is_answer(document.root()));
        let response = codec(CODEC).read_response(document.root()).unwrap();
        assert_eq!(response.usage.unwrap().input, expected["input_tokens"].as_u64().unwrap());
        let written = codec(CODEC).write_response(&response, 0);
        assert_eq!(String::from_utf8(written).unwrap(), String::from_utf8(body).unwrap());
    }
}

#[test]
fn vectors_come_in_the_order_of_their_texts_in_either_form() {
    let body = r#"{"data":[{"index":1,"embedding":"AAAAPw=="},{"index":0,"embedding":[ 1.50 ]}],"usage":{"total_tokens":3}}"#;
    let document = Document::parse(body.as_bytes()).unwrap();
    let response = codec(CODEC).read_response(document.root()).unwrap();
    assert_eq!(
        response.vectors,
        [Vector::Numbers("[ 1.50 ]".to_owned()), Vector::Base64("AAAAPw==".to_owned())]
    );
    assert_eq!(response.usage.map(|usage| (usage.input, usage.output)), Some((3, 0)));
    for broken in [r#"{"data":{}}"#, r#"{"data":[{}]}"#, r#"{"data":[{"embedding":1}]}"#] {
        let document = Document::parse(broken.as_bytes()).unwrap();
        assert!(codec(CODEC).read_response(document.root()).is_err(), "{broken}");
    }
}

// ---- Gemini's, and from one to the other

const ONE: Api = Api::GeminiEmbed;
const BATCH: Api = Api::GeminiEmbedBatch;

/// The request in the other API, or the field that has no place there.
fn translated(from: Api, body: &str, to: Api) -> Result<Value, String> {
    let document = Document::parse(body.as_bytes()).unwrap();
    let outline = codec(from).outline(crate::path(from), None, document.root()).map_err(|it| it.field)?;
    assert_eq!(outline.max_output, Some(0));
    let request = codec(from).read_request(&outline, document.root()).map_err(|it| it.field)?;
    let written = codec(to).write_request(&request, 9).map_err(|it| it.field)?;
    Ok(serde_json::from_slice(&written).unwrap())
}

#[test]
fn texts_become_a_batch_and_a_batch_texts() {
    let single = |text: &str| json!({"model": "models/m", "content": {"parts": [{"text": text}]}, "outputDimensionality": 3});
    let batch = json!({"requests": [single("a"), single("b")]});
    let own = r#"{"model":"m","input":["a","b"],"dimensions":3,"encoding_format":"base64"}"#;
    assert_eq!(translated(CODEC, own, BATCH), Ok(batch.clone()));
    let back = json!({"model": "gemini-3.5-flash", "input": ["a", "b"], "dimensions": 3});
    assert_eq!(translated(BATCH, &batch.to_string(), CODEC), Ok(back));
    let one = r#"{"content":{"parts":{"text":"a"},"role":"user"},"output_dimensionality":3}"#;
    assert_eq!(
        translated(ONE, one, CODEC),
        Ok(json!({"model": "gemini-3.5-flash", "input": ["a"], "dimensions": 3}))
    );
}

#[test]
fn what_only_one_of_them_knows_is_refused_by_name() {
    for (from, body, to, field) in [
        (CODEC, r#"{"model":"m","input":"a","user":"u"}"#, BATCH, "user"),
        (ONE, r#"{"content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_QUERY"}"#, CODEC, "taskType"),
        (ONE, r#"{"content":{"parts":[{"text":"a"},{"text":"b"}]}}"#, CODEC, "content"),
        (ONE, r#"{"content":{"parts":[{"inline_data":{}}]}}"#, CODEC, "content"),
        (ONE, r#"{}"#, CODEC, "content"),
        (BATCH, r#"{"requests":{}}"#, CODEC, "requests"),
        (
            BATCH,
            r#"{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]},"title":"t"}]}"#,
            CODEC,
            "requests[1].title",
        ),
        (
            BATCH,
            r#"{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]},"outputDimensionality":3}]}"#,
            CODEC,
            "requests[1].outputDimensionality",
        ),
    ] {
        assert_eq!(translated(from, body, to), Err(field.to_owned()), "{body}");
    }
}

#[test]
fn answers_go_both_ways_with_the_numbers_as_spelt() {
    let body =
        r#"{"embeddings":[{"values":[ 1.50,-2e-1]},{"values":[3]}],"usageMetadata":{"promptTokenCount":7}}"#;
    let document = Document::parse(body.as_bytes()).unwrap();
    assert!(codec(BATCH).is_answer(document.root()) && codec(BATCH).answer_model(document.root()).is_none());
    let response = codec(BATCH).read_response(document.root()).unwrap();
    assert_eq!(String::from_utf8(codec(BATCH).write_response(&response, 0)).unwrap(), body);
    let own = String::from_utf8(codec(CODEC).write_response(&response, 0)).unwrap();
    assert!(
        own.contains(r#""index":0,"embedding":[ 1.50,-2e-1]}"#) && own.contains(r#""total_tokens":7"#),
        "{own}"
    );
    let one = String::from_utf8(codec(ONE).write_response(&response, 0)).unwrap();
    assert!(one.starts_with(r#"{"embedding":{"values":[ 1.50,-2e-1]},"#), "{one}");
    let document = Document::parse(one.as_bytes()).unwrap();
    assert_eq!(codec(ONE).read_response(document.root()).unwrap().vectors.len(), 1);
    for broken in [r#"{"embeddings":[{}]}"#, r#"{"embedding":{"values":1}}"#, r#"{"error":{}}"#] {
        let document = Document::parse(broken.as_bytes()).unwrap();
        assert!(codec(BATCH).read_response(document.root()).is_err(), "{broken}");
    }
}

#[test]
fn the_model_is_set_wherever_a_batch_names_it() {
    let body = br#"{"requests": [{"model": "models/a", "content": {}}, {"content": {}}]}"#;
    let document = Document::parse(body).unwrap();
    let mut edits = tollgate::wire::json::Edits::new();
    codec(BATCH).set_model(document.root(), "b", &mut edits);
    let edited = String::from_utf8(edits.apply(body)).unwrap();
    assert_eq!(edited, r#"{"requests": [{"model": "models/b", "content": {}}, {"content": {}}]}"#);
}
