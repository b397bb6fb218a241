//! How things look: the terminal's own sixteen colours and modifiers, so that light and dark themes both read.
//!
//! Colour never stands alone: what is coloured has a glyph or a word beside it, so that nothing is lost without colour
//! (`NO_COLOR`, a file, a person who can't tell red from green).

use ratatui::style::{Color, Modifier, Style};
use seedbed_scenarios::view::{NodeState, OperationState};

/// Whether to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Whether to use colours; modifiers (bold, dim, reversed) are used in any case.
    pub colour: bool,
}

/// What a piece of text is, from which its look follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tint {
    /// Ordinary text.
    Plain,
    /// Text beside what matters: units, borders, what is past or still ahead.
    Dim,
    /// Headings and keys.
    Strong,
    /// What is chosen or in focus, and the play head.
    Accent,
    /// What is as it should be.
    Good,
    /// What is neither: paused, unknown, waiting.
    Doubtful,
    /// What went wrong.
    Bad,
    /// The selected line.
    Selected,
}

impl Theme {
    /// With the terminal's colours.
    pub const COLOUR: Self = Self { colour: true };
    /// Without any colour.
    pub const PLAIN: Self = Self { colour: false };

    /// The look of a piece of text.
    pub fn style(self, tint: Tint) -> Style {
        let style = Style::new();
        let (colour, modifier) = match tint {
            Tint::Plain => (None, Modifier::empty()),
            Tint::Dim => (None, Modifier::DIM),
            Tint::Strong => (None, Modifier::BOLD),
            Tint::Accent => (Some(Color::Cyan), Modifier::BOLD),
            Tint::Good => (Some(Color::Green), Modifier::empty()),
            Tint::Doubtful => (Some(Color::Yellow), Modifier::empty()),
            Tint::Bad => (Some(Color::Red), Modifier::BOLD),
            Tint::Selected => (None, Modifier::REVERSED),
        };
        let style = style.add_modifier(modifier);
        match colour {
            Some(colour) if self.colour => style.fg(colour),
            _ => style,
        }
    }
}

/// The glyph, word and tint of a node's state.
pub fn node_state(state: NodeState) -> (&'static str, &'static str, Tint) {
    match state {
        NodeState::Up => ("●", "up", Tint::Good),
        NodeState::Starting => ("◌", "starting", Tint::Doubtful),
        NodeState::Down => ("×", "down", Tint::Bad),
        NodeState::Paused => ("○", "paused", Tint::Doubtful),
    }
}

/// The glyph, word and tint of an operation's state.
pub fn operation_state(state: OperationState) -> (&'static str, &'static str, Tint) {
    match state {
        OperationState::Open => ("…", "open", Tint::Dim),
        OperationState::Ok => ("✓", "ok", Tint::Good),
        OperationState::Fail => ("✗", "fail", Tint::Bad),
        OperationState::Info => ("?", "info", Tint::Doubtful),
    }
}

/// The glyph and tint of an expectation: met, not met, not yet to be judged.
pub fn expectation(met: Option<bool>) -> (&'static str, Tint) {
    match met {
        Some(true) => ("✓", Tint::Good),
        Some(false) => ("✗", Tint::Bad),
        None => ("·", Tint::Dim),
    }
}
