//! The file of pages: reading one with every check, and writing them.

use std::sync::Arc;

use seedbed_sim::{Disk, DiskError, FileHandle, OpenMode};

use super::{PAGE_BYTES, Page, PageNo, PageRef};
use crate::storage::{EngineError, Planted};

/// Pages that stand side by side are written together, so many at most.
const RUN_PAGES_MAX: usize = 32;

/// An open file of pages.
#[derive(Clone, Debug)]
pub(in crate::storage) struct PageFile {
    name: Arc<str>,
    file: FileHandle,
    planted: Planted,
    pub(in crate::storage) read_bytes: u64,
    pub(in crate::storage) written_bytes: u64,
}

impl PageFile {
    pub(in crate::storage) fn new(name: &str, file: FileHandle, planted: Planted) -> Self {
        Self {
            name: name.into(),
            file,
            planted,
            read_bytes: 0,
            written_bytes: 0,
        }
    }

    /// Makes a file. One of this name is an attempt that did not come to an end, and is removed.
    pub(in crate::storage) fn create(
        disk: &mut dyn Disk,
        name: &str,
        planted: Planted,
    ) -> Result<Self, EngineError> {
        match disk.remove(name) {
            Ok(()) | Err(DiskError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let file = disk.open(name, OpenMode::CreateNew)?;
        Ok(Self::new(name, file, planted))
    }

    /// It has another name now.
    pub(in crate::storage) fn renamed(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Writes the first bytes of a file.
    pub(in crate::storage) fn append_raw(
        &mut self,
        disk: &mut dyn Disk,
        bytes: &[u8],
    ) -> Result<(), EngineError> {
        disk.append(self.file, bytes)?;
        self.written_bytes += bytes.len() as u64;
        Ok(())
    }

    pub(in crate::storage) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::storage) fn corrupt(&self, no: PageNo, what: &str) -> EngineError {
        EngineError::Corrupt {
            file: self.name.to_string(),
            offset: no.offset(),
            what: what.to_owned(),
        }
    }

    /// Reads a page and checks it.
    pub(in crate::storage) fn read(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
    ) -> Result<PageRef, EngineError> {
        let mut page = PageRef::new(Page::zeroed());
        let bytes = PageRef::make_mut(&mut page).bytes_mut();
        let got = disk.read_at(self.file, no.offset(), bytes)?;
        self.read_bytes += got as u64;
        if got < PAGE_BYTES {
            return Err(self.corrupt(no, "the file ends before the end of the page"));
        }
        page.check(no, self.planted)
            .map_err(|what| self.corrupt(no, &what))?;
        Ok(page)
    }

    /// Reads the bytes of a page as they are; fewer at the end of the file.
    pub(in crate::storage) fn read_raw(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
    ) -> Result<Vec<u8>, EngineError> {
        let mut bytes = vec![0; PAGE_BYTES];
        let got = disk.read_at(self.file, no.offset(), &mut bytes)?;
        bytes.truncate(got);
        Ok(bytes)
    }

    /// Writes bytes that are not a page of a tree in the place of one.
    pub(in crate::storage) fn write_raw(
        &mut self,
        disk: &mut dyn Disk,
        no: PageNo,
        bytes: &[u8],
    ) -> Result<(), EngineError> {
        disk.write_at(self.file, no.offset(), bytes)?;
        self.written_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Writes pages, which stand in the order of their numbers, and hands each to `written` once it is.
    pub(in crate::storage) fn write<'a>(
        &mut self,
        disk: &mut dyn Disk,
        pages: impl IntoIterator<Item = (PageNo, &'a Page)>,
        mut written: impl FnMut(PageNo),
    ) -> Result<(), DiskError> {
        let mut run: Vec<u8> = Vec::new();
        let (mut first, mut count) = (PageNo::NONE, 0_u32);
        for (no, page) in pages {
            let follows = count > 0 && no.0 == first.0 + count;
            if !follows || count as usize == RUN_PAGES_MAX {
                self.flush(disk, first, count, &mut run, &mut written)?;
                (first, count) = (no, 0);
            }
            let mut sealed = page.clone();
            sealed.seal(no);
            run.extend_from_slice(sealed.bytes());
            count += 1;
        }
        self.flush(disk, first, count, &mut run, &mut written)
    }

    fn flush(
        &mut self,
        disk: &mut dyn Disk,
        first: PageNo,
        count: u32,
        run: &mut Vec<u8>,
        written: &mut impl FnMut(PageNo),
    ) -> Result<(), DiskError> {
        if count == 0 {
            return Ok(());
        }
        disk.write_at(self.file, first.offset(), run)?;
        self.written_bytes += run.len() as u64;
        run.clear();
        (first.0..first.0 + count).for_each(|no| written(PageNo(no)));
        Ok(())
    }

    pub(in crate::storage) fn sync(&self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        disk.sync(self.file)
    }

    /// The handle, for what is not about pages.
    pub(in crate::storage) fn handle(&self) -> FileHandle {
        self.file
    }
}
