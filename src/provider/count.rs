//! Counting the tokens that a request would take: the body is the one of a conversation, the answer is a number.
//!
//! Only the vendor of the API can answer, so that nothing is translated: places of text are the conversation's.

use super::{Api, ApiError, Codec, Hidden, Outline, StreamReader, StreamText, StreamWriter, codec};
use crate::chat::visit::Place;
use crate::chat::{Malformed, Request, Response, Unsupported, Usage};
use crate::provider::failure::Rule;
use crate::provider::fields::{malformed, unsupported};
use crate::wire::json::{Edits, Node};

pub(super) struct Count {
    pub api: Api,
    /// Of the conversation that is counted.
    pub of: Api,
    pub is_path: fn(&str) -> bool,
    /// What the answer's number is called.
    pub answer: &'static str,
}

impl Count {
    fn inner(&self) -> &'static dyn Codec {
        codec(self.of)
    }
}

impl Codec for Count {
    fn api(&self) -> Api {
        self.api
    }

    fn recognises(&self, method: &str, path: &str) -> bool {
        method == "POST" && (self.is_path)(path)
    }

    fn outline(&self, path: &str, query: Option<&str>, root: Node<'_>) -> Result<Outline, Malformed> {
        let whole = root.get("generateContentRequest").or_else(|| root.get("generate_content_request"));
        let outline = self.inner().outline(path, query, whole.unwrap_or(root))?;
        Ok(Outline { stream: false, as_array: false, max_output: Some(0), answers: 1, ..outline })
    }

    fn request_place(&self, path: &[&str], parent: Node<'_>) -> Place {
        self.inner().request_place(path, parent)
    }

    fn read_request(&self, _outline: &Outline, _root: Node<'_>) -> Result<Request, Malformed> {
        Err(malformed("", "a request that can be translated"))
    }

    fn write_request(&self, _request: &Request, _default_max_output: u64) -> Result<Vec<u8>, Unsupported> {
        Err(unsupported("model"))
    }

    fn set_model(&self, root: Node<'_>, model: &str, edits: &mut Edits) {
        for whole in ["generateContentRequest", "generate_content_request"] {
            if let Some(request) = root.get(whole) {
                self.inner().set_model(request, model, edits);
            }
        }
        self.inner().set_model(root, model, edits);
    }

    fn instruct(&self, root: Node<'_>, text: &str, edits: &mut Edits) {
        let whole = root.get("generateContentRequest").or_else(|| root.get("generate_content_request"));
        // Without it Google's has no place for what the system says.
        if let Some(root) = whole.or_else(|| (self.of != Api::GeminiGenerate).then_some(root)) {
            self.inner().instruct(root, text, edits);
        }
    }

    fn ask_stream_usage(&self, _root: Node<'_>, _edits: &mut Edits) {}

    fn storage_fields(&self) -> &'static [&'static str] {
        self.inner().storage_fields()
    }

    fn is_answer(&self, root: Node<'_>) -> bool {
        root.get(self.answer).is_some_and(|count| count.as_u64().is_some())
    }

    fn response_place(&self, path: &[&str], parent: Node<'_>) -> Place {
        match path {
            [own] if *own == self.answer => Place::Skip,
            path => self.inner().response_place(path, parent),
        }
    }

    fn read_response(&self, _root: Node<'_>) -> Result<Response, Malformed> {
        Err(malformed("", "an answer that can be translated"))
    }

    fn write_response(&self, _response: &Response, _created: u64) -> Vec<u8> {
        Vec::new()
    }

    /// Nothing is used.
    fn read_usage(&self, _root: Node<'_>) -> Option<Usage> {
        None
    }

    fn answer_model(&self, _root: Node<'_>) -> Option<String> {
        None
    }

    fn stream_reader(&self, own: &'static [Rule]) -> Box<dyn StreamReader> {
        self.inner().stream_reader(own)
    }

    fn stream_writer(&self, created: u64, outline: &Outline) -> Box<dyn StreamWriter> {
        self.inner().stream_writer(created, outline)
    }

    fn stream_texts<'d>(&self, _root: Node<'d>) -> Vec<StreamText<'d>> {
        Vec::new()
    }

    fn hide_stream_usage(&self, _root: Node<'_>, _edits: &mut Edits) -> Hidden {
        Hidden::Nothing
    }

    fn error_body(&self, error: &ApiError<'_>) -> Vec<u8> {
        self.inner().error_body(error)
    }

    fn stream_error(&self, error: &ApiError<'_>) -> Vec<u8> {
        self.inner().stream_error(error)
    }
}
