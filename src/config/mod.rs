//! The policy as it is meant: values that cannot be wrong.
//!
//! A document goes through two stages. *Raw* is what was written, a tree with no meaning. *Check* reads the tree
//! once, collects every error with its path, and makes the values of this module. Nothing behind this module
//! checks a policy again, and nothing here knows Envoy, a provider's wire format, or how a policy is carried out.

mod check;
mod detection;
mod error;
mod find;
mod node;
mod source;
mod units;
mod yaml;

use std::collections::BTreeMap;
use std::rc::Rc;

pub use crate::chat::{Dialect, ErrorClass};
pub use detection::{
    Action, Allowed, AllowedValue, Answers, Checksum, CustomPattern, Dictionary, MinConfidence,
};
pub use error::{Error, Errors};
pub use find::{Found, Survey, find};
use node::Report;
use source::Tree;

/// Reads a policy as Envoy delivers it or as a file holds it: a serialised `google.protobuf.Struct`, YAML or JSON.
/// `env` looks up the variables that credentials and keys are taken from.
///
/// # Errors
///
/// Every fault of the document at once, each with its path. No value of a secret field is in them.
pub fn load(bytes: &[u8], env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Errors> {
    let mut errors = Vec::new();
    let tree = source::read(bytes, &mut errors);
    build(tree.as_ref(), errors, env)
}

fn build(
    tree: Option<&Tree>,
    errors: Vec<Error>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Errors> {
    let mut report = Report { errors, warnings: Vec::new(), env };
    match tree.and_then(|tree| check::check(tree, &mut report)) {
        Some(config) if report.errors.is_empty() => Ok(Config { warnings: report.warnings, ..config }),
        _ => Err(Errors(report.errors)),
    }
}

/// The types of data that a policy can speak of.
pub const DATA_TYPES: [&str; 19] = [
    "person",
    "email",
    "phone",
    "credit_card",
    "iban",
    "bank_account",
    "national_id",
    "passport",
    "driver_license",
    "medical_id",
    "tax_id",
    "ip_address",
    "mac_address",
    "address",
    "date_of_birth",
    "secret",
    "crypto",
    "username",
    "url",
];

/// One policy document, checked. Cheap to share: an exchange keeps the one that it started with.
#[derive(Debug)]
pub struct Config {
    /// First 12 hex digits of the SHA-256 of the document: written to every record.
    pub hash: String,
    pub mode: Mode,
    pub callers: Callers,
    pub access: Vec<Access>,
    /// In the order of their names; targets refer to them by index.
    pub providers: Vec<Provider>,
    pub models: BTreeMap<String, Model>,
    pub chains: BTreeMap<String, Chain>,
    pub routes: Vec<Route>,
    pub tasks: Vec<Task>,
    pub data: Data,
    pub endpoints: Endpoints,
    pub limits: Limits,
    pub retention: Retention,
    pub budgets: Vec<Budget>,
    /// Tokens reserved for the answer where the caller sets no bound.
    pub output_reserve: u64,
    pub timeouts: Timeouts,
    pub recovery: Recovery,
    /// `None`: no target is passed over.
    pub health: Option<Health>,
    /// Fields that may be dropped when a target's dialect has no place for them.
    pub drop: Vec<String>,
    pub record_content: RecordContent,
    /// What is legal but probably not meant; printed by the tool, logged once by the filter.
    pub warnings: Vec<String>,
}

impl Config {
    /// Whether a request header is there for the policy: it names the caller, or a rule asks for it.
    pub fn reads_header(&self, name: &str) -> bool {
        let caller = |source: &CallerSource| matches!(source, CallerSource::Header(read) if read == name);
        let is = |header: &Option<(String, Pattern)>| header.as_ref().is_some_and(|(read, _)| read == name);
        self.callers.identify.iter().any(caller)
            || self.routes.iter().any(|route| route.when.headers.iter().any(|(read, _)| read == name))
            || self.tasks.iter().any(|task| is(&task.header))
            || self.data.classes.iter().any(|class| is(&class.header))
            || self.budgets.iter().any(|budget| budget.per.contains(&ScopePart::Header(name.to_owned())))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Enforce,
    /// Everything is found, decided and recorded; nothing is changed or refused.
    Observe,
}

#[derive(Debug, Default)]
pub struct Callers {
    /// The first source that gives a value names the caller.
    pub identify: Vec<CallerSource>,
    pub reject_unknown: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerSource {
    /// An Envoy attribute, as its path: `connection.uri_san_peer_certificate`.
    Property(Vec<String>),
    /// A request header, lower case.
    Header(String),
    /// A header that holds a key: the caller is the HMAC of its value.
    Credential(String),
}

/// Who may use what. No entry at all: everybody everything.
#[derive(Debug)]
pub struct Access {
    pub callers: Vec<Pattern>,
    /// Model names or chain names.
    pub models: Vec<Pattern>,
}

/// Text with `*` standing for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub String);

impl Pattern {
    /// Whether `text` is what the pattern describes. Linear in the length of `text` for a pattern of one star.
    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.split_once(part) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }
}

#[derive(Debug)]
pub struct Provider {
    pub name: String,
    pub dialect: Dialect,
    /// The Envoy cluster that reaches it.
    pub cluster: String,
    /// `:authority` towards it. `None`: the dialect's own host.
    pub host: Option<String>,
    /// Put before the dialect's path, without a trailing slash.
    pub path_prefix: String,
    /// The dated version of Azure's API. `None`: the API that has none.
    pub api_version: Option<String>,
    pub credential: Credential,
    /// [`Credential::Passthrough`] whatever header and dialect the caller's key came in.
    pub any_key: bool,
    pub retention: RetentionLevel,
    /// On top of the dialect's own opt-out.
    pub opt_out_headers: Vec<(String, String)>,
    /// Dotted path of a body field, and its value as JSON text.
    pub opt_out_body: Vec<(String, String)>,
    pub region: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The caller's own key goes to this provider.
    Passthrough,
    /// Envoy's `credential_injector` sets it behind the filter.
    Envoy,
    /// Read from the VM's environment when the policy was loaded.
    Key(Secret),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passthrough => "Passthrough",
            Self::Envoy => "Envoy",
            Self::Key(_) => "Key(..)",
        })
    }
}

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Rc<str>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What a provider's contract gives, and what a class of data asks for; ordered from least to most private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetentionLevel {
    None,
    OptOut,
    Zero,
}

