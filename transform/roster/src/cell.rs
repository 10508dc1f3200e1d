//! From the text of a field to a value.

use chrono::{DateTime, NaiveTime, Utc};

use crate::binding::{Extension, Kind};
use crate::day::{DayOrder, NotADay, Written};
use crate::diagnostic::Code;
use crate::row::Value;

/// Bytes of an identifier.
const MOST_ID: usize = 255;

/// A value, and what was not quite as the binding has it.
pub(crate) type Cell = (Value, Option<Code>);

/// Why a text is no value of its column.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unusable {
    /// The code, where the column has to have a value.
    pub(crate) code: Code,
    /// What was expected.
    pub(crate) expected: String,
}

impl Unusable {
    fn value(expected: impl Into<String>) -> Self {
        Self {
            code: Code::InvalidValue,
            expected: expected.into(),
        }
    }
}

/// Reads a text that is not empty.
pub(crate) fn read(kind: Kind, text: &str, order: Option<DayOrder>) -> Result<Cell, Unusable> {
    match kind {
        Kind::Text => Ok((Value::from(text), None)),
        Kind::Texts => Ok((list(text), None)),
        Kind::Id => id(text).map(|id| (Value::from(id), None)),
        Kind::Ids => {
            let ids = parts(text).map(|part| id(part).map(str::to_owned));
            Ok((Value::Texts(ids.collect::<Result<_, _>>()?), None))
        }
        Kind::Date => day(text, order),
        Kind::Boolean => boolean(text),
        Kind::Number => number(text, f64::MIN, f64::MAX)
            .ok_or_else(|| Unusable::value("a number is expected, such as 12.5")),
        Kind::Amount => number(text, 0.0, f64::MAX)
            .ok_or_else(|| Unusable::value("a number of 0 or more is expected, such as 12.5")),
        Kind::Percent => number(text, 0.0, 100.0)
            .ok_or_else(|| Unusable::value("a number from 0 to 100 is expected, such as 12.5")),
        Kind::Integer => match text.parse() {
            Ok(number) => Ok((Value::Integer(number), None)),
            Err(_) => Err(Unusable::value("a whole number is expected")),
        },
        Kind::Count => match text.parse() {
            Ok(number @ 0..) => Ok((Value::Integer(number), None)),
            _ => Err(Unusable::value("a whole number of 0 or more is expected")),
        },
        Kind::Clock => clock(text)
            .map(|clock| (Value::Text(clock), None))
            .ok_or_else(|| Unusable::value("a time of day is expected, such as 08:30")),
        Kind::Year => match text.parse() {
            Ok(year @ 1900..=2199) if text.len() == 4 => Ok((Value::Integer(year), None)),
            _ => Err(Unusable::value("a year of four digits is expected")),
        },
        Kind::Word(words, extension) => {
            word(words, extension, text).map(|(word, slip)| (Value::Text(word), slip))
        }
        Kind::Words(words, extension) => {
            let mut slip = None;
            let mut all = Vec::new();
            for part in parts(text) {
                let (word, slipped) = word(words, extension, part)?;
                all.push(word);
                slip = slip.or(slipped);
            }
            Ok((Value::Texts(all), slip))
        }
        Kind::DateTime => time(text, order).map(|(time, slip)| (Value::Time(time), slip)),
        Kind::Secret => Ok((Value::Null, None)),
    }
}

fn number(text: &str, least: f64, most: f64) -> Option<Cell> {
    let number: f64 = text.parse().ok()?;
    (least..=most)
        .contains(&number)
        // What is minus nothing is nothing.
        .then_some((Value::Number(number + 0.0), None))
}

/// `8:30` and `08:30:00` are `08:30`.
fn clock(text: &str) -> Option<String> {
    let forms = ["%H:%M", "%H:%M:%S"].into_iter();
    let mut read = forms.filter_map(|form| NaiveTime::parse_from_str(text, form).ok());
    read.next().map(|time| time.format("%H:%M").to_string())
}

