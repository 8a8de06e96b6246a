//! What one provider is sent: head and body, made afresh for every attempt.
//!
//! Envoy gives each attempt the body as the listener left it, but the headers as the attempt before left them. So the
//! headers that an attempt may touch are written whole each time, from what the caller sent.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use crate::chat::{Malformed, Request, is_named};
use crate::config::{Config, Credential, OptOut, Provider, Target};
use crate::engine::Policy;
use crate::engine::credentials::{Sent, callers_key, without_credentials};
use crate::engine::effect::Effect;
use crate::engine::exchange::{Attachment, Head};
use crate::engine::failure::Failure;
use crate::provider::{self, Api, CREDENTIAL_HEADERS, Codec, Outline, Site, Traits, Vendor};
use crate::wire::http::{self, Headers};
use crate::wire::json::{Document, Edits, Kind, Node, quote};

pub(super) struct Outgoing<'o> {
    pub policy: &'o Policy,
    pub vendor: &'static dyn Vendor,
    pub provider: &'o Provider,
    pub target: &'o Target,
    /// In which the provider is spoken to.
    pub api: Api,
    /// The caller's dialect.
    pub caller: &'static dyn Codec,
    /// The caller's own key is for this provider.
    pub passthrough: bool,
}

/// Nothing of ours goes to a provider.
pub(super) fn strip(headers: &Headers) -> Vec<Effect> {
    let own = headers.iter().map(|(name, _)| name).filter(|name| name.starts_with("x-tollgate-"));
    own.map(|name| Effect::RemoveRequestHeader(name.to_owned().into())).collect()
}

/// Nor does what Envoy's parts tell each other. The upstream role stands behind all that read it; in direct mode the
/// router still has to, and keeps its own to itself (`suppress_envoy_headers`).
pub(super) fn strip_proxys(headers: &Headers, attachment: Attachment) -> Vec<Effect> {
    let proxys = |name: &str| {
        name == "x-request-id" || attachment == Attachment::Upstream && name.starts_with("x-envoy-")
    };
    let names = headers.iter().map(|(name, _)| name).filter(|name| proxys(name));
    names.map(|name| Effect::RemoveRequestHeader(name.to_owned().into())).collect()
}

