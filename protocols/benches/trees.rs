//! What the B-trees cost in a real directory: `cargo bench -p seedbed-protocols --bench trees`.
//!
//! Keys have 16 bytes and values 100, in batches of 1,000; each fill and overwrite ends with a sync. The pool takes
//! everything (`warm`), or a quarter of it (`cold`).

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use seedbed_protocols::storage::{
    BTreeOptions, Bounds, Change, CowOptions, Engine, EngineKind, EngineOptions, ScanDirection,
    open_engine,
};
use seedbed_sim::{FileDisk, Seed, Stream};
use tempfile::TempDir;

const ROWS: u64 = 200_000;
const VALUE_BYTES: usize = 100;

struct Store {
    disk: FileDisk,
    engine: Box<dyn Engine>,
    _folder: TempDir,
}

fn open(kind: EngineKind, pool_pages: usize) -> Store {
    let folder = tempfile::tempdir().expect("a folder");
    let mut disk = FileDisk::open(folder.path()).expect("it opens");
    let options = EngineOptions {
        btree: BTreeOptions {
            pool_pages,
            checkpoint_log_bytes: 128 << 20,
            ..BTreeOptions::default()
        },
        cow: CowOptions {
            pool_pages,
            ..CowOptions::default()
        },
        ..EngineOptions::default()
    };
    let (engine, _) = open_engine(kind, &mut disk, &options).expect("it opens");
    Store {
        disk,
        engine,
        _folder: folder,
    }
}

fn keys() -> Vec<Bytes> {
    let key = |i: u64| Bytes::from(format!("key{:013}", i * 7_919));
    let mut keys: Vec<_> = (0..ROWS).map(key).collect();
    Stream::named(Seed(1), "bench").shuffle(&mut keys);
    keys
}

impl Store {
    fn fill(&mut self, keys: &[Bytes]) {
        let value = Bytes::from(vec![7; VALUE_BYTES]);
        for chunk in keys.chunks(1000) {
            let batch: Vec<_> = chunk
                .iter()
                .map(|key| Change::Put(key.clone(), value.clone()))
                .collect();
            self.engine.write(&mut self.disk, &batch).expect("a write");
            self.engine
                .maintain(&mut self.disk, 1 << 20)
                .expect("maintenance");
        }
        self.engine.sync(&mut self.disk).expect("a sync");
    }
}

fn trees(c: &mut Criterion) {
    let keys = keys();
    for kind in [EngineKind::BTree, EngineKind::Cow] {
        for (name, pool_pages) in [("warm", 1 << 16), ("cold", 2500)] {
            let mut group = c.benchmark_group(format!("{kind}/{name}"));
            group.sample_size(10);
            group.throughput(Throughput::Elements(ROWS));
            group.bench_function("fill", |b| {
                b.iter_batched(
                    || open(kind, pool_pages),
                    |mut store| {
                        store.fill(&keys);
                        store
                    },
                    BatchSize::PerIteration,
                );
            });
            let mut store = open(kind, pool_pages);
            store.fill(&keys);
            group.bench_function("overwrite", |b| b.iter(|| store.fill(&keys)));
            group.sample_size(30);
            group.throughput(Throughput::Elements(1));
            let mut next = keys.iter().cycle();
            group.bench_function("get", |b| {
                b.iter(|| {
                    let key = next.next().expect("a cycle");
                    store.engine.get(&mut store.disk, key, None)
                });
            });
            let mut rows = Vec::new();
            group.bench_function("seek_and_10", |b| {
                b.iter(|| {
                    rows.clear();
                    let bounds = Bounds {
                        from: Some(next.next().expect("a cycle")),
                        to: None,
                    };
                    let (disk, forward) = (&mut store.disk, ScanDirection::Forward);
                    black_box(
                        store
                            .engine
                            .scan(disk, None, bounds, forward, 10, &mut rows),
                    )
                });
            });
            group.throughput(Throughput::Elements(ROWS));
            group.sample_size(10);
            group.bench_function("scan", |b| {
                b.iter(|| {
                    rows.clear();
                    let (disk, forward) = (&mut store.disk, ScanDirection::Forward);
                    let all = Bounds::default();
                    black_box(
                        store
                            .engine
                            .scan(disk, None, all, forward, usize::MAX, &mut rows),
                    )
                });
            });
            group.finish();
        }
    }
}

criterion_group!(benches, trees);
criterion_main!(benches);
