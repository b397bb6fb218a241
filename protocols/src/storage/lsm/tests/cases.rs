//! Nasty cases by name.

use seedbed_sim::{DiskConfig, DiskFault, DiskFaultKind, FaultId, FilePattern, NodeId};

use super::*;
use crate::storage::frame::OnCorruption;
use crate::storage::lsm::policy::{Levelled, Policy};
use crate::storage::tests::poke::Poke;
use crate::storage::{EngineKind, KEY_BYTES_MAX, Recovery, Structure, open_engine};

/// Does nothing until it is told to: big memtables, no compaction.
fn by_hand() -> EngineOptions {
    let lsm = LsmOptions {
        memtable_bytes: u64::MAX,
        policy: Policy::Never,
        ..LsmOptions::tiny()
    };
    EngineOptions { lsm, ..tiny() }
}

fn open(disk: &mut dyn Disk, options: &EngineOptions) -> (LsmEngine, Recovery) {
    LsmEngine::open(disk, options).unwrap()
}

fn disk() -> SimDisk {
    SimDisk::new(DiskConfig::instant())
}

fn put(engine: &mut LsmEngine, disk: &mut dyn Disk, key: &'static str, value: &'static str) {
    engine.put(disk, key.into(), value.into()).unwrap();
}

fn del(engine: &mut LsmEngine, disk: &mut dyn Disk, key: &'static str) {
    engine.delete(disk, key.into()).unwrap();
}

fn del_range(engine: &mut LsmEngine, disk: &mut dyn Disk, from: &'static str, to: &'static str) {
    let (from, to) = (from.into(), Some(to.into()));
    engine
        .write(disk, &[Change::DeleteRange { from, to }])
        .unwrap();
}

fn get(engine: &mut LsmEngine, disk: &mut dyn Disk, key: &str) -> Option<String> {
    get_at(engine, disk, key, None)
}

fn get_at(
    engine: &mut LsmEngine,
    disk: &mut dyn Disk,
    key: &str,
    at: Option<SnapshotId>,
) -> Option<String> {
    let value = engine.get(disk, key.as_bytes(), at).unwrap();
    value.map(|value| String::from_utf8(value.to_vec()).unwrap())
}

fn rows(engine: &mut LsmEngine, disk: &mut dyn Disk, at: Option<SnapshotId>) -> String {
    let rows = scan_all(engine, disk, at, 2).unwrap();
    let mut back = Vec::new();
    let all = Bounds::default();
    let direction = ScanDirection::Backward;
    engine
        .scan(disk, at, all, direction, usize::MAX, &mut back)
        .unwrap();
    back.reverse();
    assert_eq!(rows, back, "up and down");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| format!("{}={}", text(&row.key), text(&row.value)))
        .collect();
    shown.join(" ")
}

fn flush(engine: &mut LsmEngine, disk: &mut dyn Disk) {
    engine.flush_all(disk).unwrap();
    engine.verify(disk).unwrap();
}

/// Merges the runs `from..to`, the newest being 0, into one at `level`.
fn merge(engine: &mut LsmEngine, disk: &mut dyn Disk, runs: std::ops::Range<usize>, level: u32) {
    let inputs = engine.version.runs[runs]
        .iter()
        .flat_map(|run| run.tables.iter());
    let task = policy::Task {
        inputs: inputs.map(|table| table.id).collect(),
        target: policy::Target::Run(level),
        kind: policy::TaskKind::Merge,
    };
    engine.run_task(disk, task).unwrap();
    engine.verify(disk).unwrap();
}

fn entries(engine: &LsmEngine) -> u64 {
    engine
        .version
        .tables()
        .map(|table| table.properties.entries)
        .sum()
}

fn tombstones(engine: &LsmEngine) -> u64 {
    let tables = engine.version.tables();
    tables
        .map(|table| table.properties.tombstones + table.tombstones.count())
        .sum()
}

fn begin(disk: &mut SimDisk, kind: DiskFaultKind) {
    let fault = DiskFault {
        node: NodeId(0),
        files: FilePattern::any(),
        kind,
    };
    disk.begin_fault(FaultId(1), &fault, disk.now());
}

fn table_name(engine: &LsmEngine, index: usize) -> String {
    engine.version.tables().nth(index).unwrap().name.to_string()
}

