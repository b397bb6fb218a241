//! The faults that hold on a simulated disk, and what they do to its operations.
//!
//! A disk without faults pays for this with one look at an empty [`Option`] in each operation.

use std::collections::BTreeMap;

use super::chunks::{CHUNK_BYTES, Chunks};
use super::directory::Ino;
use super::images::SECTOR_BYTES;
use super::inode::{Damage, Sequence};
use super::sim_disk::{SimDisk, SyncTarget};
use super::{DiskConfig, DiskError, FailedSync, Syncs};
use crate::{Chance, DiskFault, DiskFaultKind, FaultId, Instant, SlowOperations, Span, Stream};

/// The directory's name for patterns and in errors.
pub(super) const DIRECTORY: &str = ".";

/// What holds on a disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Troubles {
    active: Vec<Active>,
    /// Damage that is done when the disk is next used.
    due: Vec<(DiskFault, Stream)>,
}

/// A fault that holds.
#[derive(Clone, Debug)]
struct Active {
    id: FaultId,
    fault: DiskFault,
    since: Instant,
    random: Stream,
    strikes: u32,
    /// For stale reads: the files as they were.
    old: BTreeMap<Ino, Chunks>,
    /// For a disk that is full: how many bytes fit.
    quota: Option<u64>,
}

impl Active {
    /// Whether it strikes an operation on this file, which it could.
    fn strikes(&mut self, file: &str, chance: Chance) -> bool {
        if !self.fault.files.matches(file) {
            return false;
        }
        if chance.count_max.is_some_and(|max| self.strikes >= max) {
            return false;
        }
        let strikes = self.random.chance_per_million(chance.per_million);
        self.strikes += u32::from(strikes);
        strikes
    }
}

impl Troubles {
    /// The first fault of a sort that strikes an operation on this file. All of the sort draw.
    fn struck(
        &mut self,
        file: &str,
        chance_of: fn(&DiskFaultKind) -> Option<Chance>,
    ) -> Option<&mut Active> {
        let mut first = None;
        for (index, active) in self.active.iter_mut().enumerate() {
            if let Some(chance) = chance_of(&active.fault.kind)
                && active.strikes(file, chance)
            {
                first = first.or(Some(index));
            }
        }
        first.map(|index| &mut self.active[index])
    }
}

// What hosts do.
impl SimDisk {
    /// A fault holds from `at` on. What it does to files at once (rot, truncation) is done when the disk is next used.
    /// The disk does not ask whose disk the fault is about.
    pub fn begin_fault(&mut self, id: FaultId, fault: &DiskFault, at: Instant) {
        let random = self.stream_of(fault, at);
        let old = match fault.kind {
            DiskFaultKind::StaleReads(_) => self.files_now(),
            _ => BTreeMap::new(),
        };
        let quota = match fault.kind {
            DiskFaultKind::Full { free_bytes } => {
                Some(self.counters_now().stored_bytes.saturating_add(free_bytes))
            }
            _ => None,
        };
        let troubles = self.troubles.get_or_insert_default();
        if is_damage(&fault.kind) {
            troubles.due.push((fault.clone(), random.clone()));
        }
        troubles.active.push(Active {
            id,
            fault: fault.clone(),
            since: at,
            random,
            strikes: 0,
            old,
            quota,
        });
        self.reckon_config();
    }

    /// The stream of a fault: by what it is and when it begins, and, where several are alike, by how many came before.
    fn stream_of(&self, fault: &DiskFault, at: Instant) -> Stream {
        let active = self.troubles.iter().flat_map(|troubles| &troubles.active);
        let alike = active.filter(|it| it.since == at && it.fault == *fault);
        let (name, files, nanos) = (fault.kind.name(), &fault.files, at.as_nanos());
        self.stream(&format!("{name}/{nanos}/{}/{files}", alike.count()))
    }

    /// A fault is lifted. What it has done to files stays done.
    pub fn end_fault(&mut self, id: FaultId) {
        if let Some(troubles) = &mut self.troubles {
            troubles.active.retain(|active| active.id != id);
        }
        self.forget_troubles();
        self.reckon_config();
    }

