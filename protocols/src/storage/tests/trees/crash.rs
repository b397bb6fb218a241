//! Every state a crash may leave, with checkpoints, evictions and commits on the way.
//!
//! As in the crash test of all engines: at every operation of the disk, images of what a crash may leave are opened. The
//! content must be what it was after the first i batches, for one i between the last that was acknowledged as durable and
//! the last that was begun; every invariant must hold; the tree must go on working, and be opened once more. Recovery
//! itself is cut short at its operations, and begun again.

use std::ops::Range;

use seedbed_sim::{
    Chance, CrashImages, CrashPolicy, DiskConfig, DiskFault, DiskFaultKind, FaultId, FilePattern,
    NodeId, RecordingDisk, Seed, SimDisk, Span, Stream, Syncs,
};

use super::*;

/// How many states of one crash are looked at, and at how many operations recovery is cut short.
const STATES_MAX: u64 = 6;
const RECOVERIES_MAX: usize = 3;

/// What is run.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) kind: EngineKind,
    pub(super) options: EngineOptions,
    pub(super) steps: usize,
    pub(super) syncs: Syncs,
}

impl Run {
    pub(super) fn of(kind: EngineKind, options: EngineOptions) -> Self {
        Self {
            kind,
            options,
            steps: 26,
            syncs: Syncs::Honest,
        }
    }

    fn open(&self, disk: &mut dyn Disk) -> Result<Box<dyn Engine>, EngineError> {
        open(self.kind, disk, &self.options)
    }

    /// Runs and checks one history for each seed. Returns how many images were opened.
    pub(super) fn check(&self, seeds: Range<u64>) -> Result<usize, Violation> {
        let mut images = 0;
        for seed in seeds {
            let mut random = Stream::named(Seed(seed), "tree-crash");
            let history = History::run(self, &mut random);
            images += history
                .and_then(|history| history.check(self, &mut random))
                .map_err(|Violation(what)| {
                    Violation(format!("{}, seed {seed}: {what}", self.kind))
                })?;
        }
        Ok(images)
    }
}

/// A run of a history: which states a crash may leave.
#[derive(Default)]
struct History {
    /// The model after each number of batches.
    states: Vec<Model>,
    /// The disk before each operation on it, with the least and the most batches that may survive a crash there.
    boundaries: Vec<(SimDisk, usize, usize)>,
}

