//! Crash right after a send: the message is out, and its sender is gone before it could do what should have followed.
//!
//! The node dies at the very instant at which the order was given: the order is carried out, none after it is, and no
//! disk operation after it happens. So an acknowledgement leaves and the sync behind it never comes.

use super::{About, Group};
use crate::context::Action;
use crate::{Datum, FaultId, Kind, Process, Span};

pub(super) const ABOUT: About = About {
    name: "crash-after-send",
    group: Group::Nodes,
    summary: "The node crashes right after it has sent something for the k-th time.",
};

/// Which orders a trap waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bait {
    /// Messages, of one kind or of any.
    Send(Option<Kind>),
    /// Notes, of one kind or of any.
    Note(Option<Kind>),
}

impl Bait {
    fn is<P: Process>(self, action: &Action<P>) -> bool {
        let fits = |wanted: Option<Kind>, kind: Kind| wanted.is_none_or(|wanted| wanted == kind);
        match (self, action) {
            (Self::Send(wanted), Action::Send(_, message)) => fits(wanted, message.kind()),
            (Self::Note(wanted), Action::Note(note)) => fits(wanted, note.kind()),
            _ => false,
        }
    }
}

/// The crashes that a node's orders will set off.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trap {
    /// How many orders each still lets pass, and its own.
    armed: Vec<(FaultId, Bait, u32)>,
    /// Which one was set off in the running handler, and where in it.
    sprung: Option<(FaultId, Span)>,
}

impl Trap {
    pub(crate) fn arm(&mut self, fault: FaultId, bait: Bait, number: u32) {
        self.armed.push((fault, bait, number));
    }

    /// Takes a crash back. Says whether none is left.
    pub(crate) fn disarm(&mut self, fault: FaultId) -> bool {
        self.armed.retain(|(id, ..)| *id != fault);
        self.armed.is_empty()
    }

    pub(crate) fn sprung(&self) -> Option<(FaultId, Span)> {
        self.sprung
    }

    /// The crash has happened. Says whether none is left.
    pub(crate) fn reset(&mut self) -> bool {
        let sprung = self.sprung.take();
        sprung.is_none_or(|(fault, _)| self.disarm(fault)) && self.armed.is_empty()
    }

    /// An order is given; says whether it sets off a crash.
    pub(crate) fn sees<P: Process>(&mut self, action: &Action<P>, elapsed: Span) -> bool {
        for (fault, bait, left) in &mut self.armed {
            if bait.is(action) {
                *left -= 1;
                if *left == 0 {
                    self.sprung.get_or_insert((*fault, elapsed));
                }
            }
        }
        self.sprung.is_some()
    }
}
