//! E-mail addresses: as they are, and as people write them to hide them from machines.
//!
//! ```text
//! ana@example.com      ana (at) example (dot) com      **ana**@example[.]com      ana @ example . com
//! ```

use std::ops::Range;

use super::network::in_authority;
use super::table::{Confidence, Hit, Sight};

/// Around `@`: a local part of up to 64 bytes, a domain of up to 253 that ends in letters (RFC 5321, 4.5.3.1).
pub(super) fn email(sight: &Sight) -> Option<Hit> {
    strict(sight).or_else(|| loose(sight))
}

fn strict(sight: &Sight) -> Option<Hit> {
    let at = sight.anchor.start;
    let local =
        sight.chars_before(at).take(64).take_while(|c| is_local(*c)).map(char::len_utf8).sum::<usize>();
    let mut start = at - local;
    // `\nana@…` in the source of a string.
    if sight.before(start).ends_with(b"\\") && matches!(sight.after(start), [b'n' | b't' | b'r', ..]) {
        start += 1;
    }
    let lead = sight
        .after(start)
        .iter()
        .take_while(|byte| matches!(byte, b'.' | b'\'' | b'%' | b'-' | b'/' | b'='))
        .count();
    start += lead;
    if start >= at || sight.before(start).ends_with(b"://") || in_authority(sight.before(start)) {
        return None;
    }
    let domain =
        sight.chars_after(at + 1).take(253).take_while(|c| is_domain(*c)).map(char::len_utf8).sum::<usize>();
    let mut end = at + 1 + domain;
    loop {
        let domain = sight.text.get(at + 1..end)?;
        let (host, top) = domain.rsplit_once('.')?;
        if is_top_level(top) && host.split('.').all(is_label) {
            let image = ["png", "jpg", "jpeg", "gif", "svg", "webp"]
                .iter()
                .any(|image| top.eq_ignore_ascii_case(image));
            return (!image).then_some(Hit { range: start..end, confidence: Confidence::CHECKED });
        }
        end = at + 1 + host.len();
    }
}

/// Letters of alphabets may stand in a local part (RFC 6531); a Chinese sentence before the address may not.
fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._%+-'".contains(c) || is_letter(c)
}

fn is_domain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '.' || c == '-' || is_letter(c)
}

/// Of the Latin, Greek and Cyrillic alphabets and their neighbours.
fn is_letter(c: char) -> bool {
    ('\u{C0}'..'\u{590}').contains(&c) && c.is_alphabetic()
}

/// An address with something around its `@` or its dots: spaces on both sides, brackets, emphasis, a line break. It has
/// to end in a name that is common, for programs and sentences have such places, too.
fn loose(sight: &Sight) -> Option<Hit> {
    let anchor = sight.anchor.clone();
    let filler = |byte: &&u8| byte.is_ascii_whitespace() || b"*`~_\"'()[]{}<>|".contains(byte);
    let back = sight.before(anchor.start).iter().rev().take(6).take_while(filler).count();
    let ahead = sight.after(anchor.end).iter().take(6).take_while(filler).count();
    let gap = |range: Range<usize>| sight.text.get(range).unwrap_or_default();
    let (before, after) = (gap(anchor.start - back..anchor.start), gap(anchor.end..anchor.end + ahead));
    let hit = whole(sight, anchor.start - back, anchor.end + ahead)?;
    let local = gap(hit.range.start..anchor.start - back);
    let apart = before.contains(char::is_whitespace);
    let broken = before.contains('\n') && local.contains(|c: char| !c.is_alphabetic());
    // Somebody is mentioned: thanks @example.com
    (!apart || broken || after.contains(char::is_whitespace)).then_some(hit)
}

/// `ana (at) example (dot) com`, `ana[at]example.com`, `ana at example dot com`.
pub(super) fn email_in_words(sight: &Sight) -> Option<Hit> {
    let anchor = sight.anchor.clone();
    let space = |byte: &&u8| **byte == b' ';
    let back = sight.before(anchor.start).iter().rev().take(2).take_while(space).count();
    let ahead = sight.after(anchor.end).iter().take(2).take_while(space).count();
    let hit = whole(sight, anchor.start - back, anchor.end + ahead)?;
    let at = sight.text.get(anchor)?;
    if at.starts_with(['(', '[', '{', '<']) && at.len() > "(a)".len() || at.contains('@') {
        return Some(hit);
    }
    // Bare words, and a letter that may count paragraphs: the dots have to be words, too.
    let address = sight.text.get(hit.range.clone())?;
    let (local, domain) = address.split_at(sight.anchor.start - hit.range.start);
    let prose =
        ["us", "me", "it", "look", "find", "found", "available", "online", "here", "site", "website", "page"];
    let local = local.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    (!domain.contains('.') && !prose.iter().any(|word| local.eq_ignore_ascii_case(word))).then_some(hit)
}

