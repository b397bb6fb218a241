//! Faults of nodes, and of who belongs to the cluster.

use seedbed_sim::*;

use crate::lab::*;
use crate::probe::*;

fn crash_after_send(node: NodeId, message: Option<&'static str>, number: u32) -> Fault {
    Fault::CrashAfterSend {
        node,
        message: message.map(Kind),
        number,
    }
}

#[test]
fn a_crash_after_a_send_lets_that_message_out_and_nothing_behind_it() {
    let mut lab = Lab::fifo();
    let fault = lab.inject(crash_after_send(A, Some("told"), 2));
    lab.ask(A, Ask::Send { to: B, count: 3 });
    lab.until(50);
    assert_eq!(lab.ear.numbers_at(B), [1, 2]);
    assert_eq!(lab.world.node_state(A), NodeState::Down);
    assert!(lab.world.faults()[0].triggered);
    let (_, _, outcome) = lab.ear.replies.last().unwrap();
    assert_eq!(*outcome, Outcome::Info(Reason::ClientCrashed));
    lab.lift(fault);
    lab.until(60);
    assert_eq!(lab.world.node_state(A), NodeState::Up);
}

/// The handler writes, syncs, tells, writes, tells. After the first word the node is gone: the second write is not on the
/// disk, and takes no time.
#[test]
fn after_a_crash_at_a_send_no_disk_operation_happens() {
    let mut lab = Lab::fifo();
    let fault = lab.inject(crash_after_send(A, None, 1));
    let (tell_between, tell_after) = (B, B);
    lab.ask(
        A,
        Ask::WriteTwice {
            tell_between,
            tell_after,
        },
    );
    lab.until(50);
    assert_eq!(lab.ear.numbers_at(B), [1]);
    let records = &lab.ear.records;
    let crash = records.iter().find(|it| it.kind == RecordKind::Crash);
    // The sync of one KiB takes 4 ms; the crash comes with it, and so does the message.
    assert_eq!(crash.unwrap().detail, ms(4).as_nanos());
    assert_eq!(lab.ear.first_message_at(B), Some(ms(9)));
    lab.lift(fault);
    lab.until(60);
    assert_eq!(lab.ear.boots(), [0, 0, 1]);
}

#[test]
fn a_crash_after_the_kth_note_waits_for_it_over_handlers_and_lives() {
    let mut lab = Lab::fifo();
    let fault = lab.inject(Fault::CrashAfterNote {
        node: B,
        note: Some(Kind("heard")),
        number: 2,
    });
    let other = lab.inject(Fault::CrashAfterNote {
        node: B,
        note: Some(Kind("no-such-note")),
        number: 1,
    });
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(10);
    assert_eq!(lab.world.node_state(B), NodeState::Up);
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(20);
    assert_eq!(lab.ear.numbers_at(B), [1, 2]);
    assert_eq!(lab.world.node_state(B), NodeState::Down);
    let active =
        |lab: &Lab| -> Vec<bool> { lab.world.faults().iter().map(|it| it.triggered).collect() };
    assert_eq!(active(&lab), [true, false]);
    lab.lift(fault);
    lab.lift(other);
    lab.until(30);
    lab.ask(A, Ask::Send { to: B, count: 3 });
    lab.until(50);
    assert_eq!(lab.world.node_state(B), NodeState::Up);
    assert_eq!(lab.ear.numbers_at(B), [1, 2, 3, 4, 5]);
}

#[test]
fn a_trap_forks_with_the_world_and_can_be_taken_back() {
    let mut lab = Lab::fifo();
    let fault = lab.inject(crash_after_send(A, Some("told"), 2));
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(10);
    let mut fork = Lab {
        world: lab.world.clone(),
        ear: lab.ear.clone(),
        asked: lab.asked,
    };
    lab.lift(fault);
    for (lab, state) in [(&mut lab, NodeState::Up), (&mut fork, NodeState::Down)] {
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(30);
        assert_eq!(lab.world.node_state(A), state);
    }
}

