//! What a host does with a [`SimDisk`]: handlers, the completion of syncs, and crashes.

use std::sync::Arc;

use super::Spent;
use super::directory::Ino;
use super::images::{CrashImages, CrashPolicy};
use super::inode::Inode;
use super::sim_disk::{SimDisk, SyncTarget};
use crate::{Instant, SyncTicket};

impl SimDisk {
    /// A handler begins, and its body starts to run `at` this instant (its service time is over by then). Its
    /// operations are counted, and its disk time runs, from here. Panics if `at` is before the end of what the last
    /// handler did on this disk: a node does one thing at a time.
    ///
    /// Syncs that had completed by that end are settled here. Those that complete later are not, though they may
    /// have completed at `at`: the node can still crash during the handler's service time, before they do.
    #[inline]
    pub fn begin_handler(&mut self, at: Instant) {
        if self.crashed_at.is_some() {
            self.take_back();
        }
        let last_ended = self.now();
        assert!(
            at >= last_ended,
            "a handler begins at {at}, before the last one is done with the disk at {last_ended}"
        );
        self.settle(last_ended);
        self.base = at;
        self.spent = Spent::default();
    }

    /// Moves the syncs that were begun with `sync_later` since the last call to the end of `out`, each with the
    /// instant at which it completes, in the order in which they do. The host owes the node a callback for each,
    /// unless it crashes before.
    #[inline]
    pub fn take_pending_syncs(&mut self, out: &mut Vec<(SyncTicket, Instant)>) {
        out.append(&mut self.issued);
    }

    /// Promises that no crash comes before `at`, so that what is needed only to undo it can be forgotten.
    /// [`begin_handler`](Self::begin_handler) does so by itself, for the end of the handler before.
    #[inline]
    pub fn settle(&mut self, at: Instant) {
        let at = self.crashed_at.map_or(at, |crashed_at| crashed_at.min(at));
        self.floor = self.floor.max(at);
        while let Some(sync) = self.syncs.front() {
            if sync.completes_at > at {
                break;
            }
            let (target, covered) = (sync.target, sync.covered);
            self.syncs.pop_front();
            match target {
                // A file that is gone was removed durably; one that has its place now has younger changes only.
                SyncTarget::File(ino) => {
                    if let Some(inode) = &mut self.inodes[ino.0 as usize] {
                        inode.settle(covered);
                    }
                }
                SyncTarget::Directory => {
                    let mut let_go = Vec::new();
                    self.directory.settle(covered, |ino| let_go.push(ino));
                    for ino in let_go {
                        self.inode_mut(ino).kept -= 1;
                        self.collect(ino);
                    }
                }
            }
        }
    }

    /// The node is to be killed in the `operation`-th disk operation (from 1) of the first handler that gets so far:
    /// that operation has no effect, and it and all after it fail with [`DiskError::Killed`](super::DiskError).
    pub fn arm_crash(&mut self, operation: u32) {
        assert!(operation > 0, "disk operations are counted from 1");
        self.armed = operation;
    }

    /// Takes [`arm_crash`](Self::arm_crash) back, unless it has killed already.
    pub fn disarm_crash(&mut self) {
        self.armed = 0;
    }

    /// The operation of the running handler that the node was killed in. The host then owes a
    /// [`crash`](Self::crash) at [`now`](Self::now), and forgets the handler's orders that are stamped with this
    /// operation or a later one.
    #[inline]
    pub fn killed_at(&self) -> Option<u32> {
        self.killed
    }

    /// The node crashes `at` this instant, which may be within the last handler's time. What was not durable then
    /// (changes without a sync, and changes whose sync completes later) is gone, or survives in part, as the
    /// [policy](super::CrashPolicy) says; what the handler would only have done later never happened. All handles are stale and all syncs forgotten, and the disk is no longer armed.
    ///
    /// Of two crashes without a handler between them the earlier one counts: a host that knows already that a
    /// handler will kill its node may see another crash come first. Panics if `at` is before an instant up to which
    /// syncs are [settled](Self::settle).
    pub fn crash(&mut self, at: Instant) {
        assert!(
            at >= self.floor,
            "a crash at {at} comes after syncs up to {} were settled",
            self.floor
        );
        if self.crashed_at.is_none_or(|before| at < before) {
            self.crashed_at = Some(at);
            self.crash_policy = self.config.crash;
        }
        let at = self.crashed_at.unwrap_or(at);
        self.handles.clear();
        self.issued.clear();
        self.armed = 0;
        self.killed = None;
        self.base = at;
        self.spent = Spent::default();
    }

    /// Puts an empty disk in the place of this one. Tickets go on counting, and faults go on holding.
    pub fn wipe(&mut self) {
        let tickets = self.tickets;
        let (seed, name) = (self.seed, Arc::clone(&self.name));
        let (config, troubles) = (self.config, self.troubles.take());
        *self = Self::named(self.standard, seed, &name);
        self.config = config;
        self.troubles = troubles;
        self.tickets = tickets;
    }

    /// Takes back what the crash has taken, once the disk is used again and no earlier crash can come any more.
    #[cold]
    pub(super) fn take_back(&mut self) {
        let Some(at) = self.crashed_at else {
            return;
        };
        let is_plain = !self.inodes.iter().flatten().any(|inode| inode.is_eventful);
        if self.crash_policy == CrashPolicy::Drop && is_plain {
            self.settle_crash();
            self.directory.crash();
            self.inodes.iter_mut().flatten().for_each(Inode::crash);
            self.keep_named_files();
            return;
        }
        let images = CrashImages::of_crashed(self.clone());
        let stream = |file: &str| self.stream(&format!("crash/{}/{file}", at.as_nanos()));
        let state = images.draw_apart(self.crash_policy, stream);
        *self = images.image(&state);
    }

    /// Settles what was durable when the node crashed, and forgets the crash and the syncs that it cut short.
    pub(super) fn settle_crash(&mut self) -> Instant {
        let at = self.crashed_at.expect("the node has crashed");
        self.settle(at);
        self.crashed_at = None;
        self.syncs.clear();
        self.busy_until = at;
        at
    }

    /// Nothing is open, and files without a name are gone.
    pub(super) fn keep_named_files(&mut self) {
        for inode in self.inodes.iter_mut().flatten() {
            (inode.named, inode.handles, inode.kept) = (false, 0, 0);
        }
        self.counters.stored_bytes = 0;
        for (name, ino) in self.directory.iter() {
            let inode = self.inodes[ino.0 as usize]
                .as_mut()
                .expect("a durable name's file is kept");
            inode.named = true;
            inode.name = Arc::clone(name);
            self.counters.stored_bytes += inode.content.len();
        }
        for (index, place) in (0..).zip(&mut self.inodes) {
            if place.as_ref().is_some_and(Inode::is_garbage) {
                *place = None;
                self.free_inodes.push(Ino(index));
            }
        }
    }
}
