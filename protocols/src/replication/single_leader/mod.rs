//! Asynchronous single-leader replication.
//!
//! One replica, the **leader**, accepts all writes and puts them into one order, its replicated log. The other
//! replicas, the **followers**, get the log from it and apply it in the same order. The leader acknowledges a write as
//! soon as it is durable *on the leader's own disk*; followers come later, so reads from them may be stale. That is
//! the usual configuration of PostgreSQL, MySQL and MongoDB with `w: 1` (DDIA chapter 5, "Leaders and Followers").
//!
//! ```text
//!   client             leader                     follower             follower's disk
//!     │ request put x     │                           │
//!     ├──────────────────►│ append to log             │
//!     │                   │ sync ─ ─ ┐ (group commit) │
//!     │                   │◄ ─ ─ ─ ─ ┘ durable        │
//!     │                   │ apply to engine           │
//!     │      response ok  │                           │
//!     │◄──────────────────┤ append 17..=19            │
//!     │                   ├──────────────────────────►│ append to log
//!     │ request get x     │                           │ sync ─ ─ ─ ─ ─ ─ ─►│
//!     ├───────────────────┼──────────────────────────►│   (answers from what is applied: still without x)
//!     │      response ∅   │                           │◄ ─ ─ ─ ─ ─ ─ ─ ─ ─ ┤ durable
//!     │◄──────────────────┼───────────────────────────┤ apply to engine
//!     │                   │◄──────────────────────────┤ append-ok 19
//!     │                   │ heartbeat: shipped 19     │
//!     │                   ├──────────────────────────►│ (has less? then:)
//!     │                   │◄──────────────────────────┤ want: have 16
//! ```
//!
//! # Invariants
//!
//! 1. The leader ships, applies and acknowledges only what is durable in its log. So a leader that crashes and comes
//!    back has everything that any follower ever got, and no two logs disagree.
//! 2. A follower's log is a prefix of the leader's durable log: it takes entries only in order, without gaps.
//! 3. A replica applies only what is durable in its own log, in order, exactly once ([`State`](super::state::State)).
//! 4. A client's write is acknowledged only after it was applied at the leader, so reads at the leader see it.
//!
//! # Catching up
//!
//! A follower that boots, or that sees a gap, tells the leader how much it **has** durably (`want`), and the leader
//! goes on from there. A message that was lost without a gap behind it shows at the next heartbeat, which says how far
//! the leader has shipped to this follower. The leader ships at most [`WINDOW_ENTRIES`] entries that the follower has
//! not confirmed, and keeps nothing for it but two numbers: a slow follower costs the leader no memory.
//!
//! # What real systems do and this does not
//!
//! The leader never changes: there is no failover, so while it is down nobody can write. The log is never cut at its
//! front, so a follower can always catch up from it and needs no snapshot. A client does not retry; a request whose
//! answer does not come in time ends in *info*, since nobody knows what became of it.

mod client;
mod config;
mod follower;
mod leader;
mod message;
mod note;
mod replica;

pub use config::{ClientConfig, Config, Part, Planted, ReplicaConfig, Routing};
pub use leader::WINDOW_ENTRIES;
pub use message::{Answer, Message, Timer};
pub use note::Note;

use bytes::Bytes;
use seedbed_sim::{Context, Disk, Halt, NodeId, Process, RequestId, SyncTicket};

use crate::inspect::{Inspect, Positions, Role, Status};
use crate::kv;
use client::Client;
use replica::Replica;

/// A node of a single-leader cluster: a replica, or a client of it.
#[derive(Clone)]
pub enum Node {
    /// It holds data.
    Replica(Box<Replica>),
    /// It asks on behalf of a user.
    Client(Client),
}

impl Process for Node {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = kv::Request;
    type Reply = kv::Reply;
    type Note = Note;

    fn boot(config: &Config, cx: &mut Context<'_, Self>) -> Result<Self, Halt> {
        Ok(match config {
            Config::Replica(config) => Self::Replica(Box::new(Replica::boot(config, cx)?)),
            Config::Client(config) => Self::Client(Client::boot(config, cx)),
        })
    }

    fn on_message(
        &mut self,
        from: NodeId,
        message: Message,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        match self {
            Self::Replica(replica) => replica.on_message(from, message, cx),
            Self::Client(client) => {
                client.on_message(from, message, cx);
                Ok(())
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, Self>) -> Result<(), Halt> {
        match self {
            Self::Replica(replica) => replica.on_timer(timer, cx),
            Self::Client(client) => {
                client.on_timer(timer, cx);
                Ok(())
            }
        }
    }

    fn on_synced(&mut self, ticket: SyncTicket, cx: &mut Context<'_, Self>) -> Result<(), Halt> {
        match self {
            Self::Replica(replica) => replica.on_synced(ticket, cx),
            Self::Client(_) => Ok(()),
        }
    }

    fn on_request(
        &mut self,
        id: RequestId,
        request: kv::Request,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        match self {
            // Users ask through clients; a replica that is asked itself does not know what to do with it.
            Self::Replica(_) => {
                cx.reply(id, seedbed_sim::Outcome::Fail(seedbed_sim::Reason::Refused));
            }
            Self::Client(client) => client.on_request(id, request, cx),
        }
        Ok(())
    }
}

impl Inspect for Node {
    fn positions(&self) -> Option<Positions> {
        match self {
            Self::Replica(replica) => Some(replica.positions()),
            Self::Client(_) => None,
        }
    }

    fn status(&self) -> Status {
        match self {
            Self::Replica(replica) => replica.status(),
            Self::Client(client) => Status {
                role: Role::Client,
                keys: None,
                doing: client.doing(),
            },
        }
    }

    fn contents(&mut self, disk: &mut dyn Disk) -> Option<Vec<(Bytes, Bytes)>> {
        match self {
            Self::Replica(replica) => replica.contents(disk),
            Self::Client(_) => None,
        }
    }
}
