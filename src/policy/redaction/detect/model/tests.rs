use super::lexicon::Class;
use super::*;

fn found(text: &str) -> Vec<(What, &str)> {
    let model = Model::built_in().unwrap();
    model.find(text).into_iter().map(|span| (span.what, &text[span.range])).collect()
}

/// A lexicon that knows nothing.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    assert!(!Tokens::new(text, Lexicon::new(&[])).fill(&mut tokens, usize::MAX));
    tokens
}

fn words(text: &str) -> Vec<&str> {
    tokens(text).iter().map(|token| &text[token.start as usize..token.end as usize]).collect()
}

#[test]
fn words_end_where_people_end_them() {
    for (text, expected) in [
        ("Anna's car, O'Brien's", &["Anna", "'", "s", "car", ",", "O'Brien", "'", "s"][..]),
        ("d'Yves l'avenue D'Angelo", &["d'", "Yves", "l'", "avenue", "D'Angelo"]),
        ("Jean-Pierre J.R.", &["Jean", "-", "Pierre", "J", ".", "R", "."]),
        ("first_name=12b 10115", &["first", "_", "name", "=", "12b", "10115"]),
        ("王小明さん、ジョン", &["王", "小", "明", "さ", "ん", "、", "ジョン"]),
        ("Łódź Œuvre Привет", &["Łódź", "Œuvre", "Привет"]),
        ("a\\n\\nb", &["a", "\\n\\n", "b"]),
    ] {
        assert_eq!(words(text), expected);
    }
}

#[test]
fn a_word_is_the_same_in_any_case_and_without_accents() {
    for (one, other) in [("José", "jose"), ("MÜLLER", "muller"), ("Łódź", "lodz"), ("ПРИВЕТ", "привет")]
    {
        assert_eq!(tokens(one)[0].hash, tokens(other)[0].hash, "{one}");
        assert_eq!(hash(one), tokens(other)[0].hash, "{one}");
    }
    assert_ne!(hash("Anna"), hash("Anne"));
}

#[test]
fn any_bytes_of_text_are_read_to_the_end() {
    for text in [
        "\u{0}",
        "é'",
        "''''",
        "a'",
        "\\",
        "\\n",
        "@@@",
        "://",
        "x@y",
        "\u{10FFFF}",
        "1é",
        "é1",
        "漢1",
        "a\u{301}",
        "º",
    ] {
        let text = text.repeat(3000);
        let tokens = tokens(&text);
        let mut end = 0;
        for token in &tokens {
            assert!(token.start >= end && token.end > token.start, "{:?}", &text[..12]);
            assert!(text.is_char_boundary(token.start as usize) && text.is_char_boundary(token.end as usize));
            end = token.end;
        }
        Model::built_in().unwrap().find(&text);
    }
}

#[test]
fn a_lexicon_keeps_the_class_of_its_words() {
    let words: Vec<_> = (0..2000)
        .map(|number| {
            (
                format!(
                    "wort{}",
                    "abcdefghij"
                        .chars()
                        .cycle()
                        .skip(number % 10)
                        .take(3 + number / 10 % 7)
                        .collect::<String>()
                        + &"x".repeat(number / 70)
                ),
                Class::First,
            )
        })
        .collect();
    let (bytes, lost) = Lexicon::build(&words);
    let lexicon = Lexicon::new(&bytes);
    let known = words.iter().filter(|(word, _)| lexicon.class(hash(word)) == Class::First).count();
    assert!(known + lost >= words.len() && lost < words.len() / 2);
    let unknown = (0..20_000u32).filter(|word| lexicon.class(word.wrapping_mul(0x9E37_79B1)) != Class::None);
    assert!(unknown.count() < 60, "twelve bits tell words apart");
}

#[test]
fn what_the_likeliest_labels_are_agrees_with_what_each_is_likely_to_be() {
    let mut chain = Chain::default();
    chain.scores = vec![[0.0, 2.0, -1.0, 0.0, -3.0], [0.0, -1.0, 3.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]];
    let transitions = neutral();
    assert!(chain.decode(&transitions));
    assert_eq!(chain.labels, [1, 2, 0]);
    chain.sum(&transitions);
    for (token, chances) in chain.marginals().enumerate() {
        assert!((chances.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        let best = (0..LABELS).max_by(|a, b| chances[*a].total_cmp(&chances[*b])).unwrap();
        assert_eq!(best, chain.labels[token]);
    }
    // Counted one by one: 5³ labellings, without those that may not be.
    let mut sum = 0.0f64;
    for labels in (0..125).map(|code| [code / 25, code / 5 % 5, code % 5]) {
        let mut last = OUTSIDE;
        if labels.iter().all(|label| may_follow(std::mem::replace(&mut last, *label), *label)) {
            let score: f32 = labels.iter().zip(&chain.scores).map(|(label, scores)| scores[*label]).sum();
            sum += f64::from(score).exp();
        }
    }
    assert!((f64::from(chain.total()) - sum.ln()).abs() < 1e-3);
}

#[test]
fn names_and_addresses_are_found_and_end_where_they_should() {
    for (text, expected) in [
        ("Dear Mr Thomas Becker, your parcel is here.", &[(What::Person, "Thomas Becker")][..]),
        ("Ask Susan Miller's manager.", &[(What::Person, "Susan Miller")]),
        ("{\"name\": \"Maria Lopez\", \"id\": 4}", &[(What::Person, "Maria Lopez")]),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn where_a_text_is_cut_into_chunks_does_not_change_what_is_found() {
    let name = "Please call Dr. Susan Miller today.";
    let alone = found(name).len();
    assert_eq!(alone, 1);
    for words in (CHUNK - 40)..(CHUNK + 10) {
        let text = format!("{}{name}", "and so ".repeat(words / 2));
        assert_eq!(found(&text).last(), Some(&(What::Person, "Susan Miller")), "{words}");
    }
}

#[test]
fn a_name_that_is_sure_once_is_found_again_in_the_same_text() {
    let text = "Kind regards,\nAlexander Kowalczyk\n\nP.S. the thing about kettles and Kowalczyk stands.";
    let again = found(text)
        .iter()
        .filter(|(what, value)| *what == What::Person && value.contains("Kowalczyk"))
        .count();
    assert_eq!(again, 2);
}
