//! A provider's answer, judged as it comes: held until there is something that the caller can use, and failed where
//! there is nothing.

use crate::chat::{ErrorClass, ProviderError};
use crate::engine::Host;
use crate::engine::answer::{Progress, StreamAnswer, carry_whole, watch_whole};
use crate::engine::attempt::{Attempt, AttemptPhase, Watch};
use crate::engine::effect::{Effect, Step};
use crate::engine::exchange::Attachment;
use crate::engine::failed::{Original, replace_body};
use crate::engine::failure::Failure;
use crate::policy::recovery;
use crate::provider::{self, Operation};
use crate::wire::http::{self, Headers};
use crate::wire::json::Document;

impl Attempt {
    pub fn response_head(
        &mut self,
        status: u16,
        headers: Headers,
        end_of_stream: bool,
        host: Host<'_>,
    ) -> Step {
        // Only we may say what ours say.
        let foreign: Vec<Effect> = headers
            .iter()
            .filter(|(name, _)| name.starts_with("x-tollgate-") || *name == "set-cookie")
            .map(|(name, _)| Effect::RemoveResponseHeader(name.to_owned().into()))
            .collect();
        let mut step = self.judge_head(status, headers, end_of_stream, host);
        step.effects.splice(0..0, foreign);
        step
    }

    fn judge_head(&mut self, status: u16, headers: Headers, end_of_stream: bool, host: Host<'_>) -> Step {
        self.log(|log| log.status = Some(status));
        self.bodyless = end_of_stream;
        let carriage = match self.carriage(host) {
            Some(carriage) => carriage,
            None => {
                self.phase = AttemptPhase::Passing;
                self.deliver();
                return Step::go_on(self.callers_redirect(status));
            }
        };
        let readable = http::content_encoding(&headers).is_empty();
        let media_type = headers.get("content-type").map(http::media_type).unwrap_or_default();
        let in_array = carriage.outline.as_array && media_type == "application/json";
        // Events that nobody asked for are no answer that the caller could read.
        let streamed = media_type == "text/event-stream" && carriage.outline.stream || in_array;
        if !self.exchange.borrow().policy.enforces() {
            self.phase = AttemptPhase::Watching(match (readable && status < 300, streamed) {
                (true, true) => Watch::Stream(Box::new(StreamAnswer::new(carriage))),
                (true, false) => Watch::Whole(Vec::new()),
                (false, _) => Watch::Nothing,
            });
            if status >= 400 {
                let class = self.vendor.classify(status, &headers, None).class;
                self.log(|log| log.class = Some(class));
            }
            self.deliver();
            return Step::go_on(self.callers_redirect(status));
        }
        if !readable && !end_of_stream {
            self.phase = AttemptPhase::Unreadable;
            return Step::pause();
        }
        if status < 300 && streamed && !end_of_stream {
            let mut exchange = self.exchange.borrow_mut();
            if exchange.attachment == Attachment::Direct {
                // The router has had the head already, and its time-out per try is over with it.
                exchange.tally.silent_since = Some(host.now_ms);
            }
            drop(exchange);
            self.phase = AttemptPhase::Judging {
                stream: Box::new(StreamAnswer::new(carriage)),
                held: Vec::new(),
                received: 0,
            };
            return Step::pause();
        }
        self.phase = AttemptPhase::Collecting { status, headers, body: Vec::new() };
        if end_of_stream { self.judge_whole(host) } else { Step::pause() }
    }

    /// A redirect that is the caller's is not for Envoy to follow, which takes ours by their status.
    fn callers_redirect(&self, status: u16) -> Vec<Effect> {
        let ours = status == 302 && self.exchange.borrow().attachment == Attachment::Upstream;
        ours.then(|| Effect::SetResponseHeader(":status".into(), "307".into())).into_iter().collect()
    }

