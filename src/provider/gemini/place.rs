//! Where text stands in requests and answers.

use std::borrow::Cow;

use super::names::camel;
use crate::chat::visit::Place;

/// Texts, and the objects and arrays on the way to them; what is not here is free.
pub(super) fn in_request(path: &[&str]) -> Place {
    spelt(path, request)
}

/// An answer, an element of a stream, or a count of tokens.
pub(super) fn in_response(path: &[&str]) -> Place {
    spelt(path, response)
}

/// A request for vectors: one, or a batch of them.
pub(super) fn in_embedding(path: &[&str]) -> Place {
    spelt(path, |path| match path {
        ["requests"] | ["requests", "*"] => Place::Text,
        ["requests", "*", rest @ ..] => embedding(rest),
        path => embedding(path),
    })
}

fn embedding(path: &[&str]) -> Place {
    match path {
        ["content", rest @ ..] => content(rest),
        ["title"] => Place::Text,
        ["model" | "taskType" | "outputDimensionality" | "autoTruncate"] => Place::Skip,
        _ => Place::Free,
    }
}

/// Asks for a path in camel case, however it is spelt.
fn spelt(path: &[&str], place: fn(&[&str]) -> Place) -> Place {
    if !path.iter().any(|name| name.contains('_')) {
        return place(path);
    }
    let names: Vec<Cow<'_, str>> = path.iter().map(|name| camel(name)).collect();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    place(&names)
}

fn request(path: &[&str]) -> Place {
    match path {
        ["contents"] | ["contents", "*"] | ["systemInstruction"] => Place::Text,
        ["contents", "*", rest @ ..] | ["contents" | "systemInstruction", rest @ ..] => content(rest),
        ["tools"] | ["tools", "*"] => Place::Text,
        ["tools", "*", rest @ ..] | ["tools", rest @ ..] => tool(rest),
        ["toolConfig"] | ["toolConfig", "includeServerSideToolInvocations"] => Place::Skip,
        ["toolConfig", "functionCallingConfig"]
        | ["toolConfig", "functionCallingConfig", "mode" | "streamFunctionCallArguments"]
        | ["toolConfig", "functionCallingConfig", "allowedFunctionNames", ..] => Place::Skip,
        ["safetySettings"] | ["safetySettings", "*"] => Place::Skip,
        ["safetySettings", "*", "category" | "threshold" | "method"] => Place::Skip,
        ["generationConfig", rest @ ..] => config(rest),
        ["model" | "cachedContent" | "serviceTier" | "store"] => Place::Skip,
        ["continuationToken"] => Place::Opaque,
        // Of a count of tokens: a whole request.
        ["generateContentRequest"] => Place::Text,
        ["generateContentRequest", rest @ ..] => request(rest),
        _ => Place::Free,
    }
}

fn response(path: &[&str]) -> Place {
    match path {
        ["candidates"] | ["candidates", "*"] | ["candidates", "*", "content"] => Place::Text,
        ["candidates", "*", "content", rest @ ..] => content(rest),
        ["candidates", "*", "index" | "finishReason" | "avgLogprobs" | "tokenCount"] => Place::Skip,
        // Single tokens: nothing to be found or put back in them.
        ["candidates", "*", "safetyRatings" | "logprobsResult", ..] => Place::Skip,
        ["candidates", "*", "finishMessage"] => Place::Text,
        ["candidates", "*", "groundingMetadata", .., "sdkBlob"] => Place::Media,
        ["candidates", "*", "groundingMetadata" | "citationMetadata" | "urlContextMetadata", ..] => {
            Place::Text
        }
        ["candidates", "*", "continuationToken"] => Place::Opaque,
        ["promptFeedback"] | ["promptFeedback", "blockReasonMessage"] => Place::Text,
        ["promptFeedback", ..] | ["usageMetadata", ..] => Place::Skip,
        ["modelVersion" | "responseId" | "createTime"] => Place::Skip,
        ["modelStatus"] | ["modelStatus", "message"] => Place::Text,
        ["modelStatus", ..] => Place::Skip,
        ["totalTokens" | "totalBillableCharacters" | "cachedContentTokenCount"] => Place::Skip,
        ["promptTokensDetails" | "cacheTokensDetails", ..] => Place::Skip,
        _ => Place::Free,
    }
}

/// A turn. Where it holds one part only, some clients leave out the array.
fn content(path: &[&str]) -> Place {
    match path {
        [] | ["parts"] | ["parts", "*"] => Place::Text,
        ["role"] => Place::Skip,
        ["parts", "*", rest @ ..] | ["parts", rest @ ..] => part(rest),
        _ => Place::Free,
    }
}

