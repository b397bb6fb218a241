//! A bare quorum store: 5 replicas on a storage engine and clients that ask all of them and go on when 3 have
//! answered, 1 to 10 ms apart. There are two: one client that reads and writes an engine that syncs nothing, and 16 that
//! write, with a timeout set for each operation, and are answered when the write is durable.
//!
//! It is what a kernel is measured by, and no protocol to learn from: each client has keys of its own and numbers its
//! writes, so that the newest of three answers is the value; nobody fails, and nothing is repaired.

use bytes::Bytes;
use seedbed_protocols::storage::{Engine, EngineKind, EngineOptions, open_engine};
use seedbed_sim::{
    ClockConfig, Context, Datum, Disk, DiskConfig, Distribution, Halt, Instant, Kind, LinkSpec,
    NetworkSpec, NodeId, NodeSpec, PathKey, Payload, Process, RequestId, Seed, Span, SyncTicket,
    TimerHandle, TraceLevel, World, WorldSpec,
};

/// How many replicas there are.
pub(crate) const REPLICAS: u32 = 5;
/// How many answers a client waits for.
pub(crate) const QUORUM: u32 = 3;
/// How many clients there are where writes are durable.
pub(crate) const CLIENTS: u32 = 16;
/// How long such a client waits; nobody is ever so late.
pub(crate) const TIMEOUT: Span = Span::from_secs(1);
/// How long a value is, in bytes; the first 8 are the number of its write.
pub(crate) const VALUE_BYTES: usize = 100;

/// What a node is to be.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// Keeps keys on an engine.
    Replica(EngineKind),
    /// The same, and answers a write when it is durable.
    DurableReplica(EngineKind),
    /// Asks on and on, about so many keys.
    Client {
        /// How many different keys it uses.
        keys: u64,
        /// Whether it only writes, and gives up after [`TIMEOUT`].
        durable: bool,
    },
}

/// What travels. Every message names the operation that it belongs to.
#[derive(Clone, Debug, Hash)]
pub(crate) enum Message {
    /// Set a key.
    Write(u64, Bytes, Bytes),
    /// It is set.
    Written(u64),
    /// Read a key.
    Read(u64, Bytes),
    /// What it is set to.
    Found(u64, Option<Bytes>),
}

impl Datum for Message {
    fn kind(&self) -> Kind {
        match self {
            Self::Write(..) => Kind("write"),
            Self::Written(..) => Kind("written"),
            Self::Read(..) => Kind("read"),
            Self::Found(..) => Kind("found"),
        }
    }
}

impl Payload for Message {
    fn size_bytes(&self) -> u32 {
        let bytes = match self {
            Self::Write(_, key, value) => key.len() + value.len(),
            Self::Written(_) => 0,
            Self::Read(_, key) => key.len(),
            Self::Found(_, value) => value.as_ref().map_or(0, Bytes::len),
        };
        8 + bytes as u32
    }
}

/// A user says: begin, on and on.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Begin;

impl Datum for Begin {
    fn kind(&self) -> Kind {
        Kind("begin")
    }
}

/// A client has waited too long.
#[derive(Clone, Debug, Hash)]
pub(crate) struct GiveUp;

impl Datum for GiveUp {
    fn kind(&self) -> Kind {
        Kind("give-up")
    }
}

/// A node.
#[derive(Clone)]
pub(crate) enum Node {
    /// Answers what it is asked.
    Replica(Box<dyn Engine>),
    /// Answers a write when it is durable.
    Durable(Durable),
    /// Has one operation open.
    Client(Client),
}

/// A replica that syncs, one sync after the other: what is written meanwhile goes with the next.
#[derive(Clone)]
pub(crate) struct Durable {
    engine: Box<dyn Engine>,
    /// Who waits for the sync that is under way, and whose write came after it began.
    waiting: Vec<(NodeId, u64)>,
    next: Vec<(NodeId, u64)>,
}

impl Durable {
    fn write(
        &mut self,
        from: NodeId,
        message: Message,
        cx: &mut Context<'_, Node>,
    ) -> Result<(), Halt> {
        let Message::Write(operation, key, value) = message else {
            return Err(Halt::Stopped(
                "a durable replica is only written to".to_owned(),
            ));
        };
        self.engine.put(cx.disk(), key, value)?;
        self.next.push((from, operation));
        self.begin_sync(cx)
    }

    fn begin_sync(&mut self, cx: &mut Context<'_, Node>) -> Result<(), Halt> {
        if self.waiting.is_empty() && !self.next.is_empty() {
            self.engine.sync_later(cx.disk())?;
            std::mem::swap(&mut self.waiting, &mut self.next);
        }
        Ok(())
    }

