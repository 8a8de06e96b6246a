//! Where text stands in Responses.

use crate::chat::visit::Place;
use crate::wire::json::{Kind, Node};

/// Texts, and the objects and arrays on the way to them; what is not here is free.
pub(super) fn in_request(path: &[&str], parent: Node<'_>) -> Place {
    match path {
        ["input"] | ["input", "*"] => Place::Text,
        ["input", "*", rest @ ..] => item(rest),
        ["background" | "store" | "stream" | "max_output_tokens" | "max_tool_calls"] => Place::Skip,
        ["parallel_tool_calls" | "top_logprobs" | "previous_response_id"] => Place::Skip,
        ["include"] | ["include", "*"] | ["conversation"] | ["conversation", "id"] => Place::Skip,
        ["stream_options"] | ["stream_options", "include_obfuscation"] => Place::Skip,
        ["prompt_cache_options"] => Place::Skip,
        ["prompt_cache_options", "mode" | "ttl" | "prewarm" | "comparison_response_id"] => Place::Skip,
        _ => shared(path, parent),
    }
}

/// A whole answer, or an event of a stream. An answer says again what was asked.
pub(super) fn in_response(path: &[&str], parent: Node<'_>) -> Place {
    match path {
        ["output"] | ["output", "*"] | ["item" | "part" | "response" | "delta"] => Place::Text,
        ["output", "*", rest @ ..] | ["item", rest @ ..] => item(rest),
        ["part", rest @ ..] => part(rest),
        ["response", rest @ ..] => in_response(rest, parent),
        ["delta", "stdout" | "stderr"] => Place::Text,
        ["refusal" | "code" | "transcript"] => Place::Text,
        ["arguments"] => Place::Json,
        ["type" | "sequence_number" | "item_id" | "output_index" | "content_index"] => Place::Skip,
        ["summary_index" | "annotation_index" | "command_index" | "obfuscation"] => Place::Skip,
        ["partial_image_index" | "param"] => Place::Skip,
        ["partial_image_b64"] => Place::Media,
        ["logprobs" | "usage" | "moderation" | "tool_usage" | "billing", ..] => Place::Skip,
        ["error"] | ["error", "message"] | ["message"] => Place::Text,
        ["error", "code" | "type" | "param"] | ["incomplete_details"] | ["incomplete_details", "reason"] => {
            Place::Skip
        }
        ["id" | "object" | "created_at" | "completed_at" | "status"] => Place::Skip,
        ["instructions"] | ["instructions", "*"] | ["output_text"] => Place::Text,
        ["instructions", "*", rest @ ..] => item(rest),
        _ => in_request(path, parent),
    }
}

/// What stands in requests, and again in answers.
fn shared(path: &[&str], parent: Node<'_>) -> Place {
    match path {
        ["instructions"] | ["tools"] | ["tools", "*"] => Place::Text,
        ["tools", "*", rest @ ..] => tool(rest),
        ["text"] | ["text", "format"] | ["text", "format", "description"] => Place::Text,
        ["text", "verbosity"] | ["text", "format", "type" | "name" | "strict"] => Place::Skip,
        ["text", "format", "schema"] => Place::Schema,
        ["prompt"] | ["prompt", "variables"] => Place::Text,
        ["prompt", "id" | "version"] => Place::Skip,
        // A variable is a text, or a part as messages have them.
        ["prompt", "variables", name] => match parent.get(name).map(|value| value.kind()) {
            Some(Kind::Object) => Place::Text,
            _ => Place::Free,
        },
        ["prompt", "variables", _, rest @ ..] => part(rest),
        ["metadata", ..] => Place::Free,
        ["user" | "safety_identifier" | "prompt_cache_key"] => Place::Text,
        ["model" | "service_tier" | "truncation" | "temperature" | "top_p"] => Place::Skip,
        ["frequency_penalty" | "presence_penalty" | "prompt_cache_retention"] => Place::Skip,
        ["reasoning"] | ["reasoning", "effort" | "summary" | "generate_summary" | "context" | "mode"] => {
            Place::Skip
        }
        ["tool_choice"] | ["tool_choice", .., "type" | "name" | "mode" | "server_label"] => Place::Skip,
        ["tool_choice", ..] => Place::Text,
        _ => Place::Free,
    }
}

