//! `[[step]]` and `[[load]]`.

use seedbed_sim::{NodeId, Span};

use super::super::model::{Action, Arrivals, KeyDistribution, Keys, Load, Spacing, Step, When};
use super::super::{LOAD_BYTES_MAX, LOAD_OPERATIONS_MAX};
use super::cluster::routing_name;
use super::network::number;
use super::text::{Table, duration, quoted};
use super::{Part, Writer, inline};

/// From so many on, steps that repeat one another are written as one.
const REPEATED_MIN: usize = 3;

impl Writer<'_> {
    pub(super) fn steps(&self, out: &mut String) {
        let steps = &self.scenario.steps;
        let mut index = 0;
        while index < steps.len() {
            let (times, every) = self.repetition(index);
            for part in index..index + times {
                self.comment(out, Part::Step(part));
            }
            let mut table = self.step(index);
            if times > 1 {
                table.plain("times", times);
                table.plain("every", duration(every));
            }
            table.push_to(out);
            index += times;
        }
    }

    /// How many steps from `first` on are one that is repeated, and at which distance.
    fn repetition(&self, first: usize) -> (usize, Span) {
        let steps = &self.scenario.steps;
        let step = &steps[first];
        let distance = |index: usize| match (step.when, steps[index - 1].when, steps[index].when) {
            (When::At(_), When::At(before), When::At(at)) if at > before => {
                Some(at.saturating_sub(before))
            }
            (When::After { .. }, _, When::After { step, delay }) if step == index - 1 => {
                Some(delay)
            }
            _ => None,
        };
        let alike = |index: usize| {
            let when = step.when;
            Step {
                when,
                ..steps[index].clone()
            } == *step
        };
        let mut times = 1;
        let mut every = Span::ZERO;
        while first + times < steps.len() && alike(first + times) {
            let Some(next) = distance(first + times).filter(|it| *it > Span::ZERO) else {
                break;
            };
            if times > 1 && next != every {
                break;
            }
            every = next;
            times += 1;
        }
        let is_put = matches!(step.action, Action::Put(_));
        // Steps of one name are one step repeated, or the name would mean two.
        let repeats = !is_put && (times >= REPEATED_MIN || (times > 1 && !step.name.is_empty()));
        if repeats { (times, every) } else { (1, every) }
    }

    fn step(&self, index: usize) -> Table {
        let Step {
            name: _,
            when,
            client,
            action,
            key,
            replica,
        } = &self.scenario.steps[index];
        let mut table = Table::item("step");
        table.unless("name", &self.label(index), &String::new(), |it| quoted(it));
        match when {
            When::At(at) => table.plain("at", duration(*at)),
            When::After { step, delay } => {
                if step + 1 == index {
                    table.text("after", "previous");
                } else {
                    table.text("after", &self.label(*step));
                }
                table.unless("delay", delay, &Span::ZERO, |it| duration(*it));
            }
        }
        table.text("client", self.scenario.name(*client));
        table.text(
            "do",
            match action {
                Action::Get => "get",
                Action::Put(_) => "put",
                Action::Delete => "delete",
            },
        );
        table.text("key", key);
        if let Action::Put(value) = action {
            table.text("value", value);
        }
        if let Some(replica) = replica {
            table.text("replica", self.scenario.name(*replica));
        }
        table
    }

    /// The name of a step. One that a later step waits for and that has none gets one.
    fn label(&self, index: usize) -> String {
        let steps = &self.scenario.steps;
        let waits = |step: &Step| matches!(step.when, When::After { step, .. } if step == index);
        let awaited = steps.iter().skip(index + 2).any(waits);
        match steps[index].name.as_str() {
            "" if awaited => format!("step-{}", index + 1),
            name => name.to_owned(),
        }
    }

    pub(super) fn loads(&self, out: &mut String) {
        for load in &self.scenario.loads {
            self.load(load).push_to(out);
        }
    }

    fn load(&self, load: &Load) -> Table {
        let Load {
            name,
            clients,
            arrivals,
            start,
            end,
            operations,
            keys,
            reads_percent,
            deletes_percent,
            value_bytes,
        } = load;
        let mut table = Table::item("load");
        table.text("name", name);
        let kind = match arrivals {
            Arrivals::Open { .. } => "open",
            Arrivals::Closed { .. } => "closed",
        };
        table.text("kind", kind);
        table.unless("clients", &clients.len(), &16, usize::to_string);
        let first = &self.scenario.clients[clients.start];
        table.unless("site", &first.site, &String::new(), |it| quoted(it));
        table.unless("routing", &first.routing, &self.routing(), |it| {
            quoted(routing_name(*it))
        });
        let length = end.saturating_sub(*start);
        let mut planned = 0;
        match arrivals {
            Arrivals::Open {
                rate_per_second,
                spacing,
            } => {
                table.plain("rate_per_second", rate_per_second);
                table.unless("arrivals", spacing, &Spacing::Exponential, |_| {
                    quoted("even")
                });
                let nanos = u128::from(length.as_nanos());
                planned = u128::from(*rate_per_second) * nanos / 1_000_000_000;
            }
            Arrivals::Closed { think } => {
                table.unless("think", think, &Span::ZERO, |it| duration(*it));
            }
        }
        table.unless("start", start, &Span::ZERO, |it| duration(*it));
        table.unless("end", end, &self.scenario.duration, |it| duration(*it));
        let most = (LOAD_BYTES_MAX / u64::from((*value_bytes).max(1))).min(LOAD_OPERATIONS_MAX);
        // A rate that makes more than the most is accepted only where the file says where to stop.
        if *operations != most || planned > u128::from(most) {
            table.plain("operations", operations);
        }
        write_keys(&mut table, keys);
        table.unless("reads_percent", reads_percent, &50, u32::to_string);
        table.unless("deletes_percent", deletes_percent, &0, u32::to_string);
        table.unless("value_bytes", value_bytes, &100, u32::to_string);
        table
    }

    pub(super) fn name(&self, id: NodeId) -> String {
        quoted(self.scenario.name(id))
    }
}

fn write_keys(table: &mut Table, keys: &Keys) {
    let Keys {
        prefix,
        count,
        distribution,
    } = keys;
    let mut fields = Vec::new();
    if *count != 1_000 {
        fields.push(("count", count.to_string()));
    }
    if let KeyDistribution::Zipf { exponent } = distribution {
        fields.push(("distribution", quoted("zipf")));
        if *exponent != 0.99 {
            fields.push(("exponent", number(*exponent)));
        }
    }
    if prefix != "k" {
        fields.push(("prefix", quoted(prefix)));
    }
    if !fields.is_empty() {
        table.plain("keys", inline(&fields));
    }
}
