//! How many events a second the judges of whole histories get through.
//!
//! The history is one of a store of registers with a log: sixteen sessions write unique values and read at a replica of their
//! own, which lags but never goes back, so that everything up to causal convergence holds and nothing ends early.

use std::sync::Arc;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use seedbed_scenarios::checkers::{CATALOG, JudgeKind, Ladder, Question, Setting, Terms, find};
use seedbed_scenarios::history::{
    Completed, Completion, Function, History, Invocation, ProcessId, SessionId, Value,
};
use seedbed_sim::{EventId, Instant};

const SESSIONS: u32 = 16;
const KEYS: u32 = 64;

/// A history of so many operations. Draws come from a multiplication: they need be neither good nor fair.
fn history(operations: u32) -> History {
    let mut history = History::new();
    let mut log: Vec<(u32, u32)> = Vec::new();
    // What each session's replica has applied, and what it holds.
    let mut applied = vec![0; SESSIONS as usize];
    let mut held = vec![vec![None; KEYS as usize]; SESSIONS as usize];
    let mut draw = 1_u64;
    for number in 0..operations {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let bits = draw >> 33;
        let session = (bits % u64::from(SESSIONS)) as u32;
        let key = (bits / 16 % u64::from(KEYS)) as u32;
        let (is_write, lag) = ((bits / 1_024).is_multiple_of(2), bits / 2_048 % 64);
        let upto = if is_write {
            log.push((key, number));
            log.len()
        } else {
            log.len().saturating_sub(lag as usize)
        };
        let place = session as usize;
        while applied[place] < upto {
            let (key, value) = log[applied[place]];
            held[place][key as usize] = Some(value);
            applied[place] += 1;
        }
        let value = |number: u32| Value::Int(i64::from(number));
        let function = if is_write {
            Function::Write(value(number))
        } else {
            Function::Read
        };
        let at = Instant::from_millis(u64::from(number));
        let id = history.invoke(Invocation {
            process: ProcessId(session),
            session: SessionId(session),
            user: Arc::from("user"),
            load: Arc::from("load"),
            key: Arc::from(key.to_string()),
            function,
            intended_at: at,
            invoked_at: at,
            invoked_by: EventId::OUTSIDE,
        });
        let found = held[place][key as usize].filter(|_| !is_write).map(value);
        history.complete(
            id,
            Completed {
                completion: Completion::Ok(found),
                at,
                by: EventId::OUTSIDE,
                replica: None,
                position: 0,
            },
        );
    }
    history
}

fn guarantees(criterion: &mut Criterion) {
    for (operations, names) in [
        (
            500_000,
            &[
                "read-your-writes",
                "monotonic-reads",
                "monotonic-writes",
                "writes-follow-reads",
                "pram",
                "read-your-writes-in-real-time",
                "monotonic-reads-in-real-time",
            ][..],
        ),
        (
            50_000,
            &["pram-per-process", "consistent-prefix", "cc", "cm", "ccv"],
        ),
    ] {
        let history = history(operations);
        let setting = Setting::default();
        let question = Question {
            history: &history,
            setting: &setting,
            finals: None,
            at: Instant::ZERO,
        };
        let mut group = criterion.benchmark_group(format!("{} events", history.len()));
        group
            .throughput(Throughput::Elements(history.len() as u64))
            .sampling_mode(SamplingMode::Flat)
            .sample_size(10);
        for name in names {
            let entry = find(name).expect("a guarantee of the catalog");
            group.bench_function(*name, |bencher| bencher.iter(|| entry.judge(&question)));
        }
        group.finish();
    }
}

/// What it costs to go along with a run: the standing checkers, and each of those that a scenario may ask for beside them.
fn live(criterion: &mut Criterion) {
    let history = history(100_000);
    let mut group = criterion.benchmark_group(format!("{} events, live", history.len()));
    group
        .throughput(Throughput::Elements(history.len() as u64))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10);
    let live = CATALOG
        .iter()
        .filter(|it| matches!(it.kind, JudgeKind::Live(..)));
    let terms = |name: &str| Terms {
        versions: (name == "bounded-staleness").then_some(64),
        ..Terms::default()
    };
    let asked = live.map(|it| vec![(it.name, terms(it.name))]);
    for asked in asked.chain([Vec::new()]) {
        let name = asked.first().map_or("standing", |(name, _)| name);
        group.bench_function(name, |bencher| {
            bencher.iter(|| Ladder::asked(&asked).observe(&history, &mut Vec::new()));
        });
    }
    group.finish();
}

criterion_group!(benches, guarantees, live);
criterion_main!(benches);
