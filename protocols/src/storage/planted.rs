//! Bugs planted on purpose, to prove that the tests which should find them do.
//!
//! One is switched on by [`EngineOptions::planted`](super::EngineOptions), which only tests set: no scenario file and no
//! command can ask for it. Each is looked at where it matters and nowhere hot. `tests/tests/storage_planted.rs` says which test
//! catches which, and fails for an entry of the [`CATALOG`](Planted::CATALOG) that none catches. The two B-trees' tests of their
//! own, with rows of every size, are held to theirs once more in `storage/tests/trees/planted.rs`.

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
    /// Page B-tree: a page is written to the file before the log that tells of its change is durable.
    TreeWritesPagesBeforeLog,
    /// Page B-tree: a checkpoint does not make the first change of each page put its image into the log.
    TreeOmitsImages,
    /// Page B-tree: a checkpoint says that pages are in the file, and has not synced them.
    TreeForgetsToSyncPages,
    /// Page B-tree: a checkpoint removes the log before the meta page says that it is not needed.
    TreeDropsLogEarly,
    /// Page B-tree: redo does not look at the LSN of pages. Where every page begins with its image, that changes nothing: not
    /// in the catalog, and caught without images.
    TreeRedoIgnoresLsn,
    /// Page B-tree: the pages that a batch frees are not put on the list.
    TreeLeaksPages,
    /// Page B-tree: a snapshot reads pages that were changed after it.
    TreeSnapshotsReadNew,
    /// Both trees: a separator is the last key of the left page, and not one above it.
    TreeSeparatorTooLow,
    /// Both trees: a scan backwards passes over the last row of each page but the one it begins in.
    TreeScanSkipsRows,
    /// Copy-on-write B-tree: the meta page is written before the pages it refers to are durable.
    CowWritesMetaBeforePages,
    /// Copy-on-write B-tree: pages that the last commit has replaced are used again at once.
    CowReusesPagesEarly,
    /// Copy-on-write B-tree: pages that a snapshot needs are used again.
    CowReusesUnderSnapshots,
    /// Copy-on-write B-tree: a commit writes the meta page that is in force, and not the other.
    CowOverwritesMeta,
    /// Copy-on-write B-tree: pages of a commit that failed are used again while its meta page may be there.
    CowForgetsFailedMeta,
}

impl Planted {
    /// All bugs, each with the engines that can have it, by name. An engine that has a bug of its own adds it here; one
    /// that keeps its log in frames has those of frames too.
    pub const CATALOG: &'static [(Self, &'static [&'static str])] = &[
        (
            Self::IgnoresChecksums,
            &["log", "hash", "lsm", "btree", "cow"],
        ),
        (
            Self::AcknowledgesBeforeSync,
            &["log", "hash", "lsm", "btree", "cow"],
        ),
        (Self::AcknowledgesTooMuch, &["log", "hash"]),
        (
            Self::SkipsDirectorySync,
            &["log", "hash", "lsm", "btree", "cow"],
        ),
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
        (Self::TreeWritesPagesBeforeLog, &["btree"]),
        (Self::TreeOmitsImages, &["btree"]),
        (Self::TreeForgetsToSyncPages, &["btree"]),
        (Self::TreeDropsLogEarly, &["btree"]),
        (Self::TreeLeaksPages, &["btree"]),
        (Self::TreeSnapshotsReadNew, &["btree"]),
        (Self::TreeSeparatorTooLow, &["btree", "cow"]),
        (Self::TreeScanSkipsRows, &["btree", "cow"]),
        (Self::CowWritesMetaBeforePages, &["cow"]),
        (Self::CowReusesPagesEarly, &["cow"]),
        (Self::CowReusesUnderSnapshots, &["cow"]),
        (Self::CowOverwritesMeta, &["cow"]),
        (Self::CowForgetsFailedMeta, &["cow"]),
    ];
}
