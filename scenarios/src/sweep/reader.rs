//! Reading a sweep's file, line by line.

use super::{Header, Line, Until};

/// Checks a sweep's file while its lines come by: that each is a line, that they are in the order of seeds without gaps,
/// and that nothing follows where the sweep has seen enough.
#[derive(Clone, Debug)]
pub struct Reader {
    header: Header,
    next_seed: u64,
    found_first: bool,
}

impl Reader {
    /// Begins with a file's header.
    pub fn new(header: Header) -> Self {
        Self {
            next_seed: header.own_seeds().from,
            header,
            found_first: false,
        }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The seed whose line comes next, or would.
    pub fn next_seed(&self) -> u64 {
        self.next_seed
    }

    /// Whether every line has come that belongs into the file.
    pub fn is_complete(&self) -> bool {
        self.found_first || self.next_seed == self.header.own_seeds().to
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// When it is no line of a sweep, or not the one that belongs here.
    pub fn take(&mut self, text: &str) -> Result<Line, String> {
        let line = Line::from_json(text)?;
        if self.is_complete() {
            let why = match self.found_first {
                true => "it ends at the first seed that fails, which was the one before".to_owned(),
                false => format!("its seeds are {}", self.header.own_seeds()),
            };
            return Err(format!(
                "seed {} does not belong into this file: {why}",
                line.seed
            ));
        }
        if line.seed != self.next_seed {
            return Err(format!(
                "seed {} stands where seed {} belongs",
                line.seed, self.next_seed
            ));
        }
        self.next_seed += 1;
        self.found_first = self.header.until == Until::First && line.failing;
        Ok(line)
    }
}
