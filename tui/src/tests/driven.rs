//! A run behind the interface: a session that does nothing but keep its contract, driven by keys through the host.

use std::sync::Arc;

use seedbed_scenarios::history::{History, Operation};
use seedbed_scenarios::nemesis::Kind;
use seedbed_scenarios::report::Report;
use seedbed_scenarios::session::{Injection, Session};
use seedbed_scenarios::trace::TraceEvent;
use seedbed_scenarios::view::{AnomalyView, FaultView, LogLine, View, Window};
use seedbed_sim::lockstep::Heard;
use seedbed_sim::{Fault, FaultId, Instant, MessageSent, NodeId, Span};

use super::{LARGE, anomaly, view};
use crate::actions::Key;
use crate::host::{Flow, Host, Library};
use crate::layout::Size;
use crate::model::{Entry, Model, Tone};
use crate::theme::Theme;
use crate::update::Input;

/// A run of 250 steps, one each millisecond, in which a guarantee falls at steps 50 and 170. Faults hold once injected.
#[derive(Clone)]
struct Clockwork {
    seed: u64,
    step: u64,
    /// What was injected, with the step it came after.
    injected: Vec<(u64, FaultView)>,
}

const STEPS: u64 = 250;

impl Session for Clockwork {
    fn position(&self) -> u64 {
        self.step
    }
    fn now(&self) -> Instant {
        Instant::from_millis(self.step)
    }
    fn is_over(&self) -> bool {
        self.step == STEPS
    }
    fn step(&mut self) -> bool {
        let goes_on = !self.is_over();
        self.step += u64::from(goes_on);
        goes_on
    }
    fn step_hearing(&mut self, _: &mut Vec<Heard>) -> bool {
        self.step()
    }
    fn tell(&self, _: &Heard) -> LogLine {
        unreachable!("a clockwork records nothing")
    }
    fn run_until(&mut self, until: Instant) {
        self.step = self.step.max((until.as_nanos() / 1_000_000).min(STEPS));
    }
    fn run_to_end(&mut self) {
        self.step = STEPS;
    }
    fn run_to_anomaly(&mut self) -> bool {
        let next = [50, 170].into_iter().find(|at| *at > self.step);
        self.step = next.unwrap_or(STEPS);
        next.is_some()
    }
    fn seek(&mut self, step: u64) {
        self.step = step.min(STEPS);
    }
    fn seek_time(&mut self, at: Instant) {
        self.step = (at.as_nanos() / 1_000_000).min(STEPS);
    }
    fn propose(&self, _: &Kind, _: NodeId, _: u64) -> Option<(Fault, String)> {
        None
    }
    fn inject(&mut self, injection: Injection) -> Result<FaultId, String> {
        let step = self.step;
        self.injected.retain(|(at, _)| *at <= step);
        match injection {
            Injection::Inject(fault) => {
                let id = FaultId(self.injected.len() as u32);
                let view = FaultView {
                    id: Some(id),
                    from: self.now(),
                    to: None,
                    what: format!("{fault:?}"),
                    fault,
                    active: true,
                };
                self.injected.push((step, view));
                Ok(id)
            }
            Injection::Lift(id) => {
                let now = self.now();
                let found = self
                    .injected
                    .iter_mut()
                    .find(|(_, f)| f.id == Some(id) && f.active);
                let (_, fault) = found.ok_or_else(|| format!("{id} was lifted already"))?;
                fault.active = false;
                fault.to = Some(now);
                Ok(id)
            }
        }
    }
    fn fork(&self) -> Box<dyn Session> {
        Box::new(self.clone())
    }
    fn view(&self, window: Window) -> View {
        let mut view = view(window.columns);
        view.window = window;
        view.seed = self.seed;
        view.step = self.step;
        view.now = self.now();
        view.ended = self.is_over().then(|| "out of steps".to_owned());
        let found = [anomaly(50, 50), anomaly(170, 170)];
        view.anomalies = found.into_iter().filter(|a| a.step <= self.step).collect();
        let here = self.injected.iter().filter(|(at, _)| *at <= self.step);
        view.faults = here.map(|(_, fault)| fault.clone()).collect();
        view
    }
    fn trace(&self) -> Box<dyn Iterator<Item = LogLine> + '_> {
        Box::new(std::iter::empty())
    }
    fn events(&self) -> Box<dyn Iterator<Item = TraceEvent> + '_> {
        Box::new(std::iter::empty())
    }
    fn findings(&self) -> Vec<Arc<AnomalyView>> {
        Vec::new()
    }
    fn messages(&self) -> Vec<MessageSent> {
        Vec::new()
    }
    fn operations(&self) -> Vec<Operation> {
        Vec::new()
    }
    fn history(&self) -> History {
        History::new()
    }
    fn digest(&self) -> u64 {
        self.seed * 1_000 + self.step
    }
    fn report(&self) -> Report {
        panic!("the interface asks for no report")
    }
}

