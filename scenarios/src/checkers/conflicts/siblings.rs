//! **No sibling explosion**: no key has more siblings than so many.
//!
//! A store that keeps the outcomes of concurrent writes side by side returns a list of them, and trusts that some client
//! merges it. Where contexts are lost, or one version vector stands for many clients, siblings only grow (Preguiça et
//! al., Dotted Version Vectors, 2012). Riak warns of 25 siblings of a key and refuses a write at 100; this bound is 100
//! unless another is asked for.
//!
//! *Siblings* are the elements of a list that a look shows and that nobody wrote as a whole, at a key of whole values.
//! Judged by reads and, where somebody looked, by the final contents. O(looks × siblings).

use crate::history::{KeyId, OperationId};

use super::super::story::{clock, shorten, tell, user};
use super::super::{Question, Ruling, Unsupported, Witness};
use super::nothing_to_judge;
use super::objects::{Eye, Kind, kinds, looks};

/// How many siblings a key may have, unless another bound is asked for: what Riak refuses.
const SIBLINGS_MAX: u64 = 100;

/// So many of the writes behind the siblings are told.
const TOLD_MAX: usize = 4;

/// See the [module](self).
pub(in crate::checkers) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let history = question.history;
    let most = question.setting.terms.siblings.unwrap_or(SIBLINGS_MAX);
    let kinds = kinds(history);
    let looks = looks(question);
    let mut looked = false;
    let mut witnesses = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        if !matches!(kind, Kind::Whole | Kind::Untouched) {
            continue;
        }
        let key = KeyId(index as u32);
        for look in &looks[index] {
            looked = true;
            let siblings = look.value.and_then(|value| value.as_list());
            let Some(siblings) = siblings.filter(|it| it.len() as u64 > most) else {
                continue;
            };
            if look
                .value
                .is_some_and(|value| history.find_write(key, value).is_some())
            {
                continue;
            }
            let writes = siblings.iter().filter_map(|it| history.find_write(key, it));
            let mut operations: Vec<OperationId> = writes.take(TOLD_MAX).collect();
            let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
            let name = shorten(history.key_name(key));
            let count = siblings.len();
            let (at, who) = match look.eye {
                Eye::Read(read) => {
                    let reader = history.operation(read);
                    operations.push(read);
                    let at = reader.completed.as_ref().map_or(question.at, |it| it.at);
                    (at, format!("{} reads {name} and gets", user(reader)))
                }
                Eye::End(replica) => (
                    question.at,
                    format!("{} holds {name} with", shorten(replica)),
                ),
            };
            story.push(format!("{}  {who} {count} siblings", clock(at)));
            story.push(format!(
                "At most {most} siblings were promised: no-sibling-explosion falls."
            ));
            let summary = format!("{who} {count} siblings");
            witnesses.push(Witness::new(history, operations, at, summary, story));
        }
    }
    witnesses.sort_by_key(|witness| witness.at);
    if !looked {
        let reason = match kinds.contains(&Kind::Whole) {
            true => "nobody looked at what was written".to_owned(),
            false => nothing_to_judge(history, &kinds, "siblings"),
        };
        return Ok(Ruling::undecided(reason));
    }
    Ok(Ruling::from_witnesses(witnesses, 0))
}
