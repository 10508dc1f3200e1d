//! From the body's bytes to the JSON text of each event.
//!
//! Nothing is interpreted yet: events are cut out of the body by one pass over
//! its syntax, so that what is wrong inside one says nothing about the next.

mod outline;

use std::collections::HashSet;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, IgnoredAny};
use serde_json::value::RawValue;

use self::outline::{Elements, ElementsSeed, Names, Object, ObjectSeed};
use crate::error::Error;
use crate::outcome::{Reason, Rejection};
use crate::receive::Format;

/// The events of one request.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The JSON of the batch's own `sent_at`.
    pub sent_at: Option<&'a str>,
    /// How the events stand in the body.
    pub shape: Shape,
    /// The JSON object of each event, in order; or why there is none.
    pub events: Vec<Result<&'a str, Rejection>>,
    /// What names the other parts of a body that has parts.
    pub parts: HashSet<String>,
}

impl<'a> Batch<'a> {
    /// The body is the event.
    fn single(text: &'a str) -> Self {
        Self {
            sent_at: None,
            shape: Shape::Single,
            events: vec![Ok(text.trim_ascii())],
            parts: HashSet::new(),
        }
    }
}

/// How the events stand in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The body is the event.
    Single,
    /// The body is an array of events, or has one a line.
    Array,
    /// The body has an array of events as its member `events`.
    Events,
    /// The body has an array of events as this member.
    Member(&'static str),
}

impl Shape {
    /// The JSON pointer to an event; a line counts like an element.
    pub fn place(self, index: usize) -> String {
        match self {
            Self::Single => String::new(),
            Self::Array => format!("/{index}"),
            Self::Events => format!("/events/{index}"),
            Self::Member(name) => format!("/{name}/{index}"),
        }
    }
}

/// Cuts the events out of the body.
///
/// # Errors
/// When the body as a whole is not UTF-8 or JSON, cannot hold events, holds
/// none or too many. In NDJSON only the latter two: lines stand alone.
pub fn decode<'a>(format: &Format, body: &'a [u8], max_events: usize) -> Result<Batch<'a>, Error> {
    let batch = match format {
        Format::Ndjson => lines(body, max_events),
        Format::Json | Format::Multipart { .. } => json(utf8(body)?, max_events),
    }?;
    some(batch)
}

/// Cuts the events out of a body that is one event or an array of them, and
/// never a batch.
///
/// # Errors
/// As [`decode`].
pub fn decode_bare(body: &[u8], max_events: usize) -> Result<Batch<'_>, Error> {
    let text = utf8(body)?;
    let batch = if text.trim_ascii_start().starts_with('{') {
        read(text, PhantomData::<IgnoredAny>, NOT_EVENTS)?;
        Batch::single(text)
    } else {
        json(text, max_events)?
    };
    some(batch)
}

/// Cuts the events out of a body that is `{"batch": […], "sentAt": "…"}`.
///
/// # Errors
/// As [`decode`].
pub fn decode_batch(body: &[u8], max_events: usize) -> Result<Batch<'_>, Error> {
    const NAMES: Names = Names {
        events: "batch",
        sent_at: "sentAt",
    };
    const NOT_BATCH: NotEvents = ("/batch", "Send `batch` once, as an array of events.");

    let text = utf8(body)?;
    if text.trim_ascii().is_empty() {
        return Err(Error::NoEvents);
    }
    let seed = ObjectSeed {
        max_events,
        names: NAMES,
    };
    let Object { events, sent_at } = read(text, seed, NOT_BATCH)?;
    let (pointer, detail) = NOT_BATCH;
    let events = events.ok_or(Error::NotEvents { pointer, detail })?;
    some(batch(Shape::Member("batch"), events, sent_at, max_events)?)
}

/// Cuts the events out of the JSON of a body's member, which is an array of them.
///
/// # Errors
/// When it holds none or too many.
pub fn decode_member<'a>(
    array: &'a RawValue,
    name: &'static str,
    max_events: usize,
) -> Result<Batch<'a>, Error> {
    let mut batch = json(array.get(), max_events)?;
    batch.shape = Shape::Member(name);
    some(batch)
}

