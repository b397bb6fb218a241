//! A tree that is opened, damaged, poisoned, filled and shipped: what is promised of it over its life.

use super::cases::*;
use super::*;
use crate::storage::frame::OnCorruption;
use crate::storage::lsm::policy::Policy;
use crate::storage::tests::failing::FailingDisk;
use crate::storage::tests::poke::Poke;
use crate::storage::{EngineKind, Structure, open_engine};
use seedbed_sim::DiskConfig;

#[test]
fn a_second_reopen_after_a_recovery_finds_the_same() {
    let mut disk = disk();
    let (mut engine, _) = open(&mut disk, &tiny());
    for i in 0..120_u32 {
        let value = Bytes::from(vec![b'v'; i as usize]);
        engine
            .put(&mut disk, format!("k{:02}", i % 30).into(), value)
            .unwrap();
        if i % 11 == 0 {
            engine.sync(&mut disk).unwrap();
        }
    }
    disk.crash(disk.now());
    let (mut first, _) = open(&mut disk, &tiny());
    let expected = scan_all(&mut first, &mut disk, None, 100).unwrap();
    for _ in 0..3 {
        let (mut again, recovery) = open(&mut disk, &tiny());
        assert_eq!(recovery.torn_bytes, 0);
        assert_eq!(
            scan_all(&mut again, &mut disk, None, 100).unwrap(),
            expected
        );
        again.verify(&mut disk).unwrap();
    }
}

#[test]
fn a_tail_of_zeros_or_garbage_is_a_torn_tail_and_loses_nothing_synced() {
    for tail in [&[0_u8; 5000][..], &[0xa5; 777], b"\x01\x02\x03"] {
        let mut disk = disk();
        let (mut engine, _) = open(&mut disk, &by_hand());
        put(&mut engine, &mut disk, "a", "1");
        engine.sync(&mut disk).unwrap();
        let log = engine.wal.frames.name().to_owned();
        disk.bytes_of(&log).extend_from_slice(tail);
        let (mut again, recovery) = open(&mut disk, &by_hand());
        assert_eq!(recovery.torn_bytes, tail.len() as u64);
        assert_eq!(rows(&mut again, &mut disk, None), "a=1");
        again.verify(&mut disk).unwrap();
    }
}

#[test]
fn a_table_that_is_named_and_not_whole_is_refused_by_its_name() {
    let mut disk = disk();
    let (mut engine, _) = open(&mut disk, &by_hand());
    put(&mut engine, &mut disk, "a", "1");
    flush(&mut engine, &mut disk);
    let name = table_name(&engine, 0);
    for cut in [1, 50, 100] {
        let mut disk = disk.clone();
        let keep = disk.bytes_of(&name).len() - cut;
        disk.bytes_of(&name).truncate(keep);
        let refused = LsmEngine::open(&mut disk, &by_hand())
            .map(|_| ())
            .unwrap_err();
        assert!(refused.to_string().contains(&name), "{refused}");
    }
    disk.remove(&name).unwrap();
    let refused = LsmEngine::open(&mut disk, &by_hand())
        .map(|_| ())
        .unwrap_err();
    assert!(refused.to_string().contains("it is gone"), "{refused}");
}

#[test]
fn a_missing_manifest_or_log_is_refused_and_nothing_is_removed() {
    let mut disk = disk();
    let (mut engine, _) = open(&mut disk, &by_hand());
    put(&mut engine, &mut disk, "a", "1");
    flush(&mut engine, &mut disk);
    put(&mut engine, &mut disk, "b", "1");
    for name in ["lsm.manifest", engine.wal.frames.name()] {
        let mut disk = disk.clone();
        disk.remove(name).unwrap();
        let files = disk.list().unwrap();
        let refused = LsmEngine::open(&mut disk, &by_hand())
            .map(|_| ())
            .unwrap_err();
        assert!(refused.to_string().contains("gone"), "{name}: {refused}");
        assert_eq!(disk.list().unwrap(), files);
    }
}

