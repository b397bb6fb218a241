//! Faults of links, as settings of a link and as faults that begin and end.

use seedbed_sim::*;

use crate::lab::*;
use crate::probe::*;

const CERTAIN: u32 = 1_000_000;

fn fixed(millis: u64) -> Distribution {
    Distribution::fixed(Span::from_millis(millis)).unwrap()
}

fn datagrams() -> LinkSpec {
    LinkSpec::datagram(five_ms())
}

fn impaired(spec: LinkSpec, impairments: Impairments) -> Lab {
    Lab::new(links(LinkSpec {
        impairments,
        ..spec
    }))
}

/// Lets node A send `count` messages, one each millisecond from now on, and waits.
fn send_each_ms(lab: &mut Lab, count: u64) {
    let begin = lab.world.now().as_nanos() / 1_000_000;
    for n in 0..count {
        lab.until(begin + n);
        lab.ask(A, Ask::Send { to: B, count: 1 });
    }
    lab.until(begin + count + 100_000);
}

/// When each message reached B.
fn arrivals(lab: &Lab) -> Vec<Instant> {
    let heard = lab.ear.notes.iter().filter(|(_, node, _)| *node == B);
    let messages = heard.filter(|(_, _, note)| matches!(note, Heard::Message { .. }));
    messages.map(|(at, ..)| *at).collect()
}

#[test]
fn jitter_makes_each_message_late_by_a_time_of_its_own_in_one_direction() {
    let mut lab = Lab::new(links(datagrams()));
    let low_high = (Span::from_millis(10), Span::from_millis(50));
    let jitter = lab.inject(Fault::Jitter {
        link: a_to_b(Direction::OneWay),
        extra: Distribution::uniform(low_high.0, low_high.1).unwrap(),
    });
    send_each_ms(&mut lab, 50);
    let numbers = lab.ear.numbers_at(B);
    assert!(!numbers.is_sorted(), "nothing was overtaken: {numbers:?}");
    let at = arrivals(&lab);
    assert!(at[0] >= ms(15) && *at.last().unwrap() <= ms(49 + 55));
    let begin = lab.world.now();
    lab.ask(B, Ask::Send { to: A, count: 1 });
    lab.until(200_000);
    assert_eq!(
        lab.ear.first_message_at(A),
        Some(begin + Span::from_millis(5))
    );
    lab.lift(jitter);
    let begin = lab.world.now();
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(300_000);
    assert_eq!(arrivals(&lab).last(), Some(&(begin + Span::from_millis(5))));
}

/// A link whose delays were measured: half of the messages within 2 ms, one in a hundred later than 40 ms.
#[test]
fn a_link_delays_as_a_measured_table_says() {
    let points = [(0, 1), (500_000, 2), (990_000, 40), (1_000_000, 200)];
    let points = points.map(|(share, span)| (share, Span::from_millis(span)));
    let table = Distribution::table(points.to_vec()).unwrap();
    let mut lab = Lab::new(links(LinkSpec::datagram(table)));
    let mut late = [0; 3];
    for n in 0..400_u64 {
        let sent_at = ms(n * 1_000);
        lab.until(n * 1_000);
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(n * 1_000 + 999);
        let took = arrivals(&lab).last().unwrap().since(sent_at);
        for (index, bound) in [1, 2, 40].into_iter().enumerate() {
            late[index] += usize::from(took > Span::from_millis(bound));
        }
    }
    assert_eq!(late[0], 400);
    // Five standard deviations of a binomial with 400 trials at one half are 50; at one hundredth, 10.
    assert!((150..=250).contains(&late[1]), "{late:?}");
    assert!((1..=14).contains(&late[2]), "{late:?}");
}

