//! The rules of the world, each forced by a test.

mod probe;

use probe::{Ask, Ear, Heard, Probe};
use seedbed_sim::*;

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn node(name: &str) -> NodeSpec<Probe> {
    NodeSpec {
        name: name.into(),
        config: (),
        service_time: Span::ZERO,
        inbox_capacity: 8,
        clock: ClockConfig::default(),
        disk: DiskConfig {
            sync_per_kib: Span::from_millis(4),
            ..DiskConfig::instant()
        },
    }
}

fn links(spec: LinkSpec) -> WorldSpec<Probe> {
    WorldSpec {
        nodes: vec![node("a"), node("b")],
        network: NetworkSpec::uniform(spec),
        trace: TraceLevel::Full,
    }
}

fn five_ms() -> Distribution {
    Distribution::fixed(Span::from_millis(5)).unwrap()
}

/// A world with two nodes that are 5 ms apart, booted.
struct Lab {
    world: World<Probe>,
    ear: Ear,
    asked: u64,
}

impl Lab {
    fn new(spec: WorldSpec<Probe>) -> Self {
        let mut lab = Self {
            world: World::new(Seed(7), spec),
            ear: Ear::default(),
            asked: 0,
        };
        lab.until(0);
        lab
    }
    fn fifo() -> Self {
        Self::new(links(LinkSpec::fifo(five_ms())))
    }
    fn ask(&mut self, node: NodeId, ask: Ask) -> RequestId {
        self.asked += 1;
        self.world
            .invoke(
                node,
                ask,
                PathKey::of_name("test", self.asked),
                &mut self.ear,
            )
            .0
    }
    fn until(&mut self, millis: u64) {
        self.world.run_until(ms(millis), &mut self.ear);
    }
    fn inject(&mut self, fault: Fault) -> FaultId {
        self.world.inject(fault, &mut self.ear).unwrap()
    }
    fn lift(&mut self, fault: FaultId) {
        self.world.lift(fault, &mut self.ear).unwrap();
    }
}

fn a_to_b(direction: Direction) -> LinkTarget {
    LinkTarget {
        from: A,
        to: B,
        direction,
    }
}

#[test]
fn a_message_arrives_after_the_delay_of_its_link() {
    let mut lab = Lab::fifo();
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(100);
    assert_eq!(lab.ear.first_message_at(B), Some(ms(5)));
}

#[test]
fn orders_leave_at_the_instant_in_the_handler_where_they_stood() {
    let mut lab = Lab::fifo();
    lab.ask(
        A,
        Ask::Write {
            sync: true,
            tell: B,
        },
    );
    lab.until(100);
    assert_eq!(
        lab.ear.first_message_at(B),
        Some(ms(9)),
        "4 ms for the sync, then 5 ms on the link"
    );
    assert_eq!(
        lab.ear.replies[0].0,
        ms(4),
        "the reply leaves when the sync is done"
    );
}

#[test]
fn a_node_does_one_thing_at_a_time_and_queueing_shows() {
    let mut lab = Lab::fifo();
    for _ in 0..3 {
        lab.ask(
            A,
            Ask::Work {
                span: Span::from_millis(10),
                tell: B,
            },
        );
    }
    lab.until(15);
    assert_eq!(
        lab.world.queued(A),
        1,
        "the first is done, the second runs, the third waits"
    );
    lab.until(100);
    let answered: Vec<_> = lab.ear.replies.iter().map(|(at, ..)| *at).collect();
    assert_eq!(answered, [ms(10), ms(20), ms(30)]);
}