struct Shelf;

impl Library for Shelf {
    fn entries(&self) -> Vec<Entry> {
        super::entries()
    }
    fn open(&self, source: &str, seed: u64) -> Result<Box<dyn Session>, String> {
        match source {
            "ddia/5-4" => Err("its file has a mistake in line 3".to_owned()),
            _ => Ok(Box::new(Clockwork {
                seed,
                step: 0,
                injected: Vec::new(),
            })),
        }
    }
}

/// The interface and its run, before the first key.
fn start() -> (Model, Host<Shelf>) {
    (
        Model::new(Shelf.entries(), LARGE, Theme::PLAIN),
        Host::new(Shelf),
    )
}

fn type_keys(model: &mut Model, host: &mut Host<Shelf>, keys: &str) {
    for c in keys.chars() {
        let key = match c {
            '⏎' => Key::Enter,
            '→' => Key::Right,
            '←' => Key::Left,
            '⇥' => Key::Tab,
            c => Key::Char(c),
        };
        assert_eq!(host.send(model, Input::Key(key)), Flow::GoOn);
    }
}

fn step(model: &Model) -> u64 {
    model.lab.as_ref().expect("a run is open").view.step
}

#[test]
fn a_run_is_opened_stepped_and_stepped_back() {
    let (mut model, mut host) = start();
    type_keys(&mut model, &mut host, "⏎→→→←");
    assert_eq!(step(&model), 2);
    assert_eq!(model.lab.as_ref().unwrap().digest, 1_002);
    type_keys(&mut model, &mut host, ">.<");
    assert_eq!(step(&model), 3);
    type_keys(&mut model, &mut host, "Gg");
    assert_eq!(step(&model), 0);
}

#[test]
fn anomalies_ahead_are_found_on_a_fork_and_those_behind_are_gone_back_to() {
    let (mut model, mut host) = start();
    type_keys(&mut model, &mut host, "⏎n");
    assert_eq!(step(&model), 50);
    assert_eq!(model.lab.as_ref().unwrap().known.len(), 1);
    type_keys(&mut model, &mut host, "n");
    assert_eq!(
        (step(&model), model.lab.as_ref().unwrap().anomaly),
        (170, 1)
    );
    type_keys(&mut model, &mut host, "N");
    assert_eq!((step(&model), model.lab.as_ref().unwrap().anomaly), (50, 0));
    type_keys(&mut model, &mut host, "nn");
    assert_eq!(step(&model), 170, "there is no third");
    assert_eq!(model.notice.as_ref().unwrap().tone, Tone::Bad);
}

