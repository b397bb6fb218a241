//! Bad files: each is told with line, column and what was expected, and none becomes a history.

use super::*;

/// What is said of a bad file: line, column, and all of the text.
fn bad(text: &str) -> (usize, usize, String) {
    let error = imported("bad", Hints::default(), text).expect_err("it is bad");
    (error.line, error.column, error.to_string())
}

/// The second line is bad; the first begins a write of process 0.
fn bad_second(line: &str) -> (usize, String) {
    let first = r#"{"process":0,"type":"invoke","f":"write","key":"x","value":1,"index":4}"#;
    let (at, column, told) = bad(&format!("{first}\n{line}\n"));
    assert_eq!(at, 2, "{told}");
    (column, told)
}

#[test]
fn an_empty_file() {
    for text in ["", "\n \n", "{\"schema\":1}\n", "[]", "[ ]\n", ";nothing\n"] {
        let (_, _, told) = bad(text);
        assert!(told.contains("holds no operation"), "{text:?}: {told}");
    }
}

#[test]
fn something_that_is_no_history() {
    for text in [
        "hello",
        "process,type\n0,invoke",
        "\u{0}",
        "<html>",
        "\n\n  3",
    ] {
        assert!(bad(text).2.contains("this is no history"), "{text:?}");
    }
    assert_eq!(bad("\n\n  3").0, 3);
}

