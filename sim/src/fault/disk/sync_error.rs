//! Failing sync: ext4 and XFS mark the pages clean that they failed to write, so that the next sync has nothing to do and
//! succeeds (Rebello et al., *Can Applications Recover from fsync Failures?*, ATC 2020, section 3).

use crate::fault::{About, Group};

pub(in crate::fault) const ABOUT: About = About {
    name: "sync-error",
    group: Group::Disks,
    summary: "Syncs fail with a chance, and what was dirty is lost for good.",
};
