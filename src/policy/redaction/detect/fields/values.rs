//! What of a value is of the type that its field says.

use std::ops::Range;

use super::super::dates::{Spelling, date_at};
use super::super::secrets::stands_in;
use super::label::listed;
use super::{Given, Value};

/// A name of a person, without title: `Dr. Anna Weiss`, `Deol, Ekavir`, `carrie ward`, `王芳`.
pub(in super::super) fn person(value: &Value) -> Option<Range<usize>> {
    let text = value.text;
    let mut start = text.len() - text.trim_start().len();
    let mut name = text.trim();
    while let Some((first, rest)) = name.split_once(' ') {
        let title = first.trim_end_matches('.').to_lowercase();
        if !listed(TITLES, &title) || rest.is_empty() {
            break;
        }
        start += name.len() - rest.len();
        name = rest;
    }
    if let Some(polite) =
        ["様", "さん", "先生", "女士", "氏", "殿"].iter().find(|polite| name.ends_with(**polite))
    {
        name = name.strip_suffix(polite)?.trim_end();
    }
    let eastern =
        name.chars().all(|c| c >= '\u{2e80}' && c.is_alphabetic() || matches!(c, ' ' | '·' | '・' | '々'));
    // Behind a label a comma ends the name, but for `Deol, Ekavir`.
    let given = matches!(value.given, Given::Labelled | Given::Assigned);
    if let Some((last, first)) = name.split_once(',').filter(|_| given)
        && (!value.sure || last.contains(' ') || first.split_whitespace().count() != 1)
    {
        name = last;
    }
    let plausible = if eastern {
        (2..=12).contains(&name.chars().count()) && !["不明", "匿名", "なし", "未定"].contains(&name)
    } else {
        western(name, value)
    };
    plausible.then_some(start..start + name.len())
}

fn western(name: &str, value: &Value) -> bool {
    let in_name = |c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '.' | ',' | '’');
    if !(2..=60).contains(&name.len())
        || !name.starts_with(char::is_alphabetic)
        || !name.chars().all(in_name)
        || name.matches(',').count() > 1
    {
        return false;
    }
    let words: Vec<&str> = name.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let capital = |word: &&&str| word.starts_with(char::is_uppercase);
    let capitals = words.iter().filter(capital).count();
    let particle = |word: &str| listed(PARTICLES, &word.to_lowercase());
    let small = words.iter().filter(|word| !capital(word) && !particle(word)).count();
    // `orderId`, `user.name`: names in code. `McKay` and `DiCaprio` have one hump.
    let code = |word: &&str| {
        let inner = word.trim_end_matches('.');
        let humps =
            inner.chars().zip(inner.chars().skip(1)).filter(|(a, b)| a.is_lowercase() && b.is_uppercase());
        inner.contains('.') && inner.split('.').any(|part| part.chars().count() > 2)
            || humps.count() > usize::from(word.starts_with(char::is_uppercase))
    };
    let other = |word: &&str| listed(NOT_NAMES, &word.trim_end_matches('.').to_lowercase());
    if words.is_empty() || words.len() > 6 || words.iter().any(code) || words.iter().any(other) {
        return false;
    }
    let tail = words.iter().skip(1).all(|word| capital(&word) || particle(word));
    match value.given {
        Given::Cell | Given::Quoted if value.sure => small == 0 || capitals == 0 && words.len() <= 4,
        Given::Cell => small == 0 || capitals == 0 && (2..=3).contains(&words.len()),
        Given::Quoted => small == 0 && words.len() > 1 || capitals == 0 && words.len() == 2,
        Given::Labelled if value.sure => small == 0 || capitals == 0 && (2..=3).contains(&words.len()),
        Given::Labelled => small == 0 && words.len() > 1 && tail,
        Given::Assigned => small == 0 && words.len() > 1,
    }
}

const TITLES: &str = "mr mrs ms miss dr prof professor sir herr herrn frau m mme mlle sr sra srta don doña sig sig.ra signor signora \
    dott dott.ssa dhr mevr mevrouw pan pani";

/// Small words inside names.
const PARTICLES: &str = "de da do dos das del della di la le las los du des van von der den ter ten te zu zur af av bin ibn al el y e d' \
    ben mac st";

