//! Reads a TOML tree whose every key and value knows its place, and gathers what is wrong with it.
//!
//! Derived deserializers stop at the first mistake, and lose the place inside tagged enums. Here each value is asked for
//! what it should be; what it is not becomes a [`Problem`], and the answer is `None`, so that reading goes on.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use seedbed_sim::Span;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Problem, Problems};
use super::duration::{self, DURATION_NANOS_MAX, DURATION_SHAPE};
use super::near::{alternatives, nearest, quoted};

/// A table of the file. Which fields it may have is what it was asked for until [`finish`](Table::finish).
pub(super) struct Table<'a> {
    /// For messages: `the scenario`, `a step`.
    what: &'static str,
    /// The header.
    span: Range<usize>,
    fields: &'a DeTable<'a>,
    problems: &'a Problems,
    asked: RefCell<Vec<&'static str>>,
    missing: RefCell<Vec<(&'static str, &'static str)>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        what: &'static str,
        span: Range<usize>,
        fields: &'a DeTable<'a>,
        problems: &'a Problems,
    ) -> Self {
        Self {
            what,
            span,
            fields,
            problems,
            asked: RefCell::default(),
            missing: RefCell::default(),
        }
    }

    /// Where the table's header is.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Notes a mistake that is about the table as a whole.
    pub(super) fn report(&self, describe: impl FnOnce(Problem) -> Problem, message: &str) {
        self.problems
            .report(|| describe(Problem::new(self.span(), message)));
    }

    /// A field, if it is there.
    pub(super) fn optional(&self, field: &'static str) -> Option<Value<'a>> {
        if !self.asked.borrow().contains(&field) {
            self.asked.borrow_mut().push(field);
        }
        let (key, value) = self.fields.get_key_value(field)?;
        Some(Value {
            field,
            key_span: key.span(),
            value,
            problems: self.problems,
        })
    }

    /// A field that must be there; `shape` says what it should hold.
    pub(super) fn required(&self, field: &'static str, shape: &'static str) -> Option<Value<'a>> {
        let value = self.optional(field);
        if value.is_none() {
            self.missing.borrow_mut().push((field, shape));
        }
        value
    }

    /// What `read` makes of a field, or `default` where the field is absent or wrong.
    pub(super) fn or<T>(
        &self,
        field: &'static str,
        default: T,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> T {
        let value = self.optional(field);
        value.and_then(|value| read(&value)).unwrap_or(default)
    }

    /// The tables of an array of tables, `[[field]]`; none where it is absent.
    pub(super) fn tables(
        &self,
        field: &'static str,
        what: &'static str,
        count_max: usize,
    ) -> Vec<Table<'a>> {
        let Some(array) = self.optional(field) else {
            return Vec::new();
        };
        if array.is_table() {
            array.wrong("is one table, and there may be many", |problem| {
                problem.expected(format!("`[[{field}]]`, with two brackets"))
            });
            return Vec::new();
        }
        let items = array.items("tables", count_max).unwrap_or_default();
        items.iter().filter_map(|item| item.table(what)).collect()
    }

    /// Whether a required field was asked for and is not there.
    pub(super) fn is_missing(&self, field: &str) -> bool {
        self.missing.borrow().iter().any(|(name, _)| *name == field)
    }

    /// Reports the fields that nobody asked for, and those that are missing.
    pub(super) fn finish(self) {
        let asked = self.asked.into_inner();
        let mut missing = self.missing.into_inner();
        for key in self.fields.keys() {
            let name: &str = key.get_ref();
            if asked.contains(&name) {
                continue;
            }
            // A required field that is misspelt is one mistake, not two.
            let meant = nearest(name, missing.iter().map(|(field, _)| *field));
            missing.retain(|(field, _)| Some(*field) != meant);
            self.problems.report(|| {
                let message = format!("{} has no field {}", self.what, quoted(name));
                Problem::new(key.span(), message)
                    .expected(alternatives(asked.iter().copied()))
                    .did_you_mean(meant.or_else(|| nearest(name, asked.iter().copied())))
            });
        }
        for (field, shape) in missing {
            self.problems.report(|| {
                let message = format!("{} lacks the field `{field}`", self.what);
                Problem::new(self.span.clone(), message).expected(format!("`{field}`, {shape}"))
            });
        }
    }
}

