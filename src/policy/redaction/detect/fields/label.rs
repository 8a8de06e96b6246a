//! Names of fields: where they begin and end, and what they say.

use std::ops::Range;

use super::super::dates::plain_letter;

/// How much a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Sure,
    Plain,
    Weak,
}

/// Longest name, to either side of the stem.
const REACH: usize = 40;
/// Longest header of a table.
const MAX_LINE: usize = 2048;

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.' | '/' | '\'')
}

/// How many bytes of a name stand here, counted up to one character beyond so many bytes.
fn name_len(text: &str, most: usize) -> usize {
    let bytes = text.as_bytes();
    let mut len = 0;
    while len <= most {
        match bytes.get(len) {
            Some(byte) if byte.is_ascii() => {
                if !in_name(char::from(*byte)) {
                    break;
                }
                len += 1;
            }
            _ => {
                let next = text.get(len..).and_then(|rest| rest.chars().next());
                let Some(c) = next.filter(|c| in_name(*c)) else { break };
                len += c.len_utf8();
            }
        }
    }
    len
}

/// The name that a stem is part of, if what follows it is not just the next words of a sentence, and may divide a
/// name from its value or from another name.
pub(super) fn around(text: &str, anchor: &Range<usize>) -> Option<Range<usize>> {
    let after = name_len(text.get(anchor.end..)?, REACH);
    if after > REACH {
        return None;
    }
    let end = anchor.end + after;
    if !text.as_bytes().get(end).is_none_or(|byte| b",;\t|\n\r()\"`*]:=>\xef".contains(byte)) {
        return None;
    }
    let before = text.get(..anchor.start)?.chars().rev();
    let mut start = anchor.start;
    for c in before.take(REACH).take_while(|c| in_name(*c)) {
        start -= c.len_utf8();
    }
    let name = text.get(start..end)?;
    let trimmed = name.trim_matches(EDGES);
    let start = start + (name.len() - name.trim_start_matches(EDGES).len());
    Some(start..start + trimmed.len())
}

/// What a name neither begins nor ends with.
const EDGES: [char; 5] = [' ', '-', '.', '\'', '/'];

pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

/// The line around a place, unless it is too long for a header.
pub(super) fn line(text: &str, at: usize) -> Option<Range<usize>> {
    let from = at.saturating_sub(MAX_LINE);
    let before = text.as_bytes().get(from..at)?;
    let start = memchr::memrchr(b'\n', before).map_or(from, |newline| from + newline + 1);
    let rest = text.as_bytes().get(at..(at + MAX_LINE).min(text.len()))?;
    let end = at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let cut = (start == from && from > 0) || (end == at + MAX_LINE);
    let end = if text.as_bytes().get(end.wrapping_sub(1)) == Some(&b'\r') { end - 1 } else { end };
    (!cut && start <= end).then_some(start..end)
}

/// Whether a name may be a cell of a header: delimiters or the line's ends on both sides.
pub(super) fn is_cell(text: &str, name: &Range<usize>) -> bool {
    let edge =
        |c: Option<char>| c.is_none_or(|c| matches!(c, ',' | ';' | '\t' | '|' | '\n' | '\r' | '(' | ')'));
    let filler = |c: &char| matches!(c, ' ' | '"' | '`' | '*' | '\u{feff}');
    let before = text.get(..name.start).unwrap_or_default().chars().rev().take(4).find(|c| !filler(c));
    let after = text.get(name.end..).unwrap_or_default().chars().take(4).find(|c| !filler(c));
    edge(before) && edge(after)
}

/// A name's letters, small and without accents, and where its words begin among them.
pub(super) struct Label {
    letters: String,
    words: [usize; MAX_WORDS],
    count: usize,
}

/// Words of the longest name.
const MAX_WORDS: usize = 8;

impl Label {
    pub fn read(name: &str) -> Option<Self> {
        let mut label = Self { letters: String::with_capacity(name.len()), words: [0; MAX_WORDS], count: 0 };
        let mut before = ' ';
        for c in name.chars() {
            if c.is_alphabetic() {
                let humped = c.is_uppercase() && before.is_lowercase();
                if !before.is_alphabetic() || humped {
                    *label.words.get_mut(label.count)? = label.letters.len();
                    label.count += 1;
                }
                match plain_letter(c) {
                    Some(letter) => label.letters.push(char::from(letter)),
                    None => label.letters.push(c),
                }
            }
            before = c;
        }
        (label.count > 0).then_some(label)
    }

