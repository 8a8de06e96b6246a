//! Telephone numbers: international ones by their country's length, national ones by how they are written, all others
//! only behind a word that announces one. Ten digits alone are not a telephone number.

use std::ops::Range;

use super::numbers::Run;
use super::table::{Confidence, Hit};

/// How far behind its announcement a number may begin, in bytes.
pub(super) const WINDOW: usize = 32;

pub(super) fn phone(run: &Run, first: usize, context: Option<usize>) -> Option<Hit> {
    let group = run.group(first);
    if !(7..=40).contains(&(first..first + 8).map(|index| run.len(index)).sum::<usize>()) || group.len() > 15
    {
        return None;
    }
    let (start, lead) = lead(run, first);
    if !clean(run.before(start)) || is_date(run, first) {
        return None;
    }
    let near = context.is_some_and(|context| context <= group.start && group.start - context <= WINDOW);
    let zeros = run.digits(first..first + 1).starts_with(&[0, 0]);
    let shaped = match lead {
        Lead::Plus => international(run, first, 0),
        Lead::None if zeros => international(run, first, 2).or_else(|| national(run, first)),
        Lead::None | Lead::Bracket => national(run, first),
    };
    let announced = if near && !matches!(lead, Lead::Plus) { announced(run, first) } else { None };
    let (last, confidence) = match (shaped, announced) {
        (Some(shaped), announced) => (announced.map_or(shaped, |last| last.max(shaped)), Confidence::SHAPED),
        (None, Some(last)) => (last, Confidence::LIKELY),
        (None, None) => return None,
    };
    let end = run.group(last).end;
    let extension = extension_len(run.after(end));
    (extension > 0 || run.ends_cleanly(end)).then_some(Hit { range: start..end + extension, confidence })
}

enum Lead {
    None,
    /// `(` before the first group and `)` behind it.
    Bracket,
    Plus,
}

/// Where the number begins, with a plus or a bracket that belongs to it.
fn lead(run: &Run, first: usize) -> (usize, Lead) {
    let start = run.group(first).start;
    // The whole number may stand in brackets; those are the sentence's.
    let closes = run.separator(first + 1).starts_with(')');
    match run.before(start) {
        [.., b'(', b'+'] | [.., b'+', b'('] if closes => (start - 2, Lead::Plus),
        [.., b'+'] => (start - 1, Lead::Plus),
        [.., b'('] if closes => (start - 1, Lead::Bracket),
        _ => (start, Lead::None),
    }
}

/// Whether a number may begin behind this: not inside a word, an identifier, a sum of money, a fraction.
fn clean(before: &[u8]) -> bool {
    match before {
        [.., byte, b'-' | b'.' | b'/' | b':'] if byte.is_ascii_alphanumeric() || *byte == b'_' => {
            matches!(before, [.., b':'])
        }
        [.., byte] => !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'#' | b'$' | b'+' | b')')),
        [] => true,
    }
}

/// The last group of a number that names its country. `skip`: digits of the prefix `00`.
fn international(run: &Run, first: usize, skip: usize) -> Option<usize> {
    let digits = run.digits(first..first + 8);
    let digits = digits.get(skip..)?;
    let (code, shortest, longest) = country(digits)?;
    // A trunk prefix in brackets is written and not dialled: +44 (0)20 …
    let trunk = (first + 1..first + 3).any(|index| {
        run.len(index) == 1
            && run.digit(index) == Some(0)
            && run.separator(index).ends_with('(')
            && run.separator(index + 1).starts_with(')')
    });
    let longest = longest + 1 + usize::from(trunk);
    let mut len = 0;
    let mut last = None;
    for index in first..(first + 8).min(run.count()) {
        if index > first && matches!(run.separator(index), " / " | "/") {
            break;
        }
        len += run.len(index);
        let Some(nsn) = len.checked_sub(skip + code) else { continue };
        if nsn > longest {
            break;
        }
        if nsn >= shortest {
            last = Some(index);
        }
    }
    last
}

