//! The arguments of `seedbed store`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Subcommand, ValueEnum, value_parser};
use seedbed_scenarios::{store, workload};

use crate::cli::arguments::{Format, Seed};

/// What to try.
pub const EXAMPLES: &str = "Examples:
  seedbed store --engine hash --dir my-store put greeting hello
  seedbed store --dir my-store get greeting
  seedbed store --dir my-store load rows.jsonl
  seedbed store --dir my-store scan --from a --limit 10
  seedbed store --dir my-store inspect --svg store.svg
  seedbed store --engine lsm --dir empty crash --images 100000
  seedbed store --engine lsm --dir empty bench --workload fillrandom,readrandom,ycsb-a
  seedbed store simulate --policy levelled,size-tiered --pattern skewed";

/// Which store, and how it is opened.
#[derive(Args, Debug)]
pub struct Options {
    /// The storage engine of a new store; an existing store knows its own
    #[arg(long, value_name = "ENGINE", help = engines_help())]
    pub engine: Option<String>,
    /// The store's directory; put and load make it. Only simulate needs none
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// When writes become durable
    #[arg(long, value_enum, default_value_t)]
    pub durability: Durability,
    /// Keep what is left of a damaged store, instead of refusing it
    #[arg(long)]
    pub salvage: bool,
    /// Keys and values are bytes, in hexadecimal digits
    #[arg(long)]
    pub hex: bool,
}

fn engines_help() -> String {
    let engines = store::engines().join(", ");
    format!("The storage engine of a new store: {engines}; an existing store knows its own")
}

/// When the writes of a store become durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// Before each write returns
    EachWrite,
    /// At the end of each command, and after each thousand rows of a load
    #[default]
    Group,
    /// When the operating system happens to write them
    Never,
}

impl From<Durability> for store::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::EachWrite => Self::EachWrite,
            Durability::Group => Self::Group,
            Durability::Never => Self::Never,
        }
    }
}

/// How to print what is found.
#[derive(Args, Clone, Copy, Debug)]
pub struct Told {
    /// For people or for programs
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What to do with a store.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set a key
    Put {
        /// The key
        #[arg(allow_hyphen_values = true)]
        key: String,
        /// The value
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// How to print it
        #[command(flatten)]
        told: Told,
    },
    /// Print the value of a key
    Get {
        /// The key
        key: String,
        /// How to print it
        #[command(flatten)]
        told: Told,
    },
    /// Remove a key
    Delete {
        /// The key
        key: String,
        /// How to print it
        #[command(flatten)]
        told: Told,
    },
    /// Print rows in order of keys, as JSON Lines
    Scan {
        /// The smallest key, inclusive
        #[arg(long, value_name = "KEY")]
        from: Option<String>,
        /// The largest key, exclusive
        #[arg(long, value_name = "KEY")]
        to: Option<String>,
        /// At most so many rows
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        /// From the largest key down
        #[arg(long)]
        reverse: bool,
    },
    /// Load rows from JSON Lines of {"key": …, "value": …}, or from CSV with the header key,value
    Load {
        /// The file, which is checked to its end first; - is standard input
        #[arg(value_name = "FILE.jsonl|FILE.csv")]
        file: PathBuf,
        /// What the file is; found out unless given
        #[arg(long, value_enum)]
        input_format: Option<InputFormat>,
        /// Print how many rows are durable, each time that some more are
        #[arg(long)]
        acknowledge: bool,
        /// How to print it
        #[command(flatten)]
        told: Told,
    },
    /// Print how large the store is, and what it costs
    Stats {
        /// How to print it
        #[command(flatten)]
        told: Told,
    },
    /// Print what the store is made of, or draw it
    Inspect {
        /// How to print it
        #[command(flatten)]
        told: Told,
        /// Whether to draw it
        #[command(flatten)]
        picture: Picture,
    },
    /// Read and check everything
    Verify {
        /// How to print it
        #[command(flatten)]
        told: Told,
    },
    /// Print the store's files, record by record
    Dump {
        /// How to print it
        #[command(flatten)]
        told: Told,
    },
    /// Do all the background work that there can be, such as merging
    Compact {
        /// How to print it
        #[command(flatten)]
        told: Told,
    },
    /// Open every state that a loss of power may leave of histories in an empty directory, and check each
    Crash {
        /// What to try
        #[command(flatten)]
        options: CrashOptions,
    },
    /// Measure workloads, each on a new store in an empty directory
    Bench {
        /// What to measure
        #[command(flatten)]
        options: BenchArguments,
    },
    /// Compare compaction policies of the LSM tree on virtual writes, without a store
    Simulate {
        /// What to simulate
        #[command(flatten)]
        options: SimulateOptions,
    },
}

/// Whether to draw it, and where to.
#[derive(Args, Clone, Debug)]
pub struct Picture {
    /// Draw it to this file
    #[arg(long, value_name = "FILE.svg")]
    pub svg: Option<PathBuf>,
    /// Replace the picture if it exists
    #[arg(long, requires = "svg")]
    pub force: bool,
}

