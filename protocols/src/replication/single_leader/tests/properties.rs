//! What holds whatever happens: random requests, deliveries in any order, losses, repetitions, crashes, also in the
//! middle of a handler, and with any legal state of the disk after them.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use seedbed_sim::{CrashPolicy, NodeId, Outcome, RequestId, Span};

use super::super::{Planted, Routing, Settings};
use super::cluster::{Cluster, LEADER, added_up};
use crate::kv::Operation;
use crate::replication::harness::Event;
use crate::replication::log::{Entry, Limit, Origin};
use crate::storage::{Change, EngineKind};

/// What happens next. Numbers choose among what there is, modulo how much that is.
#[derive(Clone, Debug)]
enum Step {
    Put { client: u8, key: u8 },
    Delete { client: u8, key: u8 },
    Get { client: u8, key: u8 },
    DeliverOldest,
    Deliver(u8),
    Repeat(u8),
    Drop(u8),
    Sync(u8),
    Timer(u8),
    Wait(u8),
    Crash(u8),
    Arm { node: u8, operation: u8 },
    Boot,
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    let client_and_key = || (0..3_u8, 0..4_u8);
    prop_oneof![
        6 => client_and_key().prop_map(|(client, key)| Step::Put { client, key }),
        2 => client_and_key().prop_map(|(client, key)| Step::Delete { client, key }),
        2 => client_and_key().prop_map(|(client, key)| Step::Get { client, key }),
        12 => Just(Step::DeliverOldest),
        8 => any::<u8>().prop_map(Step::Deliver),
        3 => any::<u8>().prop_map(Step::Repeat),
        3 => any::<u8>().prop_map(Step::Drop),
        10 => any::<u8>().prop_map(Step::Sync),
        4 => any::<u8>().prop_map(Step::Timer),
        2 => any::<u8>().prop_map(Step::Wait),
        2 => any::<u8>().prop_map(Step::Crash),
        2 => (any::<u8>(), 1..12_u8).prop_map(|(node, operation)| Step::Arm { node, operation }),
        5 => Just(Step::Boot),
        1 => Just(Step::Drain),
    ]
}

#[derive(Clone, Debug)]
struct Setup {
    engine: EngineKind,
    window: Limit,
    batch: Limit,
    checkpoint_every: u64,
    retries: bool,
    /// What a crash leaves on each disk.
    crash: CrashPolicy,
}

fn setup() -> impl Strategy<Value = Setup> {
    let limit = || (1..6_u64, 1..400_u64).prop_map(|(entries, bytes)| Limit { entries, bytes });
    let engine = prop_oneof![
        Just(EngineKind::Memory),
        Just(EngineKind::Log),
        Just(EngineKind::Hash)
    ];
    let policies: Vec<CrashPolicy> = CrashPolicy::CATALOG.iter().map(|it| it.1).collect();
    let crash = prop::sample::select(policies);
    let all = (engine, limit(), limit(), 1..5_u64, any::<bool>(), crash);
    all.prop_map(
        |(engine, window, batch, checkpoint_every, retries, crash)| Setup {
            engine,
            window,
            batch,
            checkpoint_every,
            retries,
            crash,
        },
    )
}

/// A run, and what must stay true in it.
struct Run {
    cluster: Cluster,
    /// Every value is written once.
    values: u64,
    writes: BTreeMap<RequestId, Change>,
    /// The longest log that the leader has had durable.
    durable: Vec<Entry>,
}

