//! The codec of Responses.

use super::super::{codec::set_model, error};
use super::stream_reader::Reader;
use super::stream_writer::Writer;
use super::{answer, place, read_request, stream_reader, stream_writer, write_request};
use crate::chat::visit::Place;
use crate::chat::{Malformed, Request, Response, Unsupported, Usage};
use crate::provider::failure::Rule;
use crate::provider::fields::{boolean, count, malformed, object, renamed, text_of};
use crate::provider::{
    Api, ApiError, Codec, Hidden, Outline, StreamReader, StreamText, StreamWriter, Turn, TurnKind, ends_in,
    instruct,
};
use crate::wire::json::{Edits, Kind, Node};

pub struct OpenAiResponses;

/// What the neutral conversation's fields are called here.
const NAMES: [(&str, &str); 7] = [
    ("messages[].content", "input[].content"),
    ("messages", "input"),
    ("response_format", "text.format"),
    ("reasoning_effort", "reasoning.effort"),
    ("thinking", "reasoning"),
    ("logprobs", "top_logprobs"),
    ("tools[].function", "tools[]"),
];

impl Codec for OpenAiResponses {
    fn api(&self) -> Api {
        Api::OpenAiResponses
    }

    fn recognises(&self, method: &str, path: &str) -> bool {
        method == "POST" && ends_in(path, "/responses")
    }

    fn outline(&self, _path: &str, _query: Option<&str>, root: Node<'_>) -> Result<Outline, Malformed> {
        object(root, "")?;
        let given = |field: &str| root.get(field).filter(|node| !node.is_null());
        let input = given("input").map(|input| input.kind());
        if input.is_some_and(|kind| !matches!(kind, Kind::String | Kind::Array)) {
            return Err(malformed("input", "a string or an array of items"));
        }
        Ok(Outline {
            model: text_of(root, "model").ok_or_else(|| malformed("model", "a string"))?,
            stream: given("stream").map_or(Ok(false), |node| boolean(node, "stream"))?,
            stream_usage: true,
            max_output: given("max_output_tokens")
                .map(|node| count(node, "max_output_tokens"))
                .transpose()?,
            answers: 1,
            ..Outline::default()
        })
    }

    fn request_place(&self, path: &[&str], parent: Node<'_>) -> Place {
        place::in_request(path, parent)
    }

    fn read_request(&self, _outline: &Outline, root: Node<'_>) -> Result<Request, Malformed> {
        read_request::request(root)
    }

    fn write_request(&self, request: &Request, _default_max_output: u64) -> Result<Vec<u8>, Unsupported> {
        write_request::request(request)
    }

    fn callers_field(&self, field: &str) -> String {
        renamed(field, &NAMES)
    }

    fn set_model(&self, root: Node<'_>, model: &str, edits: &mut Edits) {
        set_model(root, model, edits);
    }

    /// It always does.
    fn ask_stream_usage(&self, _root: Node<'_>, _edits: &mut Edits) {}

    fn storage_fields(&self) -> &'static [&'static str] {
        &["store", "metadata"]
    }

    fn instruct(&self, root: Node<'_>, text: &str, edits: &mut Edits) {
        instruct::append_to(root, "instructions", text, &instruct::text_part(text), edits);
    }

    fn turns<'d>(&self, root: Node<'d>) -> Vec<Turn<'d>> {
        let kind = |node: Node<'d>| match text_of(node, "type").as_deref() {
            Some(kind) if kind.ends_with("_output") => TurnKind::Results,
            // What was thought before a call is nothing without it.
            Some(kind) if kind.ends_with("_call") || kind == "reasoning" => TurnKind::Calls,
            _ => match text_of(node, "role").as_deref() {
                Some("system" | "developer") => TurnKind::System,
                Some("assistant") => TurnKind::Assistant,
                _ => TurnKind::User,
            },
        };
        let turns = root.get("input").into_iter().flat_map(|input| input.items());
        turns.map(|node| Turn { node, kind: kind(node) }).collect()
    }

    fn is_answer(&self, root: Node<'_>) -> bool {
        super::is_answer(root)
    }

    fn response_place(&self, path: &[&str], parent: Node<'_>) -> Place {
        place::in_response(path, parent)
    }

    fn read_response(&self, root: Node<'_>) -> Result<Response, Malformed> {
        answer::read(root)
    }

    fn write_response(&self, response: &Response, created: u64) -> Vec<u8> {
        answer::write(response, created)
    }

    fn read_usage(&self, root: Node<'_>) -> Option<Usage> {
        answer::usage(root)
    }

    fn stream_reader(&self, own: &'static [Rule]) -> Box<dyn StreamReader> {
        Box::new(Reader::new(own))
    }

    fn stream_writer(&self, created: u64, _outline: &Outline) -> Box<dyn StreamWriter> {
        Box::new(Writer::new(created))
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
        stream_writer::error_event(error, 0)
    }

    fn numbered_stream_error(&self, error: &ApiError<'_>, number: u64) -> Vec<u8> {
        stream_writer::error_event(error, number)
    }
}
