//! Sweeps made of invented lines, and of real runs.

use seedbed_sim::Seed;

use super::*;
use crate::catalog;
use crate::session::{self, Keep};

fn header(seeds: &str, until: Until, shard: &str) -> Header {
    let scenario = catalog::load("ddia/5-3").expect("it is in the catalog");
    let seeds = seeds.parse().expect("seeds");
    let mut header = Header::new("ddia/5-3", "text", &scenario, seeds, until);
    header.shard = shard.parse().expect("a shard");
    header
}

/// What came of a seed: an invented line that depends on the seed alone.
fn ran(seed: u64, failing: bool) -> Ran {
    let outcome = |bad| match bad {
        true => Outcome::Violated,
        false => Outcome::Holds,
    };
    let line = Line {
        seed,
        failing,
        unmet: match failing {
            true => vec!["durability holds".to_owned()],
            false => Vec::new(),
        },
        verdicts: vec![
            (
                "read-your-writes-in-real-time".to_owned(),
                outcome(seed.is_multiple_of(3)),
            ),
            ("durability".to_owned(), outcome(failing)),
            ("convergence".to_owned(), Outcome::NotJudged),
        ],
        ended: "healed and settled".to_owned(),
        events: 1_000 - seed,
        digest: format!("{seed:016x}"),
        virtual_ns: seed * 1_000_000,
        measures: Measures {
            ok: seed,
            ..Measures::default()
        },
    };
    Ran {
        line,
        difference: None,
    }
}

fn seeds(text: &str) -> Seeds {
    text.parse().expect("seeds")
}

#[test]
fn ranges_and_shards_read_as_they_are_written_and_say_what_is_wrong() {
    assert_eq!(seeds("1..1001").count(), 1_000);
    assert_eq!(seeds("0..18446744073709551615").count(), u64::MAX);
    for text in [
        "",
        "5",
        "1..",
        "..5",
        "1...5",
        "-1..5",
        "+1..5",
        "1..=5",
        "a..b",
        "5..18446744073709551616",
    ] {
        let why = text.parse::<Seeds>().expect_err(text);
        assert!(why.contains("1..1001"), "{text}: {why}");
    }
    for text in ["5..5", "6..5"] {
        let why = text.parse::<Seeds>().expect_err(text);
        assert!(why.contains("no seed in"), "{text}: {why}");
    }
    assert_eq!(
        "2/3".parse::<Shard>().map(|s| s.to_string()),
        Ok("2/3".to_owned())
    );
    for text in ["", "2", "0/3", "4/3", "1/0", "/", "a/b", "-1/3", "1/3/4"] {
        assert!(text.parse::<Shard>().is_err(), "{text}");
    }
}

#[test]
fn shards_cover_a_range_once_whatever_their_number() {
    for range in ["1..11", "5..6", "0..18446744073709551615", "7..1000007"] {
        let range = seeds(range);
        for count in [1, 2, 3, 7, 16, 1000] {
            let mut next = range.from;
            for index in 1..=count {
                let own = range.of_shard(Shard { index, count });
                assert_eq!(own.from, next);
                let even = u128::from(range.count()) / u128::from(count);
                assert!(u128::from(own.count()) - even <= 1);
                next = own.to;
            }
            assert_eq!(next, range.to);
        }
    }
}

