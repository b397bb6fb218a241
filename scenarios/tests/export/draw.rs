//! Space-time diagrams: what stands in them, what is left out, and which windows there are.

use std::sync::Arc;

use roxmltree::{Document, Node};
use seedbed_scenarios::draw::{Around, DrawError, Frame, Theme, choose, svg, timeline};
use seedbed_scenarios::session::Session;
use seedbed_sim::Instant;

use crate::{finished, finished_file};

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn between(from: u64, to: u64) -> Frame {
    Frame::Between {
        from: Some(ms(from)),
        to: Some(ms(to)),
    }
}

fn drawn(session: &dyn Session, frame: Frame) -> String {
    svg(session, frame, Theme::Auto).unwrap_or_else(|error| panic!("{error}"))
}

/// The shapes of a class, among others that they may have.
fn of_class<'a>(document: &'a Document<'a>, class: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    document.descendants().filter(move |node| {
        let classes = node.attribute("class").unwrap_or_default();
        classes.split(' ').any(|one| one == class)
    })
}

fn texts<'a>(document: &'a Document<'a>) -> Vec<&'a str> {
    let texts = document
        .descendants()
        .filter(|node| node.has_tag_name("text"));
    texts.filter_map(|node| node.text()).collect()
}

/// The places that a path or a shape names stay within the picture.
fn stays_inside(document: &Document<'_>) {
    let view: Vec<f64> = document
        .root_element()
        .attribute("viewBox")
        .expect("a size")
        .split(' ')
        .map(|number| number.parse().expect("a number"))
        .collect();
    for node in document.descendants() {
        for (name, limit) in [
            ("x", view[2]),
            ("cx", view[2]),
            ("y", view[3]),
            ("cy", view[3]),
        ] {
            let value = node
                .attribute(name)
                .map(|value| value.parse::<f64>().expect("a number"));
            assert!(
                value.is_none_or(|value| (0.0..=limit).contains(&value)),
                "{name} of {node:?}"
            );
        }
        let path = node.attribute("d").unwrap_or_default();
        let numbers = path
            .split(|c: char| "ML z".contains(c))
            .filter(|part| !part.is_empty());
        let numbers: Vec<f64> = numbers
            .map(|number| number.parse().expect("a number"))
            .collect();
        for point in numbers.chunks(2) {
            assert!((-1.0..=view[2] + 1.0).contains(&point[0]), "{path}");
            assert!((-1.0..=view[3] + 1.0).contains(&point[1]), "{path}");
        }
    }
}

#[test]
fn every_scenario_gives_a_well_formed_picture_for_both_sorts_of_pages() {
    for name in [
        "ddia/5-2",
        "ddia/5-3",
        "ddia/5-4",
        "lag/crash-catch-up",
        "lag/generated-load",
    ] {
        for seed in [1, 2] {
            let session = finished(name, seed);
            let whole = Frame::Between {
                from: None,
                to: None,
            };
            for frame in [Frame::Telling, whole, between(0, 1), between(400, 700)] {
                let text = drawn(session.as_ref(), frame);
                let document =
                    Document::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
                stays_inside(&document);
                let root = document.root_element();
                assert_eq!(root.attribute("role"), Some("img"));
                for spoken in ["title", "desc"] {
                    let node = root.children().find(|node| node.has_tag_name(spoken));
                    assert!(
                        node.and_then(|node| node.text())
                            .is_some_and(|text| text.contains(name))
                    );
                }
                let style = root.children().find(|node| node.has_tag_name("style"));
                let style = style.and_then(|node| node.text()).expect("a style sheet");
                assert!(style.contains("--sbd-ground:#ffffff"), "light");
                assert!(
                    style.contains("@media (prefers-color-scheme:dark){.sbd{--sbd-ground:#14171d"),
                    "dark"
                );
                assert!(text.len() < 1_000_000, "{name}: {} bytes", text.len());
                assert!(
                    !text.contains("\n\n"),
                    "an empty line would end it within Markdown"
                );
            }
        }
    }
}

#[test]
fn fixed_themes_are_readable_by_renderers_that_know_no_variables() {
    let session = finished("ddia/5-3", 1);
    for (theme, ground) in [(Theme::Light, "#ffffff"), (Theme::Dark, "#14171d")] {
        let text = svg(session.as_ref(), Frame::Telling, theme).expect("a picture");
        assert!(!text.contains("var(") && !text.contains("@media"));
        assert!(text.contains(&format!(".sbd .paper{{fill:{ground}}}")));
    }
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let [one, other] =
        [(); 2].map(|()| drawn(finished("lag/generated-load", 3).as_ref(), Frame::Telling));
    assert_eq!(one, other);
    assert_ne!(
        one,
        drawn(finished("lag/generated-load", 4).as_ref(), Frame::Telling)
    );
}

