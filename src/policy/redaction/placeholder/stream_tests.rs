use std::collections::VecDeque;

use proptest::prelude::*;

use super::super::seal::Keys;
use super::super::vault::Vault;
use super::*;
use crate::config::PlaceholderStyle;

fn restorer() -> Rc<Restorer> {
    let mut vault = Vault::new(PlaceholderStyle::Numbered, &Keys::new([]));
    vault.placeholder("email", "ana@example.com");
    for n in 2..13 {
        vault.placeholder("email", &format!("{n}@example.com"));
    }
    vault.placeholder("secret", "a\"b\\c\n<EMAIL_1>é");
    Rc::new(Restorer::new(Rc::new(vault)))
}

fn fragment(channel: u8, text: &str) -> Fragment<u8> {
    Fragment { channel, text: text.to_owned(), landing: Landing::Text }
}

fn released(item: u32, texts: &[Option<&str>]) -> Released<u32> {
    Released { item, texts: texts.iter().map(|text| text.map(str::to_owned)).collect() }
}

#[test]
fn a_placeholder_split_across_items_is_restored_where_it_began() {
    let mut stream = StreamRestorer::new(restorer());
    assert_eq!(stream.push(1, vec![fragment(0, "Write to <EM")]), []);
    assert_eq!(stream.push(2, vec![fragment(1, "{}")]), []);
    assert_eq!(stream.held(), 2);
    let left = stream.push(3, vec![fragment(0, "AIL_1>.")]);
    let expected =
        [released(1, &[Some("Write to ana@example.com")]), released(2, &[None]), released(3, &[Some(".")])];
    assert_eq!(left, expected);
    assert_eq!(stream.held(), 0);
}

#[test]
fn text_that_cannot_become_an_issued_placeholder_is_never_held() {
    let texts = [
        "a < b",
        "<html>",
        "Vec<String",
        "&amp; ",
        "<EMAIL_9x",
        "<EMAIL_13",
        "<PHONE",
        "if (a && b",
        "PHONE",
        "EMAILS",
        "xEMAIL",
        "EMAIL_13",
        "email_1",
        "The",
        "[12",
        "[email",
        "_private",
        "x_",
        "<div",
        "100 %,",
        "<EMAIL  ",
    ];
    let mut stream = StreamRestorer::new(restorer());
    for text in texts {
        assert_eq!(stream.push(1, vec![fragment(0, text)]), [released(1, &[None])], "{text}");
        stream.push(2, vec![fragment(0, " ")]);
    }
}

#[test]
fn a_bare_name_waits_for_the_end_of_its_word() {
    let mut stream = StreamRestorer::new(restorer());
    assert_eq!(stream.push(1, vec![fragment(0, "to EMAIL_1")]), []);
    assert_eq!(stream.push(2, vec![fragment(0, "2")]), []);
    assert_eq!(
        stream.push(3, vec![fragment(0, ", EMAIL_1")]),
        [released(1, &[Some("to 12@example.com")]), released(2, &[Some("")])]
    );
    assert_eq!(stream.flush(), [released(3, &[Some(", ana@example.com")])]);
    assert_eq!(stream.push(4, vec![fragment(0, "pre")]), [released(4, &[None])]);
    assert_eq!(stream.push(5, vec![fragment(0, "EMAIL_1 ")]), [released(5, &[None])], "in mid-word");
}

#[test]
fn a_channel_that_has_ended_holds_nothing_back() {
    let mut stream = StreamRestorer::new(restorer());
    assert_eq!(stream.push(1, vec![fragment(0, "to EMAIL_1")]), []);
    stream.end(|channel| *channel == 0);
    assert_eq!(
        stream.push(2, vec![fragment(1, "{}")]),
        [released(1, &[Some("to ana@example.com")]), released(2, &[None])]
    );
    assert_eq!(stream.push(3, vec![fragment(0, "2 ")]), [released(3, &[None])]);
}

#[test]
fn held_items_leave_unchanged_when_nothing_came_of_it() {
    let mut stream = StreamRestorer::new(restorer());
    assert_eq!(stream.push(1, vec![fragment(0, "a <")]), []);
    assert_eq!(stream.push(2, vec![fragment(0, "EMAIL")]), []);
    assert_eq!(
        stream.push(3, vec![fragment(0, "S>")]),
        [released(1, &[None]), released(2, &[None]), released(3, &[None])]
    );
}

#[test]
fn an_unfinished_placeholder_leaves_as_text_at_the_end() {
    let mut stream = StreamRestorer::new(restorer());
    assert_eq!(stream.push(1, vec![fragment(0, "<EMAIL_1>, <EMAIL_")]), []);
    assert_eq!(stream.flush(), [released(1, &[Some("ana@example.com, <EMAIL_")])]);
    assert_eq!(stream.flush(), []);
}

#[test]
fn an_empty_vault_holds_nothing() {
    let vault = Vault::new(PlaceholderStyle::Numbered, &Keys::new([]));
    let mut stream = StreamRestorer::new(Restorer::new(Rc::new(vault)));
    assert_eq!(stream.push(1, vec![fragment(0, "<")]), [released(1, &[None])]);
}

#[test]
fn several_fragments_of_one_item_may_continue_one_channel() {
    let mut stream = StreamRestorer::new(restorer());
    let fragments = vec![fragment(0, "<EMAIL"), fragment(1, "<"), fragment(0, "_1"), fragment(0, "> and")];
    assert_eq!(stream.push(1, fragments), []);
    let left = stream.push(2, vec![fragment(1, "b>")]);
    assert_eq!(
        left,
        [released(1, &[Some("ana@example.com"), None, Some(""), Some(" and")]), released(2, &[None])]
    );
}

