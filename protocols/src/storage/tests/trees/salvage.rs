//! Damaged trees: what a salvage keeps.

use seedbed_sim::{DiskError, Seed};

use super::*;
use crate::storage::btree::BTreeEngine;
use crate::storage::frame::OnCorruption;
use crate::storage::pages::PAGE_BYTES;
use crate::storage::tests::poke::Poke;

fn salvaging(options: &EngineOptions) -> EngineOptions {
    EngineOptions {
        on_corruption: OnCorruption::Salvage,
        ..options.clone()
    }
}

/// A tree with 400 rows in its file, and a leaf of it that is damaged, with its rows.
fn with_a_damaged_leaf(kind: EngineKind) -> (SimDisk, EngineOptions, Model, u64) {
    let mut disk = instant_disk();
    let options = options(100, 20_000);
    let mut engine = open(kind, &mut disk, &options).unwrap();
    let mut model = Model::new();
    for number in 0..400 {
        let (key, value) = (key(number), bytes(200, number as u8));
        engine.put(&mut disk, key.clone(), value.clone()).unwrap();
        model.insert(key, value);
    }
    engine.sync(&mut disk).unwrap();
    if kind == EngineKind::BTree {
        let (mut engine, _) = BTreeEngine::open(&mut disk, &options).unwrap();
        engine.checkpoint(&mut disk).unwrap();
    }
    let mut engine = open(kind, &mut disk, &options).unwrap();
    content(&mut *engine, &mut disk, None).unwrap();
    let Structure::Tree(shape) = engine.inspect().structure else {
        panic!("a tree");
    };
    let mut leaves = shape
        .pages
        .iter()
        .filter(|page| page.kind == PageKind::Leaf);
    let leaf = leaves.nth(5).expect("a leaf");
    disk.bytes_of(file_of(kind))[leaf.page as usize * PAGE_BYTES + 1000] ^= 4;
    (disk, options, model, leaf.count)
}

fn file_of(kind: EngineKind) -> &'static str {
    match kind {
        EngineKind::BTree => "engine.btree",
        _ => "engine.cow",
    }
}

/// Opens, salvaging, and checks that it goes on as a tree like any other. Returns the rows that are left.
fn salvage(
    kind: EngineKind,
    disk: &mut SimDisk,
    options: &EngineOptions,
) -> Result<(Model, u64), EngineError> {
    let (mut engine, recovery) = open_engine(kind, disk, &salvaging(options))?;
    engine.verify(disk)?;
    let left = content(&mut *engine, disk, None)?;
    engine.put(disk, key(1000), bytes(10, 1))?;
    engine.sync(disk)?;
    let mut engine = open(kind, disk, options)?;
    engine.verify(disk)?;
    let mut expected = left.clone();
    expected.insert(key(1000), bytes(10, 1));
    assert_eq!(content(&mut *engine, disk, None)?, expected);
    Ok((left, recovery.corrupt_bytes))
}

#[test]
fn a_salvage_keeps_what_is_not_damaged_and_says_how_much_was() {
    for kind in TREES {
        let (mut disk, options, model, lost) = with_a_damaged_leaf(kind);
        let mut refused = open(kind, &mut disk, &options).unwrap();
        let error = refused.verify(&mut disk).unwrap_err();
        assert!(matches!(error, EngineError::Corrupt { .. }), "{error}");
        let (left, corrupt_bytes) = salvage(kind, &mut disk, &options).unwrap();
        assert_eq!(corrupt_bytes, PAGE_BYTES as u64);
        assert_eq!(left.len() as u64 + lost, 400);
        assert!(
            left.iter()
                .all(|(key, value)| model.get(key) == Some(value))
        );
        let files = disk.list().unwrap();
        assert_eq!(
            files.len(),
            if kind == EngineKind::BTree { 2 } else { 1 },
            "{files:?}"
        );
    }
}

#[test]
fn a_salvage_of_a_sound_tree_changes_nothing() {
    for kind in TREES {
        let mut disk = instant_disk();
        let options = options(4, 20_000);
        let mut engine = open(kind, &mut disk, &options).unwrap();
        engine.put(&mut disk, key(1), bytes(5000, 1)).unwrap();
        engine.sync(&mut disk).unwrap();
        let (left, corrupt_bytes) = salvage(kind, &mut disk, &options).unwrap();
        assert_eq!((left.len(), corrupt_bytes), (1, 0));
    }
}