impl Run {
    fn new(setup: &Setup, planted: Planted) -> Self {
        let settings = Settings {
            window: setup.window,
            batch: setup.batch,
            checkpoint_every: setup.checkpoint_every,
            retry_after: setup.retries.then(|| Span::from_millis(100)),
            planted,
            ..Settings::new(3)
        };
        let clients = [
            Routing::Leader,
            Routing::AnyFollower,
            Routing::StickyFollower,
        ];
        Self {
            cluster: Cluster::crashing(&settings, setup.engine, &clients, setup.crash),
            values: 0,
            writes: BTreeMap::new(),
            durable: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        let host = &mut self.cluster.host;
        let in_flight = host.in_flight.len();
        let message = |draw: u8| usize::from(draw) % in_flight.max(1);
        let all = host.nodes.len() as u32;
        let node = |draw: u8| NodeId(u32::from(draw) % all);
        match *step {
            Step::Put { client, key } => {
                self.values += 1;
                let (key, value) = (key_name(key), Bytes::from(format!("v{}", self.values)));
                self.ask(client, Operation::Put { key, value });
            }
            Step::Delete { client, key } => {
                let key = key_name(key);
                self.ask(client, Operation::Delete { key });
            }
            Step::Get { client, key } => {
                let key = key_name(key);
                self.ask(client, Operation::Get { key });
            }
            Step::DeliverOldest if in_flight > 0 => host.deliver(0),
            Step::Deliver(draw) if in_flight > 0 => host.deliver(message(draw)),
            Step::Repeat(draw) if in_flight > 0 => {
                let copy = host.in_flight[message(draw)].clone();
                host.in_flight.push(copy);
            }
            Step::Drop(draw) if in_flight > 0 => {
                host.in_flight.remove(message(draw));
            }
            Step::Sync(draw) => {
                let waiting: Vec<NodeId> = host
                    .ids()
                    .filter(|id| !host.node(*id).syncs.is_empty())
                    .collect();
                if let Some(id) = waiting.get(usize::from(draw) % waiting.len().max(1)) {
                    host.complete_sync(*id);
                }
            }
            Step::Timer(draw) => {
                host.fire(node(draw), |_| true);
            }
            Step::Wait(draw) => host.wait(Span::from_micros(u64::from(draw) * 10)),
            Step::Crash(draw) => host.crash(node(draw)),
            Step::Arm {
                node: id,
                operation,
            } => {
                let disk = &mut host.node_mut(node(id)).disk;
                disk.arm_crash(u32::from(operation));
            }
            Step::Boot => {
                if let Some(id) = host.ids().find(|id| !host.is_up(*id)) {
                    host.boot(id);
                }
            }
            Step::Drain => host.drain(),
            Step::DeliverOldest | Step::Deliver(_) | Step::Repeat(_) | Step::Drop(_) => {}
        }
    }

    fn ask(&mut self, client: u8, operation: Operation) {
        let client = self.cluster.client(u32::from(client));
        if !self.cluster.host.is_up(client) {
            return;
        }
        let change = match &operation {
            Operation::Get { .. } => None,
            Operation::Put { key, value } => Some(Change::Put(key.clone(), value.clone())),
            Operation::Delete { key } => Some(Change::Delete(key.clone())),
        };
        let request = self.cluster.ask(client, operation, None);
        if let Some(change) = change {
            self.writes.insert(request, change);
        }
    }

    /// What must be true at every moment.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let halts: Vec<_> = self.cluster.halts().collect();
        prop_assert!(halts.is_empty(), "{halts:?}");
        if self.cluster.host.is_up(LEADER) {
            let mut log = self.cluster.log(LEADER);
            log.truncate(self.cluster.positions(LEADER).durable as usize);
            let common = log.len().min(self.durable.len());
            prop_assert_eq!(
                &log[..common],
                &self.durable[..common],
                "the leader's log has changed"
            );
            prop_assert!(
                log.len() >= self.durable.len(),
                "the leader has lost durable entries"
            );
            self.durable = log;
        }
        for id in self.cluster.replicas() {
            if !self.cluster.host.is_up(id) {
                continue;
            }
            let positions = self.cluster.positions(id);
            prop_assert!(
                positions.applied <= positions.durable,
                "{id}: {positions:?}"
            );
            prop_assert!(
                positions.durable <= positions.written,
                "{id}: {positions:?}"
            );
            let log = self.cluster.log(id);
            prop_assert_eq!(log.len() as u64, positions.written);
            // A leader may be killed in the handler that ships: what it had durable shows when it is up again.
            if id != LEADER && self.cluster.host.is_up(LEADER) {
                prop_assert!(self.durable.starts_with(&log), "{id} is no prefix");
            }
            let applied = &log[..positions.applied as usize];
            prop_assert_eq!(self.cluster.contents(id), added_up(applied), "{} holds", id);
        }
        Ok(())
    }

