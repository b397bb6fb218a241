//! A store under a workload, measured: how many operations a second, how long each took, and what the disk had to do.
//!
//! Time is the caller's: this crate has no clock, so it is lent one that counts nanoseconds. Every answer is checked against
//! what the [generator](crate::workload) knows to be there; a store that answers fast and wrong is no store.
//!
//! Background work is done in the same loop, a slice for each mebibyte that was written, as a caller without threads does it;
//! the operation that comes after pays for it, and one sees it in the slowest ones.

use std::fmt::Write as _;

use bytes::Bytes;
use hdrhistogram::Histogram;
use seedbed_protocols::storage::{Bounds, Change, EngineStats, Row, ScanDirection};
use seedbed_sim::Seed;
use serde_json::{Value, json};

use super::{MAINTAIN_BYTES, SCHEMA, Store, StoreError};
use crate::workload::{Begins, Generator, Operation, Sizes, Workload};

/// How a store is measured.
#[derive(Clone, Copy, Debug)]
pub struct BenchOptions {
    /// Keys, and bytes of their values.
    pub sizes: Sizes,
    /// Operations, unless time is up before.
    pub operations: u64,
    /// The longest time for the operations, in nanoseconds.
    pub nanos_max: u64,
    /// Writes that are given to the engine as one batch, at least 1.
    pub batch: usize,
    /// A sync after so many writes; there is always one at the end.
    pub sync_every: u64,
    /// What keys and values grow from.
    pub seed: u64,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    workload: &'static str,
    engine: &'static str,
    operations: u64,
    nanos: u64,
    load_nanos: u64,
    latencies: Histogram<u64>,
    before: EngineStats,
    after: EngineStats,
}

/// The slowest operation that is told apart, in nanoseconds: ten minutes.
const SLOWEST_NANOS: u64 = 600_000_000_000;

impl Store<'_> {
    /// Runs a workload on a store that is empty. `now` is a clock that counts nanoseconds.
    ///
    /// # Errors
    /// What the engine says, and [`StoreError::WrongAnswer`].
    pub fn bench(
        &mut self,
        workload: &Workload,
        options: &BenchOptions,
        now: &mut dyn FnMut() -> u64,
    ) -> Result<Measured, StoreError> {
        let mut generator = Generator::new(workload, options.sizes, Seed(options.seed))
            .map_err(|error| StoreError::Workload(error.to_string()))?;
        let began = now();
        if workload.begins == Begins::Loaded {
            self.fill(&mut generator, options.sizes.keys)?;
        }
        let load_nanos = now() - began;
        let mut bench = Bench {
            store: self,
            options,
            batch: Vec::new(),
            unsynced: 0,
            unmaintained: 0,
            rows: Vec::new(),
        };
        let before = bench.store.engine.stats();
        let mut latencies = histogram();
        let (start, mut last) = (now(), now());
        let mut operations = 0;
        while operations < options.operations && last - start < options.nanos_max {
            bench.perform(generator.next_operation())?;
            let after = now();
            latencies.saturating_record(after - last);
            last = after;
            operations += 1;
        }
        bench.write()?;
        bench.store.engine.sync(bench.store.disk)?;
        let nanos = now() - start;
        Ok(Measured {
            workload: workload.name,
            engine: self.kind.name(),
            operations,
            nanos,
            load_nanos,
            latencies,
            before,
            after: self.engine.stats(),
        })
    }

    /// Puts a row for each key, and does all background work that is due then, so that no workload pays for it.
    fn fill(&mut self, generator: &mut Generator, keys: u64) -> Result<(), StoreError> {
        let mut batch = Vec::new();
        for number in 0..keys {
            let (key, value) = generator.row(number);
            batch.push(Change::Put(key, value));
            if batch.len() == super::LOAD_BATCH_ROWS || number + 1 == keys {
                self.engine.write(self.disk, &batch)?;
                self.engine.maintain(self.disk, MAINTAIN_BYTES)?;
                batch.clear();
            }
        }
        self.engine.sync(self.disk)?;
        self.compact()?;
        Ok(())
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, SLOWEST_NANOS, 3).expect("bounds that make sense")
}

struct Bench<'a, 'b> {
    store: &'a mut Store<'b>,
    options: &'a BenchOptions,
    batch: Vec<Change>,
    /// Writes since the last sync.
    unsynced: u64,
    /// Bytes written since the last slice of background work.
    unmaintained: u64,
    rows: Vec<Row>,
}

