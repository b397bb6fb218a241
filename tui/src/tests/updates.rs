use std::time::Duration;

use seedbed_sim::{Direction, Fault, FaultId, InFlight, Instant, LinkTarget, NodeId, Span};

use super::{LARGE, SMALL, anomaly, catalog, cut, lab, look_again, ms, view};
use crate::actions::{Action, Context, Key, REGISTRY};
use crate::layout::{self, Size};
use crate::model::{LagUnit, Model, Overlay, Purpose, SPEEDS, Tone, USUAL_DELAY};
use crate::panels::PanelId;
use crate::update::{Effect, Input, update};

fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    update(model, Input::Key(key))
}

fn type_keys(model: &mut Model, keys: &str) -> Vec<Effect> {
    keys.chars()
        .flat_map(|c| press(model, Key::Char(c)))
        .collect()
}

fn refused(model: &Model) -> bool {
    model.notice.as_ref().is_some_and(|n| n.tone == Tone::Bad)
}

/// The lab with another node selected.
fn lab_at(node: usize) -> Model {
    let mut model = lab(LARGE);
    model.lab.as_mut().unwrap().node = node;
    model
}

fn both_ways(from: u32, to: u32) -> LinkTarget {
    LinkTarget {
        from: NodeId(from),
        to: NodeId(to),
        direction: Direction::Both,
    }
}

#[test]
fn keys_that_travel_ask_the_run_to_go_there_and_stop_the_playing() {
    let open = |seed| Effect::Open {
        source: "ddia/5-3".into(),
        seed,
    };
    let wanted = [
        (Key::Right, Effect::Step),
        (Key::Char('l'), Effect::Step),
        (Key::Left, Effect::Seek(119)),
        (Key::Char('h'), Effect::Seek(119)),
        (Key::Char('.'), Effect::RunUntil(ms(101))),
        (Key::Char(','), Effect::SeekTime(ms(99))),
        (Key::Char('>'), Effect::RunUntil(ms(110))),
        (Key::Char('<'), Effect::SeekTime(ms(90))),
        (Key::Char('g'), Effect::Seek(0)),
        (Key::Char('G'), Effect::RunToEnd),
        (Key::Char('n'), Effect::FindAnomaly),
        (Key::Char('N'), Effect::Seek(50)),
        (Key::Char('s'), open(8)),
        (Key::Char('S'), open(6)),
    ];
    for (key, effect) in wanted {
        let mut model = lab(LARGE);
        press(&mut model, Key::Char(' '));
        assert!(model.lab.as_ref().unwrap().playing);
        assert_eq!(press(&mut model, key), vec![effect.clone()], "{key}");
        let goes_on = matches!(effect, Effect::Open { .. });
        assert_eq!(model.lab.unwrap().playing, goes_on, "{key}");
    }
}

#[test]
fn an_anomaly_that_is_known_ahead_is_gone_to_without_a_search() {
    let mut model = lab(LARGE);
    model.lab.as_mut().unwrap().known.push(anomaly(140, 170));
    assert_eq!(press(&mut model, Key::Char('n')), vec![Effect::Seek(170)]);
    // Looking at an earlier moment forgets nothing; what is behind is told by the view.
    look_again(&mut model);
    assert_eq!(model.lab.as_ref().unwrap().known.len(), 2);
    // But a fault by key makes the future another one.
    press(&mut model, Key::Char('c'));
    assert_eq!(model.lab.as_ref().unwrap().known.len(), 1);
}

#[test]
fn an_anomaly_that_is_found_while_going_on_is_told_and_selected() {
    let mut model = lab(LARGE);
    let mut later = view(1);
    later.step = 180;
    later.anomalies.push(anomaly(140, 180));
    update(
        &mut model,
        Input::Viewed {
            view: Box::new(later),
            digest: 1,
        },
    );
    assert_eq!(model.lab.as_ref().unwrap().anomaly, 1);
    assert!(
        model
            .notice
            .unwrap()
            .text
            .starts_with("read-your-writes fell")
    );
}

