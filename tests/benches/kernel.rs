//! The kernel's figures: CPU nanoseconds for each delivery with the trace off, digested and full, and
//! forks of a loaded cluster.
//!
//! ```console
//! $ cargo bench -p seedbed-tests --bench kernel            # all of them
//! $ cargo bench -p seedbed-tests --bench kernel -- quorum  # those whose names say so
//! ```
//!
//! CPU time of the thread and the best of several rounds, in which the levels take turns: on a machine that others use
//! too, wall clocks measure the others.

#![allow(clippy::print_stdout, reason = "a bench program prints its table")]

mod workloads;

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;
use seedbed_protocols::storage::EngineKind;
use seedbed_sim::{EventId, Instant, Process, RecordKind, Span, TraceLevel, World};

use workloads::{Visit, Workload, gossip, quorum, visit_all};

const ROUNDS: usize = 7;
const LEVELS: [TraceLevel; 3] = [TraceLevel::Off, TraceLevel::Digest, TraceLevel::Full];

fn main() {
    // Cargo adds flags of its own.
    let filter = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let filter = filter.unwrap_or_default();
    println!("CPU time of a delivery, best of {ROUNDS} rounds\n");
    println!(
        "| workload | off, ns | digest, ns | full, ns | digest : off | full : off | million a second, digest |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    visit_all(&mut Deliveries { filter: &filter });
    if "forks".contains(&filter) {
        forks();
    }
}

/// The CPU time that `work` takes.
fn cpu_time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = ThreadTime::now();
    let made = black_box(work());
    (begun.elapsed(), made)
}

struct Deliveries<'a> {
    filter: &'a str,
}

impl Visit for Deliveries<'_> {
    fn visit<P: Process>(
        &mut self,
        workload: Workload<impl Fn(TraceLevel) -> World<P>, impl Fn(&mut World<P>, u64)>,
    ) {
        let Workload {
            name,
            make,
            run,
            length,
        } = workload;
        if !name.contains(self.filter) {
            return;
        }
        let mut best = [Duration::MAX; LEVELS.len()];
        let mut deliveries = 0;
        for _ in 0..ROUNDS {
            for (level, best) in LEVELS.into_iter().zip(&mut best) {
                let mut world = make(level);
                let (time, ()) = cpu_time(|| run(&mut world, length));
                *best = time.min(*best);
                if level == TraceLevel::Full {
                    deliveries = deliveries_in(&world);
                }
            }
        }
        let nanos = best.map(|time| time.as_nanos() as f64 / deliveries as f64);
        let [off, digest, full] = nanos;
        println!(
            "| {name} | {off:.0} | {digest:.0} | {full:.0} | {:.2} | {:.2} | {:.2} |",
            digest / off,
            full / off,
            1_000.0 / digest,
        );
    }
}

fn deliveries_in<P: Process>(world: &World<P>) -> u64 {
    let records = world.trace().records(EventId(1));
    let deliveries = records.filter(|(_, record)| record.kind == RecordKind::Deliver);
    deliveries.count() as u64
}

/// Forks of 5 nodes with 10,000 keys each, and what the fork pays later for what it shares.
fn forks() {
    const KEYS: u64 = 10_000;
    println!(
        "\n| fork of 5 nodes with 10,000 keys each | clone, µs | run on 1 s, µs | the same unforked, µs |"
    );
    println!("|---|--:|--:|--:|");
    for kind in [EngineKind::Memory, EngineKind::Log] {
        let mut world = quorum::store(kind, KEYS, TraceLevel::Digest);
        quorum::load(&mut world, KEYS);
        let (mut clone, mut shared, mut alone) = (Duration::MAX, Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            let (time, mut fork) = cpu_time(|| world.clone());
            clone = clone.min(time);
            let (time, ()) = cpu_time(|| run_on(&mut fork, Span::from_secs(1)));
            shared = shared.min(time);
            drop(fork);
            let (time, ()) = cpu_time(|| run_on(&mut world, Span::from_secs(1)));
            alone = alone.min(time);
        }
        println!(
            "| {kind} engine | {:.1} | {} | {} |",
            clone.as_nanos() as f64 / 1_000.0,
            shared.as_micros(),
            alone.as_micros(),
        );
    }
    let world = {
        let mut world = gossip::crowd(TraceLevel::Digest);
        run_on(&mut world, Span::from_secs(1));
        world
    };
    let best = (0..ROUNDS).map(|_| cpu_time(|| world.clone()).0).min();
    println!(
        "\nA fork of 1,000 gossiping nodes takes {} µs.",
        best.unwrap_or_default().as_micros()
    );
}

fn run_on<P: Process>(world: &mut World<P>, span: Span) {
    let until: Instant = world.now() + span;
    world.run_until(until, &mut ());
}
