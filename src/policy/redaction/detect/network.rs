//! Addresses of machines that are not written in digits alone: IPv6, MAC; and passwords in URLs.

use std::net::Ipv6Addr;

use super::numbers::Run;
use super::secrets::{base64url, looks_drawn};
use super::table::{Confidence, Hit, Sight};

/// Whether this ends inside the authority of a URL, behind `scheme://user:`, so that what follows is a password.
pub(super) fn in_authority(before: &[u8]) -> bool {
    let near = before.get(before.len().saturating_sub(80)..).unwrap_or_default();
    let Some(scheme) = near.windows(3).rposition(|bytes| bytes == b"://") else { return false };
    let authority = near.get(scheme + 3..).unwrap_or_default();
    let ended = authority.iter().any(|byte| byte.is_ascii_whitespace() || b"/?#\"'<>`,".contains(byte));
    !ended && authority.contains(&b':')
}

/// The password of `scheme://user:password@host`.
pub(super) fn url_password(sight: &Sight) -> Option<Hit> {
    let start = sight.anchor.end;
    let rest = sight.after(start);
    let stop = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'"' | b'\'' | b'<' | b'>' | b'`')
    };
    let authority = rest.iter().take(320).take_while(|byte| !stop(byte)).count();
    let userinfo = rest.get(..authority)?.iter().rposition(|byte| *byte == b'@')?;
    let Some(user) = rest.get(..userinfo)?.iter().position(|byte| *byte == b':') else {
        let user = rest.get(..userinfo)?;
        let key = user.len() >= 20 && user.iter().all(|byte| base64url(*byte)) && looks_drawn(user, 8);
        return key.then_some(Hit { range: start..start + userinfo, confidence: Confidence::SHAPED });
    };
    let password = sight.text.get(start + user + 1..start + userinfo)?;
    let stands_in = password.is_empty()
        || password.starts_with(['$', '{', '%', '[', '*'])
        || matches!(password, "password" | "pass" | "PASSWORD" | "xxx" | "pw");
    (!stands_in).then_some(Hit { range: start + user + 1..start + userinfo, confidence: Confidence::CHECKED })
}

/// An IPv6 address (RFC 4291) of a kind that names a machine: global, unique local, link local; or written in full.
pub(super) fn ipv6(sight: &Sight) -> Option<Hit> {
    let at = sight.anchor.start;
    let part = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let before = sight.before(at).iter().rev().take(5).take_while(part).count();
    if before == 0 || before > 4 {
        return None;
    }
    let start = at - before;
    if sight
        .before(start)
        .last()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    {
        return None;
    }
    let len = sight.after(start).iter().take(46).take_while(part).count();
    let mut address = sight.text.get(start..start + len)?;
    address = address.trim_end_matches('.');
    if address.ends_with(':') && !address.ends_with("::") {
        address = address.trim_end_matches(':');
    }
    let end = start + address.len();
    if sight.after(end).first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        return None;
    }
    let parsed: Ipv6Addr = address.parse().ok()?;
    let first = parsed.segments().first().copied()?;
    let names_a_machine = matches!(first, 0x2000..=0x3fff | 0xfc00..=0xfdff | 0xfe80..=0xfebf) && before == 4;
    let full = address.matches(':').count() == 7 && address.len() >= 20;
    (names_a_machine || full).then_some(Hit { range: start..end, confidence: Confidence::CHECKED })
}

/// A MAC address with colons, woken by the first of them.
pub(super) fn mac(sight: &Sight) -> Option<Hit> {
    mac_at(sight.text, sight.anchor.start.checked_sub(2)?, b':')
}

/// A MAC address with hyphens, from any group of digits in it: a run of digits reads over hyphens.
pub(super) fn mac_hyphenated(run: &Run, group: usize, _: Option<usize>) -> Option<Hit> {
    if run.len(group) > 2 {
        return None;
    }
    let start = run.group(group).start;
    let part = |byte: &&u8| byte.is_ascii_hexdigit() || **byte == b'-';
    let before = run.before(start).iter().rev().take(18).take_while(part).count();
    mac_at(run.text(), start - before, b'-')
}

/// Six pairs of hexadecimal digits with one separator.
fn mac_at(text: &str, start: usize, separator: u8) -> Option<Hit> {
    let range = start..start + 17;
    let address = text.as_bytes().get(range.clone())?;
    let pairs = address.iter().enumerate().all(|(index, byte)| match index % 3 {
        2 => *byte == separator,
        _ => byte.is_ascii_hexdigit(),
    });
    let outside = |byte: Option<&u8>| {
        !byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-'))
    };
    let whole = outside(text.as_bytes().get(..start)?.last()) && outside(text.as_bytes().get(range.end));
    let letter = separator == b':' || address.iter().any(u8::is_ascii_alphabetic);
    let digits = || address.iter().filter(|byte| **byte != separator);
    let nobody = digits().all(|byte| *byte == b'0') || digits().all(|byte| byte.eq_ignore_ascii_case(&b'f'));
    (pairs && whole && letter && !nobody).then_some(Hit { range, confidence: Confidence::CHECKED })
}
