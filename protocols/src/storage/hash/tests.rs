//! Nasty cases by name, and the parts by themselves.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seedbed_sim::{DiskConfig, DiskError, OpenMode, SimDisk};

use super::policy::{Held, pick};
use super::*;
use crate::storage::frame::OnCorruption;
use crate::storage::tests::{poke::Poke, tiny};

fn instant_disk() -> SimDisk {
    SimDisk::new(DiskConfig::instant())
}

fn open(disk: &mut SimDisk) -> HashEngine {
    HashEngine::open(disk, &tiny()).expect("a sound store").0
}

fn key(i: u32) -> Bytes {
    Bytes::from(format!("key{i}"))
}

fn value(i: u32) -> Bytes {
    Bytes::from(format!("value {i} {}", "v".repeat(60)))
}

fn content(engine: &mut HashEngine, disk: &mut SimDisk, at: Option<SnapshotId>) -> Vec<Row> {
    let mut rows = Vec::new();
    let (bounds, forward) = (Bounds::default(), ScanDirection::Forward);
    engine
        .scan(disk, at, bounds, forward, usize::MAX, &mut rows)
        .expect("a scan");
    rows
}

/// Writes until so many segments are frozen; the keys are written over and over.
fn fill(engine: &mut HashEngine, disk: &mut SimDisk, frozen: usize) {
    for i in 0.. {
        if engine.order.len() > frozen {
            return;
        }
        engine.put(disk, key(i % 7), value(i)).unwrap();
    }
}

fn merge_all(engine: &mut HashEngine, disk: &mut SimDisk) {
    let progress = engine.maintain(disk, u64::MAX).unwrap();
    assert!(progress.is_idle);
    engine.verify(disk).unwrap();
}

fn names(disk: &mut SimDisk) -> Vec<String> {
    disk.list().unwrap()
}

fn salvage() -> EngineOptions {
    EngineOptions {
        on_corruption: OnCorruption::Salvage,
        ..tiny()
    }
}

#[test]
fn put_delete_put_and_then_a_merge_leaves_the_last_put() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    engine.put(&mut disk, key(1), value(1)).unwrap();
    fill(&mut engine, &mut disk, 1);
    engine.delete(&mut disk, key(1)).unwrap();
    fill(&mut engine, &mut disk, 2);
    engine.put(&mut disk, key(1), value(3)).unwrap();
    fill(&mut engine, &mut disk, 4);
    let before = content(&mut engine, &mut disk, None);
    merge_all(&mut engine, &mut disk);
    assert_eq!(content(&mut engine, &mut disk, None), before);
    let mut again = open(&mut disk);
    assert_eq!(content(&mut again, &mut disk, None), before);
}

#[test]
fn a_tombstone_stays_while_an_older_segment_holds_the_key_and_goes_with_it() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    // The oldest segment lives, but for the key that is deleted later, and is too long for a run.
    let deleted = Bytes::from_static(b"deleted");
    engine
        .put(&mut disk, deleted.clone(), Bytes::new())
        .unwrap();
    for i in 0..2 {
        let long = Bytes::from(vec![b'v'; 200]);
        engine.put(&mut disk, key(100 + i), long).unwrap();
    }
    engine.delete(&mut disk, deleted).unwrap();
    assert_eq!(engine.order.len(), 2, "the tombstone is in another segment");
    fill(&mut engine, &mut disk, 4);
    merge_all(&mut engine, &mut disk);
    assert!(engine.in_order().count() >= 2);
    let tombstones = |engine: &HashEngine| -> u64 {
        engine
            .in_order()
            .map(|segment| segment.tombstone_bytes)
            .sum()
    };
    assert!(tombstones(&engine) > 0, "the tombstone is needed");
    let mut again = open(&mut disk);
    let got = again.get(&mut disk, b"deleted", None);
    assert_eq!(got, Ok(None), "resurrected at the start");
    // When the oldest segment is merged too, nothing is left that the tombstone would hide.
    for i in 0..2 {
        again.put(&mut disk, key(100 + i), value(9)).unwrap();
    }
    fill(&mut again, &mut disk, 6);
    merge_all(&mut again, &mut disk);
    assert_eq!(tombstones(&again), 0);
    let mut last = open(&mut disk);
    assert_eq!(last.get(&mut disk, b"deleted", None), Ok(None));
}

