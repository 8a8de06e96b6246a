//! Envoy's side: callbacks in, host calls out. The only code that knows proxy-wasm; it decides nothing.
//!
//! Both roles run in one VM per worker thread, so that an attempt finds its exchange in this thread's memory.

mod host;
mod listener;
mod registry;
mod upstream;

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::engine::Policy;
use crate::engine::effect::{Effect, Flow, Metric, Step};
use host::Message;

/// A start of the module's life that the SDK's macro would write, without its global side effects.
#[unsafe(no_mangle)]
pub extern "C" fn _initialize() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    // SAFETY: called once by the host, before anything else.
    unsafe { __wasm_call_ctors() };
    std::panic::set_hook(Box::new(|info| {
        // The place, never the message: a message may hold what it choked on.
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        host::log_error(&format!("tollgate: panic at {place}"));
    }));
    proxy_wasm::set_root_context(|_| Box::new(Root { role: Role::Listener, policy: None }));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Listener,
    Upstream,
}

/// One plugin configuration in one VM.
struct Root {
    role: Role,
    policy: Option<Rc<Policy>>,
}

impl Context for Root {}

/// How often streams are looked at, in milliseconds.
const TICK: u32 = 250;

impl RootContext for Root {
    /// A provider that falls silent brings no callback.
    fn on_tick(&mut self) {
        registry::cut_off_silent().into_iter().for_each(host::reset_answer);
    }

    fn on_configure(&mut self, _size: usize) -> bool {
        self.role = match host::text_property(&["plugin_root_id"]).as_deref() {
            Some("upstream") => Role::Upstream,
            Some("listener") => Role::Listener,
            other => {
                let found = other.unwrap_or_default();
                host::log_error(&format!(
                    "tollgate: root_id: unknown role \"{found}\"; expected one of listener, upstream"
                ));
                return false;
            }
        };
        match registry::policy(&host::plugin_configuration()) {
            Ok(policy) => {
                match self.role {
                    Role::Upstream => registry::note_upstream_role(),
                    Role::Listener => host::tick_every(TICK),
                }
                self.policy = Some(policy);
                true
            }
            Err(errors) => {
                host::log_error("tollgate: the policy is refused:");
                errors.lines().for_each(|line| host::log_error(&format!("tollgate: {line}")));
                false
            }
        }
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        let policy = Rc::clone(self.policy.as_ref()?);
        Some(match self.role {
            Role::Listener => Box::new(listener::Listener::new(policy, context)),
            Role::Upstream => Box::new(upstream::Upstream::new()),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// Carries a step out. `held` is how many bytes of the message's body are held or at hand.
fn carry_out(step: Step, held: usize) -> Action {
    for effect in step.effects {
        perform(effect, held);
    }
    match step.flow {
        Flow::Continue => Action::Continue,
        Flow::Pause => Action::Pause,
        Flow::Reply(reply) => {
            if !host::reply(&reply) {
                host::log_warning("tollgate: it was too late for an answer of our own");
            }
            Action::Pause
        }
    }
}

fn perform(effect: Effect, held: usize) {
    let done = match &effect {
        Effect::SetRequestHeader(name, value) => host::set_header(Message::Request, name, value),
        Effect::RemoveRequestHeader(name) => host::remove_header(Message::Request, name),
        Effect::SetRequestBody(body) => host::set_body(Message::Request, held, body),
        Effect::ShareToken(token) => host::set_filter_state(upstream::TOKEN, token.as_bytes()),
        Effect::SetResponseHeader(name, value) => host::set_header(Message::Response, name, value),
        Effect::RemoveResponseHeader(name) => host::remove_header(Message::Response, name),
        Effect::SetResponseBody(body) => host::set_body(Message::Response, held, body),
        Effect::Record(line) => host::set_filter_state("tollgate.record", line.as_bytes()),
        Effect::Metric(metric) => measure(metric),
    };
    if !done {
        host::log_warning(&format!("tollgate: Envoy refused to {}", effect.name()));
    }
}

fn measure(metric: &Metric) -> bool {
    if let Some(id) = registry::metric(metric) {
        host::measure(metric.kind, id, metric.value);
    }
    true
}
