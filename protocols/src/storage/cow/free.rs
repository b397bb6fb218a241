//! Which pages may be used again, and when.
//!
//! Time is counted in *epochs*: a new one begins with each commit and each snapshot. A page is born in one epoch and freed in
//! another, and who *holds* an epoch (a snapshot, a meta page) may look at every page that was there at its end:
//!
//! ```text
//!   born ≤ held < freed    the page is needed
//! ```
//!
//! A page that is freed in the epoch in which it was born was seen by nobody and is free at once.

use imbl::OrdSet;

use crate::storage::pages::PageNo;

/// A page that the tree does not use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Freed {
    pub(super) no: PageNo,
    pub(super) born: u64,
    pub(super) freed: u64,
}

impl Freed {
    /// Whether who holds this epoch needs it.
    pub(super) fn is_needed_at(&self, held: u64) -> bool {
        self.born <= held && held < self.freed
    }
}

/// Pages that are not in the tree.
#[derive(Clone, Debug, Default)]
pub(super) struct FreePages {
    /// Those that may be used again.
    pub(super) free: OrdSet<PageNo>,
    /// Those that somebody may still look at, in the order in which they were freed.
    pub(super) waiting: Vec<Freed>,
}

impl FreePages {
    /// Takes the free page with the smallest number, so that the file stays short.
    pub(super) fn take(&mut self) -> Option<PageNo> {
        self.free.remove_min()
    }

    /// Lets those go that none of the epochs `held`, in ascending order, needs any more.
    pub(super) fn release(&mut self, held: &[u64]) {
        let free = &mut self.free;
        self.waiting.retain(|page| {
            let first = held.partition_point(|epoch| *epoch < page.born);
            let needed = held
                .get(first)
                .is_some_and(|epoch| page.is_needed_at(*epoch));
            if !needed {
                free.insert(page.no);
            }
            needed
        });
    }

    /// Pages that are not in the tree.
    pub(super) fn count(&self) -> usize {
        self.free.len() + self.waiting.len()
    }
}

/// Pages in ascending order as runs: the first, and how many.
pub(super) fn runs(pages: impl Iterator<Item = PageNo>) -> Vec<(PageNo, u32)> {
    let mut runs: Vec<(PageNo, u32)> = Vec::new();
    for no in pages {
        match runs.last_mut() {
            Some((first, count)) if first.0 + *count == no.0 => *count += 1,
            _ => runs.push((no, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_free_once_nobody_holds_an_epoch_in_which_it_was_there() {
        let page = |no, born, freed| Freed {
            no: PageNo(no),
            born,
            freed,
        };
        let mut pages = FreePages {
            waiting: vec![page(3, 1, 4), page(4, 4, 6), page(5, 2, 9)],
            ..FreePages::default()
        };
        pages.release(&[3, 6]);
        assert_eq!(pages.waiting, [page(3, 1, 4), page(5, 2, 9)]);
        assert_eq!(pages.take(), Some(PageNo(4)));
        pages.release(&[9]);
        assert_eq!(pages.waiting, []);
        assert_eq!(
            (pages.take(), pages.take()),
            (Some(PageNo(3)), Some(PageNo(5)))
        );
        assert_eq!(pages.take(), None);
    }

    #[test]
    fn runs_are_as_long_as_can_be() {
        let runs = runs([3, 4, 5, 9, 11, 12].map(PageNo).into_iter());
        assert_eq!(runs, [(PageNo(3), 3), (PageNo(9), 1), (PageNo(11), 2)]);
    }
}
