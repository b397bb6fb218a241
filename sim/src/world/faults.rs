//! What faults do: injecting them, lifting them, and the crash itself.

use super::{ActiveFault, FaultError, Pending, World};
use crate::fault::crash_after_send::Bait;
use crate::fault::{Strobe, slow};
use crate::passage::LinkEffect;
use crate::trace::{DropReason, Record, RecordKind, stable_hash};
use crate::world::handler::Handler;
use crate::world::node::Item;
use crate::world::transmit::Envelope;
use crate::{
    Datum, EventId, Fault, FaultId, Halt, InFlight, Instant, Kind, NodeId, Observer, Outcome,
    Process, Reason, SimDisk, Span,
};

impl<P: Process> World<P> {
    /// Lets a fault hold from now on. A refused fault changes nothing. A partition that is named by its shape is worked out
    /// here ([`Fault::resolve`]), but for [`PartitionShape::Chosen`](crate::PartitionShape::Chosen): nobody is chosen here.
    pub fn inject(
        &mut self,
        fault: Fault,
        observer: &mut impl Observer<P>,
    ) -> Result<FaultId, FaultError> {
        let fault = fault.resolve(self.seed, self.fault_count + 1, &[])?;
        self.validate(&fault)?;
        self.fault_count += 1;
        let id = FaultId(self.fault_count);
        let node = fault.nodes().first().copied().unwrap_or_default();
        let record = Record::new(RecordKind::Fault, self.now, node, EventId::OUTSIDE)
            .detail(u64::from(id.0));
        let event = self.record_as(record, Kind(fault.name()), stable_hash(&fault), observer);
        self.link_faults += usize::from(fault.touches_links());
        let injected = fault.clone();
        self.faults.push(ActiveFault {
            id,
            fault,
            since: self.now,
            triggered: false,
        });
        match injected {
            Fault::Crash { node } => {
                self.nodes[node.index()].crash_faults += 1;
                self.crash(node, self.now, event, observer);
            }
            Fault::CrashAtDiskOperation { node, .. } => self.rearm_crash(node),
            Fault::CrashAfterSend {
                node,
                message,
                number,
            } => self.arm_trap(node, id, Bait::Send(message), number),
            Fault::CrashAfterNote { node, note, number } => {
                self.arm_trap(node, id, Bait::Note(note), number);
            }
            Fault::SiteDown { nodes } => {
                for node in nodes {
                    self.nodes[node.index()].crash_faults += 1;
                    self.crash(node, self.now, event, observer);
                }
            }
            Fault::Replace { node } => {
                self.nodes[node.index()].crash_faults += 1;
                self.crash(node, self.now, event, observer);
                self.wipe(node);
            }
            Fault::Leave { node } => {
                self.nodes[node.index()].crash_faults += 1;
                self.nodes[node.index()].absences += 1;
                self.crash(node, self.now, event, observer);
            }
            Fault::Slow { node, .. } => self.set_pace(node),
            Fault::Pause { node } => self.nodes[node.index()].pause_faults += 1,
            Fault::Cut { .. } | Fault::Partition { .. } | Fault::Unreachable { .. } => {
                self.cut_in_flight(&injected, observer);
            }
            Fault::PartitionShape { .. } => unreachable!("it was resolved"),
            // What else strikes links strikes what is sent from now on.
            Fault::Delay { .. }
            | Fault::Loss { .. }
            | Fault::Jitter { .. }
            | Fault::Duplicate { .. }
            | Fault::Reorder { .. }
            | Fault::Corrupt { .. }
            | Fault::RateLimit { .. }
            | Fault::Bursts { .. } => {}
            Fault::ClockJump { node, nanos } => {
                let jumps = &mut self.nodes[node.index()].clock_jumps;
                *jumps = jumps.saturating_add(nanos);
                self.set_clock(node);
            }
            Fault::ClockOffset { node, .. }
            | Fault::ClockDrift { node, .. }
            | Fault::ClockStrobe { node, .. }
            | Fault::ClockFreeze { node } => self.set_clock(node),
            Fault::Disk(fault) => {
                let disk = &mut self.nodes[fault.node.index()].disk;
                disk.begin_fault(id, &fault, self.now);
            }
        }
        Ok(id)
    }

