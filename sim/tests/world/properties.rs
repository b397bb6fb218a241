//! What holds whatever is done to a world: random requests and faults, then the trace is audited.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use seedbed_sim::*;

use crate::lab::*;
use crate::probe::*;

const NODES: u32 = 3;
const C: NodeId = NodeId(2);
/// The last deed comes before this, and then everything is lifted.
const HEALED: Instant = Instant::from_millis(2_000);
/// By now nothing happens any more.
const QUIET: Instant = Instant::from_millis(600_000);

#[derive(Clone, Debug)]
enum Deed {
    Ask(NodeId, Ask),
    Inject(Fault),
    /// Lift the n-th of the faults that hold, in turn.
    Lift(usize),
}

fn any_node() -> impl Strategy<Value = NodeId> {
    (0..NODES).prop_map(NodeId)
}

fn any_span(millis_max: u64) -> impl Strategy<Value = Span> {
    // Equal instants are where order matters most, so they come often.
    prop_oneof![
        Just(Span::ZERO),
        (0..millis_max).prop_map(Span::from_millis),
        (0..millis_max * 1_000_000).prop_map(Span::from_nanos)
    ]
}

fn any_ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        3 => (any_node(), 1..6_u32).prop_map(|(to, count)| Ask::Send { to, count }),
        3 => (any::<bool>(), any_node()).prop_map(|(sync, tell)| Ask::Write { sync, tell }),
        2 => (any_node(), any_node())
            .prop_map(|(tell_between, tell_after)| Ask::WriteTwice { tell_between, tell_after }),
        2 => Just(Ask::WriteLater),
        2 => (any_span(20), any_node()).prop_map(|(span, tell)| Ask::Work { span, tell }),
        2 => prop::collection::vec(any_span(100), 1..4)
            .prop_map(|delays| Ask::Timers { cancel: vec![delays.len() - 1], delays }),
        1 => Just(Ask::Ignore),
        1 => Just(Ask::Halt),
        1 => prop_oneof![
            Just(Ask::Clock),
            any_node().prop_map(|to| Ask::SendUnchecked { to }),
        ],
    ]
}

fn any_link() -> impl Strategy<Value = LinkTarget> {
    (any_node(), any_node(), any::<bool>()).prop_map(|(from, to, both)| LinkTarget {
        from,
        to,
        direction: if both {
            Direction::Both
        } else {
            Direction::OneWay
        },
    })
}

fn any_in_flight() -> impl Strategy<Value = InFlight> {
    prop_oneof![Just(InFlight::Lost), Just(InFlight::Held)]
}

/// What a link can do to messages besides losing and delaying them.
fn any_impairment() -> impl Strategy<Value = Fault> {
    let any_chance = || prop_oneof![Just(1_000_000_u32), 0..=1_000_000_u32];
    let any_rate =
        (100..100_000_u64, 0..1_000_u64).prop_map(|(bytes_per_second, queue_bytes)| Rate {
            bytes_per_second,
            queue_bytes,
        });
    prop_oneof![
        (any_link(), 1..30_u64).prop_map(|(link, mean)| Fault::Jitter {
            link,
            extra: Distribution::exponential(Span::from_millis(mean)).unwrap(),
        }),
        (any_link(), any_chance())
            .prop_map(|(link, per_million)| Fault::Duplicate { link, per_million }),
        (any_link(), any_chance(), any_span(50)).prop_map(|(link, per_million, by)| {
            Fault::Reorder {
                link,
                per_million,
                by,
            }
        }),
        (any_link(), any_chance())
            .prop_map(|(link, per_million)| Fault::Corrupt { link, per_million }),
        (any_link(), any_rate).prop_map(|(link, rate)| Fault::RateLimit { link, rate }),
        (any_link(), any_chance()).prop_map(|(link, correlation_per_million)| Fault::Bursts {
            link,
            correlation_per_million,
        }),
    ]
}

