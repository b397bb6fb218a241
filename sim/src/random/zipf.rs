//! Zipf's law: how often users ask for the most popular key, the second, and so on.

use super::Stream;

/// Ranks from 0 to `count` - 1, where the chance of rank `k` is in proportion to 1/(k+1)^`exponent`.
///
/// At an exponent of 0 all ranks are as likely; at 0.99 (the default of YCSB) the first of a million ranks gets about
/// one draw in 15. Sampled by rejection-inversion: W. Hörmann and G. Derflinger, *Rejection-inversion to
/// generate variates from monotone discrete distributions*, ACM TOMACS 6 (1996). It needs no table, whatever the count,
/// and fewer than 1.2 draws a sample on average.
#[derive(Clone, Debug, PartialEq)]
pub struct Zipf {
    count: u64,
    exponent: f64,
    /// The integral of the law's smooth form up to 1.5, less the first rank's weight, and up to `count` + 0.5.
    integral_low: f64,
    integral_high: f64,
    /// How far below its rank a value may lie and still be accepted without looking closer.
    shortcut: f64,
}

/// Why the parameters make no Zipf distribution.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ZipfError {
    /// There is nothing to choose from, or more than floats can tell apart.
    #[error("count is {got}, expected 1 to {}", Zipf::COUNT_MAX)]
    Count {
        /// What it is.
        got: u64,
    },
    /// The exponent is no number that makes sense.
    #[error("exponent is {got}, expected 0 to {}", Zipf::EXPONENT_MAX)]
    Exponent {
        /// What it is.
        got: f64,
    },
}

impl Zipf {
    /// The greatest count.
    pub const COUNT_MAX: u64 = 1 << 40;
    /// The greatest exponent; at 20 the second rank gets one draw in a million already.
    pub const EXPONENT_MAX: f64 = 20.0;

    /// The law for `count` ranks (1 to [`COUNT_MAX`](Self::COUNT_MAX)) with `exponent` (0 to
    /// [`EXPONENT_MAX`](Self::EXPONENT_MAX)).
    pub fn new(count: u64, exponent: f64) -> Result<Self, ZipfError> {
        if !(1..=Self::COUNT_MAX).contains(&count) {
            return Err(ZipfError::Count { got: count });
        }
        if !(0.0..=Self::EXPONENT_MAX).contains(&exponent) {
            return Err(ZipfError::Exponent { got: exponent });
        }
        Ok(Self {
            count,
            exponent,
            integral_low: integral(exponent, 1.5) - 1.0,
            integral_high: integral(exponent, count as f64 + 0.5),
            shortcut: 2.0
                - integral_inverse(exponent, integral(exponent, 2.5) - weight(exponent, 2.0)),
        })
    }

