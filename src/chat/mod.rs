//! The neutral conversation: what every dialect is translated to and from.
//!
//! With a hub, a caller's dialect and a provider's dialect never meet: N + M codecs instead of N × M translators,
//! whose fault is that each pair drops different fields. The types here say what can be carried. What cannot is
//! reported by the name of its field (see [`Unsupported`]) and never dropped in silence.
//!
//! The hub serves *different* dialects only. Between a caller and a provider of the same dialect the original
//! bytes are edited in place, and this module contributes just the [`visit`](visit::visit) of all text.

mod vector;
pub mod visit;

pub use vector::{Embedding, Vector};

/// The wire formats that a provider may speak. What each one means is in `provider`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    OpenAi,
    AzureOpenAi,
    Anthropic,
    Gemini,
    DeepSeek,
    Qwen,
    Mistral,
    OpenRouter,
    OpenAiCompatible,
}

/// The classes that every provider's failures map to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorClass {
    RateLimited,
    QuotaExhausted,
    Overloaded,
    ServerError,
    Timeout,
    BrokenResponse,
    ContextLength,
    ContentFilter,
    Auth,
    NotFound,
    TooLarge,
    InvalidRequest,
}

impl ErrorClass {
    pub const ALL: [Self; 12] = [
        Self::RateLimited,
        Self::QuotaExhausted,
        Self::Overloaded,
        Self::ServerError,
        Self::Timeout,
        Self::BrokenResponse,
        Self::ContextLength,
        Self::ContentFilter,
        Self::Auth,
        Self::NotFound,
        Self::TooLarge,
        Self::InvalidRequest,
    ];

    /// As it is written in policies, records, metrics and `x-tollgate-retry`.
    pub fn name(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
            Self::BrokenResponse => "broken_response",
            Self::ContextLength => "context_length",
            Self::ContentFilter => "content_filter",
            Self::Auth => "auth",
            Self::NotFound => "not_found",
            Self::TooLarge => "too_large",
            Self::InvalidRequest => "invalid_request",
        }
    }
}

/// One request for a conversation's next turn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    pub model: String,
    pub stream: bool,
    /// The caller wants usage in its stream.
    pub stream_usage: bool,
    pub messages: Vec<Message>,
    /// The most tokens the answer may take.
    pub max_output: Option<u64>,
    /// Numbers keep the caller's spelling.
    pub temperature: Option<String>,
    pub top_p: Option<String>,
    pub top_k: Option<String>,
    pub seed: Option<String>,
    pub presence_penalty: Option<String>,
    pub frequency_penalty: Option<String>,
    /// Answers asked for; `None` is one.
    pub n: Option<u64>,
    pub stop: Vec<String>,
    pub tools: Vec<Tool>,
    pub tool_choice: Option<ToolChoice>,
    pub parallel_tool_calls: Option<bool>,
    pub format: Option<Format>,
    /// `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`.
    pub reasoning_effort: Option<String>,
    /// Tokens that the model may think for, where the caller's dialect says it in tokens.
    pub thinking_budget: Option<u64>,
    /// The answer shows what the model thought.
    pub shows_thinking: Option<bool>,
    /// How likely each token of the answer was is asked for, and for how many others at each place.
    pub logprobs: Option<u64>,
    /// An opaque name of the end user.
    pub user: Option<String>,
    /// Vectors are asked for, and no turn of a conversation.
    pub embedding: Option<Embedding>,
    /// The prompt is to be cached as far as it goes, for this long where it is not empty: `1h`.
    pub cache: Option<String>,
    /// Requests with the same one are likely to find what the others had cached.
    pub cache_key: Option<String>,
    /// Fields that this type has no place for, by their path. A target of another dialect cannot carry them.
    pub unsupported: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub role: Role,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    /// Holds [`Part::ToolResult`]s only.
    Tool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text(String),
    Image(Media),
    Audio(Media),
    Document {
        media: Media,
        name: Option<String>,
    },
    ToolCall(ToolCall),
    ToolResult {
        id: String,
        parts: Vec<Part>,
        is_error: bool,
    },
    Refusal(String),
    /// `text` is empty where the provider shows nothing of it but the signature.
    Thinking {
        text: String,
        signature: Option<Signature>,
    },
    /// The prompt is to be cached up to here, for this long where it is not empty: `1h`. It belongs to the part before
    /// it, and stands in no result of a tool.
    CacheHint(String),
}

