//! Randomness: one root seed, and nothing else.
//!
//! A run must be the same run every time, and still be the same run *elsewhere* when one thing about it is changed:
//! a shrunk reproducer, a what-if, a second arm of an experiment. A single generator can't do that, since every draw
//! shifts all that follow. So nothing here is shared; there are two kinds of draw.
//!
//! ```text
//!                      Seed
//!            ┌──────────┴─────────────┐
//!     named streams            path-keyed draws
//!     (ChaCha8)                (Philox4x64-10)
//!     "node/n2"                fate(seed, cause, receiver, ordinal, purpose)
//!     "client/alice"             │
//!     a sequence; whoever        ├─ delay, loss, spare
//!     owns it draws in order     └─ path ──► cause of what this event causes
//! ```
//!
//! - **A [`Stream`] belongs to one name.** Nodes, clients, workloads and fault generators draw from streams of their
//!   own, in the order of their own program. One more draw by `client/alice` shifts alice's later draws and nobody else's;
//!   a node that joins gets a stream by its name, not by its index, so it shifts nobody either.
//! - **The [`fate`] of an event is drawn from its path**, and there is no sequence at all: what a message meets hangs on
//!   which event caused it, on its receiver, and on how many-th order to that receiver it was. A world with a million
//!   links keeps no generator for any of them, and when an operation is removed, exactly the fates of what it caused go.
//!
//! What still shifts: a node that sends one message more to the same receiver in one handler moves the later
//! ones of that handler one place up; and of course a message that arrives at another time may meet another state.
//!
//! [`Distribution`] and [`Zipf`] turn draws into spans and ranks with arithmetic that is the same on every platform, and
//! does not change with the versions of a random-number crate: neither `rand`'s ranges nor its shuffle is used.
//!
//! Draws are for simulation. Nothing here is fit for keys or secrets.

mod distribution;
mod normal;
mod path;
mod philox;
mod stream;
mod zipf;

pub use distribution::{Distribution, DistributionError, Shape, Table};
pub use path::{Fate, PathKey, Purpose, fate, happens};
pub use stream::{Seed, Stream};
pub use zipf::{Zipf, ZipfError};
