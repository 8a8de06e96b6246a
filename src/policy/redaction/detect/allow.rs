//! Values that the policy lets through.

use std::collections::HashMap;

use regex::Regex;

use super::detector::TypeId;
use crate::config::{Allowed, AllowedValue};

/// `None`: of any type.
type OfType = Option<TypeId>;

#[derive(Default)]
pub(super) struct AllowList {
    /// Lower case.
    exact: HashMap<String, Vec<OfType>>,
    patterns: Vec<(OfType, Regex)>,
    /// With the `@` before it, and the dot before what is below it.
    domains: Vec<[String; 2]>,
}

impl AllowList {
    pub fn new(allowed: &[Allowed], type_of: impl Fn(&str) -> Option<TypeId>) -> Self {
        let mut list = Self::default();
        for Allowed { kind, value } in allowed {
            let of_type = match kind.as_deref().map(&type_of) {
                // Of a type that is never found.
                Some(None) => continue,
                Some(kind) => kind,
                None => None,
            };
            match value {
                AllowedValue::Exact(value) => {
                    list.exact.entry(value.to_lowercase()).or_default().push(of_type);
                }
                // The value as a whole: of alternatives, the regex would take the first that fits its beginning.
                AllowedValue::Pattern(pattern) => list.patterns.extend(
                    Regex::new(&format!(r"\A(?:{})\z", pattern.as_str()))
                        .or_else(|_| Regex::new(&format!("\\A(?:{}\n)\\z", pattern.as_str())))
                        .map(|pattern| (of_type, pattern)),
                ),
                AllowedValue::Domain(domain) => {
                    list.domains.push([format!("@{domain}"), format!(".{domain}")])
                }
            }
        }
        list
    }

    pub fn has(&self, value: &str, kind: TypeId, is_email: bool) -> bool {
        let fits = |of_type: &OfType| of_type.is_none_or(|of_type| of_type == kind);
        if self.patterns.iter().any(|(of_type, pattern)| fits(of_type) && pattern.is_match(value)) {
            return true;
        }
        if self.exact.is_empty() && (self.domains.is_empty() || !is_email) {
            return false;
        }
        let lower = value.to_lowercase();
        self.exact.get(&lower).is_some_and(|types| types.iter().any(fits))
            || is_email && self.domains.iter().flatten().any(|domain| lower.ends_with(domain))
    }
}
