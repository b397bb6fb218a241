//! How much sooner a sweep ends on two threads than on one. Rounds alternate, so that what else the machine does strikes
//! both alike; the median of the rounds' ratios counts.

use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 9;
const SWEEP: [&str; 4] = ["sweep", "lag/generated-load", "--seeds", "1..1501"];

fn seconds(jobs: &str) -> f64 {
    let began = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_seedbed"))
        .args(SWEEP)
        .args(["--jobs", jobs])
        .stdout(Stdio::null())
        .status()
        .expect("it starts");
    assert!(status.success());
    began.elapsed().as_secs_f64()
}

fn main() -> io::Result<()> {
    // Once, to have the program in memory.
    seconds("2");
    let rounds = (0..ROUNDS).map(|_| (seconds("1"), seconds("2")));
    let mut rounds: Vec<(f64, f64)> = rounds.collect();
    rounds.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let (one, two) = rounds[ROUNDS / 2];
    let mut out = io::stdout();
    writeln!(
        out,
        "{}: {one:.2} s on one thread, {two:.2} s on two, {:.2} times as fast (rounds from {:.2} to {:.2})",
        SWEEP.join(" "),
        one / two,
        rounds[0].0 / rounds[0].1,
        rounds[ROUNDS - 1].0 / rounds[ROUNDS - 1].1,
    )
}
