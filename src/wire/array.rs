//! Streams that are one JSON array, an element per event, decoded from bytes in any cut.
//!
//! Like an event stream's (see [`sse`](super::sse)), an element's bytes are kept: its own, and those between it and the
//! one before it. One after the other they are the stream. The end of the array comes as an event without data, as soon
//! as its bracket is there.
//!
//! ```
//! use tollgate::wire::array::Decoder;
//!
//! let mut decoder = Decoder::new(1 << 20);
//! decoder.push(b"[{\"a\":1}\n,{\"a\"").unwrap();
//! assert_eq!(decoder.next_event().unwrap().raw(), b"[{\"a\":1}");
//! assert!(decoder.next_event().is_none());
//! decoder.push(b":2}]").unwrap();
//! assert_eq!(decoder.next_event().unwrap().data(), Some(&b"{\"a\":2}"[..]));
//! assert!(decoder.next_event().unwrap().data().is_none() && decoder.is_closed());
//! ```
//!
//! Elements are found by their brackets and strings alone: whether one is JSON is for whoever reads it. A document that
//! is no array is an element by itself.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use super::sse::{Event, TooLong};

/// Finds the elements in a stream of bytes.
#[derive(Clone)]
pub struct Decoder {
    max_event: usize,
    buffer: Vec<u8>,
    /// Where the next element to give out starts in the buffer; what comes before it was given out.
    given: usize,
    /// Elements that are whole.
    found: VecDeque<Found>,
    /// How far the buffer was looked at.
    seen: usize,
    /// Where the element being read starts.
    start: Option<usize>,
    /// Brackets that are open within it.
    depth: usize,
    within: Within,
    place: Place,
    failed: bool,
}

#[derive(Clone)]
struct Found {
    end: usize,
    /// `None`: the array's end.
    data: Option<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Structure,
    String,
    /// Behind a backslash.
    Escape,
    /// A number or a word: it ends where something else begins.
    Word,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Inside,
    Behind,
}

impl Decoder {
    /// A decoder that holds no more than `max_event` bytes of an element that is not whole.
    pub fn new(max_event: usize) -> Self {
        Decoder {
            max_event,
            buffer: Vec::new(),
            given: 0,
            found: VecDeque::new(),
            seen: 0,
            start: None,
            depth: 0,
            within: Within::Structure,
            place: Place::Before,
            failed: false,
        }
    }

    /// Takes the next bytes of the stream. On an error the elements before the one that is too long can still be
    /// taken; the rest of the stream is lost to this decoder, and every further `push` fails too.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), TooLong> {
        if !self.failed {
            self.forget();
            self.buffer.extend_from_slice(chunk);
            while let Some(byte) = self.buffer.get(self.seen).copied().filter(|_| !self.failed) {
                self.look(byte);
            }
            self.failed |= self.buffer.len() - self.event_start() > self.max_event;
        }
        if self.failed {
            self.buffer.truncate(self.event_start());
            return Err(TooLong { max_event: self.max_event });
        }
        Ok(())
    }

    /// The next whole element, or the array's end.
    pub fn next_event(&mut self) -> Option<Event> {
        let Found { end, data } = self.found.pop_front()?;
        self.take(end, data)
    }

    /// What is left when the stream has ended: the elements not yet taken, then the one it broke off in, if any.
    pub fn finish(&mut self) -> Option<Event> {
        if !self.found.is_empty() {
            return self.next_event();
        }
        let end = self.buffer.len();
        let data = self.start.take().map(|start| start..end);
        if end == self.given { None } else { self.take(end, data) }
    }

    /// Whether the array came to its end. A document that is none has.
    pub fn is_closed(&self) -> bool {
        self.place != Place::Inside && self.start.is_none()
    }

    /// How many bytes came in and were not given out.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.given
    }

    fn look(&mut self, byte: u8) {
        let at = self.seen;
        match (self.within, self.start) {
            (Within::Word, Some(start))
                if matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n') =>
            {
                // The byte is looked at again: it may be the array's.
                return self.element(start..at);
            }
            (Within::Word, _) => {}
            (Within::Escape, _) => self.within = Within::String,
            (Within::String, start) => match byte {
                b'\\' => self.within = Within::Escape,
                b'"' => {
                    self.within = Within::Structure;
                    self.seen = at + 1;
                    return start.filter(|_| self.depth == 0).map_or((), |start| self.element(start..at + 1));
                }
                _ => {}
            },
            (Within::Structure, None) => self.begin(byte, at),
            (Within::Structure, Some(start)) => match byte {
                b'"' => self.within = Within::String,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.seen = at + 1;
                        return self.element(start..at + 1);
                    }
                }
                _ => {}
            },
        }
        self.seen = at + 1;
    }

    /// Between elements.
    fn begin(&mut self, byte: u8, at: usize) {
        match (byte, self.place) {
            (b' ' | b'\t' | b'\r' | b'\n', _) => {}
            // A byte order mark.
            (0xef | 0xbb | 0xbf, Place::Before) => {}
            (b'[', Place::Before) => self.place = Place::Inside,
            (b',', Place::Inside) => {}
            (b']', Place::Inside) => {
                self.place = Place::Behind;
                self.event(Found { end: at + 1, data: None });
            }
            (b'"', _) => (self.start, self.within) = (Some(at), Within::String),
            (b'{' | b'[', _) => (self.start, self.depth) = (Some(at), 1),
            _ => (self.start, self.within) = (Some(at), Within::Word),
        }
    }

    fn element(&mut self, data: Range<usize>) {
        self.start = None;
        self.within = Within::Structure;
        self.event(Found { end: data.end, data: Some(data) });
    }

    fn event(&mut self, found: Found) {
        if found.end - self.event_start() > self.max_event {
            self.failed = true;
        } else {
            self.found.push_back(found);
        }
    }

    /// Where the element being read starts, with what is between it and the one before.
    fn event_start(&self) -> usize {
        self.found.back().map_or(self.given, |found| found.end)
    }

    fn take(&mut self, end: usize, data: Option<Range<usize>>) -> Option<Event> {
        let raw = self.buffer.get(self.given..end)?.to_vec();
        let data = data.map(|data| data.start - self.given..data.end - self.given);
        self.given = end;
        Some(Event::bare(raw, data))
    }

    /// Drops what was given out, once it is the larger part: each byte is then moved no more often than read.
    fn forget(&mut self) {
        if self.given <= self.buffer.len() / 2 {
            return;
        }
        let given = std::mem::take(&mut self.given);
        self.buffer.drain(..given);
        self.seen -= given;
        self.start = self.start.map(|start| start - given);
        for found in &mut self.found {
            found.end -= given;
            found.data = found.data.take().map(|data| data.start - given..data.end - given);
        }
    }
}