#[test]
fn at_the_inbox_bound_requests_fail_and_messages_are_dropped_but_timers_are_not() {
    let mut lab = Lab::fifo();
    lab.ask(
        B,
        Ask::Timers {
            delays: vec![Span::from_millis(6)],
            cancel: vec![],
        },
    );
    lab.until(1);
    lab.ask(
        B,
        Ask::Work {
            span: Span::from_millis(50),
            tell: A,
        },
    );
    lab.ask(A, Ask::Send { to: B, count: 10 });
    lab.until(20);
    assert_eq!(
        lab.ear.drops(),
        [DropReason::InboxFull; 2],
        "8 of 10 find room"
    );
    lab.ask(B, Ask::Ignore);
    lab.until(30);
    assert_eq!(
        lab.ear.replies.last().unwrap().2,
        Outcome::Fail(Reason::Overloaded)
    );
    lab.until(100);
    assert_eq!(lab.ear.numbers_at(B).len(), 8);
    assert_eq!(
        lab.ear.ticks(),
        [(ms(51), 0)],
        "late, since the node was busy, but it fired"
    );
}

#[test]
fn a_connection_keeps_the_order_and_a_datagram_link_does_not() {
    let jitter = Distribution::uniform(Span::from_millis(1), Span::from_millis(50)).unwrap();
    let arrived = |spec: LinkSpec| {
        let mut lab = Lab::new(links(spec));
        let mut at = 0;
        for _ in 0..40 {
            at += 2;
            lab.ask(A, Ask::Send { to: B, count: 1 });
            lab.until(at);
        }
        lab.until(500);
        lab.ear.numbers_at(B)
    };
    let fifo = arrived(LinkSpec::fifo(jitter.clone()));
    assert!(fifo.is_sorted(), "{fifo:?}");
    let datagrams = arrived(LinkSpec::datagram(jitter));
    assert!(!datagrams.is_sorted(), "{datagrams:?}");
    assert_eq!(fifo.len(), datagrams.len());
}

#[test]
fn loss_delays_a_connection_and_drops_datagrams() {
    let lossy = |spec: LinkSpec| LinkSpec {
        loss_per_million: 300_000,
        ..spec
    };
    let mut lab = Lab::new(links(lossy(LinkSpec::fifo(five_ms()))));
    for n in 0..100 {
        lab.until(n);
        lab.ask(A, Ask::Send { to: B, count: 1 });
    }
    lab.until(60_000);
    assert_eq!(lab.ear.numbers_at(B), (1..=100).collect::<Vec<_>>());
    assert!(
        lab.ear.notes.last().unwrap().0 >= ms(205),
        "somebody waited for a retransmission"
    );

    let mut lab = Lab::new(links(lossy(LinkSpec::datagram(five_ms()))));
    for n in 0..100 {
        lab.until(n);
        lab.ask(A, Ask::Send { to: B, count: 1 });
    }
    lab.until(60_000);
    let lost = lab.ear.drops().len();
    assert!(
        lab.ear
            .drops()
            .iter()
            .all(|reason| *reason == DropReason::Loss)
    );
    assert!((15..=45).contains(&lost), "{lost} of 100 lost at 30 %");
    assert_eq!(lab.ear.numbers_at(B).len(), 100 - lost);
}

#[test]
fn a_crash_takes_what_is_not_durable_and_what_has_not_left() {
    let mut lab = Lab::fifo();
    lab.ask(
        A,
        Ask::Write {
            sync: true,
            tell: B,
        },
    );
    lab.until(10);
    lab.ask(
        A,
        Ask::Write {
            sync: false,
            tell: B,
        },
    );
    lab.until(20);
    let request = lab.ask(
        A,
        Ask::Write {
            sync: true,
            tell: B,
        },
    );
    lab.until(22);
    let crash = lab.inject(Fault::Crash { node: A });
    assert_eq!(lab.world.node_state(A), NodeState::Down);
    let last = lab.ear.replies.last().unwrap().clone();
    assert_eq!(
        last,
        (ms(22), request, Outcome::Info(Reason::ClientCrashed)),
        "the reply at 24 ms never left"
    );
    assert_eq!(lab.ear.drops(), [DropReason::Unsent]);
    lab.until(30);
    lab.lift(crash);
    lab.until(100);
    assert_eq!(
        lab.ear.boots(),
        [0, 0, 1],
        "one synced write survives of three"
    );
    assert_eq!(
        lab.ear.numbers_at(B).len(),
        2,
        "the message after the unfinished sync never left"
    );
}

