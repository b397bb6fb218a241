//! Input and output errors, and no space, at each operation of the disk: once, and for good.
//!
//! A store is filled, opened again, and worked on; the n-th operation from the opening on fails, for every n. What the
//! engine refuses must not have happened: its content is what it was, or it says that it is poisoned and must be opened again.
//! When the trouble is over it goes on working; and whatever was acknowledged as durable survives a crash.

use seedbed_protocols::storage::{Durability, EngineError, EngineKind, Planted};
use seedbed_sim::{
    Chance, CrashImages, CrashPolicy, Disk, DiskCounters, DiskError, DiskFault, DiskFaultKind,
    FaultId, FileHandle, FilePattern, NodeId, OpenMode, Seed, SimDisk, Spent, Stream, SyncTicket,
};

use super::crash::{check_image, check_opened, slow_disk};
use super::workload::{Mix, apply, tiny_options};
use super::{Model, Subject, Violation, content, difference};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The device reports an error, whatever is asked of it.
    Io,
    /// There is no space left.
    NoSpace,
}

/// For how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// One operation.
    Once,
    /// That one and all after it.
    ForGood,
}

/// What an operation touches, as far as trouble is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Touches {
    Reading,
    Growing,
    Syncing,
    /// Names, or lengths: what needs no space.
    Names,
    /// A new name.
    NewName,
}

/// A disk whose n-th operation fails.
#[derive(Clone, Debug)]
pub struct FaultyDisk {
    disk: SimDisk,
    trouble: Trouble,
    lasting: Lasting,
    at: u64,
    count: u64,
    is_on: bool,
}

impl FaultyDisk {
    fn strikes(&mut self) -> bool {
        if !self.is_on {
            return false;
        }
        self.count += 1;
        self.count == self.at || self.count > self.at && self.lasting == Lasting::ForGood
    }

    /// Whether an operation has failed.
    pub fn has_struck(&self) -> bool {
        self.count >= self.at
    }

    fn during<T>(
        &mut self,
        touches: Touches,
        operation: impl FnOnce(&mut SimDisk) -> Result<T, DiskError>,
    ) -> Result<T, DiskError> {
        if !self.strikes() {
            return operation(&mut self.disk);
        }
        let kind = match (self.trouble, touches) {
            (Trouble::Io, Touches::Reading) => DiskFaultKind::ReadErrors(Chance::ALWAYS),
            (Trouble::Io, Touches::Growing) => DiskFaultKind::WriteErrors(Chance::ALWAYS),
            (Trouble::Io, Touches::Syncing) => DiskFaultKind::SyncErrors(Chance::ALWAYS),
            (Trouble::Io, Touches::Names | Touches::NewName) => {
                return Err(DiskError::Write {
                    file: "a name".to_owned(),
                    reason: "the device reports an error".to_owned(),
                });
            }
            (Trouble::NoSpace, Touches::Growing) => DiskFaultKind::Full { free_bytes: 0 },
            (Trouble::NoSpace, Touches::NewName) => {
                return Err(DiskError::Full("a name".to_owned()));
            }
            (Trouble::NoSpace, _) => return operation(&mut self.disk),
        };
        let fault = DiskFault {
            node: NodeId(0),
            files: FilePattern::any(),
            kind,
        };
        let now = self.disk.now();
        self.disk.begin_fault(FaultId(7), &fault, now);
        let result = operation(&mut self.disk);
        self.disk.end_fault(FaultId(7));
        result
    }
}

impl Disk for FaultyDisk {
    fn open(&mut self, name: &str, mode: OpenMode) -> Result<FileHandle, DiskError> {
        let touches = match mode {
            OpenMode::Existing => Touches::Names,
            OpenMode::CreateNew | OpenMode::OpenOrCreate => Touches::NewName,
        };
        self.during(touches, |disk| disk.open(name, mode))
    }

    fn close(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.disk.close(file)
    }

    fn append(&mut self, file: FileHandle, bytes: &[u8]) -> Result<u64, DiskError> {
        self.during(Touches::Growing, |disk| disk.append(file, bytes))
    }

