//! Identifiers. Each is a newtype, so that a node can't be taken for a request.

use std::fmt;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!(concat!($prefix, "{}"), self.0))
            }
        }
    };
}

identifier! {
    /// A node of the world, by its index (from 0) in the order nodes were described.
    NodeId(u32), "n"
}
identifier! {
    /// One invocation by a client; a retry by the client's process keeps the same one.
    RequestId(u64), "r"
}
identifier! {
    /// An event of the trace, by its number from 1; 0 ([`EventId::OUTSIDE`]) is the world outside the run:
    /// the person, the schedule or the workload.
    EventId(u64), "#"
}
identifier! {
    /// How many-th life of a node this is, from 0; every restart adds one.
    Incarnation(u32), "life "
}
identifier! {
    /// A fault that was injected, for lifting it again.
    FaultId(u32), "fault "
}
identifier! {
    /// An open file of one disk. It dies with the node's incarnation.
    FileHandle(u32), "file "
}
identifier! {
    /// A sync that was ordered and not waited for; its completion comes back with the same ticket.
    SyncTicket(u64), "sync "
}

impl EventId {
    /// The cause of what comes from outside the run.
    pub const OUTSIDE: Self = Self(0);
}

impl NodeId {
    /// The node's index, for slices.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