#[test]
fn a_duplicated_datagram_arrives_twice_and_a_connection_drops_the_copy() {
    for (spec, expected) in [
        (datagrams(), vec![1, 1]),
        (LinkSpec::fifo(five_ms()), vec![1]),
    ] {
        let mut lab = Lab::new(links(spec.clone()));
        let duplicate = lab.inject(Fault::Duplicate {
            link: a_to_b(Direction::OneWay),
            per_million: CERTAIN,
        });
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(50);
        assert_eq!(lab.ear.numbers_at(B), expected);
        lab.lift(duplicate);
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.ask(B, Ask::Send { to: A, count: 1 });
        lab.until(100);
        assert_eq!(lab.ear.numbers_at(B), [expected.clone(), vec![2]].concat());
        assert_eq!(lab.ear.numbers_at(A), [1]);
        let own = Impairments {
            duplicate_per_million: CERTAIN,
            ..Impairments::default()
        };
        let mut lab = impaired(spec, own);
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(50);
        assert_eq!(lab.ear.numbers_at(B), expected);
    }
}

/// What a copy causes is drawn by itself: the answers to both take ways of their own.
#[test]
fn a_copy_travels_by_itself() {
    let jitter = Distribution::uniform(Span::from_millis(1), Span::from_millis(50)).unwrap();
    let own = Impairments {
        duplicate_per_million: CERTAIN,
        ..Impairments::default()
    };
    let mut lab = impaired(LinkSpec::datagram(jitter), own);
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(100);
    let at = arrivals(&lab);
    assert_eq!(at.len(), 2);
    assert_ne!(at[0], at[1]);
}

#[test]
fn a_datagram_that_is_held_back_is_overtaken_and_a_connection_waits_for_it() {
    let by = Span::from_millis(20);
    for (spec, expected) in [
        (datagrams(), vec![2, 3, 1]),
        (LinkSpec::fifo(five_ms()), vec![1, 2, 3]),
    ] {
        let mut lab = Lab::new(links(spec));
        let reorder = lab.inject(Fault::Reorder {
            link: a_to_b(Direction::OneWay),
            per_million: CERTAIN,
            by,
        });
        lab.ask(A, Ask::Send { to: B, count: 1 });
        lab.until(1);
        lab.lift(reorder);
        lab.ask(A, Ask::Send { to: B, count: 2 });
        lab.until(100);
        assert_eq!(lab.ear.numbers_at(B), expected);
        assert_eq!(arrivals(&lab).last(), Some(&ms(25)));
    }
    // As a setting of the link: about a third is held back.
    let own = Impairments {
        reorder_per_million: 333_333,
        reorder_by: by,
        ..Impairments::default()
    };
    let mut lab = impaired(datagrams(), own);
    send_each_ms(&mut lab, 100);
    let numbers = lab.ear.numbers_at(B);
    assert_eq!(numbers.len(), 100);
    assert!(!numbers.is_sorted(), "{numbers:?}");
}

#[test]
fn damage_that_a_checksum_sees_drops_a_datagram_and_delays_a_connection() {
    let corrupt = |lab: &mut Lab, per_million| {
        lab.inject(Fault::Corrupt {
            link: a_to_b(Direction::OneWay),
            per_million,
        })
    };
    let mut lab = Lab::new(links(datagrams()));
    corrupt(&mut lab, CERTAIN);
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(50);
    assert_eq!(lab.ear.numbers_at(B), Vec::<u32>::new());
    assert_eq!(lab.ear.drops(), [DropReason::Corrupted]);

    let mut lab = Lab::fifo();
    corrupt(&mut lab, 500_000);
    send_each_ms(&mut lab, 30);
    assert_eq!(lab.ear.numbers_at(B), (1..=30).collect::<Vec<_>>());
    assert!(*arrivals(&lab).last().unwrap() >= ms(205));
    // Nothing but damage: it is given up, and the trace says why.
    corrupt(&mut lab, CERTAIN);
    lab.ask(A, Ask::Send { to: B, count: 1 });
    lab.until(500_000);
    assert_eq!(lab.ear.drops(), [DropReason::Corrupted]);
}

