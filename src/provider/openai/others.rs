//! What other vendors of chat completions call things, in OpenAI's words.
//!
//! A request may be written for Mistral, Qwen, DeepSeek or OpenRouter, with their SDKs, and go elsewhere. What only
//! has another name there gets OpenAI's; what changes nothing goes; what no other vendor has is refused by its name.

use crate::chat::{Unsupported, is_named};
use crate::provider::fields::{is_default, text_of};
use crate::wire::json::{Document, Edits, Kind, Node, quote};

/// Decides on a field that has no place: `Ok` takes it out.
pub(in crate::provider) type Refuse<'f> = &'f mut dyn FnMut(String) -> Result<(), Unsupported>;

/// What the policy lets go goes; the rest is refused.
pub(in crate::provider) fn unless_dropped(
    drop: &[String],
) -> impl FnMut(String) -> Result<(), Unsupported> + '_ {
    |field| if drop.iter().any(|name| is_named(name, &field)) { Ok(()) } else { Err(Unsupported { field }) }
}

/// Fields of one vendor that change its answer.
const PARTICULAR: [&str; 29] = [
    // Mistral
    "guardrails",
    "min_tokens",
    "prompt_mode",
    "prompt_logprobs",
    "repetition_penalty",
    "safe_prompt",
    "top_prompt_logprobs",
    // DeepSeek
    "thinking",
    // Qwen
    "enable_search",
    "enable_thinking",
    "incremental_output",
    "search_options",
    "thinking_budget",
    "translation_options",
    "vl_high_resolution_images",
    // OpenRouter
    "deferred_tools",
    "image_config",
    "min_p",
    "models",
    "plugins",
    "preset",
    "provider",
    "reasoning",
    "route",
    "stop_server_tools_when",
    "top_a",
    "transforms",
    // Of more than one, and not of OpenAI
    "top_k",
    "chat_template_kwargs",
];

/// Fields of one vendor that change nothing of the answer: caching, accounting, names of its own end users.
const WITHOUT_EFFECT: [&str; 6] = ["cache_control", "debug", "session_id", "trace", "usage", "user_id"];

/// What a vendor remembers of its own thinking. Another one would not read it.
const THOUGHTS: [&str; 3] = ["reasoning", "reasoning_content", "reasoning_details"];

/// `own` are the fields that the target has; those of messages as `messages[].prefix`.
pub(in crate::provider) fn in_openais_words(
    root: Node<'_>,
    own: &[&str],
    refuse: Refuse<'_>,
    edits: &mut Edits,
) -> Result<(), Unsupported> {
    for (key, value) in root.members() {
        let name = key.as_str().unwrap_or_default();
        let name = name.as_ref();
        if own.contains(&name) {
            continue;
        }
        match name {
            "random_seed" => {
                if !value.is_null() {
                    edits.set(root, "seed", value.raw());
                }
                edits.remove(root, name);
            }
            "tool_choice" if value.is("any") => edits.set(root, name, "\"required\""),
            "reasoning" if value.len() == 1 && value.get("effort").is_some() => {
                edits.remove(root, name);
                if let Some(effort) = value.get("effort").filter(|effort| !effort.is_null()) {
                    edits.set(root, "reasoning_effort", effort.raw());
                }
            }
            _ if WITHOUT_EFFECT.contains(&name) => edits.remove(root, name),
            _ if PARTICULAR.contains(&name) => {
                if !says_nothing(name, value) {
                    refuse(name.to_owned())?;
                }
                edits.remove(root, name);
            }
            _ => {}
        }
    }
    foreign_credentials(root, own, refuse, edits)?;
    for (index, message) in root.get("messages").into_iter().flat_map(|node| node.items()).enumerate() {
        turn(message, index, own, refuse, edits)?;
    }
    Ok(())
}

/// What carries a credential for a service beside one vendor: nobody else may have it.
pub(in crate::provider) fn foreign_credentials(
    root: Node<'_>,
    own: &[&str],
    refuse: Refuse<'_>,
    edits: &mut Edits,
) -> Result<(), Unsupported> {
    let sources = root.get("data_sources").filter(|it| !own.contains(&"data_sources") && !it.is_empty());
    if sources.is_some() {
        refuse("data_sources".to_owned())?;
        edits.remove(root, "data_sources");
    }
    for (index, tool) in root.get("tools").into_iter().flat_map(|tools| tools.items()).enumerate() {
        for field in ["authorization", "headers"] {
            if tool.get(field).is_some_and(|credential| !credential.is_null()) {
                refuse(format!("tools[{index}].{field}"))?;
                edits.remove(tool, field);
            }
        }
    }
    Ok(())
}

/// Whether a field says what would be so without it.
pub(in crate::provider) fn says_nothing(name: &str, value: Node<'_>) -> bool {
    match name {
        "repetition_penalty" => is_default(value, 1.0),
        "thinking" => value.get("type").is_some_and(|kind| kind.is("disabled")),
        _ => {
            let empty = matches!(value.kind(), Kind::Array | Kind::Object) && value.is_empty();
            empty || value.as_bool() == Some(false) || is_default(value, 0.0)
        }
    }
}

