//! From operations to bars, and what is written around them.

use crate::checkers::Clock;
use crate::draw::canvas::{Anchor, Area, Canvas, Point, Room, escape, width};
use crate::draw::caption::{Pen, Sign, count};
use crate::draw::picture::{MARGIN, TEXT_SIZE, WIDE, badge};
use crate::draw::style::{Theme, timeline_sheet};
use crate::history::Place;

use super::axis::Axis;
use super::choose::{Bar, Shown, tick};
use super::{FaultMark, Timeline};

/// From the top to the axis.
const AXIS: f64 = 92.0;
/// Between two lanes.
const PITCH: f64 = 40.0;
/// Of a bar, above and below its lane's line.
const HALF: f64 = 9.0;
/// In so many places the picture says that operations are left out.
const BREAKS_MAX: usize = 8;
/// More faults than this get no name in the picture.
const FAULTS_NAMED_MAX: usize = 6;
/// As many are listed below it.
const FAULTS_LISTED_MAX: usize = 12;

/// A timeline as an SVG document.
pub(super) fn draw(timeline: &Timeline<'_>, shown: &Shown, theme: Theme) -> String {
    let left = MARGIN + shown.names_width(TEXT_SIZE) + 16.0;
    let mut drawing = Drawing {
        timeline,
        shown,
        axis: Axis::new(timeline, shown, (left, WIDE - MARGIN - 6.0)),
        canvas: Canvas::default(),
        room: Room::default(),
    };
    drawing.header();
    drawing.faults();
    drawing.ticks();
    drawing.lanes();
    drawing.breaks();
    drawing.bars();
    drawing.culprit();
    drawing.labels();
    let top = drawing.bottom() + 36.0;
    let Drawing {
        mut canvas, room, ..
    } = drawing;
    let mut pen = Pen {
        canvas: &mut canvas,
        y: top,
    };
    caption(&mut pen, timeline, shown, room.left_out);
    let height = pen.y;
    // An empty line would end it within Markdown.
    let mut shapes = canvas.finish();
    while shapes.contains("\n\n") {
        shapes = shapes.replace("\n\n", "\n");
    }
    document(timeline, shown, theme, height, &shapes)
}

fn document(
    timeline: &Timeline<'_>,
    shown: &Shown,
    theme: Theme,
    height: f64,
    shapes: &str,
) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sbd\" viewBox=\"0 0 {WIDE:.0} {height:.0}\" role=\"img\" \
         font-family=\"system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif\" font-size=\"12\">\n\
         <title>{}</title>\n<desc>{}</desc>\n<style>\n{}\n</style>\n\
         <defs><linearGradient id=\"sbd-tail\"><stop class=\"tail-0\" offset=\"0\"/><stop class=\"tail-1\" \
         offset=\"1\"/></linearGradient></defs>\n\
         <rect class=\"paper\" width=\"{WIDE:.0}\" height=\"{height:.0}\" rx=\"8\"/>\n{shapes}</svg>\n",
        escape(&format!("Timeline of {}", timeline.title)),
        escape(&description(timeline, shown)),
        timeline_sheet(theme),
    )
}

/// What a person hears who can't see the picture.
fn description(timeline: &Timeline<'_>, shown: &Shown) -> String {
    let mut words = format!(
        "Timeline of {}: {}.",
        timeline.title,
        extent(timeline, shown)
    );
    for fault in timeline.faults.iter().take(FAULTS_LISTED_MAX) {
        words.push_str(&format!(" Fault: {}.", spell(timeline, fault)));
    }
    if let Some((guarantee, witness)) = timeline.fallen {
        words.push_str(&format!(" {guarantee} is violated: {}", witness.summary));
        for line in &witness.story {
            words.push_str(". ");
            words.push_str(line.trim());
        }
    }
    words
}

/// `12 of 100000 operations, of 3 of 100 processes`.
fn extent(timeline: &Timeline<'_>, shown: &Shown) -> String {
    let of = |shown: usize, left_out: usize, one: &str, many: &str| match left_out {
        0 => count(shown, one, many),
        _ => format!("{shown} of {}", count(shown + left_out, one, many)),
    };
    let operations = timeline.history.operation_count();
    let bars = shown.bars.len();
    format!(
        "{}, {}",
        of(bars, operations - bars, "operation", "operations"),
        of(
            shown.lanes.len(),
            shown.processes_left_out,
            "process",
            "processes"
        )
    )
}

/// A fault, and from when to when it held.
fn spell(timeline: &Timeline<'_>, fault: &FaultMark) -> String {
    let name = |moment: super::Moment| timeline.clock.name(moment.at, moment.place);
    match fault.to {
        Some(to) if to == fault.from => format!("{} ({})", fault.what, name(fault.from)),
        Some(to) => format!("{} ({} to {})", fault.what, name(fault.from), name(to)),
        None => format!("{} (from {} on)", fault.what, name(fault.from)),
    }
}