#[test]
fn a_run_that_is_over_goes_no_further_but_back() {
    let mut model = lab(LARGE);
    model.lab.as_mut().unwrap().view.ended = Some("out of events".into());
    for key in [Key::Char(' '), Key::Right, Key::Char('.'), Key::Char('>')] {
        assert_eq!(press(&mut model, key), vec![], "{key}");
        assert!(refused(&model), "{key}");
    }
    assert_eq!(press(&mut model, Key::Left), vec![Effect::Seek(119)]);
    let mut model = lab(LARGE);
    model.lab.as_mut().unwrap().view.step = 0;
    assert_eq!(press(&mut model, Key::Left), vec![]);
    assert!(refused(&model));
}

#[test]
fn playing_turns_real_time_into_virtual_time_at_the_chosen_speed() {
    let mut model = lab(LARGE);
    let tick = Input::Tick(Duration::from_millis(40));
    assert_eq!(update(&mut model, tick.clone()), vec![]);
    assert_eq!(
        SPEEDS[model.lab.as_ref().unwrap().speed],
        Span::from_millis(10),
        "250 ms in about 25 s"
    );
    press(&mut model, Key::Char(' '));
    assert_eq!(
        update(&mut model, tick.clone()),
        vec![Effect::RunUntil(Instant::from_nanos(100_400_000))]
    );
    // Nothing happened in that time, so that the run stands where it stood: the play head goes on all the same.
    look_again(&mut model);
    assert_eq!(
        update(&mut model, tick.clone()),
        vec![Effect::RunUntil(Instant::from_nanos(100_800_000))]
    );
    press(&mut model, Key::Char('+'));
    assert_eq!(
        update(&mut model, tick.clone()),
        vec![Effect::RunUntil(Instant::from_nanos(101_600_000))]
    );
    type_keys(&mut model, "--");
    assert_eq!(
        update(&mut model, tick.clone()),
        vec![Effect::RunUntil(Instant::from_nanos(101_800_000))]
    );
    // A machine that slept does not leap.
    let slept = Input::Tick(Duration::from_secs(3_600));
    assert_eq!(
        update(&mut model, slept),
        vec![Effect::RunUntil(Instant::from_nanos(103_050_000))]
    );
    press(&mut model, Key::Char(' '));
    assert_eq!(update(&mut model, tick), vec![]);
}

#[test]
fn playing_stops_at_the_end_and_says_why() {
    let mut model = lab(LARGE);
    press(&mut model, Key::Char(' '));
    let mut over = view(1);
    over.ended = Some("all replicas hold the same".into());
    update(
        &mut model,
        Input::Viewed {
            view: Box::new(over),
            digest: 1,
        },
    );
    assert!(!model.lab.unwrap().playing);
    assert_eq!(
        model.notice.unwrap().text,
        "The run is over: all replicas hold the same."
    );
}

#[test]
fn speed_stays_within_its_table() {
    let mut model = lab(LARGE);
    type_keys(&mut model, &"+".repeat(40));
    assert_eq!(model.lab.as_ref().unwrap().speed, SPEEDS.len() - 1);
    type_keys(&mut model, &"-".repeat(40));
    assert_eq!(model.lab.unwrap().speed, 0);
}

#[test]
fn a_crash_strikes_the_selected_node_and_a_restart_lifts_its_crash() {
    assert_eq!(
        type_keys(&mut lab_at(0), "c"),
        vec![Effect::Inject(Fault::Crash { node: NodeId(0) })]
    );
    assert_eq!(
        type_keys(&mut lab_at(2), "r"),
        vec![Effect::Lift(FaultId(2))]
    );
    for (node, key) in [(2, "c"), (0, "r")] {
        let mut model = lab_at(node);
        assert_eq!(type_keys(&mut model, key), vec![]);
        assert!(refused(&model));
    }
}

#[test]
fn a_pause_is_lifted_only_while_it_holds() {
    // The view's pause of f1 is over, so the key begins another.
    assert_eq!(
        type_keys(&mut lab_at(1), "p"),
        vec![Effect::Inject(Fault::Pause { node: NodeId(1) })]
    );
    let mut model = lab_at(1);
    model.lab.as_mut().unwrap().view.faults[0].active = true;
    assert_eq!(type_keys(&mut model, "p"), vec![Effect::Lift(FaultId(1))]);
}

