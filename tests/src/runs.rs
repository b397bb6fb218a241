//! Opening runs, and telling people how to see them again.

use seedbed_scenarios::catalog;
use seedbed_scenarios::file::{self, Scenario};
use seedbed_scenarios::session::{self, Keep, Session};
use seedbed_scenarios::view::Window;
use seedbed_sim::{Instant, NodeId, Seed};

/// The scenario of the catalog with this name.
///
/// # Panics
/// When there is none.
pub fn scenario(name: &str) -> Scenario {
    catalog::load(name).unwrap_or_else(|unknown| panic!("{unknown}"))
}

/// The file of a scenario of the catalog with one piece replaced, which it must hold exactly once.
///
/// # Panics
/// When there is no such scenario, or the piece is not in it once.
pub fn changed(name: &str, old: &str, new: &str) -> String {
    let text = catalog::find(name)
        .unwrap_or_else(|unknown| panic!("{unknown}"))
        .text;
    assert_eq!(text.matches(old).count(), 1, "{old:?} is in {name} once");
    text.replace(old, new)
}

/// A scenario from the text of a file.
///
/// # Panics
/// When the file is wrong; the message shows where.
pub fn parse(text: &str) -> Scenario {
    file::parse("test.toml", text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// A run of a scenario of the catalog, at its beginning.
///
/// # Panics
/// When there is no such scenario.
pub fn open(name: &str, seed: u64, keep: Keep) -> Box<dyn Session> {
    session::open(name, scenario(name), Seed(seed), keep)
}

/// A run of a scenario from the text of a file, at its beginning.
///
/// # Panics
/// When the file is wrong.
pub fn open_text(text: &str, seed: u64) -> Box<dyn Session> {
    session::open("test.toml", parse(text), Seed(seed), Keep::Digest)
}

/// The node with this name.
///
/// # Panics
/// When the run has none.
pub fn node(run: &dyn Session, name: &str) -> NodeId {
    let view = run.view(everything(run));
    let node = view.nodes.iter().find(|node| node.name == name);
    node.unwrap_or_else(|| panic!("no node is called {name}"))
        .id
}

/// A window on the whole run so far, wide enough to show every operation and event of a scenario in the catalog.
pub fn everything(run: &dyn Session) -> Window {
    Window {
        from: Instant::ZERO,
        to: run.now(),
        columns: 40,
        rows: u16::MAX,
    }
}