#[test]
fn a_tombstone_stays_while_an_older_value_lies_below() {
    let disk = &mut disk();
    let (mut engine, _) = open(disk, &by_hand());
    put(&mut engine, disk, "a", "old");
    flush(&mut engine, disk);
    del(&mut engine, disk, "a");
    flush(&mut engine, disk);
    put(&mut engine, disk, "b", "1");
    flush(&mut engine, disk);
    merge(&mut engine, disk, 0..2, 0);
    assert_eq!(
        tombstones(&engine),
        1,
        "the value below is not part of the merge"
    );
    assert_eq!(get(&mut engine, disk, "a"), None);
    merge(&mut engine, disk, 0..2, 1);
    assert_eq!((tombstones(&engine), entries(&engine)), (0, 1));
    assert_eq!(rows(&mut engine, disk, None), "b=1");
}

#[test]
fn a_tombstone_stays_while_a_snapshot_is_older_than_it() {
    let disk = &mut disk();
    let (mut engine, _) = open(disk, &by_hand());
    put(&mut engine, disk, "a", "old");
    let snapshot = engine.snapshot();
    del(&mut engine, disk, "a");
    flush(&mut engine, disk);
    engine.compact(disk).unwrap();
    assert_eq!((tombstones(&engine), entries(&engine)), (1, 2));
    assert_eq!(
        get_at(&mut engine, disk, "a", Some(snapshot)).as_deref(),
        Some("old")
    );
    assert_eq!(get(&mut engine, disk, "a"), None);
    engine.release(snapshot);
    engine.compact(disk).unwrap();
    assert_eq!(entries(&engine), 0);
    assert_eq!(engine.version.runs.len(), 0, "of nothing no table is made");
    engine.verify(disk).unwrap();
}

#[test]
fn put_delete_put_then_compact_leaves_the_last_put() {
    let disk = &mut disk();
    let (mut engine, _) = open(disk, &by_hand());
    for (between, expected) in [(0, "x=2"), (1, "x=2"), (2, "x=2")] {
        put(&mut engine, disk, "x", "1");
        if between > 0 {
            flush(&mut engine, disk);
        }
        del(&mut engine, disk, "x");
        if between > 1 {
            flush(&mut engine, disk);
        }
        put(&mut engine, disk, "x", "2");
        engine.compact(disk).unwrap();
        assert_eq!(rows(&mut engine, disk, None), expected);
        assert_eq!(entries(&engine), 1);
        engine.verify(disk).unwrap();
    }
}

#[test]
fn the_versions_of_one_key_stay_in_one_table_under_snapshots() {
    let disk = &mut disk();
    let mut options = by_hand();
    options.lsm.table_bytes = 1;
    let (mut engine, _) = open(disk, &options);
    let mut snapshots = Vec::new();
    for i in 0..40_u32 {
        for key in ["a", "m", "z"] {
            let value = Bytes::from(format!("{key}{i}"));
            engine.put(disk, key.into(), value).unwrap();
        }
        snapshots.push(engine.snapshot());
        if i % 7 == 0 {
            flush(&mut engine, disk);
        }
    }
    engine.compact(disk).unwrap();
    engine.verify(disk).unwrap();
    assert_eq!(engine.version.runs.len(), 1);
    assert_eq!(
        engine.version.tables().count(),
        3,
        "one for each key, of many blocks"
    );
    assert!(engine.version.tables().all(|table| table.block_count() > 1));
    for (i, snapshot) in snapshots.iter().enumerate() {
        let expected = format!("a=a{i} m=m{i} z=z{i}");
        assert_eq!(rows(&mut engine, disk, Some(*snapshot)), expected);
        assert_eq!(
            get_at(&mut engine, disk, "m", Some(*snapshot)),
            Some(format!("m{i}"))
        );
    }
}

#[test]
fn a_snapshot_is_held_through_flush_compaction_and_file_deletion() {
    let disk = &mut disk();
    let (mut engine, _) = open(disk, &by_hand());
    put(&mut engine, disk, "a", "1");
    put(&mut engine, disk, "b", "1");
    let snapshot = engine.snapshot();
    // The first page of a scan before, the second after everything has changed its place.
    let mut page = Vec::new();
    let all = Bounds::default();
    let resume = engine
        .scan(
            disk,
            Some(snapshot),
            all,
            ScanDirection::Forward,
            1,
            &mut page,
        )
        .unwrap();
    assert_eq!(resume.as_deref(), Some(&b"b"[..]));
    del(&mut engine, disk, "a");
    put(&mut engine, disk, "b", "2");
    put(&mut engine, disk, "c", "2");
    flush(&mut engine, disk);
    engine.compact(disk).unwrap();
    let files = disk.list().unwrap();
    assert_eq!(files.len(), 3, "a manifest, a log and a table: {files:?}");
    let from = Bounds {
        from: resume.as_deref(),
        to: None,
    };
    engine
        .scan(
            disk,
            Some(snapshot),
            from,
            ScanDirection::Forward,
            9,
            &mut page,
        )
        .unwrap();
    assert_eq!(page.len(), 2);
    assert_eq!(rows(&mut engine, disk, Some(snapshot)), "a=1 b=1");
    assert_eq!(rows(&mut engine, disk, None), "b=2 c=2");
}

