//! Drawing one state, as a policy says.

use std::collections::BTreeMap;

use super::state::{ChangeState, FileState, Fill};
use super::{CrashPolicy, OpenFile, SECTOR_BYTES};
use crate::Stream;
use crate::disk::inode::RedoChange;

const HALF: u32 = 500_000;

/// The longest run of bytes that survives, or does not, where bytes tear.
const TORN_RUN_BYTES_MAX: u64 = 64;

/// What `Drawn` picks from for contents.
const OF_CONTENTS: [CrashPolicy; 7] = [
    CrashPolicy::Drop,
    CrashPolicy::Keep,
    CrashPolicy::Prefix,
    CrashPolicy::Reorder,
    CrashPolicy::TornSectors,
    CrashPolicy::TornGarbage,
    CrashPolicy::TornBytes,
];

/// What `Drawn` picks from for names.
const OF_NAMES: [CrashPolicy; 3] = [
    CrashPolicy::NamesOnly,
    CrashPolicy::ContentsOnly,
    CrashPolicy::Reorder,
];

/// What survives in a file.
pub(super) fn file(file: &OpenFile, policy: CrashPolicy, random: &mut Stream) -> FileState {
    let policy = match policy {
        CrashPolicy::Drawn => *random.pick(&OF_CONTENTS).expect("there are some"),
        other => other,
    };
    let changes = match policy {
        CrashPolicy::Drop | CrashPolicy::NamesOnly => all(file, |_| ChangeState::lost()),
        CrashPolicy::Keep | CrashPolicy::ContentsOnly => all(file, whole),
        CrashPolicy::Prefix => prefix(file, random),
        CrashPolicy::TornSectors | CrashPolicy::TornGarbage => torn_sectors(file, random),
        CrashPolicy::TornBytes => all(file, |change| torn_bytes(change, random)),
        CrashPolicy::Reorder => all(file, |change| {
            if random.chance_per_million(HALF) {
                whole(change)
            } else {
                ChangeState::lost()
            }
        }),
        CrashPolicy::Drawn => unreachable!("one of its kinds was drawn"),
    };
    let fill = match policy {
        CrashPolicy::TornGarbage | CrashPolicy::TornBytes => Fill::Garbage(random.next_u64()),
        _ => Fill::Zeros,
    };
    FileState { changes, fill }
}

/// Which changes of names survive.
pub(super) fn names(count: usize, policy: CrashPolicy, random: &mut Stream) -> Vec<bool> {
    let policy = match policy {
        CrashPolicy::Drawn => *random.pick(&OF_NAMES).expect("there are some"),
        other => other,
    };
    match policy {
        CrashPolicy::Drop | CrashPolicy::ContentsOnly => vec![false; count],
        CrashPolicy::Keep | CrashPolicy::NamesOnly => vec![true; count],
        _ => (0..count)
            .map(|_| random.chance_per_million(HALF))
            .collect(),
    }
}

fn all(file: &OpenFile, state: impl FnMut(&RedoChange) -> ChangeState) -> Vec<ChangeState> {
    file.choices().map(state).collect()
}

/// All of a change.
pub(super) fn whole(change: &RedoChange) -> ChangeState {
    ChangeState::whole(byte_count(change))
}

fn byte_count(change: &RedoChange) -> usize {
    match change {
        RedoChange::Write { bytes, .. } => bytes.len(),
        RedoChange::SetLen { .. } | RedoChange::Damage(_) => 0,
    }
}

/// The changes in their order up to some byte.
fn prefix(file: &OpenFile, random: &mut Stream) -> Vec<ChangeState> {
    // A change without bytes counts as one, so that it can be the first that is lost.
    let size = |change: &RedoChange| byte_count(change).max(1) as u64;
    let total: u64 = file.choices().map(size).sum();
    let mut left = random.below(total + 1);
    all(file, |change| {
        let size = size(change);
        let survives = left.min(size);
        left -= survives;
        if survives == size {
            return whole(change);
        }
        let mut state = ChangeState::lost();
        state.keep(0..survives as usize);
        state
    })
}

/// Of each sector some version: what the first so-and-so many writes to it made of it. Lengths survive by themselves.
fn torn_sectors(file: &OpenFile, random: &mut Stream) -> Vec<ChangeState> {
    let writes = writes_by_sector(file);
    let versions: BTreeMap<u64, u64> = writes
        .iter()
        .map(|(sector, count)| (*sector, random.below(count + 1)))
        .collect();
    at_versions(file, &versions, |_| random.chance_per_million(HALF))
}

/// How many of the file's open writes touch each sector.
pub(super) fn writes_by_sector(file: &OpenFile) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for change in file.choices() {
        if let RedoChange::Write { offset, bytes, .. } = change {
            for sector in sectors(*offset, bytes.len()) {
                *counts.entry(sector).or_insert(0) += 1;
            }
        }
    }
    counts
}

/// The state in which each sector has the version that is given, and `keeps_length` decides about lengths.
pub(super) fn at_versions(
    file: &OpenFile,
    versions: &BTreeMap<u64, u64>,
    mut keeps_length: impl FnMut(&RedoChange) -> bool,
) -> Vec<ChangeState> {
    let mut done: BTreeMap<u64, u64> = BTreeMap::new();
    all(file, |change| {
        let mut state = ChangeState::lost();
        if let RedoChange::Write { offset, bytes, .. } = change {
            for sector in sectors(*offset, bytes.len()) {
                let version = done.entry(sector).or_insert(0);
                *version += 1;
                if *version <= versions[&sector] {
                    let from = (sector * SECTOR_BYTES).saturating_sub(*offset) as usize;
                    let to = ((sector + 1) * SECTOR_BYTES - offset) as usize;
                    state.keep(from..to.min(bytes.len()));
                }
            }
        }
        state.length = keeps_length(change);
        state
    })
}

/// The sectors that so many bytes from `offset` on touch.
fn sectors(offset: u64, byte_count: usize) -> std::ops::Range<u64> {
    if byte_count == 0 {
        return 0..0;
    }
    offset / SECTOR_BYTES..(offset + byte_count as u64).div_ceil(SECTOR_BYTES)
}

/// Runs of bytes that survive and do not, in turn.
fn torn_bytes(change: &RedoChange, random: &mut Stream) -> ChangeState {
    let mut state = ChangeState::lost();
    let mut survives = random.chance_per_million(HALF);
    let mut at = 0;
    while at < byte_count(change) {
        let run = 1 + random.below(TORN_RUN_BYTES_MAX) as usize;
        let end = (at + run).min(byte_count(change));
        if survives {
            state.keep(at..end);
        }
        survives = !survives;
        at = end;
    }
    state.length = random.chance_per_million(HALF);
    state
}
