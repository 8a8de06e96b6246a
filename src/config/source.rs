//! The bytes of a document, in whichever form they arrive, as one neutral tree.
//!
//! Envoy hands a plugin's configuration over as the serialised `google.protobuf.Struct` that its YAML was read
//! into, or as the text of a `StringValue`; a file holds YAML or JSON. Which one it is can be seen: a Struct begins
//! with the tag of its first entry (0x0A, which in text is a line break) and has control characters, and neither
//! YAML nor JSON may hold those. JSON is read as the YAML that it is, so that a key written twice is found in both.
//!
//! A scalar keeps the text it was written with: money is never rounded by a float, and Envoy's habit of handing
//! some numbers over as strings makes no difference.

use std::collections::BTreeMap;

use prost::Message;
use prost_types::{Struct, Value, value::Kind};

use super::error::Error;
use super::units;
use super::yaml;

/// The bound of a document, in bytes.
const LARGEST: usize = 4 << 20;

/// A document with no meaning yet. Maps are in the order of their keys: a Struct knows no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    Null,
    Bool(bool),
    /// As it was written.
    Number(String),
    Text(String),
    List(Vec<Tree>),
    Map(BTreeMap<String, Tree>),
}

impl Tree {
    pub(super) fn get(&self, key: &str) -> Option<&Tree> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same bytes for documents that mean the same, whatever they were delivered as.
    pub(super) fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_canonical(&mut out);
        out
    }

    fn write_canonical(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(b'n'),
            Self::Bool(value) => write_scalar(if *value { "true" } else { "false" }, out),
            Self::Number(text) | Self::Text(text) => match units::canonical_number(text) {
                Some(number) => write_scalar(&number, out),
                None => write_scalar(text, out),
            },
            Self::List(items) => {
                out.push(b'[');
                items.iter().for_each(|item| item.write_canonical(out));
                out.push(b']');
            }
            Self::Map(map) => {
                out.push(b'{');
                for (key, value) in map.iter().filter(|(_, value)| **value != Self::Null) {
                    write_scalar(key, out);
                    value.write_canonical(out);
                }
                out.push(b'}');
            }
        }
    }
}

fn write_scalar(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{}:", text.len()).as_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Reads one document. Keys written twice are reported beside the tree, so that the rest can be checked too.
pub(super) fn read(bytes: &[u8], errors: &mut Vec<Error>) -> Option<Tree> {
    match read_form(bytes, errors) {
        Ok(tree) => Some(unwrap(tree, errors)),
        Err(error) => {
            errors.push(error);
            None
        }
    }
}

fn read_form(bytes: &[u8], errors: &mut Vec<Error>) -> Result<Tree, Error> {
    if bytes.len() > LARGEST {
        return Err(whole(format!("the policy has {} bytes; at most {LARGEST} are read", bytes.len())));
    }
    if is_struct(bytes) {
        let message = Struct::decode(bytes)
            .map_err(|_| whole("the policy is neither text nor a google.protobuf.Struct"))?;
        return Ok(from_struct(message));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| whole(format!("the policy is not UTF-8: byte {} is wrong", error.valid_up_to())))?;
    from_text(text, errors)
}

fn from_text(text: &str, errors: &mut Vec<Error>) -> Result<Tree, Error> {
    let mut documents = yaml::read(text, errors)?.into_iter();
    match (documents.next(), documents.len()) {
        (None | Some(Tree::Null), 0) => Err(whole("the policy is empty")),
        (Some(tree), 0) => Ok(tree),
        (_, more) => Err(whole(format!("expected one YAML document, found {}", more + 1))),
    }
}

/// A policy still in the wrapping of a `google.protobuf.Any`, as it stands in a copied piece of configuration.
fn unwrap(tree: Tree, errors: &mut Vec<Error>) -> Tree {
    if tree.get("@type").and_then(Tree::as_text).is_none() {
        return tree;
    }
    match tree.get("value") {
        Some(Tree::Text(text)) => from_text(text, errors).unwrap_or_else(|error| {
            errors.push(error);
            Tree::Null
        }),
        Some(inner @ Tree::Map(_)) => inner.clone(),
        _ => tree,
    }
}

fn is_struct(bytes: &[u8]) -> bool {
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    bytes.first() == Some(&0x0A) && bytes.iter().any(control)
}

/// The depth is bounded by the decoder.
fn from_struct(message: Struct) -> Tree {
    Tree::Map(message.fields.into_iter().map(|(key, value)| (key, from_value(value))).collect())
}

fn from_value(value: Value) -> Tree {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Tree::Null,
        Some(Kind::BoolValue(value)) => Tree::Bool(value),
        // The shortest text that reads back as this double: what was written, up to 15 digits.
        Some(Kind::NumberValue(value)) => Tree::Number(value.to_string()),
        Some(Kind::StringValue(text)) => Tree::Text(text),
        Some(Kind::ListValue(list)) => Tree::List(list.values.into_iter().map(from_value).collect()),
        Some(Kind::StructValue(inner)) => from_struct(inner),
    }
}

fn whole(message: impl Into<String>) -> Error {
    Error { path: String::new(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Tree {
        let mut errors = Vec::new();
        let tree = read(text.as_bytes(), &mut errors).expect("a tree");
        assert_eq!(errors, []);
        tree
    }

    #[test]
    fn yaml_json_and_the_wrapping_of_an_any_are_the_same_document() {
        let yaml = text("\nversion: 1\na: {b: [x, 2.50, true, null]}\n");
        let json = text("{\"version\": 1,\n\t\"a\": {\"b\": [\"x\", 2.50, true, null]}}");
        assert_eq!(yaml, json);
        let any = text(
            "'@type': type.googleapis.com/google.protobuf.StringValue\nvalue: |\n  version: 1\n  a: {b: [x, 2.50, true, null]}\n",
        );
        assert_eq!(yaml, any);
    }

    #[test]
    fn a_number_and_its_text_have_one_canonical_form() {
        assert_eq!(
            text("{a: 0.5, b: 50, c: true, d: null}").canonical(),
            text("{a: '0.5', b: 50.0, c: 'true'}").canonical()
        );
        assert_ne!(text("{a: [b]}").canonical(), text("{a: b}").canonical());
        assert_ne!(text("{a: '1:b'}").canonical(), text("{a: {b: ''}}").canonical());
    }

    #[test]
    fn what_is_no_document_says_what_it_is() {
        for (bytes, expected) in [
            (&b""[..], "the policy is empty"),
            (b"# nothing\n", "the policy is empty"),
            (b"a: 1\n---\nb: 2\n", "expected one YAML document, found 2"),
            (b"\x0a\x05\x01", "the policy is neither text nor a google.protobuf.Struct"),
            (b"a: \xff", "the policy is not UTF-8: byte 3 is wrong"),
        ] {
            let mut errors = Vec::new();
            assert_eq!(read(bytes, &mut errors), None);
            assert_eq!(errors.first().map(|error| error.message.as_str()), Some(expected));
        }
    }
}
