//! A bare quorum store: 5 replicas on a storage engine and a client that asks all of them and goes on when 3 have
//! answered, half reads and half writes, 1 to 10 ms apart.
//!
//! It is what a kernel is measured by, and no protocol to learn from: the one client numbers its writes, so that the
//! newest of three answers is the value; nobody fails, and nothing is repaired.

use bytes::Bytes;
use seedbed_protocols::storage::{Engine, EngineKind, EngineOptions, open_engine};
use seedbed_sim::{
    ClockConfig, Context, Datum, DiskConfig, Distribution, Halt, Instant, Kind, LinkSpec,
    NetworkSpec, NodeId, NodeSpec, PathKey, Payload, Process, RequestId, Seed, Span, SyncTicket,
    TraceLevel, World, WorldSpec,
};

/// How many replicas there are.
pub(crate) const REPLICAS: u32 = 5;
/// How many answers a client waits for.
pub(crate) const QUORUM: u32 = 3;
/// How long a value is, in bytes; the first 8 are the number of its write.
pub(crate) const VALUE_BYTES: usize = 100;

/// What a node is to be.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// Keeps keys on an engine.
    Replica(EngineKind),
    /// Asks on and on, about so many keys.
    Client {
        /// How many different keys it uses.
        keys: u64,
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

/// A node.
#[derive(Clone)]
pub(crate) enum Node {
    /// Answers what it is asked.
    Replica(Box<dyn Engine>),
    /// Has one operation open.
    Client(Client),
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
}

fn key_bytes(index: u64) -> Bytes {
    format!("k{index:05}").into()
}

impl Client {
    /// One that is about to begin.
    pub(crate) fn new(keys: u64) -> Self {
        Self {
            keys: (0..keys).map(key_bytes).collect(),
            operation: 0,
            key: 0,
            answers: 0,
            newest: 0,
            written: vec![0; keys as usize],
        }
    }

    /// What it asks all replicas next; `draw` says what and about which key.
    pub(crate) fn next(&mut self, draw: u64) -> Message {
        self.operation += 1;
        self.answers = 0;
        self.newest = 0;
        self.key = ((u128::from(draw) * self.keys.len() as u128) >> 64) as usize;
        let key = self.keys[self.key].clone();
        if draw & 1 == 0 {
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
    }
}

impl Process for Node {
    type Config = Role;
    type Message = Message;
    type Timer = ();
    type Request = Begin;
    type Reply = ();
    type Note = ();

    fn boot(role: &Role, cx: &mut Context<'_, Self>) -> Result<Self, Halt> {
        Ok(match role {
            Role::Replica(kind) => {
                let opened = open_engine(*kind, cx.disk(), &EngineOptions::default());
                let (engine, _) = opened.map_err(|error| Halt::Stopped(error.to_string()))?;
                Self::Replica(engine)
            }
            Role::Client { keys } => Self::Client(Client::new(*keys)),
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
                let answer = answer(engine.as_mut(), message, cx)?;
                cx.send(from, answer);
            }
            Self::Client(client) => {
                if client.take(&message) {
                    Self::ask(client, cx);
                }
            }
        }
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
fn answer(
    engine: &mut dyn Engine,
    message: Message,
    cx: &mut Context<'_, Node>,
) -> Result<Message, Halt> {
    let stopped = |error: seedbed_protocols::storage::EngineError| Halt::Stopped(error.to_string());
    Ok(match message {
        Message::Write(operation, key, value) => {
            engine.put(cx.disk(), key, value).map_err(stopped)?;
            Message::Written(operation)
        }
        Message::Read(operation, key) => {
            let value = engine.get(cx.disk(), &key, None).map_err(stopped)?;
            Message::Found(operation, value)
        }
        Message::Written(_) | Message::Found(..) => {
            return Err(Halt::Stopped("a replica got an answer".to_owned()));
        }
    })
}

/// The store at its first instant, its client about to begin.
pub(crate) fn store(engine: EngineKind, keys: u64, trace: TraceLevel) -> World<Node> {
    let node = |name: String, config: Role| NodeSpec {
        name,
        config,
        service_time: Span::from_micros(1),
        inbox_capacity: 64,
        clock: ClockConfig::default(),
        disk: DiskConfig::instant(),
    };
    let replica = |index: u32| node(format!("replica-{index}"), Role::Replica(engine));
    let client = node("client".to_owned(), Role::Client { keys });
    let delay =
        Distribution::uniform(Span::from_millis(1), Span::from_millis(10)).expect("1 is below 10");
    let mut world = World::new(
        Seed(1),
        WorldSpec {
            nodes: (0..REPLICAS).map(replica).chain([client]).collect(),
            network: NetworkSpec::uniform(LinkSpec::fifo(delay)),
            trace,
        },
    );
    world.run_until(Instant::ZERO, &mut ());
    let path = PathKey::of_name("begin", 0);
    world.invoke(NodeId(REPLICAS), Begin, path, &mut ());
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
