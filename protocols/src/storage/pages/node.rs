//! Slotted pages: cells of variable size, found by slots that stand in key order.
//!
//! All of this works on the bytes of one page and needs no other, so that redo can do it again from a log record.

use std::cmp::Ordering;

use super::page::Kind;
use super::{
    CAPACITY_BYTES, CELL_BYTES_MAX, HEADER_BYTES, KEY_INLINE_BYTES, PAGE_BYTES, Page, PageNo,
};
use crate::storage::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

const GOES_ON: u16 = 0x8000;
const ELSEWHERE: u16 = 0xffff;
const SLOT_BYTES: usize = 2;
const REFERENCE_BYTES: usize = 8;

/// Bytes of a cell of a leaf besides its key and value.
pub(in crate::storage) const LEAF_CELL_OVERHEAD: usize = 4;
const INNER_CELL_OVERHEAD: usize = 6;

/// Bytes that stand on a chain of overflow pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct Reference {
    /// Bytes of the whole key or value.
    pub(in crate::storage) whole_bytes: u32,
    /// The first page of the chain.
    pub(in crate::storage) first: PageNo,
}

/// A value as it stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum CellValue<'a> {
    Inline(&'a [u8]),
    /// The whole of it is on a chain.
    Chained(Reference),
}

/// A key as it stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct CellKey<'a> {
    pub(in crate::storage) inline: &'a [u8],
    /// Where it goes on, if it does.
    pub(in crate::storage) rest: Option<Reference>,
}

/// A row as it stands in a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct LeafCell<'a> {
    pub(in crate::storage) key: CellKey<'a>,
    pub(in crate::storage) value: CellValue<'a>,
}

impl LeafCell<'_> {
    /// Bytes it takes, its slot not counted.
    pub(in crate::storage) fn len(&self) -> usize {
        let value = match self.value {
            CellValue::Inline(bytes) => bytes.len(),
            CellValue::Chained(_) => REFERENCE_BYTES,
        };
        let rest = self.key.rest.map_or(0, |_| REFERENCE_BYTES);
        LEAF_CELL_OVERHEAD + self.key.inline.len() + rest + value
    }

    /// Writes it to `out`, which is as long as it.
    fn write(&self, out: &mut [u8]) {
        put_u16(out, 0, key_mark(self.key));
        let at = put_key(out, LEAF_CELL_OVERHEAD, self.key);
        match self.value {
            CellValue::Inline(bytes) => {
                put_u16(out, 2, bytes.len() as u16);
                out[at..].copy_from_slice(bytes);
            }
            CellValue::Chained(reference) => {
                put_u16(out, 2, ELSEWHERE);
                put_reference(out, at, reference);
            }
        }
    }
}

/// Whether a row may stand in its leaf with its whole value.
pub(in crate::storage) fn is_inline(key_bytes: usize, value_bytes: usize) -> bool {
    let rest = if key_bytes > KEY_INLINE_BYTES {
        REFERENCE_BYTES
    } else {
        0
    };
    LEAF_CELL_OVERHEAD + key_bytes.min(KEY_INLINE_BYTES) + rest + value_bytes <= CELL_BYTES_MAX
}

/// The cell of an inner page, as bytes of their own.
pub(in crate::storage) fn inner_cell(key: CellKey<'_>, child: PageNo) -> Vec<u8> {
    let rest = key.rest.map_or(0, |_| REFERENCE_BYTES);
    let mut cell = vec![0; INNER_CELL_OVERHEAD + key.inline.len() + rest];
    put_u16(&mut cell, 0, key_mark(key));
    set_cell_child(&mut cell, child);
    put_key(&mut cell, INNER_CELL_OVERHEAD, key);
    cell
}

/// The child of a cell of an inner page.
pub(in crate::storage) fn cell_child(cell: &[u8]) -> PageNo {
    PageNo(u32::from_le_bytes(
        cell[2..6].try_into().expect("four bytes"),
    ))
}

/// Gives a cell of an inner page another child.
pub(in crate::storage) fn set_cell_child(cell: &mut [u8], child: PageNo) {
    cell[2..6].copy_from_slice(&child.0.to_le_bytes());
}

/// The key of a cell of an inner page.
pub(in crate::storage) fn cell_key(cell: &[u8]) -> CellKey<'_> {
    key_in(cell, INNER_CELL_OVERHEAD)
}

impl Page {
    #[inline]
    fn slot(&self, index: usize) -> usize {
        usize::from(self.u16_at(HEADER_BYTES + SLOT_BYTES * index))
    }

