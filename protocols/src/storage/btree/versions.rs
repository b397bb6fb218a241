//! Old versions of pages: what a snapshot reads of a page that was changed after it was taken.
//!
//! A batch that changes a page keeps the page as it was, if a snapshot is held that could ask for it. A page's versions
//! tile the time until its last change:
//!
//! ```text
//!   batch      3            7                 12               now
//!   page 5   ──┤ replaced 3 ├── replaced 7 ───┤── replaced 12 ─┤── in the pool or the file
//!                      ▲ a snapshot at 5 reads the version replaced by batch 7
//! ```
//!
//! They are in memory alone, like snapshots themselves; as many pages as have changed since the oldest snapshot.

use std::collections::BTreeMap;

use crate::storage::pages::{PageNo, PageRef};

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    /// By page and by the number of the batch that replaced it.
    old: BTreeMap<(PageNo, u64), PageRef>,
}

impl Versions {
    /// The batch `replaced_by` is about to change the page. Keeps it, if the newest snapshot that is held has a use for it.
    pub(super) fn keep(&mut self, no: PageNo, replaced_by: u64, newest: u64, page: &PageRef) {
        let versions = self.old.range((no, 0)..=(no, u64::MAX));
        let last = versions.map(|((_, by), _)| *by).next_back();
        if last.is_none_or(|last| last <= newest) {
            self.old.insert((no, replaced_by), PageRef::clone(page));
        }
    }

    /// The page as it was after the batch `at`, if it was changed since.
    pub(super) fn get(&self, no: PageNo, at: u64) -> Option<&PageRef> {
        let versions = self.old.range((no, at + 1)..=(no, u64::MAX));
        versions.map(|(_, page)| page).next()
    }

    /// Drops what none of the snapshots `held`, oldest first, can ask for.
    pub(super) fn prune(&mut self, held: &[u64]) {
        if held.is_empty() {
            self.old.clear();
            return;
        }
        let mut before = (PageNo::NONE, 0);
        self.old.retain(|&(no, by), _| {
            let from = if before.0 == no { before.1 } else { 0 };
            before = (no, by);
            // Some snapshot in from .. by.
            let index = held.partition_point(|at| *at < from);
            held.get(index).is_some_and(|at| *at < by)
        });
    }

    pub(super) fn len(&self) -> usize {
        self.old.len()
    }
}
