//! What one budget knows of one scope: what is used and what is reserved in the current window.
//!
//! The window's start is inside the value, because a key of shared data never expires: the first writer of a new
//! window overwrites the old one in place. Tokens and money are both counted, whatever the limit is in: a budget
//! whose unit is changed while Envoy runs goes on with true figures.

use super::Amount;
use super::windows::Span;
use crate::store::StoreError;

/// Changes with the layout, so that an updated module never takes another's figures for its own.
const FORMAT: u8 = 1;
const LENGTH: usize = 1 + 5 * 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) start: u64,
    pub(super) used: Amount,
    pub(super) reserved: Amount,
}

impl Ledger {
    pub(super) fn opened(start: u64) -> Self {
        Self { start, used: Amount::ZERO, reserved: Amount::ZERO }
    }

    /// Everything that a new request cannot have.
    pub(super) fn spoken_for(&self) -> Amount {
        self.used.plus(self.reserved)
    }

    /// The ledger as it stands in `span`: a window that is over is forgotten, its open reservations included.
    ///
    /// A ledger that is already in the next window stays there: workers read the clock one after the other, and
    /// a request that comes late must not wipe out what a quicker one has counted. Further ahead than that is no
    /// late request but a clock that was wrong, and is forgotten too.
    pub(super) fn at(self, span: Span) -> Self {
        if (span.start..=span.end).contains(&self.start) { self } else { Self::opened(span.start) }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let Self { start, used, reserved } = self;
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(FORMAT);
        for number in [*start, used.tokens, used.micro_usd, reserved.tokens, reserved.micro_usd] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let Some((&FORMAT, numbers)) = bytes.split_first() else { return Err(StoreError::Unreadable) };
        let (numbers, []) = numbers.as_chunks::<8>() else { return Err(StoreError::Unreadable) };
        let [start, used_tokens, used_usd, reserved_tokens, reserved_usd] = numbers else {
            return Err(StoreError::Unreadable);
        };
        let number = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        let amount = |tokens, usd| Amount { tokens: number(tokens), micro_usd: number(usd) };
        Ok(Self {
            start: number(start),
            used: amount(used_tokens, used_usd),
            reserved: amount(reserved_tokens, reserved_usd),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEDGER: Ledger = Ledger {
        start: 60_000,
        used: Amount { tokens: 1, micro_usd: u64::MAX },
        reserved: Amount { tokens: 3, micro_usd: 4 },
    };

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Ledger::decode(&LEDGER.encode()), Ok(LEDGER));
    }

    #[test]
    fn another_format_is_an_error_and_not_an_empty_ledger() {
        let mut bytes = LEDGER.encode();
        assert_eq!(Ledger::decode(&bytes[..LENGTH - 1]), Err(StoreError::Unreadable));
        assert_eq!(Ledger::decode(&[]), Err(StoreError::Unreadable));
        bytes[0] = 2;
        assert_eq!(Ledger::decode(&bytes), Err(StoreError::Unreadable));
    }

    #[test]
    fn only_a_window_that_is_over_is_forgotten() {
        let minute = |n: u64| Span { start: n * 60_000, end: (n + 1) * 60_000 };
        assert_eq!(LEDGER.at(minute(1)), LEDGER);
        assert_eq!(LEDGER.at(minute(2)), Ledger::opened(120_000));
        // A late request finds the next window already open.
        assert_eq!(LEDGER.at(minute(0)), LEDGER);
        // A clock that was years ahead.
        let ahead = Ledger { start: 600_000, ..LEDGER };
        assert_eq!(ahead.at(minute(1)), Ledger::opened(60_000));
    }
}
