//! How an engine has fared, in numbers.

use super::{Durability, Lsn};

/// How an engine has fared since it was opened, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// When its writes become durable.
    pub durability: Durability,
    /// The end of its log: what the last write returned.
    pub written: Lsn,
    /// How far its log is known to be durable.
    pub durable: Lsn,
    /// Live keys, where the engine knows them without a scan.
    pub keys: Option<u64>,
    /// Bytes of live keys and their values, where the engine knows them without a scan.
    pub live_bytes: Option<u64>,
    /// Bytes of keys and values given to it by writes.
    pub user_bytes: u64,
    /// Bytes it wrote to its files, for writes and for background work.
    pub written_bytes: u64,
    /// Bytes its files hold.
    pub stored_bytes: u64,
    /// Bytes it read from its files to answer reads.
    pub read_bytes: u64,
    /// Bytes of keys and values that those reads came to.
    pub answered_bytes: u64,
    /// Files.
    pub files: u64,
    /// Bytes of memory that it takes besides buffers which are let go of after each call: indexes, caches, memtables. An
    /// estimate by the sizes of what is held, without what the allocator adds. Zero where nothing is held.
    pub memory_bytes: u64,
}

/// Amplification: what the disk has to do for each byte that the user sees.
impl EngineStats {
    /// Bytes written to files for each byte that was given; `None` before the first write.
    pub fn write_amplification(&self) -> Option<f64> {
        ratio(self.written_bytes, Some(self.user_bytes))
    }

    /// Bytes read from files for each byte that was answered; `None` before the first answer.
    pub fn read_amplification(&self) -> Option<f64> {
        ratio(self.read_bytes, Some(self.answered_bytes))
    }

    /// Bytes in files for each byte of live keys and values; `None` where that is not known without a scan, or nothing
    /// lives.
    pub fn space_amplification(&self) -> Option<f64> {
        ratio(self.stored_bytes, self.live_bytes)
    }
}

fn ratio(bytes: u64, of: Option<u64>) -> Option<f64> {
    let of = of.filter(|&of| of > 0)?;
    Some(bytes as f64 / of as f64)
}
