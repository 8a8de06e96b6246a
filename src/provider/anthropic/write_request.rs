//! The neutral conversation as messages.
//!
//! Refused by name, because the answer would be another one: `n`, `seed`, the penalties, `logprobs`, `response_format`
//! of plain JSON, a `temperature` over 1 (cutting it to 1 would be a guess), a blank `stop`, arguments that are no
//! object, a conversation of system prompts only, and for models that do not take it a forced tool, an answer that is
//! begun or a schema of the answer.
//!
//! Lossy, by the nature of the API: system prompts are joined before the conversation; turns of the same role are
//! merged; thinking without this provider's signature is left out, as the provider itself would do with it; a forced
//! tool and thinking exclude each other here, so the tool is kept; a refusal is the assistant's text.

use serde::Serialize;
use serde_json::value::RawValue;

use super::blocks::{Block, block, cache};
use super::models::{
    always_thinks, bounded, continues, effort_of, effort_to_budget, takes_schema, thinks_by_budget,
};
use crate::chat::{Format, Part, Request, Role, Tool, ToolChoice, Unsupported};
use crate::provider::fields::{arguments, cache_control, json, raw, raw_number, unsupported};

#[derive(Serialize)]
struct Body<'r> {
    model: &'r str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<System<'r>>,
    messages: Vec<Turn<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'r [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolItem<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum System<'r> {
    Text(String),
    Blocks(Vec<Block<'r>>),
}

#[derive(Serialize)]
struct Metadata<'r> {
    user_id: &'r str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Thinking {
    Adaptive {
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Disabled,
    Enabled {
        budget_tokens: u64,
    },
}

#[derive(Serialize)]
struct OutputConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<OutputFormat>,
}

#[derive(Serialize)]
struct OutputFormat {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: Box<RawValue>,
}

#[derive(Serialize)]
struct Turn<'r> {
    role: &'static str,
    content: Vec<Block<'r>>,
}

#[derive(Serialize)]
struct ToolItem<'r> {
    name: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'r str>,
    input_schema: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Choice<'r> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

pub(super) fn request(request: &Request, default_max_output: u64) -> Result<Vec<u8>, Unsupported> {
    refuse(request)?;
    let max_tokens = request.max_output.unwrap_or(default_max_output);
    let (thinking, effort) = thinking(request, max_tokens);
    let format = match &request.format {
        None => None,
        Some(Format::JsonObject) => return Err(unsupported("response_format")),
        Some(Format::JsonSchema { .. }) if !takes_schema(&request.model) => {
            return Err(unsupported("response_format"));
        }
        Some(Format::JsonSchema { schema, .. }) => {
            let schema = raw(schema).ok_or_else(|| unsupported("response_format.json_schema.schema"))?;
            Some(OutputFormat { kind: "json_schema", schema })
        }
    };
    let tools = request.tools.iter().map(tool).collect::<Result<Vec<_>, _>>()?;
    Ok(json(&Body {
        model: &request.model,
        max_tokens,
        system: system(request),
        messages: turns(request)?,
        temperature: raw_number(&request.temperature),
        top_p: raw_number(&request.top_p),
        top_k: raw_number(&request.top_k),
        stop_sequences: &request.stop,
        tool_choice: if tools.is_empty() { None } else { choice(request) },
        tools,
        thinking,
        output_config: (effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format }),
        metadata: request.user.as_deref().map(|user_id| Metadata { user_id }),
        cache_control: request.cache.as_deref().and_then(cache_control),
        stream: request.stream,
    }))
}

fn refuse(request: &Request) -> Result<(), Unsupported> {
    if let Some(field) = request.unsupported.first() {
        return Err(unsupported(field.as_str()));
    }
    let over_one = |number: &String| number.parse::<f64>().is_ok_and(|number| number > 1.0);
    let forced = matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Tool(_)));
    let refused = [
        ("n", request.n.is_some()),
        ("seed", request.seed.is_some()),
        ("presence_penalty", request.presence_penalty.is_some()),
        ("frequency_penalty", request.frequency_penalty.is_some()),
        ("temperature", request.temperature.as_ref().is_some_and(over_one)),
        ("tool_choice", forced && always_thinks(&request.model)),
        ("logprobs", request.logprobs.is_some()),
        ("stop", request.stop.iter().any(|stop| stop.trim().is_empty())),
    ];
    if let Some((field, _)) = refused.into_iter().find(|(_, refused)| *refused) {
        return Err(unsupported(field));
    }
    match request.messages.last() {
        Some(last) if last.role == Role::Assistant && !continues(&request.model) => {
            Err(unsupported(format!("messages[{}]", request.messages.len() - 1)))
        }
        _ => Ok(()),
    }
}

// ---- thinking