#[test]
fn snapshots_are_held_through_merges_and_the_removal_of_files_and_then_space_comes_back() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    fill(&mut engine, &mut disk, 3);
    let before = content(&mut engine, &mut disk, None);
    let snapshot = engine.snapshot();
    for i in 0..7 {
        engine.delete(&mut disk, key(i)).unwrap();
    }
    fill(&mut engine, &mut disk, 8);
    merge_all(&mut engine, &mut disk);
    assert_eq!(content(&mut engine, &mut disk, Some(snapshot)), before);
    let held = engine.stats();
    assert!(engine.segments.len() > engine.order.len(), "files are kept");
    // A later snapshot needs none of them.
    let later = engine.snapshot();
    engine.release(snapshot);
    merge_all(&mut engine, &mut disk);
    assert_eq!(engine.segments.len(), engine.order.len());
    assert!(engine.stats().stored_bytes < held.stored_bytes);
    assert_eq!(disk.counters().stored_bytes, engine.stats().stored_bytes);
    let now = content(&mut engine, &mut disk, None);
    assert_eq!(content(&mut engine, &mut disk, Some(later)), now);
}

#[test]
fn a_merge_that_runs_out_of_space_is_given_up_and_done_when_there_is_space_again() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    fill(&mut engine, &mut disk, 6);
    engine.sync(&mut disk).unwrap();
    let before = content(&mut engine, &mut disk, None);
    let files = names(&mut disk);
    let free = |bytes| seedbed_sim::DiskFault {
        node: seedbed_sim::NodeId(0),
        files: seedbed_sim::FilePattern::any(),
        kind: seedbed_sim::DiskFaultKind::Full { free_bytes: bytes },
    };
    let mut given_up = 0;
    for bytes in (0..600).step_by(20) {
        let id = seedbed_sim::FaultId(1);
        disk.begin_fault(id, &free(bytes), disk.now());
        let merged = engine.clone().maintain(&mut disk.clone(), u64::MAX);
        if let Err(error) = merged {
            assert!(
                matches!(error, EngineError::Disk(DiskError::Full(_))),
                "{error}"
            );
            engine.maintain(&mut disk, u64::MAX).unwrap_err();
            let left: Vec<_> = names(&mut disk)
                .into_iter()
                .filter(|it| it.ends_with(".new"))
                .collect();
            assert_eq!(left, [""; 0], "nothing half done is left");
            assert_eq!(content(&mut engine, &mut disk, None), before);
            engine.verify(&mut disk).unwrap();
            given_up += 1;
        }
        disk.end_fault(id);
    }
    assert!(given_up > 5, "given up {given_up} times");
    merge_all(&mut engine, &mut disk);
    assert_ne!(names(&mut disk), files);
    assert_eq!(content(&mut engine, &mut disk, None), before);
}

#[test]
fn a_merge_is_done_in_slices_while_writes_go_on() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    fill(&mut engine, &mut disk, 12);
    let mut model: BTreeMap<Bytes, Bytes> = content(&mut engine, &mut disk, None)
        .into_iter()
        .map(|row| (row.key, row.value))
        .collect();
    let mut slices = 0;
    for i in 0.. {
        if engine.maintain(&mut disk, 1).unwrap().is_idle {
            break;
        }
        slices += 1;
        if i < 6 {
            engine.put(&mut disk, key(i % 7), value(1000 + i)).unwrap();
            model.insert(key(i % 7), value(1000 + i));
        }
        let rows = content(&mut engine, &mut disk, None);
        assert!(
            rows.into_iter()
                .map(|row| (row.key, row.value))
                .eq(model.clone())
        );
        engine.verify(&mut disk).unwrap();
    }
    assert!(slices > 5, "only {slices} slices");
}