#[test]
fn a_link_is_chosen_to_be_cut_and_a_cut_one_is_healed() {
    let mut model = lab_at(2);
    assert_eq!(type_keys(&mut model, "x"), vec![]);
    assert_eq!(model.context(), Context::Picker);
    press(&mut model, Key::Down);
    let cut_f2_f1 = Effect::Inject(Fault::Cut {
        link: both_ways(2, 1),
        in_flight: InFlight::Lost,
    });
    assert_eq!(press(&mut model, Key::Enter), vec![cut_f2_f1]);
    assert_eq!(model.overlay, None);
    // l1 and f1 are cut from each other, whichever way round one asks.
    for (node, downs) in [(0, 0), (1, 0)] {
        let mut model = lab_at(node);
        type_keys(&mut model, "x");
        (0..downs).for_each(|_| drop(press(&mut model, Key::Down)));
        assert_eq!(
            press(&mut model, Key::Enter),
            vec![Effect::Lift(FaultId(3))]
        );
    }
}

#[test]
fn every_link_of_a_node_can_be_cut_at_once() {
    let mut model = lab_at(2);
    type_keys(&mut model, "x");
    type_keys(&mut model, "jjjj");
    let wanted: Vec<Effect> = [0, 1, 3, 4]
        .map(|to| {
            Effect::Inject(Fault::Cut {
                link: both_ways(2, to),
                in_flight: InFlight::Lost,
            })
        })
        .into();
    assert_eq!(press(&mut model, Key::Enter), wanted);
}

#[test]
fn delay_is_added_in_the_chosen_amount_and_taken_away_again() {
    let mut model = lab_at(0);
    type_keys(&mut model, "d");
    let Some(Overlay::Picker(picker)) = &model.overlay else {
        panic!("no picker");
    };
    assert_eq!(picker.purpose, Purpose::Delay(USUAL_DELAY));
    type_keys(&mut model, "--+");
    let delay = Fault::Delay {
        link: both_ways(0, 1),
        extra: Span::from_millis(20),
    };
    assert_eq!(
        press(&mut model, Key::Enter),
        vec![Effect::Inject(delay.clone())]
    );
    // None holds as yet; the cut on a link of l1 is not taken for one.
    assert_eq!(type_keys(&mut model, "D"), vec![]);
    assert!(refused(&model));
    model.lab.as_mut().unwrap().view.faults[2].fault = delay;
    assert_eq!(type_keys(&mut model, "D"), vec![Effect::Lift(FaultId(3))]);
}

#[test]
fn healing_everything_lifts_what_holds_now() {
    let mut model = lab(LARGE);
    let wanted = vec![Effect::Lift(FaultId(2)), Effect::Lift(FaultId(3))];
    assert_eq!(type_keys(&mut model, "H"), wanted);
    model.lab.as_mut().unwrap().view.faults.clear();
    assert_eq!(type_keys(&mut model, "H"), vec![]);
    assert!(refused(&model));
}

#[test]
fn a_number_goes_to_a_panel_and_the_same_again_zooms_it() {
    let mut model = lab(LARGE);
    for (number, panel) in [
        (2, PanelId::Lag),
        (3, PanelId::Operations),
        (7, PanelId::InFlight),
        (1, PanelId::Nodes),
    ] {
        type_keys(&mut model, &number.to_string());
        assert_eq!(model.lab.as_ref().unwrap().focus, panel);
        assert!(!model.lab.as_ref().unwrap().zoomed);
    }
    type_keys(&mut model, "1");
    assert!(model.lab.as_ref().unwrap().zoomed);
    press(&mut model, Key::Esc);
    assert!(!model.lab.as_ref().unwrap().zoomed);
}

#[test]
fn tab_goes_round_the_nodes_whatever_is_in_focus() {
    let mut model = lab(LARGE);
    type_keys(&mut model, "3");
    let mut seen = Vec::new();
    for _ in 0..5 {
        press(&mut model, Key::Tab);
        seen.push(model.lab.as_ref().unwrap().node);
    }
    assert_eq!(seen, [1, 2, 3, 4, 0]);
    press(&mut model, Key::BackTab);
    assert_eq!(model.lab.unwrap().node, 4);
}

#[test]
fn lists_that_end_in_the_latest_scroll_back_and_no_further_than_they_go() {
    let mut model = lab(LARGE);
    type_keys(&mut model, "6kkk");
    assert_eq!(model.lab.as_ref().unwrap().scroll.trace, 3);
    assert_eq!(
        model.window().rows,
        43,
        "a view is asked for as many lines more"
    );
    type_keys(&mut model, &"k".repeat(100));
    let lab = model.lab.as_ref().unwrap();
    let room = layout::lab(LARGE, lab).find(PanelId::Trace).unwrap().height - 3;
    assert_eq!(lab.scroll.trace, 20 - room);
    type_keys(&mut model, &"j".repeat(100));
    assert_eq!(model.lab.unwrap().scroll.trace, 0);
}

