//! From a run to what people see of it: views and reports.

use std::sync::Arc;

use seedbed_protocols::inspect::{Positions, Role};
use seedbed_sim::{EventId, Instant, NodeId, NodeState, RecordKind, Span, TraceLevel, WallTime};

use super::core::{Core, Ending, FaultEntry, Phase, Plan, anomaly_view};
use super::probe::probe;
use super::protocol::Hosted;
use super::words;
use crate::checkers::{
    self, Disturbance, FinalState, JudgeKind, Judgement, Question, ReplicaContents, Setting,
    Verdict, judge_final,
};
use crate::file::model::{Expectation, ExpectedVerdict, Scenario};
use crate::history::{Completion, Function, Operation, Value};
use crate::measures::{self, Loss};
use crate::report::{ExpectationFact, FaultFact, LagFact, NemesisFact, Report, RunFacts};
use crate::view::{
    self, AnomalyView, ExpectationView, FaultView, LagSeries, LogLine, MessageView, NodeView,
    OperationState, OperationView, View, Window,
};

/// How many messages on their way a view shows, the soonest.
const IN_FLIGHT_MAX: usize = 256;

pub(super) fn view<P: Hosted>(plan: &Plan, core: &Core<P>, window: Window) -> View {
    let world = &core.world;
    View {
        scenario: plan.name.clone(),
        title: plan.scenario.title.clone(),
        seed: plan.seed.0,
        window,
        now: world.now(),
        duration: plan.scenario.duration,
        step: core.step,
        events: world.trace().count(),
        ended: match &core.phase {
            Phase::Over(ending) => Some(ending_in_words(ending)),
            Phase::Running | Phase::Settling => None,
        },
        nodes: plan
            .scenario
            .node_ids()
            .map(|id| node_view(plan, core, id))
            .collect(),
        lag: lag_series(plan, core, window),
        operations: operation_views(core, window),
        anomalies: findings(plan, core),
        faults: core
            .faults
            .iter()
            .map(|entry| fault_view(plan, entry))
            .collect(),
        in_flight: message_views(core),
        log: latest_log_lines(plan, core, window),
        expectations: expectation_views(plan, core),
    }
}

fn node_view<P: Hosted>(plan: &Plan, core: &Core<P>, id: NodeId) -> NodeView {
    let world = &core.world;
    let is_replica = plan.scenario.replica(id).is_some();
    let process = world.process(id);
    let status = process.map(seedbed_protocols::inspect::Inspect::status);
    let positions = process
        .and_then(seedbed_protocols::inspect::Inspect::positions)
        .unwrap_or_default();
    let Positions {
        written,
        durable,
        applied,
    } = positions;
    let role = status
        .as_ref()
        .map(|status| status.role)
        .unwrap_or_else(|| expected_role(plan, id));
    let lag = (role == Role::Follower && is_replica)
        .then(|| core.lag.at(id.index(), world.now()))
        .flatten();
    let clocks = world.clocks(id);
    let true_wall = WallTime::AT_WORLD_START + world.now().since(Instant::ZERO);
    NodeView {
        id,
        name: plan.names[id.index()].clone(),
        site: plan.scenario.site(id).to_owned(),
        role: role_name(role).to_owned(),
        is_replica,
        state: match world.node_state(id) {
            NodeState::Up => view::NodeState::Up,
            NodeState::Starting => view::NodeState::Starting,
            NodeState::Down | NodeState::Absent => view::NodeState::Down,
            NodeState::Paused => view::NodeState::Paused,
        },
        written,
        durable,
        applied,
        keys: status.as_ref().and_then(|status| status.keys),
        lag_entries: lag.map(|lag| lag.entries),
        lag_time: lag.map(|lag| lag.time),
        queued: world.queued(id) as u64,
        restarts: world.incarnation(id).0,
        clock_error_nanos: clocks
            .wall
            .as_nanos()
            .cast_signed()
            .wrapping_sub(true_wall.as_nanos().cast_signed()),
        doing: match (status, world.halt_reason(id)) {
            (_, Some(reason)) => reason.to_owned(),
            (Some(status), None) => status.doing,
            (None, None) => String::new(),
        },
    }
}

