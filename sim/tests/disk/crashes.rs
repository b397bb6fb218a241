//! Crashes after every step and at every instant that could matter, against the reference.

use proptest::prelude::*;
use seedbed_sim::{Disk, DiskConfig, Instant, SimDisk, Span};

use crate::reference::{Reference, SYNC};
use crate::steps::{Driver, Step, any_step, config, contents};

/// What happens to the disk in one step of the test.
#[derive(Clone, Debug)]
enum Event {
    Step(Step),
    /// The next handler begins, this much after the last one was done.
    NextHandler(Span),
    /// The node crashes, at this many-th of the instants that could matter.
    Crash(usize),
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => any_step().prop_map(Event::Step),
        3 => (0..300_u64).prop_map(|n| Event::NextHandler(Span::from_nanos(n))),
        1 => (0..8_usize).prop_map(Event::Crash),
    ]
}

fn disk() -> SimDisk {
    SimDisk::new(DiskConfig {
        read_latency: Span::from_nanos(7),
        write_latency: Span::from_nanos(10),
        sync_latency: SYNC,
        ..DiskConfig::instant()
    })
}

/// The disk under test and the reference, step by step the same.
struct Pair {
    driver: Driver<SimDisk>,
    reference: Reference,
    /// No crash comes before this instant: the last handler was done then.
    floor: Instant,
}

impl Pair {
    fn happen(&mut self, event: &Event) {
        let now = self.driver.disk.now();
        match event {
            Event::Step(step) => {
                let expected = self.reference.apply(step, now);
                assert_eq!(self.driver.apply(step), expected, "{step:?}");
            }
            Event::NextHandler(gap) => {
                self.driver.disk.begin_handler(now + *gap);
                self.floor = now;
            }
            Event::Crash(pick) => {
                let instants = self.instants();
                let at = instants[pick % instants.len()];
                self.driver.disk.crash(at);
                self.reference.crash(at);
                self.floor = at;
            }
        }
    }

    /// When a crash could make a difference: at the floor, now, and around the completion of every sync.
    fn instants(&self) -> Vec<Instant> {
        let around = |at: Instant| [at - Span::from_nanos(1), at];
        let completions = self.reference.completions().flat_map(around);
        let ends = [self.floor, self.driver.disk.now()];
        let mut instants: Vec<Instant> = completions.chain(ends).collect();
        instants.retain(|&at| at >= self.floor);
        instants.sort_unstable();
        instants.dedup();
        instants
    }

    /// Forks and crashes at each of those instants, and once more at a later one, which must not matter.
    fn check_crashes(&self) {
        for at in self.instants() {
            let mut crashed = self.driver.disk.clone();
            let mut expected = self.reference.clone();
            crashed.crash(at);
            crashed.crash(self.driver.disk.now().max(at));
            expected.crash(at);
            let stored = crashed.counters().stored_bytes;
            assert_eq!(stored, expected.named_bytes(), "crash at {at:?}");
            assert_eq!(
                contents(&mut crashed),
                expected.contents(),
                "crash at {at:?}"
            );
            let stored = crashed.counters().stored_bytes;
            assert_eq!(stored, expected.named_bytes(), "crash at {at:?}");
        }
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn a_crash_at_any_instant_leaves_what_was_durable_then(
        events in prop::collection::vec(any_event(), 1..60),
    ) {
        let mut pair = Pair {
            driver: Driver::new(disk()),
            reference: Reference::default(),
            floor: Instant::ZERO,
        };
        for event in &events {
            pair.happen(event);
            pair.check_crashes();
        }
        prop_assert_eq!(contents(&mut pair.driver.disk), pair.reference.contents());
    }

    #[test]
    fn a_killed_operation_and_those_after_it_never_happened(
        steps in prop::collection::vec(any_step(), 1..40),
        killed in 0..40_usize,
    ) {
        let mut armed = Driver::new(disk());
        armed.disk.arm_crash(killed as u32 + 1);
        let mut stopped = Driver::new(disk());
        for step in &steps {
            armed.apply(step);
            if stopped.disk.spent().operations < killed as u32 {
                stopped.apply(step);
            }
        }
        prop_assert_eq!(armed.disk.now(), stopped.disk.now());
        let got_that_far = armed.disk.spent().operations == killed as u32 + 1;
        prop_assert_eq!(armed.disk.killed_at().is_some(), got_that_far);
        armed.disk.crash(armed.disk.now());
        stopped.disk.crash(stopped.disk.now());
        prop_assert_eq!(contents(&mut armed.disk), contents(&mut stopped.disk));
    }
}