/// The body as text.
///
/// # Errors
/// [`Error::Utf8`].
pub fn utf8(body: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(body).map_err(|error| Error::Utf8(error.valid_up_to()))
}

fn some(batch: Batch<'_>) -> Result<Batch<'_>, Error> {
    if batch.events.is_empty() {
        return Err(Error::NoEvents);
    }
    Ok(batch)
}

fn lines(body: &[u8], max_events: usize) -> Result<Batch<'_>, Error> {
    let mut events = Vec::new();
    let mut count = 0;
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        count += 1;
        if count <= max_events {
            events.push(self::line(line));
        }
    }
    if count > max_events {
        return Err(Error::TooManyEvents {
            count,
            limit: max_events,
        });
    }
    Ok(Batch {
        sent_at: None,
        shape: Shape::Array,
        events,
        parts: HashSet::new(),
    })
}

/// The JSON object of a line.
///
/// # Errors
/// Why it is none.
pub fn line(line: &[u8]) -> Result<&str, Rejection> {
    let text = std::str::from_utf8(line).map_err(|error| {
        let byte = error.valid_up_to();
        let detail = format!("Send the line as UTF-8: its bytes from {byte} on are not.");
        Rejection::new(Reason::InvalidUtf8, "", detail)
    })?;
    let value: &RawValue = serde_json::from_str(text)
        .map_err(|error| Rejection::new(Reason::InvalidJson, "", syntax("line", text, &error)))?;
    object(value)
}

fn object(value: &RawValue) -> Result<&str, Rejection> {
    let json = value.get();
    if json.starts_with('{') {
        Ok(json)
    } else {
        let detail = "Send each event as a JSON object.";
        Err(Rejection::new(Reason::NotAnObject, "", detail))
    }
}

fn json(text: &str, max_events: usize) -> Result<Batch<'_>, Error> {
    let first = text.trim_ascii_start().bytes().next();
    let (shape, elements, sent_at) = match first {
        None => return Err(Error::NoEvents),
        Some(b'{') => {
            let names = Names::default();
            let seed = ObjectSeed { max_events, names };
            let Object { events, sent_at } = read(text, seed, NOT_EVENTS)?;
            match events {
                Some(events) => (Shape::Events, events, sent_at),
                None => return Ok(Batch::single(text)),
            }
        }
        Some(b'[') => {
            let seed = ElementsSeed { max_events };
            (Shape::Array, read(text, seed, NOT_EVENTS)?, None)
        }
        Some(_) => {
            serde_json::from_str::<IgnoredAny>(text).map_err(|error| not_json(text, &error))?;
            return Err(Error::NotEvents {
                pointer: "",
                detail: "Send an event as an object, an array of them, or {\"events\": […]}.",
            });
        }
    };
    batch(shape, elements, sent_at, max_events)
}

fn batch<'a>(
    shape: Shape,
    elements: Elements<'a>,
    sent_at: Option<&'a str>,
    max_events: usize,
) -> Result<Batch<'a>, Error> {
    if elements.count > max_events {
        return Err(Error::TooManyEvents {
            count: elements.count,
            limit: max_events,
        });
    }
    Ok(Batch {
        sent_at,
        shape,
        events: elements.kept.into_iter().map(object).collect(),
        parts: HashSet::new(),
    })
}

/// Where JSON is not what holds events, and what to do.
type NotEvents = (&'static str, &'static str);

const NOT_EVENTS: NotEvents = ("/events", "Send `events` once, as an array of events.");

fn read<'a, S: DeserializeSeed<'a>>(
    text: &'a str,
    seed: S,
    (pointer, detail): NotEvents,
) -> Result<S::Value, Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    seed.deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| {
            if error.is_data() {
                Error::NotEvents { pointer, detail }
            } else {
                not_json(text, &error)
            }
        })
}

/// Says what is wrong with the syntax of a body, and where.
pub fn not_json(text: &str, error: &serde_json::Error) -> Error {
    Error::Json(syntax("body", text, error))
}