    /// How many ranks there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// A rank, from 0 (the most popular); one draw or more.
    pub fn sample(&self, stream: &mut Stream) -> u64 {
        loop {
            let share = ((stream.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
            let area = self.integral_high + share * (self.integral_low - self.integral_high);
            let x = integral_inverse(self.exponent, area);
            let rank = (x + 0.5).clamp(1.0, self.count as f64) as u64;
            let k = rank as f64;
            let bound = integral(self.exponent, k + 0.5) - weight(self.exponent, k);
            if k - x <= self.shortcut || area >= bound {
                return rank - 1;
            }
        }
    }
}

/// The weight of rank `x` (from 1 here): x^-exponent.
fn weight(exponent: f64, x: f64) -> f64 {
    libm::exp(-exponent * libm::log(x))
}

/// The integral of [`weight`] from 1 to `x`: (x^(1-exponent) - 1) / (1-exponent), or ln x at an exponent of 1.
fn integral(exponent: f64, x: f64) -> f64 {
    let log = libm::log(x);
    let power = (1.0 - exponent) * log;
    if power.abs() > 1e-8 {
        return libm::expm1(power) / power * log;
    }
    // The series of the same near 0, where the quotient is 0/0.
    log * (1.0 + power / 2.0 * (1.0 + power / 3.0))
}

/// The `x` up to which [`integral`] is `area`.
fn integral_inverse(exponent: f64, area: f64) -> f64 {
    // Rounding may carry the argument of the logarithm below its least value, where the law ends anyway.
    let power = (area * (1.0 - exponent)).max(-1.0);
    if power.abs() > 1e-8 {
        return libm::exp(libm::log1p(power) / power * area);
    }
    libm::exp(area * (1.0 - power / 2.0 * (1.0 - power * 2.0 / 3.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    /// The exact chances of all ranks.
    fn chances(count: u64, exponent: f64) -> Vec<f64> {
        let weights: Vec<f64> = (1..=count)
            .map(|k| libm::pow(k as f64, -exponent))
            .collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / total).collect()
    }

    /// Pearson's chi-square over the ranks that are expected at least 10 times, the rest in one class.
    #[test]
    fn ranks_come_as_often_as_the_law_says() {
        for (count, exponent) in [
            (1, 1.0),
            (2, 0.99),
            (10, 0.0),
            (50, 0.5),
            (50, 1.0),
            (1_000, 0.99),
            (1_000, 2.5),
        ] {
            let zipf = Zipf::new(count, exponent).unwrap();
            let mut stream = Stream::named(Seed(6), "workload");
            let mut counts = vec![0_u32; count as usize];
            for _ in 0..100_000 {
                counts[zipf.sample(&mut stream) as usize] += 1;
            }
            assert!(stream.drawn() < 120_000, "{} draws", stream.drawn());
            let (mut chi_square, mut classes) = (0.0, 0);
            let (mut rest_expected, mut rest_count) = (0.0, 0.0);
            for (chance, count) in chances(count, exponent).into_iter().zip(counts) {
                let (expected, count) = (chance * 1e5, f64::from(count));
                if expected < 10.0 {
                    rest_expected += expected;
                    rest_count += count;
                    continue;
                }
                chi_square += (count - expected) * (count - expected) / expected;
                classes += 1;
            }
            if rest_expected >= 10.0 {
                chi_square +=
                    (rest_count - rest_expected) * (rest_count - rest_expected) / rest_expected;
                classes += 1;
            }
            // A chi-square variable has the mean of its degrees of freedom and twice that as variance: five deviations.
            let freedom = f64::from(classes - 1);
            let bound = freedom + 5.0 * libm::sqrt(2.0 * freedom) + 1e-9;
            assert!(
                chi_square <= bound,
                "{count} ranks, exponent {exponent}: {chi_square} > {bound}"
            );
        }
    }

    #[test]
    fn samples_are_pinned() {
        let zipf = Zipf::new(1_000_000, 0.99).unwrap();
        let mut stream = Stream::named(Seed(7), "workload");
        let ranks: Vec<u64> = (0..8).map(|_| zipf.sample(&mut stream)).collect();
        assert_eq!(ranks, [10, 70, 2, 355_304, 20_905, 0, 223_578, 0]);
    }

    #[test]
    fn the_greatest_parameters_work() {
        let mut stream = Stream::named(Seed(8), "workload");
        let wide = Zipf::new(Zipf::COUNT_MAX, 0.0).unwrap();
        let mean = (0..10_000)
            .map(|_| wide.sample(&mut stream) as f64 / 1e4)
            .sum::<f64>();
        let middle = Zipf::COUNT_MAX as f64 / 2.0;
        // Five standard errors of a uniform mean.
        assert!((mean - middle).abs() < 5.0 * Zipf::COUNT_MAX as f64 / libm::sqrt(12.0 * 1e4));
        let steep = Zipf::new(Zipf::COUNT_MAX, Zipf::EXPONENT_MAX).unwrap();
        assert!((0..1_000).all(|_| steep.sample(&mut stream) <= 1));
    }

    #[test]
    fn impossible_parameters_are_refused_with_what_was_expected() {
        let refused = [
            Zipf::new(0, 1.0),
            Zipf::new(u64::MAX, 1.0),
            Zipf::new(1, -0.5),
            Zipf::new(1, f64::NAN),
        ]
        .map(|result| result.unwrap_err().to_string());
        assert_eq!(
            refused,
            [
                "count is 0, expected 1 to 1099511627776",
                "count is 18446744073709551615, expected 1 to 1099511627776",
                "exponent is -0.5, expected 0 to 20",
                "exponent is NaN, expected 0 to 20",
            ]
        );
    }
}
