//! Nasty cases by name.

use seedbed_sim::{DiskConfig, DiskFault, DiskFaultKind, FaultId, FilePattern, NodeId};

use super::*;
use crate::storage::lsm::policy::{Levelled, Policy};
use crate::storage::{KEY_BYTES_MAX, Recovery};

/// Does nothing until it is told to: big memtables, no compaction.
pub(super) fn by_hand() -> EngineOptions {
    let lsm = LsmOptions {
        memtable_bytes: u64::MAX,
        policy: Policy::Never,
        ..LsmOptions::tiny()
    };
    EngineOptions { lsm, ..tiny() }
}

pub(super) fn open(disk: &mut dyn Disk, options: &EngineOptions) -> (LsmEngine, Recovery) {
    LsmEngine::open(disk, options).unwrap()
}

pub(super) fn disk() -> SimDisk {
    SimDisk::new(DiskConfig::instant())
}

pub(super) fn put(
    engine: &mut LsmEngine,
    disk: &mut dyn Disk,
    key: &'static str,
    value: &'static str,
) {
    engine.put(disk, key.into(), value.into()).unwrap();
}

pub(super) fn del(engine: &mut LsmEngine, disk: &mut dyn Disk, key: &'static str) {
    engine.delete(disk, key.into()).unwrap();
}

pub(super) fn del_range(
    engine: &mut LsmEngine,
    disk: &mut dyn Disk,
    from: &'static str,
    to: &'static str,
) {
    let (from, to) = (from.into(), Some(to.into()));
    engine
        .write(disk, &[Change::DeleteRange { from, to }])
        .unwrap();
}

pub(super) fn get(engine: &mut LsmEngine, disk: &mut dyn Disk, key: &str) -> Option<String> {
    get_at(engine, disk, key, None)
}

pub(super) fn get_at(
    engine: &mut LsmEngine,
    disk: &mut dyn Disk,
    key: &str,
    at: Option<SnapshotId>,
) -> Option<String> {
    let value = engine.get(disk, key.as_bytes(), at).unwrap();
    value.map(|value| String::from_utf8(value.to_vec()).unwrap())
}

pub(super) fn rows(engine: &mut LsmEngine, disk: &mut dyn Disk, at: Option<SnapshotId>) -> String {
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

pub(super) fn flush(engine: &mut LsmEngine, disk: &mut dyn Disk) {
    engine.flush_all(disk).unwrap();
    engine.verify(disk).unwrap();
}

/// Merges the runs `from..to`, the newest being 0, into one at `level`.
pub(super) fn merge(
    engine: &mut LsmEngine,
    disk: &mut dyn Disk,
    runs: std::ops::Range<usize>,
    level: u32,
) {
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

pub(super) fn entries(engine: &LsmEngine) -> u64 {
    engine
        .version
        .tables()
        .map(|table| table.properties.entries)
        .sum()
}

pub(super) fn tombstones(engine: &LsmEngine) -> u64 {
    let tables = engine.version.tables();
    tables
        .map(|table| table.properties.tombstones + table.tombstones.count())
        .sum()
}

pub(super) fn begin(disk: &mut SimDisk, kind: DiskFaultKind) {
    let fault = DiskFault {
        node: NodeId(0),
        files: FilePattern::any(),
        kind,
    };
    disk.begin_fault(FaultId(1), &fault, disk.now());
}

pub(super) fn table_name(engine: &LsmEngine, index: usize) -> String {
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
            _ => {
                engine.compact(disk).unwrap();
            }
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
