//! How things look: one list of colours for light pages and one for dark ones.
//!
//! No meaning hangs on colour alone: witnesses have numbers, what is lost has a cross, what is on its way is dashed, and
//! faults are hatched and have their names beside them.

use std::fmt::Write;

/// Which page a picture is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// The reader's: the SVG asks the page, so that it reads on light and dark ones. Renderers that know no style sheets
    /// with variables can't show it.
    #[default]
    Auto,
    /// A light page.
    Light,
    /// A dark page.
    Dark,
}

/// A colour by its name: on light pages, on dark pages.
const COLOURS: [(&str, &str, &str); 18] = [
    ("ground", "#ffffff", "#14171d"),
    ("text", "#1f2430", "#e3e7ee"),
    ("muted", "#5f6b7d", "#9aa5b5"),
    ("lane", "#b4bcc8", "#4d5566"),
    ("grid", "#e8ebf0", "#252a33"),
    ("other", "#68727f", "#a3acba"),
    ("background", "#bcc4cf", "#4b5463"),
    ("witness", "#c4122f", "#ff7080"),
    ("set-off", "#1a63d6", "#6cb2ff"),
    ("ok", "#d7efe0", "#17382a"),
    ("ok-edge", "#2c8757", "#57bd8a"),
    ("info", "#fdeec4", "#3f310e"),
    ("info-edge", "#a8700f", "#e2b351"),
    ("fail", "#e6e8ec", "#2b313b"),
    ("fail-edge", "#667085", "#98a2b3"),
    ("fault", "#c26a08", "#f2a641"),
    ("down", "#7c8696", "#838d9d"),
    ("work", "#8fa3bd", "#5d728f"),
];

/// The style sheet, with `$name` for a colour. Every rule is kept to the picture, since a page may hold several.
const RULES: &str = "\
.sbd text{fill:$text;font-size:12px}\
.sbd .halo{paint-order:stroke;stroke:$ground;stroke-width:3.5px;stroke-linejoin:round}\
.sbd .paper{fill:$ground}\
.sbd .h1{font-size:17px;font-weight:bold}\
.sbd .quiet{fill:$muted}\
.sbd .small{font-size:11px}\
.sbd .strong{font-weight:bold}\
.sbd .red{fill:$witness}\
.sbd .orange{fill:$fault}\
.sbd .blue{fill:$set-off}\
.sbd .lane{stroke:$lane;stroke-width:1.2;fill:none}\
.sbd .grid{stroke:$grid;stroke-width:1;fill:none}\
.sbd .message{stroke:$other;stroke-width:1.2;fill:none}\
.sbd .message-head{fill:$other}\
.sbd .background{stroke:$background;stroke-width:.9;fill:none}\
.sbd .background-head{fill:$background}\
.sbd .witness{stroke:$witness;stroke-width:2.2;fill:none}\
.sbd .witness-head{fill:$witness}\
.sbd .set-off{stroke:$set-off;stroke-width:2;fill:none}\
.sbd .set-off-head{fill:$set-off}\
.sbd .dashed{stroke-dasharray:6 4}\
.sbd .dotted{stroke-dasharray:1.5 3}\
.sbd .cross{stroke-width:2.4;stroke-dasharray:none}\
.sbd .ok{fill:$ok;stroke:$ok-edge;stroke-width:1.2}\
.sbd .info{fill:$info;stroke:$info-edge;stroke-width:1.2;stroke-dasharray:4 2}\
.sbd .fail{fill:$fail;stroke:$fail-edge;stroke-width:1.2}\
.sbd .open{fill:$fail;stroke:$fail-edge;stroke-width:1.2;stroke-dasharray:2 2}\
.sbd .proof{fill:none;stroke:$witness;stroke-width:2.4;stroke-dasharray:none}\
.sbd .badge{fill:$witness}\
.sbd .badge-text{fill:$ground;font-weight:bold;font-size:11px}\
.sbd .work{fill:$work}\
.sbd .note{fill:$muted}\
.sbd .down{fill:$down;fill-opacity:.18;stroke:$down;stroke-width:1}\
.sbd .down-line{stroke:$down;stroke-width:1;fill:none}\
.sbd .fault{fill:$fault;fill-opacity:.14;stroke:$fault;stroke-width:1}\
.sbd .fault-line{stroke:$fault;stroke-width:1.2;fill:none}\
.sbd .anomaly{stroke:$witness;stroke-width:1.4;stroke-dasharray:5 4;fill:none}\
.sbd .flag{fill:$witness}";