/// Digits of the calling code, and how many follow it at least and at most (ITU-T E.164 and national plans).
fn country(digits: &[u8]) -> Option<(usize, usize, usize)> {
    let [one, two, three, ..] = digits else { return None };
    let plan = match (one, two) {
        (1, _) | (7, _) => (1, 10, 10),
        (2, 0) => (2, 8, 10),
        (2, 7) => (2, 9, 9),
        (3, 0) => (2, 10, 10),
        (3, 1 | 3 | 4 | 6) | (4, 1 | 8) => (2, 8, 9),
        (3, 2) => (2, 8, 9),
        (3, 9) => (2, 6, 11),
        (4, 0) => (2, 9, 9),
        (4, 3) => (2, 6, 13),
        (4, 4) => (2, 9, 10),
        (4, 5 | 7) => (2, 8, 8),
        (4, 6) => (2, 7, 10),
        (4, 9) => (2, 6, 12),
        (5, 1 | 3 | 6) => (2, 8, 9),
        (5, 2 | 4 | 5 | 7 | 8) => (2, 8, 11),
        (6, 0..=6) => (2, 8, 11),
        (8, 1 | 2 | 4 | 6) => (2, 8, 11),
        (9, 0..=5 | 8) => (2, 7, 10),
        (2, _) | (3, 5 | 7 | 8) | (4, 2) | (5, 0 | 9) | (6, 7..=9) | (8, 0 | 5 | 8) | (9, 6 | 7 | 9) => {
            (3, 6, 12)
        }
        _ => return None,
    };
    (*one != 0 && (plan.0 < 3 || *three <= 9)).then_some(plan)
}

/// The last group of a number in one of the shapes that nations write, without any word that announces it.
#[expect(clippy::manual_range_patterns, reason = "ranges that share an end point are warned of, too")]
fn national(run: &Run, first: usize) -> Option<usize> {
    let shape: [usize; 5] = std::array::from_fn(|offset| run.len(first + offset));
    let separators: [&str; 5] = std::array::from_fn(|offset| run.separator(first + offset));
    let digit = |offset: usize| run.digit(first + offset).unwrap_or_default();
    let same = |from: usize, to: usize, one_of: &[&str]| {
        let all = separators.get(from..=to).unwrap_or_default();
        one_of.iter().any(|one| all.iter().all(|separator| separator == one))
    };
    // Not part of a longer row of such groups.
    let alone = |groups: usize| {
        let row = separators.get(1).copied().unwrap_or_default();
        (first == 0 || run.separator(first) != row) && run.separator(first + groups) != row
    };
    let bracket = separators.get(1).is_some_and(|separator| separator.starts_with(')'));
    let exchange = |offset: usize| digit(offset) >= 2 && digit(offset + 1) >= 2;

    match shape {
        // North America: (212) 555-0123, 212-555-0123, 212.555.0123, 1-212-555-0123.
        [3, 3, 4, ..] if exchange(0) && (bracket || same(1, 2, &["-", "."])) => Some(first + 2),
        [1, 3, 3, 4, ..]
            if digit(0) == 1
                && exchange(1)
                && (same(1, 3, &["-", ".", " "]) || separators.get(1) == Some(&" (")) =>
        {
            Some(first + 3)
        }
        // France: 01 23 45 67 89.
        [2, 2, 2, 2, 2] if digit(0) == 0 && same(1, 4, &[" ", ".", "-"]) && alone(5) => Some(first + 4),
        // Area codes in brackets that begin with a zero: (030) 123456, (07).9078.4486, (0118) 496 0842.
        [2..=5, 5 | 6 | 7 | 8, ..] if digit(0) == 0 && bracket => Some(first + 1),
        [2..=5, 3 | 4, 3 | 4, ..] if digit(0) == 0 && bracket => Some(first + 2),
        // Brazil: (11) 91234-5678.
        [2, 4 | 5, 4, ..] if bracket && separators.get(2) == Some(&"-") => Some(first + 2),
        // Japan: 03-1234-5678, 090-1234-5678, 0123-45-6789.
        [2 | 3 | 4, 2 | 3 | 4, 4, ..]
            if digit(0) == 0 && same(1, 2, &["-"]) && matches!(total(&shape, 3), 10 | 11) =>
        {
            Some(first + 2)
        }
        // Germany: 030/1234567; Britain: 020 7946 0958, 01632 960123, 07700 900123; Australia: 0412 345 678.
        [3..=5, 5 | 6 | 7 | 8, ..]
            if digit(0) == 0 && same(1, 1, &["/", " "]) && matches!(total(&shape, 2), 9..=12) =>
        {
            Some(first + 1)
        }
        [3 | 4 | 5, 3 | 4, 3 | 4, ..]
            if digit(0) == 0 && same(1, 2, &[" ", "."]) && matches!(total(&shape, 3), 10 | 11) =>
        {
            Some(first + 2)
        }
        // Switzerland: 044 123 45 67.
        [3, 3, 2, 2, ..] if digit(0) == 0 && same(1, 3, &[" "]) => Some(first + 3),
        _ => trunk(run, first, bracket).or_else(|| chinese_mobile(run, first)),
    }
}

