//! A file's bytes in chunks that forks share until one of them writes.
//!
//! Every chunk but the last is full. The first chunk grows by doubling, so that a thousand nodes with a short log
//! each stay small; later ones are made at their full size. Holes share one chunk of zeros.

use std::sync::Arc;

/// The size of a full chunk.
pub(crate) const CHUNK_BYTES: usize = 4096;

/// The bytes of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunks {
    chunks: Vec<Arc<Vec<u8>>>,
    len: u64,
}

/// What was cut off the end of a [`Chunks`], to be put back by [`Chunks::restore`].
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    /// The part of the chunk that the cut went through.
    edge: Vec<u8>,
    chunks: Vec<Arc<Vec<u8>>>,
    len: u64,
}

impl Tail {
    /// How many bytes there are.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

impl Chunks {
    /// How many bytes there are.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Adds `bytes` at the end.
    #[inline]
    pub(crate) fn append(&mut self, mut bytes: &[u8]) {
        self.len += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.chunks.last().is_none_or(|c| c.len() == CHUNK_BYTES) {
                self.chunks.push(Arc::default());
            }
            let index = self.chunks.len() - 1;
            let chunk = Arc::make_mut(&mut self.chunks[index]);
            let taken = bytes.len().min(CHUNK_BYTES - chunk.len());
            let (now, later) = bytes.split_at(taken);
            reserve(chunk, taken, index > 0);
            chunk.extend_from_slice(now);
            bytes = later;
        }
    }

    /// Puts `bytes` at `offset`, over what is there.
    pub(crate) fn overwrite(&mut self, offset: u64, mut bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        assert!(end <= self.len, "overwriting to {end} of {}", self.len);
        let (mut index, mut within) = place(offset);
        while !bytes.is_empty() {
            let chunk = Arc::make_mut(&mut self.chunks[index]);
            let taken = bytes.len().min(chunk.len() - within);
            let (now, later) = bytes.split_at(taken);
            chunk[within..within + taken].copy_from_slice(now);
            bytes = later;
            (index, within) = (index + 1, 0);
        }
    }

    /// Fills `buffer` from `offset`; returns how many bytes there were.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let (mut index, mut within) = place(offset);
        let mut filled = 0;
        while filled < buffer.len() {
            let Some(rest) = self.chunks.get(index).and_then(|c| c.get(within..)) else {
                break;
            };
            let taken = rest.len().min(buffer.len() - filled);
            if taken == 0 {
                break;
            }
            buffer[filled..filled + taken].copy_from_slice(&rest[..taken]);
            filled += taken;
            (index, within) = (index + 1, 0);
        }
        filled
    }

    /// Makes it `len` bytes long by adding zeros.
    pub(crate) fn extend_with_zeros(&mut self, len: u64) {
        assert!(len >= self.len, "extending {} to {len}", self.len);
        if len == self.len {
            return;
        }
        let zeros = Arc::new(vec![0; CHUNK_BYTES]);
        let (_, within) = place(self.len);
        if within > 0 {
            let missing = (len - self.len).min((CHUNK_BYTES - within) as u64);
            self.append(&zeros[..missing as usize]);
        }
        while len - self.len >= CHUNK_BYTES as u64 {
            self.chunks.push(Arc::clone(&zeros));
            self.len += CHUNK_BYTES as u64;
        }
        self.append(&zeros[..(len - self.len) as usize]);
    }

    /// Cuts off and returns what is behind the first `len` bytes.
    pub(crate) fn cut(&mut self, len: u64) -> Tail {
        assert!(len <= self.len, "cutting {} to {len}", self.len);
        let (index, within) = place(len);
        let tail_len = self.len - len;
        self.len = len;
        if within == 0 {
            return Tail {
                edge: Vec::new(),
                chunks: self.chunks.split_off(index),
                len: tail_len,
            };
        }
        let chunks = self.chunks.split_off(index + 1);
        let edge = Arc::make_mut(&mut self.chunks[index]).split_off(within);
        Tail {
            edge,
            chunks,
            len: tail_len,
        }
    }

    /// Forgets what is behind the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: u64) {
        assert!(len <= self.len, "truncating {} to {len}", self.len);
        let (index, within) = place(len);
        self.len = len;
        if within > 0 {
            self.chunks.truncate(index + 1);
            Arc::make_mut(&mut self.chunks[index]).truncate(within);
        } else {
            self.chunks.truncate(index);
        }
    }

    /// Puts back what was cut off here, at the place of the cut.
    pub(crate) fn restore(&mut self, tail: &Tail) {
        if !tail.edge.is_empty() {
            let (index, _) = place(self.len);
            Arc::make_mut(&mut self.chunks[index]).extend_from_slice(&tail.edge);
        }
        self.chunks.extend(tail.chunks.iter().cloned());
        self.len += tail.len;
    }
}

