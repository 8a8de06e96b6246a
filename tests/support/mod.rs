//! A stand-in for Envoy: drives the engine as the adapter does, with providers that answer from a script.

#![allow(dead_code, clippy::panic, clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::cell::RefCell;
use std::rc::Rc;

use tollgate::engine::admit::RequestHead;
use tollgate::engine::attempt::Place;
use tollgate::engine::effect::{Effect, Flow, Metric, Reply, Step};
use tollgate::engine::exchange::Attachment;
use tollgate::engine::{Attempt, Exchange, Host, Policy};
use tollgate::store::MemoryStore;
use tollgate::wire::http::Headers;

pub struct Gateway {
    pub policy: Rc<Policy>,
    pub store: MemoryStore,
    pub attachment: Attachment,
    pub now_ms: u64,
    /// The route has an `internal_redirect_policy`.
    pub redirects: bool,
    seed: u8,
}

pub struct Request {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Sizes of the pieces in which the body comes; the rest comes at once.
    pub cuts: Vec<usize>,
}

#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Offsets at which the body is cut.
    pub cuts: Vec<usize>,
    pub ends: Ends,
    /// Time that passes before each piece but the first, in milliseconds.
    pub pause_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The body's last piece says that it is the last.
    Clean,
    /// An empty last piece says so.
    EmptyPiece,
    Trailers,
    /// The connection is lost behind the body.
    Reset,
    /// The connection was never made, or nothing came in time.
    Never,
}

/// What one provider received.
#[derive(Debug, Clone)]
pub struct Sent {
    pub provider: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

#[derive(Debug, Default)]
pub struct Outcome {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub sent: Vec<Sent>,
    /// The answer broke off.
    pub reset: bool,
    pub record: String,
    pub metrics: Vec<Metric>,
}

impl Outcome {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn record(&self) -> serde_json::Value {
        serde_json::from_str(&self.record).expect("a record")
    }

    pub fn metric(&self, full_name: &str) -> Option<u64> {
        let found = self.metrics.iter().filter(|metric| metric.full_name() == full_name);
        found.map(|metric| metric.value).reduce(|sum, value| sum + value)
    }

    /// Everything that left: to providers, to logs, to metrics.
    pub fn everything_that_left(&self) -> String {
        let mut all = self.record.clone();
        for sent in &self.sent {
            all.push_str(&format!("\n{:?}\n{}", sent.headers, String::from_utf8_lossy(&sent.body)));
        }
        for metric in &self.metrics {
            all.push_str(&metric.full_name());
        }
        for (name, value) in self.headers.iter().filter(|(name, _)| name.starts_with("x-")) {
            all.push_str(&format!("\n{name}: {}", String::from_utf8_lossy(value)));
        }
        all
    }
}

impl Request {
    pub fn chat(body: impl Into<Vec<u8>>) -> Self {
        Self::post("/v1/chat/completions", body)
    }

    pub fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let headers = [
            (":method", "POST"),
            (":path", path),
            (":authority", "gateway.internal"),
            ("content-type", "application/json"),
            ("authorization", "Bearer sk-caller"),
            ("accept-encoding", "gzip"),
        ];
        let mut headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        headers.push(("content-length".to_owned(), body.len().to_string()));
        Self { headers, body, cuts: Vec::new() }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }
}

