//! A distribution as it was measured: a table of quantiles, with straight lines between them.
//!
//! Whoever has measured a link has percentiles, not a formula: half of the messages took 2 ms, 99 % at most 40 ms. netem
//! takes such tables too (`tc qdisc … distribution FILE`). Sampling is integer arithmetic throughout.

use super::{Distribution, DistributionError};
use crate::Span;

const WHOLE: u32 = 1_000_000;

/// Quantiles in rising order: the share of all samples, per million, and what that share does not exceed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table(Vec<(u32, Span)>);

impl Table {
    pub(super) fn new(points: Vec<(u32, Span)>) -> Result<Self, DistributionError> {
        let refuse = |why| Err(DistributionError::NoTable(why));
        match (points.first(), points.last()) {
            (Some((0, _)), Some((WHOLE, longest))) => super::at_most_max("the longest", *longest)?,
            _ => return refuse("it must begin at 0 and end at 1,000,000 of a million"),
        }
        if points.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return refuse("its shares must rise from point to point");
        }
        if points.windows(2).any(|pair| pair[0].1 > pair[1].1) {
            return refuse("its spans must not fall from point to point");
        }
        Ok(Self(points))
    }

    /// The points: a share of all samples, per million, and the span that this share does not exceed.
    pub fn points(&self) -> &[(u32, Span)] {
        &self.0
    }

    fn segments(&self) -> impl Iterator<Item = [(u32, Span); 2]> + '_ {
        self.0.windows(2).map(|pair| [pair[0], pair[1]])
    }

    pub(super) fn sample(&self, draw: u64) -> Span {
        // The share in millionths, with 64 binary places.
        let share = u128::from(draw) * u128::from(WHOLE);
        let after = self
            .0
            .partition_point(|(point, _)| u128::from(*point) << 64 <= share);
        let (low_share, low) = self.0[after - 1];
        let (high_share, high) = self.0[after];
        let passed = share - (u128::from(low_share) << 64);
        // At most 2^84 times an hour in nanoseconds, which is less than 2^42.
        let rise = u128::from(high.saturating_sub(low).as_nanos());
        let gained = passed * rise / (u128::from(high_share - low_share) << 64);
        low + Span::from_nanos(gained as u64)
    }

    pub(super) fn cumulative(&self, nanos: f64) -> f64 {
        let mut reached = 0.0;
        for [(low_share, low), (high_share, high)] in self.segments() {
            let (low, high) = (low.as_nanos() as f64, high.as_nanos() as f64);
            let part = if nanos >= high {
                1.0
            } else if nanos <= low {
                0.0
            } else {
                (nanos - low) / (high - low)
            };
            reached += part * f64::from(high_share - low_share);
        }
        reached / f64::from(WHOLE)
    }

    /// The mean, where what is longer than `cut` counts as that.
    pub(super) fn mean_nanos(&self, cut: f64) -> f64 {
        let mut sum = 0.0;
        for [(low_share, low), (high_share, high)] in self.segments() {
            let (low, high) = (low.as_nanos() as f64, high.as_nanos() as f64);
            let mean = if high <= cut {
                f64::midpoint(low, high)
            } else if low >= cut {
                cut
            } else {
                let below = (cut - low) / (high - low);
                below * f64::midpoint(low, cut) + (1.0 - below) * cut
            };
            sum += mean * f64::from(high_share - low_share);
        }
        sum / f64::from(WHOLE)
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("measured")?;
        for (index, (share, span)) in self.0.iter().enumerate() {
            let comma = if index == 0 { ':' } else { ',' };
            write!(f, "{comma} {} % {span}", f64::from(*share) / 10_000.0)?;
        }
        Ok(())
    }
}

impl Distribution {
    /// As measured: each point is a share of all samples, per million, and the span that this share does not exceed.
    /// The first share is 0, the last 1,000,000; between two points every span is as likely.
    pub fn table(points: Vec<(u32, Span)>) -> Result<Self, DistributionError> {
        Ok(super::Shape::Table(Table::new(points)?).into())
    }
}
