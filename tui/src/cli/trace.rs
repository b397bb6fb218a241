//! A run's trace as a file: [JSON Lines](jsonl), or [what Perfetto opens](chrome).

use std::io::{self, Write};

use seedbed_scenarios::export::{chrome, jsonl};
use seedbed_scenarios::session::Session;

use super::arguments::TraceFormat;

/// Writes the trace of a run.
pub(super) fn write(
    out: &mut dyn Write,
    format: TraceFormat,
    session: &dyn Session,
) -> io::Result<()> {
    match format {
        TraceFormat::Jsonl => write_lines(out, jsonl::lines(session)),
        TraceFormat::Chrome => write_lines(out, chrome::lines(session)),
    }
}

fn write_lines(out: &mut dyn Write, lines: impl Iterator<Item = String>) -> io::Result<()> {
    for line in lines {
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
