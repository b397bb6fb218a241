//! What stands in the meta pages, and in every frame of the log: where the tree and the list of free pages begin.

use crate::storage::frame::FileKind;
use crate::storage::pages::{PageNo, Root};

/// What the header of the file of pages says.
pub const TREE_KIND: FileKind = FileKind {
    magic: *b"seedbtre",
    version: 1,
    name: "a page B-tree",
};

/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 48;

/// The state of the tree besides its pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) root: Root,
    /// Pages of the file, meta pages included.
    pub(super) page_count: u32,
    /// The first page of the list of free pages.
    pub(super) free_head: PageNo,
    /// Free pages: those listed, and those that hold the list.
    pub(super) free_count: u32,
    pub(super) keys: u64,
    /// Bytes of keys and values.
    pub(super) live_bytes: u64,
    /// Batches before the oldest that can be shipped: a bulk load leaves no changes in the log.
    pub(super) shippable: u64,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&self.root.page.0.to_le_bytes());
        bytes[4] = self.root.height;
        bytes[8..12].copy_from_slice(&self.page_count.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.free_head.0.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.free_count.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.keys.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.live_bytes.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.shippable.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Self {
        let short =
            |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let long =
            |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        Self {
            root: Root {
                page: PageNo(short(0)),
                height: bytes[4],
            },
            page_count: short(8),
            free_head: PageNo(short(12)),
            free_count: short(16),
            keys: long(24),
            live_bytes: long(32),
            shippable: long(40),
        }
    }
}

/// What a checkpoint leaves in a meta page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) number: u64,
    /// Batches whose pages are all in the file: redo begins behind them.
    pub(super) redo: u64,
    /// As it was after the batch `redo`.
    pub(super) header: Header,
}

impl Meta {
    /// The engine's own bytes of the meta page.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut own = self.redo.to_le_bytes().to_vec();
        own.extend_from_slice(&self.header.encode());
        own
    }

    pub(super) fn decode(number: u64, own: &[u8]) -> Self {
        let header = own[8..8 + HEADER_BYTES].try_into().expect("a header");
        Self {
            number,
            redo: u64::from_le_bytes(own[..8].try_into().expect("eight bytes")),
            header: Header::decode(header),
        }
    }
}