    fn write_at(&mut self, file: FileHandle, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.during(Touches::Growing, |disk| disk.write_at(file, offset, bytes))
    }

    fn read_at(
        &mut self,
        file: FileHandle,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError> {
        self.during(Touches::Reading, |disk| disk.read_at(file, offset, buffer))
    }

    fn len(&mut self, file: FileHandle) -> Result<u64, DiskError> {
        self.disk.len(file)
    }

    fn truncate(&mut self, file: FileHandle, len: u64) -> Result<(), DiskError> {
        self.during(Touches::Names, |disk| disk.truncate(file, len))
    }

    fn sync(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.during(Touches::Syncing, |disk| disk.sync(file))
    }

    fn sync_later(&mut self, file: FileHandle) -> Result<SyncTicket, DiskError> {
        self.during(Touches::Syncing, |disk| disk.sync_later(file))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.during(Touches::Names, |disk| disk.rename(from, to))
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        self.during(Touches::Names, |disk| disk.remove(name))
    }

    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        self.during(Touches::Reading, Disk::list)
    }

    fn sync_dir(&mut self) -> Result<(), DiskError> {
        self.during(Touches::Syncing, Disk::sync_dir)
    }

    fn spent(&self) -> Spent {
        self.disk.spent()
    }

    fn counters(&self) -> DiskCounters {
        self.disk.counters()
    }
}

/// Lets each operation of one seed's run fail. Returns how many runs that were.
///
/// # Errors
/// What was found wrong, and where.
pub fn check_seed(
    kind: EngineKind,
    planted: Planted,
    seed: u64,
    trouble: Trouble,
    lasting: Lasting,
) -> Result<u64, Violation> {
    for at in 1.. {
        let mut random = Stream::named(Seed(seed), "errors");
        let options = tiny_options(&mut random);
        let subject = Subject { kind, options }.with(planted);
        let place =
            format!("engine {kind}, seed {seed}, {trouble:?} {lasting:?} at operation {at}");
        let struck = Run::new(subject, &mut random)
            .and_then(|run| run.with_trouble(&mut random, trouble, lasting, at))
            .map_err(|violation| violation.at(&place))?;
        if !struck {
            return Ok(at - 1);
        }
    }
    unreachable!("a run has an end")
}

/// A store before the trouble.
struct Run {
    subject: Subject,
    disk: SimDisk,
    mix: Mix,
    states: Vec<Model>,
    durable: usize,
}

impl Run {
    fn new(subject: Subject, random: &mut Stream) -> Result<Self, Violation> {
        let mut run = Self {
            disk: slow_disk(),
            mix: Mix::drawn(random),
            states: vec![Model::new()],
            durable: 0,
            subject,
        };
        let mut engine = run.subject.open(&mut run.disk)?;
        for step in 0..15 {
            let batch = run.mix.batch(random, step);
            run.begin(&batch);
            engine.write(&mut run.disk, &batch)?;
        }
        engine.sync(&mut run.disk)?;
        if run.subject.options.durability != Durability::Never {
            run.durable = run.states.len() - 1;
        }
        Ok(run)
    }

    fn begin(&mut self, batch: &[seedbed_protocols::storage::Change]) {
        let mut next = self.states.last().expect("the empty one").clone();
        apply(&mut next, batch);
        self.states.push(next);
    }

