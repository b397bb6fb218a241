//! The catalog's scenarios, run as the program runs them.

use crate::directive::{Change, Draw, Run, Screen};
use crate::expand::Lab;
use seedbed::cli;
use seedbed::layout::Size;
use seedbed_scenarios::checkers::{Finding, Model, Order, Question, Setting, guarantee};
use seedbed_scenarios::draw::{self, Theme};
use seedbed_scenarios::import::{self, Hints};
use seedbed_scenarios::session::{self, Keep, Session};
use seedbed_scenarios::{catalog, file};
use seedbed_sim::{Instant, Seed, Span};

/// The seed that the program uses where none is given.
const DEFAULT_SEED: u64 = 1;

/// The size of the screen in pictures.
const SCREEN: Size = Size {
    width: 110,
    height: 34,
};

/// The scenarios that are compiled into the program.
#[derive(Clone, Copy, Debug)]
pub struct Catalog;

/// The histories that chapters speak of, by name.
macro_rules! histories {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../histories/", $name, ".jsonl"))),)*]
    };
}

const HISTORIES: &[(&str, &str)] = histories![
    "own-write-missed",
    "seen-and-gone",
    "backwards",
    "answer-first",
    "lists-disagree",
    "figure-2a",
    "figure-2b",
    "figure-2c",
];

/// What the judges say of one history, in the order of the catalog.
fn judged(name: &str) -> Result<Vec<(&'static str, &'static str)>, String> {
    let known = HISTORIES.iter().find(|(known, _)| *known == name);
    let (_, text) = known.ok_or_else(|| format!("no history is called `{name}`"))?;
    let imported = import::read(name, Hints::default(), text.as_bytes());
    let imported = imported.map_err(|mistake| mistake.to_string())?;
    let setting = Setting {
        model: if text.contains("append") {
            Model::AppendKv
        } else {
            Model::Register
        },
        order: Order::Session,
        ..Setting::default()
    };
    let question = Question {
        history: &imported.history,
        setting: &setting,
        finals: None,
        at: Instant::ZERO,
    };
    let standings = guarantee::ladder(&question).map_err(|unsupported| unsupported.to_string())?;
    let judged = standings.iter().map(|standing| {
        let word = match standing.finding {
            Finding::Holds => "holds",
            Finding::Violated { .. } => "**falls**",
            Finding::Undecided(_) => "·",
        };
        (standing.guarantee.name, word)
    });
    Ok(judged.collect())
}

impl Lab for Catalog {
    fn verdicts(&self, histories: &[String]) -> Result<String, String> {
        let columns: Vec<_> = histories
            .iter()
            .map(|name| judged(name))
            .collect::<Result<_, _>>()?;
        let names = histories.iter().map(|name| format!("`{name}` |"));
        let mut table = format!("| | {}\n|---|", names.collect::<Vec<_>>().join(" "));
        table.push_str(&":-:|".repeat(histories.len()));
        table.push('\n');
        let rows = columns.first().map_or(0, Vec::len);
        // What real time or other objects are needed for says nothing of any of them.
        let says_something = |row: &usize| columns.iter().any(|column| column[*row].1 != "·");
        for row in (0..rows).filter(says_something) {
            let words: Vec<&str> = columns.iter().map(|column| column[row].1).collect();
            table.push_str(&format!(
                "| `{}` | {} |\n",
                columns[0][row].0,
                words.join(" | ")
            ));
        }
        Ok(table)
    }

    fn lattice(&self) -> String {
        guarantee::print_lattice()
    }

    fn run(&self, run: &Run) -> Result<String, String> {
        let edited = (run.scenario.as_str(), run.change.as_ref());
        let session = self.open(edited, &run.file_name(), run.seed, Keep::Digest)?;
        Ok(session.report().to_text())
    }

    fn show(&self, scenario: &str) -> Result<String, String> {
        let entry = catalog::find(scenario).map_err(|unknown| unknown.to_string())?;
        Ok(entry.text.to_owned())
    }

    fn screen(&self, screen: &Screen) -> Result<String, String> {
        self.show(&screen.scenario)?;
        let seed = screen.seed.unwrap_or(DEFAULT_SEED);
        let at = screen.at_ms.map(Span::from_millis);
        let drawn = cli::draw_picture(&screen.scenario, seed, at, SCREEN, &screen.keys);
        drawn.map_err(|error| format!("{error:#}"))
    }

    fn draw(&self, draw: &Draw) -> Result<String, String> {
        let edited = (draw.scenario.as_str(), draw.change.as_ref());
        let mut session = self.open(edited, &draw.file_name(), draw.seed, Keep::Everything)?;
        session.run_to_end();
        draw::svg(session.as_ref(), draw.frame, Theme::Auto).map_err(|error| error.to_string())
    }
}

