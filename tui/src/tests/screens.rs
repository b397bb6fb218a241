use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::{LARGE, SMALL, catalog, lab, look_again};
use crate::actions::{Action, Key, REGISTRY};
use crate::draw::draw;
use crate::layout::Size;
use crate::model::Model;
use crate::panels::overlays;
use crate::theme::Theme;
use crate::update::{Input, update};

pub(super) fn screen(model: &Model) -> Terminal<TestBackend> {
    let backend = TestBackend::new(model.size.width, model.size.height);
    let mut terminal = Terminal::new(backend).expect("a test screen");
    terminal
        .draw(|frame| draw(model, frame))
        .expect("a test screen");
    terminal
}

fn press(model: &mut Model, keys: &[Key]) {
    for key in keys {
        update(model, Input::Key(*key));
        if model.lab.is_some() {
            look_again(model);
        }
    }
}

macro_rules! snapshots {
    ($($name:ident: $model:expr, $keys:expr;)*) => {$(
        #[test]
        fn $name() {
            let mut model = $model;
            press(&mut model, &$keys);
            insta::assert_snapshot!(screen(&model).backend());
        }
    )*};
}

snapshots! {
    catalog_large: catalog(LARGE), [Key::Down];
    catalog_small: catalog(SMALL), [];
    catalog_filtered: catalog(SMALL), [Key::Char('/'), Key::Char('5'), Key::Char('-'), Key::Char('4')];
    lab_large: lab(LARGE), [];
    lab_small: lab(SMALL), [];
    lab_small_with_operations_in_focus: lab(SMALL), [Key::Char('3')];
    lab_small_with_anomalies_in_focus: lab(SMALL), [Key::Char('4')];
    lab_small_with_the_trace_in_focus: lab(SMALL), [Key::Char('6')];
    lab_at_the_smallest_size: lab(Size { width: 60, height: 16 }), [Key::Char('3')];
    lab_zoomed_on_the_lag_in_time: lab(SMALL), [Key::Char('2'), Key::Char('z'), Key::Char('t')];
    help_large: lab(LARGE), [Key::Char('?')];
    help_small: catalog(SMALL), [Key::Char('?'), Key::PageDown];
    palette: lab(SMALL), [Key::Char(':'), Key::Char('l'), Key::Char('i'), Key::Char('n')];
    picker: lab(SMALL), [Key::Char('x')];
    picker_of_delay: lab(SMALL), [Key::Char('d'), Key::Char('+')];
    story: lab(SMALL), [Key::Char('4'), Key::Enter];
    too_small: lab(Size { width: 40, height: 10 }), [];
}

#[test]
fn every_size_can_be_drawn() {
    for (width, height) in [
        (1, 1),
        (60, 16),
        (61, 30),
        (99, 29),
        (100, 30),
        (80, 60),
        (300, 20),
        (250, 100),
    ] {
        for keys in [
            vec![],
            vec![Key::Char('5')],
            vec![Key::Char('7'), Key::Char('z')],
            vec![Key::Char('?')],
        ] {
            let mut model = lab(Size { width, height });
            press(&mut model, &keys);
            screen(&model);
        }
        screen(&catalog(Size { width, height }));
    }
}

#[test]
fn no_colour_is_used_where_none_is_wanted() {
    for model in [lab(LARGE), catalog(LARGE)] {
        let terminal = screen(&model);
        let cells = terminal.backend().buffer().content();
        let coloured = cells
            .iter()
            .find(|c| c.fg != Color::Reset || c.bg != Color::Reset);
        assert_eq!(coloured, None);
    }
    let mut model = lab(LARGE);
    model.theme = Theme::COLOUR;
    let terminal = screen(&model);
    assert!(
        terminal
            .backend()
            .buffer()
            .content()
            .iter()
            .any(|c| c.fg == Color::Red)
    );
}

#[test]
fn the_help_lists_every_key_of_every_action() {
    let lines: Vec<String> = overlays::help_lines(&lab(LARGE))
        .iter()
        .map(ToString::to_string)
        .collect();
    for spec in REGISTRY {
        let keys = overlays::keys(spec);
        let told = |line: &&String| line.starts_with(&keys) && line.contains(spec.description);
        assert_eq!(
            lines.iter().filter(told).count(),
            spec.contexts.len(),
            "{spec:?}"
        );
    }
}

#[test]
fn a_footer_always_says_how_to_get_help_and_how_to_leave() {
    for size in [
        LARGE,
        SMALL,
        Size {
            width: 60,
            height: 16,
        },
    ] {
        for model in [lab(size), catalog(size)] {
            let shown = screen(&model).backend().to_string();
            for action in [Action::Help, Action::Back] {
                let spec = crate::actions::in_context(model.context()).find(|s| s.action == action);
                let hint = spec.and_then(|s| s.hint).expect("a hint");
                assert!(shown.contains(hint), "{hint} at {size:?}:\n{shown}");
            }
        }
    }
}