    /// The next piece of the answer's body: what came since the last call.
    pub fn response_body(&mut self, piece: &[u8], end_of_stream: bool, host: Host<'_>) -> Step {
        let limits = self.exchange.borrow().policy.config.limits;
        let silent = self.exchange.borrow().is_silent(host.now_ms);
        match &mut self.phase {
            AttemptPhase::Collecting { body, .. } => {
                if body.len() + piece.len() > limits.body {
                    return self.fail(broken("it is too long"), Original::default(), host);
                }
                body.extend_from_slice(piece);
                if end_of_stream { self.judge_whole(host) } else { Step::pause() }
            }
            AttemptPhase::Unreadable if end_of_stream => {
                self.fail(broken("it is compressed"), Original::default(), host)
            }
            AttemptPhase::Unreadable => Step::pause(),
            // The bound falls where it falls, however the body is cut.
            AttemptPhase::Judging { received, .. } if *received + piece.len() > limits.first_event => {
                let (within, beyond) = piece.split_at(limits.first_event.saturating_sub(*received));
                let mut step = self.response_body(within, false, host);
                if matches!(self.phase, AttemptPhase::Streaming(_)) {
                    let more = self.response_body(beyond, end_of_stream, host);
                    step.add_to_body(more);
                }
                step
            }
            AttemptPhase::Judging { stream, held, received } => {
                let mut progress = stream.push(piece);
                *received += piece.len();
                if end_of_stream && progress.error.is_none() {
                    merge(&mut progress, stream.end());
                }
                held.append(&mut progress.output);
                let enough = *received >= limits.first_event;
                self.meter(&progress, host);
                if let Some(error) = progress.error.as_ref().filter(|_| progress.useful) {
                    let class = error.class;
                    self.log(|log| log.class = Some(class));
                }
                match progress.error {
                    Some(error) if !progress.useful => self.fail(error, Original::default(), host),
                    _ if progress.useful || enough || end_of_stream => self.release(end_of_stream, host),
                    _ => Step::pause(),
                }
            }
            AttemptPhase::Streaming(stream) => {
                let mut progress = if silent { stream.break_off() } else { stream.push(piece) };
                if end_of_stream {
                    merge(&mut progress, stream.end());
                }
                self.meter(&progress, host);
                if let Some(error) = &progress.error {
                    let class = error.class;
                    self.log(|log| log.class = Some(class));
                }
                if end_of_stream {
                    self.phase = AttemptPhase::Settled;
                    self.ended(host);
                }
                Step::go_on(vec![Effect::SetResponseBody(progress.output)])
            }
            AttemptPhase::Watching(watch) => {
                let mut progress = Progress::default();
                let mut whole = None;
                match watch {
                    Watch::Stream(stream) => {
                        progress = stream.push(piece);
                        if end_of_stream {
                            merge(&mut progress, stream.end());
                        }
                    }
                    Watch::Whole(body) if body.len() + piece.len() <= limits.body => {
                        body.extend_from_slice(piece)
                    }
                    Watch::Whole(_) => *watch = Watch::Nothing,
                    Watch::Nothing => {}
                }
                progress.stopped |= end_of_stream;
                if let (Watch::Whole(body), true) = (watch, end_of_stream) {
                    whole = Some(std::mem::take(body));
                }
                if let Some(document) = whole.as_ref().and_then(|body| Document::parse_lenient(body).ok()) {
                    progress.usage = provider::codec(self.api).read_usage(document.root());
                    if let Some(carriage) = self.carriage(host) {
                        progress.found = watch_whole(&carriage, &document);
                    }
                }
                self.meter(&progress, host);
                if end_of_stream {
                    self.ended(host);
                }
                Step::default()
            }
            AttemptPhase::Passing => {
                if end_of_stream {
                    self.ended(host);
                }
                Step::default()
            }
            AttemptPhase::Settled | AttemptPhase::Request | AttemptPhase::Sent => {
                Step::go_on(vec![Effect::SetResponseBody(Vec::new())])
            }
        }
    }

    /// Trailers came: the body has ended, and what is held can still be changed.
    pub fn response_trailers(&mut self, host: Host<'_>) -> Step {
        match self.phase {
            AttemptPhase::Collecting { .. } | AttemptPhase::Unreadable | AttemptPhase::Judging { .. } => {
                self.response_body(&[], true, host)
            }
            AttemptPhase::Streaming(_) => {
                // Nothing can be added any more. A stream that is not whole lacks its terminal marker.
                let step = self.response_body(&[], true, host);
                let lost =
                    |effect: &Effect| matches!(effect, Effect::SetResponseBody(left) if !left.is_empty());
                if step.effects.iter().any(lost) {
                    self.log(|log| log.class = log.class.or(Some(ErrorClass::BrokenResponse)));
                }
                Step::default()
            }
            AttemptPhase::Watching(_) | AttemptPhase::Passing => self.response_body(&[], true, host),
            _ => Step::default(),
        }
    }

