//! Making the file as short as it can be: pages from its end move to free ones before it, and the end is cut off.
//!
//! Pages are moved as a write would move them, by copying the way down to each; between commits, so that a crash finds the
//! tree before or after. What snapshots hold stays where it is.

use seedbed_sim::Disk;

use super::store::Store;
use crate::storage::EngineError;
use crate::storage::pages::PageNo;
use crate::storage::pages::relocate::relocate;

impl Store {
    /// See the [module](self). All that was written is durable when this returns.
    pub(super) fn compact(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        self.let_go(disk)?;
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
        self.let_go(disk)?;
        self.cut_off(disk)?;
        self.sync(disk)
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
