//! What stands between a word and its number, and between numbers that share a word.

use super::words::{Letter, is_unspaced, letter};

/// Longest gap, in bytes.
const LONGEST: usize = 48;

/// Whether a number follows its word at once: `: `, ` number is `, `</b> `, `":"`, `号码是`.
pub(super) fn joins(gap: &str) -> bool {
    let (mut lines, mut said, mut comma, mut with) = (0, false, false, false);
    let plain = gap.len() <= LONGEST
        && parts(gap, |part| match part {
            Part::Word(word) => {
                said |= COPULAS.contains(&word);
                // "with 12345678 followers", "with the number 12345678".
                with = (with || WITHS.contains(&word)) && !NUMBERS.contains(&word);
                [FILLERS, COPULAS, WITHS, NUMBERS].iter().any(|words| words.contains(&word))
            }
            Part::Unspaced(c) => UNSPACED.contains(c),
            Part::Mark('\n') => {
                lines += 1;
                lines < 3
            }
            // A comma ends a phrase; in CSV nothing follows it.
            Part::Mark(',' | ';') => {
                comma = gap.contains(", ") || gap.contains("; ");
                true
            }
            Part::Mark(c) => {
                !matches!(c, '0'..='9' | '!' | '?' | '+' | '@' | '{' | '}' | '$' | '€' | '£' | '¥' | '%')
            }
        });
    plain && !with && (said || !comma)
}

/// Whether a word says of the number before it what that is: ` is my `, ` (`, `は`.
pub(super) fn explains(gap: &str) -> bool {
    let mut said = false;
    let plain = gap.len() <= 24
        && parts(gap, |part| match part {
            Part::Word(word) => {
                said |= COPULAS.contains(&word);
                word == "of" || [FILLERS, COPULAS, NUMBERS].iter().any(|words| words.contains(&word))
            }
            Part::Unspaced(c) => {
                said |= "是为はが".contains(c);
                UNSPACED.contains(c)
            }
            Part::Mark(c) => {
                said |= matches!(c, '(' | '（');
                matches!(c, '(' | '（' | '"' | '\'' | '`' | '*')
            }
        });
    plain && said
}

/// Whether a number shares the word of the one before it: `, `, ` and `, `、`.
pub(super) fn continues(gap: &str) -> bool {
    !gap.is_empty()
        && gap.len() <= 8
        && parts(gap, |part| match part {
            Part::Word(word) => {
                matches!(word, "and" | "or" | "und" | "oder" | "et" | "y" | "e" | "en" | "i" | "ou" | "o")
            }
            Part::Unspaced(c) => "和と及或".contains(c),
            Part::Mark(c) => matches!(c, ',' | ';' | '/' | '&' | '|' | '、' | '，' | '；' | '"' | '\''),
        })
}

enum Part<'p> {
    /// Lower case, without accents.
    Word(&'p str),
    Unspaced(char),
    Mark(char),
}

/// Whether every part of a gap `may` stand there.
fn parts(gap: &str, mut may: impl FnMut(Part) -> bool) -> bool {
    let mut word = [0u8; 16];
    let mut len = 0;
    for c in gap.chars().chain([' ']) {
        let letter = letter(c);
        if let Letter::Is(plain) = letter
            && plain.is_ascii()
        {
            let (Some(place), Ok(byte)) = (word.get_mut(len), u8::try_from(plain)) else { return false };
            *place = byte;
            len += 1;
            continue;
        }
        let spelled = word.get(..len).and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default();
        if matches!(letter, Letter::Nothing) {
            continue;
        }
        if len > 0 && !may(Part::Word(spelled)) {
            return false;
        }
        len = 0;
        let fits = match letter {
            Letter::Is(c) => is_unspaced(c) && may(Part::Unspaced(c)),
            Letter::Gap if c == '\n' || !c.is_whitespace() => may(Part::Mark(c)),
            Letter::Gap | Letter::Nothing => true,
        };
        if !fits {
            return false;
        }
    }
    true
}

/// Characters of scripts without spaces.
const UNSPACED: &str = "是为為号號码碼编編番为はのがを为번호는은이가입니다제";

const COPULAS: &[&str] = &[
    "is", "was", "are", "ist", "lautet", "war", "est", "es", "era", "e", "jest", "to", "as", "reads",
    "luidt", "wynosi", "brzmi",
];

/// Numbers, as they are called.
const NUMBERS: &[&str] = &[
    "number", "numbers", "no", "nos", "nr", "nbr", "num", "numero", "numeros", "numer", "numerem", "numerze",
    "numeru", "nummer", "nummern", "n", "code", "id",
];

const WITHS: &[&str] = &[
    "with", "under", "mit", "unter", "avec", "sous", "con", "bajo", "com", "sob", "met", "onder", "pod",
    "has", "hat", "tiene", "tem", "ha", "heeft", "ma", "for", "o",
];

/// Words that say nothing else.
const FILLERS: &[&str] = &[
    "card",
    "value",
    "val",
    "text",
    "string",
    "on",
    "which",
    "the",
    "a",
    "my",
    "his",
    "her",
    "their",
    "our",
    "your",
    "der",
    "die",
    "das",
    "mein",
    "meine",
    "seine",
    "ihre",
    "de",
    "del",
    "du",
    "della",
    "do",
    "da",
    "le",
    "la",
    "el",
    "lo",
    "il",
    "mon",
    "mi",
    "su",
    "mio",
    "meu",
    "mijn",
    "het",
    "een",
    "moj",
    "currently",
    "still",
    "also",
    "new",
    "old",
    "current",
    "valid",
    "following",
    "this",
    // Tags.
    "td",
    "th",
    "tr",
    "dd",
    "dt",
    "b",
    "i",
    "strong",
    "em",
    "span",
    "div",
    "p",
    "li",
    "br",
    "nbsp",
    "quot",
    "s",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_joins_a_word_and_its_number() {
        for gap in [
            ": ",
            " number is ",
            "\":\"",
            "</b>: ",
            " n° ",
            " nº: ",
            "号码是",
            "番号は「",
            ",",
            " # ",
            "：",
            "",
            "\n",
        ] {
            assert!(joins(gap), "{gap:?}");
        }
        for gap in [", ", " of John ", " with ", "? ", " holders: ", " für ", "\n\n\n", "更新了", " $", "0_"]
        {
            assert!(!joins(gap), "{gap:?}");
        }
    }

    #[test]
    fn a_gap_explains_and_continues() {
        assert!([" is my ", " (", " ist meine ", "は"].into_iter().all(explains));
        assert!(!["", " ", ", ", ". My "].into_iter().any(explains));
        assert!([", ", " and ", "、", " / "].into_iter().all(continues));
        assert!(!["", ". ", " in ", " to pay "].into_iter().any(continues));
    }
}
