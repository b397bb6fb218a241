//! What scenario files are told when they are wrong, and what they become when they are right.

mod any_bytes;
mod disks;
mod reading;
mod telling;
mod writing;
mod wrong_faults;
mod wrong_messages;
mod wrong_names;
mod wrong_nemeses;
mod wrong_sense;
mod wrong_shape;

use super::{Scenario, parse};

/// A small file with a table of each kind, for tests to change.
const SMALL: &str = r#"schema = 1
title = "Small"
duration = "2s"

[cluster]
protocol = "single-leader"
sites = ["eu", "us"]
leader = "l"
routing = "any-follower"

[[node]]
name = "l"
site = "eu"

[[node]]
name = "f1"
site = "us"

[network]
delay = "5ms"

[[link]]
between = ["eu", "us"]
delay = { distribution = "normal", mean = "40ms", deviation = "2ms" }

[[client]]
name = "phone"
user = "1234"

[[step]]
name = "write"
at = "10ms"
client = "phone"
do = "put"
key = "x"
value = "1"

[[load]]
name = "readers"
kind = "open"
clients = 2
rate_per_second = 100
keys = { distribution = "zipf", exponent = 0.99 }

[[fault]]
at = "100ms"
until = "600ms"
kind = "crash"
node = "f1"

[[expect]]
check = "durability"
verdict = "holds"
"#;

/// The small file with one piece of it replaced.
fn small_with(old: &str, new: &str) -> String {
    assert_eq!(SMALL.matches(old).count(), 1, "{old:?} is to be found once");
    SMALL.replace(old, new)
}

/// What a file becomes.
fn read(text: &str) -> Scenario {
    parse("small.toml", text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// What a person is told of a wrong file.
fn told(text: &str) -> String {
    match parse("small.toml", text) {
        Ok(scenario) => panic!("nothing is wrong with it: {scenario:#?}"),
        Err(errors) => errors.to_string(),
    }
}
