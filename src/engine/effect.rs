//! Everything that the engine can do to the outside world, on one page.
//!
//! The engine is a value: it is given bytes, the time and a store, and gives back a [`Step`]. Whoever drives it (the
//! adapter inside Envoy, a test, the tool) carries the step out. Effects come in the order in which they are to be
//! carried out.

/// The name of a header, in lower case.
pub type Name = std::borrow::Cow<'static, str>;

/// What comes of one event.
#[derive(Debug, Default)]
pub struct Step {
    pub flow: Flow,
    pub effects: Vec<Effect>,
}

impl Step {
    pub fn go_on(effects: Vec<Effect>) -> Self {
        Self { flow: Flow::Continue, effects }
    }

    pub fn pause() -> Self {
        Self { flow: Flow::Pause, effects: Vec::new() }
    }

    pub fn reply(reply: Reply) -> Self {
        Self { flow: Flow::Reply(reply), effects: Vec::new() }
    }

    /// Another step on the same piece of a response's body, whose output goes behind this one's.
    pub fn add_to_body(&mut self, more: Self) {
        let mut more = more.effects;
        let behind = more.iter_mut().find_map(|effect| match effect {
            Effect::SetResponseBody(body) => Some(std::mem::take(body)),
            _ => None,
        });
        for effect in &mut self.effects {
            if let (Effect::SetResponseBody(body), Some(behind)) = (effect, &behind) {
                body.extend_from_slice(behind);
            }
        }
    }

    /// The status that the response will have, where the step changes it.
    pub fn status(&self) -> Option<u16> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::SetResponseHeader(name, value) if name == ":status" => value.parse().ok(),
            _ => None,
        })
    }
}

/// Where the message that the event belongs to goes next.
#[derive(Debug, Default)]
pub enum Flow {
    /// On its way.
    #[default]
    Continue,
    /// Nowhere yet: what came so far is held, and the next piece decides.
    Pause,
    /// No further: this is the answer.
    Reply(Reply),
}

/// An answer of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    SetRequestHeader(Name, String),
    RemoveRequestHeader(Name),
    /// Replaces all of the request's body that is held, or the piece at hand.
    SetRequestBody(Vec<u8>),
    /// Kept with the request, out of its headers: by it an attempt finds the exchange.
    ShareToken(String),
    SetResponseHeader(Name, String),
    RemoveResponseHeader(Name),
    /// Replaces all of the response's body that is held, or the piece at hand.
    SetResponseBody(Vec<u8>),
    /// One line of JSON about the whole exchange, for the access log.
    Record(String),
    Metric(Metric),
}

impl Effect {
    /// For a log line: what it does, and nothing of what it does it with.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SetRequestHeader(..) => "set a request header",
            Self::RemoveRequestHeader(_) => "remove a request header",
            Self::SetRequestBody(_) => "replace the request's body",
            Self::ShareToken(_) => "share the exchange's token",
            Self::SetResponseHeader(..) => "set a response header",
            Self::RemoveResponseHeader(_) => "remove a response header",
            Self::SetResponseBody(_) => "replace the response's body",
            Self::Record(_) => "keep the record",
            Self::Metric(_) => "count",
        }
    }
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub kind: MetricKind,
    pub labels: Vec<(&'static str, String)>,
    pub value: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

impl Metric {
    /// As Envoy knows it: `name;label=value;label=value`. Envoy's `stats_tags` take the labels out again.
    pub fn full_name(&self) -> String {
        let mut name = String::with_capacity(96);
        name.push_str(self.name);
        for (label, value) in &self.labels {
            name.push(';');
            name.push_str(label);
            name.push('=');
            name.extend(value.chars().map(|c| if c == ';' || c.is_control() { '_' } else { c }).take(100));
        }
        name
    }
}
