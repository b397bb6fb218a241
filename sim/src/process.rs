//! The contract of a node's program.
//!
//! A [`Process`] is a pure state machine. Messages, timers, finished syncs and requests come in; sends, timers,
//! replies and notes go out through the [`Context`]; the node's disk is lent for the length of a handler. A process
//! has no clock, thread, socket, file or random source of its own, so the same program runs under any host:
//! [`World`](crate::World) is one.
//!
//! ```text
//!            boot ─► on_message / on_timer / on_synced / on_request ─► …        (state: self)
//!                        │ reads: clock, random stream, disk                    (lent by the host)
//!                        ▼
//!            orders, each stamped with where in the handler it stood:
//!            send · set_timer · cancel_timer · reply · sync_later · note
//! ```
//!
//! **Fail-stop.** A handler that can't go on returns [`Halt`]: the node stops until somebody restarts it. A bug panics.
//!
//! **Recovery is a handler.** [`Process::boot`] runs at the first start and at every restart, may use the disk, takes
//! virtual time, and can itself be cut short by a crash. There is no other way for state to come back.

use crate::disk::DiskError;
use crate::{Context, Datum, NodeId, Payload, RequestId, SyncTicket};

/// A node's program. See the [module](self) for the rules.
pub trait Process: Clone + Send + Sync + 'static {
    /// What the node is told at every boot: its part, the other nodes, its settings.
    type Config: Clone + std::fmt::Debug + Send + Sync + 'static;
    /// What it sends to other nodes.
    type Message: Payload;
    /// What it tells itself later.
    type Timer: Datum;
    /// What a user asks of it (clients only).
    type Request: Datum;
    /// What it answers to a request.
    type Reply: Datum;
    /// What it tells the audience: a marked meaning such as "became leader". No process can read notes.
    type Note: Datum;

    /// Starts the node, at first and after every crash. Whatever is not on the disk is gone.
    fn boot(config: &Self::Config, cx: &mut Context<'_, Self>) -> Result<Self, Halt>;

    /// A message has arrived.
    fn on_message(
        &mut self,
        from: NodeId,
        message: Self::Message,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt>;

    /// A timer that was set and not cancelled is due.
    fn on_timer(&mut self, timer: Self::Timer, cx: &mut Context<'_, Self>) -> Result<(), Halt>;

    /// A sync ordered by [`Context::sync_later`] has completed: what it covers is durable.
    fn on_synced(&mut self, ticket: SyncTicket, cx: &mut Context<'_, Self>) -> Result<(), Halt>;

    /// A user asks. The process owes one [`Context::reply`] with this `id`, now or later.
    fn on_request(
        &mut self,
        id: RequestId,
        request: Self::Request,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt>;
}

/// Why a process stops itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The disk refused, and going on would break a promise.
    #[error("disk: {0}")]
    Disk(#[from] DiskError),
    /// What was found on the disk can't be trusted.
    #[error("corrupt state: {0}")]
    Corrupt(String),
    /// The program has a reason of its own to stop.
    #[error("stopped: {0}")]
    Stopped(String),
}

/// The answer to a request, as the one who asked may book it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<R> {
    /// It happened, and this is the result.
    Ok(R),
    /// It surely had no effect, and never will.
    Fail(Reason),
    /// Nobody knows: it may have happened, or may happen yet.
    Info(Reason),
}

/// Why a request has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No answer came in time.
    Timeout,
    /// A queue on the way was full.
    Overloaded,
    /// The node asked is not the one that does this.
    WrongNode,
    /// The node is down or was never started.
    Unavailable,
    /// The client crashed while the request was open.
    ClientCrashed,
    /// The run ended while the request was open.
    EndOfRun,
    /// The request itself is not acceptable (a key that is too long).
    Refused,
}

impl Reason {
    /// The reason as a short stable name, for reports and histories.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Overloaded => "overloaded",
            Self::WrongNode => "wrong-node",
            Self::Unavailable => "unavailable",
            Self::ClientCrashed => "client-crashed",
            Self::EndOfRun => "end-of-run",
            Self::Refused => "refused",
        }
    }
}
