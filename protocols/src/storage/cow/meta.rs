//! The meta pages and the seal: what a commit writes last.

use seedbed_sim::Disk;

use super::free::runs;
use super::store::{Store, Tree};
use crate::storage::frame::{FILE_HEADER_BYTES, FileKind, check_file_header, file_header};
use crate::storage::pages::file::PageFile;
use crate::storage::pages::meta::META_PAGES;
use crate::storage::pages::{CAPACITY_BYTES, HEADER_BYTES, Kind, Page, PageNo, ReadPages, Root};
use crate::storage::{EngineError, Planted};

/// What the header of the file says.
pub const COW_KIND: FileKind = FileKind {
    magic: *b"seedbcow",
    version: 1,
    name: "a copy-on-write B-tree",
};

/// Where the seal is.
pub(super) const SEAL_PAGE: PageNo = PageNo(META_PAGES);
/// Pages of a file before the first of the tree.
pub(super) const FIRST_PAGES: u32 = META_PAGES + 1;
/// Bytes of the seal.
const SEAL_BYTES: usize = 32;
/// Runs of a page of the list of free pages.
const RUNS_PER_PAGE: usize = CAPACITY_BYTES / 8;

/// What a commit leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) number: u64,
    /// Who reads the file as of this meta page holds this epoch.
    pub(super) epoch: u64,
    pub(super) batches: u64,
    pub(super) tree: Tree,
    /// The pages of the list of free pages.
    pub(super) list: Vec<PageNo>,
}

impl Meta {
    /// The engine's own bytes of the meta page.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut own = Vec::with_capacity(64);
        for number in [
            self.epoch,
            self.batches,
            self.tree.keys,
            self.tree.live_bytes,
        ] {
            own.extend_from_slice(&number.to_le_bytes());
        }
        let list = self.list.first().copied().unwrap_or_default();
        let numbers = [
            self.tree.root.page.0,
            u32::from(self.tree.root.height),
            self.tree.page_count,
            list.0,
        ];
        for number in numbers {
            own.extend_from_slice(&number.to_le_bytes());
        }
        own
    }

    /// What a meta page says, with the first page of its list alone.
    pub(super) fn decode(number: u64, own: &[u8]) -> Self {
        let long = |at: usize| u64::from_le_bytes(own[at..at + 8].try_into().expect("eight bytes"));
        let short = |at: usize| u32::from_le_bytes(own[at..at + 4].try_into().expect("four bytes"));
        let list = PageNo(short(44));
        Self {
            number,
            epoch: long(0),
            batches: long(8),
            tree: Tree {
                root: Root {
                    page: PageNo(short(32)),
                    height: short(36) as u8,
                },
                page_count: short(40),
                keys: long(16),
                live_bytes: long(24),
            },
            list: if list.is_some() {
                vec![list]
            } else {
                Vec::new()
            },
        }
    }
}

