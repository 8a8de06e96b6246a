//! Which bytes of a text are sensitive, of what type, and how sure that is.
//!
//! ```text
//! text ─ fold ─▶ plain text ─ detector ─▶ candidates ─ resolve ─▶ findings
//! ```
//!
//! [`detector`] reads a text once: one automaton knows all literals of the [`table`] and wakes the scanners
//! beside it. It does not know where a text stands, nor what becomes of a finding.

mod checksums;
mod detector;
mod fold;
mod network;
mod numbers;
mod phone;
mod secrets;
mod table;

pub use detector::{Detector, Finding, TypeId};
pub use table::Confidence;
