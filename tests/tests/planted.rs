//! A checker that has never caught anything may be blind: for each there is a bug, planted in the replicas on purpose, that
//! it must catch within a stated number of seeds. Without the bug the same scenarios must pass at all of them.

use seedbed_protocols::replication::single_leader::Planted;
use seedbed_scenarios::report::Report;
use seedbed_scenarios::session::{Keep, open_planted};
use seedbed_sim::Seed;
use seedbed_tests::runs::parse;

/// Each scenario begins with this: a leader and two followers, one of them slower, whose disks take their time to sync.
const CLUSTER: &str = r#"
schema = 1
title = "A cluster in which something goes wrong"
duration = "1s"
settle = "5s"

[cluster]
protocol = "single-leader"
replicas = 3
engine = "log"
routing = "ROUTING"
client_timeout = "100ms"
disk = { read = "20us", write = "2us", sync = "3ms" }

[network]
delay = { distribution = "exponential", mean = "500us", plus = "300us" }

[[link]]
from = "leader"
to = "follower-2"
delay = { distribution = "uniform", low = "10ms", high = "30ms" }

[[load]]
name = "client"
kind = "closed"
clients = 6
think = "2ms"
keys = { count = KEYS, distribution = "uniform" }
reads_percent = 50
end = "900ms"
"#;

/// A bug, the scenario that brings it out, and the checker that has to see it.
struct Case {
    planted: Planted,
    routing: &'static str,
    keys: u32,
    fault: &'static str,
    check: &'static str,
    /// The bug must be caught at one of the seeds from 1 to this one.
    within_seeds: u64,
}

/// Without the bug, every check holds at so many seeds.
const HEALTHY_SEEDS: u64 = 40;

impl Case {
    fn run(&self, seed: u64, planted: Planted) -> Report {
        let cluster = CLUSTER
            .replace("ROUTING", self.routing)
            .replace("KEYS", &self.keys.to_string());
        let scenario = parse(&format!("{cluster}\n{}", self.fault));
        open_planted("planted", scenario, Seed(seed), Keep::Digest, planted).report()
    }

    fn is_caught(&self, report: &Report) -> bool {
        let mut verdicts = report.verdicts.iter();
        let verdict = verdicts.find(|verdict| verdict.check == self.check);
        verdict.expect("a verdict of each check").holds == Some(false)
    }

    fn holds_up(&self) {
        for seed in 1..=HEALTHY_SEEDS {
            let report = self.run(seed, Planted::Nothing);
            for verdict in report.verdicts.iter().filter(|verdict| {
                // Who reads at a follower that lags does not always find their own writes.
                verdict.check != "read-your-writes-in-real-time" || self.routing == "leader"
            }) {
                assert_eq!(
                    verdict.holds,
                    Some(true),
                    "{} without a bug, in the scenario for {:?}, seed {seed}; \
                     cargo test -p seedbed-tests --test planted\n{}",
                    verdict.check,
                    self.planted,
                    report.to_text()
                );
            }
        }
        let mut reports = (1..=self.within_seeds).map(|seed| self.run(seed, self.planted));
        let caught = reports.find(|report| self.is_caught(report));
        let caught = caught.unwrap_or_else(|| {
            panic!(
                "{} did not catch {:?} within {} seeds; \
                 cargo test -p seedbed-tests --test planted",
                self.check, self.planted, self.within_seeds
            )
        });
        let mut verdicts = caught.verdicts.iter();
        let verdict = verdicts.find(|verdict| verdict.check == self.check);
        let story = &verdict.expect("it was there").story;
        assert!(
            story.len() >= 2,
            "a violation is told as a story: {story:?}"
        );
    }
}

#[test]
fn durability_catches_a_leader_that_acknowledges_before_its_sync() {
    Case {
        planted: Planted::AckBeforeSync,
        routing: "leader",
        keys: 5_000,
        fault: "[[fault]]\nat = \"500ms\"\nuntil = \"600ms\"\nkind = \"crash\"\nnode = \"leader\"",
        check: "durability",
        within_seeds: 3,
    }
    .holds_up();
}

/// The same bug, where a timed crash would need luck: the disk is quick, and the node dies between the two lines that the
/// bug has swapped.
#[test]
fn durability_catches_it_at_the_very_disk_operation() {
    Case {
        planted: Planted::AckBeforeSync,
        routing: "leader",
        keys: 5_000,
        fault: "[[fault]]\nat = \"500ms\"\nuntil = \"600ms\"\nkind = \"crash-at-disk-operation\"\nnode = \"leader\"\noperation = 2",
        check: "durability",
        within_seeds: 10,
    }
    .holds_up();
}

#[test]
fn convergence_catches_a_follower_that_skips_an_entry_when_it_reconnects() {
    Case {
        planted: Planted::SkipEntryAfterReconnect,
        routing: "leader",
        keys: 5_000,
        fault: "[[fault]]\nat = \"500ms\"\nuntil = \"600ms\"\nkind = \"crash\"\nnode = \"follower-1\"",
        check: "convergence",
        within_seeds: 3,
    }
    .holds_up();
}

#[test]
fn read_your_writes_catches_a_leader_that_reads_from_an_old_snapshot() {
    Case {
        planted: Planted::StaleLeaderReads,
        routing: "leader",
        keys: 5,
        fault: "",
        check: "read-your-writes-in-real-time",
        within_seeds: 1,
    }
    .holds_up();
}

#[test]
fn monotonic_reads_catches_a_follower_that_answers_before_it_has_replayed_its_log() {
    Case {
        planted: Planted::ServeBeforeReplay,
        routing: "sticky-follower",
        keys: 5,
        fault: "[[fault]]\nat = \"500ms\"\nuntil = \"520ms\"\nkind = \"crash\"\nnode = \"follower-1\"\n\
                [[fault]]\nat = \"500ms\"\nuntil = \"520ms\"\nkind = \"crash\"\nnode = \"follower-2\"",
        check: "monotonic-reads-in-real-time",
        within_seeds: 3,
    }
    .holds_up();
}
