//! Which format a file has, by how it begins.
//!
//! ```text
//! {"process": …            JSON: an event of the native format, or its header …
//! {"client": … "call": …   … unless the first object has a `call` or an `input`: then it is Porcupine's
//! [{"client": …            JSON in a list: Porcupine's
//! {:process …              EDN: Jepsen's; so are [{: and #jepsen.history.Op{: and what begins with a comment, ;
//! ```

use crate::file::diagnostic::{Origin, Problem};

use super::json::Json;
use super::{Format, Mistake};

/// If nothing is known after so many bytes, the file is something else.
const LOOKED_AT_BYTES_MAX: usize = 1 << 20;

/// Whether more bytes may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    NotYet,
    Here,
}

/// The format, or `None` where more has to be seen.
pub(super) fn format(seen: &[u8], end: End) -> Result<Option<Format>, Box<Mistake>> {
    let mut significant = seen
        .iter()
        .enumerate()
        .filter(|(_, byte)| !byte.is_ascii_whitespace());
    let Some((start, &first)) = significant.next() else {
        return match end {
            End::NotYet if seen.len() <= LOOKED_AT_BYTES_MAX => Ok(None),
            _ => Err(Mistake::new(empty(), "", Origin::START)),
        };
    };
    match first {
        b';' | b'#' | b'(' => Ok(Some(Format::Jepsen)),
        b'{' => match significant.next() {
            Some((_, b':' | b';' | b',' | b'#')) => Ok(Some(Format::Jepsen)),
            Some(_) => of_object(&seen[start..], end),
            None => Ok((end == End::Here).then_some(Format::Native)),
        },
        b'[' => {
            let inner: Vec<u8> = significant.take(2).map(|(_, &byte)| byte).collect();
            match inner.as_slice() {
                [b'{', b'"'] => Ok(Some(Format::Porcupine)),
                [b'{', _] | [b';' | b'#' | b'(', ..] => Ok(Some(Format::Jepsen)),
                [b'{'] | [] if end == End::NotYet => Ok(None),
                // Whoever says what is wrong with it.
                _ => Ok(Some(Format::Porcupine)),
            }
        }
        // All of its first line is shown.
        _ if end == End::NotYet
            && !seen[start..].contains(&b'\n')
            && seen.len() <= LOOKED_AT_BYTES_MAX =>
        {
            Ok(None)
        }
        _ => Err(stranger(seen)),
    }
}

/// What the first object, which may be the first line or go over many, says.
fn of_object(text: &[u8], end: End) -> Result<Option<Format>, Box<Mistake>> {
    let mut objects = serde_json::Deserializer::from_slice(text).into_iter::<Json<'_>>();
    let fields = match objects.next() {
        Some(Ok(Json::Object(fields))) => fields,
        Some(Err(error)) if error.is_eof() && end == End::NotYet => {
            let may_grow = text.len() <= LOOKED_AT_BYTES_MAX;
            return Ok((!may_grow).then_some(Format::Native));
        }
        _ => return Ok(Some(Format::Native)),
    };
    let is_operation = |name: &str| {
        ["call", "input", "clientid", "client"].contains(&name.to_ascii_lowercase().as_str())
    };
    let native = fields.iter().any(|(name, _)| *name == "type");
    let porcupine = !native && fields.iter().any(|(name, _)| is_operation(name));
    Ok(Some(match porcupine {
        true => Format::Porcupine,
        false => Format::Native,
    }))
}

/// The problem of a file that holds nothing.
pub(super) fn empty() -> Problem {
    Problem::new(0..0, "the file holds no operation").expected("a history: at least one operation")
}

fn stranger(seen: &[u8]) -> Box<Mistake> {
    let first = seen
        .split(|&byte| byte == b'\n')
        .find(|line| !line.trim_ascii().is_empty());
    let before = seen.iter().take_while(|byte| byte.is_ascii_whitespace());
    let line = before.filter(|&&byte| byte == b'\n').count() + 1;
    let text = String::from_utf8_lossy(first.unwrap_or_default());
    let at = text.len() - text.trim_start().len();
    let problem = Problem::new(at..at + 1, "this is no history").expected(
        "JSON Lines with `{\"process\":…}`, Jepsen's `{:process …}` or Porcupine's `{\"client\":…}`",
    );
    let origin = Origin {
        line,
        ..Origin::START
    };
    Mistake::new(problem, &text, origin)
}
