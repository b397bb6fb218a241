//! The disk in memory, under virtual time: what processes do with it. What hosts do with it is in `crash`.

use std::collections::VecDeque;
use std::sync::Arc;

use super::config::{DiskConfig, FILE_BYTES_MAX, cost};
use super::directory::{Directory, Ino};
use super::handles::HandleTable;
use super::images::CrashPolicy;
use super::inode::{Inode, Sequence};
use super::names::check_name;
use super::trouble::Troubles;
use super::{Disk, DiskCounters, DiskError, OpenMode, Spent};
use crate::{FileHandle, Instant, Seed, Span, Stream, SyncTicket};

/// A disk in memory that takes virtual time and forgets in a crash what it had not made durable.
///
/// A clone is a fork: it shares the bytes that neither side changes. The host calls
/// [`begin_handler`](Self::begin_handler) before it lends the disk to a handler, [`take_pending_syncs`] after it, and
/// [`crash`](Self::crash) when the node dies. What a handler spends with [`Context::spend`](crate::Context::spend)
/// is not known here: the instants of operations count the disk's own time only, as if all of it came after.
///
/// [`take_pending_syncs`]: Self::take_pending_syncs
#[derive(Clone, Debug)]
pub struct SimDisk {
    /// What it costs and holds now, with the faults that hold.
    pub(super) config: DiskConfig,
    /// What it costs and holds by itself.
    pub(super) standard: DiskConfig,
    /// What names its streams.
    pub(super) seed: Seed,
    pub(super) name: Arc<str>,
    pub(super) inodes: Vec<Option<Inode>>,
    pub(super) free_inodes: Vec<Ino>,
    pub(super) directory: Directory,
    pub(super) handles: HandleTable<Ino>,
    pub(super) counters: DiskCounters,
    /// How many changes were made so far.
    pub(super) sequence: Sequence,
    /// Syncs that may not have completed, in the order in which the device does them.
    pub(super) syncs: VecDeque<PendingSync>,
    /// When the device is done with all of them.
    pub(super) busy_until: Instant,
    /// Tickets that the host has not taken yet.
    pub(super) issued: Vec<(SyncTicket, Instant)>,
    pub(super) tickets: u64,
    /// When the running handler's body began.
    pub(super) base: Instant,
    pub(super) spent: Spent,
    /// No crash comes before this instant: syncs up to it are settled.
    pub(super) floor: Instant,
    /// The operation to be killed in; 0: none.
    pub(super) armed: u32,
    pub(super) killed: Option<u32>,
    /// The node has crashed, and nobody has used the disk since.
    pub(super) crashed_at: Option<Instant>,
    /// What that crash leaves.
    pub(super) crash_policy: CrashPolicy,
    /// The faults that hold, if any.
    pub(super) troubles: Option<Box<Troubles>>,
}

/// A sync on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingSync {
    pub(super) completes_at: Instant,
    pub(super) target: SyncTarget,
    /// It makes changes up to this one durable.
    pub(super) covered: Sequence,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum SyncTarget {
    File(Ino),
    Directory,
}

impl SimDisk {
    /// An empty disk, which draws from streams of its own under seed 0.
    pub fn new(config: DiskConfig) -> Self {
        Self::named(config, Seed(0), "")
    }

    /// An empty disk that draws from streams under `seed` that are named `disk/NAME/...`.
    pub fn named(config: DiskConfig, seed: Seed, name: &str) -> Self {
        Self {
            config,
            standard: config,
            seed,
            name: name.into(),
            inodes: Vec::new(),
            free_inodes: Vec::new(),
            directory: Directory::default(),
            handles: HandleTable::default(),
            counters: DiskCounters::default(),
            sequence: Sequence::default(),
            syncs: VecDeque::new(),
            busy_until: Instant::ZERO,
            issued: Vec::new(),
            tickets: 0,
            base: Instant::ZERO,
            spent: Spent::default(),
            floor: Instant::ZERO,
            armed: 0,
            killed: None,
            crashed_at: None,
            crash_policy: CrashPolicy::Drop,
            troubles: None,
        }
    }

    /// The disk's stream for one purpose.
    pub(super) fn stream(&self, purpose: &str) -> Stream {
        Stream::named(self.seed, &format!("disk/{}/{purpose}", self.name))
    }

