//! What the world costs: deliveries in ping-pong with the trace off, digested and full; forks.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use seedbed_sim::{
    ClockConfig, Context, Datum, DiskConfig, Distribution, Halt, Instant, Kind, LinkSpec,
    NetworkSpec, NodeId, NodeSpec, PathKey, Payload, Process, RequestId, Seed, Span, SyncTicket,
    TraceLevel, World, WorldSpec,
};

/// Sends every ball back.
#[derive(Clone)]
struct Player;

#[derive(Clone, Debug, Hash)]
struct Ball(u64);

impl Datum for Ball {
    fn kind(&self) -> Kind {
        Kind("ball")
    }
}

impl Payload for Ball {
    fn size_bytes(&self) -> u32 {
        8
    }
}

impl Process for Player {
    type Config = ();
    type Message = Ball;
    type Timer = ();
    type Request = Ball;
    type Reply = ();
    type Note = ();

    fn boot((): &(), _: &mut Context<'_, Self>) -> Result<Self, Halt> {
        Ok(Self)
    }
    fn on_message(
        &mut self,
        from: NodeId,
        Ball(n): Ball,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        cx.send(from, Ball(n + 1));
        Ok(())
    }
    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) -> Result<(), Halt> {
        Ok(())
    }
    fn on_synced(&mut self, _: SyncTicket, _: &mut Context<'_, Self>) -> Result<(), Halt> {
        Ok(())
    }
    fn on_request(
        &mut self,
        _: RequestId,
        ball: Ball,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        cx.send(NodeId(1 - cx.node().0), ball);
        Ok(())
    }
}

fn game(trace: TraceLevel) -> World<Player> {
    let node = |name: &str| NodeSpec {
        name: name.into(),
        config: (),
        service_time: Span::from_micros(1),
        inbox_capacity: 16,
        clock: ClockConfig::default(),
        disk: DiskConfig::instant(),
    };
    let delay =
        Distribution::uniform(Span::from_millis(1), Span::from_millis(10)).expect("1 is below 10");
    let spec = WorldSpec {
        nodes: vec![node("ping"), node("pong")],
        network: NetworkSpec::uniform(LinkSpec::fifo(delay)),
        trace,
    };
    let mut world = World::new(Seed(1), spec);
    world.run_until(Instant::ZERO, &mut ());
    world.invoke(NodeId(0), Ball(0), PathKey::of_name("serve", 0), &mut ());
    world
}

fn ping_pong(c: &mut Criterion) {
    // A delivery takes 5.5 ms of virtual time on average; this is about 100,000 of them, counted exactly below.
    let until = Instant::from_millis(550_000);
    let mut counted = game(TraceLevel::Digest);
    counted.run_until(until, &mut ());
    let deliveries = counted.trace().count() / 2;
    let mut group = c.benchmark_group("ping-pong");
    group.throughput(Throughput::Elements(deliveries));
    let levels = [
        ("off", TraceLevel::Off),
        ("digest", TraceLevel::Digest),
        ("full", TraceLevel::Full),
    ];
    for (name, level) in levels {
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            let run = |mut world: World<Player>| black_box(world.run_until(until, &mut ()));
            b.iter_batched(|| game(level), run, BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn fork(c: &mut Criterion) {
    let mut world = game(TraceLevel::Full);
    world.run_until(Instant::from_millis(5_500_000), &mut ());
    assert!(
        world.trace().count() > 1_000_000,
        "a trace of {} records",
        world.trace().count()
    );
    c.bench_function("fork a world with a million records", |b| {
        b.iter(|| black_box(world.clone()));
    });
}

criterion_group!(benches, ping_pong, fork);
criterion_main!(benches);
