//! Check digits and structure of Europe's numbers. Values come without separators and in upper case.

use super::super::checksums::{digit, ean_13, is_day, luhn_text, mod_11_10, number, place_value, weighted};

/// The letters of a two-digit year, month, day.
fn born(text: &[u8], year: usize) -> bool {
    is_day(number(text, year + 2..year + 4), number(text, year + 4..year + 6))
}

/// Day, month, two-digit year.
fn born_day_first(text: &[u8]) -> bool {
    is_day(number(text, 2..4), number(text, 0..2))
}

fn check_letter(text: &[u8], alphabet: &[u8], value: u64) -> bool {
    let expected = usize::try_from(value).ok().and_then(|value| alphabet.get(value));
    expected.is_some() && expected == text.last()
}

/// National insurance number: prefixes that HMRC does not give are left out.
pub fn uk_nino(text: &[u8]) -> bool {
    let [one, two, .., suffix] = text else { return false };
    let unused: [&[u8]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    !b"DFIQUV".contains(one)
        && !b"DFIOQUV".contains(two)
        && !unused.iter().any(|prefix| text.starts_with(prefix))
        && (b'A'..=b'D').contains(suffix)
}

/// PPS number: a letter by mod 23, and since 2013 another that counts nine times.
pub fn ie_pps(text: &[u8]) -> bool {
    let letter = |byte: &u8| if *byte == b'W' { 0 } else { u32::from(byte.wrapping_sub(b'A')) + 1 };
    let second = text.get(8).map_or(0, letter);
    let sum = weighted(text, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second;
    text.get(7)
        .is_some_and(|check| letter(check) == sum % 23 && check.is_ascii_uppercase() && letter(check) <= 23)
}

/// Steuerliche Identifikationsnummer: of the first ten digits one comes twice or three times, the others once at most.
pub fn de_tax_id(text: &[u8]) -> bool {
    let count = |wanted: u8| text.iter().take(10).filter(|byte| **byte == wanted).count();
    let counts: Vec<usize> = (b'0'..=b'9').map(count).collect();
    let repeated = counts.iter().filter(|count| **count > 1).count();
    let most = counts.iter().max().copied().unwrap_or(0);
    !text.starts_with(b"0") && repeated == 1 && (2..=3).contains(&most) && mod_11_10(text)
}

/// Rentenversicherungsnummer: area, birth date, first letter of the name, serial, check digit.
pub fn de_pension(text: &[u8]) -> bool {
    let Some(letter) = text.get(8) else { return false };
    let letter = u64::from(letter.wrapping_sub(b'A')) + 1;
    let digits = [number(text, 0..8), letter, number(text, 9..11)];
    let plain = format!("{:08}{:02}{:02}", digits[0], digits[1], digits[2]);
    let weights = [2u32, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let sum: u32 = plain
        .bytes()
        .zip(weights)
        .map(|(byte, weight)| {
            let product = place_value(byte) * weight;
            product / 10 + product % 10
        })
        .sum();
    let day = number(text, 2..4);
    is_day(number(text, 4..6), if day > 50 { day - 50 } else { day }) && sum % 10 == digit(text, 11)
}

/// German identity cards and passports: letters that cannot be misread, weights 7 3 1 (ICAO 9303), the check digit
/// last.
pub fn de_document(text: &[u8]) -> bool {
    let readable = |byte: &u8| byte.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(byte);
    text.len() == 10 && text.iter().all(readable) && icao_check(text)
}

/// The check digit of machine-readable documents (ICAO 9303), last.
pub fn icao_check(text: &[u8]) -> bool {
    let Some((check, rest)) = text.split_last() else { return false };
    let sum: u32 = rest
        .iter()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(byte, weight)| place_value(*byte) * weight)
        .sum();
    check.is_ascii_digit() && sum % 10 == place_value(*check)
}

/// Austrian social security: three digits, a check digit, the birth date.
pub fn at_svnr(text: &[u8]) -> bool {
    let sum = weighted(text, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    (1..=31).contains(&number(text, 4..6))
        && (1..=15).contains(&number(text, 6..8))
        && sum % 11 == digit(text, 3)
}

/// Swiss AHV number: country code 756, EAN-13.
pub fn ch_ahv(text: &[u8]) -> bool {
    text.starts_with(b"756") && ean_13(text)
}

/// French NIR: sex, year, month, department, commune, order; mod 97. Corsica's letters stand for 19 and 18.
pub fn fr_nir(text: &[u8]) -> bool {
    let mut digits = text.to_vec();
    if let Some(department) = digits.get_mut(5..7) {
        match department {
            [b'2', b'A'] => department.copy_from_slice(b"19"),
            [b'2', b'B'] => department.copy_from_slice(b"18"),
            _ => {}
        }
    }
    let month = number(&digits, 3..5);
    let born = matches!(month, 1..=12 | 20..=42 | 50..=99);
    let digits_only = digits.iter().all(u8::is_ascii_digit);
    let key = 97 - number(&digits, 0..13) % 97;
    matches!(digits.first(), Some(b'1'..=b'4' | b'7' | b'8'))
        && born
        && digits_only
        && key == number(&digits, 13..15)
}

/// French tax number: the last three digits are the first ten by mod 511.
pub fn fr_tax(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'0'..=b'3')) && number(text, 0..10) % 511 == number(text, 10..13)
}

/// Spanish DNI and NIE: the letter by mod 23; X, Y, Z of foreigners stand for 0, 1, 2.
pub fn es_dni(text: &[u8]) -> bool {
    let (lead, rest) = match text.first() {
        Some(first @ b'X'..=b'Z') => (u64::from(first - b'X') * 10_000_000, text.get(1..8)),
        _ => (0, text.get(..8)),
    };
    let Some(digits) = rest.filter(|rest| rest.iter().all(u8::is_ascii_digit)) else { return false };
    check_letter(text, b"TRWAGMYFPDXBNJZSQVHLCKE", (lead + number(digits, 0..8)) % 23)
}

/// Italian codice fiscale: a month's letter, a day that is 40 more for women. Its shape is like no other; the last
/// letter checks the rest, and is often wrong in test data.
pub fn it_fiscal_code(text: &[u8]) -> bool {
    text.get(8).is_some_and(|month| b"ABCDEHLMPRST".contains(month))
        && matches!(number(text, 9..11), 1..=31 | 41..=71)
}

/// Portuguese NIF: mod 11, nine down to two.
pub fn pt_nif(text: &[u8]) -> bool {
    let check = (11 - weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10;
    matches!(text.first(), Some(b'1'..=b'3' | b'5' | b'6' | b'8' | b'9')) && check == digit(text, 8)
}

/// Cartão de cidadão: Luhn with letters, every second from the right doubled.
pub fn pt_card(text: &[u8]) -> bool {
    let sum: u32 = text
        .iter()
        .rev()
        .enumerate()
        .map(|(place, byte)| match (place % 2, place_value(*byte)) {
            (0, value) => value,
            (_, value) if value > 4 => value * 2 - 9,
            (_, value) => value * 2,
        })
        .sum();
    text.len() == 12 && sum.is_multiple_of(10)
}

/// Dutch BSN: the eleven test.
pub fn nl_bsn(text: &[u8]) -> bool {
    let sum = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]);
    text.len() == 9 && sum > 0 && sum % 11 == digit(text, 8)
}