/// Newer models are told an effort, older ones a number of tokens.
fn thinking(request: &Request, max_tokens: u64) -> (Option<Thinking>, Option<String>) {
    let forced = matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Tool(_)));
    let by_budget = thinks_by_budget(&request.model);
    let enabled = |budget: Option<u64>| {
        let thinking = budget.map(|budget_tokens| Thinking::Enabled { budget_tokens });
        (thinking.filter(|_| !forced), None)
    };
    let effort = match (request.reasoning_effort.as_deref(), request.thinking_budget) {
        (_, Some(budget)) if by_budget => return enabled(bounded(budget, max_tokens)),
        (None, Some(budget)) => effort_of(budget),
        (None, None) => return (None, None),
        // Saying nothing is as near to none as models come that always think, and is none for older ones.
        (Some("none"), _) if by_budget || always_thinks(&request.model) => return (None, None),
        (Some("none"), _) => return (Some(Thinking::Disabled), None),
        (Some("minimal"), _) => "low",
        (Some(effort), _) => effort,
    };
    if by_budget {
        return enabled(effort_to_budget(effort, max_tokens));
    }
    let display = request.shows_thinking.map(|shows| if shows { "summarized" } else { "omitted" });
    ((!forced).then_some(Thinking::Adaptive { display }), Some(effort.to_owned()))
}

// ---- turns

/// One text, unless it is to be cached up to some place in it.
fn system(request: &Request) -> Option<System<'_>> {
    let mut texts = Vec::new();
    let mut blocks = Vec::new();
    let mut hints = false;
    let system = request.messages.iter().filter(|it| matches!(it.role, Role::System | Role::Developer));
    for part in system.flat_map(|message| &message.parts) {
        match part {
            Part::Text(text) if !text.is_empty() => {
                texts.push(text.as_str());
                blocks.push(Block::Text { text, cache_control: None });
            }
            Part::CacheHint(ttl) => {
                hints = true;
                cache(blocks.last_mut(), ttl);
            }
            _ => {}
        }
    }
    if texts.is_empty() {
        return None;
    }
    Some(if hints { System::Blocks(blocks) } else { System::Text(texts.join("\n\n")) })
}

fn turns(request: &Request) -> Result<Vec<Turn<'_>>, Unsupported> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (index, message) in request.messages.iter().enumerate() {
        let role = match message.role {
            Role::System | Role::Developer => continue,
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        let mut content = Vec::new();
        let mut calls = 0;
        for (number, part) in message.parts.iter().enumerate() {
            let path = || format!("messages[{index}].content[{number}]");
            if let Part::ToolCall(call) = part {
                let input = arguments(call).ok_or_else(|| {
                    unsupported(format!("messages[{index}].tool_calls[{calls}].function.arguments"))
                })?;
                calls += 1;
                content.push(Block::ToolUse { id: &call.id, name: &call.name, input, cache_control: None });
            } else if let Part::CacheHint(ttl) = part {
                cache(content.last_mut(), ttl);
            } else if let Some(block) = block(part, &path)? {
                content.push(block);
            }
        }
        match turns.last_mut() {
            Some(last) if last.role == role => last.content.extend(content),
            _ if content.is_empty() => {}
            _ => turns.push(Turn { role, content }),
        }
    }
    for turn in &mut turns {
        // Results of tools come first in their turn.
        turn.content.sort_by_key(|block| !matches!(block, Block::ToolResult { .. }));
    }
    // The API refuses an answer begun for it that ends in white space.
    if let Some(Turn { role: "assistant", content }) = turns.last_mut()
        && let Some(Block::Text { text, .. }) = content.last_mut()
    {
        *text = text.trim_end();
        if text.is_empty() {
            content.pop();
        }
    }
    turns.retain(|turn| !turn.content.is_empty());
    if turns.is_empty() { Err(unsupported("messages")) } else { Ok(turns) }
}

// ---- tools

fn tool(tool: &Tool) -> Result<ToolItem<'_>, Unsupported> {
    let schema = tool.schema.as_deref().unwrap_or(r#"{"type":"object","properties":{}}"#);
    Ok(ToolItem {
        name: &tool.name,
        description: tool.description.as_deref(),
        input_schema: raw(schema).ok_or_else(|| unsupported("tools[].function.parameters"))?,
        strict: tool.strict.filter(|strict| *strict),
        cache_control: tool.cache.as_deref().and_then(cache_control),
    })
}

fn choice(request: &Request) -> Option<Choice<'_>> {
    let alone = (request.parallel_tool_calls == Some(false)).then_some(true);
    let (kind, name) = match &request.tool_choice {
        None if alone.is_none() => return None,
        None | Some(ToolChoice::Auto) => ("auto", None),
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Required) => ("any", None),
        Some(ToolChoice::Tool(name)) => ("tool", Some(name.as_str())),
    };
    Some(Choice { kind, name, disable_parallel_tool_use: alone.filter(|_| kind != "none") })
}
