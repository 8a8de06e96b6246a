//! Everything that is particular to a vendor or a wire format.
//!
//! Two tables. An [`Api`] is a wire format that callers use and providers answer in; its [`Codec`] reads and writes
//! it. A [`Vendor`] is one kind of provider: the API that it speaks and its differences (path, host, authentication,
//! opt-out, error codes). Vendors that are compatible with OpenAI share its codec and state only what differs.
//! Adding a vendor is one file and one line in [`VENDORS`]; tests loop over the tables.

mod anthropic;
mod azure_openai;
mod build;
mod count;
mod deepseek;
pub mod failure;
mod fields;
mod gemini;
mod instruct;
pub mod listing;
mod mistral;
mod openai;
mod openai_compatible;
mod openrouter;
mod qwen;

use self::failure::Rule;
use crate::chat::visit::Place;
use crate::chat::{Caching, Delta, Dialect, Malformed, ProviderError, Request, Response, Unsupported, Usage};
use crate::wire::http::Headers;
use crate::wire::json::{Document, Edits, Node};

/// A wire format for conversations, as callers use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    /// `POST /v1/messages/count_tokens`
    AnthropicCountTokens,
    /// `POST /v1/messages`
    AnthropicMessages,
    /// `POST /v1beta/models/{model}:countTokens`
    GeminiCountTokens,
    /// `POST /v1beta/models/{model}:embedContent`
    GeminiEmbed,
    /// `POST /v1beta/models/{model}:batchEmbedContents`
    GeminiEmbedBatch,
    /// `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`
    GeminiGenerate,
    /// `POST /v1/chat/completions` of Mistral
    MistralChat,
    /// `POST /v1/chat/completions`
    OpenAiChat,
    /// `POST /v1/completions`
    OpenAiCompletions,
    /// `POST /v1/embeddings`
    OpenAiEmbeddings,
    /// `POST /v1/responses/input_tokens`
    OpenAiInputTokens,
    /// `POST /v1/responses`
    OpenAiResponses,
}

/// What a call is for. A call is translated between APIs of one operation only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// The next turn of a conversation.
    Chat,
    /// Vectors for texts.
    Embeddings,
    /// How many tokens a request would take. It costs nothing, and only the vendor of the API can answer.
    CountTokens,
}

impl Api {
    pub const ALL: [Self; 12] = [
        Self::AnthropicCountTokens,
        Self::AnthropicMessages,
        Self::GeminiCountTokens,
        Self::GeminiEmbed,
        Self::GeminiEmbedBatch,
        Self::GeminiGenerate,
        // Before the API whose path it has.
        Self::MistralChat,
        Self::OpenAiChat,
        Self::OpenAiCompletions,
        Self::OpenAiEmbeddings,
        Self::OpenAiInputTokens,
        Self::OpenAiResponses,
    ];

    pub fn operation(self) -> Operation {
        match self {
            Self::AnthropicMessages
            | Self::GeminiGenerate
            | Self::MistralChat
            | Self::OpenAiChat
            | Self::OpenAiCompletions
            | Self::OpenAiResponses => Operation::Chat,
            Self::GeminiEmbed | Self::GeminiEmbedBatch | Self::OpenAiEmbeddings => Operation::Embeddings,
            Self::AnthropicCountTokens | Self::GeminiCountTokens | Self::OpenAiInputTokens => {
                Operation::CountTokens
            }
        }
    }

    /// As in `gen_ai.operation.name` of the OpenTelemetry conventions.
    pub fn operation_name(self) -> &'static str {
        match (self, self.operation()) {
            (Self::OpenAiCompletions, _) => "text_completion",
            (_, Operation::Chat) => "chat",
            (_, Operation::Embeddings) => "embeddings",
            (_, Operation::CountTokens) => "count_tokens",
        }
    }

    /// The vendor whose API it is.
    pub fn namesake(self) -> Dialect {
        match self {
            Self::AnthropicCountTokens | Self::AnthropicMessages => Dialect::Anthropic,
            Self::GeminiCountTokens | Self::GeminiEmbed | Self::GeminiEmbedBatch | Self::GeminiGenerate => {
                Dialect::Gemini
            }
            Self::MistralChat => Dialect::Mistral,
            Self::OpenAiChat
            | Self::OpenAiCompletions
            | Self::OpenAiEmbeddings
            | Self::OpenAiInputTokens
            | Self::OpenAiResponses => Dialect::OpenAi,
        }
    }
}

