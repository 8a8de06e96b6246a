//! What a target's contract gives, and whether that is enough.

use crate::config::{DataClass, Provider};

/// Whether data of `class` may go to `provider`. The conditions of one class are alternatives: either is enough.
/// A class that states none is satisfied by every provider.
pub fn may_receive(provider: &Provider, class: &DataClass) -> bool {
    let retention = class.retention.map(|needed| provider.retention >= needed);
    let region = (!class.regions.is_empty())
        .then(|| provider.region.as_ref().is_some_and(|region| class.regions.contains(region)));
    match (retention, region) {
        (None, None) => true,
        (retention, region) => retention == Some(true) || region == Some(true),
    }
}
