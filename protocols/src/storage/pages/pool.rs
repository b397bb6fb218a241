//! The buffer pool: pages in memory, no more than a bound.
//!
//! A page that is looked up is *referenced*; who needs a frame turns the hand of a clock over the frames, takes the mark
//! from those that have it and the first frame that has none (CLOCK: Corbató, *A Paging Experiment with the Multics
//! System*, 1968). A *pinned* page stays: those that the running batch has changed are pinned until it has ended. So the
//! bound may be passed for the length of one batch, by as many pages as it changes, and where a full disk takes no page.

use super::table::PageTable;
use super::{PageNo, PageRef};

/// Dirty pages that are written at once to make room.
pub(in crate::storage) const WRITE_BACK_PAGES: usize = 64;
/// How many pages of an operation are remembered, for people.
const TRAIL_MAX: usize = 16;

/// A page in memory.
#[derive(Clone, Debug)]
pub(in crate::storage) struct Frame {
    pub(in crate::storage) no: PageNo,
    pub(in crate::storage) page: PageRef,
    /// Whether the file has something else.
    pub(in crate::storage) dirty: bool,
    /// 0: not pinned; else the place in the batch's list of pages, + 1.
    pub(in crate::storage) pin: u32,
    referenced: bool,
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub(in crate::storage) struct Pool {
    frames: Vec<Frame>,
    table: PageTable,
    hand: usize,
    /// Lookups that found their page, and those that did not.
    pub(in crate::storage) hits: u64,
    pub(in crate::storage) misses: u64,
    /// The pages that the last operation looked at, the first of them.
    pub(in crate::storage) trail: Vec<PageNo>,
}

impl Pool {
    pub(in crate::storage) fn len(&self) -> usize {
        self.frames.len()
    }

    /// The frame of a page, if it is in memory.
    #[inline]
    pub(in crate::storage) fn find(&mut self, no: PageNo) -> Option<usize> {
        let index = self.table.get(no.0)?;
        self.frames[index].referenced = true;
        Some(index)
    }

    /// The frame of a page that an operation wants to see, if it is in memory. Is counted, and remembered.
    #[inline]
    pub(in crate::storage) fn look_up(&mut self, no: PageNo) -> Option<usize> {
        if self.trail.len() < TRAIL_MAX && self.trail.last() != Some(&no) {
            self.trail.push(no);
        }
        let found = self.find(no);
        match found {
            Some(_) => self.hits += 1,
            None => self.misses += 1,
        }
        found
    }

    /// The frame of a page, if it is in memory, without counting as a look at it.
    pub(in crate::storage) fn peek(&self, no: PageNo) -> Option<&Frame> {
        self.table.get(no.0).map(|index| &self.frames[index])
    }

    #[inline]
    pub(in crate::storage) fn frame(&self, index: usize) -> &Frame {
        &self.frames[index]
    }

    #[inline]
    pub(in crate::storage) fn frame_mut(&mut self, index: usize) -> &mut Frame {
        &mut self.frames[index]
    }

    /// Takes in a page that is not in memory; the caller has made room. Returns its frame.
    pub(in crate::storage) fn insert(&mut self, no: PageNo, page: PageRef, dirty: bool) -> usize {
        let index = self.frames.len();
        self.frames.push(Frame {
            no,
            page,
            dirty,
            pin: 0,
            referenced: true,
        });
        self.table.set(no.0, index);
        index
    }

    /// Gives a frame up.
    pub(in crate::storage) fn remove(&mut self, index: usize) {
        let gone = self.frames.swap_remove(index);
        self.table.remove(gone.no.0);
        if let Some(moved) = self.frames.get(index) {
            self.table.set(moved.no.0, index);
        }
    }

    /// Drops the pages from this number on.
    pub(in crate::storage) fn forget_from(&mut self, no: PageNo) {
        // From the end: what takes the place of one that goes was looked at already.
        for index in (0..self.frames.len()).rev() {
            if self.frames[index].no >= no {
                self.remove(index);
            }
        }
    }

    /// Drops clean pages until there are fewer than `capacity`, or no more can go. Returns whether there are fewer.
    pub(in crate::storage) fn drop_clean(&mut self, capacity: usize) -> bool {
        let mut steps = 0;
        while self.frames.len() >= capacity.max(1) {
            // Twice round: the first time takes the marks.
            if steps > 2 * self.frames.len() {
                return false;
            }
            steps += 1;
            self.hand = (self.hand + 1) % self.frames.len();
            let frame = &mut self.frames[self.hand];
            if frame.pin != 0 || frame.dirty {
                continue;
            }
            if std::mem::take(&mut frame.referenced) {
                continue;
            }
            self.remove(self.hand);
            if self.frames.is_empty() {
                return true;
            }
        }
        true
    }

    /// At most `count` dirty pages that are not pinned, from the hand on, in the order of their numbers: those that
    /// `may_go`.
    pub(in crate::storage) fn dirty_from_hand(
        &self,
        count: usize,
        may_go: impl Fn(&Frame) -> bool,
    ) -> Vec<(PageNo, PageRef)> {
        let (before, after) = self.frames.split_at(self.hand.min(self.frames.len()));
        let mut pages: Vec<_> = after
            .iter()
            .chain(before)
            .filter(|frame| frame.dirty && frame.pin == 0 && may_go(frame))
            .take(count)
            .map(|frame| (frame.no, PageRef::clone(&frame.page)))
            .collect();
        pages.sort_unstable_by_key(|(no, _)| *no);
        pages
    }

    /// The file has the page as it is in memory.
    pub(in crate::storage) fn mark_clean(&mut self, no: PageNo) {
        if let Some(index) = self.table.get(no.0) {
            self.frames[index].dirty = false;
        }
    }

    /// The numbers of all dirty pages, in order.
    pub(in crate::storage) fn dirty(&self) -> Vec<PageNo> {
        let dirty = self.frames.iter().filter(|frame| frame.dirty);
        let mut numbers: Vec<_> = dirty.map(|frame| frame.no).collect();
        numbers.sort_unstable();
        numbers
    }

    pub(in crate::storage) fn dirty_count(&self) -> usize {
        self.frames.iter().filter(|frame| frame.dirty).count()
    }

    /// All frames, in no order that means anything.
    pub(in crate::storage) fn frames(&self) -> &[Frame] {
        &self.frames
    }
}