impl Outgoing<'_> {
    /// `now` is what Envoy holds.
    pub fn head(&self, original: &Head, read: Option<&Outline>, now: &Headers) -> Vec<Effect> {
        let same_api = self.speaks_the_callers_dialect();
        let mut effects = strip(now);
        effects.push(Effect::SetRequestHeader(":path".into(), self.path(&original.path, read)));
        let host =
            self.provider.host.as_deref().or_else(|| self.vendor.host()).unwrap_or(&original.authority);
        effects.push(Effect::SetRequestHeader(":authority".into(), host.to_owned()));

        let mut wanted: BTreeMap<&str, String> = BTreeMap::new();
        let kept = original.headers.iter().filter(|(name, _)| {
            let own = has_prefix_of(|vendor| vendor.dialect() == self.vendor.dialect(), name);
            let foreign = has_prefix_of(|_| true, name) && !own;
            same_api && !foreign && self.is_managed(name) && !CREDENTIAL_HEADERS.contains(name)
        });
        wanted.extend(
            kept.filter_map(|(name, value)| Some((name, std::str::from_utf8(value).ok()?.to_owned()))),
        );
        for (name, value) in self.vendor.headers() {
            wanted.entry(name).or_insert_with(|| (*value).to_owned());
        }
        for (name, value) in self.opt_out_headers() {
            match self.policy.config.retention.opt_out {
                OptOut::Never => {}
                OptOut::IfUnset => {
                    wanted.entry(name).or_insert_with(|| value.to_owned());
                }
                OptOut::Always => {
                    wanted.insert(name, value.to_owned());
                }
            }
        }
        wanted.extend(self.key(original));

        for (name, _) in now.iter().filter(|(name, _)| self.is_managed(name) && !wanted.contains_key(name)) {
            effects.push(Effect::RemoveRequestHeader(name.to_owned().into()));
        }
        for (name, value) in wanted {
            if now.get(name) != Some(value.as_bytes()) {
                effects.push(Effect::SetRequestHeader(name.to_owned().into(), value));
            }
        }
        effects
    }

    fn speaks_the_callers_dialect(&self) -> bool {
        self.caller.api() == self.api
    }

    fn path(&self, original: &str, read: Option<&Outline>) -> String {
        let (own_path, query) = http::split_path(original);
        let prefix = &self.provider.path_prefix;
        let path = match read {
            Some(outline) => {
                let outline = Outline { model: self.model(outline).to_owned(), ..outline.clone() };
                let callers = self.speaks_the_callers_dialect().then_some(own_path);
                let query = self.query(query.filter(|_| callers.is_some()));
                let site = Site { callers, ..self.site() };
                self.vendor.behind(&site, self.api, &outline, query.as_deref())
            }
            None => format!("{prefix}{}", provider::with_query(own_path, query)),
        };
        without_credentials(&path).into_owned()
    }

    fn site(&self) -> Site<'_> {
        Site { host: self.provider.host.as_deref(), prefix: &self.provider.path_prefix, callers: None }
    }

    /// What this vendor offers against retention and training at this address.
    fn opt_outs(&self) -> &'static [provider::OptOut] {
        if self.vendor.takes_opt_outs(&self.site()) { self.vendor.opt_outs(self.api) } else { &[] }
    }

    /// With the version of the API that the policy names, where the caller names none.
    fn query<'q>(&'q self, query: Option<&'q str>) -> Option<Cow<'q, str>> {
        let Some(version) = &self.provider.api_version else { return query.map(Cow::Borrowed) };
        let pair = format!("api-version={version}");
        match query {
            Some(query) if query.split('&').any(|pair| pair.starts_with("api-version=")) => {
                Some(Cow::Borrowed(query))
            }
            Some(query) if !query.is_empty() => Some(Cow::Owned(format!("{query}&{pair}"))),
            _ => Some(Cow::Owned(pair)),
        }
    }

    /// Headers that are written whole for each attempt.
    fn is_managed(&self, name: &str) -> bool {
        self.policy.managed_headers.contains(name) || has_prefix_of(|_| true, name)
    }

    fn opt_out_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.opt_outs().iter().filter_map(|opt_out| match opt_out {
            provider::OptOut::Header { name, value } => Some((*name, *value)),
            _ => None,
        });
        own.chain(self.provider.opt_out_headers.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// A provider sees its own credential, or none.
    fn key(&self, original: &Head) -> Option<Sent> {
        match &self.provider.credential {
            Credential::Key(secret) => Some(self.vendor.authenticate(&secret.0)),
            Credential::Passthrough if self.passthrough => callers_key(self.policy, original, self.provider),
            Credential::Passthrough | Credential::Envoy => None,
        }
    }

    /// The body in the provider's dialect.
    pub fn body<'b>(&self, outline: &Outline, body: &'b [u8]) -> Result<Written<'b>, Failure> {
        let mut dropped = Vec::new();
        let body = if self.speaks_the_callers_dialect() {
            self.edit(outline, body, &mut dropped)?
        } else {
            Cow::Owned(self.translate(outline, body, &mut dropped)?)
        };
        let (body, opt_out) = self.opt_out(body)?;
        Ok(Written { body, opt_out, dropped })
    }

    fn edit<'b>(
        &self,
        outline: &Outline,
        body: &'b [u8],
        dropped: &mut Vec<String>,
    ) -> Result<Cow<'b, [u8]>, Failure> {
        let document = parse(body)?;
        let root = document.root();
        let mut edits = Edits::new();
        let model = self.model(outline);
        // A path may have named the model, whatever the body says.
        self.caller.set_model(root, model, &mut edits);
        if model != outline.model {
            self.fit(root, &mut edits, dropped);
        }
        if outline.stream && !outline.stream_usage && self.vendor.asks_stream_usage() {
            self.caller.ask_stream_usage(root, &mut edits);
        }
        let adapted = self.vendor.adapt(self.api, root, model, &self.policy.config.drop, &mut edits);
        adapted.map_err(|fault| Failure::CannotCarry { field: fault.field })?;
        Ok(if edits.is_empty() { Cow::Borrowed(body) } else { Cow::Owned(edits.apply(body)) })
    }

    /// The one that is asked for here.
    fn model<'m>(&'m self, outline: &'m Outline) -> &'m str {
        if self.target.model.is_empty() { &outline.model } else { &self.target.model }
    }

    /// What the caller wrote for one model, another may not take.
    fn fit(&self, root: Node<'_>, edits: &mut Edits, dropped: &mut Vec<String>) {
        if let Some(entry) = self.policy.catalog.lookup(&self.target.model) {
            let model = Traits { reasoning: entry.reasoning, sampling: entry.sampling };
            dropped.extend(self.vendor.fit(self.api, root, model, edits).into_iter().map(str::to_owned));
        }
    }

    fn translate(
        &self,
        outline: &Outline,
        body: &[u8],
        dropped: &mut Vec<String>,
    ) -> Result<Vec<u8>, Failure> {
        let document = parse(body)?;
        let malformed =
            |fault: Malformed| Failure::NotTheApi { field: fault.field, expected: fault.expected };
        let mut request = neutral(self.policy, self.caller, outline, document.root()).map_err(malformed)?;
        if !self.target.model.is_empty() {
            request.model.clone_from(&self.target.model);
        }
        // Usage is what a call is settled by.
        request.stream_usage = true;
        request.keep_caching(self.vendor.caching());
        let written = write(self.policy, self.caller, self.api, &request);
        let (written, gone) = written.map_err(|field| Failure::CannotCarry { field })?;
        dropped.extend(gone);
        let mut edits = Edits::new();
        {
            let document = parse(&written)?;
            let adapted = adapt(
                self.policy,
                self.vendor,
                self.caller,
                (self.api, &request),
                document.root(),
                &mut edits,
            );
            adapted.map_err(|field| Failure::CannotCarry { field })?;
            self.fit(document.root(), &mut edits, dropped);
        }
        Ok(if edits.is_empty() { written } else { edits.apply(&written) })
    }

    /// Sets what the provider offers per request against retention and training, and says what is set.
    fn opt_out<'b>(&self, body: Cow<'b, [u8]>) -> Result<(Cow<'b, [u8]>, Vec<String>), Failure> {
        let mode = self.policy.config.retention.opt_out;
        if mode == OptOut::Never {
            return Ok((body, Vec::new()));
        }
        let mut fields = Fields { mode, edits: Edits::new(), set: Vec::new() };
        // What goes into objects that may not be there: one after the other, as each may make the object of the next.
        let mut nested: Vec<(&str, &str, bool)> = Vec::new();
        let mut body = body;
        let edited = {
            let document = parse(&body)?;
            let root = document.root();
            let mut set = |fields: &mut Fields, field: &'static str, value: &'static str| {
                if field.contains('.') {
                    nested.push((field, value, false));
                } else {
                    fields.set(root, field, value, false);
                }
            };
            for opt_out in self.opt_outs() {
                match opt_out {
                    provider::OptOut::Set { field, value } => set(&mut fields, field, value),
                    provider::OptOut::Drop { field, value } => fields.drop(root, field, value),
                    provider::OptOut::Header { .. } => {}
                }
            }
            (!fields.edits.is_empty()).then(|| fields.edits.apply(&body))
        };
        body = edited.map_or(body, Cow::Owned);
        // A text of the operator's may be a secret: its name is enough.
        let operators = self.provider.opt_out_body.iter();
        nested
            .extend(operators.map(|(field, value)| (field.as_str(), value.as_str(), value.starts_with('"'))));
        for (field, value, is_secret) in nested {
            fields.edits = Edits::new();
            fields.set(parse(&body)?.root(), field, value, is_secret);
            if !fields.edits.is_empty() {
                body = Cow::Owned(fields.edits.apply(&body));
            }
        }
        // Names alone: a value of the operator's may be a secret.
        fields.set.extend(self.opt_out_headers().map(|(name, _)| format!("{name}:")));
        Ok((body, fields.set))
    }
}

