//! Going through the states: all of them where they are few, a sample where they are many.

use std::collections::BTreeMap;

use super::draw;
use super::state::{ChangeState, CrashState, FileState, Fill};
use super::{CrashImages, CrashPolicy, OpenFile};
use crate::Stream;
use crate::disk::inode::RedoChange;

/// The garbage of enumerated states; which bytes it is does not matter, as long as they are not what was written.
const GARBAGE: Fill = Fill::Garbage(0x5EED);

/// How a file's content is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grain {
    /// Each change is lost or whole; of one that made the file longer, the length may survive alone.
    Changes,
    /// Each sector has any of its versions, and each length survives by itself.
    Sectors,
}

/// How many ways there are to decide each thing that is to be decided, one after the other.
struct Radixes(Vec<u64>);

/// What was decided, in the same order.
struct Digits<'a>(std::slice::Iter<'a, u64>);

impl CrashImages {
    /// How many states there are, by whole changes and by sectors; `None`: more than 2⁶⁴.
    pub fn state_count(&self) -> Option<u64> {
        let changes = self.radixes(Grain::Changes).product()?;
        changes.checked_add(self.radixes(Grain::Sectors).product()?)
    }

    /// The states that the crash may leave: all of them, once by whole changes and once by sectors, if they are at most
    /// `limit`. Otherwise `limit` drawn ones: first what is simplest to tell, nothing and everything, then all the
    /// policies in turn. With garbage as well as zeros wherever a file may have become longer.
    pub fn states<'a>(
        &'a self,
        limit: u64,
        random: &'a mut Stream,
    ) -> Box<dyn Iterator<Item = CrashState> + 'a> {
        if self.state_count().is_some_and(|count| count <= limit) {
            let of = |grain| self.enumerate(grain);
            return Box::new(of(Grain::Changes).chain(of(Grain::Sectors)));
        }
        let policies = CrashPolicy::CATALOG.iter().map(|(_, policy)| *policy);
        let drawn = policies.cycle().map(|policy| self.draw(policy, random));
        Box::new(drawn.take(usize::try_from(limit).unwrap_or(usize::MAX)))
    }

    fn enumerate(&self, grain: Grain) -> impl Iterator<Item = CrashState> + '_ {
        let radixes = self.radixes(grain);
        let mut next = Some(vec![0; radixes.0.len()]);
        std::iter::from_fn(move || {
            let digits = next.take()?;
            let state = self.decide(grain, &mut Digits(digits.iter()));
            next = radixes.after(digits);
            Some(state)
        })
    }

    fn radixes(&self, grain: Grain) -> Radixes {
        let mut radixes = Vec::new();
        for file in &self.files {
            file.radixes(grain, &mut radixes);
        }
        radixes.extend(self.names.iter().map(|_| 2));
        Radixes(radixes)
    }

    fn decide(&self, grain: Grain, digits: &mut Digits<'_>) -> CrashState {
        let files = self.files.iter();
        CrashState {
            files: files.map(|file| file.decide(grain, digits)).collect(),
            names: self.names.iter().map(|_| digits.next() == 1).collect(),
        }
    }
}

impl OpenFile {
    fn radixes(&self, grain: Grain, radixes: &mut Vec<u64>) {
        match grain {
            Grain::Changes => {
                let ways = |change| if extends(change) { 3 } else { 2 };
                radixes.extend(self.choices().map(ways));
            }
            Grain::Sectors => {
                let versions = draw::writes_by_sector(self).into_values();
                radixes.extend(versions.map(|writes| writes + 1));
                radixes.extend(
                    self.choices()
                        .filter(|change| has_length(change))
                        .map(|_| 2),
                );
            }
        }
        if self.choices().any(extends) {
            radixes.push(2);
        }
    }

    fn decide(&self, grain: Grain, digits: &mut Digits<'_>) -> FileState {
        let changes = match grain {
            Grain::Changes => self
                .choices()
                .map(|change| match digits.next() {
                    0 => ChangeState::lost(),
                    1 => draw::whole(change),
                    _ => ChangeState::length_only(),
                })
                .collect(),
            Grain::Sectors => {
                let versions: BTreeMap<u64, u64> = draw::writes_by_sector(self)
                    .into_keys()
                    .map(|sector| (sector, digits.next()))
                    .collect();
                draw::at_versions(self, &versions, |change| {
                    has_length(change) && digits.next() == 1
                })
            }
        };
        let garbage = self.choices().any(extends) && digits.next() == 1;
        let fill = if garbage { GARBAGE } else { Fill::Zeros };
        FileState { changes, fill }
    }
}

/// Whether it is a write that made the file longer.
fn extends(change: &RedoChange) -> bool {
    match change {
        RedoChange::Write {
            len_before,
            offset,
            bytes,
        } => offset + bytes.len() as u64 > *len_before,
        RedoChange::SetLen { .. } | RedoChange::Damage(_) => false,
    }
}

/// Whether it changed the length of the file.
fn has_length(change: &RedoChange) -> bool {
    extends(change) || matches!(change, RedoChange::SetLen { .. })
}

impl Radixes {
    fn product(&self) -> Option<u64> {
        let mut radixes = self.0.iter();
        radixes.try_fold(1, |product: u64, radix| product.checked_mul(*radix))
    }

    /// The digits after these; `None` after the last.
    fn after(&self, mut digits: Vec<u64>) -> Option<Vec<u64>> {
        for (digit, radix) in digits.iter_mut().zip(&self.0) {
            *digit += 1;
            if *digit < *radix {
                return Some(digits);
            }
            *digit = 0;
        }
        None
    }
}

impl Digits<'_> {
    fn next(&mut self) -> u64 {
        *self.0.next().expect("a digit for each decision")
    }
}
