//! The world that Seedbed grows from a seed: virtual time, randomness, network, disks, faults and trace.
//!
//! This crate names no protocol.

mod chunked;
mod clock;
mod context;
pub mod disk;
pub mod fault;
mod ids;
pub mod lockstep;
mod network;
mod observer;
mod passage;
mod payload;
mod process;
mod random;
mod schedule;
mod time;
mod trace;
mod world;

pub use chunked::ChunkedVec;
pub use clock::{ClockConfig, NodeClock};
pub use context::{Action, Clocks, Context, Loan, Order, Stamp, TimerHandle};
#[cfg(not(target_family = "wasm"))]
pub use disk::FileDisk;
pub use disk::{
    CrashImages, CrashPolicy, Disk, DiskConfig, DiskCounters, DiskError, FailedSync, OpenMode,
    RecordingDisk, SimDisk, Spent, Syncs,
};
pub use fault::{
    Barrier, Chance, Direction, DiskFault, DiskFaultKind, Fault, FilePattern, Group, InFlight,
    LinkTarget, PartitionShape, SlowOperations, Strobe,
};
pub use ids::{EventId, FaultId, FileHandle, Incarnation, NodeId, RequestId, SyncTicket};
pub use network::{
    Impairments, LinkKind, LinkRule, LinkSpec, NetworkSpec, Rate, TRANSMISSIONS_MAX,
};
pub use observer::Observer;
pub use passage::{Journey, LinkModel};
pub use payload::{Datum, Kind, Payload};
pub use process::{Halt, Outcome, Process, Reason};
pub use random::{
    Distribution, DistributionError, Fate, PathKey, Purpose, Seed, Shape, Stream, Table, Zipf,
    ZipfError, fate, happens,
};
pub use schedule::{MessageFate, MessageName, MessageSent, ScheduledMessage};
pub use time::{Instant, LocalInstant, Span, WallTime};
pub use trace::{
    Digest, DropReason, Record, RecordKind, ReplyKind, Trace, TraceLevel, stable_hash,
};
pub use world::{
    ActiveFault, FaultError, MessageInFlight, NodeSpec, NodeState, Stop, World, WorldSpec,
};