/// A request in neutral form, without what the policy overrules wherever it goes.
pub(super) fn neutral(
    policy: &Policy,
    caller: &dyn Codec,
    outline: &Outline,
    root: Node<'_>,
) -> Result<Request, Malformed> {
    let mut request = caller.read_request(outline, root)?;
    if policy.config.retention.opt_out == OptOut::Always {
        for field in caller.storage_fields() {
            request.let_go(field);
        }
    }
    Ok(request)
}

/// What the caller calls a field that a target has no place for.
pub(super) fn callers_name(caller: &dyn Codec, request: &Request, field: &str) -> String {
    // Where thinking is bounded by tokens, other APIs are told an effort that nobody wrote.
    let unwritten = field == "reasoning_effort" && request.reasoning_effort.is_none();
    caller.callers_field(if unwritten { "thinking" } else { field })
}

/// Edits what was written in another API for one of its vendors. `Err`: the field that it has no place for.
pub(super) fn adapt(
    policy: &Policy,
    vendor: &dyn Vendor,
    caller: &dyn Codec,
    (api, request): (Api, &Request),
    written: Node<'_>,
    edits: &mut Edits,
) -> Result<(), String> {
    let mut drop = Cow::Borrowed(policy.config.drop.as_slice());
    if !drop.is_empty() {
        // The policy may call them as the caller does.
        let named = |field: &&&str| {
            policy.config.drop.iter().any(|name| is_named(name, &caller.callers_field(field)))
        };
        drop.to_mut().extend(Request::FIELDS.iter().filter(named).map(|field| (*field).to_owned()));
    }
    let adapted = vendor.adapt(api, written, &request.model, &drop, edits);
    adapted.map_err(|fault| callers_name(caller, request, &fault.field))
}