/// The parts of a request that decisions are made on. Read without building a [`Request`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    pub model: String,
    pub stream: bool,
    /// The stream is one JSON array, an element per event, and not a stream of server-sent events.
    pub as_array: bool,
    /// The caller asked for usage in its stream (always so where the API has no switch for it).
    pub stream_usage: bool,
    pub max_output: Option<u64>,
    /// How many answers are asked for, each as long as that; of embeddings, how many vectors.
    pub answers: u64,
    /// Vectors are wanted as base64 and not as numbers.
    pub vectors_in_base64: bool,
}

/// All kinds of providers that there are.
pub const VENDORS: &[&dyn Vendor] = &[
    &anthropic::Anthropic,
    &azure_openai::AzureOpenAi,
    &deepseek::DeepSeek,
    &gemini::Gemini,
    &mistral::Mistral,
    &openai::OpenAi,
    &openai_compatible::OpenAiCompatible,
    &openrouter::OpenRouter,
    &qwen::Qwen,
];

/// `None` for a kind that this build cannot speak to.
pub fn vendor(dialect: Dialect) -> Option<&'static dyn Vendor> {
    VENDORS.iter().copied().find(|vendor| vendor.dialect() == dialect)
}

pub fn codec(api: Api) -> &'static dyn Codec {
    match api {
        Api::AnthropicCountTokens => &anthropic::COUNT,
        Api::AnthropicMessages => &anthropic::AnthropicMessages,
        Api::GeminiCountTokens => &gemini::COUNT,
        Api::GeminiEmbed => &gemini::embed::ONE,
        Api::GeminiEmbedBatch => &gemini::embed::BATCH,
        Api::GeminiGenerate => &gemini::GeminiGenerate,
        Api::MistralChat => &mistral::MistralChat,
        Api::OpenAiChat => &openai::OpenAiChat,
        Api::OpenAiCompletions => &openai::OpenAiCompletions,
        Api::OpenAiEmbeddings => &openai::OpenAiEmbeddings,
        Api::OpenAiInputTokens => &openai::COUNT,
        Api::OpenAiResponses => &openai::OpenAiResponses,
    }
}

/// The API that a call belongs to, by its head: the method and the path, with or without a query, and, where two APIs
/// have the same path, who calls whom. Prefixes are allowed, as gateways and SDKs with a base URL of their own have
/// them: `/openai/v1/chat/completions`.
pub fn recognise(method: &str, path: &str, headers: &Headers) -> Option<Api> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let is_it = |codec: &dyn Codec| codec.recognises(method, path) && codec.is_spoken(headers);
    Api::ALL.into_iter().find(|api| is_it(codec(*api)))
}

/// Whether `path` ends in `suffix` and nothing but whole segments comes before it.
fn ends_in(path: &str, suffix: &str) -> bool {
    path.strip_suffix('/').unwrap_or(path).ends_with(suffix) && suffix.starts_with('/')
}

/// One turn of a conversation, as an element of one array.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'d> {
    pub node: Node<'d>,
    pub kind: TurnKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnKind {
    System,
    User,
    Assistant,
    /// The model calls tools: the results behind it belong to it, and so does a call right before it.
    Calls,
    /// Results of tools: nothing without the calls before it.
    Results,
}

/// Reads and writes one API.
pub trait Codec: Sync {
    fn api(&self) -> Api;

    /// Whether a call to `path` (without its query) is one of this API.
    fn recognises(&self, method: &str, path: &str) -> bool;
    /// Whether such a call is one of this API and not of the next that has the same path.
    fn is_spoken(&self, _headers: &Headers) -> bool {
        true
    }

    // ---- requests

