//! The judges that search are judged: by an oracle that tries all orders, on small histories of each model. Half of
//! them come from an object that is really atomic, and the others are those with wrong answers in them.

mod oracle;
mod queues;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use seedbed_sim::Instant;

use crate::checkers::linearizable::{self, Decision, Duty, Judge, Precedence, explain};
use crate::checkers::{Finding, Model, NullRead, Question, Setting, models, sequential};
use crate::history::sketch::Sketch;
use crate::history::{Completion, Function, History, OperationId, Place, Value};
use oracle::Oracle;

/// More would take the oracle too long.
const OPERATIONS_MAX: usize = 7;

/// What a random history is like.
#[derive(Clone, Copy, Debug)]
struct Kind {
    model: Model,
    keys: u32,
    /// Whether no value is written twice.
    unique: bool,
    /// Of 16 answers so many are wrong.
    wrong: u8,
    /// Whether a session does one thing at a time.
    one_at_a_time: bool,
    sessions: u8,
    operations_max: usize,
}

/// A simulated object that is atomic: every operation takes effect at one moment.
struct Simulation {
    kind: Kind,
    sketch: Sketch,
    states: Vec<Option<Value>>,
    /// What is open: its key, and what it returned if it has taken effect.
    open: Vec<(OperationId, usize, Option<Option<Value>>)>,
}

impl Simulation {
    fn run(kind: Kind, steps: impl IntoIterator<Item = (u8, u8, u8)>) -> History {
        let mut simulation = Self {
            kind,
            sketch: Sketch::new(),
            states: Vec::new(),
            open: Vec::new(),
        };
        for step in steps {
            simulation.step(step);
        }
        simulation.sketch.history
    }

    fn step(&mut self, (kind, which, what): (u8, u8, u8)) {
        match kind % 8 {
            0..=2 => self.begin(which, what),
            3 | 4 => self.take_effect(usize::from(which)),
            _ => self.end(usize::from(which), what),
        }
    }

    fn begin(&mut self, which: u8, what: u8) {
        let count = self.sketch.history.operation_count();
        let session = u32::from(which % self.kind.sessions);
        let history = &self.sketch.history;
        let is_busy = self
            .open
            .iter()
            .any(|(id, ..)| history.operation(*id).session.0 == session);
        if count == self.kind.operations_max || (is_busy && self.kind.one_at_a_time) {
            return;
        }
        let key = u32::from(which / 16) % self.kind.keys;
        let number = if self.kind.unique {
            i64::try_from(count).expect("small") + 1
        } else {
            i64::from(what / 16 % 3)
        };
        let function = function(self.kind.model, what % 16, number, i64::from(what / 64));
        let name = format!("k{key}");
        let id = self.sketch.begin_at(&name, session, function);
        let key = self.sketch.history.key_id(id).0 as usize;
        self.states.resize(self.sketch.history.key_count(), None);
        self.open.push((id, key, None));
    }

    fn take_effect(&mut self, which: usize) {
        if self.open.is_empty() {
            return;
        }
        let at = which % self.open.len();
        let (id, key, returned) = &mut self.open[at];
        let function = &self.sketch.history.operation(*id).function;
        if returned.is_none()
            && let Some((after, answer)) =
                oracle::step(self.kind.model, &self.states[*key], function)
        {
            self.states[*key] = after;
            *returned = Some(answer);
        }
    }

    fn end(&mut self, which: usize, what: u8) {
        if self.open.is_empty() {
            return;
        }
        let at = which % self.open.len();
        if what.is_multiple_of(8) {
            let (id, ..) = self.open.swap_remove(at);
            self.sketch.info(id);
            return;
        }
        if what % 8 == 1 && self.open[at].2.is_none() {
            let (id, ..) = self.open.swap_remove(at);
            self.sketch.fail(id);
            return;
        }
        self.take_effect(at);
        let (id, _, returned) = self.open.swap_remove(at);
        let Some(mut returned) = returned else {
            // A compare-and-set that found something else.
            if what / 8 % 16 < self.kind.wrong {
                self.sketch.ok(id);
            } else {
                self.sketch.fail(id);
            }
            return;
        };
        let function = &self.sketch.history.operation(id).function;
        if what / 8 % 16 < self.kind.wrong {
            returned = wrong(self.kind.model, function, what).unwrap_or(returned);
        }
        self.sketch.complete(id, Completion::Ok(returned));
    }
}

