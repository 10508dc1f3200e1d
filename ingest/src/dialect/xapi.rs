//! xAPI: statements of version 1.0.3 and 2.0 (IEEE 9274.1.1), as learning record
//! providers post them to `/xapi/statements`.
//!
//! `check` says what is wrong with a statement, `meaning` which type of ours
//! says the same, and `parts` is what translation takes it from.

mod answer;
mod assessment;
mod check;
mod clickstream;
mod language;
mod meaning;
mod multipart;
mod parts;
mod refusal;
mod routes;
mod timestamp;
mod translate;
mod version;
mod video;
mod vocabulary;

use std::collections::HashSet;

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Dialect, RawEvent};
use crate::authenticate::KeyPlace;
use crate::decode::{Batch, Shape, decode_bare};
use crate::error::Error;
use crate::outcome::{Reason, Rejection};
use crate::receive::{Format, media_type};
use crate::tree;

pub(crate) use answer::problem;
pub use refusal::Refusal;
pub(crate) use refusal::in_terms;
pub use routes::routes;
pub use version::{HEADER as VERSION_HEADER, Version};

/// A request of a learning record provider.
#[derive(Debug, Clone, Copy)]
pub struct Xapi {
    version: Version,
    /// The id that the one statement of a PUT gets.
    statement_id: Option<Uuid>,
}

impl Dialect for Xapi {
    const KEY: KeyPlace = KeyPlace::Basic;
    const TOGETHER: bool = true;

    fn format(&self, headers: &HeaderMap) -> Result<Format, Error> {
        match media_type(headers).as_deref() {
            None | Some("application/json") => Ok(Format::Json),
            Some("multipart/mixed") => {
                let content_type = headers.get(header::CONTENT_TYPE);
                let content_type = content_type.and_then(|value| value.to_str().ok());
                let boundary = content_type
                    .and_then(multipart::boundary)
                    .ok_or(Refusal::Multipart("Name the boundary in the Content-Type."))?;
                Ok(Format::Multipart { boundary })
            }
            Some("application/x-www-form-urlencoded") => Err(Refusal::AlternateSyntax.into()),
            Some(_) => Err(Refusal::MediaType.into()),
        }
    }

    fn decode<'a>(
        &self,
        format: &Format,
        body: &'a [u8],
        max_events: usize,
    ) -> Result<Batch<'a>, Error> {
        let mut batch = match format {
            Format::Multipart { boundary } => {
                let multipart::Parts { statements, hashes } = multipart::read(body, boundary)?;
                let mut batch = decode_bare(statements, max_events)?;
                batch.parts = hashes;
                batch
            }
            Format::Json | Format::Ndjson => decode_bare(body, max_events)?,
        };
        for rejection in batch
            .events
            .iter_mut()
            .filter_map(|event| event.as_mut().err())
        {
            if rejection.reason == Reason::NotAnObject {
                rejection.detail = "Send each statement as a JSON object.".into();
            }
        }
        if self.statement_id.is_some() && batch.shape != Shape::Single {
            return Err(Refusal::PutOfMany.into());
        }
        Ok(batch)
    }

    fn translate<'a>(
        &self,
        json: &'a str,
        parts: &HashSet<String>,
        received_at: DateTime<Utc>,
    ) -> Result<Option<RawEvent<'a>>, Rejection> {
        let statement = tree::read(json)?;
        check::check(&statement, self.version, parts)?;
        let mut raw = translate::translate(statement, received_at);
        if let Some(id) = self.statement_id {
            let told = raw
                .id
                .as_deref()
                .and_then(|told| Uuid::try_parse(told).ok());
            if told.is_some_and(|told| told != id) {
                let detail = "Leave the id out, or send the one of the parameter statementId.";
                return Err(Rejection::new(Reason::ConflictingMembers, "/id", detail));
            }
            raw.id = Some(id.to_string().into());
        }
        // Statements that have no id get a random one, as the specification
        // has it: the same content may well be stated twice.
        let unnamed = || new_id(received_at).to_string().into();
        raw.id = Some(raw.id.unwrap_or_else(unnamed));
        Ok(Some(raw))
    }

    fn pointer(&self, pointer: &str) -> String {
        match pointer {
            "/type" => "/verb/id",
            "/time" => "/timestamp",
            "/course" => "/context/contextActivities",
            "/session" => "/context/extensions",
            "/content" | "/data/item" | "/data/assessment" | "/data/target" => "/object/id",
            "/context/locale" => "/context/language",
            "/data/thread" => "/context/contextActivities",
            "/data/by" => "/context/instructor",
            "/data/reply_to" => "/object",
            "/data/response" | "/data/value" | "/data/query" => "/result/response",
            "/id" | "/actor" | "/context/platform" => pointer,
            _ => "",
        }
        .to_owned()
    }

    fn takes_repeats(&self) -> bool {
        self.version == Version::V1
    }
}

fn new_id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos());
    Uuid::new_v7(time)
}