impl Answer {
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.into(), cuts: Vec::new(), ends: Ends::Clean, pause_ms: 0 }
    }

    pub fn stream(body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "text/event-stream; charset=utf-8".to_owned())];
        Self { status: 200, headers, body: body.into(), cuts: Vec::new(), ends: Ends::Clean, pause_ms: 0 }
    }

    pub fn dead() -> Self {
        Self { ends: Ends::Never, ..Self::json(0, "") }
    }

    pub fn cut(mut self, cuts: &[usize]) -> Self {
        self.cuts = cuts.to_vec();
        self
    }

    pub fn ends(mut self, ends: Ends) -> Self {
        self.ends = ends;
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Gateway {
    pub fn new(policy: &str) -> Self {
        Self::with_env(policy, &|_| None)
    }

    pub fn with_env(policy: &str, env: &dyn Fn(&str) -> Option<String>) -> Self {
        let policy =
            Policy::load(policy.as_bytes(), env, &[7; 32]).unwrap_or_else(|errors| panic!("{errors}"));
        Self {
            policy: Rc::new(policy),
            store: MemoryStore::default(),
            attachment: Attachment::Upstream,
            now_ms: 1_795_517_417_250,
            redirects: true,
            seed: 0,
        }
    }

    /// The same policy, and nothing used up.
    pub fn afresh(&self) -> Self {
        Self {
            policy: Rc::clone(&self.policy),
            store: MemoryStore::default(),
            attachment: self.attachment,
            now_ms: self.now_ms,
            redirects: self.redirects,
            seed: 0,
        }
    }

    pub fn direct(mut self) -> Self {
        self.attachment = Attachment::Direct;
        self
    }

    pub fn host(&self) -> Host<'_> {
        Host { now_ms: self.now_ms, store: &self.store }
    }

    /// One call. Answers are given in the order in which providers are asked, whoever is asked.
    pub fn call(&mut self, request: Request, answers: &[Answer]) -> Outcome {
        self.seed = self.seed.wrapping_add(1);
        let mut call = Call {
            gateway: self,
            headers: request.headers.iter().map(|(n, v)| (n.clone(), v.clone().into_bytes())).collect(),
            body: Vec::new(),
            outcome: Outcome::default(),
            response: Headers::new(),
            is_final: false,
        };
        call.run(&request, answers)
    }
}

struct Call<'g> {
    gateway: &'g Gateway,
    /// The request's, as the listener left them.
    headers: Headers,
    body: Vec<u8>,
    outcome: Outcome,
    response: Headers,
    /// The answer is a role's own, which Envoy does not retry.
    is_final: bool,
}

