//! Every state a crash may leave.
//!
//! A random history of writes and syncs runs on a simulated disk. At every operation of the disk, the states that a crash
//! may leave there are built ([`CrashImages`]: all of them where they are few, and drawn ones of every policy where they
//! are many) and the engine is opened on each. Its content must be what the model was after the first i writes, for one i
//! between the last write that was acknowledged as durable and the last that was begun: nothing lost, nothing invented,
//! batches whole, a prefix. Then it must go on working; and recovery itself is cut short at every operation and begun
//! again.

use std::collections::BTreeMap;

use seedbed_sim::{
    Chance, CrashImages, CrashPolicy, DiskConfig, DiskFault, DiskFaultKind, FaultId, FilePattern,
    NodeId, RecordingDisk, Seed, SimDisk, Span, Stream, Syncs,
};

use super::*;
use crate::storage::log::LogEngine;

/// How many states of one crash are looked at.
const STATES_MAX: u64 = 24;

type Model = BTreeMap<Bytes, Bytes>;

/// How the engine under test is opened.
type Open = fn(&mut dyn Disk) -> Result<Box<dyn Engine>, EngineError>;

/// A run of a history: which states a crash may leave.
#[derive(Default)]
struct History {
    /// The model after each number of writes.
    states: Vec<Model>,
    /// The disk before each operation on it, with the least and the most writes that may survive a crash there.
    boundaries: Vec<(SimDisk, usize, usize)>,
}

/// A disk whose syncs take a while.
fn slow_disk() -> SimDisk {
    SimDisk::new(DiskConfig {
        sync_latency: Span::from_millis(1),
        ..DiskConfig::instant()
    })
}

/// From now on the disk's syncs make nothing durable.
fn begin_to_lie(disk: &mut SimDisk) {
    let fault = DiskFault {
        node: NodeId(0),
        files: FilePattern::any(),
        kind: DiskFaultKind::LyingSyncs(Chance::ALWAYS),
    };
    disk.begin_fault(FaultId(1), &fault, disk.now());
}

impl History {
    fn run(random: &mut Stream, steps: usize, syncs: Syncs, open: Open) -> Result<Self, Violation> {
        let mut disk = RecordingDisk::new(slow_disk());
        let mut history = Self {
            states: vec![Model::new()],
            ..Self::default()
        };
        let mut engine = open(&mut disk)?;
        if syncs == Syncs::Lying {
            begin_to_lie(disk.disk_mut());
        }
        let mut durable = 0;
        let mut under_way = Vec::new();
        history.crossed(&mut disk, 0);
        for step in 0..steps {
            let acknowledged = durable;
            match random.below(10) {
                0..=5 => {
                    let batch = random_batch(random, step);
                    let mut next = history.states.last().expect("the empty one").clone();
                    apply(&mut next, &batch);
                    history.states.push(next);
                    engine.write(&mut disk, &batch)?;
                }
                6 => {
                    engine.sync(&mut disk)?;
                    durable = history.states.len() - 1;
                }
                7 | 8 => {
                    if engine.sync_later(&mut disk)?.is_some() {
                        let mut begun = Vec::new();
                        disk.disk_mut().take_pending_syncs(&mut begun);
                        under_way.push((begun[0], history.states.len() - 1));
                    }
                }
                _ if under_way.is_empty() => {}
                _ => {
                    let ((ticket, completes_at), covered) = under_way.remove(0);
                    let now = disk.disk().now();
                    disk.disk_mut().begin_handler(now.max(completes_at));
                    engine.on_synced(ticket);
                    durable = durable.max(covered);
                }
            }
            history.crossed(&mut disk, acknowledged);
        }
        let begun = history.states.len() - 1;
        let last = disk.disk().clone();
        history.boundaries.push((last, durable, begun));
        Ok(history)
    }

    /// Takes over the boundaries that the last step crossed.
    fn crossed(&mut self, disk: &mut RecordingDisk, durable: usize) {
        let begun = self.states.len() - 1;
        let crossed = disk.take_boundaries().into_iter();
        self.boundaries
            .extend(crossed.map(|disk| (disk, durable, begun)));
    }

    /// Opens every image of every boundary. Returns how many there were.
    fn check(&self, random: &mut Stream, open: Open) -> Result<usize, Violation> {
        let mut images = 0;
        for (at, (disk, durable, begun)) in self.boundaries.iter().enumerate() {
            let legal = &self.states[*durable..=*begun];
            let crash = CrashImages::of(disk, disk.now());
            let states: Vec<_> = crash.states(STATES_MAX, random).collect();
            for state in states {
                let place = |what: &str| {
                    let kept = crash.describe(&state);
                    Violation(format!("operation {at}: {what}, where {kept}"))
                };
                let image = crash.image(&state);
                let recovering =
                    check_image(image, legal, open).map_err(|Violation(what)| place(&what))?;
                images += 1;
                for cut_short in recovering {
                    let again = CrashImages::of(&cut_short, cut_short.now());
                    let state = again.draw(CrashPolicy::Drawn, random);
                    check_image(again.image(&state), legal, open).map_err(|Violation(what)| {
                        place(&format!("{what}, then {}", again.describe(&state)))
                    })?;
                    images += 1;
                }
            }
        }
        Ok(images)
    }
}

