//! What it costs to go to any step of a run of a million events, and what its checkpoints take.

#![allow(clippy::print_stdout, reason = "a bench program prints its figures")]

use std::alloc::System;
use std::time::Instant;

use seedbed_scenarios::session::{self, Keep, Session};
use seedbed_sim::Seed;
use seedbed_tests::{long, runs::parse};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SEEKS: u64 = 400;

/// Runs to the end: how long it took, and how much memory is held then.
fn run(mut session: Box<dyn Session>) -> (Box<dyn Session>, f64, f64) {
    let (began, region) = (Instant::now(), Region::new(ALLOCATOR));
    session.run_to_end();
    let held = region.change();
    let bytes = held.bytes_allocated as f64 - held.bytes_deallocated as f64;
    (session, began.elapsed().as_secs_f64(), bytes / 1e6)
}

fn main() {
    let (mut session, seconds, with_checkpoints) = run(long::open(1));
    let steps = session.position();
    println!(
        "a run of {steps} steps (more than a million events), its trace kept: {seconds:.2} s, {with_checkpoints:.0} MB held at its end"
    );
    let fork = session.fork();
    let mut times: Vec<f64> = (0..SEEKS)
        .map(|n| {
            // A large step around the run, so that no seek is near the one before.
            let target = n * (steps / 5 * 2 + 7_919) % steps;
            let began = Instant::now();
            session.seek(target);
            assert_eq!(session.position(), target);
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[(share * (times.len() - 1) as f64) as usize];
    println!(
        "seek to any step, {SEEKS} seeks: median {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    let region = Region::new(ALLOCATOR);
    let mut copy = fork.fork();
    let held = region.change();
    let shallow = held.bytes_allocated as f64 - held.bytes_deallocated as f64;
    println!("a fork at the end owns {:.2} MB", shallow / 1e6);
    copy.seek(0);
    let lean = session::open("long.toml", parse(long::SCENARIO), Seed(1), Keep::Digest);
    let (_, seconds, without) = run(lean);
    println!(
        "the same run without trace and checkpoints: {seconds:.2} s, {without:.0} MB held at its end"
    );
}
