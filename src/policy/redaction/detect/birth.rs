//! Dates of birth: dates that a word, a key or their place says are somebody's.

use super::dates::{Spelling, date_at, plain_letter};
use super::numbers::Run;
use super::table::{Confidence, Hit, Sight};

/// `born in Leeds on 2 June 1979`, `"date_of_birth": "1979-06-02"`, `DOB 6/2/79`.
pub(super) fn announced(sight: &Sight) -> Option<Hit> {
    within(sight, 48, |_| true).or_else(|| told_before(sight))
}

/// `wurde am 2. Februar 1938 in Ulm geboren`: the word ends the clause.
fn told_before(sight: &Sight) -> Option<Hit> {
    if sight.text.get(sight.anchor.clone())? != "geboren" || !sight.starts_word() {
        return None;
    }
    let end = sight.anchor.start;
    let near = sight
        .before(end)
        .iter()
        .rev()
        .take(56)
        .take_while(|byte| !matches!(byte, b'\n' | b';' | b'!' | b'?'))
        .count();
    let start = (end - near..end).find(|at| {
        matches!(sight.before(*at), [.., b' ', b'a', b'm', b' '] | [.., b' ', b'o', b'p', b' '])
            && date_at(sight.text, *at, Spelling::Parted).is_some_and(|date| date.end < end)
    })?;
    let date = date_at(sight.text, start, Spelling::Parted)?;
    Some(Hit { range: start..date.end, confidence: Confidence::LIKELY })
}

/// `Birthday: 6/2/79`; not the party that the word goes on to speak of.
pub(super) fn named(sight: &Sight) -> Option<Hit> {
    // The alliance has dates, too.
    if sight.text.get(sight.anchor.clone())?.starts_with("NATO") {
        return None;
    }
    const GLUE: [&str; 10] = ["is", "on", "ist", "am", "est", "le", "es", "el", "il", "op"];
    within(sight, 16, |word| GLUE.contains(&word) || !word.is_ascii() && word.chars().count() == 1)
}

