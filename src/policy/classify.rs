//! From what was found to which classes of data a request holds.

use std::collections::BTreeMap;

use crate::config::DataClass;

/// The classes that apply: one of their types was found, or their header says so.
pub fn classes<'c>(
    all: &'c [DataClass],
    found: &BTreeMap<String, u64>,
    header: &dyn Fn(&str) -> Option<String>,
) -> Vec<&'c DataClass> {
    all.iter()
        .filter(|class| {
            class.found.iter().any(|name| found.contains_key(name))
                || class
                    .header
                    .as_ref()
                    .is_some_and(|(name, pattern)| header(name).is_some_and(|value| pattern.matches(&value)))
        })
        .collect()
}
