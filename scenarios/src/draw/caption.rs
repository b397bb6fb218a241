//! Below the lanes: what the witness proves, what the signs mean, and what is left out.

use std::collections::BTreeSet;

use super::canvas::{Anchor, Area, Canvas, Point, width, wrap};
use super::picture::{MARGIN, WIDE, badge};
use super::scene::{Bar, End, Part, Scene, State};
use super::thin::Kept;

const LINE: f64 = 18.0;
const SIZE: f64 = 12.0;
/// More faults than this are counted, not listed.
const FAULTS_MAX: usize = 6;

/// Draws everything below the lanes, from `top` down. Returns the picture's height.
pub(super) fn draw(
    canvas: &mut Canvas,
    scene: &Scene,
    kept: &Kept<'_>,
    labels_left_out: usize,
    top: f64,
) -> f64 {
    let mut pen = Pen {
        canvas,
        y: top + 30.0,
    };
    pen.story(scene);
    pen.faults(scene);
    pen.legend(signs(scene, kept));
    for line in left_out(scene, kept, labels_left_out) {
        pen.paragraph("quiet small", &line, 0.0);
    }
    pen.y
}

/// What a person hears who can't see the picture.
pub(super) fn description(scene: &Scene) -> String {
    let lanes: Vec<&str> = scene.lanes.iter().map(|lane| lane.name.as_str()).collect();
    let lost = scene
        .messages
        .iter()
        .filter(|m| matches!(m.end, End::Lost(_)));
    let mut text = format!(
        "Space-time diagram of {}, from {} to {}: {} between {}; {}.",
        scene.scenario,
        scene.from,
        scene.to,
        count(scene.messages.len(), "message", "messages"),
        lanes.join(", "),
        match lost.count() {
            0 => "none is lost".to_owned(),
            lost => format!("{lost} of them lost"),
        }
    );
    let clients: BTreeSet<usize> = scene.operations.iter().map(|bar| bar.lane).collect();
    text.push_str(&format!(
        " {} of {}.",
        count(scene.operations.len(), "operation", "operations"),
        count(clients.len(), "client", "clients")
    ));
    for fault in scene.faults.iter().take(FAULTS_MAX) {
        text.push_str(&format!(
            " Fault: {}, {} to {}.",
            fault.what, fault.from, fault.to
        ));
    }
    if let Some(focus) = &scene.focus {
        text.push_str(&format!(
            " {} is violated: {}",
            focus.guarantee, focus.summary
        ));
        for line in &focus.story {
            text.push(' ');
            text.push_str(line.trim());
        }
    }
    text
}

pub(super) fn count(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}

/// What the picture does not show, a line each.
fn left_out(scene: &Scene, kept: &Kept<'_>, labels: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if kept.every > 1 {
        lines.push(format!(
            "The messages of every {} operation are drawn, and all that were lost.",
            ordinal(kept.every)
        ));
    }
    let mut missing = Vec::new();
    if kept.background_left_out > 0 {
        missing.push(count(
            kept.background_left_out,
            "message that belongs to no operation",
            "messages that belong to no operation",
        ));
    }
    if labels > 0 {
        missing.push(count(labels, "label", "labels"));
    }
    if scene.lanes_left_out > 0 {
        missing.push(count(scene.lanes_left_out, "node", "nodes"));
    }
    if !missing.is_empty() {
        lines.push(format!(
            "Left out for want of room: {}. A shorter window shows more.",
            missing.join(", ")
        ));
    }
    lines
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// Writes downwards.
pub(super) struct Pen<'a> {
    pub(super) canvas: &'a mut Canvas,
    pub(super) y: f64,
}

impl Pen<'_> {
    /// A text, broken into lines, `indent` from the margin.
    pub(super) fn paragraph(&mut self, class: &str, text: &str, indent: f64) {
        let x = MARGIN + indent;
        for line in wrap(text, SIZE, WIDE - MARGIN - x) {
            self.canvas
                .text(class, Point { x, y: self.y }, Anchor::Start, &line);
            self.canvas.raw("\n");
            self.y += LINE;
        }
    }

    /// The story of a witness, with the numbers that its operations have in the picture.
    pub(super) fn told(&mut self, heading: &str, story: &[String], operations: usize) {
        self.paragraph("strong red", heading, 0.0);
        self.y += 3.0;
        for (index, line) in story.iter().enumerate() {
            if index < operations {
                let at = Point {
                    x: MARGIN + 10.0,
                    y: self.y - 4.0,
                };
                badge(self.canvas, at, index + 1);
            }
            let text = line.trim();
            // What proves it has a number; why it does follows.
            let class = if index < operations { "" } else { "quiet" };
            self.paragraph(class, text, 28.0);
            self.y += if index < operations { 3.0 } else { 0.0 };
        }
    }

    /// The witness, and what else fell.
    fn story(&mut self, scene: &Scene) {
        let Some(focus) = &scene.focus else { return };
        let heading = format!("{} is violated: {}", focus.guarantee, focus.summary);
        self.told(&heading, &focus.story, focus.operations.len());
        if !scene.others.is_empty() {
            let names: BTreeSet<&str> =
                scene.others.iter().map(|(_, name)| name.as_str()).collect();
            let names: Vec<&str> = names.into_iter().collect();
            let text = format!(
                "{} in this window ({}), where the small red triangles are.",
                match scene.others.len() {
                    1 => "One more violation".to_owned(),
                    more => format!("{more} more violations"),
                },
                names.join(", ")
            );
            self.paragraph("quiet", &text, 28.0);
        }
        self.y += 8.0;
    }

    fn faults(&mut self, scene: &Scene) {
        if scene.faults.is_empty() {
            return;
        }
        let told = scene.faults.iter().take(FAULTS_MAX);
        let told: Vec<String> = told
            .map(|fault| format!("{} ({} to {})", fault.what, fault.from, fault.to))
            .collect();
        let more = scene.faults.len().saturating_sub(FAULTS_MAX);
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let text = format!("Faults: {}{more}", told.join("; "));
        self.paragraph("orange", &text, 0.0);
        self.y += 8.0;
    }

    /// The signs that a picture holds, and no others.
    pub(super) fn legend(&mut self, signs: Vec<(Sign, &'static str)>) {
        let mut x = MARGIN;
        for (sign, words) in signs {
            let wide = 42.0 + width(words, 11.0) + 20.0;
            if x > MARGIN && x + wide > WIDE - MARGIN {
                x = MARGIN;
                self.y += LINE + 2.0;
            }
            let y = self.y - 4.0;
            sign.draw(self.canvas, Point { x, y });
            let text = Point {
                x: x + 40.0,
                y: self.y,
            };
            self.canvas.text("quiet small", text, Anchor::Start, words);
            self.canvas.raw("\n");
            x += wide;
        }
        self.y += LINE + 4.0;
    }
}

