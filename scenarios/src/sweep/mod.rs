//! Sweeps: one scenario at many seeds.
//!
//! A scenario at one seed is an anecdote. A sweep runs it at all seeds of a range and says how often each guarantee
//! fell, how sure that number is, how lag, staleness, latency, loss and outages are spread over runs, and which seed
//! shows each violation in the fewest events.
//!
//! ```text
//!   seeds A..B ──► shard i of n ──► workers, in any order ──► Order ──► lines in seed order ──► file.jsonl
//!                                                                            │
//!        shards' files ──► merge ─────────────────────────────► lines ───────┴──► Tally ──► Summary ──► text, JSON
//! ```
//!
//! **One result, however it was made.** A line depends on its seed alone; lines are put in the order of seeds, and all
//! that a summary says is made from lines, by sums, counts and minima that do not depend on anything else. So threads,
//! shards, interruptions and machines leave no trace: the bytes are the same. `first` means the lowest seed that fails,
//! not the one that was found first.
//!
//! **The file.** The first line is the [`Header`], then each line is one seed's [`Line`]. Lines are only ever added at
//! the end, each by one write. Whatever kills a sweep therefore leaves a file that is whole up to its last line, and that
//! one is torn at worst: who resumes drops it. A [`Reader`] checks all that a file can be checked for.
//!
//! **Shards** are stretches of the range: shard i of n has the seeds from (i-1)/n to i/n of the way. [`merge`] puts them
//! together again, and takes no shard of another scenario, range, or version of the program.
//!
//! **Memory** does not grow with the number of seeds: a [`Tally`] keeps counts, sums and histograms.
//!
//! A seed **fails** when an expectation of its scenario is not met or can't be judged, when a program in it panics, and,
//! where that is checked, when the same seed gives another run the second time.
//!
//! What real systems do: FoundationDB runs tens of thousands of simulations a night and keeps the seeds that fail;
//! Antithesis and TigerBeetle's VOPR do so without end. They keep failures; a sweep keeps every seed, since how *often*
//! something does not happen is what chooses among designs.

mod line;
pub mod merge;
mod order;
mod reader;
mod run;
mod seeds;
mod statistics;
mod tally;
#[cfg(test)]
mod tests;
mod text;

pub use line::{Header, LagMeasure, LatencyMeasure, Line, Measures, Outcome, SCHEMA};
pub use order::Order;
pub use reader::Reader;
pub use run::{Opener, Ran, Repeat, run};
pub use seeds::{Seeds, Shard, Until};
pub use statistics::{Rate, rate};
pub use tally::{
    ExpectationRow, Shortest, SpreadRow, Summary, Tally, Totals, VerdictRow, replay_command,
};
