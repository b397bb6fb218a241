//! What an LSM tree must do besides what every engine must.
//!
//! - `cases`: nasty cases by name.
//! - `life`: opening, damage, poison, bounds and shipping.
//! - `planted`: bugs that are found otherwise.
//! - `released`: files of every version there ever was.

mod cases;
mod life;
mod planted;
mod released;

use std::sync::Arc;

use bytes::Bytes;
use seedbed_sim::{Disk, DiskError, OpenMode, SimDisk};

use super::*;
use crate::storage::EngineOptions;
use crate::storage::tests::{scan_all, tiny};