    /// Ends a fault: a crashed node boots, a paused one goes on, a cut link carries again.
    pub fn lift(&mut self, id: FaultId, observer: &mut impl Observer<P>) -> Result<(), FaultError> {
        let index = self
            .faults
            .iter()
            .position(|active| active.id == id)
            .ok_or(FaultError::NotActive(id))?;
        let ActiveFault {
            fault, triggered, ..
        } = self.faults.remove(index);
        self.link_faults -= usize::from(fault.touches_links());
        let node = fault.nodes().first().copied().unwrap_or_default();
        let record =
            Record::new(RecordKind::Lift, self.now, node, EventId::OUTSIDE).detail(u64::from(id.0));
        let event = self.record_as(record, Kind(fault.name()), 0, observer);
        match fault {
            Fault::Crash { node } => self.restart(node),
            Fault::CrashAtDiskOperation { node, .. } if triggered => self.restart(node),
            Fault::CrashAtDiskOperation { node, .. } => self.rearm_crash(node),
            Fault::CrashAfterSend { node, .. } | Fault::CrashAfterNote { node, .. } => {
                if triggered {
                    self.restart(node);
                } else {
                    self.disarm_trap(node, id);
                }
            }
            Fault::SiteDown { nodes } => nodes.into_iter().for_each(|node| self.restart(node)),
            Fault::Replace { node } => self.restart(node),
            Fault::Leave { node } => {
                self.nodes[node.index()].absences -= 1;
                self.restart(node);
            }
            Fault::Slow { node, .. } => self.set_pace(node),
            Fault::Pause { node } => self.resume(node, event, observer),
            Fault::Cut { .. } | Fault::Partition { .. } | Fault::Unreachable { .. } => {
                self.release_held(observer);
            }
            Fault::PartitionShape { .. } | Fault::ClockJump { .. } => {}
            Fault::Delay { .. }
            | Fault::Loss { .. }
            | Fault::Jitter { .. }
            | Fault::Duplicate { .. }
            | Fault::Reorder { .. }
            | Fault::Corrupt { .. }
            | Fault::RateLimit { .. }
            | Fault::Bursts { .. } => {}
            Fault::ClockOffset { node, .. }
            | Fault::ClockDrift { node, .. }
            | Fault::ClockStrobe { node, .. }
            | Fault::ClockFreeze { node } => self.set_clock(node),
            Fault::Disk(fault) => self.nodes[fault.node.index()].disk.end_fault(id),
        }
        Ok(())
    }

    fn validate(&self, fault: &Fault) -> Result<(), FaultError> {
        if let Some(unknown) = fault
            .nodes()
            .into_iter()
            .find(|node| node.index() >= self.nodes.len())
        {
            return Err(FaultError::NoSuchNode(unknown, self.nodes.len()));
        }
        if let Some(chance) = fault.chance_per_million().filter(|it| *it > 1_000_000) {
            return Err(FaultError::ChanceTooHigh(chance));
        }
        match fault {
            Fault::CrashAtDiskOperation { operation: 0, .. } => Err(FaultError::OperationZero),
            Fault::CrashAfterSend { number: 0, .. } | Fault::CrashAfterNote { number: 0, .. } => {
                Err(FaultError::NumberZero)
            }
            Fault::Slow { factor: 0, .. } => Err(FaultError::FactorZero),
            Fault::ClockStrobe {
                every: Span::ZERO, ..
            } => Err(FaultError::StrobeZero),
            Fault::RateLimit { rate, .. } if rate.bytes_per_second == 0 => {
                Err(FaultError::RateZero)
            }
            Fault::Disk(fault) => match fault.kind.chance() {
                Some(chance) if chance.per_million > 1_000_000 => {
                    Err(FaultError::ChanceTooHigh(chance.per_million))
                }
                _ => Ok(()),
            },
            Fault::ClockDrift { node, ppm } => {
                let total = self.drift_ppm(*node) + i64::from(*ppm);
                if total > -1_000_000 {
                    Ok(())
                } else {
                    Err(FaultError::DriftTooSlow(total))
                }
            }
            _ => Ok(()),
        }
    }

