//! Nasty cases by name.

use seedbed_sim::{DiskConfig, OpenMode, SimDisk};

use super::failing::FailingDisk;
use super::*;
use crate::storage::frame::OnCorruption;
use crate::storage::log::LogEngine;

fn instant_disk() -> SimDisk {
    SimDisk::new(DiskConfig::instant())
}

fn open_log(disk: &mut dyn Disk) -> Result<(LogEngine, Recovery), EngineError> {
    LogEngine::open(disk, &EngineOptions::default())
}

fn key(i: u32) -> Bytes {
    Bytes::from(format!("key{i}"))
}

#[test]
fn keys_and_values_past_their_bounds_are_refused_and_the_longest_are_not() {
    for entry in CATALOG {
        let disk = &mut instant_disk();
        let (mut engine, _) = (entry.open)(disk, &EngineOptions::default()).unwrap();
        let long = |bytes: usize| Bytes::from(vec![0xff; bytes]);
        engine
            .put(disk, long(KEY_BYTES_MAX), long(VALUE_BYTES_MAX))
            .unwrap();
        let before = engine.stats();
        assert_eq!(
            engine.put(disk, long(KEY_BYTES_MAX + 1), Bytes::new()),
            Err(EngineError::KeyTooLong(KEY_BYTES_MAX + 1))
        );
        assert_eq!(
            engine.delete(disk, long(KEY_BYTES_MAX + 1)),
            Err(EngineError::KeyTooLong(KEY_BYTES_MAX + 1))
        );
        assert_eq!(
            engine.put(disk, Bytes::new(), long(VALUE_BYTES_MAX + 1)),
            Err(EngineError::ValueTooLong(VALUE_BYTES_MAX + 1))
        );
        assert_eq!(engine.stats(), before);
        let got = engine.get(disk, &long(KEY_BYTES_MAX), None).unwrap();
        assert_eq!(got, Some(long(VALUE_BYTES_MAX)));
        engine.verify(disk).unwrap();
    }
}

#[test]
fn a_batch_past_the_bound_of_a_frame_is_refused_by_the_log() {
    let disk = &mut instant_disk();
    let (mut engine, _) = open_log(disk).unwrap();
    let value = Bytes::from(vec![7; VALUE_BYTES_MAX]);
    let batch: Vec<_> = (0..4).map(|i| Change::Put(key(i), value.clone())).collect();
    let refused = engine.write(disk, &batch).unwrap_err();
    assert!(matches!(refused, EngineError::BatchTooLong(_)), "{refused}");
    engine.write(disk, &batch[..3]).unwrap();
    assert_eq!(engine.get(disk, &key(2), None), Ok(Some(value)));
    assert_eq!(engine.get(disk, &key(3), None), Ok(None));
    engine.verify(disk).unwrap();
}

#[test]
fn a_snapshot_of_the_log_is_held_through_writes_and_failed_reads_of_it_are_none() {
    let disk = &mut instant_disk();
    let (mut engine, _) = open_log(disk).unwrap();
    let mut snapshots = Vec::new();
    for i in 0..100 {
        engine.put(disk, key(i % 7), key(i)).unwrap();
        snapshots.push(engine.snapshot());
    }
    for (i, id) in (0..).zip(&snapshots) {
        assert_eq!(engine.get(disk, &key(i % 7), Some(*id)), Ok(Some(key(i))));
        let rows = scan_all(&mut engine, disk, Some(*id), 3).unwrap();
        assert_eq!(rows.len(), 7.min(i as usize + 1));
    }
}

/// What a damaged log gives: an error, or exactly what was written.
#[test]
fn one_flipped_bit_anywhere_gives_the_right_answer_or_an_error() {
    let mut disk = instant_disk();
    let (mut engine, _) = open_log(&mut disk).unwrap();
    for i in 0..6 {
        engine
            .put(&mut disk, key(i % 4), vec![b'v'; 20 * i as usize].into())
            .unwrap();
        if i % 3 == 2 {
            engine.sync(&mut disk).unwrap();
        }
    }
    engine.delete(&mut disk, key(1)).unwrap();
    engine.sync(&mut disk).unwrap();
    let expected = scan_all(&mut engine, &mut disk, None, 10).unwrap();
    let bytes = engine.stats().stored_bytes;
    let mut refused = 0;
    for bit in 0..bytes * 8 {
        let mut disk = disk.clone();
        let file = disk.open("engine.log", OpenMode::Existing).unwrap();
        let mut byte = [0];
        disk.read_at(file, bit / 8, &mut byte).unwrap();
        disk.write_at(file, bit / 8, &[byte[0] ^ 1 << (bit % 8)])
            .unwrap();
        // While it is open.
        let mut open = engine.clone();
        for row in &expected {
            match open.get(&mut disk, &row.key, None) {
                Ok(got) => assert_eq!(got.as_ref(), Some(&row.value), "bit {bit}"),
                Err(EngineError::Corrupt { .. }) => {}
                Err(other) => panic!("bit {bit}: {other}"),
            }
        }
        assert!(open.verify(&mut disk).is_err(), "bit {bit}");
        // When it is opened again. The last mark was not synced and may look torn.
        match open_log(&mut disk) {
            Ok((mut again, recovery)) => {
                assert_eq!(scan_all(&mut again, &mut disk, None, 10).unwrap(), expected);
                assert_eq!(recovery.torn_bytes, 20, "bit {bit}");
            }
            Err(EngineError::Corrupt { .. } | EngineError::Format { .. }) => refused += 1,
            Err(other) => panic!("bit {bit}: {other}"),
        }
    }
    assert_eq!(refused, (bytes - 20) * 8);
}

