//! What of `data` says what is looked for, and what is done about it.

use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Allow,
    Report,
    Redact,
    Block,
}

impl Action {
    /// As the policy writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Report => "report",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }
}

/// From which confidence on a finding is one, in percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinConfidence {
    pub by_type: BTreeMap<String, u8>,
    pub other: u8,
}

impl MinConfidence {
    /// More likely than not.
    pub const DEFAULT: u8 = 50;

    pub fn of(&self, type_name: &str) -> u8 {
        self.by_type.get(type_name).copied().unwrap_or(self.other)
    }
}

impl Default for MinConfidence {
    fn default() -> Self {
        Self { by_type: BTreeMap::new(), other: Self::DEFAULT }
    }
}

/// What is done about values in a model's answer that its prompt did not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    pub by_type: BTreeMap<String, Action>,
    /// For the types that are not named.
    pub other: Action,
}

impl Answers {
    pub fn of(&self, type_name: &str) -> Action {
        self.by_type.get(type_name).copied().unwrap_or(self.other)
    }

    /// Whether anything is looked for at all.
    pub fn look(&self) -> bool {
        self.other != Action::Allow || self.by_type.values().any(|action| *action != Action::Allow)
    }
}

/// An answer belongs to the caller as much as its prompt does, and to look costs: nothing is looked for.
impl Default for Answers {
    fn default() -> Self {
        Self { by_type: BTreeMap::new(), other: Action::Allow }
    }
}

#[derive(Debug, Clone)]
pub struct Allowed {
    /// `None`: of any type.
    pub kind: Option<String>,
    pub value: AllowedValue,
}

#[derive(Debug, Clone)]
pub enum AllowedValue {
    /// The whole value, compared without case.
    Exact(String),
    /// The whole value matches.
    Pattern(regex::Regex),
    /// An e-mail address at this domain or below it. Lower case.
    Domain(String),
}

#[derive(Debug, Clone)]
pub struct CustomPattern {
    pub name: String,
    pub pattern: regex::Regex,
    pub action: Action,
    /// Holds for the digits of what matches, or for its letters and digits, by the kind of checksum.
    pub checksum: Option<Checksum>,
    /// One of these words has to stand near, where there are any. Lower case.
    pub context: Vec<String>,
    /// How near, in characters.
    pub within: usize,
    /// Percent.
    pub confidence: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    Luhn,
    Verhoeff,
    /// ISO 7064, over letters and digits: the rest is 1.
    Mod97,
    /// Weights 1, 2, 3, … from the right, `X` for ten: the rest is 0.
    Mod11,
    Iso7064Mod11_2,
    Iso7064Mod11_10,
}

#[derive(Debug, Clone)]
pub struct Dictionary {
    pub name: String,
    pub terms: Vec<String>,
    pub action: Action,
    pub case_sensitive: bool,
    /// Only where words begin and end.
    pub whole_words: bool,
    /// Percent.
    pub confidence: u8,
}
