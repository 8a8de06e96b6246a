//! Addresses of crypto-currency wallets, by their own checksums; and codes of banks.

use sha2::{Digest, Sha256};

use super::numbers::Run;
use super::table::{Confidence, Hit, Sight};

/// How far behind a word an address may begin that has no checksum.
const WINDOW: usize = 40;

/// `0x` and forty hexadecimal digits: Ethereum and those like it. Object names in Git are as long.
pub(super) fn ethereum(run: &Run, first: usize, _: Option<usize>) -> Option<Hit> {
    let start = run.group(first).start;
    let [b'0', b'x' | b'X', digits @ ..] = run.after(start) else { return None };
    let len = digits.iter().take(41).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let digits = digits.get(..len)?;
    let end = start + 2 + len;
    let begins = !run.before(start).last().is_some_and(is_word) || run.before(start).ends_with(b"\\n");
    if len != 40 || !begins || run.after(end).first().is_some_and(is_word) {
        return None;
    }
    let near = run.before(start).get(start.saturating_sub(24)..).unwrap_or_default().to_ascii_lowercase();
    let words: [&[u8]; 6] = [b"commit", b"sha", b"hash", b"tree", b"blob", b"digest"];
    let hash = words.iter().any(|word| near.windows(word.len()).any(|window| window == *word));
    let varied = digits.iter().any(|byte| Some(byte) != digits.first());
    (varied && !hash).then_some(Hit { range: start..end, confidence: Confidence::CHECKED })
}

/// A segregated-witness address (BIP 173, BIP 350) or one of the same encoding; its first digit is the one that ends
/// the prefix.
pub(super) fn bech32(run: &Run, first: usize, _: Option<usize>) -> Option<Hit> {
    const PREFIXES: [&[u8]; 6] = [b"bc", b"tb", b"ltc", b"addr", b"cosmos", b"bnb"];
    let digit = run.group(first).start;
    let letters =
        run.before(digit).iter().rev().take(7).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let start = digit - letters;
    let prefix = run.after(start).get(..letters)?;
    let known = letters > 1 && PREFIXES.iter().any(|known| known.eq_ignore_ascii_case(prefix));
    if !known || run.before(start).last().is_some_and(is_word) {
        return None;
    }
    let len = run.after(start).iter().take(120).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let end = start + len;
    let address = run.text().get(start..end)?;
    let mixed = address.bytes().any(|byte| byte.is_ascii_uppercase())
        && address.bytes().any(|byte| byte.is_ascii_lowercase());
    if len < 26 || mixed || run.after(end).first() == Some(&b'_') {
        return None;
    }
    let address = address.to_ascii_lowercase();
    let (prefix, data) = address.split_once('1')?;
    let values =
        data.bytes().map(|byte| b"qpzry9x8gf2tvdw0s3jn54khce6mua7l".iter().position(|known| *known == byte));
    let values: Option<Vec<usize>> = values.collect();
    let values = values?.into_iter().filter_map(|value| u32::try_from(value).ok());
    let spread = prefix
        .bytes()
        .map(|byte| u32::from(byte >> 5))
        .chain([0])
        .chain(prefix.bytes().map(|byte| u32::from(byte & 31)));
    let checksum = spread.chain(values).fold(1u32, |sum, value| {
        const STEPS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let top = sum >> 25;
        let sum = (sum & 0x1ff_ffff) << 5 ^ value;
        STEPS
            .iter()
            .enumerate()
            .fold(sum, |sum, (bit, step)| if top >> bit & 1 == 1 { sum ^ step } else { sum })
    });
    matches!(checksum, 1 | 0x2bc8_30a3).then_some(Hit { range: start..end, confidence: Confidence::CHECKED })
}

