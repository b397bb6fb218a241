//! The same work on Seedbed's storage engines and on peers', side by side in one run, in real directories:
//!
//! ```console
//! $ cargo store-peers
//! $ cargo store-peers -- --cache-mib 24 lsm btree fjall redb
//! ```
//!
//! Keys have 16 bytes and values 100, about half of which can be packed; one client; batches of 1,000, and a sync at the
//! end of each phase that writes. Background work of Seedbed's engines is done by the client between batches, so that
//! it is in the figures; fjall has threads of its own for it. Each subject does everything in every round, in turns, and
//! the median of its rounds is told: thousands of operations a second of wall clock.
//!
//! A limit stands beside them: a raw log with a hash map over it, which neither checks nor ever merges anything.

mod ours;
mod peers;
mod raw;
mod subject;
mod work;

use std::process::ExitCode;

use anyhow::{Context, bail};
use seedbed_protocols::storage::EngineKind;

use subject::Make;
use work::{Figures, Plan};

const USAGE: &str = "usage: store-peers [--rows N] [--rounds N] [--cache-mib N] [SUBJECT…]";

/// All that can be measured, with how to make it.
fn subjects() -> Vec<(&'static str, Make)> {
    vec![
        ("raw log", |dir, _| raw::RawLog::open(dir)),
        ("hash", |dir, cache| {
            ours::Ours::open(EngineKind::Hash, dir, cache)
        }),
        ("lsm", |dir, cache| {
            ours::Ours::open(EngineKind::Lsm, dir, cache)
        }),
        ("fjall", peers::Fjall::open),
        ("btree", |dir, cache| {
            ours::Ours::open(EngineKind::BTree, dir, cache)
        }),
        ("cow", |dir, cache| {
            ours::Ours::open(EngineKind::Cow, dir, cache)
        }),
        ("redb", peers::Redb::open),
    ]
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut plan = Plan {
        rows: 1_000_000,
        cache_bytes: 128 << 20,
    };
    let mut rounds = 3;
    let mut chosen: Vec<String> = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || -> anyhow::Result<u64> {
            let given = arguments
                .next()
                .with_context(|| format!("{argument} needs a number; {USAGE}"))?;
            let number = given
                .parse()
                .with_context(|| format!("{argument} is {given}, which is no number"))?;
            match number {
                0 => bail!("{argument} is 0; expected 1 or more"),
                _ => Ok(number),
            }
        };
        match argument.as_str() {
            "--rows" => plan.rows = number()?,
            "--rounds" => rounds = number()?,
            "--cache-mib" => plan.cache_bytes = (number()? << 20) as usize,
            name if name.starts_with('-') => bail!("there is no {name}; {USAGE}"),
            name => chosen.push(name.to_owned()),
        }
    }
    let mut subjects = subjects();
    if let Some(unknown) = chosen
        .iter()
        .find(|name| subjects.iter().all(|(known, _)| known != name))
    {
        let known: Vec<&str> = subjects.iter().map(|(name, _)| *name).collect();
        bail!("there is no {unknown}; expected {}", known.join(", "));
    }
    subjects.retain(|(name, _)| chosen.is_empty() || chosen.iter().any(|it| it == name));

    let mut figures: Vec<Vec<Figures>> = vec![Vec::new(); subjects.len()];
    for round in 1..=rounds {
        for ((name, make), figures) in subjects.iter().zip(&mut figures) {
            eprintln!("round {round} of {rounds}: {name}");
            figures.push(work::run(&plan, *make).with_context(|| (*name).to_owned())?);
        }
    }
    println!(
        "{} rows, cache of {} MiB, medians of {rounds}; thousand operations a second",
        plan.rows,
        plan.cache_bytes >> 20
    );
    println!("{}", work::heading());
    for ((name, _), figures) in subjects.iter().zip(figures) {
        println!("{}", work::line(name, &figures));
    }
    Ok(())
}
