use super::*;
use crate::config::Action;

fn custom(pattern: &str) -> CustomPattern {
    CustomPattern {
        name: "own".to_owned(),
        pattern: Regex::new(pattern).unwrap(),
        action: Action::Redact,
        checksum: None,
        context: Vec::new(),
        within: 50,
        confidence: 100,
    }
}

fn found(customs: &[CustomPattern], text: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    OwnPatterns::new(customs.iter().enumerate())
        .scan(text, |rule, hit| all.push((rule, text[hit.range].to_owned())));
    all.sort();
    all
}

#[test]
fn a_checksum_has_to_agree() {
    let cases = [
        (Checksum::Luhn, "7992739871·3", "7992739871·4"),
        (Checksum::Verhoeff, "23·63", "23·64"),
        (Checksum::Mod97, "5493001KJTIIGC8Y1R·12", "5493001KJTIIGC8Y1R·13"),
        (Checksum::Mod11, "0-8044-2957·-X", "0-8044-2957·-1"),
        (Checksum::Iso7064Mod11_2, "0000-0002-1825-00·97", "0000-0002-1825-00·98"),
        (Checksum::Iso7064Mod11_10, "0794·5", "0794·6"),
    ];
    for (checksum, good, bad) in cases {
        let customs = [CustomPattern { checksum: Some(checksum), ..custom(r"N:[0-9A-Za-z-]+") }];
        let plain = |text: &str| format!("N:{}", text.replace('·', ""));
        // What stands before the value takes no part where only digits count.
        let with_letter = matches!(checksum, Checksum::Mod97);
        let value = |text: &str| if with_letter { plain(text).replace("N:", "") } else { plain(text) };
        let customs = if with_letter {
            [CustomPattern { checksum: Some(checksum), ..custom(r"[0-9A-Z]{20}") }]
        } else {
            customs
        };
        assert_eq!(found(&customs, &value(good)), [(0, value(good))], "{checksum:?}");
        assert_eq!(found(&customs, &value(bad)), [], "{checksum:?}");
    }
}

#[test]
fn a_word_has_to_stand_near_as_a_word_on_either_side() {
    let context = vec!["badge".to_owned(), "dienstausweis nr".to_owned(), "état".to_owned()];
    let customs = [CustomPattern { context, within: 12, ..custom(r"\b\d{6}\b") }];
    for text in [
        "Badge 123456",
        "123456 (badge)",
        "Dienstausweis Nr.: 123456",
        "ÉTAT 123456",
        "badge: x 123456",
        "é é é é badge 123456",
    ] {
        assert_eq!(found(&customs, text).len(), usize::from(!text.starts_with("Dienst")), "{text}");
    }
    for text in ["123456", "badges 123456", "badge, and far away 123456", "123456 and far away: badge"] {
        assert_eq!(found(&customs, text), [], "{text}");
    }
    let wide = [CustomPattern { within: 19, ..customs[0].clone() }];
    assert_eq!(found(&wide, "Dienstausweis Nr.: 123456").len(), 1);
}

#[test]
fn many_patterns_find_together_what_each_finds_alone() {
    let sources = [
        r"EMP-\d{3}",
        r"(?i)emp-\d+",
        r"\d{3}",
        r"[a-z]+@corp",
        r"\bacct\b",
        r"(foo|bar)\d",
        r"(?i)straße",
        r"\p{Lu}{3}",
        r"^x",
        r"9$",
    ];
    let customs: Vec<_> = sources.iter().map(|source| custom(source)).collect();
    for text in [
        "EMP-123 emp-4",
        "ana@corp acct",
        "foo1 bar",
        "STRASSE STRAßE",
        "x 9",
        "nothing here",
        "",
        "ÄÖÜ acct",
    ] {
        let alone: Vec<(usize, String)> = customs
            .iter()
            .enumerate()
            .flat_map(|(rule, custom)| {
                custom.pattern.find_iter(text).map(move |found| (rule, found.as_str().to_owned()))
            })
            .collect();
        let mut alone = alone;
        alone.sort();
        assert_eq!(found(&customs, text), alone, "{text}");
    }
    assert!(OwnPatterns::new(customs.iter().enumerate()).begun.len() > 4, "beginnings are known");
}
