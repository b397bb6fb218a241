//! Seedbed's processes as tasks of madsim, through the second host.

use seedbed_madsim::{Cluster, ClusterSpec, on_fresh_thread};
use seedbed_protocols::storage::EngineKind;
use seedbed_sim::{NodeId, Process, Seed, Span, TraceLevel, WorldSpec};

use crate::ping_pong::{self, Ball};
use crate::quorum::{self, Begin, REPLICAS};

pub(crate) fn ping_pong(messages: u64) -> u64 {
    let spec = ping_pong::spec(TraceLevel::Off);
    run(spec, NodeId(0), Ball(0), messages, 5_800)
}

pub(crate) fn quorum(messages: u64) -> u64 {
    let spec = quorum::spec(EngineKind::Memory, crate::KEYS, TraceLevel::Off);
    run(spec, NodeId(REPLICAS), Begin, messages, 1_150)
}

/// The events that this host counts are a handler and a send for each message.
fn run<P: Process>(
    spec: WorldSpec<P>,
    first: NodeId,
    request: P::Request,
    messages: u64,
    micros: u64,
) -> u64 {
    let run = move || async move {
        let cluster = Cluster::start(ClusterSpec {
            nodes: spec.nodes,
            network: spec.network,
            seed: Seed(1),
        });
        let cluster = cluster.await;
        cluster.ask(first, request);
        let until = cluster.now() + Span::from_micros(micros * messages);
        cluster.run_until(until).await;
        cluster.fingerprint().0 / 2
    };
    on_fresh_thread(1, run).expect("nothing panics")
}