#[test]
fn playing_goes_on_between_events_and_stops_at_the_end() {
    let (mut model, mut host) = start();
    // 10 ms a second: two and a half seconds take 25 steps.
    type_keys(&mut model, &mut host, "⏎ ");
    let tick = Input::Tick(std::time::Duration::from_millis(25));
    for _ in 0..100 {
        assert_eq!(host.send(&mut model, tick.clone()), Flow::GoOn);
    }
    assert_eq!(step(&model), 25);
    type_keys(&mut model, &mut host, "++++++");
    for _ in 0..100 {
        assert_eq!(host.send(&mut model, tick.clone()), Flow::GoOn);
    }
    assert_eq!(step(&model), STEPS);
    assert!(!model.lab.unwrap().playing);
}

#[test]
fn a_node_is_crashed_and_restarted_by_key() {
    let (mut model, mut host) = start();
    type_keys(&mut model, &mut host, "⏎→⇥c");
    let faults = model.lab.as_ref().unwrap().view.faults.clone();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].fault, Fault::Crash { node: NodeId(1) });
    type_keys(&mut model, &mut host, "→r");
    assert!(!model.lab.as_ref().unwrap().view.faults[0].active);
    // Before the crash there is none.
    type_keys(&mut model, &mut host, "g");
    assert_eq!(model.lab.unwrap().view.faults, vec![]);
}

#[test]
fn a_cut_by_key_is_healed_by_the_same_keys() {
    let (mut model, mut host) = start();
    type_keys(&mut model, &mut host, "⏎→x⏎");
    assert!(model.lab.as_ref().unwrap().view.faults[0].active);
    type_keys(&mut model, &mut host, "→x⏎");
    assert!(!model.lab.as_ref().unwrap().view.faults[0].active);
}

#[test]
fn delay_by_key_goes_away_again() {
    let (mut model, mut host) = start();
    type_keys(&mut model, &mut host, "⏎→d⏎");
    let fault = model.lab.as_ref().unwrap().view.faults[0].fault.clone();
    assert!(matches!(fault, Fault::Delay { extra, .. } if extra == Span::from_millis(100)));
    type_keys(&mut model, &mut host, "D");
    assert!(!model.lab.as_ref().unwrap().view.faults[0].active);
}

#[test]
fn the_next_seed_is_another_run_from_the_beginning() {
    let (mut model, mut host) = start();
    type_keys(&mut model, &mut host, "⏎→→sss");
    assert_eq!(
        (step(&model), model.lab.as_ref().unwrap().view.seed),
        (0, 4)
    );
    type_keys(&mut model, &mut host, "S");
    assert_eq!(model.lab.as_ref().unwrap().view.seed, 3);
}

#[test]
fn a_run_that_cannot_be_opened_leaves_the_catalog_and_says_why() {
    let (mut model, mut host) = start();
    type_keys(&mut model, &mut host, "jj⏎");
    assert!(model.lab.is_none());
    assert_eq!(
        model.notice.unwrap().text,
        "its file has a mistake in line 3"
    );
}

#[test]
fn the_view_always_fits_the_screen() {
    let (mut model, mut host) = start();
    type_keys(&mut model, &mut host, "⏎>>");
    let fits = |model: &Model| {
        let lab = model.lab.as_ref().unwrap();
        lab.view.window == model.window()
            && lab.view.lag[0].entries.len() == usize::from(model.window().columns)
    };
    assert!(fits(&model));
    for size in [
        Size {
            width: 80,
            height: 24,
        },
        Size {
            width: 200,
            height: 60,
        },
    ] {
        assert_eq!(host.send(&mut model, Input::Resize(size)), Flow::GoOn);
        assert!(fits(&model), "{size:?}");
    }
    for keys in ["2z", "[[", ">", "]", "6kk"] {
        type_keys(&mut model, &mut host, keys);
        assert!(fits(&model), "{keys}");
    }
}

#[test]
fn leaving_a_run_lets_go_of_it_and_leaving_the_catalog_ends_the_program() {
    let (mut model, mut host) = start();
    type_keys(&mut model, &mut host, "⏎q");
    assert!(model.lab.is_none());
    assert_eq!(
        host.send(&mut model, Input::Key(Key::Char('q'))),
        Flow::Leave
    );
}
