//! Bugs that a comparison with a map finds, each with the test that finds it.

use std::collections::BTreeMap;

use seedbed_sim::{DiskConfig, Seed, Stream};

use super::*;
use crate::storage::lsm::policy::{Levelled, Policy};

type Model = BTreeMap<Bytes, Bytes>;

/// Runs a tree beside a map, with snapshots; says where they differ first.
fn compare(planted: Planted, seed: u64) -> Result<(), String> {
    let mut random = Stream::named(Seed(seed), "planted");
    let mut disk = SimDisk::new(DiskConfig::instant());
    let mut options = tiny();
    options.planted = planted;
    // Many levels of little each.
    options.lsm.table_bytes = 500;
    options.lsm.policy = Policy::Levelled(Levelled {
        level0_runs: 2,
        base_bytes: 50,
        growth: 2,
    });
    let (mut engine, _) = LsmEngine::open(&mut disk, &options).unwrap();
    let mut model = Model::new();
    let mut snapshots: Vec<(SnapshotId, Model)> = Vec::new();
    for step in 0..400 {
        let key = Bytes::from(format!("k{:02}", random.below(30)));
        let change = match random.below(10) {
            0..=5 => Change::Put(key, format!("{step}").repeat(10).into()),
            6..=8 => Change::Delete(key),
            _ => Change::DeleteRange {
                to: Some(format!("{}x", String::from_utf8_lossy(&key)).into()),
                from: key,
            },
        };
        match &change {
            Change::Put(key, value) => {
                model.insert(key.clone(), value.clone());
            }
            other => model.retain(|key, _| !other.touches(key)),
        }
        engine.write(&mut disk, &[change]).unwrap();
        engine.maintain(&mut disk, 500).unwrap();
        // None at first: a snapshot holds back every tombstone that is newer than it.
        if step >= 200 && random.below(20) == 0 {
            snapshots.push((engine.snapshot(), model.clone()));
        }
        let probe = Bytes::from(format!("k{:02}", random.below(30)));
        let now = [(None, &model)];
        let then = snapshots.iter().map(|(id, model)| (Some(*id), model));
        for (at, expected) in now.into_iter().chain(then) {
            let got = engine.get(&mut disk, &probe, at).unwrap();
            if got.as_ref() != expected.get(&probe) {
                return Err(format!("step {step}: {probe:?} at {at:?} is {got:?}"));
            }
        }
    }
    Ok(())
}

#[test]
fn without_a_bug_the_tree_is_as_the_map() {
    for seed in 0..10 {
        compare(Planted::Nothing, seed).unwrap();
    }
}

#[test]
fn planted_bug_tombstones_dropped_early_are_caught_by_a_map() {
    assert!((0..10).any(|seed| compare(Planted::LsmDropsTombstonesEarly, seed).is_err()));
}

#[test]
fn planted_bug_forgotten_snapshots_are_caught_by_a_map() {
    assert!((0..10).any(|seed| compare(Planted::LsmForgetsSnapshots, seed).is_err()));
}

#[test]
fn planted_bug_ignored_range_deletes_are_caught_by_a_map() {
    assert!((0..10).any(|seed| compare(Planted::LsmIgnoresRangeDeletes, seed).is_err()));
}