#[test]
fn a_crash_at_the_kth_disk_operation_leaves_exactly_the_orders_before_it() {
    let mut lab = Lab::fifo();
    lab.ask(A, Ask::Send { to: B, count: 1 });
    let fault = lab.inject(Fault::CrashAtDiskOperation {
        node: A,
        operation: 2,
    });
    let request = lab.ask(
        A,
        Ask::Write {
            sync: true,
            tell: B,
        },
    );
    lab.until(50);
    assert_eq!(lab.world.node_state(A), NodeState::Down);
    assert_eq!(
        lab.ear.numbers_at(B),
        [1],
        "what came before the write went out; what followed the sync did not"
    );
    assert_eq!(lab.ear.replies.last().unwrap().1, request);
    assert_eq!(
        lab.ear.replies.last().unwrap().2,
        Outcome::Info(Reason::ClientCrashed)
    );
    lab.lift(fault);
    lab.until(100);
    assert_eq!(lab.world.node_state(A), NodeState::Up);
    assert_eq!(lab.ear.boots(), [0, 0, 0]);
}

#[test]
fn sync_later_completes_in_virtual_time_and_not_after_a_crash() {
    let mut lab = Lab::fifo();
    lab.ask(A, Ask::WriteLater);
    lab.until(3);
    assert!(lab.ear.replies.is_empty());
    lab.until(4);
    assert_eq!(lab.ear.replies.len(), 1);
    lab.ask(A, Ask::WriteLater);
    lab.until(6);
    let crash = lab.inject(Fault::Crash { node: A });
    lab.lift(crash);
    lab.until(100);
    assert_eq!(lab.ear.replies[1].2, Outcome::Info(Reason::ClientCrashed));
    assert_eq!(lab.ear.boots(), [0, 0, 1]);
}

#[test]
fn what_is_on_its_way_to_a_dead_incarnation_is_lost_on_a_connection() {
    for (spec, expected) in [
        (LinkSpec::fifo(five_ms()), vec![]),
        (LinkSpec::datagram(five_ms()), vec![1]),
    ] {
        let mut lab = Lab::new(links(spec));
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(2);
        let crash = lab.inject(Fault::Crash { node: B });
        lab.lift(crash);
        lab.until(100);
        assert_eq!(lab.ear.numbers_at(B), expected);
    }
}

#[test]
fn a_request_to_a_node_that_is_down_fails() {
    let mut lab = Lab::fifo();
    lab.inject(Fault::Crash { node: A });
    let request = lab.ask(A, Ask::Ignore);
    lab.until(1);
    assert_eq!(
        lab.ear.replies,
        [(ms(0), request, Outcome::Fail(Reason::Unavailable))]
    );
}

#[test]
fn a_cut_loses_or_holds_what_is_in_flight_and_what_is_sent_into_it() {
    for (in_flight, expected) in [(InFlight::Lost, vec![3]), (InFlight::Held, vec![1, 2, 3])] {
        let mut lab = Lab::fifo();
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(2);
        let cut = lab.inject(Fault::Cut {
            link: a_to_b(Direction::Both),
            in_flight,
        });
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(50);
        assert_eq!(lab.ear.numbers_at(B), Vec::<u32>::new());
        lab.lift(cut);
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(100);
        assert_eq!(lab.ear.numbers_at(B), expected);
    }
}

#[test]
fn a_one_way_cut_lets_the_other_direction_through() {
    let mut lab = Lab::fifo();
    lab.inject(Fault::Cut {
        link: a_to_b(Direction::OneWay),
        in_flight: InFlight::Lost,
    });
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.ask(B, Ask::Send { to: A, count: 1 });
    lab.until(100);
    assert_eq!(lab.ear.numbers_at(B), Vec::<u32>::new());
    assert_eq!(lab.ear.numbers_at(A), [1]);
}

