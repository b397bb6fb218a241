//! Crash images: every state that a crash may leave on a disk.
//!
//! What is not durable when the power goes may be there afterwards or not, each part of it by itself. A program that
//! recovers from one such state may fail on another, so that a test which knows one kind of crash proves little:
//! Pillai et al. (*All File Systems Are Not Created Equal*, OSDI 2014, section 3) found 60 vulnerabilities in eleven
//! well-kept applications by building such states from a record of their operations. This module does what their tool
//! ALICE does, on a [`SimDisk`], whose undo log is that record.
//!
//! ```text
//!   durable contents   +  what is not durable, change by change     ─►  a state for each choice
//!   and names             write 1   write 2   cut   rename a→b  …
//!                         ├──┼──┤   ├──┼──┤
//!                         sectors of 512 bytes, and the length by itself
//! ```
//!
//! The *abstract persistence model* (their word) here:
//!
//! - **Writes** survive sector by sector (512 bytes), in any order: a later one may be there while an earlier one is
//!   not. Named policies go further than disks with atomic sectors can: [`CrashPolicy::TornBytes`] tears anywhere.
//! - **The length** that a write gave to its file survives by itself. What lies below the length and was never
//!   written to the device holds zeros or garbage. A hole that a program left on purpose reads as zeros.
//! - **Changes of length** (cutting, extending) survive whole or not at all.
//! - **Names**: each creation, rename and removal survives by itself, whole or not at all, in any order, and whatever
//!   becomes of the file's content. A rename replaces its target in one step. A file has one name.
//! - What a completed sync covers survives. What a *failed* sync covered does not, whatever is synced later.
//!
//! What real disks do besides and this does not: bring back the old content of blocks that were freed and are used
//! again; keep both names of a rename that was cut short, on file systems without a journal.

mod apply;
mod draw;
mod enumerate;
mod policy;
mod record;
mod state;

use std::sync::Arc;

pub use policy::CrashPolicy;
pub use record::RecordingDisk;
pub use state::{ChangeState, CrashState, FileState, Fill};

use super::SimDisk;
use super::directory::{Ino, NameRedo, NameRedoChange};
use super::inode::{Redo, RedoChange, Standing};
use crate::{Instant, Stream};

/// The grain in which disks write: a sector is there whole or not at all.
pub const SECTOR_BYTES: u64 = 512;

/// Every state that one crash of one disk may leave; see the [module](self).
///
/// An image is a [`SimDisk`] on which nothing is open and everything is durable. Images share what they have in common.
#[derive(Clone, Debug)]
pub struct CrashImages {
    /// What is durable for sure, every file that may come back included.
    base: SimDisk,
    files: Vec<OpenFile>,
    names: Vec<NameRedo>,
}

/// A file of which something is not durable.
#[derive(Clone, Debug)]
struct OpenFile {
    ino: Ino,
    name: Arc<str>,
    redos: Vec<Redo>,
}

impl CrashImages {
    /// The states that a crash of `disk` at `at` may leave, which may be within the last handler's time.
    ///
    /// # Panics
    /// When `at` is before an instant up to which syncs are [settled](SimDisk::settle).
    pub fn of(disk: &SimDisk, at: Instant) -> Self {
        let mut crashed = disk.clone();
        crashed.crash(at);
        Self::of_crashed(crashed)
    }

    /// As [`of`](Self::of), of a disk that has crashed already and was not used since.
    pub(super) fn of_crashed(mut base: SimDisk) -> Self {
        let at = base.settle_crash();
        let mut files = Vec::new();
        for (index, place) in (0..).zip(&mut base.inodes) {
            let Some(inode) = place else { continue };
            let mut redos = inode.unwind();
            // What the handler would have done after the crash never happened; damage is nobody's doing.
            redos.retain(|redo| redo.at <= at || matches!(redo.change, RedoChange::Damage(_)));
            redos.retain(|redo| redo.standing != Standing::Lost || redo.is_damage());
            if !redos.is_empty() {
                files.push(OpenFile {
                    ino: Ino(index),
                    name: Arc::clone(&inode.name),
                    redos,
                });
            }
        }
        let mut names = base.directory.unwind();
        names.retain(|redo| redo.at <= at);
        Self { base, files, names }
    }

    /// How many changes are not durable, of contents and of names.
    pub fn change_count(&self) -> usize {
        let changes = self.files.iter().map(|file| file.choices().count());
        changes.sum::<usize>() + self.names.len()
    }

    /// A state as `policy` leaves it, by draws from `random`.
    pub fn draw(&self, policy: CrashPolicy, random: &mut Stream) -> CrashState {
        let files = self.files.iter();
        CrashState {
            files: files.map(|file| draw::file(file, policy, random)).collect(),
            names: draw::names(self.names.len(), policy, random),
        }
    }

    /// As [`draw`](Self::draw), with a stream for each file and one for the names, so that one more change of a file
    /// shifts no draw of another.
    pub(super) fn draw_apart(
        &self,
        policy: CrashPolicy,
        stream: impl Fn(&str) -> Stream,
    ) -> CrashState {
        let files = self.files.iter();
        CrashState {
            files: files
                .map(|file| draw::file(file, policy, &mut stream(&file.name)))
                .collect(),
            names: draw::names(self.names.len(), policy, &mut stream("")),
        }
    }

    /// The disk as the crash leaves it in this state.
    ///
    /// # Panics
    /// When the state is one of other images.
    pub fn image(&self, state: &CrashState) -> SimDisk {
        assert_eq!(state.files.len(), self.files.len(), "a state of this crash");
        assert_eq!(state.names.len(), self.names.len(), "a state of this crash");
        let mut disk = self.base.clone();
        for (file, state) in self.files.iter().zip(&state.files) {
            apply::file(&mut disk.inode_mut(file.ino).content, &file.redos, state);
        }
        for (redo, survives) in self.names.iter().zip(&state.names) {
            if *survives {
                disk.directory.redo(&redo.change);
            }
        }
        disk.keep_named_files();
        disk
    }

    /// What a state keeps, in words: which parts of which changes, file by file, and which names.
    pub fn describe(&self, state: &CrashState) -> String {
        state::describe(&self.files, &self.names, state)
    }
}

impl OpenFile {
    /// The changes that a crash has a choice about.
    fn choices(&self) -> impl Iterator<Item = &RedoChange> {
        let open = self.redos.iter().filter(|redo| redo.is_choice());
        open.map(|redo| &redo.change)
    }
}

impl Redo {
    fn is_damage(&self) -> bool {
        matches!(self.change, RedoChange::Damage(_))
    }

    /// Whether it may survive or not; all else that is here does.
    fn is_choice(&self) -> bool {
        self.standing == Standing::Open && !self.is_damage()
    }
}

impl std::fmt::Display for NameRedoChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Create(name, _) => write!(f, "create {name:?}"),
            Self::Remove(name, _) => write!(f, "remove {name:?}"),
            Self::Rename { from, to, .. } => write!(f, "rename {from:?} to {to:?}"),
        }
    }
}
