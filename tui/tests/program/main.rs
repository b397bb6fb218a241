//! The program from outside: what it prints, its exit statuses, and what it says of bad input. One binary, since each
//! costs a link.

mod bench;
mod check;
mod cli;
mod store;
mod store_kills;
mod sweep;
