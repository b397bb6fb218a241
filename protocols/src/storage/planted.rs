//! Bugs planted on purpose, to prove that the tests which should find them do.
//!
//! One is switched on by [`EngineOptions::planted`](super::EngineOptions), which only tests set: no scenario file and no
//! command can ask for it. Each is looked at where it matters and nowhere hot. The tests that catch them are listed in
//! `tests/tests/storage_planted.rs`: a bug without a test that catches it is no entry here.

/// What is wrong with an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Planted {
    /// Nothing.
    #[default]
    Nothing,
    /// Frames are taken as whole without a look at their checksum.
    IgnoresChecksums,
    /// What a sync was asked for is said to be durable, and nothing was synced.
    AcknowledgesBeforeSync,
    /// Names of files are not synced before anything hangs on them.
    SkipsDirectorySync,
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
}