    /// `path` is the call's, without its query in `query`: some APIs name the model there, and say there whether the
    /// answer is streamed.
    fn outline(&self, path: &str, query: Option<&str>, root: Node<'_>) -> Result<Outline, Malformed>;
    /// What stands at `path` of a request: object keys as they are, array elements as `*`. `parent` is the object
    /// or array that holds it. Whatever is not known is [`Place::Free`]: everything in it is read.
    fn request_place(&self, path: &[&str], parent: Node<'_>) -> Place;
    /// `outline` is this request's own: what of it does not stand in the body.
    fn read_request(&self, outline: &Outline, root: Node<'_>) -> Result<Request, Malformed>;
    /// `default_max_output` is written where the API requires a bound and the caller set none. An API that nothing is
    /// translated to has no place for a model of another.
    fn write_request(&self, _request: &Request, _default_max_output: u64) -> Result<Vec<u8>, Unsupported> {
        Err(fields::unsupported("model"))
    }
    /// What a field of the neutral conversation is called in this API, for refusals: `messages[].content[].input_audio`.
    /// Turns are not always told one by one in both, so that indexes say nothing.
    fn callers_field(&self, field: &str) -> String {
        field.to_owned()
    }
    /// Sets the model in place. (An API that names its model in the path does nothing here.)
    fn set_model(&self, root: Node<'_>, model: &str, edits: &mut Edits);
    /// Makes the provider report usage in its stream, where that has to be asked for.
    fn ask_stream_usage(&self, _root: Node<'_>, _edits: &mut Edits) {}

    /// Tells the model something more, behind all that the system says. Where there is no place for it, nothing is done.
    fn instruct(&self, _root: Node<'_>, _text: &str, _edits: &mut Edits) {}

    /// The turns of the conversation, in order, for whoever takes out the oldest. Empty: it cannot be shortened.
    fn turns<'d>(&self, _root: Node<'d>) -> Vec<Turn<'d>> {
        Vec::new()
    }

    /// Fields that say what the provider is to keep, and change nothing of the answer.
    fn storage_fields(&self) -> &'static [&'static str] {
        &[]
    }

    // ---- answers

    /// Whether a document is an answer of this API at all. Providers and what stands before them answer 200 with
    /// other things too.
    fn is_answer(&self, root: Node<'_>) -> bool;

    /// The same for answers and for the events of a stream.
    fn response_place(&self, path: &[&str], parent: Node<'_>) -> Place;
    /// An API that nothing is translated to is not translated from either.
    fn read_response(&self, _root: Node<'_>) -> Result<Response, Malformed> {
        Err(fields::malformed("", "an answer in another API"))
    }
    /// `created` is in Unix seconds.
    fn write_response(&self, response: &Response, created: u64) -> Vec<u8>;
    /// The usage in a whole answer, wherever else the answer may be odd.
    fn read_usage(&self, root: Node<'_>) -> Option<Usage>;
    /// The model that a whole answer says it is of.
    fn answer_model(&self, root: Node<'_>) -> Option<String> {
        fields::text_of(root, "model")
    }

    // ---- streams: nothing to do for an API whose answers come as a whole

    /// `own` are the rules for failures of the vendor that answers.
    fn stream_reader(&self, _own: &'static [Rule]) -> Box<dyn StreamReader> {
        Box::new(NoStream)
    }
    /// For the caller whose request `outline` is of.
    fn stream_writer(&self, _created: u64, _outline: &Outline) -> Box<dyn StreamWriter> {
        Box::new(NoStream)
    }
    /// Texts of one event that continue over events, for restoring in place.
    fn stream_texts<'d>(&self, _root: Node<'d>) -> Vec<StreamText<'d>> {
        Vec::new()
    }
    /// Takes out of an event what is there only because [`Codec::ask_stream_usage`] was called.
    fn hide_stream_usage(&self, _root: Node<'_>, _edits: &mut Edits) -> Hidden {
        Hidden::Nothing
    }

    // ---- errors

    /// An error of ours, or one translated from another dialect. `code` is in snake case.
    fn error_body(&self, error: &ApiError<'_>) -> Vec<u8>;
    /// The same inside a stream whose answer had begun. No terminal marker follows.
    fn stream_error(&self, error: &ApiError<'_>) -> Vec<u8> {
        self.error_body(error)
    }
    /// The same where events are numbered.
    fn numbered_stream_error(&self, error: &ApiError<'_>, _number: u64) -> Vec<u8> {
        self.stream_error(error)
    }
}

/// An error as a caller will see it.
#[derive(Debug, Clone, Copy)]
pub struct ApiError<'a> {
    pub status: u16,
    pub code: &'a str,
    pub message: &'a str,
    /// The field at fault.
    pub param: Option<&'a str>,
}

/// A provider's failure, for a caller of another dialect.
impl<'a> From<&'a ProviderError> for ApiError<'a> {
    fn from(failure: &'a ProviderError) -> Self {
        Self {
            status: failure::status_of(failure.class),
            code: failure.class.name(),
            message: &failure.message,
            param: None,
        }
    }
}

/// What is left of an event after hiding usage that the caller did not ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// Nothing was in it.
    Nothing,
    /// The edits take it out.
    Part,
    /// The event was there for nothing else.
    Whole,
}

/// One text that continues over the events of a stream.
#[derive(Debug, Clone)]
pub struct StreamText<'d> {
    pub channel: Channel,
    /// The string.
    pub node: Node<'d>,
    /// The text is itself JSON source: the arguments of a tool call.
    pub json: bool,
}

/// Which text a piece belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    pub choice: u32,
    pub field: &'static str,
    pub part: u32,
}