/// The part of a node that is down and can't be asked: what its scenario gave it.
fn expected_role(plan: &Plan, id: NodeId) -> Role {
    match (plan.scenario.replica(id), plan.scenario.leader() == id) {
        (None, _) => Role::Client,
        (Some(_), true) => Role::Leader,
        (Some(_), false) => Role::Follower,
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::Client => "client",
    }
}

/// The replicas that follow.
fn followers<'a, P: Hosted>(
    plan: &'a Plan,
    core: &'a Core<P>,
) -> impl Iterator<Item = NodeId> + 'a {
    let replicas = plan
        .scenario
        .node_ids()
        .filter(|id| plan.scenario.replica(*id).is_some());
    replicas.filter(|id| {
        let status = core.world.process(*id).map(|process| process.status().role);
        status.unwrap_or_else(|| expected_role(plan, *id)) == Role::Follower
    })
}

fn lag_series<P: Hosted>(plan: &Plan, core: &Core<P>, window: Window) -> Vec<LagSeries> {
    let columns = u64::from(window.columns.max(1));
    let width = window.to.since(window.from).as_nanos();
    let edge = |column: u64| {
        let nanos = u128::from(width) * u128::from(column) / u128::from(columns);
        window.from + Span::from_nanos(nanos as u64)
    };
    let now = core.world.now();
    let series = |id: NodeId| {
        let worst = |column| {
            let (from, to) = (edge(column), edge(column + 1).min(now));
            (from <= now)
                .then(|| core.lag.worst(id.index(), from, to.max(from)))
                .flatten()
        };
        let lags: Vec<_> = (0..columns).map(worst).collect();
        LagSeries {
            node: id,
            name: plan.names[id.index()].clone(),
            entries: lags.iter().map(|lag| lag.map(|lag| lag.entries)).collect(),
            time: lags.iter().map(|lag| lag.map(|lag| lag.time)).collect(),
        }
    };
    followers(plan, core).map(series).collect()
}

fn operation_views<P: Hosted>(core: &Core<P>, window: Window) -> Vec<OperationView> {
    let within = core
        .history
        .operations()
        .rev()
        .skip_while(|operation| operation.invoked_at > window.to);
    let mut views: Vec<OperationView> = within
        .take_while(|operation| operation.invoked_at >= window.from)
        .take(usize::from(window.rows))
        .map(|operation| operation_view(operation, core.in_witness.contains(&operation.id)))
        .collect();
    views.reverse();
    views
}

fn operation_view(operation: &Operation, in_witness: bool) -> OperationView {
    let completed = operation.completed.as_ref();
    let (state, ending) = match completed.map(|completed| &completed.completion) {
        None => (OperationState::Open, None),
        Some(Completion::Ok(value)) => (OperationState::Ok, value.as_ref().map(Value::to_string)),
        Some(Completion::Fail(reason)) => (OperationState::Fail, Some(reason.to_string())),
        Some(Completion::Info(reason)) => (OperationState::Info, Some(reason.to_string())),
    };
    let result = match (&operation.function, state) {
        (Function::Write(value), OperationState::Open | OperationState::Ok) => value.to_string(),
        (Function::Read, OperationState::Ok) => ending.unwrap_or_else(|| "∅".to_owned()),
        _ => ending.unwrap_or_default(),
    };
    OperationView {
        invoked_at: operation.invoked_at,
        completed_at: completed.map(|completed| completed.at),
        user: operation.user.to_string(),
        function: operation.function.name().to_owned(),
        key: operation.key.to_string(),
        result,
        replica: completed
            .and_then(|completed| completed.replica.as_deref())
            .unwrap_or_default()
            .to_owned(),
        state,
        latency: completed.map(|completed| completed.at.since(operation.intended_at)),
        in_witness,
        event: operation.invoked_by,
    }
}

