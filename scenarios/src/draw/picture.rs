//! From facts to places: everything in a window as shapes.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Group, Instant};

use super::canvas::{Anchor, Area, Canvas, Point, Room, width};
use super::page::page;
use super::places::{Places, Route, beside, tick_label, tick_step};
use super::scene::{Bar, End, FaultSpan, Message, Part, Scene, State};
use super::style::{Theme, sheet};
use super::{caption, thin};

/// The picture's width; its height follows from what is in it.
pub(super) const WIDE: f64 = 1_200.0;
/// Left and right of everything.
pub(super) const MARGIN: f64 = 20.0;
pub(super) const TEXT_SIZE: f64 = 12.0;
const SMALL_SIZE: f64 = 11.0;
/// Of a lane's bars, above and below its line.
const BAR_HALF: f64 = 8.0;
/// From a line's middle to the strip that marks a fault on it.
const STRIP: f64 = 13.0;

/// What is written beside something, if there is room.
struct Label {
    /// The lower, the sooner it is placed.
    rank: u8,
    words: String,
    class: &'static str,
    size: f64,
    /// Where its text could begin, the best place first.
    spots: Vec<Point>,
}

impl Label {
    /// About how wide it is; bold letters are wider.
    fn width(&self) -> f64 {
        let bold = if self.class.contains("strong") {
            1.1
        } else {
            1.0
        };
        width(&self.words, self.size) * bold
    }
}

/// More messages or operations than this, and those of no interest get no label, or one row of them.
const LABELLED_MAX: usize = 70;
/// Labels of messages that belong to no operation.
const BACKGROUND_LABELLED_MAX: usize = 6;

/// A picture in the making.
struct Drawing<'a> {
    scene: &'a Scene,
    places: Places,
    canvas: Canvas,
    room: Room,
    labels: Vec<Label>,
    /// How many messages there are of each part, to be drawn.
    counts: BTreeMap<Part, usize>,
    /// The losses that have a label.
    losses: BTreeSet<(&'static str, usize, &'static str)>,
}

/// The scene as an SVG document.
pub(super) fn draw(scene: &Scene, theme: Theme) -> String {
    let mut drawing = Drawing {
        scene,
        places: Places::new(scene),
        canvas: Canvas::default(),
        room: Room::default(),
        labels: Vec::new(),
        counts: BTreeMap::new(),
        losses: BTreeSet::new(),
    };
    let kept = thin::keep(scene);
    for message in &kept.messages {
        *drawing.counts.entry(message.part).or_default() += 1;
    }
    drawing.header();
    drawing.axis();
    drawing.lanes();
    drawing.faults();
    drawing.downs();
    drawing.work();
    for part in [Part::Background, Part::Other, Part::SetOff, Part::Witness] {
        for message in kept.messages.iter().filter(|message| message.part == part) {
            drawing.message(message);
        }
    }
    drawing.notes();
    drawing.operations();
    drawing.anomalies();
    drawing.place_labels();
    let Drawing {
        places,
        mut canvas,
        room,
        ..
    } = drawing;
    let height = caption::draw(&mut canvas, scene, &kept, room.left_out, places.bottom());
    document(scene, theme, height, &canvas.finish())
}

fn document(scene: &Scene, theme: Theme, height: f64, shapes: &str) -> String {
    let title = format!("{} ({}, seed {})", scene.title, scene.scenario, scene.seed);
    page(
        &title,
        &caption::description(scene),
        &sheet(theme),
        height,
        shapes,
    )
}