    /// What must be true in the end, when everything is up and has been delivered.
    fn check_end(&mut self) -> Result<(), TestCaseError> {
        for id in self.cluster.host.ids() {
            self.cluster.host.node_mut(id).disk.disarm_crash();
        }
        self.cluster.settle();
        self.check()?;
        let leader = self.cluster.positions(LEADER);
        prop_assert_eq!(leader.written, leader.applied);
        for id in self.cluster.followers() {
            prop_assert_eq!(self.cluster.positions(id), leader, "{} has caught up", id);
        }
        let mut seen: BTreeMap<Origin, u64> = BTreeMap::new();
        for entry in &self.durable {
            *seen.entry(entry.proposal.origin).or_default() += 1;
        }
        prop_assert!(
            seen.values().all(|count| *count == 1),
            "a call has had several effects: {seen:?}"
        );
        for event in &self.cluster.host.events {
            let Event::Replied { id, outcome, .. } = event else {
                continue;
            };
            let Some(change) = self.writes.get(id) else {
                continue;
            };
            self.check_write(change, outcome)?;
        }
        Ok(())
    }

    /// An acknowledged write is where its answer says, and a failed one is nowhere.
    fn check_write(
        &self,
        change: &Change,
        outcome: &Outcome<crate::kv::Reply>,
    ) -> Result<(), TestCaseError> {
        match outcome {
            Outcome::Ok(reply) => {
                let entry = self.durable.get(reply.position as usize - 1);
                let held = entry.map(|entry| user_change(&entry.proposal.change));
                prop_assert_eq!(held.as_ref(), Some(change), "acknowledged and lost");
            }
            Outcome::Fail(_) if matches!(change, Change::Put(..)) => {
                let mut changes = self
                    .durable
                    .iter()
                    .map(|it| user_change(&it.proposal.change));
                prop_assert!(changes.all(|held| held != *change), "failed and there");
            }
            Outcome::Fail(_) | Outcome::Info(_) => {}
        }
        Ok(())
    }
}

fn user_change(change: &Change) -> Change {
    match change {
        Change::Put(key, value) => Change::Put(key.slice(1..), value.clone()),
        Change::Delete(key) => Change::Delete(key.slice(1..)),
        Change::DeleteRange { .. } => unreachable!("no client asks for it"),
    }
}

fn key_name(key: u8) -> Bytes {
    Bytes::from(format!("k{key}"))
}

fn holds(setup: &Setup, planted: Planted, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut run = Run::new(setup, planted);
    for step in steps {
        run.step(step);
        run.check()?;
    }
    run.check_end()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn logs_are_prefixes_and_nothing_acknowledged_is_lost(
        setup in setup(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        holds(&setup, Planted::Nothing, &steps)?;
    }
}

/// The properties have teeth: with each bug that touches them, some run of a few thousand breaks one.
#[test]
fn planted_bugs_break_the_properties() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    for planted in [Planted::AckBeforeSync, Planted::SkipEntryAfterReconnect] {
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let runs = (setup(), prop::collection::vec(step(), 1..120));
        let caught = (0..2_000).any(|_| {
            let (setup, steps) = runs.new_tree(&mut runner).expect("a run").current();
            holds(&setup, planted, &steps).is_err()
        });
        assert!(caught, "{planted:?} breaks nothing");
    }
}
