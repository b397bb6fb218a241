//! The fate of single messages, named by what they are.

use seedbed_sim::*;

use crate::lab::{A, B, Lab, a_to_b, five_ms, links, ms};
use crate::probe::{Ask, Heard};

fn told(number: u32) -> MessageName {
    MessageName {
        from: A,
        to: B,
        kind: Kind("told"),
        after: Instant::ZERO,
        number,
    }
}

fn fate(number: u32, fate: MessageFate) -> ScheduledMessage {
    let message = told(number);
    ScheduledMessage { message, fate }
}

fn datagrams() -> WorldSpec<crate::probe::Probe> {
    links(LinkSpec::datagram(five_ms()))
}

/// When b heard which number.
fn heard(lab: &Lab) -> Vec<(Instant, u32)> {
    let at_b = lab.ear.notes.iter().filter(|(_, node, _)| *node == B);
    at_b.filter_map(|(at, _, note)| match note {
        Heard::Message { number, .. } => Some((*at, *number)),
        _ => None,
    })
    .collect()
}

/// Five messages from a to b, all at once, under a schedule.
fn five(spec: WorldSpec<crate::probe::Probe>, schedule: &[ScheduledMessage]) -> Lab {
    let mut lab = Lab::new(spec);
    lab.world.schedule(schedule);
    lab.ask(A, Ask::Send { to: B, count: 5 });
    lab.until(10_000);
    lab
}

#[test]
fn a_message_named_by_its_number_travels_as_long_as_it_is_told() {
    let late = fate(3, MessageFate::Delay(Span::from_millis(70)));
    let soon = fate(5, MessageFate::Delay(Span::from_millis(1)));
    let lab = five(datagrams(), &[late, soon]);
    let expected = [(1, 5), (5, 1), (5, 2), (5, 4), (70, 3)];
    assert_eq!(heard(&lab), expected.map(|(at, number)| (ms(at), number)));
}

#[test]
fn what_follows_a_late_message_on_a_connection_waits_behind_it() {
    let late = fate(3, MessageFate::Delay(Span::from_millis(70)));
    let lab = five(links(LinkSpec::fifo(five_ms())), &[late]);
    let expected = [(5, 1), (5, 2), (70, 3), (70, 4), (70, 5)];
    assert_eq!(heard(&lab), expected.map(|(at, number)| (ms(at), number)));
}

#[test]
fn a_message_that_is_to_be_lost_is_lost_even_on_a_connection_and_no_other_is() {
    let lab = five(
        links(LinkSpec::fifo(five_ms())),
        &[fate(2, MessageFate::Lose)],
    );
    assert_eq!(lab.ear.numbers_at(B), [1, 3, 4, 5]);
    assert_eq!(lab.ear.drops(), [DropReason::Loss]);
}

#[test]
fn a_message_that_is_held_comes_at_its_instant_and_one_that_is_late_anyway_then() {
    let spec = links(LinkSpec {
        loss_per_million: 1_000_000,
        ..LinkSpec::datagram(five_ms())
    });
    let held = fate(4, MessageFate::HoldUntil(ms(40)));
    assert_eq!(
        heard(&five(spec, &[held])),
        [(ms(40), 4)],
        "though the link loses all"
    );
    let early = fate(4, MessageFate::HoldUntil(ms(2)));
    let lab = five(datagrams(), &[early]);
    assert!(heard(&lab).contains(&(ms(5), 4)));
}

#[test]
fn a_duplicate_comes_twice_by_one_sending() {
    let twice = fate(2, MessageFate::Duplicate(Span::from_millis(30)));
    let lab = five(datagrams(), &[twice]);
    let twos: Vec<Instant> = heard(&lab)
        .into_iter()
        .filter_map(|(at, number)| (number == 2).then_some(at))
        .collect();
    assert_eq!(twos, [ms(5), ms(35)]);
    let records = lab.ear.records.iter();
    let sends = records.filter(|record| record.kind == RecordKind::Send);
    assert_eq!(sends.count(), 5);
}

