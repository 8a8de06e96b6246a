//! People and where they live, as the model finds them.

use super::super::model::What;
use super::{Spec, Wake};

pub(super) static DETECTORS: &[Spec] = &[
    Spec {
        name: "person",
        kind: "person",
        languages: &[],
        wake: Wake::Model(What::Person),
        context: &[],
        follows: None,
        examples: &[
            "Please write to Mr ⟦Thomas Becker⟧ that the order has shipped.",
            "Hallo Frau ⟦Schneider⟧, anbei der Vertrag für Herrn ⟦Klaus Hoffmann⟧.",
        ],
        counter_examples: &[
            "The Fourier transform of a Gaussian is a Gaussian.",
            "Use Redis behind Nginx, and Django for the rest.",
            "What is the capital of Australia?",
            "let map: HashMap<String, TypeId> = HashMap::new();",
        ],
    },
    Spec {
        name: "address",
        kind: "address",
        languages: &[],
        wake: Wake::Model(What::Address),
        context: &[],
        follows: None,
        examples: &["Ship it to ⟦742 Maple Street, Springfield, IL 62704⟧ by Friday."],
        counter_examples: &["Wall Street fell by 3 percent in 2008.", "Chapter 12, section 4, page 117"],
    },
];
