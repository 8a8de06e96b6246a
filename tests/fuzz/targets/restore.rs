//! What was taken out comes back and nothing else changes, whatever stands around it, whole and cut up. A text that
//! nothing was taken out of, read by a restorer that knows names, is the same in every cut.
#![no_main]

use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use tollgate::config::PlaceholderStyle;
use tollgate::policy::redaction::{Fragment, Keys, Landing, Released, Restorer, StreamRestorer, Vault};

fn streamed(restorer: &Rc<Restorer>, text: &str, landing: Landing, size: usize) -> String {
    let mut stream = StreamRestorer::new(Rc::clone(restorer));
    let mut said = String::new();
    let mut take = |released: Vec<Released<String>>| {
        said.extend(released.into_iter().map(|one| one.texts[0].clone().unwrap_or(one.item)));
    };
    let chars: Vec<char> = text.chars().collect();
    for piece in chars.chunks(size) {
        let text: String = piece.iter().collect();
        take(stream.push(text.clone(), vec![Fragment { channel: 0, text, landing }]));
    }
    take(stream.flush());
    said
}

fuzz_target!(|data: &[u8]| {
    let [style, size, data @ ..] = data else { return };
    let style = match style % 3 {
        0 => PlaceholderStyle::Numbered,
        1 => PlaceholderStyle::Keyed,
        _ => PlaceholderStyle::Sealed,
    };
    let size = 1 + usize::from(size % 9);
    let mut vault = Vault::new(style, &Keys::new([&b"a key of the policy's"[..], b"the one before"]));
    // Every second piece is a value.
    let pieces: Vec<_> = data.split(|byte| *byte == 0xFF).map(String::from_utf8_lossy).collect();
    let whole = pieces.concat();
    vault.reserve(&whole);
    let mut redacted = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        if index % 2 == 0 || piece.is_empty() {
            redacted.push_str(piece);
        } else {
            redacted.push_str(&vault.placeholder(if piece.len() % 2 == 0 { "email" } else { "phone" }, piece));
        }
    }
    let restorer = Rc::new(Restorer::new(Rc::new(vault)));
    let quote = |text: &str| tollgate::wire::json::quote(text);
    // Whoever knows a name that the key makes may write it, and means its value; the fuzzer reads them in our memory.
    let writes_names = style != PlaceholderStyle::Numbered
        && [(&whole, Landing::Text), (&quote(&whole), Landing::Json)]
            .iter()
            .any(|(text, landing)| restorer.restore(text, *landing).is_some());
    if writes_names {
        return;
    }
    for (redacted, wanted, landing) in [
        (redacted.clone(), whole.clone(), Landing::Text),
        (quote(&redacted), quote(&whole), Landing::Json),
    ] {
        let back = restorer.restore(&redacted, landing).unwrap_or_else(|| redacted.clone());
        assert_eq!(back, wanted, "{redacted}");
        assert_eq!(streamed(&restorer, &redacted, landing, size), wanted, "{redacted}");
    }

    let mut known = Vault::new(style, &Keys::new([&b"a key of the policy's"[..]]));
    for value in ["ana@example.com", "ben@example.com", "a\"b\\c\n"] {
        known.placeholder("email", value);
    }
    let restorer = Rc::new(Restorer::new(Rc::new(known)));
    for landing in [Landing::Text, Landing::Json] {
        let back = restorer.restore(&whole, landing).unwrap_or_else(|| whole.clone());
        assert_eq!(streamed(&restorer, &whole, landing, size), back, "{whole}");
    }
});
