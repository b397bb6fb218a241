//! One life of a node, as a task: from its boot to the crash that drops it.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::select;
use madsim::net::Endpoint;
use seedbed_sim::{Action, Datum, Instant, NodeId, Outcome, Process, Reason, Span};

use crate::cluster::{Shared, State};
use crate::machine::{Call, Item, Next};

/// A life. It never returns: its task is killed.
pub(crate) async fn live<P: Process>(shared: Arc<Shared<P>>, node: NodeId) {
    let life = shared.state().machine(node).life;
    let endpoint = Endpoint::bind(Shared::<P>::address(node, life)).await;
    let endpoint = endpoint.expect("no other life has this port");
    if life == 0 {
        shared.state().bound += 1;
        shared.all_bound.notified().await;
    }
    shared.state().machine(node).endpoint = Some(endpoint);
    let bell = Arc::clone(&shared.state().machine(node).bell);
    handle(&shared, node, Call::Boot).await;
    loop {
        let next = {
            let now = shared.time.now();
            let mut state = shared.state();
            let State { machines, wire, .. } = &mut *state;
            machines[node.index()].next(node, now, wire)
        };
        match next {
            Next::Handle(call) => handle(&shared, node, call).await,
            Next::Wait(until) => {
                let rung = pin!(bell.notified());
                select(pin!(shared.time.sleep_until(until)), rung).await;
            }
        }
    }
}

/// Runs a handler, and gives its orders at their instants.
async fn handle<P: Process>(shared: &Arc<Shared<P>>, node: NodeId, call: Call<P>) {
    let begun = shared.time.now();
    let handled = {
        let mut state = shared.state();
        state.happened(call_name(&call), node, begun);
        state.booted += usize::from(matches!(call, Call::Boot));
        state.machine(node).handle(node, begun, call)
    };
    for order in handled.orders {
        let stamp = order.stamp;
        if handled
            .killed_at
            .is_some_and(|at| stamp.disk_operations >= at)
        {
            break;
        }
        // If the node's tasks are killed while this one sleeps, what is left was never ordered.
        shared.time.sleep_until(begun + stamp.elapsed).await;
        obey(shared, node, order.action);
    }
    let ended = begun + handled.took;
    shared.time.sleep_until(ended).await;
    if handled.killed_at.is_some() {
        shared.crash_in_handler(node);
        pending::<()>().await;
    }
    if let Err(halt) = handled.result {
        shared.end_life(node);
        shared.state().machine(node).halted = Some(halt.to_string());
        pending::<()>().await;
    }
    // Nothing waits for a handler that takes no time: what comes at one instant is handled one after the other.
    if handled.took > Span::ZERO {
        turn_away(shared, node, ended);
    }
}

/// Turns away what has come while a handler ran and does not fit into the inbox.
fn turn_away<P: Process>(shared: &Shared<P>, node: NodeId, ended: Instant) {
    let mut state = shared.state();
    let State { machines, wire, .. } = &mut *state;
    for id in machines[node.index()].shed(ended, wire) {
        state.machine(node).close(node, id);
        state.answer(id, ended, Outcome::Fail(Reason::Overloaded));
        shared.news.notify_one();
    }
}

fn call_name<P: Process>(call: &Call<P>) -> &'static str {
    match call {
        Call::Boot => "boot",
        Call::Message(_, message) => message.kind().0,
        Call::Request(_, request) => request.kind().0,
        Call::Timer(timer) => timer.kind().0,
        Call::Synced(_) => "synced",
    }
}

fn obey<P: Process>(shared: &Arc<Shared<P>>, node: NodeId, action: Action<P>) {
    let now = shared.time.now();
    let mut state = shared.state();
    match action {
        Action::Send(to, message) => {
            drop(state);
            send(shared, (node, to), message, now);
        }
        Action::SetTimer(handle, timer) => {
            state.machine(node).timers.insert(handle, timer);
        }
        Action::CancelTimer(handle) => {
            state.machine(node).timers.remove(&handle);
        }
        Action::Reply(id, outcome) => {
            state.machine(node).close(node, id);
            state.happened("reply", node, now);
            state.answer(id, now, outcome);
            shared.news.notify_one();
        }
        Action::Note(note) => {
            state.happened(note.kind().0, node, now);
            state.noted(node, now, note);
        }
    }
}

fn send<P: Process>(
    shared: &Arc<Shared<P>>,
    (from, to): (NodeId, NodeId),
    message: P::Message,
    now: Instant,
) {
    let mut state = shared.state();
    assert!(
        to.index() < state.machines.len(),
        "{from} sends to {to}, which does not exist"
    );
    state.happened(message.kind().0, from, now);
    if from == to {
        state.machine(to).put(now, Item::Own(message));
        return;
    }
    let faults = state.holding();
    let lives = (state.machine(from).life, state.machine(to).life);
    let packets = state.wire.leave((from, to), lives, message, now, &faults);
    let endpoint = state.machine(from).endpoint.clone();
    drop(state);
    let endpoint = endpoint.expect("a node that sends has a socket");
    for packet in packets {
        shared.carry(endpoint.clone(), packet);
    }
}
