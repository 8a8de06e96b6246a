//! Buffers stay bounded: what a provider sends without end is given up, or goes on as it comes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::json;
use tollgate::engine::admit::RequestHead;
use tollgate::engine::attempt::Place;
use tollgate::engine::effect::{Effect, Flow, Step};
use tollgate::engine::{Attempt, Exchange};
use tollgate::wire::http::Headers;

use crate::support::{Gateway, Request, plan_of};
use crate::{ANTHROPIC_PATH, OPENAI_PATH, policy};

/// Counts what each thread holds.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    // While a thread goes away its counters are gone.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + change);
        let _ = MOST.try_with(|most| most.set(most.get().max(held.get())));
    });
}

// SAFETY: every call goes on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How much more than now is held at most while `work` runs.
fn most_held<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    MOST.set(before);
    let done = work();
    (done, usize::try_from(MOST.get() - before).unwrap_or(0))
}

const MIB: usize = 1 << 20;
const PIECE: usize = 64 << 10;

/// One attempt that has been sent and waits for its answer.
struct Line {
    gateway: Gateway,
    attempt: Attempt,
    /// Held by Envoy, as long as nothing has gone to the caller.
    open: bool,
    /// For the caller, in bytes.
    received: usize,
    status: u16,
    retried: bool,
    last: Vec<u8>,
}

impl Line {
    fn open(gateway: Gateway, path: &str, body: &serde_json::Value) -> Self {
        let request = Request::post(path, body.to_string());
        let mut headers: Headers =
            request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
        let head = RequestHead {
            headers: headers.clone(),
            end_of_stream: false,
            attachment: gateway.attachment,
            property: &|_| None,
            seed: [1; 32],
        };
        let (mut exchange, _) = Exchange::open(Rc::clone(&gateway.policy), head, gateway.host());
        let step = exchange.body(&request.body, gateway.host());
        assert!(matches!(step.flow, Flow::Continue), "{:?}", step.flow);
        let mut redacted = request.body.clone();
        for effect in step.effects {
            match effect {
                Effect::SetRequestHeader(name, value) => headers.set(&name, value.into_bytes()),
                Effect::SetRequestBody(body) => redacted = body,
                _ => {}
            }
        }
        let cluster = plan_of(&headers)[0].clone();
        let place = Place { provider: None, cluster: Some(&cluster) };
        let exchange = Rc::new(RefCell::new(exchange));
        let (mut attempt, _) =
            Attempt::open(exchange, place, &headers, gateway.host()).unwrap_or_else(|_| panic!("an attempt"));
        attempt.request_body(&redacted).unwrap_or_else(|_| panic!("a request"));
        Self { gateway, attempt, open: false, received: 0, status: 0, retried: false, last: Vec::new() }
    }

    fn head(&mut self, media_type: &str) {
        self.status = 200;
        let headers = [("content-type".to_owned(), media_type.as_bytes().to_vec())].into_iter().collect();
        let step = self.attempt.response_head(200, headers, false, self.gateway.host());
        self.take(step, &[]);
    }

    fn push(&mut self, piece: &[u8]) {
        let step = self.attempt.response_body(piece, false, self.gateway.host());
        self.take(step, piece);
    }

    fn take(&mut self, step: Step, piece: &[u8]) {
        let mut out = None;
        for effect in step.effects {
            match effect {
                Effect::SetResponseHeader(name, value) if name == ":status" => {
                    self.status = value.parse().expect("a status")
                }
                Effect::SetResponseHeader(name, _) if name == "x-tollgate-retry" => self.retried = true,
                Effect::SetResponseBody(body) => out = Some(body),
                _ => {}
            }
        }
        match step.flow {
            Flow::Pause => {
                assert!(!self.open, "held after it went");
                return;
            }
            Flow::Reply(reply) => {
                self.status = reply.status;
                out = Some(reply.body);
            }
            Flow::Continue => {}
        }
        self.open = true;
        let out = out.unwrap_or_else(|| piece.to_vec());
        self.received += out.len();
        if !out.is_empty() {
            self.last = out;
        }
    }

    fn last(&self) -> String {
        String::from_utf8_lossy(&self.last).into_owned()
    }
}

fn gateway(more: &str) -> Gateway {
    Gateway::new(&policy(more))
}

fn stream_of(path: &str, model: &str) -> serde_json::Value {
    json!({"model": model, "stream": true, "max_tokens": 9, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "to anna.keller@example.org"}]})
    .as_object()
    .map(|members| {
        let kept = members.iter().filter(|(name, _)| path == OPENAI_PATH || *name != "stream_options");
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    })
    .expect("an object")
}

fn open_stream(path: &str, model: &str) -> Line {
    let mut line = Line::open(gateway(""), path, &stream_of(path, model));
    line.head("text/event-stream");
    line
}

#[test]
fn an_event_without_end_is_given_up() {
    let mut line = open_stream(OPENAI_PATH, "gpt-4.1");
    let piece = vec![b'a'; PIECE];
    let ((), most) = most_held(|| {
        line.push(b"data: ");
        for _ in 0..40 * MIB / PIECE {
            line.push(&piece);
        }
    });
    assert!(line.open, "nothing came of it");
    assert!(line.last().contains("error"), "{}", line.last());
    assert!(most < 24 * MIB, "{most} bytes were held");
}

