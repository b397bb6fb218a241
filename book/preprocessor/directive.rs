//! What a chapter may ask for, as it is written.

use seedbed_scenarios::draw::{Around, Frame};
use seedbed_sim::Instant;

/// What one line of a chapter asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directive {
    /// The report of a run.
    Run(Run),
    /// The scenario's file.
    Show(Show),
    /// A picture of the lab.
    Screen(Screen),
    /// A space-time diagram.
    Draw(Draw),
    /// What all judges say of some histories.
    Verdicts(Vec<String>),
    /// Which guarantees imply which.
    Lattice,
}

/// `{{#run SCENARIO [seed=N] [change='TEXT' to='TEXT'] [part='TITLE']}}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The scenario's name in the catalog.
    pub scenario: String,
    /// The seed; the program's default where it is left out.
    pub seed: Option<u64>,
    /// An edit of the scenario's file before the run.
    pub change: Option<Change>,
    /// Which part of the report to show, by its title; all of it where it is left out.
    pub part: Option<String>,
}

/// `{{#show SCENARIO [lines=FROM-TO]}}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Show {
    /// The scenario's name in the catalog.
    pub scenario: String,
    /// Which lines of the file to show.
    pub lines: Option<Lines>,
}

/// `{{#screen SCENARIO [seed=N] [at_ms=N] [keys='KEYS']}}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The scenario's name in the catalog.
    pub scenario: String,
    /// The seed; the program's default where it is left out.
    pub seed: Option<u64>,
    /// The virtual time to show, in milliseconds; the end of the run where it is left out.
    pub at_ms: Option<u64>,
    /// Keys to press before.
    pub keys: String,
}

/// `{{#draw SCENARIO [seed=N] [change='TEXT' to='TEXT'] [from_ms=N] [to_ms=N] [around=WHAT]}}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The scenario's name in the catalog.
    pub scenario: String,
    /// The seed; the program's default where it is left out.
    pub seed: Option<u64>,
    /// An edit of the scenario's file before the run.
    pub change: Option<Change>,
    /// Which part of the run.
    pub frame: Frame,
}

/// An edit that a chapter tells its reader to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What stands in the file, once.
    pub from: String,
    /// What to put there.
    pub to: String,
}

impl Run {
    /// What a reader types for the scenario: its name, or, where it was edited, a file of their own.
    pub(crate) fn file_name(&self) -> String {
        file_name(&self.scenario, self.change.as_ref())
    }
}

impl Draw {
    /// What a reader types for the scenario, as for [`Run`].
    pub(crate) fn file_name(&self) -> String {
        file_name(&self.scenario, self.change.as_ref())
    }
}

fn file_name(scenario: &str, change: Option<&Change>) -> String {
    match change {
        None => scenario.to_owned(),
        Some(_) => {
            let last_part = scenario.rsplit('/').next().unwrap_or_default();
            format!("my-{last_part}.toml")
        }
    }
}

impl Change {
    /// The file with the edit made, which must be possible in one place only.
    pub(crate) fn apply(&self, file: &str) -> Result<String, String> {
        let Self { from, to } = self;
        match file.matches(from.as_str()).count() {
            1 => Ok(file.replacen(from, to, 1)),
            0 => Err(format!("the scenario's file does not hold `{from}`")),
            count => Err(format!(
                "the scenario's file holds `{from}` {count} times, so it is unclear which one is meant"
            )),
        }
    }
}

/// A range of lines, from 1, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The first.
    pub first: usize,
    /// The last.
    pub last: usize,
}

/// How our directives begin.
pub(crate) const DIRECTIVES: [&str; 6] = [
    "{{#run",
    "{{#show",
    "{{#screen",
    "{{#draw",
    "{{#verdicts",
    "{{#lattice",
];

/// Reads a line of a chapter. `None` where it is no directive of ours (`{{#include …}}` is mdBook's own).
pub(crate) fn parse(line: &str) -> Option<Result<Directive, String>> {
    let line = line.trim();
    let at = DIRECTIVES.iter().find_map(|d| line.find(d))?;
    if at > 0 && line[..at].ends_with('\\') {
        return None;
    }
    let Some(inner) = line
        .strip_prefix("{{#")
        .and_then(|rest| rest.strip_suffix("}}"))
    else {
        return Some(Err("a directive stands on a line of its own".into()));
    };
    Some(parse_inner(inner))
}

