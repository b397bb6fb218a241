//! Randomness: one root seed, and nothing else.
mod stream;
pub use stream::{Seed, Stream};