/// A value of the file, and the field that it belongs to.
pub(super) struct Value<'a> {
    field: &'static str,
    key_span: Range<usize>,
    value: &'a Spanned<DeValue<'a>>,
    problems: &'a Problems,
}

impl<'a> Value<'a> {
    /// Where the value is.
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// Notes a mistake that makes sense only in another place, and is none here: `field` and why.
    pub(super) fn out_of_place(&self, why: &str) {
        self.problems.report(|| {
            Problem::new(
                self.key_span.clone(),
                format!("`{}` has no place here: {why}", self.field),
            )
        });
    }

    /// Notes that the value is wrong: its field, then `message`.
    pub(super) fn wrong(&self, message: &str, describe: impl FnOnce(Problem) -> Problem) {
        self.problems.report(|| {
            let message = format!("`{}` {message}", self.field);
            describe(Problem::new(self.span(), message))
        });
    }

    /// Notes that the value is of another type than it should be.
    pub(super) fn wrong_type(&self, expected: &str) {
        let found = describe(self.value.get_ref());
        self.wrong(&format!("is {found}"), |problem| problem.expected(expected));
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    pub(super) fn is_text(&self) -> bool {
        self.value.get_ref().is_str()
    }

    pub(super) fn is_array(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// Any text of at most `bytes_max` bytes.
    pub(super) fn text(&self, bytes_max: usize) -> Option<&'a str> {
        let Some(text) = self.value.get_ref().as_str() else {
            self.wrong_type("a text in quotes");
            return None;
        };
        if text.len() > bytes_max {
            self.wrong(&format!("is {} bytes long", text.len()), |problem| {
                problem.expected(format!("at most {bytes_max} bytes"))
            });
            return None;
        }
        Some(text)
    }

    /// A text that says something.
    pub(super) fn sentence(&self, bytes_max: usize) -> Option<&'a str> {
        let text = self.text(bytes_max)?.trim();
        if text.is_empty() {
            self.wrong("is empty", |problem| problem.expected("some text"));
            return None;
        }
        Some(text)
    }

    /// The name of something, for others to refer to.
    pub(super) fn name(&self) -> Option<&'a str> {
        const NAME_BYTES_MAX: usize = 64;
        let name = self.text(NAME_BYTES_MAX)?;
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(allowed) {
            self.wrong(&format!("is {}", quoted(name)), |problem| {
                problem.expected("a name of letters, digits, `-`, `_` and `.`")
            });
            return None;
        }
        Some(name)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Option<bool> {
        let DeValue::Boolean(value) = self.value.get_ref() else {
            self.wrong_type("`true` or `false`");
            return None;
        };
        Some(*value)
    }

    /// A whole number in a range.
    pub(super) fn integer(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let signed = i128::from(*range.start())..=i128::from(*range.end());
        let integer = self.signed(&signed)?;
        Some(u64::try_from(integer).expect("the range is one of u64"))
    }

    /// A whole number that fits 32 bits, in a range.
    pub(super) fn small(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let integer = self.integer(u64::from(*range.start())..=u64::from(*range.end()))?;
        Some(u32::try_from(integer).expect("the range is one of u32"))
    }

    /// A whole number that may be negative, in a range.
    pub(super) fn signed_small(&self, range: RangeInclusive<i32>) -> Option<i32> {
        let integer = self.signed(&(i128::from(*range.start())..=i128::from(*range.end())))?;
        Some(i32::try_from(integer).expect("the range is one of i32"))
    }

    fn signed(&self, range: &RangeInclusive<i128>) -> Option<i128> {
        let expected = || {
            let (low, high) = (range.start(), range.end());
            format!("a whole number from {low} to {high}")
        };
        let Some(integer) = self.value.get_ref().as_integer() else {
            self.wrong_type(&expected());
            return None;
        };
        let parsed = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        let in_range = parsed.filter(|integer| range.contains(integer));
        if in_range.is_none() {
            self.wrong(
                &format!("is {}", short_number(&integer.to_string())),
                |problem| problem.expected(expected()),
            );
        }
        in_range
    }