/// The same kinds of items stand in requests and in answers.
fn item(path: &[&str]) -> Place {
    match path {
        ["type" | "id" | "call_id" | "role" | "status" | "phase" | "name" | "namespace"] => Place::Skip,
        ["server_label" | "approval_request_id" | "container_id" | "execution" | "async"] => Place::Skip,
        ["caller"] | ["caller", "type" | "caller_id"] => Place::Skip,
        ["content" | "summary" | "output"] | ["content" | "summary" | "output", "*"] => Place::Text,
        ["content" | "summary" | "output", "*", rest @ ..] | ["output", rest @ ..] => part(rest),
        ["encrypted_content" | "fingerprint"] => Place::Opaque,
        ["arguments"] => Place::Json,
        ["input" | "code" | "revised_prompt"] => Place::Text,
        // Of an image that was made.
        ["result"] => Place::Media,
        ["queries"] | ["queries", "*"] | ["results"] | ["results", "*"] | ["outputs"] | ["outputs", "*"] => {
            Place::Text
        }
        ["results", "*", "text" | "filename"] | ["outputs", "*", "logs"] => Place::Text,
        ["results", "*", "file_id" | "score"] | ["outputs", "*", "type"] => Place::Skip,
        ["outputs", "*", "url"] => Place::Media,
        ["tools"] | ["tools", "*"] => Place::Text,
        ["tools", "*", rest @ ..] => tool(rest),
        _ => Place::Free,
    }
}

fn part(path: &[&str]) -> Place {
    match path {
        ["type" | "detail" | "file_id"] => Place::Skip,
        ["text" | "refusal" | "transcript" | "filename" | "stdout" | "stderr"] => Place::Text,
        ["image_url" | "file_data" | "file_url"] | ["image_url", "url"] => Place::Media,
        ["input_audio"] => Place::Text,
        ["input_audio", "data"] => Place::Media,
        ["input_audio", "format"] => Place::Skip,
        // Single tokens: nothing to be found or put back in them.
        ["logprobs", ..] => Place::Skip,
        ["outcome"] | ["outcome", "type" | "exit_code"] => Place::Skip,
        ["annotations"] | ["annotations", "*"] => Place::Text,
        ["annotations", "*", "type" | "file_id" | "container_id"] => Place::Skip,
        ["annotations", "*", "index" | "start_index" | "end_index"] => Place::Skip,
        // A hint to the cache: whatever else stands in it is read.
        ["prompt_cache_breakpoint"] => Place::Text,
        ["prompt_cache_breakpoint", "mode" | "ttl"] => Place::Skip,
        _ => Place::Free,
    }
}

fn tool(path: &[&str]) -> Place {
    match path {
        ["name" | "type" | "strict" | "server_label" | "connector_id" | "defer_loading" | "async"] => {
            Place::Skip
        }
        ["allowed_callers" | "vector_store_ids"] | ["allowed_callers" | "vector_store_ids", "*"] => {
            Place::Skip
        }
        ["description" | "server_description"] => Place::Text,
        ["parameters" | "output_schema" | "input_schema"] => Place::Schema,
        // Tokens that are meant for somebody beyond the provider: they are credentials.
        ["authorization"] | ["headers", ..] => Place::Credential,
        ["container" | "environment"] | ["container" | "environment", "network_policy"] => Place::Text,
        ["container" | "environment", "type"] => Place::Skip,
        ["container" | "environment", "network_policy", "domain_secrets"]
        | ["container" | "environment", "network_policy", "domain_secrets", "*"] => Place::Text,
        ["container" | "environment", "network_policy", "domain_secrets", "*", "value"] => Place::Credential,
        ["environment", "skills"]
        | ["environment", "skills", "*"]
        | ["environment", "skills", "*", "source"] => Place::Text,
        ["environment", "skills", "*", "source", "data"] => Place::Media,
        ["format"] | ["format", "definition"] => Place::Text,
        ["format", "type" | "syntax"] => Place::Skip,
        // A name space holds tools.
        ["tools"] | ["tools", "*"] => Place::Text,
        ["tools", "*", rest @ ..] => tool(rest),
        _ => Place::Free,
    }
}
