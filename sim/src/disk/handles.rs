//! Open files by handle: an index for speed, and a generation so that a handle that was given back is refused
//! instead of reaching the file that has its place now.

use super::DiskError;
use crate::FileHandle;

const INDEX_BITS: u32 = 20;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

/// What is open. A stale handle is refused until its slot has been used 4,096 times more.
#[derive(Clone, Debug)]
pub(crate) struct HandleTable<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

/// `handle` is the one that is good now or, in a free slot, the one to hand out next.
#[derive(Clone, Debug)]
struct Slot<T> {
    handle: u32,
    open: Option<T>,
}

impl<T> Default for HandleTable<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> HandleTable<T> {
    /// Opens. Panics at a million open files: whoever gets there has forgotten to close.
    pub(crate) fn insert(&mut self, open: T) -> FileHandle {
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.open = Some(open);
            return FileHandle(slot.handle);
        }
        let handle = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        assert!(handle <= INDEX_MASK, "{handle} files are open at once");
        self.slots.push(Slot {
            handle,
            open: Some(open),
        });
        FileHandle(handle)
    }

    /// What `file` stands for.
    #[inline]
    pub(crate) fn get(&self, file: FileHandle) -> Result<&T, DiskError> {
        match self.slots.get((file.0 & INDEX_MASK) as usize) {
            Some(Slot {
                handle,
                open: Some(open),
            }) if *handle == file.0 => Ok(open),
            _ => Err(not_open(file)),
        }
    }

    /// Closes.
    pub(crate) fn remove(&mut self, file: FileHandle) -> Result<T, DiskError> {
        self.get(file)?;
        let index = file.0 & INDEX_MASK;
        self.free.push(index);
        let slot = &mut self.slots[index as usize];
        slot.handle = slot.handle.wrapping_add(1 << INDEX_BITS);
        slot.open.take().ok_or_else(|| not_open(file))
    }

    /// Everything open, to change it in place.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|slot| slot.open.as_mut())
    }

    /// Closes everything; every handle given out so far is stale from here on.
    pub(crate) fn clear(&mut self) {
        for (index, slot) in (0..).zip(&mut self.slots) {
            if slot.open.take().is_some() {
                slot.handle = slot.handle.wrapping_add(1 << INDEX_BITS);
                self.free.push(index);
            }
        }
    }
}

#[cold]
fn not_open(file: FileHandle) -> DiskError {
    DiskError::NotFound(format!("{file} (not open)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_given_back_does_not_reach_the_next_file_in_its_place() {
        let mut table = HandleTable::default();
        let first = table.insert("first");
        assert_eq!(table.remove(first), Ok("first"));
        let second = table.insert("second");
        assert_ne!(first, second);
        assert!(table.get(first).is_err());
        assert!(table.remove(first).is_err());
        assert_eq!(table.get(second), Ok(&"second"));
    }

    #[test]
    fn clearing_makes_every_handle_stale_and_reuses_the_slots() {
        let mut table = HandleTable::default();
        let old: Vec<_> = (0..3).map(|n| table.insert(n)).collect();
        table.clear();
        let new: Vec<_> = (0..3).map(|n| table.insert(n)).collect();
        assert!(old.iter().all(|&handle| table.get(handle).is_err()));
        assert!(new.iter().all(|&handle| table.get(handle).is_ok()));
        assert_eq!(table.slots.len(), 3);
    }
}