/// Belgian national register: birth date, serial, mod 97; from 2000 on with a 2 before.
pub fn be_register(text: &[u8]) -> bool {
    let (rest, check) = (number(text, 0..9), number(text, 9..11));
    let month = number(text, 2..4);
    let day = is_day(
        if month >= 40 {
            month - 40
        } else if month >= 20 {
            month - 20
        } else {
            month
        },
        number(text, 4..6),
    );
    day && (97 - rest % 97 == check || 97 - (2_000_000_000 + rest) % 97 == check)
}

/// The Belgian number's date only: its punctuation is like no other.
pub fn be_register_date(text: &[u8]) -> bool {
    born(text, 0)
}

/// Polish PESEL: weights 1 3 7 9; the month says the century.
pub fn pl_pesel(text: &[u8]) -> bool {
    let sum = weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    is_day(number(text, 2..4) % 20, number(text, 4..6)) && sum.is_multiple_of(10)
}

/// Polish identity card: three letters, a check digit, five digits.
pub fn pl_card(text: &[u8]) -> bool {
    weighted(text, &[7, 3, 1, 9, 7, 3, 1, 7, 3]).is_multiple_of(10)
}

/// Swedish personnummer: Luhn over the last ten; the day is 60 more for those not registered.
pub fn se_personal(text: &[u8]) -> bool {
    let Some(text) = text.get(text.len().saturating_sub(10)..) else { return false };
    let day = number(text, 4..6);
    is_day(number(text, 2..4), if day > 60 { day - 60 } else { day }) && luhn_text(text)
}

