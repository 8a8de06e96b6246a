//! A request to generate content into the neutral conversation.
//!
//! A field goes one of four ways:
//!
//! - it has its place in [`Request`];
//! - it says what would be so without it (`temperature: 1`, `responseModalities: ["TEXT"]`, `serviceTier: "standard"`);
//! - it has no effect on the answer: `store: false`, `labels`, `mediaResolution`, whether arguments are streamed;
//! - it goes to [`Request::unsupported`], by its path as the caller spelt it. So does every field and every kind of
//!   part that is not known, such as Google's own tools, safety settings, and content that Google keeps.

use super::names::{at, each, get, is_true, members, text};
use super::read_turns;
use super::schema::to_json_schema;
use crate::chat::{Format, Malformed, Request, Tool, ToolChoice};
use crate::provider::fields::{array, count, is_default, malformed, number, object, string};
use crate::wire::json::{Kind, Node};

/// `model` and `stream` are what the path says.
pub(super) fn request(model: &str, stream: bool, root: Node<'_>) -> Result<Request, Malformed> {
    object(root, "")?;
    let mut request = Request { model: model.to_owned(), stream, stream_usage: true, ..Request::default() };
    for (name, camel, value) in members(root) {
        let field = name.as_ref();
        match camel.as_ref() {
            "contents" => read_turns::contents(value, field, &mut request)?,
            "systemInstruction" => read_turns::system(value, field, &mut request)?,
            "tools" => tools(value, field, &mut request)?,
            "toolConfig" => tool_config(value, field, &mut request)?,
            "generationConfig" => config(value, field, &mut request)?,
            "model" | "labels" => {}
            "store" if value.as_bool() == Some(false) => {}
            "safetySettings" if value.is_empty() => {}
            "serviceTier" if value.is("standard") || value.is("SERVICE_TIER_UNSPECIFIED") => {}
            _ => request.unsupported.push(field.to_owned()),
        }
    }
    Ok(request)
}

// ---- tools

fn tools(node: Node<'_>, field: &str, request: &mut Request) -> Result<(), Malformed> {
    for (index, tool) in each(node).into_iter().enumerate() {
        let path = format!("{field}[{index}]");
        object(tool, &path)?;
        for (name, camel, value) in members(tool) {
            let path = format!("{path}.{name}");
            if camel != "functionDeclarations" {
                request.unsupported.push(path);
                continue;
            }
            for (index, declaration) in each(value).into_iter().enumerate() {
                let path = format!("{path}[{index}]");
                object(declaration, &path)?;
                let tool = function(declaration, &path, &mut request.unsupported)?;
                request.tools.push(tool);
            }
        }
    }
    Ok(())
}

fn function(node: Node<'_>, path: &str, unsupported: &mut Vec<String>) -> Result<Tool, Malformed> {
    let mut tool = Tool::default();
    for (name, camel, value) in members(node) {
        let field = format!("{path}.{name}");
        match camel.as_ref() {
            "name" => tool.name = string(value, &field)?,
            "description" => tool.description = Some(string(value, &field)?),
            "parameters" => {
                object(value, &field)?;
                tool.schema = Some(to_json_schema(value));
            }
            "parametersJsonSchema" => {
                object(value, &field)?;
                tool.schema = Some(value.raw().to_owned());
            }
            "behavior" if value.is("BLOCKING") || value.is("UNSPECIFIED") => {}
            _ => unsupported.push(field),
        }
    }
    if tool.name.is_empty() {
        return Err(malformed(format!("{path}.name"), "a string"));
    }
    Ok(tool)
}

fn tool_config(node: Node<'_>, field: &str, request: &mut Request) -> Result<(), Malformed> {
    object(node, field)?;
    for (name, camel, value) in members(node) {
        let path = format!("{field}.{name}");
        match camel.as_ref() {
            "functionCallingConfig" => {
                object(value, &path)?;
                for (name, camel, _) in members(value) {
                    if !["mode", "allowedFunctionNames", "streamFunctionCallArguments"]
                        .contains(&camel.as_ref())
                    {
                        request.unsupported.push(format!("{path}.{name}"));
                    }
                }
                choice(value, &path, request);
            }
            "includeServerSideToolInvocations" if value.as_bool() == Some(false) => {}
            _ => request.unsupported.push(path),
        }
    }
    Ok(())
}

fn choice(node: Node<'_>, path: &str, request: &mut Request) {
    let names: Vec<String> = get(node, "allowedFunctionNames")
        .into_iter()
        .flat_map(|names| names.items())
        .filter_map(|name| Some(name.as_str()?.into_owned()))
        .collect();
    let all = names.is_empty() || request.tools.iter().all(|tool| names.contains(&tool.name));
    let choice = match (text(node, "mode").as_deref().unwrap_or("AUTO"), names.as_slice()) {
        ("AUTO" | "MODE_UNSPECIFIED", _) if all => ToolChoice::Auto,
        ("NONE", _) => ToolChoice::None,
        ("ANY", [only]) => ToolChoice::Tool(only.clone()),
        ("ANY", _) if all => ToolChoice::Required,
        // Elsewhere a tool has to keep to its schema by its own word.
        ("VALIDATED", _) if all => {
            request.tools.iter_mut().for_each(|tool| tool.strict = Some(true));
            ToolChoice::Auto
        }
        ("AUTO" | "ANY" | "VALIDATED", _) => {
            return request.unsupported.push(format!("{path}.allowedFunctionNames"));
        }
        _ => return request.unsupported.push(format!("{path}.mode")),
    };
    request.tool_choice = Some(choice);
}

