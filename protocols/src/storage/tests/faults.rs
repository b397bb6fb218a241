//! Disks that rot, misplace, lose or age what was written: the log gives the right answer or an error.

use std::collections::BTreeMap;

use seedbed_sim::{
    Chance, DiskConfig, DiskError, DiskFault, DiskFaultKind, FaultId, FilePattern, NodeId, Seed,
    SimDisk, Stream,
};

use super::*;
use crate::storage::log::LogEngine;

fn begin(disk: &mut SimDisk, kind: DiskFaultKind) {
    let fault = DiskFault {
        node: NodeId(0),
        files: FilePattern::any(),
        kind,
    };
    disk.begin_fault(FaultId(1), &fault, disk.now());
}

fn open(disk: &mut SimDisk) -> Result<LogEngine, EngineError> {
    LogEngine::open(disk, &EngineOptions::default()).map(|(engine, _)| engine)
}

/// Some keys, with values that are long enough to fill sectors and blocks.
fn write_some(
    engine: &mut LogEngine,
    disk: &mut SimDisk,
    random: &mut Stream,
    model: &mut BTreeMap<Bytes, Bytes>,
) -> Result<(), EngineError> {
    for _ in 0..20 {
        let key = Bytes::from(format!("k{}", random.below(8)));
        let mut value = format!("{} ", random.next_u64()).into_bytes();
        value.resize(value.len() + random.below(900) as usize, b'.');
        let value = Bytes::from(value);
        engine.put(disk, key.clone(), value.clone())?;
        model.insert(key, value);
    }
    engine.sync(disk)
}

/// How many reads of a faulty disk were answered, and how many refused. Panics at a wrong answer.
fn reads(kind: DiskFaultKind, seed: u64) -> (usize, usize) {
    let mut random = Stream::named(Seed(seed), "writes");
    let mut disk = SimDisk::named(DiskConfig::instant(), Seed(seed), "n1");
    let mut model = BTreeMap::new();
    let mut engine = open(&mut disk).expect("an empty disk");
    write_some(&mut engine, &mut disk, &mut random, &mut model).expect("a sound disk");
    begin(&mut disk, kind);
    // What is refused here was not acknowledged, but may be there.
    let refused = write_some(&mut engine, &mut disk, &mut random, &mut model).is_err();
    assert!(!refused, "{kind:?} refuses no write");
    let (mut right, mut errors) = (0, 0);
    for number in 0..8 {
        let key = Bytes::from(format!("k{number}"));
        match engine.get(&mut disk, &key, None) {
            Ok(value) => {
                assert_eq!(value.as_ref(), model.get(&key), "{kind:?}, seed {seed}");
                right += 1;
            }
            Err(EngineError::Corrupt { .. } | EngineError::Disk(DiskError::Read { .. })) => {
                errors += 1;
            }
            Err(other) => panic!("{kind:?}, seed {seed}: {other}"),
        }
    }
    (right, errors)
}

#[test]
fn rot_misplaced_lost_and_stale_blocks_give_the_right_answer_or_an_error() {
    let sometimes = Chance {
        per_million: 100_000,
        count_max: None,
    };
    let kinds = [
        DiskFaultKind::BitRot {
            bits: 2,
            offset: None,
        },
        DiskFaultKind::MisdirectedWrites(sometimes),
        DiskFaultKind::LostWrites(sometimes),
        DiskFaultKind::StaleReads(Chance::ALWAYS),
        DiskFaultKind::ReadErrors(sometimes),
    ];
    for kind in kinds {
        let (mut right, mut errors) = (0, 0);
        for seed in 0..100 {
            let found = reads(kind, seed);
            right += found.0;
            errors += found.1;
        }
        assert!(errors > 20, "{kind:?} was met {errors} times");
        assert!(right > 20, "{kind:?} left {right} right");
    }
}

#[test]
fn a_log_that_has_lost_its_end_takes_no_more_writes() {
    let mut random = Stream::named(Seed(1), "writes");
    let mut disk = SimDisk::new(DiskConfig::instant());
    let mut model = BTreeMap::new();
    let mut engine = open(&mut disk).expect("an empty disk");
    write_some(&mut engine, &mut disk, &mut random, &mut model).expect("a sound disk");
    begin(&mut disk, DiskFaultKind::Truncation { bytes: 100 });
    let refused = write_some(&mut engine, &mut disk, &mut random, &mut model);
    assert!(
        matches!(refused, Err(EngineError::Corrupt { .. })),
        "{refused:?}"
    );
    let refused = engine.get(&mut disk, b"k1", None);
    assert_eq!(refused, Err(EngineError::Poisoned));
}

/// A log in which the first write of a group landed somewhere else, after a restart.
fn reopened_after_a_misdirected_write(
    seed: u64,
    groups_after: usize,
) -> Result<LogEngine, EngineError> {
    let mut random = Stream::named(Seed(seed), "writes");
    let mut disk = SimDisk::named(DiskConfig::instant(), Seed(seed), "n1");
    let mut model = BTreeMap::new();
    let mut engine = open(&mut disk).expect("an empty disk");
    write_some(&mut engine, &mut disk, &mut random, &mut model).expect("a sound disk");
    begin(&mut disk, DiskFaultKind::MisdirectedWrites(Chance::ONCE));
    for _ in 0..=groups_after {
        write_some(&mut engine, &mut disk, &mut random, &mut model).expect("nobody notices");
    }
    disk.crash(disk.now());
    open(&mut disk)
}

#[test]
fn a_misdirected_write_is_found_at_the_next_start() {
    for seed in 0..100 {
        match reopened_after_a_misdirected_write(seed, 1) {
            Err(EngineError::Corrupt { .. } | EngineError::Format { .. }) => {}
            Err(other) => panic!("seed {seed}: {other}"),
            Ok(_) => panic!("seed {seed}: the damage is passed over"),
        }
    }
}

/// The limit that the chapter on frames declares: no later frame says that the last group was durable, so that damage
/// in it looks like a torn tail, unless the write that went astray has hit something older.
#[test]
fn damage_in_the_last_group_may_look_like_a_torn_tail() {
    let taken_for_torn = |seed| reopened_after_a_misdirected_write(seed, 0).is_ok();
    let count = (0..100).filter(|seed| taken_for_torn(*seed)).count();
    assert!((1..50).contains(&count), "{count} of 100");
}
