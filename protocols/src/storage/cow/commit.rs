//! Opening, and committing: how the file gets from one whole state to the next.
//!
//! ```text
//!   commit n    pages of this epoch, list of free pages ──► sync ──► meta page n, in the slot of n − 2 ──► sync ──► seal n
//!                 a crash here: n − 1 holds                            here: n − 1 or n                   n holds
//! ```
//!
//! The *seal* says that a commit is durable. It is what tells a meta page that a crash has torn from one that has rotten: if
//! the newest whole meta page is older than the seal, the file is refused. It is written after the sync, and is durable
//! with the next.
//!
//! A crash, and a write that fails, may tear what was being written: the seal, or the meta page that is not in force. Never
//! both, or nobody could tell that from rot:
//!
//! - A commit begins with a whole seal: one that failed to be written is written again first, or the commit fails. The sync
//!   of the pages makes it durable before the meta page is touched.
//! - The seal is left alone, old as it may be, while the other meta page may be torn. An old seal is true; it notices less.
//!
//! A meta page whose write failed may be there all the same: the next crash may leave it, in force. Until it is written over
//! with what holds, durably, nothing that it refers to may be written over, and so nothing is.

use seedbed_sim::{Disk, DiskError, OpenMode, SyncTicket};

use super::free::Freed;
use super::meta::{
    COW_KIND, FIRST_PAGES, FreeList, Listed, Meta, SEAL_PAGE, next_number, read_seal, seal,
};
use super::store::{OtherMeta, Store, Tree};
use super::{dump, salvage};
use crate::storage::frame::OnCorruption;
use crate::storage::pages::file::PageFile;
use crate::storage::pages::{Kind, PAGE_BYTES, Page, PageNo, ReadPages, Root, meta};
use crate::storage::{EngineError, EngineOptions, Planted, Recovery};

/// Opens the engine's file, or makes it. If it may salvage, it reads everything, and where something is damaged makes the
/// tree anew from what is left.
pub(super) fn open(
    disk: &mut dyn Disk,
    options: &EngineOptions,
) -> Result<(Store, Recovery), EngineError> {
    if options.on_corruption == OnCorruption::Refuse {
        return open_sound(disk, options);
    }
    let sound = open_sound(disk, options).and_then(|(mut store, recovery)| {
        dump::verify(&mut store, disk, &[])?;
        Ok((store, recovery))
    });
    match sound {
        Err(EngineError::Corrupt { .. }) => salvage::salvage(disk, options),
        other => other,
    }
}

/// Opens a file of which nothing is damaged but what a crash has torn.
pub(super) fn open_sound(
    disk: &mut dyn Disk,
    options: &EngineOptions,
) -> Result<(Store, Recovery), EngineError> {
    let name = format!("{}engine.cow", options.file_prefix);
    let file = match disk.open(&name, OpenMode::Existing) {
        Ok(file) => file,
        Err(DiskError::NotFound(_)) => return create(disk, options, &name),
        Err(error) => return Err(error.into()),
    };
    let mut file = PageFile::new(&name, file, options.planted);
    let (number, own) = meta::read(disk, &mut file, &COW_KIND)?;
    let mut newest = Meta::decode(number, &own);
    let has_before = meta::is_whole_before(disk, &mut file, &COW_KIND, number)?;
    let sealed = read_seal(disk, &mut file)?;
    match sealed {
        Some(sealed) if sealed > number => {
            let what = format!("commit {sealed} was durable, and its meta page is gone");
            return Err(file.corrupt(PageNo((sealed % 2) as u32), &what));
        }
        None if !has_before => {
            return Err(file.corrupt(SEAL_PAGE, "the seal and a meta page are damaged"));
        }
        _ => {}
    }
    // The process may have died and left pages that only the operating system's memory holds.
    file.sync(disk)?;
    let listed = Listed::read(disk, &mut file, &newest)?;
    newest.list = listed.list;
    let mut store = Store::new(options, file, newest);
    store.pages.free = listed.free.into_iter().collect();
    if !has_before {
        store.other_meta = OtherMeta::Torn;
    }
    store.sealed = sealed;
    store.write_seal(disk)?;
    let recovery = Recovery {
        read_bytes: store.file.read_bytes,
        ..Recovery::default()
    };
    Ok((store, recovery))
}