/// What is wrong with JSON, and where. The parser's words on syntax repeat
/// nothing of the text.
fn syntax(what: &str, text: &str, error: &serde_json::Error) -> String {
    if text.starts_with('\u{feff}') {
        return format!("Send the {what} without a byte order mark.");
    }
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or_default();
    format!(
        "Send the {what} as JSON: {reason} at line {} column {}.",
        error.line(),
        error.column()
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn cut(format: Format, body: &str) -> (Shape, Vec<String>) {
        let batch = decode(&format, body.as_bytes(), 3).expect("decodes");
        let text = |event: Result<&str, Rejection>| match event {
            Ok(json) => json.to_owned(),
            Err(rejection) => rejection.reason.code().to_owned(),
        };
        (batch.shape, batch.events.into_iter().map(text).collect())
    }

    #[rstest]
    #[case(" {\"a\":1} ", Shape::Single, &["{\"a\":1}"])]
    #[case("[{},1, {\"b\":[]}]", Shape::Array, &["{}", "not_an_object", "{\"b\":[]}"])]
    #[case(r#"{"x":{"events":1},"events":[{}]}"#, Shape::Events, &["{}"])]
    #[case(r#"{"\u0065vents":[{}],"sent_at":3}"#, Shape::Events, &["{}"])]
    fn json_has_three_shapes(#[case] body: &str, #[case] shape: Shape, #[case] events: &[&str]) {
        let events = events.iter().map(|e| (*e).to_owned()).collect();
        assert_eq!(cut(Format::Json, body), (shape, events));
    }

    #[test]
    fn a_bad_line_harms_no_other() {
        let body = b"\r\n{\"a\":1}\r\n{\"b\"}\n\xff\n";
        let batch = decode(&Format::Ndjson, body, 3).expect("decodes");
        let reasons: Vec<_> = batch
            .events
            .iter()
            .map(|event| event.as_ref().map_err(|rejection| rejection.reason.code()))
            .collect();
        let expected = [Ok(&"{\"a\":1}"), Err("invalid_json"), Err("invalid_utf8")];
        assert_eq!(reasons, expected);
    }

    #[rstest]
    #[case("", "no_events")]
    #[case("[]", "no_events")]
    #[case(r#"{"events":[]}"#, "no_events")]
    #[case("[1,2", "invalid_json")]
    #[case("{} {}", "invalid_json")]
    #[case("\u{feff}{}", "invalid_json")]
    #[case("nul", "invalid_json")]
    #[case("\"text\"", "not_events")]
    #[case(r#"{"events":{}}"#, "not_events")]
    #[case(r#"{"events":[],"events":[{}]}"#, "not_events")]
    #[case("[1,2,3,4]", "too_many_events")]
    #[case(r#"{"events":[1,2,3,4]}"#, "too_many_events")]
    fn a_body_without_events_is_refused_whole(#[case] body: &str, #[case] code: &str) {
        let error = decode(&Format::Json, body.as_bytes(), 3).expect_err("refused");
        assert_eq!(error.problem().code, code);
    }

    #[rstest]
    #[case("", "no_events")]
    #[case(r#"{"batch":[]}"#, "no_events")]
    #[case("[{}]", "not_events")]
    #[case("7", "not_events")]
    #[case(r#"{"events":[{}]}"#, "not_events")]
    #[case(r#"{"batch":{}}"#, "not_events")]
    #[case(r#"{"batch":[],"b\u0061tch":[{}]}"#, "not_events")]
    #[case(r#"{"batch":[1,2,3,4]}"#, "too_many_events")]
    #[case(r#"{"batch":[1}"#, "invalid_json")]
    fn a_batch_is_one_object(#[case] body: &str, #[case] code: &str) {
        let error = decode_batch(body.as_bytes(), 3).expect_err("refused");
        assert_eq!(error.problem().code, code);
        let batch = br#"{"sentAt":"x","writeKey":{"batch":1},"batch":[{"a":1},2]}"#;
        let batch = decode_batch(batch, 3).expect("decodes");
        assert_eq!((batch.sent_at, batch.events.len()), (Some("\"x\""), 2));
        assert_eq!(batch.shape.place(1), "/batch/1");
    }

    #[test]
    fn the_place_of_bad_syntax_is_named() {
        let error = decode(&Format::Json, b"[\n  {\"a\": tru}]", 3).expect_err("refused");
        assert!(
            error.problem().detail.contains("line 2 column"),
            "{:?}",
            error.problem()
        );
    }
}
