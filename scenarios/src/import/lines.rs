//! A file cut into its lines, in whatever pieces its bytes come.

use crate::file::diagnostic::{Origin, Problem};

use super::{Mistake, PIECE_BYTES_MAX};

/// Gathers bytes until a line is whole.
#[derive(Debug)]
pub(super) struct Lines {
    partial: Vec<u8>,
    next: Origin,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            partial: Vec::new(),
            next: Origin::START,
        }
    }
}

impl Lines {
    /// Hands each line that becomes whole to `take`, without its end; blank ones are left out.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&str, Origin) -> Result<(), Problem>,
    ) -> Result<(), Box<Mistake>> {
        while let Some(length) = bytes.iter().position(|&byte| byte == b'\n') {
            let (line, rest) = bytes.split_at(length + 1);
            bytes = rest;
            if self.partial.is_empty() {
                self.take(&line[..length], &mut take)?;
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(&line[..length]);
                self.take(&whole, &mut take)?;
                whole.clear();
                self.partial = whole;
            }
        }
        self.partial.extend_from_slice(bytes);
        if self.partial.len() > PIECE_BYTES_MAX {
            let problem = Problem::new(0..0, "the line is too long")
                .expected(format!("at most {PIECE_BYTES_MAX} bytes"));
            return Err(Mistake::new(problem, "", self.next));
        }
        Ok(())
    }

    /// The last line, which may have no end. Returns where the file ends.
    pub(super) fn finish(
        mut self,
        mut take: impl FnMut(&str, Origin) -> Result<(), Problem>,
    ) -> Result<Origin, Box<Mistake>> {
        let last = std::mem::take(&mut self.partial);
        if last.is_empty() {
            // The line before is the last one.
            self.next.line = (self.next.line - 1).max(1);
            return Ok(self.next);
        }
        let origin = self.next;
        self.take(&last, &mut take)?;
        Ok(origin)
    }

    fn take(
        &mut self,
        line: &[u8],
        take: &mut impl FnMut(&str, Origin) -> Result<(), Problem>,
    ) -> Result<(), Box<Mistake>> {
        let origin = self.next;
        self.next.line += 1;
        self.next.offset += line.len() + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = as_text(line, origin)?;
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        take(text, origin).map_err(|problem| Mistake::new(problem, text, origin))
    }
}

/// Bytes as text.
pub(super) fn as_text(bytes: &[u8], origin: Origin) -> Result<&str, Box<Mistake>> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = error.valid_up_to();
        let shown = String::from_utf8_lossy(bytes);
        let problem = Problem::new(good..good + 1, "this is not UTF-8 text");
        Mistake::new(problem, &shown, origin)
    })
}