/// Makes the file of an empty tree.
fn create(
    disk: &mut dyn Disk,
    options: &EngineOptions,
    name: &str,
) -> Result<(Store, Recovery), EngineError> {
    let root = Root {
        page: PageNo(FIRST_PAGES),
        height: 1,
    };
    let meta = |number| Meta {
        number,
        epoch: number,
        batches: 0,
        tree: Tree {
            root,
            page_count: FIRST_PAGES + 1,
            ..Tree::default()
        },
        list: Vec::new(),
    };
    let mut bytes = Vec::with_capacity(4 * PAGE_BYTES);
    for number in [0, 1] {
        bytes.extend_from_slice(&meta::encode(&COW_KIND, number, &meta(number).encode()));
    }
    bytes.extend_from_slice(&seal(1));
    bytes.resize(SEAL_PAGE.offset() as usize + PAGE_BYTES, 0);
    let mut leaf = Page::new(Kind::Leaf, 0);
    leaf.seal(root.page);
    bytes.extend_from_slice(leaf.bytes());
    let new_name = format!("{name}.new");
    let mut file = PageFile::create(disk, &new_name, options.planted)?;
    file.append_raw(disk, &bytes)?;
    file.sync(disk)?;
    disk.rename(&new_name, name)?;
    if options.planted != Planted::SkipsDirectorySync {
        disk.sync_dir()?;
    }
    let file = file.renamed(name);
    let mut store = Store::new(options, file, meta(1));
    store.meta_before = Some(meta(0));
    store.sealed = Some(1);
    Ok((store, Recovery::default()))
}

/// Whether a commit waits until it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    ForIt,
    ForTheTicket,
}

impl Store {
    /// Makes all that was written durable, and waits for it.
    pub(super) fn sync(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        if self.positions.durable() == self.positions.end() && !self.is_dirty {
            return Ok(());
        }
        let is_committed = !self.is_dirty;
        if self.is_planted(Planted::AcknowledgesBeforeSync) {
            self.positions.synced();
            return Ok(());
        }
        if is_committed {
            // A commit is under way, and nothing was written since.
            self.sync_file(disk)?;
        } else {
            self.commit(disk, Wait::ForIt)?;
        }
        self.under_way = None;
        self.positions.synced();
        self.write_seal_if_possible(disk)
    }

    /// Begins to make all that was written durable.
    pub(super) fn sync_later(
        &mut self,
        disk: &mut dyn Disk,
    ) -> Result<Option<SyncTicket>, EngineError> {
        if self.positions.durable() == self.positions.end() && !self.is_dirty {
            return Ok(None);
        }
        let ticket = if self.is_dirty {
            let ticket = self.commit(disk, Wait::ForTheTicket)?;
            self.under_way = ticket;
            ticket
        } else {
            Some(self.sync_file_later(disk)?)
        };
        if let Some(ticket) = ticket {
            self.positions.sync_begun(ticket);
        }
        Ok(ticket)
    }

    fn sync_file(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let synced = self.file.sync(disk);
        synced.map_err(|error| self.noted(error.into()))
    }

    fn sync_file_later(&mut self, disk: &mut dyn Disk) -> Result<SyncTicket, EngineError> {
        let ticket = disk.sync_later(self.file.handle());
        ticket.map_err(|error| self.noted(error.into()))
    }

    /// A sync is done.
    pub(super) fn on_synced(&mut self, ticket: SyncTicket) {
        self.positions.on_synced(ticket);
        if self.under_way == Some(ticket) {
            self.under_way = None;
        }
    }

    /// Writes down that the newest commit is durable, if it is, and if that can't harm.
    pub(super) fn write_seal(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let number = self.meta.number;
        let harms = self.under_way.is_some() || self.other_meta != OtherMeta::Whole;
        if self.sealed == Some(number) || harms {
            return Ok(());
        }
        self.sealed = None;
        self.file.write_raw(disk, SEAL_PAGE, &seal(number))?;
        self.sealed = Some(number);
        Ok(())
    }

