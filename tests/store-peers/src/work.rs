//! The work, and what is told of it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use seedbed_sim::{Seed, Stream};

use crate::subject::{Make, Row};

const BATCH: usize = 1_000;

/// How much work.
pub struct Plan {
    pub rows: u64,
    pub cache_bytes: usize,
}

/// What is measured, in the order of the table's columns.
#[derive(Clone, Copy, PartialEq)]
enum Column {
    Fill,
    Overwrite,
    Put,
    PutSync,
    Get,
    GetP99,
    Missing,
    Scan,
    Seek,
    Filled,
    Overwritten,
    Compacted,
}

const COLUMNS: &[(Column, &str)] = &[
    (Column::Fill, "fill"),
    (Column::Overwrite, "overwrite"),
    (Column::Put, "single put"),
    (Column::PutSync, "put + sync"),
    (Column::Get, "get"),
    (Column::GetP99, "get p99 µs"),
    (Column::Missing, "get missing"),
    (Column::Scan, "scan"),
    (Column::Seek, "seek + 10"),
    (Column::Filled, "MiB filled"),
    (Column::Overwritten, "overwritten"),
    (Column::Compacted, "compacted"),
];

/// What one round measured.
#[derive(Clone)]
pub struct Figures(Vec<(Column, f64)>);

/// Everything, once, in a new directory.
pub fn run(plan: &Plan, make: Make) -> anyhow::Result<Figures> {
    let folder = tempfile::tempdir()?;
    let mut subject = make(folder.path(), plan.cache_bytes)?;
    let mut draws = Stream::named(Seed(1), "work");
    let mut figures = Figures(Vec::new());

    for (written, stored) in [
        (Column::Fill, Column::Filled),
        (Column::Overwrite, Column::Overwritten),
    ] {
        let mut order: Vec<u64> = (0..plan.rows).collect();
        draws.shuffle(&mut order);
        let mut took = Duration::ZERO;
        for numbers in order.chunks(BATCH) {
            let rows: Vec<Row> = numbers.iter().map(|&n| row(n, &mut draws)).collect();
            let began = Instant::now();
            subject.write(&rows)?;
            took += began.elapsed();
        }
        let began = Instant::now();
        subject.sync()?;
        figures.rate(written, plan.rows, took + began.elapsed());
        figures.push(stored, size_mib(folder.path())?);
    }

    let (puts, syncs) = (plan.rows / 5, plan.rows.div_ceil(1_000));
    let mut took = Duration::ZERO;
    for _ in 0..puts {
        let row = row(draws.below(plan.rows), &mut draws);
        let began = Instant::now();
        subject.write(&[row])?;
        took += began.elapsed();
    }
    figures.rate(Column::Put, puts, took);
    subject.sync()?;
    let began = Instant::now();
    for _ in 0..syncs {
        subject.write(&[row(draws.below(plan.rows), &mut draws)])?;
        subject.sync()?;
    }
    figures.rate(Column::PutSync, syncs, began.elapsed());

    subject.compact()?;
    figures.push(Column::Compacted, size_mib(folder.path())?);

    let gets = plan.rows / 2;
    let mut times = Vec::with_capacity(gets as usize);
    for _ in 0..gets {
        let key = key(draws.below(plan.rows));
        let began = Instant::now();
        let is_there = subject.get(&key)?;
        times.push(began.elapsed());
        ensure!(is_there, "a key is lost");
    }
    figures.rate(Column::Get, gets, times.iter().sum());
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    figures.push(Column::GetP99, p99.as_nanos() as f64 / 1e3);
    let began = Instant::now();
    for _ in 0..gets {
        let mut key = key(draws.below(plan.rows));
        key[15] = b'x';
        ensure!(!subject.get(&key)?, "a key is there that was never written");
    }
    figures.rate(Column::Missing, gets, began.elapsed());

    let began = Instant::now();
    if let Some(count) = subject.scan(b"", usize::MAX)? {
        figures.rate(Column::Scan, plan.rows, began.elapsed());
        ensure!(count as u64 == plan.rows, "a scan finds {count} rows");
    }
    let seeks = plan.rows / 10;
    let began = Instant::now();
    for at in 0..seeks {
        let found = subject.scan(&key(draws.below(plan.rows)), 10)?;
        ensure!(found.is_none_or(|it| (1..=10).contains(&it)), "seek {at}");
        if found.is_none() {
            return Ok(figures);
        }
    }
    figures.rate(Column::Seek, seeks, began.elapsed());
    Ok(figures)
}

fn key(number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(format!("{number:015}k").as_bytes());
    key
}

fn row(number: u64, draws: &mut Stream) -> Row {
    let mut value = [b'v'; 100];
    for chunk in value[..48].chunks_mut(8) {
        chunk.copy_from_slice(&draws.next_u64().to_le_bytes());
    }
    (key(number), value)
}

fn size_mib(folder: &Path) -> anyhow::Result<f64> {
    fn bytes(folder: &Path) -> std::io::Result<u64> {
        let mut sum = 0;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // A file may be dropped by a thread of the peer's meanwhile.
            let Ok(found) = entry.metadata() else {
                continue;
            };
            sum += match found.is_dir() {
                true => bytes(&entry.path())?,
                false => found.len(),
            };
        }
        Ok(sum)
    }
    Ok(bytes(folder)? as f64 / f64::from(1 << 20))
}

impl Figures {
    fn push(&mut self, column: Column, figure: f64) {
        self.0.push((column, figure));
    }

    /// Thousands a second.
    fn rate(&mut self, column: Column, count: u64, took: Duration) {
        self.push(column, count as f64 / took.as_secs_f64() / 1e3);
    }
}

/// The table's head.
pub fn heading() -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|(_, name)| *name).collect();
    let rule = "--:|".repeat(COLUMNS.len());
    format!("| engine | {} |\n|---|{rule}", names.join(" | "))
}

/// A subject's row of the table.
pub fn line(name: &str, rounds: &[Figures]) -> String {
    let cell = |(column, _): &(Column, &str)| match median(rounds, *column) {
        None => "–".to_owned(),
        Some(figure) if figure < 10.0 => format!("{figure:.1}"),
        Some(figure) => format!("{figure:.0}"),
    };
    let cells: Vec<String> = COLUMNS.iter().map(cell).collect();
    format!("| {name} | {} |", cells.join(" | "))
}

fn median(rounds: &[Figures], column: Column) -> Option<f64> {
    let of_round = |round: &Figures| {
        let mut found = round.0.iter().filter(|(it, _)| *it == column);
        found.next().map(|(_, figure)| *figure)
    };
    let mut all: Vec<f64> = rounds.iter().filter_map(of_round).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}
