//! What `wire` promises, against independent models: serde_json for JSON, the grammar read naively for event
//! streams, and recorded provider traffic in every cut.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use tollgate::wire::json::{Document, Edits, Kind, Node};

#[path = "wire/streams.rs"]
mod streams;

/// JSON text in all its spellings: white space, number formats, escapes, repeated keys.
fn json() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?";
    let word = prop_oneof![Just("true".to_owned()), Just("false".to_owned()), Just("null".to_owned())];
    let leaf = prop_oneof![number, word, string()];
    let space = || "[ \\t\\r\\n]{0,2}";
    let spaced = move |inner: BoxedStrategy<String>| {
        (space(), inner, space()).prop_map(|(before, inner, after)| before + &inner + &after)
    };
    leaf.prop_recursive(5, 60, 6, move |inner| {
        let value = spaced(inner.boxed());
        let key = spaced(prop_oneof![3 => "\"[a-c]?\"", 1 => string()].boxed());
        let member = (key, value.clone()).prop_map(|(key, value)| key + ":" + &value);
        let listed = |open: &'static str, items: Vec<String>, space: String, close: &'static str| {
            format!("{open}{}{close}", if items.is_empty() { space } else { items.join(",") })
        };
        prop_oneof![
            (prop::collection::vec(value, 0..5), space())
                .prop_map(move |(items, s)| listed("[", items, s, "]")),
            (prop::collection::vec(member, 0..12), space())
                .prop_map(move |(items, s)| listed("{", items, s, "}")),
        ]
    })
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z /:.]{0,12}",
        2 => "\\PC{0,4}".prop_map(|text: String| text.replace(['"', '\\'], "")),
        1 => "\\\\[\"\\\\/bfnrt]",
        1 => "\\\\u00[0-9a-fA-F]{2}",
        1 => "\\\\u[1-9a-c][0-9a-fA-F]{3}",
        1 => "\\\\ud[89ab][0-9a-f]{2}\\\\ud[c-f][0-9A-F]{2}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// Damage that keeps the text close to JSON.
fn damage() -> impl Strategy<Value = Vec<(Index, u8, u8)>> {
    let byte = prop_oneof![3 => prop::sample::select(b"{}[]:,\"\\u0-1.eE+ tfn\n\x00\x1f\xc3\xa9d89".to_vec()), 1 => any::<u8>()];
    prop::collection::vec((any::<Index>(), 0_u8..4, byte), 0..4)
}

