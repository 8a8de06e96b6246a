//! The listener role: one request on its way in, and its answer on its way out.

use std::cell::RefCell;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::adapter::host::{self, Message};
use crate::adapter::{carry_out, registry};
use crate::engine::admit::RequestHead;
use crate::engine::again;
use crate::engine::attempt::Place;
use crate::engine::effect::{Effect, Flow, Step};
use crate::engine::failure::Failure;
use crate::engine::{Attempt, Exchange, Policy};

pub struct Listener {
    policy: Rc<Policy>,
    /// As Envoy knows it.
    context: u32,
    exchange: Option<Rc<RefCell<Exchange>>>,
    /// In direct mode the attempt's work is done here.
    attempt: Option<Attempt>,
    /// How much of the answer's body the attempt has read.
    read: usize,
    status: u16,
}

impl Listener {
    pub fn new(policy: Rc<Policy>, context: u32) -> Self {
        Self { policy, context, exchange: None, attempt: None, read: 0, status: 0 }
    }

    /// All of the request's body is here, `size` bytes of it.
    fn whole_request(&mut self, size: usize) -> Action {
        let Some(exchange) = self.exchange.clone() else { return Action::Continue };
        let body = host::body(Message::Request, 0, size);
        let step = exchange.borrow_mut().body(&body, registry::lend());
        self.go_direct(step, body, size)
    }

    /// In direct mode the request is made ready for its provider at once.
    fn go_direct(&mut self, step: Step, body: Vec<u8>, held: usize) -> Action {
        let Some(exchange) = self.exchange.clone() else { return Action::Continue };
        let direct = exchange.borrow().direct_provider();
        let (Flow::Continue, Some(provider)) = (&step.flow, direct) else { return carry_out(step, held) };
        let place = Place { provider: Some(&provider), cluster: None };
        let inspected = step.effects.iter().rev().find_map(|effect| match effect {
            Effect::SetRequestBody(body) => Some(body.clone()),
            _ => None,
        });
        carry_out(step, held);
        // From here on the host holds the inspected body.
        let held = inspected.as_ref().map_or(held, Vec::len);
        let body = inspected.unwrap_or(body);
        let opened =
            Attempt::open(Rc::clone(&exchange), place, &host::headers(Message::Request), registry::lend());
        let written = opened.and_then(|(mut attempt, head)| {
            carry_out(head, held);
            let step = attempt.request_body(&body)?;
            self.attempt = Some(attempt);
            Ok(step)
        });
        let step = written.unwrap_or_else(|failure| exchange.borrow_mut().refuse_attempt(failure));
        carry_out(step, held)
    }

    /// What the attempt makes of the next piece of the answer, in direct mode.
    fn direct_piece(&mut self, size: usize, end_of_stream: bool) -> Action {
        let Some(attempt) = &mut self.attempt else { return Action::Continue };
        let piece = host::body(Message::Response, self.read, size.saturating_sub(self.read));
        let step = attempt.response_body(&piece, end_of_stream, registry::lend());
        self.direct_step(step, size, end_of_stream)
    }

    fn direct_step(&mut self, mut step: Step, size: usize, end_of_stream: bool) -> Action {
        let Some(exchange) = &self.exchange else { return carry_out(step, size) };
        let held_back = matches!(step.flow, Flow::Pause);
        self.read = if held_back { size } else { 0 };
        if !held_back && self.status != 0 {
            let status = step.status().unwrap_or(self.status);
            step.effects.append(&mut exchange.borrow_mut().answer_head(status, false, end_of_stream).effects);
            self.status = 0;
        }
        carry_out(step, size)
    }
}

impl Context for Listener {
    fn on_done(&mut self) -> bool {
        if let Some(exchange) = self.exchange.take() {
            registry::leave(exchange.borrow().token());
        }
        true
    }
}

/// The exchange that Envoy runs the listener again for.
fn handed_over() -> Option<Rc<RefCell<Exchange>>> {
    let token = host::header(Message::Request, again::TOKEN)?;
    registry::take_over(std::str::from_utf8(&token).ok()?)
}