    /// A number, which need not be whole.
    pub(super) fn number(&self) -> Option<f64> {
        let text = match self.value.get_ref() {
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            _ => {
                self.wrong_type("a number");
                return None;
            }
        };
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        if number.is_none() {
            self.wrong(&format!("is {}", short_number(text)), |problem| {
                problem.expected("a finite number")
            });
        }
        number
    }

    /// A duration of at least zero.
    pub(super) fn duration(&self) -> Option<Span> {
        let nanos = self.signed_duration_nanos()?;
        let Ok(nanos) = u64::try_from(nanos) else {
            self.wrong("is negative", |problem| {
                problem.expected("a duration of zero or more, such as \"5ms\"")
            });
            return None;
        };
        Some(Span::from_nanos(nanos))
    }

    /// A duration above zero.
    pub(super) fn positive_duration(&self) -> Option<Span> {
        let span = self.duration()?;
        if span == Span::ZERO {
            self.wrong("is zero", |problem| {
                problem.expected("a duration above zero, such as \"5ms\"")
            });
            return None;
        }
        Some(span)
    }

    /// A duration that may be negative, in nanoseconds.
    pub(super) fn signed_duration_nanos(&self) -> Option<i64> {
        let Some(text) = self.value.get_ref().as_str() else {
            self.wrong_type(DURATION_SHAPE);
            return None;
        };
        match duration::parse_nanos(text) {
            Ok(nanos) => Some(nanos),
            Err(error) => {
                let days_max = DURATION_NANOS_MAX / 86_400_000_000_000;
                let message = format!("is {}, which {}", quoted(text), error.why);
                self.wrong(&message, |problem| {
                    problem
                        .expected(format!("{DURATION_SHAPE}, at most {days_max} days"))
                        .did_you_mean(error.suggestion.as_deref())
                });
                None
            }
        }
    }

    /// One of a catalog of words.
    pub(super) fn one_of<T: Copy>(&self, catalog: &[(&'static str, T)]) -> Option<T> {
        let names = || catalog.iter().map(|(name, _)| *name);
        let Some(text) = self.value.get_ref().as_str() else {
            self.wrong_type(&format!("one of {}", alternatives(names())));
            return None;
        };
        let found = catalog.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            self.wrong(
                &format!("is {}, which is unknown", quoted(text)),
                |problem| {
                    problem
                        .expected(alternatives(names()))
                        .did_you_mean(nearest(text, names()))
                },
            );
        }
        found.map(|(_, value)| *value)
    }

    /// An array of at most `count_max` values.
    pub(super) fn items(&self, of: &str, count_max: usize) -> Option<Vec<Value<'a>>> {
        let Some(array) = self.value.get_ref().as_array() else {
            self.wrong_type(&format!("an array of {of}"));
            return None;
        };
        if array.len() > count_max {
            self.wrong(&format!("has {} entries", array.len()), |problem| {
                problem.expected(format!("at most {count_max}"))
            });
            return None;
        }
        let item = |value| Value {
            field: self.field,
            key_span: self.key_span.clone(),
            value,
            problems: self.problems,
        };
        Some(array.iter().map(item).collect())
    }

    /// A table; `what` is its name in messages.
    pub(super) fn table(&self, what: &'static str) -> Option<Table<'a>> {
        let Some(fields) = self.value.get_ref().as_table() else {
            self.wrong_type("a table");
            return None;
        };
        Some(Table::new(what, self.span(), fields, self.problems))
    }
}

/// A value as it was found, for a message: `the integer 5`.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {}", quoted(text)),
        DeValue::Integer(integer) => format!("the integer {}", short_number(&integer.to_string())),
        DeValue::Float(float) => format!("the number {}", short_number(float.as_str())),
        DeValue::Boolean(boolean) => format!("the boolean {boolean}"),
        DeValue::Datetime(_) => "a date or time".to_owned(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn short_number(digits: &str) -> String {
    const SHOWN_MAX: usize = 24;
    match digits.char_indices().nth(SHOWN_MAX) {
        Some((cut, _)) => format!("{}…", &digits[..cut]),
        None => digits.to_owned(),
    }
}
