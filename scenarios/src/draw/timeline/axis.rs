//! Where places are from left to right: in order, with room for each, and to scale as far as that allows.

use seedbed_sim::Instant;

use crate::checkers::Clock;
use crate::history::Place;

use super::choose::Shown;
use super::{Moment, Timeline, time_of};

/// Left of the first place and right of the last.
const EDGE: f64 = 26.0;
/// A stretch in which many operations are left out is so much wider, in even steps.
const BREAK: f64 = 2.5;
/// So many are many.
const MANY: u32 = 20;

/// The axis.
#[derive(Debug)]
pub(super) struct Axis {
    pub(super) left: f64,
    pub(super) right: f64,
    /// Where each of the shown places is.
    xs: Vec<f64>,
    places: Vec<Place>,
}

impl Axis {
    pub(super) fn new(timeline: &Timeline<'_>, shown: &Shown, (left, right): (f64, f64)) -> Self {
        let parts = parts(timeline, shown);
        let whole: f64 = parts.iter().sum();
        let room = right - left - 2.0 * EDGE;
        let mut x = left + EDGE;
        let mut xs = Vec::with_capacity(shown.places.len());
        for part in parts {
            x += part / whole.max(1.0) * room;
            xs.push(x);
        }
        Self {
            left,
            right,
            xs,
            places: shown.places.clone(),
        }
    }

    /// Where a shown place is.
    pub(super) fn x(&self, place: Place) -> f64 {
        let index = self.places.binary_search(&place);
        self.xs[index.expect("a place that is shown")]
    }

    /// Between which x a gap before the place of this index lies; behind the last place, what is right of it.
    pub(super) fn gap(&self, index: usize) -> (f64, f64) {
        let before = index
            .checked_sub(1)
            .map_or(self.left, |index| self.xs[index]);
        let after = self.xs.get(index).copied().unwrap_or(self.right);
        (before, after)
    }

    /// Where a moment is, among the shown places.
    pub(super) fn x_of(&self, moment: Moment) -> f64 {
        let index = self.places.partition_point(|place| *place < moment.place);
        let (before, after) = self.gap(index);
        match index {
            0 => before,
            _ if index == self.places.len() => after,
            _ => (before + after) / 2.0,
        }
    }

    /// The shown places, and where they are.
    pub(super) fn places(&self) -> impl Iterator<Item = (Place, f64)> + '_ {
        self.places.iter().copied().zip(self.xs.iter().copied())
    }
}

/// How wide the stretch before each place is, in even steps: one, and up to two more for a long time.
fn parts(timeline: &Timeline<'_>, shown: &Shown) -> Vec<f64> {
    let history = timeline.history;
    let times: Vec<Instant> = shown.places.iter().map(|&p| time_of(history, p)).collect();
    let gap = |index: usize| times[index].since(times[index - 1]).as_nanos();
    let mut gaps: Vec<u64> = (1..times.len()).map(gap).collect();
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(0).max(1) as f64;
    let mut parts = vec![0.0];
    for index in 1..times.len() {
        let scaled = match timeline.clock {
            Clock::Times => (gap(index) as f64 / usual).min(2.0),
            Clock::Lines(_) => 0.0,
        };
        let left_out = if shown.skipped[index] >= MANY {
            BREAK
        } else {
            0.0
        };
        parts.push(1.0 + scaled + left_out);
    }
    parts.truncate(shown.places.len());
    parts
}
