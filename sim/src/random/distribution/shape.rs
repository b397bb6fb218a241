//! The mathematics of each kind of distribution.

use super::{Distribution, Table};
use crate::Span;
use crate::random::normal;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A kind of distribution with parameters that were checked. What they mean is said by the function of
/// [`Distribution`] that makes one: [`Distribution::fixed`] and so on.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Shape {
    Fixed(Span),
    Uniform { low: Span, high: Span },
    Normal { mean: Span, deviation: Span },
    LogNormal { median: Span, sigma: f64 },
    Exponential { mean: Span },
    Pareto { minimum: Span, shape: f64 },
    Mixture(Vec<(u32, Distribution)>),
    Table(Table),
}

impl Shape {
    #[inline]
    pub(super) fn sample(&self, draw: u64, spare: u64) -> Span {
        match self {
            Self::Fixed(span) => *span,
            Self::Uniform { low, high } => {
                let width = u128::from(high.saturating_sub(*low).as_nanos()) + 1;
                *low + Span::from_nanos(((u128::from(draw) * width) >> 64) as u64)
            }
            Self::Mixture(parts) => choose(parts, spare).sample(draw, 0),
            Self::Table(table) => table.sample(draw),
            continuous => whole_nanos(continuous.quantile_nanos(unit(draw))),
        }
    }

    pub(super) fn quantile(&self, p: f64) -> Span {
        // The ends of a continuous distribution may be infinite; this is as near to them as a draw gets.
        let inner = p.clamp(unit(0), unit(u64::MAX));
        match self {
            Self::Fixed(span) => *span,
            Self::Uniform { low, high } => {
                let width = high.saturating_sub(*low).as_nanos() as f64 + 1.0;
                (*low + Span::from_nanos((inner * width) as u64)).min(*high)
            }
            Self::Mixture(parts) => least_reaching(parts, inner),
            Self::Table(table) => table.sample((inner * (1_u128 << 64) as f64) as u64),
            continuous => whole_nanos(continuous.quantile_nanos(inner)),
        }
    }

    /// The inverse of the cumulative probability of the continuous kinds, in nanoseconds, uncut.
    #[inline]
    fn quantile_nanos(&self, p: f64) -> f64 {
        match self {
            Self::Normal { mean, deviation } => {
                nanos(*mean) + nanos(*deviation) * normal::quantile(p)
            }
            Self::LogNormal { median, sigma } => {
                nanos(*median) * libm::exp(sigma * normal::quantile(p))
            }
            Self::Exponential { mean } => -libm::log(1.0 - p) * nanos(*mean),
            Self::Pareto { minimum, shape } => {
                nanos(*minimum) * libm::exp(-libm::log(1.0 - p) / shape)
            }
            Self::Fixed(_) | Self::Uniform { .. } | Self::Mixture(_) | Self::Table(_) => {
                unreachable!("sampled without floats: {self}")
            }
        }
    }

    /// The chance that a sample is at most `span`, but for the cut at the longest.
    pub(super) fn cumulative(&self, span: Span) -> f64 {
        // Samples are rounded, so those up to half a nanosecond above count.
        let x = nanos(span) + 0.5;
        match self {
            Self::Fixed(at) => f64::from(u8::from(span >= *at)),
            Self::Uniform { low, .. } if span < *low => 0.0,
            Self::Uniform { low, high } => {
                let count = nanos(span.min(*high).saturating_sub(*low)) + 1.0;
                count / (nanos(high.saturating_sub(*low)) + 1.0)
            }
            Self::Normal { mean, deviation } => {
                normal::cumulative((x - nanos(*mean)) / nanos(*deviation))
            }
            Self::LogNormal { median, sigma } => {
                normal::cumulative(libm::log(x / nanos(*median)) / sigma)
            }
            Self::Exponential { mean } => -libm::expm1(-x / nanos(*mean)),
            Self::Pareto { minimum, shape } => {
                (-libm::expm1(-libm::log(x / nanos(*minimum)) * shape)).max(0.0)
            }
            Self::Mixture(parts) => weighted(parts, |part| part.cumulative(span)),
            Self::Table(table) => table.cumulative(x),
        }
    }

