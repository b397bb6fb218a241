//! How a message passes a link that is more than delay and loss, or that faults strike.
//!
//! ```text
//!            queue of the rate        the line: one set of draws for each message
//!  leaves ──► ▒▒▒▒▒▒▒▒▒▒▒▒▒▒ ──► loss? damage? held back? ──► delay + extra + jitter ──► arrives
//!            full: lost                 │                                   └─ and once more, a copy
//!                                       └─ a connection transmits again, and again through the queue
//! ```
//!
//! **Draws.** What happens to a message is drawn by its path, as everywhere ([`fate`]), so that no other
//! message's draws shift. Only where a link has a *correlation* does it remember something: the draws of the last message,
//! which the next one meets again with that chance. The share of messages that are lost stays what it was and they come in
//! bursts, whose mean length is 1 / ((1 - correlation) · (1 - chance)): it is the two-state model of Gilbert (*Capacity of a
//! burst-noise channel*, 1960). Linux's netem, from which the idea is, mixes the last random number with the next instead,
//! and so changes how much is lost.
//!
//! **Rate.** A message occupies the link for its size over the rate, and what comes meanwhile waits: bufferbloat where
//! the queue is long, loss where it is short. A lost transmission has used the link; a copy is made behind it.
//!
//! Simplifications: a connection does not slow down when it loses something (TCP halves its window); the rate of a link
//! does not tell requests from bulk; a fault that limits the rate leaves alone what left before it began.

use std::collections::BTreeMap;

use crate::network::{Impairments, LinkKind, LinkSpec, NetworkSpec, Rate, TRANSMISSIONS_MAX};
use crate::random::{Fate, PathKey, Purpose, fate, happens};
use crate::trace::DropReason;
use crate::{Distribution, Fault, InFlight, Instant, NodeId, Payload, Seed, Span};

/// What faults do to one direction between two nodes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LinkEffect {
    pub(crate) cut: Option<InFlight>,
    pub(crate) extra_delay: Span,
    pub(crate) loss_per_million: u32,
    pub(crate) impairments: Impairments,
}

impl Impairments {
    /// Both together: chances add up, of two rates the lower holds, and so does the stronger correlation.
    pub(crate) fn and(self, other: Self) -> Self {
        let lower = |a: Rate, b: Rate| {
            if b.bytes_per_second < a.bytes_per_second {
                b
            } else {
                a
            }
        };
        let rate = match (self.rate, other.rate) {
            (Some(a), Some(b)) => Some(lower(a, b)),
            (a, b) => a.or(b),
        };
        Self {
            duplicate_per_million: self
                .duplicate_per_million
                .saturating_add(other.duplicate_per_million),
            corrupt_per_million: self
                .corrupt_per_million
                .saturating_add(other.corrupt_per_million),
            reorder_per_million: self
                .reorder_per_million
                .saturating_add(other.reorder_per_million),
            reorder_by: self.reorder_by.max(other.reorder_by),
            correlation_per_million: self
                .correlation_per_million
                .max(other.correlation_per_million),
            rate,
        }
    }
}

/// The links between nodes, for hosts other than the world: what a network and its faults do to messages, and nothing of
/// how a host gets them there.
#[derive(Clone, Debug)]
pub struct LinkModel {
    seed: Seed,
    network: NetworkSpec,
    lines: Lines,
    sent: BTreeMap<(NodeId, NodeId), u64>,
}

/// What a link does to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Journey {
    /// Whether it keeps its place behind what was sent before it.
    pub kind: LinkKind,
    /// How long it travels; `None`: it is lost.
    pub travels: Option<Span>,
    /// How long a copy of it travels, where there is one.
    pub copy_travels: Option<Span>,
    /// What becomes of it where the link is cut.
    pub cut: Option<InFlight>,
}

impl LinkModel {
    /// The links of `network`, which draw from `seed`.
    pub fn new(seed: Seed, network: NetworkSpec) -> Self {
        Self {
            seed,
            network,
            lines: Lines::new(),
            sent: BTreeMap::new(),
        }
    }

