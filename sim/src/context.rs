//! What a host lends to a process for the length of one handler, and the orders that come back.
//!
//! A handler runs at one point of the host's program but covers a stretch of virtual time: its service time, what
//! it [spends](Context::spend), and what the disk took. **Each order is stamped with where in that stretch it stood**
//! ([`Stamp`]): it leaves at that instant, and when the k-th disk operation kills the node, exactly the orders given
//! before it have left. Without the stamps (all orders leaving at the end) a simulator hides every
//! acknowledge-before-sync bug.

use crate::disk::{Disk, DiskError};
use crate::fault::crash_after_send::Trap;
use crate::{
    FileHandle, LocalInstant, NodeId, Outcome, Process, RequestId, Span, Stream, SyncTicket,
    WallTime,
};

/// Where in its handler an order stood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Virtual time since the handler began.
    pub elapsed: Span,
    /// Disk operations begun since the handler began.
    pub disk_operations: u32,
}

/// What a process asked its host to do.
#[derive(Clone, Debug)]
pub struct Order<P: Process> {
    /// Where in the handler it was given.
    pub stamp: Stamp,
    /// What it asks.
    pub action: Action<P>,
}

/// The kinds of order.
#[derive(Clone, Debug)]
pub enum Action<P: Process> {
    /// Send a message to a node (which may be the sender itself).
    Send(NodeId, P::Message),
    /// Call back at a reading of the node's own monotonic clock.
    SetTimer(TimerHandle, P::Timer),
    /// Forget a timer; from here on it can't fire.
    CancelTimer(TimerHandle),
    /// Answer a request.
    Reply(RequestId, Outcome<P::Reply>),
    /// Tell the audience.
    Note(P::Note),
}

/// A timer that was set, for cancelling it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerHandle {
    /// When it is due, on the node's monotonic clock.
    pub due: LocalInstant,
    /// Which one it is among the node's timers; equal due times fire in this order.
    pub number: u64,
}

/// A node's two clocks as they stand when a handler begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// The monotonic clock: drifts, never jumps.
    pub local: LocalInstant,
    /// The wall clock: drifts, has an offset, may jump.
    pub wall: WallTime,
    /// How much faster the node's clocks run than the world, in parts per billion (negative: slower).
    pub drift_ppb: i64,
    /// Whether the wall clock stands still.
    pub wall_stands: bool,
}

impl Clocks {
    /// How far the node's clocks move while the world moves by `span`.
    pub fn local_span(&self, span: Span) -> Span {
        let nanos = span.as_nanos();
        if self.drift_ppb == 0 {
            return span;
        }
        // Rounded down, for slow clocks too: a reading within a handler must not be ahead of the next handler's.
        let gained = (i128::from(nanos) * i128::from(self.drift_ppb)).div_euclid(1_000_000_000);
        let moved = (i128::from(nanos) + gained).max(0);
        Span::from_nanos(u64::try_from(moved).unwrap_or(u64::MAX))
    }
}

/// What a host must supply to run one handler; see [`Context::new`].
pub struct Loan<'a, P: Process> {
    /// The node.
    pub node: NodeId,
    /// Its clocks at the handler's begin.
    pub clocks: Clocks,
    /// Its random stream.
    pub random: &'a mut Stream,
    /// Its disk; [`Disk::spent`] must count from the handler's begin.
    pub disk: &'a mut dyn Disk,
    /// How many timers the node has set so far in this life.
    pub timer_count: &'a mut u64,
    /// Where orders go, in the order they are given.
    pub orders: &'a mut Vec<Order<P>>,
    /// What the handler costs before it does anything.
    pub service_time: Span,
}

/// A process's window on its host, for the length of one handler.
pub struct Context<'a, P: Process> {
    loan: Loan<'a, P>,
    spent: Span,
    trap: Option<&'a mut Trap>,
}

impl<'a, P: Process> Context<'a, P> {
    /// A context for one handler, on what `loan` lends. For hosts.
    pub fn new(loan: Loan<'a, P>) -> Self {
        Self::with_trap(loan, None)
    }

    /// The same, on a node whose own orders may set off a crash.
    pub(crate) fn with_trap(loan: Loan<'a, P>, trap: Option<&'a mut Trap>) -> Self {
        let spent = loan.service_time;
        Self { loan, spent, trap }
    }

    /// The node this process runs on.
    pub fn node(&self) -> NodeId {
        self.loan.node
    }

    /// The node's monotonic clock, now.
    pub fn clock(&self) -> LocalInstant {
        self.loan.clocks.local + self.loan.clocks.local_span(self.elapsed())
    }

    /// The node's wall clock, now. It may be wrong, and it may jump.
    pub fn wall_clock(&self) -> WallTime {
        if self.loan.clocks.wall_stands {
            return self.loan.clocks.wall;
        }
        self.loan.clocks.wall + self.loan.clocks.local_span(self.elapsed())
    }

    /// The node's random stream.
    pub fn random(&mut self) -> &mut Stream {
        self.loan.random
    }

    /// The node's disk. What it takes is added to the handler's time.
    pub fn disk(&mut self) -> &mut dyn Disk {
        self.loan.disk
    }

    /// Uses `span` of the node's time, for work that the service time does not cover.
    pub fn spend(&mut self, span: Span) {
        self.spent += span;
    }

    /// How long this handler has taken so far.
    pub fn elapsed(&self) -> Span {
        self.spent + self.loan.disk.spent().time
    }

    /// Sends `message` to `to`. Whether and when it arrives is the network's business.
    pub fn send(&mut self, to: NodeId, message: P::Message) {
        self.order(Action::Send(to, message));
    }

    /// Calls [`Process::on_timer`] after `after` has passed on the node's monotonic clock.
    pub fn set_timer(&mut self, after: Span, timer: P::Timer) -> TimerHandle {
        *self.loan.timer_count += 1;
        let handle = TimerHandle {
            due: self.clock() + after,
            number: *self.loan.timer_count,
        };
        self.order(Action::SetTimer(handle, timer));
        handle
    }

    /// Forgets a timer. One that has fired already is no error.
    pub fn cancel_timer(&mut self, handle: TimerHandle) {
        self.order(Action::CancelTimer(handle));
    }

    /// Answers the request `id`. A second answer to one request is a bug, and the host panics.
    pub fn reply(&mut self, id: RequestId, outcome: Outcome<P::Reply>) {
        self.order(Action::Reply(id, outcome));
    }

    /// Begins a sync of `file` and goes on; [`Process::on_synced`] brings the ticket back when it is durable.
    pub fn sync_later(&mut self, file: FileHandle) -> Result<SyncTicket, DiskError> {
        self.loan.disk.sync_later(file)
    }

    /// Tells the audience something that traces, views and explanations are built on.
    pub fn note(&mut self, note: P::Note) {
        self.order(Action::Note(note));
    }

    fn order(&mut self, action: Action<P>) {
        let disk = self.loan.disk.spent();
        let stamp = Stamp {
            elapsed: self.spent + disk.time,
            disk_operations: disk.operations,
        };
        if let Some(trap) = &mut self.trap {
            if trap.sprung().is_some() {
                return;
            }
            if trap.sees(&action, stamp.elapsed) {
                self.loan.disk.die();
            }
        }
        self.loan.orders.push(Order { stamp, action });
    }
}
