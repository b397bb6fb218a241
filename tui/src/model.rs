//! Everything that the interface knows: what it draws is a function of this and nothing else.
//!
//! The run itself is not here. The model holds the latest [`View`] of it, and asks for changes by
//! [`Effect`](crate::update::Effect)s.

use std::sync::Arc;

use seedbed_scenarios::nemesis::{self, Kind};
use seedbed_scenarios::view::{AnomalyView, FaultView, NodeView, View, Window};
use seedbed_sim::{Fault, Instant, NodeId, Span};
use serde::Serialize;

use crate::actions::Context;
use crate::layout::{self, Size};
use crate::panels::PanelId;
use crate::theme::Theme;

/// The whole state of the interface.
#[derive(Clone, Debug)]
pub struct Model {
    /// The screen's size in cells.
    pub size: Size,
    /// How things look.
    pub theme: Theme,
    /// The scenarios one can open.
    pub catalog: Catalog,
    /// The run that is open, if one is; else the catalog is shown.
    pub lab: Option<Lab>,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// One line for the person, until the next key.
    pub notice: Option<Notice>,
    /// Whether leaving the lab leads to the catalog, or out.
    pub came_from_catalog: bool,
}

/// The list of scenarios.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// All of them.
    pub entries: Vec<Entry>,
    /// Only those that hold this are shown.
    pub filter: String,
    /// Whether the person is typing the filter.
    pub typing: bool,
    /// Which of the shown ones is selected.
    pub selected: usize,
}

/// A scenario of the catalog, in words; its fields are also those of the list's JSON form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name, by which it is run: `ddia/5-3`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The chapter of the book that it belongs to.
    pub chapter: String,
    /// What it teaches.
    pub teaches: String,
    /// What to change to see it come out differently; may be empty.
    #[serde(rename = "try")]
    pub try_next: String,
    /// What it expects, a line each.
    pub expectations: Vec<String>,
}

impl Catalog {
    /// The scenarios that the filter lets through.
    pub fn shown(&self) -> Vec<&Entry> {
        let wanted = self.filter.to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&wanted);
        self.entries
            .iter()
            .filter(|e| {
                [&e.name, &e.title, &e.chapter, &e.teaches]
                    .map(|t| holds(t))
                    .contains(&true)
            })
            .collect()
    }

    /// The selected one, unless the filter lets none through.
    pub fn current(&self) -> Option<&Entry> {
        self.shown().get(self.selected).copied()
    }
}

/// A run that is open.
#[derive(Clone, Debug)]
pub struct Lab {
    /// What to open again for another seed: a name of the catalog, or a file.
    pub source: String,
    /// The run as it is now.
    pub view: View,
    /// The digest of its trace.
    pub digest: u64,
    /// Whether virtual time runs.
    pub playing: bool,
    /// How much virtual time passes in a real second: an index into [`SPEEDS`].
    pub speed: usize,
    /// Where virtual time stands between two events while playing.
    pub play_head: Instant,
    /// The panel that moves and zooms.
    pub focus: PanelId,
    /// Whether that panel is shown alone.
    pub zoomed: bool,
    /// The node that faults by key strike.
    pub node: usize,
    /// The anomaly that is selected, among [`known`](Self::known).
    pub anomaly: usize,
    /// How many lines each list is scrolled back from its latest.
    pub scroll: Scroll,
    /// What the lag chart counts.
    pub lag_unit: LagUnit,
    /// How many times the lag chart's stretch is halved from the whole run.
    pub chart_zoom: u32,
    /// Every anomaly that was found in this run, those ahead of this moment (after going back) too.
    pub known: Vec<Arc<AnomalyView>>,
}

/// How far each list is scrolled back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// Of the operations.
    pub operations: u16,
    /// Of the trace.
    pub trace: u16,
    /// Of the messages on their way, forwards from the soonest.
    pub in_flight: u16,
    /// Of the timeline's faults, forwards from the first.
    pub timeline: u16,
}

/// What the lag chart counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LagUnit {
    /// Log entries.
    Entries,
    /// Time.
    Time,
}

/// What lies over the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// All keys, scrolled by so many lines.
    Help {
        /// Lines scrolled.
        scroll: u16,
    },
    /// Finding an action by name.
    Palette {
        /// What was typed.
        query: String,
        /// Which of those found is selected.
        selected: usize,
    },
    /// Choosing a link of a node.
    Picker(Picker),
    /// Choosing a fault of any kind.
    Faults(FaultChooser),
    /// How an anomaly came about.
    Story {
        /// Which, among the known ones.
        anomaly: usize,
        /// Lines scrolled.
        scroll: u16,
    },
}

/// Choosing a fault of any kind, for a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultChooser {
    /// The node that it shall strike.
    pub node: NodeId,
    /// What was typed.
    pub query: String,
    /// Which of those found is selected.
    pub selected: usize,
    /// The how many-th drawing of it this is, from 0.
    pub number: u64,
    /// The fault as it would be injected, in words; `None` where this kind can't strike the node.
    pub proposal: Option<(Fault, String)>,
}

impl FaultChooser {
    /// The kinds whose name or description holds all words of the query.
    pub fn found(&self) -> Vec<&'static Kind> {
        let query = self.query.to_lowercase();
        let holds = |kind: &&Kind| {
            let text = format!("{} {}", kind.name, kind.summary()).to_lowercase();
            query.split_whitespace().all(|word| text.contains(word))
        };
        nemesis::all_kinds().filter(holds).collect()
    }

    /// The kind that is selected.
    pub fn kind(&self) -> Option<&'static Kind> {
        self.found().get(self.selected).copied()
    }
}

