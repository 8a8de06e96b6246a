use std::collections::HashSet;

use regex::Regex;

use super::*;
use crate::config::{Allowed, AllowedValue, CustomPattern, Dictionary as Words};

fn data() -> Data {
    Data::default()
}

fn custom(name: &str, pattern: &str, action: Action) -> CustomPattern {
    CustomPattern {
        name: name.to_owned(),
        pattern: Regex::new(pattern).unwrap(),
        action,
        checksum: None,
        context: Vec::new(),
        within: 50,
        confidence: 100,
    }
}

fn allowed(kind: Option<&str>, value: AllowedValue) -> Allowed {
    Allowed { kind: kind.map(str::to_owned), value }
}

/// What is found, as `type:value`.
fn found(data: &Data, text: &str) -> Vec<String> {
    let detector = Detector::new(data);
    let shown = |finding: Finding| format!("{}:{}", detector.type_name(finding.kind), &text[finding.range]);
    detector.find(text).into_iter().map(shown).collect()
}

/// An example without its marks, and the ranges that they name.
fn unmark(example: &str) -> (String, Vec<Range<usize>>) {
    let mut text = String::new();
    let mut ranges = Vec::new();
    let mut start = 0;
    for c in example.chars() {
        match c {
            '⟦' => start = text.len(),
            '⟧' => ranges.push(start..text.len()),
            '·' => {}
            c => text.push(c),
        }
    }
    (text, ranges)
}

