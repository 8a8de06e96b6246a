//! The neutral conversation as a request to generate content. Its model and whether it streams are said by the path.
//!
//! Refused by name, because the answer would be another one: `user`, `parallel_tool_calls: false`, more than five
//! `stop`s, a format beside tools before Gemini 3, reasoning before Gemini 2.5, arguments that are no object, and a
//! conversation of system prompts only.
//!
//! Lossy, by the nature of the API: the name of a format and of a document have no place; an effort becomes the level or
//! the number of tokens that comes nearest, as Google itself maps it; a strict tool makes all calls keep to their
//! schemas.

use super::names::generation;
use super::schema::to_google;
use super::write_turns;
use crate::chat::{Format, Request, Tool, ToolChoice, Unsupported};
use crate::provider::build::{Object, list};
use crate::provider::fields::unsupported;
use crate::wire::json::quote;

const MOST_STOPS: usize = 5;

pub(super) fn request(request: &Request) -> Result<Vec<u8>, Unsupported> {
    refuse(request)?;
    let mut body = Object::new().raw("contents", &write_turns::contents(request)?);
    body = body.maybe("systemInstruction", write_turns::system(request).as_deref());
    if !request.tools.is_empty() {
        let functions: Vec<String> = request.tools.iter().map(function).collect();
        let tool = Object::new().raw("functionDeclarations", &list(&functions)).end();
        body = body.raw("tools", &list(&[tool])).maybe("toolConfig", choice(request).as_deref());
    }
    let config = config(request).end();
    if config.len() > "{}".len() {
        body = body.raw("generationConfig", &config);
    }
    Ok(body.end().into_bytes())
}

fn refuse(request: &Request) -> Result<(), Unsupported> {
    if let Some(field) = request.unsupported.first() {
        return Err(unsupported(field.as_str()));
    }
    let generation = generation(&request.model);
    let thinks = request.thinking_budget.is_some()
        || request.reasoning_effort.as_deref().is_some_and(|effort| effort != "none");
    let refused = [
        ("user", request.user.is_some()),
        ("stop", request.stop.len() > MOST_STOPS),
        ("parallel_tool_calls", request.parallel_tool_calls == Some(false) && !request.tools.is_empty()),
        ("response_format", request.format.is_some() && !request.tools.is_empty() && generation < (3, 0)),
        ("reasoning_effort", thinks && generation < (2, 5)),
    ];
    match refused.into_iter().find(|(_, refused)| *refused) {
        Some((field, _)) => Err(unsupported(field)),
        None => Ok(()),
    }
}

fn config(request: &Request) -> Object {
    let number = |number: u64| number.to_string();
    let mut config = Object::new()
        .maybe("maxOutputTokens", request.max_output.map(number).as_deref())
        .maybe("temperature", request.temperature.as_deref())
        .maybe("topP", request.top_p.as_deref())
        .maybe("topK", request.top_k.as_deref())
        .maybe("seed", request.seed.as_deref())
        .maybe("presencePenalty", request.presence_penalty.as_deref())
        .maybe("frequencyPenalty", request.frequency_penalty.as_deref())
        .maybe("candidateCount", request.n.map(number).as_deref());
    if !request.stop.is_empty() {
        config =
            config.raw("stopSequences", &list(&request.stop.iter().map(|it| quote(it)).collect::<Vec<_>>()));
    }
    if let Some(others) = request.logprobs {
        config = config.raw("responseLogprobs", "true");
        config = config.maybe("logprobs", (others > 0).then(|| number(others)).as_deref());
    }
    if let Some(format) = &request.format {
        config = config.text("responseMimeType", "application/json");
        if let Format::JsonSchema { schema, .. } = format {
            config = config.maybe("responseJsonSchema", to_google(schema).as_deref());
        }
    }
    config.maybe("thinkingConfig", thinking(request).as_deref())
}

// ---- tools

fn function(tool: &Tool) -> String {
    Object::new()
        .text("name", &tool.name)
        .maybe("description", tool.description.as_deref().map(quote).as_deref())
        .maybe("parametersJsonSchema", tool.schema.as_deref().and_then(to_google).as_deref())
        .end()
}

fn choice(request: &Request) -> Option<String> {
    let strict = request.tools.iter().any(|tool| tool.strict == Some(true));
    let mode = match &request.tool_choice {
        // The model calls or does not, but what it calls keeps to its schema.
        None | Some(ToolChoice::Auto) if strict => "VALIDATED",
        None => return None,
        Some(ToolChoice::Auto) => "AUTO",
        Some(ToolChoice::None) => "NONE",
        Some(ToolChoice::Required | ToolChoice::Tool(_)) => "ANY",
    };
    let mut config = Object::new().text("mode", mode);
    if let Some(ToolChoice::Tool(name)) = &request.tool_choice {
        config = config.raw("allowedFunctionNames", &list(&[quote(name)]));
    }
    Some(Object::new().raw("functionCallingConfig", &config.end()).end())
}

// ---- thinking

/// Gemini 3 is told a level, Gemini 2.5 a number of tokens; older models do not think.
fn thinking(request: &Request) -> Option<String> {
    let generation = generation(&request.model);
    if generation < (2, 5) {
        return None;
    }
    let shows = request.shows_thinking.unwrap_or(request.thinking_budget.is_some());
    let mut config = Object::new();
    if generation < (3, 0) {
        config = config.maybe("thinkingBudget", budget(request).map(|budget| budget.to_string()).as_deref());
    } else {
        config = config.maybe("thinkingLevel", level(request).map(quote).as_deref());
    }
    if shows {
        config = config.raw("includeThoughts", "true");
    }
    Some(config.end()).filter(|config| config.len() > "{}".len())
}

fn level(request: &Request) -> Option<&'static str> {
    let (model, generation) = (request.model.as_str(), generation(&request.model));
    let effort = match (request.reasoning_effort.as_deref(), request.thinking_budget) {
        (None, None) => return None,
        (Some(effort), _) => effort,
        (None, Some(0..=2047)) => "low",
        (None, Some(2048..=8191)) => "medium",
        (None, Some(_)) => "high",
    };
    Some(match effort {
        // None of these models can be told not to think.
        "none" | "minimal" if model.contains("flash") && generation <= (3, 5) => "MINIMAL",
        "none" | "minimal" | "low" => "LOW",
        "medium" if model.contains("pro") && generation == (3, 0) => "HIGH",
        "medium" => "MEDIUM",
        _ => "HIGH",
    })
}

fn budget(request: &Request) -> Option<u64> {
    let (least, most) = match request.model.as_str() {
        model if model.contains("pro") => (128, 32_768),
        model if model.contains("lite") => (512, 24_576),
        _ => (1, 24_576),
    };
    let tokens = match (request.reasoning_effort.as_deref(), request.thinking_budget) {
        (None, None) => return None,
        // The larger ones cannot be told not to think.
        (Some("none"), _) => return Some(if least == 128 { least } else { 0 }),
        (Some("minimal" | "low"), _) => 1_024,
        (Some("medium"), _) => 8_192,
        (Some(_), _) => 24_576,
        (None, Some(budget)) => budget,
    };
    Some(tokens.clamp(least, most))
}
