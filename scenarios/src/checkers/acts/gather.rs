//! What reads name, and the choices where that is not certain.

use std::collections::BTreeMap;

use crate::checkers::story::{object, quote_or_nothing, tell};
use crate::checkers::{Finding, Model, NullRead, Question, Ruling, Unsupported, Witness};
use crate::history::{Function, History, KeyId, Operation, OperationId, Place, Value};

use super::Acts;
use super::builder::Builder;
use super::lists::{Appends, Found};

/// What a read may name, before anybody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Candidate {
    Initial,
    Update(OperationId),
}

/// A history as the judge reads it, before anybody chose what ambiguous reads name.
struct Gathered<'a> {
    question: &'a Question<'a>,
    /// For each operation that reads: what it may name. Empty: nobody wrote it.
    candidates: BTreeMap<OperationId, Vec<Candidate>>,
    /// Those with several candidates.
    ambiguous: Vec<OperationId>,
    /// What reads of appends found.
    lists: BTreeMap<OperationId, Vec<OperationId>>,
}

/// What keys may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objects {
    /// Registers alone.
    Registers,
    /// Registers, and texts and lists that are appended to.
    RegistersAndLists,
}

/// What a judge of acts says: the proofs it found, or why it can't tell, and the states it looked at.
pub(crate) type Judged = (Result<Vec<Witness>, String>, u64);

/// Rules by a judge of acts, whatever ambiguous reads name.
///
/// # Errors
/// When an operation has a function that registers do not know.
pub(crate) fn settle(
    question: &Question<'_>,
    objects: Objects,
    judge: impl Fn(&History, &Acts, u64) -> Judged,
) -> Result<Ruling, Unsupported> {
    let gathered = match gather(question, objects) {
        Ok(gathered) => gathered,
        Err(reason) => {
            let finding = Finding::Undecided(reason);
            return Ok(Ruling { finding, states: 0 });
        }
    };
    let history = question.history;
    let budget = question.setting.budget.states;
    let (open, mut states) = judge(history, &gathered.acts(&BTreeMap::new()), budget);
    let witnesses = match open {
        Ok(witnesses) => witnesses,
        Err(reason) => {
            let finding = Finding::Undecided(reason);
            return Ok(Ruling { finding, states });
        }
    };
    if !witnesses.is_empty() || gathered.ambiguous.is_empty() {
        return Ok(Ruling::from_witnesses(witnesses, states));
    }
    let mut proofs: Vec<Witness> = Vec::new();
    for choice in gathered.choices() {
        let acts = gathered.acts(&choice);
        if states + acts.all.len() as u64 > budget {
            let finding = Finding::Undecided(gathered.why_ambiguous("the budget ran out"));
            return Ok(Ruling { finding, states });
        }
        let (found, cost) = judge(history, &acts, budget - states);
        states += cost;
        match found {
            Ok(witnesses) if witnesses.is_empty() => {
                return Ok(Ruling::from_witnesses(Vec::new(), states));
            }
            Ok(witnesses) => proofs.extend(witnesses.into_iter().next()),
            Err(reason) => {
                let finding = Finding::Undecided(reason);
                return Ok(Ruling { finding, states });
            }
        }
    }
    Ok(Ruling::from_witnesses(
        vec![all_choices(history, &gathered.ambiguous, &proofs)],
        states,
    ))
}

/// The proof that no choice helps is made of the proofs against each.
fn all_choices(history: &History, ambiguous: &[OperationId], proofs: &[Witness]) -> Witness {
    let last = proofs.last().expect("every choice was refuted");
    let mut operations: Vec<OperationId> = proofs
        .iter()
        .flat_map(|proof| proof.operations.iter().copied())
        .chain(ambiguous.iter().copied())
        .collect();
    operations.sort_unstable();
    operations.dedup();
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    story.push(format!(
        "Whichever updates the reads with several explanations found: {}",
        last.story.last().map_or("", String::as_str)
    ));
    Witness::new(history, operations, last.at, last.summary.clone(), story)
}