#[test]
fn a_slow_node_takes_so_many_times_as_long() {
    let mut spec = links(LinkSpec::fifo(five_ms()));
    spec.nodes[1].service_time = Span::from_millis(2);
    let mut lab = Lab::new(spec);
    lab.until(10);
    let slow = lab.inject(Fault::Slow { node: B, factor: 5 });
    let slower = lab.inject(Fault::Slow { node: B, factor: 3 });
    lab.ask(A, Ask::Send { to: B, count: 2 });
    lab.until(100);
    // Notes are made after the service time: 30 ms each.
    let heard: Vec<Instant> = lab.ear.notes.iter().map(|(at, ..)| *at).collect();
    assert_eq!(heard[2..], [10 + 5 + 30, 10 + 5 + 60].map(ms));
    lab.lift(slower);
    lab.lift(slow);
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(200);
    assert_eq!(lab.ear.notes.last().unwrap().0, ms(107));
}

#[test]
fn a_site_goes_down_and_comes_back_together() {
    let mut spec = links(LinkSpec::fifo(five_ms()));
    spec.nodes.push(node("c"));
    let c = NodeId(2);
    let mut lab = Lab::new(spec);
    let site = lab.inject(Fault::SiteDown { nodes: vec![A, B] });
    let states = |lab: &Lab| [A, B, c].map(|id| lab.world.node_state(id));
    assert_eq!(
        states(&lab),
        [NodeState::Down, NodeState::Down, NodeState::Up]
    );
    let crash = lab.inject(Fault::Crash { node: B });
    lab.lift(site);
    lab.until(10);
    assert_eq!(
        states(&lab),
        [NodeState::Up, NodeState::Down, NodeState::Up]
    );
    lab.lift(crash);
    lab.until(20);
    assert_eq!(states(&lab), [NodeState::Up; 3]);
}

/// With the disk the node finds what it had synced; without, nothing.
#[test]
fn a_node_that_is_replaced_boots_with_an_empty_disk() {
    for (fault, expected) in [
        (Fault::Crash { node: A }, vec![0, 0, 1]),
        (Fault::Replace { node: A }, vec![0, 0, 0]),
    ] {
        let mut lab = Lab::fifo();
        lab.ask(
            A,
            Ask::Write {
                sync: true,
                tell: B,
            },
        );
        lab.until(20);
        let fault = lab.inject(fault);
        assert_eq!(lab.world.node_state(A), NodeState::Down);
        lab.until(30);
        lab.lift(fault);
        lab.until(40);
        assert_eq!(lab.ear.boots(), expected);
        assert_eq!(lab.world.node_state(A), NodeState::Up);
    }
}

#[test]
fn a_node_that_joins_later_is_absent_until_then_and_one_that_left_brings_its_disk() {
    let mut world = World::new(Seed(7), links(LinkSpec::fifo(five_ms())));
    let mut ear = Ear::default();
    let absent = world.inject(Fault::Leave { node: B }, &mut ear).unwrap();
    let mut lab = Lab {
        world,
        ear,
        asked: 0,
    };
    lab.until(1);
    assert_eq!(lab.world.node_state(B), NodeState::Absent);
    assert_eq!(lab.ear.boots(), [0]);
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(10);
    assert_eq!(lab.ear.drops(), [DropReason::ReceiverDown]);
    lab.lift(absent);
    lab.until(20);
    assert_eq!(lab.world.node_state(B), NodeState::Up);
    lab.ask(
        B,
        Ask::Write {
            sync: true,
            tell: A,
        },
    );
    lab.until(40);
    let left = lab.inject(Fault::Leave { node: B });
    assert_eq!(lab.world.node_state(B), NodeState::Absent);
    lab.until(50);
    lab.lift(left);
    lab.until(60);
    assert_eq!(lab.ear.boots(), [0, 0, 1]);
}

#[test]
fn faults_of_nodes_with_impossible_numbers_are_refused() {
    let mut lab = Lab::fifo();
    let mut refused = |fault| lab.world.inject(fault, &mut ()).unwrap_err();
    assert_eq!(
        refused(crash_after_send(A, None, 0)),
        FaultError::NumberZero
    );
    assert_eq!(
        refused(Fault::Slow { node: A, factor: 0 }),
        FaultError::FactorZero
    );
    let strobe = Fault::ClockStrobe {
        node: A,
        nanos: 1,
        every: Span::ZERO,
    };
    assert_eq!(refused(strobe), FaultError::StrobeZero);
    let nobody = NodeId(9);
    let site = Fault::SiteDown {
        nodes: vec![A, nobody],
    };
    assert_eq!(refused(site), FaultError::NoSuchNode(nobody, 2));
    assert_eq!(lab.world.faults(), []);
}
