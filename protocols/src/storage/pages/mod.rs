//! Pages, and the B-tree over them: what the [page B-tree](super::btree) and the [copy-on-write
//! B-tree](super::cow) have in common.
//!
//! A B-tree keeps its keys in order in pages of one size, and finds any of them by reading one page of each level: the
//! root says which child to look in, and so on down to a leaf (Bayer and McCreight, *Organization and Maintenance of Large
//! Ordered Indices*, 1972; DDIA chapter 3). All rows stand in leaves; inner pages hold *separators*, which only direct.
//!
//! ```text
//!                          ┌───────────────────────────┐
//!   inner, level 1         │ ·  "g"  ·  "mango"  ·     │      below "g": the first child; from "g" on: the second; …
//!                          └─┬───────┬───────────┬─────┘
//!             ┌──────────────┘       │           └─────────────┐
//!        ┌────┴────┐            ┌────┴────┐               ┌────┴────┐
//!   leaf │ a  c  f │◄──────────►│ ga kiwi │◄─────────────►│ mango z │     sibling links: in the page B-tree only
//!        └─────────┘            └─────────┘               └─────────┘
//! ```
//!
//! # The bytes of a page
//!
//! A page has 4,096 bytes; page n begins at byte 4,096 × n of its file. Numbers are little-endian, CRC is CRC-32 (IEEE).
//!
//! ```text
//! header, 32 bytes                                             slotted page: leaf and inner
//! ┌────────┬─────┬──────────────────────────────────────┐      ┌────────┬───────┬──────────────┬──────────────┐
//! │ 0..4   │ CRC │ of the page's number (u32, not       │      │ header │ slots │ ──►  hole ◄── │ heap: cells  │
//! │        │     │ stored), then bytes 4..4096          │      └────────┴───────┴──────────────┴──────────────┘
//! │ 4..6   │ u16 │ magic 0x5bed                         │      0        32     32 + 2·count    upper        4096
//! │ 6      │ u8  │ type: 1 leaf, 2 inner, 3 overflow,   │
//! │        │     │ 4 list of free pages                 │      slot: u16, where its cell begins; slots stand in the
//! │ 7      │ u8  │ version of this form: 1              │      order of the keys, cells in any order
//! │ 8..16  │ u64 │ LSN: the log's end after the last    │
//! │        │     │ change (copy-on-write: the epoch in  │      cell of a leaf
//! │        │     │ which the page was made)             │      0..2   u16  k, bytes of key that stand here; high bit:
//! │ 16..18 │ u16 │ count of slots; bytes of an overflow │                  the key goes on elsewhere
//! │        │     │ page; entries of a free list         │      2..4   u16  v, bytes of value; 0xffff: it is elsewhere
//! │ 18..20 │ u16 │ upper: where the heap begins         │      4..    key, [reference], value or reference
//! │ 20..22 │ u16 │ bytes of the heap no slot refers to  │      cell of an inner page
//! │ 22     │ u8  │ level: 0 for a leaf                  │      0..2   u16  k, as above
//! │ 24..28 │ u32 │ left sibling · leftmost child ·      │      2..6   u32  the child for keys from here on
//! │        │     │ next page of a chain or list         │      6..    key, [reference]
//! │ 28..32 │ u32 │ right sibling                        │      reference: length of the whole u32, first page u32
//! └────────┴─────┴──────────────────────────────────────┘
//! ```
//!
//! - The CRC covers the page's number, so that a page found where it was not written is no page.
//! - A cell of at most [`CELL_BYTES_MAX`] bytes stands in the page; else its value goes to a *chain* of overflow pages. Of a
//!   key, the first [`KEY_INLINE_BYTES`] stand in the page and the rest goes to a chain. A comparison reads the chain
//!   only where the first part does not decide.
//! - What a page says is checked when it is read from the disk, in full, before anything trusts an offset in it.
//! - A lookup searches in the bytes of the page; nothing is decoded into another form.
//!
//! # Splits, merges, rebalancing
//!
//! A cell that doesn't fit **splits** the leaf: its cells with the new one are dealt out to two pages as evenly as can be,
//! or to three where one large cell stands between two others that can't share a page with it. When the new cell is the very
//! last of the tree, the old page stays full, so that keys in ascending order fill their pages. The separator for the
//! parent is **abbreviated**: the shortest prefix of the right page's first key that is greater than the left page's last
//! (Bayer and Unterauer, *Prefix B-Trees*, 1977), so that inner pages have many children. A parent without room splits
//! in turn, and the root last of all; that is the only way in which a tree grows higher.
//!
//! A page that is less than a quarter full after a delete **merges** with a sibling if both take at most three quarters
//! of a page, or else their cells are dealt out anew. That changes the separator, and since keys have any length the new one
//! may be longer than the parent has room for: a delete can split its ancestors.
//!
//! # Invariants
//!
//! - Keys ascend strictly within a page; all keys under a child are at least its separator and below the next one.
//! - All leaves are at one depth. No leaf is empty but the root, and no inner page is without a separator.
//! - Each page is reached once: from its parent, from its chain, or from the list of free pages. [`check`] counts.
//!
//! What real systems do and this does not: compress pages and shared prefixes of leaf keys, latch pages for many
//! threads (Lehman and Yao's links), defer or skip merging (PostgreSQL frees only empty pages), direct I/O.

