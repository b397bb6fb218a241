//! What a node of any protocol lets people see of it. Views are built on this and checkers never are.

use bytes::Bytes;

/// The part a node plays now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Accepts writes.
    Leader,
    /// Applies what the leader ships.
    Follower,
    /// Asks on behalf of users.
    Client,
}

/// A node as an onlooker sees it. Positions are numbers of log entries: how many the node has got so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its part.
    pub role: Role,
    /// Entries written to its log.
    pub written: u64,
    /// Entries durable in its log.
    pub durable: u64,
    /// Entries applied to its engine.
    pub applied: u64,
    /// Keys it holds.
    pub keys: u64,
    /// One short line on what it is doing, such as `catching up from 17`; empty for nothing of note.
    pub doing: String,
}

/// A process that lets itself be seen.
pub trait Inspect {
    /// The node now. Replicas and clients both have one.
    fn status(&self) -> Status;

    /// The whole content of a replica, in key order; `None` for nodes that hold none. Takes a copy of the node,
    /// since reading may touch caches and the disk: callers do it on a fork.
    fn contents(&mut self, disk: &mut dyn seedbed_sim::Disk) -> Option<Vec<(Bytes, Bytes)>>;
}
