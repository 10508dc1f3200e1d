//! From a body to the JSON of its events and entities: an envelope of a sensor, or
//! what would stand in one.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{check, context};
use crate::decode::{Batch, decode_bare, decode_member, not_json, utf8};
use crate::error::Error;
use crate::outcome::{Reason, Rejection};
use crate::time;

/// The members of an envelope, each unread.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    sensor: Option<&'a RawValue>,
    #[serde(borrow)]
    send_time: Option<&'a RawValue>,
    #[serde(borrow)]
    data_version: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Cuts the events and entities out of an envelope, an array or a single one.
///
/// # Errors
/// When the body as a whole cannot be read, or its envelope is not as Caliper has it.
pub fn decode(body: &[u8], max_events: usize) -> Result<Batch<'_>, Error> {
    let text = utf8(body)?;
    if !text.trim_ascii_start().starts_with('{') {
        return decode_bare(body, max_events);
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            let detail = "Send each member of the envelope once.";
            refused(Reason::DuplicateMember, "", detail)
        } else {
            not_json(text, &error)
        }
    })?;
    let Envelope {
        sensor,
        send_time,
        data_version,
        data,
    } = &envelope;
    if [sensor, send_time, data_version, data]
        .iter()
        .all(|member| member.is_none())
    {
        return decode_bare(body, max_events);
    }
    let sensor = member(*sensor, "/sensor")?;
    if !check::is_iri(&sensor) {
        let detail = "Name the sensor by an IRI, for example https://example.edu/sensors/1.";
        return Err(refused(Reason::InvalidFormat, "/sensor", detail));
    }
    let sent_at = member(*send_time, "/sendTime")?;
    time::parse(&sent_at, "/sendTime").map_err(Error::Envelope)?;
    if !context::is_of_caliper(&member(*data_version, "/dataVersion")?) {
        return Err(refused(
            Reason::InvalidFormat,
            "/dataVersion",
            context::ADVICE,
        ));
    }
    let data = data.filter(|data| data.get().starts_with('['));
    let Some(data) = data else {
        let detail = "Send the events and entities as an array.";
        return Err(refused(Reason::WrongType, "/data", detail));
    };
    let mut batch = decode_member(data, "data", max_events)?;
    batch.sent_at = send_time.map(RawValue::get);
    Ok(batch)
}

/// A member that has to be text.
fn member(value: Option<&RawValue>, pointer: &'static str) -> Result<String, Error> {
    let Some(value) = value else {
        let detail = "Add this member: an envelope has sensor, sendTime, dataVersion and data.";
        return Err(refused(Reason::MissingMember, pointer, detail));
    };
    match serde_json::from_str(value.get()) {
        Ok(Value::String(text)) => Ok(text),
        _ => Err(refused(Reason::WrongType, pointer, "Send it as text.")),
    }
}

fn refused(reason: Reason, pointer: &str, detail: &str) -> Error {
    Error::Envelope(Rejection::new(reason, pointer, detail))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const VERSION: &str = r#""dataVersion":"http://purl.imsglobal.org/ctx/caliper/v1p2""#;

    #[rstest]
    #[case(r#"{"data":[{}]}"#, "missing_member", "/sensor")]
    #[case(r#"{"sensor":null,"data":[{}]}"#, "missing_member", "/sensor")]
    #[case(r#"{"sensor":7,"data":[{}]}"#, "wrong_type", "/sensor")]
    #[case(r#"{"sensor":"a b"}"#, "invalid_format", "/sensor")]
    #[case(r#"{"sensor":"urn:s"}"#, "missing_member", "/sendTime")]
    #[case(r#"{"sensor":"urn:s","sendTime":"now"}"#, "invalid_time", "/sendTime")]
    #[case(
        r#"{"sensor":"urn:s","sendTime":"2026-09-14T10:00:00Z"}"#,
        "missing_member",
        "/dataVersion"
    )]
    #[case(
        r#"{"sensor":"urn:s","sendTime":"2026-09-14T10:00:00Z","dataVersion":"2"}"#,
        "invalid_format",
        "/dataVersion"
    )]
    #[case(r#"{"data":[{}],"data":[{}]}"#, "duplicate_member", "")]
    fn an_envelope_is_as_caliper_has_it(
        #[case] body: &str,
        #[case] code: &str,
        #[case] pointer: &str,
    ) {
        let problem = decode(body.as_bytes(), 3).expect_err("refused").problem();
        assert_eq!((problem.status, problem.code), (400, code));
        assert_eq!(problem.errors[0].pointer, pointer);
    }

    #[rstest]
    #[case("{}", "wrong_type")]
    #[case("7", "wrong_type")]
    #[case("[]", "no_events")]
    #[case("[1,2,3,4]", "too_many_events")]
    fn its_data_is_an_array(#[case] data: &str, #[case] code: &str) {
        let body = format!(
            r#"{{"sensor":"urn:s","sendTime":"2026-09-14T10:00:00Z",{VERSION},"data":{data}}}"#
        );
        let problem = decode(body.as_bytes(), 3).expect_err("refused").problem();
        assert_eq!(problem.code, code);
    }

    #[test]
    fn events_are_cut_out_of_it() {
        let body = format!(
            r#"{{"sensor":"urn:s","sendTime":"2026-09-14T10:00:00Z",{VERSION},"data":[ {{"a":1}}, 2]}}"#
        );
        let batch = decode(body.as_bytes(), 3).expect("decodes");
        assert_eq!(batch.sent_at, Some(r#""2026-09-14T10:00:00Z""#));
        assert_eq!(batch.shape.place(1), "/data/1");
        assert_eq!(batch.events[0], Ok(r#"{"a":1}"#));
        assert!(batch.events[1].is_err());
    }
}
