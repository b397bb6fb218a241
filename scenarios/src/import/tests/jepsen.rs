//! Jepsen's operations.

use super::*;

#[test]
fn operations_are_read_with_the_nemesis_beside_them() {
    let text = r#"; a register
{:process 0, :type :invoke, :f :write, :value 3, :time 10, :index 0}
{:process :nemesis, :type :info, :f :start-partition, :value {"n1" #{"n2"}}, :time 11, :index 1}
#jepsen.history.Op{:index 2, :time 9, :type :invoke, :process 1, :f :read, :value nil}
{:process 0, :type :info, :f :write, :value :timed-out, :error [:timeout "5 s"], :time 20, :index 3}
{:process 1, :type :ok, :f :read, :value nil, :time 21, :index 4}
{:process 2, :type :invoke, :f :cas, :value [nil 4]
 :time 30, :index 5} {:process 2, :type :fail, :f :cas, :value [nil 4], :time 31, :index 6}
"#;
    let read = good(text);
    assert_eq!((read.format, read.has_times), (Format::Jepsen, true));
    assert_eq!(
        told(&read),
        [
            "2: process 0  ProcessId(0) Write(Int(3)) at 10",
            "4: process 1  ProcessId(1) Read at 10",
            "5: process 0 ends info [\"timeout\", \"5 s\"] at 20",
            "6: process 1 ends ok None at 21",
            "7: process 2  ProcessId(2) CompareAndSet { expected: None, new: Int(4) } at 30",
            "8: process 2 ends fail it failed at 31",
        ]
    );
    assert_eq!(read.faults[0].what, "start-partition {\"n1\" #{\"n2\"}}");
    assert_eq!((read.faults[0].line, read.faults[0].before), (3, Place(1)));
}

#[test]
fn independent_tuples_are_keys_and_values() {
    let text = r"[{:process 0 :type :invoke :f :read :value [:x nil]}
{:process 1 :type :invoke :f :cas :value [:y [1 2]]}
{:process 0 :type :ok :f :read :value [:x #{3 1}]}
{:process 1 :type :info :f :cas :value nil}
{:process 2 :type :invoke :f :append :value [:x [1 2]]}]";
    assert_eq!(
        told(&good(text)),
        [
            "1: process 0 x ProcessId(0) Read at 1000000",
            "2: process 1 y ProcessId(1) CompareAndSet { expected: Some(Int(1)), new: Int(2) } at 2000000",
            "3: process 0 ends ok Some(List([Int(1), Int(3)])) at 3000000",
            "4: process 1 ends info nobody knows at 4000000",
            "5: process 2 x ProcessId(2) Append(List([Int(1), Int(2)])) at 5000000",
        ]
    );
}

#[test]
fn a_pair_is_a_value_where_the_first_operation_says_so() {
    let text = r"{:process 0 :type :invoke :f :cas :value [1 2]}
{:process 1 :type :invoke :f :read :value nil}
{:process 1 :type :ok :f :read :value [1 2]}
{:process 1 :type :invoke :f :write :value [5 6]}";
    let told = told(&good(text));
    assert!(
        told[0].contains("expected: Some(Int(1)), new: Int(2)"),
        "{told:?}"
    );
    assert!(
        told[2].contains("List([Int(1), Int(2)])")
            && told[3].contains("Write(List([Int(5), Int(6)]))"),
        "{told:?}"
    );
}

#[test]
fn texts_characters_comments_and_discards_are_read() {
    let text = r#"({:process 0, :type :invoke, #_ (:a "}") :f :write, :value "a\"}\n\u00e9"} ; } "
{:process 1, :type :invoke, :f :write, :value [\} \newline \space -7 +8 9N true]})"#;
    let told = told(&good(text));
    assert!(told[0].contains(r#"Write(Text("a\"}\né"))"#), "{told:?}");
    let list = r#"List([Text("}"), Text("\n"), Text(" "), Int(-7), Int(8), Int(9), Bool(true)])"#;
    assert!(told[1].contains(list), "{told:?}");
}

#[test]
fn the_ending_of_the_name_or_a_hint_decide() {
    let text = "{:process 0 :type :invoke :f :add :value 1}";
    assert_eq!(
        imported("h.edn", Hints::default(), text)
            .expect("good")
            .format,
        Format::Jepsen
    );
    let hints = Hints {
        format: Some(Format::Native),
        ..Hints::default()
    };
    let error = imported("h.edn", hints, text).expect_err("no JSON");
    assert_eq!((error.line, error.column), (1, 2));
}
