//! Event streams (`text/event-stream`), decoded from bytes in any cut and written back byte for byte.
//!
//! The network cuts a stream anywhere: in a line ending, in a character, in the byte order mark. The [`Decoder`]
//! keeps bytes until the blank line that ends an event, so that what it gives out never depends on the cut: not the
//! events, and not how the stream's bytes are divided among them. Each [`Event`] keeps the bytes it was read from;
//! one after the other they are the stream.
//!
//! ```
//! use tollgate::wire::sse::Decoder;
//!
//! let mut decoder = Decoder::new(1 << 20);
//! decoder.push(b"event: ping\r\ndata: {}\r").unwrap();
//! assert!(decoder.next_event().is_none());
//! decoder.push(b"\n\r\n").unwrap();
//! let event = decoder.next_event().unwrap();
//! assert_eq!((event.name(), event.data()), (Some("ping"), Some(&b"{}"[..])));
//! assert_eq!(event.with_data(b"[1]"), b"event: ping\r\ndata: [1]\r\n\r\n");
//! ```
//!
//! Data are bytes: whether they are text, or JSON, is for others to find out. The grammar is WHATWG HTML, section
//! 9.2.6, with two exceptions: an event that the stream breaks off in is not discarded (see [`Decoder::finish`]), and
//! lines without any field that begin with a `{` are data as they stand. That is how a server tells an error that it
//! did not expect itself, where a reader that skipped unknown lines would take the stream for whole.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Finds the events in a stream of bytes.
#[derive(Clone)]
pub struct Decoder {
    max_event: usize,
    buffer: Vec<u8>,
    /// Where the next event to give out starts in the buffer; what comes before it was given out.
    start: usize,
    /// Where the events that are whole end.
    ends: VecDeque<usize>,
    /// Where the line being read starts.
    line: usize,
    /// How far the line was searched for its end, so that no byte is looked at for every chunk anew.
    searched: usize,
    /// No line was read yet: a byte order mark may stand here.
    opening: bool,
    /// No event was given out yet.
    first: bool,
    failed: bool,
}

/// An event is longer than the decoder may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The most bytes one event may have.
    pub max_event: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event is longer than {} bytes", self.max_event)
    }
}

impl std::error::Error for TooLong {}

impl Decoder {
    /// A decoder that holds no more than `max_event` bytes of an event that is not whole.
    pub fn new(max_event: usize) -> Self {
        Decoder {
            max_event,
            buffer: Vec::new(),
            start: 0,
            ends: VecDeque::new(),
            line: 0,
            searched: 0,
            opening: true,
            first: true,
            failed: false,
        }
    }

    /// Takes the next bytes of the stream. On an error the events before the one that is too long can still be
    /// taken; the rest of the stream is lost to this decoder, and every further `push` fails too.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), TooLong> {
        let too_long = TooLong { max_event: self.max_event };
        if self.failed {
            return Err(too_long);
        }
        self.forget();
        self.buffer.extend_from_slice(chunk);
        while let Some(blank) = self.line_end() {
            if blank {
                if self.line - self.event_start() > self.max_event {
                    break;
                }
                self.ends.push_back(self.line);
            }
        }
        if self.buffer.len() - self.event_start() > self.max_event {
            self.failed = true;
            self.buffer.truncate(self.event_start());
            return Err(too_long);
        }
        Ok(())
    }

    /// The next whole event. Comments and blank lines come as events without data, for their bytes' sake.
    pub fn next_event(&mut self) -> Option<Event> {
        let end = self.ends.pop_front()?;
        self.take(end)
    }

    /// What is left when the stream has ended: the events not yet taken, then the one it broke off in, if any. Some
    /// servers leave out the last blank line; whether this one was there is for [`Event::is_complete`] to say.
    pub fn finish(&mut self) -> Option<Event> {
        let end = self.ends.pop_front().unwrap_or(self.buffer.len());
        if end == self.start { None } else { self.take(end) }
    }

    /// How many bytes came in and were not given out.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Goes over one whole line if there is one, and says whether it is blank. A CR that comes last in the buffer
    /// decides nothing: an LF may belong to it.
    fn line_end(&mut self) -> Option<bool> {
        let rest = self.buffer.get(self.searched..)?;
        let Some(at) = memchr::memchr2(b'\r', b'\n', rest) else {
            self.searched = self.buffer.len();
            return None;
        };
        let at = self.searched + at;
        self.searched = at;
        let next = match (self.buffer.get(at), self.buffer.get(at + 1)) {
            (Some(b'\n'), _) => at + 1,
            (_, Some(b'\n')) => at + 2,
            (_, Some(_)) => at + 1,
            (_, None) => return None,
        };
        let line = self.buffer.get(self.line..at).unwrap_or_default();
        let blank = line.is_empty() || (self.opening && line == BYTE_ORDER_MARK);
        self.opening = false;
        self.line = next;
        self.searched = next;
        Some(blank)
    }

    /// Where the event being read starts.
    fn event_start(&self) -> usize {
        self.ends.back().copied().unwrap_or(self.start)
    }

    fn take(&mut self, end: usize) -> Option<Event> {
        let raw = self.buffer.get(self.start..end)?.to_vec();
        self.start = end;
        self.line = self.line.max(end);
        self.searched = self.searched.max(end);
        let text = if std::mem::take(&mut self.first) && raw.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        Some(Event::parse(raw, text))
    }

    /// Drops what was given out, once it is the larger part: each byte is then moved no more often than read.
    fn forget(&mut self) {
        if self.start <= self.buffer.len() / 2 {
            return;
        }
        let start = std::mem::take(&mut self.start);
        self.buffer.drain(..start);
        self.line -= start;
        self.searched -= start;
        self.ends.iter_mut().for_each(|end| *end -= start);
    }
}