#[test]
fn counting_can_begin_later_in_the_run() {
    let mut lab = Lab::new(datagrams());
    let mut name = told(2);
    name.after = ms(100);
    let fate = MessageFate::Lose;
    let message = name;
    lab.world.schedule(&[ScheduledMessage { message, fate }]);
    lab.ask(A, Ask::Send { to: B, count: 3 });
    lab.until(100);
    lab.ask(A, Ask::Send { to: B, count: 3 });
    lab.until(10_000);
    assert_eq!(
        lab.ear.numbers_at(B),
        [1, 2, 3, 4, 6],
        "the second after 100 ms"
    );
}

#[test]
fn another_kind_another_link_and_the_other_way_are_other_messages() {
    let mut names = [told(1); 3];
    names[0].kind = Kind("tell");
    (names[1].from, names[1].to) = (B, A);
    names[2].to = A;
    let fate = MessageFate::Lose;
    let schedule = names.map(|message| ScheduledMessage { message, fate });
    let lab = five(datagrams(), &schedule);
    assert_eq!(lab.ear.numbers_at(B), [1, 2, 3, 4, 5]);
}

#[test]
fn a_schedule_does_not_overrule_a_cut() {
    let mut lab = Lab::new(datagrams());
    lab.world
        .schedule(&[fate(1, MessageFate::Delay(Span::from_millis(1)))]);
    let link = a_to_b(Direction::OneWay);
    let in_flight = InFlight::Lost;
    lab.inject(Fault::Cut { link, in_flight });
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(10_000);
    assert_eq!(lab.ear.drops(), [DropReason::Cut]);
}

/// What is written down of a drawn run, given to a run of another seed as its schedule, makes the same deliveries of it.
#[test]
fn a_log_of_messages_is_a_schedule_that_repeats_the_run_under_any_seed() {
    let drawn = links(LinkSpec {
        loss_per_million: 200_000,
        ..LinkSpec::datagram(Distribution::exponential(Span::from_millis(20)).unwrap())
    });
    let run = |seed, schedule: &[ScheduledMessage]| {
        let mut lab = Lab::new(drawn.clone());
        lab.world = World::new(Seed(seed), drawn.clone());
        lab.world.log_messages();
        lab.world.schedule(schedule);
        lab.ear = crate::probe::Ear::default();
        lab.until(0);
        for _ in 0..10 {
            lab.ask(A, Ask::Send { to: B, count: 10 });
        }
        lab.until(10_000);
        lab
    };
    let first = run(1, &[]);
    let log = first.world.messages().expect("it was asked for");
    assert_eq!(log.len(), 100);
    let as_schedule = |sent: &MessageSent| ScheduledMessage {
        message: sent.name,
        fate: match sent.travels {
            Some(span) => MessageFate::Delay(span),
            None => MessageFate::Lose,
        },
    };
    let schedule: Vec<_> = log.iter().map(as_schedule).collect();
    assert!(schedule.iter().any(|it| it.fate == MessageFate::Lose));
    let other = run(2, &[]);
    assert_ne!(heard(&other), heard(&first), "another seed is another run");
    assert_eq!(heard(&run(2, &schedule)), heard(&first));
}

#[test]
fn a_schedule_that_names_no_message_of_the_run_changes_nothing() {
    let digest = |schedule: &[ScheduledMessage]| five(datagrams(), schedule).world.trace().digest();
    assert_eq!(digest(&[]), digest(&[fate(6, MessageFate::Lose)]));
    assert_ne!(digest(&[]), digest(&[fate(5, MessageFate::Lose)]));
}

#[test]
#[should_panic(expected = "counted from 1")]
fn there_is_no_message_0() {
    five(datagrams(), &[fate(0, MessageFate::Lose)]);
}