impl Call<'_> {
    fn run(&mut self, request: &Request, answers: &[Answer]) -> Outcome {
        let head = RequestHead {
            headers: self.headers.clone(),
            end_of_stream: request.body.is_empty(),
            attachment: self.gateway.attachment,
            property: &|_| None,
            seed: [self.gateway.seed; 32],
        };
        let (exchange, step) = Exchange::open(Rc::clone(&self.gateway.policy), head, self.gateway.host());
        let exchange = Rc::new(RefCell::new(exchange));
        let mut replied = self.on_request(step);
        if replied.is_none() && exchange.borrow().awaits_body() {
            let mut total = 0;
            for cut in &request.cuts {
                total += cut;
                if total < request.body.len() && replied.is_none() {
                    let step = exchange.borrow_mut().body_grew(total);
                    replied = self.on_request(step);
                }
            }
            if replied.is_none() {
                self.body.clone_from(&request.body);
                let step = exchange.borrow_mut().body(&request.body, self.gateway.host());
                replied = self.on_request(step);
            }
        } else {
            self.body.clone_from(&request.body);
        }
        match replied {
            Some(reply) => self.local_reply(&reply),
            None if self.gateway.attachment == Attachment::Direct => self.direct(&exchange, answers),
            None => self.upstream(&exchange, answers),
        }
        for effect in exchange.borrow_mut().finish(self.gateway.host()) {
            match effect {
                Effect::Record(line) => self.outcome.record = line,
                Effect::Metric(metric) => self.outcome.metrics.push(metric),
                other => panic!("not at the end: {}", other.name()),
            }
        }
        assert!(exchange.borrow_mut().finish(self.gateway.host()).is_empty(), "finish runs once");
        std::mem::take(&mut self.outcome)
    }

    fn on_request(&mut self, step: Step) -> Option<Reply> {
        for effect in step.effects {
            match effect {
                Effect::SetRequestHeader(name, value) => self.headers.set(&name, value.into_bytes()),
                Effect::RemoveRequestHeader(name) => {
                    self.headers.remove(&name);
                }
                Effect::SetRequestBody(body) => self.body = body,
                Effect::ShareToken(_) => {}
                other => panic!("not on a request: {}", other.name()),
            }
        }
        match step.flow {
            Flow::Reply(reply) => Some(reply),
            Flow::Continue | Flow::Pause => None,
        }
    }

    fn local_reply(&mut self, reply: &Reply) {
        self.outcome.status = reply.status;
        self.outcome.headers =
            reply.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
        self.outcome.body.clone_from(&reply.body);
    }

    /// What Envoy's router does: attempts in the plan's order until one's status is not to be retried.
    fn upstream(&mut self, exchange: &Rc<RefCell<Exchange>>, answers: &[Answer]) {
        let mut answers = answers;
        loop {
            let clusters = plan_of(&self.headers);
            let made = self.walk(exchange, &clusters, answers);
            answers = answers.get(made..).unwrap_or_default();
            if !self.is_redirected() {
                return;
            }
            if !self.gateway.redirects {
                return self.pass_listener(exchange, false);
            }
            if let Some(reply) = self.listen_again(exchange) {
                return self.local_reply(&reply);
            }
        }
    }

    fn is_redirected(&self) -> bool {
        !self.is_final && self.outcome.status == 302 && self.response.get("x-tollgate-exchange").is_some()
    }

    /// The route takes the redirect: the listener runs again, on the request as it is now.
    fn listen_again(&mut self, exchange: &Rc<RefCell<Exchange>>) -> Option<Reply> {
        assert!(exchange.borrow().is_passing());
        assert!(self.response.get("location").is_some());
        for name in [":path", ":authority"] {
            self.headers.set(name, b"/of/the/last/attempt".to_vec());
        }
        self.headers.set("x-envoy-original-url", b"http://of.the.last.attempt/".to_vec());
        let token = self.response.get("x-tollgate-exchange").map(<[u8]>::to_vec).unwrap_or_default();
        self.headers.set("x-tollgate-exchange", token);
        let step = exchange.borrow_mut().resume(&self.headers.clone());
        assert!(matches!(step.flow, Flow::Pause));
        assert!(self.on_request(step).is_none());
        assert!(self.headers.get("x-envoy-original-url").is_none());
        let body = self.body.clone();
        let step = exchange.borrow_mut().body(&body, self.gateway.host());
        self.on_request(step)
    }

    /// One plan. Answers how many attempts were made.
    fn walk(&mut self, exchange: &Rc<RefCell<Exchange>>, clusters: &[String], answers: &[Answer]) -> usize {
        let most =
            self.headers.get_str("x-envoy-max-retries").and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
        let mut last = None;
        let mut made = 0;
        for (attempt, answer) in answers.iter().enumerate().take(most + 1) {
            made = attempt + 1;
            // A plan without targets leaves it to Envoy's own route, which leads to a provider here.
            let own = || "openai".to_owned();
            let cluster =
                clusters.get(attempt.min(clusters.len().saturating_sub(1))).cloned().unwrap_or_else(own);
            let done = self.attempt(exchange, &cluster, answer);
            let retried = !self.is_final && done.is_none_or(|status| status >= 500 || status == 429);
            last = Some(done);
            if !retried || attempt == most {
                break;
            }
        }
        match last {
            // Envoy gave up: the signal itself comes to the listener.
            Some(Some(_)) if self.response.get("x-tollgate-retry").is_some() => {
                self.pass_listener(exchange, true)
            }
            Some(Some(_)) => {}
            _ => self.proxys_own(exchange, 503, "upstream connect error"),
        }
        made
    }

    /// One attempt. `None`: nothing came back.
    fn attempt(&mut self, exchange: &Rc<RefCell<Exchange>>, cluster: &str, answer: &Answer) -> Option<u16> {
        let listeners_body = self.body.clone();
        let place = Place { provider: None, cluster: Some(cluster) };
        let opened = Attempt::open(Rc::clone(exchange), place, &self.headers.clone(), self.gateway.host());
        let (mut attempt, step) = match opened {
            Ok(opened) => opened,
            Err(failure) => {
                let Flow::Reply(reply) = exchange.borrow_mut().refuse_attempt(failure).flow else {
                    panic!("a reply")
                };
                self.local_reply(&reply);
                return Some(200);
            }
        };
        let mut replied = self.on_request(step);
        if attempt.awaits_request() {
            let step = match attempt.request_body(&listeners_body) {
                Ok(step) => step,
                Err(failure) => attempt.refuse(failure),
            };
            replied = self.on_request(step);
        }
        if let Some(reply) = replied {
            self.local_reply(&reply);
            return Some(200);
        }
        let body = std::mem::replace(&mut self.body, listeners_body);
        self.outcome.sent.push(Sent { provider: cluster.to_owned(), headers: self.headers.clone(), body });
        let status = self.answer(exchange, &mut attempt, answer);
        attempt.close(self.gateway.host());
        status
    }

    fn direct(&mut self, exchange: &Rc<RefCell<Exchange>>, answers: &[Answer]) {
        let Some(provider) = exchange.borrow().direct_provider() else {
            return self.past_everybody(exchange, answers);
        };
        let place = Place { provider: Some(&provider), cluster: None };
        let (mut attempt, step) =
            Attempt::open(Rc::clone(exchange), place, &self.headers.clone(), self.gateway.host())
                .expect("an attempt");
        assert!(self.on_request(step).is_none());
        if attempt.awaits_request() {
            let body = self.body.clone();
            let step = attempt.request_body(&body).expect("a request");
            assert!(self.on_request(step).is_none());
        }
        self.outcome.sent.push(Sent { provider, headers: self.headers.clone(), body: self.body.clone() });
        match answers.first().and_then(|answer| self.answer(exchange, &mut attempt, answer)) {
            Some(_) => {}
            None => self.proxys_own(exchange, 503, "upstream connect error"),
        }
        attempt.close(self.gateway.host());
    }

    /// Envoy's own route decides, and nobody of ours stands on it.
    fn past_everybody(&mut self, exchange: &Rc<RefCell<Exchange>>, answers: &[Answer]) {
        let (headers, body) = (self.headers.clone(), self.body.clone());
        self.outcome.sent.push(Sent { provider: String::new(), headers, body });
        match answers.first().filter(|answer| answer.ends != Ends::Never) {
            Some(answer) => {
                self.response =
                    answer.headers.iter().map(|(n, v)| (n.clone(), v.clone().into_bytes())).collect();
                self.response.set(":status", answer.status.to_string());
                self.go_out(exchange);
                self.outcome.body.clone_from(&answer.body);
            }
            None => self.proxys_own(exchange, 503, "upstream connect error"),
        }
    }

    /// The answer's way back through the attempt and, if it is not retried, the listener.
    fn answer(
        &mut self,
        exchange: &Rc<RefCell<Exchange>>,
        attempt: &mut Attempt,
        answer: &Answer,
    ) -> Option<u16> {
        if answer.ends == Ends::Never {
            return None;
        }
        let mut host = self.gateway.host();
        self.response = answer.headers.iter().map(|(n, v)| (n.clone(), v.clone().into_bytes())).collect();
        self.response.set(":status", answer.status.to_string());
        self.outcome.body.clear();
        let bodyless = answer.body.is_empty() && answer.ends == Ends::Clean;
        let mut held = Vec::new();
        let mut open = false;
        let step = attempt.response_head(answer.status, self.response.clone(), bodyless, host);
        self.on_response(exchange, step, &mut held, &mut open);
        let mut pieces = split(&answer.body, &answer.cuts);
        if answer.ends == Ends::EmptyPiece {
            pieces.push(&[]);
        }
        let count = pieces.len();
        for (index, piece) in pieces.into_iter().enumerate() {
            if bodyless {
                break;
            }
            held.extend_from_slice(piece);
            if index > 0 {
                host.now_ms += answer.pause_ms;
            }
            let last = index + 1 == count && matches!(answer.ends, Ends::Clean | Ends::EmptyPiece);
            let step = attempt.response_body(piece, last, host);
            self.on_response(exchange, step, &mut held, &mut open);
        }
        if answer.ends == Ends::Trailers {
            let step = attempt.response_trailers(host);
            self.on_response(exchange, step, &mut held, &mut open);
        }
        if !open {
            return None;
        }
        self.outcome.reset = answer.ends == Ends::Reset;
        Some(self.outcome.status)
    }

    fn on_response(
        &mut self,
        exchange: &Rc<RefCell<Exchange>>,
        step: Step,
        held: &mut Vec<u8>,
        open: &mut bool,
    ) {
        for effect in step.effects {
            match effect {
                Effect::SetResponseHeader(name, value) => {
                    assert!(!*open, "headers went already: {name}");
                    self.response.set(&name, value.into_bytes());
                }
                Effect::RemoveResponseHeader(name) => {
                    self.response.remove(&name);
                }
                Effect::SetResponseBody(body) => *held = body,
                other => panic!("not on a response: {}", other.name()),
            }
        }
        match step.flow {
            Flow::Pause => assert!(!*open, "a stream that has begun is never held"),
            Flow::Reply(reply) => {
                self.is_final = true;
                *open = true;
                held.clear();
                self.response = reply
                    .headers
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
                    .collect();
                self.response.set(":status", reply.status.to_string());
                self.go_out(exchange);
                self.outcome.body.clone_from(&reply.body);
            }
            Flow::Continue => {
                if !*open {
                    *open = true;
                    self.go_out(exchange);
                }
                self.outcome.body.append(held);
            }
        }
    }

    /// The head passes the router, and the listener if it is not retried.
    fn go_out(&mut self, exchange: &Rc<RefCell<Exchange>>) {
        let status: u16 =
            self.response.get_str(":status").and_then(|status| status.parse().ok()).unwrap_or(0);
        self.outcome.status = status;
        if self.response.get("x-tollgate-retry").is_some() || self.is_redirected() {
            self.outcome.headers = self.response.clone();
            return;
        }
        self.pass_listener(exchange, false);
    }

    fn pass_listener(&mut self, exchange: &Rc<RefCell<Exchange>>, signal: bool) {
        let status = self.outcome.status;
        let step = exchange.borrow_mut().answer_head(status, signal, false);
        self.outcome.status = step.status().unwrap_or(status);
        for effect in step.effects {
            match effect {
                Effect::SetResponseHeader(name, value) => self.response.set(&name, value.into_bytes()),
                Effect::RemoveResponseHeader(name) => {
                    self.response.remove(&name);
                }
                other => panic!("not on a response's head: {}", other.name()),
            }
        }
        self.outcome.headers = self.response.clone();
    }

    /// Envoy's own answer, in plain text.
    fn proxys_own(&mut self, exchange: &Rc<RefCell<Exchange>>, status: u16, body: &str) {
        self.response = [("content-type".to_owned(), b"text/plain".to_vec())].into_iter().collect();
        self.outcome.status = status;
        self.outcome.body = body.as_bytes().to_vec();
        let step = exchange.borrow_mut().answer_head(status, false, false);
        for effect in step.effects {
            match effect {
                Effect::SetResponseHeader(name, value) => self.response.set(&name, value.into_bytes()),
                Effect::RemoveResponseHeader(name) => {
                    self.response.remove(&name);
                }
                other => panic!("not on a response's head: {}", other.name()),
            }
        }
        if exchange.borrow().replaces_answer() {
            for effect in exchange.borrow_mut().answer_body(true).effects {
                if let Effect::SetResponseBody(body) = effect {
                    self.outcome.body = body;
                }
            }
        }
        self.outcome.headers = self.response.clone();
    }
}

