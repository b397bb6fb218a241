//! What the judges cost that search for an order: on generated histories of the sizes that people bring, and on the
//! published ones.
//!
//! ```console
//! $ cargo bench -p seedbed-tests --bench judges
//! ```

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};

use seedbed_scenarios::checkers::{
    Check, Finding, Model, Question, Setting, linearizable, sequential,
};
use seedbed_scenarios::history::{
    Completed, Completion, Function, History, HistoryEvent, Invocation, OperationId, Place,
    ProcessId, SessionId, Value,
};
use seedbed_scenarios::import::{self, Hints};
use seedbed_sim::{EventId, Instant};

/// Draws that are the same everywhere: a linear congruential generator.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A history of so many operations of clients that are always busy, on an object that is really atomic: an operation
/// takes effect at a random moment while it is open.
struct Busy {
    history: History,
    draws: Draws,
    /// For each client its open operation, and what it returned if it has taken effect.
    open: Vec<Option<(OperationId, Option<Option<Value>>)>>,
    begun: usize,
}

impl Busy {
    fn run(
        clients: usize,
        operations: usize,
        mut next: impl FnMut(&mut Draws, usize) -> (String, Function),
        mut effect: impl FnMut(&str, &Function) -> Option<Value>,
    ) -> History {
        let mut busy = Self {
            history: History::new(),
            draws: Draws(7),
            open: vec![None; clients],
            begun: 0,
        };
        while busy.begun < operations || busy.open.iter().any(Option::is_some) {
            let client = busy.draws.below(clients as u64) as usize;
            match busy.open[client].take() {
                None if busy.begun < operations => {
                    let (key, function) = next(&mut busy.draws, busy.begun);
                    busy.begun += 1;
                    let id = busy.invoke(client, &key, function);
                    busy.open[client] = Some((id, None));
                }
                None => {}
                Some((id, None)) => {
                    let operation = busy.history.operation(id);
                    let returned = effect(&operation.key, &operation.function);
                    busy.open[client] = Some((id, Some(returned)));
                }
                Some((id, Some(returned))) => busy.complete(id, returned),
            }
        }
        busy.history
    }

    fn invoke(&mut self, client: usize, key: &str, function: Function) -> OperationId {
        let at = Instant::from_nanos(self.history.len() as u64);
        let client = client as u32;
        self.history.invoke(Invocation {
            process: ProcessId(client),
            session: SessionId(client),
            user: Arc::from(format!("c{client}")),
            load: Arc::from("busy"),
            key: Arc::from(key),
            function,
            intended_at: at,
            invoked_at: at,
            invoked_by: EventId(self.history.len() as u64),
        })
    }

    fn complete(&mut self, id: OperationId, returned: Option<Value>) {
        self.history.complete(
            id,
            Completed {
                completion: Completion::Ok(returned),
                at: Instant::from_nanos(self.history.len() as u64),
                by: EventId(self.history.len() as u64),
                replica: None,
                position: 0,
            },
        );
    }
}

/// Half writes of new values, half reads.
fn registers(clients: usize, operations: usize, keys: u64) -> History {
    let mut held = std::collections::BTreeMap::new();
    Busy::run(
        clients,
        operations,
        |draws, n| {
            let function = if draws.below(2) == 0 {
                Function::Read
            } else {
                Function::Write(Value::Int(n as i64))
            };
            (format!("k{}", draws.below(keys)), function)
        },
        move |key, function| match function {
            Function::Write(value) => {
                held.insert(key.to_owned(), value.clone());
                None
            }
            _ => held.get(key).cloned(),
        },
    )
}

/// Half appends, half reads of the whole text.
fn texts(clients: usize, operations: usize, keys: u64) -> History {
    let mut held = std::collections::BTreeMap::<String, String>::new();
    Busy::run(
        clients,
        operations,
        |draws, n| {
            let function = if draws.below(2) == 0 {
                Function::Read
            } else {
                Function::Append(Value::from(format!("x {n} y")))
            };
            (format!("k{}", draws.below(keys)), function)
        },
        move |key, function| {
            let text = held.entry(key.to_owned()).or_default();
            match function {
                Function::Append(piece) => {
                    text.push_str(piece.as_text().unwrap_or_default());
                    None
                }
                _ => Some(Value::from(text.as_str())),
            }
        },
    )
}

/// Half enqueues of new elements, half dequeues.
fn queues(clients: usize, operations: usize) -> History {
    let mut held = std::collections::VecDeque::new();
    Busy::run(
        clients,
        operations,
        |draws, n| {
            let function = if draws.below(2) == 0 {
                Function::Dequeue
            } else {
                Function::Enqueue(Value::Int(n as i64))
            };
            ("queue".to_owned(), function)
        },
        move |_, function| match function {
            Function::Enqueue(element) => {
                held.push_back(element.clone());
                None
            }
            _ => held.pop_front(),
        },
    )
}

fn setting(model: Model) -> Setting {
    let text = matches!(model, Model::AppendKv);
    Setting {
        model,
        initial: text.then(|| Value::from("")),
        ..Setting::default()
    }
}

