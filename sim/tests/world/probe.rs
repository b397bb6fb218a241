//! A process that does what its requests say, for forcing every rule of the world.

use seedbed_sim::*;

#[derive(Clone, Debug, Hash, PartialEq)]
pub(crate) enum Ask {
    /// Send `count` numbered messages to a node and answer at once.
    Send { to: NodeId, count: u32 },
    /// Append a KiB, sync (or not), then tell a node, then answer.
    Write { sync: bool, tell: NodeId },
    /// Append a KiB, begin a sync, and answer when it is done.
    WriteLater,
    /// Work for a while, then tell a node and answer.
    Work { span: Span, tell: NodeId },
    /// Set timers with these delays; cancel those at these indices.
    Timers {
        delays: Vec<Span>,
        cancel: Vec<usize>,
    },
    /// Never answer.
    Ignore,
    /// Stop.
    Halt,
    /// What do your clocks show? The answer is the monotonic one; the wall clock is noted.
    Clock,
    /// Append a KiB and sync, tell a node, append another, tell a node, then answer.
    WriteTwice {
        tell_between: NodeId,
        tell_after: NodeId,
    },
    /// Send a numbered message that no checksum guards, and answer at once.
    SendUnchecked { to: NodeId },
}

#[derive(Clone, Debug, Hash, PartialEq)]
pub(crate) struct Told(pub u32);

#[derive(Clone, Debug, Hash, PartialEq)]
pub(crate) struct Tick(pub usize);

#[derive(Clone, Debug, Hash, PartialEq)]
pub(crate) enum Heard {
    Booted { kib_found: u64 },
    Message { from: NodeId, number: u32 },
    Ticked(usize),
    Wall(WallTime),
}

#[derive(Clone, Debug, Hash, PartialEq)]
pub(crate) struct Done(pub u64);

macro_rules! datum {
    ($type:ty, $kind:literal) => {
        impl Datum for $type {
            fn kind(&self) -> Kind {
                Kind($kind)
            }
        }
    };
}
datum!(Ask, "ask");
datum!(Told, "told");
datum!(Tick, "tick");
datum!(Heard, "heard");
datum!(Done, "done");

/// Messages with numbers from here on are not guarded by a checksum.
pub(crate) const UNCHECKED: u32 = 1_000_000;

impl Payload for Told {
    fn size_bytes(&self) -> u32 {
        4
    }

