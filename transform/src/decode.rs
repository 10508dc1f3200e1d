//! decode: what a record is. Nothing here depends on other records.

use chrono::{DateTime, Utc};
use eventlog::{Entry, Headers, Record};
use schemas::event::{DecodeError, Event};
use schemas::tally::Tally;
use schemas::{AuditRecord, Family, TenantId, headers};

use crate::deduplicate::Reach;
use crate::digest::Digest;
use crate::quarantine::Unreadable;
use crate::replay::{Again, Cause};

/// A record of the log, taken apart.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// Where it stands in its partition.
    pub position: u64,
    /// Whose it says it is; `_system` when it does not say.
    pub tenant: TenantId,
    /// The family it says it has.
    pub family: Option<Family>,
    /// What it says of an earlier place in a log.
    pub again: Option<Box<Again>>,
    /// What it is, or why that cannot be told.
    pub content: Result<Content, Unreadable>,
    /// The record as it was, for the quarantine.
    pub record: Record,
}

/// What a record can be.
#[derive(Debug)]
pub(crate) enum Content {
    /// An event, and the digest of what it says.
    Event(Box<Event>, Digest),
    /// What ingest answered within a minute.
    Tally(Tally),
    /// Who asked for what.
    Audit(Box<AuditRecord>),
    /// That a roster waits, in a place of its own.
    Notice,
}

impl Decoded {
    /// Takes an entry apart; never fails, but may find it unreadable.
    pub fn new(entry: Entry) -> Self {
        let headers = &entry.record.headers;
        let family = family(headers);
        let (tenant, content) = match tenant(headers) {
            Some(tenant) => match content(&entry.record, family) {
                // No learner's event: whoever runs the system should see it.
                Err(unreadable) if is_tally(headers) => (TenantId::system(), Err(unreadable)),
                content => (tenant, content),
            },
            None => (
                TenantId::system(),
                Err(Unreadable::route(
                    "the header tenant is missing or no tenant id",
                )),
            ),
        };
        Self {
            position: entry.position.offset,
            tenant,
            family,
            again: Again::of(headers).map(Box::new),
            content,
            record: entry.record,
        }
    }

    /// Whether it was entered because its row was missing.
    pub fn is_for_missing(&self) -> bool {
        let again = self.again.as_ref();
        again.is_some_and(|again| again.cause == Cause::Missing)
    }

    /// Which events it can repeat: what was entered again, any.
    pub fn reach(&self) -> Reach {
        if self.again.is_some() {
            return Reach::Ever;
        }
        match text(&self.record.headers, headers::LOOK_UP) {
            Some(headers::look_up::EVERYWHERE) => Reach::Ever,
            _ => Reach::Window,
        }
    }

    /// Bytes that it takes in the log.
    pub fn bytes(&self) -> usize {
        self.record.size()
    }
}

/// Whose record it is, by its headers alone.
pub(crate) fn tenant(headers: &Headers) -> Option<TenantId> {
    text(headers, headers::TENANT)?.parse().ok()
}

/// The record's family, by its headers alone.
pub(crate) fn family(headers: &Headers) -> Option<Family> {
    text(headers, headers::FAMILY).and_then(Family::from_name)
}

/// When ingest took the record, by its headers alone.
pub(crate) fn received_at(headers: &Headers) -> Option<DateTime<Utc>> {
    let micros = text(headers, headers::RECEIVED_AT)?.parse().ok()?;
    DateTime::from_timestamp_micros(micros)
}

/// Whether the record is a tally, by its headers alone.
pub(crate) fn is_tally(headers: &Headers) -> bool {
    text(headers, headers::KIND) == Some(headers::kind::TALLY)
}

/// Whether the record is beside the events, by its headers alone: nobody counts it.
pub(crate) fn is_beside(headers: &Headers) -> bool {
    let kind = text(headers, headers::KIND);
    let beside = [
        headers::kind::TALLY,
        headers::kind::AUDIT,
        headers::kind::ROSTER_UPLOADED,
    ];
    kind.is_some_and(|kind| beside.contains(&kind))
}

fn content(record: &Record, family: Option<Family>) -> Result<Content, Unreadable> {
    let headers = &record.headers;
    match text(headers, headers::KIND) {
        Some(headers::kind::EVENT) => event(record, family),
        // Where it says that something waits is looked in any case.
        Some(headers::kind::ROSTER_UPLOADED) => Ok(Content::Notice),
        Some(headers::kind::TALLY) => serde_json::from_slice(&record.value)
            .map(Content::Tally)
            .map_err(|e| Unreadable::decode(json_reason("a tally", &e))),
        Some(headers::kind::AUDIT) => serde_json::from_slice(&record.value)
            .map(Content::Audit)
            .map_err(|e| Unreadable::decode(json_reason("a record of the audit", &e))),
        _ => Err(Unreadable::route("the header kind is missing or not known")),
    }
}

