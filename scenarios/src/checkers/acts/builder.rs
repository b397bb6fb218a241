//! Puts acts into chains.

use std::collections::BTreeMap;

use crate::history::{History, Operation, OperationId};

use super::gather::Candidate;
use super::{Act, ActId, Acts, ChainWrites, Role, Source};

/// Puts acts into chains.
pub(super) struct Builder<'a> {
    history: &'a History,
    acts: Acts,
    /// The write of each operation.
    writes: Vec<Option<ActId>>,
    /// What reads name, until all writes are known.
    named: Vec<(ActId, OperationId)>,
    /// What reads of appends found, until all appends are known.
    lists: Vec<&'a [OperationId]>,
    /// The chains of each session.
    sessions: BTreeMap<u32, Vec<Chain>>,
}

/// Acts of a session that come one after the other.
struct Chain {
    number: usize,
    acts: Vec<ActId>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(history: &'a History) -> Self {
        Self {
            history,
            acts: Acts {
                all: Vec::with_capacity(history.operation_count()),
                chain_count: 0,
                lists: Vec::new(),
                writes: vec![Vec::new(); history.key_count()],
            },
            writes: vec![None; history.operation_count()],
            named: Vec::new(),
            lists: Vec::new(),
            sessions: BTreeMap::new(),
        }
    }

    pub(super) fn read(
        &mut self,
        operation: &Operation,
        named: Option<Candidate>,
        by_nobody: bool,
    ) {
        let source = match named {
            Some(Candidate::Update(update)) => {
                self.named.push((self.acts.all.len(), update));
                Source::Open
            }
            Some(Candidate::Initial) => Source::Initial,
            None if by_nobody => Source::Nobody,
            None => Source::Open,
        };
        self.push(operation, Role::Read(source));
    }

    pub(super) fn write(&mut self, operation: &Operation) {
        let act = self.push(operation, Role::Write);
        self.writes[operation.id.index()] = Some(act);
        let Act {
            key, chain, number, ..
        } = self.acts.all[act];
        let chains = &mut self.acts.writes[key.0 as usize];
        match chains.iter_mut().find(|it| it.chain == chain) {
            Some(it) => it.writes.push((number, act)),
            None => chains.push(ChainWrites {
                chain,
                writes: vec![(number, act)],
            }),
        }
    }

    fn push(&mut self, operation: &Operation, role: Role) -> ActId {
        let act = self.acts.all.len();
        let session = operation.session.0;
        let (after, goes_on) = self.predecessors(operation);
        let chains = self.sessions.entry(session).or_default();
        // What has an unknown outcome comes before nothing, so that no chain goes on from it.
        let (chain, number) = match goes_on {
            Some(index) if operation.is_ok() => {
                chains[index].acts.push(act);
                let len = u32::try_from(chains[index].acts.len()).expect("acts fit in 32 bits");
                (chains[index].number, len)
            }
            _ => {
                let number = self.acts.chain_count;
                self.acts.chain_count += 1;
                if operation.is_ok() {
                    let acts = vec![act];
                    chains.push(Chain { number, acts });
                }
                (number, 1)
            }
        };
        self.acts.all.push(Act {
            operation: operation.id,
            session,
            key: self.history.key_id(operation.id),
            chain,
            number,
            after,
            role,
        });
        act
    }

    /// The last acts that come before an operation, one for each chain of its session, and a chain that may go on with it.
    fn predecessors(&self, operation: &Operation) -> (Vec<ActId>, Option<usize>) {
        let chains = self.sessions.get(&operation.session.0);
        let chains = chains.map_or(&[][..], Vec::as_slice);
        let last = self.acts.all.len().checked_sub(1);
        if let Some(half) = last.filter(|&act| self.acts.all[act].operation == operation.id) {
            let own = |chain: &Chain| chain.acts.last() == Some(&half);
            return (vec![half], chains.iter().position(own));
        }
        let begins = Some(self.history.invoked(operation.id));
        let mut after = Vec::new();
        let mut goes_on = None;
        for (index, chain) in chains.iter().enumerate() {
            let ended = |&act: &ActId| self.history.completed(self.acts.all[act].operation);
            let before = chain.acts.partition_point(|act| ended(act) < begins);
            after.extend(before.checked_sub(1).map(|place| chain.acts[place]));
            if before == chain.acts.len() {
                goes_on = goes_on.or(Some(index));
            }
        }
        (after, goes_on)
    }

    pub(super) fn read_list(&mut self, operation: &Operation, list: &'a [OperationId]) {
        self.push(operation, Role::Read(Source::List(self.lists.len())));
        self.lists.push(list);
    }

    pub(super) fn finish(mut self) -> Acts {
        let act = |update: &OperationId| {
            self.writes[update.index()].expect("what a read names took effect")
        };
        let lists = self.lists.iter();
        self.acts.lists = lists.map(|list| list.iter().map(act).collect()).collect();
        for (act, update) in self.named {
            let write = self.writes[update.index()].expect("what a read names took effect");
            self.acts.all[act].role = Role::Read(Source::Write(write));
        }
        self.acts
    }
}
