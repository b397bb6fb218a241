//! Runs a scenario of the catalog on madsim and prints its report.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program prints"
)]

use std::process::ExitCode;

#[cfg(madsim)]
fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let seed = words.next_back().and_then(|word| word.parse().ok());
    let (Some(name), Some(seed), None) = (words.next(), seed, words.next()) else {
        eprintln!("give a scenario of the catalog and a seed: lag/generated-load 1");
        return ExitCode::from(2);
    };
    let report = seedbed_scenarios::catalog::load(&name)
        .map_err(|unknown| unknown.to_string())
        .and_then(|scenario| seedbed_madsim::run(&name, scenario, seedbed_sim::Seed(seed)));
    match report {
        Ok(report) => {
            println!("{}", report.to_text());
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

#[cfg(not(madsim))]
fn main() -> ExitCode {
    ExitCode::from(2)
}