/// Prints counts: what is buffered must not reach a log.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoder({} bytes buffered)", self.buffered())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(chunks: &[&[u8]]) -> (Vec<(String, Option<String>)>, bool) {
        let mut decoder = Decoder::new(1 << 20);
        let mut events = Vec::new();
        for chunk in chunks {
            decoder.push(chunk).unwrap();
            events.extend(std::iter::from_fn(|| decoder.next_event()));
        }
        let closed = decoder.is_closed();
        events.extend(std::iter::from_fn(|| decoder.finish()));
        assert_eq!(decoder.buffered(), 0);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (events.iter().map(|event| (text(event.raw()), event.data().map(text))).collect(), closed)
    }

    fn data(stream: &[u8]) -> Vec<String> {
        decode(&[stream]).0.into_iter().filter_map(|(_, data)| data).collect()
    }

    const STREAM: &[u8] =
        b"\xef\xbb\xbf [{\n \"a\": \"[,]}\\\"{\" , \"b\": [1, {}]}\r\n,\n\r\n{\"c\":\"\xc3\xa9\\\\\"}, 12,null , \"]\"\n]\n";

    #[test]
    fn elements_are_found_whatever_stands_in_their_strings() {
        let expected =
            ["{\n \"a\": \"[,]}\\\"{\" , \"b\": [1, {}]}", "{\"c\":\"é\\\\\"}", "12", "null", "\"]\""];
        assert_eq!(data(STREAM), expected);
        assert!(data(b"[]").is_empty() && data(b"").is_empty() && data(b" [ \n ] ").is_empty());
    }

    #[test]
    fn no_cut_changes_what_is_found() {
        let whole = decode(&[STREAM]);
        assert!(whole.1);
        for at in 0..=STREAM.len() {
            assert_eq!(decode(&[&STREAM[..at], &STREAM[at..]]), whole, "cut at {at}");
        }
        assert_eq!(decode(&STREAM.chunks(1).collect::<Vec<_>>()), whole);
        assert_eq!(decode(&STREAM.chunks(3).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn the_events_bytes_are_the_stream() {
        let all: String = decode(&[STREAM]).0.into_iter().map(|(raw, _)| raw).collect();
        assert_eq!(all.as_bytes(), STREAM);
    }

    #[test]
    fn an_element_is_given_out_with_its_last_byte() {
        let mut decoder = Decoder::new(100);
        decoder.push(b"[{\"a\":{}").unwrap();
        assert!(decoder.next_event().is_none());
        decoder.push(b"}").unwrap();
        let event = decoder.next_event().unwrap();
        assert_eq!((event.raw(), event.data()), (&b"[{\"a\":{}}"[..], Some(&b"{\"a\":{}}"[..])));
        assert_eq!(event.with_data(b"{}"), b"[{}");
        decoder.push(b"\n,{}]").unwrap();
        assert_eq!(decoder.next_event().unwrap().with_data(b"{\"b\":1}"), b"\n,{\"b\":1}");
        assert!(!format!("{decoder:?}").contains('{'));
        assert_eq!(decoder.next_event().unwrap().raw(), b"]");
    }

    #[test]
    fn an_array_that_breaks_off_is_not_closed() {
        for broken in [&b"[{\"a\":1}"[..], b"[{\"a\":1},", b"[{\"a\":1},{\"b\"", b"[", b"{\"a\":", b"[1"] {
            assert!(!decode(&[broken]).1, "{}", String::from_utf8_lossy(broken));
        }
        assert_eq!(data(b"[{\"a\":1},{\"b\""), ["{\"a\":1}", "{\"b\""]);
    }

    #[test]
    fn a_document_that_is_no_array_is_an_element() {
        let (events, closed) = decode(&[b"{\"error\": {\"code\": 503}}\n"]);
        assert_eq!(events[0].1.as_deref(), Some("{\"error\": {\"code\": 503}}"));
        assert!(closed);
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut decoder = Decoder::new(8);
        assert_eq!(decoder.push(b"[{},{\"a\":12345678"), Err(TooLong { max_event: 8 }));
        assert_eq!(decoder.next_event().unwrap().data(), Some(&b"{}"[..]));
        assert!(decoder.next_event().is_none() && decoder.finish().is_none());
        assert!(decoder.push(b"}").is_err());
        let mut decoder = Decoder::new(8);
        assert!(decoder.push(b"[{},{\"a\":12345}]").is_err(), "whole, and too long");
        let mut decoder = Decoder::new(8);
        decoder.push(b"[").unwrap();
        for _ in 0..1_000 {
            decoder.push(b"{},").unwrap();
            decoder.next_event().unwrap();
        }
        assert!(decoder.buffer.len() < 100);
    }
}