impl Bench<'_, '_> {
    fn perform(&mut self, operation: Operation) -> Result<(), StoreError> {
        match operation {
            Operation::Get { key, is_there } => self.get(&key, is_there),
            Operation::Put { key, value } => self.put(key, value),
            Operation::ReadModifyWrite { key, value } => {
                self.get(&key, true)?;
                self.put(key, value)
            }
            Operation::Scan { from, rows } => self.scan(&from, rows),
        }
    }

    fn get(&mut self, key: &Bytes, is_there: bool) -> Result<(), StoreError> {
        self.write()?;
        let found = self.store.engine.get(self.store.disk, key, None)?;
        let length = found.as_ref().map(Bytes::len);
        let expected = is_there.then_some(self.options.sizes.value_bytes);
        if length != expected {
            return Err(wrong(
                key,
                &format!("{expected:?} bytes"),
                &format!("{length:?}"),
            ));
        }
        Ok(())
    }

    fn scan(&mut self, from: &Bytes, count: usize) -> Result<(), StoreError> {
        self.write()?;
        self.rows.clear();
        let bounds = Bounds {
            from: Some(from),
            to: None,
        };
        let (engine, disk) = (&mut self.store.engine, &mut *self.store.disk);
        engine.scan(
            disk,
            None,
            bounds,
            ScanDirection::Forward,
            count,
            &mut self.rows,
        )?;
        let first = self.rows.first().map(|row| &row.key);
        if first != Some(from) || self.rows.len() > count {
            let found = format!("{} rows from {first:?} on", self.rows.len());
            return Err(wrong(from, "rows from there on", &found));
        }
        Ok(())
    }

    fn put(&mut self, key: Bytes, value: Bytes) -> Result<(), StoreError> {
        self.batch.push(Change::Put(key, value));
        if self.batch.len() >= self.options.batch {
            self.write()?;
        }
        Ok(())
    }

    /// Writes what is gathered.
    fn write(&mut self) -> Result<(), StoreError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let Store { disk, engine, .. } = &mut *self.store;
        engine.write(&mut **disk, &self.batch)?;
        self.unsynced += self.batch.len() as u64;
        self.unmaintained += (self.batch.len() * self.options.sizes.value_bytes) as u64;
        self.batch.clear();
        if self.unsynced >= self.options.sync_every {
            engine.sync(&mut **disk)?;
            self.unsynced = 0;
        }
        if self.unmaintained >= MAINTAIN_BYTES {
            // What users write is rewritten some times.
            engine.maintain(&mut **disk, 8 * MAINTAIN_BYTES)?;
            self.unmaintained = 0;
        }
        Ok(())
    }
}

