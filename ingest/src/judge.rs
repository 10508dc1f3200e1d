//! The verdict on the events of a body: translate and validate each. Decides and does
//! nothing.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use eventlog::Record;
use memchr::memmem;
use schemas::event::TYPE_VERSION;
use schemas::{Family, headers, log_key};
use serde_json::Value;
use uuid::Uuid;

use crate::Config;
use crate::authenticate::Sender;
use crate::decode::Batch;
use crate::dialect::Dialect;
use crate::dialect::native::members;
use crate::error::Error;
use crate::identity::People;
use crate::outcome::{Reason, Rejection};
use crate::receive::LookUp;
use crate::time;
use crate::validate::{Circumstances, Valid, named_id, validate};

/// The most problems that are told of one request beside the first of each event.
const BESIDE: usize = 1000;

/// What is to become of the events of a request, in its order.
#[derive(Debug)]
pub struct Verdict {
    /// One judgement for each event.
    pub events: Vec<Judgement>,
    /// The records of those to append, in the same order.
    pub records: Vec<Record>,
}

/// What is to become of one event.
#[derive(Debug)]
pub struct Judgement {
    /// Its id, if it has one that can be read.
    pub id: Option<Uuid>,
    /// Its type, if it is known.
    pub event_type: Option<Cow<'static, str>>,
    /// Its family, if its type is known.
    pub family: Option<Family>,
    /// JSON pointer to it in the body.
    pub place: String,
    /// What to do with it.
    pub sentence: Sentence,
}

/// What to do with an event.
#[derive(Debug)]
pub enum Sentence {
    /// Append the next of the records.
    Append,
    /// Nothing: it is valid and makes no row.
    Ignore,
    /// It shares the fate of the event at this index, which has the same id and
    /// content.
    Same(usize),
    /// Nothing: it cannot be taken.
    Reject(Rejection),
}

/// Judges all events of a body; `stamp` says when it had arrived.
///
/// # Errors
/// When the `sent_at` of the body is no time.
pub fn judge<D: Dialect>(
    dialect: &D,
    batch: Batch<'_>,
    sender: &Sender,
    stamp: Stamp,
    config: &Config,
) -> Result<Verdict, Error> {
    let Batch {
        sent_at,
        shape,
        events,
        parts,
    } = batch;
    let shared = Circumstances {
        sender,
        received_at: stamp.at,
        sent_at: batch_sent_at(sent_at, &dialect.pointer("/sent_at"))?,
        numbered_alike: D::NUMBERED_ALIKE,
    };
    let mut people = People::new(&sender.tenant, &sender.secret);
    let mut first_with = HashMap::with_capacity(events.len());
    let mut verdict = Verdict {
        events: Vec::with_capacity(events.len()),
        records: Vec::with_capacity(events.len()),
    };
    let mut beside = 0;
    for (index, json) in events.into_iter().enumerate() {
        let mut judgement = Judgement {
            id: None,
            event_type: None,
            family: None,
            place: shape.place(index),
            sentence: Sentence::Append,
        };
        let judged = json
            .and_then(|json| fits(json, config.max_event_bytes))
            .and_then(|json| one(dialect, json, &parts, &mut judgement, &mut people, &shared));
        match judged {
            Ok(None) => judgement.sentence = Sentence::Ignore,
            Ok(Some(valid)) => match first_with.entry(valid.event.id) {
                Entry::Occupied(first) => {
                    let &(first, record): &(usize, usize) = first.get();
                    let stored: &Record = &verdict.records[record];
                    let same = content(&stored.value) == content(&valid.json);
                    judgement.sentence = if same && dialect.takes_repeats() {
                        Sentence::Same(first)
                    } else {
                        Sentence::Reject(id_reused().within(&judgement.place))
                    };
                }
                Entry::Vacant(free) => {
                    free.insert((index, verdict.records.len()));
                    verdict.records.push(stamp.record(valid, sender));
                }
            },
            Err(mut rejection) => {
                rejection.also.truncate(BESIDE - beside);
                rejection.also.shrink_to_fit();
                beside += rejection.also.len();
                judgement.sentence = Sentence::Reject(rejection.within(&judgement.place));
            }
        }
        verdict.events.push(judgement);
    }
    if D::TOGETHER {
        verdict.refuse_together(config.max_event_bytes);
    }
    Ok(verdict)
}

impl Verdict {
    /// The bytes of each event's record, of those that are to be appended.
    pub fn written(&self) -> Vec<Option<Bytes>> {
        let mut records = self.records.iter();
        let one = |event: &Judgement| match event.sentence {
            Sentence::Append => records.next().map(|record| record.value.clone()),
            Sentence::Same(_) | Sentence::Ignore | Sentence::Reject(_) => None,
        };
        self.events.iter().map(one).collect()
    }

