use proptest::prelude::*;
use regex::Regex;

use super::super::{Fragment, Keys, Vault};
use super::*;
use crate::config::{CustomPattern, Data, PlaceholderStyle};

const PROMPT: &str = "Write to <EMAIL_1>. My badge is EMP-7, and 192.168.17.4 is the host.";

fn rules_with(change: impl FnOnce(&mut Data)) -> AnswerRules {
    let mut data = Data::default();
    data.answers.other = Action::Redact;
    data.answers.by_type.insert("ip_address".to_owned(), Action::Report);
    data.custom.push(CustomPattern {
        name: "badge".to_owned(),
        pattern: Regex::new("EMP-[0-9]+").unwrap(),
        action: Action::Redact,
        checksum: None,
        context: Vec::new(),
        within: 50,
        confidence: 100,
    });
    change(&mut data);
    let mut vault = Vault::new(PlaceholderStyle::Numbered, &Keys::new([]));
    vault.placeholder("email", "ana@example.com");
    let mut known = Known::default();
    known.add_text(PROMPT);
    known.add_value("+1 415 555 0199");
    AnswerRules {
        detector: Rc::new(Detector::new(&data)),
        known: Rc::new(known),
        restorer: Restorer::new(Rc::new(vault)),
        refuse_signed: true,
        observe: false,
    }
}

fn rules() -> Rc<AnswerRules> {
    Rc::new(rules_with(|_| {}))
}

/// What leaves of a text that comes in these pieces, and what was found.
fn streamed(rules: &Rc<AnswerRules>, pieces: &[&str], landing: Landing) -> (String, AnswerFindings, bool) {
    let mut guard = StreamGuard::new(Rc::clone(rules));
    let mut out = String::new();
    let mut given = Vec::new();
    for piece in pieces {
        let fragment = Fragment { channel: 0u8, text: (*piece).to_owned(), landing };
        given.extend(guard.push(*piece, vec![(fragment, Hand::Free)]));
    }
    given.extend(guard.flush());
    for released in given {
        out.push_str(released.texts[0].as_deref().unwrap_or(released.item));
    }
    (out, guard.take_findings(), guard.is_shut())
}

fn counts(findings: &AnswerFindings) -> Vec<(String, u64)> {
    findings.by_type().into_iter().collect()
}

const LONG: &str = "Of course. The office is reached under +1 415 555 0199 or, at night, +1 (628) 555-0142; write \
to <EMAIL_1>, bob.smith@example.org or EMP-7, not to EMP-8. The hosts are 192.168.17.4 and 192.168.17.5, and the card \
4111 1111 1111 1111 was charged. No more than that was said in the meeting, and nobody objected to any of it at all.";
const LONG_OUT: &str = "Of course. The office is reached under +1 415 555 0199 or, at night, [PHONE]; write \
to <EMAIL_1>, [EMAIL] or EMP-7, not to [BADGE]. The hosts are 192.168.17.4 and 192.168.17.5, and the card \
[CREDIT_CARD] was charged. No more than that was said in the meeting, and nobody objected to any of it at all.";

#[test]
fn what_the_prompt_did_not_say_is_replaced_and_what_it_said_is_not() {
    let mut tally = AnswerTally::default();
    let out = rules().guard(LONG, Landing::Text, Hand::Free, &mut tally);
    assert_eq!(out.as_deref(), Some(LONG_OUT));
    let expected = [("badge", 1), ("credit_card", 1), ("email", 1), ("ip_address", 1), ("phone", 1)];
    assert_eq!(counts(&tally.findings), expected.map(|(name, count)| (name.to_owned(), count)));
    assert_eq!(tally.findings.redacted(), 4);
}

#[test]
fn every_cut_of_a_stream_gives_the_same() {
    let rules = rules();
    let (out, findings, _) = streamed(&rules, &[LONG], Landing::Text);
    assert_eq!(out, LONG_OUT);
    for first in (0..LONG.len()).step_by(3) {
        for second in [first, (first + 7).min(LONG.len()), (first + 131).min(LONG.len())] {
            let pieces = [&LONG[..first], &LONG[first..second], &LONG[second..]];
            assert_eq!(streamed(&rules, &pieces, Landing::Text), (out.clone(), findings.clone(), false));
        }
    }
    let single: Vec<&str> = LONG.split_inclusive(|_| true).collect();
    assert_eq!(streamed(&rules, &single, Landing::Text), (out, findings, false));
}

#[test]
fn little_is_held_and_no_longer_than_needed() {
    let mut guard = StreamGuard::new(rules());
    let text =
        "There is nothing to be seen in this sentence, which goes on and on without an end. ".repeat(20);
    let (mut given, mut most) = (0, 0);
    for (number, c) in text.char_indices() {
        let fragment = Fragment { channel: 0u8, text: c.to_string(), landing: Landing::Text };
        given += guard.push((), vec![(fragment, Hand::Free)]).len();
        most = most.max(number + 1 - given);
    }
    assert!(most < 192, "{most} bytes were held");
    assert_eq!(given + guard.flush().len(), text.len());
}

