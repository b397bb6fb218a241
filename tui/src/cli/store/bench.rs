//! `seedbed store bench`: workloads on a real directory, with a real clock.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use seedbed_scenarios::store::bench::{BenchOptions, Measured};
use seedbed_scenarios::store::{Opening, SCHEMA, Store};
use seedbed_scenarios::workload::{self, CATALOG, Sizes, Workload};
use seedbed_sim::FileDisk;
use serde_json::{Value, json};

use super::arguments::{BenchArguments, Options};
use super::take_empty;
use crate::cli::arguments::Format;
use crate::cli::exit::Exit;
use crate::cli::output::print;

/// Runs each workload on a store of its own in the directory, which is removed afterwards.
pub(super) fn bench(options: &Options, dir: &Path, asked: &BenchArguments) -> anyhow::Result<Exit> {
    let workloads: Vec<&Workload> = match asked.workload.is_empty() {
        true => CATALOG.iter().collect(),
        false => asked
            .workload
            .iter()
            .filter_map(|name| workload::find(name))
            .collect(),
    };
    let opening = Opening {
        engine: options.engine.clone(),
        makes: true,
        salvages: false,
        durability: options.durability.into(),
    };
    opening.check([])?;
    take_empty(dir).with_context(|| dir.display().to_string())?;
    let sizes = BenchOptions {
        sizes: Sizes {
            keys: asked.keys,
            value_bytes: asked.value_bytes,
        },
        operations: asked.operations.unwrap_or(asked.keys),
        nanos_max: asked.seconds.saturating_mul(1_000_000_000),
        batch: asked.batch,
        sync_every: asked.sync_every,
        seed: asked.seed.seed,
    };
    if asked.told.format == Format::Text {
        print(&Measured::head())?;
    }
    let mut answers = Vec::new();
    for workload in workloads {
        let measured = measure(&dir.join(workload.name), &opening, workload, &sizes)
            .with_context(|| workload.name)?;
        match asked.told.format {
            Format::Text => print(&measured.to_line())?,
            Format::Json => answers.push(measured.to_json()),
        }
    }
    if asked.told.format == Format::Json {
        let answer: Value = json!({ "schema": SCHEMA, "workloads": answers });
        print(&format!("{answer}\n"))?;
    }
    Ok(Exit::Done)
}

fn measure(
    folder: &Path,
    opening: &Opening,
    workload: &Workload,
    options: &BenchOptions,
) -> anyhow::Result<Measured> {
    let mut disk = FileDisk::open(folder)?;
    let mut store = Store::open(&mut disk, opening)?;
    let began = Instant::now();
    let mut now = || u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let measured = store.bench(workload, options, &mut now)?;
    drop(store);
    drop(disk);
    fs::remove_dir_all(folder)?;
    Ok(measured)
}
