//! Loading a file of rows.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use seedbed_scenarios::store::Store;
use seedbed_scenarios::store::rows::{Form, KeyValue, Spelling, read};
use serde_json::json;

use super::arguments::{InputFormat, Told};
use super::say;

/// What stands for standard input.
const STDIN: &str = "-";

/// Reads a file of rows, or standard input, and checks it to its end.
pub(super) fn read_rows(
    path: &Path,
    format: Option<InputFormat>,
    spelling: Spelling,
) -> anyhow::Result<Vec<KeyValue>> {
    let (name, bytes) = if path.as_os_str() == STDIN {
        if io::stdin().is_terminal() {
            bail!("rows are expected on standard input, and that is a terminal");
        }
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut bytes);
        read.context("can't read standard input")?;
        ("standard input".to_owned(), bytes)
    } else {
        let name = path.display().to_string();
        let bytes = fs::read(path).with_context(|| format!("can't read {name}"))?;
        (name, bytes)
    };
    let form = match format {
        Some(InputFormat::Jsonl) => Form::JsonLines,
        Some(InputFormat::Csv) => Form::Csv,
        None => found_out(path, &bytes),
    };
    Ok(read(&name, &bytes, form, spelling)?)
}

/// By the file's name if that says it, and else by how it begins.
fn found_out(path: &Path, bytes: &[u8]) -> Form {
    let extension = path.extension().and_then(|it| it.to_str());
    let is_csv = match extension {
        Some("csv") => true,
        Some("jsonl" | "ndjson" | "json") => false,
        _ => bytes.trim_ascii_start().starts_with(b"key"),
    };
    if is_csv { Form::Csv } else { Form::JsonLines }
}

/// Writes the rows, with progress where somebody looks.
pub(super) fn load(
    store: &mut Store<'_>,
    rows: &[KeyValue],
    acknowledges: bool,
    is_durable: bool,
    told: Told,
) -> anyhow::Result<()> {
    let bar = if io::stderr().is_terminal() {
        ProgressBar::new(rows.len() as u64)
    } else {
        ProgressBar::hidden()
    };
    let state = if is_durable { "durable" } else { "written" };
    let mut written = Ok(());
    store.load(rows, |count| {
        bar.set_position(count as u64);
        if acknowledges && written.is_ok() {
            let answer = json!({ "rows": count, "is_durable": is_durable });
            written = say(told, &format!("{count} rows are {state}\n"), answer);
        }
    })?;
    bar.finish_and_clear();
    written?;
    let count = rows.len();
    let answer = json!({ "rows": count, "is_durable": is_durable });
    say(told, &format!("loaded {count} rows\n"), answer)
}
