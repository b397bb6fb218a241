//! What a run can be written as: events as data, and the files and pictures made of them.

mod chrome;
mod draw;
mod events;
mod jsonl;

use seedbed_scenarios::session::{self, Keep, Session};
use seedbed_scenarios::{catalog, file};
use seedbed_sim::Seed;

/// A run of a scenario of the catalog, over.
fn finished(name: &str, seed: u64) -> Box<dyn Session> {
    let text = catalog::find(name).expect("a scenario of the catalog").text;
    finished_file(name, text, seed)
}

/// A run of a scenario's text, over.
fn finished_file(name: &str, text: &str, seed: u64) -> Box<dyn Session> {
    let scenario = file::parse(name, text).unwrap_or_else(|errors| panic!("{errors}"));
    let mut session = session::open(name, scenario, Seed(seed), Keep::Everything);
    session.run_to_end();
    session
}
