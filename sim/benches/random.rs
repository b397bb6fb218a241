//! What draws cost, since every message takes some: a stream's draw, a fate, a sample of each distribution, a rank.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use seedbed_sim::{
    ClockConfig, Distribution, Instant, NodeClock, PathKey, Purpose, Seed, Span, Stream, Zipf, fate,
};

fn draws(c: &mut Criterion) {
    let mut stream = Stream::named(Seed(1), "bench");
    c.bench_function("a draw from a stream", |b| b.iter(|| stream.next_u64()));
    // Each fate hangs on the one before, as those of a chain of messages do.
    let mut cause = PathKey(1);
    c.bench_function("a fate", |b| {
        b.iter(|| {
            cause = fate(Seed(1), cause, 2, 0, Purpose::Message).path();
            cause
        });
    });
    let zipf = Zipf::new(1_000_000, 0.99).expect("sensible parameters");
    c.bench_function("a rank of a million by Zipf", |b| {
        b.iter(|| zipf.sample(&mut stream));
    });
}

fn samples(c: &mut Criterion) {
    let millis = Span::from_millis;
    let exponential = Distribution::exponential(millis(5)).expect("a mean above 0");
    let pareto = Distribution::pareto(millis(1), 1.5).expect("a minimum above 0");
    let distributions = [
        ("fixed", Distribution::fixed(millis(5))),
        ("uniform", Distribution::uniform(millis(1), millis(5))),
        ("normal", Distribution::normal(millis(5), millis(1))),
        ("log-normal", Distribution::log_normal(millis(5), 0.5)),
        ("exponential", Ok(exponential.clone())),
        ("Pareto", Ok(pareto.clone())),
        (
            "mixture",
            Distribution::mixture(vec![(9, pareto), (1, exponential)]),
        ),
    ];
    let mut group = c.benchmark_group("a sample");
    let mut cause = PathKey(1);
    for (name, distribution) in distributions {
        let distribution = black_box(distribution.expect("sensible parameters"));
        group.bench_function(name, |b| {
            b.iter(|| {
                // Draws that a branch predictor can't learn, for the price of a multiplication.
                cause.0 = cause
                    .0
                    .wrapping_mul(0x5851_F42D_4C95_7F2D)
                    .wrapping_add(0x1405_7B7E_F767_814F);
                distribution.sample(cause.0, cause.0.rotate_left(32))
            });
        });
    }
    group.finish();
}

fn clocks(c: &mut Criterion) {
    for (name, drift_ppm) in [("a clock's reading", 0), ("a drifting clock's reading", 50)] {
        let clock = NodeClock::new(ClockConfig {
            offset_nanos: 0,
            drift_ppm,
        });
        let mut now = Instant::ZERO;
        c.bench_function(name, |b| {
            b.iter(|| {
                now += Span::from_nanos(997);
                black_box(&clock).at(now)
            });
        });
    }
}

criterion_group!(benches, draws, samples, clocks);
criterion_main!(benches);