impl Catalog {
    /// A run of a scenario, edited where a chapter says so; `name` is what the reader calls it then.
    fn open(
        &self,
        (scenario, change): (&str, Option<&Change>),
        name: &str,
        seed: Option<u64>,
        keep: Keep,
    ) -> Result<Box<dyn Session>, String> {
        let original = self.show(scenario)?;
        let text = match change {
            None => original,
            Some(change) => change.apply(&original)?,
        };
        let scenario = file::parse(name, &text).map_err(|errors| errors.to_string())?;
        let seed = Seed(seed.unwrap_or(DEFAULT_SEED));
        Ok(session::open(name, scenario, seed, keep))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed_scenarios::draw::Frame;

    fn run(scenario: &str, change: Option<(&str, &str)>) -> Result<String, String> {
        Catalog.run(&Run {
            scenario: scenario.into(),
            seed: Some(7),
            change: change.map(|(from, to)| Change {
                from: from.into(),
                to: to.into(),
            }),
            part: None,
        })
    }

    #[test]
    fn a_scenario_runs_with_the_seed_that_is_asked_for() {
        let report = run("ddia/5-3", None).expect("a scenario of the catalog");
        let seed = report.lines().find(|line| line.starts_with("seed"));
        assert_eq!(
            seed.map(|line| line.split_whitespace().last()),
            Some(Some("7"))
        );
    }

    #[test]
    fn the_table_says_of_each_history_what_falls() {
        let names = ["figure-2a", "figure-2b"].map(str::to_owned);
        let table = Catalog.verdicts(&names).expect("histories of the book");
        for row in [
            "| `cc` | holds | holds |",
            "| `cm` | holds | **falls** |",
            "| `ccv` | **falls** | holds |",
        ] {
            assert!(table.lines().any(|line| line == row), "{table}");
        }
        assert!(Catalog.verdicts(&["figure-9".to_owned()]).is_err());
        for (name, _) in HISTORIES {
            assert!(judged(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn an_edit_must_fit_its_file_and_leave_it_in_order() {
        let (any, leader) = ("routing = \"any-follower\"", "routing = \"leader\"");
        let edited = run("ddia/5-3", Some((any, leader))).expect("an edit that fits");
        assert_ne!(
            edited,
            run("ddia/5-3", None).expect("the scenario as it is")
        );
        assert_eq!(
            run("ddia/5-3", Some(("routing = \"nobody\"", leader))),
            Err("the scenario's file does not hold `routing = \"nobody\"`".into())
        );
        assert_eq!(
            run("ddia/5-3", Some(("[[client]]", "[[node]]")))
                .map_err(|message| message.contains("my-5-3.toml")),
            Err(true)
        );
        assert_eq!(
            run("ddia/5-3", Some(("[[step]]", ""))),
            Err(
                "the scenario's file holds `[[step]]` 3 times, so it is unclear which one is meant"
                    .into()
            )
        );
    }

    #[test]
    fn a_picture_shows_the_moment_that_is_asked_for() {
        let screen = |scenario: &str, keys: &str| {
            Catalog.screen(&Screen {
                scenario: scenario.into(),
                seed: Some(7),
                at_ms: Some(70),
                keys: keys.into(),
            })
        };
        let svg = screen("ddia/5-4", "").expect("a scenario of the catalog");
        let title = "<title>ddia/5-4, seed 7, at 70.000 ms</title>";
        assert!(svg.contains(title), "{}", &svg[..500]);
        assert!(screen("ddia/5-44", "").is_err());
        // Leaving leaves nothing to draw.
        assert!(screen("ddia/5-4", "q").is_err());
    }

    #[test]
    fn a_diagram_reads_on_light_and_dark_pages_and_tells_of_the_anomaly() {
        let draw = |scenario: &str, frame| {
            Catalog.draw(&Draw {
                scenario: scenario.into(),
                seed: None,
                change: None,
                frame,
            })
        };
        let svg = draw("ddia/5-3", Frame::Telling).expect("a scenario of the catalog");
        assert!(
            svg.contains(".navy .sbd") && svg.contains("read-your-writes-in-real-time is violated")
        );
        let first = Instant::from_millis(9_000);
        let late = Frame::Between {
            from: Some(first),
            to: None,
        };
        assert!(draw("ddia/5-3", late).is_err_and(|why| why.contains("over")));
        assert!(draw("ddia/5-33", Frame::Telling).is_err());
    }

    #[test]
    fn an_unknown_scenario_is_answered_with_a_near_miss() {
        let message = run("ddia/5-33", None).expect_err("no such scenario");
        assert!(message.contains("ddia/5-3`"), "{message}");
    }
}
