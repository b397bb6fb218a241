//! Cores, compared with an oracle.

use seedbed_sim::Instant;

use crate::checkers::witness::{Core, minimise};
use crate::checkers::{Model, Order, Question, Setting, models};
use crate::history::{History, OperationId};

use super::histories::random;
use super::oracle::{Role, is_explained, is_violated, judge, setting};

fn core(history: &History, setting: &Setting) -> Option<Core> {
    let question = Question {
        history,
        setting,
        finals: None,
        at: Instant::ZERO,
    };
    let all: Vec<OperationId> = history.operations().map(|o| o.id).collect();
    minimise(&question, judge, &all)
}

/// All lists of roles in which `kept` are kept, updates have one of `roles`, and everything else is gone.
fn put_back(history: &History, kept: &[OperationId], roles: [Role; 2]) -> Vec<Vec<Role>> {
    let mut lists = vec![Vec::new()];
    for operation in history.operations() {
        let choices = match operation {
            o if kept.contains(&o.id) => vec![Role::Kept],
            o if o.is_update() && !o.is_fail() => roles.to_vec(),
            _ => vec![Role::Gone],
        };
        lists = lists
            .into_iter()
            .flat_map(|list| {
                choices
                    .iter()
                    .map(move |&role| [list.clone(), vec![role]].concat())
            })
            .collect();
    }
    lists
}

/// Calls `see` with violated histories and their cores, of each model and order.
fn for_each_core(mut see: impl FnMut(&History, &Setting, &Core)) {
    for model in models::all() {
        for order in [Order::RealTime, Order::Session] {
            let setting = setting(model, order);
            let mut violated = 0;
            for seed in 0..220 {
                let history = random(seed, model, 7);
                let core = core(&history, &setting);
                assert_eq!(core.is_some(), is_violated(&history, &setting), "{seed}");
                if let Some(core) = core {
                    violated += 1;
                    see(&history, &setting, &core);
                }
            }
            assert!(violated > 30, "{model:?}, {order:?}: {violated}");
        }
    }
}

#[test]
fn a_core_violates_however_the_omitted_operations_are_put_back() {
    for_each_core(|history, setting, core| {
        for roles in put_back(history, &core.operations, [Role::PutBack, Role::Gone]) {
            let explained = is_explained(history, setting, &roles);
            assert!(
                !explained,
                "{core:?} with {roles:?}, {setting:?} in\n{}",
                history.json_lines().collect::<Vec<_>>().join("\n")
            );
        }
    });
}

#[test]
fn nothing_can_be_left_out_of_a_core() {
    for_each_core(|history, setting, core| {
        assert!(core.is_minimal);
        for left_out in &core.operations {
            let kept: Vec<OperationId> = core
                .operations
                .iter()
                .copied()
                .filter(|id| id != left_out)
                .collect();
            let lists = put_back(history, &kept, [Role::AtAnyTime, Role::Gone]);
            let explained = |roles: &Vec<Role>| is_explained(history, setting, roles);
            assert!(lists.iter().any(explained), "{left_out:?} of {core:?}");
        }
    });
}

#[test]
fn the_culprit_is_where_it_became_impossible() {
    for_each_core(|history, setting, core| {
        let culprit = core.culprit();
        let said = |id: OperationId| match history.operation(id).is_ok() {
            true => history.completed(id).expect("it has ended"),
            false => history.invoked(id),
        };
        let end = said(culprit);
        let until = |last: bool| -> Vec<OperationId> {
            let ended =
                |o: &&crate::history::Operation| said(o.id) < end || last && said(o.id) == end;
            history.operations().filter(ended).map(|o| o.id).collect()
        };
        let can_be = |kept: &[OperationId]| {
            let lists = put_back(history, kept, [Role::AtAnyTime, Role::Gone]);
            lists
                .iter()
                .any(|roles| is_explained(history, setting, roles))
        };
        let lines = history.json_lines().collect::<Vec<_>>().join("\n");
        assert!(can_be(&until(false)), "{core:?} {setting:?} {lines}");
        assert!(!can_be(&until(true)), "{core:?} {setting:?} {lines}");
    });
}

#[test]
fn what_is_named_as_legal_is_legal() {
    use crate::history::Completion;
    let mut named = 0;
    for_each_core(|history, setting, core| {
        for value in &core.legal {
            let culprit = core.culprit();
            let end = history.completed(culprit).expect("the culprit ended");
            let mut other = history.clone();
            other.cut(end.0 as usize);
            let mut completed = history
                .operation(culprit)
                .completed
                .clone()
                .expect("it ended");
            completed.completion = Completion::Ok(value.clone());
            other.complete(culprit, completed);
            let lists = put_back(&other, &all(&other), [Role::Gone, Role::Gone]);
            let of_later = match setting.order {
                Order::RealTime => lists
                    .iter()
                    .any(|roles| is_explained(&other, setting, roles)),
                // Later lines may explain what was read.
                Order::Session => true,
            };
            assert!(of_later, "{value:?} in {core:?}");
            named += 1;
        }
    });
    assert!(named > 300, "{named}");
}

fn all(history: &History) -> Vec<OperationId> {
    history.operations().map(|o| o.id).collect()
}

#[test]
fn the_same_history_has_the_same_core() {
    for seed in 0..50 {
        let history = random(seed, Model::CasRegister, 12);
        let setting = setting(Model::CasRegister, Order::RealTime);
        assert_eq!(core(&history, &setting), core(&history, &setting));
    }
}
