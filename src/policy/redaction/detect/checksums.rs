//! The arithmetic that tells a number with a purpose from any other.

use std::ops::Range;

/// Luhn (ISO/IEC 7812-1, annex B): payment cards.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits.iter().rev().enumerate().fold(0, |sum, (place, digit)| {
        let digit = u32::from(*digit);
        sum + match place % 2 {
            0 => digit,
            _ if digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        }
    });
    sum.is_multiple_of(10)
}

/// ISO 7064 mod 97-10 over an IBAN's letters and digits (ISO 13616): the first four characters count last.
pub(super) fn iban_mod_97(iban: &[u8]) -> bool {
    let Some((head, rest)) = iban.split_at_checked(4) else { return false };
    let remainder = rest.iter().chain(head).try_fold(0u32, |remainder, byte| match byte {
        b'0'..=b'9' => Some((remainder * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((remainder * 100 + u32::from(byte - b'A') + 10) % 97),
        b'a'..=b'z' => Some((remainder * 100 + u32::from(byte - b'a') + 10) % 97),
        _ => None,
    });
    remainder == Some(1)
}

/// Length of a country's IBAN (SWIFT IBAN registry), by its two upper-case letters.
pub(super) fn iban_len(country: [u8; 2]) -> Option<usize> {
    let len = match &country {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FI" | b"FK" | b"FO" | b"GL" | b"NL" | b"SD" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"MN" | b"XK" => 20,
        b"CH" | b"HR" | b"LI" | b"LV" => 21,
        b"BG" | b"BH" | b"CR" | b"DE" | b"GB" | b"GE" | b"IE" | b"ME" | b"RS" | b"VA" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"OM" | b"SO" | b"TL" => 23,
        b"AD" | b"CZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VG" => 24,
        b"LY" | b"PT" | b"ST" => 25,
        b"IS" | b"TR" => 26,
        b"BI" | b"DJ" | b"FR" | b"GR" | b"IT" | b"MC" | b"MR" | b"SM" => 27,
        b"AL" | b"AZ" | b"BY" | b"CY" | b"DO" | b"GT" | b"HN" | b"HU" | b"LB" | b"NI" | b"PL" | b"SV" => 28,
        b"BR" | b"EG" | b"PS" | b"QA" | b"UA" => 29,
        b"JO" | b"KW" | b"MU" | b"YE" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        b"RU" => 33,
        _ => return None,
    };
    Some(len)
}

/// The value of a digit, or of a letter as ISO 7064 counts them: A is 10.
pub(super) fn place_value(byte: u8) -> u32 {
    u32::from(match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'Z' => byte - b'A' + 10,
        _ => 0,
    })
}

/// Luhn over ASCII digits.
pub(super) fn luhn_text(text: &[u8]) -> bool {
    let digits: Vec<u8> = text.iter().map(|byte| byte.wrapping_sub(b'0')).collect();
    luhn(&digits)
}

/// The digits (letters as ISO 7064 counts them) times their weights, in sum; as many as there are weights.
pub(super) fn weighted(text: &[u8], weights: &[u32]) -> u32 {
    text.iter().zip(weights).map(|(byte, weight)| place_value(*byte) * weight).sum()
}

/// The number that some of the digits make, as many of them as there are.
pub(super) fn number(text: &[u8], range: Range<usize>) -> u64 {
    let digits = text.iter().take(range.end).skip(range.start).take(18);
    digits.fold(0, |number, byte| number * 10 + u64::from(place_value(*byte)))
}

/// The digit at a place; ten, which no check digit is, where there is none.
pub(super) fn digit(text: &[u8], at: usize) -> u32 {
    text.get(at).filter(|byte| byte.is_ascii_digit()).map_or(10, |byte| place_value(*byte))
}

/// Month and day of some year.
pub(super) fn is_day(month: u64, day: u64) -> bool {
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// ISO 7064 mod 11,10, the check digit last: German tax numbers, Croatian OIB.
pub(super) fn mod_11_10(text: &[u8]) -> bool {
    let Some((check, digits)) = text.split_last() else { return false };
    let product = digits.iter().fold(10, |product, byte| {
        let sum = (place_value(*byte) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == place_value(*check)
}

/// ISO 7064 mod 11-2, the check character last, X for ten: Chinese identity cards.
pub(super) fn mod_11_2(text: &[u8]) -> bool {
    let Some((check, digits)) = text.split_last() else { return false };
    let sum = digits.iter().fold(0, |sum, byte| (sum + place_value(*byte)) * 2 % 11);
    let check = if *check == b'X' { 10 } else { place_value(*check) };
    (sum + check) % 11 == 1
}

/// Verhoeff's dihedral check, the check digit last: Aadhaar.
pub(super) fn verhoeff(text: &[u8]) -> bool {
    // Multiplication in the dihedral group of ten elements.
    let times = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    const STEP: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let step =
        |digit: u32| usize::try_from(digit).ok().and_then(|digit| STEP.get(digit)).copied().unwrap_or(0);
    let sum = text.iter().rev().enumerate().fold(0, |sum, (place, byte)| {
        let permuted = (0..place % 8).fold(place_value(*byte), |digit, _| step(digit));
        times(sum, permuted)
    });
    sum == 0
}

/// EAN-13 (GS1), the check digit last.
pub(super) fn ean_13(text: &[u8]) -> bool {
    text.len() == 13 && weighted(text, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().map(|byte| byte - b'0').collect()
    }

    #[test]
    fn luhn_catches_every_changed_digit() {
        let card = digits("4111111111111111");
        assert!(luhn(&card));
        for place in 0..card.len() {
            let mut changed = card.clone();
            changed[place] = (changed[place] + 1) % 10;
            assert!(!luhn(&changed), "{changed:?}");
        }
    }

    #[test]
    fn an_iban_is_checked_with_its_country_and_check_digits_last() {
        for iban in
            ["DE89370400440532013000", "GB82WEST12345698765432", "nl91abna0417164300", "NO9386011117947"]
        {
            assert!(iban_mod_97(iban.as_bytes()), "{iban}");
            let country = [iban.as_bytes()[0], iban.as_bytes()[1]].map(|byte| byte.to_ascii_uppercase());
            assert_eq!(iban_len(country), Some(iban.len()));
        }
        assert!(!iban_mod_97(b"DE88370400440532013000"));
        assert!(!iban_mod_97(b"DE"));
    }

    #[test]
    fn published_samples_agree_and_changed_ones_do_not() {
        type Scheme = fn(&[u8]) -> bool;
        let schemes: [(&str, Scheme); 5] = [
            ("86095742719", mod_11_10),
            ("11010519491231002X", mod_11_2),
            ("2363", verhoeff),
            ("4006381333931", ean_13),
            ("7992739871 3", |text| {
                luhn_text(&text.iter().copied().filter(|byte| *byte != b' ').collect::<Vec<_>>())
            }),
        ];
        for (text, agrees) in schemes {
            assert!(agrees(text.as_bytes()), "{text}");
            for place in 0..text.len() {
                let mut changed = text.as_bytes().to_vec();
                if changed[place].is_ascii_digit() {
                    changed[place] = b'0' + (changed[place] - b'0' + 1) % 10;
                    assert!(!agrees(&changed), "{}", String::from_utf8_lossy(&changed));
                }
            }
        }
    }

    #[test]
    fn a_day_is_of_the_calendar() {
        assert!(is_day(2, 29) && is_day(12, 31) && is_day(4, 30));
        assert!(!is_day(2, 30) && !is_day(13, 1) && !is_day(0, 1) && !is_day(4, 31) && !is_day(1, 0));
    }
}