#[test]
fn lines_come_back_as_they_were_and_in_their_order() {
    let line = ran(9, true).line;
    assert_eq!(Line::from_json(&line.to_json()), Ok(line.clone()));
    assert_eq!(
        Line::from_json(&line.to_json()).unwrap().to_json(),
        line.to_json()
    );
    assert!(
        line.to_json()
            .contains(r#""verdicts":{"read-your-writes-in-real-time":"violated","durability":"#)
    );
    let header = header("1..11", Until::First, "2/3");
    assert_eq!(Header::from_json(&header.to_json()), Ok(header));
}

#[test]
fn what_is_no_header_is_refused_in_words() {
    let good = header("1..11", Until::All, "1/1").to_json();
    let bad = [
        ("", "not the header"),
        ("{}", "not the header"),
        ("[1]", "not the header"),
        (r#"{"kind":"trace","schema":1}"#, "not the header"),
        (
            &good.replace("\"schema\":1", "\"schema\":2"),
            "schema 2, and this program reads schema 1",
        ),
        (
            &good.replace("\"until\":\"all\"", "\"until\":\"later\""),
            "unknown variant",
        ),
        (
            &good.replace("\"from\":1,", "\"from\":11,"),
            "no seed in 11..11",
        ),
        (&good.replace("\"index\":1", "\"index\":0"), "no shard 0/1"),
        (
            &good.replace("\"kind\"", "\"extra\":1,\"kind\""),
            "unknown field",
        ),
    ];
    for (text, why) in bad {
        let said = Header::from_json(text).expect_err(text);
        assert!(said.contains(why), "{said}");
    }
}

/// All orders in which four workers may bring ten seeds would be too many; these are the nasty ones.
#[test]
fn lines_are_given_out_in_the_order_of_seeds_however_they_come() {
    let orders: [Vec<u64>; 4] = [
        (1..11).collect(),
        (1..11).rev().collect(),
        vec![2, 1, 4, 3, 6, 5, 8, 7, 10, 9],
        vec![5, 6, 7, 8, 9, 10, 4, 3, 2, 1],
    ];
    for failing in [vec![], vec![3], vec![3, 7], vec![1], vec![10]] {
        for until in [Until::First, Until::All] {
            for order in &orders {
                let mut out = Order::new(seeds("1..11"), until);
                let mut lines = Vec::new();
                for seed in order {
                    // A worker does not begin what is not wanted any more.
                    if *seed < out.end() {
                        out.put(ran(*seed, failing.contains(seed)));
                    }
                    lines.extend(std::iter::from_fn(|| out.take_next()).map(|ran| ran.line.seed));
                }
                let last = match (until, failing.first()) {
                    (Until::First, Some(first)) => *first,
                    _ => 10,
                };
                assert!(out.is_complete());
                assert_eq!(
                    lines,
                    (1..=last).collect::<Vec<_>>(),
                    "{until} {failing:?} {order:?}"
                );
            }
        }
    }
}

/// A file's reader, after so many good lines.
fn reader(header: Header, lines: u64, failing: u64) -> Reader {
    let mut reader = Reader::new(header);
    for seed in (reader.next_seed()..).take(lines as usize) {
        let line = ran(seed, seed == failing).line.to_json();
        reader.take(&line).expect("it is the next one");
    }
    reader
}

#[test]
fn a_reader_wants_every_seed_once_and_in_order() {
    let mut reader = reader(header("1..11", Until::All, "2/2"), 2, 0);
    assert_eq!((reader.next_seed(), reader.is_complete()), (8, false));
    for (line, why) in [
        (
            ran(9, false).line.to_json(),
            "seed 9 stands where seed 8 belongs",
        ),
        (
            ran(7, false).line.to_json(),
            "seed 7 stands where seed 8 belongs",
        ),
        ("{\"seed\":8".to_owned(), "not a line of a sweep"),
        (String::new(), "not a line of a sweep"),
    ] {
        let said = reader.take(&line).expect_err(&line);
        assert!(said.contains(why), "{said}");
    }
    for seed in 8..11 {
        reader
            .take(&ran(seed, true).line.to_json())
            .expect("the next");
    }
    assert!(reader.is_complete());
    let said = reader
        .take(&ran(11, true).line.to_json())
        .expect_err("too much");
    assert!(said.contains("its seeds are 6..11"), "{said}");
}

#[test]
fn nothing_follows_the_first_failing_seed_where_that_was_enough() {
    let mut reader = reader(header("1..11", Until::First, "1/1"), 4, 4);
    assert!(reader.is_complete());
    let said = reader
        .take(&ran(5, true).line.to_json())
        .expect_err("too much");
    assert!(said.contains("first seed that fails"), "{said}");
}

fn planned(files: &[Header]) -> Result<Vec<usize>, String> {
    let named = |(index, header): (usize, &Header)| (format!("{index}.jsonl"), header.clone());
    let files: Vec<_> = files.iter().enumerate().map(named).collect();
    let planned = merge::plan(&files).map_err(|refused| refused.to_string())?;
    assert_eq!(planned.whole.shard, Shard::WHOLE);
    Ok(planned.order)
}

#[test]
fn shards_go_together_in_any_order_and_however_they_were_cut() {
    let shard = |name: &str| header("1..13", Until::All, name);
    assert_eq!(
        planned(&[shard("3/3"), shard("1/3"), shard("2/3")]),
        Ok(vec![1, 2, 0])
    );
    assert_eq!(planned(&[shard("1/1")]), Ok(vec![0]));
    assert_eq!(
        planned(&[shard("2/4"), shard("1/4"), shard("2/2")]),
        Ok(vec![1, 0, 2])
    );
    let many: Vec<Header> = (1..=30).map(|n| shard(&format!("{n}/30"))).collect();
    assert!(planned(&many).is_ok(), "some of them are empty");
}

#[test]
fn what_does_not_go_together_is_refused_by_file_and_reason() {
    let shard = |name: &str| header("1..13", Until::All, name);
    let mut foreign = shard("2/2");
    foreign.scenario = "ddia/5-4".to_owned();
    foreign.scenario_hash = "0".repeat(32);
    let mut edited = shard("2/2");
    edited.scenario_hash = "0".repeat(32);
    let mut old = shard("2/2");
    old.program = "0.0.9".to_owned();
    let cases = [
        (
            vec![shard("1/2"), shard("2/3"), shard("3/3")],
            "1.jsonl:1: seeds 5..7 are in 0.jsonl already",
        ),
        (
            vec![shard("1/2"), shard("2/2"), shard("2/2")],
            "2.jsonl:1: seeds 7..13 are in 1.jsonl already",
        ),
        (
            vec![shard("1/3"), shard("3/3")],
            "1.jsonl:1: seeds 5..9 are in none of the files (shard 2/3)",
        ),
        (
            vec![shard("2/3"), shard("3/3")],
            "0.jsonl:1: seeds 1..5 are in none of the files (shard 1/3)",
        ),
        (
            vec![shard("2/3"), shard("1/3")],
            "0.jsonl:1: seeds 9..13 are in none of the files (shard 3/3)",
        ),
        (vec![shard("1/12")], "(shard 2/12, 3/12, 4/12 and more)"),
        (
            vec![shard("1/2"), foreign],
            "1.jsonl:1: this is a sweep of ddia/5-4, and 0.jsonl is one of ddia/5-3",
        ),
        (
            vec![shard("1/2"), edited],
            "1.jsonl:1: this is a sweep of another text of ddia/5-3 than 0.jsonl",
        ),
        (
            vec![shard("1/2"), old],
            "1.jsonl:1: program version 0.0.9, where 0.jsonl has program version",
        ),
        (
            vec![shard("1/2"), header("1..12", Until::All, "2/2")],
            "1.jsonl:1: seeds 1..12, where 0.jsonl has seeds 1..13",
        ),
        (
            vec![shard("1/2"), header("1..13", Until::First, "2/2")],
            "1.jsonl:1: until first, where",
        ),
    ];
    for (files, why) in cases {
        let said = planned(&files).expect_err(why);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_file_that_breaks_off_says_what_is_still_to_come() {
    let whole = || header("1..11", Until::All, "1/1");
    let missing = |header, lines, failing| merge::missing(&reader(header, lines, failing));
    let said = missing(whole(), 4, 0).expect("six are missing");
    assert!(said.contains("seeds 5..11 are still to come"), "{said}");
    assert_eq!(missing(whole(), 10, 0), None);
    assert_eq!(missing(header("1..11", Until::First, "1/1"), 4, 4), None);
    assert!(missing(header("1..11", Until::First, "1/1"), 4, 0).is_some());
}

fn tally(failing: &[u64]) -> Tally {
    let mut tally = Tally::new(header("1..101", Until::All, "1/1"));
    (1..101).for_each(|seed| tally.add(&ran(seed, failing.contains(&seed)).line));
    tally
}

#[test]
fn a_tally_counts_finds_the_first_and_the_shortest_and_says_how_sure_it_is() {
    let summary = tally(&[40, 90, 17]).summary();
    assert_eq!((summary.runs, summary.failing.count), (100, 3));
    assert_eq!(summary.first_failing, Some(17));
    // Later seeds have fewer events here.
    let shortest = Shortest {
        events: 910,
        seed: 90,
    };
    assert_eq!(summary.shortest_failing, Some(shortest));
    let row = |check: &str| summary.verdicts.iter().find(|v| v.check == check).unwrap();
    let own = row("read-your-writes-in-real-time");
    assert_eq!((own.held, own.violated.count), (67, 33));
    assert_eq!(own.shortest.map(|s| s.seed), Some(99));
    let unjudged = row("convergence");
    assert_eq!((unjudged.not_judged, unjudged.violated.of), (100, 0));
    let unmet = |expect: &str| {
        summary
            .expectations
            .iter()
            .find(|e| e.expect == expect)
            .unwrap()
            .unmet
    };
    assert_eq!(
        unmet("read-your-writes-in-real-time is violated"),
        rate(0, 100)
    );
    assert_eq!(unmet("durability holds"), rate(3, 100));
    assert_eq!(summary.totals.ok, 5_050);
}

#[test]
fn the_shortest_of_equals_is_the_lowest_seed() {
    let mut tally = Tally::new(header("1..11", Until::All, "1/1"));
    for seed in [7, 3, 5] {
        let mut line = ran(seed, true).line;
        line.events = 10;
        tally.add(&line);
    }
    assert_eq!(tally.summary().shortest_failing.map(|s| s.seed), Some(3));
    assert_eq!(tally.summary().first_failing, Some(3));
}

#[test]
fn the_text_keeps_to_its_columns_and_holds_commands_to_paste() {
    let text = tally(&[40]).summary().to_text();
    assert!(
        text.contains("\nseedbed explore ddia/5-3 --seed 40  # a run that fails"),
        "{text}"
    );
    assert!(text.contains("NOT MET in 1 of 100 runs, 1.00 %"), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert_eq!(line, line.trim_end());
    }
    let none = tally(&[]).summary().to_text();
    assert!(none.contains("none of 100 runs fails"), "{none}");
    assert!(none.contains("at most 3.00 %"), "{none}");
}

#[test]
fn a_command_to_paste_is_quoted_where_a_shell_would_take_it_apart() {
    assert_eq!(
        replay_command("ddia/5-3", 7),
        "seedbed explore ddia/5-3 --seed 7"
    );
    assert_eq!(
        replay_command("my file's.toml", 7),
        "seedbed explore 'my file'\\''s.toml' --seed 7"
    );
    assert_eq!(replay_command("$(x)", 7), "seedbed explore '$(x)' --seed 7");
}

fn real(seed: u64) -> Ran {
    let scenario = catalog::load("lag/generated-load").expect("it is in the catalog");
    let open = |seed| {
        session::open(
            "lag/generated-load",
            scenario.clone(),
            Seed(seed),
            Keep::Digest,
        )
    };
    let once = run(seed, &open, Repeat::Once);
    let twice = run(seed, &open, Repeat::Compare);
    assert_eq!(once.line, twice.line, "checking changes nothing");
    assert!(twice.difference.is_none());
    once
}

#[test]
fn a_real_line_says_what_the_report_says() {
    let line = real(3).line;
    assert!(!line.failing && line.unmet.is_empty(), "{line:?}");
    let measures = &line.measures;
    assert!(measures.ok > 100 && line.events > 1_000 && line.virtual_ns > 1_000_000_000);
    assert_eq!(
        measures.latency.values().map(|l| l.count).sum::<u64>(),
        measures.ok
    );
    assert!(
        measures
            .lag
            .is_some_and(|lag| lag.entries_max > 0 && lag.ns_max > 0)
    );
    assert!(
        measures
            .staleness
            .is_some_and(|s| s.stale > 0 && s.stale < s.reads)
    );
    assert!(
        measures
            .loss
            .is_some_and(|loss| loss.acknowledged > 0 && loss.lost == 0)
    );
    assert_ne!(line.digest, real(4).line.digest);
}

#[test]
fn a_panic_of_seedbed_itself_is_a_finding_and_the_sweep_goes_on() {
    let open = |seed: u64| -> Box<dyn session::Session> { panic!("no run for seed {seed}") };
    let line = run(7, &open, Repeat::Once).line;
    assert!(
        line.failing && line.ended.contains("no run for seed 7"),
        "{line:?}"
    );
    assert_eq!(line.unmet, ["the run comes to its end"]);
}

/// Every run is another one each time: what nondeterminism would look like.
#[test]
fn a_seed_that_gives_two_runs_fails_and_says_where_they_part() {
    let opened = std::sync::atomic::AtomicU64::new(0);
    let scenario = catalog::load("lag/generated-load").expect("it is in the catalog");
    let open = |_| {
        let seed = opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        session::open(
            "lag/generated-load",
            scenario.clone(),
            Seed(seed),
            Keep::Digest,
        )
    };
    let ran = run(7, &open, Repeat::Compare);
    assert!(ran.line.failing);
    assert_eq!(ran.line.unmet, ["the same seed gives the same run"]);
    assert!(
        ran.difference
            .expect("they differ")
            .to_string()
            .contains("Then they part")
    );
}
