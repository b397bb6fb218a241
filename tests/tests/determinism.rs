//! One seed is one run, however it is driven.

use std::collections::BTreeSet;

use seedbed_scenarios::catalog::CATALOG;
use seedbed_scenarios::session::{Injection, Keep, Session};
use seedbed_sim::{Direction, Fault, FaultId, InFlight, Instant, LinkTarget, NodeId, Span};
use seedbed_tests::compare::{assert_same, assert_same_report, replay};
use seedbed_tests::runs::{changed, everything, node, open, open_text};

type Run = Box<dyn Session>;

const SEEDS: [u64; 3] = [1, 2, 77];

/// Calls `test` for each scenario of the catalog at each of the seeds, with a run to its end and what to print.
fn each_run(test: impl Fn(&str, u64, &Run, &str)) {
    for entry in CATALOG {
        for seed in SEEDS {
            let mut straight = open(entry.name, seed, Keep::Everything);
            straight.run_to_end();
            test(entry.name, seed, &straight, &replay(entry.name, seed));
        }
    }
}

#[test]
fn the_same_seed_twice_is_the_same_run() {
    each_run(|name, seed, straight, replay| {
        let mut again = open(name, seed, Keep::Everything);
        again.run_to_end();
        assert_same(replay, straight.as_ref(), again.as_ref());
        assert_same_report(replay, straight.as_ref(), again.as_ref());
    });
}

#[test]
fn a_run_that_keeps_only_its_digest_is_the_same() {
    each_run(|name, seed, straight, replay| {
        let mut lean = open(name, seed, Keep::Digest);
        lean.run_to_end();
        assert_same(replay, straight.as_ref(), lean.as_ref());
        assert_same_report(replay, straight.as_ref(), lean.as_ref());
    });
}

#[test]
fn stepping_counts_every_step_and_ends_where_running_ends() {
    each_run(|name, seed, straight, replay| {
        let mut stepped = open(name, seed, Keep::Everything);
        let mut steps = 0;
        while stepped.step() {
            steps += 1;
            assert_eq!(stepped.position(), steps, "{replay}");
        }
        assert_same(replay, straight.as_ref(), stepped.as_ref());
    });
}

#[test]
fn running_in_slices_stops_exactly_where_it_was_told_and_ends_the_same() {
    each_run(|name, seed, straight, replay| {
        let mut sliced = open(name, seed, Keep::Everything);
        let mut until = Instant::ZERO;
        while !sliced.is_over() {
            sliced.run_until(until);
            assert!(
                sliced.is_over() || sliced.now() == until,
                "{replay}: {until}, {}",
                sliced.now()
            );
            until += Span::from_millis(10);
        }
        assert_same(replay, straight.as_ref(), sliced.as_ref());
    });
}

#[test]
fn forks_do_not_disturb_each_other() {
    each_run(|name, seed, straight, replay| {
        let middle = straight.position() / 2;
        let mut original = open(name, seed, Keep::Everything);
        original.seek(middle);
        let mut fork = original.fork();
        assert_same(replay, original.as_ref(), fork.as_ref());
        fork.run_to_end();
        assert_eq!(original.position(), middle, "{replay}");
        original.run_to_end();
        assert_same(
            &format!("{replay}: original"),
            straight.as_ref(),
            original.as_ref(),
        );
        assert_same(&format!("{replay}: fork"), straight.as_ref(), fork.as_ref());
    });
}

#[test]
fn a_place_looks_the_same_however_one_gets_there() {
    each_run(|name, seed, straight, replay| {
        let last = straight.position();
        let mut back = straight.fork();
        for place in [last * 3 / 4, last / 2, last / 3, 1, 0] {
            let mut forward = open(name, seed, Keep::Everything);
            while forward.position() < place {
                forward.step();
            }
            back.seek(place);
            assert_same(
                &format!("{replay}: step {place}"),
                forward.as_ref(),
                back.as_ref(),
            );
            assert_same_report(replay, straight.as_ref(), back.as_ref());
        }
        back.seek(last + 1000);
        assert_same(replay, straight.as_ref(), back.as_ref());
    });
}

