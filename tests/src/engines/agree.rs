//! Long random runs of all engines, compared with a map and so with each other.
//!
//! A round draws tiny options and a mix of keys, and does the same to every engine of the catalog: batches, gets, scans
//! both ways in pages, snapshots and their release, syncs, background work, verification, forks, copies by log shipping, and opening
//! again. Every answer is compared with the map's.

use bytes::Bytes;
use seedbed_protocols::storage::{
    Bounds, CATALOG, Engine, EngineError, EngineKind, EngineOptions, Lsn, Planted, Row,
    ScanDirection, SnapshotId, open_engine,
};
use seedbed_sim::{DiskConfig, Seed, SimDisk, Stream};

use super::workload::{Mix, apply, tiny_options};
use super::{Model, Violation, content, difference};

/// Which engines, and a bug in them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Field {
    /// Only this one; all if left out.
    pub only: Option<EngineKind>,
    /// A bug.
    pub planted: Planted,
}

/// One engine in a round.
struct Runner {
    kind: EngineKind,
    options: EngineOptions,
    disk: SimDisk,
    engine: Box<dyn Engine>,
    snapshots: Vec<SnapshotId>,
}

/// One round of so many steps. Returns how many operations were done, over all engines.
///
/// # Errors
/// Which engine gave another answer than the map, and where.
pub fn round(field: Field, seed: u64, steps: usize) -> Result<u64, Violation> {
    let mut random = Stream::named(Seed(seed), "agree");
    let options = EngineOptions {
        planted: field.planted,
        ..tiny_options(&mut random)
    };
    let mix = Mix::drawn(&mut random);
    let entries = CATALOG
        .iter()
        .filter(|entry| field.only.is_none_or(|only| only == entry.kind));
    let mut runners = Vec::new();
    for entry in entries {
        let mut disk = SimDisk::new(DiskConfig::instant());
        let (engine, _) = open_engine(entry.kind, &mut disk, &options)?;
        runners.push(Runner {
            kind: entry.kind,
            options: options.clone(),
            disk,
            engine,
            snapshots: Vec::new(),
        });
    }
    let mut model = Model::new();
    let mut snapshots: Vec<Model> = Vec::new();
    for step in 0..steps {
        let action = Action::drawn(&mut random, &mix, step, snapshots.len());
        match &action {
            Action::Write(batch) => apply(&mut model, batch),
            Action::Snapshot => snapshots.push(model.clone()),
            Action::Release(at) => drop(snapshots.remove(*at)),
            Action::Reopen => snapshots.clear(),
            _ => {}
        }
        for runner in &mut runners {
            runner
                .act(&action, &model, &snapshots)
                .map_err(|violation| {
                    violation.at(&format!("engine {}, seed {seed}, step {step}", runner.kind))
                })?;
        }
    }
    for runner in &mut runners {
        runner.engine.verify(&mut runner.disk)?;
    }
    Ok((steps * runners.len()) as u64)
}

/// What is done to all engines in a step.
enum Action {
    Write(Vec<seedbed_protocols::storage::Change>),
    Get(Bytes, Option<usize>),
    Scan(Scan),
    Snapshot,
    Release(usize),
    Sync,
    SyncLater,
    Maintain(u64),
    Verify,
    Fork,
    Ship(usize),
    Reopen,
}

struct Scan {
    at: Option<usize>,
    from: Option<Bytes>,
    to: Option<Bytes>,
    direction: ScanDirection,
    page: usize,
}

impl Action {
    fn drawn(random: &mut Stream, mix: &Mix, step: usize, snapshots: usize) -> Self {
        let at = |random: &mut Stream| {
            let drawn = random.below(2 * snapshots as u64 + 1) as usize;
            (drawn < snapshots).then_some(drawn)
        };
        match random.below(200) {
            0..=89 => Self::Write(mix.batch(random, step)),
            90..=139 => Self::Get(mix.key(random), at(random)),
            140..=154 => Self::Scan(Scan {
                at: at(random),
                from: (random.below(2) == 0).then(|| mix.key(random)),
                to: (random.below(2) == 0).then(|| mix.key(random)),
                direction: if random.below(2) == 0 {
                    ScanDirection::Forward
                } else {
                    ScanDirection::Backward
                },
                page: 1 + random.below(20) as usize,
            }),
            155..=159 if snapshots < 4 => Self::Snapshot,
            155..=164 if snapshots > 0 => Self::Release(random.below(snapshots as u64) as usize),
            155..=169 => Self::Sync,
            170..=174 => Self::SyncLater,
            175..=193 => Self::Maintain([0, 300, 5000, u64::MAX][random.below(4) as usize]),
            194 | 195 => Self::Verify,
            196 => Self::Fork,
            197 => Self::Ship(random.below(3000) as usize),
            _ => Self::Reopen,
        }
    }
}

