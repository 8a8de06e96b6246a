//! Where a request may go, in order, and how Envoy is told.
//!
//! The order travels as a request header: base64 of a serialised `google.protobuf.Value`, a list of
//! `{name, clusters: [{cluster_name, weight}]}`, which Envoy's `priority_group` cluster specifier reads as metadata
//! (`tollgate`, `priority_groups`). Where Envoy's own configuration fixes the order, the header with the cluster of
//! the chain is enough.

use std::rc::Rc;

use base64::Engine as _;
use prost::Message as _;
use prost_types::{ListValue, Struct, Value, value::Kind};

use crate::config::{Config, Target, Timeouts};
use crate::engine::Policy;

/// Policies name fewer orders than that.
const MOST_PLAN_HEADERS: usize = 256;

#[derive(Debug, Clone)]
pub struct Plan {
    pub route: Option<String>,
    pub chain: Option<String>,
    /// The cluster that stands for the whole plan where the order is fixed.
    pub cluster: String,
    pub targets: Vec<Target>,
    /// Where those begin that are asked now. Before them stand those of an earlier plan of the same request.
    pub first: usize,
    pub timeouts: Timeouts,
    pub left_out: Vec<LeftOut>,
}

/// A target that the policy names and that this request may not go to.
#[derive(Debug, Clone)]
pub struct LeftOut {
    pub target: Target,
    pub reason: String,
}

impl Plan {
    /// Where Envoy fixes the order, a chain of which a target is left out cannot be walked past it: the request goes
    /// to the first target that it may go to.
    pub fn settle_cluster(&mut self, config: &Config) {
        let first = self.current().first().and_then(|target| config.providers.get(target.provider));
        if let Some(provider) = first.filter(|_| !self.left_out.is_empty()) {
            self.cluster.clone_from(&provider.cluster);
        }
    }

    /// Whom Envoy asks, in order.
    pub fn current(&self) -> &[Target] {
        self.targets.get(self.first..).unwrap_or_default()
    }

    /// The value of `x-tollgate-plan`: the same for all requests that go to the same providers in the same order.
    pub fn to_header(&self, policy: &Policy) -> Rc<str> {
        let order: Vec<usize> = self.current().iter().map(|target| target.provider).collect();
        let mut known = policy.plan_headers.borrow_mut();
        if let Some(header) = known.get(&order) {
            return Rc::clone(header);
        }
        let header: Rc<str> = self.write_header(&policy.config).into();
        if known.len() < MOST_PLAN_HEADERS {
            known.insert(order, Rc::clone(&header));
        }
        header
    }

    fn write_header(&self, config: &Config) -> String {
        let groups = self
            .current()
            .iter()
            .enumerate()
            .filter_map(|(index, target)| {
                let cluster = config.providers.get(target.provider)?.cluster.clone();
                let entry = object([("cluster_name", string(cluster)), ("weight", number(1.0))]);
                Some(object([("name", string(format!("target-{index}"))), ("clusters", list(vec![entry]))]))
            })
            .collect();
        base64::engine::general_purpose::STANDARD.encode(list(groups).encode_to_vec())
    }
}

fn string(text: String) -> Value {
    Value { kind: Some(Kind::StringValue(text)) }
}

fn number(number: f64) -> Value {
    Value { kind: Some(Kind::NumberValue(number)) }
}

fn list(values: Vec<Value>) -> Value {
    Value { kind: Some(Kind::ListValue(ListValue { values })) }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let fields = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Value { kind: Some(Kind::StructValue(Struct { fields })) }
}
