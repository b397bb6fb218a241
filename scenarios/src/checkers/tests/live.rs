//! Session guarantees event by event: what is said of each beginning of a history is what the judge of the whole says of it.

use proptest::prelude::*;
use seedbed_sim::{Instant, Span};

use crate::checkers::{
    CATALOG, CatalogEntry, Finding, JudgeKind, Judgement, Ladder, News, Question, Setting, Terms,
    find,
};
use crate::history::sketch::{Sketch, write};
use crate::history::{Function, History, OperationId};

const SESSIONS: usize = 3;

/// What happens next, drawn: by whom, to which key, what, and how it ends.
type Draw = (usize, bool, u8, u8, u8);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Reads and writes of unique values, all of which are acknowledged: everything can be told event by event.
    Plain,
    /// And operations that fail or of which nobody knows the end.
    Unlucky,
    /// And deletes, repeated values, values from nowhere, and sessions that do two things at once.
    Strange,
}

/// A history of sessions that do one thing after the other, except in strange ones.
fn history(draws: &[Draw], kind: Kind) -> History {
    let mut s = Sketch::new();
    let mut open: Vec<Vec<OperationId>> = vec![Vec::new(); SESSIONS];
    let mut written: Vec<Vec<String>> = vec![Vec::new(); 2];
    for &(session, second, what, how, which) in draws {
        let key = usize::from(second);
        let may_begin = open[session].is_empty() || kind == Kind::Strange && what >= 250;
        if may_begin {
            let function = match what % 10 {
                0..=3 => {
                    let repeated = kind == Kind::Strange && how < 8;
                    let value = match written[key].first().filter(|_| repeated) {
                        Some(first) => first.clone(),
                        None => s.history.len().to_string(),
                    };
                    written[key].push(value.clone());
                    write(&value)
                }
                4 if kind == Kind::Strange => Function::Delete,
                _ => Function::Read,
            };
            let name = if second { "y" } else { "x" };
            open[session].push(s.begin_at(name, session as u32, function));
            continue;
        }
        let place = usize::from(which) % open[session].len();
        let id = open[session].swap_remove(place);
        let is_read = s.history.operation(id).function == Function::Read;
        match how {
            0..=30 if kind != Kind::Plain => s.fail(id),
            31..=60 if kind != Kind::Plain => s.info(id),
            61..=64 if is_read && kind == Kind::Strange => s.got(id, Some("9")),
            _ if is_read => {
                let of_key = &written[usize::from(&*s.history.operation(id).key == "y")];
                // Mostly something, and mostly not the oldest.
                let value = match usize::from(which) % (of_key.len() + 1) {
                    0 => None,
                    n => Some(of_key[of_key.len() - n].clone()),
                };
                s.got(id, value.as_deref());
            }
            _ => s.ok(id),
        }
    }
    s.history
}

/// What the judge of the whole says.
fn whole(entry: &CatalogEntry, terms: Terms, history: &History) -> Finding {
    let setting = Setting::default().on(terms);
    let question = Question {
        history,
        setting: &setting,
        finals: None,
        at: Instant::ZERO,
    };
    entry.judge(&question).expect("registers are known").finding
}

/// All that can go along where it is asked for, on some of the terms that each understands.
fn live() -> impl Iterator<Item = (&'static CatalogEntry, Terms)> {
    let entries = CATALOG
        .iter()
        .filter(|entry| matches!(entry.kind, JudgeKind::Live(..)));
    entries.flat_map(|entry| {
        let plain = Terms::default();
        let (versions, time) = (Some(1), Some(Span::from_millis(12)));
        let terms = match entry.name {
            "bounded-staleness" => vec![
                Terms {
                    versions: Some(0),
                    ..plain
                },
                Terms { versions, ..plain },
                Terms { time, ..plain },
            ],
            _ => vec![plain],
        };
        terms.into_iter().map(move |terms| (entry, terms))
    })
}

/// Goes along with a history, and compares what is said of each of its beginnings.
fn compare(entry: &CatalogEntry, terms: Terms, history: &History, kind: Kind) {
    let mut ladder = Ladder::asked(&[(entry.name, terms)]);
    let mut stands = false;
    for len in 1..=history.len() {
        let mut beginning = history.clone();
        beginning.cut(len);
        let mut news = Vec::new();
        ladder.observe(&beginning, &mut news);
        for it in news {
            match it {
                News::Fell(anomaly) if anomaly.check == entry.name => stands = true,
                News::Withdrawn(check) if check == entry.name => stands = false,
                _ => {}
            }
        }
        let verdicts = ladder.verdicts(&beginning);
        let verdict = verdicts.iter().find(|it| it.check == entry.name);
        let judgement = &verdict.expect("it was asked for").judgement;
        let expected = whole(entry, terms, &beginning);
        match judgement {
            Judgement::Holds => assert_eq!(expected, Finding::Holds, "{}", told(&beginning)),
            Judgement::Violated { first, .. } => {
                assert!(
                    matches!(expected, Finding::Violated { .. }),
                    "{}: {first:?}\n{}",
                    entry.name,
                    told(&beginning)
                );
            }
            Judgement::NotJudged(reason) | Judgement::Undecided(reason) => {
                let neither_says = matches!(expected, Finding::Undecided(_));
                assert!(
                    neither_says || kind == Kind::Strange,
                    "{}: {reason}",
                    entry.name
                );
            }
        }
        assert_eq!(stands, matches!(judgement, Judgement::Violated { .. }));
    }
}

