//! How an LSM tree is tuned.

use super::policy::Policy;

/// How an LSM tree is tuned. The defaults suit stores of some hundred megabytes on a real machine; a simulated world of
/// many replicas wants [`LsmOptions::tiny`]. Any directory can be opened with any options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LsmOptions {
    /// A memtable of so many bytes is frozen, to become a table.
    pub memtable_bytes: u64,
    /// So many frozen memtables may wait; at one more the writer waits for a table to be made (a write stall).
    pub frozen_max: usize,
    /// A data block is finished once it has so many bytes, unpacked.
    pub block_bytes: usize,
    /// In a block, one key of so many is written whole.
    pub restart_interval: usize,
    /// Bits of Bloom filter for each key; 0 for no filters.
    pub bloom_bits_per_key: u32,
    /// How blocks are packed.
    pub compression: Compression,
    /// Tables of runs at this level and deeper ones are packed. Fresh tables are soon merged again, and packing them
    /// would cost more than it saves.
    pub compression_from_level: u32,
    /// Bytes of blocks that are kept in memory.
    pub cache_bytes: usize,
    /// Compaction begins another table once one has so many bytes.
    pub table_bytes: u64,
    /// Background work reads and writes about so many bytes at once.
    pub transfer_bytes: usize,
    /// Which tables are merged, and when.
    pub policy: Policy,
    /// At so many sorted runs the writer waits for compaction (a write stall): reads must look into all of them.
    pub stall_runs: usize,
    /// Logs whose memtables became tables are kept for log shipping, the newest, up to so many bytes.
    pub kept_log_bytes: u64,
}

/// How blocks are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// LZ4, block format.
    #[default]
    Lz4,
}

impl Default for LsmOptions {
    fn default() -> Self {
        Self {
            memtable_bytes: 8 << 20,
            frozen_max: 2,
            block_bytes: 4096,
            restart_interval: 16,
            bloom_bits_per_key: 10,
            compression: Compression::Lz4,
            compression_from_level: 1,
            cache_bytes: 32 << 20,
            table_bytes: 8 << 20,
            transfer_bytes: 256 << 10,
            policy: Policy::default(),
            stall_runs: 12,
            kept_log_bytes: 0,
        }
    }
}

impl LsmOptions {
    /// For a thousand replicas in one world, and for tests that want every path taken within a few writes: memtables of
    /// 1 KiB, blocks of 256 bytes, a cache of 4 KiB.
    pub fn tiny() -> Self {
        Self {
            memtable_bytes: 1024,
            block_bytes: 256,
            restart_interval: 4,
            cache_bytes: 4096,
            table_bytes: 2048,
            transfer_bytes: 1024,
            policy: Policy::tiny_levelled(),
            stall_runs: 6,
            ..Self::default()
        }
    }
}