#[test]
fn an_unknown_version_of_any_file_is_refused_by_name() {
    let mut disk = disk();
    let (mut engine, _) = open(&mut disk, &by_hand());
    put(&mut engine, &mut disk, "a", "1");
    flush(&mut engine, &mut disk);
    for name in disk.list().unwrap() {
        let mut disk = disk.clone();
        {
            let mut bytes = disk.bytes_of(&name);
            bytes[8..12].copy_from_slice(&9_u32.to_le_bytes());
            let crc = crc32fast::hash(&bytes[..12]);
            bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        }
        let refused = LsmEngine::open(&mut disk, &by_hand())
            .map(|_| ())
            .unwrap_err();
        assert!(matches!(refused, EngineError::Format { .. }), "{refused}");
        assert!(refused.to_string().contains("version 9"), "{refused}");
        assert!(refused.to_string().contains(&name), "{refused}");
        disk.bytes_of(&name)[..8].copy_from_slice(b"otherfmt");
        let refused = LsmEngine::open(&mut disk, &by_hand())
            .map(|_| ())
            .unwrap_err();
        assert!(refused.to_string().contains("otherfmt"), "{refused}");
    }
}

#[test]
fn a_salvage_leaves_out_what_is_damaged_and_keeps_the_rest() {
    let mut disk = disk();
    let (mut engine, _) = open(&mut disk, &by_hand());
    put(&mut engine, &mut disk, "a", "in the first table");
    flush(&mut engine, &mut disk);
    put(&mut engine, &mut disk, "b", "in the second table");
    flush(&mut engine, &mut disk);
    for key in ["c", "d", "e"] {
        put(&mut engine, &mut disk, key, "in the log");
        engine.sync(&mut disk).unwrap();
    }
    // The footer of the newer table, and the first batch of the log.
    let (table, log) = (table_name(&engine, 0), engine.wal.frames.name().to_owned());
    let at = disk.bytes_of(&table).len() - 20;
    disk.bytes_of(&table)[at] ^= 1;
    disk.bytes_of(&log)[100] ^= 1;
    let refused = LsmEngine::open(&mut disk, &by_hand()).map(|_| ());
    assert!(matches!(refused, Err(EngineError::Corrupt { .. })));
    let mut salvage = by_hand();
    salvage.on_corruption = OnCorruption::Salvage;
    let (mut saved, recovery) = open(&mut disk, &salvage);
    assert!(recovery.corrupt_bytes > 0);
    assert_eq!(
        rows(&mut saved, &mut disk, None),
        "a=in the first table d=in the log e=in the log"
    );
    saved.verify(&mut disk).unwrap();
    let (mut again, recovery) = open(&mut disk, &by_hand());
    assert_eq!(recovery.corrupt_bytes, 0);
    assert!(rows(&mut again, &mut disk, None).starts_with("a=in the first table d="));
}

#[test]
fn one_flipped_bit_in_any_byte_of_any_file_gives_the_right_answer_or_an_error() {
    let mut disk = disk();
    let mut options = tiny();
    options.lsm.block_bytes = 100;
    let (mut engine, _) = open(&mut disk, &options);
    for i in 0..24_u32 {
        engine
            .put(
                &mut disk,
                format!("k{:02}", i * 7 % 12).into(),
                vec![b'v'; 60].into(),
            )
            .unwrap();
    }
    del(&mut engine, &mut disk, "k03");
    del_range(&mut engine, &mut disk, "k05", "k07");
    engine.flush_all(&mut disk).unwrap();
    engine.compact(&mut disk).unwrap();
    put(&mut engine, &mut disk, "k01", "in the log");
    put(&mut engine, &mut disk, "k09", "in the log");
    engine.sync(&mut disk).unwrap();
    let expected = scan_all(&mut engine, &mut disk, None, 100).unwrap();
    let (mut refused, mut right, mut tolerated) = (0, 0, 0);
    for name in disk.list().unwrap() {
        let bytes = disk.bytes_of(&name).len();
        for at in 0..bytes {
            let mut disk = disk.clone();
            disk.bytes_of(&name)[at] ^= 1 << (at % 8);
            let mut open = engine.clone();
            match scan_all(&mut open, &mut disk, None, 100) {
                Ok(found) => assert_eq!(found, expected, "{name} at {at}"),
                Err(EngineError::Corrupt { .. }) => {}
                Err(other) => panic!("{name} at {at}: {other}"),
            }
            assert!(
                open.verify(&mut disk).is_err(),
                "{name} at {at} is not noticed"
            );
            match LsmEngine::open(&mut disk, &options) {
                Ok((mut again, recovery)) => match scan_all(&mut again, &mut disk, None, 100) {
                    Ok(found) => {
                        assert_eq!(found, expected, "{name} at {at}");
                        tolerated += usize::from(recovery.torn_bytes > 0);
                        right += 1;
                    }
                    Err(EngineError::Corrupt { .. }) => refused += 1,
                    Err(other) => panic!("{name} at {at}: {other}"),
                },
                Err(EngineError::Corrupt { .. } | EngineError::Format { .. }) => refused += 1,
                Err(other) => panic!("{name} at {at}: {other}"),
            }
        }
    }
    // The mark at the end of the log, which no later frame vouches for.
    assert_eq!((right, tolerated), (20, 20));
    assert!(refused > 500, "{refused}");
}

