//! The one registry of what a person can do: its keys, its words, and where it applies.
//!
//! The key map, the `?` help, the hints in the footer and the `:` palette are all read from [`REGISTRY`], so that none of
//! them can say what another does not. To add an action: a variant of [`Action`], a line in [`REGISTRY`], and an arm in
//! [`update`](crate::update::update), which the compiler asks for.

use std::fmt;

/// A key press, free of any terminal library, so that a web page can send it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A character, as typed: capital letters are characters of their own.
    Char(char),
    /// A character with the control key.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Char(' ') => "space",
            Self::Char(c) => return write!(f, "{c}"),
            Self::Ctrl(c) => return write!(f, "ctrl-{c}"),
            Self::Enter => "enter",
            Self::Esc => "esc",
            Self::Tab => "tab",
            Self::BackTab => "shift-tab",
            Self::Backspace => "backspace",
            Self::Up => "↑",
            Self::Down => "↓",
            Self::Left => "←",
            Self::Right => "→",
            Self::Home => "home",
            Self::End => "end",
            Self::PageUp => "page up",
            Self::PageDown => "page down",
        };
        f.write_str(name)
    }
}

/// Where keys go: the screen, or what lies over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// The list of scenarios.
    Catalog,
    /// Typing a filter for that list.
    Filter,
    /// A run.
    Lab,
    /// The help.
    Help,
    /// Typing in the palette.
    Palette,
    /// Choosing a link.
    Picker,
    /// Reading how an anomaly came about.
    Story,
    /// Choosing a fault of any kind.
    Faults,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Catalog,
        Self::Filter,
        Self::Lab,
        Self::Help,
        Self::Palette,
        Self::Picker,
        Self::Story,
        Self::Faults,
    ];

    /// Its heading in the help.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Catalog => "In the catalog",
            Self::Filter => "While filtering the catalog",
            Self::Lab => "In the lab",
            Self::Help => "In this help",
            Self::Palette => "In the command palette",
            Self::Picker => "While choosing a link",
            Self::Story => "In an anomaly's story",
            Self::Faults => "While choosing a fault",
        }
    }

    /// Whether characters that no action takes are text.
    pub const fn takes_text(self) -> bool {
        matches!(self, Self::Filter | Self::Palette | Self::Faults)
    }
}

/// What a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the registry says what each does")]
pub enum Action {
    PlayPause,
    StepForward,
    StepBack,
    MilliForward,
    MilliBack,
    LeapForward,
    LeapBack,
    Faster,
    Slower,
    NextAnomaly,
    PreviousAnomaly,
    ToBegin,
    ToEnd,
    NextSeed,
    PreviousSeed,
    NextNode,
    PreviousNode,
    Crash,
    Restart,
    PauseNode,
    CutLink,
    AddDelay,
    ClearDelay,
    AnyFault,
    HealAll,
    Focus(u8),
    Zoom,
    LagUnit,
    NarrowChart,
    WidenChart,
    Open,
    Filter,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Less,
    More,
    Confirm,
    Detail,
    Erase,
    Palette,
    Help,
    Back,
    Quit,
}

/// One line of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// What it does.
    pub action: Action,
    /// Its name in the palette.
    pub title: &'static str,
    /// What it does, for the help.
    pub description: &'static str,
    /// The keys that do it.
    pub keys: &'static [Key],
    /// Where they do.
    pub contexts: &'static [Context],
    /// Its word in the footer, where it has one.
    pub hint: Option<&'static str>,
}

use Action as A;
use Context as C;
use Key as K;

const fn spec(
    action: Action,
    contexts: &'static [Context],
    keys: &'static [Key],
    title: &'static str,
    description: &'static str,
    hint: Option<&'static str>,
) -> Spec {
    Spec {
        action,
        title,
        description,
        keys,
        contexts,
        hint,
    }
}

const LAB: &[Context] = &[C::Lab];
const CATALOG: &[Context] = &[C::Catalog];