impl Drawing<'_> {
    fn header(&mut self) {
        let Scene {
            title,
            scenario,
            seed,
            from,
            to,
            ..
        } = self.scene;
        let at = |y| Point { x: MARGIN, y };
        self.canvas.text("h1", at(32.0), Anchor::Start, title);
        let words =
            format!("{scenario}, seed {seed}: {from} to {to} of virtual time, from left to right");
        self.canvas.text("quiet", at(53.0), Anchor::Start, &words);
        self.canvas.raw("\n");
    }

    fn axis(&mut self) {
        let (from, to) = (self.scene.from.as_nanos(), self.scene.to.as_nanos());
        let step = tick_step(to - from);
        let mut at = from.div_ceil(step) * step;
        let (top, bottom) = (self.places.axis, self.places.bottom());
        while at <= to {
            let x = self.places.x(Instant::from_nanos(at));
            self.canvas
                .line("grid", Point { x, y: top }, Point { x, y: bottom });
            let words = tick_label(at, step);
            let spot = Point { x, y: top - 6.0 };
            // The first and the last must not stick out.
            let half = width(&words, SMALL_SIZE) / 2.0;
            if x - half >= MARGIN && x + half <= WIDE - 4.0 {
                self.canvas
                    .text("quiet small", spot, Anchor::Middle, &words);
            }
            at += step;
        }
        self.canvas.raw("\n");
    }

    fn lanes(&mut self) {
        for (lane, y) in self.scene.lanes.iter().zip(self.places.lanes.clone()) {
            let (left, right) = (self.places.left, self.places.right);
            let x = left - 12.0;
            self.canvas
                .text("strong", Point { x, y: y + 1.0 }, Anchor::End, &lane.name);
            if lane.role != lane.name && !lane.is_client {
                let below = Point { x, y: y + 14.0 };
                self.canvas
                    .text("quiet small", below, Anchor::End, &lane.role);
            }
            self.canvas
                .line("lane", Point { x: left, y }, Point { x: right, y });
            self.canvas.raw("\n");
        }
    }

    fn faults(&mut self) {
        for (index, fault) in self.scene.faults.iter().enumerate() {
            let words = format!("{}, {} to {}", fault.what, fault.from, fault.to);
            let places = &self.places;
            // Strips of faults that hold at once lie below each other.
            let level = self.scene.faults[..index]
                .iter()
                .filter(|other| other.from < fault.to && fault.from < other.to)
                .count()
                .min(2) as f64;
            let areas = fault_areas(fault, places, level);
            let top = areas[0];
            self.canvas.group(&words, |canvas| {
                for area in &areas {
                    canvas.area("fault", *area, 0.0);
                    canvas.hatch("fault-line", *area);
                }
                if fault.group == Group::Links && areas.len() > 1 {
                    join(canvas, fault, places, &areas);
                }
            });
            let below = top.y + top.height + 12.0;
            let (x, above) = (top.x + 4.0, top.y - 4.0);
            self.labels.push(Label {
                rank: 1,
                words: fault.what.clone(),
                class: "halo small strong orange",
                size: SMALL_SIZE * 1.1,
                spots: match fault.group {
                    // Above a strip there is the line itself.
                    Group::Links | Group::Clocks | Group::Disks => vec![
                        Point { x, y: below },
                        Point { x, y: below + 13.0 },
                        Point { x, y: above },
                    ],
                    Group::Nodes | Group::Membership => vec![
                        Point { x, y: above },
                        Point { x, y: below },
                        Point { x, y: below + 13.0 },
                    ],
                },
            });
        }
    }

    fn downs(&mut self) {
        for down in &self.scene.down {
            let area = self.places.stretch(down.lane, (down.from, down.to), 11.0);
            let name = &self.scene.lanes[down.lane].name;
            let words = format!("{name} is down, {} to {}", down.from, down.to);
            self.canvas.group(&words, |canvas| {
                canvas.area("paper", area, 0.0);
                canvas.area("down", area, 0.0);
                canvas.hatch("down-line", area);
            });
            self.labels.push(Label {
                rank: 1,
                words: "down".to_owned(),
                class: "halo strong",
                size: TEXT_SIZE,
                spots: vec![Point {
                    x: area.x + area.width / 2.0 - 14.0,
                    y: area.y + 15.0,
                }],
            });
        }
    }

    fn work(&mut self) {
        for work in &self.scene.work {
            let area = self.places.stretch(work.lane, (work.from, work.to), 4.0);
            self.canvas.area("work", area, 0.0);
        }
        self.canvas.raw("\n");
    }

    fn message(&mut self, message: &Message) {
        let (class, head) = match message.part {
            Part::Witness => ("witness", "witness-head"),
            Part::SetOff => ("set-off", "set-off-head"),
            Part::Other => ("message", "message-head"),
            Part::Background => ("background", "background-head"),
        };
        let route = Route::new(message, &self.places);
        let Some((from, to)) = route.visible(&self.places) else {
            return;
        };
        let ends_later = route.to.x > self.places.right + 0.01;
        let dash = match message.end {
            _ if ends_later => " dashed",
            End::OnItsWay => " dashed",
            End::Lost(_) | End::Arrived { .. } => "",
        };
        if matches!(message.end, End::Lost(_)) && !ends_later {
            // A cross must be seen.
            self.room.keep(Area {
                x: to.x - 6.0,
                y: to.y - 6.0,
                width: 12.0,
                height: 12.0,
            });
        }
        let words = self.message_in_words(message);
        let places = &self.places;
        self.canvas.group(&words, |canvas| {
            canvas.line(&format!("{class}{dash}"), from, to);
            match message.end {
                _ if ends_later => {}
                End::Arrived { handled_at } => {
                    let size = if message.part == Part::Background {
                        6.0
                    } else {
                        9.0
                    };
                    canvas.head(head, from, to, size);
                    // It waits at its receiver until that is free.
                    let until = places.x_within(handled_at);
                    if until > to.x + 1.0 {
                        let end = Point { x: until, y: to.y };
                        canvas.line(&format!("{class} dotted"), to, end);
                    }
                }
                End::Lost(_) => canvas.cross(&format!("{class} cross"), to),
                End::OnItsWay => {}
            }
        });
        self.label_message(message, (from, to), ends_later);
    }

    fn label_message(&mut self, message: &Message, (from, to): (Point, Point), ends_later: bool) {
        let is_told = matches!(message.part, Part::Witness | Part::SetOff);
        let count = self.counts.get(&message.part).copied().unwrap_or(0);
        let words = match message.end {
            End::Lost(reason) => {
                // One label for all that were lost in one way, if they are many.
                let loss = (message.about, message.to, reason.name());
                if !self.losses.insert(loss) && !is_told && self.losses_are_many() {
                    return;
                }
                format!("{} lost: {}", message.about, reason.name())
            }
            End::Arrived { .. } if ends_later && is_told => {
                let receiver = &self.scene.lanes[message.to].name;
                format!(
                    "{} → {receiver}, arrives at {}",
                    message.about, message.end_at
                )
            }
            _ => message.about.to_owned(),
        };
        let is_lost = matches!(message.end, End::Lost(_));
        let (rank, class) = match (message.part, is_lost) {
            (Part::Witness, _) => (2, "halo small strong red"),
            (Part::SetOff, _) => (3, "halo small strong blue"),
            (_, true) => (4, "halo small"),
            (Part::Other, _) => (6, "halo small quiet"),
            (Part::Background, _) => (8, "halo small quiet"),
        };
        let too_many = match message.part {
            Part::Witness | Part::SetOff => false,
            Part::Other => count > LABELLED_MAX && !is_lost,
            Part::Background => count > BACKGROUND_LABELLED_MAX && !is_lost,
        };
        if too_many {
            self.room.left_out += 1;
            return;
        }
        let mut label = Label {
            rank,
            words,
            class,
            size: SMALL_SIZE,
            spots: Vec::new(),
        };
        label.spots = beside(from, to, self.places.right - label.width());
        self.labels.push(label);
    }

    fn losses_are_many(&self) -> bool {
        let lost = |message: &&Message| matches!(message.end, End::Lost(_));
        self.scene.messages.iter().filter(lost).count() > 8
    }

    fn message_in_words(&self, message: &Message) -> String {
        let name = |lane: usize| self.scene.lanes[lane].name.as_str();
        let (about, from, to) = (message.about, name(message.from), name(message.to));
        let left = format!("{about}, {from} to {to}, left at {}", message.left_at);
        match message.end {
            End::Arrived { handled_at } if handled_at > message.end_at => {
                format!(
                    "{left}, arrived at {}, handled at {handled_at}",
                    message.end_at
                )
            }
            End::Arrived { .. } => format!("{left}, arrived at {}", message.end_at),
            End::Lost(reason) => format!("{left}, lost at {}: {}", message.end_at, reason.name()),
            End::OnItsWay => format!("{left}, on its way when the run ends"),
        }
    }

    fn notes(&mut self) {
        for note in &self.scene.notes {
            let at = self.places.at(note.lane, note.at);
            let corner = |x: f64, y: f64| Point {
                x: at.x + x,
                y: at.y + y,
            };
            let words = format!(
                "{}: {} at {}",
                self.scene.lanes[note.lane].name, note.text, note.at
            );
            let points = [
                corner(0.0, -5.0),
                corner(5.0, 0.0),
                corner(0.0, 5.0),
                corner(-5.0, 0.0),
            ];
            self.canvas
                .group(&words, |canvas| canvas.polygon("note", &points));
            let long = width(&note.text, SMALL_SIZE);
            let x = (at.x + 4.0).min(self.places.right - long);
            self.labels.push(Label {
                rank: 7,
                words: note.text.clone(),
                class: "halo small quiet",
                size: SMALL_SIZE,
                spots: vec![
                    Point { x, y: at.y + 17.0 },
                    Point { x, y: at.y - 9.0 },
                    Point { x, y: at.y + 29.0 },
                ],
            });
        }
    }

    fn operations(&mut self) {
        // Those of the witness come last, on top.
        let (plain, proof): (Vec<&Bar>, Vec<&Bar>) = self
            .scene
            .operations
            .iter()
            .partition(|bar| bar.witness.is_none());
        for bar in plain.into_iter().chain(proof) {
            self.operation(bar);
        }
    }

    fn operation(&mut self, bar: &Bar) {
        let until = bar.to.unwrap_or(self.scene.to);
        let area = self.places.stretch(bar.lane, (bar.from, until), BAR_HALF);
        let class = match bar.state {
            State::Ok => "ok",
            State::Fail => "fail",
            State::Info => "info",
            State::Open => "open",
        };
        let client = &self.scene.lanes[bar.lane].name;
        let ended = bar
            .to
            .map_or("no answer".to_owned(), |to| format!("answered at {to}"));
        let words = format!("{client}: {}, asked at {}, {ended}", bar.label, bar.from);
        self.canvas.group(&words, |canvas| {
            canvas.area(class, area, 3.0);
            if bar.witness.is_some() {
                canvas.area("proof", area, 3.0);
            }
        });
        let text_y = self.places.lanes[bar.lane] + 4.0;
        let mut start = area.x;
        if let Some(number) = bar.witness {
            let at = Point {
                x: area.x,
                y: self.places.lanes[bar.lane],
            };
            badge(&mut self.canvas, at, number);
            start += 12.0;
        }
        let is_proof = bar.witness.is_some();
        let mut label = Label {
            rank: if is_proof { 0 } else { 5 },
            words: bar.label.clone(),
            class: if is_proof { "strong" } else { "" },
            size: TEXT_SIZE,
            spots: Vec::new(),
        };
        let long = label.width();
        if start + long + 10.0 <= area.x + area.width {
            label.spots.push(Point {
                x: start + 5.0,
                y: text_y,
            });
        } else {
            // Nothing else is written on a bar.
            self.room.keep(area);
            label.class = if is_proof { "halo strong" } else { "halo" };
            let rows: &[f64] = match self.scene.operations.len() > LABELLED_MAX && !is_proof {
                true => &[14.0],
                false => &[14.0, 28.0],
            };
            let x = area.x.min(self.places.right - long);
            let ends_at = (area.x + area.width - long).max(self.places.left);
            for row in rows {
                let y = self.places.lanes[bar.lane] - row;
                label.spots.push(Point { x, y });
                label.spots.push(Point { x: ends_at, y });
            }
        }
        self.labels.push(label);
    }

    fn anomalies(&mut self) {
        let (top, bottom) = (self.places.axis + 4.0, self.places.bottom());
        let flag = |x: f64| {
            let corner = |dx: f64, dy: f64| Point {
                x: x + dx,
                y: top + dy,
            };
            [corner(-6.0, 0.0), corner(6.0, 0.0), corner(0.0, 9.0)]
        };
        for (at, guarantee) in &self.scene.others {
            let x = self.places.x(*at);
            self.canvas
                .group(&format!("{guarantee} violated at {at}"), |canvas| {
                    canvas.polygon("flag", &flag(x));
                });
        }
        let focus = self.scene.focus.as_ref();
        let Some(focus) = focus.filter(|f| self.scene.from <= f.at && f.at <= self.scene.to) else {
            return;
        };
        let x = self.places.x(focus.at);
        let words = format!("{} violated", focus.guarantee);
        self.canvas
            .group(&format!("{words} at {}", focus.at), |canvas| {
                canvas.polygon("flag", &flag(x));
                canvas.line("anomaly", Point { x, y: top }, Point { x, y: bottom });
            });
        let long = width(&words, TEXT_SIZE * 1.1) * 1.1;
        let x = if x + 10.0 + long <= self.places.right {
            x + 10.0
        } else {
            x - 10.0 - long
        };
        self.labels.push(Label {
            rank: 0,
            words,
            class: "halo strong red",
            size: TEXT_SIZE * 1.1,
            spots: vec![Point { x, y: top + 11.0 }],
        });
    }

    /// Writes the labels that find room, the important ones first.
    fn place_labels(&mut self) {
        let mut labels = std::mem::take(&mut self.labels);
        labels.sort_by_key(|label| label.rank);
        for label in labels {
            let long = label.width();
            let area = |spot: &Point| Area {
                x: spot.x - 2.0,
                y: spot.y - label.size * 0.85,
                width: long + 4.0,
                height: label.size * 1.08,
            };
            let fits = label
                .spots
                .iter()
                .map(area)
                .filter(|area| area.x >= self.places.left - 3.0 && area.x + area.width <= WIDE);
            if let Some(area) = self.room.take(fits) {
                let spot = Point {
                    x: area.x + 2.0,
                    y: area.y + label.size * 0.85,
                };
                self.canvas
                    .text(label.class, spot, Anchor::Start, &label.words);
                self.canvas.raw("\n");
            }
        }
    }
}

