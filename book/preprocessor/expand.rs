//! Puts the program's own output where a chapter asks for it.

use crate::directive::{self, DIRECTIVES, Directive, Draw, Lines, Run, Screen};
use std::fmt;

/// Where reports and scenario files come from.
pub trait Lab {
    /// The report of a run, as the program prints it.
    fn run(&self, run: &Run) -> Result<String, String>;
    /// The file of a scenario.
    fn show(&self, scenario: &str) -> Result<String, String>;
    /// A picture of the lab, as an SVG.
    fn screen(&self, screen: &Screen) -> Result<String, String>;
    /// A table of what all judges say of some histories, in Markdown.
    fn verdicts(&self, histories: &[String]) -> Result<String, String>;
    /// Which guarantees imply which, as a text.
    fn lattice(&self) -> String;
    /// A space-time diagram, as an SVG.
    fn draw(&self, draw: &Draw) -> Result<String, String>;
}

/// A line of a chapter that can't be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// Prints `12: what is wrong`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

/// A chapter's text with every directive replaced by a block of code, or all the lines that are wrong.
pub fn expand(text: &str, lab: &impl Lab) -> Result<String, Vec<Problem>> {
    let mut expanded = String::with_capacity(text.len());
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let block = match directive::parse(line) {
            None => Ok(unescape(line)),
            Some(parsed) => parsed.and_then(|directive| block(&directive, lab)),
        };
        match block {
            Ok(block) => {
                expanded.push_str(&block);
                expanded.push('\n');
            }
            Err(message) => problems.push(Problem {
                line: index + 1,
                message,
            }),
        }
    }
    if problems.is_empty() {
        Ok(expanded)
    } else {
        Err(problems)
    }
}

/// A line in which directives are only spoken of, with a backslash before each.
fn unescape(line: &str) -> String {
    DIRECTIVES.iter().fold(line.to_owned(), |line, directive| {
        line.replace(&format!("\\{directive}"), directive)
    })
}

fn block(directive: &Directive, lab: &impl Lab) -> Result<String, String> {
    match directive {
        Directive::Run(run) => {
            let report = part(&lab.run(run)?, run.part.as_deref())?;
            Ok(format!("```console\n$ {}\n{report}\n```", command(run)))
        }
        Directive::Screen(screen) => Ok(html(&lab.screen(screen)?)),
        Directive::Draw(draw) => Ok(html(&lab.draw(draw)?)),
        Directive::Verdicts(histories) => lab.verdicts(histories),
        Directive::Lattice => Ok(format!("```text\n{}```", lab.lattice())),
        Directive::Show(show) => {
            let file = cut(&lab.show(&show.scenario)?, show.lines)?;
            Ok(format!("```toml\n{file}\n```"))
        }
    }
}

/// A picture as one piece of HTML. A blank line would end it within the Markdown.
fn html(svg: &str) -> String {
    let lines: Vec<&str> = svg.lines().filter(|line| !line.trim().is_empty()).collect();
    format!("<div>\n{}\n</div>\n", lines.join("\n"))
}

/// The command that a reader types for the same output.
fn command(run: &Run) -> String {
    let seed = run.seed.map(|seed| format!(" --seed {seed}"));
    format!(
        "seedbed run {}{}",
        run.file_name(),
        seed.unwrap_or_default()
    )
}

/// The part of a report below `title`, which is underlined in it, with the title itself.
fn part(report: &str, title: Option<&str>) -> Result<String, String> {
    let lines: Vec<&str> = report.trim_end().lines().collect();
    let Some(title) = title else {
        return Ok(lines.join("\n"));
    };
    let is_title = |index: usize| {
        let below = lines.get(index + 1);
        below.is_some_and(|line| line.len() > 2 && line.bytes().all(|byte| byte == b'-'))
    };
    let begin = (0..lines.len()).find(|&index| is_title(index) && lines[index] == title);
    let begin = begin.ok_or_else(|| format!("the report has no part called `{title}`"))?;
    let next = (begin + 1..lines.len()).find(|&index| is_title(index));
    let wanted = lines[begin..next.unwrap_or(lines.len())].join("\n");
    Ok(format!("…\n{}\n…", wanted.trim_end()))
}

