//! The directory: names, and an undo log of the changes to them that are not durable yet.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::inode::Sequence;
use crate::Instant;

/// A file by its place in the disk's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ino(pub(super) u32);

/// The names as processes see them, and how to get from them to the durable ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    names: BTreeMap<Arc<str>, Ino>,
    /// The newest change is at the back.
    undo: VecDeque<NameUndo>,
}

/// A change to a name that is not durable yet.
#[derive(Clone, Debug)]
struct NameUndo {
    sequence: Sequence,
    /// When the change was made. A crash before this instant means that it never was.
    at: Instant,
    change: NameChange,
}

/// A change, as what is needed to take it back.
#[derive(Clone, Debug)]
enum NameChange {
    Created(Arc<str>),
    Removed(Arc<str>, Ino),
    Renamed {
        from: Arc<str>,
        to: Arc<str>,
        replaced: Option<Ino>,
    },
}

/// A change to a name in the form in which it can be made again.
#[derive(Clone, Debug)]
pub(super) struct NameRedo {
    pub(super) at: Instant,
    pub(super) change: NameRedoChange,
}

#[derive(Clone, Debug)]
pub(super) enum NameRedoChange {
    Create(Arc<str>, Ino),
    Remove(Arc<str>, Ino),
    Rename {
        from: Arc<str>,
        to: Arc<str>,
        ino: Ino,
    },
}

impl Directory {
    pub(super) fn get(&self, name: &str) -> Option<Ino> {
        self.names.get(name).copied()
    }

    /// The names and their files, in byte order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, Ino)> {
        self.names.iter().map(|(name, &ino)| (name, ino))
    }

    pub(super) fn create(&mut self, name: Arc<str>, ino: Ino, sequence: Sequence, at: Instant) {
        let before = self.names.insert(Arc::clone(&name), ino);
        assert_eq!(before, None, "{name:?} is there already");
        self.changed(NameChange::Created(name), sequence, at);
    }

    /// Removes a name; the file it had is kept, in case the name comes back.
    pub(super) fn remove(&mut self, name: &str, sequence: Sequence, at: Instant) -> Option<Ino> {
        let (name, ino) = self.names.remove_entry(name)?;
        self.changed(NameChange::Removed(name, ino), sequence, at);
        Some(ino)
    }

    /// Renames; returns the file and the one it replaced, which is kept in case its name comes back.
    pub(super) fn rename(
        &mut self,
        from: &str,
        to: Arc<str>,
        sequence: Sequence,
        at: Instant,
    ) -> Option<(Ino, Option<Ino>)> {
        let (from, ino) = self.names.remove_entry(from)?;
        let replaced = self.names.insert(Arc::clone(&to), ino);
        let change = NameChange::Renamed { from, to, replaced };
        self.changed(change, sequence, at);
        Some((ino, replaced))
    }

    /// What was changed up to `covered` is durable. Tells of each file whose name can't come back any more.
    pub(super) fn settle(&mut self, covered: Sequence, mut let_go: impl FnMut(Ino)) {
        while self.undo.front().is_some_and(|u| u.sequence <= covered) {
            match self.undo.pop_front().map(|undo| undo.change) {
                Some(NameChange::Removed(_, ino)) => let_go(ino),
                Some(NameChange::Renamed { replaced, .. }) => {
                    replaced.into_iter().for_each(&mut let_go);
                }
                Some(NameChange::Created(_)) | None => {}
            }
        }
    }

    /// Takes back all that is not durable, the newest first.
    pub(super) fn crash(&mut self) {
        while let Some(undo) = self.undo.pop_back() {
            self.undo_one(undo.change);
        }
    }

    /// Takes back all that is not durable, and returns it in the order in which it was made.
    pub(super) fn unwind(&mut self) -> Vec<NameRedo> {
        let mut redos = Vec::with_capacity(self.undo.len());
        while let Some(undo) = self.undo.pop_back() {
            let at = undo.at;
            let change = self.undo_one(undo.change);
            redos.extend(change.map(|change| NameRedo { at, change }));
        }
        redos.reverse();
        redos
    }

    /// Makes a change again, on whatever the names are now. A file has one name: under a new one it leaves the old.
    pub(super) fn redo(&mut self, change: &NameRedoChange) {
        match change {
            NameRedoChange::Create(name, ino) => self.give_name(name, *ino),
            NameRedoChange::Rename { to, ino, .. } => self.give_name(to, *ino),
            NameRedoChange::Remove(name, ino) => {
                if self.get(name) == Some(*ino) {
                    self.names.remove(name);
                }
            }
        }
    }

    fn give_name(&mut self, name: &Arc<str>, ino: Ino) {
        self.names.retain(|_, of| *of != ino);
        self.names.insert(Arc::clone(name), ino);
    }

    fn undo_one(&mut self, change: NameChange) -> Option<NameRedoChange> {
        match change {
            NameChange::Created(name) => {
                let ino = self.names.remove(&name);
                ino.map(|ino| NameRedoChange::Create(name, ino))
            }
            NameChange::Removed(name, ino) => {
                self.names.insert(Arc::clone(&name), ino);
                Some(NameRedoChange::Remove(name, ino))
            }
            NameChange::Renamed { from, to, replaced } => {
                let ino = self.names.remove(&to);
                self.names.extend(ino.map(|ino| (Arc::clone(&from), ino)));
                self.names
                    .extend(replaced.map(|ino| (Arc::clone(&to), ino)));
                ino.map(|ino| NameRedoChange::Rename { from, to, ino })
            }
        }
    }

    fn changed(&mut self, change: NameChange, sequence: Sequence, at: Instant) {
        self.undo.push_back(NameUndo {
            sequence,
            at,
            change,
        });
    }
}
