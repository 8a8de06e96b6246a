//! Sensitive values leave a conversation before it goes to a provider, and return in the answer.
//!
//! ```text
//! find      text ─ Detector ─▶ findings                which bytes are an e-mail address, a card, a secret
//! vault     finding ─ Vault ─▶ <EMAIL_1>               the same value, the same placeholder
//! restore   <EMAIL_1> ─ Restorer ─▶ value              whole texts, and streams cut anywhere
//! answers   what a model says that its prompt did not, before its placeholders are restored
//! ```
//!
//! Nothing here knows where a text comes from: the engine walks a request's texts, asks for findings, splices the
//! placeholders in, and gives the answer's texts to the restorer.

mod answers;
mod detect;
mod placeholder;
mod queue;

pub use answers::{
    AnswerFindings, AnswerRules, AnswerTally, Hand, Known, MAX_GUARDED, MAX_GUARDED_BYTES, StreamGuard,
};
#[doc(hidden)]
pub use detect::model;
pub use detect::{Confidence, Detector, Explanation, Fate, Finding, Side, TypeId};
pub use placeholder::{Fragment, Keys, Landing, MAX_HELD, MAX_HELD_BYTES, Restorer, StreamRestorer, Vault};
pub use queue::Released;
