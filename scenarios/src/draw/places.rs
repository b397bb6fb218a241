//! Where things are: instants from left to right, lanes from top to bottom, and the ways between them.

use seedbed_sim::{DropReason, Instant};

use super::canvas::{Area, Point, width};
use super::picture::{MARGIN, TEXT_SIZE, WIDE};
use super::scene::{End, Message, Scene};

/// Where lanes and instants are.
pub(super) struct Places {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) axis: f64,
    pub(super) lanes: Vec<f64>,
    pitch: f64,
    from: Instant,
    to: Instant,
}

impl Places {
    pub(super) fn new(scene: &Scene) -> Self {
        let names = scene.lanes.iter().map(|lane| width(&lane.name, TEXT_SIZE));
        let left = MARGIN + names.fold(60.0, f64::max) + 14.0;
        let count = scene.lanes.len().max(1) as f64;
        let pitch = (640.0 / count).clamp(34.0, 92.0);
        let axis = 84.0;
        let first = axis + 26.0 + pitch.max(56.0) * 0.62;
        let lanes = (0..scene.lanes.len()).map(|lane| first + lane as f64 * pitch);
        Self {
            left,
            right: WIDE - MARGIN - 6.0,
            axis,
            lanes: lanes.collect(),
            pitch,
            from: scene.from,
            to: scene.to,
        }
    }

    /// Where an instant is, also outside the window.
    pub(super) fn x(&self, at: Instant) -> f64 {
        let nanos = |at: Instant| at.as_nanos() as f64;
        let share = (nanos(at) - nanos(self.from)) / (nanos(self.to) - nanos(self.from));
        self.left + share * (self.right - self.left)
    }

    /// Where an instant is, or the edge that it lies beyond.
    pub(super) fn x_within(&self, at: Instant) -> f64 {
        self.x(at).clamp(self.left, self.right)
    }

    pub(super) fn at(&self, lane: usize, at: Instant) -> Point {
        Point {
            x: self.x(at),
            y: self.lanes[lane],
        }
    }

    pub(super) fn bottom(&self) -> f64 {
        self.lanes.last().copied().unwrap_or(self.axis) + self.pitch.min(60.0) * 0.55
    }

    /// A stretch of a lane, so high above and below its line.
    pub(super) fn stretch(&self, lane: usize, (from, to): (Instant, Instant), half: f64) -> Area {
        let (left, right) = (self.x_within(from), self.x_within(to));
        Area {
            x: left,
            y: self.lanes[lane] - half,
            width: (right - left).max(1.0),
            height: 2.0 * half,
        }
    }
}

/// A message's way, also outside the window.
pub(super) struct Route {
    from: Point,
    pub(super) to: Point,
}

/// Where a lost message ends.
enum Grave {
    Sender,
    Way,
    Receiver,
}

fn grave(reason: DropReason) -> Grave {
    match reason {
        DropReason::Unsent => Grave::Sender,
        DropReason::Loss | DropReason::Cut | DropReason::QueueFull => Grave::Way,
        DropReason::ReceiverDown
        | DropReason::ConnectionReset
        | DropReason::Corrupted
        | DropReason::InboxFull
        | DropReason::Unhandled => Grave::Receiver,
    }
}

impl Route {
    pub(super) fn new(message: &Message, places: &Places) -> Self {
        let from = places.at(message.from, message.left_at);
        let arrives = places.at(message.to, message.end_at);
        let to = match message.end {
            End::Arrived { .. } => arrives,
            End::OnItsWay => Point {
                // It is not known when it would arrive.
                x: arrives.x.max(from.x + 20.0),
                ..arrives
            },
            End::Lost(reason) => match grave(reason) {
                Grave::Receiver => arrives,
                Grave::Sender => Point {
                    x: arrives.x + 8.0,
                    y: from.y + (arrives.y - from.y) * 0.15,
                },
                // What is lost on its way may be known to be lost at once: it still goes a little way.
                Grave::Way => Point {
                    x: arrives.x.max(from.x + 14.0),
                    y: from.y + (arrives.y - from.y) * 0.55,
                },
            },
        };
        Self { from, to }
    }

    /// The part of it that lies in the window.
    pub(super) fn visible(&self, places: &Places) -> Option<(Point, Point)> {
        let (from, to) = (self.from, self.to);
        if to.x < places.left || from.x > places.right {
            return None;
        }
        let at_x = |x: f64| Point {
            x,
            y: from.y + (to.y - from.y) * (x - from.x) / (to.x - from.x),
        };
        let begin = if from.x < places.left {
            at_x(places.left)
        } else {
            from
        };
        let end = if to.x > places.right {
            at_x(places.right)
        } else {
            to
        };
        Some((begin, end))
    }
}

/// Between two marks of the axis: 1, 2 or 5 times a power of ten, so that there are about eight.
pub(super) fn tick_step(span_nanos: u64) -> u64 {
    let mut step: u64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let wide = step.saturating_mul(factor);
            if span_nanos / wide <= 10 {
                return wide;
            }
        }
        step = step.saturating_mul(10);
    }
}

/// An instant with as many decimals as its step needs.
pub(super) fn tick_label(nanos: u64, step: u64) -> String {
    let (unit, name) = if step.is_multiple_of(1_000_000_000) {
        (1_000_000_000, "s")
    } else {
        (1_000_000, "ms")
    };
    let (mut grain, mut decimals) = (unit, 0);
    while !step.is_multiple_of(grain) {
        grain /= 10;
        decimals += 1;
    }
    let whole = nanos / unit;
    if decimals == 0 {
        return format!("{whole} {name}");
    }
    let part = nanos % unit / grain;
    format!("{whole}.{part:0decimals$} {name}")
}

/// Where a label of a line could begin, along it and on either side, but not right of `x_max`.
pub(super) fn beside(from: Point, to: Point, x_max: f64) -> Vec<Point> {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let is_flat = dy.abs() < dx.abs() * 0.25;
    // To the right of a steep line, where it leaves room; above or below a flat one.
    let (near, far) = match (is_flat, dy > 0.0) {
        (true, _) => ((0.0, -5.0), (0.0, 13.0)),
        (false, true) => ((6.0, -1.0), (6.0, 11.0)),
        (false, false) => ((6.0, 9.0), (6.0, -3.0)),
    };
    let spot = |share: f64, (right, down): (f64, f64)| Point {
        x: (from.x + dx * share + right).min(x_max),
        y: from.y + dy * share + down,
    };
    let shares = [0.5, 0.38, 0.62, 0.27, 0.73, 0.85, 0.15];
    let near = shares.map(|share| spot(share, near));
    let far = shares.map(|share| spot(share, far));
    near.into_iter().chain(far).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_the_axis_are_round_and_not_too_many() {
        assert_eq!(tick_step(1), 1);
        assert_eq!(tick_step(16_400_000), 2_000_000);
        assert_eq!(tick_step(2_500_000_000), 500_000_000);
        for span in [3, 99, 1_000, 123_456_789, u64::MAX] {
            assert!((1..=10).contains(&(span / tick_step(span))), "{span}");
        }
    }

    #[test]
    fn marks_have_the_decimals_that_they_need() {
        assert_eq!(tick_label(12_000_000, 2_000_000), "12 ms");
        assert_eq!(tick_label(12_500_000, 500_000), "12.5 ms");
        assert_eq!(tick_label(12_050_000, 50_000), "12.05 ms");
        assert_eq!(tick_label(3_000_000_000, 1_000_000_000), "3 s");
        assert_eq!(tick_label(1_500_000_000, 500_000_000), "1500 ms");
        assert_eq!(tick_label(7, 1), "0.000007 ms");
    }
}