    /// What becomes of the next message from one node to another, which leaves at `left_at` while `faults` hold. It may be
    /// damaged. Draws are made by how many-th message on its link it is.
    pub fn send<M: Payload>(
        &mut self,
        (from, to): (NodeId, NodeId),
        left_at: Instant,
        message: &mut M,
        faults: &[Fault],
    ) -> Journey {
        let sent = self.sent.entry((from, to)).or_default();
        *sent += 1;
        let path = PathKey::of_name(&format!("link/{from}-{to}"), *sent);
        let mut effect = LinkEffect::default();
        for fault in faults {
            fault.add_to(from, to, &mut effect);
        }
        let jitters = faults.iter().filter_map(|fault| match fault {
            Fault::Jitter { link, extra } if link.covers(from, to) => Some(extra),
            _ => None,
        });
        let crossing = Crossing {
            seed: self.seed,
            ends: (from, to),
            left_at,
            fate: fate(self.seed, path, to.0, 0, Purpose::Message),
            size_bytes: message.size_bytes(),
            effect,
            jitters: jitters.collect(),
        };
        let spec = self.network.between(from, to);
        let passage = crossing.pass(spec, &mut self.lines, |bits| message.corrupt(bits));
        Journey {
            kind: spec.kind,
            travels: passage.travels.ok(),
            copy_travels: passage.copy.map(|(travels, _)| travels),
            cut: effect.cut,
        }
    }

    /// What becomes of messages on a link that some of `faults` cut.
    pub fn cut(from: NodeId, to: NodeId, faults: &[Fault]) -> Option<InFlight> {
        let mut effect = LinkEffect::default();
        for fault in faults {
            fault.add_to(from, to, &mut effect);
        }
        effect.cut
    }
}

/// What links remember, by their ends. Most worlds have none that does.
pub(crate) type Lines = BTreeMap<(NodeId, NodeId), Line>;

/// What one link remembers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Line {
    /// What the last message met.
    last: Option<Draws>,
    /// When everything that was sent will have left.
    free_at: Instant,
}

impl Line {
    /// How long a transmission at `at` waits and takes to leave; `None` when the queue is full.
    fn queue(&mut self, rate: Rate, at: Instant, size_bytes: u32) -> Option<Span> {
        let per_second = u128::from(rate.bytes_per_second.max(1));
        let backlog = self.free_at.since(at);
        let waiting = u128::from(backlog.as_nanos()) * per_second / 1_000_000_000;
        let is_full = waiting + u128::from(size_bytes) > u128::from(rate.queue_bytes);
        if backlog > Span::ZERO && is_full {
            return None;
        }
        let takes = (u128::from(size_bytes) * 1_000_000_000).div_ceil(per_second);
        let takes = Span::from_nanos(u64::try_from(takes).unwrap_or(u64::MAX));
        self.free_at = at.max(self.free_at) + takes;
        Some(self.free_at.since(at))
    }
}

/// What the line does to one message.
#[derive(Clone, Copy, Debug)]
struct Draws {
    delay: u64,
    spare: u64,
    loss: u64,
    duplicate: u64,
    corrupt: u64,
    reorder: u64,
    jitter: u64,
    jitter_spare: u64,
}

/// A message that is about to pass.
pub(crate) struct Crossing<'a> {
    pub(crate) seed: Seed,
    pub(crate) ends: (NodeId, NodeId),
    pub(crate) left_at: Instant,
    pub(crate) fate: Fate,
    pub(crate) size_bytes: u32,
    pub(crate) effect: LinkEffect,
    /// What faults add to the delay.
    pub(crate) jitters: Vec<&'a Distribution>,
}

/// What a link does to a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passage {
    /// How long it travels, or why it does not arrive.
    pub(crate) travels: Result<Span, DropReason>,
    /// How long a copy of it travels, and what the copy's own effects are drawn by.
    pub(crate) copy: Option<(Span, PathKey)>,
    /// Whether it was damaged and arrives all the same.
    pub(crate) damaged: bool,
}

