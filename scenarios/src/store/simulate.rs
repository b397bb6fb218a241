//! Compaction policies side by side, on virtual writes: what a policy costs, before anything is built on it.
//!
//! Each policy sees the same writes. What comes of it are four measures that can't all be small (Athanassoulis and others,
//! *Designing Access Methods: The RUM Conjecture*, EDBT 2016): how often a byte is rewritten, how many runs a read must look
//! into, how much space is taken by what is dead, and how many writes had to wait for background work. The simulator is
//! the LSM tree's own ([`simulate`](fn@seedbed_protocols::storage::lsm::policy::simulate)); here its numbers become text,
//! JSON and a picture.
//!
//! What real stores have besides and this has not: caches and filters, which spare reads most of the runs; threads that
//! compact several levels at once; sizes of values that differ.

use std::fmt::Write as _;

use seedbed_protocols::storage::lsm::policy::{self, Sample, Simulation};
use seedbed_sim::{Seed, Stream};
use serde_json::{Value, json};

pub use seedbed_protocols::storage::lsm::policy::{
    Levelled, Pattern, Policy, SimulationOptions, Tiered,
};

use super::SCHEMA;
use crate::draw::Theme;
use crate::draw::charts::{Charts, Panel};

/// Columns of a chart of text.
const COLUMNS: usize = 60;
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What came of some policies under the same writes.
#[derive(Clone, Debug)]
pub struct Comparison {
    options: SimulationOptions,
    seed: u64,
    runs: Vec<(Policy, Simulation)>,
}

/// A measure: its name, and its value at a moment.
type Measure = (&'static str, fn(&Sample) -> f64);

const MEASURES: [Measure; 4] = [
    ("write amplification", |sample| {
        per_mille(sample.write_amplification_per_mille)
    }),
    ("runs a read looks into", |sample| sample.runs as f64),
    ("space amplification", |sample| {
        per_mille(sample.space_amplification_per_mille)
    }),
    ("writes that had to wait", |sample| {
        sample.stalled_writes as f64
    }),
];

fn per_mille(value: u64) -> f64 {
    value as f64 / 1000.0
}

/// Runs each policy under the writes that the options and the seed say; the options' own policy does not count.
pub fn compare(policies: &[Policy], options: &SimulationOptions, seed: u64) -> Comparison {
    let run = |policy: &Policy| {
        let options = SimulationOptions {
            policy: *policy,
            ..*options
        };
        let mut random = Stream::named(Seed(seed), "simulate");
        (*policy, policy::simulate(&options, &mut random))
    };
    Comparison {
        options: *options,
        seed,
        runs: policies.iter().map(run).collect(),
    }
}

impl Comparison {
    /// What was simulated, in a line.
    fn words(&self) -> String {
        let it = &self.options;
        let pattern = pattern(it.pattern);
        let deletes = match it.deletes_per_mille {
            0 => String::new(),
            some => format!(", {some} in a thousand delete"),
        };
        format!(
            "{} writes of {} bytes to {} keys, {pattern}{deletes}; memtables of {} bytes; background work of {} % of \
             the writes' bytes",
            it.writes, it.entry_bytes, it.keys, it.memtable_bytes, it.background_percent
        )
    }

    /// For people: the numbers at the end, and how they came to be as charts of text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n\n{:26}", self.words(), "");
        // Writing to a string can't fail.
        for (policy, _) in &self.runs {
            let _ = write!(text, "{:>14}", policy.name());
        }
        for (name, cells) in self.table() {
            let _ = write!(text, "\n{name:26}");
            for cell in cells {
                let _ = write!(text, "{cell:>14}");
            }
        }
        text.push('\n');
        for (name, of) in MEASURES {
            let highest = self.highest(of);
            let _ = writeln!(text, "\n{name}, 0 to {highest:.2}");
            for (policy, simulation) in &self.runs {
                let chart = chart(&simulation.samples, of, highest);
                let _ = writeln!(text, "  {:12}{chart}", policy.name());
            }
        }
        text
    }

    fn highest(&self, of: fn(&Sample) -> f64) -> f64 {
        let samples = self.runs.iter().flat_map(|(_, it)| &it.samples);
        samples.map(of).fold(0.0, f64::max)
    }

    /// The numbers at the end, by name.
    fn table(&self) -> Vec<(&'static str, Vec<String>)> {
        let row = |name, of: &dyn Fn(&Simulation) -> String| {
            let cells = self.runs.iter().map(|(_, simulation)| of(simulation));
            (name, cells.collect())
        };
        let mut table = Vec::new();
        for (name, of) in MEASURES {
            table.push(row(name, &|simulation| {
                let last = simulation.samples.last().map_or(0.0, of);
                match last.fract() == 0.0 {
                    true => format!("{last}"),
                    false => format!("{last:.2}"),
                }
            }));
        }
        let longest = |it: &Simulation| it.longest_stall_bytes.to_string();
        table.push(row("bytes of the longest wait", &longest));
        table.push(row("most runs at once", &|it| it.runs_max.to_string()));
        table.push(row("merges", &|it| it.merges.to_string()));
        table.push(row("tables moved as they were", &|it| it.moves.to_string()));
        table
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let it = &self.options;
        let runs: Vec<Value> = self.runs.iter().map(run_json).collect();
        json!({
            "schema": SCHEMA,
            "seed": self.seed,
            "writes": it.writes,
            "keys": it.keys,
            "pattern": pattern(it.pattern),
            "deletes_per_mille": it.deletes_per_mille,
            "entry_bytes": it.entry_bytes,
            "memtable_bytes": it.memtable_bytes,
            "table_bytes": it.table_bytes,
            "stall_runs": it.stall_runs,
            "background_percent": it.background_percent,
            "policies": runs,
        })
    }

    /// As charts, in an SVG document.
    pub fn to_svg(&self, theme: Theme) -> String {
        let panels = MEASURES.iter().map(|(title, of)| Panel {
            title,
            lines: self
                .runs
                .iter()
                .map(|(_, simulation)| {
                    let point = |sample: &Sample| (sample.writes as f64, of(sample));
                    simulation.samples.iter().map(point).collect()
                })
                .collect(),
        });
        let words = self.words();
        let charts = Charts {
            title: "What compaction policies cost",
            words: &words,
            axis: "writes",
            lines: self.runs.iter().map(|(policy, _)| policy.name()).collect(),
            panels: panels.collect(),
        };
        charts.svg(theme)
    }
}

