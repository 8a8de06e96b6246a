//! Check digits and structure of what health services, tax offices of several countries, and banks give.

use super::super::checksums::{digit, luhn_text, mod_11_10, number, place_value, weighted};
use super::america::br_cnpj;
use super::europe::{es_dni, nl_bsn, pt_nif};

/// Whatever has the shape.
pub fn any(_: &[u8]) -> bool {
    true
}

/// NHS number of England and Wales: mod 11.
pub fn uk_nhs(text: &[u8]) -> bool {
    let check = 11 - weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    text.len() == 10 && check % 11 == digit(text, 9)
}

/// Australian Medicare card.
pub fn au_medicare(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'2'..=b'6'))
        && weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digit(text, 8)
}

/// US Medicare beneficiary identifier: no letters that look like digits, letters and digits in fixed places.
pub fn us_mbi(text: &[u8]) -> bool {
    let letters = text.iter().filter(|byte| byte.is_ascii_uppercase());
    letters.clone().all(|byte| !b"SLOIBZ".contains(byte)) && !text.starts_with(b"0") && letters.count() >= 4
}

/// US national provider identifier: Luhn behind the prefix 80840.
pub fn us_npi(text: &[u8]) -> bool {
    let whole = [b"80840", text].concat();
    matches!(text.first(), Some(b'1' | b'2')) && luhn_text(&whole)
}

/// DEA registration: two letters, the check digit last.
pub fn us_dea(text: &[u8]) -> bool {
    let digits = text.get(2..).unwrap_or_default();
    weighted(digits, &[1, 2, 1, 2, 1, 2]) % 10 == digit(digits, 6)
}

/// German health insurance number: a letter counts as its two digits, weights 1 2, cross sums.
pub fn de_health(text: &[u8]) -> bool {
    let Some((letter, digits)) = text.split_first() else { return false };
    let letter = place_value(*letter).saturating_sub(9);
    let places =
        [letter / 10, letter % 10].into_iter().chain(digits.iter().take(8).map(|byte| place_value(*byte)));
    let sum: u32 = places
        .zip([1, 2].into_iter().cycle())
        .map(|(value, weight)| {
            let product = value * weight;
            product / 10 + product % 10
        })
        .sum();
    sum % 10 == digit(digits, 8)
}

