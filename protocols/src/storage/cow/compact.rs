//! Making the file as short as it can be: pages from its end move to free ones before it, and the end is cut off.
//!
//! Pages are moved as a write would move them, by copying the way down to each; between commits, so that a crash finds the
//! tree before or after. What snapshots hold stays where it is.
//!
//! The way down to a page takes free pages too, and those that it replaces are free only after the next commits. So one round
//! leaves a few pages at the end, and rounds follow as long as the file gets shorter.

use seedbed_sim::Disk;

use super::store::Store;
use crate::storage::EngineError;
use crate::storage::pages::PageNo;
use crate::storage::pages::relocate::relocate;

/// Rounds that are done though they make the file no shorter.
const ROUNDS_MIN: u32 = 2;

/// Free pages that the next commits want in any case.
const FREE_PAGES_WANTED: usize = 8;

impl Store {
    /// See the [module](self). All that was written is durable when this returns.
    pub(super) fn compact(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let mut rounds = 0;
        loop {
            let before = self.tree.page_count;
            self.let_go(disk)?;
            self.move_down(disk)?;
            self.let_go(disk)?;
            self.cut_off(disk)?;
            self.sync(disk)?;
            rounds += 1;
            let is_idle = rounds >= ROUNDS_MIN && self.tree.page_count >= before;
            if is_idle || self.pages.free.len() <= FREE_PAGES_WANTED {
                return Ok(());
            }
        }
    }

    /// Moves pages from the end to free ones before it, as long as there are any.
    fn move_down(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let limit = PageNo(self.tree.page_count - self.pages.free.len() as u32);
        let mut from: Option<Vec<u8>> = None;
        // Without a free page before the limit, moving would make the file longer.
        while self.pages.free.get_min().is_some_and(|no| *no < limit) {
            self.begin();
            match relocate(self, disk, from.as_deref(), limit) {
                Ok(next) => {
                    self.keep();
                    if next.is_none() {
                        break;
                    }
                    from = next;
                }
                Err(error) => {
                    self.roll_back();
                    return Err(self.noted(error));
                }
            }
        }
        Ok(())
    }

    /// Commits until neither meta page needs what was replaced before. The list of free pages of the first of these commits may
    /// have had to go to the end of the file; it needs one more.
    fn let_go(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        for _ in 0..3 {
            self.is_dirty = true;
            self.sync(disk)?;
        }
        Ok(())
    }

    /// Cuts free pages off the end of the file.
    pub(super) fn cut_off(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.mend_other_meta(disk)?;
        self.write_seal_if_possible(disk)?;
        let mut page_count = self.tree.page_count;
        while page_count > 0 && self.pages.free.contains(&PageNo(page_count - 1)) {
            page_count -= 1;
        }
        if page_count < self.tree.page_count {
            disk.truncate(self.file.handle(), PageNo(page_count).offset())?;
            for no in page_count..self.tree.page_count {
                self.pages.free.remove(&PageNo(no));
            }
            self.pool.forget_from(PageNo(page_count));
            self.tree.page_count = page_count;
            self.is_dirty = true;
        }
        Ok(())
    }
}
