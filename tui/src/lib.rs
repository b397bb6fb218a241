//! The `seedbed` program: its command line and its terminal interface.
//!
//! The interface draws [views](seedbed_scenarios::view::View) and sends commands; it works out no meaning of its own.
//!
//! ```text
//!   keys, mouse, ticks ─► Input ─► update(model, input) ─► effects ─► host ─► Session
//!                                        │                                      │
//!        terminal ◄─ draw(model) ◄─ Model ◄──────── Input::Viewed(view) ◄───────┘
//! ```
//!
//! - [`model`] is everything the interface knows, [`update`](mod@update) its only way to change, and [`draw`](mod@draw) a
//!   function from it to cells. None of them does I/O, so tests, pictures and a web page use them as the terminal does.
//! - [`actions`] is the one registry of what a person can do; keys, help, hints and palette all come from it.

pub mod actions;
pub mod cli;
pub mod crash;
pub mod draw;
pub mod host;
pub mod layout;
pub mod model;
pub mod panels;
pub mod picture;
pub mod run;
pub mod text;
pub mod theme;
pub mod update;

#[cfg(test)]
mod tests;
