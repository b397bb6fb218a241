//! What is asked of the world: scenario files, workloads, sessions, histories, checkers and reports.

pub mod file;
pub mod history;
pub mod view;
