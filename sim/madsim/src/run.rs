//! A scenario on this host, from its beginning to its report.

use seedbed_scenarios::file::model::Scenario;
use seedbed_scenarios::report::Report;
use seedbed_scenarios::session::host::{Found, Host, Hosted, Stage, Staged, stage};
use seedbed_sim::{Fault, FaultId, Instant, NodeId, RequestId, Seed, Span};

use crate::{Cluster, ClusterSpec, on_fresh_thread};

/// How often it is looked whether replication has come to rest.
const LOOK: Span = Span::from_millis(10);

/// Runs `scenario` from `seed`. `name` is its name in the catalog, or its file. The error says what this host can't do,
/// or what a panic said.
///
/// The report's digest is that of what this host counts; it can't be compared with the world's.
pub fn run(name: &str, scenario: Scenario, seed: Seed) -> Result<Report, String> {
    stage(name, scenario, seed, Madsim)?
}

struct Madsim;

impl Host for Madsim {
    type Outcome = Result<Report, String>;

    fn host<P: Hosted>(self, staged: Staged<P>) -> Self::Outcome {
        on_fresh_thread(staged.seed.0, move || play(staged))
    }
}

/// What a play asks of a cluster.
struct Supervisor<'a, P: Hosted>(&'a Cluster<P>);

impl<P: Hosted> Stage for Supervisor<'_, P> {
    fn ask(&mut self, client: NodeId, request: P::Request) -> RequestId {
        self.0.ask(client, request)
    }
    fn inject(&mut self, fault: &Fault) -> Result<FaultId, String> {
        self.0.inject(fault)
    }
    fn lift(&mut self, fault: FaultId) -> Result<(), String> {
        self.0.lift(fault)
    }
    fn has_halted(&self, node: NodeId) -> bool {
        self.0.halted(node).is_some()
    }
    fn restart(&mut self, node: NodeId) {
        self.0.restart(node);
    }
}

async fn play<P: Hosted>(staged: Staged<P>) -> Report {
    let Staged {
        nodes,
        replica_count,
        network,
        seed,
        mut play,
    } = staged;
    let cluster = Cluster::start(ClusterSpec {
        nodes,
        network,
        seed,
    })
    .await;
    let replicas = || (0..replica_count as u32).map(NodeId);
    while let Some(next) = play.next_at() {
        cluster.wait(next.min(cluster.now() + LOOK)).await;
        for answer in cluster.take_answers() {
            play.answered(answer.request, answer.at, answer.outcome);
        }
        let is_due = |at: Instant| at <= cluster.now();
        while play.next_at().is_some_and(is_due) {
            play.perform(cluster.now(), &mut Supervisor(&cluster));
        }
        play.settle(replicas().map(|node| cluster.look(node, |process, _| process?.positions())));
    }
    let contents = replicas().map(|node| {
        cluster.look(node, |process, disk| {
            process.and_then(|process| process.contents(disk))
        })
    });
    let (events, fingerprint) = cluster.fingerprint();
    let found = Found {
        contents: contents.collect(),
        at: cluster.now(),
        fingerprint,
        events,
        warnings: Vec::new(),
    };
    play.report(found)
}
