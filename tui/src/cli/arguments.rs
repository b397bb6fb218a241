//! What can be typed after `seedbed`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use seedbed_scenarios::check;
use seedbed_scenarios::checkers::{self, Model, Order, models};
use seedbed_scenarios::draw::{Around, Theme};
use seedbed_scenarios::history::Value;
use seedbed_scenarios::import;
use seedbed_scenarios::sweep::{Seeds, Shard};
use seedbed_sim::Span;

use super::{exit, store};
use crate::layout::{SMALLEST, Size};

const EXAMPLES: &str = "Examples:
  seedbed                        choose a scenario and watch it
  seedbed list                   the scenarios in the catalog
  seedbed run ddia/5-3           run one and report
  seedbed explore ddia/5-3       watch it, step by step, and break things by key
  seedbed sweep ddia/5-3 --seeds 1..1001
                                 run it at a thousand seeds, and count
  seedbed show ddia/5-3 > my.toml && seedbed run my.toml
                                 change it and run your own";

const RUN_EXAMPLES: &str = "Examples:
  seedbed run ddia/5-3
  seedbed run ddia/5-3 --seed 7 --format json
  seedbed run my.toml --trace run.jsonl
  seedbed run my.toml --trace run.json --trace-format chrome
  seedbed run my.toml --history run.jsonl && seedbed check run.jsonl";

const SWEEP_EXAMPLES: &str = "Examples:
  seedbed sweep ddia/5-3 --seeds 1..1001
  seedbed sweep my.toml --seeds 1..1000001 --until first
  seedbed sweep my.toml --seeds 1..1001 --out sweep.jsonl --resume
  seedbed sweep my.toml --seeds 1..1001 --shard 2/3 --out 2.jsonl";

const MERGE_EXAMPLES: &str = "Examples:
  seedbed merge 1.jsonl 2.jsonl 3.jsonl
  seedbed merge 1.jsonl 2.jsonl 3.jsonl --out whole.jsonl --format json";

const SHRINK_EXAMPLES: &str = "Examples:
  seedbed shrink lag/generated-load
  seedbed shrink my.toml --seed 7 --keep durability --out small.toml
  seedbed run small.toml";

