//! What follows a failed attempt.

use crate::chat::ErrorClass;
use crate::config::{Recovery, Rule, Then};

/// No provider's word lets a target rest for longer, in milliseconds.
const LONGEST_REST: u64 = 3_600_000;

/// Where a request stands when one of its attempts has failed.
pub struct Situation<'s> {
    /// The context window of the target that failed; `None`: not known.
    pub window: Option<u64>,
    /// Those of the targets that are left, in the order in which Envoy asks them.
    pub left: &'s [Option<u64>],
    /// Whether the request may be planned anew.
    pub may_pass: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The next target is asked.
    Next,
    /// The request is planned anew: Envoy's order does not lead there.
    Pass(Pass),
    /// The caller gets the error.
    Fail,
}

/// How a request is planned anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    /// Of the targets that are left, those whose window may be larger than this.
    Larger(Option<u64>),
    /// The same targets, with less of the conversation.
    Truncate { system: bool, last: usize },
    /// The targets of another chain.
    Chain(String),
}

pub fn decide(recovery: &Recovery, class: ErrorClass, situation: &Situation<'_>) -> Step {
    let next = if situation.left.is_empty() { Step::Fail } else { Step::Next };
    let pass = |pass: Pass| if situation.may_pass { Step::Pass(pass) } else { Step::Fail };
    match rule(recovery, class).map(|rule| &rule.then) {
        None | Some(Then::Fail) => Step::Fail,
        Some(Then::Next) => next,
        Some(Then::Larger) => {
            let larger = |window: &Option<u64>| may_be_larger(*window, situation.window);
            match situation.left {
                [first, ..] if larger(first) => Step::Next,
                left if left.iter().any(larger) => pass(Pass::Larger(situation.window)),
                _ => Step::Fail,
            }
        }
        Some(Then::Truncate { system, last }) => pass(Pass::Truncate { system: *system, last: *last }),
        Some(Then::Chain(_)) if !situation.may_pass => next,
        Some(Then::Chain(chain)) => Step::Pass(Pass::Chain(chain.clone())),
    }
}

/// What is not known is not known to be too small.
pub fn may_be_larger(window: Option<u64>, than: Option<u64>) -> bool {
    match (window, than) {
        (Some(window), Some(than)) => window > than,
        _ => true,
    }
}

pub fn rule(recovery: &Recovery, class: ErrorClass) -> Option<&Rule> {
    recovery.rules.get(&class)
}

/// What is passed over for a while after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// The target, for this credential.
    Target(u64),
    /// All of the provider, for this credential: another tenant's key may do.
    Credential(u64),
}

/// `retry_after` is the provider's word. Times in milliseconds.
pub fn rest(recovery: &Recovery, class: ErrorClass, retry_after: Option<u64>) -> Option<Rest> {
    let said = retry_after.map(|time| time.min(LONGEST_REST));
    let time = said.max(rule(recovery, class).and_then(|rule| rule.rest)).filter(|time| *time > 0)?;
    Some(match class {
        ErrorClass::QuotaExhausted | ErrorClass::Auth => Rest::Credential(time),
        _ => Rest::Target(time),
    })
}

/// Whether a failure of this class says something about the provider's health. The others are signalled to Envoy by
/// a status that its outlier detection does not count.
pub fn is_the_providers_fault(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Overloaded | ErrorClass::ServerError | ErrorClass::Timeout | ErrorClass::BrokenResponse
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recovery(class: ErrorClass, then: Then, rest: Option<u64>) -> Recovery {
        Recovery { rules: [(class, Rule { then, rest })].into_iter().collect() }
    }

    fn after(then: Then, window: Option<u64>, left: &[Option<u64>], may_pass: bool) -> Step {
        let class = ErrorClass::ContextLength;
        decide(&recovery(class, then, None), class, &Situation { window, left, may_pass })
    }

    #[test]
    fn a_larger_window_is_asked_where_there_is_one() {
        let small = Some(8);
        assert_eq!(after(Then::Larger, small, &[Some(9), Some(100)], true), Step::Next);
        assert_eq!(after(Then::Larger, small, &[None], true), Step::Next);
        assert_eq!(after(Then::Larger, None, &[Some(1)], true), Step::Next);
        let pass = Step::Pass(Pass::Larger(small));
        assert_eq!(after(Then::Larger, small, &[Some(8), Some(100)], true), pass);
        assert_eq!(after(Then::Larger, small, &[Some(8), None], true), pass);
        assert_eq!(after(Then::Larger, small, &[Some(8), Some(100)], false), Step::Fail);
        assert_eq!(after(Then::Larger, small, &[Some(8), Some(4)], true), Step::Fail);
        assert_eq!(after(Then::Larger, small, &[], true), Step::Fail);
    }

    #[test]
    fn another_chain_needs_another_pass_and_the_rest_of_this_one_does_not() {
        let chain = || Then::Chain("lenient".to_owned());
        assert_eq!(after(chain(), None, &[], true), Step::Pass(Pass::Chain("lenient".to_owned())));
        assert_eq!(after(chain(), None, &[None], false), Step::Next);
        assert_eq!(after(chain(), None, &[], false), Step::Fail);
        assert_eq!(after(Then::Next, None, &[None], false), Step::Next);
        assert_eq!(after(Then::Next, None, &[], true), Step::Fail);
        assert_eq!(after(Then::Fail, None, &[None], true), Step::Fail);
        assert_eq!(after(Then::Truncate { system: true, last: 2 }, None, &[None], false), Step::Fail);
    }

    #[test]
    fn the_longer_of_the_providers_word_and_the_policys_holds_within_bounds() {
        let with = |class, own| recovery(class, Then::Next, own);
        let limited = ErrorClass::RateLimited;
        assert_eq!(rest(&with(limited, None), limited, None), None);
        assert_eq!(rest(&with(limited, None), limited, Some(0)), None);
        assert_eq!(rest(&with(limited, None), limited, Some(250)), Some(Rest::Target(250)));
        assert_eq!(rest(&with(limited, Some(500)), limited, Some(250)), Some(Rest::Target(500)));
        let year = 365 * 86_400_000;
        assert_eq!(rest(&with(limited, None), limited, Some(year)), Some(Rest::Target(LONGEST_REST)));
        let auth = ErrorClass::Auth;
        assert_eq!(rest(&with(auth, Some(600_000)), auth, None), Some(Rest::Credential(600_000)));
    }
}