fn parse_inner(inner: &str) -> Result<Directive, String> {
    let mut words = words(inner)?.into_iter();
    let name = words.next().unwrap_or_default();
    match name.as_str() {
        "verdicts" => return Ok(Directive::Verdicts(words.collect())),
        "lattice" => return Ok(Directive::Lattice),
        _ => {}
    }
    let scenario = words
        .next()
        .filter(|word| !word.contains('='))
        .ok_or_else(|| format!("`{name}` needs the name of a scenario"))?;
    let takes: &[&str] = match name.as_str() {
        "run" => &["seed", "change", "to", "part"],
        "show" => &["lines"],
        "screen" => &["seed", "at_ms", "keys"],
        "draw" => &["seed", "change", "to", "from_ms", "to_ms", "around"],
        _ => return Err(format!("`{name}` is none of run, show, screen and draw")),
    };
    let mut options = Options::default();
    for word in words {
        options.read(&name, takes, &word)?;
    }
    Ok(match name.as_str() {
        "run" => Directive::Run(Run {
            scenario,
            seed: options.seed,
            change: options.change()?,
            part: options.part,
        }),
        "show" => Directive::Show(Show {
            scenario,
            lines: options.lines,
        }),
        "screen" => Directive::Screen(Screen {
            scenario,
            seed: options.seed,
            at_ms: options.at_ms,
            keys: options.keys,
        }),
        _ => Directive::Draw(Draw {
            scenario,
            seed: options.seed,
            change: options.change()?,
            frame: options.frame()?,
        }),
    })
}

#[derive(Default)]
struct Options {
    seed: Option<u64>,
    from: Option<String>,
    to: Option<String>,
    part: Option<String>,
    lines: Option<Lines>,
    at_ms: Option<u64>,
    keys: String,
    from_ms: Option<u64>,
    to_ms: Option<u64>,
    around: Option<Around>,
}

impl Options {
    /// Reads one option of the directive `name`, which `takes` these.
    fn read(&mut self, name: &str, takes: &[&str], word: &str) -> Result<(), String> {
        let (key, value) = word
            .split_once('=')
            .ok_or_else(|| format!("`{word}` is no option: expected key=value"))?;
        if !takes.contains(&key) {
            let takes = takes.join(", ");
            return Err(format!("`{name}` has no option `{key}`: it takes {takes}"));
        }
        match key {
            "seed" => self.seed = Some(whole_number(value)?),
            "change" => self.from = Some(value.into()),
            "to" => self.to = Some(value.into()),
            "part" => self.part = Some(value.into()),
            "lines" => self.lines = Some(parse_lines(value)?),
            "at_ms" => self.at_ms = Some(whole_number(value)?),
            "from_ms" => self.from_ms = Some(whole_number(value)?),
            "to_ms" => self.to_ms = Some(whole_number(value)?),
            "around" => {
                let around = value.parse();
                self.around = Some(
                    around.map_err(|why| format!("`{value}` is nothing to draw around: {why}"))?,
                );
            }
            _ => self.keys = value.into(),
        }
        Ok(())
    }

    fn frame(&self) -> Result<Frame, String> {
        match (self.around, self.from_ms, self.to_ms) {
            (None, None, None) => Ok(Frame::Telling),
            (Some(around), None, None) => Ok(Frame::Around(around)),
            (None, from, to) => Ok(Frame::Between {
                from: from.map(Instant::from_millis),
                to: to.map(Instant::from_millis),
            }),
            _ => Err("`around` chooses the window, so `from_ms` and `to_ms` can't".into()),
        }
    }

    fn change(&mut self) -> Result<Option<Change>, String> {
        match (self.from.take(), self.to.take()) {
            (Some(from), Some(to)) => Ok(Some(Change { from, to })),
            (None, None) => Ok(None),
            _ => Err("`change` and `to` need each other".into()),
        }
    }
}

fn whole_number(value: &str) -> Result<u64, String> {
    let number = value.parse();
    number.map_err(|_| format!("`{value}` is no whole number"))
}