#[test]
fn an_instant_looks_the_same_however_one_gets_there() {
    each_run(|name, seed, straight, replay| {
        let end = straight.now().as_nanos();
        let mut back = straight.fork();
        for per_mille in [999, 750, 500, 501, 100, 0] {
            let at = Instant::from_nanos(end / 1000 * per_mille);
            let mut forward = open(name, seed, Keep::Everything);
            forward.run_until(at);
            back.seek_time(at);
            assert_eq!(back.now(), at, "{replay}");
            assert_same(&format!("{replay}: {at}"), forward.as_ref(), back.as_ref());
        }
        back.run_to_end();
        assert_same(replay, straight.as_ref(), back.as_ref());
    });
}

#[test]
fn jumping_from_anomaly_to_anomaly_ends_the_same() {
    each_run(|name, seed, straight, replay| {
        let mut jumping = open(name, seed, Keep::Everything);
        let mut found = 0;
        while jumping.run_to_anomaly() {
            found += 1;
            let anomalies = jumping.view(everything(jumping.as_ref())).anomalies;
            assert!(anomalies.len() >= found, "{replay}");
            assert_eq!(
                anomalies.last().map(|last| last.step),
                Some(jumping.position()),
                "{replay}"
            );
        }
        assert_same(replay, straight.as_ref(), jumping.as_ref());
    });
}

/// Crashes the leader a third of the way, cuts a link, lifts the crash half-way; the cut stays.
fn meddle(run: &mut Run, last: u64) -> FaultId {
    // The leader and whoever comes after it: the first follower, where there is one.
    let (leader, follower) = (NodeId(0), NodeId(1));
    run.seek(last / 3);
    let crash = run
        .inject(Injection::Inject(Fault::Crash { node: leader }))
        .unwrap();
    let link = LinkTarget {
        from: leader,
        to: follower,
        direction: Direction::Both,
    };
    run.inject(Injection::Inject(Fault::Cut {
        link,
        in_flight: InFlight::Held,
    }))
    .unwrap();
    run.run_until(run.now() + Span::from_millis(33));
    run.inject(Injection::Lift(crash)).unwrap();
    crash
}

#[test]
fn what_a_person_did_happens_again_after_going_back() {
    each_run(|name, seed, straight, replay| {
        let mut run = open(name, seed, Keep::Everything);
        meddle(&mut run, straight.position());
        let meddled = run.fork();
        run.run_to_end();
        assert_ne!(
            run.digest(),
            straight.digest(),
            "{replay}: a crash of the leader changes the run"
        );
        let end = run.fork();
        for place in [
            run.position() - 1,
            straight.position() / 3 + 1,
            straight.position() / 3,
            5,
            0,
        ] {
            run.seek(place);
            assert_eq!(run.position(), place, "{replay}");
            assert_same_report(
                &format!("{replay}: after going back to {place}"),
                end.as_ref(),
                run.as_ref(),
            );
            run.run_to_end();
            assert_same(
                &format!("{replay}: after going back to {place}"),
                end.as_ref(),
                run.as_ref(),
            );
        }
        let mut twin = open(name, seed, Keep::Everything);
        meddle(&mut twin, straight.position());
        assert_same(
            &format!("{replay}: the same deeds"),
            meddled.as_ref(),
            twin.as_ref(),
        );
    });
}

#[test]
fn what_a_person_does_after_going_back_forgets_what_they_did_later() {
    each_run(|name, seed, straight, replay| {
        let last = straight.position();
        let mut run = open(name, seed, Keep::Everything);
        meddle(&mut run, last);
        run.run_to_end();
        run.seek(last / 4);
        let third = NodeId(2);
        run.inject(Injection::Inject(Fault::Pause { node: third }))
            .unwrap();
        run.run_to_end();

        let mut only = open(name, seed, Keep::Everything);
        only.seek(last / 4);
        only.inject(Injection::Inject(Fault::Pause { node: third }))
            .unwrap();
        only.run_to_end();
        assert_same(replay, only.as_ref(), run.as_ref());
        assert_same_report(replay, only.as_ref(), run.as_ref());
    });
}

#[test]
fn ten_seeds_of_the_generated_load_are_ten_runs() {
    let digest = |seed| {
        let mut run = open("lag/generated-load", seed, Keep::Digest);
        run.run_to_end();
        run.digest()
    };
    let digests: BTreeSet<u64> = (1..=10).map(digest).collect();
    assert_eq!(digests.len(), 10);
}

