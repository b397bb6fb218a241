//! Faults, mapped to what this host can do: madsim's own kill, restart and pause; the wire; disks and clocks.

use std::sync::Arc;

use seedbed_sim::{Fault, FaultId, Instant, NodeId, Outcome, Process, Reason};

use crate::cluster::{Shared, State};

/// A fault that holds.
pub(crate) struct Active {
    pub(crate) id: FaultId,
    pub(crate) fault: Fault,
    /// For a crash at a disk operation: whether the node got there.
    triggered: bool,
}

impl<P: Process> Shared<P> {
    pub(crate) fn inject(self: &Arc<Self>, fault: &Fault) -> Result<FaultId, String> {
        let now = self.time.now();
        let id = {
            let mut state = self.state();
            check(fault, state.machines.len())?;
            state.fault_count += 1;
            let id = FaultId(state.fault_count);
            state.faults.push(Active {
                id,
                fault: fault.clone(),
                triggered: false,
            });
            state.happened(fault.name(), NodeId(0), now);
            id
        };
        match fault {
            Fault::Crash { node } => {
                self.state().machine(*node).crash_faults += 1;
                self.end_life(*node);
            }
            Fault::CrashAtDiskOperation { node, .. } => self.state().rearm(*node),
            Fault::Pause { node } => {
                let mut state = self.state();
                let machine = state.machine(*node);
                machine.pause_faults += 1;
                self.handle
                    .pause(machine.tasks.expect("the cluster has started"));
            }
            Fault::ClockOffset { node, .. } | Fault::ClockDrift { node, .. } => {
                self.state().set_clock(*node, now);
            }
            Fault::Disk(on_disk) => {
                let mut state = self.state();
                state
                    .machine(on_disk.node)
                    .disk
                    .begin_fault(id, on_disk, now);
            }
            _ => self.state().wire.cut(fault, now),
        }
        Ok(id)
    }

    pub(crate) fn lift(self: &Arc<Self>, id: FaultId) -> Result<(), String> {
        let now = self.time.now();
        let Active {
            fault, triggered, ..
        } = {
            let mut state = self.state();
            let index = state.faults.iter().position(|active| active.id == id);
            let index = index.ok_or_else(|| format!("{id} does not hold"))?;
            state.faults.remove(index)
        };
        self.state().happened("lift", NodeId(0), now);
        match fault {
            Fault::Crash { node } => self.lift_crash(node),
            Fault::CrashAtDiskOperation { node, .. } if triggered => self.lift_crash(node),
            Fault::CrashAtDiskOperation { node, .. } => self.state().rearm(node),
            Fault::Pause { node } => {
                let mut state = self.state();
                let machine = state.machine(node);
                machine.pause_faults -= 1;
                if machine.pause_faults == 0 {
                    self.handle
                        .resume(machine.tasks.expect("the cluster has started"));
                }
            }
            Fault::ClockOffset { node, .. } | Fault::ClockDrift { node, .. } => {
                self.state().set_clock(node, now);
            }
            Fault::Disk(on_disk) => self.state().machine(on_disk.node).disk.end_fault(id),
            _ => {
                let mut state = self.state();
                let faults = state.holding();
                for (due, packet) in state.wire.release(now, &faults) {
                    let (to, flight) = (packet.to, packet.flight);
                    state.machine(to).put_packet((due, flight), packet);
                }
            }
        }
        Ok(())
    }

    /// A disk operation of its handler has killed a node.
    pub(crate) fn crash_in_handler(self: &Arc<Self>, node: NodeId) {
        let mut state = self.state();
        let kills = |active: &&mut Active| match active.fault {
            Fault::CrashAtDiskOperation { node: target, .. } => target == node && !active.triggered,
            _ => false,
        };
        let armed = state.faults.iter_mut().filter(kills);
        let soonest = armed.min_by_key(|active| match active.fault {
            Fault::CrashAtDiskOperation { operation, .. } => operation,
            _ => u32::MAX,
        });
        soonest.expect("only a fault arms a disk").triggered = true;
        state.machine(node).crash_faults += 1;
        drop(state);
        self.end_life(node);
    }

