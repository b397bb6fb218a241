//! Search: what to look for among runs, and what to make of what was found.

pub mod shrink;