mod balance;
pub(super) mod bulk;
pub(super) mod chain;
pub(super) mod check;
pub(super) mod file;
pub(super) mod meta;
pub(super) mod node;
mod page;
pub(super) mod pool;
pub(super) mod read;
pub(super) mod relocate;
pub(super) mod salvage;
mod table;
pub(super) mod undo;
pub(super) mod write;

pub(super) use page::{CAPACITY_BYTES, HEADER_BYTES, Kind, Page, PageRef};

use seedbed_sim::Disk;

use super::{EngineError, Planted};

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;
/// The longest cell that stands in its page; what is longer sends its value to overflow pages.
pub const CELL_BYTES_MAX: usize = 3072;
/// The most of a key that stands in its page.
pub const KEY_INLINE_BYTES: usize = 512;
/// No tree is higher. A root with two children of two children … would hold more rows than a file has pages.
const HEIGHT_MAX: u8 = 32;

/// The number of a page in its file. 0 is never a page of a tree, and stands for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageNo(pub u32);

impl PageNo {
    /// No page.
    pub const NONE: Self = Self(0);

    /// Whether it is a page at all.
    pub fn is_some(self) -> bool {
        self != Self::NONE
    }

    /// Where it begins in its file, in bytes.
    pub fn offset(self) -> u64 {
        u64::from(self.0) * PAGE_BYTES as u64
    }
}

/// Where a tree begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Root {
    /// The root page.
    pub page: PageNo,
    /// Levels; 1: the root is a leaf.
    pub height: u8,
}

/// What was done to a page, as far as a log has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touch {
    /// A page of a chain was made, whose bytes are those of the row that is being written.
    Chain,
    /// One cell of a leaf was set or removed.
    Cell,
    /// Anything else.
    Shape,
}

/// Pages that can be read.
pub(super) trait ReadPages {
    /// Whether leaves know their siblings.
    const LINKED: bool;

    /// A page, from memory or from the disk, where it was checked.
    fn page(&mut self, disk: &mut dyn Disk, no: PageNo) -> Result<&PageRef, EngineError>;

    /// Whether there is this bug, on purpose.
    fn is_planted(&self, bug: Planted) -> bool;

    /// That a page is not what it should be.
    fn corrupt(&self, no: PageNo, what: &str) -> EngineError;
}

/// Pages that can be changed. All changes of a batch are taken back together if one fails.
pub(super) trait WritePages: ReadPages {
    /// The root of the tree that is being changed.
    fn root(&self) -> Root;

    /// The tree has another root.
    fn set_root(&mut self, root: Root);

    /// The number under which this page may be changed. Where pages are changed in place it is the same one; where they
    /// are not, a copy has been made, and the caller must tell the parent.
    fn own(&mut self, disk: &mut dyn Disk, no: PageNo) -> Result<PageNo, EngineError>;

    /// A page that is owned, for changing it.
    fn page_mut(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
        touch: Touch,
    ) -> Result<&mut Page, EngineError>;

    /// A page that nobody uses. It has no content until [`WritePages::set`] gives it one.
    fn allocate(&mut self, disk: &mut dyn Disk) -> Result<PageNo, EngineError>;

    /// Gives an allocated page its content.
    fn set(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
        page: Page,
        touch: Touch,
    ) -> Result<(), EngineError>;

    /// Nobody uses this page any more.
    fn free(&mut self, disk: &mut dyn Disk, no: PageNo) -> Result<(), EngineError>;
}
