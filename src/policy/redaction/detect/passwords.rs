//! Passwords, and other secrets that only their name gives away.

use std::ops::Range;

use super::given::{Given, How};
use super::secrets::{Classes, looks_drawn, numbers_in, reads_as_code, stands_in, word};
use super::table::{Confidence, Hit, Sight};

/// `password = value`, `"password": "value"`, `PASSWORD=value`, `the password is value`, `--password value`.
pub(super) fn password(sight: &Sight) -> Option<Hit> {
    let given = Given::read(sight)?;
    let value = sight.text.get(given.range.clone())?;
    let classes = Classes::of(value);
    let marked = classes.symbol || classes.digit;
    // Short names are other words, too: `bypass`, `passed to x1`.
    let name = sight.text.get(sight.anchor.clone())?;
    if name.eq_ignore_ascii_case("pw") || name.eq_ignore_ascii_case("pass") {
        let assigned = sight.after(sight.anchor.end).first().is_some_and(|byte| b"\"':=".contains(byte));
        if !sight.starts_word() || !assigned || classes.count() < 2 {
            return None;
        }
    }
    let plausible = match given.how {
        _ if value.contains(' ') => {
            sight.text.get(sight.anchor.clone())?.ends_with("phrase") && is_phrase(value)
        }
        How::Quoted => value.len() >= 4 && (classes.count() > 1 || value.len() >= 6),
        How::Environment => value.len() >= 4 && !value.contains("::"),
        How::Assigned => {
            value.len() >= 4 && (marked || is_word(value) && beside_login(sight)) && !reads_as_code(value)
        }
        How::Said => value.len() >= 6 && marked && classes.count() > 1,
        How::Option => value.len() >= 4 && marked && classes.count() > 1 && !value.starts_with('-'),
        How::Follows if beside_login(sight) => value.len() >= 4 && marked,
        How::Follows => value.len() >= 6 && classes.count() > 2 || is_jumbled(value),
    };
    let path = value.starts_with(['/', '~']) && value.get(1..)?.contains('/') && !classes.symbol;
    let markup = value.ends_with("&quot");
    (plausible && !path && !markup && !stands_in(value))
        .then_some(Hit { range: given.range, confidence: Confidence::LIKELY })
}

fn is_word(value: &str) -> bool {
    value.chars().all(char::is_alphabetic)
}

/// Whether a name to log in with is given right before: `login jdoe password x`, `user: jdoe\npassword: x`.
fn beside_login(sight: &Sight) -> bool {
    let near = sight.before(sight.anchor.start);
    let near = near.get(near.len().saturating_sub(72)..).unwrap_or_default().to_ascii_lowercase();
    let names: [&[u8]; 7] =
        [b"login ", b"login:", b"user:", b"username:", b"username\":", b"benutzername:", b"usuario:"];
    names.iter().any(|name| near.windows(name.len()).any(|bytes| bytes == *name))
}

/// Upper and lower case in no order that words have: `UMUypcfnPnYhBSJJVBj`.
fn is_jumbled(value: &str) -> bool {
    let letters = value.bytes().all(|byte| byte.is_ascii_alphabetic());
    let rows =
        |is: fn(&u8) -> bool| value.as_bytes().split(|byte| !is(byte)).filter(|row| row.len() > 1).count();
    let humps = value.as_bytes().windows(2).filter(|pair| matches!(pair, [b'a'..=b'z', b'A'..=b'Z'])).count();
    letters && (12..=64).contains(&value.len()) && humps >= 2 && rows(u8::is_ascii_uppercase) >= 2
}

/// Several words, as a passphrase has: `correct horse battery staple`. Words that sentences need are in none.
fn is_phrase(value: &str) -> bool {
    const SENTENCE: [&str; 12] =
        ["the", "is", "a", "to", "of", "for", "must", "your", "and", "or", "with", "be"];
    let words: Vec<&str> = value.split(' ').collect();
    let plain =
        |word: &&str| (3..=10).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase());
    (3..=24).contains(&words.len()) && words.iter().all(|word| plain(word) && !SENTENCE.contains(word))
}