/// Crashes that wait for something, nodes that are slow or go, clocks that are wrong on the wall, partitions by shape.
fn any_other_fault() -> impl Strategy<Value = Fault> {
    let shapes: Vec<PartitionShape> = PartitionShape::ALL.iter().map(|(_, it)| *it).collect();
    prop_oneof![
        (any_node(), 1..4_u32, any::<bool>()).prop_map(|(node, number, any)| {
            let message = (!any).then_some(Kind("told"));
            Fault::CrashAfterSend {
                node,
                message,
                number,
            }
        }),
        (any_node(), 1..4_u32, any::<bool>()).prop_map(|(node, number, any)| {
            let note = (!any).then_some(Kind("heard"));
            Fault::CrashAfterNote { node, note, number }
        }),
        prop::collection::vec(any_node(), 1..3).prop_map(|nodes| Fault::SiteDown { nodes }),
        (any_node(), 1..9_u32).prop_map(|(node, factor)| Fault::Slow { node, factor }),
        any_node().prop_map(|node| Fault::Replace { node }),
        any_node().prop_map(|node| Fault::Leave { node }),
        (any_node(), -5_000_000_i64..5_000_000)
            .prop_map(|(node, nanos)| Fault::ClockJump { node, nanos }),
        (any_node(), 1..9_u64).prop_map(|(node, every)| Fault::ClockStrobe {
            node,
            nanos: 1_000,
            every: Span::from_millis(every),
        }),
        any_node().prop_map(|node| Fault::ClockFreeze { node }),
        (prop::sample::select(shapes), any::<bool>(), any_in_flight()).prop_map(
            |(shape, shuffled, in_flight)| Fault::PartitionShape {
                shape,
                nodes: vec![A, B, C],
                shuffled,
                in_flight,
            }
        ),
    ]
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let partition = (any_in_flight(), any::<bool>()).prop_map(|(in_flight, three)| {
        let sides = if three {
            vec![vec![A], vec![B], vec![C]]
        } else {
            vec![vec![A, B], vec![C]]
        };
        Fault::Partition { sides, in_flight }
    });
    prop_oneof![
        3 => any_node().prop_map(|node| Fault::Crash { node }),
        3 => (any_node(), 1..5_u32)
            .prop_map(|(node, operation)| Fault::CrashAtDiskOperation { node, operation }),
        2 => any_node().prop_map(|node| Fault::Pause { node }),
        2 => (any_link(), any_in_flight())
            .prop_map(|(link, in_flight)| Fault::Cut { link, in_flight }),
        2 => partition,
        1 => (any_link(), any_span(50)).prop_map(|(link, extra)| Fault::Delay { link, extra }),
        1 => (any_link(), 0..=1_000_000_u32)
            .prop_map(|(link, per_million)| Fault::Loss { link, per_million }),
        1 => (any_node(), -5_000_000_i64..5_000_000)
            .prop_map(|(node, nanos)| Fault::ClockOffset { node, nanos }),
        1 => (any_node(), -600_000..600_000_i32)
            .prop_map(|(node, ppm)| Fault::ClockDrift { node, ppm }),
        3 => any_impairment(),
        3 => any_other_fault(),
    ]
}

fn any_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        5 => (any_node(), any_ask()).prop_map(|(node, ask)| Deed::Ask(node, ask)),
        2 => any_fault().prop_map(Deed::Inject),
        2 => any::<prop::sample::Index>().prop_map(|index| Deed::Lift(index.index(64))),
    ]
}

/// What is done, each so long after the one before; all of it before [`HEALED`].
fn any_deeds() -> impl Strategy<Value = Vec<(Span, Deed)>> {
    prop::collection::vec((any_span(25), any_deed()), 1..60)
}

fn spec(trace: TraceLevel) -> WorldSpec<Probe> {
    let jitter = Distribution::exponential(Span::from_millis(3)).unwrap();
    let lossy = LinkSpec {
        loss_per_million: 50_000,
        ..LinkSpec::fifo(jitter.clone())
    };
    let datagrams = LinkRule {
        from: vec![A],
        to: vec![C],
        spec: LinkSpec {
            loss_per_million: 100_000,
            ..LinkSpec::datagram(jitter)
        },
    };
    let mut nodes = vec![node("a"), node("b"), node("c")];
    nodes[1].service_time = Span::from_millis(1);
    nodes[2].inbox_capacity = 2;
    WorldSpec {
        nodes,
        network: NetworkSpec {
            default: lossy,
            rules: vec![datagrams],
        },
        trace,
    }
}

/// Does the deeds, lifts what is left, crashes and restarts every node (which ends what nobody answered), and lets the
/// world come to rest. `middle` is called with the world after each deed.
fn run(
    trace: TraceLevel,
    deeds: &[(Span, Deed)],
    ear: &mut Ear,
    mut middle: impl FnMut(usize, &mut World<Probe>, &mut Ear),
) -> World<Probe> {
    let mut world = World::new(Seed(11), spec(trace));
    let mut at = Instant::ZERO;
    for (index, (after, deed)) in deeds.iter().enumerate() {
        at += *after;
        world.run_until(at, ear);
        match deed.clone() {
            Deed::Ask(node, ask) => {
                world.invoke(node, ask, PathKey::of_name("test", index as u64), ear);
            }
            Deed::Inject(fault) => {
                // Drifts may add up to a clock that stands still, and are refused then.
                let _ = world.inject(fault, ear);
            }
            Deed::Lift(index) => {
                let holding: Vec<FaultId> = world.faults().iter().map(|fault| fault.id).collect();
                if !holding.is_empty() {
                    world.lift(holding[index % holding.len()], ear).unwrap();
                }
            }
        }
        middle(index, &mut world, ear);
    }
    world.run_until(HEALED, ear);
    while let Some(fault) = world.faults().first() {
        world.lift(fault.id, ear).unwrap();
    }
    for id in 0..NODES {
        let crash = world
            .inject(Fault::Crash { node: NodeId(id) }, ear)
            .unwrap();
        world.lift(crash, ear).unwrap();
    }
    assert_eq!(world.run_until(QUIET, ear), Stop::OutOfEvents);
    world
}