/// Prints counts: what is buffered must not reach a log.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoder({} bytes buffered)", self.buffered())
    }
}

/// One event with the bytes it was read from, its blank line included.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    raw: Vec<u8>,
    /// Where the first line starts: after a byte order mark.
    text: usize,
    name: Option<Range<usize>>,
    data: Data,
    complete: bool,
}

#[derive(Clone, PartialEq, Eq)]
enum Data {
    Absent,
    /// One line, by far the most frequent case: it needs no copy.
    Line(Range<usize>),
    Joined(Vec<u8>),
    /// Not in a field: as they stand in the stream.
    Bare(Range<usize>),
}

impl Event {
    /// An element of another framing, whose data stand at `data`.
    pub(super) fn bare(raw: Vec<u8>, data: Option<Range<usize>>) -> Self {
        let data = data.map_or(Data::Absent, Data::Bare);
        Event { raw, text: 0, name: None, data, complete: true }
    }

    /// The event's bytes as they came.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The event's type, if it has one that is UTF-8 and not empty.
    pub fn name(&self) -> Option<&str> {
        let name = self.raw.get(self.name.clone()?)?;
        std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    /// The data lines, joined with LF; `None` for an event without any, such as a comment.
    pub fn data(&self) -> Option<&[u8]> {
        match &self.data {
            Data::Absent => None,
            Data::Line(range) | Data::Bare(range) => self.raw.get(range.clone()),
            Data::Joined(data) => Some(data),
        }
    }

    /// Whether the blank line that ends an event was there.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The event's bytes with other data: they stand where the first data line stood (at the end, if there was
    /// none), one line for each line of them, and all other lines stay.
    pub fn with_data(&self, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.raw.len() + data.len());
        if let Data::Bare(own) = &self.data {
            out.extend_from_slice(self.raw.get(..own.start).unwrap_or_default());
            out.extend_from_slice(data);
            out.extend_from_slice(self.raw.get(own.end..).unwrap_or_default());
            return out;
        }
        out.extend_from_slice(self.raw.get(..self.text).unwrap_or_default());
        let mut pending = Some(data);
        let lines = || Lines { raw: &self.raw, at: self.text };
        let ending = lines().map(|line| line.ending).find(|ending| !ending.is_empty()).unwrap_or(b"\n");
        for line in lines() {
            let (field, value) = line.field();
            let is_data = field == b"data";
            let is_end = line.text.is_empty();
            if (is_data || is_end)
                && let Some(data) = pending.take()
            {
                let spaced = !is_data || value.len() + b"data:".len() != line.text.len();
                let last = if is_data { line.ending } else { ending };
                write_data(data, spaced, ending, last, &mut out);
            }
            if !is_data {
                // A CR in front that an LF did not follow before must not take the blank line's LF for its own.
                if line.text.is_empty() && line.ending == b"\n" && out.ends_with(b"\r") {
                    out.push(b'\n');
                }
                out.extend_from_slice(line.text);
                out.extend_from_slice(line.ending);
            }
        }
        if let Some(data) = pending {
            if !out.get(self.text..).unwrap_or_default().is_empty()
                && !out.ends_with(b"\n")
                && !out.ends_with(b"\r")
            {
                out.extend_from_slice(ending);
            }
            write_data(data, true, ending, b"", &mut out);
        }
        out
    }