struct Drawing<'a> {
    timeline: &'a Timeline<'a>,
    shown: &'a Shown,
    axis: Axis,
    canvas: Canvas,
    room: Room,
}

impl Drawing<'_> {
    fn lane(&self, lane: usize) -> f64 {
        AXIS + 34.0 + lane as f64 * PITCH
    }

    fn bottom(&self) -> f64 {
        self.lane(self.shown.lanes.len().saturating_sub(1)) + PITCH * 0.6
    }

    fn header(&mut self) {
        let at = |y| Point { x: MARGIN, y };
        let title = self.timeline.title;
        self.canvas.text("h1", at(32.0), Anchor::Start, title);
        let words = format!(
            "{}; time goes to the right, in order, not to scale",
            extent(self.timeline, self.shown)
        );
        self.canvas.text("quiet", at(53.0), Anchor::Start, &words);
        self.canvas.raw("\n");
    }

    /// Bands over all lanes, while a fault held.
    fn faults(&mut self) {
        let (top, bottom) = (AXIS + 4.0, self.bottom());
        let mut named = 0;
        for fault in self.timeline.faults {
            let left = self.axis.x_of(fault.from);
            let right = fault.to.map_or(self.axis.right, |to| self.axis.x_of(to));
            // What was over before all that is shown, or came after it.
            if right <= self.axis.left || left >= self.axis.right {
                continue;
            }
            let area = Area {
                x: left,
                y: top,
                width: (right - left).max(3.0),
                height: bottom - top,
            };
            let words = spell(self.timeline, fault);
            self.canvas.group(&words, |canvas| {
                canvas.area("band", area, 0.0);
                for x in [left, right] {
                    canvas.line(
                        "fault-line dashed",
                        Point { x, y: top },
                        Point { x, y: bottom },
                    );
                }
            });
            named += 1;
            if named <= FAULTS_NAMED_MAX {
                self.fault_name(&fault.what, left, top);
            }
        }
    }

    fn fault_name(&mut self, what: &str, left: f64, top: f64) {
        let words = cut(what, 40);
        let long = width(&words, 11.0);
        let rows = [0.0, 12.0].map(|down| Area {
            x: (left + 4.0).min(self.axis.right - long),
            y: top + 1.0 + down,
            width: long + 6.0,
            height: 12.0,
        });
        if let Some(area) = self.room.take(rows) {
            let at = Point {
                x: area.x,
                y: area.y + 10.0,
            };
            self.canvas
                .text("halo small orange", at, Anchor::Start, &words);
        }
    }

    fn ticks(&mut self) {
        let bottom = self.bottom();
        let mut free_from = 0.0;
        let mut last = String::new();
        let places: Vec<(Place, f64)> = self.axis.places().collect();
        for (place, x) in places {
            let words = tick(self.timeline, place);
            let half = width(&words, 11.0) / 2.0;
            if x - half < free_from || words == last {
                continue;
            }
            self.canvas
                .line("grid", Point { x, y: AXIS }, Point { x, y: bottom });
            let at = Point { x, y: AXIS - 6.0 };
            self.canvas.text("quiet small", at, Anchor::Middle, &words);
            free_from = x + half + 14.0;
            last = words;
        }
        self.canvas.raw("\n");
    }

    fn lanes(&mut self) {
        for (index, lane) in self.shown.lanes.iter().enumerate() {
            let y = self.lane(index);
            let from = Point {
                x: self.axis.left,
                y,
            };
            let to = Point {
                x: self.axis.right,
                y,
            };
            self.canvas.line("lane", from, to);
            let at = Point {
                x: self.axis.left - 10.0,
                y: y + 4.0,
            };
            self.canvas.text("", at, Anchor::End, &lane.name);
        }
        self.canvas.raw("\n");
    }

    /// Where the most operations are left out.
    fn breaks(&mut self) {
        let skipped = self.shown.skipped.iter().copied().enumerate();
        let mut gaps: Vec<(usize, u32)> = skipped.filter(|&(_, count)| count > 0).collect();
        gaps.sort_by_key(|&(index, count)| (std::cmp::Reverse(count), index));
        let (top, bottom) = (AXIS + 2.0, self.bottom());
        let mut taken: Vec<(f64, f64)> = Vec::new();
        for (index, skipped) in gaps.into_iter().take(BREAKS_MAX) {
            let (before, after) = self.axis.gap(index);
            let x = (before + after) / 2.0;
            let number = format!("+{skipped}");
            let half = width(&number, 11.0) / 2.0 + 3.0;
            // What has no room for its number is only counted below.
            if taken
                .iter()
                .any(|&(from, to)| x - half < to && from < x + half)
            {
                continue;
            }
            taken.push((x - half, x + half));
            let words = format!(
                "{} left out here",
                count(skipped as usize, "operation", "operations")
            );
            self.canvas.group(&words, |canvas| {
                canvas.line("break", Point { x, y: top }, Point { x, y: bottom });
                let at = Point {
                    x: x.min(WIDE - MARGIN - half),
                    y: bottom + 12.0,
                };
                canvas.text("quiet small", at, Anchor::Middle, &number);
            });
        }
    }

    fn area(&self, bar: &Bar) -> Area {
        let left = self.axis.x(bar.from);
        let right = bar.to.map_or(self.axis.right, |to| self.axis.x(to));
        Area {
            x: left,
            y: self.lane(bar.lane) - HALF,
            width: (right - left).max(2.0),
            height: 2.0 * HALF,
        }
    }

    fn bars(&mut self) {
        // Those of the witness come last, on top.
        let (plain, proof): (Vec<&Bar>, Vec<&Bar>) = self
            .shown
            .bars
            .iter()
            .partition(|bar| bar.witness.is_none());
        for bar in plain.into_iter().chain(proof) {
            self.bar(bar);
        }
    }

    fn bar(&mut self, bar: &Bar) {
        let area = self.area(bar);
        let tail_from = match bar.to {
            Some(_) => area.x + area.width,
            // Its end is not known: all of it fades.
            None => area.x,
        };
        let tail = Area {
            x: tail_from,
            width: (self.axis.right - tail_from).max(0.0),
            y: area.y + 3.0,
            height: area.height - 6.0,
        };
        let words = self.words(bar);
        self.canvas.group(&words, |canvas| {
            if bar.fades {
                canvas.tail("sbd-tail", tail);
            }
            if bar.to.is_some() || !bar.fades {
                canvas.area(&format!("bar {}", bar.class), area, 3.0);
            } else {
                let stub = Area { width: 4.0, ..area };
                canvas.area(&format!("bar {}", bar.class), stub, 2.0);
            }
            if bar.witness.is_some() {
                let proof = match bar.to {
                    Some(_) => area,
                    None => Area { width: 4.0, ..area },
                };
                canvas.area("proof", proof, 3.0);
            }
        });
        if let Some(number) = bar.witness {
            let at = Point {
                x: area.x,
                y: self.lane(bar.lane),
            };
            badge(&mut self.canvas, at, number);
            self.room.keep(Area {
                x: at.x - 10.0,
                y: at.y - 10.0,
                width: 20.0,
                height: 20.0,
            });
        }
    }

    /// `process 3: read → 2, line 12 to line 14`.
    fn words(&self, bar: &Bar) -> String {
        let name = |place| tick(self.timeline, place);
        let until = match bar.to {
            Some(to) => format!("{} to {}", name(bar.from), name(to)),
            None => format!("from {}, no answer", name(bar.from)),
        };
        let lane = &self.shown.lanes[bar.lane].name;
        format!("{lane}: {}, {until}", bar.label)
    }

    /// A line where it became impossible.
    fn culprit(&mut self) {
        let Some((guarantee, witness)) = self.timeline.fallen else {
            return;
        };
        let culprit = witness.operations.last();
        let Some(bar) = self.shown.bars.iter().find(|bar| Some(&bar.id) == culprit) else {
            return;
        };
        let x = self.axis.x(bar.to.unwrap_or(bar.from));
        let (top, bottom) = (AXIS - 20.0, self.bottom());
        let words = format!("{guarantee} is violated");
        self.canvas.group(&words, |canvas| {
            canvas.line(
                "anomaly culprit",
                Point { x, y: top },
                Point { x, y: bottom },
            );
        });
        let half = width(&words, TEXT_SIZE) * 0.55;
        let at = Point {
            x: x.clamp(self.axis.left + half, self.axis.right - half),
            y: top - 4.0,
        };
        self.canvas
            .text("halo strong red", at, Anchor::Middle, &words);
        self.canvas.raw("\n");
    }

    /// What was asked and answered, in the bar or above it, those of the witness first.
    fn labels(&mut self) {
        let mut bars: Vec<&Bar> = self.shown.bars.iter().collect();
        bars.sort_by_key(|bar| (bar.witness.is_none(), bar.from));
        // Nothing is written over another bar.
        let areas: Vec<Area> = bars.iter().map(|bar| self.area(bar)).collect();
        for (bar, area) in bars.iter().zip(&areas) {
            let bold = if bar.witness.is_some() { 1.1 } else { 1.0 };
            let long = width(&bar.label, TEXT_SIZE) * bold;
            let start = area.x + if bar.witness.is_some() { 12.0 } else { 4.0 };
            let inside = start + long <= area.x + area.width && bar.to.is_some();
            let y = self.lane(bar.lane);
            let class = if bar.witness.is_some() {
                "halo strong"
            } else {
                "halo"
            };
            if inside {
                let at = Point {
                    x: start,
                    y: y + 4.0,
                };
                let class = class.trim_start_matches("halo").trim();
                self.canvas.text(class, at, Anchor::Start, &bar.label);
                continue;
            }
            let above = y - HALF - 4.0;
            let beside = area.x + area.width + 4.0;
            let spot = |x: f64, y: f64| Area {
                x: x.min(self.axis.right - long),
                y: y - TEXT_SIZE * 0.85,
                width: long,
                height: TEXT_SIZE * 1.05,
            };
            let is_free = |spot: &Area| {
                let others = areas.iter().filter(|other| *other != area);
                !others.into_iter().any(|other| spot.meets(other))
            };
            let spots = [
                spot(area.x, above),
                spot(beside, y + 4.0),
                spot((area.x + area.width - long).max(self.axis.left), above),
            ];
            if let Some(spot) = self.room.take(spots.into_iter().filter(is_free)) {
                let at = Point {
                    x: spot.x,
                    y: spot.y + TEXT_SIZE * 0.85,
                };
                self.canvas.text(class, at, Anchor::Start, &bar.label);
            }
        }
        self.canvas.raw("\n");
    }
}