/// VAT numbers of the EU, Britain, Switzerland and Norway, with their prefix, as far as a check is published.
pub fn vat(text: &[u8]) -> bool {
    let Some((country, rest)) = text.split_at_checked(2) else { return false };
    let digits = rest.iter().all(u8::is_ascii_digit);
    match (country, rest.len()) {
        (b"AT", 9) => {
            let rest = rest.get(1..).unwrap_or_default();
            let sum: u32 = rest
                .iter()
                .take(7)
                .zip([1, 2].into_iter().cycle())
                .map(|(byte, weight)| {
                    let product = place_value(*byte) * weight;
                    product / 10 + product % 10
                })
                .sum();
            (10 - (sum + 4) % 10) % 10 == digit(rest, 7)
        }
        (b"BE", 10) => 97 - number(rest, 0..8) % 97 == number(rest, 8..10),
        (b"DE", 9) => !rest.starts_with(b"0") && mod_11_10(rest),
        (b"DK", 8) => weighted(rest, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11),
        (b"ES", 9) => {
            es_dni(rest)
                || rest.first().is_some_and(|kind| b"ABCDEFGHJNPQRSUVW".contains(kind))
                    && spanish_company(rest)
        }
        (b"FI", 8) => weighted(rest, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11),
        (b"FR", 11) => {
            digits
                && luhn_text(rest.get(2..).unwrap_or_default())
                && (12 + 3 * (number(rest, 2..11) % 97)) % 97 == number(rest, 0..2)
        }
        (b"GB", 9) => {
            let sum = weighted(rest, &[8, 7, 6, 5, 4, 3, 2])
                + weighted(rest.get(7..).unwrap_or_default(), &[10, 1]);
            sum.is_multiple_of(97) || (sum + 55).is_multiple_of(97)
        }
        (b"IE", 8 | 9) => super::europe::ie_pps(rest),
        (b"IT", 11) => luhn_text(rest),
        (b"LU", 8) => number(rest, 0..6) % 89 == number(rest, 6..8),
        (b"NL", 12) => {
            rest.get(9) == Some(&b'B') && (nl_bsn(rest.get(..9).unwrap_or_default()) || vat_97(text))
        }
        (b"PL", 10) => pl_nip(rest),
        (b"PT", 9) => pt_nif(rest),
        (b"SE", 12) => rest.ends_with(b"01") && luhn_text(rest.get(..10).unwrap_or_default()),
        (b"EL", 9) => weighted(rest, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == digit(rest, 8),
        (b"HR", 11) => mod_11_10(rest),
        (b"SI", 8) => (11 - weighted(rest, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == digit(rest, 7),
        (b"HU", 8) => weighted(rest, &[9, 7, 3, 1, 9, 7, 3, 1]).is_multiple_of(10),
        (b"RO", 8) => weighted(rest, &[3, 2, 1, 7, 5, 3, 2]) * 10 % 11 % 10 == digit(rest, 7),
        (b"CH", 10) => {
            let rest = rest.strip_prefix(b"E").unwrap_or_default();
            (11 - weighted(rest, &[5, 4, 3, 2, 7, 6, 5, 4]) % 11) % 11 == digit(rest, 8)
        }
        _ => false,
    }
}

/// Dutch VAT numbers since 2020: mod 97 over all letters and digits.
fn vat_97(text: &[u8]) -> bool {
    let rest = text.iter().fold(0u64, |rest, byte| {
        let value = u64::from(if *byte == b'+' { 36 } else { place_value(*byte) });
        (rest * if value > 9 { 100 } else { 10 } + value) % 97
    });
    rest == 1
}

/// Spanish NIF of a company: a digit or letter by Luhn.
fn spanish_company(text: &[u8]) -> bool {
    let digits = text.get(1..8).unwrap_or_default();
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(place, byte)| {
            let value = place_value(*byte) * if place % 2 == 0 { 2 } else { 1 };
            value / 10 + value % 10
        })
        .sum();
    let check = (10 - sum % 10) % 10;
    let letter = usize::try_from(check).ok().and_then(|check| b"JABCDEFGHI".get(check));
    digit(text, 8) == check || text.get(8) == letter
}

/// Polish NIP.
pub fn pl_nip(text: &[u8]) -> bool {
    text.len() == 10 && weighted(text, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == digit(text, 9)
}

/// British unique taxpayer reference: the check digit first.
pub fn uk_utr(text: &[u8]) -> bool {
    let rest = weighted(text.get(1..).unwrap_or_default(), &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    let checks = b"21987654321";
    usize::try_from(rest).ok().and_then(|rest| checks.get(rest)) == text.first()
}

/// Italian partita IVA.
pub fn it_vat(text: &[u8]) -> bool {
    text.len() == 11 && luhn_text(text)
}

/// Brazilian CNPJ.
pub fn cnpj(text: &[u8]) -> bool {
    br_cnpj(text)
}

/// US routing number (ABA): the Federal Reserve's ranges, weights 3 7 1.
pub fn us_routing(text: &[u8]) -> bool {
    matches!(number(text, 0..2), 0..=12 | 21..=32 | 61..=72 | 80)
        && weighted(text, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// French RIB: bank, branch, account with letters, key by mod 97. Letters count 1 to 9, from S on 2 to 9.
pub fn fr_rib(text: &[u8]) -> bool {
    let rest = text.iter().fold(0u32, |rest, byte| {
        let value = match byte {
            b'A'..=b'R' => u32::from(byte - b'A') % 9 + 1,
            b'S'..=b'Z' => u32::from(byte - b'S') + 2,
            _ => place_value(*byte),
        };
        (rest * 10 + value) % 97
    });
    text.len() == 23 && rest == 0
}

/// Cards that are letters and digits without an order: digits enough to be no word.
pub fn card(text: &[u8]) -> bool {
    text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
}

/// Mexican CLABE: weights 3 7 1.
pub fn mx_clabe(text: &[u8]) -> bool {
    let sum: u32 = text
        .iter()
        .take(17)
        .zip([3, 7, 1].into_iter().cycle())
        .map(|(byte, weight)| place_value(*byte) * weight % 10)
        .sum();
    text.len() == 18 && (10 - sum % 10) % 10 == digit(text, 17)
}

/// Passport numbers have digits enough to be no word.
pub fn passport(text: &[u8]) -> bool {
    text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 5
}

/// British driving licence: letters of the surname, birth date with 50 more in the month for women.
pub fn uk_licence(text: &[u8]) -> bool {
    let month = number(text, 6..8) % 50;
    (1..=12).contains(&month) && (1..=31).contains(&number(text, 8..10))
}