fn pattern(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Uniform => "uniform",
        Pattern::Sequential => "sequential",
        Pattern::Skewed => "skewed",
    }
}

fn run_json((policy, simulation): &(Policy, Simulation)) -> Value {
    let sample = |it: &Sample| {
        json!({
            "writes": it.writes,
            "write_amplification": per_mille(it.write_amplification_per_mille),
            "runs": it.runs,
            "space_amplification": per_mille(it.space_amplification_per_mille),
            "stored_bytes": it.stored_bytes,
            "stalled_writes": it.stalled_writes,
        })
    };
    let levels = simulation
        .levels
        .iter()
        .map(|(level, (bytes, runs))| json!({ "level": level, "bytes": bytes, "runs": runs }));
    json!({
        "policy": policy.name(),
        "user_bytes": simulation.user_bytes,
        "flushed_bytes": simulation.flushed_bytes,
        "merge_read_bytes": simulation.merge_read_bytes,
        "merge_written_bytes": simulation.merge_written_bytes,
        "merges": simulation.merges,
        "moves": simulation.moves,
        "longest_stall_bytes": simulation.longest_stall_bytes,
        "runs_max": simulation.runs_max,
        "levels": levels.collect::<Vec<_>>(),
        "samples": simulation.samples.iter().map(sample).collect::<Vec<_>>(),
    })
}

/// The course of a measure in a line of blocks. Where more samples than columns fall together, the highest is shown: that is
/// where it hurts.
fn chart(samples: &[Sample], of: fn(&Sample) -> f64, highest: f64) -> String {
    let columns = samples.len().min(COLUMNS);
    (0..columns)
        .map(|column| {
            let from = column * samples.len() / columns;
            let to = (column + 1) * samples.len() / columns;
            let value = samples[from..to].iter().map(of).fold(0.0, f64::max);
            if value == 0.0 {
                return ' ';
            }
            let eighth = (value / highest * 8.0 - 0.5).clamp(0.0, 7.0);
            EIGHTHS[eighth as usize]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison() -> Comparison {
        let levelled = Policy::tiny_levelled();
        let tiered = Policy::Tiered(Tiered::default());
        let options = SimulationOptions {
            writes: 20_000,
            keys: 5_000,
            memtable_bytes: 4096,
            table_bytes: 4096,
            ..SimulationOptions::default()
        };
        compare(&[levelled, tiered, Policy::Never], &options, 7)
    }

    #[test]
    fn policies_trade_rewriting_for_runs_and_space() {
        let comparison = comparison();
        let json = comparison.to_json();
        let last = |policy: usize, name: &str| {
            let samples = &json["policies"][policy]["samples"];
            let last = samples.as_array().unwrap().last().unwrap();
            last[name].as_f64().unwrap()
        };
        let [levelled, tiered, never] = [0, 1, 2];
        assert!(last(levelled, "write_amplification") > last(tiered, "write_amplification"));
        assert!(last(tiered, "write_amplification") > last(never, "write_amplification"));
        assert!(last(levelled, "space_amplification") < last(never, "space_amplification"));
        assert!(last(never, "runs") > last(tiered, "runs") * 5.0);
        assert_eq!(last(never, "writes"), 20_000.0);
        let same = compare(&[Policy::Never], &comparison.options, 7).to_json();
        assert_eq!(same["policies"][0], json["policies"][never]);
        let other = compare(&[Policy::Never], &comparison.options, 8).to_json();
        assert_ne!(other["policies"][0], json["policies"][never]);
    }

    #[test]
    fn the_text_has_a_column_and_the_picture_a_line_for_each_policy() {
        let comparison = comparison();
        let text = comparison.to_text();
        let head = text.lines().nth(2).unwrap();
        for name in ["levelled", "size-tiered", "never"] {
            assert!(head.contains(name), "{head}");
        }
        for (measure, _) in MEASURES {
            assert!(text.contains(&format!("\n{measure}")), "{text}");
        }
        // The writes pile up for the one that never merges: its last runs are the highest of the chart.
        let runs = text
            .split("\nruns a read looks into, 0 to ")
            .nth(1)
            .unwrap();
        let never = runs.lines().find(|line| line.contains("never")).unwrap();
        assert!(never.ends_with('█') && !never.contains("█ "), "{never}");
        let svg = comparison.to_svg(Theme::Dark);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let lines = document
            .descendants()
            .filter(|it| it.attribute("class") == Some("fault-line dashed"));
        // One in the legend, and one in each of the four panels.
        assert_eq!(lines.count(), 5);
    }
}
