//! What happens when Seedbed itself has a bug: the terminal is given back, and a short message says how to replay it.

use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::DisableMouseCapture;
use crossterm::execute;
use crossterm::terminal::{LeaveAlternateScreen, disable_raw_mode};

/// Where bugs are reported.
const REPORT_TO: &str = "the project's issue tracker";

/// Whether the interface has taken over the terminal.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Remembers that the terminal has to be given back.
pub fn terminal_is_taken() {
    TAKEN.store(true, Ordering::SeqCst);
}

/// Gives the terminal back, if it is taken. Errors are of no use to anyone here.
pub fn give_terminal_back() {
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

/// From now on a panic gives the terminal back and tells `command`, which replays it.
pub fn install(command: String) {
    panic::set_hook(Box::new(move |info| {
        give_terminal_back();
        let _ = io::stderr().write_all(message(info, &command).as_bytes());
    }));
}

fn message(info: &PanicHookInfo<'_>, command: &str) -> String {
    let payload = info.payload();
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no further words");
    let place = info
        .location()
        .map_or(String::new(), |at| format!(" ({at})"));
    format!(
        "\nSeedbed has a bug and stopped: {text}{place}\n\n\
         Runs are deterministic, so this should show it again:\n\n    {command}\n\n\
         Please report it to {REPORT_TO}, with that command, the scenario's file if it is your own,\n\
         and `seedbed --version`: {}\n",
        env!("CARGO_PKG_VERSION"),
    )
}
