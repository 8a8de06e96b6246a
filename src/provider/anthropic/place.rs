//! Where text stands in messages.

use std::borrow::Cow;

use crate::chat::visit::Place;
use crate::provider::fields::is_foreign;
use crate::wire::json::Node;

/// Texts, and the objects and arrays on the way to them; what is not here is free.
pub(super) fn in_request(path: &[&str], parent: Node<'_>) -> Place {
    match path {
        ["system"] | ["system", "*"] => Place::Text,
        ["system", "*", rest @ ..] => block(rest, parent),
        ["messages"]
        | ["messages", "*"]
        | ["messages", "*", "content"]
        | ["messages", "*", "content", "*"] => Place::Text,
        ["messages", "*", "role"] => Place::Skip,
        ["messages", "*", "content", "*", rest @ ..] => block(rest, parent),
        ["tools"] | ["tools", "*"] => Place::Text,
        ["tools", "*", rest @ ..] => tool(rest),
        ["tool_choice"] | ["tool_choice", "type" | "name"] => Place::Skip,
        ["thinking"] | ["thinking", "type" | "display" | "budget_tokens"] => Place::Skip,
        ["output_config"] | ["output_config", "format"] | ["output_format"] => Place::Text,
        ["output_config", "effort"] | ["output_config", "format", "type"] | ["output_format", "type"] => {
            Place::Skip
        }
        ["output_config", "format", "schema"] | ["output_format", "schema"] => Place::Schema,
        ["stop_sequences"] | ["stop_sequences", "*"] => Place::Text,
        ["metadata", ..] => Place::Free,
        ["model" | "stream" | "max_tokens" | "temperature" | "top_p" | "top_k"]
        | ["service_tier" | "speed" | "inference_geo"] => Place::Skip,
        ["cache_control"] | ["cache_control", "type" | "ttl"] => Place::Skip,
        ["container"] | ["container", "id"] => Place::Skip,
        ["mcp_servers"] | ["mcp_servers", "*"] | ["mcp_servers", "*", "name"] => Place::Text,
        // The token is a credential that is meant for the provider.
        ["mcp_servers", "*", "authorization_token"] => Place::Credential,
        ["mcp_servers", "*", "type"] => Place::Skip,
        _ => Place::Free,
    }
}

pub(super) fn in_response(path: &[&str], parent: Node<'_>) -> Place {
    match path {
        ["content"] | ["content", "*"] | ["content_block"] | ["delta"] | ["message"] => Place::Text,
        ["content", "*", rest @ ..] | ["content_block", rest @ ..] => block(rest, parent),
        ["delta", "partial_json"] => Place::Json,
        ["delta", "text"] | ["delta", "stop_details"] | ["delta", "stop_details", "explanation"] => {
            Place::Text
        }
        ["delta", "thinking" | "signature"] => Place::Opaque,
        ["delta", "type" | "stop_reason"] | ["delta", "stop_details", "type" | "category"] => Place::Skip,
        ["delta", "citation"] => Place::Text,
        ["delta", "citation", rest @ ..] => citation(rest),
        ["stop_details"] | ["stop_details", "explanation"] | ["stop_sequence"] => Place::Text,
        ["stop_details", "type" | "category"] => Place::Skip,
        ["id" | "type" | "role" | "model" | "stop_reason" | "index" | "request_id"] => Place::Skip,
        ["usage" | "container", ..] => Place::Skip,
        ["message", rest @ ..] => in_response(rest, parent),
        _ => Place::Free,
    }
}

fn is_others(signature: Cow<'_, str>) -> bool {
    signature.is_empty() || is_foreign(&signature)
}

/// A block of content: the same kinds stand in turns, in results of tools, in documents and in answers.
fn block(path: &[&str], parent: Node<'_>) -> Place {
    match path {
        ["type" | "id" | "tool_use_id" | "name" | "file_id" | "toolset_name" | "server_name"] => Place::Skip,
        ["tool_name" | "error_code" | "media_type" | "file_type"] => Place::Skip,
        ["text" | "title" | "context" | "stdout" | "stderr"] => Place::Text,
        // Thinking of another provider comes without a signature or with a foreign one, and is text like any other.
        ["thinking"] if parent.get("signature").and_then(|it| it.as_str()).is_none_or(is_others) => {
            Place::Text
        }
        ["thinking" | "signature" | "encrypted_content" | "encrypted_stdout"] => Place::Opaque,
        ["data"] if parent.get("type").is_some_and(|kind| kind.is("redacted_thinking")) => Place::Opaque,
        ["input"] => Place::Free,
        ["content"] | ["content", "*"] | ["tool_references"] | ["tool_references", "*"] | ["tool"] => {
            Place::Text
        }
        ["content" | "tool_references", "*", rest @ ..] | ["content" | "tool", rest @ ..] => {
            block(rest, parent)
        }
        ["source"] | ["source", "content"] | ["source", "content", "*"] => Place::Text,
        ["source", "type" | "media_type" | "file_id"] => Place::Skip,
        ["source", "data"] => match parent.get("type").and_then(|kind| kind.as_str()).as_deref() {
            Some("base64") => Place::Media,
            _ => Place::Text,
        },
        ["source", "url"] => Place::Media,
        ["source", "content", "*", rest @ ..] => block(rest, parent),
        ["citations"] | ["citations", "*"] => Place::Text,
        ["citations", "*", rest @ ..] => citation(rest),
        ["cache_control" | "caller" | "transformations"] => Place::Text,
        ["cache_control", "type" | "ttl"] | ["caller", "type" | "tool_id"] => Place::Skip,
        ["transformations", "oversized_image"] => Place::Skip,
        _ => Place::Free,
    }
}

fn citation(path: &[&str]) -> Place {
    match path {
        ["type" | "file_id"] => Place::Skip,
        ["encrypted_index"] => Place::Opaque,
        _ => Place::Free,
    }
}

fn tool(path: &[&str]) -> Place {
    match path {
        ["name" | "type" | "model"] | ["allowed_callers"] | ["allowed_callers", "*"] => Place::Skip,
        ["description"] => Place::Text,
        ["input_schema"] => Place::Schema,
        ["cache_control"] | ["cache_control", "type" | "ttl"] => Place::Skip,
        ["max_uses" | "max_tokens"] => Place::Skip,
        _ => Place::Free,
    }
}
