//! What an engine lets people see of its insides: plain data for panels, commands and pictures.

use super::EngineStats;

/// An engine's insides now. Takes no disk and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The engine's name in the catalog.
    pub engine: &'static str,
    /// How it has fared.
    pub stats: EngineStats,
    /// What it is made of. Each engine has its own form.
    pub structure: Structure,
}

/// What an engine is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Structure {
    /// An ordered map in memory.
    Map,
    /// One file of batches.
    Log(LogFile),
}

/// The file of the append-only log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its name.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// How many of them are known to be durable.
    pub durable_bytes: u64,
    /// Batches in it.
    pub batches: u64,
    /// Snapshots that are held: each is a length of the file.
    pub snapshots: Vec<u64>,
}