    fn set_slot(&mut self, index: usize, at: usize) {
        self.put_u16(HEADER_BYTES + SLOT_BYTES * index, at as u16);
    }

    #[inline]
    fn is_leaf(&self) -> bool {
        self.kind() == Some(Kind::Leaf)
    }

    /// Bytes of the cell before its key.
    #[inline]
    fn cell_overhead(&self) -> usize {
        if self.is_leaf() {
            LEAF_CELL_OVERHEAD
        } else {
            INNER_CELL_OVERHEAD
        }
    }

    /// The bytes of a cell.
    #[inline]
    pub(in crate::storage) fn cell(&self, index: usize) -> &[u8] {
        let from = &self.0[self.slot(index)..];
        &from[..cell_len(from, self.is_leaf())]
    }

    /// The key of a cell.
    #[inline]
    pub(in crate::storage) fn key(&self, index: usize) -> CellKey<'_> {
        key_in(&self.0[self.slot(index)..], self.cell_overhead())
    }

    /// The value of a cell of a leaf.
    #[inline]
    pub(in crate::storage) fn value(&self, index: usize) -> CellValue<'_> {
        let cell = &self.0[self.slot(index)..];
        let key = key_in(cell, LEAF_CELL_OVERHEAD);
        let at = LEAF_CELL_OVERHEAD + key.inline.len() + key.rest.map_or(0, |_| REFERENCE_BYTES);
        match u16_at(cell, 2) {
            ELSEWHERE => CellValue::Chained(reference_at(cell, at)),
            bytes => CellValue::Inline(&cell[at..at + usize::from(bytes)]),
        }
    }

    /// Where in the page the key and the value of a cell of a leaf stand, if both stand there whole.
    #[inline]
    pub(in crate::storage) fn inline_row(
        &self,
        index: usize,
    ) -> Option<(std::ops::Range<usize>, std::ops::Range<usize>)> {
        let at = self.slot(index);
        let (mark, bytes) = (self.u16_at(at), self.u16_at(at + 2));
        if mark & GOES_ON != 0 || bytes == ELSEWHERE {
            return None;
        }
        let key = at + LEAF_CELL_OVERHEAD..at + LEAF_CELL_OVERHEAD + usize::from(mark);
        let value = key.end..key.end + usize::from(bytes);
        Some((key, value))
    }

    /// The child of an inner page at a position: 0 is the leftmost, i + 1 the one of cell i.
    #[inline]
    pub(in crate::storage) fn child(&self, position: usize) -> PageNo {
        match position.checked_sub(1) {
            None => self.left(),
            Some(index) => PageNo(self.u32_at(self.slot(index) + 2)),
        }
    }

    /// Puts another page in the place of the child at a position.
    pub(in crate::storage) fn set_child(&mut self, position: usize, child: PageNo) {
        match position.checked_sub(1) {
            None => self.set_left(child),
            Some(index) => {
                let at = self.slot(index) + 2;
                self.put_u32(at, child.0);
            }
        }
    }

    /// Bytes that cells and slots take.
    pub(in crate::storage) fn used(&self) -> usize {
        CAPACITY_BYTES - self.free_bytes()
    }

    /// Bytes that cells and slots could still take.
    pub(in crate::storage) fn free_bytes(&self) -> usize {
        self.hole_bytes() + self.dead()
    }

    fn hole_bytes(&self) -> usize {
        self.upper() - (HEADER_BYTES + SLOT_BYTES * self.count())
    }

    /// The slot of the cell with the key `probe`, or where it would be. `None`: a chain must be read to tell.
    #[inline]
    pub(in crate::storage) fn search(&self, probe: &[u8]) -> Option<Result<usize, usize>> {
        let overhead = self.cell_overhead();
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = (low + high) / 2;
            let cell = &self.0[self.slot(middle)..];
            let mark = u16_at(cell, 0);
            let inline = &cell[overhead..overhead + usize::from(mark & !GOES_ON)];
            let order = if mark & GOES_ON == 0 {
                inline.cmp(probe)
            } else {
                compare_inline(inline, probe)?
            };
            match order {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(Ok(middle)),
            }
        }
        Some(Err(low))
    }

    /// As [`search`](Self::search), where `compare` orders what follows the inline part of a key after what follows that
    /// many bytes of the probe.
    pub(in crate::storage) fn search_with<E>(
        &self,
        probe: &[u8],
        mut compare: impl FnMut(Reference) -> Result<Ordering, E>,
    ) -> Result<Result<usize, usize>, E> {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = (low + high) / 2;
            let key = self.key(middle);
            let order = match key.rest {
                None => key.inline.cmp(probe),
                Some(rest) => match compare_inline(key.inline, probe) {
                    Some(order) => order,
                    None => compare(rest)?,
                },
            };
            match order {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(Ok(middle)),
            }
        }
        Ok(Err(low))
    }

    /// Whether a cell of `len` bytes has room, if one of `replaced` bytes goes.
    pub(in crate::storage) fn has_room(&self, len: usize, replaced: Option<usize>) -> bool {
        match replaced {
            None => len + SLOT_BYTES <= self.free_bytes(),
            Some(replaced) => len <= self.free_bytes() + replaced,
        }
    }

    /// Sets a cell of a leaf: in the place of the one at `index`, or before it. Returns whether there was room; without,
    /// nothing is changed.
    pub(in crate::storage) fn put_cell(
        &mut self,
        index: usize,
        replaces: bool,
        cell: &LeafCell<'_>,
    ) -> bool {
        let len = cell.len();
        let replaced = replaces.then(|| self.cell(index).len());
        if !self.has_room(len, replaced) {
            return false;
        }
        if replaced == Some(len) {
            let at = self.slot(index);
            cell.write(&mut self.0[at..at + len]);
            return true;
        }
        let at = self.make_cell(index, replaced, len);
        cell.write(&mut self.0[at..at + len]);
        true
    }

    /// As [`put_cell`](Self::put_cell) without replacing, with the bytes of a cell.
    pub(in crate::storage) fn insert_cell(&mut self, index: usize, cell: &[u8]) -> bool {
        if !self.has_room(cell.len(), None) {
            return false;
        }
        let at = self.make_cell(index, None, cell.len());
        self.0[at..at + cell.len()].copy_from_slice(cell);
        true
    }

    /// Adds a cell behind the last one. There is room.
    pub(in crate::storage) fn push_cell(&mut self, cell: &[u8]) {
        let pushed = self.insert_cell(self.count(), cell);
        assert!(pushed, "a cell of {} bytes has no room", cell.len());
    }

    /// Gives a slot to a cell of `len` bytes, for which there is room, and returns where it is to be written.
    fn make_cell(&mut self, index: usize, replaced: Option<usize>, len: usize) -> usize {
        if let Some(bytes) = replaced {
            self.drop_cell(index, bytes);
        }
        let slot_bytes = if replaced.is_some() { 0 } else { SLOT_BYTES };
        if self.hole_bytes() < len + slot_bytes {
            self.compact(replaced.map(|_| index));
        }
        if replaced.is_none() {
            let count = self.count();
            let from = HEADER_BYTES + SLOT_BYTES * index;
            self.0
                .copy_within(from..HEADER_BYTES + SLOT_BYTES * count, from + SLOT_BYTES);
            self.set_count(count + 1);
        }
        let at = self.upper() - len;
        self.set_upper(at);
        self.set_slot(index, at);
        at
    }

    /// The bytes of the cell at `index` belong to nobody any more; its slot stays.
    fn drop_cell(&mut self, index: usize, bytes: usize) {
        let at = self.slot(index);
        if at == self.upper() {
            self.set_upper(at + bytes);
        } else {
            self.set_dead(self.dead() + bytes);
        }
    }

    /// Removes a cell.
    pub(in crate::storage) fn remove_cell(&mut self, index: usize) {
        self.drop_cell(index, self.cell(index).len());
        let count = self.count();
        let from = HEADER_BYTES + SLOT_BYTES * index;
        self.0
            .copy_within(from + SLOT_BYTES..HEADER_BYTES + SLOT_BYTES * count, from);
        self.set_count(count - 1);
    }

    /// Moves the cells together, so that all that is free is in the hole. The cell at `without` was dropped.
    fn compact(&mut self, without: Option<usize>) {
        let old = self.clone();
        let mut upper = PAGE_BYTES;
        for index in 0..self.count() {
            if Some(index) == without {
                continue;
            }
            let cell = old.cell(index);
            upper -= cell.len();
            self.0[upper..upper + cell.len()].copy_from_slice(cell);
            self.set_slot(index, upper);
        }
        self.set_upper(upper);
        self.set_dead(0);
    }
}