/// Prices and windows that the policy sets for a model, over those that come with the module.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    pub provider: Option<usize>,
    /// Micro-dollars per million tokens.
    pub input: Option<u64>,
    pub cached_input: Option<u64>,
    pub output: Option<u64>,
    pub context: Option<u64>,
    pub max_output: Option<u64>,
}

#[derive(Debug)]
pub struct Chain {
    pub name: String,
    pub targets: Vec<Target>,
    pub order: Order,
    /// The aggregate cluster that holds the chain where the order is fixed; the chain's name by default.
    pub cluster: String,
    pub timeouts: Option<Timeouts>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Index into [`Config::providers`].
    pub provider: usize,
    pub model: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Listed,
    Cost,
}

#[derive(Debug)]
pub struct Route {
    pub name: String,
    pub when: When,
    /// Name of a chain.
    pub chain: String,
}

/// All that are set must hold.
#[derive(Debug, Default)]
pub struct When {
    pub models: Vec<Pattern>,
    pub tasks: Vec<String>,
    pub callers: Vec<Pattern>,
    pub headers: Vec<(String, Pattern)>,
    pub prompt_tokens_min: Option<u64>,
    pub prompt_tokens_max: Option<u64>,
}

#[derive(Debug, Clone)]
pub struct Task {
    pub name: String,
    pub header: Option<(String, Pattern)>,
    pub words: Vec<String>,
    pub at_least: usize,
}