impl Crossing<'_> {
    /// Lets the message pass. `damage` damages it by some bits, or says that a checksum would see it.
    pub(crate) fn pass(
        &self,
        spec: &LinkSpec,
        lines: &mut Lines,
        mut damage: impl FnMut(u64) -> bool,
    ) -> Passage {
        let impairments = spec.impairments.and(self.effect.impairments);
        let draws = self.draws(&impairments, lines);
        let way = |delay, spare| {
            let own = spec.delay.sample(delay, spare) + self.effect.extra_delay;
            let jitter = |jitter: &&Distribution| jitter.sample(draws.jitter, draws.jitter_spare);
            self.jitters
                .iter()
                .map(jitter)
                .fold(own, |sum, span| sum + span)
        };
        let mut way_of_it = way(draws.delay, draws.spare);
        if happens(impairments.reorder_per_million, draws.reorder) {
            way_of_it += impairments.reorder_by;
        }
        let loss = spec
            .loss_per_million
            .saturating_add(self.effect.loss_per_million);
        let mut passage = Passage {
            travels: Err(DropReason::Loss),
            copy: None,
            damaged: false,
        };
        let transmissions = match spec.kind {
            LinkKind::Fifo => TRANSMISSIONS_MAX,
            LinkKind::Datagram => 1,
        };
        let (mut waited, mut wait) = (Span::ZERO, spec.retransmit_after);
        let (mut loss_draw, mut corrupt_draw) = (draws.loss, draws.corrupt);
        for transmission in 0..transmissions {
            if transmission > 0 {
                waited += wait;
                wait = wait.saturating_mul(2);
                let again = self.draw(Purpose::Retransmit(transmission));
                (loss_draw, corrupt_draw) = (again.loss(), again.spare());
            }
            let queued = match impairments.rate {
                None => Some(Span::ZERO),
                Some(rate) => lines.entry(self.ends).or_default().queue(
                    rate,
                    self.left_at + waited,
                    self.size_bytes,
                ),
            };
            let Some(queued) = queued else {
                passage.travels = Err(DropReason::QueueFull);
                continue;
            };
            if happens(loss, loss_draw) {
                passage.travels = Err(DropReason::Loss);
                continue;
            }
            if happens(impairments.corrupt_per_million, corrupt_draw) {
                passage.damaged = damage(self.draw(Purpose::Damage(transmission)).loss());
                if !passage.damaged {
                    passage.travels = Err(DropReason::Corrupted);
                    continue;
                }
            }
            passage.travels = Ok(waited + queued + way_of_it);
            let is_doubled = happens(impairments.duplicate_per_million, draws.duplicate);
            if is_doubled && spec.kind == LinkKind::Datagram {
                let copy = self.draw(Purpose::Copy);
                passage.copy = Some((queued + way(copy.delay(), copy.spare()), copy.path()));
            }
            break;
        }
        passage
    }

    fn draw(&self, purpose: Purpose) -> Fate {
        fate(self.seed, self.fate.path(), 0, 0, purpose)
    }

    /// What the message meets: draws of its own, or those that the message before it met.
    fn draws(&self, impairments: &Impairments, lines: &mut Lines) -> Draws {
        let (line, jitter) = (self.draw(Purpose::Line), self.draw(Purpose::Jitter));
        let own = Draws {
            delay: self.fate.delay(),
            spare: self.fate.spare(),
            loss: self.fate.loss(),
            duplicate: line.delay(),
            corrupt: line.loss(),
            reorder: line.spare(),
            jitter: jitter.delay(),
            jitter_spare: jitter.spare(),
        };
        if impairments.correlation_per_million == 0 {
            return own;
        }
        let remembered = &mut lines.entry(self.ends).or_default().last;
        let again = happens(impairments.correlation_per_million, line.path().0);
        *remembered.insert(match *remembered {
            Some(last) if again => last,
            _ => own,
        })
    }
}