fn function(model: Model, choice: u8, number: i64, other: i64) -> Function {
    let value = match model {
        Model::AppendKv => Value::from(["a", "b", "ab", "c", "d", "e", "f", "g"][number as usize]),
        _ => Value::Int(number),
    };
    match (model, choice) {
        (Model::Register, 0..7) => Function::Read,
        (Model::Register, 15) => Function::Delete,
        (Model::CasRegister, 0..5) => Function::Read,
        (Model::Register, _) | (Model::CasRegister, 5..10) => Function::Write(value),
        (Model::CasRegister, 15) => Function::Delete,
        (Model::CasRegister, _) => Function::CompareAndSet {
            expected: (other > 0).then_some(Value::Int(other)),
            new: value,
        },
        (Model::AppendKv, 0..7) | (Model::Set, 0..4) | (Model::Counter, 0..8) => Function::Read,
        (Model::AppendKv, 7 | 8) => Function::Write(value),
        (Model::AppendKv, _) => Function::Append(value),
        (Model::Set, 4..7) => Function::Contains(value),
        (Model::Set, 7..12) => Function::Insert(value),
        (Model::Set, 15) => Function::Write(Value::List([value].into())),
        (Model::Set, _) => Function::Remove(value),
        (Model::Queue, 0..8) => Function::Dequeue,
        (Model::Queue, _) => Function::Enqueue(value),
        (Model::Counter, _) => Function::Add(number - i64::from(choice == 15) * 2),
    }
}

/// Another answer than the right one, perhaps.
fn wrong(model: Model, function: &Function, what: u8) -> Option<Option<Value>> {
    let number = i64::from(what % 5);
    Some(match (model, function) {
        (Model::Set, Function::Read) => Some(Value::List([Value::Int(number)].into())),
        (Model::Set, Function::Contains(_)) => Some(Value::Bool(what.is_multiple_of(2))),
        (Model::AppendKv, Function::Read) => {
            Some(Value::from(["", "a", "b", "ab", "ba"][what as usize % 5]))
        }
        (Model::Counter, Function::Read) => Some(Value::Int(number)),
        (_, Function::Read | Function::Dequeue) => (number > 0).then_some(Value::Int(number)),
        _ => return None,
    })
}

fn histories(kind: Kind) -> impl Strategy<Value = History> {
    prop::collection::vec(any::<(u8, u8, u8)>(), 6..kind.operations_max * 6)
        .prop_map(move |steps| Simulation::run(kind, steps))
}

fn setting(model: Model) -> Setting {
    Setting {
        model,
        ..Setting::default()
    }
}

fn judge_all(history: &History, model: Model, by: Precedence) -> Decision {
    let mut judge = Judge::new(history, &setting(model)).expect("a model of its own functions");
    let kept = judge.everything();
    judge.judge(&kept, by)
}

fn kinds(model: Model) -> impl Iterator<Item = Kind> {
    [(0, true), (0, false), (3, true), (3, false)]
        .into_iter()
        .flat_map(move |(wrong, one_at_a_time)| {
            [(1, false), (2, true), (2, false)].map(|(keys, unique)| Kind {
                model,
                keys,
                unique,
                wrong,
                one_at_a_time,
                sessions: 3,
                operations_max: OPERATIONS_MAX,
            })
        })
}

/// Runs a test on so many histories of each kind.
fn on_histories(
    cases: u32,
    model: Model,
    mut test: impl FnMut(Kind, &History) -> Result<(), TestCaseError>,
) {
    on_kinds(cases, kinds(model), &mut test);
}

fn on_kinds(
    cases: u32,
    kinds: impl IntoIterator<Item = Kind>,
    mut test: impl FnMut(Kind, &History) -> Result<(), TestCaseError>,
) {
    for kind in kinds {
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(
            config,
            prop::test_runner::TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha),
        );
        let test = std::cell::RefCell::new(&mut test);
        runner
            .run(&histories(kind), |history| {
                (test.borrow_mut())(kind, &history)
            })
            .unwrap_or_else(|error| panic!("{kind:?}: {error}"));
    }
}

fn show(history: &History) -> String {
    history.json_lines().collect::<Vec<_>>().join("\n")
}

/// Compares a model's verdicts with the oracle's, and demands that there were enough of each.
fn agrees_with_the_oracle(model: Model, by: Precedence) {
    let (mut held, mut fell) = (0, 0);
    on_histories(400, model, |kind, history| {
        let holds = Oracle::new(history, model, by).holds_all();
        let expected = if holds {
            Decision::Holds
        } else {
            Decision::Violated
        };
        prop_assert!(
            holds || kind.wrong > 0,
            "an atomic object: {}",
            show(history)
        );
        let decision = judge_all(history, model, by);
        prop_assert_eq!(decision, expected, "{}", show(history));
        *if holds { &mut held } else { &mut fell } += 1;
        Ok(())
    });
    assert!(held > 2_000, "{held} held");
    assert!(fell > 200, "{fell} fell");
}

