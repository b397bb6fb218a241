//! `seedbed store`: a storage engine by itself, on a real directory.
//!
//! `scenarios` knows what a store is; here it is lent a real directory, files of rows are read, and answers are printed.
//! Nothing is made or changed before everything that is asked was found to make sense.

pub mod arguments;
mod bench;
mod crash;
mod load;
mod simulate;

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use seedbed_scenarios::draw::Theme;
use seedbed_scenarios::store::rows::{KeyValue, Spelling, line, spell, unspell};
use seedbed_scenarios::store::{Opening, Range, SCHEMA, Store, StoreError};
use seedbed_sim::FileDisk;
use serde_json::{Value, json};

use super::arguments::Format;
use super::exit::Exit;
use super::output::{OutputFile, print};

pub use arguments::{Command, EXAMPLES, Options};

use arguments::Told;

/// Does one command on a store.
pub(super) fn store(options: &Options, command: &Command) -> anyhow::Result<Exit> {
    if let Command::Simulate { options: asked } = command {
        if options.dir.is_some() {
            bail!("simulate works on no store; leave --dir out");
        }
        return simulate::simulate(asked);
    }
    let Some(dir) = &options.dir else {
        bail!("this command needs --dir DIR, the store's directory");
    };
    if let Command::Crash { options: asked } = command {
        return crash::crash(options, dir, asked);
    }
    if let Command::Bench { options: asked } = command {
        return bench::bench(options, dir, asked);
    }
    let request = Request {
        command,
        spelling: match options.hex {
            true => Spelling::Hex,
            false => Spelling::Text,
        },
        rows: Vec::new(),
        picture: None,
        is_durable: options.durability != arguments::Durability::Never,
    };
    let request = request.prepared()?;
    let opening = Opening {
        engine: options.engine.clone(),
        makes: matches!(command, Command::Put { .. } | Command::Load { .. }),
        salvages: options.salvage,
        durability: options.durability.into(),
    };
    let place = || format!("{}", dir.display());
    look(dir, &opening).with_context(place)?;
    let mut disk = FileDisk::open(dir)?;
    let mut store = match Store::open(&mut disk, &opening) {
        Ok(store) => store,
        Err(error) => return request.refused(error).with_context(place),
    };
    if let Some(told) = store.told_at_opening() {
        // Nobody has to listen.
        let _ = writeln!(io::stderr(), "{told}");
    }
    request.perform(&mut store).with_context(place)
}

/// Looks whether a directory can be opened like this, before anything in it is touched.
fn look(dir: &Path, opening: &Opening) -> anyhow::Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound && opening.makes => {
            return Ok(opening.check([])?);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("there is no such directory"),
        Err(error) => return Err(error.into()),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    let names = names.iter().map(String::as_str);
    Ok(opening.check(names.filter(|name| *name != FileDisk::LOCK_NAME))?)
}

/// Makes the directory, which must have nothing in it.
fn take_empty(dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir)?;
    if let Some(entry) = fs::read_dir(dir)?.next() {
        let name = entry?.file_name();
        bail!("this command needs an empty directory, and there is {name:?} in this one");
    }
    Ok(())
}

/// What is asked, and what was read for it.
struct Request<'a> {
    command: &'a Command,
    spelling: Spelling,
    rows: Vec<KeyValue>,
    picture: Option<OutputFile>,
    is_durable: bool,
}

