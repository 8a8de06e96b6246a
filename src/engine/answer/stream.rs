//! An answer that comes in pieces.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use super::Carriage;
use super::held::{HeldEvent, delta_fragment, fragment, note, size_of, write_delta};
use super::whole::{as_signed, is_fixed, may_hold_placeholder, restore_node};
use crate::chat::visit::{Place, SpotKind, visit};
use crate::chat::{Delta, ProviderError, Usage};
use crate::engine::attempt::api_error;
use crate::policy::redaction::{Fragment, Restorer, StreamRestorer};
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
    InPlace(StreamRestorer<HeldEvent, Channel>),
    Translated { restorer: StreamRestorer<Delta, Channel>, writer: Box<dyn StreamWriter> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StreamState {
    Open,
    /// The provider failed inside its stream: nothing more is read.
    Failed,
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
}

/// The longest event that is read, in bytes.
const MAX_EVENT: usize = 8 << 20;
/// The longest answer that is told in another dialect, in bytes.
const MAX_TOLD: usize = 8 << 20;

impl StreamAnswer {
    pub fn new(carriage: Carriage) -> Self {
        let restorer = Restorer::new(Rc::clone(&carriage.vault));
        let output = if carriage.in_place() {
            Output::InPlace(StreamRestorer::new(restorer))
        } else {
            let writer = carriage.to.stream_writer(carriage.created, &carriage.outline);
            Output::Translated { restorer: StreamRestorer::new(restorer), writer }
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
        if self.state != StreamState::Open {
            return progress;
        }
        if self.framing.push(chunk).is_err() {
            self.fail(broken("an event is too long"), &mut progress);
            return progress;
        }
        while self.state == StreamState::Open {
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
        if self.state != StreamState::Open {
            return progress;
        }
        while self.state == StreamState::Open {
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
        self.finish(&mut progress.output);
        progress
    }

    /// The answer is whole: what is held goes out, and what the caller's dialect ends with.
    fn finish(&mut self, out: &mut Vec<u8>) {
        self.flush(out);
        if let Output::Translated { writer, .. } = &mut self.output {
            writer.finish(out);
        }
        self.state = StreamState::Ended;
    }

    fn event(&mut self, event: sse::Event, progress: &mut Progress) {
        let Some(data) = event.data() else {
            self.hold(HeldEvent::untouched(&event), Vec::new(), &mut progress.output);
            return;
        };
        let deltas = match self.reader.read(event.name(), data) {
            Ok(deltas) => deltas,
            Err(_) => return self.fail(broken("an event is not what the dialect says"), progress),
        };
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
            self.edit(&event, progress);
            if failed || ends {
                self.flush(&mut progress.output);
            }
        } else if let Some(error) = &progress.error {
            let error = error.clone();
            self.fail(error, progress);
        } else {
            self.translate(deltas, &mut progress.output);
            if ends {
                // Now and not with the body: behind trailers nothing can be added.
                self.finish(&mut progress.output);
            }
        }
        if self.state == StreamState::Open && self.reader.is_complete() {
            // Every text has ended: what is held would be lost behind trailers.
            self.flush(&mut progress.output);
        }
        if failed {
            self.state = StreamState::Failed;
        }
    }

    /// Ends the caller's stream with an error event in its dialect, and without a terminal marker.
    fn fail(&mut self, mut error: ProviderError, progress: &mut Progress) {
        self.flush(&mut progress.output);
        if let Some(key) = &self.carriage.key {
            error.message = error.message.replace(&**key, "***");
        }
        let told = api_error(&error);
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
        progress.error = Some(error);
        self.state = StreamState::Failed;
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        match &mut self.output {
            Output::InPlace(restorer) => {
                restorer.flush().into_iter().for_each(|held| held.item.write(&held.texts, out))
            }
            Output::Translated { restorer, writer } => {
                restorer.flush().into_iter().for_each(|held| write_delta(held, &mut **writer, out));
            }
        }
    }

    fn hold(&mut self, event: HeldEvent, fragments: Vec<Fragment<Channel>>, out: &mut Vec<u8>) {
        if let Output::InPlace(restorer) = &mut self.output {
            restorer.push(event, fragments).into_iter().for_each(|held| held.item.write(&held.texts, out));
        }
    }

    fn edit(&mut self, event: &sse::Event, progress: &mut Progress) {
        let data = event.data().unwrap_or_default();
        let Ok(document) = Document::parse_lenient(data) else {
            // A terminal marker: whatever is held has its last chance now.
            self.flush(&mut progress.output);
            self.hold(HeldEvent::untouched(event), Vec::new(), &mut progress.output);
            return;
        };
        let mut edits = Edits::new();
        if self.carriage.hide_usage
            && self.carriage.from.hide_stream_usage(document.root(), &mut edits) == Hidden::Whole
        {
            return;
        }
        if self.carriage.vault.is_empty() {
            let raw =
                if edits.is_empty() { event.raw().to_vec() } else { event.with_data(&edits.apply(data)) };
            progress.output.extend(raw);
            return;
        }
        let texts = self.carriage.from.stream_texts(document.root());
        self.restore_others(&document, &texts, &mut edits);
        let fragments = texts.iter().map(fragment).collect();
        let spots = texts.iter().map(|text| text.node.span()).collect();
        self.hold(HeldEvent { event: event.clone(), edits, spots }, fragments, &mut progress.output);
    }

    /// Strings that do not continue over events are restored at once.
    fn restore_others(&self, document: &Document<'_>, texts: &[StreamText<'_>], edits: &mut Edits) {
        if !may_hold_placeholder(document.text()) {
            return;
        }
        let restorer = Restorer::new(Rc::clone(&self.carriage.vault));
        let continued: HashSet<usize> = texts.iter().map(|text| text.node.span().start).collect();
        let place = |path: &[&str], parent: Node<'_>| self.carriage.from.response_place(path, parent);
        visit(document.root(), &place, &mut |spot| {
            let readable = spot.kind != SpotKind::Number && !is_fixed(spot.place);
            if readable && !continued.contains(&spot.node.span().start) {
                restore_node(spot.node, spot.place == Place::Json, &restorer, edits);
            }
        });
    }

    fn translate(&mut self, deltas: Vec<Delta>, out: &mut Vec<u8>) {
        let Output::Translated { restorer, writer } = &mut self.output else { return };
        for mut delta in deltas {
            if matches!(delta, Delta::End) {
                continue;
            }
            match &mut delta {
                Delta::Thinking { choice, text } => self.thought.entry(*choice).or_default().push_str(text),
                Delta::Signature { choice, signature } => {
                    signature.covers = self.thought.remove(choice).as_deref().and_then(as_signed);
                }
                _ => {}
            }
            let fragments = delta_fragment(&delta).into_iter().collect();
            restorer
                .push(delta, fragments)
                .into_iter()
                .for_each(|held| write_delta(held, &mut **writer, out));
        }
    }
}

fn broken(why: &str) -> ProviderError {
    let class = crate::chat::ErrorClass::BrokenResponse;
    ProviderError::new(class, format!("The provider's answer broke off: {why}."))
}
