//! Timelines are read as XML.

use roxmltree::{Document, Node};

use super::*;
use crate::history::sketch::{Sketch, write};
use crate::history::{Function, OperationId};

fn timeline<'a>(history: &'a History, witness: Option<&'a Witness>) -> Timeline<'a> {
    Timeline {
        history,
        title: "etcd_006.jsonl",
        fallen: witness.map(|witness| ("linearizable", witness)),
        clock: Clock::Times,
        faults: &[],
    }
}

fn witness(history: &History, operations: &[OperationId]) -> Witness {
    let culprit = *operations.last().expect("a culprit");
    let at = history.operation(culprit).completed.as_ref();
    Witness {
        operations: operations.to_vec(),
        events: Vec::new(),
        at: at.expect("it ended").at,
        summary: "user u1 read x and got \"1\"".to_owned(),
        story: operations
            .iter()
            .map(|id| format!("operation {} did its thing", id.0))
            .chain(["that must not be.".to_owned()])
            .collect(),
    }
}

fn of_class<'a>(document: &'a Document<'a>, class: &'a str) -> Vec<Node<'a, 'a>> {
    let has = |node: &Node<'_, '_>| {
        let classes = node.attribute("class").unwrap_or_default();
        classes.split(' ').any(|one| one == class)
    };
    document.descendants().filter(has).collect()
}

fn number(node: &Node<'_, '_>, name: &str) -> f64 {
    let value = node.attribute(name);
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("{name} of {node:?}"))
}

fn texts(svg: &str) -> String {
    let document = Document::parse(svg).expect("XML");
    let texts = document.descendants().filter_map(|node| node.text());
    texts.collect::<Vec<_>>().join("\n")
}

/// What must be true of every timeline; returns how many bars it has.
fn check(svg: &str) -> usize {
    let document = Document::parse(svg).expect("XML");
    let view: Vec<f64> = document
        .root_element()
        .attribute("viewBox")
        .expect("a size")
        .split(' ')
        .map(|number| number.parse().expect("a number"))
        .collect();
    assert!(view[3] < 2_400.0, "{view:?}");
    let mut bars: Vec<(f64, f64, f64)> = Vec::new();
    for bar in of_class(&document, "bar") {
        let (x, y) = (number(&bar, "x"), number(&bar, "y"));
        let (width, height) = (number(&bar, "width"), number(&bar, "height"));
        assert!(x >= 0.0 && x + width <= view[2], "{bar:?}");
        assert!(y >= 0.0 && y + height <= view[3], "{bar:?}");
        bars.push((y, x, x + width));
    }
    bars.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    for pair in bars.windows(2) {
        let ((lane, _, end), (next_lane, next, _)) = (pair[0], pair[1]);
        if lane == next_lane {
            assert!(end <= next + 0.11, "bars overlap: {pair:?}");
        } else {
            assert!(next_lane - lane >= PITCH_LEAST, "lanes overlap: {pair:?}");
        }
    }
    for text in of_class(&document, "halo") {
        assert!(number(&text, "x") <= view[2], "{text:?}");
    }
    let parts = ["title", "desc"];
    for part in parts {
        let mut nodes = document.descendants();
        let node = nodes.find(|node| node.has_tag_name(part));
        assert!(node.and_then(|node| node.text()).is_some(), "{part}");
    }
    assert!(!svg.contains("<script") && !svg.contains("href"));
    assert!(
        !svg.contains("\n\n"),
        "an empty line would end it within Markdown"
    );
    bars.len()
}

/// A bar is so high, and some room is between lanes.
const PITCH_LEAST: f64 = 24.0;

/// A busy history: so many operations by some processes at once; each write is read by the next process.
fn busy(operations: u32, processes: u32) -> Sketch {
    let mut sketch = Sketch::new();
    let mut open: Vec<(OperationId, String)> = Vec::new();
    for number in 0..operations {
        if open.len() as u32 >= processes {
            let (id, value) = open.remove(0);
            let is_read = sketch.history.operation(id).function == Function::Read;
            sketch.got(id, is_read.then_some(value.as_str()));
        }
        let function = match number % 3 {
            0 => write(&number.to_string()),
            _ => Function::Read,
        };
        let value = (number - number % 3).to_string();
        let process = number % (processes + 1);
        open.push((sketch.invoke("x", process, process, function), value));
    }
    sketch
}

fn small() -> (Sketch, Witness) {
    let mut s = Sketch::new();
    let one = s.does(0, write("1"));
    let two = s.does(0, write("2"));
    let lost = s.begin(2, write("3"));
    s.info(lost);
    let refused = s.begin(3, write("4"));
    s.begin(4, write("5"));
    s.fail(refused);
    let read = s.reads(1, Some("1"));
    s.reads(1, Some("2"));
    let witness = witness(&s.history, &[one, two, read]);
    (s, witness)
}

#[test]
fn a_small_history_is_shown_as_a_whole() {
    let (s, witness) = small();
    let svg = svg(&timeline(&s.history, Some(&witness)), Theme::Auto);
    assert_eq!(check(&svg), s.history.operation_count());
    let document = Document::parse(&svg).expect("XML");
    assert_eq!(of_class(&document, "culprit").len(), 1);
    // In the picture and in the story.
    assert_eq!(
        of_class(&document, "badge").len(),
        2 * witness.operations.len()
    );
    // The lost one and the open one may still take effect.
    assert_eq!(of_class(&document, "tail").len(), 2);
    let texts = texts(&svg);
    for words in [
        "linearizable is violated",
        "write 1",
        "read → 1",
        "write 5 → ?",
        "write 4, refused",
        "that must not be.",
        "outcome unknown",
        "7 operations, 7 processes",
    ] {
        assert!(texts.contains(words), "{words} in {texts}");
    }
    assert!(!texts.contains("Left out"), "{texts}");
}

