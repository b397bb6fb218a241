//! Nemeses of clocks.

use seedbed_sim::{Fault, Span};

use super::{Kind, signed, span};

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
    Kind {
        name: "clock-jump",
        draws: "from 1 ms to 10 s, forward or back",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            let nanos = signed(stream, 1_000_000, 10_000_000_000);
            Some(Fault::ClockJump { node, nanos })
        },
    },
    Kind {
        name: "clock-strobe",
        draws: "from 1 ms to 10 s, ahead or behind, every 1 to 100 ms",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            let nanos = signed(stream, 1_000_000, 10_000_000_000);
            let every = span(stream, Span::from_millis(1), Span::from_millis(100));
            Some(Fault::ClockStrobe { node, nanos, every })
        },
    },
    Kind {
        name: "clock-freeze",
        draws: "which node",
        draw: |ground, stream| {
            let node = ground.node(stream)?;
            Some(Fault::ClockFreeze { node })
        },
    },
];
