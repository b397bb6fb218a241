//! A policy at work on virtual writes: no disk, no bytes, only keys as numbers.
//!
//! A memtable is a set of keys, a table a sorted row of them, and a merge is a merge of rows: what is overwritten goes, as
//! it does in the tree. So write, read and space amplification come out exactly, some million writes a second, and a
//! policy can be judged before anything is built on it (`seedbed store simulate`).
//!
//! Time is counted in bytes written by users. Background work may read and write so many bytes while users write one; where
//! that is not enough, runs pile up, and at `stall_runs` of them the writer waits: a stall.

use std::collections::BTreeMap;

use bytes::Bytes;
use seedbed_sim::Stream;

use super::{KeyRange, Policy, RangeEnd, RunShape, Shape, TableShape, Task, TaskKind, replace};
use crate::storage::lsm::TableId;

/// Which keys are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Each key as likely as the others.
    Uniform,
    /// One after the other, and from the first again.
    Sequential,
    /// Four writes in five go to a fifth of the keys.
    Skewed,
}

/// What to simulate.
#[derive(Clone, Copy, Debug)]
pub struct SimulationOptions {
    /// The policy.
    pub policy: Policy,
    /// Writes to make.
    pub writes: u64,
    /// Keys there are.
    pub keys: u64,
    /// Which of them are written.
    pub pattern: Pattern,
    /// Of a thousand writes, so many delete.
    pub deletes_per_mille: u32,
    /// Bytes of a key and its value in a table.
    pub entry_bytes: u64,
    /// Bytes of a memtable.
    pub memtable_bytes: u64,
    /// Bytes of a table that compaction writes.
    pub table_bytes: u64,
    /// At so many runs the writer waits.
    pub stall_runs: usize,
    /// Bytes that background work can read and write while users write a hundred.
    pub background_percent: u64,
    /// Samples to take on the way.
    pub samples: u64,
}

impl Default for SimulationOptions {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            writes: 1_000_000,
            keys: 1_000_000,
            pattern: Pattern::Uniform,
            deletes_per_mille: 0,
            entry_bytes: 116,
            memtable_bytes: 1 << 20,
            table_bytes: 1 << 20,
            stall_runs: 12,
            background_percent: 4000,
            samples: 100,
        }
    }
}

/// How things stood at one moment. Amplification is in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Writes so far.
    pub writes: u64,
    /// Bytes written to tables for each that users wrote; the log comes on top.
    pub write_amplification_per_mille: u64,
    /// Runs that a read must look into: read amplification without filters.
    pub runs: u64,
    /// Bytes of tables for each byte of live keys and values.
    pub space_amplification_per_mille: u64,
    /// Bytes of all tables.
    pub stored_bytes: u64,
    /// Writes that had to wait so far.
    pub stalled_writes: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// At even distances, the last one at the end.
    pub samples: Vec<Sample>,
    /// Bytes that users wrote.
    pub user_bytes: u64,
    /// Bytes that flushes wrote.
    pub flushed_bytes: u64,
    /// Bytes that merges read.
    pub merge_read_bytes: u64,
    /// Bytes that merges wrote.
    pub merge_written_bytes: u64,
    /// Merges.
    pub merges: u64,
    /// Tables that changed their level as they were.
    pub moves: u64,
    /// The longest time that one write waited, in bytes of background work.
    pub longest_stall_bytes: u64,
    /// The most runs there were at once.
    pub runs_max: u64,
    /// Bytes of tables in each level at the end, with the number of runs.
    pub levels: BTreeMap<u32, (u64, u64)>,
}

/// A sorted row of keys, each doubled, and one more for a delete.
type Row = Vec<u64>;

struct Simulator<'a> {
    options: &'a SimulationOptions,
    result: Simulation,
    shape: Shape,
    rows: BTreeMap<TableId, Row>,
    next_table: u64,
    /// Whether each key lives.
    lives: Vec<bool>,
    live: u64,
    stored_bytes: u64,
    stalled_writes: u64,
    /// The task under way, and how much of it is yet to be paid for.
    under_way: Option<(Task, u64)>,
}