/// The bytes that a cell takes of a page, its slot counted.
pub(in crate::storage) fn footprint(cell: &[u8]) -> usize {
    cell.len() + SLOT_BYTES
}

/// Orders a key that goes on after its inline part against a probe; `None`: what follows must decide.
fn compare_inline(inline: &[u8], probe: &[u8]) -> Option<Ordering> {
    let begin = &probe[..probe.len().min(inline.len())];
    match inline.cmp(begin) {
        Ordering::Equal => None,
        order => Some(order),
    }
}

/// Checks every offset in a slotted page.
pub(super) fn check(page: &Page) -> Result<(), String> {
    let (count, upper) = (page.count(), page.upper());
    let slots_end = HEADER_BYTES + SLOT_BYTES * count;
    if upper < slots_end || upper > PAGE_BYTES {
        return Err(format!(
            "{count} slots reach over the heap, which begins at {upper}"
        ));
    }
    let is_leaf = page.is_leaf();
    let mut bytes = 0;
    for index in 0..count {
        let at = page.slot(index);
        let len = (upper..PAGE_BYTES)
            .contains(&at)
            .then(|| checked_cell_len(&page.0[at..], is_leaf))
            .flatten();
        let Some(len) = len else {
            return Err(format!("slot {index} points to {at}, where no cell begins"));
        };
        bytes += len;
    }
    if bytes + page.dead() != PAGE_BYTES - upper {
        return Err(format!(
            "{bytes} bytes of cells and {} that are dead in a heap of {}",
            page.dead(),
            PAGE_BYTES - upper
        ));
    }
    if is_leaf != (page.level() == 0) {
        return Err(format!(
            "a {:?} page on level {}",
            page.kind(),
            page.level()
        ));
    }
    Ok(())
}