impl Runner {
    fn act(
        &mut self,
        action: &Action,
        model: &Model,
        snapshots: &[Model],
    ) -> Result<(), Violation> {
        let disk = &mut self.disk;
        match action {
            Action::Write(batch) => {
                self.engine.write(disk, batch)?;
            }
            Action::Get(key, at) => {
                let expected = at.map_or(model, |at| &snapshots[at]).get(key);
                let at = at.map(|at| self.snapshots[at]);
                let got = self.engine.get(disk, key, at)?;
                if got.as_ref() != expected {
                    return Err(Violation(format!("get {key:?} at {at:?} gave {got:?}")));
                }
            }
            Action::Scan(scan) => self.scan(scan, scan.at.map_or(model, |at| &snapshots[at]))?,
            Action::Snapshot => self.snapshots.push(self.engine.snapshot()),
            Action::Release(at) => {
                let id = self.snapshots.remove(*at);
                self.engine.release(id);
            }
            Action::Sync => self.engine.sync(disk)?,
            Action::SyncLater => {
                if let Some(ticket) = self.engine.sync_later(disk)? {
                    self.engine.on_synced(ticket);
                }
            }
            Action::Maintain(u64::MAX) => {
                self.engine.compact(disk)?;
            }
            Action::Maintain(budget) => {
                self.engine.maintain(disk, *budget)?;
            }
            Action::Verify => self.engine.verify(disk)?,
            Action::Fork => {
                // Goes on with the copies, and what becomes of the origin changes nothing for them.
                let copy = self.engine.clone();
                let mut origin = std::mem::replace(&mut self.engine, copy);
                let mut of_origin = disk.clone();
                origin.put(&mut of_origin, Bytes::from_static(b"origin"), Bytes::new())?;
                origin.maintain(&mut of_origin, u64::MAX)?;
            }
            Action::Ship(max_bytes) => self.ship(*max_bytes, model)?,
            Action::Reopen => {
                self.snapshots.clear();
                if self.kind == EngineKind::Cow {
                    // What was not committed is in memory alone.
                    self.engine.sync(disk)?;
                }
                if self.kind != EngineKind::Memory {
                    self.engine = open_engine(self.kind, disk, &self.options)?.0;
                } else {
                    self.engine = self.engine.clone();
                }
            }
        }
        match self.engine.stats().keys {
            Some(keys) if keys != model.len() as u64 => Err(Violation(format!(
                "it counts {keys} keys of {}",
                model.len()
            ))),
            _ => Ok(()),
        }
    }

    /// Scans to the end in pages.
    fn scan(&mut self, scan: &Scan, model: &Model) -> Result<(), Violation> {
        let (mut from, mut to) = (scan.from.clone(), scan.to.clone());
        let bounds = Bounds {
            from: from.as_deref(),
            to: to.as_deref(),
        };
        let within = model.iter().filter(|(key, _)| bounds.contains(key));
        let mut expected: Vec<_> = within
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if scan.direction == ScanDirection::Backward {
            expected.reverse();
        }
        let at = scan.at.map(|at| self.snapshots[at]);
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let bounds = Bounds {
                from: from.as_deref(),
                to: to.as_deref(),
            };
            let disk = &mut self.disk;
            let resume =
                self.engine
                    .scan(disk, at, bounds, scan.direction, scan.page, &mut rows)?;
            let Some(resume) = resume else { break };
            match scan.direction {
                ScanDirection::Forward => from = Some(resume),
                ScanDirection::Backward => to = Some([&resume[..], b"\0"].concat().into()),
            }
        }
        let found: Vec<_> = rows.into_iter().map(|row| (row.key, row.value)).collect();
        if found != expected {
            let keys = |rows: &[(Bytes, Bytes)]| -> Vec<Bytes> {
                rows.iter().map(|(key, _)| key.clone()).collect()
            };
            return Err(Violation(format!(
                "a scan found {:?} instead of {:?}",
                keys(&found),
                keys(&expected)
            )));
        }
        Ok(())
    }

    /// A copy that is made from the log alone holds the same.
    fn ship(&mut self, max_bytes: usize, model: &Model) -> Result<(), Violation> {
        let mut disk = SimDisk::new(DiskConfig::instant());
        let (mut copy, _) = open_engine(self.kind, &mut disk, &self.options)?;
        let mut at = Lsn(0);
        loop {
            let slice = match self.engine.log_since(&mut self.disk, at, max_bytes) {
                Ok(slice) => slice,
                Err(EngineError::NoLog | EngineError::LogGone { .. }) => return Ok(()),
                Err(other) => return Err(other.into()),
            };
            copy.apply_log(&mut disk, &slice)?;
            // A slice that comes twice changes nothing.
            let end = copy.apply_log(&mut disk, &slice)?;
            at = slice.to;
            if end != at {
                return Err(Violation(format!(
                    "a copy is at {end:?} after a slice to {at:?}"
                )));
            }
            if slice.is_empty() {
                break;
            }
        }
        let found = content(&mut *copy, &mut disk, None, usize::MAX)?;
        if found != *model {
            let what = difference(&found, model);
            return Err(Violation(format!("a copy made from the log: {what}")));
        }
        Ok(())
    }
}
