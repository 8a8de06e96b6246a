//! The codec of embeddings.
//!
//! Facts: the types of openai-python 3.54 and of mistralai, and recordings, as of 2026-11-24.

use std::io::Write as _;

use super::{answer, error};
use crate::chat::visit::Place;
use crate::chat::{Embedding, Malformed, Request, Response, Unsupported, Usage, Vector};
use crate::provider::fields::{array, count_of, malformed, number, object, string, text_of, unsupported};
use crate::provider::{Api, ApiError, Codec, Outline, ends_in};
use crate::wire::json::{Edits, Kind, Node, quote};

pub struct OpenAiEmbeddings;

impl Codec for OpenAiEmbeddings {
    fn api(&self) -> Api {
        Api::OpenAiEmbeddings
    }

    fn recognises(&self, method: &str, path: &str) -> bool {
        method == "POST" && ends_in(path, "/embeddings")
    }

    /// Tokens in place of texts cannot be read: nobody knows what stands in them.
    fn outline(&self, path: &str, _query: Option<&str>, root: Node<'_>) -> Result<Outline, Malformed> {
        object(root, "")?;
        inputs(root)?;
        Ok(Outline {
            model: super::model(path, root)?,
            // The answer takes no tokens.
            max_output: Some(0),
            answers: root.get("input").map_or(1, |input| input.items().count().max(1)) as u64,
            vectors_in_base64: root.get("encoding_format").is_some_and(|format| format.is("base64")),
            ..Outline::default()
        })
    }

    fn request_place(&self, path: &[&str], _parent: Node<'_>) -> Place {
        match path {
            ["input"] | ["input", "*"] | ["user"] => Place::Text,
            ["model" | "encoding_format" | "dimensions" | "output_dimension" | "output_dtype"] => Place::Skip,
            _ => Place::Free,
        }
    }

    fn read_request(&self, outline: &Outline, root: Node<'_>) -> Result<Request, Malformed> {
        let mut embedding = Embedding { inputs: inputs(root)?, dimensions: None };
        let mut request = Request { model: outline.model.clone(), ..Request::default() };
        for (key, value) in root.members().filter(|(_, value)| !value.is_null()) {
            match key.as_str().unwrap_or_default().as_ref() {
                "model" | "input" => {}
                "encoding_format" if value.is("float") || value.is("base64") => {}
                // Mistral's name for it is the second.
                field @ ("dimensions" | "output_dimension") => {
                    embedding.dimensions = Some(number(value, field)?);
                }
                "output_dtype" if value.is("float") => {}
                "user" => request.user = Some(string(value, "user")?),
                unknown => request.unsupported.push(unknown.to_owned()),
            }
        }
        request.embedding = Some(embedding);
        Ok(request)
    }

    fn write_request(&self, request: &Request, _default_max_output: u64) -> Result<Vec<u8>, Unsupported> {
        if let Some(field) = request.unsupported.first() {
            return Err(unsupported(field.clone()));
        }
        let Some(embedding) = &request.embedding else { return Err(unsupported("messages")) };
        let inputs: Vec<String> = embedding.inputs.iter().map(|text| quote(text)).collect();
        let mut body =
            format!("{{\"model\":{},\"input\":[{}]", quote(&request.model), inputs.join(",")).into_bytes();
        if let Some(dimensions) = &embedding.dimensions {
            let _ = write!(body, ",\"dimensions\":{dimensions}");
        }
        if let Some(user) = &request.user {
            let _ = write!(body, ",\"user\":{}", quote(user));
        }
        body.push(b'}');
        Ok(body)
    }

    fn set_model(&self, root: Node<'_>, model: &str, edits: &mut Edits) {
        if root.get("model").is_none_or(|node| !node.is(model)) {
            edits.set(root, "model", &quote(model));
        }
    }

    fn is_answer(&self, root: Node<'_>) -> bool {
        root.get("data").is_some_and(|data| data.kind() == Kind::Array)
    }

    /// Nothing in an answer is the caller's own words.
    fn response_place(&self, path: &[&str], _parent: Node<'_>) -> Place {
        match path {
            ["data" | "usage", ..] | ["id" | "object" | "created" | "model"] => Place::Skip,
            _ => Place::Free,
        }
    }

    fn read_response(&self, root: Node<'_>) -> Result<Response, Malformed> {
        let data = root.get("data").ok_or_else(|| malformed("data", "an array"))?;
        array(data, "data")?;
        let mut vectors = Vec::with_capacity(data.len());
        for (at, item) in data.items().enumerate() {
            let node = item.get("embedding").ok_or_else(|| malformed("data[].embedding", "a vector"))?;
            let vector = match node.as_str() {
                Some(text) => Vector::Base64(text.into_owned()),
                None => {
                    array(node, "data[].embedding")?;
                    Vector::Numbers(node.raw().to_owned())
                }
            };
            let index = item.get("index").and_then(|index| index.as_u64()).unwrap_or(at as u64);
            vectors.push((index, vector));
        }
        // The order is that of the texts, however the provider lists them.
        vectors.sort_by_key(|(index, _)| *index);
        Ok(Response {
            id: String::new(),
            model: text_of(root, "model").unwrap_or_default(),
            vectors: vectors.into_iter().map(|(_, vector)| vector).collect(),
            usage: self.read_usage(root),
            ..Response::default()
        })
    }

    fn write_response(&self, response: &Response, _created: u64) -> Vec<u8> {
        let mut body = b"{\"object\":\"list\",\"data\":[".to_vec();
        for (index, vector) in response.vectors.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let _ = write!(body, "{comma}{{\"object\":\"embedding\",\"index\":{index},\"embedding\":");
            match vector {
                Vector::Numbers(json) => body.extend_from_slice(json.as_bytes()),
                Vector::Base64(text) => body.extend_from_slice(quote(text).as_bytes()),
            }
            body.push(b'}');
        }
        let tokens = response.usage.map_or(0, |usage| usage.input);
        let model = quote(&response.model);
        let _ = write!(
            body,
            "],\"model\":{model},\"usage\":{{\"prompt_tokens\":{tokens},\"total_tokens\":{tokens}}}}}"
        );
        body
    }

    fn read_usage(&self, root: Node<'_>) -> Option<Usage> {
        // Some servers count the total alone.
        let usage = answer::usage(root)?;
        let input = usage.input.max(count_of(root, &["usage", "total_tokens"]));
        Some(Usage { input, output: 0, ..usage })
    }

    fn error_body(&self, error: &ApiError<'_>) -> Vec<u8> {
        error::body(error)
    }
}

fn inputs(root: Node<'_>) -> Result<Vec<String>, Malformed> {
    let fault = || malformed("input", "a text or an array of texts (tokens cannot be inspected)");
    let input = root.get("input").ok_or_else(fault)?;
    if let Some(text) = input.as_str() {
        return Ok(vec![text.into_owned()]);
    }
    array(input, "input").map_err(|_| fault())?;
    input.items().map(|item| item.as_str().map(|text| text.into_owned()).ok_or_else(fault)).collect()
}
