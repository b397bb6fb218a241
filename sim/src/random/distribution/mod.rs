//! How long things take: distributions of spans, sampled from raw 64-bit draws.
//!
//! One draw gives one span by inverse transform (the span below which a share of all samples falls that is the draw
//! divided by 2⁶⁴), so a larger draw is never a shorter delay, and a sample hangs on its draw alone. Fixed and uniform
//! spans are sampled in integers. The others use `f64` with `+ - * /` (which IEEE 754 fixes to the last bit), square
//! roots (likewise) and the `libm` crate, never Rust's own `ln` or `exp`, which call the platform's library: one draw
//! gives one nanosecond count on every platform. (32-bit x86 without SSE2 is no such platform: its registers round twice.)
//!
//! Every sample is rounded to a whole nanosecond and cut at [`Distribution::MAX`], so that the heavy tails of a Pareto
//! distribution can't overflow a clock. Means and quantiles below are those of what is sampled, cuts included.

mod shape;
mod table;
#[cfg(test)]
mod tests;

pub use self::shape::Shape;
pub use self::table::Table;
use crate::Span;
use std::fmt;

/// A distribution of spans: of a link's delay, a disk's latency, the gap between two requests.
///
/// Its parameters are settings: no kernel state holds a float.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Distribution {
    shape: Shape,
    offset: Span,
}

/// Why the parameters of a distribution make none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DistributionError {
    /// A span is longer than [`Distribution::MAX`].
    #[error("{parameter} is {got}, expected at most {}", Distribution::MAX)]
    TooLong {
        /// Which parameter.
        parameter: &'static str,
        /// What it is.
        got: Span,
    },
    /// A span is zero where the distribution needs a scale.
    #[error("{parameter} is 0, expected more (what never varies is a fixed span)")]
    Zero {
        /// Which parameter.
        parameter: &'static str,
    },
    /// A number is outside what makes sense.
    #[error("{parameter} is {got}, expected a number above 0 and at most {most}")]
    OutOfRange {
        /// Which parameter.
        parameter: &'static str,
        /// What it is.
        got: f64,
        /// The greatest that is accepted.
        most: f64,
    },
    /// The ends of a range are the wrong way round.
    #[error("low is {low}, expected at most high, which is {high}")]
    Backwards {
        /// The lower end.
        low: Span,
        /// The upper end.
        high: Span,
    },
    /// No part of a mixture can be chosen.
    #[error("the mixture has no part to choose, expected at least one with a weight above 0")]
    EmptyMixture,
    /// A part of a mixture is a mixture.
    #[error("a part of the mixture is a mixture itself, expected its parts in its place")]
    NestedMixture,
    /// The points make no table.
    #[error("these points make no table: {0}")]
    NoTable(&'static str),
}

impl Distribution {
    /// No sample is longer: one hour. What takes longer than that is an outage, and a fault says it better.
    pub const MAX: Span = Span::from_secs(3_600);
    /// The greatest sigma of a log-normal distribution.
    pub const SIGMA_MAX: f64 = 10.0;
    /// The greatest shape of a Pareto distribution.
    pub const PARETO_SHAPE_MAX: f64 = 1e6;

    /// Always `span`.
    pub fn fixed(span: Span) -> Result<Self, DistributionError> {
        at_most_max("the span", span)?;
        Ok(Shape::Fixed(span).into())
    }

    /// Any span from `low` to `high`, both included, every one as likely.
    pub fn uniform(low: Span, high: Span) -> Result<Self, DistributionError> {
        if low > high {
            return Err(DistributionError::Backwards { low, high });
        }
        at_most_max("high", high)?;
        Ok(Shape::Uniform { low, high }.into())
    }

    /// The bell curve. What would be below zero is zero.
    pub fn normal(mean: Span, deviation: Span) -> Result<Self, DistributionError> {
        at_most_max("mean", mean)?;
        scale("deviation", deviation)?;
        Ok(Shape::Normal { mean, deviation }.into())
    }

    /// A span whose logarithm is normal: half of the samples are below `median`, and one deviation up is a factor of
    /// e^`sigma` (0.5 is a common spread of a service's answers; 1 is wide). `sigma` is above 0 and at most
    /// [`SIGMA_MAX`](Self::SIGMA_MAX).
    pub fn log_normal(median: Span, sigma: f64) -> Result<Self, DistributionError> {
        scale("median", median)?;
        number("sigma", sigma, Self::SIGMA_MAX)?;
        Ok(Shape::LogNormal { median, sigma }.into())
    }