#[test]
fn after_a_failed_sync_of_a_table_or_a_manifest_every_call_is_refused() {
    let mut disk = disk();
    let (mut engine, _) = open(&mut disk, &by_hand());
    put(&mut engine, &mut disk, "a", "1");
    engine.sync(&mut disk).unwrap();
    engine.freeze(&mut disk).unwrap();
    let mut failures = 0;
    for survived in 0..5 {
        let mut disk = FailingDisk::sound(disk.clone());
        let mut engine = engine.clone();
        disk.syncs_left = survived;
        let Err(failed) = engine.maintain(&mut disk, u64::MAX) else {
            continue;
        };
        let mut disk = disk.disk;
        failures += 1;
        assert!(
            matches!(failed, EngineError::Disk(DiskError::Sync { .. })),
            "{failed}"
        );
        assert_eq!(
            engine.get(&mut disk, b"a", None),
            Err(EngineError::Poisoned)
        );
        assert_eq!(engine.sync(&mut disk), Err(EngineError::Poisoned));
        assert_eq!(engine.maintain(&mut disk, 1), Err(EngineError::Poisoned));
        let put = engine.put(&mut disk, Bytes::new(), Bytes::new());
        assert_eq!(put, Err(EngineError::Poisoned));
        let (mut again, _) = open(&mut disk, &by_hand());
        assert_eq!(rows(&mut again, &mut disk, None), "a=1");
    }
    assert_eq!(failures, 4, "table, directory, manifest, directory");
}

#[test]
fn writers_stall_instead_of_letting_memory_or_runs_grow() {
    let mut disk = disk();
    let options = tiny();
    let (mut engine, _) = open(&mut disk, &options);
    for i in 0..3000_u32 {
        let key = Bytes::from(format!("k{:04}", i * 7919 % 1000));
        engine.put(&mut disk, key, vec![b'v'; 50].into()).unwrap();
        assert!(engine.frozen.len() <= options.lsm.frozen_max);
        assert!(engine.version.runs.len() <= options.lsm.stall_runs);
        let memory = engine.stats().memory_bytes;
        assert!(memory < 64 * 1024, "{memory} bytes");
    }
    assert!(engine.work.stalls > 10);
    assert!(engine.cache.held_bytes() <= options.lsm.cache_bytes);
    engine.verify(&mut disk).unwrap();
}

#[test]
fn a_caller_who_maintains_often_enough_never_stalls() {
    let mut disk = disk();
    let (mut engine, _) = open(&mut disk, &tiny());
    for i in 0..3000_u32 {
        let key = Bytes::from(format!("k{:04}", i * 7919 % 1000));
        engine.put(&mut disk, key, vec![b'v'; 50].into()).unwrap();
        engine.maintain(&mut disk, 3000).unwrap();
    }
    assert_eq!(engine.work.stalls, 0);
}

#[test]
fn an_empty_engine_with_tiny_options_takes_little_memory() {
    let mut disk = disk();
    let (engine, _) = open(&mut disk, &tiny());
    let bytes = engine.stats().memory_bytes + size_of::<LsmEngine>() as u64;
    assert!(bytes < 64 * 1024, "{bytes} bytes");
}

#[test]
fn forks_share_tables_and_cached_blocks() {
    let mut disk = disk();
    let (mut engine, _) = open(&mut disk, &by_hand());
    put(&mut engine, &mut disk, "a", "1");
    flush(&mut engine, &mut disk);
    assert_eq!(get(&mut engine, &mut disk, "a").as_deref(), Some("1"));
    let mut fork = engine.clone();
    let table = |engine: &LsmEngine| Arc::as_ptr(&engine.version.runs[0].tables);
    assert_eq!(table(&engine), table(&fork));
    let value = |engine: &mut LsmEngine, disk: &mut SimDisk| {
        engine.get(disk, b"a", None).unwrap().unwrap().as_ptr()
    };
    let reads = fork.counts.block_reads;
    assert_eq!(value(&mut engine, &mut disk), value(&mut fork, &mut disk));
    assert_eq!(fork.counts.block_reads, reads, "it was in the cache");
}