fn fault_view(plan: &Plan, entry: &FaultEntry) -> FaultView {
    FaultView {
        id: entry.id,
        from: entry.from,
        to: entry.to,
        what: words::fault(&entry.fault, &plan.names),
        fault: entry.fault.clone(),
        active: entry.active,
    }
}

fn message_views<P: Hosted>(core: &Core<P>) -> Vec<MessageView> {
    let soonest = core.world.in_flight().into_iter().take(IN_FLIGHT_MAX);
    let message = |message: seedbed_sim::MessageInFlight<'_, P>| MessageView {
        from: message.from,
        to: message.to,
        kind: seedbed_sim::Datum::kind(message.message).0.to_owned(),
        left_at: message.left_at,
        arrives_at: message.arrives_at,
    };
    soonest.map(message).collect()
}

fn log_line<P: Hosted>(plan: &Plan, core: &Core<P>, event: EventId) -> Option<LogLine> {
    let trace = core.world.trace();
    let record = trace.get(event)?;
    let note = || {
        let index = core.notes.partition_point(|(noted, _)| *noted < event);
        let (noted, text) = core.notes.get(index)?;
        (*noted == event).then(|| format!("{}: {text}", plan.names[record.node.index()]))
    };
    let text = match record.kind {
        RecordKind::Note => note(),
        RecordKind::Fault | RecordKind::Lift => {
            fault_in_words(plan, core, record.kind, record.detail)
        }
        _ => None,
    };
    let from_world = matches!(record.kind, RecordKind::Fault | RecordKind::Lift);
    Some(LogLine {
        event,
        at: record.at,
        cause: record.cause,
        node: (!from_world).then_some(record.node),
        kind: record.kind.name().to_owned(),
        text: text.unwrap_or_else(|| words::record(record, trace, &plan.names)),
    })
}

fn fault_in_words<P: Hosted>(
    plan: &Plan,
    core: &Core<P>,
    kind: RecordKind,
    id: u64,
) -> Option<String> {
    let entry = core
        .faults
        .iter()
        .find(|entry| entry.id.is_some_and(|known| u64::from(known.0) == id))?;
    let verb = if kind == RecordKind::Fault {
        "begins"
    } else {
        "ends"
    };
    Some(format!(
        "fault {verb}: {}",
        words::fault(&entry.fault, &plan.names)
    ))
}

/// The events from `from` on, in words.
pub(super) fn log_lines<'a, P: Hosted>(
    plan: &'a Plan,
    core: &'a Core<P>,
    from: Instant,
) -> impl Iterator<Item = LogLine> + 'a {
    let trace = core.world.trace();
    let first = trace.first_at(from);
    trace
        .records(first)
        .filter_map(|(event, _)| log_line(plan, core, event))
}

fn latest_log_lines<P: Hosted>(plan: &Plan, core: &Core<P>, window: Window) -> Vec<LogLine> {
    let trace = core.world.trace();
    let after = trace.first_at(window.to + Span::from_nanos(1)).0;
    let first = trace
        .first_at(window.from)
        .0
        .max(after.saturating_sub(u64::from(window.rows)));
    (first..after)
        .filter_map(|event| log_line(plan, core, EventId(event)))
        .collect()
}

/// What the checks say so far: those of the history at any time, those of the final contents when the run is over.
fn verdicts<P: Hosted>(core: &Core<P>) -> Vec<Verdict> {
    match &core.final_verdicts {
        Some(verdicts) => verdicts.to_vec(),
        None => core.ladder.verdicts(&core.history),
    }
}

/// The same, told by the few operations that prove each, and with what would have been legal. Runs that are looked at as
/// they go on are told of once, when they are over; for others it is done where it is asked for.
fn told<P: Hosted>(plan: &Plan, core: &Core<P>) -> Vec<Verdict> {
    let mut verdicts = verdicts(core);
    if plan.trace != TraceLevel::Full {
        let question = Question {
            history: &core.history,
            setting: &Setting::default(),
            finals: None,
            at: core.world.now(),
        };
        checkers::explain(&mut verdicts, &question);
    }
    verdicts
}

