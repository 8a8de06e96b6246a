use super::super::Document;
use super::*;

fn edited(text: &str, change: impl Fn(&mut Edits, Node<'_>)) -> String {
    let document = Document::parse_lenient(text.as_bytes()).unwrap();
    let mut edits = Edits::new();
    change(&mut edits, document.root());
    let out = String::from_utf8(edits.apply(text.as_bytes())).unwrap();
    Document::parse_lenient(out.as_bytes()).unwrap();
    out
}

#[test]
fn a_member_is_replaced_in_place_and_a_new_one_comes_last() {
    let out = edited(r#"{ "a" : 1.0 , "b" : 2 }"#, |edits, root| {
        edits.set(root, "a", "true");
        edits.set(root, "c\"", "[]");
        edits.set(root, "d", "0");
    });
    assert_eq!(out, r#"{ "a" : true , "b" : 2,"c\"":[],"d":0 }"#);
}

#[test]
fn a_removed_member_takes_its_comma_and_white_space() {
    let pretty = "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}";
    let without = |key: &str| edited(pretty, |edits, root| edits.remove(root, key));
    assert_eq!(without("a"), "{\n  \"b\": 2,\n  \"c\": 3\n}");
    assert_eq!(without("b"), "{\n  \"a\": 1,\n  \"c\": 3\n}");
    assert_eq!(without("c"), "{\n  \"a\": 1,\n  \"b\": 2\n}");
    assert_eq!(without("d"), pretty);
}

#[test]
fn an_object_may_lose_all_members_and_gain_others() {
    assert_eq!(edited(r#"{ "a": 1 }"#, |edits, root| edits.remove(root, "a")), "{}");
    let out = edited("{ \"a\": 1,\n \"b\": 2 }", |edits, root| {
        edits.remove(root, "a");
        edits.remove(root, "b");
        edits.set(root, "c", "3");
    });
    assert_eq!(out, r#"{ "c":3 }"#);
    assert_eq!(edited("{ }", |edits, root| edits.set(root, "a", "1")), r#"{"a":1 }"#);
}

#[test]
fn the_last_word_on_a_member_holds() {
    let out = edited(r#"{"a":1,"b":2}"#, |edits, root| {
        edits.set(root, "a", "3");
        edits.remove(root, "a");
        edits.remove(root, "b");
        edits.set(root, "b", "4");
        edits.set(root, "c", "5");
        edits.set(root, "c", "6");
        edits.set(root, "d", "7");
        edits.remove(root, "d");
    });
    assert_eq!(out, r#"{"b":4,"c":6}"#);
}

#[test]
fn a_key_that_stands_twice_is_set_once_and_removed_altogether() {
    let twice = r#"{"a":1,"b":2,"\u0061":3}"#;
    assert_eq!(edited(twice, |edits, root| edits.set(root, "a", "4")), r#"{"b":2,"\u0061":4}"#);
    assert_eq!(edited(twice, |edits, root| edits.remove(root, "a")), r#"{"b":2}"#);
}

#[test]
fn changes_inside_what_goes_are_dropped() {
    let text = r#"{"a":{"b":"x"},"c":{"d":"y"}}"#;
    let out = edited(text, |edits, root| {
        let (a, c) = (root.get("a").unwrap(), root.get("c").unwrap());
        edits.replace(a.get("b").unwrap().span(), "1");
        edits.set(a, "z", "1");
        edits.remove(root, "a");
        edits.set(root, "c", "null");
        edits.set(c, "z", "1");
        edits.replace(c.get("d").unwrap().span(), "1");
    });
    assert_eq!(out, r#"{"c":null}"#);
}

#[test]
fn of_two_replacements_of_one_value_the_later_holds() {
    let out = edited(r#"{"a":1,"b":2}"#, |edits, root| {
        edits.replace(root.get("a").unwrap().span(), "3");
        edits.set(root, "a", "4");
        edits.set(root, "b", "5");
        edits.replace(root.get("b").unwrap().span(), "6");
    });
    assert_eq!(out, r#"{"a":4,"b":6}"#);
}

#[test]
fn an_object_and_an_object_in_it_may_both_change() {
    let out = edited(r#"{"a":{"b":{}},"c":[{"d":1}]}"#, |edits, root| {
        edits.set(root.path(&["a", "b"]).unwrap(), "x", "1");
        edits.set(root.get("a").unwrap(), "y", "2");
        edits.remove(root.get("c").unwrap().items().next().unwrap(), "d");
        edits.set(root, "z", "3");
    });
    assert_eq!(out, r#"{"a":{"b":{"x":1},"y":2},"c":[{}],"z":3}"#);
}

#[test]
fn what_cannot_be_changed_stays() {
    let mut edits = Edits::new();
    assert!(edits.is_empty());
    edits.replace(Range { start: 3, end: 2 }, "x");
    edits.replace(1..9, "x");
    assert_eq!(edits.apply(b"[1]"), b"[1]");
    assert_eq!(edited("[1]", |edits, root| edits.set(root, "a", "1")), "[1]");
    let document = Document::parse(b"{}").unwrap();
    let mut nothing = Edits::new();
    nothing.remove(document.root(), "a");
    assert!(nothing.is_empty());
}

/// Every fate of up to four members, with up to two added, in several layouts.
#[test]
fn any_combination_on_one_object_stays_valid() {
    for (open, comma, close) in [("", ",", ""), (" ", " , ", " "), ("\n  ", ",\n  ", "\n")] {
        for members in 0..=4_u32 {
            let written: Vec<String> = (0..members).map(|n| format!("\"k{n}\": {n}")).collect();
            let text = format!("{{{open}{}{close}}}", written.join(comma));
            for fates in 0..3_u32.pow(members) {
                for added in 0..=2 {
                    let out = edited(&text, |edits, root| {
                        for n in 0..members {
                            match fates / 3_u32.pow(n) % 3 {
                                0 => {}
                                1 => edits.remove(root, &format!("k{n}")),
                                _ => edits.set(root, &format!("k{n}"), "\"new\""),
                            }
                        }
                        (0..added).for_each(|n| edits.set(root, &format!("n{n}"), "[{}]"));
                    });
                    let document = Document::parse(out.as_bytes()).unwrap();
                    let read: Vec<(String, &str)> = document
                        .root()
                        .members()
                        .map(|(key, value)| (key.as_str().unwrap().into_owned(), value.raw()))
                        .collect();
                    let mut expected: Vec<(String, String)> = Vec::new();
                    for n in 0..members {
                        match fates / 3_u32.pow(n) % 3 {
                            0 => expected.push((format!("k{n}"), n.to_string())),
                            1 => {}
                            _ => expected.push((format!("k{n}"), "\"new\"".into())),
                        }
                    }
                    expected.extend((0..added).map(|n| (format!("n{n}"), "[{}]".to_owned())));
                    assert!(
                        read.iter().map(|(k, v)| (k, *v)).eq(expected.iter().map(|(k, v)| (k, v.as_str()))),
                        "{out}"
                    );
                }
            }
        }
    }
}
