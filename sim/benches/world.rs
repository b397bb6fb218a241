//! What the world costs: deliveries in ping-pong with the trace off, digested and full; forks.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use seedbed_sim::{Instant, TraceLevel, World};

#[path = "workloads/ping_pong.rs"]
mod ping_pong;

use ping_pong::{Player, game};

fn deliveries(c: &mut Criterion) {
    // A delivery takes 5.5 ms of virtual time on average; this is about 100,000 of them, counted exactly below.
    let until = Instant::from_millis(550_000);
    let mut counted = game(TraceLevel::Digest);
    counted.run_until(until, &mut ());
    let deliveries = counted.trace().count() / 2;
    let mut group = c.benchmark_group("ping-pong");
    group.throughput(Throughput::Elements(deliveries));
    let levels = [
        ("off", TraceLevel::Off),
        ("digest", TraceLevel::Digest),
        ("full", TraceLevel::Full),
    ];
    for (name, level) in levels {
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            let run = |mut world: World<Player>| black_box(world.run_until(until, &mut ()));
            b.iter_batched(|| game(level), run, BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn fork(c: &mut Criterion) {
    let mut world = game(TraceLevel::Full);
    world.run_until(Instant::from_millis(5_500_000), &mut ());
    assert!(
        world.trace().count() > 1_000_000,
        "a trace of {} records",
        world.trace().count()
    );
    c.bench_function("fork a world with a million records", |b| {
        b.iter(|| black_box(world.clone()));
    });
}

criterion_group!(benches, deliveries, fork);
criterion_main!(benches);
