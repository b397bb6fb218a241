//! What a replicated store costs in the world: deliveries a second with the trace off, digested and full, on the log
//! engine and in memory; forks; seeks.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use seedbed_protocols::kv;
use seedbed_protocols::replication::single_leader::{Config, Node, Routing, Settings};
use seedbed_protocols::storage::EngineKind;
use seedbed_scenarios::catalog;
use seedbed_scenarios::session::{Keep, open};
use seedbed_sim::{
    ClockConfig, DiskConfig, Distribution, EventId, Instant, LinkSpec, NetworkSpec, NodeId,
    NodeSpec, Observer, Outcome, PathKey, Record, RecordKind, RequestId, Seed, Span, TraceLevel,
    World, WorldSpec,
};

const REPLICAS: u32 = 5;
const CLIENTS: u32 = 16;
const KEYS: u64 = 1_000;
const OPERATIONS: u64 = 5_000;

/// What the clients do.
#[derive(Clone, Copy)]
struct Work {
    engine: EngineKind,
    reads_percent: u64,
}

/// 5 replicas and 16 clients that are 1 to 10 ms apart; each client has one operation open, with a timeout set, and
/// begins the next when it is answered. Keys of 6 bytes, values of 100.
fn cluster(work: Work, trace: TraceLevel) -> World<Node> {
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

/// Lets the clients do their operations.
fn run(mut world: World<Node>, work: Work) -> World<Node> {
    let mut answers = Answers::default();
    let mut asked = 0;
    let value = Bytes::from(vec![b'v'; 100]);
    // By the number of the request: numbers count from 1.
    let mut asking = vec![NodeId(0)];
    let mut invoke = |world: &mut World<Node>,
                      client: NodeId,
                      asking: &mut Vec<NodeId>,
                      answers: &mut Answers| {
        if asked == OPERATIONS {
            return;
        }
        asked += 1;
        let draw = asked.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let key = Bytes::from(format!("k{:05}", draw % KEYS));
        let operation = if (draw >> 16) % 100 < work.reads_percent {
            kv::Operation::Get { key }
        } else {
            kv::Operation::Put {
                key,
                value: value.clone(),
            }
        };
        let request = kv::Request {
            operation,
            at: None,
        };
        world.invoke(client, request, PathKey::of_name("client", asked), answers);
        asking.push(client);
    };
    for client in 0..CLIENTS {
        invoke(
            &mut world,
            NodeId(REPLICAS + client),
            &mut asking,
            &mut answers,
        );
    }
    let mut answered = 0;
    while answered < OPERATIONS && world.step(Instant::NEVER, &mut answers) {
        while let Some(request) = answers.0.pop() {
            answered += 1;
            let client = asking[request.0 as usize];
            invoke(&mut world, client, &mut asking, &mut answers);
        }
    }
    world
}

fn deliveries(work: Work) -> u64 {
    let world = run(cluster(work, TraceLevel::Full), work);
    let is_delivery = |record: &Record| record.kind == RecordKind::Deliver;
    world
        .trace()
        .records(EventId(1))
        .filter(|(_, record)| is_delivery(record))
        .count() as u64
}

fn store(c: &mut Criterion) {
    let works = [
        (
            "log engine, writes",
            Work {
                engine: EngineKind::Log,
                reads_percent: 0,
            },
        ),
        (
            "memory engine, half reads",
            Work {
                engine: EngineKind::Memory,
                reads_percent: 50,
            },
        ),
    ];
    for (name, work) in works {
        let mut group = c.benchmark_group(format!("replicated store, {name}"));
        group.throughput(Throughput::Elements(deliveries(work)));
        group.sample_size(20);
        for (level, trace) in [
            ("off", TraceLevel::Off),
            ("digest", TraceLevel::Digest),
            ("full", TraceLevel::Full),
        ] {
            group.bench_function(BenchmarkId::from_parameter(level), |b| {
                let run = |world| black_box(run(world, work).trace().count());
                b.iter_batched(|| cluster(work, trace), run, BatchSize::LargeInput);
            });
        }
        group.finish();
    }
}

fn sessions(c: &mut Criterion) {
    let scenario = catalog::load("lag/generated-load").expect("it is in the catalog");
    let mut session = open("lag/generated-load", scenario, Seed(1), Keep::Everything);
    session.run_to_end();
    let last = session.position();
    c.bench_function("fork a session of generated load at its end", |b| {
        b.iter(|| black_box(session.fork()));
    });
    let mut target = 0;
    c.bench_function("seek to any step of generated load", |b| {
        b.iter(|| {
            target = (target + 7_919) % last;
            session.seek(target);
        });
    });
}

criterion_group!(benches, store, sessions);
criterion_main!(benches);