    /// Everything of an answer that does not stream, or of a failure, is here.
    fn judge_whole(&mut self, host: Host<'_>) -> Step {
        let phase = std::mem::replace(&mut self.phase, AttemptPhase::Settled);
        let AttemptPhase::Collecting { status, headers, body } = phase else { return Step::default() };
        let document = Document::parse_lenient(&body).ok();
        if status >= 300 {
            let error = self.vendor.classify(status, &headers, document.as_ref());
            return self.fail(error, Original { status: Some(status), headers, body }, host);
        }
        let Some(document) = document else {
            return self.fail(broken("it is not JSON"), Original::of(headers), host);
        };
        let codec = provider::codec(self.api);
        let is_answer = codec.is_answer(document.root());
        if let Some(error) = self.vendor.soft_failure(self.api, document.root()) {
            let usage = codec.read_usage(document.root());
            self.log(|log| log.usage = usage);
            // Where nobody else is asked, the caller gets what its provider said, in its own words and with its status.
            let is_told = error.class == ErrorClass::ContentFilter && is_answer;
            if !is_told || self.what_follows(error.class) != recovery::Step::Fail {
                return self.fail(error, Original::of(headers), host);
            }
            self.log(|log| log.class = Some(error.class));
            self.tell(Some(error.class), error.retry_after_ms, host);
        }
        // Who waits for events takes anything else for an empty answer.
        let outline = self.exchange.borrow().planned().and_then(|planned| planned.outline.clone());
        let outline = outline.unwrap_or_default();
        if self.api.operation() == Operation::Embeddings {
            // A text without its vector would move those of the others.
            let vectors = codec.read_response(document.root()).map_or(0, |response| response.vectors.len());
            if vectors as u64 != outline.answers {
                return self.fail(broken("it has not one vector for each text"), Original::of(headers), host);
            }
        }
        if outline.stream {
            return self.fail(broken("a stream was asked for"), Original::of(headers), host);
        }
        if !is_answer {
            return self.fail(broken("it is not what the dialect says"), Original::of(headers), host);
        }
        let usage = codec.read_usage(document.root());
        let model = codec.answer_model(document.root());
        let Some(carriage) = self.carriage(host) else { return Step::default() };
        let carried = match carry_whole(&carriage, &document) {
            Ok(carried) => carried,
            Err(_) => {
                return self.fail(broken("it is not what the dialect says"), Original::of(headers), host);
            }
        };
        self.log(|log| {
            log.usage = usage;
            log.stopped = true;
            log.model = model;
            log.found = carried.found.clone();
            if usage.is_none() {
                log.received.feed(std::str::from_utf8(&body).unwrap_or_default());
            }
        });
        self.deliver();
        self.ended(host);
        if !carried.found.blocked.is_empty() {
            return self.refuse_answer(carried.found.blocked);
        }
        let mut effects = Vec::new();
        if let Some(body) = carried.body {
            effects.push(Effect::SetResponseHeader("content-length".into(), body.len().to_string()));
            effects.push(Effect::SetResponseHeader("content-type".into(), "application/json".into()));
            effects.push(Effect::SetResponseBody(body));
        }
        Step::go_on(effects)
    }

    /// The answer may not reach the caller. Its provider has done nothing wrong, and nobody else is asked.
    fn refuse_answer(&mut self, types: std::collections::BTreeSet<String>) -> Step {
        let failure = Failure::AnswerBlocked { types: types.into_iter().collect() };
        let mut exchange = self.exchange.borrow_mut();
        let reply = failure.reply(exchange.codec());
        exchange.tally.would_fail = Some(failure);
        drop(exchange);
        let mut effects = vec![Effect::SetResponseHeader(":status".into(), reply.status.to_string())];
        effects.extend(
            reply.headers.into_iter().map(|(name, value)| Effect::SetResponseHeader(name.into(), value)),
        );
        effects.extend(replace_body(reply.body));
        Step::go_on(effects)
    }

    /// Something useful came: the head goes, with what was held.
    fn release(&mut self, end_of_stream: bool, host: Host<'_>) -> Step {
        let phase = std::mem::replace(&mut self.phase, AttemptPhase::Settled);
        let AttemptPhase::Judging { stream, held, .. } = phase else { return Step::default() };
        let content_type = stream.content_type();
        if !end_of_stream {
            self.phase = AttemptPhase::Streaming(stream);
            self.exchange.borrow_mut().tally.silent_since = Some(host.now_ms);
        }
        self.deliver();
        if end_of_stream {
            self.ended(host);
        }
        Step::go_on(vec![
            Effect::RemoveResponseHeader("content-length".into()),
            Effect::SetResponseHeader("content-type".into(), content_type.into()),
            Effect::SetResponseBody(held),
        ])
    }

    fn meter(&mut self, progress: &Progress, host: Host<'_>) {
        self.log(|log| {
            if let Some(usage) = progress.usage {
                log.usage = Some(usage);
            }
            log.stopped |= progress.stopped;
            if let Some(model) = &progress.model {
                log.model = Some(model.clone());
            }
            progress.text.iter().for_each(|text| log.received.feed(text));
            log.found.add(progress.found.clone());
        });
        if !progress.found.blocked.is_empty() {
            let types = progress.found.blocked.iter().cloned().collect();
            let failure = Failure::AnswerBlocked { types };
            self.exchange.borrow_mut().tally.would_fail.get_or_insert(failure);
        }
        if progress.useful {
            let mut exchange = self.exchange.borrow_mut();
            let after = host.now_ms.saturating_sub(exchange.started_ms);
            exchange.tally.first_token_ms.get_or_insert(after);
            // Only where the answer is on its way to the caller.
            if let Some(since) = &mut exchange.tally.silent_since {
                *since = host.now_ms;
            }
        }
    }
}

fn broken(why: &str) -> ProviderError {
    ProviderError::new(ErrorClass::BrokenResponse, format!("The provider's answer cannot be used: {why}."))
}

fn merge(progress: &mut Progress, more: Progress) {
    progress.output.extend(more.output);
    progress.useful |= more.useful;
    progress.error = progress.error.take().or(more.error);
    progress.usage = more.usage.or(progress.usage);
    progress.model = more.model.or(progress.model.take());
    progress.text.extend(more.text);
    progress.found.add(more.found);
}
