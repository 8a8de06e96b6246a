//! Calendar dates as ten languages write them. Whether one means anything is for those who ask.

use std::ops::RangeInclusive;

/// A day that the calendar has, and where its spelling ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    pub end: usize,
    pub year: u32,
}

/// How dates may be spelled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// With separators or words.
    Parted,
    /// Eight digits in one, too.
    Compact,
}

/// Years that anyone alive can have been born in; there is no clock here.
const YEARS: RangeInclusive<u32> = 1900..=2035;
/// Two digits up to this one are of this century.
const THIS_CENTURY: u32 = 30;

/// The date that stands at a place.
pub(super) fn date_at(text: &str, at: usize, spelling: Spelling) -> Option<Date> {
    let rest = text.get(at..)?;
    let reader = Reader { rest, at: 0 };
    let (len, year) = match rest.as_bytes().first()? {
        b'0'..=b'9' => reader.numeric(spelling).or_else(|| reader.day_first()).or_else(|| reader.eastern(0)),
        byte if byte.is_ascii_alphabetic() || *byte >= 0x80 => {
            reader.month_first().or_else(|| reader.era()).or_else(|| reader.eastern(0))
        }
        _ => None,
    }?;
    let end = at + len;
    let goes_on = match text.as_bytes().get(end..)? {
        [byte, ..] if byte.is_ascii_digit() => true,
        [b'-' | b'/' | b'.', byte, ..] => byte.is_ascii_digit(),
        [b'T', byte, ..] => !byte.is_ascii_digit(),
        [byte, ..] => byte.is_ascii_alphabetic(),
        [] => false,
    };
    (YEARS.contains(&year) && !goes_on).then_some(Date { end, year })
}

/// Reads on from a place; every step is bounded by the longest name of a month.
#[derive(Clone, Copy)]
struct Reader<'t> {
    rest: &'t str,
    at: usize,
}

/// Length of what was read, and the year.
type Read = Option<(usize, u32)>;