/// Runs a policy over virtual writes. The same options and stream give the same numbers. Takes some ten bytes of memory for
/// each key.
pub fn simulate(options: &SimulationOptions, random: &mut Stream) -> Simulation {
    let mut simulator = Simulator {
        options,
        result: Simulation::default(),
        shape: Shape::default(),
        rows: BTreeMap::new(),
        next_table: 1,
        lives: vec![false; options.keys.max(1) as usize],
        live: 0,
        stored_bytes: 0,
        stalled_writes: 0,
        under_way: None,
    };
    let sample_every = (options.writes / options.samples.max(1)).max(1);
    let entries_max = (options.memtable_bytes / options.entry_bytes.max(1)).max(1);
    let mut memtable: Vec<(u64, u64)> = Vec::new();
    for write in 0..options.writes {
        let key = next_key(options, write, random);
        let deletes = options.deletes_per_mille > 0
            && random.below(1000) < u64::from(options.deletes_per_mille);
        memtable.push((key, write * 2 + u64::from(deletes)));
        simulator.result.user_bytes += options.entry_bytes;
        simulator.track(key, deletes);
        if memtable.len() as u64 >= entries_max {
            simulator.flush(&mut memtable);
        }
        simulator.work(options.entry_bytes * options.background_percent / 100);
        if (write + 1) % sample_every == 0 || write + 1 == options.writes {
            simulator.sample(write + 1);
        }
    }
    simulator.finish()
}

fn next_key(options: &SimulationOptions, write: u64, random: &mut Stream) -> u64 {
    let keys = options.keys.max(1);
    match options.pattern {
        Pattern::Uniform => random.below(keys),
        Pattern::Sequential => write % keys,
        Pattern::Skewed if random.below(5) > 0 => random.below((keys / 5).max(1)) * 5 % keys,
        Pattern::Skewed => random.below(keys),
    }
}

