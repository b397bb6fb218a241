//! The engines by name, as scenario files and the command line know them.

use std::fmt;

use seedbed_sim::Disk;

use super::frame::OnCorruption;
use super::lsm::{LsmEngine, LsmOptions};
use super::{BTreeOptions, CowOptions, Engine, EngineError, HashOptions, Planted, Recovery};
use super::{
    btree::BTreeEngine, cow::CowEngine, hash::HashEngine, log::LogEngine, memory::MemoryEngine,
};

/// Which engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngineKind {
    /// [`MemoryEngine`].
    #[default]
    Memory,
    /// [`LogEngine`].
    Log,
    /// [`HashEngine`].
    Hash,
    /// [`LsmEngine`].
    Lsm,
    /// [`BTreeEngine`].
    BTree,
    /// [`CowEngine`].
    Cow,
}

/// How to open an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineOptions {
    /// What the names of its files begin with: partitions of one node share its disk under different prefixes.
    pub file_prefix: String,
    /// What to do about damage to what was durable once: refuse, or salvage what is left.
    pub on_corruption: OnCorruption,
    /// When writes become durable.
    pub durability: Durability,
    /// Settings of the hash-indexed log.
    pub hash: HashOptions,
    /// How an LSM tree is tuned.
    pub lsm: LsmOptions,
    /// Settings of the page B-tree.
    pub btree: BTreeOptions,
    /// Settings of the copy-on-write B-tree.
    pub cow: CowOptions,
    /// A bug to have, for tests of tests.
    pub planted: Planted,
}

/// When writes become durable. It says nothing about files that only the engine knows of: those are always synced before
/// anything hangs on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// Before each write returns.
    EachWrite,
    /// When the caller syncs, which makes all writes since the last time durable at once: group commit.
    #[default]
    Group,
    /// When the operating system happens to write them: a sync does nothing. A crash may lose everything since the engine
    /// was opened, and still loses no middle.
    Never,
}

/// What opening an engine gives, or why it did not.
pub type Opened = Result<(Box<dyn Engine>, Recovery), EngineError>;

/// An engine of the [`CATALOG`].
#[derive(Clone, Copy, Debug)]
pub struct EngineEntry {
    /// Which it is.
    pub kind: EngineKind,
    /// Its name in scenario files and on the command line.
    pub name: &'static str,
    /// One line on it.
    pub about: &'static str,
    /// Opens it on a disk: makes its files, or recovers what they hold.
    pub open: fn(&mut dyn Disk, &EngineOptions) -> Opened,
}

/// All engines. A new one is one more line here.
pub const CATALOG: &[EngineEntry] = &[
    EngineEntry {
        kind: EngineKind::Memory,
        name: "memory",
        about: "an ordered map in memory: fast, and gone after a crash",
        open: |_, _| Ok((Box::new(MemoryEngine::new()), Recovery::default())),
    },
    EngineEntry {
        kind: EngineKind::Log,
        name: "log",
        about: "an append-only log without an index: writes append, reads scan back from the end",
        open: |disk, options| {
            let (engine, recovery) = LogEngine::open(disk, options)?;
            Ok((Box::new(engine), recovery))
        },
    },
    EngineEntry {
        kind: EngineKind::Hash,
        name: "hash",
        about: "a hash-indexed log: writes append, a key directory in memory says where each key is",
        open: |disk, options| {
            let (engine, recovery) = HashEngine::open(disk, options)?;
            Ok((Box::new(engine), recovery))
        },
    },
    EngineEntry {
        kind: EngineKind::Lsm,
        name: "lsm",
        about: "a log-structured merge-tree: a log and a memtable, sorted tables, compaction",
        open: |disk, options| {
            let (engine, recovery) = LsmEngine::open(disk, options)?;
            Ok((Box::new(engine), recovery))
        },
    },
    EngineEntry {
        kind: EngineKind::BTree,
        name: "btree",
        about: "a page B-tree: pages changed in place, and a redo log that mends them after a crash",
        open: |disk, options| {
            let (engine, recovery) = BTreeEngine::open(disk, options)?;
            Ok((Box::new(engine), recovery))
        },
    },
    EngineEntry {
        kind: EngineKind::Cow,
        name: "cow",
        about: "a copy-on-write B-tree: no page in use is ever changed, and a meta page says which root holds",
        open: |disk, options| {
            let (engine, recovery) = CowEngine::open(disk, options)?;
            Ok((Box::new(engine), recovery))
        },
    },
];

/// Opens an engine on `disk`: makes its files, or recovers what they hold.
pub fn open_engine(kind: EngineKind, disk: &mut dyn Disk, options: &EngineOptions) -> Opened {
    (kind.entry().open)(disk, options)
}

impl EngineKind {
    /// The engine of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        let entry = CATALOG.iter().find(|entry| entry.name == name);
        entry.map(|entry| entry.kind)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Its entry in the [`CATALOG`].
    pub fn entry(self) -> &'static EngineEntry {
        let entry = CATALOG.iter().find(|entry| entry.kind == self);
        entry.expect("every kind is in the catalog")
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