fn digest(world: &World<Probe>) -> (u64, Option<u64>) {
    (world.trace().count(), world.trace().digest())
}

/// What is wrong with a run that has come to rest, if anything.
fn audit(world: &World<Probe>, ear: &Ear) -> Result<(), TestCaseError> {
    let mut invoked = BTreeSet::new();
    let mut replied = BTreeMap::new();
    let mut sends: BTreeMap<EventId, u32> = BTreeMap::new();
    // A connection ends with its sender's life, so order is kept among what one life sent.
    let mut lives: BTreeMap<NodeId, u64> = BTreeMap::new();
    let mut sent_in_life: BTreeMap<EventId, u64> = BTreeMap::new();
    let mut last_delivered: BTreeMap<(NodeId, NodeId, u64), EventId> = BTreeMap::new();
    let mut last = Instant::ZERO;
    for (event, record) in world.trace().records(EventId(1)) {
        prop_assert!(
            record.cause < event,
            "{event:?} is caused by {:?}",
            record.cause
        );
        prop_assert!(record.at >= last, "{event:?} goes back in time");
        last = record.at;
        match record.kind {
            RecordKind::Invoke => {
                invoked.insert(record.detail);
            }
            RecordKind::Reply => *replied.entry(record.detail).or_insert(0) += 1,
            RecordKind::Send => {
                sends.insert(event, 0);
                sent_in_life.insert(event, lives[&record.node]);
            }
            RecordKind::Boot => {
                lives.insert(record.node, record.detail);
            }
            RecordKind::Deliver | RecordKind::Drop => {
                *sends.get_mut(&record.cause).expect("caused by a send") += 1;
            }
            _ => {}
        }
        let is_connection = !(record.peer == A && record.node == C);
        if record.kind == RecordKind::Deliver && is_connection {
            let before = last_delivered.insert(
                (record.peer, record.node, sent_in_life[&record.cause]),
                record.cause,
            );
            prop_assert!(before < Some(record.cause), "{event:?} overtook another");
        }
    }
    prop_assert_eq!(&invoked, &replied.keys().copied().collect::<BTreeSet<_>>());
    prop_assert!(
        replied.values().all(|count| *count == 1),
        "one answer each: {replied:?}"
    );
    prop_assert_eq!(ear.replies.len(), invoked.len());
    // A datagram may be doubled on its way, and then each of the two ends.
    let ends_max = |event: &EventId| {
        let record = world.trace().get(*event).expect("of this trace");
        1 + u32::from((record.node, record.peer) == (A, C))
    };
    let is_unaccounted = |event, ends: u32| ends == 0 || ends > ends_max(event);
    let unaccounted = sends
        .iter()
        .filter(|(event, ends)| is_unaccounted(event, **ends));
    let unaccounted: Vec<_> = unaccounted.collect();
    prop_assert!(
        unaccounted.is_empty(),
        "delivered or dropped, once: {unaccounted:?}"
    );
    for id in (0..NODES).map(NodeId) {
        prop_assert_eq!(world.node_state(id), NodeState::Up);
        prop_assert_eq!(world.queued(id), 0);
    }
    Ok(())
}

fn config(cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn every_request_is_answered_once_every_message_ends_once_and_connections_keep_their_order(
        deeds in any_deeds()
    ) {
        let mut ear = Ear::default();
        let world = run(TraceLevel::Full, &deeds, &mut ear, |_, _, _| {});
        audit(&world, &ear)?;
    }

    #[test]
    fn levels_steps_and_forks_make_no_difference(deeds in any_deeds(), fork_at in any::<prop::sample::Index>()) {
        let plain = run(TraceLevel::Full, &deeds, &mut Ear::default(), |_, _, _| {});
        let lean = run(TraceLevel::Digest, &deeds, &mut Ear::default(), |_, _, _| {});
        prop_assert_eq!(digest(&plain), digest(&lean));
        let ring = run(TraceLevel::Ring(16), &deeds, &mut Ear::default(), |_, _, _| {});
        prop_assert_eq!(digest(&plain), digest(&ring));
        let off = run(TraceLevel::Off, &deeds, &mut Ear::default(), |_, _, _| {});
        prop_assert_eq!(digest(&off), (plain.trace().count(), None));

        // A few steps one by one after each deed change nothing, nor does going on in a fork and letting the original
        // run away meanwhile.
        let fork_at = fork_at.index(deeds.len());
        let forked = run(TraceLevel::Digest, &deeds, &mut Ear::default(), |index, world, ear| {
            let next = deeds.get(index + 1).map_or(Span::ZERO, |(after, _)| *after);
            let until = world.now() + next;
            for _ in 0..3 {
                world.step(until, ear);
            }
            if index == fork_at {
                let mut original = world.clone();
                std::mem::swap(world, &mut original);
                original.run_until(QUIET, &mut ());
            }
        });
        prop_assert_eq!(digest(&plain), digest(&forked));
    }
}
