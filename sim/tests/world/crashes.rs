//! Crashes, halts and restarts: what dies, what was said before, what comes back.

use seedbed_sim::*;

use crate::lab::*;
use crate::probe::*;

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

/// The kill falls at 4 ms, in the sync; another crash comes at 2 ms, before the first is even visible. The earlier counts:
/// nothing of the handler has left, and the node comes back once both faults are lifted.
#[test]
fn of_a_kill_that_lies_ahead_and_a_crash_before_it_the_earlier_counts() {
    for lift_the_kill_first in [true, false] {
        let mut lab = Lab::fifo();
        // The third operation is the first after the sync.
        let kill = lab.inject(Fault::CrashAtDiskOperation {
            node: A,
            operation: 3,
        });
        lab.ask(
            A,
            Ask::WriteTwice {
                tell_between: B,
                tell_after: B,
            },
        );
        lab.until(2);
        assert_eq!(lab.world.node_state(A), NodeState::Down);
        let crash = lab.inject(Fault::Crash { node: A });
        lab.until(3);
        let (first, second) = if lift_the_kill_first {
            (kill, crash)
        } else {
            (crash, kill)
        };
        lab.lift(first);
        lab.until(6);
        assert_eq!(
            lab.world.node_state(A),
            NodeState::Down,
            "one crash is left"
        );
        lab.lift(second);
        lab.until(100);
        assert_eq!(lab.world.node_state(A), NodeState::Up);
        assert_eq!(
            lab.ear.boots(),
            [0, 0, 0],
            "the write was not durable at 2 ms"
        );
        assert_eq!(
            lab.ear.numbers_at(B),
            Vec::<u32>::new(),
            "the message after the sync never left"
        );
        assert_eq!(lab.ear.replies.len(), 1);
        assert_eq!(lab.ear.replies[0].2, Outcome::Info(Reason::ClientCrashed));
    }
}

/// The same without the second crash: the sync was done, so the write is there and what stood behind the sync has left.
#[test]
fn a_kill_after_a_sync_keeps_what_the_sync_made_durable() {
    let mut lab = Lab::fifo();
    let kill = lab.inject(Fault::CrashAtDiskOperation {
        node: A,
        operation: 3,
    });
    lab.ask(
        A,
        Ask::WriteTwice {
            tell_between: B,
            tell_after: B,
        },
    );
    lab.until(2);
    lab.lift(kill);
    lab.until(100);
    assert_eq!(lab.ear.boots(), [0, 0, 1]);
    assert_eq!(lab.ear.numbers_at(B), [1]);
    assert_eq!(lab.ear.first_message_at(B), Some(ms(9)));
}

#[test]
fn of_two_kills_that_are_armed_the_sooner_comes_first_whatever_their_order() {
    for operations in [[2, 3], [3, 2]] {
        let mut lab = Lab::fifo();
        let kills = operations
            .map(|operation| lab.inject(Fault::CrashAtDiskOperation { node: A, operation }));
        let write = || Ask::WriteTwice {
            tell_between: B,
            tell_after: B,
        };
        lab.ask(A, write());
        lab.until(10);
        let triggered: Vec<u32> = lab
            .world
            .faults()
            .iter()
            .filter_map(|active| match active.fault {
                Fault::CrashAtDiskOperation { operation, .. } if active.triggered => {
                    Some(operation)
                }
                _ => None,
            })
            .collect();
        assert_eq!(triggered, [2], "armed in the order {operations:?}");
        assert_eq!(lab.ear.numbers_at(B), Vec::<u32>::new());
        // The other one still waits, and gets the next life.
        let sooner = kills[operations.iter().position(|one| *one == 2).unwrap()];
        lab.lift(sooner);
        lab.until(20);
        assert_eq!(
            lab.world.node_state(A),
            NodeState::Down,
            "its boot has three operations"
        );
        let other = kills[operations.iter().position(|one| *one == 3).unwrap()];
        lab.lift(other);
        lab.until(30);
        assert_eq!(lab.world.node_state(A), NodeState::Up);
    }
}

