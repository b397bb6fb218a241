//! Which of the states that it may leave a crash does leave.

/// What a crash leaves of what is not durable.
///
/// Each is legal on some disk and file system; a program may lean on none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CrashPolicy {
    /// Nothing.
    #[default]
    Drop,
    /// Everything: the kind disk that hides missing syncs.
    Keep,
    /// What was written first, up to some byte of some write. The names survive by themselves.
    Prefix,
    /// Each change survives whole or not at all, so that a later one may be there without an earlier one.
    Reorder,
    /// Of each sector some version since the last sync. Zeros where a file became longer and its sector was not written.
    TornSectors,
    /// Of each sector some version since the last sync. Garbage where a file became longer and its sector was not
    /// written.
    TornGarbage,
    /// Any of the bytes, and garbage where a file became longer: harsher than any disk with sectors.
    TornBytes,
    /// All names, and none of the contents: files are there, and hold what they held at their last sync.
    NamesOnly,
    /// All contents, and none of the names.
    ContentsOnly,
    /// Any of the above, drawn for each file and for the names.
    Drawn,
}

impl CrashPolicy {
    /// All policies with their names in files, in the order of this page.
    pub const CATALOG: &'static [(&'static str, Self)] = &[
        ("drop", Self::Drop),
        ("keep", Self::Keep),
        ("prefix", Self::Prefix),
        ("reorder", Self::Reorder),
        ("torn-sectors", Self::TornSectors),
        ("torn-garbage", Self::TornGarbage),
        ("torn-bytes", Self::TornBytes),
        ("names-only", Self::NamesOnly),
        ("contents-only", Self::ContentsOnly),
        ("drawn", Self::Drawn),
    ];

    /// The policy's name in files.
    pub fn name(self) -> &'static str {
        let entry = Self::CATALOG.iter().find(|(_, policy)| *policy == self);
        entry.expect("every policy is in the catalog").0
    }
}
