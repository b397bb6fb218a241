//! The only way in which the model changes: an input comes in, effects on the run go out.
//!
//! Nothing here touches a terminal, a clock or a session. What is asked of the run comes back as
//! [`Input::Viewed`].

use std::time::Duration;

use seedbed_scenarios::nemesis::Kind;
use seedbed_scenarios::view::{FaultView, NodeState, View};
use seedbed_sim::{Direction, Fault, FaultId, InFlight, Instant, LinkTarget, NodeId, Span};

use crate::actions::{self, Action, Key};
use crate::layout::{self, Size};
use crate::model::{
    DELAYS, FaultChooser, Lab, LagUnit, LinkChoice, Model, Notice, Overlay, Picker, Purpose,
    SPEEDS, Tone, USUAL_DELAY,
};
use crate::panels::{PanelId, catalog, overlays};

mod faults;
mod lists;

pub use faults::{is_cut, link_faults};

/// What reaches the interface.
#[derive(Clone, Debug)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// An action was asked for in another way than by its key.
    Do(Action),
    /// The screen has another size.
    Resize(Size),
    /// The mouse was pressed on a cell.
    Click {
        /// Its column, from 0.
        column: u16,
        /// Its line, from 0.
        row: u16,
    },
    /// So much real time passed.
    Tick(Duration),
    /// A run was opened.
    Opened {
        /// What was asked for: a catalog name or a file.
        source: String,
        /// The run.
        view: Box<View>,
        /// The digest of its trace.
        digest: u64,
    },
    /// The run as it is now.
    Viewed {
        /// The run.
        view: Box<View>,
        /// The digest of its trace.
        digest: u64,
    },
    /// The fault that was asked for by [`Effect::Propose`], and what it is in words; none can be had.
    Proposed(Option<(Fault, String)>),
    /// What was asked for can't be done.
    Refused(String),
}

/// What the interface asks of the run, or of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a run.
    Open {
        /// A catalog name or a file.
        source: String,
        /// The seed.
        seed: u64,
    },
    /// Take one step.
    Step,
    /// Go to just after this step.
    Seek(u64),
    /// Go to the last step at or before this instant.
    SeekTime(Instant),
    /// Go on up to this instant.
    RunUntil(Instant),
    /// Go on to the end.
    RunToEnd,
    /// Find the next anomaly that nobody knows of yet, and go there.
    FindAnomaly,
    /// Draw a fault, which comes back as [`Input::Proposed`].
    Propose {
        /// Of this kind.
        kind: &'static Kind,
        /// For this node.
        node: NodeId,
        /// The how many-th drawing of it.
        number: u64,
    },
    /// Begin a fault.
    Inject(Fault),
    /// End a fault.
    Lift(FaultId),
    /// Let go of the run.
    Close,
    /// Leave the program.
    Quit,
}

/// Changes the model for an input, and says what to do about it.
pub fn update(model: &mut Model, input: Input) -> Vec<Effect> {
    let effects = react(model, input);
    let interferes = |e: &Effect| matches!(e, Effect::Inject(_) | Effect::Lift(_));
    if let Some(lab) = &mut model.lab
        && effects.iter().any(interferes)
    {
        // From here on the run goes another way.
        lab.known.retain(|anomaly| anomaly.step <= lab.view.step);
    }
    effects
}

fn react(model: &mut Model, input: Input) -> Vec<Effect> {
    match input {
        Input::Key(key) => {
            model.notice = None;
            match actions::lookup(model.context(), key) {
                Some(action) => act(model, action),
                None => {
                    if let (true, Key::Char(c)) = (model.context().takes_text(), key) {
                        lists::type_text(model, c);
                        return faults::propose(model);
                    }
                    Vec::new()
                }
            }
        }
        Input::Do(action) => {
            model.notice = None;
            act(model, action)
        }
        Input::Resize(size) => {
            model.size = size;
            Vec::new()
        }
        Input::Click { column, row } => click(model, column, row),
        Input::Tick(passed) => tick(model, passed),
        Input::Opened {
            source,
            view,
            digest,
        } => {
            opened(model, source, *view, digest);
            Vec::new()
        }
        Input::Viewed { view, digest } => {
            viewed(model, *view, digest);
            Vec::new()
        }
        Input::Proposed(proposal) => {
            if let Some(Overlay::Faults(chooser)) = &mut model.overlay {
                chooser.proposal = proposal;
            }
            Vec::new()
        }
        Input::Refused(why) => {
            notice(model, Tone::Bad, why);
            Vec::new()
        }
    }
}