fn damaged(text: &str, damage: &[(Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (at, what, byte) in damage {
        let at = at.index(bytes.len() + 1);
        match what {
            0 => bytes.insert(at, *byte),
            1 => bytes.truncate(at),
            2 if at < bytes.len() => bytes[at] = *byte,
            3 if at < bytes.len() => drop(bytes.remove(at)),
            _ => {}
        }
    }
    bytes
}

/// serde_json's verdict, or `None` where it refuses what the grammar allows: half a surrogate pair, a number beyond
/// a float, one level of nesting less.
fn verdict(bytes: &[u8]) -> Option<bool> {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(_) => Some(true),
        Err(error) => {
            let error = error.to_string();
            let own = ["surrogate", "hex escape", "number out of range", "recursion limit"];
            (!own.iter().any(|reason| error.contains(reason))).then_some(false)
        }
    }
}

fn has_duplicates(node: Node<'_>) -> bool {
    let mut keys: Vec<String> = node.members().map(|(key, _)| key.as_str().unwrap().into_owned()).collect();
    let count = keys.len();
    keys.sort();
    keys.dedup();
    keys.len() < count || children(node).into_iter().any(has_duplicates)
}

fn children(node: Node<'_>) -> Vec<Node<'_>> {
    node.items().chain(node.members().map(|(_, value)| value)).collect()
}

fn assert_same(node: Node<'_>, value: &Value) {
    match value {
        Value::Null => assert!(node.is_null()),
        Value::Bool(value) => assert_eq!(node.as_bool(), Some(*value)),
        Value::Number(number) => {
            if node.raw() != "-0" {
                assert_eq!((node.as_u64(), node.as_i64()), (number.as_u64(), number.as_i64()));
            }
            let (mine, theirs) = (node.as_f64().unwrap(), number.as_f64().unwrap());
            assert!((mine - theirs).abs() <= theirs.abs() * 1e-15, "{mine} {theirs}");
        }
        Value::String(value) => {
            assert_eq!(node.as_str().unwrap(), value.as_str());
            assert!(node.is(value) && !node.is(&format!("{value}x")));
            assert_eq!(node.text().unwrap().as_str(), value);
        }
        Value::Array(values) => {
            assert_eq!(
                (node.kind(), node.len(), node.is_empty()),
                (Kind::Array, values.len(), values.is_empty())
            );
            node.items().zip(values).for_each(|(node, value)| assert_same(node, value));
        }
        Value::Object(values) => {
            assert_eq!((node.kind(), node.is_empty()), (Kind::Object, values.is_empty()));
            assert!(node.members().all(|(key, _)| values.contains_key(&*key.as_str().unwrap())));
            values.iter().for_each(|(key, value)| assert_same(node.get(key).unwrap(), value));
        }
    }
}

/// A change to one of a document's objects: which, which key, and what to (`None` takes it out).
type Change = (Index, Key, Option<String>);

#[derive(Clone, Debug)]
enum Key {
    Present(Index),
    Any(String),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let key = prop_oneof![3 => any::<Index>().prop_map(Key::Present), 1 => "[a-e\"]?".prop_map(Key::Any)];
    prop::collection::vec((any::<Index>(), key, prop::option::of(json())), 0..8)
}

fn objects<'d>(node: Node<'d>, found: &mut Vec<Node<'d>>) {
    found.extend((node.kind() == Kind::Object).then_some(node));
    children(node).into_iter().for_each(|child| objects(child, found));
}

/// The changes as object, key and value.
fn resolved<'d>(root: Node<'d>, changes: &[Change]) -> Vec<(Node<'d>, String, Option<String>)> {
    let mut found = Vec::new();
    objects(root, &mut found);
    let pick = |(object, key, value): &Change| {
        let object = *found.get(object.index(found.len().max(1)))?;
        let key = match key {
            Key::Present(at) if !object.is_empty() => {
                object.members().nth(at.index(object.len()))?.0.as_str()?.into_owned()
            }
            Key::Present(_) => "a".to_owned(),
            Key::Any(key) => key.clone(),
        };
        Some((object, key, value.clone()))
    };
    changes.iter().filter_map(pick).collect()
}

/// What the document should mean afterwards: each object's members as the changes to it say.
fn changed(node: Node<'_>, changes: &[(Node<'_>, String, Option<String>)]) -> Value {
    match node.kind() {
        Kind::Array => node.items().map(|item| changed(item, changes)).collect(),
        Kind::Object => {
            let mut members: serde_json::Map<String, Value> = node
                .members()
                .map(|(key, value)| (key.as_str().unwrap().into_owned(), changed(value, changes)))
                .collect();
            for (_, key, value) in changes.iter().filter(|(object, ..)| object.span() == node.span()) {
                match value {
                    Some(value) => drop(members.insert(key.clone(), serde_json::from_str(value).unwrap())),
                    None => drop(members.remove(key)),
                }
            }
            Value::Object(members)
        }
        _ => serde_json::from_str(node.raw()).unwrap(),
    }
}

