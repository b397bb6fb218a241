//! Disks that are full, fail, or come back: nothing acknowledged is lost, nothing half-done is seen.

use seedbed_sim::{
    Chance, CrashImages, CrashPolicy, DiskFault, DiskFaultKind, FaultId, FilePattern, NodeId, Seed,
};

use super::*;

fn begin(disk: &mut SimDisk, kind: DiskFaultKind) {
    let fault = DiskFault {
        node: NodeId(0),
        files: FilePattern::any(),
        kind,
    };
    let now = disk.now();
    disk.begin_fault(FaultId(1), &fault, now);
}

/// Opens what crashes may leave: the content must be one of those since the last that was durable.
fn crashes(
    kind: EngineKind,
    disk: &SimDisk,
    options: &EngineOptions,
    legal: &[Model],
    random: &mut Stream,
) -> Result<(), Violation> {
    let crash = CrashImages::of(disk, disk.now());
    for policy in [CrashPolicy::Keep, CrashPolicy::Drawn, CrashPolicy::Drawn] {
        let state = crash.draw(policy, random);
        let mut image = crash.image(&state);
        let place = |what: String| Violation(format!("{}: {what}", crash.describe(&state)));
        let failed = |error: EngineError| place(error.to_string());
        let mut engine = open(kind, &mut image, options).map_err(failed)?;
        engine.verify(&mut image).map_err(failed)?;
        if !legal.contains(&content(&mut *engine, &mut image, None).map_err(failed)?) {
            return Err(place("content that was never there".to_owned()));
        }
    }
    Ok(())
}

/// Writes until the fault is met, which must leave the content as it was; then lifts it, and goes on.
pub(super) fn meets(
    kind: EngineKind,
    planted: Planted,
    seed: u64,
    fault: DiskFaultKind,
) -> Result<usize, Violation> {
    let mut random = Stream::named(Seed(seed), "faults");
    let mut disk = SimDisk::named(DiskConfig::instant(), Seed(seed), "n1");
    let options = EngineOptions {
        planted,
        ..options(1 + random.below(8) as usize, 1000 + random.below(30_000))
    };
    let mut engine = open(kind, &mut disk, &options)?;
    let mut model = Model::new();
    let mut legal = vec![model.clone()];
    let mut refused = 0;
    for round in 0..6 {
        let place = |what: String| Violation(format!("{kind}, seed {seed}, round {round}: {what}"));
        for _ in 0..random.below(20) {
            let batch = random_batch(&mut random, 60, 6000);
            engine.write(&mut disk, &batch)?;
            apply(&mut model, &batch);
            legal.push(model.clone());
        }
        begin(&mut disk, fault);
        let snapshot = engine.snapshot();
        let before = model.clone();
        for _ in 0..20 {
            let batch = random_batch(&mut random, 60, 6000);
            match engine.write(&mut disk, &batch) {
                Ok(_) => {
                    apply(&mut model, &batch);
                    legal.push(model.clone());
                }
                Err(EngineError::Disk(_)) => refused += 1,
                Err(other) => return Err(place(other.to_string())),
            }
            let slice = engine.maintain(&mut disk, random.below(20_000));
            refused += usize::from(slice.is_err());
            if random.below(4) == 0 {
                match engine.sync(&mut disk) {
                    Ok(()) => legal = vec![model.clone()],
                    Err(_) => refused += 1,
                }
            }
        }
        disk.end_fault(FaultId(1));
        let crashed = crashes(kind, &disk, &options, &legal, &mut random);
        crashed.map_err(|Violation(what)| place(what))?;
        let failed = |error: EngineError| place(error.to_string());
        engine.verify(&mut disk).map_err(failed)?;
        if content(&mut *engine, &mut disk, None).map_err(failed)? != model {
            return Err(place("another content".to_owned()));
        }
        if content(&mut *engine, &mut disk, Some(snapshot)).map_err(failed)? != before {
            return Err(place("another content of the snapshot".to_owned()));
        }
        engine.release(snapshot);
        engine.sync(&mut disk).map_err(failed)?;
        legal = vec![model.clone()];
        if random.below(2) == 0 {
            engine = open(kind, &mut disk, &options).map_err(failed)?;
            if content(&mut *engine, &mut disk, None).map_err(failed)? != model {
                return Err(place("another content after opening".to_owned()));
            }
        }
    }
    Ok(refused)
}