/// The address whose local part ends and whose domain begins at these places.
fn whole(sight: &Sight, local_end: usize, domain: usize) -> Option<Hit> {
    let start = local_start(sight, local_end)?;
    let mut at = domain;
    let mut end = None;
    for label in 0..8 {
        let name = sight.chars_after(at).take(63).take_while(|c| is_domain(*c) && *c != '.');
        let len = name.map(char::len_utf8).sum::<usize>();
        let name = sight.text.get(at..at + len)?;
        if !is_label(name) {
            break;
        }
        at += len;
        if label > 0 && is_common(name) {
            end = Some(at);
        }
        let Some(dot) = dot_len(sight.after(at)) else { break };
        at += dot;
    }
    Some(Hit { range: start..end?, confidence: Confidence::SHAPED })
}

/// Where a local part begins that ends at `end`; its dots may be words.
fn local_start(sight: &Sight, end: usize) -> Option<usize> {
    let mut start = end;
    for _ in 0..4 {
        let part = sight.chars_before(start).take(64).take_while(|c| is_local(*c));
        let part = part.map(char::len_utf8).sum::<usize>();
        if part == 0 {
            return None;
        }
        start -= part;
        let Some(dot) = dot_before(sight.before(start)) else { break };
        start -= dot;
    }
    let before = sight.before(start);
    (!before.ends_with(b"://") && !in_authority(before)).then_some(start)
}

/// How a dot is said.
const DOTS: &[&str] = &["dot", "punkt", "punto", "point", "ponto", "punt", "kropka", "點", "点"];

/// Length of the word for a dot that this ends with: ` dot `, `(dot)`.
fn dot_before(before: &[u8]) -> Option<usize> {
    let strip = |text: &[u8], one_of: &[u8]| text.last().is_some_and(|byte| one_of.contains(byte));
    let spaced = strip(before, b" ");
    let mut rest = before.get(..before.len() - usize::from(spaced))?;
    let bracket = strip(rest, b")]}>");
    rest = rest.get(..rest.len() - usize::from(bracket))?;
    let word = DOTS.iter().find(|word| ends_with(rest, word))?;
    rest = rest.get(..rest.len() - word.len())?;
    let opens = strip(rest, if bracket { b"([{<" } else { b" " });
    rest = rest.get(..rest.len() - usize::from(opens))?;
    let space = usize::from(bracket && strip(rest, b" "));
    (opens && (spaced || bracket)).then_some(before.len() - rest.len() + space)
}

fn ends_with(text: &[u8], word: &str) -> bool {
    let tail = text.len().checked_sub(word.len()).and_then(|at| text.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word.as_bytes()))
}

/// Length of what stands for the dot that comes next: `.`, `**.`, `[.]`, ` . `, ` dot `, a dot at the end of a line.
fn dot_len(after: &[u8]) -> Option<usize> {
    let filler = |at: usize, brackets: &[u8]| {
        let rest = after.get(at..).unwrap_or_default().iter().take(4);
        rest.take_while(|byte| b" *`~\r\n".contains(byte) || brackets.contains(byte)).count()
    };
    let before = filler(0, b"([{<");
    let rest = after.get(before..)?;
    let word = DOTS
        .iter()
        .find(|word| rest.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word.as_bytes())));
    let dot = word.map_or(1, |word| word.len());
    if word.is_none() && rest.first() != Some(&b'.') {
        return None;
    }
    let end = before + dot + filler(before + dot, b")]}>");
    let (left, right) = (after.get(..before)?, after.get(before + dot..end)?);
    let has = |text: &[u8], one_of: &[u8]| text.iter().any(|byte| one_of.contains(byte));
    let bracketed = has(left, b"([{<") && has(right, b")]}>");
    let spaced = has(left, b" ") && has(right, b" ");
    let plain = |text: &[u8]| !has(text, b" \r\n([{<)]}>");
    let broken = plain(left) && has(right, b"\n") && !has(right, b")]}");
    let is_dot = match word {
        Some(_) => bracketed || spaced,
        None => bracketed || spaced || broken || (plain(left) && plain(right)),
    };
    is_dot.then_some(end)
}

/// Names that most addresses end in.
fn is_common(label: &str) -> bool {
    const NAMES: &str = " com org net edu gov mil int info biz io co ai app dev me us uk ca au nz ie in jp cn tw hk kr sg \
        br mx ar cl pt es fr de at ch it nl be lu dk se no fi is pl cz sk hu ro bg gr tr ru ua il za eu asia name pro xyz \
        online site tech cloud shop store blog mail email example test invalid local ";
    let (before, name) = (NAMES.as_bytes(), label.to_ascii_lowercase());
    memchr::memmem::find(before, format!(" {name} ").as_bytes()).is_some()
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
}

fn is_top_level(label: &str) -> bool {
    let letters = label.chars().all(|c| c.is_ascii_alphabetic() || is_letter(c));
    (2..=24).contains(&label.len()) && (letters || label.starts_with("xn--"))
}
