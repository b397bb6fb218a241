//! A cluster to which much happens: whatever is wrong with its replicas, one of twenty faults may bring it out.

use std::fmt::Write as _;

use seedbed_scenarios::file::Scenario;

use crate::runs;

/// How many faults there are.
pub const FAULTS: u64 = 20;

const CLUSTER: &str = r#"
schema = 1
title = "A cluster to which much happens"
settle = "5s"

[cluster]
protocol = "single-leader"
replicas = 3
routing = "sticky-follower"
client_timeout = "200ms"
disk = { read = "20us", write = "2us", sync = "3ms" }

[network]
delay = { distribution = "exponential", mean = "1ms", plus = "300us" }
loss_per_million = 500

[[load]]
name = "user"
kind = "closed"
think = "6ms"
keys = { count = 200, distribution = "uniform" }
reads_percent = 50
deletes_percent = 5
"#;

/// How much its clients do.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// Eight clients for three seconds.
    Usual,
    /// Twelve clients, until they have done so many operations between them.
    Operations(u64),
}

/// The file of the cluster before anything happens to it.
pub fn before(work: Work) -> String {
    let (duration, clients) = match work {
        Work::Usual => ("3s", "clients = 8\n".to_owned()),
        Work::Operations(count) => ("4s", format!("clients = 12\noperations = {count}\n")),
    };
    let head = format!("schema = 1\nduration = \"{duration}\"");
    CLUSTER.replacen("schema = 1", &head, 1) + &clients
}

/// The cluster, with twenty faults at instants that are no round numbers.
///
/// # Panics
/// Never: the file is right.
pub fn cluster(work: Work) -> Scenario {
    let mut text = before(work);
    for number in 0..FAULTS {
        let at = 97 + number * 137;
        let node = ["leader", "follower-1", "follower-2"][number as usize % 3];
        let kind = match number % 5 {
            0 | 3 => format!("kind = \"crash\"\nnode = \"{node}\""),
            1 => format!("kind = \"pause\"\nnode = \"{node}\""),
            2 => "kind = \"cut\"\nbetween = [\"leader\", \"follower-1\"]".to_owned(),
            _ => "kind = \"delay\"\nbetween = [\"leader\", \"follower-2\"]\nextra = \"13ms\""
                .to_owned(),
        };
        let until = at + 61;
        writeln!(
            text,
            "\n[[fault]]\nat = \"{at}ms\"\nuntil = \"{until}ms\"\n{kind}"
        )
        .expect("a string takes all");
    }
    runs::parse(&text)
}
