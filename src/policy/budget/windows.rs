//! Where a budget's window begins and ends: calendar-aligned, in UTC.
//!
//! Fixed windows let a caller spend twice the limit across a boundary (the end of one and the start of the next).
//! They are what the shared rate-limit engines have, what an invoice follows, and what "resets at midnight" means;
//! a sliding window would need a history per scope.

use crate::config::Window;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// One window in Unix milliseconds: `start` is in it, `end` is the first instant of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: u64,
    pub end: u64,
}

impl Span {
    /// The window that `now_ms` lies in.
    pub fn at(window: Window, now_ms: u64) -> Self {
        match window {
            Window::Minute => Self::aligned(now_ms, MINUTE, 0),
            Window::Hour => Self::aligned(now_ms, HOUR, 0),
            Window::Day => Self::aligned(now_ms, DAY, 0),
            // The epoch was a Thursday: three days after a Monday.
            Window::Week => Self::aligned(now_ms, 7 * DAY, 3 * DAY),
            Window::Month => Self::month(now_ms),
        }
    }

    /// Whole seconds until the window ends, rounded up: a caller that waits so long is in the next one.
    pub fn resets_in_s(self, now_ms: u64) -> u64 {
        self.end.saturating_sub(now_ms).div_ceil(SECOND).max(1)
    }

    fn aligned(now_ms: u64, length: u64, epoch_offset: u64) -> Self {
        let into = now_ms.saturating_add(epoch_offset) % length;
        // The first week began before the epoch: it is cut off there.
        let end = now_ms.saturating_add(length - into);
        Self { start: now_ms.saturating_sub(into), end }
    }

    fn month(now_ms: u64) -> Self {
        let today = now_ms / DAY;
        let (year, month, day) = civil(today);
        let first = today.saturating_sub(day - 1);
        Self { start: first * DAY, end: first.saturating_add(days_in(year, month)).saturating_mul(DAY) }
    }
}

/// Year, month and day (from 1) of a day counted from the epoch. Years are counted from March, so that the leap
/// day is the last of its year, in eras of 400 years that all have the same number of days.
fn civil(days_since_epoch: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097;
    const EPOCH: u64 = 719_468; // days from 0000-03-01 to 1970-01-01
    let days = days_since_epoch.saturating_add(EPOCH);
    let (era, day_of_era) = (days / ERA, days % ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

fn days_in(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Window; 5] = [Window::Minute, Window::Hour, Window::Day, Window::Week, Window::Month];

    // 2026-11-24T10:50:17.250Z, a Tuesday.
    const NOW: u64 = 1_795_517_417_250;

    #[test]
    fn windows_begin_and_end_on_the_calendar() {
        let spans = ALL.map(|window| Span::at(window, NOW));
        let expected = [
            (1_795_517_400, 1_795_517_460), // 10:50 – 10:51
            (1_795_514_400, 1_795_518_000), // 10:00 – 11:00
            (1_795_478_400, 1_795_564_800), // Tuesday – Wednesday
            (1_795_392_000, 1_795_996_800), // Monday the 23rd – Monday the 30th
            (1_793_491_200, 1_796_083_200), // 1 November – 1 December
        ];
        assert_eq!(spans, expected.map(|(start, end)| Span { start: start * 1000, end: end * 1000 }));
    }

    #[test]
    fn the_end_of_a_window_is_the_start_of_the_next() {
        for window in ALL {
            let this = Span::at(window, NOW);
            let next = Span::at(window, this.end);
            assert_eq!(next.start, this.end);
            assert_eq!(Span::at(window, this.end - 1), this);
        }
    }

    #[test]
    fn february_has_its_leap_day() {
        let days = |year, month| days_in(year, month);
        assert_eq!([days(2024, 2), days(2026, 2), days(2000, 2), days(2100, 2)], [29, 28, 29, 28]);
        // 2028-02-29T12:00:00Z
        assert_eq!(civil(1_835_438_400 / 86_400), (2028, 2, 29));
    }

    #[test]
    fn the_epoch_and_the_end_of_time_have_windows() {
        for window in ALL {
            assert_eq!(Span::at(window, 0).start, 0);
            assert!(Span::at(window, u64::MAX).end > 0);
        }
        // Thursday the first of January to Monday the fifth.
        assert_eq!(Span::at(Window::Week, 0).end, 4 * DAY);
    }

    #[test]
    fn waiting_as_told_reaches_the_next_window() {
        let span = Span { start: 0, end: 10_000 };
        assert_eq!(span.resets_in_s(0), 10);
        assert_eq!(span.resets_in_s(9_001), 1);
        assert_eq!(span.resets_in_s(8_999), 2);
        assert_eq!(span.resets_in_s(10_000), 1);
    }

    proptest! {
        #[test]
        fn every_instant_is_in_its_own_window(now in 0u64..9_000_000_000_000, which in 0usize..5) {
            let span = Span::at(ALL[which], now);
            prop_assert!(span.start <= now && now < span.end);
            prop_assert_eq!(Span::at(ALL[which], span.start), span);
            prop_assert_eq!(Span::at(ALL[which], span.end).start, span.end);
            if ALL[which] == Window::Month {
                prop_assert_eq!(civil(span.start / DAY).2, 1);
                prop_assert_eq!(civil(span.end / DAY).2, 1);
            }
        }
    }
}
