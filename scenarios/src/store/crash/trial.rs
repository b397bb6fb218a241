//! Histories on a real directory, and crash images of what was asked of it.
//!
//! A crash of a process is easily had on a real machine, a loss of power is not. So the operations that an engine asks of a
//! real directory go to a simulated disk too, which knows which of them a power loss may undo. The images are opened in
//! memory, all of them, and now and then one is put into a real directory and opened there.

use seedbed_protocols::storage::{EngineError, EngineKind};
use seedbed_sim::{Disk, Seed, SimDisk, Stream, Syncs};
use serde_json::{Value, json};

use super::super::{Opening, SCHEMA, StoreError};
use super::workload::tiny_options;
use super::{History, Model, Subject, TeeDisk, Violation, check_opened, put_into};

/// Of the operations of a history, an image of one in so many is opened in a real directory too.
const REAL_EVERY: usize = 25;

/// What to try.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    kind: EngineKind,
    /// Images to open, at least.
    pub images: u64,
    /// Steps of each history.
    pub steps: usize,
    /// The seed of the first history; each has one of its own.
    pub seed: u64,
    /// Whether syncs make durable what they say. Where they lie, acknowledged writes are lost, and that must be found.
    pub syncs: Syncs,
}

/// What came of a trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    engine: String,
    histories: u64,
    operations: u64,
    images: u64,
    real_images: u64,
    violation: Option<(u64, Violation)>,
}

impl Trial {
    /// A trial of the engine that is named.
    ///
    /// # Errors
    /// When there is no such engine, or none is named.
    pub fn of(engine: Option<&str>) -> Result<Self, StoreError> {
        let opening = Opening {
            engine: engine.map(str::to_owned),
            ..Opening::default()
        };
        Ok(Self {
            kind: opening.kind()?.ok_or(StoreError::NoEngine)?,
            images: 10_000,
            steps: 40,
            seed: 1,
            syncs: Syncs::Honest,
        })
    }

    /// Runs it. `make` gives a real disk with nothing on it, each time another; `progress` is told how many images were opened.
    ///
    /// # Errors
    /// When a disk can't be had, as `make` says it. What is wrong with the engine is in the report.
    pub fn run<D: Disk + 'static, E>(
        &self,
        make: &mut impl FnMut() -> Result<D, E>,
        mut progress: impl FnMut(u64),
    ) -> Result<Report, E> {
        let mut report = Report {
            engine: self.kind.name().to_owned(),
            ..Report::default()
        };
        let mut seed = self.seed;
        while report.images < self.images && report.violation.is_none() {
            let mut random = Stream::named(Seed(seed), "store crash");
            let subject = Subject {
                kind: self.kind,
                options: tiny_options(&mut random),
            };
            let mut disk = TeeDisk::new(Box::new(make()?));
            let found = self.history(&subject, &mut disk, &mut random, make, &mut report)?;
            report.histories += 1;
            report.violation = found.err().map(|violation| (seed, violation));
            progress(report.images);
            seed = seed.wrapping_add(1);
        }
        Ok(report)
    }

    fn history<D: Disk, E>(
        &self,
        subject: &Subject,
        disk: &mut TeeDisk,
        random: &mut Stream,
        make: &mut impl FnMut() -> Result<D, E>,
        report: &mut Report,
    ) -> Result<Result<(), Violation>, E> {
        let history = match History::run(subject, disk, random, self.syncs, self.steps) {
            Ok(history) => history,
            Err(violation) => return Ok(Err(violation)),
        };
        report.operations += history.boundary_count() as u64;
        match history.check(subject, random) {
            Ok(images) => report.images += images as u64,
            Err(violation) => return Ok(Err(violation)),
        }
        for at in (0..history.boundary_count()).step_by(REAL_EVERY) {
            let (mut image, legal) = history.draw_image(at, random);
            let mut real = make()?;
            if let Err(violation) = check_real(subject, &mut image, &mut real, legal) {
                let place = format!("operation {at}, opened in a real directory");
                return Ok(Err(violation.at(&place)));
            }
            report.real_images += 1;
        }
        Ok(Ok(()))
    }
}

fn check_real(
    subject: &Subject,
    image: &mut SimDisk,
    real: &mut dyn Disk,
    legal: &[Model],
) -> Result<(), Violation> {
    put_into(image, real).map_err(EngineError::from)?;
    let mut engine = subject.open(real)?;
    check_opened(subject, &mut *engine, real, legal)
}

impl Report {
    /// Whether every image was as it must be.
    pub fn holds(&self) -> bool {
        self.violation.is_none()
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "engine {}: {} histories with {} operations on a real directory; {} crash images opened, {} of them there\n",
            self.engine,
            self.histories,
            self.operations,
            self.images + self.real_images,
            self.real_images
        );
        text += &match &self.violation {
            None => {
                "every image holds what was durable, whole batches, and nothing else\n".to_owned()
            }
            Some((seed, violation)) => format!("seed {seed} is violated: {}\n", violation.0),
        };
        text
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let violation = self.violation.as_ref();
        json!({
            "schema": SCHEMA,
            "engine": self.engine,
            "histories": self.histories,
            "operations": self.operations,
            "images": self.images,
            "real_images": self.real_images,
            "violation": violation.map(|(seed, it)| json!({ "seed": seed, "what": it.0 })),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use seedbed_sim::DiskConfig;

    use super::super::super::engines;
    use super::*;

    /// A disk that takes the place of a real one.
    fn make() -> Result<SimDisk, Infallible> {
        Ok(SimDisk::new(DiskConfig::instant()))
    }

    #[test]
    fn every_engine_survives_a_trial_and_says_how_far_it_went() {
        for engine in engines() {
            let mut trial = Trial::of(Some(engine)).unwrap();
            trial.images = 300;
            trial.steps = 20;
            let mut told = 0;
            let report = trial.run(&mut make, |images| told = images).unwrap();
            assert!(report.holds(), "{}", report.to_text());
            assert!(told >= 300 && report.real_images > 0, "{report:?}");
            assert_eq!(report.to_json()["violation"], Value::Null);
        }
        assert_eq!(Trial::of(None).unwrap_err(), StoreError::NoEngine);
        assert!(Trial::of(Some("abacus")).is_err());
    }

    #[test]
    fn a_trial_on_a_lying_disk_finds_it_out_and_names_the_seed() {
        for engine in engines() {
            let mut trial = Trial::of(Some(engine)).unwrap();
            trial.images = 3000;
            trial.syncs = Syncs::Lying;
            let report = trial.run(&mut make, |_| {}).unwrap();
            assert!(!report.holds(), "{engine}");
            let (seed, _) = report.violation.clone().unwrap();
            trial.seed = seed;
            let again = trial.run(&mut make, |_| {}).unwrap();
            assert_eq!(again.violation, report.violation, "the seed replays it");
            assert_eq!(again.histories, 1);
        }
    }
}
