//! Whose is the key that a caller sent?
//!
//! A key does not say it, but where it came does: the host that the call was addressed to, the header that it stood in,
//! the dialect of the call, and, of some vendors, its shape. A provider whose credential is `passthrough` gets a key
//! only where these speak for it; `passthrough: any` in the policy takes any that is not another vendor's by its shape.
//! Within one request a key goes to one provider: the first of the plan that it is for.

use std::borrow::Cow;

use crate::config::{Credential, Provider};
use crate::engine::Policy;
use crate::engine::exchange::{Exchange, Head};
use crate::provider::{self, CREDENTIAL_HEADERS, CREDENTIAL_PARAMS, Vendor};
use crate::wire::http;

/// The header that most vendors take a key in, so that it tells nothing by itself.
const COMMON: &str = "authorization";

/// A header that carries a key, as a provider gets it.
pub(super) type Sent = (&'static str, String);

impl Exchange {
    /// The provider that the caller's own key goes to.
    pub(super) fn keys_provider(&self) -> Option<usize> {
        let targets = &self.planned()?.plan.targets;
        let has_key = |index: usize| {
            let provider = self.policy.config.providers.get(index);
            let passes = provider.filter(|provider| provider.credential == Credential::Passthrough);
            passes.is_some_and(|provider| callers_key(&self.policy, &self.head, provider).is_some())
        };
        targets.iter().map(|target| target.provider).find(|index| has_key(*index))
    }
}

/// The caller's key in the header that this provider takes it in. `None`: it has none for it.
pub(super) fn callers_key(policy: &Policy, head: &Head, provider: &Provider) -> Option<Sent> {
    let vendor = provider::vendor(provider.dialect)?;
    let (own, _) = vendor.authenticate("");
    let addressed = addressed(policy, head, provider);
    let fits = |name: &str, key: &str| {
        let others = provider::VENDORS.iter().filter(|other| other.dialect() != vendor.dialect());
        if others.into_iter().any(|other| other.owns_key(key)) {
            return false;
        }
        let told = match addressed {
            Some(is_here) => is_here,
            None if name == COMMON => own == COMMON && speaks_for(head, COMMON) || is_namesake(head, vendor),
            None => own == name,
        };
        told || provider.any_key || vendor.owns_key(key)
    };
    let headers = CREDENTIAL_HEADERS.iter().filter_map(|name| {
        let mut values = head.headers.get_all(name);
        let value = std::str::from_utf8(values.next()?).ok()?.trim();
        // Of several nobody knows which one is meant.
        if values.next().is_some() {
            return None;
        }
        let key = match value.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
            _ => value,
        };
        let one = !key.is_empty() && !key.contains(',');
        (one && fits(name, key)).then(|| {
            // A scheme is part of what the vendor expects, where it is the vendor's own header or dialect.
            let as_it_is =
                *name == COMMON && value.contains(' ') && (own == COMMON || is_namesake(head, vendor));
            if as_it_is { (COMMON, value.to_owned()) } else { vendor.authenticate(key) }
        })
    });
    let parameters = || {
        let key = http::query_param(&head.path, "key").filter(|key| headers_may_hold(key))?;
        // Where a header says it otherwise, this is its name.
        fits("x-goog-api-key", &key).then(|| vendor.authenticate(&key))
    };
    headers.into_iter().next().or_else(parameters)
}

/// Whether the call is addressed to this provider's host; `None` where it is addressed to nobody of the policy.
fn addressed(policy: &Policy, head: &Head, provider: &Provider) -> Option<bool> {
    let host = head.authority.rsplit_once(':').map_or(head.authority.as_str(), |(host, _)| host);
    let has_host = |provider: &Provider| {
        let own = provider.host.as_deref();
        let own = own.or_else(|| provider::vendor(provider.dialect).and_then(|vendor| vendor.host()));
        own.map(|own| own.rsplit_once(':').map_or(own, |(own, _)| own))
            .is_some_and(|own| own.eq_ignore_ascii_case(host))
    };
    if has_host(provider) {
        return Some(true);
    }
    policy.config.providers.iter().any(has_host).then_some(false)
}

/// Whether callers of this dialect give their keys in that header. What nobody read is in no dialect.
fn speaks_for(head: &Head, header: &str) -> bool {
    let Some(api) = head.api else { return true };
    provider::vendor(api.namesake()).is_some_and(|vendor| vendor.authenticate("").0 == header)
}

/// Whether the call is written in the vendor's own dialect.
fn is_namesake(head: &Head, vendor: &dyn Vendor) -> bool {
    head.api.is_some_and(|api| api.namesake() == vendor.dialect())
}

fn headers_may_hold(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A path without the credentials in its query.
pub(super) fn without_credentials(path: &str) -> Cow<'_, str> {
    http::remove_query_params(path, &CREDENTIAL_PARAMS)
}