/// Everything no change names is still there, byte for byte and in its order.
fn assert_untouched(before: Node<'_>, after: Node<'_>, changes: &[(Node<'_>, String, Option<String>)]) {
    let inside = |object: &Node<'_>| {
        before.span().start <= object.span().start && object.span().end <= before.span().end
    };
    if !changes.iter().any(|(object, ..)| inside(object)) {
        assert_eq!(before.raw(), after.raw());
        return;
    }
    let named = |key: &Node<'_>| {
        changes.iter().any(|(object, name, _)| object.span() == before.span() && key.is(name))
    };
    let (mut old, mut new): (Vec<_>, Vec<_>) = (before.members().collect(), after.members().collect());
    [&mut old, &mut new].into_iter().for_each(|members| members.retain(|(key, _)| !named(key)));
    assert_eq!((old.len(), before.items().count()), (new.len(), after.items().count()));
    for ((old_key, old_value), (new_key, new_value)) in old.into_iter().zip(new) {
        assert_eq!(old_key.raw(), new_key.raw());
        assert_untouched(old_value, new_value, changes);
    }
    before.items().zip(after.items()).for_each(|(old, new)| assert_untouched(old, new, changes));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_json_is_what_serde_json_says(text in json(), damage in damage()) {
        let bytes = damaged(&text, &damage);
        let document = Document::parse_lenient(&bytes);
        if let Some(valid) = verdict(&bytes) {
            prop_assert_eq!(document.is_ok(), valid, "{:?} {:?}", String::from_utf8_lossy(&bytes), document);
        }
        let strict = Document::parse(&bytes);
        prop_assert_eq!(strict.is_ok(), document.is_ok_and(|document| !has_duplicates(document.root())));
    }

    #[test]
    fn any_bytes_at_all_are_judged_alike(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        if let Some(valid) = verdict(&bytes) {
            prop_assert_eq!(Document::parse_lenient(&bytes).is_ok(), valid);
        }
    }

    #[test]
    fn values_read_as_serde_json_reads_them(text in json()) {
        let document = Document::parse_lenient(text.as_bytes()).unwrap();
        assert_same(document.root(), &serde_json::from_str(&text).unwrap());
        prop_assert_eq!(document.root().raw(), text.trim());
    }

    #[test]
    fn every_piece_of_a_text_leads_back_to_its_source(text in string()) {
        let document = Document::parse(text.as_bytes()).unwrap();
        let read = document.root().text().unwrap();
        let decoded = read.as_str();
        let borders: Vec<usize> = (0..=decoded.len()).filter(|at| decoded.is_char_boundary(*at)).collect();
        for (n, from) in borders.iter().enumerate() {
            for to in &borders[n..] {
                let source = format!("\"{}\"", &text[read.source(*from..*to)]);
                let piece = Document::parse(source.as_bytes()).unwrap();
                prop_assert!(piece.root().is(&decoded[*from..*to]));
            }
        }
        prop_assert_eq!(read.source(0..decoded.len()), 1..text.len() - 1);
    }

    #[test]
    fn changes_mean_what_they_say_and_touch_nothing_else(text in json(), changes in changes()) {
        let document = Document::parse_lenient(text.as_bytes()).unwrap();
        let changes = resolved(document.root(), &changes);
        let mut edits = Edits::new();
        for (object, key, value) in &changes {
            match value {
                Some(value) => edits.set(*object, key, value),
                None => edits.remove(*object, key),
            }
        }
        let out = edits.apply(text.as_bytes());
        let after: Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(after, changed(document.root(), &changes), "{}", String::from_utf8_lossy(&out));
        let after = Document::parse_lenient(&out).unwrap();
        assert_untouched(document.root(), after.root(), &changes);
    }

    #[test]
    fn replaced_strings_are_all_that_differs(text in json(), which in any::<u64>()) {
        let document = Document::parse_lenient(text.as_bytes()).unwrap();
        let mut edits = Edits::new();
        let mut expected = String::new();
        let mut copied = 0;
        let mut strings = Vec::new();
        collect_strings(document.root(), &mut strings);
        for (n, node) in strings.into_iter().enumerate() {
            if which >> (n % 64) & 1 == 1 {
                edits.replace(node.span(), "\"*\"");
                expected += &text[copied..node.span().start];
                expected += "\"*\"";
                copied = node.span().end;
            }
        }
        expected += &text[copied..];
        prop_assert_eq!(String::from_utf8(edits.apply(text.as_bytes())).unwrap(), expected);
    }
}

fn collect_strings<'d>(node: Node<'d>, found: &mut Vec<Node<'d>>) {
    found.extend((node.kind() == Kind::String).then_some(node));
    children(node).into_iter().for_each(|child| collect_strings(child, found));
}
