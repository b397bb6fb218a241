//! The interface over real runs of the catalog.

use std::time::Duration;

use seedbed_scenarios::nemesis::{self, Kind};
use seedbed_scenarios::view::{NodeState, NodeView};
use seedbed_sim::{Fault, Instant};

use super::screens::screen;
use super::{LARGE, SMALL};
use crate::actions::Key;
use crate::cli::{Scenarios, open};
use crate::host::{Flow, Host, Library};
use crate::layout::Size;
use crate::model::{Model, Overlay};
use crate::theme::Theme;
use crate::update::Input;

/// The interface with a real run in it.
struct Driven {
    model: Model,
    host: Host<Scenarios>,
}

impl Driven {
    fn new(scenario: &str, size: Size) -> Self {
        let opened = open(scenario, 1, size, Theme::PLAIN);
        let (model, host) = opened.expect("a scenario of the catalog");
        Self { model, host }
    }

    fn at(scenario: &str, millis: u64, size: Size) -> Self {
        let mut driven = Self::new(scenario, size);
        driven.go_to(millis);
        driven
    }

    fn go_to(&mut self, millis: u64) {
        self.host
            .seek(&mut self.model, Some(Instant::from_millis(millis)));
    }

    fn press(&mut self, keys: &[Key]) {
        for key in keys {
            assert_eq!(
                self.host.send(&mut self.model, Input::Key(*key)),
                Flow::GoOn
            );
        }
    }

    fn type_keys(&mut self, keys: &str) {
        let keys: Vec<Key> = keys.chars().map(Key::Char).collect();
        self.press(&keys);
    }

    /// The screen in characters. The digest is left out, which has tests of its own and changes with every change of
    /// the world.
    fn screen(&self) -> String {
        let mut model = self.model.clone();
        if let Some(lab) = &mut model.lab {
            lab.digest = 0;
        }
        screen(&model).backend().to_string()
    }

    fn node(&self, name: &str) -> &NodeView {
        let lab = self.model.lab.as_ref().expect("a run is open");
        lab.view
            .nodes
            .iter()
            .find(|n| n.name == name)
            .expect("a node")
    }

    fn faults_that_hold(&self) -> Vec<Fault> {
        let lab = self.model.lab.as_ref().expect("a run is open");
        lab.active_faults().map(|f| f.fault.clone()).collect()
    }

    /// The kind of fault that the chooser stands at.
    fn chosen(&self) -> Option<&'static Kind> {
        match &self.model.overlay {
            Some(Overlay::Faults(chooser)) => chooser.kind(),
            _ => None,
        }
    }

    fn step(&self) -> u64 {
        self.model.lab.as_ref().expect("a run is open").view.step
    }
}

#[test]
fn the_catalog_as_it_is() {
    for (name, size) in [("large", LARGE), ("small", SMALL)] {
        let model = Model::new(Scenarios::default().entries(), size, Theme::PLAIN);
        let shown = screen(&model).backend().to_string();
        insta::assert_snapshot!(format!("the_catalog_as_it_is_{name}"), shown);
    }
}

#[test]
fn a_run_with_an_anomaly() {
    for (name, size) in [("large", LARGE), ("small", SMALL)] {
        let driven = Driven::at("ddia/5-3", 100, size);
        insta::assert_snapshot!(format!("a_run_with_an_anomaly_{name}"), driven.screen());
    }
}

#[test]
fn the_story_of_an_anomaly() {
    let mut driven = Driven::new("ddia/5-4", SMALL);
    driven.type_keys("n4");
    driven.press(&[Key::Enter]);
    insta::assert_snapshot!(driven.screen());
}

#[test]
fn a_follower_that_crashed_and_catches_up() {
    for (name, size) in [("large", LARGE), ("small", SMALL)] {
        let driven = Driven::at("lag/crash-catch-up", 1_230, size);
        let name = format!("a_follower_that_crashed_and_catches_up_{name}");
        insta::assert_snapshot!(name, driven.screen());
    }
}

#[test]
fn every_step_back_shows_what_was_shown_before() {
    let mut driven = Driven::new("ddia/5-3", LARGE);
    let mut screens = vec![driven.screen()];
    for _ in 0..60 {
        driven.press(&[Key::Right]);
        driven.model.notice = None;
        screens.push(driven.screen());
    }
    // An anomaly that is known ahead is marked, so its panel differs on the way back; what comes before it does not.
    let known = driven.model.lab.as_ref().map(|lab| lab.known.clone());
    for (step, before) in screens.iter().enumerate().rev().skip(1) {
        driven.press(&[Key::Left]);
        assert_eq!(driven.step(), step as u64);
        let here = driven.step();
        let mut forgetful = driven.model.clone();
        let lab = forgetful.lab.as_mut().expect("a run is open");
        lab.known.retain(|anomaly| anomaly.step <= here);
        lab.anomaly = 0;
        lab.digest = 0;
        assert_eq!(
            &screen(&forgetful).backend().to_string(),
            before,
            "step {step}"
        );
    }
    assert_eq!(
        driven.model.lab.map(|lab| lab.known),
        known,
        "going back forgets no anomaly"
    );
}

