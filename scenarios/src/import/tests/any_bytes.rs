//! Any bytes are read or refused, and never panic.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in [None, Some(Format::Native), Some(Format::Jepsen), Some(Format::Porcupine)] {
            let hints = Hints { format, ..Hints::default() };
            let _ = read("any", hints, &bytes);
        }
        let _ = read_finals("any", &bytes);
    }

    #[test]
    fn any_damage_to_a_file_is_read_or_refused(at in 0_usize..1_000, byte in any::<u8>(), which in 0_usize..3) {
        let texts = [
            "{\"process\":0,\"type\":\"invoke\",\"f\":\"cas\",\"key\":\"x\",\"value\":[1,\"\\u00e9\"],\"time\":5}\n{\"process\":0,\"type\":\"ok\",\"time\":6}\n",
            "[#op{:process 0 :type :invoke :f :cas :value [\"x\" [1 \\}]] :time 5}\n{:process 0, :type :ok, :f :cas, :time 6}]",
            "[{\"client\":0,\"input\":{\"op\":\"put\",\"key\":\"x\",\"value\":[1]},\"output\":null,\"call\":1,\"return\":5}]",
        ];
        let mut bytes = texts[which].as_bytes().to_vec();
        prop_assert!(read("whole", Hints::default(), &bytes).is_ok());
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = read("damaged", Hints::default(), &bytes);
        bytes.truncate(at);
        let _ = read("truncated", Hints::default(), &bytes);
    }
}