    fn on_synced(&mut self, ticket: SyncTicket, cx: &mut Context<'_, Node>) -> Result<(), Halt> {
        self.engine.on_synced(ticket);
        for (client, operation) in self.waiting.drain(..) {
            cx.send(client, Message::Written(operation));
        }
        self.begin_sync(cx)
    }
}

/// What the client remembers.
#[derive(Clone)]
pub(crate) struct Client {
    keys: Vec<Bytes>,
    operation: u64,
    /// Which of the keys the operation is about.
    key: usize,
    answers: u32,
    /// The newest write that any answer has shown.
    newest: u64,
    /// By key: the last write that is done.
    written: Vec<u64>,
    /// Whether it only writes, each time with a timer.
    durable: bool,
    timer: Option<TimerHandle>,
}

fn key_bytes(index: u64) -> Bytes {
    format!("k{index:05}").into()
}

impl Client {
    /// One that is about to begin.
    pub(crate) fn new(keys: u64, durable: bool) -> Self {
        Self {
            keys: (0..keys).map(key_bytes).collect(),
            operation: 0,
            key: 0,
            answers: 0,
            newest: 0,
            written: vec![0; keys as usize],
            durable,
            timer: None,
        }
    }

    /// What it asks all replicas next; `draw` says what and about which key.
    pub(crate) fn next(&mut self, draw: u64) -> Message {
        self.operation += 1;
        self.answers = 0;
        self.newest = 0;
        self.key = ((u128::from(draw) * self.keys.len() as u128) >> 64) as usize;
        let key = self.keys[self.key].clone();
        if draw & 1 == 0 && !self.durable {
            return Message::Read(self.operation, key);
        }
        let mut value = vec![b'v'; VALUE_BYTES];
        value[..8].copy_from_slice(&self.operation.to_be_bytes());
        Message::Write(self.operation, key, value.into())
    }

    /// Takes an answer; `true` when it completes the quorum of the open operation.
    pub(crate) fn take(&mut self, answer: &Message) -> bool {
        let is_write = match answer {
            Message::Written(operation) if *operation == self.operation => true,
            Message::Found(operation, value) if *operation == self.operation => {
                let bytes = value.as_ref().map(|value| value[..8].try_into());
                let number = bytes.map_or(0, |bytes| u64::from_be_bytes(bytes.expect("8 bytes")));
                self.newest = self.newest.max(number);
                false
            }
            // A late answer to what is done.
            _ => return false,
        };
        self.answers += 1;
        if self.answers != QUORUM {
            return false;
        }
        if is_write {
            self.written[self.key] = self.operation;
        } else {
            assert!(
                self.newest == self.written[self.key],
                "a quorum read write {} and not {}",
                self.newest,
                self.written[self.key]
            );
        }
        true
    }
}

impl Node {
    fn ask(client: &mut Client, cx: &mut Context<'_, Self>) {
        let draw = cx.random().next_u64();
        let message = client.next(draw);
        for replica in 1..REPLICAS {
            cx.send(NodeId(replica), message.clone());
        }
        cx.send(NodeId(0), message);
        if client.durable {
            if let Some(timer) = client.timer.take() {
                cx.cancel_timer(timer);
            }
            client.timer = Some(cx.set_timer(TIMEOUT, GiveUp));
        }
    }
}

impl Process for Node {
    type Config = Role;
    type Message = Message;
    type Timer = GiveUp;
    type Request = Begin;
    type Reply = ();
    type Note = ();

    fn boot(role: &Role, cx: &mut Context<'_, Self>) -> Result<Self, Halt> {
        Ok(match role {
            Role::Replica(kind) | Role::DurableReplica(kind) => {
                let opened = open_engine(*kind, cx.disk(), &EngineOptions::default());
                let (engine, _) = opened?;
                if matches!(role, Role::Replica(_)) {
                    Self::Replica(engine)
                } else {
                    Self::Durable(Durable {
                        engine,
                        waiting: Vec::new(),
                        next: Vec::new(),
                    })
                }
            }
            Role::Client { keys, durable } => Self::Client(Client::new(*keys, *durable)),
        })
    }

    fn on_message(
        &mut self,
        from: NodeId,
        message: Message,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        match self {
            Self::Replica(engine) => {
                let answer = answer(engine.as_mut(), message, cx.disk())?;
                cx.send(from, answer);
            }
            Self::Durable(replica) => replica.write(from, message, cx)?,
            Self::Client(client) => {
                if client.take(&message) {
                    Self::ask(client, cx);
                }
            }
        }
        Ok(())
    }

