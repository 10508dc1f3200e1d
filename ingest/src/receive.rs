//! The body: what it claims to be, and its bytes within the caps.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, header};

use crate::Config;
use crate::arrival::Arrival;
use crate::error::{Error, Limit};
use crate::inflate::{Compressed, Compression, inflate};
use crate::memory::{Full, Lease};
use crate::turns::{Turn, Turns};

/// How the events stand in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// One JSON value: an event, an array of events or a batch.
    Json,
    /// One event a line.
    Ndjson,
    /// One JSON value in the first of several parts, which `boundary` parts.
    Multipart {
        /// What stands between the parts, without the dashes before it.
        boundary: String,
    },
}

/// A body, all of which has arrived.
pub struct Arrived {
    bytes: Vec<u8>,
    compression: Option<Compression>,
    /// The cap on what it inflates to.
    limit: Limit,
    lease: Lease,
}

/// A body within all caps, inflated.
pub struct Received {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The turn that it had to wait for to be inflated.
    pub turn: Option<Turn>,
    /// Keeps its place in memory until it is answered.
    _lease: Lease,
}

/// Reads the body, which holds its place by the lease.
///
/// # Errors
/// 415 for an encoding that we do not know, 413 over a cap, 408 when the client
/// is too slow, 503 when the memory is full, 400 when the body ends early.
/// Except for 408 and 503 the rest of the body is read and dropped, within
/// limits, so that the client sees the answer.
pub async fn receive(
    headers: &HeaderMap,
    body: Body,
    config: &Config,
    mut lease: Lease,
) -> Result<Arrived, Error> {
    let compression = match compression(headers) {
        Ok(compression) => compression,
        Err(error) => {
            drain(body, config).await;
            return Err(error);
        }
    };
    let limit = match compression {
        None => Limit::body(config.max_body_bytes),
        Some(_) => Limit::compressed(config.max_compressed_bytes),
    };
    let arrival = Arrival::new(body, config);
    let bytes = collect(arrival, declared(headers), limit, &mut lease).await?;
    Ok(Arrived {
        bytes,
        compression,
        limit: Limit::inflated(config.max_body_bytes),
        lease,
    })
}

impl Arrived {
    /// What the body is when it is inflated. A large one waits for its turn.
    ///
    /// # Errors
    /// 413 over the cap, 503 when the memory is full, 400 when it does not inflate.
    pub async fn inflate(self, turns: &Turns) -> Result<Received, Error> {
        let Self { bytes, lease, .. } = self;
        let (bytes, lease, turn) = match self.compression {
            None => (bytes, lease, None),
            Some(compression) => {
                let body = Compressed { compression, bytes };
                inflate(body, self.limit, lease, turns).await?
            }
        };
        Ok(Received {
            bytes,
            turn,
            _lease: lease,
        })
    }
}

/// Reads and drops a body that is refused unseen, so that its sender gets to
/// read why: closing early resets the connection under the answer.
pub async fn drain(body: Body, config: &Config) {
    // Slow or endless, the connection is then closed under it.
    let limit = 2 * config.max_body_bytes;
    Arrival::new(body, config).discard(limit).await;
}

/// How far back repetitions of the events are to be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookUp {
    /// Among what was received within some days.
    Recent,
    /// Among all that is stored.
    Everywhere,
}

impl LookUp {
    /// What the request asks for by its header `chalkline-look-up`.
    pub fn of(headers: &HeaderMap) -> Self {
        match text(headers, HeaderName::from_static("chalkline-look-up")) {
            Some("everywhere") => Self::Everywhere,
            _ => Self::Recent,
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or("not text").trim())
}

/// The media type that the sender says, in small letters and without its
/// parameters; never guessed from the bytes.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let content_type = text(headers, header::CONTENT_TYPE)?;
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    Some(media_type.to_ascii_lowercase())
}

fn compression(headers: &HeaderMap) -> Result<Option<Compression>, Error> {
    let name = text(headers, header::CONTENT_ENCODING).unwrap_or("identity");
    match name.to_ascii_lowercase().as_str() {
        "identity" | "" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Compression::Gzip)),
        "zstd" => Ok(Some(Compression::Zstd)),
        _ => Err(Error::ContentEncoding),
    }
}

/// The length that the sender declares.
fn declared(headers: &HeaderMap) -> Option<usize> {
    text(headers, header::CONTENT_LENGTH)?.parse().ok()
}

async fn collect(
    mut arrival: Arrival,
    declared: Option<usize>,
    limit: Limit,
    lease: &mut Lease,
) -> Result<Vec<u8>, Error> {
    let most = declared.unwrap_or(limit.bytes);
    if most > limit.bytes {
        arrival.discard(2 * limit.bytes).await;
        return Err(Error::TooLarge(limit));
    }
    // What there is no room for now is refused before its first byte is read.
    lease.check(declared.unwrap_or(0)).map_err(overloaded)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = arrival.next().await? {
        let length = bytes.len() + chunk.len();
        if length > limit.bytes {
            drop(bytes);
            arrival.discard(2 * limit.bytes).await;
            return Err(Error::TooLarge(limit));
        }
        if length > bytes.capacity() {
            let capacity = room(length, most);
            lease.grow_to(capacity).map_err(overloaded)?;
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The room for a body of which so much has arrived, of `most` bytes: twice that, so that
/// it is seldom copied. Who declares much and sends nothing keeps nobody out.
fn room(arrived: usize, most: usize) -> usize {
    arrived.saturating_mul(2).min(most).max(arrived)
}

fn overloaded(_: Full) -> Error {
    Error::Overloaded
}