#[test]
fn damage_that_no_checksum_sees_arrives() {
    let own = Impairments {
        corrupt_per_million: CERTAIN,
        ..Impairments::default()
    };
    for spec in [datagrams(), LinkSpec::fifo(five_ms())] {
        let mut lab = impaired(spec, own);
        lab.ask(A, Ask::SendUnchecked { to: B });
        lab.until(50);
        let numbers = lab.ear.numbers_at(B);
        assert_eq!(numbers.len(), 1);
        assert_eq!(
            (numbers[0] ^ (UNCHECKED + 1)).count_ones(),
            1,
            "{numbers:?}"
        );
        let records = &lab.ear.records;
        let damage = records.iter().find(|it| it.kind == RecordKind::Damage);
        let damage = damage.expect("the damage leaves a record");
        assert_eq!((damage.node, damage.peer), (B, A));
    }
}

/// 4 bytes at 1,000 bytes a second take 4 ms, and then the way.
#[test]
fn a_rate_lets_messages_wait_for_each_other() {
    let rate = Rate {
        bytes_per_second: 1_000,
        queue_bytes: 100,
    };
    let mut lab = Lab::new(links(datagrams()));
    let limit = lab.inject(Fault::RateLimit {
        link: a_to_b(Direction::OneWay),
        rate,
    });
    lab.ask(A, Ask::Send { to: B, count: 3 });
    lab.ask(B, Ask::Send { to: A, count: 3 });
    lab.until(100);
    assert_eq!(arrivals(&lab), [9, 13, 17].map(ms));
    assert_eq!(lab.ear.first_message_at(A), Some(ms(5)));
    lab.lift(limit);
    lab.ask(A, Ask::Send { to: B, count: 2 });
    lab.until(200);
    assert_eq!(arrivals(&lab)[3..], [105, 105].map(ms));
    // As a setting; a fault that limits less changes nothing.
    let own = Impairments {
        rate: Some(rate),
        ..Impairments::default()
    };
    let mut lab = impaired(datagrams(), own);
    lab.inject(Fault::RateLimit {
        link: a_to_b(Direction::Both),
        rate: Rate {
            bytes_per_second: 1_000_000,
            queue_bytes: 0,
        },
    });
    lab.ask(A, Ask::Send { to: B, count: 2 });
    lab.until(100);
    assert_eq!(arrivals(&lab), [9, 13].map(ms));
}

#[test]
fn a_full_queue_drops_datagrams_and_lets_a_connection_try_again() {
    let own = Impairments {
        rate: Some(Rate {
            bytes_per_second: 1_000,
            queue_bytes: 8,
        }),
        ..Impairments::default()
    };
    // One that leaves and one that waits take 8 bytes; the third finds no room.
    let mut lab = impaired(datagrams(), own);
    lab.ask(A, Ask::Send { to: B, count: 4 });
    lab.until(1_000);
    assert_eq!(lab.ear.numbers_at(B), [1, 2]);
    assert_eq!(lab.ear.drops(), [DropReason::QueueFull; 2]);
    let mut lab = impaired(LinkSpec::fifo(five_ms()), own);
    lab.ask(A, Ask::Send { to: B, count: 4 });
    lab.until(1_000);
    assert_eq!(lab.ear.numbers_at(B), [1, 2, 3, 4]);
    assert_eq!(arrivals(&lab), [9, 13, 209, 213].map(ms));
}

/// How many of 20,000 datagrams are lost at 10 %, and in how many runs.
fn losses(correlation_per_million: u32, as_fault: bool) -> (usize, usize) {
    let own = if as_fault { 0 } else { correlation_per_million };
    let spec = LinkSpec {
        loss_per_million: 100_000,
        ..datagrams()
    };
    let mut lab = impaired(
        spec,
        Impairments {
            correlation_per_million: own,
            ..Impairments::default()
        },
    );
    if as_fault {
        lab.inject(Fault::Bursts {
            link: a_to_b(Direction::Both),
            correlation_per_million,
        });
    }
    send_each_ms(&mut lab, 20_000);
    let mut lost = vec![true; 20_001];
    for number in lab.ear.numbers_at(B) {
        lost[number as usize] = false;
    }
    let count = lost[1..].iter().filter(|it| **it).count();
    let runs = lost[1..].chunk_by(|a, b| a == b).filter(|run| run[0]);
    (count, runs.count())
}