    /// What all faults together do to one direction between two nodes.
    pub(super) fn link_effect(&self, from: NodeId, to: NodeId) -> LinkEffect {
        let mut effect = LinkEffect::default();
        for active in &self.faults {
            active.fault.add_to(from, to, &mut effect);
        }
        effect
    }

    /// Does to the messages that are on their way what the new cut says.
    fn cut_in_flight(&mut self, fault: &Fault, observer: &mut impl Observer<P>) {
        let caught = self.queue.take(|pending| match pending {
            Pending::Message(envelope) => fault.cuts(envelope.from, envelope.to).is_some(),
            _ => false,
        });
        let messages = caught.into_iter().filter_map(|(_, pending)| match pending {
            Pending::Message(envelope) => Some(envelope),
            _ => None,
        });
        // What another cut holds is lost if this one loses messages.
        let held = std::mem::take(&mut self.held);
        let (held_here, held_elsewhere): (Vec<_>, Vec<_>) = held
            .into_iter()
            .partition(|envelope| fault.cuts(envelope.from, envelope.to) == Some(InFlight::Lost));
        self.held = held_elsewhere;
        let mut all: Vec<Envelope<P>> = held_here.into_iter().chain(messages).collect();
        all.sort_by_key(|envelope| envelope.cause);
        for envelope in all {
            let cut = fault.cuts(envelope.from, envelope.to);
            self.put_on_link(envelope, cut, observer);
        }
    }

    /// Sends on what was held on links that no cut holds any more, in the order in which it was sent.
    fn release_held(&mut self, observer: &mut impl Observer<P>) {
        let mut held = std::mem::take(&mut self.held);
        held.sort_by_key(|envelope| envelope.cause);
        for envelope in held {
            let cut = self.link_effect(envelope.from, envelope.to).cut;
            if cut == Some(InFlight::Held) {
                self.held.push(envelope);
            } else {
                self.put_on_link(envelope, cut, observer);
            }
        }
    }

    fn drift_ppm(&self, node: NodeId) -> i64 {
        let own = i64::from(self.nodes[node.index()].spec.clock.drift_ppm);
        let faults = self.faults.iter().filter_map(|active| match active.fault {
            Fault::ClockDrift { node: target, ppm } if target == node => Some(i64::from(ppm)),
            _ => None,
        });
        own + faults.sum::<i64>()
    }

    /// Sets a node's clocks to what its own error and all faults together make of them.
    fn set_clock(&mut self, id: NodeId) {
        let drift_ppm = self
            .drift_ppm(id)
            .clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
        let own = self.nodes[id.index()].spec.clock.offset_nanos;
        let offset_nanos = self
            .faults
            .iter()
            .fold(own, |sum, active| match active.fault {
                Fault::ClockOffset { node, nanos } if node == id => sum.saturating_add(nanos),
                _ => sum,
            });
        let mut latest_first = self.faults.iter().rev();
        let strobe = latest_first.find_map(|active| match active.fault {
            Fault::ClockStrobe { node, nanos, every } if node == id => Some(Strobe {
                since: active.since,
                every,
                nanos,
            }),
            _ => None,
        });
        let freeze = Fault::ClockFreeze { node: id };
        let is_frozen = self.faults.iter().any(|active| active.fault == freeze);
        let node = &mut self.nodes[id.index()];
        // It stands where it stood before whatever came with the freeze.
        node.clock.set_frozen(self.now, is_frozen);
        node.clock.set_drift(self.now, drift_ppm);
        node.clock
            .set_offset(offset_nanos.saturating_add(node.clock_jumps));
        node.clock.set_strobe(strobe);
        // Timers run on the drifting clock: what was planned may come too early or too late now.
        node.wake_at = None;
        self.schedule_wake(id);
    }

    /// Sets how long the node's handlers take.
    fn set_pace(&mut self, id: NodeId) {
        let own = self.nodes[id.index()].spec.service_time;
        let faults = self.faults.iter().map(|active| &active.fault);
        self.nodes[id.index()].service_time = slow::service_time(own, id, faults);
    }