fn gather<'a>(question: &'a Question<'a>, objects: Objects) -> Result<Gathered<'a>, String> {
    let history = question.history;
    let mut gathered = Gathered {
        question,
        candidates: BTreeMap::new(),
        ambiguous: Vec::new(),
        lists: BTreeMap::new(),
    };
    let updates = Updates::of(history);
    let appends = Appends::of(history);
    if let Some(reason) = appends.unclear() {
        return Err(reason.to_owned());
    }
    for operation in history.operations() {
        match &operation.function {
            Function::Read if operation.is_ok() => {
                let value = operation.returned();
                if gathered.read_list(&appends, operation, value)? {
                    continue;
                }
                if value.is_some() || question.setting.null_read == NullRead::Initial {
                    gathered.read(&updates, operation, value);
                }
            }
            Function::CompareAndSet { expected, .. } if !operation.is_fail() => {
                gathered.read(&updates, operation, expected.as_ref());
            }
            Function::Read
            | Function::Write(_)
            | Function::Delete
            | Function::CompareAndSet { .. } => {}
            Function::Append(_) if objects == Objects::RegistersAndLists => {}
            other => {
                return Err(format!(
                    "{} is no function of a register, and this guarantee is defined by what reads of registers name",
                    other.name()
                ));
            }
        }
    }
    Ok(gathered)
}

/// Who may have left which value behind.
struct Updates<'a> {
    history: &'a History,
    /// All writers of each value, where values repeat.
    by_value: Option<BTreeMap<(KeyId, &'a Value), Vec<OperationId>>>,
    deletes: BTreeMap<KeyId, Vec<OperationId>>,
}

impl<'a> Updates<'a> {
    fn of(history: &'a History) -> Self {
        let mut deletes: BTreeMap<KeyId, Vec<OperationId>> = BTreeMap::new();
        let may_have_happened = || history.operations().filter(|o| !o.is_fail());
        for operation in may_have_happened().filter(|o| o.function == Function::Delete) {
            let key = history.key_id(operation.id);
            deletes.entry(key).or_default().push(operation.id);
        }
        let by_value = history.first_repeated_write().map(|_| {
            let mut all: BTreeMap<(KeyId, &Value), Vec<OperationId>> = BTreeMap::new();
            for operation in may_have_happened() {
                if let Some(value) = operation.written() {
                    let key = history.key_id(operation.id);
                    all.entry((key, value)).or_default().push(operation.id);
                }
            }
            all
        });
        Self {
            history,
            by_value,
            deletes,
        }
    }

    fn of_value(&self, key: KeyId, value: Option<&Value>) -> Vec<OperationId> {
        let Some(value) = value else {
            return self.deletes.get(&key).cloned().unwrap_or_default();
        };
        if let Some(by_value) = &self.by_value {
            return by_value.get(&(key, value)).cloned().unwrap_or_default();
        }
        let write = self.history.find_write(key, value);
        let write = write.filter(|&id| !self.history.operation(id).is_fail());
        write.into_iter().collect()
    }
}

/// Whether a value is what is there before anybody appends.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.is_empty(),
        Value::List(list) => list.is_empty(),
        _ => false,
    }
}