fn wrong(key: &Bytes, expected: &str, found: &str) -> StoreError {
    StoreError::WrongAnswer {
        key: key.escape_ascii().to_string(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

impl Measured {
    fn per_second(&self) -> f64 {
        self.operations as f64 / (self.nanos.max(1) as f64 / 1e9)
    }

    fn micros(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1e3
    }

    /// Amplification while it ran, of writes and of reads.
    fn amplification(&self) -> (Option<f64>, Option<f64>) {
        let ratio = |of: fn(&EngineStats) -> u64, to: fn(&EngineStats) -> u64| {
            let (bytes, user) = (
                of(&self.after).saturating_sub(of(&self.before)),
                to(&self.after).saturating_sub(to(&self.before)),
            );
            (user > 0).then(|| bytes as f64 / user as f64)
        };
        (
            ratio(|it| it.written_bytes, |it| it.user_bytes),
            ratio(|it| it.read_bytes, |it| it.answered_bytes),
        )
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let (written, read) = self.amplification();
        json!({
            "schema": SCHEMA,
            "engine": self.engine,
            "workload": self.workload,
            "operations": self.operations,
            "seconds": self.nanos as f64 / 1e9,
            "load_seconds": self.load_nanos as f64 / 1e9,
            "operations_per_second": self.per_second(),
            "microseconds": {
                "p50": self.micros(0.5),
                "p99": self.micros(0.99),
                "p999": self.micros(0.999),
                "max": self.latencies.max() as f64 / 1e3,
            },
            "write_amplification": written,
            "read_amplification": read,
            "stored_bytes": self.after.stored_bytes,
            "space_amplification": self.after.space_amplification(),
            "memory_bytes": self.after.memory_bytes,
        })
    }

    /// The head of the table whose lines are [`Measured::to_line`].
    pub fn head() -> String {
        format!(
            "{:18}{:>10}{:>12}{:>10}{:>10}{:>10}{:>12}{:>8}{:>8}{:>12}\n",
            "workload",
            "operations",
            "a second",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "slowest µs",
            "write×",
            "read×",
            "stored MiB"
        )
    }

    /// For people, as a line of a table.
    pub fn to_line(&self) -> String {
        let (written, read) = self.amplification();
        let times = |it: Option<f64>| it.map_or("-".to_owned(), |it| format!("{it:.1}"));
        let mut line = format!("{:18}{:>10}", self.workload, self.operations);
        // Writing to a string can't fail.
        let _ = write!(line, "{:>12.0}", self.per_second());
        for quantile in [0.5, 0.99, 0.999, 1.0] {
            let width = if quantile == 1.0 { 12 } else { 10 };
            let _ = write!(line, "{:>width$.1}", self.micros(quantile));
        }
        let stored = self.after.stored_bytes as f64 / f64::from(1 << 20);
        let _ = writeln!(
            line,
            "{:>8}{:>8}{stored:>12.1}",
            times(written),
            times(read)
        );
        line
    }
}

#[cfg(test)]
mod tests {
    use seedbed_sim::{DiskConfig, SimDisk};

    use super::super::{Opening, engines};
    use super::*;
    use crate::workload::CATALOG;

    const OPTIONS: BenchOptions = BenchOptions {
        sizes: Sizes {
            keys: 300,
            value_bytes: 50,
        },
        operations: 400,
        nanos_max: u64::MAX,
        batch: 1,
        sync_every: 100,
        seed: 1,
    };

    /// A microsecond passes at each look at the clock.
    fn clock() -> impl FnMut() -> u64 {
        let mut nanos = 0;
        move || {
            nanos += 1000;
            nanos
        }
    }

    fn bench(engine: &str, workload: &Workload, options: &BenchOptions) -> Measured {
        let mut disk = SimDisk::new(DiskConfig::instant());
        let opening = Opening {
            engine: Some(engine.to_owned()),
            makes: true,
            ..Opening::default()
        };
        let mut store = Store::open(&mut disk, &opening).unwrap();
        let measured = store.bench(workload, options, &mut clock()).unwrap();
        store.verify().unwrap();
        measured
    }

    #[test]
    fn every_engine_answers_every_workload_rightly() {
        for engine in engines() {
            for workload in CATALOG {
                let measured = bench(engine, workload, &OPTIONS).to_json();
                assert_eq!(measured["operations"], 400, "{engine} {}", workload.name);
                assert_eq!(measured["microseconds"]["p50"], 1.0);
            }
        }
    }

    #[test]
    fn a_bench_ends_when_its_time_is_up() {
        let options = BenchOptions {
            nanos_max: 50_000,
            batch: 10,
            ..OPTIONS
        };
        let measured = bench("log", crate::workload::find("fillseq").unwrap(), &options);
        let json = measured.to_json();
        assert!(
            (45..=50).contains(&json["operations"].as_u64().unwrap()),
            "{json}"
        );
        assert!(json["write_amplification"].as_f64().unwrap() > 1.0);
        assert_eq!(json["read_amplification"], Value::Null);
        let head = Measured::head();
        assert_eq!(
            head.trim_end().chars().count(),
            measured.to_line().trim_end().chars().count()
        );
    }

    /// Rows that are gone are noticed.
    #[test]
    fn a_wrong_answer_ends_a_bench() {
        let mut disk = SimDisk::new(DiskConfig::instant());
        let opening = Opening {
            engine: Some("hash".to_owned()),
            makes: true,
            ..Opening::default()
        };
        let mut store = Store::open(&mut disk, &opening).unwrap();
        let mut workload = *crate::workload::find("readrandom").unwrap();
        workload.begins = Begins::Empty;
        let found = store.bench(&workload, &OPTIONS, &mut clock());
        assert!(
            matches!(found, Err(StoreError::WrongAnswer { .. })),
            "{found:?}"
        );
    }
}
