//! An answer that comes in pieces.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use super::Carriage;
use super::held::{HeldEvent, delta_fragment, fragment, note, size_of, write_delta};
use super::pipe::Pipe;
use super::whole::{as_signed, carry_spot, hide_logprobs};
use crate::chat::visit::{Place, visit};
use crate::chat::{Delta, ProviderError, Usage};
use crate::engine::attempt::api_error;
use crate::engine::failure::Failure;
use crate::policy::redaction::{AnswerFindings, Fragment, Hand, Released, Restorer};
use crate::provider::{Channel, Hidden, StreamReader, StreamText, StreamWriter};
use crate::wire::json::{Document, Edits, Node};
use crate::wire::{array, sse};

/// A streamed answer, carried over piece by piece.
pub struct StreamAnswer {
    framing: Framing,
    reader: Box<dyn StreamReader>,
    carriage: Carriage,
    output: Output,
    state: StreamState,
    /// Bytes of what was told so far. A dialect that tells one thing after the other has to keep some back, and one
    /// that tells the whole answer again at its end has to keep all.
    told: usize,
    /// What each answer thought since its last signature, as the provider wrote it.
    thought: BTreeMap<u32, String>,
    restorer: Restorer,
    /// Something went out to the caller.
    begun: bool,
}

/// How the provider divides its stream.
enum Framing {
    Events(sse::Decoder),
    /// Elements of one JSON array.
    Array(array::Decoder),
}

impl Framing {
    fn push(&mut self, chunk: &[u8]) -> Result<(), sse::TooLong> {
        match self {
            Self::Events(decoder) => decoder.push(chunk),
            Self::Array(decoder) => decoder.push(chunk),
        }
    }

    fn next_event(&mut self) -> Option<sse::Event> {
        match self {
            Self::Events(decoder) => decoder.next_event(),
            Self::Array(decoder) => decoder.next_event(),
        }
    }

    fn finish(&mut self) -> Option<sse::Event> {
        match self {
            Self::Events(decoder) => decoder.finish(),
            Self::Array(decoder) => decoder.finish(),
        }
    }

    fn is_closed(&self) -> bool {
        match self {
            Self::Events(_) => true,
            Self::Array(decoder) => decoder.is_closed(),
        }
    }
}

