//! **Bounded staleness**: no read is further behind than so many versions, or than so much time.
//!
//! *k-staleness and t-staleness (Bailis et al., Probabilistically Bounded Staleness for Practical Partial Quorums, VLDB
//! 2012); a history is k-atomic (Aiyer, Alvisi and Bazzi, On the Availability of Non-strict Quorum Systems, DISC 2005)
//! only if no read is k versions or more behind.* How far a read was behind is measured by
//! [`measures`](crate::measures::staleness), which is where the definition stands; here it is compared with the bounds
//! that were asked for. What is measured is what is proven, a lower bound: a read that is accused was at least so stale.
//!
//! With a bound of no versions and no time this says: who reads sees every update that was surely there when they
//! began. That is weaker than linearizability, since reads at once with one update may still contradict each other.
//!
//! While a run goes on, [`live`] measures each read as it ends.
//!
//! By the history alone, with real time. Without a bound there is nothing to judge, and the reason says how far behind
//! reads were. Not judged where reads do not name their writes. O(n log n).

pub(super) mod live;

use seedbed_sim::Span;

use crate::history::{History, OperationId};
use crate::measures::{Behind, each_read};

use super::story::{between, left_behind, object, quote_or_nothing, tell, the_update, user};
use super::{Order, Question, Ruling, Terms, Unsupported, Witness};

const NO_READS: &str = "no read shows how old it was";
const NO_WHOLE_VALUES: &str = "only reads of whole values that were written show how old they are";

fn is_too_far(terms: &Terms, behind: &Behind) -> bool {
    terms.versions.is_some_and(|most| behind.versions > most)
        || terms.time.is_some_and(|most| behind.time > most)
}

/// See the [module](self).
pub(super) fn check(question: &Question<'_>) -> Result<Ruling, Unsupported> {
    let (history, setting) = (question.history, question.setting);
    if setting.order == Order::Session {
        let reason = "the history has no real time, so nobody knows how old a value was";
        return Ok(Ruling::undecided(reason));
    }
    let terms = setting.terms;
    let (mut versions, mut time, mut reads) = (0, Span::ZERO, 0_u64);
    // The one that ended first, and how many there are.
    let mut first: Option<Behind> = None;
    let mut count = 0_u64;
    let measured = each_read(history, setting, |behind| {
        reads += 1;
        versions = versions.max(behind.versions);
        time = time.max(behind.time);
        if is_too_far(&terms, &behind) {
            count += 1;
            let ended = |it: Behind| history.completed(it.read);
            first = first
                .filter(|before| ended(*before) < ended(behind))
                .or(Some(behind));
        }
    });
    if measured.is_none() {
        let reason = match history.first_repeated_write() {
            Some(write) => super::repeated(history, write),
            None => NO_WHOLE_VALUES.to_owned(),
        };
        return Ok(Ruling::undecided(reason));
    }
    if reads == 0 {
        return Ok(Ruling::undecided(NO_READS));
    }
    if terms.versions.is_none() && terms.time.is_none() {
        return Ok(Ruling::undecided(format!(
            "no bound was given; at worst, reads were {}",
            in_words(versions, time)
        )));
    }
    let mut ruling = Ruling::from_witnesses(
        first.iter().map(|it| stale(history, &terms, it)).collect(),
        0,
    );
    ruling.count(count);
    Ok(ruling)
}

/// `2 versions and 3 ms behind`.
fn in_words(versions: u64, time: Span) -> String {
    let many = if versions == 1 { "" } else { "s" };
    format!("{versions} version{many} and {time} behind")
}

fn stale(history: &History, asked: &Terms, behind: &Behind) -> Witness {
    let read = history.operation(behind.read);
    let newer = behind.passed_by.expect("a stale read was passed by");
    let update = history.operation(newer);
    let shown = match history.source(behind.read) {
        Some(crate::history::Source::Write(write)) => Some(write),
        _ => None,
    };
    let mut operations: Vec<OperationId> = shown.into_iter().chain([newer]).collect();
    operations.sort_unstable();
    operations.push(behind.read);
    let mut story: Vec<String> = operations.iter().map(|&id| tell(history, id)).collect();
    let bound = match (asked.versions, asked.time) {
        (Some(most), _) if behind.versions > most => {
            let many = if most == 1 { "" } else { "s" };
            format!("{most} version{many}")
        }
        (_, most) => most.unwrap_or_default().to_string(),
    };
    let more = match behind.versions {
        1 => String::new(),
        count => format!(", the first of {count} that the read missed,"),
    };
    let effective = read
        .invoked_at
        .as_nanos()
        .saturating_sub(behind.time.as_nanos());
    story.push(format!(
        "{}{more} had taken effect {} before the read began; the promise was at most {bound}: bounded-staleness falls.",
        super::story::capital(&the_update(update)),
        between(seedbed_sim::Instant::from_nanos(effective), read.invoked_at),
    ));
    let summary = format!(
        "{} read {} and got {}, not {}: {}",
        user(read),
        object(read),
        quote_or_nothing(read.returned()),
        left_behind(update),
        in_words(behind.versions, behind.time),
    );
    let at = read.completed.as_ref().expect("the read has ended").at;
    Witness::new(history, operations, at, summary, story)
}
