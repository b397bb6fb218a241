//! `seedbed check`: a history of anybody's, judged.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use seedbed_scenarios::check::{self, Asked, Case, Verdict};
use seedbed_scenarios::checkers::{Budget, FinalState, Model, Setting, Terms};
use seedbed_scenarios::draw::Theme;
use seedbed_scenarios::file;
use seedbed_scenarios::import::{self, Add, Hints, Imported, Reader};

use super::arguments::{CheckOptions, Format};
use super::exit::Exit;
use super::output::{OutputFile, print};

/// What stands for standard input.
const STDIN: &str = "-";

/// What the replicas hold in the end is read at once: it is no larger than they are.
const FINALS_BYTES_MAX: u64 = 1 << 30;

pub(super) fn check(options: &CheckOptions) -> anyhow::Result<Exit> {
    let asked = match &options.guarantee {
        Some(name) => Asked::find(name).map_err(anyhow::Error::msg)?,
        None => Asked::usual(options.order),
    };
    let terms = terms(options, asked)?;
    let picture = options
        .svg
        .as_ref()
        .map(|path| OutputFile::new(path, options.force))
        .transpose()?;
    let began = Instant::now();
    let imported = read(options)?;
    let finals = options.finals.as_deref().map(read_finals).transpose()?;
    let setting = setting(options, &imported).on(terms);
    let called = name(&options.file);
    let case = Case {
        file: &called,
        imported: &imported,
        setting: &setting,
        finals: finals.as_ref(),
    };
    let read_in = began.elapsed();
    let answer = match check::judge(&case, asked) {
        Ok(answer) => answer,
        Err(unsupported) => {
            let number = imported.line(unsupported.place);
            let line = nth_line(&options.file, number);
            return Err(check::refusal(&case, &unsupported, line.as_deref()).into());
        }
    };
    if let Some(file) = picture {
        let svg = check::picture(&case, &answer, Theme::Auto);
        file.write(|w| w.write_all(svg.as_bytes()))?;
    }
    let judged_in = began.elapsed() - read_in;
    let told = writeln!(
        io::stderr(),
        "read {} events in {:.3} s, judged them in {:.3} s",
        imported.history.len(),
        read_in.as_secs_f64(),
        judged_in.as_secs_f64()
    );
    // Nobody has to listen.
    drop(told);
    print(&match options.format {
        Format::Text => answer.to_text(),
        Format::Json => answer.to_json() + "\n",
    })?;
    Ok(match answer.verdict() {
        Verdict::Holds => Exit::Done,
        Verdict::Violated => Exit::NotAsExpected,
        Verdict::Undecided => Exit::Undecided,
    })
}

/// What messages call a file.
fn name(path: &Path) -> String {
    match path.as_os_str() == STDIN {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

fn read(options: &CheckOptions) -> anyhow::Result<Imported> {
    let hints = Hints {
        format: options.input_format.map(Into::into),
        add: match options.model {
            Some(Model::Set) => Add::Element,
            _ => Add::Amount,
        },
    };
    let name = name(&options.file);
    let told = || format!("can't read {name}");
    let mut reader = Reader::new(&name, hints);
    if options.file.as_os_str() == STDIN {
        if io::stdin().is_terminal() {
            bail!("a history is expected on standard input, and that is a terminal");
        }
        feed(&mut reader, io::stdin().lock()).with_context(told)??;
    } else {
        let file = File::open(&options.file).with_context(told)?;
        feed(&mut reader, file).with_context(told)??;
    }
    Ok(reader.finish()?)
}

fn feed(reader: &mut Reader, mut from: impl Read) -> io::Result<Result<(), import::ImportError>> {
    let mut piece = vec![0; 1 << 16];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(Ok(())),
            Ok(count) => {
                if let Err(error) = reader.feed(&piece[..count]) {
                    return Ok(Err(error));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn read_finals(path: &Path) -> anyhow::Result<FinalState> {
    let told = || format!("can't read {}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(told)?;
    file.take(FINALS_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .with_context(told)?;
    if bytes.len() as u64 > FINALS_BYTES_MAX {
        bail!("{} is longer than {FINALS_BYTES_MAX} bytes", path.display());
    }
    Ok(import::read_finals(&path.display().to_string(), &bytes)?)
}

fn setting(options: &CheckOptions, imported: &Imported) -> Setting {
    let budget = Budget::default();
    Setting {
        model: options
            .model
            .unwrap_or_else(|| check::model_of(&imported.history)),
        initial: options.initial.clone().0,
        null_read: options.null_read.into(),
        order: options.order,
        budget: Budget {
            states: options.budget_states.unwrap_or(budget.states),
            ..budget
        },
        ..Setting::default()
    }
}

fn terms(options: &CheckOptions, asked: Asked) -> anyhow::Result<Terms> {
    match asked {
        Asked::One(judge) if judge.terms.is_empty() && !options.terms.is_empty() => {
            bail!("{} has no terms: it holds or it falls", judge.name)
        }
        Asked::One(judge) => Ok(file::terms_of(judge, &options.terms)?),
        Asked::Ladder if options.terms.is_empty() => Ok(Terms::default()),
        Asked::Ladder => bail!("terms are those of one guarantee, and all of them are asked for"),
    }
}

/// A line of a file, if it can be read again, as standard input can't.
fn nth_line(path: &Path, number: usize) -> Option<String> {
    let file = File::open(path)
        .ok()
        .filter(|file| file.metadata().is_ok_and(|it| it.is_file()))?;
    let line = BufReader::new(file)
        .split(b'\n')
        .nth(number.checked_sub(1)?)?
        .ok()?;
    Some(String::from_utf8_lossy(&line).into_owned())
}