/// The same parts stand in turns, in results of functions and in answers. A thought is text like any other: what was
/// put back in it is taken out again to the same bytes, so that its signature still fits.
fn part(path: &[&str]) -> Place {
    match path {
        ["text"] => Place::Text,
        ["thought" | "mediaProcessing"] => Place::Skip,
        ["thoughtSignature"] => Place::Opaque,
        ["inlineData" | "fileData"] => Place::Text,
        ["inlineData" | "fileData", "displayName"] => Place::Text,
        ["inlineData" | "fileData", "mimeType"] => Place::Skip,
        ["inlineData", "data"] | ["fileData", "fileUri"] => Place::Media,
        ["functionCall" | "functionResponse" | "toolCall" | "toolResponse"] => Place::Text,
        ["functionCall" | "functionResponse", "id" | "name" | "willContinue" | "scheduling"] => Place::Skip,
        ["toolCall" | "toolResponse", "id" | "toolType"] => Place::Skip,
        ["functionCall", "partialArgs"] | ["functionCall", "partialArgs", "*"] => Place::Text,
        ["functionCall", "partialArgs", "*", "stringValue"] => Place::Text,
        ["functionCall", "partialArgs", "*", "jsonPath" | "nullValue"] => Place::Skip,
        ["functionResponse", "parts"] | ["functionResponse", "parts", "*"] => Place::Text,
        ["functionResponse", "parts", "*", rest @ ..] => part(rest),
        ["executableCode" | "codeExecutionResult"] => Place::Text,
        ["executableCode", "code"] | ["codeExecutionResult", "output"] => Place::Text,
        ["executableCode" | "codeExecutionResult", "id" | "language" | "outcome"] => Place::Skip,
        ["videoMetadata" | "audioMetadata" | "mediaResolution", ..] => Place::Skip,
        ["documentMetadata" | "spreadsheetMetadata", ..] => Place::Skip,
        ["audioTranscription", .., "languageCode" | "startOffset" | "endOffset"] => Place::Skip,
        ["audioTranscription" | "speechMetadata", ..] => Place::Text,
        _ => Place::Free,
    }
}

/// Some tools carry credentials that are meant for whom they call.
fn tool(path: &[&str]) -> Place {
    match path {
        ["functionDeclarations"] | ["functionDeclarations", "*"] => Place::Text,
        ["functionDeclarations", "*", "name" | "behavior"] => Place::Skip,
        ["functionDeclarations", "*", "description"] => Place::Text,
        [
            "functionDeclarations",
            "*",
            "parameters" | "parametersJsonSchema" | "response" | "responseJsonSchema",
        ] => Place::Schema,
        ["googleMaps", "authConfig", ..] | ["retrieval", "externalApi", "authConfig" | "apiAuth", ..] => {
            Place::Credential
        }
        ["exaAiSearch" | "parallelAiSearch", "apiKey"] => Place::Credential,
        ["mcpServers", "*", "streamableHttpTransport", "headers", ..] => Place::Credential,
        ["mcpServers"] | ["mcpServers", "*"] | ["mcpServers", "*", "name" | "streamableHttpTransport"] => {
            Place::Text
        }
        ["mcpServers", "*", "streamableHttpTransport", "timeout" | "sseReadTimeout"] => Place::Skip,
        ["googleMaps" | "exaAiSearch" | "parallelAiSearch" | "retrieval"] => Place::Text,
        ["retrieval", "externalApi"] => Place::Text,
        ["googleSearch" | "codeExecution" | "urlContext" | "googleSearchRetrieval" | "fileSearch"] => {
            Place::Text
        }
        ["fileSearch", "fileSearchStoreNames", ..] => Place::Skip,
        ["computerUse"] | ["computerUse", "environment"] => Place::Skip,
        _ => Place::Free,
    }
}

fn config(path: &[&str]) -> Place {
    match path {
        [] => Place::Text,
        ["temperature" | "topP" | "topK" | "candidateCount" | "maxOutputTokens" | "seed"] => Place::Skip,
        ["presencePenalty" | "frequencyPenalty" | "responseLogprobs" | "logprobs"] => Place::Skip,
        ["responseMimeType" | "mediaResolution" | "audioTimestamp"] => Place::Skip,
        ["responseModalities" | "thinkingConfig" | "routingConfig" | "modelSelectionConfig", ..] => {
            Place::Skip
        }
        ["stopSequences"] | ["stopSequences", "*"] => Place::Text,
        ["responseSchema" | "responseJsonSchema" | "_responseJsonSchema"] => Place::Schema,
        ["responseFormat", .., "schema"] => Place::Schema,
        ["responseFormat", ..] => Place::Skip,
        ["speechConfig", .., "voiceSampleAudio" | "consentAudio"] => Place::Media,
        ["speechConfig", .., "signature"] => Place::Opaque,
        ["speechConfig", ..] => Place::Text,
        _ => Place::Free,
    }
}
