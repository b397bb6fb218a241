//! The replicated store: single-leader replication with 5 replicas and 16 clients that time out, 1 to 10 ms apart.

use bytes::Bytes;
use seedbed_protocols::kv;
use seedbed_protocols::replication::single_leader::{Config, Node, Routing, Settings};
use seedbed_protocols::storage::EngineKind;
use seedbed_sim::{
    ClockConfig, DiskConfig, Distribution, EventId, Instant, LinkSpec, NetworkSpec, NodeId,
    NodeSpec, Observer, Outcome, PathKey, RequestId, Seed, Span, TraceLevel, World, WorldSpec,
};

const REPLICAS: u32 = 5;
const CLIENTS: u32 = 16;
const KEYS: u64 = 1_000;

/// What the clients do.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    /// What the replicas keep their keys in.
    pub(crate) engine: EngineKind,
    /// How many of a hundred operations are reads.
    pub(crate) reads_percent: u64,
}

/// 5 replicas and 16 clients that are 1 to 10 ms apart; each client has one operation open, with a timeout set, and
/// begins the next when it is answered. Keys of 6 bytes, values of 100.
pub(crate) fn cluster(work: Work, trace: TraceLevel) -> World<Node> {
    let node = |name: String, config: Config, disk: DiskConfig| NodeSpec {
        name,
        config,
        service_time: Span::from_micros(5),
        inbox_capacity: 4096,
        clock: ClockConfig::default(),
        disk,
    };
    let settings = Settings::new(REPLICAS);
    let replica = |index: u32| {
        node(
            format!("replica-{index}"),
            settings.replica(NodeId(index), work.engine),
            DiskConfig::default(),
        )
    };
    let client = |index: u32| {
        node(
            format!("client-{index}"),
            settings.client(Routing::AnyFollower, 0),
            DiskConfig::instant(),
        )
    };
    let delay =
        Distribution::uniform(Span::from_millis(1), Span::from_millis(10)).expect("1 is below 10");
    let nodes = (0..REPLICAS)
        .map(replica)
        .chain((0..CLIENTS).map(client))
        .collect();
    World::new(
        Seed(1),
        WorldSpec {
            nodes,
            network: NetworkSpec::uniform(LinkSpec::fifo(delay)),
            trace,
        },
    )
}

/// Hears who was answered.
#[derive(Default)]
struct Answers(Vec<RequestId>);

impl Observer<Node> for Answers {
    fn on_reply(
        &mut self,
        _: EventId,
        _: Instant,
        request: RequestId,
        outcome: Outcome<kv::Reply>,
    ) {
        assert!(matches!(outcome, Outcome::Ok(_)), "{outcome:?}");
        self.0.push(request);
    }
}

/// What the clients are about to ask.
struct Load {
    work: Work,
    operations: u64,
    asked: u64,
    keys: Vec<Bytes>,
    value: Bytes,
    /// Who asked, by the number of the request: numbers count from 1.
    asking: Vec<NodeId>,
}

impl Load {
    /// Lets `client` ask for the next thing, if any is left.
    fn invoke(&mut self, world: &mut World<Node>, client: NodeId, answers: &mut Answers) {
        if self.asked == self.operations {
            return;
        }
        self.asked += 1;
        let draw = self.asked.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let key = self.keys[(draw % KEYS) as usize].clone();
        let operation = if (draw >> 16) % 100 < self.work.reads_percent {
            kv::Operation::Get { key }
        } else {
            let value = self.value.clone();
            kv::Operation::Put { key, value }
        };
        let request = kv::Request {
            operation,
            at: None,
        };
        let path = PathKey::of_name("client", self.asked);
        world.invoke(client, request, path, answers);
        self.asking.push(client);
    }
}

/// Lets the clients do so many operations.
pub(crate) fn run(world: &mut World<Node>, work: Work, operations: u64) {
    let mut answers = Answers::default();
    let mut load = Load {
        work,
        operations,
        asked: 0,
        keys: (0..KEYS).map(|key| format!("k{key:05}").into()).collect(),
        value: Bytes::from(vec![b'v'; 100]),
        asking: vec![NodeId(0)],
    };
    for client in 0..CLIENTS {
        load.invoke(world, NodeId(REPLICAS + client), &mut answers);
    }
    let mut answered = 0;
    while answered < operations && world.step(Instant::NEVER, &mut answers) {
        while let Some(request) = answers.0.pop() {
            answered += 1;
            let client = load.asking[request.0 as usize];
            load.invoke(world, client, &mut answers);
        }
    }
    assert_eq!(answered, operations, "every operation is answered");
}
