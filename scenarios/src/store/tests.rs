use std::ops::ControlFlow;

use bytes::Bytes;
use seedbed_sim::{Disk, DiskConfig, OpenMode, SimDisk};

use crate::draw::Theme;

use super::rows::{Form, KeyValue, Spelling, line, read};
use super::{
    Opening, Range, Row, SCAN_BYTES, SCAN_ROWS_MAX, Store, StoreError, engines, next_page,
};

fn disk() -> SimDisk {
    SimDisk::new(DiskConfig::instant())
}

fn making(engine: &str) -> Opening {
    Opening {
        engine: Some(engine.to_owned()),
        makes: true,
        ..Opening::default()
    }
}

fn refusal(disk: &mut SimDisk, opening: &Opening) -> StoreError {
    match Store::open(disk, opening) {
        Ok(_) => panic!("it opens"),
        Err(error) => error,
    }
}

#[test]
fn every_engine_keeps_a_store_that_knows_whose_it_is() {
    for engine in engines() {
        let mut disk = disk();
        let mut store = Store::open(&mut disk, &making(engine)).unwrap();
        let rows = br#"{"key": "b", "value": "2"}
            {"key": "a", "value": "1"}

            {"key": "", "value": ""}"#;
        let rows = read("r", rows, Form::JsonLines, Spelling::Text).unwrap();
        let mut told = Vec::new();
        store.load(&rows, |count| told.push(count)).unwrap();
        assert_eq!(told, [3]);
        assert!(store.delete(b"b").unwrap() && !store.delete(b"b").unwrap());
        store.compact().unwrap();
        store.verify().unwrap();
        // It is opened again without a name.
        let mut store = Store::open(&mut disk, &Opening::default()).unwrap();
        assert_eq!(store.get(b"a").unwrap(), Some(b"1".to_vec()));
        let mut lines = Vec::new();
        store
            .scan(&Range::default(), |key, value| {
                lines.push(line(key, value, Spelling::Text).unwrap());
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(
            lines,
            [r#"{"key":"","value":""}"#, r#"{"key":"a","value":"1"}"#]
        );
        assert!(store.stats_text().contains(engine));
        assert_eq!(store.stats_json()["engine"], engine);
        assert!(
            store
                .inspection_text()
                .starts_with(&format!("engine {engine}\n"))
        );
        let inspection = store.inspection_json();
        assert_eq!(inspection["engine"], engine);
        assert!(inspection["structure"]["kind"].is_string(), "{inspection}");
        let svg = store.inspection_svg(Theme::Auto);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let boxes = document.descendants().filter(|it| it.has_tag_name("g"));
        assert!(boxes.count() > 0, "{engine}: {svg}");
        for other in engines().into_iter().filter(|other| *other != engine) {
            let refused = refusal(&mut disk, &making(other)).to_string();
            assert_eq!(
                refused,
                format!("this store is of the engine {engine}, not {other}")
            );
        }
    }
}

#[test]
fn directories_of_others_and_of_later_versions_are_refused_and_nothing_is_made_by_reading() {
    let mut empty = disk();
    assert_eq!(
        refusal(&mut empty, &Opening::default()),
        StoreError::NoStore
    );
    assert_eq!(empty.list().unwrap(), [""; 0]);
    let unknown = refusal(&mut empty, &making("abacus")).to_string();
    assert!(
        unknown.contains("`abacus`") && unknown.contains("`hash`"),
        "{unknown}"
    );
    let near = refusal(&mut empty, &making("hsah")).to_string();
    assert!(near.ends_with("did you mean `hash`?"), "{near}");
    let nameless = Opening {
        makes: true,
        ..Opening::default()
    };
    assert_eq!(refusal(&mut empty, &nameless), StoreError::NoEngine);
    assert_eq!(empty.list().unwrap(), [""; 0]);
    assert!(matches!(
        refusal(&mut empty, &making("memory")),
        StoreError::NoSuchEngine { .. }
    ));
    let mut foreign = disk();
    foreign.open("letter.txt", OpenMode::CreateNew).unwrap();
    let refused = refusal(&mut foreign, &making("log"));
    assert_eq!(refused, StoreError::Foreign("letter.txt".to_owned()));
    let mut later = disk();
    let file = later.open("STORE", OpenMode::CreateNew).unwrap();
    later
        .append(file, b"seedbed store, format 2, engine log\n")
        .unwrap();
    let refused = refusal(&mut later, &making("log")).to_string();
    assert!(
        refused.contains("format 2") && refused.contains("format 1"),
        "{refused}"
    );
}

#[test]
fn scans_go_both_ways_in_pages_within_bounds() {
    let mut disk = disk();
    let mut store = Store::open(&mut disk, &making("hash")).unwrap();
    let rows: String = (0..2500).map(|i| format!("k{i:04},v{i}\n")).collect();
    let rows = read(
        "r",
        format!("key,value\n{rows}").as_bytes(),
        Form::Csv,
        Spelling::Text,
    )
    .unwrap();
    store.load(&rows, |_| {}).unwrap();
    let mut keys = |range: &Range| {
        let mut keys = Vec::new();
        store
            .scan(range, |key, _| {
                keys.push(String::from_utf8(key.to_vec()).unwrap());
                ControlFlow::Continue(())
            })
            .unwrap();
        keys
    };
    let all = keys(&Range::default());
    assert_eq!(all.len(), 2500);
    assert!(all.is_sorted());
    let some = Range {
        from: Some(b"k0100".to_vec()),
        to: Some(b"k2200".to_vec()),
        limit: Some(2050),
        is_backward: true,
    };
    let found = keys(&some);
    assert_eq!(
        (found.len(), &found[0][..], &found[2049][..]),
        (2050, "k2199", "k0150")
    );
}

/// The place, what is wrong and what was expected, of a file with a mistake.
fn mistake(text: &str, form: Form, spelling: Spelling) -> String {
    let found = read("rows", text.as_bytes(), form, spelling).unwrap_err();
    let expected = found
        .expected
        .map_or(String::new(), |it| format!("; expected {it}"));
    let help = found.help.map_or(String::new(), |it| format!("; {it}"));
    let (line, column) = (found.line, found.column);
    format!("{line}:{column}: {}{expected}{help}", found.message)
}

#[test]
fn a_bad_line_of_json_is_told_with_its_place_and_what_was_expected() {
    let told = |text: &str| mistake(text, Form::JsonLines, Spelling::Text);
    let object = r#"`{"key": "…", "value": "…"}`"#;
    let good = r#"{"key":"ü","value":"b"}"#;
    assert_eq!(
        told(&format!("{good}\n{{\"key\":\"a\",\"valeu\":\"b\"}}\n")),
        format!("2:12: a row has no field `valeu`; expected {object}; did you mean `value`?")
    );
    assert_eq!(
        told(&format!("{good}\n\n {{\"key\":\"ü\"")),
        format!("3:12: the line ends in the middle of a row; expected {object}")
    );
    for (text, place, what) in [
        ("nonsense", "1:2: ", "expected ident"),
        (r#"{"key":"a","value":3}"#, "1:20: ", "integer `3`"),
        (r#"{"key":"a"}"#, "1:11: ", "missing field `value`"),
        (
            r#"{"key":"a","value":"b","key":"c"}"#,
            "1:28: ",
            "duplicate field",
        ),
        (r#"{"key":"a","value":"b"} x"#, "1:25: ", "trailing"),
    ] {
        let told = told(text);
        assert!(told.starts_with(place) && told.contains(what), "{told}");
    }
    let hex = mistake(
        r#"{"value":"00","key":"0g"}"#,
        Form::JsonLines,
        Spelling::Hex,
    );
    assert!(hex.starts_with("1:21: `0g` is not made of pairs"), "{hex}");
    let found = read(
        "rows",
        b"{\"key\":\"\xff\"}",
        Form::JsonLines,
        Spelling::Text,
    );
    let found = found.unwrap_err();
    assert_eq!((found.line, found.column), (1, 9));
    assert!(found.to_string().contains("--hex"), "{found}");
}

#[test]
fn a_bad_line_of_csv_is_told_with_its_place_and_what_was_expected() {
    let told = |text: &str| mistake(text, Form::Csv, Spelling::Hex);
    let header = "expected the header `key,value`";
    let closing = "quotes around the value, and each one in it doubled";
    for (text, expected) in [
        ("", format!("1:1: the file is empty; {header}")),
        (
            "schlüssel,wert\n",
            format!("1:1: the header is `schlüssel,wert`; {header}"),
        ),
        (
            "key,value\n00,11\n\n00,11,22\n",
            "4:1: there are 3 values in this row; expected two, a key and a value".to_owned(),
        ),
        (
            "key,value\r\n00\r\n",
            "2:1: there is one value in this row; expected two, a key and a value".to_owned(),
        ),
        (
            "key,value\n\"00\",0\n",
            "2:6: `0` is not made of pairs of hexadecimal digits".to_owned(),
        ),
        (
            "key,value\n00,\"11\n22,33\n",
            "2:4: this quote is never closed; expected a closing quote".to_owned(),
        ),
        (
            "key,value\n\"00\"11,22\n",
            "2:5: text after a closing quote; expected a comma or the end of the line".to_owned(),
        ),
        (
            "key,value\n00,a\"b\"\n",
            format!("2:5: a quote within a value that has none around it; expected {closing}"),
        ),
    ] {
        assert_eq!(told(text), expected);
    }
    let long = format!("key,value\n{},\n", "k".repeat(70_000));
    let long = mistake(&long, Form::Csv, Spelling::Text);
    assert_eq!(long, "2:1: the key has 70000 bytes, and the most is 65536");
}

#[test]
fn quotes_commas_and_line_ends_within_quotes_are_part_of_a_value() {
    let text = "\u{feff}key,value\r\n\"a,\"\"b\"\"\",\"one\r\ntwo\"\r\n,\n\"\",\"\"";
    let rows = read("r", text.as_bytes(), Form::Csv, Spelling::Text).unwrap();
    let rows: Vec<(&[u8], &[u8])> = rows
        .iter()
        .map(|row| (&row.key[..], &row.value[..]))
        .collect();
    let nothing: (&[u8], &[u8]) = (b"", b"");
    assert_eq!(
        rows,
        [(&b"a,\"b\""[..], &b"one\r\ntwo"[..]), nothing, nothing]
    );
    let hex = read("r", b"key,value\nfF00,\n", Form::Csv, Spelling::Hex).unwrap();
    assert_eq!(&hex[0].key[..], b"\xff\x00");
    let binary = line(b"\xff", b"", Spelling::Text).unwrap_err();
    assert!(binary.contains("--hex"), "{binary}");
    assert_eq!(
        line(b"\xff", b"", Spelling::Hex).unwrap(),
        r#"{"key":"ff","value":""}"#
    );
}

#[test]
fn pages_of_a_scan_grow_until_they_have_enough_bytes_and_shrink_when_they_have_too_many() {
    let page = |rows: usize, bytes: usize| {
        let row = Row {
            key: Bytes::new(),
            value: Bytes::from(vec![0; bytes]),
        };
        vec![row; rows]
    };
    assert_eq!(next_page(1000, &page(1000, 100)), 2000);
    assert_eq!(next_page(SCAN_ROWS_MAX, &page(10, 100)), SCAN_ROWS_MAX);
    assert_eq!(next_page(1000, &page(40, 1 << 20)), 1000);
    assert_eq!(next_page(1000, &page(1000, 1 << 20)), 500);
    assert_eq!(next_page(1, &page(1, SCAN_BYTES)), 1);
}

/// A batch of a load is bounded by bytes too: no engine takes a batch of any length.
#[test]
fn a_load_of_long_values_is_written_in_short_batches() {
    let mut disk = disk();
    let mut store = Store::open(&mut disk, &making("log")).unwrap();
    let row = |i: u8| KeyValue {
        key: Bytes::from(vec![i]),
        value: Bytes::from(vec![i; 700_000]),
    };
    let rows: Vec<KeyValue> = (0..5).map(row).collect();
    let mut told = Vec::new();
    store.load(&rows, |count| told.push(count)).unwrap();
    assert_eq!(told, [2, 4, 5]);
    assert_eq!(store.get(&[4]).unwrap(), Some(vec![4; 700_000]));
}