#[test]
fn the_queue_is_bounded_in_items_and_in_bytes() {
    let mut stream = StreamRestorer::new(restorer());
    assert_eq!(stream.push(0, vec![fragment(0, "<EMAIL_1")]), []);
    let mut left = 0;
    for item in 1..=u32::try_from(MAX_HELD).unwrap() {
        left += stream.push(item, vec![fragment(1, "x")]).len();
        assert!(stream.held() <= MAX_HELD);
    }
    assert_eq!(left, MAX_HELD + 1);

    assert_eq!(stream.push(0, vec![fragment(0, "<EMAIL_1")]), []);
    let long = "x".repeat(MAX_HELD_BYTES);
    assert_eq!(stream.push(1, vec![fragment(1, &long)]), [released(0, &[None]), released(1, &[None])]);
    assert_eq!(stream.queue.bytes(), 0);
}

#[test]
fn what_is_remembered_of_channels_is_bounded() {
    let mut stream = StreamRestorer::new(restorer());
    for channel in 0..5000u32 {
        let mut say = |text: &str| {
            stream.push(1, vec![Fragment { channel, text: text.to_owned(), landing: Landing::Text }])
        };
        say("<EMAIL_1");
        say("> done");
    }
    assert!(stream.tails.len() <= MAX_CHANNELS && stream.queue.bytes() == 0);
    assert!(stream.tails.values().all(|tail| tail.text.is_empty() && tail.pieces.is_empty()));
}

/// Under the key of [`sealing_restorer`], whole and in parts.
fn sealed_words() -> Vec<String> {
    let mut vault = Vault::new(PlaceholderStyle::Sealed, &sealing_keys());
    let sealed = vault.placeholder("email", "elsewhere@example.com");
    let name = &sealed[1..sealed.len() - 1];
    let (one, two) = name.split_at(20);
    [&sealed, name, one, two, &sealed.to_lowercase(), &name.replace('_', r"\_")].map(str::to_owned).to_vec()
}

fn sealing_keys() -> Rc<Keys> {
    Keys::new([&b"a key of the policy's"[..]])
}

/// It has issued nothing, and opens what others have.
fn sealing_restorer() -> Rc<Restorer> {
    Rc::new(Restorer::new(Rc::new(Vault::new(PlaceholderStyle::Sealed, &sealing_keys()))))
}

/// Text in which placeholders, their beginnings and their look-alikes are frequent.
fn text() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "<EMAIL_1>",
        "<EMAIL_12>",
        "<EMAIL_13>",
        "&lt;EMAIL_2&gt;",
        r"\u003cEMAIL_3\u003E",
        r"\u003CSECRET_1\u003e",
        "<SECRET_1>",
        "<EMAIL",
        "&lt;EMAIL_1",
        "<",
        ">",
        "&",
        r"\",
        r"\",
        "_1>",
        "é 日本",
        "so ",
        "EMAIL_1",
        "EMAIL",
        "_",
        "1",
        "12",
        "s",
        " ",
        "'s",
        "[",
        "]",
        "EMAIL 1",
        "< email 1 >",
        "*",
        "`",
        "＜",
        "＞",
        "ＥＭＡＩＬ",
        "%3C",
        "%3E",
        "%",
        r"\<",
        r"\>",
        r"EMAIL\_1",
        r"EMAIL\_2",
        "&amp;lt;",
        "&amp;gt;",
        r"\n",
        r"\u",
        "0026",
        "lt;",
        "__",
        "x",
        "X",
    ];
    let sealed = prop::sample::select(sealed_words());
    let word = prop_oneof![8 => prop::sample::select(WORDS).prop_map(str::to_owned), 1 => sealed];
    prop::collection::vec(word, 0..14).prop_map(|words| words.concat())
}

/// The text, cut into pieces of one to seven characters.
fn pieces(text: &str, cuts: &[usize]) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut cuts = cuts.iter().cycle();
    while at < chars.len() {
        let end = (at + cuts.next().unwrap()).min(chars.len());
        pieces.push(chars[at..end].iter().collect());
        at = end;
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn cutting_and_interleaving_never_change_what_comes_out(
        one in text(),
        two in text(),
        cuts in prop::collection::vec(1usize..8, 1..12),
        order in prop::collection::vec(any::<bool>(), 1..16),
        sealed in any::<bool>(),
    ) {
        let restorer = if sealed { sealing_restorer() } else { restorer() };
        let texts = [(one, Landing::Text), (two, Landing::Json)];
        let mut waiting: Vec<VecDeque<String>> = texts.iter().map(|(text, _)| pieces(text, &cuts).into()).collect();
        let mut stream = StreamRestorer::new(Rc::clone(&restorer));
        let mut left = Vec::new();
        for turn in order.iter().cycle().map(|first| usize::from(!first)) {
            let turn = if waiting[turn].is_empty() { 1 - turn } else { turn };
            let Some(text) = waiting[turn].pop_front() else { break };
            let landing = texts[turn].1;
            left.extend(stream.push((turn, text.clone()), vec![Fragment { channel: turn, text, landing }]));
        }
        left.extend(stream.flush());
        prop_assert_eq!(stream.held(), 0);

        for (channel, (text, landing)) in texts.iter().enumerate() {
            let of_channel = left.iter().filter(|released| released.item.0 == channel);
            let sent: String = of_channel.map(|r| r.texts[0].as_deref().unwrap_or(&r.item.1)).collect();
            let whole = restorer.restore(text, *landing).unwrap_or_else(|| text.clone());
            prop_assert_eq!(sent, whole);
        }
    }
}
