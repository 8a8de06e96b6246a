use super::*;

fn kind_of_error(text: &[u8]) -> SyntaxErrorKind {
    Document::parse(text).unwrap_err().kind
}

#[test]
fn values_are_found_where_they_stand() {
    let text = br#" {"a": [1, -2.5e3, true, null], "b": {"c": "x"}} "#;
    let document = Document::parse(text).unwrap();
    let root = document.root();
    let items: Vec<_> = root.get("a").unwrap().items().collect();
    assert_eq!((items[0].as_u64(), items[0].as_i64(), items[0].as_f64()), (Some(1), Some(1), Some(1.0)));
    assert_eq!((items[1].as_u64(), items[1].as_i64(), items[1].as_f64()), (None, None, Some(-2500.0)));
    assert_eq!((items[2].as_bool(), items[3].is_null()), (Some(true), true));
    assert!(root.path(&["b", "c"]).unwrap().is("x"));
    assert!(root.path(&["b", "c", "d"]).is_none());
    assert_eq!(root.get("b").unwrap().raw(), r#"{"c": "x"}"#);
    assert_eq!(&text[root.span()], text.trim_ascii());
    assert_eq!((root.len(), root.get("a").unwrap().len(), items[0].len()), (2, 4, 0));
}

#[test]
fn what_a_value_is_not_it_does_not_give() {
    let document = Document::parse(b"[]").unwrap();
    let root = document.root();
    assert!(root.is_empty() && root.get("a").is_none() && root.as_str().is_none() && root.text().is_none());
    assert!(root.items().next().is_none() && root.members().next().is_none());
    assert!(Document::parse(b"1e999").unwrap().root().as_f64().is_none());
}

#[test]
fn an_error_says_what_and_where_but_not_what_stands_there() {
    use SyntaxErrorKind::*;
    for (text, kind, at) in [
        (&b""[..], UnexpectedEnd, 0),
        (b"{\"a\":1", UnexpectedEnd, 6),
        (b"[1,]", ExpectedValue, 3),
        (b"{\"a\":1,}", ExpectedKey, 7),
        (b"{a:1}", ExpectedKey, 1),
        (b"{\"a\" 1}", ExpectedColon, 5),
        (b"[1 2]", ExpectedCommaOrEnd, 3),
        (b"[1}", ExpectedCommaOrEnd, 2),
        (b"1 2", TrailingText, 2),
        (b"01", TrailingText, 1),
        (b"1.", UnexpectedEnd, 2),
        (b"-x", InvalidNumber, 1),
        (b"nul", ExpectedValue, 0),
        (b"NaN", ExpectedValue, 0),
        (b"\"\x01\"", ControlCharacter, 1),
        (b"\"\\x\"", InvalidEscape, 1),
        (b"\"\\u12G4\"", InvalidEscape, 1),
        (b"\"\xff\"", InvalidUtf8, 1),
        (b"\xef\xbb\xbf{}", ByteOrderMark, 0),
        (b"{\"a\":1,\"\\u0061\":2}", DuplicateKey, 7),
    ] {
        assert_eq!(Document::parse(text).unwrap_err(), SyntaxError { at, kind }, "{text:?}");
    }
    let message = Document::parse(b"[secret]").unwrap_err().to_string();
    assert_eq!(message, "invalid JSON: expected a value at byte 1");
}

#[test]
fn blank_lines_around_the_value_are_allowed() {
    assert!(Document::parse(b"\r\n\n\t {}\n\n").is_ok());
}

#[test]
fn a_key_twice_is_refused_among_few_and_among_many_keys() {
    for count in [2, 8, 9, 50] {
        let mut keys: Vec<String> = (0..count).map(|n| format!("\"k{n}\":0")).collect();
        assert!(Document::parse(format!("{{{}}}", keys.join(",")).as_bytes()).is_ok());
        keys.push(r#""\u006b1":1"#.to_owned());
        let text = format!("{{{}}}", keys.join(","));
        let error = Document::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.kind, SyntaxErrorKind::DuplicateKey);
        assert_eq!(&text[error.at..error.at + 9], r#""\u006b1""#);
        let lenient = Document::parse_lenient(text.as_bytes()).unwrap();
        assert_eq!(lenient.root().get("k1").unwrap().as_u64(), Some(1));
    }
    // The same key in two objects is nothing special.
    assert!(Document::parse(br#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#).is_ok());
}

#[test]
fn nesting_has_a_bound() {
    let nested = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    assert!(Document::parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(kind_of_error(&nested(MAX_DEPTH + 1)), SyntaxErrorKind::TooDeep);
}

#[test]
fn the_number_of_values_has_a_bound() {
    let many = [b"[".to_vec(), b"0,".repeat(MAX_VALUES), b"0]".to_vec()].concat();
    assert_eq!(kind_of_error(&many), SyntaxErrorKind::TooManyValues);
}

#[test]
fn strings_decode_all_escapes() {
    let document =
        Document::parse(br#""\"\\\/\b\f\n\r\t\u00fc\ud83d\udc4b\ud800x\udc00\ud800\ud800\udc00""#).unwrap();
    let expected = "\"\\/\u{8}\u{c}\n\r\t\u{fc}\u{1f44b}\u{fffd}x\u{fffd}\u{fffd}\u{10000}";
    assert_eq!(document.root().as_str().unwrap(), expected);
    assert!(document.root().is(expected));
}

#[test]
fn special_bytes_are_found_at_every_offset() {
    for length in 0..40 {
        let plain = "\u{e4}".repeat(length / 2) + &"x".repeat(length % 2);
        for (special, error) in
            [("\\n", false), ("\u{1}", true), ("\u{1f}", true), ("\u{7f}", false), ("!#[]", false)]
        {
            let text = format!("\"{plain}{special}{plain}\"");
            assert_eq!(Document::parse(text.as_bytes()).is_err(), error, "{text:?}");
        }
        assert_eq!(Document::parse(format!("\"{plain}").as_bytes()).unwrap_err().at, plain.len() + 1);
    }
}

#[test]
fn a_piece_of_text_leads_back_to_its_source() {
    let source = r#"["Gr\u00fc\u00dfe \ud83d\udc4b \/ x"]"#;
    let document = Document::parse(source.as_bytes()).unwrap();
    let text = document.root().items().next().unwrap().text().unwrap();
    assert_eq!(text.as_str(), "Grüße 👋 / x");
    let of = |piece: &str| {
        let at = text.as_str().find(piece).unwrap();
        &source[text.source(at..at + piece.len())]
    };
    assert_eq!(of("Gr"), "Gr");
    assert_eq!(of("ü"), r"\u00fc");
    assert_eq!(of("üß"), r"\u00fc\u00df");
    assert_eq!(of("e 👋"), r"e \ud83d\udc4b");
    assert_eq!(of("/"), r"\/");
    assert_eq!(of("x"), "x");
    // Half a character takes the whole escape; nothing takes nothing; beyond the end is the end.
    assert_eq!(&source[text.source(3..4)], r"\u00fc");
    assert_eq!(&source[text.source(2..3)], r"\u00fc");
    assert!(text.source(4..4).is_empty());
    assert_eq!(text.source(0..usize::MAX).end, source.len() - 2);
}

#[test]
fn many_escapes_lead_back_as_few_do() {
    for between in ["", "x", "\u{e4}x", &"x".repeat(63), &"x".repeat(200)] {
        let source = format!("\"{}\"", format!(r"\n{between}\ud83d\udc4b").repeat(60));
        let document = Document::parse(source.as_bytes()).unwrap();
        let text = document.root().text().unwrap();
        let mut end = 1;
        for (at, character) in text.as_str().char_indices() {
            let place = text.source(at..at + character.len_utf8());
            assert_eq!(place.start, end);
            let expected = match character {
                '\n' => r"\n".to_owned(),
                '\u{1f44b}' => r"\ud83d\udc4b".to_owned(),
                plain => plain.to_string(),
            };
            assert_eq!(source[place.clone()], expected);
            end = place.end;
        }
        assert_eq!(end, source.len() - 1);
    }
}

#[test]
fn text_without_escapes_is_not_copied() {
    let document = Document::parse(br#"["plain"]"#).unwrap();
    let node = document.root().items().next().unwrap();
    assert!(matches!(node.as_str(), Some(Cow::Borrowed("plain"))));
    assert_eq!(node.text().unwrap().source(1..3), 3..5);
}

#[test]
fn escaping_is_minimal_and_reads_back() {
    assert_eq!(quote("a\"\\\n\u{1}\u{7f}/ü👋"), "\"a\\\"\\\\\\n\\u0001\u{7f}/ü👋\"");
    let all: String = (0..0x250).filter_map(char::from_u32).collect();
    let quoted = quote(&all);
    assert!(Document::parse(quoted.as_bytes()).unwrap().root().is(&all));
}

#[test]
fn printing_shows_no_text() {
    let document = Document::parse(br#"{"secret":"\u0041secret"}"#).unwrap();
    let value = document.root().get("secret").unwrap();
    assert_eq!(format!("{document:?}"), "Document(25 bytes, 3 values)");
    assert_eq!(format!("{value:?}"), "String at 10..24");
    assert_eq!(format!("{:?}", value.text().unwrap()), "Text(7 bytes)");
}

mod hostile {
    use super::*;

    /// Ten megabytes of one thing over and over; `then` makes of it what would be valid up to some bound.
    fn filled(with: &[u8]) -> Vec<u8> {
        with.repeat(10_000_000 / with.len())
    }

    #[test]
    fn endless_input_ends_in_an_error() {
        for pattern in [
            &b"["[..],
            b"{\"a\":",
            b"\"\\u",
            b"\"\\ud800",
            b"\"",
            b"\\",
            b"[1,",
            b"{",
            b"{\"a\":[",
            b"-",
            b"1e",
            b"\xf0",
            b" ",
            b",",
            b"\"\\",
            b"[[],",
            b"{}",
            b"null",
            b"\0",
        ] {
            assert!(Document::parse(&filled(pattern)).is_err(), "{pattern:?}");
        }
        // One string, one number, and one string of escapes are long but valid.
        assert!(Document::parse(&[b"\"", &filled(b"\\ud800")[..], b"\""].concat()).is_ok());
        assert!(Document::parse(&filled(b"7")).is_ok());
    }

    #[test]
    fn many_keys_cost_no_square() {
        let keys: String = (0..400_000).map(|n| format!("\"{n:x}\":0,")).collect();
        assert!(Document::parse(format!("{{{keys}\"\":0}}").as_bytes()).is_ok());
        assert!(Document::parse(format!("{{{keys}\"0\":0}}").as_bytes()).is_err());
    }
}
