//! When a provider says that it may be asked again: in a header, in a field, or in so many words.

use crate::wire::http::Headers;
use crate::wire::json::Node;

/// Milliseconds from now. A limit that lets go later than the other one is the one that counts.
pub(super) fn in_headers(headers: &Headers) -> Option<u64> {
    let header = |name: &str| headers.get_str(name).map(str::trim);
    if let Some(millis) = header("retry-after-ms").and_then(|text| scaled(text, 1)) {
        return Some(millis);
    }
    if let Some(text) = header("retry-after") {
        return scaled(text, 1_000).or_else(|| Some(date_ms(text)?.saturating_sub(now_ms(headers)?)));
    }
    // OpenAI writes durations here. Azure writes bare numbers that are seconds or milliseconds: nobody can tell.
    let left = |what: &str| {
        let used_up = header(&format!("x-ratelimit-remaining-{what}")).is_none_or(|left| left == "0");
        header(&format!("x-ratelimit-reset-{what}")).filter(|_| used_up).and_then(duration_ms)
    };
    left("requests").max(left("tokens"))
}

/// The same in an error's own members.
pub(super) fn in_error(error: Node<'_>, headers: Option<&Headers>) -> Option<u64> {
    let details = error.get("details").into_iter().flat_map(|details| details.items());
    let delay =
        details.filter_map(|detail| detail.get("retryDelay")?.as_str()).find_map(|it| duration_ms(&it));
    // OpenRouter hands on a header of its own: an instant in Unix milliseconds.
    let reset = || {
        let reset = error.path(&["metadata", "headers", "X-RateLimit-Reset"])?;
        let at = reset.as_str().map_or_else(|| reset.as_u64(), |text| scaled(&text, 1))?;
        Some(at.saturating_sub(now_ms(headers?)?))
    };
    delay.or_else(reset).or_else(|| in_words(&error.get("message")?.as_str()?))
}

/// "Please try again in 11.054s.", "Please retry after 45 seconds."
fn in_words(message: &str) -> Option<u64> {
    const BEFORE: [&str; 4] = ["try again in ", "retry in ", "retry after ", "try again after "];
    let message = message.to_ascii_lowercase();
    BEFORE.iter().find_map(|words| duration_ms(message.split_once(words)?.1))
}

/// `120ms`, `1.182s`, `6m0s`, `45 seconds`: as far as it reaches. `None` without a unit.
fn duration_ms(text: &str) -> Option<u64> {
    let mut total = None;
    let mut rest = text.trim_start();
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let scale = match unit {
            "ms" | "millisecond" | "milliseconds" => 1,
            "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
            "h" | "hour" | "hours" => 3_600_000,
            _ => return total,
        };
        let Some(part) = scaled(number, scale) else { return total };
        total = Some(total.unwrap_or(0_u64).saturating_add(part));
        rest = after;
    }
}

/// A decimal number times `scale`, rounded up. Nothing but the number may stand there.
fn scaled(text: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    // Nine places are more than any clock tells.
    let fraction = fraction.get(..9).unwrap_or(fraction);
    let tenths = u32::try_from(fraction.len()).ok().map(|places| 10_u64.pow(places))?;
    let part = fraction.parse().unwrap_or(0_u64).saturating_mul(scale).div_ceil(tenths);
    Some(whole.parse::<u64>().ok()?.saturating_mul(scale).saturating_add(part))
}

/// The provider's clock.
fn now_ms(headers: &Headers) -> Option<u64> {
    date_ms(headers.get_str("date")?)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` in Unix milliseconds.
fn date_ms(text: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut words = text.split_once(", ")?.1.split([' ', ':']);
    let mut number = || words.next()?.parse::<u64>().ok();
    let day = number()?;
    let month = words.next().filter(|name| name.len() == 3)?;
    let month = u64::try_from(MONTHS.find(month)? / 3).ok()?;
    let mut number = || words.next()?.parse::<u64>().ok();
    let (year, hour, minute, second) = (number()?, number()?, number()?, number()?);
    // Counted from March on, so that a leap day is the last of its year.
    let (year, month) = if month < 2 { (year.checked_sub(1)?, month + 10) } else { (year, month - 2) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    let since_1970 = days.checked_sub(719_469)?;
    Some((((since_1970 * 24 + hour) * 60 + minute) * 60 + second).saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::Document;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        pairs.iter().for_each(|(name, value)| headers.set(name, *value));
        headers
    }

    #[test]
    fn the_most_exact_header_counts() {
        let told = |pairs: &[(&str, &str)]| in_headers(&headers(pairs));
        assert_eq!(told(&[("retry-after", "12"), ("retry-after-ms", "11054")]), Some(11_054));
        assert_eq!(told(&[("retry-after", "12"), ("x-ratelimit-reset-tokens", "6m0s")]), Some(12_000));
        assert_eq!(told(&[("retry-after", "1.5")]), Some(1_500));
        let at = ("retry-after", "Sun, 06 Nov 1994 08:50:00 GMT");
        assert_eq!(told(&[at, ("date", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(23_000));
        assert_eq!(told(&[at]), None);
        let limits = [("x-ratelimit-reset-requests", "120ms"), ("x-ratelimit-reset-tokens", "6m0s")];
        assert_eq!(told(&limits), Some(360_000));
        let tokens_left = [limits[0], limits[1], ("x-ratelimit-remaining-tokens", "9")];
        assert_eq!(told(&tokens_left), Some(120));
        assert_eq!(told(&[("x-ratelimit-reset-requests", "60")]), None);
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn words_and_fields_count_too() {
        let told = |body: &str| {
            let document = Document::parse(body.as_bytes()).unwrap();
            in_error(document.root(), Some(&headers(&[("date", "Mon, 24 Nov 2025 16:00:00 GMT")])))
        };
        assert_eq!(told(r#"{"message":"Please try again in 11.054s. Visit"}"#), Some(11_054));
        assert_eq!(told(r#"{"message":"Please retry after 45 seconds. To"}"#), Some(45_000));
        assert_eq!(told(r#"{"message":"try again in 1m30.5s."}"#), Some(90_500));
        assert_eq!(told(r#"{"message":"Please try again in a while"}"#), None);
        assert_eq!(told(r#"{"message":"Please try again in 5"}"#), None);
        assert_eq!(told(r#"{"details":[{"a":1},{"retryDelay":"34.0748s"}]}"#), Some(34_075));
        let reset = r#"{"metadata":{"headers":{"X-RateLimit-Reset":"1764000060000"}}}"#;
        assert_eq!(told(reset), Some(60_000));
    }

    #[test]
    fn dates_are_read_over_leap_years() {
        assert_eq!(date_ms("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(date_ms("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!(date_ms("Thu, 29 Feb 2024 12:00:00 GMT"), Some(1_709_208_000_000));
        assert_eq!(date_ms("Tue, 24 Nov 2026 00:00:00 GMT"), Some(1_795_478_400_000));
        for no_date in
            ["", "soon", "Sun, 06 Xyz 1994 08:49:37 GMT", "Sun, 06 Nov 1994", "Sun, 99999999999999999999"]
        {
            assert_eq!(date_ms(no_date), None, "{no_date}");
        }
    }
}
