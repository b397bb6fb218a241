//! A run that is driven at random (stepped, run, sought, forked, meddled with, taken back) against a plain run in which
//! the same was done to the world, once, going forwards.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use seedbed_scenarios::session::{self, Injection, Keep, Session};
use seedbed_sim::{Direction, Fault, FaultId, InFlight, Instant, LinkTarget, NodeId, Seed, Span};
use seedbed_tests::compare::{assert_same, assert_same_report};
use seedbed_tests::runs::{everything, parse};

type Run = Box<dyn Session>;

/// Small, and with something of everything: syncs, timeouts, a fault of its own, and more steps than lie between two
/// checkpoints.
const SCENARIO: &str = r#"
schema = 1
title = "A cluster to meddle with"
duration = "300ms"
settle = "1s"

[cluster]
protocol = "single-leader"
replicas = 3
engine = "log"
routing = "any-follower"
client_timeout = "40ms"
heartbeat = "20ms"

[network]
delay = { distribution = "exponential", mean = "1ms", plus = "200us" }
loss_per_million = 10000
retransmit_after = "20ms"

[[load]]
name = "client"
kind = "closed"
clients = 3
think = "3ms"
keys = { count = 4, distribution = "uniform" }
reads_percent = 50
deletes_percent = 10
value_bytes = 12
end = "280ms"

[[fault]]
at = "100ms"
until = "140ms"
kind = "crash"
node = "follower-1"
"#;
const NODES: u32 = 6;

#[derive(Clone, Debug)]
enum Move {
    Step(u32),
    RunFor(Span),
    ToAnomaly,
    /// To a step, as a share of the plain run's steps.
    Seek(u16),
    /// To an instant, as a share of the plain run's time.
    SeekTime(u16),
    Fork,
    Inject(Fault),
    /// Lift the n-th of the faults that hold, in turn.
    Lift(usize),
}

/// Something that was done to the run, and where.
#[derive(Clone, Debug)]
struct Deed {
    position: u64,
    now: Instant,
    /// Whether the place was reached by letting time pass, so that all that was due by then came first.
    waited: bool,
    injection: Injection,
    id: FaultId,
}

fn any_node() -> impl Strategy<Value = NodeId> {
    (0..NODES).prop_map(NodeId)
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let link = (any_node(), any_node()).prop_map(|(from, to)| LinkTarget {
        from,
        to,
        direction: Direction::Both,
    });
    let in_flight = prop_oneof![Just(InFlight::Lost), Just(InFlight::Held)];
    let extra = Just(Span::from_millis(30));
    prop_oneof![
        3 => any_node().prop_map(|node| Fault::Crash { node }),
        3 => (any_node(), 1..5_u32)
            .prop_map(|(node, operation)| Fault::CrashAtDiskOperation { node, operation }),
        1 => any_node().prop_map(|node| Fault::Pause { node }),
        2 => (link, in_flight).prop_map(|(link, in_flight)| Fault::Cut { link, in_flight }),
        1 => (any_node(), any_node(), extra).prop_map(|(from, to, extra)| Fault::Delay {
            link: LinkTarget { from, to, direction: Direction::OneWay },
            extra,
        }),
        1 => (any_node(), -600_000..600_000_i32)
            .prop_map(|(node, ppm)| Fault::ClockDrift { node, ppm }),
    ]
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => (1..300_u32).prop_map(Move::Step),
        3 => (0..50_000_u64).prop_map(|micros| Move::RunFor(Span::from_micros(micros))),
        1 => Just(Move::ToAnomaly),
        3 => (0..=1000_u16).prop_map(Move::Seek),
        3 => (0..=1000_u16).prop_map(Move::SeekTime),
        1 => Just(Move::Fork),
        5 => any_fault().prop_map(Move::Inject),
        3 => (0..16_usize).prop_map(Move::Lift),
    ]
}

