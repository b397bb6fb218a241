//! Size-tiered compaction, as Bigtable and Cassandra do it.

use super::{RunShape, Shape, Target, Task, TaskKind, ids};

/// Size-tiered compaction: as soon as `runs_min` neighbours in age are of about the same size, they are merged into one
/// run. A byte is written once for each tier, that is about log(data / memtable) to the base `runs_min` times; but a read
/// looks into all runs, and a merge of everything needs as much space again.
///
/// Only neighbours in age are merged, as in RocksDB's universal compaction, since the order of runs stands for the order of
/// versions. (Cassandra keeps a timestamp with each cell and merges any runs of one size.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiered {
    /// Runs that are merged at once, at least.
    pub runs_min: usize,
    /// A run is "of about the same size" as those newer than it if it is no larger than their sum by so many hundredths.
    pub ratio_percent: u64,
    /// When all but the oldest run have so many hundredths of its bytes, everything is merged: the bound on dead space.
    pub space_percent: u64,
    /// More runs than this are merged whatever their sizes.
    pub runs_max: usize,
}

impl Default for Tiered {
    fn default() -> Self {
        Self {
            runs_min: 4,
            ratio_percent: 50,
            space_percent: 200,
            runs_max: 10,
        }
    }
}

impl Tiered {
    /// What to do next.
    pub fn pick(&self, shape: &Shape) -> Option<Task> {
        let runs = &shape.runs;
        let runs_min = self.runs_min.max(2);
        if runs.len() < runs_min {
            return None;
        }
        let sizes: Vec<u64> = runs.iter().map(RunShape::bytes).collect();
        let (oldest, newer) = sizes.split_last()?;
        let newer: u64 = newer.iter().sum();
        if u128::from(newer) * 100 >= u128::from(*oldest) * u128::from(self.space_percent) {
            return Some(merge(runs));
        }
        for begin in 0..=runs.len() - runs_min {
            let count = self.similar(&sizes[begin..]);
            if count >= runs_min {
                return Some(merge(&runs[begin..begin + count]));
            }
        }
        let surplus = runs.len().checked_sub(self.runs_max)?;
        let count = (surplus + 1).max(runs_min).min(runs.len());
        (surplus > 0).then(|| merge(&runs[..count]))
    }

    /// How many runs from the first on are of about the same size.
    fn similar(&self, sizes: &[u64]) -> usize {
        let mut sum = 0_u64;
        for (count, &size) in sizes.iter().enumerate() {
            let most = u128::from(sum) * u128::from(100 + self.ratio_percent) / 100;
            if count > 0 && u128::from(size) > most {
                return count;
            }
            sum += size;
        }
        sizes.len()
    }
}

fn merge(runs: &[RunShape]) -> Task {
    let tier = runs.iter().map(|run| run.level).max().unwrap_or(0);
    Task {
        inputs: runs.iter().flat_map(ids).collect(),
        target: Target::Run(tier + 1),
        kind: TaskKind::Merge,
    }
}