#[test]
fn correlated_losses_come_in_bursts_and_are_as_many() {
    for (correlation, as_fault) in [
        (0, false),
        (250_000, false),
        (750_000, false),
        (750_000, true),
    ] {
        let (count, runs) = losses(correlation, as_fault);
        // A burst's mean length is 1 / ((1 - correlation) (1 - chance)).
        let expected = 1.0 / ((1.0 - f64::from(correlation) / 1e6) * 0.9);
        let mean = count as f64 / runs as f64;
        assert!(
            (mean / expected - 1.0).abs() < 0.08,
            "{correlation}: {mean}, not {expected}"
        );
        // The deviation of the count grows by √((1 + ρ) / (1 - ρ)): 42 without, 112 at 75 %; five of them.
        assert!(
            count.abs_diff(2_000) < 560,
            "{correlation}: {count} of 20,000"
        );
    }
    assert_eq!(losses(750_000, false), losses(750_000, true));
}

/// The line's memory is part of the world: a fork goes on as its original does.
#[test]
fn a_fork_remembers_the_line() {
    let own = Impairments {
        correlation_per_million: 900_000,
        rate: Some(Rate {
            bytes_per_second: 2_000,
            queue_bytes: 64,
        }),
        ..Impairments::default()
    };
    let spec = LinkSpec {
        loss_per_million: 300_000,
        ..datagrams()
    };
    let mut lab = impaired(spec, own);
    for _ in 0..20 {
        lab.ask(A, Ask::Send { to: B, count: 1 });
    }
    let mut fork = Lab {
        world: lab.world.clone(),
        ear: lab.ear.clone(),
        asked: lab.asked,
    };
    send_each_ms(&mut lab, 200);
    send_each_ms(&mut fork, 200);
    assert_eq!(lab.world.trace().digest(), fork.world.trace().digest());
    assert_eq!(arrivals(&lab), arrivals(&fork));
}

/// A world whose links have nothing wrong with them and one whose faults strike another link do the same.
#[test]
fn faults_elsewhere_do_not_change_what_a_link_draws() {
    let jitter = Distribution::log_normal(Span::from_millis(5), 0.7).unwrap();
    let spec = LinkSpec {
        loss_per_million: 200_000,
        ..LinkSpec::fifo(jitter)
    };
    let mut plain = Lab::new(links(spec.clone()));
    let mut struck = Lab::new(links(spec));
    for fault in [
        Fault::Jitter {
            link: LinkTarget {
                from: B,
                to: A,
                direction: Direction::OneWay,
            },
            extra: fixed(7),
        },
        Fault::Bursts {
            link: LinkTarget {
                from: B,
                to: A,
                direction: Direction::OneWay,
            },
            correlation_per_million: 500_000,
        },
    ] {
        struck.inject(fault);
    }
    send_each_ms(&mut plain, 100);
    send_each_ms(&mut struck, 100);
    assert_eq!(arrivals(&plain), arrivals(&struck));
}

#[test]
fn link_faults_with_impossible_numbers_are_refused() {
    let mut lab = Lab::fifo();
    let link = a_to_b(Direction::Both);
    let per_million = CERTAIN + 1;
    let by = Span::from_millis(1);
    let refused = [
        Fault::Duplicate { link, per_million },
        Fault::Corrupt { link, per_million },
        Fault::Reorder {
            link,
            per_million,
            by,
        },
        Fault::Bursts {
            link,
            correlation_per_million: per_million,
        },
    ];
    for fault in refused {
        let error = lab.world.inject(fault, &mut ()).unwrap_err();
        assert_eq!(error, FaultError::ChanceTooHigh(per_million));
    }
    let rate = Rate {
        bytes_per_second: 0,
        queue_bytes: 1,
    };
    let error = lab.world.inject(Fault::RateLimit { link, rate }, &mut ());
    assert_eq!(error.unwrap_err(), FaultError::RateZero);
    assert_eq!(lab.world.faults(), []);
}
