//! Near misses: what a person probably meant.

/// What is longer than this is not compared: no name is so long.
const COMPARED_BYTES_MAX: usize = 80;

/// The candidate that `given` is a slip of the finger away from: about one letter in three may differ, and case, `-` and
/// `_` count for nothing.
pub(crate) fn nearest<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if given.len() > COMPARED_BYTES_MAX {
        return None;
    }
    let plain = plain(given);
    candidates
        .into_iter()
        .map(|candidate| (distance(&plain, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= slips_max(given, candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

fn distance(plain_given: &str, candidate: &str) -> usize {
    strsim::damerau_levenshtein(plain_given, &plain(candidate))
}

fn slips_max(given: &str, candidate: &str) -> usize {
    let length = given.chars().count().max(candidate.chars().count());
    ((length + 1) / 3).max(1)
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

/// A piece of a file, for a message: in backticks, control characters escaped, and cut short.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 40;
    let shown: String = text
        .chars()
        .take(SHOWN_CHARS_MAX)
        .flat_map(char::escape_debug)
        .collect();
    let rest = if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        "…"
    } else {
        ""
    };
    format!("`{shown}{rest}`")
}

/// Names for a message: `` `a`, `b` or `c` ``, or the first few of many.
pub(crate) fn alternatives<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN_MAX: usize = 24;
    let quoted: Vec<String> = names.into_iter().map(quoted).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        many if many.len() > SHOWN_MAX => {
            format!(
                "{} or {} others",
                many[..SHOWN_MAX].join(", "),
                many.len() - SHOWN_MAX
            )
        }
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_whatever_its_case_and_dashes() {
        let names = ["heartbeat", "client_timeout", "inbox"];
        assert_eq!(nearest("heartbaet", names), Some("heartbeat"));
        assert_eq!(nearest("Client-Timeout", names), Some("client_timeout"));
        assert_eq!(nearest("imbox", names), Some("inbox"));
        assert_eq!(nearest("outbox_size", names), None);
        assert_eq!(nearest(&"x".repeat(1_000), names), None);
    }

    #[test]
    fn what_is_quoted_fits_on_a_line() {
        assert_eq!(quoted("a\nb"), "`a\\nb`");
        assert_eq!(quoted(&"é".repeat(50)), format!("`{}…`", "é".repeat(40)));
        assert_eq!(alternatives(["a"]), "`a`");
        assert_eq!(alternatives(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