impl<'t> Reader<'t> {
    fn left(&self) -> &'t str {
        self.rest.get(self.at..).unwrap_or_default()
    }

    /// A number of so many digits, at most eight.
    fn number(&mut self) -> Option<(usize, u32)> {
        let digits = self.left().bytes().take(9).take_while(u8::is_ascii_digit).count();
        let number = self.left().get(..digits)?.parse().ok()?;
        self.at += digits;
        (digits < 9).then_some((digits, number))
    }

    fn skip(&mut self, one_of: &[&str]) -> bool {
        let found = one_of.iter().find(|text| self.left().starts_with(**text));
        self.at += found.map_or(0, |text| text.len());
        found.is_some()
    }

    fn skip_word(&mut self, one_of: &[&str]) -> bool {
        let len = self.left().bytes().take(8).take_while(|b| b.is_ascii_alphabetic() || *b == b'\'').count();
        let word = self.left().get(..len).unwrap_or_default();
        let known = one_of.iter().any(|known| known.eq_ignore_ascii_case(word));
        self.at += if known { len } else { 0 };
        known
    }

    fn spaces(&mut self) {
        self.at += self.left().bytes().take(2).take_while(|byte| *byte == b' ').count();
    }

    /// `1990-12-20`, `14.03.1968`, `3. 9. 1951`, `5/23/68`; `19680314`.
    fn numeric(mut self, spelling: Spelling) -> Read {
        let (digits, first) = self.number()?;
        if digits == 8 && spelling == Spelling::Compact {
            let backwards = (first % 10_000, first / 1_000_000, first / 10_000 % 100);
            return [
                (first / 10_000, first / 100 % 100, first % 100),
                (backwards.0, backwards.2, backwards.1),
            ]
            .into_iter()
            .find(|(year, month, day)| YEARS.contains(year) && is_day(*year, *month, *day))
            .map(|(year, ..)| (self.at, year));
        }
        let separator = self.left().chars().next().filter(|c| matches!(c, '-' | '.' | '/'))?;
        let mut part = || {
            self.at += 1;
            self.spaces();
            self.number()
        };
        let (second_digits, second) = part()?;
        if !self.left().starts_with(separator) {
            return None;
        }
        let mut part = || {
            self.at += 1;
            self.spaces();
            self.number()
        };
        let (third_digits, third) = part()?;
        let valid = match (digits, second_digits, third_digits) {
            (4, 1..=2, 1..=2) => is_day(first, second, third).then_some(first),
            (1..=2, 1..=2, 2 | 4) => {
                let year = full_year(third_digits, third)?;
                (is_day(year, second, first) || is_day(year, first, second)).then_some(year)
            }
            _ => None,
        };
        valid.map(|year| (self.at, year))
    }

    /// `2 June 1979`, `12 février 1966`, `5 de agosto de 1983`, `3. September 1951`, `20-Dec-1990`, `1990-Dec-20`.
    fn day_first(mut self) -> Read {
        let (digits, first) = self.number()?;
        if digits == 4 {
            self.skip(&["-", "/", " "]).then_some(())?;
            let month = self.month()?;
            self.skip(&["-", "/", " "]).then_some(())?;
            let (_, day) = self.number()?;
            return is_day(first, month, day).then_some((self.at, first));
        }
        let _ = self.skip(&["st", "nd", "rd", "th", "er", "º", "°", "ª", "."]);
        let parted = self.left().starts_with([' ', '-', '/', '.']);
        self.skip(&["-", "/", "."]);
        self.spaces();
        if self.skip_word(&["de", "of", "do", "di", "d'"]) {
            self.spaces();
        }
        let month = self.month().filter(|_| parted && digits <= 2)?;
        let year = self.year()?;
        is_day(year, month, first).then_some((self.at, year))
    }

    /// `April 29, 1969`, `Aug 1 1991`, `Mar. 3rd, 1980`.
    fn month_first(mut self) -> Read {
        let month = self.month()?;
        self.skip(&["-", "/"]);
        self.spaces();
        self.skip_word(&["the"]).then(|| self.spaces());
        let (digits, day) = self.number()?;
        self.skip(&["st", "nd", "rd", "th"]);
        let year = self.year().filter(|_| digits <= 2)?;
        is_day(year, month, day).then_some((self.at, year))
    }

    /// The year behind a day and a month, with what joins it to them.
    fn year(&mut self) -> Option<u32> {
        self.skip(&[",", ".", "-", "/"]);
        self.spaces();
        if self.skip_word(&["de", "del", "of", "do"]) {
            self.spaces();
        }
        let short = self.skip(&["'"]);
        let (digits, number) = self.number()?;
        full_year(digits, number).filter(|_| digits == 4 || short || digits == 2)
    }

    fn month(&mut self) -> Option<u32> {
        let mut word = [0; 12];
        let mut letters = 0;
        let mut len = 0;
        for c in self.left().chars().take_while(|c| c.is_alphabetic()) {
            *word.get_mut(letters)? = plain_letter(c)?;
            letters += 1;
            len += c.len_utf8();
        }
        let beginning = word.get(..letters)?.get(..STEM)?;
        let month = MONTHS.iter().position(|stems| {
            stems.as_bytes().chunks(STEM + 1).any(|stem| stem.get(..STEM) == Some(beginning))
        })?;
        self.at += len;
        self.skip(&["."]);
        u32::try_from(month + 1).ok()
    }

    /// `昭和37年3月8日`.
    fn era(mut self) -> Read {
        let (name, before) = ERAS.iter().find(|(name, _)| self.rest.starts_with(name))?;
        self.at = name.len();
        self.eastern(*before)
    }

    /// `1962年3月8日`, `一九六二年三月八日`, and years counted from another year.
    fn eastern(mut self, before: u32) -> Read {
        let mut part = |unit: &str| {
            self.spaces();
            let number = self.eastern_number()?;
            self.spaces();
            self.skip(&[unit]).then_some(number)
        };
        let year = match before + part("年")? {
            short @ 30..=99 if before == 0 => 1900 + short,
            year => year,
        };
        let (month, day) = (part("月")?, part("日").or_else(|| part("号"))?);
        is_day(year, month, day).then_some((self.at, year))
    }

    fn eastern_number(&mut self) -> Option<u32> {
        if self.skip(&["元"]) {
            return Some(1);
        }
        if self.left().starts_with(|c: char| c.is_ascii_digit()) {
            return self.number().map(|(_, number)| number);
        }
        // 十二 is 12, 二十 is 20, 一九六二 is 1962.
        let mut number = 0;
        let mut read = 0;
        for c in self.left().chars().take(4) {
            number = match "〇一二三四五六七八九".chars().position(|digit| digit == c) {
                Some(digit) if number % 10 == 0 && number <= 90 && read > 0 && self.has_ten(read) => {
                    number + u32::try_from(digit).ok()?
                }
                Some(digit) => number * 10 + u32::try_from(digit).ok()?,
                None if c == '十' => number.max(1) * 10,
                None if c == '零' => number * 10,
                None => break,
            };
            read += 1;
            self.at += c.len_utf8();
        }
        (read > 0).then_some(number)
    }

    /// Whether ten was the last of the numerals read.
    fn has_ten(&self, read: usize) -> bool {
        read <= 2 && self.rest.get(..self.at).is_some_and(|read| read.ends_with('十'))
    }
}

