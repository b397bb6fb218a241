//! A node by itself: its handlers, its inbox, its timers and clocks, and pauses.

use seedbed_sim::*;

use crate::lab::*;
use crate::probe::*;

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
fn the_inbox_is_bounded_while_its_node_is_paused_too() {
    let mut lab = Lab::fifo();
    let pause = lab.inject(Fault::Pause { node: B });
    lab.ask(A, Ask::Send { to: B, count: 10 });
    lab.until(50);
    assert_eq!(lab.world.queued(B), 8);
    assert_eq!(lab.ear.drops(), [DropReason::InboxFull; 2]);
    let refused = lab.ask(B, Ask::Clock);
    lab.until(60);
    assert_eq!(
        lab.ear.replies.last().unwrap(),
        &(ms(50), refused, Outcome::Fail(Reason::Overloaded))
    );
    lab.lift(pause);
    lab.until(100);
    assert_eq!(lab.ear.numbers_at(B), (1..=8).collect::<Vec<_>>());
    assert_eq!(lab.world.queued(B), 0);
}

/// Hears when handlers ran and when messages waited for one.
#[derive(Default)]
struct Stopwatch {
    handled: Vec<(NodeId, Instant, Instant)>,
    waited: Vec<(NodeId, Instant)>,
}

impl Observer<Probe> for Stopwatch {
    fn on_wait(&mut self, receiver: NodeId, sent: EventId, at: Instant) {
        assert_ne!(sent, EventId::OUTSIDE, "a message was sent by somebody");
        self.waited.push((receiver, at));
    }
    fn on_handled(&mut self, event: EventId, node: NodeId, at: Instant, ends_at: Instant) {
        assert_ne!(event, EventId::OUTSIDE, "a handler is called for something");
        self.handled.push((node, at, ends_at));
    }
}

#[test]
fn an_observer_hears_how_long_handlers_took_and_what_waited_for_them() {
    let mut world = World::new(Seed(7), links(LinkSpec::fifo(five_ms())));
    let mut watch = Stopwatch::default();
    world.run_until(ms(0), &mut watch);
    watch.handled.clear();
    let span = Span::from_millis(10);
    let path = |n| PathKey::of_name("test", n);
    world.invoke(B, Ask::Work { span, tell: A }, path(1), &mut watch);
    world.invoke(A, Ask::Send { to: B, count: 2 }, path(2), &mut watch);
    world.run_until(ms(9), &mut watch);
    assert_eq!(
        watch.waited,
        [(B, ms(5)); 2],
        "both come while B works, and a request in an inbox is no message"
    );
    world.run_until(ms(100), &mut watch);
    let (work, quick) = ((B, ms(0), ms(10)), |node, at| (node, ms(at), ms(at)));
    assert_eq!(
        watch.handled,
        [work, quick(A, 0), quick(B, 10), quick(B, 10), quick(A, 15)]
    );
}
