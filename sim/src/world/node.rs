//! One node of the world: its program, and everything that is lent to it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::clock::{ClockConfig, NodeClock};
use crate::disk::DiskConfig;
use crate::fault::crash_after_send::Trap;
use crate::random::PathKey;
use crate::{
    EventId, Incarnation, Instant, NodeId, Process, RequestId, SimDisk, Span, Stream, SyncTicket,
    TimerHandle,
};

/// What a node is to be.
#[derive(Clone, Debug)]
pub struct NodeSpec<P: Process> {
    /// Its name: unique, and what its random stream is named by.
    pub name: String,
    /// What its program is told at every boot.
    pub config: P::Config,
    /// What every handler costs before it does anything.
    pub service_time: Span,
    /// How many messages and requests may wait. One more is dropped (a message) or fails as overloaded (a request);
    /// timers and finished syncs always find room.
    pub inbox_capacity: u32,
    /// How its clocks are wrong.
    pub clock: ClockConfig,
    /// How its disk behaves.
    pub disk: DiskConfig,
}

/// What a handler is called for.
#[derive(Clone, Debug)]
pub(super) enum Item<P: Process> {
    Message { from: NodeId, message: P::Message },
    Request { id: RequestId, request: P::Request },
    Timer(TimerHandle),
    Synced(SyncTicket),
}

/// An item that waits for the node, with what caused it and the path its own effects are drawn by.
#[derive(Clone, Debug)]
pub(super) struct Work<P: Process> {
    pub(super) item: Item<P>,
    pub(super) cause: EventId,
    pub(super) path: PathKey,
}

#[derive(Clone, Debug)]
pub(super) struct PendingTimer<P: Process> {
    pub(super) timer: P::Timer,
    pub(super) cause: EventId,
    /// The path of the handler that set it, and how many-th of its timers it was.
    pub(super) set_by: (PathKey, u32),
    /// Whether it is due and waits in the inbox.
    pub(super) queued: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Node<P: Process> {
    pub(super) spec: Arc<NodeSpec<P>>,
    /// `None` while the node is down.
    pub(super) process: Option<P>,
    pub(super) incarnation: Incarnation,
    /// Whether a boot of it is in the queue.
    pub(super) boots: bool,
    /// Why it stopped itself, if it did.
    pub(super) halted: Option<String>,
    pub(super) crash_faults: u32,
    pub(super) pause_faults: u32,
    /// How often it has left without having joined again.
    pub(super) absences: u32,
    /// How long its handlers take now, before they do anything.
    pub(super) service_time: Span,
    /// Crashes that its own orders will set off.
    pub(super) trap: Option<Box<Trap>>,
    /// How far its wall clock has been stepped.
    pub(super) clock_jumps: i64,
    pub(super) busy_until: Instant,
    pub(super) inbox: VecDeque<Work<P>>,
    /// Messages and requests in the inbox.
    pub(super) inbox_bounded: u32,
    pub(super) ready_at: Option<Instant>,
    pub(super) timers: BTreeMap<TimerHandle, PendingTimer<P>>,
    pub(super) timer_count: u64,
    /// When the world will look at the timers; an earlier one replaces it, and the old one is then ignored.
    pub(super) wake_at: Option<Instant>,
    pub(super) clock: NodeClock,
    pub(super) random: Stream,
    pub(super) disk: SimDisk,
    pub(super) open_requests: Vec<RequestId>,
}

impl<P: Process> Node<P> {
    /// Whether a handler can start now.
    #[inline]
    pub(super) fn is_free(&self, now: Instant) -> bool {
        self.busy_until <= now && self.pause_faults == 0 && self.inbox.is_empty()
    }

    /// The earliest timer that is not waiting in the inbox already.
    pub(super) fn next_timer_due(&self) -> Option<TimerHandle> {
        self.timers
            .iter()
            .find(|(_, timer)| !timer.queued)
            .map(|(handle, _)| *handle)
    }
}
