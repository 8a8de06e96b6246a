//! Where text stands in chat completions.

use super::signatures::is_signed;
use crate::chat::visit::Place;
use crate::wire::json::Node;

/// Texts, and the objects and arrays on the way to them; what is not here is free.
pub(super) fn in_request(path: &[&str], parent: Node<'_>) -> Place {
    match path {
        ["messages"] | ["messages", "*"] => Place::Text,
        ["messages", "*", rest @ ..] => message(rest, parent),
        ["tools" | "functions"] | ["tools" | "functions", "*"] => Place::Text,
        ["tools", "*", rest @ ..] => tool(rest),
        ["functions", "*", rest @ ..] => function(rest),
        ["response_format", rest @ ..] => response_format(rest),
        ["prediction"] | ["prediction", "content"] | ["prediction", "content", "*"] => Place::Text,
        ["prediction", "type"] => Place::Skip,
        ["prediction", "content", "*", rest @ ..] => part(rest),
        ["stop"] | ["stop", "*"] | ["user" | "safety_identifier" | "prompt_cache_key"] => Place::Text,
        ["metadata", ..] => Place::Free,
        ["data_sources", rest @ ..] => data_source(rest),
        [
            "model" | "stream" | "service_tier" | "reasoning_effort" | "verbosity" | "prompt_cache_retention",
        ]
        | ["temperature" | "top_p" | "top_k" | "n" | "seed" | "presence_penalty" | "frequency_penalty"]
        | ["random_seed" | "safe_prompt" | "prompt_mode" | "min_tokens" | "repetition_penalty" | "min_p"]
        | ["enable_thinking" | "thinking_budget"]
        | ["max_tokens" | "max_completion_tokens" | "top_logprobs"] => Place::Skip,
        ["stream_options"] | ["stream_options", "include_usage" | "include_obfuscation"] => Place::Skip,
        ["audio"] | ["audio", "voice" | "format"] => Place::Skip,
        ["modalities"] | ["modalities", "*"] => Place::Skip,
        ["tool_choice" | "function_call"] => Place::Skip,
        ["tool_choice" | "function_call", .., "type" | "name" | "mode"] => Place::Skip,
        ["tool_choice", ..] => Place::Text,
        ["thinking"] | ["thinking", "type"] | ["reasoning"] | ["reasoning", "effort"] => Place::Skip,
        ["web_search_options"] | ["web_search_options", "user_location"] => Place::Text,
        ["web_search_options", "search_context_size"] | ["web_search_options", "user_location", "type"] => {
            Place::Skip
        }
        _ => Place::Free,
    }
}

pub(super) fn in_response(path: &[&str], parent: Node<'_>) -> Place {
    match path {
        ["choices"] | ["choices", "*"] | ["choices", "*", "message" | "delta"] => Place::Text,
        ["choices", "*", "message" | "delta", rest @ ..] => message(rest, parent),
        ["choices", "*", "index" | "finish_reason" | "native_finish_reason"] => Place::Skip,
        // Single tokens: nothing to be found or put back in them.
        ["choices", "*", "logprobs" | "content_filter_results", ..] => Place::Skip,
        ["choices", "*", "text"] => Place::Text,
        ["id" | "object" | "created" | "model" | "service_tier" | "system_fingerprint" | "provider"] => {
            Place::Skip
        }
        ["usage" | "prompt_filter_results" | "moderation", ..] => Place::Skip,
        ["obfuscation" | "p"] => Place::Skip,
        _ => Place::Free,
    }
}

