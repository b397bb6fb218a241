//! What a simulated disk costs and holds.

use super::images::CrashPolicy;
use crate::Span;

/// The longest file on a simulated disk: 16 GiB.
pub const FILE_BYTES_MAX: u64 = 16 << 30;

/// What a [`SimDisk`](super::SimDisk) costs and holds. The default resembles an NVMe SSD under an operating system
/// with a page cache for writes: a write goes to memory and is cheap, a sync waits for the device. Reads are always
/// charged as coming from the device, since nobody here knows what an operating system would have cached.
///
/// An operation costs its latency and, for each KiB that it moves, a bit more. Opening, closing, renaming, removing,
/// truncating and listing cost the write latency; asking for a length and ordering a sync without waiting are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DiskConfig {
    /// What a read costs, whatever its size. Default: 80 µs.
    pub read_latency: Span,
    /// What a KiB that is read costs. Default: 300 ns (about 3 GB/s).
    pub read_per_kib: Span,
    /// What a write to the page cache, or an operation on the directory, costs. Default: 2 µs.
    pub write_latency: Span,
    /// What a KiB that is written to the page cache costs. Default: 100 ns (about 10 GB/s).
    pub write_per_kib: Span,
    /// What a sync costs once the device gets to it: it does one at a time. Default: 200 µs.
    pub sync_latency: Span,
    /// What a KiB that a sync has to bring to the device costs. Default: 500 ns (about 2 GB/s).
    pub sync_per_kib: Span,
    /// How many bytes of files fit; `None`: as many as you like. Default: `None`.
    pub capacity_bytes: Option<u64>,
    /// When a file has this many bytes that no sync has been begun for, the disk begins one by itself, as an
    /// operating system does whose memory fills with dirty pages. It keeps the memory of the simulator bounded.
    /// Default: 64 MiB.
    pub writeback_bytes: u64,
    /// What a crash leaves of what is not durable. Default: nothing.
    pub crash: CrashPolicy,
    /// Whether its syncs tell the truth. Default: they do.
    pub syncs: Syncs,
    /// What is read after a sync that failed. Default: what was written.
    pub failed_sync: FailedSync,
}

/// Whether a disk's syncs tell the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Syncs {
    /// What a sync that succeeded covers survives every crash.
    #[default]
    Honest,
    /// Syncs take their time and succeed, and make nothing durable: a drive with a volatile cache that ignores flushes.
    Lying,
}

/// What programs read after a sync that failed. Never durable is what it covered in either case (Rebello et al., ATC
/// 2020, table 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FailedSync {
    /// What was written, until a crash: ext4 and XFS, which keep the pages and mark them clean.
    #[default]
    StaysVisible,
    /// What was durable before: Btrfs, which drops them.
    Reverts,
}

impl DiskConfig {
    /// A disk that takes no time: a sync is durable at the instant it is called.
    pub const fn instant() -> Self {
        Self {
            read_latency: Span::ZERO,
            read_per_kib: Span::ZERO,
            write_latency: Span::ZERO,
            write_per_kib: Span::ZERO,
            sync_latency: Span::ZERO,
            sync_per_kib: Span::ZERO,
            capacity_bytes: None,
            writeback_bytes: 64 << 20,
            crash: CrashPolicy::Drop,
            syncs: Syncs::Honest,
            failed_sync: FailedSync::StaysVisible,
        }
    }
}

impl Default for DiskConfig {
    fn default() -> Self {
        Self {
            read_latency: Span::from_micros(80),
            read_per_kib: Span::from_nanos(300),
            write_latency: Span::from_micros(2),
            write_per_kib: Span::from_nanos(100),
            sync_latency: Span::from_micros(200),
            sync_per_kib: Span::from_nanos(500),
            ..Self::instant()
        }
    }
}

/// What an operation that moves `bytes` costs.
#[inline]
pub(super) fn cost(latency: Span, per_kib: Span, bytes: u64) -> Span {
    let moved = per_kib.as_nanos().saturating_mul(bytes) / 1024;
    latency + Span::from_nanos(moved)
}
