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
}