/// Reads a time that is not empty.
pub(crate) fn time(
    text: &str,
    order: Option<DayOrder>,
) -> Result<(DateTime<Utc>, Option<Code>), Unusable> {
    let expected = || Unusable::value("a time is expected, such as 2026-09-01T08:00:00.000Z");
    let written = Written::parse(text).ok_or_else(expected)?;
    let slip = match written {
        Written::Time(_) => None,
        Written::Day(_) => Some(Code::DateWithoutTime),
        Written::Slashes(..) => Some(Code::SlashDate),
    };
    match written.time(order) {
        Ok(time) => Ok((time, slip)),
        Err(not) => Err(not_a_day(not)),
    }
}

fn day(text: &str, order: Option<DayOrder>) -> Result<Cell, Unusable> {
    let expected = || Unusable::value("a day is expected, such as 2026-09-01");
    let written = Written::parse(text).ok_or_else(expected)?;
    let slip = match written {
        Written::Day(_) => None,
        Written::Time(_) => Some(Code::TimeInDate),
        Written::Slashes(..) => Some(Code::SlashDate),
    };
    match written.day(order) {
        Ok(day) => Ok((Value::Date(day), slip)),
        Err(not) => Err(not_a_day(not)),
    }
}

fn not_a_day(not: NotADay) -> Unusable {
    match not {
        NotADay::Ambiguous => Unusable {
            code: Code::AmbiguousDate,
            expected: "the first number could be the day or the month".to_owned(),
        },
        NotADay::Impossible => {
            Unusable::value("there is no such day in the order of the column's other days")
        }
    }
}

fn boolean(text: &str) -> Result<Cell, Unusable> {
    let yes = match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "y" => true,
        "false" | "0" | "no" | "n" => false,
        _ => return Err(Unusable::value("true or false is expected")),
    };
    let slip = (!matches!(text, "true" | "false")).then_some(Code::WordSpelling);
    Ok((Value::Boolean(yes), slip))
}

/// The word in snake_case; what extends the vocabulary stays as it is.
pub(crate) fn word(
    words: &[&str],
    extension: Extension,
    text: &str,
) -> Result<(String, Option<Code>), Unusable> {
    if let Some(word) = words.iter().find(|word| **word == text) {
        return Ok((snake_case(word), None));
    }
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        return Ok((snake_case(word), Some(Code::WordSpelling)));
    }
    if extension == Extension::Open && text.len() > 4 && text.starts_with("ext:") {
        return Ok((text.to_owned(), None));
    }
    let open = if extension == Extension::Open {
        " or ext:…"
    } else {
        ""
    };
    let expected = format!("one of {}{open} is expected", words.join(", "));
    Err(Unusable::value(expected))
}

pub(crate) fn snake_case(word: &str) -> String {
    let mut snake = String::with_capacity(word.len() + 1);
    for character in word.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(if character == ' ' {
            '_'
        } else {
            character.to_ascii_lowercase()
        });
    }
    snake
}

fn id(text: &str) -> Result<&str, Unusable> {
    if text.len() <= MOST_ID && !text.chars().any(char::is_control) {
        Ok(text)
    } else {
        Err(Unusable {
            code: Code::InvalidId,
            expected: "an identifier is expected".to_owned(),
        })
    }
}

fn list(text: &str) -> Value {
    Value::Texts(parts(text).map(str::to_owned).collect())
}