/// Below the lanes: the story, the faults, the signs, and what is left out.
fn caption(pen: &mut Pen<'_>, timeline: &Timeline<'_>, shown: &Shown, labels_left_out: usize) {
    if let Some((guarantee, witness)) = timeline.fallen {
        let heading = format!("{guarantee} is violated: {}", witness.summary);
        pen.told(&heading, &witness.story, witness.operations.len());
        pen.y += 8.0;
    }
    if !timeline.faults.is_empty() {
        let told = timeline.faults.iter().take(FAULTS_LISTED_MAX);
        let told: Vec<String> = told.map(|fault| spell(timeline, fault)).collect();
        let more = timeline.faults.len() - told.len();
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        pen.paragraph("orange", &format!("Faults: {}{more}", told.join("; ")), 0.0);
        pen.y += 8.0;
    }
    pen.legend(signs(timeline, shown));
    for line in left_out(timeline, shown, labels_left_out) {
        pen.paragraph("quiet small", &line, 0.0);
    }
}

fn signs(timeline: &Timeline<'_>, shown: &Shown) -> Vec<(Sign, &'static str)> {
    let has = |class: &str| shown.bars.iter().any(|bar| bar.class == class);
    let all = [
        (has("ok"), Sign::Bar("ok"), "operation, until its answer"),
        (has("fail"), Sign::Bar("fail"), "operation that failed"),
        (
            has("info"),
            Sign::Bar("info"),
            "outcome unknown: what fades may still take effect",
        ),
        (
            timeline.fallen.is_some(),
            Sign::Proof,
            "operation that proves it",
        ),
        (!timeline.faults.is_empty(), Sign::Fault, "fault"),
    ];
    let present = all.into_iter().filter(|(is_there, _, _)| *is_there);
    present.map(|(_, sign, words)| (sign, words)).collect()
}