/// Norwegian fødselsnummer: two check digits by mod 11.
pub fn no_birth(text: &[u8]) -> bool {
    let day = number(text, 0..2);
    let one = weighted(text, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
    let two = weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
    is_day(number(text, 2..4), if day > 40 { day - 40 } else { day })
        && one.is_multiple_of(11)
        && two.is_multiple_of(11)
}

/// Danish CPR: since 2007 without check digit.
pub fn dk_cpr(text: &[u8]) -> bool {
    born_day_first(text)
}

/// Finnish henkilötunnus: the last character by mod 31; a sign says the century.
pub fn fi_personal(text: &[u8]) -> bool {
    let text: Vec<u8> = text
        .iter()
        .enumerate()
        .filter(|(place, byte)| *place != 6 || byte.is_ascii_digit())
        .map(|(_, byte)| *byte)
        .collect();
    born_day_first(&text) && check_letter(&text, b"0123456789ABCDEFHJKLMNPRSTUVWXY", number(&text, 0..9) % 31)
}

/// Czech and Slovak birth number: mod 11; the month is 50 more for women.
pub fn cz_birth(text: &[u8]) -> bool {
    let month = number(text, 2..4) % 50;
    let month = if month > 20 { month - 20 } else { month };
    let all = number(text, 0..10);
    is_day(month, number(text, 4..6)) && (text.len() == 9 || all.is_multiple_of(11))
}

/// Romanian CNP: sex and century, birth date, county, check digit.
pub fn ro_cnp(text: &[u8]) -> bool {
    let check = weighted(text, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    let check = if check == 10 { 1 } else { check };
    born(text, 1) && (1..=52).contains(&number(text, 7..9)) && check == digit(text, 12)
}

/// Estonian and Lithuanian personal code.
pub fn baltic(text: &[u8]) -> bool {
    let one = weighted(text, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let two = weighted(text, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
    let check = if one < 10 { one } else { two % 10 };
    matches!(text.first(), Some(b'1'..=b'6')) && born(text, 1) && check == digit(text, 10)
}

/// Bulgarian EGN: the month says the century.
pub fn bg_egn(text: &[u8]) -> bool {
    let check = weighted(text, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10;
    is_day(number(text, 2..4) % 20, number(text, 4..6)) && check == digit(text, 9)
}

/// Croatian OIB.
pub fn hr_oib(text: &[u8]) -> bool {
    text.len() == 11 && mod_11_10(text)
}

/// Turkish kimlik number: two check digits.
pub fn tr_kimlik(text: &[u8]) -> bool {
    let odd = weighted(text, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(text, &[0, 1, 0, 1, 0, 1, 0, 1]);
    let tenth = (7 * odd + 90 - even) % 10;
    !text.starts_with(b"0") && tenth == digit(text, 9) && (odd + even + tenth) % 10 == digit(text, 10)
}

/// Russian SNILS: weights nine down to one, mod 101.
pub fn ru_snils(text: &[u8]) -> bool {
    let sum = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101;
    number(text, 9..11) == u64::from(sum % 100)
}

/// Russian INN of a person (twelve digits) or a company (ten).
pub fn ru_inn(text: &[u8]) -> bool {
    let check = |weights: &[u32]| weighted(text, weights) % 11 % 10;
    match text.len() {
        10 => check(&[2, 4, 10, 3, 5, 9, 4, 6, 8]) == digit(text, 9),
        _ => {
            check(&[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == digit(text, 10)
                && check(&[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == digit(text, 11)
        }
    }
}
