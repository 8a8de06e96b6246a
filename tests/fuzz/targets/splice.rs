//! Edits of a document give the document that they say, whatever it is and however its strings are escaped.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::wire::json::{Document, Edits, Kind, Node, quote};

const PUT: &str = "<EMAIL_1>\"\\\n";

/// Replaces a piece of every string, and says what the strings are then.
fn edit(node: Node<'_>, seed: usize, edits: &mut Edits, wanted: &mut Vec<String>) {
    match node.kind() {
        Kind::String => {
            let text = node.text().expect("a string");
            let whole = text.as_str();
            let from = whole.floor_char_boundary(seed % (whole.len() + 1));
            let to = whole.ceil_char_boundary((from + seed % 7).min(whole.len()));
            if from == to {
                wanted.push(whole.to_owned());
                return;
            }
            let put = quote(PUT);
            edits.replace(text.source(from..to), &put[1..put.len() - 1]);
            wanted.push(format!("{}{PUT}{}", &whole[..from], &whole[to..]));
        }
        Kind::Array => node.items().for_each(|item| edit(item, seed, edits, wanted)),
        Kind::Object => node.members().for_each(|(_, value)| edit(value, seed, edits, wanted)),
        _ => {}
    }
}

fn strings(node: Node<'_>, all: &mut Vec<String>) {
    match node.kind() {
        Kind::String => all.push(node.as_str().expect("a string").into_owned()),
        Kind::Array => node.items().for_each(|item| strings(item, all)),
        Kind::Object => node.members().for_each(|(_, value)| strings(value, all)),
        _ => {}
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((seed, json)) = data.split_first() else { return };
    let Ok(document) = Document::parse_lenient(json) else { return };
    let root = document.root();
    assert_eq!(Edits::new().apply(json), json);

    let (mut edits, mut wanted) = (Edits::new(), Vec::new());
    edit(root, usize::from(*seed), &mut edits, &mut wanted);
    let edited = edits.apply(json);
    let again = Document::parse_lenient(&edited).expect("still JSON");
    let mut found = Vec::new();
    strings(again.root(), &mut found);
    assert_eq!(found, wanted);

    if root.kind() != Kind::Object {
        return;
    }
    let keys: Vec<String> = root.members().map(|(key, _)| key.as_str().expect("a key").into_owned()).collect();
    let gone = keys.get(usize::from(*seed) % (keys.len() + 1));
    let mut edits = Edits::new();
    edits.set(root, "store", "false");
    if let Some(gone) = gone {
        edits.remove(root, gone);
    }
    edits.set(root, "model", "\"m\"");
    let edited = edits.apply(json);
    let again = Document::parse_lenient(&edited).expect("still JSON");
    let again = again.root();
    assert!(again.get("model").is_some_and(|model| model.is("m")));
    for key in &keys {
        let kept = gone != Some(key) && key != "store" && key != "model";
        let raw = again.get(key).map(|value| value.raw());
        if kept {
            assert_eq!(raw, root.get(key).map(|value| value.raw()));
        } else if key != "model" && gone == Some(key) {
            assert_eq!(raw, None);
        }
    }
});
