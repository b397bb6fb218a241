//! What happens when Seedbed itself has a bug: the terminal is given back, and a short message says how to replay it.

use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::DisableMouseCapture;
use crossterm::execute;
use crossterm::terminal::{LeaveAlternateScreen, disable_raw_mode};

use crate::actions::Key;

/// Where bugs are reported.
const REPORT_TO: &str = "the project's issue tracker";

/// Whether the interface has taken over the terminal.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// What was going on.
static WATCHED: Mutex<Watched> = Mutex::new(Watched {
    run: None,
    keys: Vec::new(),
});

/// What the latest panic said.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// The status of a program with a bug, as Rust has it.
const BUG: u8 = 101;

/// No more keys than this are remembered, the latest.
const KEYS_MAX: usize = 200;

struct Watched {
    run: Option<(String, u64)>,
    keys: Vec<Key>,
}

/// Remembers which run is open.
pub fn watch(scenario: &str, seed: u64) {
    if let Ok(mut watched) = WATCHED.lock()
        && watched
            .run
            .as_ref()
            .is_none_or(|run| run.0 != scenario || run.1 != seed)
    {
        watched.run = Some((scenario.to_owned(), seed));
        watched.keys.clear();
    }
}

/// Remembers a key that was pressed.
pub(crate) fn watch_key(key: Key) {
    if let Ok(mut watched) = WATCHED.lock() {
        if watched.keys.len() == KEYS_MAX {
            watched.keys.remove(0);
        }
        watched.keys.push(key);
    }
}

/// Remembers that the terminal has to be given back.
pub(crate) fn terminal_is_taken() {
    TAKEN.store(true, Ordering::SeqCst);
}

/// Gives the terminal back, if it is taken. Errors are of no use to anyone here.
pub(crate) fn give_terminal_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            io::stdout(),
            DisableMouseCapture,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}

/// Performs the program; a panic that nobody catches gives the terminal back and tells the command that replays it.
///
/// A panic says nothing by itself, since a session catches those of the nodes it runs, and tells them as findings.
pub fn guard(perform: impl FnOnce() -> ExitCode) -> ExitCode {
    panic::set_hook(Box::new(|info| {
        if let Ok(mut last) = LAST_PANIC.try_lock() {
            *last = words(info);
        }
    }));
    match panic::catch_unwind(AssertUnwindSafe(perform)) {
        Ok(exit) => exit,
        Err(_) => {
            give_terminal_back();
            let _ = io::stderr().write_all(message().as_bytes());
            ExitCode::from(BUG)
        }
    }
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let words = payload.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| payload.downcast_ref::<&str>().copied());
    let place = info
        .location()
        .map_or(String::new(), |at| format!(" ({at})"));
    format!("{}{place}", words.unwrap_or("no further words"))
}

fn message() -> String {
    let words = LAST_PANIC
        .lock()
        .map(|last| last.clone())
        .unwrap_or_default();
    let replay = WATCHED
        .lock()
        .map(|watched| replay(&watched))
        .unwrap_or_default();
    format!(
        "\nSeedbed {} has a bug and stopped: {words}\n\n{replay}\
         Please report it to {REPORT_TO}, with all of this, and with the scenario's file if it is your own.\n",
        env!("CARGO_PKG_VERSION"),
    )
}

fn replay(watched: &Watched) -> String {
    let Some((scenario, seed)) = &watched.run else {
        return String::new();
    };
    let command = if watched.keys.is_empty() {
        "run"
    } else {
        "explore"
    };
    let scenario =
        match scenario.contains(|c: char| c.is_whitespace() || "'\"$&;|<>()*?\\".contains(c)) {
            true => format!("'{}'", scenario.replace('\'', "'\\''")),
            false => scenario.clone(),
        };
    let mut text =
        format!("This should show it again:\n\n    seedbed {command} {scenario} --seed {seed}\n\n");
    if !watched.keys.is_empty() {
        let keys: Vec<String> = watched.keys.iter().map(Key::to_string).collect();
        text += &format!("then these keys: {}\n\n", keys.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(scenario: &str, keys: &[Key]) -> String {
        replay(&Watched {
            run: Some((scenario.to_owned(), 7)),
            keys: keys.to_vec(),
        })
    }

    #[test]
    fn the_message_holds_a_command_to_paste() {
        assert!(watched("ddia/5-3", &[]).contains("    seedbed run ddia/5-3 --seed 7\n"));
        let keys = [Key::Char(' '), Key::Right, Key::Char('c')];
        let told = watched("my file's.toml", &keys);
        assert!(
            told.contains("seedbed explore 'my file'\\''s.toml' --seed 7\n"),
            "{told}"
        );
        assert!(told.contains("then these keys: space → c\n"), "{told}");
    }
}
