//! Sealed blocks: packed or not, and with a checksum that knows where they belong.

use bytes::Bytes;

use super::super::TableId;
use super::super::options::Compression;

/// Bytes behind the payload.
pub(super) const SEAL_BYTES: usize = 9;
/// The longest block, unpacked: one entry of the longest key and value, and what goes with them.
const CONTENT_BYTES_MAX: usize = 1 << 30;

const TAG_PLAIN: u8 = 0;
const TAG_LZ4: u8 = 1;

/// Where a sealed block belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seal {
    pub(super) id: TableId,
    pub(super) offset: u64,
    pub(super) ignores_checksums: bool,
}

impl Seal {
    /// Pushes `content`, sealed, to `out`. It is packed where that saves an eighth at least. `scratch` is kept for its
    /// capacity.
    pub(super) fn push(
        self,
        content: &[u8],
        compression: Compression,
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        let begin = out.len();
        let packed = match compression {
            Compression::None => None,
            Compression::Lz4 => pack(content, scratch),
        };
        let tag = match packed {
            Some(bytes) => {
                out.extend_from_slice(&scratch[..bytes]);
                TAG_LZ4
            }
            None => {
                out.extend_from_slice(content);
                TAG_PLAIN
            }
        };
        out.push(tag);
        out.extend_from_slice(&(content.len() as u32).to_le_bytes());
        let crc = self.crc(&out[begin..]);
        out.extend_from_slice(&crc.to_le_bytes());
    }

    /// The content of a sealed block, or what is wrong with it.
    pub(super) fn open(self, sealed: &Bytes) -> Result<Bytes, &'static str> {
        let (covered, crc) = sealed
            .split_last_chunk::<4>()
            .filter(|(covered, _)| covered.len() >= SEAL_BYTES - 4)
            .ok_or("a block is cut short")?;
        if !self.ignores_checksums && self.crc(covered) != u32::from_le_bytes(*crc) {
            return Err("a block fails its checksum");
        }
        let (payload, trailer) = covered.split_at(covered.len() - 5);
        let length = u32::from_le_bytes(trailer[1..].try_into().expect("four bytes")) as usize;
        match trailer[0] {
            TAG_PLAIN if length == payload.len() => Ok(sealed.slice(..length)),
            // LZ4 can't pack more than 255 to 1, so the length is bounded before anything is allocated.
            TAG_LZ4 if length <= CONTENT_BYTES_MAX && length / 256 <= payload.len() => {
                let mut content = vec![0; length];
                let unpacked = lz4_flex::block::decompress_into(payload, &mut content);
                if !unpacked.is_ok_and(|bytes| bytes == length) {
                    return Err("a packed block is damaged");
                }
                Ok(content.into())
            }
            _ => Err("a block has a length or a tag that can't be"),
        }
    }

    fn crc(self, covered: &[u8]) -> u32 {
        let mut place = [0; 16];
        place[..8].copy_from_slice(&self.id.0.to_le_bytes());
        place[8..].copy_from_slice(&self.offset.to_le_bytes());
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(covered);
        hasher.update(&place);
        hasher.finalize()
    }
}

/// Packs `content` into `scratch`; how long it is, if it is worth it.
fn pack(content: &[u8], scratch: &mut Vec<u8>) -> Option<usize> {
    let most = lz4_flex::block::get_maximum_output_size(content.len());
    if scratch.len() < most {
        scratch.resize(most, 0);
    }
    let bytes = lz4_flex::block::compress_into(content, scratch).ok()?;
    (bytes <= content.len() - content.len() / 8).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(id: u64, offset: u64) -> Seal {
        Seal {
            id: TableId(id),
            offset,
            ignores_checksums: false,
        }
    }

    fn sealed(content: &[u8], compression: Compression) -> Bytes {
        let mut out = Vec::new();
        seal(3, 16).push(content, compression, &mut Vec::new(), &mut out);
        out.into()
    }

    #[test]
    fn content_comes_back_and_repetition_is_packed() {
        for content in [&b""[..], b"x", &[7; 5000]] {
            for compression in [Compression::None, Compression::Lz4] {
                let block = sealed(content, compression);
                assert_eq!(seal(3, 16).open(&block).unwrap(), content);
            }
        }
        assert!(sealed(&[7; 5000], Compression::Lz4).len() < 100);
    }

    #[test]
    fn a_block_in_another_place_or_of_another_table_or_with_a_flipped_bit_is_refused() {
        let block = sealed(&[b'a'; 300], Compression::Lz4);
        assert!(seal(3, 17).open(&block).is_err());
        assert!(seal(4, 16).open(&block).is_err());
        assert!(seal(3, 16).open(&block.slice(1..)).is_err());
        for bit in 0..block.len() * 8 {
            let mut flipped = block.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(seal(3, 16).open(&flipped.into()).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_length_that_no_payload_can_have_allocates_nothing() {
        let mut block = sealed(&[b'a'; 300], Compression::Lz4).to_vec();
        let at = block.len() - 8;
        block[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        let trusting = Seal {
            ignores_checksums: true,
            ..seal(3, 16)
        };
        assert!(trusting.open(&block.into()).is_err());
    }
}