fn cut(text: &str, lines: Option<Lines>) -> Result<String, String> {
    let text = text.trim_end();
    let Some(Lines { first, last }) = lines else {
        return Ok(text.into());
    };
    let count = text.lines().count();
    if last > count {
        return Err(format!("line {last} is asked for, and there are {count}"));
    }
    let wanted: Vec<&str> = text.lines().take(last).skip(first - 1).collect();
    Ok(wanted.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knows one scenario, and reports what it was asked.
    struct Fixture;

    impl Lab for Fixture {
        fn run(&self, run: &Run) -> Result<String, String> {
            let file = self.show(&run.scenario)?;
            let (bytes, seed) = (file.len(), run.seed);
            Ok(format!(
                "{bytes} bytes\n\nSeed\n----\n{seed:?}\n\nEnd\n---\nfine\n"
            ))
        }

        fn show(&self, scenario: &str) -> Result<String, String> {
            match scenario {
                "ddia/5-3" => Ok("schema = 1\ntitle = \"t\"\n".into()),
                _ => Err(format!("no scenario is called `{scenario}`")),
            }
        }

        fn screen(&self, screen: &Screen) -> Result<String, String> {
            let title = self.show(&screen.scenario).map(|_| &screen.scenario)?;
            Ok(format!("<svg>\n\n<title>{title}</title>\n</svg>\n"))
        }

        fn verdicts(&self, histories: &[String]) -> Result<String, String> {
            Ok(format!("| {} |", histories.join(" | ")))
        }

        fn lattice(&self) -> String {
            "strong\n  implies weak\n".to_owned()
        }

        fn draw(&self, draw: &Draw) -> Result<String, String> {
            let title = self.show(&draw.scenario).map(|_| &draw.scenario)?;
            Ok(format!("<svg>\n\n<desc>{title}</desc>\n</svg>\n"))
        }
    }

    #[test]
    fn directives_become_blocks_and_the_rest_stays() {
        let text =
            "# Lag\n\n{{#run ddia/5-3}}\n\nWrite `\\{{#show X}}`.\n{{#show ddia/5-3 lines=1}}\n";
        let expected = "# Lag\n\n```console\n$ seedbed run ddia/5-3\n23 bytes\n\nSeed\n----\nNone\n\nEnd\n---\nfine\n```\n\n\
                        Write `{{#show X}}`.\n```toml\nschema = 1\n```\n";
        assert_eq!(expand(text, &Fixture), Ok(expected.into()));
    }

    #[test]
    fn verdicts_are_a_table_and_the_lattice_is_a_text() {
        let text = "{{#verdicts figure-2a figure-2b}}\n{{#lattice}}\n";
        let expected = "| figure-2a | figure-2b |\n```text\nstrong\n  implies weak\n```\n";
        assert_eq!(expand(text, &Fixture), Ok(expected.into()));
    }

    #[test]
    fn a_part_of_a_report_is_shown_by_its_title() {
        let text = "{{#run ddia/5-3 seed=7 part=Seed}}\n{{#run ddia/5-3 part=End}}";
        let expected = "```console\n$ seedbed run ddia/5-3 --seed 7\n…\nSeed\n----\nSome(7)\n…\n```\n\
                        ```console\n$ seedbed run ddia/5-3\n…\nEnd\n---\nfine\n…\n```\n";
        assert_eq!(expand(text, &Fixture), Ok(expected.into()));
    }

    #[test]
    fn a_picture_stands_in_the_page_as_one_piece_of_html() {
        let expected = "<div>\n<svg>\n<title>ddia/5-3</title>\n</svg>\n</div>\n\nText.\n";
        assert_eq!(
            expand("{{#screen ddia/5-3}}\nText.\n", &Fixture),
            Ok(expected.into())
        );
        assert_eq!(
            expand("{{#draw ddia/5-3}}\n", &Fixture),
            Ok("<div>\n<svg>\n<desc>ddia/5-3</desc>\n</svg>\n</div>\n\n".into())
        );
    }

    #[test]
    fn a_run_of_an_edited_scenario_shows_the_command_for_a_file() {
        let text = "{{#run ddia/5-3 change='a' to='b' part=End}}";
        let expected = "```console\n$ seedbed run my-5-3.toml\n…\nEnd\n---\nfine\n…\n```\n";
        assert_eq!(expand(text, &Fixture), Ok(expected.into()));
    }

    #[test]
    fn every_wrong_line_is_reported_by_its_number() {
        let text = "\n{{#run ddia/5-33}}\n{{#show ddia/5-3 lines=2-4}}\n{{#show}}\n{{#run ddia/5-3 part=Seeds}}\n";
        let problems: Vec<String> = expand(text, &Fixture)
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            problems,
            [
                "2: no scenario is called `ddia/5-33`",
                "3: line 4 is asked for, and there are 2",
                "4: `show` needs the name of a scenario",
                "5: the report has no part called `Seeds`",
            ]
        );
    }
}
