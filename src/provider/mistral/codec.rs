//! The codec of Mistral's chat completions: OpenAI's requests, and answers of its own.
//!
//! What differs: thoughts are parts of the content, a call comes whole in one chunk, usage comes unasked in the chunk that
//! ends the last answer, and errors stand without an object around them. Requests are read and written in OpenAI's
//! words; what Mistral calls otherwise, the reader knows, and [`Vendor::adapt`](crate::provider::Vendor::adapt) says.

use super::{answer, error, is_callers, stream_writer};
use crate::chat::visit::Place;
use crate::chat::{Malformed, Request, Response, Unsupported, Usage};
use crate::provider::failure::Rule;
use crate::provider::fields::renamed;
use crate::provider::{Api, ApiError, Codec, Outline, StreamReader, StreamText, StreamWriter, Turn, codec};
use crate::wire::http::Headers;
use crate::wire::json::{Edits, Node};

pub struct MistralChat;

/// For all that is the same.
fn openais() -> &'static dyn Codec {
    codec(Api::OpenAiChat)
}

impl Codec for MistralChat {
    fn api(&self) -> Api {
        Api::MistralChat
    }

    fn recognises(&self, method: &str, path: &str) -> bool {
        openais().recognises(method, path)
    }

    fn is_spoken(&self, headers: &Headers) -> bool {
        is_callers(headers)
    }

    fn outline(&self, path: &str, query: Option<&str>, root: Node<'_>) -> Result<Outline, Malformed> {
        Ok(Outline { stream_usage: true, ..openais().outline(path, query, root)? })
    }

    fn request_place(&self, path: &[&str], parent: Node<'_>) -> Place {
        openais().request_place(path, parent)
    }

    fn read_request(&self, outline: &Outline, root: Node<'_>) -> Result<Request, Malformed> {
        let request = openais().read_request(outline, root)?;
        // Whoever asks for thoughts is shown them, always.
        let thinks = request.reasoning_effort.as_deref().is_some_and(|effort| effort != "none");
        Ok(Request { shows_thinking: thinks.then_some(true), ..request })
    }

    fn write_request(&self, request: &Request, default_max_output: u64) -> Result<Vec<u8>, Unsupported> {
        openais().write_request(request, default_max_output)
    }

    fn callers_field(&self, field: &str) -> String {
        renamed(field, &[("seed", "random_seed")])
    }

    fn set_model(&self, root: Node<'_>, model: &str, edits: &mut Edits) {
        openais().set_model(root, model, edits);
    }

    fn instruct(&self, root: Node<'_>, text: &str, edits: &mut Edits) {
        openais().instruct(root, text, edits);
    }

    fn turns<'d>(&self, root: Node<'d>) -> Vec<Turn<'d>> {
        openais().turns(root)
    }

    fn is_answer(&self, root: Node<'_>) -> bool {
        openais().is_answer(root)
    }

    fn response_place(&self, path: &[&str], parent: Node<'_>) -> Place {
        openais().response_place(path, parent)
    }

    fn read_response(&self, root: Node<'_>) -> Result<Response, Malformed> {
        openais().read_response(root)
    }

    fn write_response(&self, response: &Response, created: u64) -> Vec<u8> {
        answer::write(response, created)
    }

    fn read_usage(&self, root: Node<'_>) -> Option<Usage> {
        openais().read_usage(root)
    }

    fn stream_reader(&self, own: &'static [Rule]) -> Box<dyn StreamReader> {
        openais().stream_reader(own)
    }

    fn stream_writer(&self, created: u64, _outline: &Outline) -> Box<dyn StreamWriter> {
        Box::new(stream_writer::Writer::new(created))
    }

    fn stream_texts<'d>(&self, root: Node<'d>) -> Vec<StreamText<'d>> {
        openais().stream_texts(root)
    }

    fn error_body(&self, error: &ApiError<'_>) -> Vec<u8> {
        error::body(error)
    }

    fn stream_error(&self, error: &ApiError<'_>) -> Vec<u8> {
        error::in_stream(error)
    }
}
