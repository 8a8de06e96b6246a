//! Budgets under calls that run at once and end in every way: nothing is lost, nothing is counted twice.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate::engine::admit::RequestHead;
use tollgate::engine::attempt::Place;
use tollgate::engine::effect::{Effect, Flow};
use tollgate::engine::{Attempt, Exchange};
use tollgate::policy::budget::{Amount, Scope, State, peek};
use tollgate::wire::http::Headers;

use crate::support::{Answer, Ends, Gateway, Request, plan_of};
use crate::{ANTHROPIC_PATH, OPENAI_PATH, check};

const LIMIT: u64 = 1_000;

const POLICY: &str = r#"{"version": 1,
    "providers": {
        "openai": {"dialect": "openai", "cluster": "openai"},
        "deepseek": {"dialect": "deepseek", "cluster": "deepseek", "credential": "envoy"}
    },
    "chains": {"main": {"targets": ["openai/gpt-4.1", "deepseek/deepseek-v4-flash"]}},
    "routes": [{"name": "all", "when": {"model": ["smart"]}, "use": "main"}],
    "callers": {"identify": [{"header": "x-team"}]},
    "output_reserve": 100,
    "budgets": [
        {"name": "team", "per": ["caller"], "limit": {"tokens": 1000}, "window": "day",
            "at": [{"percent": 100, "reject": true}]},
        {"name": "model", "per": ["model"], "limit": {"tokens": 100000}, "window": "day", "at": [{"percent": 100, "report": true}]},
        {"name": "org", "limit": {"usd": 50}, "window": "month", "at": [{"percent": 100, "reject": true}]}
    ]}"#;

/// What happens next. The first number says to which call.
#[derive(Debug, Clone)]
enum Event {
    Open {
        team: u8,
        words: u16,
        stream: bool,
    },
    /// The next target is asked.
    Attempt(u8),
    Status(u8, u16),
    /// The answer arrives, with this usage, or with none.
    Answer(u8, Option<(u16, u16)>),
    /// Part of a streamed answer arrives.
    Part(u8),
    /// Envoy is done with the attempt.
    Close(u8),
    /// Whatever state it is in, the caller goes.
    Finish(u8),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0u8..3, 1u16..200, any::<bool>()).prop_map(|(team, words, stream)| Event::Open { team, words, stream }),
        4 => any::<u8>().prop_map(Event::Attempt),
        1 => (any::<u8>(), prop::sample::select(&[400u16, 429, 500, 503][..])).prop_map(|(n, s)| Event::Status(n, s)),
        3 => (any::<u8>(), prop::option::of((1u16..300, 0u16..300))).prop_map(|(n, usage)| Event::Answer(n, usage)),
        3 => any::<u8>().prop_map(Event::Part),
        1 => any::<u8>().prop_map(Event::Close),
        2 => any::<u8>().prop_map(Event::Finish),
    ]
}

struct Running {
    exchange: Rc<RefCell<Exchange>>,
    attempt: Option<Attempt>,
    headers: Headers,
    body: Vec<u8>,
    clusters: Vec<String>,
    asked: usize,
    team: u8,
    stream: bool,
    begun: bool,
    /// Something useful has reached the caller.
    delivered: bool,
    over: bool,
}

struct World {
    gateway: Gateway,
    running: Vec<Running>,
    /// Charged, by team, as the records say.
    charged: [u64; 3],
    micro_usd: u64,
    seed: u8,
}

const TEAMS: [&str; 3] = ["a", "b", "c"];

impl World {
    fn states(&self, team: usize, model: &str) -> Vec<State> {
        let scope = Scope { caller: TEAMS[team], model, provider: "openai", route: "all", header: &|_| None };
        let host = self.gateway.host();
        let budgets = &self.gateway.policy.config.budgets;
        peek(budgets, &scope, &Amount::ZERO, host.now_ms, host.store).expect("a verdict").states
    }