impl Request<'_> {
    /// Reads and checks what the command needs besides the store: a file of rows is checked to its end before a store is
    /// made or changed for it.
    fn prepared(mut self) -> anyhow::Result<Self> {
        match self.command {
            Command::Put { key, value, .. } => {
                self.bytes(key)?;
                self.bytes(value)?;
            }
            Command::Get { key, .. } | Command::Delete { key, .. } => {
                self.bytes(key)?;
            }
            Command::Scan { from, to, .. } => {
                for key in [from, to].into_iter().flatten() {
                    self.bytes(key)?;
                }
            }
            Command::Load {
                file, input_format, ..
            } => self.rows = load::read_rows(file, *input_format, self.spelling)?,
            Command::Inspect { picture, .. } => self.picture = picture.file()?,
            _ => {}
        }
        Ok(self)
    }

    fn bytes(&self, text: &str) -> anyhow::Result<Vec<u8>> {
        unspell(text, self.spelling).map_err(|what| anyhow!(what))
    }

    /// The store can't be opened. For `verify` that is an answer, where damage is the reason.
    fn refused(&self, error: StoreError) -> anyhow::Result<Exit> {
        match self.command {
            Command::Verify { told } if error.is_damage() => damaged(&error, *told),
            _ => Err(error.into()),
        }
    }

    fn perform(&self, store: &mut Store<'_>) -> anyhow::Result<Exit> {
        match self.command {
            Command::Put { key, value, told } => {
                store.put(&self.bytes(key)?, &self.bytes(value)?)?;
                say(
                    *told,
                    "",
                    json!({ "key": key, "is_durable": self.is_durable }),
                )?;
            }
            Command::Get { key, told } => return self.get(store, key, *told),
            Command::Delete { key, told } => {
                if !store.delete(&self.bytes(key)?)? {
                    return absent(key, json!({ "key": key, "deleted": false }), *told);
                }
                say(*told, "", json!({ "key": key, "deleted": true }))?;
            }
            Command::Scan {
                from,
                to,
                limit,
                reverse,
            } => {
                let bytes = |key: &Option<String>| key.as_deref().map(|key| self.bytes(key));
                let range = Range {
                    from: bytes(from).transpose()?,
                    to: bytes(to).transpose()?,
                    limit: *limit,
                    is_backward: *reverse,
                };
                scan(store, &range, self.spelling)?;
            }
            Command::Load {
                acknowledge, told, ..
            } => load::load(store, &self.rows, *acknowledge, self.is_durable, *told)?,
            Command::Stats { told } => tell(*told, &store.stats_text(), &store.stats_json())?,
            Command::Inspect { told, .. } => {
                if let Some(file) = &self.picture {
                    let svg = store.inspection_svg(Theme::Auto);
                    file.write(|out| out.write_all(svg.as_bytes()))?;
                }
                tell(*told, &store.inspection_text(), &store.inspection_json())?;
            }
            Command::Verify { told } => match store.verify() {
                Ok(()) => say(*told, "the store is sound\n", json!({ "is_sound": true }))?,
                Err(error) if error.is_damage() => return damaged(&error, *told),
                Err(error) => return Err(error.into()),
            },
            Command::Dump { told } => dump(store, *told)?,
            Command::Bench { .. } | Command::Crash { .. } | Command::Simulate { .. } => {
                unreachable!("they work on no store that is there")
            }
            Command::Compact { told } => {
                let bytes = store.compact()?;
                let text = format!("read and wrote {bytes} bytes\n{}", store.stats_text());
                say(
                    *told,
                    &text,
                    json!({ "bytes": bytes, "stats": store.stats_json() }),
                )?;
            }
        }
        Ok(Exit::Done)
    }

    fn get(&self, store: &mut Store<'_>, key: &str, told: Told) -> anyhow::Result<Exit> {
        let Some(value) = store.get(&self.bytes(key)?)? else {
            return absent(key, json!({ "key": key, "value": null }), told);
        };
        let text = spell(&value, self.spelling);
        let text = text.context("the value is no text; --hex prints it as digits")?;
        say(
            told,
            &format!("{text}\n"),
            json!({ "key": key, "value": text }),
        )?;
        Ok(Exit::Done)
    }
}

/// Prints an answer, which gets the schema's version as JSON.
fn say(told: Told, text: &str, mut answer: Value) -> anyhow::Result<()> {
    answer["schema"] = SCHEMA.into();
    tell(told, text, &answer)
}

fn tell(told: Told, text: &str, answer: &Value) -> anyhow::Result<()> {
    match told.format {
        Format::Text => print(text),
        Format::Json => print(&format!("{answer}\n")),
    }
}

fn absent(key: &str, answer: Value, told: Told) -> anyhow::Result<Exit> {
    let _ = writeln!(io::stderr(), "there is no key {key:?}");
    say(told, "", answer)?;
    Ok(Exit::NotAsExpected)
}

fn damaged(error: &StoreError, told: Told) -> anyhow::Result<Exit> {
    let text = error.to_string();
    let answer = json!({ "is_sound": false, "damage": text });
    say(told, &format!("the store is damaged: {text}\n"), answer)?;
    Ok(Exit::NotAsExpected)
}

fn scan(store: &mut Store<'_>, range: &Range, spelling: Spelling) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut written: anyhow::Result<()> = Ok(());
    store.scan(range, |key, value| {
        written = line(key, value, spelling)
            .map_err(|what| anyhow!(what))
            .and_then(|line| Ok(writeln!(out, "{line}")?));
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    written?;
    out.flush()?;
    Ok(())
}

/// Prints the files line by line, as JSON a text for each.
fn dump(store: &mut Store<'_>, told: Told) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    store.dump(|line| {
        if written.is_ok() {
            written = match told.format {
                Format::Text => writeln!(out, "{line}"),
                Format::Json => writeln!(out, "{}", Value::from(line)),
            };
        }
    })?;
    written.and_then(|()| out.flush())?;
    Ok(())
}
