//! `seedbed shrink`: the shortest story, on as many processors as there are.

use seedbed_scenarios::search::shrink::{self, Lab, ShrinkError};
use seedbed_scenarios::session;
use seedbed_sim::Seed;

use super::arguments::Format;
use super::exit::Exit;
use super::output::{OutputFile, print};
use super::source::Source;
use super::workers::Many;
use crate::crash;

pub(super) fn shrink(
    source: &Source,
    seed: u64,
    keep: Option<&str>,
    out: Option<&OutputFile>,
    format: Format,
) -> anyhow::Result<Exit> {
    let (name, scenario) = (source.name(), source.load()?);
    crash::watch(&name, seed);
    let open = |scenario, seed, keep| session::open(&name, scenario, seed, keep);
    let lab = Lab::new(&open, &Many);
    let shrunk = match shrink::shrink(&name, &scenario, Seed(seed), keep, &lab) {
        Ok(shrunk) => shrunk,
        Err(error @ ShrinkError::Holds(_)) => {
            print(&match format {
                Format::Text => format!("{error}\n"),
                Format::Json => {
                    let held = serde_json::json!({ "schema": 1, "held": error.to_string() });
                    format!("{held}\n")
                }
            })?;
            return Ok(Exit::NotAsExpected);
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(file) = out {
        file.write(|out| out.write_all(shrunk.to_toml().as_bytes()))?;
    }
    print(&match (format, out) {
        (Format::Json, _) => shrunk.to_json() + "\n",
        (Format::Text, Some(_)) => shrunk.to_text(),
        (Format::Text, None) => format!("{}\n{}", shrunk.to_text(), shrunk.to_toml()),
    })?;
    Ok(Exit::Done)
}
