//! What the LSM tree costs in a real directory: `cargo bench -p seedbed-protocols --bench lsm`.
//!
//! Keys have 16 bytes and values 100, about half of which can be packed. Background work is done by the caller between
//! batches, so that its cost is in the figures.

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use seedbed_protocols::storage::{
    Bounds, Change, Engine, EngineKind, EngineOptions, ScanDirection, open_engine,
};
use seedbed_sim::{FileDisk, Seed, Stream};

const ROWS: u64 = 200_000;
const BATCH: usize = 1_000;

struct Store {
    engine: Box<dyn Engine>,
    disk: FileDisk,
    _folder: tempfile::TempDir,
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut disk = FileDisk::open(folder.path()).expect("a disk");
        let options = EngineOptions::default();
        let (engine, _) = open_engine(EngineKind::Lsm, &mut disk, &options).expect("it opens");
        Self {
            engine,
            disk,
            _folder: folder,
        }
    }

    /// Writes all rows in batches.
    fn write(&mut self, batches: &[Vec<Change>]) {
        for batch in batches {
            self.engine.write(&mut self.disk, batch).expect("a batch");
            self.engine
                .maintain(&mut self.disk, 1 << 20)
                .expect("some work");
        }
        self.engine.sync(&mut self.disk).expect("a sync");
    }
}

fn key(i: u64) -> Bytes {
    Bytes::from(format!("{i:016}"))
}

/// Every row once, in a drawn order.
fn batches(random: &mut Stream) -> Vec<Vec<Change>> {
    let mut numbers: Vec<u64> = (0..ROWS).collect();
    random.shuffle(&mut numbers);
    let row = |&i: &u64, random: &mut Stream| {
        let mut value = vec![b'v'; 100];
        for chunk in value[..48].chunks_mut(8) {
            chunk.copy_from_slice(&random.next_u64().to_le_bytes());
        }
        Change::Put(key(i * 7919 % ROWS), value.into())
    };
    let rows: Vec<Change> = numbers.iter().map(|i| row(i, random)).collect();
    rows.chunks(BATCH).map(<[Change]>::to_vec).collect()
}

fn lsm(c: &mut Criterion) {
    let mut random = Stream::named(Seed(1), "bench");
    let batches = batches(&mut random);
    let mut group = c.benchmark_group("lsm");
    group.sample_size(10).throughput(Throughput::Elements(ROWS));
    group.bench_function("fill_random", |b| {
        b.iter_batched(
            Store::new,
            |mut store| {
                store.write(&batches);
                store
            },
            BatchSize::PerIteration,
        );
    });
    let mut store = Store::new();
    store.write(&batches);
    group.bench_function("overwrite", |b| b.iter(|| store.write(&batches)));
    while !store
        .engine
        .maintain(&mut store.disk, u64::MAX)
        .expect("work")
        .is_idle
    {}
    let Store { engine, disk, .. } = &mut store;
    group.bench_function("scan_all", |b| {
        b.iter(|| {
            let mut rows = Vec::new();
            let all = Bounds::default();
            engine
                .scan(
                    disk,
                    None,
                    all,
                    ScanDirection::Forward,
                    usize::MAX,
                    &mut rows,
                )
                .expect("a scan");
            assert_eq!(rows.len() as u64, ROWS);
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("get", |b| {
        b.iter(|| {
            engine
                .get(disk, &key(random.below(ROWS)), None)
                .expect("a get")
        });
    });
    group.bench_function("get_missing", |b| {
        let missing = |i: u64| Bytes::from(format!("{i:016}x"));
        b.iter(|| {
            engine
                .get(disk, &missing(random.below(ROWS)), None)
                .expect("a get")
        });
    });
    group.bench_function("seek_and_10", |b| {
        b.iter(|| {
            let from = key(random.below(ROWS));
            let bounds = Bounds {
                from: Some(&from),
                to: None,
            };
            let mut rows = Vec::new();
            engine
                .scan(disk, None, bounds, ScanDirection::Forward, 10, &mut rows)
                .expect("a scan");
            rows
        });
    });
    group.finish();
}

criterion_group!(benches, lsm);
criterion_main!(benches);
