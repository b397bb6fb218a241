//! The two B-trees: random operations with keys and values of every size, every state a crash may leave, full and failing
//! disks, flipped bits, and nasty cases by name.
//!
//! Both trees go through all of it; what only one of them has (the redo log, the seal) has its own cases behind.

mod cases;
mod crash;
mod faults;
mod model;
mod planted;
mod salvage;
mod versions;

use std::collections::BTreeMap;

use seedbed_sim::{DiskConfig, SimDisk, Stream};

use super::*;

/// What must not happen, with a word on where.
#[derive(Debug)]
pub(super) struct Violation(String);

impl From<EngineError> for Violation {
    fn from(error: EngineError) -> Self {
        Self(error.to_string())
    }
}

pub(super) type Model = BTreeMap<Bytes, Bytes>;

pub(super) const TREES: [EngineKind; 2] = [EngineKind::BTree, EngineKind::Cow];

/// A pool of a few pages, and checkpoints all the time.
pub(super) fn options(pool_pages: usize, checkpoint_log_bytes: u64) -> EngineOptions {
    EngineOptions {
        btree: BTreeOptions {
            pool_pages,
            checkpoint_log_bytes,
            log_kept_bytes: 0,
            ..BTreeOptions::default()
        },
        cow: CowOptions {
            pool_pages,
            ..CowOptions::default()
        },
        ..EngineOptions::default()
    }
}

pub(super) fn instant_disk() -> SimDisk {
    SimDisk::new(DiskConfig::instant())
}

pub(super) fn open(
    kind: EngineKind,
    disk: &mut dyn Disk,
    options: &EngineOptions,
) -> Result<Box<dyn Engine>, EngineError> {
    open_engine(kind, disk, options).map(|(engine, _)| engine)
}

pub(super) fn key(number: u64) -> Bytes {
    Bytes::from(format!("key{number:05}"))
}

pub(super) fn bytes(len: usize, byte: u8) -> Bytes {
    Bytes::from(vec![byte; len])
}

/// Lengths where trees go wrong, and ordinary ones.
pub(super) fn random_length(random: &mut Stream, longest: u64) -> usize {
    let length = match random.below(12) {
        0 => 0,
        1..=6 => random.below(60),
        7 | 8 => random.below(600),
        9 => 900 + random.below(300),
        10 => 2500 + random.below(700),
        _ => 4000 + random.below(6000),
    };
    length.min(longest) as usize
}

/// A key with a long common prefix, or a short one, or none.
pub(super) fn random_key(random: &mut Stream, count: u64) -> Bytes {
    let number = random.below(count);
    let mut key = match number % 5 {
        0 => Vec::new(),
        1 => vec![0xff; (number % 7) as usize],
        2 => vec![b'p'; 505 + (number % 20) as usize],
        3 => vec![b'q'; (number % 60) as usize * 10],
        _ => vec![b'k'; 3],
    };
    key.extend_from_slice(number.to_string().as_bytes());
    Bytes::from(key)
}

pub(super) fn random_batch(random: &mut Stream, keys: u64, longest: u64) -> Vec<Change> {
    let count = 1 + random.below(6);
    let change = |random: &mut Stream| {
        let key = random_key(random, keys);
        match random.below(24) {
            0..=6 => Change::Delete(key),
            7 if random.below(4) == 0 => Change::DeleteRange {
                from: key,
                to: (random.below(3) > 0).then(|| random_key(random, keys)),
            },
            _ => {
                let byte = random.below(256) as u8;
                Change::Put(key, bytes(random_length(random, longest), byte))
            }
        }
    };
    (0..count).map(|_| change(random)).collect()
}

pub(super) fn apply(model: &mut Model, batch: &[Change]) {
    for change in batch {
        match change {
            Change::Put(key, value) => {
                model.insert(key.clone(), value.clone());
            }
            Change::Delete(_) | Change::DeleteRange { .. } => {
                model.retain(|key, _| !change.touches(key));
            }
        }
    }
}

/// The whole content, by a scan in steps.
pub(super) fn content(
    engine: &mut dyn Engine,
    disk: &mut dyn Disk,
    at: Option<SnapshotId>,
) -> Result<Model, EngineError> {
    let rows = scan_all(engine, disk, at, 7)?;
    Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
}