    /// What it costs and holds, faults aside.
    #[expect(
        clippy::misnamed_getters,
        reason = "what holds now, with faults, is nobody else's business"
    )]
    pub fn config(&self) -> &DiskConfig {
        &self.standard
    }

    /// The instant at which the next operation begins.
    #[inline]
    pub fn now(&self) -> Instant {
        self.base + self.spent.time
    }

    /// Every operation begins here: it is counted, and may be the one that the node is killed in.
    #[inline]
    fn begin(&mut self) -> Result<(), DiskError> {
        if self.killed.is_some() {
            return Err(DiskError::Killed);
        }
        if self.crashed_at.is_some() {
            self.take_back();
        }
        if self.troubles.is_some() {
            self.do_damage();
        }
        self.spent.operations += 1;
        if self.spent.operations == self.armed {
            self.killed = Some(self.armed);
            return Err(DiskError::Killed);
        }
        Ok(())
    }

    #[inline]
    fn spend(&mut self, latency: Span, per_kib: Span, bytes: usize) {
        self.spent.time += cost(latency, per_kib, bytes as u64);
    }

    fn spend_on_names(&mut self) {
        self.spent.time += self.config.write_latency;
    }

    /// The number and instant of a change that takes effect now.
    #[inline]
    pub(super) fn next_change(&mut self) -> (Sequence, Instant) {
        self.sequence.0 += 1;
        (self.sequence, self.now())
    }

    /// The file behind a handle.
    #[inline]
    fn opened(&self, file: FileHandle) -> Result<(Ino, &Inode), DiskError> {
        let ino = *self.handles.get(file)?;
        Ok((ino, self.inode(ino)))
    }

    #[inline]
    pub(super) fn inode(&self, ino: Ino) -> &Inode {
        self.inodes[ino.0 as usize]
            .as_ref()
            .expect("a file that is referred to is kept")
    }

    #[inline]
    pub(super) fn inode_mut(&mut self, ino: Ino) -> &mut Inode {
        self.inodes[ino.0 as usize]
            .as_mut()
            .expect("a file that is referred to is kept")
    }

    fn create(&mut self, name: &str) -> Ino {
        let name: Arc<str> = name.into();
        let inode = Some(Inode::new(Arc::clone(&name)));
        let ino = if let Some(ino) = self.free_inodes.pop() {
            self.inodes[ino.0 as usize] = inode;
            ino
        } else {
            self.inodes.push(inode);
            let index = self.inodes.len() - 1;
            Ino(u32::try_from(index).expect("fewer than 2^32 files"))
        };
        let (sequence, at) = self.next_change();
        self.directory.create(name, ino, sequence, at);
        ino
    }

    /// Frees the file's place when nothing refers to it.
    pub(super) fn collect(&mut self, ino: Ino) {
        if self.inode(ino).is_garbage() {
            self.inodes[ino.0 as usize] = None;
            self.free_inodes.push(ino);
        }
    }

    /// The file has lost its name, but may get it back in a crash.
    fn unname(&mut self, ino: Ino) {
        let inode = self.inode_mut(ino);
        inode.named = false;
        inode.kept += 1;
        if !inode.takes_space() {
            let freed = inode.content.len();
            self.counters.stored_bytes -= freed;
        }
    }

    /// Refuses a length that is too long for a file, or for the disk.
    #[inline]
    fn check_space(&self, inode: &Inode, end: Option<u64>) -> Result<u64, DiskError> {
        let Some(end) = end.filter(|&end| end <= FILE_BYTES_MAX) else {
            return Err(DiskError::Write {
                file: inode.name.to_string(),
                reason: format!("no file may be longer than {FILE_BYTES_MAX} bytes"),
            });
        };
        let grown = end.saturating_sub(inode.content.len());
        match self.config.capacity_bytes {
            Some(capacity) if grown > 0 && self.counters.stored_bytes + grown > capacity => {
                Err(DiskError::Full(inode.name.to_string()))
            }
            _ => Ok(grown),
        }
    }

    /// A write of `bytes` was made: counts it, and begins to write the file back if too much waits for a sync.
    #[inline]
    pub(super) fn written(&mut self, ino: Ino, bytes: usize) {
        self.counters.writes += 1;
        self.counters.written_bytes += bytes as u64;
        if self.inode(ino).wants_writeback(self.config.writeback_bytes) {
            self.begin_sync(ino, self.honestly_covered());
        }
    }

    /// How much a sync that is begun now will make durable, unless it fails.
    #[inline]
    fn covered(&mut self, target: SyncTarget) -> Result<Sequence, DiskError> {
        if self.troubles.is_some() {
            return self.sync_in_trouble(target);
        }
        Ok(self.honestly_covered())
    }

    /// Hands the device a sync of all that was written to the file so far; returns when it will be done.
    #[inline]
    fn begin_sync(&mut self, ino: Ino, covered: Sequence) -> Instant {
        let bytes = self.inode_mut(ino).sync_begun();
        self.enqueue_sync(SyncTarget::File(ino), bytes, covered)
    }

    #[inline]
    fn enqueue_sync(&mut self, target: SyncTarget, bytes: u64, covered: Sequence) -> Instant {
        let takes = cost(self.config.sync_latency, self.config.sync_per_kib, bytes);
        let completes_at = self.now().max(self.busy_until) + takes;
        self.busy_until = completes_at;
        self.syncs.push_back(PendingSync {
            completes_at,
            target,
            covered,
        });
        completes_at
    }

    /// What was done, and what is stored after a crash that nobody has looked at yet.
    pub(super) fn counters_now(&self) -> DiskCounters {
        if self.crashed_at.is_some() {
            let mut after = self.clone();
            after.take_back();
            return after.counters;
        }
        self.counters
    }

    pub(super) fn wait_until(&mut self, at: Instant) {
        self.spent.time = at.since(self.base);
    }
}

