//! One flipped bit in every byte of a small store: the right answer or a typed error, never a wrong answer.

use seedbed_protocols::storage::{
    Durability, Engine, EngineError, EngineKind, EngineOptions, Planted,
};
use seedbed_sim::{Disk, OpenMode, Seed, SimDisk, Stream};

use super::crash::slow_disk;
use super::workload::{Mix, apply, tiny_options};
use super::{Model, Subject, Violation, content, difference};

/// What flipping bits has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flips {
    /// Bits that were flipped, one in each byte of each file.
    pub flipped: u64,
    /// Stores that were refused when they were opened again.
    pub refused: u64,
}

/// Flips a bit in every byte of the store that one seed makes.
///
/// # Errors
/// A wrong answer, and where.
pub fn check_seed(kind: EngineKind, planted: Planted, seed: u64) -> Result<Flips, Violation> {
    let mut random = Stream::named(Seed(seed), "flips");
    // What was never synced may be taken for torn, by a flipped bit as by a crash.
    let options = EngineOptions {
        durability: Durability::Group,
        ..tiny_options(&mut random)
    };
    let subject = Subject { kind, options }.with(planted);
    let (disk, mut engine, model) = small_store(&subject, &mut random)?;
    let mut flips = Flips::default();
    for name in disk.clone().list().map_err(EngineError::from)? {
        let bytes = with_file(&mut disk.clone(), &name, Disk::len)?;
        for offset in 0..bytes {
            let place = || format!("engine {kind}, seed {seed}, byte {offset} of {name:?}");
            let mut disk = disk.clone();
            with_file(&mut disk, &name, |disk, file| {
                let mut byte = [0];
                disk.read_at(file, offset, &mut byte)?;
                byte[0] ^= 1 << random.below(8);
                disk.write_at(file, offset, &byte)?;
                disk.sync(file)
            })?;
            flips.flipped += 1;
            let mut open = engine.clone_box();
            check_answers(&mut *open, &mut disk, &model)
                .map_err(|violation| violation.at("while it is open").at(&place()))?;
            match subject.open(&mut disk) {
                Ok(mut again) => check_answers(&mut *again, &mut disk, &model)
                    .map_err(|violation| violation.at("opened again").at(&place()))?,
                Err(EngineError::Corrupt { .. } | EngineError::Format { .. }) => flips.refused += 1,
                Err(other) => return Err(Violation::from(other).at(&place())),
            }
        }
    }
    check_answers(&mut *engine, &mut disk.clone(), &model)?;
    Ok(flips)
}

/// A store of a few rows whose files have been through background work.
fn small_store(
    subject: &Subject,
    random: &mut Stream,
) -> Result<(SimDisk, Box<dyn Engine>, Model), Violation> {
    let mut disk = slow_disk();
    let mut model = Model::new();
    let mix = Mix {
        keys: 8,
        value_bytes_max: 60,
    };
    let mut engine = subject.open(&mut disk)?;
    for step in 0..14 {
        let batch = mix.batch(random, step);
        apply(&mut model, &batch);
        engine.write(&mut disk, &batch)?;
        if step == 9 {
            engine.maintain(&mut disk, u64::MAX)?;
        }
    }
    engine.sync(&mut disk)?;
    engine.verify(&mut disk)?;
    Ok((disk, engine, model))
}

fn with_file<T>(
    disk: &mut SimDisk,
    name: &str,
    body: impl FnOnce(&mut SimDisk, seedbed_sim::FileHandle) -> Result<T, seedbed_sim::DiskError>,
) -> Result<T, EngineError> {
    let file = disk.open(name, OpenMode::Existing)?;
    let result = body(disk, file)?;
    disk.close(file)?;
    Ok(result)
}

/// Whatever is answered is right.
fn check_answers(
    engine: &mut dyn Engine,
    disk: &mut SimDisk,
    model: &Model,
) -> Result<(), Violation> {
    for number in 0..8 {
        let key = bytes::Bytes::from(format!("k{number}"));
        match engine.get(disk, &key, None) {
            Ok(got) if got.as_ref() == model.get(&key) => {}
            Err(EngineError::Corrupt { .. } | EngineError::Format { .. }) => {}
            Ok(got) => return Err(Violation(format!("get {key:?} gave {got:?}"))),
            Err(other) => return Err(other.into()),
        }
    }
    match content(engine, disk, None, 3) {
        Ok(found) if found == *model => Ok(()),
        Err(EngineError::Corrupt { .. } | EngineError::Format { .. }) => Ok(()),
        Ok(found) => Err(Violation(format!("a scan: {}", difference(&found, model)))),
        Err(other) => Err(other.into()),
    }
}