#[test]
fn the_culprit_stands_where_it_ends() {
    let (s, witness) = small();
    let svg = svg(&timeline(&s.history, Some(&witness)), Theme::Light);
    let document = Document::parse(&svg).expect("XML");
    let line = of_class(&document, "culprit")[0].attribute("d").expect("d");
    let x: f64 = line[1..]
        .split(' ')
        .next()
        .and_then(|x| x.parse().ok())
        .expect("x");
    let proofs = of_class(&document, "proof");
    let ends: Vec<f64> = proofs
        .iter()
        .map(|node| number(node, "x") + number(node, "width"))
        .collect();
    assert!(ends.iter().any(|end| (end - x).abs() < 0.2), "{x} {ends:?}");
    // It comes last of the witness.
    assert!(
        ends.iter().all(|end| *end <= x + 0.2 || *end > 1_000.0),
        "{x} {ends:?}"
    );
}

#[test]
fn a_huge_history_shows_the_neighbourhood_of_its_culprit() {
    let s = busy(100_000, 100);
    let ids = [OperationId(300), OperationId(70_002), OperationId(80_001)];
    let witness = witness(&s.history, &ids);
    let timeline = timeline(&s.history, Some(&witness));
    let svg = svg(&timeline, Theme::Auto);
    let bars = check(&svg);
    assert!((20..=60).contains(&bars), "{bars}");
    assert!(svg.len() < 80_000, "{}", svg.len());
    let texts = texts(&svg);
    let words = format!("{bars} of 100000 operations");
    assert!(texts.contains(&words), "{texts}");
    assert!(texts.contains("farther from the culprit"), "{texts}");
    let document = Document::parse(&svg).expect("XML");
    // Between the three there is a gap each, with its number.
    assert!((3..=8).contains(&of_class(&document, "break").len()));
    assert_eq!(of_class(&document, "proof").len(), 1 + ids.len());
    assert_eq!(svg, super::svg(&timeline, Theme::Auto));
}

#[test]
fn without_a_witness_the_beginning_is_shown() {
    let s = busy(5_000, 6);
    let svg = svg(&timeline(&s.history, None), Theme::Dark);
    assert!(check(&svg) >= 30);
    let texts = texts(&svg);
    assert!(texts.contains("that came later"), "{texts}");
    assert!(!texts.contains("violated"), "{texts}");
    let empty = super::svg(&timeline(&History::new(), None), Theme::Dark);
    assert_eq!(check(&empty), 0);
}

#[test]
fn faults_are_bands_with_names_and_times() {
    let (s, witness) = small();
    let moment = |place: u32| Moment {
        place: Place(place),
        at: time_of(&s.history, Place(place)),
    };
    let faults = [
        FaultMark {
            what: "partition n1 | n2 n3".to_owned(),
            from: moment(2),
            to: Some(moment(6)),
        },
        FaultMark {
            what: "pause n2".to_owned(),
            from: moment(7),
            to: None,
        },
    ];
    let with = Timeline {
        faults: &faults,
        ..timeline(&s.history, Some(&witness))
    };
    let svg = svg(&with, Theme::Auto);
    check(&svg);
    let document = Document::parse(&svg).expect("XML");
    let bands = of_class(&document, "band");
    assert_eq!(bands.len(), 2);
    let [one, other] = [&bands[0], &bands[1]].map(|band| {
        let x = number(band, "x");
        (x, x + number(band, "width"))
    });
    assert!(one.0 < one.1 && one.1 < other.0 && other.1 > 1_150.0);
    let texts = texts(&svg);
    for words in [
        "partition n1 | n2 n3 (12.000 ms to 16.000 ms)",
        "pause n2 (from 17.000 ms on)",
    ] {
        assert!(texts.contains(words), "{words} in {texts}");
    }
}

#[test]
fn a_file_without_times_is_drawn_by_its_lines() {
    let (s, witness) = small();
    let lines: Vec<u64> = (0..s.history.len() as u64).map(|place| place + 2).collect();
    let by_lines = Timeline {
        clock: Clock::Lines(&lines),
        ..timeline(&s.history, Some(&witness))
    };
    let svg = svg(&by_lines, Theme::Auto);
    check(&svg);
    let texts = texts(&svg);
    assert!(texts.contains("line 2\n"), "{texts}");
    assert!(!texts.contains(" ms"), "{texts}");
}

#[test]
fn strange_names_and_long_values_do_no_harm() {
    let mut s = Sketch::new();
    let long = "ß<&\u{1}\"".repeat(200);
    let one = s.does(0, write(&long));
    let read = s.begin_at(&long, 1, Function::Read);
    s.got(read, Some(&long));
    let mut witness = witness(&s.history, &[one, read]);
    witness.story = vec![long.clone(), long.clone(), long.clone()];
    let title = timeline(&s.history, Some(&witness));
    let svg = svg(
        &Timeline {
            title: &long,
            ..title
        },
        Theme::Auto,
    );
    assert_eq!(check(&svg), 2);
}

#[test]
fn a_long_witness_still_has_room() {
    let s = busy(400, 12);
    let ids: Vec<OperationId> = (0..200)
        .map(|n| OperationId(2 * n))
        .filter(|id| s.history.completed(*id).is_some())
        .collect();
    let witness = witness(&s.history, &ids);
    let svg = svg(&timeline(&s.history, Some(&witness)), Theme::Auto);
    let document = Document::parse(&svg).expect("XML");
    assert!(of_class(&document, "bar").len() <= 80);
    assert!(texts(&svg).contains("operations of the witness"));
}