fn turn(
    message: Node<'_>,
    index: usize,
    own: &[&str],
    refuse: Refuse<'_>,
    edits: &mut Edits,
) -> Result<(), Unsupported> {
    let is_own = |field: &str| own.iter().any(|own| own.strip_prefix("messages[].") == Some(field));
    let there = |field: &str| message.get(field).filter(|_| !is_own(field));
    for field in THOUGHTS {
        if there(field).is_some() {
            edits.remove(message, field);
        }
    }
    if let Some(prefix) = there("prefix") {
        if prefix.as_bool() == Some(true) {
            refuse(format!("messages[{index}].prefix"))?;
        }
        edits.remove(message, "prefix");
    }
    for call in message.get("tool_calls").into_iter().flat_map(|calls| calls.items()) {
        // The second holds what a provider signed.
        for field in ["index", "extra_content"] {
            if call.get(field).is_some() && !is_own(&format!("tool_calls[].{field}")) {
                edits.remove(call, field);
            }
        }
        let arguments = call.path(&["function", "arguments"]);
        if let Some(arguments) = arguments.filter(|node| node.kind() == Kind::Object) {
            edits.replace(arguments.span(), quote(arguments.raw()));
        }
    }
    each_part(message, index, &mut |item, path| part(item, path, is_own("content[].thinking"), refuse), edits)
}

/// Puts something else, or nothing, in the place of parts of a turn's content.
pub(in crate::provider) fn each_part(
    message: Node<'_>,
    index: usize,
    other: &mut dyn FnMut(Node<'_>, &str) -> Result<Part, Unsupported>,
    edits: &mut Edits,
) -> Result<(), Unsupported> {
    let Some(content) = message.get("content").filter(|content| content.kind() == Kind::Array) else {
        return Ok(());
    };
    let mut changed = false;
    let mut parts: Vec<String> = Vec::with_capacity(content.len());
    for (number, item) in content.items().enumerate() {
        match other(item, &format!("messages[{index}].content[{number}]"))? {
            Part::AsItIs => parts.push(item.raw().to_owned()),
            Part::Instead(text) => {
                changed = true;
                parts.extend(text);
            }
        }
    }
    if changed {
        edits.replace(content.span(), format!("[{}]", parts.join(",")));
    }
    Ok(())
}

pub(in crate::provider) enum Part {
    AsItIs,
    /// Nothing, or this.
    Instead(Option<String>),
}

fn part(part: Node<'_>, path: &str, thinks: bool, refuse: Refuse<'_>) -> Result<Part, Unsupported> {
    let kind = text_of(part, "type").unwrap_or_default();
    let text = |key: &str| part.get(key).and_then(|node| node.as_str());
    let field = match kind.as_str() {
        "thinking" if thinks => return Ok(Part::AsItIs),
        "thinking" => return Ok(Part::Instead(None)),
        "image_url" => match text("image_url") {
            Some(url) => {
                let image = format!(r#"{{"type":"image_url","image_url":{{"url":{}}}}}"#, quote(&url));
                return Ok(Part::Instead(Some(image)));
            }
            None => return Ok(Part::AsItIs),
        },
        "document_url" => match text("document_url").filter(|url| url.starts_with("data:")) {
            Some(data) => {
                let name = text("document_name").unwrap_or("document.pdf".into());
                let file = format!(r#"{{"filename":{},"file_data":{}}}"#, quote(&name), quote(&data));
                return Ok(Part::Instead(Some(format!(r#"{{"type":"file","file":{file}}}"#))));
            }
            None => "document_url",
        },
        "file" if part.get("file_id").is_some() => "file_id",
        // The format is not said.
        "input_audio" if text("input_audio").is_some() => "input_audio",
        "reference" => "reference_ids",
        _ => return Ok(Part::AsItIs),
    };
    refuse(format!("{path}.{field}"))?;
    Ok(Part::Instead(None))
}

/// The same for a request that is read: in OpenAI's words, and what has no place in them. `None` if it has none of
/// these fields.
pub(super) fn for_reading(root: Node<'_>) -> Option<(Vec<u8>, Vec<String>)> {
    // The reader knows these.
    const READ: [&str; 7] = [
        "cache_control",
        "top_k",
        "messages[].reasoning",
        "messages[].reasoning_content",
        "messages[].reasoning_details",
        "messages[].content[].thinking",
        "messages[].tool_calls[].extra_content",
    ];
    let edited = |root: Node<'_>, unsupported: &mut Vec<String>| {
        let mut edits = Edits::new();
        let mut refuse = |field| {
            unsupported.push(field);
            Ok(())
        };
        let _ = in_openais_words(root, &READ, &mut refuse, &mut edits);
        edits
    };
    if edited(root, &mut Vec::new()).is_empty() {
        return None;
    }
    let text = root.raw().as_bytes();
    let document = Document::parse_lenient(text).ok()?;
    let mut unsupported = Vec::new();
    let edits = edited(document.root(), &mut unsupported);
    Some((edits.apply(text), unsupported))
}