    fn corrupt(&mut self, draw: u64) -> bool {
        if self.0 >= UNCHECKED {
            self.0 ^= 1 << (draw % 16);
        }
        self.0 >= UNCHECKED
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Probe {
    file: FileHandle,
    waiting: Vec<(SyncTicket, RequestId)>,
    told: u32,
}

impl Process for Probe {
    type Config = ();
    type Message = Told;
    type Timer = Tick;
    type Request = Ask;
    type Reply = Done;
    type Note = Heard;

    fn boot((): &(), cx: &mut Context<'_, Self>) -> Result<Self, Halt> {
        let file = cx.disk().open("journal", OpenMode::OpenOrCreate)?;
        cx.disk().sync_dir()?;
        let kib_found = cx.disk().len(file)? / 1024;
        cx.note(Heard::Booted { kib_found });
        Ok(Self {
            file,
            waiting: Vec::new(),
            told: 0,
        })
    }

    fn on_message(
        &mut self,
        from: NodeId,
        Told(number): Told,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        cx.note(Heard::Message { from, number });
        Ok(())
    }

    fn on_timer(&mut self, Tick(index): Tick, cx: &mut Context<'_, Self>) -> Result<(), Halt> {
        cx.note(Heard::Ticked(index));
        Ok(())
    }

    fn on_synced(&mut self, ticket: SyncTicket, cx: &mut Context<'_, Self>) -> Result<(), Halt> {
        if let Some(index) = self
            .waiting
            .iter()
            .position(|(waiting, _)| *waiting == ticket)
        {
            let (_, id) = self.waiting.remove(index);
            cx.reply(id, Outcome::Ok(Done(0)));
        }
        Ok(())
    }

    fn on_request(
        &mut self,
        id: RequestId,
        request: Ask,
        cx: &mut Context<'_, Self>,
    ) -> Result<(), Halt> {
        match request {
            Ask::Send { to, count } => {
                for _ in 0..count {
                    self.told += 1;
                    cx.send(to, Told(self.told));
                }
            }
            Ask::SendUnchecked { to } => {
                self.told += 1;
                cx.send(to, Told(UNCHECKED + self.told));
            }
            Ask::Write { sync, tell } => {
                cx.disk().append(self.file, &[b'x'; 1024])?;
                if sync {
                    cx.disk().sync(self.file)?;
                }
                cx.send(tell, Told(0));
            }
            Ask::WriteTwice {
                tell_between,
                tell_after,
            } => {
                cx.disk().append(self.file, &[b'x'; 1024])?;
                cx.disk().sync(self.file)?;
                cx.send(tell_between, Told(1));
                cx.disk().append(self.file, &[b'x'; 1024])?;
                cx.send(tell_after, Told(2));
            }
            Ask::WriteLater => {
                cx.disk().append(self.file, &[b'x'; 1024])?;
                self.waiting.push((cx.sync_later(self.file)?, id));
                return Ok(());
            }
            Ask::Work { span, tell } => {
                cx.spend(span);
                cx.send(tell, Told(1));
            }
            Ask::Timers { delays, cancel } => {
                let handles: Vec<_> = delays
                    .into_iter()
                    .enumerate()
                    .map(|(index, after)| cx.set_timer(after, Tick(index)))
                    .collect();
                cancel
                    .into_iter()
                    .for_each(|index| cx.cancel_timer(handles[index]));
            }
            Ask::Ignore => return Ok(()),
            Ask::Halt => return Err(Halt::Stopped("asked to".into())),
            Ask::Clock => {
                cx.note(Heard::Wall(cx.wall_clock()));
                let clock = cx.clock().as_nanos();
                cx.reply(id, Outcome::Ok(Done(clock)));
                return Ok(());
            }
        }
        cx.reply(id, Outcome::Ok(Done(0)));
        Ok(())
    }
}

/// What an onlooker heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ear {
    pub notes: Vec<(Instant, NodeId, Heard)>,
    pub replies: Vec<(Instant, RequestId, Outcome<Done>)>,
    pub records: Vec<Record>,
}

impl Observer<Probe> for Ear {
    fn on_record(&mut self, _: EventId, record: &Record, _: Kind) {
        self.records.push(*record);
    }
    fn on_reply(&mut self, _: EventId, at: Instant, request: RequestId, outcome: Outcome<Done>) {
        self.replies.push((at, request, outcome));
    }
    fn on_note(&mut self, _: EventId, at: Instant, node: NodeId, note: &Heard) {
        self.notes.push((at, node, note.clone()));
    }
}

impl Ear {
    /// The numbers that reached `node`, in order.
    pub(crate) fn numbers_at(&self, node: NodeId) -> Vec<u32> {
        let heard = self.notes.iter().filter(|(_, at, _)| *at == node);
        heard
            .filter_map(|(_, _, note)| {
                if let Heard::Message { number, .. } = note {
                    Some(*number)
                } else {
                    None
                }
            })
            .collect()
    }

    /// When `node` heard the first message.
    pub(crate) fn first_message_at(&self, node: NodeId) -> Option<Instant> {
        let is_message = |note: &Heard| matches!(note, Heard::Message { .. });
        self.notes
            .iter()
            .find(|(_, at, note)| *at == node && is_message(note))
            .map(|(at, ..)| *at)
    }

    /// The timers that fired, with their instants.
    pub(crate) fn ticks(&self) -> Vec<(Instant, usize)> {
        let tick = |(at, _, note): &(Instant, NodeId, Heard)| {
            if let Heard::Ticked(index) = note {
                Some((*at, *index))
            } else {
                None
            }
        };
        self.notes.iter().filter_map(tick).collect()
    }

    /// How many KiB each boot found.
    pub(crate) fn boots(&self) -> Vec<u64> {
        let boot = |(_, _, note): &(Instant, NodeId, Heard)| {
            if let Heard::Booted { kib_found } = note {
                Some(*kib_found)
            } else {
                None
            }
        };
        self.notes.iter().filter_map(boot).collect()
    }

    /// Why messages were dropped.
    pub(crate) fn drops(&self) -> Vec<DropReason> {
        let dropped = self
            .records
            .iter()
            .filter(|record| record.kind == RecordKind::Drop);
        dropped
            .map(|record| DropReason::from_detail(record.detail).unwrap())
            .collect()
    }
}