fn told(history: &History) -> String {
    history.json_lines().collect::<Vec<_>>().join("\n")
}

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    prop::collection::vec(
        (
            0..SESSIONS,
            any::<bool>(),
            any::<u8>(),
            any::<u8>(),
            any::<u8>(),
        ),
        0..90,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_beginning_is_judged_as_the_judge_of_the_whole_judges_it(draws in draws()) {
        for (entry, terms) in live() {
            for kind in [Kind::Plain, Kind::Unlucky, Kind::Strange] {
                compare(entry, terms, &history(&draws, kind), kind);
            }
        }
    }
}

/// What an online checker finds, and withdraws.
fn news(check: &str, history: &History) -> Vec<News> {
    let mut news = Vec::new();
    Ladder::asked(&[(check, Terms::default())]).observe(history, &mut news);
    let of_check = |it: &News| match it {
        News::Fell(anomaly) => anomaly.check == check,
        News::Withdrawn(name) => *name == check,
    };
    news.retain(of_check);
    news
}

#[test]
fn a_circle_is_found_at_the_read_that_closes_it() {
    // Each reads the other's value after its own: figure 2a of the causal judges' paper.
    let mut s = Sketch::new();
    s.does(0, write("1"));
    s.does(1, write("2"));
    s.reads(0, Some("2"));
    let closes = s.reads(1, Some("1"));
    s.reads(0, Some("2"));
    for check in ["read-your-writes", "pram"] {
        match &news(check, &s.history)[..] {
            [News::Fell(anomaly)] => {
                assert_eq!(Some(anomaly.place), s.history.completed(closes), "{check}");
                let mut until = s.history.clone();
                until.cut(anomaly.place.0 as usize + 1);
                let expected = whole(find(check).expect("it is there"), Terms::default(), &until);
                let Finding::Violated { first, .. } = expected else {
                    panic!("{check}: {expected:?}");
                };
                assert_eq!(anomaly.witness, *first, "{check}");
            }
            other => panic!("{check}: {other:?}"),
        }
    }
    assert_eq!(news("monotonic-reads", &s.history), []);
}

#[test]
fn a_delete_that_comes_later_explains_what_was_missed_until_it_fails() {
    let mut s = Sketch::new();
    s.does(0, write("1"));
    let missed = s.reads(0, None);
    let delete = s.begin(1, Function::Delete);
    s.fail(delete);
    let news = news("read-your-writes", &s.history);
    let places: Vec<_> = news
        .iter()
        .map(|it| match it {
            News::Fell(anomaly) => Some(anomaly.place),
            News::Withdrawn(_) => None,
        })
        .collect();
    assert_eq!(
        places,
        [
            s.history.completed(missed),
            None,
            s.history.completed(delete)
        ]
    );
}

#[test]
fn a_read_too_far_behind_is_found_when_it_ends_or_when_no_delete_explains_it_any_more() {
    let fresh = Terms {
        versions: Some(0),
        ..Terms::default()
    };
    let places = |history: &History| -> Vec<_> {
        let mut news = Vec::new();
        Ladder::asked(&[("bounded-staleness", fresh)]).observe(history, &mut news);
        let of_check = news.into_iter().filter_map(|it| match it {
            News::Fell(anomaly) if anomaly.check == "bounded-staleness" => Some(anomaly),
            _ => None,
        });
        of_check.map(|it| (it.terms, Some(it.place))).collect()
    };
    let mut s = Sketch::new();
    s.does(0, write("1"));
    s.does(0, write("2"));
    let stale = s.reads(1, Some("1"));
    s.reads(1, Some("2"));
    assert_eq!(places(&s.history), [(fresh, s.history.completed(stale))]);

    let mut s = Sketch::new();
    s.does(0, write("1"));
    let delete = s.begin(0, Function::Delete);
    s.reads(1, None);
    s.fail(delete);
    assert_eq!(places(&s.history), [(fresh, s.history.completed(delete))]);
}

#[test]
fn a_fork_of_a_ladder_that_goes_along_goes_its_own_way() {
    let mut s = Sketch::new();
    s.does(0, write("1"));
    s.does(1, write("2"));
    s.reads(0, Some("2"));
    let mut one = Ladder::asked(&[("read-your-writes", Terms::default())]);
    one.observe(&s.history, &mut Vec::new());
    let (mut other, mut legal) = (one.clone(), s.clone());
    s.reads(1, Some("1"));
    legal.reads(1, Some("2"));
    let verdict = |ladder: &mut Ladder, history: &History| {
        ladder.observe(history, &mut Vec::new());
        let verdicts = ladder.verdicts(history);
        let found = verdicts.iter().find(|it| it.check == "read-your-writes");
        found.and_then(crate::checkers::Verdict::holds)
    };
    assert_eq!(verdict(&mut other, &legal.history), Some(true));
    assert_eq!(verdict(&mut one, &s.history), Some(false));
}

#[test]
fn only_those_that_are_asked_for_go_along_beside_the_standing_ones() {
    let names = |ladder: &Ladder| -> Vec<&str> {
        let verdicts = ladder.verdicts(&History::new());
        verdicts.iter().map(|it| it.check).collect()
    };
    let standing = [
        "read-your-writes-in-real-time",
        "monotonic-reads-in-real-time",
    ];
    assert_eq!(names(&Ladder::new()), standing);
    assert_eq!(
        names(&Ladder::asked(
            &["pram", "durability", "linearizable"].map(|it| (it, Terms::default()))
        )),
        [standing[0], standing[1], "pram"]
    );
}
