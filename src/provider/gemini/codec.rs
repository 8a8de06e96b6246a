//! The codec of generated content.

use super::stream_reader::Reader;
use super::stream_writer::Writer;
use super::{answer, error, names, place, read_request, stream_reader, write_request};
use crate::chat::visit::Place;
use crate::chat::{Malformed, Request, Response, Unsupported, Usage};
use crate::provider::failure::Rule;
use crate::provider::fields::{count, malformed, object, renamed};
use crate::provider::{
    Api, ApiError, Codec, Hidden, Outline, StreamReader, StreamText, StreamWriter, Turn, TurnKind, instruct,
};
use crate::wire::http;
use crate::wire::json::{Edits, Kind, Node, quote};

pub struct GeminiGenerate;

/// What the neutral conversation's fields are called here.
const NAMES: [(&str, &str); 16] = [
    ("messages[].content[]", "contents[].parts[]"),
    ("messages", "contents"),
    ("response_format", "generationConfig.responseJsonSchema"),
    ("reasoning_effort", "generationConfig.thinkingConfig"),
    ("thinking", "generationConfig.thinkingConfig"),
    ("temperature", "generationConfig.temperature"),
    ("top_p", "generationConfig.topP"),
    ("top_k", "generationConfig.topK"),
    ("seed", "generationConfig.seed"),
    ("presence_penalty", "generationConfig.presencePenalty"),
    ("frequency_penalty", "generationConfig.frequencyPenalty"),
    ("n", "generationConfig.candidateCount"),
    ("logprobs", "generationConfig.responseLogprobs"),
    ("stop", "generationConfig.stopSequences"),
    ("tool_choice", "toolConfig.functionCallingConfig"),
    ("tools[].function", "tools[].functionDeclarations[]"),
];

impl Codec for GeminiGenerate {
    fn api(&self) -> Api {
        Api::GeminiGenerate
    }

    fn recognises(&self, method: &str, path: &str) -> bool {
        method == "POST" && verb(path).is_some()
    }

    fn outline(&self, path: &str, query: Option<&str>, root: Node<'_>) -> Result<Outline, Malformed> {
        object(root, "")?;
        let call = names::call(path).ok_or_else(|| malformed("model", "a model in the path"))?;
        let stream = verb(path) == Some(Verb::Stream);
        let config = |name: &str| names::at(root, &["generationConfig", name]);
        let given = names::get(root, "contents");
        if given.is_none_or(|given| !matches!(given.kind(), Kind::Array | Kind::Object)) {
            return Err(malformed("contents", "an array"));
        }
        let bound = config("maxOutputTokens");
        Ok(Outline {
            model: call.model,
            stream,
            as_array: stream && !asks_for_events(query),
            stream_usage: true,
            max_output: bound.map(|node| count(node, "generationConfig.maxOutputTokens")).transpose()?,
            answers: config("candidateCount").and_then(|node| node.as_u64()).unwrap_or(1).max(1),
            ..Outline::default()
        })
    }

    fn request_place(&self, path: &[&str], _parent: Node<'_>) -> Place {
        place::in_request(path)
    }

    fn read_request(&self, outline: &Outline, root: Node<'_>) -> Result<Request, Malformed> {
        read_request::request(&outline.model, outline.stream, root)
    }

    fn write_request(&self, request: &Request, _default_max_output: u64) -> Result<Vec<u8>, Unsupported> {
        write_request::request(request)
    }

    /// The path names it; some clients name it once more.
    fn callers_field(&self, field: &str) -> String {
        renamed(field, &NAMES)
    }

    fn set_model(&self, root: Node<'_>, model: &str, edits: &mut Edits) {
        if root.get("model").is_some() {
            edits.set(root, "model", &quote(&names::resource(model)));
        }
    }

    /// It always does.
    fn ask_stream_usage(&self, _root: Node<'_>, _edits: &mut Edits) {}

    fn instruct(&self, root: Node<'_>, text: &str, edits: &mut Edits) {
        let part = format!(r#"{{"text":{}}}"#, quote(text));
        match names::get(root, "systemInstruction") {
            Some(said) => {
                names::get(said, "parts").map(|parts| instruct::append(parts, text, &part, edits));
            }
            None => edits.set(root, "systemInstruction", &format!(r#"{{"parts":[{part}]}}"#)),
        }
    }

    /// Calls and results of functions stand in turns of their own roles.
    fn turns<'d>(&self, root: Node<'d>) -> Vec<Turn<'d>> {
        let kind = |node: Node<'d>| {
            let holds = |part: &str| {
                let parts = names::get(node, "parts").map(names::each).unwrap_or_default();
                parts.into_iter().any(|it| names::get(it, part).is_some())
            };
            let is_models = names::get(node, "role").is_some_and(|role| role.is("model"));
            match is_models {
                true if holds("functionCall") => TurnKind::Calls,
                true => TurnKind::Assistant,
                false if holds("functionResponse") => TurnKind::Results,
                false => TurnKind::User,
            }
        };
        let contents = names::get(root, "contents").into_iter().flat_map(|contents| contents.items());
        contents.map(|node| Turn { node, kind: kind(node) }).collect()
    }

    fn storage_fields(&self) -> &'static [&'static str] {
        &["store"]
    }

    fn is_answer(&self, root: Node<'_>) -> bool {
        names::get(root, "candidates").is_some_and(|candidates| candidates.kind() == Kind::Array)
    }

    fn response_place(&self, path: &[&str], _parent: Node<'_>) -> Place {
        place::in_response(path)
    }

    fn read_response(&self, root: Node<'_>) -> Result<Response, Malformed> {
        answer::read(root)
    }

    fn write_response(&self, response: &Response, _created: u64) -> Vec<u8> {
        answer::write(response)
    }

    fn read_usage(&self, root: Node<'_>) -> Option<Usage> {
        answer::usage(root)
    }

    fn answer_model(&self, root: Node<'_>) -> Option<String> {
        names::text(root, "modelVersion")
    }

    fn stream_reader(&self, _own: &'static [Rule]) -> Box<dyn StreamReader> {
        Box::new(Reader::default())
    }

    fn stream_writer(&self, _created: u64, outline: &Outline) -> Box<dyn StreamWriter> {
        Box::new(Writer::new(outline.as_array))
    }

    fn stream_texts<'d>(&self, root: Node<'d>) -> Vec<StreamText<'d>> {
        stream_reader::texts(root)
    }

    fn hide_stream_usage(&self, _root: Node<'_>, _edits: &mut Edits) -> Hidden {
        Hidden::Nothing
    }

    fn error_body(&self, error: &ApiError<'_>) -> Vec<u8> {
        error::body(error)
    }

    fn stream_error(&self, error: &ApiError<'_>) -> Vec<u8> {
        error::in_stream(error)
    }
}

#[derive(PartialEq, Eq)]
enum Verb {
    Whole,
    Stream,
}

/// Servers may read a verb in capitals too: better inspected than passed on.
fn verb(path: &str) -> Option<Verb> {
    match names::call(path)?.verb.to_ascii_lowercase().as_str() {
        "generatecontent" => Some(Verb::Whole),
        "streamgeneratecontent" => Some(Verb::Stream),
        _ => None,
    }
}

/// `alt=sse`, or `$alt=sse` as generated clients write it.
pub(super) fn asks_for_events(query: Option<&str>) -> bool {
    let query = format!("?{}", query.unwrap_or_default());
    let asks =
        |name: &str| http::query_param(&query, name).is_some_and(|alt| alt.eq_ignore_ascii_case("sse"));
    asks("alt") || asks("$alt")
}
