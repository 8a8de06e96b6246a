//! Sensitive values leave a conversation before it goes to a provider, and return in the answer.
//!
//! ```text
//! find      text ─ Detector ─▶ findings                which bytes are an e-mail address, a card, a secret
//! vault     finding ─ Vault ─▶ <EMAIL_1>               the same value, the same placeholder
//! restore   <EMAIL_1> ─ Restorer ─▶ value              whole texts, and streams cut anywhere
//! ```
//!
//! Nothing here knows where a text comes from: the engine walks a request's texts, asks for findings, splices the
//! placeholders in, and gives the answer's texts to the restorer.

mod checksums;
mod detector;
mod detectors;
mod fold;
mod network;
mod numbers;
mod phone;
mod restorer;
mod secrets;
mod stream;
mod vault;

pub use detector::{Detector, Finding, TypeId};
pub use restorer::{Landing, Restorer};
pub use stream::{Fragment, MAX_HELD, MAX_HELD_BYTES, Released, StreamRestorer};
pub use vault::Vault;

/// The types that a policy may name under `data.find`, as it writes them. Not all of them are detected yet, see
/// [`detected`].
pub const TYPES: &[&str] = &[
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
];

/// Those of [`TYPES`] for which there is a detector.
pub fn detected() -> impl Iterator<Item = &'static str> {
    let has_detector = |name: &&str| detectors::DETECTORS.iter().any(|spec| spec.kind == *name);
    TYPES.iter().copied().filter(has_detector)
}
