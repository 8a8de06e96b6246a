//! The detector alone, as a module of its own for a JavaScript engine's WebAssembly: the same code, profile and
//! compiler flags as in the module for Envoy, without HTTP and JSON around it. `detect.mjs` runs it in V8.

#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, reason = "a host calls it with addresses")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate::config::{Action, DATA_TYPES, Data};
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

/// 0: every type is redacted. 1: every type is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn detector_of(kind: u32) {
    let mut data = Data::default();
    if kind == 1 {
        data.find = DATA_TYPES.iter().map(|name| ((*name).to_owned(), Action::Allow)).collect();
    }
    bench().detector = Some(Detector::new(&data));
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
