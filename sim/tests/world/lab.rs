//! A small world to try things in.

use seedbed_sim::*;

use crate::probe::{Ask, Ear, Probe};

pub(crate) const A: NodeId = NodeId(0);
pub(crate) const B: NodeId = NodeId(1);

pub(crate) fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

pub(crate) fn node(name: &str) -> NodeSpec<Probe> {
    NodeSpec {
        name: name.into(),
        config: (),
        service_time: Span::ZERO,
        inbox_capacity: 8,
        clock: ClockConfig::default(),
        disk: DiskConfig {
            sync_per_kib: Span::from_millis(4),
            ..DiskConfig::instant()
        },
    }
}

pub(crate) fn links(spec: LinkSpec) -> WorldSpec<Probe> {
    WorldSpec {
        nodes: vec![node("a"), node("b")],
        network: NetworkSpec::uniform(spec),
        trace: TraceLevel::Full,
    }
}

pub(crate) fn five_ms() -> Distribution {
    Distribution::fixed(Span::from_millis(5)).unwrap()
}

/// A world with two nodes that are 5 ms apart, booted.
pub(crate) struct Lab {
    pub(crate) world: World<Probe>,
    pub(crate) ear: Ear,
    pub(crate) asked: u64,
}

impl Lab {
    pub(crate) fn new(spec: WorldSpec<Probe>) -> Self {
        let mut lab = Self {
            world: World::new(Seed(7), spec),
            ear: Ear::default(),
            asked: 0,
        };
        lab.until(0);
        lab
    }
    pub(crate) fn fifo() -> Self {
        Self::new(links(LinkSpec::fifo(five_ms())))
    }
    pub(crate) fn ask(&mut self, node: NodeId, ask: Ask) -> RequestId {
        self.asked += 1;
        self.world
            .invoke(
                node,
                ask,
                PathKey::of_name("test", self.asked),
                &mut self.ear,
            )
            .0
    }
    pub(crate) fn until(&mut self, millis: u64) {
        self.world.run_until(ms(millis), &mut self.ear);
    }
    pub(crate) fn inject(&mut self, fault: Fault) -> FaultId {
        self.world.inject(fault, &mut self.ear).unwrap()
    }
    pub(crate) fn lift(&mut self, fault: FaultId) {
        self.world.lift(fault, &mut self.ear).unwrap();
    }
}

pub(crate) fn a_to_b(direction: Direction) -> LinkTarget {
    LinkTarget {
        from: A,
        to: B,
        direction,
    }
}