    fn open(&mut self, team: u8, words: u16, stream: bool) {
        self.seed = self.seed.wrapping_add(1);
        let text = "word ".repeat(usize::from(words));
        let body =
            json!({"model": "smart", "stream": stream, "messages": [{"role": "user", "content": text}]});
        let request = Request::post(OPENAI_PATH, body.to_string()).header("x-team", TEAMS[usize::from(team)]);
        let mut headers: Headers =
            request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
        let head = RequestHead {
            headers: headers.clone(),
            end_of_stream: false,
            attachment: self.gateway.attachment,
            property: &|_| None,
            seed: [self.seed; 32],
        };
        let before = self.states(usize::from(team), "gpt-4.1")[0].clone();
        let (mut exchange, _) = Exchange::open(Rc::clone(&self.gateway.policy), head, self.gateway.host());
        let step = exchange.body(&request.body, self.gateway.host());
        let after = self.states(usize::from(team), "gpt-4.1")[0].clone();
        let admitted = matches!(step.flow, Flow::Continue);
        if admitted {
            assert!(after.used + after.reserved <= LIMIT, "admitted over the cap: {after:?}");
            assert!(after.reserved > before.reserved, "nothing was reserved");
        } else {
            assert_eq!(after, before, "a refusal reserves nothing");
        }
        for effect in step.effects {
            if let Effect::SetRequestHeader(name, value) = effect {
                headers.set(&name, value.into_bytes());
            }
        }
        self.running.push(Running {
            clusters: plan_of(&headers),
            exchange: Rc::new(RefCell::new(exchange)),
            attempt: None,
            headers,
            body: request.body,
            asked: 0,
            team,
            stream,
            begun: false,
            delivered: false,
            over: !admitted,
        });
    }

    fn happen(&mut self, event: Event) {
        let running = self.running.len();
        let pick = |number: u8| usize::from(number) % running;
        match event {
            Event::Open { team, words, stream } => self.open(team, words, stream),
            _ if running == 0 => {}
            Event::Attempt(number) => self.attempt(pick(number)),
            Event::Status(number, status) => {
                self.answer(pick(number), status, "{\"error\":{\"message\":\"no\"}}");
            }
            Event::Answer(number, usage) => {
                let said = self.said(pick(number), usage);
                self.answer(pick(number), 200, &said);
            }
            Event::Part(number) => self.part(pick(number)),
            Event::Close(number) => {
                let running = &mut self.running[pick(number)];
                if let Some(mut attempt) = running.attempt.take() {
                    attempt.close(self.gateway.host());
                    // Nothing has reached the caller yet: Envoy asks the next.
                    running.begun = running.delivered;
                }
            }
            Event::Finish(number) => self.finish(pick(number)),
        }
        self.gateway.now_ms += 7;
    }

    fn attempt(&mut self, at: usize) {
        let running = &mut self.running[at];
        if running.over
            || running.attempt.is_some()
            || running.begun
            || running.asked >= running.clusters.len()
        {
            return;
        }
        let cluster = running.clusters[running.asked].clone();
        running.asked += 1;
        let place = Place { provider: None, cluster: Some(&cluster) };
        match Attempt::open(Rc::clone(&running.exchange), place, &running.headers, self.gateway.host()) {
            Ok((mut attempt, _)) => {
                attempt.request_body(&running.body).unwrap_or_else(|_| panic!("a request"));
                running.attempt = Some(attempt);
            }
            Err(failure) => {
                running.exchange.borrow_mut().refuse_attempt(failure);
                running.over = true;
            }
        }
    }

    fn said(&self, at: usize, usage: Option<(u16, u16)>) -> String {
        let usage = usage.map_or(Value::Null, |(input, output)| {
            json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
        });
        if self.running[at].stream {
            let last = json!({"model": "m", "choices": [{"index": 0, "delta": {"content": "the end"},
                "finish_reason": "stop"}], "usage": usage});
            return format!("data: {last}\n\ndata: [DONE]\n\n");
        }
        json!({"model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "the answer"},
            "finish_reason": "stop"}], "usage": usage})
        .to_string()
    }

    fn head(&mut self, at: usize, status: u16) -> bool {
        let host = self.gateway.host();
        let running = &mut self.running[at];
        let Some(attempt) = running.attempt.as_mut() else { return false };
        if !std::mem::replace(&mut running.begun, true) {
            let media_type =
                if running.stream && status == 200 { "text/event-stream" } else { "application/json" };
            let headers = [("content-type".to_owned(), media_type.as_bytes().to_vec())].into_iter().collect();
            attempt.response_head(status, headers, false, host);
        }
        true
    }

    fn answer(&mut self, at: usize, status: u16, body: &str) {
        if !self.head(at, status) {
            return;
        }
        let host = self.gateway.host();
        let running = &mut self.running[at];
        let Some(mut attempt) = running.attempt.take() else { return };
        let step = attempt.response_body(body.as_bytes(), true, host);
        attempt.close(host);
        let retried = step
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::SetResponseHeader(name, _) if name == "x-tollgate-retry"));
        running.begun = !retried;
        running.delivered |= !retried && status == 200;
    }

    fn part(&mut self, at: usize) {
        if !self.running[at].stream || !self.head(at, 200) {
            return;
        }
        let host = self.gateway.host();
        let chunk = json!({"model": "m", "choices": [{"index": 0, "delta": {"content": "some words"}}]});
        if let Some(attempt) = self.running[at].attempt.as_mut() {
            attempt.response_body(format!("data: {chunk}\n\n").as_bytes(), false, host);
            self.running[at].delivered = true;
        }
    }

    fn finish(&mut self, at: usize) {
        let running = self.running.swap_remove(at);
        let team = usize::from(running.team);
        let before = self.states(team, "gpt-4.1");
        let effects = running.exchange.borrow_mut().finish(self.gateway.host());
        let line = effects.iter().find_map(|effect| match effect {
            Effect::Record(line) => Some(line.clone()),
            _ => None,
        });
        let record: Value = serde_json::from_str(&line.expect("a record")).expect("JSON");
        let tokens = |name: &str| record[name].as_u64().unwrap_or(0);
        let used = tokens("gen_ai.usage.input_tokens") + tokens("gen_ai.usage.output_tokens");
        let after = self.states(team, "gpt-4.1");
        let charged = [after[0].used - before[0].used, after[2].used - before[2].used];
        let told = [used, tokens("tollgate.cost_microusd")];
        if running.asked < 2 {
            assert_eq!(charged, told, "{record}");
        } else {
            // An attempt that was given up may have cost something too.
            assert!(charged[0] >= told[0] && charged[1] >= told[1], "{charged:?}: {record}");
        }
        assert!(used > 0 || !running.delivered, "an answer was free: {record}");
        self.charged[team] += charged[0];
        self.micro_usd += charged[1];
        // Whatever still happens to it, nothing more is charged.
        assert!(running.exchange.borrow_mut().finish(self.gateway.host()).is_empty());
        if let Some(mut attempt) = running.attempt {
            attempt.response_body(b"data: late\n\n", true, self.gateway.host());
            attempt.close(self.gateway.host());
        }
        assert_eq!(self.states(team, "gpt-4.1"), after);
    }
}

