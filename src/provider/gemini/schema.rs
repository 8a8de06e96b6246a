//! Schemas: Google's own, which are OpenAPI's with types in capitals, and JSON Schema as Google takes it.

use super::names::members;
use crate::provider::build::{Object, list};
use crate::wire::json::{Document, Edits, Kind, Node, quote};

/// Google's own schema as JSON Schema.
pub(super) fn to_json_schema(node: Node<'_>) -> String {
    if node.kind() != Kind::Object {
        return node.raw().to_owned();
    }
    let nullable = super::names::is_true(node, "nullable");
    let typed = super::names::get(node, "type").is_some();
    let mut out = Object::new();
    for (_, name, value) in members(node) {
        let of_schemas = || list(&value.items().map(to_json_schema).collect::<Vec<_>>());
        out = match name.as_ref() {
            "nullable" | "propertyOrdering" => out,
            "type" if value.is("TYPE_UNSPECIFIED") => out,
            "type" => {
                let own = quote(&value.as_str().unwrap_or_default().to_ascii_lowercase());
                out.raw("type", &if nullable { format!("[{own},\"null\"]") } else { own })
            }
            "properties" => out.raw("properties", &schemas_by_name(value)),
            "defs" | "$defs" => out.raw("$defs", &schemas_by_name(value)),
            "ref" => out.raw("$ref", value.raw()),
            "items" | "additionalProperties" => out.raw(&name, &to_json_schema(value)),
            "anyOf" if nullable && !typed => {
                let of = value.items().map(to_json_schema).chain([r#"{"type":"null"}"#.to_owned()]);
                out.raw("anyOf", &list(&of.collect::<Vec<_>>()))
            }
            "anyOf" | "oneOf" | "prefixItems" => out.raw(&name, &of_schemas()),
            // Counts are 64 bits wide, which Google's JSON writes as text.
            "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties" => {
                let count = value.as_str().and_then(|text| text.parse::<u64>().ok());
                out.raw(&name, &count.map_or_else(|| value.raw().to_owned(), |count| count.to_string()))
            }
            _ => out.raw(&quoted_inside(&name), value.raw()),
        };
    }
    out.end()
}

fn schemas_by_name(node: Node<'_>) -> String {
    let each = |out: Object, (key, value): (Node<'_>, Node<'_>)| {
        out.raw(&quoted_inside(&key.as_str().unwrap_or_default()), &to_json_schema(value))
    };
    node.members().fold(Object::new(), each).end()
}

/// A key as it stands between its quotes.
fn quoted_inside(name: &str) -> String {
    let quoted = quote(name);
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

/// JSON Schema as Google takes it: beside a `$ref` nothing may stand but what begins with `$`, and `const` is not
/// looked at where an `enum` of one is. What else Google does not know, it leaves alone. `None` where no object with
/// members is described: an empty one is refused.
pub(super) fn to_google(schema: &str) -> Option<String> {
    let document = Document::parse_lenient(schema.as_bytes()).ok()?;
    let root = document.root();
    let says_something = root.members().any(|(key, value)| {
        !["type", "properties", "required", "additionalProperties", "$schema", "title", "description"]
            .iter()
            .any(|name| key.is(name))
            || key.is("properties") && !value.is_empty()
    });
    let mut edits = Edits::new();
    each(root, &mut |node| {
        if node.get("$ref").is_some() {
            let beside =
                node.members().filter_map(|(key, _)| key.as_str()).filter(|key| !key.starts_with('$'));
            beside.for_each(|key| edits.remove(node, &key));
        } else if let Some(only) = node.get("const") {
            if node.get("enum").is_none() {
                edits.set(node, "enum", &format!("[{}]", only.raw()));
            }
            edits.remove(node, "const");
        }
    });
    let whole = || String::from_utf8_lossy(&edits.apply(schema.as_bytes())).into_owned();
    says_something.then(whole)
}

/// Calls `f` for a schema and for all within it.
fn each<'d>(node: Node<'d>, f: &mut dyn FnMut(Node<'d>)) {
    f(node);
    for (key, value) in node.members() {
        match key.as_str().unwrap_or_default().as_ref() {
            "properties" | "patternProperties" | "$defs" | "definitions" => {
                value.members().for_each(|(_, schema)| each(schema, f));
            }
            "items" | "additionalProperties" if value.kind() == Kind::Object => each(value, f),
            "items" | "prefixItems" | "anyOf" | "oneOf" | "allOf" => {
                value.items().for_each(|schema| each(schema, f));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json_schema(text: &str) -> String {
        to_json_schema(Document::parse(text.as_bytes()).unwrap().root())
    }

    #[test]
    fn googles_types_become_json_schemas() {
        assert_eq!(
            json_schema(
                r#"{"type":"OBJECT","propertyOrdering":["a"],"properties":{"a \"b\"":{"type":"STRING","nullable":true},
                "type":{"type":"ARRAY","min_items":"1","items":{"type":"INTEGER"}}},"required":["type"]}"#
            ),
            r#"{"type":"object","properties":{"a \"b\"":{"type":["string","null"]},"type":{"type":"array","minItems":1,"items":{"type":"integer"}}},"required":["type"]}"#
        );
        assert_eq!(
            json_schema(r#"{"any_of":[{"type":"STRING"}],"nullable":true,"defs":{"x":{"ref":"y"}}}"#),
            r##"{"anyOf":[{"type":"string"},{"type":"null"}],"$defs":{"x":{"$ref":"y"}}}"##
        );
    }

    #[test]
    fn what_google_refuses_is_said_in_another_way() {
        assert_eq!(
            to_google(
                r##"{"type":"object","properties":{"const":{"const":1},"r":{"$ref":"#/$defs/x","description":"D"}},"$defs":{"x":{}}}"##
            )
            .as_deref(),
            Some(
                r##"{"type":"object","properties":{"const":{"enum":[1]},"r":{"$ref":"#/$defs/x"}},"$defs":{"x":{}}}"##
            )
        );
        let plain = r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#;
        assert_eq!(to_google(plain).as_deref(), Some(plain));
        for nothing in [r#"{"type":"object","properties":{}}"#, r#"{"type":"object"}"#, "{}"] {
            assert_eq!(to_google(nothing), None, "{nothing}");
        }
    }
}
