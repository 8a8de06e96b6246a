//! Requests that were written for another model, or that quote what others thought.

use super::models::{always_thinks, continues, effort_of, effort_to_budget, thinks_by_budget};
use crate::chat::{Dialect, Unsupported, is_named};
use crate::provider::build::Object;
use crate::provider::fields::{count_of, is_foreign, text_of, unsigned, unsupported};
use crate::provider::openai::{Part, each_part};
use crate::wire::json::{Edits, Node, quote};

pub(super) fn adapt(
    root: Node<'_>,
    model: &str,
    drop: &[String],
    edits: &mut Edits,
) -> Result<(), Unsupported> {
    let messages = root.get("messages");
    for (index, message) in messages.into_iter().flat_map(|messages| messages.items()).enumerate() {
        each_part(message, index, &mut |block, _| Ok(without_foreign_thoughts(block)), edits)?;
    }
    if root.get("model").is_none_or(|own| own.is(model)) {
        return Ok(());
    }
    thinking(root, model, edits);
    let choice = root.get("tool_choice");
    let forced =
        choice.and_then(|choice| choice.get("type")).is_some_and(|kind| kind.is("any") || kind.is("tool"));
    if forced && always_thinks(model) {
        if !drop.iter().any(|name| is_named(name, "tool_choice")) {
            return Err(unsupported("tool_choice"));
        }
        edits.remove(root, "tool_choice");
    }
    let last = messages.and_then(|messages| messages.items().enumerate().last());
    match last {
        Some((index, turn)) if turn.get("role").is_some_and(|it| it.is("assistant")) && !continues(model) => {
            Err(unsupported(format!("messages[{index}]")))
        }
        _ => Ok(()),
    }
}

/// The API refuses thinking that it has not signed. Tollgate hands on what others sign under a name of its own, which
/// comes back here with the turn.
fn without_foreign_thoughts(block: Node<'_>) -> Part {
    let signature = match text_of(block, "type").as_deref() {
        Some("thinking") => text_of(block, "signature"),
        Some("redacted_thinking") => text_of(block, "data"),
        _ => return Part::AsItIs,
    };
    let Some(value) = signature.filter(|value| !value.is_empty()) else { return Part::Instead(None) };
    if !is_foreign(&value) {
        return Part::AsItIs;
    }
    // Its own, with the text that it signed, because what the caller saw was another.
    let signature = unsigned(value, Dialect::Anthropic);
    let own = signature.covers.as_deref().filter(|_| signature.by == Dialect::Anthropic);
    Part::Instead(own.map(|signed| {
        let block = Object::new().text("type", "thinking").text("thinking", signed);
        block.text("signature", &signature.value).end()
    }))
}

/// Newer models are told an effort, older ones a number of tokens.
fn thinking(root: Node<'_>, model: &str, edits: &mut Edits) {
    let effort = root.path(&["output_config", "effort"]).and_then(|effort| effort.as_str());
    let kind = root.path(&["thinking", "type"]).and_then(|kind| kind.as_str());
    let config = root.get("output_config");
    if thinks_by_budget(model) {
        if let Some(config) = config.filter(|_| effort.is_some()) {
            edits.remove(config, "effort");
        }
        if kind.as_deref() == Some("adaptive") {
            let budget =
                effort_to_budget(effort.as_deref().unwrap_or("medium"), count_of(root, &["max_tokens"]));
            match budget {
                Some(tokens) => {
                    let thinking = format!(r#"{{"type":"enabled","budget_tokens":{tokens}}}"#);
                    edits.set(root, "thinking", &thinking);
                }
                None => edits.remove(root, "thinking"),
            }
        }
    } else if kind.as_deref() == Some("enabled") {
        edits.set(root, "thinking", r#"{"type":"adaptive"}"#);
        if effort.is_none() {
            let effort = quote(effort_of(count_of(root, &["thinking", "budget_tokens"])));
            match config {
                Some(config) => edits.set(config, "effort", &effort),
                None => edits.set(root, "output_config", &format!(r#"{{"effort":{effort}}}"#)),
            }
        }
    } else if kind.as_deref() == Some("disabled") && always_thinks(model) {
        edits.remove(root, "thinking");
    }
}
