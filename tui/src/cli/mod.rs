//! The command line. Each command reads its input, asks `scenarios`, and prints; how it ends is in [`exit`].

pub mod arguments;
mod check;
mod draw;
pub mod exit;
pub mod output;
mod shrink;
pub mod source;
pub mod store;
mod sweep;
mod trace;
mod workers;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::bail;
use clap::{CommandFactory, Parser};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use seedbed_scenarios::catalog::CATALOG;
use seedbed_scenarios::file::{Diagnostic, Scenario, ScenarioErrors};
use seedbed_scenarios::session::{self, Keep, Session, determinism};
use seedbed_scenarios::sweep::{Repeat, Until};
use seedbed_sim::{Instant, Seed, Span};
use serde::Serialize;

use crate::actions::Key;
use crate::crash;
use crate::draw::draw as draw_screen;
use crate::host::{Flow, Host, Library};
use crate::layout::Size;
use crate::model::{Entry, Model};
use crate::picture;
use crate::run;
use crate::theme::Theme;
use crate::update::Input;

pub use draw::diagram;

use arguments::{Arguments, Command, Enough, Format, TraceFormat};
use exit::Exit;
use output::{OutputFile, is_closed_pipe, print};
use source::Source;

/// The whole program.
pub fn main() -> ExitCode {
    crash::guard(parse_and_perform)
}

fn parse_and_perform() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no mistakes. A pipe that closes on them has seen enough.
            let exit = if error.use_stderr() {
                Exit::BadInput
            } else {
                Exit::Done
            };
            let _ = error.print();
            return exit.into();
        }
    };
    match perform(arguments.command) {
        Ok(exit) => exit.into(),
        Err(error) if is_closed_pipe(&error) => Exit::Done.into(),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{}", in_words(&error));
            Exit::BadInput.into()
        }
    }
}

/// An error as the person reads it: mistakes in a file tell their own places.
fn in_words(error: &anyhow::Error) -> String {
    let coloured = io::stderr().is_terminal() && colours_are_wanted();
    if let Some(mistakes) = error.downcast_ref::<ScenarioErrors>() {
        return if coloured {
            mistakes.coloured()
        } else {
            mistakes.to_string()
        };
    }
    let boxed = error
        .downcast_ref::<Box<Diagnostic>>()
        .map(|mistake| &**mistake);
    match boxed.or_else(|| error.downcast_ref::<Diagnostic>()) {
        Some(mistake) if coloured => mistake.coloured(),
        Some(mistake) => mistake.to_string(),
        None => format!("error: {error:#}"),
    }
}

