//! A disk that is slow and obviously right: a sync keeps a whole copy of the file, and a crash goes back to the last
//! copy whose sync had completed.

use std::collections::BTreeMap;

use seedbed_sim::{DiskCounters, DiskError, Instant, OpenMode, Span};

use crate::steps::{Answer, Name, Pick, Step};

/// What a sync of the reference takes.
pub(crate) const SYNC: Span = Span::from_nanos(100);

/// A value as it was written, and its copies, each with the instant from which it is durable.
#[derive(Clone, Debug, Default)]
struct Copies<T> {
    written: T,
    durable: T,
    syncs: Vec<(Instant, T)>,
}

impl<T: Clone> Copies<T> {
    fn sync(&mut self, completes_at: Instant) {
        self.syncs.push((completes_at, self.written.clone()));
    }

    fn crash(&mut self, crashed_at: Instant) {
        for (completes_at, copy) in std::mem::take(&mut self.syncs) {
            if completes_at <= crashed_at {
                self.durable = copy;
            }
        }
        self.written = self.durable.clone();
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    files: Vec<Copies<Vec<u8>>>,
    names: Copies<BTreeMap<String, usize>>,
    /// All that were ever opened; `None`: closed.
    handles: Vec<Option<usize>>,
    busy_until: Instant,
    pub(crate) counters: DiskCounters,
}

impl Reference {
    /// Runs one step that begins at `now`.
    pub(crate) fn apply(&mut self, step: &Step, now: Instant) -> Answer {
        match *step {
            Step::Open(name, mode) => self.open(name, mode),
            Step::Rename(from, to) => self.rename(from, to),
            Step::Remove(name) => match self.names.written.remove(name) {
                Some(_) => Answer::Done,
                None => not_found(name),
            },
            Step::List => Answer::Names(self.names.written.keys().cloned().collect()),
            Step::SyncDir => {
                self.counters.dir_syncs += 1;
                let done = self.sync_completes(now);
                self.names.sync(done);
                Answer::Done
            }
            Step::Close(pick)
            | Step::Append(pick, _)
            | Step::WriteAt(pick, ..)
            | Step::ReadAt(pick, ..)
            | Step::Len(pick)
            | Step::Truncate(pick, _)
            | Step::Sync(pick)
            | Step::SyncLater(pick) => self.apply_to_file(pick, step, now),
        }
    }

    fn open(&mut self, name: Name, mode: OpenMode) -> Answer {
        let file = match (self.names.written.get(name), mode) {
            (Some(_), OpenMode::CreateNew) => {
                return Answer::Refused(DiskError::AlreadyExists(name.into()));
            }
            (None, OpenMode::Existing) => return not_found(name),
            (Some(&file), _) => file,
            (None, _) => {
                self.files.push(Copies::default());
                let file = self.files.len() - 1;
                self.names.written.insert(name.into(), file);
                file
            }
        };
        self.handles.push(Some(file));
        Answer::Done
    }

    fn rename(&mut self, from: Name, to: Name) -> Answer {
        match self.names.written.remove(from) {
            Some(file) => {
                self.names.written.insert(to.into(), file);
                Answer::Done
            }
            None => not_found(from),
        }
    }

    fn apply_to_file(&mut self, pick: Pick, step: &Step, now: Instant) -> Answer {
        if self.handles.is_empty() {
            return Answer::Skipped;
        }
        let slot = pick % self.handles.len();
        let Some(file) = self.handles[slot] else {
            return Answer::NotOpen;
        };
        let bytes = &mut self.files[file].written;
        let len = bytes.len() as u64;
        match *step {
            Step::Close(_) => self.handles[slot] = None,
            Step::Append(_, more) => {
                bytes.extend(more.to_vec());
                self.count_write(more.to_vec().len());
                return Answer::Number(len);
            }
            Step::WriteAt(_, offset, over) => {
                let (start, over) = (offset as usize, over.to_vec());
                if !over.is_empty() {
                    bytes.resize(bytes.len().max(start + over.len()), 0);
                    bytes[start..start + over.len()].copy_from_slice(&over);
                }
                self.count_write(over.len());
            }
            Step::ReadAt(_, offset, want) => {
                let start = bytes.len().min(offset as usize);
                let end = bytes.len().min(start + want);
                self.counters.reads += 1;
                self.counters.read_bytes += (end - start) as u64;
                return Answer::Read(bytes[start..end].to_vec());
            }
            Step::Len(_) => return Answer::Number(len),
            Step::Truncate(_, len) => bytes.resize(len as usize, 0),
            Step::Sync(_) | Step::SyncLater(_) => {
                self.counters.syncs += 1;
                let done = self.sync_completes(now);
                self.files[file].sync(done);
            }
            ref other => unreachable!("{other:?} is not an operation on a file"),
        }
        Answer::Done
    }

    fn count_write(&mut self, bytes: usize) {
        self.counters.writes += 1;
        self.counters.written_bytes += bytes as u64;
    }

    /// The device does one sync at a time.
    fn sync_completes(&mut self, now: Instant) -> Instant {
        self.busy_until = self.busy_until.max(now) + SYNC;
        self.busy_until
    }

    /// Only what was durable `at` this instant is left.
    pub(crate) fn crash(&mut self, at: Instant) {
        self.files.iter_mut().for_each(|file| file.crash(at));
        self.names.crash(at);
        self.handles.fill(None);
        self.busy_until = at;
    }

    /// Every instant at which a sync completes.
    pub(crate) fn completions(&self) -> impl Iterator<Item = Instant> {
        let of_files = self.files.iter().flat_map(|f| f.syncs.iter().map(|s| s.0));
        of_files.chain(self.names.syncs.iter().map(|s| s.0))
    }

    /// The content of every named file.
    pub(crate) fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let names = self.names.written.iter();
        names
            .map(|(name, &file)| (name.clone(), self.files[file].written.clone()))
            .collect()
    }

    /// Bytes in files that have a name.
    pub(crate) fn named_bytes(&self) -> u64 {
        let contents = self.contents();
        contents.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// Bytes in files that have a name or are open.
    pub(crate) fn named_or_open_bytes(&self) -> u64 {
        let named = self.names.written.values().copied();
        let files: std::collections::BTreeSet<usize> = named
            .chain(self.handles.iter().flatten().copied())
            .collect();
        let lens = files.iter().map(|&file| self.files[file].written.len());
        lens.sum::<usize>() as u64
    }
}

fn not_found(name: Name) -> Answer {
    Answer::Refused(DiskError::NotFound(name.into()))
}
