//! Names: of fields in both spellings, of models in paths, of a model's generation.

use std::borrow::Cow;

use crate::wire::http;
use crate::wire::json::Node;

// ---- fields

/// A field's name in camel case. Servers take `snake_case` too, and callers mix the two.
#[inline(never)]
pub(super) fn camel(name: &str) -> Cow<'_, str> {
    if !name.bytes().skip(1).any(|byte| byte == b'_') {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for (at, letter) in name.char_indices() {
        match letter {
            '_' if at > 0 => upper = true,
            letter if upper => {
                out.push(letter.to_ascii_uppercase());
                upper = false;
            }
            letter => out.push(letter),
        }
    }
    Cow::Owned(out)
}

/// A member by its name in camel case, however it is spelt; nothing for `null`.
#[inline(never)]
pub(super) fn get<'d>(node: Node<'d>, name: &str) -> Option<Node<'d>> {
    let named = |key: Node<'d>| key.as_str().is_some_and(|key| camel(&key) == name);
    node.members().filter(|(key, value)| named(*key) && !value.is_null()).last().map(|(_, value)| value)
}

/// The same at the end of a path.
#[inline(never)]
pub(super) fn at<'d>(node: Node<'d>, path: &[&str]) -> Option<Node<'d>> {
    path.iter().try_fold(node, |node, name| get(node, name))
}

#[inline(never)]
pub(super) fn text(node: Node<'_>, name: &str) -> Option<String> {
    get(node, name)?.as_str().map(|text| text.into_owned())
}

#[inline(never)]
pub(super) fn is_true(node: Node<'_>, name: &str) -> bool {
    get(node, name).and_then(|node| node.as_bool()) == Some(true)
}

/// The members of an object that say something, each with its name as written and in camel case.
pub(super) fn members<'d>(
    node: Node<'d>,
) -> impl Iterator<Item = (Cow<'d, str>, Cow<'static, str>, Node<'d>)> {
    node.members().filter(|(_, value)| !value.is_null()).map(|(key, value)| {
        let name = key.as_str().unwrap_or_default();
        let camel = Cow::Owned(camel(&name).into_owned());
        (name, camel, value)
    })
}

/// An array's elements, or the one thing that stands in its place.
#[inline(never)]
pub(super) fn each<'d>(node: Node<'d>) -> Vec<Node<'d>> {
    if node.kind() == crate::wire::json::Kind::Array { node.items().collect() } else { vec![node] }
}

// ---- paths

/// What a call's path says.
pub(super) struct Call {
    /// Without `models/`; other collections keep theirs: `tunedModels/x`.
    pub model: String,
    pub verb: String,
}

/// `/v1beta/models/MODEL:VERB`, and the same behind a project and a publisher.
pub(super) fn call(path: &str) -> Option<Call> {
    let (collections, last) = path.strip_suffix('/').unwrap_or(path).rsplit_once('/')?;
    let (model, verb) = last.rsplit_once(':')?;
    let model = http::path_text(model);
    let model = match collections.rsplit('/').next()? {
        "models" => model,
        "tunedModels" => format!("tunedModels/{model}"),
        _ => return None,
    };
    (model.len() > model.rfind('/').map_or(0, |at| at + 1)).then(|| Call { model, verb: verb.to_owned() })
}

/// A model as a path names it.
pub(super) fn resource(model: &str) -> String {
    let model = model.strip_prefix("models/").unwrap_or(model);
    match model.strip_prefix("tunedModels/") {
        Some(tuned) => format!("tunedModels/{}", http::percent_encode(tuned)),
        None => format!("models/{}", http::percent_encode(model)),
    }
}

/// Of a call's path, the version and what stands between it and the model: `/v1beta1/projects/p/…/publishers/google`.
/// What servers might read in another way is nothing to build on.
pub(super) fn base(path: &str) -> Option<&str> {
    const VERSIONS: [&str; 4] = ["/v1beta/", "/v1beta1/", "/v1alpha/", "/v1/"];
    let whole = &path[..path.rfind("/models/").or_else(|| path.rfind("/tunedModels/"))?];
    let start = VERSIONS.iter().filter_map(|version| format!("{whole}/").find(version)).min()?;
    http::is_plain_path(path).then(|| whole.get(start..)).flatten()
}

/// Whether a path leads to a publisher's models, as on Vertex AI.
pub(super) fn is_publishers(path: &str) -> bool {
    path.contains("/publishers/")
}

// ---- addresses

/// Google wants to be told what lies at an address. Its name says so, or nothing does.
pub(super) fn media_type(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    Some(match path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "wav" => "audio/wav",
        "mp3" => "audio/mp3",
        _ => return None,
    })
}

// ---- models

/// The version in a model's name: 2.5 of `gemini-2.5-pro`. Names without one mean the newest.
pub(super) fn generation(model: &str) -> (u32, u32) {
    const NEWEST: (u32, u32) = (u32::MAX, 0);
    let name = model.rsplit('/').next().unwrap_or_default();
    let Some(version) = name.strip_prefix("gemini-") else { return NEWEST };
    let version = version.split('-').next().unwrap_or_default();
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    match (major.parse(), minor.parse()) {
        (Ok(major), Ok(minor)) => (major, minor),
        _ => NEWEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_known_by_both_spellings() {
        assert_eq!(camel("inline_data"), "inlineData");
        assert_eq!(camel("parameters_json_schema"), "parametersJsonSchema");
        assert_eq!(camel("_responseJsonSchema"), "_responseJsonSchema");
        assert_eq!(camel("topP"), "topP");
    }

    #[test]
    fn a_path_tells_model_and_verb() {
        let told = |path| call(path).map(|call| (call.model, call.verb));
        let is = |model: &str, verb: &str| Some((model.to_owned(), verb.to_owned()));
        assert_eq!(
            told("/v1beta/models/gemini-2.5-pro:generateContent"),
            is("gemini-2.5-pro", "generateContent")
        );
        assert_eq!(told("/v1/tunedModels/mine:countTokens"), is("tunedModels/mine", "countTokens"));
        assert_eq!(told("/v1beta/models/a%2Db:x"), is("a-b", "x"));
        for other in ["/v1beta/models", "/v1beta/models/m", "/v1beta/models/:x", "/v1beta/files/m:x", ""] {
            assert_eq!(told(other), None, "{other}");
        }
    }

    #[test]
    fn the_way_to_the_model_is_kept_from_the_version_on() {
        assert_eq!(base("/gemini/v1beta/models/m:x"), Some("/v1beta"));
        let vertex = "/v1/projects/p/locations/eu/publishers/google";
        assert_eq!(base(&format!("{vertex}/models/m:x")), Some(vertex));
        assert_eq!(base("/v1/../models/m:x"), None);
        assert_eq!(base("/models/m:x"), None);
    }

    #[test]
    fn generations_are_read_off_the_name() {
        assert_eq!(generation("gemini-2.5-flash-lite"), (2, 5));
        assert_eq!(generation("models/gemini-3-pro-preview"), (3, 0));
        assert!(generation("gemini-flash-latest") > (3, 0) && generation("mine") > (3, 0));
    }
}