    /// Puts an empty disk in the place of the node's. What is wrong with its disk is wrong with the new one, too.
    fn wipe(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.index()];
        node.disk = SimDisk::named(node.spec.disk, self.seed, &node.spec.name);
        for active in &self.faults {
            if let Fault::Disk(fault) = &active.fault
                && fault.node == id
            {
                node.disk.begin_fault(active.id, fault, self.now);
            }
        }
        self.rearm_crash(id);
    }

    fn arm_trap(&mut self, id: NodeId, fault: FaultId, bait: Bait, number: u32) {
        let trap = &mut self.nodes[id.index()].trap;
        trap.get_or_insert_default().arm(fault, bait, number);
    }

    fn disarm_trap(&mut self, id: NodeId, fault: FaultId) {
        let trap = &mut self.nodes[id.index()].trap;
        if trap.as_mut().is_some_and(|trap| trap.disarm(fault)) {
            *trap = None;
        }
    }

    /// An order of the handler set off a crash of its node, at the instant at which it was given.
    pub(super) fn crash_by_trap(
        &mut self,
        handler: Handler,
        (fault, at): (FaultId, Instant),
        observer: &mut impl Observer<P>,
    ) {
        let id = handler.node;
        let mut active = self.faults.iter_mut();
        let active = active.find(|active| active.id == fault);
        active
            .expect("a trap is armed by a fault that holds")
            .triggered = true;
        let trap = &mut self.nodes[id.index()].trap;
        if trap.as_mut().is_some_and(|trap| trap.reset()) {
            *trap = None;
        }
        self.die_in(handler, at, observer);
    }

    fn restart(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.index()];
        node.crash_faults -= 1;
        if node.crash_faults == 0 && node.process.is_none() {
            node.halted = None;
            node.incarnation.0 += 1;
            node.boots = true;
            // A handler that killed its node ends later than it began: not before that.
            let at = self.now.max(node.busy_until);
            self.queue.push(at, Pending::Boot(id));
        }
        self.rearm_crash(id);
    }

    /// Arms the disk for the crash-at-disk-operation faults on it that have not come true, the soonest one.
    fn rearm_crash(&mut self, id: NodeId) {
        let armed = self.faults.iter().filter_map(|active| match active.fault {
            Fault::CrashAtDiskOperation { node, operation } if node == id && !active.triggered => {
                Some(operation)
            }
            _ => None,
        });
        match armed.min() {
            Some(operation) => self.nodes[id.index()].disk.arm_crash(operation),
            None => self.nodes[id.index()].disk.disarm_crash(),
        }
    }

    fn resume(&mut self, id: NodeId, cause: EventId, observer: &mut impl Observer<P>) {
        let node = &mut self.nodes[id.index()];
        node.pause_faults -= 1;
        if node.pause_faults > 0 || node.process.is_none() {
            return;
        }
        let record = Record::new(RecordKind::Resume, self.now, id, cause);
        self.record_as(record, Kind("resume"), 0, observer);
        self.schedule_ready(id);
        self.schedule_wake(id);
    }

    /// Ends a node's life at `at`, which may lie ahead, at the end of the handler that killed it.
    fn crash(&mut self, id: NodeId, at: Instant, cause: EventId, observer: &mut impl Observer<P>) {
        let node = &mut self.nodes[id.index()];
        // A node that has not come up yet, or was down already, has nothing to lose but its boot.
        if node.process.is_some() {
            let record = Record::new(RecordKind::Crash, self.now, id, cause).detail(at.as_nanos());
            self.record_as(record, Kind("crash"), 0, observer);
        }
        self.end_life(id, at, cause, observer);
    }

    /// A disk operation of the handler killed its node.
    pub(super) fn crash_in_handler(
        &mut self,
        handler: Handler,
        at: Instant,
        observer: &mut impl Observer<P>,
    ) {
        let id = handler.node;
        let kills = |active: &&mut ActiveFault| {
            let on_node =
                matches!(active.fault, Fault::CrashAtDiskOperation { node, .. } if node == id);
            on_node && !active.triggered
        };
        let soonest =
            self.faults
                .iter_mut()
                .filter(kills)
                .min_by_key(|active| match active.fault {
                    Fault::CrashAtDiskOperation { operation, .. } => operation,
                    _ => u32::MAX,
                });
        soonest.expect("only a fault arms a disk").triggered = true;
        self.die_in(handler, at, observer);
    }

    /// A fault, counted as triggered by now, ends the life of the handler's node at an instant of the handler's time.
    fn die_in(&mut self, handler: Handler, at: Instant, observer: &mut impl Observer<P>) {
        let id = handler.node;
        self.nodes[id.index()].crash_faults += 1;
        let record =
            Record::new(RecordKind::Crash, self.now, id, handler.event).detail(at.as_nanos());
        let event = self.record_as(record, Kind("crash"), 0, observer);
        self.end_life(id, at, event, observer);
        self.rearm_crash(id);
    }

    /// A process has stopped itself: its node is down until a crash of it is injected and lifted.
    pub(super) fn halt(
        &mut self,
        handler: Handler,
        halt: &Halt,
        at: Instant,
        observer: &mut impl Observer<P>,
    ) {
        let record = Record::new(RecordKind::Halt, self.now, handler.node, handler.event)
            .detail(at.as_nanos());
        let event = self.record_as(record, Kind("halt"), 0, observer);
        self.end_life(handler.node, at, event, observer);
        self.nodes[handler.node.index()].halted = Some(halt.to_string());
        self.rearm_crash(handler.node);
    }

    /// What dies with a life: memory, what has not left yet, what is not durable, open requests.
    fn end_life(
        &mut self,
        id: NodeId,
        at: Instant,
        cause: EventId,
        observer: &mut impl Observer<P>,
    ) {
        let node = &mut self.nodes[id.index()];
        let waiting = node.lose_memory();
        node.disk.crash(at);
        node.busy_until = at;
        let mut open = std::mem::take(&mut node.open_requests);
        for work in waiting {
            // Requests that waited are among the open ones.
            if let Item::Message { from, message } = work.item {
                self.drop_message(
                    (from, id),
                    message.kind(),
                    work.cause,
                    DropReason::Unhandled,
                    observer,
                );
            }
        }
        for (due, pending) in self.queue.take(|pending| pending.dies_with(id, at)) {
            match pending {
                Pending::Message(Envelope {
                    from,
                    to,
                    message,
                    cause,
                    ..
                }) => {
                    self.drop_message(
                        (from, to),
                        message.kind(),
                        cause,
                        DropReason::Unsent,
                        observer,
                    );
                }
                // What was said before the end has been said.
                Pending::Reply { id: request, .. } if due <= at => {
                    open.retain(|open| *open != request);
                    self.nodes[id.index()].open_requests.push(request);
                    self.queue.push(due, pending);
                }
                Pending::Note { .. } if due <= at => self.queue.push(due, pending),
                _ => {}
            }
        }
        self.drop_unsent_held(id, at, observer);
        open.sort_unstable();
        for request in open {
            self.record_reply(
                id,
                request,
                Outcome::Info(Reason::ClientCrashed),
                cause,
                observer,
            );
        }
    }

    /// Drops messages that a cut holds and that the dead node had not sent yet.
    fn drop_unsent_held(&mut self, id: NodeId, at: Instant, observer: &mut impl Observer<P>) {
        let held = std::mem::take(&mut self.held);
        for envelope in held {
            if envelope.from == id && envelope.left_at > at {
                let link = (envelope.from, envelope.to);
                self.drop_message(
                    link,
                    envelope.message.kind(),
                    envelope.cause,
                    DropReason::Unsent,
                    observer,
                );
            } else {
                self.held.push(envelope);
            }
        }
    }
}

impl<P: Process> Pending<P> {
    /// Whether it ends, or must be looked at, when a node's life ends at `at`.
    fn dies_with(&self, id: NodeId, at: Instant) -> bool {
        match self {
            Self::Message(envelope) => envelope.from == id && envelope.left_at > at,
            Self::Boot(node) | Self::Wake(node) | Self::Ready(node) => *node == id,
            Self::Synced { node, .. } | Self::Reply { node, .. } | Self::Note { node, .. } => {
                *node == id
            }
            Self::Request { .. } => false,
        }
    }
}