    /// Goes back to where nothing has to be looked at, if nothing holds.
    fn forget_troubles(&mut self) {
        let is_over = |it: &&mut Box<Troubles>| it.active.is_empty() && it.due.is_empty();
        if self.troubles.as_mut().filter(is_over).is_some() {
            self.troubles = None;
        }
    }

    /// How many operations a fault that holds has struck; `None` if it does not hold here.
    pub fn fault_strikes(&self, id: FaultId) -> Option<u32> {
        let active = self.troubles.iter().flat_map(|troubles| &troubles.active);
        let mut found = active.filter(|active| active.id == id);
        found.next().map(|active| active.strikes)
    }

    /// What a crash would leave now, but for its choices: the files for stale reads.
    fn files_now(&self) -> BTreeMap<Ino, Chunks> {
        let mut disk = self.clone();
        disk.take_back();
        let files = disk.directory.iter();
        files
            .map(|(_, ino)| (ino, disk.inode(ino).content.clone()))
            .collect()
    }

    /// What operations cost, how much fits, and what a crash leaves: by the disk's own settings and all faults.
    fn reckon_config(&mut self) {
        let mut config = self.standard;
        let active = self.troubles.iter().flat_map(|troubles| &troubles.active);
        for active in active {
            match active.fault.kind {
                DiskFaultKind::Crashes(policy) => config.crash = policy,
                DiskFaultKind::Slow {
                    operations,
                    percent,
                } => slow_down(&mut config, operations, percent),
                _ => {}
            }
            let capacities = config.capacity_bytes.into_iter().chain(active.quota);
            config.capacity_bytes = capacities.min();
        }
        self.config = config;
    }
}

fn is_damage(kind: &DiskFaultKind) -> bool {
    matches!(
        kind,
        DiskFaultKind::BitRot { .. } | DiskFaultKind::Truncation { .. }
    )
}

fn slow_down(config: &mut DiskConfig, operations: SlowOperations, percent: u32) {
    let slow = |span: &mut Span| {
        let nanos = u128::from(span.as_nanos()) * u128::from(percent) / 100;
        *span = Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    };
    slow(&mut config.sync_latency);
    slow(&mut config.sync_per_kib);
    if operations == SlowOperations::All {
        slow(&mut config.read_latency);
        slow(&mut config.read_per_kib);
        slow(&mut config.write_latency);
        slow(&mut config.write_per_kib);
    }
}

// What operations do.
impl SimDisk {
    /// Does the damage that is due.
    #[cold]
    pub(super) fn do_damage(&mut self) {
        let due = match &mut self.troubles {
            Some(troubles) if !troubles.due.is_empty() => std::mem::take(&mut troubles.due),
            _ => return,
        };
        for (fault, mut random) in due {
            let files = self.directory.iter();
            let struck: Vec<(Ino, u64)> = files
                .filter(|(name, _)| fault.files.matches(name))
                .map(|(_, ino)| (ino, self.inode(ino).content.len()))
                .filter(|(_, len)| *len > 0)
                .collect();
            match fault.kind {
                DiskFaultKind::BitRot { bits, offset } => {
                    self.rot(&struck, bits, offset, &mut random);
                }
                DiskFaultKind::Truncation { bytes } => {
                    for (ino, len) in struck {
                        let len = len.saturating_sub(bytes);
                        self.damage(ino, Damage::Cut { len });
                    }
                }
                _ => unreachable!("only damage is due"),
            }
        }
        self.forget_troubles();
    }

    /// Flips so many bits, anywhere or in one byte of each file.
    fn rot(&mut self, files: &[(Ino, u64)], bits: u32, offset: Option<u64>, random: &mut Stream) {
        for _ in 0..bits {
            let mask = 1 << random.below(8);
            if let Some(offset) = offset {
                for (ino, _) in files {
                    self.damage(*ino, Damage::Flip { offset, mask });
                }
                continue;
            }
            let total: u64 = files.iter().map(|(_, len)| len).sum();
            if total > 0 {
                let (ino, offset) = place(files, random.below(total));
                self.damage(ino, Damage::Flip { offset, mask });
            }
        }
    }

    fn damage(&mut self, ino: Ino, damage: Damage) {
        let (sequence, at) = self.next_change();
        let before = self.inode(ino).content.len();
        self.inode_mut(ino).damage(damage, sequence, at);
        self.counters.stored_bytes -= before - self.inode(ino).content.len();
    }