impl HttpContext for Listener {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        if let Some(exchange) = handed_over() {
            let step = exchange.borrow_mut().resume(&host::headers(Message::Request));
            registry::enter(&exchange, self.context);
            self.exchange = Some(exchange);
            return carry_out(step, 0);
        }
        let property = |path: &[String]| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            host::text_property(&path)
        };
        let Some(seed) = registry::random() else {
            return carry_out(Step::reply(Failure::NotInspected.reply_to_anybody()), 0);
        };
        let head = RequestHead {
            headers: host::headers(Message::Request),
            end_of_stream,
            attachment: registry::attachment(),
            property: &property,
            seed,
        };
        let (exchange, step) = Exchange::open(Rc::clone(&self.policy), head, registry::lend());
        let exchange = Rc::new(RefCell::new(exchange));
        registry::enter(&exchange, self.context);
        self.exchange = Some(exchange);
        self.go_direct(step, Vec::new(), 0)
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let Some(exchange) = &self.exchange else { return Action::Continue };
        if end_of_stream && exchange.borrow().awaits_body() {
            return self.whole_request(size);
        }
        let step = exchange.borrow_mut().body_grew(size);
        carry_out(step, size)
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        let awaits = self.exchange.as_ref().is_some_and(|exchange| exchange.borrow().awaits_body());
        // Nobody inspects them, and no provider reads them.
        host::remove_request_trailers();
        if awaits { self.whole_request(usize::MAX) } else { Action::Continue }
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let Some(exchange) = self.exchange.clone() else { return Action::Continue };
        let headers = host::headers(Message::Response);
        let status = headers.get_str(":status").and_then(|status| status.parse().ok()).unwrap_or(0);
        let providers = |_: &&mut Attempt| {
            host::text_property(&["response", "code_details"])
                .is_some_and(|details| details == "via_upstream")
        };
        let Some(attempt) = self.attempt.as_mut().filter(providers) else {
            let signal = headers.get("x-tollgate-retry").is_some();
            let step = exchange.borrow_mut().answer_head(status, signal, end_of_stream);
            return carry_out(step, 0);
        };
        self.status = status;
        let step = attempt.response_head(status, headers, end_of_stream, registry::lend());
        self.direct_step(step, 0, end_of_stream)
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let Some(exchange) = self.exchange.clone() else { return Action::Continue };
        if exchange.borrow().replaces_answer() {
            let step = exchange.borrow_mut().answer_body(end_of_stream);
            return carry_out(step, size);
        }
        self.direct_piece(size, end_of_stream)
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        let Some(exchange) = self.exchange.clone() else { return Action::Continue };
        if exchange.borrow().replaces_answer() {
            let step = exchange.borrow_mut().answer_body(true);
            return carry_out(step, usize::MAX);
        }
        let Some(attempt) = &mut self.attempt else { return Action::Continue };
        let step = attempt.response_trailers(registry::lend());
        self.direct_step(step, usize::MAX, true)
    }

    fn on_log(&mut self) {
        let details = host::text_property(&["response", "code_details"]);
        if details.as_deref() == Some("internal_redirect") {
            // The next context of the same request goes on with it, and tells of it.
            if let Some(exchange) = self.exchange.take_if(|exchange| exchange.borrow().is_passing()) {
                registry::hand_over(exchange);
                return;
            }
        }
        if self.exchange.is_none() {
            // Somebody before us answered a redirected request: its exchange ends here.
            self.exchange = handed_over();
        }
        // Who broke off? Only Envoy knows: where it was not the provider, the attempt is left as it stands.
        let providers = |_: &&mut Attempt| {
            details.as_deref().is_some_and(|details| {
                details.starts_with("upstream_reset") || details.starts_with("response_timeout")
            })
        };
        if let Some(attempt) = self.attempt.as_mut().filter(providers) {
            attempt.close(registry::lend());
        }
        if let Some(exchange) = &self.exchange {
            let effects = exchange.borrow_mut().finish(registry::lend());
            carry_out(Step::go_on(effects), 0);
        }
    }
}
