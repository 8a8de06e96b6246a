//! Event streams in any cut: generated ones against a naive reading of the grammar, recorded ones cut everywhere.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tollgate::wire::json::Document;
use tollgate::wire::sse::{Decoder, Event};

const MAX_EVENT: usize = 1 << 20;

fn decode<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Event> {
    let mut decoder = Decoder::new(MAX_EVENT);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.push(chunk).unwrap();
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    events.extend(std::iter::from_fn(|| decoder.finish()));
    events
}

type Reading = (Option<Vec<u8>>, Option<Vec<u8>>);

fn readings(events: &[Event]) -> Vec<Reading> {
    let reading =
        |event: &Event| (event.name().map(|n| n.as_bytes().to_vec()), event.data().map(<[u8]>::to_vec));
    // Blocks that dispatch nothing are the decoder's own business.
    events.iter().map(reading).filter(|(_, data)| data.is_some()).collect()
}

/// The grammar, read with the whole stream at hand.
fn naive(stream: &[u8]) -> Vec<Reading> {
    let stream = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
    let mut bytes = stream.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' | b'\n' => {
                if *byte == b'\r' {
                    bytes.next_if(|next| **next == b'\n');
                }
                lines.push(Vec::new());
            }
            _ => lines.last_mut().unwrap().push(*byte),
        }
    }
    lines.push(Vec::new());
    let mut events = Vec::new();
    let (mut name, mut data): Reading = (None, None);
    for line in lines {
        if line.is_empty() {
            let name =
                name.take().filter(|name: &Vec<u8>| !name.is_empty() && std::str::from_utf8(name).is_ok());
            events.extend(data.take().map(|data| (name, Some(data))));
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        match &line[..colon] {
            b"event" => name = Some(value),
            b"data" => {
                data = Some(match data.take() {
                    Some(first) => [first, value].join(&b'\n'),
                    None => value,
                });
            }
            _ => {}
        }
    }
    events
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line: Vec<&[u8]> = vec![
        b"data: a",
        b"data:b",
        b"data",
        b"data: ",
        b"data:  c ",
        b"data: \xff\xc3",
        b"event: x",
        b"event:",
        b"event: \xff",
        b": note",
        b":",
        b"id: 1",
        b"retry: 2",
        b"other",
        b"\xef\xbb\xbf",
        b"data: \xef\xbb\xbf",
        b"",
        b"",
    ];
    let ending: Vec<&[u8]> = vec![b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"\r\r", b""];
    let line = (prop::sample::select(line), prop::sample::select(ending));
    (any::<bool>(), prop::collection::vec(line, 0..12)).prop_map(|(mark, lines)| {
        let mut stream = if mark { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        lines.iter().for_each(|(line, ending)| stream.extend([*line, *ending].concat()));
        stream
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_the_events_of_the_grammar(stream in stream(), sizes in prop::collection::vec(1_usize..9, 1..20)) {
        let whole = decode([&stream[..]]);
        prop_assert_eq!(readings(&whole), naive(&stream));
        prop_assert_eq!(whole.iter().flat_map(Event::raw).copied().collect::<Vec<_>>(), &stream[..]);
        prop_assert!(whole.iter().rev().skip(1).all(Event::is_complete));

        let mut rest = &stream[..];
        let chunks: Vec<&[u8]> = sizes.iter().cycle().map_while(|size| {
            let chunk;
            (chunk, rest) = rest.split_at((*size).min(rest.len()));
            (!chunk.is_empty()).then_some(chunk)
        }).collect();
        prop_assert_eq!(&decode(chunks), &whole);
        prop_assert_eq!(&decode(stream.chunks(1)), &whole);
        for cut in 0..stream.len() {
            prop_assert_eq!(&decode([&stream[..cut], &stream[cut..]]), &whole);
        }
    }

    #[test]
    fn new_data_change_nothing_but_the_data(stream in stream(), data in "[ a\n]{0,6}") {
        for (n, event) in decode([&stream[..]]).iter().enumerate() {
            // At the start of a stream this would be a byte order mark, and no part of the line.
            if n > 0 && event.raw().starts_with(b"\xef\xbb\xbf") {
                continue;
            }
            let written = event.with_data(data.as_bytes());
            let again = decode([&written[..]]);
            prop_assert_eq!(again.len(), 1, "{:?} {:?}", event.raw(), written);
            prop_assert_eq!(again[0].data(), Some(data.as_bytes()));
            prop_assert_eq!((again[0].name(), again[0].is_complete()), (event.name(), event.is_complete()));
            prop_assert_eq!(other_lines(&written), other_lines(event.raw()));
        }
    }
}

fn other_lines(raw: &[u8]) -> Vec<&[u8]> {
    let is_data = |line: &[u8]| line == b"data" || line.starts_with(b"data:");
    raw.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(raw)
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .filter(|line| !line.is_empty() && !is_data(line))
        .collect()
}

/// Feeds the stream up to each event only once: the cuts in it are then tried by copies of that decoder.
fn assert_same_in_every_cut(stream: &[u8], step: usize, name: &Path) {
    let whole = decode([stream]);
    assert_eq!(whole.iter().flat_map(Event::raw).copied().collect::<Vec<_>>(), stream, "{}", name.display());
    assert_eq!(decode(stream.chunks(1)), whole, "{}", name.display());

    // A decoder that holds nothing is like any other that holds nothing, so it is enough to go on from the cut to the
    // end of the next event.
    let mut starts = vec![0];
    starts.extend(whole.iter().scan(0, |at, event| {
        *at += event.raw().len();
        Some(*at)
    }));
    let (mut before, mut taken) = (Decoder::new(MAX_EVENT), 0);
    for (n, border) in starts.windows(2).enumerate() {
        let (start, end) = (border[0], border[1]);
        let last = (n + 2).min(whole.len());
        let until = starts[last];
        for cut in (start..end).step_by(step) {
            let mut decoder = before.clone();
            let mut events = Vec::new();
            for chunk in [&stream[start..cut], &stream[cut..until]] {
                decoder.push(chunk).unwrap();
                events.extend(std::iter::from_fn(|| decoder.next_event()));
            }
            events.extend(std::iter::from_fn(|| decoder.finish()));
            assert_eq!(events, whole[taken..last], "{} cut at {cut}", name.display());
        }
        before.push(&stream[start..end]).unwrap();
        taken += std::iter::from_fn(|| before.next_event()).count();
    }
}

fn streams_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(streams_under(&path));
        } else if path.extension().is_some_and(|extension| extension == "sse") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn replay(folder: &Path) -> usize {
    let files = streams_under(folder);
    for path in &files {
        let stream = std::fs::read(path).unwrap();
        assert_same_in_every_cut(&stream, if stream.len() <= 64 << 10 { 1 } else { 97 }, path);
    }
    files.len()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

#[test]
fn fixtures_are_the_same_in_every_cut() {
    assert!(replay(&fixtures()) >= 10);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "where recordings are is the tester's to say")]
fn recordings_are_the_same_in_every_cut() {
    match std::env::var("TOLLGATE_RECORDINGS") {
        Ok(folder) => println!("replayed {} recorded streams in every cut", replay(Path::new(&folder))),
        Err(_) => println!("skipped: TOLLGATE_RECORDINGS does not say where recorded streams are"),
    }
}

/// The text of a stream of OpenAI's chunks, up to what cannot be read.
fn text_of(events: &[Event]) -> String {
    let mut text = String::new();
    for data in events.iter().filter_map(Event::data) {
        let Ok(chunk) = Document::parse_lenient(data) else { break };
        for choice in chunk.root().get("choices").into_iter().flat_map(|choices| choices.items()) {
            let content = choice.path(&["delta", "content"]).or_else(|| choice.path(&["message", "content"]));
            text.extend(content.and_then(|content| content.as_str()));
        }
    }
    text
}

#[test]
fn fixtures_read_as_they_should() {
    let mut read = 0;
    for path in streams_under(&fixtures().join("_generic")) {
        let expected = std::fs::read(format!("{}.expected.json", path.display())).unwrap();
        let expected = Document::parse(&expected).unwrap();
        let events = decode([&std::fs::read(&path).unwrap()[..]]);
        assert!(expected.root().get("text").unwrap().is(&text_of(&events)), "{}", path.display());
        let ended = events.iter().filter_map(Event::data).any(|data| data == b"[DONE]");
        assert_eq!(ended, expected.root().get("error_class").is_none(), "{}", path.display());
        read += 1;
    }
    assert!(read >= 10);

    let twice = std::fs::read(fixtures().join("_generic/duplicate_keys.json")).unwrap();
    assert!(Document::parse(&twice).is_err() && Document::parse_lenient(&twice).is_ok());
    let escaped = std::fs::read(fixtures().join("_generic/escaped_unicode.json")).unwrap();
    let answer = Document::parse(&escaped).unwrap();
    let content = answer.root().get("choices").and_then(|choices| choices.items().next()).unwrap();
    assert!(content.path(&["message", "content"]).unwrap().is("Grüße 👋 / \"q\""));
}