/// The guarantees that fell: as the run went on, and then by the final checks.
pub(super) fn findings<P: Hosted>(plan: &Plan, core: &Core<P>) -> Vec<Arc<AnomalyView>> {
    let online: Vec<Arc<AnomalyView>> = standing_anomalies(core).cloned().collect();
    let verdicts = match core.is_over() {
        true => told(plan, core),
        false => Vec::new(),
    };
    let verdicts = verdicts.iter();
    let is_told = |check: &str| online.iter().any(|anomaly| anomaly.guarantee == check);
    let at_the_end = verdicts.filter(|it| !is_online(it.check) && !is_told(&it.label()));
    let at_the_end = at_the_end.filter_map(|verdict| {
        let witness = verdict.witness()?.clone();
        let at = witness.at;
        Some(Arc::new(anomaly_view(
            verdict.label(),
            witness,
            at,
            core.step,
        )))
    });
    let at_the_end: Vec<_> = at_the_end.collect();
    online.into_iter().chain(at_the_end).collect()
}

/// What checkers found as the run went on, and have not withdrawn.
pub(super) fn standing_anomalies<P: Hosted>(
    core: &Core<P>,
) -> impl Iterator<Item = &Arc<AnomalyView>> {
    let all = core.anomalies.iter().enumerate();
    all.filter(|(index, _)| !core.withdrawn.contains(index))
        .map(|(_, anomaly)| anomaly)
}

/// Whether a check goes along with the run.
fn is_online(check: &str) -> bool {
    checkers::find(check).is_some_and(|entry| matches!(entry.kind, JudgeKind::Online(..)))
}

/// What is asked of the judges that not every run is judged by: one verdict for each expectation that speaks of one, or
/// asks for other terms than the plain ones.
pub(super) fn judge_expected(
    scenario: &Scenario,
    question: &Question<'_>,
    verdicts: &mut Vec<Verdict>,
) {
    for asked in &scenario.expectations {
        let is_judged = |it: &Verdict| it.check == asked.check && it.terms == asked.terms;
        if verdicts.iter().any(is_judged) {
            continue;
        }
        let entry = checkers::find(asked.check).expect("the file was read with this catalog");
        verdicts.push(entry.verdict(question, asked.terms));
    }
}

/// Faults as judges see them: when each held.
pub(super) fn disturbances(plan: &Plan, faults: &[FaultEntry]) -> Vec<Disturbance> {
    let begun = faults.iter().filter(|entry| entry.id.is_some());
    let seen = begun.map(|entry| Disturbance {
        what: words::fault(&entry.fault, &plan.names),
        from: entry.from,
        to: entry.to.filter(|_| !entry.active),
    });
    seen.collect()
}

/// What all checks say of a run that is over, and how much it has lost.
pub(super) fn final_judgement<P: Hosted>(
    plan: &Plan,
    core: &Core<P>,
) -> (Vec<Verdict>, Option<Loss>) {
    let mut verdicts = core.ladder.standing_verdicts(&core.history);
    let state = final_state(plan, core);
    verdicts.extend(judge_final(&core.history, &state, core.world.now()));
    let setting = Setting {
        faults: disturbances(plan, &core.faults),
        ..Setting::default()
    };
    let question = Question {
        history: &core.history,
        setting: &setting,
        finals: Some(&state),
        at: core.world.now(),
    };
    judge_expected(&plan.scenario, &question, &mut verdicts);
    // A run that broke off has not shown that anything holds.
    if let Phase::Over(ending @ (Ending::TimeStandsStill | Ending::Panicked(_))) = &core.phase {
        for verdict in verdicts
            .iter_mut()
            .filter(|verdict| verdict.holds() == Some(true))
        {
            verdict.judgement =
                Judgement::NotJudged(format!("the run broke off: {}", ending_in_words(ending)));
        }
    }
    // Who looks on as it runs wants to be told, too; other runs are told of when their report is asked for.
    if plan.trace == TraceLevel::Full {
        checkers::explain(&mut verdicts, &question);
    }
    (verdicts, measures::loss(&core.history, &state))
}