/// The length of the cell that `from` begins with, if there is one within bounds.
fn checked_cell_len(from: &[u8], is_leaf: bool) -> Option<usize> {
    let overhead = if is_leaf {
        LEAF_CELL_OVERHEAD
    } else {
        INNER_CELL_OVERHEAD
    };
    if from.len() < overhead {
        return None;
    }
    let mark = u16_at(from, 0);
    let inline = usize::from(mark & !GOES_ON);
    let len = cell_len(from, is_leaf);
    if inline > KEY_INLINE_BYTES || len > from.len() {
        return None;
    }
    if mark & GOES_ON != 0 {
        let whole = reference_at(from, overhead + inline).whole_bytes as usize;
        if inline != KEY_INLINE_BYTES || whole <= inline || whole > KEY_BYTES_MAX {
            return None;
        }
    }
    if is_leaf && u16_at(from, 2) == ELSEWHERE {
        let whole = reference_at(from, len - REFERENCE_BYTES).whole_bytes as usize;
        if whole == 0 || whole > VALUE_BYTES_MAX {
            return None;
        }
    }
    Some(len)
}

#[inline]
fn cell_len(from: &[u8], is_leaf: bool) -> usize {
    let mark = u16_at(from, 0);
    let rest = if mark & GOES_ON == 0 {
        0
    } else {
        REFERENCE_BYTES
    };
    let key = usize::from(mark & !GOES_ON) + rest;
    if !is_leaf {
        return INNER_CELL_OVERHEAD + key;
    }
    let value = match u16_at(from, 2) {
        ELSEWHERE => REFERENCE_BYTES,
        bytes => usize::from(bytes),
    };
    LEAF_CELL_OVERHEAD + key + value
}

#[inline]
fn key_in(cell: &[u8], overhead: usize) -> CellKey<'_> {
    let mark = u16_at(cell, 0);
    let end = overhead + usize::from(mark & !GOES_ON);
    CellKey {
        inline: &cell[overhead..end],
        rest: (mark & GOES_ON != 0).then(|| reference_at(cell, end)),
    }
}

fn key_mark(key: CellKey<'_>) -> u16 {
    let goes_on = if key.rest.is_some() { GOES_ON } else { 0 };
    key.inline.len() as u16 | goes_on
}

/// Writes the key at `at` and returns where it ends.
fn put_key(out: &mut [u8], at: usize, key: CellKey<'_>) -> usize {
    let end = at + key.inline.len();
    out[at..end].copy_from_slice(key.inline);
    match key.rest {
        None => end,
        Some(rest) => {
            put_reference(out, end, rest);
            end + REFERENCE_BYTES
        }
    }
}

fn reference_at(bytes: &[u8], at: usize) -> Reference {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    Reference {
        whole_bytes: number(at),
        first: PageNo(number(at + 4)),
    }
}

fn put_reference(out: &mut [u8], at: usize, reference: Reference) {
    out[at..at + 4].copy_from_slice(&reference.whole_bytes.to_le_bytes());
    out[at + 4..at + 8].copy_from_slice(&reference.first.0.to_le_bytes());
}

#[inline]
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes"))
}

fn put_u16(out: &mut [u8], at: usize, value: u16) {
    out[at..at + 2].copy_from_slice(&value.to_le_bytes());
}