impl Disk for SimDisk {
    fn open(&mut self, name: &str, mode: OpenMode) -> Result<FileHandle, DiskError> {
        self.begin()?;
        check_name(name)?;
        self.spend_on_names();
        let ino = match (self.directory.get(name), mode) {
            (Some(_), OpenMode::CreateNew) => {
                return Err(DiskError::AlreadyExists(name.to_owned()));
            }
            (None, OpenMode::Existing) => return Err(DiskError::NotFound(name.to_owned())),
            (Some(ino), OpenMode::Existing | OpenMode::OpenOrCreate) => ino,
            (None, OpenMode::CreateNew | OpenMode::OpenOrCreate) => self.create(name),
        };
        self.inode_mut(ino).handles += 1;
        Ok(self.handles.insert(ino))
    }

    fn close(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.begin()?;
        let ino = self.handles.remove(file)?;
        self.spend_on_names();
        let inode = self.inode_mut(ino);
        inode.handles -= 1;
        if !inode.takes_space() {
            let freed = inode.content.len();
            self.counters.stored_bytes -= freed;
        }
        self.collect(ino);
        Ok(())
    }

    fn append(&mut self, file: FileHandle, bytes: &[u8]) -> Result<u64, DiskError> {
        self.begin()?;
        let (ino, inode) = self.opened(file)?;
        let offset = inode.content.len();
        let grown = self.check_space(inode, offset.checked_add(bytes.len() as u64))?;
        self.spend(
            self.config.write_latency,
            self.config.write_per_kib,
            bytes.len(),
        );
        if self.troubles.is_some()
            && let Some(done) = self.write_in_trouble(ino, offset, bytes)
        {
            return done.map(|()| offset);
        }
        if !bytes.is_empty() {
            let (sequence, at) = self.next_change();
            self.inode_mut(ino).append(bytes, sequence, at);
            self.counters.stored_bytes += grown;
        }
        self.written(ino, bytes.len());
        Ok(offset)
    }

    fn write_at(&mut self, file: FileHandle, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.begin()?;
        let (ino, inode) = self.opened(file)?;
        let grown = if bytes.is_empty() {
            0
        } else {
            self.check_space(inode, offset.checked_add(bytes.len() as u64))?
        };
        self.spend(
            self.config.write_latency,
            self.config.write_per_kib,
            bytes.len(),
        );
        if self.troubles.is_some()
            && let Some(done) = self.write_in_trouble(ino, offset, bytes)
        {
            return done;
        }
        if !bytes.is_empty() {
            let (sequence, at) = self.next_change();
            self.inode_mut(ino).write_at(offset, bytes, sequence, at);
            self.counters.stored_bytes += grown;
        }
        self.written(ino, bytes.len());
        Ok(())
    }