impl History {
    fn run(run: &Run, random: &mut Stream) -> Result<Self, Violation> {
        let mut disk = RecordingDisk::new(SimDisk::new(DiskConfig {
            sync_latency: Span::from_millis(1),
            ..DiskConfig::instant()
        }));
        let mut history = Self {
            states: vec![Model::new()],
            ..Self::default()
        };
        let mut engine = run.open(&mut disk)?;
        if run.syncs == Syncs::Lying {
            let fault = DiskFault {
                node: NodeId(0),
                files: FilePattern::any(),
                kind: DiskFaultKind::LyingSyncs(Chance::ALWAYS),
            };
            let now = disk.disk().now();
            disk.disk_mut().begin_fault(FaultId(1), &fault, now);
        }
        let mut durable = 0;
        let mut under_way = Vec::new();
        let mut snapshots = Vec::new();
        history.crossed(&mut disk, 0);
        for _ in 0..run.steps {
            let acknowledged = durable;
            match random.below(12) {
                0..=5 => {
                    let batch = random_batch(random, 30, 3500);
                    let mut next = history.states.last().expect("the empty one").clone();
                    apply(&mut next, &batch);
                    history.states.push(next);
                    engine.write(&mut disk, &batch)?;
                    if run.options.durability == Durability::EachWrite {
                        durable = history.states.len() - 1;
                    }
                }
                6 | 7 => {
                    engine.sync(&mut disk)?;
                    durable = history.states.len() - 1;
                }
                8 => {
                    if engine.sync_later(&mut disk)?.is_some() {
                        let mut begun = Vec::new();
                        disk.disk_mut().take_pending_syncs(&mut begun);
                        under_way.push((begun[0], history.states.len() - 1));
                    }
                }
                9 => {
                    let budget = random.below(20_000);
                    if budget.is_multiple_of(4) {
                        engine.compact(&mut disk)?;
                        durable = history.states.len() - 1;
                    } else {
                        engine.maintain(&mut disk, budget)?;
                    }
                }
                10 if snapshots.len() < 2 => snapshots.push(engine.snapshot()),
                10 => engine.release(snapshots.remove(0)),
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

    /// Opens images of every boundary. Returns how many there were.
    fn check(&self, run: &Run, random: &mut Stream) -> Result<usize, Violation> {
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
                let mut recovering = check_image(run, crash.image(&state), legal)
                    .map_err(|Violation(what)| place(&what))?;
                images += 1;
                while recovering.len() > RECOVERIES_MAX {
                    recovering.swap_remove(random.below(recovering.len() as u64) as usize);
                }
                for cut_short in recovering {
                    let again = CrashImages::of(&cut_short, cut_short.now());
                    let state = again.draw(CrashPolicy::Drawn, random);
                    check_image(run, again.image(&state), legal).map_err(|Violation(what)| {
                        place(&format!("{what}, then {}", again.describe(&state)))
                    })?;
                    images += 1;
                }
            }
        }
        Ok(images)
    }
}

/// Opens the tree on an image. Returns the disk before each operation of the recovery.
fn check_image(run: &Run, image: SimDisk, legal: &[Model]) -> Result<Vec<SimDisk>, Violation> {
    let mut image = RecordingDisk::new(image);
    let mut engine = run.open(&mut image)?;
    let recovering = image.take_boundaries();
    let mut image = image.disk().clone();
    let image = &mut image;
    engine.verify(image)?;
    let found = content(&mut *engine, image, None)?;
    if !legal.contains(&found) {
        let keys: Vec<_> = found
            .iter()
            .map(|(key, value)| (key, value.len()))
            .collect();
        return Err(Violation(format!(
            "recovered {} rows, which is none of the {} states that are legal: {keys:?}",
            found.len(),
            legal.len()
        )));
    }
    let after = Bytes::from_static(b"afterwards");
    engine.put(image, after.clone(), bytes(1200, 7))?;
    engine.sync(image)?;
    let mut reopened = run.open(image)?;
    reopened.verify(image)?;
    let mut expected = found;
    expected.insert(after, bytes(1200, 7));
    if content(&mut *reopened, image, None)? != expected {
        return Err(Violation("a second opening found other rows".to_owned()));
    }
    Ok(recovering)
}

/// Few pages and many checkpoints; the last of them has no need to evict anything.
pub(super) fn some_options() -> [EngineOptions; 3] {
    [options(3, 6000), options(8, 30_000), options(100, 12_000)]
}

#[test]
fn the_page_tree_recovers_a_prefix_from_every_image_of_every_operation() {
    let mut images = 0;
    for (options, seeds) in some_options().into_iter().zip([0..3, 3..6, 6..9]) {
        images += Run::of(EngineKind::BTree, options).check(seeds).unwrap();
    }
    assert!(images > 10_000, "only {images} images");
}

#[test]
fn the_copy_on_write_tree_recovers_a_prefix_from_every_image_of_every_operation() {
    let mut images = 0;
    for (options, seeds) in some_options().into_iter().zip([0..9, 9..18, 18..27]) {
        images += Run::of(EngineKind::Cow, options).check(seeds).unwrap();
    }
    assert!(images > 10_000, "only {images} images");
}

#[test]
fn writes_that_are_durable_one_by_one_survive_one_by_one() {
    for kind in TREES {
        let options = EngineOptions {
            durability: Durability::EachWrite,
            ..options(6, 9000)
        };
        Run::of(kind, options).check(100..101).unwrap();
    }
}

/// `cargo test --release -p seedbed-protocols --lib -- --ignored trees_recover_from_a_million_images`
#[test]
#[ignore = "a long run"]
fn trees_recover_from_a_million_images() {
    for kind in TREES {
        let mut images = 0;
        for seed in 1000.. {
            let options = options(1 + seed as usize % 10, 2000 + 4000 * (seed % 9));
            images += Run::of(kind, options).check(seed..seed + 1).unwrap();
            if images > 1_000_000 {
                break;
            }
        }
    }
}

/// The tests have teeth: where syncs lie, acknowledged writes are lost, and it is noticed.
#[test]
fn a_disk_that_lies_about_syncs_is_found_out() {
    for kind in TREES {
        let run = Run {
            syncs: Syncs::Lying,
            ..Run::of(kind, options(6, 9000))
        };
        run.check(0..2).unwrap_err();
    }
}