const CHECK_EXAMPLES: &str = "Examples:
  seedbed check history.jsonl
  seedbed check history.jsonl --guarantee ladder
  seedbed check history.edn --model cas-register --initial 0 --format json
  seedbed check history.jsonl --order session --guarantee monotonic-reads
  seedbed check history.jsonl --guarantee durability --final replicas.json
  seedbed check history.jsonl --guarantee bounded-staleness --term versions=2 --term time=500ms
  my-test --print-history | seedbed check -";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "seedbed",
    version,
    about = "Plant a seed, grow the same failure every time.",
    long_about = "Seedbed runs whole replicated databases in a simulated world that grows from one seed, \
                  shows what clients saw, and says which guarantees fell and why.\n\n\
                  Without a command it opens the catalog of scenarios.",
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{}", exit::TABLE),
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the scenarios in the catalog
    #[command(after_help = "Examples:
  seedbed list
  seedbed list --format json")]
    List {
        /// For people or for programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Print a scenario's file
    #[command(after_help = "Examples:
  seedbed show ddia/5-3
  seedbed show ddia/5-3 > my.toml")]
    Show {
        /// Which scenario
        #[command(flatten)]
        which: Which,
    },
    /// Run a scenario to its end and report what clients saw
    #[command(
        after_help = RUN_EXAMPLES,
        after_long_help = format!("{RUN_EXAMPLES}\n\n{}", exit::TABLE)
    )]
    Run {
        /// Which scenario
        #[command(flatten)]
        which: Which,
        /// Which seed
        #[command(flatten)]
        seed: Seed,
        /// For people or for programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Write every event of the run to this file
        #[arg(long, value_name = "FILE")]
        trace: Option<PathBuf>,
        /// How to write the trace
        #[arg(long, value_enum, default_value_t, requires = "trace")]
        trace_format: TraceFormat,
        /// Write what clients saw to this file, for `seedbed check`
        #[arg(long, value_name = "FILE")]
        history: Option<PathBuf>,
        /// Replace these files if they exist
        #[arg(long)]
        force: bool,
        /// Run it twice, compare the runs event by event, and show the first that differs
        #[arg(long)]
        check_determinism: bool,
    },
    /// Run a scenario at many seeds, and say how often what happens
    #[command(
        after_help = SWEEP_EXAMPLES,
        after_long_help = format!("{SWEEP_EXAMPLES}\n\n{}", exit::TABLE)
    )]
    Sweep {
        /// Which scenario
        #[command(flatten)]
        which: Which,
        /// The seeds from A up to but without B
        #[arg(long, value_name = "A..B")]
        seeds: Seeds,
        /// How many runs at once; as many as there are processors unless given
        #[arg(long, value_name = "N")]
        jobs: Option<NonZeroUsize>,
        /// End at the lowest seed that fails, or go through them all
        #[arg(long, value_enum, default_value_t)]
        until: Enough,
        /// Only the i-th of n parts of the seeds; `seedbed merge` puts them together
        #[arg(long, value_name = "i/n")]
        shard: Option<Shard>,
        /// Write a line of JSON for each seed to this file
        #[arg(long, value_name = "FILE.jsonl")]
        out: Option<PathBuf>,
        /// Go on with the file if the same sweep was interrupted, or begin it
        #[arg(long, requires = "out")]
        resume: bool,
        /// Replace the file if it exists
        #[arg(long, requires = "out", conflicts_with = "resume")]
        force: bool,
        /// Run every seed twice, and compare the runs event by event
        #[arg(long)]
        check_determinism: bool,
        /// For people or for programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Put the files of a sweep's shards together, and say what is in them
    #[command(
        after_help = MERGE_EXAMPLES,
        after_long_help = format!("{MERGE_EXAMPLES}\n\n{}", exit::TABLE)
    )]
    Merge {
        /// The files, in any order
        #[arg(value_name = "FILE.jsonl", required = true)]
        files: Vec<PathBuf>,
        /// Write the whole sweep to this file
        #[arg(long, value_name = "FILE.jsonl")]
        out: Option<PathBuf>,
        /// Replace the file if it exists
        #[arg(long, requires = "out")]
        force: bool,
        /// For people or for programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Watch a scenario in the terminal: play, step back and forth, break things by key
    #[command(after_help = "Examples:
  seedbed explore ddia/5-3
  seedbed explore my.toml --seed 7

Press ? in it for all keys.")]
    Explore {
        /// Which scenario
        #[command(flatten)]
        which: Which,
        /// Which seed
        #[command(flatten)]
        seed: Seed,
    },
    /// Find the shortest story in which the same check falls, and say why
    #[command(
        after_help = SHRINK_EXAMPLES,
        after_long_help = format!("{SHRINK_EXAMPLES}\n\n{}", exit::TABLE)
    )]
    Shrink {
        /// Which scenario
        #[command(flatten)]
        which: Which,
        /// Which seed
        #[command(flatten)]
        seed: Seed,
        /// The check that has to fall still; unless given, that of the first expectation which is not met, or else the
        /// first that falls
        #[arg(long, value_name = "VERDICT")]
        keep: Option<String>,
        /// Write the shrunk scenario to this file
        #[arg(long, value_name = "FILE.toml")]
        out: Option<PathBuf>,
        /// Replace the file if it exists
        #[arg(long)]
        force: bool,
        /// For people or for programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Draw the screen that `explore` shows as an SVG
    #[command(after_help = "Examples:
  seedbed picture ddia/5-3 --at 120ms --out lab.svg
  seedbed picture ddia/5-3 --size 80x24 --keys 4 > anomalies.svg")]
    Picture {
        /// Which scenario
        #[command(flatten)]
        which: Which,
        /// Which seed
        #[command(flatten)]
        seed: Seed,
        /// The virtual time to show, such as 120ms or 1.5s; the end of the run unless given
        #[arg(long, value_name = "TIME", value_parser = parse_span)]
        at: Option<Span>,
        /// The screen's columns and lines
        #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "120x40", value_parser = parse_size)]
        size: Size,
        /// Characters to press before drawing, as in the terminal
        #[arg(long, value_name = "KEYS", default_value = "")]
        keys: String,
        /// The file to write; standard output unless given
        #[arg(long, value_name = "FILE.svg")]
        out: Option<PathBuf>,
        /// Replace the file if it exists
        #[arg(long)]
        force: bool,
    },
    /// Draw who told whom what, and when, as a space-time diagram
    #[command(after_help = "Examples:
  seedbed draw ddia/5-3 --out stale-read.svg
  seedbed draw ddia/5-4 --around anomaly:2 --theme dark --out second.png
  seedbed draw lag/crash-catch-up --from 1190ms --to 1230ms > catch-up.svg

Unless told otherwise it draws the first anomaly and what led to it, or the whole run where there is none.")]
    Draw {
        /// Which scenario
        #[command(flatten)]
        which: Which,
        /// Which seed
        #[command(flatten)]
        seed: Seed,
        /// What to draw, and how
        #[command(flatten)]
        options: DrawOptions,
    },
    /// Judge a history of your own system: does it keep a guarantee, and which answer was wrong
    #[command(
        after_help = CHECK_EXAMPLES,
        after_long_help = format!("{CHECK_EXAMPLES}\n\n{}\n\n{}", guarantees(), exit::TABLE)
    )]
    Check {
        /// Which history, and what is asked of it
        #[command(flatten)]
        options: Box<CheckOptions>,
    },
    /// Keep keys and values in a directory, with a storage engine by itself
    #[command(
        after_help = store::EXAMPLES,
        after_long_help = format!("{}\n\n{}", store::EXAMPLES, exit::TABLE)
    )]
    Store {
        /// Which store
        #[command(flatten)]
        options: store::Options,
        /// What to do with it
        #[command(subcommand)]
        command: store::Command,
    },
    /// Print completions for a shell
    #[command(after_help = "Examples:
  seedbed completions bash > ~/.local/share/bash-completion/completions/seedbed
  seedbed completions zsh > ~/.zfunc/_seedbed
  seedbed completions fish > ~/.config/fish/completions/seedbed.fish")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Which history, and what is asked of it.
