//! Checkpoints: so that redo need not begin at the beginning of time.
//!
//! A checkpoint is *fuzzy*: writes go on between its slices.
//!
//! ```text
//!   begin     the log is made durable and a new segment begun: S batches come before it.
//!             From here on the first change of a page puts its image into the log.
//!   slices    the pages that were dirty at S are written, each as it is now; what changes them later is in the log after S
//!   end       the file is synced · the meta page says "redo from S" · it is synced · old segments are removed
//! ```

use seedbed_sim::Disk;

use super::header::{Header, Meta, TREE_KIND};
use super::store::Store;
use crate::storage::pages::{PAGE_BYTES, PageNo, PageRef, ReadPages, meta};
use crate::storage::{EngineError, Planted, Progress};

/// A checkpoint under way.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    /// Batches before it.
    start: u64,
    /// As it was then.
    header: Header,
    /// Pages that were dirty then and may not have been written since; the last is next.
    todo: Vec<PageNo>,
}

impl Checkpoint {
    /// Begins one.
    pub(super) fn begin(store: &mut Store, disk: &mut dyn Disk) -> Result<Self, EngineError> {
        let options = store.options.clone();
        let rotated = store.log.rotate(disk, &options);
        rotated.map_err(|error| store.noted(error))?;
        let start = store.log.positions.end().0;
        if !store.is_planted(Planted::TreeOmitsImages) {
            store.checkpoint_start = start;
        }
        let mut todo = store.pool.dirty();
        todo.reverse();
        Ok(Self {
            start,
            header: store.header,
            todo,
        })
    }

    /// Pages still to be written.
    pub(super) fn pages_left(&self) -> usize {
        self.todo.len()
    }

    /// Writes about so many bytes of pages.
    pub(super) fn slice(
        &mut self,
        store: &mut Store,
        disk: &mut dyn Disk,
        budget_bytes: u64,
    ) -> Result<u64, EngineError> {
        let most = (budget_bytes / PAGE_BYTES as u64).max(1) as usize;
        let mut pages: Vec<(PageNo, PageRef)> = Vec::new();
        let from = self.todo.len().saturating_sub(most);
        for no in self.todo[from..].iter().rev() {
            if let Some(frame) = store.pool.peek(*no)
                && frame.dirty
            {
                pages.push((*no, PageRef::clone(&frame.page)));
            }
        }
        let durable = store.log.positions.durable().0;
        if pages.iter().any(|(_, page)| page.lsn() > durable)
            && !store.is_planted(Planted::TreeWritesPagesBeforeLog)
        {
            store.force_log(disk)?;
        }
        store.write_pages(disk, &pages)?;
        self.todo.truncate(from);
        Ok((pages.len() * PAGE_BYTES) as u64)
    }

    /// Ends it: all pages are written.
    pub(super) fn end(self, store: &mut Store, disk: &mut dyn Disk) -> Result<(), EngineError> {
        assert!(
            self.todo.is_empty(),
            "{} pages are to be written",
            self.todo.len()
        );
        if !store.is_planted(Planted::TreeForgetsToSyncPages) {
            let synced = store.file.sync(disk);
            synced.map_err(|error| store.noted(error.into()))?;
        }
        let meta = Meta {
            number: store.meta.number + 1,
            redo: self.start,
            header: self.header,
        };
        if store.is_planted(Planted::TreeDropsLogEarly) {
            store.log.drop_before(disk, self.start, 0)?;
        }
        store.write_meta(disk, meta)?;
        let kept = store.settings().log_kept_bytes;
        store.log.drop_before(disk, self.start, kept)
    }
}

impl Store {
    /// Writes a meta page and makes it durable.
    pub(super) fn write_meta(
        &mut self,
        disk: &mut dyn Disk,
        meta: Meta,
    ) -> Result<(), EngineError> {
        self.is_other_meta_torn = true;
        meta::write(
            disk,
            &mut self.file,
            &TREE_KIND,
            meta.number,
            &meta.encode(),
        )?;
        let synced = self.file.sync(disk);
        synced.map_err(|error| self.noted(error.into()))?;
        self.meta = meta;
        self.is_other_meta_torn = false;
        Ok(())
    }
}

/// The checkpoints of an engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Checkpoints {
    pub(super) under_way: Option<Checkpoint>,
    /// Checkpoints that have ended.
    pub(super) count: u64,
}

impl Checkpoints {
    /// Whether one should be begun.
    fn is_due(store: &Store) -> bool {
        store.log.bytes_since(store.checkpoint_start)
            >= store.settings().checkpoint_log_bytes.max(1)
    }

    /// A slice of what is due.
    pub(super) fn maintain(
        &mut self,
        store: &mut Store,
        disk: &mut dyn Disk,
        budget_bytes: u64,
    ) -> Result<Progress, EngineError> {
        let mut progress = Progress::IDLE;
        if self.under_way.is_none() {
            if !Self::is_due(store) {
                return Ok(progress);
            }
            self.under_way = Some(Checkpoint::begin(store, disk)?);
        }
        progress.is_idle = false;
        let checkpoint = self.under_way.as_mut().expect("one is under way");
        while checkpoint.pages_left() > 0 && progress.bytes <= budget_bytes {
            progress.bytes += checkpoint.slice(store, disk, budget_bytes - progress.bytes)?;
            if progress.bytes == budget_bytes {
                break;
            }
        }
        if checkpoint.pages_left() == 0 && progress.bytes <= budget_bytes {
            self.finish(store, disk)?;
            progress.is_idle = !Self::is_due(store);
        }
        Ok(progress)
    }

    fn finish(&mut self, store: &mut Store, disk: &mut dyn Disk) -> Result<(), EngineError> {
        if let Some(checkpoint) = self.under_way.clone() {
            checkpoint.end(store, disk)?;
            self.under_way = None;
            self.count += 1;
        }
        Ok(())
    }

    /// Brings the one that is under way to its end, or does a whole one.
    pub(super) fn run(
        &mut self,
        store: &mut Store,
        disk: &mut dyn Disk,
    ) -> Result<(), EngineError> {
        if self.under_way.is_none() {
            self.under_way = Some(Checkpoint::begin(store, disk)?);
        }
        while let Some(checkpoint) = &mut self.under_way {
            if checkpoint.pages_left() == 0 {
                return self.finish(store, disk);
            }
            checkpoint.slice(store, disk, u64::MAX)?;
        }
        Ok(())
    }

    /// Does what can't wait: the log is much longer than it should be, and nobody calls for maintenance.
    pub(super) fn keep_up(
        &mut self,
        store: &mut Store,
        disk: &mut dyn Disk,
    ) -> Result<(), EngineError> {
        let bound = store
            .settings()
            .checkpoint_log_bytes
            .max(1)
            .saturating_mul(2);
        if store.log.bytes_since(store.meta.redo) > bound {
            self.run(store, disk)?;
        }
        Ok(())
    }
}
