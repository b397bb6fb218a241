//! A node's clocks, which are wrong in the ways that clocks are.
//!
//! A node reads two. Its *monotonic* clock starts at zero with the world and never goes back; timers run on it. Its
//! *wall* clock shows the calendar, and may be off and jump. Both run on one oscillator: when that is fast or slow,
//! both drift.
//!
//! ```text
//!  local ▲                    ╱      world time → local time is a line between two
//!        │              _,-‾╱        changes of drift, and the change moves the
//!        │        _,-‾      slope    anchor, so that readings go on without a jump
//!        │     ╱    changes of
//!        │   ╱      drift
//!        └──────────────────────► world
//! ```
//!
//! Everything is integer arithmetic, so a reading is the same on every platform: local time is the anchor's plus the
//! world time since, plus that times the drift, rounded down. (Rounding down on every leg keeps readings monotone when
//! a host adds the time of a handler to the reading at its start.)
//!
//! A wall clock may besides jump to and fro, or stand still; both are seen at the begin of a handler, and hold for its
//! length. Timers don't notice: they run on the monotonic clock.
//!
//! Real oscillators wander with temperature, and time daemons steer them all the time; here the drift is constant
//! until a fault changes it, and nothing disciplines the clock.

use crate::fault::Strobe;
use crate::{Clocks, Instant, LocalInstant, WallTime};

const MILLION: u64 = 1_000_000;

/// How wrong a node's clocks are from the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClockConfig {
    /// How far the wall clock is ahead, in nanoseconds (negative: behind).
    pub offset_nanos: i64,
    /// How much faster both clocks run, in parts per million (negative: slower). Quartz is within 100; below
    /// [`NodeClock::DRIFT_PPM_MIN`] counts as that.
    pub drift_ppm: i32,
}

/// One node's monotonic and wall clock, as functions of the world's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeClock {
    anchor_world: Instant,
    anchor_local: LocalInstant,
    drift_ppm: i32,
    offset_nanos: i64,
    /// How the wall clock misbehaves besides, if it does.
    strobe: Option<Strobe>,
    frozen: Option<WallTime>,
}

impl NodeClock {
    /// The slowest that a clock goes, since one that stands still would never reach a timer: a millionth of its speed.
    pub const DRIFT_PPM_MIN: i32 = -999_999;

    /// The clocks of a node when the world begins: the monotonic one at zero, the wall clock at
    /// [`WallTime::AT_WORLD_START`] and its offset.
    pub fn new(config: ClockConfig) -> Self {
        Self {
            anchor_world: Instant::ZERO,
            anchor_local: LocalInstant::ZERO,
            drift_ppm: config.drift_ppm.max(Self::DRIFT_PPM_MIN),
            offset_nanos: config.offset_nanos,
            strobe: None,
            frozen: None,
        }
    }

    /// Both readings at world time `now`, which must not be before the last [`set_drift`](Self::set_drift).
    #[inline]
    pub fn at(&self, now: Instant) -> Clocks {
        let local = self.local_at(now);
        let wall = WallTime::AT_WORLD_START
            .as_nanos()
            .saturating_add(local.as_nanos())
            .saturating_add_signed(self.offset_nanos);
        let clocks = Clocks {
            local,
            wall: WallTime::from_nanos(wall),
            drift_ppb: i64::from(self.drift_ppm) * 1_000,
            wall_stands: false,
        };
        if self.strobe.is_none() && self.frozen.is_none() {
            return clocks;
        }
        self.misread(now, clocks)
    }

    /// What a wall clock shows that jumps to and fro or stands still.
    #[cold]
    fn misread(&self, now: Instant, clocks: Clocks) -> Clocks {
        let jumped = self.strobe.map_or(0, |strobe| strobe.offset_at(now));
        let wall = clocks.wall.as_nanos().saturating_add_signed(jumped);
        Clocks {
            wall: self.frozen.unwrap_or(WallTime::from_nanos(wall)),
            wall_stands: self.frozen.is_some(),
            ..clocks
        }
    }

    /// From now on the wall clock jumps to and fro, or does so no more.
    pub fn set_strobe(&mut self, strobe: Option<Strobe>) {
        self.strobe = strobe;
    }