/// What the replicas hold, read from a fork.
fn final_state<P: Hosted>(plan: &Plan, core: &Core<P>) -> FinalState {
    let unsettled = match &core.phase {
        Phase::Over(Ending::Settled) => None,
        Phase::Over(ending) => Some(ending_in_words(ending)),
        Phase::Running | Phase::Settling => Some("the run is not over".to_owned()),
    };
    let mut state = FinalState {
        unsettled,
        replicas: Vec::new(),
        probes: None,
    };
    if state.unsettled.is_some() {
        return state;
    }
    let mut world = core.world.clone();
    for id in plan
        .scenario
        .node_ids()
        .filter(|id| plan.scenario.replica(*id).is_some())
    {
        let name = &plan.names[id.index()];
        let (process, disk) = world.process_and_disk_mut(id);
        let contents = process.and_then(|process| process.contents(disk));
        let Some(contents) = contents else {
            state.unsettled = Some(format!("the contents of {name} can't be read"));
            return state;
        };
        let text = |bytes: bytes::Bytes| Arc::<str>::from(String::from_utf8_lossy(&bytes));
        let contents = contents
            .into_iter()
            .map(|(key, value)| (text(key), text(value).into()))
            .collect();
        state.replicas.push(ReplicaContents {
            name: name.as_str().into(),
            contents,
        });
    }
    state.probes = Some(probe(plan, core.world.clone()));
    state
}

/// What the nemeses did in this run.
pub(super) fn nemesis_facts(plan: &Plan) -> Vec<NemesisFact> {
    let fact = |drawn: &crate::nemesis::Drawn| NemesisFact {
        name: drawn.name.clone(),
        kinds: drawn.kinds.iter().map(|kind| kind.name).collect(),
        per_minute: drawn.per_minute,
        faults: drawn.faults.len(),
    };
    plan.nemeses.iter().map(fact).collect()
}

pub(super) fn ending_in_words(ending: &Ending) -> String {
    match ending {
        Ending::Settled => "healed and settled".to_owned(),
        Ending::Unsettled(why) => why.clone(),
        Ending::TimeStandsStill => {
            "a million events happened at one instant: time stands still".to_owned()
        }
        Ending::Panicked(words) => format!("a program has a bug; it panicked: {words}"),
    }
}

/// Whether a verdict is the one that an expectation speaks of.
fn answers(verdict: &Verdict, expectation: &Expectation) -> bool {
    verdict.check == expectation.check && verdict.terms == expectation.terms
}

/// Whether an expectation is met; `None` where that can't be said.
fn is_met(expectation: &Expectation, verdicts: &[Verdict]) -> Option<bool> {
    let verdict = verdicts
        .iter()
        .find(|verdict| answers(verdict, expectation))?;
    let holds = verdict.holds()?;
    Some(holds == (expectation.verdict == ExpectedVerdict::Holds))
}

fn expectation_views<P: Hosted>(plan: &Plan, core: &Core<P>) -> Vec<ExpectationView> {
    let verdicts = verdicts(core);
    let is_over = core.is_over();
    let expectations = plan.scenario.expectations.iter();
    let view = |expectation: &Expectation| {
        let met = is_met(expectation, &verdicts);
        // What holds so far may still fall, and what has fallen stays so.
        let is_final = is_over || met == Some(expectation.verdict == ExpectedVerdict::Violated);
        ExpectationView {
            text: expectation.to_string(),
            met: met.filter(|_| is_final),
        }
    };
    expectations.map(view).collect()
}

/// How a report tells why guarantees fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// By the few operations that prove it, and with what would have been legal.
    Explained,
    /// As the judges found it, which costs nothing.
    AsFound,
}