#[test]
fn a_salvage_goes_on_from_a_log_that_is_damaged_in_the_middle() {
    let mut disk = instant_disk();
    let options = options(100, 1 << 20);
    let (mut engine, _) = BTreeEngine::open(&mut disk, &options).unwrap();
    let mut model = Model::new();
    let mut damaged_at = 0;
    for number in 0..100 {
        if number == 60 {
            let Structure::Tree(shape) = engine.inspect().structure else {
                panic!("a tree");
            };
            damaged_at = shape.log.expect("a log").bytes as usize + 30;
        }
        if number < 60 {
            model.insert(key(number), bytes(200, number as u8));
        }
        engine
            .put(&mut disk, key(number), bytes(200, number as u8))
            .unwrap();
        engine.sync(&mut disk).unwrap();
    }
    disk.bytes_of("engine.redo-0000000000000000")[damaged_at] ^= 1;
    let kind = EngineKind::BTree;
    let refused = open(kind, &mut disk, &options).map(|_| ()).unwrap_err();
    assert!(matches!(refused, EngineError::Corrupt { .. }), "{refused}");
    let (left, corrupt_bytes) = salvage(kind, &mut disk, &options).unwrap();
    assert!(corrupt_bytes > 0);
    assert_eq!(left, model);
}

#[test]
fn a_salvage_that_crashes_at_any_operation_can_be_done_again() {
    for kind in TREES {
        let (disk, options, model, lost) = with_a_damaged_leaf(kind);
        let mut crashes = 0;
        for operation in 1.. {
            let mut disk = disk.clone();
            disk.begin_handler(disk.now());
            disk.arm_crash(operation);
            let Err(error) = open_engine(kind, &mut disk, &salvaging(&options)) else {
                break;
            };
            assert_eq!(error, EngineError::Disk(DiskError::Killed));
            disk.crash(disk.now());
            let (left, _) = salvage(kind, &mut disk, &options).unwrap();
            assert_eq!(
                left.len() as u64 + lost,
                400,
                "{kind}, operation {operation}"
            );
            assert!(
                left.iter()
                    .all(|(key, value)| model.get(key) == Some(value))
            );
            crashes += 1;
        }
        assert!(crashes > 20, "{kind}: only {crashes} operations");
    }
}

/// Whatever byte is damaged, what is left was written once, and the tree is a tree.
#[test]
fn a_salvage_invents_nothing_wherever_the_damage_is() {
    for kind in TREES {
        let mut disk = instant_disk();
        let options = options(3, 9000);
        let mut engine = open(kind, &mut disk, &options).unwrap();
        let mut random = Stream::named(Seed(3), "salvage");
        let (mut model, mut ever) = (Model::new(), Vec::new());
        for _ in 0..60 {
            let batch = random_batch(&mut random, 60, 2000);
            engine.write(&mut disk, &batch).unwrap();
            apply(&mut model, &batch);
            ever.extend(model.clone());
            engine.maintain(&mut disk, u64::MAX).unwrap();
        }
        engine.sync(&mut disk).unwrap();
        ever.sort();
        ever.dedup();
        let (mut damaged, mut kept, mut without_a_root) = (0, 0, 0);
        for file in disk.list().unwrap() {
            let len = disk.bytes_of(&file).len();
            for at in (0..len).step_by(211) {
                let mut disk = disk.clone();
                disk.bytes_of(&file)[at] ^= 16;
                damaged += 1;
                match salvage(kind, &mut disk, &options) {
                    Ok((left, _)) => {
                        assert!(left.into_iter().all(|row| ever.binary_search(&row).is_ok()));
                        kept += 1;
                    }
                    Err(EngineError::Corrupt { .. } | EngineError::Format { .. }) => {
                        without_a_root += 1;
                    }
                    Err(other) => panic!("{kind}, byte {at} of {file}: {other}"),
                }
            }
        }
        assert!(kept > 300, "{kind}: {kept} of {damaged}");
        assert!(
            without_a_root * 50 < damaged,
            "{kind}: {without_a_root} of {damaged}"
        );
    }
}