// ---- configuration

fn config(node: Node<'_>, field: &str, request: &mut Request) -> Result<(), Malformed> {
    object(node, field)?;
    for (name, camel, value) in members(node) {
        let path = format!("{field}.{name}");
        match camel.as_ref() {
            "temperature" if is_default(value, 1.0) => {}
            "temperature" => request.temperature = Some(number(value, &path)?),
            "topP" => request.top_p = Some(number(value, &path)?),
            "topK" => request.top_k = Some(number(value, &path)?),
            "seed" => request.seed = Some(number(value, &path)?),
            "presencePenalty" if is_default(value, 0.0) => {}
            "presencePenalty" => request.presence_penalty = Some(number(value, &path)?),
            "frequencyPenalty" if is_default(value, 0.0) => {}
            "frequencyPenalty" => request.frequency_penalty = Some(number(value, &path)?),
            "candidateCount" => request.n = Some(count(value, &path)?).filter(|n| *n != 1),
            "maxOutputTokens" => request.max_output = Some(count(value, &path)?),
            "stopSequences" => {
                array(value, &path)?;
                for item in value.items() {
                    request.stop.push(string(item, &format!("{path}[]"))?);
                }
            }
            "responseLogprobs" if value.as_bool() == Some(false) => {}
            "responseLogprobs" => {
                let others = get(node, "logprobs").and_then(|count| count.as_u64()).unwrap_or(0);
                request.logprobs = Some(others);
            }
            "logprobs" if is_true(node, "responseLogprobs") || is_default(value, 0.0) => {}
            "thinkingConfig" => thinking(value, &path, request)?,
            "responseModalities" if value.items().all(|modality| modality.is("TEXT")) => {}
            "mediaResolution" => {}
            "audioTimestamp" if value.as_bool() == Some(false) => {}
            // Read together, once.
            "responseMimeType" | "responseSchema" | "responseJsonSchema" | "_responseJsonSchema" => {}
            "responseFormat" => response_format(value, &path, request),
            _ => request.unsupported.push(path),
        }
    }
    format(node, field, request)
}

fn format(node: Node<'_>, field: &str, request: &mut Request) -> Result<(), Malformed> {
    let given = |name: &'static str| get(node, name).map(|schema| (name, schema));
    let given = given("responseJsonSchema").or(given("_responseJsonSchema")).or(given("responseSchema"));
    if let Some((name, schema)) = given {
        object(schema, &format!("{field}.{name}"))?;
    }
    let schema = given.map(|(name, schema)| match name {
        "responseSchema" => to_json_schema(schema),
        _ => schema.raw().to_owned(),
    });
    match (text(node, "responseMimeType").as_deref(), schema) {
        (Some("application/json"), Some(schema)) => request.format = Some(json_schema(schema)),
        (Some("application/json"), None) => request.format = Some(Format::JsonObject),
        (None | Some("text/plain"), None) => {}
        (None | Some("text/plain"), Some(_)) => {
            return Err(malformed(
                format!("{field}.responseMimeType"),
                "application/json, where a schema is",
            ));
        }
        _ => request.unsupported.push(format!("{field}.responseMimeType")),
    }
    Ok(())
}

/// The newer way to say it.
fn response_format(node: Node<'_>, path: &str, request: &mut Request) {
    let formats = each(node);
    let [format] = formats.as_slice() else { return request.unsupported.push(path.to_owned()) };
    let mime = at(*format, &["text", "mimeType"]).and_then(|mime| mime.as_str());
    let schema = at(*format, &["text", "schema"]);
    match (mime.as_deref(), schema) {
        (Some("APPLICATION_JSON" | "application/json"), Some(schema)) if schema.kind() == Kind::Object => {
            request.format = Some(json_schema(schema.raw().to_owned()));
        }
        (Some("APPLICATION_JSON" | "application/json"), None) => request.format = Some(Format::JsonObject),
        (Some("TEXT_PLAIN" | "text/plain"), None) => {}
        _ => request.unsupported.push(path.to_owned()),
    }
}

fn json_schema(schema: String) -> Format {
    Format::JsonSchema { name: "answer".to_owned(), schema, strict: None }
}

fn thinking(node: Node<'_>, path: &str, request: &mut Request) -> Result<(), Malformed> {
    object(node, path)?;
    for (name, camel, value) in members(node) {
        match camel.as_ref() {
            "includeThoughts" => request.shows_thinking = value.as_bool(),
            "thinkingBudget" => match value.as_i64() {
                // The model's own choice, as without the field.
                Some(-1) => {}
                Some(0) => request.reasoning_effort = Some("none".to_owned()),
                Some(budget) if budget > 0 => request.thinking_budget = value.as_u64(),
                _ => return Err(malformed(format!("{path}.{name}"), "a whole number")),
            },
            "thinkingLevel" if value.kind() == Kind::String => {
                let level = value.as_str().unwrap_or_default().to_ascii_lowercase();
                if level != "thinking_level_unspecified" {
                    request.reasoning_effort = Some(level);
                }
            }
            _ => request.unsupported.push(format!("{path}.{name}")),
        }
    }
    Ok(())
}