    /// As above, where a seal that was not written is no reason to say that something failed: what it would have said stays
    /// true, and the next commit writes it.
    pub(super) fn write_seal_if_possible(
        &mut self,
        disk: &mut dyn Disk,
    ) -> Result<(), EngineError> {
        match self.write_seal(disk) {
            Err(EngineError::Disk(DiskError::Full(_) | DiskError::Write { .. })) => Ok(()),
            written => written,
        }
    }

    /// Sees to it that no crash brings a commit back that failed: the newest meta page is written in its place, too, with
    /// the number before.
    pub(super) fn mend_other_meta(&mut self, disk: &mut dyn Disk) -> Result<(), EngineError> {
        let forgets = self.is_planted(Planted::CowForgetsFailedMeta);
        if self.other_meta != OtherMeta::Unknown || forgets {
            return Ok(());
        }
        let number = self.meta.number - 1;
        let copy = Meta {
            number,
            ..self.meta.clone()
        };
        meta::write(disk, &mut self.file, &COW_KIND, number, &copy.encode())?;
        self.sync_file(disk)?;
        self.meta_before = Some(copy);
        self.other_meta = OtherMeta::Whole;
        self.release();
        Ok(())
    }

    /// Commits what was written since the last time.
    fn commit(
        &mut self,
        disk: &mut dyn Disk,
        wait: Wait,
    ) -> Result<Option<SyncTicket>, EngineError> {
        self.mend_other_meta(disk)?;
        self.write_seal(disk)?;
        let page_count = self.tree.page_count;
        let list = FreeList::make(self);
        if let Err(error) = self.write_commit(disk, &list) {
            list.give_back(self);
            self.tree.page_count = page_count;
            self.pages.free = self
                .pages
                .free
                .iter()
                .copied()
                .filter(|no| no.0 < page_count)
                .collect();
            return Err(error);
        }
        let ticket = match wait {
            Wait::ForIt => {
                self.sync_file(disk)?;
                None
            }
            Wait::ForTheTicket => Some(self.sync_file_later(disk)?),
        };
        self.committed(&list);
        Ok(ticket)
    }

    /// Everything up to the meta page, which is not synced yet.
    fn write_commit(&mut self, disk: &mut dyn Disk, list: &FreeList) -> Result<(), EngineError> {
        let new = self.next_meta(list);
        let writes_meta_first = self.is_planted(Planted::CowWritesMetaBeforePages);
        if writes_meta_first {
            meta::write(disk, &mut self.file, &COW_KIND, new.number, &new.encode())?;
        }
        self.write_dirty(disk)?;
        let mut pages: Vec<_> = list.pages.iter().map(|(no, page)| (*no, page)).collect();
        pages.sort_unstable_by_key(|(no, _)| *no);
        self.file.write(disk, pages, |_| {})?;
        if !writes_meta_first {
            self.sync_file(disk)?;
            self.under_way = None;
            self.other_meta = OtherMeta::Unknown;
            meta::write(disk, &mut self.file, &COW_KIND, new.number, &new.encode())?;
        }
        Ok(())
    }

    fn next_meta(&self, list: &FreeList) -> Meta {
        Meta {
            number: next_number(self),
            epoch: self.epoch,
            batches: self.positions.end().0,
            tree: self.tree,
            list: list.pages.iter().map(|(no, _)| *no).collect(),
        }
    }

    /// The new meta page is written: another epoch begins.
    fn committed(&mut self, list: &FreeList) {
        let new = self.next_meta(list);
        let old = std::mem::replace(&mut self.meta, new);
        let freed = self.epoch;
        let replaced = old.list.iter().map(|no| Freed {
            no: *no,
            born: old.epoch,
            freed,
        });
        self.pages.waiting.extend(replaced);
        self.meta_before = Some(old);
        self.epoch += 1;
        self.is_dirty = false;
        self.other_meta = OtherMeta::Whole;
        self.release();
    }
}