    /// What becomes of a write in trouble; `None`: what becomes of any other.
    #[cold]
    pub(super) fn write_in_trouble(
        &mut self,
        ino: Ino,
        offset: u64,
        bytes: &[u8],
    ) -> Option<Result<(), DiskError>> {
        let name = std::sync::Arc::clone(&self.inode(ino).name);
        let troubles = self.troubles.as_deref_mut()?;
        let error = troubles.struck(&name, |kind| match kind {
            DiskFaultKind::WriteErrors(chance) => Some(*chance),
            _ => None,
        });
        if let Some(active) = error {
            let written = active.random.below(bytes.len() as u64 + 1) as usize;
            self.put(ino, offset, &bytes[..written]);
            return Some(Err(DiskError::Write {
                file: name.to_string(),
                reason: "the device reports an error".to_owned(),
            }));
        }
        let goes_astray = troubles.struck(&name, |kind| match kind {
            DiskFaultKind::MisdirectedWrites(chance) | DiskFaultKind::LostWrites(chance) => {
                Some(*chance)
            }
            _ => None,
        })?;
        let lands = matches!(goes_astray.fault.kind, DiskFaultKind::MisdirectedWrites(_));
        let draw = goes_astray.random.next_u64();
        let end = offset + bytes.len() as u64;
        if end > self.inode(ino).content.len() {
            self.set_len(ino, end);
        }
        if lands && let Some((victim, at)) = self.sector_apart_from(ino, offset, draw) {
            let room = self.inode(victim).content.len() - at;
            let fits = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            self.put(victim, at, &bytes[..fits]);
        }
        self.written(ino, bytes.len());
        Some(Ok(()))
    }

    /// A sector of any file but the one where a write should have landed, by a draw.
    fn sector_apart_from(&self, ino: Ino, offset: u64, draw: u64) -> Option<(Ino, u64)> {
        let files = self.directory.iter();
        let files: Vec<(Ino, u64)> = files
            .map(|(_, ino)| (ino, self.inode(ino).content.len().div_ceil(SECTOR_BYTES)))
            .collect();
        let total: u64 = files.iter().map(|(_, sectors)| sectors).sum();
        if total < 2 {
            return None;
        }
        let drawn = ((u128::from(draw) * u128::from(total)) >> 64) as u64;
        let (victim, sector) = place(&files, drawn);
        if (victim, sector) != (ino, offset / SECTOR_BYTES) {
            return Some((victim, sector * SECTOR_BYTES));
        }
        let (victim, sector) = place(&files, (drawn + 1) % total);
        Some((victim, sector * SECTOR_BYTES))
    }

    /// Puts bytes into a file, whatever faults hold.
    fn put(&mut self, ino: Ino, offset: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let (sequence, at) = self.next_change();
        let before = self.inode(ino).content.len();
        self.inode_mut(ino).write_at(offset, bytes, sequence, at);
        self.counters.stored_bytes += self.inode(ino).content.len() - before;
    }

    fn set_len(&mut self, ino: Ino, len: u64) {
        let (sequence, at) = self.next_change();
        let before = self.inode(ino).content.len();
        self.inode_mut(ino).set_len(len, sequence, at);
        self.counters.stored_bytes += len - before;
    }

    /// A read in trouble waits for a stalled device, and may fail.
    #[cold]
    pub(super) fn read_in_trouble(&mut self, ino: Ino) -> Result<(), DiskError> {
        self.wait_out_stalls();
        let name = std::sync::Arc::clone(&self.inode(ino).name);
        let troubles = self.troubles.as_deref_mut();
        let error = troubles.and_then(|troubles| {
            troubles.struck(&name, |kind| match kind {
                DiskFaultKind::ReadErrors(chance) => Some(*chance),
                _ => None,
            })
        });
        if error.is_none() {
            return Ok(());
        }
        self.counters.reads += 1;
        Err(DiskError::Read {
            file: name.to_string(),
            reason: "the device reports an error".to_owned(),
        })
    }