    /// Refuses all events if one is refused, or is sure to be by the log.
    fn refuse_together(&mut self, max_record_bytes: usize) {
        let mut records = self.records.iter();
        for event in &mut self.events {
            if matches!(event.sentence, Sentence::Append)
                && let Some(size) = records.next().map(Record::size)
                && size > max_record_bytes
            {
                event.sentence =
                    Sentence::Reject(too_large(size, max_record_bytes).within(&event.place));
            }
        }
        let refused = |event: &Judgement| matches!(event.sentence, Sentence::Reject(_));
        if !self.events.iter().any(refused) {
            return;
        }
        self.records.clear();
        for event in self.events.iter_mut().filter(|event| !refused(event)) {
            let detail = "Send it again without those that are refused.";
            event.sentence = Sentence::Reject(Rejection::new(
                Reason::BatchRefused,
                event.place.as_str(),
                detail,
            ));
        }
    }
}

/// Refuses an event that is too large before anything is made of it: as a tree
/// it can take thirty times its bytes.
fn fits(json: &str, max_bytes: usize) -> Result<&str, Rejection> {
    if json.len() <= max_bytes {
        return Ok(json);
    }
    Err(too_large(json.len(), max_bytes))
}

fn too_large(size: usize, limit: usize) -> Rejection {
    let detail = format!("Send a smaller event: it has {size} bytes and may have {limit}.");
    Rejection::new(Reason::EventTooLarge, "", detail)
}

/// The canonical JSON of an event but for `sent_at`, which says nothing about
/// what happened: the bytes before it and those after it.
fn content(json: &[u8]) -> (&[u8], &[u8]) {
    // Only members that are ours to write stand before `received_at`.
    let received_at = memmem::find(json, b"\"received_at\":").unwrap_or(0);
    let (before, after) = json.split_at(received_at);
    let sent_at = memmem::find(before, b"\"sent_at\":").unwrap_or(received_at);
    (&before[..sent_at], after)
}

fn id_reused() -> Rejection {
    let detail = "Give each event its own id: another event of this request has the same id but \
                  other content.";
    Rejection::new(Reason::IdReused, "/id", detail)
}

/// Judges one event, noting what is known of it on the way; `None` if nothing is
/// stored for it.
fn one<D: Dialect>(
    dialect: &D,
    json: &str,
    parts: &HashSet<String>,
    judgement: &mut Judgement,
    people: &mut People<'_>,
    shared: &Circumstances<'_>,
) -> Result<Option<Valid>, Rejection> {
    let Some(mut raw) = dialect.translate(json, parts, shared.received_at)? else {
        return Ok(None);
    };
    if D::TEXT_IDS {
        let tenant = &shared.sender.tenant;
        let name = |id| named_id(id, raw.dialect, tenant);
        raw.id = raw.id.take().map(name);
    }
    judgement.family = Some(raw.event_type.family);
    let is_ours = raw.verb.is_none();
    judgement.event_type = is_ours.then_some(Cow::Borrowed(raw.event_type.name));
    if raw.event_type.is_custom() {
        let registered = |name: &String| shared.sender.types.has(name);
        judgement.event_type = raw.verb.clone().filter(registered).map(Cow::Owned);
    }
    judgement.id = raw.id.as_deref().and_then(|id| Uuid::try_parse(id).ok());
    let valid = validate(raw, people, shared).map_err(|mut rejection| {
        rejection.pointer = dialect.pointer(&rejection.pointer);
        rejection
    })?;
    judgement.id = Some(valid.event.id);
    if !is_ours {
        judgement.event_type = Some(Cow::Owned(valid.event.event_type.clone()));
    }
    Ok(Some(valid))
}

fn batch_sent_at(json: Option<&str>, pointer: &str) -> Result<Option<DateTime<Utc>>, Error> {
    match json.map(serde_json::from_str).transpose() {
        Ok(None | Some(Value::Null)) => Ok(None),
        Ok(Some(Value::String(text))) => time::parse(&text, pointer).map(Some),
        _ => Err(members::wrong_time(pointer)),
    }
    .map_err(Error::SentAt)
}

/// What all records of a request share.
pub struct Stamp {
    at: DateTime<Utc>,
    /// The same as text.
    received_at: String,
    version: String,
    look_up: LookUp,
    traceparent: Option<String>,
}

impl Stamp {
    /// That of a request whose body had arrived at `received_at`; `traceparent` continues
    /// its trace, if it has one.
    pub fn new(received_at: DateTime<Utc>, look_up: LookUp, traceparent: Option<String>) -> Self {
        Self {
            at: received_at,
            look_up,
            received_at: received_at.timestamp_micros().to_string(),
            version: TYPE_VERSION.to_string(),
            traceparent,
        }
    }