#[test]
fn a_snapshot_taken_while_a_merge_is_under_way_sees_the_same_after_it() {
    let disk = &mut disk();
    let mut options = by_hand();
    options.lsm.policy = Policy::Levelled(Levelled {
        level0_runs: 2,
        ..Levelled::default()
    });
    let (mut engine, _) = open(disk, &options);
    for value in ["1", "2"] {
        for key in ["a", "b", "c", "d"] {
            put(&mut engine, disk, key, value);
        }
        flush(&mut engine, disk);
    }
    engine.maintain(disk, 1).unwrap();
    assert!(engine.work.merge.is_some());
    let snapshot = engine.snapshot();
    put(&mut engine, disk, "a", "3");
    flush(&mut engine, disk);
    let fork = engine.clone();
    for (mut engine, mut disk) in [(fork, disk.clone()), (engine, disk.clone())] {
        while !engine.maintain(&mut disk, 1).unwrap().is_idle {
            assert_eq!(
                rows(&mut engine, &mut disk, Some(snapshot)),
                "a=2 b=2 c=2 d=2"
            );
            assert_eq!(rows(&mut engine, &mut disk, None), "a=3 b=2 c=2 d=2");
        }
        assert!(engine.work.merges == 1);
        assert_eq!(
            rows(&mut engine, &mut disk, Some(snapshot)),
            "a=2 b=2 c=2 d=2"
        );
    }
}

#[test]
fn a_range_delete_hides_what_is_older_in_memory_and_in_tables_and_nothing_newer() {
    let disk = &mut disk();
    let (mut engine, _) = open(disk, &by_hand());
    for key in ["a", "b", "c", "d"] {
        put(&mut engine, disk, key, "1");
    }
    flush(&mut engine, disk);
    let before = engine.snapshot();
    put(&mut engine, disk, "b", "2");
    del_range(&mut engine, disk, "b", "d");
    put(&mut engine, disk, "c", "3");
    for step in ["in memory", "in a table", "merged"] {
        assert_eq!(rows(&mut engine, disk, None), "a=1 c=3 d=1", "{step}");
        assert_eq!(
            rows(&mut engine, disk, Some(before)),
            "a=1 b=1 c=1 d=1",
            "{step}"
        );
        for (key, value) in [
            ("a", Some("1")),
            ("b", None),
            ("c", Some("3")),
            ("d", Some("1")),
        ] {
            assert_eq!(get(&mut engine, disk, key).as_deref(), value, "{step}");
            let then = get_at(&mut engine, disk, key, Some(before));
            assert_eq!(then.as_deref(), Some("1"), "{step}");
        }
        match step {
            "in memory" => flush(&mut engine, disk),
            _ => engine.compact(disk).unwrap(),
        }
        engine.verify(disk).unwrap();
    }
    assert!(
        tombstones(&engine) > 0,
        "the snapshot is older than the delete"
    );
    engine.release(before);
    engine.compact(disk).unwrap();
    assert_eq!((entries(&engine), tombstones(&engine)), (3, 0));
    assert_eq!(rows(&mut engine, disk, None), "a=1 c=3 d=1");
}

#[test]
fn a_range_delete_over_a_table_that_is_not_merged_with_it_stays() {
    let disk = &mut disk();
    let (mut engine, _) = open(disk, &by_hand());
    put(&mut engine, disk, "m", "old");
    flush(&mut engine, disk);
    del_range(&mut engine, disk, "a", "z");
    flush(&mut engine, disk);
    put(&mut engine, disk, "b", "new");
    flush(&mut engine, disk);
    merge(&mut engine, disk, 0..2, 0);
    assert_eq!(rows(&mut engine, disk, None), "b=new");
    assert_eq!(tombstones(&engine), 1);
    let (mut again, _) = open(disk, &by_hand());
    assert_eq!(rows(&mut again, disk, None), "b=new");
}

