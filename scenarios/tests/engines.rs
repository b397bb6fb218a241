//! Storage engines behind one protocol: what clients see hangs on the protocol, and not on how its replicas keep their
//! data.

use seedbed_scenarios::catalog;
use seedbed_scenarios::file;
use seedbed_scenarios::history::Operation;
use seedbed_scenarios::session::{self, Keep};
use seedbed_sim::Seed;

/// A disk on which nothing takes any time, so that engines that read and write more are no slower.
const INSTANT: &str = "disk = { read = \"0ns\", write = \"0ns\", sync = \"0ns\", read_per_kib = \"0ns\", \
                       write_per_kib = \"0ns\", sync_per_kib = \"0ns\" }";

const ENGINES: [&str; 6] = ["memory", "log", "hash", "lsm", "btree", "cow"];

/// What a client could write down of an operation.
fn seen(operation: &Operation) -> String {
    let done = operation.completed.as_ref();
    let done = done.map(|it| (&it.completion, it.at, &it.replica));
    format!(
        "{:?} {} {:?} at {:?}: {done:?}",
        operation.process, operation.key, operation.function, operation.invoked_at
    )
}

fn history(scenario: &str, engine: &str, seed: u64) -> Vec<String> {
    let text = catalog::find(scenario).expect("a scenario").text;
    let old = "engine = \"log\"\n";
    assert_eq!(text.matches(old).count(), 1, "{scenario} names its engine");
    let text = text.replace(old, &format!("engine = \"{engine}\"\n{INSTANT}\n"));
    let scenario = file::parse(scenario, &text).unwrap_or_else(|errors| panic!("{errors}"));
    let mut session = session::open("engines.toml", scenario, Seed(seed), Keep::Digest);
    session.run_to_end();
    session.operations().iter().map(seen).collect()
}

#[test]
fn clients_see_the_same_whatever_the_engine_where_disks_take_no_time() {
    for scenario in ["lag/generated-load", "lag/crash-catch-up"] {
        for seed in 1..=10 {
            // Memory forgets in a crash, which is to be seen.
            let engines = match scenario {
                "lag/crash-catch-up" => &ENGINES[1..],
                _ => &ENGINES[..],
            };
            let first = history(scenario, engines[0], seed);
            assert!(first.len() > 100, "{scenario} {seed}: {}", first.len());
            for engine in &engines[1..] {
                let other = history(scenario, engine, seed);
                for (ours, theirs) in first.iter().zip(&other) {
                    assert_eq!(ours, theirs, "{scenario}, seed {seed}: {engine}");
                }
                assert_eq!(
                    first.len(),
                    other.len(),
                    "{scenario}, seed {seed}: {engine}"
                );
            }
        }
    }
}
