//! The codec of embeddings: of one content, or of a batch, which a request of another API becomes.

use std::fmt::Write as _;

use super::{error, names, place};
use crate::chat::visit::Place;
use crate::chat::{Embedding, Malformed, Request, Response, Unsupported, Usage, Vector};
use crate::provider::build::{Object, list};
use crate::provider::fields::{array, count_of, malformed, number, object, unsupported};
use crate::provider::{Api, ApiError, Codec, Outline};
use crate::wire::json::{Edits, Node, quote};

pub struct GeminiEmbed {
    api: Api,
    verb: &'static str,
}

pub const ONE: GeminiEmbed = GeminiEmbed { api: Api::GeminiEmbed, verb: "embedContent" };
pub const BATCH: GeminiEmbed = GeminiEmbed { api: Api::GeminiEmbedBatch, verb: "batchEmbedContents" };

impl GeminiEmbed {
    /// The single requests, each with its path.
    fn requests<'d>(&self, root: Node<'d>) -> Result<Vec<(String, Node<'d>)>, Malformed> {
        object(root, "")?;
        if self.api == Api::GeminiEmbed {
            return Ok(vec![(String::new(), root)]);
        }
        let requests = names::get(root, "requests").ok_or_else(|| malformed("requests", "an array"))?;
        array(requests, "requests")?;
        Ok(requests.items().enumerate().map(|(at, item)| (format!("requests[{at}]."), item)).collect())
    }
}

impl Codec for GeminiEmbed {
    fn api(&self) -> Api {
        self.api
    }

    fn recognises(&self, method: &str, path: &str) -> bool {
        method == "POST" && names::call(path).is_some_and(|call| call.verb.eq_ignore_ascii_case(self.verb))
    }

    fn outline(&self, path: &str, _query: Option<&str>, root: Node<'_>) -> Result<Outline, Malformed> {
        for (path, request) in self.requests(root)? {
            let field = format!("{path}content");
            object(names::get(request, "content").ok_or_else(|| malformed(&field, "an object"))?, &field)?;
        }
        let call = names::call(path).ok_or_else(|| malformed("model", "a model in the path"))?;
        // The answer takes no tokens.
        Ok(Outline {
            model: call.model,
            max_output: Some(0),
            answers: self.requests(root)?.len() as u64,
            ..Outline::default()
        })
    }

    fn request_place(&self, path: &[&str], _parent: Node<'_>) -> Place {
        place::in_embedding(path)
    }

    fn read_request(&self, outline: &Outline, root: Node<'_>) -> Result<Request, Malformed> {
        let mut embedding = Embedding::default();
        let mut unsupported = Vec::new();
        for (at, (path, request)) in self.requests(root)?.into_iter().enumerate() {
            let mut dimensions = None;
            for (name, camel, value) in names::members(request) {
                match camel.as_ref() {
                    "model" => {}
                    "content" => match text(value) {
                        Some(text) => embedding.inputs.push(text),
                        None => unsupported.push(format!("{path}{name}")),
                    },
                    "outputDimensionality" => dimensions = Some(number(value, &name)?),
                    _ => unsupported.push(format!("{path}{name}")),
                }
            }
            if at > 0 && dimensions != embedding.dimensions {
                unsupported.push(format!("{path}outputDimensionality"));
            }
            embedding.dimensions = dimensions;
        }
        let model = outline.model.clone();
        Ok(Request { model, embedding: Some(embedding), unsupported, ..Request::default() })
    }

    /// A batch, whatever the number of texts.
    fn write_request(&self, request: &Request, _default_max_output: u64) -> Result<Vec<u8>, Unsupported> {
        if let Some(field) = request.unsupported.first() {
            return Err(unsupported(field.clone()));
        }
        if request.user.is_some() {
            return Err(unsupported("user"));
        }
        let Some(embedding) = &request.embedding else { return Err(unsupported("messages")) };
        let model = names::resource(&request.model);
        let requests = embedding.inputs.iter().map(|text| {
            let part = Object::new().text("text", text).end();
            Object::new()
                .text("model", &model)
                .raw("content", &Object::new().raw("parts", &list(&[part])).end())
                .maybe("outputDimensionality", embedding.dimensions.as_deref())
                .end()
        });
        let requests: Vec<String> = requests.collect();
        Ok(Object::new().raw("requests", &list(&requests)).end().into_bytes())
    }

    /// The path names it; a batch's requests name it once more.
    fn set_model(&self, root: Node<'_>, model: &str, edits: &mut Edits) {
        for (_, request) in self.requests(root).unwrap_or_default() {
            if request.get("model").is_some() {
                edits.set(request, "model", &quote(&names::resource(model)));
            }
        }
    }

    fn is_answer(&self, root: Node<'_>) -> bool {
        vectors(root).is_some()
    }

    /// Nothing in an answer is the caller's own words.
    fn response_place(&self, path: &[&str], _parent: Node<'_>) -> Place {
        match path {
            ["embedding" | "embeddings" | "usageMetadata" | "usage_metadata", ..] => Place::Skip,
            _ => Place::Free,
        }
    }

    fn read_response(&self, root: Node<'_>) -> Result<Response, Malformed> {
        let fault = || malformed("embeddings", "vectors");
        let values = vectors(root).ok_or_else(fault)?.into_iter().map(|item| {
            let values = names::get(item, "values").ok_or_else(fault)?;
            array(values, "embeddings[].values")?;
            Ok(Vector::Numbers(values.raw().to_owned()))
        });
        let vectors: Result<Vec<Vector>, Malformed> = values.collect();
        Ok(Response { vectors: vectors?, usage: self.read_usage(root), ..Response::default() })
    }

    fn write_response(&self, response: &Response, _created: u64) -> Vec<u8> {
        let items: Vec<String> = response
            .vectors
            .iter()
            .map(|vector| {
                let (Vector::Numbers(values) | Vector::Base64(values)) = vector;
                Object::new().raw("values", values).end()
            })
            .collect();
        let mut body = match items.first() {
            Some(item) if self.api == Api::GeminiEmbed => format!("{{\"embedding\":{item}"),
            _ => format!("{{\"embeddings\":{}", list(&items)),
        };
        if let Some(usage) = response.usage {
            let _ = write!(body, ",\"usageMetadata\":{{\"promptTokenCount\":{}}}", usage.input);
        }
        body.push('}');
        body.into_bytes()
    }

    fn read_usage(&self, root: Node<'_>) -> Option<Usage> {
        let usage = names::get(root, "usageMetadata")?;
        Some(Usage { input: count_of(usage, &["promptTokenCount"]), ..Usage::default() })
    }

    fn answer_model(&self, _root: Node<'_>) -> Option<String> {
        None
    }

    fn error_body(&self, error: &ApiError<'_>) -> Vec<u8> {
        error::body(error)
    }
}

/// The one or many of an answer.
fn vectors(root: Node<'_>) -> Option<Vec<Node<'_>>> {
    let one = names::get(root, "embedding").map(|one| vec![one]);
    one.or_else(|| Some(names::each(names::get(root, "embeddings")?)))
}

/// What is one text: several parts become one vector here, and nowhere else.
fn text(content: Node<'_>) -> Option<String> {
    let parts = names::each(names::get(content, "parts")?);
    let [part] = parts.as_slice() else { return None };
    (part.len() == 1).then(|| names::text(*part, "text")).flatten()
}
