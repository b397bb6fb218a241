//! How sure a share is, and how a quantity is spread.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Percentiles are kept to this many significant decimal digits.
const SIGNIFICANT_DIGITS: u8 = 3;

/// A share of runs, with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// How many of them.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The share; 0 where there are none.
    pub share: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The share of `count` among `of`, with Wilson's score interval: it stays within 0 and 1 and holds what it promises for
/// small counts, where the usual ± does not (Wilson, *Probable inference, the law of succession, and statistical
/// inference*, JASA 22, 1927; Brown, Cai and DasGupta, *Interval estimation for a binomial proportion*, 2001).
///
/// Where there was none in n, or nothing else, it gives the *rule of three*: at most 3/n, since (1 - 3/n)^n is about 5 %.
pub fn rate(count: u64, of: u64) -> Rate {
    if of == 0 {
        return Rate {
            count,
            of,
            share: 0.0,
            low: 0.0,
            high: 1.0,
        };
    }
    let n = of as f64;
    let share = count as f64 / n;
    let three = (3.0 / n).min(1.0);
    let (low, high) = if count == 0 {
        (0.0, three)
    } else if count == of {
        (1.0 - three, 1.0)
    } else {
        let square = Z * Z;
        let centre = share + square / (2.0 * n);
        let spread = Z * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
        let scale = 1.0 + square / n;
        ((centre - spread) / scale, (centre + spread) / scale)
    };
    Rate {
        count,
        of,
        share,
        low,
        high,
    }
}

/// How a quantity is spread over runs: a histogram, which takes the same memory for a million runs as for a thousand.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    histogram: Histogram<u64>,
    max: u64,
}

impl Default for Spread {
    fn default() -> Self {
        Self {
            histogram: Histogram::new(SIGNIFICANT_DIGITS).expect("three digits are in range"),
            max: 0,
        }
    }
}

impl Spread {
    pub(super) fn add(&mut self, value: u64) {
        self.histogram
            .record(value)
            .expect("the histogram grows as far as numbers go");
        self.max = self.max.max(value);
    }

    pub(super) fn count(&self) -> u64 {
        self.histogram.len()
    }

    pub(super) fn max(&self) -> u64 {
        self.max
    }

    pub(super) fn quantile(&self, q: f64) -> u64 {
        self.histogram.value_at_quantile(q).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 5e-5, "{found} is not {wanted}");
    }

    /// From Brown, Cai and DasGupta's formula by hand, and R's `prop.test(…, correct = FALSE)`.
    #[test]
    fn intervals_are_wilsons() {
        let cases = [
            (1, 10, 0.017_88, 0.404_15),
            (5, 10, 0.236_59, 0.763_41),
            (12, 1_000, 0.006_88, 0.020_86),
            (81, 263, 0.255_27, 0.366_18),
        ];
        for (count, of, low, high) in cases {
            let found = rate(count, of);
            close(found.low, low);
            close(found.high, high);
        }
    }

    #[test]
    fn none_in_n_is_at_most_three_in_n_and_all_in_n_is_its_mirror() {
        let none = rate(0, 1_000);
        assert_eq!((none.share, none.low, none.high), (0.0, 0.0, 0.003));
        let all = rate(1_000, 1_000);
        assert_eq!((all.share, all.low, all.high), (1.0, 0.997, 1.0));
        assert_eq!(rate(0, 2).high, 1.0);
        assert_eq!((rate(0, 0).low, rate(0, 0).high), (0.0, 1.0));
    }

    #[test]
    fn an_interval_holds_the_share_and_narrows_with_more_runs() {
        for (count, of) in [(1, 3), (10, 30), (100, 300), (1, 1_000_000)] {
            let found = rate(count, of);
            assert!(0.0 <= found.low && found.low < found.share, "{found:?}");
            assert!(found.share < found.high && found.high <= 1.0, "{found:?}");
        }
        let width = |rate: Rate| rate.high - rate.low;
        assert!(width(rate(100, 300)) < width(rate(10, 30)));
    }

    #[test]
    fn a_spread_is_the_same_in_any_order_and_its_largest_is_exact() {
        let values: Vec<u64> = (0..10_000).map(|n| n * n * 7919 % 1_000_003).collect();
        let (mut one, mut other) = (Spread::default(), Spread::default());
        values.iter().for_each(|v| one.add(*v));
        values.iter().rev().for_each(|v| other.add(*v));
        for q in [0.0, 0.5, 0.9, 0.99, 1.0] {
            assert_eq!(one.quantile(q), other.quantile(q));
        }
        assert_eq!(one.max(), *values.iter().max().unwrap());
        let mut sorted = values;
        sorted.sort_unstable();
        let exact = sorted[5_000] as f64;
        let found = one.quantile(0.5) as f64;
        assert!((found / exact - 1.0).abs() < 2e-3, "{found} {exact}");
    }
}