/// A run once went past the instant it was told to stop at when all that was due by then turned out to be nothing (the timer of a request that
/// was answered long ago): it took the next step, however late.
#[test]
fn a_run_stops_where_it_was_told_though_a_dead_timer_was_due_before() {
    let mut run = open("ddia/5-3", 1, Keep::Everything);
    // The first request's timeout of a second is due at 1,010 ms, and only heartbeats are about then.
    let mut at = Instant::from_millis(1_000);
    while !run.is_over() && at < Instant::from_millis(1_060) {
        run.run_until(at);
        let last = run.trace().last().map(|line| line.at);
        assert!(last <= Some(at), "{last:?} lies after {at}");
        at += Span::from_micros(100);
    }
}

/// A person crashes a node at the very instant the scenario's own run ends, after waiting for it: the end of the run came
/// first, so nobody heals the crash. Going back and forward again once did it in the other order, and healed it.
#[test]
fn what_came_before_a_persons_deed_at_one_instant_comes_before_it_again() {
    let mut run = open("ddia/5-3", 1, Keep::Everything);
    let end = Instant::from_millis(1_000);
    run.run_until(end);
    let follower = node(run.as_ref(), "follower-1");
    run.inject(Injection::Inject(Fault::Crash { node: follower }))
        .unwrap();
    run.run_to_end();
    let first = run.fork();
    run.seek_time(Instant::from_millis(500));
    run.seek_time(Instant::from_millis(999));
    run.run_to_end();
    assert_same("again", first.as_ref(), run.as_ref());
    assert_same_report("again", first.as_ref(), run.as_ref());
}

/// When the run ends every fault is lifted, a step for each. A person who lifted one of them in between made the rest of
/// the healing panic, and the report spoke of a bug in the program.
#[test]
fn a_person_may_lift_a_fault_in_the_middle_of_the_healing() {
    let mut run = open("ddia/5-2", 1, Keep::Everything);
    let nodes = ["leader", "follower-1"].map(|name| node(run.as_ref(), name));
    run.run_until(Instant::from_millis(990));
    let faults = nodes.map(|node| {
        run.inject(Injection::Inject(Fault::Pause { node }))
            .unwrap()
    });
    let is_active = |run: &Run, id: FaultId| {
        let view = run.view(everything(run.as_ref()));
        view.faults
            .iter()
            .any(|fault| fault.id == Some(id) && fault.active)
    };
    while is_active(&run, faults[0]) {
        assert!(run.step());
    }
    assert!(is_active(&run, faults[1]), "the healing has only begun");
    run.inject(Injection::Lift(faults[1])).unwrap();
    run.run_to_end();
    let report = run.report();
    assert_eq!(report.warnings, Vec::<String>::new());
    assert_eq!(report.ended, "healed and settled");
}

/// A drift that the scenario has in store can make no sense together with a person's: it stays away, and the report says so.
#[test]
fn a_fault_that_a_persons_fault_makes_impossible_never_begins() {
    let drift =
        "\n[[fault]]\nat = \"500ms\"\nkind = \"clock-drift\"\nnode = \"leader\"\nppm = -600000\n";
    let text = changed("ddia/5-2", "[[link]]", &format!("{drift}\n[[link]]"));
    let mut run = open_text(&text, 1);
    let node = node(run.as_ref(), "leader");
    run.run_until(Instant::from_millis(100));
    run.inject(Injection::Inject(Fault::ClockDrift {
        node,
        ppm: -600_000,
    }))
    .unwrap();
    let report = run.report();
    assert_eq!(report.ended, "healed and settled");
    assert_eq!(report.warnings.len(), 1);
    assert!(
        report.warnings[0].contains("never began"),
        "{:?}",
        report.warnings
    );
}

/// A client without think time whose node is down is refused in no time, asks again at once, and is refused again: time
/// once stood still there, and the run was over.
#[test]
fn a_client_that_crashes_does_not_stop_the_clock() {
    let text = changed("lag/crash-catch-up", "think = \"10ms\"\n", "");
    let mut run = open_text(&text, 1);
    run.run_until(Instant::from_millis(100));
    let client = node(run.as_ref(), "client-1");
    let crash = run
        .inject(Injection::Inject(Fault::Crash { node: client }))
        .unwrap();
    run.run_until(Instant::from_millis(200));
    assert!(!run.is_over());
    run.inject(Injection::Lift(crash)).unwrap();
    let report = run.report();
    assert_eq!(report.ended, "healed and settled");
    assert!(report.operations.fail > 0, "it went on asking meanwhile");
    assert!(report.operations.fail < 1_000, "but not all the time");
}
