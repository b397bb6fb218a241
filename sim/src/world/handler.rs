//! Running a node's handlers, and doing what they order.

use std::collections::VecDeque;

use super::{Pending, World};
use crate::context::{Action, Context, Loan, TimerHandle};
use crate::random::{PathKey, Purpose, fate};
use crate::trace::{DropReason, Record, RecordKind, ReplyKind};
use crate::world::node::{Item, Node, PendingTimer, Work};
use crate::{
    Datum, EventId, Halt, Instant, Kind, NodeId, Observer, Outcome, Payload, Process, Reason,
    RequestId, Span,
};

/// The handler that runs now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handler {
    pub(super) node: NodeId,
    /// What it was called for.
    pub(super) event: EventId,
    /// What its effects are drawn by.
    pub(super) path: PathKey,
}

/// How many orders of each sort the running handler has given, so that each has a draw of its own.
#[derive(Clone, Debug)]
pub(super) struct HandlerCounts {
    to: Vec<u32>,
    touched: Vec<NodeId>,
    timers: u32,
    syncs: u32,
}

impl HandlerCounts {
    pub(super) fn new(node_count: usize) -> Self {
        Self {
            to: vec![0; node_count],
            touched: Vec::new(),
            timers: 0,
            syncs: 0,
        }
    }

    /// How many messages went to `to` before this one.
    #[inline]
    pub(super) fn next_to(&mut self, to: NodeId) -> u32 {
        let count = &mut self.to[to.index()];
        if *count == 0 {
            self.touched.push(to);
        }
        *count += 1;
        *count - 1
    }

    #[inline]
    fn reset(&mut self) {
        for node in self.touched.drain(..) {
            self.to[node.index()] = 0;
        }
        self.timers = 0;
        self.syncs = 0;
    }
}

impl<P: Process> World<P> {
    /// Runs a handler for `work` if the node is free, or lets it wait in the inbox.
    #[inline]
    pub(super) fn give(&mut self, id: NodeId, work: Work<P>, observer: &mut impl Observer<P>) {
        let node = &mut self.nodes[id.index()];
        if node.is_free(self.now) {
            self.run_work(id, work, observer);
            return;
        }
        let is_bounded = matches!(work.item, Item::Message { .. } | Item::Request { .. });
        if is_bounded && node.inbox_bounded >= node.spec.inbox_capacity {
            self.refuse_overload(id, work, observer);
            return;
        }
        node.inbox_bounded += u32::from(is_bounded);
        if let Item::Message { .. } = work.item {
            observer.on_wait(id, work.cause, self.now);
        }
        node.inbox.push_back(work);
        self.schedule_ready(id);
    }

    /// What becomes of work that finds the inbox full.
    fn refuse_overload(&mut self, id: NodeId, work: Work<P>, observer: &mut impl Observer<P>) {
        match work.item {
            Item::Message { from, message } => {
                self.drop_message(
                    (from, id),
                    message.kind(),
                    work.cause,
                    DropReason::InboxFull,
                    observer,
                );
            }
            Item::Request { id: request, .. } => {
                let outcome = Outcome::Fail(Reason::Overloaded);
                self.emit_reply(id, request, outcome, work.cause, observer);
            }
            Item::Timer(_) | Item::Synced(_) => unreachable!("timers and syncs always find room"),
        }
    }

    /// A request has come to its node.
    pub(super) fn give_request(
        &mut self,
        node: NodeId,
        id: RequestId,
        request: P::Request,
        (path, cause): (PathKey, EventId),
        observer: &mut impl Observer<P>,
    ) {
        self.nodes[node.index()].open_requests.push(id);
        if self.nodes[node.index()].process.is_none() {
            self.emit_reply(
                node,
                id,
                Outcome::Fail(Reason::Unavailable),
                cause,
                observer,
            );
            return;
        }
        self.give(
            node,
            Work {
                item: Item::Request { id, request },
                cause,
                path,
            },
            observer,
        );
    }