fn parse_lines(value: &str) -> Result<Lines, String> {
    let (first, last) = value.split_once('-').unwrap_or((value, value));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if 1 <= first && first <= last => Ok(Lines { first, last }),
        _ => Err(format!("`{value}` is no range of lines: expected 3 or 3-7")),
    }
}

/// Splits at spaces; a value may stand in single quotes, which TOML rarely needs.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            _ => word.push(character),
        }
    }
    if quoted {
        return Err("a single quote is left open".into());
    }
    words.extend((!word.is_empty()).then_some(word));
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read_with_their_options() {
        assert_eq!(
            parse(
                "{{#run ddia/5-3 seed=7 change='route = \"any\"' to='route = \"leader\"' part=Verdicts}}"
            ),
            Some(Ok(Directive::Run(Run {
                scenario: "ddia/5-3".into(),
                seed: Some(7),
                change: Some(Change {
                    from: "route = \"any\"".into(),
                    to: "route = \"leader\"".into()
                }),
                part: Some("Verdicts".into()),
            })))
        );
        assert_eq!(
            parse("  {{#show ddia/5-3 lines=4}}"),
            Some(Ok(Directive::Show(Show {
                scenario: "ddia/5-3".into(),
                lines: Some(Lines { first: 4, last: 4 }),
            })))
        );
        assert_eq!(
            parse("{{#screen ddia/5-3 at_ms=120 keys='4 '}}"),
            Some(Ok(Directive::Screen(Screen {
                scenario: "ddia/5-3".into(),
                seed: None,
                at_ms: Some(120),
                keys: "4 ".into(),
            })))
        );
    }

    #[test]
    fn a_diagram_is_asked_for_with_its_window() {
        let draw = |line| match parse(line) {
            Some(Ok(Directive::Draw(draw))) => draw.frame,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(draw("{{#draw ddia/5-3}}"), Frame::Telling);
        let second = Frame::Around(Around::Anomaly(2));
        assert_eq!(draw("{{#draw ddia/5-3 around=anomaly:2}}"), second);
        let between = Frame::Between {
            from: Some(Instant::from_millis(5)),
            to: None,
        };
        assert_eq!(draw("{{#draw ddia/5-3 from_ms=5}}"), between);
    }

    #[test]
    fn other_lines_are_left_alone() {
        for line in [
            "",
            "Text.",
            "{{#include other.md}}",
            "\\{{#run ddia/5-3}}",
            "`\\{{#show ddia/5-3}}` shows",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (line, expected) in [
            ("{{#run}}", "`run` needs the name of a scenario"),
            ("{{#run seed=3}}", "`run` needs the name of a scenario"),
            (
                "See {{#run ddia/5-3}}",
                "a directive stands on a line of its own",
            ),
            (
                "{{#running ddia/5-3}}",
                "`running` is none of run, show, screen and draw",
            ),
            ("{{#run ddia/5-3 seed=x}}", "`x` is no whole number"),
            (
                "{{#run ddia/5-3 fast}}",
                "`fast` is no option: expected key=value",
            ),
            (
                "{{#run ddia/5-3 sed=1}}",
                "`run` has no option `sed`: it takes seed, change, to, part",
            ),
            (
                "{{#show ddia/5-3 lines=9-2}}",
                "`9-2` is no range of lines: expected 3 or 3-7",
            ),
            (
                "{{#run ddia/5-3 change='a'}}",
                "`change` and `to` need each other",
            ),
            ("{{#run ddia/5-3 change='a}}", "a single quote is left open"),
            (
                "{{#draw ddia/5-3 around=fault from_ms=1}}",
                "`around` chooses the window, so `from_ms` and `to_ms` can't",
            ),
            (
                "{{#draw ddia/5-3 around=crash}}",
                "`crash` is nothing to draw around: it is anomaly or fault, and a number from 1 after a colon for a later one",
            ),
            (
                "{{#show ddia/5-3 seed=1}}",
                "`show` has no option `seed`: it takes lines",
            ),
        ] {
            assert_eq!(parse(line), Some(Err(expected.into())), "{line}");
        }
    }
}