#[derive(Args, Clone, Debug)]
pub struct CheckOptions {
    /// The history: JSON Lines, Jepsen's EDN or Porcupine's JSON; - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What kind of object the keys name; by what clients do unless given
    #[arg(long, value_name = "MODEL", value_parser = model_parser())]
    pub model: Option<Model>,
    /// What each key holds at first, as JSON, such as 0 or '"a"'; null: it is absent
    #[arg(long, value_name = "JSON", default_value = "null", allow_hyphen_values = true, value_parser = parse_initial)]
    pub initial: Initial,
    /// What a read says that returned null
    #[arg(long, value_enum, default_value_t)]
    pub null_read: NullRead,
    /// Which order of events to believe
    #[arg(long, value_name = "ORDER", value_parser = order_parser(), default_value = "real-time")]
    pub order: Order,
    /// The guarantee, or ladder for all of them; unless given, linearizable, or sequential in session order
    #[arg(long, value_name = "GUARANTEE")]
    pub guarantee: Option<String>,
    /// How far it may be missed: versions=2, time=50ms, outage=1s … (as in a scenario's expectations); may be given again
    #[arg(long = "term", value_name = "NAME=VALUE", requires = "guarantee", value_parser = parse_term)]
    pub terms: Vec<(String, String)>,
    /// What the replicas held in the end, as JSON, for guarantees that speak of it
    #[arg(long = "final", value_name = "FILE.json")]
    pub finals: Option<PathBuf>,
    /// How the history is written; found out unless given
    #[arg(long, value_enum)]
    pub input_format: Option<InputFormat>,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// How many states a search may look at before it is undecided
    #[arg(long, value_name = "N")]
    pub budget_states: Option<u64>,
    /// Draw the history to this file, around what proves a violation
    #[arg(long, value_name = "FILE.svg")]
    pub svg: Option<PathBuf>,
    /// Replace the picture if it exists
    #[arg(long, requires = "svg")]
    pub force: bool,
}