fn open(seed: u64) -> Run {
    session::open("meddle.toml", parse(SCENARIO), Seed(seed), Keep::Everything)
}

/// A run that is driven, and what was done to it that counts.
struct Driven {
    run: Run,
    waited: bool,
    deeds: Vec<Deed>,
}

impl Driven {
    fn make(&mut self, step: &Move, (steps, end): (u64, Instant)) {
        let share = |whole: u64, per_mille: u16| whole * u64::from(per_mille) / 1000;
        let waited = self.waited;
        self.waited = false;
        match step {
            Move::Step(count) => (0..*count).for_each(|_| {
                self.run.step();
            }),
            Move::RunFor(span) => {
                self.run.run_until(self.run.now() + *span);
                self.waited = true;
            }
            Move::ToAnomaly => {
                self.run.run_to_anomaly();
            }
            Move::Seek(per_mille) => self.run.seek(share(steps, *per_mille)),
            Move::SeekTime(per_mille) => {
                let at = Instant::from_nanos(share(end.as_nanos(), *per_mille));
                self.run.seek_time(at);
                self.waited = true;
            }
            Move::Fork => {
                let fork = self.run.fork();
                let mut original = std::mem::replace(&mut self.run, fork);
                original.run_to_end();
                original.seek(3);
                self.waited = waited;
            }
            Move::Inject(fault) => self.inject(Injection::Inject(fault.clone()), waited),
            Move::Lift(index) => {
                let view = self.run.view(everything(self.run.as_ref()));
                let held: Vec<FaultId> = view
                    .faults
                    .iter()
                    .filter(|fault| fault.active)
                    .filter_map(|fault| fault.id)
                    .collect();
                match held.get(index % held.len().max(1)) {
                    Some(id) => self.inject(Injection::Lift(*id), waited),
                    None => self.waited = waited,
                }
            }
        }
    }

    fn inject(&mut self, injection: Injection, waited: bool) {
        let (position, now) = (self.run.position(), self.run.now());
        match self.run.inject(injection.clone()) {
            Ok(id) => {
                self.deeds.retain(|deed| deed.position < position);
                self.deeds.push(Deed {
                    position,
                    now,
                    waited,
                    injection,
                    id,
                });
            }
            // It makes no sense here, and nothing has happened.
            Err(_) => {
                assert_eq!((self.run.position(), self.run.now()), (position, now));
                self.waited = waited;
            }
        }
    }
}

/// The same deeds in a run that only ever goes forwards.
fn plain(seed: u64, deeds: &[Deed]) -> Run {
    let mut run = open(seed);
    for deed in deeds {
        if deed.waited {
            run.run_until(deed.now);
        } else {
            while run.position() < deed.position {
                assert!(run.step());
            }
        }
        assert_eq!(
            (run.position(), run.now()),
            (deed.position, deed.now),
            "{deed:?}"
        );
        assert_eq!(run.inject(deed.injection.clone()), Ok(deed.id));
    }
    run.run_to_end();
    run
}

proptest! {
    #![proptest_config(Config {
        cases: 48,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        max_shrink_iters: 500,
        ..Config::default()
    })]

    #[test]
    fn a_run_that_is_driven_at_random_is_the_plain_run_with_the_same_deeds(
        seed in 1..1000_u64,
        moves in prop::collection::vec(any_move(), 1..25),
    ) {
        let mut first = open(seed);
        first.run_to_end();
        let whole = (first.position(), first.now());
        let mut driven = Driven { run: open(seed), waited: false, deeds: Vec::new() };
        for one in &moves {
            driven.make(one, whole);
        }
        let plain = plain(seed, &driven.deeds);
        assert_same_report("from where it stands", plain.as_ref(), driven.run.as_ref());
        driven.run.run_to_end();
        assert_same("at the end", plain.as_ref(), driven.run.as_ref());
        prop_assert!(!plain.report().ended.contains("bug"), "{}", plain.report().ended);
    }
}