/// The words of a wallet or of a recovery: twelve at least, or as many as stand in quotes.
pub(super) fn recovery_words(sight: &Sight) -> Option<Hit> {
    let gap = sight.run(sight.anchor.end, 16, |byte| !byte.is_ascii_alphabetic() && byte != b'.');
    let mut start = sight.anchor.end + gap;
    start += if sight.after(start).starts_with(b"is ") { 3 } else { 0 };
    start += sight.run(start, 2, |byte| matches!(byte, b'"' | b'\'' | b':' | b' '));
    let len = sight.run(start, 256, |byte| byte.is_ascii_lowercase() || byte == b' ');
    let words = sight.text.get(start..start + len)?.trim_end();
    let count = words.split(' ').count();
    let phrase = words.split(' ').all(|word| (3..=8).contains(&word.len()));
    (phrase && (12..=24).contains(&count))
        .then_some(Hit { range: start..start + words.len(), confidence: Confidence::SHAPED })
}

/// `the temporary one is value`: behind a password that was spoken of before.
pub(super) fn spoken_of(sight: &Sight) -> Option<Hit> {
    let mut start = sight.anchor.end;
    let quote = sight.after(start).first().copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    start += usize::from(quote.is_some());
    let len = sight.run(start, 64, |byte| {
        byte.is_ascii_graphic()
            && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b';' | b',' | b'|' | b'(' | b')')
    });
    let value = sight.text.get(start..start + len)?.trim_end_matches(['.', '?', ':']);
    let classes = Classes::of(value);
    let drawn = value.len() >= 6 && (classes.digit && classes.count() > 1 || classes.count() > 2);
    if !drawn || stands_in(value) || value.contains("://") {
        return None;
    }
    let before = sight.before(sight.anchor.start);
    let near = before.get(before.len().saturating_sub(120)..).unwrap_or_default().to_ascii_lowercase();
    let words: [&[u8]; 6] = [b"passw", b"passcode", b"kennwort", b"contrase", b"mot de passe", b"senha"];
    let spoken = words.iter().any(|word| near.windows(word.len()).any(|bytes| bytes == *word));
    let blank = near.windows(2).any(|bytes| bytes == b"\n\n");
    (spoken && !blank && sight.starts_word())
        .then_some(Hit { range: start..start + value.len(), confidence: Confidence::LIKELY })
}

/// `PIN 4821`, `CVV: 123`, `verification code is 482913`.
pub(super) fn code(sight: &Sight) -> Option<Hit> {
    let name = sight.text.get(sight.anchor.clone())?;
    if !sight.starts_word() {
        return None;
    }
    let mut at = sight.anchor.end;
    let word = sight.run(at, 12, |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if word > 0 && !["2", "code", "_code", "-code", "Code"].contains(&sight.text.get(at..at + word)?) {
        return None;
    }
    at += word;
    let said = at;
    at += sight.run(at, 3, |byte| matches!(byte, b'"' | b'\'' | b'*' | b' '));
    for told in ["code", "number", "is", "ist", "est", "es", "是", "为", "は"] {
        if sight.after(at).starts_with(told.as_bytes()) {
            at += told.len();
            at += sight.run(at, 2, |byte| byte == b' ');
        }
    }
    at += sight.run(at, 4, |byte| matches!(byte, b':' | b'=' | b'"' | b'\'' | b' ' | b'*' | b'`'));
    let len = sight.run(at, 12, |byte| byte.is_ascii_digit() || byte == b'-');
    let digits = sight.text.get(at..at + len)?;
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    let short = name.to_ascii_lowercase().starts_with("cv");
    let told = name.len() > 4
        || !name.is_ascii()
        || name.bytes().all(|byte| byte.is_ascii_uppercase())
        || at > said + 1;
    let sized = if short { matches!(count, 3 | 4) } else { (4..=8).contains(&count) };
    let ends = !matches!(sight.after(at + len), [b'.' | b'/' | b':', b'0'..=b'9', ..])
        && !sight.after(at + len).first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'%');
    (told && sized && at > said && ends && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(Hit { range: at..at + len, confidence: Confidence::LIKELY })
}

/// `api_key = value` and the like: names that are also used for what is not secret, so the value has to look drawn.
pub(super) fn telling_name(sight: &Sight) -> Option<Hit> {
    let given = Given::read(sight)?;
    let value = sight.text.get(given.range.clone())?;
    let long_enough = match given.how {
        How::Quoted | How::Environment => value.len() >= 12,
        // Names of types are long, too, but have one number in them at most.
        How::Assigned | How::Option => value.len() >= 16 && numbers_in(value) > 1,
        How::Said => value.len() >= 20,
        How::Follows => false,
    };
    let path = value.contains("::")
        || value.contains("://")
        || value.contains(' ')
        || value.starts_with(['/', '.'])
        || value.starts_with("arn:");
    let plausible = long_enough && !path && looks_drawn(value.as_bytes(), 8) && !stands_in(value);
    plausible.then_some(Hit { range: given.range, confidence: Confidence::LIKELY })
}

/// The value of an option: `sshpass -p value`, `curl -u user:value`, `mysql -pvalue`.
pub(super) fn option(sight: &Sight) -> Option<Hit> {
    let command = sight.text.get(sight.anchor.clone())?.to_ascii_lowercase();
    if !sight.starts_word() {
        return None;
    }
    let (mut start, pair) = match command.as_str() {
        "curl " | "wget " | "http " => (behind_flag(sight, &[" -u ", " --user ", " -u"])?, true),
        "mysql " | "mysqldump " | "mysqladmin " | "mariadb " => (behind_flag(sight, &[" -p"])?, false),
        "redis-cli " => (behind_flag(sight, &[" -a "])?, false),
        _ => (behind_flag(sight, &[" -p ", " -p"])?, false),
    };
    let quote = sight.after(start).first().copied().filter(|byte| matches!(byte, b'"' | b'\''));
    start += usize::from(quote.is_some());
    let len = sight.run(start, 128, |byte| {
        quote.map_or(
            byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'|'),
            |quote| byte != quote && byte != b'\n',
        )
    });
    let mut value = sight.text.get(start..start + len)?;
    if pair {
        let user = value.find(':')?;
        start += user + 1;
        value = value.get(user + 1..)?;
    }
    let ids = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') && value.len() < 6;
    let plausible = value.len() >= 4 && !ids && !value.starts_with('-') && !stands_in(value);
    plausible.then_some(Hit { range: start..start + value.len(), confidence: Confidence::LIKELY })
}

