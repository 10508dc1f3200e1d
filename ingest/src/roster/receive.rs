//! The body of an upload: into the store a part at a time, never in memory as a whole.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use runtime::inbox::{Inbox, InboxError, Stored, Upload};
use schemas::TenantId;
use uuid::Uuid;

use super::catalog::{self, Begins};
use super::content::Content;
use super::{Announced, What};
use crate::Config;
use crate::arrival::Arrival;
use crate::error::{Error, Limit};

/// So many bytes show how a body begins, but for those that begin with more blanks.
const BEGINNING: usize = 64;

/// Refuses a body that is too large by its own account.
pub fn check_length(headers: &HeaderMap, limit: Limit) -> Result<(), Error> {
    let declared = headers.get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.trim().parse::<usize>().ok());
    match declared {
        Some(bytes) if bytes > limit.bytes => Err(Error::TooLarge(limit)),
        _ => Ok(()),
    }
}

/// Receives what a job imports into the inbox: it is there whole, or not at all. With the
/// name by which a catalogue is read.
///
/// # Errors
/// 400 for what is not as it was announced or ends early, 408 from a slow client, 413 over
/// the limit, 503 when the store does not take it.
pub async fn receive(
    inbox: &Inbox,
    tenant: &TenantId,
    job: Uuid,
    announced: &Announced,
    body: Body,
    config: &Config,
) -> Result<(Stored, Option<String>), Error> {
    let arrival = Arrival::within(body, config.roster.timeout(), config);
    let mut content = Content::new(arrival, announced.encoding);
    let begun = beginning(&mut content).await;
    let begun = begun.and_then(|first| Ok((announced.name(&first)?, first)));
    let (name, first) = match begun {
        Ok(begun) => begun,
        Err(error) => return Err(refuse(error, content, config).await),
    };
    let mut upload = inbox.begin(tenant, job).await.map_err(unavailable)?;
    let limit = announced.what.limit(&config.roster);
    let passed = pass_on(&mut content, first, &mut upload, limit).await;
    if let Err(error) = passed {
        upload.abort().await;
        return Err(refuse(error, content, config).await);
    }
    let stored = upload.finish().await.map_err(unavailable)?;
    metrics::counter!("chalkline_ingest_roster_bytes_total").increment(stored.bytes);
    Ok((stored, name))
}

impl Announced {
    /// The name by which a catalogue is read that begins so.
    fn name(&self, first: &[u8]) -> Result<Option<String>, Error> {
        let begins = Begins::of(first);
        match self.what {
            What::Roster if begins == Begins::Zip => Ok(None),
            What::Roster => Err(Error::NotZip),
            What::Catalog => catalog::name(self.form, begins, self.options.table).map(Some),
        }
    }
}

/// Reads on, within limits, where the sender is still sending, so that it sees the answer.
async fn refuse(error: Error, content: Content, config: &Config) -> Error {
    let is_over = matches!(
        error,
        Error::BodyTimeout | Error::BodyCutShort(_) | Error::Store(_)
    );
    if !is_over {
        content.discard(2 * config.max_body_bytes).await;
    }
    error
}

/// So many bytes that one can see what it is, or all.
async fn beginning(content: &mut Content) -> Result<Bytes, Error> {
    let mut first = BytesMut::new();
    while first.len() < BEGINNING {
        let Some(chunk) = content.next().await? else {
            break;
        };
        first.extend_from_slice(&chunk);
    }
    Ok(first.freeze())
}

async fn pass_on(
    content: &mut Content,
    first: Bytes,
    upload: &mut Upload,
    limit: Limit,
) -> Result<(), Error> {
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(chunk) = next {
        bytes += chunk.len();
        if bytes > limit.bytes {
            return Err(Error::TooLarge(limit));
        }
        upload.write(&chunk).await.map_err(unavailable)?;
        next = content.next().await?;
    }
    Ok(())
}

/// The store cannot now.
pub fn unavailable(error: InboxError) -> Error {
    Error::Store(Box::new(error))
}