/// What the picture does not show, a line each.
fn left_out(timeline: &Timeline<'_>, shown: &Shown, labels: usize) -> Vec<String> {
    let mut missing = Vec::new();
    if shown.left_out > 0 {
        let what = match timeline.fallen {
            Some(_) => "farther from the culprit",
            None => "that came later",
        };
        missing.push(format!(
            "{} {what}",
            count(shown.left_out, "operation", "operations")
        ));
    }
    if shown.of_other_keys > 0 {
        missing.push(count(
            shown.of_other_keys,
            "operation on another key",
            "operations on other keys",
        ));
    }
    if shown.processes_left_out > 0 {
        missing.push(count(shown.processes_left_out, "process", "processes"));
    }
    if shown.witness_left_out > 0 {
        missing.push(count(
            shown.witness_left_out,
            "operation of the witness",
            "operations of the witness",
        ));
    }
    if labels > 0 {
        missing.push(count(labels, "label", "labels"));
    }
    let mut lines = Vec::new();
    if !missing.is_empty() {
        lines.push(format!("Left out: {}.", missing.join(", ")));
    }
    if shown.skipped.iter().any(|&count| count > 0) {
        lines.push(
            "A dotted line with a number: so many operations that began there are not shown."
                .to_owned(),
        );
    }
    if let Clock::Lines(_) = timeline.clock {
        lines.push(
            "The file has no times: what is to the right stands further below in it.".to_owned(),
        );
    }
    lines
}

/// A text, cut where it is long.
fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let start: String = text.chars().take(chars_max - 1).collect();
    format!("{start}…")
}