#[test]
fn registers_are_judged_as_by_trying_all_orders() {
    agrees_with_the_oracle(Model::Register, Precedence::RealTime);
}

#[test]
fn cas_registers_are_judged_as_by_trying_all_orders() {
    agrees_with_the_oracle(Model::CasRegister, Precedence::RealTime);
}

#[test]
fn growing_texts_are_judged_as_by_trying_all_orders() {
    agrees_with_the_oracle(Model::AppendKv, Precedence::RealTime);
}

#[test]
fn sets_are_judged_as_by_trying_all_orders() {
    agrees_with_the_oracle(Model::Set, Precedence::RealTime);
}

#[test]
fn queues_are_judged_as_by_trying_all_orders() {
    agrees_with_the_oracle(Model::Queue, Precedence::RealTime);
}

#[test]
fn counters_are_judged_as_by_trying_all_orders() {
    agrees_with_the_oracle(Model::Counter, Precedence::RealTime);
}

#[test]
fn sequential_consistency_is_judged_as_by_trying_all_orders() {
    for model in models::all() {
        agrees_with_the_oracle(model, Precedence::Session);
    }
}

/// Operations are dropped, or made optional in one of the two ways.
#[test]
fn parts_of_histories_are_judged_as_by_trying_all_orders() {
    for (model, by) in
        models::all().flat_map(|m| [(m, Precedence::RealTime), (m, Precedence::Session)])
    {
        let mut changed = 0;
        on_histories(60, model, |_, history| {
            for mask in [0b0110_1001_u64, 0b1101_0010, 0b0011_1100] {
                let kept: Vec<(OperationId, Duty)> = history
                    .operations()
                    .filter_map(|operation| {
                        let duty = match mask.rotate_right(operation.id.0 * 2) & 3 {
                            0 => Duty::InTimeOrNever,
                            1 => Duty::Must,
                            2 => Duty::AnyTimeOrNever,
                            _ if operation.id.0 % 2 == 0 => Duty::Must,
                            _ => return None,
                        };
                        Some((operation.id, duty))
                    })
                    .collect();
                let holds = Oracle::new(history, model, by).holds(&kept);
                let mut judge = Judge::new(history, &setting(model)).expect("known functions");
                let decision = judge.judge(&kept, by);
                let expected = if holds {
                    Decision::Holds
                } else {
                    Decision::Violated
                };
                prop_assert_eq!(decision, expected, "{:?} {}", kept, show(history));
                changed += usize::from(!holds);
            }
            Ok(())
        });
        assert!(changed > 10, "{model:?}: {changed} violated");
    }
}

/// The culprit is the first end at which there is no order, and what it could have returned is what the oracle finds.
#[test]
fn the_culprit_is_one_demand_too_many_and_its_legal_answers_are_all_found() {
    for model in models::all() {
        let mut fell = 0;
        on_histories(100, model, |_, history| {
            if Oracle::new(history, model, Precedence::RealTime).holds_all() {
                return Ok(());
            }
            let mut judge = Judge::new(history, &setting(model)).expect("known functions");
            let kept = judge.everything();
            let impossible = explain(&mut judge, &kept, Precedence::RealTime);
            let end = history
                .completed(impossible.culprit)
                .expect("culprits have ended");
            let holds = |last: Place| {
                let kept = until(history, last);
                Oracle::new(history, model, Precedence::RealTime).holds(&kept)
            };
            prop_assert!(!holds(end), "{}", show(history));
            prop_assert!(end.0 == 0 || holds(Place(end.0 - 1)), "{}", show(history));

            let mut oracle = Oracle::new(history, model, Precedence::RealTime);
            oracle.asked = Some(impossible.culprit);
            let key = history.key_id(impossible.culprit);
            let mut kept = until(history, end);
            kept.retain(|&(id, _)| history.key_id(id) == key);
            oracle.holds(&kept);
            let mut legal = impossible.legal.clone();
            legal.sort();
            let expected: Vec<Option<Value>> = oracle.answers.into_iter().collect();
            if impossible.is_all {
                prop_assert_eq!(legal, expected, "{}", show(history));
            } else {
                // Enough is enough.
                prop_assert!(legal.len() >= 6 && legal.len() < expected.len());
                prop_assert!(legal.iter().all(|answer| expected.contains(answer)));
            }
            fell += 1;
            Ok(())
        });
        assert!(fell > 50, "{model:?}: {fell} fell");
    }
}