#[test]
fn a_stale_read_is_told_with_its_witness() {
    let text = drawn(finished("ddia/5-3", 1).as_ref(), Frame::Telling);
    let document = Document::parse(&text).expect("XML");
    // Two operations in the picture, and their two numbers again in the caption.
    assert_eq!(of_class(&document, "badge").count(), 4);
    assert_eq!(of_class(&document, "anomaly").count(), 1);
    let lines = |class: &'static str| {
        of_class(&document, class)
            .filter(|node| node.attribute("d").is_some())
            .count()
    };
    // put, write-ok, get and get-ok, and one in the legend.
    assert_eq!(lines("witness"), 4 + 1);
    // The entry goes to two followers, and is on its way to both when the window ends.
    assert_eq!(lines("set-off"), 2 + 1);
    let on_their_way = of_class(&document, "set-off").filter(|node| {
        node.attribute("class")
            .is_some_and(|class| class.contains("dashed"))
    });
    assert_eq!(on_their_way.count(), 2);
    let texts = texts(&document);
    for expected in [
        "read-your-writes-in-real-time violated",
        "write 55555 = \"Sounds good!\" → ok",
        "read 55555 at follower-1 → nothing",
        "append → follower-1, arrives at 135.513 ms",
        "20.714 ms user 1234 reads 55555 at follower-1 and gets nothing at 24.749 ms",
    ] {
        assert!(texts.contains(&expected), "{expected}: {texts:#?}");
    }
}

#[test]
fn what_the_final_checks_found_can_be_drawn_around_too() {
    let session = finished("lag/lost-write", 1);
    let findings = session.findings();
    let last = findings.last().expect("a finding");
    assert_eq!(last.guarantee, "durability");
    let text = drawn(
        session.as_ref(),
        Frame::Around(Around::Anomaly(findings.len())),
    );
    let document = Document::parse(&text).expect("XML");
    let texts = texts(&document);
    assert!(
        texts
            .iter()
            .any(|text| text.starts_with("durability is violated: ")),
        "{texts:#?}"
    );
    assert!(texts.contains(&"append lost: link cut"));
    let strips = of_class(&document, "fault").filter(|node| node.attribute("height") == Some("6"));
    assert_eq!(
        strips.count(),
        1 + 3,
        "one for the disk, and one on each line that is cut off"
    );
}

#[test]
fn a_small_picture_stays_as_it_is() {
    insta::assert_snapshot!(
        "ddia-5-3",
        svg(
            finished("ddia/5-3", 1).as_ref(),
            Frame::Telling,
            Theme::Light
        )
        .expect("a picture")
    );
}

#[test]
fn a_crash_is_a_hatched_stretch_and_what_is_lost_ends_in_a_cross() {
    let session = finished("lag/crash-catch-up", 1);
    let text = drawn(session.as_ref(), between(495, 520));
    let document = Document::parse(&text).expect("XML");
    assert!(of_class(&document, "down").count() >= 1);
    assert!(of_class(&document, "fault").count() >= 1);
    assert!(of_class(&document, "cross").count() >= 2);
    let texts = texts(&document);
    assert!(texts.contains(&"crash follower-1"));
    assert!(
        texts
            .iter()
            .any(|text| text.ends_with("lost: receiver down")),
        "{texts:?}"
    );
    assert!(
        texts
            .iter()
            .any(|text| text.starts_with("Faults: crash follower-1 (500.000 ms to"))
    );
    // Before it, there is no sign of it.
    let before = drawn(session.as_ref(), between(450, 490));
    for sign in ["class=\"down\"", "class=\"fault\"", "cross"] {
        let shapes = before.split("</style>").nth(1).expect("shapes");
        assert!(!shapes.contains(sign), "{sign}");
    }
}

#[test]
fn faults_of_links_and_of_nodes_are_told_apart_by_where_they_stand() {
    let text = seedbed_scenarios::catalog::find("ddia/5-3")
        .expect("in the catalog")
        .text;
    let faults = r#"
[[fault]]
at = "12ms"
until = "60ms"
kind = "cut"
between = ["leader", "follower-2"]
[[fault]]
at = "21ms"
until = "30ms"
kind = "pause"
node = "follower-1"
"#;
    let session = finished_file("faults.toml", &format!("{text}{faults}"), 1);
    let text = drawn(session.as_ref(), between(5, 40));
    let document = Document::parse(&text).expect("XML");
    let heights: Vec<&str> = of_class(&document, "fault")
        .filter_map(|node| node.attribute("height"))
        .collect();
    // The pause covers its node's line; the cut is a strip below two lines; one more is in the legend.
    assert_eq!(heights, ["6", "6", "30", "10"]);
    let texts = texts(&document);
    assert!(
        texts.contains(&"cut leader ⇄ follower-2") && texts.contains(&"pause follower-1"),
        "{texts:?}"
    );
    assert!(
        text.contains("waits for its receiver"),
        "the read waits until the follower goes on"
    );
    assert!(text.contains("append lost: link cut"));
}