#[test]
fn starting_reads_keys_and_not_values_where_there_are_hints() {
    let mut disk = instant_disk();
    let options = EngineOptions {
        hash: HashOptions {
            segment_bytes: 20_000,
            ..HashOptions::default()
        },
        ..EngineOptions::default()
    };
    let (mut engine, _) = HashEngine::open(&mut disk, &options).unwrap();
    for i in 0..200 {
        let long = Bytes::from(vec![b'v'; 1000]);
        engine.put(&mut disk, key(i), long).unwrap();
    }
    let (_, without) = HashEngine::open(&mut disk.clone(), &options).unwrap();
    merge_all(&mut engine, &mut disk);
    let (mut again, with) = HashEngine::open(&mut disk, &options).unwrap();
    assert_eq!((with.records, without.records), (200, 200));
    assert!(without.read_bytes > 200_000, "{without:?}");
    assert!(
        with.read_bytes < 30_000,
        "{with:?}: the active segment and the hints"
    );
    again.verify(&mut disk).unwrap();
    assert_eq!(
        again.get(&mut disk, &key(3), None).unwrap().unwrap().len(),
        1000
    );
}

#[test]
fn a_damaged_hint_and_a_hint_of_another_segment_are_passed_over() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    fill(&mut engine, &mut disk, 4);
    merge_all(&mut engine, &mut disk);
    let expected = content(&mut engine, &mut disk, None);
    let hints: Vec<String> = names(&mut disk)
        .into_iter()
        .filter(|it| it.ends_with(".hint"))
        .collect();
    assert!(!hints.is_empty());
    let hint = &hints[0];
    let length = disk.bytes_of(hint).len();
    for at in 0..length {
        let mut disk = disk.clone();
        disk.bytes_of(hint)[at] ^= 4;
        let mut again = open(&mut disk);
        assert_eq!(content(&mut again, &mut disk, None), expected, "byte {at}");
    }
    // The hint of another segment, under this one's name, is sound in itself.
    let other = hints.get(1).map(|name| disk.bytes_of(name).to_vec());
    if let Some(other) = other {
        *disk.bytes_of(hint) = other;
        let mut again = open(&mut disk);
        assert_eq!(content(&mut again, &mut disk, None), expected);
    }
}