#[test]
fn a_crash_by_key_shows_in_the_trace_and_the_node_catches_up_after_its_restart() {
    let mut driven = Driven::at("lag/generated-load", 500, LARGE);
    // The second follower is selected, crashes, and misses 200 ms of writes.
    driven.type_keys("jjc");
    assert_eq!(driven.node("follower-2").state, NodeState::Down);
    let log = |driven: &Driven| driven.model.lab.as_ref().expect("a run").view.log.clone();
    assert!(
        log(&driven)
            .iter()
            .any(|line| line.kind == "crash" || line.text.contains("crash"))
    );
    driven.type_keys(&">".repeat(20));
    // The crash is over, and the next step boots the node.
    driven.type_keys("r");
    driven.press(&[Key::Right]);
    assert_eq!(driven.node("follower-2").state, NodeState::Up);
    driven.type_keys(".");
    assert!(
        driven.node("follower-2").lag_entries > Some(10),
        "{:?}",
        driven.node("follower-2")
    );
    driven.type_keys("G");
    let (leader, follower) = (driven.node("leader"), driven.node("follower-2"));
    assert_eq!(follower.applied, leader.applied);
    assert_eq!(follower.lag_entries, Some(0));
}

#[test]
fn a_cut_link_makes_a_follower_lag_and_healing_it_lets_it_catch_up() {
    let mut driven = Driven::at("lag/generated-load", 500, LARGE);
    driven.type_keys("jx");
    driven.press(&[Key::Enter]);
    driven.type_keys(&">".repeat(30));
    let cut_off = driven.node("follower-1").lag_entries;
    assert!(cut_off > Some(10), "{cut_off:?}");
    driven.type_keys("x");
    driven.press(&[Key::Enter]);
    driven.type_keys(&">".repeat(60));
    assert!(driven.node("follower-1").lag_entries < cut_off);
    assert!(driven.node("follower-1").lag_entries < Some(5));
}

#[test]
fn delay_by_key_raises_the_lag_in_time() {
    let mut driven = Driven::at("lag/generated-load", 500, LARGE);
    driven.type_keys("jd");
    driven.press(&[Key::Enter]);
    driven.type_keys(&">".repeat(30));
    let lag = driven.node("follower-1").lag_time.expect("a follower lags");
    assert!(lag.as_millis_f64() > 80.0, "{lag}");
}

#[test]
fn playing_gets_to_the_end_and_says_so() {
    let mut driven = Driven::new("ddia/5-3", SMALL);
    driven.type_keys("++++ ");
    for _ in 0..200 {
        let tick = Input::Tick(Duration::from_millis(33));
        assert_eq!(driven.host.send(&mut driven.model, tick), Flow::GoOn);
    }
    let lab = driven.model.lab.as_ref().expect("a run is open");
    assert!(!lab.playing && lab.view.ended.is_some());
    assert!(driven.model.notice.is_some_and(|n| n.text.contains("over")));
}

#[test]
fn anomalies_are_gone_to_one_after_the_other_and_back() {
    let mut driven = Driven::new("lag/generated-load", LARGE);
    let mut steps = Vec::new();
    loop {
        let before = driven.step();
        driven.type_keys("n");
        if driven.step() == before {
            break;
        }
        steps.push(driven.step());
    }
    assert!(!steps.is_empty() && steps.is_sorted());
    let mut back = vec![driven.step()];
    while back.len() < steps.len() {
        driven.type_keys("N");
        back.push(driven.step());
    }
    back.reverse();
    assert_eq!(back, steps);
}

#[test]
fn every_fault_there_is_can_be_injected_by_keys() {
    let mut driven = Driven::at("lag/generated-load", 50, LARGE);
    driven.press(&[Key::Tab]);
    for kind in nemesis::all_kinds() {
        let before = driven.faults_that_hold();
        driven.type_keys("f");
        driven.type_keys(kind.name);
        // A name may be part of another's.
        while driven.chosen() != Some(kind) {
            driven.press(&[Key::Down]);
        }
        driven.press(&[Key::Right, Key::Left, Key::Enter]);
        let now = driven.faults_that_hold();
        let new: Vec<&Fault> = now.iter().filter(|f| !before.contains(f)).collect();
        let [fault] = new[..] else {
            panic!("{}: {new:?}, {:?}", kind.name, driven.model.notice);
        };
        // Which nodes a shape means is settled when it begins.
        let settled = (kind.name, fault.name()) == ("partition-shape", "unreachable");
        assert!(settled || fault.name() == kind.name, "{fault:?}");
        driven.type_keys("H");
        assert_eq!(driven.faults_that_hold(), Vec::<Fault>::new());
    }
}

#[test]
fn a_fault_that_can_not_strike_the_node_is_refused() {
    let mut driven = Driven::at("lag/generated-load", 50, LARGE);
    // Clients have nothing on a disk.
    driven.press(&[Key::BackTab]);
    driven.type_keys("fbit-rot");
    driven.press(&[Key::Enter]);
    let notice = driven.model.notice.as_ref().expect("it says why");
    assert!(notice.text.contains("can't strike"), "{notice:?}");
    assert_eq!(driven.faults_that_hold(), Vec::<Fault>::new());
}

#[test]
fn choosing_a_fault() {
    for (name, size) in [("large", LARGE), ("small", SMALL)] {
        let mut driven = Driven::at("lag/generated-load", 50, size);
        driven.press(&[Key::Tab]);
        driven.type_keys("fclock");
        driven.press(&[Key::Down]);
        insta::assert_snapshot!(format!("choosing_a_fault_{name}"), driven.screen());
    }
}
