//! Faults of clocks: the wall clock shows them, and timers don't notice.

use seedbed_sim::*;

use crate::lab::*;
use crate::probe::*;

/// What A's wall clock shows now, as nanoseconds ahead of the world's time.
fn wall_ahead(lab: &mut Lab) -> i64 {
    lab.ask(A, Ask::Clock);
    let now = lab.world.now();
    lab.world.run_until(now, &mut lab.ear);
    let (_, _, note) = lab.ear.notes.last().unwrap();
    let Heard::Wall(wall) = note else {
        panic!("{note:?} is no reading");
    };
    let true_wall = WallTime::AT_WORLD_START + now.since(Instant::ZERO);
    wall.as_nanos() as i64 - true_wall.as_nanos() as i64
}

const MS: i64 = 1_000_000;

#[test]
fn a_clock_jumps_forward_and_back_and_stays_there() {
    let mut lab = Lab::fifo();
    lab.until(10);
    let forward = lab.inject(Fault::ClockJump {
        node: A,
        nanos: 30 * MS,
    });
    assert_eq!(wall_ahead(&mut lab), 30 * MS);
    lab.until(20);
    lab.lift(forward);
    assert_eq!(wall_ahead(&mut lab), 30 * MS, "lifting does not step back");
    let offset = lab.inject(Fault::ClockOffset { node: A, nanos: 7 });
    let back = lab.inject(Fault::ClockJump {
        node: A,
        nanos: -50 * MS,
    });
    assert_eq!(wall_ahead(&mut lab), -20 * MS + 7);
    lab.lift(offset);
    lab.lift(back);
    assert_eq!(wall_ahead(&mut lab), -20 * MS);
}

#[test]
fn a_strobing_clock_jumps_to_and_fro() {
    let mut lab = Lab::fifo();
    lab.until(100);
    let strobe = lab.inject(Fault::ClockStrobe {
        node: A,
        nanos: -40 * MS,
        every: Span::from_millis(10),
    });
    let mut shown = Vec::new();
    for at in [100, 109, 110, 119, 120, 135] {
        lab.until(at);
        shown.push(wall_ahead(&mut lab) / MS);
    }
    assert_eq!(shown, [-40, -40, 0, 0, -40, 0]);
    lab.until(125 + 20);
    lab.lift(strobe);
    assert_eq!(wall_ahead(&mut lab), 0);
}

#[test]
fn a_frozen_clock_stands_still_and_is_right_again_afterwards() {
    let mut lab = Lab::fifo();
    lab.until(10);
    let freeze = lab.inject(Fault::ClockFreeze { node: A });
    lab.until(25);
    assert_eq!(wall_ahead(&mut lab), -15 * MS);
    // What comes meanwhile does not move it.
    let second = lab.inject(Fault::ClockFreeze { node: A });
    lab.until(30);
    lab.lift(freeze);
    assert_eq!(wall_ahead(&mut lab), -20 * MS);
    lab.until(40);
    lab.lift(second);
    assert_eq!(wall_ahead(&mut lab), 0);
}

/// Within one handler, too, a frozen clock shows one time; the monotonic clock goes on.
#[test]
fn timers_and_the_monotonic_clock_do_not_notice_what_the_wall_clock_does() {
    let mut lab = Lab::fifo();
    lab.ask(
        A,
        Ask::Timers {
            delays: [5, 15, 25].map(Span::from_millis).to_vec(),
            cancel: Vec::new(),
        },
    );
    for fault in [
        Fault::ClockJump {
            node: A,
            nanos: -60_000 * MS,
        },
        Fault::ClockStrobe {
            node: A,
            nanos: 3 * MS,
            every: Span::from_millis(1),
        },
        Fault::ClockFreeze { node: A },
    ] {
        lab.inject(fault);
    }
    lab.until(100);
    let fired: Vec<Instant> = lab.ear.ticks().into_iter().map(|(at, _)| at).collect();
    assert_eq!(fired, [5, 15, 25].map(ms));
    let clocks = lab.world.clocks(A);
    assert_eq!(clocks.local, LocalInstant::from_millis(100));
    assert!(clocks.wall_stands);
}