fn parse_term(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("expected a name, an equals sign and a value, such as versions=2")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// An initial value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initial(pub Option<Value>);

/// How a history is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// JSON Lines, an event each
    Native,
    /// Jepsen's operations, in EDN
    Jepsen,
    /// Porcupine's operations, in JSON
    Porcupine,
}

impl From<InputFormat> for import::Format {
    fn from(format: InputFormat) -> Self {
        match format {
            InputFormat::Native => Self::Native,
            InputFormat::Jepsen => Self::Jepsen,
            InputFormat::Porcupine => Self::Porcupine,
        }
    }
}

/// What a read says that returned null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum NullRead {
    /// That it found nothing: the key was absent
    #[default]
    Initial,
    /// Nothing: it is always legal
    Any,
}

impl From<NullRead> for checkers::NullRead {
    fn from(said: NullRead) -> Self {
        match said {
            NullRead::Initial => Self::Initial,
            NullRead::Any => Self::Any,
        }
    }
}

/// When a sweep has seen enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Enough {
    /// At the lowest seed that fails
    First,
    /// After the last seed
    #[default]
    All,
}

/// Which scenario.
#[derive(Args, Debug)]
pub struct Which {
    /// A name from the catalog, or a scenario file of your own
    #[arg(value_name = "SCENARIO|FILE")]
    pub scenario: String,
}

/// Which seed.
#[derive(Args, Clone, Copy, Debug)]
pub struct Seed {
    /// The seed that everything random grows from
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_seed)]
    pub seed: u64,
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs, on one line
    Json,
}

/// What to draw of a run, and how.
#[derive(Args, Clone, Debug)]
pub struct DrawOptions {
    /// Virtual time at which the window begins, such as 120ms; the begin of the run unless given
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub from: Option<Span>,
    /// Virtual time at which the window ends; the end of the run unless given
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub to: Option<Span>,
    /// Choose the window around something that happened: anomaly, anomaly:2 for the second one, fault, fault:2
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["from", "to"])]
    pub around: Option<Around>,
    /// Draw the history as clients saw it, with a lane for each process and a bar for each operation
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub timeline: bool,
    /// For light or dark pages; an SVG for both asks the page it is on
    #[arg(long, value_name = "THEME", value_parser = parse_theme, default_value = "auto")]
    pub theme: Theme,
    /// The image's format; by the name of the file unless given
    #[arg(long, value_enum)]
    pub format: Option<ImageFormat>,
    /// The file to write; standard output unless given
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
}

/// The format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImageFormat {
    /// Shapes and text, sharp at every size
    Svg,
    /// Pixels
    Png,
}

/// How a trace is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// A line of JSON for each event
    #[default]
    Jsonl,
    /// What ui.perfetto.dev opens
    Chrome,
}

/// The models of the catalog, each with what it is.
fn model_parser() -> impl TypedValueParser<Value = Model> {
    let value = |entry: &models::ModelEntry| PossibleValue::new(entry.name).help(entry.promise);
    PossibleValuesParser::new(models::CATALOG.iter().map(value))
        .map(|name| models::find(&name).expect("a name of the catalog").model)
}