fn notice(model: &mut Model, tone: Tone, text: impl Into<String>) {
    model.notice = Some(Notice {
        tone,
        text: text.into(),
    });
}

fn refuse(model: &mut Model, why: impl Into<String>) -> Vec<Effect> {
    notice(model, Tone::Bad, why);
    Vec::new()
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Help => model.overlay = Some(Overlay::Help { scroll: 0 }),
        Action::Palette => {
            model.overlay = Some(Overlay::Palette {
                query: String::new(),
                selected: 0,
            });
        }
        Action::Quit => return vec![Effect::Quit],
        Action::Back => return back(model),
        Action::Confirm => return confirm(model),
        Action::Open => return open_selected(model),
        Action::Filter => model.catalog.typing = true,
        Action::Erase => lists::erase(model),
        Action::Up => lists::shift(model, -1),
        Action::Down => lists::shift(model, 1),
        Action::PageUp => lists::shift(model, -10),
        Action::PageDown => lists::shift(model, 10),
        Action::First => lists::shift(model, -100_000),
        Action::Last => lists::shift(model, 100_000),
        Action::Less => change_strength(model, -1),
        Action::More => change_strength(model, 1),
        _ => return act_in_lab(model, action),
    }
    faults::propose(model)
}

/// Actions that need a run; without one they do nothing.
fn act_in_lab(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(lab) = &mut model.lab else {
        return Vec::new();
    };
    match action {
        Action::Faster => lab.speed = (lab.speed + 1).min(SPEEDS.len() - 1),
        Action::Slower => lab.speed = lab.speed.saturating_sub(1),
        Action::Focus(number) => {
            let wanted = PanelId::numbered(number).unwrap_or(lab.focus);
            lab.zoomed = if lab.focus == wanted {
                !lab.zoomed
            } else {
                lab.zoomed
            };
            lab.focus = wanted;
        }
        Action::Zoom => lab.zoomed = !lab.zoomed,
        Action::LagUnit => {
            lab.lag_unit = match lab.lag_unit {
                LagUnit::Entries => LagUnit::Time,
                LagUnit::Time => LagUnit::Entries,
            };
        }
        Action::NarrowChart => lab.chart_zoom = (lab.chart_zoom + 1).min(12),
        Action::WidenChart => lab.chart_zoom = lab.chart_zoom.saturating_sub(1),
        Action::NextNode => lab.node = (lab.node + 1) % lab.view.nodes.len().max(1),
        Action::PreviousNode => {
            let count = lab.view.nodes.len().max(1);
            lab.node = (lab.node + count - 1) % count;
        }
        Action::Detail if lab.focus == PanelId::Anomalies && !lab.known.is_empty() => {
            model.overlay = Some(Overlay::Story {
                anomaly: lab.anomaly,
                scroll: 0,
            });
        }
        Action::Detail => lab.zoomed = !lab.zoomed,
        Action::Crash
        | Action::Restart
        | Action::PauseNode
        | Action::CutLink
        | Action::AddDelay
        | Action::ClearDelay
        | Action::AnyFault
        | Action::HealAll => return faults::strike(model, action),
        _ => return travel(model, action),
    }
    Vec::new()
}