#[test]
fn an_event_without_end_in_mid_stream_is_given_up() {
    let mut line = open_stream(OPENAI_PATH, "gpt-4.1");
    line.push(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n: ");
    assert!(line.open);
    let piece = b"x\n: ".repeat(PIECE / 4);
    let ((), most) = most_held(|| {
        for _ in 0..40 * MIB / piece.len() {
            line.push(&piece);
        }
    });
    assert!(line.last().contains("too long"), "{}", line.last());
    assert!(most < 24 * MIB, "{most} bytes were held");
}

#[test]
fn comments_without_end_go_on_as_they_come() {
    let mut line = open_stream(OPENAI_PATH, "gpt-4.1");
    let piece = b": still thinking\n\n".repeat(PIECE / 18);
    let ((), most) = most_held(|| {
        for _ in 0..4 * MIB / piece.len() {
            line.push(&piece);
        }
    });
    assert_eq!((line.open, line.status), (true, 200));
    assert!(line.received + 2 * PIECE > 4 * MIB, "{} bytes arrived", line.received);
    assert!(most < 2 * MIB, "{most} bytes were held");
}

#[test]
fn an_answer_without_end_is_given_up() {
    let body = json!({"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]});
    let mut line = Line::open(gateway(r#""limits": {"body": "1MiB"}"#), OPENAI_PATH, &body);
    line.head("application/json");
    let piece = vec![b' '; PIECE];
    let ((), most) = most_held(|| {
        for _ in 0..40 * MIB / PIECE {
            line.push(&piece);
        }
    });
    assert_eq!((line.open, line.status), (true, 502));
    assert!(most < 4 * MIB, "{most} bytes were held");
}

#[test]
fn observing_an_answer_without_end_holds_no_more_than_the_bound() {
    let body = json!({"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]});
    let policy = r#""mode": "observe", "limits": {"body": "1MiB"}"#;
    let mut line = Line::open(gateway(policy), OPENAI_PATH, &body);
    line.head("application/json");
    let piece = vec![b' '; PIECE];
    let ((), most) = most_held(|| {
        for _ in 0..20 * MIB / PIECE {
            line.push(&piece);
        }
    });
    assert_eq!(line.received, 20 * MIB);
    assert!(most < 4 * MIB, "{most} bytes were held");
}

/// Each event ends in what may become a placeholder, and none does.
fn tiny_events(events: u32, path: &str, model: &str, event: impl Fn(u32) -> String) {
    let mut line = open_stream(path, model);
    let ((), most) = most_held(|| {
        for number in 0..events {
            line.push(event(number).as_bytes());
        }
    });
    assert!(line.open, "nothing came of it");
    assert!(line.received > events as usize * 10 || line.last().contains("error"), "{}", line.last());
    assert!(most < 2 * MIB, "{most} bytes were held");
}

#[test]
fn half_a_placeholder_at_the_end_of_every_event_does_not_pile_up() {
    tiny_events(100_000, OPENAI_PATH, "gpt-4.1", |_| {
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"<EMAIL_\"}}]}\n\n".to_owned()
    });
}

#[test]
fn half_a_placeholder_in_ever_new_channels_does_not_pile_up() {
    tiny_events(100_000, ANTHROPIC_PATH, "claude-sonnet-5", |number| {
        format!(
            "data: {{\"type\":\"content_block_delta\",\"index\":{number},\"delta\":{{\"type\":\"text_delta\",\"text\":\"<EMAIL_\"}}}}\n\n"
        )
    });
}

#[test]
fn ever_new_choices_do_not_pile_up() {
    tiny_events(50_000, OPENAI_PATH, "gpt-4.1", |number| {
        format!("data: {{\"choices\":[{{\"index\":{number},\"delta\":{{\"content\":\"<EMAIL_\"}}}}]}}\n\n")
    });
}

#[test]
fn ever_new_calls_do_not_pile_up() {
    tiny_events(20_000, OPENAI_PATH, "gpt-4.1", |number| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":{number},\"id\":\"call_{number:060}\",\"function\":{{\"name\":\"f\",\"arguments\":\"<EMAIL_\"}}}}]}}}}]}}\n\n"
        )
    });
}

/// Anthropic's dialect tells one block after the other: what belongs to a later one has to wait.
#[test]
fn calls_that_wait_for_their_turn_are_bounded() {
    let mut line = open_stream(ANTHROPIC_PATH, "smart");
    let call = |index: u32, id: &str, json: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":{index},{id}\"function\":{{\"arguments\":\"{json}\"}}}}]}}}}]}}\n\n"
        )
    };
    line.push(call(0, "\"id\":\"c0\",", "{").as_bytes());
    line.push(call(1, "\"id\":\"c1\",", "{").as_bytes());
    let piece = call(1, "", &"x".repeat(PIECE));
    let ((), most) = most_held(|| {
        for _ in 0..80 * MIB / PIECE {
            line.push(piece.as_bytes());
        }
    });
    assert!(most < 40 * MIB, "{most} bytes were held");
}

#[test]
fn a_request_over_the_bound_is_refused_before_it_is_whole() {
    let mut gateway = gateway(r#""limits": {"body": "1KiB"}"#);
    let mut request = Request::chat(vec![b' '; 3_000]).without("content-length");
    request.cuts = vec![1_000; 2];
    let outcome = gateway.call(request, &[]);
    assert_eq!(outcome.status, 413, "{}", outcome.text());
    assert!(outcome.sent.is_empty());
}
