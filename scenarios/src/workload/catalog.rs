//! The workloads that everybody knows.

use super::Popularity;

/// A workload.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Its name, as the command line has it.
    pub name: &'static str,
    /// One line on it.
    pub about: &'static str,
    /// What it finds.
    pub begins: Begins,
    /// What it does, with how many of a hundred operations each takes.
    pub mix: &'static [(Kind, u32)],
    /// How often each key is asked for.
    pub popularity: Popularity,
    /// How keys are spelt.
    pub names: Names,
}

/// What a workload finds at its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// Nothing.
    Empty,
    /// A row for every key.
    Loaded,
}

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads a key that is there.
    Read,
    /// Reads a key that is not there, between two that are.
    ReadMissing,
    /// Writes one of the keys, whether it is there or not.
    Write,
    /// Writes a key that was never there.
    Insert,
    /// Reads a key and writes it.
    ReadModifyWrite,
    /// Reads rows in order from a key on: ten.
    Seek,
    /// Reads rows in order from a key on: 1 to 100.
    Scan,
}

/// How keys are spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// In the order of their numbers, as decimal digits.
    Ordered,
    /// In no order, as hexadecimal digits: rows that are written one after the other lie apart.
    Hashed,
}

/// YCSB's exponent.
const ZIPF: f64 = 0.99;
const POPULAR: Popularity = Popularity::Scattered { exponent: ZIPF };

const fn ycsb(
    name: &'static str,
    about: &'static str,
    mix: &'static [(Kind, u32)],
    popularity: Popularity,
) -> Workload {
    Workload {
        name,
        about,
        begins: Begins::Loaded,
        mix,
        popularity,
        names: Names::Hashed,
    }
}

const fn plain(
    name: &'static str,
    about: &'static str,
    begins: Begins,
    mix: &'static [(Kind, u32)],
    popularity: Popularity,
) -> Workload {
    Workload {
        name,
        about,
        begins,
        mix,
        popularity,
        names: Names::Ordered,
    }
}

/// All workloads. A new one is one more line here.
pub const CATALOG: &[Workload] = &[
    plain(
        "fillseq",
        "write every key, in order",
        Begins::Empty,
        &[(Kind::Write, 100)],
        Popularity::InTurn,
    ),
    plain(
        "fillrandom",
        "write keys at random, from nothing",
        Begins::Empty,
        &[(Kind::Write, 100)],
        Popularity::Uniform,
    ),
    plain(
        "overwrite",
        "write keys at random that are there",
        Begins::Loaded,
        &[(Kind::Write, 100)],
        Popularity::Uniform,
    ),
    plain(
        "readrandom",
        "read keys at random",
        Begins::Loaded,
        &[(Kind::Read, 100)],
        Popularity::Uniform,
    ),
    plain(
        "readmissing",
        "read keys that are not there",
        Begins::Loaded,
        &[(Kind::ReadMissing, 100)],
        Popularity::Uniform,
    ),
    plain(
        "seek",
        "read ten rows in order from a key on",
        Begins::Loaded,
        &[(Kind::Seek, 100)],
        Popularity::Uniform,
    ),
    plain(
        "readwhilewriting",
        "read keys at random, and write one in ten times",
        Begins::Loaded,
        &[(Kind::Read, 90), (Kind::Write, 10)],
        Popularity::Uniform,
    ),
    ycsb(
        "ycsb-a",
        "half reads, half updates: a session store",
        &[(Kind::Read, 50), (Kind::Write, 50)],
        POPULAR,
    ),
    ycsb(
        "ycsb-b",
        "95 % reads, 5 % updates: tagging photographs",
        &[(Kind::Read, 95), (Kind::Write, 5)],
        POPULAR,
    ),
    ycsb(
        "ycsb-c",
        "reads only: a cache of profiles",
        &[(Kind::Read, 100)],
        POPULAR,
    ),
    ycsb(
        "ycsb-d",
        "95 % reads of the latest, 5 % inserts: news",
        &[(Kind::Read, 95), (Kind::Insert, 5)],
        Popularity::Latest { exponent: ZIPF },
    ),
    ycsb(
        "ycsb-e",
        "95 % scans of up to 100 rows, 5 % inserts: threads of talk",
        &[(Kind::Scan, 95), (Kind::Insert, 5)],
        POPULAR,
    ),
    ycsb(
        "ycsb-f",
        "half reads, half reads that write back: a user's records",
        &[(Kind::Read, 50), (Kind::ReadModifyWrite, 50)],
        POPULAR,
    ),
];

/// The workload of this name.
pub fn find(name: &str) -> Option<&'static Workload> {
    CATALOG.iter().find(|workload| workload.name == name)
}
