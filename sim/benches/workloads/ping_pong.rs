//! Ping-pong: two nodes that send every ball back, 1 to 10 ms apart. The least that a delivery can cost.

use seedbed_sim::{
    ClockConfig, Context, Datum, DiskConfig, Distribution, Halt, Instant, Kind, LinkSpec,
    NetworkSpec, NodeId, NodeSpec, PathKey, Payload, Process, RequestId, Seed, Span, SyncTicket,
    TraceLevel, World, WorldSpec,
};

/// Sends every ball back.
#[derive(Clone)]
pub(crate) struct Player;

#[derive(Clone, Debug, Hash)]
pub(crate) struct Ball(pub(crate) u64);

impl Datum for Ball {
    fn kind(&self) -> Kind {
        Kind("ball")
    }
}

impl Payload for Ball {
    fn size_bytes(&self) -> u32 {
        8
    }
}

impl Process for Player {
    type Config = ();
    type Message = Ball;
    type Timer = ();
    type Request = Ball;
    type Reply = ();
    type Note = ();

    fn boot((): &(), _: &mut Context<'_, Self>) -> Result<Self, Halt> {
        Ok(Self)
    }
    fn on_message(
        &mut self,
        from: NodeId,
        Ball(n): Ball,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        cx.send(from, Ball(n + 1));
        Ok(())
    }
    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) -> Result<(), Halt> {
        Ok(())
    }
    fn on_synced(&mut self, _: SyncTicket, _: &mut Context<'_, Self>) -> Result<(), Halt> {
        Ok(())
    }
    fn on_request(
        &mut self,
        _: RequestId,
        ball: Ball,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        cx.send(NodeId(1 - cx.node().0), ball);
        Ok(())
    }
}

/// Two players.
pub(crate) fn spec(trace: TraceLevel) -> WorldSpec<Player> {
    let node = |name: &str| NodeSpec {
        name: name.into(),
        config: (),
        service_time: Span::from_micros(1),
        inbox_capacity: 16,
        clock: ClockConfig::default(),
        disk: DiskConfig::instant(),
    };
    let delay =
        Distribution::uniform(Span::from_millis(1), Span::from_millis(10)).expect("1 is below 10");
    WorldSpec {
        nodes: vec![node("ping"), node("pong")],
        network: NetworkSpec::uniform(LinkSpec::fifo(delay)),
        trace,
    }
}

/// A game at its first instant, with one ball.
pub(crate) fn game(trace: TraceLevel) -> World<Player> {
    let mut world = World::new(Seed(1), spec(trace));
    world.run_until(Instant::ZERO, &mut ());
    world.invoke(NodeId(0), Ball(0), PathKey::of_name("serve", 0), &mut ());
    world
}
