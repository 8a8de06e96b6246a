//! Amounts as people write them: `0.1`, `5m`, `64KiB`, `80%`; read exactly, without a float on the way.
//!
//! Numbers come as text from every source, because Envoy hands some of them over as strings. Knows no paths and no
//! policy: what is wrong is said as a [`Fault`], and the caller says where.

use std::fmt;

/// Digits before which an amount is given up: 10^38 is the last power of ten in the arithmetic used.
const MOST_DIGITS: usize = 38;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    NotANumber,
    Negative,
    /// More decimals than the unit has.
    TooFine,
    TooLarge,
    NotADuration,
    DurationWithoutUnit,
    NotASize,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "is not a number",
            Self::Negative => "is negative",
            Self::TooFine => "has too many decimals",
            Self::TooLarge => "is too large",
            Self::NotADuration => "is not a duration; write it like \"30s\", \"5m\", \"24h\"",
            Self::DurationWithoutUnit => "has no unit; write it like \"30s\", \"5m\", \"24h\"",
            Self::NotASize => "is not a size; write it like \"64KiB\", \"32MiB\", or in bytes",
        })
    }
}

/// A decimal number times 10^`scale`, exactly: `("0.1", 6)` is 100000.
pub(super) fn decimal(text: &str, scale: i32) -> Result<u64, Fault> {
    let number = Decimal::read(text).ok_or(Fault::NotANumber)?;
    if number.digits.is_empty() {
        return Ok(0);
    }
    if number.negative {
        return Err(Fault::Negative);
    }
    let zeros = number.exponent.saturating_add(scale);
    let zeros = usize::try_from(zeros).map_err(|_| Fault::TooFine)?;
    if number.digits.len().saturating_add(zeros) > MOST_DIGITS {
        return Err(Fault::TooLarge);
    }
    let whole: u128 = number.digits.parse().map_err(|_| Fault::TooLarge)?;
    let power =
        u32::try_from(zeros).ok().and_then(|zeros| 10_u128.checked_pow(zeros)).ok_or(Fault::TooLarge)?;
    whole.checked_mul(power).and_then(|value| u64::try_from(value).ok()).ok_or(Fault::TooLarge)
}

/// The same text for the same number however it was written: `50`, `50.0` and `5e1` are `5e1`. `None`: no number.
pub(super) fn canonical_number(text: &str) -> Option<String> {
    let Decimal { negative, digits, exponent } = Decimal::read(text)?;
    Some(match digits.as_str() {
        "" => "0".to_owned(),
        _ => format!("{}{digits}e{exponent}", if negative { "-" } else { "" }),
    })
}

/// Milliseconds.
pub(super) fn duration(text: &str) -> Result<u64, Fault> {
    let (amount, unit) = split_unit(text);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" if !amount.is_empty() => return Err(Fault::DurationWithoutUnit),
        _ => return Err(Fault::NotADuration),
    };
    whole(amount, factor, Fault::NotADuration)
}

/// Bytes.
pub(super) fn size(text: &str) -> Result<u64, Fault> {
    let (amount, unit) = split_unit(text);
    let factor = match unit {
        "" | "B" => 1,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(Fault::NotASize),
    };
    whole(amount, factor, Fault::NotASize)
}

fn split_unit(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

fn whole(digits: &str, factor: u64, otherwise: Fault) -> Result<u64, Fault> {
    if digits.is_empty() {
        return Err(otherwise);
    }
    let amount: u64 = digits.parse().map_err(|_| Fault::TooLarge)?;
    amount.checked_mul(factor).ok_or(Fault::TooLarge)
}

/// `digits` × 10^`exponent`, with neither leading nor trailing zeros; zero has no digits.
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Decimal {
    fn read(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
            None => (rest, 0),
        };
        let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = before.bytes().chain(after.bytes()).all(|byte| byte.is_ascii_digit());
        if !all_digits || (before.is_empty() && after.is_empty()) {
            return None;
        }
        let digits = format!("{before}{after}");
        let kept = digits.trim_end_matches('0');
        let exponent = i32::from(exponent)
            .checked_sub(i32::try_from(after.len()).ok()?)?
            .checked_add(i32::try_from(digits.len() - kept.len()).ok()?)?;
        Some(Self { negative, digits: kept.trim_start_matches('0').to_owned(), exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_to_the_micro_dollar_exactly() {
        for (text, micro) in [
            ("0.1", 100_000),
            ("2.5", 2_500_000),
            ("15.0", 15_000_000),
            ("50", 50_000_000),
            ("0", 0),
            ("-0.0", 0),
            ("0.000001", 1),
            ("1e-6", 1),
            ("1.1", 1_100_000),
            ("20000", 20_000_000_000),
            ("0.2500000000000000000000000000000000000000000", 250_000),
            ("18446744073709.551615", u64::MAX),
        ] {
            assert_eq!(decimal(text, 6), Ok(micro), "{text}");
        }
        assert_eq!(decimal("0.0000001", 6), Err(Fault::TooFine));
        assert_eq!(decimal("18446744073709.551616", 6), Err(Fault::TooLarge));
        assert_eq!(decimal("1e400", 6), Err(Fault::TooLarge));
        assert_eq!(decimal("1e99999", 6), Err(Fault::NotANumber));
        assert_eq!(decimal("-1", 6), Err(Fault::Negative));
        for text in ["", ".", "1_000", "1,5", "$5", "0x10", "1e", "NaN", "inf", "1.2.3", "١"] {
            assert_eq!(decimal(text, 6), Err(Fault::NotANumber), "{text}");
        }
    }

    #[test]
    fn durations_and_sizes_have_units() {
        assert_eq!(duration("30s"), Ok(30_000));
        assert_eq!(duration("10ms"), Ok(10));
        assert_eq!(duration("7d"), Ok(604_800_000));
        assert_eq!(duration("30"), Err(Fault::DurationWithoutUnit));
        assert_eq!(duration("5 min"), Err(Fault::NotADuration));
        assert_eq!(duration("s"), Err(Fault::NotADuration));
        assert_eq!(duration(""), Err(Fault::NotADuration));
        assert_eq!(duration("99999999999999999999d"), Err(Fault::TooLarge));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("1MB"), Ok(1_000_000));
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("64K"), Err(Fault::NotASize));
        assert_eq!(size("KiB"), Err(Fault::NotASize));
    }

    #[test]
    fn one_number_has_one_canonical_text() {
        for text in ["50", "50.0", "5e1", "+50", "050"] {
            assert_eq!(canonical_number(text).as_deref(), Some("5e1"), "{text}");
        }
        assert_eq!(canonical_number("-0.0").as_deref(), Some("0"));
        assert_eq!(canonical_number("gpt-5"), None);
    }
}
