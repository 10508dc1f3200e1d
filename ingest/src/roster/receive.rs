//! The body of a roster: into the store a part at a time, never in memory as a whole.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use runtime::inbox::{Inbox, InboxError, Stored, Upload};
use schemas::TenantId;
use uuid::Uuid;

use super::RosterConfig;
use crate::Config;
use crate::arrival::Arrival;
use crate::error::{Error, Limit};

/// How a zip file begins: with a file, or with the end of an empty one.
const ZIP: [&[u8; 4]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// Refuses a body that is too large by its own account.
pub fn check_length(headers: &HeaderMap, config: &RosterConfig) -> Result<(), Error> {
    let declared = headers.get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    match declared {
        Some(bytes) if bytes > config.max_bytes => {
            Err(Error::TooLarge(Limit::roster(config.max_bytes)))
        }
        _ => Ok(()),
    }
}

/// Receives the bundle of a job into the inbox: it is there whole, or not at all.
///
/// # Errors
/// 400 for what is no zip file or ends early, 408 from a slow client, 413 over the limit,
/// 503 when the store does not take it.
pub async fn receive(
    inbox: &Inbox,
    tenant: &TenantId,
    job: Uuid,
    body: Body,
    config: &Config,
) -> Result<Stored, Error> {
    let mut arrival = Arrival::within(body, config.roster.timeout(), config);
    let first = beginning(&mut arrival).await?;
    if !ZIP.iter().any(|zip| first.starts_with(*zip)) {
        arrival.discard(2 * config.max_body_bytes).await;
        return Err(Error::NotZip);
    }
    let mut upload = inbox.begin(tenant, job).await.map_err(unavailable)?;
    let passed = pass_on(&mut arrival, first, &mut upload, &config.roster).await;
    if let Err(error) = passed {
        upload.abort().await;
        if matches!(error, Error::TooLarge(_)) {
            arrival.discard(2 * config.max_body_bytes).await;
        }
        return Err(error);
    }
    let stored = upload.finish().await.map_err(unavailable)?;
    metrics::counter!("chalkline_ingest_roster_bytes_total").increment(stored.bytes);
    Ok(stored)
}

/// So many bytes that one can see what it is, or all.
async fn beginning(arrival: &mut Arrival) -> Result<Bytes, Error> {
    let mut first = BytesMut::new();
    while first.len() < ZIP[0].len() {
        let Some(chunk) = arrival.next().await? else {
            break;
        };
        first.extend_from_slice(&chunk);
    }
    Ok(first.freeze())
}

async fn pass_on(
    arrival: &mut Arrival,
    first: Bytes,
    upload: &mut Upload,
    config: &RosterConfig,
) -> Result<(), Error> {
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(chunk) = next {
        bytes += chunk.len() as u64;
        if bytes > config.max_bytes {
            return Err(Error::TooLarge(Limit::roster(config.max_bytes)));
        }
        upload.write(&chunk).await.map_err(unavailable)?;
        next = arrival.next().await?;
    }
    Ok(())
}

/// The store cannot now.
pub fn unavailable(error: InboxError) -> Error {
    Error::Store(Box::new(error))
}
