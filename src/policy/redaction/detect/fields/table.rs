//! Tables in text: a header that names its columns, and rows below it.
//!
//! The header is found by one of its names. Rows are read to the first line without a delimiter; every line is read
//! once, and what its cells hold is tried against the type of their column.

use std::ops::Range;

use super::super::dates::{Spelling, date_at};
use super::label::{Label, Standing, line, line_end, listed};
use super::{Cell, Fields, Given, Known, State};

/// Columns of one table; a longer line is no header.
const MAX_COLUMNS: usize = 64;
/// Longest cell in quotes, which may go over lines.
const MAX_QUOTED: usize = 512;

impl Fields {
    /// Reads the table whose header is the line around a place, if it is one. Each line is looked at once.
    pub(super) fn read_table(&self, text: &str, at: usize, state: &mut State) -> bool {
        let line = line(text, at);
        state.lines = line.as_ref().map_or_else(|| line_end(text, at), |line| line.end + 1);
        let end = line.and_then(|line| self.read_rows(text, at, &line, state));
        state.lines = end.map_or(state.lines, |end| end.max(state.lines));
        end.is_some()
    }

    /// Where the last row ends.
    fn read_rows(&self, text: &str, at: usize, line: &Range<usize>, state: &mut State) -> Option<usize> {
        let (header, rows, form) = match values_of(text, at, line) {
            Some((names, rows)) => (names, rows, Form { delimiter: b',', quotes: b"'\"", bracketed: true }),
            None => {
                let delimiter = delimiter(text.get(line.clone())?)?;
                let quotes: &[u8] = if delimiter == b'|' { b"" } else { b"\"" };
                (line.clone(), line_end(text, line.end) + 1, Form { delimiter, quotes, bracketed: false })
            }
        };
        let (names, _) = form.row(text, header.start, header.end)?;
        let columns = self.columns(text, &names)?;
        let spaced =
            names.iter().skip(1).any(|name| text.as_bytes().get(name.start.wrapping_sub(1)) == Some(&b' '));
        let mut next = rows;
        while let Some((mut cells, end)) = form.row(text, next, text.len()) {
            if cells.len() < 2 {
                break;
            }
            next = end;
            form.align(text, &mut cells, columns.len(), spaced);
            for (range, column) in cells.into_iter().zip(&columns) {
                if let Some(known) = column {
                    let sure = known.standing == Standing::Sure;
                    self.take(text, Cell { known: *known, given: Given::Cell, range, sure }, state);
                }
            }
        }
        state.named = state.named.max(next);
        Some(next)
    }

    /// What the columns hold. `name` is a person's where another column is about a person.
    fn columns(&self, text: &str, names: &[Range<usize>]) -> Option<Vec<Option<Known>>> {
        let names: Vec<&str> = names.iter().map(|name| text.get(name.clone()).unwrap_or_default()).collect();
        let plausible = |name: &&str| {
            name.len() <= 48
                && !name.contains(['.', ':', '=', '{', '}', '<', '>', '!', '?', '$', '@', '\'', '['])
        };
        if !(2..=MAX_COLUMNS).contains(&names.len()) || !names.iter().all(plausible) {
            return None;
        }
        let mut columns: Vec<Option<Known>> =
            names.iter().map(|name| self.field(name).map(|(_, known)| known)).collect();
        let sure = columns.iter().flatten().filter(|known| known.standing != Standing::Weak).count();
        let about_people = sure + names.iter().filter(|name| about_person(name)).count();
        for column in &mut columns {
            match column {
                Some(known) if known.standing == Standing::Weak && about_people == 0 => *column = None,
                Some(known) if known.standing == Standing::Weak => known.standing = Standing::Plain,
                _ => {}
            }
        }
        let known = columns.iter().flatten().count();
        (known > 0 && (names.len() > 2 || known + about_people > 1)).then_some(columns)
    }
}

/// How the cells of a row are divided.
#[derive(Clone, Copy)]
struct Form {
    delimiter: u8,
    quotes: &'static [u8],
    /// `('a', 'b'), ('c', 'd')`
    bracketed: bool,
}

