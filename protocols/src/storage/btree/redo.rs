//! What a batch did, as bytes: the payloads of the log's frames, and how they are done again.
//!
//! ```text
//!   part    1u8 · number of the batch u64 · which part u16 · records
//!   batch   2u8 · number of the batch u64 · parts before it u16 · header (48 bytes, after the batch)
//!               · length of the changes u32 · the changes, as in every engine's log · records
//!
//!   record  1u8 set cell     leaf u32 · slot u16 · flags u8 · change u32 · [page of the key's rest u32]
//!           2u8 remove cell  leaf u32 · slot u16
//!           3u8 chain        flags u8 · change u32 · count u32 · pages u32 …
//!           4u8 image        page u32 · lower u16 · upper u16 · bytes 0..lower and upper..4096 of the page
//!           5u8 difference   page u32 · count u16 · (at u16 · length u16 · bytes) …
//!   flags   1: replaces a cell   2: its value is on a chain   4: the chain is the key's, not the value's
//!   change  where in the changes the put begins
//! ```
//!
//! A batch that would be too long for a frame puts images and differences into parts before it. It is the batch that counts:
//! parts without one are what a crash has left of it.
//!
//! Cells are set again from the changes, which are in the log anyway to be shipped, so that a put costs its key and value
//! once and some twenty bytes. An image is put in whatever the file holds, torn or not. A cell or a difference is done only to
//! a page whose LSN is older than the batch, so that redo can be done any number of times: it is idempotent.

use crate::storage::batch::{self, ChangeView};
use crate::storage::pages::node::LeafCell;
use crate::storage::pages::write::{Put, cell_of};
use crate::storage::pages::{HEADER_BYTES, PAGE_BYTES, Page, PageNo};

use super::header::{HEADER_BYTES as TREE_HEADER_BYTES, Header};

const PART: u8 = 1;
const BATCH: u8 = 2;
const SET_CELL: u8 = 1;
const REMOVE_CELL: u8 = 2;
const CHAIN: u8 = 3;
const IMAGE: u8 = 4;
const DIFFERENCE: u8 = 5;
const REPLACES: u8 = 1;
const VALUE_CHAINED: u8 = 2;
const OF_KEY: u8 = 4;

/// Bytes of a batch's frame besides its changes and records.
pub(super) const BATCH_HEAD_BYTES: usize = 15 + TREE_HEADER_BYTES;

/// Two differences closer than this are one.
const GAP_MIN: usize = 8;

/// What was done to the cells of leaves, in its order.
#[derive(Clone, Debug)]
pub(super) enum CellOp {
    /// A change of the batch set a cell.
    Set {
        /// Where in the changes it begins.
        change: u32,
        put: Put,
    },
    Remove {
        leaf: PageNo,
        slot: usize,
    },
}

/// Pushes a part's head to `out`.
pub(super) fn part_head(number: u64, part: u16, out: &mut Vec<u8>) {
    out.push(PART);
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&part.to_le_bytes());
}

/// Pushes a batch's head and its changes to `out`.
pub(super) fn batch_head(
    number: u64,
    parts: u16,
    header: &Header,
    changes: &[u8],
    out: &mut Vec<u8>,
) {
    out.push(BATCH);
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&parts.to_le_bytes());
    out.extend_from_slice(&header.encode());
    out.extend_from_slice(&(changes.len() as u32).to_le_bytes());
    out.extend_from_slice(changes);
}

/// Pushes the record of a cell that was set, where `is_in_place` says whether its leaf has no other record, and those of
/// the chains it made.
pub(super) fn push_set(change: u32, put: &Put, is_in_place: bool, out: &mut Vec<u8>) {
    let chained = if put.value_chain.is_empty() {
        0
    } else {
        VALUE_CHAINED
    };
    for (flags, pages) in [(OF_KEY, &put.key_chain), (0, &put.value_chain)] {
        if !pages.is_empty() {
            out.push(CHAIN);
            out.push(flags);
            out.extend_from_slice(&change.to_le_bytes());
            out.extend_from_slice(&(pages.len() as u32).to_le_bytes());
            pages
                .iter()
                .for_each(|page| out.extend_from_slice(&page.0.to_le_bytes()));
        }
    }
    if is_in_place {
        let replaces = if put.replaced.is_some() { REPLACES } else { 0 };
        out.push(SET_CELL);
        out.extend_from_slice(&put.leaf.0.to_le_bytes());
        out.extend_from_slice(&(put.slot as u16).to_le_bytes());
        out.push(replaces | chained);
        out.extend_from_slice(&change.to_le_bytes());
        if let Some(rest) = put.key_rest {
            out.extend_from_slice(&rest.0.to_le_bytes());
        }
        if let Some(first) = put.value_chain.first() {
            out.extend_from_slice(&first.0.to_le_bytes());
        }
    }
}