    /// The mean of what is sampled, in nanoseconds, where `most` is the cut.
    pub(super) fn mean_nanos(&self, most: Span) -> f64 {
        let cut = nanos(most);
        match self {
            Self::Fixed(span) => nanos((*span).min(most)),
            Self::Uniform { low, high } => (nanos(*low) + nanos(*high)) / 2.0,
            Self::Normal { mean, deviation } => {
                // The mean of what exceeds a bound, for the bounds at both ends.
                let excess = |bound: f64| {
                    let distance = (nanos(*mean) - bound) / nanos(*deviation);
                    (nanos(*mean) - bound) * normal::cumulative(distance)
                        + nanos(*deviation) * normal::density(distance)
                };
                excess(0.0) - excess(cut)
            }
            Self::LogNormal { median, sigma } => {
                let distance = libm::log(cut / nanos(*median)) / sigma;
                nanos(*median)
                    * libm::exp(sigma * sigma / 2.0)
                    * normal::cumulative(distance - sigma)
                    + cut * normal::cumulative(-distance)
            }
            Self::Exponential { mean } => -libm::expm1(-cut / nanos(*mean)) * nanos(*mean),
            Self::Pareto { minimum, shape } => {
                // The integral of the chance to be longer, from nothing to the cut.
                let log = libm::log(cut / nanos(*minimum));
                let excess = 1.0 - shape;
                let beyond = if excess == 0.0 {
                    log
                } else {
                    libm::expm1(excess * log) / excess
                };
                nanos(*minimum) * (1.0 + beyond)
            }
            Self::Mixture(parts) => weighted(parts, |part| nanos(part.mean())),
            Self::Table(table) => table.mean_nanos(cut),
        }
    }
}

/// The middle of one of the 2⁵² equal pieces between 0 and 1, by the draw's high bits: never 0, never 1, as far from
/// one as from the other, and without rounding.
#[inline]
fn unit(draw: u64) -> f64 {
    ((draw >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64)
}

#[inline]
fn nanos(span: Span) -> f64 {
    span.as_nanos() as f64
}

/// The nearest whole count of nanoseconds between 0 and the longest sample.
#[inline]
fn whole_nanos(nanos: f64) -> Span {
    let most = Distribution::MAX.as_nanos() as f64;
    // The cast saturates, so what is below zero becomes zero.
    Span::from_nanos((nanos.min(most) + 0.5) as u64)
}

#[inline]
fn choose(parts: &[(u32, Distribution)], draw: u64) -> &Distribution {
    let total: u128 = parts.iter().map(|(weight, _)| u128::from(*weight)).sum();
    let mut chosen = (u128::from(draw) * total) >> 64;
    for (weight, part) in parts {
        let weight = u128::from(*weight);
        if chosen < weight {
            return part;
        }
        chosen -= weight;
    }
    unreachable!("a number below the sum of the weights lies in one of them")
}

fn weighted(parts: &[(u32, Distribution)], of: impl Fn(&Distribution) -> f64) -> f64 {
    let total: f64 = parts.iter().map(|(weight, _)| f64::from(*weight)).sum();
    let sum: f64 = parts
        .iter()
        .map(|(weight, part)| f64::from(*weight) * of(part))
        .sum();
    sum / total
}

/// The shortest span that a share of `p` of a mixture's samples does not exceed, by bisection.
fn least_reaching(parts: &[(u32, Distribution)], p: f64) -> Span {
    let (mut low, mut high) = (0, Distribution::MAX.as_nanos());
    while low < high {
        let middle = low + (high - low) / 2;
        if weighted(parts, |part| part.cumulative(Span::from_nanos(middle))) < p {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Span::from_nanos(low)
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(span) => write!(f, "always {span}"),
            Self::Uniform { low, high } => write!(f, "uniform, {low} to {high}"),
            Self::Normal { mean, deviation } => {
                write!(f, "normal, mean {mean}, deviation {deviation}")
            }
            Self::LogNormal { median, sigma } => {
                write!(f, "log-normal, median {median}, sigma {sigma}")
            }
            Self::Exponential { mean } => write!(f, "exponential, mean {mean}"),
            Self::Pareto { minimum, shape } => {
                write!(f, "Pareto, minimum {minimum}, shape {shape}")
            }
            Self::Mixture(parts) => {
                let total: f64 = parts.iter().map(|(weight, _)| f64::from(*weight)).sum();
                for (index, (weight, part)) in parts.iter().enumerate() {
                    let percent = 100.0 * f64::from(*weight) / total;
                    let comma = if index == 0 { "" } else { " + " };
                    // Two decimals, and none where they are zero.
                    let percent = format!("{percent:.2}");
                    let percent = percent.trim_end_matches('0').trim_end_matches('.');
                    write!(f, "{comma}{percent} % ({part})")?;
                }
                Ok(())
            }
            Self::Table(table) => table.fmt(f),
        }
    }
}

/// Parameters are checked to be finite numbers above zero, so that equality is one.
impl Eq for Shape {}

impl Hash for Shape {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Fixed(span) => span.hash(state),
            Self::Uniform { low, high } => (low, high).hash(state),
            Self::Normal { mean, deviation } => (mean, deviation).hash(state),
            Self::LogNormal { median, sigma } => (median, sigma.to_bits()).hash(state),
            Self::Exponential { mean } => mean.hash(state),
            Self::Pareto { minimum, shape } => (minimum, shape.to_bits()).hash(state),
            Self::Mixture(parts) => parts.hash(state),
            Self::Table(table) => table.hash(state),
        }
    }
}
