//! Between the interface and the run: does to the session what the model asks, and shows the model what came of it.
//!
//! The terminal, the picture maker and the tests all drive a run through this, so that they can't differ.

use seedbed_scenarios::session::{Injection, Session};
use seedbed_sim::Instant;

use crate::model::{Entry, Model};
use crate::update::{Effect, Input, update};

/// Where runs come from.
pub trait Library {
    /// The scenarios that the catalog lists.
    fn entries(&self) -> Vec<Entry>;

    /// A run of a scenario (a name of the catalog, or a file), before its first step; or why there is none, in words for
    /// the person.
    fn open(&self, source: &str, seed: u64) -> Result<Box<dyn Session>, String>;
}

/// Whether the program goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// It does.
    GoOn,
    /// The person wants to leave.
    Leave,
}

/// Holds the run that is open.
pub struct Host<L> {
    library: L,
    session: Option<Box<dyn Session>>,
}

impl<L: Library> Host<L> {
    /// A host without a run.
    pub fn new(library: L) -> Self {
        Self {
            library,
            session: None,
        }
    }

    /// Gives an input to the model and does what it then asks for.
    pub fn send(&mut self, model: &mut Model, input: Input) -> Flow {
        let effects = update(model, input);
        let touched = !effects.is_empty();
        for effect in effects {
            if effect == Effect::Quit {
                return Flow::Leave;
            }
            self.apply(model, effect);
        }
        self.show(model, touched);
        Flow::GoOn
    }

    /// Opens a run and shows it.
    ///
    /// # Errors
    /// Where the library has no such run, in its words.
    pub fn open(&mut self, model: &mut Model, source: &str, seed: u64) -> Result<(), String> {
        let session = self.library.open(source, seed)?;
        let input = Input::Opened {
            source: source.to_owned(),
            view: Box::new(session.view(model.window())),
            digest: session.digest(),
        };
        self.session = Some(session);
        update(model, input);
        self.show(model, false);
        Ok(())
    }

    /// Goes to a moment of the run that is open, or to its end, without a key.
    pub fn seek(&mut self, model: &mut Model, at: Option<Instant>) {
        self.apply(model, at.map_or(Effect::RunToEnd, Effect::SeekTime));
        self.show(model, true);
        model.notice = None;
    }

    fn apply(&mut self, model: &mut Model, effect: Effect) {
        if let Effect::Open { source, seed } = effect {
            if let Err(why) = self.open(model, &source, seed) {
                update(model, Input::Refused(why));
            }
            return;
        }
        let Some(session) = &mut self.session else {
            return;
        };
        let outcome = match effect {
            Effect::Inject(fault) => session.inject(Injection::Inject(fault)).map(drop),
            Effect::Lift(fault) => session.inject(Injection::Lift(fault)).map(drop),
            Effect::Propose { kind, node, number } => {
                let proposal = session.propose(kind, node, number);
                update(model, Input::Proposed(proposal));
                Ok(())
            }
            Effect::FindAnomaly => self.find_anomaly(),
            Effect::Close => {
                self.session = None;
                Ok(())
            }
            other => {
                travel(session.as_mut(), &other);
                Ok(())
            }
        };
        if let Err(why) = outcome {
            update(model, Input::Refused(why));
        }
    }

    /// Lets a fork look for the next anomaly, and goes on with it if there is one: else the run stays where it is.
    fn find_anomaly(&mut self) -> Result<(), String> {
        let ahead = self.session.as_ref().map(|session| session.fork());
        let found = ahead.and_then(|mut ahead| ahead.run_to_anomaly().then_some(ahead));
        match found {
            Some(ahead) => {
                self.session = Some(ahead);
                Ok(())
            }
            None => Err("No anomaly lies ahead in this run; s tries the next seed.".to_owned()),
        }
    }

    /// Shows the model the run as it is, if it was touched or the model has room for another part of it. What there is
    /// room for may follow from what is seen, so it may take a second look.
    fn show(&mut self, model: &mut Model, touched: bool) {
        let Some(session) = &self.session else {
            return;
        };
        let mut touched = touched;
        for _ in 0..3 {
            let window = model.window();
            let fits = |model: &Model| {
                model
                    .lab
                    .as_ref()
                    .is_some_and(|lab| lab.view.window == window)
            };
            if !touched && fits(model) {
                return;
            }
            touched = false;
            let input = Input::Viewed {
                view: Box::new(session.view(window)),
                digest: session.digest(),
            };
            update(model, input);
        }
    }
}

fn travel(session: &mut dyn Session, effect: &Effect) {
    match effect {
        Effect::Step => drop(session.step()),
        Effect::Seek(step) => session.seek(*step),
        Effect::SeekTime(at) => session.seek_time(*at),
        Effect::RunUntil(at) => session.run_until(*at),
        Effect::RunToEnd => session.run_to_end(),
        Effect::Open { .. }
        | Effect::FindAnomaly
        | Effect::Propose { .. }
        | Effect::Inject(_)
        | Effect::Lift(_)
        | Effect::Close
        | Effect::Quit => unreachable!("not a way to travel: {effect:?}"),
    }
}