#[test]
fn a_torn_tail_is_cut_off_and_damage_in_the_middle_is_refused_with_its_place() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    fill(&mut engine, &mut disk, 2);
    engine.sync(&mut disk).unwrap();
    let expected = content(&mut engine, &mut disk, None);
    let active = engine.active().log.name().to_owned();
    let frozen = engine.in_order().next().unwrap().log.name().to_owned();
    // Garbage and zeros behind the active segment.
    for tail in [&[0; 100][..], b"garbage", &[0xff; 600]] {
        let mut disk = disk.clone();
        disk.bytes_of(&active).extend_from_slice(tail);
        let (mut again, recovery) = HashEngine::open(&mut disk, &tiny()).unwrap();
        assert_eq!(recovery.torn_bytes, tail.len() as u64);
        assert_eq!(content(&mut again, &mut disk, None), expected);
        // And a second opening after it.
        assert_eq!(
            HashEngine::open(&mut disk, &tiny()).unwrap().1.torn_bytes,
            0
        );
    }
    // Any byte of a frozen segment, its last ones included.
    let length = disk.bytes_of(&frozen).len();
    for at in 0..length {
        let mut disk = disk.clone();
        disk.bytes_of(&frozen)[at] ^= 1;
        let before: Vec<u8> = disk.bytes_of(&frozen).to_vec();
        match HashEngine::open(&mut disk, &tiny()).map(|_| ()) {
            Err(EngineError::Corrupt { file, .. } | EngineError::Format { file, .. }) => {
                assert_eq!(file, frozen);
            }
            other => panic!("byte {at}: {other:?}"),
        }
        assert_eq!(*disk.bytes_of(&frozen), before, "nothing is changed");
    }
    // A frozen segment that lost its end.
    let mut short = disk.clone();
    short.bytes_of(&frozen).truncate(80);
    let refused = HashEngine::open(&mut short, &tiny()).map(|_| ());
    assert!(
        matches!(refused, Err(EngineError::Corrupt { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_salvage_keeps_what_is_whole_and_leaves_a_sound_store() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    fill(&mut engine, &mut disk, 3);
    engine
        .put(&mut disk, Bytes::from_static(b"late"), value(1))
        .unwrap();
    engine.sync(&mut disk).unwrap();
    let files: Vec<String> = engine
        .in_order()
        .map(|it| it.log.name().to_owned())
        .collect();
    let damages: [&dyn Fn(&mut SimDisk); 4] = [
        &|disk| disk.bytes_of(&files[0])[200] ^= 1,
        &|disk| disk.bytes_of(&files[1])[3] ^= 1,
        &|disk| disk.remove(&files[1]).unwrap(),
        &|disk| disk.bytes_of(&files[2]).truncate(100),
    ];
    for (number, damage) in damages.iter().enumerate() {
        let mut disk = disk.clone();
        damage(&mut disk);
        assert!(
            HashEngine::open(&mut disk, &tiny()).is_err(),
            "damage {number}"
        );
        let (mut salvaged, _) = HashEngine::open(&mut disk, &salvage()).unwrap();
        salvaged.verify(&mut disk).unwrap();
        let rows = content(&mut salvaged, &mut disk, None);
        assert!(rows.iter().any(|row| row.key == "late"), "damage {number}");
        salvaged.put(&mut disk, key(1), value(77)).unwrap();
        salvaged.sync(&mut disk).unwrap();
        let mut again = open(&mut disk);
        again.verify(&mut disk).unwrap();
        assert_eq!(again.get(&mut disk, &key(1), None), Ok(Some(value(77))));
        assert_eq!(again.stats().written, salvaged.stats().written);
    }
}

#[test]
fn a_missing_segment_and_an_unknown_version_are_refused_by_name() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    fill(&mut engine, &mut disk, 3);
    let mut missing = disk.clone();
    missing.remove("hash-00000002-00000002.seg").unwrap();
    let refused = HashEngine::open(&mut missing, &tiny())
        .map(|_| ())
        .unwrap_err();
    assert!(
        refused.to_string().contains("hash-00000002-00000002.seg"),
        "{refused}"
    );
    let mut newer = disk.clone();
    {
        let mut bytes = newer.bytes_of("hash-00000001-00000001.seg");
        bytes[8] = 9;
        let crc = crc32fast::hash(&bytes[..12]).to_le_bytes();
        bytes[12..16].copy_from_slice(&crc);
    }
    let refused = HashEngine::open(&mut newer, &tiny())
        .map(|_| ())
        .unwrap_err();
    assert!(refused.to_string().contains("version 9"), "{refused}");
}

#[test]
fn after_a_failed_sync_every_call_is_refused_until_it_is_opened_again() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    engine.put(&mut disk, key(1), value(1)).unwrap();
    let fault = seedbed_sim::DiskFault {
        node: seedbed_sim::NodeId(0),
        files: seedbed_sim::FilePattern::any(),
        kind: seedbed_sim::DiskFaultKind::SyncErrors(seedbed_sim::Chance::ONCE),
    };
    disk.begin_fault(seedbed_sim::FaultId(1), &fault, disk.now());
    assert!(matches!(
        engine.sync(&mut disk),
        Err(EngineError::Disk(DiskError::Sync { .. }))
    ));
    assert_eq!(engine.sync(&mut disk), Err(EngineError::Poisoned));
    assert_eq!(engine.sync_later(&mut disk), Err(EngineError::Poisoned));
    assert_eq!(
        engine.put(&mut disk, key(2), value(2)),
        Err(EngineError::Poisoned)
    );
    assert_eq!(
        engine.get(&mut disk, &key(1), None),
        Err(EngineError::Poisoned)
    );
    assert_eq!(engine.maintain(&mut disk, 1), Err(EngineError::Poisoned));
    assert_eq!(engine.verify(&mut disk), Err(EngineError::Poisoned));
    open(&mut disk);
}

#[test]
fn the_log_is_shipped_across_segments_until_a_merge_has_dropped_it() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    fill(&mut engine, &mut disk, 4);
    let mut copy_disk = instant_disk();
    let mut copy = open(&mut copy_disk);
    let end = engine.stats().written;
    while copy.stats().written < end {
        let from = copy.stats().written;
        let slice = engine.log_since(&mut disk, from, 300).unwrap();
        copy.apply_log(&mut copy_disk, &slice).unwrap();
    }
    copy.verify(&mut copy_disk).unwrap();
    let expected = content(&mut engine, &mut disk, None);
    assert_eq!(content(&mut copy, &mut copy_disk, None), expected);
    // A gap, another engine's log, and a damaged slice are refused.
    engine.put(&mut disk, key(1), value(1)).unwrap();
    engine.put(&mut disk, key(1), value(2)).unwrap();
    let gap = engine.log_since(&mut disk, Lsn(end.0 + 1), 300).unwrap();
    let refused = copy.apply_log(&mut copy_disk, &gap);
    assert_eq!(
        refused,
        Err(EngineError::LogGap {
            end,
            from: gap.from
        })
    );
    let mut damaged = engine.log_since(&mut disk, end, 300).unwrap();
    damaged.to.0 += 1;
    assert_eq!(
        copy.apply_log(&mut copy_disk, &damaged),
        Err(EngineError::LogDamaged)
    );
    let foreign = LogSlice::new(&crate::storage::log::FILE_KIND, end, end, Bytes::new());
    let refused = copy.apply_log(&mut copy_disk, &foreign);
    assert!(
        matches!(refused, Err(EngineError::LogForeign { .. })),
        "{refused:?}"
    );
    merge_all(&mut engine, &mut disk);
    let gone = engine.log_since(&mut disk, Lsn(0), 300);
    assert!(matches!(gone, Err(EngineError::LogGone { .. })), "{gone:?}");
}

