//! The upstream role: one attempt at one provider.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::adapter::host::{self, Message};
use crate::adapter::{carry_out, registry};
use crate::engine::Attempt;
use crate::engine::attempt::Place;
use crate::engine::effect::{Flow, Step};
use crate::engine::failure::Failure;

/// The filter state by which the two roles meet. Headers do not do: what one attempt takes out of them so that it
/// does not leave, the next attempt misses.
pub const TOKEN: &str = "tollgate.exchange";

/// Begins without an attempt: what it is for is known when the request's head comes.
pub struct Upstream {
    attempt: Option<Attempt>,
    /// How much of the answer's body the attempt has read.
    read: usize,
}

impl Upstream {
    pub fn new() -> Self {
        Self { attempt: None, read: 0 }
    }

    fn whole_request(&mut self, size: usize) -> Action {
        let Some(attempt) = &mut self.attempt else { return Action::Continue };
        let body = host::body(Message::Request, 0, size);
        let step = attempt.request_body(&body).unwrap_or_else(|failure| attempt.refuse(failure));
        carry_out(step, size)
    }

    fn carry_out_answer(&mut self, step: Step, size: usize) -> Action {
        self.read = if matches!(step.flow, Flow::Pause) { size } else { 0 };
        carry_out(step, size)
    }
}

impl Context for Upstream {
    fn on_done(&mut self) -> bool {
        if let Some(attempt) = &mut self.attempt {
            attempt.close(registry::lend());
        }
        true
    }
}

impl HttpContext for Upstream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let headers = host::headers(Message::Request);
        // Nobody inspected a request that brings no token of ours: it does not leave.
        let Some(exchange) = host::text_property(&[TOKEN]).and_then(|token| registry::find(&token)) else {
            host::log_error(
                "tollgate: a request reached a provider's cluster without passing the listener role; refused",
            );
            return carry_out(Step::reply(Failure::NotInspected.reply_to_anybody()), 0);
        };
        let provider = host::text_property(&[
            "xds",
            "upstream_host_metadata",
            "filter_metadata",
            "tollgate",
            "provider",
        ]);
        let cluster = host::text_property(&["xds", "cluster_name"]);
        let place = Place { provider: provider.as_deref(), cluster: cluster.as_deref() };
        match Attempt::open(Rc::clone(&exchange), place, &headers, registry::lend()) {
            Ok((attempt, step)) => {
                self.attempt = Some(attempt);
                carry_out(step, 0)
            }
            Err(failure) => carry_out(exchange.borrow_mut().refuse_attempt(failure), 0),
        }
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        match &self.attempt {
            Some(attempt) if attempt.awaits_request() => {
                if end_of_stream {
                    self.whole_request(size)
                } else {
                    Action::Pause
                }
            }
            _ => Action::Continue,
        }
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        let awaits = self.attempt.as_ref().is_some_and(Attempt::awaits_request);
        if awaits { self.whole_request(usize::MAX) } else { Action::Continue }
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let Some(attempt) = &mut self.attempt else { return Action::Continue };
        let headers = host::headers(Message::Response);
        let status = headers.get_str(":status").and_then(|status| status.parse().ok()).unwrap_or(0);
        let step = attempt.response_head(status, headers, end_of_stream, registry::lend());
        self.carry_out_answer(step, 0)
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let Some(attempt) = &mut self.attempt else { return Action::Continue };
        let piece = host::body(Message::Response, self.read, size.saturating_sub(self.read));
        let step = attempt.response_body(&piece, end_of_stream, registry::lend());
        self.carry_out_answer(step, size)
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        let Some(attempt) = &mut self.attempt else { return Action::Continue };
        let step = attempt.response_trailers(registry::lend());
        self.carry_out_answer(step, usize::MAX)
    }
}