#[test]
fn a_link_stays_cut_until_the_last_cut_is_lifted() {
    let mut lab = Lab::fifo();
    let cut = lab.inject(Fault::Cut {
        link: a_to_b(Direction::Both),
        in_flight: InFlight::Held,
    });
    let sides = vec![vec![A], vec![B]];
    let partition = lab.inject(Fault::Partition {
        sides,
        in_flight: InFlight::Held,
    });
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.lift(cut);
    lab.until(50);
    assert_eq!(lab.ear.numbers_at(B), Vec::<u32>::new());
    lab.lift(partition);
    lab.until(100);
    assert_eq!(lab.ear.numbers_at(B), [1]);
}

#[test]
fn a_delay_fault_adds_to_the_link() {
    let mut lab = Lab::fifo();
    let extra = Span::from_millis(30);
    let delay = lab.inject(Fault::Delay {
        link: a_to_b(Direction::Both),
        extra,
    });
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(100);
    assert_eq!(lab.ear.first_message_at(B), Some(ms(35)));
    lab.lift(delay);
    lab.ask(B, Ask::Send { to: A, count: 1 });
    lab.until(200);
    assert_eq!(lab.ear.first_message_at(A), Some(ms(105)));
}

#[test]
fn a_loss_fault_drops_datagrams_only_while_it_holds() {
    let mut lab = Lab::new(links(LinkSpec::datagram(five_ms())));
    let loss = lab.inject(Fault::Loss {
        link: a_to_b(Direction::Both),
        per_million: 1_000_000,
    });
    lab.ask(A, Ask::Send { to: B, count: 3 });
    lab.until(10);
    lab.lift(loss);
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(100);
    assert_eq!(lab.ear.numbers_at(B), [4]);
}

#[test]
fn a_paused_node_does_nothing_and_then_catches_up_in_order() {
    let mut lab = Lab::fifo();
    lab.ask(
        B,
        Ask::Timers {
            delays: [30, 10, 20].map(Span::from_millis).into(),
            cancel: vec![2],
        },
    );
    lab.until(1);
    let pause = lab.inject(Fault::Pause { node: B });
    assert_eq!(lab.world.node_state(B), NodeState::Paused);
    lab.ask(A, Ask::Send { to: B, count: 2 });
    lab.until(100);
    assert!(lab.ear.numbers_at(B).is_empty());
    assert!(lab.ear.ticks().is_empty());
    lab.lift(pause);
    lab.until(200);
    assert_eq!(lab.ear.numbers_at(B), [1, 2]);
    assert_eq!(
        lab.ear.ticks(),
        [(ms(100), 1), (ms(100), 0)],
        "due timers fire in the order they were due"
    );
}

#[test]
fn timers_fire_in_order_and_never_after_they_were_cancelled() {
    let mut lab = Lab::fifo();
    lab.ask(
        A,
        Ask::Timers {
            delays: [30, 10, 20, 10].map(Span::from_millis).into(),
            cancel: vec![2],
        },
    );
    lab.until(100);
    assert_eq!(lab.ear.ticks(), [(ms(10), 1), (ms(10), 3), (ms(30), 0)]);
}

#[test]
fn timers_run_on_the_nodes_own_clock() {
    let mut spec = links(LinkSpec::fifo(five_ms()));
    spec.nodes[0].clock = ClockConfig {
        offset_nanos: 0,
        drift_ppm: 250_000,
    };
    let mut lab = Lab::new(spec);
    lab.ask(
        A,
        Ask::Timers {
            delays: vec![Span::from_millis(100)],
            cancel: vec![],
        },
    );
    lab.until(500);
    assert_eq!(
        lab.ear.ticks(),
        [(ms(80), 0)],
        "a clock that is a quarter fast waits 80 ms for its 100"
    );
}

#[test]
fn a_drift_that_begins_later_moves_the_timers_that_are_set() {
    let mut lab = Lab::fifo();
    lab.ask(
        A,
        Ask::Timers {
            delays: vec![Span::from_millis(100)],
            cancel: vec![],
        },
    );
    lab.until(50);
    lab.inject(Fault::ClockDrift {
        node: A,
        ppm: -500_000,
    });
    lab.until(500);
    assert_eq!(
        lab.ear.ticks(),
        [(ms(150), 0)],
        "50 ms at full speed and 50 at half"
    );
}

