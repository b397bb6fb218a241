//! Random operations, compared with a map; every invariant is verified all the time.

use seedbed_sim::Seed;

use super::*;

/// Runs `steps` random operations on a tree under `options`, and compares.
pub(super) fn run(
    kind: EngineKind,
    options: &EngineOptions,
    seed: u64,
    steps: usize,
    keys: u64,
) -> Result<(), Violation> {
    let mut random = Stream::named(Seed(seed), "trees");
    let mut disk = instant_disk();
    let mut engine = open(kind, &mut disk, options)?;
    let mut model = Model::new();
    let mut snapshots: Vec<(SnapshotId, Model)> = Vec::new();
    for step in 0..steps {
        let place = |what: &str| Violation(format!("{kind}, seed {seed}, step {step}: {what}"));
        let failed = |error: EngineError| place(&error.to_string());
        match random.below(30) {
            0 => {
                let id = engine.snapshot();
                snapshots.push((id, model.clone()));
            }
            1 if !snapshots.is_empty() => {
                let index = random.below(snapshots.len() as u64) as usize;
                engine.release(snapshots.swap_remove(index).0);
            }
            2 => engine.sync(&mut disk).map_err(failed)?,
            3 => {
                let budget = random.below(30_000);
                if budget.is_multiple_of(4) {
                    engine.compact(&mut disk).map_err(failed)?;
                } else {
                    engine.maintain(&mut disk, budget).map_err(failed)?;
                }
            }
            4 => {
                // A reopen keeps what was synced, and no snapshot.
                engine.sync(&mut disk).map_err(failed)?;
                engine = open(kind, &mut disk, options).map_err(failed)?;
                snapshots.clear();
            }
            5 => {
                if let Some(ticket) = engine.sync_later(&mut disk).map_err(failed)? {
                    engine.on_synced(ticket);
                }
            }
            6 => {
                for (id, then) in &snapshots {
                    if &content(&mut *engine, &mut disk, Some(*id)).map_err(failed)? != then {
                        return Err(place("a snapshot has changed"));
                    }
                }
            }
            7..=9 => scan_some(&mut *engine, &mut disk, &mut random, &model, keys)
                .map_err(|Violation(what)| place(&what))?,
            10..=13 => {
                let key = random_key(&mut random, keys);
                let got = engine.get(&mut disk, &key, None).map_err(failed)?;
                if got.as_ref() != model.get(&key) {
                    return Err(place("another value than was written"));
                }
            }
            14 => engine = engine.clone_box(),
            _ => {
                let batch = random_batch(&mut random, keys, 9000);
                engine.write(&mut disk, &batch).map_err(failed)?;
                apply(&mut model, &batch);
            }
        }
        if step % 8 == 0 {
            engine.verify(&mut disk).map_err(failed)?;
        }
        if engine.stats().keys != Some(model.len() as u64) {
            return Err(place("another number of keys"));
        }
    }
    if content(&mut *engine, &mut disk, None)? != model {
        return Err(Violation(format!("{kind}, seed {seed}: another content")));
    }
    Ok(())
}

/// One page of a scan, either way, between random bounds.
fn scan_some(
    engine: &mut dyn Engine,
    disk: &mut dyn Disk,
    random: &mut Stream,
    model: &Model,
    keys: u64,
) -> Result<(), Violation> {
    let mut bound = || (random.below(4) > 0).then(|| random_key(random, keys));
    let (from, to) = (bound(), bound());
    let bounds = Bounds {
        from: from.as_deref(),
        to: to.as_deref(),
    };
    let limit = random.below(12) as usize;
    let within = model.iter().filter(|(key, _)| bounds.contains(key));
    let mut expected: Vec<Row> = within
        .map(|(key, value)| Row {
            key: key.clone(),
            value: value.clone(),
        })
        .collect();
    let direction = if random.below(2) == 0 {
        ScanDirection::Forward
    } else {
        expected.reverse();
        ScanDirection::Backward
    };
    let next = expected.get(limit).map(|row| row.key.clone());
    expected.truncate(limit);
    let mut rows = Vec::new();
    let resume = engine.scan(disk, None, bounds, direction, limit, &mut rows)?;
    if rows != expected || resume != next {
        return Err(Violation(format!(
            "a scan {direction:?} of {from:?} to {to:?}"
        )));
    }
    Ok(())
}

#[test]
fn trees_do_what_a_map_does_with_tiny_pools_and_rows_of_every_size() {
    for kind in TREES {
        for seed in 0..12 {
            let pool_pages = 1 + seed as usize % 9;
            let options = options(pool_pages, 2000 + 5000 * (seed % 7));
            run(kind, &options, seed, 300, 40 + seed * 20).unwrap();
        }
    }
}

/// `cargo test --release -p seedbed-protocols --lib -- --ignored trees_do_what_a_map_does_a_million_times`
#[test]
#[ignore = "a long run"]
fn trees_do_what_a_map_does_a_million_times() {
    for kind in TREES {
        for seed in 0..500 {
            let pool_pages = 1 + seed as usize % 12;
            let options = options(pool_pages, 500 + 3000 * (seed % 11));
            run(kind, &options, seed, 1000, 30 + seed).unwrap();
        }
    }
}