/// The beginnings of the months' names in all languages, without accents.
const MONTHS: [&str; 12] = [
    "jan gen ene sty",
    "feb fev lut",
    "mar mrz mrt maa",
    "apr avr abr kwi",
    "may mai mag mei maj",
    "jun juin giu cze",
    "jul juil lug lip",
    "aug aou ago sie",
    "sep set wrz",
    "oct okt ott out paz",
    "nov lis",
    "dec dez dic gru",
];

/// Letters of each.
const STEM: usize = 3;

/// Eras, and the year before their first.
const ERAS: [(&str, u32); 7] = [
    ("明治", 1867),
    ("大正", 1911),
    ("昭和", 1925),
    ("平成", 1988),
    ("令和", 2018),
    ("民国", 1911),
    ("民國", 1911),
];

fn full_year(digits: usize, number: u32) -> Option<u32> {
    match digits {
        4 => Some(number),
        2 if number <= THIS_CENTURY => Some(2000 + number),
        2 => Some(1900 + number),
        _ => None,
    }
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// A Latin letter without case and accents.
pub(super) fn plain_letter(c: char) -> Option<u8> {
    let plain = match c {
        'a'..='z' | 'A'..='Z' => u8::try_from(c).ok()?.to_ascii_lowercase(),
        'à'..='å' | 'À'..='Å' | 'ą' | 'Ą' => b'a',
        'ç' | 'Ç' | 'ć' | 'Ć' => b'c',
        'è'..='ë' | 'È'..='Ë' | 'ę' | 'Ę' => b'e',
        'ì'..='ï' | 'Ì'..='Ï' => b'i',
        'ł' | 'Ł' => b'l',
        'ñ' | 'Ñ' | 'ń' | 'Ń' => b'n',
        'ò'..='ö' | 'Ò'..='Ö' | 'ø' | 'Ø' => b'o',
        'ś' | 'Ś' | 'ß' => b's',
        'ù'..='ü' | 'Ù'..='Ü' => b'u',
        'ý' | 'ÿ' | 'Ý' => b'y',
        'ź' | 'ż' | 'Ź' | 'Ż' => b'z',
        _ => return None,
    };
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_ten_languages_write_them() {
        for (text, year) in [
            ("1990-12-20", 1990),
            ("1990/1/2", 1990),
            ("5/23/68", 1968),
            ("14.03.1968", 1968),
            ("3. 9. 1951", 1951),
            ("16-06-1978", 1978),
            ("April 29, 1969", 1969),
            ("Aug 1 1991", 1991),
            ("Mar. 3rd, 1980", 1980),
            ("Mar 23 1943", 1943),
            ("2 June 1979", 1979),
            ("2nd of June, 1979", 1979),
            ("20-Dec-1990", 1990),
            ("1990-Dec-20", 1990),
            ("12 février 1966", 1966),
            ("1er août 1966", 1966),
            ("5 de agosto de 1983", 1983),
            ("5 de março de 1983", 1983),
            ("3 settembre 1951", 1951),
            ("3. September 1951", 1951),
            ("3. März 1951", 1951),
            ("3 mrt. 1951", 1951),
            ("12 października 1971", 1971),
            ("1º gennaio 1971", 1971),
            ("June 2, '79", 1979),
            ("1962年3月8日", 1962),
            ("1962 年 3 月 8 日", 1962),
            ("昭和37年3月8日", 1962),
            ("平成元年12月1日", 1989),
            ("一九六二年十二月二十三日", 1962),
            ("二〇〇一年三月十日", 2001),
            ("62年11月8日", 1962),
        ] {
            for behind in ["", ".", ", x", "。", " 12"] {
                let text = format!("{text}{behind}");
                let date = date_at(&text, 0, Spelling::Parted);
                let expected = Date { end: text.len() - behind.len(), year };
                assert_eq!(date, Some(expected), "{text}");
            }
        }
    }

    #[test]
    fn what_no_calendar_has_is_no_date() {
        for text in [
            "1990-13-20",
            "30.02.1968",
            "14.03.1868",
            "31/31/99",
            "1.2.3.4",
            "5/23",
            "May 1990",
            "12 monkeys 1995",
            "2019-01-02-03",
            "10.11.712",
            "June 31, 1979",
            "19680314",
            "1962年3月",
            "12 1 1990",
        ] {
            assert_eq!(date_at(text, 0, Spelling::Parted), None, "{text}");
        }
        assert_eq!(date_at("19680314", 0, Spelling::Compact).map(|date| date.year), Some(1968));
        assert_eq!(date_at("14031968", 0, Spelling::Compact).map(|date| date.year), Some(1968));
        assert_eq!(date_at("99999999", 0, Spelling::Compact), None);
    }
}
