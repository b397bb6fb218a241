//! From a workload to operations.

use bytes::Bytes;
use seedbed_sim::{Seed, Stream, ZipfError};

use super::{Chooser, Kind, Names, Workload};

/// Bytes of a key.
pub const KEY_BYTES: usize = 16;

/// Bytes of random data that values are cut from.
const POOL_BYTES: usize = 1 << 20;
/// Random bytes that come twice.
const PIECE_BYTES: usize = 50;
const SEEK_ROWS: usize = 10;
const SCAN_ROWS_MAX: u64 = 100;

/// How large a workload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Keys, at least 1.
    pub keys: u64,
    /// Bytes of a value, at most [`Sizes::VALUE_BYTES_MAX`].
    pub value_bytes: usize,
}

impl Sizes {
    /// The longest value.
    pub const VALUE_BYTES_MAX: usize = POOL_BYTES / 2;
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Read a key.
    Get {
        /// The key.
        key: Bytes,
        /// Whether it is there.
        is_there: bool,
    },
    /// Write a key.
    Put {
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
    /// Read a key, and then write it.
    ReadModifyWrite {
        /// The key, which is there.
        key: Bytes,
        /// The value to write.
        value: Bytes,
    },
    /// Read rows in order.
    Scan {
        /// From this key on, which is there.
        from: Bytes,
        /// At most so many.
        rows: usize,
    },
}

/// The operations of a workload.
#[derive(Clone, Debug)]
pub struct Generator {
    workload: Workload,
    /// Keys that the workload knows of.
    keys: u64,
    value_bytes: usize,
    chooser: Chooser,
    choices: Stream,
    mix: Stream,
    pool: Vec<u8>,
    /// Where the next value is cut from the pool.
    at: usize,
}

impl Generator {
    /// The generator of a workload.
    ///
    /// # Errors
    /// When there are no keys, or too many for the workload's law.
    pub fn new(workload: &Workload, sizes: Sizes, seed: Seed) -> Result<Self, ZipfError> {
        let stream = |of: &str| Stream::named(seed, &format!("workload/{}/{of}", workload.name));
        let mut values = stream("values");
        let mut pool = Vec::with_capacity(POOL_BYTES + 2 * PIECE_BYTES);
        while pool.len() < POOL_BYTES {
            let piece: Vec<u8> = (0..PIECE_BYTES).map(|_| values.next_u64() as u8).collect();
            pool.extend_from_slice(&piece);
            pool.extend_from_slice(&piece);
        }
        Ok(Self {
            workload: *workload,
            keys: sizes.keys,
            value_bytes: sizes.value_bytes.min(Sizes::VALUE_BYTES_MAX),
            chooser: Chooser::new(workload.popularity, sizes.keys)?,
            choices: stream("keys"),
            mix: stream("mix"),
            pool,
            at: 0,
        })
    }

    /// How many keys it knows of by now.
    pub fn key_count(&self) -> u64 {
        self.keys
    }

    /// The row of a key, for what is to be there at the beginning.
    pub fn row(&mut self, number: u64) -> (Bytes, Bytes) {
        (self.key(number), self.value())
    }

    /// What to do next.
    pub fn next_operation(&mut self) -> Operation {
        match self.kind() {
            Kind::Read => Operation::Get {
                key: self.chosen(),
                is_there: true,
            },
            Kind::ReadMissing => {
                // Right after a key that is there, so that no bounds of a file give it away.
                let mut key = self.chosen().to_vec();
                key.push(b'.');
                Operation::Get {
                    key: key.into(),
                    is_there: false,
                }
            }
            Kind::Write => Operation::Put {
                key: self.chosen(),
                value: self.value(),
            },
            Kind::Insert => {
                self.keys += 1;
                Operation::Put {
                    key: self.key(self.keys - 1),
                    value: self.value(),
                }
            }
            Kind::ReadModifyWrite => Operation::ReadModifyWrite {
                key: self.chosen(),
                value: self.value(),
            },
            Kind::Seek => Operation::Scan {
                from: self.chosen(),
                rows: SEEK_ROWS,
            },
            Kind::Scan => Operation::Scan {
                from: self.chosen(),
                rows: 1 + self.mix.below(SCAN_ROWS_MAX) as usize,
            },
        }
    }

    fn kind(&mut self) -> Kind {
        if let [(only, _)] = self.workload.mix {
            return *only;
        }
        let mut drawn = self.mix.below(100) as u32;
        for (kind, percent) in self.workload.mix {
            if drawn < *percent {
                return *kind;
            }
            drawn -= percent;
        }
        unreachable!("a mix adds up to a hundred")
    }

    fn chosen(&mut self) -> Bytes {
        let number = self.chooser.pick(self.keys, &mut self.choices);
        self.key(number)
    }

    fn key(&self, number: u64) -> Bytes {
        let name = match self.workload.names {
            Names::Ordered => format!("{number:0KEY_BYTES$}"),
            Names::Hashed => format!("{:0KEY_BYTES$x}", scramble(number)),
        };
        name.into()
    }

    fn value(&mut self) -> Bytes {
        if self.at + self.value_bytes > self.pool.len() {
            self.at = 0;
        }
        let value = &self.pool[self.at..self.at + self.value_bytes];
        self.at += self.value_bytes;
        Bytes::copy_from_slice(value)
    }
}

/// Another number for each number: the finish of SplitMix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number
/// Generators*, OOPSLA 2014), each step of which can be undone.
fn scramble(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