impl Part {
    /// The result of a tool. A hint within it is one behind it.
    pub fn tool_result(id: String, mut parts: Vec<Self>, is_error: bool) -> impl Iterator<Item = Self> {
        let mut hint = None;
        parts.retain_mut(|part| match part {
            Self::CacheHint(ttl) => {
                hint = Some(Self::CacheHint(std::mem::take(ttl)));
                false
            }
            _ => true,
        });
        [Self::ToolResult { id, parts, is_error }].into_iter().chain(hint)
    }
}

/// What a provider signs or encrypts so that it knows its own work when it comes back. Nobody else can read it, and
/// for another provider it means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub by: Dialect,
    pub value: String,
    /// The text as it was signed, where the one beside it may say something else by now.
    pub covers: Option<String>,
}

impl Signature {
    pub fn new(by: Dialect, value: impl Into<String>) -> Self {
        Self { by, value: value.into(), covers: None }
    }

    /// What it signs, where `text` stands beside it.
    pub fn signs<'s>(&'s self, text: &'s str) -> &'s str {
        self.covers.as_deref().unwrap_or(text)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Media {
    Url(String),
    Base64 { media_type: String, data: String },
}

#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// JSON text of an object.
    pub arguments: String,
    pub signature: Option<Signature>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tool {
    pub name: String,
    pub description: Option<String>,
    /// JSON text of a JSON Schema.
    pub schema: Option<String>,
    pub strict: Option<bool>,
    /// As [`Part::CacheHint`]: the prompt is to be cached up to here.
    pub cache: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ToolChoice {
    Auto,
    None,
    Required,
    Tool(String),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    JsonObject,
    /// `schema` is JSON text.
    JsonSchema {
        name: String,
        schema: String,
        strict: Option<bool>,
    },
}

/// What a provider reads about the caching of prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    Nothing,
    /// [`Request::cache_key`]
    Key,
    /// How far to cache.
    Hints,
}

/// A whole answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Response {
    pub id: String,
    pub model: String,
    pub choices: Vec<Choice>,
    /// One for each text, in their order, where vectors were asked for.
    pub vectors: Vec<Vector>,
    pub usage: Option<Usage>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub parts: Vec<Part>,
    pub stop: StopReason,
    /// The stop sequence that ended the answer, where the provider says it.
    pub stop_sequence: Option<String>,
    /// One for each token of the text, where they were asked for.
    pub logprobs: Vec<Logprob>,
}

/// How likely a token was.
#[derive(Debug, Clone, PartialEq)]
pub struct Logprob {
    pub token: String,
    /// The natural logarithm, as it was spelt.
    pub logprob: String,
    /// What else could have stood here, the likeliest first.
    pub top: Vec<Logprob>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    Stop,
    StopSequence,
    Length,
    ToolCalls,
    ContentFilter,
}

/// Tokens as they are billed: every part is inside its total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// The whole prompt, cached tokens included.
    pub input: u64,
    pub cached_input: u64,
    pub cache_write: u64,
    /// The whole answer, reasoning included.
    pub output: u64,
    pub reasoning: u64,
}

/// One step of a streamed answer. `choice` counts answers, `call` counts tool calls within one answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    Start {
        id: String,
        model: String,
    },
    Text {
        choice: u32,
        text: String,
    },
    Refusal {
        choice: u32,
        text: String,
    },
    Thinking {
        choice: u32,
        text: String,
    },
    /// Opaque; goes with the thinking before it.
    Signature {
        choice: u32,
        signature: Signature,
    },
    ToolStart {
        choice: u32,
        call: u32,
        id: String,
        name: String,
        signature: Option<Signature>,
    },
    Logprobs {
        choice: u32,
        logprobs: Vec<Logprob>,
    },
    /// A piece of the arguments' JSON text.
    ToolArguments {
        choice: u32,
        call: u32,
        json: String,
    },
    Stop {
        choice: u32,
        reason: StopReason,
        sequence: Option<String>,
    },
    Usage(Usage),
    /// The provider's own end marker: nothing follows.
    End,
    /// The provider gave up. Nothing useful follows.
    Error(ProviderError),
}