enum Output {
    InPlace(Pipe<HeldEvent>),
    Translated { pipe: Pipe<Delta>, writer: Box<dyn StreamWriter> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StreamState {
    Open,
    /// The provider failed inside its stream: nothing more is read.
    Failed,
    /// What the answer says may not leave. It is read on for its usage.
    Refused,
    Ended,
}

/// What one piece of the stream brought.
#[derive(Default)]
pub struct Progress {
    /// For the caller.
    pub output: Vec<u8>,
    /// Something that the caller can use came.
    pub useful: bool,
    pub error: Option<ProviderError>,
    pub usage: Option<Usage>,
    /// The answer came to its own end, so that its usage is final.
    pub stopped: bool,
    pub model: Option<String>,
    /// Text that was produced, as the provider wrote it: counted where no usage comes.
    pub text: Vec<String>,
    /// What it says that the prompt did not.
    pub found: AnswerFindings,
}

/// The longest event that is read, in bytes.
const MAX_EVENT: usize = 8 << 20;
/// The longest answer that is told in another dialect, in bytes.
const MAX_TOLD: usize = 8 << 20;

impl StreamAnswer {
    pub fn new(carriage: Carriage) -> Self {
        let restorer = Restorer::new(Rc::clone(&carriage.vault));
        let output = if carriage.in_place() {
            Output::InPlace(Pipe::new(restorer.clone(), carriage.rules.as_ref()))
        } else {
            let writer = carriage.to.stream_writer(carriage.created, &carriage.outline);
            Output::Translated { pipe: Pipe::new(restorer.clone(), carriage.rules.as_ref()), writer }
        };
        // Another API's caller never says how this one divides its stream.
        let framing = if carriage.in_place() && carriage.outline.as_array {
            Framing::Array(array::Decoder::new(MAX_EVENT))
        } else {
            Framing::Events(sse::Decoder::new(MAX_EVENT))
        };
        Self {
            framing,
            reader: carriage.from.stream_reader(carriage.failures),
            carriage,
            output,
            state: StreamState::Open,
            told: 0,
            thought: BTreeMap::new(),
            restorer,
            begun: false,
        }
    }

    /// What the caller gets, as its head names it.
    pub fn content_type(&self) -> &'static str {
        if self.carriage.outline.as_array {
            "application/json; charset=utf-8"
        } else {
            "text/event-stream; charset=utf-8"
        }
    }

    pub fn push(&mut self, chunk: &[u8]) -> Progress {
        let mut progress = Progress::default();
        if !self.is_read() {
            return progress;
        }
        if self.framing.push(chunk).is_err() {
            self.fail(broken("an event is too long"), &mut progress);
            return progress;
        }
        while self.is_read() {
            let Some(event) = self.framing.next_event() else { break };
            self.event(event, &mut progress);
        }
        self.begun |= !progress.output.is_empty();
        progress
    }

    /// The provider has taken too long: the caller's stream ends here, with an error.
    pub fn break_off(&mut self) -> Progress {
        let mut progress = Progress::default();
        if self.state == StreamState::Open {
            let message = "The provider's answer broke off: nothing came for too long.";
            self.fail(ProviderError::new(crate::chat::ErrorClass::Timeout, message), &mut progress);
        }
        progress
    }

    /// The body ended. A stream that is not whole by now is a failure, never a clean end.
    pub fn end(&mut self) -> Progress {
        let mut progress = Progress::default();
        while self.is_read() {
            let Some(event) = self.framing.finish() else { break };
            self.event(event, &mut progress);
        }
        if self.state != StreamState::Open {
            return progress;
        }
        if !self.reader.is_complete() || !self.framing.is_closed() {
            self.fail(broken("the stream ended early"), &mut progress);
            return progress;
        }
        self.finish(&mut progress);
        progress
    }

    fn is_read(&self) -> bool {
        matches!(self.state, StreamState::Open | StreamState::Refused)
    }

    /// The answer is whole: what is held goes out, and what the caller's dialect ends with.
    fn finish(&mut self, progress: &mut Progress) {
        self.flush(progress);
        if self.state != StreamState::Open {
            return;
        }
        if let Output::Translated { writer, .. } = &mut self.output {
            writer.finish(&mut progress.output);
        }
        self.state = StreamState::Ended;
    }

    fn event(&mut self, event: sse::Event, progress: &mut Progress) {
        let Some(data) = event.data() else {
            self.hold(HeldEvent::untouched(&event), Vec::new(), Vec::new(), progress);
            return;
        };
        let deltas = match self.reader.read(event.name(), data) {
            Ok(deltas) => deltas,
            Err(_) => return self.fail(broken("an event is not what the dialect says"), progress),
        };
        if self.state == StreamState::Refused {
            deltas.iter().for_each(|delta| note(delta, progress));
            progress.error = None;
            return;
        }
        for delta in &deltas {
            note(delta, progress);
            self.told += size_of(delta);
        }
        if self.told > MAX_TOLD && !self.carriage.in_place() {
            return self.fail(broken("it is too long"), progress);
        }
        let ends = deltas.contains(&Delta::End);
        if ends && progress.error.is_none() && !self.reader.is_complete() {
            return self.fail(broken("it ended without an answer"), progress);
        }
        let failed = progress.error.is_some();
        let quotes_key = failed && self.carriage.quotes_key(data);
        if self.carriage.in_place() && !quotes_key {
            self.edit(&event, &deltas, progress);
            if failed || ends {
                self.flush(progress);
            }
        } else if let Some(error) = &progress.error {
            let error = error.clone();
            self.fail(error, progress);
        } else {
            self.translate(deltas, progress);
            if ends {
                // Now and not with the body: behind trailers nothing can be added.
                self.finish(progress);
            }
        }
        if self.state == StreamState::Open && self.reader.is_complete() {
            // Every text has ended: what is held would be lost behind trailers.
            self.flush(progress);
        }
        if failed {
            self.state = StreamState::Failed;
        }
    }

    /// Notes what was found, and ends the caller's stream where it may not go on.
    fn heed(&mut self, progress: &mut Progress) {
        let (found, shut) = match &mut self.output {
            Output::InPlace(pipe) => (pipe.take_findings(), pipe.is_shut()),
            Output::Translated { pipe, .. } => (pipe.take_findings(), pipe.is_shut()),
        };
        let types: Vec<String> = found.blocked.iter().cloned().collect();
        progress.found.add(found);
        if !shut || self.state != StreamState::Open {
            return;
        }
        // What was looked through, and waits for a placeholder to end.
        match &mut self.output {
            Output::InPlace(pipe) => write_events(pipe.drain(), &mut progress.output),
            Output::Translated { pipe, writer } => pipe
                .drain()
                .into_iter()
                .for_each(|held| write_delta(held, &mut **writer, &mut progress.output)),
        }
        let failure = Failure::AnswerBlocked { types };
        let mut error = ProviderError::new(crate::chat::ErrorClass::ContentFilter, failure.message());
        error.code = Some(failure.code().to_owned());
        self.tell(&error, progress);
        // It is an answer, if one that the policy has cut short.
        progress.useful = true;
        self.state = StreamState::Refused;
    }

    /// Ends the caller's stream with an error event in its dialect, and without a terminal marker.
    fn fail(&mut self, mut error: ProviderError, progress: &mut Progress) {
        if self.state == StreamState::Refused {
            self.state = StreamState::Failed;
            return;
        }
        self.flush(progress);
        if self.state != StreamState::Open {
            return;
        }
        if let Some(key) = &self.carriage.key {
            error.message = error.message.replace(&**key, "***");
        }
        self.tell(&error, progress);
        progress.error = Some(error);
        self.state = StreamState::Failed;
    }

    fn tell(&self, error: &ProviderError, progress: &mut Progress) {
        let told = api_error(error);
        if self.carriage.outline.as_array {
            // The last element, as the array's own server would have it: without it nobody could read the error.
            let before: &[u8] = if self.begun || !progress.output.is_empty() { b",\r\n" } else { b"[" };
            progress.output.extend_from_slice(before);
            progress.output.extend(self.carriage.to.error_body(&told));
            progress.output.push(b']');
        } else {
            let number = match &self.output {
                Output::InPlace(_) => self.reader.next_number(),
                Output::Translated { writer, .. } => writer.next_number(),
            };
            progress.output.extend(self.carriage.to.numbered_stream_error(&told, number));
        }
    }

    fn flush(&mut self, progress: &mut Progress) {
        if self.state != StreamState::Open {
            return;
        }
        let Self { output, thought, restorer, .. } = self;
        match output {
            Output::InPlace(pipe) => write_events(pipe.flush(&mut |_, _| {}), &mut progress.output),
            Output::Translated { pipe, writer } => {
                let left = pipe.flush(&mut |delta, texts| note_thought(delta, texts, thought, restorer));
                left.into_iter().for_each(|held| write_delta(held, &mut **writer, &mut progress.output));
            }
        }
        self.heed(progress);
    }

    fn hold(
        &mut self,
        event: HeldEvent,
        fragments: Vec<(Fragment<Channel>, Hand)>,
        watched: Vec<Fragment<Channel>>,
        progress: &mut Progress,
    ) {
        if let Output::InPlace(pipe) = &mut self.output {
            let left = pipe.push(event, fragments, watched, &mut |_, _| {});
            write_events(left, &mut progress.output);
        }
        self.heed(progress);
    }

    fn edit(&mut self, event: &sse::Event, deltas: &[Delta], progress: &mut Progress) {
        let data = event.data().unwrap_or_default();
        let Ok(document) = Document::parse_lenient(data) else {
            // A terminal marker: whatever is held has its last chance now.
            self.flush(progress);
            if self.state == StreamState::Open {
                self.hold(HeldEvent::untouched(event), Vec::new(), Vec::new(), progress);
            }
            return;
        };
        let mut edits = Edits::new();
        if self.carriage.hide_usage
            && self.carriage.from.hide_stream_usage(document.root(), &mut edits) == Hidden::Whole
        {
            return;
        }
        let Output::InPlace(pipe) = &mut self.output else { return };
        if self.carriage.vault.restores_nothing() && !pipe.is_guarded() {
            let raw =
                if edits.is_empty() { event.raw().to_vec() } else { event.with_data(&edits.apply(data)) };
            progress.output.extend(raw);
            return;
        }
        if pipe.hides() {
            hide_logprobs(document.root(), &mut edits);
        }
        let texts = self.carriage.from.stream_texts(document.root());
        carry_others(&self.carriage, pipe, &document, &texts, &mut edits);
        if pipe.is_shut() {
            return self.heed(progress);
        }
        let fragments = texts.iter().map(fragment).collect();
        let spots = texts.iter().map(|text| text.node.span()).collect();
        let watched = if self.carriage.signs_thinking() { deltas } else { &[] };
        let watched = watched.iter().filter(|delta| matches!(delta, Delta::Thinking { .. }));
        let watched = watched.filter_map(delta_fragment).collect();
        self.hold(HeldEvent { event: event.clone(), edits, spots }, fragments, watched, progress);
        for delta in deltas {
            if let (Delta::Stop { choice, .. }, Output::InPlace(pipe)) = (delta, &mut self.output) {
                write_events(pipe.end(*choice, &mut |_, _| {}), &mut progress.output);
                self.heed(progress);
            }
        }
    }

    fn translate(&mut self, deltas: Vec<Delta>, progress: &mut Progress) {
        let signed = self.carriage.signs_thinking();
        let Self { output, thought, restorer, .. } = self;
        let Output::Translated { pipe, writer } = output else { return };
        let mut between =
            |delta: &mut Delta, texts: &[Fragment<Channel>]| note_thought(delta, texts, thought, restorer);
        for delta in deltas {
            if matches!(delta, Delta::End) || matches!(delta, Delta::Logprobs { .. }) && pipe.hides() {
                continue;
            }
            let hand = match delta {
                Delta::Thinking { .. } if signed => Hand::Tied,
                _ => Hand::Free,
            };
            let fragments = delta_fragment(&delta).into_iter().map(|fragment| (fragment, hand)).collect();
            let over = if let Delta::Stop { choice, .. } = &delta { Some(*choice) } else { None };
            let mut left = pipe.push(delta, fragments, Vec::new(), &mut between);
            if let Some(choice) = over {
                left.extend(pipe.end(choice, &mut between));
            }
            left.into_iter().for_each(|held| write_delta(held, &mut **writer, &mut progress.output));
        }
        self.heed(progress);
    }
}

/// Strings that do not continue over events are looked through and restored at once.
fn carry_others(
    carriage: &Carriage,
    pipe: &mut Pipe<HeldEvent>,
    document: &Document<'_>,
    texts: &[StreamText<'_>],
    edits: &mut Edits,
) {
    let restorer = Restorer::new(Rc::clone(&carriage.vault));
    let continued: HashSet<usize> = texts.iter().map(|text| text.node.span().start).collect();
    let place = |path: &[&str], parent: Node<'_>| carriage.from.response_place(path, parent);
    visit(document.root(), &place, &mut |spot| {
        // Signed thinking comes in pieces, and is looked through as such.
        let in_pieces = spot.place == Place::Opaque && carriage.signs_thinking();
        if !in_pieces && !continued.contains(&spot.node.span().start) {
            carry_spot(&spot, &restorer, &mut |text, landing, hand| pipe.whole(text, landing, hand), edits);
        }
    });
}

/// Keeps what an answer thinks, as it leaves: what is signed goes beside it.
fn note_thought(
    delta: &mut Delta,
    texts: &[Fragment<Channel>],
    thought: &mut BTreeMap<u32, String>,
    restorer: &Restorer,
) {
    match delta {
        Delta::Thinking { choice, .. } => {
            texts.iter().for_each(|text| thought.entry(*choice).or_default().push_str(&text.text));
        }
        Delta::Signature { choice, signature } => {
            signature.covers = thought.remove(choice).and_then(|text| as_signed(&text, restorer));
        }
        _ => {}
    }
}

fn write_events(left: Vec<Released<HeldEvent>>, out: &mut Vec<u8>) {
    left.into_iter().for_each(|held| held.item.write(&held.texts, out));
}

fn broken(why: &str) -> ProviderError {
    let class = crate::chat::ErrorClass::BrokenResponse;
    ProviderError::new(class, format!("The provider's answer broke off: {why}."))
}
