//! Where a request may go: a rule's chain or the provider that it was going to anyway, less the targets that may not
//! have it.

use std::rc::Rc;

use crate::chat::{Malformed, Request};
use crate::config::{BudgetLimit, Chain, Config, DataClass, Route, Target};
use crate::engine::exchange::{Attachment, Exchange};
use crate::engine::failure::Failure;
use crate::engine::outgoing;
use crate::engine::plan::{LeftOut, Plan};
use crate::engine::{Host, Policy};
use crate::policy::{retention, routing};
use crate::provider::{self, Outline};
use crate::wire::json::{Document, Edits};

/// What is asked, for whoever chooses targets for it.
pub(super) struct Asked<'a> {
    pub outline: &'a Outline,
    pub document: &'a Document<'a>,
    /// Of its data.
    pub classes: &'a [&'a DataClass],
    /// Estimated, of the prompt.
    pub tokens: u64,
}

/// Why a target is left out that `access` keeps a caller from.
pub(super) const NOT_FOR_THIS_CALLER: &str = "is not for this caller";

impl Exchange {
    /// Leaves out the targets that may not have it, or could do nothing with it.
    pub(super) fn narrow(&mut self, plan: &mut Plan, asked: &Asked<'_>) -> Result<(), Failure> {
        let classed = self.filter_by_class(plan, asked.classes);
        self.unless(classed)?;
        let carried = self.filter_by_dialect(plan, asked.outline, asked.document);
        self.unless(carried)
    }

    /// The order in which they are asked.
    pub(super) fn line_up(&mut self, plan: &mut Plan, host: Host<'_>) {
        self.order_by_health(plan, host);
        plan.settle_cluster(&self.policy.config);
    }

    pub(super) fn plan(
        &mut self,
        outline: &Outline,
        prompt_tokens: u64,
        tasks: &[String],
    ) -> Result<Plan, Failure> {
        let policy = Rc::clone(&self.policy);
        let config = &policy.config;
        let header = |name: &str| self.header(name);
        let ask = routing::Ask {
            model: &outline.model,
            caller: &self.head.caller,
            prompt_tokens,
            tasks,
            header: &header,
        };
        let chosen = routing::route(config, &ask);
        let chain = chosen.map(|(_, chain)| chain.name.as_str());
        if !routing::may_use(&config.access, &self.head.caller, &outline.model, chain) {
            let refused = Err(Failure::ModelNotAllowed);
            self.unless(refused)?;
        }
        // In observe mode a request goes where it was going.
        match chosen.filter(|_| self.policy.enforces()) {
            Some((route, chain)) => {
                let mut plan = chain_plan(&policy, &chain.name).ok_or(Failure::ModelUnknown)?;
                plan.route = Some(route.name.clone());
                self.filter_by_access(&mut plan, &outline.model, (route, chain))?;
                Ok(plan)
            }
            None => {
                let provider = self.natural_provider(&outline.model).ok_or(Failure::ModelUnknown)?;
                Ok(provider_plan(config, Some(provider), &outline.model))
            }
        }
    }

    /// A rule's chain may hold what this caller may not use by that name.
    fn filter_by_access(
        &self,
        plan: &mut Plan,
        model: &str,
        chosen: (&Route, &Chain),
    ) -> Result<(), Failure> {
        let may = |target: &Target| self.may_reach(model, Some(chosen), target);
        let (left, others): (Vec<_>, Vec<_>) = plan.targets.drain(..).partition(may);
        let out = |target| LeftOut { target, reason: NOT_FOR_THIS_CALLER.to_owned() };
        plan.left_out.extend(others.into_iter().map(out));
        plan.targets = left;
        if plan.targets.is_empty() { Err(Failure::ModelNotAllowed) } else { Ok(()) }
    }

    pub(super) fn natural_provider(&self, model: &str) -> Option<usize> {
        let default_host = |dialect| provider::vendor(dialect).and_then(|vendor| vendor.host());
        routing::natural_provider(
            &self.policy.config,
            &self.head.authority,
            &default_host,
            model,
            self.policy.catalog.owner(model),
        )
    }

    /// The provider whose API the request is written in.
    pub(super) fn namesake(&self) -> Option<usize> {
        let listed = self.head.listing.as_ref().map(|listing| listing.dialect());
        let dialect = self.head.api.or(listed)?.namesake();
        self.policy.config.providers.iter().position(|provider| provider.dialect == dialect)
    }

    /// Data of some classes goes only to providers whose contract is good enough, even after redaction.
    pub(super) fn filter_by_class(&self, plan: &mut Plan, classes: &[&DataClass]) -> Result<(), Failure> {
        let config = &self.policy.config;
        let refuses = |target: &Target| {
            let provider = config.providers.get(target.provider)?;
            classes.iter().find(|class| !retention::may_receive(provider, class))
        };
        let class = plan.targets.iter().find_map(&refuses).map(|class| class.name.clone());
        let left: Vec<Target> =
            plan.targets.iter().filter(|target| refuses(target).is_none()).cloned().collect();
        plan.left_out.extend(plan.targets.iter().filter_map(|target| {
            let reason = format!("may not receive data of class {}", refuses(target)?.name);
            Some(LeftOut { target: target.clone(), reason })
        }));
        match class {
            Some(class) if left.is_empty() => return Err(Failure::NoTargetForData { class }),
            _ if self.policy.enforces() => plan.targets = left,
            _ => {}
        }
        Ok(())
    }

