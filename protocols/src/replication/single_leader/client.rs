//! The client's part: send each request where it belongs, and wait for the answer for so long.

use seedbed_sim::{Context, NodeId, Outcome, Reason, RequestId, TimerHandle};

use super::Node;
use super::config::{ClientConfig, Routing};
use super::message::{Message, Timer};
use super::note::Note;
use crate::kv;

/// A client. It keeps nothing on its disk; a life of it is told from the one before by a number drawn at boot, so that
/// an answer to a dead life's request is not taken for an answer to a new one.
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    session: u64,
    sequence: u64,
    open: Vec<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    sequence: u64,
    id: RequestId,
    timeout: TimerHandle,
}

impl Client {
    pub(super) fn boot(config: &ClientConfig, cx: &mut Context<'_, Node>) -> Self {
        Self {
            config: config.clone(),
            session: cx.random().next_u64(),
            sequence: 0,
            open: Vec::new(),
        }
    }

    pub(super) fn on_request(
        &mut self,
        id: RequestId,
        request: kv::Request,
        cx: &mut Context<'_, Node>,
    ) {
        self.sequence += 1;
        let sequence = self.sequence;
        let to = request
            .at
            .unwrap_or_else(|| self.route(&request.operation, cx));
        let timeout = cx.set_timer(self.config.timeout, Timer::Timeout { sequence });
        self.open.push(Open {
            sequence,
            id,
            timeout,
        });
        cx.send(
            to,
            Message::Request {
                session: self.session,
                sequence,
                operation: request.operation,
            },
        );
    }

    /// Writes go to the leader, reads where the routing says.
    fn route(&self, operation: &kv::Operation, cx: &mut Context<'_, Node>) -> NodeId {
        let followers = &self.config.followers;
        let count = followers.len() as u64;
        if !operation.is_read() || count == 0 {
            return self.config.leader;
        }
        match self.config.routing {
            Routing::Leader => self.config.leader,
            Routing::AnyFollower => followers[cx.random().below(count) as usize],
            Routing::StickyFollower => followers[(self.config.sticky_hash % count) as usize],
        }
    }

    pub(super) fn on_message(
        &mut self,
        from: NodeId,
        message: Message,
        cx: &mut Context<'_, Node>,
    ) {
        let Message::Response {
            session,
            sequence,
            result,
        } = message
        else {
            return;
        };
        // An answer to a request of an earlier life, or to one that was given up.
        let open = (session == self.session)
            .then(|| self.take(sequence))
            .flatten();
        let Some(open) = open else {
            cx.note(Note::LateAnswer { sequence });
            return;
        };
        cx.cancel_timer(open.timeout);
        let outcome = match result {
            Ok(answer) => Outcome::Ok(kv::Reply {
                value: answer.value,
                by: from,
                position: answer.position.0,
            }),
            Err(reason) => Outcome::Fail(reason),
        };
        cx.reply(open.id, outcome);
    }

    pub(super) fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, Node>) {
        let Timer::Timeout { sequence } = timer else {
            return;
        };
        if let Some(open) = self.take(sequence) {
            cx.note(Note::GaveUp { sequence });
            // The request, or the answer, may still be on its way: nobody knows.
            cx.reply(open.id, Outcome::Info(Reason::Timeout));
        }
    }

    fn take(&mut self, sequence: u64) -> Option<Open> {
        let index = self
            .open
            .iter()
            .position(|open| open.sequence == sequence)?;
        Some(self.open.swap_remove(index))
    }

    /// What it is doing, for onlookers.
    pub(super) fn doing(&self) -> String {
        match self.open.len() {
            0 => String::new(),
            1 => "waits for an answer".to_owned(),
            more => format!("waits for {more} answers"),
        }
    }
}