fn slow_to_boot() -> Lab {
    let mut spec = links(LinkSpec::fifo(five_ms()));
    spec.nodes[0].service_time = Span::from_millis(10);
    Lab::new(spec)
}

#[test]
fn a_node_can_crash_while_it_boots() {
    let mut lab = slow_to_boot();
    lab.until(5);
    assert!(lab.ear.boots().len() <= 1, "a boots until 10 ms");
    let crash = lab.inject(Fault::Crash { node: A });
    lab.until(8);
    lab.lift(crash);
    lab.until(100);
    let boots: Vec<_> = lab
        .ear
        .notes
        .iter()
        .filter(|(_, node, note)| *node == A && matches!(note, Heard::Booted { .. }))
        .map(|(at, ..)| *at)
        .collect();
    assert_eq!(boots, [ms(18)], "the first boot never ended");
    assert_eq!(lab.world.incarnation(A), Incarnation(1));
}

#[test]
fn a_kill_that_is_armed_while_the_node_is_down_waits_for_its_boot() {
    let mut lab = Lab::fifo();
    let crash = lab.inject(Fault::Crash { node: A });
    let kill = lab.inject(Fault::CrashAtDiskOperation {
        node: A,
        operation: 1,
    });
    lab.until(5);
    lab.lift(crash);
    lab.until(10);
    assert_eq!(
        lab.world.node_state(A),
        NodeState::Down,
        "killed in its boot"
    );
    lab.lift(kill);
    lab.until(20);
    assert_eq!(lab.world.node_state(A), NodeState::Up);
    assert_eq!(lab.world.incarnation(A), Incarnation(2));
}

#[test]
fn a_pause_that_comes_while_a_node_boots_takes_hold_behind_the_boot() {
    let mut lab = slow_to_boot();
    lab.until(5);
    let pause = lab.inject(Fault::Pause { node: A });
    let request = lab.ask(A, Ask::Clock);
    lab.until(50);
    assert_eq!(lab.world.queued(A), 1, "the request waits");
    lab.lift(pause);
    lab.until(100);
    assert_eq!(lab.ear.replies.len(), 1);
    assert_eq!(
        (lab.ear.replies[0].0, lab.ear.replies[0].1),
        (ms(60), request)
    );
}

#[test]
fn a_message_that_had_left_arrives_though_its_sender_has_died() {
    let mut lab = Lab::fifo();
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(2);
    lab.inject(Fault::Crash { node: A });
    lab.until(100);
    assert_eq!(lab.ear.numbers_at(B), [1]);
    assert_eq!(lab.world.node_state(A), NodeState::Down);
}

/// A message that had arrived and waited once went without a word when its receiver crashed.
#[test]
fn what_waits_in_the_inbox_of_a_node_that_crashes_is_dropped_and_told() {
    let mut lab = Lab::fifo();
    let span = Span::from_millis(50);
    lab.ask(B, Ask::Work { span, tell: B });
    lab.ask(A, Ask::Send { to: B, count: 2 });
    lab.until(10);
    assert_eq!(lab.world.queued(B), 2);
    lab.inject(Fault::Crash { node: B });
    let (unhandled, unsent) = (DropReason::Unhandled, DropReason::Unsent);
    assert_eq!(lab.ear.drops(), [unhandled, unhandled, unsent]);
}

#[test]
fn a_node_that_crashes_before_it_boots_is_down_and_not_starting() {
    let mut world = World::new(Seed(7), links(LinkSpec::fifo(five_ms())));
    assert_eq!(world.node_state(A), NodeState::Starting);
    world.inject(Fault::Crash { node: A }, &mut ()).unwrap();
    assert_eq!(world.node_state(A), NodeState::Down);
    world.run_until(ms(10), &mut ());
    assert_eq!(world.node_state(A), NodeState::Down);
    assert_eq!(world.node_state(B), NodeState::Up);
}
