//! Check digits and structure of the numbers of Asia, Africa and Oceania.

use super::super::checksums::{digit, is_day, luhn_text, mod_11_2, number, place_value, verhoeff, weighted};

/// Chinese resident identity number: province, birth date, serial, ISO 7064 mod 11-2.
pub fn cn_resident(text: &[u8]) -> bool {
    let province = matches!(number(text, 0..2), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83);
    let born =
        matches!(number(text, 6..10), 1900..=2035) && is_day(number(text, 10..12), number(text, 12..14));
    province
        && born
        && text.get(..17).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
        && mod_11_2(text)
}

/// Taiwanese identity number: a letter of the region, sex, serial, check digit.
pub fn tw_identity(text: &[u8]) -> bool {
    let Some(letter) = text.first() else { return false };
    let region = b"ABCDEFGHJKLMNPQRSTUVXYWZIO".iter().position(|known| known == letter);
    let region = region.and_then(|region| u32::try_from(region).ok()).unwrap_or(0) + 10;
    let sum = region / 10
        + region % 10 * 9
        + weighted(text.get(1..).unwrap_or_default(), &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    matches!(text.get(1), Some(b'1' | b'2' | b'8' | b'9')) && sum.is_multiple_of(10)
}

/// Hong Kong identity card: one or two letters, six digits, a check digit or A.
pub fn hk_identity(text: &[u8]) -> bool {
    let Some((check, rest)) = text.split_last() else { return false };
    let lead = if rest.len() == 7 { 36 * 9 } else { 0 };
    let weights: Vec<u32> = (2..=u32::try_from(rest.len()).unwrap_or(0) + 1).rev().collect();
    let sum = lead + weighted(rest, &weights);
    let check = if *check == b'A' { 10 } else { digit(&[*check], 0) + u32::from(!check.is_ascii_digit()) };
    (sum + check).is_multiple_of(11)
}

/// Japanese individual number ("my number").
pub fn jp_my_number(text: &[u8]) -> bool {
    let rest = weighted(text, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    digit(text, 11) == if rest < 2 { 0 } else { 11 - rest }
}

/// South Korean resident registration: birth date, sex and century; the check digit holds for those before 2020.
pub fn kr_resident(text: &[u8]) -> bool {
    kr_birth(text)
        && (11 - weighted(text, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10 == digit(text, 12)
}

/// The same without its check digit.
pub fn kr_birth(text: &[u8]) -> bool {
    is_day(number(text, 2..4), number(text, 4..6)) && matches!(text.get(6), Some(b'1'..=b'8'))
}

/// Indian Aadhaar.
pub fn in_aadhaar(text: &[u8]) -> bool {
    text.len() == 12 && !matches!(text.first(), Some(b'0' | b'1')) && verhoeff(text)
}

/// Indian permanent account number: the fourth letter is the holder's kind.
pub fn in_pan(text: &[u8]) -> bool {
    text.get(3).is_some_and(|kind| b"PCHFATBLJG".contains(kind))
}

/// A person's, which is what stands in texts.
pub fn in_pan_person(text: &[u8]) -> bool {
    text.get(3) == Some(&b'P') && number(text, 5..9) > 0
}

/// Singapore's NRIC and FIN.
pub fn sg_nric(text: &[u8]) -> bool {
    let (Some(series), Some(check)) = (text.first(), text.last()) else { return false };
    let (lead, alphabet): (u32, &[u8; 11]) = match series {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"KLJNPQRTUWX"),
        _ => return false,
    };
    let rest = (lead + weighted(text.get(1..).unwrap_or_default(), &[2, 7, 6, 5, 4, 3, 2])) % 11;
    let place = usize::try_from(if *series == b'M' { 10 - rest } else { rest }).ok();
    place.and_then(|place| alphabet.get(place)) == Some(check)
}

/// Malaysian MyKad: birth date, place of birth.
pub fn my_kad(text: &[u8]) -> bool {
    is_day(number(text, 2..4), number(text, 4..6)) && matches!(number(text, 6..8), 1..=16 | 21..=59 | 82)
}

/// Thai citizen's number.
pub fn th_citizen(text: &[u8]) -> bool {
    let sum = weighted(text, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    matches!(text.first(), Some(b'1'..=b'8')) && (11 - sum % 11) % 10 == digit(text, 12)
}

/// Indonesian NIK: region, birth date with 40 more for women, serial.
pub fn id_nik(text: &[u8]) -> bool {
    let day = number(text, 6..8);
    matches!(number(text, 0..2), 11..=21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=96)
        && is_day(number(text, 8..10), if day > 40 { day - 40 } else { day })
}

/// Israeli identity number.
pub fn il_identity(text: &[u8]) -> bool {
    luhn_text(text)
}

/// Emirates identity card: 784, year of birth, Luhn.
pub fn ae_identity(text: &[u8]) -> bool {
    text.starts_with(b"784") && matches!(number(text, 3..7), 1900..=2035) && luhn_text(text)
}

/// South African identity number: birth date, citizenship, Luhn.
pub fn za_identity(text: &[u8]) -> bool {
    is_day(number(text, 2..4), number(text, 4..6))
        && matches!(text.get(10), Some(b'0'..=b'2'))
        && luhn_text(text)
}

/// Australian tax file number.
pub fn au_tfn(text: &[u8]) -> bool {
    text.len() == 9 && weighted(text, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

/// Australian business number.
pub fn au_abn(text: &[u8]) -> bool {
    let sum = weighted(text, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    !text.starts_with(b"0") && sum >= 10 && (sum - 10).is_multiple_of(89)
}

/// Indian GSTIN: state, PAN, and a check character in base 36.
pub fn in_gstin(text: &[u8]) -> bool {
    let sum: u32 = text
        .iter()
        .take(14)
        .zip([1, 2].into_iter().cycle())
        .map(|(byte, factor)| {
            let product = place_value(*byte) * factor;
            product / 36 + product % 36
        })
        .sum();
    (1..=38).contains(&number(text, 0..2))
        && text.last().is_some_and(|check| place_value(*check) == (36 - sum % 36) % 36)
}