    fn parse(raw: Vec<u8>, text: usize) -> Self {
        let mut name = None;
        let mut data = Data::Absent;
        let mut complete = false;
        for line in (Lines { raw: &raw, at: text }) {
            complete = line.text.is_empty() && !line.ending.is_empty();
            let (field, value) = line.field();
            let end = line.start + line.text.len();
            let range = end - value.len()..end;
            match (field, &mut data) {
                (b"event", _) => name = Some(range),
                (b"data", Data::Absent) => data = Data::Line(range),
                (b"data", Data::Line(first)) => {
                    let first = raw.get(first.clone()).unwrap_or_default();
                    data = Data::Joined([first, value].join(&b'\n'));
                }
                (b"data", Data::Joined(joined)) => {
                    joined.push(b'\n');
                    joined.extend_from_slice(value);
                }
                _ => {}
            }
        }
        let body = raw.get(text..).unwrap_or_default();
        if matches!(data, Data::Absent) && body.trim_ascii_start().starts_with(b"{") {
            let start = text + body.len() - body.trim_ascii_start().len();
            data = Data::Bare(start..start + body.trim_ascii().len());
        }
        Event { raw, text, name, data, complete }
    }
}

/// Prints sizes: data hold what must not reach a log.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({} bytes, {:?} bytes of data)", self.raw.len(), self.data().map(<[u8]>::len))
    }
}

/// Appends an event with these data, one line for each line of them.
pub fn write_event(name: Option<&str>, data: &str, out: &mut Vec<u8>) {
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend(name.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')));
        out.push(b'\n');
    }
    write_data(data.as_bytes(), true, b"\n", b"\n\n", out);
}

fn write_data(data: &[u8], spaced: bool, ending: &[u8], last: &[u8], out: &mut Vec<u8>) {
    let mut rest = Some(data);
    while let Some(text) = rest {
        let (line, tail) = match memchr::memchr2(b'\r', b'\n', text) {
            Some(at) => {
                let tail = text.get(at..).unwrap_or_default();
                let length = if tail.starts_with(b"\r\n") { 2 } else { 1 };
                (text.get(..at).unwrap_or_default(), tail.get(length..))
            }
            None => (text, None),
        };
        // A first space is not part of the value, so data that start with one need another.
        out.extend_from_slice(if spaced || line.starts_with(b" ") { b"data: " } else { b"data:" });
        out.extend_from_slice(line);
        out.extend_from_slice(if tail.is_some() { ending } else { last });
        rest = tail;
    }
}

/// The lines of an event that has been found whole.
struct Lines<'r> {
    raw: &'r [u8],
    at: usize,
}

struct Line<'r> {
    start: usize,
    text: &'r [u8],
    /// CR, LF, both, or nothing where the stream broke off.
    ending: &'r [u8],
}

impl<'r> Iterator for Lines<'r> {
    type Item = Line<'r>;

    fn next(&mut self) -> Option<Line<'r>> {
        let start = self.at;
        let rest = self.raw.get(start..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let (text, after) = rest.split_at_checked(length)?;
        let ending = match after {
            [b'\r', b'\n', ..] => 2,
            [] => 0,
            _ => 1,
        };
        self.at = start + length + ending;
        Some(Line { start, text, ending: after.get(..ending).unwrap_or_default() })
    }
}

impl<'r> Line<'r> {
    /// The field's name and its value without the one space after the colon. A comment has an empty name.
    fn field(&self) -> (&'r [u8], &'r [u8]) {
        let Some(colon) = memchr::memchr(b':', self.text) else { return (self.text, b"") };
        let value = self.text.get(colon + 1..).unwrap_or_default();
        (self.text.get(..colon).unwrap_or_default(), value.strip_prefix(b" ").unwrap_or(value))
    }
}

#[cfg(test)]
mod tests;