impl Form {
    /// The cells of the row that begins at a place, without quotes and spaces, and where the next one begins.
    fn row(&self, text: &str, mut at: usize, limit: usize) -> Option<(Vec<Range<usize>>, usize)> {
        let bytes = text.as_bytes().get(..limit)?;
        if self.bracketed {
            let before = bytes.get(at..)?.iter().take(8).position(|byte| *byte == b'(')?;
            let gap = bytes.get(at..at + before)?;
            at += before + 1;
            if !gap.iter().all(|byte| byte.is_ascii_whitespace() || *byte == b',') {
                return None;
            }
        }
        let mut cells = Vec::new();
        loop {
            let start = at + count(bytes, at, |byte| byte == b' ');
            let quote = bytes.get(start).copied().filter(|byte| self.quotes.contains(byte));
            let cell = quote.and_then(|quote| self.quoted(bytes, start + 1, quote));
            let (range, end) = match cell {
                Some(found) => found,
                None => {
                    let ends = |byte: &u8| {
                        *byte == self.delimiter || *byte == b'\n' || self.bracketed && *byte == b')'
                    };
                    let len = bytes.get(start..)?.iter().position(ends).unwrap_or(bytes.len() - start);
                    let cell = text.get(start..start + len)?;
                    (start..start + cell.trim_end().len(), start + len)
                }
            };
            cells.push(range);
            match bytes.get(end) {
                Some(byte) if *byte == self.delimiter && cells.len() < MAX_COLUMNS + 8 => at = end + 1,
                Some(b')') if self.bracketed => {
                    at = end + 1;
                    break;
                }
                Some(b'\n') => {
                    at = end + 1;
                    break;
                }
                Some(_) => return None,
                None => {
                    at = end;
                    break;
                }
            }
        }
        // Bars on the outside of a Markdown table are no cells; the line below its header has no letters.
        if self.delimiter == b'|' {
            let empty = |cell: Option<&Range<usize>>| cell.is_some_and(Range::is_empty);
            if empty(cells.last()) {
                cells.pop();
            }
            if empty(cells.first()) {
                cells.remove(0);
            }
        }
        (at <= text.len() && !cells.is_empty()).then_some((cells, at))
    }

    /// A cell in quotes, and where the delimiter behind it stands.
    fn quoted(&self, bytes: &[u8], start: usize, quote: u8) -> Option<(Range<usize>, usize)> {
        let mut at = start;
        loop {
            let window = bytes.get(at..bytes.len().min(start + MAX_QUOTED))?;
            at += memchr::memchr(quote, window)?;
            if bytes.get(at + 1) != Some(&quote) {
                break;
            }
            at += 2;
        }
        let end = at + 1 + count(bytes, at + 1, |byte| matches!(byte, b' ' | b'\r'));
        let delimited = bytes
            .get(end)
            .is_none_or(|byte| *byte == self.delimiter || *byte == b'\n' || self.bracketed && *byte == b')');
        delimited.then_some((start..at, end))
    }

    /// Puts together what a comma inside a value has divided, where a row has more cells than the header.
    fn align(&self, text: &str, cells: &mut Vec<Range<usize>>, columns: usize, spaced: bool) {
        let mut index = 1;
        while self.delimiter == b',' && cells.len() > columns && index < cells.len() {
            let (Some(before), Some(cell)) = (cells.get(index - 1).cloned(), cells.get(index).cloned())
            else {
                break;
            };
            // Nobody writes a space behind a delimiter here, but for this one.
            let space = !spaced && text.as_bytes().get(cell.start.wrapping_sub(1)) == Some(&b' ');
            let date = date_at(text, before.start, Spelling::Parted).is_some_and(|date| date.end == cell.end);
            if space || date {
                cells.remove(index);
                if let Some(before) = cells.get_mut(index - 1) {
                    before.end = cell.end;
                }
            } else {
                index += 1;
            }
        }
    }
}

fn count(bytes: &[u8], from: usize, is: fn(u8) -> bool) -> usize {
    bytes.get(from..).unwrap_or_default().iter().take(64).take_while(|byte| is(**byte)).count()
}

/// What divides a header.
fn delimiter(header: &str) -> Option<u8> {
    [b'\t', b'|', b';', b','].into_iter().find(|delimiter| header.as_bytes().contains(delimiter))
}

/// `INSERT INTO t (first, last) VALUES ('a', 'b')`: the names around a place, and where the rows begin.
fn values_of(text: &str, at: usize, line: &Range<usize>) -> Option<(Range<usize>, usize)> {
    let open = text.get(line.start..at)?.rfind('(')? + line.start;
    let close = text.get(at..line.end)?.find(')')? + at;
    let after = text.get(close + 1..)?;
    let values = after.trim_start();
    let word = values.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("values"));
    word.then_some((open..close + 1, text.len() - values.len() + 6))
}

/// Whether a column that is of no type is about a person all the same.
fn about_person(name: &str) -> bool {
    const ABOUT: &str = "age alter edad eta idade leeftijd wiek gender sex geschlecht sexo salary gehalt salario department jobtitle \
        position occupation employer diagnosis diagnose nationality maritalstatus hiredate 年龄 年齢 性别 性別 email mail";
    Label::read(name)
        .is_some_and(|label| label.look_up(|name| listed(ABOUT, name).then_some(Standing::Plain)).is_some())
}