/// What <https://no-color.org> asks for.
fn colours_are_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn perform(command: Option<Command>) -> anyhow::Result<Exit> {
    match command {
        None => explore(None),
        Some(Command::Explore { which, seed }) => explore(Some((&which.scenario, seed.seed))),
        Some(Command::List { format }) => list(format),
        Some(Command::Show { which }) => {
            print(&Source::find(&which.scenario)?.text()?)?;
            Ok(Exit::Done)
        }
        Some(Command::Run {
            which,
            seed,
            format,
            trace,
            trace_format,
            history,
            force,
            check_determinism,
        }) => {
            if trace.is_some() && trace == history {
                bail!("the trace and the history want a file each");
            }
            let history = history
                .map(|path| OutputFile::new(&path, force))
                .transpose()?;
            let trace = trace
                .map(|path| OutputFile::new(&path, force))
                .transpose()?
                .map(|file| (file, trace_format));
            let source = Source::find(&which.scenario)?;
            if check_determinism && !is_the_same_twice(&source, seed.seed)? {
                return Ok(Exit::NotAsExpected);
            }
            report(&source, seed.seed, format, trace.as_ref(), history.as_ref())
        }
        Some(Command::Sweep {
            which,
            seeds,
            jobs,
            until,
            shard,
            out,
            resume,
            force,
            check_determinism,
            format,
        }) => sweep::sweep(&sweep::Request {
            scenario: which.scenario,
            seeds,
            jobs,
            until: match until {
                Enough::First => Until::First,
                Enough::All => Until::All,
            },
            shard,
            out,
            existing: match (resume, force) {
                (true, _) => sweep::Existing::Resume,
                (false, true) => sweep::Existing::Replace,
                (false, false) => sweep::Existing::Keep,
            },
            repeat: match check_determinism {
                true => Repeat::Compare,
                false => Repeat::Once,
            },
            format,
        }),
        Some(Command::Merge {
            files,
            out,
            force,
            format,
        }) => {
            let out = out.map(|path| OutputFile::new(&path, force)).transpose()?;
            sweep::merge(&files, out.as_ref(), format)
        }
        Some(Command::Shrink {
            which,
            seed,
            keep,
            out,
            force,
            format,
        }) => {
            let out = out.map(|path| OutputFile::new(&path, force)).transpose()?;
            let source = Source::find(&which.scenario)?;
            shrink::shrink(&source, seed.seed, keep.as_deref(), out.as_ref(), format)
        }
        Some(Command::Picture {
            which,
            seed,
            at,
            size,
            keys,
            out,
            force,
        }) => {
            let out = out.map(|path| OutputFile::new(&path, force)).transpose()?;
            let svg = draw_picture(&which.scenario, seed.seed, at, size, &keys)?;
            match out {
                Some(file) => file.write(|w| w.write_all(svg.as_bytes()))?,
                None => print(&svg)?,
            }
            Ok(Exit::Done)
        }
        Some(Command::Draw {
            which,
            seed,
            options,
        }) => draw::draw(&which.scenario, seed.seed, &options),
        Some(Command::Check { options }) => check::check(&options),
        Some(Command::Store { options, command }) => store::store(&options, &command),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "seedbed", &mut script);
            print(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Done)
        }
    }
}

/// The version of the JSON form of the list.
const LIST_SCHEMA: u32 = 1;

/// The catalog as JSON.
#[derive(Serialize)]
struct List {
    schema: u32,
    scenarios: Vec<Entry>,
}

fn list(format: Format) -> anyhow::Result<Exit> {
    let entries = Scenarios::default().entries();
    let text = match format {
        Format::Text => {
            let width = entries.iter().map(|e| e.name.len()).max().unwrap_or(0);
            let line = |e: &Entry| format!("{:width$}  {}\n", e.name, e.title);
            entries.iter().map(line).collect()
        }
        Format::Json => {
            let list = List {
                schema: LIST_SCHEMA,
                scenarios: entries,
            };
            serde_json::to_string(&list)? + "\n"
        }
    };
    print(&text)?;
    Ok(Exit::Done)
}

/// Runs it twice, and tells how the runs differ where they do.
fn is_the_same_twice(source: &Source, seed: u64) -> anyhow::Result<bool> {
    crash::watch(&source.name(), seed);
    let scenario = source.load()?;
    let open = || session::open(&source.name(), scenario.clone(), Seed(seed), Keep::Digest);
    match determinism::check(open(), open()) {
        Ok(_) => Ok(true),
        Err(difference) => {
            print(&format!("Seed {seed} gave two runs.\n{difference}"))?;
            Ok(false)
        }
    }
}

fn report(
    source: &Source,
    seed: u64,
    format: Format,
    trace: Option<&(OutputFile, TraceFormat)>,
    history: Option<&OutputFile>,
) -> anyhow::Result<Exit> {
    let keep = match trace {
        Some(_) => Keep::Everything,
        None => Keep::Digest,
    };
    crash::watch(&source.name(), seed);
    let mut session = session::open(&source.name(), source.load()?, Seed(seed), keep);
    session.run_to_end();
    let report = session.report();
    if let Some((file, format)) = trace {
        file.write(|out| trace::write(out, *format, session.as_ref()))?;
    }
    if let Some(file) = history {
        let history = session.history();
        file.write(|out| {
            writeln!(out, "{}", history.json_header())?;
            history
                .json_lines()
                .try_for_each(|line| writeln!(out, "{line}"))
        })?;
    }
    print(&match format {
        Format::Text => report.to_text(),
        Format::Json => report.to_json() + "\n",
    })?;
    Ok(match report.expectations_hold() {
        true => Exit::Done,
        false => Exit::NotAsExpected,
    })
}

