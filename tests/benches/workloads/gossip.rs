//! Gossip: 1,000 nodes that each push the newest rumour they know to 4 others every 100 ms, and are told when they are
//! behind (push and pull: Demers and others, "Epidemic algorithms for replicated database maintenance", 1987).

use seedbed_sim::{
    ClockConfig, Context, Datum, DiskConfig, Distribution, Halt, Kind, LinkSpec, NetworkSpec,
    NodeId, NodeSpec, Payload, Process, RequestId, Seed, Span, SyncTicket, TraceLevel, World,
    WorldSpec,
};

/// How many nodes there are.
pub(crate) const NODES: u32 = 1_000;
/// To how many others a node pushes at a time.
pub(crate) const FANOUT: u32 = 4;
/// How often it does.
pub(crate) const PERIOD: Span = Span::from_millis(100);

/// What travels.
#[derive(Clone, Debug, Hash)]
pub(crate) enum Message {
    /// The newest rumour that the sender knows.
    Push(u64),
    /// The receiver's rumour was older than this one.
    Newer(u64),
}

impl Datum for Message {
    fn kind(&self) -> Kind {
        match self {
            Self::Push(_) => Kind("push"),
            Self::Newer(_) => Kind("newer"),
        }
    }
}

impl Payload for Message {
    fn size_bytes(&self) -> u32 {
        8
    }
}

/// Time to push.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Due;

impl Datum for Due {
    fn kind(&self) -> Kind {
        Kind("due")
    }
}

/// A node that gossips. Now and then it makes up a rumour.
#[derive(Clone)]
pub(crate) struct Gossiper {
    newest: u64,
}

impl Process for Gossiper {
    type Config = ();
    type Message = Message;
    type Timer = Due;
    type Request = ();
    type Reply = ();
    type Note = ();

    fn boot((): &(), cx: &mut Context<'_, Self>) -> Result<Self, Halt> {
        let first = cx.random().uniform(Span::ZERO, PERIOD);
        cx.set_timer(first, Due);
        Ok(Self { newest: 0 })
    }

    fn on_message(
        &mut self,
        from: NodeId,
        message: Message,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        match message {
            Message::Push(rumour) if rumour < self.newest => {
                cx.send(from, Message::Newer(self.newest));
            }
            Message::Push(rumour) | Message::Newer(rumour) => {
                self.newest = self.newest.max(rumour);
            }
        }
        Ok(())
    }

    fn on_timer(&mut self, Due: Due, cx: &mut Context<'_, Self>) -> Result<(), Halt> {
        // One node in a hundred has news.
        self.newest += u64::from(cx.random().below(100) == 0);
        for _ in 0..FANOUT {
            let to = cx.random().below(u64::from(NODES)) as u32;
            cx.send(NodeId(to), Message::Push(self.newest));
        }
        cx.set_timer(PERIOD, Due);
        Ok(())
    }

    fn on_synced(&mut self, _: SyncTicket, _: &mut Context<'_, Self>) -> Result<(), Halt> {
        Ok(())
    }

    fn on_request(&mut self, _: RequestId, (): (), _: &mut Context<'_, Self>) -> Result<(), Halt> {
        Ok(())
    }
}

/// All of them at their first instant.
pub(crate) fn crowd(trace: TraceLevel) -> World<Gossiper> {
    let node = |index: u32| NodeSpec {
        name: format!("n{index}"),
        config: (),
        service_time: Span::from_micros(1),
        inbox_capacity: 64,
        clock: ClockConfig::default(),
        disk: DiskConfig::instant(),
    };
    let delay =
        Distribution::uniform(Span::from_millis(1), Span::from_millis(10)).expect("1 is below 10");
    World::new(
        Seed(1),
        WorldSpec {
            nodes: (0..NODES).map(node).collect(),
            network: NetworkSpec::uniform(LinkSpec::datagram(delay)),
            trace,
        },
    )
}
