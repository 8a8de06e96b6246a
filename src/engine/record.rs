//! One line about one exchange, under the names of the OpenTelemetry conventions for generative AI.
//!
//! Holds counts, names and numbers; never a text of the conversation, a value that was found, or a credential.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::chat::Usage;

#[derive(Serialize)]
pub struct Record<'a> {
    #[serde(rename = "gen_ai.operation.name")]
    pub operation: &'a str,
    #[serde(rename = "gen_ai.request.model", skip_serializing_if = "Option::is_none")]
    pub request_model: Option<&'a str>,
    #[serde(rename = "gen_ai.response.model", skip_serializing_if = "Option::is_none")]
    pub response_model: Option<&'a str>,
    #[serde(rename = "gen_ai.provider.name", skip_serializing_if = "Option::is_none")]
    pub provider: Option<&'a str>,
    #[serde(rename = "gen_ai.usage.input_tokens", skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    #[serde(rename = "gen_ai.usage.output_tokens", skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    #[serde(rename = "gen_ai.usage.cache_read.input_tokens", skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    #[serde(rename = "gen_ai.usage.cache_creation.input_tokens", skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    #[serde(rename = "gen_ai.usage.reasoning.output_tokens", skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    #[serde(rename = "error.type", skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    #[serde(rename = "tollgate.request_id")]
    pub request_id: &'a str,
    #[serde(rename = "tollgate.policy")]
    pub policy: &'a str,
    #[serde(rename = "tollgate.mode")]
    pub mode: &'a str,
    #[serde(rename = "tollgate.caller")]
    pub caller: &'a str,
    #[serde(rename = "tollgate.route", skip_serializing_if = "Option::is_none")]
    pub route: Option<&'a str>,
    #[serde(rename = "tollgate.chain", skip_serializing_if = "Option::is_none")]
    pub chain: Option<&'a str>,
    #[serde(rename = "tollgate.stream")]
    pub stream: bool,
    #[serde(rename = "tollgate.decision")]
    pub decision: &'a str,
    #[serde(rename = "tollgate.status", skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(rename = "tollgate.attempts")]
    pub attempts: &'a [AttemptRecord],
    #[serde(rename = "tollgate.findings")]
    pub findings: &'a BTreeMap<String, u64>,
    #[serde(rename = "tollgate.redactions")]
    pub redactions: u64,
    /// What the answer says that the prompt did not, by type.
    #[serde(rename = "tollgate.answer_findings", skip_serializing_if = "BTreeMap::is_empty")]
    pub answer_findings: BTreeMap<String, u64>,
    #[serde(rename = "tollgate.answer_redactions", skip_serializing_if = "is_zero")]
    pub answer_redactions: u64,
    #[serde(rename = "tollgate.media", skip_serializing_if = "is_zero")]
    pub media: u64,
    /// Turns that were taken out because the prompt did not fit.
    #[serde(rename = "tollgate.truncated", skip_serializing_if = "is_zero")]
    pub truncated: u64,
    /// Targets of the chain that were not asked.
    #[serde(rename = "tollgate.left_out", skip_serializing_if = "<[_]>::is_empty")]
    pub left_out: &'a [LeftOutRecord<'a>],
    #[serde(rename = "tollgate.classes", skip_serializing_if = "<[_]>::is_empty")]
    pub classes: &'a [String],
    #[serde(rename = "tollgate.budgets", skip_serializing_if = "<[_]>::is_empty")]
    pub budgets: &'a [BudgetRecord],
    /// Whether the tokens are the provider's own count.
    #[serde(rename = "tollgate.usage_estimated")]
    pub usage_estimated: bool,
    #[serde(rename = "tollgate.cost_microusd", skip_serializing_if = "Option::is_none")]
    pub cost_microusd: Option<u64>,
    #[serde(rename = "tollgate.time_to_first_token_ms", skip_serializing_if = "Option::is_none")]
    pub time_to_first_token_ms: Option<u64>,
    #[serde(rename = "tollgate.duration_ms")]
    pub duration_ms: u64,
    #[serde(rename = "tollgate.uninspected", skip_serializing_if = "is_false")]
    pub uninspected: bool,
    /// The caller went away before the answer's end.
    #[serde(rename = "tollgate.aborted", skip_serializing_if = "is_false")]
    pub aborted: bool,
}

/// One provider that was asked.
#[derive(Serialize, Clone, Debug, Default)]
pub struct AttemptRecord {
    pub provider: String,
    pub model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'static str>,
    pub duration_ms: u64,
    /// What was set against retention and training.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opt_out: Vec<String>,
    /// Fields that the policy, or the model, let go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
}

#[derive(Serialize)]
pub struct LeftOutRecord<'a> {
    pub provider: &'a str,
    pub model: &'a str,
    pub reason: &'a str,
}

#[derive(Serialize, Clone, Debug)]
pub struct BudgetRecord {
    pub name: String,
    pub percent: u64,
    pub used: u64,
    pub limit: u64,
    pub resets_in_s: u64,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl Record<'_> {
    pub fn with_usage(mut self, usage: Option<&Usage>) -> Self {
        if let Some(usage) = usage {
            self.input_tokens = Some(usage.input);
            self.output_tokens = Some(usage.output);
            self.cached_tokens = (usage.cached_input > 0).then_some(usage.cached_input);
            self.cache_write_tokens = (usage.cache_write > 0).then_some(usage.cache_write);
            self.reasoning_tokens = (usage.reasoning > 0).then_some(usage.reasoning);
        }
        self
    }

    pub fn to_line(&self) -> String {
        // A struct of numbers and strings always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}