    /// Puts what blocks held once into the place of what they hold, in what was read.
    #[cold]
    pub(super) fn read_stale(&mut self, ino: Ino, offset: u64, buffer: &mut [u8]) {
        let name = std::sync::Arc::clone(&self.inode(ino).name);
        let Some(troubles) = &mut self.troubles else {
            return;
        };
        for active in &mut troubles.active {
            let DiskFaultKind::StaleReads(chance) = active.fault.kind else {
                continue;
            };
            let block_bytes = CHUNK_BYTES as u64;
            let end = offset + buffer.len() as u64;
            let old_len = active.old.get(&ino).map_or(0, Chunks::len);
            let mut at = offset;
            while at < end.min(old_len.next_multiple_of(block_bytes)) {
                let block_end = (at / block_bytes + 1) * block_bytes;
                let to = block_end.min(end);
                if active.strikes(&name, chance) {
                    let part = &mut buffer[(at - offset) as usize..(to - offset) as usize];
                    part.fill(0);
                    active.old[&ino].read(at, part);
                }
                at = to;
            }
        }
    }

    /// A sync in trouble may fail; `Ok`: how much it will make durable.
    #[cold]
    pub(super) fn sync_in_trouble(&mut self, target: SyncTarget) -> Result<Sequence, DiskError> {
        self.wait_out_stalls_at_device();
        let name = match target {
            SyncTarget::File(ino) => std::sync::Arc::clone(&self.inode(ino).name),
            SyncTarget::Directory => DIRECTORY.into(),
        };
        let Some(troubles) = &mut self.troubles else {
            return Ok(self.sequence);
        };
        let fails = troubles.struck(&name, |kind| match kind {
            DiskFaultKind::SyncErrors(chance) => Some(*chance),
            _ => None,
        });
        if fails.is_some() {
            self.spent.time += self.config.sync_latency;
            if let SyncTarget::File(ino) = target {
                self.fail_sync(ino);
            }
            return Err(DiskError::Sync {
                file: name.to_string(),
                reason: "the device reports an error".to_owned(),
            });
        }
        let lies = troubles.struck(&name, |kind| match kind {
            DiskFaultKind::LyingSyncs(chance) => Some(*chance),
            _ => None,
        });
        Ok(match lies {
            Some(_) => Sequence::default(),
            None => self.honestly_covered(),
        })
    }

    /// What a sync that is begun now makes durable, by the disk's own settings.
    pub(super) fn honestly_covered(&self) -> Sequence {
        match self.config.syncs {
            Syncs::Honest => self.sequence,
            Syncs::Lying => Sequence::default(),
        }
    }

    /// What is dirty in the file is marked clean, and may not be read any more.
    fn fail_sync(&mut self, ino: Ino) {
        let under_way = self.syncs.iter().filter_map(|sync| match sync.target {
            SyncTarget::File(of) if of == ino => Some(sync.covered),
            _ => None,
        });
        let kept = under_way.max().unwrap_or_default();
        let (failed, before) = (self.sequence, self.inode(ino).content.len());
        match self.config.failed_sync {
            FailedSync::StaysVisible => self.inode_mut(ino).lose(kept, failed),
            FailedSync::Reverts => self.inode_mut(ino).revert(kept),
        }
        let after = self.inode(ino).content.len();
        if self.inode(ino).takes_space() {
            self.counters.stored_bytes -= before;
            self.counters.stored_bytes += after;
        }
    }

    fn stalled_until(&self) -> Instant {
        let active = self.troubles.iter().flat_map(|troubles| &troubles.active);
        let ends = active.filter_map(|active| match active.fault.kind {
            DiskFaultKind::Stall { span } => Some(active.since + span),
            _ => None,
        });
        ends.max().unwrap_or(Instant::ZERO)
    }

    fn wait_out_stalls(&mut self) {
        let until = self.stalled_until().max(self.now());
        self.wait_until(until);
    }

    fn wait_out_stalls_at_device(&mut self) {
        self.busy_until = self.busy_until.max(self.stalled_until());
    }
}

/// The file that the `index`-th of all its units is in, and which of its own it is.
fn place(files: &[(Ino, u64)], mut index: u64) -> (Ino, u64) {
    for (ino, count) in files {
        if index < *count {
            return (*ino, index);
        }
        index -= count;
    }
    unreachable!("the index is below the sum")
}