/// An address in base 58, woken by its first digit: Bitcoin, Litecoin, Dogecoin, Tron, Ripple by their checksum; Monero
/// by its length; any other behind a word.
pub(super) fn base58(run: &Run, first: usize, context: Option<usize>) -> Option<Hit> {
    let digit = run.group(first).start;
    let before = run.before(digit);
    // Most numbers stand alone.
    let alone = |byte: Option<&u8>| !byte.is_some_and(u8::is_ascii_alphanumeric);
    if run.len(first) < 25 && alone(before.last()) && alone(run.after(run.group(first).end).first()) {
        return None;
    }
    let letters = before.iter().rev().take(48).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let start = digit - letters;
    if run.before(start).last().is_some_and(|byte| is_word(byte) || matches!(byte, b'/' | b'+' | b'=' | b'-'))
    {
        return None;
    }
    let len = run.after(start).iter().take(110).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let end = start + len;
    let address = run.after(start).get(..len)?;
    let closed = !run.after(end).first().is_some_and(|byte| matches!(byte, b'_' | b'/' | b'+' | b'='));
    if !matches!(len, 25..=44 | 95 | 106) || !closed {
        return None;
    }
    let near = context.is_some_and(|context| context <= start && start - context <= WINDOW);
    let known = match (address.first()?, len) {
        (b'1' | b'3' | b'L' | b'M' | b'D' | b'A' | b'9' | b'T', 25..=35) => checks(address, BITCOIN),
        (b'r', 25..=35) => checks(address, RIPPLE),
        (b'4' | b'8', 95 | 106) => is_base58(address),
        _ => false,
    };
    let drawn = || {
        let any = |is: fn(&u8) -> bool| address.iter().any(is);
        is_base58(address)
            && any(u8::is_ascii_digit)
            && any(u8::is_ascii_uppercase)
            && any(u8::is_ascii_lowercase)
    };
    let confidence = if known { Confidence::CHECKED } else { Confidence::LIKELY };
    (known || near && drawn()).then_some(Hit { range: start..end, confidence })
}

const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

fn is_base58(address: &[u8]) -> bool {
    address.iter().all(|byte| BITCOIN.contains(byte))
}

/// Whether the last four of 25 bytes are the beginning of the others' double SHA-256.
fn checks(address: &[u8], alphabet: &[u8; 58]) -> bool {
    let mut bytes = [0u8; 25];
    for character in address {
        let Some(value) = alphabet.iter().position(|known| known == character) else { return false };
        let mut carry = u32::try_from(value).unwrap_or(0);
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = u8::try_from(carry & 0xff).unwrap_or(0);
            carry >>= 8;
        }
        if carry > 0 {
            return false;
        }
    }
    let (payload, check) = bytes.split_at(21);
    Sha256::digest(Sha256::digest(payload)).starts_with(check)
}

/// A bank's code (ISO 9362) behind its name: `BIC: COBADEFFXXX`.
pub(super) fn bic(sight: &Sight) -> Option<Hit> {
    if !sight.starts_word() {
        return None;
    }
    let mut start = sight.anchor.end;
    // "Swift" is a language, a bird, a name.
    let mut said =
        sight.after(sight.anchor.start).get(..3).is_some_and(|word| word.eq_ignore_ascii_case(b"bic"));
    // "code is", "/SWIFT", quotes.
    for word in [&b"/"[..], b"bic", b"swift", b"-", b"_", b" ", b"code", b"no", b"."] {
        let rest = sight.after(start);
        if rest.get(..word.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(word)) {
            start += word.len();
            said |= word.len() > 1;
        }
    }
    start +=
        sight.run(start, 6, |byte| matches!(byte, b' ' | b':' | b'=' | b'"' | b'\'' | b')' | b'*' | b'#'));
    said |= sight.before(start).ends_with(b"\"")
        || sight.before(start).iter().rev().take(2).any(|byte| b":=".contains(byte));
    if sight.after(start).starts_with(b"is ") {
        start += 3;
        said = true;
    }
    let len = sight.run(start, 12, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let end = start + len;
    let code = sight.after(start).get(..len)?;
    let letters = code.get(..6)?.iter().all(u8::is_ascii_uppercase);
    let whole = matches!(len, 8 | 11) && !sight.after(end).first().is_some_and(is_word);
    let country = COUNTRIES.as_bytes().chunks(2).any(|country| Some(country) == code.get(4..6));
    (said && letters && whole && country).then_some(Hit { range: start..end, confidence: Confidence::SHAPED })
}

/// ISO 3166 codes of countries, two letters each.
const COUNTRIES: &str = "ADAEAGALAMAOARATAUAZBABBBDBEBFBGBHBIBJBMBNBOBRBSBTBWBYBZCACDCFCGCHCICLCMCNCOCRCUCVCYCZDEDJDKDMDODZECEEEGERES\
ETFIFJFRGAGBGDGEGHGIGMGNGQGRGTGWGYHKHNHRHTHUIDIEILINIQIRISITJMJOJPKEKGKHKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMGMKMLMMMNMOMRMTMUMVMWMXMY\
MZNANENGNINLNONPNZOMPAPEPGPHPKPLPTPYQARORSRURWSASBSCSDSESGSISKSLSMSNSOSRSTSVSYSZTDTGTHTJTLTMTNTOTRTTTWTZUAUGUSUYUZVAVCVEVGVNVUXKYEZAZMZW";

fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}