#[test]
fn a_clock_offset_moves_the_wall_clock_and_not_the_timers() {
    let mut lab = Lab::fifo();
    lab.ask(
        A,
        Ask::Timers {
            delays: vec![Span::from_millis(100)],
            cancel: vec![],
        },
    );
    lab.until(50);
    let offset = lab.inject(Fault::ClockOffset {
        node: A,
        nanos: 3_000_000_000,
    });
    lab.ask(A, Ask::Clock);
    lab.until(60);
    lab.lift(offset);
    lab.ask(A, Ask::Clock);
    lab.until(500);
    let start = WallTime::AT_WORLD_START;
    let walls: Vec<_> = lab
        .ear
        .notes
        .iter()
        .filter_map(|(_, _, note)| {
            if let Heard::Wall(wall) = note {
                Some(*wall)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(
        walls,
        [
            start + Span::from_millis(3_050),
            start + Span::from_millis(60)
        ]
    );
    assert_eq!(lab.ear.ticks(), [(ms(100), 0)]);
}

#[test]
fn a_process_that_halts_stays_down_until_it_is_restarted() {
    let mut lab = Lab::fifo();
    let request = lab.ask(A, Ask::Halt);
    lab.until(10);
    assert_eq!(lab.world.node_state(A), NodeState::Down);
    assert_eq!(lab.world.halt_reason(A), Some("stopped: asked to"));
    assert_eq!(
        lab.ear.replies,
        [(ms(0), request, Outcome::Info(Reason::ClientCrashed))]
    );
    let crash = lab.inject(Fault::Crash { node: A });
    lab.lift(crash);
    lab.until(20);
    assert_eq!(lab.world.node_state(A), NodeState::Up);
    assert_eq!(lab.world.incarnation(A), Incarnation(1));
}

#[test]
fn faults_that_make_no_sense_are_refused_and_change_nothing() {
    let mut lab = Lab::fifo();
    let before = lab.world.trace().digest();
    let nobody = NodeId(9);
    let refused = [
        Fault::Crash { node: nobody },
        Fault::CrashAtDiskOperation {
            node: A,
            operation: 0,
        },
        Fault::ClockDrift {
            node: A,
            ppm: -1_000_000,
        },
        Fault::Loss {
            link: a_to_b(Direction::Both),
            per_million: 1_000_001,
        },
    ];
    for fault in refused {
        lab.world.inject(fault, &mut ()).unwrap_err();
    }
    assert_eq!(
        lab.world.lift(FaultId(1), &mut ()),
        Err(FaultError::NotActive(FaultId(1)))
    );
    assert_eq!(lab.world.trace().digest(), before);
    assert!(lab.world.faults().is_empty());
}

/// A busy world: jitter, loss, syncs, timers, and a crash.
fn busy(trace: TraceLevel) -> World<Probe> {
    let delay = Distribution::exponential(Span::from_millis(3)).unwrap();
    let spec = LinkSpec {
        loss_per_million: 50_000,
        ..LinkSpec::fifo(delay)
    };
    let mut world = World::new(
        Seed(42),
        WorldSpec {
            trace,
            ..links(spec)
        },
    );
    for n in 0..200_u64 {
        world.run_until(ms(n), &mut ());
        let node = NodeId((n % 2) as u32);
        let other = NodeId(((n + 1) % 2) as u32);
        let ask = match n % 4 {
            0 => Ask::Write {
                sync: true,
                tell: other,
            },
            1 => Ask::Send {
                to: other,
                count: 3,
            },
            2 => Ask::Timers {
                delays: vec![Span::from_millis(n), Span::from_millis(7)],
                cancel: vec![1],
            },
            _ => Ask::WriteLater,
        };
        world.invoke(node, ask, PathKey::of_name("test", n), &mut ());
        if n == 90 {
            world.inject(Fault::Crash { node: B }, &mut ()).unwrap();
        }
        if n == 120 {
            world.lift(FaultId(1), &mut ()).unwrap();
        }
    }
    world
}

#[test]
fn one_seed_gives_one_digest_at_every_level_however_the_world_is_driven() {
    let end = ms(1_000);
    let run = |level| {
        let mut world = busy(level);
        world.run_until(end, &mut ());
        world
    };
    let full = run(TraceLevel::Full);
    assert_eq!(run(TraceLevel::Off).trace().digest(), None);
    assert_eq!(run(TraceLevel::Off).trace().count(), full.trace().count());
    assert_eq!(
        run(TraceLevel::Digest).trace().digest(),
        full.trace().digest()
    );
    assert_eq!(
        run(TraceLevel::Ring(10)).trace().digest(),
        full.trace().digest()
    );

    let mut stepped = busy(TraceLevel::Digest);
    while stepped.step(end, &mut ()) {}
    assert_eq!(stepped.trace().digest(), full.trace().digest());

    let original = busy(TraceLevel::Digest);
    let mut fork = original.clone();
    fork.run_until(end, &mut ());
    assert_eq!(fork.trace().digest(), full.trace().digest());
    drop(original);
}

/// The world's own digest, without any protocol: a change says that this kernel gives another run for the same seed.
#[test]
fn the_digest_of_a_busy_world_is_pinned() {
    let mut world = busy(TraceLevel::Digest);
    world.run_until(ms(1_000), &mut ());
    let digest = world.trace().digest().unwrap();
    assert_eq!(
        (world.trace().count(), digest),
        (1252, 0x5120_a58e_4f60_f6a5)
    );
}

#[test]
fn every_event_but_the_first_causes_is_caused_by_an_earlier_one() {
    let mut world = busy(TraceLevel::Full);
    world.run_until(ms(1_000), &mut ());
    let mut last = Instant::ZERO;
    for (event, record) in world.trace().records(EventId(1)) {
        assert!(
            record.cause < event,
            "{event} is caused by {}",
            record.cause
        );
        assert!(record.at >= last, "{event} goes back in time");
        last = record.at;
        let from_outside = [
            RecordKind::Boot,
            RecordKind::Invoke,
            RecordKind::Fault,
            RecordKind::Lift,
        ];
        assert_eq!(
            record.cause == EventId::OUTSIDE,
            from_outside.contains(&record.kind),
            "{record:?}"
        );
    }
}

#[test]
fn removing_one_request_changes_no_delay_of_the_others() {
    let delay = Distribution::exponential(Span::from_millis(30)).unwrap();
    let arrivals = |skipped: Option<u64>| {
        let mut lab = Lab::new(links(LinkSpec::datagram(delay.clone())));
        for n in (0..100_u64).filter(|n| Some(*n) != skipped) {
            lab.world.run_until(ms(n), &mut lab.ear);
            lab.world.invoke(
                A,
                Ask::Send { to: B, count: 1 },
                PathKey::of_name("test", n),
                &mut lab.ear,
            );
        }
        lab.until(10_000);
        let mut at: Vec<_> = lab
            .ear
            .notes
            .iter()
            .filter(|(_, node, _)| *node == B)
            .map(|(at, ..)| *at)
            .collect();
        at.sort_unstable();
        at
    };
    let (all, fewer) = (arrivals(None), arrivals(Some(50)));
    let missing: Vec<_> = all.iter().filter(|at| !fewer.contains(at)).collect();
    assert_eq!(
        (all.len(), fewer.len(), missing.len()),
        (101, 100, 1),
        "with the boot note of b"
    );
}

#[test]
fn the_world_says_when_time_stands_still() {
    let mut lab = Lab::new(links(LinkSpec::fifo(
        Distribution::fixed(Span::ZERO).unwrap(),
    )));
    lab.ask(
        A,
        Ask::Timers {
            delays: vec![],
            cancel: vec![],
        },
    );
    assert_eq!(lab.world.run_until(ms(5), &mut lab.ear), Stop::OutOfEvents);
    lab.ask(
        A,
        Ask::Timers {
            delays: vec![Span::from_millis(9)],
            cancel: vec![],
        },
    );
    assert_eq!(lab.world.run_until(ms(6), &mut lab.ear), Stop::OutOfTime);
}