impl Delta {
    /// Whether the caller gains something from it: until then a failure can still be hidden behind another target.
    pub fn is_useful(&self) -> bool {
        match self {
            Self::Text { text, .. } | Self::Refusal { text, .. } | Self::Thinking { text, .. } => {
                !text.is_empty()
            }
            Self::ToolStart { .. } | Self::ToolArguments { .. } | Self::Stop { .. } => true,
            Self::Start { .. }
            | Self::Signature { .. }
            | Self::Logprobs { .. }
            | Self::Usage(_)
            | Self::End
            | Self::Error(_) => false,
        }
    }
}

/// A failure in the provider's own words. The message may quote the prompt: it goes to the caller, never to a log.
#[derive(Clone, PartialEq)]
pub struct ProviderError {
    pub class: ErrorClass,
    pub message: String,
    pub code: Option<String>,
    /// How long the provider asks to be left alone for, in milliseconds, where it says so.
    pub retry_after_ms: Option<u64>,
}

impl ProviderError {
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), code: None, retry_after_ms: None }
    }
}

impl std::fmt::Debug for ProviderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProviderError({})", self.class.name())
    }
}

impl Request {
    /// Lets go of all that is said about caching but what a provider reads. It changes nothing of the answer.
    pub fn keep_caching(&mut self, read: Caching) {
        if read != Caching::Key {
            self.cache_key = None;
        }
        if read == Caching::Hints {
            return;
        }
        self.cache = None;
        for message in &mut self.messages {
            message.parts.retain(|part| !matches!(part, Part::CacheHint(_)));
        }
        for tool in &mut self.tools {
            tool.cache = None;
        }
    }

    /// What may be let go of, besides what is [`Request::unsupported`].
    pub const FIELDS: [&str; 15] = [
        "dimensions",
        "frequency_penalty",
        "logprobs",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "top_k",
        "top_p",
        "user",
    ];

    /// Lets go of what `field` names, whatever its indexes: `messages[].name` stands for `messages[3].name`. Says whether
    /// there was such a thing.
    ///
    /// What is left in [`Request::unsupported`] makes a target of another dialect refuse the request.
    pub fn let_go(&mut self, field: &str) -> bool {
        let before = self.unsupported.len();
        self.unsupported.retain(|own| !is_named(field, own));
        let went = match field {
            "temperature" => self.temperature.take().is_some(),
            "top_p" => self.top_p.take().is_some(),
            "top_k" => self.top_k.take().is_some(),
            "seed" => self.seed.take().is_some(),
            "presence_penalty" => self.presence_penalty.take().is_some(),
            "frequency_penalty" => self.frequency_penalty.take().is_some(),
            "n" => self.n.take().is_some(),
            "stop" => !std::mem::take(&mut self.stop).is_empty(),
            "tool_choice" => self.tool_choice.take().is_some(),
            "parallel_tool_calls" => self.parallel_tool_calls.take().is_some(),
            "response_format" => self.format.take().is_some(),
            "reasoning_effort" => self.reasoning_effort.take().is_some(),
            "thinking" => self.thinking_budget.take().is_some(),
            "logprobs" => self.logprobs.take().is_some(),
            "user" => self.user.take().is_some(),
            "dimensions" => self.embedding.as_mut().is_some_and(|it| it.dimensions.take().is_some()),
            _ => false,
        };
        went || self.unsupported.len() < before
    }
}

/// Whether `name`, as a policy lists it under `drop`, stands for `field`.
pub fn is_named(name: &str, field: &str) -> bool {
    let mut field = field.split('[');
    let mut name = name.split('[');
    loop {
        match (name.next(), field.next()) {
            (None, None) => return true,
            (Some(name), Some(field)) => {
                let past = |part: &str| {
                    part.split_once(']').map_or_else(|| part.to_owned(), |(_, rest)| format!("]{rest}"))
                };
                if past(name) != past(field) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// A field that a dialect has no place for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// As the caller wrote it: `logit_bias`, `messages[2].content[0].input_audio`.
    pub field: String,
}

/// A document that is not what its dialect says. The path, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    pub field: String,
    pub expected: &'static str,
}
