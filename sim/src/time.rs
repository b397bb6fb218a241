//! Virtual time: integer nanoseconds, and nothing else.
//!
//! Three readings are kept apart by type, because mixing them is how real systems go wrong:
//!
//! - [`Instant`] is the world's own time. Only the world and its observers know it; a process never sees it.
//! - [`LocalInstant`] is one node's monotonic clock, which drifts against the world. Timers run on it.
//! - [`WallTime`] is one node's calendar clock, which has an offset too and may jump. Timestamps come from it.
//!
//! A [`Span`] is a length of time on any of them.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A length of virtual time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span there is, about 584 years.
    pub const MAX: Self = Self(u64::MAX);

    /// A span of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span of `micros` microseconds; saturates.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// A span of `millis` milliseconds; saturates.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A span of `secs` seconds; saturates.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// The span in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The span in milliseconds, for statistics and drawing only.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// This span and another; saturates.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// This span less another, or zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// This span `factor` times; saturates.
    pub const fn saturating_mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Prints with the unit a person would choose: `750 ns`, `12.5 µs`, `3.25 ms`, `2.5 s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit_nanos, unit) = match self.0 {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let whole = self.0 / unit_nanos;
        let milli = (self.0 % unit_nanos) * 1_000 / unit_nanos;
        if milli == 0 {
            return f.pad(&format!("{whole} {unit}"));
        }
        let fraction = format!("{milli:03}");
        f.pad(&format!(
            "{whole}.{} {unit}",
            fraction.trim_end_matches('0')
        ))
    }
}

macro_rules! instant_like {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The first instant of this clock.
            pub const ZERO: Self = Self(0);
            /// An instant that never comes.
            pub const NEVER: Self = Self(u64::MAX);

            /// The instant `nanos` nanoseconds after the clock's zero.
            pub const fn from_nanos(nanos: u64) -> Self {
                Self(nanos)
            }

            /// The instant `millis` milliseconds after the clock's zero; saturates.
            pub const fn from_millis(millis: u64) -> Self {
                Self(millis.saturating_mul(1_000_000))
            }

            /// Nanoseconds since the clock's zero.
            pub const fn as_nanos(self) -> u64 {
                self.0
            }

            /// Milliseconds since the clock's zero, for statistics and drawing only.
            pub fn as_millis_f64(self) -> f64 {
                self.0 as f64 / 1e6
            }

            /// The time from `earlier` to this instant, or zero when `earlier` is later.
            pub const fn since(self, earlier: Self) -> Span {
                Span(self.0.saturating_sub(earlier.0))
            }
        }

        impl Add<Span> for $name {
            type Output = Self;
            fn add(self, span: Span) -> Self {
                Self(self.0.saturating_add(span.0))
            }
        }

        impl AddAssign<Span> for $name {
            fn add_assign(&mut self, span: Span) {
                *self = *self + span;
            }
        }

        impl Sub<Span> for $name {
            type Output = Self;
            fn sub(self, span: Span) -> Self {
                Self(self.0.saturating_sub(span.0))
            }
        }

        /// Prints milliseconds with three decimals, so that columns of instants line up: `12.500 ms`.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let micros = self.0 / 1_000;
                f.pad(&format!("{}.{:03} ms", micros / 1_000, micros % 1_000))
            }
        }
    };
}

instant_like! {
    /// The world's time: nanoseconds since the world began.
    Instant
}
instant_like! {
    /// A reading of one node's monotonic clock, in its own (drifting) nanoseconds. It never goes back and
    /// goes on through restarts, pauses and jumps of the wall clock.
    LocalInstant
}
instant_like! {
    /// A reading of one node's wall clock: nanoseconds since the Unix epoch, as that node believes.
    WallTime
}

impl WallTime {
    /// What a perfect wall clock shows when the world begins: 2017-03-16 00:00:00 UTC.
    pub const AT_WORLD_START: Self = Self(1_489_622_400_000_000_000);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_print_with_a_unit_that_suits_their_size() {
        let shown: Vec<String> = [0, 750, 12_500, 3_250_000, 2_500_000_000, 60_000_000_000]
            .map(|n| Span::from_nanos(n).to_string())
            .into();
        assert_eq!(
            shown,
            ["0 ns", "750 ns", "12.5 µs", "3.25 ms", "2.5 s", "60 s"]
        );
    }

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Instant::NEVER + Span::from_nanos(1), Instant::NEVER);
        assert_eq!(Instant::ZERO - Span::from_nanos(1), Instant::ZERO);
        assert_eq!(Instant::ZERO.since(Instant::from_millis(1)), Span::ZERO);
    }
}