/// What to look for in text, and what is done about it.
#[derive(Debug)]
pub struct Data {
    /// By type, snake case: `email`, `credit_card`. A type that is not named here is redacted.
    pub find: BTreeMap<String, Action>,
    pub min_confidence: MinConfidence,
    pub answers: Answers,
    pub allow: Vec<Allowed>,
    pub custom: Vec<CustomPattern>,
    pub dictionaries: Vec<Dictionary>,
    pub placeholder: PlaceholderStyle,
    /// The first seals, all open. Empty: the process makes one of its own.
    pub keys: Vec<Secret>,
    pub restore: bool,
    /// The model is told to keep placeholders as they are.
    pub hint: bool,
    pub signed_thinking_refuse: bool,
    pub classes: Vec<DataClass>,
    pub media: MediaAction,
    /// Text that should be readable and is not.
    pub block_uninspectable: bool,
}

/// What a policy without a `data` section says.
impl Default for Data {
    fn default() -> Self {
        Self {
            find: BTreeMap::new(),
            min_confidence: MinConfidence::default(),
            answers: Answers::default(),
            allow: Vec::new(),
            custom: Vec::new(),
            dictionaries: Vec::new(),
            placeholder: PlaceholderStyle::Numbered,
            keys: Vec::new(),
            restore: true,
            hint: false,
            signed_thinking_refuse: true,
            classes: Vec::new(),
            media: MediaAction::Report,
            block_uninspectable: true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceholderStyle {
    /// `<EMAIL_1>`
    Numbered,
    /// `<EMAIL_K7Q2M4X9B3TZA>`: HMAC under the policy's key.
    Keyed,
    /// `<EMAIL_S7K2M…>`: the value itself, encrypted under the policy's key.
    Sealed,
}

#[derive(Debug)]
pub struct DataClass {
    pub name: String,
    pub found: Vec<String>,
    pub header: Option<(String, Pattern)>,
    pub retention: Option<RetentionLevel>,
    pub regions: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaAction {
    Allow,
    Report,
    Block,
}

#[derive(Debug, Default)]
pub struct Endpoints {
    pub allow: Vec<Pattern>,
    pub allow_other: bool,
}

/// Bounds, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub body: usize,
    pub first_event: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub opt_out: OptOut,
    pub reject_needs_storage: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOut {
    /// Over what the caller set.
    Always,
    IfUnset,
    Never,
}

#[derive(Debug)]
pub struct Budget {
    pub name: String,
    /// The parts of the scope's key, in order. Empty: one scope for everything.
    pub per: Vec<ScopePart>,
    pub limit: BudgetLimit,
    pub window: Window,
    /// Ascending by percent.
    pub at: Vec<Threshold>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopePart {
    Caller,
    Model,
    Provider,
    Route,
    Header(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetLimit {
    Tokens(u64),
    MicroUsd(u64),
}

/// Calendar-aligned in UTC. Weeks start on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    pub percent: u32,
    pub then: OverThreshold,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverThreshold {
    /// Name of a chain.
    Downgrade(String),
    Reject,
    /// Only seen in the record and the metrics.
    Report,
}

/// All in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub total: u64,
    pub first_token: u64,
    pub between_tokens: u64,
    /// The whole answer, where it is not streamed.
    pub answer: u64,
}

/// What follows each class of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// All classes are in it.
    pub rules: BTreeMap<ErrorClass, Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub then: Then,
    /// How long the target is passed over, in milliseconds, where the provider does not say it.
    pub rest: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// The next target is asked.
    Next,
    Fail,
    /// The next target with a larger window is asked.
    Larger,
    /// The oldest turns are taken out. `last` are kept, and the system's where `system` says so.
    Truncate {
        system: bool,
        last: usize,
    },
    /// The targets of this chain are asked.
    Chain(String),
}

/// When a target is passed over. Times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Over which failures are counted.
    pub window: u64,
    /// Percent of the answers in it.
    pub failures: u32,
    /// With fewer answers in the window nothing is said of the target.
    pub at_least: u32,
    /// For how long it is passed over, until one request tries it.
    pub open: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordContent {
    Never,
    Redacted,
}
