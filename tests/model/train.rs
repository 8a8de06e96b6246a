//! Trains the model for names and addresses, and reports what it finds in texts that it never saw.
//!
//! ```text
//! train fit      LISTS WORDS MODEL TRAIN.jsonl...      the model that ships
//! train fit-held LISTS WORDS MODEL TRAIN.jsonl...      one that does not know the names that the test half uses
//! train report --model MODEL [--predict FILE] TEXTS.jsonl...
//! train speed MODEL TEXT...
//! ```
//!
//! `LISTS` is the folder of name lists that the corpus is made from, `WORDS` is `tests/model/lexicon`.
//! Nothing is random: the same input gives the same file.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a tool of the build: what goes wrong ends it"
)]

#[path = "train/corpus.rs"]
mod corpus;
#[path = "train/fit.rs"]
mod fit;
#[path = "train/report.rs"]
mod report;
#[path = "train/words.rs"]
mod words;

use std::path::Path;
use std::time::Instant;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [way @ ("fit" | "fit-held"), lists, own, out, ref texts @ ..] => {
            let started = Instant::now();
            let texts = corpus::read(texts);
            let lexicon = words::lexicon(Path::new(lists), Path::new(own), &texts, way == "fit-held");
            let model = fit::fit(&texts, &lexicon);
            std::fs::write(out, &model).expect("the model can be written");
            println!("{} bytes in {:.0} s", model.len(), started.elapsed().as_secs_f64());
        }
        ["report", "--model", model, "--predict", to, ref texts @ ..] => {
            report::report(
                &std::fs::read(model).expect("a model"),
                &corpus::read(texts),
                Some(Path::new(to)),
            );
        }
        ["report", "--model", model, ref texts @ ..] => {
            report::report(&std::fs::read(model).expect("a model"), &corpus::read(texts), None);
        }
        ["speed", model, ref texts @ ..] => report::speed(&std::fs::read(model).expect("a model"), texts),
        _ => panic!("see the head of tests/model/train.rs"),
    }
}