#[test]
fn a_range_delete_is_cut_where_compaction_cuts_tables() {
    let disk = &mut disk();
    let mut options = by_hand();
    options.lsm.table_bytes = 1;
    let (mut engine, _) = open(disk, &options);
    for key in ["b", "d", "f", "h"] {
        put(&mut engine, disk, key, "1");
    }
    let old = engine.snapshot();
    let to = None;
    let from = Bytes::from_static(b"c");
    engine
        .write(disk, &[Change::DeleteRange { from, to }])
        .unwrap();
    put(&mut engine, disk, "f", "2");
    flush(&mut engine, disk);
    engine.compact(disk).unwrap();
    engine.verify(disk).unwrap();
    assert!(engine.version.tables().count() > 2);
    assert!(engine.version.disorder().is_none());
    for step in 0..2 {
        assert_eq!(rows(&mut engine, disk, None), "b=1 f=2", "{step}");
        if step == 0 {
            assert_eq!(rows(&mut engine, disk, Some(old)), "b=1 d=1 f=1 h=1");
            engine = open(disk, &options).0;
        }
    }
}

#[test]
fn crafted_false_positives_of_the_filter_are_answered_by_the_blocks() {
    let disk = &mut disk();
    let mut options = by_hand();
    options.lsm.bloom_bits_per_key = 1;
    let (mut engine, _) = open(disk, &options);
    for i in 0..200 {
        let key = Bytes::from(format!("key{i:03}"));
        engine.put(disk, key.clone(), key).unwrap();
    }
    flush(&mut engine, disk);
    // Keys between, before and behind those that are there, which the filter does not deny.
    let table = engine.version.tables().next().unwrap().clone();
    let crafted: Vec<String> = (0..2000)
        .map(|i| format!("key{:03}x{i}", i % 201))
        .filter(|key| table.may_contain(bloom::KeyHash::of(key.as_bytes())))
        .collect();
    assert!(crafted.len() > 100);
    for key in &crafted {
        assert_eq!(get(&mut engine, disk, key), None);
    }
    assert!(engine.counts.filter_misled > 100, "{:?}", engine.counts);
    let rate = engine.filters_misled(
        &crafted
            .iter()
            .map(|key| key.clone().into_bytes())
            .collect::<Vec<_>>(),
    );
    assert_eq!(rate, crafted.len() as u64);
}

#[test]
fn filters_save_the_reads_of_absent_keys() {
    let run = |bits: u32| {
        let disk = &mut disk();
        let mut options = by_hand();
        options.lsm.bloom_bits_per_key = bits;
        options.lsm.cache_bytes = 0;
        let (mut engine, _) = open(disk, &options);
        for i in 0..1000 {
            engine
                .put(disk, format!("key{i:04}").into(), Bytes::new())
                .unwrap();
        }
        flush(&mut engine, disk);
        for i in 0..1000 {
            assert_eq!(get(&mut engine, disk, &format!("key{i:04}x")), None);
        }
        engine.counts.block_reads
    };
    assert!(run(0) >= 990);
    assert!(run(10) < 30, "about 0.82 % of 1,000");
}

#[test]
fn empty_keys_keys_of_ones_and_the_longest_keys_go_through_tables_both_ways() {
    let disk = &mut disk();
    let (mut engine, _) = open(disk, &by_hand());
    let mut keys = vec![
        Bytes::new(),
        Bytes::from_static(b"\0"),
        Bytes::from_static(&[0xff]),
        Bytes::from_static(&[0xff; 9]),
        Bytes::from(vec![0xff; KEY_BYTES_MAX - 1]),
        Bytes::from(vec![0xff; KEY_BYTES_MAX]),
    ];
    for (i, key) in keys.iter().enumerate() {
        engine
            .put(disk, key.clone(), key.slice(..i.min(key.len())))
            .unwrap();
        if i % 2 == 1 {
            flush(&mut engine, disk);
        }
    }
    for _ in 0..2 {
        for (i, key) in keys.iter().enumerate() {
            let value = engine.get(disk, key, None).unwrap();
            assert_eq!(value, Some(key.slice(..i.min(key.len()))));
        }
        let mut found = Vec::new();
        let direction = ScanDirection::Backward;
        engine
            .scan(disk, None, Bounds::default(), direction, 100, &mut found)
            .unwrap();
        keys.reverse();
        assert!(found.iter().map(|row| &row.key).eq(&keys));
        keys.reverse();
        engine.compact(disk).unwrap();
        engine.verify(disk).unwrap();
    }
    assert_eq!(engine.version.runs.len(), 1);
}

