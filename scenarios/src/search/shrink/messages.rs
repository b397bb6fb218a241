//! Drawn delays as the fates of single messages, as few as will do.

use std::collections::BTreeSet;

use seedbed_sim::{
    Distribution, Instant, LinkRule, LinkSpec, MessageFate, MessageName, MessageSent, NodeId,
    ScheduledMessage, Span,
};

use super::lab::Goal;
use super::reduce::fewest;
use crate::file::model::Scenario;
use crate::session::Keep;

fn log(scenario: &Scenario, goal: &Goal<'_>) -> Vec<MessageSent> {
    goal.lab.run(scenario, goal.seed, Keep::Messages).messages()
}

/// Whether two names mean messages of one kind on one link.
fn same_line(a: &MessageName, b: &MessageName) -> bool {
    (a.from, a.to, a.kind) == (b.from, b.to, b.kind)
}

/// The `calm` scenario with what was drawn for the messages of the `drawn` one, as far as that matters; `None` where all
/// of it together does not keep the verdict.
pub(super) fn spell_out(drawn: &Scenario, calm: &Scenario, goal: &Goal<'_>) -> Option<Scenario> {
    let told = |sent: MessageSent| ScheduledMessage {
        message: sent.name,
        fate: match sent.travels {
            Some(travels) => MessageFate::Delay(travels),
            None => MessageFate::Lose,
        },
    };
    let all: Vec<ScheduledMessage> = log(drawn, goal).into_iter().map(told).collect();
    let with = |messages: Vec<ScheduledMessage>| Scenario {
        messages,
        ..calm.clone()
    };
    if !goal.is_violated(&with(all.clone())) {
        return None;
    }
    // Whole links and kinds first: few of them matter, and a million messages do not.
    let lines: BTreeSet<_> = all.iter().map(|it| line(&it.message)).collect();
    let lines: Vec<_> = lines.into_iter().collect();
    let of_lines = |lines: &[_]| {
        let of_them = all.iter().filter(|it| lines.contains(&line(&it.message)));
        with(of_them.copied().collect())
    };
    let lines = fewest(lines, goal, false, &of_lines);
    let left: Vec<ScheduledMessage> = of_lines(&lines).messages;
    let left = fewest(left, goal, false, &|messages| with(messages.to_vec()));
    Some(with(left))
}

fn line(name: &MessageName) -> (NodeId, NodeId, seedbed_sim::Kind) {
    (name.from, name.to, name.kind)
}

/// Names messages by an instant shortly before each is sent, so that they keep their names when earlier ones go.
pub(super) fn named_by_time(scenario: &Scenario, goal: &Goal<'_>) -> Scenario {
    renamed(scenario, goal, |name, log| {
        let mut of_line = log.iter().filter(|sent| same_line(&sent.name, name));
        let mut before = Instant::ZERO;
        let sent = of_line.find(|sent| {
            let found = sent.name.number == name.number;
            if !found {
                before = sent.left_at;
            }
            found
        })?;
        let half = sent.left_at.since(before).as_nanos() / 2;
        Some(MessageName {
            after: before + Span::from_nanos(half + 1),
            number: 1,
            ..*name
        })
    })
}

/// Names messages by their number in the whole run.
pub(super) fn named_by_number(scenario: &Scenario, goal: &Goal<'_>) -> Scenario {
    renamed(scenario, goal, |name, log| {
        let of_line = log.iter().filter(|sent| same_line(&sent.name, name));
        let mut later = of_line.filter(|sent| sent.left_at >= name.after);
        Some(later.nth(name.number as usize - 1)?.name)
    })
}

/// The same scenario with other names for its messages, where that keeps the verdict.
fn renamed(
    scenario: &Scenario,
    goal: &Goal<'_>,
    rename: impl Fn(&MessageName, &[MessageSent]) -> Option<MessageName>,
) -> Scenario {
    if scenario.messages.is_empty() {
        return scenario.clone();
    }
    let log = log(scenario, goal);
    let mut other = scenario.clone();
    for scheduled in &mut other.messages {
        if let Some(name) = rename(&scheduled.message, &log) {
            scheduled.message = name;
        }
    }
    if goal.is_violated(&other) {
        other
    } else {
        scenario.clone()
    }
}

/// Slow links in the place of single slow messages: for each link on which messages are late, the same link always as slow
/// as the slowest of them. Where somebody else's messages travel on the link too, numbers would come to mean others.
pub(super) fn as_slow_links(scenario: &Scenario) -> Option<Scenario> {
    let mut other = scenario.clone();
    other.messages.clear();
    for scheduled in &scenario.messages {
        let MessageFate::Delay(by) = scheduled.fate else {
            other.messages.push(*scheduled);
            continue;
        };
        let (from, to) = (scheduled.message.from, scheduled.message.to);
        let (from, to) = (vec![from], vec![to]);
        let rules = &mut other.network.rules;
        let own = rules.iter_mut().find(|it| it.from == from && it.to == to);
        let delay = Distribution::fixed(by).ok()?;
        match own {
            Some(rule) => rule.spec.delay = slower(&rule.spec.delay, delay),
            None => {
                let standard = other.network.default.clone();
                let spec = LinkSpec { delay, ..standard };
                rules.push(LinkRule { from, to, spec });
            }
        }
    }
    Some(other)
}

fn slower(one: &Distribution, other: Distribution) -> Distribution {
    if one.quantile(0.5) > other.quantile(0.5) {
        one.clone()
    } else {
        other
    }
}
