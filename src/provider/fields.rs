//! What the codecs share for reading one field and for writing one.

use serde_json::value::RawValue;

use super::VENDORS;
use super::build::Object;
use crate::chat::{Dialect, Malformed, Media, Signature, ToolCall, Unsupported};
use crate::wire::json::{Document, Kind, Node, quote};

pub(super) fn malformed(field: impl Into<String>, expected: &'static str) -> Malformed {
    Malformed { field: field.into(), expected }
}

pub(super) fn object(node: Node<'_>, field: &str) -> Result<(), Malformed> {
    if node.kind() == Kind::Object { Ok(()) } else { Err(malformed(field, "an object")) }
}

pub(super) fn array(node: Node<'_>, field: &str) -> Result<(), Malformed> {
    if node.kind() == Kind::Array { Ok(()) } else { Err(malformed(field, "an array")) }
}

pub(super) fn string(node: Node<'_>, field: &str) -> Result<String, Malformed> {
    node.as_str().map(|text| text.into_owned()).ok_or_else(|| malformed(field, "a string"))
}

pub(super) fn boolean(node: Node<'_>, field: &str) -> Result<bool, Malformed> {
    node.as_bool().ok_or_else(|| malformed(field, "true or false"))
}

pub(super) fn count(node: Node<'_>, field: &str) -> Result<u64, Malformed> {
    node.as_u64().ok_or_else(|| malformed(field, "a whole number"))
}

/// A number as it is spelt.
pub(super) fn number(node: Node<'_>, field: &str) -> Result<String, Malformed> {
    if node.kind() == Kind::Number { Ok(node.raw().to_owned()) } else { Err(malformed(field, "a number")) }
}

/// The member, unless it is absent, null or not a string.
pub(super) fn text_of(node: Node<'_>, key: &str) -> Option<String> {
    node.get(key)?.as_str().map(|text| text.into_owned())
}

/// The member as a count, 0 if there is none.
pub(super) fn count_of(node: Node<'_>, path: &[&str]) -> u64 {
    node.path(path).and_then(|node| node.as_u64()).unwrap_or(0)
}

/// Whether a field says what would be so without it. Compared as a number where it is one.
pub(super) fn is_default(node: Node<'_>, number: f64) -> bool {
    node.is_null() || node.as_f64() == Some(number)
}

/// A web address, or a `data:` URI taken apart.
pub(super) fn media(uri: &str) -> Media {
    let inline = uri.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((kind, data)) => Media::Base64 {
            media_type: kind.split(';').next().unwrap_or_default().to_owned(),
            data: data.to_owned(),
        },
        None => Media::Url(uri.to_owned()),
    }
}

pub(super) fn uri(media: &Media) -> String {
    match media {
        Media::Url(url) => url.clone(),
        Media::Base64 { media_type, data } => format!("data:{media_type};base64,{data}"),
    }
}

/// JSON source, to be written as it is; `None` if it is not JSON.
pub(super) fn raw(json: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(json.to_owned()).ok()
}

/// How long a hint asks to cache for; empty where it does not say.
pub(super) fn cache_hint(node: Node<'_>) -> Option<String> {
    node.get("type")?.is("ephemeral").then(|| text_of(node, "ttl").unwrap_or_default())
}

/// The same, to be written.
pub(super) fn cache_control(ttl: &str) -> Option<Box<RawValue>> {
    let ttl = Some(ttl).filter(|ttl| !ttl.is_empty()).map(quote);
    raw(&Object::new().text("type", "ephemeral").maybe("ttl", ttl.as_deref()).end())
}

/// A number as it was spelt.
pub(super) fn raw_number(spelling: &Option<String>) -> Option<Box<RawValue>> {
    spelling.as_deref().and_then(raw)
}

/// The arguments of a call as an object; no arguments are the empty one. `None` if they are anything else.
pub(super) fn arguments(call: &ToolCall) -> Option<Box<RawValue>> {
    let text = call.arguments.trim();
    if text.is_empty() {
        return raw("{}");
    }
    let document = Document::parse_lenient(text.as_bytes()).ok()?;
    (document.root().kind() == Kind::Object).then(|| raw(text)).flatten()
}

pub(super) fn unsupported(field: impl Into<String>) -> Unsupported {
    Unsupported { field: field.into() }
}

/// Writes a value that cannot fail to be written: structs of strings, numbers and JSON that was checked.
pub(super) fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// A signature as a caller of `own`'s API gets it. One of another vendor's says whose it is, so that it finds its way
/// back when the caller sends the turn again, and never reaches who cannot read it. Where the text beside it is not
/// what was signed, that goes along.
pub(super) fn signed(signature: &Signature, own: Dialect) -> String {
    if signature.by == own && signature.covers.is_none() {
        return signature.value.clone();
    }
    let by = super::vendor(signature.by).map_or("", |vendor| vendor.name());
    let covers = signature.covers.as_deref().map_or_else(String::new, |text| format!("\n{text}"));
    format!("{FOREIGN}{by}:{}{covers}", signature.value)
}

/// The same in an API whose callers may send `text` back edited: what another vendor signed always goes along.
pub(super) fn sealed(signature: &Signature, text: &str, own: Dialect) -> String {
    if signature.by == own || signature.covers.is_some() || text.is_empty() {
        return signed(signature, own);
    }
    signed(&Signature { covers: Some(text.to_owned()), ..signature.clone() }, own)
}

/// The other way round: `text` as a caller of `own`'s API sends it back.
pub(super) fn unsigned(text: String, own: Dialect) -> Signature {
    let foreign = text.strip_prefix(FOREIGN).and_then(|rest| rest.split_once(':'));
    let by = |name: &str| VENDORS.iter().find(|vendor| vendor.name() == name).map(|vendor| vendor.dialect());
    let Some((by, value)) = foreign.and_then(|(name, value)| Some((by(name)?, value))) else {
        return Signature::new(own, text);
    };
    match value.split_once('\n') {
        Some((value, covers)) => Signature { covers: Some(covers.to_owned()), ..Signature::new(by, value) },
        None => Signature::new(by, value),
    }
}

/// Whether a signature names its provider: nobody but us reads it, and the text beside it may be edited.
pub(super) fn is_foreign(signature: &str) -> bool {
    signature.starts_with(FOREIGN)
}

/// What Anthropic encrypted whole, and no signature of a text. None of its own has a colon.
pub(super) const REDACTED: &str = "redacted:";

const FOREIGN: &str = "tollgate:";

/// A field of the neutral conversation under the names of another API, without its indexes. `names` are pairs of what it
/// begins with here and there, the longest of each beginning first.
pub(super) fn renamed(field: &str, names: &[(&str, &str)]) -> String {
    let mut bare = String::with_capacity(field.len());
    let mut inside = false;
    for char in field.chars() {
        inside &= char != ']';
        if !inside {
            bare.push(char);
        }
        inside |= char == '[';
    }
    let found = names.iter().find_map(|(here, there)| {
        let rest = bare.strip_prefix(here)?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then_some((there, rest))
    });
    found.map_or_else(|| bare.clone(), |(there, rest)| format!("{there}{rest}"))
}
