use super::*;

/// The copy of a text.
fn plain(original: &str) -> String {
    fold(original).text().to_owned()
}

#[test]
fn text_with_nothing_to_fold_is_not_copied() {
    for text in [
        "",
        "plain",
        "Zürich, 東京。OK? Привет, мир! Ελληνικά",
        "a & b; 5 % of x = 40, C:\\Windows, AT&T, 50%de rabais, x=1",
        "Москва: АО «Вектор», тел. 12",
    ] {
        assert!(!fold(text).is_changed(), "{text}: {}", plain(text));
    }
}

#[test]
fn what_is_ascii_in_other_clothes_is_ascii() {
    for (original, expected) in [
        ("４１１１ ٤١١١ ४१११ ໔໑໑໑ 𝟒𝟏𝟏𝟏 ④①①① ⁴¹¹¹ ❹➀➊⓵", "4111 4111 4111 4111 4111 4111 4111 4111"),
        ("𝐚𝑛𝒂＠𝔢𝕩𝖆𝗺ⓟⓛⓔ．ｃｏｍ 🄰🅑🅲 ℯℬ ᴀꜱ", "ana@example.com ABC eB as"),
        ("4\u{fe0f}\u{20e3}1\u{fe0f}\u{20e3} a\u{301}b\u{336}c\u{336}", "41 abc"),
        ("a\u{ad}n\u{200b}a\u{2060}@\u{202e}x\u{feff}.\u{e0041}c\u{180e}om\u{fe0f}", "ana@x.com"),
        ("a\u{a0}b\u{2007}c\u{3000}d\u{2028}e", "a b c d\ne"),
        ("1\u{2011}2\u{2212}3ー4─5 サーバー", "1-2-3-4-5 サーバー"),
        ("ana﹫example。com․au 好。OK", "ana@example.com.au 好。OK"),
    ] {
        assert_eq!(plain(original), expected);
    }
    let spelled: String =
        "ana@example.com".bytes().filter_map(|b| char::from_u32(0xe0000 + u32::from(b))).collect();
    assert_eq!(plain(&format!("hi{spelled}!")), "hiana@example.com!");
}

#[test]
fn a_look_alike_is_folded_among_latin_letters_only() {
    for (original, expected) in [
        ("аnа@ехаmple.com", "ana@example.com"),
        ("оса@example.com", "oca@example.com"),
        ("DЕ89 АKIАIOS", "DE89 AKIAIOS"),
        ("Ρassword рassword", "Password password"),
        ("В России оса и А4", "В России оса и А4"),
        ("Το νερό", "Το νερό"),
    ] {
        assert_eq!(plain(original), expected);
    }
}

#[test]
fn an_escape_is_the_character_that_it_stands_for() {
    for (original, expected) in [
        (r#"{"q":"ana\u0040example.com","w":"C:\uXYZ"}"#, r#"{"q":"ana@example.com","w":"C:\uXYZ"}"#),
        (r"ana\x40example\u{2e}com \U00000040 \100", "ana@example.com @ @"),
        (r"a\nb\tc \ud835\udfd2 \ud835x \xd0\xb0 a\@b\_c", "a\nb\tc 4 \\ud835x а a@b_c"),
        (r#"{\"a\": \"b\\u0040c\"}"#, r#"{"a": "b@c"}"#),
        (r"\\\\u0040", "@"),
        ("4111 \\\n1111", "4111 1111"),
        (
            "ana&#64;example&#x2e;com &commat;&period; &#64x &bogus; &amp;#64;",
            "ana@example.com @. @x &bogus; @",
        ),
        ("ana%40example.com %2540 %EF%BC%94 %u0040 %zz %00 %ff 5%20", "ana@example.com @ 4 @ %zz %00 %ff 5 "),
        ("postgres://u:p%2Fw%40x@db/a%2Fb", "postgres://u:p%2Fw@x@db/a/b"),
        ("ana=40example.com width=40 =41", "ana@example.com width=40 =41"),
        ("x=3D1 ana=40exam=\nple.com =C3=A9 =41", "x=1 ana@example.com é A"),
    ] {
        assert_eq!(plain(original), expected, "{original}");
    }
    assert!(fold("a=\nb").is_ambiguous() && fold("a%40b").is_ambiguous() && !fold("a&#64;b").is_ambiguous());
}

#[test]
fn every_range_of_the_copy_has_its_range_in_the_original() {
    let original = "\u{feff}№ ４１１１\u{a0}1\u{200b}1“é”\u{2011}x\u{200b}";
    let folded = fold(original);
    assert_eq!(folded.text(), "№ 4111 11\"é\"-x");
    for (part, expected) in
        [("4111", "４１１１"), ("11\"", "1\u{200b}1“"), ("é", "é"), ("-x", "\u{2011}x"), (" 1", "\u{a0}1")]
    {
        let start = folded.text().rfind(part).unwrap();
        assert_eq!(&original[folded.unfold(start..start + part.len())], expected);
    }
    let twice = r"x ana\\u0040example%252ecom, y";
    let folded = fold(twice);
    assert_eq!(folded.text(), "x ana@example.com, y");
    assert_eq!(&twice[folded.unfold(2..17)], r"ana\\u0040example%252ecom");
    assert_eq!(&twice[folded.unfold(5..6)], r"\\u0040");
}

proptest::proptest! {
    #[test]
    fn any_text_unfolds_to_pieces_of_itself(
        parts in proptest::collection::vec(proptest::sample::select(&[
            "a", "\\", "u0040", "&", "#64;", "amp;", "%", "25", "40", "=", "\n", "=3D", "é", "４", "\u{200b}", "а", "\u{301}", "东",
            "\u{e0061}", "。", "@", "{", "x", "😀",
        ][..]), 0..24),
    ) {
        let original = parts.concat();
        let folded = fold(&original);
        let text = folded.text();
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        for (index, start) in places.iter().enumerate() {
            let mut last = folded.unfold(*start..*start);
            for end in places.iter().skip(index + 1) {
                let range = folded.unfold(*start..*end);
                assert!(original.get(range.clone()).is_some(), "{original:?} {text:?} {range:?}");
                assert!(range.end >= last.end && range.end <= original.len() && range.start <= range.end);
                last = range;
            }
        }
    }
}