/// Actions that go to another moment, or to another seed.
fn travel(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(lab) = &mut model.lab else {
        return Vec::new();
    };
    let now = lab.view.now;
    if action == Action::PlayPause {
        return play_or_pause(model);
    }
    let seed = lab.view.seed;
    let open = |seed| Effect::Open {
        source: lab.source.clone(),
        seed,
    };
    let effect = match action {
        Action::NextSeed => return vec![open(seed.saturating_add(1))],
        Action::PreviousSeed => return vec![open(seed.saturating_sub(1))],
        Action::StepForward => Effect::Step,
        Action::StepBack => Effect::Seek(lab.view.step.saturating_sub(1)),
        Action::MilliForward => Effect::RunUntil(now + Span::from_millis(1)),
        Action::MilliBack => Effect::SeekTime(now - Span::from_millis(1)),
        Action::LeapForward => Effect::RunUntil(now + Span::from_millis(10)),
        Action::LeapBack => Effect::SeekTime(now - Span::from_millis(10)),
        Action::ToBegin => Effect::Seek(0),
        Action::ToEnd => Effect::RunToEnd,
        Action::NextAnomaly => match lab.known.iter().find(|a| a.step > lab.view.step) {
            Some(known) => Effect::Seek(known.step),
            None => Effect::FindAnomaly,
        },
        Action::PreviousAnomaly => match lab.known.iter().rfind(|a| a.step < lab.view.step) {
            Some(known) => Effect::Seek(known.step),
            None => return refuse(model, "No anomaly was found before this moment."),
        },
        _ => return Vec::new(),
    };
    lab.playing = false;
    let over = lab.view.ended.is_some();
    if over && matches!(effect, Effect::Step | Effect::RunUntil(_)) {
        return refuse(model, "The run is over: g goes back to its beginning.");
    }
    if lab.view.step == 0 && matches!(effect, Effect::Seek(0)) {
        return refuse(model, "This is the beginning.");
    }
    vec![effect]
}

fn play_or_pause(model: &mut Model) -> Vec<Effect> {
    let Some(lab) = &mut model.lab else {
        return Vec::new();
    };
    if lab.view.ended.is_some() {
        return refuse(model, "The run is over: g goes back to its beginning.");
    }
    lab.playing = !lab.playing;
    lab.play_head = lab.view.now;
    Vec::new()
}

fn tick(model: &mut Model, passed: Duration) -> Vec<Effect> {
    let Some(lab) = &mut model.lab else {
        return Vec::new();
    };
    if !lab.playing {
        return Vec::new();
    }
    let micros = passed.as_micros().min(250_000) as u64;
    // Speeds are whole microseconds a second, so this divides after multiplying and loses nothing that shows.
    let advance = Span::from_nanos(SPEEDS[lab.speed].as_nanos() / 1_000 * micros / 1_000);
    lab.play_head += advance;
    vec![Effect::RunUntil(lab.play_head)]
}

fn back(model: &mut Model) -> Vec<Effect> {
    if model.overlay.take().is_some() {
        return Vec::new();
    }
    match &mut model.lab {
        Some(lab) if lab.zoomed => lab.zoomed = false,
        Some(_) if model.came_from_catalog => {
            model.lab = None;
            return vec![Effect::Close];
        }
        Some(_) => return vec![Effect::Quit],
        None => {
            let filtered = model.catalog.typing || !model.catalog.filter.is_empty();
            model.catalog.typing = false;
            model.catalog.filter.clear();
            if !filtered {
                return vec![Effect::Quit];
            }
        }
    }
    Vec::new()
}

fn confirm(model: &mut Model) -> Vec<Effect> {
    match model.overlay.take() {
        None => model.catalog.typing = false,
        Some(Overlay::Help { .. }) => {}
        Some(Overlay::Palette { query, selected }) => {
            let found = actions::palette(model.screen(), &query);
            if let Some(spec) = found.get(selected) {
                return act(model, spec.action);
            }
        }
        Some(Overlay::Picker(picker)) => return faults::strike_link(model, &picker),
        Some(Overlay::Faults(chooser)) => return faults::strike_by_choice(model, chooser),
        Some(Overlay::Story { anomaly, .. }) => {
            if let Some(lab) = &mut model.lab {
                lab.playing = false;
                let step = lab.known.get(anomaly).map(|a| a.step);
                return step.map(Effect::Seek).into_iter().collect();
            }
        }
    }
    Vec::new()
}

fn open_selected(model: &mut Model) -> Vec<Effect> {
    match model.catalog.current() {
        Some(entry) => vec![Effect::Open {
            source: entry.name.clone(),
            seed: 1,
        }],
        None => refuse(model, "No scenario is selected."),
    }
}

