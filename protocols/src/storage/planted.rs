//! Bugs planted on purpose, to prove that the tests which should find them do.
//!
//! One is switched on by [`EngineOptions::planted`](super::EngineOptions), which only tests set: no scenario file and no
//! command can ask for it. Each is looked at where it matters and nowhere hot. `tests/tests/storage_planted.rs` says which test
//! catches which, and fails for an entry of the [`CATALOG`](Planted::CATALOG) that none catches.

/// What is wrong with an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Planted {
    /// Nothing.
    #[default]
    Nothing,
    /// Frames and records are taken as whole without a look at their checksum.
    IgnoresChecksums,
    /// What a sync was asked for is said to be durable, and nothing was synced.
    AcknowledgesBeforeSync,
    /// When a sync that was begun is done, what was written since is said to be durable too.
    AcknowledgesTooMuch,
    /// Names of files are not synced before anything hangs on them.
    SkipsDirectorySync,
    /// Frames say that everything before them is durable, whether it is or not.
    MarksTooMuch,
    /// After a failed sync everything goes on, and the next sync that succeeds is believed.
    SwallowsFailedSyncs,
    /// What an append has written before it failed is left lying.
    LeavesTornAppends,
    /// Append-only log: each change of a batch gets a frame of its own.
    LogSplitsBatches,
    /// Append-only log: a read at a snapshot is a read of now.
    LogReadsPastSnapshots,
    /// Append-only log: what a slice holds is appended, though it was before.
    LogAppliesTwice,
    /// Hash-indexed log: a full segment is not synced before the next one is begun.
    HashRollsWithoutSync,
    /// Hash-indexed log: a merge drops what a newer write has replaced, and does not sync that write first.
    HashMergesWithoutSync,
    /// Hash-indexed log: a merged segment gets its name before it is durable.
    HashRenamesBeforeSync,
    /// Hash-indexed log: a merge drops tombstones while older segments hold values of their keys.
    HashDropsTombstonesEarly,
    /// Hash-indexed log: a merge points the directory to its copies though newer writes have come meanwhile.
    HashRepointsBlindly,
    /// Hash-indexed log: segments that a crashed merge has left are taken for newer than what was merged from them.
    HashKeepsCovered,
    /// Hash-indexed log: a hint is believed though it is about another segment that had the name.
    HashTrustsStaleHints,
    /// Hash-indexed log: files that a merge has replaced are closed though a snapshot needs them.
    HashClosesUnderSnapshots,
    /// LSM tree: a table is named in the manifest and was never synced.
    LsmTableNotSynced,
    /// LSM tree: the manifest is written in place, not beside the old one.
    LsmManifestInPlace,
    /// LSM tree: the log of a memtable is removed before the manifest names its table.
    LsmLogRemovedEarly,
    /// LSM tree: the inputs of a compaction are removed before the manifest names what came of it.
    LsmInputsRemovedEarly,
    /// LSM tree: what a crash tore off one log does not cut off the next.
    LsmTrustsNextLog,
    /// LSM tree: compaction drops tombstones while older versions lie below.
    LsmDropsTombstonesEarly,
    /// LSM tree: compaction drops versions that only snapshots see.
    LsmForgetsSnapshots,
    /// LSM tree: a sync covers the newest log only.
    LsmSyncsNewestLogOnly,
    /// LSM tree: range deletes in tables are not looked at by reads of one key.
    LsmIgnoresRangeDeletes,
}

impl Planted {
    /// All bugs, each with the engines that can have it, by name. An engine that has a bug of its own adds it here; one
    /// that keeps its log in frames has those of frames too.
    pub const CATALOG: &'static [(Self, &'static [&'static str])] = &[
        (Self::IgnoresChecksums, &["log", "hash", "lsm"]),
        (Self::AcknowledgesBeforeSync, &["log", "hash", "lsm"]),
        (Self::AcknowledgesTooMuch, &["log", "hash"]),
        (Self::SkipsDirectorySync, &["log", "hash", "lsm"]),
        (Self::MarksTooMuch, &["log", "hash"]),
        (Self::SwallowsFailedSyncs, &["log", "hash"]),
        (Self::LeavesTornAppends, &["log", "hash"]),
        (Self::LogSplitsBatches, &["log"]),
        (Self::LogReadsPastSnapshots, &["log"]),
        (Self::LogAppliesTwice, &["log"]),
        (Self::HashRollsWithoutSync, &["hash"]),
        (Self::HashMergesWithoutSync, &["hash"]),
        (Self::HashRenamesBeforeSync, &["hash"]),
        (Self::HashDropsTombstonesEarly, &["hash"]),
        (Self::HashRepointsBlindly, &["hash"]),
        (Self::HashKeepsCovered, &["hash"]),
        (Self::HashTrustsStaleHints, &["hash"]),
        (Self::HashClosesUnderSnapshots, &["hash"]),
        (Self::LsmTableNotSynced, &["lsm"]),
        (Self::LsmManifestInPlace, &["lsm"]),
        (Self::LsmLogRemovedEarly, &["lsm"]),
        (Self::LsmInputsRemovedEarly, &["lsm"]),
        (Self::LsmTrustsNextLog, &["lsm"]),
        (Self::LsmDropsTombstonesEarly, &["lsm"]),
        (Self::LsmForgetsSnapshots, &["lsm"]),
        (Self::LsmSyncsNewestLogOnly, &["lsm"]),
        (Self::LsmIgnoresRangeDeletes, &["lsm"]),
    ];
}
