//! The pages that a running batch has changed, each as it was before, so that it can be taken back.

use super::pool::Pool;
use super::{Page, PageNo, PageRef, Touch};

/// A page that the running batch has to do with. It is pinned in the pool.
#[derive(Clone, Debug)]
pub(in crate::storage) struct Touched {
    pub(in crate::storage) no: PageNo,
    /// The page before, and whether it was dirty; `None`: it was not in memory, and what it held means nothing.
    pub(in crate::storage) before: Option<(PageRef, bool)>,
    /// Whether `before` was a page in use.
    pub(in crate::storage) was_used: bool,
    /// Whether its content is all new.
    pub(in crate::storage) is_new: bool,
    pub(in crate::storage) is_freed: bool,
    pub(in crate::storage) touch: Touch,
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub(in crate::storage) struct Undo(Vec<Touched>);

impl Undo {
    pub(in crate::storage) fn pages(&self) -> &[Touched] {
        &self.0
    }

    /// What is known of a page that the batch has to do with.
    pub(in crate::storage) fn of(&self, pool: &Pool, no: PageNo) -> Option<&Touched> {
        let pin = pool.peek(no).map_or(0, |frame| frame.pin as usize);
        pin.checked_sub(1).map(|index| &self.0[index])
    }

    /// The page in this frame is about to be changed, or freed.
    pub(in crate::storage) fn touch(
        &mut self,
        pool: &mut Pool,
        frame: usize,
        touch: Touch,
        is_freed: bool,
    ) {
        let frame = pool.frame_mut(frame);
        if frame.pin == 0 {
            self.0.push(Touched {
                no: frame.no,
                before: Some((PageRef::clone(&frame.page), frame.dirty)),
                was_used: true,
                is_new: false,
                is_freed,
                touch,
            });
            frame.pin = self.0.len() as u32;
            return;
        }
        let touched = &mut self.0[frame.pin as usize - 1];
        touched.touch = touched.touch.max(touch);
        touched.is_freed |= is_freed;
    }

    /// The page gets a content that has nothing to do with what it held. The caller has made room in the pool.
    pub(in crate::storage) fn set(
        &mut self,
        pool: &mut Pool,
        no: PageNo,
        page: Page,
        touch: Touch,
    ) {
        let found = pool.find(no);
        let index = found.unwrap_or_else(|| pool.insert(no, PageRef::new(Page::zeroed()), false));
        let frame = pool.frame_mut(index);
        if frame.pin == 0 {
            let before = found.map(|_| (PageRef::clone(&frame.page), frame.dirty));
            self.0.push(Touched {
                no,
                before,
                was_used: false,
                is_new: true,
                is_freed: false,
                touch,
            });
            frame.pin = self.0.len() as u32;
        } else {
            let touched = &mut self.0[frame.pin as usize - 1];
            touched.touch = if touched.is_freed {
                touch
            } else {
                touched.touch.max(touch)
            };
            (touched.is_new, touched.is_freed) = (true, false);
        }
        frame.page = PageRef::new(page);
    }

    /// Every page is as it was before the batch.
    pub(in crate::storage) fn roll_back(&mut self, pool: &mut Pool) {
        for touched in self.0.drain(..).rev() {
            let index = pool.find(touched.no).expect("a pinned page");
            match touched.before {
                None => pool.remove(index),
                Some((page, dirty)) => {
                    let frame = pool.frame_mut(index);
                    (frame.page, frame.dirty, frame.pin) = (page, dirty, 0);
                }
            }
        }
    }

    /// A batch whose pages were let go of already, and may have been written since, has not happened after all.
    pub(in crate::storage) fn take_back(pool: &mut Pool, touched: Vec<Touched>) {
        for touched in touched.into_iter().rev() {
            if let Some(index) = pool.find(touched.no) {
                pool.remove(index);
            }
            if let Some((page, _)) = touched.before {
                pool.insert(touched.no, page, true);
            }
        }
    }

    /// The batch has happened: its pages are let go of.
    pub(in crate::storage) fn settle(&mut self, pool: &mut Pool) -> Vec<Touched> {
        for touched in &self.0 {
            let index = pool.find(touched.no).expect("a pinned page");
            let frame = pool.frame_mut(index);
            (frame.pin, frame.dirty) = (0, true);
        }
        std::mem::take(&mut self.0)
    }
}