fn change_strength(model: &mut Model, by: isize) {
    match &mut model.overlay {
        Some(Overlay::Picker(picker)) => {
            if let Purpose::Delay(step) = &mut picker.purpose {
                *step = step.saturating_add_signed(by).min(DELAYS.len() - 1);
            }
        }
        Some(Overlay::Faults(chooser)) => {
            chooser.number = chooser.number.saturating_add_signed(by as i64);
        }
        _ => {}
    }
}

/// A run was opened: for another seed of the same scenario the screen stays as the person set it up.
fn opened(model: &mut Model, source: String, view: View, digest: u64) {
    let mut lab = Lab::new(source, view, digest);
    if let Some(old) = model.lab.take().filter(|old| old.source == lab.source) {
        lab.playing = old.playing && lab.view.ended.is_none();
        lab.speed = old.speed;
        lab.focus = old.focus;
        lab.zoomed = old.zoomed;
        lab.node = old.node.min(lab.view.nodes.len().saturating_sub(1));
        lab.lag_unit = old.lag_unit;
        lab.chart_zoom = old.chart_zoom;
        notice(model, Tone::Plain, format!("Seed {}.", lab.view.seed));
    }
    model.overlay = None;
    model.lab = Some(lab);
}

fn viewed(model: &mut Model, view: View, digest: u64) {
    let Some(lab) = &mut model.lab else {
        return;
    };
    let before = lab.view.step;
    let fell = view.anomalies.iter().rfind(|a| a.step > before).cloned();
    let ahead = lab.known.drain(..).filter(|a| a.step > view.step);
    let known: Vec<_> = view.anomalies.iter().cloned().chain(ahead).collect();
    lab.known = known;
    let here = lab.known.iter().position(|a| a.step == view.step);
    let latest = lab.known.iter().rposition(|a| a.step <= view.step);
    if let Some(here) = here {
        lab.anomaly = here;
    } else if let (Some(latest), true) = (
        latest.filter(|_| fell.is_some()),
        lab.focus != PanelId::Anomalies,
    ) {
        lab.anomaly = latest;
    }
    lab.anomaly = lab.anomaly.min(lab.known.len().saturating_sub(1));
    lab.node = lab.node.min(view.nodes.len().saturating_sub(1));
    lab.play_head = if lab.playing {
        lab.play_head.max(view.now)
    } else {
        view.now
    };
    let ended = view.ended.clone().filter(|_| lab.playing);
    if ended.is_some() {
        lab.playing = false;
    }
    lab.view = view;
    lab.digest = digest;
    if let Some(why) = ended {
        notice(model, Tone::Plain, format!("The run is over: {why}."));
    }
    if let Some(anomaly) = fell {
        let text = format!("{} fell: {}", anomaly.guarantee, anomaly.summary);
        notice(model, Tone::Bad, text);
    }
}

fn click(model: &mut Model, column: u16, row: u16) -> Vec<Effect> {
    if model.overlay.is_some() {
        return Vec::new();
    }
    let Some(lab) = &mut model.lab else {
        let [_, list, _, _] = layout::catalog(model.size, model.catalog.entries.len());
        let inside = list.contains((column, row).into());
        let Some(line) = catalog::line_at(model, list, row).filter(|_| inside) else {
            return Vec::new();
        };
        if line == model.catalog.selected {
            return open_selected(model);
        }
        model.catalog.selected = line;
        return Vec::new();
    };
    let Some((panel, rect)) = layout::lab(model.size, lab).at(column, row) else {
        return Vec::new();
    };
    lab.focus = panel;
    let line = usize::from(row.saturating_sub(rect.y + 1));
    let room = usize::from(rect.height.saturating_sub(2));
    match panel {
        PanelId::Nodes => lists::select_node(lab, line, room),
        PanelId::Anomalies => lists::select_anomaly(lab, line, room),
        PanelId::Timeline => {
            let plot = layout::plot(rect);
            if column >= plot.x && column < plot.right() {
                lab.playing = false;
                let at = crate::panels::instant_at(lab, column - plot.x, plot.width);
                return vec![Effect::SeekTime(at)];
            }
        }
        PanelId::Lag | PanelId::Operations | PanelId::Trace | PanelId::InFlight => {}
    }
    Vec::new()
}
