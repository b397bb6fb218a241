//! Levelled compaction, as LevelDB made it known.

use super::{KeyRange, RunShape, Shape, TableShape, Target, Task, TaskKind, merge_all};

/// Levelled compaction: flushes gather in level 0; from level 1 on each level is one run, `growth` times as large as the
/// one before. What is most over its bound is merged into the next level: of level 0 everything, since its runs overlap;
/// of a deeper level the one table that overlaps the least of the next level for its size.
///
/// With T = `growth`, a byte is written about T/2 times for each level, a read looks into one table a level, and what is
/// dead takes about 1/T of the space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levelled {
    /// At so many runs level 0 is merged into level 1.
    pub level0_runs: usize,
    /// Bytes that level 1 may have.
    pub base_bytes: u64,
    /// How many times as much each further level may have.
    pub growth: u64,
}

impl Default for Levelled {
    fn default() -> Self {
        Self {
            level0_runs: 4,
            base_bytes: 64 << 20,
            growth: 10,
        }
    }
}

impl Levelled {
    /// What to do next.
    pub fn pick(&self, shape: &Shape) -> Option<Task> {
        if !is_levelled(shape) {
            return merge_all(shape);
        }
        let fresh = shape.runs.iter().filter(|run| run.level == 0).count();
        let mut worst = (fresh as u64 * 1000 / self.level0_runs.max(1) as u64, 0);
        for run in shape.runs.iter().filter(|run| run.level > 0) {
            let score = u128::from(run.bytes()) * 1000 / u128::from(self.bound(run.level).max(1));
            let score = score.min(u128::from(u64::MAX)) as u64;
            if score > worst.0.max(1000) {
                worst = (score, run.level);
            }
        }
        match worst {
            (..1000, _) => None,
            (_, 0) => Some(merge_fresh(shape)),
            (_, level) => merge_down(shape, level),
        }
    }

    /// Bytes that a level may have.
    fn bound(&self, level: u32) -> u64 {
        let growth = self.growth.max(2).saturating_pow(level - 1);
        self.base_bytes.saturating_mul(growth)
    }
}

/// Whether there is one run in each level from 1 on, in order. A directory that another policy has written may not be so.
fn is_levelled(shape: &Shape) -> bool {
    let levels = shape
        .runs
        .windows(2)
        .map(|pair| (pair[0].level, pair[1].level));
    levels
        .into_iter()
        .all(|(newer, older)| newer < older || (newer, older) == (0, 0))
}

/// All of level 0, and what it overlaps in level 1.
fn merge_fresh(shape: &Shape) -> Task {
    let fresh = shape.runs.iter().filter(|run| run.level == 0);
    let inputs: Vec<&TableShape> = fresh.flat_map(|run| &run.tables).collect();
    into_level(shape, &inputs, 1)
}

/// One table of `level`, and what it overlaps in the next.
fn merge_down(shape: &Shape, level: u32) -> Option<Task> {
    let run = run_of(shape, level)?;
    let next = run_of(shape, level + 1);
    let overlapped = |table: &TableShape| {
        let tables = next.iter().flat_map(|run| &run.tables);
        let overlapped = tables.filter(|other| other.range.overlaps(&table.range));
        overlapped.map(|other| other.bytes).sum::<u64>()
    };
    // The older table of two that are as good: so that all get their turn.
    let cost = |table: &&TableShape| {
        let share = u128::from(overlapped(table)) * 1000 / u128::from(table.bytes.max(1));
        (share, table.id)
    };
    let cheapest = run.tables.iter().min_by_key(cost)?;
    Some(into_level(shape, &[cheapest], level + 1))
}

/// Merges `inputs`, and what lies between their smallest and largest key in `level`, into `level`. What comes out may span
/// gaps between the inputs, so it is all of that stretch that must take part.
fn into_level(shape: &Shape, inputs: &[&TableShape], level: u32) -> Task {
    let ranges = inputs.iter().map(|table| table.range.clone());
    let hull = ranges.reduce(|hull: KeyRange, range| hull.hull(&range));
    let target = run_of(shape, level).into_iter().flat_map(|run| &run.tables);
    let within = target.filter(|table| {
        hull.as_ref()
            .is_some_and(|hull| hull.overlaps(&table.range))
    });
    let overlapped: Vec<_> = within.map(|table| table.id).collect();
    let kind = if overlapped.is_empty() && can_move(inputs) {
        TaskKind::Move
    } else {
        TaskKind::Merge
    };
    let inputs = inputs.iter().map(|table| table.id);
    Task {
        inputs: inputs.chain(overlapped).collect(),
        target: Target::Level(level),
        kind,
    }
}

/// Whether tables can go to another level as they are: they overlap nothing, and have nothing to drop.
fn can_move(tables: &[&TableShape]) -> bool {
    let mut sorted = tables.to_vec();
    sorted.sort_by(|a, b| a.range.smallest.cmp(&b.range.smallest));
    let mut pairs = sorted.windows(2);
    pairs.all(|pair| pair[0].range.is_before(&pair[1].range.smallest))
        && tables.iter().all(|table| table.tombstones == 0)
}

fn run_of(shape: &Shape, level: u32) -> Option<&RunShape> {
    shape.runs.iter().find(|run| run.level == level)
}
