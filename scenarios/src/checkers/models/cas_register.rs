//! **cas-register**: a [register](super::register) with compare-and-set, which sets it to a new value where it holds the
//! expected one (*Herlihy, Wait-Free Synchronization, ACM TOPLAS 13(1), 1991, section 3.4*).
//!
//! An acknowledged compare-and-set found what it expected. One that was refused never happened, and says nothing about
//! what the register held: too many clients report errors of other kinds the same way. One of unknown outcome may have
//! set the register wherever it held the expected value.

use crate::history::History;

use super::register::Register;
use super::{Interned, Machine, ModelEntry};
use crate::checkers::{Model, Setting};

pub(super) const ENTRY: ModelEntry = ModelEntry {
    model: Model::CasRegister,
    name: "cas-register",
    promise: "A key holds what was written or swapped in last, and is swapped only where it holds what is expected.",
    functions: &["read", "write", "delete", "cas"],
    machine,
};

fn machine(setting: &Setting, _: &History) -> Result<Box<dyn Machine>, String> {
    Ok(Interned::boxed(Register {
        initial: setting.initial.clone(),
        entry: &ENTRY,
    }))
}