fn event(record: &Record, family: Option<Family>) -> Result<Content, Unreadable> {
    let family =
        family.ok_or_else(|| Unreadable::route("the header family is missing or not known"))?;
    let version = text(&record.headers, headers::TYPE_VERSION)
        .and_then(|version| version.parse().ok())
        .ok_or_else(|| Unreadable::route("the header type_version is missing or no number"))?;
    Event::decode(family, version, &record.value)
        .map(|event| {
            let digest = Digest::of(&event);
            Content::Event(Box::new(event), digest)
        })
        .map_err(|error| {
            Unreadable::decode(match &error {
                DecodeError::Json(json) => json_reason("an event", json),
                other => other.to_string(),
            })
        })
}

/// What is wrong and where, without the text of the error: that quotes values,
/// and a value may be a learner's.
fn json_reason(what: &str, error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let problem = match error.classify() {
        Category::Syntax | Category::Eof => "it is not JSON",
        Category::Data => "a member is missing or has another type",
        Category::Io => "it cannot be read",
    };
    let (line, column) = (error.line(), error.column());
    format!("the record is not {what}: {problem} (line {line}, column {column})")
}

/// A header that is text.
pub(crate) fn text<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    std::str::from_utf8(headers.get(name)?).ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use eventlog::Position;
    use rstest::rstest;

    use super::*;

    const EVENT: &str = r#"{"id":"0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02","type":"video.played","dialect":"native","time":"2026-09-14T10:00:00Z","received_at":"2026-09-14T10:00:01Z","student_key":"6f1d0c8be1fbb0a7a2d4c5f60718293a","content":"a","data":{"position":1.5}}"#;

    fn decode(headers: &[(&str, &str)], value: &str) -> Decoded {
        Decoded::new(Entry {
            position: Position {
                partition: 0,
                offset: 7,
            },
            record: Record {
                key: Bytes::new(),
                headers: headers.iter().copied().collect(),
                value: Bytes::copy_from_slice(value.as_bytes()),
            },
        })
    }

    const GOOD: [(&str, &str); 4] = [
        ("tenant", "demo"),
        ("kind", "event"),
        ("family", "video"),
        ("type_version", "1"),
    ];

    #[test]
    fn an_event_is_read_by_its_headers() {
        let decoded = decode(&GOOD, EVENT);
        assert_eq!(decoded.tenant.as_str(), "demo");
        assert_eq!(decoded.family, Some(Family::Video));
        let Ok(Content::Event(event, _)) = decoded.content else {
            panic!("an event");
        };
        assert_eq!(event.event_type, "video.played");
    }

    #[rstest]
    #[case::no_tenant(0, ("x", "x"), "_system", "route", "the header tenant is")]
    #[case::bad_tenant(0, ("tenant", "Not a tenant"), "_system", "route", "the header tenant is")]
    #[case::reserved_tenant(0, ("tenant", "_system"), "_system", "route", "the header tenant is")]
    #[case::no_kind(1, ("x", "x"), "demo", "route", "the header kind is")]
    #[case::bad_family(2, ("family", "music"), "demo", "route", "the header family is")]
    #[case::bad_version(3, ("type_version", "one"), "demo", "route", "the header type_version is")]
    #[case::future(3, ("type_version", "2"), "demo", "decode", "type version 2 is not known")]
    #[case::other_family(2, ("family", "assessment"), "demo", "", "")]
    #[case::tally(1, ("kind", "tally"), "_system", "decode", "the record is not a tally")]
    #[case::audit(1, ("kind", "audit"), "demo", "decode", "the record is not a record of the audit")]
    #[case::notice(1, ("kind", "roster.uploaded"), "demo", "", "")]
    fn headers_that_cannot_be_read_say_so(
        #[case] index: usize,
        #[case] header: (&str, &str),
        #[case] tenant: &str,
        #[case] stage: &str,
        #[case] reason: &str,
    ) {
        let mut headers = GOOD;
        headers[index] = header;
        let decoded = decode(&headers, EVENT);
        assert_eq!(decoded.tenant.as_str(), tenant);
        match decoded.content {
            Ok(_) => assert_eq!(stage, ""),
            Err(unreadable) => {
                assert_eq!(unreadable.stage, stage);
                assert!(unreadable.reason.starts_with(reason), "{unreadable:?}");
            }
        }
    }

    #[rstest]
    #[case::no_json("{", "it is not JSON")]
    #[case::other_type(&EVENT.replace("1.5", r#""Ann Smith""#), "a member is missing or has another type")]
    #[case::missing(&EVENT.replace(r#""dialect":"native","#, ""), "a member is missing")]
    fn a_reason_tells_where_but_no_values(#[case] value: &str, #[case] reason: &str) {
        let unreadable = decode(&GOOD, value).content.expect_err("unreadable");
        assert_eq!(unreadable.stage, "decode");
        assert!(unreadable.reason.contains(reason), "{unreadable:?}");
        assert!(!unreadable.reason.contains("Ann"), "{unreadable:?}");
    }
}