/// What had begun by then: what had ended has happened, and the rest may have.
fn until(history: &History, last: Place) -> Vec<(OperationId, Duty)> {
    let begun = history
        .operations()
        .filter(|o| history.invoked(o.id) < last);
    let ended = |id| history.completed(id).is_some_and(|end| end <= last);
    let duty = |id| {
        if ended(id) {
            Duty::Must
        } else {
            Duty::AnyTimeOrNever
        }
    };
    begun.map(|o| (o.id, duty(o.id))).collect()
}

fn question<'a>(history: &'a History, setting: &'a Setting) -> Question<'a> {
    Question {
        history,
        setting,
        finals: None,
        at: Instant::from_millis(1_000),
    }
}

#[test]
fn the_witness_names_the_culprit_and_what_would_have_been_legal() {
    let mut sketch = Sketch::new();
    let one = sketch.does(0, Function::Write("1".into()));
    let two = sketch.does(0, Function::Write("2".into()));
    sketch.reads(1, Some("2"));
    let stale = sketch.reads(2, Some("1"));
    let setting = setting(Model::Register);
    let ruling = linearizable::check(&question(&sketch.history, &setting)).expect("supported");
    let Finding::Violated { first, count } = ruling.finding else {
        panic!("{ruling:?}");
    };
    assert_eq!(count, 1);
    assert_eq!(first.operations, [one, two, stale]);
    assert_eq!(
        first.summary,
        "user u2 reads x and gets \"1\", where only \"2\" was possible"
    );
    let ruling = sequential::check(&question(&sketch.history, &setting)).expect("supported");
    assert_eq!(ruling.finding, Finding::Holds, "u2 may be late");
}

#[test]
fn a_function_that_the_model_lacks_is_bad_input_at_its_place() {
    let mut sketch = Sketch::new();
    sketch.does(0, Function::Write("1".into()));
    let id = sketch.begin(0, Function::Dequeue);
    sketch.fail(id);
    let setting = setting(Model::Register);
    let error = linearizable::check(&question(&sketch.history, &setting)).expect_err("no queue");
    assert_eq!(error.place, Place(2));
    assert_eq!(
        error.what,
        "the model register has no dequeue; it knows read, write, delete"
    );
}

#[test]
fn a_value_of_another_shape_is_bad_input_at_the_end_that_shows_it() {
    let mut sketch = Sketch::new();
    sketch.reads(0, Some("many"));
    let setting = setting(Model::Counter);
    let error = linearizable::check(&question(&sketch.history, &setting)).expect_err("no number");
    assert_eq!(error.place, Place(1));
    assert_eq!(
        error.what,
        "a counter's read returns a number, and not \"many\""
    );
}

#[test]
fn a_read_of_nothing_is_legal_where_nulls_say_nothing() {
    let mut sketch = Sketch::new();
    sketch.does(0, Function::Write("1".into()));
    sketch.reads(0, None);
    let mut setting = setting(Model::Register);
    let finding = |setting: &Setting| {
        linearizable::check(&question(&sketch.history, setting))
            .expect("supported")
            .finding
    };
    assert!(matches!(finding(&setting), Finding::Violated { .. }));
    setting.null_read = NullRead::Any;
    assert_eq!(finding(&setting), Finding::Holds);
}

#[test]
fn past_the_budget_nobody_can_say() {
    let mut sketch = Sketch::new();
    let open: Vec<OperationId> = (0..14)
        .map(|n| sketch.begin(n, Function::Enqueue(Value::Int(i64::from(n % 7)))))
        .collect();
    for id in open {
        sketch.ok(id);
    }
    let last = sketch.begin(0, Function::Enqueue(Value::Int(99)));
    sketch.ok(last);
    // Each element was put in twice, and the last one is taken when each of the others was taken once.
    for n in [0, 1, 2, 3, 4, 5, 6, 99] {
        let id = sketch.begin(0, Function::Dequeue);
        sketch.complete(id, Completion::Ok(Some(Value::Int(n))));
    }
    let mut setting = setting(Model::Queue);
    setting.budget.states = 1_000;
    let ruling = linearizable::check(&question(&sketch.history, &setting)).expect("supported");
    assert_eq!(
        ruling.finding,
        Finding::Undecided("the search for an order ran out of its budget of states".to_owned())
    );
    setting.budget.states = u64::MAX;
    setting.budget.bytes = 100_000;
    let ruling = linearizable::check(&question(&sketch.history, &setting)).expect("supported");
    assert_eq!(
        ruling.finding,
        Finding::Undecided("the search for an order ran out of its budget of bytes".to_owned())
    );
}