#[test]
fn a_busy_window_is_thinned_by_rule_and_says_so() {
    let session = finished("lag/crash-catch-up", 1);
    let whole = drawn(session.as_ref(), Frame::Telling);
    assert!(whole.contains("operation are drawn, and all that were lost."));
    assert!(whole.contains("Left out for want of room:"));
    let busy = finished("lag/generated-load", 1);
    let text = drawn(
        busy.as_ref(),
        Frame::Between {
            from: None,
            to: None,
        },
    );
    let document = Document::parse(&text).expect("XML");
    let witness = of_class(&document, "witness")
        .filter(|node| node.has_tag_name("path"))
        .count();
    assert_eq!(witness, 4 + 1, "what proves it is never left out");
    let few = drawn(finished("ddia/5-3", 1).as_ref(), between(9, 20));
    assert!(
        !few.contains("are drawn"),
        "nothing is left out of a short window"
    );
}

#[test]
fn windows_are_chosen_by_what_happened() {
    let session = finished("lag/crash-catch-up", 1);
    let fault = choose(session.as_ref(), Frame::Around(Around::Fault(1))).expect("a fault");
    assert!(fault.from < ms(500) && fault.from > ms(400), "{fault:?}");
    assert!(fault.to > ms(1_200) && fault.to < ms(1_400), "{fault:?}");
    let whole = choose(session.as_ref(), Frame::Telling).expect("a run");
    assert_eq!(
        (whole.from, whole.to),
        (Instant::ZERO, session.now()),
        "no anomaly, so all of it"
    );
    let stale = finished("ddia/5-4", 1);
    let (first, third) = (Around::Anomaly(1), Around::Anomaly(3));
    let [first, third] =
        [first, third].map(|one| choose(stale.as_ref(), Frame::Around(one)).expect("one"));
    assert_eq!(choose(stale.as_ref(), Frame::Telling), Ok(first.clone()));
    let findings = stale.findings();
    assert!(
        third
            .focus
            .as_ref()
            .is_some_and(|focus| Arc::ptr_eq(focus, &findings[2]) || **focus == *findings[2])
    );
    assert!(first.to < third.to);
    let open = Frame::Between {
        from: Some(ms(990)),
        to: Some(ms(99_000)),
    };
    let clipped = choose(stale.as_ref(), open).expect("the rest of the run");
    assert_eq!(
        clipped.to,
        stale.now(),
        "the run is over before the window is"
    );
}

#[test]
fn windows_that_make_no_sense_are_refused() {
    let session = finished("ddia/5-2", 1);
    let refused = |frame| {
        choose(session.as_ref(), frame)
            .expect_err("a mistake")
            .to_string()
    };
    assert_eq!(
        refused(between(30, 20)),
        "the window ends at 20.000 ms, which is not after its begin at 30.000 ms"
    );
    assert!(refused(between(20, 20)).contains("not after"));
    assert!(
        refused(between(5_000, 6_000))
            .starts_with("the window begins at 5000.000 ms, and the run is over at 10")
    );
    assert_eq!(
        refused(Frame::Around(Around::Anomaly(1))),
        "anomaly 1 is asked for, and there is no anomaly in this run"
    );
    assert!(matches!(
        choose(session.as_ref(), Frame::Around(Around::Fault(0))),
        Err(DrawError::NoSuchFault {
            wanted: 0,
            found: 0
        })
    ));
    let crash = finished("lag/crash-catch-up", 1);
    let second = choose(crash.as_ref(), Frame::Around(Around::Fault(2))).expect_err("only one");
    assert_eq!(
        second.to_string(),
        "fault 2 is asked for, and there is 1 fault in this run"
    );
}

#[test]
fn what_people_write_into_files_can_not_break_the_picture() {
    let text = seedbed_scenarios::catalog::find("ddia/5-3")
        .expect("in the catalog")
        .text;
    let nasty = text
        .replace("Sounds good!", "</text><script>&amp;\\u0007")
        .replace("A user makes a write", "<b>&\\\"");
    let session = finished_file("<&>.toml", &nasty, 1);
    let text = drawn(session.as_ref(), Frame::Telling);
    let document = Document::parse(&text).expect("XML");
    assert!(
        document
            .descendants()
            .all(|node| !node.has_tag_name("script") && !node.has_tag_name("b"))
    );
    assert!(
        texts(&document)
            .iter()
            .any(|text| text.contains("</text><script>"))
    );
}

#[test]
fn timelines_of_runs_show_the_culprit_and_the_faults() {
    let session = finished("ddia/5-3", 1);
    let text =
        timeline::of_run(session.as_ref(), "ddia/5-3", None, Theme::Auto).expect("a picture");
    let document = Document::parse(&text).expect("XML");
    stays_inside(&document);
    assert_eq!(of_class(&document, "culprit").count(), 1);
    assert!(of_class(&document, "badge").count() >= 2);
    let session = finished("lag/crash-catch-up", 1);
    let text = timeline::of_run(session.as_ref(), "crash", None, Theme::Dark).expect("a picture");
    let document = Document::parse(&text).expect("XML");
    stays_inside(&document);
    assert!(
        texts(&document)
            .iter()
            .any(|text| text.starts_with("Faults: crash"))
    );
    let found = session.findings().len();
    let error = timeline::of_run(session.as_ref(), "crash", Some(found + 1), Theme::Dark);
    let wanted = found + 1;
    assert_eq!(error, Err(DrawError::NoSuchAnomaly { wanted, found }));
}
