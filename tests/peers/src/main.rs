//! The same workloads on Seedbed, madsim and turmoil, side by side: CPU nanoseconds for each message that is handled.
//!
//! ```console
//! $ cargo peers
//! ```
//!
//! On the peers nodes are async functions, written as their users write them: a loop that takes a message from a socket
//! and answers. Seedbed's own processes also run on madsim, through the second host. Messages travel 1 to 10 ms
//! everywhere; replicas keep their keys on the same engine. turmoil's sockets carry bytes, so messages are encoded for it.
#![cfg(madsim)]

#[path = "../../benches/workloads/quorum.rs"]
#[allow(dead_code, reason = "what is for the kernel's own bench")]
mod quorum;

#[path = "../../../sim/benches/workloads/ping_pong.rs"]
#[allow(dead_code, reason = "what is for the kernel's own bench")]
mod ping_pong;

mod host;
mod on_madsim;
mod on_turmoil;

use std::time::Duration;

use cpu_time::ProcessTime;
use seedbed_protocols::storage::EngineKind;
use seedbed_sim::{EventId, Process, RecordKind, Span, TraceLevel, World};

/// How many messages a run handles at least, per peer.
const MESSAGES: u64 = 30_000;
/// How many keys the store holds.
const KEYS: u64 = 1_000;
const ROUNDS: usize = 3;

/// One way to run a workload: it handles so many messages, or a few more, and says how many.
type Run = fn(u64) -> u64;

fn main() {
    println!("CPU time of a handled message, best of {ROUNDS} rounds\n");
    println!("| workload | host | ns | times Seedbed |");
    println!("|---|---|--:|--:|");
    let ping_pong: [(&str, Run); 4] = [
        ("Seedbed, digest on", |messages| {
            seedbed(ping_pong::game(TraceLevel::Digest), messages, 5_500)
        }),
        ("Seedbed's processes on madsim", host::ping_pong),
        ("madsim", on_madsim::ping_pong),
        ("turmoil", on_turmoil::ping_pong),
    ];
    compare("ping-pong", &ping_pong);
    let quorum: [(&str, Run); 4] = [
        ("Seedbed, digest on", |messages| {
            let store = quorum::store(EngineKind::Memory, KEYS, TraceLevel::Digest);
            seedbed(store, messages, 1_100)
        }),
        ("Seedbed's processes on madsim", host::quorum),
        ("madsim", on_madsim::quorum),
        ("turmoil", on_turmoil::quorum),
    ];
    compare("quorum of 3 in 5, 1,000 keys", &quorum);
}

fn compare(workload: &str, hosts: &[(&str, Run)]) {
    let mut best = vec![f64::INFINITY; hosts.len()];
    for _ in 0..ROUNDS {
        for ((_, run), best) in hosts.iter().zip(&mut best) {
            let begun = ProcessTime::now();
            let handled = run(MESSAGES);
            let took: Duration = begun.elapsed();
            *best = best.min(took.as_nanos() as f64 / handled as f64);
        }
    }
    for ((host, _), nanos) in hosts.iter().zip(&best) {
        println!(
            "| {workload} | {host} | {nanos:.0} | {:.1} |",
            nanos / best[0]
        );
    }
}

/// Seedbed is too quick for so few messages: it runs forty times as many. `micros` is how much virtual time a message
/// takes on average.
fn seedbed<P: Process>(mut world: World<P>, messages: u64, micros: u64) -> u64 {
    let until = world.now() + Span::from_micros(micros * messages * 40);
    let mut deliveries = Deliveries(0);
    world.run_until(until, &mut deliveries);
    deliveries.0
}

/// Counts deliveries.
struct Deliveries(u64);

impl<P: Process> seedbed_sim::Observer<P> for Deliveries {
    fn on_record(&mut self, _: EventId, record: &seedbed_sim::Record, _: seedbed_sim::Kind) {
        self.0 += u64::from(record.kind == RecordKind::Deliver);
    }
}