    fn on_timer(&mut self, GiveUp: GiveUp, _: &mut Context<'_, Self>) -> Result<(), Halt> {
        Err(Halt::Stopped("a client has waited too long".to_owned()))
    }

    fn on_synced(&mut self, ticket: SyncTicket, cx: &mut Context<'_, Self>) -> Result<(), Halt> {
        match self {
            Self::Durable(replica) => replica.on_synced(ticket, cx),
            Self::Replica(_) | Self::Client(_) => Ok(()),
        }
    }

    fn on_request(
        &mut self,
        _: RequestId,
        Begin: Begin,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        if let Self::Client(client) = self {
            Self::ask(client, cx);
        }
        Ok(())
    }
}

/// What a replica does, and answers.
pub(crate) fn answer(
    engine: &mut dyn Engine,
    message: Message,
    disk: &mut dyn Disk,
) -> Result<Message, Halt> {
    Ok(match message {
        Message::Write(operation, key, value) => {
            engine.put(disk, key, value)?;
            Message::Written(operation)
        }
        Message::Read(operation, key) => {
            let value = engine.get(disk, &key, None)?;
            Message::Found(operation, value)
        }
        Message::Written(_) | Message::Found(..) => {
            return Err(Halt::Stopped("a replica got an answer".to_owned()));
        }
    })
}

/// What the store is made of: its replicas, and after them its client.
pub(crate) fn spec(engine: EngineKind, keys: u64, trace: TraceLevel) -> WorldSpec<Node> {
    let client = Role::Client {
        keys,
        durable: false,
    };
    cluster_spec(&Role::Replica(engine), &client, 1, trace)
}

/// The store at its first instant, its client about to begin.
pub(crate) fn store(engine: EngineKind, keys: u64, trace: TraceLevel) -> World<Node> {
    begun(spec(engine, keys, trace))
}

/// The store whose writes are durable at its first instant, its clients about to begin.
pub(crate) fn durable_store(engine: EngineKind, keys: u64, trace: TraceLevel) -> World<Node> {
    let client = Role::Client {
        keys,
        durable: true,
    };
    begun(cluster_spec(
        &Role::DurableReplica(engine),
        &client,
        CLIENTS,
        trace,
    ))
}

fn cluster_spec(replica: &Role, client: &Role, clients: u32, trace: TraceLevel) -> WorldSpec<Node> {
    let durable = matches!(replica, Role::DurableReplica(_));
    let node = |name: String, config: Role| NodeSpec {
        name,
        config,
        service_time: Span::from_micros(1),
        inbox_capacity: 64,
        clock: ClockConfig::default(),
        disk: if durable {
            DiskConfig::default()
        } else {
            DiskConfig::instant()
        },
    };
    let replicas = (0..REPLICAS).map(|index| node(format!("replica-{index}"), replica.clone()));
    let name = |index| match clients {
        1 => "client".to_owned(),
        _ => format!("client-{index}"),
    };
    let clients = (0..clients).map(|index| node(name(index), client.clone()));
    let delay =
        Distribution::uniform(Span::from_millis(1), Span::from_millis(10)).expect("1 is below 10");
    WorldSpec {
        nodes: replicas.chain(clients).collect(),
        network: NetworkSpec::uniform(LinkSpec::fifo(delay)),
        trace,
    }
}

/// A cluster whose clients are about to begin.
fn begun(spec: WorldSpec<Node>) -> World<Node> {
    let count = spec.nodes.len() as u32;
    let mut world = World::new(Seed(1), spec);
    world.run_until(Instant::ZERO + Span::from_millis(100), &mut ());
    for client in REPLICAS..count {
        let path = PathKey::of_name("begin", u64::from(client - REPLICAS));
        world.invoke(NodeId(client), Begin, path, &mut ());
    }
    world
}

/// Puts all keys on every replica, as if each had been written once before the first of the client's operations.
pub(crate) fn load(world: &mut World<Node>, keys: u64) {
    for replica in 0..REPLICAS {
        let (process, disk) = world.process_and_disk_mut(NodeId(replica));
        let Some(Node::Replica(engine)) = process else {
            panic!("n{replica} is no replica that is up");
        };
        for key in 0..keys {
            let written = engine.put(disk, key_bytes(key), vec![0; VALUE_BYTES].into());
            written.expect("its disk has no faults");
        }
    }
}
