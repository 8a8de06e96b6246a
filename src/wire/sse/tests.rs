use super::*;

fn decode(chunks: &[&[u8]]) -> Vec<Event> {
    let mut decoder = Decoder::new(1 << 20);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.push(chunk).unwrap();
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    events.extend(std::iter::from_fn(|| decoder.finish()));
    assert_eq!(decoder.buffered(), 0);
    events
}

fn one(raw: &[u8]) -> Event {
    let mut events = decode(&[raw]);
    assert_eq!(events.len(), 1);
    events.remove(0)
}

#[test]
fn lines_end_with_lf_cr_or_both() {
    for stream in [&b"event: a\ndata: 1\n\n"[..], b"event: a\rdata: 1\r\r", b"event: a\r\ndata: 1\r\n\r\n"] {
        let event = one(stream);
        assert_eq!((event.name(), event.data()), (Some("a"), Some(&b"1"[..])));
        assert_eq!(event.raw(), stream);
        assert!(event.is_complete());
    }
}

#[test]
fn line_endings_may_be_mixed() {
    let events = decode(&[b"data: 1\r\n\ndata: 2\r\rdata: 3\n\r\n"]);
    let data: Vec<_> = events.iter().map(|event| event.data().unwrap()).collect();
    assert_eq!(data, [b"1", b"2", b"3"]);
}

#[test]
fn a_cr_and_its_lf_may_come_in_two_chunks() {
    let events = decode(&[b"data: 1\r", b"\n\r", b"\ndata: 2\r\n\r\n"]);
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].raw(), b"data: 1\r\n\r\n");
}

#[test]
fn a_cr_at_the_very_end_ends_the_event() {
    let events = decode(&[b"data: 1\r\r"]);
    assert_eq!(events.len(), 1);
    assert!(events[0].is_complete());
}

#[test]
fn data_lines_are_joined_and_one_space_is_taken() {
    assert_eq!(one(b"data: a\ndata:b\ndata\ndata:  c\n\n").data(), Some(&b"a\nb\n\n c"[..]));
    assert_eq!(one(b"data\n\n").data(), Some(&b""[..]));
}

#[test]
fn comments_ids_and_blank_lines_have_no_data() {
    let events = decode(&[b"\n: hi\n\nid: 1\nretry: 5\n\ndatas: x\n\n"]);
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event.data().is_none()));
}

#[test]
fn a_byte_order_mark_counts_only_at_the_start() {
    let stream: &[u8] = b"\xef\xbb\xbfdata: 1\n\n\xef\xbb\xbfdata: 2\n\n";
    for cut in 0..stream.len() {
        let events = decode(&[&stream[..cut], &stream[cut..]]);
        assert_eq!(events[0].data(), Some(&b"1"[..]));
        assert_eq!(events[1].data(), None);
        assert_eq!(events[0].with_data(b"x"), b"\xef\xbb\xbfdata: x\n\n");
    }
    assert_eq!(decode(&[b"\xef\xbb\xbf\ndata: 1\n\n"]).len(), 2);
}

#[test]
fn the_last_name_counts_and_must_be_text() {
    assert_eq!(one(b"event: a\nevent: b\ndata: 1\n\n").name(), Some("b"));
    assert_eq!(one(b"event: \xff\ndata: 1\n\n").name(), None);
    assert_eq!(one(b"event\ndata: 1\n\n").name(), None);
}

#[test]
fn data_that_are_not_text_are_carried_as_bytes() {
    assert_eq!(one(b"data: \xff\xfe\x00\n\n").data(), Some(&b"\xff\xfe\x00"[..]));
}

#[test]
fn a_stream_that_breaks_off_gives_what_there_is() {
    let events = decode(&[b"data: 1\n\ndata: {\"a"]);
    assert_eq!(events[1].data(), Some(&b"{\"a"[..]));
    assert!(events[0].is_complete() && !events[1].is_complete());
    assert!(decode(&[]).is_empty());
}

#[test]
fn finish_also_gives_events_nobody_took() {
    let mut decoder = Decoder::new(100);
    decoder.push(b"data: 1\n\ndata: 2\n\ndata: 3").unwrap();
    let rest: Vec<_> = std::iter::from_fn(|| decoder.finish()).collect();
    assert_eq!(
        rest.iter().flat_map(Event::raw).copied().collect::<Vec<_>>(),
        b"data: 1\n\ndata: 2\n\ndata: 3"
    );
    assert_eq!(rest.len(), 3);
}