/// Understands one stream, event by event.
pub trait StreamReader {
    /// `data` is the event's data; a `[DONE]` marker is data too.
    fn read(&mut self, name: Option<&str>, data: &[u8]) -> Result<Vec<Delta>, Malformed>;
    /// Whether what came so far is a whole answer: a terminal marker, or every answer's reason for stopping.
    fn is_complete(&self) -> bool;
    /// Of the event after the last one, where events are numbered.
    fn next_number(&self) -> u64 {
        0
    }
}

/// Writes one stream from neutral steps.
pub trait StreamWriter {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>);
    /// After the last delta of a whole answer: what the dialect ends with.
    fn finish(&mut self, out: &mut Vec<u8>);
    /// Of the next event, where events are numbered.
    fn next_number(&self) -> u64 {
        0
    }
}

/// Of an API whose answers come as a whole: a stream is none of them.
struct NoStream;

impl StreamReader for NoStream {
    fn read(&mut self, _name: Option<&str>, _data: &[u8]) -> Result<Vec<Delta>, Malformed> {
        Err(fields::malformed("", "an answer that does not stream"))
    }

    fn is_complete(&self) -> bool {
        false
    }
}

impl StreamWriter for NoStream {
    fn write(&mut self, _delta: &Delta, _out: &mut Vec<u8>) {}

    fn finish(&mut self, _out: &mut Vec<u8>) {}
}

