//! The regression suite: what is true of the whole, and what its tests share.
//!
//! | test | what it holds true |
//! |---|---|
//! | `determinism` | one seed is one run, however it is driven |
//! | `nondeterminism` | the determinism check catches hash order at the first event that it changes |
//! | `time_travel` | going to any place of a run of a million events is going there step by step |
//! | `driving` | a run that is driven at random is the plain run with the same faults |
//! | `catalog` | the scenarios of the catalog come out as they did before |
//! | `ddia` | the anomalies of the book, their witnesses, and what takes them away |
//! | `planted` | each checker catches the bug that was planted for it |
//! | `shrink` | planted bugs are found by seed, shrunk to a few steps, explained, and shown again by what is left |
//! | `architecture` | the walls between the crates stand, and what is said to be absent is absent |
//! | `swarm` | whatever clusters, loads and faults are drawn, the protocol keeps what it promises |
//! | `storage` | every storage engine survives every crash, error and flipped bit, and all of them agree |
//! | `storage_planted` | each bug that was planted in a storage engine is caught by one of these tests |
//! | `wasm` | the same seed gives the same run under WebAssembly |

pub mod compare;
pub mod engines;
pub mod faulty;
pub mod long;
pub mod runs;
pub mod sources;