#[test]
fn too_long_an_event_is_refused_the_same_in_any_cut() {
    let stream = b"data: 1\r\n\r\ndata: 1234\r\n\r\ndata: 2\r\n\r\n";
    for cut in 0..stream.len() {
        let mut decoder = Decoder::new(13);
        let result = decoder.push(&stream[..cut]).and_then(|()| decoder.push(&stream[cut..]));
        assert_eq!(result, Err(TooLong { max_event: 13 }));
        assert_eq!(decoder.next_event().unwrap().raw(), b"data: 1\r\n\r\n");
        assert!(decoder.next_event().is_none() && decoder.finish().is_none());
        assert!(decoder.push(b"\n").is_err());
        assert_eq!(decoder.buffered(), 0);
    }
    let mut enough = Decoder::new(14);
    enough.push(stream).unwrap();
}

#[test]
fn new_data_keep_the_other_lines_and_the_line_ending() {
    let event = one(b"id: 7\r\nevent: a\r\ndata:1\r\n: note\r\ndata: 2\r\nretry: 9\r\n\r\n");
    assert_eq!(event.with_data(b"x"), b"id: 7\r\nevent: a\r\ndata:x\r\n: note\r\nretry: 9\r\n\r\n");
    assert_eq!(one(b"data: 1\n\n").with_data(b"x\r\ny\rz\n"), b"data: x\ndata: y\ndata: z\ndata: \n\n");
    assert_eq!(one(b"data:1\n\n").with_data(b" x"), b"data:  x\n\n");
    assert_eq!(one(b"data\r\r").with_data(b"x"), b"data: x\r\r");
}

#[test]
fn new_data_between_mixed_line_endings_keep_the_blank_line() {
    let changed = one(b"data: 1\rdata: 2\n\n").with_data(b"x");
    assert_eq!(changed, b"data: x\r\n\n");
    assert!(one(&changed).is_complete());
}

#[test]
fn an_event_without_data_gets_them_at_its_end() {
    assert_eq!(one(b"event: a\r\n\r\n").with_data(b"x"), b"event: a\r\ndata: x\r\n\r\n");
    assert_eq!(one(b"event: a").with_data(b"x"), b"event: a\ndata: x");
    assert_eq!(one(b"data: 1").with_data(b"x\ny"), b"data: x\ndata: y");
}

#[test]
fn a_written_event_reads_back() {
    let mut out = Vec::new();
    write_event(Some("a\nb"), "x\ny", &mut out);
    write_event(None, "[DONE]", &mut out);
    assert_eq!(out, b"event: ab\ndata: x\ndata: y\n\ndata: [DONE]\n\n");
}

#[test]
fn a_long_event_in_single_bytes_costs_no_more_than_its_length() {
    let mut decoder = Decoder::new(1 << 24);
    for _ in 0..4_000_000 {
        decoder.push(b"x").unwrap();
    }
    assert_eq!(decoder.finish().unwrap().raw().len(), 4_000_000);
    // A backlog taken one by one while more comes in.
    decoder.push(&b"data: 1\n\n".repeat(200_000)).unwrap();
    for _ in 0..400_000 {
        decoder.push(b":\n\n").unwrap();
        assert!(decoder.next_event().is_some());
    }
}

#[test]
fn printing_shows_no_data() {
    let event = one(b"event: secret\ndata: secret\n\n");
    assert_eq!(format!("{event:?}"), "Event(28 bytes, Some(6) bytes of data)");
}

#[test]
fn lines_that_are_json_without_a_field_are_data_as_they_stand() {
    let raw = b"\n{\n  \"error\": {\n    \"code\": 503\n  }\n}\n";
    let mut decoder = Decoder::new(1 << 20);
    decoder.push(b"data: {}\n\n").unwrap();
    decoder.push(raw).unwrap();
    assert_eq!(decoder.next_event().unwrap().data(), Some(&b"{}"[..]));
    assert_eq!(decoder.next_event().unwrap().data(), None);
    let event = decoder.finish().unwrap();
    assert_eq!(event.data(), Some(raw.trim_ascii()));
    assert_eq!(event.with_data(b"{}"), b"{}\n");
    // A field beside it makes it an event like any other.
    assert_eq!(one(b"event: a\n{\"b\":1}\n\n").data(), None);
    assert_eq!(one(b": {\n\n").data(), None);
}
