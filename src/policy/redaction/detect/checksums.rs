//! The arithmetic that tells a number with a purpose from any other.

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
}
