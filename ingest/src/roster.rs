//! Rosters: `POST /v1/roster` takes a bundle of OneRoster for a job that imports it, and
//! `GET /v1/roster/jobs` tells how the jobs are.
//!
//! | step | file | what it does |
//! |---|---|---|
//! | admit | `roster.rs`, `slots.rs` | the key, the type, a place among those that come at once |
//! | receive | `receive.rs` | the body, a part at a time, into the inbox of the tenant |
//! | promise | `job.rs` | the job, and a notice in the log |
//! | tell | `job.rs` | jobs, and what is wrong with their bundles |

mod config;
mod job;
mod receive;
mod slots;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use schemas::KeyKind;

use crate::authenticate::{KeyPlace, Sender, authenticate};
use crate::error::{Error, KeyError};
use crate::receive::media_type;
use crate::service::Door;

pub use self::config::RosterConfig;
pub use self::slots::Slots;

/// The longest name of what is imported, in bytes.
const LONGEST_SOURCE: usize = 200;

/// The routes.
pub fn routes() -> Router<Arc<Door>> {
    Router::new()
        .route(
            "/v1/roster",
            post(upload).layer(DefaultBodyLimit::disable()),
        )
        .route("/v1/roster/jobs", get(job::list))
        .route("/v1/roster/jobs/{job}", get(job::show))
        .route(
            "/v1/roster/jobs/{job}/diagnostics.csv",
            get(job::diagnostics),
        )
}

/// What is asked of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Options {
    /// What it is called.
    source: String,
    /// Whether it is taken although it ends more than it may.
    forced: bool,
}

async fn upload(
    State(door): State<Arc<Door>>,
    request: Request,
) -> Result<impl IntoResponse, Error> {
    let (parts, body) = request.into_parts();
    let admitted = async {
        let sender = sender(&door, &parts).await?;
        let options = Options::of(&parts.uri)?;
        if !is_zip(&parts.headers) {
            return Err(Error::NotZipType);
        }
        receive::check_length(&parts.headers, &door.config.roster)?;
        let slot = door.uploads.take(&sender.tenant.id)?;
        Ok((sender, options, slot))
    };
    let (sender, options, slot) = match admitted.await {
        Ok(admitted) => admitted,
        // Who waits for a word before sending gets it at once.
        Err(error) if parts.headers.contains_key(header::EXPECT) => return Err(error),
        Err(error) => return Err(door.refuse(error, Request::from_parts(parts, body)).await),
    };
    let host = Arc::clone(&door);
    let taken = async move {
        let taken = job::take(&host, &sender, options, body).await;
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

/// Whether the head says that the body is a zip file as it is.
fn is_zip(headers: &HeaderMap) -> bool {
    let encoded = headers.get(header::CONTENT_ENCODING);
    let media_type = media_type(headers);
    let types = ["application/zip", "application/x-zip-compressed"];
    encoded.is_none_or(|encoding| encoding == "identity")
        && media_type.is_some_and(|media_type| types.contains(&media_type.as_str()))
}

impl Options {
    fn of(uri: &Uri) -> Result<Self, Error> {
        let parameters = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let parameters = parameters
            .map_err(|_| Error::Parameter("Write the parameters as name=value, joined by &."))?;
        let mut options = Self {
            source: "upload".to_owned(),
            forced: false,
        };
        for (name, value) in parameters.0 {
            match name.as_str() {
                "source" if is_name(&value) => options.source = value,
                "source" => {
                    return Err(Error::Parameter(
                        "Send as source a name of at most 200 bytes that people can read.",
                    ));
                }
                "force" => {
                    options.forced = value
                        .parse()
                        .map_err(|_| Error::Parameter("Send as force true or false."))?;
                }
                _ => return Err(Error::Parameter("The parameters are source and force.")),
            }
        }
        Ok(options)
    }
}

fn is_name(text: &str) -> bool {
    (1..=LONGEST_SOURCE).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing("", Some(("upload", false)))]
    #[case::both("?source=PowerSchool%20nightly&force=true", Some(("PowerSchool nightly", true)))]
    #[case::not_forced("?force=false", Some(("upload", false)))]
    #[case::unsure("?force=yes", None)]
    #[case::empty("?source=", None)]
    #[case::two_lines("?source=a%0Ab", None)]
    #[case::other("?dry_run=true", None)]
    fn the_parameters_are_a_name_and_whether_to_force(
        #[case] query: &str,
        #[case] expected: Option<(&str, bool)>,
    ) {
        let uri = format!("/v1/roster{query}").parse().expect("an address");
        let expected = expected.map(|(source, forced)| Options {
            source: source.to_owned(),
            forced,
        });
        assert_eq!(Options::of(&uri).ok(), expected);
    }
}
