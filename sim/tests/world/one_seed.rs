//! One seed is one run.

use seedbed_sim::*;

use crate::lab::*;
use crate::probe::*;

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
        (1252, 0x1eb6_d6aa_f181_7cab)
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
fn the_world_says_why_it_went_no_further() {
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

#[test]
fn the_world_says_when_time_stands_still() {
    let at_once = LinkSpec::fifo(Distribution::fixed(Span::ZERO).unwrap());
    let mut world = World::new(
        Seed(7),
        WorldSpec {
            trace: TraceLevel::Off,
            ..links(at_once)
        },
    );
    let many = Ask::Send {
        to: B,
        count: 1_100_000,
    };
    world.invoke(A, many, PathKey::of_name("test", 0), &mut ());
    assert_eq!(world.run_until(ms(5), &mut ()), Stop::TimeStandsStill);
    assert_eq!(world.now(), Instant::ZERO);
    assert!(world.time_stands_still());
}
