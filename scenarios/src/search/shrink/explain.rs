//! Why: what is left of a scenario, one thing after the other changed, and whether the check holds then.
//!
//! A sentence is told only if the run that it speaks of was made and violated the check no more.

use seedbed_sim::{Instant, MessageFate, MessageSent, NodeId, ScheduledMessage, Span};
use serde::Serialize;

use super::lab::Goal;
use super::settings::unusual;
use crate::checkers::story::{quote_or_nothing, shorten};
use crate::file::Part;
use crate::file::model::{Action, Scenario, Step, When};
use crate::history::{Function, Operation};
use crate::report::VerdictReport;
use crate::session::Keep;
use crate::view::Window;

/// Something without which the check holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What it is about: `step 2`, `fault 1`, `message 1`, `link 1`, all counted from 1; `node follower-1`.
    pub about: String,
    /// In a sentence or two.
    pub text: String,
    #[serde(skip)]
    pub(super) part: Option<Part>,
}

/// How long something would travel that was there at once.
const AT_ONCE: Span = Span::from_micros(1);

/// By how much things are moved, to see whether it matters when they come.
const SHIFTS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/// All reasons, the reads that went wrong first.
pub(super) fn explain(
    scenario: &Scenario,
    goal: &Goal<'_>,
    verdict: &VerdictReport,
) -> Vec<Reason> {
    let run = goal.lab.run(scenario, goal.seed, Keep::Messages);
    let operations = run.operations();
    let all = Window {
        from: Instant::ZERO,
        to: run.now(),
        columns: 1,
        rows: 1,
    };
    let told = Told {
        scenario,
        goal,
        sent: run.messages(),
        faults: run.view(all).faults.into_iter().map(|it| it.what).collect(),
        witness: witness(verdict, &operations),
        operations: &operations,
    };
    let mut reasons = Vec::new();
    reasons.extend(told.of_the_culprit());
    reasons.extend(told.of_messages());
    reasons.extend(told.of_faults());
    reasons.extend(told.of_links());
    reasons.extend(told.of_nodes());
    reasons.extend(told.of_other_steps());
    reasons
}

fn witness<'a>(verdict: &VerdictReport, operations: &'a [Operation]) -> Vec<&'a Operation> {
    let events: Vec<u64> = verdict.witness.iter().map(|it| it.invoked_event).collect();
    let of_witness = |it: &&Operation| events.contains(&it.invoked_by.0);
    operations.iter().filter(of_witness).collect()
}

/// What is known of the run that is explained.
struct Told<'a> {
    scenario: &'a Scenario,
    goal: &'a Goal<'a>,
    sent: Vec<MessageSent>,
    /// The faults in words, in the scenario's order.
    faults: Vec<String>,
    /// The operations of the story, in the order of their beginnings.
    witness: Vec<&'a Operation>,
    operations: &'a [Operation],
}