/// The parts of a list; a list in quotes of its own, `"""a"",b"`, is not quoted twice.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(|part| part.trim().trim_matches('"').trim())
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const WORDS: &[&str] = &["gradingPeriod", "fully graded", "term"];
    const OPEN: Kind = Kind::Word(WORDS, Extension::Open);
    const CLOSED: Kind = Kind::Word(WORDS, Extension::Closed);

    fn texts(texts: &[&str]) -> Value {
        Value::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[rstest]
    #[case(Kind::Text, "a, b", Value::from("a, b"), None)]
    #[case(Kind::Texts, "Science, Physics,", texts(&["Science", "Physics"]), None)]
    #[case(Kind::Ids, "a,b", texts(&["a", "b"]), None)]
    #[case(Kind::Boolean, "true", Value::Boolean(true), None)]
    #[case(
        Kind::Boolean,
        "FALSE",
        Value::Boolean(false),
        Some(Code::WordSpelling)
    )]
    #[case(Kind::Boolean, "1", Value::Boolean(true), Some(Code::WordSpelling))]
    #[case(Kind::Number, "-1.5", Value::Number(-1.5), None)]
    #[case(Kind::Integer, "30", Value::Integer(30), None)]
    #[case(Kind::Year, "2026", Value::Integer(2026), None)]
    #[case(Kind::Amount, "0", Value::Number(0.0), None)]
    #[case(Kind::Percent, "100", Value::Number(100.0), None)]
    #[case(Kind::Count, "30", Value::Integer(30), None)]
    #[case(Kind::Clock, "8:05", Value::from("08:05"), None)]
    #[case(Kind::Clock, "23:59:59", Value::from("23:59"), None)]
    #[case(Kind::DateTime, "2026-09-01T10:00:00+02:00", Value::Time("2026-09-01T08:00:00Z".parse().expect("a time")), None)]
    #[case(OPEN, "gradingPeriod", Value::from("grading_period"), None)]
    #[case(
        OPEN,
        "Fully Graded",
        Value::from("fully_graded"),
        Some(Code::WordSpelling)
    )]
    #[case(OPEN, "ext:Trimester", Value::from("ext:Trimester"), None)]
    #[case(Kind::Words(WORDS, Extension::Open), "term,TERM", texts(&["term", "term"]), Some(Code::WordSpelling))]
    fn texts_become_values(
        #[case] kind: Kind,
        #[case] text: &str,
        #[case] value: Value,
        #[case] slip: Option<Code>,
    ) {
        assert_eq!(read(kind, text, None), Ok((value, slip)));
    }

    #[rstest]
    #[case(Kind::Boolean, "maybe", Code::InvalidValue)]
    #[case(Kind::Number, "NaN", Code::InvalidValue)]
    #[case(Kind::Number, "1,5", Code::InvalidValue)]
    #[case(Kind::Integer, "1.5", Code::InvalidValue)]
    #[case(Kind::Year, "26", Code::InvalidValue)]
    #[case(Kind::Amount, "-0.5", Code::InvalidValue)]
    #[case(Kind::Amount, "inf", Code::InvalidValue)]
    #[case(Kind::Percent, "100.5", Code::InvalidValue)]
    #[case(Kind::Percent, "-1", Code::InvalidValue)]
    #[case(Kind::Count, "-1", Code::InvalidValue)]
    #[case(Kind::Clock, "24:00", Code::InvalidValue)]
    #[case(Kind::Clock, "8 o'clock", Code::InvalidValue)]
    #[case(Kind::Year, "2026-2027", Code::InvalidValue)]
    #[case(OPEN, "quarter", Code::InvalidValue)]
    #[case(CLOSED, "ext:quarter", Code::InvalidValue)]
    #[case(Kind::Date, "soon", Code::InvalidValue)]
    #[case(Kind::Date, "1/05/2023", Code::AmbiguousDate)]
    #[case(Kind::Id, "a\u{7}b", Code::InvalidId)]
    fn others_are_refused_without_being_repeated(
        #[case] kind: Kind,
        #[case] text: &str,
        #[case] code: Code,
    ) {
        let unusable = read(kind, text, None).expect_err("refused");
        assert_eq!(unusable.code, code);
        assert!(!unusable.expected.contains(text), "{}", unusable.expected);
    }

    #[test]
    fn an_id_has_a_length() {
        assert!(read(Kind::Id, &"i".repeat(255), None).is_ok());
        assert!(read(Kind::Id, &"i".repeat(256), None).is_err());
        assert!(read(OPEN, "ext:", None).is_err());
    }
}