/// Groups behind a trunk zero, as half of the world writes its numbers: 0151 23 45 66 01, 06-5550 1842, (04421) 77 18 93.
fn trunk(run: &Run, first: usize, bracket: bool) -> Option<usize> {
    let zero = matches!(&*run.digits(first..first + 1), [0, 1..=9, ..]);
    if !zero || !(2..=5).contains(&run.len(first)) || (first > 0 && run.separator(first) == " ") {
        return None;
    }
    let opens = bracket || matches!(run.separator(first + 1), " " | "-" | "/" | " / ");
    let (mut last, mut len) = (first, run.len(first));
    while opens && last + 1 < run.count() && (last == first || run.separator(last + 1) == " ") {
        last += 1;
        len += run.len(last);
    }
    let groups = (first + 1..=last).all(|index| (2..=4).contains(&run.len(index)));
    (groups && last >= first + 2 && (9..=12).contains(&len) && last + 1 >= run.count()).then_some(last)
}

/// Eleven digits that begin as mobile numbers of China do, among Chinese characters.
fn chinese_mobile(run: &Run, first: usize) -> Option<usize> {
    let group = run.group(first);
    let mobile = group.len() == 11 && matches!(&*run.digits(first..first + 1), [1, 3..=9, ..]);
    let wide = |bytes: &[u8]| bytes.iter().any(|byte| (0xE4..=0xE9).contains(byte));
    let near = |len: usize| len.min(12);
    let (before, after) = (run.before(group.start), run.after(group.end));
    let among = wide(before.get(before.len() - near(before.len())..).unwrap_or_default())
        || wide(after.get(..near(after.len())).unwrap_or_default());
    (mobile && among).then_some(first)
}

fn total(shape: &[usize], groups: usize) -> usize {
    shape.iter().take(groups).sum()
}

/// The last group of any number of plausible length, where a word has announced one.
fn announced(run: &Run, first: usize) -> Option<usize> {
    let mut len = 0;
    let mut last = None;
    for index in first..(first + 7).min(run.count()) {
        if index > first && (matches!(run.separator(index), " / " | " - ") || is_date(run, index)) {
            break;
        }
        len += run.len(index);
        if len > 14 {
            break;
        }
        if len >= 7 {
            last = Some(index);
        }
    }
    last
}

/// Whether the groups from here on are a date: 2024-01-31, 31.01.2024, 1/31/24.
pub(super) fn is_date(run: &Run, first: usize) -> bool {
    let [one, two, three] = [first, first + 1, first + 2].map(|index| (run.len(index), run.number(index)));
    let separator = run.separator(first + 1);
    let day = |group: (usize, u32)| group.0 <= 2 && (1..=31).contains(&group.1);
    let year = |group: (usize, u32)| group.0 == 4 && (1900..=2100).contains(&group.1);
    let joined = matches!(separator, "-" | "." | "/") && run.separator(first + 2) == separator;
    // Two digits each could as well be a number of the French kind: then more groups follow.
    let short_year = three.0 == 2 && run.separator(first + 3) != separator;
    joined && ((year(one) && day(two) && day(three)) || (day(one) && day(two) && (year(three) || short_year)))
}

/// Length of an extension that follows: `x123`, ` ext. 123`.
fn extension_len(after: &[u8]) -> usize {
    let rest = after.strip_prefix(b" ").unwrap_or(after);
    let words: [&[u8]; 4] = [b"ext. ", b"ext.", b"ext ", b"x"];
    let Some(word) =
        words.iter().find(|word| rest.get(..word.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(word)))
    else {
        return 0;
    };
    let digits = rest.iter().skip(word.len()).take(7).take_while(|byte| byte.is_ascii_digit()).count();
    let end: Range<usize> = 0..after.len() - rest.len() + word.len() + digits;
    if (1..=6).contains(&digits) && !after.get(end.end).is_some_and(u8::is_ascii_alphanumeric) {
        end.end
    } else {
        0
    }
}