/// A numbered disc, which the caption takes up.
pub(super) fn badge(canvas: &mut Canvas, at: Point, number: usize) {
    canvas.disc("badge", at, 9.0);
    let below = Point {
        y: at.y + 4.0,
        ..at
    };
    canvas.text("badge-text", below, Anchor::Middle, &number.to_string());
}

/// The stretches of lanes that a fault marks: all of a node's line where the node is struck, a strip below it where
/// something else is.
fn fault_areas(fault: &FaultSpan, places: &Places, level: f64) -> Vec<Area> {
    let span = (fault.from, fault.to);
    let area = |lane: &usize| match fault.group {
        Group::Nodes | Group::Membership => places.stretch(*lane, span, 15.0),
        Group::Links | Group::Clocks | Group::Disks => {
            let strip = places.stretch(*lane, span, 3.0);
            Area {
                y: strip.y + STRIP + 7.0 * level,
                ..strip
            }
        }
    };
    fault.lanes.iter().map(area).collect()
}

/// Lines that join the strips of a fault between nodes, where it begins and where it ends.
fn join(canvas: &mut Canvas, fault: &FaultSpan, places: &Places, areas: &[Area]) {
    let (first, last) = (areas[0], areas[areas.len() - 1]);
    for at in [fault.from, fault.to] {
        let x = places.x(at);
        if x >= places.left && x <= places.right {
            let end = |area: Area| Point { x, y: area.y + 3.0 };
            canvas.line("fault-line dashed", end(first), end(last));
        }
    }
}
