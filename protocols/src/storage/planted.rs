//! Bugs that tests can switch on, to prove that the tests which should find them do. Not in any other build.

use std::cell::Cell;

thread_local! {
    static SKIPS_CHECKSUMS: Cell<bool> = const { Cell::new(false) };
}

/// Whether frames are taken as whole without looking at their checksum.
pub(crate) fn skips_checksums() -> bool {
    SKIPS_CHECKSUMS.get()
}

/// Runs `body` with frames taken as whole without looking at their checksum.
pub(crate) fn while_skipping_checksums<T>(body: impl FnOnce() -> T) -> T {
    SKIPS_CHECKSUMS.set(true);
    let result = body();
    SKIPS_CHECKSUMS.set(false);
    result
}
