//! What is asked of the world: scenario files, workloads, sessions, histories, checkers and reports.

pub mod catalog;
pub mod check;
pub mod checkers;
pub mod draw;
pub mod export;
pub mod file;
pub mod history;
pub mod import;
pub mod measures;
pub mod nemesis;
pub mod report;
pub mod search;
pub mod session;
pub mod store;
pub mod sweep;
pub mod trace;
pub mod view;
pub mod workload;