    /// Targets that have no place for a field of the request are left out now: an attempt's own refusal would reach
    /// the caller and could not fail over.
    pub(super) fn filter_by_dialect(
        &self,
        plan: &mut Plan,
        outline: &Outline,
        document: &Document<'_>,
    ) -> Result<(), Failure> {
        let mut first = None;
        // Read once for all targets of other dialects.
        let mut neutral = None;
        let mut left = plan.targets.clone();
        left.retain(|target| {
            let carried = self.carries(target, outline, document, &mut neutral);
            let Err(field) = carried else { return true };
            let reason = format!("has no place for {field}");
            plan.left_out.push(LeftOut { target: target.clone(), reason });
            first.get_or_insert(field);
            false
        });
        match first {
            Some(field) if left.is_empty() => return Err(Failure::CannotCarry { field }),
            _ if self.policy.enforces() => plan.targets = left,
            _ => {}
        }
        Ok(())
    }

    /// A budget in dollars cannot hold what has no price: such targets are left out, never silently free.
    pub(super) fn filter_by_price(&self, plan: &mut Plan, outline: &Outline) -> Result<(), Failure> {
        let budgets = &self.policy.config.budgets;
        if !budgets.iter().any(|budget| matches!(budget.limit, BudgetLimit::MicroUsd(_))) {
            return Ok(());
        }
        let output = u64::from(outline.max_output != Some(0));
        let sample = crate::chat::Usage { input: 1, output, ..Default::default() };
        let (priced, free): (Vec<Target>, Vec<Target>) = plan
            .targets
            .iter()
            .cloned()
            .partition(|target| self.policy.cost(&target.model, &sample).is_some());
        if priced.is_empty() {
            return Err(Failure::Unpriced);
        }
        if self.policy.enforces() {
            let reason = "has no price, and a budget is in dollars";
            plan.left_out
                .extend(free.into_iter().map(|target| LeftOut { target, reason: reason.to_owned() }));
            plan.targets = priced;
        }
        Ok(())
    }

    /// `Err`: the field that the target has no place for.
    pub(super) fn carries(
        &self,
        target: &Target,
        outline: &Outline,
        document: &Document<'_>,
        neutral: &mut Option<Result<Request, Malformed>>,
    ) -> Result<(), String> {
        let no_place = || "model".to_owned();
        let provider = self.policy.config.providers.get(target.provider).ok_or_else(no_place)?;
        let vendor = provider::vendor(provider.dialect).ok_or_else(no_place)?;
        let callers = self.head.api.ok_or_else(no_place)?;
        let api = vendor.api_for(callers).ok_or_else(no_place)?;
        let model = if target.model.is_empty() { &outline.model } else { &target.model };
        if api == callers {
            let drop = &self.policy.config.drop;
            let adapted = vendor.adapt(api, document.root(), model, drop, &mut Edits::new());
            return adapted.map_err(|fault| fault.field);
        }
        if self.attachment == Attachment::Direct {
            return Err(no_place());
        }
        let caller = self.codec();
        let read = || outgoing::neutral(&self.policy, caller, outline, document.root());
        match neutral.get_or_insert_with(read) {
            Err(fault) => Err(fault.field.clone()),
            Ok(request) => {
                // What is carried differs by model, too.
                request.model.clone_from(model);
                let (written, _) = outgoing::write(&self.policy, caller, api, request)?;
                if !vendor.is_particular() {
                    return Ok(());
                }
                let document = Document::parse_lenient(&written).map_err(|_| no_place())?;
                let asked = (api, &*request);
                outgoing::adapt(&self.policy, vendor, caller, asked, document.root(), &mut Edits::new())
            }
        }
    }
}

pub(super) fn chain_plan(policy: &Policy, name: &str) -> Option<Plan> {
    let config = &policy.config;
    let chain = config.chains.get(name)?;
    // Three tokens in for one out: what conversations come to.
    let sample = crate::chat::Usage { input: 3_000, output: 1_000, ..Default::default() };
    let price = |target: &Target| policy.cost(&target.model, &sample);
    let targets = routing::ordered(chain, &price);
    Some(Plan {
        route: None,
        chain: Some(chain.name.clone()),
        cluster: chain.cluster.clone(),
        targets,
        first: 0,
        left_out: Vec::new(),
        timeouts: chain.timeouts.unwrap_or(config.timeouts),
    })
}

/// `None`: nobody of the policy's. The plan is empty, and Envoy has no target from us.
pub(super) fn provider_plan(config: &Config, provider: Option<usize>, model: &str) -> Plan {
    let targets: Vec<Target> =
        provider.map(|provider| Target { provider, model: model.to_owned() }).into_iter().collect();
    let cluster = provider.and_then(|provider| config.providers.get(provider));
    Plan {
        route: None,
        chain: None,
        cluster: cluster.map(|provider| provider.cluster.clone()).unwrap_or_default(),
        targets,
        first: 0,
        left_out: Vec::new(),
        timeouts: config.timeouts,
    }
}