impl Told<'_> {
    fn holds(&self, candidate: &Scenario) -> bool {
        !self.goal.is_violated(candidate)
    }

    fn name(&self, id: NodeId) -> &str {
        self.scenario.name(id)
    }

    /// The step that an operation was: clients do their steps in order.
    fn step_of(&self, operation: &Operation) -> Option<usize> {
        let own = |it: &&Operation| it.session == operation.session;
        let mut of_client = self.operations.iter().filter(own);
        let number = of_client.position(|it| it.id == operation.id)?;
        let client = self.scenario.client_id(operation.session.0 as usize);
        let steps = super::explicit::steps_of_clients(self.scenario);
        steps.get(&client)?.get(number).copied()
    }

    /// The read that shows the violation: what it missed, why, and what would have helped.
    fn of_the_culprit(&self) -> Option<Reason> {
        let culprit = *self.witness.last()?;
        let step = self.step_of(culprit)?;
        if culprit.is_update() {
            return None;
        }
        let mut ways = Vec::new();
        let in_flight = self.what_was_in_flight(culprit);
        if in_flight.is_some() {
            ways.push("deliver it before".to_owned());
        }
        ways.extend(self.read_elsewhere(step));
        ways.extend(self.read_later(step));
        if ways.is_empty() {
            return None;
        }
        let missed = self.missed(culprit);
        let because = in_flight.map_or(String::new(), |what| format!(" because {what}"));
        let mut ways = ways.join(", or ");
        ways[..1].make_ascii_uppercase();
        let read = self.read_in_words(culprit);
        let text = format!("The {read} missed {missed}{because}. {ways}, and it vanishes.");
        Some(Reason {
            about: format!("step {}", step + 1),
            text,
            part: Some(Part::Step(step)),
        })
    }

    fn read_in_words(&self, read: &Operation) -> String {
        let completed = read.completed.as_ref();
        let at = completed.and_then(|it| it.replica.as_deref());
        let at = at.map_or(String::new(), |replica| format!(" at {replica}"));
        format!("read of {}{at}", shorten(&read.key))
    }

    /// The newest update of the story, which the read should have seen.
    fn missed(&self, culprit: &Operation) -> String {
        let updates = self.witness.iter().rev();
        let mut updates = updates.filter(|it| it.is_update() && it.key == culprit.key);
        match updates.next().map(|it| &it.function) {
            Some(Function::Write(value)) => {
                format!("the write of {}", quote_or_nothing(Some(value)))
            }
            Some(Function::Delete) => "the delete".to_owned(),
            _ => "what was there".to_owned(),
        }
    }

    /// The message that was on its way to the replica that answered, and which would have changed the answer.
    fn what_was_in_flight(&self, read: &Operation) -> Option<String> {
        let completed = read.completed.as_ref()?;
        let replica = completed.replica.as_deref()?;
        let mut ids = self.scenario.node_ids();
        let replica = ids.find(|id| self.name(*id) == replica)?;
        let client = self.scenario.client_id(read.session.0 as usize);
        let late = |sent: &&MessageSent| {
            let arrives = sent.travels.map(|travels| sent.left_at + travels);
            sent.name.to == replica
                && sent.name.from != client
                && sent.left_at <= completed.at
                && arrives.is_none_or(|at| at >= read.invoked_at)
        };
        let late: Vec<&MessageSent> = self.sent.iter().filter(late).collect();
        for (index, sent) in late.iter().enumerate() {
            // What travels before it on a connection would hold it up.
            let before = late[..=index]
                .iter()
                .filter(|it| it.name.from == sent.name.from);
            let mut soon = self.scenario.clone();
            for message in before.map(|it| it.name) {
                soon.messages.retain(|it| it.message != message);
                let fate = MessageFate::Delay(AT_ONCE);
                soon.messages.insert(0, ScheduledMessage { message, fate });
            }
            if self.holds(&soon) {
                return Some(self.in_flight(sent));
            }
        }
        None
    }

    fn in_flight(&self, sent: &MessageSent) -> String {
        let what = self.message(&sent.name);
        match sent.travels {
            Some(travels) => format!(
                "{what} was still in flight (sent at {}, due at {})",
                sent.left_at,
                sent.left_at + travels
            ),
            None => format!("{what} was lost (sent at {})", sent.left_at),
        }
    }

    fn message(&self, name: &seedbed_sim::MessageName) -> String {
        let (from, to) = (self.name(name.from), self.name(name.to));
        let after = match name.after {
            Instant::ZERO => String::new(),
            after => format!(" after {after}"),
        };
        format!("{} {} from {from} to {to}{after}", name.kind.0, name.number)
    }

    fn read_elsewhere(&self, step: usize) -> Option<String> {
        self.scenario.steps[step].replica?;
        let mut at_leader = self.scenario.clone();
        at_leader.steps[step].replica = None;
        self.holds(&at_leader)
            .then(|| "read at the leader".to_owned())
    }

    fn read_later(&self, step: usize) -> Option<String> {
        let When::At(at) = self.scenario.steps[step].when else {
            return None;
        };
        for shift in SHIFTS.map(Span::from_millis) {
            let mut later = self.scenario.clone();
            later.steps[step].when = When::At(at + shift);
            later.duration = later.duration.max(at + shift + Span::from_millis(1));
            if self.holds(&later) {
                return Some(format!("read {shift} later"));
            }
        }
        None
    }

    fn of_messages(&self) -> Vec<Reason> {
        let messages = self.scenario.messages.iter().enumerate();
        let reason = |(index, it): (usize, &ScheduledMessage)| {
            let mut without = self.scenario.clone();
            without.messages.remove(index);
            let what = self.message(&it.message);
            let fate = match it.fate {
                MessageFate::Delay(by) => format!("Did {what} not take {by}"),
                MessageFate::Lose => format!("Were {what} not lost"),
                MessageFate::HoldUntil(at) => format!("Were {what} not held until {at}"),
                MessageFate::Duplicate(_) => format!("Did {what} not come twice"),
            };
            self.holds(&without).then(|| Reason {
                about: format!("message {}", index + 1),
                text: format!("{fate}, {} would hold.", self.goal.asked.label()),
                part: Some(Part::Message(index)),
            })
        };
        messages.filter_map(reason).collect()
    }

    fn of_faults(&self) -> Vec<Reason> {
        let faults = self.scenario.faults.iter();
        let starts = faults.scan(0, |flat, timed| {
            let start = *flat;
            *flat += timed.faults.len();
            Some(start)
        });
        let starts: Vec<usize> = starts.collect();
        let reason = |(index, flat): (usize, &usize)| {
            let mut without = self.scenario.clone();
            let at = without.faults.remove(index).at;
            if !self.holds(&without) {
                return None;
            }
            let mut text = format!(
                "Without \"{}\" at {at}, {} would hold",
                self.faults.get(*flat)?,
                self.goal.asked.label()
            );
            let when: Vec<String> = [
                self.fault_shifted(index, true),
                self.fault_shifted(index, false),
            ]
            .into_iter()
            .flatten()
            .collect();
            if !when.is_empty() {
                text.push_str(&format!("; so it would {}", when.join(", or ")));
            }
            Some(Reason {
                about: format!("fault {}", index + 1),
                text: text + ".",
                part: Some(Part::Fault(index)),
            })
        };
        starts.iter().enumerate().filter_map(reason).collect()
    }

    /// By how much earlier or later a fault would have to begin for the check to hold.
    fn fault_shifted(&self, index: usize, later: bool) -> Option<String> {
        for shift in SHIFTS.map(Span::from_millis) {
            let mut shifted = self.scenario.clone();
            let end = shifted.duration;
            let timed = &mut shifted.faults[index];
            if later {
                timed.at += shift;
                timed.until = timed.until.map(|until| until + shift);
                let last = timed.until.unwrap_or(timed.at + Span::from_millis(1));
                shifted.duration = end.max(last);
            } else if timed.at > shift {
                let length = timed.until.map(|until| until.saturating_sub(timed.at));
                timed.at = timed.at.saturating_sub(shift);
                timed.until = length.map(|length| timed.at + length);
            } else {
                return None;
            }
            if self.holds(&shifted) {
                let way = if later { "later" } else { "earlier" };
                return Some(format!("if it began {shift} {way}"));
            }
        }
        None
    }

    fn of_links(&self) -> Vec<Reason> {
        let rules = self.scenario.network.rules.iter().enumerate();
        let reason = |(index, rule): (usize, &seedbed_sim::LinkRule)| {
            let mut without = self.scenario.clone();
            without.network.rules.remove(index);
            let names = |ids: &[NodeId]| {
                let names: Vec<&str> = ids.iter().map(|id| self.name(*id)).collect();
                names.join(", ")
            };
            self.holds(&without).then(|| Reason {
                about: format!("link {}", index + 1),
                text: format!(
                    "Were the link from {} to {} like any other ({} in the place of {}), {} would hold.",
                    names(&rule.from),
                    names(&rule.to),
                    self.scenario.network.default.delay,
                    rule.spec.delay,
                    self.goal.asked.label()
                ),
                part: Some(Part::Link(index)),
            })
        };
        rules.filter_map(reason).collect()
    }

    fn of_nodes(&self) -> Vec<Reason> {
        let unusual = unusual(self.scenario).into_iter();
        let reason = |(id, what, without): (NodeId, &str, Scenario)| {
            let name = self.name(id);
            self.holds(&without).then(|| Reason {
                about: format!("node {name}"),
                text: format!(
                    "With the {what} of {name} as by default, {} would hold.",
                    self.goal.asked.label()
                ),
                part: None,
            })
        };
        unusual.filter_map(reason).collect()
    }

    /// Steps that the story does not tell and that are necessary all the same.
    fn of_other_steps(&self) -> Vec<Reason> {
        let told: Vec<usize> = self
            .witness
            .iter()
            .filter_map(|it| self.step_of(it))
            .collect();
        let steps = self.scenario.steps.iter().enumerate();
        let others = steps.filter(|(index, _)| !told.contains(index));
        let reason = |(index, step): (usize, &Step)| {
            let mut without = self.scenario.clone();
            without.steps.remove(index);
            let what = match &step.action {
                Action::Get => format!("the read of {}", shorten(&step.key)),
                Action::Put(value) => {
                    let value = quote_or_nothing(Some(&value.as_str().into()));
                    format!("the write of {value} to {}", shorten(&step.key))
                }
                Action::Delete => format!("the delete of {}", shorten(&step.key)),
            };
            let at = super::times::moment_of(step);
            self.holds(&without).then(|| Reason {
                about: format!("step {}", index + 1),
                text: format!(
                    "Without {what} at {at}, {} would hold.",
                    self.goal.asked.label()
                ),
                part: Some(Part::Step(index)),
            })
        };
        others.filter_map(reason).collect()
    }
}