#[test]
fn a_blocked_value_never_leaves_and_what_is_before_it_may() {
    let rules = Rc::new(rules_with(|data| {
        data.answers.by_type.insert("email".to_owned(), Action::Block);
    }));
    for cut in 0..LONG.len() {
        let (out, findings, shut) = streamed(&rules, &[&LONG[..cut], &LONG[cut..]], Landing::Text);
        assert!(shut && !out.contains("bob") && LONG_OUT.starts_with(&out), "{cut}: {out}");
        assert_eq!(findings.blocked.iter().collect::<Vec<_>>(), ["email"]);
    }
    let single: Vec<&str> = LONG.split_inclusive(|_| true).collect();
    let (out, ..) = streamed(&rules, &single, Landing::Text);
    assert!(out.ends_with("write to <EMAIL_1>, "), "{out}");
}

#[test]
fn a_value_that_goes_on_is_waited_for() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n".repeat(60);
    let key = format!("-----BEGIN PRIVATE·KEY-----\n{body}-----END PRIVATE·KEY-----").replace('·', " ");
    let text = format!("Here it is:\n{key}\nKeep it safe, and tell nobody.");
    let rules = rules();
    for size in [1, 50, 5000] {
        let pieces: Vec<&str> =
            text.as_bytes().chunks(size).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
        let (out, ..) = streamed(&rules, &pieces, Landing::Text);
        assert_eq!(out, "Here it is:\n[SECRET]\nKeep it safe, and tell nobody.", "{size}");
    }
}

#[test]
fn arguments_stay_json_at_every_cut() {
    let text = r#"{"to": "bob.smith@example.org", "card": 4111111111111111, "note": "say \"EMP-8\" to <EMAIL_1>", "n": [1, 2.50, true]}"#;
    let expected = r#"{"to": "[EMAIL]", "card": "[CREDIT_CARD]", "note": "say \"[BADGE]\" to <EMAIL_1>", "n": [1, 2.50, true]}"#;
    let rules = rules();
    let whole = rules.guard(text, Landing::Json, Hand::Free, &mut AnswerTally::default());
    assert_eq!(whole.as_deref(), Some(expected));
    for cut in 0..text.len() {
        assert_eq!(streamed(&rules, &[&text[..cut], &text[cut..]], Landing::Json).0, expected);
    }
}

#[test]
fn what_may_not_be_edited_is_told_of_or_refused() {
    let text = "ask bob.smith@example.org";
    for (refuse, action) in [(true, Action::Block), (false, Action::Report)] {
        let rules = AnswerRules { refuse_signed: refuse, ..rules_with(|_| {}) };
        let mut tally = AnswerTally::default();
        assert_eq!(rules.guard(text, Landing::Text, Hand::Tied, &mut tally), None);
        assert_eq!(tally.findings.counts.keys().collect::<Vec<_>>(), [&("email".to_owned(), action)]);
        assert_eq!(tally.findings.blocked.len(), usize::from(refuse));
    }
    let rules = AnswerRules { observe: true, ..rules_with(|_| {}) };
    let mut tally = AnswerTally::default();
    assert_eq!(rules.guard(text, Landing::Text, Hand::Free, &mut tally), None);
    assert_eq!((tally.findings.redacted(), counts(&tally.findings)), (1, vec![("email".to_owned(), 1)]));
}

#[test]
fn channels_are_read_apart_and_items_leave_in_order() {
    let mut guard = StreamGuard::new(rules());
    let fragment = |channel: u8, text: &str| {
        (Fragment { channel, text: text.to_owned(), landing: Landing::Text }, Hand::Free)
    };
    let mut left = guard.push(1, vec![fragment(0, "ask bob.sm"), fragment(1, "or EMP")]);
    left.extend(guard.push(2, vec![fragment(1, "-8 now")]));
    assert_eq!(left, []);
    assert_eq!(guard.end(|channel| *channel == 1), []);
    left.extend(guard.push(3, vec![fragment(0, "ith@example.org")]));
    assert_eq!(left, []);
    left.extend(guard.flush());
    let texts: Vec<_> = left.into_iter().map(|released| (released.item, released.texts)).collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        texts,
        [(1, vec![some("ask [EMAIL]"), some("or [BADGE]")]), (2, vec![some(" now")]), (3, vec![some("")])]
    );
}

#[test]
fn a_part_of_a_finding_that_is_a_placeholder_stays() {
    let out = |text: &str| rules().guard(text, Landing::Text, Hand::Free, &mut AnswerTally::default());
    assert_eq!(out("password: <EMAIL_1>"), None);
    assert_eq!(without(2..9, &[0..3, 5..6, 8..12]), [3..5, 6..8]);
    assert!(without(2..9, std::slice::from_ref(&(0..12))).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_text_comes_out_the_same_in_any_pieces(
        text in r#"(["\\{}:, \n]|[a-z0-9]{1,12}|4111 1111 1111 1111|bob@example\.org|EMP-[0-9]|<EMAIL_1>|\+1 628 555 0142|password: x9Kq2m|10\.1\.2\.3|é。|[A-Za-z0-9]{500}){0,30}"#,
        cuts in proptest::collection::vec(0usize..4000, 0..12),
        json in any::<bool>(),
    ) {
        let rules = rules();
        let landing = if json { Landing::Json } else { Landing::Text };
        let whole = streamed(&rules, &[&text], landing);
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| text.is_char_boundary(*cut) && *cut <= text.len()).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&text[from..cut]);
            from = cut;
        }
        pieces.push(&text[from..]);
        prop_assert_eq!(streamed(&rules, &pieces, landing), whole);
    }
}
