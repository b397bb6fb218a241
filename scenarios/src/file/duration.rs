//! Durations as people write them: `5ms`, `1.5 s`.

/// The longest duration that a scenario file may speak of: 30 days, in nanoseconds.
pub(super) const DURATION_NANOS_MAX: u64 = 30 * 24 * 60 * 60 * 1_000_000_000;

/// What a duration looks like, for messages.
pub(super) const DURATION_SHAPE: &str =
    "a duration such as \"5ms\", with one of the units ns, us, ms, s, m";

const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
];

/// What people write for a unit that is none.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("usec", "us"),
    ("micros", "us"),
    ("msec", "ms"),
    ("millis", "ms"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minutes", "m"),
];

/// Why a text is no duration, in words that go on from the text: "… has no unit".
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotADuration {
    pub(super) why: String,
    pub(super) suggestion: Option<String>,
}

impl NotADuration {
    fn because(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            suggestion: None,
        }
    }
}

/// The nanoseconds of a duration, which may have a sign, exactly.
pub(super) fn parse_nanos(text: &str) -> Result<i64, NotADuration> {
    let (sign, unsigned) = match text.strip_prefix(['-', '+']) {
        Some(rest) if text.starts_with('-') => (-1, rest),
        Some(rest) => (1, rest),
        None => (1, text),
    };
    let digits_end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
        .unwrap_or(unsigned.len());
    let (number, unit) = unsigned.split_at(digits_end);
    let unit_nanos = unit_nanos(number, unit.trim_start())?;
    let nanos = scaled(number, unit_nanos)?;
    if nanos > DURATION_NANOS_MAX {
        return Err(NotADuration::because("is longer than 30 days"));
    }
    Ok(sign * i64::try_from(nanos).expect("30 days fit"))
}

fn unit_nanos(number: &str, unit: &str) -> Result<u64, NotADuration> {
    if let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) {
        return Ok(*nanos);
    }
    if unit.is_empty() && !number.is_empty() {
        return Err(NotADuration {
            suggestion: Some(format!("{number}ms")),
            ..NotADuration::because("has no unit")
        });
    }
    let lower = unit.to_lowercase();
    let meant = OTHER_NAMES
        .iter()
        .chain([("ms", "ms"), ("s", "s"), ("us", "us"), ("ns", "ns")].iter())
        .find(|(name, _)| *name == lower);
    Err(NotADuration {
        suggestion: meant.map(|(_, unit)| format!("{number}{unit}")),
        ..NotADuration::because("is no number with a unit")
    })
}

fn scaled(number: &str, unit_nanos: u64) -> Result<u64, NotADuration> {
    let malformed = || NotADuration::because("is no number with a unit");
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return Err(malformed());
    }
    // No unit has more than eleven decimals' worth of nanoseconds; zeros at the end say nothing.
    let fraction = fraction.trim_end_matches('0');
    let too_fine = || NotADuration::because("is finer than a nanosecond");
    let decimals = u32::try_from(fraction.len()).map_err(|_| too_fine())?;
    let scale = 10_u64
        .checked_pow(decimals)
        .filter(|scale| decimals <= 11 && *scale > 0)
        .ok_or_else(too_fine)?;
    let parts: u64 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().map_err(|_| malformed())?
    };
    let part_nanos = u128::from(parts) * u128::from(unit_nanos);
    if part_nanos % u128::from(scale) != 0 {
        return Err(too_fine());
    }
    let whole: u64 = whole
        .parse()
        .map_err(|_| NotADuration::because("is longer than 30 days"))?;
    let nanos = u128::from(whole) * u128::from(unit_nanos) + part_nanos / u128::from(scale);
    Ok(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_to_the_nanosecond() {
        let cases = [
            ("0s", 0),
            ("5ms", 5_000_000),
            ("1.5ms", 1_500_000),
            ("1.50 ms", 1_500_000),
            ("0.000000001s", 1),
            ("20us", 20_000),
            ("20µs", 20_000),
            ("20μs", 20_000),
            ("1_000ns", 1_000),
            ("0.5m", 30_000_000_000),
            ("-3ms", -3_000_000),
            ("+3ms", 3_000_000),
            ("43200m", 30 * 86_400 * 1_000_000_000),
        ];
        for (text, nanos) in cases {
            assert_eq!(parse_nanos(text), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        let cases = [
            ("", "is no number with a unit", None),
            ("ms", "is no number with a unit", None),
            ("soon", "is no number with a unit", None),
            ("5", "has no unit", Some("5ms")),
            ("5 min", "is no number with a unit", Some("5m")),
            ("5MS", "is no number with a unit", Some("5ms")),
            ("1.2.3s", "is no number with a unit", None),
            (".5s", "is no number with a unit", None),
            ("5.s", "is no number with a unit", None),
            ("--5s", "is no number with a unit", None),
            ("0.5ns", "is finer than a nanosecond", None),
            ("0.0000000001s", "is finer than a nanosecond", None),
            ("43200.1m", "is longer than 30 days", None),
            (
                "99999999999999999999999999s",
                "is longer than 30 days",
                None,
            ),
        ];
        for (text, why, suggestion) in cases {
            let error = parse_nanos(text).expect_err(text);
            assert_eq!(error.why, why, "{text}");
            assert_eq!(error.suggestion.as_deref(), suggestion, "{text}");
        }
    }
}
