//! Random clusters, loads and faults: whatever is drawn, the protocol keeps what it promises.
//!
//! Asynchronous single-leader replication without failover promises little, but that always: what was acknowledged is on
//! the leader's disk for good; healed and at rest all replicas are alike; who reads at the leader reads their own writes;
//! and who reads at one place never goes back in time.

use std::fmt::Write as _;

use seedbed_protocols::replication::single_leader::Planted;
use seedbed_scenarios::report::Report;
use seedbed_scenarios::session::{self, Keep};
use seedbed_sim::{Seed, Stream};
use seedbed_tests::runs::parse;

const SEEDS: std::ops::RangeInclusive<u64> = 1..=300;
const REPLICAS: [&str; 3] = ["leader", "follower-1", "follower-2"];

/// Draws from a stream of its own, by name, so that a seed gives the same scenario for as long as streams do.
struct Draw(Stream);

impl Draw {
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.0.below(high - low + 1)
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        self.0.pick(of).expect("there is something to draw from")
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.0.below(100) < percent
    }
}

/// The text of a scenario file, which can be saved and explored when something is wrong.
fn scenario(seed: u64) -> String {
    let mut draw = Draw(Stream::named(Seed(seed), "swarm"));
    let routing = draw.one_of(&["leader", "sticky-follower"]);
    let engine = draw.one_of(&["log", "memory"]);
    let kind = draw.one_of(&["fifo", "fifo", "datagram"]);
    let mean = draw.between(100, 20_000);
    let loss = draw.one_of(&["0", "0", "5000", "50000"]);
    let sync = draw.one_of(&["0us", "200us", "5ms"]);
    let service = draw.one_of(&["0us", "20us", "500us"]);
    let inbox = draw.one_of(&["1024", "8"]);
    let think = draw.one_of(&["0s", "1ms", "5ms"]);
    let keys = draw.one_of(&["3", "100"]);
    let heartbeat = draw.between(10, 60);
    let mut text = format!(
        r#"schema = 1
title = "Swarm {seed}"
duration = "1s"
settle = "60s"

[cluster]
protocol = "single-leader"
replicas = 3
engine = "{engine}"
routing = "{routing}"
client_timeout = "80ms"
heartbeat = "{heartbeat}ms"
service_time = "{service}"
inbox = {inbox}
disk = {{ read = "10us", write = "2us", sync = "{sync}" }}

[network]
delay = {{ distribution = "exponential", mean = "{mean}us", plus = "50us" }}
loss_per_million = {loss}
kind = "{kind}"
retransmit_after = "50ms"

[[load]]
name = "client"
kind = "closed"
clients = 4
think = "{think}"
keys = {{ count = {keys}, distribution = "uniform" }}
reads_percent = 50
deletes_percent = 10
operations = 1500
"#
    );
    for _ in 0..draw.between(0, 6) {
        push_fault(&mut draw, &mut text);
    }
    text
}

fn push_fault(draw: &mut Draw, text: &mut String) {
    let nodes = ["leader", "leader", "follower-1", "follower-2"];
    let node = draw.one_of(&nodes);
    let pair = draw.between(0, 2) as usize;
    let between = format!(
        "between = [\"{}\", \"{}\"]",
        REPLICAS[pair],
        REPLICAS[(pair + 1) % 3]
    );
    let in_flight = format!("in_flight = \"{}\"", draw.one_of(&["lost", "held"]));
    let kind = draw.one_of(&[
        "crash",
        "crash",
        "crash-at-disk-operation",
        "crash-at-disk-operation",
        "pause",
        "cut",
        "partition",
        "delay",
        "loss",
        "clock-offset",
        "clock-drift",
    ]);
    let about = match kind {
        "crash-at-disk-operation" => {
            format!("node = \"{node}\"\noperation = {}", draw.between(1, 6))
        }
        "cut" => format!("{between}\n{in_flight}"),
        "partition" => {
            format!("sides = [[\"leader\"], [\"follower-1\", \"follower-2\"]]\n{in_flight}")
        }
        "delay" => format!("{between}\nextra = \"{}ms\"", draw.between(1, 300)),
        "loss" => format!("{between}\nper_million = {}", draw.between(0, 1_000_000)),
        "clock-offset" => format!("node = \"{node}\"\noffset = \"-3s\""),
        "clock-drift" => format!("node = \"{node}\"\nppm = {}", draw.between(0, 400_000)),
        _ => format!("node = \"{node}\""),
    };
    let at = draw.between(50, 900);
    write!(
        text,
        "\n[[fault]]\nkind = \"{kind}\"\n{about}\nat = \"{at}ms\"\n"
    )
    .expect("a string");
    if draw.chance(70) {
        let until = at + draw.between(1, 300);
        if until < 1_000 {
            writeln!(text, "until = \"{until}ms\"").expect("a string");
        }
    }
}

fn run(text: &str, seed: u64, planted: Planted) -> Report {
    session::open_planted("swarm.toml", parse(text), Seed(seed), Keep::Digest, planted).report()
}

/// The checks that have to hold, and do not.
fn broken(text: &str, report: &Report) -> Vec<String> {
    let reads_lag = text.contains("sticky-follower");
    let fell = report
        .verdicts
        .iter()
        .filter(|verdict| verdict.holds != Some(true));
    fell.filter(|verdict| !(reads_lag && verdict.check == "read-your-writes-in-real-time"))
        .map(|verdict| verdict.check.clone())
        .collect()
}

#[test]
fn whatever_is_drawn_the_protocol_keeps_its_promises() {
    let mut operations = 0;
    for seed in SEEDS {
        let text = scenario(seed);
        let report = run(&text, seed, Planted::Nothing);
        let broken = broken(&text, &report);
        assert!(
            broken.is_empty(),
            "{broken:?}: save the file below as swarm.toml and run\n\
             cargo run -p seedbed -- explore ./swarm.toml --seed {seed}\n{text}\n{}",
            report.to_text()
        );
        assert_eq!(report.ended, "healed and settled", "seed {seed}\n{text}");
        operations += report.operations.ok;
    }
    assert!(operations > 10_000, "{operations} operations prove little");
}

/// A swarm that finds nothing is worth what it would find.
#[test]
fn the_swarm_finds_every_planted_bug() {
    let bugs = [
        (Planted::AckBeforeSync, "durability"),
        (Planted::SkipEntryAfterReconnect, "convergence"),
        (Planted::StaleLeaderReads, "read-your-writes-in-real-time"),
        (Planted::ServeBeforeReplay, "monotonic-reads-in-real-time"),
    ];
    for (planted, check) in bugs {
        let finds = |seed: &u64| {
            let text = scenario(*seed);
            broken(&text, &run(&text, *seed, planted)).contains(&check.to_owned())
        };
        let found = SEEDS.filter(finds).count();
        assert!(found > 0, "no seed finds {planted:?} by {check}");
    }
}
