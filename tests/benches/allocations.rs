//! How often a delivery asks for memory, once a run is under way.
//!
//! Two runs of different length are compared, so that what is made at the beginning and what grows for a while does not
//! count: a kernel that keeps its memory has no reason to ask for more.

#![allow(clippy::print_stdout, reason = "a bench program prints its table")]

mod workloads;

use std::alloc::System;

use seedbed_sim::{EventId, Process, RecordKind, TraceLevel, World};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use workloads::{Visit, Workload, visit_all};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    println!("| workload | trace | allocations a delivery | bytes a delivery |");
    println!("|---|---|--:|--:|");
    visit_all(&mut Allocations);
}

struct Allocations;

impl Visit for Allocations {
    fn visit<P: Process>(
        &mut self,
        workload: Workload<impl Fn(TraceLevel) -> World<P>, impl Fn(&mut World<P>, u64)>,
    ) {
        let deliveries = |length| {
            let mut world = (workload.make)(TraceLevel::Full);
            (workload.run)(&mut world, length);
            let records = world.trace().records(EventId(1));
            let deliveries = records.filter(|(_, record)| record.kind == RecordKind::Deliver);
            deliveries.count() as f64
        };
        let (short, long) = (workload.length / 2, workload.length);
        let more_deliveries = deliveries(long) - deliveries(short);
        for (name, level) in [
            ("off", TraceLevel::Off),
            ("digest", TraceLevel::Digest),
            ("full", TraceLevel::Full),
        ] {
            let asked = |length| {
                let mut world = (workload.make)(level);
                let region = Region::new(ALLOCATOR);
                (workload.run)(&mut world, length);
                let stats = region.change();
                let count = stats.allocations + stats.reallocations;
                (count as f64, stats.bytes_allocated as f64)
            };
            let (short, long) = (asked(short), asked(long));
            println!(
                "| {} | {name} | {:.4} | {:.1} |",
                workload.name,
                (long.0 - short.0) / more_deliveries,
                (long.1 - short.1) / more_deliveries,
            );
        }
    }
}