#[test]
fn the_chart_shows_a_shorter_stretch_up_to_now() {
    let mut model = lab(LARGE);
    assert_eq!((model.window().from, model.window().to), (ms(0), ms(250)));
    type_keys(&mut model, "[[");
    let window = model.window();
    assert_eq!(window.to.since(window.from), Span::from_nanos(62_500_000));
    assert!(window.from < ms(100) && ms(100) < window.to, "{window:?}");
    type_keys(&mut model, "]]]");
    assert_eq!((model.window().from, model.window().to), (ms(0), ms(250)));
    type_keys(&mut model, "t");
    assert_eq!(model.lab.unwrap().lag_unit, LagUnit::Time);
}

#[test]
fn the_story_of_the_selected_anomaly_leads_to_its_moment() {
    let mut model = lab(LARGE);
    type_keys(&mut model, "4");
    press(&mut model, Key::Enter);
    assert_eq!(model.context(), Context::Story);
    assert_eq!(press(&mut model, Key::Enter), vec![Effect::Seek(50)]);
    assert_eq!(model.overlay, None);
}

#[test]
fn the_palette_does_what_its_key_would() {
    let mut model = lab(LARGE);
    type_keys(&mut model, ":crash");
    assert_eq!(model.context(), Context::Palette);
    assert_eq!(
        press(&mut model, Key::Enter),
        vec![Effect::Inject(Fault::Crash { node: NodeId(0) })]
    );
    type_keys(&mut model, ":q");
    press(&mut model, Key::Backspace);
    assert_eq!(
        model.overlay,
        Some(Overlay::Palette {
            query: String::new(),
            selected: 0
        })
    );
    press(&mut model, Key::Esc);
    assert_eq!(model.context(), Context::Lab);
}

#[test]
fn the_catalog_filters_by_what_is_typed_and_opens_the_selected_one() {
    let mut model = catalog(SMALL);
    type_keys(&mut model, "/OWN WRITE");
    let names: Vec<&str> = model
        .catalog
        .shown()
        .iter()
        .map(|e| e.name.as_str())
        .collect();
    assert_eq!(names, ["ddia/5-3"]);
    press(&mut model, Key::Enter);
    assert_eq!(model.context(), Context::Catalog);
    let open = Effect::Open {
        source: "ddia/5-3".into(),
        seed: 1,
    };
    assert_eq!(press(&mut model, Key::Enter), vec![open]);
    assert_eq!(press(&mut model, Key::Esc), vec![], "first the filter goes");
    assert_eq!(press(&mut model, Key::Esc), vec![Effect::Quit]);
}

#[test]
fn leaving_a_run_leads_to_the_catalog_or_out_as_one_came() {
    let mut model = lab(LARGE);
    assert_eq!(type_keys(&mut model, "q"), vec![Effect::Close]);
    assert_eq!(model.context(), Context::Catalog);
    let mut model = lab(LARGE);
    model.came_from_catalog = false;
    assert_eq!(type_keys(&mut model, "q"), vec![Effect::Quit]);
    assert_eq!(press(&mut lab(LARGE), Key::Ctrl('c')), vec![Effect::Quit]);
}

#[test]
fn another_seed_of_the_same_scenario_keeps_the_screen_as_it_was() {
    let mut model = lab(LARGE);
    type_keys(&mut model, "3t+ ");
    let before = model.lab.clone().unwrap();
    let opened = |source: &str| Input::Opened {
        source: source.into(),
        view: Box::new(view(1)),
        digest: 5,
    };
    update(&mut model, opened("ddia/5-3"));
    let after = model.lab.clone().unwrap();
    assert_eq!(
        (after.focus, after.lag_unit, after.speed, after.playing),
        (before.focus, before.lag_unit, before.speed, true)
    );
    update(&mut model, opened("ddia/5-4"));
    assert_eq!(model.lab.unwrap().focus, PanelId::Nodes);
}

