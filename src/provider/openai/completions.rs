//! The codec of legacy completions: a text that is continued.
//!
//! Vendors that have the API are spoken to in it. For all others a prompt becomes the one turn of a conversation, and
//! what the model says to it the continuation. Nothing is ever translated to this API.
//!
//! Facts: the types of openai-python 3.54 and recordings, as of 2026-11-24.

use serde::Serialize;

use super::answer::{self, Counts, finish};
use super::stream_reader::{self, Reader, index_of};
use super::stream_writer::event;
use super::{OpenAiChat, error, place, read_request};
use crate::chat::visit::Place;
use crate::chat::{Choice, Delta, Malformed, Message, Part, Request, Response, Role, Usage};
use crate::provider::failure::Rule;
use crate::provider::fields::{array, boolean, count, is_default, json, malformed, object};
use crate::provider::{
    Api, ApiError, Channel, Codec, Hidden, Outline, StreamReader, StreamText, StreamWriter,
};
use crate::wire::json::{Edits, Kind, Node};

pub struct OpenAiCompletions;

/// Other APIs' paths end alike (`/chat/completions`, `/fim/completions`): what comes before has to be known.
fn may_come_before(prefix: &str) -> bool {
    let mut segments = prefix.rsplit('/');
    let last = segments.next().unwrap_or_default();
    let version = last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    last.is_empty() || version || segments.next() == Some("deployments")
}

impl Codec for OpenAiCompletions {
    fn api(&self) -> Api {
        Api::OpenAiCompletions
    }

    fn recognises(&self, method: &str, path: &str) -> bool {
        let path = path.strip_suffix('/').unwrap_or(path);
        method == "POST" && path.strip_suffix("/completions").is_some_and(may_come_before)
    }

    /// Tokens in place of a text cannot be read: nobody knows what stands in them.
    fn outline(&self, path: &str, _query: Option<&str>, root: Node<'_>) -> Result<Outline, Malformed> {
        object(root, "")?;
        let given = |field: &str| root.get(field).filter(|node| !node.is_null());
        let prompts = prompts(root)?;
        // The best of several is chosen there: each of them is paid for.
        let of_each = ["n", "best_of"].map(|field| given(field).and_then(|node| node.as_u64()).unwrap_or(1));
        let answers = of_each.into_iter().max().unwrap_or(1).saturating_mul(prompts.max(1));
        Ok(Outline {
            model: super::model(path, root)?,
            stream: given("stream").map_or(Ok(false), |node| boolean(node, "stream"))?,
            stream_usage: root
                .path(&["stream_options", "include_usage"])
                .is_some_and(|node| node.as_bool() == Some(true)),
            // A negative one is for the provider to refuse.
            max_output: given("max_tokens").and_then(|node| count(node, "max_tokens").ok()),
            answers,
            ..Outline::default()
        })
    }

    fn request_place(&self, path: &[&str], _parent: Node<'_>) -> Place {
        match path {
            ["prompt"] | ["prompt", "*"] | ["suffix"] | ["stop"] | ["stop", "*"] | ["user"] => Place::Text,
            ["model" | "stream" | "max_tokens" | "temperature" | "top_p" | "n" | "seed"]
            | ["presence_penalty" | "frequency_penalty" | "best_of" | "echo" | "logprobs"]
            | ["stream_options"]
            | ["stream_options", "include_usage" | "include_obfuscation"] => Place::Skip,
            _ => Place::Free,
        }
    }

    /// What chat completions have too is read as theirs.
    fn read_request(&self, outline: &Outline, root: Node<'_>) -> Result<Request, Malformed> {
        let mut request = read_request::request(root, &outline.model)?;
        let same_without = |field: &str| {
            let Some(value) = root.get(field) else { return false };
            match field {
                "echo" => value.as_bool() == Some(false),
                "best_of" => is_default(value, 1.0),
                "suffix" => value.is(""),
                _ => false,
            }
        };
        request.unsupported.retain(|field| !same_without(field));
        let prompt = root.get("prompt").filter(|prompt| !prompt.is_null());
        let only = prompt.and_then(|prompt| match prompt.len() {
            1 if prompt.kind() == Kind::Array => prompt.items().next(),
            _ => Some(prompt),
        });
        if let Some(text) = only.and_then(|prompt| prompt.as_str()) {
            request.unsupported.retain(|field| field != "prompt");
            let parts = vec![Part::Text(text.into_owned())];
            request.messages.push(Message { role: Role::User, parts });
        } else if prompt.is_none() {
            request.unsupported.push("prompt".to_owned());
        }
        Ok(request)
    }

    fn set_model(&self, root: Node<'_>, model: &str, edits: &mut Edits) {
        OpenAiChat.set_model(root, model, edits);
    }

