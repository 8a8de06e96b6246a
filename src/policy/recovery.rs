//! What follows a failed attempt.

use crate::chat::ErrorClass;
use crate::config::{Recovery, Then};

/// Whether the next target is asked after a failure of this class.
pub fn tries_next(recovery: &Recovery, class: ErrorClass) -> bool {
    recovery.then.get(&class).is_some_and(|then| *then == Then::Next)
}

/// Whether a failure of this class says something about the provider's health. The others are signalled to Envoy by
/// a status that its outlier detection does not count.
pub fn is_the_providers_fault(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Overloaded | ErrorClass::ServerError | ErrorClass::Timeout | ErrorClass::BrokenResponse
    )
}