fn message(path: &[&str], parent: Node<'_>) -> Place {
    match path {
        ["content"] | ["content", "*"] => Place::Text,
        ["content", "*", rest @ ..] => part(rest),
        ["refusal" | "name" | "reasoning_content" | "reasoning"] => Place::Text,
        ["role" | "tool_call_id" | "prefix"] => Place::Skip,
        ["tool_calls"] | ["tool_calls", "*"] | ["tool_calls", "*", "function" | "custom"] => Place::Text,
        ["tool_calls", "*", "id" | "type" | "index"] => Place::Skip,
        ["tool_calls", "*", "function" | "custom", "name"] | ["function_call", "name"] => Place::Skip,
        ["tool_calls", "*", "function", "arguments"] | ["function_call", "arguments"] => Place::Json,
        ["tool_calls", "*", "custom", "input"] | ["function_call"] => Place::Text,
        ["audio"] | ["audio", "transcript"] => Place::Text,
        ["audio", "id" | "expires_at"] => Place::Skip,
        ["audio", "data"] => Place::Media,
        ["reasoning_details"] | ["reasoning_details", "*"] => Place::Text,
        ["reasoning_details", "*", "type" | "format" | "id" | "index"] => Place::Skip,
        ["reasoning_details", "*", "signature" | "data"] => Place::Opaque,
        ["reasoning_details", "*", "text" | "summary"] => {
            if is_signed(parent) {
                Place::Opaque
            } else {
                Place::Text
            }
        }
        ["extra_content"] | ["extra_content", "google"] => Place::Text,
        ["tool_calls", "*", "extra_content"] | ["tool_calls", "*", "extra_content", "google"] => Place::Text,
        ["thought_signature"]
        | ["extra_content", "google", "thought_signature"]
        | ["tool_calls", "*", "extra_content", "google", "thought_signature"] => Place::Opaque,
        _ => Place::Free,
    }
}

fn part(path: &[&str]) -> Place {
    match path {
        ["type"] => Place::Skip,
        ["text" | "refusal"] => Place::Text,
        ["thinking"] | ["thinking", "*"] | ["thinking", "*", "text"] => Place::Text,
        ["thinking", "*", "type"] | ["closed"] => Place::Skip,
        ["signature"] => Place::Opaque,
        ["image_url" | "video_url" | "document_url"] | ["image_url" | "video_url", "url"] => Place::Media,
        ["image_url", "detail"] => Place::Skip,
        ["input_audio"] | ["file"] | ["file", "filename"] => Place::Text,
        ["input_audio", "data"] | ["file", "file_data"] => Place::Media,
        ["input_audio", "format"] | ["file", "file_id"] => Place::Skip,
        // A hint to the cache: whatever else stands in it is read.
        ["cache_control" | "prompt_cache_breakpoint"] => Place::Text,
        ["cache_control" | "prompt_cache_breakpoint", "type" | "ttl" | "mode"] => Place::Skip,
        _ => Place::Free,
    }
}

/// One's own data at Azure, with keys that are meant for it.
fn data_source(path: &[&str]) -> Place {
    match path {
        [] | ["*"] | ["*", "parameters"] | ["*", "parameters", "authentication"] => Place::Text,
        [
            "*",
            "parameters",
            "authentication",
            "key" | "access_token" | "encoded_api_key" | "connection_string",
        ] => Place::Credential,
        _ => Place::Free,
    }
}

fn tool(path: &[&str]) -> Place {
    match path {
        // Of a connector at Mistral.
        ["authorization"] => Place::Text,
        ["authorization", "value"] => Place::Credential,
        ["type"] => Place::Skip,
        ["function" | "custom"] => Place::Text,
        ["function", rest @ ..] => function(rest),
        ["custom", "name"] | ["custom", "format", "type"] | ["custom", "format", "grammar", "syntax"] => {
            Place::Skip
        }
        ["custom", "description"] | ["custom", "format"] | ["custom", "format", "grammar"] => Place::Text,
        ["custom", "format", "grammar", "definition"] => Place::Text,
        _ => Place::Free,
    }
}

fn function(path: &[&str]) -> Place {
    match path {
        ["name" | "strict"] => Place::Skip,
        ["description"] => Place::Text,
        ["parameters"] => Place::Schema,
        _ => Place::Free,
    }
}

fn response_format(path: &[&str]) -> Place {
    match path {
        ["type"] | ["json_schema", "name" | "strict"] => Place::Skip,
        [] | ["json_schema"] | ["json_schema", "description"] => Place::Text,
        ["json_schema", "schema"] => Place::Schema,
        _ => Place::Free,
    }
}
