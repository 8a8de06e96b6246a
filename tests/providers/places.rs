//! Every text of a request is found, and nothing else.

use tollgate::chat::visit::{BEFORE, CONVERSATION, Place, REST, SpotKind, visit};
use tollgate::provider::{Api, codec};
use tollgate::wire::json::Document;

use crate::{beside, fixtures, json};

/// Place, kind and source of each spot, by group.
fn spots(api: Api, body: &[u8]) -> Vec<(u8, Place, SpotKind, String)> {
    let document = Document::parse(body).unwrap();
    let mut found = Vec::new();
    visit(document.root(), &|path, parent| codec(api).request_place(path, parent), &mut |spot| {
        found.push((spot.group, spot.place, spot.kind, spot.node.raw().to_owned()));
    });
    found
}

fn all_text_places(api: Api, file: &str) {
    let path = fixtures().join(file);
    let body = std::fs::read(&path).unwrap();
    let expected = json(&beside(&path, ".expected.json"));
    let found = spots(api, &body);
    let readable = |place: Place| !matches!(place, Place::Media | Place::Opaque);
    let list = |key: &str| -> Vec<String> {
        expected[key].as_array().into_iter().flatten().map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let signed: Vec<String> =
        list("do_not_edit").iter().map(|it| it.split(' ').next().unwrap().to_owned()).collect();
    for marker in list("text_markers") {
        let places: Vec<Place> =
            found.iter().filter(|(.., text)| text.contains(&marker)).map(|(_, place, ..)| *place).collect();
        assert!(!places.is_empty(), "{marker} is not found");
        if signed.contains(&marker) {
            assert_eq!(places, [Place::Opaque], "{marker}");
        } else {
            assert!(places.into_iter().any(readable), "{marker} is not readable");
        }
    }
    for marker in list("secrets") {
        assert!(found.iter().all(|(.., text)| !text.contains(&marker)), "{marker} is read");
    }
    for marker in list("must_skip") {
        for (_, place, _, text) in &found {
            assert!(!text.contains(&marker) || !readable(*place), "{marker} is read as text");
        }
    }
    assert!(found.windows(2).all(|pair| pair[0].0 <= pair[1].0), "groups come in order");
}

#[test]
fn every_text_of_a_chat_completion_is_found() {
    all_text_places(Api::OpenAiChat, "openai/requests/chat_all_text_places.json");
}

#[test]
fn every_text_of_a_response_request_is_found() {
    all_text_places(Api::OpenAiResponses, "openai_responses/requests/all_text_places.json");
}

#[test]
fn every_text_of_generated_content_is_found_in_both_spellings() {
    all_text_places(Api::GeminiGenerate, "gemini/requests/all_text_places.json");
    all_text_places(Api::GeminiGenerate, "gemini/requests/snake_case_variant.json");
    all_text_places(Api::GeminiCountTokens, "gemini/requests/count.json");
}

#[test]
fn every_text_of_a_message_is_found() {
    all_text_places(Api::AnthropicMessages, "anthropic/requests/all_text_places.json");
}

#[test]
fn tools_come_before_the_conversation_and_metadata_after_it_wherever_they_stand() {
    let body = br#"{"user":"u","messages":[{"role":"user","content":"m"}],"model":"x",
        "tools":[{"type":"function","function":{"name":"f","description":"t"}}]}"#;
    let found: Vec<(u8, String)> = spots(Api::OpenAiChat, body)
        .into_iter()
        .filter(|(_, place, ..)| *place != Place::Skip)
        .map(|(group, .., text)| (group, text))
        .collect();
    let expected = [(BEFORE, "\"t\""), (CONVERSATION, "\"m\""), (REST, "\"u\"")];
    assert_eq!(found, expected.map(|(group, text)| (group, text.to_owned())));
}

#[test]
fn unknown_fields_are_read_with_their_keys_and_numbers() {
    let body =
        br#"{"model":"x","messages":[{"role":"user","content":"m","new":{"k@example.org":4111111111111111}}],
        "other":["v"],"model2":5}"#;
    let found: Vec<(SpotKind, String)> =
        spots(Api::OpenAiChat, body).into_iter().map(|(_, _, kind, text)| (kind, text)).collect();
    for expected in [
        (SpotKind::Key, "\"k@example.org\""),
        (SpotKind::Number, "4111111111111111"),
        (SpotKind::Text, "\"v\""),
        (SpotKind::Number, "5"),
    ] {
        assert!(found.contains(&(expected.0, expected.1.to_owned())), "{expected:?} in {found:?}");
    }
}

#[test]
fn a_container_where_the_protocol_has_an_identifier_hides_nothing() {
    for api in Api::ALL {
        let body =
            br#"{"model":{"a":"secret1"},"messages":{"*":{"role":"secret2"}},"max_tokens":["secret3"]}"#;
        let found = spots(api, body);
        for secret in ["secret1", "secret2", "secret3"] {
            assert!(found.iter().any(|(.., text)| text.contains(secret)), "{api:?} hides {secret}");
        }
    }
}

#[test]
fn a_schema_gives_its_texts_and_values_and_its_names_as_what_has_to_stay() {
    let body =
        br#"{"model":"x","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":
        {"type":"object","properties":{"card":{"description":"D","default":{"k":1},"minimum":12}}}}}]}"#;
    let found: Vec<(Place, SpotKind, String)> =
        spots(Api::OpenAiChat, body).into_iter().map(|(_, place, kind, text)| (place, kind, text)).collect();
    let has = |place, kind, text: &str| found.contains(&(place, kind, text.to_owned()));
    assert!(has(Place::Schema, SpotKind::Text, "\"D\""));
    assert!(has(Place::Free, SpotKind::Key, "\"k\"") && has(Place::Free, SpotKind::Number, "1"));
    assert!(has(Place::Skip, SpotKind::Key, "\"card\"") && has(Place::Free, SpotKind::Number, "12"));
}

#[test]
fn thinking_without_a_signature_is_text_like_any_other() {
    let body = br#"{"model":"x","messages":[{"role":"assistant","content":[
        {"type":"thinking","thinking":"a","signature":""},{"type":"thinking","thinking":"b","signature":"S"}]}]}"#;
    let found: Vec<(Place, String)> =
        spots(Api::AnthropicMessages, body).into_iter().map(|(_, place, _, text)| (place, text)).collect();
    assert!(found.contains(&(Place::Text, "\"a\"".to_owned())));
    assert!(found.contains(&(Place::Opaque, "\"b\"".to_owned())));
}

#[test]
fn keys_that_are_meant_for_the_provider_are_not_text() {
    let body = br#"{"messages":[],"data_sources":[{"type":"azure_search","parameters":{"endpoint":"e",
        "filter":"SEEN","authentication":{"type":"api_key","key":"HIDDEN"}}}],
        "tools":[{"type":"connector","authorization":{"type":"api-key","value":"HIDDEN"}}],
        "random_seed":4111111111111111}"#;
    let found = spots(Api::OpenAiChat, body);
    let readable: Vec<&str> = found
        .iter()
        .filter(|(_, place, ..)| matches!(place, Place::Text | Place::Free))
        .map(|(.., text)| text.as_str())
        .collect();
    assert!(readable.iter().any(|text| text.contains("SEEN")), "{readable:?}");
    assert!(!readable.iter().any(|text| text.contains("HIDDEN") || text.contains("4111")), "{readable:?}");
}