/// Every action, in the order of the help; footers show those with a hint in this order.
#[rustfmt::skip]
pub const REGISTRY: &[Spec] = &[
    // Time.
    spec(A::PlayPause, LAB, &[K::Char(' ')], "Play or pause", "let virtual time run, or stop it", Some("play")),
    spec(A::StepForward, LAB, &[K::Right, K::Char('l')], "Step forward", "take one step: one event, client operation or fault", Some("step")),
    spec(A::StepBack, LAB, &[K::Left, K::Char('h')], "Step back", "undo one step", Some("back")),
    spec(A::MilliForward, LAB, &[K::Char('.')], "One millisecond forward", "go on for one virtual millisecond", None),
    spec(A::MilliBack, LAB, &[K::Char(',')], "One millisecond back", "go back by one virtual millisecond", None),
    spec(A::LeapForward, LAB, &[K::Char('>')], "Ten milliseconds forward", "go on for ten virtual milliseconds", None),
    spec(A::LeapBack, LAB, &[K::Char('<')], "Ten milliseconds back", "go back by ten virtual milliseconds", None),
    spec(A::Faster, LAB, &[K::Char('+'), K::Char('=')], "Play faster", "more virtual time in each real second", Some("faster")),
    spec(A::Slower, LAB, &[K::Char('-')], "Play slower", "less virtual time in each real second", Some("slower")),
    spec(A::NextAnomaly, LAB, &[K::Char('n')], "Next anomaly", "run on to where the next anomaly can be seen", Some("anomaly")),
    spec(A::PreviousAnomaly, LAB, &[K::Char('N')], "Previous anomaly", "go back to the anomaly before this moment", None),
    spec(A::ToBegin, LAB, &[K::Char('g'), K::Home], "To the beginning", "go back to before the first step", None),
    spec(A::ToEnd, LAB, &[K::Char('G'), K::End], "To the end", "run to the end, heal and settle included", None),
    spec(A::NextSeed, LAB, &[K::Char('s')], "Next seed", "begin the scenario again with the next seed", Some("seed")),
    spec(A::PreviousSeed, LAB, &[K::Char('S')], "Previous seed", "begin the scenario again with the seed before", None),
    // Faults.
    spec(A::NextNode, LAB, &[K::Tab], "Next node", "select the next node; faults by key strike the selected node", Some("node")),
    spec(A::PreviousNode, LAB, &[K::BackTab], "Previous node", "select the node before", None),
    spec(A::Crash, LAB, &[K::Char('c')], "Crash the node", "stop the selected node; what its disk has not synced is lost", Some("crash")),
    spec(A::Restart, LAB, &[K::Char('r')], "Restart the node", "boot the selected node again after a crash", Some("restart")),
    spec(A::PauseNode, LAB, &[K::Char('p')], "Pause or resume the node", "freeze the selected node unawares, or let it go on", None),
    spec(A::CutLink, LAB, &[K::Char('x')], "Cut or heal a link", "choose a link of the selected node; what is sent is lost", Some("cut")),
    spec(A::AddDelay, LAB, &[K::Char('d')], "Delay a link", "choose a link of the selected node; delay it both ways", Some("delay")),
    spec(A::ClearDelay, LAB, &[K::Char('D')], "Remove delay", "take all added delay from the links of the selected node", None),
    spec(A::AnyFault, LAB, &[K::Char('f')], "Any other fault", "choose from every fault there is, for the selected node", Some("faults")),
    spec(A::HealAll, LAB, &[K::Char('H')], "Heal everything", "end every fault that holds now, the scenario's own too", None),
    // Looking.
    spec(A::Focus(1), LAB, &[K::Char('1')], "Nodes", "go to the nodes; again: alone on the screen", None),
    spec(A::Focus(2), LAB, &[K::Char('2')], "Lag", "go to the lag chart; again: alone on the screen", None),
    spec(A::Focus(3), LAB, &[K::Char('3')], "Operations", "go to the latest operations; again: alone on the screen", None),
    spec(A::Focus(4), LAB, &[K::Char('4')], "Anomalies", "go to the anomalies; again: alone on the screen", None),
    spec(A::Focus(5), LAB, &[K::Char('5')], "Timeline", "go to the timeline; again: alone on the screen", None),
    spec(A::Focus(6), LAB, &[K::Char('6')], "Trace", "go to the trace; again: alone on the screen", None),
    spec(A::Focus(7), LAB, &[K::Char('7')], "In flight", "go to the messages on their way; again: alone on the screen", None),
    spec(A::Zoom, LAB, &[K::Char('z')], "Zoom", "show the panel in focus alone, or all panels again", Some("zoom")),
    spec(A::LagUnit, LAB, &[K::Char('t')], "Lag in entries or time", "switch the lag chart between log entries and time behind", None),
    spec(A::NarrowChart, LAB, &[K::Char('[')], "Narrow the chart", "let the lag chart show a shorter stretch up to now", None),
    spec(A::WidenChart, LAB, &[K::Char(']')], "Widen the chart", "let the lag chart show a longer stretch, up to the whole run", None),
    // Lists.
    spec(A::Open, CATALOG, &[K::Enter], "Open the scenario", "run the selected scenario in the lab", Some("open")),
    spec(A::Filter, CATALOG, &[K::Char('/')], "Filter the catalog", "show only scenarios that hold what you type", Some("filter")),
    spec(A::Detail, LAB, &[K::Enter], "Look closer", "tell the selected anomaly's story, or zoom the panel", None),
    spec(A::Up, &[C::Catalog, C::Lab, C::Help, C::Picker, C::Story], &[K::Up, K::Char('k')], "Up", "move up in the panel in focus", None),
    spec(A::Down, &[C::Catalog, C::Lab, C::Help, C::Picker, C::Story], &[K::Down, K::Char('j')], "Down", "move down in the panel in focus", None),
    spec(A::Up, &[C::Filter, C::Palette, C::Faults], &[K::Up, K::BackTab], "Up", "move up in the list", None),
    spec(A::Down, &[C::Filter, C::Palette, C::Faults], &[K::Down, K::Tab], "Down", "move down in the list", None),
    spec(A::PageUp, &[C::Catalog, C::Lab, C::Help, C::Story], &[K::PageUp], "Page up", "move up by ten lines", None),
    spec(A::PageDown, &[C::Catalog, C::Lab, C::Help, C::Story], &[K::PageDown], "Page down", "move down by ten lines", None),
    spec(A::First, &[C::Catalog, C::Help], &[K::Char('g'), K::Home], "First", "go to the first line", None),
    spec(A::Last, &[C::Catalog, C::Help], &[K::Char('G'), K::End], "Last", "go to the last line", None),
    spec(A::Less, &[C::Picker], &[K::Left, K::Char('h'), K::Char('-')], "Less delay", "add less delay", Some("less")),
    spec(A::More, &[C::Picker], &[K::Right, K::Char('l'), K::Char('+')], "More delay", "add more delay", Some("more")),
    spec(A::Less, &[C::Faults], &[K::Left], "The drawing before", "the fault as it was drawn before", None),
    spec(A::More, &[C::Faults], &[K::Right], "Another drawing", "draw again how hard it strikes, and where", Some("draw again")),
    spec(A::Confirm, &[C::Faults], &[K::Enter], "Inject the fault", "let the fault happen now", Some("inject")),
    spec(A::Confirm, &[C::Filter], &[K::Enter], "Keep the filter", "go back to the list, which stays filtered", Some("keep")),
    spec(A::Confirm, &[C::Palette], &[K::Enter], "Do it", "do the selected action", Some("do it")),
    spec(A::Confirm, &[C::Picker], &[K::Enter], "Choose the link", "cut or heal the chosen link, or add delay to it", Some("choose")),
    spec(A::Confirm, &[C::Story], &[K::Enter], "Go there", "go to the moment at which the anomaly can be seen", Some("go there")),
    spec(A::Erase, &[C::Filter, C::Palette, C::Faults], &[K::Backspace], "Erase", "erase the last character", None),
    // The program.
    spec(A::Palette, &[C::Catalog, C::Lab], &[K::Char(':')], "Command palette", "find an action by its name", Some("commands")),
    spec(A::Help, &[C::Catalog, C::Lab], &[K::Char('?')], "Help", "show all keys", Some("help")),
    spec(A::Back, &[C::Lab], &[K::Char('q'), K::Esc], "Back", "leave the zoom, then the run", Some("leave")),
    spec(A::Back, &[C::Catalog], &[K::Char('q'), K::Esc], "Leave", "drop the filter, then leave Seedbed", Some("leave")),
    spec(A::Back, &[C::Help, C::Picker, C::Story], &[K::Char('q'), K::Esc, K::Char('?')], "Close", "close this", Some("close")),
    spec(A::Back, &[C::Filter], &[K::Esc], "Drop the filter", "show all scenarios again", Some("drop")),
    spec(A::Back, &[C::Palette, C::Faults], &[K::Esc], "Close", "close this", Some("close")),
    spec(A::Quit, &C::ALL, &[K::Ctrl('c')], "Quit", "leave Seedbed at once", None),
];