#[test]
fn a_full_disk_refuses_writes_in_mid_split_and_takes_them_again_when_there_is_space() {
    for kind in TREES {
        let mut refused = 0;
        for seed in 0..40 {
            let free_bytes = [0, 3000, 9000, 40_000][seed as usize % 4];
            let full = DiskFaultKind::Full { free_bytes };
            refused += meets(kind, Planted::Nothing, seed, full).unwrap();
        }
        assert!(refused > 300, "{kind}: only {refused} refused");
    }
}

#[test]
fn reads_and_writes_that_fail_now_and_then_leave_everything_as_it_was() {
    let sometimes = Chance {
        per_million: 60_000,
        count_max: None,
    };
    for kind in TREES {
        for fault in [
            DiskFaultKind::ReadErrors(sometimes),
            DiskFaultKind::WriteErrors(sometimes),
        ] {
            let mut refused = 0;
            for seed in 0..30 {
                refused += meets(kind, Planted::Nothing, seed, fault).unwrap();
            }
            assert!(
                refused > 50,
                "{kind}: only {refused} refused under {fault:?}"
            );
        }
    }
}

#[test]
fn after_a_failed_sync_every_call_is_refused_until_it_is_opened_again() {
    for kind in TREES {
        let mut disk = instant_disk();
        let options = options(4, 4000);
        let mut engine = open(kind, &mut disk, &options).unwrap();
        engine.put(&mut disk, key(1), bytes(900, 1)).unwrap();
        engine.sync(&mut disk).unwrap();
        engine.put(&mut disk, key(2), bytes(900, 2)).unwrap();
        begin(&mut disk, DiskFaultKind::SyncErrors(Chance::ALWAYS));
        let failed = engine.sync(&mut disk).unwrap_err();
        assert!(matches!(failed, EngineError::Disk(_)), "{failed}");
        disk.end_fault(FaultId(1));
        let poisoned = EngineError::Poisoned;
        assert_eq!(engine.sync(&mut disk), Err(poisoned.clone()));
        assert_eq!(engine.sync_later(&mut disk), Err(poisoned.clone()));
        assert_eq!(engine.put(&mut disk, key(3), key(3)), Err(poisoned.clone()));
        assert_eq!(engine.get(&mut disk, &key(1), None), Err(poisoned.clone()));
        assert_eq!(engine.maintain(&mut disk, 0), Err(poisoned.clone()));
        assert_eq!(engine.verify(&mut disk), Err(poisoned));
        let mut again = open(kind, &mut disk, &options).unwrap();
        again.verify(&mut disk).unwrap();
        assert_eq!(again.get(&mut disk, &key(1), None), Ok(Some(bytes(900, 1))));
    }
}

/// Right answers or errors, never wrong ones. (A page that the disk has *lost*, so that an older one with its own good
/// checksum stands there, is not noticed: the chapters say so.)
#[test]
fn rotten_pages_give_the_right_answer_or_an_error() {
    for kind in TREES {
        let (mut right, mut errors) = (0, 0);
        for seed in 0..40 {
            let mut random = Stream::named(Seed(seed), "rot");
            let mut disk = SimDisk::named(DiskConfig::instant(), Seed(seed), "n1");
            let mut engine = open(kind, &mut disk, &options(2, 9000)).unwrap();
            let mut model = Model::new();
            for _ in 0..30 {
                let batch = random_batch(&mut random, 60, 3000);
                engine.write(&mut disk, &batch).unwrap();
                apply(&mut model, &batch);
            }
            let rot = DiskFaultKind::BitRot {
                bits: 4,
                offset: None,
            };
            begin(&mut disk, rot);
            // What is refused changes nothing.
            for _ in 0..10 {
                let batch = random_batch(&mut random, 60, 3000);
                match engine.write(&mut disk, &batch) {
                    Ok(_) => apply(&mut model, &batch),
                    Err(EngineError::Corrupt { .. }) => errors += 1,
                    Err(other) => panic!("{kind}, seed {seed}: {other}"),
                }
            }
            for number in 0..60 {
                let mut keys = Stream::named(Seed(number), "key");
                let key = random_key(&mut keys, 60);
                match engine.get(&mut disk, &key, None) {
                    Ok(value) => {
                        assert_eq!(value.as_ref(), model.get(&key), "{kind}, seed {seed}");
                        right += 1;
                    }
                    Err(EngineError::Corrupt { .. }) => errors += 1,
                    Err(other) => panic!("{kind}, seed {seed}: {other}"),
                }
            }
        }
        assert!(right > 200 && errors > 20, "{kind}: {right}, {errors}");
    }
}
