//! Every state a crash may leave.
//!
//! A random history of writes, syncs and background work runs on a simulated disk. At every operation of the disk, the
//! states that a crash may leave there are built ([`CrashImages`]: all of them where they are few, and drawn ones of every
//! policy where they are many: all of it, none, prefixes, subsets, torn sectors, torn bytes, zeros and garbage, names
//! without contents and contents without names) and the engine is opened on each. Its content must be what the model was after the
//! first i writes, for one i between the last write that was acknowledged as durable and the last that was begun: nothing
//! lost, nothing invented, batches whole, a prefix. `verify` must hold, and the engine must go on working. And recovery itself is cut
//! short at every operation, and begun again; that is done on every eighth image.

use bytes::Bytes;
use seedbed_protocols::storage::{Durability, Engine, Lsn, SnapshotId};
use seedbed_sim::{
    Chance, CrashImages, CrashPolicy, Disk, DiskConfig, DiskFault, DiskFaultKind, FaultId,
    FilePattern, Instant, NodeId, RecordingDisk, SimDisk, Span, Stream, SyncTicket, Syncs,
};

use super::workload::{Mix, apply};
use super::{Model, Subject, Violation, content, difference};

/// How many states of one crash are looked at, at most.
const STATES_MAX: u64 = 12;

/// Of so many images one is crashed again at every operation of its recovery: an opening has many.
const CRASHED_AGAIN_EVERY: usize = 8;

/// A disk whose syncs take a while.
pub fn slow_disk() -> SimDisk {
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

/// A disk that histories run on: it records, whatever else it does.
pub trait Stage: Disk {
    /// The recording disk in it.
    fn recording(&mut self) -> &mut RecordingDisk;
    /// This one as a disk.
    fn as_disk(&mut self) -> &mut dyn Disk;
}

impl Stage for RecordingDisk {
    fn recording(&mut self) -> &mut RecordingDisk {
        self
    }

    fn as_disk(&mut self) -> &mut dyn Disk {
        self
    }
}

/// A run of a history: which states a crash may leave.
#[derive(Debug, Default)]
pub struct History {
    /// The model after each number of writes.
    states: Vec<Model>,
    /// The engine's position after each number of writes.
    positions: Vec<Lsn>,
    /// The disk before each operation on it, with the least and the most writes that may survive a crash there.
    boundaries: Vec<(SimDisk, usize, usize)>,
}

/// A history while it runs.
struct Running<'a> {
    history: History,
    engine: Box<dyn Engine>,
    durability: Durability,
    disk: &'a mut dyn Stage,
    mix: Mix,
    /// Writes that were acknowledged as durable.
    durable: usize,
    /// Syncs that were begun: the ticket, when it is done, and what it covers.
    under_way: Vec<(SyncTicket, Instant, usize)>,
    snapshots: Vec<(SnapshotId, usize)>,
}

impl History {
    /// Runs a random history of so many steps.
    ///
    /// # Errors
    /// What the engine says, and reads that are wrong.
    pub fn run(
        subject: &Subject,
        disk: &mut dyn Stage,
        random: &mut Stream,
        syncs: Syncs,
        steps: usize,
    ) -> Result<Self, Violation> {
        let engine = subject.open(disk.as_disk())?;
        if syncs == Syncs::Lying {
            begin_to_lie(disk.recording().disk_mut());
        }
        let mut running = Running {
            history: Self {
                states: vec![Model::new()],
                positions: vec![Lsn(0)],
                ..Self::default()
            },
            engine,
            durability: subject.options.durability,
            disk,
            mix: Mix::drawn(random),
            durable: 0,
            under_way: Vec::new(),
            snapshots: Vec::new(),
        };
        running.crossed(0);
        for step in 0..steps {
            let acknowledged = running.durable;
            running.step(random, step)?;
            running.crossed(acknowledged);
        }
        let durable = running.durable;
        let begun = running.begun();
        let last = running.disk.recording().disk().clone();
        let mut history = running.history;
        history.boundaries.push((last, durable, begun));
        Ok(history)
    }

    /// How many operations of the disk there were.
    pub fn boundary_count(&self) -> usize {
        self.boundaries.len()
    }

    /// Opens images of every boundary. Returns how many there were.
    ///
    /// # Errors
    /// What was found wrong, and on which image.
    pub fn check(&self, subject: &Subject, random: &mut Stream) -> Result<usize, Violation> {
        let mut images = 0;
        for (at, (disk, durable, begun)) in self.boundaries.iter().enumerate() {
            let legal = &self.states[*durable..=*begun];
            let crash = CrashImages::of(disk, disk.now());
            let states: Vec<_> = crash.states(STATES_MAX, random).collect();
            for state in states {
                let place = || format!("operation {at}, where {}", crash.describe(&state));
                let recovering = check_image(subject, crash.image(&state), legal)
                    .map_err(|violation| violation.at(&place()))?;
                images += 1;
                if images % CRASHED_AGAIN_EVERY > 0 {
                    continue;
                }
                for cut_short in recovering {
                    let again = CrashImages::of(&cut_short, cut_short.now());
                    let second = again.draw(CrashPolicy::Drawn, random);
                    check_image(subject, again.image(&second), legal).map_err(|violation| {
                        let second = again.describe(&second);
                        violation.at(&format!("{}, then {second}", place()))
                    })?;
                    images += 1;
                }
            }
        }
        Ok(images)
    }

    /// Draws one image of a boundary, with the contents that are legal on it.
    pub fn draw_image(&self, at: usize, random: &mut Stream) -> (SimDisk, &[Model]) {
        let (disk, durable, begun) = &self.boundaries[at];
        let crash = CrashImages::of(disk, disk.now());
        let state = crash.draw(CrashPolicy::Drawn, random);
        (crash.image(&state), &self.states[*durable..=*begun])
    }
}

