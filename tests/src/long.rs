//! A run of a million events, for what has to hold at size.

use seedbed_scenarios::session::{self, Keep, Session};
use seedbed_sim::Seed;

use crate::runs::parse;

/// Five replicas on memory engines, 16 clients that never rest, and a fault now and then.
pub const SCENARIO: &str = r#"
schema = 1
title = "A million events"
duration = "25s"
settle = "10s"

[cluster]
protocol = "single-leader"
replicas = 5
engine = "memory"
routing = "sticky-follower"
client_timeout = "200ms"

[network]
delay = { distribution = "uniform", low = "1ms", high = "4ms" }

[[load]]
name = "client"
kind = "closed"
clients = 16
keys = { count = 1000, distribution = "uniform" }
reads_percent = 50
value_bytes = 100

[[fault]]
at = "5s"
until = "6s"
kind = "crash"
node = "follower-1"

[[fault]]
at = "12s"
until = "13s"
kind = "pause"
node = "follower-2"
"#;

/// The run at its beginning.
pub fn open(seed: u64) -> Box<dyn Session> {
    session::open("long.toml", parse(SCENARIO), Seed(seed), Keep::Everything)
}