impl Gathered<'_> {
    fn read(&mut self, updates: &Updates<'_>, operation: &Operation, value: Option<&Value>) {
        let key = updates.history.key_id(operation.id);
        let mut candidates: Vec<Candidate> = Vec::new();
        let is_list = self.question.setting.model == Model::AppendKv;
        let something =
            |value: Option<&'_ Value>| value.filter(|it| !(is_list && is_empty(it))).cloned();
        if something(value) == something(self.question.setting.initial.as_ref()) {
            candidates.push(Candidate::Initial);
        }
        let writers = updates.of_value(key, value).into_iter();
        let writers = writers.filter(|&id| id != operation.id);
        candidates.extend(writers.map(Candidate::Update));
        if candidates.len() > 1 {
            self.ambiguous.push(operation.id);
        }
        self.candidates.insert(operation.id, candidates);
    }

    /// Notes what a read of appends found. Whether it is one.
    fn read_list(
        &mut self,
        appends: &Appends<'_>,
        operation: &Operation,
        value: Option<&Value>,
    ) -> Result<bool, String> {
        let initial = self.question.setting.initial.as_ref();
        let key = self.question.history.key_id(operation.id);
        let Some(found) = appends.find(key, value) else {
            return Ok(false);
        };
        if initial.is_some_and(|value| !is_empty(value)) {
            return Err("keys that are appended to hold something at first".to_owned());
        }
        if value.is_none() && self.question.setting.null_read == NullRead::Any {
            return Ok(true);
        }
        match found {
            Found::Elements(elements) => {
                self.lists.insert(operation.id, elements);
            }
            Found::Nobody => {
                self.candidates.insert(operation.id, Vec::new());
            }
            Found::Unclear(reason) => return Err(reason),
        }
        Ok(true)
    }

    fn why_ambiguous(&self, then: &str) -> String {
        let id = self.ambiguous[0];
        let operation = self.question.history.operation(id);
        let read = match &operation.function {
            Function::CompareAndSet { expected, .. } => expected.as_ref(),
            _ => operation.returned(),
        };
        format!(
            "{} of {} is what several updates left behind, so that a read does not name its update (and {} such reads), \
             and {then}",
            quote_or_nothing(read),
            object(operation),
            self.ambiguous.len(),
        )
    }

    /// The likely choices, then all of them, each as what the ambiguous reads name.
    fn choices(&self) -> impl Iterator<Item = BTreeMap<OperationId, Candidate>> + '_ {
        let likely = [Likely::Latest, Likely::Own].map(|likely| {
            let chosen = self.ambiguous.iter();
            chosen
                .map(|&id| (id, self.likely(id, likely)))
                .collect::<BTreeMap<_, _>>()
        });
        let mut next: Option<Vec<usize>> = Some(vec![0; self.ambiguous.len()]);
        let all = std::iter::from_fn(move || {
            let digits = next.take()?;
            let choice = self
                .ambiguous
                .iter()
                .zip(&digits)
                .map(|(id, &digit)| (*id, self.candidates[id][digit]))
                .collect();
            next = self.counted_up(digits);
            Some(choice)
        });
        likely.into_iter().chain(all)
    }

    fn counted_up(&self, mut digits: Vec<usize>) -> Option<Vec<usize>> {
        for (id, digit) in self.ambiguous.iter().zip(&mut digits) {
            *digit += 1;
            if *digit < self.candidates[id].len() {
                return Some(digits);
            }
            *digit = 0;
        }
        None
    }

    fn likely(&self, id: OperationId, likely: Likely) -> Candidate {
        let history = self.question.history;
        let reader = history.operation(id);
        let ended = history.completed(id).unwrap_or(Place(u32::MAX));
        let fits = |candidate: &&Candidate| match candidate {
            Candidate::Initial => true,
            Candidate::Update(update) => history.invoked(*update) < ended,
        };
        let is_own = |candidate: &&Candidate| match candidate {
            Candidate::Initial => false,
            Candidate::Update(update) => history.operation(*update).session == reader.session,
        };
        let candidates = &self.candidates[&id];
        let earlier = || candidates.iter().filter(fits);
        let own = earlier().rfind(is_own);
        let found = match likely {
            Likely::Latest => earlier().next_back(),
            Likely::Own => own.or_else(|| earlier().next_back()),
        };
        *found.unwrap_or(&candidates[0])
    }

    /// The acts, where the ambiguous reads name what was chosen, or nothing.
    fn acts(&self, choice: &BTreeMap<OperationId, Candidate>) -> Acts {
        let history = self.question.history;
        let named = |id: &OperationId| match &self.candidates[id][..] {
            [] => None,
            [only] => Some(*only),
            _ => choice.get(id).copied(),
        };
        let mut is_read = vec![false; history.operation_count()];
        for id in self.candidates.keys() {
            let returned = history.operation(*id).is_ok();
            if let (true, Some(Candidate::Update(update))) = (returned, named(id)) {
                is_read[update.index()] = true;
            }
        }
        for element in self.lists.values().flatten() {
            is_read[element.index()] = true;
        }
        self.follow_unknown(&mut is_read, &named);
        let mut builder = Builder::new(history);
        for operation in history.operations() {
            let id = operation.id;
            let happened = operation.is_ok() || is_read[id.index()];
            if !happened || operation.is_fail() {
                continue;
            }
            if let Some(candidates) = self.candidates.get(&id) {
                builder.read(operation, named(&id), candidates.is_empty());
            }
            if let Some(list) = self.lists.get(&id) {
                builder.read_list(operation, list);
            }
            if operation.is_update() {
                builder.write(operation);
            }
        }
        builder.finish()
    }

    /// A compare-and-set with an unknown outcome that took effect read something, too.
    fn follow_unknown(
        &self,
        is_read: &mut [bool],
        named: &impl Fn(&OperationId) -> Option<Candidate>,
    ) {
        let unknown: Vec<&OperationId> = self
            .candidates
            .keys()
            .filter(|id| !self.question.history.operation(**id).is_ok())
            .collect();
        let mut is_changed = true;
        while is_changed {
            is_changed = false;
            for id in &unknown {
                if let (true, Some(Candidate::Update(update))) = (is_read[id.index()], named(id)) {
                    is_changed |= !is_read[update.index()];
                    is_read[update.index()] = true;
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Likely {
    /// The update that was invoked last before the read ended.
    Latest,
    /// The reader's own last one.
    Own,
}
