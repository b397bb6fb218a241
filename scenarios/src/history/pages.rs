//! A vector in shared pages: a clone costs one pointer a page, and only pages that are written to afterwards are
//! copied.

use std::sync::Arc;

const PAGE_LEN: usize = 256;

/// A growing vector that forks cheaply.
#[derive(Clone, Debug)]
pub(crate) struct Pages<T> {
    pages: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            len: 0,
        }
    }
}

impl<T: Clone> Pages<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.pages.get(index / PAGE_LEN)?.get(index % PAGE_LEN)
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let page = self.pages.get_mut(index / PAGE_LEN)?;
        Arc::make_mut(page).get_mut(index % PAGE_LEN)
    }

    pub(crate) fn push(&mut self, value: T) {
        if self.len.is_multiple_of(PAGE_LEN) {
            self.pages.push(Arc::new(Vec::with_capacity(PAGE_LEN)));
        }
        let last = self.pages.last_mut().expect("a page was just made sure of");
        Arc::make_mut(last).push(value);
        self.len += 1;
    }

    /// Fills up with `value` until there are `len`.
    pub(crate) fn grow_to(&mut self, len: usize, value: &T) {
        while self.len < len {
            self.push(value.clone());
        }
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let last = self.pages.last_mut()?;
        let value = Arc::make_mut(last).pop();
        self.len -= 1;
        if self.len.is_multiple_of(PAGE_LEN) {
            self.pages.pop();
        }
        value
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.pages.iter().flat_map(|page| page.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_does_not_see_what_the_other_does() {
        let mut one = Pages::default();
        for n in 0..1_000_u32 {
            one.push(n);
        }
        let mut other = one.clone();
        *other.get_mut(300).expect("it is there") = 7;
        for _ in 0..600 {
            other.pop();
        }
        other.push(9);
        assert_eq!(
            one.iter().copied().collect::<Vec<_>>(),
            (0..1_000).collect::<Vec<_>>()
        );
        let mut expected: Vec<u32> = (0..400).collect();
        expected[300] = 7;
        expected.push(9);
        assert_eq!(other.iter().copied().collect::<Vec<_>>(), expected);
        assert_eq!((other.len(), other.get(401)), (401, None));
    }

    #[test]
    fn popping_to_nothing_and_growing_again_works_at_page_edges() {
        let mut pages = Pages::default();
        pages.grow_to(2 * PAGE_LEN, &1_u8);
        while pages.pop().is_some() {}
        assert_eq!(pages.len(), 0);
        pages.grow_to(PAGE_LEN + 1, &2);
        assert_eq!(pages.get(PAGE_LEN), Some(&2));
        assert_eq!(pages.iter().count(), PAGE_LEN + 1);
    }
}
