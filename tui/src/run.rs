//! The terminal: keys, mouse and time in, drawings out. All input and output of the interface is here.
//!
//! Drawing happens on change only; while a run plays, some thirty times a second.

use std::io::{self, Stdout};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use crossterm::event::{
    self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use crate::actions::{Action, Key};
use crate::crash;
use crate::draw::draw;
use crate::host::{Flow, Host, Library};
use crate::layout::Size;
use crate::model::Model;
use crate::update::Input;

/// Between two drawings while a run plays.
const FRAME: Duration = Duration::from_millis(33);
/// How long to wait for a key when nothing moves.
const IDLE: Duration = Duration::from_secs(3_600);

/// Gives the terminal back when it goes, however that comes about.
struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    fn open() -> anyhow::Result<Self> {
        crash::terminal_is_taken();
        enable_raw_mode().context("can't take over the terminal")?;
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            event::EnableMouseCapture
        )
        .context("can't take over the terminal")?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(Self { terminal })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        crash::give_terminal_back();
    }
}

/// Shows the model in the terminal until the person leaves.
///
/// # Errors
/// When the terminal can't be read or written.
pub fn run<L: Library>(mut model: Model, mut host: Host<L>) -> anyhow::Result<()> {
    let mut screen = Screen::open()?;
    let size = screen.terminal.size()?;
    let resize = Input::Resize(Size {
        width: size.width,
        height: size.height,
    });
    let mut pending = vec![resize];
    let mut last_tick = Instant::now();
    loop {
        let mut changed = !pending.is_empty();
        for input in pending.drain(..) {
            if let Input::Key(key) = &input {
                crash::watch_key(*key);
            }
            if host.send(&mut model, input) == Flow::Leave {
                return Ok(());
            }
        }
        if let Some(lab) = &model.lab {
            crash::watch(&lab.source, lab.view.seed);
        }
        let playing = model.lab.as_ref().is_some_and(|lab| lab.playing);
        if playing && last_tick.elapsed() >= FRAME {
            let passed = std::mem::replace(&mut last_tick, Instant::now()).elapsed();
            changed = true;
            if host.send(&mut model, Input::Tick(passed)) == Flow::Leave {
                return Ok(());
            }
        }
        if changed {
            screen.terminal.draw(|frame| draw(&model, frame))?;
        }
        let wait = if playing {
            FRAME.saturating_sub(last_tick.elapsed())
        } else {
            IDLE
        };
        pending = read(wait)?;
        if !playing {
            // Time that passed while nothing played is not made up for.
            last_tick = Instant::now();
        }
    }
}

/// Waits for input at most so long, then takes all there is.
fn read(wait: Duration) -> io::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    let mut wait = wait;
    while event::poll(wait)? {
        inputs.extend(translate(&event::read()?));
        wait = Duration::ZERO;
    }
    Ok(inputs)
}

fn translate(event: &Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => translate_key(key).map(Input::Key),
        Event::Resize(width, height) => Some(Input::Resize(Size {
            width: *width,
            height: *height,
        })),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => Some(Input::Click {
                column: mouse.column,
                row: mouse.row,
            }),
            MouseEventKind::ScrollUp => Some(Input::Do(Action::Up)),
            MouseEventKind::ScrollDown => Some(Input::Do(Action::Down)),
            _ => None,
        },
        _ => None,
    }
}

fn translate_key(key: &KeyEvent) -> Option<Key> {
    Some(match key.code {
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Ctrl(c),
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_keys_become_keys_of_the_registry() {
        let key = |code, modifiers| translate_key(&KeyEvent::new(code, modifiers));
        assert_eq!(
            key(KeyCode::Char('c'), KeyModifiers::CONTROL),
            Some(Key::Ctrl('c'))
        );
        assert_eq!(
            key(KeyCode::Char('G'), KeyModifiers::SHIFT),
            Some(Key::Char('G'))
        );
        assert_eq!(
            key(KeyCode::BackTab, KeyModifiers::SHIFT),
            Some(Key::BackTab)
        );
        assert_eq!(key(KeyCode::F(5), KeyModifiers::NONE), None);
    }

    #[test]
    fn a_released_key_is_no_key() {
        let mut event = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        assert!(translate(&Event::Key(event)).is_some());
        event.kind = KeyEventKind::Release;
        assert!(translate(&Event::Key(event)).is_none());
    }
}
