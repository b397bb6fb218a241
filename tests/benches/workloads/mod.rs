//! What a kernel is measured by: workloads that differ in how much a node does and how many there are.

pub(crate) mod gossip;
#[path = "../../../sim/benches/workloads/ping_pong.rs"]
pub(crate) mod ping_pong;
pub(crate) mod quorum;
pub(crate) mod replicated_store;

use seedbed_protocols::replication::single_leader::Node;
use seedbed_protocols::storage::EngineKind;
use seedbed_sim::{Instant, Process, Span, TraceLevel, World};

use replicated_store::Work;

/// How many keys the quorum store holds.
const KEYS: u64 = 1_000;

/// A workload: how it begins, and how it goes on.
pub(crate) struct Workload<Make, Run> {
    /// Its name in tables.
    pub(crate) name: &'static str,
    /// A world at its beginning.
    pub(crate) make: Make,
    /// Lets it go on for so long, in units of its own.
    pub(crate) run: Run,
    /// How long one measurement is: some hundred thousand deliveries.
    pub(crate) length: u64,
}

/// Something that is done with every workload, whatever its processes are.
pub(crate) trait Visit {
    /// Does it with one.
    fn visit<P: Process>(
        &mut self,
        workload: Workload<impl Fn(TraceLevel) -> World<P>, impl Fn(&mut World<P>, u64)>,
    );
}

/// Shows all workloads to `visit`.
pub(crate) fn visit_all(visit: &mut impl Visit) {
    visit.visit(Workload {
        name: "ping-pong",
        make: ping_pong::game,
        run: run_milliseconds,
        length: 2_750_000,
    });
    visit.visit(Workload {
        name: "quorum of 3 in 5, memory engine, 1,000 keys",
        make: |trace| {
            let mut world = quorum::store(EngineKind::Memory, KEYS, trace);
            quorum::load(&mut world, KEYS);
            world
        },
        run: run_milliseconds,
        length: 500_000,
    });
    visit.visit(Workload {
        name: "durable quorum of 3 in 5, log engine, 16 clients with timeouts",
        make: |trace| quorum::durable_store(EngineKind::Log, KEYS, trace),
        run: run_milliseconds,
        length: 15_000,
    });
    for (name, engine, reads_percent) in [
        ("replicated store, log engine, writes", EngineKind::Log, 0),
        (
            "replicated store, memory engine, half reads",
            EngineKind::Memory,
            50,
        ),
    ] {
        let work = Work {
            engine,
            reads_percent,
        };
        visit.visit(Workload {
            name,
            make: |trace| replicated_store::cluster(work, trace),
            run: |world: &mut World<Node>, operations| {
                replicated_store::run(world, work, operations);
            },
            length: 20_000,
        });
    }
    visit.visit(Workload {
        name: "gossip among 1,000 nodes",
        make: gossip::crowd,
        run: run_milliseconds,
        length: 10_000,
    });
}

fn run_milliseconds<P: Process>(world: &mut World<P>, milliseconds: u64) {
    world.run_until(Instant::ZERO + Span::from_millis(milliseconds), &mut ());
}