#[test]
fn an_empty_engine_is_small_and_a_key_takes_some_thirty_bytes_besides_itself() {
    let mut disk = instant_disk();
    let (engine, _) = HashEngine::open(&mut disk, &EngineOptions::default()).unwrap();
    assert!(size_of::<HashEngine>() as u64 + engine.stats().memory_bytes < 4096);
    let mut directory = Directory::default();
    let place = Place {
        offset: 0,
        segment: 0,
        bytes: 0,
    };
    for i in 0..100_000 {
        directory.insert(format!("{i:016}").as_bytes(), place);
    }
    directory.verify();
    let per_key = directory.memory_bytes() / 100_000;
    assert!(
        (40..60).contains(&per_key),
        "{per_key} bytes for a key of 16"
    );
}

#[test]
fn files_that_are_not_the_engines_are_left_alone_and_two_stores_share_a_disk() {
    let mut disk = instant_disk();
    for name in ["hash-1-1.seg", "hash-00000001-00000001.txt", "other"] {
        disk.open(name, OpenMode::CreateNew).unwrap();
    }
    let options = |prefix: &str| EngineOptions {
        file_prefix: prefix.to_owned(),
        ..tiny()
    };
    let (mut first, _) = HashEngine::open(&mut disk, &options("p1-")).unwrap();
    let (mut second, _) = HashEngine::open(&mut disk, &options("p2-")).unwrap();
    fill(&mut first, &mut disk, 3);
    second.put(&mut disk, key(1), value(5)).unwrap();
    merge_all(&mut first, &mut disk);
    second.verify(&mut disk).unwrap();
    let (mut second, _) = HashEngine::open(&mut disk, &options("p2-")).unwrap();
    assert_eq!(second.get(&mut disk, &key(1), None), Ok(Some(value(5))));
    assert!(names(&mut disk).contains(&"hash-1-1.seg".to_owned()));
}