#[test]
fn scans_go_down_across_tables_blocks_and_memtables() {
    let disk = &mut disk();
    let mut options = tiny();
    options.lsm.block_bytes = 64;
    let (mut engine, _) = open(disk, &options);
    let key = |i: u32| Bytes::from(format!("k{i:04}"));
    for i in 0..600_u32 {
        let i = i * 7 % 600;
        engine.put(disk, key(i), key(i)).unwrap();
        engine.maintain(disk, 200).unwrap();
    }
    assert!(engine.version.runs.len() > 1 && engine.version.tables().count() > 3);
    for (from, to) in [(0, 600), (1, 2), (17, 411), (599, 600)] {
        let (low, high) = (key(from), key(to));
        let mut found = Vec::new();
        let bounds = Bounds {
            from: Some(&low),
            to: Some(&high),
        };
        let direction = ScanDirection::Backward;
        let resume = engine
            .scan(disk, None, bounds, direction, usize::MAX, &mut found)
            .unwrap();
        assert_eq!(resume, None);
        assert!(
            found
                .iter()
                .map(|row| row.key.clone())
                .eq((from..to).rev().map(key))
        );
    }
}

#[test]
fn no_space_in_the_middle_of_compaction_and_then_space_again() {
    let mut disk = disk();
    let mut options = by_hand();
    options.lsm.policy = Policy::Levelled(Levelled {
        level0_runs: 2,
        ..Levelled::default()
    });
    let (mut engine, _) = open(&mut disk, &options);
    for run in 0..2 {
        for i in 0..100 {
            let value = Bytes::from(vec![b'0' + run; 100]);
            engine
                .put(&mut disk, format!("k{i:03}").into(), value)
                .unwrap();
        }
        engine.flush_all(&mut disk).unwrap();
    }
    let expected = rows(&mut engine, &mut disk, None);
    let files = disk.list().unwrap();
    let mut failures = 0;
    for free_bytes in (0..4_000).step_by(100) {
        let mut disk = disk.clone();
        let mut engine = engine.clone();
        begin(&mut disk, DiskFaultKind::Full { free_bytes });
        let Err(failed) = engine.maintain(&mut disk, u64::MAX) else {
            continue;
        };
        failures += 1;
        assert!(
            matches!(failed, EngineError::Disk(DiskError::Full(_))),
            "{failed}"
        );
        assert_eq!(disk.list().unwrap(), files, "what the job made is removed");
        assert_eq!(rows(&mut engine, &mut disk, None), expected);
        engine.verify(&mut disk).unwrap();
        disk.end_fault(FaultId(1));
        while !engine.maintain(&mut disk, u64::MAX).unwrap().is_idle {}
        assert_eq!(engine.version.runs.len(), 1);
        assert_eq!(rows(&mut engine, &mut disk, None), expected);
        engine.verify(&mut disk).unwrap();
        let (mut again, _) = open(&mut disk, &options);
        assert_eq!(rows(&mut again, &mut disk, None), expected);
    }
    assert!(failures > 5, "{failures}");
}

#[test]
fn a_write_that_finds_no_space_for_a_flush_is_refused_and_works_when_there_is_space() {
    let mut disk = disk();
    let mut options = tiny();
    options.lsm.frozen_max = 1;
    let (mut engine, _) = open(&mut disk, &options);
    let value = Bytes::from(vec![b'v'; 200]);
    begin(&mut disk, DiskFaultKind::Full { free_bytes: 3000 });
    let mut written = 0;
    let refused = loop {
        match engine.put(&mut disk, format!("k{written:03}").into(), value.clone()) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refused, EngineError::Disk(DiskError::Full(_))),
        "{refused}"
    );
    let found = scan_all(&mut engine, &mut disk, None, 100).unwrap();
    assert_eq!(found.len(), written);
    disk.end_fault(FaultId(1));
    for i in written..written + 50 {
        engine
            .put(&mut disk, format!("k{i:03}").into(), value.clone())
            .unwrap();
    }
    engine.verify(&mut disk).unwrap();
    let (mut again, _) = open(&mut disk, &options);
    assert_eq!(
        scan_all(&mut again, &mut disk, None, 100).unwrap().len(),
        written + 50
    );
}

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
        let mut disk = disk.clone();
        let mut engine = engine.clone();
        let mut failing = FailsSync {
            disk: &mut disk,
            left: survived,
        };
        let Err(failed) = engine.maintain(&mut failing, u64::MAX) else {
            continue;
        };
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