#[test]
fn a_line_that_is_cut_off() {
    let (column, told) = bad_second(r#"{"process":0,"type":"o"#);
    assert!(column == 23 && told.contains("cut off"), "{told}");
    let (line, _, told) = bad("{\"process\":0,\"type\":\"inv");
    assert!(line == 1 && told.contains("cut off"), "{told}");
}

#[test]
fn a_file_with_fewer_events_than_its_header_promises() {
    let text = "{\"schema\":1,\"events\":3}\n{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}\n";
    let (line, _, told) = bad(text);
    assert!(line == 2 && told.contains("promises 3"), "{told}");
}

#[test]
fn a_version_of_the_future() {
    let (line, column, told) = bad("{\"schema\":2}\n{\"process\":0}\n");
    assert!(
        (line, column) == (1, 11) && told.contains("version 2") && told.contains("later version"),
        "{told}"
    );
    assert!(
        bad("{\"schema\":\"one\"}")
            .2
            .contains("version of the format is a number")
    );
    assert!(
        bad("{\"schema\":1,\"events\":-1}")
            .2
            .contains("how many events")
    );
}

#[test]
fn a_duplicate_invocation() {
    let (column, told) =
        bad_second(r#"{"process":0,"type":"invoke","f":"write","key":"x","value":1}"#);
    assert!(
        column == 12 && told.contains("line 1 has not ended"),
        "{told}"
    );
}

#[test]
fn an_end_without_a_beginning() {
    let (column, told) = bad_second(r#"{"process":1,"type":"ok","f":"read","value":1}"#);
    assert!(column == 12 && told.contains("has none open"), "{told}");
}

#[test]
fn a_second_end() {
    let text = r#"{"process":0,"type":"invoke","f":"read"}
{"process":0,"type":"ok","f":"read","value":1}
{"process":0,"type":"ok","f":"read","value":1}"#;
    let (line, _, told) = bad(text);
    assert!(line == 3 && told.contains("has none open"), "{told}");
}

#[test]
fn a_process_that_goes_on_after_an_info() {
    let text = r#"{"process":0,"type":"invoke","f":"read"}
{"process":0,"type":"info","f":"read"}
{"process":0,"type":"invoke","f":"read"}"#;
    let (line, column, told) = bad(text);
    assert!(
        (line, column) == (3, 12) && told.contains("goes on after line 2"),
        "{told}"
    );
    let edn = "{:process 0 :type :invoke :f :read}\n{:process 0 :type :info :f :read}\n{:process 0 :type :invoke :f :read}";
    let (line, column, told) = bad(edn);
    assert!(
        (line, column) == (3, 11) && told.contains("goes on after line 2"),
        "{told}"
    );
}

#[test]
fn an_unknown_type_or_function_with_a_near_miss() {
    let (column, told) = bad_second(r#"{"process":1,"type":"invok","f":"read"}"#);
    assert!(
        column == 21 && told.contains("did you mean `invoke`"),
        "{told}"
    );
    let (column, told) = bad_second(r#"{"process":1,"type":"invoke","f":"raed"}"#);
    assert!(
        column == 34 && told.contains("did you mean `read`"),
        "{told}"
    );
    let (_, _, told) = bad("{:process 0 :type :invoke :f :txn :value [[:r 1 nil]]}");
    assert!(told.contains("no model knows the function `txn`"), "{told}");
}

#[test]
fn values_of_the_wrong_shape() {
    for (f, value, expected) in [
        ("write", "null", "what is written"),
        ("write", "1.5", "whole number"),
        ("write", "{\"a\":1}", "an object is no value"),
        ("write", "18446744073709551615", "64 bits"),
        ("cas", "3", "[expected, new]"),
        ("cas", "[1,2,3]", "[expected, new]"),
        ("cas", "[1,null]", "[expected, new]"),
        ("add", "\"a\"", "whole number"),
        ("enqueue", "null", "the element"),
        ("append", "[1.5]", "a list is no value"),
    ] {
        let line = format!(r#"{{"process":1,"type":"invoke","f":"{f}","value":{value}}}"#);
        let (column, told) = bad_second(&line);
        assert!(told.contains(expected), "{told}");
        assert_eq!(
            column,
            line.find("value\":").expect("a value") + 8,
            "{told}"
        );
    }
    let contains = r#"{"process":1,"type":"invoke","f":"contains","value":1}
{"process":1,"type":"ok","f":"contains","value":1}"#;
    assert!(bad(contains).2.contains("`true` or `false`"));
}

#[test]
fn fields_of_the_wrong_shape() {
    for (line, at, expected) in [
        (r#"{"process":-1,"type":"invoke","f":"read"}"#, 12, "from 0"),
        (
            r#"{"process":"a","type":"invoke","f":"read"}"#,
            12,
            "nemesis",
        ),
        (r#"{"process":1,"type":1,"f":"read"}"#, 21, "`invoke`"),
        (r#"{"process":1,"type":"invoke","f":1}"#, 34, "\"read\""),
        (
            r#"{"process":1,"type":"invoke","f":"read","key":[1]}"#,
            47,
            "a text or a whole number",
        ),
        (
            r#"{"process":1,"type":"invoke","f":"read","time":-1}"#,
            48,
            "not below 0",
        ),
        (
            r#"{"process":1,"type":"invoke","f":"read","session":1.5}"#,
            51,
            "a text or a whole number",
        ),
        (
            r#"{"process":1,"type":"invoke","f":"read","index":4}"#,
            49,
            "indices that grow",
        ),
        (
            r#"{"process":1,"type":"invoke","f":"read","time":1}"#,
            48,
            "on all events or on none",
        ),
        (r#"{"type":"invoke","f":"read"}"#, 1, "`\"process\":…`"),
        (r#"{"process":1,"f":"read"}"#, 1, "`\"type\":…`"),
        (r#"{"process":1,"type":"invoke"}"#, 1, "a field `f`"),
        (r#"{"process":1,"process":1}"#, 22, "given twice"),
        ("[1]", 1, "an object"),
        ("3", 1, "an object"),
        (r#"{"process":1} {}"#, 15, "trailing characters"),
    ] {
        let (column, told) = bad_second(line);
        assert!(told.contains(expected), "{told}");
        assert_eq!(column, at, "{told}");
    }
}

#[test]
fn a_slip_of_the_finger_in_a_field_that_matters() {
    let (column, told) =
        bad_second(r#"{"process":1,"type":"invoke","f":"write","vaule":2,"value":3,"kye":"x"}"#);
    assert!(
        column == 62 && told.contains("did you mean `key`"),
        "{told}"
    );
    let (column, told) = bad_second(r#"{"proces":1,"type":"invoke","f":"read"}"#);
    assert!(
        column == 2 && told.contains("did you mean `process`"),
        "{told}"
    );
    let (_, _, told) = bad("{:proces 0 :type :invoke :f :read}");
    assert!(
        told.contains("did you mean `:process` by `:proces`"),
        "{told}"
    );
}

#[test]
fn an_end_that_is_not_of_the_open_operation() {
    for (line, at, expected) in [
        (
            r#"{"process":0,"type":"ok","f":"read"}"#,
            30,
            "the end of a `read`",
        ),
        (r#"{"process":0,"type":"ok","key":"y"}"#, 32, "the key `y`"),
        (
            r#"{"process":0,"type":"ok","value":2}"#,
            34,
            "another than on line 1",
        ),
        (
            r#"{"process":0,"type":"ok","key":7}"#,
            32,
            "keys of one kind",
        ),
    ] {
        let (column, told) = bad_second(line);
        assert!(column == at && told.contains(expected), "{told}");
    }
}

#[test]
fn time_that_goes_back() {
    let text = r#"{"process":0,"type":"invoke","f":"read","time":5}
{"process":1,"type":"invoke","f":"read","time":4}"#;
    let (line, column, told) = bad(text);
    assert!(
        (line, column) == (2, 48) && told.contains("5 or later"),
        "{told}"
    );
    let (line, _, told) = bad(
        "{\"process\":0,\"type\":\"invoke\",\"f\":\"read\",\"time\":5}\n{\"process\":0,\"type\":\"ok\"}",
    );
    assert!(line == 2 && told.contains("as on line 1"), "{told}");
}

#[test]
fn bytes_that_are_no_text() {
    let mut bytes = br#"{"process":0,"type":"invoke","f":"write","value":""#.to_vec();
    bytes.extend([0xFF, b'"', b'}']);
    let error = read("bad", Hints::default(), &bytes).expect_err("it is bad");
    assert!(error.to_string().contains("not UTF-8"), "{error}");
    assert_eq!((error.line, error.column), (1, 51));
}

#[test]
fn edn_that_is_cut_off_or_no_edn() {
    let first = "{:process 0 :type :invoke :f :read}\n";
    for (text, line, column, expected) in [
        ("  {:process 1 :type\n", 2, 3, "cut off"),
        ("[", 2, 1, "stands where an operation"),
        ("{:process 1 :type}\n", 2, 1, "has no value"),
        ("{:process 1 :type :ok :f {]}\n", 2, 27, "closes nothing"),
        ("{:process [1] :type :ok :f :read}\n", 2, 11, "a vector"),
        ("{:process 1 :type \"ok\" :f :read}\n", 2, 19, "a keyword"),
        (
            "{:process 1 :type :invoke :f :write :value 1.5}\n",
            2,
            44,
            "fraction",
        ),
        (
            "{:process 1 :type :invoke :f :write :value {:a 1}}\n",
            2,
            44,
            "a map is no value",
        ),
        (
            "{:process 1 :type :invoke :f :write :value :}\n",
            2,
            44,
            "no EDN",
        ),
        (
            "{:process 1 :type :invoke :f :write :value 1 :value 2}\n",
            2,
            46,
            "given twice",
        ),
        ("x", 2, 1, "stands where an operation"),
    ] {
        let (at, from, told) = bad(&format!("{first}{text}"));
        if text == "[" {
            assert!(told.contains("cut off in the list"), "{told}");
            continue;
        }
        assert!(told.contains(expected), "{text}: {told}");
        assert_eq!((at, from), (line, column), "{text}: {told}");
    }
    let deep = format!("{{:process {}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(bad(&deep).2.contains("nested too deeply"));
    let tuples = "{:process 0 :type :invoke :f :read :value [1 nil]}\n{:process 1 :type :invoke :f :read :value nil}";
    let (line, column, told) = bad(tuples);
    assert!(
        (line, column) == (2, 43) && told.contains("[key value]"),
        "{told}"
    );
}

#[test]
fn operations_of_porcupine_that_are_wrong() {
    let wrong = |fields: &str| bad(&format!("[\n{{\"client\":0,{fields}}}]"));
    for (fields, expected) in [
        (r#""input":"read","output":1"#, "has no `call`"),
        (r#""inptu":"read","call":1"#, "did you mean `input`"),
        (r#""input":"read","call":5,"return":4"#, "returns before"),
        (
            r#""input":{"op":1},"call":5,"return":6"#,
            "hangs on the model",
        ),
        (
            r#""input":{"key":"x"},"call":5,"return":6"#,
            "does not name its function",
        ),
        (
            r#""input":"reda","call":5,"return":6"#,
            "did you mean `read`",
        ),
        (
            r#""input":{"op":"cas","value":[1,2]},"output":null,"call":5,"return":6"#,
            "whether it took effect",
        ),
        (
            r#""input":"read","output":{"a":1},"call":5,"return":6"#,
            "has no `value`",
        ),
        (
            r#""input":"read","output":1.5,"call":5,"return":6"#,
            "fraction",
        ),
        (r#""input":"read","call":1.5"#, "a whole number"),
        (r#""input":7,"call":1"#, "an input is an object"),
        (
            r#""input":{"op":"put"},"call":1,"return":2"#,
            "what is written",
        ),
    ] {
        let (line, _, told) = wrong(fields);
        assert!(line == 2 && told.contains(expected), "{fields}: {told}");
    }
    assert!(
        bad("[{\"client\":0,\"call\":1")
            .2
            .contains("cut off in the middle")
    );
    assert!(
        bad("[{\"client\":0,\"input\":\"read\",\"call\":1}")
            .2
            .contains("cut off in the list")
    );
    assert!(
        bad("[{\"client\":0,\"input\":\"read\",\"call\":1}] x")
            .2
            .contains("after the end")
    );
    assert!(
        bad("[{\"process\":0,\"type\":\"invoke\"}]")
            .2
            .contains("lines of their own")
    );
    let overlap = "{\"client\":0,\"input\":\"read\",\"output\":1,\"call\":1,\"return\":5}\n{\"client\":0,\"input\":\"read\",\"output\":1,\"call\":4,\"return\":9}";
    let (line, _, told) = bad(overlap);
    assert!(
        line == 2 && told.contains("of line 1 has not returned"),
        "{told}"
    );
}

#[test]
fn final_contents_that_are_wrong() {
    let wrong = |text: &str| {
        read_finals("final.json", text.as_bytes())
            .expect_err(text)
            .to_string()
    };
    for (text, expected) in [
        ("", "empty"),
        ("{\"replicas\":[", "cut off"),
        ("{\"replica\":[]}", "did you mean `replicas`"),
        ("{\"replicas\":[]}", "names no replica"),
        (
            "{\"schema\":2,\"replicas\":[{\"name\":\"a\",\"contents\":{}}]}",
            "version 2",
        ),
        (
            "{\"replicas\":[{\"name\":\"a\",\"contents\":{\"x\":1.5}}]}",
            "final.json:1:4",
        ),
        (
            "{\"replicas\":[{\"name\":\"a\",\"contents\":{\"x\":1,\"x\":2}}]}",
            "there twice",
        ),
        (
            "{\"replicas\":[{\"name\":\"a\",\"contents\":{}},{\"name\":\"a\",\"contents\":{}}]}",
            "there twice",
        ),
        (
            "{\"replicas\":[{\"name\":\"a\"}]}",
            "missing field `contents`",
        ),
        (
            "{\"replicas\":[{\"name\":1,\"contents\":{}}]}",
            "invalid type",
        ),
    ] {
        let told = wrong(text);
        assert!(told.contains(expected), "{text}: {told}");
    }
    let good = "{\"schema\":1,\"replicas\":[{\"name\":\"a\",\"contents\":{\"x\":1,\"y\":null}}]}";
    let finals = read_finals("final.json", good.as_bytes()).expect("good");
    assert_eq!(finals.replicas[0].contents.len(), 1);
}
