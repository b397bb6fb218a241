//! A window on a file: the bytes last read, so that small looks cost few reads.

use seedbed_sim::{Disk, DiskError, FileHandle};

/// The most that is read ahead at once, in bytes. A frame that is longer is read whole.
pub(super) const CHUNK_BYTES_MAX: usize = 64 * 1024;
/// The first read of a walk, which is likely to end soon.
const CHUNK_BYTES_MIN: usize = 4 * 1024;

/// Bytes `start .. start + filled` of a file. The buffer is kept between uses and its content is not.
#[derive(Debug, Default)]
pub(super) struct Window {
    buffer: Vec<u8>,
    start: u64,
    filled: usize,
    chunk_bytes: usize,
    /// Bytes read from the disk since the log was opened.
    pub(super) read_bytes: u64,
}

impl Clone for Window {
    /// The content is worth nothing to another.
    fn clone(&self) -> Self {
        Self {
            read_bytes: self.read_bytes,
            ..Self::default()
        }
    }
}

impl Window {
    /// Forgets what was read: the file may have changed.
    pub(super) fn reset(&mut self) {
        self.filled = 0;
        self.chunk_bytes = CHUNK_BYTES_MIN;
    }

    /// Lets go of the buffer.
    pub(super) fn shrink(&mut self) {
        self.buffer = Vec::new();
        self.filled = 0;
    }

    /// The `len` bytes from `offset`, reading on past them if it must read; fewer if the file ends there.
    pub(super) fn ahead(
        &mut self,
        disk: &mut dyn Disk,
        file: FileHandle,
        offset: u64,
        len: usize,
    ) -> Result<&[u8], DiskError> {
        if !self.holds(offset, len) {
            let want = len.max(self.next_chunk());
            self.load(disk, file, offset, want)?;
        }
        Ok(self.slice(offset, len))
    }

    /// The `len` bytes from `offset`, reading what stands before them too if it must read.
    pub(super) fn back(
        &mut self,
        disk: &mut dyn Disk,
        file: FileHandle,
        offset: u64,
        len: usize,
    ) -> Result<&[u8], DiskError> {
        if !self.holds(offset, len) {
            let end = offset + len as u64;
            let want = (len.max(self.next_chunk()) as u64).min(end);
            self.load(disk, file, end - want, want as usize)?;
        }
        Ok(self.slice(offset, len))
    }

    /// Each read is twice as long as the one before it, within bounds.
    fn next_chunk(&mut self) -> usize {
        let chunk = self.chunk_bytes;
        self.chunk_bytes = (chunk * 2).min(CHUNK_BYTES_MAX);
        chunk
    }

    fn holds(&self, offset: u64, len: usize) -> bool {
        self.start <= offset && offset + len as u64 <= self.start + self.filled as u64
    }

    /// The `len` bytes from `offset` as far as they are held.
    pub(super) fn slice(&self, offset: u64, len: usize) -> &[u8] {
        let from = (offset - self.start) as usize;
        let to = (from + len).min(self.filled);
        self.buffer.get(from..to).unwrap_or_default()
    }

    fn load(
        &mut self,
        disk: &mut dyn Disk,
        file: FileHandle,
        offset: u64,
        len: usize,
    ) -> Result<(), DiskError> {
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        self.start = offset;
        self.filled = 0;
        self.filled = disk.read_at(file, offset, &mut self.buffer[..len])?;
        self.read_bytes += self.filled as u64;
        Ok(())
    }
}