fn judge(check: Check, history: &History, model: Model) -> Finding {
    let question = Question {
        history,
        setting: &setting(model),
        finals: None,
        at: Instant::from_nanos(history.len() as u64),
    };
    check(&question)
        .expect("a model of its own functions")
        .finding
}

/// The same with a read near the end that found what stood there long before.
fn with_a_stale_read(history: &History) -> History {
    let mut stale = History::new();
    let reads: Vec<OperationId> = history
        .operations()
        .filter(|o| matches!(o.function, Function::Read | Function::Dequeue))
        .filter(|o| o.returned().is_some())
        .map(|o| o.id)
        .collect();
    let culprit = reads[reads.len() * 9 / 10];
    let key = history.key_id(culprit);
    let first = reads.iter().find(|&&id| history.key_id(id) == key);
    let old = history
        .operation(*first.expect("a read of the key"))
        .returned();
    for n in 0..history.len() {
        let place = Place(n as u32);
        match history.event(place).expect("a place of the history") {
            HistoryEvent::Invoke(id) => {
                let o = history.operation(id).clone();
                stale.invoke(Invocation {
                    process: o.process,
                    session: o.session,
                    user: o.user,
                    load: o.load,
                    key: o.key,
                    function: o.function,
                    intended_at: o.intended_at,
                    invoked_at: o.invoked_at,
                    invoked_by: o.invoked_by,
                });
            }
            HistoryEvent::Complete(id) => {
                let mut completed = history.operation(id).completed.clone().expect("it ended");
                if id == culprit {
                    completed.completion = Completion::Ok(old.cloned());
                }
                stale.complete(id, completed);
            }
        }
    }
    stale
}

fn published() -> Vec<(String, History)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/histories/porcupine");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the published histories")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let bytes = std::fs::read(&path).expect("a file");
            let imported = import::read(&name, Hints::default(), &bytes);
            (name, imported.expect("a sound history").history)
        })
        .collect()
}

fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("judges");
    group.sample_size(10);
    let holds = |check: Check, history: &History, model: Model| {
        assert_eq!(judge(check, black_box(history), model), Finding::Holds);
    };
    let falls = |check: Check, history: &History, model: Model| {
        let finding = judge(check, black_box(history), model);
        assert!(matches!(finding, Finding::Violated { .. }), "{finding:?}");
    };

    let many = registers(100, 100_000, 1);
    group.bench_function("linearizable, register, 100,000 by 100", |b| {
        b.iter(|| holds(linearizable::check, &many, Model::Register));
    });
    let stale = with_a_stale_read(&many);
    group.bench_function(
        "linearizable, register, 100,000 by 100, a stale read",
        |b| {
            b.iter(|| falls(linearizable::check, &stale, Model::Register));
        },
    );
    let many = queues(100, 100_000);
    group.bench_function("linearizable, queue, 100,000 by 100", |b| {
        b.iter(|| holds(linearizable::check, &many, Model::Queue));
    });
    let stale = with_a_stale_read(&many);
    group.bench_function("linearizable, queue, 100,000 by 100, taken twice", |b| {
        b.iter(|| falls(linearizable::check, &stale, Model::Queue));
    });
    for keys in [1, 10] {
        let grown = texts(50, 2_000, keys);
        group.bench_function(
            format!("linearizable, append-kv, 2,000 by 50 on {keys}"),
            |b| {
                b.iter(|| holds(linearizable::check, &grown, Model::AppendKv));
            },
        );
        let stale = with_a_stale_read(&grown);
        let name = format!("linearizable, append-kv, 2,000 by 50 on {keys}, a stale read");
        group.bench_function(name, |b| {
            b.iter(|| falls(linearizable::check, &stale, Model::AppendKv));
        });
    }
    let stale = with_a_stale_read(&registers(20, 2_000, 10));
    group.bench_function(
        "sequential, register, 2,000 by 20 on 10, a stale read",
        |b| {
            b.iter(|| judge(sequential::check, black_box(&stale), Model::Register));
        },
    );

    let all = published();
    let model = |name: &str| match name.starts_with('c') {
        true => Model::AppendKv,
        false => Model::CasRegister,
    };
    let mut slowest = (std::time::Duration::ZERO, "");
    for (name, history) in &all {
        let start = std::time::Instant::now();
        black_box(judge(linearizable::check, history, model(name)));
        slowest = slowest.max((start.elapsed(), name));
    }
    let hardest = slowest.1.to_owned();
    group.bench_function("linearizable, all published histories", |b| {
        b.iter(|| {
            for (name, history) in &all {
                black_box(judge(linearizable::check, history, model(name)));
            }
        });
    });
    group.bench_function(
        format!("linearizable, the hardest of them, {hardest}"),
        |b| {
            let (name, history) = all
                .iter()
                .find(|(name, _)| *name == hardest)
                .expect("one of them");
            b.iter(|| judge(linearizable::check, black_box(history), model(name)));
        },
    );
    group.finish();
}

criterion_group!(judges, benches);
criterion_main!(judges);
