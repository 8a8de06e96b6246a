//! The codec of messages.

use super::stream_reader::Reader;
use super::stream_writer::Writer;
use super::{answer, error, place, read_request, stream_reader, write_request};
use crate::chat::visit::Place;
use crate::chat::{Malformed, Request, Response, Unsupported, Usage};
use crate::provider::failure::Rule;
use crate::provider::fields::{array, boolean, count, malformed, object, renamed, text_of};
use crate::provider::{
    Api, ApiError, Codec, Hidden, Outline, StreamReader, StreamText, StreamWriter, Turn, TurnKind, ends_in,
    instruct,
};
use crate::wire::json::{Edits, Node, quote};

pub struct AnthropicMessages;

/// What the neutral conversation's fields are called here.
const NAMES: [(&str, &str); 6] = [
    ("response_format", "output_config.format"),
    ("reasoning_effort", "output_config.effort"),
    ("stop", "stop_sequences"),
    ("tools[].function.parameters", "tools[].input_schema"),
    ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
    ("user", "metadata.user_id"),
];

impl Codec for AnthropicMessages {
    fn api(&self) -> Api {
        Api::AnthropicMessages
    }

    fn recognises(&self, method: &str, path: &str) -> bool {
        method == "POST" && ends_in(path, "/v1/messages")
    }

    fn outline(&self, _path: &str, _query: Option<&str>, root: Node<'_>) -> Result<Outline, Malformed> {
        object(root, "")?;
        let given = |field: &str| root.get(field).filter(|node| !node.is_null());
        array(given("messages").ok_or_else(|| malformed("messages", "an array"))?, "messages")?;
        Ok(Outline {
            model: text_of(root, "model").ok_or_else(|| malformed("model", "a string"))?,
            stream: given("stream").map_or(Ok(false), |node| boolean(node, "stream"))?,
            as_array: false,
            stream_usage: true,
            max_output: given("max_tokens").map(|node| count(node, "max_tokens")).transpose()?,
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

    fn write_request(&self, request: &Request, default_max_output: u64) -> Result<Vec<u8>, Unsupported> {
        write_request::request(request, default_max_output)
    }

    fn callers_field(&self, field: &str) -> String {
        renamed(field, &NAMES)
    }

    fn set_model(&self, root: Node<'_>, model: &str, edits: &mut Edits) {
        if root.get("model").is_none_or(|node| !node.is(model)) {
            edits.set(root, "model", &quote(model));
        }
    }

    /// It always does.
    fn ask_stream_usage(&self, _root: Node<'_>, _edits: &mut Edits) {}

    fn instruct(&self, root: Node<'_>, text: &str, edits: &mut Edits) {
        instruct::append_to(root, "system", text, &instruct::text_part(text), edits);
    }

    fn turns<'d>(&self, root: Node<'d>) -> Vec<Turn<'d>> {
        let holds = |node: Node<'d>, block: &str| {
            let mut blocks = node.get("content").into_iter().flat_map(|content| content.items());
            blocks.any(|part| part.get("type").is_some_and(|kind| kind.is(block)))
        };
        let kind = |node: Node<'d>| match node.get("role").and_then(|role| role.as_str()).as_deref() {
            Some("assistant") if holds(node, "tool_use") => TurnKind::Calls,
            Some("assistant") => TurnKind::Assistant,
            Some("system") => TurnKind::System,
            _ if holds(node, "tool_result") => TurnKind::Results,
            _ => TurnKind::User,
        };
        let turns = root.get("messages").into_iter().flat_map(|messages| messages.items());
        turns.map(|node| Turn { node, kind: kind(node) }).collect()
    }

    fn is_answer(&self, root: Node<'_>) -> bool {
        root.get("content").is_some_and(|content| content.kind() == crate::wire::json::Kind::Array)
    }

    fn response_place(&self, path: &[&str], parent: Node<'_>) -> Place {
        place::in_response(path, parent)
    }

    fn read_response(&self, root: Node<'_>) -> Result<Response, Malformed> {
        answer::read(root)
    }

    fn write_response(&self, response: &Response, _created: u64) -> Vec<u8> {
        answer::write(response)
    }

    fn read_usage(&self, root: Node<'_>) -> Option<Usage> {
        answer::usage(root.get("usage"), Usage::default())
    }

    fn stream_reader(&self, _own: &'static [Rule]) -> Box<dyn StreamReader> {
        Box::new(Reader::default())
    }

    fn stream_writer(&self, _created: u64, _outline: &Outline) -> Box<dyn StreamWriter> {
        Box::new(Writer::default())
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