    /// Ends a node's life now: its tasks are killed, and with them what has not left yet.
    pub(crate) fn end_life(self: &Arc<Self>, node: NodeId) {
        let now = self.time.now();
        let mut state = self.state();
        state.happened("end", node, now);
        let open = state.machine(node).end_life(now);
        for request in open {
            state.answer(request, now, Outcome::Info(Reason::ClientCrashed));
            self.news.notify_one();
        }
        state.wire.reset(node);
        state.rearm(node);
        let tasks = state.machine(node).tasks.expect("the cluster has started");
        drop(state);
        self.handle.kill(tasks);
    }

    fn lift_crash(self: &Arc<Self>, node: NodeId) {
        let machine_is_down = {
            let mut state = self.state();
            let machine = state.machine(node);
            machine.crash_faults -= 1;
            machine.crash_faults == 0 && machine.process.is_none()
        };
        self.state().rearm(node);
        if machine_is_down {
            self.restart(node);
        }
    }

    /// Begins a node's next life.
    pub(crate) fn restart(self: &Arc<Self>, node: NodeId) {
        let mut state = self.state();
        let machine = state.machine(node);
        machine.halted = None;
        machine.life += 1;
        let tasks = machine.tasks.expect("the cluster has started");
        let is_paused = machine.pause_faults > 0;
        drop(state);
        self.handle.restart(tasks);
        if is_paused {
            self.handle.pause(tasks);
        }
    }
}

impl<P: Process> State<P> {
    /// Arms a disk for the crashes at a disk operation that have not come true, the soonest one.
    fn rearm(&mut self, node: NodeId) {
        let armed = self.faults.iter().filter_map(|active| match active.fault {
            Fault::CrashAtDiskOperation {
                node: target,
                operation,
            } if target == node && !active.triggered => Some(operation),
            _ => None,
        });
        match armed.min() {
            Some(operation) => self.machine(node).disk.arm_crash(operation),
            None => self.machine(node).disk.disarm_crash(),
        }
    }

    /// Sets a node's clocks to what its own error and all faults together make of them.
    fn set_clock(&mut self, node: NodeId, now: Instant) {
        let (mut ppm, mut offset) = (0_i32, 0_i64);
        for active in &self.faults {
            match active.fault {
                Fault::ClockDrift {
                    node: target,
                    ppm: more,
                } if target == node => ppm = ppm.saturating_add(more),
                Fault::ClockOffset {
                    node: target,
                    nanos,
                } if target == node => offset = offset.saturating_add(nanos),
                _ => {}
            }
        }
        let machine = self.machine(node);
        let own = machine.spec.clock;
        machine
            .clock
            .set_drift(now, own.drift_ppm.saturating_add(ppm));
        machine
            .clock
            .set_offset(own.offset_nanos.saturating_add(offset));
        // Timers run on the drifting clock: it may wait too long now.
        machine.bell.notify_one();
    }
}

/// Whether this host can do it, and whether it makes sense.
#[allow(
    unreachable_patterns,
    reason = "a fault that is new to the world must not break this host"
)]
fn check(fault: &Fault, node_count: usize) -> Result<(), String> {
    let unknown = |node: &NodeId| node.index() >= node_count;
    if let Some(node) = fault.nodes().into_iter().find(unknown) {
        return Err(format!("there is no node {node}"));
    }
    match fault {
        Fault::CrashAtDiskOperation { operation: 0, .. } => {
            Err("disk operations are counted from 1".to_owned())
        }
        Fault::Crash { .. }
        | Fault::CrashAtDiskOperation { .. }
        | Fault::Pause { .. }
        | Fault::ClockOffset { .. }
        | Fault::ClockDrift { .. }
        | Fault::Disk(_) => Ok(()),
        Fault::PartitionShape { .. } => {
            Err("a shape must be resolved before it can part nodes".to_owned())
        }
        // The wire has the world's own links.
        links if links.touches_links() => Ok(()),
        other => Err(format!("madsim has nothing for \"{}\"", other.name())),
    }
}
