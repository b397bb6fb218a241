//! The second host: the same processes as tasks of [madsim](https://docs.rs/madsim), an independent simulator of async
//! Rust.
//!
//! A mistake in the world would be found by nothing that runs in the world. So the same nodes run here too, under a
//! scheduler that shares no line of code with it, and the scenarios of the catalog must come to the same verdicts.
//! Nothing of a process changes: a [`Context`](seedbed_sim::Context) can be lent by anybody.
//!
//! ```text
//!   supervisor ──► ask · inject · lift ──┐                         one madsim node for each node:
//!        ▲                               ▼                           receive  a message from the socket ──► inbox
//!        │   answers              machine: memory, disk,             life     inbox, timers, syncs ──► handler ──► orders,
//!        └───────────────────────── clock, inbox, timers  ◄────────────────        each at the instant of its stamp
//!                                        │ send
//!                                        ▼
//!                                  wire: delay, loss, order, cuts ──► sleep ──► socket ──► the receiver's
//! ```
//!
//! What is madsim's: tasks and the (random) order in which they run, timers, sockets, and the killing, restarting and
//! pausing of a node's tasks. An order that has not left when its task is killed never leaves; nothing else is needed to
//! unsend it. What is carried here, because madsim has one latency for all links, rounds waits up to a millisecond and
//! keeps what was never synced:
//!
//! - **Links** (`wire`): what a link and its faults do to a message is said by [`LinkModel`](seedbed_sim::LinkModel), as
//!   in the world; order, cuts that lose or hold, and getting it there by sleeping are the wire's. Draws are made by how
//!   many-th message on its link it is, so the same seed gives other delays here than in the world, of the same
//!   distributions.
//! - **Disks**: [`SimDisk`](seedbed_sim::SimDisk), driven by madsim's time; a crash loses what was not synced.
//! - **Clocks**: [`NodeClock`](seedbed_sim::NodeClock), with offset and drift.
//!
//! Three facts shape it. `select!` over a socket and a timer loses messages, and a socket waits a millisecond before it
//! gives a message out, so a task for each message does nothing but take it out of the socket. The order of a hash map differs at a second run in one thread, so every run has a fresh thread
//! ([`on_fresh_thread`]). A message takes at least [`TRAVEL_MIN`], whatever its link says, because madsim's sockets wait a
//! millisecond on either side; a restart takes a millisecond, for binding one.
//!
//! What it can't do: step, fork, go back, trace, or decide the fate of single messages. Faults that have no meaning here
//! are [refused by name](Cluster::inject).

#[cfg(not(madsim))]
compile_error!("build this crate with `cargo madsim`: it needs `--cfg madsim` everywhere");

#[cfg(madsim)]
mod cluster;
#[cfg(madsim)]
mod faults;
#[cfg(madsim)]
mod life;
#[cfg(madsim)]
mod machine;
#[cfg(madsim)]
mod run;
#[cfg(madsim)]
mod time;
#[cfg(madsim)]
mod wire;

#[cfg(madsim)]
pub use cluster::{Answer, Cluster, ClusterSpec, Noted, on_fresh_thread};
#[cfg(madsim)]
pub use run::run;
#[cfg(madsim)]
pub use wire::TRAVEL_MIN;
