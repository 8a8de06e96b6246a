//! Numbers that a state or an institution gives to a person.

use super::super::numbers::us_ssn;
use super::{Spec, Wake};

pub(super) static DETECTORS: &[Spec] = &[Spec {
    name: "us_ssn",
    kind: "national_id",
    languages: &["en"],
    wake: Wake::Number(us_ssn),
    context: &["ssn", "ssns", "social security", "social security number", "itin", "tax id", "taxpayer"],
    follows: None,
    examples: &["⟦536-22-8726⟧", "SSN: ⟦536228726⟧.", "ssn ⟦536 22 8726⟧", "⟦912-70-1234⟧", "⟦536‑22‑8726⟧"],
    counter_examples: &[
        "536228726",
        "000-12-3456",
        "666-12-3456",
        "536-00-8726",
        "536-22-0000",
        "1-536-22-8726",
        "536-22-8726-1",
        "900-12-3456",
    ],
}];
