//! What every subject can do.

use std::path::Path;

/// A row of the workload.
pub type Row = ([u8; 16], [u8; 100]);

/// An engine under measurement, in a directory of its own.
pub trait Subject {
    /// Writes some rows, all or none of them.
    fn write(&mut self, rows: &[Row]) -> anyhow::Result<()>;

    /// Makes durable what was written.
    fn sync(&mut self) -> anyhow::Result<()>;

    /// Whether there is such a key; its value is read for it.
    fn get(&mut self, key: &[u8]) -> anyhow::Result<bool>;

    /// Reads so many rows in order, from a key on. How many there were; `None`: it keeps no order.
    fn scan(&mut self, from: &[u8], limit: usize) -> anyhow::Result<Option<usize>>;

    /// Gives back what space it can.
    fn compact(&mut self) -> anyhow::Result<()>;
}

/// Makes a subject in an empty directory, with so many bytes of cache.
pub type Make = fn(&Path, usize) -> anyhow::Result<Box<dyn Subject>>;
