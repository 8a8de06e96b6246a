//! The detector alone, as a module of its own for a JavaScript engine's WebAssembly: the same code, profile and
//! compiler flags as in the module for Envoy, without HTTP and JSON around it. `detect.mjs` runs it in V8.

#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, reason = "a host calls it with addresses")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate::config::{self, Action, DATA_TYPES, Data};
use tollgate::policy::redaction::Detector;

struct Bench {
    text: Vec<u8>,
    detector: Option<Detector>,
}

// One host, one thread.
unsafe impl Send for Bench {}

static BENCH: Mutex<Bench> = Mutex::new(Bench { text: Vec::new(), detector: None });

fn bench() -> MutexGuard<'static, Bench> {
    BENCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the host writes a text of this many bytes.
#[unsafe(no_mangle)]
pub extern "C" fn text_of(len: usize) -> *mut u8 {
    let mut bench = bench();
    bench.text = vec![0; len];
    bench.text.as_mut_ptr()
}

/// 0: every type is redacted. 1: every type is allowed. 2: and 50 patterns of the policy's own are looked for. 3: and
/// a dictionary of 20,000 terms. Answers the bytes that its dictionaries take.
#[unsafe(no_mangle)]
pub extern "C" fn detector_of(kind: u32) -> usize {
    let mut data = Data::default();
    if kind == 1 {
        data.find = DATA_TYPES.iter().map(|name| ((*name).to_owned(), Action::Allow)).collect();
    }
    let own = match kind {
        2 => patterns(),
        3 => terms(),
        _ => String::new(),
    };
    let policy =
        format!("version: 1\nproviders: {{default: {{dialect: openai}}}}\ndata:\n{own}  restore: true\n");
    if let Ok(config) = config::load(policy.as_bytes(), &|_| None) {
        data.custom = config.data.custom;
        data.dictionaries = config.data.dictionaries;
    }
    let detector = Detector::new(&data);
    let bytes = detector.dictionary_bytes();
    bench().detector = Some(detector);
    bytes
}

/// Half of them begin with letters of their own, and half with any digit.
fn patterns() -> String {
    let mut yaml = "  custom:\n".to_owned();
    for n in 0..25 {
        yaml.push_str(&format!("  - {{name: a{n}, pattern: 'K{n}X-[0-9]{{6}}'}}\n"));
        yaml.push_str(&format!("  - {{name: b{n}, pattern: '[0-9]{{5}}/{n}[a-z]{{2}}', checksum: luhn}}\n"));
    }
    yaml
}

fn terms() -> String {
    const PARTS: [&str; 10] = ["bal", "cor", "den", "fir", "gam", "hul", "jor", "kem", "lis", "nov"];
    let mut yaml = "  dictionaries:\n  - {name: terms, terms: [".to_owned();
    for n in 0..20_000 {
        let digits = [n / 10_000, n / 1000, n / 100, n / 10, n];
        let parts = digits.iter().filter_map(|digit| PARTS.get(digit % 10));
        yaml.push_str(&parts.copied().collect::<String>());
        yaml.push_str(", ");
    }
    yaml.push_str("last]}\n");
    yaml
}

/// Looks through the text so many times; how much was found.
#[unsafe(no_mangle)]
pub extern "C" fn find(rounds: u32) -> u32 {
    let bench = bench();
    let (Some(detector), Ok(text)) = (&bench.detector, std::str::from_utf8(&bench.text)) else { return 0 };
    (0..rounds).map(|_| detector.find(text).len() as u32).sum()
}

/// Reads every byte and does nothing with it: what a pass costs at least.
#[unsafe(no_mangle)]
pub extern "C" fn read(rounds: u32) -> u32 {
    let bench = bench();
    let Ok(text) = std::str::from_utf8(&bench.text) else { return 0 };
    (0..rounds)
        .map(|_| text.bytes().fold(0u32, |sum, byte| std::hint::black_box(sum ^ u32::from(byte))))
        .sum()
}