impl Simulator<'_> {
    fn track(&mut self, key: u64, deletes: bool) {
        let lives = &mut self.lives[key as usize];
        match (*lives, deletes) {
            (true, true) => self.live -= 1,
            (false, false) => self.live += 1,
            _ => {}
        }
        *lives = !deletes;
    }

    /// Makes a run of a memtable: of the writes to one key the last is left.
    fn flush(&mut self, memtable: &mut Vec<(u64, u64)>) {
        memtable.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        memtable.dedup_by_key(|(key, _)| *key);
        let row: Row = memtable
            .drain(..)
            .map(|(key, write)| key * 2 + write % 2)
            .collect();
        self.result.flushed_bytes += row.len() as u64 * self.options.entry_bytes;
        self.stall();
        let tables = vec![self.add_table(row)];
        self.shape.runs.insert(0, RunShape { level: 0, tables });
        self.result.runs_max = self.result.runs_max.max(self.shape.runs.len() as u64);
    }

    /// The writer waits until there are few enough runs, or nothing that could be merged.
    fn stall(&mut self) {
        let mut waited = 0;
        while self.shape.runs.len() >= self.options.stall_runs {
            self.begin();
            let Some((_, left)) = &self.under_way else {
                break;
            };
            let left = (*left).max(1);
            waited += left;
            self.work(left);
        }
        self.stalled_writes += u64::from(waited > 0);
        self.result.longest_stall_bytes = self.result.longest_stall_bytes.max(waited);
    }

    fn begin(&mut self) {
        if self.under_way.is_none()
            && let Some(task) = self.options.policy.pick(&self.shape)
        {
            let cost = self.cost(&task);
            self.under_way = Some((task, cost));
        }
    }

    /// Background work of so many bytes.
    fn work(&mut self, bytes: u64) {
        self.begin();
        let Some((_, left)) = &mut self.under_way else {
            return;
        };
        *left = left.saturating_sub(bytes);
        if *left == 0
            && let Some((task, _)) = self.under_way.take()
        {
            self.complete(&task);
        }
    }

    /// Bytes to read and to write, as far as one knows before.
    fn cost(&self, task: &Task) -> u64 {
        let entries = task.inputs.iter().map(|id| self.rows[id].len() as u64);
        match task.kind {
            TaskKind::Move => 0,
            TaskKind::Merge => 2 * entries.sum::<u64>() * self.options.entry_bytes,
        }
    }

    fn complete(&mut self, task: &Task) {
        let tables = match task.kind {
            TaskKind::Move => {
                let tables = self.shape.runs.iter().flat_map(|run| &run.tables);
                let moved = tables.filter(|table| task.inputs.contains(&table.id));
                let moved: Vec<_> = moved.cloned().collect();
                self.result.moves += moved.len() as u64;
                moved
            }
            TaskKind::Merge => self.merge(task),
        };
        let runs = std::mem::take(&mut self.shape.runs).into_iter();
        let runs = runs.map(|run| (run.level, run.tables)).collect();
        let runs = replace(runs, task, tables).into_iter();
        self.shape.runs = runs
            .map(|(level, tables)| RunShape { level, tables })
            .collect();
    }

    fn merge(&mut self, task: &Task) -> Vec<TableShape> {
        let is_input = |table: &&TableShape| task.inputs.contains(&table.id);
        let mut merged = Row::new();
        let mut read = 0;
        // The oldest first, each newer one on top of it.
        for run in self.shape.runs.iter().rev() {
            let inputs = run.tables.iter().filter(is_input);
            let newer: Row = inputs
                .flat_map(|table| &self.rows[&table.id])
                .copied()
                .collect();
            read += newer.len() as u64;
            merged = overlay(&merged, &newer);
        }
        let oldest = self.shape.runs.last();
        let is_bottom = oldest.is_some_and(|run| run.tables.iter().any(|table| is_input(&table)))
            || oldest.is_some_and(|run| run.level < task.target.level());
        if is_bottom {
            merged.retain(|entry| entry % 2 == 0);
        }
        let bytes = self.options.entry_bytes;
        for id in &task.inputs {
            let row = self.rows.remove(id).unwrap_or_default();
            self.stored_bytes -= row.len() as u64 * bytes;
        }
        self.result.merges += 1;
        self.result.merge_read_bytes += read * bytes;
        self.result.merge_written_bytes += merged.len() as u64 * bytes;
        let entries = (self.options.table_bytes / bytes.max(1)).max(1) as usize;
        let rows: Vec<Row> = merged.chunks(entries).map(<[u64]>::to_vec).collect();
        rows.into_iter().map(|row| self.add_table(row)).collect()
    }

    fn add_table(&mut self, row: Row) -> TableShape {
        let id = TableId(self.next_table);
        self.next_table += 1;
        let key = |entry: Option<&u64>| {
            let key = entry.map_or(0, |entry| entry / 2);
            Bytes::copy_from_slice(&key.to_be_bytes())
        };
        let shape = TableShape {
            id,
            bytes: row.len() as u64 * self.options.entry_bytes,
            entries: row.len() as u64,
            tombstones: row.iter().filter(|&&entry| entry % 2 == 1).count() as u64,
            range: KeyRange {
                smallest: key(row.first()),
                largest: key(row.last()),
                end: RangeEnd::Inclusive,
            },
        };
        self.stored_bytes += shape.bytes;
        self.rows.insert(id, row);
        shape
    }

    fn sample(&mut self, writes: u64) {
        let per_mille =
            |bytes: u64, of: u64| (u128::from(bytes) * 1000 / u128::from(of.max(1))) as u64;
        let written = self.result.flushed_bytes + self.result.merge_written_bytes;
        let live_bytes = self.live * self.options.entry_bytes;
        self.result.samples.push(Sample {
            writes,
            write_amplification_per_mille: per_mille(written, self.result.user_bytes),
            runs: self.shape.runs.len() as u64,
            space_amplification_per_mille: per_mille(self.stored_bytes, live_bytes),
            stored_bytes: self.stored_bytes,
            stalled_writes: self.stalled_writes,
        });
    }

    fn finish(mut self) -> Simulation {
        for run in &self.shape.runs {
            let level = self.result.levels.entry(run.level).or_default();
            level.0 += run.bytes();
            level.1 += 1;
        }
        self.result
    }
}

/// What is seen where `newer` lies on top of `older`.
fn overlay(older: &Row, newer: &Row) -> Row {
    let mut out = Vec::with_capacity(older.len() + newer.len());
    let (mut i, mut j) = (0, 0);
    while let (Some(&a), Some(&b)) = (older.get(i), newer.get(j)) {
        if a / 2 < b / 2 {
            out.push(a);
            i += 1;
        } else {
            i += usize::from(a / 2 == b / 2);
            out.push(b);
            j += 1;
        }
    }
    out.extend_from_slice(&older[i..]);
    out.extend_from_slice(&newer[j..]);
    out
}