/// One kind of provider.
pub trait Vendor: Sync {
    fn dialect(&self) -> Dialect;
    /// As in `gen_ai.provider.name` of the OpenTelemetry conventions.
    fn name(&self) -> &'static str;
    /// The APIs that it answers, the one that conversations are translated to first.
    fn apis(&self) -> &'static [Api];
    /// The API in which it answers a call that a caller makes in `callers`: the same, where it has it, so that nothing
    /// is translated. `None`: it has nothing for such an operation.
    fn api_for(&self, callers: Api) -> Option<Api> {
        let mut apis = self.apis().iter().copied();
        if self.apis().contains(&callers) {
            return Some(callers);
        }
        match callers.operation() {
            Operation::CountTokens => None,
            operation => apis.find(|api| api.operation() == operation),
        }
    }
    /// `None`: only the policy knows.
    fn host(&self) -> Option<&'static str>;
    /// What the names of headers begin with that mean something to this vendor alone.
    fn header_prefixes(&self) -> &'static [&'static str] {
        &[]
    }
    /// Behind the policy's prefix, with its query. `query` is the caller's, where the caller speaks the same API, with
    /// the version of the API that the policy names.
    fn path(&self, api: Api, request: &Outline, query: Option<&str>) -> String;
    /// The whole path, where it depends on more than [`Vendor::path`] knows.
    fn behind(&self, site: &Site<'_>, api: Api, request: &Outline, query: Option<&str>) -> String {
        format!("{}{}", site.prefix, self.path(api, request, query))
    }
    /// Headers that a call needs besides those that carry the key: to be set where the caller sent none.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
    /// The header that carries the key. All known credential headers are removed before.
    fn authenticate(&self, key: &str) -> (&'static str, String);
    /// Whether a key can only be this vendor's, by its published shape.
    fn owns_key(&self, _key: &str) -> bool {
        false
    }
    /// Edits a request of this vendor's own API that may have been written for another vendor of that API.
    /// `model` is the one that is asked for here; `drop` lists fields that the policy lets go.
    fn adapt(
        &self,
        api: Api,
        root: Node<'_>,
        model: &str,
        drop: &[String],
        edits: &mut Edits,
    ) -> Result<(), Unsupported>;
    /// Whether usage in a stream has to be asked for, where the API has a switch for it.
    fn asks_stream_usage(&self) -> bool {
        true
    }
    /// Whether [`Vendor::adapt`] may refuse what was translated to this vendor's API.
    fn is_particular(&self) -> bool {
        true
    }
    /// Edits what the target's model does not take, where the caller wrote for another model. Says what is lost.
    fn fit(&self, _api: Api, _root: Node<'_>, _model: Traits, _edits: &mut Edits) -> Vec<&'static str> {
        Vec::new()
    }
    /// What it reads about the caching of prompts, where a call is translated to its API.
    fn caching(&self) -> Caching {
        Caching::Nothing
    }
    /// What can be set per request against retention and training; `facts` in each file.
    fn opt_outs(&self, api: Api) -> &'static [OptOut];
    /// Whether they are known at this address.
    fn takes_opt_outs(&self, _site: &Site<'_>) -> bool {
        true
    }
    /// The field by which a request asks for state that the provider keeps.
    fn needs_storage(&self, root: Node<'_>) -> Option<&'static str>;
    /// This vendor's lines in the table of failures, the most telling first.
    fn failures(&self) -> &'static [Rule];
    /// A failure in a status of 400 or more. `body` is `None` where it is not JSON.
    fn classify(&self, status: u16, headers: &Headers, body: Option<&Document<'_>>) -> ProviderError {
        failure::classify(self.failures(), status, headers, body)
    }
    /// A failure inside an answer with status 200.
    fn soft_failure(&self, api: Api, root: Node<'_>) -> Option<ProviderError>;
}

/// Where a call goes: vendors may have more than one address.
#[derive(Debug, Clone, Copy, Default)]
pub struct Site<'a> {
    /// The policy's, where it names one.
    pub host: Option<&'a str>,
    /// The policy's, before the path.
    pub prefix: &'a str,
    /// The caller's own path, where it speaks the same API.
    pub callers: Option<&'a str>,
}

/// What a model takes, as far as requests differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// It thinks before it answers, and bounds both together.
    pub reasoning: bool,
    /// It takes sampling parameters.
    pub sampling: bool,
}

/// A path with a query behind it, where there is one.
pub(crate) fn with_query(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) if !query.is_empty() => format!("{path}?{query}"),
        _ => path.to_owned(),
    }
}

/// Takes fields out of a request, and says which.
fn take_out(root: Node<'_>, fields: &[&'static str], edits: &mut Edits) -> Vec<&'static str> {
    let there = fields.iter().copied().filter(|field| root.get(field).is_some());
    there.inspect(|field| edits.remove(root, field)).collect()
}

/// One thing that a vendor offers against retention or training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOut {
    /// A body field, by its dotted path, and its value as JSON text.
    Set {
        field: &'static str,
        value: &'static str,
    },
    /// A field, by its dotted path, that lengthens retention, and is removed when it has this value (JSON text).
    Drop {
        field: &'static str,
        value: &'static str,
    },
    Header {
        name: &'static str,
        value: &'static str,
    },
}

/// Headers that carry credentials of any vendor: removed before every attempt.
pub const CREDENTIAL_HEADERS: [&str; 5] =
    ["authorization", "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key"];

/// Query parameters that do the same. Removed before every attempt too.
pub const CREDENTIAL_PARAMS: [&str; 8] = [
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "key",
    "subscription-key",
    "x-api-key",
    "x-goog-api-key",
];