/// The request in another API, and what the policy let go of it, because there is no place for it there. `Err`: the
/// field that there is no place for. Fields have the caller's names.
pub(super) fn write(
    policy: &Policy,
    caller: &dyn Codec,
    api: Api,
    request: &Request,
) -> Result<(Vec<u8>, Vec<String>), String> {
    let codec = provider::codec(api);
    let mut request = Cow::Borrowed(request);
    let mut gone = Vec::new();
    loop {
        let field = match codec.write_request(&request, policy.config.output_reserve) {
            Ok(body) => return Ok((body, gone)),
            Err(fault) => fault.field,
        };
        // What the caller wrote is named as it wrote it.
        let own = request.unsupported.contains(&field);
        let name = if own { field.clone() } else { callers_name(caller, &request, &field) };
        let may_go = policy.config.drop.iter().any(|drop| is_named(drop, &name) || is_named(drop, &field));
        if !may_go || !request.to_mut().let_go(&field) {
            return Err(name);
        }
        gone.push(name);
    }
}

/// Credentials, what vendors set, and what the policy sets.
pub(super) fn managed_headers(config: &Config) -> HashSet<String> {
    let vendors = provider::VENDORS.iter().flat_map(|vendor| {
        let all = vendor.apis().iter().flat_map(|api| vendor.opt_outs(*api));
        let opt_outs = all.filter_map(|opt_out| match opt_out {
            provider::OptOut::Header { name, .. } => Some(*name),
            _ => None,
        });
        opt_outs.chain(vendor.headers().iter().map(|(name, _)| *name))
    });
    let policys = config.providers.iter().flat_map(|provider| &provider.opt_out_headers);
    let policys = policys.map(|(name, _)| name.as_str());
    CREDENTIAL_HEADERS.into_iter().chain(vendors).chain(policys).map(str::to_owned).collect()
}

/// A body as it leaves.
pub(super) struct Written<'b> {
    pub body: Cow<'b, [u8]>,
    /// What is set against retention and training.
    pub opt_out: Vec<String>,
    /// Fields that the policy, or the model, let go.
    pub dropped: Vec<String>,
}

/// Opt-outs in a body.
struct Fields {
    mode: OptOut,
    edits: Edits,
    set: Vec<String>,
}

impl Fields {
    /// Sets a field by its dotted path, with the objects around it.
    fn set(&mut self, root: Node<'_>, field: &str, value: &str, is_secret: bool) {
        let path: Vec<&str> = field.split('.').collect();
        let told = || if is_secret { field.to_owned() } else { format!("{field}={value}") };
        match root.path(&path) {
            Some(found) if found.raw() == value => return self.set.push(told()),
            Some(_) if self.mode == OptOut::IfUnset => return,
            _ => {}
        }
        let mut object = root;
        let mut rest = path.as_slice();
        while let [step, deeper @ ..] = rest {
            match object.get(step) {
                Some(child) if !deeper.is_empty() && child.kind() == Kind::Object => {
                    object = child;
                    rest = deeper;
                }
                _ => break,
            }
        }
        if let [step, deeper @ ..] = rest {
            let nested = deeper
                .iter()
                .rev()
                .fold(value.to_owned(), |inner, name| format!("{{{}:{inner}}}", quote(name)));
            self.edits.set(object, step, &nested);
            self.set.push(told());
        }
    }

    /// Takes a field out that lengthens retention.
    fn drop(&mut self, root: Node<'_>, field: &str, value: &str) {
        let (object, name) = match field.rsplit_once('.') {
            Some((path, name)) => (root.path(&path.split('.').collect::<Vec<_>>()), name),
            None => (Some(root), field),
        };
        let Some(object) = object.filter(|_| self.mode == OptOut::Always) else { return };
        if object.get(name).is_some_and(|node| says(node, value)) {
            self.edits.remove(object, name);
            self.set.push(format!("-{field}"));
        }
    }
}

/// Whether a header means something to one of these vendors alone.
fn has_prefix_of(which: impl Fn(&dyn Vendor) -> bool, name: &str) -> bool {
    let mut vendors = provider::VENDORS.iter().filter(|vendor| which(**vendor));
    vendors.any(|vendor| vendor.header_prefixes().iter().any(|prefix| name.starts_with(prefix)))
}

/// Whether a node is the value that `json` writes, however it is written itself.
fn says(node: Node<'_>, json: &str) -> bool {
    node.raw() == json || node.as_str().is_some_and(|text| quote(&text) == json)
}

fn parse(body: &[u8]) -> Result<Document<'_>, Failure> {
    Document::parse_lenient(body).map_err(|error| Failure::NotJson { why: error.to_string() })
}
