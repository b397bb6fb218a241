//! Search: what to look for among runs, and what to make of what was found.

pub(crate) mod ddmin;
pub mod shrink;