fn explore(which: Option<(&str, u64)>) -> anyhow::Result<Exit> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        bail!("this needs a terminal; `seedbed list` and `seedbed run SCENARIO` do without one");
    }
    let theme = Theme {
        colour: colours_are_wanted(),
    };
    let size = Size {
        width: 80,
        height: 24,
    };
    let (model, host) = match which {
        None => {
            let library = Scenarios::default();
            (
                Model::new(library.entries(), size, theme),
                Host::new(library),
            )
        }
        Some((argument, seed)) => open(argument, seed, size, theme)?,
    };
    run::run(model, host)?;
    Ok(Exit::Done)
}

/// The interface with a run open in it.
pub(crate) fn open(
    argument: &str,
    seed: u64,
    size: Size,
    theme: Theme,
) -> anyhow::Result<(Model, Host<Scenarios>)> {
    let source = Source::find(argument)?;
    let name = source.name();
    let library = Scenarios {
        own: Some((name.clone(), source.load()?)),
    };
    let mut model = Model::new(library.entries(), size, theme);
    model.came_from_catalog = false;
    let mut host = Host::new(library);
    crash::watch(&name, seed);
    host.open(&mut model, &name, seed)
        .map_err(anyhow::Error::msg)?;
    Ok((model, host))
}

/// The screen of `seedbed explore` as an SVG: scenario `argument` (a name from the catalog, or a file) at virtual time `at`, or
/// at its end, after `keys` were pressed.
///
/// # Errors
/// When there is no such scenario, its file is wrong, or a key leaves the program.
pub fn draw_picture(
    argument: &str,
    seed: u64,
    at: Option<Span>,
    size: Size,
    keys: &str,
) -> anyhow::Result<String> {
    let (mut model, mut host) = open(argument, seed, size, Theme::COLOUR)?;
    host.seek(&mut model, at.map(|at| Instant::ZERO + at));
    for key in keys.chars() {
        if host.send(&mut model, Input::Key(Key::Char(key))) == Flow::Leave {
            bail!("the key {key:?} leaves Seedbed, so that there is no screen to draw");
        }
    }
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height))?;
    terminal.draw(|frame| draw_screen(&model, frame))?;
    let title = model.lab.map_or("Seedbed".to_owned(), |lab| {
        format!(
            "{}, seed {}, at {}",
            lab.view.scenario, lab.view.seed, lab.view.now
        )
    });
    Ok(picture::svg(terminal.backend().buffer(), &title))
}

/// The catalog, and a scenario of the person's own where they named one. That is read once, so that every seed of it runs
/// the same file.
#[derive(Default)]
pub(crate) struct Scenarios {
    own: Option<(String, Scenario)>,
}

impl Library for Scenarios {
    fn entries(&self) -> Vec<Entry> {
        CATALOG
            .iter()
            .map(|entry| in_catalog(entry.name, entry.load()))
            .collect()
    }

    fn open(&self, source: &str, seed: u64) -> Result<Box<dyn Session>, String> {
        let own = self.own.as_ref().filter(|(name, _)| name == source);
        let scenario = match own {
            Some((_, scenario)) => scenario.clone(),
            None => Source::find(source)
                .and_then(|s| s.load())
                .map_err(|e| format!("{e:#}"))?,
        };
        Ok(session::open(
            source,
            scenario,
            Seed(seed),
            Keep::Everything,
        ))
    }
}

fn in_catalog(name: &str, scenario: Scenario) -> Entry {
    Entry {
        name: name.to_owned(),
        expectations: scenario
            .expectations
            .iter()
            .map(ToString::to_string)
            .collect(),
        title: scenario.title,
        chapter: scenario.chapter,
        teaches: scenario.teaches,
        try_next: scenario.try_next,
    }
}
