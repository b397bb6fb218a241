//! The rules of the world, each forced by a test.

mod crashes;
mod lab;
mod network;
mod nodes;
mod one_seed;
mod probe;
mod properties;
mod schedules;