#[test]
fn a_salvage_that_crashes_at_any_operation_can_be_done_again() {
    let mut disk = instant_disk();
    let (mut engine, _) = open_log(&mut disk).unwrap();
    for i in 0..5 {
        engine
            .put(&mut disk, key(i), vec![b'v'; 300].into())
            .unwrap();
    }
    engine.sync(&mut disk).unwrap();
    let file = disk.open("engine.log", OpenMode::Existing).unwrap();
    disk.write_at(file, 500, b"rotten").unwrap();
    disk.sync(file).unwrap();
    let salvage = EngineOptions {
        on_corruption: OnCorruption::Salvage,
        ..EngineOptions::default()
    };
    let mut crashes = 0;
    for operation in 1.. {
        let mut disk = disk.clone();
        disk.begin_handler(disk.now());
        disk.arm_crash(operation);
        let outcome = LogEngine::open(&mut disk, &salvage);
        let Err(error) = outcome else { break };
        assert_eq!(error, EngineError::Disk(DiskError::Killed));
        disk.crash(disk.now());
        let (mut engine, recovery) = LogEngine::open(&mut disk, &salvage).unwrap();
        assert_eq!(recovery.records, 4);
        let rows = scan_all(&mut engine, &mut disk, None, 10).unwrap();
        let keys: Vec<_> = rows.into_iter().map(|row| row.key).collect();
        assert_eq!(keys, [key(0), key(2), key(3), key(4)]);
        assert_eq!(disk.list().unwrap(), ["engine.log"]);
        crashes += 1;
    }
    assert!(crashes > 10, "only {crashes} operations");
}

#[test]
fn partitions_share_a_disk_under_prefixes() {
    let disk = &mut instant_disk();
    let options = |prefix: &str| EngineOptions {
        file_prefix: prefix.to_owned(),
        ..EngineOptions::default()
    };
    let (mut first, _) = LogEngine::open(disk, &options("p1-")).unwrap();
    let (mut second, _) = LogEngine::open(disk, &options("p2-")).unwrap();
    first.put(disk, key(1), key(1)).unwrap();
    second.put(disk, key(1), key(2)).unwrap();
    assert_eq!(first.get(disk, &key(1), None), Ok(Some(key(1))));
    assert_eq!(second.get(disk, &key(1), None), Ok(Some(key(2))));
    assert_eq!(disk.list().unwrap(), ["p1-engine.log", "p2-engine.log"]);
}

#[test]
fn the_catalog_names_each_engine_once() {
    for entry in CATALOG {
        assert_eq!(EngineKind::from_name(entry.name), Some(entry.kind));
        assert_eq!(entry.kind.to_string(), entry.name);
    }
    assert_eq!(EngineKind::from_name("abacus"), None);
}

fn sound() -> FailingDisk {
    FailingDisk::sound(instant_disk())
}

#[test]
fn a_write_that_fails_half_way_leaves_the_log_as_it_was() {
    let mut disk = sound();
    let (mut engine, _) = open_log(&mut disk).unwrap();
    engine.put(&mut disk, key(1), key(1)).unwrap();
    disk.fails_appends = true;
    let before = engine.stats();
    let failed = engine.put(&mut disk, key(2), key(2)).unwrap_err();
    assert!(
        matches!(failed, EngineError::Disk(DiskError::Full(_))),
        "{failed}"
    );
    assert_eq!(engine.stats(), before);
    engine.sync(&mut disk).unwrap();
    disk.fails_appends = false;
    engine.put(&mut disk, key(3), key(3)).unwrap();
    engine.verify(&mut disk).unwrap();
    let (mut again, recovery) = open_log(&mut disk).unwrap();
    assert_eq!((recovery.records, recovery.torn_bytes), (2, 0));
    assert_eq!(again.get(&mut disk, &key(2), None), Ok(None));
}

#[test]
fn after_a_failed_sync_every_call_is_refused_until_it_is_opened_again() {
    let mut disk = sound();
    let (mut engine, _) = open_log(&mut disk).unwrap();
    engine.put(&mut disk, key(1), key(1)).unwrap();
    disk.syncs_left = 0;
    let failed = engine.sync(&mut disk).unwrap_err();
    assert!(
        matches!(failed, EngineError::Disk(DiskError::Sync { .. })),
        "{failed}"
    );
    disk.syncs_left = usize::MAX;
    assert_eq!(engine.sync(&mut disk), Err(EngineError::Poisoned));
    assert_eq!(engine.sync_later(&mut disk), Err(EngineError::Poisoned));
    let put = engine.put(&mut disk, key(2), key(2));
    assert_eq!(put, Err(EngineError::Poisoned));
    let got = engine.get(&mut disk, &key(1), None);
    assert_eq!(got, Err(EngineError::Poisoned));
    assert_eq!(engine.verify(&mut disk), Err(EngineError::Poisoned));
    let (mut again, _) = open_log(&mut disk).unwrap();
    assert_eq!(again.get(&mut disk, &key(1), None), Ok(Some(key(1))));
}
