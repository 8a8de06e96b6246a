//! Check digits and structure of the Americas' numbers.

use super::super::checksums::{digit, is_day, luhn_text, number, weighted};

/// US social security number, or ITIN, by their own rules.
pub fn us_ssn(text: &[u8]) -> bool {
    let (area, group, serial) = (number(text, 0..3), number(text, 3..5), number(text, 5..9));
    let ssn = !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0;
    let itin = area >= 900 && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99);
    ssn || itin
}

/// Canadian social insurance number.
pub fn ca_sin(text: &[u8]) -> bool {
    !text.starts_with(b"8") && luhn_text(text)
}

/// Mexican CURP: letters of the name, birth date, sex, state, consonants.
pub fn mx_curp(text: &[u8]) -> bool {
    let letter = |at: usize, one_of: &[u8]| text.get(at).is_some_and(|byte| one_of.contains(byte));
    text.len() == 18
        && is_day(number(text, 6..8), number(text, 8..10))
        && letter(10, b"HMX")
        && text.get(11..16).is_some_and(|letters| letters.iter().all(u8::is_ascii_uppercase))
        && digit(text, 17) < 10
}

/// Mexican RFC: letters of the name and a date.
pub fn mx_rfc(text: &[u8]) -> bool {
    let letters = text.len().saturating_sub(9);
    is_day(number(text, letters + 2..letters + 4), number(text, letters + 4..letters + 6))
}

/// Brazilian CPF: two check digits by mod 11. Eleven times the same digit agrees and is nobody's.
pub fn br_cpf(text: &[u8]) -> bool {
    let check = |digits: u32| {
        let weights: Vec<u32> = (2..digits + 2).rev().collect();
        weighted(text, &weights) * 10 % 11 % 10
    };
    let same = text.iter().all(|byte| Some(byte) == text.first());
    text.len() == 11 && !same && check(9) == digit(text, 9) && check(10) == digit(text, 10)
}

/// Brazilian CNPJ, with letters since 2026.
pub fn br_cnpj(text: &[u8]) -> bool {
    let check = |weights: &[u32]| {
        let sum: u32 =
            text.iter().zip(weights).map(|(byte, weight)| u32::from(byte.wrapping_sub(b'0')) * weight).sum();
        if sum % 11 < 2 { 0 } else { 11 - sum % 11 }
    };
    text.len() == 14
        && check(&[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == digit(text, 12)
        && check(&[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == digit(text, 13)
}

/// Argentinian CUIL and CUIT.
pub fn ar_cuil(text: &[u8]) -> bool {
    let check = (11 - weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    matches!(number(text, 0..2), 20 | 23 | 24 | 25 | 26 | 27 | 30 | 33 | 34) && check == digit(text, 10)
}

/// Chilean RUT: mod 11, K for ten.
pub fn cl_rut(text: &[u8]) -> bool {
    let Some((check, digits)) = text.split_last() else { return false };
    let sum: u32 = digits
        .iter()
        .rev()
        .zip((2..=7).cycle())
        .map(|(byte, weight)| u32::from(byte.wrapping_sub(b'0')) * weight)
        .sum();
    match (11 - sum % 11) % 11 {
        10 => *check == b'K',
        expected => digit(&[*check], 0) == expected,
    }
}

/// US employer identification number: prefixes that the IRS gives.
pub fn us_ein(text: &[u8]) -> bool {
    !matches!(
        number(text, 0..2),
        0 | 7 | 8 | 9 | 17 | 18 | 19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97
    )
}
