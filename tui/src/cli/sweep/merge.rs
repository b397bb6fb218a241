//! `seedbed merge`: shards become one sweep again.

use std::io;
use std::path::PathBuf;

use anyhow::bail;
use seedbed_scenarios::sweep::{Header, Line, Reader, Tally, Until, merge};

use super::file::Lines;
use crate::cli::output::OutputFile;

/// A file of lines, its header read.
struct Part {
    name: String,
    header: Header,
    lines: Lines,
}

/// Reads all files, checks them, writes them to `out` as one, and counts their lines.
///
/// # Errors
/// When files do not go together, one is not complete, or a line is wrong: with file and line. Then nothing is written.
pub(super) fn merge_files(paths: &[PathBuf], out: Option<&OutputFile>) -> anyhow::Result<Tally> {
    let mut parts = Vec::new();
    for path in paths {
        let mut lines = Lines::open(path)?;
        parts.push(Part {
            name: path.display().to_string(),
            header: lines.header()?,
            lines,
        });
    }
    let names = parts.iter().map(|p| (p.name.clone(), p.header.clone()));
    let plan = merge::plan(&names.collect::<Vec<_>>())?;
    let mut tally = Tally::new(plan.whole.clone());
    let Some(out) = out else {
        copy(&plan, &mut parts, &mut tally, &mut |_| Ok(()))?;
        return Ok(tally);
    };
    // What is wrong in a file that is read is not the fault of the one that is written.
    let (mut unread, mut unwritten) = (None, None);
    let written = out.write(|out| {
        let mut emit = |line: &str| {
            let added = writeln!(out, "{line}");
            added.map_err(|error| {
                unwritten = Some(error);
                anyhow::anyhow!("the file can't be written")
            })
        };
        copy(&plan, &mut parts, &mut tally, &mut emit).map_err(|error| {
            unwritten.take().unwrap_or_else(|| {
                unread = Some(error);
                io::Error::other("what is merged is wrong")
            })
        })
    });
    match unread {
        Some(error) => Err(error),
        None => written.map(|()| tally),
    }
}

fn copy(
    plan: &merge::Plan,
    parts: &mut [Part],
    tally: &mut Tally,
    emit: &mut dyn FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    emit(&plan.whole.to_json())?;
    let mut is_enough = false;
    for index in &plan.order {
        let part = &mut parts[*index];
        let mut reader = Reader::new(part.header.clone());
        let mut number = 1;
        while let Some(raw) = part.lines.next()? {
            number = raw.number;
            if !raw.is_whole {
                bail!(
                    "{}:{number}: the file ends in the middle of a line: go on with it by --resume",
                    part.name
                );
            }
            let line: Line = match reader.take(&raw.text) {
                Ok(line) => line,
                Err(why) => bail!("{}:{number}: {why}", part.name),
            };
            // Later shards could not know that an earlier one would find the first; they are checked all the same.
            if !is_enough {
                emit(&raw.text)?;
                tally.add(&line);
            }
            is_enough |= plan.whole.until == Until::First && line.failing;
        }
        if let Some(why) = merge::missing(&reader) {
            bail!("{}:{number}: {why}", part.name);
        }
    }
    Ok(())
}
