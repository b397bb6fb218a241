//! What a replicated store costs in the world: deliveries a second with the trace off, digested and full, on the log
//! engine and in memory; forks; seeks.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use seedbed_protocols::replication::single_leader::Node;
use seedbed_protocols::storage::EngineKind;
use seedbed_scenarios::catalog;
use seedbed_scenarios::session::{Keep, open};
use seedbed_sim::{EventId, Record, RecordKind, Seed, TraceLevel, World};

#[path = "workloads/replicated_store.rs"]
mod replicated_store;

use replicated_store::{Work, cluster, run};

const OPERATIONS: u64 = 5_000;

fn deliveries(work: Work) -> u64 {
    let mut world = cluster(work, TraceLevel::Full);
    run(&mut world, work, OPERATIONS);
    let is_delivery = |record: &Record| record.kind == RecordKind::Deliver;
    world
        .trace()
        .records(EventId(1))
        .filter(|(_, record)| is_delivery(record))
        .count() as u64
}

fn store(c: &mut Criterion) {
    let works = [
        (
            "log engine, writes",
            Work {
                engine: EngineKind::Log,
                reads_percent: 0,
            },
        ),
        (
            "memory engine, half reads",
            Work {
                engine: EngineKind::Memory,
                reads_percent: 50,
            },
        ),
    ];
    for (name, work) in works {
        let mut group = c.benchmark_group(format!("replicated store, {name}"));
        group.throughput(Throughput::Elements(deliveries(work)));
        group.sample_size(20);
        for (level, trace) in [
            ("off", TraceLevel::Off),
            ("digest", TraceLevel::Digest),
            ("full", TraceLevel::Full),
        ] {
            group.bench_function(BenchmarkId::from_parameter(level), |b| {
                let run = |mut world: World<Node>| {
                    run(&mut world, work, OPERATIONS);
                    black_box(world)
                };
                b.iter_batched(|| cluster(work, trace), run, BatchSize::LargeInput);
            });
        }
        group.finish();
    }
}

fn sessions(c: &mut Criterion) {
    let scenario = catalog::load("lag/generated-load").expect("it is in the catalog");
    let mut session = open("lag/generated-load", scenario, Seed(1), Keep::Everything);
    session.run_to_end();
    let last = session.position();
    c.bench_function("fork a session of generated load at its end", |b| {
        b.iter(|| black_box(session.fork()));
    });
    let mut target = 0;
    c.bench_function("seek to any step of generated load", |b| {
        b.iter(|| {
            target = (target + 7_919) % last;
            session.seek(target);
        });
    });
}

criterion_group!(benches, store, sessions);
criterion_main!(benches);