/// The date within so many bytes behind the word, behind words that may stand between. Other numbers, and the ends of
/// a sentence or paragraph, come first.
fn within(sight: &Sight, reach: usize, may_stand: fn(&str) -> bool) -> Option<Hit> {
    let letter = sight.after(sight.anchor.start).first().is_some_and(u8::is_ascii_alphanumeric);
    if letter && !sight.starts_word() && !camel(sight) {
        return None;
    }
    let anchor = sight.text.get(sight.anchor.clone())?;
    let mut from = sight.anchor.end;
    if anchor.ends_with(|c: char| c.is_ascii_alphabetic()) {
        let tail = sight.run(from, 8, |byte| byte.is_ascii_alphabetic());
        from += tail;
        let tail = sight.text.get(from - tail..from)?.to_ascii_lowercase();
        if !["", "a", "o", "y", "ej", "ego", "date", "dat", "day"].contains(&tail.as_str()) {
            return None;
        }
    }
    // Columns of a header are read as such.
    let quotes = sight.run(from, 3, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    if matches!(sight.after(from + quotes), [b',' | b';' | b'\t', b'"' | b'A'..=b'Z' | b'a'..=b'z', ..]) {
        return None;
    }
    let mut lines = 0;
    let mut word: Option<usize> = None;
    let mut words = false;
    for (offset, c) in sight.text.get(from..)?.char_indices().take_while(|(offset, _)| *offset < reach) {
        let at = from + offset;
        if c.is_ascii_digit() || c.is_alphabetic() && (word.is_none() || !c.is_ascii()) {
            let spelling = if words { Spelling::Parted } else { Spelling::Compact };
            if let Some(date) = date_at(sight.text, at, spelling) {
                let between = word.is_none_or(|word| sight.text.get(word..at).is_some_and(may_stand));
                return between.then_some(Hit { range: at..date.end, confidence: Confidence::SHAPED });
            }
        }
        match (c.is_alphabetic(), word) {
            (true, None) => {
                word = Some(at);
                words = true;
            }
            (false, Some(start)) => {
                word = None;
                if !sight.text.get(start..at).is_some_and(may_stand) {
                    return None;
                }
            }
            _ => {}
        }
        lines += usize::from(c == '\n');
        if c.is_ascii_digit() || matches!(c, ';' | '?' | '!' | '。' | '；' | '{' | '}') || lines > 1 {
            return None;
        }
    }
    None
}

/// Whether the anchor is a later word of a name in camel case: `userBirthDate`.
fn camel(sight: &Sight) -> bool {
    let joined = sight.before(sight.anchor.start).last();
    joined == Some(&b'_')
        || joined.is_some_and(u8::is_ascii_lowercase)
            && sight.after(sight.anchor.start).first().is_some_and(u8::is_ascii_uppercase)
}

/// `1962年3月8日生まれ`: the date right before the anchor, or with the anchor's first character.
pub(super) fn before(sight: &Sight) -> Option<Hit> {
    let place = sight.anchor.start;
    let end = if sight.after(place).starts_with("日".as_bytes()) {
        place + "日".len()
    } else {
        place - sight.before(place).iter().rev().take(2).take_while(|byte| **byte == b' ').count()
    };
    let mut start = end;
    for c in sight.chars_before(end).take(24) {
        let part = c.is_ascii_digit()
            || matches!(c, ' ' | '-' | '/' | '.')
            || "年月日元〇零一二三四五六七八九十明治大正昭和平成令民国國".contains(c);
        if !part {
            break;
        }
        start -= c.len_utf8();
    }
    sight
        .text
        .get(start..end)?
        .char_indices()
        .map(|(offset, _)| start + offset)
        .find(|at| date_at(sight.text, *at, Spelling::Parted).is_some_and(|date| date.end == end))
        .map(|at| Hit { range: at..end, confidence: Confidence::SHAPED })
}

/// `Jane Roe, 2 June 1979, MRN 00482913`: the date right before a person's number or age.
pub(super) fn before_number(sight: &Sight) -> Option<Hit> {
    let end = match sight.before(sight.anchor.start) {
        [before @ .., b')', b',', b' '] | [before @ .., b',' | b';' | b')', b' '] => before.len(),
        _ => return None,
    };
    let from = sight.before(end).iter().rev().take(24).take_while(|byte| **byte != b'\n').count();
    let mut starts = sight.text.get(end - from..end)?.char_indices().map(|(offset, _)| end - from + offset);
    let start = starts.find(|at| {
        matches!(sight.before(*at), [.., b',', b' '] | [.., b'('])
            && date_at(sight.text, *at, Spelling::Parted).is_some_and(|date| date.end == end)
    })?;
    sight.starts_word().then_some(Hit { range: start..end, confidence: Confidence::LIKELY })
}

/// `Jane Roe, 5/23/68, MRN 00482913`, `(12/03/1971, m)`: between a name and what else identifies a person.
pub(super) fn clinical(run: &Run, first: usize, _: Option<usize>) -> Option<Hit> {
    let start = run.group(first).start;
    let name = match run.before(start) {
        [before @ .., b',', b' '] | [before @ .., b' ', b'('] => before,
        _ => return None,
    };
    let date = date_at(run.text(), start, Spelling::Parted)?;
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80;
    let behind_name = name.last().is_some_and(|byte| letter(*byte));
    let cue = match run.after(date.end) {
        [b',' | b';', b' ', rest @ ..] | [b')', b',', b' ', rest @ ..] => rest,
        _ => return None,
    };
    (behind_name && identifies(cue)).then_some(Hit { range: start..date.end, confidence: Confidence::LIKELY })
}

/// Whether this begins with a person's sex, age or number.
fn identifies(cue: &[u8]) -> bool {
    let digits = cue.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 {
        let rest = cue.get(digits..).unwrap_or_default().trim_ascii_start();
        let ages =
            ["y/o", "yo", "yrs", "year", "-year", "jahre", "ans", "años", "anni", "anos", "jaar", "lat"];
        let sex =
            matches!(rest, [b'M' | b'F' | b'm' | b'f' | b'w', next, ..] if !next.is_ascii_alphanumeric());
        return sex || ages.iter().any(|age| rest.starts_with(age.as_bytes()));
    }
    let len = cue.iter().take(16).take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80).count();
    let Ok(word) = std::str::from_utf8(cue.get(..len).unwrap_or_default()) else { return false };
    let plain: String = word.chars().filter_map(plain_letter).map(char::from).collect();
    const CUES: [&str; 33] = [
        "mrn", "nhs", "ssn", "nino", "m", "f", "w", "d", "male", "female", "man", "woman", "age", "aged",
        "sex", "gender", "patient", "hospital", "mannlich", "weiblich", "homme", "femme", "sexe", "hombre",
        "mujer", "varon", "maschio", "femmina", "vrouw", "bsn", "pesel", "nif", "nss",
    ];
    CUES.contains(&plain.as_str())
}