    /// Sees to it that the node looks into its inbox when it is free again.
    pub(super) fn schedule_ready(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.index()];
        if node.ready_at.is_none() && node.pause_faults == 0 && !node.inbox.is_empty() {
            let at = node.busy_until.max(self.now);
            node.ready_at = Some(at);
            self.queue.push(at, Pending::Ready(id));
        }
    }

    /// The node may be free: runs the first of what waits.
    pub(super) fn take_from_inbox(&mut self, id: NodeId, observer: &mut impl Observer<P>) {
        let node = &mut self.nodes[id.index()];
        node.ready_at = None;
        if node.pause_faults > 0 || node.process.is_none() {
            return;
        }
        while let Some(work) = node.inbox.pop_front() {
            match work.item {
                Item::Message { .. } | Item::Request { .. } => node.inbox_bounded -= 1,
                // Cancelled while it waited: it must not fire.
                Item::Timer(handle) if !node.timers.contains_key(&handle) => continue,
                Item::Timer(_) | Item::Synced(_) => {}
            }
            self.run_work(id, work, observer);
            break;
        }
        self.schedule_ready(id);
    }

    /// The world looks at a node's timers.
    pub(super) fn wake(&mut self, id: NodeId, at: Instant, observer: &mut impl Observer<P>) {
        let node = &mut self.nodes[id.index()];
        // An earlier wake-up has replaced this one, or the node has crashed since.
        if node.wake_at != Some(at) {
            return;
        }
        node.wake_at = None;
        if node.pause_faults > 0 || node.process.is_none() {
            return;
        }
        let local = node.clock.at(at).local;
        let mut due = Vec::new();
        for (handle, timer) in &mut node.timers {
            if handle.due > local {
                break;
            }
            if !timer.queued {
                timer.queued = true;
                due.push(*handle);
            }
        }
        for handle in due {
            // A handler that ran just now for an earlier one may have cancelled it.
            let Some((cause, path)) = self.timer_origin(id, handle) else {
                continue;
            };
            self.give(
                id,
                Work {
                    item: Item::Timer(handle),
                    cause,
                    path,
                },
                observer,
            );
        }
        self.schedule_wake(id);
    }

    /// What a timer was set by, and the path its own effects are drawn by.
    fn timer_origin(&self, id: NodeId, handle: TimerHandle) -> Option<(EventId, PathKey)> {
        let timer = self.nodes[id.index()].timers.get(&handle)?;
        let (set_by, ordinal) = timer.set_by;
        Some((
            timer.cause,
            fate(self.seed, set_by, id.0, ordinal, Purpose::Timer).path(),
        ))
    }

    /// Sees to it that the world looks at the node's timers when the first is due.
    pub(super) fn schedule_wake(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.index()];
        if node.pause_faults > 0 || node.process.is_none() {
            return;
        }
        let Some(next) = node.next_timer_due() else {
            return;
        };
        let at = node.clock.world_time_of(next.due).max(self.now);
        if node.wake_at.is_none_or(|planned| at < planned) {
            node.wake_at = Some(at);
            self.queue.push(at, Pending::Wake(id));
        }
    }

    /// Calls the handler that `work` is for. The node is free.
    #[inline]
    fn run_work(&mut self, id: NodeId, work: Work<P>, observer: &mut impl Observer<P>) {
        let Work { item, cause, path } = work;
        let at = self.now;
        let record = |kind| Record::new(kind, at, id, cause);
        let (event, (result, elapsed)) = match item {
            Item::Message { from, message } => {
                let size_bytes = u64::from(message.size_bytes());
                let record = record(RecordKind::Deliver).peer(from).detail(size_bytes);
                let event = self.record_as(record, message.kind(), 0, observer);
                observer.on_message(event, from, id, &message);
                (
                    event,
                    self.call(id, |process, cx| process.on_message(from, message, cx)),
                )
            }
            Item::Request { id: asked, request } => {
                let record = record(RecordKind::Request).detail(asked.0);
                let event = self.record_as(record, request.kind(), 0, observer);
                (
                    event,
                    self.call(id, |process, cx| process.on_request(asked, request, cx)),
                )
            }
            Item::Timer(handle) => {
                let pending = self.nodes[id.index()].timers.remove(&handle);
                let timer = pending.expect("a timer that fires is set").timer;
                let record = record(RecordKind::Timer).detail(handle.number);
                let event = self.record(record, &timer, observer);
                (
                    event,
                    self.call(id, |process, cx| process.on_timer(timer, cx)),
                )
            }
            Item::Synced(ticket) => {
                let record = record(RecordKind::Synced).detail(ticket.0);
                let event = self.record_as(record, Kind("synced"), 0, observer);
                (
                    event,
                    self.call(id, |process, cx| process.on_synced(ticket, cx)),
                )
            }
        };
        let handler = Handler {
            node: id,
            event,
            path,
        };
        self.finish(handler, result, elapsed, observer);
    }

    /// Starts a node, at first and after a crash.
    pub(super) fn boot(&mut self, id: NodeId, observer: &mut impl Observer<P>) {
        let node = &mut self.nodes[id.index()];
        node.boots = false;
        let life = u64::from(node.incarnation.0);
        let path = PathKey::of_name(&node.spec.name, life);
        let record = Record::new(RecordKind::Boot, self.now, id, EventId::OUTSIDE).detail(life);
        let event = self.record_as(record, Kind("boot"), 0, observer);
        let (result, elapsed) = self.lend(id, |spec, process, cx| {
            *process = Some(P::boot(&spec.config, cx)?);
            Ok(())
        });
        let handler = Handler {
            node: id,
            event,
            path,
        };
        self.finish(handler, result, elapsed, observer);
    }

    /// Runs one handler of a node that is up, and says how long it took.
    #[inline]
    fn call(
        &mut self,
        id: NodeId,
        handler: impl FnOnce(&mut P, &mut Context<'_, P>) -> Result<(), Halt>,
    ) -> (Result<(), Halt>, Span) {
        self.lend(id, |_, process, cx| {
            let process = process
                .as_mut()
                .expect("only a node that is up runs handlers");
            handler(process, cx)
        })
    }

    /// Lends a node's things to `call`, and says how long it took.
    #[inline]
    fn lend(
        &mut self,
        id: NodeId,
        call: impl FnOnce(&super::NodeSpec<P>, &mut Option<P>, &mut Context<'_, P>) -> Result<(), Halt>,
    ) -> (Result<(), Halt>, Span) {
        let node = &mut self.nodes[id.index()];
        node.disk.begin_handler(self.now + node.service_time);
        let loan = Loan {
            node: id,
            clocks: node.clock.at(self.now),
            random: &mut node.random,
            disk: &mut node.disk,
            timer_count: &mut node.timer_count,
            orders: &mut self.orders,
            service_time: node.service_time,
        };
        let mut cx = Context::with_trap(loan, node.trap.as_deref_mut());
        let result = call(&node.spec, &mut node.process, &mut cx);
        let elapsed = cx.elapsed();
        (result, elapsed)
    }

    /// Does what a handler ordered, and ends its node if it was killed or has halted.
    #[inline]
    fn finish(
        &mut self,
        handler: Handler,
        result: Result<(), Halt>,
        elapsed: Span,
        observer: &mut impl Observer<P>,
    ) {
        let node = &mut self.nodes[handler.node.index()];
        // An order that sets off a crash is the last that is given, and where it stood the handler ends.
        let sprung = node.trap.as_ref().and_then(|trap| trap.sprung());
        let ended_at = self.now + sprung.map_or(elapsed, |(_, at)| at);
        node.busy_until = ended_at;
        observer.on_handled(handler.event, handler.node, self.now, ended_at);
        let killed_at = node.disk.killed_at();
        self.plan_syncs(handler);

        let mut orders = std::mem::take(&mut self.orders);
        for order in orders.drain(..) {
            // Given after the disk operation that killed the node: never given.
            if killed_at.is_some_and(|operation| order.stamp.disk_operations >= operation) {
                break;
            }
            self.obey(&handler, order.action, order.stamp.elapsed, observer);
        }
        self.orders = orders;
        self.counts.reset();

        if let Some((fault, _)) = sprung {
            self.crash_by_trap(handler, (fault, ended_at), observer);
        } else if killed_at.is_some() {
            self.crash_in_handler(handler, ended_at, observer);
        } else if let Err(halt) = result {
            self.halt(handler, &halt, ended_at, observer);
        }
    }

    /// Schedules the completions of the syncs that the handler began.
    #[inline]
    fn plan_syncs(&mut self, handler: Handler) {
        self.nodes[handler.node.index()]
            .disk
            .take_pending_syncs(&mut self.syncs);
        for (ticket, completes_at) in self.syncs.drain(..) {
            let path = fate(
                self.seed,
                handler.path,
                handler.node.0,
                self.counts.syncs,
                Purpose::Sync,
            )
            .path();
            self.counts.syncs += 1;
            let pending = Pending::Synced {
                node: handler.node,
                ticket,
                path,
                cause: handler.event,
            };
            self.queue.push(completes_at, pending);
        }
    }

    /// Does one order, `after` the begin of the handler.
    #[inline]
    fn obey(
        &mut self,
        handler: &Handler,
        action: Action<P>,
        after: Span,
        observer: &mut impl Observer<P>,
    ) {
        let (node, cause) = (handler.node, handler.event);
        match action {
            Action::Send(to, message) => self.transmit(handler, (to, message), after, observer),
            Action::SetTimer(handle, timer) => {
                let set_by = (handler.path, self.counts.timers);
                self.counts.timers += 1;
                let pending = PendingTimer {
                    timer,
                    cause,
                    set_by,
                    queued: false,
                };
                self.nodes[node.index()].timers.insert(handle, pending);
                self.schedule_wake(node);
            }
            Action::CancelTimer(handle) => {
                self.nodes[node.index()].timers.remove(&handle);
            }
            Action::Reply(id, outcome) if after == Span::ZERO => {
                self.emit_reply(node, id, outcome, cause, observer);
            }
            Action::Reply(id, outcome) => {
                self.queue.push(
                    self.now + after,
                    Pending::Reply {
                        node,
                        id,
                        outcome,
                        cause,
                    },
                );
            }
            Action::Note(note) if after == Span::ZERO => {
                self.emit_note(node, &note, cause, observer);
            }
            Action::Note(note) => self
                .queue
                .push(self.now + after, Pending::Note { node, note, cause }),
        }
    }

    pub(super) fn emit_note(
        &mut self,
        node: NodeId,
        note: &P::Note,
        cause: EventId,
        observer: &mut impl Observer<P>,
    ) {
        let event = self.record(
            Record::new(RecordKind::Note, self.now, node, cause),
            note,
            observer,
        );
        observer.on_note(event, self.now, node, note);
    }

    /// Answers a request.
    ///
    /// # Panics
    /// When it is not open at the node: a process has answered it twice, or has made it up.
    pub(super) fn emit_reply(
        &mut self,
        node: NodeId,
        id: RequestId,
        outcome: Outcome<P::Reply>,
        cause: EventId,
        observer: &mut impl Observer<P>,
    ) {
        let open = &mut self.nodes[node.index()].open_requests;
        let index = open.iter().position(|request| *request == id);
        let index = index.unwrap_or_else(|| panic!("{node} answers {id}, which is not open there"));
        open.swap_remove(index);
        self.record_reply(node, id, outcome, cause, observer);
    }

    pub(super) fn record_reply(
        &mut self,
        node: NodeId,
        id: RequestId,
        outcome: Outcome<P::Reply>,
        cause: EventId,
        observer: &mut impl Observer<P>,
    ) {
        let (reply_kind, kind, hash) = match &outcome {
            Outcome::Ok(reply) => {
                let hash = if self.trace.wants_hashes() {
                    crate::stable_hash(reply)
                } else {
                    0
                };
                (ReplyKind::Ok, reply.kind(), hash)
            }
            Outcome::Fail(reason) => (ReplyKind::Fail, Kind(reason.name()), *reason as u64),
            Outcome::Info(reason) => (ReplyKind::Info, Kind(reason.name()), *reason as u64),
        };
        let peer = NodeId(reply_kind as u32);
        let record = Record::new(RecordKind::Reply, self.now, node, cause)
            .peer(peer)
            .detail(id.0);
        let event = self.record_as(record, kind, hash, observer);
        observer.on_reply(event, self.now, id, outcome);
    }
}

impl<P: Process> Node<P> {
    /// Forgets everything that does not outlive a crash, but for the disk. Returns what waited in the inbox.
    pub(super) fn lose_memory(&mut self) -> VecDeque<Work<P>> {
        self.process = None;
        self.boots = false;
        self.inbox_bounded = 0;
        self.ready_at = None;
        self.timers.clear();
        self.wake_at = None;
        std::mem::take(&mut self.inbox)
    }
}