#[test]
fn an_inspection_and_a_dump_show_segments_with_live_and_dead_bytes() {
    let mut disk = instant_disk();
    let mut engine = open(&mut disk);
    fill(&mut engine, &mut disk, 2);
    engine.delete(&mut disk, key(1)).unwrap();
    let Structure::Segments { segments, .. } = engine.inspect().structure else {
        panic!("segments");
    };
    assert_eq!(segments.len(), 3);
    assert!(segments[2].is_active && !segments[0].is_active);
    assert_eq!(segments[0].to, segments[1].from);
    assert!(segments[0].dead_bytes > 0);
    assert_eq!(segments[2].tombstone_bytes, 13 + 4);
    let stats = engine.stats();
    assert!(stats.write_amplification().unwrap() > 1.0);
    assert!(stats.space_amplification().unwrap() > 1.0);
    let mut lines = Vec::new();
    engine
        .dump(&mut disk, &mut |line| lines.push(line.to_owned()))
        .unwrap();
    assert!(
        lines.iter().any(|line| line == "  delete \"key1\""),
        "{lines:?}"
    );
}

fn held() -> impl Strategy<Value = Held> {
    (0..500_u64, 0..100_u64, 0..500_u64).prop_map(|(live, tombstones, dead)| Held {
        live,
        tombstones,
        dead,
    })
}

proptest! {
    #[test]
    fn the_policy_comes_to_an_end_and_leaves_less_waste_than_it_is_told(
        segments in proptest::collection::vec(held(), 0..12),
        merge_dead_percent in 0..101_u8,
    ) {
        let options = HashOptions { segment_bytes: 600, merge_dead_percent };
        let mut segments = segments;
        let mut merges = 0;
        while let Some(run) = pick(&segments, &options) {
            let mut merged = segments[run.clone()].iter().fold(Held::default(), |sum, it| Held {
                live: sum.live + it.live,
                tombstones: sum.tombstones + it.tombstones,
                dead: 0,
            });
            if run.start == 0 {
                merged.tombstones = 0;
            }
            segments.splice(run, [merged]);
            merges += 1;
            prop_assert!(merges < 100, "merges without end");
        }
        let dead: u64 = segments.iter().map(|it| it.dead).sum();
        let total: u64 = segments.iter().map(|it| it.live + it.tombstones + it.dead).sum();
        prop_assert!(dead * 100 <= total * u64::from(merge_dead_percent.max(1)));
    }

    #[test]
    fn the_directory_does_what_a_map_does(
        steps in proptest::collection::vec((0..60_u32, any::<bool>(), 0..9_u32), 0..400)
    ) {
        let place = |i: u32| Place { offset: u64::from(i), segment: i, bytes: i };
        let mut directory = Directory::default();
        let mut model = BTreeMap::new();
        let mut fork = None;
        for (key, is_put, i) in steps {
            let bytes = key.to_le_bytes();
            if is_put {
                prop_assert_eq!(directory.insert(&bytes, place(i)), model.insert(bytes, place(i)));
            } else {
                prop_assert_eq!(directory.remove(&bytes), model.remove(&bytes));
            }
            if i == 8 {
                fork = Some((directory.clone(), model.clone()));
            }
        }
        directory.verify();
        prop_assert_eq!(directory.len(), model.len() as u64);
        if let Some((directory, model)) = fork {
            directory.verify();
            for (key, place) in &model {
                prop_assert_eq!(directory.get(key), Some(*place));
            }
            prop_assert_eq!(directory.len(), model.len() as u64);
        }
    }
}
