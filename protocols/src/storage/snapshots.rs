//! Which snapshots an engine has given out, and what each one stands for in it.

use std::collections::BTreeMap;

use super::{EngineError, SnapshotId};

/// The snapshots that are held, each with what the engine needs to read as of it: a length of its log, a version of
/// its map. Numbers are never given out twice.
#[derive(Clone, Debug)]
pub(super) struct Snapshots<T> {
    held: BTreeMap<SnapshotId, T>,
    taken: u64,
}

impl<T> Default for Snapshots<T> {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
            taken: 0,
        }
    }
}

impl<T> Snapshots<T> {
    /// Gives out a snapshot that stands for `content`.
    pub(super) fn take(&mut self, content: T) -> SnapshotId {
        self.taken += 1;
        let id = SnapshotId(self.taken);
        self.held.insert(id, content);
        id
    }

    /// Takes a snapshot back. An unknown one is no error.
    pub(super) fn release(&mut self, id: SnapshotId) {
        self.held.remove(&id);
    }

    /// What a snapshot stands for.
    pub(super) fn get(&self, id: SnapshotId) -> Result<&T, EngineError> {
        self.held.get(&id).ok_or(EngineError::NoSnapshot(id))
    }

    /// How many were ever taken: the number of the newest.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// The oldest that is held.
    pub(super) fn oldest(&self) -> Option<SnapshotId> {
        self.held.keys().next().copied()
    }

    /// What all snapshots that are held stand for, the oldest first.
    pub(super) fn contents(&self) -> impl Iterator<Item = &T> {
        self.held.values()
    }
}
