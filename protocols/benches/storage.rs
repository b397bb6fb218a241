//! What the storage engines cost: `cargo bench -p seedbed-protocols --bench storage`.
//!
//! Keys have 16 bytes and values 100. The disk takes no virtual time, so that what is measured is the engine and the
//! simulator's own work for the disk.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use seedbed_protocols::storage::{Change, Engine, EngineKind, EngineOptions, open_engine};
use seedbed_sim::{DiskConfig, Seed, SimDisk, Stream};

const VALUE_BYTES: usize = 100;

fn open(kind: EngineKind) -> (SimDisk, Box<dyn Engine>) {
    let mut disk = SimDisk::new(DiskConfig::instant());
    let (engine, _) = open_engine(kind, &mut disk, &EngineOptions::default()).expect("it opens");
    (disk, engine)
}

fn keys(count: u64) -> Vec<Bytes> {
    let key = |i: u64| Bytes::from(format!("key{:013}", i * 7_919));
    (0..count).map(key).collect()
}

/// An engine with a row for each key, and the keys in a random order.
fn filled(kind: EngineKind, count: u64) -> (SimDisk, Box<dyn Engine>, Vec<Bytes>) {
    let (mut disk, mut engine) = open(kind);
    let mut keys = keys(count);
    Stream::named(Seed(1), "bench").shuffle(&mut keys);
    for key in &keys {
        let value = Bytes::from(vec![7; VALUE_BYTES]);
        engine.put(&mut disk, key.clone(), value).expect("a put");
    }
    engine.sync(&mut disk).expect("a sync");
    (disk, engine, keys)
}

fn memory(c: &mut Criterion) {
    let mut group = c.benchmark_group("memory");
    group.throughput(Throughput::Elements(1));
    for count in [1_000, 10_000] {
        let (mut disk, mut engine, keys) = filled(EngineKind::Memory, count);
        let mut next = keys.iter().cycle();
        group.bench_function(format!("get/{count}"), |b| {
            b.iter(|| engine.get(&mut disk, next.next().expect("a cycle"), None));
        });
        let value = Bytes::from(vec![9; VALUE_BYTES]);
        group.bench_function(format!("put/{count}"), |b| {
            b.iter(|| {
                let key = next.next().expect("a cycle").clone();
                engine.put(&mut disk, key, value.clone()).expect("a put")
            });
        });
        group.bench_function(format!("fork/{count}"), |b| b.iter(|| engine.clone_box()));
        group.bench_function(format!("first_put_after_fork/{count}"), |b| {
            b.iter(|| {
                let origin = engine.clone_box();
                let key = next.next().expect("a cycle").clone();
                engine.put(&mut disk, key, value.clone()).expect("a put");
                origin
            });
        });
    }
    group.finish();
}

fn log(c: &mut Criterion) {
    let mut group = c.benchmark_group("log");
    let value = Bytes::from(vec![9; VALUE_BYTES]);
    let batch = [Change::Put(keys(1)[0].clone(), value)];
    // The log grows with every put: begin anew now and then, as a run does.
    let puts = 10_000;
    group.throughput(Throughput::Elements(puts));
    let write = |sync_every: u64| {
        let batch = &batch;
        move |(mut disk, mut engine): (SimDisk, Box<dyn Engine>)| {
            for i in 1..=puts {
                black_box(engine.write(&mut disk, batch)).expect("a put");
                if i % sync_every == 0 {
                    engine.sync(&mut disk).expect("a sync");
                    disk.begin_handler(disk.now());
                }
            }
            (disk, engine)
        }
    };
    for sync_every in [1, 10, 100] {
        group.bench_function(format!("put_sync_every/{sync_every}"), |b| {
            b.iter_batched(
                || open(EngineKind::Log),
                write(sync_every),
                BatchSize::LargeInput,
            );
        });
    }
    group.throughput(Throughput::Elements(1));
    for count in [10, 1_000] {
        let (mut disk, mut engine, keys) = filled(EngineKind::Log, count);
        let mut next = keys.iter().cycle();
        group.bench_function(format!("get/{count}"), |b| {
            b.iter(|| engine.get(&mut disk, next.next().expect("a cycle"), None));
        });
    }
    let (mut disk, engine, _) = filled(EngineKind::Log, 100_000);
    group.throughput(Throughput::Bytes(engine.stats().stored_bytes));
    group.bench_function("recovery", |b| {
        b.iter(|| {
            disk.begin_handler(disk.now());
            open_engine(EngineKind::Log, &mut disk, &EngineOptions::default()).expect("it opens")
        });
    });
    group.finish();
}

criterion_group!(benches, memory, log);
criterion_main!(benches);