    /// From `now` on the wall clock stands still, or shows the time again. One that stands already goes on standing.
    pub fn set_frozen(&mut self, now: Instant, stands: bool) {
        self.frozen = match (self.frozen, stands) {
            (_, false) => None,
            (None, true) => Some(self.at(now).wall),
            (Some(shown), true) => Some(shown),
        };
    }

    /// The earliest world instant at which the monotonic clock reads at least `due`, but no earlier than the last
    /// change of drift; [`Instant::NEVER`] where the world's time ends first. It is exact: a nanosecond earlier the
    /// clock reads less.
    #[inline]
    pub fn world_time_of(&self, due: LocalInstant) -> Instant {
        let ahead = due.since(self.anchor_local).as_nanos();
        if self.drift_ppm == 0 {
            return Instant::from_nanos(self.anchor_world.as_nanos().saturating_add(ahead));
        }
        let rate = MILLION.saturating_add_signed(i64::from(self.drift_ppm));
        // Rounded up. Where the product fits into 64 bits (five hours ahead), so does the division.
        let world = match ahead.checked_mul(MILLION) {
            Some(product) => product.div_ceil(rate),
            None => (u128::from(ahead) * u128::from(MILLION))
                .div_ceil(u128::from(rate))
                .try_into()
                .unwrap_or(u64::MAX),
        };
        Instant::from_nanos(self.anchor_world.as_nanos().saturating_add(world))
    }

    /// From `now` on both clocks run by `ppm` faster (negative: slower) than the world. Readings at `now` stay.
    pub fn set_drift(&mut self, now: Instant, ppm: i32) {
        self.anchor_local = self.local_at(now);
        self.anchor_world = now;
        self.drift_ppm = ppm.max(Self::DRIFT_PPM_MIN);
    }

    /// The wall clock jumps to be `nanos` ahead (negative: behind) of what it would show without an offset. The
    /// monotonic clock does not notice.
    pub fn set_offset(&mut self, nanos: i64) {
        self.offset_nanos = nanos;
    }

