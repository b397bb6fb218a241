//! Nemeses of clocks.

use seedbed_sim::Fault;

use super::{Kind, signed};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "clock-offset",
        draws: "from 1 ms to 10 s, ahead or behind",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            let nanos = signed(stream, 1_000_000, 10_000_000_000);
            Some(Fault::ClockOffset { node, nanos })
        },
    },
    Kind {
        name: "clock-drift",
        draws: "from 10 to 50,000 ppm, faster or slower",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            let ppm = signed(stream, 10, 50_000) as i32;
            Some(Fault::ClockDrift { node, ppm })
        },
    },
];