/// The seal that says that the commit with this number is durable.
pub(super) fn seal(number: u64) -> [u8; SEAL_BYTES] {
    let mut bytes = [0; SEAL_BYTES];
    bytes[..FILE_HEADER_BYTES as usize].copy_from_slice(&file_header(&COW_KIND));
    bytes[24..].copy_from_slice(&number.to_le_bytes());
    let crc = crc32fast::hash(&bytes[20..]);
    bytes[16..20].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The number in the seal; `None`: it is torn, or damaged.
pub(super) fn read_seal(
    disk: &mut dyn Disk,
    file: &mut PageFile,
) -> Result<Option<u64>, EngineError> {
    let bytes = file.read_raw(disk, SEAL_PAGE)?;
    let whole = bytes.len() >= SEAL_BYTES
        && check_file_header(&COW_KIND, file.name(), &bytes[..FILE_HEADER_BYTES as usize]).is_ok()
        && bytes[16..20] == crc32fast::hash(&bytes[20..SEAL_BYTES]).to_le_bytes();
    let number = || u64::from_le_bytes(bytes[24..32].try_into().expect("eight bytes"));
    Ok(whole.then(number))
}

/// The list of free pages as a commit writes it.
#[derive(Debug)]
pub(super) struct FreeList {
    /// Its pages, with their content.
    pub(super) pages: Vec<(PageNo, Page)>,
}

impl FreeList {
    /// Lists the pages that are not in the new tree: whoever opens the file with it finds them free, since snapshots are gone
    /// then, and the meta page before does not matter any more. Takes pages for itself from those that are free now.
    pub(super) fn make(store: &mut Store) -> Self {
        let mut waiting: Vec<PageNo> = store.pages.waiting.iter().map(|page| page.no).collect();
        waiting.extend(&store.meta.list);
        waiting.sort_unstable();
        // Taking the first of the free pages for the list makes no more runs of the rest.
        let runs_most =
            runs(waiting.iter().copied()).len() + runs(store.pages.free.iter().copied()).len();
        let count = runs_most.div_ceil(RUNS_PER_PAGE);
        let mut numbers = Vec::with_capacity(count);
        for _ in 0..count {
            let no = store.pages.take().unwrap_or_else(|| {
                let no = PageNo(store.tree.page_count);
                store.tree.page_count += 1;
                no
            });
            numbers.push(no);
        }
        waiting.extend(store.pages.free.iter());
        waiting.sort_unstable();
        let entries = runs(waiting.into_iter());
        Self {
            pages: Self::pages(store.epoch, &numbers, &entries),
        }
    }

    fn pages(epoch: u64, numbers: &[PageNo], entries: &[(PageNo, u32)]) -> Vec<(PageNo, Page)> {
        let mut chunks = entries.chunks(RUNS_PER_PAGE);
        let pages = numbers.iter().enumerate().map(|(index, no)| {
            let mut page = Page::new(Kind::Free, 0);
            page.set_lsn(epoch);
            page.set_left(numbers.get(index + 1).copied().unwrap_or_default());
            let chunk = chunks.next().unwrap_or_default();
            for (slot, (first, count)) in chunk.iter().enumerate() {
                page.put_u32(HEADER_BYTES + 8 * slot, first.0);
                page.put_u32(HEADER_BYTES + 8 * slot + 4, *count);
            }
            page.set_count(2 * chunk.len());
            (*no, page)
        });
        let pages: Vec<_> = pages.collect();
        assert!(chunks.next().is_none(), "the list has room for every run");
        pages
    }

    /// Gives the pages back that were taken for the list.
    pub(super) fn give_back(self, store: &mut Store) {
        store
            .pages
            .free
            .extend(self.pages.into_iter().map(|(no, _)| no));
    }
}

/// What a list says.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// The pages that are free.
    pub(super) free: Vec<PageNo>,
    /// The pages of the list itself.
    pub(super) list: Vec<PageNo>,
}

impl Listed {
    /// Reads the list of a meta page.
    pub(super) fn read(
        disk: &mut dyn Disk,
        file: &mut PageFile,
        meta: &Meta,
    ) -> Result<Self, EngineError> {
        let mut listed = Self::default();
        let mut no = meta.list.first().copied().unwrap_or_default();
        let mut count = 0_u64;
        while no.is_some() {
            listed.list.push(no);
            let page = file.read(disk, no)?;
            if page.kind() != Some(Kind::Free) || page.count() % 2 == 1 {
                return Err(file.corrupt(no, "the list of free pages goes on with another page"));
            }
            for slot in 0..page.count() / 2 {
                let first = page.u32_at(HEADER_BYTES + 8 * slot);
                let len = page.u32_at(HEADER_BYTES + 8 * slot + 4);
                count += u64::from(len);
                if count > u64::from(meta.tree.page_count) {
                    return Err(file.corrupt(no, "more pages are free than there are"));
                }
                let pages = (0..len).map(|index| PageNo(first.wrapping_add(index)));
                listed.free.extend(pages);
            }
            if listed.list.len() > meta.tree.page_count as usize {
                return Err(file.corrupt(no, "the list of free pages goes round"));
            }
            no = page.left();
        }
        Ok(listed)
    }
}

/// Whether the meta page that is in force is to be overwritten: a bug.
pub(super) fn next_number(store: &Store) -> u64 {
    if store.is_planted(Planted::CowOverwritesMeta) {
        return store.meta.number + 2;
    }
    store.meta.number + 1
}