#[test]
fn what_was_used_is_counted_once_however_calls_end() {
    let gateway = Gateway::new(POLICY);
    check(300, &prop::collection::vec(event(), 1..80), |events| {
        let mut world =
            World { gateway: gateway.afresh(), running: Vec::new(), charged: [0; 3], micro_usd: 0, seed: 0 };
        for event in events {
            world.happen(event);
        }
        while !world.running.is_empty() {
            world.finish(0);
        }
        for (team, charged) in world.charged.iter().enumerate() {
            let states = world.states(team, "gpt-4.1");
            prop_assert_eq!((states[0].used, states[0].reserved), (*charged, 0), "team {}", TEAMS[team]);
        }
        let by_model: Vec<State> =
            ["gpt-4.1", "deepseek-v4-flash"].map(|model| world.states(0, model)[1].clone()).into();
        prop_assert_eq!(
            by_model.iter().map(|state| state.used).sum::<u64>(),
            world.charged.iter().sum::<u64>()
        );
        prop_assert!(by_model.iter().all(|state| state.reserved == 0), "{by_model:?}");
        let org = &world.states(0, "gpt-4.1")[2];
        prop_assert_eq!((org.used, org.reserved), (world.micro_usd, 0));
        Ok(())
    });
}

/// A hundred calls that start together find room for as many as the cap has, not for all.
#[test]
fn calls_that_start_together_do_not_all_find_room() {
    let mut world =
        World { gateway: Gateway::new(POLICY), running: Vec::new(), charged: [0; 3], micro_usd: 0, seed: 0 };
    for _ in 0..100 {
        world.open(0, 10, false);
    }
    let admitted = world.running.iter().filter(|running| !running.over).count();
    assert!((1..30).contains(&admitted), "{admitted} were admitted");
}

/// Anthropic tells how long the answer is at its end; its first event says 1.
#[test]
fn a_stream_of_anthropics_that_is_lost_is_charged_for_what_came() {
    let mut gateway = Gateway::new(&crate::policy(""));
    let event = |json: Value| format!("data: {json}\n\n");
    let mut body =
        event(json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant",
        "model": "claude-sonnet-5", "content": [], "usage": {"input_tokens": 10, "output_tokens": 1}}}));
    for _ in 0..50 {
        body.push_str(&event(json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": "quite a few words of an answer "}})));
    }
    let request = json!({"model": "claude-sonnet-5", "max_tokens": 900, "stream": true,
        "messages": [{"role": "user", "content": "hi"}]});
    let answer = Answer::stream(body).ends(Ends::Reset);
    let outcome = gateway.call(Request::post(ANTHROPIC_PATH, request.to_string()), &[answer]);
    let output = outcome.record()["gen_ai.usage.output_tokens"].as_u64().expect("a count");
    assert!(output > 100, "{output} tokens charged: {}", outcome.record);
    assert_eq!(outcome.record()["gen_ai.usage.input_tokens"], 10);
}
