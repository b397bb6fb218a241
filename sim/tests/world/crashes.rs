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
