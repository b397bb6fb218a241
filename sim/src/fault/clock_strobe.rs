//! Clock strobe: the wall clock jumps ahead and back again, over and over (Jepsen's nemesis of that name). Two readings
//! that follow each other may come in any order; the monotonic clock does not notice.

use super::{About, Group};
use crate::{Instant, Span};

pub(super) const ABOUT: About = About {
    name: "clock-strobe",
    group: Group::Clocks,
    summary: "The wall clock jumps ahead and back again, over and over.",
};

/// A wall clock that jumps to and fro.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Strobe {
    /// Since when.
    pub since: Instant,
    /// How long it stays on either side.
    pub every: Span,
    /// How far it jumps, in nanoseconds (negative: back). It begins there.
    pub nanos: i64,
}

impl Strobe {
    /// What it adds to a reading.
    pub(crate) fn offset_at(&self, now: Instant) -> i64 {
        let turns = now.since(self.since).as_nanos() / self.every.as_nanos().max(1);
        if turns.is_multiple_of(2) {
            self.nanos
        } else {
            0
        }
    }
}
