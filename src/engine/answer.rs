//! A provider's answer on its way to the caller: understood, counted, restored, and, where the two speak different
//! dialects, written anew.
//!
//! Between equal dialects the bytes are edited in place, so that what no placeholder touches stays byte-identical.

mod held;
mod pipe;
mod stream;
mod whole;

use std::rc::Rc;

use crate::policy::redaction::{AnswerRules, Vault};
use crate::provider::failure::Rule;
use crate::provider::{Api, Codec, Outline};

pub use stream::{Progress, StreamAnswer};
pub use whole::{carry_whole, restore_error, restore_text, watch_whole};

/// How an answer is carried over.
#[derive(Clone)]
pub struct Carriage {
    pub from: &'static dyn Codec,
    pub to: &'static dyn Codec,
    /// The rules for failures of the vendor that answers.
    pub failures: &'static [Rule],
    pub vault: Rc<Vault>,
    /// `None`: the answer is not looked through.
    pub rules: Option<Rc<AnswerRules>>,
    /// Usage in the stream is there because we asked for it: the caller does not see it.
    pub hide_usage: bool,
    /// Of the caller's request.
    pub outline: Outline,
    /// Unix seconds.
    pub created: u64,
    /// The operator's, which no error may show.
    pub key: Option<Rc<str>>,
}

impl Carriage {
    fn quotes_key(&self, data: &[u8]) -> bool {
        let key = self.key.as_deref().filter(|key| !key.is_empty());
        key.is_some_and(|key| memchr::memmem::find(data, key.as_bytes()).is_some())
    }

    /// Whether thinking comes with a signature of its words.
    fn signs_thinking(&self) -> bool {
        self.from.api() == Api::AnthropicMessages
    }

    fn in_place(&self) -> bool {
        self.from.api() == self.to.api()
    }
}