/// Choosing a link of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picker {
    /// The node whose links there are to choose from.
    pub node: NodeId,
    /// What for.
    pub purpose: Purpose,
    /// The links, by what the fault would strike.
    pub links: Vec<LinkChoice>,
    /// Which is selected.
    pub selected: usize,
}

/// What a link is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To cut it, or to heal it where it is cut.
    Cut,
    /// To add delay: an index into [`DELAYS`].
    Delay(usize),
}

/// One line of the picker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkChoice {
    /// The link to this node.
    To(NodeId),
    /// The links to all other nodes.
    All,
}

/// One line for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How it sounds.
    pub tone: Tone,
    /// The line.
    pub text: String,
}

/// How a notice sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something was done.
    Plain,
    /// Something could not be done, or went wrong in the run.
    Bad,
}

/// How much virtual time passes in a real second.
pub const SPEEDS: [Span; 16] = [
    Span::from_micros(100),
    Span::from_micros(200),
    Span::from_micros(500),
    Span::from_millis(1),
    Span::from_millis(2),
    Span::from_millis(5),
    Span::from_millis(10),
    Span::from_millis(20),
    Span::from_millis(50),
    Span::from_millis(100),
    Span::from_millis(200),
    Span::from_millis(500),
    Span::from_secs(1),
    Span::from_secs(2),
    Span::from_secs(10),
    Span::from_secs(60),
];

/// How much delay a key press can add to a link.
pub const DELAYS: [Span; 7] = [
    Span::from_millis(1),
    Span::from_millis(5),
    Span::from_millis(20),
    Span::from_millis(100),
    Span::from_millis(500),
    Span::from_secs(2),
    Span::from_secs(10),
];

/// The delay that the picker begins with: 100 ms.
pub const USUAL_DELAY: usize = 3;

/// A run is played in about so many real seconds, unless the person chooses another speed.
const COMFORTABLE_SECS: u64 = 25;

impl Model {
    /// The catalog on a screen of this size.
    pub fn new(entries: Vec<Entry>, size: Size, theme: Theme) -> Self {
        Self {
            size,
            theme,
            catalog: Catalog {
                entries,
                ..Catalog::default()
            },
            lab: None,
            overlay: None,
            notice: None,
            came_from_catalog: true,
        }
    }

    /// Where keys go.
    pub fn context(&self) -> Context {
        match (&self.overlay, &self.lab) {
            (Some(Overlay::Help { .. }), _) => Context::Help,
            (Some(Overlay::Palette { .. }), _) => Context::Palette,
            (Some(Overlay::Picker(_)), _) => Context::Picker,
            (Some(Overlay::Story { .. }), _) => Context::Story,
            (Some(Overlay::Faults(_)), _) => Context::Faults,
            (None, Some(_)) => Context::Lab,
            (None, None) if self.catalog.typing => Context::Filter,
            (None, None) => Context::Catalog,
        }
    }

    /// What lies under help and palette.
    pub fn screen(&self) -> Context {
        match self.lab {
            Some(_) => Context::Lab,
            None => Context::Catalog,
        }
    }

    /// The part of the run that the panels have room to show.
    pub fn window(&self) -> Window {
        let Some(lab) = &self.lab else {
            return Window {
                from: Instant::ZERO,
                to: Instant::NEVER,
                columns: 1,
                rows: 1,
            };
        };
        let (from, to) = lab.stretch();
        let deepest = lab.scroll.operations.max(lab.scroll.trace);
        Window {
            from,
            to,
            columns: layout::chart_columns(self.size, lab),
            rows: self.size.height.max(1).saturating_add(deepest),
        }
    }
}

impl Lab {
    /// A run that was just opened.
    pub fn new(source: String, view: View, digest: u64) -> Self {
        let comfortable = Span::from_nanos(view.duration.as_nanos() / COMFORTABLE_SECS);
        let speed = SPEEDS.iter().rposition(|s| *s <= comfortable).unwrap_or(0);
        Self {
            source,
            digest,
            playing: false,
            speed,
            play_head: view.now,
            focus: PanelId::Nodes,
            zoomed: false,
            node: 0,
            anomaly: 0,
            scroll: Scroll::default(),
            lag_unit: LagUnit::Entries,
            chart_zoom: 0,
            known: view.anomalies.clone(),
            view,
        }
    }

    /// The node that faults by key strike.
    pub fn selected_node(&self) -> Option<&NodeView> {
        self.view.nodes.get(self.node)
    }

    /// A node's name.
    pub fn name(&self, node: NodeId) -> &str {
        let found = self.view.nodes.iter().find(|n| n.id == node);
        found.map_or("?", |n| n.name.as_str())
    }

    /// The end of the timeline: the scenario's duration, or now, where healing and settling went on past it.
    pub fn end(&self) -> Instant {
        (Instant::ZERO + self.view.duration).max(self.view.now)
    }

    /// The stretch that the lag chart shows: the whole run, or a part of it up to just past now.
    pub fn stretch(&self) -> (Instant, Instant) {
        let end = self.end();
        let length = Span::from_nanos((end.as_nanos() >> self.chart_zoom.min(62)).max(1));
        if self.chart_zoom == 0 {
            return (Instant::ZERO, end);
        }
        let to = end.min(
            (self.view.now + Span::from_nanos(length.as_nanos() / 8)).max(Instant::ZERO + length),
        );
        (to - length, to)
    }

    /// The faults that hold now and can be lifted.
    pub fn active_faults(&self) -> impl Iterator<Item = &FaultView> {
        self.view
            .faults
            .iter()
            .filter(|f| f.active && f.id.is_some())
    }
}
