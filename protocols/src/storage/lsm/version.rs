//! A version of the tree: its sorted runs, the newest first. A flush or a compaction puts another version in its place.

use std::sync::Arc;

use bytes::Bytes;

use super::bloom::KeyHash;
use super::manifest::{RunRecord, TableRecord};
use super::policy::{InRun, RunShape, Shape, TableShape, Task, replace};
use super::table::{Reader, Table, Tables};
use super::{Sequence, TableId};
use crate::storage::{EngineError, Planted};

/// A sorted run of tables.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) level: u32,
    pub(super) tables: Tables,
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct Version {
    pub(super) runs: Vec<Run>,
}

impl InRun for Arc<Table> {
    fn id(&self) -> TableId {
        self.id
    }

    fn smallest(&self) -> &Bytes {
        &self.range().smallest
    }
}

impl Run {
    /// The table that `key` would be in.
    #[inline]
    pub(super) fn table_of(&self, key: &[u8]) -> Option<&Arc<Table>> {
        let tables = &self.tables;
        let index = match tables.len() {
            1 => 0,
            _ => tables.partition_point(|table| table.range().is_before(key)),
        };
        tables
            .get(index)
            .filter(|table| table.range().contains(key))
    }
}

impl Version {
    /// All tables.
    pub(super) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.runs.iter().flat_map(|run| run.tables.iter())
    }

    /// What stands in it of `key`, as of `most`: the value; or `None` where it is deleted or was never there.
    pub(super) fn get(
        &self,
        reader: &mut Reader<'_>,
        key: &[u8],
        most: Sequence,
    ) -> Result<Option<Bytes>, EngineError> {
        let hash = KeyHash::of(key);
        let mut covered = Sequence(0);
        for run in &self.runs {
            let Some(table) = run.table_of(key) else {
                continue;
            };
            if table.planted != Planted::LsmIgnoresRangeDeletes {
                covered = covered.max(table.tombstones.newest_over(key, most));
            }
            reader.counts.tables_asked += 1;
            if let Some((sequence, value)) = table.get(reader, key, hash, most)? {
                return Ok(value.filter(|_| sequence > covered));
            }
            // What is older than this run is older than the delete.
            if covered > Sequence(0) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// As a policy sees it.
    pub(super) fn shape(&self) -> Shape {
        let shape = |table: &Arc<Table>| TableShape {
            id: table.id,
            bytes: table.file_bytes,
            entries: table.properties.entries + table.tombstones.count(),
            tombstones: table.properties.tombstones + table.tombstones.count(),
            range: table.range().clone(),
        };
        let runs = self.runs.iter().map(|run| RunShape {
            level: run.level,
            tables: run.tables.iter().map(shape).collect(),
        });
        Shape {
            runs: runs.collect(),
        }
    }

    /// As the manifest says it.
    pub(super) fn records(&self) -> Vec<RunRecord> {
        let record = |table: &Arc<Table>| TableRecord {
            id: table.id,
            file_bytes: table.file_bytes,
            footer_crc: table.footer_crc,
        };
        let runs = self.runs.iter().map(|run| RunRecord {
            level: run.level,
            tables: run.tables.iter().map(record).collect(),
        });
        runs.collect()
    }

    /// With one more run, the newest.
    pub(super) fn with_flushed(&self, table: Arc<Table>) -> Self {
        let flushed = Run {
            level: 0,
            tables: [table].into(),
        };
        Self {
            runs: std::iter::once(flushed)
                .chain(self.runs.iter().cloned())
                .collect(),
        }
    }

    /// After a task of which `tables` came.
    pub(super) fn after(&self, task: &Task, tables: Vec<Arc<Table>>) -> Self {
        let runs = self.runs.iter().map(|run| (run.level, run.tables.to_vec()));
        let runs = replace(runs.collect(), task, tables).into_iter();
        Self {
            runs: runs
                .map(|(level, tables)| Run {
                    level,
                    tables: tables.into(),
                })
                .collect(),
        }
    }

    /// The runs older than every input of a task.
    pub(super) fn older_than(&self, task: &Task) -> Vec<Run> {
        let has_input = |run: &Run| {
            run.tables
                .iter()
                .any(|table| task.inputs.contains(&table.id))
        };
        let oldest = self.runs.iter().rposition(has_input);
        self.runs[oldest.map_or(0, |oldest| oldest + 1)..].to_vec()
    }

    /// Says what is wrong with the order of its tables, if anything is: within a run they must be in key order and must not
    /// overlap.
    pub(super) fn disorder(&self) -> Option<String> {
        for run in &self.runs {
            for pair in run.tables.windows(2) {
                if !pair[0].range().is_before(&pair[1].range().smallest) {
                    return Some(format!(
                        "{} and {} overlap in a run of level {}",
                        pair[0].name, pair[1].name, run.level
                    ));
                }
            }
        }
        None
    }
}