impl Running<'_> {
    fn begun(&self) -> usize {
        self.history.states.len() - 1
    }

    /// Takes over the boundaries that the last step crossed.
    fn crossed(&mut self, durable: usize) {
        let begun = self.begun();
        let crossed = self.disk.recording().take_boundaries().into_iter();
        self.history
            .boundaries
            .extend(crossed.map(|disk| (disk, durable, begun)));
    }

    fn step(&mut self, random: &mut Stream, step: usize) -> Result<(), Violation> {
        match random.below(16) {
            0..=7 => {
                let batch = self.mix.batch(random, step);
                let mut next = self.history.states.last().expect("the empty one").clone();
                apply(&mut next, &batch);
                self.history.states.push(next);
                // Until it is known, no claim of the engine is about this write.
                self.history.positions.push(Lsn(u64::MAX));
                let position = self.engine.write(self.disk.as_disk(), &batch)?;
                *self.history.positions.last_mut().expect("its own") = position;
                if self.durability == Durability::EachWrite {
                    self.durable = self.begun();
                }
            }
            8 => {
                self.engine.sync(self.disk.as_disk())?;
                self.acknowledge(self.begun());
            }
            9 | 10 => self.sync_later()?,
            11 => self.end_a_sync(),
            12 | 13 => {
                let budget = [0, 300, 2000, u64::MAX][random.below(4) as usize];
                self.engine.maintain(self.disk.as_disk(), budget)?;
            }
            14 => {
                let id = self.engine.snapshot();
                self.snapshots.push((id, self.begun()));
            }
            _ => {
                if !self.snapshots.is_empty() {
                    let (id, _) = self.snapshots.remove(0);
                    self.engine.release(id);
                }
            }
        }
        self.believe();
        self.look(random)
    }

    /// What the engine says is durable must be.
    fn believe(&mut self) {
        let durable = self.engine.stats().durable;
        let claimed = self
            .history
            .positions
            .iter()
            .rposition(|position| *position <= durable);
        self.durable = self.durable.max(claimed.unwrap_or(0));
    }

    fn acknowledge(&mut self, covered: usize) {
        if self.durability != Durability::Never {
            self.durable = self.durable.max(covered);
        }
    }

    fn sync_later(&mut self) -> Result<(), Violation> {
        if self.engine.sync_later(self.disk.as_disk())?.is_none() {
            return Ok(());
        }
        let mut begun = Vec::new();
        let disk = self.disk.recording().disk_mut();
        disk.take_pending_syncs(&mut begun);
        for (ticket, completes_at) in begun {
            let covered = self.begun();
            self.under_way.push((ticket, completes_at, covered));
        }
        Ok(())
    }

    fn end_a_sync(&mut self) {
        if self.under_way.is_empty() {
            return;
        }
        let (ticket, completes_at, covered) = self.under_way.remove(0);
        let disk = self.disk.recording().disk_mut();
        disk.begin_handler(disk.now().max(completes_at));
        self.engine.on_synced(ticket);
        self.acknowledge(covered);
    }

    /// Reads a key now, and all of a snapshot now and then.
    fn look(&mut self, random: &mut Stream) -> Result<(), Violation> {
        let key = self.mix.key(random);
        let now = self.history.states.last().expect("the empty one");
        let got = self.engine.get(self.disk.as_disk(), &key, None)?;
        if got.as_ref() != now.get(&key) {
            return Err(Violation(format!("get {key:?} gave {got:?}")));
        }
        if random.below(4) > 0 {
            return Ok(());
        }
        for (id, state) in &self.snapshots {
            let found = content(&mut *self.engine, self.disk.as_disk(), Some(*id), 5)?;
            let expected = &self.history.states[*state];
            if found != *expected {
                let what = difference(&found, expected);
                return Err(Violation(format!("snapshot {}: {what}", id.0)));
            }
        }
        Ok(())
    }
}

/// Opens the engine on an image: its content must be one of `legal`, and it must go on working. Returns the disk before
/// each operation of the recovery.
///
/// # Errors
/// What is wrong.
pub fn check_image(
    subject: &Subject,
    image: SimDisk,
    legal: &[Model],
) -> Result<Vec<SimDisk>, Violation> {
    let mut image = RecordingDisk::new(image);
    let mut engine = subject.open(&mut image)?;
    let recovering = image.take_boundaries();
    let mut image = RecordingDisk::silent(image.disk().clone());
    check_opened(subject, &mut *engine, &mut image, legal)?;
    Ok(recovering)
}

/// Checks an engine that was opened after a crash: its content is one of `legal`, and it goes on working.
///
/// # Errors
/// What is wrong.
pub fn check_opened(
    subject: &Subject,
    engine: &mut dyn Engine,
    disk: &mut dyn Disk,
    legal: &[Model],
) -> Result<(), Violation> {
    engine.verify(disk)?;
    let mut found = content(engine, disk, None, usize::MAX)?;
    if !legal.contains(&found) {
        let newest = legal.last().expect("at least one is legal");
        return Err(Violation(format!(
            "the content is none of the {} that are legal; beside the newest: {}",
            legal.len(),
            difference(&found, newest)
        )));
    }
    let key = Bytes::from_static(b"afterwards");
    engine.put(disk, key.clone(), key.clone())?;
    engine.sync(disk)?;
    engine.maintain(disk, u64::MAX)?;
    found.insert(key.clone(), key);
    let mut reopened = subject.open(disk)?;
    let again = content(&mut *reopened, disk, None, usize::MAX)?;
    if again != found {
        let what = difference(&again, &found);
        return Err(Violation(format!("a second opening found: {what}")));
    }
    Ok(())
}
