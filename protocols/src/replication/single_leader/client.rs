//! A client: one user's way to the store. It chooses whom to ask, waits, and gives up.

use std::collections::VecDeque;
use std::sync::Arc;

use seedbed_sim::{Halt, NodeId, Outcome, Reason, RequestId, TimerHandle};

use super::Cx;
use super::config::{ClientConfig, Routing};
use super::message::{Message, Timer};
use super::note::Note;
use super::session::begin_session;
use crate::kv::{Operation, Reply, Request};
use crate::replication::log::{Call, Origin, Proposal};
use crate::replication::state::{USER_KEY_BYTES_MAX, engine_key};
use crate::storage::{Change, VALUE_BYTES_MAX};

/// Writes that wait for their turn, at the most; one more fails as overloaded.
pub const WAITING_WRITES_MAX: usize = 1024;

/// A client. It has one write open at a time: a later one waits until the one before it is over, so that the calls of a
/// client reach the log in their order, and the leader need only remember the last. Reads do not wait.
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    session: u32,
    calls: u64,
    /// Calls that were sent and not answered.
    open: Vec<OpenCall>,
    /// Writes that were not sent yet, in their order.
    waiting: VecDeque<OpenCall>,
}

#[derive(Clone, Debug)]
struct OpenCall {
    call: Call,
    request: RequestId,
    is_write: bool,
    /// The message, while it may have to be sent.
    message: Option<Message>,
    /// The replica it must go to, where the user says so.
    at: Option<NodeId>,
    give_up: TimerHandle,
    retry: Option<TimerHandle>,
}

impl Client {
    pub(super) fn boot(config: &ClientConfig, cx: &mut Cx<'_>) -> Result<Self, Halt> {
        Ok(Self {
            config: config.clone(),
            session: begin_session(cx)?,
            calls: 0,
            open: Vec::new(),
            waiting: VecDeque::new(),
        })
    }

    pub(super) fn on_request(&mut self, request: RequestId, asked: Request, cx: &mut Cx<'_>) {
        if let Err(reason) = self.check(&asked.operation) {
            cx.reply(request, Outcome::Fail(reason));
            return;
        }
        self.calls += 1;
        let call = Call {
            session: self.session,
            number: self.calls,
        };
        let open = OpenCall {
            call,
            request,
            is_write: !asked.operation.is_read(),
            message: Some(message(cx.node(), call, asked.operation)),
            at: asked.at,
            give_up: cx.set_timer(self.config.timeout, Timer::GiveUp(call)),
            retry: None,
        };
        if open.is_write && self.open.iter().any(|open| open.is_write) {
            self.waiting.push_back(open);
        } else {
            self.begin(open, cx);
        }
    }

    /// Refuses what the store would not take.
    fn check(&self, operation: &Operation) -> Result<(), Reason> {
        let value_bytes = match operation {
            Operation::Put { value, .. } => value.len(),
            Operation::Get { .. } | Operation::Delete { .. } => 0,
        };
        if operation.key().len() > USER_KEY_BYTES_MAX || value_bytes > VALUE_BYTES_MAX {
            return Err(Reason::Refused);
        }
        if !operation.is_read() && self.waiting.len() == WAITING_WRITES_MAX {
            return Err(Reason::Overloaded);
        }
        Ok(())
    }

    /// Sends a call for the first time.
    fn begin(&mut self, mut open: OpenCall, cx: &mut Cx<'_>) {
        let to = self.route(&open, cx);
        let message = open.message.take().expect("a call that was not sent");
        if let Some(after) = self.config.retry_after {
            open.message = Some(message.clone());
            open.retry = Some(cx.set_timer(after, Timer::Retry(open.call)));
        }
        cx.send(to, message);
        self.open.push(open);
    }

    /// Whom a call goes to.
    fn route(&self, open: &OpenCall, cx: &mut Cx<'_>) -> NodeId {
        match open.at {
            Some(replica) => replica,
            None if open.is_write => self.config.leader,
            None => self.route_read(cx),
        }
    }

    fn route_read(&self, cx: &mut Cx<'_>) -> NodeId {
        let ClientConfig {
            leader, followers, ..
        } = &self.config;
        let count = followers.len() as u64;
        match self.config.routing {
            Routing::AnyFollower if count > 0 => followers[cx.random().below(count) as usize],
            Routing::StickyFollower if count > 0 => {
                followers[(self.config.sticky_hash % count) as usize]
            }
            _ => *leader,
        }
    }

    pub(super) fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (call, outcome) = match message {
            Message::WriteOk { call, index } => (
                call,
                Outcome::Ok(Reply {
                    value: None,
                    by: from,
                    position: index.0,
                }),
            ),
            Message::ReadOk {
                call,
                value,
                applied,
            } => (
                call,
                Outcome::Ok(Reply {
                    value,
                    by: from,
                    position: applied.0,
                }),
            ),
            Message::Refused { call, reason } => (call, Outcome::Fail(reason)),
            other => unreachable!("{from} sends a client {other:?}"),
        };
        let Some(open) = self.take_open(call) else {
            // Too late: the call was given up, or a retry of it was answered before, or it is of an earlier life.
            cx.note(Note::LateAnswer { call, by: from });
            return;
        };
        cx.cancel_timer(open.give_up);
        self.end(&open, outcome, cx);
    }

    /// Time is up for a call, if it is still open. (A write that waits for its turn is younger than the one before it,
    /// whose time is up first.)
    ///
    /// Nobody knows what becomes of the call: a write may be in the log, or may come there yet. A read has no effect
    /// either way; it is reported alike, since a client's timeout is no answer.
    pub(super) fn on_give_up(&mut self, call: Call, cx: &mut Cx<'_>) {
        if let Some(open) = self.take_open(call) {
            cx.note(Note::GaveUp { call });
            self.end(&open, Outcome::Info(Reason::Timeout), cx);
        }
    }

    /// A call may have been lost on its way: the same call is sent again. (A read is routed anew.)
    pub(super) fn on_retry(&mut self, call: Call, cx: &mut Cx<'_>) {
        let Some(index) = self.open.iter().position(|it| it.call == call) else {
            return;
        };
        let to = self.route(&self.open[index], cx);
        let open = &mut self.open[index];
        let message = open.message.clone().expect("kept for being sent again");
        cx.send(to, message);
        cx.note(Note::Retried { call, to });
        let after = self.config.retry_after.expect("retries are set");
        open.retry = Some(cx.set_timer(after, Timer::Retry(call)));
    }

    fn take_open(&mut self, call: Call) -> Option<OpenCall> {
        let index = self.open.iter().position(|it| it.call == call)?;
        Some(self.open.swap_remove(index))
    }

    /// A call is over; the next write may have its turn.
    fn end(&mut self, open: &OpenCall, outcome: Outcome<Reply>, cx: &mut Cx<'_>) {
        if let Some(retry) = open.retry {
            cx.cancel_timer(retry);
        }
        cx.reply(open.request, outcome);
        if open.is_write
            && let Some(next) = self.waiting.pop_front()
        {
            self.begin(next, cx);
        }
    }

    /// How many calls are open.
    pub(super) fn open_count(&self) -> usize {
        self.open.len() + self.waiting.len()
    }
}

fn message(client: NodeId, call: Call, operation: Operation) -> Message {
    let change = match operation {
        Operation::Get { key } => return Message::Read { call, key },
        Operation::Put { key, value } => Change::Put(engine_key(&key), value),
        Operation::Delete { key } => Change::Delete(engine_key(&key)),
    };
    let origin = Origin { client, call };
    Message::Write(Arc::new(Proposal { origin, change }))
}