    fn record(&self, valid: Valid, sender: &Sender) -> Record {
        let Valid { event, json } = valid;
        let mut student_key = [0; 32];
        let headers = [
            (headers::TENANT, sender.tenant.id.as_str()),
            (headers::KIND, headers::kind::EVENT),
            (headers::FAMILY, event.data.family().as_str()),
            (headers::TYPE_VERSION, &self.version),
            (headers::RECEIVED_AT, &self.received_at),
            (
                headers::STUDENT_KEY,
                event.student_key.encode(&mut student_key),
            ),
        ];
        let everywhere = (headers::LOOK_UP, headers::look_up::EVERYWHERE);
        let look_up = (self.look_up == LookUp::Everywhere).then_some(everywhere);
        let traceparent = self.traceparent.as_deref();
        let traceparent = traceparent.map(|value| (headers::TRACEPARENT, value));
        let more = look_up.into_iter().chain(traceparent);
        Record {
            key: log_key(&sender.tenant.id, &event.student_key).into(),
            headers: headers.into_iter().chain(more).collect(),
            value: json.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use schemas::{Tenant, TenantId, TenantSecret};

    use super::*;
    use crate::authenticate::Scope;
    use crate::dialect::native::Native;
    use crate::receive::Format;

    const BODY: &str = r#"{"sent_at":"2026-09-14T11:59:59Z","events":[
        {"id":"0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01","type":"video.progressed","actor":"stu-1041",
         "time":"2026-09-14T10:00:00.123Z","content":"c","context":{"app":"web","ip":"192.0.2.1"},
         "data":{"from":61.0,"to":76.5,"played_segments":[[0,12.5]],"x":[{"stu-1041":"\u00e9\n"}]}},
        {"type":"item.answered","actor":"stu-1042","time":"2026-09-14T12:00:00+02:00",
         "data":{"item":"q","response":["a",1e3],"attempt":2,"by":"ann"},"mood":null}]}"#;

    fn judged(format: Format, body: &[u8]) -> Result<Verdict, Error> {
        let tenant = Tenant::new(TenantId::new("demo").expect("a slug"), "Demo");
        let secret = TenantSecret::from_bytes([7; 32]);
        let sender = Sender::new(Arc::new(tenant), Arc::new(secret), Scope::default());
        let now = "2026-09-14T12:00:00Z".parse().expect("a time");
        let (stamp, config) = (Stamp::new(now, LookUp::Recent, None), Config::default());
        let batch = Native.decode(&format, body, config.max_events)?;
        judge(&Native, batch, &sender, stamp, &config)
    }

    /// One change of a body: bytes cut out at a place, others put in.
    fn edit() -> impl Strategy<Value = (usize, usize, Vec<u8>)> {
        let pieces = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..4),
            prop::sample::select(vec![
                "{", "}", "[", "]", "\"", ",", ":", "\\u", "\\ud800", "null", "1e999", "-", "\n",
                "\0", "stu-1041",
            ])
            .prop_map(|piece| piece.as_bytes().to_vec()),
        ];
        (0..BODY.len(), 0_usize..4, pieces)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_body_causes_a_panic(
            edits in prop::collection::vec(edit(), 0..6),
            lines in any::<bool>(),
        ) {
            let mut body = BODY.as_bytes().to_vec();
            for (at, cut, piece) in edits {
                let at = at.min(body.len());
                let end = (at + cut).min(body.len());
                body.splice(at..end, piece);
            }
            let format = if lines { Format::Ndjson } else { Format::Json };
            if let Ok(verdict) = judged(format, &body) {
                let append = |event: &&Judgement| matches!(event.sentence, Sentence::Append);
                let to_append = verdict.events.iter().filter(append).count();
                prop_assert_eq!(to_append, verdict.records.len());
            }
        }
    }

    #[test]
    fn content_is_all_but_when_it_was_sent() {
        let with = br#"{"id":"1","sent_at":"x","received_at":"y","data":{"sent_at":"z"}}"#;
        let without = br#"{"id":"1","received_at":"y","data":{"sent_at":"z"}}"#;
        let other = br#"{"id":"1","received_at":"y","data":{"sent_at":"a"}}"#;
        assert_eq!(content(with), content(without));
        assert_ne!(content(with), content(other));
    }

    #[test]
    fn the_unchanged_body_is_good() {
        let verdict = judged(Format::Json, BODY.as_bytes()).expect("judged");
        assert_eq!(verdict.records.len(), 2);
        for record in &verdict.records {
            let text = String::from_utf8(record.value.to_vec()).expect("UTF-8");
            assert!(!text.contains("stu-104") && !text.contains("ann"), "{text}");
        }
    }
}