/// Opens the engine on an image: its content must be one of `legal`, and it must go on working. Returns the disk before
/// each operation of the recovery.
fn check_image(image: SimDisk, legal: &[Model], open: Open) -> Result<Vec<SimDisk>, Violation> {
    let mut image = RecordingDisk::new(image);
    let mut engine = open(&mut image)?;
    let recovering = image.take_boundaries();
    let mut image = RecordingDisk::silent(image.disk().clone());
    let image = &mut image;
    engine.verify(image)?;
    let found: Model = scan_all(&mut *engine, image, None, usize::MAX)?
        .into_iter()
        .map(|row| (row.key, row.value))
        .collect();
    if !legal.contains(&found) {
        return Err(Violation(format!(
            "recovered {found:?}, which is none of the {} states that are legal, from {:?} to {:?}",
            legal.len(),
            legal.first(),
            legal.last()
        )));
    }
    let key = Bytes::from_static(b"afterwards");
    engine.put(image, key.clone(), key.clone())?;
    engine.sync(image)?;
    let mut reopened = open(image)?;
    if reopened.get(image, &key, None)?.as_ref() != Some(&key) {
        return Err(Violation("a write after recovery is gone".to_owned()));
    }
    if reopened.stats().keys.is_none() {
        let rows = scan_all(&mut *reopened, image, None, usize::MAX)?;
        if rows.len() != found.len() + usize::from(!found.contains_key(&key)) {
            return Err(Violation("a second opening found other rows".to_owned()));
        }
    }
    Ok(recovering)
}

fn random_batch(random: &mut Stream, step: usize) -> Vec<Change> {
    let count = 1 + random.below(3);
    let change = |i: u64, random: &mut Stream| {
        let key = Bytes::from(format!("k{}", random.below(6)));
        if random.below(4) == 0 {
            return Change::Delete(key);
        }
        let length = [0, 8, 100, 700][random.below(4) as usize];
        let mut value = format!("step {step}.{i} ").into_bytes();
        value.resize(value.len() + length, b'.');
        Change::Put(key, Bytes::from(value))
    };
    (0..count).map(|i| change(i, random)).collect()
}

fn apply(model: &mut Model, batch: &[Change]) {
    for change in batch {
        match change {
            Change::Put(key, value) => {
                model.insert(key.clone(), value.clone());
            }
            Change::Delete(_) | Change::DeleteRange { .. } => {
                model.retain(|key, _| !change.touches(key));
            }
        }
    }
}

/// Runs and checks one history for each seed. Returns how many images were opened.
fn check_seeds(seeds: std::ops::Range<u64>, steps: usize, open: Open) -> Result<usize, Violation> {
    check_seeds_on(Syncs::Honest, seeds, steps, open)
}

fn check_seeds_on(
    syncs: Syncs,
    seeds: std::ops::Range<u64>,
    steps: usize,
    open: Open,
) -> Result<usize, Violation> {
    let mut images = 0;
    for seed in seeds {
        let mut random = Stream::named(Seed(seed), "crash");
        let checked = History::run(&mut random, steps, syncs, open)
            .and_then(|history| history.check(&mut random, open))
            .map_err(|Violation(what)| Violation(format!("seed {seed}: {what}")))?;
        images += checked;
    }
    Ok(images)
}

fn open_log(disk: &mut dyn Disk) -> Result<Box<dyn Engine>, EngineError> {
    let (engine, _) = LogEngine::open(disk, &EngineOptions::default())?;
    Ok(Box::new(engine))
}

fn open_planted(disk: &mut dyn Disk, planted: Planted) -> Result<Box<dyn Engine>, EngineError> {
    let options = EngineOptions {
        planted,
        ..EngineOptions::default()
    };
    open_engine(EngineKind::Log, disk, &options).map(|(engine, _)| engine)
}

#[test]
fn the_log_recovers_a_prefix_from_every_image_of_every_operation() {
    let images = check_seeds(0..8, 30, open_log).unwrap();
    assert!(images > 10_000, "only {images} images");
}

#[test]
fn the_log_recovers_a_prefix_on_the_simulated_disk() {
    for seed in 0..20 {
        let mut random = Stream::named(Seed(seed), "crash");
        let mut disk = SimDisk::new(DiskConfig::instant());
        let mut states = vec![Model::new()];
        let mut durable = 0;
        let mut engine = open_log(&mut disk).unwrap();
        for step in 0..60 {
            if random.below(4) == 0 {
                engine.sync(&mut disk).unwrap();
                durable = states.len() - 1;
            } else {
                let batch = random_batch(&mut random, step);
                let mut next = states.last().unwrap().clone();
                apply(&mut next, &batch);
                states.push(next);
                engine.write(&mut disk, &batch).unwrap();
            }
            let mut crashed = disk.clone();
            crashed.crash(crashed.now());
            let mut recovered = open_log(&mut crashed).unwrap();
            let rows = scan_all(&mut *recovered, &mut crashed, None, 3).unwrap();
            let found: Model = rows.into_iter().map(|row| (row.key, row.value)).collect();
            assert_eq!(found, states[durable], "seed {seed}, step {step}");
        }
    }
}

/// The tests have teeth: where syncs lie, acknowledged writes are lost, and it is noticed.
#[test]
fn a_disk_that_lies_about_syncs_is_found_out() {
    let Violation(what) = check_seeds_on(Syncs::Lying, 0..1, 30, open_log).unwrap_err();
    assert!(what.contains("none of the"), "{what}");
}

#[test]
fn planted_bug_an_engine_that_acknowledges_before_it_syncs_is_caught() {
    let open: Open = |disk| open_planted(disk, Planted::AcknowledgesBeforeSync);
    let Violation(what) = check_seeds(0..1, 30, open).unwrap_err();
    assert!(what.contains("none of the"), "{what}");
}

#[test]
fn planted_bug_a_recovery_that_skips_checksums_is_caught_by_torn_images() {
    let open: Open = |disk| open_planted(disk, Planted::IgnoresChecksums);
    let caught = check_seeds(0..2, 30, open);
    assert!(caught.is_err());
}
