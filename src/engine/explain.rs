//! What would happen to a request, without sending it: the request and attempt paths, run to the last byte before
//! the network, for every target of the plan.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Serialize;

use crate::config::Target;
use crate::engine::admit::RequestHead;
use crate::engine::attempt::Place;
use crate::engine::effect::{Effect, Flow, Step};
use crate::engine::exchange::{Attachment, Exchange};
use crate::engine::record::BudgetRecord;
use crate::engine::{Attempt, Host, Policy};
use crate::wire::http::Headers;

#[derive(Debug, Serialize)]
pub struct Explanation {
    pub decision: String,
    /// What the caller is told, where the request goes nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    pub caller: String,
    pub findings: BTreeMap<String, u64>,
    pub redactions: u64,
    pub media: u64,
    pub classes: Vec<String>,
    pub prompt_tokens: u64,
    pub route: Option<String>,
    pub chain: Option<String>,
    /// The cheaper chain that a budget's threshold sends it to.
    pub downgraded_to: Option<String>,
    pub budgets: Vec<BudgetRecord>,
    pub targets: Vec<ExplainedTarget>,
    pub left_out: Vec<ExplainedOmission>,
}

#[derive(Debug, Serialize)]
pub struct Refusal {
    pub status: u16,
    pub body: String,
}

#[derive(Debug, Serialize)]
pub struct ExplainedTarget {
    pub provider: String,
    pub model: String,
    pub cluster: String,
    /// Why it is asked, and when.
    pub reason: String,
    pub authority: String,
    pub path: String,
    /// Which header carries a credential, never the credential.
    pub credential: Option<String>,
    pub opt_out: Vec<String>,
    pub body: String,
}

#[derive(Debug, Serialize)]
pub struct ExplainedOmission {
    pub provider: String,
    pub model: String,
    pub reason: String,
}

/// `headers` hold `:method` and `:path` too.
pub fn explain(policy: &Rc<Policy>, headers: Headers, body: &[u8], host: Host<'_>) -> Explanation {
    let head = RequestHead {
        headers: headers.clone(),
        end_of_stream: body.is_empty(),
        attachment: Attachment::Upstream,
        property: &|_| None,
        seed: [0; 32],
    };
    let mut message = Message { headers, body: body.to_vec() };
    let (exchange, step) = Exchange::open(Rc::clone(policy), head, host);
    let exchange = Rc::new(RefCell::new(exchange));
    let mut refusal = message.apply(step);
    if refusal.is_none() && exchange.borrow().awaits_body() {
        let step = exchange.borrow_mut().body(body, host);
        refusal = message.apply(step);
    }
    let planned = exchange.borrow().planned().map(|planned| planned.plan.clone());
    let targets = planned.iter().flat_map(|plan| &plan.targets);
    let targets =
        targets.filter_map(|target| explain_target(policy, &exchange, &message, target, host)).collect();
    let exchange = exchange.borrow();
    let plan = exchange.planned().map(|planned| &planned.plan);
    let name = |target: &Target| {
        policy.config.providers.get(target.provider).map(|provider| provider.name.clone()).unwrap_or_default()
    };
    Explanation {
        decision: exchange.decision().to_owned(),
        refusal,
        caller: exchange.head.caller.clone(),
        findings: exchange.tally.found.clone(),
        redactions: exchange.tally.redactions,
        media: exchange.tally.media,
        classes: exchange.tally.classes.clone(),
        prompt_tokens: exchange.planned().map_or(0, |planned| planned.prompt_tokens),
        route: plan.and_then(|plan| plan.route.clone()),
        chain: plan.and_then(|plan| plan.chain.clone()),
        downgraded_to: exchange.tally.downgraded_to.clone(),
        budgets: exchange.tally.budgets.clone(),
        targets,
        left_out: plan
            .iter()
            .flat_map(|plan| &plan.left_out)
            .map(|omission| ExplainedOmission {
                provider: name(&omission.target),
                model: omission.target.model.clone(),
                reason: omission.reason.clone(),
            })
            .collect(),
    }
}

fn explain_target(
    policy: &Policy,
    exchange: &Rc<RefCell<Exchange>>,
    listeners: &Message,
    target: &Target,
    host: Host<'_>,
) -> Option<ExplainedTarget> {
    let provider = policy.config.providers.get(target.provider)?;
    let place = Place { provider: Some(&provider.name), cluster: None };
    let mut message = listeners.clone();
    let (mut attempt, step) = Attempt::open(Rc::clone(exchange), place, &listeners.headers, host).ok()?;
    message.apply(step);
    let step = attempt.request_body(&listeners.body).ok()?;
    message.apply(step);
    let header = |name: &str| message.headers.get_str(name).unwrap_or_default().to_owned();
    let credential =
        crate::provider::CREDENTIAL_HEADERS.iter().find(|name| message.headers.get(name).is_some());
    let exchange = exchange.borrow();
    let log = exchange.planned()?.attempts.last()?;
    Some(ExplainedTarget {
        provider: provider.name.clone(),
        model: target.model.clone(),
        cluster: provider.cluster.clone(),
        reason: String::new(),
        authority: header(":authority"),
        path: header(":path"),
        credential: credential.map(|name| (*name).to_owned()),
        opt_out: log.opt_out.clone(),
        body: String::from_utf8_lossy(&message.body).into_owned(),
    })
}

#[derive(Clone)]
struct Message {
    headers: Headers,
    body: Vec<u8>,
}

impl Message {
    fn apply(&mut self, step: Step) -> Option<Refusal> {
        for effect in step.effects {
            match effect {
                Effect::SetRequestHeader(name, value) => self.headers.set(&name, value.into_bytes()),
                Effect::RemoveRequestHeader(name) => {
                    self.headers.remove(&name);
                }
                Effect::SetRequestBody(body) => self.body = body,
                Effect::SetResponseHeader(..)
                | Effect::ShareToken(_)
                | Effect::RemoveResponseHeader(_)
                | Effect::SetResponseBody(_)
                | Effect::Record(_)
                | Effect::Metric(_) => {}
            }
        }
        match step.flow {
            Flow::Reply(reply) => Some(Refusal {
                status: reply.status,
                body: String::from_utf8_lossy(&reply.body).into_owned(),
            }),
            Flow::Continue | Flow::Pause => None,
        }
    }
}