/// Where a byte is: the chunk and the place in it.
fn place(offset: u64) -> (usize, usize) {
    let size = CHUNK_BYTES as u64;
    let index = usize::try_from(offset / size).unwrap_or(usize::MAX);
    (index, (offset % size) as usize)
}

/// Makes room for `more` bytes, and never for more than a full chunk.
#[inline]
fn reserve(chunk: &mut Vec<u8>, more: usize, at_full_size: bool) {
    let needed = chunk.len() + more;
    if needed > chunk.capacity() {
        let target = if at_full_size {
            CHUNK_BYTES
        } else {
            needed.next_power_of_two().max(64)
        };
        chunk.reserve_exact(target - chunk.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(chunks: &Chunks) -> Vec<u8> {
        let mut bytes = vec![0; chunks.len() as usize];
        assert_eq!(chunks.read(0, &mut bytes), bytes.len());
        bytes
    }

    fn counting(len: usize) -> Vec<u8> {
        (0..len).map(|n| (n % 251) as u8).collect()
    }

    #[test]
    fn what_is_appended_overwritten_and_cut_reads_as_from_one_vector() {
        let mut model = counting(3 * CHUNK_BYTES + 17);
        let mut chunks = Chunks::default();
        for piece in model.chunks(777) {
            chunks.append(piece);
        }
        assert_eq!(bytes_of(&chunks), model);

        let over = [7; CHUNK_BYTES + 2];
        chunks.overwrite(CHUNK_BYTES as u64 - 1, &over);
        model[CHUNK_BYTES - 1..2 * CHUNK_BYTES + 1].copy_from_slice(&over);
        assert_eq!(bytes_of(&chunks), model);

        for len in [
            0,
            1,
            CHUNK_BYTES,
            CHUNK_BYTES + 1,
            2 * CHUNK_BYTES,
            model.len(),
        ] {
            let tail = chunks.cut(len as u64);
            assert_eq!(bytes_of(&chunks), model[..len]);
            let mut truncated = chunks.clone();
            chunks.restore(&tail);
            assert_eq!(bytes_of(&chunks), model);

            truncated.append(b"more");
            truncated.truncate(len as u64);
            assert_eq!(bytes_of(&truncated), model[..len]);
        }
    }

    #[test]
    fn holes_read_as_zeros_and_share_their_chunks() {
        let mut chunks = Chunks::default();
        chunks.append(b"ab");
        chunks.extend_with_zeros(4 * CHUNK_BYTES as u64 + 3);
        let mut model = vec![0; 4 * CHUNK_BYTES + 3];
        model[..2].copy_from_slice(b"ab");
        assert_eq!(bytes_of(&chunks), model);
        assert!(Arc::ptr_eq(&chunks.chunks[1], &chunks.chunks[2]));

        chunks.overwrite(CHUNK_BYTES as u64, b"x");
        model[CHUNK_BYTES] = b'x';
        assert_eq!(bytes_of(&chunks), model);
    }

    #[test]
    fn a_clone_shares_chunks_until_one_side_writes() {
        let mut one = Chunks::default();
        one.append(&counting(3 * CHUNK_BYTES));
        let other = one.clone();
        one.overwrite(0, b"!");
        assert!(!Arc::ptr_eq(&one.chunks[0], &other.chunks[0]));
        assert!(Arc::ptr_eq(&one.chunks[1], &other.chunks[1]));
        assert_eq!(bytes_of(&other), counting(3 * CHUNK_BYTES));
    }

    #[test]
    fn a_short_file_takes_little_memory() {
        let mut chunks = Chunks::default();
        assert_eq!(chunks.chunks.capacity(), 0);
        chunks.append(&[1; 50]);
        assert_eq!(chunks.chunks[0].capacity(), 64);
        chunks.append(&[1; CHUNK_BYTES]);
        assert_eq!(chunks.chunks[0].capacity(), CHUNK_BYTES);
    }

    #[test]
    fn reading_past_the_end_returns_what_there_is() {
        let mut chunks = Chunks::default();
        chunks.append(&counting(10));
        let mut buffer = [0; 8];
        assert_eq!(chunks.read(6, &mut buffer), 4);
        assert_eq!(chunks.read(10, &mut buffer), 0);
        assert_eq!(chunks.read(u64::MAX, &mut buffer), 0);
    }
}
