//! Rosters and catalogues: `POST /v1/roster` takes a bundle of OneRoster for a job that
//! imports it, `POST /v1/catalog` a catalogue, and `GET /v1/roster/jobs` tells how the jobs
//! of both are.
//!
//! | step | file | what it does |
//! |---|---|---|
//! | admit | `roster.rs`, `options.rs`, `slots.rs` | the key, the address, the type, a place among those that come at once |
//! | receive | `receive.rs`, `content.rs` | the body, a part at a time, into the inbox of the tenant |
//! | | `catalog.rs` | in which form a catalogue comes |
//! | promise | `job.rs` | the job, and a notice in the log |
//! | tell | `job.rs` | jobs, and what is wrong with what they import |

mod catalog;
mod config;
mod content;
mod job;
mod options;
mod receive;
mod slots;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use schemas::KeyKind;
use schemas::roster::job::ImportKind;

use self::catalog::Form;
use self::content::Encoding;
use self::options::Options;
use crate::authenticate::{KeyPlace, Sender, authenticate};
use crate::error::{Error, KeyError, Limit};
use crate::receive::media_type;
use crate::service::Door;

pub use self::config::RosterConfig;
pub use self::job::LISTED;
pub use self::options::LONGEST_SOURCE;
pub use self::slots::Slots;

/// The routes.
pub fn routes() -> Router<Arc<Door>> {
    let roster = post(async |door, request| upload(What::Roster, door, request).await);
    let catalog = post(async |door, request| upload(What::Catalog, door, request).await);
    Router::new()
        .route("/v1/roster", roster.layer(DefaultBodyLimit::disable()))
        .route("/v1/catalog", catalog.layer(DefaultBodyLimit::disable()))
        .route("/v1/roster/jobs", get(job::list))
        .route("/v1/roster/jobs/{job}", get(job::show))
        .route(
            "/v1/roster/jobs/{job}/diagnostics.csv",
            get(job::diagnostics),
        )
}

/// What is uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A bundle of OneRoster.
    Roster,
    /// A catalogue.
    Catalog,
}

/// An upload, by what stands before its body.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Announced {
    what: What,
    options: Options,
    encoding: Encoding,
    /// The form of a catalogue, if it is said.
    form: Option<Form>,
}

async fn upload(
    what: What,
    State(door): State<Arc<Door>>,
    request: Request,
) -> Result<impl IntoResponse, Error> {
    let (parts, body) = request.into_parts();
    let admitted = async {
        let sender = sender(&door, &parts).await?;
        let announced = Announced::of(what, &parts)?;
        receive::check_length(&parts.headers, what.limit(&door.config.roster))?;
        let slot = door.uploads.take(&sender.tenant.id)?;
        Ok((sender, announced, slot))
    };
    let (sender, announced, slot) = match admitted.await {
        Ok(admitted) => admitted,
        // Who waits for a word before sending gets it at once.
        Err(error) if parts.headers.contains_key(header::EXPECT) => return Err(error),
        Err(error) => return Err(door.refuse(error, Request::from_parts(parts, body)).await),
    };
    let host = Arc::clone(&door);
    let taken = async move {
        let taken = job::take(&host, &sender, announced, body).await;
        drop(slot);
        taken
    };
    Ok(job::promise(door.see_through(taken).await?))
}

/// Who sends a roster, or asks after one.
async fn sender(door: &Door, parts: &Parts) -> Result<Sender, Error> {
    let sender = authenticate(parts, KeyPlace::Bearer, &door.registry, door.clock.now()).await?;
    if sender.scope.kind == KeyKind::Public {
        return Err(KeyError::PublicRoster.into());
    }
    if !sender.scope.families.is_empty() {
        return Err(KeyError::FamiliesOnly.into());
    }
    Ok(sender)
}

impl What {
    fn kind(self) -> ImportKind {
        match self {
            Self::Roster => ImportKind::Import,
            Self::Catalog => ImportKind::Catalog,
        }
    }

    /// The most bytes of its body.
    fn limit(self, config: &RosterConfig) -> Limit {
        match self {
            Self::Roster => Limit::roster(config.max_bytes),
            Self::Catalog => Limit::catalog(config.max_bytes),
        }
    }
}

impl Announced {
    fn of(what: What, parts: &Parts) -> Result<Self, Error> {
        let options = Options::of(what, &parts.uri)?;
        let encoding = Encoding::of(&parts.headers);
        let (encoding, form) = match what {
            What::Roster if encoding == Some(Encoding::Identity) && is_zip(&parts.headers) => {
                (Encoding::Identity, None)
            }
            What::Roster => return Err(Error::NotZipType),
            What::Catalog => (
                encoding.ok_or(Error::NotCatalogType)?,
                Form::declared(&parts.headers)?,
            ),
        };
        Ok(Self {
            what,
            options,
            encoding,
            form,
        })
    }
}

/// Whether the head says that the body is a zip file.
fn is_zip(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|media_type| catalog::ZIP_TYPES.contains(&&*media_type))
}
