//! Workloads: which keys are read and written, how often, and in which order.
//!
//! One generator for whoever needs operations on keys and values: the bench of a store (`seedbed store bench`), benches of
//! this project, and the loads of scenarios, which choose their keys by it.
//!
//! ```text
//!   Workload (mix, popularity, names)  +  seed  ──►  Generator  ──►  Put, Get, Scan, ReadModifyWrite, …
//! ```
//!
//! - [`CATALOG`] has the core workloads A to F of YCSB (Cooper and others, *Benchmarking Cloud Serving Systems with YCSB*,
//!   SoCC 2010, table 2) and workloads in the manner of LevelDB's `db_bench`.
//! - [`Chooser`] says which key an operation is about: all alike, by Zipf's law, the latest first, or one after the other.
//!
//! Keys have [`KEY_BYTES`] bytes. Values are half compressible, as `db_bench` has them: each fifty random bytes come twice.
//! The same workload, sizes and seed give the same operations on every platform. A generator knows which keys are there,
//! so that a bench can check the answers it gets: one that is fast and wrong should not go unnoticed.
//!
//! What the originals do and this does not: several threads (`readwhilewriting` has one thread that writes now and
//! then), several fields in a value (YCSB has ten of 100 bytes), a throttle.

mod catalog;
mod choose;
mod generator;
#[cfg(test)]
mod tests;

pub use catalog::{Begins, CATALOG, Kind, Names, Workload, find};
pub use choose::{Chooser, Popularity};
pub use generator::{Generator, KEY_BYTES, Operation, Sizes};
