//! A node of the protocol, as its host drives it.

use bytes::Bytes;
use seedbed_sim::{Context, Disk, Halt, NodeId, Outcome, Process, Reason, RequestId, SyncTicket};

use super::client::Client;
use super::config::Config;
use super::message::{Message, Timer};
use super::note::Note;
use super::replica::Replica;
use crate::inspect::{Inspect, Positions, Role, Status};
use crate::kv::{Reply, Request};

/// A handler's window on its host.
pub(super) type Cx<'a> = Context<'a, Node>;

/// A node: a replica or a client. Boxed, since a host moves it at each handler.
#[derive(Clone)]
pub enum Node {
    /// Holds the data.
    Replica(Box<Replica>),
    /// Asks for it.
    Client(Box<Client>),
}

impl Process for Node {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Reply = Reply;
    type Note = Note;

    fn boot(config: &Config, cx: &mut Cx<'_>) -> Result<Self, Halt> {
        Ok(match config {
            Config::Replica(config) => Self::Replica(Box::new(Replica::boot(config, cx)?)),
            Config::Client(config) => Self::Client(Box::new(Client::boot(config, cx)?)),
        })
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) -> Result<(), Halt> {
        match self {
            Self::Replica(replica) => replica.on_message(from, message, cx),
            Self::Client(client) => {
                client.on_message(from, message, cx);
                Ok(())
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) -> Result<(), Halt> {
        match (self, timer) {
            (Self::Replica(replica), timer) => return replica.on_timer(timer, cx),
            (Self::Client(client), Timer::GiveUp(call)) => client.on_give_up(call, cx),
            (Self::Client(client), Timer::Retry(call)) => client.on_retry(call, cx),
            (Self::Client(_), timer) => unreachable!("no client sets {timer:?}"),
        }
        Ok(())
    }

    fn on_synced(&mut self, ticket: SyncTicket, cx: &mut Cx<'_>) -> Result<(), Halt> {
        match self {
            Self::Replica(replica) => replica.on_synced(ticket, cx),
            Self::Client(_) => Ok(()),
        }
    }

    /// Replicas are not asked by users, and fail such a request.
    fn on_request(&mut self, id: RequestId, request: Request, cx: &mut Cx<'_>) -> Result<(), Halt> {
        match self {
            Self::Replica(_) => cx.reply(id, Outcome::Fail(Reason::Refused)),
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
                doing: match client.open_count() {
                    0 => String::new(),
                    1 => "waiting for an answer".to_owned(),
                    count => format!("waiting for {count} answers"),
                },
            },
        }
    }

    fn contents(&mut self, disk: &mut dyn Disk) -> Option<Vec<(Bytes, Bytes)>> {
        match self {
            Self::Replica(replica) => replica.contents(disk).ok(),
            Self::Client(_) => None,
        }
    }
}
