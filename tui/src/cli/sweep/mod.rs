//! `seedbed sweep` and `seedbed merge`: many seeds, on many threads, on many machines, with one result.
//!
//! What a sweep *is* (its lines, their order, its shards, what they add up to) is in
//! [`seedbed_scenarios::sweep`]; here are the threads, the files and the progress bar.

mod file;
mod merge;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seedbed_scenarios::session::determinism::Difference;
use seedbed_scenarios::session::{self, Keep};
use seedbed_scenarios::sweep::{self, Header, Opener, Ran, Repeat, Seeds, Shard, Tally, Until};
use seedbed_sim::Seed;

use super::arguments::Format;
use super::exit::Exit;
use super::output::{OutputFile, print};
use super::source::Source;
use file::{LineFile, Resumed};

/// What was asked for.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) scenario: String,
    pub(super) seeds: Seeds,
    pub(super) jobs: Option<NonZeroUsize>,
    pub(super) until: Until,
    pub(super) shard: Option<Shard>,
    pub(super) out: Option<PathBuf>,
    pub(super) existing: Existing,
    pub(super) repeat: Repeat,
    pub(super) format: Format,
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// It is refused.
    Keep,
    /// The sweep goes on with it.
    Resume,
    /// It is replaced.
    Replace,
}

/// Sweeps, and prints what it found.
pub(super) fn sweep(request: &Request) -> anyhow::Result<Exit> {
    if request.out.is_none() && request.existing != Existing::Keep {
        bail!("--resume and --force are about a file: name it by --out");
    }
    let source = Source::find(&request.scenario)?;
    let name = source.name();
    let (text, scenario) = source.read()?;
    let mut header = Header::new(&name, &text, &scenario, request.seeds, request.until);
    header.shard = request.shard.unwrap_or(Shard::WHOLE);
    let open = |seed| session::open(&name, scenario.clone(), Seed(seed), Keep::Digest);

    let mut tally = Tally::new(header.clone());
    let begun = begin(request, &header, &mut tally, &open)?;
    let rest = Seeds {
        from: begun.next_seed,
        to: header.own_seeds().to,
    };
    let mut out = begun.file;
    let mut difference: Option<(u64, Box<Difference>)> = None;
    if !begun.is_complete {
        let jobs = request
            .jobs
            .or_else(|| thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get);
        let bar = progress(header.own_seeds(), rest);
        let take = |ran: Ran| {
            if let Some(file) = &mut out {
                file.add(&ran.line.to_json())?;
            }
            tally.add(&ran.line);
            if let Some(found) = ran.difference {
                difference.get_or_insert((ran.line.seed, found));
            }
            bar.inc(1);
            let (_, failing) = tally.counts();
            if failing > 0 && bar.position().is_multiple_of(16) {
                bar.set_message(format!(", {failing} failing"));
            }
            Ok(())
        };
        let run = |seed| sweep::run(seed, &open, request.repeat);
        let swept = super::workers::run_all((rest, header.until), jobs, run, take);
        bar.finish_and_clear();
        swept?;
    }
    if let Some(file) = &out {
        file.sync()?;
    }
    if let Some((seed, found)) = difference {
        // Whoever can't read it can't be helped.
        let _ = write!(io::stderr(), "seed {seed} gave two runs.\n{found}");
    }
    finish(&tally, request.format)
}

/// How far a sweep is before it begins.
struct Begun {
    file: Option<LineFile>,
    next_seed: u64,
    is_complete: bool,
}

fn begin(
    request: &Request,
    header: &Header,
    tally: &mut Tally,
    open: &impl Opener,
) -> anyhow::Result<Begun> {
    let own = header.own_seeds();
    let from_the_beginning = |file| Begun {
        file,
        next_seed: own.from,
        is_complete: own.count() == 0,
    };
    let Some(path) = &request.out else {
        return Ok(from_the_beginning(None));
    };
    if request.existing != Existing::Resume {
        let replace = request.existing == Existing::Replace;
        let file = file::create(path, header, replace)?;
        return Ok(from_the_beginning(Some(file)));
    }
    let Resumed { file, reader, last } = file::resume(path, header, |line| tally.add(line))?;
    if let Some((number, text)) = last {
        // The version does not change with every change of the program, but what a seed gives may.
        let seed = reader.next_seed() - 1;
        if sweep::run(seed, open, Repeat::Once).line.to_json() != text {
            bail!(
                "{}:{number}: seed {seed} gives another line now than it gave then: the program has changed; \
                 --force begins anew",
                path.display()
            );
        }
    }
    Ok(Begun {
        file: Some(file),
        next_seed: reader.next_seed(),
        is_complete: reader.is_complete(),
    })
}

/// How many runs are done, how fast, and how long it will take; nothing where standard error is no terminal.
fn progress(own: Seeds, rest: Seeds) -> ProgressBar {
    let bar =
        ProgressBar::with_draw_target(Some(own.count()), ProgressDrawTarget::stderr_with_hz(4));
    let template =
        "{elapsed_precise} {bar:30} {human_pos} of {human_len} runs, {per_sec}, {eta} left{msg}";
    let style = ProgressStyle::with_template(template).expect("the template is right");
    bar.set_style(style.progress_chars("█▌░"));
    bar.set_position(rest.from - own.from);
    bar.reset_eta();
    bar
}

/// Merges files, and prints what is in them.
pub(super) fn merge(
    paths: &[PathBuf],
    out: Option<&OutputFile>,
    format: Format,
) -> anyhow::Result<Exit> {
    finish(&merge::merge_files(paths, out)?, format)
}

fn finish(tally: &Tally, format: Format) -> anyhow::Result<Exit> {
    let summary = tally.summary();
    print(&match format {
        Format::Text => summary.to_text(),
        Format::Json => summary.to_json() + "\n",
    })?;
    Ok(match tally.has_failed() {
        false => Exit::Done,
        true => Exit::NotAsExpected,
    })
}
