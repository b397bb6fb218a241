//! The scenarios of the catalog, to be run by a host that has nothing but numbers to call with: a WebAssembly module
//! without bindings.

use seedbed_scenarios::catalog::CATALOG;
use seedbed_scenarios::session::{Keep, open};
use seedbed_sim::Seed;

/// How many scenarios the catalog has.
#[expect(unsafe_code, reason = "a name that JavaScript can call")]
#[unsafe(no_mangle)]
pub extern "C" fn scenario_count() -> u32 {
    CATALOG.len() as u32
}

/// Runs a scenario of the catalog, by its place in it, to its end. Returns the digest of the whole trace.
///
/// # Panics
/// When the catalog has no such place.
#[expect(unsafe_code, reason = "a name that JavaScript can call")]
#[unsafe(no_mangle)]
pub extern "C" fn digest_of(scenario_index: u32, seed: u64) -> u64 {
    let entry = &CATALOG[scenario_index as usize];
    let mut run = open(entry.name, entry.load(), Seed(seed), Keep::Digest);
    run.run_to_end();
    run.digest()
}
