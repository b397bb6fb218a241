//! `seedbed store` killed hard at random moments: what it has acknowledged is there, and the store is sound.
//!
//! A killed process loses nothing that it has given to the operating system, so this is about order and recovery: half of
//! a batch, a merge or a compaction cut short, a manifest on its way to its name. Power loss is another matter; crash images
//! of recorded operations are for that (`seedbed store crash`).

#![allow(clippy::print_stdout, reason = "a run says how far it went")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use seedbed_sim::{Seed, Stream};
use serde_json::Value;

use crate::bench::Bench;

/// How large a run is.
struct Run {
    rows: usize,
    kills: u32,
    seed: u64,
}

#[test]
fn a_process_that_is_killed_loses_nothing_that_it_has_acknowledged() {
    for engine in seedbed_scenarios::store::engines() {
        let run = Run {
            rows: 12_000,
            kills: 3,
            seed: 1,
        };
        run.kill_again_and_again(engine);
    }
}

#[test]
#[ignore = "a long run"]
fn a_million_keys_survive_twenty_kills() {
    // The append-only log reads all of its file at each start, and never forgets: the slowest comes last.
    for engine in seedbed_scenarios::store::engines().into_iter().rev() {
        let run = Run {
            rows: 1_000_000,
            kills: 20,
            seed: 1,
        };
        let durable = run.kill_again_and_again(engine);
        println!("{engine}: 20 kills, {durable} rows acknowledged before them");
    }
}

impl Run {
    /// Loads all rows in rounds, each with values of its own, and kills each at a random moment; and at last lets one
    /// come to its end. Returns how many rows were acknowledged by those that were killed.
    fn kill_again_and_again(&self, engine: &str) -> usize {
        let bench = Bench::of(&["store", "--dir", "s"]);
        let mut random = Stream::named(Seed(self.seed), engine);
        // The last round that is known to have written each row; 0: none.
        let mut durable = vec![0; self.rows];
        let mut acknowledged = 0;
        for round in 1..=self.kills {
            bench.put("rows.jsonl", &self.file(round));
            let batches = 1 + random.below(self.rows as u64 / 1000) as usize;
            let rows = kill_after(&bench, engine, batches);
            assert!(
                rows > 0,
                "{engine}, round {round}: nothing was acknowledged"
            );
            durable[..rows].fill(round);
            acknowledged += rows;
            self.check(&bench, &format!("{engine}, round {round}"), &durable, round);
        }
        let last = self.kills + 1;
        bench.put("rows.jsonl", &self.file(last));
        bench.prints(&["load", "rows.jsonl"]);
        bench.prints(&["compact"]);
        durable.fill(last);
        self.check(&bench, &format!("{engine}, at the end"), &durable, last);
        acknowledged
    }

    /// The rows of a round, as JSON Lines.
    fn file(&self, round: u32) -> String {
        let filling = "v".repeat(30);
        let mut text = String::with_capacity(self.rows * 80);
        for number in 0..self.rows {
            // Writing to a string can't fail.
            let _ = writeln!(
                text,
                "{{\"key\":\"{number:016}\",\"value\":\"{round} {filling}\"}}"
            );
        }
        text
    }

    /// The store is sound, and each row is of the round that is known to have written it, or of a later one.
    fn check(&self, bench: &Bench, place: &str, durable: &[u32], newest: u32) {
        assert_eq!(bench.prints(&["verify"]), "the store is sound\n", "{place}");
        let mut found = vec![0; self.rows];
        for line in bench.prints(&["scan"]).lines() {
            let row: Value = serde_json::from_str(line).expect("a row");
            let text = |name: &str| row[name].as_str().expect("a text").to_owned();
            let number: usize = text("key").parse().expect("the number of a row");
            let round = text("value")
                .split(' ')
                .next()
                .and_then(|it| it.parse().ok());
            found[number] = round.expect("the number of a round");
        }
        for (number, (found, durable)) in found.iter().zip(durable).enumerate() {
            let told = format!(
                "{place}: row {number} is of round {found}, and {durable} was acknowledged"
            );
            assert!((*durable..=newest).contains(found), "{told}");
        }
    }
}

/// Loads the rows, and kills the process hard while it writes on after so many acknowledgements. Returns how many rows it
/// has acknowledged by its end.
fn kill_after(bench: &Bench, engine: &str, batches: usize) -> usize {
    let arguments = ["--engine", engine, "load", "--acknowledge", "rows.jsonl"];
    let mut child = bench
        .command(&arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut rows = 0;
    let mut take = |line: String| {
        // `3000 rows are durable`, and `loaded …` where it was faster than the killer.
        if let Some(count) = line.strip_suffix(" rows are durable") {
            rows = count.parse().expect("a number");
        }
    };
    for line in lines.by_ref().take(batches) {
        take(line.expect("a line"));
    }
    child.kill().expect("it may be killed");
    child.wait().expect("it ends");
    // What it had said by then counts too.
    for line in lines {
        take(line.expect("a line"));
    }
    rows
}