pub(super) fn push_remove(leaf: PageNo, slot: usize, out: &mut Vec<u8>) {
    out.push(REMOVE_CELL);
    out.extend_from_slice(&leaf.0.to_le_bytes());
    out.extend_from_slice(&(slot as u16).to_le_bytes());
}

/// Pushes a page as it is now, without its hole.
pub(super) fn push_image(no: PageNo, page: &Page, out: &mut Vec<u8>) {
    let (lower, upper) = page.parts();
    out.push(IMAGE);
    out.extend_from_slice(&no.0.to_le_bytes());
    out.extend_from_slice(&(lower as u16).to_le_bytes());
    out.extend_from_slice(&(upper as u16).to_le_bytes());
    out.extend_from_slice(&page.bytes()[..lower]);
    out.extend_from_slice(&page.bytes()[upper..]);
}

/// Pushes what is different in a page, or the whole of it where that is shorter.
///
/// The hole of `before` counts as different from anything: a page that comes from an image has zeros there, and not the
/// leftovers that this one has.
pub(super) fn push_difference(no: PageNo, before: &Page, after: &Page, out: &mut Vec<u8>) {
    let ((lower, upper), (old_lower, old_upper)) = (after.parts(), before.parts());
    let mut ranges = Vec::new();
    different(before, after, 4..lower.min(old_lower), &mut ranges);
    add(lower.min(old_lower)..lower, &mut ranges);
    add(upper..upper.max(old_upper), &mut ranges);
    different(before, after, upper.max(old_upper)..PAGE_BYTES, &mut ranges);
    let bytes: usize = ranges.iter().map(|range| 4 + range.len()).sum();
    if bytes > lower + PAGE_BYTES - upper {
        return push_image(no, after, out);
    }
    out.push(DIFFERENCE);
    out.extend_from_slice(&no.0.to_le_bytes());
    out.extend_from_slice(&(ranges.len() as u16).to_le_bytes());
    for range in ranges {
        out.extend_from_slice(&(range.start as u16).to_le_bytes());
        out.extend_from_slice(&(range.len() as u16).to_le_bytes());
        out.extend_from_slice(&after.bytes()[range]);
    }
}

type Range = std::ops::Range<usize>;

/// Adds a range behind those that are there, or to the last of them.
fn add(range: Range, ranges: &mut Vec<Range>) {
    if range.is_empty() {
        return;
    }
    match ranges.last_mut() {
        Some(last) if range.start < last.end + GAP_MIN => last.end = range.end,
        _ => ranges.push(range),
    }
}

fn different(before: &Page, after: &Page, within: Range, ranges: &mut Vec<Range>) {
    let (before, after) = (before.bytes(), after.bytes());
    let mut at = within.start;
    while at < within.end {
        let end = (at + 64).min(within.end);
        if before[at..end] != after[at..end] {
            for byte in at..end {
                if before[byte] != after[byte] {
                    add(byte..byte + 1, ranges);
                }
            }
        }
        at = end;
    }
}

/// A frame's payload, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    Part {
        number: u64,
        part: u16,
        records: &'a [u8],
    },
    Batch {
        number: u64,
        parts: u16,
        header: Header,
        changes: &'a [u8],
        records: &'a [u8],
    },
}

impl<'a> Payload<'a> {
    pub(super) fn read(payload: &'a [u8]) -> Result<Self, String> {
        let mut rest = Reader(payload);
        let kind = rest.u8()?;
        let number = rest.u64()?;
        let parts = rest.u16()?;
        match kind {
            PART => Ok(Self::Part {
                number,
                part: parts,
                records: rest.0,
            }),
            BATCH => {
                let header = rest.take(TREE_HEADER_BYTES)?.try_into().expect("as long");
                let len = rest.u32()? as usize;
                Ok(Self::Batch {
                    number,
                    parts,
                    header: Header::decode(header),
                    changes: rest.take(len)?,
                    records: rest.0,
                })
            }
            other => Err(format!("a frame has the unknown tag {other}")),
        }
    }
}

/// One thing to do again.
#[derive(Debug)]
pub(super) enum Record<'a> {
    Set {
        leaf: PageNo,
        slot: usize,
        replaces: bool,
        cell: LeafCell<'a>,
    },
    Remove {
        leaf: PageNo,
        slot: usize,
    },
    Chain {
        bytes: &'a [u8],
        pages: Vec<PageNo>,
    },
    Image {
        no: PageNo,
        page: Box<Page>,
    },
    Difference {
        no: PageNo,
        pieces: Vec<(usize, &'a [u8])>,
    },
}

