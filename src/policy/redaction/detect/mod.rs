//! Which bytes of a text are sensitive, of what type, and how sure that is.
//!
//! ```text
//! text ─ fold ─▶ plain text ─ detector ─▶ candidates ─ resolve ─▶ findings
//! ```
//!
//! [`detector`] reads a text once: one automaton knows all literals of the [`table`] and wakes the scanners
//! beside it. It does not know where a text stands, nor what becomes of a finding.

mod allow;
mod anchors;
mod birth;
mod checksums;
mod dates;
mod detector;
mod dictionary;
mod encoded;
mod explain;
mod fields;
mod fold;
mod given;
mod identity;
mod logins;
mod mail;
pub mod model;
mod network;
mod numbers;
mod own;
mod passwords;
mod people;
mod phone;
mod pieces;
mod secrets;
mod table;
mod wallets;

pub use detector::{Detector, Finding, Side, TypeId};
pub(in crate::policy::redaction) use dictionary::is_bounded;
pub use explain::{Explanation, Fate};

pub use table::Confidence;