fn order_parser() -> impl TypedValueParser<Value = Order> {
    let real_time =
        PossibleValue::new("real-time").help("What ended before another began came first");
    let session = PossibleValue::new("session").help("Only the order within each session is known");
    PossibleValuesParser::new([real_time, session]).map(|name| match name.as_str() {
        "session" => Order::Session,
        _ => Order::RealTime,
    })
}

fn parse_initial(text: &str) -> Result<Initial, String> {
    import::read_value(text).map(Initial)
}

/// All guarantees, for the help.
fn guarantees() -> String {
    let width = check::judges().map(|it| it.name.len()).max().unwrap_or(0);
    let lines = check::judges().map(|it| format!("  {:width$}  {}", it.name, it.promise));
    let lines: Vec<String> = lines.collect();
    format!(
        "Guarantees, or ladder for all of them:\n{}",
        lines.join("\n")
    )
}

fn parse_seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("a seed is a whole number from 0 to {}", u64::MAX))
}

fn parse_size(text: &str) -> Result<Size, String> {
    let wrong = || {
        let (width, height) = (SMALLEST.width, SMALLEST.height);
        format!("a size is columns and lines, such as 120x40, from {width}x{height} to 1000x1000")
    };
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    let size = Size {
        width: width.parse().map_err(|_| wrong())?,
        height: height.parse().map_err(|_| wrong())?,
    };
    let sane = size.holds(SMALLEST) && size.width <= 1_000 && size.height <= 1_000;
    sane.then_some(size).ok_or_else(wrong)
}

fn parse_theme(text: &str) -> Result<Theme, String> {
    match text {
        "auto" => Ok(Theme::Auto),
        "light" => Ok(Theme::Light),
        "dark" => Ok(Theme::Dark),
        _ => Err("a theme is auto, light or dark".to_owned()),
    }
}

fn parse_span(text: &str) -> Result<Span, String> {
    let wrong =
        || "a time is a number with its unit: ns, us, ms or s, such as 120ms or 1.5s".to_owned();
    let split = text
        .find(|c: char| c.is_ascii_alphabetic())
        .ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let nanos_in_unit: u64 = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| s.len() <= 9 && s.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(wrong());
    }
    // At most nine digits each, so nothing here overflows.
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let billionths: u64 = format!("{fraction:0<9}").parse().map_err(|_| wrong())?;
    let part = billionths * nanos_in_unit / 1_000_000_000;
    Ok(Span::from_nanos(whole * nanos_in_unit + part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_in_its_help() {
        for command in Arguments::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string);
            let example = format!("seedbed {}", command.get_name());
            assert!(
                help.is_some_and(|help| help.contains(&example)),
                "{}",
                command.get_name()
            );
        }
    }

    #[test]
    fn times_are_read_to_the_nanosecond() {
        let good = [
            ("120ms", 120_000_000),
            ("1.5s", 1_500_000_000),
            ("0.25us", 250),
            ("7ns", 7),
            ("1.ms", 1_000_000),
            ("999999999.999999999s", 999_999_999_999_999_999),
        ];
        for (text, nanos) in good {
            assert_eq!(parse_span(text), Ok(Span::from_nanos(nanos)), "{text}");
        }
        for text in [
            "",
            "120",
            "ms",
            "-1ms",
            "1h",
            "1.2.3ms",
            "1 ms",
            "9999999999s",
            ".5ms",
            "1e3ms",
        ] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_bounds() {
        let small = Size {
            width: 80,
            height: 24,
        };
        assert_eq!(parse_size("80x24"), Ok(small));
        for text in [
            "", "80", "80x", "59x24", "80x15", "1001x40", "-1x40", "80x24x3",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seeds_are_whole_numbers_of_64_bits() {
        assert_eq!(parse_seed("18446744073709551615"), Ok(u64::MAX));
        for text in ["-1", "1.5", "18446744073709551616", "one", ""] {
            let why = parse_seed(text).unwrap_err();
            assert!(why.contains("18446744073709551615"), "{text}");
        }
    }
}
