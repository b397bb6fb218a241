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

/// How far a replica has got: numbers of log entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Positions {
    /// Entries written to its log.
    pub written: u64,
    /// Entries durable in its log.
    pub durable: u64,
    /// Entries applied to its engine.
    pub applied: u64,
}

/// A node as an onlooker sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its part.
    pub role: Role,
    /// Keys it holds; `None` for clients, and where the engine can't tell without a scan.
    pub keys: Option<u64>,
    /// One short line on what it is doing, such as `catching up from 17`; empty for nothing of note.
    pub doing: String,
}

/// A process that lets itself be seen.
pub trait Inspect {
    /// How far it has got; `None` for nodes that replicate nothing, such as clients. Called after every event, so cheap.
    fn positions(&self) -> Option<Positions>;

    /// The node now. Replicas and clients both have one.
    fn status(&self) -> Status;

    /// The whole content of a replica, in key order; `None` for nodes that hold none. Takes a copy of the node,
    /// since reading may touch caches and the disk: callers do it on a fork.
    fn contents(&mut self, disk: &mut dyn seedbed_sim::Disk) -> Option<Vec<(Bytes, Bytes)>>;
}