/// Where a command's option ends, on its line.
fn behind_flag(sight: &Sight, flags: &[&str]) -> Option<usize> {
    let from = sight.anchor.end - 1;
    let line = sight.run(from, 256, |byte| byte != b'\n');
    let line = sight.text.get(from..from + line)?;
    flags.iter().find_map(|flag| line.find(flag).map(|at| from + at + flag.len()))
}

/// `host:5432:database:user:value`, a line of `.pgpass`.
pub(super) fn pgpass(sight: &Sight) -> Option<Hit> {
    let from = sight.anchor.end;
    let len = sight.run(from, 192, |byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'/'));
    let mut parts = sight.text.get(from..from + len)?.splitn(3, ':');
    let (database, user, value) = (parts.next()?, parts.next()?, parts.next()?);
    let name = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| word(byte) || matches!(byte, b'*' | b'-' | b'.'))
    };
    let start = from + database.len() + user.len() + 2;
    (name(database) && name(user) && value.len() >= 4 && !stands_in(value))
        .then_some(Hit { range: start..start + value.len(), confidence: Confidence::LIKELY })
}

/// The signature of a signed URL, behind the parameter's name: whoever has it has what the URL names.
pub(super) fn signature(sight: &Sight) -> Option<Range<usize>> {
    let start = sight.anchor.end;
    let len = sight.run(start, 1024, |byte| {
        word(byte) || matches!(byte, b'-' | b'.' | b'~' | b'%' | b'+' | b'/' | b'=')
    });
    let value = sight.text.get(start..start + len)?.trim_end_matches('.');
    let drawn = value.len() >= 16 && looks_drawn(value.as_bytes(), 6) && !stands_in(value);
    drawn.then_some(start..start + value.len())
}

/// A signature in a URL's query.
pub(super) fn signed_url(sight: &Sight) -> Option<Hit> {
    let range = signature(sight)?;
    let before = sight.before(sight.anchor.start);
    let near = before.get(before.len().saturating_sub(2048)..).unwrap_or_default();
    let from = near
        .iter()
        .rposition(|byte| byte.is_ascii_whitespace() || b"\"'<>`".contains(byte))
        .map_or(0, |at| at + 1);
    let url = near.get(from..)?.windows(3).any(|bytes| bytes == b"://");
    url.then_some(Hit { range, confidence: Confidence::LIKELY })
}

/// A shared access signature outside a URL: in a connection string, or by itself.
pub(super) fn shared_signature(sight: &Sight) -> Option<Hit> {
    if signed_url(sight).is_some() {
        return None;
    }
    Some(Hit { range: signature(sight)?, confidence: Confidence::LIKELY })
}