/// Words that stand where a name could, and what companies have in theirs.
const NOT_NAMES: &str = "true false null none nil unknown undefined anonymous string str text varchar char int integer number bool \
    boolean object array optional required default name names value test example sample todo tbd field column label \
    type the of and or to is are be for with in on at by as not no yes your our this that these a all any if must \
    should from inc ltd llc llp gmbh ag kg corp corporation company co group bank university institute foundation \
    project team department service services support system systems software solutions limited plc sarl sas bv nv \
    spa srl association committee council office contributors developers authors various public private server \
    client customer user users admin administrator new old first last full und oder der die das et ou les une un \
    para con que per het een first_name last_name address email phone date id see here please enter use set get \
    hello world error ok";

/// An address: a number and words, on one line or several.
pub(in super::super) fn address(value: &Value) -> Option<Range<usize>> {
    let text = value.text.trim_end_matches([' ', ',', '.']);
    let start = text.len() - text.trim_start().len();
    let address = text.trim_start();
    let eastern = address.chars().filter(|c| *c >= '\u{3000}' && c.is_alphabetic()).count();
    let digits = address.chars().filter(char::is_ascii_digit).count();
    let words = address
        .split([' ', ','])
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1)
        .count();
    let western = digits > 0
        && words > 0
        && address.contains(' ')
        && (address.contains(',') || address.starts_with(|c: char| c.is_ascii_digit() || c.is_uppercase()))
        && !value_of_machine(address);
    let plausible = if eastern > 0 { eastern > 3 && (digits > 0 || eastern > 7) } else { western };
    let told = value.given != Given::Assigned && (value.given != Given::Labelled || words > 1 || eastern > 0);
    (plausible && told && (6..=160).contains(&address.len())).then_some(start..text.len())
}

/// Addresses of machines, prices, and what is no address at all.
fn value_of_machine(text: &str) -> bool {
    text.contains("://")
        || text.contains(['@', '=', '{', '}', '<', '>', '$', '%', '\\', '_', '[', ']', '*', '|'])
        || text.starts_with("0x")
        || text.split(' ').any(|word| word.matches(['.', ':']).count() > 2)
        || text.bytes().filter(|byte| *byte == b' ').count() > 14
}

pub(in super::super) fn date(value: &Value) -> Option<Range<usize>> {
    let text = value.text.trim();
    let start = value.text.len() - value.text.trim_start().len();
    let date = date_at(text, 0, Spelling::Compact)?;
    let time = text.get(date.end..)?.starts_with(['T', ' ']) || date.end == text.len();
    time.then_some(start..start + date.end)
}

/// A telephone number as the column says: five digits at least.
pub(in super::super) fn phone(value: &Value) -> Option<Range<usize>> {
    numbered(value.text, 5..=15, |c| matches!(c, '+' | '-' | '(' | ')' | '.' | ' ' | '/' | 'x'))
}

pub(in super::super) fn card(value: &Value) -> Option<Range<usize>> {
    numbered(value.text, 12..=19, |c| matches!(c, '-' | ' '))
}

/// A number of identity, with letters perhaps.
pub(in super::super) fn identity(value: &Value) -> Option<Range<usize>> {
    let short = value.text.trim().len() <= 24;
    numbered(value.text, 4..=20, |c| c.is_ascii_alphabetic() || matches!(c, '-' | ' ' | '.' | '/'))
        .filter(|_| short)
}

/// An account's number: an IBAN, too.
pub(in super::super) fn account(value: &Value) -> Option<Range<usize>> {
    numbered(value.text, 5..=34, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | ' '))
}

fn numbered(
    text: &str,
    digits: std::ops::RangeInclusive<usize>,
    other: fn(char) -> bool,
) -> Option<Range<usize>> {
    let value = text.trim();
    let start = text.len() - text.trim_start().len();
    let count = value.bytes().filter(u8::is_ascii_digit).count();
    let all = value.chars().all(|c| c.is_ascii_digit() || other(c));
    let date = date_at(value, 0, Spelling::Parted).is_some();
    (all && digits.contains(&count) && !date).then_some(start..start + value.len())
}

/// A login name.
pub(in super::super) fn login(value: &Value) -> Option<Range<usize>> {
    let text = value.text;
    super::super::logins::is_login(text, value.given == Given::Cell).then_some(0..text.len())
}

pub(in super::super) fn password(value: &Value) -> Option<Range<usize>> {
    let text = value.text;
    let plausible = (4..=128).contains(&text.len()) && !text.contains(' ') && !stands_in(text);
    let digest = text.starts_with("$2") || text.starts_with("$argon");
    (plausible || digest).then_some(0..text.len())
}