/// A sign of the legend.
#[derive(Clone, Copy)]
pub(super) enum Sign {
    Bar(&'static str),
    Proof,
    Arrow(&'static str, &'static str),
    Dashed,
    Waits,
    Cross,
    Work,
    Note,
    Down,
    Fault,
}

impl Sign {
    fn draw(self, canvas: &mut Canvas, at: Point) {
        let right = Point {
            x: at.x + 32.0,
            ..at
        };
        let area = |half: f64| Area {
            x: at.x,
            y: at.y - half,
            width: 32.0,
            height: 2.0 * half,
        };
        match self {
            Self::Bar(class) => canvas.area(class, area(6.0), 3.0),
            Self::Proof => {
                canvas.area("ok", area(6.0), 3.0);
                canvas.area("proof", area(6.0), 3.0);
            }
            Self::Arrow(class, head) => {
                canvas.line(class, at, right);
                canvas.head(head, at, right, 9.0);
            }
            Self::Dashed => canvas.line("message dashed", at, right),
            Self::Waits => canvas.line("message dotted", at, right),
            Self::Cross => {
                let middle = Point {
                    x: at.x + 26.0,
                    ..at
                };
                canvas.line("message", at, middle);
                canvas.cross("message cross", middle);
            }
            Self::Work => canvas.area("work", area(4.0), 0.0),
            Self::Note => {
                let corner = |x: f64, y: f64| Point {
                    x: at.x + 24.0 + x,
                    y: at.y + y,
                };
                let points = [
                    corner(0.0, -5.0),
                    corner(5.0, 0.0),
                    corner(0.0, 5.0),
                    corner(-5.0, 0.0),
                ];
                canvas.polygon("note", &points);
            }
            Self::Down => {
                canvas.area("down", area(7.0), 0.0);
                canvas.hatch("down-line", area(7.0));
            }
            Self::Fault => {
                canvas.area("fault", area(5.0), 0.0);
                canvas.hatch("fault-line", area(5.0));
            }
        }
    }
}

fn signs(scene: &Scene, kept: &Kept<'_>) -> Vec<(Sign, &'static str)> {
    let has_part = |part: Part| kept.messages.iter().any(|message| message.part == part);
    let has_state = |state: State| scene.operations.iter().any(|bar| bar.state == state);
    let waits = |message: &&&super::scene::Message| matches!(message.end, End::Arrived { handled_at } if handled_at > message.end_at);
    let goes_on = |message: &&&super::scene::Message| {
        message.end == End::OnItsWay || message.end_at > scene.to
    };
    let other = match scene.focus {
        Some(_) => "message of another operation",
        None => "message of an operation",
    };
    let proves = |bar: &Bar| bar.witness.is_some();
    let all = [
        (
            has_state(State::Ok),
            Sign::Bar("ok"),
            "operation, until its answer",
        ),
        (
            has_state(State::Fail),
            Sign::Bar("fail"),
            "operation that failed",
        ),
        (
            has_state(State::Info),
            Sign::Bar("info"),
            "operation of unknown outcome",
        ),
        (
            has_state(State::Open),
            Sign::Bar("open"),
            "operation without an answer",
        ),
        (
            scene.operations.iter().any(proves),
            Sign::Proof,
            "operation that proves it",
        ),
        (
            has_part(Part::Witness),
            Sign::Arrow("witness", "witness-head"),
            "from its question to its answer",
        ),
        (
            has_part(Part::SetOff),
            Sign::Arrow("set-off", "set-off-head"),
            "what else it set off",
        ),
        (
            has_part(Part::Other),
            Sign::Arrow("message", "message-head"),
            other,
        ),
        (
            has_part(Part::Background),
            Sign::Arrow("background", "background-head"),
            "message of no operation",
        ),
        (
            kept.messages.iter().any(|m| goes_on(&m)),
            Sign::Dashed,
            "arrives after the window",
        ),
        (
            kept.messages.iter().any(|m| waits(&m)),
            Sign::Waits,
            "waits for its receiver",
        ),
        (
            kept.messages.iter().any(|m| matches!(m.end, End::Lost(_))),
            Sign::Cross,
            "lost",
        ),
        (!scene.work.is_empty(), Sign::Work, "the node is at work"),
        (
            !scene.notes.is_empty(),
            Sign::Note,
            "a step of the protocol",
        ),
        (!scene.down.is_empty(), Sign::Down, "the node is down"),
        (!scene.faults.is_empty(), Sign::Fault, "fault"),
    ];
    let present = all.into_iter().filter(|(is_there, _, _)| *is_there);
    present.map(|(_, sign, words)| (sign, words)).collect()
}