/// How much to try.
#[derive(Args, Clone, Debug)]
pub struct CrashOptions {
    /// Crash images to open, at least
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = value_parser!(u64).range(1..))]
    pub images: u64,
    /// Steps of each history: writes, syncs, background work
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = parse_steps)]
    pub steps: usize,
    /// Let syncs promise and not keep it: then lost writes must be found, and status 1 is right
    #[arg(long)]
    pub lying_syncs: bool,
    /// The seed of the first history
    #[command(flatten)]
    pub seed: Seed,
    /// How to print it
    #[command(flatten)]
    pub told: Told,
}

fn parse_steps(text: &str) -> Result<usize, String> {
    let count = text
        .parse()
        .ok()
        .filter(|count| (1..=10_000).contains(count));
    count.ok_or_else(|| "a history has from 1 to 10000 steps".to_owned())
}

/// What to measure, and how large it is.
#[derive(Args, Clone, Debug)]
pub struct BenchArguments {
    /// The workloads, in this order; all of them unless given
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = workload_parser())]
    pub workload: Vec<String>,
    /// Keys that there are
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u64).range(1..=1_000_000_000))]
    pub keys: u64,
    /// Operations of each workload; as many as there are keys unless given
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub operations: Option<u64>,
    /// The longest time for the operations of each workload
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Bytes of a value
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = parse_value_bytes)]
    pub value_bytes: usize,
    /// Writes that are given to the engine at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_batch)]
    pub batch: usize,
    /// Writes that are made durable at once, with --durability group
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u64).range(1..))]
    pub sync_every: u64,
    /// What keys and values grow from
    #[command(flatten)]
    pub seed: Seed,
    /// How to print it
    #[command(flatten)]
    pub told: Told,
}

fn workload_parser() -> PossibleValuesParser {
    let value = |it: &workload::Workload| PossibleValue::new(it.name).help(it.about);
    PossibleValuesParser::new(workload::CATALOG.iter().map(value))
}

fn parse_value_bytes(text: &str) -> Result<usize, String> {
    let max = workload::Sizes::VALUE_BYTES_MAX;
    let bytes = text.parse().ok().filter(|bytes| *bytes <= max);
    bytes.ok_or_else(|| format!("a value has from 0 to {max} bytes"))
}

fn parse_batch(text: &str) -> Result<usize, String> {
    let count = text
        .parse()
        .ok()
        .filter(|count| (1..=10_000).contains(count));
    count.ok_or_else(|| "a batch has from 1 to 10000 writes".to_owned())
}

/// Which policies to simulate, and under which writes.
#[derive(Args, Clone, Debug)]
pub struct SimulateOptions {
    /// The policies, side by side
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "levelled,size-tiered"
    )]
    pub policy: Vec<PolicyName>,
    /// Writes to make
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1..=1_000_000_000))]
    pub writes: u64,
    /// Keys that there are
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = value_parser!(u64).range(1..=20_000_000))]
    pub keys: u64,
    /// Which of them are written
    #[arg(long, value_enum, default_value_t)]
    pub pattern: WritePattern,
    /// Of a thousand writes, so many delete
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u32).range(0..=1000))]
    pub deletes_per_mille: u32,
    /// Bytes of a key with its value
    #[arg(long, value_name = "BYTES", default_value_t = 116, value_parser = value_parser!(u64).range(1..=1 << 24))]
    pub entry_bytes: u64,
    /// Bytes of a memtable, and of a table
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, value_parser = value_parser!(u64).range(1..=1 << 32))]
    pub memtable_bytes: u64,
    /// Levelled: how many times as large as the one before each level is
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u64).range(2..=1000))]
    pub growth: u64,
    /// Levelled: runs of level 0 that are merged into level 1; size-tiered: runs of one size that are merged
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = parse_runs)]
    pub runs: usize,
    /// Bytes that background work can read and write while users write a hundred
    #[arg(long, value_name = "PERCENT", default_value_t = 4000, value_parser = value_parser!(u64).range(1..=1_000_000))]
    pub background_percent: u64,
    /// Which run of the dice
    #[command(flatten)]
    pub seed: Seed,
    /// How to print it
    #[command(flatten)]
    pub told: Told,
    /// Whether to draw it
    #[command(flatten)]
    pub picture: Picture,
}

fn parse_runs(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (2..=1000).contains(count));
    count.ok_or_else(|| "a number of runs is a whole number from 2 to 1000".to_owned())
}

/// A compaction policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyName {
    /// One run in each level, each some times as large as the one before: few runs, little space, many rewrites
    Levelled,
    /// Runs of about the same size are merged: few rewrites, more runs, more space
    SizeTiered,
    /// Nothing is ever merged
    Never,
}

/// Which keys are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum WritePattern {
    /// Each key as likely as the others
    #[default]
    Uniform,
    /// One after the other, and from the first again
    Sequential,
    /// Four writes in five go to a fifth of the keys
    Skewed,
}

/// What a file of rows is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// JSON Lines
    Jsonl,
    /// Comma-separated values
    Csv,
}
