//! The event, version 1.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Data, Extra};
use crate::{Family, StudentKey};

/// The version that [`Event`] has, written to the record's headers.
pub const TYPE_VERSION: u16 = 1;

/// A valid event as it stands in the log: no actor, only the student's key.
///
/// Times have microseconds; text is as the sender wrote it, less the tenant's
/// prefixes. Serialising is canonical: equal events give equal bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// The sender's idempotency key.
    pub id: Uuid,
    /// Its type; one of [`super::EventType::all`], or what
    /// [`super::EventType::foreign`] says.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The dialect it arrived in: `native`, `xapi`, `caliper`, `edx`, `segment` or
    /// `canvas`.
    pub dialect: String,
    /// When it happened, by the sender's clock.
    pub time: DateTime<Utc>,
    /// When the sender sent it, by the sender's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<DateTime<Utc>>,
    /// When ingest took it, by ours.
    pub received_at: DateTime<Utc>,
    /// Whose learning it is.
    pub student_key: StudentKey,
    /// The visit it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The course.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub course: Option<String>,
    /// The section (class) of the course.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The school.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub school: Option<String>,
    /// The page, video, document or activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Which version of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_version: Option<i32>,
    /// The sending application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// What it runs on: `web`, `ios`, `android`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The language of its surface, as BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What its family's events carry.
    pub data: Data,
    /// What the sender sent beyond all this.
    #[serde(skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// Why a record's bytes are not an event.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A version from the future: this reader is older than the writer.
    #[error(
        "type version {0} is not known here: a newer version of the service wrote it; update this one"
    )]
    Version(u16),
    /// The bytes are not the JSON of an event.
    #[error("the record is not an event")]
    Json(#[source] serde_json::Error),
    /// The bytes are not UTF-8.
    #[error("the record is not UTF-8")]
    Utf8(#[source] std::str::Utf8Error),
}

impl Event {
    /// The canonical JSON of the event: the bytes of its record.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(1024);
        serde_json::to_writer(&mut json, self)
            .expect("an event has only text keys and finite numbers");
        json
    }

    /// Reads a record's bytes; family and version stand in its headers.
    ///
    /// # Errors
    /// [`DecodeError`] when version or bytes are not understood.
    pub fn decode(family: Family, version: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
        if version != TYPE_VERSION {
            return Err(DecodeError::Version(version));
        }
        // One pass over the text is cheaper than a check per string.
        let text = std::str::from_utf8(bytes).map_err(DecodeError::Utf8)?;
        let wire: Wire = serde_json::from_str(text).map_err(DecodeError::Json)?;
        let data = Data::from_json(family, wire.data.get()).map_err(DecodeError::Json)?;
        Ok(wire.with(data))
    }
}

/// The JSON of an event before the family is known.
#[derive(Deserialize)]
struct Wire<'a> {
    id: Uuid,
    #[serde(rename = "type")]
    event_type: String,
    dialect: String,
    time: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
    received_at: DateTime<Utc>,
    student_key: StudentKey,
    session: Option<String>,
    course: Option<String>,
    section: Option<String>,
    school: Option<String>,
    content: Option<String>,
    content_version: Option<i32>,
    app: Option<String>,
    platform: Option<String>,
    locale: Option<String>,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(default)]
    extra: Extra,
}

impl Wire<'_> {
    fn with(self, data: Data) -> Event {
        Event {
            id: self.id,
            event_type: self.event_type,
            dialect: self.dialect,
            time: self.time,
            sent_at: self.sent_at,
            received_at: self.received_at,
            student_key: self.student_key,
            session: self.session,
            course: self.course,
            section: self.section,
            school: self.school,
            content: self.content,
            content_version: self.content_version,
            app: self.app,
            platform: self.platform,
            locale: self.locale,
            data,
            extra: self.extra,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const GOLDEN: &str = include_str!("../../golden/event-v1.ndjson");

    #[test]
    fn golden_events_of_version_1_decode_and_print_unchanged() {
        let mut families = Vec::new();
        for line in GOLDEN.lines() {
            let name: Value = serde_json::from_str(line).expect("JSON");
            let name = name["type"].as_str().expect("a type");
            let family = super::super::EventType::from_name(name)
                .expect("a known type")
                .family;
            let event = Event::decode(family, 1, line.as_bytes()).expect("decodes");
            assert_eq!(String::from_utf8(event.to_json()).expect("UTF-8"), line);
            families.push(family);
        }
        families.dedup();
        assert_eq!(families, Family::ALL);
    }

    #[test]
    fn a_version_from_the_future_is_named() {
        let error = Event::decode(Family::Video, 2, b"{}").expect_err("refused");
        assert!(matches!(error, DecodeError::Version(2)));
    }
}
