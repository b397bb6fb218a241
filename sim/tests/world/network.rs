//! What lies between nodes: order, loss, delay, cuts.

use seedbed_sim::*;

use crate::lab::*;
use crate::probe::*;

#[test]
fn a_message_arrives_after_the_delay_of_its_link() {
    let mut lab = Lab::fifo();
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(100);
    assert_eq!(lab.ear.first_message_at(B), Some(ms(5)));
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
fn what_a_cut_holds_arrives_in_its_order_behind_it() {
    let jitter = Distribution::uniform(Span::from_millis(1), Span::from_millis(50)).unwrap();
    let mut lab = Lab::new(links(LinkSpec::fifo(jitter)));
    lab.ask(A, Ask::Send { to: B, count: 3 });
    lab.until(1);
    let cut = lab.inject(Fault::Cut {
        link: a_to_b(Direction::Both),
        in_flight: InFlight::Held,
    });
    for at in [10, 20, 30] {
        lab.until(at);
        lab.ask(A, Ask::Send { to: B, count: 2 });
    }
    lab.until(40);
    lab.lift(cut);
    // Sent after the cut, and still behind what it held.
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(500);
    assert_eq!(lab.ear.numbers_at(B), (1..=10).collect::<Vec<_>>());
    assert!(lab.ear.first_message_at(B).unwrap() > ms(40));
}

/// The first message is delayed by a second; the second is sent when the delay is over, and must not overtake it.
#[test]
fn a_connection_keeps_its_order_when_a_delay_is_lifted() {
    let mut lab = Lab::fifo();
    let delay = lab.inject(Fault::Delay {
        link: a_to_b(Direction::Both),
        extra: Span::from_millis(1_000),
    });
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(10);
    lab.lift(delay);
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(900);
    assert_eq!(lab.ear.numbers_at(B), Vec::<u32>::new());
    lab.until(2_000);
    assert_eq!(lab.ear.numbers_at(B), [1, 2]);
    assert_eq!(lab.ear.first_message_at(B), Some(ms(1_005)));
}

#[test]
fn a_held_message_is_lost_with_the_life_of_its_receiver_on_a_connection() {
    let mut lab = Lab::fifo();
    let cut = lab.inject(Fault::Cut {
        link: a_to_b(Direction::Both),
        in_flight: InFlight::Held,
    });
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(10);
    let crash = lab.inject(Fault::Crash { node: B });
    lab.lift(crash);
    lab.until(20);
    lab.lift(cut);
    lab.until(100);
    assert_eq!(lab.ear.numbers_at(B), Vec::<u32>::new());
    assert_eq!(lab.ear.drops(), [DropReason::ConnectionReset]);
}

#[test]
fn a_cut_that_loses_takes_what_another_cut_holds() {
    let mut lab = Lab::fifo();
    let link = a_to_b(Direction::Both);
    let held = lab.inject(Fault::Cut {
        link,
        in_flight: InFlight::Held,
    });
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(10);
    let lost = lab.inject(Fault::Cut {
        link,
        in_flight: InFlight::Lost,
    });
    lab.lift(lost);
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(20);
    lab.lift(held);
    lab.until(100);
    assert_eq!(lab.ear.numbers_at(B), [2]);
}

/// A delay that was 20 s for one message must not hold up the connection that a restarted receiver makes.
#[test]
fn a_new_connection_does_not_wait_behind_a_dead_one() {
    let mut lab = Lab::fifo();
    let extra = Span::from_secs(20);
    let delay = lab.inject(Fault::Delay {
        link: a_to_b(Direction::Both),
        extra,
    });
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(10);
    lab.lift(delay);
    let crash = lab.inject(Fault::Crash { node: B });
    lab.until(20);
    lab.lift(crash);
    lab.until(30);
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(100);
    assert_eq!(lab.ear.numbers_at(B), [2]);
    assert_eq!(lab.ear.first_message_at(B), Some(ms(35)));
}