/// What only timelines need besides.
const TIMELINE_RULES: &str = "\
.sbd .break{stroke:$muted;stroke-width:1.2;stroke-dasharray:2 4;fill:none}\
.sbd .band{fill:$fault;fill-opacity:.1}\
.sbd .tail-0{stop-color:$info-edge;stop-opacity:.5}\
.sbd .tail-1{stop-color:$info-edge;stop-opacity:0}";

/// The style sheet of a theme.
pub(super) fn sheet(theme: Theme) -> String {
    sheet_of(RULES, theme)
}

/// The style sheet of a timeline.
pub(super) fn timeline_sheet(theme: Theme) -> String {
    sheet_of(&format!("{RULES}{TIMELINE_RULES}"), theme)
}

fn sheet_of(rules: &str, theme: Theme) -> String {
    match theme {
        Theme::Light => resolved(rules, |(_, light, _)| light),
        Theme::Dark => resolved(rules, |(_, _, dark)| dark),
        Theme::Auto => {
            let (light, dark) = (
                variables(|(_, light, _)| light),
                variables(|(_, _, dark)| dark),
            );
            let mut rules = rules.to_owned();
            for (name, _, _) in longest_first() {
                rules = rules.replace(&format!("${name}"), &format!("var(--sbd-{name})"));
            }
            // The last two lines are for pages of a book, whose reader chooses a theme whatever the system says.
            format!(
                ".sbd{{{light}}}\n@media (prefers-color-scheme:dark){{.sbd{{{dark}}}}}\n\
                 .light .sbd,.rust .sbd{{{light}}}\n.coal .sbd,.navy .sbd,.ayu .sbd{{{dark}}}\n{rules}"
            )
        }
    }
}

type Colour = (&'static str, &'static str, &'static str);

fn resolved(rules: &str, of: impl Fn(Colour) -> &'static str) -> String {
    longest_first()
        .into_iter()
        .fold(rules.to_owned(), |rules, colour| {
            rules.replace(&format!("${}", colour.0), of(colour))
        })
}

/// A name that begins with another has to be replaced before that.
fn longest_first() -> Vec<Colour> {
    let mut colours = COLOURS.to_vec();
    colours.sort_by_key(|(name, _, _)| std::cmp::Reverse(name.len()));
    colours
}

fn variables(of: impl Fn(Colour) -> &'static str) -> String {
    COLOURS.into_iter().fold(String::new(), |mut text, colour| {
        // Writing to a string can't fail.
        let _ = write!(text, "--sbd-{}:{};", colour.0, of(colour));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_of_the_rules_is_in_the_list_and_used() {
        for (name, _, _) in COLOURS {
            assert!(
                RULES.contains(&format!("${name}")),
                "{name} is used nowhere"
            );
        }
        for theme in [Theme::Auto, Theme::Light, Theme::Dark] {
            assert!(!timeline_sheet(theme).contains('$'), "{theme:?}");
        }
        assert!(!sheet(Theme::Light).contains("var("));
    }

    /// The contrast of two colours (Web Content Accessibility Guidelines 2.2, section 1.4.3).
    fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |colour: &str| {
            let channel = |at: usize| {
                let byte = u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour");
                let share = f64::from(byte) / 255.0;
                if share <= 0.04045 {
                    share / 12.92
                } else {
                    ((share + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_and_lines_stand_out_from_both_grounds() {
        let (_, light, dark) = COLOURS[0];
        for (name, on_light, on_dark) in COLOURS {
            let least = match name {
                "text" | "muted" | "witness" | "set-off" => 4.5,
                "other" | "ok-edge" | "info-edge" | "fail-edge" | "fault" | "down" => 3.0,
                _ => continue,
            };
            assert!(contrast(light, on_light) >= least, "{name} on light");
            assert!(contrast(dark, on_dark) >= least, "{name} on dark");
        }
    }
}
