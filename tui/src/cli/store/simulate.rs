//! `seedbed store simulate`: compaction policies side by side, without a store.

use seedbed_scenarios::draw::Theme;
use seedbed_scenarios::store::simulate::{
    Levelled, Pattern, Policy, SimulationOptions, Tiered, compare,
};

use super::arguments::{PolicyName, SimulateOptions, WritePattern};
use crate::cli::arguments::Format;
use crate::cli::exit::Exit;
use crate::cli::output::{OutputFile, print};

pub(super) fn simulate(asked: &SimulateOptions) -> anyhow::Result<Exit> {
    let picture = asked.picture.file()?;
    let policies: Vec<Policy> = asked
        .policy
        .iter()
        .map(|name| policy(*name, asked))
        .collect();
    let options = SimulationOptions {
        writes: asked.writes,
        keys: asked.keys,
        pattern: match asked.pattern {
            WritePattern::Uniform => Pattern::Uniform,
            WritePattern::Sequential => Pattern::Sequential,
            WritePattern::Skewed => Pattern::Skewed,
        },
        deletes_per_mille: asked.deletes_per_mille,
        entry_bytes: asked.entry_bytes,
        memtable_bytes: asked.memtable_bytes,
        table_bytes: asked.memtable_bytes,
        background_percent: asked.background_percent,
        ..SimulationOptions::default()
    };
    let comparison = compare(&policies, &options, asked.seed.seed);
    if let Some(file) = picture {
        let svg = comparison.to_svg(Theme::Auto);
        file.write(|out| out.write_all(svg.as_bytes()))?;
    }
    print(&match asked.told.format {
        Format::Text => comparison.to_text(),
        Format::Json => format!("{}\n", comparison.to_json()),
    })?;
    Ok(Exit::Done)
}

fn policy(name: PolicyName, asked: &SimulateOptions) -> Policy {
    match name {
        PolicyName::Levelled => Policy::Levelled(Levelled {
            level0_runs: asked.runs,
            base_bytes: asked.memtable_bytes.saturating_mul(asked.growth),
            growth: asked.growth,
        }),
        PolicyName::SizeTiered => Policy::Tiered(Tiered {
            runs_min: asked.runs,
            ..Tiered::default()
        }),
        PolicyName::Never => Policy::Never,
    }
}

impl super::arguments::Picture {
    /// The file for a picture, if one is asked for, looked at before any work is done for it.
    pub(super) fn file(&self) -> anyhow::Result<Option<OutputFile>> {
        let file = self
            .svg
            .as_ref()
            .map(|path| OutputFile::new(path, self.force));
        file.transpose()
    }
}
