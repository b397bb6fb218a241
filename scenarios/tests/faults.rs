//! Faults that need to know the protocol, or that the protocol must get over.

use seedbed_scenarios::file;
use seedbed_scenarios::report::Report;
use seedbed_scenarios::session::{self, Keep};
use seedbed_sim::Seed;

fn report(fault: &str) -> Report {
    let text = format!(
        r#"
schema = 1
title = "Faults of a cluster"
duration = "1s"
[cluster]
protocol = "single-leader"
replicas = 3
leader = "follower-1"
[[load]]
name = "writers"
kind = "closed"
clients = 2
think = "5ms"
reads_percent = 0
{fault}
[[expect]]
check = "convergence"
verdict = "holds"
"#
    );
    let scenario = file::parse("faults.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
    session::open("faults", scenario, Seed(3), Keep::Digest).report()
}

/// What the report says of the scenario's one fault.
fn told(report: &Report) -> &str {
    assert_eq!(report.faults.len(), 1);
    &report.faults[0].fault
}

#[test]
fn the_leader_alone_is_whoever_leads_when_the_fault_begins() {
    let report = report(
        "[[fault]]\nat = \"200ms\"\nuntil = \"600ms\"\nkind = \"partition\"\nshape = \"leaders\"",
    );
    assert_eq!(told(&report), "partition follower-1 | leader, follower-2");
    assert!(report.expectations_hold());
}

/// A follower whose disk is gone has to get the whole log again, and a node that joins late gets all of it for the first
/// time.
#[test]
fn a_follower_with_an_empty_disk_catches_up_from_the_beginning_of_the_log() {
    for fault in [
        "[[fault]]\nat = \"300ms\"\nuntil = \"600ms\"\nkind = \"replace\"\nnode = \"leader\"",
        "[[fault]]\nat = \"500ms\"\nkind = \"join\"\nnode = \"leader\"",
        "[[fault]]\nat = \"300ms\"\nuntil = \"600ms\"\nkind = \"leave\"\nnode = \"follower-2\"",
    ] {
        let report = report(fault);
        assert!(!told(&report).is_empty());
        assert!(report.expectations_hold(), "{fault}");
    }
}

/// The leader is the one who must not lose its disk: what it alone had, or what others still hope to get from it, is gone.
#[test]
fn a_leader_with_an_empty_disk_loses_what_it_acknowledged() {
    let report = report(
        "[[fault]]\nat = \"500ms\"\nuntil = \"600ms\"\nkind = \"replace\"\nnode = \"follower-1\"",
    );
    let mut verdicts = report.verdicts.iter();
    let durability = verdicts.find(|verdict| verdict.check == "durability");
    assert_ne!(durability.expect("it is judged").holds, Some(true));
}