#[test]
fn a_click_selects_and_a_click_on_the_timeline_goes_there() {
    let mut model = lab(LARGE);
    let places = layout::lab(LARGE, model.lab.as_ref().unwrap());
    let nodes = places.find(PanelId::Nodes).unwrap();
    update(
        &mut model,
        Input::Click {
            column: 5,
            row: nodes.y + 4,
        },
    );
    assert_eq!(model.lab.as_ref().unwrap().node, 2);
    let plot = layout::plot(places.find(PanelId::Timeline).unwrap());
    let effects = update(
        &mut model,
        Input::Click {
            column: plot.x + plot.width / 2,
            row: plot.y,
        },
    );
    let [Effect::SeekTime(at)] = effects[..] else {
        panic!("{effects:?}");
    };
    assert!(ms(115) < at && at < ms(135), "{at}");
    let mut model = catalog(SMALL);
    let [_, list, _, _] = layout::catalog(SMALL, model.catalog.entries.len());
    let third = Input::Click {
        column: 4,
        row: list.y + 3,
    };
    assert_eq!(update(&mut model, third.clone()), vec![]);
    assert_eq!(model.catalog.selected, 2);
    assert!(matches!(
        update(&mut model, third)[..],
        [Effect::Open { .. }]
    ));
}

#[test]
fn a_partition_is_not_taken_for_the_cut_of_a_link() {
    let mut model = lab_at(1);
    model.lab.as_mut().unwrap().view.faults[2].fault = Fault::Partition {
        sides: vec![vec![NodeId(0)], vec![NodeId(1)]],
        in_flight: InFlight::Lost,
    };
    type_keys(&mut model, "x");
    let expected = Fault::Cut {
        link: both_ways(1, 0),
        in_flight: InFlight::Lost,
    };
    assert_eq!(
        press(&mut model, Key::Enter),
        vec![Effect::Inject(expected)]
    );
    assert_ne!(cut(0, 1), cut(1, 0));
}

/// Every line of the registry changes the model or asks for an effect, where it says it applies.
#[test]
fn no_action_of_the_registry_is_without_effect() {
    for spec in REGISTRY {
        for context in spec.contexts {
            let mut model = place(*context);
            assert_eq!(model.context(), *context);
            let before = format!("{model:?}");
            let effects = press(&mut model, spec.keys[0]);
            let after = format!("{model:?}");
            assert!(
                !effects.is_empty() || before != after,
                "{:?} in {context:?}",
                spec.action
            );
        }
    }
}

/// A model in which keys go to `context` and every list has room to move both ways.
fn place(context: Context) -> Model {
    let screen = match context {
        Context::Catalog | Context::Filter => catalog(SMALL),
        _ => lab(SMALL),
    };
    let mut model = screen;
    model.catalog.selected = 1;
    if let Some(lab) = &mut model.lab {
        lab.node = 1;
        lab.chart_zoom = 1;
    }
    match context {
        Context::Catalog | Context::Lab => {}
        Context::Filter => drop(type_keys(&mut model, "/d")),
        Context::Help => {
            type_keys(&mut model, "?");
            press(&mut model, Key::PageDown);
        }
        Context::Palette => drop(type_keys(&mut model, ":n")),
        Context::Picker => drop(type_keys(&mut model, "dj")),
        Context::Faults => {
            type_keys(&mut model, "fo");
            press(&mut model, Key::Down);
            press(&mut model, Key::Right);
        }
        Context::Story => {
            type_keys(&mut model, "4");
            press(&mut model, Key::Enter);
            model.overlay = Some(Overlay::Story {
                anomaly: 0,
                scroll: 5,
            });
        }
    }
    if context == Context::Palette {
        press(&mut model, Key::Down);
    }
    if context == Context::Filter {
        model.catalog.selected = 1;
    }
    model
}

#[test]
fn a_resize_asks_for_a_chart_of_another_width() {
    let mut model = lab(LARGE);
    let before = model.window().columns;
    update(
        &mut model,
        Input::Resize(Size {
            width: 160,
            height: 50,
        }),
    );
    assert!(model.window().columns > before);
}

#[test]
fn an_action_can_be_asked_for_without_a_key() {
    let mut model = lab(LARGE);
    assert_eq!(
        update(&mut model, Input::Do(Action::StepForward)),
        vec![Effect::Step]
    );
}
