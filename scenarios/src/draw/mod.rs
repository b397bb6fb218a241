//! Space-time diagrams: who told whom what, and when.
//!
//! A node is a line on which time goes to the right; a message is an arrow from its sender's line to its receiver's (Lamport,
//! *Time, Clocks, and the Ordering of Events in a Distributed System*, CACM 21(7), 1978, figure 1, turned on its side as
//! in DDIA). One looks at the slant of an arrow to see how long a message took, and at what lies left of what to see what
//! anybody could have known.
//!
//! ```text
//!             10 ms                 15 ms
//!   browser ───[ write 5 = 1 → ok ]──────①[ read 5 → nothing ]──     bars: operations, from the question to the answer
//!                \            ↗                \          ↗          numbers: the operations that prove an anomaly
//!   leader  ──────▪──────────▪──────────────────\────────/───────    boxes: a handler at work
//!                             \ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌\╌ ╌ ╌ /╌ ╌ ╌      dashed: arrives after the window
//!   follower ────────────────────────────────────▪────▪──────────
//! ```
//!
//! # How a picture comes about
//!
//! [`choose`] finds the window; `scene` gathers its facts from the session and, by the graph of causes, what belongs to
//! which operation (`causes`); `picture` draws
//! everything at its place (`places`), as far as there is room (`thin`); `canvas` and `style` are SVG.
//!
//! # What it promises
//!
//! - The same run, window and theme give the same bytes, on every platform: places are computed with the four operations
//!   and the square root, which IEEE 754 fixes to the last bit.
//! - It reads on light and dark pages ([`Theme::Auto`]), holds no script and no reference to anything outside, and has a
//!   title and a description for those who can't see it.
//! - A busy window stays readable, and nothing is left out silently: labels that have no room are counted, background
//!   messages go first, then the messages of all but every n-th operation; never those of the witness, and never one
//!   that was lost. A line below the picture says what is missing.
//!
//! Real tracing tools draw spans of processes under each other and guess at the order of clocks. Here there is one clock,
//! and arrows may be taken literally.

pub(crate) mod boxes;
mod canvas;
mod caption;
mod causes;
pub(crate) mod charts;
mod page;
mod picture;
mod places;
mod scene;
mod style;
mod thin;
pub mod timeline;
mod window;

use std::sync::Arc;

use seedbed_sim::Instant;

pub use style::Theme;
pub use window::{Around, DrawError, Frame, choose};

use crate::session::Session;
use crate::view::AnomalyView;

/// A window, and the guarantee whose fall the picture tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// It begins here.
    pub from: Instant,
    /// And ends here; later than `from`.
    pub to: Instant,
    /// What is told; the first that fell in the window unless one was asked for.
    pub focus: Option<Arc<AnomalyView>>,
}

/// The space-time diagram of a run that keeps everything, as an SVG document.
///
/// # Errors
/// When the frame does not fit the run.
pub fn svg(session: &dyn Session, frame: Frame, theme: Theme) -> Result<String, DrawError> {
    let Chosen { from, to, focus } = choose(session, frame)?;
    let scene = scene::Scene::new(session, (from, to), focus);
    Ok(picture::draw(&scene, theme))
}
