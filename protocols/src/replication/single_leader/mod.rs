//! Asynchronous single-leader replication.
//!
//! One replica, the **leader**, takes all writes and puts them into one order, its [replicated log](super::log). The
//! other replicas, the **followers**, are shipped the log and apply it in the same order. The leader acknowledges a write
//! as soon as it is durable *on the leader's own disk*: the acknowledgement never waits for a follower, so a follower may
//! answer with what is long out of date. That is the usual configuration of PostgreSQL, MySQL and MongoDB with
//! `w: 1, j: true` (DDIA chapter 5, "Leaders and Followers", "Problems with Replication Lag").
//!
//! ```text
//!   client             leader                     follower            follower's disk
//!     │ put x             │                           │                    │
//!     ├──────────────────►│ append to the log         │                    │
//!     │                   │ sync ─ ─ ┐ (one for all   │                    │
//!     │                   │◄ ─ ─ ─ ─ ┘  that came)    │                    │
//!     │                   │ apply                     │                    │
//!     │          write-ok │                           │                    │
//!     │◄──────────────────┤ append 17 … 19            │                    │
//!     │                   ├──────────────────────────►│ append to the log  │
//!     │ get x             │                           │ sync ─ ─ ─ ─ ─ ─ ─►│
//!     ├───────────────────┼──────────────────────────►│  (answers from what is applied:
//!     │            get-ok │                           │   x is not there yet)
//!     │◄──────────────────┼───────────────────────────┤                    │
//!     │                   │                 append-ok │◄─ ─ ─ ─ ─ ─ ─ ─ ─ ─┤
//!     │                   │◄──────────────────────────┤ apply              │
//! ```
//!
//! # Roles
//!
//! - [`leader`]: takes in, makes durable in groups, applies, acknowledges, ships.
//! - [`follower`]: appends in order, makes durable in groups, acknowledges, applies; notices what it has missed.
//! - [`client`]: routes, waits, retries, gives up. A client runs on a node of its own, with a place in the network.
//!
//! # Invariants
//!
//! 1. The leader applies, acknowledges and ships only what is durable in its log (as real leaders ship only what they have
//!    flushed). So a leader that crashes and comes back has everything that a follower ever got: no two logs disagree, and
//!    no acknowledged write is lost. A follower that is ahead of its leader is a broken promise of some disk, and stops
//!    the leader.
//! 2. A follower's log is a prefix of the leader's durable log: it takes entries in order only, without gaps.
//! 3. A replica applies only what is durable in its own log, in order, exactly once, whatever a crash cuts short
//!    ([`State`](super::state::State)). So nothing that a client has read from a replica is gone after its crash.
//! 4. A write is applied at the leader before it is acknowledged: who reads at the leader reads their own writes.
//! 5. A call of a client takes effect once, however often it is sent, and never after a later call of the same client.
//!
//! # Catching up
//!
//! What a follower lacks can show in three ways, and each ends in a `want` that says what it *has*; the leader goes on
//! from there, and entries that come twice are passed over.
//!
//! ```text
//!   it boots with a log   ────────────────────────────────────► want: have 16 ─► append 17 … 19, append 20 …
//!   an append comes whose first entry is not the next   ──────► want
//!   a heartbeat says that more was shipped than it has  ──────► want
//! ```
//!
//! The leader sends a heartbeat to each follower that it has sent nothing else for a while. The follower answers it with
//! its durable position, which makes good for acknowledgements that were lost. A leader that boots takes it that every
//! follower has all of its log; those that have not find a gap.
//!
//! # Bounds
//!
//! - What is shipped to one follower and not acknowledged is bounded, in entries and in bytes ([`Settings::window`]). At
//!   the bound nothing is sent until an acknowledgement comes. A follower that is far behind costs the leader reads of
//!   its log file, not memory.
//! - A follower asks for the same missing entries at most once in [`Settings::ask_again_after`].
//! - A client has one write open; up to [`WAITING_WRITES_MAX`] more wait, and one beyond fails as overloaded.
//! - Inboxes are bounded by the host: what a full one drops is retried, or found to be missing, as if a link had lost it.
//!
//! # Calls and retries
//!
//! A client's call is named by (client, session, number). The session is how many-th life of the client this is, durable
//! on the client's disk before its first call leaves. A retry ([`Settings::retry_after`]) is the same call; the leader
//! keeps the last write of each client with its applied state, so that it tells a retry from a new write also after a
//! restart, and answers it with the place that the write has already. One number for each client is enough, since a
//! client sends a write only when the one before it is over. A write that was given up and comes after a later one is
//! passed over.
//!
//! A call without an answer in time ends as *info*: a write that was sent may be in the log, or come there yet. Reads end
//! alike, though they surely have no effect: a timeout is no answer. (Jepsen's clients book them as failed, which frees
//! the process for its next operation; here a client's process goes on anyway.) A write sent to a follower fails, and
//! surely has no effect.
//!
//! # What real systems do and this does not
//!
//! - The leader never changes: there is no failover, so while it is down nobody can write. (PostgreSQL leaves failover to
//!   tools such as Patroni; MongoDB elects a new primary.)
//! - The log is never cut at its front, so every follower can catch up from it, and a new one needs no snapshot.
//!   (PostgreSQL keeps what replication slots ask for; MySQL purges binary logs by age.)
//! - Followers ship to nobody (no cascades), apply in one thread, and answer reads however far they are behind (no cap on
//!   lag, no position to wait for).
//! - A leader's own log and its engine's are two. In PostgreSQL the write-ahead log is both; MySQL keeps its binary log
//!   and InnoDB's redo log in step with a two-phase commit, which the position in each of our engine's batches replaces.
//! - A replica whose disk refuses a write stops, as PostgreSQL does when its log's disk is full.

mod client;
mod config;
mod follower;
mod leader;
mod message;
mod node;
mod note;
mod replica;
mod session;
#[cfg(test)]
mod tests;

pub use client::{Client, WAITING_WRITES_MAX};
pub use config::{ClientConfig, Config, Part, Planted, ReplicaConfig, Routing, Settings};
pub use message::{Message, Timer};
use node::Cx;
pub use node::Node;
pub use note::Note;
pub use replica::Replica;