#[test]
fn every_detector_finds_its_examples_and_nothing_in_its_counter_examples() {
    let detector = Detector::new(&data());
    let mut wrong = Vec::new();
    for spec in detectors() {
        assert!(!spec.examples.is_empty() && !spec.counter_examples.is_empty(), "{}", spec.name);
        for example in spec.examples {
            let (text, expected) = unmark(example);
            let all = detector.find(&text);
            let of_kind = all.iter().filter(|finding| detector.type_name(finding.kind) == spec.kind);
            let ranges: Vec<_> = of_kind.map(|finding| finding.range.clone()).collect();
            if ranges != expected {
                wrong.push(format!(
                    "{}: {example}: {:?}",
                    spec.name,
                    all.iter().map(|f| (&*f.rule, &text[f.range.clone()])).collect::<Vec<_>>()
                ));
            }
        }
        for text in spec.counter_examples {
            let all = detector.find(text);
            if let Some(finding) = all.iter().find(|finding| &*finding.rule == spec.name) {
                wrong.push(format!("{}: {text}: {}", spec.name, &text[finding.range.clone()]));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_detector_is_of_a_known_type_and_has_a_name_of_its_own() {
    let mut names = HashSet::new();
    for spec in detectors() {
        assert!(DATA_TYPES.contains(&spec.kind) && names.insert(spec.name), "{}", spec.name);
        assert!(spec.languages.iter().all(|language| language.len() == 2));
    }
}

#[test]
fn a_type_does_what_the_policy_says() {
    let mut data = data();
    data.find = [
        ("email".to_owned(), Action::Block),
        ("ip_address".to_owned(), Action::Allow),
        ("phone".to_owned(), Action::Report),
    ]
    .into();
    let detector = Detector::new(&data);
    let findings = detector.find("ana@example.com from 10.1.2.3, +1 415 555 0123, 4111 1111 1111 1111");
    let actions: Vec<_> =
        findings.iter().map(|finding| (detector.type_name(finding.kind), finding.action)).collect();
    assert_eq!(
        actions,
        [("email", Action::Block), ("phone", Action::Report), ("credit_card", Action::Redact)]
    );
}

#[test]
fn an_allowed_value_is_gone_whatever_its_case_and_only_as_a_whole() {
    let mut data = data();
    data.allow = vec![
        allowed(None, AllowedValue::Exact("Support@example.com".to_owned())),
        allowed(None, AllowedValue::Pattern(Regex::new("test|test-\\d+@example\\.com").unwrap())),
    ];
    let text = "support@EXAMPLE.com test-1@example.com test-1@example.com.au xsupport@example.com";
    assert_eq!(found(&data, text), ["email:test-1@example.com.au", "email:xsupport@example.com"]);
}

#[test]
fn what_is_allowed_may_be_of_one_type_or_at_one_domain() {
    let mut data = data();
    data.custom = vec![custom("ticket", "T-[0-9]+", Action::Redact)];
    data.allow = vec![
        allowed(Some("ticket"), AllowedValue::Pattern(Regex::new("T-1.*").unwrap())),
        allowed(Some("phone"), AllowedValue::Exact("ana@corp.com".to_owned())),
        allowed(Some("email"), AllowedValue::Domain("example.com".to_owned())),
    ];
    let text = "T-12 T-22 ana@corp.com a@Example.com b@mail.example.com c@notexample.com d@example.com.au";
    let expected = ["ticket:T-22", "email:ana@corp.com", "email:c@notexample.com", "email:d@example.com.au"];
    assert_eq!(found(&data, text), expected);
}

#[test]
fn what_is_less_certain_than_its_type_has_to_be_is_not_found() {
    let mut data = data();
    let text = "ana@example.com from 10.1.2.3, EMP-1";
    data.custom = vec![CustomPattern { confidence: 70, ..custom("badge", "EMP-[0-9]", Action::Redact) }];
    assert_eq!(found(&data, text).len(), 3);
    data.min_confidence.by_type.insert("email".to_owned(), 100);
    assert_eq!(found(&data, text), ["ip_address:10.1.2.3", "badge:EMP-1"]);
    data.min_confidence.other = 100;
    assert_eq!(found(&data, text), [""; 0]);
    data.min_confidence.by_type.insert("badge".to_owned(), 70);
    assert_eq!(found(&data, text), ["badge:EMP-1"]);
}

#[test]
fn every_type_can_be_redacted_blocked_reported_and_allowed_on_either_side() {
    for action in [Action::Redact, Action::Block, Action::Report, Action::Allow] {
        let mut data = data();
        data.find = DATA_TYPES.iter().map(|name| ((*name).to_owned(), action)).collect();
        data.answers.other = action;
        let detector = Detector::new(&data);
        for spec in detectors() {
            let (text, _) = unmark(spec.examples[0]);
            for side in [Side::Request, Side::Answer] {
                let all = detector.find_in(&text, side);
                assert!(all.iter().all(|it| it.action == action), "{}", spec.name);
                let of_kind = all.iter().any(|it| detector.type_name(it.kind) == spec.kind);
                assert_eq!(of_kind, action != Action::Allow, "{}: {action:?}", spec.name);
            }
        }
    }
}

#[test]
fn answers_have_a_policy_of_their_own() {
    let mut data = data();
    data.find.insert("email".to_owned(), Action::Allow);
    data.custom =
        vec![custom("badge", "EMP-[0-9]", Action::Allow), custom("room", "R-[0-9]", Action::Redact)];
    data.answers.by_type = [("email".to_owned(), Action::Block), ("badge".to_owned(), Action::Report)].into();
    let detector = Detector::new(&data);
    let text = "ana@example.com from 10.1.2.3, EMP-1 in R-7";
    let all = |side| {
        let shown = |finding: Finding| (detector.type_name(finding.kind).to_owned(), finding.action);
        detector.find_in(text, side).into_iter().map(shown).collect::<Vec<_>>()
    };
    let of = |name: &str, action| (name.to_owned(), action);
    assert_eq!(all(Side::Request), [of("ip_address", Action::Redact), of("room", Action::Redact)]);
    assert_eq!(all(Side::Answer), [of("email", Action::Block), of("badge", Action::Report)]);
}

#[test]
fn an_allowed_type_keeps_its_digits_from_other_detectors() {
    let mut data = data();
    data.find.insert("iban".to_owned(), Action::Allow);
    assert_eq!(found(&data, "tel or IBAN DE89 3704 0044 0532 0130 00"), [""; 0]);
}

#[test]
fn custom_patterns_and_dictionaries_find_what_the_policy_names() {
    let mut data = data();
    data.custom = vec![custom("employee_id", r"EMP-\d{6}", Action::Redact)];
    data.dictionaries = vec![Words {
        name: "project_codename".to_owned(),
        case_sensitive: false,
        whole_words: true,
        confidence: 100,
        terms: ["Bluebird", "Project Kestrel", "Zürich Süd", "青い鳥"].map(str::to_owned).into(),
        action: Action::Block,
    }];
    let text = "EMP-123456 EMP‑１２３４５６ on BLUEBIRD, bluebirds, project kestrel; ZÜRICH SÜD と青い鳥です";
    let expected = [
        "employee_id:EMP-123456",
        "employee_id:EMP‑１２３４５６",
        "project_codename:BLUEBIRD",
        "project_codename:project kestrel",
        "project_codename:ZÜRICH SÜD",
        "project_codename:青い鳥",
    ];
    assert_eq!(found(&data, text), expected);
}

#[test]
fn a_dictionary_may_tell_case_apart_and_look_inside_words() {
    let mut data = data();
    let words = |name: &str, term: &str, case_sensitive, whole_words| Words {
        name: name.to_owned(),
        terms: vec![term.to_owned()],
        action: Action::Redact,
        case_sensitive,
        whole_words,
        confidence: 100,
    };
    data.dictionaries = vec![
        words("exact", "ACME", true, true),
        words("inside", "Öl", false, false),
        words("mixed", "Łódź", false, true),
    ];
    // Only the words are asked about here.
    data.find.insert("person".to_owned(), Action::Allow);
    let text = "ACME acme ACMEs; Heizöl, ÖLPREIS; łódź ŁÓDŹ łÓdŹ";
    let expected = ["exact:ACME", "inside:öl", "inside:ÖL", "mixed:łódź", "mixed:ŁÓDŹ", "mixed:łÓdŹ"];
    assert_eq!(found(&data, text), expected);
}

#[test]
fn of_overlapping_findings_the_longest_stays_and_takes_the_strictest_action() {
    let mut data = data();
    data.custom =
        vec![custom("domain", r"example\.com", Action::Block), custom("digits", r"\d+", Action::Report)];
    let detector = Detector::new(&data);
    let findings = detector.find("ana1@example.com");
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].range.clone(), findings[0].action), (0..16, Action::Block));
    assert_eq!(detector.type_name(findings[0].kind), "email");
}

#[test]
fn what_the_policy_tells_to_find_is_told_of_and_gone_as_a_whole_wherever_it_stands() {
    let mut data = data();
    data.custom = vec![
        custom("domain", r"com and more", Action::Report),
        custom("longer", r"example\.com, and still more", Action::Report),
    ];
    let detector = Detector::new(&data);
    let text = "to ana@example.com and more, ana@example.com, and still more";
    let findings = detector.find(text);
    let domain = detector.type_id("domain").unwrap();
    let shown: Vec<_> = findings.iter().map(|it| (&text[it.range.clone()], it.covers.as_slice())).collect();
    let whole = [("ana@example.com and more", &[domain][..]), ("ana@example.com, and still more", &[])];
    assert_eq!(shown, whole);
    assert_eq!(findings[1].action, Action::Redact);
}

#[test]
fn what_the_policy_tells_to_find_is_found_inside_an_allowed_value() {
    let mut data = data();
    data.find.insert("email".to_owned(), Action::Allow);
    data.custom = vec![custom("domain", r"example\.com", Action::Block)];
    assert_eq!(found(&data, "ana@example.com"), ["domain:example.com"]);
}

#[test]
fn a_value_is_found_behind_a_long_row_of_numbers() {
    for padding in 0..130 {
        let text = format!("{}4111 1111 1111 1111", "7 ".repeat(padding));
        assert_eq!(found(&data(), &text), ["credit_card:4111 1111 1111 1111"], "{padding}");
    }
}

proptest::proptest! {
    #[test]
    fn findings_are_in_order_apart_and_between_characters(text in r#"([0-9a-zA-Z@.:/ +()_=é１–-]|password|tel |sk-|eyJ|-----BEGIN |EMP-|" ?){0,60}"#) {
        let mut data = data();
        data.custom = vec![custom("employee_id", r"EMP-\d", Action::Report)];
        let mut end = 0;
        for finding in Detector::new(&data).find(&text) {
            proptest::prop_assert!(finding.range.start >= end && finding.range.end > finding.range.start);
            proptest::prop_assert!(text.get(finding.range.clone()).is_some());
            proptest::prop_assert!(finding.action != Action::Allow);
            end = finding.range.end;
        }
    }
}
