//! One state that a crash may leave, as data.

use std::ops::Range;

use super::OpenFile;
use crate::disk::directory::NameRedo;
use crate::disk::inode::RedoChange;

/// One state that a crash may leave: what survives of each change that was not durable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrashState {
    /// For each file with such changes, in the order in which the files were made.
    pub files: Vec<FileState>,
    /// For each change of a name, in their order: whether it survives.
    pub names: Vec<bool>,
}

/// What survives in one file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileState {
    /// For each of its changes that was not durable, in their order.
    pub changes: Vec<ChangeState>,
    /// What stands where the file became longer and nothing was written.
    pub fill: Fill,
}

/// What survives of one change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChangeState {
    /// The bytes of a write that survive, counted from its first, in ascending order. Empty for other changes.
    pub kept: Vec<Range<usize>>,
    /// Whether the length that it gave to the file survives.
    pub length: bool,
}

/// What stands where a file became longer and nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fill {
    /// Zeros.
    Zeros,
    /// Random bytes, drawn by this number.
    Garbage(u64),
}

impl ChangeState {
    /// Nothing survives.
    pub fn lost() -> Self {
        Self::default()
    }

    /// All of a change of so many bytes survives.
    pub fn whole(byte_count: usize) -> Self {
        Self {
            kept: std::iter::once(0..byte_count)
                .filter(|all| !all.is_empty())
                .collect(),
            length: true,
        }
    }

    /// Only the length survives.
    pub fn length_only() -> Self {
        Self {
            kept: Vec::new(),
            length: true,
        }
    }

    /// Adds bytes behind those that are there.
    pub(super) fn keep(&mut self, range: Range<usize>) {
        match self.kept.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ if range.is_empty() => {}
            _ => self.kept.push(range),
        }
    }
}

pub(super) fn describe(files: &[OpenFile], names: &[NameRedo], state: &CrashState) -> String {
    let mut parts = Vec::new();
    for (file, state) in files.iter().zip(&state.files) {
        for ((index, change), kept) in (1..).zip(file.choices()).zip(&state.changes) {
            let name = &file.name;
            parts.push(format!(
                "{name:?} change {index}: {}",
                of_change(change, kept)
            ));
        }
        if let Fill::Garbage(_) = state.fill {
            parts.push(format!(
                "{:?}: garbage where nothing was written",
                file.name
            ));
        }
    }
    for (redo, survives) in names.iter().zip(&state.names) {
        let what = if *survives { "survives" } else { "is lost" };
        parts.push(format!("{} {what}", redo.change));
    }
    if parts.is_empty() {
        return "nothing was at stake".to_owned();
    }
    parts.join("; ")
}

fn of_change(change: &RedoChange, kept: &ChangeState) -> String {
    let bytes = match change {
        RedoChange::Write { bytes, .. } => bytes.len(),
        _ => 0,
    };
    let length = if kept.length { "" } else { ", length lost" };
    match &kept.kept[..] {
        [all] if *all == (0..bytes) => "survives".to_owned(),
        [] if kept.length && bytes > 0 => "length alone survives".to_owned(),
        [] if kept.length => "survives".to_owned(),
        [] => "is lost".to_owned(),
        ranges => format!("keeps {ranges:?} of {bytes} bytes{length}"),
    }
}