/// The records of a payload, in their order. After an error there is no more.
pub(super) fn records<'a>(
    records: &'a [u8],
    changes: &'a [u8],
) -> impl Iterator<Item = Result<Record<'a>, String>> {
    let mut rest = Reader(records);
    std::iter::from_fn(move || {
        if rest.0.is_empty() {
            return None;
        }
        let record = rest.record(changes);
        if record.is_err() {
            rest.0 = &[];
        }
        Some(record)
    })
}

/// Bytes that are taken from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .0
            .split_at_checked(bytes)
            .ok_or("a record is longer than its frame")?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, String> {
        Ok(u16::from_le_bytes(
            self.take(2)?.try_into().expect("two bytes"),
        ))
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(
            self.take(4)?.try_into().expect("four bytes"),
        ))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(
            self.take(8)?.try_into().expect("eight bytes"),
        ))
    }

    fn page(&mut self) -> Result<PageNo, String> {
        Ok(PageNo(self.u32()?))
    }

    fn record(&mut self, changes: &'a [u8]) -> Result<Record<'a>, String> {
        match self.u8()? {
            SET_CELL => self.set_cell(changes),
            REMOVE_CELL => Ok(Record::Remove {
                leaf: self.page()?,
                slot: usize::from(self.u16()?),
            }),
            CHAIN => {
                let flags = self.u8()?;
                let (key, value) = put_at(changes, self.u32()?)?;
                let count = self.u32()? as usize;
                let pages = self.take(count.saturating_mul(4))?.chunks_exact(4);
                let pages = pages
                    .map(|page| PageNo(u32::from_le_bytes(page.try_into().expect("four bytes"))));
                let bytes = if flags & OF_KEY == 0 {
                    value
                } else {
                    key.get(crate::storage::pages::KEY_INLINE_BYTES..)
                        .unwrap_or_default()
                };
                let pages: Vec<_> = pages.collect();
                if pages.len() != crate::storage::pages::chain::page_count(bytes.len()) {
                    return Err("a chain has more pages than it needs, or fewer".to_owned());
                }
                Ok(Record::Chain { bytes, pages })
            }
            IMAGE => {
                let no = self.page()?;
                let (lower, upper) = (usize::from(self.u16()?), usize::from(self.u16()?));
                if lower < HEADER_BYTES || lower > upper || upper > PAGE_BYTES {
                    return Err(format!("an image of bytes to {lower} and from {upper}"));
                }
                let mut page = Box::new(Page::zeroed());
                page.bytes_mut()[..lower].copy_from_slice(self.take(lower)?);
                page.bytes_mut()[upper..].copy_from_slice(self.take(PAGE_BYTES - upper)?);
                Ok(Record::Image { no, page })
            }
            DIFFERENCE => {
                let no = self.page()?;
                let mut pieces = Vec::new();
                for _ in 0..self.u16()? {
                    let (at, len) = (usize::from(self.u16()?), usize::from(self.u16()?));
                    if at + len > PAGE_BYTES {
                        return Err(format!("{len} bytes at {at} of a page"));
                    }
                    pieces.push((at, self.take(len)?));
                }
                Ok(Record::Difference { no, pieces })
            }
            other => Err(format!("a record has the unknown tag {other}")),
        }
    }

    fn set_cell(&mut self, changes: &'a [u8]) -> Result<Record<'a>, String> {
        let (leaf, slot, flags) = (self.page()?, usize::from(self.u16()?), self.u8()?);
        let (key, value) = put_at(changes, self.u32()?)?;
        let rest = if key.len() > crate::storage::pages::KEY_INLINE_BYTES {
            Some(self.page()?)
        } else {
            None
        };
        let chain = if flags & VALUE_CHAINED != 0 {
            Some(self.page()?)
        } else {
            None
        };
        Ok(Record::Set {
            leaf,
            slot,
            replaces: flags & REPLACES != 0,
            cell: cell_of(key, value, rest, chain),
        })
    }
}

/// The key and value of the put that begins there.
fn put_at(changes: &[u8], at: u32) -> Result<(&[u8], &[u8]), String> {
    let from = changes
        .get(at as usize..)
        .ok_or("a record points past the changes")?;
    match batch::changes(from).next() {
        Some(Ok(ChangeView::Put(key, value))) => Ok((key, value)),
        Some(Err(what)) => Err(what),
        _ => Err("a record points to what is no put".to_owned()),
    }
}