    /// The longest ending that is known, if the words before it allow.
    pub fn look_up(&self, known: impl Fn(&str) -> Option<Standing>) -> Option<(&str, Standing)> {
        let starts = self.words.get(..self.count)?;
        for (index, at) in starts.iter().enumerate() {
            let name = self.letters.get(*at..)?;
            let Some(standing) = known(name) else { continue };
            let words = starts.windows(2).take(index).filter_map(|pair| match pair {
                [start, end] => self.letters.get(*start..*end),
                _ => None,
            });
            let whose = || words.clone().any(|word| listed(PEOPLE, word));
            let qualified = || words.clone().all(|word| listed(QUALIFIERS, word) || listed(PEOPLE, word));
            let standing = match standing {
                Standing::Sure => Standing::Sure,
                Standing::Plain if qualified() => Standing::Plain,
                Standing::Weak if qualified() => {
                    if whose() {
                        Standing::Plain
                    } else {
                        Standing::Weak
                    }
                }
                _ => continue,
            };
            return Some((name, standing));
        }
        // 患者氏名: words without spaces.
        let ending = self.letters.char_indices().skip(1).take(6).filter_map(|(at, _)| self.letters.get(at..));
        let eastern = |c: char| c >= '\u{3000}';
        ending
            .filter(|name| name.starts_with(eastern))
            .find_map(|name| known(name).filter(|it| *it == Standing::Sure).map(|it| (name, it)))
    }
}

/// Whether a list of words has one.
pub(in super::super) fn listed(list: &str, word: &str) -> bool {
    let (list, word) = (list.as_bytes(), word.as_bytes());
    let ends = |byte: Option<&u8>| byte.is_none_or(|byte| *byte == b' ');
    let mut places = memchr::memmem::find_iter(list, word);
    !word.is_empty()
        && !word.contains(&b' ')
        && places.any(|at| ends(list.get(at.wrapping_sub(1))) && ends(list.get(at + word.len())))
}

/// Words that say whose a field is.
const PEOPLE: &str = "account applicant beneficiary buyer candidate card cardholder child claimant client contact customer driver \
    employee father guardian guest holder insured kunde kunden landlord member mother owner paciente parent \
    passenger patient patienten payee person policyholder recipient seller sender spouse student subscriber tenant \
    user witness cliente mitarbeiter empleado alumno klant klienta pacjenta";

/// Words that say which of several, or nothing.
const QUALIFIERS: &str = "a alternate billing business complete current daytime de del delivery do du emergency full her his home i legal \
    mailing main mobile my new of old other permanent personal physical postal present previous primary residential \
    returning secondary shipping ship street the their to us uk votre work your ihre seine customers patients";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Option<(String, Standing)> {
        let label = Label::read(name)?;
        let known = label.look_up(|name| match name {
            "lastname" | "氏名" => Some(Standing::Sure),
            "address" => Some(Standing::Plain),
            "name" => Some(Standing::Weak),
            _ => None,
        });
        known.map(|(name, standing)| (name.to_owned(), standing))
    }

    #[test]
    fn a_name_is_known_in_any_spelling_and_behind_words_that_allow_it() {
        for (name, expected) in [
            ("last_name", Some(Standing::Sure)),
            ("lastName", Some(Standing::Sure)),
            ("LAST NAME", Some(Standing::Sure)),
            ("the witness's last name", Some(Standing::Sure)),
            ("患者氏名", Some(Standing::Sure)),
            ("Billing address 2", Some(Standing::Plain)),
            ("ip_address", None),
            ("customerName", Some(Standing::Plain)),
            ("name", Some(Standing::Weak)),
            ("file name", None),
            ("names", None),
        ] {
            assert_eq!(read(name).map(|(_, standing)| standing), expected, "{name}");
        }
    }

    #[test]
    fn a_name_ends_where_something_else_begins() {
        let text = "x, \"full_name\": 1; the name of the rose and all of the other names of it";
        let range = |word: &str| {
            let start = text.find(word).unwrap();
            around(text, &(start..start + word.len())).map(|range| &text[range])
        };

        assert_eq!(range("name of"), None);
        assert!(is_cell("a,\"name\",b", &(3..7)) && !is_cell("the name: x", &(4..8)));
    }
}