/// The action that a key stands for in a context.
pub fn lookup(context: Context, key: Key) -> Option<Action> {
    in_context(context)
        .find(|spec| spec.keys.contains(&key))
        .map(|spec| spec.action)
}

/// The lines of the registry that apply in a context.
pub fn in_context(context: Context) -> impl Iterator<Item = &'static Spec> {
    REGISTRY
        .iter()
        .filter(move |spec| spec.contexts.contains(&context))
}

/// What the palette offers in a context for a query: actions whose title or description holds all of its words.
pub fn palette(context: Context, query: &str) -> Vec<&'static Spec> {
    let query = query.to_lowercase();
    let words: Vec<&str> = query.split_whitespace().collect();
    let mut found: Vec<&Spec> = in_context(context)
        .filter(|spec| spec.action != Action::Palette)
        .filter(|spec| {
            let text = format!("{} {}", spec.title, spec.description).to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
        .collect();
    // A title that begins with the query is what was meant; the sort keeps the registry's order otherwise.
    found.sort_by_key(|spec| !spec.title.to_lowercase().starts_with(&query));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_key_does_one_thing_in_each_context() {
        for context in Context::ALL {
            let mut taken: BTreeMap<Key, &str> = BTreeMap::new();
            for spec in in_context(context) {
                for key in spec.keys {
                    if let Some(other) = taken.insert(*key, spec.title) {
                        panic!("{key} is both {other} and {} in {context:?}", spec.title);
                    }
                }
            }
        }
    }

    #[test]
    fn every_action_has_a_key_a_place_and_words() {
        for spec in REGISTRY {
            assert!(!spec.keys.is_empty(), "{spec:?}");
            assert!(!spec.contexts.is_empty(), "{spec:?}");
            assert!(!spec.title.is_empty(), "{spec:?}");
            assert!(!spec.description.is_empty(), "{spec:?}");
            // So that the help fits a screen of 80 columns.
            assert!(spec.description.chars().count() <= 60, "{spec:?}");
        }
    }

    #[test]
    fn text_keys_reach_the_text_where_text_is_taken() {
        for context in Context::ALL.into_iter().filter(|c| c.takes_text()) {
            for spec in in_context(context) {
                let plain = spec.keys.iter().find(|key| matches!(key, Key::Char(_)));
                assert_eq!(plain, None, "{} would eat what is typed", spec.title);
            }
        }
    }

    #[test]
    fn every_context_can_be_left() {
        for context in Context::ALL {
            assert_eq!(lookup(context, Key::Ctrl('c')), Some(Action::Quit));
            assert_eq!(lookup(context, Key::Esc), Some(Action::Back));
        }
    }

    #[test]
    fn the_palette_finds_by_any_word_and_puts_the_title_first() {
        assert_eq!(palette(Context::Lab, "crash")[0].action, Action::Crash);
        assert_eq!(palette(Context::Lab, "catalog lost").len(), 0);
        let all = palette(Context::Lab, "").len();
        assert_eq!(all, in_context(Context::Lab).count() - 1);
    }
}
