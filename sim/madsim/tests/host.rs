//! Each rule of this host, forced with the process that forces the world's.
#![cfg(madsim)]

use seedbed_madsim::{Answer, Cluster, ClusterSpec, on_fresh_thread};
use seedbed_sim::*;

#[allow(dead_code, reason = "what is for the world's own tests")]
#[path = "../../tests/world/probe.rs"]
mod probe;

use probe::{Ask, Done, Heard, Probe};

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// madsim's clock is a little late, by 50 to 100 ns for each task that it runs.
fn is_at(at: Instant, millis: u64) -> bool {
    at >= ms(millis) && at.since(ms(millis)) < Span::from_micros(20)
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

fn spread() -> Distribution {
    Distribution::uniform(Span::from_millis(3), Span::from_millis(50)).unwrap()
}

fn five_ms() -> Distribution {
    Distribution::fixed(Span::from_millis(5)).unwrap()
}

fn link(direction: Direction) -> LinkTarget {
    LinkTarget {
        from: A,
        to: B,
        direction,
    }
}

/// What a test has heard.
#[derive(Default)]
struct Ear {
    notes: Vec<(Instant, NodeId, Heard)>,
    answers: Vec<Answer<Done>>,
}

struct Lab {
    cluster: Cluster<Probe>,
    ear: Ear,
}

impl Lab {
    async fn until(&mut self, millis: u64) {
        self.cluster.run_until(ms(millis)).await;
        let notes = self.cluster.take_notes().into_iter();
        self.ear
            .notes
            .extend(notes.map(|noted| (noted.at, noted.node, noted.note)));
        self.ear.answers.extend(self.cluster.take_answers());
    }
    fn ask(&self, node: NodeId, ask: Ask) -> RequestId {
        self.cluster.ask(node, ask)
    }
    fn inject(&self, fault: &Fault) -> FaultId {
        self.cluster.inject(fault).unwrap()
    }
    fn lift(&self, fault: FaultId) {
        self.cluster.lift(fault).unwrap();
    }
    /// The numbers that reached `node`, with their instants.
    fn told(&self, node: NodeId) -> Vec<(Instant, u32)> {
        let told = |(at, by, note): &(Instant, NodeId, Heard)| match note {
            Heard::Message { number, .. } if *by == node => Some((*at, *number)),
            _ => None,
        };
        self.ear.notes.iter().filter_map(told).collect()
    }
    fn numbers(&self, node: NodeId) -> Vec<u32> {
        self.told(node)
            .into_iter()
            .map(|(_, number)| number)
            .collect()
    }
    fn boots(&self) -> Vec<u64> {
        let boot = |(_, _, note): &(Instant, NodeId, Heard)| match note {
            Heard::Booted { kib_found } => Some(*kib_found),
            _ => None,
        };
        self.ear.notes.iter().filter_map(boot).collect()
    }
    fn ticks(&self) -> Vec<(Instant, usize)> {
        let tick = |(at, _, note): &(Instant, NodeId, Heard)| match note {
            Heard::Ticked(index) => Some((*at, *index)),
            _ => None,
        };
        self.ear.notes.iter().filter_map(tick).collect()
    }
    fn outcome(&self, request: RequestId) -> &Answer<Done> {
        let mut answers = self.ear.answers.iter();
        answers.find(|answer| answer.request == request).unwrap()
    }
}

/// Two nodes, and a test of them.
fn in_lab(spec: LinkSpec, test: impl AsyncFnOnce(&mut Lab) + Send + 'static) {
    let run = move || async move {
        let cluster = Cluster::start(ClusterSpec {
            nodes: vec![node("a"), node("b")],
            network: NetworkSpec::uniform(spec),
            seed: Seed(7),
        });
        let mut lab = Lab {
            cluster: cluster.await,
            ear: Ear::default(),
        };
        lab.until(0).await;
        test(&mut lab).await;
    };
    on_fresh_thread(7, run).unwrap_or_else(|why| panic!("{why}"));
}

fn fifo() -> LinkSpec {
    LinkSpec::fifo(five_ms())
}

#[test]
fn orders_leave_at_the_instants_of_their_stamps() {
    in_lab(fifo(), async |lab: &mut Lab| {
        let asked = lab.ask(
            A,
            Ask::WriteTwice {
                tell_between: B,
                tell_after: B,
            },
        );
        lab.until(3).await;
        assert!(lab.ear.answers.is_empty(), "the sync takes 4 ms");
        lab.until(20).await;
        let told = lab.told(B);
        assert_eq!(lab.numbers(B), [1, 2]);
        assert!(
            is_at(told[0].0, 9),
            "4 ms of sync and 5 ms of way: {told:?}"
        );
        assert!(is_at(lab.outcome(asked).at, 4));

        let span = Span::from_millis(10);
        let asked = lab.ask(A, Ask::Work { span, tell: B });
        lab.until(50).await;
        assert!(is_at(lab.told(B)[2].0, 35), "{:?}", lab.told(B));
        assert!(is_at(lab.outcome(asked).at, 30));
    });
}

#[test]
fn a_crash_within_a_handler_unsends_what_had_not_left() {
    in_lab(fifo(), async |lab: &mut Lab| {
        let span = Span::from_millis(10);
        let asked = lab.ask(A, Ask::Work { span, tell: B });
        lab.until(5).await;
        lab.inject(&Fault::Crash { node: A });
        lab.until(50).await;
        assert!(lab.numbers(B).is_empty());
        let answer = lab.outcome(asked);
        assert_eq!(answer.outcome, Outcome::Info(Reason::ClientCrashed));
        assert!(is_at(answer.at, 5));
    });
}

#[test]
fn a_message_that_had_left_arrives_though_its_sender_crashes() {
    in_lab(fifo(), async |lab: &mut Lab| {
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(1).await;
        lab.inject(&Fault::Crash { node: A });
        lab.until(50).await;
        assert_eq!(lab.numbers(B), [1]);
        let refused = lab.ask(A, Ask::Ignore);
        lab.until(51).await;
        let refused = &lab.outcome(refused).outcome;
        assert_eq!(*refused, Outcome::Fail(Reason::Unavailable));
    });
}

#[test]
fn a_message_on_its_way_to_a_life_that_ends_is_lost_and_the_next_life_hears_the_next() {
    in_lab(fifo(), async |lab: &mut Lab| {
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(1).await;
        let crash = lab.inject(&Fault::Crash { node: B });
        lab.until(2).await;
        lab.lift(crash);
        lab.until(20).await;
        assert!(lab.numbers(B).is_empty());
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(40).await;
        assert_eq!(lab.numbers(B), [2]);
        assert_eq!(lab.boots(), [0, 0, 0], "a, b, and b again");
    });
}

#[test]
fn a_crash_loses_what_was_not_synced_and_keeps_what_was() {
    for (sync, kept) in [(false, 0), (true, 1)] {
        in_lab(fifo(), async move |lab: &mut Lab| {
            lab.ask(A, Ask::Write { sync, tell: B });
            lab.until(20).await;
            let crash = lab.inject(&Fault::Crash { node: A });
            lab.until(30).await;
            lab.lift(crash);
            lab.until(40).await;
            assert_eq!(lab.boots(), [0, 0, kept]);
        });
    }
}

#[test]
fn a_sync_that_a_crash_cuts_short_has_not_happened() {
    in_lab(fifo(), async |lab: &mut Lab| {
        lab.ask(
            A,
            Ask::Write {
                sync: true,
                tell: B,
            },
        );
        lab.until(3).await;
        let crash = lab.inject(&Fault::Crash { node: A });
        lab.lift(crash);
        lab.until(40).await;
        assert_eq!(lab.boots(), [0, 0, 0]);
        assert!(lab.numbers(B).is_empty());
    });
}

#[test]
fn a_crash_at_a_disk_operation_lets_out_exactly_the_orders_given_before() {
    for (operation, told) in [(2, vec![]), (3, vec![1]), (4, vec![1, 2])] {
        in_lab(fifo(), async move |lab: &mut Lab| {
            let crash = lab.inject(&Fault::CrashAtDiskOperation { node: A, operation });
            let asked = lab.ask(
                A,
                Ask::WriteTwice {
                    tell_between: B,
                    tell_after: B,
                },
            );
            lab.until(40).await;
            assert_eq!(lab.numbers(B), told, "at operation {operation}");
            let is_known = matches!(lab.outcome(asked).outcome, Outcome::Ok(_));
            assert_eq!(is_known, operation == 4);
            lab.lift(crash);
            lab.until(60).await;
            assert_eq!(lab.boots().len(), if operation == 4 { 2 } else { 3 });
        });
    }
}

#[test]
fn a_connection_keeps_order_and_datagrams_overtake() {
    let spread = spread();
    for (spec, in_order) in [
        (LinkSpec::fifo(spread.clone()), true),
        (LinkSpec::datagram(spread), false),
    ] {
        in_lab(spec, async move |lab: &mut Lab| {
            for at in 1..=50 {
                lab.ask(A, Ask::Send { to: B, count: 1 });
                lab.until(at).await;
            }
            lab.until(200).await;
            let numbers = lab.numbers(B);
            assert_eq!(numbers.len(), 50);
            assert_eq!(numbers.is_sorted(), in_order, "{numbers:?}");
        });
    }
}

#[test]
fn messages_sent_at_once_on_a_connection_arrive_at_once_and_in_order() {
    in_lab(fifo(), async |lab: &mut Lab| {
        for _ in 0..10 {
            lab.ask(A, Ask::Send { to: B, count: 8 });
            lab.cluster
                .run_until(lab.cluster.now() + Span::from_millis(7))
                .await;
        }
        lab.until(100).await;
        assert_eq!(lab.numbers(B), (1..=80).collect::<Vec<_>>());
    });
}

#[test]
fn a_cut_loses_or_holds_what_is_on_its_way_and_what_is_sent_into_it() {
    for (in_flight, heard) in [(InFlight::Lost, vec![3]), (InFlight::Held, vec![1, 2, 3])] {
        in_lab(fifo(), async move |lab: &mut Lab| {
            lab.ask(A, Ask::Send { to: B, count: 1 });
            lab.until(4).await;
            let cut = lab.inject(&Fault::Cut {
                link: link(Direction::OneWay),
                in_flight,
            });
            lab.ask(A, Ask::Send { to: B, count: 1 });
            lab.ask(B, Ask::Send { to: A, count: 1 });
            lab.until(30).await;
            assert!(lab.numbers(B).is_empty());
            assert_eq!(lab.numbers(A), [1], "it is cut one way");
            lab.lift(cut);
            lab.ask(A, Ask::Send { to: B, count: 1 });
            lab.until(60).await;
            assert_eq!(lab.numbers(B), heard);
        });
    }
}

#[test]
fn what_had_arrived_before_a_cut_falls_is_not_cut() {
    in_lab(fifo(), async |lab: &mut Lab| {
        let busy = Span::from_millis(20);
        lab.ask(
            B,
            Ask::Work {
                span: busy,
                tell: B,
            },
        );
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(10).await;
        lab.inject(&Fault::Partition {
            sides: vec![vec![A], vec![B]],
            in_flight: InFlight::Lost,
        });
        lab.until(50).await;
        let from_a = lab
            .ear
            .notes
            .iter()
            .filter(|(_, _, note)| matches!(note, Heard::Message { from, .. } if *from == A));
        assert_eq!(from_a.count(), 1);
    });
}

#[test]
fn delay_is_added_and_loss_takes_its_share() {
    in_lab(LinkSpec::datagram(five_ms()), async |lab: &mut Lab| {
        let slow = lab.inject(&Fault::Delay {
            link: link(Direction::Both),
            extra: Span::from_millis(20),
        });
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(50).await;
        assert!(is_at(lab.told(B)[0].0, 25), "{:?}", lab.told(B));
        lab.lift(slow);
        lab.inject(&Fault::Loss {
            link: link(Direction::Both),
            per_million: 500_000,
        });
        for round in 1..=100 {
            lab.ask(A, Ask::Send { to: B, count: 4 });
            lab.until(50 + round * 10).await;
        }
        lab.until(1_100).await;
        // Of 400 about 200: five standard deviations are 50.
        let arrived = lab.numbers(B).len() - 1;
        assert!((150..250).contains(&arrived), "{arrived}");
    });
}

#[test]
fn loss_on_a_connection_is_delay() {
    in_lab(fifo(), async |lab: &mut Lab| {
        lab.inject(&Fault::Loss {
            link: link(Direction::Both),
            per_million: 300_000,
        });
        lab.ask(A, Ask::Send { to: B, count: 8 });
        lab.ask(A, Ask::Send { to: B, count: 8 });
        lab.until(60_000).await;
        assert_eq!(lab.numbers(B), (1..=16).collect::<Vec<_>>());
        assert!(lab.told(B)[15].0 > ms(200), "one of 16 was lost at first");
    });
}

#[test]
fn links_jitter_and_duplicate_as_in_the_world() {
    in_lab(LinkSpec::datagram(five_ms()), async |lab: &mut Lab| {
        let jitter = lab.inject(&Fault::Jitter {
            link: link(Direction::OneWay),
            extra: Distribution::fixed(Span::from_millis(7)).unwrap(),
        });
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(30).await;
        assert!(is_at(lab.told(B)[0].0, 12), "{:?}", lab.told(B));
        lab.lift(jitter);
        lab.inject(&Fault::Duplicate {
            link: link(Direction::OneWay),
            per_million: 1_000_000,
        });
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(60).await;
        assert_eq!(lab.numbers(B), [1, 2, 2]);
    });
}

#[test]
fn a_paused_node_sleeps_without_knowing() {
    in_lab(fifo(), async |lab: &mut Lab| {
        let delays = vec![Span::from_millis(10)];
        let cancel = vec![];
        lab.ask(B, Ask::Timers { delays, cancel });
        lab.until(1).await;
        let pause = lab.inject(&Fault::Pause { node: B });
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(50).await;
        assert_eq!((lab.ticks().len(), lab.numbers(B).len()), (0, 0));
        lab.lift(pause);
        lab.until(60).await;
        assert!(is_at(lab.ticks()[0].0, 50), "{:?}", lab.ticks());
        assert_eq!(lab.numbers(B), [1]);
        assert_eq!(lab.boots().len(), 2, "it has not been restarted");
    });
}

#[test]
fn timers_fire_on_time_in_order_and_not_when_cancelled() {
    in_lab(fifo(), async |lab: &mut Lab| {
        let delays = [7, 3, 5].map(Span::from_millis).to_vec();
        let cancel = vec![2];
        lab.ask(A, Ask::Timers { delays, cancel });
        lab.until(20).await;
        let ticks = lab.ticks();
        assert_eq!(ticks.iter().map(|tick| tick.1).collect::<Vec<_>>(), [1, 0]);
        assert!(is_at(ticks[0].0, 3) && is_at(ticks[1].0, 7), "{ticks:?}");
    });
}

#[test]
fn a_drifting_clock_moves_timers_and_an_offset_only_the_wall_clock() {
    in_lab(fifo(), async |lab: &mut Lab| {
        lab.inject(&Fault::ClockDrift {
            node: A,
            ppm: 1_000_000,
        });
        let delays = vec![Span::from_millis(10)];
        let cancel = vec![];
        lab.ask(A, Ask::Timers { delays, cancel });
        lab.until(20).await;
        assert!(is_at(lab.ticks()[0].0, 5), "{:?}", lab.ticks());

        let offset = lab.inject(&Fault::ClockOffset {
            node: B,
            nanos: -5_000_000,
        });
        lab.ask(B, Ask::Clock);
        lab.until(21).await;
        lab.lift(offset);
        lab.ask(B, Ask::Clock);
        lab.until(22).await;
        let walls = lab.ear.notes.iter().filter_map(|(at, _, note)| match note {
            Heard::Wall(wall) => {
                Some(wall.since(WallTime::AT_WORLD_START).as_millis_f64() - at.as_millis_f64())
            }
            _ => None,
        });
        let off: Vec<i64> = walls.map(|off| off.round() as i64).collect();
        assert_eq!(off, [-5, 0]);
    });
}

#[test]
fn a_sync_that_was_begun_is_told_when_it_is_done() {
    in_lab(fifo(), async |lab: &mut Lab| {
        let asked = lab.ask(A, Ask::WriteLater);
        lab.until(20).await;
        assert!(is_at(lab.outcome(asked).at, 4), "{:?}", lab.outcome(asked));
    });
}

#[test]
fn what_does_not_fit_into_the_inbox_is_refused() {
    in_lab(fifo(), async |lab: &mut Lab| {
        let span = Span::from_millis(10);
        lab.ask(A, Ask::Work { span, tell: B });
        lab.until(1).await;
        for _ in 0..10 {
            lab.ask(A, Ask::Send { to: B, count: 1 });
        }
        lab.until(50).await;
        let refused = lab
            .ear
            .answers
            .iter()
            .filter(|answer| answer.outcome == Outcome::Fail(Reason::Overloaded));
        assert_eq!(refused.count(), 2, "of 10 the inbox takes 8");
        assert_eq!(lab.numbers(B).len(), 1 + 8);
    });
}

#[test]
fn a_node_that_stops_itself_stays_down_until_it_is_restarted() {
    in_lab(fifo(), async |lab: &mut Lab| {
        lab.ask(A, Ask::Halt);
        lab.until(10).await;
        assert_eq!(lab.cluster.halted(A).as_deref(), Some("stopped: asked to"));
        lab.cluster.restart(A);
        lab.until(20).await;
        assert_eq!(lab.cluster.halted(A), None);
        assert_eq!(lab.boots().len(), 3);
    });
}

#[test]
fn a_disk_that_fails_its_syncs_stops_the_node() {
    in_lab(fifo(), async |lab: &mut Lab| {
        let always = Chance {
            per_million: 1_000_000,
            count_max: None,
        };
        lab.inject(&Fault::Disk(DiskFault {
            node: A,
            files: FilePattern::any(),
            kind: DiskFaultKind::SyncErrors(always),
        }));
        lab.ask(
            A,
            Ask::Write {
                sync: true,
                tell: B,
            },
        );
        lab.until(20).await;
        assert!(lab.cluster.halted(A).is_some());
        assert!(lab.numbers(B).is_empty());
    });
}

#[test]
fn faults_that_make_no_sense_are_refused() {
    in_lab(fifo(), async |lab: &mut Lab| {
        let stranger = lab.cluster.inject(&Fault::Crash { node: NodeId(9) });
        assert_eq!(stranger, Err("there is no node n9".to_owned()));
        let operation = 0;
        let zero = Fault::CrashAtDiskOperation { node: A, operation };
        assert!(lab.cluster.inject(&zero).is_err());
        assert!(lab.cluster.lift(FaultId(5)).is_err());
    });
}