    /// Goes on with the trouble; returns whether it came at all.
    fn with_trouble(
        mut self,
        random: &mut Stream,
        trouble: Trouble,
        lasting: Lasting,
        at: u64,
    ) -> Result<bool, Violation> {
        let mut disk = FaultyDisk {
            disk: self.disk.clone(),
            trouble,
            lasting,
            at,
            count: 0,
            is_on: true,
        };
        let mut is_poisoned = false;
        match self.subject.open(&mut disk) {
            Err(EngineError::Disk(_)) => is_poisoned = true,
            Err(other) => return Err(other.into()),
            Ok(mut engine) => {
                for step in 0..12 {
                    if self.step(&mut *engine, &mut disk, random, step)? {
                        is_poisoned = true;
                        break;
                    }
                }
                disk.is_on = false;
                // Background work may have met the trouble in a call that did what it was asked.
                is_poisoned |= engine.get(&mut disk, b"k0", None) == Err(EngineError::Poisoned);
                if !is_poisoned {
                    self.check_unharmed(&mut *engine, &mut disk)?;
                    let verified = engine.verify(&mut disk);
                    verified.map_err(|error| Violation::from(error).at("verified after it"))?;
                }
            }
        }
        disk.is_on = false;
        let legal = &self.states[self.durable..];
        let crash = CrashImages::of(&disk.disk, disk.disk.now());
        for policy in [CrashPolicy::Drop, CrashPolicy::Keep, CrashPolicy::Drawn] {
            let state = crash.draw(policy, random);
            check_image(&self.subject, crash.image(&state), legal)
                .map_err(|violation| violation.at("after a crash"))?;
        }
        let again = self.subject.open(&mut disk);
        let mut again = again.map_err(|error| Violation::from(error).at("opened again"))?;
        // A copy-on-write tree has nothing in its file that was not committed.
        let legal = if is_poisoned || self.subject.kind == EngineKind::Cow {
            legal
        } else {
            &legal[legal.len() - 1..]
        };
        check_opened(&self.subject, &mut *again, &mut disk, legal)
            .map_err(|violation| violation.at("opened again"))?;
        Ok(disk.has_struck())
    }

    /// Does something. Returns whether the engine is poisoned.
    fn step(
        &mut self,
        engine: &mut dyn seedbed_protocols::storage::Engine,
        disk: &mut FaultyDisk,
        random: &mut Stream,
        step: usize,
    ) -> Result<bool, Violation> {
        let durability = self.subject.options.durability;
        let before = self.states.len();
        let done = match random.below(8) {
            0..=3 => {
                let batch = self.mix.batch(random, 100 + step);
                self.begin(&batch);
                let done = engine.write(disk, &batch).map(|_| ());
                if done.is_ok() && durability == Durability::EachWrite {
                    self.durable = self.states.len() - 1;
                }
                done
            }
            4 => {
                let done = engine.sync(disk);
                if done.is_ok() && durability != Durability::Never {
                    self.durable = self.states.len() - 1;
                }
                done
            }
            5 => {
                let key = self.mix.key(random);
                let now = self.states.last().expect("the empty one");
                match engine.get(disk, &key, None) {
                    Ok(got) if got.as_ref() == now.get(&key) => Ok(()),
                    Ok(got) => return Err(Violation(format!("get {key:?} gave {got:?}"))),
                    Err(error) => Err(error),
                }
            }
            _ => {
                let budget = if random.below(2) == 0 { 500 } else { u64::MAX };
                engine.maintain(disk, budget).map(|_| ())
            }
        };
        let Err(error) = done else { return Ok(false) };
        if !matches!(error, EngineError::Disk(_) | EngineError::Poisoned) {
            return Err(error.into());
        }
        disk.is_on = false;
        let is_poisoned = engine.get(disk, b"k0", None) == Err(EngineError::Poisoned);
        if !is_poisoned {
            // What was refused has not happened, and will not.
            self.states.truncate(before);
            self.check_unharmed(engine, disk)?;
        }
        disk.is_on = true;
        Ok(is_poisoned)
    }

    fn check_unharmed(
        &self,
        engine: &mut dyn seedbed_protocols::storage::Engine,
        disk: &mut FaultyDisk,
    ) -> Result<(), Violation> {
        let found = content(engine, disk, None, usize::MAX);
        let found = found.map_err(|error| Violation::from(error).at("read after it"))?;
        let expected = self.states.last().expect("the empty one");
        if found != *expected {
            let what = difference(&found, expected);
            return Err(Violation(format!("after an error: {what}")));
        }
        Ok(())
    }
}