/// The clusters of `x-tollgate-plan`, in order.
pub fn plan_of(headers: &Headers) -> Vec<String> {
    use base64::Engine as _;
    use prost::Message as _;
    use prost_types::{Value, value::Kind};
    let Some(header) = headers.get("x-tollgate-plan") else { return Vec::new() };
    let bytes = base64::engine::general_purpose::STANDARD.decode(header).expect("base64");
    let Some(Kind::ListValue(list)) = Value::decode(bytes.as_slice()).expect("a value").kind else {
        panic!("a list")
    };
    let field = |value: &Value, name: &str| match &value.kind {
        Some(Kind::StructValue(object)) => object.fields.get(name).cloned(),
        _ => None,
    };
    let first = |value: Value| match value.kind {
        Some(Kind::ListValue(list)) => list.values.into_iter().next(),
        _ => None,
    };
    list.values
        .iter()
        .map(|group| {
            let cluster =
                field(group, "clusters").and_then(first).and_then(|entry| field(&entry, "cluster_name"));
            match cluster.and_then(|name| name.kind) {
                Some(Kind::StringValue(name)) => name,
                _ => panic!("a cluster's name"),
            }
        })
        .collect()
}

fn split<'b>(body: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    let mut rest = body;
    let mut at = 0;
    for cut in cuts.iter().filter(|cut| **cut > 0 && **cut < body.len()) {
        let (piece, after) = rest.split_at(cut - at);
        pieces.push(piece);
        rest = after;
        at = *cut;
    }
    pieces.push(rest);
    pieces
}