#[test]
fn logs_are_shipped_as_long_as_they_are_kept() {
    let mut disk = disk();
    let mut options = tiny();
    options.lsm.kept_log_bytes = 1 << 20;
    let (mut engine, _) = open(&mut disk, &options);
    for i in 0..200_u32 {
        let batch = [
            Change::Put(
                format!("k{:02}", i % 40).into(),
                vec![b'v'; i as usize].into(),
            ),
            Change::Delete(format!("k{:02}", (i * 3) % 40).into()),
        ];
        engine.write(&mut disk, &batch).unwrap();
    }
    engine.compact(&mut disk).unwrap();
    assert!(engine.kept.len() > 5);
    let expected = scan_all(&mut engine, &mut disk, None, 100).unwrap();
    for reopened in [false, true] {
        if reopened {
            engine = open(&mut disk, &options).0;
            engine.verify(&mut disk).unwrap();
        }
        let mut copy_disk = SimDisk::new(DiskConfig::instant());
        let (mut copy, _) = open(&mut copy_disk, &tiny());
        let mut at = Lsn(0);
        loop {
            let slice = engine.log_since(&mut disk, at, 1000).unwrap();
            at = copy.apply_log(&mut copy_disk, &slice).unwrap();
            if slice.is_empty() {
                break;
            }
        }
        assert_eq!(at, Lsn(200));
        assert_eq!(
            scan_all(&mut copy, &mut copy_disk, None, 100).unwrap(),
            expected
        );
    }
    // Opened without: they go, and who asks for them is told.
    let (mut engine, _) = open(&mut disk, &tiny());
    let refused = engine.log_since(&mut disk, Lsn(0), 1000).unwrap_err();
    assert!(matches!(refused, EngineError::LogGone { .. }), "{refused}");
    assert!(
        engine
            .log_since(&mut disk, Lsn(200), 1000)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn the_policy_may_change_from_one_opening_to_the_next() {
    let mut disk = disk();
    let policies = [
        Policy::tiny_levelled(),
        Policy::Tiered(policy::Tiered::default()),
        Policy::Never,
    ];
    let mut expected = std::collections::BTreeMap::new();
    for turn in 0..9_u32 {
        let mut options = tiny();
        options.lsm.policy = policies[turn as usize * 2 % 3];
        let (mut engine, _) = open(&mut disk, &options);
        for i in 0..100_u32 {
            let key = Bytes::from(format!("k{:03}", (turn * 37 + i * 11) % 150));
            let value = Bytes::from(format!("{turn}.{i}"));
            engine.put(&mut disk, key.clone(), value.clone()).unwrap();
            expected.insert(key, value);
            engine.maintain(&mut disk, 100).unwrap();
        }
        while !engine.maintain(&mut disk, u64::MAX).unwrap().is_idle {}
        engine.verify(&mut disk).unwrap();
        let found = scan_all(&mut engine, &mut disk, None, 1000).unwrap();
        let found = found.into_iter().map(|row| (row.key, row.value));
        assert!(found.eq(expected.clone()), "turn {turn}");
    }
}

#[test]
fn inspection_and_dump_show_levels_tables_and_entries() {
    let mut disk = disk();
    let (mut engine, _) = open(&mut disk, &by_hand());
    put(&mut engine, &mut disk, "a", "1");
    del(&mut engine, &mut disk, "b");
    flush(&mut engine, &mut disk);
    put(&mut engine, &mut disk, "c", "in memory");
    let Structure::Lsm(shape) = engine.inspect().structure else {
        panic!("an LSM tree");
    };
    assert_eq!(shape.memtables[0].keys, 1);
    let table = &shape.levels[0].runs[0][0];
    assert_eq!((table.entries, table.tombstones), (2, 1));
    assert_eq!(
        (&table.smallest[..], &table.largest[..]),
        ("\"a\"", "\"b\"")
    );
    let mut lines = Vec::new();
    engine
        .dump(&mut disk, &mut |line| lines.push(line.to_owned()))
        .unwrap();
    let text = lines.join("\n");
    for part in [
        "edition 3",
        "put \"c\" = \"in memory\"",
        "put \"a\" = \"1\" #1",
        "delete \"b\" #2",
        "2 entries",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
}

#[test]
fn the_catalog_opens_it() {
    let mut disk = disk();
    let (mut engine, _) = open_engine(EngineKind::Lsm, &mut disk, &tiny()).unwrap();
    engine.put(&mut disk, "a".into(), "b".into()).unwrap();
    assert_eq!(engine.inspect().engine, "lsm");
}