    #[inline]
    fn local_at(&self, now: Instant) -> LocalInstant {
        debug_assert!(now >= self.anchor_world, "{now} is before {self:?}");
        let passed = now.since(self.anchor_world);
        if self.drift_ppm == 0 {
            return self.anchor_local + passed;
        }
        // floor(passed × drift / 10⁶), in two parts so that neither needs more than a cheap division.
        let drift = i64::from(self.drift_ppm);
        let passed = passed.as_nanos();
        let whole = i128::from(passed / MILLION) * i128::from(drift);
        let rest = ((passed % MILLION) as i64 * drift).div_euclid(MILLION as i64);
        let local = i128::from(self.anchor_local.as_nanos())
            + i128::from(passed)
            + whole
            + i128::from(rest);
        LocalInstant::from_nanos(u64::try_from(local).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;
    use proptest::prelude::*;

    fn clock(offset_nanos: i64, drift_ppm: i32) -> NodeClock {
        NodeClock::new(ClockConfig {
            offset_nanos,
            drift_ppm,
        })
    }

    /// Drifts of quartz, of strobing faults, and the ends.
    fn any_drift() -> impl Strategy<Value = i32> {
        prop_oneof![
            -200..=200,
            -999_999..=5_000_000,
            Just(0),
            Just(NodeClock::DRIFT_PPM_MIN),
            Just(i32::MAX)
        ]
    }

    /// Instants within a day, and a few near the end of time.
    fn any_nanos() -> impl Strategy<Value = u64> {
        prop_oneof![
            0..1_000_u64,
            0..86_400_000_000_000_u64,
            0..u64::MAX / 4_000_000
        ]
    }

    #[test]
    fn a_perfect_clock_reads_the_worlds_time() {
        let read = clock(0, 0).at(Instant::from_millis(7));
        assert_eq!(read.local, LocalInstant::from_millis(7));
        assert_eq!(read.wall, WallTime::AT_WORLD_START + Span::from_millis(7));
        assert_eq!(read.drift_ppb, 0);
    }

    #[test]
    fn a_fast_clock_gains_and_a_slow_one_loses() {
        let hour = Instant::from_millis(3_600_000);
        // 100 ppm are 360 ms an hour.
        assert_eq!(
            clock(0, 100).at(hour).local,
            LocalInstant::from_millis(3_600_360)
        );
        assert_eq!(
            clock(0, -100).at(hour).local,
            LocalInstant::from_millis(3_599_640)
        );
        assert_eq!(clock(0, -100).at(hour).drift_ppb, -100_000);
        let due = LocalInstant::from_millis(3_600_360);
        assert_eq!(clock(0, 100).world_time_of(due), hour);
    }

    #[test]
    fn a_jump_of_the_wall_clock_is_seen_on_the_wall_alone() {
        let mut jumping = clock(1_000, 50);
        let now = Instant::from_millis(20_000);
        let before = jumping.at(now);
        jumping.set_offset(-2_000);
        let after = jumping.at(now);
        assert_eq!(after.local, before.local);
        assert_eq!(after.wall, before.wall - Span::from_nanos(3_000));
    }

    #[test]
    fn no_timer_past_the_end_of_time_is_ever_due() {
        assert_eq!(
            clock(0, 0).world_time_of(LocalInstant::NEVER),
            Instant::NEVER
        );
        assert_eq!(
            clock(0, -50).world_time_of(LocalInstant::NEVER),
            Instant::NEVER
        );
        assert_eq!(clock(0, 50).at(Instant::NEVER).local, LocalInstant::NEVER);
        assert_eq!(clock(i64::MIN, 0).at(Instant::ZERO).wall, WallTime::ZERO);
    }

    #[test]
    fn a_clock_told_to_stand_still_crawls() {
        assert_eq!(clock(0, i32::MIN), clock(0, NodeClock::DRIFT_PPM_MIN));
        let second = Instant::from_millis(1_000);
        assert_eq!(clock(0, -1_000_000).at(second).local.as_nanos(), 1_000);
    }

    proptest! {
        #[test]
        fn readings_never_go_back(drift in any_drift(), earlier in any_nanos(), step in 0..3_000_000_000_u64) {
            let clock = clock(0, drift);
            let earlier = Instant::from_nanos(earlier);
            let later = earlier + Span::from_nanos(step);
            prop_assert!(clock.at(earlier).local <= clock.at(later).local);
            prop_assert!(clock.at(earlier).wall <= clock.at(later).wall);
        }

        #[test]
        fn a_reading_is_what_exact_arithmetic_gives(drift in any_drift(), now in any_nanos()) {
            let exact = (i128::from(now) * (1_000_000 + i128::from(drift))).div_euclid(1_000_000);
            let read = clock(0, drift).at(Instant::from_nanos(now)).local.as_nanos();
            prop_assert_eq!(i128::from(read), exact);
        }

        #[test]
        fn the_world_time_of_a_reading_is_the_first_that_shows_it(drift in any_drift(), due in any_nanos()) {
            let clock = clock(0, drift);
            let due = LocalInstant::from_nanos(due);
            let world = clock.world_time_of(due);
            prop_assume!(world < Instant::NEVER);
            prop_assert!(clock.at(world).local >= due);
            if world > Instant::ZERO {
                prop_assert!(clock.at(world - Span::from_nanos(1)).local < due);
            }
        }

        #[test]
        fn changes_of_drift_leave_no_jump(
            changes in proptest::collection::vec((any_drift(), 0..10_000_000_000_u64), 1..20),
            probe in 0..10_000_000_000_u64,
        ) {
            let mut clock = clock(-5, 30);
            let mut now = Instant::ZERO;
            for (drift, wait) in changes {
                now += Span::from_nanos(wait);
                let before = clock.at(now);
                clock.set_drift(now, drift);
                let after = clock.at(now);
                prop_assert_eq!((before.local, before.wall), (after.local, after.wall));
                // The inverse holds on every piece of the line.
                let due = after.local + Span::from_nanos(1 + probe);
                let world = clock.world_time_of(due);
                prop_assert!(clock.at(world).local >= due);
                prop_assert!(clock.at(world - Span::from_nanos(1)).local < due);
            }
        }

        /// A process that reads its clock late in a handler must not see the next handler's reading below that.
        #[test]
        fn a_reading_within_a_handler_is_never_ahead_of_the_clock(
            drift in any_drift(), begin in any_nanos(), took in 0..10_000_000_000_u64,
        ) {
            let clock = clock(0, drift);
            let begin = Instant::from_nanos(begin);
            let took = Span::from_nanos(took);
            let clocks = clock.at(begin);
            prop_assert!(clocks.local + clocks.local_span(took) <= clock.at(begin + took).local);
        }
    }
}