/// The report of a run that is over.
pub(super) fn report<P: Hosted>(plan: &Plan, core: &Core<P>, telling: Telling) -> Report {
    let verdicts = match telling {
        Telling::Explained => told(plan, core),
        Telling::AsFound => verdicts(core),
    };
    let world = &core.world;
    let ended = match &core.phase {
        Phase::Over(ending) => ending_in_words(ending),
        Phase::Running | Phase::Settling => "it is not over".to_owned(),
    };
    let lag = followers(plan, core).map(|id| {
        let worst = core
            .lag
            .worst(id.index(), Instant::ZERO, world.now())
            .unwrap_or_default();
        LagFact {
            follower: plan.names[id.index()].clone(),
            entries_max: worst.entries,
            time_max: worst.time,
        }
    });
    let begun = core.faults.iter().filter(|entry| entry.id.is_some());
    let faults = begun.map(|entry| FaultFact {
        what: words::fault(&entry.fault, &plan.names),
        from: entry.from,
        to: entry.to.filter(|_| !entry.active),
    });
    Report::new(RunFacts {
        scenario: plan.name.clone(),
        title: plan.scenario.title.clone(),
        chapter: plan.scenario.chapter.clone(),
        teaches: plan.scenario.teaches.clone(),
        seed: plan.seed.0,
        digest: world
            .trace()
            .digest()
            .expect("sessions digest their traces"),
        events: world.trace().count(),
        ended_at: world.now(),
        ended,
        history: core.history.clone(),
        expectations: expectation_facts(plan, core, &verdicts),
        verdicts,
        nemeses: nemesis_facts(plan),
        faults: faults.collect(),
        lag: lag.collect(),
        loss: core.loss,
        warnings: warnings(plan, core),
    })
}

/// What the scenario expects, and how it came out. That the run comes to its end is expected of every one.
fn expectation_facts<P: Hosted>(
    plan: &Plan,
    core: &Core<P>,
    verdicts: &[Verdict],
) -> Vec<ExpectationFact> {
    let expectations = plan.scenario.expectations.iter();
    let mut facts: Vec<_> = expectations
        .map(|one| expectation_fact(one, verdicts))
        .collect();
    if let Phase::Over(ending @ (Ending::TimeStandsStill | Ending::Panicked(_))) = &core.phase {
        facts.push(ExpectationFact {
            text: "the run comes to its end".to_owned(),
            met: Some(false),
            found: ending_in_words(ending),
        });
    }
    facts
}

pub(super) fn expectation_fact(expectation: &Expectation, verdicts: &[Verdict]) -> ExpectationFact {
    let verdict = verdicts
        .iter()
        .find(|verdict| answers(verdict, expectation));
    let met = is_met(expectation, verdicts);
    let found = match verdict.map(Verdict::holds) {
        _ if met == Some(true) => "",
        Some(Some(true)) => "it holds",
        Some(Some(false)) => "it is violated",
        Some(None) | None => "it can't be judged",
    };
    ExpectationFact {
        text: expectation.to_string(),
        met,
        found: found.to_owned(),
    }
}

fn warnings<P: Hosted>(plan: &Plan, core: &Core<P>) -> Vec<String> {
    let mut warnings = core.never_begun(plan);
    warnings.extend(refusals(plan, &core.faults));
    if let Phase::Over(ending @ (Ending::TimeStandsStill | Ending::Panicked(_))) = &core.phase {
        warnings.push(ending_in_words(ending));
    }
    warnings
}

/// Which faults never began, and why.
pub(super) fn refusals(plan: &Plan, faults: &[FaultEntry]) -> Vec<String> {
    let refused = |entry: &FaultEntry| {
        let why = entry.refused.as_ref()?;
        let what = words::fault(&entry.fault, &plan.names);
        Some(format!("the fault \"{what}\" never began: {why}"))
    };
    faults.iter().filter_map(refused).collect()
}