    /// The gaps of a Poisson process: short ones are the most likely, and one in 20 is longer than three means.
    pub fn exponential(mean: Span) -> Result<Self, DistributionError> {
        scale("mean", mean)?;
        Ok(Shape::Exponential { mean }.into())
    }

    /// A heavy tail that begins at `minimum`: the chance to be `k` times as long as that is k^-`shape`. Below a shape
    /// of 2 the variance is infinite but for the cut, below 1 the mean is. `shape` is above 0 and at most
    /// [`PARETO_SHAPE_MAX`](Self::PARETO_SHAPE_MAX).
    pub fn pareto(minimum: Span, shape: f64) -> Result<Self, DistributionError> {
        scale("minimum", minimum)?;
        number("shape", shape, Self::PARETO_SHAPE_MAX)?;
        Ok(Shape::Pareto { minimum, shape }.into())
    }

    /// One of several distributions, each chosen as often as its weight says. Parts are no mixtures themselves.
    pub fn mixture(parts: Vec<(u32, Self)>) -> Result<Self, DistributionError> {
        if parts.iter().all(|(weight, _)| *weight == 0) {
            return Err(DistributionError::EmptyMixture);
        }
        if parts
            .iter()
            .any(|(_, part)| matches!(part.shape, Shape::Mixture(_)))
        {
            return Err(DistributionError::NestedMixture);
        }
        Ok(Shape::Mixture(parts).into())
    }

    /// The same, with every sample longer by `offset`: the way itself, before what varies on it.
    pub fn plus(mut self, offset: Span) -> Result<Self, DistributionError> {
        self.offset += offset;
        at_most_max("the offset", self.offset)?;
        Ok(self)
    }

    /// Its kind and parameters, but for what is added to every sample.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// What is added to every sample: see [`plus`](Self::plus).
    pub fn offset(&self) -> Span {
        self.offset
    }

    /// The sample that belongs to `draw`, with `spare` as a second, independent draw (a mixture chooses by it).
    #[inline]
    pub fn sample(&self, draw: u64, spare: u64) -> Span {
        let span = self.shape.sample(draw, spare) + self.offset;
        span.min(Self::MAX)
    }

    /// The mean of all samples, for reports.
    pub fn mean(&self) -> Span {
        let nanos = self.shape.mean_nanos(self.room()) + self.offset.as_nanos() as f64 + 0.5;
        Span::from_nanos(nanos as u64).min(Self::MAX)
    }

    /// The span that a share of `p` of all samples does not exceed, for reports. `p` below 0 counts as 0, above 1 as 1.
    pub fn quantile(&self, p: f64) -> Span {
        (self.shape.quantile(p) + self.offset).min(Self::MAX)
    }

    /// The share of all samples that are at most `span`, for reports.
    pub fn cumulative(&self, span: Span) -> f64 {
        if span >= Self::MAX {
            return 1.0;
        }
        if span < self.offset {
            return 0.0;
        }
        self.shape.cumulative(span.saturating_sub(self.offset))
    }

    /// How long the part that varies can be before the cut.
    fn room(&self) -> Span {
        Self::MAX.saturating_sub(self.offset)
    }
}

impl From<Shape> for Distribution {
    fn from(shape: Shape) -> Self {
        let offset = Span::ZERO;
        Self { shape, offset }
    }
}

/// Prints in words: `exponential, mean 5 ms, plus 1 ms`.
impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shape.fmt(f)?;
        if self.offset > Span::ZERO {
            write!(f, ", plus {}", self.offset)?;
        }
        Ok(())
    }
}

fn at_most_max(parameter: &'static str, got: Span) -> Result<(), DistributionError> {
    if got > Distribution::MAX {
        return Err(DistributionError::TooLong { parameter, got });
    }
    Ok(())
}

fn scale(parameter: &'static str, got: Span) -> Result<(), DistributionError> {
    if got == Span::ZERO {
        return Err(DistributionError::Zero { parameter });
    }
    at_most_max(parameter, got)
}

fn number(parameter: &'static str, got: f64, most: f64) -> Result<(), DistributionError> {
    // Written so that NaN is refused.
    if got > 0.0 && got <= most {
        return Ok(());
    }
    Err(DistributionError::OutOfRange {
        parameter,
        got,
        most,
    })
}
