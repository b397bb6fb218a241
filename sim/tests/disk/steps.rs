//! Random operations on a disk, as data: one list of steps runs on any disk and on the reference.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use seedbed_sim::{Disk, DiskError, FileHandle, OpenMode};

/// One operation. Files are picked among four names, handles among all that were ever opened, closed ones included.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Open(Name, OpenMode),
    Close(Pick),
    Append(Pick, Bytes),
    WriteAt(Pick, u64, Bytes),
    ReadAt(Pick, u64, usize),
    Len(Pick),
    Truncate(Pick, u64),
    Sync(Pick),
    SyncLater(Pick),
    Rename(Name, Name),
    Remove(Name),
    List,
    SyncDir,
}

/// A file's name.
pub(crate) type Name = &'static str;

/// A handle: this many-th of all that were opened, modulo how many there are.
pub(crate) type Pick = usize;

/// Bytes to write: how many, and where counting starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes {
    len: usize,
    first: u8,
}

impl Bytes {
    pub(crate) fn to_vec(self) -> Vec<u8> {
        (0..self.len)
            .map(|n| self.first.wrapping_add((n % 251) as u8))
            .collect()
    }
}

/// What a step returned, where all disks must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing was ever opened, so there was no handle to use.
    Skipped,
    Done,
    Number(u64),
    Read(Vec<u8>),
    Names(Vec<String>),
    NotOpen,
    Refused(DiskError),
}

/// A disk and all handles it ever gave out.
#[derive(Clone, Debug)]
pub(crate) struct Driver<D> {
    pub(crate) disk: D,
    handles: Vec<FileHandle>,
}

impl<D: Disk> Driver<D> {
    pub(crate) fn new(disk: D) -> Self {
        let handles = Vec::new();
        Self { disk, handles }
    }

    /// Runs one step.
    pub(crate) fn apply(&mut self, step: &Step) -> Answer {
        match *step {
            Step::Open(name, mode) => match self.disk.open(name, mode) {
                Ok(file) => {
                    self.handles.push(file);
                    Answer::Done
                }
                Err(error) => Answer::Refused(error),
            },
            Step::Rename(from, to) => done(self.disk.rename(from, to)),
            Step::Remove(name) => done(self.disk.remove(name)),
            Step::List => answer(self.disk.list(), Answer::Names),
            Step::SyncDir => done(self.disk.sync_dir()),
            _ if self.handles.is_empty() => Answer::Skipped,
            ref on_file => match self.apply_to_file(on_file) {
                Answer::Refused(DiskError::NotFound(_)) => Answer::NotOpen,
                answer => answer,
            },
        }
    }

    fn apply_to_file(&mut self, step: &Step) -> Answer {
        let handle = |pick: Pick| self.handles[pick % self.handles.len()];
        let disk = &mut self.disk;
        match *step {
            Step::Close(file) => done(disk.close(handle(file))),
            Step::Append(file, bytes) => {
                answer(disk.append(handle(file), &bytes.to_vec()), Answer::Number)
            }
            Step::WriteAt(file, offset, bytes) => {
                done(disk.write_at(handle(file), offset, &bytes.to_vec()))
            }
            Step::ReadAt(file, offset, len) => {
                let mut buffer = vec![0xEE; len];
                let count = disk.read_at(handle(file), offset, &mut buffer);
                answer(count, |count| {
                    buffer.truncate(count);
                    Answer::Read(buffer)
                })
            }
            Step::Len(file) => answer(disk.len(handle(file)), Answer::Number),
            Step::Truncate(file, len) => done(disk.truncate(handle(file), len)),
            Step::Sync(file) => done(disk.sync(handle(file))),
            Step::SyncLater(file) => answer(disk.sync_later(handle(file)), |_| Answer::Done),
            ref other => unreachable!("{other:?} is not an operation on a file"),
        }
    }
}

fn answer<T>(result: Result<T, DiskError>, good: impl FnOnce(T) -> Answer) -> Answer {
    result.map_or_else(Answer::Refused, good)
}

fn done(result: Result<(), DiskError>) -> Answer {
    answer(result, |()| Answer::Done)
}

/// The content of every named file.
pub(crate) fn contents(disk: &mut dyn Disk) -> Vec<(String, Vec<u8>)> {
    let names = disk.list().expect("listing");
    let read = |name: String| {
        let file = disk.open(&name, OpenMode::Existing).expect("opening");
        let len = disk.len(file).expect("a length");
        let mut bytes = vec![0; usize::try_from(len).expect("a short file")];
        assert_eq!(disk.read_at(file, 0, &mut bytes), Ok(bytes.len()));
        disk.close(file).expect("closing");
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

/// Any step. Most writes are short; some cross chunks.
pub(crate) fn any_step() -> impl Strategy<Value = Step> {
    let name = || prop::sample::select(vec!["a", "b", "c", "d"]);
    let mode = prop::sample::select(vec![
        OpenMode::Existing,
        OpenMode::CreateNew,
        OpenMode::OpenOrCreate,
    ]);
    let pick = || 0..64_usize;
    let len = || prop_oneof![4 => 0..40_usize, 1 => 4_000..9_000_usize];
    let offset = || prop_oneof![4 => 0..60_u64, 1 => 4_000..13_000_u64];
    let bytes = || (len(), any::<u8>()).prop_map(|(len, first)| Bytes { len, first });
    prop_oneof![
        4 => (name(), mode).prop_map(|(name, mode)| Step::Open(name, mode)),
        1 => pick().prop_map(Step::Close),
        6 => (pick(), bytes()).prop_map(|(file, bytes)| Step::Append(file, bytes)),
        4 => (pick(), offset(), bytes()).prop_map(|(file, at, bytes)| Step::WriteAt(file, at, bytes)),
        3 => (pick(), offset(), len()).prop_map(|(file, at, len)| Step::ReadAt(file, at, len)),
        1 => pick().prop_map(Step::Len),
        3 => (pick(), offset()).prop_map(|(file, len)| Step::Truncate(file, len)),
        1 => pick().prop_map(Step::Sync),
        2 => pick().prop_map(Step::SyncLater),
        2 => (name(), name()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => name().prop_map(Step::Remove),
        1 => Just(Step::List),
        2 => Just(Step::SyncDir),
    ]
}

/// The same cases at every run.
pub(crate) fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(cases.into()),
        ..Config::default()
    }
}
