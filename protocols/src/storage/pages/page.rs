//! The bytes of one page: its header, and the checksum over it.

use std::fmt;
use std::sync::Arc;

use super::{PAGE_BYTES, PageNo, node};
use crate::storage::Planted;

/// Bytes of a page's header.
pub(in crate::storage) const HEADER_BYTES: usize = 32;
/// Bytes of a page behind its header.
pub(in crate::storage) const CAPACITY_BYTES: usize = PAGE_BYTES - HEADER_BYTES;

const MAGIC: u16 = 0x5bed;
const VERSION: u8 = 1;

const LSN: usize = 8;
const COUNT: usize = 16;
const UPPER: usize = 18;
const DEAD: usize = 20;
const LEVEL: usize = 22;
const LEFT: usize = 24;
const RIGHT: usize = 28;

/// A page that forks, snapshots and rows share as long as nobody changes it.
pub(in crate::storage) type PageRef = Arc<Page>;

/// What a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum Kind {
    Leaf = 1,
    Inner = 2,
    Overflow = 3,
    Free = 4,
}

/// One page. See the [chapter](super) for its bytes.
#[derive(Clone)]
pub(in crate::storage) struct Page(pub(super) [u8; PAGE_BYTES]);

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.kind(), self.count())
    }
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Page {
    /// An empty page.
    pub(in crate::storage) fn new(kind: Kind, level: u8) -> Self {
        let mut page = Self([0; PAGE_BYTES]);
        page.put_u16(4, MAGIC);
        page.0[6] = kind as u8;
        page.0[7] = VERSION;
        page.0[LEVEL] = level;
        page.put_u16(UPPER, PAGE_BYTES as u16);
        page
    }

    /// Zeros, to be filled from a disk.
    pub(in crate::storage) fn zeroed() -> Self {
        Self([0; PAGE_BYTES])
    }

    pub(in crate::storage) fn bytes_mut(&mut self) -> &mut [u8; PAGE_BYTES] {
        &mut self.0
    }

    pub(in crate::storage) fn bytes(&self) -> &[u8; PAGE_BYTES] {
        &self.0
    }

    /// What it is for, if it says so.
    #[inline]
    pub(in crate::storage) fn kind(&self) -> Option<Kind> {
        match self.0[6] {
            1 => Some(Kind::Leaf),
            2 => Some(Kind::Inner),
            3 => Some(Kind::Overflow),
            4 => Some(Kind::Free),
            _ => None,
        }
    }

    pub(in crate::storage) fn lsn(&self) -> u64 {
        u64::from_le_bytes(self.0[LSN..LSN + 8].try_into().expect("eight bytes"))
    }

    pub(in crate::storage) fn set_lsn(&mut self, lsn: u64) {
        self.0[LSN..LSN + 8].copy_from_slice(&lsn.to_le_bytes());
    }

    /// Slots of a slotted page; bytes of an overflow page; entries of a free list.
    #[inline]
    pub(in crate::storage) fn count(&self) -> usize {
        usize::from(self.u16_at(COUNT))
    }

    pub(in crate::storage) fn set_count(&mut self, count: usize) {
        self.put_u16(COUNT, count as u16);
    }

    /// Where the heap begins.
    #[inline]
    pub(super) fn upper(&self) -> usize {
        usize::from(self.u16_at(UPPER))
    }

    pub(super) fn set_upper(&mut self, upper: usize) {
        self.put_u16(UPPER, upper as u16);
    }

    /// Bytes of the heap that no slot refers to.
    pub(super) fn dead(&self) -> usize {
        usize::from(self.u16_at(DEAD))
    }

    pub(super) fn set_dead(&mut self, dead: usize) {
        self.put_u16(DEAD, dead as u16);
    }

    pub(in crate::storage) fn level(&self) -> u8 {
        self.0[LEVEL]
    }

    /// The left sibling of a leaf; the leftmost child of an inner page; the next page of a chain or a list.
    #[inline]
    pub(in crate::storage) fn left(&self) -> PageNo {
        PageNo(self.u32_at(LEFT))
    }

    pub(in crate::storage) fn set_left(&mut self, no: PageNo) {
        self.put_u32(LEFT, no.0);
    }

    /// The right sibling of a leaf.
    pub(in crate::storage) fn right(&self) -> PageNo {
        PageNo(self.u32_at(RIGHT))
    }

    pub(in crate::storage) fn set_right(&mut self, no: PageNo) {
        self.put_u32(RIGHT, no.0);
    }

    /// Puts the checksum into its place, for writing the page at `no`.
    pub(in crate::storage) fn seal(&mut self, no: PageNo) {
        let crc = self.crc(no);
        self.put_u32(0, crc);
    }

    fn crc(&self, no: PageNo) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&no.0.to_le_bytes());
        hasher.update(&self.0[4..]);
        hasher.finalize()
    }

    /// Checks all that a page must be, whatever tree it is in; says what is wrong.
    pub(in crate::storage) fn check(&self, no: PageNo, planted: Planted) -> Result<(), String> {
        if self.u32_at(0) != self.crc(no) && planted != Planted::IgnoresChecksums {
            return Err("the page fails its checksum".to_owned());
        }
        if self.u16_at(4) != MAGIC {
            return Err(format!("a page begins with {:#06x}", self.u16_at(4)));
        }
        if self.0[7] != VERSION {
            return Err(format!(
                "a page of version {}; this program reads {VERSION}",
                self.0[7]
            ));
        }
        match self.kind() {
            Some(Kind::Leaf | Kind::Inner) => node::check(self),
            Some(Kind::Overflow) if self.count() <= CAPACITY_BYTES => Ok(()),
            Some(Kind::Free) if self.count() <= CAPACITY_BYTES / 4 => Ok(()),
            Some(kind) => Err(format!("a {kind:?} page counts {}", self.count())),
            None => Err(format!("a page has the unknown type {}", self.0[6])),
        }
    }

    /// The two parts of a page that mean something: what is between them is a hole.
    pub(in crate::storage) fn parts(&self) -> (usize, usize) {
        match self.kind() {
            Some(Kind::Leaf | Kind::Inner) => (HEADER_BYTES + 2 * self.count(), self.upper()),
            Some(Kind::Overflow) => (HEADER_BYTES + self.count(), PAGE_BYTES),
            Some(Kind::Free) => (HEADER_BYTES + 4 * self.count(), PAGE_BYTES),
            None => (PAGE_BYTES, PAGE_BYTES),
        }
    }

    #[inline]
    pub(super) fn u16_at(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.0[at..at + 2].try_into().expect("two bytes"))
    }

    #[inline]
    pub(super) fn put_u16(&mut self, at: usize, value: u16) {
        self.0[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }

    #[inline]
    pub(in crate::storage) fn u32_at(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.0[at..at + 4].try_into().expect("four bytes"))
    }

    pub(in crate::storage) fn put_u32(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
}