    fn read_at(
        &mut self,
        file: FileHandle,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError> {
        self.begin()?;
        let ino = *self.handles.get(file)?;
        if self.troubles.is_some() {
            self.read_in_trouble(ino)?;
        }
        let count = self.inode(ino).content.read(offset, buffer);
        if self.troubles.is_some() {
            self.read_stale(ino, offset, &mut buffer[..count]);
        }
        self.spend(self.config.read_latency, self.config.read_per_kib, count);
        self.counters.reads += 1;
        self.counters.read_bytes += count as u64;
        Ok(count)
    }

    fn len(&mut self, file: FileHandle) -> Result<u64, DiskError> {
        self.begin()?;
        Ok(self.opened(file)?.1.content.len())
    }

    fn truncate(&mut self, file: FileHandle, len: u64) -> Result<(), DiskError> {
        self.begin()?;
        let (ino, inode) = self.opened(file)?;
        let len_before = inode.content.len();
        let grown = self.check_space(inode, Some(len))?;
        self.spend(self.config.write_latency, Span::ZERO, 0);
        if len != len_before {
            let (sequence, at) = self.next_change();
            self.inode_mut(ino).set_len(len, sequence, at);
            self.counters.stored_bytes += grown;
            self.counters.stored_bytes -= len_before.saturating_sub(len);
        }
        Ok(())
    }

    fn sync(&mut self, file: FileHandle) -> Result<(), DiskError> {
        self.begin()?;
        let ino = *self.handles.get(file)?;
        self.counters.syncs += 1;
        let covered = self.covered(SyncTarget::File(ino))?;
        let done = self.begin_sync(ino, covered);
        self.wait_until(done);
        Ok(())
    }

    fn sync_later(&mut self, file: FileHandle) -> Result<SyncTicket, DiskError> {
        self.begin()?;
        let ino = *self.handles.get(file)?;
        self.counters.syncs += 1;
        let covered = self.covered(SyncTarget::File(ino))?;
        let done = self.begin_sync(ino, covered);
        self.tickets += 1;
        let ticket = SyncTicket(self.tickets);
        self.issued.push((ticket, done));
        Ok(ticket)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.begin()?;
        check_name(from)?;
        check_name(to)?;
        self.spend_on_names();
        if self.directory.get(from).is_none() {
            return Err(DiskError::NotFound(from.to_owned()));
        }
        if from == to {
            return Ok(());
        }
        let (sequence, at) = self.next_change();
        let new_name: Arc<str> = to.into();
        let renamed = self
            .directory
            .rename(from, Arc::clone(&new_name), sequence, at);
        if let Some((ino, replaced)) = renamed {
            self.inode_mut(ino).name = new_name;
            replaced.into_iter().for_each(|ino| self.unname(ino));
        }
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        self.begin()?;
        check_name(name)?;
        self.spend_on_names();
        if self.directory.get(name).is_none() {
            return Err(DiskError::NotFound(name.to_owned()));
        }
        let (sequence, at) = self.next_change();
        if let Some(ino) = self.directory.remove(name, sequence, at) {
            self.unname(ino);
        }
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        self.begin()?;
        self.spend_on_names();
        let names = self.directory.iter().map(|(name, _)| name.to_string());
        Ok(names.collect())
    }

    fn sync_dir(&mut self) -> Result<(), DiskError> {
        self.begin()?;
        self.counters.dir_syncs += 1;
        let covered = self.covered(SyncTarget::Directory)?;
        let done = self.enqueue_sync(SyncTarget::Directory, 0, covered);
        self.wait_until(done);
        Ok(())
    }

    #[inline]
    fn spent(&self) -> Spent {
        self.spent
    }

    fn die(&mut self) {
        self.killed.get_or_insert(self.spent.operations + 1);
    }

    fn counters(&self) -> DiskCounters {
        self.counters_now()
    }
}
