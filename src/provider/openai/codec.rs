//! The codec of chat completions.

use super::stream_reader::Reader;
use super::stream_writer::Writer;
use super::{answer, error, others, place, read_request, stream_reader, write_request};
use crate::chat::visit::Place;
use crate::chat::{Malformed, Request, Response, Unsupported, Usage};
use crate::provider::failure::Rule;
use crate::provider::fields::{array, boolean, count, malformed, object};
use crate::provider::{
    Api, ApiError, Codec, Hidden, Outline, StreamReader, StreamText, StreamWriter, Turn, TurnKind, ends_in,
    instruct,
};
use crate::wire::json::{Document, Edits, Kind, Node, quote};

pub struct OpenAiChat;

/// In both of OpenAI's APIs the model is named in the body.
pub(super) fn set_model(root: Node<'_>, model: &str, edits: &mut Edits) {
    if root.get("model").is_none_or(|node| !node.is(model)) {
        edits.set(root, "model", &quote(model));
    }
}

impl Codec for OpenAiChat {
    fn api(&self) -> Api {
        Api::OpenAiChat
    }

    fn recognises(&self, method: &str, path: &str) -> bool {
        method == "POST" && ends_in(path, "/chat/completions")
    }

    fn outline(&self, path: &str, _query: Option<&str>, root: Node<'_>) -> Result<Outline, Malformed> {
        object(root, "")?;
        let given = |field: &str| root.get(field).filter(|node| !node.is_null());
        array(given("messages").ok_or_else(|| malformed("messages", "an array"))?, "messages")?;
        let bound = |field| given(field).map(|node| count(node, field)).transpose();
        // Servers differ in which of the two they know: whichever it is, the answer takes no more than the larger.
        let bound = bound("max_completion_tokens")?.max(bound("max_tokens")?);
        let answers = given("n").and_then(|n| n.as_u64()).unwrap_or(1).max(1);
        Ok(Outline {
            model: super::model(path, root)?,
            stream: given("stream").map_or(Ok(false), |node| boolean(node, "stream"))?,
            as_array: false,
            stream_usage: root
                .path(&["stream_options", "include_usage"])
                .is_some_and(|node| node.as_bool() == Some(true)),
            max_output: bound,
            answers,
            ..Outline::default()
        })
    }

    fn request_place(&self, path: &[&str], parent: Node<'_>) -> Place {
        place::in_request(path, parent)
    }

    fn read_request(&self, outline: &Outline, root: Node<'_>) -> Result<Request, Malformed> {
        let Some((body, unsupported)) = others::for_reading(root) else {
            return read_request::request(root, &outline.model);
        };
        let document = Document::parse_lenient(&body).map_err(|_| malformed("", "JSON"))?;
        let mut request = read_request::request(document.root(), &outline.model)?;
        request.unsupported.extend(unsupported);
        Ok(request)
    }

    fn write_request(&self, request: &Request, _default_max_output: u64) -> Result<Vec<u8>, Unsupported> {
        write_request::request(request)
    }

    fn set_model(&self, root: Node<'_>, model: &str, edits: &mut Edits) {
        set_model(root, model, edits);
    }

    fn instruct(&self, root: Node<'_>, text: &str, edits: &mut Edits) {
        let Some(messages) = root.get("messages") else { return };
        let is_systems = |message: &Node<'_>| {
            message.get("role").is_some_and(|role| role.is("system") || role.is("developer"))
        };
        // Some models take no more than one message of the system's.
        let said = messages.items().take_while(is_systems).last().and_then(|last| last.get("content"));
        if said.is_none_or(|said| !instruct::append(said, text, &instruct::text_part(text), edits)) {
            let first = messages.span().start + 1;
            let comma = if messages.items().next().is_some() { "," } else { "" };
            edits.replace(first..first, format!(r#"{{"role":"system","content":{}}}{comma}"#, quote(text)));
        }
    }

    fn ask_stream_usage(&self, root: Node<'_>, edits: &mut Edits) {
        match root.get("stream_options").filter(|options| options.kind() == Kind::Object) {
            Some(options) if options.get("include_usage").is_some_and(|it| it.as_bool() == Some(true)) => {}
            Some(options) => edits.set(options, "include_usage", "true"),
            None => edits.set(root, "stream_options", r#"{"include_usage":true}"#),
        }
    }

    fn storage_fields(&self) -> &'static [&'static str] {
        &["store", "metadata"]
    }

    fn turns<'d>(&self, root: Node<'d>) -> Vec<Turn<'d>> {
        let kind = |node: Node<'d>| match node.get("role").and_then(|role| role.as_str()).as_deref() {
            Some("system" | "developer") => TurnKind::System,
            Some("tool" | "function") => TurnKind::Results,
            Some("assistant") => {
                let calls = ["tool_calls", "function_call"].map(|field| node.get(field));
                let calls = calls.into_iter().flatten().any(|calls| !calls.is_null());
                if calls { TurnKind::Calls } else { TurnKind::Assistant }
            }
            _ => TurnKind::User,
        };
        let turns = root.get("messages").into_iter().flat_map(|messages| messages.items());
        turns.map(|node| Turn { node, kind: kind(node) }).collect()
    }

    fn is_answer(&self, root: Node<'_>) -> bool {
        root.get("choices").is_some_and(|choices| choices.kind() == Kind::Array)
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

    fn stream_writer(&self, created: u64, outline: &Outline) -> Box<dyn StreamWriter> {
        Box::new(Writer::new(created, outline.stream_usage))
    }

    fn stream_texts<'d>(&self, root: Node<'d>) -> Vec<StreamText<'d>> {
        stream_reader::texts(root)
    }

    fn hide_stream_usage(&self, root: Node<'_>, edits: &mut Edits) -> Hidden {
        stream_reader::hide_usage(root, edits)
    }

    fn error_body(&self, error: &ApiError<'_>) -> Vec<u8> {
        error::body(error)
    }

    fn stream_error(&self, error: &ApiError<'_>) -> Vec<u8> {
        error::in_stream(error)
    }
}