    fn ask_stream_usage(&self, root: Node<'_>, edits: &mut Edits) {
        OpenAiChat.ask_stream_usage(root, edits);
    }

    fn is_answer(&self, root: Node<'_>) -> bool {
        OpenAiChat.is_answer(root)
    }

    fn response_place(&self, path: &[&str], parent: Node<'_>) -> Place {
        place::in_response(path, parent)
    }

    fn write_response(&self, response: &Response, created: u64) -> Vec<u8> {
        let texts: Vec<String> = response.choices.iter().map(text).collect();
        let steps = response.choices.iter().zip(&texts).enumerate().map(|(index, (choice, text))| Step {
            text,
            index: u32::try_from(index).unwrap_or(u32::MAX),
            logprobs: None,
            finish_reason: Some(finish(choice.stop)),
        });
        json(&Completion {
            id: &response.id,
            object: OBJECT,
            created,
            model: &response.model,
            choices: steps.collect(),
            usage: response.usage.map(|usage| Some(usage.into())),
        })
    }

    fn read_usage(&self, root: Node<'_>) -> Option<Usage> {
        answer::usage(root)
    }

    fn stream_reader(&self, own: &'static [Rule]) -> Box<dyn StreamReader> {
        Box::new(Reader::new(own))
    }

    fn stream_writer(&self, created: u64, outline: &Outline) -> Box<dyn StreamWriter> {
        Box::new(Writer {
            created,
            wants_usage: outline.stream_usage,
            id: String::new(),
            model: String::new(),
            usage: None,
        })
    }

    fn stream_texts<'d>(&self, root: Node<'d>) -> Vec<StreamText<'d>> {
        let choices = root.get("choices").into_iter().flat_map(|choices| choices.items());
        let texts = choices.filter_map(|choice| {
            let node = choice.get("text").filter(|text| text.kind() == Kind::String)?;
            let channel = Channel { choice: index_of(choice), field: "text", part: 0 };
            Some(StreamText { channel, node, json: false })
        });
        texts.collect()
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

/// How many there are.
fn prompts(root: Node<'_>) -> Result<u64, Malformed> {
    let fault = || malformed("prompt", "a text or an array of texts (tokens cannot be inspected)");
    // Without one the provider begins a text of its own.
    let Some(prompt) = root.get("prompt").filter(|prompt| !prompt.is_null()) else { return Ok(1) };
    if prompt.as_str().is_some() {
        return Ok(1);
    }
    array(prompt, "prompt").map_err(|_| fault())?;
    if prompt.items().all(|item| item.as_str().is_some()) { Ok(prompt.len() as u64) } else { Err(fault()) }
}

// ---- writing

const OBJECT: &str = "text_completion";

/// A whole answer, and a chunk of a streamed one.
#[derive(Serialize)]
struct Completion<'w> {
    id: &'w str,
    object: &'static str,
    created: u64,
    model: &'w str,
    choices: Vec<Step<'w>>,
    /// `null` on all chunks but the last, where usage is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Counts>>,
}

#[derive(Serialize)]
struct Step<'w> {
    text: &'w str,
    index: u32,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

/// What continues the prompt. What the model thought before is no part of it.
fn text(choice: &Choice) -> String {
    let texts = choice.parts.iter().filter_map(|part| match part {
        Part::Text(text) | Part::Refusal(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

struct Writer {
    created: u64,
    /// The caller wants usage.
    wants_usage: bool,
    id: String,
    model: String,
    usage: Option<Usage>,
}

impl Writer {
    fn chunk(
        &self,
        step: Option<(u32, &str, Option<&'static str>)>,
        usage: Option<Usage>,
        out: &mut Vec<u8>,
    ) {
        let step =
            step.map(|(index, text, finish_reason)| Step { text, index, logprobs: None, finish_reason });
        let chunk = Completion {
            id: &self.id,
            object: OBJECT,
            created: self.created,
            model: &self.model,
            choices: step.into_iter().collect(),
            usage: self.wants_usage.then(|| usage.map(Counts::from)),
        };
        event(&json(&chunk), out);
    }
}

impl StreamWriter for Writer {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Start { id, model } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
            }
            Delta::Text { choice, text } | Delta::Refusal { choice, text } => {
                self.chunk(Some((*choice, text, None)), None, out);
            }
            Delta::Stop { choice, reason, .. } => {
                self.chunk(Some((*choice, "", Some(finish(*reason)))), None, out);
            }
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Error(failure) => out.extend(error::in_stream(&failure.into())),
            _ => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let (true, Some(usage)) = (self.wants_usage, self.usage) {
            self.chunk(None, Some(usage), out);
        }
        event(b"[DONE]", out);
    }
}
