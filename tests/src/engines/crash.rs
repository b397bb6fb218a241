//! Every state a crash may leave, for each engine, with a bug or without.
//!
//! The harness stands in `scenarios`, for the command `seedbed store crash` uses it too; here are histories on simulated
//! disks alone, and engines with bugs.

use seedbed_protocols::storage::{EngineKind, Planted};
use seedbed_sim::{RecordingDisk, Seed, Stream, Syncs};

pub use seedbed_scenarios::store::crash::{History, Stage, check_image, check_opened, slow_disk};

use super::workload::tiny_options;
use super::{Subject, Violation};

/// What is run, and on what.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The engine.
    pub kind: EngineKind,
    /// A bug in it.
    pub planted: Planted,
    /// Whether the disk tells the truth about syncs.
    pub syncs: Syncs,
    /// Steps of each history.
    pub steps: usize,
}

impl Plan {
    /// An engine without a bug on an honest disk.
    pub fn of(kind: EngineKind) -> Self {
        Self {
            kind,
            planted: Planted::Nothing,
            syncs: Syncs::Honest,
            steps: 40,
        }
    }

    /// The history, the subject and the images of one seed. Returns how many images were opened.
    ///
    /// # Errors
    /// What was found wrong, with the seed.
    pub fn check_seed(&self, seed: u64) -> Result<usize, Violation> {
        let mut random = Stream::named(Seed(seed), "crash");
        let options = tiny_options(&mut random);
        let subject = Subject {
            kind: self.kind,
            options,
        }
        .with(self.planted);
        let mut disk = RecordingDisk::new(slow_disk());
        let place = format!("engine {}, seed {seed}", self.kind);
        History::run(&subject, &mut disk, &mut random, self.syncs, self.steps)
            .and_then(|history| history.check(&subject, &mut random))
            .map_err(|violation| violation.at(&place))
    }

    /// Checks seeds from `first` on until so many images were opened. Returns how many it were, and of how many seeds.
    ///
    /// # Errors
    /// What was found wrong first.
    pub fn check(&self, first: u64, images_min: usize) -> Result<(usize, u64), Violation> {
        let mut images = 0;
        let mut seed = first;
        while images < images_min {
            images += self.check_seed(seed)?;
            seed += 1;
        }
        Ok((images, seed - first))
    }
}
