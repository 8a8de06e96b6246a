//! What a turn is made of, as messages have it.

use serde::Serialize;
use serde_json::value::RawValue;

use super::signatures::redacted;
use crate::chat::{Dialect, Media, Part, Unsupported};
use crate::provider::fields::{cache_control, unsupported};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'r> {
    Text {
        text: &'r str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Box<RawValue>>,
    },
    Image {
        source: Source<'r>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Box<RawValue>>,
    },
    Document {
        source: Source<'r>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'r str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Box<RawValue>>,
    },
    ToolUse {
        id: &'r str,
        name: &'r str,
        input: Box<RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Box<RawValue>>,
    },
    ToolResult {
        tool_use_id: &'r str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Block<'r>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Box<RawValue>>,
    },
    Thinking {
        thinking: &'r str,
        signature: &'r str,
    },
    RedactedThinking {
        data: &'r str,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'r> {
    Base64 { media_type: &'r str, data: &'r str },
    Url { url: &'r str },
}

pub(super) fn block<'r>(part: &'r Part, path: &dyn Fn() -> String) -> Result<Option<Block<'r>>, Unsupported> {
    Ok(Some(match part {
        // Empty texts are refused by the API, and say nothing.
        Part::Text(text) | Part::Refusal(text) if text.is_empty() => return Ok(None),
        Part::Text(text) | Part::Refusal(text) => Block::Text { text, cache_control: None },
        Part::Image(media) => Block::Image { source: source(media), cache_control: None },
        Part::Audio(_) => return Err(unsupported(format!("{}.input_audio", path()))),
        Part::Document { media: Media::Base64 { media_type, .. }, .. } if media_type != "application/pdf" => {
            return Err(unsupported(format!("{}.file", path())));
        }
        Part::Document { media, name } => {
            Block::Document { source: source(media), title: name.as_deref(), cache_control: None }
        }
        Part::ToolResult { id, parts, is_error } => {
            let mut content = Vec::new();
            for part in parts {
                content.extend(block(part, path)?);
            }
            Block::ToolResult { tool_use_id: id, content, is_error: *is_error, cache_control: None }
        }
        Part::Thinking { text, signature: Some(signature) } if signature.by == Dialect::Anthropic => {
            match redacted(signature) {
                Some(data) => Block::RedactedThinking { data },
                None => Block::Thinking { thinking: signature.signs(text), signature: &signature.value },
            }
        }
        Part::Thinking { .. } | Part::ToolCall(_) | Part::CacheHint(_) => return Ok(None),
    }))
}

fn source(media: &Media) -> Source<'_> {
    match media {
        Media::Url(url) => Source::Url { url },
        Media::Base64 { media_type, data } => Source::Base64 { media_type, data },
    }
}

/// Thinking has no place for a hint.
pub(super) fn cache(block: Option<&mut Block<'_>>, ttl: &str) {
    match block {
        Some(
            Block::Text { cache_control: hint, .. }
            | Block::Image { cache_control: hint, .. }
            | Block::Document { cache_control: hint, .. }
            | Block::ToolUse { cache_control: hint, .. }
            | Block::ToolResult { cache_control: hint, .. },
        ) => *hint = cache_control(ttl),
        Some(Block::Thinking { .. } | Block::RedactedThinking { .. }) | None => {}
    }
}
